"""Threads that grow on demand up to a bound, draining one queue."""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from iwf_py.ports import take_seat

_log = logging.getLogger(__name__)

# Run on a thread; answers whether that thread was given up meanwhile.
Step = Callable[[], bool]


class Threads:
    """
    Daemon threads for user code.

    Args:
        most: So many at once; more only in place of threads that wait for a service or were given up.

        idle_seconds: A thread that had nothing to do for so long ends.
    """

    def __init__(self, name: str, most: int, idle_seconds: float) -> None:
        self._name = name
        self._most = most
        self._idle_seconds = idle_seconds
        self._lock = threading.Lock()
        self._queue: queue.SimpleQueue[Step | None] = queue.SimpleQueue()
        self._threads: set[threading.Thread] = set()
        # Threads that count: neither given up nor ended.
        self._live = 0
        # Threads that wait for a service; each makes room for one more.
        self._waiting = 0
        # Idle threads less queued steps; below zero, steps wait for a thread.
        self._free = 0
        self._is_closed = False

    def run(self, step: Step) -> None:
        """Run a step soon; it must not raise."""
        self._queue.put(step)
        with self._lock:
            self._free -= 1
            self._grow()

    def give_up(self) -> None:
        """Stop counting one busy thread, whose step hangs; another takes its place when there is need."""
        with self._lock:
            self._live -= 1
            self._grow()

    def close(self, timeout: float) -> int:
        """Run nothing more, join what ends within *timeout*, and tell how many threads were left behind."""
        with self._lock:
            self._is_closed = True
            threads = [thread for thread in self._threads if thread is not threading.current_thread()]
        while not self._queue.empty():
            try:
                self._queue.get_nowait()
            except queue.Empty:
                break
        for _ in threads:
            self._queue.put(None)
        until = time.monotonic() + timeout
        for thread in threads:
            thread.join(max(0.0, until - time.monotonic()))
        return sum(thread.is_alive() for thread in threads)

    def _grow(self) -> None:
        """With the lock held: start another thread, if one is wanted and allowed."""
        if self._free >= 0 or self._live >= self._most + self._waiting or self._is_closed:
            return
        thread = threading.Thread(target=self._serve, name=self._name, daemon=True)
        try:
            thread.start()
        except RuntimeError as error:
            # No thread to be had: the step waits for one that is there.
            _log.error("no further thread for user code: %s", error)
            return
        self._threads.add(thread)
        self._live += 1
        self._free += 1

    def _serve(self) -> None:
        take_seat(self._wait_inside)
        try:
            while True:
                try:
                    step = self._queue.get(timeout=self._idle_seconds)
                except queue.Empty:
                    if self._leaves_idle():
                        return
                    continue
                if step is None or not self._stays(was_given_up=step()):
                    return
        finally:
            with self._lock:
                self._threads.discard(threading.current_thread())

    def _leaves_idle(self) -> bool:
        with self._lock:
            if self._free <= 0 and not self._is_closed:
                return False
            self._free -= 1
            self._live -= 1
            return True

    def _stays(self, *, was_given_up: bool) -> bool:
        """Count this thread as free again, or let it go when there are too many."""
        with self._lock:
            if was_given_up:
                self._live += 1
            if self._live > self._most + self._waiting:
                self._live -= 1
                return False
            self._free += 1
            return True

    @contextmanager
    def _wait_inside(self) -> Iterator[None]:
        with self._lock:
            self._waiting += 1
            self._grow()
        try:
            yield
        finally:
            with self._lock:
                self._waiting -= 1
