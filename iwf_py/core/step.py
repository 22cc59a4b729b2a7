"""One turn in the making: its draft, its changes and effects, and what is left to settle."""

from __future__ import annotations

from datetime import datetime

from attrs import frozen

from iwf_py.core.attributes import LockKey
from iwf_py.core.changes import STRIDE, Change, ExecutionOpened
from iwf_py.core.channels import ChannelKey
from iwf_py.core.draft import Draft
from iwf_py.core.effects import Answer, Effect
from iwf_py.core.record import Record
from iwf_py.model.status import Phase


@frozen
class Turn:
    """
    What one event brought. Without changes the record is the old one, and nothing is recorded.

    A refusal brings no changes, but for one: an event that comes at or after the deadline of an open run closes it first.
    """

    record: Record | None
    changes: tuple[Change, ...]
    effects: tuple[Effect, ...]
    answer: Answer

    @property
    def opens(self) -> bool:
        """Is the record that of a new run?"""
        return bool(self.changes) and isinstance(self.changes[0], ExecutionOpened)


class Step:
    """
    What the rules work on. A rule that refuses its event does so before its first change.

    Attributes:
        at: The event's instant.

        seq: Of this turn, should it change anything.

        channels: Got a message or a waiting command, or are rid of messages that somebody had taken: to be settled.
            (A dict for its order.)

        states: Waiting states that something happened to.

        fresh: The state that began to wait in this turn: its timers are still to be announced.

        freed: Lock keys that somebody let go.

        entering: States that go into a call, with its phase.
    """

    __slots__ = (
        "at",
        "changes",
        "channels",
        "draft",
        "effects",
        "entering",
        "freed",
        "fresh",
        "position",
        "seq",
        "states",
    )

    def __init__(self, record: Record, at: datetime) -> None:
        self.draft = Draft(record)
        self.at = at
        self.seq = record.seq + 1
        self.changes: list[Change] = []
        self.effects: list[Effect] = []
        self.position = 0
        self.channels: dict[ChannelKey, None] = {}
        self.states: set[int] = set()
        self.fresh: int | None = None
        self.freed: list[LockKey] = []
        self.entering: list[tuple[int, Phase]] = []

    def change(self, change: Change) -> None:
        """Note *change* and fold it into the draft."""
        self.changes.append(change)
        self.draft.apply(change)

    def order(self) -> int:
        """Give out the next order number of this turn."""
        self.position += 1
        return self.seq * STRIDE + self.position - 1

    def turn(self, record: Record, answer: Answer) -> Turn:
        """Finish: freeze the draft if anything changed; *record* is the old one."""
        if self.changes:
            record = self.draft.frozen(self.seq, self.at)
        return Turn(record, tuple(self.changes), tuple(self.effects), answer)
