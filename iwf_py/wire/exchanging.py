"""One HTTP POST and its answer, as a coroutine of one event loop.

Whoever is called may do what it likes: refuse, hang, send a byte a second or a gigabyte, redirect, answer in a language
that is not HTTP. Each post has its answer or a sentence for why there is none, by its deadline. What comes back is
bounded, is not unpacked, and leads to no further request.
"""

from __future__ import annotations

import asyncio
import io
import os
import ssl
from collections.abc import Mapping

import aiohttp
from aiohttp.http import HttpProcessingError
from attrs import field, frozen
from yarl import URL

from iwf_py.wire.connections import Connector, LookUp
from iwf_py.wire.marks import HEADER, is_ours

MAX_BODY = 8 * 1024 * 1024
MAX_HEADERS = 64 * 1024
MAX_HEADER_LINES = 128
PER_HOST = 128
# To open, or to send in one piece, more than this would hold up the loop.
LARGE = 256 * 1024


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
    """

    status: int
    content_type: str
    body: bytes
    is_ours: bool = False


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


class _UnusableError(Exception):
    """An answer that is not read to its end; the text says why."""


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
        self._max_body = max_body
        self._max_headers = max_headers
        self._session: aiohttp.ClientSession | None = None

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
        except _UnusableError as error:
            return Unanswered(reason=str(error))
        except Exception as error:  # noqa: BLE001 - whoever asked is answered, whatever the library makes of it
            return Unanswered(reason=_reason(error), was_sent=not isinstance(error, aiohttp.ClientConnectorError))

    async def close(self) -> None:
        """Close the connections; the next post opens new ones."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def _exchange(self, post: Post) -> Answered:
        session = self._session or self._open_session()
        async with session.post(
            URL(post.url, encoded=True),
            # The library writes bytes in one go, and warns of large ones; from a stream it takes them piece by piece.
            data=post.body if len(post.body) < LARGE else io.BytesIO(post.body),
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
                is_ours=is_ours(response.headers.get(HEADER)),
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


def _reason(error: Exception) -> str:
    """Say in a few words what went wrong, without the library's names for it."""
    match error:
        case aiohttp.ClientConnectorCertificateError():
            return f"the certificate is not good: {error.certificate_error}"
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
