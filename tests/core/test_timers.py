"""Timers: never early, late without harm, skipped by name or place."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from iwf_py.core.effects import SetTimer
from iwf_py.core.events import DEADLINE, RUN_TIMERS, START_DELAY
from iwf_py.core.views import due_timers, next_due
from iwf_py.errors import ClientSideError, TransitionError, WorkflowNotExistsError
from iwf_py.model.commands import CommandRequest, SignalChannelCommand, TimerCommand
from iwf_py.model.status import WorkflowStatus, WorkflowStopType
from tests.core.machine import NOON, Machine, to

ALL, ANY = CommandRequest.for_all_command_completed, CommandRequest.for_any_command_completed


def waiting(request: CommandRequest) -> Machine:
    machine = Machine(to("W", None))
    machine.waits("W-1", request)
    return machine


def named(*ids: str | None) -> CommandRequest:
    return ALL(*(TimerCommand.by_seconds(10 + at, command_id) for at, command_id in enumerate(ids)))


def test_a_delay_becomes_an_instant_when_wait_until_returns():
    """
    Durations count from the event, fractions of a second included.
    """
    machine = Machine(to("W", None))
    machine.later(100)

    machine.waits("W-1", ANY(TimerCommand.by_seconds(0.25)))

    assert machine.turn.effects == (SetTimer(NOON + timedelta(seconds=100.25)),)


def test_an_absolute_timer_keeps_its_instant():
    """
    An instant in another zone is the same instant.
    """
    machine = waiting(ANY(TimerCommand.by_instant(datetime(2024, 5, 1, 15, tzinfo=timezone(timedelta(hours=2))))))

    assert next_due(machine.run) == datetime(2024, 5, 1, 13, tzinfo=UTC)


@pytest.mark.parametrize(
    "timer",
    [TimerCommand.by_seconds(0), TimerCommand.by_instant(NOON - timedelta(days=1)), TimerCommand()],
    ids=["zero", "past", "neither"],
)
def test_a_timer_that_is_due_at_once_fires_at_once(timer: TimerCommand):
    """
    No alarm is needed for what is due already.
    """
    machine = waiting(ANY(timer))

    assert machine.calls == ["W-1 EXECUTE"]


def test_a_timer_fires_when_it_is_due():
    """
    TimerFired completes it, and what else is due by then.
    """
    machine = waiting(named("a", "b", "c"))
    machine.later(11)

    machine.fire("W-1", 0)

    assert machine.state("W-1").waiting.timers == ("fired", "fired", None)
    machine.later(1)
    machine.fire("W-1", 2)
    assert machine.calls == ["W-1 EXECUTE"]


def test_a_late_timer_is_dropped():
    """
    A timer that fires after its state has gone on, or again, changes nothing.
    """
    machine = waiting(ANY(TimerCommand.by_seconds(5), SignalChannelCommand.by_name("s")))
    number = machine.number("W-1")
    machine.signal("s")
    machine.later(5)

    machine.fire("W-1", 0)
    assert machine.is_dropped
    machine.ends("W-1")
    machine.fire_at(number, 0)

    assert machine.is_dropped


def test_a_timer_that_is_over_is_dropped():
    """
    The same alarm may ring twice.
    """
    machine = waiting(named("a", "b"))
    machine.later(10)
    machine.fire("W-1", 0)

    machine.fire("W-1", 0)

    assert machine.is_dropped


def test_an_early_timer_is_a_bug_of_the_host():
    """
    No host may fire early: that is no event that can be folded.
    """
    machine = waiting(named("a"))

    with pytest.raises(TransitionError, match="early"):
        machine.fire("W-1", 0)
    with pytest.raises(TransitionError, match="no timer 7"):
        machine.fire("W-1", 7)


def test_an_early_timer_of_the_run_is_a_bug_of_the_host():
    """
    The deadline and the start delay come no earlier than any other timer.
    """
    machine = Machine(to("W"), timeout=timedelta(hours=1), start_delay=timedelta(minutes=1))

    with pytest.raises(TransitionError, match="deadline"):
        machine.fire_at(RUN_TIMERS, DEADLINE)
    with pytest.raises(TransitionError, match="start delay"):
        machine.fire_at(RUN_TIMERS, START_DELAY)
    with pytest.raises(TransitionError, match="no timer 2"):
        machine.fire_at(RUN_TIMERS, 2)


def test_a_run_drops_timers_that_it_has_not():
    """
    A run without deadline and without delay has nothing to fire.
    """
    machine = Machine(to("W"))

    machine.fire_at(RUN_TIMERS, DEADLINE)
    assert machine.is_dropped
    machine.fire_at(RUN_TIMERS, START_DELAY)
    assert machine.is_dropped


def test_a_timer_is_skipped_by_its_id():
    """
    A skipped timer is complete; it needs no time.
    """
    machine = waiting(named("a", "b"))

    machine.skip("W-1", "b")
    assert machine.state("W-1").waiting.timers == (None, "skipped")
    machine.skip("W-1", "a")

    assert machine.calls == ["W-1 EXECUTE"]


def test_by_id_the_first_timer_that_is_not_over_is_skipped():
    """
    Of two timers with one id both can be skipped, one after the other; the third skip is accepted and does nothing.
    """
    machine = waiting(named("a", "a", None))

    machine.skip("W-1", "a")
    machine.skip("W-1", "a")
    assert machine.state("W-1").waiting.timers == ("skipped", "skipped", None)
    machine.skip("W-1", "a")

    assert machine.is_accepted
    assert machine.turn.changes == ()


def test_a_timer_is_skipped_by_its_index():
    """
    Without an id the index counts; one that is over, or does not exist, is refused.
    """
    machine = waiting(named(None, None))

    machine.skip("W-1", index=1)
    assert machine.state("W-1").waiting.timers == (None, "skipped")
    for index in (1, 2, -1):
        machine.skip("W-1", index=index)
        assert isinstance(machine.error, ClientSideError)

    assert machine.error.status == 400


def test_an_id_goes_before_an_index():
    """
    With both, the index is ignored.
    """
    machine = waiting(named("a", "b"))

    machine.skip("W-1", "a", 1)

    assert machine.state("W-1").waiting.timers == ("skipped", None)


@pytest.mark.parametrize("arguments", [{}, {"command_id": ""}])
def test_a_skip_needs_a_name_or_a_place(arguments: dict):
    """
    Neither id nor index is the caller's mistake.
    """
    machine = waiting(named("a"))

    machine.skip("W-1", **arguments)

    assert "must provide either a timerCommandId or index" in str(machine.error)


def test_only_a_waiting_state_has_timers_to_skip():
    """
    A state that does not exist, has no such timer, or has gone on, is refused.
    """
    machine = waiting(ANY(TimerCommand.by_seconds(5, "a")))
    machine.skip("W-2", "a")
    assert "requested timer command doesn't exist" in str(machine.error)
    machine.skip("W-1", "z")
    assert "requested timer command doesn't exist" in str(machine.error)
    machine.skip("W-1", "a")

    machine.skip("W-1", "a")

    assert "requested timer command doesn't exist" in str(machine.error)


def test_on_a_closed_run_a_skip_is_judged_by_what_was_waiting():
    """
    What could have been skipped meets a closed run; what could not, is a wrong argument.
    """
    machine = waiting(named("a", None))
    machine.stop(WorkflowStopType.CANCEL)

    machine.skip("W-1", "a")
    assert isinstance(machine.error, WorkflowNotExistsError)
    machine.skip("W-1", index=1)
    assert isinstance(machine.error, WorkflowNotExistsError)
    machine.skip("W-1", "z")
    assert "requested timer command doesn't exist: W-1 does not wait for a timer with id 'z'" in str(machine.error)
    machine.skip("W-1", index=7)
    assert str(machine.error).endswith("W-1 does not wait for a timer at index 7")
    machine.skip("W-1")
    assert "must provide either" in str(machine.error)


def test_due_timers_come_earliest_first():
    """
    A host asks what is due; what is not due yet, or over, is not told.
    """
    machine = Machine(to("Start"), timeout=timedelta(seconds=30))
    machine.decides("Start-1", to("A", None), to("B", None))
    machine.waits("A-1", ALL(TimerCommand.by_seconds(9), TimerCommand.by_seconds(3)))
    machine.waits("B-1", ALL(TimerCommand.by_seconds(6), TimerCommand.by_seconds(60)))

    due = due_timers(machine.run, NOON + timedelta(seconds=30))

    assert [(timer.number, timer.index) for timer in due] == [(2, 1), (3, 0), (2, 0), (RUN_TIMERS, DEADLINE)]
    assert next_due(machine.run) == NOON + timedelta(seconds=3)


def test_the_deadline_closes_the_run():
    """
    TIMEOUT ends everything at the deadline, and is retried by no policy.
    """
    machine = Machine(to("W"), timeout=timedelta(seconds=10))
    machine.later(10)

    machine.fire_at(RUN_TIMERS, DEADLINE)

    assert machine.is_accepted
    assert machine.run.status is WorkflowStatus.TIMEOUT
    assert machine.run.closed.executing == ("W-1",)
    assert next_due(machine.run) is None
    assert due_timers(machine.run, machine.now) == []


def test_whatever_comes_after_the_deadline_finds_the_run_timed_out():
    """
    The deadline is decided by the clock, not by whose event is first: a late signal is refused, a late outcome dropped.
    """
    machine = Machine(to("W"), timeout=timedelta(seconds=10))
    machine.later(11)

    machine.signal("s")

    assert isinstance(machine.error, WorkflowNotExistsError)
    assert machine.run.status is WorkflowStatus.TIMEOUT
    machine.check_history()


def test_an_outcome_after_the_deadline_is_dropped():
    """
    The call was too slow: its result does not count.
    """
    machine = Machine(to("W"), timeout=timedelta(seconds=10))
    machine.later(10)

    machine.forces("W-1")

    assert machine.is_dropped
    assert machine.run.status is WorkflowStatus.TIMEOUT
    assert machine.outputs == []
