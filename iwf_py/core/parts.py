"""What rows say of a run, and the record made of it again.

`restore` computes whatever is not stored as such (indexes, counts, what a state has taken) from the rest, so
that nothing is stored twice; `stored` is its inverse.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from attrs import evolve, field, frozen

from iwf_py.core.attributes import Cell, LockKey
from iwf_py.core.changes import ExecutionClosed, Succeeded
from iwf_py.core.channels import Channel, ChannelKey, EmptyWaiters, Message
from iwf_py.core.events import Started
from iwf_py.core.maps import EMPTY_FIFO, Fifo, Map
from iwf_py.core.record import LiveState, Origin, Record, StoredRpc, Waiting, rpc_lock_keys
from iwf_py.core.skips import NO_SKIPS, KeptSkip
from iwf_py.model.commands import CommandRequest
from iwf_py.model.invocations import Failure
from iwf_py.model.options import DEFAULT_CONFIG, Chain, StateOptions, WorkflowConfig
from iwf_py.model.payload import Payload, SearchAttribute
from iwf_py.model.requests import StateOutput
from iwf_py.model.status import ChannelFamily, Phase


@frozen(kw_only=True)
class StoredMessage:
    """A message as rows have it: waiting in its channel, or taken by a state's command."""

    family: ChannelFamily
    channel_name: str
    number: int
    value: Payload | None
    state: int | None = None
    command: int | None = None


@frozen(kw_only=True)
class StoredState:
    """
    An open state execution as rows have it.

    Attributes:
        ticket: Its place in the queues of its locks, while it queues or is invoked; else None.

        invoked_at: When its call became outstanding; None while it is delayed, queued or waiting.

        timers: For each timer of *commands*: its instant, and None, "fired" or "skipped".

        emptied: The indexes of those commands until a channel is empty that are complete.
    """

    number: int
    state_id: str
    ordinal: int
    phase: Phase
    input: Payload | None = None
    options: StateOptions | None = None
    wait_for_key: str | None = None
    failure: Failure | None = None
    ticket: int | None = None
    invoked_at: datetime | None = None
    commands: CommandRequest | None = None
    locals: tuple[tuple[str, Payload | None], ...] = ()
    wait_until_succeeded: bool = True
    timers: tuple[tuple[datetime, str | None], ...] = ()
    emptied: tuple[int, ...] = ()


@frozen(kw_only=True)
class Parts:
    """
    What rows say of a run: everything a record is made of; `restore` builds the record and its indexes from it.

    Attributes:
        seq: Of the last history entry.

        last_at: Its instant.

        ordinals: State id to the number of executions opened so far.

        failed: The executions that failed and were followed by their failure state, by name, and their numbers.

        keyed: State id, wait-for key and ordinal of what completed first with them.

        closed: How the run closed; then there are no states, messages, RPCs and kept skips.

        successor: The run that follows, when closing brought one.
    """

    started: Started
    chain: Chain
    starts_at: datetime | None
    seq: int
    last_at: datetime
    config: WorkflowConfig = DEFAULT_CONFIG
    is_closing: bool = False
    closed: ExecutionClosed | None = None
    successor: Succeeded | None = None
    attributes: Iterable[tuple[str, Payload, int]] = ()
    search_attributes: Iterable[tuple[SearchAttribute, int, datetime | None]] = ()
    ordinals: Mapping[str, int] = field(factory=dict)
    failed: Iterable[tuple[str, int]] = ()
    keyed: Iterable[tuple[str, str, int]] = ()
    states: Iterable[StoredState] = ()
    messages: Iterable[StoredMessage] = ()
    rpcs: Iterable[StoredRpc] = ()
    skips: Iterable[KeptSkip] = ()
    outputs: Iterable[StateOutput] = ()


