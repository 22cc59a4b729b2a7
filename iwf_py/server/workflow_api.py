"""The client-facing API of the iWF protocol: a WSGI application, made of the table of routes.

No framework stands between: a call's way through Flask takes four times as long as the call's own work. Whatever is not one of
the protocol's routes, by its method and path exactly, is passed on.

Source:
    The iWF protocol's section on the client-facing REST API.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from functools import partial
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from iwf_py.errors import ClientSideError, InvalidArgumentError
from iwf_py.server.answering import Answer, json_answer, text_answer
from iwf_py.server.calls import Call, Calls, Poll
from iwf_py.server.gate import CALLER
from iwf_py.server.older_sdks import as_it_is
from iwf_py.wire.answers import GREETING, write_health
from iwf_py.wire.decoding import LARGE_TEXT, MAX_TEXT, decode, longest_text
from iwf_py.wire.faults import NO_SUCH_PAGE, fault_of
from iwf_py.wire.routes import CLIENT_ROUTES, DUMP, HEALTH
from iwf_py.wire.routes import GREETING as GREETING_ROUTE
from iwf_py.wire.shapes import Json

MAX_BODY = 8 * 1024 * 1024

_log = logging.getLogger(__name__)

Place = tuple[str, str]
Words = Callable[[WSGIEnvironment, Json], Json]


class WorkflowApi:
    """
    The API, around another application.

    Args:
        app: For whatever is no route of the protocol.

        hostname: Told by the health check.

        is_ready: Can calls be carried out at the moment?

        words: Says what a call is answered in the words of whoever called.
    """

    def __init__(
        self,
        app: WSGIApplication,
        calls: Calls,
        *,
        hostname: str,
        is_ready: Callable[[], bool],
        words: Words = as_it_is,
    ) -> None:
        self._app = app
        self._hostname = hostname
        self._is_ready = is_ready
        self._words = words
        self._calls: dict[Place, Call] = {(route.method, route.path): call for route, call in calls.by_route.items()}
        self._polls: dict[Place, Poll] = {
            (route.method, route.path): poll for route, poll in calls.polls_by_route.items()
        }
        self._pages: dict[Place, Callable[[], Answer]] = {
            (GREETING_ROUTE.method, GREETING_ROUTE.path): lambda: text_answer(200, GREETING),
            (HEALTH.method, HEALTH.path): self._health,
        }

    @property
    def places(self) -> frozenset[Place]:
        """What it answers, by method and path."""
        return frozenset([*self._calls, *self._polls, *self._pages])

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer a call, or pass it on."""
        place = environ.get("REQUEST_METHOD", ""), environ.get("PATH_INFO", "")
        call = self._calls.get(place)
        if call is not None:
            return self._answered(call, environ).give(start_response)
        poll = self._polls.get(place)
        if poll is not None:
            return self._answered(partial(_of_caller, poll, environ.get(CALLER)), environ).give(start_response)
        page = self._pages.get(place)
        if page is not None:
            return page().give(start_response)
        method, path = place
        if path.endswith("/") and (method, path[:-1]) in self.places:
            return Answer(307, b"", "text/plain", (("Location", path[:-1]),)).give(start_response)
        if place in _PLACES or path in _PATHS:
            # The dump of a run is of use to the original alone, which copies it over to the run that follows.
            return text_answer(404, NO_SUCH_PAGE).give(start_response)
        return self._app(environ, start_response)

    def _answered(self, call: Call, environ: WSGIEnvironment) -> Answer:
        try:
            return json_answer(200, self._words(environ, call(_body(environ))))
        except Exception as error:  # noqa: BLE001 - whoever called is answered
            fault = fault_of(error)
            if fault.status == 500:
                # Its words are the log's, and nobody else's.
                _log.error("a call failed: %s", environ.get("PATH_INFO"), exc_info=error)
            return json_answer(fault.status, fault.body)

    def _health(self) -> Answer:
        body = write_health(self._hostname)
        return json_answer(200, body) if self._is_ready() else json_answer(503, {**body, "condition": "UNREADY"})


_PLACES = {(DUMP.method, DUMP.path)}
# By another method they are nothing either.
_PATHS = {route.path for route in CLIENT_ROUTES}


def _of_caller(poll: Poll, caller: str | None, body: Json) -> Json:
    return poll(body, caller)


def _body(environ: WSGIEnvironment) -> Json:
    raw = read_body(environ)
    body = decode(raw)
    if len(raw) > LARGE_TEXT:
        _look_at_values(body, environ.get("PATH_INFO", ""))
    return body


def read_body(environ: WSGIEnvironment, most: int = MAX_BODY) -> bytes:
    """
    Read a request's body.

    Errors:
        ClientSideError: It has more than *most* bytes.
    """
    stream, length = environ["wsgi.input"], environ.get("CONTENT_LENGTH") or ""
    if length.isascii() and length.isdigit():
        # Twenty digits are a length that nobody has.
        known = int(length[:20])
    elif environ.get("wsgi.input_terminated"):
        known = most + 1
    else:
        return b""
    if length and known > most:
        raise _too_long(most)
    found = bytearray()
    while known > len(found):
        chunk = stream.read(known - len(found))
        if not chunk:
            break
        found += chunk
    if len(found) > most:
        raise _too_long(most)
    return bytes(found)


def _too_long(most: int) -> ClientSideError:
    return ClientSideError(f"the body has more than {most // 1024 // 1024} MiB", status=413)


def _look_at_values(body: Json, path: str) -> None:
    longest = longest_text(body)
    if longest > MAX_TEXT:
        raise InvalidArgumentError(
            f"a value has more than {MAX_TEXT // 1024 // 1024} MiB; keep it elsewhere and send where it is"
        )
    if longest > LARGE_TEXT:
        _log.warning(
            "a value of %d KiB came with %s for workflow %r; keep large values elsewhere and send where they are",
            longest // 1024,
            path,
            str(body.get("workflowId", ""))[:200],
        )
