"""The worker takes tasks, has them performed and hands their outcomes back, whatever the service does."""

import threading

import pytest

from iwf_py.errors import EngineStoppedError, EngineUnreadyError, InvalidArgumentError
from iwf_py.model.invocations import Serves
from iwf_py.worker.loop import Worker
from tests.worker_loop.doubles import SOON, answer, task


@pytest.fixture
def work(tasks, make_pool):
    workers = []

    def make(methods=None, *, limit=16, **options):
        worker = Worker(tasks, make_pool(methods, **options), limit=limit, retry_seconds=0.0)
        workers.append(worker)
        worker.start()
        return worker

    yield make
    for worker in workers:
        worker.stop(timeout=0)


def test_tasks_are_performed_and_their_outcomes_handed_back(tasks, work):
    """
    Every task that is offered has one outcome, under its own fence.
    """
    work()

    tasks.offer(*(task(number) for number in range(50)))

    assert tasks.completed(50) == {number: answer(number) for number in range(50)}
    assert len(tasks.outcomes) == 50


def test_one_take_is_outstanding_all_the_time(tasks, work):
    """
    After each answer the worker asks again, for as much as it has room for.
    """
    worker = work(limit=4)

    tasks.offer(task(1))
    tasks.completed(1)
    tasks.wait(lambda tasks: len(tasks.asked) >= 2)
    tasks.offer(task(2))
    tasks.completed(2)

    assert tasks.asked[0] == 4
    assert max(tasks.asked) <= 4
    assert worker.in_hand == 0


def test_no_more_tasks_are_taken_than_there_is_room_for(tasks, work, gate):
    """
    With the limit in hand the worker does not ask; it asks again when a task is over.
    """
    worker = work(limit=2)
    tasks.offer(*(task(number, "hang") for number in range(3)))
    gate.entered(2)

    assert worker.in_hand == 2
    assert len(tasks.offered) == 1
    gate.open()

    assert set(tasks.completed(3)) == {0, 1, 2}


def test_tasks_that_are_there_already_do_not_nest(tasks, work):
    """
    A service that always answers at once is asked in a loop, not ever deeper.
    """
    tasks.offer(*(task(number) for number in range(5000)))

    work(limit=1)

    assert len(tasks.completed(5000)) == 5000


def test_outcomes_that_gather_go_together(tasks, work, gate):
    """
    While outcomes are handed back, others gather, and are handed back at once.
    """
    entered, go_on = threading.Event(), threading.Event()
    complete = tasks.complete

    def slow(outcomes):
        entered.set()
        assert go_on.wait(SOON)
        return complete(outcomes)

    tasks.complete = slow
    worker = work()
    tasks.offer(task(0))
    assert entered.wait(SOON)
    tasks.offer(*(task(number) for number in range(1, 10)))
    while worker.in_hand:
        pass
    go_on.set()

    tasks.completed(10)

    assert [len(batch) for batch in tasks.batches] == [1, 9]


def test_an_executor_hands_back_what_has_come_by_then(tasks, make_pool):
    """
    Outcomes wait for its step, and go together; those that come later have a step of their own.
    """

    class Later:
        def __init__(self):
            self.steps = []

        def submit(self, step):
            self.steps.append(step)

    later = Later()
    worker = Worker(tasks, make_pool(None), limit=16, executor=later)
    worker.start()
    for numbers in (range(10), range(10, 12)):
        tasks.offer(*(task(number) for number in numbers))
        while worker.in_hand or not later.steps:
            pass
        assert len(later.steps) == 1
        later.steps.pop()()

    assert [len(batch) for batch in tasks.batches] == [10, 2]
    assert worker.stop(SOON)


def test_a_service_that_refuses_to_give_is_asked_again(tasks, work):
    """
    Errors of take, raised or through the future, are survived.
    """
    tasks.take_errors.extend([EngineUnreadyError("not now"), RuntimeError, ValueError("?")])
    work()

    tasks.offer(task(1))

    assert set(tasks.completed(1)) == {1}


def test_outcomes_that_were_refused_are_handed_back_again(tasks, work):
    """
    While the engine cannot store, the worker keeps the outcomes.
    """
    tasks.complete_errors.extend([EngineUnreadyError("not now")] * 3)
    work()

    tasks.offer(task(1))

    assert tasks.completed(1) == {1: answer(1)}
    assert len(tasks.batches) == 4


def test_one_bad_outcome_does_not_hold_up_the_others(tasks, work):
    """
    A batch that is refused for what is in it is handed back one by one.
    """
    complete = tasks.complete

    def picky(outcomes):
        bad = [fence.number for fence, _ in outcomes if fence.number == 0]
        with tasks.changed:
            if bad:
                tasks.complete_errors.appendleft(InvalidArgumentError("zero"))
        return complete(outcomes)

    tasks.complete = picky
    work()

    tasks.offer(*(task(number) for number in range(10)))

    assert set(tasks.completed(9)) == set(range(1, 10))


def test_a_stopped_engine_is_not_asked_again(tasks, work):
    """
    An empty answer means that there will be no more tasks; what runs is handed back.
    """
    worker = work()

    tasks.stop()

    assert len(tasks.asked) == 1
    assert worker.stop() is True


def test_an_engine_that_says_so_is_not_asked_again(tasks, work):
    """
    Its own error means the same as an empty answer.
    """
    tasks.take_errors.append(EngineStoppedError("closed"))

    worker = work()

    assert len(tasks.asked) == 1
    assert worker.stop() is True


def test_an_outcome_for_a_stopped_engine_is_dropped(tasks, work):
    """
    It is given out again when the engine is back; the worker does not insist.
    """
    tasks.complete_errors.append(EngineStoppedError("closed"))
    worker = work()
    tasks.offer(task(1))
    tasks.wait(lambda tasks: tasks.batches)

    assert worker.stop() is True
    assert len(tasks.batches) == 1


def test_stop_waits_for_what_runs(tasks, work, gate):
    """
    Handlers that run may end, and their outcomes are handed back before stop returns.
    """
    worker = work()
    tasks.offer(task(1, "hang"))
    gate.entered(1)
    opener = threading.Thread(target=gate.open)
    opener.start()

    assert worker.stop(timeout=SOON) is True
    opener.join()

    assert tasks.completed(1) == {1: answer("through")}
    assert tasks.taking[0].cancelled()


def test_stop_gives_up_what_does_not_end(tasks, work, gate):
    """
    A hanging handler bounds the wait, and its outcome is not handed back later.
    """
    worker = work()
    tasks.offer(task(1, "hang"))
    gate.entered(1)

    assert worker.stop(timeout=0.01) is False
    gate.open()

    assert worker.in_hand == 0
    assert tasks.outcomes == []


def test_a_worker_can_be_started_again(tasks, work):
    """
    After stop, start takes tasks as before; starting twice is once.
    """
    worker = work()
    worker.stop()

    worker.start()
    worker.start()
    tasks.offer(task(1))

    assert set(tasks.completed(1)) == {1}


class Broken:
    """A performer that cannot begin anything."""

    serves = Serves({})

    def perform(self, invocation, done):
        raise ValueError("broken")


def test_a_task_that_cannot_be_begun_fails(tasks):
    """
    Whatever a performer raises is an outcome, so that the task is judged and tried again.
    """
    worker = Worker(tasks, Broken())
    worker.start()

    tasks.offer(task(1))
    tasks.offer(task(2))

    assert [outcome.failure.error_type for outcome in tasks.completed(2).values()] == ["ValueError"] * 2
    worker.stop()
