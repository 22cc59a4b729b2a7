"""Answers to clients on the wire: the server writes them, a client reads them.

A list is there only where something is in it, but for the results of a run whose decision failed it:
code written for iWF tells the two apart.

Source:
    The iWF protocol's sections on the client-facing API and on JSON encoding.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from iwf_py.errors import ClientSideError
from iwf_py.model.instants import nanoseconds_of, stamp_of
from iwf_py.model.payload import Payload, SearchAttribute
from iwf_py.model.requests import FoundRun, RunResult, SearchPage, StateCompletion, StateOutput
from iwf_py.model.status import SearchAttributeValueType, WorkflowErrorType, WorkflowStatus
from iwf_py.wire import protocol
from iwf_py.wire.requests import GetSearchAttributesRequest
from iwf_py.wire.shapes import Json
from iwf_py.wire.values import (
    read_attributes,
    read_payload,
    read_search_attributes,
    write_attributes,
    write_payload,
)

# What every write is answered that has nothing to tell.
NOTHING: Json = {}

GREETING = "Hello World from iWF server!"


def write_run_id(run_id: str) -> Json:
    """Answer a start or a reset."""
    return protocol.RUN_RESPONSE.write({"workflowRunId": run_id})


def read_run_id(body: Json) -> str:
    """Read the run id that a start or a reset is answered."""
    run_id: str = protocol.RUN_RESPONSE.read(body)["workflowRunId"]
    return run_id


def write_result(result: RunResult, *, needs_results: bool = True) -> Json:
    """
    Answer how a run stands.

    Args:
        needs_results: False leaves out all but its status.
    """
    told: Json = {"workflowRunId": result.run_id, "workflowStatus": result.status}
    if needs_results:
        told["results"] = [
            _output(one.state_id, one.state_execution_id, one.output) for one in result.outputs
        ] or _none_or_empty(result)
        told["errorType"] = result.error_type
        told["errorMessage"] = result.error_message or None
    return protocol.GET_RESPONSE.write(told)


def _none_or_empty(result: RunResult) -> list[Json] | None:
    is_decided = result.error_type is WorkflowErrorType.STATE_DECISION_FAILING_WORKFLOW_ERROR_TYPE
    return [] if is_decided else None


def _output(state_id: str, execution_id: str, output: Payload | None) -> Json:
    return {
        "completedStateId": state_id,
        "completedStateExecutionId": execution_id,
        "completedStateOutput": write_payload(output),
    }


def read_result(body: Json, workflow_id: str) -> RunResult:
    """Read how a run stands."""
    value = protocol.GET_RESPONSE.read(body)
    error_type = value.get("errorType")
    return RunResult(
        workflow_id=workflow_id,
        run_id=value["workflowRunId"],
        status=WorkflowStatus(value["workflowStatus"]),
        outputs=tuple(
            StateOutput(
                state_id=one["completedStateId"],
                state_execution_id=one["completedStateExecutionId"],
                output=read_payload(one.get("completedStateOutput")) or Payload(),
            )
            for one in value.get("results") or ()
        ),
        error_type=None if error_type is None else WorkflowErrorType(error_type),
        error_message=value.get("errorMessage"),
    )


def write_completion(completion: StateCompletion) -> Json:
    """Answer that a state has completed."""
    return protocol.STATE_WAIT_RESPONSE.write(
        {"stateCompletionOutput": _output(completion.state_id, completion.state_execution_id, completion.output)}
    )


def read_completion(body: Json) -> StateCompletion:
    """Read that a state has completed; the route tells no run id, and the original not even the state's."""
    value = protocol.STATE_WAIT_RESPONSE.read(body).get("stateCompletionOutput") or {}
    return StateCompletion(
        run_id="",
        state_id=value.get("completedStateId", ""),
        state_execution_id=value.get("completedStateExecutionId", ""),
        output=read_payload(value.get("completedStateOutput")),
    )


def write_output(output: Payload | None) -> Json:
    """Answer an RPC."""
    return protocol.RPC_RESPONSE.write({"output": write_payload(output)})


def read_output(body: Json) -> Payload | None:
    """Read what an RPC is answered."""
    return read_payload(protocol.RPC_RESPONSE.read(body).get("output"))


