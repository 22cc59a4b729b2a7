"""The engine's life: starting, stopping, forking, on real threads too."""

from __future__ import annotations

import os
from concurrent.futures import Future
from concurrent.futures import wait as wait_for_all

import pytest

from iwf_py.errors import EngineStoppedError, StoreInUseError
from iwf_py.model.commands import SignalChannelCommand
from iwf_py.model.invocations import Serves
from iwf_py.model.requests import RpcRequest, RunAddress, SignalRequest, StartRequest
from iwf_py.runtime.engine import Engine
from iwf_py.runtime.threads import RandomIds, SystemClock, Threads
from iwf_py.scheduling.alarm import ApschedulerAlarm
from iwf_py.scheduling.cron import CronCalendar
from iwf_py.store.database import SqlStore


def test_before_the_start_and_after_the_stop_calls_are_refused(make_scene):
    """
    A stopped engine is an answer too.
    """
    scene = make_scene()
    scene.close()

    for call in (scene.service.wait, scene.service.describe, scene.service.result):
        assert isinstance(call(scene.at()).exception(0), EngineStoppedError)
    with pytest.raises(EngineStoppedError):
        scene.engine.start()


def test_stopping_finishes_what_is_queued(scene, kit):
    """
    What was accepted is written and acknowledged before the store is closed.
    """
    future = scene.service.start(StartRequest(workflow_id="w", workflow_type="Flow", start=kit.movement("A")))

    scene.close()

    assert future.result(0)


def test_stopping_tells_everybody_who_waits(scene, kit):
    """
    Waiters of runs and callers of RPCs hear that the engine is stopped.
    """
    scene.start()
    waiting = scene.service.wait(scene.at())
    calling = scene.service.invoke_rpc(RpcRequest(workflow_id="w", rpc_name="read"))
    scene.run()

    scene.close()

    assert isinstance(waiting.exception(0), EngineStoppedError)
    assert isinstance(calling.exception(0), EngineStoppedError)


def test_stopping_twice_is_stopping_once(make_scene):
    """
    `stop` may be called again; of an engine that never started it does nothing.
    """
    scene = make_scene()
    scene.close()

    assert scene.engine.begin_stop().done()


def test_a_waiter_that_gives_up_is_forgotten(scene, kit):
    """
    Cancelling detaches; nothing is kept of the waiter.
    """
    scene.start()
    futures = [scene.service.wait(scene.at()) for _ in range(100)]
    scene.run()
    for future in futures:
        future.cancel()

    assert scene.engine._waiters._waiting == {}


def test_a_waiter_of_a_run_that_is_not_in_memory_hears_of_its_end(make_scene, kit):
    """
    Between reading the run and registering, no wake-up is lost.
    """
    scene = make_scene()
    scene.handlers["A.wait_until"] = lambda call: kit.wait_for(SignalChannelCommand.by_name("outer"))
    scene.start(first=kit.movement("A", waits=True))
    scene.work()
    scene.engine._cache.drop(next(iter(scene.engine._cache._open)))
    waiting = scene.service.wait(scene.at())
    scene.service.signal(SignalRequest(workflow_id="w", channel_name="outer"))
    scene.work()

    assert waiting.result(0).status == "COMPLETED"


def test_a_fork_finds_the_engine_stopped(tmp_path, make_scene, kit):
    """
    A child process gets `EngineStoppedError`, and the parent goes on.
    """
    scene = make_scene(SqlStore(f"sqlite:///{tmp_path}/fork.db"))
    scene.start()
    child = os.fork()
    if child == 0:
        error = scene.service.describe(scene.at()).exception(0)
        stopped = scene.engine.begin_stop().done()
        os._exit(0 if isinstance(error, EngineStoppedError) and "fork" in str(error) and stopped else 1)

    _, status = os.waitpid(child, 0)

    assert os.waitstatus_to_exitcode(status) == 0
    assert scene.describe().status == "RUNNING"


def test_a_store_that_is_in_use_leaves_the_engine_as_new(tmp_path, make_scene):
    """
    The error says who holds it; once it is free, the same engine starts.
    """
    url = f"sqlite:///{tmp_path}/owned.db"
    scene = make_scene(SqlStore(url))
    threads = Threads(1)
    other = Engine(
        SqlStore(url),
        clock=SystemClock(),
        calendar=CronCalendar(),
        ids=RandomIds(),
        executor=threads,
        make_alarm=ApschedulerAlarm,
    )

    with pytest.raises(StoreInUseError):
        other.start()
    scene.close()
    other.start()
    other.stop()
    threads.close()


def test_many_clients_and_workers_on_threads(tmp_path, kit):
    """
    The same engine on real threads: every run completes, and every waiter hears it.
    """
    threads = Threads()
    engine = Engine(
        SqlStore(f"sqlite:///{tmp_path}/threads.db"),
        clock=SystemClock(),
        calendar=CronCalendar(),
        ids=RandomIds(),
        executor=threads,
        make_alarm=ApschedulerAlarm,
    )
    engine.start()
    serves = Serves({"Flow": frozenset({"A", "B"})})

    def take() -> None:
        engine.tasks.take(20, serves).add_done_callback(work)

    def work(taking: Future) -> None:
        tasks = taking.result()
        if tasks:
            outcomes = [
                (task.fence, kit.go(kit.movement("B")) if task.invocation.method_name == "A" else kit.complete())
                for task in tasks
            ]
            engine.tasks.complete(outcomes)
            take()

    for _ in range(3):
        take()
    starts = [
        engine.service.start(StartRequest(workflow_id=f"w{number}", workflow_type="Flow", start=kit.movement("A")))
        for number in range(200)
    ]
    wait_for_all(starts, timeout=60)
    waits = [engine.service.wait(RunAddress(workflow_id=f"w{number}")) for number in range(200)]

    try:
        assert {waiting.result(60).status for waiting in waits} == {"COMPLETED"}
    finally:
        engine.stop()
        threads.close()
