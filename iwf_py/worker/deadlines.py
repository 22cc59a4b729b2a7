"""One heap of deadlines, served by one thread; no timer costs a thread of its own."""

from __future__ import annotations

import heapq
import logging
import threading
import time
from collections.abc import Callable

_log = logging.getLogger(__name__)

# So many deadlines that were met may lie in the heap before it is swept.
_SWEEP = 1024


class Deadline:
    """One deadline: *ring* is called once its instant has come, unless it was met before."""

    __slots__ = ("at", "ring")

    def __init__(self, at: float, ring: Callable[[], None] | None) -> None:
        self.at = at
        self.ring = ring

    def __lt__(self, other: Deadline) -> bool:
        return self.at < other.at


class Deadlines:
    """The deadlines of a pool; its thread starts with the first of them."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._heap: list[Deadline] = []
        self._met = 0
        self._changed = threading.Condition(threading.Lock())
        # The thread sleeps until then; an earlier deadline has to wake it, a later one does not.
        self._wakes_at = float("-inf")
        self._thread: threading.Thread | None = None
        self._is_closed = False

    def set(self, after: float, ring: Callable[[], None]) -> Deadline:
        """Have *ring* called in so many seconds, on the deadlines' own thread; it must be quick."""
        deadline = Deadline(time.monotonic() + after, ring)
        with self._changed:
            heapq.heappush(self._heap, deadline)
            if self._thread is None and not self._is_closed:
                self._thread = threading.Thread(target=self._serve, name=self._name, daemon=True)
                self._thread.start()
            elif deadline.at < self._wakes_at:
                self._changed.notify()
        return deadline

    def meet(self, deadline: Deadline) -> None:
        """Take a deadline off: what it was for is done."""
        with self._changed:
            if deadline.ring is None:
                return
            deadline.ring = None
            self._met += 1
            # An attempt is over long before its deadline: without sweeping, the heap would hold half a minute of them.
            if self._met > _SWEEP and self._met * 2 > len(self._heap):
                self._heap = [one for one in self._heap if one.ring is not None]
                heapq.heapify(self._heap)
                self._met = 0

    def close(self) -> None:
        """Ring no more."""
        with self._changed:
            self._is_closed = True
            self._heap.clear()
            thread = self._thread
            self._changed.notify()
        if thread is not None and thread is not threading.current_thread():
            thread.join()

    def _serve(self) -> None:
        while True:
            with self._changed:
                ring = self._next()
                if self._is_closed:
                    return
            try:
                ring()
            except Exception:  # noqa: BLE001 - the other deadlines must ring all the same
                _log.exception("what a deadline rang raised")

    def _next(self) -> Callable[[], None]:
        """Wait, with the lock held in between, for the next deadline that comes unmet."""
        while not self._is_closed:
            now = time.monotonic()
            while self._heap and (self._heap[0].ring is None or self._heap[0].at <= now):
                deadline = heapq.heappop(self._heap)
                if deadline.ring is not None:
                    ring, deadline.ring = deadline.ring, None
                    return ring
                self._met = max(0, self._met - 1)
            self._wakes_at = self._heap[0].at if self._heap else float("inf")
            self._changed.wait(self._wakes_at - now if self._heap else None)
            self._wakes_at = float("-inf")
        return lambda: None
