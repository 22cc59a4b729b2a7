"""Those who wait for something to happen: so many at once, so many of one key, and none for longer than it asked.

A wait holds the thread of its request and nothing else. Beyond the caps a request only gets a look, whether what it waits for
is there already; otherwise it is told to ask again, as at the end of any wait. When the server is about to end, all are told so.
"""

from __future__ import annotations

import threading
from collections import Counter
from concurrent.futures import CancelledError, Future
from concurrent.futures import TimeoutError as WaitTimeout
from typing import Any, TypeVar

from attrs import frozen

from iwf_py.server.patience import sooner

T = TypeVar("T")

MOST = 1_000
MOST_EACH = 100
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

        most_each: So many of one key, so that no client takes the seats of all. Callers without a key are not told apart, and
            only share *most*: they are on one machine.
    """

    def __init__(self, most: int = MOST, most_each: int = MOST_EACH) -> None:
        self._most = most
        self._most_each = most_each
        self._lock = threading.Lock()
        self._of_key: Counter[str] = Counter()
        self._waiting: set[Future[Any]] = set()
        self._is_closed = False

    def __len__(self) -> int:
        return len(self._waiting)

    def wait(self, future: Future[T], seconds: float, caller: str | None = None) -> T | Nothing:
        """
        Wait until *future* is done, for a little less than *seconds*; what is not done then is cancelled.

        Args:
            caller: Whose wait it is: the id of a key, or None.

        Errors:
            Whatever the future holds.
        """
        has_seat = self._sit(future, caller)
        patience = sooner(seconds)
        try:
            return future.result(patience if has_seat else min(patience, LOOK_SECONDS))
        except WaitTimeout:
            # It may have come at the last moment.
            return Nothing() if future.cancel() or not future.done() else future.result()
        except CancelledError:
            return Nothing()
        finally:
            if has_seat:
                self._rise(future, caller)

    def _sit(self, future: Future[Any], caller: str | None) -> bool:
        with self._lock:
            if self._is_closed or len(self._waiting) >= self._most:
                return False
            if caller is not None:
                if self._of_key[caller] >= self._most_each:
                    return False
                self._of_key[caller] += 1
            self._waiting.add(future)
            return True

    def _rise(self, future: Future[Any], caller: str | None) -> None:
        with self._lock:
            self._waiting.discard(future)
            if caller is not None:
                self._of_key[caller] -= 1

    def close(self) -> None:
        """Tell all who wait, and those who come yet, to ask again: the server is about to end."""
        with self._lock:
            self._is_closed = True
            waiting = tuple(self._waiting)
        for future in waiting:
            future.cancel()
