"""Bugs planted on purpose: what the simulation does not find here, it would not find in earnest.

Each is a context manager that breaks one promise of the engine by patching it; production code knows
nothing of them.
"""

from __future__ import annotations

import contextlib
from collections import deque
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any
from unittest.mock import patch

from attrs import evolve

from iwf_py.core import advance as machine
from iwf_py.core import closing, looks, past, states, succession
from iwf_py.core import rpcs as core_rpcs
from iwf_py.core.attempts import Accept, Exhausted, TaskState, judge
from iwf_py.core.changes import RpcClosed
from iwf_py.core.channels import EmptyWaiters
from iwf_py.core.effects import Invoke
from iwf_py.core.events import RunReset, Signalled
from iwf_py.core.looks import Expected, look_at
from iwf_py.core.past import Past
from iwf_py.core.skips import NO_SKIPS
from iwf_py.model.status import WorkflowStatus, WorkflowStopType
from iwf_py.runtime import rpcs, turns
from iwf_py.runtime.batches import Batches
from iwf_py.runtime.cache import Cache
from iwf_py.runtime.calls import Calls, ReturnedPost
from iwf_py.runtime.dispatch import Dispatch, Hand
from iwf_py.runtime.posts import NOTHING, EventPost, Taken
from iwf_py.runtime.resets import Resets
from iwf_py.runtime.service import Service
from iwf_py.runtime.sheets import RunSheet, Sheet
from iwf_py.runtime.turns import Turns
from iwf_py.runtime.upkeep import Upkeep
from iwf_py.runtime.waiters import Waiters
from iwf_py.store.unit import Batch
from tests.simulation.faults import FaultyStore

Plant = Callable[[], contextlib.AbstractContextManager[Any]]
PLANTED: dict[str, Plant] = {}


def _plant(make: Callable[[], contextlib.AbstractContextManager[Any]]) -> Plant:
    PLANTED[make.__name__] = make
    return make


def _early(show: Callable[[Turns, Any], None]) -> Callable[[Turns, Any], None]:
    """Make a batch's carrying out that does *show* before the commit."""

    def carry_out(self: Turns, posts: Any) -> None:
        self._batches.reserve(len(posts))
        pending = self._batches.take(posts, self._clock.now())
        self._front.extendleft(reversed(pending.left))
        self._answered += pending.elsewhere
        writes = pending.writes()
        show(self, pending)
        if writes:
            self._number += 1
            pending.number = self._number
            try:
                self._store.commit(Batch(number=pending.number, writes=writes))
            except Exception:
                for key in pending.sheets:
                    self._cache.drop(key)
                return

    return carry_out


@_plant
def acknowledges_before_the_commit() -> Any:
    """Answers go out, then the batch is written."""
    return patch.object(Turns, "_carry_out", _early(lambda self, pending: self._show(pending, ())))


@_plant
def calls_before_the_commit() -> Any:
    """Calls go out, then the batch is written."""

    def show(self: Turns, pending: Any) -> None:
        for turned in pending.turned:
            if isinstance(turned.taken, Taken):
                for move in turned.taken.moves:
                    self._effects.carry_out(turned.post.key, move)
        self._effects.flush()

    early, late = _early(show), Turns._carry_out

    def both(self: Turns, posts: Any) -> None:
        with patch.object(self._store, "commit", side_effect=lambda batch: ()):
            number = self._number
            early(self, posts)
            self._number = number
        late(self, posts)

    return patch.object(Turns, "_carry_out", both)


@_plant
def takes_the_newest_first() -> Any:
    """The queue is a stack."""

    class Stack(deque[Any]):
        def popleft(self) -> Any:
            return self.pop()

    begin = Turns.__init__

    def __init__(self: Turns, *arguments: Any, **named: Any) -> None:
        begin(self, *arguments, **named)
        self._inbox = Stack()

    return patch.object(Turns, "__init__", __init__)


@_plant
@contextlib.contextmanager
def asks_for_no_fence() -> Iterator[None]:
    """Whatever comes for an outstanding call is its outcome."""
    ended: dict[Any, Hand] = {}
    returned = Dispatch.returned

    def remember(self: Dispatch, fence: Any) -> Hand | None:
        hand = returned(self, fence)
        if hand is not None:
            ended[fence] = hand
        return ended.get(fence)

    def take(self: ReturnedPost, sheet: Any, run: RunSheet | None, now: datetime) -> Taken:
        self._retry_at = None
        task = None if run is None else run.tasks.get(self._hand.task.fence.number)
        if run is None or task is None:
            return NOTHING
        verdict = judge(task, run.record, self._outcome, sheet.instant(now, run))
        if isinstance(verdict, Accept | Exhausted):
            taken = Taken(*sheet.advance(run, verdict.event))
            run.end(task)
            return taken
        after = evolve(task, failures=task.failures + 1, due_at=verdict.instant, last_failure=verdict.failure)
        run.retry(task, after, None)
        self._retry_at = verdict
        return NOTHING

    with patch.object(Dispatch, "returned", remember), patch.object(ReturnedPost, "take", take):
        yield


