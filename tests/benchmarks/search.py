"""What a search costs: a page of 100 out of many workflows, and counts, by selective and by unselective terms.

    python -m tests.benchmarks.search [--workflows 100000] [--rounds 30] [--directory DIR]

One JSON line per query: the median and the slowest tenth, from the text of the query to the page. Half of the workflows have
closed, in no order of their start; those that a rare term finds are spread over all.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import perf_counter, process_time

from iwf_py.codec.queries import parse_query
from iwf_py.core.advance import advance
from iwf_py.core.attempts import TaskState
from iwf_py.core.changes import StateInvoked
from iwf_py.core.events import Event, Started, StopRequested
from iwf_py.core.record import Record
from iwf_py.model.decisions import Movement
from iwf_py.model.ids import run_id_from
from iwf_py.model.payload import Payload, SearchAttribute
from iwf_py.model.requests import StartRequest
from iwf_py.model.status import SearchAttributeValueType, WorkflowStopType
from iwf_py.store.database import SqlStore
from iwf_py.store.unit import Batch, Entry, RunWrite, TaskWrite
from tests.benchmarks.raw import limits

NOON = datetime(2024, 5, 1, 12, tzinfo=UTC)
BATCH = 1000
TOWNS = [f"town-{number}" for number in range(1000)]
WORDS = [f"word{number}" for number in range(2000)]

QUERIES = {
    "everything": "",
    "keyword, one in 1000": "Town = 'town-77'",
    "keyword, one in 2": "Side = 'left'",
    "keyword, all": "Shop = 'bench'",
    "keyword, nobody": "Town = 'nowhere'",
    "integer, one": "Number = 4711",
    "integer, a range": "Number BETWEEN 50000 AND 50400",
    "text, one in 500": "About = 'word99'",
    "text, all": "About = 'Order'",
    "text and keyword": "About = 'order' AND Town = 'town-5'",
    "either of two": "Town = 'town-1' OR Number IN (1, 2, 3)",
    "type of all": "IwfWorkflowType = 'Order'",
    "type of one in 5000": "IwfWorkflowType = 'Refund'",
    "running": "ExecutionStatus = 'Running'",
    "failed, one in 100": "ExecutionStatus = 'Failed'",
    "running, in a state": "ExecutionStatus = 'Running' AND IwfExecutingStateIds = 'Pack'",
    "id begins with": "WorkflowId STARTS_WITH 'order-999'",
    "not this side": "Side != 'left' AND CloseTime IS NOT NULL",
}


def attributes(number: int, chance: random.Random) -> tuple[SearchAttribute, ...]:
    kind = SearchAttributeValueType
    return (
        SearchAttribute("Shop", string_value="bench", value_type=kind.KEYWORD),
        SearchAttribute("Town", string_value=chance.choice(TOWNS), value_type=kind.KEYWORD),
        SearchAttribute("Side", string_value=chance.choice(["left", "right"]), value_type=kind.KEYWORD),
        SearchAttribute("Number", integer_value=number, value_type=kind.INT),
        SearchAttribute("About", string_value=f"Order of {' '.join(chance.choices(WORDS, k=4))}", value_type=kind.TEXT),
    )


class Filler:
    """Writes runs into a store, a thousand to a commit."""

    def __init__(self, store: SqlStore, seed: int = 1) -> None:
        self._store = store
        self._chance = random.Random(seed)
        self._batches = 0

    def fill(self, count: int) -> None:
        """Start *count* runs, and close every second one."""
        for begin in range(0, count, BATCH):
            numbers = range(begin, min(begin + BATCH, count))
            rows = self._store.reserve(len(numbers))
            lives = [
                self._write(row, None, self._start(number), None) for row, number in zip(rows, numbers, strict=True)
            ]
            self._commit(lives)
            later = NOON + timedelta(seconds=count + begin)
            closing = self._chance.sample(lives, len(lives) // 2)
            self._commit([self._close(write, later + timedelta(seconds=index)) for index, write in enumerate(closing)])

    def _start(self, number: int) -> Started:
        at = NOON + timedelta(seconds=number)
        request = StartRequest(
            workflow_id=f"order-{number}",
            workflow_type="Refund" if number % 5000 == 17 else "Order",
            start=Movement("Pack" if number % 10 == 0 else "Send", Payload("json/plain", '{"order":4711}')),
            search_attributes=attributes(number, self._chance),
        )
        return Started(at=at, request=request, run_id=run_id_from(at, number.to_bytes(10, "big")))

    def _close(self, write: RunWrite, at: datetime) -> RunWrite:
        kind = WorkflowStopType.FAIL if self._chance.random() < 0.02 else WorkflowStopType.CANCEL
        return self._write(write.row, write.record, StopRequested(at=at, stop_type=kind), write.tasks[0].after)

    def _write(self, row: int, record: Record | None, event: Event, task: TaskState | None) -> RunWrite:
        turn = advance(record, event)
        assert turn.record is not None
        tasks = [TaskWrite(before=task, after=None)] if task else []
        tasks += [
            TaskWrite(
                before=None,
                after=TaskState(number=change.number, phase=change.phase, epoch=self._store.epoch, first_at=change.at),
            )
            for change in turn.changes
            if isinstance(change, StateInvoked)
        ]
        return RunWrite(
            row=row,
            is_new=turn.opens,
            record=turn.record,
            changes=turn.changes,
            entries=(Entry(seq=turn.record.seq, event=event),),
            tasks=tuple(tasks),
        )

    def _commit(self, writes: list[RunWrite]) -> None:
        self._batches += 1
        self._store.commit(Batch(number=self._batches, writes=tuple(writes)))


def measured(store: SqlStore, name: str, text: str, rounds: int) -> dict[str, object]:
    now = NOON + timedelta(days=365)
    times, found = [], 0
    cpu = process_time()
    for _ in range(rounds):
        begun = perf_counter()
        page, _ = store.search("default", parse_query(text), 100, None, now)
        times.append(perf_counter() - begun)
        found = len(page)
    cpu = process_time() - cpu
    begun = perf_counter()
    count = store.count("default", parse_query(text), now)
    counting = perf_counter() - begun
    times.sort()
    return {
        "benchmark": "search",
        "query": name,
        "found": found,
        "p50_ms": round(statistics.median(times) * 1000, 2),
        "p90_ms": round(times[int(len(times) * 0.9)] * 1000, 2),
        "cpu_ms": round(cpu / rounds * 1000, 2),
        "count": count,
        "count_ms": round(counting * 1000, 1),
    }


def pages(store: SqlStore) -> Iterator[int]:
    """Walk everything, page by page."""
    bookmark = None
    while True:
        page, bookmark = store.search("default", parse_query(""), 1000, bookmark, NOON)
        yield len(page)
        if bookmark is None:
            return


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workflows", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--directory", type=Path, help="on the disk to measure; default: the temporary directory")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=arguments.directory) as directory:
        print(json.dumps({"benchmark": "limits", **limits(Path(directory))}))
        store = SqlStore(f"sqlite:///{directory}/search.db")
        store.open(NOON)
        Filler(store).fill(arguments.workflows)
        for name, text in QUERIES.items():
            print(json.dumps(measured(store, name, text, arguments.rounds)), flush=True)
        begun = perf_counter()
        total = sum(pages(store))
        seconds = perf_counter() - begun
        assert total == arguments.workflows
        print(json.dumps({"benchmark": "search pages", "runs": total, "runs_per_s": round(total / seconds)}))
        store.close()


if __name__ == "__main__":
    main()
