"""Calls to workers on the wire: an engine writes them, a worker reads them.

The field names differ from call to call (``dataObjects``, ``DataObjects``, ``dataAttributes``), as they do
in the protocol. What of an `Invocation` does not travel, the reader is told: namespace and timeout.

Source:
    The iWF protocol's section on the calls to the worker.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import assert_never

from iwf_py.errors import ProtocolError
from iwf_py.model.ids import DEFAULT_NAMESPACE, EPOCH
from iwf_py.model.instants import unix_seconds
from iwf_py.model.invocations import Failure, Invocation, InvocationKind
from iwf_py.model.payload import Payload
from iwf_py.model.status import ChannelFamily
from iwf_py.wire import protocol
from iwf_py.wire.commands import read_results, write_results
from iwf_py.wire.shapes import Json
from iwf_py.wire.values import (
    read_attributes,
    read_pairs,
    read_payload,
    read_search_attributes,
    write_attributes,
    write_pairs,
    write_payload,
    write_search_attributes,
)


def write_call(invocation: Invocation) -> Json:
    """Write a call; its kind says to which of `routes.WORKER_ROUTES` it goes."""
    match invocation.kind:
        case InvocationKind.WAIT_UNTIL:
            return protocol.WAIT_UNTIL_REQUEST.write(
                {**_state_call(invocation), "dataObjects": _attributes(invocation)}
            )
        case InvocationKind.EXECUTE:
            return protocol.EXECUTE_REQUEST.write(
                {
                    **_state_call(invocation),
                    "DataObjects": _attributes(invocation),
                    "stateLocals": write_pairs(invocation.locals),
                    "commandResults": write_results(invocation.results),
                }
            )
        case InvocationKind.RPC:
            return protocol.WORKER_RPC_REQUEST.write(
                {
                    "context": _run_context(invocation),
                    "workflowType": invocation.workflow_type,
                    "rpcName": invocation.method_name,
                    "input": write_payload(invocation.input),
                    "searchAttributes": _search_attributes(invocation),
                    "dataAttributes": _attributes(invocation),
                    "signalChannelInfos": _sizes(invocation, ChannelFamily.SIGNAL),
                    "internalChannelInfos": _sizes(invocation, ChannelFamily.INTERNAL),
                }
            )
        case _:
            assert_never(invocation.kind)


def _state_call(invocation: Invocation) -> Json:
    first_at = invocation.first_attempt_at
    return {
        "context": {
            **_run_context(invocation),
            "stateExecutionId": invocation.state_execution_id,
            "firstAttemptTimestamp": None if first_at is None else unix_seconds(first_at),
            "attempt": invocation.attempt,
            "failure": _failure(invocation.failure),
        },
        "workflowType": invocation.workflow_type,
        "workflowStateId": invocation.method_name,
        "stateInput": write_payload(invocation.input),
        "searchAttributes": _search_attributes(invocation),
    }


def _run_context(invocation: Invocation) -> Json:
    return {
        "workflowId": invocation.workflow_id,
        "workflowRunId": invocation.run_id,
        "workflowStartedTimestamp": unix_seconds(invocation.started_at),
    }


def _failure(failure: Failure | None) -> Json | None:
    if failure is None:
        return None
    message = failure.message
    if not failure.error_type and failure.worker_error_type:
        # What the handler said, as it is when it runs in the engine's own process: our workers tell it in the first line.
        message = failure.detail.partition("\n")[0] or message
    return {
        "errorType": failure.error_type or failure.worker_error_type,
        "message": message,
        "detail": failure.detail or None,
        "attempts": failure.attempts,
        "stateId": failure.state_id,
        "stateExecutionId": failure.state_execution_id,
    }


def _attributes(invocation: Invocation) -> list[Json] | None:
    """List what was loaded; an empty list says that nothing was to be loaded, none that there was nothing."""
    return write_attributes(invocation.attributes.items()) or (None if invocation.loads_attributes else [])


def _search_attributes(invocation: Invocation) -> list[Json] | None:
    attributes = write_search_attributes(invocation.search_attributes.values())
    return attributes or (None if invocation.loads_search_attributes else [])


def _sizes(invocation: Invocation, family: ChannelFamily) -> Json:
    return {name: {"size": size} for (kind, name), size in invocation.channel_sizes.items() if kind is family}


def read_call(
    kind: InvocationKind, body: Json, *, timeout: timedelta, namespace: str = DEFAULT_NAMESPACE
) -> Invocation:
    """
    Read a call.

    Args:
        kind: Of the route at which it came.

        timeout: How long the caller waits for an answer, as far as the worker knows.

    Errors:
        ProtocolError: It is of another shape.

        PayloadError: A value in it is only a reference.
    """
    if kind is InvocationKind.RPC:
        return _read_rpc(protocol.WORKER_RPC_REQUEST.read(body), timeout, namespace)
    is_execute = kind is InvocationKind.EXECUTE
    value = (protocol.EXECUTE_REQUEST if is_execute else protocol.WAIT_UNTIL_REQUEST).read(body)
    context = value["context"]
    first_at = context.get("firstAttemptTimestamp")
    attributes = value.get("DataObjects" if is_execute else "dataObjects")
    return Invocation(
        kind=kind,
        namespace=namespace,
        workflow_type=value["workflowType"],
        workflow_id=context["workflowId"],
        run_id=context["workflowRunId"],
        started_at=_instant(context["workflowStartedTimestamp"]),
        method_name=value["workflowStateId"],
        input=read_payload(value.get("stateInput")),
        state_execution_id=context.get("stateExecutionId"),
        attempt=context.get("attempt", 1),
        first_attempt_at=None if first_at is None else _instant(first_at),
        attributes=_read_attributes(attributes),
        search_attributes={one.key: one for one in read_search_attributes(value.get("searchAttributes"))},
        loads_attributes=attributes != [],
        loads_search_attributes=value.get("searchAttributes") != [],
        locals=read_pairs(value.get("stateLocals")),
        results=read_results(value.get("commandResults")),
        failure=_read_failure(context.get("failure")),
        timeout=timeout,
    )


def _read_rpc(value: Json, timeout: timedelta, namespace: str) -> Invocation:
    context = value["context"]
    return Invocation(
        kind=InvocationKind.RPC,
        namespace=namespace,
        workflow_type=value["workflowType"],
        workflow_id=context["workflowId"],
        run_id=context["workflowRunId"],
        started_at=_instant(context["workflowStartedTimestamp"]),
        method_name=value["rpcName"],
        input=read_payload(value.get("input")),
        attributes=_read_attributes(value.get("dataAttributes")),
        search_attributes={one.key: one for one in read_search_attributes(value.get("searchAttributes"))},
        loads_attributes=value.get("dataAttributes") != [],
        loads_search_attributes=value.get("searchAttributes") != [],
        channel_sizes={
            (family, name): info.get("size", 0)
            for family, field in (
                (ChannelFamily.SIGNAL, "signalChannelInfos"),
                (ChannelFamily.INTERNAL, "internalChannelInfos"),
            )
            for name, info in value.get(field, {}).items()
        },
        timeout=timeout,
    )


def _read_attributes(entries: Iterable[Json] | None) -> Mapping[str, Payload]:
    return dict(read_attributes(entries))


def _read_failure(value: Json | None) -> Failure | None:
    if value is None:
        return None
    return Failure(
        error_type=value["errorType"],
        message=value["message"],
        detail=value.get("detail", ""),
        attempts=value["attempts"],
        state_id=value.get("stateId"),
        state_execution_id=value.get("stateExecutionId"),
    )


def _instant(seconds: int) -> datetime:
    try:
        return EPOCH + timedelta(seconds=seconds)
    except OverflowError:
        raise ProtocolError(f"{seconds} seconds since 1970 are in no calendar") from None
