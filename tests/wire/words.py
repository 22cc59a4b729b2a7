"""How hypothesis makes the words that travel: what the protocol can say, which has whole seconds only."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from iwf_py.model.commands import CommandRequest, InternalChannelCommand, SignalChannelCommand, TimerCommand
from iwf_py.model.decisions import ConditionalClose, Decision, Movement
from iwf_py.model.ids import EPOCH
from iwf_py.model.invocations import (
    ExecuteResult,
    Failure,
    Invocation,
    InvocationKind,
    Publication,
    RpcResult,
    SealedChannelResult,
    SealedCommandResults,
    SealedTimerResult,
    WaitUntilResult,
    Writes,
)
from iwf_py.model.options import (
    DEFAULT_STATE_OPTIONS,
    CallOptions,
    CronSchedule,
    PersistenceLoadingPolicy,
    RetryPolicy,
    RpcOptions,
    StateOptions,
    WorkflowAlreadyStartedOptions,
    WorkflowConfig,
    WorkflowRetryPolicy,
)
from iwf_py.model.payload import NO_VALUE, Payload, SearchAttribute
from iwf_py.model.requests import StartRequest
from iwf_py.model.status import (
    ChannelFamily,
    ChannelRequestStatus,
    CommandWaitingType,
    ExecutingStateIdMode,
    IDReusePolicy,
    PersistenceLoadingType,
    SearchAttributeValueType,
    TimerStatus,
    WorkflowConditionalCloseType,
)

TIMEOUT = timedelta(seconds=30)

names = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=6)
run_ids = st.none() | st.uuids().map(str)
payloads = st.builds(
    Payload, st.none() | names, st.none() | st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=6)
).filter(lambda payload: payload != NO_VALUE)
values = st.none() | payloads
kept = payloads | st.just(NO_VALUE)
seconds = st.integers(1, 2**31 - 1).map(lambda count: timedelta(seconds=count))
instants = st.integers(1, 4_000_000_000).map(lambda count: EPOCH + timedelta(seconds=count))
wholes = st.none() | st.integers(0, 2**31 - 1)
pairs = st.lists(st.tuples(names, values), max_size=3).map(tuple)


def tuples(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[tuple[Any, ...]]:
    return st.lists(strategy, max_size=3).map(tuple)


search_attributes = st.builds(
    SearchAttribute,
    key=names,
    string_value=st.none() | names,
    integer_value=st.none() | st.integers(-(2**63), 2**63 - 1),
    double_value=st.none() | st.floats(allow_nan=False, allow_infinity=False),
    bool_value=st.none() | st.booleans(),
    string_array_value=st.none() | tuples(names),
    value_type=st.sampled_from(SearchAttributeValueType),
)
search_writes = search_attributes | names.map(SearchAttribute)

_retry = {
    "initial_interval_seconds": st.none() | st.integers(0, 5),
    "backoff_coefficient": st.none() | st.floats(1, 100),
    "maximum_interval_seconds": st.none() | st.integers(5, 1000),
    "maximum_attempts": wholes,
}
retries = st.builds(RetryPolicy, **_retry, maximum_attempts_duration_seconds=st.none() | st.integers(0, 10_000))
loadings = st.builds(
    PersistenceLoadingPolicy,
    st.none() | st.sampled_from(PersistenceLoadingType),
    tuples(names),
    tuples(names),
    st.none() | st.booleans(),
)
call_options = st.builds(CallOptions, timeout=seconds, retry=retries, attributes=loadings, search_attributes=loadings)
state_options = st.recursive(
    st.builds(
        StateOptions,
        skip_wait_until=st.booleans(),
        wait_until=call_options | st.just(CallOptions()),
        execute=call_options,
        proceed_on_wait_until_failure=st.booleans(),
    ),
    lambda inner: st.builds(StateOptions, failure_state_id=names, failure_state_options=st.none() | inner),
    max_leaves=3,
).filter(lambda options: options != DEFAULT_STATE_OPTIONS)

movements = st.builds(Movement, names, values, st.none() | state_options, st.none() | names)

starts = st.builds(
    StartRequest,
    workflow_id=names,
    workflow_type=names,
    start=st.none() | st.builds(Movement, names, values, st.none() | state_options),
    timeout=st.none() | seconds,
    id_reuse_policy=st.sampled_from(IDReusePolicy),
    already_started=st.none() | st.builds(WorkflowAlreadyStartedOptions, st.booleans(), st.none() | names),
    retry=st.none() | st.builds(WorkflowRetryPolicy, **_retry),
    start_delay=st.just(timedelta(0)) | seconds,
    attributes=tuples(st.tuples(names, kept)),
    search_attributes=tuples(search_writes),
    config=st.none()
    | st.builds(
        WorkflowConfig,
        executing_state_id_mode=st.none() | st.sampled_from(ExecutingStateIdMode),
        continue_as_new_threshold=wholes,
        continue_as_new_page_size_in_bytes=wholes,
        optimize_activity=st.none() | st.booleans(),
        optimize_timer=st.none() | st.booleans(),
    ),
    cron=st.none()
    | st.builds(
        CronSchedule,
        expression=st.sampled_from(["* * * * *", "0 9 * * 1-5", "@daily"]),
        time_zone=st.sampled_from(["UTC", "Europe/Berlin"]),
    ),
    wait_for_state_ids=tuples(names),
    wait_for_state_execution_ids=tuples(names),
    worker_url=st.none() | names,
)
rpc_options = st.builds(
    RpcOptions,
    timeout=st.integers(1, 59).map(lambda count: timedelta(seconds=count)),
    attributes=loadings,
    search_attributes=loadings,
)

_bounds = st.tuples(st.integers(1, 5), st.none() | st.integers(5, 9))


def _channel(cls: type[Any]) -> st.SearchStrategy[Any]:
    return st.builds(
        lambda name, command_id, bounds: cls(name, command_id, at_least=bounds[0], at_most=bounds[1]),
        names,
        st.none() | names,
        _bounds,
    )


timers = st.builds(
    TimerCommand, st.none() | names, st.integers(-9, 2**31).map(lambda count: timedelta(seconds=count))
) | st.builds(TimerCommand, st.none() | names, st.none(), instants)
commands = st.builds(
    CommandRequest,
    st.sampled_from([CommandWaitingType.ALL_COMPLETED, CommandWaitingType.ANY_COMPLETED]),
    tuples(timers),
    tuples(_channel(SignalChannelCommand)),
    tuples(_channel(InternalChannelCommand)),
    tuples(tuples(names)),
).filter(lambda request: not request.is_empty) | st.just(CommandRequest())

writes = st.builds(
    Writes,
    attributes=tuples(st.tuples(names, st.none() | kept)),
    search_attributes=tuples(search_writes),
    messages=tuples(st.builds(Publication, channel_name=names, value=values)),
    recorded_events=pairs,
)
outcomes = (
    st.builds(WaitUntilResult, commands=commands, locals=pairs, writes=writes)
    | st.builds(
        ExecuteResult,
        decision=st.builds(
            Decision,
            st.lists(movements, min_size=1, max_size=3).map(tuple),
            conditional_close=st.none()
            | st.builds(
                ConditionalClose,
                close_type=st.sampled_from(WorkflowConditionalCloseType),
                channel_name=st.just("") | names,
                output=values,
            ),
        ),
        writes=writes,
    )
    | st.builds(RpcResult, output=values, next_states=tuples(movements), writes=writes)
)


def _taken(family: ChannelFamily, message: st.SearchStrategy[Any]) -> st.SearchStrategy[SealedChannelResult]:
    def result(name: str, command_id: str | None, taken: tuple[Any, ...], is_bounded: bool) -> SealedChannelResult:
        return SealedChannelResult(
            family=family,
            channel_name=name,
            command_id=command_id,
            status=ChannelRequestStatus.RECEIVED if taken else ChannelRequestStatus.WAITING,
            values=taken if is_bounded else taken[:1],
            is_bounded=is_bounded and bool(taken),
        )

    return st.builds(result, names, st.none() | names, tuples(message), st.booleans())


results = st.builds(
    SealedCommandResults,
    wait_until_succeeded=st.booleans(),
    timers=tuples(st.builds(SealedTimerResult, command_id=st.none() | names, status=st.sampled_from(TimerStatus))),
    # A signal always has a value.
    signals=tuples(_taken(ChannelFamily.SIGNAL, payloads)),
    internals=tuples(_taken(ChannelFamily.INTERNAL, values)),
)
failures = st.builds(
    Failure,
    error_type=names,
    message=names,
    detail=st.just("") | names,
    attempts=st.integers(1, 9),
    state_id=st.none() | names,
    state_execution_id=st.none() | names,
)
_call = {
    "namespace": st.just("default"),
    "workflow_type": names,
    "workflow_id": names,
    "run_id": names,
    "started_at": instants,
    "method_name": names,
    "input": values,
    "attributes": st.dictionaries(names, kept, max_size=3),
    "search_attributes": tuples(search_attributes).map(lambda found: {one.key: one for one in found}),
    "timeout": st.just(TIMEOUT),
}
_state = {
    **_call,
    "state_execution_id": names,
    "attempt": st.integers(1, 2**31 - 1),
    "first_attempt_at": instants,
    "failure": st.none() | failures,
}
calls = (
    st.builds(Invocation, kind=st.just(InvocationKind.WAIT_UNTIL), **_state)
    | st.builds(Invocation, kind=st.just(InvocationKind.EXECUTE), **_state, locals=pairs, results=st.none() | results)
    | st.builds(
        Invocation,
        kind=st.just(InvocationKind.RPC),
        **_call,
        channel_sizes=st.dictionaries(st.tuples(st.sampled_from(ChannelFamily), names), st.integers(1, 9), max_size=3),
    )
)
NOW = datetime(2026, 1, 1, tzinfo=UTC)
