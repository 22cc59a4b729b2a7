"""Those who wait for something to happen: so many at once, and none for longer than it asked.

A wait holds the thread of its request and nothing else. Beyond the cap a request only gets a look, whether what it waits for
is there already; otherwise it is told to ask again, as at the end of any wait. When the server is about to end, all are told so.
"""

from __future__ import annotations

import threading
from concurrent.futures import CancelledError, Future
from concurrent.futures import TimeoutError as WaitTimeout
from typing import Any, TypeVar

from attrs import frozen

from iwf_py.server.patience import sooner

T = TypeVar("T")

MOST = 1_000
# Long enough to load a run; short enough that those beyond the cap do not become a second thousand.
LOOK_SECONDS = 0.1


@frozen
class Nothing:
    """What was waited for has not come."""


class LongPolls:
    """
    Waits for futures on behalf of callers.

    Args:
        most: So many wait at once.
    """

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._waiting: set[Future[Any]] = set()
        self._is_closed = False

    def __len__(self) -> int:
        return len(self._waiting)

    def wait(self, future: Future[T], seconds: float) -> T | Nothing:
        """
        Wait until *future* is done, for a little less than *seconds*; what is not done then is cancelled.

        Errors:
            Whatever the future holds.
        """
        with self._lock:
            has_seat = not self._is_closed and len(self._waiting) < self._most
            if has_seat:
                self._waiting.add(future)
        patience = sooner(seconds)
        try:
            return future.result(patience if has_seat else min(patience, LOOK_SECONDS))
        except WaitTimeout:
            # It may have come at the last moment.
            return Nothing() if future.cancel() or not future.done() else future.result()
        except CancelledError:
            return Nothing()
        finally:
            with self._lock:
                self._waiting.discard(future)

    def close(self) -> None:
        """Tell all who wait, and those who come yet, to ask again: the server is about to end."""
        with self._lock:
            self._is_closed = True
            waiting = tuple(self._waiting)
        for future in waiting:
            future.cancel()
