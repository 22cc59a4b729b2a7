"""Rows, history and memory stay the same through whatever may happen."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iwf_py.store.database import SqlStore
from tests.store.host import NOON, Host
from tests.store.wander import Wanderer


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32), size=st.sampled_from((1, 2, 5, 30)))
def test_rows_are_the_record_after_every_commit(seed: int, size: int):
    """
    Whatever events come, in batches of whatever size, resets among them: rows, fold of the history, and memory are the same after each.
    """
    store = SqlStore("sqlite://")
    store.open(NOON)
    try:
        host = Host(store)
        wanderer = Wanderer(host, seed)
        for _ in range(max(2, 60 // size)):
            for _ in range(size):
                wanderer.step()
            host.commit()
            wanderer.fail_something()
            host.commit()
            wanderer.reset_something()
            host.commit()
            host.check()
        while store.sweep(3):
            pass
        host.check()
    finally:
        store.close()


@pytest.mark.parametrize("seed", range(4))
def test_rows_are_the_record_after_a_restart(path: Path, seed: int):
    """
    What a file holds when it is closed is what the next engine finds, run by run; and lives go on from there.
    """
    store = SqlStore(f"sqlite:///{path}")
    store.open(NOON)
    host = Host(store)
    wanderer = Wanderer(host, seed)
    for _ in range(5):
        for _ in range(40):
            wanderer.step()
        host.commit()
        wanderer.reset_something()
        host.commit()
        store.close()
        store.open(NOON)
        host.check()
        for orphan in store.claim_orphans(1000):
            run = next(run for run in host.runs[orphan.key] if run.row == orphan.row)
            run.tasks[orphan.task.number] = run.stored_tasks[orphan.task.number] = orphan.task
        host.number = 0
        host.check()
    store.close()
