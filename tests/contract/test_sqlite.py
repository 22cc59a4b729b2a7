"""The contract suite over the engine on SQLite."""

import pytest

from iwf_py.testing.contract import suite
from tests.contract.sqlite_host import SqliteHost

REGISTRY = suite.registry()


@pytest.fixture
def host(tmp_path):
    with SqliteHost(REGISTRY, f"sqlite:///{tmp_path}/contract.db") as host:
        yield host
        assert host.problems() == []


globals().update(suite.tests())
