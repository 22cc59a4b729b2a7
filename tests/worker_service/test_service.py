"""A worker answers a server's calls: in iWF's words, as bytes, over WSGI and with Flask."""

import asyncio
import io
import json
import threading
from datetime import timedelta
from wsgiref.util import setup_testing_defaults

import pytest
from flask import Flask, request

from iwf_py import (
    CommandRequest,
    Communication,
    CommunicationMethod,
    CommunicationSchema,
    InternalChannelCommand,
    NonRetryableError,
    NotRegisteredError,
    ObjectEncoder,
    ObjectWorkflow,
    Payload,
    Persistence,
    PersistenceField,
    PersistenceSchema,
    ProtocolError,
    Registry,
    RetryAfter,
    SearchAttributeValueType,
    StateDecision,
    StateSchema,
    TimerCommand,
    UnsupportedByServerError,
    WorkerOptions,
    WorkerService,
    WorkflowState,
    WorkflowStateExecuteRequest,
    WorkflowStateWaitUntilRequest,
    WorkflowWorkerRpcRequest,
    rpc,
    worker_api,
    worker_app,
)
from iwf_py.model.invocations import InvocationKind
from iwf_py.wire.marks import MARK
from iwf_py.wire.routes import WORKER_ROUTES
from tests.wire.recorded import CONVERSATIONS


class Submit(WorkflowState[dict]):
    def wait_until(self, ctx, input, persistence, communication):
        persistence.set_data_attribute("status", "waiting")
        persistence.set_data_attribute("email", "a@example.com")
        persistence.set_search_attribute_keyword("CustomKeywordField", "a@example.com")
        return CommandRequest.empty()

    def execute(self, ctx, input, command_results, persistence, communication):
        return StateDecision.single_next_state(Verify)


class Verify(WorkflowState[None]):
    def wait_until(self, ctx, input, persistence, communication):
        return CommandRequest.for_any_command_completed(
            TimerCommand.by_seconds(600, "reminder"), InternalChannelCommand.by_name("verified", "v")
        )

    async def execute(self, ctx, input, command_results, persistence, communication):
        await asyncio.sleep(0)
        assert command_results.internal_channel_commands[0].value == "token"
        persistence.set_data_attribute("status", "verified")
        return StateDecision.graceful_complete_workflow("done")


class Signup(ObjectWorkflow):
    def get_workflow_states(self):
        return StateSchema.with_starting_state(Submit(), Verify())

    def get_communication_schema(self):
        return CommunicationSchema.create(CommunicationMethod.internal_channel_def("verified", str))

    def get_persistence_schema(self):
        return PersistenceSchema.create(
            *(PersistenceField.data_attribute_def(key, str) for key in ("status", "email", "source")),
            PersistenceField.search_attribute_def("CustomKeywordField", SearchAttributeValueType.KEYWORD),
        )

    @rpc()
    def status(self, persistence: Persistence) -> str:
        return persistence.get_data_attribute("status")

    @rpc()
    def verify(self, input: dict, persistence: Persistence, communication: Communication) -> str:
        persistence.set_data_attribute("source", "email")
        communication.publish_to_internal_channel("verified", "token")
        return "ok"


class Ear(WorkflowState[str]):
    """Waits for, and fails, as its input says."""

    def wait_until(self, ctx, input, persistence, communication):
        command = {
            "empty": InternalChannelCommand.until_empty("c"),
            "several": InternalChannelCommand.by_name("c", at_least=2),
            "long": TimerCommand.by_duration(timedelta(seconds=0.5)),
        }[input]
        return CommandRequest.for_all_command_completed(command)

    def execute(self, ctx, input, command_results, persistence, communication):
        error = {"refuse": ValueError("no such thing"), "never": NonRetryableError("no"), "later": RetryAfter(5)}.get(
            input
        )
        if error is not None:
            raise error
        if input == "forget":
            persistence.set_search_attribute_int64("i", None)
        if input == "exit":
            raise SystemExit(3)
        return StateDecision.dead_end


class Odd(ObjectWorkflow):
    def get_workflow_states(self):
        return StateSchema.with_starting_state(Ear())

    def get_communication_schema(self):
        return CommunicationSchema.create(CommunicationMethod.internal_channel_def("c", str))

    def get_persistence_schema(self):
        return PersistenceSchema.create(PersistenceField.search_attribute_def("i", SearchAttributeValueType.INT))

    @rpc()
    async def which(self, input: str) -> str:
        if input == "raise":
            raise KeyError("gone")
        return f"{input} on {threading.current_thread().name}"


