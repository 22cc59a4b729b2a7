"""Every route of the protocol: what it answers where all is well, and where something is wrong."""

import pytest

from iwf_py.server.actions import ROLES
from iwf_py.wire import routes
from iwf_py.wire.faults import MALFORMED, NO_SUCH_PAGE
from iwf_py.wire.routes import CLIENT_ROUTES
from tests.server.scripted import close_with, told

NOT_EXISTS = "WORKFLOW_NOT_EXISTS_SUB_STATUS"
UNCATEGORIZED = "UNCATEGORIZED_SUB_STATUS"
PAYLOAD = {"encoding": "json", "data": "1"}

# What each route is sent beside the id of a workflow, so that nothing else is wrong.
BODIES = {
    routes.START: {"iwfWorkflowType": "Flow", "workflowTimeoutSeconds": 60, "iwfWorkerUrl": "http://127.0.0.1:1"},
    routes.SIGNAL: {"signalChannelName": "s", "signalValue": PAYLOAD},
    routes.PUBLISH: {"messages": [{"channelName": "c", "value": PAYLOAD}]},
    routes.STOP: {"stopType": "TERMINATE"},
    routes.GET: {"needsResults": True},
    routes.GET_WITH_WAIT: {"waitTimeSeconds": 1},
    routes.RESET: {"resetType": "BEGINNING"},
    routes.RPC: {"rpcName": "r"},
    routes.SKIP_TIMER: {"workflowStateExecutionId": "A-1", "timerCommandId": "t"},
    routes.GET_ATTRIBUTES: {},
    routes.SET_ATTRIBUTES: {"objects": [{"key": "a", "value": PAYLOAD}]},
    routes.GET_SEARCH_ATTRIBUTES: {"keys": [{"key": "k", "valueType": "INT"}]},
    routes.SET_SEARCH_ATTRIBUTES: {"searchAttributes": [{"key": "k", "valueType": "INT", "integerValue": 1}]},
    routes.WAIT_FOR_STATE: {"stateExecutionId": "A-1", "waitTimeSeconds": 1},
    routes.UPDATE_CONFIG: {"workflowConfig": {"executingStateIdMode": "DISABLED"}},
    routes.CONTINUE_AS_NEW: {},
}
# Those that only look, and cancel, take a closed run as well.
OF_CLOSED_RUNS = (routes.GET, routes.GET_WITH_WAIT, routes.GET_ATTRIBUTES, routes.GET_SEARCH_ATTRIBUTES, routes.RESET)


def cases(*found):
    return pytest.mark.parametrize("route", found, ids=[route.name for route in found])


def send(host, route, **body):
    return host.send("POST", route.path, {**BODIES.get(route, {}), **body})


def test_no_route_is_missing_here():
    """
    Each route has a role, and each that has a body is tried below, but for the search, which has a page of its own.
    """
    posted = {route for route in CLIENT_ROUTES if route.method == "POST"}

    assert ROLES.keys() == set(CLIENT_ROUTES)
    assert BODIES.keys() == posted - {routes.SEARCH, routes.DUMP}


@cases(*BODIES)
def test_a_body_that_is_none_is_malformed(host, route):
    """
    In the protocol's words, with a sub status.
    """
    for body in (b"", b"{nope", b"[]", b'{"workflowId":5}', b'{"workflowId":"a"} rest'):
        told = host.send("POST", route.path, body)

        assert (told.status, told.body) == (400, {"detail": MALFORMED, "subStatus": UNCATEGORIZED})


@cases(*(route for route in BODIES if route is not routes.START))
def test_a_workflow_that_is_not_there_is_told(host, route):
    """
    With 400 and at once, by the long polls too.
    """
    told = send(host, route, workflowId="nobody")

    assert (told.status, told.body["subStatus"]) == (400, NOT_EXISTS)


