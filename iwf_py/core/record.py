"""All that a run is. The fold of its changes; never changed in place."""

from __future__ import annotations

from datetime import datetime

from attrs import frozen

from iwf_py.core.attributes import Cell, LockKey, lock_keys
from iwf_py.core.changes import ExecutionClosed, ExecutionOpened, Succeeded
from iwf_py.core.channels import Channel, ChannelKey, EmptyWaiters, Message
from iwf_py.core.events import Started
from iwf_py.core.maps import EMPTY, EMPTY_FIFO, Fifo, Map
from iwf_py.core.skips import NO_SKIPS, KeptSkips
from iwf_py.model.commands import ChannelCommand, CommandRequest
from iwf_py.model.ids import WorkflowKey, state_execution_id
from iwf_py.model.invocations import Failure
from iwf_py.model.options import DEFAULT_CONFIG, DEFAULT_STATE_OPTIONS, CallOptions, Chain, StateOptions, WorkflowConfig
from iwf_py.model.payload import Payload, SearchAttribute
from iwf_py.model.requests import RpcRequest, StateOutput
from iwf_py.model.status import Phase, WorkflowStatus


@frozen(kw_only=True)
class StoredRpc:
    """An open locking RPC as rows have it."""

    number: int
    request: RpcRequest
    ticket: int
    at: datetime


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

        emptied: For each command until a channel is empty whether it was.
    """

    commands: CommandRequest
    channels: tuple[ChannelCommand, ...]
    due: tuple[datetime, ...]
    locals: tuple[tuple[str, Payload | None], ...]
    wait_until_succeeded: bool
    timers: tuple[str | None, ...]
    taken: tuple[Fifo[Message], ...]
    emptied: tuple[bool, ...] = ()


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
    def is_to_wait(self) -> bool:
        """Is its wait_until still to come, or outstanding?"""
        if self.phase is Phase.DELAYED:
            return not self.options.skip_wait_until
        return self.phase is Phase.WAIT_UNTIL

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
        # Most calls lock nothing; this is asked several times a turn.
        if not call.attributes.locking_keys and not call.search_attributes.locking_keys:
            return ()
        return lock_keys(call.attributes, call.search_attributes)


def rpc_lock_keys(request: RpcRequest) -> tuple[LockKey, ...]:
    """
    Name what a locking RPC holds while it runs: as soon as one of its policies locks, the locking keys of both.

    Source:
        The iWF protocol's section on RPCs: the locking keys count whatever the type of their own policy is.
    """
    options = request.options
    if not options.is_locking:
        return ()
    data, search = options.attributes.locking_keys, options.search_attributes.locking_keys
    return (*(("D", key) for key in sorted(set(data))), *(("S", key) for key in sorted(set(search))))


@frozen(kw_only=True)
class Record:
    """
    All that a run is: the fold of its changes, with its indexes.

    Attributes:
        started: As accepted; the retry of a run is made from it.

        starts_at: The end of the start delay while it lasts; else None.

        seq: Of the last history entry.

        last_at: Its instant; no event is earlier.

        config: Its settings, as they are now.

        is_closing: The run completes once no state is left.

        closed: How the run closed, or None while it is open. A closed record keeps attributes, outputs, and what completed.

        attributes_size: Characters of all data attributes.

        ordinals: State id to the number of executions opened so far; *opened* is their sum, the number of the last state.

        failed: The names of the executions that failed and were followed by their failure state, to their numbers. Of what
            was opened, all that is neither here nor open, nor was open at the close, has completed.

        keyed: State id and wait-for key to the ordinal of the execution that was the first to complete with them.

        channels: What is not void of them; *unconsumed* and *in_flight* count the messages of all.

        locks: For each locked key who holds it and who queues: a state's number, or an RPC's number as a negative.

        coming: The names of the states that are to wait and do not yet, to their numbers.

        timed: The names of the states that wait with timers, to their numbers.

        empties: Who waits until which channel is empty.

        skips: What is to be skipped once it waits.
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
    attributes: Map[str, Cell[Payload]] = EMPTY
    attributes_size: int = 0
    search_attributes: Map[str, Cell[SearchAttribute]] = EMPTY
    ordinals: Map[str, int] = EMPTY
    opened: int = 0
    failed: Map[str, int] = EMPTY
    keyed: Map[tuple[str, str], int] = EMPTY
    states: Map[int, LiveState] = EMPTY
    channels: Map[ChannelKey, Channel] = EMPTY
    unconsumed: int = 0
    in_flight: int = 0
    locks: Map[LockKey, Fifo[int]] = EMPTY
    rpcs: Map[int, StoredRpc] = EMPTY
    coming: Map[str, int] = EMPTY
    timed: Map[str, int] = EMPTY
    empties: Map[ChannelKey, EmptyWaiters] = EMPTY
    skips: KeptSkips = NO_SKIPS
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
        started=change.started,
        chain=change.chain,
        starts_at=change.starts_at,
        seq=0,
        last_at=change.started.at,
        config=change.started.request.config or DEFAULT_CONFIG,
    )
