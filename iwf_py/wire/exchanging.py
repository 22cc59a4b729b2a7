"""HTTP POSTs and their answers, on one event loop.

Whoever is called may do what it likes: refuse, hang, send a byte a second or a gigabyte, redirect, answer in a language
that is not HTTP. Each post has its answer or a sentence for why there is none, by its deadline. What comes back is
bounded, is not unpacked, and leads to no further request.

A post that finds a connection at hand costs no task and no future: it is written, and whoever asked is called back.
"""

from __future__ import annotations

import asyncio
import os
import re
import ssl
from collections.abc import Callable, Mapping
from functools import lru_cache, partial
from urllib.parse import urlsplit

from attrs import field, frozen

from iwf_py.wire.connections import Connection
from iwf_py.wire.marks import HEADER, is_ours
from iwf_py.wire.pools import LookUp, Place, Pool, UnreachableError
from iwf_py.wire.reading import MAX_BODY, MAX_HEADERS, Answer, BadAnswerError, Bounds, line

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


class Exchange:
    """
    One post on its way; all its methods belong to the loop.

    Args:
        told: Called once, with what came of it, unless it is cancelled first.

        over: Called once it is over, however, before *told*.
    """

    __slots__ = ("_body", "_connection", "_head", "_over", "_pool", "_taking", "_timer", "_told")

    def __init__(
        self, pool: Pool, head: bytes, body: bytes, told: Callable[[Reply], None], over: Callable[[Exchange], object]
    ) -> None:
        self._pool = pool
        self._head = head
        self._body = body
        # None once it is over.
        self._told: Callable[[Reply], None] | None = told
        self._over = over
        self._taking: asyncio.Task[Connection] | None = None
        self._connection: Connection | None = None
        self._timer: asyncio.TimerHandle | None = None

    def begin(self, loop: asyncio.AbstractEventLoop, deadline: float) -> None:
        """Send it, as soon as there is a connection; *deadline* is on the loop's clock."""
        self._timer = loop.call_at(deadline, self._expire)
        connection = self._pool.fresh()
        if connection is not None:
            self._ask(connection)
            return
        self._taking = loop.create_task(self._pool.take())
        self._taking.add_done_callback(self._taken)

    def cancel(self) -> asyncio.Task[Connection] | None:
        """
        Give it up: its connection is closed, and nobody is told.

        Returns:
            What has to end yet: somebody who waits for a connection; or None.
        """
        taking = self._taking
        if self._end() is not None:
            self._give_up()
        return taking

    def _ask(self, connection: Connection) -> None:
        self._connection = connection
        try:
            connection.ask(self._head, self._body, self._answered)
        except Exception as error:  # noqa: BLE001 - whoever asked is answered, whatever came in between
            self._answered(error)

    def _taken(self, taking: asyncio.Task[Connection]) -> None:
        self._taking = None
        if taking.cancelled():
            return
        error = taking.exception()
        if self._told is None:
            # It came in the moment in which nobody waited any more.
            if error is None:
                self._pool.give_back(taking.result())
        elif error is None:
            self._ask(taking.result())
        elif isinstance(error, UnreachableError):
            self._tell(Unanswered(reason=_reason(error.__cause__ or error), was_sent=False))
        else:
            self._tell(Unanswered(reason=_reason(error)))

    def _answered(self, what: Answer | Exception) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            self._pool.give_back(connection)
        self._tell(_answer_of(what) if isinstance(what, Answer) else Unanswered(reason=_reason(what)))

    def _expire(self) -> None:
        told = self._end()
        # What is answered now is nobody's.
        self._give_up()
        if told is not None:
            told(Unanswered(reason="context deadline exceeded", is_timeout=True))

    def _give_up(self) -> None:
        if self._taking is not None:
            self._taking.cancel()
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.abort()
            self._pool.give_back(connection)

    def _tell(self, reply: Reply) -> None:
        told = self._end()
        if told is not None:
            told(reply)

    def _end(self) -> Callable[[Reply], None] | None:
        told, self._told = self._told, None
        if told is not None:
            if self._timer is not None:
                self._timer.cancel()
            self._over(self)
        return told


class Exchanges:
    """
    Posts over connections that are used again; all its methods belong to one loop.

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
        self._under_way: set[Exchange] = set()

    def send(self, post: Post, deadline: float, told: Callable[[Reply], None]) -> Exchange | None:
        """
        Send a post.

        Args:
            deadline: On the loop's clock.

            told: Called once, with what came of it, unless the exchange is cancelled first. It must be quick, and raise nothing.

        Returns:
            The exchange, to be cancelled; None where *told* was called already.
        """
        try:
            target = _target_of(post.url)
            head = _head_of(target, post)
            pool = self._pool(target, post.tls)
        except Exception as error:  # noqa: BLE001 - whoever asked is answered, whatever came in between
            told(Unanswered(reason=_reason(error)))
            return None
        exchange = Exchange(pool, head, post.body, told, self._under_way.discard)
        self._under_way.add(exchange)
        exchange.begin(asyncio.get_running_loop(), deadline)
        return exchange

    async def reply(self, post: Post, deadline: float | None = None) -> Reply:
        """
        Send a post, and tell what came of it; nothing but a cancellation is raised.

        Args:
            deadline: On the loop's clock, for a post that has waited already; else its timeout counts from now.
        """
        loop = asyncio.get_running_loop()
        if deadline is None:
            deadline = loop.time() + post.timeout
        answered: asyncio.Future[Reply] = loop.create_future()
        exchange = self.send(post, deadline, partial(_answer, answered))
        try:
            return await answered
        finally:
            if exchange is not None:
                exchange.cancel()

    async def close(self) -> None:
        """Give up what is under way and close the connections; the next post opens new ones."""
        takings = {taking for exchange in tuple(self._under_way) if (taking := exchange.cancel()) is not None}
        pools = list(self._pools.values())
        self._pools.clear()
        for pool in pools:
            pool.close()
        if takings:
            await asyncio.wait(takings)

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
    lines: bytes


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
    return _Target(is_secure, parts.hostname, port, f"POST {path} HTTP/1.1\r\nHost: {place}\r\n".encode())


def _head_of(target: _Target, post: Post) -> bytes:
    """
    Write the head of a request.

    Errors:
        ValueError: A header could be read as something else.
    """
    return b"%s%s%d\r\n\r\n" % (target.lines, _fields_of(tuple(post.headers.items())), len(post.body))


@lru_cache(256)
def _fields_of(headers: tuple[tuple[str, str], ...]) -> bytes:
    """Write the headers of a request, up to the length of its body; those of one worker are the same from call to call."""
    fields = [f"{name}: {value}" for name, value in {**_HEADERS, **dict(headers)}.items() if name.lower() not in _OURS]
    if not all(map(_HEADER.fullmatch, fields)):
        raise ValueError("a header that is to be sent along is none")
    return "\r\n".join([*fields, "Content-Length: "]).encode("latin-1")


def _answer(answered: asyncio.Future[Reply], reply: Reply) -> None:
    if not answered.done():
        answered.set_result(reply)


def _answer_of(answer: Answer) -> Answered:
    headers = answer.headers
    return Answered(
        status=answer.status,
        content_type=headers.get("content-type", ""),
        body=answer.body,
        is_ours=is_ours(headers.get(_MARK)),
        retry_after=_seconds_of(headers.get("retry-after", "")),
    )


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
