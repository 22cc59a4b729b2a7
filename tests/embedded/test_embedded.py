import asyncio
import logging
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from queue import SimpleQueue

import pytest

from iwf_py.authoring.registry import Registry
from iwf_py.embedded import Embedded
from iwf_py.errors import (
    EngineStoppedError,
    StoreInUseError,
    StoreUnusableError,
    WorkflowAlreadyStartedError,
    WorkflowStillRunningError,
)
from iwf_py.model.status import WorkflowStatus
from tests.embedded.workflows import (
    Doubling,
    DoublingLater,
    Form,
    Hang,
    Hanging,
    Nest,
    Nesting,
    Signup,
    Stuck,
    registry,
)


class Listener:
    """An observer that keeps what it is told, and wakes who waits for a kind of event."""

    def __init__(self):
        self.entries = []
        self.changed = threading.Condition()

    def saw(self, entries):
        with self.changed:
            self.entries += entries
            self.changed.notify_all()

    def wait_for(self, kind, count=1):
        with self.changed:
            assert self.changed.wait_for(lambda: [entry.kind for entry in self.entries].count(kind) >= count, 30)


class Log(logging.Handler):
    """Hears what a module warns of."""

    def __init__(self):
        super().__init__(logging.WARNING)
        self.heard = SimpleQueue()

    def emit(self, record):
        self.heard.put(record.getMessage())

    def wait_for(self, words):
        while words not in self.heard.get(timeout=30):
            pass

    @contextmanager
    def listening(self, name):
        logger = logging.getLogger(name)
        logger.addHandler(self)
        try:
            yield
        finally:
            logger.removeHandler(self)


@pytest.fixture
def listener():
    return Listener()


def test_a_workflow_runs_in_three_lines(tmp_path, monkeypatch, no_threads_left):
    """
    A url and a registry are enough; a relative path is relative to the working directory; no thread is left behind.
    """
    monkeypatch.chdir(tmp_path)

    with Embedded("sqlite:///signup.db", Registry(Doubling())) as iwf:
        iwf.client.start_workflow(Doubling, "alice", 3600, 21)
        assert iwf.client.wait_for_workflow_completion("alice", int) == 42

    assert (tmp_path / "signup.db").exists()


def test_nothing_is_opened_before_the_start(tmp_path, embedded, no_threads_left):
    """
    Making one opens no file and starts no thread; its client says that it has not been started.
    """
    engine = embedded()

    with pytest.raises(EngineStoppedError, match="start"):
        engine.client.start_workflow(Doubling, "w", 0, 1)

    assert list(tmp_path.iterdir()) == []
    assert not engine.is_running


def test_the_client_may_be_taken_before_the_start(embedded):
    """
    One client serves from the start to the end.
    """
    engine = embedded()
    client = engine.client

    engine.start()
    client.start_workflow(Doubling, "w", 0, 21)

    assert client.wait_for_workflow_completion("w", int) == 42
    assert engine.is_running


def test_starting_twice_is_fine(embedded):
    """
    A second start does nothing, also when several threads start at once.
    """
    engine = embedded()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: engine.start(), range(8)))
    engine.start()

    engine.client.start_workflow(Doubling, "w", 0, 1)
    assert engine.client.wait_for_workflow_completion("w", int) == 2


def test_closing_twice_is_fine(embedded, no_threads_left):
    """
    Any number of threads may close; who calls afterwards, or starts again, is told.
    """
    engine = embedded()
    engine.start()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: engine.close(), range(8)))
    engine.close()

    with pytest.raises(EngineStoppedError, match="closed"):
        engine.client.describe_workflow("w")
    with pytest.raises(EngineStoppedError, match="closed"):
        engine.start()
    assert not engine.is_running


def test_closing_what_never_started_is_fine(embedded):
    """
    There is nothing to close; it cannot be started afterwards.
    """
    engine = embedded()

    engine.close()

    with pytest.raises(EngineStoppedError):
        engine.start()


