"""What one batch does to one workflow id: its turns, folded until they are written in one transaction.

A sheet starts from what was last committed and never changes it, so that a batch that fails leaves
nothing behind. Runs that follow each other within the batch stand on one sheet.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime

from attrs import evolve, frozen

from iwf_py.core.advance import advance
from iwf_py.core.attempts import TaskState
from iwf_py.core.changes import Change
from iwf_py.core.effects import Answer, Invoke
from iwf_py.core.events import Event
from iwf_py.core.invariants import check
from iwf_py.core.maps import EMPTY, Map
from iwf_py.core.past import Branch
from iwf_py.core.record import Record
from iwf_py.core.step import Turn
from iwf_py.core.succession import NextTick, Turns, turns_of
from iwf_py.errors import TransitionError
from iwf_py.model.ids import WorkflowKey
from iwf_py.model.invocations import Invocation
from iwf_py.model.status import Phase
from iwf_py.runtime.cache import Live
from iwf_py.store.unit import Copied, Entry, RunWrite, TaskWrite


class RunSheet:
    """
    What one batch does to one run.

    Attributes:
        is_new: It is opened in this batch.

        record: As it stands after the turns so far.

        tasks: The calls outstanding after them, by state number.

        pins: See `Live`.

        parked: Why no further turn is taken, or None.

        parks: What *parked* says is new, and to be written.

        ended: The calls that were outstanding when the run closed.

        copied: The history of another run that it begins with, or None.
    """

    __slots__ = (
        "_writes",
        "changes",
        "copied",
        "ended",
        "entries",
        "is_new",
        "parked",
        "parks",
        "pins",
        "record",
        "row",
        "tasks",
    )

    def __init__(self, row: int, record: Record) -> None:
        self.row = row
        self.record = record
        self.is_new = False
        self.tasks: Map[int, TaskState] = EMPTY
        self.pins: Map[int, Invocation] = EMPTY
        self.parked: str | None = None
        self.parks = False
        self.ended: tuple[TaskState, ...] = ()
        self.copied: Copied | None = None
        self.changes: list[Change] = []
        self.entries: list[Entry] = []
        self._writes: dict[tuple[int, Phase], TaskWrite] = {}

    @classmethod
    def of(cls, live: Live) -> RunSheet:
        """Begin with what was last committed."""
        sheet = cls(live.row, live.record)
        sheet.tasks = live.tasks
        sheet.pins = live.pins
        sheet.parked = live.parked
        return sheet

    @property
    def live(self) -> Live:
        """The run as it is to be shown after the commit."""
        return Live(self.row, self.record, self.tasks, self.pins, self.parked)

    def comes_to(self, entries: int) -> bool:
        """Does its history come to a multiple of so many entries in this batch?"""
        seq = self.record.seq
        return (seq - len(self.entries)) // entries < seq // entries

    def fold(self, event: Event, turn: Turn, epoch: int) -> None:
        """Take a turn that changes something: its record, its changes, and the calls that it begins."""
        assert turn.record is not None
        self.record = turn.record
        self.changes.extend(turn.changes)
        self.entries.append(Entry(seq=turn.record.seq, event=event))
        for effect in turn.effects:
            if type(effect) is Invoke:
                task = TaskState(number=effect.number, phase=effect.phase, epoch=epoch, first_at=event.at)
                self._write(None, task)
        if turn.record.closed is not None:
            # Closing ends all calls of a run by itself.
            self.ended = tuple(self.tasks.values())
            self.tasks = self.pins = EMPTY
            self._writes.clear()
            if self.parked is not None:
                self.parked, self.parks = None, True

    def end(self, task: TaskState) -> None:
        """Note that a call is over."""
        if self.record.closed is None:
            self._write(task, None)
            if task.number in self.pins:
                self.pins = self.pins.remove(task.number)

    def retry(self, task: TaskState, after: TaskState, pin: Invocation | None) -> None:
        """Note that a call is to be tried again."""
        self._write(task, after)
        if pin is not None:
            self.pins = self.pins.insert(task.number, pin)

    def park(self, reason: str) -> None:
        """Take no further turn of this run."""
        self.parked = reason
        self.parks = True

    def unpark(self) -> None:
        """Take turns of this run again."""
        self.parked = None
        self.parks = True

    def write(self) -> RunWrite | None:
        """Tell what is to be written; None when nothing is."""
        if not self.changes and not self._writes:
            return None
        return RunWrite(
            row=self.row,
            is_new=self.is_new,
            record=self.record,
            changes=tuple(self.changes),
            entries=tuple(self.entries),
            tasks=tuple(self._writes.values()),
            copied=self.copied,
        )

    def _write(self, before: TaskState | None, after: TaskState | None) -> None:
        one = after or before
        assert one is not None
        key = one.number, one.phase
        known = self._writes.get(key)
        if known is not None:
            before = known.before
        self._writes[key] = TaskWrite(before=before, after=after)
        if after is not None:
            self.tasks = self.tasks.insert(one.number, after)
        elif (task := self.tasks.get(one.number)) is not None and task.phase is one.phase:
            # The state's next call may have taken its place in this same turn.
            self.tasks = self.tasks.remove(one.number)


@frozen
class Move:
    """One turn of one run."""

    run: RunSheet
    turn: Turn
    event: Event


class Sheet:
    """
    What one batch does to one workflow id.

    Attributes:
        latest: The latest run, or None.

        changes: How many its turns have brought.
    """

    __slots__ = ("_checks", "_epoch", "_next_row", "_next_tick", "changes", "key", "latest", "runs")

    def __init__(
        self,
        key: WorkflowKey,
        live: Live | None,
        epoch: int,
        next_row: Callable[[], int],
        next_tick: NextTick,
        *,
        checks: bool,
    ) -> None:
        self.key = key
        self.runs: list[RunSheet] = [] if live is None else [RunSheet.of(live)]
        self.latest: RunSheet | None = self.runs[0] if self.runs else None
        self.changes = 0
        self._epoch = epoch
        self._next_row = next_row
        self._next_tick = next_tick
        self._checks = checks

    def find(self, run_id: str) -> RunSheet | None:
        """Find a run that stands here, by its id."""
        return next((run for run in reversed(self.runs) if run.record.run_id == run_id), None)

    def instant(self, now: datetime, run: RunSheet | None) -> datetime:
        """Tell the time of an event: now, but not before the last event of its run."""
        return now if run is None or now >= run.record.last_at else run.record.last_at

    def advance(self, run: RunSheet | None, event: Event) -> tuple[Answer, tuple[Move, ...]]:
        """
        Take a turn, and those of the runs that follow from it.

        Errors:
            TransitionError: The event does not fit, or the record would be broken; nothing was taken.
        """
        answer, turns = turns_of(None if run is None else run.record, event, self._next_tick)
        self._check(turns)
        return answer, tuple(self._take(run, turns))

    def branch(self, base: int, branch: Branch, ending: Event | None, ahead: Iterable[Entry]) -> tuple[Move, ...]:
        """
        Open a run that begins with the past of another.

        Args:
            base: The row of that other one.

            ending: What closes the latest run, where that is open.

            ahead: Entries of the branch's turns that were made already.

        Errors:
            TransitionError: A record would be broken; nothing was taken.
        """
        latest, turns = self.latest, branch.turns
        # What follows it is the new run, and nothing else, even where its deadline has come and it has a schedule.
        ended: Turns = [] if latest is None or ending is None else [(advance(latest.record, ending), ending)]
        self._check([*ended, *turns])
        moves = self._take(latest, ended)
        run = self._open(branch.record)
        run.copied = Copied(base, branch.kept)
        run.changes = list(branch.changes)
        self.changes += len(run.changes)
        for move in self._take(run, turns):
            # All that was applied again comes before what is called again.
            moves.append(evolve(move, turn=evolve(move.turn, record=run.record)))
        for entry in ahead:
            run.entries[entry.seq - branch.kept - 1] = entry
        return tuple(moves)

    def _take(self, run: RunSheet | None, turns: Iterable[tuple[Turn, Event]]) -> list[Move]:
        moves = []
        for turn, caused_by in turns:
            if turn.record is None or not turn.changes:
                continue
            if turn.opens:
                run = self._open(turn.record)
            assert run is not None
            run.fold(caused_by, turn, self._epoch)
            self.changes += len(turn.changes)
            moves.append(Move(run, turn, caused_by))
        return moves

    def _open(self, record: Record) -> RunSheet:
        run = RunSheet(self._next_row(), record)
        run.is_new = True
        self.runs.append(run)
        self.latest = run
        return run

    def _check(self, turns: Iterable[tuple[Turn, Event]]) -> None:
        if self._checks:
            for turn, _ in turns:
                problems = check(turn.record) if turn.record is not None else []
                if problems:
                    raise TransitionError("; ".join(problems))
