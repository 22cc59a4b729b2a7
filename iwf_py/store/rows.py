"""Values as rows: the tuples that the statements take, in the order of their tables' columns."""

from __future__ import annotations

from typing import Any

from iwf_py.codec.snapshots import ByIdentity, dump, dump_or_none
from iwf_py.core.attempts import TaskState
from iwf_py.core.changes import ExecutionOpened, MessageAppended, MessageTaken, StateLeft, StateOpened, StateWaiting
from iwf_py.model.payload import Payload
from iwf_py.model.status import WorkflowStatus
from iwf_py.store.driver import Tuple
from iwf_py.store.instants import to_micros, to_micros_or_none
from iwf_py.store.tables import Tables

NO_TASK: Tuple = (None, None, None, None, None, None)
EXECUTION_COLUMNS = tuple(column.name for column in Tables.executions.columns)

_NO_VALUE = (False, None, None)
_NO_WAIT = (None, None, True)


# A workflow class hands out the same options again and again, and so does the wire.
_options_text = ByIdentity(dump)


def value_columns(payload: Payload | None) -> tuple[bool, str | None, str | None]:
    """Return the columns (has_..., encoding, data) of what may be no value at all."""
    return _NO_VALUE if payload is None else (True, payload.encoding, payload.data)


def task_columns(task: TaskState) -> Tuple:
    """Return the columns that `TASK_COLUMNS` names."""
    return (
        task.epoch,
        task.failures,
        task.recoveries,
        to_micros(task.first_at),
        to_micros_or_none(task.due_at),
        dump_or_none(task.last_failure),
    )


def wait_columns(waiting: StateWaiting | None) -> Tuple:
    """Return the columns that `WAIT_COLUMNS` names."""
    if waiting is None:
        return _NO_WAIT
    return (dump(waiting.commands), dump(waiting.locals) if waiting.locals else None, waiting.wait_until_succeeded)


def execution_row(run: int, opened: ExecutionOpened, *, is_latest: bool, has_entry: bool, **changed: Any) -> Tuple:
    """
    Make the row of a new run.

    Args:
        is_latest: No later run of its workflow id is in the batch.

        has_entry: The event it began with is its history entry 1, and need not be kept twice.

        changed: Columns that the batch has changed since the opening.
    """
    started, chain = opened.started, opened.chain
    request = started.request
    values = {
        "run": run,
        "namespace": request.namespace,
        "workflow_id": request.workflow_id,
        "superseded": 0 if is_latest else run,
        "run_id": started.run_id,
        "workflow_type": request.workflow_type,
        "status": WorkflowStatus.RUNNING.value,
        "opened_at": to_micros(started.at),
        "started": None if has_entry else dump(started),
        "first_run_id": chain.first_run_id,
        "run_attempt": chain.run_attempt,
        "deadline": to_micros_or_none(chain.deadline),
        "previous_run_id": chain.previous_run_id,
        "reason": chain.reason,
        "starts_at": to_micros_or_none(opened.starts_at),
        "request_id": None if request.already_started is None else request.already_started.request_id,
        "rules": started.rules,
        "is_closing": False,
        "runs_from": to_micros_or_none(opened.starts_at),
        **changed,
    }
    return [values.get(name) for name in EXECUTION_COLUMNS]


def state_row(
    run: int,
    opened: StateOpened,
    moved: Tuple,
    waiting: StateWaiting | None,
    task: Tuple | None,
    emptied: str | None,
    *,
    is_listed: bool,
) -> Tuple:
    """Make the row of a state execution."""
    return (
        run,
        opened.number,
        opened.state_id,
        opened.ordinal,
        *value_columns(opened.input),
        None if opened.options is None else _options_text(opened.options),
        opened.wait_for_key,
        dump_or_none(opened.failure),
        *moved,
        *wait_columns(waiting),
        *(task or NO_TASK),
        emptied,
        opened.state_id if is_listed else None,
    )


def completion_row(run: int, place: int, left: StateLeft) -> Tuple:
    """Make the row of a state execution that left with an output or a key, or that failed."""
    return (
        run,
        left.number,
        place,
        left.state_id,
        left.ordinal,
        left.wait_for_key,
        *value_columns(left.output),
        not left.succeeded,
    )


def message_row(run: int, message: MessageAppended, taken: MessageTaken | None) -> Tuple:
    """Make the row of a message."""
    return (
        run,
        message.number,
        message.family._value_,
        message.channel_name,
        *value_columns(message.value),
        None if taken is None else taken.state,
        None if taken is None else taken.command,
    )
