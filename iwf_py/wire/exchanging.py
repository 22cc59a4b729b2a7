"""One HTTP POST and its answer, as a coroutine of one event loop.

Whoever is called may do what it likes: refuse, hang, send a byte a second or a gigabyte, redirect, answer in a language
that is not HTTP. Each post has its answer or a sentence for why there is none, by its deadline. What comes back is
bounded, is not unpacked, and leads to no further request.
"""

from __future__ import annotations

import asyncio
import os
import re
import ssl
from collections.abc import Mapping
from functools import lru_cache
from urllib.parse import urlsplit

from attrs import field, frozen

from iwf_py.wire.marks import HEADER, is_ours
from iwf_py.wire.pools import LookUp, Place, Pool, UnreachableError
from iwf_py.wire.reading import MAX_BODY, MAX_HEADERS, BadAnswerError, Bounds, line

PER_HOST = 128
# To open, or to read in one piece, more than this would hold up the loop.
LARGE = 256 * 1024

# What stands in the head of a request, beside what its post says.
_HEADERS = {"Content-Type": "application/json", "Accept": "application/json", "Accept-Encoding": "identity"}
# Headers that say where a message ends: they are not the caller's.
_OURS = frozenset({"connection", "content-length", "transfer-encoding"})
_HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+: [\x20-\x7e\t\x80-\xff]*", re.ASCII)
_MARK = HEADER.lower()
_SECONDS = re.compile(r"[0-9]{1,6}", re.ASCII)
_WHOLE = re.compile(r"[\x21-\x7e]+")
# Beyond it, places that nobody needs any more are forgotten.
_MANY_PLACES = 256


@frozen(kw_only=True)
class Post:
    """
    What is sent.

    Attributes:
        url: With scheme, host, port and whole path, in ASCII; sent as it stands.

        timeout: Seconds until the answer has to be there to its last byte.

        headers: Beside those of every JSON request.

        tls: None for the system's authorities.
    """

    url: str
    body: bytes
    timeout: float
    headers: Mapping[str, str] = field(factory=dict)
    tls: ssl.SSLContext | None = None


@frozen(kw_only=True)
class Answered:
    """
    What came back, whatever its status.

    Attributes:
        content_type: As it was sent; empty where it was not.

        is_ours: It has the mark of an engine of this package (`marks`).

        retry_after: Seconds after which the server wants to be asked again; None where it did not say so in seconds.
    """

    status: int
    content_type: str
    body: bytes
    is_ours: bool = False
    retry_after: int | None = None


@frozen(kw_only=True)
class Unanswered:
    """
    Why nothing usable came back.

    Attributes:
        reason: In a few words.

        is_timeout: The time was over.

        was_sent: False where no connection was made: then nothing can have been carried out.
    """

    reason: str
    is_timeout: bool = False
    was_sent: bool = True


Reply = Answered | Unanswered


