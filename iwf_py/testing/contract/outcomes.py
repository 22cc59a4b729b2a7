"""How a run has ended and what its states gave, told without raising: of completed, failed and stopped runs alike."""

from __future__ import annotations

import pytest

from iwf_py.authoring.workflow_options import StopWorkflowOptions
from iwf_py.errors import (
    WorkflowFailed,
    WorkflowStillRunningError,
)
from iwf_py.model.status import WorkflowErrorType, WorkflowStatus, WorkflowStopType
from iwf_py.testing.contract.host import ContractHost
from iwf_py.testing.contract.needs import Capability, needs
from iwf_py.testing.contract.waits import RETRIED, Hiking, Walk, say

WORKFLOWS = ()


@pytest.mark.parametrize(
    ("how", "status", "error_type", "results"),
    [
        ("graceful", WorkflowStatus.COMPLETED, None, ["Walk-1", "Walk-2"]),
        (
            "fail",
            WorkflowStatus.FAILED,
            WorkflowErrorType.STATE_DECISION_FAILING_WORKFLOW_ERROR_TYPE,
            ["Walk-1", "Walk-2"],
        ),
        (
            WorkflowStopType.FAIL,
            WorkflowStatus.FAILED,
            WorkflowErrorType.CLIENT_API_FAILING_WORKFLOW_ERROR_TYPE,
            ["Walk-1"],
        ),
        (WorkflowStopType.CANCEL, WorkflowStatus.CANCELED, None, ["Walk-1"]),
        (WorkflowStopType.TERMINATE, WorkflowStatus.TERMINATED, None, ["Walk-1"]),
    ],
)
def test_an_outcome_tells_what_was_collected_however_the_run_ended(
    host: ContractHost,
    how: str | WorkflowStopType,
    status: WorkflowStatus,
    error_type: WorkflowErrorType | None,
    results: list[str],
):
    """
    No way of ending is an error of asking; the outputs are those that were given until then.
    """
    host.start(Hiking, "w", ["", ""])
    say(host, "graceful")
    with pytest.raises(WorkflowStillRunningError):
        host.client.get_workflow_outcome("w")

    if isinstance(how, WorkflowStopType):
        host.client.stop_workflow("w", StopWorkflowOptions(how, "enough"))
    else:
        say(host, how)

    outcome = host.client.wait_for_workflow_outcome("w")
    assert (outcome.status, outcome.error_type) == (status, error_type)
    assert outcome.is_completed is (status is WorkflowStatus.COMPLETED)
    assert outcome.results(str) == results
    assert outcome.results(str, state=Walk) == results
    assert outcome.result(state="Split") is None
    host.restart()
    assert host.client.get_workflow_outcome("w") == outcome
    assert host.client.get(Hiking, "w").outcome() == outcome


def test_the_outcome_of_an_exhausted_run_has_what_was_collected(host: ContractHost):
    """
    A state that fails for good takes nothing back of what others gave; the error carries it as well.
    """
    host.start(Hiking, "w", ["", ""])
    say(host, "graceful", "nonsense")
    host.client.signal_workflow("w", "end")

    outcome = host.client.wait_for_workflow_outcome("w")

    assert outcome.error_type is WorkflowErrorType.STATE_API_FAIL_ERROR_TYPE
    assert outcome.result(str) == "Walk-1"
    with pytest.raises(WorkflowFailed) as caught:
        host.client.wait_for_workflow_results("w")
    assert host.client.decode_outputs(caught.value.outputs, str) == ["Walk-1"]


@needs(Capability.CLOCK)
def test_an_older_run_of_a_chain_has_an_outcome_of_its_own(host: ContractHost):
    """
    Asked for without waiting, a run that failed and is retried answers as it ended, at once; waiting follows its retry.

    Source:
        The iWF protocol's section on get, and its mended defect of the older run that waits for its successors.
    """
    first = host.start(Hiking, "w", [""], options=RETRIED)
    say(host, "fail")

    outcome = host.client.get_workflow_outcome("w", workflow_run_id=first)

    assert (outcome.run_id, outcome.status, outcome.result(str)) == (first, WorkflowStatus.FAILED, "Walk-1")
    with pytest.raises(WorkflowFailed):
        host.client.get_workflow_results("w", workflow_run_id=first)
    host.advance(10)
    say(host, "graceful")
    assert host.client.wait_for_workflow_outcome("w", workflow_run_id=first).status is WorkflowStatus.COMPLETED
    assert host.client.get_workflow_outcome("w", workflow_run_id=first).status is WorkflowStatus.FAILED
