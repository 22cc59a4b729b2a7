"""Many HTTP POSTs at once, on one event loop: what comes of each is told to whoever asked.

No post waits for another's server.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable
from functools import partial

from iwf_py.coroutines import LoopThread
from iwf_py.errors import EngineStoppedError
from iwf_py.wire.exchanging import LARGE, PER_HOST, Answered, Exchange, Exchanges, Post, Reply, Unanswered
from iwf_py.wire.pools import LookUp
from iwf_py.wire.reading import MAX_BODY, MAX_HEADERS

_log = logging.getLogger(__name__)


class _Call:
    __slots__ = ("deadline", "done", "exchange")

    def __init__(self, done: Callable[[Reply], None], deadline: float) -> None:
        # None once it is told, or nobody listens any more.
        self.done: Callable[[Reply], None] | None = done
        self.deadline = deadline
        self.exchange: Exchange | None = None


class Poster:
    """
    Posts, on a thread of its own.

    Args:
        look_up: Tells the addresses of a host, as for `Exchanges`.

        per_host: Connections to one host and port at once; further posts wait for one of them.

        max_body: Bytes of an answer's body that are read.

        max_headers: Bytes of an answer's headers.
    """

    def __init__(
        self, look_up: LookUp, *, per_host: int = PER_HOST, max_body: int = MAX_BODY, max_headers: int = MAX_HEADERS
    ) -> None:
        self._exchanges = Exchanges(look_up, per_host=per_host, max_body=max_body, max_headers=max_headers)
        self._lock = threading.Lock()
        self._loop: LoopThread | None = None
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
        return self._start(call, partial(self._send, call, post))

    def soon(self, step: Callable[[], None]) -> Callable[[], None]:
        """
        Do a quick step on the poster's thread.

        Returns:
            Cancel: it is not done, if it was not yet.

        Errors:
            EngineStoppedError: The poster is closed.
        """
        call = _Call(lambda _: step(), 0.0)
        return self._start(call, partial(self._tell, call, Unanswered(reason="not sent")))

    def submit(self, step: Callable[[], None]) -> None:
        """
        Run a step of the engine's on the poster's thread, between what the connections bring (`ports.Executor`).

        Errors:
            EngineStoppedError: The poster is closed.
        """
        self._running_loop().soon(step)

    def _start(self, call: _Call, step: Callable[[], None]) -> Callable[[], None]:
        loop = self._running_loop()
        loop.soon(step)
        return partial(self._cancel, loop, call)

    def _running_loop(self) -> LoopThread:
        with self._lock:
            if self._is_closed:
                raise EngineStoppedError("the calls of workers have ended; start the engine again")
            if self._loop is None:
                self._loop = LoopThread("iwf-posts", farewell=self._exchanges.close)
            return self._loop

    def close(self, timeout: float = 5.0) -> None:
        """Forget what is under way, and end the thread; safe to call twice."""
        with self._lock:
            loop, self._loop = self._loop, None
            self._is_closed = True
        if loop is not None:
            loop.close(timeout)

    def _cancel(self, loop: LoopThread, call: _Call) -> None:
        with self._lock:
            is_told, call.done = call.done is None, None
        if not is_told:
            loop.soon(partial(_end, call))

    def _send(self, call: _Call, post: Post) -> None:
        if call.done is not None:
            call.exchange = self._exchanges.send(post, call.deadline, partial(self._answered, call))

    def _answered(self, call: _Call, reply: Reply) -> None:
        if isinstance(reply, Answered) and len(reply.body) > LARGE:
            asyncio.get_running_loop().run_in_executor(None, self._tell, call, reply)
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


def _end(call: _Call) -> None:
    if call.exchange is not None:
        call.exchange.cancel()
