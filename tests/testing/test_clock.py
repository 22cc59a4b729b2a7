from datetime import UTC, datetime, timedelta

import pytest

from iwf_py.errors import InvalidArgumentError
from iwf_py.testing.clock import ManualClock, read_duration

NOON = datetime(2025, 6, 1, 12, tzinfo=UTC)


def test_time_stands_still_until_it_is_moved():
    """
    The clock shows its start until a test moves it on.
    """
    clock = ManualClock(NOON)

    clock.advance("24h")

    assert clock.now() == NOON + timedelta(days=1)
    assert clock.monotonic() == 86400


def test_time_never_runs_back():
    """
    Moving to an instant that is past leaves the time as it is; a negative duration is refused.
    """
    clock = ManualClock(NOON)

    clock.advance_to(NOON - timedelta(hours=1))

    assert clock.now() == NOON
    with pytest.raises(InvalidArgumentError):
        clock.advance(-1)


def test_a_naive_start_is_refused():
    """
    A clock without a time zone would lie.
    """
    with pytest.raises(InvalidArgumentError):
        ManualClock(datetime(2025, 1, 1))


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("24h", 86400), ("1.5h", 5400), ("90s", 90), ("10ms", 0.01), ("7d", 604800), ("3m", 180), (5, 5), (0.25, 0.25)],
)
def test_a_duration_may_be_a_text(text, seconds):
    """
    A number with a unit reads as one would say it.
    """
    assert read_duration(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize("text", ["", "h", "24", "1x", "1 hour", "-1h", "nan h", "1e400s"])
def test_an_odd_duration_is_refused(text):
    """
    What is not a number and a unit says what it should be.
    """
    with pytest.raises(InvalidArgumentError):
        read_duration(text)


def test_an_alarm_rings_when_its_instant_comes_and_not_before():
    """
    Moving the clock short of the instant is silent; reaching it rings once.
    """
    clock = ManualClock(NOON)
    rung = []
    clock.alarm(lambda: rung.append(clock.now())).set(NOON + timedelta(seconds=10))

    clock.advance(9.999)
    assert rung == []
    assert clock.next_alarm() == NOON + timedelta(seconds=10)
    clock.advance(5)
    clock.advance(5)

    assert rung == [NOON + timedelta(seconds=14.999)]
    assert clock.next_alarm() is None


def test_an_alarm_set_to_the_past_rings_at_once():
    """
    Late is fine, and needs no further move of the clock.
    """
    clock = ManualClock(NOON)
    rung = []

    clock.alarm(lambda: rung.append(1)).set(NOON)

    assert rung == [1]


def test_a_closed_alarm_is_silent():
    """
    Closing forgets the instant.
    """
    clock = ManualClock(NOON)
    rung = []
    alarm = clock.alarm(lambda: rung.append(1))
    alarm.set(NOON + timedelta(seconds=1))

    alarm.close()
    clock.advance(2)

    assert rung == []
