"""When cron schedules are due: held against a walk over every minute, and against the days on which clocks are set."""

import random
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from iwf_py.errors import InvalidArgumentError
from iwf_py.model.options import CronSchedule
from iwf_py.scheduling.cron import CronCalendar

NOON = datetime(2024, 5, 1, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)

# Zones with the instants at which their clocks are set, and some at which nothing happens.
PLACES = [
    ("UTC", "2024-02-28"),
    ("Europe/Berlin", "2024-03-31"),
    ("Europe/Berlin", "2024-10-27"),
    ("America/New_York", "2024-03-10"),
    ("America/New_York", "2024-11-03"),
    ("America/St_Johns", "2006-10-29"),
    ("Australia/Lord_Howe", "2024-04-07"),
    ("Australia/Lord_Howe", "2024-10-06"),
    ("Asia/Kathmandu", "2024-12-31"),
    ("Africa/Casablanca", "2024-03-10"),
    ("Africa/Casablanca", "2024-04-14"),
    # They went over the date line: a day did not come.
    ("Pacific/Apia", "2011-12-30"),
    ("Pacific/Kwajalein", "1993-08-21"),
]


def ticks(expression, after, count, zone="UTC"):
    """Ask for one tick after the other."""
    calendar, found = CronCalendar(), []
    while len(found) < count and (tick := calendar.next_tick(CronSchedule(expression, zone), after)) is not None:
        found.append(tick)
        after = tick
    return found


def local(expression, after, count, zone="Europe/Berlin"):
    """Tell ticks as the zone's clock shows them, with its offset in hours."""
    shown = [tick.astimezone(ZoneInfo(zone)) for tick in ticks(expression, after, count, zone)]
    return [f"{tick:%d. %H:%M} {tick.utcoffset() // timedelta(hours=1):+d}" for tick in shown]


def drawn(pick, least, most):
    """Draw a field, and the values that it means, by other means than the calendar's."""
    kind = pick.choice(("*", "*/", "n", "n-m", "n-m/", "list"))
    if kind == "*":
        return "*", set(range(least, most + 1))
    if kind == "*/":
        step = pick.choice((2, 3, 7, 20))
        return f"*/{step}", {value for value in range(least, most + 1) if (value - least) % step == 0}
    if kind == "n":
        value = pick.randint(least, most)
        return str(value), {value}
    if kind == "list":
        values = [pick.randint(least, most) for _ in range(3)]
        return ",".join(map(str, values)), set(values)
    first = pick.randint(least, most)
    last = pick.randint(first, most)
    step = pick.choice((1, 2, 5)) if kind == "n-m/" else 1
    text = f"{first}-{last}/{step}" if kind == "n-m/" else f"{first}-{last}"
    return text, {value for value in range(first, last + 1) if (value - first) % step == 0}


@pytest.mark.parametrize(("zone", "day"), PLACES)
@pytest.mark.parametrize("seed", range(6))
def test_every_tick_is_a_minute_that_the_expression_means(zone, day, seed):
    """
    Walking over every minute around the day on which a clock is set finds the same ticks, each once and in order.
    """
    pick = random.Random(f"{zone} {day} {seed}")
    minutes, hours = drawn(pick, 0, 59), drawn(pick, 0, 23)
    days, months = drawn(pick, 1, 31), ("*", set(range(1, 13)))
    weekdays = drawn(pick, 0, 6)
    if seed % 2:
        # So that something happens on the very day.
        days, weekdays = ("*", set(range(1, 32))), ("*", set(range(7)))
        hours = ("0-3", {0, 1, 2, 3})
    expression = " ".join(field[0] for field in (minutes, hours, days, months, weekdays))
    is_either = not (days[0].startswith("*") or weekdays[0].startswith("*"))
    start = datetime.fromisoformat(f"{day}T00:00:00+00:00") - timedelta(days=1, hours=12)
    end = start + timedelta(days=4)

    walked = []
    minute = start + MINUTE
    while minute <= end:
        clock = minute.astimezone(ZoneInfo(zone))
        by_day, by_weekday = clock.day in days[1], (clock.weekday() + 1) % 7 in weekdays[1]
        is_day = (by_day or by_weekday) if is_either else (by_day and by_weekday)
        if is_day and clock.minute in minutes[1] and clock.hour in hours[1]:
            walked.append(minute)
        minute += MINUTE

    found = [tick for tick in ticks(expression, start, len(walked) + 1, zone) if tick <= end]
    assert found == walked, expression


def test_a_tick_in_an_hour_that_is_jumped_over_does_not_come():
    """
    In Berlin there is no half past two on 31 March 2024: that day is left out.
    """
    after = datetime(2024, 3, 30, tzinfo=UTC)

    assert local("30 2 * * *", after, 3) == ["30. 02:30 +1", "01. 02:30 +2", "02. 02:30 +2"]
    assert local("0 * 31 3 *", datetime(2024, 3, 31, tzinfo=UTC), 3) == ["31. 03:00 +2", "31. 04:00 +2", "31. 05:00 +2"]