def restore(parts: Parts) -> Record:
    """Make a record of what rows say; of a closed run only what a closed record keeps."""
    is_open = parts.closed is None
    attributes = {key: Cell(value, revision) for key, value, revision in parts.attributes}
    search = {
        attribute.key: Cell(attribute, revision, instant) for attribute, revision, instant in parts.search_attributes
    }
    common = Record(
        started=parts.started,
        chain=parts.chain,
        starts_at=parts.starts_at if is_open else None,
        seq=parts.seq,
        last_at=parts.last_at,
        config=parts.config,
        is_closing=parts.is_closing and is_open,
        closed=parts.closed,
        successor=parts.successor,
        attributes=Map(attributes),
        attributes_size=sum(cell.value.size for cell in attributes.values()),
        search_attributes=Map(search),
        ordinals=Map(dict(parts.ordinals)),
        opened=sum(parts.ordinals.values()),
        failed=Map(dict(parts.failed)),
        keyed=Map({(state_id, key): ordinal for state_id, key, ordinal in parts.keyed}),
        outputs=Fifo.of(parts.outputs),
    )
    return _with_life(common, parts) if is_open else common


def _with_life(record: Record, parts: Parts) -> Record:
    messages = sorted(parts.messages, key=lambda message: message.number)
    taken: dict[int, list[StoredMessage]] = {}
    for message in messages:
        if message.state is not None:
            taken.setdefault(message.state, []).append(message)
    states = {stored.number: _revived(stored, taken.get(stored.number, ())) for stored in parts.states}
    rpcs = {rpc.number: rpc for rpc in parts.rpcs}
    skips = NO_SKIPS
    for skip in sorted(parts.skips, key=lambda skip: skip.number):
        skips = skips.plus(skip)
    return evolve(
        record,
        states=Map(states),
        channels=_channels(messages, states),
        unconsumed=sum(1 for message in messages if message.state is None),
        in_flight=sum(1 for message in messages if message.state is not None),
        locks=_locks(states.values(), rpcs.values()),
        rpcs=Map(rpcs),
        coming=Map({state.execution_id: state.number for state in states.values() if state.is_to_wait}),
        timed=Map(
            {
                state.execution_id: state.number
                for state in states.values()
                if state.phase is Phase.WAITING and state.waiting is not None and state.waiting.due
            }
        ),
        empties=_empties(states),
        skips=skips,
    )


def _revived(stored: StoredState, taken: Iterable[StoredMessage]) -> LiveState:
    origin = Origin(
        stored.number,
        stored.state_id,
        stored.ordinal,
        stored.input,
        stored.options,
        stored.wait_for_key,
        stored.failure,
    )
    waiting = None
    if stored.commands is not None:
        channels = stored.commands.channels
        hands: list[list[Message]] = [[] for _ in channels]
        for message in taken:
            assert message.command is not None
            hands[message.command].append(Message(message.number, message.value))
        waiting = Waiting(
            stored.commands,
            channels,
            tuple(due for due, _ in stored.timers),
            stored.locals,
            stored.wait_until_succeeded,
            tuple(status for _, status in stored.timers),
            tuple(Fifo.of(hand) if hand else EMPTY_FIFO for hand in hands),
            tuple(index in stored.emptied for index in range(len(stored.commands.until_empty))),
        )
    return LiveState(origin, stored.phase, stored.ticket, stored.invoked_at, waiting)


def _channels(messages: Iterable[StoredMessage], states: Mapping[int, LiveState]) -> Map[ChannelKey, Channel]:
    channels: dict[ChannelKey, Channel] = {}
    for message in messages:
        key = message.family, message.channel_name
        channel = channels.get(key, Channel())
        if message.state is None:
            channels[key] = channel.appended(Message(message.number, message.value))
        else:
            channels[key] = channel.finished(-1)
    for number in sorted(states):
        state = states[number]
        if state.phase is not Phase.WAITING or state.waiting is None:
            continue
        for index, command in enumerate(state.waiting.channels):
            if not len(state.waiting.taken[index]):
                key = command.family, command.channel_name
                channels[key] = channels.get(key, Channel()).awaited(command.at_least, number, index)
    return Map(channels)


