"""Looking what is due, and what earlier engines left behind.

Due times live in rows; the alarm holds the earliest, and every few seconds there is a look anyway. What
is due becomes posts, a page at a time, so that other work goes on between however much is due at once.
"""

from __future__ import annotations

import logging
import threading
from datetime import datetime
from functools import partial

from iwf_py.core.effects import Answer
from iwf_py.core.events import RpcFailed, TimerFired
from iwf_py.errors import StoreError
from iwf_py.model.invocations import Failed, Failure
from iwf_py.ports import Clock, Executor
from iwf_py.runtime.agenda import Agenda, Appointment
from iwf_py.runtime.calls import Calls
from iwf_py.runtime.dispatch import Dispatch
from iwf_py.runtime.limits import Limits
from iwf_py.runtime.posts import EventPost
from iwf_py.runtime.turns import Turns
from iwf_py.store.unit import DueTask, DueTimer, OpenRpc, Store

_LOGGER = logging.getLogger(__name__)
# More open locking RPCs than callers could ever have asked for.
_ALL = 1 << 30
_ENGINE_ENDED = Failure(error_type="EngineStopped", message="the engine ended while the RPC ran; nothing was written")


class Upkeep:
    """Everything that happens because time passes."""

    def __init__(
        self,
        store: Store,
        *,
        clock: Clock,
        executor: Executor,
        agenda: Agenda,
        turns: Turns,
        dispatch: Dispatch,
        calls: Calls,
        limits: Limits,
    ) -> None:
        self._store = store
        self._clock = clock
        self._executor = executor
        self._agenda = agenda
        self._turns = turns
        self._dispatch = dispatch
        self._calls = calls
        self._limits = limits
        self._lock = threading.Lock()
        self._next: Appointment | None = None
        self._is_looking = False
        self._looks_again = False
        self._is_closed = False
        # Timers whose turn is asked for and has not come: run, number and index.
        self._posted: set[tuple[int, int, int]] = set()
        self._has_more = False
        self._claims = True
        self._failures = 0

    # At the start and the end.

    def recover(self) -> None:
        """Take over what ended engines left: before anything else has its turn."""
        for rpc in self._store.open_rpcs(_ALL):
            self._turns.post(_ended_rpc(rpc))
        self._turns.chore(self._claim)
        self.look()

    def close(self) -> None:
        """Look no more."""
        with self._lock:
            self._is_closed = True
            if self._next is not None:
                self._next.cancel()

    # When to look.

    def hear(self, due: datetime) -> None:
        """Something is due then: look then at the latest."""
        with self._lock:
            if self._is_closed or (self._next is not None and self._next.at <= due):
                return
            if self._next is not None:
                self._next.cancel()
            self._next = self._agenda.at(due, self.look)

    def look(self) -> None:
        """Have a reading step look now; one at a time."""
        with self._lock:
            if self._is_closed:
                return
            if self._is_looking:
                self._looks_again = True
                return
            self._is_looking = True
            if self._next is not None:
                self._next.cancel()
                self._next = None
        self._executor.submit(self._look)

    # Looking.

    def _look(self) -> None:
        now = self._clock.now()
        until = now + self._limits.look_every
        try:
            self._give_up_lost()
            if self._claims and self._dispatch.load < self._limits.backlog:
                self._turns.chore(self._claim)
            due = self._post_due(now)
            if not self._posted:
                self._turns.chore(self._sweep)
            self._failures = 0
            if due is not None:
                until = min(until, due)
        except Exception as error:  # noqa: BLE001 - whatever it was, looking must go on
            self._failures += 1
            until = now + self._limits.pause(self._failures)
            _LOGGER.warning("what is due cannot be read: %s", error)
        with self._lock:
            self._is_looking = False
            again, self._looks_again = self._looks_again, False
        if again:
            self.look()
        else:
            self.hear(until)

    def _post_due(self, now: datetime) -> datetime | None:
        """Post what is due, a page of it; answer when more is, where that is known."""
        page = self._limits.page
        due = self._store.due(now, page)
        fired = []
        for timer in due.timers:
            place = timer.row, timer.number, timer.index
            if place not in self._posted:
                self._posted.add(place)
                fired.append(self._fired(timer, place))
        self._turns.post_due(fired)
        posts = len(fired)
        self._has_more = len(due.timers) >= page
        # With enough calls in hand, what is to be tried again waits for the next look.
        tasks = due.tasks if self._dispatch.load < self._limits.backlog else ()
        while tasks:
            posts += sum(self._calls.again(task.key, task.run_id, task.task) for task in tasks)
            if len(tasks) < page:
                break
            if posts >= page:
                return now + self._limits.first_pause
            tasks = self._store.due(now, page, tasks[-1]).tasks
        if self._has_more and len(self._posted) <= page // 2:
            return now
        return self._store.next_due(now)

    def _fired(self, timer: DueTimer, place: tuple[int, int, int]) -> EventPost:
        def over(_: Answer | Exception) -> None:
            self._posted.discard(place)
            # The next page is fetched while the rest of this one has its turns.
            if self._has_more and len(self._posted) <= self._limits.page // 2:
                self._has_more = False
                self.look()

        return EventPost(timer.key, timer.run_id, partial(_timer_fired, timer), over, over)

    def _give_up_lost(self) -> None:
        for hand in self._dispatch.overdue(self._limits.grace.total_seconds()):
            seconds = hand.task.invocation.timeout.total_seconds()
            text = f"the worker has not answered within {seconds:g} s"
            self._calls.lose(hand, Failed(Failure(error_type="AttemptTimeout", message=text)))

    # Chores: nobody else writes meanwhile.

    def _claim(self) -> None:
        """Take a page of calls over that ended engines left."""
        try:
            orphans = self._store.claim_orphans(self._limits.page)
        except StoreError as error:
            # Claiming again settles a claim that is in doubt.
            _LOGGER.warning("orphaned calls cannot be claimed: %s", error)
            self._agenda.at(self._clock.now() + self._limits.first_pause, lambda: self._turns.chore(self._claim))
            return
        self._claims = bool(orphans)
        for orphan in orphans:
            self._turns.claimed(orphan)
            self._give_out(orphan)
        suspects = sum(1 for orphan in orphans if self._limits.suspicion(orphan.task.recoveries))
        if suspects:
            _LOGGER.warning(
                "%d call(s) were in hand each of the last times that an engine ended; one of them may be the reason, "
                "and they wait a little",
                suspects,
            )
        if orphans:
            _LOGGER.info("orphaned calls claimed", extra={"count": len(orphans)})
            if self._dispatch.load < self._limits.backlog:
                self._turns.chore(self._claim)

    def _give_out(self, orphan: DueTask) -> None:
        due, now = orphan.task.due_at, self._clock.now()
        pause = self._limits.suspicion(orphan.task.recoveries)
        if due is not None and due > now:
            self.hear(due)
        elif pause:
            self._agenda.at(now + pause, lambda: self._again(orphan))
        else:
            self._again(orphan)

    def _again(self, orphan: DueTask) -> None:
        self._calls.again(orphan.key, orphan.run_id, orphan.task)

    def _sweep(self) -> None:
        """Delete some of what closed runs left behind, and more of it when others had their turn."""
        try:
            deleted = self._store.sweep(self._limits.sweep)
        except StoreError as error:
            _LOGGER.warning("closed runs cannot be swept: %s", error)
            return
        if deleted >= self._limits.sweep:
            self._turns.chore(self._sweep)


def _timer_fired(timer: DueTimer, at: datetime) -> TimerFired:
    return TimerFired(at=at, number=timer.number, index=timer.index)


def _ended_rpc(rpc: OpenRpc) -> EventPost:
    def make(at: datetime) -> RpcFailed:
        return RpcFailed(at=at, number=rpc.number, failure=_ENGINE_ENDED)

    return EventPost(rpc.key, rpc.run_id, make, _unheard, _unheard)


def _unheard(_: object) -> None:
    """Whoever asked is gone with the engine."""
