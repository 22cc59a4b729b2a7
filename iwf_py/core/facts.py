"""What is known of a run, as queries ask for it: system attributes and search attributes."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from iwf_py.core.attributes import Cell
from iwf_py.core.listing import executing_state_ids
from iwf_py.core.matching import Fact, words_of
from iwf_py.core.record import Record
from iwf_py.model.ids import EPOCH
from iwf_py.model.payload import SearchAttribute
from iwf_py.model.queries import (
    BACKEND_TASK_QUEUE,
    BACKEND_WORKFLOW_TYPE,
    SYSTEM_KINDS,
    SystemAttribute,
)
from iwf_py.model.status import SearchAttributeValueType

_NANOSECONDS_PER_MICROSECOND = 1000


def facts_of(record: Record) -> dict[str, Fact]:
    """Gather all attributes that a run has, by name."""
    found = {
        key: Fact(cell.value.value_type, _value(cell))
        for key, cell in record.search_attributes.items()
        if cell.value.value_type is not None
    }
    found.update((name, Fact(SYSTEM_KINDS[name], value)) for name, value in _system(record).items())
    return found


def _system(record: Record) -> dict[str, Any]:
    request, started_at, closed = record.started.request, record.started.at, record.closed
    name = SystemAttribute
    found: dict[str, Any] = {
        name.WORKFLOW_ID: request.workflow_id,
        name.RUN_ID: record.run_id,
        name.WORKFLOW_TYPE: BACKEND_WORKFLOW_TYPE,
        name.IWF_WORKFLOW_TYPE: request.workflow_type,
        name.EXECUTION_STATUS: record.status.value,
        name.START_TIME: started_at,
        name.EXECUTION_TIME: started_at + request.start_delay,
        name.HISTORY_LENGTH: record.seq,
        name.TASK_QUEUE: BACKEND_TASK_QUEUE,
    }
    if closed is not None:
        found[name.CLOSE_TIME] = closed.at
        span = (closed.at - started_at) // timedelta(microseconds=1)
        found[name.EXECUTION_DURATION] = span * _NANOSECONDS_PER_MICROSECOND
    executing = executing_state_ids(record)
    if executing:
        found[name.IWF_EXECUTING_STATE_IDS] = executing
    return found


def _value(cell: Cell[SearchAttribute]) -> Any:
    """Take the value that the type names; without one it is 0, false or empty."""
    attribute, kind = cell.value, SearchAttributeValueType
    match attribute.value_type:
        case kind.KEYWORD:
            return attribute.string_value or ""
        case kind.TEXT:
            return words_of(attribute.string_value or "")
        case kind.DATETIME:
            return cell.instant or EPOCH
        case kind.INT:
            return attribute.integer_value or 0
        case kind.DOUBLE:
            return attribute.double_value or 0.0
        case kind.BOOL:
            return bool(attribute.bool_value)
        case _:
            return tuple(dict.fromkeys(attribute.string_array_value or ()))
