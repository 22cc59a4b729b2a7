"""The schema: how it comes to be, whatever interrupts it, and what is refused."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from sqlalchemy.schema import CreateIndex, CreateTable

from iwf_py.errors import StoreUnusableError, StoreVersionError
from iwf_py.store.database import SqlStore
from iwf_py.store.migrations import MIGRATIONS, Migration, check_version, migrate
from iwf_py.store.sqlite import SqliteDriver
from iwf_py.store.tables import Row
from tests.store.host import NOON


def schema_of(connection: sqlite3.Connection) -> dict[str, str]:
    rows = connection.execute("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL").fetchall()
    return {name: "".join(sql.split()) for name, sql in rows}


class Killed(BaseException):
    """The process ends here."""


class KilledAt:
    """A connection whose process is killed before its n-th statement."""

    def __init__(self, connection: sqlite3.Connection, left: int) -> None:
        self.connection = connection
        self.left = left

    def cursor(self) -> KilledAt:
        self._cursor = self.connection.cursor()
        return self

    def execute(self, sql: str, parameters: tuple[object, ...] = ()) -> object:
        self.left -= 1
        if self.left < 0:
            raise Killed
        return self._cursor.execute(sql, parameters)

    def fetchone(self) -> object:
        return self._cursor.fetchone()

    def fetchall(self) -> list[object]:
        return self._cursor.fetchall()


def test_the_migrations_make_the_tables_that_are_declared():
    """
    A database that went through all migrations has the tables of `tables`, and their indexes.
    """
    dialect = SqliteDriver(None).dialect
    declared = sqlite3.connect(":memory:")
    for table in Row.metadata.sorted_tables:
        declared.execute(str(CreateTable(table).compile(dialect=dialect)))
        for index in table.indexes:
            declared.execute(str(CreateIndex(index).compile(dialect=dialect)))
    migrated = sqlite3.connect(":memory:", isolation_level=None)

    migrate(migrated, SqliteDriver(None), NOON)

    assert schema_of(migrated) == schema_of(declared)
    declared.close()
    migrated.close()


def test_a_migration_that_was_killed_at_any_statement_is_completed_by_the_next(path: Path):
    """
    However far it came: what it had done is undone, and the next opening does it all.
    """
    driver = SqliteDriver(path)
    whole = sqlite3.connect(":memory:", isolation_level=None)
    migrate(whole, driver, NOON)
    count = 0
    while True:
        connection = sqlite3.connect(path, isolation_level=None)
        try:
            migrate(KilledAt(connection, count), driver, NOON)  # type: ignore[arg-type]
            is_done = True
        except Killed:
            is_done = False
        # What the kernel does for a process that ends.
        connection.close()
        if is_done:
            break
        count += 1

    found = sqlite3.connect(path)
    assert count > 20
    assert schema_of(found) == schema_of(whole)
    assert found.execute("SELECT version FROM iwf_schema").fetchall() == [
        (migration.version,) for migration in MIGRATIONS
    ]
    found.close()
    whole.close()


def test_migrating_twice_changes_nothing(path: Path):
    """
    A database that is up to date stays as it is, and what is in it stays.
    """
    for epoch in (1, 2, 3):
        store = SqlStore(f"sqlite:///{path}")
        store.open(NOON)
        assert store.epoch == epoch
        store.close()

    connection = sqlite3.connect(path)
    assert connection.execute("SELECT count(*) FROM iwf_schema").fetchone() == (len(MIGRATIONS),)
    connection.close()


def test_a_later_step_is_taken_on_what_is_there(path: Path):
    """
    Only the steps that are left are taken.
    """
    driver = SqliteDriver(path)
    connection = sqlite3.connect(path, isolation_level=None)
    migrate(connection, driver, NOON)
    later = (*MIGRATIONS, Migration(len(MIGRATIONS) + 1, {"sqlite": ("ALTER TABLE iwf_engines ADD COLUMN note TEXT",)}))

    migrate(connection, driver, NOON, later)
    migrate(connection, driver, NOON, later)

    assert check_version(connection.cursor(), driver, later) == len(later)
    connection.close()


def test_a_newer_schema_is_refused_and_left_as_it_is(path: Path):
    """
    A database that a newer version wrote is not touched; the sentence says what to install.
    """
    store = SqlStore(f"sqlite:///{path}")
    store.open(NOON)
    store.close()
    connection = sqlite3.connect(path)
    connection.execute("INSERT INTO iwf_schema VALUES (99, 0)")
    connection.commit()
    connection.close()
    before = path.read_bytes()

    with pytest.raises(StoreVersionError, match=r"version 99.*install"):
        store.open(NOON)

    assert path.read_bytes() == before


def test_somebody_elses_database_is_refused_and_left_as_it_is(path: Path):
    """
    A database with other tables is not ours: nothing is set or made in it.
    """
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE guests (name TEXT)")
    connection.commit()
    connection.close()
    before = path.read_bytes()

    with pytest.raises(StoreUnusableError, match="guests"):
        SqlStore(f"sqlite:///{path}").open(NOON)

    assert path.read_bytes() == before
    assert list(path.parent.glob("*-wal")) == []
