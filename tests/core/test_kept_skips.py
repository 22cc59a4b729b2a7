"""A skip that comes before its timer: kept until the state waits, and no longer."""

from __future__ import annotations

from datetime import timedelta

import pytest

from iwf_py.core.advance import advance
from iwf_py.core.changes import SkipKept, SkipsReleased, TimerCompleted
from iwf_py.core.events import TimerSkipped, WaitUntilReturned
from iwf_py.core.skips import MAX_KEPT_SKIPS
from iwf_py.errors import ClientSideError, TooManyRequestsError
from iwf_py.model.commands import CommandRequest, SignalChannelCommand, TimerCommand
from iwf_py.model.invocations import WaitUntilResult
from iwf_py.model.options import CallOptions, StateOptions
from iwf_py.model.status import WorkflowStopType
from tests.core.machine import Machine, locking, locks, to

ALL, ANY = CommandRequest.for_all_command_completed, CommandRequest.for_any_command_completed
NO_TIMER = "requested timer command doesn't exist"


def named(*ids: str | None) -> CommandRequest:
    return ALL(*(TimerCommand.by_seconds(10 + at, command_id) for at, command_id in enumerate(ids)))


def kept(machine: Machine) -> list[tuple[str, str | None, int | None]]:
    return [(skip.state_execution_id, skip.command_id, skip.index) for skip in machine.run.skips]


def test_a_skip_of_a_state_in_wait_until_is_kept_until_it_waits():
    """
    It is accepted, and completes exactly the timer that it names as soon as that is set.
    """
    machine = Machine(to("W", None))

    machine.skip("W-1", "b")
    assert machine.is_accepted
    assert kept(machine) == [("W-1", "b", None)]
    machine.waits("W-1", named("a", "b"))

    assert machine.state("W-1").waiting.timers == (None, "skipped")
    assert kept(machine) == []
    machine.check_history()


def test_a_kept_skip_may_be_all_that_the_state_waits_for():
    """
    The state goes on in the turn in which it would have begun to wait; no alarm is set.
    """
    machine = Machine(to("W", None))
    machine.skip("W-1", index=0)

    machine.waits("W-1", named(None))

    assert machine.calls == ["W-1 EXECUTE"]
    assert not machine.alarms


@pytest.mark.parametrize("delay", [timedelta(seconds=5), timedelta(0)])
def test_a_skip_is_kept_for_a_state_that_is_delayed_or_blocked(delay: timedelta):
    """
    Whatever keeps a state from its wait_until, what is skipped meanwhile is skipped when it waits.
    """
    blocked = StateOptions(wait_until=CallOptions(attributes=locking("k")))
    machine = Machine(to("Start"), start_delay=delay)
    if delay:
        machine = Machine(to("W", None), start_delay=delay)
    else:
        machine.decides("Start-1", to("L", locks("k")), to("W", blocked))
        assert machine.open["W-1"] == "WAIT_UNTIL"

    machine.skip("W-1", "a")
    assert machine.is_accepted
    machine.later(5)
    if delay:
        machine.fire_at(0, 1)
    else:
        machine.ends("L-1")
    machine.waits("W-1", named("a"))

    assert machine.calls == ["W-1 EXECUTE"]


def test_several_skips_are_applied_in_their_order():
    """
    Two skips of one id take two timers of that id; a place that is taken by then is left alone.
    """
    machine = Machine(to("W", None))
    for arguments in ({"command_id": "a"}, {"command_id": "a"}, {"index": 0}, {"index": 3}):
        machine.skip("W-1", **arguments)

    machine.waits("W-1", named("a", "b", "a", "c"))

    assert machine.state("W-1").waiting.timers == ("skipped", None, "skipped", "skipped")


def test_a_kept_skip_without_its_timer_is_dropped():
    """
    An id or a place that the state does not have means nothing to it, nor to any other.
    """
    machine = Machine(to("Start"))
    machine.decides("Start-1", to("W", None), to("W", None))
    machine.skip("W-1", "other")
    machine.skip("W-1", index=7)

    machine.waits("W-1", named("a"))
    machine.waits("W-2", named("other"))

    assert kept(machine) == []
    assert machine.state("W-1").waiting.timers == machine.state("W-2").waiting.timers == (None,)


def test_a_kept_skip_is_dropped_where_wait_until_fails():
    """
    A state that proceeds without its wait_until has no timers.
    """
    machine = Machine(to("W", StateOptions(proceed_on_wait_until_failure=True)))
    machine.skip("W-1", "a")

    machine.exhausts("W-1")

    assert kept(machine) == []
    assert machine.calls == ["W-1 EXECUTE"]


