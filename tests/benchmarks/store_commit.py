"""What a commit costs: turns through the store, beside the raw driver on the same disk in the same run.

    python -m tests.benchmarks.store_commit [--turns 2000] [--rounds 3] [--directory DIR] [--profile]

One JSON line per number of turns in a commit. The turns are those of a workflow of three steps, made
ahead; what is timed is `commit`: folding, rows, statements and COMMIT. The raw driver updates one row
and inserts another for each turn, with the same settings (WAL, synchronous=FULL).
"""

from __future__ import annotations

import argparse
import cProfile
import json
import pstats
import sqlite3
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter, process_time

from attrs import frozen

from iwf_py.core.advance import advance
from iwf_py.core.attempts import TaskState
from iwf_py.core.changes import StateInvoked
from iwf_py.core.events import Event, ExecuteReturned, Started
from iwf_py.core.record import Record
from iwf_py.model.decisions import GRACEFUL_COMPLETING, Decision, Movement
from iwf_py.model.ids import run_id_from
from iwf_py.model.invocations import ExecuteResult, Writes
from iwf_py.model.options import StateOptions
from iwf_py.model.payload import Payload
from iwf_py.model.requests import StartRequest
from iwf_py.store.database import SqlStore
from iwf_py.store.unit import Batch, Entry, RunWrite, TaskWrite

NOON = datetime(2024, 5, 1, 12, tzinfo=UTC)
OPTIONS = StateOptions(skip_wait_until=True)
STEPS = ("First", "Second", "Third")
ORDER = Payload("json/plain", json.dumps({"order": 4711, "items": ["apple", "pear"], "total": "12.50"}))


@frozen
class Spent:
    """What a number of turns took."""

    turns: int
    seconds: float
    cpu_seconds: float

    @property
    def rate(self) -> float:
        return self.turns / self.seconds


def events_of(workflow: int) -> Iterator[Event]:
    """A workflow of three steps: four turns."""
    request = StartRequest(
        workflow_id=f"order-{workflow * 7919 % 1_000_003}",
        workflow_type="Order",
        start=Movement(STEPS[0], ORDER, OPTIONS),
    )
    yield Started(at=NOON, request=request, run_id=run_id_from(NOON, workflow.to_bytes(10, "big")))
    for number, _ in enumerate(STEPS, 1):
        following = Movement(STEPS[number], ORDER, OPTIONS) if number < 3 else Movement(GRACEFUL_COMPLETING, ORDER)
        writes = Writes(attributes=((f"step-{number}", ORDER),))
        yield ExecuteReturned(
            at=NOON, number=number, result=ExecuteResult(decision=Decision((following,)), writes=writes)
        )


