"""The worker of ``iwf dev``: one workflow, in the plain JSON of the protocol, as a program in any language could answer it.

Its starting state ``Greet`` waits for a signal on the channel ``name``, and completes with a greeting; the RPC ``echo``
answers its input.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterable
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server
from wsgiref.types import StartResponse, WSGIEnvironment

from iwf_py.errors import InvalidArgumentError, IwfError
from iwf_py.server.answering import Answer, json_answer, text_answer
from iwf_py.server.workflow_api import read_body
from iwf_py.wire.decoding import decode
from iwf_py.wire.faults import NO_SUCH_PAGE
from iwf_py.wire.routes import EXECUTE, WAIT_UNTIL, WORKER_RPC
from iwf_py.wire.shapes import Json

WORKFLOW_TYPE = "Greeting"
STATE_ID = "Greet"
CHANNEL = "name"


def sample_worker(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """Answer a server's call: a WSGI application."""
    return _answer(environ).give(start_response)


def start_sample_worker(port: int) -> None:
    """
    Serve the sample on loopback, on threads that end with the process.

    Errors:
        InvalidArgumentError: The port is taken.
    """
    try:
        server = make_server("127.0.0.1", port, sample_worker, server_class=_Threading, handler_class=_Quiet)
    except OSError as error:
        raise InvalidArgumentError(
            f"the sample worker cannot listen on port {port} ({error.strerror}); give another --worker-port"
        ) from None
    threading.Thread(target=server.serve_forever, name="iwf-sample-worker", daemon=True).start()


class _Threading(ThreadingMixIn, WSGIServer):
    daemon_threads = True
    request_queue_size = 128


class _Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing: the server tells what goes wrong."""


def _answer(environ: WSGIEnvironment) -> Answer:
    answers: dict[str, Callable[[Json], Json]] = {
        WAIT_UNTIL.path: lambda _: _WAIT,
        EXECUTE.path: _greet,
        WORKER_RPC.path: lambda body: {"output": body["input"]} if "input" in body else {},
    }
    answer = answers.get(environ.get("PATH_INFO", "")) if environ["REQUEST_METHOD"] == "POST" else None
    if answer is None:
        return text_answer(404, NO_SUCH_PAGE)
    try:
        return json_answer(200, answer(decode(read_body(environ))))
    except IwfError as error:
        return json_answer(400, {"detail": str(error), "errorType": type(error).__name__})


_WAIT: Json = {
    "commandRequest": {
        "commandWaitingType": "ALL_COMPLETED",
        "signalCommands": [{"commandId": "", "signalChannelName": CHANNEL}],
    }
}


def _greet(body: Json) -> Json:
    received = (body.get("commandResults") or {}).get("signalResults") or [{}]
    greeting = {"encoding": "json", "data": json.dumps(f"Hello, {_told(received[0].get('signalValue'))}!")}
    movement = {"stateId": "_SYS_GRACEFUL_COMPLETING_WORKFLOW", "stateInput": greeting}
    return {"stateDecision": {"nextStates": [movement]}}


def _told(payload: Json | None) -> str:
    """Open a value: a JSON string, or whatever text it is."""
    data = str((payload or {}).get("data") or "stranger")
    try:
        return str(json.loads(data))
    except ValueError:
        return data
