"""What clients' requests mean, and which are refused."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from iwf_py.errors import InvalidArgumentError, IwfError, PayloadError
from iwf_py.model.ids import EPOCH
from iwf_py.model.options import DEFAULT_ATTEMPT_TIMEOUT, CronSchedule, RetryPolicy
from iwf_py.model.payload import NO_VALUE, Payload, SearchAttribute
from iwf_py.model.requests import GetAttributesRequest, StateWaitRequest
from iwf_py.model.status import IDReusePolicy, PersistenceLoadingType, SearchAttributeValueType, WorkflowResetType
from iwf_py.wire import answers, faults, requests
from iwf_py.wire.options import read_cron, read_state_options, write_cron
from iwf_py.wire.protocol import STATE_OPTIONS
from iwf_py.wire.values import whole_seconds

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
RUN = "6f1c0000-1111-4222-8333-444444444444"
TYPES = SearchAttributeValueType


def started(**options: Any) -> Any:
    return requests.read_start(
        {"workflowId": "w", "iwfWorkflowType": "T", "iwfWorkerUrl": "", "workflowStartOptions": options}
    )


def state_options(**options: Any) -> Any:
    return read_state_options(STATE_OPTIONS.read(options))


@pytest.mark.parametrize(
    ("options", "policy"),
    [
        ({}, "ALLOW_IF_NO_RUNNING"),
        ({"idReusePolicy": "ALLOW_IF_PREVIOUS_EXISTS_ABNORMALLY"}, "ALLOW_IF_PREVIOUS_EXITS_ABNORMALLY"),
        ({"workflowIDReusePolicy": "ALLOW_DUPLICATE"}, "ALLOW_IF_NO_RUNNING"),
        ({"workflowIDReusePolicy": "ALLOW_DUPLICATE_FAILED_ONLY"}, "ALLOW_IF_PREVIOUS_EXITS_ABNORMALLY"),
        ({"workflowIDReusePolicy": "REJECT_DUPLICATE"}, "DISALLOW_REUSE"),
        ({"workflowIDReusePolicy": "TERMINATE_IF_RUNNING"}, "ALLOW_TERMINATE_IF_RUNNING"),
        ({"idReusePolicy": "DISALLOW_REUSE", "workflowIDReusePolicy": "ALLOW_DUPLICATE"}, "DISALLOW_REUSE"),
    ],
)
def test_how_the_reuse_of_ids_is_spelt(options: dict[str, str], policy: str):
    """
    In words of today and of then, one of them misspelt; of both the newer one counts.
    """
    assert started(**options).id_reuse_policy is IDReusePolicy(policy)


def test_older_names_of_state_options_win():
    """
    Also where they are 0 or say the opposite, but for loading policies, of which the newer and the more special one does.
    """
    options = state_options(
        skipStartApi=False,
        skipWaitUntil=True,
        startApiTimeoutSeconds=0,
        waitUntilApiTimeoutSeconds=7,
        decideApiTimeoutSeconds=5,
        executeApiTimeoutSeconds=7,
        startApiRetryPolicy={},
        waitUntilApiRetryPolicy={"maximumAttempts": 3},
        decideApiRetryPolicy={"maximumAttempts": 4},
        executeApiRetryPolicy={"maximumAttempts": 3},
        startApiFailurePolicy="PROCEED_TO_DECIDE_ON_START_API_FAILURE",
        waitUntilApiFailurePolicy="FAIL_WORKFLOW_ON_FAILURE",
        dataObjectsLoadingPolicy={"persistenceLoadingType": "LOAD_NONE"},
        dataAttributesLoadingPolicy={"persistenceLoadingType": "LOAD_PARTIAL_WITHOUT_LOCKING"},
        executeApiDataAttributesLoadingPolicy={},
    )

    assert not options.skip_wait_until
    assert options.wait_until.timeout == DEFAULT_ATTEMPT_TIMEOUT
    assert options.execute.timeout == timedelta(seconds=5)
    assert (options.wait_until.retry, options.execute.retry) == (RetryPolicy(), RetryPolicy(maximum_attempts=4))
    assert options.proceed_on_wait_until_failure
    kind = PersistenceLoadingType.LOAD_PARTIAL_WITHOUT_LOCKING
    assert options.wait_until.attributes.persistence_loading_type is kind
    assert options.execute.attributes.persistence_loading_type is None


def test_a_failure_state_needs_its_policy_and_its_id():
    """
    Without either the run fails; its own options are its own.
    """
    policy = {"executeApiFailurePolicy": "PROCEED_TO_CONFIGURED_STATE"}
    inner = {"executeApiFailureProceedStateOptions": {"skipWaitUntil": True}}

    assert state_options(**policy, **inner) is None
    assert state_options(**policy, executeApiFailureProceedStateId="") is None
    assert state_options(executeApiFailureProceedStateId="R") is None
    options = state_options(**policy, **inner, executeApiFailureProceedStateId="R")
    assert (options.failure_state_id, options.failure_state_options.skip_wait_until) == ("R", True)


@pytest.mark.parametrize(
    ("text", "schedule"),
    [
        (None, None),
        (" ", None),
        ("0 9 * * 1", CronSchedule(expression="0 9 * * 1")),
        ("CRON_TZ=Europe/Berlin 0 9 * * 1", CronSchedule(expression="0 9 * * 1", time_zone="Europe/Berlin")),
        ("TZ=Asia/Tokyo  @daily", CronSchedule(expression="@daily", time_zone="Asia/Tokyo")),
    ],
)
def test_how_a_cron_schedule_is_spelt(text: str | None, schedule: CronSchedule | None):
    """
    A time zone may stand before the expression.
    """
    assert read_cron(text) == schedule
    assert read_cron(write_cron(schedule)) == schedule


@pytest.mark.parametrize(("span", "count"), [(0, 0), (0.001, 1), (1, 1), (1.5, 2), (-1.5, -1), (-2, -2)])
def test_parts_of_seconds_are_counted_as_whole_ones(span: float, count: int):
    """
    The protocol has none, and a timer must not be early.
    """
    assert whole_seconds(timedelta(seconds=span)) == count


def test_a_start_that_says_little():
    """
    No state, no timeout, no worker: empty words are none.
    """
    request = requests.read_start({"WORKFLOWID": "w", "startStateId": "", "stateInput": None})

    assert (request.start, request.timeout, request.worker_url, request.workflow_type) == (None, None, None, "")


def test_a_signal_without_a_value_has_an_empty_one():
    """
    An internal message without one has none.
    """
    signal = requests.read_signal({"workflowId": "w", "signalChannelName": "s"})
    published = requests.read_publish(
        {"workflowId": "w", "messages": [{"channelName": "c"}, {"channelName": "c", "value": {}}]}
    )

    assert signal.value == Payload()
    assert [one.value for one in published.messages] == [None, Payload()]


def test_an_attribute_without_a_value_is_there_and_one_to_be_deleted_is_not():
    """
    Null stores a key without a value; an empty object is a value; only what says so deletes.
    """
    objects = [{"key": "a"}, {"key": "b", "value": {}}, {"key": "c", "deleted": True}]

    request = requests.read_set_attributes({"workflowId": "w", "objects": objects})
    answer = answers.write_found_attributes({"a": NO_VALUE, "b": Payload()})

    assert request.attributes == (("a", NO_VALUE), ("b", Payload()), ("c", None))
    assert answer == {"objects": [{"key": "a"}, {"key": "b", "value": {}}]}


def test_a_search_attribute_to_be_deleted_says_so():
    """
    One without a type is a mistake, else.
    """
    attributes = [{"key": "a", "deleted": True}, {"key": "b", "valueType": "INT"}]

    request = requests.read_set_search_attributes({"workflowId": "w", "searchAttributes": attributes})

    assert request.search_attributes == (SearchAttribute("a"), SearchAttribute("b", value_type=TYPES.INT))


@pytest.mark.parametrize(
    ("asked", "wait"),
    [
        ({}, 60),
        ({"waitTimeSeconds": 0}, 60),
        ({"waitTimeSeconds": -3}, 60),
        ({"waitTimeSeconds": 5}, 5),
        ({"waitTimeSeconds": 600}, 60),
    ],
)
def test_how_long_a_wait_is(asked: dict[str, int], wait: int):
    """
    As asked, where that is more than nothing and less than the longest.
    """
    assert requests.read_get({"workflowId": "w", **asked}).wait == timedelta(seconds=wait)
    assert requests.read_rpc({"workflowId": "w", "rpcName": "r"}, timedelta(seconds=9)).options.timeout.seconds == 9


@pytest.mark.parametrize(
    ("asked", "request_"),
    [
        ({"stateExecutionId": "A-B-12"}, {"state_id": "A-B", "ordinal": 12}),
        ({"stateId": "A", "waitForKey": "k", "stateExecutionId": "A-1"}, {"state_id": "A", "wait_for_key": "k"}),
        ({"stateId": "A", "waitForKey": "", "stateExecutionId": "A-1"}, {"state_id": "A"}),
    ],
)
def test_which_state_is_waited_for(asked: dict[str, str], request_: dict[str, Any]):
    """
    An execution, or a state and a key, which counts first where it is not empty.
    """
    found, _ = requests.read_state_wait({"workflowId": "w", **asked})

    assert found == StateWaitRequest(workflow_id="w", **request_)


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        (None, EPOCH),
        ("2026-01-01T10:00:00+07:00", datetime(2026, 1, 1, 3, tzinfo=UTC)),
        ("1767225600000000000", datetime(2026, 1, 1, tzinfo=UTC)),
        ("15minute", NOW - timedelta(minutes=15)),
        ("1M", NOW - timedelta(days=30)),
    ],
)
def test_to_which_time_a_run_is_reset(text: str | None, instant: datetime):
    """
    Absolute or so long ago; nothing is the first decision.
    """
    body = {"workflowId": "w", "resetType": "HISTORY_EVENT_TIME", "historyEventTime": text}

    assert requests.read_reset(body, NOW).history_event_time == instant


def test_a_reset_of_another_type_has_no_time():
    """
    Nothing is made up.
    """
    request = requests.read_reset({"workflowId": "w", "resetType": "BEGINNING"}, NOW)

    assert (request.reset_type, request.history_event_time) == (WorkflowResetType.BEGINNING, None)


REFUSED: list[tuple[Any, dict[str, Any], str, str]] = [
    (requests.read_get, {}, "WORKFLOW_NOT_EXISTS_SUB_STATUS", "WorkflowId is not set on request."),
    (requests.read_get, {"workflowId": "w", "workflowRunId": "abc"}, "UNCATEGORIZED_SUB_STATUS", "Invalid RunId."),
    (requests.read_signal, {"workflowId": "w"}, "UNCATEGORIZED_SUB_STATUS", "SignalName is not set on request."),
    (
        requests.read_skip_timer,
        {"timerCommandId": ""},
        "UNCATEGORIZED_SUB_STATUS",
        "invalid request - must provide either a timerCommandId or index",
    ),
    (requests.read_state_wait, {"workflowId": "w"}, "UNCATEGORIZED_SUB_STATUS", "invalid request - must provide"),
    (requests.read_state_wait, {"workflowId": "w", "waitForKey": "k"}, "UNCATEGORIZED_SUB_STATUS", "needs the stateId"),
    (requests.read_state_wait, {"workflowId": "w", "stateExecutionId": "A-0"}, "UNCATEGORIZED_SUB_STATUS", "A stateEx"),
    (requests.read_rpc, {"workflowId": "w"}, "UNCATEGORIZED_SUB_STATUS", "RPC name must not be empty"),
    (
        requests.read_get_search_attributes,
        {"workflowId": "w", "keys": [{"valueType": "INT"}]},
        "UNCATEGORIZED_SUB_STATUS",
        "has no key",
    ),
    (
        requests.read_set_search_attributes,
        {"workflowId": "w", "searchAttributes": [{"key": "k", "integerValue": 1}]},
        "UNCATEGORIZED_SUB_STATUS",
        "unsupported search attribute value type: 'k' has none",
    ),
    (requests.read_get, {"workflowId": 5}, "UNCATEGORIZED_SUB_STATUS", "invalid request schema"),
    (requests.read_stop, {"workflowId": "w", "stopType": "kill"}, "UNCATEGORIZED_SUB_STATUS", "invalid request schema"),
    (requests.read_stop, {"workflowId": "w", "stopType": ""}, "UNCATEGORIZED_SUB_STATUS", "invalid request schema"),
    (
        requests.read_get,
        {"workflowId": "w", "waitTimeSeconds": 1.0},
        "UNCATEGORIZED_SUB_STATUS",
        "invalid request schema",
    ),
    (
        requests.read_get,
        {"workflowId": "w", "waitTimeSeconds": True},
        "UNCATEGORIZED_SUB_STATUS",
        "invalid request schema",
    ),
    (
        requests.read_get,
        {"workflowId": "w", "waitTimeSeconds": 2**31},
        "UNCATEGORIZED_SUB_STATUS",
        "invalid request schema",
    ),
]


@pytest.mark.parametrize(("read", "body", "sub_status", "detail"), REFUSED)
def test_what_is_wrong_with_a_request_is_told_with_400(read: Any, body: dict[str, Any], sub_status: str, detail: str):
    """
    With the text that is compared where there is one.
    """
    with pytest.raises(IwfError) as caught:
        read(body)

    fault = faults.fault_of(caught.value)
    assert (fault.status, fault.body["subStatus"]) == (400, sub_status)
    assert detail.lower() in fault.body["detail"].lower()


@pytest.mark.parametrize(
    "options",
    [
        {"retryPolicy": {"backoffCoefficient": 0.5}},
        {"retryPolicy": {"initialIntervalSeconds": 10, "maximumIntervalSeconds": 5}},
        {"retryPolicy": {"initialIntervalSeconds": -1}},
        {"retryPolicy": {"maximumAttempts": -1}},
    ],
)
def test_a_retry_policy_out_of_bounds_is_refused_with_the_start(options: dict[str, Any]):
    """
    Of the workflow, and of a state alike.
    """
    with pytest.raises(InvalidArgumentError):
        started(**options)
    with pytest.raises(InvalidArgumentError):
        state_options(executeApiRetryPolicy=options["retryPolicy"])


def test_a_reference_into_a_store_is_not_followed():
    """
    Without data it is refused, with data it is forgotten.
    """
    reference = {"encoding": "json", "extStoreId": "s3", "extPath": "../../etc/passwd"}
    body = {"workflowId": "w", "signalChannelName": "s", "signalValue": reference}

    with pytest.raises(PayloadError) as caught:
        requests.read_signal(body)
    assert faults.fault_of(caught.value).status == 400
    body["signalValue"] = {**reference, "data": "1"}
    assert requests.read_signal(body).value == Payload("json", "1")


def test_what_does_not_fit_the_protocol_is_not_sent():
    """
    A timeout beyond 32 bits is told with its field.
    """
    request = started()

    with pytest.raises(InvalidArgumentError, match="workflowTimeoutSeconds cannot be sent"):
        requests.write_start(type(request)(workflow_id="w", workflow_type="T", timeout=timedelta(days=36_000)))


FOUND = {
    "a": SearchAttribute("a", value_type=TYPES.DOUBLE, double_value=1.0),
    "b": SearchAttribute("b", value_type=TYPES.BOOL),
    "c": SearchAttribute("c", value_type=TYPES.DATETIME, string_value="2024-01-02T03:04:05+01:00"),
    "d": SearchAttribute("d", value_type=TYPES.DATETIME, string_value="1681766269"),
    "e": SearchAttribute("e", value_type=TYPES.DATETIME, string_value="5m"),
    "f": SearchAttribute("f", value_type=TYPES.TEXT, string_value="x"),
}


def asked(*keys: tuple[str, SearchAttributeValueType | None]) -> requests.GetSearchAttributesRequest:
    return requests.GetSearchAttributesRequest(workflow_id="w", keys=keys)


def test_search_attributes_are_told_as_the_type_that_is_asked_for():
    """
    In the order of the request, the unknown left out, dates in UTC to the nanosecond, nothing written as nothing.
    """
    request = asked(
        ("f", TYPES.KEYWORD), ("d", TYPES.DATETIME), ("x", TYPES.INT), ("b", TYPES.BOOL), ("c", TYPES.DATETIME)
    )

    told = answers.write_found_search_attributes(FOUND, request, NOW)["searchAttributes"]

    assert [one["key"] for one in told] == ["f", "d", "b", "c"]
    assert told[0] == {"key": "f", "valueType": "KEYWORD", "stringValue": "x"}
    assert told[1]["stringValue"] == "1970-01-01T00:00:01.681766269Z"
    assert told[2]["boolValue"] is False
    assert told[3]["stringValue"] == "2024-01-02T02:04:05Z"


def test_no_keys_are_all_search_attributes():
    """
    Each as what it is; a whole double without a fraction, a time that is so long ago as an instant.
    """
    assert asked().names is None

    told = answers.write_found_search_attributes(FOUND, asked(), NOW)["searchAttributes"]

    assert [one["key"] for one in told] == list(FOUND)
    assert repr(told[0]["doubleValue"]) == "1"
    assert told[4]["stringValue"] == "2026-01-01T11:55:00Z"


@pytest.mark.parametrize("kind", [TYPES.KEYWORD, TYPES.INT, None])
def test_a_search_attribute_of_another_type_is_refused(kind: SearchAttributeValueType | None):
    """
    As the client's mistake, and so is one that is asked for as nothing.
    """
    with pytest.raises(IwfError) as caught:
        answers.write_found_search_attributes(FOUND, asked(("a", kind)), NOW)

    assert faults.fault_of(caught.value).status == 400


def test_reading_nothing_cannot_be_asked():
    """
    The protocol takes no key for all keys.
    """
    request = GetAttributesRequest(workflow_id="w")

    assert requests.write_get_attributes(request) == {"workflowId": "w"}
    assert requests.read_get_attributes({"workflowId": "w", "keys": []}) == request
