"""What waits for its turn, and what it does when the turn comes.

A post names its workflow id and, where it matters, its run. *take* works on sheets alone: it may be
called again, on other sheets, when a batch was not written. *told* and *refused* come after the commit,
once, and in the order of the turns.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from datetime import datetime

from attrs import frozen

from iwf_py.core.effects import Answer, Dropped
from iwf_py.core.events import Event
from iwf_py.model.ids import WorkflowKey
from iwf_py.runtime.sheets import Move, RunSheet, Sheet

DROPPED = Dropped()


@frozen
class Taken:
    """What a post's turn came to: its answer, and what the runs went through."""

    answer: Answer
    moves: tuple[Move, ...] = ()


NOTHING = Taken(DROPPED)


class Post(ABC):
    """
    Something that waits for its turn.

    Attributes:
        run_id: None: the run that is the latest when the turn comes.

        weight: Characters of payload that it brings, about.

        is_alone: It was part of a batch that was not written: it is tried by itself.

        tries: How often its commit was refused while it was alone.
    """

    # It opens runs: an id without any is as good.
    is_start = False

    # It belongs to the engine: it is never refused for want of room, and tried again until it is written.
    is_inner = True

    # It may have its turn on a run that is held apart.
    is_for_parked = False

    # It writes so much that it is a batch of its own.
    is_large = False

    __slots__ = ("is_alone", "key", "run_id", "tries", "weight")

    def __init__(self, key: WorkflowKey, run_id: str | None, weight: int = 0) -> None:
        self.key = key
        self.run_id = run_id
        self.weight = weight
        self.is_alone = False
        self.tries = 0

    @abstractmethod
    def take(self, sheet: Sheet, run: RunSheet | None, now: datetime) -> Taken:
        """Take the turn; *run* is None only for a start of an id without runs."""

    @abstractmethod
    def told(self, taken: Taken, run: RunSheet | None) -> None:
        """Hear what it came to, now that it is on stable storage."""

    @abstractmethod
    def refused(self, error: Exception) -> None:
        """Hear that there is no turn for it: no such run, the run is parked, the engine is stopped ..."""

    def spoiled(self, error: Exception) -> bool:
        """Hear that what it brings can never be stored; True when it brings something else from now on."""
        return False


class EventPost(Post):
    """
    An event, made when its time is known.

    Args:
        make: Makes the event, given its time.

        done: Is told the answer.

        failed: Is told why there is none.
    """

    __slots__ = ("_done", "_failed", "_make")

    def __init__(
        self,
        key: WorkflowKey,
        run_id: str | None,
        make: Callable[[datetime], Event],
        done: Callable[[Answer], None],
        failed: Callable[[Exception], None],
        weight: int = 0,
    ) -> None:
        super().__init__(key, run_id, weight)
        self._make = make
        self._done = done
        self._failed = failed

    def take(self, sheet: Sheet, run: RunSheet | None, now: datetime) -> Taken:
        """Advance the run by the event."""
        return Taken(*sheet.advance(run, self._make(sheet.instant(now, run))))

    def told(self, taken: Taken, run: RunSheet | None) -> None:
        """Pass the answer on."""
        self._done(taken.answer)

    def refused(self, error: Exception) -> None:
        """Pass the error on."""
        self._failed(error)


class ClientPost(EventPost):
    """What a client asks."""

    is_inner = False
    __slots__ = ()


class StopPost(ClientPost):
    """What a client asks of a run even when it is held apart: to end."""

    is_for_parked = True
    __slots__ = ()


class StartPost(ClientPost):
    """A client asks for a run."""

    is_start = True
    __slots__ = ()
