"""The settings that durability stands on."""

from __future__ import annotations

import sqlite3
import threading
from pathlib import Path

import pytest

from iwf_py.errors import StoreUnusableError
from iwf_py.model.ids import WorkflowKey
from iwf_py.store.database import SqlStore
from iwf_py.store.sqlite import SqliteDriver
from tests.store.host import NOON, Host, to


def settings_of(connection: sqlite3.Connection, *names: str) -> dict[str, object]:
    return {name: connection.execute(f"PRAGMA {name}").fetchone()[0] for name in names}


@pytest.fixture
def driver(path: Path):
    driver = SqliteDriver(path)
    driver.acquire(NOON)
    yield driver
    driver.release()


def test_the_writer_is_safe_against_power_loss(driver: SqliteDriver):
    """
    The log is written ahead and synchronised at each commit; only the writer checkpoints.
    """
    connection = driver.connect_writer()

    found = settings_of(
        connection,
        *("journal_mode", "synchronous", "foreign_keys", "busy_timeout", "cache_size", "wal_autocheckpoint"),
        *("trusted_schema", "query_only", "mmap_size"),
    )
    driver.close(connection)

    assert found == {
        "journal_mode": "wal",
        "synchronous": 2,
        "foreign_keys": 1,
        "busy_timeout": 10_000,
        "cache_size": -65536,
        "wal_autocheckpoint": 4000,
        "trusted_schema": 0,
        "query_only": 0,
        "mmap_size": 0,
    }


def test_readers_cannot_write(driver: SqliteDriver):
    """
    A read connection refuses to write, and never checkpoints.
    """
    connection = driver.connect_reader()

    assert settings_of(connection, "query_only", "wal_autocheckpoint", "trusted_schema") == {
        "query_only": 1,
        "wal_autocheckpoint": 0,
        "trusted_schema": 0,
    }
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        connection.execute("CREATE TABLE t (n)")
    driver.close(connection)


class Stubborn(SqliteDriver):
    """One setting more, which no database that exists takes."""

    def _connect(self, database, settings):
        return super()._connect(database, (*settings, ("encoding", "'UTF-16'", "UTF-16")))


def test_a_setting_that_does_not_take_is_refused(file_host: Host, path: Path):
    """
    A database that cannot be made as safe as it must be is not opened at all.
    """
    file_host.start("w", None)
    file_host.commit()
    file_host.store.close()

    with pytest.raises(StoreUnusableError, match="does not take the setting encoding"):
        SqlStore("", driver=Stubborn(path)).open(NOON)

    file_host.store.open(NOON)


def test_many_threads_read_at_once_over_few_connections(file_host: Host):
    """
    Readers share a small pool; none fails, and all see what is committed.
    """
    file_host.start("w", to("A"))
    file_host.commit()
    row = file_host.latest().row
    found = []

    def read() -> None:
        for _ in range(20):
            assert file_host.store.latest([WorkflowKey("default", "w")])
            found.append(file_host.store.load(row))

    threads = [threading.Thread(target=read) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(found) == 320
    assert all(loaded.record == file_host.latest().record for loaded in found)