@_plant
def counts_a_failure_twice() -> Any:
    """Each failed attempt counts for two."""
    retry = RunSheet.retry

    def twice(self: RunSheet, task: TaskState, after: TaskState, pin: Any) -> None:
        retry(self, task, evolve(after, failures=after.failures + 1), pin)

    return patch.object(RunSheet, "retry", twice)


@_plant
def loses_wake_ups() -> Any:
    """Who waits looks first, and registers a little later."""

    def meet(self: Service, address: Any, waiter: Any, live: Any, *, is_registered: bool) -> None:
        seen = look_at(live.record, waiter.look)
        if not isinstance(seen, Expected):
            waiter.tell(seen)
        else:
            later = self._reads._clock.now() + timedelta(seconds=0.2)
            self._turns._agenda.at(later, lambda: self._waiters.add(waiter))

    return patch.object(Service, "_meet", meet)


@_plant
def forgets_who_waits_for_a_retry() -> Any:
    """A waiter of a run that is retried is not moved on."""
    turned = Waiters.turned

    def forget(self: Waiters, record: Any) -> None:
        if record.successor is not None:
            self._waiting.pop((record.run_id, True), None)
        else:
            turned(self, record)

    return patch.object(Waiters, "turned", forget)


@_plant
def tells_of_closes_alone() -> Any:
    """Who waits for something of an open run is not asked to look."""
    turned = Waiters.turned

    def turn(self: Waiters, record: Any) -> None:
        if record.closed is not None:
            turned(self, record)

    return patch.object(Waiters, "turned", turn)


@_plant
def takes_failures_for_completions() -> Any:
    """A state that its failure state follows has completed, for whoever waits for it."""
    return patch.object(looks, "_may_have_completed", lambda record, name: True)


@_plant
def fires_timers_early() -> Any:
    """What is due soon is due."""
    post_due = Upkeep._post_due
    return patch.object(Upkeep, "_post_due", lambda self, now: post_due(self, now + timedelta(seconds=1)))


@_plant
def takes_doubt_for_failure() -> Any:
    """A commit that did not answer is done again, without looking."""
    return patch.object(turns, "CommitUnknownError", ())


@_plant
def tells_doubt_as_failure() -> Any:
    """Whoever asked for what is in doubt is told that it failed."""

    def settle(self: Turns, pending: Any) -> None:
        self._doubt = None
        for turned in pending.turned:
            self._refuse(turned.post, turns.EngineUnreadyError("nothing was written"))

    return patch.object(Turns, "_settle", settle)


@_plant
def applies_twice_after_doubt() -> Any:
    """Whatever is in doubt is taken not to stand."""
    return patch.object(FaultyStore, "settle", lambda self, number: False)


@_plant
def forgets_orphans() -> Any:
    """What an ended engine left behind is not taken over."""
    return patch.object(Upkeep, "_claim", lambda self: None)


@_plant
def counts_recovery_as_failure() -> Any:
    """A call that is given out again because the engine ended has failed."""
    again = Calls.again

    def failed(self: Calls, key: Any, run_id: str, task: TaskState) -> bool:
        if task.recoveries:
            task = evolve(task, failures=task.failures + 1)
        return again(self, key, run_id, task)

    return patch.object(Calls, "again", failed)


@_plant
def lets_closed_runs_take_messages() -> Any:
    """A signal to a closed run is appended."""

    def advance(record: Any, event: Any) -> Any:
        if record is not None and record.closed is not None and isinstance(event, Signalled):
            record = evolve(record, closed=None)
        return machine.advance(record, event)

    return patch.object(succession, "advance", advance)


@_plant
def keeps_locks_of_rpcs() -> Any:
    """An RPC that is over still holds its keys, for all who wait for them."""

    def close(step: Any, rpc: Any) -> None:
        step.change(RpcClosed(number=rpc.number))

    return patch.object(core_rpcs, "_close", close)


@_plant
@contextlib.contextmanager
def keeps_what_was_not_written() -> Iterator[None]:
    """A record is in memory before it is stored, and stays there where its commit failed."""
    taken = Batches.take

    def take(self: Batches, posts: Any, now: datetime) -> Any:
        pending = taken(self, posts, now)
        for key, sheet in pending.sheets.items():
            if sheet.latest is not None:
                self._cache.put(key, sheet.latest.live)
        return pending

    with patch.object(Batches, "take", take), patch.object(Cache, "drop", lambda self, key: None):
        yield


@_plant
def forgets_successors() -> Any:
    """A retry of a run is a change, but nobody opens it."""
    return patch.object(succession, "_follow", lambda turns, next_tick: None)


@_plant
def ends_schedules_with_a_timeout() -> Any:
    """A run of a schedule that times out is its last."""
    return patch.object(succession, "_GOES_ON", (WorkflowStatus.COMPLETED, WorkflowStatus.FAILED))


