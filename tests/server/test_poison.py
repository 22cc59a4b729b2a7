"""Bodies that have broken servers, on every route that takes one: each is answered, and the server goes on."""

import pytest

from iwf_py.server.workflow_api import MAX_BODY
from iwf_py.wire.decoding import LARGE_TEXT, MAX_TEXT
from iwf_py.wire.routes import CLIENT_ROUTES, SEARCH
from tests.server.test_routes import BODIES
from tests.wire.poison import ACCEPTED, REFUSED

POSTED = [route for route in CLIENT_ROUTES if route in BODIES or route is SEARCH]
cases = pytest.mark.parametrize("route", POSTED, ids=[route.name for route in POSTED])

TEXTS = [
    "",
    "\u0000",
    "\u202eabc",
    "a\u200bb",
    "e\u0301",
    "\U0001f600",
    "a\r\nb",
    "__proto__",
    "constructor",
    "../../etc/passwd",
    "%2f..%2f",
    "\\",
    "'; DROP TABLE runs; --",
    '"',
    "%s%n{0}${jndi:ldap://x}",
    "<script>alert(1)</script>",
    "=cmd|' /C calc'!A0",
    "x" * 1_000,
    "x" * 1_001,
    "x" * 100_000,
]


def is_alive(host):
    return host.send("GET", "/info/healthcheck").status == 200


@cases
def test_what_is_no_body_is_refused(host, route):
    """
    With 400, before anything else looks at it.
    """
    statuses = {name: host.send("POST", route.path, body).status for name, body in REFUSED.items()}

    assert {name: status for name, status in statuses.items() if status != 400} == {}
    assert is_alive(host)


@cases
def test_what_only_looks_bad_is_answered(host, route):
    """
    As whatever it is: by an error of its own, never by one of ours.
    """
    statuses = {name: host.send("POST", route.path, body).status for name, (body, _) in ACCEPTED.items()}

    assert {name: status for name, status in statuses.items() if status >= 500} == {}
    assert is_alive(host)


@pytest.mark.parametrize("text", TEXTS, ids=[ascii(text[:12]) for text in TEXTS])
def test_any_text_in_any_place_is_stored_as_it_is_or_refused(host, text):
    """
    Ids, names of channels and attributes, values, and the texts of search attributes.
    """
    start = {"workflowId": text, "iwfWorkflowType": "Flow", "workflowTimeoutSeconds": 0, "iwfWorkerUrl": ""}
    assert host.post("start", **start).status in (200, 400)
    host.start("w")
    posts = [
        host.post("signal", workflowId="w", signalChannelName=text, signalValue={"encoding": text, "data": text}),
        host.post(
            "publishToInternalChannel", workflowId="w", messages=[{"channelName": text, "value": {"data": text}}]
        ),
        host.post("stop", workflowId="nobody", reason=text),
        host.post("rpc", workflowId="nobody", rpcName=text),
        host.post("reset", workflowId="w", resetType="STATE_ID", stateId=text),
        host.post("reset", workflowId="w", resetType="HISTORY_EVENT_TIME", historyEventTime=text or "never"),
        host.post("timer/skip", workflowId="w", workflowStateExecutionId=text, timerCommandId=text),
        host.post("waitForStateCompletion", workflowId="w", stateId=text, waitForKey=text, waitTimeSeconds=1)
        if text in ("", "\u0000")
        else host.post("get", workflowId=text),
    ]
    keyword = {"key": "k", "valueType": "KEYWORD", "stringValue": text}
    stored = [
        host.post("dataobjects/set", workflowId="w", objects=[{"key": "a", "value": {"encoding": "x", "data": text}}]),
        host.post("searchattributes/set", workflowId="w", searchAttributes=[keyword]),
    ]

    assert [told for told in posts if told.status >= 500] == []
    if stored[0].status == 200:
        objects = host.post("dataobjects/get", workflowId="w").body["objects"]
        assert objects[0]["value"]["data"] == text
    if stored[1].status == 200:
        keys = [{"key": "k", "valueType": "KEYWORD"}]
        read = host.post("searchattributes/get", workflowId="w", keys=keys).body["searchAttributes"]
        assert read == [keyword]
    assert is_alive(host)


@pytest.mark.parametrize("number", [-(2**63), -(2**31), -1, 0, 2**31, 2**31 - 1, 2**63, 10**400 - 1])
def test_any_number_is_answered(host, number):
    """
    Beyond 32 bits as malformed; within them as what it is.
    """
    host.start("w")
    answers = [
        host.post("start", workflowId="n", iwfWorkflowType="F", workflowTimeoutSeconds=number, iwfWorkerUrl=""),
        host.post("getWithWait", workflowId="nobody", waitTimeSeconds=number),
        host.post("timer/skip", workflowId="w", workflowStateExecutionId="A-1", timerCommandIndex=number),
        host.post("reset", workflowId="w", resetType="HISTORY_EVENT_ID", historyEventId=number),
        host.post("config/update", workflowId="w", workflowConfig={"continueAsNewThreshold": number}),
        host.post("search", query="", pageSize=number),
    ]

    assert [told for told in answers if told.status >= 500] == []
    assert is_alive(host)