@pytest.mark.parametrize("name", ["W-2", "V-1", "W", "W-", "-1", "W-01", "W-x", "W-1-1", "", "W-" + "9" * 400, "S-1"])
def test_a_skip_of_what_will_not_wait_is_refused(name: str):
    """
    What is not open, or goes to its execute without waiting, has no timer and will have none.
    """
    machine = Machine(to("Start"))
    machine.decides("Start-1", to("W", None), to("S"))

    machine.skip(name, "a")

    assert isinstance(machine.error, ClientSideError)
    assert NO_TIMER in str(machine.error)


def test_a_skip_of_a_state_that_has_waited_is_refused():
    """
    In its execute, and after it left, a state has nothing to skip.
    """
    machine = Machine(to("W", None))
    machine.waits("W-1", CommandRequest.empty())

    machine.skip("W-1", "a")
    assert NO_TIMER in str(machine.error)
    machine.ends("W-1")
    machine.skip("W-1", "a")

    assert NO_TIMER in str(machine.error)


def test_a_delayed_state_that_waits_for_nothing_takes_no_skip():
    """
    Where wait_until is skipped there will be no timer.
    """
    machine = Machine(to("S"), start_delay=timedelta(seconds=5))

    machine.skip("S-1", "a")

    assert NO_TIMER in str(machine.error)


@pytest.mark.parametrize(
    "arguments", [{"index": -1}, {"index": 1 << 31}, {"command_id": "a\0b"}, {"command_id": "\ud800"}]
)
def test_a_skip_that_no_timer_can_answer_is_refused(arguments: dict):
    """
    What could not be written is refused before anything is.
    """
    machine = Machine(to("W", None))

    machine.skip("W-1", **arguments)

    assert isinstance(machine.error, ClientSideError)


def test_a_run_keeps_a_bounded_number_of_skips():
    """
    Beyond that a skip is refused until some of them are applied.
    """
    machine = Machine(to("W", None))
    record, event = machine.run, TimerSkipped(at=machine.now, state_execution_id="W-1", command_id="a")
    for _ in range(MAX_KEPT_SKIPS):
        record = advance(record, event).record
    machine.record = record

    machine.skip("W-1", "a")
    assert isinstance(machine.error, TooManyRequestsError)
    result = WaitUntilResult(commands=ALL(TimerCommand.by_seconds(5, "a"), SignalChannelCommand.by_name("s")))
    turn = advance(record, WaitUntilReturned(at=machine.now, number=1, result=result))

    assert turn.record is not None
    assert turn.record.skips.count == 0
    assert sum(isinstance(change, TimerCompleted) for change in turn.changes) == 1
    assert SkipsReleased(state_execution_id="W-1") in turn.changes


def test_closing_drops_what_was_kept():
    """
    A run that is over keeps nothing.
    """
    machine = Machine(to("W", None))
    machine.skip("W-1", "a")

    machine.stop(WorkflowStopType.CANCEL)

    assert kept(machine) == []
    assert machine.turn.changes[0] == SkipsReleased()
    machine.check_history()


def test_a_skip_of_another_past_waits_for_its_execution():
    """
    Re-applied, it is kept though the execution is still to be opened, and applied when that waits.
    """
    machine = Machine(to("Start"))

    machine.skip("W-2", "a", is_reapplied=True)
    assert kept(machine) == [("W-2", "a", None)]
    machine.decides("Start-1", to("W", None), to("W", None))
    machine.waits("W-1", named("a"))
    machine.waits("W-2", named("a"))

    assert machine.state("W-1").waiting.timers == (None,)
    assert machine.calls == ["W-2 EXECUTE"]


def test_a_skip_of_another_past_is_dropped_by_an_execution_that_does_not_wait():
    """
    It was kept for an execution with timers; here that has none.
    """
    machine = Machine(to("Start"))
    machine.skip("W-1", "a", is_reapplied=True)

    machine.decides("Start-1", to("W"))

    assert kept(machine) == []


@pytest.mark.parametrize("name", ["Start-1", "W-0", "W", "nothing"])
def test_a_skip_of_another_past_is_refused_where_it_can_mean_nothing(name: str):
    """
    An execution that is over, or a name of none, will never appear.
    """
    machine = Machine(to("Start"))
    machine.decides("Start-1", to("Start"))

    machine.skip(name, "a", is_reapplied=True)

    assert NO_TIMER in str(machine.error)


def test_a_skip_of_another_past_finds_what_waits_already():
    """
    Where the timer is set it is skipped at once, like any other.
    """
    machine = Machine(to("W", None))
    machine.waits("W-1", named("a"))

    machine.skip("W-1", "a", is_reapplied=True)

    assert machine.calls == ["W-1 EXECUTE"]


def test_an_index_is_not_kept_beside_an_id():
    """
    With both the id counts, as for a timer that is set.
    """
    machine = Machine(to("W", None))

    machine.skip("W-1", "a", 3)

    (change,) = machine.turn.changes
    assert isinstance(change, SkipKept)
    assert (change.command_id, change.index) == ("a", None)
