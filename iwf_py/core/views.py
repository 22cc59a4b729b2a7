"""What others may see of a record: calls to make, timers to set, rows, descriptions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta

from attrs import evolve, frozen

from iwf_py.core.attempts import TaskState
from iwf_py.core.attributes import Cell, load, utc_text
from iwf_py.core.channels import ChannelKey, ChannelSizes
from iwf_py.core.effects import Effect, Invoke, InvokeRpc, SetTimer
from iwf_py.core.events import DEADLINE, RUN_TIMERS, START_DELAY
from iwf_py.core.holding import why_held
from iwf_py.core.listing import executing_state_ids
from iwf_py.core.record import LiveState, Record, Waiting
from iwf_py.errors import TransitionError
from iwf_py.model.invocations import (
    Invocation,
    InvocationKind,
    SealedChannelResult,
    SealedCommandResults,
    SealedEmptyResult,
    SealedTimerResult,
    Serves,
)
from iwf_py.model.payload import Payload, SearchAttribute
from iwf_py.model.queries import SystemAttribute
from iwf_py.model.requests import (
    ChannelCommandDescription,
    ChannelEmptyDescription,
    FoundRun,
    RpcRequest,
    RunDescription,
    RunResult,
    StateDescription,
    TimerDescription,
)
from iwf_py.model.status import ChannelRequestStatus, Phase, SearchAttributeValueType, TimerStatus


@frozen
class DueTimer:
    """A timer that may fire, numbered as in `TimerFired`."""

    number: int
    index: int
    due: datetime


def live_states(record: Record) -> list[LiveState]:
    """List the open state executions, oldest first."""
    return [record.states[number] for number in sorted(record.states)]


def timers(record: Record) -> Iterator[DueTimer]:
    """Walk what has been set and is not over: the run's own timers, then those of its states, oldest first."""
    if not record.is_open:
        return
    if record.deadline is not None:
        yield DueTimer(RUN_TIMERS, DEADLINE, record.deadline)
    if record.starts_at is not None:
        yield DueTimer(RUN_TIMERS, START_DELAY, record.starts_at)
    for number in sorted(record.timed.values()):
        waiting = record.states[number].waiting
        assert waiting is not None
        for index, (due, status) in enumerate(zip(waiting.due, waiting.timers, strict=True)):
            if status is None:
                yield DueTimer(number, index, due)


def pending(record: Record) -> Iterator[Effect]:
    """Walk all that is outstanding: what recovery, and nothing else, has to carry out again."""
    for timer in timers(record):
        yield SetTimer(timer.due)
    for state in live_states(record):
        if state.is_invoked:
            yield Invoke(state.number, state.phase)
    for number in sorted(record.rpcs):
        yield InvokeRpc(number)


def next_due(record: Record) -> datetime | None:
    """Tell the earliest instant at which a timer, the deadline or the end of the delay is due; costs the waiting timers."""
    return min((timer.due for timer in timers(record)), default=None)


def due_timers(record: Record, until: datetime) -> list[DueTimer]:
    """List what is due at *until*, earliest first, then oldest state first."""
    due = [timer for timer in timers(record) if timer.due <= until]
    return sorted(due, key=lambda timer: (timer.due, timer.number, timer.index))


def invocation(
    record: Record, number: int, *, attempt: int, first_attempt_at: datetime, at: datetime | None = None
) -> Invocation:
    """
    Make the call of a state that is outstanding. Its attributes are pinned by reference.

    Args:
        attempt: Failures so far plus one.

        first_attempt_at: When the first attempt began.

        at: When this one begins; None where it is the first. A policy's total duration cuts the attempt's time.

    Errors:
        TransitionError: No call of this state is outstanding.
    """
    state = record.states.get(number)
    if state is None or not state.is_invoked:
        raise TransitionError(f"no call of state execution {number} of run {record.run_id} is outstanding")
    call = state.call(state.phase)
    request = record.started.request
    is_execute = state.phase is Phase.EXECUTE
    waiting = state.waiting if is_execute else None
    timeout = call.timeout
    limit = call.retry.maximum_attempts_duration_seconds
    is_last_moment = False
    if limit:
        left = first_attempt_at + timedelta(seconds=limit) - (at or first_attempt_at)
        is_last_moment = left < timeout
        timeout = min(timeout, max(left, timedelta(0)))
    return Invocation(
        kind=InvocationKind.EXECUTE if is_execute else InvocationKind.WAIT_UNTIL,
        namespace=request.namespace,
        workflow_type=request.workflow_type,
        workflow_id=request.workflow_id,
        run_id=record.chain.first_run_id,
        started_at=record.started.at,
        method_name=state.state_id,
        input=state.origin.input,
        state_execution_id=state.execution_id,
        attempt=attempt,
        first_attempt_at=first_attempt_at,
        attributes=load(record.attributes, call.attributes),
        search_attributes=load(record.search_attributes, call.search_attributes),
        loads_attributes=call.attributes.loads,
        loads_search_attributes=call.search_attributes.loads,
        locals=() if waiting is None else waiting.locals,
        results=None if waiting is None else command_results(waiting),
        failure=state.origin.failure,
        channel_sizes=ChannelSizes(record.channels),
        timeout=timeout,
        is_last_moment=is_last_moment,
        worker_url=request.worker_url,
    )


