"""A record in the making, and the one place where a change is applied.

A turn thaws the old record once, folds its changes into the draft, and freezes the new record
once; whoever replays stored changes folds them through the same functions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any, get_args

from attrs import evolve

from iwf_py.core.attributes import Cell, LockKey
from iwf_py.core.changes import (
    AttributeWritten,
    Change,
    ChannelsEmptied,
    ConfigChanged,
    DelayEnded,
    EventsRecorded,
    ExecutionClosed,
    ExecutionOpened,
    ExecutionReset,
    GracefulCloseRequested,
    MessageAppended,
    MessageTaken,
    RpcClosed,
    RpcOpened,
    SearchAttributeWritten,
    SkipKept,
    SkipsReleased,
    StateInvoked,
    StateLeft,
    StateOpened,
    StateQueued,
    StateWaiting,
    Succeeded,
    TimerCompleted,
)
from iwf_py.core.channels import Channel, ChannelKey, EmptyWaiters, Message
from iwf_py.core.events import Started
from iwf_py.core.maps import EMPTY, EMPTY_FIFO, Fifo, Map
from iwf_py.core.record import LiveState, Origin, Record, StoredRpc, Waiting, opened_record, rpc_lock_keys
from iwf_py.core.skips import NO_SKIPS, KeptSkip, KeptSkips
from iwf_py.errors import TransitionError
from iwf_py.model.options import Chain, WorkflowConfig
from iwf_py.model.payload import Payload, SearchAttribute
from iwf_py.model.requests import StateOutput
from iwf_py.model.status import Phase

VOID = Channel()
NO_WAITERS = EmptyWaiters()


class Draft:
    """A record's fields, open to changes until it is frozen."""

    __slots__ = (
        "attributes",
        "attributes_size",
        "chain",
        "channels",
        "closed",
        "coming",
        "config",
        "empties",
        "failed",
        "in_flight",
        "is_closing",
        "keyed",
        "last_at",
        "locks",
        "opened",
        "ordinals",
        "outputs",
        "rpcs",
        "search_attributes",
        "seq",
        "skips",
        "started",
        "starts_at",
        "states",
        "successor",
        "timed",
        "unconsumed",
    )

    def __init__(self, record: Record) -> None:
        self.started: Started = record.started
        self.chain: Chain = record.chain
        self.starts_at: datetime | None = record.starts_at
        self.seq: int = record.seq
        self.last_at: datetime = record.last_at
        self.config: WorkflowConfig = record.config
        self.is_closing: bool = record.is_closing
        self.closed: ExecutionClosed | None = record.closed
        self.successor: Succeeded | None = record.successor
        self.attributes: Map[str, Cell[Payload]] = record.attributes
        self.attributes_size: int = record.attributes_size
        self.search_attributes: Map[str, Cell[SearchAttribute]] = record.search_attributes
        self.ordinals: Map[str, int] = record.ordinals
        self.opened: int = record.opened
        self.failed: Map[str, int] = record.failed
        self.keyed: Map[tuple[str, str], int] = record.keyed
        self.states: Map[int, LiveState] = record.states
        self.channels: Map[ChannelKey, Channel] = record.channels
        self.unconsumed: int = record.unconsumed
        self.in_flight: int = record.in_flight
        self.locks: Map[LockKey, Fifo[int]] = record.locks
        self.rpcs: Map[int, StoredRpc] = record.rpcs
        self.coming: Map[str, int] = record.coming
        self.timed: Map[str, int] = record.timed
        self.empties: Map[ChannelKey, EmptyWaiters] = record.empties
        self.skips: KeptSkips = record.skips
        self.outputs: Fifo[StateOutput] = record.outputs

    def frozen(self, seq: int, at: datetime) -> Record:
        """Make the record as it stands after the turn *seq* at *at*."""
        return Record(
            started=self.started,
            chain=self.chain,
            starts_at=self.starts_at,
            seq=seq,
            last_at=at,
            config=self.config,
            is_closing=self.is_closing,
            closed=self.closed,
            successor=self.successor,
            attributes=self.attributes,
            attributes_size=self.attributes_size,
            search_attributes=self.search_attributes,
            ordinals=self.ordinals,
            opened=self.opened,
            failed=self.failed,
            keyed=self.keyed,
            states=self.states,
            channels=self.channels,
            unconsumed=self.unconsumed,
            in_flight=self.in_flight,
            locks=self.locks,
            rpcs=self.rpcs,
            coming=self.coming,
            timed=self.timed,
            empties=self.empties,
            skips=self.skips,
            outputs=self.outputs,
        )

    def apply(self, change: Change) -> None:
        """Fold *change* into the draft."""
        _FOLDS[type(change)](self, change)


