"""No statement looks at more rows than it wants."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

from iwf_py.store.database import SqlStore
from iwf_py.store.executions import ReadStatements
from iwf_py.store.sqlite import SqliteDriver
from iwf_py.store.statements import MOVE_COLUMNS, TASK_COLUMNS, Compiler, Statement, WriteStatements
from iwf_py.store.tasks import TaskStatements
from iwf_py.store.upkeep import UpkeepStatements


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
