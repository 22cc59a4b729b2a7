"""The table event -> rule, then settling to a fixed point."""

from __future__ import annotations

from attrs import frozen

from iwf_py.core.changes import Change
from iwf_py.core.effects import Answer, Effect
from iwf_py.core.record import Record


@frozen
class Turn:
    """What one event brought. Without changes the record is the old one, and nothing is recorded."""

    record: Record | None
    changes: tuple[Change, ...]
    effects: tuple[Effect, ...]
    answer: Answer
