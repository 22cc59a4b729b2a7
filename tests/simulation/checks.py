"""What must hold after every commit, and once nothing moves any more."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from attrs import evolve

from iwf_py.core.attempts import TaskState
from iwf_py.core.changes import (
    ChannelsEmptied,
    ConfigChanged,
    ExecutionClosed,
    ExecutionOpened,
    ExecutionReset,
    GracefulCloseRequested,
    MessageTaken,
    SkipKept,
    StateLeft,
    StateWaiting,
    TimerCompleted,
)
from iwf_py.core.events import (
    DEADLINE,
    RUN_TIMERS,
    START_DELAY,
    AttemptsExhausted,
    AttributesSet,
    ExecuteReturned,
    Published,
    RunReset,
    Signalled,
    TimerFired,
    TimerSkipped,
    WaitUntilReturned,
)
from iwf_py.core.invariants import check
from iwf_py.core.parts import restore, stored
from iwf_py.core.record import Record
from iwf_py.core.rewind import audit, differences
from iwf_py.model.history import HistoryEntry
from iwf_py.model.ids import EPOCH, WorkflowKey
from iwf_py.model.invocations import ExecuteResult, Fence, Outcome, Task, WaitUntilResult, Writes
from iwf_py.model.status import Phase, WorkflowStatus
from iwf_py.store.unit import Batch, RunWrite
from tests.core.laws import check_changes
from tests.simulation.ledger import Ledger
from tests.simulation.lookout import Lookout
from tests.simulation.world import World, WorldCalendar

_TOKEN_END = "."

# Changes that must have happened at least once.
_COUNTED = {
    ChannelsEmptied: "channel was empty",
    ConfigChanged: "settings changed",
    MessageTaken: "message taken",
    SkipKept: "skip kept",
    StateLeft: "state left",
}


class _Run:
    """What the checks remember of one run."""

    def __init__(self, row: int, record: Record) -> None:
        self.row = row
        self.key = record.key
        self.run_id = record.run_id
        self.seq = 0
        self.base: int | None = None
        # The commits in which it was opened, and closed.
        self.opened_by = 0
        self.closed_by = 0
        self.last_at = record.started.at
        self.record = record
        self.results: set[tuple[int, Phase]] = set()
        self.due: dict[tuple[int, int], datetime] = {}
        self.done: set[tuple[int, int]] = set()
        self.taken: dict[tuple[str, str], int] = {}
        self.attempts: dict[tuple[int, Phase], int] = {}
        self.given: dict[tuple[int, Phase], int] = {}


class Checks:
    """
    Looks at every batch as it is committed.

    Args:
        real: The store itself, without faults.

        lookout: Is told what others wait for.
    """

    def __init__(self, world: World, ledger: Ledger, real: Any, lookout: Lookout) -> None:
        self._world = world
        self._ledger = ledger
        self._lookout = lookout
        self._real = real
        self.runs: dict[int, _Run] = {}
        self.latest: dict[WorkflowKey, _Run] = {}
        self._commits = 0
        self._out: set[Fence] = set()
        # By what it wrote: the call that an outcome was made for.
        self._made_for: dict[Any, Fence] = {}

    def _violate(self, run: _Run, text: str) -> None:
        self._world.violate(f"{run.key.workflow_id} (row {run.row}): {text}")

    # After every commit.

    def committed(self, batch: Batch, entries: tuple[HistoryEntry, ...]) -> None:
        """Look at what stands now."""
        # Engines number their batches from one, each of them.
        self._commits += 1
        timed_out = set()
        for write in batch.writes:
            self._look(write)
            closed = write.record.closed
            if closed is not None:
                self.runs[write.row].closed_by = self._commits
            if write.copied is not None:
                self._look_at_reset(self.runs[write.row], write, batch)
            if closed is not None and closed.status is WorkflowStatus.TIMEOUT:
                timed_out.add((write.record.run_id, write.record.seq))
        for write in batch.writes:
            self._look_at_schedule(self.runs[write.row])
        for entry in entries:
            # What comes after the deadline closes the run, and has no other effect.
            if (entry.run_id, entry.seq) not in timed_out:
                self._find_tokens(entry)

    def _look(self, write: RunWrite) -> None:
        record = write.record
        run = self.runs.get(write.row)
        if run is None:
            run = self.runs[write.row] = _Run(write.row, record)
            run.opened_by = self._commits
            before = self.latest.get(run.key)
            if write.copied is not None:
                run.base, run.seq = write.copied.row, write.copied.until
            if before is not None and before.record.is_open:
                self._violate(run, "a run was opened while another is open")
            self.latest[run.key] = run
        elif run.record.closed is not None:
            self._violate(run, "something was written after the run closed")
        self._look_at_history(run, write)
        if write.copied is None:
            self._count_races(write)
            try:
                check_changes(None if write.is_new else run.record, write.changes)
            except AssertionError as error:
                self._violate(run, f"a change broke a law: {error}")
        for change in write.changes:
            self._look_at_change(run, change)
            self._lookout.committed(run.run_id, change)
        for task in write.tasks:
            if task.after is not None:
                self._look_at_task(run, task.after)
        run.record = record
        for problem in check(record):
            self._violate(run, problem)
        self._compare_with_rows(run)

    def _look_at_history(self, run: _Run, write: RunWrite) -> None:
        """History has no gaps, and never runs back."""
        for entry in write.entries:
            if entry.seq != run.seq + 1:
                self._violate(run, f"history goes from {run.seq} to {entry.seq}")
            if entry.event.at < run.last_at:
                self._violate(run, f"history runs back in time at {entry.seq}")
            run.seq, run.last_at = entry.seq, entry.event.at
            self._look_at_event(run, entry.event)
        if write.entries and write.record.seq != run.seq:
            self._violate(run, f"the record is at {write.record.seq}, its history at {run.seq}")

    def _look_at_reset(self, run: _Run, write: RunWrite, batch: Batch) -> None:
        """A reset is a batch of its own, which closes the run that was open, and applies again what it says."""
        counts = self._world.sometimes
        assert write.copied is not None
        reset = write.entries[0].event
        base = self.runs[write.copied.row]
        if not isinstance(reset, RunReset) or len(write.entries) != 1 + reset.reapplied:
            self._violate(run, f"a reset wrote {len(write.entries)} entries, the first is {reset}")
            return
        if reset.base_run_id != base.run_id or write.copied.until > base.seq:
            self._violate(run, f"{write.copied} does not fit {reset}, whose base is at {base.seq}")
        others = [other for other in self.runs.values() if other.key == run.key and other is not run]
        ended = [other for other in others if other.closed_by == self._commits]
        if len(batch.writes) != 1 + len(ended):
            self._violate(run, f"a reset was written together with {len(batch.writes) - 1} others")
        for other in ended:
            counts["reset of an id with an open run"] += 1
            if other.record.status not in (WorkflowStatus.TERMINATED, WorkflowStatus.TIMEOUT):
                self._violate(run, f"the run that was open is {other.record.status.value}")
        self._ledger.reapplied |= {(run.run_id, entry.seq) for entry in write.entries[1:]}
        counts["run reset"] += 1
        counts["applied again"] += reset.reapplied
        counts["reset of a run that was reset"] += base.base is not None

    def _look_at_schedule(self, run: _Run) -> None:
        """A schedule has neither gaps nor doubles: each end of a run opens the next, for the first tick that is still to come."""
        record = run.record
        cron, started, chain = record.started.request.cron, record.started, record.chain
        if cron is None:
            return
        if chain.reason not in ("cron", "retry", "reset"):
            expected = WorldCalendar().next_tick(cron, started.at + started.request.start_delay)
            if started.tick != expected:
                self._violate(run, f"its first tick is {started.tick} instead of {expected}")
        if record.closed is None:
            return
        following = [
            other.record.started
            for other in self.runs.values()
            if other.record.chain.reason == "cron" and other.record.chain.previous_run_id == run.run_id
        ]
        assert started.tick is not None
        tick = WorldCalendar().next_tick(cron, max(record.closed.at, started.tick))
        # One that was over its time when a reset took its place is followed by that alone.
        is_replaced = any(
            other.record.chain.reason == "reset" and other.key == run.key and other.opened_by == run.closed_by
            for other in self.runs.values()
        )
        is_ended = is_replaced or record.status in (WorkflowStatus.CANCELED, WorkflowStatus.TERMINATED)
        expected = [] if is_ended or record.successor is not None or tick is None else [tick]
        if [other.tick for other in following] != expected:
            self._violate(run, f"it ended {record.status.value}, and what follows in its schedule is {following}")
        if following:
            self._world.sometimes["schedule went on"] += 1
            missed = WorldCalendar().next_tick(cron, started.tick)
            self._world.sometimes["tick missed"] += missed is not None and missed != following[0].tick
        elif is_ended:
            self._world.sometimes["schedule ended by a client"] += 1

    def _look_at_task(self, run: _Run, task: TaskState) -> None:
        """Attempts are counted one by one, and none that was not given out."""
        place = task.number, task.phase
        known = run.attempts.get(place, task.failures)
        if task.failures > known + 1:
            self._violate(run, f"a failure of {place} was counted more than once")
        if task.failures < known:
            self._violate(run, f"failures of {place} were forgotten")
        if task.failures > run.given.get(place, 0):
            self._violate(run, f"{place} has {task.failures} failures, given out was {run.given.get(place)}")
        if task.failures:
            self._world.sometimes["attempt failed"] += 1
        run.attempts[place] = task.failures

    def _look_at_fence(self, run: _Run, number: int, phase: Phase, writes: Writes) -> None:
        """What counts is the outcome of the attempt that is outstanding, made for the engine that serves."""
        attempt = run.attempts.get((number, phase), 0) + 1
        fence = Fence(run.run_id, number, phase, self._real.epoch, attempt)
        made_for = self._made_for[writes.attributes]
        if made_for != fence:
            self._violate(run, f"the outcome of {made_for} was taken for that of {fence}")

    def _compare_with_rows(self, run: _Run) -> None:
        loaded = self._real.load(run.row)
        if loaded is None:
            self._violate(run, "its rows are missing")
            return
        expected = run.record if run.record.is_open else restore(stored(run.record))
        for difference in differences(loaded.record, expected):
            self._violate(run, f"rows and record differ: {difference}")
        if loaded.parked is not None:
            self._violate(run, f"parked: {loaded.parked}")

    def _count_races(self, write: RunWrite) -> None:
        """Count what is known to be hard."""
        counts = self._world.sometimes
        fired = {
            (entry.event.number, entry.event.index) for entry in write.entries if isinstance(entry.event, TimerFired)
        }
        for change in write.changes:
            if isinstance(change, TimerCompleted) and not change.skipped:
                # Due, but another event had its turn first.
                counts["timer lost its race"] += (change.number, change.index) not in fired
        events = [entry.event for entry in write.entries]
        if len(events) == 1 and isinstance(events[0], ExecuteReturned) and events[0].result.decision.conditional_close:
            is_met = any(isinstance(change, ExecutionClosed | GracefulCloseRequested) for change in write.changes)
            counts["conditional close met" if is_met else "conditional close not met"] += 1
        counts["several turns in one commit"] += len(events) > 1

    def _look_at_event(self, run: _Run, event: Any) -> None:
        counts = self._world.sometimes
        match event:
            case WaitUntilReturned() | ExecuteReturned() | AttemptsExhausted():
                if isinstance(event, AttemptsExhausted):
                    phase = event.phase
                    counts["attempts exhausted"] += 1
                else:
                    phase = Phase.WAIT_UNTIL if isinstance(event, WaitUntilReturned) else Phase.EXECUTE
                if not isinstance(event, AttemptsExhausted):
                    self._look_at_fence(run, event.number, phase, event.result.writes)
                if (event.number, phase) in run.results:
                    self._violate(run, f"state {event.number} has a second result of {phase.value}")
                run.results.add((event.number, phase))
            case TimerFired():
                due = run.due.get((event.number, event.index))
                if due is not None and (event.at < due or self._world.now < due):
                    self._violate(run, f"timer {event.number}/{event.index} fired early")
                counts["timer fired"] += 1
            case TimerSkipped():
                counts["timer skipped"] += 1

    def _look_at_change(self, run: _Run, change: Any) -> None:
        counts = self._world.sometimes
        if type(change) in _COUNTED:
            counts[_COUNTED[type(change)]] += 1
        match change:
            case ExecutionOpened() | ExecutionReset():
                self._look_at_opening(run, change)
            case StateWaiting():
                for index, due in enumerate(change.due):
                    run.due[change.number, index] = due
            case TimerCompleted():
                place = change.number, change.index
                if place in run.done:
                    self._violate(run, f"timer {place} completed twice")
                run.done.add(place)
            case MessageTaken():
                channel = change.family.value, change.channel_name
                if change.number <= run.taken.get(channel, -1):
                    self._violate(run, f"channel {channel} was not taken from in order")
                run.taken[channel] = change.number
            case ExecutionClosed():
                counts[f"closed {change.status.value}"] += 1

    def _look_at_opening(self, run: _Run, change: ExecutionOpened | ExecutionReset) -> None:
        """Remember when the run times out, and when its delay ends."""
        run.due.pop((RUN_TIMERS, DEADLINE), None)
        if change.chain.deadline is not None:
            run.due[RUN_TIMERS, DEADLINE] = change.chain.deadline
        if isinstance(change, ExecutionOpened):
            if change.starts_at is not None:
                run.due[RUN_TIMERS, START_DELAY] = change.starts_at
            self._world.sometimes["run opened" if change.chain.run_attempt == 1 else "run retried"] += 1

    def _find_tokens(self, entry: HistoryEntry) -> None:
        text, start = entry.event, 0
        while (start := text.find("tok-", start)) >= 0:
            end = text.index(_TOKEN_END, start) + 1
            places = self._ledger.committed.setdefault(text[start:end], [])
            place = entry.run_id, entry.seq, entry.kind
            if not places or places[-1] != place:
                places.append(place)
            start = end

    # When a worker takes a call.

    def took(self, task: Task, *, is_in_doubt: bool) -> None:
        """Look at a call that a worker begins."""
        fence = task.fence
        if fence in self._out:
            self._world.violate(f"{fence} was given out twice")
        self._out.add(fence)
        if fence.phase is Phase.RPC and fence.number < 0:
            return
        run = next((run for run in self.runs.values() if run.run_id == fence.run_id), None)
        if run is None:
            self._world.violate(f"{fence} was given out before its run was committed")
            return
        run.given[fence.number, fence.phase] = max(fence.attempt, run.given.get((fence.number, fence.phase), 0))
        if is_in_doubt:
            return
        if run.record.closed is not None:
            self._violate(run, f"{fence} was given out after its run had closed")
        elif fence.phase is not Phase.RPC:
            state = run.record.states.get(fence.number)
            if state is None or state.phase is not fence.phase or not state.is_invoked:
                self._violate(run, f"{fence} was given out, but is not outstanding")

    def answered(self, task: Task, outcome: Outcome) -> None:
        """Remember what a handler made of a call; what each one writes is its own."""
        if isinstance(outcome, WaitUntilResult | ExecuteResult):
            self._made_for[outcome.writes.attributes] = task.fence

    # Once nothing moves any more.

    def at_rest(self, engine: Any) -> None:
        """Everything that can go on has gone on; memory, rows and history say the same."""
        for run in self.runs.values():
            self._audit(run)
            live = engine._cache.get(run.key)
            if live is not None and live.row == run.row:
                expected = run.record if run.record.is_open else restore(stored(run.record))
                kept = live.record if live.record.is_open else restore(stored(live.record))
                for difference in differences(kept, expected):
                    self._violate(run, f"memory and record differ: {difference}")
                if live.parked is not None:
                    self._violate(run, f"parked: {live.parked}")
            if run.record.is_open:
                self._look_for_life(run)
            elif run.record.successor is not None:
                following = run.record.successor.next.run_id
                if all(other.run_id != following for other in self.runs.values()):
                    self._violate(run, f"its successor {following} was never opened")
        self._look_at_resets()
        if len(engine._dispatch):
            self._world.violate(f"calls are still out: {list(engine._dispatch._out)}")

    def _look_at_resets(self) -> None:
        """What was asked for is what became of it: no message that came after the point is missing, or too much."""
        by_id = {run.run_id: run for run in self.runs.values()}
        for operation in self._ledger.operations:
            if operation.what != "reset" or not operation.is_acknowledged:
                continue
            run = by_id.get(operation.value)
            if run is None or run.base is None:
                self._world.violate(
                    f"{operation.workflow_id} was reset to {operation.value}, which is no run that was reset"
                )
                continue
            events, base = self._events(run), self._events(self.runs[run.base])
            at = next(
                at for at, event in enumerate(events) if isinstance(event, RunReset) and event.run_id == run.run_id
            )
            if self.runs[run.base].record.status is WorkflowStatus.TIMEOUT:
                # Whatever came at the deadline had no effect but to close the run.
                base.pop()
            later = [] if operation.request.skip_signal_reapply else _sent(base[at:])
            if _sent(events[at + 1 : at + 1 + events[at].reapplied]) != later:
                self._violate(
                    run, f"applied again was not what came to run {self.runs[run.base].run_id} after entry {at}"
                )

    def _events(self, run: _Run) -> list[Any]:
        events: list[Any] = []
        while page := self._real.events(run.row, len(events), 1000):
            events += [event for _, event in page]
        return events

    def _audit(self, run: _Run) -> None:
        events = self._events(run)
        loaded = self._real.load(run.row)
        for problem in audit(events, stored(loaded.record)):
            self._violate(run, f"history and rows differ: {problem}")

    def _look_for_life(self, run: _Run) -> None:
        """An open run has nothing left but channels that nobody fills."""
        record = run.record
        if record.starts_at is not None or record.deadline is not None:
            self._violate(run, "still waits for its delay or its deadline")
        if len(record.rpcs):
            self._violate(run, f"RPCs are still open: {sorted(record.rpcs)}")
        for number in sorted(record.states):
            state = record.states[number]
            if state.phase is not Phase.WAITING:
                self._violate(run, f"{state.execution_id} is stuck in {state.phase.value}")
            elif state.waiting is not None and None in state.waiting.timers:
                self._violate(run, f"{state.execution_id} still waits for a timer: {state.waiting.due}")


def _sent(events: list[Any]) -> list[Any]:
    """Tell what clients sent that nothing can refuse, whenever it came."""
    return [evolve(event, at=EPOCH) for event in events if isinstance(event, Signalled | Published | AttributesSet)]
