"""The store over a SQL database: opening and owning it, the unit of work, and every reading.

`SqlStore` knows no dialect: what differs between databases is the `Driver`'s. Turns are written with
SQL that is compiled once and given to the driver with plain tuples.
"""

from __future__ import annotations

import logging
import os
import threading
import weakref
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TypeVar

from attrs import evolve
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from iwf_py.core.attempts import TaskState
from iwf_py.core.events import Event
from iwf_py.core.parts import restore
from iwf_py.errors import (
    CommitUnknownError,
    EngineStoppedError,
    IwfError,
    StoreError,
    StoreInUseError,
    StoreUnusableError,
)
from iwf_py.model.history import HistoryEntry
from iwf_py.model.ids import EPOCH, WorkflowKey
from iwf_py.model.queries import Bookmark, Query
from iwf_py.model.requests import FoundRun
from iwf_py.store.connections import Connections
from iwf_py.store.driver import Cursor, Driver
from iwf_py.store.executions import (
    ReadStatements,
    find_latest,
    find_run,
    list_open_kinds,
    list_rows,
    read_events,
    read_history,
    read_run,
)
from iwf_py.store.migrations import check_version, migrate
from iwf_py.store.ownership import this_program
from iwf_py.store.queries import QueryStatements, Search
from iwf_py.store.sqlite import SqliteDriver
from iwf_py.store.statements import Compiler, WriteStatements
from iwf_py.store.tasks import TaskStatements, read_due, read_next_due, read_open_rpcs, read_orphans
from iwf_py.store.unit import Batch, Due, DueTask, Loaded, OpenRpc
from iwf_py.store.upkeep import UpkeepStatements, begin_epoch, is_retired, park_run, sweep_some, take_block
from iwf_py.store.writing import Plan, plan

T = TypeVar("T")

_log = logging.getLogger(__name__)

_READERS = 4
# A block of run keys costs a commit of its own.
_BLOCK = 4096


