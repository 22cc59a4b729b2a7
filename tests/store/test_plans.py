"""No statement looks at more rows than it wants."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

from iwf_py.codec.queries import parse_query
from iwf_py.store.database import SqlStore
from iwf_py.store.executions import ReadStatements
from iwf_py.store.queries import QueryStatements
from iwf_py.store.shapes import Asked, shape_of
from iwf_py.store.sqlite import SqliteDriver
from iwf_py.store.statements import MOVE_COLUMNS, TASK_COLUMNS, Compiler, Statement, WriteStatements
from iwf_py.store.tasks import TaskStatements
from iwf_py.store.upkeep import UpkeepStatements
from tests.store.host import NOON


def statements() -> Iterator[tuple[str, str]]:
    compiler = Compiler(SqliteDriver(None))
    reads, writes = ReadStatements(compiler), WriteStatements(compiler)
    for group in (reads, writes, TaskStatements(compiler), UpkeepStatements(compiler)):
        for name, value in vars(group).items():
            for found in value if isinstance(value, list) else [value]:
                if isinstance(found, str | Statement):
                    yield name, found if isinstance(found, str) else found.sql
    yield "latest", reads.latest(8)
    yield "change_state", writes.change_state((*MOVE_COLUMNS, *TASK_COLUMNS), is_owned=True).sql


def test_every_statement_goes_by_an_index(file_store: SqlStore, path: Path):
    """
    However large a table has grown, nothing scans it, and nothing sorts what an index has in order.
    """
    connection = sqlite3.connect(path)
    plans = {}
    for name, sql in statements():
        rows = connection.execute("EXPLAIN QUERY PLAN " + sql, (0,) * sql.count("?")).fetchall()
        plans[name] = [row[3] for row in rows]
    connection.close()

    # Asked once, at the start: it looks at all states, for only those that are open are kept.
    assert [step.split()[:2] for step in plans.pop("open_kinds")][0] == ["SCAN", "iwf_states"]
    assert len(plans) > 50
    assert [(name, plan) for name, plan in plans.items() if any(step.startswith("SCAN") for step in plan)] == []
    # The outputs of one run are few, and sorted by their place.
    sorting = [name for name, plan in plans.items() if any("TEMP B-TREE" in step for step in plan)]
    assert sorting == ["completions"]


QUERIES = [
    "",
    "city = 'Rome'",
    "city != 'Rome'",
    "city STARTS_WITH 'R'",
    "count > 5",
    "about IS NULL",
    "is_member = true OR since > '5m'",
    "city = 'Rome' AND IwfWorkflowType = 'Order' AND ExecutionStatus = 'Running'",
    "WorkflowId = 'w'",
    "WorkflowId STARTS_WITH 'w'",
    "RunId = 'r'",
    "CloseTime > '1h'",
    "StartTime > '1h'",
    "HistoryLength > 5",
    "IwfExecutingStateIds = 'A'",
    "IwfExecutingStateIds IS NULL",
]


def test_searches_go_by_the_indexes_that_were_made_for_them(file_store: SqlStore, path: Path):
    """
    Candidates come from covering indexes; whatever is asked, a walk goes in the order of the search, without sorting.
    """
    connection = sqlite3.connect(path)

    def plan(statement: tuple[str, tuple[str, ...]]) -> list[str]:
        sql, _ = statement
        steps = [row[3] for row in connection.execute("EXPLAIN QUERY PLAN " + sql, (0,) * sql.count("?"))]
        # What the candidates are counted from is a query of ours, not a table.
        return [step for step in steps if not step.startswith("SCAN anon")]

    statements = QueryStatements(SqliteDriver(None))
    probes = 0
    for text in QUERIES:
        shape, _ = shape_of(parse_query(text), NOON)
        walks = {
            "opened_at": [statements.open_runs(shape, is_first=is_first) for is_first in (True, False)],
            "closed_at": [statements.closed_before(shape, is_first=is_first) for is_first in (True, False)],
        }
        for walked in (*walks["opened_at"], *walks["closed_at"]):
            first, *others = plan(walked)
            assert first.startswith(
                "SEARCH iwf_executions USING INDEX iwf_executions_found (namespace=? AND closed_at"
            ), text
            assert not any("SCAN" in step or "TEMP B-TREE" in step for step in others), text
        since = plan(statements.closed_since(shape))
        assert since[0].startswith("SEARCH iwf_executions USING INDEX iwf_executions_closed_in"), text
        assert not any(step.startswith("SCAN") for step in (*since, *plan(statements.count(shape, None)))), text
        if isinstance(shape, Asked) and (probe := statements.probe(shape)) is not None:
            probes += 1
            searches = [step for step in plan(probe) if "SEARCH" in step]
            assert searches, text
            assert all("COVERING INDEX" in step for step in searches), (text, searches)
            first, *others = plan(statements.look_at(shape, (shape,), is_first=False))
            assert first == "SEARCH iwf_executions USING INTEGER PRIMARY KEY (rowid=?)", text
            assert not any("SCAN" in step for step in others), text
    assert probes == 8
    connection.close()
