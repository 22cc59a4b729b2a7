"""Waiting until a channel is empty: nobody else has anything of it, and once is enough."""

from __future__ import annotations

import pytest

from iwf_py.core.attempts import MAX_COMMANDS, commands_problem
from iwf_py.model.commands import (
    ChannelEmptyCommand,
    CommandRequest,
    InternalChannelCommand,
    SignalChannelCommand,
    TimerCommand,
)
from iwf_py.model.status import ChannelFamily
from tests.core.machine import Machine, to, writes

ALL, ANY = CommandRequest.for_all_command_completed, CommandRequest.for_any_command_completed
EMPTY_S = SignalChannelCommand.until_empty("s")
NEVER = SignalChannelCommand.by_name("never")


def signal(name: str = "s", **bounds: int) -> SignalChannelCommand:
    return SignalChannelCommand.by_name(name, **bounds)


def waiting(*requests: CommandRequest, before: tuple[str, ...] = ()) -> Machine:
    """W-1, W-2 ... wait for one request each; *before* are signals that come before the first waits."""
    machine = Machine(to("Start"))
    machine.decides("Start-1", *[to("W", None) for _ in requests])
    for text in before:
        machine.signal("s", text)
    for at, request in enumerate(requests, 1):
        machine.waits(f"W-{at}", request)
    return machine


def emptied(machine: Machine, name: str) -> tuple[bool, ...]:
    state = machine.state(name).waiting
    assert state is not None
    return state.emptied


def test_an_empty_channel_is_empty_at_once():
    """
    A state that waits for a channel that holds nothing does not wait.
    """
    machine = waiting(ALL(EMPTY_S))

    assert machine.calls == ["W-1 EXECUTE"]
    assert emptied(machine, "W-1") == (True,)
    assert not len(machine.run.empties)


def test_it_completes_when_the_last_message_is_done_with():
    """
    Lying in the channel, and in the hands of a state that has not finished, a message counts.
    """
    machine = waiting(ALL(EMPTY_S), ANY(signal()), before=("one", "two"))
    assert machine.open == {"W-1": "WAITING", "W-2": "EXECUTE*"}

    machine.decides("W-2", to("V", None))
    assert machine.open["W-1"] == "WAITING"
    machine.waits("V-1", ANY(signal()))
    assert machine.open["W-1"] == "WAITING"
    machine.ends("V-1")

    assert machine.calls == ["W-1 EXECUTE"]
    machine.check_history()


def test_a_message_that_is_taken_as_it_comes_keeps_the_channel_full():
    """
    Between its coming and its taking there is no moment in which the channel is empty.
    """
    machine = waiting(ANY(signal()), ANY(EMPTY_S), ANY(signal()), before=("one",))

    machine.signal("s", "two")
    machine.ends("W-1")

    assert machine.open == {"W-2": "WAITING", "W-3": "EXECUTE*"}
    assert machine.run.in_flight == 1


def test_what_the_state_took_itself_does_not_count():
    """
    A state that takes the last message and waits for the empty channel sees both complete.
    """
    machine = waiting(ALL(signal(), EMPTY_S), before=("one",))

    assert machine.calls == ["W-1 EXECUTE"]
    assert machine.took("W-1") == [["one"]]


def test_of_two_that_hold_something_none_sees_an_empty_channel():
    """
    What each of them holds counts for the other, until one has gone.
    """
    both = ALL(signal(), EMPTY_S, signal("t"))
    machine = waiting(both, both, ANY(EMPTY_S), before=("one", "two"))
    assert [emptied(machine, f"W-{at}") for at in (1, 2, 3)] == [(False,)] * 3

    machine.signal("t")

    assert machine.open == {"W-1": "WAITING", "W-2": "WAITING", "W-3": "WAITING"}
    machine.check_history()


def test_who_holds_all_that_is_left_sees_it_when_the_others_have_left():
    """
    Of three with a message each, the last one waits for nothing but its own.
    """
    machine = waiting(ANY(signal()), ALL(signal(), EMPTY_S), ANY(EMPTY_S), before=("one", "two"))
    assert machine.open == {"W-1": "EXECUTE*", "W-2": "WAITING", "W-3": "WAITING"}

    machine.ends("W-1")

    assert machine.calls == ["W-2 EXECUTE"]
    assert machine.open["W-3"] == "WAITING"
    machine.ends("W-2")
    assert machine.calls == ["W-3 EXECUTE"]


