"""Connections that trust their server as little as they can.

They go to addresses that were looked at. A server gets no more of the loop's time than what it sends is worth: little is
read at once, and there is a bound to what may come before an answer's headers are complete. What a server sends without
having been asked ends the connection, and is never taken for the answer to the next request.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from typing import Any

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.client_proto import ResponseHandler
from aiohttp.http import HttpProcessingError, RawResponseMessage

# Answers with addresses, or raises an OSError.
LookUp = Callable[[str, int], "Future[tuple[str, ...]]"]

# Shorter than servers keep an idle connection themselves (two seconds are common): else posts would now and then meet one that
# its server is just closing, and nobody could say whether they were carried out.
IDLE_SECONDS = 1.0
# What the system keeps of an answer until it is read, and with that the most that is parsed at once.
_WINDOW = 16 * 1024


class Connector(aiohttp.TCPConnector):
    """
    Makes and keeps connections.

    Args:
        look_up: Tells the addresses of a host.

        per_host: Connections to one host and port at once.

        max_headers: Bytes that may come before an answer's body.
    """

    def __init__(self, look_up: LookUp, *, per_host: int, max_headers: int) -> None:
        super().__init__(
            limit=0,
            limit_per_host=per_host,
            keepalive_timeout=IDLE_SECONDS,
            resolver=_Resolver(look_up),
            use_dns_cache=False,
            socket_factory=_socket,
        )
        self._factory = partial(_connection, self._loop, max_headers)


class _Connection(ResponseHandler):
    """One connection; it knows whether an answer is expected."""

    def __init__(self, loop: asyncio.AbstractEventLoop, max_headers: int) -> None:
        super().__init__(loop)
        self._max_headers = max_headers
        self._is_asked = False
        self._received = 0
        # The body of the answer, once its headers are complete.
        self._body: aiohttp.StreamReader | None = None

    def set_response_params(self, **params: Any) -> None:
        """Expect an answer: called with each request."""
        self._is_asked = True
        self._received = 0
        self._body = None
        super().set_response_params(**params)

    def feed_data(self, data: tuple[RawResponseMessage, aiohttp.StreamReader], size: int = 0) -> None:
        """Pass an answer's headers on; interim ones (100 to 199, but for a change of protocols) come before the answer."""
        message, body = data
        if message.code == 101 or message.code >= 200:
            self._body = body
        super().feed_data(data, size)

    def data_received(self, data: bytes) -> None:
        """Take what has come, unless nothing was to come."""
        if data and not self._is_asked:
            self._end("more than one answer")
            return
        self._received += len(data)
        super().data_received(data)
        if self._body is None:
            # Interim answers cost most, and there could be any number of them.
            if self._received > self._max_headers + 2 * _WINDOW:
                self._end("too much before the answer")
        elif self._body.is_eof():
            self._is_asked = False
        elif self._received > self._max_headers + 2 * _WINDOW + 2 * self._body.total_bytes:
            # A chunk of a byte costs as much as one of many.
            self._end("chunks too small for so long an answer")

    def _end(self, why: str) -> None:
        error = HttpProcessingError(code=400, message=why)
        if self._body is not None:
            self._body.set_exception(error)
        self.set_exception(error)
        if isinstance(self.transport, asyncio.WriteTransport):
            self.transport.abort()


def _connection(loop: asyncio.AbstractEventLoop, max_headers: int) -> ResponseHandler:
    return _Connection(loop, max_headers)


class _Resolver(AbstractResolver):
    """Has connections go to the addresses that were looked at."""

    def __init__(self, look_up: LookUp) -> None:
        self._look_up = look_up

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        addresses = await asyncio.wrap_future(self._look_up(host, port))
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=socket.AF_INET6 if ":" in address else socket.AF_INET,
                proto=socket.IPPROTO_TCP,
                flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
            )
            for address in addresses
        ]

    async def close(self) -> None:
        """Nothing is open."""


def _socket(address: tuple[Any, ...]) -> socket.socket:
    family, kind, protocol, _, _ = address
    made = socket.socket(family, kind, protocol)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _WINDOW)
    return made