def fold(record: Record | None, changes: Iterable[Change], seq: int, at: datetime) -> Record:
    """
    Fold the changes of one turn into *record*; None where they begin with `ExecutionOpened`.

    Args:
        seq: Of the turn.

        at: Its instant.
    """
    remaining = iter(changes)
    if record is None:
        first = next(remaining, None)
        if not isinstance(first, ExecutionOpened):
            raise TransitionError(f"a run begins with ExecutionOpened, not with {type(first).__name__}")
        record = opened_record(first)
    draft = Draft(record)
    for change in remaining:
        draft.apply(change)
    return draft.frozen(seq, at)


def _opened_again(draft: Draft, _: ExecutionOpened) -> None:
    raise TransitionError(f"run {draft.started.run_id} was opened twice")


def _delay_ended(draft: Draft, _: DelayEnded) -> None:
    draft.starts_at = None


def _attribute_written(draft: Draft, change: AttributeWritten) -> None:
    old = draft.attributes.get(change.key)
    if old is not None:
        draft.attributes_size -= old.value.size
    if change.value is not None:
        draft.attributes = draft.attributes.insert(change.key, Cell(change.value, change.revision))
        draft.attributes_size += change.value.size
    elif old is not None:
        draft.attributes = draft.attributes.remove(change.key)


def _search_attribute_written(draft: Draft, change: SearchAttributeWritten) -> None:
    attribute = change.attribute
    if attribute.is_empty:
        draft.search_attributes = draft.search_attributes.discard(attribute.key)
    else:
        cell = Cell(attribute, change.revision, change.instant)
        draft.search_attributes = draft.search_attributes.insert(attribute.key, cell)


def _message_appended(draft: Draft, change: MessageAppended) -> None:
    key = change.family, change.channel_name
    channel = draft.channels.get(key, VOID).appended(Message(change.number, change.value))
    draft.channels = draft.channels.insert(key, channel)
    draft.unconsumed += 1


def _message_taken(draft: Draft, change: MessageTaken) -> None:
    key = change.family, change.channel_name
    channel = draft.channels[key]
    message = channel.messages.first
    if message.number != change.number:
        raise TransitionError(f"message {change.number} is not the oldest of channel {change.channel_name!r}")
    state = draft.states[change.state]
    waiting = state.waiting
    assert waiting is not None
    at = change.command
    hand = waiting.taken[at]
    channel = channel.taken()
    if not len(hand):
        channel = channel.unawaited(waiting.channels[at].at_least, change.state, at)
    taken = (*waiting.taken[:at], hand.push(message), *waiting.taken[at + 1 :])
    draft.channels = draft.channels.insert(key, channel)
    draft.unconsumed -= 1
    draft.in_flight += 1
    if len(draft.empties) and (waiters := draft.empties.get(key)) is not None:
        draft.empties = draft.empties.insert(key, waiters.taken(change.state))
    _put(draft, state, state.phase, _waiting(waiting, waiting.timers, taken))


def _state_opened(draft: Draft, change: StateOpened) -> None:
    origin = Origin(
        change.number,
        change.state_id,
        change.ordinal,
        change.input,
        change.options,
        change.wait_for_key,
        change.failure,
    )
    state = LiveState(origin, change.phase)
    draft.states = draft.states.insert(change.number, state)
    if state.is_to_wait:
        draft.coming = draft.coming.insert(origin.execution_id, change.number)
    draft.ordinals = draft.ordinals.insert(change.state_id, change.ordinal)
    draft.opened = change.number


def _state_queued(draft: Draft, change: StateQueued) -> None:
    state = draft.states[change.number]
    if state.phase is Phase.WAITING:
        _stop_waiting(draft, state)
    _queue(draft, state.lock_keys(change.phase), change.number)
    draft.states = draft.states.insert(
        change.number, LiveState(state.origin, change.phase, change.ticket, None, state.waiting)
    )


def _state_invoked(draft: Draft, change: StateInvoked) -> None:
    state = draft.states[change.number]
    if state.phase is Phase.WAITING:
        _stop_waiting(draft, state)
    if state.ticket is None:
        _queue(draft, state.lock_keys(change.phase), change.number)
    draft.states = draft.states.insert(
        change.number, LiveState(state.origin, change.phase, change.ticket, change.at, state.waiting)
    )


