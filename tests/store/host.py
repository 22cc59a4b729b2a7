"""A host in small: advances events, keeps tasks as an engine does, and writes a batch when told."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from attrs import define, evolve, field

from iwf_py.core.advance import Turn, advance
from iwf_py.core.attempts import TaskState
from iwf_py.core.changes import Change, ExecutionClosed, StateInvoked, StateLeft, StateWaiting, Succeeded
from iwf_py.core.events import Event, Started
from iwf_py.core.past import Past
from iwf_py.core.record import Record
from iwf_py.core.rewind import rewind
from iwf_py.model.decisions import Decision, Movement
from iwf_py.model.history import HistoryEntry
from iwf_py.model.ids import WorkflowKey
from iwf_py.model.invocations import ExecuteResult, Failure, WaitUntilResult, Writes
from iwf_py.model.options import StateOptions
from iwf_py.model.payload import Payload
from iwf_py.model.requests import ResetRequest, StartRequest
from iwf_py.store.unit import Batch, Copied, Entry, RunWrite, Store, TaskWrite

NOON = datetime(2024, 5, 1, 12, tzinfo=UTC)
SKIP = StateOptions(skip_wait_until=True)


def sealed(text: str) -> Payload:
    return Payload("json/plain", f'"{text}"')


def to(state_id: str, options: StateOptions | None = SKIP, input: Payload | None = None) -> Movement:
    return Movement(state_id, input, options)


@define
class Run:
    """A run in the host's hands, and what of it is not written yet."""

    row: int
    record: Record
    is_new: bool = True
    copied: Copied | None = None
    changes: list[Change] = field(factory=list)
    entries: list[Entry] = field(factory=list)
    tasks: dict[int, TaskState] = field(factory=dict)
    stored_tasks: dict[int, TaskState] = field(factory=dict)

    def write(self) -> RunWrite:
        return RunWrite(
            row=self.row,
            is_new=self.is_new,
            record=self.record,
            changes=tuple(self.changes),
            entries=tuple(self.entries),
            tasks=tuple(self._task_writes()),
            copied=self.copied if self.is_new else None,
        )

    def _task_writes(self) -> list[TaskWrite]:
        writes = []
        for number in sorted({*self.tasks, *self.stored_tasks}):
            before, after = self.stored_tasks.get(number), self.tasks.get(number)
            if before == after:
                continue
            if before is not None and after is not None and before.phase is not after.phase:
                writes += [TaskWrite(before=before, after=None), TaskWrite(before=None, after=after)]
            else:
                writes.append(TaskWrite(before=before, after=after))
        return writes

    @property
    def is_dirty(self) -> bool:
        return bool(self.changes) or self.tasks != self.stored_tasks

    def written(self) -> None:
        self.is_new = False
        self.changes, self.entries = [], []
        self.stored_tasks = dict(self.tasks)


