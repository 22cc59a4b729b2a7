"""An HTTP answer as a value, and how WSGI is given it."""

from __future__ import annotations

from collections.abc import Iterable
from http.client import responses
from wsgiref.types import StartResponse

from attrs import frozen

from iwf_py.wire.decoding import encode
from iwf_py.wire.shapes import Json

# What the protocol has beside those of HTTP.
_REASONS = {**responses, 420: "Ask Again", 450: "Locked By Others"}


@frozen
class Answer:
    """One answer, whole."""

    status: int
    body: bytes
    content_type: str
    headers: tuple[tuple[str, str], ...] = ()

    def give(self, start_response: StartResponse) -> Iterable[bytes]:
        """Give it to a WSGI server."""
        headers = [("Content-Type", self.content_type), ("Content-Length", str(len(self.body))), *self.headers]
        start_response(f"{self.status} {_REASONS.get(self.status, 'Unknown')}", headers)
        return [self.body]


def json_answer(status: int, body: Json, headers: tuple[tuple[str, str], ...] = ()) -> Answer:
    """Answer with a JSON object."""
    return Answer(status, encode(body), "application/json", headers)


def text_answer(status: int, text: str) -> Answer:
    """Answer with a plain text."""
    return Answer(status, text.encode(), "text/plain")
