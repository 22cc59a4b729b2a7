"""What is written and read again is the same word."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from attrs import evolve
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from iwf_py.model.invocations import ExecuteResult, Failed, InvocationKind, Outcome, RpcResult, WaitUntilResult
from iwf_py.model.options import WorkflowConfig
from iwf_py.model.requests import (
    FoundRun,
    GetAttributesRequest,
    PublishRequest,
    ResetRequest,
    RpcRequest,
    RunAddress,
    RunResult,
    SearchPage,
    SearchRequest,
    SetAttributesRequest,
    SignalRequest,
    SkipTimerRequest,
    StartRequest,
    StateCompletion,
    StateOutput,
    StateWaitRequest,
    StopRequest,
    UpdateConfigRequest,
)
from iwf_py.model.status import WorkflowErrorType, WorkflowResetType, WorkflowStatus, WorkflowStopType
from iwf_py.wire import answers, calls, outcomes, requests
from iwf_py.wire.decoding import decode, encode
from iwf_py.wire.judging import outcome_of
from tests.wire import words

thorough = settings(max_examples=100, suppress_health_check=list(HealthCheck), deadline=None)

KINDS: dict[type[Any], InvocationKind] = {
    WaitUntilResult: InvocationKind.WAIT_UNTIL,
    ExecuteResult: InvocationKind.EXECUTE,
    RpcResult: InvocationKind.RPC,
}


def sent(body: dict[str, Any]) -> dict[str, Any]:
    """Send a body: as bytes, and with the names of today alone."""
    data = encode(body)
    assert b"startApi" not in data
    assert b"decideApi" not in data
    return decode(data)


@thorough
@given(words.starts)
def test_a_start_is_the_same_at_the_other_end(request: StartRequest):
    """
    With all its options, and those of its starting state.
    """
    assert requests.read_start(sent(requests.write_start(request))) == request


@thorough
@given(words.calls)
def test_a_call_is_the_same_at_the_worker(call):
    """
    Each kind, with attributes, results, messages and the failure that led there.
    """
    assert calls.read_call(call.kind, sent(calls.write_call(call)), timeout=words.TIMEOUT) == call


@thorough
@given(words.outcomes)
def test_an_outcome_is_the_same_at_the_engine(outcome: Outcome):
    """
    Each kind, with commands, movements, options and writes; deletions too.
    """
    status, body = outcomes.write_outcome(outcome)

    found = outcome_of(KINDS[type(outcome)], status, "application/json", encode(body))

    assert found == outcome


@thorough
@given(words.failures, st.booleans(), st.none() | st.integers(0, 1000).map(lambda count: timedelta(milliseconds=count)))
def test_a_failure_says_at_the_engine_what_the_handler_asked_for(failure, is_retryable, after):
    """
    Its type, its text, whether it may be tried again, and when.
    """
    failure = evolve(failure, is_retryable=is_retryable, retry_after=after)
    status, body = outcomes.write_outcome(Failed(failure))

    told = outcome_of(InvocationKind.EXECUTE, status, "application/json", encode(body)).failure

    assert (told.worker_status, told.worker_error_type) == (500, failure.error_type)
    assert told.detail.startswith(failure.message)
    assert (told.is_retryable, told.retry_after) == (is_retryable, after)


address = {"workflow_id": words.names, "run_id": words.run_ids}
ways: list[tuple[Any, Any, Any]] = [
    (st.builds(RunAddress, **address), requests.write_address, requests.read_address),
    (
        st.builds(SignalRequest, **address, channel_name=words.names, value=words.payloads),
        requests.write_signal,
        requests.read_signal,
    ),
    (
        st.builds(PublishRequest, **address, messages=words.writes.map(lambda writes: writes.messages)),
        requests.write_publish,
        requests.read_publish,
    ),
    (
        st.builds(StopRequest, **address, stop_type=st.sampled_from(WorkflowStopType), reason=st.none() | words.names),
        requests.write_stop,
        requests.read_stop,
    ),
    (
        st.builds(SkipTimerRequest, **address, state_execution_id=words.names, command_id=words.names)
        | st.builds(SkipTimerRequest, **address, state_execution_id=words.names, index=st.integers(0, 9)),
        requests.write_skip_timer,
        requests.read_skip_timer,
    ),
    (
        st.builds(SetAttributesRequest, **address, attributes=words.writes.map(lambda writes: writes.attributes)),
        requests.write_set_attributes,
        requests.read_set_attributes,
    ),
    (
        st.builds(
            SetAttributesRequest, **address, search_attributes=words.writes.map(lambda writes: writes.search_attributes)
        ),
        requests.write_set_search_attributes,
        requests.read_set_search_attributes,
    ),
    (
        st.builds(
            GetAttributesRequest,
            **address,
            keys=st.none() | st.lists(words.names, min_size=1, max_size=3).map(tuple),
        ),
        requests.write_get_attributes,
        requests.read_get_attributes,
    ),
    (
        st.builds(RpcRequest, **address, rpc_name=words.names, input=words.values, options=words.rpc_options),
        requests.write_rpc,
        requests.read_rpc,
    ),
    (
        st.builds(
            UpdateConfigRequest,
            **address,
            config=words.starts.map(lambda start: evolve(start.config or WorkflowConfig(), optimize_timer=None)),
        ),
        requests.write_update_config,
        requests.read_update_config,
    ),
    (
        st.builds(
            ResetRequest,
            **address,
            reset_type=st.sampled_from(WorkflowResetType),
            history_event_id=words.wholes,
            history_event_time=words.instants,
            state_id=st.none() | words.names,
            state_execution_id=st.none() | words.names,
            reason=st.none() | words.names,
            skip_signal_reapply=st.booleans(),
            skip_update_reapply=st.booleans(),
        ),
        requests.write_reset,
        lambda body: requests.read_reset(body, words.NOW),
    ),
    (
        st.builds(
            SearchRequest, query=words.names, page_size=st.integers(1, 1000), next_page_token=st.just("") | words.names
        ),
        requests.write_search,
        requests.read_search,
    ),
    (
        st.builds(StateWaitRequest, workflow_id=words.names, state_id=words.names, ordinal=st.integers(1, 99))
        | st.builds(StateWaitRequest, workflow_id=words.names, state_id=words.names, wait_for_key=words.names),
        lambda request: requests.write_state_wait(request, timedelta(seconds=5)),
        lambda body: requests.read_state_wait(body)[0],
    ),
    (
        st.builds(
            RunResult,
            workflow_id=st.just("w"),
            run_id=words.names,
            status=st.sampled_from(WorkflowStatus),
            outputs=words.tuples(
                st.builds(StateOutput, state_id=words.names, state_execution_id=words.names, output=words.payloads)
            ),
            error_type=st.none() | st.sampled_from(WorkflowErrorType),
            error_message=st.none() | words.names,
        ),
        answers.write_result,
        lambda body: answers.read_result(body, "w"),
    ),
    (
        st.builds(
            StateCompletion,
            run_id=st.just(""),
            state_id=words.names,
            state_execution_id=words.names,
            output=words.values,
        ),
        answers.write_completion,
        answers.read_completion,
    ),
    (
        st.builds(
            SearchPage,
            executions=words.tuples(
                st.builds(
                    FoundRun,
                    workflow_id=words.names,
                    run_id=words.names,
                    workflow_type=st.none(),
                    status=st.none(),
                    started_at=st.none(),
                )
            ),
            next_page_token=st.just("") | words.names,
        ),
        answers.write_page,
        answers.read_page,
    ),
    (words.values, answers.write_output, answers.read_output),
    (
        st.dictionaries(words.names, words.kept, max_size=3),
        answers.write_found_attributes,
        answers.read_found_attributes,
    ),
]


@thorough
@given(st.data())
def test_requests_and_answers_are_the_same_at_the_other_end(data):
    """
    Each that a client sends or is answered.
    """
    strategy, write, read = data.draw(st.sampled_from(ways))
    word = data.draw(strategy)

    assert read(sent(write(word))) == word
