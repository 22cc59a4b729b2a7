"""A client's line to one server: a thread with an event loop, and connections that are used again.

It opens with the first question, in the process that asks it: one that is a fork of another opens its own. A
question that waits costs a connection and no thread.
"""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from functools import partial
from typing import Any, TypeVar

from iwf_py.coroutines import LoopThread
from iwf_py.errors import EngineStoppedError
from iwf_py.wire.exchanging import PER_HOST, Exchanges
from iwf_py.wire.names import Names
from iwf_py.wire.reading import MAX_BODY

T = TypeVar("T")

# A page of a search may be large; a worker's answer may not.
_MAX_ANSWER = 8 * MAX_BODY


class Line:
    """
    Runs questions; one that nobody holds any more is closed.

    Attributes:
        calls: For questions that are answered at once; so many at a time as a server can be expected to take.

        polls: For those that wait, any number of them.
    """

    def __init__(self) -> None:
        self._begin()
        self._finalizer = weakref.finalize(self, _close, self._held)

    def _begin(self) -> None:
        names = Names()

        def look_up(host: str, port: int) -> Future[tuple[str, ...]]:
            return names.look_up(host, port, _allow)

        self.calls = Exchanges(look_up, per_host=PER_HOST, max_body=_MAX_ANSWER)
        self.polls = Exchanges(look_up, per_host=0, max_body=_MAX_ANSWER)
        self._lock = threading.Lock()
        self._process = os.getpid()
        self._is_closed = False
        self._held: list[LoopThread] = []

    def ask(self, make: Callable[[], Coroutine[Any, Any, T]]) -> Future[T]:
        """
        Run a question; its answer, or what it raises, comes with the future. Cancelling that ends the question.

        Errors, through the future:
            EngineStoppedError: The line is closed.
        """
        if self._process != os.getpid():
            # The thread is the parent's, and the lock may be held by one that is not here.
            self._begin()
            self._finalizer = weakref.finalize(self, _close, self._held)
        with self._lock:
            if self._is_closed:
                refused: Future[T] = Future()
                refused.set_exception(EngineStoppedError(_CLOSED))
                return refused
            if not self._held:
                self._held.append(LoopThread("iwf-client", farewell=partial(_hang_up, self.calls, self.polls)))
            loop = self._held[0]
            return loop.submit(make, _give_up)

    def close(self) -> None:
        """Hang up: questions that are under way are refused. Safe to call twice."""
        with self._lock:
            self._is_closed = True
        if self._process == os.getpid():
            self._finalizer()


_CLOSED = "this client is closed; make another one"


def _give_up(future: Future[Any]) -> None:
    """Refuse a question that is over without an answer: the line was closed."""
    if not future.done() and future.set_running_or_notify_cancel():
        future.set_exception(EngineStoppedError(_CLOSED))


async def _hang_up(*connections: Exchanges) -> None:
    for one in connections:
        await one.close()


def _close(held: list[LoopThread]) -> None:
    while held:
        held.pop().close(2.0)


def _allow(addresses: tuple[str, ...]) -> None:
    """Let whoever runs a client call what it likes."""
