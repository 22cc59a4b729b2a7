"""User code and a task service to try the worker with."""

import threading
from collections import deque
from concurrent.futures import Future
from datetime import UTC, datetime, timedelta

from iwf_py.model.invocations import Failed, Fence, Invocation, InvocationKind, RpcResult, Serves, Task
from iwf_py.model.payload import Payload
from iwf_py.model.status import Phase
from iwf_py.worker.failures import failure_of

# Nothing that works takes so long: a test that waits for it has failed.
SOON = 10.0
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def invocation(method="work", *, kind="Flow", timeout=30.0, tag=""):
    return Invocation(
        kind=InvocationKind.RPC,
        namespace="default",
        workflow_type=kind,
        workflow_id=tag or "w",
        run_id="r",
        started_at=NOON,
        method_name=method,
        timeout=timedelta(seconds=timeout),
    )


def task(number, method="work", **fields):
    fence = Fence(run_id="r", number=number, phase=Phase.EXECUTE, epoch=1, attempt=1)
    return Task(fence, invocation(method, tag=str(number), **fields))


class Code:
    """User code: methods by name; coroutine functions where they are in *coroutines*."""

    def __init__(self, methods, coroutines=None):
        self.methods = methods
        self.coroutines = coroutines or {}
        self.serves = Serves({"Flow": frozenset({"work"})})

    def is_async(self, invocation):
        return invocation.method_name in self.coroutines

    def call(self, invocation):
        try:
            return answer(self.methods[invocation.method_name](invocation))
        except Exception as error:
            return Failed(failure_of(error, invocation))

    async def call_async(self, invocation):
        return answer(await self.coroutines[invocation.method_name](invocation))


def answer(value):
    return RpcResult(output=Payload("json/plain", str(value)))


class Outcomes:
    """Collects outcomes by tag, and waits for them."""

    def __init__(self):
        self.changed = threading.Condition()
        self.all = []

    def __call__(self, tag):
        def done(outcome):
            with self.changed:
                self.all.append((tag, outcome))
                self.changed.notify_all()

        return done

    def wait(self, count):
        with self.changed:
            assert self.changed.wait_for(lambda: len(self.all) >= count, SOON), f"only {self.all} came"
            return dict(self.all)


class Gate:
    """Handlers wait in it until the test opens it; *entered* tells when so many have come."""

    def __init__(self):
        self.changed = threading.Condition()
        self.inside = 0
        self.is_open = False

    def __call__(self, invocation):
        with self.changed:
            self.inside += 1
            self.changed.notify_all()
            assert self.changed.wait_for(lambda: self.is_open, 60)
            return "through"

    def entered(self, count):
        with self.changed:
            assert self.changed.wait_for(lambda: self.inside >= count, SOON), f"only {self.inside} entered"

    def open(self):
        with self.changed:
            self.is_open = True
            self.changed.notify_all()


class Tasks:
    """A task service: tasks that the test offers, outcomes that it looks at."""

    def __init__(self):
        self.changed = threading.Condition()
        self.offered = deque()
        self.outcomes = []
        self.batches = []
        self.asked = []
        self.taking = None
        self.take_errors = deque()
        self.complete_errors = deque()

    def take(self, limit, serves):
        future = Future()
        with self.changed:
            self.asked.append(limit)
            self.changed.notify_all()
            if self.take_errors:
                error = self.take_errors.popleft()
                if error is RuntimeError:
                    raise RuntimeError("no")
                future.set_exception(error)
                return future
            assert self.taking is None or self.taking[0].done(), "one take at a time"
            self.taking = (future, limit)
        self._answer()
        return future

    def offer(self, *tasks):
        with self.changed:
            self.offered.extend(tasks)
        self._answer()

    def _answer(self):
        with self.changed:
            if self.taking is None or not self.offered:
                return
            future, limit = self.taking
            if not future.set_running_or_notify_cancel():
                return
            self.taking = None
            given = [self.offered.popleft() for _ in range(min(limit, len(self.offered)))]
        future.set_result(tuple(given))

    def stop(self):
        with self.changed:
            future, _ = self.taking
            self.taking = None
        future.set_result(())

    def complete(self, outcomes):
        future = Future()
        with self.changed:
            self.batches.append(list(outcomes))
            self.changed.notify_all()
            error = self.complete_errors.popleft() if self.complete_errors else None
            if error is None:
                self.outcomes.extend(outcomes)
        if error is None:
            future.set_result(None)
        else:
            future.set_exception(error)
        return future

    def wait(self, question):
        with self.changed:
            assert self.changed.wait_for(lambda: question(self), SOON)

    def completed(self, count):
        self.wait(lambda self: len(self.outcomes) >= count)
        return {fence.number: outcome for fence, outcome in self.outcomes}
