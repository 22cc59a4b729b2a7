"""Recovery, retries, parking, sweeping: what happens to rows beside turns."""

from __future__ import annotations

import sqlite3
from datetime import timedelta
from pathlib import Path

import pytest

from iwf_py.core.events import ExecuteReturned, RpcAsked, Signalled, StopRequested, WaitUntilReturned
from iwf_py.errors import StoreError
from iwf_py.model.commands import CommandRequest, SignalChannelCommand, TimerCommand
from iwf_py.model.options import PersistenceLoadingPolicy, RpcOptions
from iwf_py.model.requests import RpcRequest
from iwf_py.model.status import PersistenceLoadingType
from iwf_py.store.database import SqlStore
from tests.store.host import NOON, Host, decides, sealed, to, waits


def seconds(count: float) -> timedelta:
    return timedelta(seconds=count)


def reopened(store: SqlStore) -> SqlStore:
    """What a new engine finds after the old one has ended."""
    store.close()
    store.open(NOON)
    return store


def names(tasks) -> list[str]:
    return [task.key.workflow_id for task in tasks]


def count_of(path: Path, table: str) -> int:
    connection = sqlite3.connect(path)
    count = connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
    connection.close()
    return count


# Retries


def test_a_call_to_be_tried_again_is_due_at_its_instant(host: Host):
    """
    A failed attempt is stored with its failure, and is told from its instant on, in order; a fresh call never is.
    """
    for number, delay in enumerate((30, 10, 20)):
        host.start(f"w{number}", to("A"))
        host.commit()
        host.fail(1, NOON + seconds(delay), f"w{number}")
    host.start("fresh", to("A"))
    host.commit()

    host.check()
    assert host.store.next_due() == NOON + seconds(10)
    assert host.store.due(NOON + seconds(9.999999), 10).tasks == ()
    due = host.store.due(NOON + seconds(30), 10).tasks
    assert names(due) == ["w1", "w2", "w0"]
    assert [task.task for task in due] == [host.latest(name).tasks[1] for name in ("w1", "w2", "w0")]
    assert due[0].task.failures == 1


def test_due_calls_can_be_paged_past_those_in_hand(host: Host):
    """
    The page after a call begins behind it, also among calls of one instant; and the next due may be asked for likewise.
    """
    for number in range(7):
        host.start(f"w{number}", to("A"))
    host.commit()
    for number in range(7):
        host.fail(1, NOON + seconds(5 if number < 5 else 9), f"w{number}")
    host.commit()
    until = NOON + seconds(60)
    pages, after = [], None
    while page := host.store.due(until, 3, after).tasks:
        pages.append(names(page))
        after = page[-1]

    assert pages == [["w0", "w1", "w2"], ["w3", "w4", "w5"], ["w6"]]
    assert host.store.next_due(NOON + seconds(5)) == NOON + seconds(9)
    assert host.store.next_due(NOON + seconds(9)) is None


def test_a_retry_that_returns_is_due_no_more(host: Host):
    """
    The outcome takes the call's row with it, guarded by the failures so far.
    """
    host.start("w", to("A"))
    host.commit()
    for attempt in (1, 2, 3):
        host.fail(1, NOON + seconds(attempt))
        host.commit()
    assert host.store.next_due() == NOON + seconds(3)

    host.send_now(ExecuteReturned, number=1, result=decides(to("B")))
    host.commit()

    assert host.store.next_due() is None
    host.check()


# Recovery


def test_calls_of_an_ended_engine_are_claimed_once_in_pages(file_host: Host, file_store: SqlStore):
    """
    The next engine owns them, counts a recovery and no failure, and gets each once: what may be called at once, then by due time.
    """
    for number in range(5):
        file_host.start(f"w{number}", to("A"))
    file_host.commit()
    file_host.fail(1, NOON + seconds(50), "w0")
    file_host.fail(1, NOON - seconds(50), "w4")
    file_host.commit()
    reopened(file_store)

    pages = []
    while page := file_store.claim_orphans(2):
        pages.append(page)
    claimed = [task for page in pages for task in page]

    assert names(claimed) == ["w1", "w2", "w3", "w4", "w0"]
    assert {task.task.epoch for task in claimed} == {2}
    # w0 waited for its next attempt: nobody was making the call when the engine ended.
    assert [task.task.recoveries for task in claimed] == [1, 1, 1, 1, 0]
    assert [task.task.failures for task in claimed] == [0, 0, 0, 1, 1]
    loaded = file_store.load(file_host.latest("w4").row)
    assert loaded is not None
    assert loaded.tasks == (claimed[3].task,)
    # What is to be tried again later is told when it is due, by its new owner.
    assert names(file_store.due(NOON + seconds(50), 10).tasks) == ["w4", "w0"]


def test_calls_of_an_engine_that_retired_are_claimed_without_a_count(file_host: Host, file_store: SqlStore):
    """
    An engine that ended in order was not ended by a call, so none of its calls has a recovery more.
    """
    file_host.start("w", to("A"))
    file_host.commit()
    file_store.retire()
    reopened(file_store)

    (claimed,) = file_store.claim_orphans(10)

    assert (claimed.task.epoch, claimed.task.recoveries) == (2, 0)


def test_a_recovery_that_is_cut_short_goes_on_in_the_next_epoch(file_host: Host, file_store: SqlStore):
    """
    Calls of several ended epochs are found, and each claim counts.
    """
    for number in range(4):
        file_host.start(f"w{number}", to("A"))
    file_host.commit()
    reopened(file_store)
    assert names(file_store.claim_orphans(2)) == ["w0", "w1"]
    reopened(file_store)

    claimed = file_store.claim_orphans(10)

    assert names(claimed) == ["w0", "w1", "w2", "w3"]
    assert [task.task.recoveries for task in claimed] == [2, 2, 1, 1]


