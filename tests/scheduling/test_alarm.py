import threading
from datetime import UTC, datetime, timedelta

import pytest

from iwf_py.scheduling.alarm import ApschedulerAlarm


class Bell:
    """Notes when it is rung; a test waits for the note, never for a time."""

    def __init__(self):
        self.rung = []
        self.heard = threading.Semaphore(0)

    def __call__(self):
        self.rung.append(datetime.now(UTC))
        self.heard.release()

    def wait(self):
        assert self.heard.acquire(timeout=30)


@pytest.fixture
def bell():
    return Bell()


@pytest.fixture
def alarm(bell):
    alarm = ApschedulerAlarm(bell)
    yield alarm
    alarm.close()


def soon(**span):
    return datetime.now(UTC) + timedelta(**span)


def test_it_never_rings_early(alarm, bell):
    """
    However often it is set, a ring comes at its instant or later, to the microsecond.
    """
    for number in range(20):
        at = soon(milliseconds=3, microseconds=number)

        alarm.set(at)
        bell.wait()

        assert bell.rung[-1] >= at


def test_a_past_instant_rings_at_once(alarm, bell):
    """
    An alarm that is hours late is not dropped.
    """
    alarm.set(soon(hours=-5))
    bell.wait()

    assert len(bell.rung) == 1


def test_an_earlier_instant_comes_before_a_later_one(alarm, bell):
    """
    Setting an earlier instant replaces a later one.
    """
    alarm.set(soon(days=365))
    alarm.set(soon(milliseconds=5))
    bell.wait()

    assert len(bell.rung) == 1


def test_a_later_instant_replaces_an_earlier_one(alarm, bell):
    """
    Set later, it rings once, and not before the later instant.
    """
    later = soon(milliseconds=60)
    alarm.set(soon(milliseconds=20))

    alarm.set(later)
    bell.wait()

    assert len(bell.rung) == 1
    assert bell.rung[0] >= later


def test_none_is_never(alarm, bell):
    """
    After None nothing rings; the instant set afterwards does.
    """
    alarm.set(soon(milliseconds=10))
    alarm.set(None)
    at = soon(milliseconds=40)

    alarm.set(at)
    bell.wait()

    assert len(bell.rung) == 1
    assert bell.rung[0] >= at


def test_it_rings_again_from_its_own_ring():
    """
    What is rung may set the alarm anew, again and again: none of these is lost.
    """
    enough = threading.Event()
    count = 0

    def ring():
        nonlocal count
        count += 1
        if count == 200:
            enough.set()
        else:
            alarm.set(datetime.now(UTC))

    alarm = ApschedulerAlarm(ring)
    try:
        alarm.set(datetime.now(UTC))

        assert enough.wait(30)
    finally:
        alarm.close()


def test_many_threads_may_set_it(alarm, bell):
    """
    After a storm of settings from several threads the last word still rings.
    """

    def storm():
        for number in range(50):
            alarm.set(soon(milliseconds=number % 7))

    threads = [threading.Thread(target=storm) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    at = soon(milliseconds=5)

    alarm.set(at)
    while not bell.rung or bell.rung[-1] < at:
        bell.wait()

    assert bell.rung[-1] >= at


def test_it_starts_no_thread_before_an_instant_is_set(bell):
    """
    An alarm that nobody sets costs no thread, and closes.
    """
    before = threading.active_count()
    alarm = ApschedulerAlarm(bell)

    alarm.set(None)

    assert threading.active_count() == before
    alarm.close()


def test_closing_joins_its_threads_and_silences_it(bell):
    """
    After close no thread is left, nothing rings, setting is without effect, and closing again is fine.
    """
    before = threading.active_count()
    alarm = ApschedulerAlarm(bell)
    alarm.set(datetime.now(UTC))
    bell.wait()

    alarm.close()
    alarm.set(datetime.now(UTC))
    alarm.close()

    assert threading.active_count() == before
    assert len(bell.rung) == 1


def test_it_may_be_closed_while_it_rings():
    """
    Closing in the very moment of a ring ends the threads in order.
    """
    before = set(threading.enumerate())

    for _ in range(50):
        bell = Bell()
        alarm = ApschedulerAlarm(bell)
        alarm.set(datetime.now(UTC))
        bell.wait()

        alarm.close()

    assert not set(threading.enumerate()) - before
