"""Resets: a history is read, folded and brought into shape page by page, beside whoever combines, and becomes a run in one turn.

The past that is kept never changes, so what was made of it stands, however long the turn takes to come, and however
often it is taken; what came to the base run meanwhile is read when it does. The run that was open closes in that
same turn, in the same transaction. The new run's first instant is the one at which its past was read.
"""

from __future__ import annotations

import logging
from concurrent.futures import Future
from datetime import datetime

from attrs import define, evolve, field

from iwf_py.core.effects import Accepted, Refused
from iwf_py.core.past import Branch, Past
from iwf_py.core.record import Record
from iwf_py.errors import EngineUnreadyError, ServerSideError, StoreError, TooManyRequestsError, TransitionError
from iwf_py.model.requests import ResetRequest
from iwf_py.ports import Clock, Executor, Ids
from iwf_py.runtime.answers import answer, refuse
from iwf_py.runtime.limits import Limits
from iwf_py.runtime.posts import NOTHING, Post, Taken
from iwf_py.runtime.reads import Reads, key_of, told
from iwf_py.runtime.sheets import RunSheet, Sheet
from iwf_py.runtime.turns import Turns
from iwf_py.store.unit import Entry, Store

_LOGGER = logging.getLogger(__name__)

# A run that grows faster than it is read is caught up with in the turn, however much that is.
_ROUNDS = 3


@define(eq=False)
class _Asked:
    """
    A reset that somebody asked for.

    Attributes:
        row: Of the run whose past it takes; 0 as long as that is not known.

        past: As far as it was read.

        branch: What becomes of it; None until all of it was read.

        ahead: Entries of the branch that are made already.

        rounds: How often its turn has come too early.

        is_posted: Its turn is asked for.
    """

    request: ResetRequest
    future: Future[str]
    past: Past
    row: int = 0
    branch: Branch | None = None
    ahead: list[Entry] = field(factory=list)
    rounds: int = 0
    is_posted: bool = False

    @property
    def base(self) -> Record:
        """The run whose past it takes, as far as it was read."""
        assert self.past.record is not None
        return self.past.record

    def forget(self) -> None:
        """Begin anew."""
        self.row, self.past, self.branch, self.ahead = 0, Past(self.request), None, []


