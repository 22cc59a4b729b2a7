from datetime import UTC, datetime, timedelta

import pytest

from iwf_py.core.events import Signalled, Started
from iwf_py.core.looks import outcome
from iwf_py.errors import ExecutionParkedError, WorkflowNotExistsError, WorkflowStillRunningError
from iwf_py.model.ids import WorkflowKey
from iwf_py.model.requests import RunAddress, StartRequest
from iwf_py.scheduling.cron import CronCalendar
from iwf_py.testing.futures import DrivenFuture
from iwf_py.testing.runs import Runs, Waiter

NOON = datetime(2025, 6, 1, 12, tzinfo=UTC)


def opened(runs, workflow_id="w", run_id="r1"):
    runs.turn(None, Started(at=NOON, request=StartRequest(workflow_id=workflow_id, workflow_type="T"), run_id=run_id))
    return runs.find(RunAddress(workflow_id=workflow_id))


def test_an_event_that_no_host_may_send_parks_the_run():
    """
    An event from before the last one is a bug of the host: the run is held apart, refuses, and tells who waits; the others go on.
    """
    runs = Runs(lambda run, effects: None, CronCalendar().next_tick)
    run, other = opened(runs), opened(runs, "x", "r2")

    waiter = DrivenFuture(lambda is_done: None, lambda: WorkflowStillRunningError())
    runs.wait(run, Waiter(outcome("r1"), waiter))

    with pytest.raises(ExecutionParkedError):
        runs.turn(run, Signalled(at=NOON - timedelta(seconds=1), channel_name="c"))
    with pytest.raises(ExecutionParkedError, match="parked"):
        runs.turn(run, Signalled(at=NOON, channel_name="c"))
    runs.turn(other, Signalled(at=NOON, channel_name="c"))

    assert isinstance(waiter.exception(), ExecutionParkedError)
    assert any("parked" in problem for problem in run.problems())
    assert other.record.seq == 2
    assert list(other.problems()) == []


def test_runs_are_found_by_their_own_id_and_by_their_workflow_id():
    """
    The latest is found without a run id; what is not there is an error.
    """
    runs = Runs(lambda run, effects: None, CronCalendar().next_tick)
    run = opened(runs)

    assert runs.find(RunAddress(workflow_id="w", run_id="r1")) is run
    assert runs.latest(WorkflowKey("default", "w")) is run
    assert runs.latest(WorkflowKey("other", "w")) is None
    with pytest.raises(WorkflowNotExistsError):
        runs.find(RunAddress(workflow_id="w", run_id="r2"))
    with pytest.raises(WorkflowNotExistsError):
        runs.find(RunAddress(workflow_id="w", namespace="other"))
