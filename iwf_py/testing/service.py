"""The in-memory host: a `WorkflowService` over a dictionary of records, with handlers called in line.

A write is carried out at the call; calls of user code wait on the agenda until somebody drives it.
All duties of `ports` hold, but that nothing outlives the process.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import TypeVar

from attrs import evolve

from iwf_py.core import views
from iwf_py.core.attempts import Accept, Exhausted, RetryAt, TaskState, judge
from iwf_py.core.effects import (
    Accepted,
    Answer,
    Busy,
    Closed,
    Effect,
    Invoke,
    InvokeRpc,
    Refuse,
    Refused,
    Reply,
    SetTimer,
)
from iwf_py.core.events import (
    AttributesSet,
    Event,
    Published,
    RpcAsked,
    RpcFailed,
    RpcReturned,
    Signalled,
    Started,
    StopRequested,
    TimerFired,
    TimerSkipped,
)
from iwf_py.core.rpcs import failure_error
from iwf_py.errors import (
    EngineStoppedError,
    IwfError,
    TransitionError,
    WorkflowRPCAcquiringLockFailure,
    WorkflowStillRunningError,
)
from iwf_py.model.history import HistoryEntry
from iwf_py.model.ids import WorkflowKey, run_id_from
from iwf_py.model.invocations import Failed, Failure, Outcome, RpcResult
from iwf_py.model.payload import Payload, SearchAttribute
from iwf_py.model.requests import (
    GetAttributesRequest,
    PublishRequest,
    RpcRequest,
    RunAddress,
    RunDescription,
    RunResult,
    SetAttributesRequest,
    SignalRequest,
    SkipTimerRequest,
    StartRequest,
    StopRequest,
)
from iwf_py.testing.agenda import Agenda
from iwf_py.testing.clock import ManualClock
from iwf_py.testing.futures import DrivenFuture
from iwf_py.testing.runs import Asked, Run, Runs
from iwf_py.worker.handlers import Handlers

ResultT = TypeVar("ResultT")
# There is one engine, ever: nothing outlives it.
EPOCH = 1


class MemoryService:
    """
    Implements `ports.WorkflowService`.

    An attempt's timeout is not watched: a handler runs in the caller's thread, while virtual time stands still.

    Args:
        handlers: The user code.

        clock: Where the time is read.

        agenda: Where work waits.
    """

    def __init__(self, handlers: Handlers, clock: ManualClock, agenda: Agenda) -> None:
        self._handlers = handlers
        self._clock = clock
        self._agenda = agenda
        self._runs = Runs(self._carry_out)
        self._is_closed = False

    # What clients ask.

    def start(self, request: StartRequest) -> DrivenFuture[str]:
        """Open a run."""

        def ask() -> str:
            run = self._runs.latest(WorkflowKey(request.namespace, request.workflow_id))
            now = self._now(run)
            run_id = run_id_from(now, self._agenda.random.randbytes(10))
            answer = self._runs.turn(run, Started(at=now, request=request, run_id=run_id))
            return str(_accepted(answer).value)

        return self._answered(request, ask)

    def signal(self, request: SignalRequest) -> DrivenFuture[None]:
        """Append a message to a signal channel."""
        return self._write(request, lambda at: Signalled(at=at, channel_name=request.channel_name, value=request.value))

    def publish(self, request: PublishRequest) -> DrivenFuture[None]:
        """Append messages to internal channels."""
        return self._write(request, lambda at: Published(at=at, messages=request.messages))

    def stop(self, request: StopRequest) -> DrivenFuture[None]:
        """End a run."""
        return self._write(request, lambda at: StopRequested(at=at, stop_type=request.stop_type, reason=request.reason))

    def skip_timer(self, request: SkipTimerRequest) -> DrivenFuture[None]:
        """Complete a timer command now."""
        return self._write(
            request,
            lambda at: TimerSkipped(
                at=at,
                state_execution_id=request.state_execution_id,
                command_id=request.command_id,
                index=request.index,
            ),
        )

    def set_attributes(self, request: SetAttributesRequest) -> DrivenFuture[None]:
        """Write data and search attributes from outside."""
        return self._write(
            request,
            lambda at: AttributesSet(at=at, attributes=request.attributes, search_attributes=request.search_attributes),
        )

    def get_attributes(self, request: GetAttributesRequest) -> DrivenFuture[dict[str, Payload]]:
        """Read data attributes."""
        return self._answered(request, lambda: views.attributes(self._runs.find(request).record, request.keys))

    def get_search_attributes(self, request: GetAttributesRequest) -> DrivenFuture[dict[str, SearchAttribute]]:
        """Read search attributes."""
        return self._answered(request, lambda: views.search_attributes(self._runs.find(request).record, request.keys))

    def describe(self, address: RunAddress) -> DrivenFuture[RunDescription]:
        """Tell all that may be seen of a run."""

        def look() -> RunDescription:
            run = self._runs.find(address)
            return views.describe(run.record, run.tasks.values(), parked=run.parked, serves=self._handlers.serves)

        return self._answered(address, look)

    def result(self, address: RunAddress) -> DrivenFuture[RunResult]:
        """Tell how a run stands now."""
        return self._answered(address, lambda: views.result(self._runs.find(address).record))

    def history(self, address: RunAddress, after: int = 0, limit: int = 1000) -> DrivenFuture[tuple[HistoryEntry, ...]]:
        """Read history entries."""
        return self._answered(address, lambda: self._runs.find(address).entries(after, limit))

    def wait(self, address: RunAddress) -> DrivenFuture[RunResult]:
        """Answer once the run, or the chain of its retries, is closed."""
        future: DrivenFuture[RunResult] = self._future(address)
        self._try(future, lambda: self._runs.wait(self._runs.find(address), future))
        return future

    def invoke_rpc(self, request: RpcRequest) -> DrivenFuture[Payload | None]:
        """Run an RPC and apply what it wrote."""
        future: DrivenFuture[Payload | None] = self._future(request)
        asked = Asked(request, future)

        def ask() -> None:
            run = self._runs.find(request)
            run.refuse_parked()
            # A closed run has nobody to lock out: what only reads may go on.
            if not request.options.is_locking or not run.record.is_open:
                self._agenda.add(lambda: self._call_rpc(run, asked))
            elif not self._grant(run, asked):
                run.queue.append(asked)
                due = self._clock.now() + request.options.timeout
                self._agenda.add_at(due, lambda: self._give_up(run, asked))

        self._try(future, ask)
        return future

    # What the engine's owner asks.

    def run(self, address: RunAddress) -> Run:
        """Find a run as it is kept; WorkflowNotExistsError when there is none."""
        return self._runs.find(address)

    def problems(self) -> list[str]:
        """Say what is wrong with the runs, one sentence each."""
        with self._agenda.lock:
            return [
                f"run {run.record.run_id} of workflow {run.record.key.workflow_id!r}: {problem}"
                for run in self._runs
                for problem in run.problems()
            ]

    def close(self) -> None:
        """Answer nobody any more; who waits is told."""
        with self._agenda.lock:
            self._is_closed = True
            for run in self._runs:
                for waiter, _ in run.waiters:
                    waiter.refuse(_stopped())
                for caller in (*run.callers.values(), *(asked.future for asked in run.queue)):
                    caller.refuse(_stopped())
                run.waiters.clear()
                run.queue.clear()

    # Answering.

    def _future(self, address: RunAddress | StartRequest) -> DrivenFuture[ResultT]:
        return DrivenFuture(self._agenda.drive, lambda: _stands_still(address.workflow_id))

    def _try(self, future: DrivenFuture[ResultT], ask: Callable[[], None]) -> None:
        """Ask under the lock; what is raised is the future's error."""
        try:
            with self._agenda.lock:
                if self._is_closed:
                    raise _stopped()
                ask()
        except TransitionError:
            raise
        except IwfError as error:
            future.refuse(error)

    def _answered(self, address: RunAddress | StartRequest, ask: Callable[[], ResultT]) -> DrivenFuture[ResultT]:
        future: DrivenFuture[ResultT] = self._future(address)
        self._try(future, lambda: future.answer(ask()))
        return future

    def _write(self, address: RunAddress, event: Callable[[datetime], Event]) -> DrivenFuture[None]:
        def ask() -> None:
            run = self._runs.find(address)
            _accepted(self._runs.turn(run, event(self._now(run))))

        return self._answered(address, ask)

    def _now(self, run: Run | None) -> datetime:
        """Tell the time of a run's next event: never before its last."""
        now = self._clock.now()
        return now if run is None else max(now, run.record.last_at)

    # Carrying out.

    def _carry_out(self, run: Run, effects: tuple[Effect, ...]) -> None:
        for effect in effects:
            match effect:
                case Invoke():
                    task = TaskState(number=effect.number, phase=effect.phase, epoch=EPOCH, first_at=run.record.last_at)
                    self._schedule(run, task)
                case InvokeRpc():
                    number = effect.number
                    self._agenda.add(partial(self._call_locking_rpc, run, number))
                case SetTimer():
                    self._wake_at(effect.due, lambda: self._fire(run))
                case Reply():
                    run.callers.pop(effect.number).answer(effect.output)
                    self._admit(run)
                case Refuse():
                    run.callers.pop(effect.number).refuse(effect.error)
                    self._admit(run)
                case Closed():
                    run.tasks.clear()
                    self._runs.tell_waiters(run)
                    self._admit(run)

    def _wake_at(self, due: datetime, work: Callable[[], None]) -> None:
        if due <= self._clock.now():
            self._agenda.add(work)
        else:
            self._agenda.add_at(due, work)

    def _fire(self, run: Run) -> None:
        """Fire what is due of a run's timers; what has lost its race is dropped by the core."""
        with self._agenda.lock:
            for timer in views.due_timers(run.record, self._clock.now()):
                if run.parked is None:
                    at = self._now(run)
                    self._runs.turn(run, TimerFired(at=at, number=timer.number, index=timer.index))

    # Calls of states.

    def _schedule(self, run: Run, task: TaskState) -> None:
        """Have a call made when its attempt is due."""
        run.tasks[task.number] = task
        self._wake_at(task.due_at or self._clock.now(), lambda: self._call_state(run, task))

    def _call_state(self, run: Run, task: TaskState) -> None:
        """Make one attempt; a call that is not outstanding any more is forgotten, before or after."""
        with self._agenda.lock:
            if run.tasks.get(task.number) is not task or run.parked is not None:
                return
            state = run.record.states[task.number]
            if not self._handlers.serves.has(run.record.started.request.workflow_type, state.state_id):
                # Left alone: describe says that nobody here has code for it.
                return
            invocation = views.invocation(
                run.record,
                task.number,
                attempt=task.attempt,
                first_attempt_at=task.first_at,
                at=self._clock.now(),
            )
        outcome = self._handlers.call(invocation)
        with self._agenda.lock:
            if run.tasks.get(task.number) is not task or run.parked is not None:
                return
            match judge(task, run.record, outcome, self._now(run)):
                case Accept(event) | Exhausted(event):
                    del run.tasks[task.number]
                    self._runs.turn(run, event)
                case RetryAt(instant, failure):
                    failures = task.failures + 1
                    self._schedule(run, evolve(task, failures=failures, due_at=instant, last_failure=failure))

    # RPCs.

    def _call_rpc(self, run: Run, asked: Asked) -> None:
        """Run a non-locking RPC; it is an event once it wrote."""
        request = asked.request
        with self._agenda.lock:
            invocation = views.rpc_invocation(run.record, request, self._clock.now())
        outcome = self._handlers.call(invocation)

        def settle() -> None:
            if not isinstance(outcome, RpcResult):
                raise failure_error(request.rpc_name, _failure(outcome))
            if not outcome.is_read_only:
                _accepted(self._runs.turn(run, RpcReturned(at=self._now(run), result=outcome)))
            asked.future.answer(outcome.output)

        self._try(asked.future, settle)

    def _grant(self, run: Run, asked: Asked) -> bool:
        """Ask for a locking RPC's keys; False while another RPC holds one of them."""
        answer = self._runs.turn(run, RpcAsked(at=self._now(run), request=asked.request))
        if isinstance(answer, Busy):
            return False
        number = _accepted(answer).value
        assert isinstance(number, int)
        run.callers[number] = asked.future
        return True

    def _admit(self, run: Run) -> None:
        """An RPC is over: those that wait may have their keys now, in order of arrival."""
        waiting = list(run.queue)
        run.queue.clear()
        for asked in waiting:
            try:
                if not self._grant(run, asked):
                    run.queue.append(asked)
            except IwfError as error:
                asked.future.refuse(error)

    def _give_up(self, run: Run, asked: Asked) -> None:
        """A locking RPC has waited for its keys as long as its timeout allows."""
        with self._agenda.lock:
            if asked in run.queue:
                run.queue.remove(asked)
                asked.future.refuse(WorkflowRPCAcquiringLockFailure())

    def _call_locking_rpc(self, run: Run, number: int) -> None:
        with self._agenda.lock:
            rpc = run.record.rpcs.get(number)
            if rpc is None or run.parked is not None:
                return
            invocation = views.rpc_invocation(run.record, rpc.request, self._clock.now())
        outcome = self._handlers.call(invocation)
        with self._agenda.lock:
            at = self._now(run)
            if isinstance(outcome, RpcResult):
                self._runs.turn(run, RpcReturned(at=at, result=outcome, number=number))
            else:
                self._runs.turn(run, RpcFailed(at=at, number=number, failure=_failure(outcome)))


def _accepted(answer: Answer) -> Accepted:
    """Return a good answer; a refusal is raised, to whoever brought the event."""
    if isinstance(answer, Refused):
        raise answer.error
    return answer if isinstance(answer, Accepted) else Accepted()


def _failure(outcome: Outcome) -> Failure:
    if isinstance(outcome, Failed):
        return outcome.failure
    return Failure(error_type="InvalidOutcome", message=f"an RPC cannot be answered with {type(outcome).__name__}")


def _stopped() -> EngineStoppedError:
    return EngineStoppedError("this TestEngine is closed; open another for each test")


def _stands_still(workflow_id: str) -> WorkflowStillRunningError:
    return WorkflowStillRunningError(
        f"workflow {workflow_id!r} is still running, and nothing is left to do at this instant: "
        "virtual time stands still while a test waits; let it pass with skip()",
        workflow_id=workflow_id,
    )
