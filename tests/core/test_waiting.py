"""What a state waits for: who gets a message, and when it goes on."""

from __future__ import annotations

import pytest

from iwf_py.model.commands import CommandRequest, InternalChannelCommand, SignalChannelCommand, TimerCommand
from iwf_py.model.decisions import Movement
from iwf_py.model.invocations import Publication, Writes
from iwf_py.model.status import ChannelFamily, CommandWaitingType
from tests.core.machine import Machine, sealed, to, writes

ALL, ANY = CommandRequest.for_all_command_completed, CommandRequest.for_any_command_completed


def signal(name: str = "s", command_id: str | None = None, **bounds: int) -> SignalChannelCommand:
    return SignalChannelCommand.by_name(name, command_id, **bounds)


def internal(name: str = "i", command_id: str | None = None, **bounds: int) -> InternalChannelCommand:
    return InternalChannelCommand.by_name(name, command_id, **bounds)


def waiting(*requests: CommandRequest) -> Machine:
    """W-1, W-2 ... wait for one request each; they were opened in this order."""
    machine = Machine(to("Start"))
    machine.decides("Start-1", *[Movement("W") for _ in requests])
    for at, request in enumerate(requests, 1):
        machine.waits(f"W-{at}", request)
    return machine


def test_without_commands_execute_follows_at_once():
    """
    An empty request is satisfied whatever its type.
    """
    machine = waiting(CommandRequest.empty())

    assert machine.calls == ["W-1 EXECUTE"]


def test_a_message_is_taken_as_soon_as_it_is_there():
    """
    While ALL is incomplete the message belongs to its state already: it is in no channel any more.
    """
    machine = waiting(ALL(signal("s"), signal("t")))

    machine.signal("s", "one")

    assert machine.open == {"W-1": "WAITING"}
    assert machine.took("W-1") == [["one"], []]
    assert machine.run.unconsumed == 0
    assert machine.run.in_flight == 1


def test_buffered_messages_are_taken_when_the_wait_begins():
    """
    Messages that came before the commands are not lost, and the oldest is taken.
    """
    machine = Machine(to("W", None))
    machine.signal("s", "one")
    machine.signal("s", "two")

    machine.waits("W-1", ALL(signal("s")))

    assert machine.calls == ["W-1 EXECUTE"]
    assert machine.took("W-1") == [["one"]]
    assert machine.run.unconsumed == 1


def test_a_state_takes_what_it_published_itself():
    """
    What wait_until publishes is there for its own commands.
    """
    machine = Machine(to("W", None))

    machine.waits("W-1", ALL(internal("i")), writes=writes(("i", "mine")))

    assert machine.took("W-1") == [["mine"]]
    assert machine.calls == ["W-1 EXECUTE"]


def test_the_oldest_state_execution_is_served_first():
    """
    Age counts, not who began to wait first.
    """
    machine = Machine(to("Start"))
    machine.decides("Start-1", to("A", None), to("B", None))
    machine.waits("B-1", ALL(signal("s")))
    machine.waits("A-1", ALL(signal("s")))

    machine.signal("s", "one")

    assert machine.took("A-1") == [["one"]]
    assert machine.open == {"A-1": "EXECUTE*", "B-1": "WAITING"}


def test_commands_on_one_channel_are_served_in_their_order():
    """
    Four commands of one state get the messages in the order in which they were given.
    """
    machine = waiting(ALL(*[signal("s") for _ in range(4)]))

    for text in ("a", "b", "c"):
        machine.signal("s", text)

    assert machine.took("W-1") == [["a"], ["b"], ["c"], []]
    machine.signal("s", "d")
    assert machine.calls == ["W-1 EXECUTE"]


def test_signals_and_internal_channels_of_one_name_are_two():
    """
    The two families are separate name spaces.
    """
    machine = waiting(ANY(signal("x"), internal("x")))

    machine.publish(("x", "inner"))

    assert machine.took("W-1") == [[], ["inner"]]


