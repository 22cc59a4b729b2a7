"""The facts that follow an event. A record is their fold; the store writes them as rows.

A change says all that its row needs: the store never has to ask the record. Rows are keyed
(run, number); what has an order carries an integer made of the history seq, so that nothing
needs a counter of its own.
"""

from __future__ import annotations

from datetime import datetime

from attrs import field, frozen

from iwf_py.core.events import Started
from iwf_py.model.commands import CommandRequest
from iwf_py.model.invocations import Failure
from iwf_py.model.options import Chain, StateOptions, WorkflowConfig
from iwf_py.model.payload import Payload, SearchAttribute
from iwf_py.model.requests import RpcRequest
from iwf_py.model.status import ChannelFamily, Phase, WorkflowErrorType, WorkflowStatus

# Orders made within one event: seq * STRIDE + position.
STRIDE = 1 << 20


@frozen(kw_only=True)
class ExecutionOpened:
    """
    A run began. Its initial attributes and first state are changes of their own.

    Attributes:
        started: As it was accepted.

        chain: Its own, or the one it continues; the deadline is resolved.

        starts_at: The end of its start delay, or None when it runs at once.
    """

    started: Started
    chain: Chain
    starts_at: datetime | None = None


@frozen(kw_only=True)
class DelayEnded:
    """The start delay is over: `starts_at` is None from now on, and the delayed states enter their calls."""


@frozen(kw_only=True)
class AttributeWritten:
    """A data attribute has a new value; None: it is gone. *revision* is the seq that wrote it."""

    key: str
    value: Payload | None
    revision: int


@frozen(kw_only=True)
class SearchAttributeWritten:
    """A search attribute has a new value; an empty one: it is gone. *instant* is what the text of a DATETIME means."""

    attribute: SearchAttribute
    revision: int
    instant: datetime | None = None


@frozen(kw_only=True)
class MessageAppended:
    """A message is at the end of its channel. *number* orders the run's messages: seq * STRIDE + position."""

    family: ChannelFamily
    channel_name: str
    number: int
    value: Payload | None


@frozen(kw_only=True)
class MessageTaken:
    """
    The oldest message of its channel now belongs to a state's command, until that state leaves.

    Attributes:
        state: The state execution's number.

        command: The index in the request's `channels`.
    """

    family: ChannelFamily
    channel_name: str
    number: int
    state: int
    command: int


@frozen(kw_only=True)
class StateOpened:
    """
    A state execution exists: in phase DELAYED, WAIT_UNTIL or EXECUTE, blocked until it holds its locks.

    Attributes:
        number: Run-wide, from 1: its age.

        ordinal: Among the executions of its state, from 1: ``<state_id>-<ordinal>`` names it.

        failure: What brought execution here, when it is a failure state.
    """

    number: int
    state_id: str
    ordinal: int
    input: Payload | None = None
    options: StateOptions | None = None
    wait_for_key: str | None = None
    failure: Failure | None = None
    phase: Phase


@frozen(kw_only=True)
class StateQueued:
    """A state entered a phase with a call, and queues for its locks. *ticket* orders the queues: seq * STRIDE + position."""

    number: int
    phase: Phase
    ticket: int


@frozen(kw_only=True)
class StateInvoked:
    """
    A state holds its locks (or needs none): its call is outstanding from now on, until it returns or is exhausted.

    A reset invokes anew what was outstanding: same phase, same ticket, another instant.
    """

    number: int
    phase: Phase
    ticket: int
    at: datetime


@frozen(kw_only=True)
class StateWaiting:
    """
    wait_until is over, its locks are free, and the state waits for its commands.

    Attributes:
        commands: Empty when there were none, or when wait_until failed and the state proceeds.

        due: The instant of each timer, in their order.

        wait_until_succeeded: False when it failed and the policy lets the state proceed.
    """

    number: int
    commands: CommandRequest
    due: tuple[datetime, ...] = ()
    locals: tuple[tuple[str, Payload | None], ...] = ()
    wait_until_succeeded: bool = True


