"""One connection that writes, a few that read, and what becomes of them after an error.

A transaction is never left open: an error before COMMIT rolls back, an error at COMMIT ends the
connection and is answered with `CommitUnknownError`. A connection that is not to be trusted is
closed, and the next call opens another: so the store recovers by itself once the cause is healed.
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable, Iterator
from queue import Empty, LifoQueue
from typing import TypeVar

from iwf_py.errors import CommitUnknownError, EngineStoppedError, IwfError
from iwf_py.store.driver import Connection, Cursor, Driver

T = TypeVar("T")


class Connections:
    """
    The connections of one store, from its opening to its end.

    Args:
        readers: How many read connections there may be at once; whoever comes later waits for one.
    """

    def __init__(self, driver: Driver, readers: int) -> None:
        self._driver = driver
        self._pid = os.getpid()
        self._lock = threading.Lock()
        self._writer: Connection | None = None
        self._idle: LifoQueue[tuple[int, Connection]] = LifoQueue()
        self._places = threading.BoundedSemaphore(readers)
        # Read connections of an older generation are not trusted any more.
        self._generation = 0
        self._closed = threading.Event()

    def write(self, doing: str, work: Callable[[Cursor], T]) -> T:
        """
        Do *work* in one transaction.

        Args:
            doing: For the sentence, should it fail: "writing to".

        Errors:
            StoreError: Nothing was written.

            CommitUnknownError: COMMIT answered with an error.
        """
        self._check_usable()
        with self._lock:
            self._check_usable()
            cursor: Cursor | None = None
            is_committing = False
            try:
                cursor = self._begin()
                answer = work(cursor)
                is_committing = True
                cursor.execute("COMMIT")
                return answer
            except BaseException as error:
                if is_committing:
                    self._end_writer(cursor)
                    if isinstance(error, Exception):
                        cause = self._driver.explain(error, doing)
                        raise CommitUnknownError(
                            f"{cause}; COMMIT had begun, so the store looks what stands before it goes on"
                        ) from error
                else:
                    self._undo(cursor, error)
                self._put_in_words(error, doing)
                raise

    def look_anew(self, doing: str, work: Callable[[Cursor], T]) -> T:
        """
        End the write connection, and with it whatever it had open; then look at what stands.

        The new transaction may write, though it does not: it begins only when no other is open, so the old one is over.
        """
        self._check_usable()
        with self._lock:
            self._check_usable()
            cursor: Cursor | None = None
            self._end_writer(cursor)
            try:
                cursor = self._begin()
                answer = work(cursor)
                cursor.execute("ROLLBACK")
                return answer
            except BaseException as error:
                self._end_writer(cursor)
                self._put_in_words(error, doing)
                raise

    @contextlib.contextmanager
    def read(self, doing: str = "reading") -> Iterator[Cursor]:
        """
        Lend a cursor in a read transaction: all that it reads is of one moment, and committed.

        Errors:
            StoreError: The database cannot be read.
        """
        self._check_usable()
        with self._places:
            try:
                lent = self._borrow()
            except Exception as error:
                self._put_in_words(error, doing)
                raise
            if lent is None:
                with self._shared(doing) as cursor:
                    yield cursor
                return
            generation, connection = lent
            cursor = connection.cursor()
            try:
                cursor.execute("BEGIN")
                yield cursor
                cursor.execute("COMMIT")
            except BaseException as error:
                cursor.close()
                self._driver.close(connection)
                self._put_in_words(error, doing)
                raise
            self._give_back(generation, connection)

    def prepare(self, work: Callable[[Connection], None]) -> None:
        """Do *work*, which has transactions of its own, on the connection that writes."""
        with self._lock:
            self._writer = self._driver.connect_writer()
            try:
                work(self._writer)
            except BaseException as error:
                self._end_writer()
                self._put_in_words(error, "preparing")
                raise

    def close(self) -> None:
        """Close all connections; one that is lent is closed when it comes back. In a fork they are the parent's."""
        if os.getpid() != self._pid:
            return
        with self._lock:
            self._closed.set()
            self._close_idle()
            # The writer goes last: only it checkpoints, and the last connection folds the log into the file.
            if self._writer is not None:
                writer, self._writer = self._writer, None
                self._driver.close(writer)

    def _check_usable(self) -> None:
        if os.getpid() != self._pid:
            raise EngineStoppedError(
                f"database {self._driver.place} was opened by process {self._pid}, of which this one is a fork; "
                "open an engine after the fork"
            )
        if self._closed.is_set():
            raise EngineStoppedError(f"database {self._driver.place} is closed")

    def _begin(self) -> Cursor:
        self._driver.check()
        if self._writer is None:
            self._writer = self._driver.connect_writer()
        cursor = self._writer.cursor()
        cursor.execute(self._driver.begin)
        return cursor

    def _undo(self, cursor: Cursor | None, error: BaseException) -> None:
        if cursor is not None and not self._driver.is_fatal(error):
            try:
                cursor.execute("ROLLBACK")
                return
            except Exception:  # noqa: BLE001, S110  # whatever it is, the connection goes
                pass
        self._end_writer(cursor)

    def _end_writer(self, cursor: Cursor | None = None) -> None:
        if cursor is not None:
            # While a cursor holds a statement, closing its connection does not end the transaction.
            cursor.close()
        if self._writer is not None:
            writer, self._writer = self._writer, None
            self._driver.discard(writer)
            self._generation += 1
            self._close_idle()

    def _put_in_words(self, error: BaseException, doing: str) -> None:
        """Raise a driver's error in words; any other is its caller's to raise again as it is."""
        if isinstance(error, Exception) and not isinstance(error, IwfError):
            raise self._driver.explain(error, doing) from error

    def _borrow(self) -> tuple[int, Connection] | None:
        while True:
            try:
                generation, connection = self._idle.get_nowait()
            except Empty:
                generation = self._generation
                opened = self._driver.connect_reader()
                return None if opened is None else (generation, opened)
            if generation == self._generation:
                return generation, connection
            self._driver.close(connection)

    def _give_back(self, generation: int, connection: Connection) -> None:
        if generation != self._generation or self._closed.is_set():
            self._driver.close(connection)
            return
        self._idle.put((generation, connection))
        # Closed in between: then nobody else empties the queue.
        if self._closed.is_set():
            self._close_idle()

    def _close_idle(self) -> None:
        with contextlib.suppress(Empty):
            while True:
                self._driver.close(self._idle.get_nowait()[1])

    @contextlib.contextmanager
    def _shared(self, doing: str) -> Iterator[Cursor]:
        """Lend a cursor of the connection that writes, between two writes."""
        with self._lock:
            self._check_usable()
            try:
                if self._writer is None:
                    self._writer = self._driver.connect_writer()
                yield self._writer.cursor()
            except Exception as error:
                self._put_in_words(error, doing)
                raise
