"""FIFO buffers of messages, with those who wait for them.

A channel is empty, and then it does not exist, or it holds messages, waiting commands, or messages
that were taken by states that have not finished. A message is taken from the front alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from attrs import frozen

from iwf_py.core.maps import EMPTY_FIFO, EMPTY_ORDERED, Fifo, Map, OrderedMap
from iwf_py.model.payload import Payload
from iwf_py.model.status import ChannelFamily

# What may lie in one channel, and in all of a run, before somebody takes it.
MAX_CHANNEL_MESSAGES = 10_000
MAX_RUN_MESSAGES = 20_000

ChannelKey = tuple[ChannelFamily, str]


@frozen
class Message:
    """A message in its channel, or in the hands of the state that took it; *number* orders the run's messages."""

    number: int
    value: Payload | None


@frozen
class Channel:
    """
    One channel.

    Attributes:
        messages: Not taken yet, oldest first.

        waiters: For each number of messages that some command wants at least, ascending: the commands (by their
            index) that want so many, by the number of their state.

        in_flight: Messages that were taken by states which have not left.
    """

    messages: Fifo[Message] = EMPTY_FIFO
    waiters: tuple[tuple[int, OrderedMap[tuple[int, ...]]], ...] = ()
    in_flight: int = 0

    @property
    def is_void(self) -> bool:
        """Is there nothing left to remember?"""
        return not (self.in_flight or self.waiters or len(self.messages))

    def appended(self, message: Message) -> Channel:
        """With *message* at the end."""
        return Channel(self.messages.push(message), self.waiters, self.in_flight)

    def taken(self) -> Channel:
        """Without the oldest message, which is now in flight."""
        return Channel(self.messages.pop(), self.waiters, self.in_flight + 1)

    def finished(self, count: int) -> Channel:
        """With *count* messages fewer in flight."""
        return Channel(self.messages, self.waiters, self.in_flight - count)

    def awaited(self, at_least: int, number: int, command: int) -> Channel:
        """With a waiting command more."""
        waiters = self.waiters
        if not waiters:
            return Channel(self.messages, ((at_least, EMPTY_ORDERED.insert(number, (command,))),), self.in_flight)
        for at, (bound, states) in enumerate(waiters):
            if bound == at_least:
                commands = states.get(number)
                # A state's commands register in ascending order, so the tuple stays sorted.
                mine = (command,) if commands is None else (*commands, command)
                group = (bound, states.insert(number, mine))
                return Channel(self.messages, (*waiters[:at], group, *waiters[at + 1 :]), self.in_flight)
            if bound > at_least:
                group = (at_least, EMPTY_ORDERED.insert(number, (command,)))
                return Channel(self.messages, (*waiters[:at], group, *waiters[at:]), self.in_flight)
        group = (at_least, EMPTY_ORDERED.insert(number, (command,)))
        return Channel(self.messages, (*waiters, group), self.in_flight)

    def unawaited(self, at_least: int, number: int, command: int) -> Channel:
        """With a waiting command fewer."""
        groups = []
        for group in self.waiters:
            bound, states = group
            if bound == at_least:
                commands = tuple(other for other in states.get(number) or () if other != command)
                states = states.insert(number, commands) if commands else states.remove(number)
                if len(states):
                    groups.append((bound, states))
            else:
                groups.append(group)
        return Channel(self.messages, tuple(groups), self.in_flight)

    def next_taker(self) -> tuple[int, int] | None:
        """
        Find who gets the oldest message: state number and command index.

        The oldest state execution comes first, then the order of its commands; a command that wants more than there is
        declines and reserves nothing.
        """
        size = len(self.messages)
        best: tuple[int, int] | None = None
        for at_least, states in self.waiters:
            if at_least > size:
                break
            first = states.first()
            if first is not None and (best is None or (first[0], first[1][0]) < best):
                best = first[0], first[1][0]
        return best


@frozen
class EmptyWaiters:
    """
    Who waits until one channel is empty.

    Attributes:
        states: By the number of the state: the indexes of its commands.

        holding: Of those, who has taken messages of the channel itself, and how many.
    """

    states: OrderedMap[tuple[int, ...]] = EMPTY_ORDERED
    holding: OrderedMap[int] = EMPTY_ORDERED

    def plus(self, number: int, command: int) -> EmptyWaiters:
        """With a waiting command more; a state's register in ascending order."""
        return EmptyWaiters(self.states.insert(number, (*(self.states.get(number) or ()), command)), self.holding)

    def without(self, number: int) -> EmptyWaiters:
        """Without a state."""
        holding = self.holding if self.holding.get(number) is None else self.holding.remove(number)
        return EmptyWaiters(self.states.remove(number), holding)

    def taken(self, number: int) -> EmptyWaiters:
        """With a message more in the hands of a state, should it wait here."""
        if self.states.get(number) is None:
            return self
        return EmptyWaiters(self.states, self.holding.insert(number, (self.holding.get(number) or 0) + 1))

    def satisfied(self, channel: Channel) -> Iterator[tuple[int, tuple[int, ...]]]:
        """Walk those for whom *channel* is empty: what a state took itself does not count."""
        if len(channel.messages):
            return
        if not channel.in_flight:
            yield from self.states.items()
            return
        # Two that hold something stand in each other's way, so that one look is enough.
        first = self.holding.first() if len(self.holding) == 1 else None
        if first is not None and first[1] == channel.in_flight:
            yield first[0], self.states.get(first[0]) or ()


class ChannelSizes(Mapping[ChannelKey, int]):
    """Messages not taken yet, by channel, of the channels that have any; sorted, and counted only when asked."""

    __slots__ = ("_channels",)

    def __init__(self, channels: Map[ChannelKey, Channel]) -> None:
        self._channels = channels

    def __getitem__(self, key: ChannelKey) -> int:
        channel = self._channels.get(key)
        if channel is None or not len(channel.messages):
            raise KeyError(key)
        return len(channel.messages)

    def __iter__(self) -> Iterator[ChannelKey]:
        return iter(sorted(key for key, channel in self._channels.items() if len(channel.messages)))

    def __len__(self) -> int:
        return sum(1 for channel in self._channels.values() if len(channel.messages))

    def __repr__(self) -> str:
        return f"ChannelSizes({dict(self)!r})"