class SqlStore:
    """
    The engine's database; implements `unit.Store`.

    Args:
        url: ``sqlite:///file.db``, ``sqlite:////directory/file.db``, or ``sqlite://`` for one in memory.

        readers: How many threads may read at once.

        driver: Instead of the one for *url*.

    Errors:
        StoreUnusableError: *url* names no database that this version supports.
    """

    def __init__(self, url: str, *, readers: int = _READERS, driver: Driver | None = None) -> None:
        self._driver = _driver(url) if driver is None else driver
        compiler = Compiler(self._driver)
        self._writes = WriteStatements(compiler)
        self._reads = ReadStatements(compiler)
        self._tasks = TaskStatements(compiler)
        self._upkeep = UpkeepStatements(compiler)
        self._queries = QueryStatements(self._driver)
        self._readers = readers
        self._lock = threading.Lock()
        self._connections: Connections | None = None
        self._epoch = 0
        self._opened_at = EPOCH
        self._keys = range(0)
        self._doubtful_batch: int | None = None
        self._claims = 0
        self._doubtful_claim: tuple[DueTask, ...] | None = None

    @property
    def epoch(self) -> int:
        """This engine's number; each opening gets a higher one."""
        return self._epoch

    @property
    def place(self) -> str:
        """Where the database is, for sentences."""
        return self._driver.place

    # Opening and closing.

    def open(self, now: datetime) -> None:
        """Take ownership, bring the schema up to date, and begin a new epoch."""
        if self._connections is not None:
            raise StoreError(f"database {self._driver.place} is open already")
        self._driver.acquire(now)
        connections = Connections(self._driver, self._readers)
        try:
            self._prepare(connections, now)
            self._epoch = connections.write(
                "opening", lambda cursor: begin_epoch(cursor, self._upkeep, this_program(), now)
            )
        except BaseException as error:
            connections.close()
            self._driver.release()
            if isinstance(error, Exception) and not isinstance(error, IwfError):
                raise self._driver.explain(error, "opening") from error
            raise
        self._opened_at = now
        self._keys = range(0)
        self._doubtful_batch = None
        self._claims = 0
        self._doubtful_claim = None
        self._connections = connections
        _open_stores.add(self)
        _log.info("store opened: %s, epoch %d", self._driver.place, self._epoch)

    def retire(self) -> None:
        """Note that this engine ends in order: no call that it leaves behind was what ended it."""
        self._write_again("ending", lambda cursor: cursor.execute(self._upkeep.retire, (True, self._epoch)))

    def close(self) -> None:
        """Give up ownership; safe to call twice. In a fork of the owner it does nothing."""
        _open_stores.discard(self)
        if self._connections is not None:
            connections, self._connections = self._connections, None
            connections.close()
            self._driver.release()
            _log.info("store closed: %s, epoch %d", self._driver.place, self._epoch)

    def abandon(self) -> None:
        """In a fork of the owner: leave the parent's database alone."""
        self._driver.abandon()

    def _prepare(self, connections: Connections, now: datetime) -> None:
        # A foreign file is looked at before anything is set in it.
        probe = self._driver.connect_reader()
        if probe is not None:
            try:
                check_version(probe.cursor(), self._driver)
            finally:
                self._driver.close(probe)
        connections.prepare(lambda connection: migrate(connection, self._driver, now))

    # Writing: one caller at a time.

    def reserve(self, count: int) -> range:
        """Give out run keys that nobody else gets."""
        with self._lock:
            if count > len(self._keys):
                size = max(count, _BLOCK)
                self._keys = self._write_again("reserving in", lambda cursor: take_block(cursor, self._upkeep, size))
            given, self._keys = self._keys[:count], self._keys[count:]
            return given

    def commit(self, batch: Batch) -> tuple[HistoryEntry, ...]:
        """Write a batch in one transaction, all or nothing; answers its history entries, where they are wanted."""
        if self._doubtful_batch is not None:
            raise StoreError(f"batch {self._doubtful_batch} is in doubt; settle it before the next is written")
        try:
            rows = plan(batch, self._writes, self._epoch)
            self._live().write("writing to", lambda cursor: self._carry_out(cursor, rows, batch.number))
        except CommitUnknownError:
            self._doubtful_batch = batch.number
            raise
        except IwfError:
            raise
        except Exception as error:
            raise StoreError(
                f"batch {batch.number} cannot be made into rows: {type(error).__name__}: {error}"
            ) from error
        except BaseException:
            # Interrupted, perhaps within COMMIT.
            self._doubtful_batch = batch.number
            raise
        return tuple(rows.entries)

    def settle(self, number: int) -> bool:
        """Tell whether the batch stands whose COMMIT answered with an error."""
        written = self._live().look_anew("settling in", lambda cursor: self._number(cursor, self._upkeep.batch_number))
        self._doubtful_batch = None
        return written == number

    def claim_orphans(self, limit: int) -> tuple[DueTask, ...]:
        """Take over calls of ended epochs, earliest due first: owner is this epoch; see `unit.Store`. Empty: none is left."""
        connections = self._live()
        if self._doubtful_claim is not None:
            written = connections.look_anew(
                "settling in", lambda cursor: self._number(cursor, self._upkeep.claim_number)
            )
            claimed, self._doubtful_claim = self._doubtful_claim, None
            if written == self._claims:
                return claimed
        self._claims += 1
        found: list[DueTask] = []
        try:
            connections.write("claiming in", lambda cursor: self._claim(cursor, limit, found))
        except (CommitUnknownError, KeyboardInterrupt, SystemExit):
            self._doubtful_claim = tuple(found)
            raise
        return tuple(found)

    def park(self, row: int, reason: str | None) -> None:
        """Hold a run apart, or with None no longer; its due times are not told while it is parked."""
        self._write_again("parking in", lambda cursor: park_run(cursor, self._upkeep, row, reason))

    def sweep(self, limit: int) -> int:
        """Delete about *limit* rows that closed runs have left behind, in one commit; answers how many, 0 when none is left."""
        return self._write_again("sweeping", lambda cursor: sweep_some(cursor, self._upkeep, limit))

    # Reading: from any thread.

    def latest(self, keys: Sequence[WorkflowKey]) -> dict[WorkflowKey, int]:
        """Find the row of the latest run of each id, in one query; ids without a run are left out."""
        with self._live().read() as cursor:
            return find_latest(cursor, self._reads, keys)

    def find(self, key: WorkflowKey, run_id: str) -> int | None:
        """Find the row of one run."""
        with self._live().read() as cursor:
            return find_run(cursor, self._reads, key, run_id)

    def rows(self, after: int, limit: int) -> tuple[int, ...]:
        """List the rows of all runs with ``row > after``, in order; for checks that look at everything."""
        with self._live().read() as cursor:
            return list_rows(cursor, self._reads, after, limit)

    def open_kinds(self) -> tuple[tuple[str, str, int], ...]:
        """
        Count the open state executions of each workflow type and state, sorted by name.

        It looks at all that is open, so it is for the start, and not for the hot path.
        """
        with self._live().read() as cursor:
            return list_open_kinds(cursor, self._reads)

    def load(self, row: int) -> Loaded | None:
        """Read a run."""
        with self._live().read() as cursor:
            found = read_run(cursor, self._reads, row)
        if found is None:
            return None
        parts, tasks, parked = found
        return Loaded(row=row, record=restore(parts), tasks=tasks, parked=parked)

    def due(self, until: datetime, limit: int, after: DueTask | None = None) -> Due:
        """Tell what is due at *until*, of runs that are open and not parked."""
        with self._live().read() as cursor:
            return read_due(cursor, self._tasks, self._epoch, until, limit, after)

    def next_due(self, after: datetime | None = None) -> datetime | None:
        """Tell the earliest instant at which anything is due, later than *after* where that is given."""
        with self._live().read() as cursor:
            return read_next_due(cursor, self._tasks, self._epoch, after)

    def open_rpcs(self, limit: int) -> tuple[OpenRpc, ...]:
        """Tell the locking RPCs that ended epochs left open."""
        with self._live().read() as cursor:
            return read_open_rpcs(cursor, self._tasks, self._epoch, limit)

    def history(self, row: int, after: int, limit: int) -> tuple[HistoryEntry, ...]:
        """Read history entries with ``seq > after``, in order."""
        with self._live().read() as cursor:
            return read_history(cursor, self._reads, row, after, limit)

    def events(self, row: int, after: int = 0, limit: int = 1000) -> tuple[tuple[int, Event], ...]:
        """Read the events themselves, for rewinding and audits."""
        with self._live().read() as cursor:
            return read_events(cursor, self._reads, row, after, limit)

    def search(
        self, namespace: str, query: Query, size: int, after: Bookmark | None, now: datetime
    ) -> tuple[tuple[FoundRun, ...], Bookmark | None]:
        """Find one page of runs, and where it ends: None there for the last; see `unit.Store`."""
        with self._live().read() as cursor:
            return Search(cursor, self._queries, namespace, now).page(query, size, after)

    def count(self, namespace: str, query: Query, now: datetime) -> int:
        """Count the runs that a query finds."""
        with self._live().read() as cursor:
            return Search(cursor, self._queries, namespace, now).count(query)

    # How it is done.

    def _live(self) -> Connections:
        if self._connections is None:
            raise EngineStoppedError(f"database {self._driver.place} is not open")
        return self._connections

    def _carry_out(self, cursor: Cursor, rows: Plan, number: int) -> None:
        for statement, tuples in rows.statements():
            cursor.executemany(statement.sql, tuples)
            if statement.is_exact and cursor.rowcount != statement.rows(tuples):
                raise StoreError(
                    f"batch {number} does not fit database {self._driver.place}: "
                    f"{cursor.rowcount} of {statement.rows(tuples)} rows "
                    f"were as the engine knew them ({statement.sql.split(' WHERE ')[0][:60]}); "
                    "a task has another owner, or the engine's memory is wrong"
                )
        cursor.execute(self._writes.number_batch, (number, self._epoch))
        self._check_newest(cursor)

    def _claim(self, cursor: Cursor, limit: int, found: list[DueTask]) -> None:
        orphans = read_orphans(cursor, self._tasks, self._epoch, limit)
        if not orphans:
            return
        ended = {epoch: not is_retired(cursor, self._upkeep, epoch) for epoch in {o.task.epoch for o in orphans}}
        claimed = [evolve(o, task=self._taken_over(o.task, may_have_ended_it=ended[o.task.epoch])) for o in orphans]
        rows = [
            (self._epoch, taken.task.recoveries, orphan.row, orphan.task.number, orphan.task.epoch)
            for orphan, taken in zip(orphans, claimed, strict=True)
        ]
        cursor.executemany(self._tasks.claim, rows)
        if cursor.rowcount != len(rows):
            raise StoreError(f"{cursor.rowcount} of {len(rows)} orphaned calls could be claimed")
        cursor.execute(self._writes.number_claims, (self._claims, self._epoch))
        self._check_newest(cursor)
        found += claimed

    def _taken_over(self, task: TaskState, *, may_have_ended_it: bool) -> TaskState:
        # A call that waited for its next attempt was not being made when its engine ended: it cannot be what ended it.
        was_waiting = task.due_at is not None and task.due_at > self._opened_at
        counts = may_have_ended_it and not was_waiting
        return evolve(task, epoch=self._epoch, recoveries=task.recoveries + (1 if counts else 0))

    def _check_newest(self, cursor: Cursor) -> None:
        if cursor.rowcount != 1:
            raise StoreInUseError(
                f"database {self._driver.place} was taken over by another engine (this one is epoch {self._epoch}); "
                "nothing was written: stop this engine, and never delete the lock file of one that runs"
            )

    def _number(self, cursor: Cursor, statement: str) -> int:
        cursor.execute(statement, (self._epoch,))
        row = cursor.fetchone()
        if row is None:
            raise StoreUnusableError(
                f"database {self._driver.place} knows nothing of this engine (epoch {self._epoch}): "
                "it was replaced while it was open; stop this engine"
            )
        return int(row[0])

    def _write_again(self, doing: str, work: Callable[[Cursor], T]) -> T:
        """Do what may be done twice: when its COMMIT answers with an error, it is simply done again."""
        try:
            return self._live().write(doing, work)
        except CommitUnknownError:
            pass
        try:
            return self._live().write(doing, work)
        except CommitUnknownError as error:
            raise StoreError(f"{error}; it may be done again") from error


def _driver(url: str) -> Driver:
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise StoreUnusableError(
            f"{url!r} is no database URL; write sqlite:///file.db, sqlite:////directory/file.db or sqlite://"
        ) from None
    if parsed.drivername not in ("sqlite", "sqlite+pysqlite"):
        raise StoreUnusableError(
            f"{parsed.render_as_string()} names a database that this version does not support; "
            "SQLite is supported (sqlite:///file.db), PostgreSQL comes with a later version"
        )
    return SqliteDriver.of_url(parsed)


_open_stores: weakref.WeakSet[SqlStore] = weakref.WeakSet()


def _abandon_all() -> None:
    for store in list(_open_stores):
        store.abandon()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_abandon_all)
