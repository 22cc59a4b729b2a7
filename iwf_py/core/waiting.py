"""When a state's commands are satisfied.

Each channel command takes the oldest message of its channel as soon as there is one (or as many as
its bounds want), oldest state execution first, and keeps it: a message has one owner.
"""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime

from iwf_py.core.changes import MessageTaken, TimerCompleted
from iwf_py.core.channels import ChannelKey
from iwf_py.core.record import Waiting
from iwf_py.core.step import Step
from iwf_py.model.commands import CommandRequest
from iwf_py.model.status import CommandWaitingType


def instants(commands: CommandRequest, at: datetime) -> tuple[datetime, ...]:
    """Turn the timers of *commands* into instants; a timer with neither duration nor instant is due at once."""
    if not commands.timers:
        return ()
    return tuple(
        at + timer.duration
        if timer.duration is not None
        else at
        if timer.fires_at is None
        else timer.fires_at.astimezone(UTC)
        for timer in commands.timers
    )


def is_instant(moment: datetime) -> bool:
    """Can a timer be set to *moment*: is it aware, and within the calendar in UTC too?"""
    if moment.tzinfo is None:
        return False
    try:
        moment.astimezone(UTC)
    except OverflowError:
        return False
    return True


def distribute(step: Step, key: ChannelKey) -> None:
    """Hand the messages of one channel to those who wait, until nobody can take any more."""
    while True:
        channel = step.draft.channels.get(key)
        if channel is None:
            return
        taker = channel.next_taker()
        if taker is None:
            return
        number, index = taker
        waiting = step.draft.states[number].waiting
        assert waiting is not None
        messages = iter(channel.messages)
        for _ in range(min(waiting.channels[index].most, len(channel.messages))):
            step.change(
                MessageTaken(
                    family=key[0], channel_name=key[1], number=next(messages).number, state=number, command=index
                )
            )
        step.states.add(number)


def complete_due_timers(step: Step, number: int, waiting: Waiting) -> Waiting:
    """Complete the timers of a state that are due by now, though nobody has said so yet."""
    if not waiting.due:
        return waiting
    for index, (due, status) in enumerate(zip(waiting.due, waiting.timers, strict=True)):
        if status is None and due <= step.at:
            step.change(TimerCompleted(number=number, index=index))
    after = step.draft.states[number].waiting
    assert after is not None
    return after


def is_satisfied(waiting: Waiting) -> bool:
    """May the state go on to execute?"""
    request = waiting.commands
    if request.is_empty:
        return True
    kind = request.waiting_type
    if kind is CommandWaitingType.ANY_COMPLETED:
        return any(waiting.timers) or any(map(len, waiting.taken))
    if kind is CommandWaitingType.ALL_COMPLETED:
        return all(waiting.timers) and all(map(len, waiting.taken))
    done = Counter(timer.command_id for timer, status in zip(request.timers, waiting.timers, strict=True) if status)
    done.update(command.command_id for command, hand in zip(waiting.channels, waiting.taken, strict=True) if len(hand))
    return any(Counter(combination) <= done for combination in request.combinations)
