"""Many workflows that sleep until one instant: what they cost while they wait, and how fast they wake.

    python -m tests.benchmarks.timers [--workflows 10000] [--directory DIR]

One JSON line per figure: starting them; memory while they wait; opening the database again with all of them waiting,
until the first call is answered; waking them, counted by the commits of `TimerFired`, with the slowest of the reads
that a client makes meanwhile.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import perf_counter, process_time

from iwf_py import CommandRequest, ObjectWorkflow, Registry, StateDecision, StateSchema, TimerCommand, WorkflowState
from iwf_py.embedded import Embedded
from iwf_py.runtime.threads import relax_garbage_collection
from tests.benchmarks.raw import limits


class Sleep(WorkflowState[str]):
    def wait_until(self, ctx, input, persistence, communication):
        return CommandRequest.for_all_command_completed(TimerCommand.by_instant(datetime.fromisoformat(input)))

    def execute(self, ctx, input, command_results, persistence, communication):
        return StateDecision.graceful_complete_workflow()


class Sleeper(ObjectWorkflow):
    def get_workflow_states(self):
        return StateSchema.with_starting_state(Sleep())


class Counts:
    """Counts kinds of history entries as they are committed."""

    def __init__(self) -> None:
        self.kinds: dict[str, int] = {}

    def saw(self, entries) -> None:
        for entry in entries:
            self.kinds[entry.kind] = self.kinds.get(entry.kind, 0) + 1

    def wait_for(self, kind: str, count: int) -> None:
        while self.kinds.get(kind, 0) < count:
            time.sleep(0.005)


def megabytes() -> float:
    """Tell the memory that this process has."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096 / 1_000_000


def start_all(iwf: Embedded, count: int, due: datetime) -> None:
    numbers = iter(range(count))
    lock = threading.Lock()

    def client() -> None:
        while True:
            with lock:
                number = next(numbers, None)
            if number is None:
                return
            iwf.client.start_workflow(Sleeper, f"sleeper-{number}", 0, due.isoformat())

    clients = [threading.Thread(target=client) for _ in range(64)]
    for thread in clients:
        thread.start()
    for thread in clients:
        thread.join()


def slowest_read(iwf: Embedded, until: threading.Event) -> list[float]:
    times = []
    while not until.is_set():
        begun = perf_counter()
        iwf.client.describe_workflow("sleeper-0")
        times.append(perf_counter() - begun)
        time.sleep(0.002)
    return sorted(times)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workflows", type=int, default=10_000)
    parser.add_argument("--directory", type=Path, default=None)
    parser.add_argument("--default-gc", action="store_true", help="leave the interpreter's garbage collection as it is")
    arguments = parser.parse_args()
    if not arguments.default_gc:
        relax_garbage_collection()
    count = arguments.workflows
    with tempfile.TemporaryDirectory(dir=arguments.directory) as directory:
        print(json.dumps({"benchmark": "limits", **limits(Path(directory))}))
        url, registry = f"sqlite:///{directory}/bench.db", Registry(Sleeper())
        far = datetime.now(UTC) + timedelta(seconds=20 + count / 250)
        counts = Counts()
        before = megabytes()
        with Embedded(url, registry, observers=(counts,)) as iwf:
            begun = perf_counter()
            start_all(iwf, count, far)
            counts.wait_for("WaitUntilReturned", count)
            seconds = perf_counter() - begun
            print(json.dumps({"benchmark": "sleepers started", "per_second": round(count / seconds)}))
            print(json.dumps({"benchmark": "sleepers wait", "megabytes_more": round(megabytes() - before)}))
        begun = perf_counter()
        with Embedded(url, registry, observers=(counts,)) as iwf:
            iwf.client.describe_workflow("sleeper-0")
            print(json.dumps({"benchmark": "opened again", "seconds": round(perf_counter() - begun, 3)}))
            time.sleep(max(0.0, (far - datetime.now(UTC)).total_seconds()))
            is_over = threading.Event()
            reads: list[float] = []
            reader = threading.Thread(target=lambda: reads.extend(slowest_read(iwf, is_over)))
            reader.start()
            begun, cpu = perf_counter(), process_time()
            counts.wait_for("TimerFired", count)
            woken = perf_counter() - begun
            counts.wait_for("ExecuteReturned", count)
            done = perf_counter() - begun
            is_over.set()
            reader.join()
            print(
                json.dumps(
                    {
                        "benchmark": "sleepers woken",
                        "woken_per_second": round(count / woken),
                        "done_per_second": round(count / done),
                        "cpu_ms": round((process_time() - cpu) / count * 1000, 3),
                        "read_p99_ms": round(reads[int(len(reads) * 0.99)] * 1000, 1),
                        "megabytes": round(megabytes()),
                    }
                )
            )


if __name__ == "__main__":
    main()
