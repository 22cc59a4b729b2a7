"""The worker: takes tasks, has them performed, hands outcomes back.

It owns no thread. Tasks are begun on whichever thread answers `take`, outcomes are handed back on the thread that
has them, or by an executor; outcomes that come in meanwhile go together with the next.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import CancelledError, Future
from functools import partial

from iwf_py.errors import EngineError, EngineStoppedError, StoreError
from iwf_py.model.invocations import Failed, Failure, Fence, Outcome, Task
from iwf_py.ports import Executor, Performer, TaskService

_log = logging.getLogger(__name__)

LIMIT = 1024


class Worker:
    """
    Keeps a performer busy with the tasks of a service.

    Args:
        tasks: Where tasks come from.

        performer: Runs user code.

        limit: Tasks in hand at once; the service keeps the others.

        executor: Hands outcomes back, those together that have come by then; None for the thread that has an outcome, at once.

        retry_seconds: After an error of the service, it is asked again so much later.
    """

    def __init__(
        self,
        tasks: TaskService,
        performer: Performer,
        *,
        limit: int = LIMIT,
        executor: Executor | None = None,
        retry_seconds: float = 1.0,
    ) -> None:
        self._tasks = tasks
        self._performer = performer
        self._limit = limit
        self._executor = executor
        self._retry_seconds = retry_seconds
        self._lock = threading.Lock()
        # Notified when the worker may have become idle, once it is being stopped: before that nobody waits for it.
        self._changed = threading.Condition(self._lock)
        self._running: dict[Fence, Callable[[], None]] = {}
        self._gathered: list[tuple[Fence, Outcome]] = []
        self._unstored = 0
        self._taking: Future[tuple[Task, ...]] | None = None
        self._is_asking = False
        self._is_handing = False
        self._is_stopped = True
        # What waits for the service to recover.
        self._refused_batches: list[list[tuple[Fence, Outcome]]] = []
        self._shall_ask_again = False
        self._timer: threading.Timer | None = None

    @property
    def in_hand(self) -> int:
        """Tasks whose outcome is not there yet."""
        return len(self._running)

    def start(self) -> None:
        """Begin to take tasks; nothing when it has begun already."""
        with self._lock:
            if not self._is_stopped:
                return
            self._is_stopped = False
        self._ask()

    def stop(self, timeout: float = 10.0) -> bool:
        """
        Take no more tasks, wait until what runs has ended and is handed back, then forget the rest.

        Args:
            timeout: Seconds to wait.

        Returns:
            Was everything handed back in time?
        """
        with self._lock:
            self._is_stopped = True
            taking = self._taking
            for batch in self._refused_batches:
                self._unstored -= len(batch)
            is_clean = not self._refused_batches
            self._refused_batches.clear()
            timer, self._timer = self._timer, None
            if self._shall_ask_again:
                self._shall_ask_again = self._is_asking = False
        if timer is not None:
            timer.cancel()
        if taking is not None:
            taking.cancel()
        until = time.monotonic() + timeout
        with self._lock:
            self._changed.wait_for(self._is_idle, max(0.0, until - time.monotonic()))
            is_clean = self._is_idle() and is_clean
            left = list(self._running.items())
            self._running.clear()
            self._gathered.clear()
        for fence, cancel in left:
            _log.warning("a call of user code did not end within %g s and is given up: %s", timeout, fence)
            cancel()
        return is_clean

    def _has_stopped(self) -> bool:
        return self._is_stopped

    def _is_idle(self) -> bool:
        return not self._running and not self._gathered and not self._unstored

    # --- taking -------------------------------------------------------------------------------------------

    def _ask(self) -> None:
        """Have one `take` outstanding, as long as there is room."""
        while True:
            with self._lock:
                room = self._limit - len(self._running)
                if self._is_stopped or self._is_asking or room <= 0:
                    return
                self._is_asking = True
            try:
                taking = self._tasks.take(room, self._performer.serves)
            except Exception as error:  # noqa: BLE001 - whatever keeps the service from answering: ask again later
                self._not_taken(error)
                return
            with self._lock:
                self._taking = taking
            if self._has_stopped():
                taking.cancel()
            if not taking.done():
                taking.add_done_callback(self._answered)
                return
            # Answered at once: go round, for calling back from here would nest deeper with every task.
            if not self._begin(taking):
                return

    def _answered(self, taking: Future[tuple[Task, ...]]) -> None:
        if self._begin(taking):
            self._ask()

    def _begin(self, taking: Future[tuple[Task, ...]]) -> bool:
        """Begin what was taken; False when nothing more shall be asked for now."""
        try:
            tasks = taking.result()
        except CancelledError:
            tasks = ()
        except Exception as error:  # noqa: BLE001 - as above
            self._not_taken(error)
            return False
        with self._lock:
            self._is_asking = False
            self._taking = None
            if self._is_stopped or not tasks:
                return False
            # Counted before any is begun: an outcome may come before `perform` has returned.
            for task in tasks:
                self._running[task.fence] = _nothing
        for task in tasks:
            self._perform(task)
        return True

    def _perform(self, task: Task) -> None:
        try:
            cancel = self._performer.perform(task.invocation, partial(self._done, task.fence))
        except EngineStoppedError:
            # The pool is closing: the task is given out again when the engine is back.
            with self._lock:
                self._running.pop(task.fence, None)
                if self._is_stopped:
                    self._changed.notify_all()
            return
        except Exception as error:  # noqa: BLE001 - whoever asked is answered, and the other tasks go on
            _log.exception("a task could not be begun")
            failure = Failure(error_type=type(error).__name__, message=f"the call could not be begun: {error}")
            self._done(task.fence, Failed(failure))
            return
        with self._lock:
            if task.fence in self._running:
                self._running[task.fence] = cancel

    # --- handing back -------------------------------------------------------------------------------------

    def _done(self, fence: Fence, outcome: Outcome) -> None:
        with self._lock:
            if self._running.pop(fence, None) is None:
                return
            self._gathered.append((fence, outcome))
            is_mine = not self._is_handing
            self._is_handing = True
            is_full = not self._is_asking
        if is_mine:
            if self._executor is None:
                self._hand_back()
            else:
                self._executor.submit(self._hand_back)
        if is_full:
            self._ask()

    def _hand_back(self) -> None:
        while True:
            with self._lock:
                outcomes = self._take_gathered()
            if not outcomes:
                return
            self._complete(outcomes)

    def _take_gathered(self) -> list[tuple[Fence, Outcome]]:
        """With the lock held: take what has gathered, to hand it back; nobody hands back once there is nothing."""
        outcomes, self._gathered = self._gathered, []
        self._is_handing = bool(outcomes)
        self._unstored += len(outcomes)
        if self._is_stopped:
            self._changed.notify_all()
        return outcomes

    def _complete(self, outcomes: list[tuple[Fence, Outcome]]) -> None:
        try:
            completing = self._tasks.complete(outcomes)
        except Exception as error:  # noqa: BLE001 - as above
            self._not_stored(outcomes, error)
            return
        completing.add_done_callback(partial(self._completed, outcomes))

    def _completed(self, outcomes: list[tuple[Fence, Outcome]], completing: Future[None]) -> None:
        error: BaseException | None
        try:
            error = completing.exception()
        except CancelledError as cancelled:
            error = cancelled
        if error is None:
            self._stored(outcomes)
        else:
            self._not_stored(outcomes, error)

    def _stored(self, outcomes: list[tuple[Fence, Outcome]]) -> None:
        with self._lock:
            self._unstored -= len(outcomes)
            if self._is_stopped:
                self._changed.notify_all()

    def _not_stored(self, outcomes: list[tuple[Fence, Outcome]], error: BaseException) -> None:
        """Hand outcomes back once more, later, unless the engine has stopped; a fence sees to it that none counts twice."""
        if isinstance(error, EngineStoppedError | CancelledError) or self._has_stopped():
            self._stored(outcomes)
            return
        _log.error("%d outcome(s) could not be handed back, trying again: %s", len(outcomes), error)
        with self._lock:
            if isinstance(error, EngineError | StoreError):
                self._refused_batches.append(outcomes)
            else:
                # One of them is the reason: it shall not hold up the others.
                self._refused_batches.extend([outcome] for outcome in outcomes)
            self._set_timer()

    # --- errors of the service ----------------------------------------------------------------------------

    def _not_taken(self, error: Exception) -> None:
        with self._lock:
            self._taking = None
            if isinstance(error, EngineStoppedError):
                self._is_asking = False
                _log.info("the engine has stopped; the worker takes no more tasks")
                return
            # `_is_asking` stays set until then: nobody else asks meanwhile.
            self._shall_ask_again = True
            self._set_timer()
        _log.error("the engine refused to give out tasks, asking again: %s", error)

    def _set_timer(self) -> None:
        """With the lock held: have the service asked again later, on a thread of its own, which only trouble costs."""
        if self._timer is None and not self._is_stopped:
            self._timer = threading.Timer(self._retry_seconds, self._try_again)
            self._timer.name = "iwf-retry"
            self._timer.daemon = True
            self._timer.start()

    def _try_again(self) -> None:
        with self._lock:
            if self._timer is not threading.current_thread():
                return
            self._timer = None
            batches, self._refused_batches = self._refused_batches, []
            if self._shall_ask_again:
                self._shall_ask_again = self._is_asking = False
        for batch in batches:
            self._complete(batch)
        self._ask()


def _nothing() -> None:
    """Cancel what has not begun."""
