"""When a state's commands are satisfied.

Each channel command takes the oldest message of its channel as soon as there is one (or as many as
its bounds want), oldest state execution first, and keeps it: a message has one owner. A channel is
empty for a state when nobody else has anything of it; a command that waits for that stays complete.
"""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime

from iwf_py.core.changes import ChannelsEmptied, MessageTaken, SkipsReleased, TimerCompleted
from iwf_py.core.channels import ChannelKey
from iwf_py.core.draft import VOID
from iwf_py.core.record import LiveState, Waiting
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


def complete_emptied(step: Step) -> None:
    """Complete the commands of those who wait until a channel is empty, of the channels that this turn touched."""
    draft = step.draft
    found: dict[int, list[int]] = {}
    for key in step.channels:
        waiters = draft.empties.get(key)
        if waiters is not None:
            for number, commands in waiters.satisfied(draft.channels.get(key, VOID)):
                found.setdefault(number, []).extend(commands)
    for number in sorted(found):
        waiting = draft.states[number].waiting
        assert waiting is not None
        known = [index for index, is_done in enumerate(waiting.emptied) if is_done]
        step.change(ChannelsEmptied(number=number, complete=tuple(sorted((*known, *found[number])))))
        step.states.add(number)


def timer_to_skip(waiting: Waiting, command_id: str | None, index: int | None) -> int | None:
    """Find the timer that a skip is for: the first of its id that is not over, or else the one at its index; or None."""
    if command_id:
        for at, (timer, status) in enumerate(zip(waiting.commands.timers, waiting.timers, strict=True)):
            if status is None and timer.command_id == command_id:
                return at
        return None
    if index is None or not 0 <= index < len(waiting.timers) or waiting.timers[index] is not None:
        return None
    return index


def apply_kept_skips(step: Step, state: LiveState) -> None:
    """Skip what was to be skipped of a state that waits from this turn on; what it has no timer for is dropped."""
    number = state.number
    for skip in step.draft.skips.of(state.execution_id):
        waiting = step.draft.states[number].waiting
        assert waiting is not None
        at = timer_to_skip(waiting, skip.command_id, skip.index)
        if at is not None:
            step.change(TimerCompleted(number=number, index=at, skipped=True))
    release_kept_skips(step, state.execution_id)


def release_kept_skips(step: Step, execution_id: str) -> None:
    """Keep nothing any more for a state execution that waits by now, or never will."""
    if len(step.draft.skips.of(execution_id)):
        step.change(SkipsReleased(state_execution_id=execution_id))


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
        return any(waiting.timers) or any(map(len, waiting.taken)) or any(waiting.emptied)
    if kind is CommandWaitingType.ALL_COMPLETED:
        return all(waiting.timers) and all(map(len, waiting.taken)) and all(waiting.emptied)
    done = Counter(timer.command_id for timer, status in zip(request.timers, waiting.timers, strict=True) if status)
    done.update(command.command_id for command, hand in zip(waiting.channels, waiting.taken, strict=True) if len(hand))
    done.update(
        command.command_id for command, is_done in zip(request.until_empty, waiting.emptied, strict=True) if is_done
    )
    return any(Counter(combination) <= done for combination in request.combinations)
