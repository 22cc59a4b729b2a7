"""The pages of a search, and counts.

Two ways lead to the runs that a query finds. Where an index leads to few candidates, they are looked at one by one.
Otherwise runs are walked in the order in which a search tells them, until the page is full. Which of the two it is, a
look into the indexes tells, which counts no further than `FEW`: databases that know no statistics guess.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

from attrs import frozen
from sqlalchemy import Select, bindparam, case, desc, func, literal_column, select, tuple_
from sqlalchemy.sql.elements import ColumnElement

from iwf_py.core.paging import page_of
from iwf_py.model.queries import Bookmark, Found, Place, Query, Snapshot
from iwf_py.model.requests import FoundRun
from iwf_py.model.status import WorkflowStatus
from iwf_py.store.conditions import NAMESPACE, Condition, candidates, condition, is_exact, unindexed
from iwf_py.store.driver import Cursor, Driver
from iwf_py.store.instants import from_micros, from_micros_or_none, to_micros
from iwf_py.store.shapes import ALWAYS, Asked, Joined, Shape, shape_of
from iwf_py.store.statements import NOTHING
from iwf_py.store.tables import Tables
from iwf_py.store.writing import commit_number

FEW = 2000
# With so few nothing better is looked for.
_VERY_FEW = 50
# Statements are made once for each shape of a query; so many of each kind are kept, of queries that are not huge.
_KEPT = 256
_MOST_SLOTS = 100

_RUNS = Tables.executions.c
_COLUMNS = (
    _RUNS.run,
    _RUNS.workflow_id,
    _RUNS.run_id,
    _RUNS.workflow_type,
    _RUNS.status,
    _RUNS.opened_at,
    _RUNS.closed_at,
    _RUNS.closed_in,
)

# SQL, and the names of its parameters in order.
Statement = tuple[str, tuple[str, ...]]


@frozen
class Lead:
    """
    What leads to few candidates.

    Attributes:
        count: How many they are at most.

        terms: Their candidates, together.

        rest: What has to hold for them besides.
    """

    count: int
    terms: tuple[Asked, ...]
    rest: Shape


class QueryStatements:
    """
    The statements of searches, by the shape of the query: made when one is asked for, and kept.

    Attributes:
        once: The same, but nothing is kept.
    """

    def __init__(self, driver: Driver, size: int = _KEPT) -> None:
        self._driver = driver
        self.once = QueryStatements(driver, 0) if size else self
        self.moment = self._compiled(_moment())
        kept = lru_cache(size)
        self.probe: Callable[[Asked], Statement | None] = kept(self._probe)
        self.look_at = kept(self._look_at)
        self.open_runs = kept(self._open_runs)
        self.closed_since = kept(self._closed_since)
        self.closed_before = kept(self._closed_before)
        self.count = kept(self._count)

    def _compiled(self, clause: Select[Any]) -> Statement:
        text: Any = clause.compile(dialect=self._driver.dialect)
        return str(text), tuple(text.positiontup or ())

    def _probe(self, asked: Asked) -> Statement | None:
        """Count the candidates of a term, but not beyond *few*; None: no index leads to them."""
        found = candidates(asked)
        if found is None:
            return None
        if not found:
            return self._compiled(select(NOTHING))
        some = _together(found).limit(bindparam("few")).offset(NOTHING).subquery()
        return self._compiled(select(func.count()).select_from(some))

    def _look_at(self, rest: Shape, terms: tuple[Asked, ...], *, is_first: bool) -> Statement:
        """Select the candidates of *terms* for which *rest* holds, in the order of searches."""
        clause = select(*_COLUMNS).where(_among(terms), condition(rest), _RUNS.run <= bindparam("newest"))
        was_open = _RUNS.closed_at.is_(None) | (_RUNS.closed_in > bindparam("moment"))
        order = {
            "is_open": case((was_open, literal_column("1")), else_=literal_column("0")),
            "closed_at": case((was_open, literal_column("0")), else_=_RUNS.closed_at),
            "opened_at": _RUNS.opened_at,
            "run": _RUNS.run,
        }
        return self._compiled(_page(clause, order, is_first=is_first))

    def _open_runs(self, shape: Shape, *, is_first: bool) -> Statement:
        """Select those that are open, latest started first."""
        ours = (_RUNS.namespace == bindparam(NAMESPACE)) & _RUNS.closed_at.is_(None)
        return self._compiled(_latest_started(ours & condition(shape, is_open=True), is_first=is_first))

    def _closed_since(self, shape: Shape) -> Statement:
        """Select those that have closed since the first page, latest started first."""
        ours = (unindexed(_RUNS.namespace) == bindparam(NAMESPACE)) & (_RUNS.closed_in > bindparam("moment"))
        return self._compiled(_latest_started(ours & condition(shape), is_first=False))

    def _closed_before(self, shape: Shape, *, is_first: bool) -> Statement:
        """Select those that were closed at the first page, latest closed first."""
        clause = select(*_COLUMNS).where(
            _RUNS.namespace == bindparam(NAMESPACE),
            _RUNS.closed_at.is_not(None),
            # As a sum: else the planner might go by the index of this column.
            _RUNS.closed_in + NOTHING <= bindparam("moment"),
            _RUNS.run <= bindparam("newest"),
            condition(shape),
        )
        order = {"closed_at": _RUNS.closed_at, "opened_at": _RUNS.opened_at, "run": _RUNS.run}
        return self._compiled(_page(clause, order, is_first=is_first))

    def _count(self, shape: Shape, terms: tuple[Asked, ...] | None) -> Statement:
        """Count those for which *shape* holds, among the candidates of *terms* or all."""
        ours = _RUNS.namespace == bindparam(NAMESPACE) if terms is None else _among(terms)
        return self._compiled(select(func.count()).select_from(Tables.executions).where(ours, condition(shape)))


def _moment() -> Select[Any]:
    """Select the number of the newest run, and that of the last commit: of the engine that opened the database last."""
    engines = Tables.engines.c
    newest = select(func.max(_RUNS.run)).scalar_subquery()
    clause = select(newest, engines.epoch, engines.batch).order_by(desc(engines.epoch))
    return clause.limit(literal_column("1")).offset(NOTHING)


def _together(selects: Sequence[Select[Any]]) -> Any:
    return selects[0] if len(selects) == 1 else selects[0].union_all(*selects[1:])


def _among(terms: tuple[Asked, ...]) -> Condition:
    """Is it one of the candidates, and of this namespace?"""
    found = [one for asked in terms for one in candidates(asked) or ()]
    return _RUNS.run.in_(_together(found)) & (unindexed(_RUNS.namespace) == bindparam(NAMESPACE))


def _latest_started(ours: Condition, *, is_first: bool) -> Select[Any]:
    clause = select(*_COLUMNS).where(ours, _RUNS.run <= bindparam("newest"))
    return _page(clause, {"opened_at": _RUNS.opened_at, "run": _RUNS.run}, is_first=is_first)


def _page(clause: Select[Any], order: Mapping[str, ColumnElement[Any]], *, is_first: bool) -> Select[Any]:
    """Take what comes behind the page before, in falling *order*."""
    if not is_first:
        place = tuple_(*(bindparam(f"after_{name}") for name in order))
        clause = clause.where(tuple_(*order.values()) < place)
    return clause.order_by(*(desc(column) for column in order.values())).limit(bindparam("most")).offset(NOTHING)


class Search:
    """
    What searches of one namespace ask, in one read transaction.

    Args:
        now: The moment of the first page.

        few: Candidates up to this number are looked at one by one.
    """

    def __init__(self, cursor: Cursor, sql: QueryStatements, namespace: str, now: datetime, few: int = FEW) -> None:
        self._cursor = cursor
        self._sql = sql
        self._now = now
        self._values: dict[str, Any] = {NAMESPACE: namespace, "few": few}
        self._few = few

    def page(self, query: Query, size: int, after: Bookmark | None) -> tuple[tuple[FoundRun, ...], Bookmark | None]:
        """
        Find one page of runs.

        Args:
            after: Where the page before ended; None for the first.

        Returns:
            The runs, and where the page ends; None there: it is the last.
        """
        snapshot = self._snapshot() if after is None else after.snapshot
        place = None if after is None else after.place
        shape, slots = shape_of(query, snapshot.at)
        self._take(slots)
        self._values |= _bounds(snapshot, place, size + 1)
        lead = self._lead(shape)
        if lead is None:
            found = self._in_order(shape, place, size + 1)
        elif lead.count:
            found = self._found(self._sql.look_at(lead.rest, lead.terms, is_first=place is None))
        else:
            found = []
        page, bookmark = page_of(found, snapshot, place, size)
        return tuple(one.run for one in page), bookmark

    def count(self, query: Query) -> int:
        """Count the runs that a query finds."""
        shape, slots = shape_of(query, self._now)
        self._take(slots)
        lead = self._lead(shape)
        if lead is None:
            statement = self._sql.count(shape, None)
        elif lead.count:
            statement = self._sql.count(lead.rest, lead.terms)
        else:
            return 0
        return int(self._rows(statement)[0][0])

    def _snapshot(self) -> Snapshot:
        newest, epoch, batch = self._rows(self._sql.moment)[0]
        return Snapshot(at=self._now, newest=newest or 0, moment=commit_number(epoch, batch))

    def _take(self, slots: dict[str, Any]) -> None:
        self._values |= slots
        if len(slots) > _MOST_SLOTS:
            self._sql = self._sql.once

    def _lead(self, shape: Shape) -> Lead | None:
        """Find what leads to few candidates, among which are all that the query finds; None: nothing does."""
        if isinstance(shape, Asked):
            return self._lead_of_term(shape)
        return self._lead_of_all(shape) if shape.is_all else self._lead_of_any(shape)

    def _lead_of_term(self, asked: Asked) -> Lead | None:
        probe = self._sql.probe(asked)
        if probe is None:
            return None
        count = self._rows(probe)[0][0]
        if count >= self._few:
            return None
        return Lead(count, (asked,) if count else (), ALWAYS if is_exact(asked) else asked)

    def _lead_of_all(self, shape: Joined) -> Lead | None:
        """Go by the part that leads to the fewest."""
        best, place = None, 0
        for index, part in enumerate(shape.parts):
            lead = self._lead(part)
            if lead is not None and (best is None or lead.count < best.count):
                best, place = lead, index
                if best.count <= _VERY_FEW:
                    break
        if best is None:
            return None
        rest = (*shape.parts[:place], best.rest, *shape.parts[place + 1 :])
        return Lead(best.count, best.terms, Joined(True, tuple(part for part in rest if part != ALWAYS)))

    def _lead_of_any(self, shape: Joined) -> Lead | None:
        """Go by all parts."""
        leads: list[Lead] = []
        count = 0
        for part in shape.parts:
            lead = self._lead(part)
            count += 0 if lead is None else lead.count
            if lead is None or count >= self._few:
                return None
            leads.append(lead)
        is_all_said = all(lead.rest == ALWAYS for lead in leads)
        terms = tuple(term for lead in leads for term in lead.terms)
        return Lead(count, terms, ALWAYS if is_all_said else shape)

    def _in_order(self, shape: Shape, after: Place | None, most: int) -> list[Found]:
        """Walk in the order of searches, until *most* are found."""
        found: list[Found] = []
        is_first = after is None
        if after is None or after.is_open:
            found += self._found(self._sql.open_runs(shape, is_first=is_first))
            if not is_first:
                found += self._found(self._sql.closed_since(shape))
            is_first = True
        if len(found) < most:
            found += self._found(self._sql.closed_before(shape, is_first=is_first))
        return found

    def _found(self, statement: Statement) -> list[Found]:
        return [_found(row) for row in self._rows(statement)]

    def _rows(self, statement: Statement) -> list[Any]:
        sql, names = statement
        self._cursor.execute(sql, [self._values[name] for name in names])
        return self._cursor.fetchall()


def _bounds(snapshot: Snapshot, after: Place | None, most: int) -> dict[str, Any]:
    bounds = {"newest": snapshot.newest, "moment": snapshot.moment, "most": most}
    if after is not None:
        bounds["after_is_open"] = after.is_open
        bounds["after_closed_at"] = to_micros(after.closed_at)
        bounds["after_opened_at"] = to_micros(after.opened_at)
        bounds["after_run"] = after.number
    return bounds


def _found(row: Sequence[Any]) -> Found:
    run, workflow_id, run_id, workflow_type, status, opened_at, closed_at, closed_in = row
    return Found(
        run=FoundRun(
            workflow_id=workflow_id,
            run_id=run_id,
            workflow_type=workflow_type,
            status=WorkflowStatus(status),
            started_at=from_micros(opened_at),
            closed_at=from_micros_or_none(closed_at),
        ),
        number=run,
        closed_in=closed_in,
    )