@cases(*(route for route in BODIES if route is not routes.START))
def test_a_missing_workflow_id_is_told(host, route):
    """
    In the words that code written for iWF compares.
    """
    told = send(host, route)

    assert (told.status, told.body) == (400, {"detail": "WorkflowId is not set on request.", "subStatus": NOT_EXISTS})


def test_a_start_without_an_id_is_refused(host):
    """
    The original starts it under an id that nobody learns.
    """
    told = send(host, routes.START)

    assert (told.status, told.body["subStatus"]) == (400, UNCATEGORIZED)


@cases(*(route for route in BODIES if route is not routes.START))
def test_a_run_id_that_is_none_is_told(host, route):
    """
    With 400; the state wait has none.
    """
    host.start("w")
    told = send(host, route, workflowId="w", workflowRunId="abc")

    if route is not routes.WAIT_FOR_STATE:
        assert (told.status, told.body["detail"]) == (400, "Invalid RunId.")


@cases(*(route for route in BODIES if route not in (routes.START, routes.WAIT_FOR_STATE)))
def test_a_run_id_that_is_empty_is_the_current_run(host, route):
    """
    SDKs send it so all the time.
    """
    host.start("w")
    named = send(host, route, workflowId="w", workflowRunId="")

    assert named.body.get("subStatus") != NOT_EXISTS


@cases(*(route for route in BODIES if route not in (routes.START, *OF_CLOSED_RUNS, routes.RPC, routes.SKIP_TIMER)))
def test_a_write_to_a_closed_run_is_refused(host, route):
    """
    As if it were not there.
    """
    host.start("w")
    assert host.post("stop", workflowId="w", stopType="TERMINATE").status == 200
    told = send(host, route, workflowId="w")

    assert (told.status, told.body["subStatus"]) == (400, NOT_EXISTS)


@cases(*OF_CLOSED_RUNS)
def test_a_closed_run_can_be_looked_at(host, route):
    """
    And be reset.
    """
    host.start("w")
    host.post("stop", workflowId="w", stopType="TERMINATE")

    assert send(host, route, workflowId="w").status == 200


def test_cancelling_a_closed_run_does_nothing(host):
    """
    And is no error, unlike the other two ways to stop.
    """
    host.start("w")
    answers = [host.post("stop", workflowId="w", stopType=how) for how in ("CANCEL", "CANCEL", "TERMINATE", "FAIL")]

    assert [told.status for told in answers] == [200, 200, 400, 400]


def test_a_locking_rpc_of_a_closed_run_is_refused(host, make_worker):
    """
    One without locks is answered, by its worker.
    """
    worker = make_worker(lambda path, body: told({"output": PAYLOAD}))
    host.start("w", worker.url)
    host.post("stop", workflowId="w")
    lock = {"persistenceLoadingType": "LOAD_PARTIAL_WITH_EXCLUSIVE_LOCK", "lockingKeys": ["a"]}

    assert host.post("rpc", workflowId="w", rpcName="r").body == {"output": PAYLOAD}
    assert (
        host.post("rpc", workflowId="w", rpcName="r", dataAttributesLoadingPolicy=lock).body["subStatus"] == NOT_EXISTS
    )


@pytest.mark.parametrize(
    ("method", "path"),
    [
        *(
            (method, route.path)
            for route in CLIENT_ROUTES
            for method in ("GET", "POST", "HEAD", "PUT")
            if method != route.method
        ),
        ("POST", routes.DUMP.path),
        ("POST", "/api/v1/workflow/encodedobject/load"),
        ("POST", "/api/v1/workflow/START"),
        ("POST", "/api/v1//workflow/start"),
        ("POST", "/api/v1/workflow/start//"),
        ("GET", "/api/v1/workflow/start/"),
        ("GET", "/static/x"),
        ("OPTIONS", "/api/v1/workflow/start"),
    ],
)
def test_what_is_no_route_is_nowhere(host, method, path):
    """
    The plain text of the original, never JSON; the dump, which only the original itself uses, is no route here.
    """
    told = host.send(method, path, b"{}" if method in ("POST", "PUT") else None)

    assert told.status == 404
    assert told.headers["Content-Type"].startswith("text/plain")
    if method != "HEAD":
        assert told.text == NO_SUCH_PAGE


