"""A server over HTTP as a service: what is sent, what its answers become, what is asked again, and what is refused."""

import gc
import os
import threading
import time
import weakref
from concurrent.futures import CancelledError
from datetime import timedelta

import attrs
import pytest

from iwf_py.errors import (
    ClientSideError,
    EngineStoppedError,
    HttpError,
    InvalidArgumentError,
    ServerSideError,
    ServerUnreachableError,
    TooManyRequestsError,
    UnsupportedByServerError,
    WorkflowAlreadyStartedError,
    WorkflowNotExistsError,
)
from iwf_py.model.options import RpcOptions, WorkflowAlreadyStartedOptions
from iwf_py.model.payload import Payload, SearchAttribute
from iwf_py.model.requests import (
    AttributeWaitRequest,
    CountRequest,
    GetAttributesRequest,
    PublishRequest,
    RpcRequest,
    RunAddress,
    SetAttributesRequest,
    SignalRequest,
    StartRequest,
    StateWaitRequest,
    StopRequest,
)
from iwf_py.model.status import IDReusePolicy, SearchAttributeValueType, WorkflowErrorType, WorkflowStatus
from iwf_py.wire import routes
from iwf_py.wire.service import RemoteService
from tests.wire.conftest import SOON
from tests.wire.recorded import body_of
from tests.wire.scripted_server import Held, ScriptedServer
from tests.wire.test_conversations import ANSWERS, BY_PATH, CLIENTS, REQUESTS, cases

W = RunAddress(workflow_id="w")
RUN = "00000000-0000-4000-8000-000000000001"
NEXT = "00000000-0000-4000-8000-000000000002"
STILL = {"detail": "workflow is still running, waiting ...", "subStatus": "LONG_POLL_TIME_OUT_SUB_STATUS"}
NOT_THERE = {"detail": "workflow not found for ID: w", "subStatus": "WORKFLOW_NOT_EXISTS_SUB_STATUS"}
OURS = "iwf_py/0.1"


def status(word, run_id=RUN):
    return {"workflowRunId": run_id, "workflowStatus": word}


@pytest.fixture
def make_server():
    made = []

    def make(mark=None):
        server = ScriptedServer(mark)
        made.append(server)
        return server

    yield make
    for server in made:
        server.close()


@pytest.fixture
def server(make_server):
    return make_server()


@pytest.fixture
def make_service():
    made = []

    def make(url, **options):
        service = RemoteService(url, **{"pauses": (0.001, 0.001, 0.001), "poll": 1, **options})
        made.append(service)
        return service

    yield make
    for service in made:
        service.close()


@pytest.fixture
def service(server, make_service):
    return make_service(server.url)


# --- the recorded conversations -----------------------------------------------------------------------------------

# What of the recorded requests a client of ours never asks, or asks in another way: by what is it told.
CALLED = {
    "start": "start",
    "signal": "signal",
    "publish": "publish",
    "stop": "stop",
    "reset": "reset",
    "rpc": "invoke_rpc",
    "skip_timer": "skip_timer",
    "get_attributes": "get_attributes",
    "set_attributes": "set_attributes",
    "set_search_attributes": "set_attributes",
    "update_config": "update_config",
    "search": "search",
    "get_with_wait": "wait",
}


def told_by_clients(exchange):
    name = BY_PATH[exchange["path"]].name if exchange["path"] in BY_PATH else ""
    return name in CALLED and isinstance(exchange["request"], dict)


@cases([(name, exchange) for name, exchange in CLIENTS if told_by_clients(exchange)])
def test_recorded_exchanges_are_had_by_the_service(exchange, server, make_service):
    """
    What the original was asked is asked again by the service, and its answer becomes the value or the error that it is.
    """
    route = BY_PATH[exchange["path"]]
    read = REQUESTS[route.name][0]
    try:
        request = read(exchange["request"])
    except (HttpError, InvalidArgumentError):
        # No client of ours can ask so: what is missing is said before.
        return
    server.answer(route, (exchange["status"], body_of(exchange["response"])))
    if route.is_long_poll and exchange["status"] == 420:
        # It would be asked for ever.
        server.answer(route, (420, body_of(exchange["response"])), (200, status("COMPLETED")))
        server.answer(routes.GET, (200, status("RUNNING")))
    future = getattr(make_service(server.url), CALLED[route.name])(request)

    error = future.exception(SOON)
    if exchange["status"] in (200, 420) and (route.is_long_poll or exchange["status"] == 200):
        assert error is None
        if exchange["status"] == 200 and route.name in ANSWERS:
            expected = ANSWERS[route.name][0](exchange["response"])
            if route.is_long_poll:
                expected = attrs.evolve(expected, workflow_id=request.workflow_id)
            assert future.result() == expected
    else:
        assert isinstance(error, HttpError)
        assert error.status == exchange["status"]
        assert error.detail == exchange["response"]["detail"]
        assert error.sub_status == exchange["response"].get("subStatus", "UNCATEGORIZED_SUB_STATUS")
    sent = server.bodies(route)[0]
    if route.is_long_poll:
        sent = {**sent, "waitTimeSeconds": exchange["request"].get("waitTimeSeconds", 60)}
        assert read(sent) == attrs.evolve(request, needs_results=False)
    else:
        assert read(sent) == request