def test_who_waits_is_told_when_it_is_closed(embedded, listener):
    """
    A caller that waits for a result is not left waiting.
    """
    engine = embedded(observers=[listener])
    engine.start()
    engine.client.start_workflow(Signup, "w", 0, Form("w"))
    errors = []

    def wait():
        try:
            engine.client.wait_for_workflow_completion("w")
        except EngineStoppedError as error:
            errors.append(error)

    waiter = threading.Thread(target=wait)
    waiter.start()
    listener.wait_for("WaitUntilReturned")
    engine.close()
    waiter.join(30)

    assert len(errors) == 1


def test_everything_is_as_it_was_after_a_restart(embedded, clock, listener):
    """
    Registrations, waits, the instant of the reminder, and results: another engine on the same file goes on with them.
    """
    with embedded(observers=[listener]) as iwf:
        iwf.client.start_workflow(Doubling, "done", 0, 4)
        assert iwf.client.wait_for_workflow_completion("done", int) == 8
        iwf.client.start_workflow(Signup, "alice", 0, Form("alice", 100))
        listener.wait_for("WaitUntilReturned")
        clock.advance(60)

    with embedded(observers=[listener]) as iwf:
        assert iwf.client.wait_for_workflow_completion("done", int) == 8
        with pytest.raises(WorkflowAlreadyStartedError):
            iwf.client.start_workflow(Signup, "alice", 0, Form("alice"))
        clock.advance(39)
        assert iwf.client.invoke_rpc("alice", Signup.reminders) == 0
        clock.advance(1)
        listener.wait_for("WaitUntilReturned", 2)
        assert iwf.client.invoke_rpc("alice", Signup.reminders) == 1
        assert iwf.client.invoke_rpc("alice", Signup.verify) == "done"
        assert iwf.client.wait_for_workflow_completion("alice", str) == "done"
        assert iwf.client.invoke_rpc("alice", Signup.verify) == "already verified"


def test_what_came_due_while_nobody_served_happens_at_the_start(embedded, clock, listener):
    """
    An overdue reminder goes out at once, and once.
    """
    with embedded(observers=[listener]) as iwf:
        iwf.client.start_workflow(Signup, "alice", 0, Form("alice", 100))
        listener.wait_for("WaitUntilReturned")
    clock.advance(150)

    with embedded(observers=[listener]) as iwf:
        listener.wait_for("WaitUntilReturned", 2)

        assert iwf.client.invoke_rpc("alice", Signup.reminders) == 1


def test_time_passes_by_itself(embedded):
    """
    With the clock of the system and its alarm, a timer fires without anybody's help.
    """
    with embedded(by_hand=False) as iwf:
        iwf.client.start_workflow(Signup, "alice", 0, Form("alice", 0.02))
        while not iwf.client.invoke_rpc("alice", Signup.reminders):
            with pytest.raises(WorkflowStillRunningError):
                iwf.client.wait_for_workflow_completion("alice", timeout=0.01)

        assert iwf.client.invoke_rpc("alice", Signup.verify) == "done"
        assert iwf.client.wait_for_workflow_completion("alice", str) == "done"


def test_a_second_engine_on_the_file_is_refused(embedded, no_threads_left):
    """
    The error names who holds the file; the first engine goes on.
    """
    with embedded() as iwf:
        other = embedded()
        with pytest.raises(StoreInUseError, match="pid"):
            other.start()

        assert not other.is_running
        iwf.client.start_workflow(Doubling, "w", 0, 1)
        assert iwf.client.wait_for_workflow_completion("w", int) == 2


def test_a_start_that_failed_may_be_tried_again(embedded):
    """
    Once the file is free, the same object starts.
    """
    first, second = embedded(), embedded()
    first.start()
    with pytest.raises(StoreInUseError):
        second.start()
    first.close()

    second.start()

    second.client.start_workflow(Doubling, "w", 0, 1)
    assert second.client.wait_for_workflow_completion("w", int) == 2


def test_an_error_at_the_start_leaves_nothing_open(tmp_path, no_threads_left):
    """
    What is no database says so, and is left as it was.
    """
    (tmp_path / "letter.db").write_text("Dear Sir or Madam, " * 100)
    engine = Embedded(f"sqlite:///{tmp_path}/letter.db", registry())

    with pytest.raises(StoreUnusableError):
        engine.start()

    assert (tmp_path / "letter.db").read_text().startswith("Dear Sir")
    engine.close()