KIND_OF = {route.path: kind for kind, route in WORKER_ROUTES.items()}
# The run until it had completed; what its worker answered afterwards was made up.
RECORDED = [one for one in CONVERSATIONS["signup"] if one["to"] == "worker"][:6]


@pytest.fixture
def service():
    service = WorkerService(Registry(Signup(), Odd()))
    yield service
    service.close()


def call(state_id, input, **fields):
    return {
        "context": {
            "workflowId": "w",
            "workflowRunId": "r",
            "workflowStartedTimestamp": 1,
            "stateExecutionId": "Ear-1",
        },
        "workflowType": "Odd",
        "workflowStateId": state_id,
        "stateInput": {"encoding": "json/plain", "data": json.dumps(input)},
        **fields,
    }


def rpc_call(name, input):
    body = call("", input, rpcName=name)
    return {**body, "input": body.pop("stateInput")}


def told(status_and_body):
    status, body = status_and_body
    return status, json.loads(body)


def in_our_encoding(value):
    return json.loads(json.dumps(value).replace('"encoding": "json"', '"encoding": "json/plain"'))


@pytest.mark.parametrize("exchange", RECORDED, ids=[f"{i}-{one['path'][-6:]}" for i, one in enumerate(RECORDED)])
def test_a_recorded_run_is_answered_as_it_was(service, exchange):
    """
    The original server's calls of a signup get the answers that its worker gave then; what that wrote as ``json`` is read.
    """
    body = json.dumps(exchange["request"]).encode()

    status, answer = told(service.answer(KIND_OF[exchange["path"]], body))

    assert status == 200
    expected = in_our_encoding(exchange["response"])
    for one in expected.get("stateDecision", {}).get("nextStates", ()):
        if one["stateId"] == "Verify":
            one["stateOptions"] = answer["stateDecision"]["nextStates"][0].get("stateOptions")
            if one["stateOptions"] is None:
                del one["stateOptions"]
    assert answer == expected


def test_the_three_calls_have_iwfs_names(service):
    """
    A server's JSON in, JSON out, by the members that iWF's SDK has.
    """
    waited = service.handle_workflow_state_wait_until(
        WorkflowStateWaitUntilRequest.from_dict({**call("Submit", {}), "workflowType": "Signup"})
    )
    executed = service.handle_workflow_state_execute(
        WorkflowStateExecuteRequest.from_dict({**call("Submit", {}), "workflowType": "Signup"})
    )
    answered = service.handle_workflow_worker_rpc(WorkflowWorkerRpcRequest.from_dict(rpc_call("which", "me")))

    assert {one["key"] for one in waited.to_dict()["upsertDataObjects"]} == {"status", "email"}
    assert executed.to_dict()["stateDecision"]["nextStates"][0]["stateId"] == "Verify"
    assert answered.to_dict()["output"]["data"] == '"me on iwf-coroutines"'
    assert WorkerService.api_path_workflow_state_wait_until == "/api/v1/workflowState/start"
    assert WorkerService.api_path_workflow_state_execute == "/api/v1/workflowState/decide"
    assert WorkerService.api_path_workflow_worker_rpc == "/api/v1/workflowWorker/rpc"


def test_what_a_handler_raises_reaches_the_application(service):
    """
    Code written for iWF's SDK answers it with 500, and the text that the service makes of it.
    """
    with pytest.raises(ValueError, match="no such thing") as raised:
        service.handle_workflow_state_execute(WorkflowStateExecuteRequest.from_dict(call("Ear", "refuse")))
    text = WorkerService.handle_worker_error(raised.value)
    with pytest.raises(KeyError, match="gone"):
        service.handle_workflow_worker_rpc(WorkflowWorkerRpcRequest.from_dict(rpc_call("which", "raise")))
    with pytest.raises(NotRegisteredError, match="Stranger"):
        service.handle_workflow_state_execute(
            WorkflowStateExecuteRequest.from_dict({**call("Ear", "x"), "workflowType": "Stranger"})
        )
    with pytest.raises(ProtocolError):
        service.handle_workflow_state_execute(WorkflowStateExecuteRequest.from_dict({"context": 1}))

    assert text.startswith("WorkerExecutionError: no such thing; StackTrace:Traceback ")
    assert "in execute" in text


