import threading

import pytest

from iwf_py.embedded import Embedded
from iwf_py.testing import ManualClock
from tests.embedded import workflows


@pytest.fixture
def url(tmp_path):
    return f"sqlite:///{tmp_path}/test.db"


@pytest.fixture
def clock():
    return ManualClock()


@pytest.fixture
def embedded(url, clock):
    """Makes engines on one database, with a clock that the test moves; closes what is left open."""
    made = []

    def make(*, registry=None, by_hand=True, **options):
        if by_hand:
            options |= {"clock": clock, "make_alarm": clock.alarm}
        made.append(Embedded(url, registry or workflows.registry(), **options))
        return made[-1]

    yield make
    for engine in made:
        engine.close()


@pytest.fixture
def no_threads_left():
    """Whatever the test starts has ended when it ends."""
    before = set(threading.enumerate())
    yield
    assert set(threading.enumerate()) - before == set()
