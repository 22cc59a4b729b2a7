"""A connection that trusts its server as little as it can: one request at a time, and one answer to each.

A server gets no more of the loop's time than what it sends is worth: little is read at once, and `reading` bounds the rest.
What a server sends without having been asked ends the connection, and is never taken for the answer to the next request.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from typing import cast

from iwf_py.wire.reading import Answer, AnswerReader, BadAnswerError, Bounds

# What the system keeps of an answer until it is read, and with that the most that is read at once.
_WINDOW = 16 * 1024


class Connection(asyncio.Protocol):
    """
    One connection.

    Args:
        gone: Told when it has ended, by whomever.

    Attributes:
        idle_since: On the loop's clock; a note of whoever keeps it.
    """

    def __init__(self, bounds: Bounds, gone: Callable[[Connection], None]) -> None:
        self._gone = gone
        self._transport: asyncio.Transport | None = None
        self._reader = AnswerReader(bounds)
        # Who waits for an answer.
        self._told: Callable[[Answer | Exception], None] | None = None
        self._is_good = True
        self.idle_since = 0.0

    @property
    def is_free(self) -> bool:
        """May a request go over it? Only once the one before has its answer, all of it and nothing more."""
        return self._is_good and self._told is None and self._transport is not None and not self._transport.is_closing()

    def ask(self, head: bytes, body: bytes, told: Callable[[Answer | Exception], None]) -> None:
        """
        Send a request.

        Args:
            told: Called once, with the answer; with a `BadAnswerError` where no usable one came, and with an OSError where the
                connection broke. By then the next request may be sent, if the connection is free.
        """
        assert self._transport is not None
        self._reader.begin()
        self._told = told
        if len(body) < _WINDOW:
            # One piece: one packet, and one call of the system.
            self._transport.write(head + body)
        else:
            self._transport.writelines((head, body))

    def abort(self) -> None:
        """End it at once; whoever waits for an answer is not told."""
        self._is_good = False
        self._told = None
        if self._transport is not None:
            self._transport.abort()

    # --- what the loop calls --------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the transport; that of another loop than asyncio's own, as uvloop's, need not derive from asyncio's."""
        self._transport = cast("asyncio.Transport", transport)
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _WINDOW)

    def data_received(self, data: bytes) -> None:
        """Read what has come, unless nothing was to come."""
        if self._told is None:
            self.abort()
            return
        try:
            self._reader.feed(data)
        except BadAnswerError as error:
            self._is_good = False
            self._tell(error)
            self.abort()
            return
        if self._reader.answer is not None:
            assert self._transport is not None
            # A server that has answered reads no further: what it was not sent yet would be taken for the next request.
            if self._reader.is_last or self._transport.get_write_buffer_size():
                self._is_good = False
            self._tell(self._reader.answer)

    def connection_lost(self, error: Exception | None) -> None:
        """Tell whoever waits."""
        self._is_good = False
        if self._told is not None:
            self._tell(error or self._ended())
        self._reader.close()
        self._gone(self)

    def _ended(self) -> Answer | BadAnswerError:
        try:
            self._reader.end()
        except BadAnswerError as error:
            return error
        assert self._reader.answer is not None
        return self._reader.answer

    def _tell(self, what: Answer | Exception) -> None:
        told, self._told = self._told, None
        if told is not None:
            told(what)
