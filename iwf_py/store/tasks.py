"""What is due, and the calls that an ended engine left behind.

A run that is parked has nothing due; of a closed run there is nothing to be found, since closing it
clears its timers and the owners of its calls.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Select, Table, bindparam, func, literal_column, select, tuple_

from iwf_py.model.ids import EPOCH, WorkflowKey
from iwf_py.store.driver import Cursor, Tuple
from iwf_py.store.executions import task_state
from iwf_py.store.instants import from_micros, to_micros
from iwf_py.store.statements import NOTHING, TASK_COLUMNS, Compiler
from iwf_py.store.tables import Tables
from iwf_py.store.unit import Due, DueTask, DueTimer, OpenRpc

# Before any instant, run and number.
_FROM_THE_START = (-(1 << 62), -1, -1)
_STATE_COLUMNS = ("run", "number", "phase", *TASK_COLUMNS)


class TaskStatements:
    """The statements for what is due and for recovery."""

    def __init__(self, compiler: Compiler) -> None:
        executions, timers, states, rpcs = Tables.executions, Tables.timers, Tables.states, Tables.rpcs
        self.due_timers = compiler.compile_in_order(
            _of_running(timers, ("run", "number", "position", "due"))
            .where(timers.c.wake_at <= bindparam("until"))
            .order_by(timers.c.wake_at, timers.c.run, timers.c.number, timers.c.position)
            .limit(bindparam("most"))
            .offset(NOTHING),
            ["until", "most"],
        )
        order = (states.c.due_at, states.c.run, states.c.number)
        self.due_tasks = compiler.compile_in_order(
            _of_running(states, _STATE_COLUMNS)
            .where(
                states.c.owner == bindparam("epoch"),
                states.c.due_at >= bindparam("since"),
                states.c.due_at <= bindparam("until"),
                tuple_(*order) > tuple_(bindparam("after_due"), bindparam("after_run"), bindparam("after_number")),
            )
            .order_by(*order)
            .limit(bindparam("most"))
            .offset(NOTHING),
            ["epoch", "since", "until", "after_due", "after_run", "after_number", "most"],
        )
        self.next_timer = compiler.compile_in_order(
            _of_running(timers, ("wake_at",))
            .where(timers.c.wake_at > bindparam("after"))
            .order_by(timers.c.wake_at)
            .limit(literal_column("1"))
            .offset(NOTHING),
            ["after"],
        )
        self.next_task = compiler.compile_in_order(
            _of_running(states, ("due_at",))
            .where(states.c.owner == bindparam("epoch"), states.c.due_at > bindparam("after"))
            .order_by(states.c.due_at)
            .limit(literal_column("1"))
            .offset(NOTHING),
            ["epoch", "after"],
        )
        # Ended epochs that still own calls, one after the other: each is one step in the index of owners.
        self.next_owner = compiler.compile_in_order(
            select(func.min(states.c.owner)).where(
                states.c.owner > bindparam("after"), states.c.owner < bindparam("epoch")
            ),
            ["after", "epoch"],
        )
        self.orphans = compiler.compile_in_order(
            _of_running(states, _STATE_COLUMNS)
            .where(states.c.owner == bindparam("owner"))
            .order_by(*order)
            .limit(bindparam("most"))
            .offset(NOTHING),
            ["owner", "most"],
        )
        self.claim = compiler.update(states, ("owner", "recoveries"), ("run", "number", "owner"))
        self.open_rpcs = compiler.compile_in_order(
            select(rpcs.c.run, executions.c.namespace, executions.c.workflow_id, executions.c.run_id, rpcs.c.number)
            .join(executions, executions.c.run == rpcs.c.run)
            .where(rpcs.c.epoch < bindparam("epoch"))
            .order_by(rpcs.c.epoch, rpcs.c.run, rpcs.c.number)
            .limit(bindparam("most"))
            .offset(NOTHING),
            ["epoch", "most"],
        )


def _of_running(table: Table, columns: tuple[str, ...]) -> Select[Any]:
    """Select from runs that are not parked: namespace, workflow id, run id, then *columns*."""
    executions = Tables.executions
    return (
        select(
            executions.c.namespace,
            executions.c.workflow_id,
            executions.c.run_id,
            *(table.c[name] for name in columns),
        )
        .join_from(table, executions, executions.c.run == table.c.run)
        .where(executions.c.parked.is_(None))
    )


def read_due(
    cursor: Cursor, sql: TaskStatements, epoch: int, until: datetime, limit: int, after: DueTask | None
) -> Due:
    """Tell what is due at *until*."""
    until_micros = to_micros(until)
    cursor.execute(sql.due_timers, (until_micros, limit))
    timers = tuple(
        DueTimer(
            key=WorkflowKey(namespace, workflow_id),
            run_id=run_id,
            row=run,
            number=number,
            index=position,
            due=from_micros(due),
        )
        for namespace, workflow_id, run_id, run, number, position, due in cursor.fetchall()
    )
    since = _FROM_THE_START
    if after is not None and after.task.due_at is not None:
        since = (to_micros(after.task.due_at), after.row, after.task.number)
    # The first bound says nothing new; it lets the index begin there.
    cursor.execute(sql.due_tasks, (epoch, since[0], until_micros, *since, limit))
    return Due(timers=timers, tasks=tuple(due_task(row) for row in cursor.fetchall()))


def read_next_due(cursor: Cursor, sql: TaskStatements, epoch: int, after: datetime | None) -> datetime | None:
    """Tell the earliest instant at which anything is due."""
    since = _FROM_THE_START[0] if after is None else to_micros(after)
    cursor.execute(sql.next_timer, (since,))
    rows = cursor.fetchall()
    cursor.execute(sql.next_task, (epoch, since))
    rows += cursor.fetchall()
    return from_micros(min(row[-1] for row in rows)) if rows else None


def read_orphans(cursor: Cursor, sql: TaskStatements, epoch: int, limit: int) -> list[DueTask]:
    """Read calls of ended epochs, earliest due first; those that may be made at once come first of all."""
    orphans: list[DueTask] = []
    owner = -1
    while True:
        cursor.execute(sql.next_owner, (owner, epoch))
        row = cursor.fetchone()
        if row is None or row[0] is None:
            break
        owner = row[0]
        cursor.execute(sql.orphans, (owner, limit))
        orphans += [due_task(row) for row in cursor.fetchall()]
    orphans.sort(key=lambda orphan: (orphan.task.due_at or EPOCH, orphan.row, orphan.task.number))
    return orphans[:limit]


def read_open_rpcs(cursor: Cursor, sql: TaskStatements, epoch: int, limit: int) -> tuple[OpenRpc, ...]:
    """Tell the locking RPCs of ended epochs."""
    cursor.execute(sql.open_rpcs, (epoch, limit))
    return tuple(
        OpenRpc(row=run, key=WorkflowKey(namespace, workflow_id), run_id=run_id, number=number)
        for run, namespace, workflow_id, run_id, number in cursor.fetchall()
    )


def due_task(row: Tuple) -> DueTask:
    """Read a row of `_of_running` with `_STATE_COLUMNS`."""
    namespace, workflow_id, run_id, run, number, phase, *columns = row
    return DueTask(
        row=run, key=WorkflowKey(namespace, workflow_id), run_id=run_id, task=task_state(number, phase, columns)
    )