@frozen(kw_only=True)
class TimerCompleted:
    """A timer command of a waiting state is over: it fired, or was skipped."""

    number: int
    index: int
    skipped: bool = False


@frozen(kw_only=True)
class SkipKept:
    """
    A timer is to be skipped once its state execution waits.

    Attributes:
        number: Orders what is kept: seq * STRIDE + position.

        command_id: Of the timer; None where *index* names it.
    """

    state_execution_id: str
    number: int
    command_id: str | None = None
    index: int | None = None


@frozen(kw_only=True)
class SkipsReleased:
    """What was kept for a state execution is kept no longer: it was applied, or there is nothing to skip. None: for all."""

    state_execution_id: str | None = None


@frozen(kw_only=True)
class ChannelsEmptied:
    """
    Channels were empty while a state waited for that.

    Attributes:
        complete: The indexes in the request's `until_empty` of all that are complete by now.
    """

    number: int
    complete: tuple[int, ...]


@frozen(kw_only=True)
class StateLeft:
    """
    A state execution is over; its locks and the messages it took are gone with it.

    Attributes:
        succeeded: False when its attempts were exhausted and its failure state follows: then it has not completed.

        output: What a closing movement gave, to be kept with the run; else None.

        has_waited: Its wait_until was over: it may have timers, and may have taken messages.
    """

    number: int
    state_id: str
    ordinal: int
    has_waited: bool
    succeeded: bool = True
    output: Payload | None = None
    wait_for_key: str | None = None


@frozen(kw_only=True)
class GracefulCloseRequested:
    """The run completes once no state is left."""


@frozen(kw_only=True)
class RpcOpened:
    """A locking RPC holds its keys."""

    number: int
    request: RpcRequest
    ticket: int
    at: datetime


@frozen(kw_only=True)
class RpcClosed:
    """A locking RPC is over; its keys are free."""

    number: int


@frozen(kw_only=True)
class EventsRecorded:
    """A non-locking RPC recorded events and wrote nothing else: there is no row to change, but its event is history."""

    count: int


@frozen(kw_only=True)
class ConfigChanged:
    """The run has other settings from now on."""

    config: WorkflowConfig


@frozen(kw_only=True)
class ExecutionClosed:
    """
    The run is over, and with it all its states, timers, messages and RPCs.

    Attributes:
        executing: The ids of the state executions that were open, in order of age.

        waiting_timers: What could still have been skipped: state execution id, index and command id. What was kept of
            skips is released before.

        channel_sizes: Messages that nobody had taken, by channel; an RPC that reads is still told of them.

        executing_state_ids: What the search attribute IwfExecutingStateIds lists of them.
    """

    at: datetime
    status: WorkflowStatus
    error_type: WorkflowErrorType | None = None
    error_message: str | None = None
    executing: tuple[str, ...] = ()
    waiting_timers: tuple[tuple[str, int, str | None], ...] = ()
    channel_sizes: tuple[tuple[ChannelFamily, str, int], ...] = ()
    executing_state_ids: tuple[str, ...] = ()


@frozen(kw_only=True)
class ExecutionReset:
    """From here on it is a run of its own: another id, and another place in the chain. All else is as it was."""

    run_id: str
    chain: Chain


@frozen(kw_only=True)
class Succeeded:
    """Another run follows; the host advances *next* from None in the same transaction."""

    next: Started
    # True when waiters follow (a retry), False when this run's outcome is theirs (terminate and start).
    is_retry: bool = field()


Change = (
    ExecutionOpened
    | DelayEnded
    | AttributeWritten
    | SearchAttributeWritten
    | MessageAppended
    | MessageTaken
    | StateOpened
    | StateQueued
    | StateInvoked
    | StateWaiting
    | TimerCompleted
    | SkipKept
    | SkipsReleased
    | ChannelsEmptied
    | StateLeft
    | GracefulCloseRequested
    | RpcOpened
    | RpcClosed
    | EventsRecorded
    | ConfigChanged
    | ExecutionClosed
    | ExecutionReset
    | Succeeded
)