def write_found_attributes(attributes: Mapping[str, Payload]) -> Json:
    """Answer data attributes, in the order in which they are given."""
    return protocol.GET_ATTRIBUTES_RESPONSE.write({"objects": write_attributes(attributes.items())})


def read_found_attributes(body: Json) -> dict[str, Payload]:
    """Read data attributes."""
    return dict(read_attributes(protocol.GET_ATTRIBUTES_RESPONSE.read(body).get("objects")))


# The field of each type: on the wire, in the value, and what it holds where nothing was written.
_TYPED: dict[SearchAttributeValueType, tuple[str, str, Any]] = {
    SearchAttributeValueType.KEYWORD: ("stringValue", "string_value", ""),
    SearchAttributeValueType.TEXT: ("stringValue", "string_value", ""),
    SearchAttributeValueType.DATETIME: ("stringValue", "string_value", ""),
    SearchAttributeValueType.INT: ("integerValue", "integer_value", 0),
    SearchAttributeValueType.DOUBLE: ("doubleValue", "double_value", 0.0),
    SearchAttributeValueType.BOOL: ("boolValue", "bool_value", False),
    SearchAttributeValueType.KEYWORD_ARRAY: ("stringArrayValue", "string_array_value", ()),
}
_WORDS = (SearchAttributeValueType.KEYWORD, SearchAttributeValueType.TEXT)


def write_found_search_attributes(
    attributes: Mapping[str, SearchAttribute], request: GetSearchAttributesRequest, now: datetime
) -> Json:
    """
    Answer search attributes: the named ones in the order of the request, or all.

    Each has a value, empty where none was written. A DATETIME is told as RFC 3339 in UTC, whatever its text was.

    Args:
        now: Against which a text such as ``5m`` is meant.

    Errors:
        ClientSideError: One is of another type than was asked for, or no type was named for it.
    """
    keys = request.keys or [(key, attribute.value_type) for key, attribute in attributes.items()]
    found = [_typed(attributes[key], kind, now) for key, kind in keys if key in attributes]
    return protocol.GET_SEARCH_ATTRIBUTES_RESPONSE.write({"searchAttributes": found or None})


def _typed(attribute: SearchAttribute, kind: SearchAttributeValueType | None, now: datetime) -> Json:
    if kind is None:
        raise ClientSideError(
            f"no valueType is given for search attribute {attribute.key!r}; name the type to read it as"
        )
    if attribute.value_type is not kind and not (attribute.value_type in _WORDS and kind in _WORDS):
        stored = None if attribute.value_type is None else attribute.value_type.value
        raise ClientSideError(
            f"unable to convert search attribute {attribute.key!r} of type {stored} to type {kind.value}; "
            "ask for the type with which it was written"
        )
    field, name, empty = _TYPED[kind]
    value = getattr(attribute, name)
    if value is None:
        value = empty
    if kind is SearchAttributeValueType.DATETIME:
        nanoseconds = nanoseconds_of(value, now)
        value = value if nanoseconds is None else stamp_of(nanoseconds)
    return {"key": attribute.key, "valueType": kind, field: value}


def read_found_search_attributes(body: Json) -> dict[str, SearchAttribute]:
    """Read search attributes."""
    found = read_search_attributes(protocol.GET_SEARCH_ATTRIBUTES_RESPONSE.read(body).get("searchAttributes"))
    return {attribute.key: attribute for attribute in found}


def write_page(page: SearchPage) -> Json:
    """Answer a search: ids only."""
    return protocol.SEARCH_RESPONSE.write(
        {
            "workflowExecutions": [
                {"workflowId": one.workflow_id, "workflowRunId": one.run_id} for one in page.executions
            ]
            or None,
            "nextPageToken": page.next_page_token,
        }
    )


def read_page(body: Json) -> SearchPage:
    """Read what a search found: ids only."""
    value = protocol.SEARCH_RESPONSE.read(body)
    return SearchPage(
        executions=tuple(
            FoundRun(workflow_id=one["workflowId"], run_id=one["workflowRunId"])
            for one in value.get("workflowExecutions") or ()
        ),
        next_page_token=value["nextPageToken"],
    )


def write_health(hostname: str) -> Json:
    """Answer that the server is there."""
    return protocol.HEALTH.write({"condition": "OK", "hostname": hostname, "duration": 0})
