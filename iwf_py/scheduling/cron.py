"""The calendar: when a cron schedule is due, in the time of its zone.

A tick is a minute whose reading on the zone's clock the expression means. So an hour that a clock jumps over has
no ticks, and in an hour that it shows twice each reading is two ticks; robfig's cron, which iWF's servers use,
does the same. APScheduler finds the readings, on a clock that never jumps; where the zone's clock does is seen
to here.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from apscheduler.triggers.cron import CronTrigger

from iwf_py.errors import InvalidArgumentError
from iwf_py.model.options import CronSchedule
from iwf_py.scheduling.crontab import Crontab, read_crontab, split_zone

_DEFAULT_ZONE = CronSchedule("").time_zone
_SECOND = timedelta(seconds=1)
_DAY = timedelta(days=1)
# No clock is changed twice within this.
_HOP = timedelta(hours=6)
# APScheduler's years end in 9999, where dates do; it must not come near.
_END = datetime(9900, 1, 1, tzinfo=UTC)


class CronCalendar:
    """Tells the ticks of cron schedules (implements `ports.Calendar`)."""

    def next_tick(self, schedule: CronSchedule, after: datetime) -> datetime | None:
        """
        Tell the first tick of *schedule* that is later than *after* (UTC); None when there is none any more.

        Errors:
            InvalidArgumentError: The expression or the zone is none; the sentence says what is wrong with it.
        """
        ticks = _ticks(schedule.expression, schedule.time_zone)
        return None if after >= _END else ticks.after(after.astimezone(UTC))


@lru_cache(maxsize=1024)
def _ticks(expression: str, time_zone: str) -> _Ticks:
    named, text = split_zone(expression)
    if named is not None and time_zone not in (named, _DEFAULT_ZONE):
        raise InvalidArgumentError(
            f"cron expression {expression!r} names a time zone, and {time_zone!r} is another; name one"
        )
    return _Ticks(read_crontab(text), _zone(time_zone if named is None else named))


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (OSError, ValueError, LookupError, TypeError):
        raise InvalidArgumentError(
            f"time zone {name!r} of a cron schedule is not known; write its IANA name, as 'Europe/Berlin' or 'UTC'"
        ) from None


class _Ticks:
    """The ticks of one expression in one zone."""

    def __init__(self, crontab: Crontab, zone: ZoneInfo) -> None:
        self._zone = zone
        self._readings = tuple(_readings(crontab)) if crontab.is_possible else ()

    def after(self, instant: datetime) -> datetime | None:
        """
        Tell the first tick later than *instant* (UTC).

        While a clock does not jump, the next reading is the next tick. A jump on the way ends that: from there on it
        is looked for anew. Over long ways only the first day and the last ones matter. Before them a clock that is
        set back would have to repeat a reading from before *instant*, and one that is set forward brings a tick
        nearer by hours.
        """
        moment = instant + timedelta(microseconds=1)
        while True:
            offset = self._offset(moment)
            reading = self._next_reading(moment + offset)
            if reading is None:
                return None
            tick = reading - offset
            is_far = tick - moment > 4 * _DAY
            jump = self._jump(moment, offset, moment + _DAY if is_far else tick)
            if jump is not None:
                moment = jump
            elif is_far:
                moment = tick - 2 * _DAY
            else:
                return tick

    def _next_reading(self, moment: datetime) -> datetime | None:
        """Tell the first reading at *moment* or later; both as if the zone were UTC."""
        found = [trigger.get_next_fire_time(None, moment) for trigger in self._readings]
        return min((reading for reading in found if reading is not None), default=None)

    def _offset(self, moment: datetime) -> timedelta:
        offset = moment.astimezone(self._zone).utcoffset()
        assert offset is not None
        return offset

    def _jump(self, moment: datetime, offset: timedelta, until: datetime) -> datetime | None:
        """Find the first instant after *moment*, up to *until*, at which the zone's clock is set; None when it is not."""
        while moment < until:
            probe = min(moment + _HOP, until)
            if self._offset(probe) != offset:
                # Clocks are set at whole seconds.
                before, probe = moment.replace(microsecond=0), probe.replace(microsecond=0)
                while probe - before > _SECOND:
                    middle = before + (probe - before) // _SECOND // 2 * _SECOND
                    before, probe = (middle, probe) if self._offset(middle) == offset else (before, middle)
                return probe
            moment = probe
        return None


def _readings(crontab: Crontab) -> Iterable[CronTrigger]:
    """Translate: a trigger joins its fields by AND, and its week begins with Monday."""
    common = {
        "minute": _listed(crontab.minutes, 60),
        "hour": _listed(crontab.hours, 24),
        "month": _listed(crontab.months, 12),
        "second": 0,
        "timezone": UTC,
        "end_date": _END,
    }
    day = _listed(crontab.days, 31)
    day_of_week = _listed(tuple((weekday - 1) % 7 for weekday in crontab.weekdays), 7)
    if crontab.is_either_day:
        yield CronTrigger(day=day, **common)
        yield CronTrigger(day_of_week=day_of_week, **common)
    else:
        yield CronTrigger(day=day, day_of_week=day_of_week, **common)


def _listed(values: tuple[int, ...], size: int) -> str:
    return "*" if len(values) == size else ",".join(map(str, values))
