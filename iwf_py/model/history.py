"""What happened to a run, entry by entry, as observers and readers see it."""

from __future__ import annotations

from datetime import datetime

from attrs import frozen


@frozen(kw_only=True)
class HistoryEntry:
    """
    One event that changed something.

    Attributes:
        workflow_id: Of the run.

        run_id: The run.

        seq: From 1 without gaps.

        at: When (UTC); never before the entry ahead.

        kind: The event's name, a past participle: ``Started``, ``ExecuteReturned``.

        event: The event as JSON text, its payloads still sealed.

        format: The version of that text's shape.
    """

    workflow_id: str
    run_id: str
    seq: int
    at: datetime
    kind: str
    event: str
    format: int = 1