@pytest.mark.parametrize(
    "value",
    [
        {"valueType": "DATETIME", "stringValue": "0000-01-01T00:00:00+00:00"},
        {"valueType": "DATETIME", "stringValue": "0001-01-01T00:00:00+14:00"},
        {"valueType": "DATETIME", "stringValue": "9999-12-31T23:59:59-14:00"},
        {"valueType": "DATETIME", "stringValue": "10000-01-01T00:00:00+00:00"},
        {"valueType": "DATETIME", "stringValue": "2024-02-30T00:00:00+00:00"},
        {"valueType": "DATETIME", "stringValue": "\u0661\u0669\u0669\u0669-01-01T00:00:00+00:00"},
        {"valueType": "INT", "integerValue": 2**63 - 1},
        {"valueType": "INT", "integerValue": 2**63},
        {"valueType": "INT", "integerValue": -(2**63) - 1},
        {"valueType": "INT", "integerValue": 1.0},
        {"valueType": "DOUBLE", "doubleValue": 1e308},
        {"valueType": "DOUBLE", "doubleValue": 10**400 - 1},
        {"valueType": "DOUBLE", "doubleValue": -0.0},
        {"valueType": "BOOL", "boolValue": 1},
        {"valueType": "KEYWORD_ARRAY", "stringArrayValue": ["", "\u0000"]},
        {"valueType": "KEYWORD_ARRAY", "stringArrayValue": ["x"] * 10_000},
        {"valueType": "TEXT", "stringValue": "'; DROP TABLE runs; --"},
        {"valueType": "nonsense", "stringValue": "x"},
    ],
    ids=lambda value: ascii(str(value)[:70]),
)
def test_any_search_attribute_is_found_again_or_refused(host, value):
    """
    Numbers and times beyond what is kept, and values of another type than they say.
    """
    host.start("w")
    attribute = {"key": "k", **value}
    told = host.post("searchattributes/set", workflowId="w", searchAttributes=[attribute])
    read = host.post("searchattributes/get", workflowId="w", keys=[{"key": "k", "valueType": value["valueType"]}])

    assert told.status in (200, 400), told
    assert read.status in (200, 400), read
    if told.status == 200:
        assert read.body["searchAttributes"][0]["key"] == "k"
    assert is_alive(host)


def test_references_into_stores_are_refused(host):
    """
    Nobody has the server read what is not theirs.
    """
    host.start("w")
    answer = host.post(
        "signal", workflowId="w", signalChannelName="s", signalValue={"extStoreId": "s", "extPath": "../x"}
    )

    assert answer.status == 400
    assert "not followed" in answer.body["detail"]


def test_a_body_has_bounds(host, caplog):
    """
    By its length where that is told, and by what comes where it is not; a value within has bounds of its own, and a large one
    is told of in the log, by its size and workflow alone.
    """
    host.start("w")
    answers = []
    for size in (MAX_TEXT, MAX_TEXT + 1, MAX_BODY):
        value = {"encoding": "x", "data": "y" * size}
        answers.append(host.post("dataobjects/set", workflowId="w", objects=[{"key": "a", "value": value}]))

    assert [told.status for told in answers] == [200, 400, 413]
    assert "more than 2 MiB" in answers[1].body["detail"]
    assert "a value of 2048 KiB came with /api/v1/workflow/dataobjects/set for workflow 'w'" in caplog.text
    assert "yyy" not in caplog.text

    caplog.clear()
    host.post("dataobjects/set", workflowId="w", objects=[{"key": "a", "value": {"data": "y" * LARGE_TEXT}}])
    assert not caplog.text


class Endless:
    """A body that never ends."""

    def __init__(self):
        self.given = 0

    def read(self, size=-1):
        assert 0 <= size <= MAX_BODY + 1
        self.given += size
        return b" " * size


@pytest.mark.parametrize("length", [None, "", "9" * 30, "-1", "x", str(MAX_BODY + 1)])
def test_a_length_that_is_none_is_no_way_around(host, length):
    """
    No more is read than may be.
    """
    body, statuses = Endless(), []
    environ = {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": "/api/v1/workflow/get",
        "HTTP_HOST": "localhost",
        "REMOTE_ADDR": "127.0.0.1",
        "wsgi.input": body,
        "wsgi.input_terminated": True,
    }
    if length is not None:
        environ["CONTENT_LENGTH"] = length
    host.app(environ, lambda status, headers, exc_info=None: statuses.append(status[:3]))

    assert statuses == ["413"]
    assert body.given <= MAX_BODY + 1
