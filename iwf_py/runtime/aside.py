"""Posts whose records are not at hand, and the reading steps that load them.

One load never holds up the others of a batch: what must be loaded waits here, by workflow id and in
order, until a reader has brought it. What was refused by the store waits here too, for a while.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta

from attrs import define, evolve, field

from iwf_py.errors import EngineStoppedError, EngineUnreadyError, WorkflowNotExistsError
from iwf_py.model.ids import WorkflowKey
from iwf_py.ports import Clock, Executor
from iwf_py.runtime.agenda import Agenda
from iwf_py.runtime.cache import Live
from iwf_py.runtime.limits import Limits
from iwf_py.runtime.posts import Post
from iwf_py.store.unit import DueTask, Store

_LOGGER = logging.getLogger(__name__)

# A reading that failed so often is no reason to let clients wait on.
_PATIENCE = 3


@define(eq=False)
class _Row:
    """Those who wait for one workflow id."""

    posts: deque[Post] = field(factory=deque)
    claimed: list[DueTask] = field(factory=list)
    tries: int = 0


@define(eq=False)
class Landing:
    """
    A workflow id whose posts wait no longer.

    Attributes:
        live: Its latest run, where it was loaded.

        posts: Their turn comes next.

        refused: There is no turn for these.
    """

    key: WorkflowKey
    live: Live | None = None
    posts: list[Post] = field(factory=list)
    refused: list[tuple[Post, Exception]] = field(factory=list)


class Aside:
    """
    Where posts wait for their records.

    All but what readers do belongs to whoever combines.

    Args:
        wake: Has somebody combine, and land what has arrived.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        executor: Executor,
        agenda: Agenda,
        limits: Limits,
        wake: Callable[[], None],
    ) -> None:
        self._store = store
        self._clock = clock
        self._executor = executor
        self._agenda = agenda
        self._limits = limits
        self._wake = wake
        self._rows: dict[WorkflowKey, _Row] = {}
        self._to_load: list[tuple[WorkflowKey, _Row]] = []
        # Each arrival names the row that it is for: one that was loaded for an earlier row may be old by now.
        self._arrived: deque[tuple[WorkflowKey, _Row, Live | Exception | None]] = deque()
        self._rested: deque[tuple[WorkflowKey, _Row]] = deque()
        self._is_hurried = False

    def __bool__(self) -> bool:
        return bool(self._rows)

    @property
    def has_arrivals(self) -> bool:
        """Is there anything to land?"""
        return bool(self._arrived or self._rested)

    def holds(self, post: Post) -> bool:
        """Let *post* wait with the others of its workflow id; False when there are none."""
        row = self._rows.get(post.key)
        if row is None:
            return False
        row.posts.append(post)
        return True

    def put(self, post: Post) -> None:
        """Let *post* wait until its run is loaded."""
        row = self._rows[post.key] = _Row(deque((post,)))
        self._to_load.append((post.key, row))

    def pause(self, post: Post, span: timedelta) -> None:
        """Let *post*, and the others of its workflow id after it, wait for a while."""
        if self._is_hurried:
            post.refused(EngineStoppedError("the engine is about to stop"))
            return
        row = self._rows.get(post.key)
        if row is not None:
            row.posts.appendleft(post)
            return
        row = self._rows[post.key] = _Row(deque((post,)))
        self._agenda.at(self._clock.now() + span, lambda: self._rest_over(post.key, row))

    def claimed(self, task: DueTask) -> None:
        """Note that a call belongs to this engine now: a reader may have read it before that."""
        row = self._rows.get(task.key)
        if row is not None:
            row.claimed.append(task)

    def load(self) -> None:
        """Have readers load what `put` was told of."""
        wanted, self._to_load = self._to_load, []
        for start in range(0, len(wanted), self._limits.loads):
            self._have_read(wanted[start : start + self._limits.loads])

    def land(self) -> Iterator[Landing]:
        """Let those go on whose waiting is over."""
        while self._rested:
            key, row = self._rested.popleft()
            if self._rows.get(key) is row:
                del self._rows[key]
                yield _rested(key, row)
        while self._arrived:
            key, row, found = self._arrived.popleft()
            if self._rows.get(key) is not row:
                continue
            if isinstance(found, Exception):
                yield self._unread(key, row, found)
                continue
            del self._rows[key]
            if found is None:
                yield _without_run(key, row)
            else:
                yield Landing(key, _with_claims(found, row.claimed), list(row.posts))

    def hurry(self) -> None:
        """Keep nothing back any more: the engine is about to stop."""
        self._is_hurried = True

    def posts(self) -> list[Post]:
        """Take out all that wait."""
        posts = [post for row in self._rows.values() for post in row.posts]
        self._rows.clear()
        return posts

    # Reading steps, on any thread.

    def _have_read(self, wanted: Sequence[tuple[WorkflowKey, _Row]]) -> None:
        self._executor.submit(lambda: self._read(wanted))

    def _read(self, wanted: Sequence[tuple[WorkflowKey, _Row]]) -> None:
        try:
            runs = self._store.latest([key for key, _ in wanted])
        except Exception as error:  # noqa: BLE001
            for key, row in wanted:
                self._arrive(key, row, error)
            return
        for key, row in wanted:
            found: Live | Exception | None
            try:
                loaded = self._store.load(runs[key]) if key in runs else None
                found = None if loaded is None else Live.of(loaded)
            except Exception as error:  # noqa: BLE001
                found = error
            self._arrive(key, row, found)

    def _arrive(self, key: WorkflowKey, row: _Row, found: Live | Exception | None) -> None:
        self._arrived.append((key, row, found))
        self._wake()

    def _rest_over(self, key: WorkflowKey, row: _Row) -> None:
        self._rested.append((key, row))
        self._wake()

    def _unread(self, key: WorkflowKey, row: _Row, error: Exception) -> Landing:
        """Have it read again in a while; clients who have waited long enough are told."""
        row.tries += 1
        _LOGGER.warning("a run cannot be read", extra={"workflow_id": key.workflow_id, "error": repr(error)})
        landing = Landing(key)
        if row.tries >= _PATIENCE:
            told = EngineUnreadyError(f"the store cannot be read: {error}")
            landing.refused = [(post, told) for post in row.posts if not post.is_inner]
            row.posts = deque(post for post in row.posts if post.is_inner)
        if self._is_hurried or not row.posts:
            landing.refused += [(post, error) for post in row.posts]
            del self._rows[key]
            return landing
        self._agenda.at(self._clock.now() + self._limits.pause(row.tries), lambda: self._have_read([(key, row)]))
        return landing


