"""Searching rows: what SQL finds is what the plain evaluation of the query finds, whichever way it goes."""

from __future__ import annotations

import random
import sqlite3
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iwf_py.core.events import AttributesSet, ConfigUpdated, ExecuteReturned, StopRequested
from iwf_py.core.facts import facts_of
from iwf_py.core.matching import matches
from iwf_py.core.paging import page_of
from iwf_py.core.views import found_run
from iwf_py.model.decisions import Movement
from iwf_py.model.ids import WorkflowKey
from iwf_py.model.options import StateOptions, WorkflowConfig
from iwf_py.model.payload import SearchAttribute
from iwf_py.model.queries import EVERYTHING, SYSTEM_KINDS, AllOf, AnyOf, Found, Operator, Query, Snapshot, Term
from iwf_py.model.requests import FoundRun
from iwf_py.model.status import ExecutingStateIdMode, Phase, SearchAttributeValueType, WorkflowStopType
from iwf_py.store.database import SqlStore
from iwf_py.store.queries import FEW, QueryStatements, Search
from iwf_py.store.sqlite import SqliteDriver
from tests.store.host import NOON, Host, decides, to

KIND = SearchAttributeValueType
SQL = QueryStatements(SqliteDriver(None))

TEXTS = ["x", "x", "X y", "xy", "y x", "Äpfel äpfel", "", "1", "true", "5m"]
POOLS: dict[SearchAttributeValueType, list[Any]] = {
    KIND.KEYWORD: TEXTS,
    KIND.TEXT: TEXTS,
    KIND.INT: [-(2**63), -1, 0, 1, 2, 2**53, 2**53 + 1, 2**63 - 1],
    KIND.DOUBLE: [-1.5, 0.0, -0.0, 0.5, 1.0, 2.0, 1e300, 5e-324],
    KIND.BOOL: [True, False],
    KIND.DATETIME: [
        "",
        "2024-05-01T12:00:00+00:00",
        "2024-05-01T14:00:00.5+02:00",
        "1714564800000000000",
        "1714564800000001500",
        "5m",
        "1d",
    ],
    KIND.KEYWORD_ARRAY: [(), ("x",), ("x", "X y"), ("xy", "1", "1"), ("true", "")],
}
FIELDS = {
    KIND.INT: "integer_value",
    KIND.DOUBLE: "double_value",
    KIND.BOOL: "bool_value",
    KIND.KEYWORD_ARRAY: "string_array_value",
}
LITERALS: list[Any] = [
    *TEXTS,
    *(value for kind, pool in POOLS.items() for value in pool if kind is not KIND.KEYWORD_ARRAY),
]
STRANGE: list[Any] = [2**70, "2.5", 1.5, "9223372036854775808", "0.5", "1e3", -(2**64)]
SYSTEM_LITERALS: dict[str, list[Any]] = {
    "WorkflowId": ["w-1", "w-3", "w", "x"],
    "RunId": ["run-0001", "run-0004", "run"],
    "WorkflowType": ["Interpreter", "Order"],
    "IwfWorkflowType": ["Order", "Refund", "O"],
    "ExecutionStatus": ["Running", "FAILED", "canceled", "TimedOut", "Terminated", "Sleeping"],
    "StartTime": ["2024-05-01T12:00:01Z", "2024-05-01T12:00:04+00:00", "5s", 1714564802000000000],
    "ExecutionTime": ["2024-05-01T12:00:01Z", "2024-05-01T12:05:01Z", "1s"],
    "CloseTime": ["2024-05-01T12:00:05Z", "2024-05-01T12:00:09Z", "5s"],
    "ExecutionDuration": ["1s", "00:00:02", 1_500_000_000, "1500ns", "0s"],
    "HistoryLength": [1, 2, "3", 2.5],
    "TaskQueue": ["Interpreter_DEFAULT", "Inter"],
    "IwfExecutingStateIds": ["A", "B", "Wait", "W"],
}
MODES = [None, *(WorkflowConfig(executing_state_id_mode=mode) for mode in ExecutingStateIdMode)]


def attribute(kind: SearchAttributeValueType, name: str, value: Any) -> SearchAttribute:
    return SearchAttribute(name, **{FIELDS.get(kind, "string_value"): value}, value_type=kind)


