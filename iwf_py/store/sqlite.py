"""SQLite: where a file is, how its connections are set, what its errors mean.

Every setting is read back and refused where it did not take: a database that is not as safe as it
seems is worse than none. One connection alone writes and checkpoints, which is fast, and keeps clear
of the race between checkpoints that SQLite had before 3.51.3.

Source:
    https://sqlite.org/pragma.html, https://sqlite.org/wal.html, https://sqlite.org/howtocorrupt.html.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import sqlite3
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Table
from sqlalchemy.dialects import sqlite
from sqlalchemy.engine import URL, Dialect

from iwf_py.errors import StoreError, StoreInUseError, StoreUnusableError
from iwf_py.store.driver import Connection, Cursor
from iwf_py.store.ownership import OwnerLock, refuse_network_file_system

_WRITER_CACHE_KIB = 64 * 1024
_READER_CACHE_KIB = 8 * 1024
_CHECKPOINT_PAGES = 4_000
_WAL_LIMIT_BYTES = 64 * 1024 * 1024

# What is set, and what must be read back.
_COMMON: tuple[tuple[str, str, object], ...] = (
    ("trusted_schema", "OFF", 0),
    ("foreign_keys", "ON", 1),
    ("temp_store", "MEMORY", 2),
)
_FILE: tuple[tuple[str, str, object], ...] = (
    ("journal_mode", "WAL", "wal"),
    ("synchronous", "FULL", 2),
    ("cell_size_check", "ON", 1),
    ("cache_size", f"-{_WRITER_CACHE_KIB}", -_WRITER_CACHE_KIB),
    ("wal_autocheckpoint", str(_CHECKPOINT_PAGES), _CHECKPOINT_PAGES),
    ("journal_size_limit", str(_WAL_LIMIT_BYTES), _WAL_LIMIT_BYTES),
    # macOS: fsync alone leaves data in the drive's cache.
    *((("fullfsync", "ON", 1), ("checkpoint_fullfsync", "ON", 1)) if sys.platform == "darwin" else ()),
)
_READER: tuple[tuple[str, str, object], ...] = (
    ("cache_size", f"-{_READER_CACHE_KIB}", -_READER_CACHE_KIB),
    ("wal_autocheckpoint", "0", 0),
    ("query_only", "ON", 1),
)

# After these a connection, or the file under it, is not what it was.
_FATAL = frozenset(
    {
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_CORRUPT,
        sqlite3.SQLITE_NOTADB,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_PROTOCOL,
        sqlite3.SQLITE_NOMEM,
        sqlite3.SQLITE_MISUSE,
    }
)

_WAYS_OUT = {
    sqlite3.SQLITE_FULL: "the disk is full; free some space, the engine goes on by itself",
    sqlite3.SQLITE_READONLY: "it cannot be written; give this process write permission for the file and its directory",
    sqlite3.SQLITE_IOERR: "the disk failed; see to the disk, the engine goes on by itself once it works",
    sqlite3.SQLITE_CANTOPEN: "it cannot be opened; check the path, its permissions and the limit on open files",
    sqlite3.SQLITE_NOTADB: "it is not a SQLite database; name another file",
    sqlite3.SQLITE_CORRUPT: "it is damaged; stop the engine and restore a backup",
    sqlite3.SQLITE_PROTOCOL: "its locks do not work; keep the database on a local disk",
    sqlite3.SQLITE_NOMEM: "there is no memory left",
}


class SqliteDriver:
    """
    A SQLite file, or with None as path a database in memory that lives as long as its one connection.

    Args:
        path: The file; its directory must exist, the file need not.

        patience: Seconds that a lock of another program is waited for.
    """

    begin = "BEGIN IMMEDIATE"

    def __init__(self, path: Path | None, *, patience: float = 10) -> None:
        self._patience = patience
        self._path = None if path is None else Path(os.path.realpath(path))
        self._lock = None if self._path is None else OwnerLock(self._path)
        self._file: os.stat_result | None = None
        self._memory: sqlite3.Connection | None = None
        self._connections: list[sqlite3.Connection] = []
        self.dialect: Dialect = sqlite.dialect(paramstyle="qmark")

    @classmethod
    def of_url(cls, url: URL) -> SqliteDriver:
        """
        Read where a ``sqlite:`` URL leads.

        Errors:
            StoreUnusableError: It carries what this store has no use for.
        """
        if url.query or url.host or url.username or url.password:
            raise StoreUnusableError(
                f"a SQLite URL has a path and nothing else, got {url}; write sqlite:///file.db or sqlite:////dir/file.db"
            )
        if url.database in (None, "", ":memory:"):
            return cls(None)
        assert url.database is not None
        if url.database.startswith("file:") or "\0" in url.database:
            raise StoreUnusableError(f"{url.database!r} is no path; write sqlite:///file.db or sqlite:////dir/file.db")
        return cls(Path(url.database))

    @property
    def place(self) -> str:
        """Where it is, for sentences."""
        return "in memory" if self._path is None else str(self._path)

    def upsert(self, table: Table) -> Any:
        """Make an INSERT whose conflict with the primary key updates all other columns."""
        clause = sqlite.insert(table)
        others = {column.name: clause.excluded[column.name] for column in table.columns if not column.primary_key}
        return clause.on_conflict_do_update(index_elements=list(table.primary_key.columns), set_=others)

    def acquire(self, now: datetime) -> None:
        """Take the lock beside the file, and make an empty file where there is none."""
        if self._path is None or self._lock is None:
            return
        try:
            self._check_place(self._path)
            self._lock.acquire(now)
            self._create()
            self._file = self._path.stat()
        except OSError as error:
            self.release()
            raise StoreUnusableError(
                f"database {self._path} cannot be reached or created: {error.strerror}; "
                "check the permissions of its directories"
            ) from error

    def release(self) -> None:
        """Give up the lock."""
        if self._lock is not None:
            self._lock.release()
        self._file = None

    def abandon(self) -> None:
        """In a fork: leak the connections, since even closing one would touch the parent's locks; let go of the lock's copy."""
        for connection in self._connections:
            # One reference that nobody gives back: the connection is never deallocated, and so never closed.
            ctypes.pythonapi.Py_IncRef(ctypes.py_object(connection))
        self._connections.clear()
        self._memory = None
        if self._lock is not None:
            self._lock.abandon()

    def connect_writer(self) -> Connection:
        """Open the connection that writes; in memory it is always the same."""
        if self._path is None:
            if self._memory is None:
                self._memory = self._connect(":memory:", _COMMON)
            return self._memory
        self.check()
        return self._connect(self._uri(), _COMMON + _FILE)

    def connect_reader(self) -> Connection | None:
        """Open a connection that only reads."""
        if self._path is None:
            return None
        self.check()
        return self._connect(self._uri(), _COMMON + _READER)

    def table_names(self, cursor: Cursor) -> set[str]:
        """Tell which tables there are."""
        cursor.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'")
        return {name for (name,) in cursor.fetchall()}

    def check(self) -> None:
        """Look whether the path still leads to the file that was opened."""
        if self._path is None or self._file is None:
            return
        try:
            is_same = os.path.samestat(self._path.stat(), self._file)
        except OSError:
            is_same = False
        if not is_same:
            raise StoreUnusableError(
                f"database {self._path} was deleted or replaced while it was open; "
                "nothing more is written: put the file back, or stop this engine"
            )

    def close(self, connection: Connection) -> None:
        """Close a connection."""
        assert isinstance(connection, sqlite3.Connection)
        with contextlib.suppress(ValueError):
            self._connections.remove(connection)
        if connection is self._memory:
            self._memory = None
        # Not left to close: that does nothing while somebody still holds a statement of it.
        with contextlib.suppress(sqlite3.Error):
            if connection.in_transaction:
                connection.rollback()
        connection.close()

    def discard(self, connection: Connection) -> None:
        """End a write connection after an error; the one in memory is rolled back and kept, for it is the database."""
        if connection is self._memory and self._memory is not None:
            if self._memory.in_transaction:
                self._memory.rollback()
            return
        # It may fail to close as it failed to write; its file descriptors are gone all the same.
        with contextlib.suppress(sqlite3.Error):
            self.close(connection)

    def explain(self, error: BaseException, doing: str) -> StoreError:
        """Put an error into words."""
        code = _primary_code(error)
        if code in _WAYS_OUT:
            return StoreUnusableError(f"{doing} database {self.place} failed: {error}: {_WAYS_OUT[code]}")
        if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            return StoreInUseError(
                f"{doing} database {self.place} failed: another program has held its lock for "
                f"{self._patience:g} s; end that program's transaction, then try again"
            )
        return StoreError(f"{doing} database {self.place} failed: {type(error).__name__}: {error}")

    def is_fatal(self, error: BaseException) -> bool:
        """Is the connection not to be trusted after this error?"""
        return not isinstance(error, Exception) or _primary_code(error) in _FATAL

    def _check_place(self, path: Path) -> None:
        directory = path.parent
        if not directory.is_dir():
            raise StoreUnusableError(f"database {path} cannot be: there is no directory {directory}; create it first")
        if path.exists() and not path.is_file():
            raise StoreUnusableError(f"{path} is not a file; name the database file itself")
        refuse_network_file_system(directory)

    def _uri(self) -> str:
        assert self._path is not None
        return f"{self._path.as_uri()}?mode=rw"

    def _connect(self, database: str, settings: tuple[tuple[str, str, object], ...]) -> sqlite3.Connection:
        connection = sqlite3.connect(
            database, uri=True, isolation_level=None, check_same_thread=False, cached_statements=512
        )
        # First of all: no lock is waited for before the timeout stands.
        milliseconds = round(self._patience * 1000)
        try:
            for name, value, expected in (("busy_timeout", str(milliseconds), milliseconds), *settings):
                connection.execute(f"PRAGMA {name} = {value}")
                row = connection.execute(f"PRAGMA {name}").fetchone()
                found = None if row is None else row[0]
                if found != expected:
                    raise StoreUnusableError(
                        f"database {self.place} does not take the setting {name} = {value} (it is {found!r}), "
                        "without which what is written is not safe; use another SQLite or another file system"
                    )
        except BaseException:
            connection.close()
            raise
        self._connections.append(connection)
        return connection

    def _create(self) -> None:
        """Make the file, for its owner's eyes only, and its place in the directory durable."""
        assert self._path is not None
        try:
            # Never open a file that SQLite may have open: closing it would drop SQLite's locks.
            descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            return
        os.close(descriptor)
        if hasattr(os, "O_DIRECTORY"):
            directory = os.open(self._path.parent, os.O_RDONLY | os.O_DIRECTORY)
            try:
                os.fsync(directory)
            finally:
                os.close(directory)


def _primary_code(error: BaseException) -> int | None:
    """Return SQLite's error code without its details; None when the error is not SQLite's."""
    code = getattr(error, "sqlite_errorcode", None)
    return None if code is None else code & 0xFF