# --- what is asked again ------------------------------------------------------------------------------------------

SIGNAL = SignalRequest(workflow_id="w", channel_name="c")
START = StartRequest(workflow_id="w", workflow_type="Flow")
READS = {
    "result": (routes.GET, lambda service: service.result(W), status("RUNNING")),
    "describe": (routes.GET, lambda service: service.describe(W), status("RUNNING")),
    "get_attributes": (
        routes.GET_ATTRIBUTES,
        lambda service: service.get_attributes(GetAttributesRequest(workflow_id="w")),
        {},
    ),
}
WRITES = {
    "start": (routes.START, lambda service: service.start(START)),
    "signal": (routes.SIGNAL, lambda service: service.signal(SIGNAL)),
    "stop": (routes.STOP, lambda service: service.stop(StopRequest(workflow_id="w"))),
    "rpc": (routes.RPC, lambda service: service.invoke_rpc(RpcRequest(workflow_id="w", rpc_name="r"))),
}


@pytest.mark.parametrize("name", READS)
@pytest.mark.parametrize("trouble", [None, (500, {"detail": "not scheduled yet"}), (503, b"<html>")])
def test_reads_are_asked_again(server, service, name, trouble):
    """
    A read whose answer was lost, or whose server cannot just now, is asked until there is an answer.
    """
    route, ask, answer = READS[name]
    server.answer(route, trouble, trouble, (200, answer))

    assert ask(service).exception(SOON) is None
    assert len(server.bodies(route)) == 3


def test_a_read_is_not_asked_for_ever(server, service):
    """
    After the last pause the trouble is told as it is.
    """
    server.answer(routes.GET, (500, {"detail": "still broken", "subStatus": "UNCATEGORIZED_SUB_STATUS"}))

    with pytest.raises(ServerSideError, match="still broken"):
        service.result(W).result(SOON)
    assert len(server.bodies(routes.GET)) == 4


@pytest.mark.parametrize("name", WRITES)
@pytest.mark.parametrize("trouble", [None, (500, {"detail": "no"})])
def test_writes_are_sent_once(server, service, name, trouble):
    """
    Nobody knows whether it was carried out: the caller is told, and decides.
    """
    route, ask = WRITES[name]
    server.answer(route, trouble)

    error = ask(service).exception(SOON)

    assert isinstance(error, ServerUnreachableError if trouble is None else ServerSideError)
    assert len(server.bodies(route)) == 1
    if trouble is None:
        assert error.was_sent
        assert "it is not known whether it was carried out" in str(error)


def test_a_refusal_is_not_asked_again(server, service):
    """
    What a server has judged stays judged, of reads too.
    """
    server.answer(routes.GET, (400, NOT_THERE))

    with pytest.raises(WorkflowNotExistsError):
        service.result(W).result(SOON)
    assert len(server.bodies(routes.GET)) == 1


BUSY = {"detail": "this key may make 100 calls a second", "subStatus": "UNCATEGORIZED_SUB_STATUS"}


@pytest.mark.parametrize("route", [routes.GET, routes.GET_WITH_WAIT], ids=["read", "wait"])
def test_a_server_that_has_had_too_much_is_asked_when_it_wants_to_be(server, service, route):
    """
    However often it says so, within the time that the call may take; a wait too.
    """
    later = (429, BUSY, {"Retry-After": "0"})
    server.answer(route, *[later] * 6, (200, status("COMPLETED")))
    ask = service.result if route is routes.GET else service.wait

    assert ask(W).result(SOON).status is WorkflowStatus.COMPLETED
    assert len(server.bodies(route)) == 7


