"""Sign-ups: a workflow that waits for a message or a timer, is sent the message, and completes.

    python -m tests.benchmarks.signup [--workflows 1000] [--at-once 64] [--directory DIR]

One JSON line per figure: starting them until all wait; from the message to the completion, with many clients at once;
the RPC that sends it, alone and with 16 at once.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from time import perf_counter, process_time

from iwf_py import (
    CommandRequest,
    CommunicationMethod,
    CommunicationSchema,
    InternalChannelCommand,
    ObjectWorkflow,
    Registry,
    StateDecision,
    StateSchema,
    TimerCommand,
    WorkflowState,
    rpc,
)
from iwf_py.embedded import Embedded
from iwf_py.runtime.threads import relax_garbage_collection
from tests.benchmarks.raw import limits
from tests.benchmarks.timers import Counts


class Verify(WorkflowState[str]):
    def wait_until(self, ctx, input, persistence, communication):
        return CommandRequest.for_any_command_completed(
            TimerCommand.by_duration(timedelta(hours=24)), InternalChannelCommand.by_name("verify")
        )

    def execute(self, ctx, input, command_results, persistence, communication):
        return StateDecision.graceful_complete_workflow("done")


class SignUp(ObjectWorkflow):
    def get_workflow_states(self):
        return StateSchema.with_starting_state(Verify())

    def get_communication_schema(self):
        return CommunicationSchema.create(CommunicationMethod.internal_channel_def("verify", str))

    @rpc()
    def verify(self, ctx, input: str, persistence, communication) -> str:
        communication.publish_to_internal_channel("verify", input)
        return "done"


def many(count: int, threads: int, work: Callable[[int], None]) -> None:
    """Do *work* for each number, by so many threads."""
    numbers = iter(range(count))
    lock = threading.Lock()

    def run() -> None:
        while True:
            with lock:
                number = next(numbers, None)
            if number is None:
                return
            work(number)

    running = [threading.Thread(target=run) for _ in range(threads)]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()


def tell(name: str, count: int, begun: float, cpu: float, **more: float) -> None:
    spent = perf_counter() - begun
    figures = {"per_second": round(count / spent), "cpu_ms": round((process_time() - cpu) / count * 1000, 3), **more}
    print(json.dumps({"benchmark": name, **figures}))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workflows", type=int, default=1000)
    parser.add_argument("--at-once", type=int, default=64)
    parser.add_argument("--directory", type=Path, default=None)
    parser.add_argument("--default-gc", action="store_true", help="leave the interpreter's garbage collection as it is")
    arguments = parser.parse_args()
    if not arguments.default_gc:
        relax_garbage_collection()
    count = arguments.workflows
    with tempfile.TemporaryDirectory(dir=arguments.directory) as directory:
        print(json.dumps({"benchmark": "limits", **limits(Path(directory))}))
        counts = Counts()
        with Embedded(f"sqlite:///{directory}/bench.db", Registry(SignUp()), observers=(counts,)) as iwf:
            begun, cpu = perf_counter(), process_time()
            many(count, arguments.at_once, lambda number: iwf.client.start_workflow(SignUp, f"s-{number}", 0, "form"))
            counts.wait_for("WaitUntilReturned", count)
            tell("sign-ups started", count, begun, cpu)

            def finish(number: int) -> None:
                iwf.client.publish_to_internal_channel(SignUp, f"s-{number}", "verify", "yes")
                iwf.client.wait_for_workflow_completion(f"s-{number}", str)

            begun, cpu = perf_counter(), process_time()
            many(count, arguments.at_once, finish)
            tell("message to completed", count, begun, cpu)
            for threads, name in ((1, "rpc alone"), (16, "rpc at 16")):
                # One message ends a run, so each call has a run of its own.
                many(
                    300, threads, lambda number, name=name: iwf.client.start_workflow(SignUp, f"{name}-{number}", 0, "")
                )
                times: list[float] = []

                def call(number: int, name: str = name, times: list[float] = times) -> None:
                    before = perf_counter()
                    iwf.client.invoke_rpc(f"{name}-{number}", SignUp.verify, "yes")
                    times.append(perf_counter() - before)

                begun, cpu = perf_counter(), process_time()
                many(300, threads, call)
                tell(name, 300, begun, cpu, p50_ms=round(statistics.median(times) * 1000, 2))


if __name__ == "__main__":
    main()
