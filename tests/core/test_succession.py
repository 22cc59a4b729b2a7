"""How runs are stopped, and what follows a run that failed."""

from __future__ import annotations

from datetime import timedelta

import pytest

from iwf_py.core.changes import ExecutionClosed, Succeeded
from iwf_py.core.effects import Accepted, SetTimer
from iwf_py.core.events import RUN_TIMERS, START_DELAY
from iwf_py.core.views import result
from iwf_py.errors import WorkflowNotExistsError
from iwf_py.model.ids import successor_run_id
from iwf_py.model.options import Chain, WorkflowRetryPolicy
from iwf_py.model.status import WorkflowErrorType, WorkflowStatus, WorkflowStopType
from tests.core.machine import NOON, Machine, sealed, to

CANCEL, TERMINATE, FAIL = WorkflowStopType.CANCEL, WorkflowStopType.TERMINATE, WorkflowStopType.FAIL
RETRY = WorkflowRetryPolicy(initial_interval_seconds=5, maximum_attempts=3)


@pytest.mark.parametrize(("how", "status"), [(CANCEL, WorkflowStatus.CANCELED), (TERMINATE, WorkflowStatus.TERMINATED)])
def test_a_run_is_stopped(how: WorkflowStopType, status: WorkflowStatus):
    """
    It ends at once, without an error type; what was open is named.
    """
    machine = Machine(to("A"))

    machine.stop(how, "because")

    assert machine.run.status is status
    assert machine.run.closed == ExecutionClosed(at=NOON, status=status, executing=("A-1",))


@pytest.mark.parametrize(
    ("reason", "message"),
    [("because", "because"), ("", None), (None, None), ("sch\u00f6n", "sch\u00f6n"), ("a\udcff", "a\\udcff")],
    ids=["reason", "empty", "none", "umlaut", "no text"],
)
def test_a_client_fails_a_run(reason: str | None, message: str | None):
    """
    FAILED, by the client, with its reason; what had been collected stays.
    """
    machine = Machine(to("Start"))
    machine.decides("Start-1", "A", "B")
    machine.completes("A-1", sealed("a"))

    machine.stop(FAIL, reason)

    found = result(machine.run)
    assert found.status is WorkflowStatus.FAILED
    assert found.error_type is WorkflowErrorType.CLIENT_API_FAILING_WORKFLOW_ERROR_TYPE
    assert found.error_message == message
    assert len(found.outputs) == 1


def test_stopping_a_closed_run():
    """
    CANCEL does nothing, TERMINATE and FAIL are refused.
    """
    machine = Machine(to("A"))
    machine.forces("A-1")

    machine.stop(CANCEL)
    assert machine.is_accepted
    machine.stop(TERMINATE)
    assert isinstance(machine.error, WorkflowNotExistsError)
    machine.stop(FAIL)

    assert isinstance(machine.error, WorkflowNotExistsError)
    assert machine.run.status is WorkflowStatus.COMPLETED


def test_a_closed_run_takes_no_more():
    """
    A client's write is refused, an inner event is dropped; the record stays as it is.
    """
    machine = Machine(to("A"))
    number = machine.number("A-1")
    machine.forces("A-1")

    machine.signal("s")
    assert isinstance(machine.error, WorkflowNotExistsError)
    machine.publish(("i", "x"))
    assert isinstance(machine.error, WorkflowNotExistsError)
    machine.set(k="1")
    assert isinstance(machine.error, WorkflowNotExistsError)
    machine.fire_at(number, 0)

    assert machine.is_dropped


def test_a_closed_record_keeps_attributes_outputs_and_what_was_opened():
    """
    States, messages and all other indexes go with the close.
    """
    machine = Machine(to("Start"), attributes=(("k", sealed("1")),))
    machine.decides("Start-1", "A", "B")
    machine.signal("s")

    machine.forces("A-1", sealed("out"))

    run = machine.run
    assert list(run.attributes) == ["k"]
    assert len(run.outputs) == 1
    for gone in (run.states, run.channels, run.locks, run.rpcs, run.timed):
        assert len(gone) == 0
    assert dict(run.ordinals.items()) == {"Start": 1, "A": 1, "B": 1}
    machine.check_history()


