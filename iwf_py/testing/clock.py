"""A clock that a test moves by hand, and the alarms that follow it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from iwf_py.errors import InvalidArgumentError
from iwf_py.model.durations import Duration, to_timedelta

DEFAULT_START = datetime(2025, 1, 1, tzinfo=UTC)

_UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400}


def read_duration(duration: Duration | str) -> timedelta:
    """
    Return *duration* as a timedelta.

    Args:
        duration: Seconds, a timedelta, or a text such as ``"24h"``: a number and one of ms, s, m, h, d.

    Errors:
        InvalidArgumentError: It is none of them, or out of bounds.
    """
    if not isinstance(duration, str):
        return to_timedelta("duration", duration)
    number = duration.strip().rstrip("smhd")
    unit = duration.strip()[len(number) :]
    try:
        return to_timedelta("duration", float(number) * _UNITS[unit])
    except (ValueError, KeyError):
        raise InvalidArgumentError(
            f"duration must be a number and one of {', '.join(_UNITS)}, like '24h', got {duration!r}"
        ) from None


class ManualClock:
    """
    Time that stands still until a test moves it, and only forward (implements `ports.Clock`).

    Args:
        start: The first instant (aware).
    """

    def __init__(self, start: datetime = DEFAULT_START) -> None:
        if start.tzinfo is None:
            raise InvalidArgumentError(f"a clock's start must be an aware datetime, got {start!r}")
        self._start = self._now = start.astimezone(UTC)
        self._alarms: list[ManualAlarm] = []
        self._lock = threading.Lock()

    def now(self) -> datetime:
        """Tell the time (UTC, aware)."""
        return self._now

    def monotonic(self) -> float:
        """Tell the seconds since the start."""
        return (self._now - self._start).total_seconds()

    def advance(self, duration: Duration | str) -> datetime:
        """Move on, and ring the alarms that are due then; answers the new time."""
        return self.advance_to(self._now + read_duration(duration))

    def advance_to(self, instant: datetime) -> datetime:
        """Move on to *instant*; one that is past already leaves the time as it is."""
        with self._lock:
            self._now = max(self._now, instant.astimezone(UTC))
            due = [alarm for alarm in self._alarms if alarm.is_due(self._now)]
        # Outside the lock: what is rung may read the time and set its alarm anew.
        for alarm in due:
            alarm.look()
        return self._now

    def alarm(self, ring: Callable[[], None]) -> ManualAlarm:
        """Make an alarm that follows this clock; the method is what hosts ask for as ``make_alarm``."""
        alarm = ManualAlarm(self, ring)
        with self._lock:
            self._alarms.append(alarm)
        return alarm

    def next_alarm(self) -> datetime | None:
        """Tell the earliest instant that any alarm is set to."""
        with self._lock:
            instants = [alarm.at for alarm in self._alarms if alarm.at is not None]
        return min(instants, default=None)

    def forget(self, alarm: ManualAlarm) -> None:
        """Ring *alarm* no more."""
        with self._lock:
            self._alarms = [known for known in self._alarms if known is not alarm]


class ManualAlarm:
    """An alarm that rings as its clock is moved (implements `ports.Alarm`); one set to the past rings at once."""

    def __init__(self, clock: ManualClock, ring: Callable[[], None]) -> None:
        self._clock = clock
        self._ring = ring
        self._lock = threading.Lock()
        self.at: datetime | None = None

    def set(self, at: datetime | None) -> None:
        """Ring at an instant, instead of the one set before; None for never."""
        with self._lock:
            self.at = at
        self.look()

    def is_due(self, now: datetime) -> bool:
        """Is it set to *now*, or earlier?"""
        at = self.at
        return at is not None and at <= now

    def look(self) -> None:
        """Ring once if the instant has come."""
        with self._lock:
            if not self.is_due(self._clock.now()):
                return
            self.at = None
        self._ring()

    def close(self) -> None:
        """Ring no more."""
        with self._lock:
            self.at = None
        self._clock.forget(self)
