"""The unit of work: what one transaction writes, and the Protocol of the store.

One writer: `commit`, `claim_orphans`, `park`, `sweep`, `retire` and `reserve` are called one at a time, by whoever
combines. Reads may come from any thread at any time and see only what is committed.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from attrs import field, frozen

from iwf_py.codec.snapshots import event_to_text
from iwf_py.core.attempts import TaskState
from iwf_py.core.changes import Change
from iwf_py.core.events import Event
from iwf_py.core.record import Record
from iwf_py.model.history import HistoryEntry
from iwf_py.model.ids import WorkflowKey
from iwf_py.model.queries import Bookmark, Query
from iwf_py.model.requests import FoundRun


@frozen(kw_only=True)
class Entry:
    """
    A history row to write: the event that made changes, under its number. Its instant is the event's.

    Attributes:
        text: Of the event, where it was made ahead (`Entry.made_ahead`).
    """

    seq: int
    event: Event
    request_id: str | None = None
    text: str | None = None

    @classmethod
    def made_ahead(cls, seq: int, event: Event) -> Entry:
        """Make an entry with its text: where there are many, whoever commits shall not have to."""
        return cls(seq=seq, event=event, text=event_to_text(event))


@frozen(kw_only=True)
class TaskWrite:
    """
    What becomes of one outstanding call.

    Attributes:
        before: As stored by an earlier commit: owner and failures must still be so, or the batch fails; None for a task born in
            this batch.

        after: As it shall be stored; None when the call is over (its outcome is among the changes).
    """

    before: TaskState | None
    after: TaskState | None


@frozen
class Copied:
    """The history that a new run has in common with another: its entries up to *until*."""

    row: int
    until: int


@frozen(kw_only=True)
class RunWrite:
    """
    All that one batch does to one run.

    Attributes:
        row: The run's integer key, from `reserve` for a new one.

        is_new: Its rows do not exist yet.

        record: As it stands after the batch.

        changes: Of all its turns in this batch, in order; of a run that begins with another's past, first of all those of the past.

        entries: One for each turn that changed something.

        copied: The past that is not among the entries, but that of another run, which an earlier batch has written.

        tasks: One for each call that began, was judged, or ended in this batch; at most one per state number and phase.
    """

    row: int
    is_new: bool
    record: Record
    changes: tuple[Change, ...]
    entries: tuple[Entry, ...]
    tasks: tuple[TaskWrite, ...] = ()
    copied: Copied | None = None


@frozen(kw_only=True)
class Batch:
    """
    One transaction.

    Attributes:
        number: Written into this engine's row, so that an uncertain COMMIT can be settled.

        is_observed: Its history entries are wanted: `commit` answers them.
    """

    number: int
    writes: tuple[RunWrite, ...]
    is_observed: bool = True


@frozen(kw_only=True)
class Loaded:
    """A run as stored. *tasks* has one entry for each invoked state. *parked* says why it is held apart, or None."""

    row: int
    record: Record
    tasks: tuple[TaskState, ...] = ()
    parked: str | None = None


@frozen(kw_only=True)
class DueTimer:
    """A timer of an open run whose instant has come (numbers as in `TimerFired`)."""

    row: int
    key: WorkflowKey
    run_id: str
    number: int
    index: int
    due: datetime


@frozen(kw_only=True)
class DueTask:
    """A call that was to be tried again and whose instant has come, or one that an ended engine left behind."""

    row: int
    key: WorkflowKey
    run_id: str
    task: TaskState


@frozen(kw_only=True)
class OpenRpc:
    """A locking RPC that an ended engine left open."""

    row: int
    key: WorkflowKey
    run_id: str
    number: int


@frozen(kw_only=True)
class Due:
    """What is due: oldest first, each kind bounded by the limit."""

    timers: tuple[DueTimer, ...] = ()
    tasks: tuple[DueTask, ...] = field(default=())


class Store(Protocol):
    """
    The engine's database.

    Errors, of every write: `StoreError` (nothing was written) or `CommitUnknownError` (ask `settle`).
    """

    @property
    def epoch(self) -> int:
        """This engine's number; each opening gets a higher one."""

    def open(self, now: datetime) -> None:
        """
        Take ownership, bring the schema up to date, and begin a new epoch.

        Errors:
            StoreInUseError, StoreVersionError, StoreUnusableError: with the sentence for the user.
        """

    def retire(self) -> None:
        """Note that this engine ends in order: no call that it leaves behind was what ended it."""

    def close(self) -> None:
        """Give up ownership; safe to call twice."""

    def reserve(self, count: int) -> range:
        """Give out run keys that nobody else gets."""

    def commit(self, batch: Batch) -> tuple[HistoryEntry, ...]:
        """Write a batch in one transaction, all or nothing; answers its history entries, where they are wanted."""

    def settle(self, number: int) -> bool:
        """
        Tell whether the batch stands whose COMMIT answered with an error.

        Opens a new connection and makes sure that the old one is over. Raises StoreError while that cannot be known.
        """

    def claim_orphans(self, limit: int) -> tuple[DueTask, ...]:
        """
        Take over calls of ended epochs, earliest due first: owner is this epoch. Empty: none is left.

        Recoveries are one more where the call may be what ended its engine: not where that retired, nor where the call still
        waits for its next attempt.
        """

    def park(self, row: int, reason: str | None) -> None:
        """Hold a run apart, or with None no longer; its due times are not told while it is parked."""

    def latest(self, keys: Sequence[WorkflowKey]) -> dict[WorkflowKey, int]:
        """Find the row of the latest run of each id, in one query; ids without a run are left out."""

    def find(self, key: WorkflowKey, run_id: str) -> int | None:
        """Find the row of one run."""

    def load(self, row: int) -> Loaded | None:
        """Read a run."""

    def due(self, until: datetime, limit: int, after: DueTask | None = None) -> Due:
        """
        Tell what is due at *until*, of runs that are open and not parked.

        A timer is told until its firing is committed; a call to be tried again is told until it has returned or failed again,
        since beginning an attempt writes nothing: the host knows which it has in hand. A fresh call is never told here.

        Args:
            after: Tell only calls that stand behind this one (by instant, run and number), to page past those in hand.
        """

    def next_due(self, after: datetime | None = None) -> datetime | None:
        """Tell the earliest instant at which anything is due, later than *after* where that is given."""

    def sweep(self, limit: int) -> int:
        """Delete about *limit* rows that closed runs have left behind, in one commit; answers how many, 0 when none is left."""

    def open_rpcs(self, limit: int) -> tuple[OpenRpc, ...]:
        """Tell the locking RPCs that ended epochs left open."""

    def history(self, row: int, after: int, limit: int) -> tuple[HistoryEntry, ...]:
        """Read history entries with ``seq > after``, in order."""

    def search(
        self, namespace: str, query: Query, size: int, after: Bookmark | None, now: datetime
    ) -> tuple[tuple[FoundRun, ...], Bookmark | None]:
        """
        Find one page of the runs that *query* finds, in the order of `core.paging`.

        Args:
            size: At most so many, from 1 on.

            after: Where the page before ended; None for the first.

            now: The moment of the first page.

        Returns:
            The runs, and where the page ends; None there: it is the last.
        """

    def count(self, namespace: str, query: Query, now: datetime) -> int:
        """Count the runs that *query* finds."""

    def events(self, row: int, after: int = 0, limit: int = 1000) -> tuple[tuple[int, Event], ...]:
        """Read the events themselves, for rewinding and audits."""
