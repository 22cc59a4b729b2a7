"""Which answers of a worker can be used, and how the others are told."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from iwf_py.model.commands import TimerCommand
from iwf_py.model.ids import EPOCH
from iwf_py.model.invocations import ExecuteResult, Failed, InvocationKind, RpcResult, WaitUntilResult
from iwf_py.model.status import CommandWaitingType
from iwf_py.wire.judging import outcome_of, timed_out, unanswered

WAIT_UNTIL, EXECUTE, RPC = InvocationKind.WAIT_UNTIL, InvocationKind.EXECUTE, InvocationKind.RPC
JSON = "application/json"
NEXT = {"stateDecision": {"nextStates": [{"stateId": "B"}]}}


def judged(kind: InvocationKind, body: Any, status: int = 200, content_type: str = JSON) -> Any:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return outcome_of(kind, status, content_type, data)


def told(kind: InvocationKind, body: Any, status: int = 200, content_type: str = JSON) -> str:
    outcome = judged(kind, body, status, content_type)
    assert isinstance(outcome, Failed)
    return outcome.failure.message


@pytest.mark.parametrize(
    "content_type", [JSON, "text/json", "Application/JSON; charset=utf-8", "application/vnd.x+json"]
)
def test_json_has_several_names(content_type: str):
    """
    With and without parameters, in any case.
    """
    assert isinstance(judged(EXECUTE, NEXT, content_type=content_type), ExecuteResult)


@pytest.mark.parametrize(("content_type", "body"), [("", NEXT), ("text/plain", NEXT), ("application/jsonp", NEXT)])
def test_what_is_not_declared_json_is_none(content_type: str, body: Any):
    """
    Whatever it looks like.
    """
    assert told(EXECUTE, body, content_type=content_type).endswith("errMsg: undefined response type")


@pytest.mark.parametrize(("body", "content_type"), [(b"", ""), (b"", JSON), (b"null", JSON), (b"{}", JSON)])
def test_a_wait_until_may_answer_nothing(body: bytes, content_type: str):
    """
    There are no commands then.
    """
    outcome = judged(WAIT_UNTIL, body, content_type=content_type)

    assert isinstance(outcome, WaitUntilResult)
    assert outcome.commands.is_empty


@pytest.mark.parametrize(
    ("kind", "body", "status", "content_type", "message"),
    [
        (EXECUTE, b"boom", 503, "text/plain", "statusCode: 503, responseBody: boom, errMsg: 503 Service Unavailable"),
        (EXECUTE, NEXT, 201, JSON, f"statusCode: 201, responseBody: {json.dumps(NEXT)}, errMsg: 201 Created"),
        (EXECUTE, b"", 302, "", "statusCode: 302, responseBody: , errMsg: 302 Found"),
        (EXECUTE, b"", 799, "", "statusCode: 799, responseBody: , errMsg: 799"),
        (EXECUTE, {}, 400, JSON, "statusCode: 400, responseBody: {}, errMsg: 400 Bad Request  (%!s(*string=<nil>))"),
        (EXECUTE, b"", 400, "", "statusCode: 400, responseBody: , errMsg: 400 Bad Request  (%!s(*string=<nil>))"),
        (
            EXECUTE,
            {"detail": "d"},
            400,
            JSON,
            'statusCode: 400, responseBody: {"detail": "d"}, errMsg: 400 Bad Request  (d)',
        ),
        (EXECUTE, b"boom", 400, "text/plain", "statusCode: 400, responseBody: boom, errMsg: undefined response type"),
        (
            WAIT_UNTIL,
            {"commandRequest": {"commandWaitingType": "SOME"}},
            200,
            JSON,
            (
                'statusCode: 200, responseBody: {"commandRequest": {"commandWaitingType": "SOME"}}, '
                "errMsg: SOME is not a valid CommandWaitingType"
            ),
        ),
    ],
)
def test_how_an_answer_that_is_no_success_is_told(kind, body, status, content_type, message):
    """
    Word for word as the original does, where its words are not its language's own.
    """
    assert told(kind, body, status, content_type) == message


def test_long_answers_are_cut():
    """
    A body at 500 bytes, what is said of it at 50, neither amidst a sign.
    """
    message = told(EXECUTE, "é".encode() * 300, 500, "text/plain")
    assert message == f"statusCode: 500, responseBody: {'é' * 250}..., errMsg: 500 Internal Server Error"

    message = told(EXECUTE, b"x" + "é".encode() * 300, 500, "text/plain")
    assert f"x{'é' * 249}..., " in message

    message = told(EXECUTE, {"detail": "e" * 60}, 400)
    assert message.endswith(f"errMsg: 400 Bad Request  ({'e' * 32}...")


def test_what_no_database_keeps_is_replaced():
    """
    Bytes that are no text, zeros and escapes of terminals; ends of lines stay.
    """
    message = told(EXECUTE, b"a\x00b\x1b[31m\xff\n\tc", 500, "text/plain")

    assert "responseBody: a\ufffdb\ufffd[31m\ufffd\n\tc, " in message


@pytest.mark.parametrize(
    ("request_", "problem"),
    [
        ({"signalCommands": [{"signalChannelName": "a"}]}, "unsupported decider trigger type "),
        (
            {
                "deciderTriggerType": "ANY_COMMAND_COMBINATION_COMPLETED",
                "timerCommands": [{}],
                "commandCombinations": [{}],
            },
            "ANY_COMMAND_COMBINATION_COMPLETED can only be used when every command has an commandId, and the combination",
        ),
        (
            {
                "commandWaitingType": "ANY_COMBINATION_COMPLETED",
                "timerCommands": [{"commandId": "t"}],
                "commandCombinations": [{"commandIds": ["t", "x"]}],
            },
            "every command has an commandId that is found in TimerCommands, SignalCommands or InternalChannelCommand",
        ),
    ],
)
def test_commands_that_cannot_be_waited_for_fail_the_attempt(request_: dict[str, Any], problem: str):
    """
    With the answer as it was understood.
    """
    message = told(WAIT_UNTIL, {"commandRequest": request_, "unknown": 1})

    assert message.startswith("err msg: ")
    assert problem in message
    assert message.endswith(
        f"response: {json.dumps({'commandRequest': request_}, sort_keys=True, separators=(',', ':'))}"
    )


def test_without_commands_nothing_is_checked():
    """
    A waiting type alone, a combination of nothing.
    """
    body = {"commandRequest": {"commandWaitingType": "ANY_COMBINATION_COMPLETED", "timerCommands": []}}

    assert judged(WAIT_UNTIL, body).commands.is_empty


def test_older_words_of_commands_are_understood():
    """
    The newer waiting type counts; a duration counts before an instant; a timer without either is over.
    """
    timers = [
        {"firingUnixTimestampSeconds": 1_000},
        {"firingUnixTimestampSeconds": 1_000, "durationSeconds": 5},
        {"firingUnixTimestampSeconds": -1},
        {},
    ]
    request = {
        "commandWaitingType": "ALL_COMPLETED",
        "deciderTriggerType": "ANY_COMMAND_COMPLETED",
        "timerCommands": timers,
    }

    commands = judged(WAIT_UNTIL, {"commandRequest": request}).commands

    assert commands.waiting_type is CommandWaitingType.ALL_COMPLETED
    assert commands.timers == (
        TimerCommand(None, None, EPOCH + timedelta(seconds=1_000)),
        TimerCommand(None, timedelta(seconds=5)),
        TimerCommand(None, None, EPOCH),
        TimerCommand(None, timedelta(0)),
    )


@pytest.mark.parametrize("body", [b"", b"null", {}, {"stateDecision": {}}, {"stateDecision": {"nextStates": []}}])
def test_a_decision_must_name_a_state(body: Any):
    """
    A missing one, an empty one, and a condition without another branch.
    """
    message = told(EXECUTE, body)

    assert message.startswith(
        "err msg: empty state decision is no longer supported. If it's from old SDKs then upgrade"
    )


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        (EXECUTE, {**NEXT, "publishToInterStateChannel": [{"channelName": "__IwfSystem_x"}]}),
        (EXECUTE, {**NEXT, "upsertDataObjects": [{"key": "__IwfSystem_x"}]}),
        (EXECUTE, {**NEXT, "upsertSearchAttributes": [{"key": "__IwfSystem_x", "valueType": "INT"}]}),
        (EXECUTE, {"stateDecision": {"nextStates": [{"stateId": "__IwfSystem_x"}]}}),
        (EXECUTE, {"stateDecision": {"nextStates": [{"stateId": ""}]}}),
        (EXECUTE, {"stateDecision": {"nextStates": [{"stateId": "x" * 1_001}]}}),
        (WAIT_UNTIL, {"publishToInterStateChannel": [{"channelName": "__IwfSystem_x"}]}),
        (RPC, {"publishToInterStateChannel": [{"channelName": "__IwfSystem_x"}]}),
        (RPC, {"upsertDataAttributes": [{"key": "__IwfSystem_x"}]}),
    ],
)
def test_a_name_that_can_be_none_fails_the_attempt(kind: InvocationKind, body: Any):
    """
    Reserved ones on every way to write, empty and endless ones; a corrected worker heals it.
    """
    outcome = judged(kind, body)

    assert isinstance(outcome, Failed)
    assert not outcome.failure.is_invalid_code


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"stateDecision": {**NEXT["stateDecision"], "conditionalClose": {}}}, "Unsupported ConditionalCloseType"),
        (
            {
                "stateDecision": {
                    "nextStates": [
                        {"stateId": "B", "stateOptions": {"executeApiRetryPolicy": {"backoffCoefficient": 0.5}}}
                    ]
                }
            },
            "backoff_coefficient must be at least 1",
        ),
        (
            {**NEXT, "upsertSearchAttributes": [{"key": "k", "integerValue": 1}]},
            "unsupported search attribute value type",
        ),
        (
            {"stateDecision": {"nextStates": [{"stateId": "B", "stateInput": {"extPath": "x"}}]}},
            "reference to external storage",
        ),
    ],
)
def test_an_answer_that_can_never_be_carried_out_is_invalid_code(body: Any, words: str):
    """
    The run fails of it, and says why.
    """
    outcome = judged(EXECUTE, body)

    assert outcome.failure.is_invalid_code
    assert words in outcome.failure.message


def test_an_endless_answer_is_not_repeated():
    """
    The response is told up to a bound.
    """
    names = [{"channelName": "__IwfSystem_x"}] * 1_000

    assert len(told(EXECUTE, {**NEXT, "publishToInterStateChannel": names})) < 5_000


def test_what_the_handler_asked_for_is_heard():
    """
    No further attempt, or one after a while, as our own workers tell it.
    """
    failure = judged(
        EXECUTE, {"detail": "d", "errorType": "E", "isRetryable": False, "retryAfterSeconds": 1.5}, 500
    ).failure

    assert (failure.worker_status, failure.worker_error_type, failure.detail) == (500, "E", "d")
    assert (failure.is_retryable, failure.retry_after) == (False, timedelta(seconds=1.5))


def test_no_answer_is_told_without_one():
    """
    Refused or broken off; too late, in the words that are looked for.
    """
    refused = unanswered(EXECUTE, "Connect call failed ('127.0.0.1', 8802), no route to that host at all")
    assert refused.failure.message == (
        "statusCode: 0, responseBody: None, errMsg: Connect call failed ('127.0.0.1', 8802), no route ..."
    )

    late = timed_out(WAIT_UNTIL, "http://w").failure.message
    assert late.startswith("activity error ")
    assert "activity StartToClose timeout" in late
    last = timed_out(EXECUTE, "http://w", is_last_moment=True).failure.message
    assert "activity ScheduleToClose timeout (type: ScheduleToClose)" in last


@pytest.mark.parametrize(
    ("body", "status", "content_type", "message", "original"),
    [
        ({"detail": "d", "errorType": "t"}, 502, JSON, "worker API error, status:502, errorType:t", (502, "t", "d")),
        ({}, 500, "text/plain", "worker API error, status:500, errorType:", (500, "", "")),
        ({}, 201, JSON, "worker API error, status:201, errorType:", (201, "", "")),
        (b"boom", 400, JSON, "unable to decode worker response body to WorkerErrorResponse: bodyboom", (400, "", "")),
        (
            b"<html>",
            200,
            "text/html",
            "unable to decode worker response body to WorkerErrorResponse: body<html>",
            (200, "", ""),
        ),
        (b"", 200, JSON, "unable to decode worker response body to WorkerErrorResponse: body", (200, "", "")),
        (b"null", 200, JSON, "unable to decode worker response body to WorkerErrorResponse: bodynull", (200, "", "")),
        (
            {"output": 5},
            200,
            JSON,
            'unable to decode worker response body to WorkerErrorResponse: body{"output": 5}',
            (200, "", ""),
        ),
        (
            {"stateDecision": {"conditionalClose": {}}},
            200,
            JSON,
            "closing workflow in RPC is not supported yet",
            (0, "", ""),
        ),
    ],
)
def test_how_a_failed_rpc_is_told(body, status, content_type, message, original):
    """
    The sentence, and what the worker said of itself.
    """
    failure = judged(RPC, body, status, content_type).failure

    assert failure.message == message
    assert (failure.worker_status, failure.worker_error_type, failure.detail) == original


def test_an_rpc_that_had_no_answer_is_told_in_full():
    """
    Its caller learns what the transport said, and where.
    """
    assert unanswered(
        RPC, "refused, and a long story about it that goes on beyond fifty signs"
    ).failure.message.endswith("signs")
    late = timed_out(RPC, "http://w/api/v1/workflowWorker/rpc").failure
    assert late.message == 'Post "http://w/api/v1/workflowWorker/rpc": context deadline exceeded'


def test_an_rpc_may_answer_little():
    """
    An empty decision is fine here.
    """
    assert judged(RPC, {"stateDecision": {}}) == RpcResult()