def _with_claims(live: Live, claims: Sequence[DueTask]) -> Live:
    """Correct what may have been read before a claim was committed."""
    tasks = live.tasks
    for claim in claims:
        known = tasks.get(claim.task.number)
        if claim.row == live.row and known is not None and known.failures == claim.task.failures:
            tasks = tasks.insert(claim.task.number, claim.task)
    return live if tasks is live.tasks else evolve(live, tasks=tasks)


def _rested(key: WorkflowKey, row: _Row) -> Landing:
    """Have those tried again who were put off; clients behind one that was put off often have waited long enough."""
    posts = list(row.posts)
    if posts[0].tries < _PATIENCE:
        return Landing(key, posts=posts)
    told = EngineUnreadyError("nothing was written: what comes before it could not be written either; try again later")
    return Landing(
        key,
        posts=[post for post in posts if post.is_inner],
        refused=[(post, told) for post in posts if not post.is_inner],
    )


def _without_run(key: WorkflowKey, row: _Row) -> Landing:
    """Refuse what needs a run, up to the first start; it is asked for again with all after it."""
    landing = Landing(key)
    posts = row.posts
    while posts and not posts[0].is_start:
        post = posts.popleft()
        error = WorkflowNotExistsError(workflow_id=key.workflow_id, run_id=post.run_id or "")
        landing.refused.append((post, error))
    landing.posts = list(posts)
    return landing
