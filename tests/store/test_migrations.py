"""The schema: how it comes to be, whatever interrupts it, and what is refused."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from sqlalchemy.schema import CreateIndex, CreateTable

from iwf_py.core.events import AttemptsExhausted, ExecuteReturned
from iwf_py.errors import StoreUnusableError, StoreVersionError
from iwf_py.model.decisions import FORCE_COMPLETING, Movement
from iwf_py.model.ids import WorkflowKey
from iwf_py.model.invocations import Failure
from iwf_py.model.options import StateOptions
from iwf_py.model.status import Phase
from iwf_py.store.database import SqlStore
from iwf_py.store.instants import to_micros
from iwf_py.store.migrations import MIGRATIONS, Migration, check_version, migrate
from iwf_py.store.sqlite import SqliteDriver
from iwf_py.store.tables import Row
from tests.store.host import NOON, SKIP, Host, decides, sealed, to


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
            migrate(KilledAt(connection, count), driver, NOON)
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


def as_schema_1(path: Path, old: Path) -> None:
    """Write what is in a database as schema 1 had it: closed runs without ordinals, failures without a word."""
    connection = sqlite3.connect(old, isolation_level=None)
    migrate(connection, SqliteDriver(old), NOON, MIGRATIONS[:1])
    connection.execute("ATTACH DATABASE ? AS new", (str(path),))
    for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
        known = {row[1] for row in connection.execute(f"PRAGMA new.table_info({name})")}
        columns = ", ".join(row[1] for row in connection.execute(f"PRAGMA table_info({name})") if row[1] in known)
        if columns and name != "iwf_schema":
            connection.execute(f"INSERT INTO {name} ({columns}) SELECT {columns} FROM new.{name}")
    connection.execute(
        "DELETE FROM iwf_ordinals WHERE run IN (SELECT run FROM iwf_executions WHERE closed_at IS NOT NULL)"
    )
    connection.execute("DELETE FROM iwf_completions WHERE NOT has_output AND wait_for_key IS NULL")
    connection.close()


def test_runs_of_the_first_schema_go_on_with_all_that_is_known_of_them_since(path: Path):
    """
    What they opened, completed and failed is made of their histories; a history that does not fold keeps nobody out.
    """
    store = SqlStore(f"sqlite:///{path}")
    store.open(NOON)
    host = Host(store)
    recovering = StateOptions(skip_wait_until=True, failure_state_id="Rescue", failure_state_options=SKIP)
    boom = Failure(error_type="ValueError", message="boom", attempts=1)
    for workflow_id in ("open", "closed", "damaged"):
        host.start(workflow_id, to("A"))
        host.send_now(
            ExecuteReturned,
            workflow_id,
            number=1,
            result=decides(Movement("Keyed", None, recovering, "k"), to("B", recovering), to("C")),
        )
        for number in (2, 3):
            host.send_now(AttemptsExhausted, workflow_id, number=number, phase=Phase.EXECUTE, failure=boom)
        host.send_now(ExecuteReturned, workflow_id, number=4, result=decides(to("C")))
    for workflow_id in ("closed", "damaged"):
        host.send_now(
            ExecuteReturned, workflow_id, number=7, result=decides(Movement(FORCE_COMPLETING, sealed("done")))
        )
    host.commit()
    damaged = host.runs.pop(WorkflowKey("default", "damaged"))[0]
    store.close()
    old = path.with_name("old.db")
    as_schema_1(path, old)
    connection = sqlite3.connect(old)
    connection.execute("UPDATE iwf_history SET event = '{}' WHERE run = ? AND seq = 2", (damaged.row,))
    connection.commit()
    connection.close()

    host.store = SqlStore(f"sqlite:///{old}")
    host.store.open(NOON)

    host.check()
    assert list(host.latest("closed").record.failed) != []
    found = host.store.load(damaged.row)
    assert found is not None
    assert not len(found.record.ordinals)
    host.send_now(ExecuteReturned, "open", number=7, result=decides(to("C")))
    host.number = 0
    assert host.latest("open").record.ordinals["C"] == 3
    host.store.close()


def test_what_the_first_schema_held_is_found_by_searches(path: Path):
    """
    Rows that were written before there were searches get what searches go by: instants, texts told from lists, listed states.
    """
    driver = SqliteDriver(path)
    connection = sqlite3.connect(path, isolation_level=None)
    migrate(connection, driver, NOON, MIGRATIONS[:1])
    at = to_micros(NOON)
    modes = [
        "{}",
        '{"config":{"executing_state_id_mode":"DISABLED"}}',
        '{"config":{"executing_state_id_mode":"ENABLED_FOR_ALL"}}',
    ]
    for run, request in enumerate(modes, 1):
        closed_at = at if run == 3 else None
        connection.execute(
            "INSERT INTO iwf_executions (run, namespace, workflow_id, superseded, run_id, workflow_type, status, opened_at, "
            "first_run_id, run_attempt, rules, is_closing, closed_at, starts_at) "
            "VALUES (?, 'default', 'w', ?, ?, 'W', 'RUNNING', ?, 'r', 1, 1, 0, ?, ?)",
            (run, run, f"r{run}", at, closed_at, at + 60 if run == 1 else None),
        )
        connection.execute(
            "INSERT INTO iwf_history (run, seq, at, kind, event, format) VALUES (?, 1, ?, 'Started', ?, 1)",
            (run, at, f'{{"request":{request}}}'),
        )
        for number, options in enumerate((None, '{"skip_wait_until":true}'), 1):
            connection.execute(
                "INSERT INTO iwf_states (run, number, state_id, ordinal, has_input, options, phase, wait_until_succeeded) "
                "VALUES (?, ?, ?, 1, 0, ?, 'EXECUTE', 1)",
                (run, number, f"S{number}", options),
            )
    for key, kind, value in (("since", "DATETIME", "5m"), ("about", "TEXT", "x"), ("tags", "KEYWORD_ARRAY", None)):
        connection.execute(
            'INSERT INTO iwf_search_attributes (run, "key", value_type, string, is_nan, revision) VALUES (1, ?, ?, ?, 0, 1)',
            (key, kind, value),
        )
    connection.execute("INSERT INTO iwf_search_words VALUES (1, 'about', 'x'), (1, 'tags', 'x')")

    migrate(connection, driver, NOON)

    def rows(sql: str) -> list[tuple[object, ...]]:
        return connection.execute(sql).fetchall()

    assert rows("SELECT instant FROM iwf_search_attributes WHERE instant IS NOT NULL") == [(at - 300_000_000,)]
    assert rows('SELECT "key", is_text FROM iwf_search_words ORDER BY 1') == [("about", 1), ("tags", 0)]
    assert rows("SELECT run, listed FROM iwf_states WHERE listed IS NOT NULL ORDER BY 1, 2") == [
        (1, "S1"),
        (3, "S1"),
        (3, "S2"),
    ]
    assert rows("SELECT run, closed_in, runs_from FROM iwf_executions") == [
        (1, None, at + 60),
        (2, None, None),
        (3, 0, None),
    ]
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