@pytest.mark.parametrize(
    ("input", "error_type", "line", "more"),
    [
        ("refuse", "ValueError", "no such thing", {}),
        ("never", "NonRetryableError", "no", {"isRetryable": False}),
        ("later", "RetryAfter", "asked to be tried again after 0:00:05", {"retryAfterSeconds": 5}),
        ("exit", "SystemExit", "3", {}),
    ],
)
def test_a_failed_handler_is_a_500_that_tells_why(service, input, error_type, line, more):
    """
    The message first, then the stack; and what an engine of ours makes use of.
    """
    status, answer = told(service.answer(InvocationKind.EXECUTE, json.dumps(call("Ear", input)).encode()))

    detail = answer.pop("detail")
    assert status == 500
    assert detail.startswith(f"{line}\nTraceback ")
    assert answer == {"errorType": error_type, **more}


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"null", b'{"context": {"workflowId": 1}}', b'{"a": 1, "a": 2}', b"\xff", b"{}"]
)
def test_what_is_no_call_is_a_400(service, body):
    """
    Whatever comes is answered, and no handler sees it.
    """
    status, answer = told(service.answer(InvocationKind.EXECUTE, body))

    assert status == 400
    assert answer["detail"]


BEYOND = [
    (InvocationKind.WAIT_UNTIL, "empty", "waiting until channel 'c' is empty"),
    (InvocationKind.WAIT_UNTIL, "several", "taking several messages of channel 'c'"),
    (InvocationKind.EXECUTE, "forget", "deleting search attribute 'i'"),
]


@pytest.mark.parametrize(("kind", "input", "feature"), BEYOND)
def test_what_other_servers_would_leave_out_is_refused(service, kind, input, feature):
    """
    A server without our mark gets a failed attempt that names the feature; an engine of ours gets it carried out.
    """
    body = json.dumps(call("Ear", input)).encode()

    status, answer = told(service.answer(kind, body))
    accepted, _ = told(service.answer(kind, body, MARK))

    assert (status, answer["errorType"]) == (500, "UnsupportedByServerError")
    assert answer["detail"].startswith(feature)
    assert accepted == 200
    request = WorkflowStateExecuteRequest if kind is InvocationKind.EXECUTE else WorkflowStateWaitUntilRequest
    handle = (
        service.handle_workflow_state_execute
        if kind is InvocationKind.EXECUTE
        else service.handle_workflow_state_wait_until
    )
    with pytest.raises(UnsupportedByServerError, match=feature):
        handle(request.from_dict(call("Ear", input)))
    assert handle(request.from_dict(call("Ear", input)), headers=MARK).to_dict()


def test_coroutines_share_a_loop_and_threads_do_not_wait_for_each_other(service):
    """
    Handlers of many calls run on one loop at once.
    """
    answers = []

    def ask(number):
        body = json.dumps(rpc_call("which", str(number))).encode()
        answers.append(json.loads(service.answer(InvocationKind.RPC, body)[1])["output"]["data"])

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(answers) == sorted(f'"{number} on iwf-coroutines"' for number in range(20))


def test_a_closed_worker_says_so(service):
    """
    A coroutine is started no more: the attempt fails, and the server makes another.
    """
    service.close()

    status, answer = told(service.answer(InvocationKind.RPC, json.dumps(rpc_call("which", "x")).encode()))

    assert (status, answer["errorType"]) == (500, "EngineStoppedError")


class Shouting:
    """An encoder of the user's own."""

    def encode(self, value):
        return Payload("loud", str(value).upper())

    def decode(self, payload, value_type=None):
        return payload and payload.data.lower()

    def check(self, value, value_type):
        return None


def test_values_go_through_the_workers_encoder():
    """
    What the options say opens and seals; the default is JSON.
    """
    body = {**rpc_call("which", ""), "input": {"encoding": "loud", "data": "HELLO"}}
    service = WorkerService(Registry(Odd()), WorkerOptions(Shouting()))
    try:
        answer = service.handle_workflow_worker_rpc(WorkflowWorkerRpcRequest.from_dict(body)).to_dict()
    finally:
        service.close()

    assert answer["output"] == {"encoding": "loud", "data": "HELLO ON IWF-COROUTINES"}
    assert WorkerService(Registry(), WorkerOptions(ObjectEncoder.default))


# --- over WSGI ----------------------------------------------------------------------------------------------------

EXECUTE = WorkerService.api_path_workflow_state_execute


def wsgi(app, path, body, method="POST", **environ):
    """Call a WSGI application as a server does."""
    whole = {"CONTENT_LENGTH": str(len(body)), **environ}
    setup_testing_defaults(whole)
    whole |= {"REQUEST_METHOD": method, "PATH_INFO": path, "wsgi.input": io.BytesIO(body)}
    started = []
    answer = b"".join(app(whole, lambda status, headers: started.append((status, dict(headers)))))
    return int(started[0][0].split()[0]), started[0][1], answer


@pytest.fixture
def app():
    app = worker_app(Registry(Odd()))
    yield app
    app.service.close()


