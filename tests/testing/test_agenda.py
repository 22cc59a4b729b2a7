import threading
from datetime import UTC, datetime, timedelta

import pytest

from iwf_py.errors import EngineError
from iwf_py.testing.agenda import Agenda

NOON = datetime(2025, 6, 1, 12, tzinfo=UTC)


def order_of(seed, count=20):
    agenda = Agenda(seed)
    done = []
    for number in range(count):
        agenda.add(lambda number=number: done.append(number))
    agenda.drive(lambda: False)
    return done


def test_the_order_is_drawn_by_seed():
    """
    The same seed gives the same order, another seed another one, and everything is done once.
    """
    assert order_of(7) == order_of(7)
    assert order_of(7) != order_of(8)
    assert sorted(order_of(7)) == list(range(20))


def test_it_stops_when_the_condition_holds():
    """
    What is not needed is left for later.
    """
    agenda = Agenda(0)
    done = []
    for number in range(10):
        agenda.add(lambda number=number: done.append(number))

    agenda.drive(lambda: len(done) == 3)

    assert len(done) == 3


def test_later_work_waits_for_its_instant():
    """
    What is due later is not done before it is brought.
    """
    agenda = Agenda(0)
    done = []
    agenda.add_at(NOON + timedelta(seconds=2), lambda: done.append("late"))
    agenda.add_at(NOON + timedelta(seconds=1), lambda: done.append("early"))

    agenda.drive(lambda: False)
    assert done == []
    assert agenda.next_due() == NOON + timedelta(seconds=1)
    agenda.bring_due(NOON + timedelta(seconds=1))
    agenda.drive(lambda: False)

    assert done == ["early"]
    assert agenda.next_due() == NOON + timedelta(seconds=2)


def test_work_may_drive_the_agenda_itself():
    """
    A piece of work that waits for another one does it, in the same thread.
    """
    agenda = Agenda(0)
    done = []

    def outer():
        agenda.add(lambda: done.append("inner"))
        agenda.drive(lambda: "inner" in done)
        done.append("outer")

    agenda.add(outer)
    agenda.drive(lambda: False)

    assert done == ["inner", "outer"]


def test_a_thread_waits_for_what_another_one_is_doing():
    """
    Nothing ready is not nothing left: another thread's work may bring more.
    """
    agenda = Agenda(0)
    begun, go_on = threading.Event(), threading.Event()
    done = []

    def slow():
        begun.set()
        assert go_on.wait(30)
        agenda.add(lambda: done.append("more"))

    agenda.add(slow)
    worker = threading.Thread(target=agenda.drive, args=(lambda: False,))
    worker.start()
    assert begun.wait(30)
    waiter = threading.Thread(target=agenda.drive, args=(lambda: bool(done),))
    waiter.start()
    go_on.set()
    waiter.join(30)
    worker.join(30)

    assert done == ["more"]


def test_work_without_end_is_an_error():
    """
    What goes round for ever is told, instead of hanging the test.
    """
    agenda = Agenda(0)

    def again():
        agenda.add(again)

    agenda.add(again)

    with pytest.raises(EngineError, match="go round"):
        agenda.drive(lambda: False)