def test_a_tick_in_an_hour_that_comes_twice_comes_twice():
    """
    In Berlin it is half past two twice on 27 October 2024; what comes every hour goes on every hour.
    """
    after = datetime(2024, 10, 26, 12, tzinfo=UTC)

    assert local("30 2 * * *", after, 3) == ["27. 02:30 +2", "27. 02:30 +1", "28. 02:30 +1"]
    hourly = ticks("0 * * * *", after, 24, "Europe/Berlin")
    assert [later - tick for tick, later in zip(hourly, hourly[1:], strict=False)] == [timedelta(hours=1)] * 23


def test_a_year_is_not_thrown_out_by_clocks_that_are_set():
    """
    A tick months away stands at its hour on the clock of its own day.
    """
    assert local("0 9 1 7 *", datetime(2024, 1, 5, tzinfo=UTC), 2) == ["01. 09:00 +2", "01. 09:00 +2"]
    assert local("0 9 1 1 *", NOON, 1) == ["01. 09:00 +1"]
    # The tick stands in the hours that are jumped over, or come twice, months from now.
    assert local("30 2 31 3 *", datetime(2023, 5, 1, tzinfo=UTC), 1) == ["31. 02:30 +2"]
    assert ticks("30 2 31 3 *", datetime(2023, 5, 1, tzinfo=UTC), 1, "Europe/Berlin")[0].year == 2025
    assert local("30 2 27 10 *", NOON, 2) == ["27. 02:30 +2", "27. 02:30 +1"]


@pytest.mark.parametrize("instant", [NOON, NOON + timedelta(microseconds=1), NOON + timedelta(seconds=59)])
def test_a_tick_is_later_than_what_it_comes_after(instant):
    """
    The tick of this very instant is past; every other is still to come.
    """
    assert ticks("* * * * *", instant, 1) == [NOON + MINUTE]
    assert ticks("* * * * *", NOON - timedelta(microseconds=1), 1) == [NOON]


def test_weekdays_count_from_sunday():
    """
    1 is Monday, as in crontab(5).
    """
    (tick,) = ticks("0 9 * * 1", NOON, 1)

    assert tick.strftime("%A") == "Monday"


def test_friday_the_13th_is_a_friday_or_a_13th():
    """
    Two restricted fields of days are joined by OR.
    """
    assert [tick.day for tick in ticks("0 0 13 * 5", NOON, 4)] == [3, 10, 13, 17]


def test_a_leap_day_is_waited_for():
    """
    29 February comes every four years, but for 2100, and on a Sunday but rarely.
    """
    assert [tick.year for tick in ticks("0 0 29 2 *", datetime(2090, 1, 1, tzinfo=UTC), 3)] == [2092, 2096, 2104]
    assert [tick.year for tick in ticks("0 0 29 2 */7", NOON, 2, "Europe/Berlin")] == [2032, 2060]


def test_what_never_comes_is_none():
    """
    31 February, and what lies beyond all dates.
    """
    assert ticks("0 0 31 2 *", NOON, 1) == []
    assert ticks("@yearly", datetime(9998, 5, 1, tzinfo=UTC), 1) == []
    assert ticks("@daily", datetime.max.replace(tzinfo=UTC), 1) == []


@pytest.mark.parametrize("prefix", ["CRON_TZ=", "TZ="])
def test_the_zone_may_stand_in_the_expression(prefix):
    """
    It counts before the default, and together with another it is a contradiction.
    """
    calendar = CronCalendar()

    assert calendar.next_tick(CronSchedule(f"{prefix}Asia/Tokyo 0 9 * * *"), NOON) == NOON + timedelta(hours=12)
    assert calendar.next_tick(CronSchedule(f"{prefix}Asia/Tokyo 0 9 * * *", "Asia/Tokyo"), NOON) is not None
    with pytest.raises(InvalidArgumentError, match="'Europe/Berlin' is another; name one"):
        calendar.next_tick(CronSchedule(f"{prefix}Asia/Tokyo 0 9 * * *", "Europe/Berlin"), NOON)


@pytest.mark.parametrize("parts", [(5,), (["* * * * *"],), ("* * * * *", None), ("* * * * *", ["UTC"])])
def test_a_schedule_is_made_of_texts(parts):
    """
    Anything else is refused as it is made.
    """
    with pytest.raises(InvalidArgumentError, match="of a CronSchedule is a str"):
        CronSchedule(*parts)


@pytest.mark.parametrize(
    "zone", ["Europe/Bern", "", "../../etc/passwd", "/etc/localtime", "Europe", "a\0b", "x" * 5000]
)
def test_an_unknown_zone_is_refused(zone):
    """
    The refusal names it, and what a zone looks like; a path is no zone.
    """
    with pytest.raises(InvalidArgumentError, match="is not known; write its IANA name, as 'Europe/Berlin' or 'UTC'"):
        CronCalendar().next_tick(CronSchedule("* * * * *", zone), NOON)
