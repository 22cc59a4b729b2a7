"""What is done to rows beside turns: epochs, blocks of keys, parking, and sweeping up after closed runs."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Table, bindparam, delete, func, literal_column, select

from iwf_py.errors import StoreError
from iwf_py.store.driver import Cursor
from iwf_py.store.instants import to_micros
from iwf_py.store.statements import NOTHING, Compiler
from iwf_py.store.tables import Tables

_RUNS = "run"
# Rows of earlier openings, kept for whoever looks into the past.
_KEPT_EPOCHS = 1000


class UpkeepStatements:
    """The statements, by what they do."""

    def __init__(self, compiler: Compiler) -> None:
        engines, sequences, executions = Tables.engines, Tables.sequences, Tables.executions
        text = compiler.compile_in_order
        self.newest_epoch = text(select(func.max(engines.c.epoch)), [])
        self.begin_epoch = compiler.insert(engines)
        self.forget_epochs = text(delete(engines).where(engines.c.epoch <= bindparam("until")), ["until"])
        self.batch_number = text(select(engines.c.batch).where(engines.c.epoch == bindparam("epoch")), ["epoch"])
        self.claim_number = text(select(engines.c.claims).where(engines.c.epoch == bindparam("epoch")), ["epoch"])
        self.is_retired = text(select(engines.c.is_retired).where(engines.c.epoch == bindparam("epoch")), ["epoch"])
        self.retire = compiler.update(engines, ("is_retired",), ("epoch",))
        self.sequence = text(select(sequences.c.next).where(sequences.c.name == bindparam("name")), ["name"])
        self.set_sequence = compiler.upsert(sequences)
        self.park = compiler.update(executions, ("parked",), ("run",))
        self.swept_next = text(
            select(executions.c.run)
            .where(executions.c.leftovers_at.is_not(None))
            .order_by(executions.c.leftovers_at)
            .limit(literal_column("1"))
            .offset(NOTHING),
            [],
        )
        self.sweep_children = [self._delete_some(compiler, child) for child in (Tables.states, Tables.messages)]
        self.end_sweep = compiler.update(executions, ("leftovers_at",), ("run",))

    def _delete_some(self, compiler: Compiler, child: Table) -> str:
        some = (
            select(child.c.number)
            .where(child.c.run == bindparam("of_run"))
            .order_by(child.c.number)
            .limit(bindparam("most"))
            .offset(NOTHING)
        )
        return compiler.compile_in_order(
            delete(child).where(child.c.run == bindparam("is_run"), child.c.number.in_(some)),
            ["is_run", "of_run", "most"],
        )


def begin_epoch(cursor: Cursor, sql: UpkeepStatements, holder: str, now: datetime) -> int:
    """Begin a new epoch, higher than any before; answer it."""
    cursor.execute(sql.newest_epoch)
    row = cursor.fetchone()
    epoch = int(row[0] or 0) + 1 if row else 1
    cursor.execute(sql.begin_epoch, (epoch, holder, to_micros(now), 0, 0, False))
    cursor.execute(sql.forget_epochs, (epoch - _KEPT_EPOCHS,))
    return epoch


def is_retired(cursor: Cursor, sql: UpkeepStatements, epoch: int) -> bool:
    """Did the engine of an epoch end in order?"""
    cursor.execute(sql.is_retired, (epoch,))
    row = cursor.fetchone()
    return bool(row and row[0])


def take_block(cursor: Cursor, sql: UpkeepStatements, count: int) -> range:
    """Take *count* run keys that nobody had; they begin at 1."""
    cursor.execute(sql.sequence, (_RUNS,))
    row = cursor.fetchone()
    begin = int(row[0]) if row else 1
    cursor.execute(sql.set_sequence, (_RUNS, begin + count))
    return range(begin, begin + count)


def park_run(cursor: Cursor, sql: UpkeepStatements, run: int, reason: str | None) -> None:
    """Hold a run apart, or no longer."""
    cursor.execute(sql.park, (reason, run))
    if cursor.rowcount != 1:
        raise StoreError(f"there is no run {run} to park")


def sweep_some(cursor: Cursor, sql: UpkeepStatements, limit: int) -> int:
    """Delete about *limit* rows that closed runs have left behind; answer how many, 0 when none is left."""
    deleted = 0
    while deleted < limit:
        cursor.execute(sql.swept_next)
        row = cursor.fetchone()
        if row is None:
            break
        run, left = row[0], limit - deleted
        for statement in sql.sweep_children:
            if left > 0:
                cursor.execute(statement, (run, run, left))
                deleted += cursor.rowcount
                left -= cursor.rowcount
        if left > 0:
            cursor.execute(sql.end_sweep, (None, run))
    return deleted
