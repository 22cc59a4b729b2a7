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
from iwf_py.model.options import (
    DEFAULT_CONFIG,
    CronSchedule,
    RpcOptions,
    WorkflowAlreadyStartedOptions,
    WorkflowConfig,
    WorkflowRetryPolicy,
)
from iwf_py.model.payload import Payload, SearchAttribute
from iwf_py.model.status import (
    ChannelFamily,
    IDReusePolicy,
    Phase,
    SearchAttributeValueType,
    WorkflowErrorType,
    WorkflowResetType,
    WorkflowStatus,
    WorkflowStopType,
)


@frozen(kw_only=True)
class StartRequest:
    """
    Open a run.

    Attributes:
        start: The starting state, or None for a run that only RPCs move.

        timeout: Of the whole chain of retries, the delay included; None for none.

        start_delay: Nothing runs until it is over.

        cron: Each tick is a run, opened when the one before has closed; the first tick follows the start delay. The
            timeout counts from the tick.

        config: Laid over the defaults.

        wait_for_state_ids: States that somebody will wait for; any other may be waited for as well.

        wait_for_state_execution_ids: The same for executions.

        worker_url: Where calls of this run's code go, for an engine that calls workers over HTTP.
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
    cron: CronSchedule | None = None
    wait_for_state_ids: tuple[str, ...] = ()
    wait_for_state_execution_ids: tuple[str, ...] = ()
    worker_url: str | None = None


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
    """
    Complete a timer command now: by its id, or else by its index among the state's timers (from 0).

    Where the state execution is open and does not wait yet, the skip is kept until it does.
    """

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
    """
    Read attributes.

    Attributes:
        keys: None for all, else those of the named ones that exist.

        types: Of search attributes, the types of those that the caller knows: other servers tell only what they are asked
            for by name and type.
    """

    keys: tuple[str, ...] | None = None
    types: Mapping[str, SearchAttributeValueType] = field(factory=dict, eq=False)


@frozen(kw_only=True)
class UpdateConfigRequest(RunAddress):
    """Change settings of an open run: what *config* says instead of what it has; None says nothing."""

    config: WorkflowConfig


@frozen(kw_only=True)
class ResetRequest(RunAddress):
    """
    Open a new run whose past is that of a run, up to a point.

    Attributes:
        run_id: The run whose past it is, open or closed; None for the current one.

        history_event_id: For HISTORY_EVENT_ID: the seq of the last history entry that is kept.

        history_event_time: For HISTORY_EVENT_TIME: what happened at this instant (aware) or later is not kept.

        state_id: For STATE_ID: the past ends where this state was called first.

        state_execution_id: For STATE_EXECUTION_ID: the same for one execution.

        skip_signal_reapply: Leave out what clients sent after the point: signals, publications, attributes, skipped
            timers, settings, and what RPCs without locks wrote.

        skip_update_reapply: Leave out what locking RPCs wrote after the point.
    """

    reset_type: WorkflowResetType
    history_event_id: int | None = None
    history_event_time: datetime | None = None
    state_id: str | None = None
    state_execution_id: str | None = None
    reason: str | None = None
    skip_signal_reapply: bool = False
    skip_update_reapply: bool = False


@frozen(kw_only=True)
class StateWaitRequest(RunAddress):
    """
    Wait until a state execution has completed: until its execute has succeeded.

    Attributes:
        state_id: The state.

        ordinal: Which of its executions, from 1.

        wait_for_key: Instead of *ordinal*: the key that the movement to it carried.
    """

    state_id: str
    ordinal: int = 1
    wait_for_key: str | None = None


@frozen(kw_only=True)
class StateCompletion:
    """
    A state execution that has completed.

    Attributes:
        run_id: The run in which it has.

        output: Of a movement that closes; None of any other, and where it gave none.
    """

    run_id: str
    state_id: str
    state_execution_id: str
    output: Payload | None = None


@frozen(kw_only=True)
class AttributeWaitRequest(RunAddress):
    """
    Wait until a data attribute is another than it was.

    Attributes:
        after: The revision that the caller knows; 0 for "it is not there". It is answered as soon as the revision
            differs, a deletion (revision 0) included: so 0 waits until it is set.
    """

    key: str
    after: int = 0


@frozen(kw_only=True)
class AttributeReading:
    """A data attribute as it stands: None with revision 0 where it is not there."""

    run_id: str
    key: str
    value: Payload | None
    revision: int


@frozen(kw_only=True)
class SearchRequest:
    """
    Find runs.

    Attributes:
        query: In the query language; empty for all.

        page_size: At most so many at once.

        next_page_token: As answered with the page before; empty for the first.
    """

    query: str = ""
    page_size: int = 1000
    next_page_token: str = ""
    namespace: str = DEFAULT_NAMESPACE


@frozen(kw_only=True)
class FoundRun:
    """A run that a query found; beside its ids all is None where the server does not tell it, as over the iWF protocol."""

    workflow_id: str
    run_id: str
    workflow_type: str | None = None
    status: WorkflowStatus | None = None
    started_at: datetime | None = None
    closed_at: datetime | None = None


@frozen(kw_only=True)
class SearchPage:
    """Some of the runs that a query found; *next_page_token* is empty with the last page."""

    executions: tuple[FoundRun, ...] = ()
    next_page_token: str = ""


@frozen(kw_only=True)
class CountRequest:
    """Count the runs that a search with *query* would find."""

    query: str = ""
    namespace: str = DEFAULT_NAMESPACE


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
class ChannelEmptyDescription:
    """A command of a waiting state that is complete once its channel was empty."""

    family: ChannelFamily
    channel_name: str
    command_id: str | None
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

        held: Why it does not go on, though it waits for no command and no code of it runs: one sentence; None when
            nothing holds it.
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
    until_empty: tuple[ChannelEmptyDescription, ...] = ()
    held: str | None = None


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

        config: Its settings, as they are now.

        cron: The schedule that the run is of; None where it has none. *starts_at* is the next tick.
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
    config: WorkflowConfig = DEFAULT_CONFIG
    cron: CronSchedule | None = None

    @property
    def workflow_status(self) -> WorkflowStatus:
        """How the run stands, in iWF's words."""
        return self.status


# The name that iWF's SDK has for it.
WorkflowInfo = RunDescription