def _state_waiting(draft: Draft, change: StateWaiting) -> None:
    state = draft.states[change.number]
    _free(draft, state.lock_keys(state.phase), change.number)
    channels = change.commands.channels
    waiting = Waiting(
        change.commands,
        channels,
        change.due,
        change.locals,
        change.wait_until_succeeded,
        (None,) * len(change.due),
        (EMPTY_FIFO,) * len(channels),
        (False,) * len(change.commands.until_empty),
    )
    _put(draft, state, Phase.WAITING, waiting)
    execution_id = state.execution_id
    draft.coming = draft.coming.remove(execution_id)
    for index, command in enumerate(channels):
        key = command.family, command.channel_name
        channel = draft.channels.get(key, VOID).awaited(command.at_least, change.number, index)
        draft.channels = draft.channels.insert(key, channel)
    for index, until in enumerate(change.commands.until_empty):
        key = until.family, until.channel_name
        waiters = draft.empties.get(key, NO_WAITERS).plus(change.number, index)
        draft.empties = draft.empties.insert(key, waiters)
    if change.due:
        draft.timed = draft.timed.insert(execution_id, change.number)


def _timer_completed(draft: Draft, change: TimerCompleted) -> None:
    state = draft.states[change.number]
    waiting = state.waiting
    assert waiting is not None
    status = "skipped" if change.skipped else "fired"
    timers = (*waiting.timers[: change.index], status, *waiting.timers[change.index + 1 :])
    _put(draft, state, state.phase, _waiting(waiting, timers, waiting.taken))


def _skip_kept(draft: Draft, change: SkipKept) -> None:
    skip = KeptSkip(change.state_execution_id, change.number, change.command_id, change.index)
    draft.skips = draft.skips.plus(skip)


def _skips_released(draft: Draft, change: SkipsReleased) -> None:
    name = change.state_execution_id
    draft.skips = NO_SKIPS if name is None else draft.skips.without(name)


def _channels_emptied(draft: Draft, change: ChannelsEmptied) -> None:
    state = draft.states[change.number]
    waiting = state.waiting
    assert waiting is not None
    _stop_awaiting(draft, state.number, waiting, change.complete)
    emptied = tuple(index in change.complete for index in range(len(waiting.emptied)))
    _put(draft, state, state.phase, evolve(waiting, emptied=emptied))


def _state_left(draft: Draft, change: StateLeft) -> None:
    state = draft.states[change.number]
    if state.ticket is not None:
        _free(draft, state.lock_keys(state.phase), change.number)
    waiting = state.waiting
    if waiting is not None and waiting.channels:
        _finish(draft, waiting)
    draft.states = draft.states.remove(change.number)
    if not change.succeeded:
        draft.failed = draft.failed.insert(state.execution_id, change.number)
    elif change.wait_for_key is not None and (change.state_id, change.wait_for_key) not in draft.keyed:
        draft.keyed = draft.keyed.insert((change.state_id, change.wait_for_key), change.ordinal)
    if change.output is not None:
        output = StateOutput(state_id=change.state_id, state_execution_id=state.execution_id, output=change.output)
        draft.outputs = draft.outputs.push(output)


def _graceful_close_requested(draft: Draft, _: GracefulCloseRequested) -> None:
    draft.is_closing = True


def _rpc_opened(draft: Draft, change: RpcOpened) -> None:
    rpc = StoredRpc(number=change.number, request=change.request, ticket=change.ticket, at=change.at)
    draft.rpcs = draft.rpcs.insert(change.number, rpc)
    _queue(draft, rpc_lock_keys(change.request), -change.number)


def _rpc_closed(draft: Draft, change: RpcClosed) -> None:
    rpc = draft.rpcs[change.number]
    draft.rpcs = draft.rpcs.remove(change.number)
    _free(draft, rpc_lock_keys(rpc.request), -change.number)


def _events_recorded(*_: object) -> None:
    # The event itself is all there is to keep.
    pass


def _config_changed(draft: Draft, change: ConfigChanged) -> None:
    draft.config = change.config


def _execution_closed(draft: Draft, change: ExecutionClosed) -> None:
    draft.closed = change
    draft.starts_at = None
    draft.is_closing = False
    draft.states = EMPTY
    draft.channels = EMPTY
    draft.unconsumed = draft.in_flight = 0
    draft.locks = EMPTY
    draft.rpcs = EMPTY
    draft.coming = EMPTY
    draft.timed = EMPTY
    draft.empties = EMPTY
    draft.skips = NO_SKIPS


