"""Shared by the tests of the store."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from iwf_py.store.database import SqlStore

pytest.register_assert_rewrite("tests.store.host")

from tests.store.host import NOON, Host  # noqa: E402  # its asserts are rewritten first


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "workflows.db"


@pytest.fixture(params=["file", "memory"])
def store(request: pytest.FixtureRequest, path: Path) -> Iterator[SqlStore]:
    """An open store: each test that uses it runs on a file and in memory."""
    opened = SqlStore("sqlite://" if request.param == "memory" else f"sqlite:///{path}")
    opened.open(NOON)
    yield opened
    opened.close()


@pytest.fixture
def file_store(path: Path) -> Iterator[SqlStore]:
    opened = SqlStore(f"sqlite:///{path}")
    opened.open(NOON)
    yield opened
    opened.close()


@pytest.fixture
def host(store: SqlStore) -> Host:
    return Host(store)


@pytest.fixture
def file_host(file_store: SqlStore) -> Host:
    return Host(file_store)
