"""How often each caller may call: a bucket of calls for each, which fills at a steady rate up to its brim."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable

from iwf_py.errors import InvalidArgumentError

# Calls a second of each key, and how many at once after a pause.
PER_SECOND = 100.0
_SECONDS_OF_BURST = 2.0


class Rates:
    """
    The buckets, one for each name: of keys, of which there are few.

    Args:
        per_second: Calls; 0 for any number. Twice as many may come at once.

        now: A clock of seconds that never run back.

    Errors:
        InvalidArgumentError: The rate is none.
    """

    def __init__(self, per_second: float = PER_SECOND, now: Callable[[], float] = time.monotonic) -> None:
        if not math.isfinite(per_second) or per_second < 0:
            raise InvalidArgumentError(
                f"calls per second are a number from 0 (any number of calls), got {per_second!r}"
            )
        self._per_second = per_second
        self._brim = max(1.0, per_second * _SECONDS_OF_BURST)
        self._now = now
        self._lock = threading.Lock()
        # What was in each bucket, and when.
        self._buckets: dict[str, tuple[float, float]] = {}

    def take(self, name: str) -> float:
        """
        Take a call out of a bucket.

        Returns:
            0 where there was one; else in how many seconds there will be.
        """
        if not self._per_second:
            return 0.0
        with self._lock:
            now = self._now()
            calls, at = self._buckets.get(name, (self._brim, now))
            calls = min(self._brim, calls + (now - at) * self._per_second)
            is_enough = calls >= 1.0
            self._buckets[name] = calls - is_enough, now
        return 0.0 if is_enough else (1.0 - calls) / self._per_second
