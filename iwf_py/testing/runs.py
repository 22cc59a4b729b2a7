"""The runs of the in-memory host: a record each, its history, and who waits for it.

Here a record changes, by `core.advance` alone; what follows from a turn is handed to the host.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import Any

from attrs import define, field

from iwf_py.codec.snapshots import FORMAT, event_to_text
from iwf_py.core.advance import advance
from iwf_py.core.attempts import TaskState
from iwf_py.core.effects import Answer, Effect
from iwf_py.core.events import Event
from iwf_py.core.facts import facts_of
from iwf_py.core.invariants import check
from iwf_py.core.looks import Expected, Found, Look, look_at
from iwf_py.core.matching import matches
from iwf_py.core.parts import stored
from iwf_py.core.past import Past
from iwf_py.core.record import Record
from iwf_py.core.rewind import audit
from iwf_py.core.step import Turn
from iwf_py.core.succession import NextTick, Turns, turns_of
from iwf_py.core.views import found_run
from iwf_py.errors import ExecutionParkedError, IwfError, TransitionError, WorkflowNotExistsError
from iwf_py.model import queries
from iwf_py.model.history import HistoryEntry
from iwf_py.model.ids import WorkflowKey
from iwf_py.model.payload import Payload
from iwf_py.model.requests import ResetRequest, RpcRequest, RunAddress
from iwf_py.testing.futures import DrivenFuture


@define(eq=False)
class Asked:
    """An RPC and who asked for it."""

    request: RpcRequest
    future: DrivenFuture[Payload | None]


@define(eq=False)
class Waiter:
    """Somebody who waits, and what for."""

    look: Look[Any]
    future: DrivenFuture[Any]


@define(eq=False)
class Run:
    """
    One run as the host keeps it.

    Attributes:
        tasks: The outstanding calls of its states, by state number.

        callers: Who asked for the open locking RPCs, by the RPC's number.

        queue: Locking RPCs that wait for another's keys, in order of arrival.

        waiters: Who waits for something of it.

        parked: Why it is held apart, or None.

        number: Later runs have higher ones.

        closed_in: The number of the turn that closed it, among those of all runs; None while it is open.
    """

    record: Record
    number: int
    history: list[tuple[int, Event]] = field(factory=list)
    tasks: dict[int, TaskState] = field(factory=dict)
    callers: dict[int, DrivenFuture[Payload | None]] = field(factory=dict)
    queue: deque[Asked] = field(factory=deque)
    waiters: list[Waiter] = field(factory=list)
    parked: str | None = None
    closed_in: int | None = None

    def refuse_parked(self) -> None:
        """Raise ExecutionParkedError if this run is held apart."""
        if self.parked is not None:
            request = self.record.started.request
            raise ExecutionParkedError(workflow_id=request.workflow_id, run_id=self.record.run_id, reason=self.parked)

    def expect(self, waiter: Waiter) -> None:
        """Have somebody wait; nothing comes of a run that is held apart."""
        try:
            self.refuse_parked()
        except ExecutionParkedError as error:
            waiter.future.refuse(error)
        else:
            self.waiters.append(waiter)

    def park(self, reason: str) -> None:
        """Hold it apart, and tell everybody who waits."""
        self.parked = reason
        try:
            self.refuse_parked()
        except ExecutionParkedError as error:
            self.refuse_all(error)

    def refuse_all(self, error: IwfError) -> None:
        """Tell everybody who waits for something of this run that it will not come."""
        asked = [asked.future for asked in self.queue]
        for waiter in self.waiters:
            waiter.future.refuse(error)
        for caller in (*self.callers.values(), *asked):
            caller.refuse(error)
        self.waiters.clear()
        self.callers.clear()
        self.queue.clear()

    def entries(self, after: int, limit: int) -> tuple[HistoryEntry, ...]:
        """Read the history as others see it."""
        request = self.record.started.request
        return tuple(
            HistoryEntry(
                workflow_id=request.workflow_id,
                run_id=self.record.run_id,
                seq=seq,
                at=event.at,
                kind=type(event).__name__,
                event=event_to_text(event),
                format=FORMAT,
            )
            for seq, event in self.history[after : after + limit]
        )

    def problems(self) -> Iterator[str]:
        """Say what is wrong with it: gaps, broken invariants, or a history that folds into another record."""
        if self.parked is not None:
            yield f"it is parked: {self.parked}"
        if [seq for seq, _ in self.history] != list(range(1, self.record.seq + 1)):
            yield f"its history has gaps: {[seq for seq, _ in self.history]}"
        yield from check(self.record)
        yield from audit([event for _, event in self.history], stored(self.record))


class Runs:
    """
    All runs, by id, and the latest of each workflow id.

    Args:
        carry_out: Called with a run and what its turn asks for, in order, once the turn is kept.

        next_tick: Tells the ticks of schedules.
    """

    def __init__(self, carry_out: Callable[[Run, tuple[Effect, ...]], None], next_tick: NextTick) -> None:
        self._carry_out = carry_out
        self._next_tick = next_tick
        self._runs: dict[tuple[WorkflowKey, str], Run] = {}
        self._latest: dict[WorkflowKey, Run] = {}
        self._count = 0

    def __iter__(self) -> Iterator[Run]:
        """Walk all runs, in the order in which they were opened."""
        return iter(self._runs.values())

    def latest(self, key: WorkflowKey) -> Run | None:
        """Find the latest run of an id."""
        return self._latest.get(key)

    def find(self, address: RunAddress) -> Run:
        """
        Find a run; without a run id the latest of its workflow id.

        Errors:
            WorkflowNotExistsError: There is none.
        """
        key = WorkflowKey(address.namespace, address.workflow_id)
        run = self._runs.get((key, address.run_id)) if address.run_id else self._latest.get(key)
        if run is None:
            raise WorkflowNotExistsError(workflow_id=address.workflow_id, run_id=address.run_id or "")
        return run

    def turn(self, run: Run | None, event: Event) -> Answer:
        """
        Advance a run, or open one, and carry out what follows.

        Errors:
            ExecutionParkedError: The run met a bug of ours.
        """
        if run is not None:
            run.refuse_parked()
        answer, turns = self._turns(run, event)
        self._carry_out_all(self._keep_all(run, turns))
        return answer

    def reset(self, base: Run, request: ResetRequest, run_id: str, at: datetime) -> str:
        """
        Open a run with the past of *base*, and close the latest one where that is open; answers *run_id*.

        Errors:
            ClientSideError: The history does not have the point that is asked for.

            ExecutionParkedError: The run that would be closed met a bug of ours.
        """
        past = Past(request)
        for _, event in base.history:
            past.take(event)
        if past.problem is not None:
            raise past.problem
        branch = past.branch(run_id, at)
        branch.bring()
        latest = self._latest[base.record.key]
        kept = []
        if latest.record.is_open:
            latest.refuse_parked()
            # What follows it is the new run, and nothing else, even where its deadline has come and it has a schedule.
            kept += self._keep_all(latest, [(advance(latest.record, branch.ending), branch.ending)])
        run = self._add(branch.record, run_id, base.history[: branch.kept])
        self._carry_out_all([*kept, *self._keep_all(run, branch.turns)])
        return run_id

    def _carry_out_all(self, kept: Iterable[tuple[Run, Turn]]) -> None:
        for run, turn in kept:
            if run.parked is None:
                self._carry_out(run, turn.effects)

    def _turns(self, run: Run | None, event: Event) -> tuple[Answer, Turns]:
        try:
            return turns_of(None if run is None else run.record, event, self._next_tick)
        except TransitionError as error:
            if run is None:
                raise
            run.park(str(error))
            run.refuse_parked()
            raise

    def _keep_all(self, run: Run | None, turns: Iterable[tuple[Turn, Event]]) -> list[tuple[Run, Turn]]:
        """Keep turns of a run and of those that follow it; a successor opens before anything of them is carried out."""
        kept = []
        for turn, caused_by in turns:
            run = self._keep(run, caused_by, turn)
            if run is not None:
                kept.append((run, turn))
        return kept

    def _keep(self, run: Run | None, event: Event, turn: Turn) -> Run | None:
        if not turn.changes or turn.record is None:
            return run
        self._count += 1
        if run is None or turn.opens:
            run = self._add(turn.record, turn.record.run_id)
        run.record = turn.record
        run.history.append((turn.record.seq, event))
        if run.closed_in is None and turn.record.closed is not None:
            run.closed_in = self._count
        broken = check(turn.record)
        if broken:
            run.park("; ".join(broken))
        return run

    def _add(self, record: Record, run_id: str, history: Iterable[tuple[int, Event]] = ()) -> Run:
        run = Run(record, len(self._runs) + 1, history=list(history))
        self._runs[record.key, run_id] = run
        self._latest[record.key] = run
        return run

    def snapshot(self, now: datetime) -> queries.Snapshot:
        """Tell the moment of a search's first page."""
        return queries.Snapshot(at=now, newest=len(self._runs), moment=self._count)

    def search(self, namespace: str, query: queries.Query, now: datetime) -> Iterator[queries.Found]:
        """Walk the runs of a namespace that *query* finds."""
        for run in self:
            record = run.record
            if record.key.namespace == namespace and matches(query, facts_of(record), now):
                yield queries.Found(run=found_run(record), number=run.number, closed_in=run.closed_in)

    def wait(self, run: Run, waiter: Waiter) -> None:
        """Have somebody told once what he waits for is there, in this run or in a retry of it."""
        while True:
            seen = look_at(run.record, waiter.look)
            if isinstance(seen, Found):
                waiter.future.answer(seen.answer)
                return
            if not isinstance(seen, Expected):
                waiter.future.refuse(seen.error)
                return
            if seen.run_id == run.record.run_id:
                run.expect(waiter)
                return
            run = self._runs[run.record.key, seen.run_id]

    def tell_waiters(self, run: Run) -> None:
        """A turn was taken: let those who wait for this run look again, unless they have gone."""
        waiters, run.waiters = run.waiters, []
        for waiter in waiters:
            if not waiter.future.done():
                self.wait(run, waiter)
