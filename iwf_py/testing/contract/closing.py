"""How a run is ended from outside: stopped by a client, or by its timeout."""

from __future__ import annotations

import pytest

from iwf_py.authoring.workflow_options import StopWorkflowOptions
from iwf_py.errors import (
    WorkflowAbnormalExitError,
    WorkflowCanceled,
    WorkflowFailed,
    WorkflowNotExistsError,
    WorkflowStillRunningError,
    WorkflowTerminated,
    WorkflowTimeout,
)
from iwf_py.model.status import WorkflowErrorType, WorkflowStatus, WorkflowStopType
from iwf_py.testing.contract.host import ContractHost
from iwf_py.testing.contract.listening import Listener, all_of, any_of, internal, signal, timer
from iwf_py.testing.contract.needs import Capability, needs

WORKFLOWS = ()

STOPS = {
    WorkflowStopType.CANCEL: (WorkflowStatus.CANCELED, WorkflowCanceled),
    WorkflowStopType.TERMINATE: (WorkflowStatus.TERMINATED, WorkflowTerminated),
    WorkflowStopType.FAIL: (WorkflowStatus.FAILED, WorkflowFailed),
}


def stop(host: ContractHost, how: WorkflowStopType, workflow_id: str = "w") -> None:
    host.client.stop_workflow(workflow_id, StopWorkflowOptions(how, "the reason"))


@pytest.mark.parametrize("how", list(STOPS))
def test_a_client_stops_a_run(host: ContractHost, how: WorkflowStopType):
    """
    Each way of stopping has its status, and its error for those who wait.
    """
    status, error = STOPS[how]
    host.start(Listener, "w", [any_of(signal("a"))])

    stop(host, how)

    assert host.status("w") is status
    with pytest.raises(error) as caught:
        host.client.wait_for_workflow_completion("w")
    assert caught.value.workflow_status is status


def test_who_waits_already_is_told(host: ContractHost):
    """
    A waiter is answered by the stop, whenever it began to wait.
    """
    host.start(Listener, "w", [any_of(signal("a"))])
    address = host.description("w")
    waiter = host.service.wait(host.address("w"))

    stop(host, WorkflowStopType.CANCEL)

    assert waiter.result(30).status is WorkflowStatus.CANCELED
    assert waiter.result(30).run_id == address.run_id


def test_a_failed_stop_tells_its_reason(host: ContractHost):
    """
    FAIL carries the caller's words to those who wait.
    """
    host.start(Listener, "w", [any_of(signal("a"))])

    stop(host, WorkflowStopType.FAIL)

    result = host.result("w")
    assert result.error_type is WorkflowErrorType.CLIENT_API_FAILING_WORKFLOW_ERROR_TYPE
    assert result.error_message == "the reason"


@needs(Capability.DESCRIBE)
def test_a_failed_stop_keeps_what_was_given(host: ContractHost):
    """
    Outputs collected before a client fails the run are its results, here and after another start of the engine.
    """
    host.start(Listener, "w", [any_of(timer(0)), any_of(signal("a"))])
    assert list(host.states("w")) == ["Listen-2"]

    stop(host, WorkflowStopType.FAIL)
    host.settle()
    host.restart()

    result = host.result("w")
    assert result.status is WorkflowStatus.FAILED
    assert [output.state_execution_id for output in result.outputs] == ["Listen-1"]
    assert host.outputs("w")[0]["timers"] == ["FIRED"]


def test_cancel_is_the_default(host: ContractHost):
    """
    Stopped without a word, a run is cancelled.
    """
    host.start(Listener, "w", [any_of(signal("a"))])

    host.client.stop_workflow("w")

    assert host.status("w") is WorkflowStatus.CANCELED


@pytest.mark.parametrize("how", list(STOPS))
def test_stopping_an_unknown_run_is_refused(host: ContractHost, how: WorkflowStopType):
    """
    There is nothing to stop.
    """
    with pytest.raises(WorkflowNotExistsError):
        stop(host, how, "unknown")


def test_stopping_a_closed_run(host: ContractHost):
    """
    CANCEL of a closed run does nothing; TERMINATE and FAIL of one are refused.
    """
    host.start(Listener, "w", [any_of(timer(0))])

    stop(host, WorkflowStopType.CANCEL)
    for how in (WorkflowStopType.TERMINATE, WorkflowStopType.FAIL):
        with pytest.raises(WorkflowNotExistsError):
            stop(host, how)

    assert host.status("w") is WorkflowStatus.COMPLETED