@pytest.mark.parametrize(
    ("told", "timeout"),
    [
        ((429, BUSY, {"Retry-After": "3600"}), 60),
        ((429, BUSY, {"Retry-After": "1"}), 0.9),
        ((429, BUSY, {"Retry-After": "Fri, 31 Dec 1999 23:59:59 GMT"}), 60),
        ((429, BUSY, {"Retry-After": "-1"}), 60),
        ((429, BUSY), 60),
        ((429, b"<html>slow down</html>"), 60),
    ],
)
def test_too_much_is_told_where_there_is_no_time_to_wait(server, make_service, told, timeout):
    """
    Or where it is not said for how long.
    """
    server.answer(routes.GET, told)

    with pytest.raises(TooManyRequestsError):
        make_service(server.url, timeout=timeout).result(W).result(SOON)
    assert len(server.bodies(routes.GET)) == 1


def test_a_write_that_was_too_much_is_told(server, service):
    """
    In the server's words; whether it is sent again is its caller's choice.
    """
    server.answer(routes.SIGNAL, (429, BUSY, {"Retry-After": "0"}))

    with pytest.raises(TooManyRequestsError, match="100 calls a second"):
        WRITES["signal"][1](service).result(SOON)
    assert len(server.bodies(routes.SIGNAL)) == 1


IGNORING = WorkflowAlreadyStartedOptions(True, "request-1")


@pytest.mark.parametrize(
    ("changes", "times"),
    [
        ({"already_started": IGNORING, "id_reuse_policy": IDReusePolicy.DISALLOW_REUSE}, 2),
        # Another run could have begun and ended meanwhile, and this would be a third.
        ({"already_started": IGNORING}, 1),
        ({"already_started": WorkflowAlreadyStartedOptions(True), "id_reuse_policy": IDReusePolicy.DISALLOW_REUSE}, 1),
        ({"already_started": WorkflowAlreadyStartedOptions(False, "request-1")}, 1),
    ],
)
def test_a_start_is_sent_again_where_it_can_open_one_run_only(server, service, changes, times):
    """
    The request id finds the run of the first time, unless a closed run lets another one start.
    """
    server.answer(routes.START, None, (200, {"workflowRunId": RUN}))

    future = service.start(attrs.evolve(START, **changes))

    assert (future.exception(SOON) is None) == (times == 2)
    assert len(server.bodies(routes.START)) == times


def test_what_was_never_sent_is_told_so(make_service, server):
    """
    Where nobody listens, the error says that nothing can have been carried out.
    """
    url = server.url
    server.close()
    server.close = lambda: None

    error = make_service(url).signal(SIGNAL).exception(SOON)

    assert isinstance(error, ServerUnreachableError)
    assert not error.was_sent
    assert url in str(error)
    assert "nothing was sent" in str(error)


def test_an_answer_has_its_time(server, make_service):
    """
    A server that does not answer is given up after the timeout.
    """
    held = Held()
    server.answer(routes.GET, held)

    error = make_service(server.url, timeout=0.1).result(W).exception(SOON)

    held.release.set()
    assert isinstance(error, ServerUnreachableError)
    assert "deadline exceeded" in str(error)


def test_another_kind_of_server_is_told_of(server, service):
    """
    A page where an answer of the protocol should be is an error that names the server.
    """
    server.answer(routes.GET, (200, b"<html>hello</html>"))

    with pytest.raises(ServerSideError, match=f"{server.url} answered {routes.GET.path}"):
        service.result(W).result(SOON)


def test_headers_go_along(server, make_service):
    """
    Credentials are sent with every call.
    """
    server.answer(routes.SIGNAL, (200, {}))

    make_service(server.url, headers={"Authorization": "Bearer k"}).signal(SIGNAL).result(SOON)

    assert server.requests[0][2]["Authorization"] == "Bearer k"


def test_connections_are_used_again(server, service):
    """
    Call after call goes over the same connection.
    """
    server.answer(routes.SIGNAL, (200, {}))

    for _ in range(10):
        service.signal(SIGNAL).result(SOON)

    assert server.connections == 1


# --- waits --------------------------------------------------------------------------------------------------------


def test_a_wait_asks_until_the_run_has_ended(server, service):
    """
    Each question is for a bounded time; what is answered "still running" is asked again, of the run that it was about.
    """
    server.answer(routes.GET_WITH_WAIT, (420, STILL), (420, STILL), (200, status("COMPLETED")))
    server.answer(routes.GET, (200, status("RUNNING")))

    result = service.wait(W).result(SOON)

    assert result.status is WorkflowStatus.COMPLETED
    first, second, third = server.bodies(routes.GET_WITH_WAIT)
    assert first == {"workflowId": "w", "waitTimeSeconds": 1}
    assert second == third == {"workflowId": "w", "workflowRunId": RUN, "waitTimeSeconds": 1}
    assert len(server.bodies(routes.GET)) == 1


