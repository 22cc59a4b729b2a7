"""A SQLite whose statements can be made to fail."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from iwf_py.store.driver import Connection
from iwf_py.store.sqlite import SqliteDriver

Hook = Callable[[str, str], None]


class FaultyDriver(SqliteDriver):
    """
    Calls a hook before and after each statement of the connection that writes.

    Attributes:
        hook: Called with "before" or "after", and the statement; what it raises is raised in the statement's place.

        raw: The connection itself, for settings that make it fail.
    """

    def __init__(self, path: Path | None, **options: Any) -> None:
        super().__init__(path, **options)
        self.hook: Hook | None = None
        self.connected = 0

    def connect_writer(self) -> Connection:
        self.connected += 1
        self.raw: Any = super().connect_writer()
        return FaultyConnection(self, self.raw)

    def close(self, connection: Connection) -> None:
        super().close(connection.raw if isinstance(connection, FaultyConnection) else connection)

    def discard(self, connection: Connection) -> None:
        super().discard(connection.raw if isinstance(connection, FaultyConnection) else connection)


class FaultyConnection:
    def __init__(self, driver: FaultyDriver, raw: Any) -> None:
        self.driver = driver
        self.raw = raw

    def cursor(self) -> FaultyCursor:
        return FaultyCursor(self.driver, self.raw.cursor())

    def close(self) -> None:
        self.raw.close()


class FaultyCursor:
    def __init__(self, driver: FaultyDriver, cursor: sqlite3.Cursor) -> None:
        self.driver = driver
        self.cursor = cursor

    @property
    def rowcount(self) -> int:
        return self.cursor.rowcount

    def execute(self, sql: str, parameters: Sequence[Any] = ()) -> None:
        self._with_hook(sql, lambda: self.cursor.execute(sql, parameters))

    def executemany(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        self._with_hook(sql, lambda: self.cursor.executemany(sql, rows))

    def fetchone(self) -> Any:
        return self.cursor.fetchone()

    def fetchall(self) -> list[Any]:
        return self.cursor.fetchall()

    def close(self) -> None:
        self.cursor.close()

    def _with_hook(self, sql: str, work: Callable[[], Any]) -> None:
        if self.driver.hook:
            self.driver.hook("before", sql)
        work()
        if self.driver.hook:
            self.driver.hook("after", sql)


class FailAt:
    """A hook that raises once, at the n-th moment (two for each statement), and counts them."""

    def __init__(self, moment: int, error: Callable[[], BaseException]) -> None:
        self.moment = moment
        self.error = error
        self.count = 0
        self.hit: tuple[str, str] | None = None

    def __call__(self, when: str, sql: str) -> None:
        if self.count == self.moment:
            self.hit = when, sql
        self.count += 1
        if self.hit is not None and self.count == self.moment + 1:
            raise self.error()


def sqlite_error(code: int, text: str = "injected") -> sqlite3.OperationalError:
    error = sqlite3.OperationalError(text)
    error.sqlite_errorcode = code
    return error
