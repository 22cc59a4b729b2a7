"""What a turn of the bare machine costs, by the size of the run. Prints one JSON object a line.

    python tests/benchmarks/core_turn.py [--sizes 10,10000] [--seconds 0.3]

Every measured turn is of the same record: a persistent record can be advanced any number of times.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from iwf_py.core.advance import advance
from iwf_py.core.attempts import TaskState, judge
from iwf_py.core.events import (
    AttributesSet,
    Event,
    ExecuteReturned,
    Signalled,
    Started,
    TimerFired,
    TimerSkipped,
    WaitUntilReturned,
)
from iwf_py.core.record import Record
from iwf_py.core.views import invocation
from iwf_py.model.commands import CommandRequest, InternalChannelCommand, SignalChannelCommand, TimerCommand
from iwf_py.model.decisions import GRACEFUL_COMPLETING, Decision, Movement
from iwf_py.model.invocations import ExecuteResult, Publication, WaitUntilResult, Writes
from iwf_py.model.options import CallOptions, PersistenceLoadingPolicy, StateOptions
from iwf_py.model.payload import Payload
from iwf_py.model.requests import StartRequest
from iwf_py.model.status import PersistenceLoadingType, Phase

NOON = datetime(2024, 5, 1, 12, tzinfo=UTC)
VALUE = Payload("json/plain", '"some text of an ordinary length"')
SKIP = StateOptions(skip_wait_until=True)
LOCK = PersistenceLoadingPolicy(PersistenceLoadingType.LOAD_ALL_WITH_PARTIAL_LOCK, locking_keys=("a",))
LOCKING = StateOptions(skip_wait_until=True, execute=CallOptions(attributes=LOCK))


def after(record: Record | None, *events: Event) -> Record:
    for event in events:
        turn = advance(record, event)
        assert turn.changes, turn.answer
        record = turn.record
    assert record is not None
    return record


def started(start: Movement | None = None) -> Started:
    request = StartRequest(workflow_id="w", workflow_type="W", start=start, timeout=timedelta(days=1))
    return Started(at=NOON, request=request, run_id="run-1")


def fan_out(count: int, options: StateOptions | None) -> Record:
    """A run with *count* states beside A-1, which has to decide yet; all are invoked."""
    record = after(None, started(Movement("Split", None, SKIP)))
    number = 1
    while count > 0:
        more = min(count, 900)
        decided = (Movement("Split", None, SKIP), *(Movement("B", None, options) for _ in range(more)))
        record = after(
            record, ExecuteReturned(at=NOON, number=number, result=ExecuteResult(decision=Decision(decided)))
        )
        number = record.opened - more
        count -= more
    return after(
        record,
        ExecuteReturned(at=NOON, number=number, result=ExecuteResult(decision=Decision((Movement("A", None, SKIP),)))),
    )


def waiting(record: Record, request: CommandRequest) -> Record:
    for number in sorted(record.states):
        if record.states[number].state_id == "B":
            record = after(record, WaitUntilReturned(at=NOON, number=number, result=WaitUntilResult(commands=request)))
    return record


def attributes(count: int) -> AttributesSet:
    return AttributesSet(at=NOON, attributes=tuple((f"key-{number}", VALUE) for number in range(count)))


def moves(record: Record, writes: Writes | None = None) -> Event:
    decision = Decision((Movement("A", VALUE, SKIP),))
    return ExecuteReturned(
        at=NOON, number=record.opened, result=ExecuteResult(decision=decision, writes=writes or Writes())
    )


def cases(size: int) -> Iterator[tuple[str, Record | None, Event]]:
    single = after(None, started(Movement("A", VALUE, SKIP)))
    yield "start", None, started(Movement("A", VALUE, SKIP))
    yield "move", single, moves(single)
    done = Decision((Movement(GRACEFUL_COMPLETING, VALUE),))
    yield "complete", single, ExecuteReturned(at=NOON, number=1, result=ExecuteResult(decision=done))

    rich = after(single, attributes(size))
    writes = Writes(attributes=(("key-1", VALUE),), messages=(Publication(channel_name="c", value=VALUE),))
    yield "attributes: move, write one, publish one", rich, moves(rich, writes)
    yield "attributes: set one", rich, AttributesSet(at=NOON, attributes=(("key-2", VALUE),))

    full = single
    for _ in range(min(size, 9_999)):
        full = after(full, Signalled(at=NOON, channel_name="s", value=VALUE))
    yield "messages: signal", full, Signalled(at=NOON, channel_name="s", value=VALUE)
    waits = after(
        full, ExecuteReturned(at=NOON, number=1, result=ExecuteResult(decision=Decision((Movement("W", None, None),))))
    )
    takes = CommandRequest.for_all_command_completed(SignalChannelCommand.by_name("s"))
    yield "messages: wait and take", waits, WaitUntilReturned(at=NOON, number=2, result=WaitUntilResult(commands=takes))

    crowd = fan_out(size, None)
    yield "states: move", crowd, moves(crowd)
    either = CommandRequest.for_any_command_completed(
        TimerCommand.by_seconds(60), InternalChannelCommand.by_name("i"), SignalChannelCommand.by_name("s")
    )
    yield (
        "states: wait",
        crowd,
        WaitUntilReturned(at=NOON, number=_oldest(crowd), result=WaitUntilResult(commands=either)),
    )
    idle = waiting(crowd, either)
    yield "states: signal the oldest of all", idle, Signalled(at=NOON, channel_name="s", value=VALUE)
    yield (
        "states: fire the youngest",
        idle,
        TimerFired(at=NOON + timedelta(seconds=60), number=idle.opened - 1, index=0),
    )
    greedy = CommandRequest.for_all_command_completed(SignalChannelCommand.by_name("s", at_least=5))
    declining = waiting(crowd, greedy)
    yield "states: signal that all decline", declining, Signalled(at=NOON, channel_name="s", value=VALUE)

    alone = after(None, started(Movement("W", None, None)))
    skip = TimerSkipped(at=NOON, state_execution_id="W-1", command_id="t")
    keeping = after(alone, *[skip] * min(size, 900))
    yield "skips: keep one more", keeping, skip
    yield "skips: signal", keeping, Signalled(at=NOON, channel_name="s", value=VALUE)
    foreign = after(
        alone,
        *[
            TimerSkipped(at=NOON, state_execution_id=f"V-{number}", index=0, is_reapplied=True)
            for number in range(1, min(size, 900))
        ],
        skip,
    )
    timed = CommandRequest.for_all_command_completed(TimerCommand.by_seconds(60, "t"))
    yield (
        "skips: wait and apply one",
        foreign,
        WaitUntilReturned(at=NOON, number=1, result=WaitUntilResult(commands=timed)),
    )

    late = TimerSkipped(at=NOON, state_execution_id=f"B-{min(size, 900)}", index=0)
    yield "skips: keep one for a state of many", crowd, late

    until_empty = CommandRequest.for_all_command_completed(SignalChannelCommand.until_empty("s"))
    filled = waiting(after(crowd, Signalled(at=NOON, channel_name="s", value=VALUE)), until_empty)
    yield "empty channels: signal one for which all wait", filled, Signalled(at=NOON, channel_name="s", value=VALUE)
    one = CommandRequest.for_any_command_completed(SignalChannelCommand.by_name("s"))
    takes_last, leaves_last = _with_taker(filled, one)
    yield "empty channels: take the last message", takes_last[0], takes_last[1]
    yield "empty channels: finish one of two messages", leaves_last[0], leaves_last[1]
    yield "empty channels: move beside those who wait", filled, moves(filled)

    queue = fan_out(size, LOCKING)
    yield "locks: pass on to the next in the queue", queue, _leaves_first(queue)


def _oldest(record: Record) -> int:
    return min(number for number, state in record.states.items() if state.state_id == "B")


def _with_taker(
    record: Record, one: CommandRequest
) -> tuple[tuple[Record, WaitUntilReturned], tuple[Record, ExecuteReturned]]:
    """Beside those who wait for the empty channel: one who is about to take of it, and one who leaves with what it took."""
    taking = Decision((Movement("T", None, None), Movement("T", None, None)))
    record = after(record, ExecuteReturned(at=NOON, number=record.opened, result=ExecuteResult(decision=taking)))
    result = WaitUntilResult(commands=one)
    first = WaitUntilReturned(at=NOON, number=record.opened - 1, result=result)
    second = WaitUntilReturned(at=NOON, number=record.opened, result=result)
    both = after(record, Signalled(at=NOON, channel_name="s", value=VALUE), first, second)
    end = ExecuteResult(decision=Decision((Movement("_SYS_DEAD_END"),)))
    return (record, first), (both, ExecuteReturned(at=NOON, number=record.opened, result=end))


def _leaves_first(record: Record) -> Event:
    decision = Decision((Movement("_SYS_DEAD_END"),))
    return ExecuteReturned(at=NOON, number=_oldest(record), result=ExecuteResult(decision=decision))


def measure(call: Callable[[], object], seconds: float) -> float:
    """The best mean of a few rounds, in microseconds: what else the machine does only ever adds."""
    call()
    best = float("inf")
    rounds = 5
    for _ in range(rounds):
        count, begin = 0, time.perf_counter()
        while True:
            for _ in range(100):
                call()
            count += 100
            spent = time.perf_counter() - begin
            if spent >= seconds / rounds:
                break
        best = min(best, spent / count)
    return best * 1e6


def views(size: int) -> Iterator[tuple[str, Callable[[], object]]]:
    """What a host asks of the core beside the turn, for each call of user code."""
    record = after(None, started(Movement("A", VALUE, SKIP)), attributes(size))
    task = TaskState(number=1, phase=Phase.EXECUTE, epoch=1, first_at=NOON)
    outcome = ExecuteResult(decision=Decision((Movement("A", VALUE, SKIP),)))
    yield "views: make an invocation", lambda: invocation(record, 1, attempt=1, first_attempt_at=NOON)
    yield "attempts: accept an outcome", lambda: judge(task, record, outcome, NOON)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", default="10,10000")
    parser.add_argument("--seconds", type=float, default=0.3)
    options = parser.parse_args()
    for size in map(int, options.sizes.split(",")):
        for name, record, event in cases(size):
            spent = measure(lambda record=record, event=event: advance(record, event), options.seconds)
            report(name, size, spent)
        for name, call in views(size):
            report(name, size, measure(call, options.seconds))


def report(name: str, size: int, spent: float) -> None:
    print(json.dumps({"benchmark": "core_turn", "case": name, "size": size, "microseconds": round(spent, 2)}))


if __name__ == "__main__":
    main()
