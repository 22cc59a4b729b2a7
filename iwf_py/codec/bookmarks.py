"""Page tokens of searches: opaque text for clients, a `Bookmark` for hosts.

A token belongs to its query and namespace; with any other, or made up, it is refused.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json

from iwf_py.codec.snapshots import dump, load
from iwf_py.errors import ClientSideError, StoreError
from iwf_py.model.queries import Bookmark
from iwf_py.model.requests import SearchRequest

_MOST = 1024


def token_of(bookmark: Bookmark | None, request: SearchRequest) -> str:
    """Write the token for the page after the one that *request* asked for; empty when there is none."""
    if bookmark is None:
        return ""
    text = json.dumps({"for": _seal_of(request), "after": dump(bookmark)}, separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode()


def bookmark_of(request: SearchRequest) -> Bookmark | None:
    """
    Read the token of *request*; None without one.

    Errors:
        ClientSideError: It was not answered to a request with this query.
    """
    token = request.next_page_token
    if not token:
        return None
    try:
        if len(token) > _MOST:
            raise ValueError(token[:20])
        parts = json.loads(base64.b64decode(token.encode("ascii"), altchars=b"-_", validate=True))
        if parts["for"] != _seal_of(request):
            raise ClientSideError(
                "next_page_token belongs to another query; search with the query that it was answered to"
            )
        return load(Bookmark, parts["after"])
    except (StoreError, ValueError, KeyError, TypeError, RecursionError, binascii.Error):
        raise ClientSideError(
            "next_page_token is none that was answered; pass that of the page before, or none for the first page"
        ) from None


def _seal_of(request: SearchRequest) -> str:
    text = json.dumps([request.namespace, request.query])
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()