class Exchanges:
    """
    Posts over connections that are used again; all its coroutines belong to one loop.

    Args:
        look_up: Tells the addresses of a host; connections go to these and to no others. Hosts that are addresses are not
            looked up.

        per_host: Connections to one host and port at once, 0 for any number; further posts wait for one of them.

        max_body: Bytes of an answer's body that are read.

        max_headers: Bytes of an answer's headers.
    """

    def __init__(
        self, look_up: LookUp, *, per_host: int = PER_HOST, max_body: int = MAX_BODY, max_headers: int = MAX_HEADERS
    ) -> None:
        self._look_up = look_up
        self._per_host = per_host
        self._bounds = Bounds(body=max_body, headers=max_headers)
        self._pools: dict[Place, Pool] = {}
        self._authorities: ssl.SSLContext | None = None

    async def reply(self, post: Post, deadline: float | None = None) -> Reply:
        """
        Send a post, and tell what came of it; nothing but a cancellation is raised.

        Args:
            deadline: On the loop's clock, for a post that has waited already; else its timeout counts from now.
        """
        if deadline is None:
            deadline = asyncio.get_running_loop().time() + post.timeout
        try:
            async with asyncio.timeout_at(deadline) as timeout:
                return await self._exchange(post)
        except TimeoutError as error:
            if timeout.expired():
                return Unanswered(reason="context deadline exceeded", is_timeout=True)
            return Unanswered(reason=_reason(error))
        except UnreachableError as error:
            return Unanswered(reason=_reason(error.__cause__ or error), was_sent=False)
        except Exception as error:  # noqa: BLE001 - whoever asked is answered, whatever came in between
            return Unanswered(reason=_reason(error))

    async def close(self) -> None:
        """Close the connections; the next post opens new ones."""
        pools = list(self._pools.values())
        self._pools.clear()
        for pool in pools:
            pool.close()

    async def _exchange(self, post: Post) -> Answered:
        target = _target_of(post.url)
        head = _head_of(target, post)
        pool = self._pool(target, post.tls)
        connection = await pool.take()
        try:
            answer = await connection.ask(head, post.body)
        except asyncio.CancelledError:
            # What it answers is nobody's.
            connection.abort()
            raise
        finally:
            pool.give_back(connection)
        return Answered(
            status=answer.status,
            content_type=answer.headers.get("content-type", ""),
            body=answer.body,
            is_ours=is_ours(answer.headers.get(_MARK)),
            retry_after=_seconds_of(answer.headers.get("retry-after", "")),
        )

    def _pool(self, target: _Target, tls: ssl.SSLContext | None) -> Pool:
        if not target.is_secure:
            tls = None
        elif tls is None:
            tls = self._authorities = self._authorities or ssl.create_default_context()
        place = Place(target.host, target.port, tls)
        pool = self._pools.get(place)
        if pool is None:
            if len(self._pools) >= _MANY_PLACES:
                self._pools = {place: pool for place, pool in self._pools.items() if not pool.is_empty}
            pool = self._pools[place] = Pool(place, self._look_up, self._bounds, self._per_host)
        return pool


@frozen
class _Target:
    """Where a URL leads: the connection's end, and the first lines of a request."""

    is_secure: bool
    host: str
    port: int
    lines: str


@lru_cache(1_024)
def _target_of(url: str) -> _Target:
    """
    Read a URL.

    Errors:
        ValueError: It is none that a request can be sent to.
    """
    parts = urlsplit(url)
    # Whatever would end a line, or begin another word, is in no URL.
    if parts.scheme not in ("http", "https") or not parts.hostname or not url.isascii() or not _WHOLE.fullmatch(url):
        raise ValueError(f"{line(url)!r} is no URL of a server")
    is_secure = parts.scheme == "https"
    path = f"{parts.path or '/'}{f'?{parts.query}' if parts.query else ''}"
    port = (443 if is_secure else 80) if parts.port is None else parts.port
    place = parts.netloc.rpartition("@")[2]
    return _Target(is_secure, parts.hostname, port, f"POST {path} HTTP/1.1\r\nHost: {place}\r\n")


def _head_of(target: _Target, post: Post) -> bytes:
    """
    Write the head of a request.

    Errors:
        ValueError: A header could be read as something else.
    """
    fields = [f"{name}: {value}" for name, value in {**_HEADERS, **post.headers}.items() if name.lower() not in _OURS]
    if not all(map(_HEADER.fullmatch, fields)):
        raise ValueError("a header that is to be sent along is none")
    fields.append(f"Content-Length: {len(post.body)}\r\n\r\n")
    return (target.lines + "\r\n".join(fields)).encode("latin-1")


def _seconds_of(text: str) -> int | None:
    # A date would be of another clock.
    return int(text) if _SECONDS.fullmatch(text) else None


def _reason(error: BaseException) -> str:
    """Say in a few words what went wrong."""
    match error:
        case BadAnswerError():
            return str(error)
        case ssl.SSLCertVerificationError():
            return f"the certificate is not good: {error}"
        case OSError():
            return _of_system(error)
        case _:
            return line(f"{type(error).__name__}: {error}")


def _of_system(error: OSError) -> str:
    # asyncio puts words of its own beside the number; those of a resolver have negative ones, or none.
    if error.errno is not None and error.errno > 0:
        text = os.strerror(error.errno)
    else:
        text = error.strerror or line(str(error)) or type(error).__name__
    return text[:1].lower() + text[1:]
