"""The ONE place where an execution changes: queue, batch, advance, save, commit, and only then effects and answers.

Whoever combines is alone: posts come in from any thread, one step of the executor at a time takes what
has gathered, and while its commit is in flight the next batch gathers. Nothing delays a batch.

A batch that was not written is tried again post by post, each by itself, so that a bad one hurts only
itself. A COMMIT in doubt is settled first: nothing else is done, and nobody is told anything, until it is.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime

from attrs import define, evolve, field

from iwf_py.errors import (
    CommitUnknownError,
    EngineUnreadyError,
    ExecutionParkedError,
    IwfError,
    ServerSideError,
    StoreError,
    StoreInUseError,
    StoreUnusableError,
    TooManyRequestsError,
    WorkflowNotExistsError,
)
from iwf_py.model.history import HistoryEntry
from iwf_py.model.ids import WorkflowKey
from iwf_py.ports import Clock, Executor, Observer
from iwf_py.runtime.agenda import Agenda
from iwf_py.runtime.aside import Aside
from iwf_py.runtime.cache import Cache, Live
from iwf_py.runtime.effects import Effects
from iwf_py.runtime.limits import Limits
from iwf_py.runtime.posts import NOTHING, Post, Taken
from iwf_py.runtime.sheets import RunSheet, Sheet
from iwf_py.store.unit import Batch, DueTask, RunWrite, Store

_LOGGER = logging.getLogger(__name__)


@define(eq=False)
class _Turned:
    """One post, and what its turn came to: what was taken, or why there was none."""

    post: Post
    run: RunSheet | None
    taken: Taken | Exception


@define(eq=False)
class _Pending:
    """A batch on its way: all that is needed to show it, or to do it again."""

    number: int = 0
    sheets: dict[WorkflowKey, Sheet] = field(factory=dict)
    posts: list[Post] = field(factory=list)
    turned: list[_Turned] = field(factory=list)
    writes: tuple[RunWrite, ...] = ()
    tries: int = 0


class Turns:
    """
    The queue of posts, and whoever combines.

    Attributes:
        trouble: Why nothing can be written at the moment, or None.
    """

    def __init__(
        self,
        store: Store,
        *,
        clock: Clock,
        executor: Executor,
        agenda: Agenda,
        cache: Cache,
        effects: Effects,
        observers: Sequence[Observer],
        limits: Limits,
    ) -> None:
        self._store = store
        self._clock = clock
        self._executor = executor
        self._agenda = agenda
        self._cache = cache
        self._effects = effects
        self._observers = tuple(observers)
        self._limits = limits
        self._aside = Aside(store, clock, executor, agenda, limits, self._wake)
        self._lock = threading.Lock()
        self._inbox: deque[Post] = deque()
        self._chores: deque[Callable[[], None]] = deque()
        self._is_scheduled = False
        # What is older than the inbox, in the order of its turns.
        self._front: deque[Post] = deque()
        self._doubt: _Pending | None = None
        self._is_resting = False
        self._number = 0
        self._rows: deque[int] = deque()
        self._to_park: dict[int, str | None] = {}
        self._drained: Callable[[], None] | None = None
        # Clients' posts that came, and those that went: the bound of the queue.
        self._asked = 0
        self._answered = 0
        self.trouble: str | None = None

    # From any thread.

    @property
    def problem(self) -> IwfError | None:
        """Why clients may write nothing at the moment, or None."""
        if self.trouble is not None:
            return EngineUnreadyError(f"the engine cannot write at the moment: {self.trouble}; try again later")
        waiting = self._asked - self._answered
        if waiting >= self._limits.queue:
            return TooManyRequestsError(f"{waiting} requests wait for their turn; try again later")
        return None

    def post(self, post: Post) -> None:
        """Have *post* take its turn."""
        with self._lock:
            self._inbox.append(post)
            if not post.is_inner:
                self._asked += 1
            if self._is_scheduled:
                return
            self._is_scheduled = True
        self._executor.submit(self._combine)

    def post_all(self, posts: Iterable[Post]) -> None:
        """Have inner posts take their turns, in order."""
        with self._lock:
            self._inbox.extend(posts)
            if self._is_scheduled or not self._inbox:
                return
            self._is_scheduled = True
        self._executor.submit(self._combine)

    def chore(self, step: Callable[[], None]) -> None:
        """Have *step* run when nobody else writes."""
        with self._lock:
            self._chores.append(step)
        self._wake()

    def drain(self, done: Callable[[], None]) -> None:
        """Call *done* (as a chore) once nothing waits for its turn any more."""
        self._drained = done
        self._aside.hurry()
        self._wake()

    def claimed(self, task: DueTask) -> None:
        """Note, as a chore, that a call belongs to this engine now, wherever its run is held."""
        self._aside.claimed(task)
        live = self._cache.get(task.key)
        if live is not None and live.row == task.row:
            known = live.tasks.get(task.task.number)
            if known is not None and known.phase is task.task.phase and known.failures == task.task.failures:
                self._cache.put(task.key, evolve(live, tasks=live.tasks.insert(task.task.number, task.task)))

    def park(self, key: WorkflowKey, row: int, run_id: str, reason: str | None) -> None:
        """Hold a run apart, or with None no longer; as a chore, or while combining."""
        live = self._cache.get(key)
        if live is not None and live.row == row:
            self._cache.put(key, evolve(live, parked=reason))
        if reason is not None:
            _LOGGER.error("run parked", extra={"workflow_id": key.workflow_id, "run_id": run_id, "reason": reason})
            self._effects.parked(_parked_error(key, run_id, reason))
        self._to_park[row] = reason
        self._write_parked()

    def give_up(self, error: IwfError) -> None:
        """Refuse whatever still waits; only once nobody combines any more."""
        posts = [*self._front, *self._inbox, *self._aside.posts()]
        if self._doubt is not None:
            posts = self._doubt.posts + posts
            self._doubt = None
        self._front.clear()
        self._inbox.clear()
        for post in posts:
            _guarded(post.refused, error)

    # Combining.

    def _wake(self) -> None:
        with self._lock:
            if self._is_scheduled:
                return
            self._is_scheduled = True
        self._executor.submit(self._combine)

    def _combine(self) -> None:
        """Carry out what has gathered. One step of the executor; nobody else is in here meanwhile."""
        try:
            for _ in range(self._limits.batches):
                if not self._step():
                    break
        except BaseException:
            _LOGGER.exception("combining was interrupted")
        finally:
            with self._lock:
                self._is_scheduled = self._has_work()
            if self._is_scheduled:
                self._executor.submit(self._combine)

    def _has_work(self) -> bool:
        if self._is_resting:
            return False
        return bool(
            self._inbox
            or self._front
            or self._chores
            or self._doubt
            or self._aside.has_arrivals
            or (self._drained and not self._aside)
        )

    def _step(self) -> bool:
        """Do one thing; False when there is nothing to do, or it has to wait."""
        if self._is_resting:
            return False
        if self._doubt is not None:
            self._settle(self._doubt)
            return True
        self._land()
        if self._chores:
            self._chores.popleft()()
        posts = self._gather()
        if posts:
            self._carry_out(posts)
            return True
        if self._drained is not None and not self._chores and not self._aside and not self._inbox and not self._front:
            done, self._drained = self._drained, None
            done()
        return bool(self._chores or self._aside.has_arrivals)

    def _land(self) -> None:
        """Take in what readers have loaded; the posts that waited for it come first now."""
        for landing in self._aside.land():
            if landing.live is not None:
                self._cache.put(landing.key, landing.live)
            for post, error in landing.refused:
                self._refuse(post, error)
            self._front.extend(landing.posts)

    def _gather(self) -> list[Post]:
        """Take posts, in order, whose records are at hand; all others wait aside."""
        posts: list[Post] = []
        asked: dict[WorkflowKey, None] = {}
        weight = 0
        while len(posts) < self._limits.batch_changes and weight < self._limits.batch_size:
            if self._front:
                post = self._front.popleft()
            elif self._inbox:
                post = self._inbox.popleft()
            else:
                break
            if self._aside.holds(post):
                continue
            if post.is_alone and posts:
                self._front.appendleft(post)
                break
            if post.key not in asked and self._cache.get(post.key) is None:
                if not post.is_start:
                    self._aside.put(post)
                    continue
                asked[post.key] = None
            posts.append(post)
            weight += post.weight
            if post.is_alone:
                break
        if asked:
            posts = self._without_known(posts, list(asked))
        self._aside.load()
        return posts

    def _without_known(self, posts: list[Post], keys: list[WorkflowKey]) -> list[Post]:
        """Put aside the starts of ids that have runs already; those runs must be loaded first."""
        try:
            known = self._store.latest(keys)
        except Exception as error:  # noqa: BLE001
            _LOGGER.warning("the store could not be asked for runs: %s", error)
            known = dict.fromkeys(keys, 0)
        if not known:
            return posts
        for post in posts:
            if post.key in known and not self._aside.holds(post):
                self._aside.put(post)
        return [post for post in posts if post.key not in known]

    def _carry_out(self, posts: list[Post]) -> None:
        """Advance, commit and show one batch."""
        pending = _Pending()
        try:
            self._reserve(len(posts))
        except Exception as error:  # noqa: BLE001
            pending.posts = posts
            self._not_written(pending, error)
            return
        self._advance(posts, pending)
        pending.writes = tuple(write for sheet in pending.sheets.values() for write in sheet.writes())
        if not pending.writes:
            self._show(pending, ())
            return
        self._number += 1
        pending.number = self._number
        try:
            entries = self._store.commit(Batch(number=pending.number, writes=pending.writes))
        except BaseException as error:  # noqa: BLE001
            # What is in doubt is not in memory either: readers ask the store meanwhile.
            for key in pending.sheets:
                self._cache.drop(key)
            if isinstance(error, StoreError) and not is_in_doubt(error):
                self._not_written(pending, error)
                return
            self._doubt = pending
            _LOGGER.warning("commit in doubt", extra={"batch": pending.number, "error": repr(error)})
            self._settle(pending)
            return
        self.trouble = None
        self._show(pending, entries)

    def _advance(self, posts: list[Post], pending: _Pending) -> None:
        """Take turns until the batch is full; what is left over comes first in the next one."""
        now = self._clock.now()
        changes = 0
        for index, post in enumerate(posts):
            sheet = pending.sheets.get(post.key)
            if sheet is None:
                sheet = pending.sheets[post.key] = Sheet(
                    post.key,
                    self._cache.get(post.key),
                    self._store.epoch,
                    self._next_row,
                    checks=self._limits.checks_invariants,
                )
            before = sheet.changes
            turned = self._take(post, sheet, now)
            if turned is not None:
                pending.turned.append(turned)
                pending.posts.append(post)
            changes += sheet.changes - before
            if changes >= self._limits.batch_changes:
                self._front.extendleft(reversed(posts[index + 1 :]))
                break

    def _take(self, post: Post, sheet: Sheet, now: datetime) -> _Turned | None:
        """Let one post have its turn; None when its run is not the latest, and it is answered elsewhere."""
        run = sheet.latest
        if post.run_id is not None and (run is None or run.record.run_id != post.run_id):
            run = sheet.find(post.run_id)
            if run is None and sheet.latest is not None:
                # A run that is not the latest has closed.
                if post.is_inner:
                    return _Turned(post, None, NOTHING)
                self._answered += 1
                self._executor.submit(lambda: self._answer_by_closed(post, now))
                return None
        if run is None and not post.is_start:
            return _Turned(post, None, _no_run(post))
        if run is not None and run.parked is not None and not post.is_for_parked:
            return _Turned(post, run, _parked_error(post.key, run.record.run_id, run.parked))
        try:
            return _Turned(post, run, post.take(sheet, run, now))
        except Exception as error:
            reason = f"{type(error).__name__}: {error}"
            if run is None:
                return _Turned(post, None, ServerSideError(f"workflow {post.key.workflow_id!r} cannot start: {reason}"))
            run.park(reason)
            _LOGGER.error("a turn failed", exc_info=error, extra={"workflow_id": post.key.workflow_id})
            return _Turned(post, run, _parked_error(post.key, run.record.run_id, reason))

    def _answer_by_closed(self, post: Post, now: datetime) -> None:
        """Have a client's event answered by a run that closed before the latest one opened; a reading step."""
        assert post.run_id is not None
        try:
            row = self._store.find(post.key, post.run_id)
            loaded = None if row is None else self._store.load(row)
        except StoreError as error:
            _guarded(post.refused, EngineUnreadyError(f"the store cannot be read: {error}"))
            return
        if loaded is None:
            _guarded(post.refused, _no_run(post))
            return
        sheet = Sheet(post.key, Live.of(loaded), self._store.epoch, self._next_row, checks=False)
        try:
            taken = post.take(sheet, sheet.latest, now)
        except Exception as error:  # noqa: BLE001
            _guarded(post.refused, ServerSideError(f"{type(error).__name__}: {error}"))
            return
        if sheet.changes:
            # It was opened meanwhile: then it is the latest, and this is a turn like any other.
            self.post(post)
            return
        _guarded(post.told, taken, sheet.latest)

    def _reserve(self, posts: int) -> None:
        """Have a row at hand for each run that may open: one for each post, by itself or by what follows from it."""
        if len(self._rows) < posts:
            self._rows.extend(self._store.reserve(max(posts, 1024)))

    def _next_row(self) -> int:
        return self._rows.popleft()

    # After the commit.

    def _show(self, pending: _Pending, entries: Sequence[HistoryEntry]) -> None:
        """Show what is on stable storage: records first, then effects and answers in the order of the turns."""
        parked: list[tuple[WorkflowKey, RunSheet]] = []
        for key, sheet in pending.sheets.items():
            if sheet.latest is not None:
                self._cache.put(key, sheet.latest.live)
            parked += [(key, run) for run in sheet.runs if run.parks]
        self._cache.trim()
        for turned in pending.turned:
            if isinstance(turned.taken, Exception):
                self._refuse(turned.post, turned.taken)
                continue
            self._answered += not turned.post.is_inner
            for move in turned.taken.moves:
                _guarded(self._effects.carry_out, turned.post.key, move)
            _guarded(turned.post.told, turned.taken, turned.run)
        self._effects.flush()
        for observer in self._observers:
            if entries:
                _guarded(observer.saw, entries)
        for key, run in parked:
            self.park(key, run.row, run.record.run_id, run.parked)

    def _write_parked(self) -> None:
        """Have the store know what is parked; what it refuses is tried again."""
        try:
            while self._to_park:
                row, reason = next(iter(self._to_park.items()))
                self._store.park(row, reason)
                del self._to_park[row]
        except StoreError as error:
            _LOGGER.warning("parking could not be written: %s", error)
            self._agenda.at(self._clock.now() + self._limits.longest_pause, lambda: self.chore(self._write_parked))

    def _refuse(self, post: Post, error: Exception) -> None:
        self._answered += not post.is_inner
        _guarded(post.refused, error)

    # When the store refuses.

    def _not_written(self, pending: _Pending, error: Exception) -> None:
        """Try a batch that was not written again, post by post; one that was alone is refused, or put off."""
        _LOGGER.warning("batch refused", extra={"batch": pending.number, "error": str(error)})
        if is_outage(error):
            self.trouble = str(error)
            self._agenda.at(self._clock.now() + self._limits.first_pause, self._forget_trouble)
        post = pending.posts[0]
        if len(pending.posts) > 1 or not post.is_alone:
            for one in pending.posts:
                one.is_alone = True
            self._front.extendleft(reversed(pending.posts))
            return
        if not post.is_inner:
            self._refuse(post, EngineUnreadyError(f"nothing was written: {error}"))
            return
        post.tries += 1
        run = pending.turned[0].run if pending.turned else None
        if post.tries >= self._limits.tries and run is not None and not is_outage(error):
            self.park(post.key, run.row, run.record.run_id, f"a turn cannot be written: {error}")
            _guarded(post.refused, error)
            return
        self._aside.pause(post, self._limits.pause(post.tries))

    def _forget_trouble(self) -> None:
        """Let clients in again: the next commit tells."""
        if self._doubt is None:
            self.trouble = None

    def _settle(self, pending: _Pending) -> None:
        """Find out whether the batch in doubt stands, then show it or do it again."""
        try:
            stands = self._store.settle(pending.number)
            entries = self._entries(pending) if stands else ()
        except Exception as error:  # noqa: BLE001
            pending.tries += 1
            self.trouble = f"a commit is in doubt: {error}"
            self._is_resting = True
            self._agenda.at(self._clock.now() + self._limits.pause(pending.tries), self._rested)
            return
        self._doubt = None
        self.trouble = None
        _LOGGER.info("commit settled", extra={"batch": pending.number, "stands": stands})
        if stands:
            self._show(pending, entries)
            return
        for post in pending.posts:
            # One that brings doubt again and again is not to keep the others.
            post.tries += 1
            post.is_alone = post.is_alone or post.tries > 1
        self._front.extendleft(reversed(pending.posts))

    def _entries(self, pending: _Pending) -> tuple[HistoryEntry, ...]:
        if not self._observers:
            return ()
        return tuple(
            entry
            for write in pending.writes
            if write.entries
            for entry in self._store.history(write.row, write.entries[0].seq - 1, len(write.entries))
        )

    def _rested(self) -> None:
        self._is_resting = False
        self._wake()


def is_in_doubt(error: StoreError) -> bool:
    """Is it unknown whether anything was written?"""
    return isinstance(error, CommitUnknownError)


def is_outage(error: Exception) -> bool:
    """Is it the database that is at fault, not what was to be written?"""
    return isinstance(error, StoreUnusableError | StoreInUseError)


def _no_run(post: Post) -> WorkflowNotExistsError:
    return WorkflowNotExistsError(workflow_id=post.key.workflow_id, run_id=post.run_id or "")


def _parked_error(key: WorkflowKey, run_id: str, reason: str) -> ExecutionParkedError:
    return ExecutionParkedError(workflow_id=key.workflow_id, run_id=run_id, reason=reason)


def _guarded(call: Callable[..., None], *arguments: object) -> None:
    """Make a call that must not keep the others from theirs."""
    try:
        call(*arguments)
    except BaseException:
        _LOGGER.exception("what came after a commit failed")
