"""The invariants can fail: each corruption of a sound record is found."""

from __future__ import annotations

import functools
from collections.abc import Callable
from datetime import timedelta

import pytest
from attrs import evolve

from iwf_py.core import invariants
from iwf_py.core.attributes import Cell
from iwf_py.core.changes import Succeeded
from iwf_py.core.channels import Channel, Message
from iwf_py.core.maps import EMPTY, EMPTY_FIFO, Fifo
from iwf_py.core.record import Record
from iwf_py.core.skips import KeptSkip, KeptSkips
from iwf_py.model.commands import CommandRequest, InternalChannelCommand, SignalChannelCommand, TimerCommand
from iwf_py.model.options import StateOptions
from iwf_py.model.status import ChannelFamily, Phase
from tests.core.machine import NOON, Machine, locks, sealed, to

SIGNAL = ChannelFamily.SIGNAL
EMPTIES = CommandRequest.for_all_command_completed(
    SignalChannelCommand.until_empty("t"), SignalChannelCommand.until_empty("u")
)
REQUEST = CommandRequest.for_all_command_completed(
    TimerCommand.by_seconds(5), SignalChannelCommand.by_name("s"), InternalChannelCommand.by_name("i")
)


def sound() -> Record:
    """
    W-1 (2) waits and has a message, L-1 (3) holds k, M-1 (4) queues for it, an RPC holds r; a message lies in channel t.
    E-1 (5) waits until t is empty, and saw u so; N-1 (6) is in wait_until, and a skip is kept for it.
    """
    machine = Machine(to("Start"), attributes=(("a", sealed("1")),))
    machine.decides("Start-1", to("W", None), to("L", locks("k")), to("M", locks("k")), to("E", None), to("N", None))
    machine.waits("W-1", REQUEST)
    machine.signal("s", "x")
    machine.signal("t", "y")
    machine.ask("r")
    machine.waits("E-1", EMPTIES)
    machine.skip("N-1", index=0)
    return machine.run


def state(record: Record, number: int, **fields: object) -> Record:
    return evolve(record, states=record.states.insert(number, evolve(record.states[number], **fields)))


def waiting(record: Record, **fields: object) -> Record:
    return state(record, 2, waiting=evolve(record.states[2].waiting, **fields))


def keeping(record: Record, name: str, command_id: str | None = None, index: int | None = 0) -> Record:
    return evolve(record, skips=record.skips.plus(KeptSkip(name, 1 << 60, command_id, index)))