def test_a_failed_run_is_followed_by_its_retry():
    """
    A change names the run that follows: same request, later by the backoff, one attempt more, in one chain.
    """
    machine = Machine(to("A"), retry=RETRY, timeout=timedelta(minutes=1), attributes=(("k", sealed("1")),))
    machine.later(2)

    machine.fails("A-1", sealed("why"))

    assert [type(change).__name__ for change in machine.turn.changes] == ["StateLeft", "ExecutionClosed", "Succeeded"]
    successor = machine.run.successor
    assert successor.is_retry
    assert successor.next.run_id == successor_run_id("run-1", machine.now)
    assert successor.next.request.start_delay == timedelta(seconds=5)
    assert successor.next.chain == Chain(
        first_run_id="run-1",
        run_attempt=2,
        deadline=NOON + timedelta(minutes=1),
        previous_run_id="run-1",
        reason="retry",
    )
    machine.check_history()


def test_the_retry_begins_after_its_backoff():
    """
    Opened by what the change says, it waits for the backoff, keeps the chain's deadline, and starts as the first run did.
    """
    machine = Machine(to("A"), retry=RETRY, timeout=timedelta(minutes=1), attributes=(("k", sealed("1")),))
    machine.set(k="2")
    machine.fails("A-1")
    following = machine.run.successor.next

    machine.record = None
    machine.advance(following)

    assert machine.open == {"A-1": "DELAYED"}
    assert machine.turn.effects == (SetTimer(NOON + timedelta(minutes=1)), SetTimer(NOON + timedelta(seconds=5)))
    assert machine.run.attributes["k"].value == sealed("1")
    machine.later(5)
    machine.fire_at(RUN_TIMERS, START_DELAY)
    assert machine.calls == ["A-1 EXECUTE"]


def test_the_attempts_of_a_chain_come_to_an_end():
    """
    The third run of three is the last; the backoff has doubled before it.
    """
    machine = Machine(to("A"), retry=RETRY)
    backoffs = []
    for _ in range(3):
        machine.stop(FAIL)
        successor = machine.run.successor
        if successor is None:
            break
        backoffs.append(successor.next.request.start_delay.total_seconds())
        machine.record = None
        machine.advance(successor.next)

    assert backoffs == [5, 10]
    assert machine.run.chain.run_attempt == 3
    assert machine.run.chain.first_run_id == "run-1"
    assert machine.run.status is WorkflowStatus.FAILED


def test_the_deadline_of_the_chain_forbids_a_retry():
    """
    A retry that could only begin at or after the deadline does not begin.
    """
    machine = Machine(to("A"), retry=RETRY, timeout=timedelta(seconds=7))
    machine.later(2)

    machine.fails("A-1")

    assert machine.run.successor is None


@pytest.mark.parametrize("how", [CANCEL, TERMINATE])
def test_a_stopped_run_is_not_retried(how: WorkflowStopType):
    """
    Only FAILED is retried, for whatever reason.
    """
    machine = Machine(to("A"), retry=RETRY)

    machine.stop(how)

    assert machine.run.successor is None


def test_a_timed_out_run_is_not_retried():
    """
    The timeout spans the whole chain.
    """
    machine = Machine(to("A"), retry=RETRY, timeout=timedelta(seconds=60))
    machine.later(60)

    machine.signal("s")

    assert machine.run.status is WorkflowStatus.TIMEOUT
    assert machine.run.successor is None


def test_every_failure_is_retried():
    """
    Exhausted attempts, wrong user code, a client's FAIL: each has its retry.
    """
    exhausted, mixed, stopped = (Machine(to("A"), retry=RETRY) for _ in range(3))
    exhausted.exhausts("A-1")
    mixed.decides("A-1", "B", "_SYS_DEAD_END")
    stopped.stop(FAIL)

    for machine in (exhausted, mixed, stopped):
        assert machine.run.status is WorkflowStatus.FAILED
        assert isinstance(machine.turn.changes[-1], Succeeded)


def test_a_run_id_follows_from_the_run_before():
    """
    The core needs no chance: the same failure names the same successor.
    """
    first, second = Machine(to("A"), retry=RETRY), Machine(to("A"), retry=RETRY)
    first.fails("A-1")
    second.fails("A-1")

    assert first.run.successor == second.run.successor


def test_cancelling_a_run_past_its_deadline_is_accepted():
    """
    It timed out before the cancel came, and cancelling a closed run does nothing.
    """
    machine = Machine(to("A"), timeout=timedelta(seconds=1))
    machine.later(1)

    machine.stop(CANCEL)

    assert machine.turn.answer == Accepted()
    assert machine.run.status is WorkflowStatus.TIMEOUT
