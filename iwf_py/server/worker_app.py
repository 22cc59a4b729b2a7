"""A worker as a WSGI application: the three calls that a server of the iWF protocol makes.

No framework stands between, since one takes longer over a call than the call itself does.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Protocol

from iwf_py.errors import ClientSideError
from iwf_py.model.invocations import InvocationKind
from iwf_py.server.answering import Answer, json_answer, text_answer
from iwf_py.server.workflow_api import read_body
from iwf_py.wire.faults import NO_SUCH_PAGE, fault_of
from iwf_py.wire.marks import HEADER
from iwf_py.wire.routes import WORKER_ROUTES
from iwf_py.wire.signing import HEADER as SIGNATURE

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIEnvironment

# All attributes of a run may come with a call, and an input beside them.
MAX_BODY = 128 * 1024 * 1024

# What is answered, by path.
KINDS: Mapping[str, InvocationKind] = {route.path: kind for kind, route in WORKER_ROUTES.items()}
# What a worker is told of a call's headers, by their names in WSGI.
_HEADERS = {f"HTTP_{name.upper().replace('-', '_')}": name for name in (HEADER, SIGNATURE)}
JSON_TYPE = "application/json"


class Worker(Protocol):
    """What the application is handed: a `WorkerService`."""

    def answer(self, kind: InvocationKind, body: bytes, headers: Mapping[str, str] | None = None) -> tuple[int, bytes]:
        """Answer a call with a status and a body, whatever comes."""


class WorkerApp:
    """
    Answers the calls of a server: a WSGI application.

    Args:
        prefix: The path of the worker's URL, where it has one.
    """

    def __init__(self, service: Worker, *, prefix: str = "") -> None:
        self.service = service
        self._kinds = {prefix.rstrip("/") + path: kind for path, kind in KINDS.items()}

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer a call; anything else is nowhere."""
        return self._answer(environ).give(start_response)

    def _answer(self, environ: WSGIEnvironment) -> Answer:
        kind = self._kinds.get(environ.get("PATH_INFO", ""))
        if kind is None or environ.get("REQUEST_METHOD") != "POST":
            return text_answer(404, NO_SUCH_PAGE)
        try:
            check_sender(environ)
            body = read_body(environ, MAX_BODY)
        except ClientSideError as error:
            return json_answer(error.status, fault_of(error).body)
        headers = {name: environ[key] for key, name in _HEADERS.items() if key in environ}
        status, told = self.service.answer(kind, body, headers)
        return Answer(status, told, JSON_TYPE)


def check_sender(environ: WSGIEnvironment) -> None:
    """
    Refuse what a browser sends, by a ClientSideError: no server says from which page a call comes.

    Else a page of somebody else's, looked at on this machine, could have user code called with whatever it likes.
    """
    if "HTTP_ORIGIN" in environ or "HTTP_SEC_FETCH_SITE" in environ:
        raise ClientSideError("this is for servers of the iWF protocol, not for web pages", status=403)
