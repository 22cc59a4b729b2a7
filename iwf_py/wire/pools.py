"""Connections to one place: as many as are wanted, up to a bound, and used again while they are fresh."""

from __future__ import annotations

import asyncio
import ssl
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future

from attrs import frozen

from iwf_py.wire.addresses import address_of
from iwf_py.wire.connections import Connection
from iwf_py.wire.reading import Bounds

# Answers with addresses, or raises an OSError.
LookUp = Callable[[str, int], "Future[tuple[str, ...]]"]

# Shorter than servers keep an idle connection themselves (two seconds are common): else posts would now and then meet one that
# its server is just closing, and nobody could say whether they were carried out.
IDLE_SECONDS = 1.0
# What an address gets before the next one of the same host is tried.
_TRY_SECONDS = 2.0


class UnreachableError(Exception):
    """No connection was made, so nothing was sent; its cause says why."""


@frozen
class Place:
    """Where connections go; *tls* None for plain ones."""

    host: str
    port: int
    tls: ssl.SSLContext | None


class Pool:
    """
    The connections to one place; all its methods belong to one loop.

    Args:
        look_up: Tells the addresses of the host; connections go to these and to no others. A host that is an address is not
            looked up.

        most: Connections at once, 0 for any number; whoever comes later waits for one of them.
    """

    def __init__(self, place: Place, look_up: LookUp, bounds: Bounds, most: int) -> None:
        self._place = place
        self._look_up = look_up
        self._bounds = bounds
        self._most = most
        self._loop = asyncio.get_running_loop()
        # All of them, and those that are being made.
        self._count = 0
        self._connections: set[Connection] = set()
        # The one that was used last stands last.
        self._idle: list[Connection] = []
        # Each is given a connection, or None: the right to make one.
        self._waiting: deque[asyncio.Future[Connection | None]] = deque()
        self._sweeper: asyncio.TimerHandle | None = None
        # The address that answered last is tried first.
        self._best: str | None = None

    @property
    def is_empty(self) -> bool:
        """Is nothing open, and nobody waiting?"""
        return not self._count and not self._waiting

    async def take(self) -> Connection:
        """
        Give a connection to whoever asks, for one request; it is to be given back.

        Errors:
            UnreachableError: None could be made.
        """
        while True:
            connection = self.fresh()
            if connection is not None:
                return connection
            if not self._most or self._count < self._most:
                self._count += 1
                break
            given = await self._wait()
            if given is None:
                break
            if given.is_free:
                return given
            # It has ended since it was given; whoever is next is told when it is gone.
        try:
            return await self._connect()
        except BaseException:
            self._free()
            raise

    def fresh(self) -> Connection | None:
        """
        Give a connection that is at hand to whoever asks, for one request; it is to be given back. None where none is.

        It is the one that was used last, if its server has not given it up meanwhile.
        """
        now = self._loop.time()
        while self._idle:
            connection = self._idle.pop()
            if connection.is_free and now - connection.idle_since < IDLE_SECONDS:
                return connection
            connection.abort()
        return None

    def give_back(self, connection: Connection) -> None:
        """Take a connection back, whatever has become of it."""
        if not connection.is_free:
            connection.abort()
            return
        while self._waiting:
            waiting = self._waiting.popleft()
            if not waiting.done():
                waiting.set_result(connection)
                return
        connection.idle_since = self._loop.time()
        self._idle.append(connection)
        if self._sweeper is None:
            self._sweeper = self._loop.call_later(IDLE_SECONDS, self._sweep)

    def close(self) -> None:
        """End all connections."""
        if self._sweeper is not None:
            self._sweeper.cancel()
            self._sweeper = None
        self._idle.clear()
        for connection in list(self._connections):
            connection.abort()

    async def _wait(self) -> Connection | None:
        waiting: asyncio.Future[Connection | None] = self._loop.create_future()
        self._waiting.append(waiting)
        try:
            return await waiting
        except BaseException:
            if waiting.done() and not waiting.cancelled():
                # It came in the same moment: others wait for it.
                given = waiting.result()
                if given is None:
                    self._free()
                else:
                    self.give_back(given)
            elif waiting in self._waiting:
                # Else it was passed over already, in the moment between the cancellation and this one.
                self._waiting.remove(waiting)
            raise

    def _free(self) -> None:
        """Have somebody who waits make a connection, in place of one that has gone."""
        while self._waiting:
            waiting = self._waiting.popleft()
            if not waiting.done():
                waiting.set_result(None)
                return
        self._count -= 1

    def _gone(self, connection: Connection) -> None:
        if connection in self._idle:
            self._idle.remove(connection)
        self._connections.discard(connection)
        self._free()

    async def _connect(self) -> Connection:
        try:
            return await self._connected(await self._addresses())
        except OSError as error:
            raise UnreachableError from error

    async def _addresses(self) -> tuple[str, ...]:
        host, port = self._place.host, self._place.port
        if address_of(host) is not None:
            return (host,)
        found = await asyncio.wrap_future(self._look_up(host, port))
        return tuple(sorted(found, key=lambda address: address != self._best))

    async def _connected(self, addresses: tuple[str, ...]) -> Connection:
        for address in addresses[:-1]:
            try:
                async with asyncio.timeout(_TRY_SECONDS):
                    return await self._open(address)
            except OSError:
                # A TimeoutError is one.
                continue
        return await self._open(addresses[-1])

    async def _open(self, address: str) -> Connection:
        tls, gone = self._place.tls, False

        def end(connection: Connection) -> None:
            nonlocal gone
            gone = True
            if connection in self._connections:
                self._gone(connection)

        _, connection = await self._loop.create_connection(
            lambda: Connection(self._bounds, end),
            address,
            self._place.port,
            ssl=tls,
            server_hostname=None if tls is None else self._place.host,
        )
        if gone:
            raise ConnectionResetError("the connection was closed at once")
        self._connections.add(connection)
        self._best = address
        return connection

    def _sweep(self) -> None:
        """Close what nobody has used for a while."""
        self._sweeper = None
        until = self._loop.time() - IDLE_SECONDS
        while self._idle and self._idle[0].idle_since <= until:
            self._idle.pop(0).abort()
        if self._idle:
            self._sweeper = self._loop.call_at(self._idle[0].idle_since + IDLE_SECONDS, self._sweep)