def test_coroutines_run_on_a_loop_of_the_engine(embedded):
    """
    async def handlers need no loop of the caller's.
    """
    with embedded() as iwf:
        for number in range(20):
            iwf.client.start_workflow(DoublingLater, f"w{number}", 0, number)

        answers = [iwf.client.wait_for_workflow_completion(f"w{number}", int) for number in range(20)]

    assert answers == [number * 2 for number in range(20)]


def test_sixty_four_callers_at_once(embedded):
    """
    Many threads start and wait at the same time, and each gets its own answer.
    """

    def call(number):
        iwf.client.start_workflow(Doubling, f"w{number}", 0, number)
        return iwf.client.wait_for_workflow_completion(f"w{number}", int)

    with embedded() as iwf, ThreadPoolExecutor(64) as pool:
        answers = list(pool.map(call, range(256)))

    assert answers == [number * 2 for number in range(256)]


def test_of_callers_that_start_one_id_one_wins(embedded):
    """
    Sixty-four starts of one id at once: one run, and sixty-three refusals.
    """

    def call(_):
        try:
            return iwf.client.start_workflow(Signup, "alice", 0, Form("alice"))
        except WorkflowAlreadyStartedError as error:
            return error

    with embedded() as iwf, ThreadPoolExecutor(64) as pool:
        answers = list(pool.map(call, range(64)))

        runs = [answer for answer in answers if isinstance(answer, str)]
        assert len(runs) == 1
        assert {answer.run_id for answer in answers if not isinstance(answer, str)} == set(runs)


def test_hanging_handlers_do_not_stop_the_others(embedded):
    """
    As many handlers hang as there are threads for others; those go on.
    """
    hang = Hang()
    try:
        with embedded(registry=Registry(Hanging(hang), Doubling()), max_workers=8, grace_seconds=0) as iwf:
            for number in range(7):
                iwf.client.start_workflow(Hanging, f"h{number}", 0)
                assert hang.called.acquire(timeout=30)
            for number in range(20):
                iwf.client.start_workflow(Doubling, f"w{number}", 0, number)

            answers = [iwf.client.wait_for_workflow_completion(f"w{number}", int) for number in range(20)]

            assert answers == [number * 2 for number in range(20)]
            assert iwf.client.describe_workflow("h0").workflow_status is WorkflowStatus.RUNNING
    finally:
        hang.let_go.set()


def test_an_attempt_that_passes_its_timeout_is_given_up(embedded):
    """
    A hundred handlers hang for ever in eight threads: attempts are given up and tried again, and others go on meanwhile.
    """
    stuck, log = Stuck(), Log()
    registry = Registry(Hanging(stuck), Doubling())
    options = {"max_workers": 8, "grace_seconds": 0, "by_hand": False}
    try:
        with log.listening("iwf_py.worker.pool"), embedded(registry=registry, **options) as iwf:
            for number in range(100):
                iwf.client.start_workflow(Hanging, f"h{number}", 0)
            for number in range(20):
                iwf.client.start_workflow(Doubling, f"w{number}", 0, number)

            log.wait_for("timed out after 0.05 s")
            answers = [iwf.client.wait_for_workflow_completion(f"w{number}", int) for number in range(20)]
            stuck.let_go.set()
            attempts = [iwf.client.wait_for_workflow_completion(f"h{number}") for number in range(100)]
    finally:
        stuck.let_go.set()

    assert answers == [number * 2 for number in range(20)]
    # Those that were given up have been tried again; the others were let go in their first attempt.
    assert any(isinstance(attempt, int) for attempt in attempts)
    assert all(attempt == "let go" or attempt > 1 for attempt in attempts)


def test_the_client_for_asyncio_is_there_too(embedded):
    """
    Coroutines of the caller wait without a thread.
    """

    async def calls(client):
        await asyncio.gather(*[client.start_workflow(Doubling, f"w{number}", 0, number) for number in range(50)])
        waits = [client.wait_for_workflow_completion(f"w{number}", int) for number in range(50)]
        return await asyncio.gather(*waits)

    with embedded() as iwf:
        assert asyncio.run(calls(iwf.async_client)) == [number * 2 for number in range(50)]


