"""Calls of states between their invocation and their outcome: the door for workers, and the turns of both."""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from concurrent.futures import Future
from datetime import datetime

from attrs import evolve

from iwf_py.core.attempts import Accept, Exhausted, RetryAt, TaskState, judge
from iwf_py.core.record import Record
from iwf_py.core.views import invocation
from iwf_py.errors import EngineStoppedError
from iwf_py.model.ids import WorkflowKey
from iwf_py.model.invocations import (
    ExecuteResult,
    Failed,
    Failure,
    Fence,
    Invocation,
    Outcome,
    RpcResult,
    Serves,
    Task,
    WaitUntilResult,
)
from iwf_py.model.status import Phase
from iwf_py.ports import Clock
from iwf_py.runtime.answers import answer
from iwf_py.runtime.dispatch import Dispatch, Hand
from iwf_py.runtime.effects import Effects, fence_of
from iwf_py.runtime.limits import Limits
from iwf_py.runtime.posts import NOTHING, Post, Taken
from iwf_py.runtime.rpcs import Rpcs
from iwf_py.runtime.sheets import RunSheet, Sheet
from iwf_py.runtime.turns import Turns

_LOGGER = logging.getLogger(__name__)


class Tally:
    """Counts the posts of one `complete`; its future is done with the last of them."""

    __slots__ = ("_left", "_lock", "future")

    def __init__(self, count: int) -> None:
        self.future: Future[None] = Future()
        self._left = count
        # Posts are told by whoever combines, but those of closed runs by readers.
        self._lock = threading.Lock()
        if not count:
            answer(self.future, None)

    def one(self) -> None:
        """Note that one more is over."""
        with self._lock:
            self._left -= 1
            is_last = not self._left
        if is_last:
            answer(self.future, None)


class ReturnedPost(Post):
    """The outcome of a state's call."""

    __slots__ = ("_calls", "_hand", "_outcome", "_retry_at", "_tally")

    def __init__(self, calls: Calls, hand: Hand, outcome: Outcome, tally: Tally | None = None) -> None:
        super().__init__(hand.key, hand.task.fence.run_id, _weigh(outcome))
        self._calls = calls
        self._hand = hand
        self._outcome = outcome
        self._tally = tally
        self._retry_at: RetryAt | None = None

    def take(self, sheet: Sheet, run: RunSheet | None, now: datetime) -> Taken:
        """Judge the outcome, unless its fence is not current any more."""
        self._retry_at = None
        fence = self._hand.task.fence
        task = None if run is None else run.tasks.get(fence.number)
        if run is None or task is None or fence_of(run.record, task) != fence:
            return NOTHING
        verdict = judge(task, run.record, self._outcome, sheet.instant(now, run))
        if isinstance(verdict, Accept | Exhausted):
            taken = Taken(*sheet.advance(run, verdict.event))
            run.end(task)
            return taken
        after = evolve(task, failures=task.failures + 1, due_at=verdict.instant, last_failure=verdict.failure)
        run.retry(task, after, self._hand.task.invocation)
        self._retry_at = verdict
        return NOTHING

    def told(self, taken: Taken, run: RunSheet | None) -> None:
        """Have the next attempt made in time, where there is one."""
        retry = self._retry_at
        self._calls.judged(self._hand.task.fence)
        if retry is not None:
            self._calls.hear(retry.instant)
            failure = retry.failure
            _LOGGER.warning(
                "attempt %d of %s of %r failed, next at %s: %s",
                failure.attempts,
                failure.state_execution_id,
                self.key.workflow_id,
                retry.instant.isoformat(),
                failure.for_log,
            )
        if self._tally is not None:
            self._tally.one()

    def spoiled(self, error: Exception) -> bool:
        """Take an outcome that cannot be stored for a failed attempt: a corrected deploy heals it."""
        if isinstance(self._outcome, Failed):
            return False
        message = f"the outcome cannot be stored: {type(error).__name__}: {error}"
        self._outcome = Failed(Failure(error_type="InvalidOutcome", message=message))
        return True

    def refused(self, error: Exception) -> None:
        """Drop it: the call is outstanding as before, for whoever takes the run up again."""
        self._calls.judged(self._hand.task.fence)
        if self._tally is not None:
            self._tally.one()


class DuePost(Post):
    """A call may be made (again): its instant has come, or an ended engine left it behind."""

    __slots__ = ("_calls", "_task")

    def __init__(self, calls: Calls, key: WorkflowKey, run_id: str, task: TaskState) -> None:
        super().__init__(key, run_id)
        self._calls = calls
        self._task = task

    def take(self, sheet: Sheet, run: RunSheet | None, now: datetime) -> Taken:
        """Change nothing: the turn is there to be in order with what else happens to the run."""
        return NOTHING

    def told(self, taken: Taken, run: RunSheet | None) -> None:
        """Give the call out, if it is outstanding still."""
        self._calls.posted.discard(self._task_key)
        if run is not None and run.parked is None and self._is_current(run):
            self._calls.give_out(self.key, run.record, run.tasks[self._task.number], run.pins.get(self._task.number))

    def refused(self, error: Exception) -> None:
        """Leave it."""
        self._calls.posted.discard(self._task_key)

    @property
    def _task_key(self) -> tuple[str, int, Phase]:
        return self.run_id or "", self._task.number, self._task.phase

    def _is_current(self, run: RunSheet) -> bool:
        task = run.tasks.get(self._task.number)
        return task is not None and (task.phase, task.failures) == (self._task.phase, self._task.failures)


