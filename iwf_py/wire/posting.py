"""Many HTTP POSTs at once, on one event loop.

Whoever is called may do what it likes: refuse, hang, send a byte a second or a gigabyte, redirect, answer in a language
that is not HTTP. Each post has its answer or a sentence for why there is none, by its deadline, and no post waits for
another's server. What comes back is bounded, is not unpacked, and leads to no further request.
"""

from __future__ import annotations

import asyncio
import io
import logging
import os
import ssl
import threading
import time
from collections.abc import Callable, Coroutine, Mapping
from functools import partial
from typing import Any

import aiohttp
from aiohttp.http import HttpProcessingError
from attrs import field, frozen
from yarl import URL

from iwf_py.coroutines import LoopThread, Ticket
from iwf_py.errors import EngineStoppedError
from iwf_py.wire.connections import Connector, LookUp

_log = logging.getLogger(__name__)

MAX_BODY = 8 * 1024 * 1024
MAX_HEADERS = 64 * 1024
MAX_HEADER_LINES = 128
PER_HOST = 128
# A larger answer is told on another thread, and a larger body sent in pieces: either would hold up the loop.
_LARGE = 256 * 1024


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
    """

    status: int
    content_type: str
    body: bytes


@frozen(kw_only=True)
class Unanswered:
    """
    Why nothing usable came back.

    Attributes:
        reason: In a few words.

        is_timeout: The time was over.
    """

    reason: str
    is_timeout: bool = False


Reply = Answered | Unanswered


class _UnusableError(Exception):
    """An answer that is not read to its end; the text says why."""


class _Call:
    __slots__ = ("deadline", "done", "ticket")

    def __init__(self, done: Callable[[Reply], None], deadline: float) -> None:
        # None once it is told, or nobody listens any more.
        self.done: Callable[[Reply], None] | None = done
        self.deadline = deadline
        self.ticket: Ticket | None = None


class Poster:
    """
    Posts, on a thread of its own.

    Args:
        look_up: Tells the addresses of a host; connections go to these and to no others. Hosts that are addresses are not
            looked up.

        per_host: Connections to one host and port at once; further posts wait for one of them.

        max_body: Bytes of an answer's body that are read.

        max_headers: Bytes of an answer's headers.
    """

    def __init__(
        self, look_up: LookUp, *, per_host: int = PER_HOST, max_body: int = MAX_BODY, max_headers: int = MAX_HEADERS
    ) -> None:
        self._look_up = look_up
        self._per_host = per_host
        self._max_body = max_body
        self._max_headers = max_headers
        self._lock = threading.Lock()
        self._loop: LoopThread | None = None
        self._session: aiohttp.ClientSession | None = None
        self._is_closed = False

    def post(self, post: Post, done: Callable[[Reply], None]) -> Callable[[], None]:
        """
        Send a post; *done* is called exactly once, on a thread of the poster's, unless it is cancelled first.

        It must be quick: other posts wait for it.

        Returns:
            Cancel: the connection is closed, and nobody is told.

        Errors:
            EngineStoppedError: The poster is closed.
        """
        call = _Call(done, time.monotonic() + post.timeout)
        return self._start(call, partial(self._carry_out, call, post))

    def soon(self, step: Callable[[], None]) -> Callable[[], None]:
        """
        Do a quick step on the poster's thread.

        Returns:
            Cancel: it is not done, if it was not yet.

        Errors:
            EngineStoppedError: The poster is closed.
        """
        call = _Call(lambda _: step(), 0.0)
        return self._start(call, partial(self._tell_at_once, call))

    def _start(self, call: _Call, make: Callable[[], Coroutine[Any, Any, None]]) -> Callable[[], None]:
        with self._lock:
            if self._is_closed:
                raise EngineStoppedError("the calls of workers have ended; start the engine again")
            if self._loop is None:
                self._loop = LoopThread("iwf-posts")
            loop = self._loop
            call.ticket = loop.start(make, over=_nothing)
        return partial(self._cancel, loop, call)

    def close(self, timeout: float = 5.0) -> None:
        """Forget what is under way, and end the thread; safe to call twice."""
        with self._lock:
            loop, self._loop = self._loop, None
            self._is_closed = True
        if loop is None:
            return
        closed = threading.Event()
        loop.start(self._close_session, over=closed.set)
        if not closed.wait(timeout):
            _log.warning("connections to workers did not close within %g s and are left behind", timeout)
        loop.close(timeout)

    def _cancel(self, loop: LoopThread, call: _Call) -> None:
        with self._lock:
            is_told, call.done = call.done is None, None
        if not is_told and call.ticket is not None:
            loop.cancel(call.ticket)

    async def _tell_at_once(self, call: _Call) -> None:
        self._tell(call, Unanswered(reason="not sent"))

    async def _carry_out(self, call: _Call, post: Post) -> None:
        reply = await self._reply(call, post)
        if isinstance(reply, Answered) and len(reply.body) > _LARGE:
            await asyncio.to_thread(self._tell, call, reply)
        else:
            self._tell(call, reply)

    def _tell(self, call: _Call, reply: Reply) -> None:
        with self._lock:
            done, call.done = call.done, None
        if done is None or self._is_closed:
            return
        try:
            done(reply)
        except Exception:  # noqa: BLE001 - the loop outlives whatever a listener raises
            _log.exception("an answer could not be handed on")

    async def _reply(self, call: _Call, post: Post) -> Reply:
        try:
            async with asyncio.timeout_at(call.deadline) as timeout:
                return await self._exchange(post)
        except TimeoutError as error:
            if timeout.expired():
                return Unanswered(reason="context deadline exceeded", is_timeout=True)
            return Unanswered(reason=_reason(error))
        except _UnusableError as error:
            return Unanswered(reason=str(error))
        except Exception as error:  # noqa: BLE001 - whoever asked is answered, whatever the library makes of it
            return Unanswered(reason=_reason(error))

    async def _exchange(self, post: Post) -> Answered:
        session = self._session or self._open_session()
        async with session.post(
            URL(post.url, encoded=True),
            # The library writes bytes in one go, and warns of large ones; from a stream it takes them piece by piece.
            data=post.body if len(post.body) < _LARGE else io.BytesIO(post.body),
            headers=post.headers,
            allow_redirects=False,
            ssl=True if post.tls is None else post.tls,
        ) as response:
            headers = sum(len(name) + len(value) + 4 for name, value in response.raw_headers)
            if headers > self._max_headers:
                raise _UnusableError(f"the answer's headers are longer than {self._max_headers} bytes")
            coding = response.headers.get("Content-Encoding", "identity").strip().lower()
            if coding not in ("", "identity"):
                raise _UnusableError("the answer is compressed, which was not asked for")
            return Answered(
                status=response.status,
                content_type=response.headers.get("Content-Type", ""),
                body=await self._read(response),
            )

    async def _read(self, response: aiohttp.ClientResponse) -> bytes:
        size = 0
        chunks: list[bytes] = []
        # An answer that says how long it is need not be read to know that it is too long.
        while size + (response.content_length or 0) * (not chunks) <= self._max_body:
            chunk = await response.content.readany()
            if not chunk:
                return b"".join(chunks)
            chunks.append(chunk)
            size += len(chunk)
            if size > self._max_body:
                break
        response.close()
        raise _UnusableError(f"the answer is longer than {self._max_body} bytes")

    def _open_session(self) -> aiohttp.ClientSession:
        self._session = aiohttp.ClientSession(
            connector=Connector(self._look_up, per_host=self._per_host, max_headers=self._max_headers),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=None),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            trust_env=False,
            max_field_size=min(8_190, self._max_headers),
            max_headers=MAX_HEADER_LINES,
            headers={
                "Content-Type": "application/json",
                "Accept": "application/json",
                "Accept-Encoding": "identity",
            },
            skip_auto_headers=("User-Agent",),
        )
        return self._session

    async def _close_session(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            await session.close()


def _reason(error: Exception) -> str:
    """Say in a few words what went wrong, without the library's names for it."""
    match error:
        case aiohttp.ClientConnectorCertificateError():
            return f"the worker's certificate is not good: {error.certificate_error}"
        case aiohttp.ClientConnectorError():
            return _of_system(error.os_error)
        case aiohttp.ServerDisconnectedError():
            return "EOF: the connection was closed before an answer came"
        case aiohttp.ClientPayloadError():
            return "unexpected EOF: the connection was closed, or broken, in the middle of the answer"
        case aiohttp.ClientResponseError() | HttpProcessingError():
            return f"malformed HTTP response: {_line(error.message)}"
        case OSError():
            return _of_system(error)
        case _:
            return _line(f"{type(error).__name__}: {error}")


def _of_system(error: OSError) -> str:
    # asyncio puts words of its own beside the number; those of a resolver have negative ones, or none.
    if error.errno is not None and error.errno > 0:
        text = os.strerror(error.errno)
    else:
        text = error.strerror or _line(str(error)) or type(error).__name__
    return text[:1].lower() + text[1:]


def _line(text: str) -> str:
    """Keep the beginning, as one line: it may quote what was received."""
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text[:200]).split())


def _nothing() -> None:
    """Whoever asked was told on the way."""
