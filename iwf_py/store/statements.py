"""The statements, compiled once from the tables to the SQL of one database.

On the hot path they are given plain tuples: the order of a tuple's values is that of the columns
as they are named here, which `compile_in_order` makes sure of.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

from attrs import frozen
from sqlalchemy import Table, bindparam, delete, exists, func, insert, literal_column, or_, select, update
from sqlalchemy.sql.elements import ColumnElement

from iwf_py.store.driver import Driver, Tuple
from iwf_py.store.tables import Tables

MOVE_COLUMNS = ("phase", "ticket", "invoked_at")
WAIT_COLUMNS = ("commands", "locals", "wait_until_succeeded")
TASK_COLUMNS = ("owner", "failures", "recoveries", "first_at", "due_at", "last_failure")

# A limit without an offset gets one from SQLAlchemy, as a parameter that nobody passes.
NOTHING: ColumnElement[int] = literal_column("0")

_RUN = ("run",)
_NUMBER = ("run", "number")
_OWNED = ("run", "number", "owner", "failures")
_TIMER = ("run", "number", "position")


class Compiler:
    """
    Writes statements in one database's SQL.

    Each answers SQL whose parameters are positional, in the order of the names that were passed.
    """

    def __init__(self, driver: Driver) -> None:
        self._driver = driver

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

    def update(self, table: Table, columns: Sequence[str], where: Sequence[str], condition: Any = None) -> str:
        """Write *columns* of the rows whose columns *where* are equal, and that meet *condition*."""
        # SET is written in the table's order; parameters follow it, then come those of WHERE.
        if [column.name for column in table.columns if column.name in columns] != list(columns):
            raise AssertionError(f"columns of {table.name} out of order: {columns}")
        clause = update(table).where(*equal(table, where)).values({name: bindparam(f"set_{name}") for name in columns})
        if condition is not None:
            clause = clause.where(condition)
        return self.compile_in_order(clause, [f"set_{name}" for name in columns] + [f"is_{name}" for name in where])

    def delete(self, table: Table, where: Sequence[str]) -> str:
        """Delete the rows whose columns *where* are equal."""
        return self.compile_in_order(delete(table).where(*equal(table, where)), [f"is_{name}" for name in where])


def equal(table: Table, names: Sequence[str]) -> list[ColumnElement[bool]]:
    """Make one comparison with a parameter for each column: ``is_<name>``."""
    return [table.c[name] == bindparam(f"is_{name}") for name in names]


def _copy(history: Table) -> Any:
    """Copy a run's first entries to another run, as they are."""
    names = [column.name for column in history.columns]
    rest = [history.c[name] for name in names if name != "run"]
    entries = select(bindparam("to_run", type_=history.c.run.type), *rest).where(
        history.c.run == bindparam("of_run"), history.c.seq <= bindparam("until")
    )
    return insert(history).from_select(["run", *(column.name for column in rest)], entries)


# When a statement of a batch runs: a parent's row before its children's, what clears a run after what writes it.
EXECUTION_CHANGED, SUPERSEDED, EXECUTION_OPENED, HISTORY, GONE, WRITTEN, CHANGED, FINISHED, CLEARED, MARKED = range(10)


@frozen(eq=False)
class Statement:
    """
    A statement of a batch; the same object wherever it is used.

    Attributes:
        stage: When it runs.

        is_exact: It touches one row for each tuple; where it does not, the batch must not stand.

        counted: It is exact, but touches as many rows as this value of each tuple says.
    """

    stage: int
    sql: str
    is_exact: bool = False
    counted: int | None = None

    def rows(self, tuples: Sequence[Tuple]) -> int:
        """Tell how many rows it touches, where it is exact."""
        return len(tuples) if self.counted is None else sum(row[self.counted] for row in tuples)