class Calls:
    """
    What workers ask (implements `ports.TaskService`), and how calls are given out again.

    Attributes:
        posted: Calls whose turn to be given out is asked for: run id, number and phase.
    """

    def __init__(
        self, turns: Turns, dispatch: Dispatch, rpcs: Rpcs, effects: Effects, clock: Clock, limits: Limits
    ) -> None:
        self._turns = turns
        self._dispatch = dispatch
        self._rpcs = rpcs
        self._effects = effects
        self._clock = clock
        self.limits = limits
        self.posted: set[tuple[str, int, Phase]] = set()
        self._is_closed = False

    def take(self, limit: int, serves: Serves) -> Future[tuple[Task, ...]]:
        """Answer as soon as there is a task that this worker serves; at most *limit*."""
        return self._dispatch.take(limit, serves)

    def complete(self, outcomes: Sequence[tuple[Fence, Outcome]]) -> Future[None]:
        """Hand outcomes back; done once each is stored, or dropped because its fence is not current."""
        if self._is_closed:
            future: Future[None] = Future()
            future.set_exception(EngineStoppedError("the engine is stopped; what was not stored is done again"))
            return future
        hands = [(self._take_back(fence), outcome) for fence, outcome in outcomes]
        tally = Tally(len(hands))
        posts = []
        for hand, outcome in hands:
            post = None if hand is None else self._returned(hand, outcome, tally)
            if post is None:
                tally.one()
            else:
                posts.append(post)
        self._turns.post_all(posts)
        return tally.future

    def lose(self, hand: Hand, failure: Failed) -> None:
        """Fail a call that its worker never answered."""
        if hand.task.fence.phase is not Phase.RPC and self._dispatch.returned(hand.task.fence) is not None:
            self._turns.post(ReturnedPost(self, hand, failure))

    def judged(self, fence: Fence) -> None:
        """Note that an outcome has had its turn."""
        self._dispatch.judged(fence)

    def hear(self, due: datetime) -> None:
        """Pass on that a call may be made again then."""
        self._effects.hear(due)

    def again(self, key: WorkflowKey, run_id: str, task: TaskState) -> bool:
        """Have a call given out whose instant has come; False when it is out, or about to be."""
        place = run_id, task.number, task.phase
        if place in self.posted or self._dispatch.has(Fence(run_id, *place[1:], task.epoch, task.attempt)):
            return False
        self.posted.add(place)
        self._turns.post_due((DuePost(self, key, run_id, task),))
        return True

    def give_out(self, key: WorkflowKey, record: Record, task: TaskState, pin: Invocation | None) -> None:
        """Make a call of a run as it was committed."""
        now = self._clock.now()
        if task.due_at is not None and task.due_at > now:
            self._effects.hear(task.due_at)
            return
        call = invocation(record, task.number, attempt=task.attempt, first_attempt_at=task.first_at, at=now)
        if pin is not None:
            call = evolve(call, attributes=pin.attributes, search_attributes=pin.search_attributes)
        self._dispatch.put(key, Task(fence_of(record, task), call))

    def close(self) -> None:
        """Take no outcomes any more, and send workers home."""
        self._is_closed = True
        self._dispatch.close()

    def _take_back(self, fence: Fence) -> Hand | None:
        # RPCs are never given out twice: nobody has to be kept from it.
        return self._dispatch.end(fence) if fence.phase is Phase.RPC else self._dispatch.returned(fence)

    def _returned(self, hand: Hand, outcome: Outcome, tally: Tally) -> Post | None:
        if hand.task.fence.phase is Phase.RPC:
            return self._rpcs.returned(hand, outcome, tally.one)
        return ReturnedPost(self, hand, outcome, tally)


def _weigh(outcome: Outcome) -> int:
    """Tell how many characters of payload an outcome brings, about."""
    if isinstance(outcome, Failed):
        return 0
    writes = outcome.writes
    weight = 0
    for _, value in writes.attributes:
        weight += 0 if value is None else value.size
    for message in writes.messages:
        weight += 0 if message.value is None else message.value.size
    if isinstance(outcome, ExecuteResult):
        for movement in outcome.decision.next_states:
            weight += 0 if movement.input is None else movement.input.size
    elif isinstance(outcome, WaitUntilResult):
        for _, value in outcome.locals:
            weight += 0 if value is None else value.size
    else:
        assert isinstance(outcome, RpcResult)
    return weight
