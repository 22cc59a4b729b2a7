"""Every recorded exchange, read and written again, is the same: up to what each test lists."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from iwf_py.core.rpcs import failure_error
from iwf_py.errors import IwfError, ProtocolError
from iwf_py.model.invocations import Failed, InvocationKind, RpcResult, WaitUntilResult
from iwf_py.wire import answers, calls, faults, judging, outcomes, requests, routes
from iwf_py.wire.decoding import decode, encode
from iwf_py.wire.judging import outcome_of
from tests.wire.recorded import CONVERSATIONS, body_of, exchanges

NOW = datetime(2026, 1, 9, tzinfo=UTC)

BY_PATH = {route.path: route for route in routes.CLIENT_ROUTES}
KIND_OF = {route.path: kind for kind, route in routes.WORKER_ROUTES.items()}

CLIENTS = exchanges("client")
CALLS = exchanges("server")


def cases(found: list[tuple[str, dict[str, Any]]]) -> Any:
    return pytest.mark.parametrize("exchange", [one for _, one in found], ids=[name for name, _ in found])


# What is read of each client route, and how it is written again.
REQUESTS = {
    "start": (requests.read_start, requests.write_start),
    "signal": (requests.read_signal, requests.write_signal),
    "publish": (requests.read_publish, requests.write_publish),
    "stop": (requests.read_stop, requests.write_stop),
    "get": (requests.read_get, lambda request: requests.write_get(request, needs_results=request.needs_results)),
    "get_with_wait": (
        requests.read_get,
        lambda request: requests.write_get(request, needs_results=request.needs_results, wait=request.wait),
    ),
    "search": (requests.read_search, requests.write_search),
    "reset": (lambda body: requests.read_reset(body, NOW), requests.write_reset),
    "rpc": (requests.read_rpc, requests.write_rpc),
    "skip_timer": (requests.read_skip_timer, requests.write_skip_timer),
    "get_attributes": (requests.read_get_attributes, requests.write_get_attributes),
    "set_attributes": (requests.read_set_attributes, requests.write_set_attributes),
    "get_search_attributes": (requests.read_get_search_attributes, requests.write_get_search_attributes),
    "set_search_attributes": (requests.read_set_search_attributes, requests.write_set_search_attributes),
    "wait_for_state": (requests.read_state_wait, lambda request: requests.write_state_wait(*request)),
    "update_config": (requests.read_update_config, requests.write_update_config),
    "continue_as_new": (requests.read_address, requests.write_address),
}

ANSWERS = {
    "start": (answers.read_run_id, answers.write_run_id),
    "reset": (answers.read_run_id, answers.write_run_id),
    "get": (lambda body: answers.read_result(body, "w"), answers.write_result),
    "get_with_wait": (lambda body: answers.read_result(body, "w"), answers.write_result),
    "search": (answers.read_page, answers.write_page),
    "rpc": (answers.read_output, answers.write_output),
    "get_attributes": (answers.read_found_attributes, answers.write_found_attributes),
    "get_search_attributes": (
        answers.read_found_search_attributes,
        lambda found: answers.write_found_search_attributes(
            found,
            requests.GetSearchAttributesRequest(
                workflow_id="w", keys=tuple((key, one.value_type) for key, one in found.items())
            ),
            NOW,
        ),
    ),
    "wait_for_state": (answers.read_completion, answers.write_completion),
}

# What a request says that is said, or left unsaid, otherwise by us; the meaning is the same.
UNSAID = {
    "get_with_wait": {"waitTimeSeconds": 60},
    "search": {"pageSize": 1000},
    "rpc": {"timeoutSeconds": 60},
    "stop": {"stopType": "CANCEL"},
    "signal": {"signalValue": {}},
}
DROPPED = {
    ("needsResults", False),
    ("workflowRunId", ""),
    ("useMemoForDataAttributes", True),
    ("timerCommandId", ""),
    ("idReusePolicy", "ALLOW_IF_NO_RUNNING"),
    ("executeApiFailurePolicy", "FAIL_WORKFLOW_ON_EXECUTE_API_FAILURE"),
}
# Of a start: a worker is told where it is, and a state's options without any say nothing.
EMPTY = (
    "workflowStartOptions",
    "dataAttributesLoadingPolicy",
    "searchAttributesLoadingPolicy",
    "partialLoadingKeys",
    "keys",
)
OLDER_NAMES = {
    "skipStartApi": "skipWaitUntil",
    "startApiRetryPolicy": "waitUntilApiRetryPolicy",
    "decideApiRetryPolicy": "executeApiRetryPolicy",
    "startApiFailurePolicy": "waitUntilApiFailurePolicy",
    "dataObjectsLoadingPolicy": "dataAttributesLoadingPolicy",
    "deciderTriggerType": "commandWaitingType",
    "workflowIDReusePolicy": "idReusePolicy",
}
OLDER_WORDS = {
    "PROCEED_TO_DECIDE_ON_START_API_FAILURE": "PROCEED_ON_FAILURE",
    "ANY_COMMAND_COMPLETED": "ANY_COMPLETED",
    "ALLOW_IF_PREVIOUS_EXISTS_ABNORMALLY": "ALLOW_IF_PREVIOUS_EXITS_ABNORMALLY",
    "ALLOW_DUPLICATE": "ALLOW_IF_NO_RUNNING",
    "ALLOW_DUPLICATE_FAILED_ONLY": "ALLOW_IF_PREVIOUS_EXITS_ABNORMALLY",
    "REJECT_DUPLICATE": "DISALLOW_REUSE",
    "TERMINATE_IF_RUNNING": "ALLOW_TERMINATE_IF_RUNNING",
}


CALLS_OF_A_STATE = ("waitUntilApi", "executeApi")


def specially(options: dict[str, Any]) -> dict[str, Any]:
    """Say of a state's options for each call what they say for both, and nothing of a failure state that is not named."""
    said = dict(options)
    for what in ("DataAttributes", "SearchAttributes"):
        common = said.pop(f"{what[0].lower()}{what[1:]}LoadingPolicy", None)
        for call in CALLS_OF_A_STATE:
            if common is not None:
                said.setdefault(f"{call}{what}LoadingPolicy", common)
    if "executeApiFailureProceedStateId" not in said:
        said.pop("executeApiFailurePolicy", None)
    return said