def test_an_older_server_tells_of_a_failed_state_by_an_older_name(server, service):
    """
    It is read as the name of today.
    """
    older = {**status("FAILED"), "errorType": "STATE_API_FAIL_MAX_OUT_RETRY_ERROR_TYPE"}
    server.answer(routes.GET_WITH_WAIT, (200, older))

    assert service.wait(W).result(SOON).error_type is WorkflowErrorType.STATE_API_FAIL_ERROR_TYPE


@pytest.mark.parametrize("trouble", [None, (503, {"detail": "stopping"})])
def test_a_wait_is_not_asked_again_by_itself(server, service, trouble):
    """
    A lost answer to a wait is told: how long to go on is its caller's choice.
    """
    server.answer(routes.GET_WITH_WAIT, trouble)

    assert isinstance(service.wait(W).exception(SOON), ServerUnreachableError | ServerSideError)
    assert len(server.bodies(routes.GET_WITH_WAIT)) == 1


def test_who_cancels_a_wait_is_rid_of_it(server, service):
    """
    The connection is closed, and nothing more is asked.
    """
    held = Held(420, STILL)
    server.answer(routes.GET_WITH_WAIT, held)
    future = service.wait(W)
    server.wait_for(routes.GET_WITH_WAIT, 1)

    assert future.cancel()
    held.release.set()
    server.answer(routes.SIGNAL, (200, {}))
    service.signal(SIGNAL).result(SOON)

    with pytest.raises(CancelledError):
        future.result(SOON)
    assert len(server.bodies(routes.GET_WITH_WAIT)) == 1


def test_many_waits_cost_no_threads_and_hold_up_no_call(server, service):
    """
    Waits and calls do not queue for each other's connections.
    """
    held = Held(200, body_of(status("COMPLETED")))
    server.answer(routes.GET_WITH_WAIT, held)
    server.answer(routes.SIGNAL, (200, {}))
    before = set(threading.enumerate())
    futures = [service.wait(W) for _ in range(200)]
    server.wait_for(routes.GET_WITH_WAIT, 200)

    service.signal(SIGNAL).result(SOON)
    mine = [thread.name for thread in set(threading.enumerate()) - before if thread.name.startswith("iwf-")]
    held.release.set()

    assert mine == ["iwf-client"]
    assert {future.result(SOON).status for future in futures} == {WorkflowStatus.COMPLETED}


WAITING = StateWaitRequest(workflow_id="w", state_id="Pay", ordinal=2)


def test_a_completion_is_filled_in(server, service):
    """
    The original tells nothing of the completion but that there is one.
    """
    server.answer(
        routes.WAIT_FOR_STATE,
        (200, {"stateCompletionOutput": {"completedStateId": "", "completedStateExecutionId": ""}}),
    )

    completion = service.wait_for_state(WAITING).result(SOON)

    assert (completion.state_id, completion.state_execution_id, completion.output) == ("Pay", "Pay-2", None)
    with pytest.raises(UnsupportedByServerError, match="telling the run_id of a state"):
        completion.run_id  # noqa: B018
    assert server.bodies(routes.WAIT_FOR_STATE) == [
        {"workflowId": "w", "stateExecutionId": "Pay-2", "waitTimeSeconds": 1}
    ]


def test_waiting_for_a_state_ends_with_its_run(server, service):
    """
    A server that only ever says "not yet" is asked whether the run is still there; once it has closed, one more time.
    """
    server.answer(routes.WAIT_FOR_STATE, (420, STILL))
    server.answer(routes.GET, (200, status("RUNNING")), (200, status("COMPLETED")))

    with pytest.raises(WorkflowNotExistsError, match="no completion of state 'Pay'"):
        service.wait_for_state(WAITING).result(SOON)
    assert len(server.bodies(routes.WAIT_FOR_STATE)) == 3


def test_waiting_for_a_state_of_an_unknown_workflow_is_refused(server, service):
    """
    Though the original goes on waiting.
    """
    server.answer(routes.WAIT_FOR_STATE, (420, STILL))
    server.answer(routes.GET, (400, NOT_THERE))

    with pytest.raises(WorkflowNotExistsError):
        service.wait_for_state(WAITING).result(SOON)


