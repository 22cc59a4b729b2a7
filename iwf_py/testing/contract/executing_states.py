"""IwfExecutingStateIds: the built-in search attribute of the states that are open, in its three modes."""

from __future__ import annotations

import pytest

from iwf_py.authoring.communication_schema import CommunicationMethod, CommunicationSchema
from iwf_py.authoring.state_decision import StateDecision
from iwf_py.authoring.state_schema import StateSchema
from iwf_py.authoring.workflow import ObjectWorkflow
from iwf_py.authoring.workflow_options import StopWorkflowOptions, WorkflowOptions
from iwf_py.authoring.workflow_state import WorkflowState
from iwf_py.model.commands import CommandRequest, SignalChannelCommand
from iwf_py.model.options import WorkflowConfig
from iwf_py.model.status import ExecutingStateIdMode, WorkflowStopType
from iwf_py.testing.contract.host import ContractHost


class Branch(WorkflowState[None]):
    """Opens two that wait, one of them twice."""

    def execute(self, ctx, input, command_results, persistence, communication):
        return StateDecision.multi_next_states(WaitHere, WaitHere, WaitThere)


class WaitHere(WorkflowState[None]):
    """Waits for the word here, then goes on to a state that does not wait."""

    def wait_until(self, ctx, input, persistence, communication):
        return CommandRequest.for_all_command_completed(SignalChannelCommand.by_name("here"))

    def execute(self, ctx, input, command_results, persistence, communication):
        return StateDecision.single_next_state(Rush)


class WaitThere(WorkflowState[None]):
    """Waits for the word there, then ends its thread."""

    def wait_until(self, ctx, input, persistence, communication):
        return CommandRequest.for_all_command_completed(SignalChannelCommand.by_name("there"))

    def execute(self, ctx, input, command_results, persistence, communication):
        return StateDecision.dead_end


class Rush(WorkflowState[None]):
    """Has no wait_until; never succeeds, and is tried again after a while."""

    def execute(self, ctx, input, command_results, persistence, communication):
        raise ValueError("not yet")


class Branching(ObjectWorkflow):
    """Several states at once."""

    def get_workflow_states(self):
        return StateSchema.with_starting_state(Branch(), WaitHere(), WaitThere(), Rush())

    def get_communication_schema(self):
        return CommunicationSchema.create(
            CommunicationMethod.signal_channel_def("here", None), CommunicationMethod.signal_channel_def("there", None)
        )


WORKFLOWS = (Branching(),)

ALL = ExecutingStateIdMode.ENABLED_FOR_ALL
WAITING = ExecutingStateIdMode.ENABLED_FOR_STATES_WITH_WAIT_UNTIL
DISABLED = ExecutingStateIdMode.DISABLED


def listed(host: ContractHost, workflow_id: str) -> list[str] | None:
    """Read the attribute; None where it is not there."""
    found = host.client.get_workflow_search_attributes(
        Branching, workflow_id, ["IwfWorkflowType", "IwfExecutingStateIds"]
    )
    assert found.pop("IwfWorkflowType") == "Branching"
    return found.get("IwfExecutingStateIds")


def begin(host: ContractHost, workflow_id: str, mode: ExecutingStateIdMode | None) -> None:
    """Have a run wait in two states."""
    config = None if mode is None else WorkflowConfig(executing_state_id_mode=mode)
    host.start(Branching, workflow_id, options=WorkflowOptions(workflow_config_override=config))


@pytest.mark.parametrize(
    ("mode", "waiting", "rushing"),
    [
        (None, ["WaitHere", "WaitThere"], ["WaitHere"]),
        (WAITING, ["WaitHere", "WaitThere"], ["WaitHere"]),
        (ALL, ["WaitHere", "WaitThere"], ["Rush", "WaitHere"]),
        (DISABLED, None, None),
    ],
)
def test_executing_states_are_listed_by_mode(
    host: ContractHost, mode: ExecutingStateIdMode | None, waiting: list[str] | None, rushing: list[str] | None
):
    """
    Each state once, sorted; which of them, the run's settings say. A closed run keeps what it was when it closed.
    """

    def check(expected: list[str] | None) -> None:
        for _ in range(2):
            assert listed(host, "w") == expected
            for state_id in ("WaitHere", "WaitThere", "Rush"):
                query = f"IwfExecutingStateIds = '{state_id}'"
                assert host.found(query) == (["w"] if state_id in (expected or []) else [])
                has_others = expected is not None and state_id not in expected
                assert host.found(f"IwfExecutingStateIds != '{state_id}'") == (["w"] if has_others else [])
            assert host.found("IwfExecutingStateIds STARTS_WITH 'Wait'") == (["w"] if expected else [])
            assert host.found("IwfExecutingStateIds IS NULL") == ([] if expected else ["w"])
            host.restart()

    begin(host, "w", mode)
    check(waiting)
    host.client.signal_workflow("w", "there")
    host.client.signal_workflow("w", "here")
    host.settle()
    check(rushing)
    host.client.stop_workflow("w")
    host.settle()
    check(rushing)
    assert host.client.get_all_search_attributes(Branching, "w") == {}


def test_the_mode_may_be_changed(host: ContractHost):
    """
    From then on it is the new mode that says what is listed, of the states that are open, too.
    """
    begin(host, "w", DISABLED)
    assert listed(host, "w") is None

    for mode, expected in ((ALL, ["WaitHere", "WaitThere"]), (DISABLED, None), (WAITING, ["WaitHere", "WaitThere"])):
        host.client.update_workflow_config("w", WorkflowConfig(executing_state_id_mode=mode))
        host.settle()
        host.restart()
        assert listed(host, "w") == expected
        assert host.found("IwfExecutingStateIds = 'WaitHere'") == (["w"] if expected else [])


def test_each_run_of_an_id_is_listed_by_itself(host: ContractHost):
    """
    What was open in the run before is not open in this one.
    """
    begin(host, "w", None)
    host.client.stop_workflow("w", StopWorkflowOptions(WorkflowStopType.TERMINATE))
    begin(host, "w", DISABLED)
    host.settle()

    assert host.found("IwfExecutingStateIds = 'WaitHere' AND ExecutionStatus = 'Terminated'") == ["w"]
    assert host.found("IwfExecutingStateIds = 'WaitHere' AND ExecutionStatus = 'Running'") == []