def _empties(states: Mapping[int, LiveState]) -> Map[ChannelKey, EmptyWaiters]:
    empties: dict[ChannelKey, EmptyWaiters] = {}
    for number in sorted(states):
        waiting = states[number].waiting
        if states[number].phase is not Phase.WAITING or waiting is None:
            continue
        for index, command in enumerate(waiting.commands.until_empty):
            if not waiting.emptied[index]:
                key = command.family, command.channel_name
                empties[key] = empties.get(key, EmptyWaiters()).plus(number, index)
        for taker, hand in zip(waiting.channels, waiting.taken, strict=True):
            key = taker.family, taker.channel_name
            for _ in hand:
                if key in empties:
                    empties[key] = empties[key].taken(number)
    return Map(empties)


def _locks(states: Iterable[LiveState], rpcs: Iterable[StoredRpc]) -> Map[LockKey, Fifo[int]]:
    queued: list[tuple[int, int, tuple[LockKey, ...]]] = [
        (state.ticket, state.number, state.lock_keys(state.phase)) for state in states if state.ticket is not None
    ]
    queued += [(rpc.ticket, -rpc.number, rpc_lock_keys(rpc.request)) for rpc in rpcs]
    queues: dict[LockKey, list[int]] = {}
    for _, owner, keys in sorted(queued):
        for key in keys:
            queues.setdefault(key, []).append(owner)
    return Map({key: Fifo.of(queue) for key, queue in queues.items()})


def stored(record: Record) -> Parts:
    """Say what rows of this record say: the inverse of `restore`."""
    return Parts(
        started=record.started,
        chain=record.chain,
        starts_at=record.starts_at,
        seq=record.seq,
        last_at=record.last_at,
        config=record.config,
        is_closing=record.is_closing,
        closed=record.closed,
        successor=record.successor,
        attributes=tuple(
            (key, record.attributes[key].value, record.attributes[key].revision) for key in sorted(record.attributes)
        ),
        search_attributes=tuple(
            (cell.value, cell.revision, cell.instant)
            for cell in (record.search_attributes[key] for key in sorted(record.search_attributes))
        ),
        ordinals={state_id: record.ordinals[state_id] for state_id in sorted(record.ordinals)},
        failed=tuple(sorted(record.failed.items())),
        keyed=tuple((state_id, key, ordinal) for (state_id, key), ordinal in sorted(record.keyed.items())),
        states=tuple(_stored_state(record.states[number]) for number in sorted(record.states)),
        messages=tuple(_stored_messages(record)),
        rpcs=tuple(record.rpcs[number] for number in sorted(record.rpcs)),
        skips=tuple(record.skips),
        outputs=tuple(record.outputs),
    )


def _stored_state(state: LiveState) -> StoredState:
    origin, waiting = state.origin, state.waiting
    return StoredState(
        number=origin.number,
        state_id=origin.state_id,
        ordinal=origin.ordinal,
        phase=state.phase,
        input=origin.input,
        options=origin.options,
        wait_for_key=origin.wait_for_key,
        failure=origin.failure,
        ticket=state.ticket,
        invoked_at=state.invoked_at,
        commands=None if waiting is None else waiting.commands,
        locals=() if waiting is None else waiting.locals,
        wait_until_succeeded=waiting is None or waiting.wait_until_succeeded,
        timers=() if waiting is None else tuple(zip(waiting.due, waiting.timers, strict=True)),
        emptied=() if waiting is None else tuple(at for at, is_done in enumerate(waiting.emptied) if is_done),
    )


def _stored_messages(record: Record) -> list[StoredMessage]:
    """List the messages of all channels and hands, in the order in which they came."""
    found = [
        StoredMessage(family=family, channel_name=name, number=message.number, value=message.value)
        for (family, name), channel in record.channels.items()
        for message in channel.messages
    ]
    for state in record.states.values():
        if state.waiting is None:
            continue
        for index, (command, hand) in enumerate(zip(state.waiting.channels, state.waiting.taken, strict=True)):
            found += [
                StoredMessage(
                    family=command.family,
                    channel_name=command.channel_name,
                    number=message.number,
                    value=message.value,
                    state=state.number,
                    command=index,
                )
                for message in hand
            ]
    return sorted(found, key=lambda message: message.number)
