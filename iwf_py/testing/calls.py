"""What the in-memory host does after a turn: calls of user code, timers, retries, answers to RPCs.

The duties of `ports` are kept here; whether an attempt counts is judged by the core.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from functools import partial
from typing import assert_never

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
from iwf_py.core.events import Event, RpcAsked, RpcFailed, RpcReturned, TimerFired
from iwf_py.core.rpcs import failure_error
from iwf_py.errors import ExecutionParkedError, IwfError, WorkflowRPCAcquiringLockFailure
from iwf_py.model.invocations import Failed, Failure, Invocation, Outcome, RpcResult, Serves
from iwf_py.ports import Calendar
from iwf_py.testing.agenda import Agenda
from iwf_py.testing.clock import ManualClock
from iwf_py.testing.runs import Asked, Run, Runs
from iwf_py.worker.handlers import Handlers

# There is one engine, ever: nothing outlives it.
EPOCH = 1


class Calls:
    """
    Carries out what turns ask for; user code runs on the thread that drives the agenda.

    An attempt's timeout is not watched: virtual time stands still while a handler runs.

    Attributes:
        runs: The records, whose turns are carried out here.
    """

    def __init__(self, handlers: Handlers, clock: ManualClock, agenda: Agenda, calendar: Calendar) -> None:
        self._handlers = handlers
        self._clock = clock
        self._agenda = agenda
        self.runs = Runs(self._carry_out, calendar.next_tick)

    @property
    def serves(self) -> Serves:
        """What there is code for."""
        return self._handlers.serves

    def now(self, run: Run | None) -> datetime:
        """Tell the time of a run's next event: never before its last."""
        now = self._clock.now()
        return now if run is None else max(now, run.record.last_at)

    def invoke_rpc(self, run: Run, asked: Asked) -> None:
        """Have an RPC run; a locking one once it has its keys."""
        options = asked.request.options
        # A closed run has nobody to lock out: what only reads may go on.
        if not options.is_locking or not run.record.is_open:
            self._agenda.add(lambda: self._call_rpc(run, asked))
        elif not self._grant(run, asked):
            run.queue.append(asked)
            self._agenda.add_at(self._clock.now() + options.timeout, lambda: self._give_up(run, asked))

    def _carry_out(self, run: Run, effects: tuple[Effect, ...]) -> None:
        for effect in effects:
            match effect:
                case Invoke():
                    task = TaskState(number=effect.number, phase=effect.phase, epoch=EPOCH, first_at=run.record.last_at)
                    self._schedule(run, task)
                case InvokeRpc():
                    self._agenda.add(partial(self._call_locking_rpc, run, effect.number))
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
                    self._admit(run)
                case _:
                    assert_never(effect)
        self.runs.tell_waiters(run)

    def _inner(self, run: Run, event: Event) -> None:
        """Advance a run with what no client brought; one that is held apart is left alone, and the others go on."""
        with suppress(ExecutionParkedError):
            self.runs.turn(run, event)

    def _wake_at(self, due: datetime, work: Callable[[], None]) -> None:
        if due <= self._clock.now():
            self._agenda.add(work)
        else:
            self._agenda.add_at(due, work)

    def _fire(self, run: Run) -> None:
        """Fire what is due of a run's timers; what has lost its race is dropped by the core."""
        with self._agenda.lock:
            for timer in views.due_timers(run.record, self._clock.now()):
                self._inner(run, TimerFired(at=self.now(run), number=timer.number, index=timer.index))

    def _perform(self, invocation: Invocation) -> Outcome:
        """Call user code; a Ctrl-C while it runs ends the test, and is no failed attempt."""
        outcome = self._handlers.call(invocation)
        if isinstance(outcome, Failed) and outcome.failure.error_type == KeyboardInterrupt.__name__:
            raise KeyboardInterrupt
        return outcome

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
        outcome = self._perform(invocation)
        with self._agenda.lock:
            if run.tasks.get(task.number) is not task or run.parked is not None:
                return
            match judge(task, run.record, outcome, self.now(run)):
                case Accept(event) | Exhausted(event):
                    del run.tasks[task.number]
                    self._inner(run, event)
                case RetryAt(instant, failure):
                    failures = task.failures + 1
                    self._schedule(run, evolve(task, failures=failures, due_at=instant, last_failure=failure))

    # RPCs.

    def _call_rpc(self, run: Run, asked: Asked) -> None:
        """Run a non-locking RPC; it is an event once it wrote."""
        request = asked.request
        with self._agenda.lock:
            invocation = views.rpc_invocation(run.record, request, self._clock.now())
        outcome = self._perform(invocation)
        with self._agenda.lock:
            try:
                if not isinstance(outcome, RpcResult):
                    raise failure_error(request.rpc_name, _failure(outcome))
                if not outcome.is_read_only:
                    accepted(self.runs.turn(run, RpcReturned(at=self.now(run), result=outcome)))
                asked.future.answer(outcome.output)
            except IwfError as error:
                asked.future.refuse(error)

    def _grant(self, run: Run, asked: Asked) -> bool:
        """Ask for a locking RPC's keys; False while another RPC holds one of them."""
        answer = self.runs.turn(run, RpcAsked(at=self.now(run), request=asked.request))
        if isinstance(answer, Busy):
            return False
        number = accepted(answer).value
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
        outcome = self._perform(invocation)
        with self._agenda.lock:
            at = self.now(run)
            if isinstance(outcome, RpcResult):
                self._inner(run, RpcReturned(at=at, result=outcome, number=number))
            else:
                self._inner(run, RpcFailed(at=at, number=number, failure=_failure(outcome)))


def accepted(answer: Answer) -> Accepted:
    """Return a good answer; a refusal is raised, to whoever brought the event."""
    if isinstance(answer, Refused):
        raise answer.error
    return answer if isinstance(answer, Accepted) else Accepted()


def _failure(outcome: Outcome) -> Failure:
    if isinstance(outcome, Failed):
        return outcome.failure
    return Failure(error_type="InvalidOutcome", message=f"an RPC cannot be answered with {type(outcome).__name__}")
