"""What must hold after every turn.

Every index is computed anew from what rows would say, and compared. Then what no comparison can
tell: that the record is settled, and that each open state can still go on.
"""

from __future__ import annotations

from collections.abc import Iterator

from iwf_py.core.attributes import MAX_ATTRIBUTES
from iwf_py.core.changes import STRIDE
from iwf_py.core.channels import MAX_CHANNEL_MESSAGES, MAX_RUN_MESSAGES
from iwf_py.core.parts import restore, stored
from iwf_py.core.record import LiveState, Record
from iwf_py.core.rewind import differences
from iwf_py.core.skips import MAX_KEPT_SKIPS
from iwf_py.core.states import MAX_OPEN_STATES
from iwf_py.core.views import live_states
from iwf_py.core.waiting import is_satisfied
from iwf_py.model.ids import state_execution_id
from iwf_py.model.status import Phase


def check(record: Record) -> list[str]:
    """Say what does not hold: one sentence for each problem; empty when all is well."""
    problems = [f"restored from its rows, {difference}" for difference in differences(restore(stored(record)), record)]
    problems += _of_run(record)
    problems += _of_completions(record)
    if record.is_open:
        problems += _of_limits(record)
        problems += _of_channels(record)
        problems += _of_locks(record)
        problems += _of_skips(record)
        for state in live_states(record):
            problems += (f"{state.execution_id} {problem}" for problem in _of_state(record, state))
    return problems


def _of_run(record: Record) -> Iterator[str]:
    if record.seq < 1:
        yield "a run has at least the entry of its opening"
    if record.last_at < record.started.at:
        yield "the last turn was before the first"
    if record.closed is not None and record.closed.at != record.last_at:
        yield "something happened after the run closed"
    if record.successor is not None and record.closed is None:
        yield "an open run has a successor"
    if record.is_open and record.is_closing and not len(record.states):
        yield "a closing run without states is still open"


def _of_completions(record: Record) -> Iterator[str]:
    for name, number in sorted(record.failed.items()):
        if number in record.states or number > record.opened:
            yield f"{name} has failed for good, and is open or was never opened"
    for (state_id, key), ordinal in sorted(record.keyed.items()):
        name = state_execution_id(state_id, ordinal)
        if name in record.failed or ordinal > record.ordinals.get(state_id, 0):
            yield f"{name} is said to have completed with key {key!r}"


def _of_limits(record: Record) -> Iterator[str]:
    if record.unconsumed > MAX_RUN_MESSAGES:
        yield f"the run holds {record.unconsumed} messages that nobody has taken"
    if len(record.states) > MAX_OPEN_STATES:
        yield f"the run has {len(record.states)} open states"
    if len(record.attributes) + len(record.search_attributes) > MAX_ATTRIBUTES:
        yield "the run has too many attributes"


def _of_channels(record: Record) -> Iterator[str]:
    for (_, name), channel in sorted(record.channels.items(), key=lambda item: item[0]):
        numbers = [message.number for message in channel.messages]
        if numbers != sorted(set(numbers)):
            yield f"channel {name!r} is out of order"
        if len(numbers) > MAX_CHANNEL_MESSAGES:
            yield f"channel {name!r} holds {len(numbers)} messages"
        if any(number >= (record.seq + 1) * STRIDE for number in numbers):
            yield f"channel {name!r} holds a message of a later turn"
        if channel.is_void:
            yield f"channel {name!r} is kept though nothing is in it"
        taker = channel.next_taker()
        if taker is not None:
            yield f"channel {name!r} has messages that command {taker[1]} of state {taker[0]} wants"


def _of_locks(record: Record) -> Iterator[str]:
    for key, queue in sorted(record.locks.items()):
        for owner in list(queue)[1:]:
            state = record.states.get(owner)
            if owner < 0 or state is None or state.is_invoked:
                yield f"{owner} has lock {key} together with {queue.first}"


def _of_skips(record: Record) -> Iterator[str]:
    if record.skips.count > MAX_KEPT_SKIPS:
        yield f"the run keeps {record.skips.count} skips"
    if not record.skips.count:
        return
    live = {state.execution_id: state for state in live_states(record)}
    for skip in record.skips:
        name = skip.state_execution_id
        state_id, _, ordinal = name.rpartition("-")
        if (skip.command_id is None) == (skip.index is None):
            yield f"a kept skip of {name} names no timer, or one in two ways"
        if name not in live:
            if int(ordinal) <= record.ordinals.get(state_id, 0):
                yield f"a skip is kept for {name}, which is over"
        elif not live[name].is_to_wait:
            yield f"a skip is kept for {name}, which waits by now or never will"


def _of_state(record: Record, state: LiveState) -> Iterator[str]:
    if state.phase is Phase.DELAYED:
        if record.starts_at is None:
            yield "is delayed though the delay is over"
        if state.ticket is not None or state.waiting is not None:
            yield "did something before the delay was over"
        return
    if record.starts_at is not None:
        yield "runs before the delay is over"
    if state.phase is Phase.WAITING:
        yield from _of_waiting(state)
        yield from _of_emptiness(record, state)
    elif state.ticket is None:
        yield f"is in {state.phase.value} without a ticket: it can never go on"
    else:
        is_first = all(
            key in record.locks and record.locks[key].first == state.number for key in state.lock_keys(state.phase)
        )
        if state.is_invoked and not is_first:
            yield "is invoked without holding its locks"
        if not state.is_invoked and is_first:
            yield "holds its locks and is not invoked"
    if state.phase is Phase.WAIT_UNTIL and (state.waiting is not None or state.options.skip_wait_until):
        yield "is in WAIT_UNTIL though that is over or skipped"
    if state.phase is Phase.EXECUTE and (state.waiting is None) != state.options.skip_wait_until:
        yield "is in EXECUTE with commands it should not have, or without those it should"


def _of_waiting(state: LiveState) -> Iterator[str]:
    waiting = state.waiting
    if waiting is None:
        yield "waits for nothing that is known"
        return
    if state.ticket is not None or state.invoked_at is not None:
        yield "waits and has a call at once"
    if is_satisfied(waiting):
        yield "has all it waits for and does not go on"
    if len(waiting.due) != len(waiting.commands.timers) or len(waiting.timers) != len(waiting.due):
        yield "has timers that were not asked for"
    for command, hand in zip(waiting.channels, waiting.taken, strict=True):
        if len(hand) and not command.at_least <= len(hand) <= command.most:
            yield f"took {len(hand)} messages of channel {command.channel_name!r}, against the bounds of its command"


def _of_emptiness(record: Record, state: LiveState) -> Iterator[str]:
    waiting = state.waiting
    if waiting is None:
        return
    if len(waiting.emptied) != len(waiting.commands.until_empty):
        yield "has commands until a channel is empty that were not asked for"
        return
    for command, is_done in zip(waiting.commands.until_empty, waiting.emptied, strict=True):
        key = command.family, command.channel_name
        others = [
            other
            for other in record.states.values()
            if other.waiting is not None
            and other.number != state.number
            and any(
                (taker.family, taker.channel_name) == key and len(hand)
                for taker, hand in zip(other.waiting.channels, other.waiting.taken, strict=True)
            )
        ]
        channel = record.channels.get(key)
        if not is_done and not others and (channel is None or not len(channel.messages)):
            yield f"waits until channel {command.channel_name!r} is empty, and it is"
