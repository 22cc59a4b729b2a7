"""A served host of the test's own, and workers that end with it."""

import pytest

from tests.server.host import ServedHost
from tests.server.scripted import Scripted


@pytest.fixture
def make_host():
    hosts = []

    def make(url="sqlite://", **options):
        host = ServedHost(url, **options)
        host.__enter__()
        hosts.append(host)
        return host

    yield make
    for host in hosts:
        host.__exit__()


@pytest.fixture
def host(make_host):
    return make_host()


@pytest.fixture
def make_worker():
    workers = []

    def make(script):
        worker = Scripted(script)
        workers.append(worker)
        return worker

    yield make
    for worker in workers:
        worker.close()
