"""The past of a run as a reset takes it over: folded up to a point, and what came to the run later applied again.

Pure. The history is taken in entry by entry, so that a host may read it page by page, and the rest of a run
that goes on meanwhile when its turn comes: what was taken in already never changes.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from attrs import evolve, frozen

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


@frozen
class Branch:
    """
    A run that begins with the past of another.

    Attributes:
        kept: The last entry of the base run that is its past.

        record: The fold of that past.

        changes: What folds into it, from the opening on.

        ending: What closes the run of the id that is open, where one is.

        turns: Its own, with their events: `RunReset`, then what is applied again.
    """

    kept: int
    record: Record
    changes: Sequence[Change]
    ending: StopRequested
    turns: tuple[tuple[Turn, Event], ...]


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
        Let another run begin with what is kept; *problem* has nothing against it.

        Args:
            run_id: Of the new run.

            at: Not before the last entry that was taken in, nor before that of the latest run.
        """
        assert self.record is not None
        assert self._kept is not None
        reset = RunReset(at=at, run_id=run_id, base_run_id=self.record.run_id, reason=self._request.reason)
        turn = advance(self._kept, reset)
        turns: list[tuple[Turn, Event]] = []
        record = turn.record
        for brought in self._brought:
            again = evolve(brought, at=at)
            following = advance(record, again)
            # What has no room, or finds nothing to do any more, is left out.
            if following.changes and isinstance(following.answer, Accepted):
                turns.append((following, again))
                record = following.record
        kept = self._kept.seq
        reason = f"reset: run {run_id} begins with the first {kept} entries of run {self.record.run_id}"
        ending = StopRequested(at=at, stop_type=WorkflowStopType.TERMINATE, reason=reason)
        turns.insert(0, (turn, evolve(reset, reapplied=len(turns))))
        return Branch(kept, self._kept, self._changes, ending, tuple(turns))


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