def test_what_is_complete_in_the_same_turn_completes_too():
    """
    When ANY is satisfied, every other command that can be complete is: messages that are there, and timers that are due.
    """
    machine = waiting(ANY(TimerCommand.by_seconds(5), TimerCommand.by_seconds(50), internal("i"), internal("j")))
    machine.later(5)

    machine.publish(("i", "a"), ("j", "b"))

    assert machine.calls == ["W-1 EXECUTE"]
    assert machine.took("W-1") == [["a"], ["b"]]
    assert machine.state("W-1").waiting.timers == ("fired", None)


def test_a_state_that_has_gone_on_takes_nothing_more():
    """
    Commands that were not complete when the trigger was are over.
    """
    machine = waiting(ANY(signal("s"), signal("t")))
    machine.signal("s", "one")

    machine.signal("t", "late")

    assert machine.took("W-1") == [["one"], []]
    assert machine.run.unconsumed == 1


def test_messages_of_a_state_that_leaves_are_gone_with_it():
    """
    A message has one owner; nobody gets it again.
    """
    machine = waiting(ANY(signal("s")), ANY(signal("s")))
    machine.signal("s", "one")

    machine.ends("W-1")

    assert machine.open == {"W-2": "WAITING"}
    assert machine.run.in_flight == 0


def test_nothing_is_taken_until_there_is_enough():
    """
    A command that wants at least three declines two, and reserves nothing.
    """
    machine = waiting(ALL(signal("s", at_least=3)))

    machine.signal("s", "a")
    machine.signal("s", "b")
    assert machine.took("W-1") == [[]]
    assert machine.run.unconsumed == 2
    machine.signal("s", "c")

    assert machine.took("W-1") == [["a", "b", "c"]]
    assert machine.calls == ["W-1 EXECUTE"]


def test_who_declines_lets_the_next_one_take():
    """
    The oldest state wants two; with one message there it declines, and the younger state gets it.
    """
    machine = waiting(ALL(signal("s", at_least=2)), ALL(signal("s")))

    machine.signal("s", "a")

    assert machine.took("W-2") == [["a"]]
    assert machine.took("W-1") == [[]]


def test_a_command_takes_at_once_up_to_its_most():
    """
    Between at_least and at_most it takes what is there, once; what comes later is for others.
    """
    machine = Machine(to("W", None))
    for text in "abcde":
        machine.signal("s", text)

    machine.waits("W-1", ALL(signal("s", at_least=2, at_most=4), signal("t")))
    machine.signal("s", "f")

    assert machine.took("W-1") == [["a", "b", "c", "d"], []]
    assert machine.run.unconsumed == 2


def test_two_commands_with_bounds_share_in_order():
    """
    Of two commands on one channel the first takes its fill, then the second is asked.
    """
    machine = waiting(ALL(signal("s", at_least=1, at_most=2), signal("s", at_least=3)))

    machine.signal("s", "a")
    machine.signal("s", "b")
    machine.signal("s", "c")
    machine.signal("s", "d")

    assert machine.took("W-1") == [["a"], ["b", "c", "d"]]


def test_all_needs_every_command():
    """
    ALL waits for timers, signals and internal messages together.
    """
    machine = waiting(ALL(TimerCommand.by_seconds(5), signal("s"), internal("i")))

    machine.signal("s")
    machine.publish(("i", "x"))
    assert machine.open == {"W-1": "WAITING"}
    machine.later(5)
    machine.fire("W-1")

    assert machine.calls == ["W-1 EXECUTE"]


def combination(*lists: list[str], commands: tuple = ()) -> CommandRequest:
    return CommandRequest.for_any_command_combination_completed(lists, *commands)


def test_one_complete_combination_is_enough():
    """
    ANY_COMBINATION goes on when all ids of one list are complete, across kinds.
    """
    commands = (TimerCommand.by_seconds(5, "t"), signal("s", "s"), internal("i", "i"))
    machine = waiting(combination(["t", "s"], ["s", "i"], commands=commands))

    machine.signal("s")
    assert machine.open == {"W-1": "WAITING"}
    machine.publish(("i", "x"))

    assert machine.calls == ["W-1 EXECUTE"]