def rpc_invocation(record: Record, request: RpcRequest, at: datetime) -> Invocation:
    """Make the call of an RPC, locking or not; of a closed run too, where it can only read."""
    started = record.started.request
    return Invocation(
        kind=InvocationKind.RPC,
        namespace=started.namespace,
        workflow_type=started.workflow_type,
        workflow_id=started.workflow_id,
        run_id=record.chain.first_run_id,
        started_at=record.started.at,
        method_name=request.rpc_name,
        input=request.input,
        first_attempt_at=at,
        attributes=load(record.attributes, request.options.attributes),
        search_attributes=load(record.search_attributes, request.options.search_attributes),
        loads_attributes=request.options.attributes.loads,
        loads_search_attributes=request.options.search_attributes.loads,
        channel_sizes=channel_sizes(record),
        timeout=request.options.timeout,
        worker_url=started.worker_url,
    )


def channel_sizes(record: Record) -> Mapping[ChannelKey, int]:
    """Count the messages that nobody has taken, by channel; of a closed run those that were left when it closed."""
    if record.closed is None:
        return ChannelSizes(record.channels)
    return {(family, name): size for family, name, size in record.closed.channel_sizes}


def command_results(waiting: Waiting) -> SealedCommandResults:
    """Tell what became of a state's commands."""
    commands = waiting.commands
    channels = [
        SealedChannelResult(
            family=command.family,
            channel_name=command.channel_name,
            command_id=command.command_id,
            status=ChannelRequestStatus.RECEIVED if len(hand) else ChannelRequestStatus.WAITING,
            values=tuple(message.value for message in hand),
            is_bounded=command.is_bounded,
        )
        for command, hand in zip(waiting.channels, waiting.taken, strict=True)
    ]
    signals = len(commands.signals)
    return SealedCommandResults(
        wait_until_succeeded=waiting.wait_until_succeeded,
        timers=tuple(
            SealedTimerResult(
                command_id=timer.command_id, status=TimerStatus.FIRED if status else TimerStatus.SCHEDULED
            )
            for timer, status in zip(commands.timers, waiting.timers, strict=True)
        ),
        signals=tuple(channels[:signals]),
        internals=tuple(channels[signals:]),
        until_empty=tuple(
            SealedEmptyResult(
                family=command.family,
                channel_name=command.channel_name,
                command_id=command.command_id,
                is_complete=is_done,
            )
            for command, is_done in zip(commands.until_empty, waiting.emptied, strict=True)
        ),
    )


def attributes(record: Record, keys: tuple[str, ...] | None = None) -> dict[str, Payload]:
    """Read data attributes, sorted by key: all, or those of *keys* that exist."""
    found = sorted(record.attributes if keys is None else set(keys).intersection(record.attributes))
    return {key: record.attributes[key].value for key in found}


def search_attributes(record: Record, keys: tuple[str, ...] | None = None) -> dict[str, SearchAttribute]:
    """
    Read search attributes, sorted by key: all that were written, or those of *keys* that exist, the engine's own too.

    A DATETIME is told in UTC, whatever form it was written in; user code gets it as it was written.
    """
    written = record.search_attributes
    found = {key: _read(written[key]) for key in (written if keys is None else set(keys).intersection(written))}
    own = {SystemAttribute.IWF_WORKFLOW_TYPE, SystemAttribute.IWF_EXECUTING_STATE_IDS}.intersection(keys or ())
    if SystemAttribute.IWF_WORKFLOW_TYPE in own:
        key = SystemAttribute.IWF_WORKFLOW_TYPE.value
        workflow_type = record.started.request.workflow_type
        found[key] = SearchAttribute(key, string_value=workflow_type, value_type=SearchAttributeValueType.KEYWORD)
    if SystemAttribute.IWF_EXECUTING_STATE_IDS in own and (ids := executing_state_ids(record)):
        key = SystemAttribute.IWF_EXECUTING_STATE_IDS.value
        found[key] = SearchAttribute(key, string_array_value=ids, value_type=SearchAttributeValueType.KEYWORD_ARRAY)
    return {key: found[key] for key in sorted(found)}


def _read(cell: Cell[SearchAttribute]) -> SearchAttribute:
    attribute = cell.value
    if cell.instant is None or attribute.string_value is None:
        return attribute
    return evolve(attribute, string_value=utc_text(attribute.string_value, cell.instant))