def test_a_state_of_an_older_run_cannot_be_waited_for(server, service):
    """
    The protocol asks for states by the workflow id alone: of the current run that is meant, of any other it is refused.
    """
    server.answer(routes.GET, (200, status("RUNNING", NEXT)))
    server.answer(routes.WAIT_FOR_STATE, (200, {}))

    assert service.wait_for_state(attrs.evolve(WAITING, run_id=NEXT)).result(SOON).run_id == NEXT
    with pytest.raises(UnsupportedByServerError, match=f"a state of run {RUN}"):
        service.wait_for_state(attrs.evolve(WAITING, run_id=RUN)).result(SOON)


# --- what the protocol has not ------------------------------------------------------------------------------------


def test_a_description_knows_the_status(server, service):
    """
    Whatever else is looked at is refused, and the error names it and the server; what is no part of any description is no
    attribute.
    """
    server.answer(routes.GET, (200, status("RUNNING")))

    described = service.describe(W).result(SOON)

    assert (described.workflow_id, described.run_id) == ("w", RUN)
    assert described.status is described.workflow_status is WorkflowStatus.RUNNING
    assert "RUNNING" in repr(described)
    for name in ("states", "deadline", "channel_sizes", "started_at"):
        with pytest.raises(UnsupportedByServerError, match=f"more of a run than its status.*{server.url}"):
            getattr(described, name)
    assert not hasattr(described, "colour")


@pytest.mark.parametrize(
    ("feature", "ask"),
    {
        "counting": lambda service: service.count(CountRequest()),
        "history": lambda service: service.history(W),
        "data attribute": lambda service: service.wait_for_attribute(AttributeWaitRequest(workflow_id="w", key="k")),
        "namespaces": lambda service: service.signal(attrs.evolve(SIGNAL, namespace="shop")),
        "namespaces ": lambda service: service.wait(attrs.evolve(W, namespace="shop")),
        "at once": lambda service: service.set_attributes(
            SetAttributesRequest(workflow_id="w", attributes=(("k", None),), search_attributes=(SearchAttribute("s"),))
        ),
    }.items(),
)
def test_what_the_protocol_has_not_is_refused(server, service, feature, ask):
    """
    Nothing is sent, and the error names what it is and the server.
    """
    with pytest.raises(UnsupportedByServerError, match=f"{feature.strip()}.*{server.url}"):
        ask(service).result(SOON)
    assert server.requests == []


def test_a_call_that_a_server_does_not_know_is_named(server, service):
    """
    Older servers lack some: the plain 404 becomes an error that names the call.
    """
    with pytest.raises(UnsupportedByServerError, match="the call publish"):
        service.publish(PublishRequest(workflow_id="w", messages=())).result(SOON)


DELETION = SetAttributesRequest(workflow_id="w", search_attributes=(SearchAttribute("s"),))


def test_a_search_attribute_is_deleted_at_an_engine_of_ours(make_server, make_service):
    """
    Others would take it for a mistake that they tell nobody of; so whoever is not known is looked at first.
    """
    ours, theirs = make_server(OURS), make_server()
    for server in (ours, theirs):
        server.answer(routes.GET, (200, status("RUNNING")))
        server.answer(routes.SET_SEARCH_ATTRIBUTES, (200, {}))

    assert make_service(ours.url).set_attributes(DELETION).exception(SOON) is None
    with pytest.raises(UnsupportedByServerError, match="deleting a search attribute"):
        make_service(theirs.url).set_attributes(DELETION).result(SOON)

    assert ours.bodies(routes.SET_SEARCH_ATTRIBUTES)[0]["searchAttributes"] == [{"key": "s", "deleted": True}]
    assert theirs.bodies(routes.SET_SEARCH_ATTRIBUTES) == []


# --- the rest of the words ----------------------------------------------------------------------------------------


def test_a_run_has_the_workers_url_of_its_client(server, make_service):
    """
    A start says where the code is, unless the request knows better.
    """
    server.answer(routes.START, (200, {"workflowRunId": RUN}))
    service = make_service(server.url, worker_url="http://here:8802")

    service.start(START).result(SOON)
    service.start(attrs.evolve(START, worker_url="http://there:8802")).result(SOON)

    assert [body["iwfWorkerUrl"] for body in server.bodies(routes.START)] == ["http://here:8802", "http://there:8802"]