@needs(Capability.CLOCK, Capability.DESCRIBE)
def test_a_closed_run_keeps_what_was_executing(host: ContractHost):
    """
    Its description still names the state executions that were open when it closed.
    """
    host.start(Listener, "w", [any_of(signal("a")), any_of(signal("a")), any_of(timer(100))])
    host.client.signal_workflow("w", "a", "x")
    host.settle()

    stop(host, WorkflowStopType.TERMINATE)

    description = host.description("w")
    assert description.executing_state_ids == ("Listen-2", "Listen-3")
    assert description.closed_at == host.clock.now()


@needs(Capability.CLOCK, Capability.HISTORY)
def test_nothing_happens_to_a_closed_run(host: ContractHost):
    """
    Timers that were waiting fire no more; its history ends with its close.
    """
    host.start(Listener, "w", [any_of(timer(10))])
    stop(host, WorkflowStopType.CANCEL)
    before = host.kinds("w")

    host.advance(100)

    assert host.kinds("w") == before == ["Started", "ExecuteReturned", "WaitUntilReturned", "StopRequested"]


@needs(Capability.CLOCK)
def test_a_run_times_out_at_its_instant(host: ContractHost):
    """
    TIMEOUT comes when the whole time is over, not before.
    """
    host.start(Listener, "w", [all_of(signal("a"), internal("b"))], timeout=60)
    host.client.signal_workflow("w", "a", "x")

    host.advance(59.999)
    assert host.status("w") is WorkflowStatus.RUNNING
    host.advance(0.001)

    assert host.status("w") is WorkflowStatus.TIMEOUT
    with pytest.raises(WorkflowTimeout):
        host.client.wait_for_workflow_completion("w")


@needs(Capability.CLOCK, Capability.DESCRIBE)
@pytest.mark.parametrize("timeout", [0, None])
def test_a_run_may_have_no_timeout(host: ContractHost, timeout: int | None):
    """
    Zero, as None, is no timeout.
    """
    host.start(Listener, "w", [any_of(signal("a"))], timeout=timeout)

    host.advance("3000d")

    assert host.status("w") is WorkflowStatus.RUNNING
    assert host.description("w").deadline is None


@needs(Capability.CLOCK)
def test_a_timeout_outlives_the_engine(host: ContractHost):
    """
    A deadline stands, whichever engine it was set by.
    """
    host.start(Listener, "w", [any_of(signal("a"))], timeout=60)
    host.advance(50)

    host.restart()
    host.advance(9)
    assert host.status("w") is WorkflowStatus.RUNNING
    host.advance(1)

    assert host.status("w") is WorkflowStatus.TIMEOUT


@needs(Capability.CLOCK)
def test_a_timer_before_the_deadline_comes_first(host: ContractHost):
    """
    However much time passes at once, what is due earlier happens earlier.
    """
    host.start(Listener, "w", [any_of(timer(59))], timeout=60)
    host.start(Listener, "x", [any_of(timer(61))], timeout=60)

    host.advance(3600)

    assert host.status("w") is WorkflowStatus.COMPLETED
    assert host.status("x") is WorkflowStatus.TIMEOUT


def test_waiting_has_an_end(host: ContractHost):
    """
    Who waits longer than it wants is told that the run is still running.
    """
    host.start(Listener, "w", [any_of(signal("a"))])

    with pytest.raises(WorkflowStillRunningError):
        host.client.wait_for_workflow_completion("w", timeout=0.01)

    assert host.status("w") is WorkflowStatus.RUNNING


def test_waiting_for_an_unknown_run_is_refused_at_once(host: ContractHost):
    """
    Nobody waits for what is not there.
    """
    with pytest.raises(WorkflowNotExistsError):
        host.client.wait_for_workflow_completion("unknown")


def test_closed_runs_outlive_the_engine(host: ContractHost):
    """
    How a run ended, and with what, can be read from another engine.
    """
    host.start(Listener, "done", [any_of(timer(0))])
    host.start(Listener, "failed", [any_of(signal("a"))])
    stop(host, WorkflowStopType.FAIL, "failed")

    host.restart()

    assert host.output("done")["timers"] == ["FIRED"]
    with pytest.raises(WorkflowAbnormalExitError, match="the reason"):
        host.client.wait_for_workflow_completion("failed")