@pytest.mark.parametrize("path", [routes.START.path, routes.SKIP_TIMER.path])
def test_a_slash_too_many_is_sent_on(host, path):
    """
    To the same path without it, by the same method.
    """
    told = host.send("POST", path + "/", b"{}")

    assert (told.status, told.headers["Location"]) == (307, path)


def test_the_two_pages(host):
    """
    The greeting is a text; the health check says whether calls can be carried out.
    """
    greeting, health = host.send("GET", "/"), host.send("GET", "/info/healthcheck")
    host.engine.stop()

    assert (greeting.status, greeting.text) == (200, "Hello World from iWF server!")
    assert (health.status, health.body["condition"], health.body["duration"]) == (200, "OK", 0)
    assert host.send("GET", "/info/healthcheck").status == 503


def test_a_workflow_runs_at_its_worker(host, make_worker):
    """
    Started, waited for, read: the id of the run is the same in every answer.
    """
    worker = make_worker(lambda path, body: close_with('"out"'))
    run_id = host.start("w", worker.url, startStateId="A", stateOptions={"skipWaitUntil": True})
    output = {"completedStateId": "A", "completedStateExecutionId": "A-1"}
    results = [{**output, "completedStateOutput": {"encoding": "json", "data": '"out"'}}]
    closed = {"workflowRunId": run_id, "workflowStatus": "COMPLETED"}

    assert host.post("getWithWait", workflowId="w").body == {**closed, "results": results}
    assert host.post("get", workflowId="w").body == closed
    assert host.post("get", workflowId="w", needsResults=True).body == {**closed, "results": results}


def test_results_of_an_older_run_are_its_own(host, make_worker):
    """
    The original waits without end for the outcome of the chain, and tells that.
    """
    worker = make_worker(lambda path, body: told({}, status=500))
    once = {"skipWaitUntil": True, "executeApiRetryPolicy": {"maximumAttempts": 1}}
    again = {"retryPolicy": {"initialIntervalSeconds": 3600, "maximumIntervalSeconds": 3600}}
    run_id = host.start("w", worker.url, startStateId="A", stateOptions=once, workflowStartOptions=again)
    host.idle.wait()
    older = host.post("get", workflowId="w", workflowRunId=run_id, needsResults=True).body

    assert (older["workflowRunId"], older["workflowStatus"]) == (run_id, "FAILED")
    assert older["errorType"] == "STATE_API_FAIL_ERROR_TYPE"
    assert host.post("get", workflowId="w").body["workflowStatus"] == "RUNNING"


def failed_runs_as_told_to(host, worker, user_agent):
    options = {"skipWaitUntil": True, "executeApiRetryPolicy": {"maximumAttempts": 1}}
    host.start("w", worker.url, startStateId="A", stateOptions=options)
    host.idle.wait()
    # An empty one has the test client send none of its own.
    headers, body = {"User-Agent": user_agent}, {"workflowId": "w", "needsResults": True}
    answers = [host.send("POST", route.path, body, headers) for route in (routes.GET, routes.GET_WITH_WAIT)]
    return {answer.body["errorType"] for answer in answers}


def test_an_old_sdk_for_go_is_told_of_failed_states_by_the_name_that_it_knows(make_host, make_worker):
    """
    Where the operator says that it is old, and nobody else: other SDKs, which say who they are, know today's name only.
    """
    go, python = "", "python-httpx/0.28.1"
    worker = make_worker(lambda path, body: told({}, status=500))
    old, new = {"STATE_API_FAIL_MAX_OUT_RETRY_ERROR_TYPE"}, {"STATE_API_FAIL_ERROR_TYPE"}

    assert failed_runs_as_told_to(make_host(old_go_sdk=True), worker, go) == old
    assert failed_runs_as_told_to(make_host(old_go_sdk=True), worker, python) == new
    assert failed_runs_as_told_to(make_host(), worker, go) == new


