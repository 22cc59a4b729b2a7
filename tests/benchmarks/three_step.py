"""Three durable steps, plain `def` states: throughput with many at once, and the time that one alone takes.

    python -m tests.benchmarks.three_step [--workflows 2000] [--at-once 64] [--alone 300] [--directory DIR] [--async]

One JSON line per figure, the disk's own limits first. A workflow is started by a client's thread, which waits
for its result; the engine is embedded, on SQLite with WAL and synchronous=FULL. `cpu_ms` is what the whole process
spent for one workflow, `commits` how many there were for one.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from time import perf_counter, process_time

from iwf_py import ObjectWorkflow, Registry, StateDecision, StateSchema, WorkflowState
from iwf_py.embedded import Embedded
from iwf_py.runtime.threads import relax_garbage_collection
from tests.benchmarks.raw import limits


class First(WorkflowState[int]):
    def execute(self, ctx, input, command_results, persistence, communication):
        return StateDecision.single_next_state(Second, input + 1)


class Second(WorkflowState[int]):
    def execute(self, ctx, input, command_results, persistence, communication):
        return StateDecision.single_next_state(Third, input + 1)


class Third(WorkflowState[int]):
    def execute(self, ctx, input, command_results, persistence, communication):
        return StateDecision.graceful_complete_workflow(input + 1)


class ThreeSteps(ObjectWorkflow):
    def get_workflow_states(self):
        return StateSchema.with_starting_state(First(), Second(), Third())


class AsyncFirst(WorkflowState[int]):
    async def execute(self, ctx, input, command_results, persistence, communication):
        return StateDecision.single_next_state(AsyncSecond, input + 1)


class AsyncSecond(WorkflowState[int]):
    async def execute(self, ctx, input, command_results, persistence, communication):
        return StateDecision.single_next_state(AsyncThird, input + 1)


class AsyncThird(WorkflowState[int]):
    async def execute(self, ctx, input, command_results, persistence, communication):
        return StateDecision.graceful_complete_workflow(input + 1)


class AsyncThreeSteps(ObjectWorkflow):
    def get_workflow_states(self):
        return StateSchema.with_starting_state(AsyncFirst(), AsyncSecond(), AsyncThird())


class Commits:
    """Counts commits, as an observer sees them."""

    def __init__(self) -> None:
        self.count = 0

    def saw(self, entries: object) -> None:
        self.count += 1


def run_one(iwf: Embedded, kind: type[ObjectWorkflow], workflow_id: str) -> None:
    iwf.client.start_workflow(kind, workflow_id, 3600, 1)
    if iwf.client.wait_for_workflow_completion(workflow_id, int) != 4:
        raise AssertionError(f"{workflow_id} came to something else")


def alone(iwf: Embedded, kind: type[ObjectWorkflow], count: int) -> dict[str, float]:
    """One after the other."""
    times = []
    for number in range(count):
        begun = perf_counter()
        run_one(iwf, kind, f"alone-{number}")
        times.append(perf_counter() - begun)
    times.sort()
    return {
        "p50_ms": round(statistics.median(times) * 1000, 2),
        "p99_ms": round(times[int(len(times) * 0.99)] * 1000, 2),
    }


def at_once(iwf: Embedded, kind: type[ObjectWorkflow], commits: Commits, count: int, threads: int) -> dict[str, float]:
    """So many client threads, each one workflow after the other."""
    numbers: Iterator[int] = iter(range(count))
    lock = threading.Lock()

    def client() -> None:
        while True:
            with lock:
                number = next(numbers, None)
            if number is None:
                return
            run_one(iwf, kind, f"busy-{number}")

    clients = [threading.Thread(target=client) for _ in range(threads)]
    before = commits.count
    begun, cpu = perf_counter(), process_time()
    for thread in clients:
        thread.start()
    for thread in clients:
        thread.join()
    seconds = perf_counter() - begun
    return {
        "workflows_per_second": round(count / seconds),
        "cpu_ms": round((process_time() - cpu) / count * 1000, 3),
        "commits": round((commits.count - before) / count, 3),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workflows", type=int, default=2000)
    parser.add_argument("--at-once", type=int, default=64)
    parser.add_argument("--alone", type=int, default=300)
    parser.add_argument(
        "--directory", type=Path, default=None, help="where the database is; a temporary one if not given"
    )
    parser.add_argument("--async", dest="is_async", action="store_true", help="states are coroutines")
    parser.add_argument("--default-gc", action="store_true", help="leave the interpreter's garbage collection as it is")
    arguments = parser.parse_args()
    if not arguments.default_gc:
        relax_garbage_collection()
    kind: type[ObjectWorkflow] = AsyncThreeSteps if arguments.is_async else ThreeSteps
    with tempfile.TemporaryDirectory(dir=arguments.directory) as directory:
        print(json.dumps({"benchmark": "limits", **limits(Path(directory))}))
        commits = Commits()
        with Embedded(f"sqlite:///{directory}/bench.db", Registry(kind()), observers=(commits,)) as iwf:
            run_one(iwf, kind, "warm")
            name = "three-step async" if arguments.is_async else "three-step"
            print(json.dumps({"benchmark": f"{name} alone", **alone(iwf, kind, arguments.alone)}))
            busy = at_once(iwf, kind, commits, arguments.workflows, arguments.at_once)
            print(json.dumps({"benchmark": f"{name} at {arguments.at_once}", **busy}))


if __name__ == "__main__":
    main()
