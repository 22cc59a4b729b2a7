"""Reading runs: which there are, what one is made of, and its history.

Each function is handed a cursor within a read transaction, so that all it reads is of one moment.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import cache
from typing import Any

from attrs import evolve
from sqlalchemy import Select, Table, bindparam, func, literal_column, select

from iwf_py.codec.snapshots import Pairs, event_from_text, load, load_or_none
from iwf_py.core.attempts import TaskState
from iwf_py.core.changes import ExecutionClosed, Succeeded
from iwf_py.core.events import Event, Started
from iwf_py.core.parts import Parts, StoredMessage, StoredState
from iwf_py.core.record import StoredRpc
from iwf_py.core.skips import KeptSkip
from iwf_py.errors import StoreError
from iwf_py.model.commands import CommandRequest
from iwf_py.model.history import HistoryEntry
from iwf_py.model.ids import WorkflowKey, state_execution_id
from iwf_py.model.invocations import Failure
from iwf_py.model.options import DEFAULT_CONFIG, Chain, StateOptions, WorkflowConfig
from iwf_py.model.payload import Payload
from iwf_py.model.requests import RpcRequest, StateOutput
from iwf_py.model.status import ChannelFamily, Phase, WorkflowErrorType, WorkflowStatus
from iwf_py.store.driver import Cursor, Tuple
from iwf_py.store.instants import from_micros, from_micros_or_none
from iwf_py.store.search import search_attribute
from iwf_py.store.statements import NOTHING, TASK_COLUMNS, Compiler, equal
from iwf_py.store.tables import Tables

# Ids are looked up so many at a time; fewer are filled up to a power of two, so that there are few statements.
_MOST_IDS = 512

_STATE_COLUMNS = (
    *("number", "state_id", "ordinal", "has_input", "encoding", "data", "options", "wait_for_key", "failure"),
    *("phase", "ticket", "invoked_at", "commands", "locals", "wait_until_succeeded", "emptied"),
)
# What the text of `emptied` is.
Indexes = tuple[int, ...]
_EXECUTION_COLUMNS = (
    *("run_id", "started", "first_run_id", "run_attempt", "deadline", "previous_run_id", "reason", "starts_at"),
    *("is_closing", "status", "closed_at", "error_type", "error_message", "closing", "successor", "parked"),
    "config",
)


class ReadStatements:
    """The queries for runs, by what they answer."""

    def __init__(self, compiler: Compiler) -> None:
        t = Tables
        self._compiler = compiler
        self.latest = cache(self._latest)
        executions, history = t.executions, t.history
        self.find = self._of(
            executions, ("run", "namespace", "workflow_id", "run_id"), ("namespace", "workflow_id", "run_id")
        )
        self.rows = compiler.compile_in_order(
            select(executions.c.run)
            .where(executions.c.run > bindparam("after"))
            .order_by(executions.c.run)
            .limit(bindparam("most"))
            .offset(NOTHING),
            ["after", "most"],
        )
        # The one look at everything that is open: once, when an engine starts, and off its path.
        self.open_kinds = compiler.compile_in_order(
            select(executions.c.workflow_type, t.states.c.state_id, func.count())
            .select_from(t.states)
            .join(executions, executions.c.run == t.states.c.run)
            .where(executions.c.closed_at.is_(None))
            .group_by(executions.c.workflow_type, t.states.c.state_id),
            [],
        )
        self.execution = self._of(executions, _EXECUTION_COLUMNS, ("run",))
        self.last_entry = compiler.compile_in_order(
            select(history.c.seq, history.c.at)
            .where(history.c.run == bindparam("is_run"))
            .order_by(history.c.seq.desc())
            .limit(literal_column("1"))
            .offset(NOTHING),
            ["is_run"],
        )
        self.event = self._of(history, ("kind", "event", "format"), ("run", "seq"))
        self.attributes = self._of(t.attributes, ("key", "encoding", "data", "revision"), ("run",), "key")
        self.search = self._of(
            t.search,
            ("key", "value_type", "string", "integer", "double", "boolean", "array", "is_nan", "revision", "instant"),
            ("run",),
            "key",
        )
        self.ordinals = self._of(t.ordinals, ("state_id", "opened"), ("run",))
        self.completions = self._of(
            t.completions,
            ("number", "state_id", "ordinal", "wait_for_key", "has_output", "encoding", "data", "has_failed"),
            ("run",),
            "place",
        )
        self.states = self._of(t.states, (*_STATE_COLUMNS, *TASK_COLUMNS), ("run",), "number")
        self.timers = self._of(t.timers, ("number", "due", "status"), ("run",), "number", "position")
        self.messages = self._of(
            t.messages,
            ("family", "channel", "number", "has_value", "encoding", "data", "state", "command"),
            ("run",),
            "number",
        )
        self.skips = self._of(t.skips, ("execution", "number", "command_id", "position"), ("run",))
        self.rpcs = self._of(t.rpcs, ("number", "request", "ticket", "at"), ("run",), "number")
        self.history = compiler.compile_in_order(
            _page(
                select(
                    executions.c.workflow_id,
                    executions.c.run_id,
                    history.c.seq,
                    history.c.at,
                    history.c.kind,
                    history.c.event,
                    history.c.format,
                ).join(executions, executions.c.run == history.c.run)
            ),
            ["is_run", "after", "most"],
        )
        self.events = compiler.compile_in_order(
            _page(select(history.c.seq, history.c.kind, history.c.event, history.c.format)),
            ["is_run", "after", "most"],
        )

    def _of(self, table: Table, columns: Sequence[str], where: Sequence[str], *order: str) -> str:
        query = select(*(table.c[name] for name in columns)).where(*equal(table, where))
        if order:
            query = query.order_by(*(table.c[name] for name in order))
        return self._compiler.compile_in_order(query, [f"is_{name}" for name in where])

    def _latest(self, count: int) -> str:
        executions = Tables.executions
        names = [f"id_{index}" for index in range(count)]
        return self._compiler.compile_in_order(
            select(executions.c.workflow_id, executions.c.run).where(
                executions.c.namespace == bindparam("is_namespace"),
                executions.c.workflow_id.in_([bindparam(name) for name in names]),
                executions.c.superseded == literal_column("0"),
            ),
            ["is_namespace", *names],
        )


def _page(query: Select[Any]) -> Select[Any]:
    history = Tables.history
    return (
        query.where(history.c.run == bindparam("is_run"), history.c.seq > bindparam("after"))
        .order_by(history.c.seq)
        .limit(bindparam("most"))
        .offset(NOTHING)
    )


def find_latest(cursor: Cursor, sql: ReadStatements, keys: Iterable[WorkflowKey]) -> dict[WorkflowKey, int]:
    """Find the latest run of each id; ids without a run are left out."""
    by_namespace: dict[str, list[str]] = {}
    for key in dict.fromkeys(keys):
        by_namespace.setdefault(key.namespace, []).append(key.workflow_id)
    found: dict[WorkflowKey, int] = {}
    for namespace, ids in by_namespace.items():
        for begin in range(0, len(ids), _MOST_IDS):
            some = ids[begin : begin + _MOST_IDS]
            count = 1 << (len(some) - 1).bit_length()
            some += some[-1:] * (count - len(some))
            cursor.execute(sql.latest(count), (namespace, *some))
            for workflow_id, run in cursor.fetchall():
                found[WorkflowKey(namespace, workflow_id)] = run
    return found


def find_run(cursor: Cursor, sql: ReadStatements, key: WorkflowKey, run_id: str) -> int | None:
    """Find one run of an id."""
    cursor.execute(sql.find, (key.namespace, key.workflow_id, run_id))
    row = cursor.fetchone()
    return None if row is None else int(row[0])


def list_rows(cursor: Cursor, sql: ReadStatements, after: int, limit: int) -> tuple[int, ...]:
    """List the keys of all runs, of every namespace, in order."""
    cursor.execute(sql.rows, (after, limit))
    return tuple(row[0] for row in cursor.fetchall())


def list_open_kinds(cursor: Cursor, sql: ReadStatements) -> tuple[tuple[str, str, int], ...]:
    """Count the open state executions of each workflow type and state."""
    cursor.execute(sql.open_kinds, ())
    return tuple(sorted((workflow_type, state_id, number) for workflow_type, state_id, number in cursor.fetchall()))


def read_run(cursor: Cursor, sql: ReadStatements, run: int) -> tuple[Parts, tuple[TaskState, ...], str | None] | None:
    """Read what a run is made of, its tasks, and why it is parked; of a closed run no state, timer, skip, message or RPC."""
    cursor.execute(sql.execution, (run,))
    row = cursor.fetchone()
    if row is None:
        return None
    (
        run_id, started_text, first_run_id, run_attempt, deadline, previous_run_id, reason, starts_at,
        is_closing, status, closed_at, error_type, error_message, closing, successor, parked,
        config,
    ) = row  # fmt: skip
    cursor.execute(sql.last_entry, (run,))
    last = cursor.fetchone()
    if last is None:
        raise StoreError(f"run {run_id} has no history; the database is damaged")
    closed = None
    if closed_at is not None:
        closed = _closed(from_micros(closed_at), status, error_type, error_message, closing)
    states, tasks = ([], ()) if closed else _read_states(cursor, sql, run)
    started = _read_started(cursor, sql, run, started_text)
    completions = _all(cursor, sql.completions, run)
    parts = Parts(
        started=started,
        chain=Chain(
            first_run_id=first_run_id,
            run_attempt=run_attempt,
            deadline=from_micros_or_none(deadline),
            previous_run_id=previous_run_id,
            reason=reason,
        ),
        starts_at=from_micros_or_none(starts_at),
        seq=last[0],
        last_at=from_micros(last[1]),
        config=load_or_none(WorkflowConfig, config) or started.request.config or DEFAULT_CONFIG,
        is_closing=bool(is_closing),
        closed=closed,
        successor=load_or_none(Succeeded, successor),
        attributes=_read_attributes(cursor, sql, run),
        search_attributes=[search_attribute(row) for row in _all(cursor, sql.search, run)],
        ordinals=dict(_all(cursor, sql.ordinals, run)),
        failed=_failed(completions),
        keyed=_keyed(completions),
        states=states,
        messages=[] if closed else _read_messages(cursor, sql, run),
        rpcs=[] if closed else _read_rpcs(cursor, sql, run),
        skips=[] if closed else [KeptSkip(*row) for row in _all(cursor, sql.skips, run)],
        outputs=_outputs(completions),
    )
    return parts, tasks, parked


def read_history(cursor: Cursor, sql: ReadStatements, run: int, after: int, limit: int) -> tuple[HistoryEntry, ...]:
    """Read history entries with ``seq > after``, in order."""
    cursor.execute(sql.history, (run, after, limit))
    return tuple(
        HistoryEntry(
            workflow_id=workflow_id, run_id=run_id, seq=seq, at=from_micros(at), kind=kind, event=event, format=format_
        )
        for workflow_id, run_id, seq, at, kind, event, format_ in cursor.fetchall()
    )


def read_events(cursor: Cursor, sql: ReadStatements, run: int, after: int, limit: int) -> tuple[tuple[int, Event], ...]:
    """Read events with ``seq > after``, in order."""
    cursor.execute(sql.events, (run, after, limit))
    return tuple((seq, event_from_text(kind, event, format_)) for seq, kind, event, format_ in cursor.fetchall())


def task_state(number: int, phase: str, columns: Tuple) -> TaskState:
    """Read a task from the columns that `TASK_COLUMNS` names."""
    owner, failures, recoveries, first_at, due_at, last_failure = columns
    return TaskState(
        number=number,
        phase=Phase(phase),
        epoch=owner,
        failures=failures,
        recoveries=recoveries,
        first_at=from_micros(first_at),
        due_at=from_micros_or_none(due_at),
        last_failure=load_or_none(Failure, last_failure),
    )


def _all(cursor: Cursor, statement: str, run: int) -> list[Any]:
    cursor.execute(statement, (run,))
    return cursor.fetchall()


def _closed(
    at: datetime, status: str, error_type: str | None, error_message: str | None, text: str | None
) -> ExecutionClosed:
    known = ExecutionClosed(at=at, status=WorkflowStatus(status)) if text is None else load(ExecutionClosed, text)
    return evolve(
        known,
        error_type=None if error_type is None else WorkflowErrorType(error_type),
        error_message=error_message,
    )


def _read_started(cursor: Cursor, sql: ReadStatements, run: int, text: str | None) -> Started:
    if text is not None:
        return load(Started, text)
    cursor.execute(sql.event, (run, 1))
    row = cursor.fetchone()
    event = None if row is None else event_from_text(*row)
    if not isinstance(event, Started):
        raise StoreError(f"the history of run {run} does not begin with its start; the database is damaged")
    return event


def _read_attributes(cursor: Cursor, sql: ReadStatements, run: int) -> list[tuple[str, Payload, int]]:
    rows = _all(cursor, sql.attributes, run)
    return [(key, Payload(encoding, data), revision) for key, encoding, data, revision in rows]


def _read_states(cursor: Cursor, sql: ReadStatements, run: int) -> tuple[list[StoredState], tuple[TaskState, ...]]:
    timers: dict[int, list[tuple[datetime, str | None]]] = {}
    for number, due, status in _all(cursor, sql.timers, run):
        timers.setdefault(number, []).append((from_micros(due), status))
    states, tasks = [], []
    for row in _all(cursor, sql.states, run):
        state = _state(row, tuple(timers.get(row[0], ())))
        states.append(state)
        columns = row[len(_STATE_COLUMNS) :]
        if columns[0] is not None:
            tasks.append(task_state(state.number, state.phase, columns))
    return states, tuple(tasks)


def _state(row: Tuple, timers: tuple[tuple[datetime, str | None], ...]) -> StoredState:
    (
        number, state_id, ordinal, has_input, encoding, data, options, wait_for_key, failure,
        phase, ticket, invoked_at, commands, locals_, wait_until_succeeded, emptied,
    ) = row[: len(_STATE_COLUMNS)]  # fmt: skip
    return StoredState(
        number=number,
        state_id=state_id,
        ordinal=ordinal,
        phase=Phase(phase),
        input=Payload(encoding, data) if has_input else None,
        options=load_or_none(StateOptions, options),
        wait_for_key=wait_for_key,
        failure=load_or_none(Failure, failure),
        ticket=ticket,
        invoked_at=from_micros_or_none(invoked_at),
        commands=load_or_none(CommandRequest, commands),
        locals=() if locals_ is None else load(Pairs, locals_),
        wait_until_succeeded=bool(wait_until_succeeded),
        timers=timers,
        emptied=() if emptied is None else load(Indexes, emptied),
    )


def _read_messages(cursor: Cursor, sql: ReadStatements, run: int) -> list[StoredMessage]:
    return [
        StoredMessage(
            family=ChannelFamily(family),
            channel_name=channel,
            number=number,
            value=Payload(encoding, data) if has_value else None,
            state=state,
            command=command,
        )
        for family, channel, number, has_value, encoding, data, state, command in _all(cursor, sql.messages, run)
    ]


def _read_rpcs(cursor: Cursor, sql: ReadStatements, run: int) -> list[StoredRpc]:
    return [
        StoredRpc(number=number, request=load(RpcRequest, request), ticket=ticket, at=from_micros(at))
        for number, request, ticket, at in _all(cursor, sql.rpcs, run)
    ]


def _outputs(completions: list[Any]) -> list[StateOutput]:
    return [
        StateOutput(
            state_id=state_id,
            state_execution_id=state_execution_id(state_id, ordinal),
            output=Payload(encoding, data),
        )
        for _, state_id, ordinal, _, has_output, encoding, data, _ in completions
        if has_output
    ]


def _failed(completions: list[Any]) -> list[tuple[str, int]]:
    return [
        (state_execution_id(state_id, ordinal), number)
        for number, state_id, ordinal, *_, has_failed in completions
        if has_failed
    ]


def _keyed(completions: list[Any]) -> list[tuple[str, str, int]]:
    """Tell who completed with a key; where several did with the same one, the first."""
    found: dict[tuple[str, str], int] = {}
    for _, state_id, ordinal, key, *_, has_failed in completions:
        if key is not None and not has_failed:
            found.setdefault((state_id, key), ordinal)
    return [(state_id, key, ordinal) for (state_id, key), ordinal in found.items()]
