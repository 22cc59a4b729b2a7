"""One seed: a time with faults, then a time without, then the reckoning."""

from __future__ import annotations

import contextlib
import logging
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from attrs import frozen

from iwf_py.core.record import Record
from iwf_py.model.history import HistoryEntry
from iwf_py.model.ids import WorkflowKey
from iwf_py.model.invocations import Task
from iwf_py.model.requests import AttributeWaitRequest, SetAttributesRequest, SignalRequest
from iwf_py.runtime.engine import Engine
from iwf_py.store.database import SqlStore
from iwf_py.store.unit import Batch
from tests.simulation.checks import Checks
from tests.simulation.clients import FakeClient
from tests.simulation.faults import FaultyStore
from tests.simulation.ledger import Ledger
from tests.simulation.lookout import Lookout
from tests.simulation.options import Options
from tests.simulation.program import Program, sealed
from tests.simulation.workers import FakeWorker
from tests.simulation.world import Process, Violation, World, WorldCalendar, WorldClock

# Longer than any timer, timeout or interval of the program.
_REST = 120.0


@frozen
class Report:
    """What a seed came to: *problem* is None when all is well."""

    seed: int
    options: Options
    sometimes: Counter[str]
    problem: str | None
    trace: list[str]


class Simulation:
    """The world of one seed."""

    def __init__(self, seed: int, directory: Path, *, traces: bool = False) -> None:
        self.options = Options.of(seed)
        self.world = World(seed, traces=traces)
        self.ledger = Ledger(self.world)
        self.program = Program(self.world, self.options.attempt_fails)
        self.real = SqlStore(f"sqlite:///{directory / 'simulation.db'}")
        self.lookout = Lookout(self.world, self._is_heard)
        self.checks = Checks(self.world, self.ledger, self.real, self.lookout)
        self.engine: Engine | None = None
        self.store: FaultyStore | None = None
        self.process: Process | None = None
        self._generation = 0
        self._is_faulty = True
        self.clients = [
            FakeClient(
                self.world,
                self.ledger,
                self.program,
                self.options.ids,
                lambda: self.engine,
                self._is_heard,
                self.lookout,
            )
            for _ in range(self.options.clients)
        ]
        self.workers = [
            FakeWorker(self.world, self.options, self.program, lambda: self.engine, self._took, self.checks.answered)
            for _ in range(self.options.workers)
        ]

    def run(self) -> None:
        """Live through it; a `Violation` says what was wrong."""
        self._start()
        span = self._plan()
        self.world.run(span)
        self._is_faulty = False
        self.program.is_peaceful = True
        if self.store is not None:
            self.store.is_faulty = False
        self.world.run(_REST)
        self._feed()
        self.world.run(_REST)
        assert self.engine is not None
        self.checks.at_rest(self.engine)
        self.ledger.check()
        self._check_waiters()
        self.lookout.check(self.engine, self._latest)
        if self.world.violation is not None:
            raise Violation(self.world.violation)

    def close(self) -> None:
        """Give the files back."""
        if self.process is not None:
            self.process.is_alive = False
        self.real.close()

    # A process and its end.

    def _start(self) -> None:
        self._generation += 1
        process = Process(self.world, self._generation, self.options.latency)
        store = FaultyStore(self.real, self.world, process, self.options, die=self._die, committed=self._committed)
        store.is_faulty = self._is_faulty
        engine = Engine(
            store,
            clock=WorldClock(self.world),
            calendar=WorldCalendar(),
            ids=self.world,
            executor=process,
            make_alarm=process.alarm,
            limits=self.options.limits,
        )
        self.process, self.store = process, store
        self.world.note("start of generation", self._generation)
        engine.start()
        self.engine = engine
        for worker in self.workers:
            worker.connect(engine)

    def _die(self) -> None:
        """Kill the process: nothing of it goes on, and another one starts a little later."""
        if self.process is None or not self.process.is_alive:
            return
        self.world.sometimes["crash"] += 1
        self.world.note("death of generation", self._generation)
        self.process.is_alive = False
        self.engine = None
        # Not before the step that it died in is over.
        self.world.after(0, self.real.close)
        self.world.after(0.001 + self.world.random.random() * 5, self._start)

    def _stop(self) -> None:
        """Stop the engine in good order; the next one starts when it is closed."""
        process, engine = self.process, self.engine
        if engine is None or process is None or not process.is_alive or not engine.is_running:
            return

        def stopped(_: Any) -> None:
            # It may die before it has stopped.
            if process.is_alive:
                process.is_alive = False
                self.engine = None
                self.world.after(self.world.random.random(), self._start)

        self.world.sometimes["stop"] += 1
        self.world.note("stop of generation", self._generation)
        engine.begin_stop().add_done_callback(stopped)

    def _is_heard(self, engine: Any) -> bool:
        """Does an answer reach its client? The process may die before it could be sent."""
        if engine is not self.engine or self.engine is None:
            return False
        if self._is_faulty and self.world.chance(self.options.crash_showing):
            self.world.sometimes["crash while showing"] += 1
            self._die()
            return False
        return True

    def _committed(self, batch: Batch, entries: tuple[HistoryEntry, ...]) -> None:
        if self.engine is not None and self.engine._rpcs._queues:
            self.world.sometimes["lock waited for"] += 1
        self.checks.committed(batch, entries)

    def _took(self, task: Task) -> None:
        assert self.store is not None
        self.checks.took(task, is_in_doubt=self.store.doubt is not None)

    # What happens.

    def _plan(self) -> float:
        """Lay out what clients do, and when the process dies of itself; answer how long it takes."""
        pick, world = self.world.random, self.world
        moment = 0.0
        for _ in range(self.options.operations):
            moment += pick.choice((0.0, 0.001, 0.05, 0.5, 2.0)) * pick.random()
            world.after(moment, pick.choice(self.clients).act)
        span = moment + 10
        for rate, end in ((self.options.crashes, self._die), (self.options.stops, self._stop)):
            second = pick.expovariate(rate) if rate else span
            while second < span:
                world.after(second, end)
                second += pick.expovariate(rate)
        return span

    def _feed(self) -> None:
        """Give every open run what it may still wait for, and whoever waits for that."""
        assert self.engine is not None
        for run in list(self.checks.runs.values()):
            if run.record.is_open:
                workflow_id = run.key.workflow_id
                self.lookout.wait(self.engine, AttributeWaitRequest(workflow_id=workflow_id, key="fed"))
                self.engine.service.set_attributes(
                    SetAttributesRequest(workflow_id=workflow_id, attributes=(("fed", sealed("feed")),))
                )
                for _ in range(6):
                    request = SignalRequest(workflow_id=workflow_id, channel_name="outer", value=sealed("feed"))
                    self.engine.service.signal(request)

    def _latest(self, key: WorkflowKey) -> Record | None:
        run = self.checks.latest.get(key)
        return None if run is None else run.record

    def _check_waiters(self) -> None:
        """Nobody still waits for what is over."""
        by_id = {run.run_id: run.record for run in self.checks.runs.values()}
        for client in self.clients:
            for engine, address, future in client.waiting:
                if engine is self.engine and not future.done():
                    latest = self.checks.latest.get(WorkflowKey(address.namespace, address.workflow_id))
                    if latest is not None and not latest.record.is_open:
                        self.world.violate(f"somebody still waits for {address.workflow_id}, which has closed")
            for outcome in client.outcomes:
                record = by_id[outcome.run_id]
                while record.successor is not None and record.successor.is_retry:
                    record = by_id[record.successor.next.run_id]
                if record.status is not outcome.status:
                    self.world.violate(f"a waiter of {outcome.run_id} was told {outcome.status}")
                self.world.sometimes["waiter told"] += 1


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Keep the engine's log out of the way: faults make it long."""
    logger = logging.getLogger("iwf_py")
    level = logger.level
    logger.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        logger.setLevel(level)


def simulate(seed: int, *, traces: bool = False) -> Report:
    """Run one seed."""
    memory = Path("/dev/shm")
    with (
        quiet(),
        tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None, prefix="iwf-simulation-") as directory,
    ):
        simulation = Simulation(seed, Path(directory), traces=traces)
        problem: str | None = None
        try:
            simulation.run()
        except Violation as violation:
            problem = str(violation)
        finally:
            simulation.close()
    return Report(seed, simulation.options, simulation.world.sometimes, problem, simulation.world.trace)
