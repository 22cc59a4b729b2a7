"""Where a past is cut: the last entry that a reset keeps, found as the history is told entry by entry.

What a reset applied again lies before what it had called again: a point that falls on a call which the run's
own reset issued once more lies behind the entries that the reset brought along.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from datetime import datetime

from iwf_py.core.changes import StateInvoked
from iwf_py.core.events import Event, RunReset
from iwf_py.core.record import Record
from iwf_py.core.step import Turn
from iwf_py.errors import ClientSideError
from iwf_py.model.requests import ResetRequest
from iwf_py.model.status import Phase, WorkflowResetType


class Point(ABC):
    """
    A point, as far as it is known.

    Attributes:
        last: The last entry that is kept; None: all that were seen, and perhaps more.

        is_final: Nothing that follows can move it.
    """

    def __init__(self, last: int | None = None, *, is_final: bool = False) -> None:
        self.last = last
        self.is_final = is_final

    @abstractmethod
    def see(self, seq: int, event: Event, turn: Turn) -> None:
        """Look at the next entry; not asked for any more once the point is final."""

    @abstractmethod
    def missing(self, record: Record) -> str:
        """Say that a whole history, which folds into *record*, does not reach the point."""


class _Beginning(Point):
    """Behind the opening."""

    def __init__(self) -> None:
        super().__init__(1)

    def see(self, seq: int, event: Event, turn: Turn) -> None:
        assert self.last is not None
        if isinstance(event, RunReset) and seq <= self.last + 1:
            self.last = seq + event.reapplied
        elif seq > self.last:
            self.is_final = True

    def missing(self, record: Record) -> str:
        return f"run {record.run_id} has no beginning"


class _Entry(Point):
    """Behind an entry that is named."""

    def __init__(self, seq: int) -> None:
        super().__init__(seq, is_final=True)

    def see(self, seq: int, event: Event, turn: Turn) -> None:
        """It is known from the start."""

    def missing(self, record: Record) -> str:
        return (
            f"history_event_id must be from 1 to {record.seq}, the last entry of run {record.run_id}; got {self.last}"
        )


class _Instant(Point):
    """Before the first entry at or after an instant, but behind the opening."""

    def __init__(self, instant: datetime) -> None:
        super().__init__()
        self._instant = instant

    def see(self, seq: int, event: Event, turn: Turn) -> None:
        if event.at >= self._instant:
            self.last = max(seq - 1, 1)
            self.is_final = True

    def missing(self, record: Record) -> str:
        return (
            f"history_event_time must not be after {record.last_at.isoformat()}, the last entry of run {record.run_id}; "
            f"got {self._instant.isoformat()}"
        )


class _FirstCall(Point):
    """Behind the entry with which the first call of a state, or of one of its executions, became outstanding."""

    def __init__(self, state_id: str | None, execution_id: str | None) -> None:
        super().__init__()
        self._state_id = state_id
        self._execution_id = execution_id
        self._call: tuple[int, Phase] | None = None
        self._brought_until = 0

    def see(self, seq: int, event: Event, turn: Turn) -> None:
        record = turn.record
        assert record is not None
        is_reset = isinstance(event, RunReset)
        if isinstance(event, RunReset):
            self._brought_until = seq + event.reapplied
        for change in turn.changes:
            if type(change) is StateInvoked:
                call = change.number, change.phase
                if self._call == call if is_reset and self._call is not None else self._is_first(record, change):
                    self._call = call
                    self.last = max(seq, self._brought_until)
        if self._call is not None:
            state = record.states.get(self._call[0])
            # Only a call that is still outstanding can be issued again.
            self.is_final = state is None or state.phase is not self._call[1] or not state.is_invoked

    def _is_first(self, record: Record, change: StateInvoked) -> bool:
        state = None if self._call is not None else record.states.get(change.number)
        return state is not None and (state.state_id == self._state_id or state.execution_id == self._execution_id)

    def missing(self, record: Record) -> str:
        names = [f"state {self._state_id!r}"] if self._state_id else []
        names += [f"state execution {self._execution_id!r}"] if self._execution_id else []
        return (
            f"run {record.run_id} never called {' or '.join(names)}; "
            "name another one (its history tells which there were), or reset to the beginning"
        )


def point_of(request: ResetRequest) -> Point:
    """Make the point that *request* asks for; `request_problem` has nothing against it."""
    kind = request.reset_type
    if kind is WorkflowResetType.HISTORY_EVENT_ID:
        assert request.history_event_id is not None
        return _Entry(request.history_event_id)
    if kind is WorkflowResetType.HISTORY_EVENT_TIME and request.history_event_time is not None:
        return _Instant(request.history_event_time)
    if kind in (WorkflowResetType.STATE_ID, WorkflowResetType.STATE_EXECUTION_ID):
        return _FirstCall(request.state_id or None, request.state_execution_id or None)
    return _Beginning()


def request_problem(request: ResetRequest) -> ClientSideError | None:
    """Say what is wrong with a reset, whatever the run's history; None when nothing is."""
    kind = request.reset_type
    if kind is WorkflowResetType.HISTORY_EVENT_ID:
        if request.history_event_id is None:
            return ClientSideError("a reset to HISTORY_EVENT_ID needs history_event_id, the last entry that is kept")
        if request.history_event_id < 1:
            return ClientSideError(f"history_event_id must be 1 or more, got {request.history_event_id}")
    elif kind is WorkflowResetType.HISTORY_EVENT_TIME:
        time = request.history_event_time
        if time is not None and time.tzinfo is None:
            return ClientSideError(f"history_event_time must have a time zone, got {time.isoformat()}")
    elif kind is not WorkflowResetType.BEGINNING and not (request.state_id or request.state_execution_id):
        return ClientSideError(f"a reset to {kind.value} needs state_id or state_execution_id")
    return None
