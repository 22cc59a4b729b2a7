"""An engine on one thread: its steps run when a test says so, its clock moves by hand."""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from typing import Any

import pytest

from iwf_py.model.commands import CommandRequest
from iwf_py.model.decisions import FORCE_FAILING, GRACEFUL_COMPLETING, Decision, Movement
from iwf_py.model.ids import run_id_from
from iwf_py.model.invocations import (
    ExecuteResult,
    Failed,
    Failure,
    Invocation,
    InvocationKind,
    Outcome,
    RpcResult,
    Serves,
    Task,
    WaitUntilResult,
    Writes,
)
from iwf_py.model.options import StateOptions
from iwf_py.model.payload import Payload
from iwf_py.model.requests import RunAddress, StartRequest
from iwf_py.ports import Calendar
from iwf_py.runtime.engine import Engine
from iwf_py.runtime.limits import Limits
from iwf_py.scheduling.cron import CronCalendar
from iwf_py.store.database import SqlStore
from iwf_py.testing.clock import ManualClock

SKIP_WAIT = StateOptions(skip_wait_until=True)


def payload(text: str) -> Payload:
    return Payload("json/plain", f'"{text}"')


def movement(
    state_id: str, *, waits: bool = False, value: str | None = None, options: StateOptions | None = None
) -> Movement:
    return Movement(state_id, None if value is None else payload(value), options or (None if waits else SKIP_WAIT))


def go(*movements: Movement, **writes: Any) -> ExecuteResult:
    return ExecuteResult(decision=Decision(movements), writes=Writes(**writes))


def complete(value: str | None = None, **writes: Any) -> ExecuteResult:
    return go(Movement(GRACEFUL_COMPLETING, None if value is None else payload(value)), **writes)


def fail_run(value: str) -> ExecuteResult:
    return go(Movement(FORCE_FAILING, payload(value)))


def wait_for(*commands: Any) -> WaitUntilResult:
    return WaitUntilResult(commands=CommandRequest.for_any_command_completed(*commands))


def failed(message: str = "no luck", **more: Any) -> Failed:
    return Failed(Failure(error_type="ValueError", message=message, **more))


class Steps:
    """An executor whose steps are run by whoever asks for a result."""

    def __init__(self) -> None:
        self.steps: deque[Callable[[], None]] = deque()

    def submit(self, step: Callable[[], None]) -> None:
        self.steps.append(step)

    def run(self) -> None:
        while self.steps:
            self.steps.popleft()()


class CountedIds:
    def __init__(self) -> None:
        self.count = 0

    def run_id(self, at: Any) -> str:
        self.count += 1
        return run_id_from(at, self.count.to_bytes(10, "big"))


class Scene:
    """One engine, one clock, and a worker whose handlers are functions of the invocation."""

    def __init__(
        self,
        store: Any,
        limits: Limits,
        clock: ManualClock | None = None,
        calendar: Calendar | None = None,
        **more: Any,
    ) -> None:
        self.steps = Steps()
        self.clock = clock or ManualClock()
        self.store = store
        self.engine = Engine(
            store,
            clock=self.clock,
            calendar=calendar or CronCalendar(),
            ids=CountedIds(),
            executor=self.steps,
            make_alarm=self.clock.alarm,
            limits=limits,
            **more,
        )
        self.engine.start()
        self.service = self.engine.service
        self.handlers: dict[str, Callable[[Invocation], Outcome]] = {}
        self.serves = Serves({"Flow": frozenset({"A", "B", "C", "D"})})
        self.calls: list[Task] = []
        self.run()

    def run(self) -> None:
        self.steps.run()

    def get(self, future: Future[Any]) -> Any:
        self.run()
        return future.result(0)

    def start(self, workflow_id: str = "w", first: Movement | None = None, **more: Any) -> str:
        request = StartRequest(workflow_id=workflow_id, workflow_type="Flow", start=first or movement("A"), **more)
        return str(self.get(self.service.start(request)))

    def tasks(self, limit: int = 100) -> list[Task]:
        """Take what is ready, without doing it."""
        self.run()
        future = self.engine.tasks.take(limit, self.serves)
        self.run()
        if not future.done():
            assert future.cancel()
            return []
        return list(future.result(0))

    def work(self) -> None:
        """Do all that is ready, until nothing is."""
        while tasks := self.tasks():
            self.calls += tasks
            self.engine.tasks.complete([(task.fence, self.perform(task.invocation)) for task in tasks])
            self.run()

    def perform(self, call: Invocation) -> Outcome:
        name = f"{call.method_name}.{call.kind.value.lower()}"
        handler = self.handlers.get(name) or self.handlers.get(call.method_name)
        if handler is not None:
            return handler(call)
        if call.kind is InvocationKind.RPC:
            return RpcResult()
        return wait_for() if call.kind is InvocationKind.WAIT_UNTIL else complete()

    def at(self, workflow_id: str = "w", run_id: str | None = None) -> RunAddress:
        return RunAddress(workflow_id=workflow_id, run_id=run_id)

    def describe(self, workflow_id: str = "w") -> Any:
        return self.get(self.service.describe(self.at(workflow_id)))

    def close(self) -> None:
        done = self.engine.begin_stop()
        for _ in range(50):
            self.run()
            if done.done():
                return
            self.clock.advance(1)
        raise AssertionError("the engine does not stop")


@pytest.fixture
def make_scene() -> Iterator[Callable[..., Scene]]:
    scenes: list[Scene] = []

    def make(store: Any = None, limits: Limits | None = None, **more: Any) -> Scene:
        scene = Scene(store or SqlStore("sqlite://"), limits or Limits(checks_invariants=True), **more)
        scenes.append(scene)
        return scene

    yield make
    for scene in scenes:
        if scene.engine.is_running:
            scene.close()


@pytest.fixture
def scene(make_scene: Callable[..., Scene]) -> Scene:
    return make_scene()


@pytest.fixture
def kit() -> Any:
    """What tests build outcomes of; a fixture, since test folders are no packages."""
    return sys.modules[__name__]
