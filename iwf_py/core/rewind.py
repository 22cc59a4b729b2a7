"""Reset, replay and audit: a history folded again through the machine that made it."""

from __future__ import annotations

from collections.abc import Iterable

import attrs

from iwf_py.core.advance import Turn, advance
from iwf_py.core.events import Event
from iwf_py.core.parts import Parts, restore
from iwf_py.core.record import Record
from iwf_py.errors import TransitionError


def rewind(events: Iterable[Event], until: int | None = None) -> Record:
    """
    Fold the history of a run.

    Args:
        events: Of one run, from its first; each stands for one history entry.

        until: The seq of the last entry to fold; None for all.

    Errors:
        TransitionError: This is no history of one run: it does not begin with its opening, or an entry changes nothing.
    """
    record: Record | None = None
    for seq, event in enumerate(events, 1):
        if until is not None and seq > until:
            break
        record = follow(record, event).record
    if record is None:
        raise TransitionError("a history has at least the entry of its opening")
    return record


def follow(record: Record | None, event: Event) -> Turn:
    """
    Fold the next entry of a history into *record*; None for the first.

    Errors:
        TransitionError: It is no history of one run: this entry changes nothing, or opens another run.
    """
    seq = 1 if record is None else record.seq + 1
    turn = advance(record, event)
    if not turn.changes or turn.record is None or turn.record.seq != seq:
        raise TransitionError(f"history entry {seq}, {type(event).__name__}, does not follow from those before it")
    return turn


def audit(events: Iterable[Event], stored: Parts) -> list[str]:
    """Compare a run's rows with the fold of its history: one sentence for each difference."""
    try:
        return differences(rewind(events), restore(stored))
    except TransitionError as error:
        return [str(error)]


def differences(expected: Record, found: Record) -> list[str]:
    """Name the fields in which two records differ."""
    return [
        f"{field.name} should be {getattr(expected, field.name)!r}, is {getattr(found, field.name)!r}"
        for field in attrs.fields(Record)
        # Not !=, which the library's maps answer wrongly where both are empty.
        if not getattr(expected, field.name) == getattr(found, field.name)  # noqa: SIM201
    ]