def test_a_worker_that_is_not_on_the_list_is_refused_at_the_start(host):
    """
    Before anything is written.
    """
    for url in ("http://10.0.0.1", "http://127.0.0.1@evil", "ftp://127.0.0.1", "http://169.254.169.254/x"):
        answer = send(host, routes.START, workflowId="w", iwfWorkerUrl=url)

        assert (answer.status, answer.body["subStatus"]) == (400, UNCATEGORIZED)
        assert "is refused" in answer.body["detail"]
    assert host.post("get", workflowId="w").body["subStatus"] == NOT_EXISTS


def test_the_environment_rewrites_worker_urls_before_the_list_is_asked(make_host, make_worker):
    """
    As the original does for workers in containers.
    """
    worker = make_worker(lambda path, body: close_with())
    port = worker.url.rpartition(":")[2]
    environment = {"AUTO_FIX_WORKER_URL": "127.0.0.1", "AUTO_FIX_WORKER_PORT_FROM_ENV": "PORT", "PORT": port}
    host = make_host(allowed=[worker.url], environment=environment)
    host.start("w", "http://localhost:$PORT$", startStateId="A", stateOptions={"skipWaitUntil": True})

    assert host.post("getWithWait", workflowId="w").body["workflowStatus"] == "COMPLETED"


def test_flags_for_the_memo_mean_nothing(host):
    """
    Memo and attributes are one here.
    """
    host.start("w", workflowStartOptions={"useMemoForDataAttributes": True})
    host.post("dataobjects/set", workflowId="w", objects=[{"key": "a", "value": PAYLOAD}])

    for flag in (True, False):
        read = host.post("dataobjects/get", workflowId="w", useMemoForDataAttributes=flag)
        assert read.body == {"objects": [{"key": "a", "value": PAYLOAD}]}


def test_continuing_as_new_is_accepted_and_the_run_id_stays(host):
    """
    A database has no history that would grow too long.
    """
    run_id = host.start("w")

    assert host.post("triggerContinueAsNew", workflowId="w").body == {}
    assert host.post("get", workflowId="w").body == {"workflowRunId": run_id, "workflowStatus": "RUNNING"}


def test_a_time_needs_an_offset(host):
    """
    Z is none, as in the original: neither at a start nor later.
    """
    start = {"searchAttributes": [{"key": "at", "valueType": "DATETIME", "stringValue": "2024-01-01T00:00:00Z"}]}
    refused = send(host, routes.START, workflowId="w", workflowStartOptions=start)
    host.start("w")
    later = host.post("searchattributes/set", workflowId="w", **start)

    assert [refused.status, later.status] == [400, 400]
    assert "give an offset" in refused.body["detail"]


def test_an_rpc_whose_worker_fails_tells_its_words(host, make_worker):
    """
    With the status that iWF's SDKs know it by.
    """
    worker = make_worker(lambda path, body: told({"detail": "d", "errorType": "T"}, status=502))
    host.start("w", worker.url)
    answer = host.post("rpc", workflowId="w", rpcName="r")

    assert answer.status == 420
    assert answer.body == {
        "detail": "worker API error, status:502, errorType:T",
        "subStatus": "WORKER_API_ERROR",
        "originalWorkerErrorDetail": "d",
        "originalWorkerErrorType": "T",
        "originalWorkerErrorStatus": 502,
    }


def test_a_failure_of_ours_tells_nothing_of_itself(host, caplog):
    """
    Its words are in the log.
    """

    def broken(request):
        raise RuntimeError("canary")

    host.service.signal = broken
    answer = host.post("signal", workflowId="w", signalChannelName="s")

    assert (answer.status, answer.body["subStatus"]) == (500, UNCATEGORIZED)
    assert "canary" not in answer.text
    assert "canary" in caplog.text