@pytest.fixture
def flask_app(service, tmp_path):
    app = Flask("beside", root_path=str(tmp_path))
    app.config["MAX_CONTENT_LENGTH"] = 10
    app.register_blueprint(worker_api(service))
    app.add_url_rule("/hello", "hello", lambda: "hello")
    return app


@pytest.fixture(params=["app", "flask_app"])
def either(request):
    """The same worker as an application of its own, and beside other routes of a Flask application."""
    return request.getfixturevalue(request.param)


def test_a_call_is_answered_with_json(either):
    """
    The route tells what is called.
    """
    status, headers, body = wsgi(either, EXECUTE, json.dumps(call("Ear", "x")).encode())

    assert (status, headers["Content-Type"]) == (200, "application/json")
    assert json.loads(body) == {"stateDecision": {"nextStates": [{"stateId": "_SYS_DEAD_END"}]}}


def test_the_mark_of_a_server_is_heard(either):
    """
    An engine of ours gets what others would leave out.
    """
    body = json.dumps(call("Ear", "empty")).encode()
    path = WorkerService.api_path_workflow_state_wait_until

    assert wsgi(either, path, body)[0] == 500
    status, _, answer = wsgi(either, path, body, HTTP_IWF_SERVER="iwf_py/9")
    assert status == 200
    assert json.loads(answer)["commandRequest"]["channelEmptyCommands"] == [
        {"channelFamily": "INTERNAL", "channelName": "c"}
    ]


@pytest.mark.parametrize("header", [{"HTTP_ORIGIN": "http://evil.example"}, {"HTTP_SEC_FETCH_SITE": "cross-site"}])
def test_web_pages_call_no_user_code(either, header):
    """
    A page that somebody looks at on the worker's machine cannot call it.
    """
    status, _, body = wsgi(either, EXECUTE, json.dumps(call("Ear", "x")).encode(), **header)

    assert status == 403
    assert "web pages" in json.loads(body)["detail"]


def test_anything_else_is_nowhere(app):
    """
    Another path, or another method.
    """
    assert wsgi(app, "/", b"")[0] == 404
    assert wsgi(app, EXECUTE, b"", method="GET")[0] == 404
    assert wsgi(app, EXECUTE + "/", b"{}")[0] == 404


def test_bodies_have_a_bound_and_a_length(app):
    """
    Nothing is read that is too long, or of unknown length, unless the server tells where it ends.
    """
    body = json.dumps(call("Ear", "x")).encode()

    assert wsgi(app, EXECUTE, body, CONTENT_LENGTH=str(1 << 40))[0] == 413
    assert wsgi(app, EXECUTE, body, CONTENT_LENGTH=str(len(body) - 1))[0] == 400
    assert wsgi(app, EXECUTE, body, CONTENT_LENGTH="")[0] == 400
    assert wsgi(app, EXECUTE, body, **{"CONTENT_LENGTH": "", "wsgi.input_terminated": True})[0] == 200


def test_a_prefix_is_part_of_the_path():
    """
    A worker's URL may have a path.
    """
    app = worker_app(Registry(Odd()))
    prefixed = type(app)(app.service, prefix="/team/a/")

    assert wsgi(prefixed, "/team/a" + EXECUTE, json.dumps(call("Ear", "x")).encode())[0] == 200
    assert wsgi(prefixed, EXECUTE, b"{}")[0] == 404


def test_the_applications_other_routes_stay(flask_app):
    """
    The blueprint brings three routes and changes nothing of the others.
    """
    assert flask_app.test_client().get("/hello").text == "hello"


def test_an_application_written_for_iwfs_sdk_serves(service, tmp_path):
    """
    The glue that every sample of that SDK repeats works as it stands.
    """
    flask_app = Flask("glue", root_path=str(tmp_path))

    @flask_app.route(WorkerService.api_path_workflow_state_execute, methods=["POST"])
    def handle_execute():
        req = WorkflowStateExecuteRequest.from_dict(request.json)
        resp = service.handle_workflow_state_execute(req)
        return resp.to_dict()

    @flask_app.errorhandler(Exception)
    def internal_error(exception):
        return service.handle_worker_error(exception), 500

    client = flask_app.test_client()
    good, bad = client.post(EXECUTE, json=call("Ear", "x")), client.post(EXECUTE, json=call("Ear", "refuse"))

    assert good.json == {"stateDecision": {"nextStates": [{"stateId": "_SYS_DEAD_END"}]}}
    assert bad.status_code == 500
    assert bad.text.startswith("WorkerExecutionError: no such thing; StackTrace:")
