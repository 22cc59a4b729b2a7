"""How often a key may call: a token bucket for each."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

PER_SECOND = 100.0
BURST = 200


class Rates:
    """
    The buckets of all keys.

    Args:
        per_second: Calls that a key may make for as long as it likes.

        burst: Calls that it may make at once, after it has made none for a while.

        monotonic: Tells the time in seconds.
    """

    def __init__(
        self, per_second: float = PER_SECOND, burst: int = BURST, *, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self.per_second = per_second
        self._burst = burst
        self._monotonic = monotonic
        self._lock = threading.Lock()
        # What was left, and when; by key, of which there are as many as somebody has made.
        self._left: dict[str, tuple[float, float]] = {}

    def take(self, key_id: str) -> float:
        """Take one call from a key's bucket; answers 0, or the seconds until there will be one."""
        with self._lock:
            now = self._monotonic()
            left, since = self._left.get(key_id, (self._burst, now))
            left = min(self._burst, left + (now - since) * self.per_second)
            if left < 1:
                # What is left stays counted from then: asking takes nothing.
                return (1 - left) / self.per_second
            self._left[key_id] = left - 1, now
            return 0.0
