"""RPCs under way, and those who asked for them.

A non-locking one is no event before it wrote something: it is called on a committed record, and known
here alone. A locking one is part of the record; here stand its caller, and those who wait for its
locks, in order of arrival. Each has a time by which it is answered, whatever happens.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from datetime import datetime
from itertools import count

from attrs import define

from iwf_py.core.attributes import LockKey
from iwf_py.core.effects import Accepted, Answer, Busy, Refused
from iwf_py.core.events import Event, RpcAsked, RpcFailed, RpcReturned
from iwf_py.core.record import rpc_lock_keys
from iwf_py.core.rpcs import failure_error
from iwf_py.core.views import rpc_invocation
from iwf_py.errors import ExecutionParkedError, IwfError, TooManyRequestsError, WorkflowRPCAcquiringLockFailure
from iwf_py.model.ids import WorkflowKey
from iwf_py.model.invocations import Failed, Failure, Fence, Outcome, RpcResult, Task
from iwf_py.model.payload import Payload
from iwf_py.model.requests import RpcRequest
from iwf_py.model.status import Phase
from iwf_py.ports import Clock
from iwf_py.runtime.agenda import Agenda, Appointment
from iwf_py.runtime.answers import answer, refuse
from iwf_py.runtime.cache import Live
from iwf_py.runtime.dispatch import Dispatch, Hand
from iwf_py.runtime.limits import Limits
from iwf_py.runtime.posts import DROPPED, ClientPost, EventPost, Post, Taken
from iwf_py.runtime.reads import key_of
from iwf_py.runtime.sheets import RunSheet, Sheet
from iwf_py.runtime.turns import Turns

# A run that is closed has nothing to lock: the RPC may read.
_READ_ONLY = Taken(DROPPED)
_WAITS = Taken(Busy())


@define(eq=False)
class _Call:
    """
    An RPC that somebody asked for.

    Attributes:
        fence: Of the call of user code, once it is out.

        is_posted: Its turn is asked for, and has not come yet.

        gives_up: It has waited long enough: it is not granted any more.

        is_over: It is answered.
    """

    key: WorkflowKey
    request: RpcRequest
    future: Future[Payload | None]
    keys: tuple[LockKey, ...] = ()
    fence: Fence | None = None
    timeout: Appointment | None = None
    is_posted: bool = False
    gives_up: bool = False
    is_over: bool = False

    def until(self, appointment: Appointment | None) -> None:
        """Have another time, or none, by which it is answered."""
        if self.timeout is not None:
            self.timeout.cancel()
        self.timeout = appointment


class _Ask(ClientPost):
    """A locking RPC asks for its keys."""

    __slots__ = ("call", "rpcs")

    def __init__(self, rpcs: Rpcs, call: _Call) -> None:
        run_id = call.request.run_id or None
        super().__init__(call.key, run_id, self._event, self._answered, self._refused, _size(call.request.input))
        self.rpcs = rpcs
        self.call = call

    def take(self, sheet: Sheet, run: RunSheet | None, now: datetime) -> Taken:
        """Ask, unless the run is closed or somebody who came earlier waits for the same."""
        assert run is not None
        if run.record.closed is not None:
            return _READ_ONLY
        if self.call.gives_up or self.rpcs.is_behind(self.call):
            return _WAITS
        return super().take(sheet, run, now)

    def told(self, taken: Taken, run: RunSheet | None) -> None:
        """Hear whether the keys are held."""
        assert run is not None
        if taken is _READ_ONLY:
            self.rpcs.read_only(self.call, run.live)
        else:
            self.rpcs.asked(self.call, taken.answer, run.record.run_id)

    def _event(self, at: datetime) -> Event:
        return RpcAsked(at=at, request=self.call.request)

    def _answered(self, given: Answer) -> None:
        """Never asked: `told` sees to it."""

    def _refused(self, error: Exception) -> None:
        self.rpcs.dropped(self.call, error)


class _GiveUp(Post):
    """A locking RPC has waited long enough: decided in its turn, so that it cannot be granted at the same time."""

    __slots__ = ("call", "rpcs")

    def __init__(self, rpcs: Rpcs, call: _Call) -> None:
        super().__init__(call.key, None)
        self.rpcs = rpcs
        self.call = call

    def take(self, sheet: Sheet, run: RunSheet | None, now: datetime) -> Taken:
        """Change nothing; who asks later in this same batch is too late."""
        self.call.gives_up = True
        return _WAITS

    def told(self, taken: Taken, run: RunSheet | None) -> None:
        """Refuse the call if it still waits."""
        self.refused(WorkflowRPCAcquiringLockFailure())

    def refused(self, error: Exception) -> None:
        """Refuse the call if it still waits."""
        if self.call.fence is None:
            self.rpcs.dropped(self.call, error)


class _LockingReturned(EventPost):
    """The outcome of an open locking RPC; effects answer its caller."""

    __slots__ = ("_number", "_outcome")

    def __init__(self, hand: Hand, outcome: RpcResult | Failed, done: Callable[[], None]) -> None:
        fence = hand.task.fence
        weight = 0 if isinstance(outcome, Failed) else weigh(outcome)
        super().__init__(hand.key, fence.run_id, self._event, lambda _: done(), lambda _: done(), weight)
        self._number = fence.number
        self._outcome = outcome

    def spoiled(self, error: Exception) -> bool:
        """Take an outcome that cannot be stored for a failure: its caller is told, and its keys are free."""
        if isinstance(self._outcome, Failed):
            return False
        message = f"the outcome cannot be stored: {type(error).__name__}: {error}"
        self._outcome = Failed(Failure(error_type="InvalidOutcome", message=message))
        return True

    def _event(self, at: datetime) -> Event:
        if isinstance(self._outcome, Failed):
            return RpcFailed(at=at, number=self._number, failure=self._outcome.failure)
        return RpcReturned(at=at, number=self._number, result=self._outcome)


class Rpcs:
    """All RPCs under way."""

    def __init__(self, turns: Turns, dispatch: Dispatch, agenda: Agenda, clock: Clock, limits: Limits) -> None:
        self._turns = turns
        self._dispatch = dispatch
        self._agenda = agenda
        self._clock = clock
        self._limits = limits
        self._numbers = count(1)
        # Non-locking ones, by their fences, whose numbers are negative; and the open locking ones, by run and number.
        self._calls: dict[Fence, _Call] = {}
        self._open: dict[tuple[str, int], _Call] = {}
        self._queues: dict[WorkflowKey, list[_Call]] = {}
        self._ended: Exception | None = None
        self.epoch = 0

    def __len__(self) -> int:
        return len(self._calls) + len(self._open) + sum(map(len, self._queues.values()))

    @property
    def is_full(self) -> bool:
        """Are as many under way as there may be?"""
        return len(self) >= self._limits.callers

    # Non-locking ones.

    def call(self, live: Live, request: RpcRequest, future: Future[Payload | None]) -> None:
        """Call an RPC on a committed record."""
        self.read_only(_Call(live.record.key, request, future), live)

    def read_only(self, call: _Call, live: Live) -> None:
        """Call an RPC that holds no locks."""
        if self._is_refused(call):
            return
        if self.is_full:
            refuse(call.future, TooManyRequestsError(f"{len(self)} RPCs are under way; try again later"))
            return
        now = self._clock.now()
        fence = Fence(live.record.run_id, -next(self._numbers), Phase.RPC, self.epoch, 1)
        call.fence = fence
        self._calls[fence] = call
        if self._is_refused(call):
            # Closed in between: then nobody else answers it.
            self._calls.pop(fence, None)
            return
        call.until(self._agenda.at(now + call.request.options.timeout, lambda: self._too_late(fence)))
        self._dispatch.put(call.key, Task(fence, rpc_invocation(live.record, call.request, now)))
        self._dispatch.flush()

    def _too_late(self, fence: Fence) -> None:
        call = self._calls.pop(fence, None)
        if call is not None:
            refuse(call.future, failure_error(call.request.rpc_name, self._timed_out(call, self._dispatch.end(fence))))

    # Locking ones.

    def ask(self, request: RpcRequest, future: Future[Payload | None]) -> None:
        """Ask for the keys of a locking RPC."""
        call = _Call(key_of(request), request, future, rpc_lock_keys(request))
        call.until(
            self._agenda.at(self._clock.now() + request.options.timeout, lambda: self._turns.post(_GiveUp(self, call)))
        )
        self._post(call)

    def is_behind(self, call: _Call) -> bool:
        """Does somebody who came earlier wait for one of the call's keys?"""
        for other in self._queues.get(call.key, ()):
            if other is call:
                return False
            if not set(call.keys).isdisjoint(other.keys):
                return True
        return False

    def asked(self, call: _Call, given: Answer, run_id: str) -> None:
        """Hear what became of asking: the keys are held, or somebody else holds one, or it is refused."""
        call.is_posted = False
        if isinstance(given, Accepted):
            assert isinstance(given.value, int)
            number = given.value
            self._leave(call)
            call.fence = Fence(run_id, number, Phase.RPC, self.epoch, 1)
            self._open[run_id, number] = call
            if self._is_refused(call):
                return
            until = self._clock.now() + call.request.options.timeout
            call.until(self._agenda.at(until, lambda: self._have_fail(run_id, number)))
        elif isinstance(given, Refused):
            self.dropped(call, given.error)
        elif not call.is_over:
            queue = self._queues.setdefault(call.key, [])
            if call not in queue:
                queue.append(call)

    def dropped(self, call: _Call, error: Exception) -> None:
        """Refuse a call that never got its keys."""
        if not call.is_over:
            call.is_over = True
            call.until(None)
            self._leave(call)
            refuse(call.future, error)

    def freed(self, key: WorkflowKey) -> None:
        """An RPC is over: whoever waits and is behind nobody asks again, in order of arrival."""
        for call in self._queues.get(key, ()):
            if not call.is_posted and not self.is_behind(call):
                self._post(call)

    def reply(self, run_id: str, number: int, output: Payload | None) -> None:
        """Answer the caller of a locking RPC."""
        call = self._close(run_id, number)
        if call is not None:
            answer(call.future, output)

    def refuse(self, run_id: str, number: int, error: IwfError) -> None:
        """Refuse the caller of a locking RPC."""
        call = self._close(run_id, number)
        if call is not None:
            refuse(call.future, error)

    def parked(self, error: ExecutionParkedError) -> None:
        """A run is held apart: refuse its callers; those who wait for its locks hear it in their turn."""
        for run_id, number in [place for place in self._open if place[0] == error.run_id]:
            self.refuse(run_id, number, error)
        for key in [key for key in self._queues if key.workflow_id == error.workflow_id]:
            self.freed(key)

    def _post(self, call: _Call) -> None:
        call.is_posted = True
        self._turns.post(_Ask(self, call))

    def _leave(self, call: _Call) -> None:
        """Take a call out of the queue; those who were behind it may ask."""
        queue = self._queues.get(call.key)
        if queue is not None and call in queue:
            queue.remove(call)
            if not queue:
                del self._queues[call.key]
            self.freed(call.key)

    def _close(self, run_id: str, number: int) -> _Call | None:
        call = self._open.pop((run_id, number), None)
        if call is not None:
            call.is_over = True
            call.until(None)
        return call

    def _have_fail(self, run_id: str, number: int) -> None:
        """Have an open RPC end for want of an answer; whether it still may, its turn decides."""
        call = self._open.get((run_id, number))
        if call is None or call.fence is None:
            return
        failure = self._timed_out(call, self._dispatch.end(call.fence))
        self._turns.post(
            EventPost(call.key, run_id, lambda at: RpcFailed(at=at, number=number, failure=failure), _unheard, _unheard)
        )

    # What workers answer.

    def returned(self, hand: Hand, outcome: Outcome, done: Callable[[], None]) -> Post | None:
        """
        Take the outcome of a call that was out.

        Args:
            done: Called once it is stored or dropped, where there is a post.

        Returns:
            What is to have its turn; None where nothing is to be written.
        """
        fence = hand.task.fence
        if not isinstance(outcome, RpcResult | Failed):
            text = f"an RPC cannot be answered with {type(outcome).__name__}"
            outcome = Failed(Failure(error_type="InvalidOutcome", message=text))
        if fence.number > 0:
            return _LockingReturned(hand, outcome, done)
        call = self._calls.pop(fence, None)
        if call is None:
            return None
        call.until(None)
        if isinstance(outcome, Failed):
            refuse(call.future, failure_error(call.request.rpc_name, outcome.failure))
            return None
        if outcome.is_read_only:
            answer(call.future, outcome.output)
            return None
        result, future = outcome, call.future

        def written(given: Answer) -> None:
            if isinstance(given, Refused):
                refuse(future, given.error)
            else:
                answer(future, result.output)
            done()

        def not_written(error: Exception) -> None:
            refuse(future, error)
            done()

        return ClientPost(
            call.key,
            fence.run_id,
            lambda at: RpcReturned(at=at, result=result),
            written,
            not_written,
            weigh(result),
        )

    def close(self, error: Exception) -> None:
        """Refuse everybody, and whoever comes."""
        self._ended = error
        calls = [
            *self._calls.values(),
            *self._open.values(),
            *(one for queue in self._queues.values() for one in queue),
        ]
        self._calls.clear()
        self._open.clear()
        self._queues.clear()
        for call in calls:
            call.is_over = True
            call.until(None)
            refuse(call.future, error)

    def _is_refused(self, call: _Call) -> bool:
        """Refuse a call when there are to be none any more."""
        ended = self._ended
        if ended is not None:
            refuse(call.future, ended)
        return ended is not None

    def _timed_out(self, call: _Call, hand: Hand | None) -> Failure:
        seconds = call.request.options.timeout.total_seconds()
        if hand is not None and hand.taken_at is None:
            workflow_type = hand.task.invocation.workflow_type
            serves = self._dispatch.serves
            if serves is None or not serves.has(workflow_type, None):
                text = f"no worker here serves workflow type {workflow_type!r}; register it, or start its worker"
            else:
                text = f"no worker was free within {seconds:g} s; try again later"
        else:
            text = f"no answer within {seconds:g} s"
        return Failure(error_type="AttemptTimeout", message=text)


def weigh(result: RpcResult) -> int:
    """Tell how many characters of payload an RPC wrote, about."""
    writes = result.writes
    weight = sum(_size(value) for _, value in writes.attributes)
    weight += sum(_size(message.value) for message in writes.messages)
    return weight + sum(_size(movement.input) for movement in result.next_states)


def _size(payload: Payload | None) -> int:
    return 0 if payload is None else payload.size


def _unheard(_: object) -> None:
    """Nobody asked: the effects tell."""
