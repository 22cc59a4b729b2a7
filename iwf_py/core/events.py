"""What can happen to a run. Everything random or outside is already in the event.

`number` is a state execution's run-wide number (its age, from 1); in RPC events the RPC's number.
"""

from __future__ import annotations

from datetime import datetime

from attrs import frozen

from iwf_py.model.invocations import ExecuteResult, Failure, Publication, RpcResult, WaitUntilResult
from iwf_py.model.options import Chain, WorkflowConfig
from iwf_py.model.payload import Payload, SearchAttribute
from iwf_py.model.requests import RpcRequest, StartRequest
from iwf_py.model.status import Phase, WorkflowStopType

# The run's own timers stand under this state number.
RUN_TIMERS = 0
DEADLINE = 0
START_DELAY = 1

# The rules that a new run starts with. By those before 2 a run that fails within its start delay does not keep it when it is retried.
RULES = 2


@frozen(kw_only=True)
class Started:
    """
    A run is asked for; advanced against the latest run of its id, or None.

    Attributes:
        run_id: Of the new run, should it open.

        chain: None for a run of its own: it is then the first of its chain.

        rules: The version of the rules that it will keep.

        tick: Of a run with a schedule the instant that it is for, and does not begin before; its retries keep it.
    """

    at: datetime
    request: StartRequest
    run_id: str
    chain: Chain | None = None
    rules: int = RULES
    tick: datetime | None = None


@frozen(kw_only=True)
class WaitUntilReturned:
    """wait_until answered."""

    at: datetime
    number: int
    result: WaitUntilResult


@frozen(kw_only=True)
class ExecuteReturned:
    """execute answered."""

    at: datetime
    number: int
    result: ExecuteResult


@frozen(kw_only=True)
class AttemptsExhausted:
    """A call has failed for good."""

    at: datetime
    number: int
    phase: Phase
    failure: Failure


@frozen(kw_only=True)
class TimerFired:
    """A timer is due; under number RUN_TIMERS the run's deadline (index DEADLINE) or start delay (START_DELAY)."""

    at: datetime
    number: int
    index: int


@frozen(kw_only=True)
class TimerSkipped:
    """
    A client completes a timer command: by its id, or else by its index.

    Attributes:
        is_reapplied: It comes from the past of another run: it is kept even where the execution is still to be opened.
    """

    at: datetime
    state_execution_id: str
    command_id: str | None = None
    index: int | None = None
    is_reapplied: bool = False


@frozen(kw_only=True)
class Signalled:
    """A client sent a signal."""

    at: datetime
    channel_name: str
    value: Payload | None = None


@frozen(kw_only=True)
class Published:
    """A client published to internal channels."""

    at: datetime
    messages: tuple[Publication, ...]


@frozen(kw_only=True)
class RpcAsked:
    """A client asked for a locking RPC. Its number is the seq of this event."""

    at: datetime
    request: RpcRequest


@frozen(kw_only=True)
class RpcReturned:
    """An RPC answered: the open locking one with *number*, or with None a non-locking one that wrote."""

    at: datetime
    result: RpcResult
    number: int | None = None


@frozen(kw_only=True)
class RpcFailed:
    """The open locking RPC with *number* ends without effect."""

    at: datetime
    number: int
    failure: Failure


@frozen(kw_only=True)
class AttributesSet:
    """A client wrote attributes."""

    at: datetime
    attributes: tuple[tuple[str, Payload | None], ...] = ()
    search_attributes: tuple[SearchAttribute, ...] = ()


@frozen(kw_only=True)
class ConfigUpdated:
    """A client changed settings of the run."""

    at: datetime
    config: WorkflowConfig


@frozen(kw_only=True)
class StopRequested:
    """A client ends the run."""

    at: datetime
    stop_type: WorkflowStopType = WorkflowStopType.CANCEL
    reason: str | None = None


@frozen(kw_only=True)
class RunReset:
    """
    A client opened a run with the past of another: what comes before this is that run's history, what follows is its own.

    Attributes:
        run_id: Of the new run.

        base_run_id: Of the run whose history comes before.

        reapplied: So many entries that follow are what came to the base run after the point, applied again.

        reason: The client's.
    """

    at: datetime
    run_id: str
    base_run_id: str
    reapplied: int = 0
    reason: str | None = None


Event = (
    Started
    | WaitUntilReturned
    | ExecuteReturned
    | AttemptsExhausted
    | TimerFired
    | TimerSkipped
    | Signalled
    | Published
    | RpcAsked
    | RpcReturned
    | RpcFailed
    | AttributesSet
    | ConfigUpdated
    | StopRequested
    | RunReset
)