class Chance:
    """Makes runs and queries by a seed."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.pick = self.random.choice

    def attributes(self) -> tuple[SearchAttribute, ...]:
        return tuple(self.attribute() for _ in range(self.random.randint(0, 3)))

    def attribute(self) -> SearchAttribute:
        name, kind = self.pick("abc"), self.pick(list(KIND))
        if self.random.random() < 0.1:
            return SearchAttribute(name)
        return attribute(kind, name, None if self.random.random() < 0.1 else self.pick(POOLS[kind]))

    def term(self) -> Term:
        operator = self.pick(list(Operator))
        counts = {Operator.IS_NULL: 0, Operator.IS_NOT_NULL: 0, Operator.BETWEEN: 2, Operator.NOT_BETWEEN: 2}
        if operator in (Operator.IN, Operator.NOT_IN):
            counts[operator] = self.random.randint(1, 3)
        name = self.pick([*"aabbcc", self.pick(list(SYSTEM_KINDS)), self.pick(list(SYSTEM_KINDS)), "nobody"])
        pool = SYSTEM_LITERALS.get(name, LITERALS)
        if self.random.random() < 0.05:
            pool = [*STRANGE, *LITERALS]
        return Term(name, operator, tuple(self.pick(pool) for _ in range(counts.get(operator, 1))))

    def query(self, depth: int = 0) -> Query:
        if depth > 2 or self.random.random() < 0.6:
            return self.term()
        parts = tuple(self.query(depth + 1) for _ in range(self.random.randint(1, 3)))
        return self.pick([AllOf, AnyOf])(parts)

    def state(self) -> Movement:
        return to(self.pick(["A", "B", "Wait"]), StateOptions(skip_wait_until=self.pick([True, True, False])))

    def live(self, host: Host, count: int, size: int) -> None:
        """Have runs live in the store, *size* turns to a commit."""
        for turns in range(count):
            self.turn(host)
            host.later(self.pick([0, 0, 0.5, 1, 2]))
            if turns % size == 0:
                host.commit()
        host.commit()

    def turn(self, host: Host) -> None:
        workflow_id = f"w-{self.random.randint(0, 6)}"
        runs = host.runs.get(WorkflowKey("default", workflow_id))
        if not runs or runs[-1].record.closed is not None:
            self.start(host, workflow_id)
            return
        kind = self.pick([AttributesSet, AttributesSet, ConfigUpdated, ExecuteReturned, ExecuteReturned, StopRequested])
        if kind is AttributesSet:
            host.send_now(AttributesSet, workflow_id, search_attributes=self.attributes())
        elif kind is ConfigUpdated:
            host.send_now(ConfigUpdated, workflow_id, config=self.pick(MODES[1:]))
        elif kind is StopRequested:
            host.send_now(StopRequested, workflow_id, stop_type=self.pick(list(WorkflowStopType)))
        else:
            executing = [
                state.number
                for state in host.latest(workflow_id).record.states.values()
                if state.phase is Phase.EXECUTE and state.is_invoked
            ]
            if executing:
                movements = [self.state() for _ in range(self.random.randint(1, 2))]
                host.send_now(ExecuteReturned, workflow_id, number=executing[0], result=decides(*movements))

    def start(self, host: Host, workflow_id: str) -> None:
        host.start(
            workflow_id,
            self.pick([None, self.state()]),
            workflow_type=self.pick(["Order", "Refund"]),
            search_attributes=self.attributes(),
            config=self.pick(MODES),
            start_delay=self.pick([timedelta(0), timedelta(0), timedelta(minutes=5)]),
            namespace=self.pick(["default"] * 5 + ["other"]),
        )


def expected(host: Host, query: Query, now: datetime) -> list[FoundRun]:
    """Evaluate a query over the records, and order what it finds."""
    found = [
        Found(run=found_run(run.record), number=run.row, closed_in=0 if run.record.closed else None)
        for key, runs in host.runs.items()
        for run in runs
        if key.namespace == "default" and matches(query, facts_of(run.record), now)
    ]
    page, _ = page_of(found, Snapshot(at=now, newest=1 << 40, moment=0), None, 1000)
    return [one.run for one in page]


@settings(max_examples=12, deadline=None)
@given(seed=st.integers(0, 2**32), size=st.sampled_from([1, 3, 50]))
def test_sql_finds_what_the_plain_evaluation_finds(seed: int, size: int):
    """
    Whatever lives there were and whatever is asked: the same runs in the same order, by way of candidates or in order of
    the search, page by page or all at once; and as many are counted.
    """
    chance = Chance(seed)
    store = SqlStore("sqlite://")
    store.open(NOON)
    try:
        host = Host(store)
        chance.live(host, 50, size)
        host.check()
        for query in (EVERYTHING, *(chance.query() for _ in range(80))):
            wanted = expected(host, query, host.now)
            for few in (0, FEW):
                with store._live().read() as cursor:
                    search = Search(cursor, SQL, "default", host.now, few)
                    page, bookmark = search.page(query, 1000, None)
                    assert (list(page), bookmark) == (wanted, None), (query, few)
                    assert search.count(query) == len(wanted)
                    assert paged(search, query) == wanted
    finally:
        store.close()


def paged(search: Search, query: Query) -> list[FoundRun]:
    found: list[FoundRun] = []
    page, bookmark = search.page(query, 2, None)
    while bookmark is not None:
        found += page
        page, bookmark = search.page(query, 2, bookmark)
    return [*found, *page]


@pytest.mark.parametrize("few", [0, FEW], ids=["in order", "candidates"])
@pytest.mark.parametrize("pause", [0, 1], ids=["at one instant", "in time"])
def test_pages_keep_to_the_moment_of_the_first(store: SqlStore, few: int, pause: int):
    """
    While runs are started and closed between the pages, they tell what the first would have told: each run once, in its place.
    """
    host = Host(store)
    city = (attribute(KIND.KEYWORD, "city", "Rome"),)
    for number in range(12):
        host.later(pause)
        host.start(f"w-{number}", to("A"), search_attributes=city)
    for number in (1, 4, 7):
        host.later(pause)
        host.send_now(StopRequested, f"w-{number}", stop_type=WorkflowStopType.CANCEL)
    host.commit()
    query = Term("city", Operator.EQUAL, ("Rome",))
    wanted = [run.workflow_id for run in expected(host, query, host.now)]
    assert wanted[0] == "w-11"
    assert set(wanted[9:]) == {"w-1", "w-4", "w-7"}

    def page(after: Any) -> Any:
        with store._live().read() as cursor:
            return Search(cursor, SQL, "default", host.now, few).page(query, 2, after)

    found, bookmark = page(None)
    told = [run.workflow_id for run in found]
    closing = iter(["w-11", "w-3", "w-0", "w-9"])
    count = 0
    while bookmark is not None:
        host.later(pause)
        stopped = next(closing, None)
        if stopped is not None:
            host.send_now(StopRequested, stopped, stop_type=WorkflowStopType.CANCEL)
        host.start(f"new-{count}", to("A"), search_attributes=city)
        count += 1
        host.commit()
        found, bookmark = page(bookmark)
        told += [run.workflow_id for run in found]

    assert told == wanted


def test_what_is_compared_never_becomes_part_of_the_statement(file_store: SqlStore, path: Path):
    """
    Names and values of a query reach the database as parameters, whatever they look like.
    """
    evil = "x' OR 1=1; DROP TABLE iwf_executions; --"
    host = Host(file_store)
    host.start("w", to("A"), search_attributes=(attribute(KIND.KEYWORD, "city", "Rome"),))
    host.commit()
    seen: list[str] = []
    connection = sqlite3.connect(path)
    connection.set_trace_callback(None)

    class Watched:
        def __init__(self) -> None:
            self.cursor = connection.cursor()

        def execute(self, sql: str, values: Any = ()) -> None:
            seen.append(sql)
            self.cursor.execute(sql, values)

        def fetchall(self) -> list[Any]:
            return self.cursor.fetchall()

    for few in (0, FEW):
        search = Search(Watched(), SQL, evil, NOON, few)
        for operator in Operator:
            for name in (evil, *SYSTEM_KINDS):
                count = {Operator.BETWEEN: 2, Operator.NOT_BETWEEN: 2}.get(operator, 1)
                query = Term(name, operator, (evil, evil)[:count])
                assert search.page(query, 5, None) == ((), None)
    connection.close()

    assert len(seen) > 500
    assert not any("DROP" in sql or "OR 1=1" in sql for sql in seen)
    assert file_store.search("default", EVERYTHING, 5, None, NOON)[0][0].workflow_id == "w"