@_plant
def goes_on_after_a_cancel() -> Any:
    """A schedule cannot be ended."""
    return patch.object(succession, "_GOES_ON", tuple(WorkflowStatus))


@_plant
def catches_up_on_missed_ticks() -> Any:
    """Each tick that passed while a run was open gets a run of its own."""
    return patch.object(succession, "done_until", lambda record: record.started.tick)


@_plant
def opens_the_next_run_elsewhere() -> Any:
    """What follows in a schedule is opened by a post of its own, which does not outlive a crash."""
    follow, turn = succession._follow, Batches._take

    def only_retries(turns: Any, next_tick: Any) -> None:
        follow(turns, lambda cron, after: None)

    def take(self: Batches, post: Any, sheet: Any, now: datetime) -> Any:
        run = sheet.latest
        with patch.object(succession, "_follow", only_retries):
            turned = turn(self, post, sheet, now)
        if run is not None and run.record.closed is not None:
            event = succession._following(run.record, self._calendar.next_tick)
            if event is not None and sheet.latest is run:
                self._again(EventPost(sheet.key, None, lambda at: event, lambda answer: None, lambda error: None))
        return turned

    return patch.object(Batches, "_take", take)


@_plant
def looks_but_once() -> Any:
    """The alarm is never set to what is due next."""
    return patch.object(Upkeep, "hear", lambda self, due: None)


@_plant
def turns_batches_around() -> Any:
    """What is tried again comes in the reverse order."""
    return patch.object(turns, "reversed", iter, create=True)


@_plant
def answers_refused_rpcs() -> Any:
    """An RPC is answered though what it wrote was refused."""
    return patch.object(rpcs, "Refused", ())


@_plant
def starts_calls_of_closed_runs() -> Any:
    """A call that is ready when its run closes is begun all the same."""
    begin = RunSheet.fold

    def fold(self: RunSheet, event: Any, turn: Any, epoch: int) -> None:
        begin(self, event, turn, epoch)
        self.ended = ()

    return patch.object(RunSheet, "fold", fold)


@_plant
def forgets_kept_skips() -> Any:
    """A skip that is kept is lost with the memory of the engine that took it."""
    load = FaultyStore.load

    def without(self: FaultyStore, run: int) -> Any:
        loaded = load(self, run)
        return None if loaded is None else evolve(loaded, record=evolve(loaded.record, skips=NO_SKIPS))

    return patch.object(FaultyStore, "load", without)


@_plant
def misses_the_last_message() -> Any:
    """Who waits until a channel is empty is not told when the last message of it is finished with."""

    def leave(step: Any, state: Any, **fields: Any) -> None:
        before = dict(step.channels)
        states.leave(step, state, **fields)
        step.channels = before

    return patch.object(closing, "leave", leave)


@_plant
def calls_a_channel_empty_that_others_work_on() -> Any:
    """What other states have taken does not count."""

    def satisfied(self: EmptyWaiters, channel: Any) -> Any:
        return () if len(channel.messages) else self.states.items()

    return patch.object(EmptyWaiters, "satisfied", satisfied)


def copies_an_entry_too_few() -> Any:
    """The past of a run that was reset lacks its last entry."""
    write = RunSheet.write

    def short(self: RunSheet) -> Any:
        found = write(self)
        if found is None or found.copied is None:
            return found
        return evolve(found, copied=evolve(found.copied, until=found.copied.until - 1))

    return patch.object(RunSheet, "write", short)


@_plant
def cancels_what_a_reset_ends() -> Any:
    """The run that is open when another takes its place is not terminated."""
    branch = Sheet.branch

    def cancel(self: Sheet, base: int, made: Any, ending: Any, ahead: Any) -> Any:
        if ending is not None:
            ending = evolve(ending, stop_type=WorkflowStopType.CANCEL)
        return branch(self, base, made, ending, ahead)

    return patch.object(Sheet, "branch", cancel)


@_plant
def applies_again_twice() -> Any:
    """What came after the point of a reset comes twice."""
    take = Past.take

    def twice(self: Past, event: Any) -> None:
        count = len(self._brought)
        take(self, event)
        if len(self._brought) > count:
            self._brought.append(self._brought[-1])

    return patch.object(Past, "take", twice)


@_plant
def forgets_what_comes_meanwhile() -> Any:
    """What comes to a run while its past is read is in neither."""
    return patch.object(Resets, "_catches_up", lambda self, asked, latest: True)


@_plant
def issues_nothing_anew() -> Any:
    """Calls that were outstanding at the point of a reset are left to the run that made them."""
    return patch.object(past, "advance", _without_calls)


def _without_calls(record: Any, event: Any) -> Any:
    turn = machine.advance(record, event)
    if not isinstance(event, RunReset):
        return turn
    return evolve(turn, effects=tuple(effect for effect in turn.effects if not isinstance(effect, Invoke)))