def test_once_is_enough():
    """
    A command stays complete, though messages come before the state goes on.
    """
    machine = waiting(ALL(EMPTY_S, signal("t")))
    assert emptied(machine, "W-1") == (True,)

    machine.signal("s", "late")
    machine.signal("t", "go")

    assert machine.calls == ["W-1 EXECUTE"]
    assert emptied(machine, "W-1") == (True,)
    machine.check_history()


def test_a_state_that_goes_on_without_it_is_told_so():
    """
    What was not complete when the trigger was is not completed later.
    """
    machine = waiting(ANY(EMPTY_S, TimerCommand.by_seconds(5)), before=("one",))
    machine.later(5)
    machine.fire("W-1")
    assert machine.calls == ["W-1 EXECUTE"]
    assert not len(machine.run.empties)

    machine.answer(None, to("V", None))
    machine.waits("V-1", ANY(signal()))
    machine.ends("V-1")

    assert emptied(machine, "W-1") == (False,)


def test_all_who_wait_for_one_channel_go_on_together():
    """
    In one turn, oldest first.
    """
    machine = waiting(ANY(signal()), *[ANY(EMPTY_S) for _ in range(3)], before=("one",))

    machine.ends("W-1")

    assert machine.calls == ["W-2 EXECUTE", "W-3 EXECUTE", "W-4 EXECUTE"]


def test_the_two_families_are_two_channels():
    """
    A signal says nothing of the internal channel of its name.
    """
    machine = waiting(ALL(InternalChannelCommand.until_empty("s"), EMPTY_S), before=("one",))

    assert emptied(machine, "W-1") == (True, False)


def test_commands_of_one_state_are_complete_one_by_one():
    """
    Each waits for its own channel, also two for the same.
    """
    request = ALL(EMPTY_S, InternalChannelCommand.until_empty("i"), EMPTY_S)
    machine = Machine(to("Start"))
    machine.decides("Start-1", to("W", None), to("A", None), to("B", None))
    machine.signal("s")
    machine.publish(("i", "x"))
    machine.waits("W-1", request)
    machine.waits("A-1", ANY(signal()))
    machine.waits("B-1", ANY(InternalChannelCommand.by_name("i")))
    machine.ends("B-1")
    assert emptied(machine, "W-1") == (False, True, False)
    machine.ends("A-1")

    assert emptied(machine, "W-1") == (True, True, True)
    assert machine.calls == ["W-1 EXECUTE"]


def test_a_combination_may_name_it():
    """
    Its id counts like that of any other command.
    """
    request = CommandRequest.for_any_command_combination_completed(
        [["t", "e"]], SignalChannelCommand.until_empty("s", "e"), SignalChannelCommand.by_name("t", "t")
    )
    machine = waiting(request)

    machine.signal("t")

    assert machine.calls == ["W-1 EXECUTE"]


def test_what_a_state_publishes_as_it_leaves_is_there_before_it_has_left():
    """
    A worker that hands its work on keeps the channel full.
    """
    inner = InternalChannelCommand.until_empty("i")
    machine = Machine(to("Start"))
    machine.decides("Start-1", to("W", None), to("V", None))
    machine.publish(("i", "x"))
    machine.waits("V-1", ANY(InternalChannelCommand.by_name("i")))
    machine.waits("W-1", ANY(inner))

    machine.decides("V-1", to("V", None), writes=writes(("i", "y")))

    assert machine.open["W-1"] == "WAITING"


def test_commands_of_this_kind_are_counted_with_the_others():
    """
    A request is bounded, whatever its commands.
    """
    most = CommandRequest(until_empty=(EMPTY_S,) * MAX_COMMANDS)

    assert commands_problem(most) is None
    assert "more than" in (commands_problem(CommandRequest(until_empty=(*most.until_empty, EMPTY_S))) or "")
    assert not most.is_empty


@pytest.mark.parametrize("family", list(ChannelFamily))
def test_a_command_says_which_channel_it_is(family: ChannelFamily):
    """
    Both kinds of channel have the factory.
    """
    kind = SignalChannelCommand if family is ChannelFamily.SIGNAL else InternalChannelCommand

    assert kind.until_empty("c", "id") == ChannelEmptyCommand(family, "c", "id")