def test_closing_does_not_wait_for_hanging_handlers(embedded):
    """
    What does not end is left behind; after the next start it is called again, and its first answer counts for nothing.
    """
    first, second = Hang(), Hang()
    with embedded(registry=Registry(Hanging(first)), grace_seconds=0) as iwf:
        iwf.client.start_workflow(Hanging, "w", 0)
        assert first.called.acquire(timeout=30)

    with embedded(registry=Registry(Hanging(second))) as iwf:
        first.let_go.set()
        assert second.called.acquire(timeout=30)
        (state,) = iwf.client.describe_workflow("w").states
        assert (state.attempt, state.recoveries) == (1, 0)
        second.let_go.set()

        assert iwf.client.wait_for_workflow_completion("w", str) == "let go"


def test_a_long_call_is_no_poison(embedded):
    """
    However often an engine is closed in order while one call takes its time, its run goes on.
    """
    hangs = [Hang() for _ in range(9)]
    for number, hang in enumerate(hangs):
        with embedded(registry=Registry(Hanging(hang)), grace_seconds=0) as iwf:
            if not number:
                iwf.client.start_workflow(Hanging, "w", 0)
            assert hang.called.acquire(timeout=30)
            if hang is hangs[-1]:
                hang.let_go.set()
                assert iwf.client.wait_for_workflow_completion("w", str) == "let go"
        hang.let_go.set()


def test_closing_lets_running_handlers_end(embedded):
    """
    Within the grace a handler's outcome is still stored.
    """
    hang = Hang()
    engine = embedded(registry=Registry(Hanging(hang)), grace_seconds=30)
    engine.start()
    engine.client.start_workflow(Hanging, "w", 0)
    assert hang.called.acquire(timeout=30)
    closing = threading.Thread(target=engine.close)
    closing.start()
    hang.let_go.set()
    closing.join(30)

    with embedded(registry=Registry(Hanging())) as iwf:
        assert iwf.client.wait_for_workflow_completion("w", str) == "let go"


def test_handlers_that_wait_for_other_workflows_do_not_starve(embedded):
    """
    With two threads, ten workflows that each wait for a chain of five others: a thread that waits in the client is made up for.
    """
    nest = Nest()
    with embedded(registry=Registry(Nesting(nest)), max_workers=2) as iwf:
        nest.client = iwf.client
        for number in range(10):
            iwf.client.start_workflow(Nesting, f"w{number}", 0, 5)

        answers = [iwf.client.wait_for_workflow_completion(f"w{number}", int) for number in range(10)]

    assert answers == [5] * 10


def test_open_workflows_that_nobody_serves_are_named_at_the_start(embedded, listener):
    """
    A workflow whose class is not registered is left alone, named in the log and in describe; with its class it goes on.
    """
    with embedded(observers=[listener]) as iwf:
        iwf.client.start_workflow(Signup, "alice", 0, Form("alice"))
        listener.wait_for("WaitUntilReturned")

    log = Log()
    with log.listening("iwf_py.embedded"), embedded(registry=Registry(Doubling())) as iwf:
        log.wait_for("1 of state Verify of workflow Signup")
        (state,) = iwf.client.describe_workflow("alice").states
        assert not state.is_served

    with embedded() as iwf:
        assert iwf.client.invoke_rpc("alice", Signup.verify) == "done"
        assert iwf.client.wait_for_workflow_completion("alice", str) == "done"


def test_observers_are_told_after_the_commit(embedded, listener):
    """
    Every entry of the history is seen once, in order.
    """
    with embedded(observers=[listener]) as iwf:
        iwf.client.start_workflow(Doubling, "w", 0, 1)
        iwf.client.wait_for_workflow_completion("w", int)
        listener.wait_for("ExecuteReturned")

    assert [(entry.seq, entry.kind) for entry in listener.entries] == [(1, "Started"), (2, "ExecuteReturned")]
