"""What an older SDK of iWF cannot read, said in the words that it knows.

The SDK for Go reads the enumerations of its own interface description, and no other word: up to 1.6 an answer that tells of
a failed state call by today's name is an error to it. It does not say who it is, nor of which version: all that tells it from
the SDK for Python is that it sends no ``User-Agent``. So this is for servers whose operator knows. Clients of ours read both.
"""

from __future__ import annotations

from wsgiref.types import WSGIEnvironment

from iwf_py.wire.protocol import WORKFLOW_ERROR_TYPES
from iwf_py.wire.shapes import Json

_OLDER = {str(word): older for older, word in WORKFLOW_ERROR_TYPES.items()}


def as_it_is(_environ: WSGIEnvironment, body: Json) -> Json:
    """Say it in today's words."""
    return body


def for_old_go(environ: WSGIEnvironment, body: Json) -> Json:
    """Say it in older words to clients that use the SDK for Go, and in today's to all others."""
    older = _OLDER.get(body.get("errorType", ""))
    if older is None or environ.get("HTTP_USER_AGENT"):
        return body
    return {**body, "errorType": older}