def test_an_id_that_stands_twice_wants_two_commands():
    """
    Command ids are multisets: one completed "s" does not make a combination of two.
    """
    machine = waiting(combination(["s", "s"], commands=(signal("s", "s"), signal("s", "s"))))

    machine.signal("s")
    assert machine.open == {"W-1": "WAITING"}
    machine.signal("s")

    assert machine.calls == ["W-1 EXECUTE"]


def test_an_empty_combination_is_satisfied_at_once():
    """
    Nothing is needed for a list without ids.
    """
    machine = waiting(combination([], commands=(signal("s", "s"),)))

    assert machine.calls == ["W-1 EXECUTE"]


def test_several_states_go_on_in_one_turn_by_age():
    """
    One event may satisfy many; their calls are asked for in the order of their age.
    """
    machine = waiting(ANY(internal("i")), ANY(internal("i")), ANY(internal("j")))

    machine.publish(("j", "x"), ("i", "y"), ("i", "z"))

    assert machine.calls == ["W-1 EXECUTE", "W-2 EXECUTE", "W-3 EXECUTE"]


def test_messages_keep_their_order_across_events():
    """
    What one turn publishes follows what lies there, and keeps its own order.
    """
    machine = Machine(to("W", None))
    machine.publish(("i", "a"), ("i", "b"))
    machine.publish(("i", "c"))

    machine.waits("W-1", ALL(internal("i", at_least=3)))

    assert machine.took("W-1") == [["a", "b", "c"]]


def test_a_message_may_have_no_value():
    """
    None is "no value": it is taken like any other message.
    """
    machine = waiting(ANY(internal("i")))

    machine.answer(None, writes=Writes(messages=(Publication(channel_name="i"),)))

    assert machine.calls == ["W-1 EXECUTE"]


def test_locals_are_kept_for_execute():
    """
    What wait_until keeps for its own execution is there until it leaves, word for word.
    """
    machine = Machine(to("W", None))
    machine.waits("W-1", CommandRequest.empty(), locals=(("l", sealed("x")), ("m", None)))

    assert machine.state("W-1").waiting.locals == (("l", sealed("x")), ("m", None))


@pytest.mark.parametrize("kind", list(CommandWaitingType))
def test_an_empty_request_needs_no_particular_type(kind: CommandWaitingType):
    """
    Without commands the waiting type does not matter.
    """
    machine = waiting(CommandRequest(kind))

    assert machine.calls == ["W-1 EXECUTE"]


def test_a_channel_that_is_used_up_is_forgotten():
    """
    A record keeps no empty channel.
    """
    machine = waiting(ANY(signal("s")))
    machine.signal("s")
    machine.ends("W-1")

    assert (ChannelFamily.SIGNAL, "s") not in machine.run.channels


def test_the_oldest_is_asked_first_whatever_it_wants():
    """
    With two messages at once the oldest state, which wants two, gets both; those who want one go without.
    """
    machine = waiting(ALL(signal("x")), ALL(internal("i", at_least=2)), ALL(internal("i")))

    machine.publish(("i", "a"), ("i", "b"))

    assert machine.took("W-2") == [["a", "b"]]
    assert machine.took("W-3") == [[]]


def test_all_messages_of_a_state_that_leaves_are_finished():
    """
    However many each of its commands took, none stays in flight.
    """
    machine = waiting(ALL(signal("s", at_least=3), signal("t", at_least=2)))
    for name in "sssttt":
        machine.signal(name)
    assert machine.run.in_flight == 5

    machine.ends("W-1")

    assert machine.run.in_flight == 0
    assert machine.run.unconsumed == 1


def test_who_waited_goes_on_before_who_is_opened():
    """
    Within one turn calls are asked for by age: the state that a message satisfied, then the one that was opened.
    """
    machine = Machine(to("Start"))
    machine.decides("Start-1", to("A"), to("W", None))
    machine.waits("W-1", ALL(internal("i")))

    machine.decides("A-1", "B", writes=writes(("i", "x")))

    assert machine.calls == ["W-1 EXECUTE", "B-1 EXECUTE"]
