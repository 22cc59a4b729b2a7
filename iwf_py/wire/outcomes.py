"""Answers of workers on the wire: a worker writes them, an engine makes outcomes of them.

Source:
    The iWF protocol's sections on the calls to the worker and on RPC.
"""

from __future__ import annotations

from typing import assert_never

from iwf_py.model.invocations import (
    NO_WRITES,
    ExecuteResult,
    Failed,
    Failure,
    InvocationKind,
    Outcome,
    RpcResult,
    WaitUntilResult,
    Writes,
)
from iwf_py.wire import protocol
from iwf_py.wire.commands import read_commands, write_commands
from iwf_py.wire.decisions import read_decision, read_movements, write_decision, write_movements
from iwf_py.wire.shapes import Json, Shape
from iwf_py.wire.values import (
    read_pairs,
    read_payload,
    read_publications,
    read_search_upserts,
    read_upserts,
    write_pairs,
    write_payload,
    write_publications,
    write_search_upserts,
    write_upserts,
)

# The shape of each call's answer.
SHAPES: dict[InvocationKind, Shape] = {
    InvocationKind.WAIT_UNTIL: protocol.WAIT_UNTIL_RESPONSE,
    InvocationKind.EXECUTE: protocol.EXECUTE_RESPONSE,
    InvocationKind.RPC: protocol.WORKER_RPC_RESPONSE,
}

# The fields of what user code wrote: most answers have none of them.
_WRITTEN = frozenset(
    (
        "upsertDataObjects",
        "upsertDataAttributes",
        "upsertSearchAttributes",
        "publishToInterStateChannel",
        "recordEvents",
    )
)


def write_outcome(outcome: Outcome) -> tuple[int, Json]:
    """Write what a call came to: the status, and the body."""
    match outcome:
        case WaitUntilResult():
            return 200, protocol.WAIT_UNTIL_RESPONSE.write(
                {
                    "commandRequest": write_commands(outcome.commands),
                    "upsertStateLocals": write_pairs(outcome.locals),
                    "upsertDataObjects": write_upserts(outcome.writes.attributes),
                    **_writes(outcome.writes),
                }
            )
        case ExecuteResult():
            return 200, protocol.EXECUTE_RESPONSE.write(
                {
                    "stateDecision": write_decision(outcome.decision),
                    "upsertDataObjects": write_upserts(outcome.writes.attributes),
                    **_writes(outcome.writes),
                }
            )
        case RpcResult():
            movements = write_movements(outcome.next_states)
            return 200, protocol.WORKER_RPC_RESPONSE.write(
                {
                    "output": write_payload(outcome.output),
                    "stateDecision": {"nextStates": movements} if movements else None,
                    "upsertDataAttributes": write_upserts(outcome.writes.attributes),
                    **_writes(outcome.writes),
                }
            )
        case Failed():
            return 500, write_failure(outcome.failure)
        case _:
            assert_never(outcome)


def _writes(writes: Writes) -> Json:
    return {
        "upsertSearchAttributes": write_search_upserts(writes.search_attributes),
        "publishToInterStateChannel": write_publications(writes.messages),
        "recordEvents": write_pairs(writes.recorded_events),
    }


def write_failure(failure: Failure) -> Json:
    """Write why a call failed: the message first, since readers cut long texts at the end."""
    after = failure.retry_after
    return protocol.WORKER_ERROR.write(
        {
            "detail": "\n".join(text for text in (failure.message, failure.detail) if text),
            "errorType": failure.error_type,
            "isRetryable": None if failure.is_retryable else False,
            "retryAfterSeconds": None if after is None else after.total_seconds(),
        }
    )


def read_outcome(kind: InvocationKind, value: Json) -> Outcome:
    """
    Read what a call came to, from an answer that its shape (`SHAPES`) has read.

    Errors:
        InvalidArgumentError, PayloadError: It can never be carried out.
    """
    match kind:
        case InvocationKind.WAIT_UNTIL:
            return WaitUntilResult(
                commands=read_commands(value.get("commandRequest")),
                locals=read_pairs(value.get("upsertStateLocals")),
                writes=_read_writes(value, "upsertDataObjects"),
            )
        case InvocationKind.EXECUTE:
            return ExecuteResult(
                decision=read_decision(value.get("stateDecision")), writes=_read_writes(value, "upsertDataObjects")
            )
        case InvocationKind.RPC:
            return RpcResult(
                output=read_payload(value.get("output")),
                next_states=read_movements(value.get("stateDecision", {}).get("nextStates")),
                writes=_read_writes(value, "upsertDataAttributes"),
            )
        case _:
            assert_never(kind)


def _read_writes(value: Json, attributes: str) -> Writes:
    if _WRITTEN.isdisjoint(value):
        return NO_WRITES
    return Writes(
        attributes=read_upserts(value.get(attributes)),
        search_attributes=read_search_upserts(value.get("upsertSearchAttributes")),
        messages=read_publications(value.get("publishToInterStateChannel")),
        recorded_events=read_pairs(value.get("recordEvents")),
    )