class Resets:
    """All resets under way."""

    def __init__(
        self,
        store: Store,
        *,
        clock: Clock,
        ids: Ids,
        executor: Executor,
        reads: Reads,
        turns: Turns,
        limits: Limits,
    ) -> None:
        self._store = store
        self._clock = clock
        self._ids = ids
        self._executor = executor
        self._reads = reads
        self._turns = turns
        self._limits = limits
        self._under_way: set[_Asked] = set()
        self._ended: Exception | None = None

    def ask(self, request: ResetRequest, future: Future[str]) -> None:
        """Have a run reset; *future* gets the id of the new one."""
        under_way = len(self._under_way)
        if under_way >= self._limits.resets:
            refuse(future, TooManyRequestsError(f"{under_way} resets are under way; try again later"))
            return
        asked = _Asked(request, future, Past(request))
        self._under_way.add(asked)
        self._go_on(asked)

    def done(self, asked: _Asked, run_id: str) -> None:
        """Tell the new run's id."""
        self._under_way.discard(asked)
        answer(asked.future, run_id)

    def refuse(self, asked: _Asked, error: Exception) -> None:
        """Tell why there is no new run."""
        self._under_way.discard(asked)
        refuse(asked.future, error)

    def close(self, error: Exception) -> None:
        """Refuse those whose past is still read, and whoever comes; those whose turn is asked for are told by the turns."""
        self._ended = error
        for asked in list(self._under_way):
            if not asked.is_posted:
                self.refuse(asked, error)

    def _go_on(self, asked: _Asked) -> None:
        # Said first, looked at then: whoever ends the engine meanwhile sees one of the two.
        asked.is_posted = False
        if self._ended is not None:
            self.refuse(asked, self._ended)
        else:
            self._executor.submit(lambda: self._read(asked))

    def _read(self, asked: _Asked) -> None:
        """Take in a page, or make one of what comes of it; ask for the turn once nothing is left. A reading step."""
        try:
            if not asked.row:
                asked.row = self._reads.row(asked.request)
            is_ready = self._take_in(asked) and self._make(asked)
        except TransitionError as error:
            self.refuse(asked, _does_not_fold(asked, error))
        except Exception as error:  # noqa: BLE001
            self.refuse(asked, told(error))
        else:
            if is_ready:
                asked.is_posted = True
                self._turns.post(_ResetPost(self, asked))
            else:
                self._go_on(asked)

    def _take_in(self, asked: _Asked) -> bool:
        """Take in a page; tell whether that was all."""
        page = self._store.events(asked.row, asked.past.seq, self._limits.page)
        for _, event in page:
            asked.past.take(event)
        return len(page) < self._limits.page

    def _make(self, asked: _Asked) -> bool:
        """Bring a page of what came later into the new run, where there is to be one; tell whether that was all."""
        if asked.past.problem is not None:
            # What comes to the base run until the turn may mend it.
            return True
        if asked.branch is None:
            at = max(self._clock.now(), asked.base.last_at)
            asked.branch = asked.past.branch(self._ids.run_id(at), at)
        asked.branch.bring(self._limits.page)
        for turn, event in asked.branch.again[len(asked.ahead) :]:
            assert turn.record is not None
            asked.ahead.append(Entry.made_ahead(turn.record.seq, event))
        return asked.branch.is_whole

    def take(self, asked: _Asked, sheet: Sheet, latest: RunSheet, now: datetime) -> Taken | None:
        """Take the turn; None: more is to be read first."""
        try:
            if not asked.request.run_id and latest.record.run_id != asked.base.run_id:
                # What was the current run is so no more.
                asked.forget()
                return None
            if not self._catches_up(asked, latest.record):
                return None
            problem = asked.past.problem
            if problem is not None:
                return Taken(Refused(problem))
            if asked.branch is None:
                return None
            asked.branch.bring()
            ending = None
            if latest.record.closed is None:
                ending = evolve(asked.branch.ending, at=sheet.instant(now, latest))
            moves = sheet.branch(asked.row, asked.branch, ending, asked.ahead)
            return Taken(Accepted(asked.branch.run_id), moves)
        except StoreError as error:
            return Taken(Refused(EngineUnreadyError(f"nothing was written: the store cannot be read: {error}")))
        except TransitionError as error:
            # Whatever is wrong, the run that is current may go on.
            _LOGGER.exception("a reset failed", extra={"workflow_id": asked.request.workflow_id})
            return Taken(Refused(_does_not_fold(asked, error)))

    def _catches_up(self, asked: _Asked, latest: Record) -> bool:
        """Take in what came to the base run since it was read; False when that is too much for a turn."""
        if asked.base.closed is not None:
            return True
        if latest.run_id == asked.base.run_id:
            if latest.seq == asked.past.seq:
                return True
            if latest.seq - asked.past.seq > self._limits.page and asked.rounds < _ROUNDS:
                asked.rounds += 1
                return False
        while not self._take_in(asked):
            pass
        return True

    def again(self, asked: _Asked) -> None:
        """Read on."""
        self._go_on(asked)


class _ResetPost(Post):
    """A reset whose past is read has its turn."""

    is_inner = False
    is_for_parked = True
    is_large = True
    __slots__ = ("_asked", "_reads_on", "_resets")

    def __init__(self, resets: Resets, asked: _Asked) -> None:
        super().__init__(key_of(asked.request), None)
        self._resets = resets
        self._asked = asked
        self._reads_on = False

    def take(self, sheet: Sheet, run: RunSheet | None, now: datetime) -> Taken:
        """Close the current run if it is open, and open one with the past that was read."""
        assert run is not None
        taken = self._resets.take(self._asked, sheet, run, now)
        self._reads_on = taken is None
        return NOTHING if taken is None else taken

    def told(self, taken: Taken, run: RunSheet | None) -> None:
        """Tell the new run's id, or why there is none."""
        if self._reads_on:
            self._resets.again(self._asked)
        elif isinstance(taken.answer, Accepted):
            self._resets.done(self._asked, str(taken.answer.value))
        else:
            assert isinstance(taken.answer, Refused)
            self._resets.refuse(self._asked, taken.answer.error)

    def refused(self, error: Exception) -> None:
        """Tell why there is no new run."""
        self._resets.refuse(self._asked, error)


def _does_not_fold(asked: _Asked, error: TransitionError) -> ServerSideError:
    return ServerSideError(
        f"workflow {asked.request.workflow_id!r} cannot be reset: the history of run "
        f"{asked.request.run_id or '(the current one)'} does not fold: {error}"
    )