def test_search_attributes_are_asked_for_by_type(server, service):
    """
    All that the caller knows, or the named ones; what it knows no type of is looked for among all.
    """
    types = {"a": SearchAttributeValueType.INT, "b": SearchAttributeValueType.KEYWORD}
    told = [
        {"key": "b", "valueType": "KEYWORD", "stringValue": "x"},
        {"key": "a", "valueType": "INT", "integerValue": 1},
    ]
    server.answer(routes.GET_SEARCH_ATTRIBUTES, (200, {"searchAttributes": told}))

    def ask(keys, types=types):
        request = GetAttributesRequest(workflow_id="w", keys=keys, types=types)
        return list(service.get_search_attributes(request).result(SOON))

    assert ask(None) == ["a", "b"]
    assert ask(("b",)) == ["b"]
    assert ask(("a",), {}) == ["a"]
    sent = [body.get("keys") for body in server.bodies(routes.GET_SEARCH_ATTRIBUTES)]
    assert sent == [
        [{"key": "a", "valueType": "INT"}, {"key": "b", "valueType": "KEYWORD"}],
        [{"key": "b", "valueType": "KEYWORD"}],
        None,
    ]


def test_no_keys_are_none(server, service):
    """
    To the protocol no key is every key: so a read of none only looks whether the run is there.
    """
    server.answer(routes.GET, (200, status("RUNNING")))

    assert service.get_attributes(GetAttributesRequest(workflow_id="w", keys=())).result(SOON) == {}
    assert service.get_search_attributes(GetAttributesRequest(workflow_id="w", keys=())).result(SOON) == {}
    assert {path for path, _, _ in server.requests} == {routes.GET.path}


def test_an_rpc_has_its_own_time(server, make_service):
    """
    A call that may take longer than others is waited for.
    """
    held = Held(200, b'{"output":{"encoding":"json","data":"1"}}')
    server.answer(routes.RPC, held)
    request = RpcRequest(workflow_id="w", rpc_name="r", options=RpcOptions(timeout=timedelta(seconds=30)))

    future = make_service(server.url, timeout=0.05).invoke_rpc(request)
    server.wait_for(routes.RPC, 1)
    threading.Timer(0.2, held.release.set).start()

    assert future.result(SOON) == Payload("json", "1")
    assert server.bodies(routes.RPC) == [{"workflowId": "w", "rpcName": "r", "timeoutSeconds": 30}]


def test_errors_know_whose_they_are(server, service):
    """
    The run that stands in the way is found in the server's words.
    """
    detail = f"Workflow execution is already running. WorkflowId: w, RunId: {RUN}."
    server.answer(routes.START, (400, {"detail": detail, "subStatus": "WORKFLOW_ALREADY_STARTED_SUB_STATUS"}))

    with pytest.raises(WorkflowAlreadyStartedError) as raised:
        service.start(START).result(SOON)
    assert (raised.value.workflow_id, raised.value.run_id) == ("w", RUN)
    assert isinstance(raised.value, ClientSideError)


# --- the line -----------------------------------------------------------------------------------------------------


def test_closing_refuses_what_is_under_way(server, make_service):
    """
    Whoever waits is told, and whoever asks afterwards.
    """
    held = Held()
    server.answer(routes.GET_WITH_WAIT, held)
    service = make_service(server.url)
    waiting = service.wait(W)
    server.wait_for(routes.GET_WITH_WAIT, 1)

    service.close()
    service.close()
    held.release.set()

    for future in (waiting, service.signal(SIGNAL)):
        assert isinstance(future.exception(SOON), EngineStoppedError)


def test_a_forgotten_service_hangs_up(server):
    """
    Its thread ends when nobody can ask any more.
    """
    server.answer(routes.SIGNAL, (200, {}))
    service = RemoteService(server.url)
    service.signal(SIGNAL).result(SOON)
    gone = weakref.ref(service)

    del service
    deadline = time.monotonic() + SOON
    while gone() is not None or any(thread.name == "iwf-client" for thread in threading.enumerate()):
        gc.collect()
        assert time.monotonic() < deadline


@pytest.mark.skipif(not hasattr(os, "fork"), reason="a system without fork has no forks")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_fork_has_a_line_of_its_own(server, service):
    """
    A child that goes on with its parent's client is answered, and so is the parent.
    """
    server.answer(routes.SIGNAL, (200, {}))
    service.signal(SIGNAL).result(SOON)

    child = os.fork()
    if not child:
        try:
            service.signal(SIGNAL).result(SOON)
            os._exit(0)
        finally:
            os._exit(1)

    assert os.waitpid(child, 0)[1] == 0
    service.signal(SIGNAL).result(SOON)
    assert len(server.bodies(routes.SIGNAL)) == 3
