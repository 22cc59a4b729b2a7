"""What clients ask of a workflow service, and what they are answered, in sealed form.

Everywhere: *run_id* None or empty is the current (latest) run of the id.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from attrs import field, frozen

from iwf_py.model.decisions import Movement
from iwf_py.model.ids import DEFAULT_NAMESPACE
from iwf_py.model.invocations import Failure, Publication
from iwf_py.model.options import RpcOptions, WorkflowAlreadyStartedOptions, WorkflowConfig, WorkflowRetryPolicy
from iwf_py.model.payload import Payload, SearchAttribute
from iwf_py.model.status import ChannelFamily, IDReusePolicy, Phase, WorkflowErrorType, WorkflowStatus, WorkflowStopType


@frozen(kw_only=True)
class StartRequest:
    """
    Open a run.

    Attributes:
        start: The starting state, or None for a run that only RPCs move.

        timeout: Of the whole chain of retries, the delay included; None for none.

        start_delay: Nothing runs until it is over.
    """

    workflow_id: str
    workflow_type: str
    namespace: str = DEFAULT_NAMESPACE
    start: Movement | None = None
    timeout: timedelta | None = None
    id_reuse_policy: IDReusePolicy = IDReusePolicy.ALLOW_IF_NO_RUNNING
    already_started: WorkflowAlreadyStartedOptions | None = None
    retry: WorkflowRetryPolicy | None = None
    start_delay: timedelta = timedelta(0)
    attributes: tuple[tuple[str, Payload], ...] = ()
    search_attributes: tuple[SearchAttribute, ...] = ()
    config: WorkflowConfig | None = None


@frozen(kw_only=True)
class RunAddress:
    """Which run a request is for."""

    workflow_id: str
    run_id: str | None = None
    namespace: str = DEFAULT_NAMESPACE


@frozen(kw_only=True)
class SignalRequest(RunAddress):
    """Append one message to a signal channel."""

    channel_name: str
    value: Payload | None = None


@frozen(kw_only=True)
class PublishRequest(RunAddress):
    """Append messages to internal channels, all or none."""

    messages: tuple[Publication, ...]


@frozen(kw_only=True)
class RpcRequest(RunAddress):
    """Call an RPC."""

    rpc_name: str
    input: Payload | None = None
    options: RpcOptions = RpcOptions()


@frozen(kw_only=True)
class StopRequest(RunAddress):
    """End a run."""

    stop_type: WorkflowStopType = WorkflowStopType.CANCEL
    reason: str | None = None


@frozen(kw_only=True)
class SkipTimerRequest(RunAddress):
    """Complete a timer command now: by its id, or else by its index among the state's timers (from 0)."""

    state_execution_id: str
    command_id: str | None = None
    index: int | None = None


@frozen(kw_only=True)
class SetAttributesRequest(RunAddress):
    """Write attributes from outside; locks are not asked. A None value deletes, as does a search attribute
    with neither type nor value.
    """

    attributes: tuple[tuple[str, Payload | None], ...] = ()
    search_attributes: tuple[SearchAttribute, ...] = ()


@frozen(kw_only=True)
class GetAttributesRequest(RunAddress):
    """Read attributes; None for all, else those of the named ones that exist."""

    keys: tuple[str, ...] | None = None


@frozen(kw_only=True)
class StateOutput:
    """
    What one completed state contributed to the result of its run.

    Source:
        iWF IDL, StateCompletionOutput.
    """

    state_id: str
    state_execution_id: str
    output: Payload


@frozen(kw_only=True)
class RunResult:
    """
    How a run stands, and with what.

    Attributes:
        run_id: The run that was asked for (what follows may be the outcome of a retry of it).

        outputs: In order of completion; empty while the run is open.
    """

    workflow_id: str
    run_id: str
    status: WorkflowStatus
    outputs: tuple[StateOutput, ...] = ()
    error_type: WorkflowErrorType | None = None
    error_message: str | None = None


@frozen(kw_only=True)
class TimerDescription:
    """A timer command of a waiting state."""

    index: int
    command_id: str | None
    fires_at: datetime
    is_done: bool


@frozen(kw_only=True)
class ChannelCommandDescription:
    """A channel command of a waiting state, and how many messages it has taken."""

    family: ChannelFamily
    channel_name: str
    command_id: str | None
    taken: int
    is_done: bool


@frozen(kw_only=True)
class StateDescription:
    """
    A state execution that is open.

    Attributes:
        phase: Where it stands.

        is_blocked: It queues for attribute locks.

        attempt: Of the call that is made or due; 0 when there is none.

        last_failure: Of this call, or None.

        next_attempt_at: When a failed call is tried again; None when it is not waiting for that.

        is_served: False when no worker here has code for it.

        recoveries: How often the call was given out again because an engine ended.
    """

    state_id: str
    state_execution_id: str
    phase: Phase
    is_blocked: bool = False
    attempt: int = 0
    last_failure: Failure | None = None
    next_attempt_at: datetime | None = None
    is_served: bool = True
    recoveries: int = 0
    timers: tuple[TimerDescription, ...] = ()
    channels: tuple[ChannelCommandDescription, ...] = ()


@frozen(kw_only=True)
class RunDescription:
    """
    All that may be seen of a run without opening a payload.

    Attributes:
        first_run_id: Of its chain of retries.

        deadline: When it times out, or None.

        starts_at: The end of its start delay, while that lasts; else None.

        channel_sizes: Messages not taken yet.

        parked: Why the run is held apart, or None.

        revision: Number of its last history entry.

        executing_state_ids: Of a closed run: what was open when it closed.
    """

    namespace: str
    workflow_id: str
    run_id: str
    first_run_id: str
    run_attempt: int
    previous_run_id: str | None
    workflow_type: str
    status: WorkflowStatus
    started_at: datetime
    closed_at: datetime | None = None
    deadline: datetime | None = None
    starts_at: datetime | None = None
    error_type: WorkflowErrorType | None = None
    error_message: str | None = None
    states: tuple[StateDescription, ...] = ()
    executing_state_ids: tuple[str, ...] = ()
    channel_sizes: Mapping[tuple[ChannelFamily, str], int] = field(factory=dict)
    outputs: tuple[StateOutput, ...] = ()
    parked: str | None = None
    revision: int = 0

    @property
    def workflow_status(self) -> WorkflowStatus:
        """How the run stands, in iWF's words."""
        return self.status


# The name that iWF's SDK has for it.
WorkflowInfo = RunDescription