class Host:
    """
    All runs that a test deals with.

    Attributes:
        runs: Each workflow's runs, the latest last.

        number: Of the last batch.
    """

    def __init__(self, store: Store, number: int = 0) -> None:
        self.store = store
        self.now = NOON
        self.runs: dict[WorkflowKey, list[Run]] = {}
        self.number = number
        self.run_count = 0

    # Turns

    def start(self, workflow_id: str = "w", start: Movement | None = None, **request: Any) -> Turn:
        self.run_count += 1
        request = {"workflow_type": "W", **request}
        run_id = f"run-{self.run_count:04}"
        return self.send(
            Started(at=self.now, request=StartRequest(workflow_id=workflow_id, start=start, **request), run_id=run_id)
        )

    def send(self, event: Event, workflow_id: str = "w") -> Turn:
        if isinstance(event, Started):
            key = WorkflowKey(event.request.namespace, event.request.workflow_id)
        else:
            key = WorkflowKey("default", workflow_id)
        runs = self.runs.setdefault(key, [])
        latest = runs[-1] if runs else None
        turn = advance(latest.record if latest else None, event)
        if not turn.changes:
            return turn
        assert turn.record is not None
        if turn.opens or latest is None:
            latest = Run(self.store.reserve(1)[0], turn.record)
            runs.append(latest)
        latest.record = turn.record
        latest.changes += turn.changes
        latest.entries.append(Entry(seq=turn.record.seq, event=event))
        self._follow_tasks(latest, turn)
        for change in turn.changes:
            if isinstance(change, Succeeded):
                runs.append(Run(self.store.reserve(1)[0], turn.record))
                self._succeed(runs[-1], change.next)
        return turn

    def send_now(self, kind: type, workflow_id: str = "w", **fields: Any) -> Turn:
        return self.send(kind(at=self.now, **fields), workflow_id)

    def _succeed(self, run: Run, started: Started) -> None:
        turn = advance(None, started)
        assert turn.record is not None
        run.record = turn.record
        run.changes += turn.changes
        run.entries.append(Entry(seq=1, event=started))
        self._follow_tasks(run, turn)

    def reset(self, base: Run, **request: Any) -> Run | None:
        """Reset a run that is written; None where its history does not have the point."""
        workflow_id = base.record.key.workflow_id
        past = Past(ResetRequest(workflow_id=workflow_id, **request))
        for _, event in self.store.events(base.row, limit=10_000):
            past.take(event)
        if past.problem is not None:
            return None
        self.run_count += 1
        latest = self.latest(workflow_id)
        branch = past.branch(f"run-{self.run_count:04}", max(self.now, latest.record.last_at, base.record.last_at))
        branch.bring()
        if latest.record.is_open:
            self.send(branch.ending, workflow_id)
        run = Run(self.store.reserve(1)[0], branch.record, copied=Copied(base.row, branch.kept))
        self.runs[base.record.key].append(run)
        run.changes += branch.changes
        for turn, event in branch.turns:
            assert turn.record is not None
            run.record = turn.record
            run.changes += turn.changes
            run.entries.append(Entry(seq=turn.record.seq, event=event))
            self._follow_tasks(run, turn)
        return run

    def _follow_tasks(self, run: Run, turn: Turn) -> None:
        for change in turn.changes:
            if isinstance(change, StateInvoked):
                run.tasks[change.number] = TaskState(
                    number=change.number, phase=change.phase, epoch=self.store.epoch, first_at=change.at
                )
            elif isinstance(change, StateWaiting | StateLeft):
                run.tasks.pop(change.number, None)
            elif isinstance(change, ExecutionClosed):
                run.tasks.clear()

    def fail(self, number: int, due_at: datetime, workflow_id: str = "w", message: str = "boom") -> TaskState:
        """An attempt failed and is to be tried again."""
        run = self.latest(workflow_id)
        task = run.tasks[number]
        failure = Failure(error_type="ValueError", message=message, attempts=task.failures + 1)
        run.tasks[number] = evolve(task, failures=task.failures + 1, due_at=due_at, last_failure=failure)
        return run.tasks[number]

    # Writing

    def batch(self) -> Batch:
        dirty = [run.write() for runs in self.runs.values() for run in runs if run.is_dirty]
        return Batch(number=self.number + 1, writes=tuple(dirty))

    def commit(self) -> tuple[HistoryEntry, ...]:
        """Write what is not written yet."""
        entries = self.store.commit(self.batch())
        self.stands()
        return entries

    def stands(self) -> None:
        """The last batch is known to stand."""
        self.number += 1
        for runs in self.runs.values():
            for run in runs:
                run.written()

    # Looking

    def latest(self, workflow_id: str = "w") -> Run:
        return self.runs[WorkflowKey("default", workflow_id)][-1]

    def later(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    def check(self) -> None:
        """All that is in memory is what the rows say, and what the history folds to."""
        for key, runs in self.runs.items():
            for run in runs:
                loaded = self.store.load(run.row)
                assert loaded is not None
                assert loaded.record == run.record
                assert {task.number: task for task in loaded.tasks} == run.tasks
                events = self.store.events(run.row, limit=10_000)
                assert [seq for seq, _ in events] == list(range(1, run.record.seq + 1))
                assert rewind(event for _, event in events) == run.record
                assert self.store.find(key, run.record.run_id) == run.row
        assert self.store.latest(list(self.runs)) == {key: runs[-1].row for key, runs in self.runs.items() if runs}


def waits(commands: Any, **fields: Any) -> WaitUntilResult:
    return WaitUntilResult(commands=commands, **fields)


def decides(*movements: Movement, writes: Writes = Writes()) -> ExecuteResult:
    return ExecuteResult(decision=Decision(movements), writes=writes)