class WriteStatements:
    """The statements of a batch, by what they do; what follows names the values of a tuple."""

    def __init__(self, compiler: Compiler) -> None:
        self._compiler = compiler
        self.change_execution = cache(self._change_execution)
        self.change_state = cache(self._change_state)
        t, c = Tables, compiler
        executions, engines = t.executions, t.engines

        # Whole rows, in the order of their table's columns.
        self.open_execution = Statement(EXECUTION_OPENED, c.insert(executions))
        self.append_history = Statement(HISTORY, c.insert(t.history))
        self.write_attribute = Statement(WRITTEN, c.upsert(t.attributes))
        self.write_search = Statement(WRITTEN, c.upsert(t.search))
        self.write_word = Statement(WRITTEN, c.insert(t.words))
        self.open_state = Statement(WRITTEN, c.insert(t.states))
        self.write_ordinal = Statement(WRITTEN, c.upsert(t.ordinals))
        self.complete_state = Statement(WRITTEN, c.insert(t.completions))
        self.set_timer = Statement(WRITTEN, c.insert(t.timers))
        self.append_message = Statement(WRITTEN, c.insert(t.messages))
        self.open_rpc = Statement(WRITTEN, c.insert(t.rpcs))
        self.keep_skip = Statement(WRITTEN, c.insert(t.skips))

        # run, run that it is copied from, last entry
        self.copy_history = Statement(
            HISTORY, c.compile_in_order(_copy(t.history), ["to_run", "of_run", "until"]), is_exact=True, counted=2
        )

        # run, key
        self.delete_attribute = Statement(GONE, c.delete(t.attributes, ("run", "key")))
        self.delete_search = Statement(GONE, c.delete(t.search, ("run", "key")))
        self.delete_words = Statement(GONE, c.delete(t.words, ("run", "key")))

        # run, execution; all: run
        self.release_skips = Statement(GONE, c.delete(t.skips, ("run", "execution")))
        self.release_all_skips = Statement(GONE, c.delete(t.skips, _RUN))

        # run, number; owned: owner, failures as well; listed: after its value
        self.leave_state = Statement(CHANGED, c.delete(t.states, _NUMBER), is_exact=True)
        self.leave_owned_state = Statement(CHANGED, c.delete(t.states, _OWNED), is_exact=True)
        self.delete_timers = Statement(GONE, c.delete(t.timers, _NUMBER))
        self.finish_messages = Statement(FINISHED, c.delete(t.messages, ("run", "state")))
        self.list_state = Statement(CHANGED, c.update(t.states, ("listed",), _NUMBER), is_exact=True)
        self.close_rpc = Statement(GONE, c.delete(t.rpcs, _NUMBER), is_exact=True)

        # run, number, position; completed: after status and null
        self.delete_timer = Statement(GONE, c.delete(t.timers, _TIMER))
        self.complete_timer = Statement(CHANGED, c.update(t.timers, ("status", "wake_at"), _TIMER), is_exact=True)

        # null, run, number
        is_told = t.timers.c.wake_at.is_not(None)
        self.idle_timers = Statement(CHANGED, c.update(t.timers, ("wake_at",), _NUMBER, is_told))

        # state, command, run, number
        self.take_message = Statement(CHANGED, c.update(t.messages, ("state", "command"), _NUMBER), is_exact=True)

        # namespace, workflow_id
        supersede = (
            update(executions)
            .where(
                *equal(executions, ("namespace", "workflow_id")),
                executions.c.superseded == NOTHING,
                executions.c.closed_at.is_not(None),
            )
            .values(superseded=executions.c.run)
        )
        self.supersede = Statement(SUPERSEDED, c.compile_in_order(supersede, ["is_namespace", "is_workflow_id"]))

        # run; tasks: after null and null
        self.clear = [Statement(CLEARED, c.delete(table, _RUN)) for table in (t.timers, t.rpcs)]
        is_owned = t.states.c.owner.is_not(None)
        self.end_tasks = Statement(CLEARED, c.update(t.states, ("owner", "due_at"), _RUN, is_owned))
        left_behind = or_(*(exists().where(child.c.run == executions.c.run) for child in (t.states, t.messages)))
        mark = update(executions).where(*equal(executions, _RUN), left_behind)
        mark = mark.values(leftovers_at=executions.c.closed_at)
        self.mark_leftovers = Statement(MARKED, c.compile_in_order(mark, ["is_run"]))

        # Only the newest epoch may commit: an owner that was overtaken, its lock file deleted under it, writes nothing more.
        is_newest = engines.c.epoch == select(func.max(engines.c.epoch)).scalar_subquery()
        self.number_batch = c.update(engines, ("batch",), ("epoch",), is_newest)
        self.number_claims = c.update(engines, ("claims",), ("epoch",), is_newest)

    def _change_execution(self, columns: tuple[str, ...]) -> Statement:
        """*columns*, then run."""
        return Statement(EXECUTION_CHANGED, self._compiler.update(Tables.executions, columns, _RUN), is_exact=True)

    def _change_state(self, columns: tuple[str, ...], *, is_owned: bool) -> Statement:
        """*columns*, then run, number; owned: owner, failures as well."""
        where = _OWNED if is_owned else _NUMBER
        return Statement(CHANGED, self._compiler.update(Tables.states, columns, where), is_exact=True)
