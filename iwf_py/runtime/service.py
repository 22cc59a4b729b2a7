"""The door for clients."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from datetime import datetime
from typing import Any, TypeVar

from iwf_py.core import looks, views
from iwf_py.core.effects import Accepted, Answer, Refused
from iwf_py.core.events import (
    AttributesSet,
    ConfigUpdated,
    Event,
    Published,
    Signalled,
    Started,
    StopRequested,
    TimerSkipped,
)
from iwf_py.core.looks import Expected, Look
from iwf_py.core.points import request_problem
from iwf_py.errors import ExecutionParkedError, IwfError, TooManyRequestsError, TransitionError
from iwf_py.model.history import HistoryEntry
from iwf_py.model.ids import WorkflowKey, check_name
from iwf_py.model.payload import Payload, SearchAttribute
from iwf_py.model.requests import (
    AttributeReading,
    AttributeWaitRequest,
    CountRequest,
    GetAttributesRequest,
    PublishRequest,
    ResetRequest,
    RpcRequest,
    RunAddress,
    RunDescription,
    RunResult,
    SearchPage,
    SearchRequest,
    SetAttributesRequest,
    SignalRequest,
    SkipTimerRequest,
    StartRequest,
    StateCompletion,
    StateWaitRequest,
    StopRequest,
    UpdateConfigRequest,
)
from iwf_py.ports import Ids
from iwf_py.runtime.answers import answer, refuse
from iwf_py.runtime.cache import Live
from iwf_py.runtime.dispatch import Dispatch
from iwf_py.runtime.limits import Limits
from iwf_py.runtime.posts import ClientPost, StartPost, StopPost
from iwf_py.runtime.reads import Reads, key_of
from iwf_py.runtime.resets import Resets
from iwf_py.runtime.rpcs import Rpcs
from iwf_py.runtime.turns import Turns
from iwf_py.runtime.waiters import Waiter, Waiters

T = TypeVar("T")


class Service:
    """
    What clients may ask (implements `ports.WorkflowService`).

    Args:
        problem: Tells why the engine serves nobody at the moment, or None.
    """

    def __init__(
        self,
        *,
        ids: Ids,
        turns: Turns,
        reads: Reads,
        rpcs: Rpcs,
        resets: Resets,
        waiters: Waiters,
        dispatch: Dispatch,
        limits: Limits,
        problem: Callable[[], IwfError | None],
    ) -> None:
        self._ids = ids
        self._turns = turns
        self._reads = reads
        self._rpcs = rpcs
        self._resets = resets
        self._waiters = waiters
        self._dispatch = dispatch
        self._limits = limits
        self._problem = problem

    # Writes.

    def start(self, request: StartRequest) -> Future[str]:
        """Open a run; answers its run id (or that of the run in the way, where the request says so)."""
        future: Future[str] = Future()
        key = WorkflowKey(request.namespace, request.workflow_id)
        if self._is_refused(future, key):
            return future

        def make(at: datetime) -> Event:
            return Started(at=at, request=request, run_id=self._ids.run_id(at))

        weight = sum(value.size for _, value in request.attributes)
        if request.start is not None and request.start.input is not None:
            weight += request.start.input.size
        self._turns.post(StartPost(key, None, make, *_to(future), weight))
        return future

    def signal(self, request: SignalRequest) -> Future[None]:
        """Append a message to a signal channel."""

        def make(at: datetime) -> Event:
            return Signalled(at=at, channel_name=request.channel_name, value=request.value)

        return self._write(request, make, 0 if request.value is None else request.value.size)

    def publish(self, request: PublishRequest) -> Future[None]:
        """Append messages to internal channels."""

        def make(at: datetime) -> Event:
            return Published(at=at, messages=request.messages)

        return self._write(request, make, sum(one.value.size for one in request.messages if one.value is not None))

    def stop(self, request: StopRequest) -> Future[None]:
        """End a run. CANCEL of a closed run does nothing; TERMINATE and FAIL of one are refused."""

        def make(at: datetime) -> Event:
            return StopRequested(at=at, stop_type=request.stop_type, reason=request.reason)

        return self._write(request, make, 0, StopPost)

    def skip_timer(self, request: SkipTimerRequest) -> Future[None]:
        """Complete a timer command now."""

        def make(at: datetime) -> Event:
            return TimerSkipped(
                at=at,
                state_execution_id=request.state_execution_id,
                command_id=request.command_id,
                index=request.index,
            )

        return self._write(request, make, 0)

    def set_attributes(self, request: SetAttributesRequest) -> Future[None]:
        """Write data and search attributes from outside."""

        def make(at: datetime) -> Event:
            return AttributesSet(at=at, attributes=request.attributes, search_attributes=request.search_attributes)

        return self._write(request, make, sum(value.size for _, value in request.attributes if value is not None))

    def update_config(self, request: UpdateConfigRequest) -> Future[None]:
        """Change settings of an open run, field by field."""
        return self._write(request, lambda at: ConfigUpdated(at=at, config=request.config), 0)

    def reset(self, request: ResetRequest) -> Future[str]:
        """Open a run with the past of another, up to a point; answers its id. A run that was open is terminated."""
        future: Future[str] = Future()
        if self._is_refused(future, key_of(request)):
            return future
        problem = request_problem(request)
        if problem is not None:
            refuse(future, problem)
        else:
            self._resets.ask(request, future)
        return future

    def invoke_rpc(self, request: RpcRequest) -> Future[Payload | None]:
        """Run an RPC and apply what it wrote; answers its output. A read-only one works on a closed run too."""
        future: Future[Payload | None] = Future()
        if self._is_refused(future, key_of(request)):
            return future
        if self._rpcs.is_full:
            refuse(future, TooManyRequestsError(f"{len(self._rpcs)} RPCs are under way; try again later"))
        elif request.options.is_locking:
            self._rpcs.ask(request, future)
        else:

            def call(live: Live) -> None:
                _refuse_parked(live)
                self._rpcs.call(live, request, future)

            self._reads.run(request, call, lambda error: refuse(future, error))
        return future

    # Reads.

    def get_attributes(self, request: GetAttributesRequest) -> Future[dict[str, Payload]]:
        """Read data attributes, sorted by key."""
        return self._read(request, lambda live: views.attributes(live.record, request.keys))

    def get_search_attributes(self, request: GetAttributesRequest) -> Future[dict[str, SearchAttribute]]:
        """Read search attributes, sorted by key."""
        return self._read(request, lambda live: views.search_attributes(live.record, request.keys))

    def describe(self, address: RunAddress) -> Future[RunDescription]:
        """Tell all that may be seen of a run."""

        def described(live: Live) -> RunDescription:
            tasks = [live.tasks[number] for number in sorted(live.tasks)]
            return views.describe(
                live.record, tasks, parked=live.parked, serves=self._dispatch.serves, now=self._reads.now()
            )

        return self._read(address, described)

    def result(self, address: RunAddress) -> Future[RunResult]:
        """Tell how a run stands now; outputs when it is closed."""
        return self._read(address, lambda live: views.result(live.record))

    def wait(self, address: RunAddress) -> Future[RunResult]:
        """Answer once the run is closed; one that failed and is retried: once the chain has its outcome."""
        return self._wait(address, looks.outcome)

    def wait_for_state(self, request: StateWaitRequest) -> Future[StateCompletion]:
        """Answer once a state execution has completed."""
        return self._wait(request, lambda _: looks.completion(request))

    def wait_for_attribute(self, request: AttributeWaitRequest) -> Future[AttributeReading]:
        """Answer once a data attribute is another than it was."""
        return self._wait(request, lambda run_id: looks.change(request, run_id))

    def search(self, request: SearchRequest) -> Future[SearchPage]:
        """Find one page of runs."""
        return self._look_up(request.namespace, lambda: self._reads.search(request))

    def count(self, request: CountRequest) -> Future[int]:
        """Count the runs that a search finds."""
        return self._look_up(request.namespace, lambda: self._reads.count(request))

    def history(self, address: RunAddress, after: int = 0, limit: int = 1000) -> Future[tuple[HistoryEntry, ...]]:
        """Read history entries with ``seq > after``, at most *limit*."""
        future: Future[tuple[HistoryEntry, ...]] = Future()
        if not self._is_unserved(future, key_of(address)):
            self._reads.history(
                address, after, limit, lambda entries: answer(future, entries), lambda error: refuse(future, error)
            )
        return future

    # How it is done.

    def _wait(self, address: RunAddress, make: Callable[[str], Look[T]]) -> Future[T]:
        """
        Have somebody wait.

        Args:
            make: Makes what is looked for, given the id of the run that was asked for.
        """
        future: Future[T] = Future()
        if self._is_unserved(future, key_of(address)):
            return future

        def found(live: Live) -> None:
            run_id = live.record.run_id
            waiter = Waiter(make(run_id), future, run_id)
            future.add_done_callback(lambda _: self._waiters.forget(waiter))
            self._meet(address, waiter, live, is_registered=False)

        self._reads.run(address, found, lambda error: refuse(future, error))
        return future

    def _meet(self, address: RunAddress, waiter: Waiter, live: Live, *, is_registered: bool) -> None:
        """
        Have a waiter meet what it waits for, in its run or in the run that is its retry.

        Registered first, looked at then: what comes in between is seen by one of the two.
        """
        record = live.record
        seen = looks.look_at(record, waiter.look)
        if not isinstance(seen, Expected):
            if not is_registered or self._waiters.remove(waiter):
                waiter.tell(seen)
            return
        if record.closed is None:
            if live.parked is not None:
                self._waiters.remove(waiter)
                _refuse_parked(live)
            if is_registered:
                return
            waiter.seq = record.seq
        else:
            if is_registered and not self._waiters.remove(waiter):
                return
            waiter.run_id, waiter.seq = seen.run_id, 0
        self._waiters.add(waiter)
        if waiter.future.cancelled():
            self._waiters.remove(waiter)
            return
        if self._reads.is_current(live):
            return
        self._reads.run(
            RunAddress(workflow_id=address.workflow_id, run_id=waiter.run_id, namespace=address.namespace),
            lambda again: self._meet(address, waiter, again, is_registered=True),
            lambda error: refuse(waiter.future, error),
        )

    def _write(
        self,
        address: RunAddress,
        make: Callable[[datetime], Event],
        weight: int,
        kind: type[ClientPost] = ClientPost,
    ) -> Future[None]:
        future: Future[None] = Future()
        key = key_of(address)
        if not self._is_refused(future, key):
            self._turns.post(kind(key, address.run_id or None, make, *_to(future), weight))
        return future

    def _read(self, address: RunAddress, look: Callable[[Live], T]) -> Future[T]:
        future: Future[T] = Future()
        if not self._is_unserved(future, key_of(address)):
            self._reads.run(address, lambda live: answer(future, look(live)), lambda error: refuse(future, error))
        return future

    def _look_up(self, namespace: str, look: Callable[[], T]) -> Future[T]:
        future: Future[T] = Future()
        if not self._is_unserved(future, namespace):
            self._reads.look(look, lambda found: answer(future, found), lambda error: refuse(future, error))
        return future

    def _is_unserved(self, future: Future[Any], key: WorkflowKey | str) -> bool:
        """Refuse a call that cannot be served at all: of a stopped engine, or with what is no id; a str is a namespace."""
        problem = self._problem()
        if problem is not None:
            refuse(future, problem)
            return True
        try:
            check_name("namespace", key if isinstance(key, str) else key.namespace)
            if not isinstance(key, str):
                check_name("workflow id", key.workflow_id)
        except IwfError as error:
            refuse(future, error)
            return True
        return False

    def _is_refused(self, future: Future[Any], key: WorkflowKey) -> bool:
        """Refuse a write that there is no room for at the moment, beside what `_is_unserved` refuses."""
        if self._is_unserved(future, key):
            return True
        problem = self._turns.problem
        if problem is not None:
            refuse(future, problem)
            return True
        return False


def _to(future: Future[Any]) -> tuple[Callable[[Answer], None], Callable[[Exception], None]]:
    """Make what passes an answer, or an error, on to *future*."""

    def done(given: Answer) -> None:
        if isinstance(given, Accepted):
            answer(future, given.value)
        elif isinstance(given, Refused):
            refuse(future, given.error)
        else:
            refuse(future, TransitionError(f"a client's event was answered with {type(given).__name__}"))

    return done, lambda error: refuse(future, error)


def _refuse_parked(live: Live) -> None:
    if live.parked is not None:
        record = live.record
        raise ExecutionParkedError(workflow_id=record.key.workflow_id, run_id=record.run_id, reason=live.parked)
