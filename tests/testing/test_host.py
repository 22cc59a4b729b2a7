import asyncio
import subprocess
import sys
import threading
from datetime import timedelta

import pytest

from iwf_py.authoring.registry import Registry
from iwf_py.errors import EngineStoppedError, InvalidArgumentError, WorkflowStillRunningError
from iwf_py.model.requests import RunAddress
from iwf_py.model.status import WorkflowStatus
from iwf_py.testing import TestEngine
from tests.testing.workflows import Ask, Awaiting, Interrupted, Parent, Reminders, Spread, Threads


@pytest.fixture
def engine():
    with TestEngine(Reminders(), Threads(), Awaiting()) as engine:
        yield engine


def status(engine, workflow_id="w"):
    return engine.client.describe_workflow(workflow_id).workflow_status


def test_time_is_skipped_and_timers_fire_in_order(engine):
    """
    Three days pass in no time: three reminders, each at its own instant.
    """
    engine.client.start_workflow(Reminders, "w", 0, 0)
    began = engine.clock.now()

    engine.skip("3d")
    engine.client.invoke_rpc("w", Reminders.verify)

    assert engine.client.wait_for_workflow_completion("w", int) == 3
    fired = [entry.at - began for entry in engine.history("w") if entry.kind == "TimerFired"]
    assert fired == [timedelta(days=1), timedelta(days=2), timedelta(days=3)]


def test_a_write_is_carried_out_at_the_call_and_user_code_when_it_is_needed(engine):
    """
    After a start the run exists and nothing of it has run; waiting for it runs it.
    """
    engine.client.start_workflow(Threads, "w", 0, 2)
    assert [entry.kind for entry in engine.history("w")] == ["Started"]

    engine.run_until_idle()

    assert status(engine) is WorkflowStatus.COMPLETED


def test_waiting_for_what_needs_time_is_an_error_at_once(engine):
    """
    Virtual time stands still while a test waits, so it is told to let it pass.
    """
    engine.client.start_workflow(Reminders, "w", 0, 0)

    with pytest.raises(WorkflowStillRunningError, match="skip"):
        engine.client.wait_for_workflow_completion("w")


def test_the_order_of_threads_is_drawn_by_seed():
    """
    One seed, one story; other seeds find other ones.
    """

    def story(seed):
        with TestEngine(Threads(), seed=seed) as engine:
            engine.client.start_workflow(Threads, "w", 0, 8)
            engine.run_until_idle()
            return engine.history("w")

    assert story(3) == story(3)
    outputs = {tuple(entry.event for entry in story(seed)[1:]) for seed in range(5)}
    assert len(outputs) > 1


def test_a_handler_may_ask_the_engine_that_runs_it():
    """
    A state that starts a workflow and waits for it does not wait for itself.
    """
    ask = Ask()
    with TestEngine(Parent(ask), Threads()) as engine:
        ask.client = engine.client
        engine.client.start_workflow(Parent, "w", 0, "child")

        assert engine.client.wait_for_workflow_completion("w") == ["asked", 0]


def test_coroutines_run_inside_a_running_loop_too(engine):
    """
    A test that is itself a coroutine may drive the engine.
    """

    async def test():
        engine.client.start_workflow(Awaiting, "w", 0, 1)
        return engine.client.wait_for_workflow_completion("w", int)

    assert asyncio.run(test()) == 2


def test_the_client_for_asyncio_drives_the_engine_too(engine):
    """
    What is awaited is done before the loop goes on; what needs time to pass is an error at once.
    """

    async def test():
        client = engine.async_client
        await client.start_workflow(Awaiting, "w", 0, 1)
        await client.start_workflow(Reminders, "r", 0, 0)
        with pytest.raises(WorkflowStillRunningError, match="skip"):
            await client.wait_for_workflow_completion("r")
        engine.skip("1d")
        assert await client.invoke_rpc("r", Reminders.verify) == "done"
        return [
            await client.wait_for_workflow_completion("w", int),
            await client.wait_for_workflow_completion("r", int),
        ]

    assert asyncio.run(test()) == [2, 1]