def test_waiting_runs_are_no_orphans(file_host: Host, file_store: SqlStore):
    """
    A run that waits has no call: recovery passes it by.
    """
    file_host.start("w", to("A", None))
    file_host.commit()
    commands = CommandRequest.for_all_command_completed(TimerCommand.by_seconds(60))
    file_host.send_now(WaitUntilReturned, number=1, result=waits(commands))
    file_host.commit()

    reopened(file_store)

    assert file_store.claim_orphans(10) == ()
    assert file_store.next_due() == NOON + seconds(60)
    file_host.check()


def test_locking_rpcs_of_an_ended_engine_are_told_until_they_are_closed(file_host: Host, file_store: SqlStore):
    """
    Recovery finds each open RPC; a run that closed has none.
    """
    policy = PersistenceLoadingPolicy(PersistenceLoadingType.LOAD_ALL_WITH_PARTIAL_LOCK, locking_keys=("k",))
    for name in ("open", "closed"):
        file_host.start(name, None)
        request = RpcRequest(workflow_id=name, rpc_name="r", options=RpcOptions(attributes=policy))
        file_host.send_now(RpcAsked, name, request=request)
    file_host.commit()
    assert file_store.open_rpcs(10) == ()
    file_host.send_now(StopRequested, "closed")
    file_host.commit()

    reopened(file_store)

    found = file_store.open_rpcs(10)
    assert [(rpc.key.workflow_id, rpc.number) for rpc in found] == [("open", 2)]
    file_host.check()


# Parking


def test_a_parked_run_has_nothing_due(file_host: Host, file_store: SqlStore):
    """
    While it is parked neither timers nor calls are told or claimed, and load says why; afterwards all is as before.
    """
    for name in ("parked", "other"):
        file_host.start(name, to("A"), timeout=seconds(60))
    file_host.commit()
    for name in ("parked", "other"):
        file_host.fail(1, NOON + seconds(5), name)
    file_host.commit()
    row = file_host.latest("parked").row

    file_store.park(row, "it did not fit")

    until = NOON + seconds(100)
    due = file_store.due(until, 10)
    assert (names(due.tasks), names(due.timers)) == (["other"], ["other"])
    loaded = file_store.load(row)
    assert loaded is not None
    assert loaded.parked == "it did not fit"
    reopened(file_store)
    assert names(file_store.claim_orphans(10)) == ["other"]

    file_store.park(row, None)

    assert names(file_store.claim_orphans(10)) == ["parked"]
    assert sorted(names(file_store.due(until, 10).timers)) == ["other", "parked"]
    with pytest.raises(StoreError, match="no run 4711"):
        file_store.park(4711, "why")


# Sweeping


def test_what_closed_runs_leave_behind_is_swept_in_small_batches(file_host: Host, path: Path):
    """
    Closing leaves states and messages; the sweep deletes them, a few at a time, and nothing of the runs that are open.
    """
    wait = CommandRequest.for_all_command_completed(
        SignalChannelCommand("never"), SignalChannelCommand("news"), TimerCommand.by_seconds(60)
    )
    for name in ("open", "closed", "closed too"):
        file_host.start(name, to("A", None))
        file_host.commit()
        file_host.send_now(WaitUntilReturned, name, number=1, result=waits(wait))
        for _ in range(10):
            file_host.send_now(Signalled, name, channel_name="news", value=sealed("one"))
    file_host.commit()
    for name in ("closed", "closed too"):
        file_host.send_now(StopRequested, name)
    file_host.commit()
    file_host.check()
    assert count_of(path, "iwf_messages") == 30
    assert count_of(path, "iwf_timers") == 1

    swept = []
    while count := file_host.store.sweep(4):
        swept.append(count)

    assert swept == [4, 4, 4, 4, 4, 2]
    assert count_of(path, "iwf_messages") == 10
    assert count_of(path, "iwf_states") == 1
    file_host.check()


def test_a_run_that_closes_with_nothing_left_is_not_swept(file_host: Host, path: Path):
    """
    A run whose states have all left costs the sweep nothing.
    """
    file_host.start("w", to("A"))
    file_host.commit()
    file_host.send_now(ExecuteReturned, number=1, result=decides(to("_SYS_GRACEFUL_COMPLETING_WORKFLOW")))
    file_host.commit()

    assert not file_host.latest().record.is_open
    connection = sqlite3.connect(path)
    assert connection.execute("SELECT leftovers_at FROM iwf_executions").fetchall() == [(None,)]
    connection.close()


# History


def test_history_is_read_in_pages(host: Host):
    """
    Entries come in order, after a seq and at most so many; as events and as text.
    """
    host.start("w", None)
    for _ in range(9):
        host.later(1)
        host.send_now(Signalled, channel_name="news")
    written = host.commit()
    row = host.latest().row

    assert host.store.history(row, 0, 100) == written
    assert [entry.seq for entry in host.store.history(row, 4, 3)] == [5, 6, 7]
    assert [seq for seq, _ in host.store.events(row, 8)] == [9, 10]
    assert [entry.kind for entry in written] == ["Started", *["Signalled"] * 9]
    assert written[9].at == NOON + seconds(9)
    assert {entry.run_id for entry in written} == {host.latest().record.run_id}
    assert host.store.history(4711, 0, 10) == ()
    assert host.store.load(4711) is None
