"""Durations as users give them: seconds, or a timedelta."""

from __future__ import annotations

import math
from datetime import timedelta

from iwf_py.errors import InvalidArgumentError

Duration = float | timedelta

# About a hundred years: any later instant still fits a datetime and 64-bit microseconds.
MAX_DURATION = timedelta(days=36_525)


def to_timedelta(what: str, duration: Duration) -> timedelta:
    """
    Return *duration* as a timedelta.

    Args:
        what: The noun for the sentence: "timer duration".

        duration: Seconds (a fraction is fine) or a timedelta; neither negative, nor over a hundred years.

    Errors:
        InvalidArgumentError: It is neither, or out of bounds.
    """
    if isinstance(duration, bool) or not isinstance(duration, int | float | timedelta):
        raise InvalidArgumentError(f"{what} must be seconds or a timedelta, got {type(duration).__name__} {duration!r}")
    if isinstance(duration, timedelta):
        span = duration
    elif not math.isfinite(duration) or abs(duration) > MAX_DURATION.total_seconds():
        raise InvalidArgumentError(f"{what} must be between 0 and {MAX_DURATION.days} days, got {duration!r}")
    else:
        span = timedelta(seconds=duration)
    if not timedelta(0) <= span <= MAX_DURATION:
        raise InvalidArgumentError(f"{what} must be between 0 and {MAX_DURATION.days} days, got {duration!r}")
    return span


def to_seconds(what: str, duration: Duration | None) -> float | None:
    """Return *duration* as seconds, None as None; errors as `to_timedelta`."""
    if duration is None:
        return None
    seconds = to_timedelta(what, duration).total_seconds()
    return int(seconds) if seconds.is_integer() else seconds
