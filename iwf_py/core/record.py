"""All that a run is. The fold of its changes; never changed in place.

`restore` makes a record of what rows say: whatever is not stored as such (indexes, counts, what a
state has taken) is computed from the rest, so that nothing is stored twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from attrs import evolve, field, frozen

from iwf_py.core.attributes import Cell, LockKey, lock_keys
from iwf_py.core.changes import ExecutionClosed, ExecutionOpened, Succeeded
from iwf_py.core.channels import Channel, ChannelKey, Message
from iwf_py.core.events import Started
from iwf_py.core.maps import EMPTY, EMPTY_FIFO, Fifo, Map
from iwf_py.model.commands import ChannelCommand, CommandRequest
from iwf_py.model.ids import WorkflowKey, state_execution_id
from iwf_py.model.invocations import Failure
from iwf_py.model.options import DEFAULT_STATE_OPTIONS, CallOptions, Chain, StateOptions
from iwf_py.model.payload import Payload, SearchAttribute
from iwf_py.model.requests import RpcRequest, StateOutput
from iwf_py.model.status import ChannelFamily, Phase, WorkflowStatus


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


@frozen(kw_only=True)
class StoredRpc:
    """An open locking RPC as rows have it."""

    number: int
    request: RpcRequest
    ticket: int
    at: datetime


@frozen(kw_only=True)
class Parts:
    """
    What rows say of a run: everything a record is made of; `restore` builds the record and its indexes from it.

    Attributes:
        seq: Of the last history entry.

        last_at: Its instant.

        ordinals: State id to the number of executions opened so far.

        closed: How the run closed; then there are no states, messages and RPCs.

        successor: The run that follows, when closing brought one.
    """

    started: Started
    chain: Chain
    starts_at: datetime | None
    seq: int
    last_at: datetime
    is_closing: bool = False
    closed: ExecutionClosed | None = None
    successor: Succeeded | None = None
    attributes: Iterable[tuple[str, Payload, int]] = ()
    search_attributes: Iterable[tuple[SearchAttribute, int]] = ()
    ordinals: Mapping[str, int] = field(factory=dict)
    states: Iterable[StoredState] = ()
    messages: Iterable[StoredMessage] = ()
    rpcs: Iterable[StoredRpc] = ()
    outputs: Iterable[StateOutput] = ()


@frozen
class Origin:
    """What a state execution is from its opening on, and stays."""

    number: int
    state_id: str
    ordinal: int
    input: Payload | None
    options: StateOptions | None
    wait_for_key: str | None
    failure: Failure | None

    @property
    def execution_id(self) -> str:
        """Its name: ``VerifyState-1``."""
        return state_execution_id(self.state_id, self.ordinal)


@frozen
class Waiting:
    """
    What a state execution waits for, or waited for: it keeps what it took until it leaves.

    Attributes:
        commands: As wait_until answered.

        channels: Its channel commands, signals first; messages name them by their index here.

        due: The instant of each timer.

        timers: For each timer None, "fired" or "skipped".

        taken: For each channel command what it took.
    """

    commands: CommandRequest
    channels: tuple[ChannelCommand, ...]
    due: tuple[datetime, ...]
    locals: tuple[tuple[str, Payload | None], ...]
    wait_until_succeeded: bool
    timers: tuple[str | None, ...]
    taken: tuple[Fifo[Message], ...]


@frozen
class LiveState:
    """
    An open state execution.

    Attributes:
        phase: Where it stands.

        ticket: Its place in the queues of its locks, while it queues or is invoked; else None.

        invoked_at: When its call became outstanding; None while it is delayed, queued or waiting.

        waiting: None until wait_until is over, and where it was skipped.
    """

    origin: Origin
    phase: Phase
    ticket: int | None = None
    invoked_at: datetime | None = None
    waiting: Waiting | None = None

    @property
    def number(self) -> int:
        """Run-wide, from 1: its age."""
        return self.origin.number

    @property
    def state_id(self) -> str:
        """Of the state."""
        return self.origin.state_id

    @property
    def execution_id(self) -> str:
        """Its name: ``VerifyState-1``."""
        return self.origin.execution_id

    @property
    def options(self) -> StateOptions:
        """Its options, the default ones where it has none."""
        return self.origin.options or DEFAULT_STATE_OPTIONS

    @property
    def commands(self) -> CommandRequest | None:
        """What it waits or waited for."""
        return None if self.waiting is None else self.waiting.commands

    @property
    def is_invoked(self) -> bool:
        """Is its call outstanding?"""
        return self.invoked_at is not None

    @property
    def first_phase(self) -> Phase:
        """The call that it begins with."""
        return Phase.EXECUTE if self.options.skip_wait_until else Phase.WAIT_UNTIL

    def call(self, phase: Phase) -> CallOptions:
        """How the call of *phase* is made."""
        return self.options.wait_until if phase is Phase.WAIT_UNTIL else self.options.execute

    def lock_keys(self, phase: Phase) -> tuple[LockKey, ...]:
        """What the call of *phase* holds while it runs."""
        options = self.origin.options
        if options is None:
            return ()
        call = options.wait_until if phase is Phase.WAIT_UNTIL else options.execute
        return lock_keys(call.attributes, call.search_attributes)


def rpc_lock_keys(request: RpcRequest) -> tuple[LockKey, ...]:
    """Name what a locking RPC holds while it runs."""
    return lock_keys(request.options.attributes, request.options.search_attributes)


@frozen(kw_only=True)
class Record:
    """
    All that a run is: the fold of its changes, with its indexes.

    Attributes:
        started: As accepted; the retry of a run is made from it.

        starts_at: The end of the start delay while it lasts; else None.

        seq: Of the last history entry.

        last_at: Its instant; no event is earlier.

        is_closing: The run completes once no state is left.

        closed: How the run closed, or None while it is open. A closed record keeps attributes and outputs.

        attributes_size: Characters of all data attributes.

        ordinals: State id to the number of executions opened so far; *opened* is their sum, the number of the last state.

        channels: What is not void of them; *unconsumed* and *in_flight* count the messages of all.

        locks: For each locked key who holds it and who queues: a state's number, or an RPC's number as a negative.

        timed: The names of the states that wait with timers, to their numbers.
    """

    started: Started
    chain: Chain
    starts_at: datetime | None
    seq: int
    last_at: datetime
    is_closing: bool = False
    closed: ExecutionClosed | None = None
    successor: Succeeded | None = None
    attributes: Map[str, Cell[Payload]] = EMPTY
    attributes_size: int = 0
    search_attributes: Map[str, Cell[SearchAttribute]] = EMPTY
    ordinals: Map[str, int] = EMPTY
    opened: int = 0
    states: Map[int, LiveState] = EMPTY
    channels: Map[ChannelKey, Channel] = EMPTY
    unconsumed: int = 0
    in_flight: int = 0
    locks: Map[LockKey, Fifo[int]] = EMPTY
    rpcs: Map[int, StoredRpc] = EMPTY
    timed: Map[str, int] = EMPTY
    outputs: Fifo[StateOutput] = EMPTY_FIFO

    @property
    def key(self) -> WorkflowKey:
        """The workflow id within its namespace."""
        return WorkflowKey(self.started.request.namespace, self.started.request.workflow_id)

    @property
    def run_id(self) -> str:
        """Of this run."""
        return self.started.run_id

    @property
    def is_open(self) -> bool:
        """Has it not closed yet?"""
        return self.closed is None

    @property
    def status(self) -> WorkflowStatus:
        """How the run stands."""
        return WorkflowStatus.RUNNING if self.closed is None else self.closed.status

    @property
    def deadline(self) -> datetime | None:
        """When the run times out."""
        return self.chain.deadline


def opened_record(change: ExecutionOpened) -> Record:
    """Make the record that all other changes are folded into."""
    return Record(
        started=change.started, chain=change.chain, starts_at=change.starts_at, seq=0, last_at=change.started.at
    )


def restore(parts: Parts) -> Record:
    """Make a record of what rows say; of a closed run only what a closed record keeps."""
    is_open = parts.closed is None
    attributes = {key: Cell(value, revision) for key, value, revision in parts.attributes}
    search = {attribute.key: Cell(attribute, revision) for attribute, revision in parts.search_attributes}
    common = Record(
        started=parts.started,
        chain=parts.chain,
        starts_at=parts.starts_at if is_open else None,
        seq=parts.seq,
        last_at=parts.last_at,
        is_closing=parts.is_closing and is_open,
        closed=parts.closed,
        successor=parts.successor,
        attributes=Map(attributes),
        attributes_size=sum(cell.value.size for cell in attributes.values()),
        search_attributes=Map(search),
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
    return evolve(
        record,
        ordinals=Map(dict(parts.ordinals)),
        opened=sum(parts.ordinals.values()),
        states=Map(states),
        channels=_channels(messages, states),
        unconsumed=sum(1 for message in messages if message.state is None),
        in_flight=sum(1 for message in messages if message.state is not None),
        locks=_locks(states.values(), rpcs.values()),
        rpcs=Map(rpcs),
        timed=Map(
            {
                state.execution_id: state.number
                for state in states.values()
                if state.phase is Phase.WAITING and state.waiting is not None and state.waiting.due
            }
        ),
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