def of_today(value: Any) -> Any:
    """Say a body in names of today, without what is the default."""
    if isinstance(value, list):
        return [of_today(one) for one in value]
    if not isinstance(value, dict):
        return OLDER_WORDS.get(value, value) if isinstance(value, str) else value
    said: dict[str, Any] = {}
    for key, one in value.items():
        name = OLDER_NAMES.get(key, key)
        told = of_today(one)
        is_default = isinstance(told, bool | str) and (name, told) in DROPPED
        # Where both spellings stand, the newer one counts (there is such a case for id reuse only).
        if not is_default and not (name != key and name in value) and not (name in EMPTY and not told):
            said[name] = specially(told) if name == "stateOptions" else told
    return said


@cases([(name, one) for name, one in CLIENTS if isinstance(one["request"], dict)])
def test_a_request_is_the_same_when_it_was_read_and_written(exchange: dict[str, Any]):
    """
    Apart from older names and defaults, and for a request that is refused: it is told as recorded, or with 400 for 500.
    """
    route = BY_PATH.get(exchange["path"])
    if route is None:
        assert exchange["status"] == 404
        return
    read, write = REQUESTS[route.name]
    body = decode(body_of(exchange["request"]))
    try:
        request = read(body)
    except IwfError as error:
        fault = faults.fault_of(error)
        assert fault.status == 400
        assert exchange["status"] in (400, 500)
        if exchange["status"] == 400:
            assert fault.body == exchange["response"]
        return

    wanted = {**UNSAID.get(route.name, {}), **of_today(exchange["request"])}
    if wanted.get("timerCommandId"):
        wanted.pop("timerCommandIndex", None)
    assert of_today(decode(encode(write(request)))) == wanted


@cases([(name, one) for name, one in CLIENTS if isinstance(one["request"], str)])
def test_a_malformed_request_is_told_as_such(exchange: dict[str, Any]):
    """
    As recorded, with a sub status; but text after the value and a key given twice, which the original takes, are refused too.
    """
    read, _ = (
        REQUESTS.get(BY_PATH[exchange["path"]].name, (None, None)) if exchange["path"] in BY_PATH else (None, None)
    )
    if read is None:
        assert exchange["status"] == 404
        return
    try:
        read(decode(body_of(exchange["request"])))
    except IwfError as error:
        fault = faults.fault_of(error)
    else:
        # Well formed: only the engine can say that there is no such workflow.
        assert exchange["response"]["detail"] == "workflow not found for ID: nobody"
        return

    assert fault.status == exchange["status"] == 400
    stricter = exchange["request"].endswith(" rest") or exchange["request"].count('"workflowId"') == 2
    if not stricter:
        assert fault.body == {"subStatus": "UNCATEGORIZED_SUB_STATUS", **exchange["response"]}


@cases([(name, one) for name, one in CLIENTS if one["status"] == 200 and one["path"] in BY_PATH])
def test_an_answer_is_the_same_when_it_was_read_and_written(exchange: dict[str, Any]):
    """
    Each 200 without exception.
    """
    route = BY_PATH[exchange["path"]]
    if route is routes.GREETING:
        assert exchange["response"] == answers.GREETING
        return
    if route is routes.HEALTH:
        assert answers.write_health("<hostname>") == exchange["response"]
        return
    body = decode(body_of(exchange["response"]))
    if route.name not in ANSWERS:
        assert body == answers.NOTHING
        return
    read, write = ANSWERS[route.name]

    assert decode(encode(write(read(body)))) == exchange["response"]