def result(record: Record) -> RunResult:
    """Tell how the run stands; its outputs once it is closed."""
    closed = record.closed
    return RunResult(
        workflow_id=record.started.request.workflow_id,
        run_id=record.run_id,
        status=record.status,
        outputs=() if closed is None else tuple(record.outputs),
        error_type=None if closed is None else closed.error_type,
        error_message=None if closed is None else closed.error_message,
    )


def found_run(record: Record) -> FoundRun:
    """Tell what a search tells of a run."""
    request, closed = record.started.request, record.closed
    return FoundRun(
        workflow_id=request.workflow_id,
        run_id=record.run_id,
        workflow_type=request.workflow_type,
        status=record.status,
        started_at=record.started.at,
        closed_at=None if closed is None else closed.at,
    )


def describe(
    record: Record,
    tasks: Iterable[TaskState] = (),
    *,
    parked: str | None = None,
    serves: Serves | None = None,
    now: datetime | None = None,
) -> RunDescription:
    """
    Tell all that may be seen of a run without opening a payload.

    Args:
        tasks: What the host keeps of the outstanding calls.

        parked: Why the run is held apart.

        serves: What the workers here have code for; None where that is not known.

        now: Tells attempts that are due from those that are to come; None for the run's last turn.
    """
    request, closed, chain = record.started.request, record.closed, record.chain
    by_number = {task.number: task for task in tasks}
    return RunDescription(
        namespace=request.namespace,
        workflow_id=request.workflow_id,
        run_id=record.run_id,
        first_run_id=chain.first_run_id,
        run_attempt=chain.run_attempt,
        previous_run_id=chain.previous_run_id,
        workflow_type=request.workflow_type,
        status=record.status,
        started_at=record.started.at,
        closed_at=None if closed is None else closed.at,
        deadline=record.deadline,
        starts_at=record.starts_at,
        error_type=None if closed is None else closed.error_type,
        error_message=None if closed is None else closed.error_message,
        states=tuple(
            _described(
                record,
                state,
                by_number.get(state.number),
                is_served=serves is None or serves.has(request.workflow_type, state.state_id),
                parked=parked,
                now=now or record.last_at,
            )
            for state in live_states(record)
        ),
        executing_state_ids=() if closed is None else closed.executing,
        channel_sizes=dict(channel_sizes(record)),
        outputs=tuple(record.outputs),
        parked=parked,
        revision=record.seq,
        config=record.config,
        cron=request.cron,
    )


def _described(
    record: Record, state: LiveState, task: TaskState | None, *, is_served: bool, parked: str | None, now: datetime
) -> StateDescription:
    is_waiting = state.phase is Phase.WAITING
    waiting = state.waiting if is_waiting else None
    is_outstanding = task is not None and state.is_invoked and task.phase is state.phase
    next_attempt_at = task.due_at if task is not None and is_outstanding else None
    return StateDescription(
        state_id=state.state_id,
        state_execution_id=state.execution_id,
        phase=state.phase,
        is_blocked=state.ticket is not None and not state.is_invoked,
        attempt=task.attempt if task is not None and is_outstanding else int(state.is_invoked),
        last_failure=task.last_failure if task is not None and is_outstanding else None,
        next_attempt_at=next_attempt_at,
        is_served=is_served,
        recoveries=task.recoveries if task is not None and is_outstanding else 0,
        timers=() if waiting is None else _described_timers(waiting),
        channels=() if waiting is None else _described_channels(waiting),
        until_empty=() if waiting is None else _described_emptiness(waiting),
        held=why_held(
            record,
            state,
            parked=parked,
            is_served=is_served,
            next_attempt_at=next_attempt_at if next_attempt_at is not None and next_attempt_at > now else None,
        ),
    )


def _described_timers(waiting: Waiting) -> tuple[TimerDescription, ...]:
    return tuple(
        TimerDescription(index=index, command_id=timer.command_id, fires_at=due, is_done=status is not None)
        for index, (timer, due, status) in enumerate(
            zip(waiting.commands.timers, waiting.due, waiting.timers, strict=True)
        )
    )


def _described_channels(waiting: Waiting) -> tuple[ChannelCommandDescription, ...]:
    return tuple(
        ChannelCommandDescription(
            family=command.family,
            channel_name=command.channel_name,
            command_id=command.command_id,
            taken=len(hand),
            is_done=bool(len(hand)),
        )
        for command, hand in zip(waiting.channels, waiting.taken, strict=True)
    )


def _described_emptiness(waiting: Waiting) -> tuple[ChannelEmptyDescription, ...]:
    return tuple(
        ChannelEmptyDescription(
            family=command.family,
            channel_name=command.channel_name,
            command_id=command.command_id,
            is_done=is_done,
        )
        for command, is_done in zip(waiting.commands.until_empty, waiting.emptied, strict=True)
    )
