"""What the in-memory host has to do: now, in an order drawn by seed, or when virtual time has come so far."""

from __future__ import annotations

import heapq
import random
import threading
from collections.abc import Callable
from datetime import datetime
from itertools import count

from iwf_py.errors import EngineError

Work = Callable[[], None]
MAX_WORK = 100_000


class Agenda:
    """
    Work that is ready, and work that is due later.

    Several threads may work at once; one that finds nothing ready waits for the others, who may bring more.

    Args:
        seed: Of the order in which ready work is taken up.
    """

    def __init__(self, seed: int) -> None:
        # Not for secrets: the order must be the same for the same seed.
        self.random = random.Random(seed)  # noqa: S311
        self.lock = threading.RLock()
        self._changed = threading.Condition(self.lock)
        self._ready: list[Work] = []
        self._later: list[tuple[datetime, int, Work]] = []
        self._ages = count()
        self._busy: set[int] = set()

    def add(self, work: Work) -> None:
        """Have something done at this instant."""
        with self.lock:
            self._ready.append(work)
            self._changed.notify_all()

    def add_at(self, due: datetime, work: Work) -> None:
        """Have something done when virtual time has come to *due*."""
        with self.lock:
            heapq.heappush(self._later, (due, next(self._ages), work))

    def next_due(self) -> datetime | None:
        """Tell when the earliest of the later work is due."""
        with self.lock:
            return self._later[0][0] if self._later else None

    def bring_due(self, now: datetime) -> None:
        """Make ready what has become due."""
        with self.lock:
            while self._later and self._later[0][0] <= now:
                self.add(heapq.heappop(self._later)[2])

    def drive(self, is_done: Callable[[], bool]) -> None:
        """
        Work until a condition holds, or nothing is left to do at this instant.

        Errors:
            EngineError: There is always more: some workflow goes round for ever without waiting for time.
        """
        me = threading.get_ident()
        with self.lock:
            # Called from within a piece of work (a handler that asks its own engine), this thread is busy no longer.
            was_busy = me in self._busy
            self._busy.discard(me)
        try:
            for _ in range(MAX_WORK):
                work = self._next(is_done)
                if work is None:
                    return
                try:
                    work()
                finally:
                    with self.lock:
                        self._busy.discard(me)
                        self._changed.notify_all()
        finally:
            if was_busy:
                with self.lock:
                    self._busy.add(me)
        raise EngineError(f"still not idle after {MAX_WORK} steps: does a workflow go round without waiting?")

    def _next(self, is_done: Callable[[], bool]) -> Work | None:
        with self.lock:
            while not self._ready and self._busy and not is_done():
                self._changed.wait()
            if is_done() or not self._ready:
                return None
            self._busy.add(threading.get_ident())
            return self._ready.pop(self.random.randrange(len(self._ready)))
