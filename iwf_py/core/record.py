"""All that a run is. The fold of its changes; never changed in place."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from attrs import field, frozen

from iwf_py.core.changes import ExecutionClosed, Succeeded
from iwf_py.core.events import Started
from iwf_py.model.commands import CommandRequest
from iwf_py.model.invocations import Failure
from iwf_py.model.options import Chain, StateOptions
from iwf_py.model.payload import Payload, SearchAttribute
from iwf_py.model.requests import RpcRequest, StateOutput
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


@frozen(kw_only=True)
class Record:
    """
    All that a run is: the fold of its changes, with its indexes.

    Attributes:
        started: As accepted; the retry of a run is made from it.

        seq: Of the last history entry.

        last_at: Its instant; no event is earlier.

        closed: How the run closed, or None while it is open.
    """

    started: Started
    chain: Chain
    starts_at: datetime | None
    seq: int
    last_at: datetime
    is_closing: bool = False
    closed: ExecutionClosed | None = None
    successor: Succeeded | None = None
