"""Pools and task services; every pool is closed, and whatever hangs in the gate let go."""

import pytest

from iwf_py.worker.pool import ThreadPerformer
from tests.worker_loop.doubles import Code, Gate, Outcomes, Tasks


@pytest.fixture
def outcomes():
    return Outcomes()


@pytest.fixture
def gate():
    gate = Gate()
    yield gate
    gate.open()


@pytest.fixture
def make_pool(gate):
    pools = []

    def make(methods=None, coroutines=None, **options):
        code = Code({"work": lambda call: call.workflow_id, "hang": gate, **(methods or {})}, coroutines)
        pool = ThreadPerformer(code, **options)
        pools.append(pool)
        return pool

    yield make
    gate.open()
    for pool in pools:
        pool.close()


@pytest.fixture
def tasks():
    return Tasks()
