"""One event loop on one thread, for coroutines and steps that are started from other threads.

A coroutine that blocks its thread (it sleeps with `time.sleep`, it calls a blocking client) blocks all the others;
whoever asks for a cancellation finds out, and can go on with another loop.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from functools import partial
from typing import Any, TypeVar

from iwf_py.errors import InvalidArgumentError
from iwf_py.ports import take_seat

T = TypeVar("T")

_log = logging.getLogger(__name__)


class Ticket:
    """A coroutine on its way: not begun, running, or over."""

    __slots__ = ("is_cancelled", "make", "over", "task")

    def __init__(self, make: Callable[[], Coroutine[Any, Any, None]], over: Callable[[], None]) -> None:
        self.make = make
        self.over = over
        self.is_cancelled = False
        self.task: asyncio.Task[None] | None = None


class LoopThread:
    """
    An event loop on a daemon thread.

    Args:
        farewell: Made and awaited there when the loop is closed, after all that ran on it has ended: to close connections.
    """

    def __init__(self, name: str, farewell: Callable[[], Coroutine[Any, Any, None]] | None = None) -> None:
        self._farewell = farewell
        self._loop = asyncio.new_event_loop()
        self._lock = threading.Lock()
        self._incoming: deque[Callable[[], None]] = deque()
        self._is_scheduled = False
        self._is_closed = False
        self._has_ended = False
        self._tasks: set[asyncio.Task[None]] = set()
        # When the oldest cancellation was asked for that the loop has not looked at.
        self._asked_at: float | None = None
        self._thread = threading.Thread(target=self._serve, name=name, daemon=True)
        self._thread.start()

    def start(self, make: Callable[[], Coroutine[Any, Any, None]], over: Callable[[], None]) -> Ticket:
        """
        Run a coroutine soon.

        Args:
            make: Called on the loop's thread, unless the ticket is cancelled before.

            over: Called there when the coroutine is over, even if it was cancelled before its first step.
        """
        ticket = Ticket(make, over)
        self.soon(partial(self._launch, ticket))
        return ticket

    def soon(self, step: Callable[[], None]) -> None:
        """Do a quick step on the loop's thread; those of one thread are done in order, and none once the loop is closed."""
        with self._lock:
            self._incoming.append(step)
            # Waking the loop costs a write to its pipe: one for all that gather meanwhile.
            wake = not self._is_scheduled and not self._is_closed
            self._is_scheduled = True
        if not wake:
            return
        if self._thread is threading.current_thread():
            self._loop.call_soon(self._begin)
        else:
            self._call(self._begin)

    def submit(self, make: Callable[[], Coroutine[Any, Any, T]], over: Callable[[Future[T]], None]) -> Future[T]:
        """
        Run a coroutine soon; its result, or what it raises, comes with the future. Cancelling that cancels the coroutine.

        Args:
            over: Called on the loop's thread when the coroutine is over; it answers a future that is not done, because the
                coroutine was cancelled with the loop.
        """
        future: Future[T] = Future()
        ticket = self.start(partial(_carry_out, make, future), over=partial(over, future))

        def forget(future: Future[T]) -> None:
            if future.cancelled():
                self.cancel(ticket)

        future.add_done_callback(forget)
        return future

    def cancel(self, ticket: Ticket) -> None:
        """Cancel a coroutine soon."""
        with self._lock:
            ticket.is_cancelled = True
            if self._is_closed:
                return
            if self._asked_at is None:
                self._asked_at = time.monotonic()
        self._call(self._end, ticket)

    def is_stuck(self, patience: float) -> bool:
        """Has the loop not looked at a cancellation for so many seconds?"""
        with self._lock:
            return self._asked_at is not None and time.monotonic() - self._asked_at >= patience

    def culprit(self) -> asyncio.Task[Any] | None:
        """Tell which task has the thread."""
        return asyncio.current_task(self._loop)

    def close(self, timeout: float) -> None:
        """Cancel what runs, and join the thread when it ends in time; else leave it behind."""
        with self._lock:
            if self._is_closed:
                return
            self._is_closed = True
        self._call(self._cancel_all)
        if self._thread is not threading.current_thread():
            self._thread.join(timeout)

    def _call(self, step: Callable[..., None], *arguments: Any) -> None:
        """Have the loop's thread do something; nothing once the loop is closed, and then there is nobody to do it for."""
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(step, *arguments)

    def _serve(self) -> None:
        take_seat(_refuse_to_wait)
        asyncio.set_event_loop(self._loop)
        try:
            while not (self._has_ended or self._loop.is_closed()):
                try:
                    self._loop.run_forever()
                except BaseException:  # noqa: BLE001 - a SystemExit in a task leaves the loop as well
                    _log.exception("a coroutine ended the event loop, which goes on")
        finally:
            asyncio.set_event_loop(None)
            self._loop.close()

    def _begin(self) -> None:
        with self._lock:
            self._is_scheduled = False
            steps = list(self._incoming)
            self._incoming.clear()
        for step in steps:
            try:
                step()
            except BaseException:  # noqa: BLE001 - the others are done all the same
                _log.exception("a step on an event loop failed")

    def _launch(self, ticket: Ticket) -> None:
        if ticket.is_cancelled:
            ticket.over()
            return
        task = ticket.task = self._loop.create_task(ticket.make())
        self._tasks.add(task)
        task.add_done_callback(partial(self._over, ticket))

    def _over(self, ticket: Ticket, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        ticket.over()

    def _end(self, ticket: Ticket) -> None:
        with self._lock:
            self._asked_at = None
        if ticket.task is not None:
            ticket.task.cancel()

    def _cancel_all(self) -> None:
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        end = self._loop.create_task(self._end_of(tasks))
        end.add_done_callback(self._stop)

    async def _end_of(self, tasks: list[asyncio.Task[None]]) -> None:
        if tasks:
            await asyncio.wait(tasks)
        if self._farewell is not None:
            await self._farewell()
        await self._loop.shutdown_asyncgens()
        await self._loop.shutdown_default_executor()

    def _stop(self, end: asyncio.Task[None]) -> None:
        if not end.cancelled() and end.exception() is not None:
            _log.error("an event loop did not end well", exc_info=end.exception())
        self._has_ended = True
        self._loop.stop()


async def _carry_out(make: Callable[[], Coroutine[Any, Any, T]], future: Future[T]) -> None:
    try:
        answer = await make()
    except asyncio.CancelledError as error:
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise
        if future.set_running_or_notify_cancel():
            future.set_exception(error)
    except BaseException as error:  # noqa: BLE001 - whoever asked is answered, and the loop goes on
        if future.set_running_or_notify_cancel():
            future.set_exception(error)
    else:
        if future.set_running_or_notify_cancel():
            future.set_result(answer)


def _refuse_to_wait() -> Any:
    raise InvalidArgumentError(
        "a blocking client call in an async handler would hold up every other async handler; await AsyncClient instead"
    )
