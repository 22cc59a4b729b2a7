"""The contract suite over the in-memory host."""

import pytest

from iwf_py.testing.contract import suite
from iwf_py.testing.contract.memory import MemoryHost

REGISTRY = suite.registry()


@pytest.fixture
def host():
    with MemoryHost(REGISTRY) as host:
        yield host
        assert host.problems() == []


globals().update(suite.tests())
