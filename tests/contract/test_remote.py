"""The contract suite over HTTP: our client, our server and our worker, each in a process of its own."""

from contextlib import closing

import pytest

from iwf_py.testing.contract import suite
from iwf_py.testing.contract.needs import Capability
from tests.contract.remote_host import Process, RemoteHost, serve, work

REGISTRY = suite.registry()


@pytest.fixture(scope="module")
def server():
    with closing(Process(serve)) as server:
        yield server


@pytest.fixture(scope="module")
def worker():
    with closing(Process(work)) as worker:
        yield worker


@pytest.fixture
def host(server, worker, tmp_path):
    with RemoteHost(REGISTRY, server, worker, tmp_path) as host:
        yield host


globals().update(suite.tests_without(Capability))
