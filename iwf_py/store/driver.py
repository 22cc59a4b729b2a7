"""What the store asks of a database driver: the one place where SQL dialects differ.

`database.SqlStore` and the rooms beside it speak to these Protocols alone. `sqlite.SqliteDriver` is
one; another database is a module beside it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Protocol

from sqlalchemy import Table
from sqlalchemy.engine import Dialect

from iwf_py.errors import StoreError

# A row as the driver takes and gives it.
Tuple = Sequence[Any]


class Cursor(Protocol):
    """What is used of a DB-API cursor."""

    @property
    def rowcount(self) -> int:
        """How many rows the last statement touched; of `executemany`: all together."""

    def execute(self, sql: str, parameters: Tuple = (), /) -> Any:
        """Run a statement."""

    def executemany(self, sql: str, rows: Iterable[Tuple], /) -> Any:
        """Run a statement that answers nothing once for each row."""

    def fetchone(self) -> Any:
        """Read the next row, or None."""

    def fetchall(self) -> list[Any]:
        """Read the rows that are left."""

    def close(self) -> None:
        """Let go of the last statement."""


class Connection(Protocol):
    """What is used of a DB-API connection. Transactions are begun and ended by statements."""

    def cursor(self) -> Cursor:
        """Open a cursor."""

    def close(self) -> None:
        """End whatever is open, and the connection."""


class Driver(Protocol):
    """
    A database at one place.

    Errors of a connection are the driver's own; `explain` puts them into words.
    """

    @property
    def dialect(self) -> Dialect:
        """How SQLAlchemy's statements are written for it; the parameters are positional."""

    @property
    def place(self) -> str:
        """Where it is, for sentences."""

    @property
    def begin(self) -> str:
        """The statement that opens a transaction that will write."""

    def upsert(self, table: Table) -> Any:
        """Make an INSERT whose conflict with the primary key updates all other columns."""

    def acquire(self, now: datetime) -> None:
        """
        Take ownership of the place, and make it exist.

        Errors:
            StoreInUseError, StoreUnusableError: with the sentence for the user.
        """

    def release(self) -> None:
        """Give up ownership, after all connections are closed; safe to call twice."""

    def abandon(self) -> None:
        """In a fork of the owner: forget what is the parent's without ending it."""

    def connect_writer(self) -> Connection:
        """Open the connection that writes, its settings verified."""

    def connect_reader(self) -> Connection | None:
        """Open a connection that only reads, its settings verified; None: reads share the writer's."""

    def table_names(self, cursor: Cursor) -> set[str]:
        """Tell which tables there are."""

    def check(self) -> None:
        """Raise StoreUnusableError when the place is no longer what was acquired."""

    def close(self, connection: Connection) -> None:
        """Close a connection."""

    def discard(self, connection: Connection) -> None:
        """End a write connection after an error, and with it whatever it had open."""

    def explain(self, error: BaseException, doing: str) -> StoreError:
        """Put a driver's error into words: what was being done, where, and the way out."""

    def is_fatal(self, error: BaseException) -> bool:
        """Is the connection not to be trusted after this error?"""
