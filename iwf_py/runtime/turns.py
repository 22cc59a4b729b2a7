"""The ONE place where an execution changes: queue, batch, advance, save, commit, and only then effects and answers.

Whoever combines is alone: posts come in from any thread, one step of the combiner at a time takes what
has gathered, and while its commit is in flight the next batch gathers. Nothing delays a batch.

A batch that was not written is tried again post by post, each by itself, so that a bad one hurts only
itself. A COMMIT in doubt is settled first: nothing else is done, and nobody is told anything, until it is.
While the store fails again and again, clients are refused, and what the engine itself has to write waits.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable, Iterable, Sequence

from attrs import evolve

from iwf_py.errors import (
    CommitUnknownError,
    EngineUnreadyError,
    InvalidArgumentError,
    IwfError,
    StoreError,
    StoreInUseError,
    StoreUnusableError,
    TooManyRequestsError,
)
from iwf_py.model.history import HistoryEntry
from iwf_py.model.ids import WorkflowKey
from iwf_py.ports import Calendar, Clock, Executor, Observer
from iwf_py.runtime.agenda import Agenda
from iwf_py.runtime.aside import Aside
from iwf_py.runtime.batches import Batches, Pending, Turned, guarded, parked_error
from iwf_py.runtime.cache import Cache
from iwf_py.runtime.effects import Effects
from iwf_py.runtime.limits import Limits
from iwf_py.runtime.posts import Post
from iwf_py.runtime.sheets import RunSheet
from iwf_py.store.unit import Batch, DueTask, Store

_LOGGER = logging.getLogger(__name__)


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
        calendar: Calendar,
        executor: Executor,
        combiner: Executor,
        agenda: Agenda,
        cache: Cache,
        effects: Effects,
        observers: Sequence[Observer],
        limits: Limits,
    ) -> None:
        self._store = store
        self._clock = clock
        self._combiner = combiner
        self._agenda = agenda
        self._cache = cache
        self._effects = effects
        self._observers = tuple(observers)
        self._limits = limits
        self._aside = Aside(store, clock, executor, agenda, limits, self._wake)
        self._batches = Batches(store, executor, calendar, cache, limits, self.post)
        self._lock = threading.Lock()
        self._inbox: deque[Post] = deque()
        self._chores: deque[Callable[[], None]] = deque()
        self._is_scheduled = False
        # What came due: it goes along with what others ask, a share of each batch.
        self._due: deque[Post] = deque()
        # What is older than the inbox, in the order of its turns.
        self._front: deque[Post] = deque()
        self._number = 0
        self._doubt: Pending | None = None
        self._is_resting = False
        # How often in a row the store failed for reasons of its own.
        self._outages = 0
        self._to_park: dict[int, str | None] = {}
        self._drained: Callable[[], None] | None = None
        self._ended: IwfError | None = None
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
            ended = self._ended
            if ended is None:
                self._inbox.append(post)
                if not post.is_inner:
                    self._asked += 1
                if self._is_scheduled:
                    return
                self._is_scheduled = True
        if ended is None:
            self._combiner.submit(self._combine)
        else:
            guarded(post.refused, ended)

    def post_all(self, posts: Iterable[Post]) -> None:
        """Have several of the engine's own take their turns, in order; they gather before anybody combines."""
        posts = list(posts)
        with self._lock:
            ended, is_mine = self._ended, False
            if ended is None and posts:
                self._inbox.extend(posts)
                for post in posts:
                    self._asked += not post.is_inner
                is_mine, self._is_scheduled = not self._is_scheduled, True
        if ended is not None:
            for post in posts:
                guarded(post.refused, ended)
        elif is_mine:
            self._combiner.submit(self._combine)

    def post_due(self, posts: Iterable[Post]) -> None:
        """Have what came due take its turns between those of others: however much it is, nobody waits for all of it."""
        self._due.extend(posts)
        self._wake()

    def chore(self, step: Callable[[], None]) -> None:
        """Have *step* run when nobody else writes."""
        self._chores.append(step)
        self._wake()

    def drain(self, done: Callable[[], None]) -> None:
        """Call *done*, as a chore, once nothing waits for its turn any more."""
        self._aside.hurry()
        self._drained = done
        self._wake()

    def end(self, error: IwfError) -> None:
        """Refuse whatever still waits, and whatever comes; where somebody combines at the moment, as soon as he is done."""
        with self._lock:
            self._ended = error
            # From now on nobody begins to combine.
            is_busy, self._is_scheduled = self._is_scheduled, True
        if not is_busy:
            self._refuse_all(error)

    # By chores, or by whoever combines.

    def claimed(self, task: DueTask) -> None:
        """Note that a call belongs to this engine now, wherever its run is held."""
        self._aside.claimed(task)
        live = self._cache.get(task.key)
        if live is not None and live.row == task.row:
            known = live.tasks.get(task.task.number)
            if known is not None and known.phase is task.task.phase and known.failures == task.task.failures:
                self._cache.put(task.key, evolve(live, tasks=live.tasks.insert(task.task.number, task.task)))

    def park(self, key: WorkflowKey, run: RunSheet, reason: str | None) -> None:
        """Hold a run apart, or with None no longer."""
        live = self._cache.get(key)
        if live is not None and live.row == run.row:
            self._cache.put(key, evolve(live, parked=reason))
        run_id = run.record.run_id
        if reason is not None:
            _LOGGER.error("run parked", extra={"workflow_id": key.workflow_id, "run_id": run_id, "reason": reason})
            self._effects.parked(parked_error(key, run_id, reason))
        self._to_park[run.row] = reason
        self._write_parked()

    # Combining.

    def _wake(self) -> None:
        with self._lock:
            if self._is_scheduled:
                return
            self._is_scheduled = True
        self._combiner.submit(self._combine)

    def _combine(self) -> None:
        """Carry out what has gathered. One step of the combiner; nobody else is in here meanwhile."""
        try:
            for _ in range(self._limits.batches):
                if not self._step():
                    break
        except BaseException:
            _LOGGER.exception("combining was interrupted")
        finally:
            with self._lock:
                ended = self._ended
                goes_on = self._has_work
                self._is_scheduled = goes_on or ended is not None
            # Not asked of the attribute: whoever posts in this moment schedules for himself.
            if goes_on:
                self._combiner.submit(self._combine)
            elif ended is not None:
                self._refuse_all(ended)

    def _refuse_all(self, error: IwfError) -> None:
        """Refuse whatever waits: the engine has ended."""
        doubtful = [] if self._doubt is None else self._doubt.posts
        posts = [*doubtful, *self._front, *self._inbox, *self._due, *self._aside.posts()]
        self._doubt = None
        self._due.clear()
        self._front.clear()
        self._inbox.clear()
        for post in posts:
            guarded(post.refused, error)

    @property
    def _has_work(self) -> bool:
        if self._is_resting or self._ended is not None:
            return False
        if self._inbox or self._front or self._due or self._chores or self._doubt or self._aside.has_arrivals:
            return True
        return self._drained is not None and not self._aside

    def _step(self) -> bool:
        """Do one thing; False when there is nothing to do, or it has to wait."""
        if not self._has_work:
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
        elif self._drained is not None and not (self._chores or self._front or self._inbox or self._due or self._aside):
            done, self._drained = self._drained, None
            done()
        return True

    def _land(self) -> None:
        """Take in what readers have loaded; the posts that waited for it come first now."""
        for landing in self._aside.land():
            if landing.live is not None:
                self._cache.put(landing.key, landing.live)
            for post, error in landing.refused:
                self._refuse(post, error)
            # They are older than whatever of their workflow id is there already, after a batch that was not written.
            self._front.extendleft(reversed(landing.posts))

    def _gather(self) -> list[Post]:
        """Take posts, in order, whose records are at hand; all others wait aside."""
        posts: list[Post] = []
        asked: dict[WorkflowKey, None] = {}
        weight = 0
        due = self._limits.share
        while len(posts) < self._limits.batch_changes and weight < self._limits.batch_size:
            if self._front:
                post = self._front.popleft()
            elif self._due and due and (not self._inbox or len(posts) >= self._limits.batch_changes // 2):
                post = self._due.popleft()
                due -= 1
            elif self._inbox:
                post = self._inbox.popleft()
            else:
                break
            if self._aside.holds(post):
                continue
            is_by_itself = post.is_alone or post.is_large
            if is_by_itself and posts:
                self._front.appendleft(post)
                break
            if post.key not in asked and self._cache.get(post.key) is None:
                if not post.is_start:
                    self._aside.put(post)
                    continue
                asked[post.key] = None
            posts.append(post)
            weight += post.weight
            if is_by_itself:
                break
        if asked:
            posts = self._without_known(posts, list(asked))
        self._aside.load()
        return posts

    def _without_known(self, posts: list[Post], keys: list[WorkflowKey]) -> list[Post]:
        """Put aside the starts of ids that have runs already; those runs must be loaded first."""
        try:
            known = self._store.latest(keys)
        except Exception as error:  # noqa: BLE001 - whatever it is, the readers will meet it and see to it
            _LOGGER.warning("the store cannot be asked for runs: %s", error)
            known = dict.fromkeys(keys, 0)
        if not known:
            return posts
        for post in posts:
            if post.key in known and not self._aside.holds(post):
                self._aside.put(post)
        return [post for post in posts if post.key not in known]

    def _carry_out(self, posts: list[Post]) -> None:
        """Advance, commit and show one batch."""
        try:
            self._batches.reserve(len(posts))
        except StoreError as error:
            self._not_written(posts, None, error)
            return
        pending = self._batches.take(posts, self._clock.now())
        self._front.extendleft(reversed(pending.left))
        self._answered += pending.elsewhere
        writes = pending.writes()
        if not writes:
            self._show(pending, ())
            return
        self._number += 1
        pending.number = self._number
        try:
            batch = Batch(number=pending.number, writes=writes, is_observed=bool(self._observers))
            entries = self._store.commit(batch)
        except BaseException as error:  # noqa: BLE001 - anything but a refusal leaves the commit in doubt
            # What is not known to stand is not in memory either: readers ask the store meanwhile.
            for key in pending.sheets:
                self._cache.drop(key)
            if isinstance(error, StoreError) and not isinstance(error, CommitUnknownError):
                run = pending.turned[0].run
                self._not_written(pending.posts, run, error)
            else:
                _LOGGER.warning("commit in doubt", extra={"batch": pending.number, "error": repr(error)})
                pending.error = error
                self._doubt = pending
            return
        self.trouble = None
        self._outages = 0
        self._show(pending, entries)

    # After the commit.

    def _show(self, pending: Pending, entries: Sequence[HistoryEntry]) -> None:
        """Show what is on stable storage: records first, then effects and answers in the order of the turns."""
        for key, sheet in pending.sheets.items():
            if sheet.latest is not None:
                self._cache.put(key, sheet.latest.live)
        self._cache.trim()
        for turned in pending.turned:
            self._tell(turned)
        self._effects.flush()
        if entries:
            for observer in self._observers:
                guarded(observer.saw, entries)
        for key, sheet in pending.sheets.items():
            for run in sheet.runs:
                if run.parks:
                    self.park(key, run, run.parked)
                if run.comes_to(self._limits.long_history):
                    _LOGGER.warning(
                        "the history of workflow %r (run %s) has %d entries, all of which are kept; "
                        "have a workflow that goes on for ever start another run now and then",
                        key.workflow_id,
                        run.record.run_id,
                        run.record.seq,
                    )

    def _tell(self, turned: Turned) -> None:
        """Carry out what one turn asks for, then answer whoever brought it."""
        post = turned.post
        if isinstance(turned.taken, Exception):
            self._refuse(post, turned.taken)
            return
        if not post.is_inner:
            self._answered += 1
        try:
            for move in turned.taken.moves:
                self._effects.carry_out(post.key, move)
        except BaseException:
            _LOGGER.exception("an effect failed", extra={"workflow_id": post.key.workflow_id})
        guarded(post.told, turned.taken, turned.run)

    def _refuse(self, post: Post, error: Exception) -> None:
        if not post.is_inner:
            self._answered += 1
        guarded(post.refused, error)

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

    # When the store refuses.

    def _not_written(self, posts: list[Post], run: RunSheet | None, error: StoreError) -> None:
        """Try what was not written again, post by post; one that was alone is refused, or put off."""
        _LOGGER.warning("batch refused", extra={"batch": self._number, "error": str(error)})
        is_outage = isinstance(error, StoreUnusableError | StoreInUseError)
        if is_outage:
            self.trouble = str(error)
            self._agenda.at(self._clock.now() + self._limits.first_pause, self._try_again)
            self._outages += 1
            if self._outages > 1:
                posts = self._without_clients(posts, error)
                if not posts:
                    return
        post = posts[0]
        if len(posts) > 1 or not post.is_alone:
            for one in posts:
                one.is_alone = True
            self._front.extendleft(reversed(posts))
            return
        told: IwfError = _nothing_written(error)
        if isinstance(error.__cause__, ValueError | TypeError | OverflowError):
            # Its content is at fault: waiting does not mend that.
            if post.spoiled(error.__cause__):
                self._front.appendleft(post)
                return
            told = InvalidArgumentError(f"nothing was written: {error}")
        if not post.is_inner:
            self._refuse(post, told)
            return
        post.tries += 1
        if post.tries >= self._limits.tries and run is not None and not is_outage:
            self.park(post.key, run, f"a turn cannot be written: {error}")
            self._refuse(post, error)
            return
        self._aside.pause(post, self._limits.pause(post.tries))

    def _without_clients(self, posts: list[Post], error: StoreError) -> list[Post]:
        """Refuse all clients who wait, for it is not their posts that keep the store from writing; answer who is left of *posts*."""
        waiting = [*self._front]
        while self._inbox:
            waiting.append(self._inbox.popleft())
        self._front = deque(post for post in waiting if post.is_inner)
        for post in (*posts, *waiting):
            if not post.is_inner:
                self._refuse(post, _nothing_written(error))
        return [post for post in posts if post.is_inner]

    def _try_again(self) -> None:
        """Let clients in again: the next commit tells."""
        if self._doubt is None:
            self.trouble = None

    def _settle(self, pending: Pending) -> None:
        """Find out whether the batch in doubt stands, then show it or do it again."""
        try:
            stands = self._store.settle(pending.number)
            entries = self._entries(pending) if stands else ()
        except Exception as error:  # noqa: BLE001 - until it is known, there is nothing else to do
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
        is_new = not any(post.tries for post in pending.posts)
        for post in pending.posts:
            post.tries += 1
        if is_new:
            self._front.extendleft(reversed(pending.posts))
        else:
            # Doubt again and again, and nothing written: a disk that is full may say so at COMMIT.
            self._not_written(pending.posts, pending.turned[0].run, StoreUnusableError(str(pending.error)))

    def _entries(self, pending: Pending) -> tuple[HistoryEntry, ...]:
        """Read what a batch wrote whose commit did not answer."""
        if not self._observers:
            return ()
        return tuple(
            entry
            for write in pending.writes()
            if write.entries
            for entry in self._store.history(write.row, write.entries[0].seq - 1, len(write.entries))
        )

    def _rested(self) -> None:
        self._is_resting = False
        self._wake()


def _nothing_written(error: StoreError) -> EngineUnreadyError:
    return EngineUnreadyError(f"nothing was written: {error}")