def batches(store: SqlStore, turns: int, size: int) -> list[Batch]:
    """Make *turns* turns ahead, *size* to a batch, each of another workflow."""
    made: list[Batch] = []
    for group in range(max(1, turns // 4 // size)):
        rows = store.reserve(size)
        lives = [events_of(group * size + index) for index in range(size)]
        records: list[Record | None] = [None] * size
        tasks: list[TaskState | None] = [None] * size
        for _ in range(4):
            writes = []
            for index, life in enumerate(lives):
                write = _write(store, rows[index], records[index], next(life), tasks[index])
                records[index], tasks[index] = write.record, next((t.after for t in write.tasks if t.after), None)
                writes.append(write)
            made.append(Batch(number=len(made) + 1, writes=tuple(writes)))
    return made


def _write(store: SqlStore, row: int, record: Record | None, event: Event, task: TaskState | None) -> RunWrite:
    turn = advance(record, event)
    assert turn.record is not None
    tasks = [TaskWrite(before=task, after=None)] if task else []
    tasks += [
        TaskWrite(
            before=None,
            after=TaskState(number=change.number, phase=change.phase, epoch=store.epoch, first_at=change.at),
        )
        for change in turn.changes
        if isinstance(change, StateInvoked)
    ]
    entries = (Entry(seq=turn.record.seq, event=event),)
    return RunWrite(
        row=row, is_new=turn.opens, record=turn.record, changes=turn.changes, entries=entries, tasks=tuple(tasks)
    )


def through_the_store(path: Path, turns: int, size: int, profile: cProfile.Profile | None) -> Spent:
    store = SqlStore(f"sqlite:///{path}")
    store.open(NOON)
    work = batches(store, turns, size)
    if profile:
        profile.enable()
    begin, cpu = perf_counter(), process_time()
    for batch in work:
        store.commit(batch)
    spent = Spent(sum(len(batch.writes) for batch in work), perf_counter() - begin, process_time() - cpu)
    if profile:
        profile.disable()
    store.close()
    return spent


def through_the_driver(path: Path, turns: int, size: int) -> Spent:
    """The same number of transitions: one UPDATE and one INSERT each."""
    connection = sqlite3.connect(path, isolation_level=None)
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "cache_size=-65536", "wal_autocheckpoint=4000"):
        connection.execute(f"PRAGMA {pragma}")
    connection.execute("CREATE TABLE run (id INTEGER PRIMARY KEY, seq INTEGER, data TEXT)")
    connection.execute("CREATE TABLE history (run INTEGER, seq INTEGER, event TEXT, PRIMARY KEY (run, seq))")
    connection.executemany("INSERT INTO run VALUES (?, 0, '')", [(number,) for number in range(size)])
    event = "x" * 300
    begin, cpu = perf_counter(), process_time()
    for seq in range(turns // size):
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany(
            "UPDATE run SET seq = ?, data = ? WHERE id = ?", [(seq, event, run) for run in range(size)]
        )
        connection.executemany("INSERT INTO history VALUES (?, ?, ?)", [(run, seq, event) for run in range(size)])
        connection.execute("COMMIT")
    spent = Spent(turns // size * size, perf_counter() - begin, process_time() - cpu)
    connection.close()
    return spent


def measure(directory: Path, turns: int, size: int, rounds: int, profile: cProfile.Profile | None) -> dict[str, object]:
    """Take both side by side, several times, and keep the best of each: others use this machine too."""
    pairs = [
        (
            through_the_store(directory / f"store-{size}-{number}.db", turns, size, profile),
            through_the_driver(directory / f"raw-{size}-{number}.db", turns, size),
        )
        for number in range(rounds)
    ]
    store = min((pair[0] for pair in pairs), key=lambda spent: spent.seconds)
    raw = min((pair[1] for pair in pairs), key=lambda spent: spent.seconds)
    return {
        "benchmark": "store-commit",
        "turns_per_commit": size,
        "turns": store.turns,
        "commits_per_s": round(store.rate / size),
        "turns_per_s": round(store.rate),
        "us_per_turn": round(1e6 / store.rate, 1),
        "cpu_us_per_turn": round(1e6 * store.cpu_seconds / store.turns, 1),
        "raw_commits_per_s": round(raw.rate / size),
        "raw_transitions_per_s": round(raw.rate),
        "share_of_raw": round(store.rate / raw.rate, 3),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--turns", type=int, default=2000, help="per figure")
    parser.add_argument("--sizes", type=int, nargs="+", default=[1, 10, 64], help="turns per commit")
    parser.add_argument("--rounds", type=int, default=3, help="the best counts")
    parser.add_argument("--directory", type=Path, help="on the disk to measure; default: the temporary directory")
    parser.add_argument("--profile", action="store_true")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=arguments.directory) as directory:
        for size in arguments.sizes:
            profile = cProfile.Profile() if arguments.profile else None
            turns = arguments.turns * max(1, min(10, size // 4))
            print(json.dumps(measure(Path(directory), turns, size, arguments.rounds, profile)), flush=True)
            if profile:
                pstats.Stats(profile).sort_stats("tottime").print_stats(25)


if __name__ == "__main__":
    main()
