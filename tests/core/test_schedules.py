"""The runs of a schedule: which follows which, for which tick, and what ends it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from iwf_py.core import invariants
from iwf_py.core.advance import advance
from iwf_py.core.effects import Accepted, Refused
from iwf_py.core.events import (
    DEADLINE,
    RUN_TIMERS,
    START_DELAY,
    AttemptsExhausted,
    Event,
    ExecuteReturned,
    Signalled,
    Started,
    StopRequested,
    TimerFired,
)
from iwf_py.core.record import Record
from iwf_py.core.rewind import rewind
from iwf_py.core.succession import turns_of
from iwf_py.errors import ClientSideError, InvalidArgumentError, TransitionError, WorkflowAlreadyStartedError
from iwf_py.model.decisions import FORCE_COMPLETING, FORCE_FAILING, GRACEFUL_COMPLETING, Decision, Movement
from iwf_py.model.ids import successor_run_id
from iwf_py.model.invocations import ExecuteResult, Failure
from iwf_py.model.options import Chain, CronSchedule, WorkflowAlreadyStartedOptions, WorkflowRetryPolicy
from iwf_py.model.requests import StartRequest
from iwf_py.model.status import IDReusePolicy, Phase, WorkflowStatus, WorkflowStopType
from tests.core.machine import NOON, sealed, to

HOUR = timedelta(hours=1)
LAST = NOON + 10 * HOUR
COMPLETED, FAILED, TIMEOUT = WorkflowStatus.COMPLETED, WorkflowStatus.FAILED, WorkflowStatus.TIMEOUT


def hourly(schedule: CronSchedule, after: datetime) -> datetime | None:
    """Tick at each full hour, until it is over."""
    if schedule.expression != "hourly":
        raise InvalidArgumentError(f"{schedule.expression!r} is no schedule")
    tick = after.replace(minute=0, second=0, microsecond=0) + HOUR
    return tick if tick <= LAST else None


class Series:
    """The runs of one id, oldest first, each with its events; *record* is the latest."""

    def __init__(self, now: datetime = NOON + timedelta(minutes=10), **request: Any) -> None:
        self.now = now
        self.histories: list[list[Event]] = []
        self.records: list[Record] = []
        self.answer: Any = None
        self.start(**request)

    def start(self, run_id: str = "run-1", cron: CronSchedule | None = CronSchedule("hourly"), **request: Any) -> None:
        asked = StartRequest(workflow_id="w", workflow_type="W", start=to("A"), cron=cron, **request)
        self.take(Started(at=self.now, request=asked, run_id=run_id))

    def take(self, event: Event) -> None:
        before = self.records[-1] if self.records else None
        self.answer, turns = turns_of(before, event, hourly)
        for turn, caused_by in turns:
            if not turn.changes:
                continue
            assert turn.record is not None
            assert invariants.check(turn.record) == []
            if turn.opens:
                assert not self.records or not self.record.is_open, "a run was opened beside an open one"
                self.records.append(turn.record)
                self.histories.append([])
            self.records[-1] = turn.record
            self.histories[-1].append(caused_by)
            assert rewind(self.histories[-1]) == turn.record

    def send(self, kind: type, **fields: Any) -> None:
        self.take(kind(at=self.now, **fields))

    def begin(self) -> None:
        """Let the delay of the latest run end."""
        starts_at = self.record.starts_at
        assert starts_at is not None
        self.now = starts_at
        self.send(TimerFired, number=RUN_TIMERS, index=START_DELAY)

    def decide(self, kind: str) -> None:
        result = ExecuteResult(decision=Decision((Movement(kind, sealed("out")),)))
        self.send(ExecuteReturned, number=1, result=result)

    def end(self, status: WorkflowStatus) -> None:
        """Bring the latest run to its end."""
        if status is TIMEOUT:
            assert self.record.deadline is not None
            self.now = self.record.deadline
            self.send(TimerFired, number=RUN_TIMERS, index=DEADLINE)
        else:
            self.decide(FORCE_FAILING if status is FAILED else GRACEFUL_COMPLETING)

    @property
    def record(self) -> Record:
        return self.records[-1]

    @property
    def ticks(self) -> list[float | None]:
        """Hours after noon for which the runs were opened."""
        return [None if (at := one.started.tick) is None else (at - NOON) / HOUR for one in self.records]


def test_the_first_run_waits_for_the_first_tick():
    """
    It is open at once and delayed; its timeout counts from the tick.
    """
    series = Series(timeout=timedelta(minutes=30))

    assert series.answer == Accepted("run-1")
    assert series.record.starts_at == NOON + HOUR
    assert series.record.deadline == NOON + 1.5 * HOUR
    assert [state.phase for state in series.record.states.values()] == [Phase.DELAYED]


@pytest.mark.parametrize(("delay", "tick"), [(0, 1), (49, 1), (50, 2), (51, 2), (170, 4)])
def test_the_first_tick_follows_the_start_delay(delay: int, tick: int):
    """
    What was asked for as delay is over before the first tick; a tick at its very end is not later.
    """
    assert Series(start_delay=timedelta(minutes=delay)).ticks == [tick]


@pytest.mark.parametrize("status", [COMPLETED, FAILED, TIMEOUT])
def test_the_turn_that_closes_a_run_opens_the_next(status: WorkflowStatus):
    """
    However it ended, but for a stop: the next run has a chain of its own, and waits for the next tick.
    """
    series = Series(timeout=timedelta(minutes=30), attributes=(("k", sealed("1")),))
    series.begin()

    series.end(status)

    first, second = series.records
    assert first.status is status
    assert first.successor is None
    assert second.run_id == successor_run_id("run-1", series.now)
    assert second.chain == Chain(
        first_run_id=second.run_id, deadline=NOON + 2.5 * HOUR, previous_run_id="run-1", reason="cron"
    )
    assert second.started.request == first.started.request
    assert second.attributes["k"].value == sealed("1")
    assert series.ticks == [1, 2]


@pytest.mark.parametrize("how", [WorkflowStopType.CANCEL, WorkflowStopType.TERMINATE])
@pytest.mark.parametrize("is_begun", [True, False])
def test_cancelling_or_terminating_ends_the_schedule(how: WorkflowStopType, is_begun: bool):
    """
    Before its tick or after it: no run follows.
    """
    series = Series()
    if is_begun:
        series.begin()

    series.send(StopRequested, stop_type=how)

    assert len(series.records) == 1
    assert not series.record.is_open


def test_a_failed_stop_goes_on_with_the_next_tick():
    """
    FAIL ends a run, not the schedule; one that had not begun had its tick all the same.
    """
    series = Series()
    series.send(StopRequested, stop_type=WorkflowStopType.FAIL)
    assert series.ticks == [1, 2]
    series.begin()

    series.send(StopRequested, stop_type=WorkflowStopType.FAIL)

    assert series.ticks == [1, 2, 3]


def test_exhausted_attempts_and_forced_ends_go_on():
    """
    Every way to end goes through the same door.
    """
    series = Series()
    series.begin()
    series.send(AttemptsExhausted, number=1, phase=Phase.EXECUTE, failure=Failure(error_type="E", message="m"))
    series.begin()

    series.decide(FORCE_COMPLETING)

    assert [one.status for one in series.records] == [FAILED, COMPLETED, WorkflowStatus.RUNNING]
    assert series.ticks == [1, 2, 3]


def test_ticks_that_pass_while_a_run_is_open_are_skipped():
    """
    The next tick is later than the end of the run, however many passed; a tick at its very end has passed.
    """
    series = Series()
    series.begin()
    series.now = NOON + 3.5 * HOUR
    series.end(COMPLETED)
    series.begin()
    series.now = NOON + 6 * HOUR

    series.end(COMPLETED)

    assert series.ticks == [1, 4, 7]


def test_ticks_that_pass_while_nobody_looks_are_one():
    """
    A run whose tick was missed begins late, once, and the next is for a tick still to come.
    """
    series = Series()
    series.now = NOON + 5.2 * HOUR
    series.send(TimerFired, number=RUN_TIMERS, index=START_DELAY)

    series.end(COMPLETED)

    assert series.ticks == [1, 6]


def test_a_retry_comes_before_the_next_tick():
    """
    A failed run is retried first, in its own chain; the schedule goes on once the retries are over.
    """
    series = Series(retry=WorkflowRetryPolicy(initial_interval_seconds=60, maximum_attempts=2))
    series.begin()
    series.end(FAILED)
    assert series.ticks == [1, 1]
    assert series.record.starts_at == series.now + timedelta(minutes=1)
    assert series.record.chain.run_attempt == 2
    series.begin()

    series.end(FAILED)

    assert series.ticks == [1, 1, 2]
    assert series.record.chain.run_attempt == 1
    assert series.record.chain.previous_run_id == series.records[1].run_id
    assert series.record.started.request.start_delay == timedelta(0)


def test_the_retry_of_a_run_that_had_not_begun_waits_for_its_tick():
    """
    A FAIL does not shorten the delay, neither that of a schedule nor another.
    """
    retry = WorkflowRetryPolicy(initial_interval_seconds=60, maximum_attempts=2)
    series = Series(retry=retry)
    delayed = Series(retry=retry, cron=None, start_delay=HOUR)

    series.send(StopRequested, stop_type=WorkflowStopType.FAIL)
    delayed.now += timedelta(minutes=20)
    delayed.send(StopRequested, stop_type=WorkflowStopType.FAIL)

    assert series.record.starts_at == NOON + HOUR
    assert delayed.record.starts_at == delayed.now + timedelta(minutes=40)


def test_a_run_by_the_first_rules_is_retried_as_it_was_then():
    """
    Its retry did not keep the rest of the start delay, and the history of such a run still folds to that.
    """
    request = StartRequest(
        workflow_id="w",
        workflow_type="W",
        start=to("A"),
        start_delay=HOUR,
        retry=WorkflowRetryPolicy(initial_interval_seconds=7),
    )
    opened = advance(None, Started(at=NOON, request=request, run_id="run-1", rules=1)).record

    turn = advance(opened, StopRequested(at=NOON, stop_type=WorkflowStopType.FAIL))

    assert turn.record is not None
    assert turn.record.successor is not None
    following = turn.record.successor.next
    assert (following.rules, following.request.start_delay) == (1, timedelta(seconds=7))


def test_a_schedule_without_further_tick_is_over():
    """
    The last run is closed, and its id is free again.
    """
    series = Series(now=LAST - timedelta(minutes=1))
    series.begin()
    series.end(COMPLETED)
    assert not series.record.is_open

    series.start("run-2", cron=None)

    assert series.answer == Accepted("run-2")


def test_what_cannot_be_read_is_refused_before_anything_is_written():
    """
    An expression that is none, one without a tick, and a request that is wrong otherwise.
    """
    for request, problem in (
        ({"cron": CronSchedule("sometimes")}, "'sometimes' is no schedule"),
        ({"now": LAST}, "cron expression 'hourly' names no instant that is still to come"),
        ({"start_delay": timedelta(days=999_999)}, "start delay of a workflow must be between"),
    ):
        series = Series(**request)

        assert isinstance(series.answer, Refused)
        assert isinstance(series.answer.error, ClientSideError)
        assert problem in str(series.answer.error)
        assert series.records == []


def test_a_host_must_give_the_tick():
    """
    The machine knows no calendar: a scheduled run without a tick is a bug of the host.
    """
    request = StartRequest(workflow_id="w", workflow_type="W", cron=CronSchedule("hourly"))

    with pytest.raises(TransitionError, match="has a schedule, and no tick"):
        advance(None, Started(at=NOON, request=request, run_id="run-1"))


def test_a_schedule_that_cannot_be_read_any_more_stops_the_turn():
    """
    A zone that is gone from the system must not end the schedule: nothing is taken, and the run can be taken up again.
    """
    series = Series()
    series.begin()
    event = StopRequested(at=series.now, stop_type=WorkflowStopType.FAIL)

    def unreadable(schedule: CronSchedule, after: datetime) -> datetime | None:
        raise InvalidArgumentError("time zone 'Mars/Olympus' is not known")

    with pytest.raises(TransitionError, match="schedule of run run-1 cannot go on: time zone 'Mars/Olympus'"):
        turns_of(series.record, event, unreadable)


@pytest.mark.parametrize(
    ("policy", "answer"),
    [
        (IDReusePolicy.ALLOW_IF_NO_RUNNING, None),
        (IDReusePolicy.ALLOW_IF_PREVIOUS_EXITS_ABNORMALLY, None),
        (IDReusePolicy.DISALLOW_REUSE, None),
        (IDReusePolicy.ALLOW_TERMINATE_IF_RUNNING, "run-2"),
    ],
)
def test_a_start_at_the_deadline_meets_the_next_run(policy: IDReusePolicy, answer: str | None):
    """
    It makes no difference whether the start or the timer of the deadline comes first: the next run is open.
    """
    series = Series(timeout=timedelta(minutes=30))
    series.begin()
    assert series.record.deadline is not None
    series.now = series.record.deadline

    series.start("run-2", cron=None, id_reuse_policy=policy)

    assert series.records[0].status is TIMEOUT
    assert series.records[1].chain.reason == "cron"
    if answer is None:
        assert isinstance(series.answer.error, WorkflowAlreadyStartedError)
        assert series.answer.error.run_id == series.records[1].run_id
        assert series.record.is_open
    else:
        assert series.answer == Accepted(answer)
        assert [one.status for one in series.records[1:]] == [WorkflowStatus.TERMINATED, WorkflowStatus.RUNNING]
        assert series.record.chain.previous_run_id == series.records[1].run_id


def test_a_start_that_replaces_a_scheduled_run_ends_the_schedule():
    """
    Terminate and start: what follows is the start, and nothing else.
    """
    series = Series()

    series.start("run-2", cron=None, id_reuse_policy=IDReusePolicy.ALLOW_TERMINATE_IF_RUNNING)
    series.end(COMPLETED)

    assert series.ticks == [1, None]
    assert not series.record.is_open


def test_a_repeated_start_is_answered_with_the_run_of_today():
    """
    The request id is that of every run of the schedule.
    """
    already = WorkflowAlreadyStartedOptions(True, "once")
    series = Series(already_started=already)
    series.begin()
    series.end(COMPLETED)

    series.start("run-9", already_started=already)

    assert series.answer == Accepted(series.records[1].run_id)
    assert len(series.records) == 2


def test_a_late_message_closes_a_run_past_its_deadline_and_the_next_is_open():
    """
    Whatever event notices the deadline, the schedule goes on in its turn.
    """
    series = Series(timeout=timedelta(minutes=30))
    series.begin()
    series.now = NOON + 2.2 * HOUR

    series.send(Signalled, channel_name="s")

    assert isinstance(series.answer, Refused)
    assert series.records[0].status is TIMEOUT
    assert series.ticks == [1, 3]
