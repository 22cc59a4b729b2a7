"""The statements, compiled once from the tables to the SQL of one database.

On the hot path they are given plain tuples: the order of a tuple's values is that of the columns
as they are named here, which `compile_in_order` makes sure of.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

from sqlalchemy import Table, bindparam, delete, exists, func, insert, literal_column, or_, select, true, update
from sqlalchemy.sql.elements import ColumnElement

from iwf_py.store.driver import Driver
from iwf_py.store.tables import Tables


class Compiler:
    """
    Writes statements in one database's SQL.

    Each answers SQL whose parameters are positional, in the order of the names that were passed.
    """

    def __init__(self, driver: Driver) -> None:
        self._driver = driver
        self.update = cache(self._update)
        self.delete = cache(self._delete)

    def compile_in_order(self, clause: Any, names: Sequence[str]) -> str:
        """Compile *clause*, whose parameters stand in the order of *names*."""
        compiled = clause.compile(dialect=self._driver.dialect)
        found = list(compiled.positiontup or ())
        if found != list(names):
            raise AssertionError(f"parameters of {compiled} are {found}, not {list(names)}")
        return str(compiled)

    def insert(self, table: Table) -> str:
        """Insert a whole row."""
        return self.compile_in_order(insert(table), [column.name for column in table.columns])

    def upsert(self, table: Table) -> str:
        """Insert a whole row, or write all of it over the one with its key."""
        return self.compile_in_order(self._driver.upsert(table), [column.name for column in table.columns])

    def _update(self, table: Table, columns: tuple[str, ...], where: tuple[str, ...], condition: Any = None) -> str:
        # SET is written in the table's order; parameters follow it, then come those of WHERE.
        if [column.name for column in table.columns if column.name in columns] != list(columns):
            raise AssertionError(f"columns of {table.name} out of order: {columns}")
        clause = update(table).where(*equal(table, where)).values({name: bindparam(f"set_{name}") for name in columns})
        if condition is not None:
            clause = clause.where(condition)
        return self.compile_in_order(clause, [f"set_{name}" for name in columns] + [f"is_{name}" for name in where])

    def _delete(self, table: Table, where: tuple[str, ...]) -> str:
        return self.compile_in_order(delete(table).where(*equal(table, where)), [f"is_{name}" for name in where])


def equal(table: Table, names: Sequence[str]) -> list[ColumnElement[bool]]:
    """Make one comparison with a parameter for each column: ``is_<name>``."""
    return [table.c[name] == bindparam(f"is_{name}") for name in names]


TASK_COLUMNS = ("owner", "failures", "recoveries", "first_at", "due_at", "last_failure")
MOVE_COLUMNS = ("phase", "ticket", "invoked_at")
WAIT_COLUMNS = ("commands", "locals", "wait_until_succeeded")
# A limit without an offset gets one from SQLAlchemy, as a parameter that nobody passes.
NOTHING: ColumnElement[int] = literal_column("0")
NO_TASK = (None, None, None, None, None, None)


class WriteStatements:
    """The statements of a batch, by what they do."""

    def __init__(self, compiler: Compiler) -> None:
        t = Tables
        self.update = compiler.update
        self.delete = compiler.delete
        executions = t.executions

        self.open_execution = compiler.insert(executions)
        self.supersede = compiler.compile_in_order(
            update(executions)
            .where(
                executions.c.namespace == bindparam("namespace"),
                executions.c.workflow_id == bindparam("workflow_id"),
                executions.c.superseded == literal_column("0"),
                executions.c.closed_at.is_not(None),
            )
            .values(superseded=executions.c.run),
            ["namespace", "workflow_id"],
        )
        self.mark_leftovers = compiler.compile_in_order(
            update(executions)
            .where(
                executions.c.run == bindparam("is_run"),
                or_(*(exists().where(child.c.run == executions.c.run) for child in (t.states, t.messages))),
            )
            .values(has_leftovers=true()),
            ["is_run"],
        )
        self.append_history = compiler.insert(t.history)
        self.write_attribute = compiler.upsert(t.attributes)
        self.write_search = compiler.upsert(t.search)
        self.write_word = compiler.insert(t.words)
        self.write_ordinal = compiler.upsert(t.ordinals)
        self.append_message = compiler.insert(t.messages)
        self.open_state = compiler.insert(t.states)
        self.set_timer = compiler.insert(t.timers)
        self.complete_state = compiler.insert(t.completions)
        self.open_rpc = compiler.insert(t.rpcs)
        self.idle_timers = compiler.update(t.timers, ("wake_at",), ("run", "number"), t.timers.c.wake_at.is_not(None))
        self.end_tasks = compiler.update(t.states, ("owner", "due_at"), ("run",), t.states.c.owner.is_not(None))
        engines = t.engines
        # Only the newest epoch may commit: an owner that was overtaken, its lock file deleted under it, writes nothing more.
        is_newest = engines.c.epoch == select(func.max(engines.c.epoch)).scalar_subquery()
        self.number_batch = compiler.update(t.engines, ("batch",), ("epoch",), is_newest)
        self.number_claims = compiler.update(t.engines, ("claims",), ("epoch",), is_newest)
