"""Settings of a run: laid over the defaults at its start, and changed while it is open."""

from __future__ import annotations

import pytest

from iwf_py.authoring.rpc import rpc
from iwf_py.authoring.workflow import ObjectWorkflow
from iwf_py.authoring.workflow_options import WorkflowOptions
from iwf_py.errors import WorkflowNotExistsError
from iwf_py.model.options import WorkflowConfig
from iwf_py.model.status import ExecutingStateIdMode
from iwf_py.testing.contract.host import ContractHost
from iwf_py.testing.contract.needs import Capability, needs


class Configured(ObjectWorkflow):
    """Lives by its RPCs alone."""

    @rpc()
    def ping(self) -> str:
        return "pong"


WORKFLOWS = (Configured(),)


@needs(Capability.DESCRIBE)
def test_a_start_lays_settings_over_the_defaults(host: ContractHost):
    """
    What a start says of its settings is what the run has.
    """
    config = WorkflowConfig(continue_as_new_threshold=7)
    host.start(Configured, "w", options=WorkflowOptions(workflow_config_override=config))

    assert host.description("w").config == config


@needs(Capability.DESCRIBE, Capability.HISTORY)
def test_settings_are_changed_one_by_one(host: ContractHost):
    """
    An update changes what it names, and leaves the rest; it outlives the engine.
    """
    before = WorkflowConfig(continue_as_new_threshold=7, executing_state_id_mode=ExecutingStateIdMode.DISABLED)
    host.start(Configured, "w", options=WorkflowOptions(workflow_config_override=before))

    host.client.update_workflow_config(
        "w", WorkflowConfig(executing_state_id_mode=ExecutingStateIdMode.ENABLED_FOR_ALL)
    )
    host.settle()
    host.restart()

    assert host.description("w").config == WorkflowConfig(
        continue_as_new_threshold=7, executing_state_id_mode=ExecutingStateIdMode.ENABLED_FOR_ALL
    )
    assert host.kinds("w") == ["Started", "ConfigUpdated"]


@needs(Capability.HISTORY)
def test_an_update_that_changes_nothing_is_no_event(host: ContractHost):
    """
    What a run has already is not written again.
    """
    config = WorkflowConfig(optimize_timer=True)
    host.start(Configured, "w", options=WorkflowOptions(workflow_config_override=config))

    host.client.update_workflow_config("w", config)

    assert host.kinds("w") == ["Started"]


def test_a_closed_run_has_its_settings_for_good(host: ContractHost):
    """
    Settings of a run that has closed cannot be changed.
    """
    host.start(Configured, "w")
    host.client.stop_workflow("w")
    host.settle()

    with pytest.raises(WorkflowNotExistsError):
        host.client.update_workflow_config("w", WorkflowConfig(optimize_timer=True))