def test_several_threads_may_use_it(engine):
    """
    Callers on other threads drive the same engine, one piece of work at a time each.
    """
    results = []

    def call(number):
        engine.client.start_workflow(Threads, f"w{number}", 0, 3)
        results.append(len(engine.client.wait_for_workflow_results(f"w{number}")))

    threads = [threading.Thread(target=call, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)

    assert results == [3] * 8


def test_a_ctrl_c_ends_the_test():
    """
    Handlers run in the test's own thread: an interrupt is no failed attempt of theirs.
    """
    with TestEngine(Interrupted()) as engine:
        engine.client.start_workflow(Interrupted, "w", 0)

        with pytest.raises(KeyboardInterrupt):
            engine.run_until_idle()


def test_a_closed_engine_answers_nobody(engine):
    """
    Who waits is told, and so is who comes later.
    """
    engine.client.start_workflow(Reminders, "w", 0, 0)
    waiter = engine.service.wait(RunAddress(workflow_id="w"))

    engine.close()

    assert isinstance(waiter.exception(), EngineStoppedError)
    with pytest.raises(EngineStoppedError):
        engine.client.start_workflow(Reminders, "x", 0, 0)


def test_a_broken_history_is_found_at_the_end():
    """
    The with block audits every run: what was tampered with is told, by name.
    """
    engine = TestEngine(Threads())
    engine.client.start_workflow(Threads, "w", 0, 2)
    engine.run_until_idle()
    del engine.service.run(RunAddress(workflow_id="w")).history[1]

    with pytest.raises(AssertionError, match="history has gaps"), engine:
        engine.run_until_idle()


def test_a_failed_test_is_not_hidden_by_the_audit():
    """
    When the block raises anyway, that is what is seen.
    """
    engine = TestEngine(Threads())
    engine.client.start_workflow(Threads, "w", 0, 2)
    del engine.service.run(RunAddress(workflow_id="w")).history[0]

    with pytest.raises(ZeroDivisionError), engine:
        raise ZeroDivisionError


def test_the_audit_may_be_left_out():
    """
    check=False leaves it to the test.
    """
    with TestEngine(Threads(), check=False) as engine:
        engine.client.start_workflow(Threads, "w", 0, 2)
        del engine.service.run(RunAddress(workflow_id="w")).history[0]

    assert engine.problems() != []


def test_workflows_come_alone_or_in_a_registry():
    """
    A registry is taken as it is; with workflows beside it, it would be unclear which is meant.
    """
    registry = Registry(Threads())

    assert TestEngine(registry).registry is registry
    with pytest.raises(InvalidArgumentError):
        TestEngine(registry, Reminders())


def test_pytest_does_not_take_it_for_a_test():
    """
    Its name begins with Test, and it is none.
    """
    assert TestEngine.__test__ is False


def test_it_needs_no_pytest_and_no_database():
    """
    Importing the test engine loads neither pytest nor SQL, and of the scheduling library the calendar alone.
    """
    code = (
        "import sys, iwf_py.testing; "
        "assert not {'pytest', 'sqlmodel', 'sqlalchemy', 'apscheduler.schedulers', 'flask'} & set(sys.modules)"
    )

    assert subprocess.run([sys.executable, "-c", code], timeout=60).returncode == 0


def test_states_can_be_unit_tested_alone():
    """
    A state is a class with two methods: nothing of the engine is needed to call them.
    """
    decision = Spread().execute(None, 3, None, None, None)

    assert [movement.state_input for movement in decision.next_states] == [0, 1, 2]


def test_asyncio_may_ask_as_well(engine):
    """
    Awaiting drives the engine as waiting does, and what needs time to pass is an error at once.
    """

    async def ask():
        client = engine.async_client
        handle = await client.start(Reminders, "w", 0)
        with pytest.raises(WorkflowStillRunningError, match="skip"):
            await handle.result(int)
        engine.skip("1d")
        await handle.call(Reminders.verify)
        return await handle.result(int), repr(handle)

    answer, name = asyncio.run(ask())

    assert answer == 1
    assert name.startswith("<Reminders 'w' (run ")
