"""One alarm clock for an engine: APScheduler holds a single job at the earliest instant.

The job only rings; what it rings (the engine's "look what is due") does its work elsewhere.
A ring may be late, never early: whatever woke the job, it looks at the clock before it rings.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from datetime import UTC, datetime

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.base import BaseTrigger

_JOB = "iwf_py-alarm"
# With one instance allowed, a job that sets itself anew while its own run is being booked would be dropped.
_MANY = 1 << 30
# APScheduler tells of every job at level INFO: an alarm that rings all day is no news to a user's log.
_LOGGER = logging.getLogger(f"{__name__}.apscheduler")
_LOGGER.setLevel(logging.WARNING)
_NEVER = datetime.max.replace(tzinfo=UTC)


class _ByHand(BaseTrigger):  # type: ignore[misc]  # APScheduler 3 ships no types
    """
    Is due never, by itself: the alarm moves its job's next run.

    A job without a next run would be removed, which APScheduler does not survive while it is being shut down.
    """

    def get_next_fire_time(self, previous_fire_time: datetime | None, now: datetime) -> datetime:
        return _NEVER


class ApschedulerAlarm:
    """
    Rings at an instant, by a thread that exists only once an instant was set (implements `ports.Alarm`).

    Setting a later instant than the one before, or the same, costs a comparison: the job that is there
    already wakes early, sees it, and sets itself anew.

    Args:
        ring: Called on a thread of the alarm's, at most once for each instant set; it must not block,
            and must not close the alarm.
    """

    def __init__(self, ring: Callable[[], None]) -> None:
        self._ring = ring
        self._lock = threading.Lock()
        self._scheduler: BackgroundScheduler | None = None
        # When to ring, and when the job runs: never later than that.
        self._wanted: datetime | None = None
        self._armed: datetime | None = None
        self._is_closed = False

    def set(self, at: datetime | None) -> None:
        """Ring at an instant (UTC, aware), instead of the one set before; None for never."""
        with self._lock:
            if self._is_closed:
                return
            self._wanted = at
            if at is not None and (self._armed is None or at < self._armed):
                self._arm(at)

    def close(self) -> None:
        """Ring no more, and wait until the threads are gone; safe to call twice."""
        with self._lock:
            scheduler, self._scheduler = self._scheduler, None
            self._is_closed = True
            self._wanted = self._armed = None
        # Outside the lock: shutting down waits for a job that may be waiting for it.
        if scheduler is not None:
            scheduler.shutdown(wait=True)

    def _arm(self, at: datetime) -> None:
        """Have the job run at *at*, instead of when it would have run; the lock is held."""
        if self._scheduler is None:
            self._scheduler = self._started_scheduler(at)
        else:
            self._scheduler.modify_job(_JOB, next_run_time=at)
        self._armed = at

    def _started_scheduler(self, at: datetime) -> BackgroundScheduler:
        """Make the threads and their one job."""
        logging.getLogger(f"apscheduler.executors.{_JOB}").setLevel(logging.WARNING)
        scheduler = BackgroundScheduler(
            timezone=UTC, daemon=True, logger=_LOGGER, executors={_JOB: ThreadPoolExecutor(1)}
        )
        scheduler.add_job(
            self._run,
            _ByHand(),
            id=_JOB,
            name=_JOB,
            executor=_JOB,
            next_run_time=at,
            coalesce=True,
            max_instances=_MANY,
            # The default of one second would silently drop a job that comes later than that.
            misfire_grace_time=None,
        )
        scheduler.start()
        return scheduler

    def _run(self) -> None:
        """Ring if it is time; a job that woke too early sets itself anew."""
        with self._lock:
            self._armed = None
            if self._is_closed or self._wanted is None:
                return
            if datetime.now(UTC) < self._wanted:
                self._arm(self._wanted)
                return
            self._wanted = None
        self._ring()
