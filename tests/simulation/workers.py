"""Workers that lose outcomes, hand them in late, twice, and out of order, and outlive the engines they took from."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

from iwf_py.model.invocations import Outcome, Task
from iwf_py.model.status import Phase
from tests.simulation.options import Options
from tests.simulation.program import SERVES, Program
from tests.simulation.world import World


class FakeWorker:
    """
    One worker.

    Args:
        engine: Tells the engine that serves now, or None between two.

        took: Is told each task that was taken.

        answered: Is told what its handler made of it.
    """

    def __init__(
        self,
        world: World,
        options: Options,
        program: Program,
        engine: Callable[[], Any],
        took: Callable[[Task], None],
        answered: Callable[[Task, Outcome], None],
    ) -> None:
        self._world = world
        self._options = options
        self._program = program
        self._engine = engine
        self._took = took
        self._answered = answered

    def connect(self, engine: Any) -> None:
        """Work for a new engine."""
        self._ask(engine)

    def _ask(self, engine: Any) -> None:
        if engine is not self._engine():
            return
        future = engine.tasks.take(self._world.random.choice((1, 2, 10)), SERVES)
        future.add_done_callback(lambda done: self._got(engine, done))
        if self._world.chance(0.05):
            self._world.after(self._world.random.random(), lambda: self._ask_anew(engine, future))

    def _ask_anew(self, engine: Any, future: Future[tuple[Task, ...]]) -> None:
        if future.cancel():
            self._world.sometimes["take cancelled"] += 1
            self._ask(engine)

    def _got(self, engine: Any, future: Future[tuple[Task, ...]]) -> None:
        # An engine that has died has given nothing.
        if engine is not self._engine() or future.cancelled():
            return
        for task in future.result():
            self._took(task)
            self._begin(task)
        if future.result():
            pace = self._world.random.choice((0.01, 0.01, 0.5))
            self._world.after(self._world.random.random() * pace, lambda: self._ask(engine))

    def _begin(self, task: Task) -> None:
        world, options = self._world, self._options
        self._world.note("call", task.invocation.workflow_id, task.fence)
        is_peaceful = self._program.is_peaceful
        if not is_peaceful and world.chance(options.lose):
            world.sometimes["outcome lost"] += 1
            return
        span = world.random.random() * 0.2
        if not is_peaceful and world.chance(options.late):
            span += task.invocation.timeout.total_seconds() + 7
        outcome = self._program.run(task.invocation)
        self._answered(task, outcome)
        world.after(span, lambda: self._deliver(task, outcome))
        if not is_peaceful and world.chance(options.duplicate):
            world.sometimes["outcome duplicated"] += 1
            again = world.random.random() * world.random.choice((0.02, 0.3, 3.0))
            world.after(span + again, lambda: self._deliver(task, outcome))

    def _deliver(self, task: Task, outcome: Outcome) -> None:
        engine = self._engine()
        if engine is None:
            return
        fence = task.fence
        if fence.epoch != engine.tasks._effects.epoch and fence.phase is not Phase.RPC:
            self._world.sometimes["stale fence"] += 1
        self._world.note("outcome", task.invocation.workflow_id, fence, type(outcome).__name__)
        engine.tasks.complete([(fence, outcome)])
