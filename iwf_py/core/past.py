"""The past of a run as a reset takes it over: folded up to a point, and what came to the run later applied again.

Pure. The history is taken in entry by entry, so that a host may read it page by page, and the rest of a run
that goes on meanwhile when its turn comes: what was taken in already never changes.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from attrs import evolve

from iwf_py.core.advance import Turn, advance
from iwf_py.core.changes import Change
from iwf_py.core.effects import Accepted, Reply
from iwf_py.core.events import (
    AttributesSet,
    ConfigUpdated,
    Event,
    Published,
    RpcReturned,
    RunReset,
    Signalled,
    StopRequested,
    TimerSkipped,
)
from iwf_py.core.points import point_of
from iwf_py.core.record import Record
from iwf_py.core.rewind import follow
from iwf_py.errors import ClientSideError
from iwf_py.model.requests import ResetRequest
from iwf_py.model.status import WorkflowStopType

# What clients brought, and may be brought again: never the end of a run.
Brought = Signalled | Published | AttributesSet | ConfigUpdated | TimerSkipped | RpcReturned


class Branch:
    """
    A run that begins with the past of another.

    Attributes:
        run_id: Its own.

        kept: The last entry of the base run that is its past.

        record: The fold of that past.

        changes: What folds into it, from the opening on.

        ending: What closes the run of the id that is open, where one is; its instant may be a later one.

        again: The turns of what was applied again so far.
    """

    def __init__(self, record: Record, changes: Sequence[Change], reset: RunReset, brought: Sequence[Brought]) -> None:
        self.run_id = reset.run_id
        self.kept = record.seq
        self.record = record
        self.changes = changes
        reason = f"reset: run {reset.run_id} begins with the first {self.kept} entries of run {reset.base_run_id}"
        self.ending = StopRequested(at=reset.at, stop_type=WorkflowStopType.TERMINATE, reason=reason)
        self._reset = reset
        self._first = advance(record, reset)
        self.again: list[tuple[Turn, Event]] = []
        # It grows with what the base run goes through meanwhile.
        self._brought = brought
        self._next = 0

    @property
    def turns(self) -> tuple[tuple[Turn, Event], ...]:
        """Its own turns, with their events: `RunReset`, then what is applied again."""
        return (self._first, evolve(self._reset, reapplied=len(self.again))), *self.again

    @property
    def is_whole(self) -> bool:
        """Is all applied again that came to the base run, as far as that was taken in?"""
        return self._next == len(self._brought)

    def bring(self, most: int | None = None) -> None:
        """Apply again what came to the base run behind the point: all that is left, or *most* of it."""
        record = self.again[-1][0].record if self.again else self._first.record
        end = len(self._brought) if most is None else min(len(self._brought), self._next + most)
        for brought in self._brought[self._next : end]:
            event = evolve(brought, at=self._reset.at)
            turn = advance(record, event)
            # What has no room, or finds nothing to do any more, is left out.
            if turn.changes and isinstance(turn.answer, Accepted):
                self.again.append((turn, event))
                record = turn.record
        self._next = end


class Past:
    """
    The history of the run that a reset begins with, as far as it was taken in.

    Attributes:
        record: The fold of it; None as long as there is none.
    """

    def __init__(self, request: ResetRequest) -> None:
        self.record: Record | None = None
        self._request = request
        self._point = point_of(request)
        self._kept: Record | None = None
        self._changes: list[Change] = []
        # Behind the point as it is known by now; where it is not final, the changes too.
        self._brought: list[Brought] = []
        self._beyond: list[Change] = []

    @property
    def seq(self) -> int:
        """Of the last entry that was taken in."""
        return 0 if self.record is None else self.record.seq

    def take(self, event: Event) -> None:
        """
        Take the next entry in.

        Errors:
            TransitionError: It does not follow from those before it.
        """
        turn = follow(self.record, event)
        record = self.record = turn.record
        assert record is not None
        point = self._point
        if not point.is_final:
            point.see(record.seq, event, turn)
        if point.last is None or record.seq <= point.last:
            # Where the point has moved on, so has what lay behind it.
            self._changes += self._beyond
            self._changes += turn.changes
            self._beyond.clear()
            self._brought.clear()
            self._kept = record
            return
        brought = _brought_by(event, turn)
        if brought is not None and not self._leaves_out(event):
            self._brought.append(brought)
        if point.is_final:
            self._beyond.clear()
        else:
            self._beyond += turn.changes

    def _leaves_out(self, event: Event) -> bool:
        if isinstance(event, RpcReturned) and event.number is not None:
            return self._request.skip_update_reapply
        return self._request.skip_signal_reapply

    @property
    def problem(self) -> ClientSideError | None:
        """Why the whole history, now that it was taken in, cannot be reset as asked; None when it can."""
        record, kept, last = self.record, self._kept, self._point.last
        assert record is not None
        assert kept is not None
        if last is None or last > record.seq:
            return ClientSideError(
                f"workflow {record.key.workflow_id!r} cannot be reset: {self._point.missing(record)}"
            )
        if kept.closed is not None:
            return ClientSideError(
                f"workflow {record.key.workflow_id!r} cannot be reset: entry {last} closed run {record.run_id}; "
                f"entry {last - 1} is the last that can be kept"
            )
        return None

    def branch(self, run_id: str, at: datetime) -> Branch:
        """
        Let another run begin with what is kept; *problem* has nothing against it. What came later is still to be brought.

        Whatever is taken in from now on came later too.

        Args:
            run_id: Of the new run.

            at: Not before the last entry that was taken in.
        """
        assert self.record is not None
        assert self._kept is not None
        reset = RunReset(at=at, run_id=run_id, base_run_id=self.record.run_id, reason=self._request.reason)
        return Branch(self._kept, self._changes, reset, self._brought)


def _brought_by(event: Event, turn: Turn) -> Brought | None:
    """Tell what a client brought with this entry that may be brought again: what was accepted, and wrote."""
    if not isinstance(turn.answer, Accepted):
        return None
    match event:
        case Signalled() | Published() | AttributesSet() | ConfigUpdated() | RpcReturned(number=None):
            return event
        case TimerSkipped():
            return evolve(event, is_reapplied=True)
        case RpcReturned():
            # One whose outcome was refused wrote nothing, and its caller knows.
            has_replied = any(isinstance(effect, Reply) for effect in turn.effects)
            return evolve(event, number=None) if has_replied and not event.result.is_read_only else None
        case _:
            return None
