"""Taking the turns of one batch, on sheets: nothing of it is seen before it is committed.

Whatever goes wrong with one run's turn holds that run apart, and no other.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable
from datetime import datetime

from attrs import define, field

from iwf_py.errors import (
    EngineUnreadyError,
    ExecutionParkedError,
    ServerSideError,
    WorkflowNotExistsError,
)
from iwf_py.model.ids import WorkflowKey
from iwf_py.ports import Calendar, Executor
from iwf_py.runtime.cache import Cache, Live
from iwf_py.runtime.limits import Limits
from iwf_py.runtime.posts import NOTHING, Post, Taken
from iwf_py.runtime.sheets import RunSheet, Sheet
from iwf_py.store.unit import RunWrite, Store

_LOGGER = logging.getLogger(__name__)
# Run keys asked of the store at once.
_ROWS = 1024


@define(eq=False)
class Turned:
    """One post, and what its turn came to: what was taken, or why there was none."""

    post: Post
    run: RunSheet | None
    taken: Taken | Exception


@define(eq=False)
class Pending:
    """
    A batch on its way: all that is needed to show it, or to do it again.

    Attributes:
        left: Posts that did not fit any more.

        elsewhere: How many of the posts are answered without a turn.

        tries: How often it was asked whether it stands.

        error: What left it in doubt.
    """

    number: int = 0
    sheets: dict[WorkflowKey, Sheet] = field(factory=dict)
    turned: list[Turned] = field(factory=list)
    left: list[Post] = field(factory=list)
    elsewhere: int = 0
    tries: int = 0
    error: BaseException | None = None

    @property
    def posts(self) -> list[Post]:
        """Those whose turns it holds, in order."""
        return [turned.post for turned in self.turned]

    def writes(self) -> tuple[RunWrite, ...]:
        """Tell what is to be written, of each workflow id the oldest run first."""
        writes = [run.write() for sheet in self.sheets.values() for run in sheet.runs]
        return tuple([write for write in writes if write is not None])


class Batches:
    """
    Takes turns on sheets.

    Args:
        calendar: Tells the ticks of schedules.

        again: Where a post goes whose run turns out to be the latest one after all.
    """

    def __init__(
        self,
        store: Store,
        executor: Executor,
        calendar: Calendar,
        cache: Cache,
        limits: Limits,
        again: Callable[[Post], None],
    ) -> None:
        self._store = store
        self._executor = executor
        self._calendar = calendar
        self._cache = cache
        self._limits = limits
        self._again = again
        self._rows: deque[int] = deque()

    def reserve(self, posts: int) -> None:
        """
        Have keys at hand for the runs that may open: at most two for each post.

        A start may be what a scheduled run's deadline is noticed by, and then terminate the run that follows it.

        Errors:
            StoreError: There are none to be had; no turn was taken yet.
        """
        if len(self._rows) < 2 * posts:
            self._rows.extend(self._store.reserve(max(2 * posts, _ROWS)))

    def take(self, posts: list[Post], now: datetime) -> Pending:
        """Take turns in order until the batch is full."""
        pending = Pending()
        changes = 0
        for index, post in enumerate(posts):
            sheet = pending.sheets.get(post.key)
            if sheet is None:
                sheet = pending.sheets[post.key] = self._sheet(post.key, self._cache.get(post.key))
            before = sheet.changes
            turned = self._take(post, sheet, now)
            if turned is None:
                pending.elsewhere += 1
            else:
                pending.turned.append(turned)
            changes += sheet.changes - before
            if changes >= self._limits.batch_changes:
                pending.left = posts[index + 1 :]
                break
        return pending

    def _sheet(self, key: WorkflowKey, live: Live | None) -> Sheet:
        return Sheet(
            key,
            live,
            self._store.epoch,
            self._rows.popleft,
            self._calendar.next_tick,
            checks=self._limits.checks_invariants,
        )

    def _take(self, post: Post, sheet: Sheet, now: datetime) -> Turned | None:
        """Let one post have its turn; None when its run is not the latest, and it is answered elsewhere."""
        run = sheet.latest
        if post.run_id is not None and (run is None or run.record.run_id != post.run_id):
            run = sheet.find(post.run_id)
            if run is None and sheet.latest is not None:
                # A run that is not the latest has closed.
                if post.is_inner:
                    return Turned(post, None, NOTHING)
                self._executor.submit(lambda: self._answer_by_closed(post, now))
                return None
        if run is None and not post.is_start:
            return Turned(post, None, no_run(post))
        if run is not None and run.parked is not None and not post.is_for_parked:
            return Turned(post, run, parked_error(post.key, run.record.run_id, run.parked))
        try:
            return Turned(post, run, post.take(sheet, run, now))
        except Exception as error:
            _LOGGER.exception("a turn failed", extra={"workflow_id": post.key.workflow_id})
            reason = f"{type(error).__name__}: {error}"
            if run is None:
                refusal = ServerSideError(f"workflow {post.key.workflow_id!r} cannot start: {reason}")
                return Turned(post, None, refusal)
            run.park(reason)
            return Turned(post, run, parked_error(post.key, run.record.run_id, reason))

    def _answer_by_closed(self, post: Post, now: datetime) -> None:
        """Have a client's event answered by a run that closed before the latest one opened; a reading step."""
        assert post.run_id is not None
        try:
            row = self._store.find(post.key, post.run_id)
            loaded = None if row is None else self._store.load(row)
            if loaded is None:
                raise no_run(post)
            sheet = self._sheet(post.key, Live.of(loaded))
            run = sheet.latest
            if run is not None and run.record.closed is None:
                # It was opened meanwhile: then it is the latest, and this is a turn like any other.
                self._again(post)
                return
            taken = post.take(sheet, run, now)
        except WorkflowNotExistsError as error:
            guarded(post.refused, error)
        except Exception as error:
            _LOGGER.exception("a closed run cannot answer", extra={"workflow_id": post.key.workflow_id})
            guarded(post.refused, EngineUnreadyError(f"run {post.run_id} cannot be read: {error}"))
        else:
            guarded(post.told, taken, run)


def no_run(post: Post) -> WorkflowNotExistsError:
    """Say that there is no run for a post."""
    return WorkflowNotExistsError(workflow_id=post.key.workflow_id, run_id=post.run_id or "")


def parked_error(key: WorkflowKey, run_id: str, reason: str) -> ExecutionParkedError:
    """Say that a run is held apart."""
    return ExecutionParkedError(workflow_id=key.workflow_id, run_id=run_id, reason=reason)


def guarded(call: Callable[..., None], *arguments: object) -> None:
    """Make a call that must not keep the others from theirs."""
    try:
        call(*arguments)
    except BaseException:
        _LOGGER.exception("what came after a commit failed")