CORRUPTIONS: dict[str, Callable[[Record], Record]] = {
    "no entry": lambda r: evolve(r, seq=0),
    "before its time": lambda r: evolve(r, last_at=NOON - timedelta(days=1)),
    "a successor of an open run": lambda r: evolve(r, successor=Succeeded(next=r.started, is_retry=True)),
    "size of attributes": lambda r: evolve(r, attributes_size=1),
    "count of messages": lambda r: evolve(r, unconsumed=5),
    "count in flight": lambda r: evolve(r, in_flight=0),
    "number of the last state": lambda r: evolve(r, opened=9),
    "no waiters": lambda r: evolve(r, channels=r.channels.remove((ChannelFamily.INTERNAL, "i"))),
    "a void channel": lambda r: evolve(r, channels=r.channels.insert((SIGNAL, "z"), Channel())),
    "a channel out of order": lambda r: evolve(
        r,
        unconsumed=2,
        channels=r.channels.insert((SIGNAL, "t"), Channel(Fifo.of([Message(9, None), Message(8, None)]))),
    ),
    "a message of tomorrow": lambda r: evolve(
        r, channels=r.channels.insert((SIGNAL, "t"), Channel(Fifo.of([Message(1 << 60, None)])))
    ),
    "a message that somebody wants": lambda r: evolve(
        r,
        channels=r.channels.insert(
            (ChannelFamily.INTERNAL, "i"),
            r.channels[ChannelFamily.INTERNAL, "i"].appended(Message(1, None)),
        ),
    ),
    "a lock without holder": lambda r: evolve(r, locks=r.locks.insert(("D", "z"), Fifo.of([3]))),
    "a lock forgotten": lambda r: evolve(r, locks=r.locks.remove(("D", "k"))),
    "two holders": lambda r: state(r, 4, invoked_at=NOON),
    "a queue overtaken": lambda r: evolve(r, locks=r.locks.insert(("D", "k"), Fifo.of([4, 3]))),
    "a holder that is not invoked": lambda r: state(r, 3, invoked_at=None),
    "an RPC forgotten": lambda r: evolve(r, rpcs=EMPTY),
    "a delayed state in a run without delay": lambda r: state(r, 3, phase=Phase.DELAYED),
    "a delayed state that did something": lambda r: state(evolve(r, starts_at=NOON), 2, phase=Phase.DELAYED),
    "a state that runs during the delay": lambda r: evolve(r, starts_at=NOON),
    "a call without a ticket": lambda r: state(r, 3, ticket=None, invoked_at=None),
    "a wait with a call": lambda r: state(r, 2, ticket=1, invoked_at=NOON),
    "a wait for nothing": lambda r: state(r, 2, waiting=None),
    "a wait that is over": lambda r: waiting(r, commands=CommandRequest(), channels=(), due=(), timers=(), taken=()),
    "a timer too many": lambda r: waiting(r, due=(NOON, NOON), timers=(None, None)),
    "more taken than wanted": lambda r: waiting(r, taken=(Fifo.of([Message(1, None), Message(2, None)]), EMPTY_FIFO)),
    "a state that is to wait forgotten": lambda r: evolve(r, coming=EMPTY),
    "a timer's name forgotten": lambda r: evolve(r, timed=EMPTY),
    "who waits for an empty channel forgotten": lambda r: evolve(r, empties=EMPTY),
    "an emptiness nobody saw": lambda r: evolve(
        r, states=r.states.insert(5, evolve(r.states[5], waiting=evolve(r.states[5].waiting, emptied=(True, False))))
    ),
    "an emptiness too many": lambda r: evolve(
        r, states=r.states.insert(5, evolve(r.states[5], waiting=evolve(r.states[5].waiting, emptied=())))
    ),
    "an empty channel that nobody is told of": lambda r: evolve(
        r, channels=r.channels.remove((SIGNAL, "t")), unconsumed=0
    ),
    "a kept skip of what is over": lambda r: keeping(r, "Start-1"),
    "a kept skip of what waits": lambda r: keeping(r, "W-1"),
    "a kept skip of what never will": lambda r: keeping(r, "L-1"),
    "a kept skip of no timer": lambda r: keeping(r, "N-1", None, None),
    "a kept skip of two timers": lambda r: keeping(r, "N-1", "a", 0),
    "a miscount of skips": lambda r: evolve(r, skips=KeptSkips(r.skips.executions, 2)),
    "too many skips": lambda r: functools.reduce(lambda r, _: keeping(r, "N-1"), range(1001), r),
    "a wait_until that is skipped": lambda r: state(r, 3, phase=Phase.WAIT_UNTIL),
    "an execute that should have waited": lambda r: state(
        r, 3, origin=evolve(r.states[3].origin, options=StateOptions())
    ),
    "a closing run without states": lambda r: evolve(Machine().run, is_closing=True),
    "too many states": lambda r: evolve(r, states=r.states.update(dict.fromkeys(range(10, 20020), r.states[3]))),
    "too many attributes": lambda r: evolve(
        r, attributes=r.attributes.update({f"k{number}": Cell(sealed("x"), 1) for number in range(20_001)})
    ),
    "too many messages": lambda r: evolve(
        r,
        unconsumed=30_000,
        channels=r.channels.insert((SIGNAL, "t"), Channel(Fifo.of([Message(n, None) for n in range(30_000)]))),
    ),
}


def test_a_sound_record_has_no_problems():
    """
    The record that is corrupted below is sound.
    """
    assert invariants.check(sound()) == []


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_a_corrupted_record_is_found(name: str):
    """
    Every index and every law has a corruption that it finds.
    """
    assert invariants.check(CORRUPTIONS[name](sound()))


def test_a_run_that_lives_on_after_its_close_is_found():
    """
    Closing is the last thing that happens.
    """
    machine = Machine(to("A"))
    machine.forces("A-1")

    assert invariants.check(evolve(machine.run, last_at=NOON + timedelta(seconds=1)))
    assert invariants.check(evolve(machine.run, opened=2))


def test_an_equal_record_is_one_with_equal_content():
    """
    Records that came about differently are equal when they hold the same.
    """
    assert sound() == sound()
    assert sound() != evolve(sound(), attributes=EMPTY)
