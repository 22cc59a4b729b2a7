"""The production host under the contract: engine, SQLite, worker threads; the clock alone is moved by hand."""

from __future__ import annotations

import threading
from datetime import timedelta

from iwf_py.client.client import Client
from iwf_py.core.invariants import check
from iwf_py.core.parts import stored
from iwf_py.core.rewind import audit
from iwf_py.errors import WorkflowNotExistsError
from iwf_py.model.ids import DEFAULT_NAMESPACE, WorkflowKey
from iwf_py.runtime.engine import Engine
from iwf_py.runtime.limits import Limits
from iwf_py.runtime.threads import RandomIds, Threads
from iwf_py.scheduling.cron import CronCalendar
from iwf_py.store.database import SqlStore
from iwf_py.testing import ManualClock
from iwf_py.testing.clock import read_duration
from iwf_py.testing.contract.host import ContractHost
from iwf_py.worker.handlers import Handlers
from iwf_py.worker.loop import Worker
from iwf_py.worker.pool import ThreadPerformer

# Upkeep's look "every few seconds" is for clocks that jump; here each is an instant to stop at.
LIMITS = Limits(look_every=timedelta(days=36_500), checks_invariants=True)


class Idle:
    """
    Tells when an engine and its worker have nothing to do: no step runs or waits, no task is out, and the worker asks for more.

    It stands between the engine and its executor, and between the worker and the engine's tasks.
    """

    def __init__(self, executor):
        self._executor = executor
        self._changed = threading.Condition()
        self._steps = 0
        self._tasks = 0
        self._take = None
        self.service = None

    def wait(self):
        with self._changed:
            assert self._changed.wait_for(self._is_idle, 30), (self._steps, self._tasks, self._take)

    def is_quiet(self, out=0):
        """Tell whether there is nothing to do, but for so many tasks that are out."""
        with self._changed:
            return self._is_idle(out)

    @property
    def tasks(self):
        """How many tasks are out."""
        return self._tasks

    def _is_idle(self, out=0):
        return not self._steps and self._tasks <= out and self._take is not None and not self._take.done()

    # The engine's executor.

    def submit(self, step):
        def counted():
            try:
                step()
            finally:
                with self._changed:
                    self._steps -= 1
                    self._changed.notify_all()

        with self._changed:
            self._steps += 1
        self._executor.submit(counted)

    # The worker's task service.

    def take(self, limit, serves):
        take = self.service.take(limit, serves)
        take.add_done_callback(self._taken)
        with self._changed:
            self._take = take
            self._changed.notify_all()
        return take

    def _taken(self, take):
        if not take.cancelled() and take.exception() is None:
            with self._changed:
                self._tasks += len(take.result())

    def complete(self, outcomes):
        future = self.service.complete(outcomes)
        with self._changed:
            self._tasks -= len(outcomes)
            self._changed.notify_all()
        return future


class SqliteHost(ContractHost):
    """An engine on a database file; `restart` ends it and begins another."""

    def __init__(self, registry, url):
        super().__init__(registry)
        self._url = url
        self.clock = ManualClock()
        self._threads = Threads()

    def __enter__(self):
        self._idle = Idle(self._threads)
        self._store = SqlStore(self._url)
        self._engine = Engine(
            self._store,
            clock=self.clock,
            calendar=CronCalendar(),
            ids=RandomIds(),
            executor=self._idle,
            make_alarm=self.clock.alarm,
            limits=LIMITS,
        )
        self._engine.start()
        self._idle.service = self._engine.tasks
        self._performer = ThreadPerformer(Handlers(self.registry, self.converter), 8)
        self._worker = Worker(self._idle, self._performer)
        self._worker.start()
        self.service = self._engine.service
        self.client = Client(self.registry, self.service, self.converter)
        return self

    def __exit__(self, *error):
        self._end()
        self._threads.close()

    def _end(self):
        self._worker.stop()
        self._performer.close()
        self._engine.stop()

    def settle(self):
        self._idle.wait()

    def advance(self, duration):
        target = self.clock.now() + read_duration(duration)
        self.settle()
        while (due := self.clock.next_alarm()) is not None and due <= target:
            self.clock.advance_to(due)
            self.settle()
        self.clock.advance_to(target)
        self.settle()

    def restart(self):
        self.settle()
        self._end()
        self.__enter__()

    def events(self, workflow_id, run_id=None):
        key = WorkflowKey(DEFAULT_NAMESPACE, workflow_id)
        row = self._store.find(key, run_id) if run_id else self._store.latest([key]).get(key)
        if row is None:
            raise WorkflowNotExistsError(workflow_id=workflow_id, run_id=run_id or "")
        return self._store.events(row, 0, 1 << 30)

    def problems(self):
        self.settle()
        return list(problems_of(self._store))


def problems_of(store):
    """Audit every run of a store."""
    for row in store.rows(0, 1000):
        loaded = store.load(row)
        events = store.events(row, 0, 1 << 30)
        if loaded.parked is not None:
            yield f"run {row} is parked: {loaded.parked}"
        if [seq for seq, _ in events] != list(range(1, loaded.record.seq + 1)):
            yield f"the history of run {row} has gaps: {[seq for seq, _ in events]}"
        yield from check(loaded.record)
        yield from audit([event for _, event in events], stored(loaded.record))
