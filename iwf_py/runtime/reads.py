"""Reading runs as they were last committed, without a turn: from memory, or by a reading step.

What is read past a run's deadline is decided by the deadline: its turn is taken first.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TypeVar

from iwf_py.codec.bookmarks import bookmark_of, token_of
from iwf_py.codec.queries import parse_query
from iwf_py.core.effects import Answer
from iwf_py.core.events import DEADLINE, RUN_TIMERS, TimerFired
from iwf_py.core.paging import page_size
from iwf_py.errors import EngineUnreadyError, StoreError, WorkflowNotExistsError
from iwf_py.model.history import HistoryEntry
from iwf_py.model.ids import WorkflowKey
from iwf_py.model.requests import CountRequest, RunAddress, SearchPage, SearchRequest
from iwf_py.ports import Clock, Executor
from iwf_py.runtime.cache import Cache, Live
from iwf_py.runtime.posts import EventPost, Post
from iwf_py.store.unit import Store

T = TypeVar("T")

Failed = Callable[[Exception], None]


class Reads:
    """
    Finds runs for readers.

    Args:
        post: Where turns are asked for.
    """

    def __init__(
        self, store: Store, *, clock: Clock, executor: Executor, cache: Cache, post: Callable[[Post], None]
    ) -> None:
        self._store = store
        self._clock = clock
        self._executor = executor
        self._cache = cache
        self._post = post

    def run(self, address: RunAddress, then: Callable[[Live], None], failed: Failed) -> None:
        """Find a run and call *then* with it, here and now where it is in memory; or *failed*."""
        live = self.held(address)
        if live is not None:
            self._decide(address, live, then, failed)
        else:
            self._executor.submit(lambda: self._load(address, then, failed))

    def held(self, address: RunAddress) -> Live | None:
        """Find a run in memory."""
        live = self._cache.get(key_of(address))
        if live is None or (address.run_id and address.run_id != live.record.run_id):
            return None
        return live

    def now(self) -> datetime:
        """Tell the time of what is read."""
        return self._clock.now()

    def is_current(self, live: Live) -> bool:
        """Is this, still, what memory has of an open run?"""
        return live.record.closed is None and self._cache.get(live.record.key) is live

    def history(
        self,
        address: RunAddress,
        after: int,
        limit: int,
        then: Callable[[tuple[HistoryEntry, ...]], None],
        failed: Failed,
    ) -> None:
        """Read history entries of a run."""
        self.look(lambda: self._store.history(self.row(address), after, limit), then, failed)

    def look(self, look: Callable[[], T], then: Callable[[T], None], failed: Failed) -> None:
        """Look something up in a reading step."""

        def step() -> None:
            try:
                found = look()
            except Exception as error:  # noqa: BLE001
                failed(told(error))
                return
            then(found)

        self._executor.submit(step)

    def search(self, request: SearchRequest) -> SearchPage:
        """Find one page of runs, here and now."""
        query, after = parse_query(request.query), bookmark_of(request)
        size = page_size(request.page_size)
        runs, bookmark = self._store.search(request.namespace, query, size, after, self._clock.now())
        return SearchPage(executions=runs, next_page_token=token_of(bookmark, request))

    def count(self, request: CountRequest) -> int:
        """Count runs, here and now."""
        return self._store.count(request.namespace, parse_query(request.query), self._clock.now())

    def row(self, address: RunAddress) -> int:
        """
        Ask the store for the row of a run; a reading step.

        Errors:
            WorkflowNotExistsError: There is none.
        """
        key = key_of(address)
        row = self._store.find(key, address.run_id) if address.run_id else self._store.latest((key,)).get(key)
        if row is None:
            raise WorkflowNotExistsError(workflow_id=address.workflow_id, run_id=address.run_id or "")
        return row

    def _load(self, address: RunAddress, then: Callable[[Live], None], failed: Failed) -> None:
        try:
            loaded = self._store.load(self.row(address))
            if loaded is None:
                raise WorkflowNotExistsError(workflow_id=address.workflow_id, run_id=address.run_id or "")
        except Exception as error:  # noqa: BLE001
            failed(told(error))
            return
        self._decide(address, Live.of(loaded), then, failed)

    def _decide(self, address: RunAddress, live: Live, then: Callable[[Live], None], failed: Failed) -> None:
        record = live.record
        if record.closed is None and record.deadline is not None and live.parked is None:
            deadline = record.deadline
            if deadline <= self._clock.now():

                def again(_: Answer) -> None:
                    self.run(
                        RunAddress(workflow_id=address.workflow_id, run_id=record.run_id, namespace=address.namespace),
                        then,
                        failed,
                    )

                self._post(EventPost(record.key, record.run_id, _deadline_passed, again, failed))
                return
        try:
            then(live)
        except Exception as error:  # noqa: BLE001
            failed(error)


def key_of(address: RunAddress) -> WorkflowKey:
    """Name what all runs of the address's id share."""
    return WorkflowKey(address.namespace, address.workflow_id)


def _deadline_passed(at: datetime) -> TimerFired:
    return TimerFired(at=at, number=RUN_TIMERS, index=DEADLINE)


def told(error: Exception) -> Exception:
    """Tell a reader why there is no answer."""
    return EngineUnreadyError(f"the store cannot be read: {error}") if isinstance(error, StoreError) else error
