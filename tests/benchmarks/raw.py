"""What the machine itself can do: the limits that every figure is read beside, taken in the same run."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path
from time import perf_counter


def syncs_per_second(directory: Path, seconds: float = 1.0) -> float:
    """Append 4 KB and have it on the disk, one after the other."""
    block = b"x" * 4096
    descriptor = os.open(directory / "raw.log", os.O_CREAT | os.O_WRONLY | os.O_APPEND)
    try:
        count, begun = 0, perf_counter()
        while perf_counter() - begun < seconds:
            os.write(descriptor, block)
            os.fdatasync(descriptor)
            count += 1
        return count / (perf_counter() - begun)
    finally:
        os.close(descriptor)
        (directory / "raw.log").unlink()


def commits_per_second(directory: Path, seconds: float = 1.0) -> float:
    """Commit one small row, one transaction after the other: SQLite with WAL and synchronous=FULL, the raw driver."""
    connection = sqlite3.connect(directory / "raw.db", isolation_level=None)
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("CREATE TABLE rows (id INTEGER PRIMARY KEY, value TEXT)")
        count, begun = 0, perf_counter()
        while perf_counter() - begun < seconds:
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("INSERT INTO rows (value) VALUES ('x')")
            connection.execute("COMMIT")
            count += 1
        return count / (perf_counter() - begun)
    finally:
        connection.close()


def limits(directory: Path) -> dict[str, float]:
    """Tell the limits of the disk that *directory* is on."""
    return {
        "disk_syncs_per_second": round(syncs_per_second(directory)),
        "sqlite_commits_per_second": round(commits_per_second(directory)),
    }
