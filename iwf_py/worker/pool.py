"""Where user code runs: a pool of threads, and one event loop for coroutines.

Hanging handlers cannot exhaust the pool. An attempt that passes its timeout is abandoned: it is answered with a
failure, its thread goes on unheard and is replaced. Once a workflow type has `max_abandoned` calls running or
abandoned, and any of them is abandoned, that type alone is held back: its calls wait for one of them to end, up to
their own timeout. A thread that waits inside our own client is made up for.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Protocol

from iwf_py.coroutines import LoopThread, Ticket
from iwf_py.errors import EngineStoppedError
from iwf_py.model.invocations import Failed, Failure, Invocation, Outcome, Serves
from iwf_py.worker.deadlines import Deadline, Deadlines
from iwf_py.worker.failures import failure_of
from iwf_py.worker.holding import Holding
from iwf_py.worker.threads import Threads

_log = logging.getLogger(__name__)

MAX_WORKERS = 64


class UserCode(Protocol):
    """What the pool runs: the handlers of the registered workflows."""

    @property
    def serves(self) -> Serves:
        """What there is code for."""

    def is_async(self, invocation: Invocation) -> bool:
        """Is the method a coroutine function?"""

    def call(self, invocation: Invocation) -> Outcome:
        """Call a plain method; what it raises is an outcome too."""

    async def call_async(self, invocation: Invocation) -> Outcome:
        """Call a coroutine function; what it raises is an outcome too."""


class _Call:
    """One call, from `perform` to its end."""

    __slots__ = ("deadline", "done", "has_begun", "invocation", "is_abandoned", "is_over", "loop", "ticket")

    def __init__(self, invocation: Invocation, done: Callable[[Outcome], None]) -> None:
        self.invocation = invocation
        # None once it is answered, or nobody listens any more.
        self.done: Callable[[Outcome], None] | None = done
        # Of holding it back, then of the attempt.
        self.deadline: Deadline | None = None
        self.has_begun = False
        self.is_abandoned = False
        self.is_over = False
        self.loop: LoopThread | None = None
        self.ticket: Ticket | None = None


class ThreadPerformer:
    """
    Runs user code in this process (a `ports.Performer`).

    Args:
        handlers: The user code.

        max_workers: Threads for plain methods; more only to make up for threads that wait or were abandoned.

        max_abandoned: Calls that one workflow type may have once one of its attempts hangs; *max_workers* when None.

        idle_seconds: A thread that had nothing to do for so long ends.

        loop_patience: An event loop that has not looked at a cancellation for so many seconds is replaced.
    """

    def __init__(
        self,
        handlers: UserCode,
        max_workers: int = MAX_WORKERS,
        *,
        max_abandoned: int | None = None,
        idle_seconds: float = 30.0,
        loop_patience: float = 1.0,
    ) -> None:
        self._handlers = handlers
        self._loop_patience = loop_patience
        self._lock = threading.Lock()
        self._threads = Threads("iwf-worker", max_workers, idle_seconds)
        self._deadlines = Deadlines("iwf-deadlines")
        self._holding: Holding[_Call] = Holding(max_workers if max_abandoned is None else max_abandoned)
        self._loop: LoopThread | None = None
        self._on_loop: set[_Call] = set()
        self._is_closed = False

    @property
    def serves(self) -> Serves:
        """What it has code for."""
        return self._handlers.serves

    @property
    def held_back(self) -> dict[str, int]:
        """Workflow types that are held back now, with the number of their abandoned attempts that still run."""
        with self._lock:
            return self._holding.full()

    def perform(self, invocation: Invocation, done: Callable[[Outcome], None]) -> Callable[[], None]:
        """
        Run one call; *done* is called exactly once, on a thread of the pool, unless the call is cancelled first.

        Returns:
            Cancel: forget the call; a coroutine is cancelled, a thread goes on unheard.

        Errors:
            EngineStoppedError: The pool is closed.
        """
        if self._is_closed:
            raise EngineStoppedError("the pool of workers is closed; start the engine again to run user code")
        call = _Call(invocation, done)
        self._route(call)
        return partial(self._cancel, call)

    def close(self, timeout: float = 5.0) -> None:
        """Forget what was not begun, cancel coroutines, and join what ends within *timeout*; the rest is left behind."""
        with self._lock:
            if self._is_closed:
                return
            self._is_closed = True
            loop = self._loop
        self._deadlines.close()
        until = time.monotonic() + timeout
        if loop is not None:
            loop.close(timeout)
        left = self._threads.close(max(0.0, until - time.monotonic()))
        if left:
            _log.warning("%d call(s) of user code did not end within %g s and are left behind", left, timeout)

    def _route(self, call: _Call) -> None:
        if self._handlers.is_async(call.invocation):
            self._start_coroutine(call)
        else:
            self._threads.run(partial(self._run_on_thread, call))

    def _begins(self, call: _Call, abandon: Callable[[_Call], None]) -> bool:
        """With the lock held: begin a call, unless it was cancelled or its type is held back."""
        kind = call.invocation.workflow_type
        if call.done is None or self._is_closed:
            return False
        if self._holding.is_full(kind):
            self._hold(call)
            return False
        if call.deadline is not None:
            self._deadlines.meet(call.deadline)
        self._holding.begin(kind)
        call.has_begun = True
        call.deadline = self._deadlines.set(call.invocation.timeout.total_seconds(), partial(abandon, call))
        return True

    def _finish(self, call: _Call, outcome: Outcome | None) -> None:
        """End a call that has begun; with None for an outcome nobody is told."""
        with self._lock:
            if call.is_over:
                return
            released = self._ended(call)
            done, call.done = call.done, None
        if call.deadline is not None:
            self._deadlines.meet(call.deadline)
        for other in released:
            self._route(other)
        if done is not None and outcome is not None:
            _tell(done, outcome)

    def _ended(self, call: _Call) -> list[_Call]:
        call.is_over = True
        self._on_loop.discard(call)
        return self._holding.end(call.invocation.workflow_type, was_abandoned=call.is_abandoned)

    def _abandon(self, call: _Call, leave: Callable[[], None]) -> None:
        """Leave an attempt that has passed its timeout to itself, and answer for it."""
        with self._lock:
            if call.is_over or self._is_closed:
                return
            call.is_abandoned = True
            self._holding.abandon(call.invocation.workflow_type)
            done, call.done = call.done, None
        leave()
        invocation = call.invocation
        message = (
            f"{invocation.state_execution_id or invocation.method_name} timed out after {invocation.timeout.total_seconds():g} s "
            "(activity StartToClose timeout); the abandoned attempt may still be running"
        )
        _log.warning("%s; workflow %r, type %s", message, invocation.workflow_id, invocation.workflow_type)
        if done is not None:
            _tell(done, _failed(invocation, "AttemptTimeout", message))

    def _cancel(self, call: _Call) -> None:
        with self._lock:
            call.done = None
            self._holding.drop(call.invocation.workflow_type, call)
        _cancel_coroutine(call)

    # --- threads ------------------------------------------------------------------------------------------

    def _run_on_thread(self, call: _Call) -> bool:
        with self._lock:
            if not self._begins(call, self._abandon_thread):
                return False
        try:
            outcome = self._handlers.call(call.invocation)
        except BaseException as error:  # noqa: BLE001 - user code may even call sys.exit: the thread is ours, and stays
            outcome = Failed(failure_of(error, call.invocation))
        self._finish(call, outcome)
        return call.is_abandoned

    def _abandon_thread(self, call: _Call) -> None:
        self._abandon(call, self._threads.give_up)

    # --- coroutines ---------------------------------------------------------------------------------------

    def _start_coroutine(self, call: _Call) -> None:
        with self._lock:
            if not self._begins(call, self._abandon_coroutine):
                return
            lost = self._replace_stuck_loop()
            if self._loop is None:
                self._loop = LoopThread("iwf-coroutines")
            call.loop = self._loop
            self._on_loop.add(call)
            call.ticket = self._loop.start(partial(self._await, call), over=partial(self._finish, call, None))
        self._tell_lost(lost)

    async def _await(self, call: _Call) -> None:
        outcome: Outcome | None
        try:
            outcome = await self._handlers.call_async(call.invocation)
        except asyncio.CancelledError as error:
            # Ours, and then nobody listens; or raised by user code, which is a failure as any other.
            outcome = None if self._is_closed else Failed(failure_of(error, call.invocation))
        except BaseException as error:  # noqa: BLE001 - user code may even call sys.exit: the loop is ours, and stays
            outcome = Failed(failure_of(error, call.invocation))
        self._finish(call, outcome)

    def _abandon_coroutine(self, call: _Call) -> None:
        self._abandon(call, partial(_cancel_coroutine, call))
        # Whoever blocks the loop does not hear of it, and the others on it wait.
        self._deadlines.set(self._loop_patience, self._look_at_loop)

    def _look_at_loop(self) -> None:
        """Leave the loop behind if it is stuck."""
        with self._lock:
            lost = self._replace_stuck_loop()
        self._tell_lost(lost)

    def _replace_stuck_loop(self) -> list[_Call]:
        """With the lock held: leave a stuck loop behind, for another one; answer the calls that are lost with it."""
        loop = self._loop
        if loop is None or self._is_closed or not loop.is_stuck(self._loop_patience):
            return []
        self._loop = None
        return self._write_off(loop)

    def _tell_lost(self, lost: list[_Call]) -> None:
        for call in lost:
            message = "another async handler blocks the event loop's thread; it must await, not wait"
            self._finish(call, _failed(call.invocation, "LoopBlocked", message))

    def _write_off(self, loop: LoopThread) -> list[_Call]:
        """Leave a stuck loop behind: all its calls are lost but the one that blocks it, which stays abandoned."""
        culprit = loop.culprit()
        _log.error("the event loop of async handlers is blocked by %r and is replaced", culprit)
        loop.close(0)
        return [
            call
            for call in self._on_loop
            if call.loop is loop and (culprit is None or call.ticket is None or call.ticket.task is not culprit)
        ]

    # --- holding back -------------------------------------------------------------------------------------

    def _hold(self, call: _Call) -> None:
        invocation = call.invocation
        kind = invocation.workflow_type
        if self._holding.hold(kind, call):
            hanging = self._holding.hanging(kind)
            _log.warning("workflow type %r is held back: %d of its attempts hang past their timeout", kind, hanging)
        if call.deadline is None:
            call.deadline = self._deadlines.set(invocation.timeout.total_seconds(), partial(self._refuse, call))

    def _refuse(self, call: _Call) -> None:
        """Answer a call that was held back for as long as its attempt might have taken."""
        kind = call.invocation.workflow_type
        with self._lock:
            if call.has_begun:
                return
            self._holding.drop(kind, call)
            hanging = self._holding.hanging(kind)
            done, call.done = call.done, None
        if done is not None:
            message = (
                f"workflow type {kind!r} is held back: {hanging} of its attempts hang past their timeout; "
                "find what blocks them, and start the process again"
            )
            _tell(done, _failed(call.invocation, "HeldBack", message))


def _cancel_coroutine(call: _Call) -> None:
    if call.loop is not None and call.ticket is not None:
        call.loop.cancel(call.ticket)


def _failed(invocation: Invocation, error_type: str, message: str) -> Failed:
    state_id = None if invocation.state_execution_id is None else invocation.method_name
    return Failed(
        Failure(
            error_type=error_type,
            message=message,
            state_id=state_id,
            state_execution_id=invocation.state_execution_id,
        )
    )


def _tell(done: Callable[[Outcome], None], outcome: Outcome) -> None:
    try:
        done(outcome)
    except Exception:  # noqa: BLE001 - a thread of the pool outlives whatever its listener raises
        _log.exception("an outcome of user code could not be handed back")