@cases([(name, one) for name, one in CLIENTS if one["status"] >= 400])
def test_an_error_is_the_same_when_it_was_read_and_told(exchange: dict[str, Any]):
    """
    Status and body; where there was no sub status there is one now, and a 404 stays one.
    """
    error = faults.error_of(exchange["status"], body_of(exchange["response"]))

    assert error.status == exchange["status"]
    if exchange["status"] != 404:
        told = faults.fault_of(error)
        assert told.status == exchange["status"]
        assert told.body == {"subStatus": "UNCATEGORIZED_SUB_STATUS", **exchange["response"]}


@cases(CALLS)
def test_a_call_is_the_same_when_it_was_read_and_written(exchange: dict[str, Any]):
    """
    Every call to a worker, without exception: names, lists that are empty or absent, and all.
    """
    kind = KIND_OF[exchange["path"]]

    call = calls.read_call(kind, decode(body_of(exchange["request"])), timeout=timedelta(seconds=30))

    assert decode(encode(calls.write_call(call))) == exchange["request"]


def answer_of(exchange: dict[str, Any]) -> Any:
    kind = KIND_OF[exchange["path"]]
    content_type = exchange.get("contentType", "application/json")
    return outcome_of(kind, exchange["status"], content_type, body_of(exchange["response"]))


@cases([(name, one) for name, one in CALLS if not isinstance(answer_of(one), Failed)])
def test_a_workers_answer_is_the_same_when_it_was_read_and_written(exchange: dict[str, Any]):
    """
    Apart from older names, a command request without commands, a timer without a time, and locals that execute answered.
    """
    outcome = answer_of(exchange)

    status, body = outcomes.write_outcome(outcome)

    wanted = of_today(exchange["response"] or {})
    if isinstance(outcome, WaitUntilResult):
        if outcome.commands.is_empty:
            wanted.pop("commandRequest", None)
        for timer in wanted.get("commandRequest", {}).get("timerCommands", ()):
            if not {"durationSeconds", "firingUnixTimestampSeconds"} & timer.keys():
                timer["durationSeconds"] = 0
    else:
        wanted.pop("upsertStateLocals", None)
    assert status == exchange["status"] == 200
    assert of_today(decode(encode(body))) == wanted


# Texts that are the original's decoder's own, or debris of its formatting: ours say the same in other words.
OTHER_WORDS = {
    "wrong_json_type": "an integer was expected, got a string",
    "broken_json": "the body is not JSON",
    "status_400_with_detail": "errMsg: 400 Bad Request  (d)",
}


@pytest.mark.parametrize("name", CONVERSATIONS)
def test_a_run_that_failed_of_an_answer_says_so_as_recorded(name: str):
    """
    The error message of a run whose state call failed for good is the one that is made of the worker's last answer.
    """
    last: dict[str, Any] = {}
    for exchange in CONVERSATIONS[name]:
        if exchange["from"] == "server":
            last[exchange["request"]["context"]["workflowId"]] = exchange
            continue
        response = exchange["response"]
        if not isinstance(response, dict) or response.get("errorType") != "STATE_API_FAIL_ERROR_TYPE":
            continue
        workflow_id = exchange["request"]["workflowId"]
        if "timeout" in response["errorMessage"]:
            outcome: Any = judging.timed_out(InvocationKind.EXECUTE, "")
            assert outcome.failure.message.startswith("activity error ")
            assert "activity StartToClose timeout" in outcome.failure.message
            continue
        outcome = answer_of(last[workflow_id])

        assert isinstance(outcome, Failed)
        assert outcome.failure.error_type == ""
        if workflow_id in OTHER_WORDS:
            assert outcome.failure.message.startswith(response["errorMessage"].partition("errMsg")[0])
            assert OTHER_WORDS[workflow_id] in outcome.failure.message
        else:
            assert outcome.failure.message == response["errorMessage"]


@pytest.mark.parametrize("name", ["rpc_errors"])
def test_an_rpc_that_failed_is_told_to_its_caller_as_recorded(name: str):
    """
    The 420 of an RPC is made of the worker's answer alone.
    """
    conversation = CONVERSATIONS[name]
    for asked, called in zip(conversation, conversation[1:], strict=False):
        if not (asked["path"].endswith("/workflow/rpc") and called["from"] == "server"):
            continue
        outcome = answer_of(called)
        if "gave up" in called.get("note", ""):
            outcome = judging.timed_out(InvocationKind.RPC, "<workerUrl>/api/v1/workflowWorker/rpc")
        if isinstance(outcome, RpcResult):
            # A system state is the engine's to refuse, with the same words.
            assert asked["response"]["detail"] == judging.RPC_CLOSES
            continue

        told = faults.fault_of(failure_error(asked["request"]["rpcName"], outcome.failure))

        assert (told.status, told.body) == (asked["status"], asked["response"])


def test_a_key_in_two_spellings_is_refused():
    """
    Who checks one spelling and uses the other is deceived: there are no two.
    """
    with pytest.raises(ProtocolError, match="workflowId is given twice"):
        requests.read_get({"workflowId": "a", "WorkflowId": "b"})