def _execution_reset(draft: Draft, change: ExecutionReset) -> None:
    draft.started = evolve(draft.started, run_id=change.run_id)
    draft.chain = change.chain


def _succeeded(draft: Draft, change: Succeeded) -> None:
    draft.successor = change


_FOLDS: dict[type, Callable[[Draft, Any], None]] = {
    ExecutionOpened: _opened_again,
    DelayEnded: _delay_ended,
    AttributeWritten: _attribute_written,
    SearchAttributeWritten: _search_attribute_written,
    MessageAppended: _message_appended,
    MessageTaken: _message_taken,
    StateOpened: _state_opened,
    StateQueued: _state_queued,
    StateInvoked: _state_invoked,
    StateWaiting: _state_waiting,
    TimerCompleted: _timer_completed,
    SkipKept: _skip_kept,
    SkipsReleased: _skips_released,
    ChannelsEmptied: _channels_emptied,
    StateLeft: _state_left,
    GracefulCloseRequested: _graceful_close_requested,
    RpcOpened: _rpc_opened,
    RpcClosed: _rpc_closed,
    EventsRecorded: _events_recorded,
    ConfigChanged: _config_changed,
    ExecutionClosed: _execution_closed,
    ExecutionReset: _execution_reset,
    Succeeded: _succeeded,
}
assert set(_FOLDS) == set(get_args(Change)), "every change has its fold"


def _put(draft: Draft, state: LiveState, phase: Phase, waiting: Waiting) -> None:
    if phase is Phase.WAITING:
        state = LiveState(state.origin, phase, None, None, waiting)
    else:
        state = LiveState(state.origin, phase, state.ticket, state.invoked_at, waiting)
    draft.states = draft.states.insert(state.origin.number, state)


def _waiting(old: Waiting, timers: tuple[str | None, ...], taken: tuple[Fifo[Message], ...]) -> Waiting:
    return Waiting(
        old.commands, old.channels, old.due, old.locals, old.wait_until_succeeded, timers, taken, old.emptied
    )


def _stop_waiting(draft: Draft, state: LiveState) -> None:
    """Take the state's open commands out of the indexes: they consume nothing from now on."""
    waiting = state.waiting
    assert waiting is not None
    for index, command in enumerate(waiting.channels):
        if not len(waiting.taken[index]):
            key = command.family, command.channel_name
            channel = draft.channels[key].unawaited(command.at_least, state.number, index)
            _put_channel(draft, key, channel)
    if waiting.emptied:
        _stop_awaiting(draft, state.number, waiting, range(len(waiting.emptied)))
    if waiting.due:
        draft.timed = draft.timed.remove(state.execution_id)


def _stop_awaiting(draft: Draft, number: int, waiting: Waiting, commands: Iterable[int]) -> None:
    """Take commands until a channel is empty out of the index; a state's commands on one channel go together."""
    for index in commands:
        command = waiting.commands.until_empty[index]
        key = command.family, command.channel_name
        waiters = draft.empties.get(key)
        if waiters is not None and waiters.states.get(number) is not None:
            waiters = waiters.without(number)
            draft.empties = draft.empties.insert(key, waiters) if len(waiters.states) else draft.empties.remove(key)


def _finish(draft: Draft, waiting: Waiting) -> None:
    """Let go of the messages that a leaving state took."""
    for command, hand in zip(waiting.channels, waiting.taken, strict=True):
        count = len(hand)
        if count:
            key = command.family, command.channel_name
            _put_channel(draft, key, draft.channels[key].finished(count))
            draft.in_flight -= count


def _put_channel(draft: Draft, key: ChannelKey, channel: Channel) -> None:
    draft.channels = draft.channels.remove(key) if channel.is_void else draft.channels.insert(key, channel)


def _queue(draft: Draft, keys: tuple[LockKey, ...], owner: int) -> None:
    for key in keys:
        draft.locks = draft.locks.insert(key, draft.locks.get(key, EMPTY_FIFO).push(owner))


def _free(draft: Draft, keys: tuple[LockKey, ...], owner: int) -> None:
    for key in keys:
        queue = draft.locks[key]
        if queue.first != owner:
            raise TransitionError(f"lock {key} is not held by {owner}")
        queue = queue.pop()
        draft.locks = draft.locks.insert(key, queue) if len(queue) else draft.locks.remove(key)
