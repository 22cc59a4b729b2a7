"""Clients' requests on the wire: the server reads them, a client writes them.

A ``read_...`` takes the JSON object of a body and gives the request; what is wrong with it comes as an
error that `faults` tells, mostly with 400. Whatever the engine itself checks (names, attributes, bounds
of spans) is left to it, so that every door refuses alike.

Source:
    The iWF protocol's sections on the client-facing API, and on its known defects.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any

from attrs import frozen

from iwf_py.errors import ClientSideError, WorkflowNotExistsError
from iwf_py.model.decisions import Movement
from iwf_py.model.ids import EPOCH, check_name, state_execution_id
from iwf_py.model.instants import instant_of
from iwf_py.model.payload import Payload
from iwf_py.model.requests import (
    GetAttributesRequest,
    PublishRequest,
    ResetRequest,
    RpcRequest,
    RunAddress,
    SearchRequest,
    SetAttributesRequest,
    SignalRequest,
    SkipTimerRequest,
    StartRequest,
    StateWaitRequest,
    StopRequest,
    UpdateConfigRequest,
)
from iwf_py.model.status import IDReusePolicy, SearchAttributeValueType, WorkflowResetType, WorkflowStopType
from iwf_py.wire import protocol
from iwf_py.wire.options import (
    MAX_WAIT,
    read_already_started,
    read_config,
    read_cron,
    read_id_reuse_policy,
    read_rpc_options,
    read_state_options,
    read_wait,
    read_workflow_retry,
    write_already_started,
    write_config,
    write_cron,
    write_loading,
    write_state_options,
    write_workflow_retry,
)
from iwf_py.wire.shapes import Json
from iwf_py.wire.values import (
    read_attributes,
    read_payload,
    read_publications,
    read_search_upserts,
    read_upserts,
    whole_seconds,
    write_attributes,
    write_payload,
    write_publications,
    write_search_upserts,
    write_upserts,
)

MAX_PAGE = 1_000

_RUN_ID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", re.ASCII)
_STATE_EXECUTION_ID = re.compile(r"(.+)-([1-9][0-9]{0,9})", re.ASCII | re.DOTALL)


@frozen(kw_only=True)
class GetRequest(RunAddress):
    """
    Ask how a run stands.

    Attributes:
        needs_results: Its outcome too, once it is closed.

        wait: How long to wait until it is closed; for the long poll only.
    """

    needs_results: bool = False
    wait: timedelta = MAX_WAIT


@frozen(kw_only=True)
class GetSearchAttributesRequest(RunAddress):
    """Read search attributes: the named ones, each as the type that is asked for; all where none is named."""

    keys: tuple[tuple[str, SearchAttributeValueType | None], ...] = ()

    @property
    def names(self) -> tuple[str, ...] | None:
        """What the engine is asked for."""
        return tuple(key for key, _ in self.keys) or None


def _read_address(value: Json) -> dict[str, Any]:
    """
    Read which run a request is for.

    Errors:
        WorkflowNotExistsError: No workflow id is given.

        ClientSideError: The run id is none.
    """
    if not value["workflowId"]:
        raise WorkflowNotExistsError("WorkflowId is not set on request.")
    run_id = value.get("workflowRunId") or None
    if run_id is not None and _RUN_ID.fullmatch(run_id) is None:
        raise ClientSideError("Invalid RunId.")
    return {"workflow_id": value["workflowId"], "run_id": run_id}


def _address(request: RunAddress) -> Json:
    return {"workflowId": request.workflow_id, "workflowRunId": request.run_id}


def read_address(body: Json) -> RunAddress:
    """Read a request that only names a run, such as the one to continue as new."""
    return RunAddress(**_read_address(protocol.CONTINUE_AS_NEW_REQUEST.read(body)))


def write_address(request: RunAddress) -> Json:
    """Write a request that only names a run."""
    return protocol.CONTINUE_AS_NEW_REQUEST.write(_address(request))


# Starting, and ending.


def read_start(body: Json) -> StartRequest:
    """Read a start; an empty starting state is none, a timeout of 0 is none."""
    value = protocol.START_REQUEST.read(body)
    options = value.get("workflowStartOptions") or {}
    seconds, config = value["workflowTimeoutSeconds"], options.get("workflowConfigOverride")
    return StartRequest(
        workflow_id=value["workflowId"],
        workflow_type=value["iwfWorkflowType"],
        start=_read_first_movement(value),
        timeout=timedelta(seconds=seconds) if seconds else None,
        id_reuse_policy=read_id_reuse_policy(options),
        already_started=read_already_started(options.get("workflowAlreadyStartedOptions")),
        retry=read_workflow_retry(options.get("retryPolicy")),
        start_delay=timedelta(seconds=options.get("workflowStartDelaySeconds", 0)),
        attributes=read_attributes(options.get("dataAttributes")),
        search_attributes=read_search_upserts(options.get("searchAttributes")),
        config=None if config is None else read_config(config),
        cron=read_cron(options.get("cronSchedule")),
        wait_for_state_ids=tuple(value.get("waitForCompletionStateIds") or ()),
        wait_for_state_execution_ids=tuple(value.get("waitForCompletionStateExecutionIds") or ()),
        worker_url=value["iwfWorkerUrl"] or None,
    )


def _read_first_movement(value: Json) -> Movement | None:
    if not value.get("startStateId"):
        return None
    return Movement(
        value["startStateId"], read_payload(value.get("stateInput")), read_state_options(value.get("stateOptions"))
    )


def write_start(request: StartRequest) -> Json:
    """Write a start. Its namespace is the server's."""
    start, config = request.start, request.config
    reuse = request.id_reuse_policy
    options: Json = {
        "idReusePolicy": None if reuse is IDReusePolicy.ALLOW_IF_NO_RUNNING else reuse,
        "cronSchedule": write_cron(request.cron),
        "workflowStartDelaySeconds": whole_seconds(request.start_delay) or None,
        "retryPolicy": write_workflow_retry(request.retry),
        "searchAttributes": write_search_upserts(request.search_attributes),
        "dataAttributes": write_attributes(request.attributes),
        "workflowConfigOverride": None if config is None else write_config(config),
        "workflowAlreadyStartedOptions": write_already_started(request.already_started),
    }
    return protocol.START_REQUEST.write(
        {
            "workflowId": request.workflow_id,
            "iwfWorkflowType": request.workflow_type,
            "workflowTimeoutSeconds": 0 if request.timeout is None else whole_seconds(request.timeout),
            "iwfWorkerUrl": request.worker_url,
            "startStateId": None if start is None else start.state_id,
            "stateInput": None if start is None else write_payload(start.input),
            "stateOptions": None if start is None else write_state_options(start.options),
            "waitForCompletionStateIds": request.wait_for_state_ids or None,
            "waitForCompletionStateExecutionIds": request.wait_for_state_execution_ids or None,
            "workflowStartOptions": options if any(one is not None for one in options.values()) else None,
        }
    )


def read_stop(body: Json) -> StopRequest:
    """Read a stop; CANCEL where it does not say how."""
    value = protocol.STOP_REQUEST.read(body)
    return StopRequest(
        **_read_address(value),
        stop_type=WorkflowStopType(value.get("stopType", WorkflowStopType.CANCEL)),
        reason=value.get("reason") or None,
    )


def write_stop(request: StopRequest) -> Json:
    """Write a stop."""
    return protocol.STOP_REQUEST.write({**_address(request), "reason": request.reason, "stopType": request.stop_type})


def read_reset(body: Json, now: datetime) -> ResetRequest:
    """
    Read a reset.

    Args:
        now: Against which a time such as ``15m`` is meant.

    Errors:
        ClientSideError: It does not say to what, or the time is none.
    """
    value = protocol.RESET_REQUEST.read(body)
    address = _read_address(value)
    if value.get("resetType") is None:
        raise ClientSideError(f"resetType is not set on request; give one of {', '.join(WorkflowResetType)}")
    text = value.get("historyEventTime", "")
    instant = instant_of(text, now)
    if instant is None:
        raise ClientSideError(
            f"historyEventTime {text[:100]!r} is no time; give one such as 2006-01-02T15:04:05+07:00, "
            "nanoseconds since 1970, or 15m for so long ago"
        )
    reset_type = WorkflowResetType(value["resetType"])
    return ResetRequest(
        **address,
        reset_type=reset_type,
        history_event_id=value.get("historyEventId"),
        history_event_time=instant if text or reset_type is WorkflowResetType.HISTORY_EVENT_TIME else None,
        state_id=value.get("stateId") or None,
        state_execution_id=value.get("stateExecutionId") or None,
        reason=value.get("reason") or None,
        skip_signal_reapply=value.get("skipSignalReapply", False),
        skip_update_reapply=value.get("skipUpdateReapply", False),
    )


def write_reset(request: ResetRequest) -> Json:
    """Write a reset."""
    at = request.history_event_time
    return protocol.RESET_REQUEST.write(
        {
            **_address(request),
            "resetType": request.reset_type,
            "historyEventId": request.history_event_id,
            # With an offset: the original does not understand Z.
            "historyEventTime": None if at is None else (EPOCH + (at - EPOCH)).isoformat(),
            "stateId": request.state_id,
            "stateExecutionId": request.state_execution_id,
            "reason": request.reason,
            "skipSignalReapply": request.skip_signal_reapply or None,
            "skipUpdateReapply": request.skip_update_reapply or None,
        }
    )


def read_update_config(body: Json) -> UpdateConfigRequest:
    """Read a change of settings; what it says nothing of stays, and so does optimizeTimer always."""
    value = protocol.UPDATE_CONFIG_REQUEST.read(body)
    settings = {key: one for key, one in value["workflowConfig"].items() if key != "optimizeTimer"}
    return UpdateConfigRequest(**_read_address(value), config=read_config(settings))


def write_update_config(request: UpdateConfigRequest) -> Json:
    """Write a change of settings."""
    return protocol.UPDATE_CONFIG_REQUEST.write({**_address(request), "workflowConfig": write_config(request.config)})


# Messages, timers and attributes.


def read_signal(body: Json) -> SignalRequest:
    """Read a signal; one without a value has an empty one."""
    value = protocol.SIGNAL_REQUEST.read(body)
    address = _read_address(value)
    if not value["signalChannelName"]:
        raise ClientSideError("SignalName is not set on request.")
    return SignalRequest(
        **address,
        channel_name=value["signalChannelName"],
        value=read_payload(value.get("signalValue")) or Payload(),
    )


def write_signal(request: SignalRequest) -> Json:
    """Write a signal."""
    return protocol.SIGNAL_REQUEST.write(
        {
            **_address(request),
            "signalChannelName": request.channel_name,
            "signalValue": write_payload(request.value),
        }
    )


def read_publish(body: Json) -> PublishRequest:
    """Read messages for internal channels."""
    value = protocol.PUBLISH_REQUEST.read(body)
    return PublishRequest(**_read_address(value), messages=read_publications(value.get("messages")))


def write_publish(request: PublishRequest) -> Json:
    """Write messages for internal channels."""
    return protocol.PUBLISH_REQUEST.write({**_address(request), "messages": write_publications(request.messages)})


def read_skip_timer(body: Json) -> SkipTimerRequest:
    """
    Read which timer is to be skipped: by its id, or else by its index.

    Errors:
        ClientSideError: Neither is given. That is said first, whatever else is missing.
    """
    value = protocol.SKIP_TIMER_REQUEST.read(body)
    command_id, index = value.get("timerCommandId") or None, value.get("timerCommandIndex")
    if command_id is None and index is None:
        raise ClientSideError("invalid request - must provide either a timerCommandId or index")
    return SkipTimerRequest(
        **_read_address(value),
        state_execution_id=value["workflowStateExecutionId"],
        command_id=command_id,
        index=None if command_id is not None else index,
    )


def write_skip_timer(request: SkipTimerRequest) -> Json:
    """Write which timer is to be skipped."""
    return protocol.SKIP_TIMER_REQUEST.write(
        {
            **_address(request),
            "workflowStateExecutionId": request.state_execution_id,
            "timerCommandId": request.command_id,
            "timerCommandIndex": request.index,
        }
    )


def read_set_attributes(body: Json) -> SetAttributesRequest:
    """Read data attributes to write."""
    value = protocol.SET_ATTRIBUTES_REQUEST.read(body)
    return SetAttributesRequest(**_read_address(value), attributes=read_upserts(value.get("objects")))


def write_set_attributes(request: SetAttributesRequest) -> Json:
    """Write the data attributes of a request; its search attributes go by another route."""
    return protocol.SET_ATTRIBUTES_REQUEST.write({**_address(request), "objects": write_upserts(request.attributes)})


def read_set_search_attributes(body: Json) -> SetAttributesRequest:
    """Read search attributes to write."""
    value = protocol.SET_SEARCH_ATTRIBUTES_REQUEST.read(body)
    return SetAttributesRequest(
        **_read_address(value), search_attributes=read_search_upserts(value.get("searchAttributes"))
    )


def write_set_search_attributes(request: SetAttributesRequest) -> Json:
    """Write the search attributes of a request; its data attributes go by another route."""
    return protocol.SET_SEARCH_ATTRIBUTES_REQUEST.write(
        {**_address(request), "searchAttributes": write_search_upserts(request.search_attributes)}
    )


def read_get_attributes(body: Json) -> GetAttributesRequest:
    """Read which data attributes are asked for; no key is all. Memo and attributes are one here."""
    value = protocol.GET_ATTRIBUTES_REQUEST.read(body)
    return GetAttributesRequest(**_read_address(value), keys=tuple(value.get("keys") or ()) or None)


def write_get_attributes(request: GetAttributesRequest) -> Json:
    """
    Write which data attributes are asked for.

    No key and all keys look alike there: who wants none need not ask.
    """
    return protocol.GET_ATTRIBUTES_REQUEST.write({**_address(request), "keys": request.keys or None})


def read_get_search_attributes(body: Json) -> GetSearchAttributesRequest:
    """
    Read which search attributes are asked for, and as what.

    Errors:
        ClientSideError: An entry names none.
    """
    value = protocol.GET_SEARCH_ATTRIBUTES_REQUEST.read(body)
    address = _read_address(value)
    keys = []
    for entry in value.get("keys") or ():
        if not entry.get("key"):
            raise ClientSideError("an entry of keys has no key; name the search attribute")
        kind = entry.get("valueType")
        keys.append((entry["key"], None if kind is None else SearchAttributeValueType(kind)))
    return GetSearchAttributesRequest(**address, keys=tuple(keys))


def write_get_search_attributes(request: GetSearchAttributesRequest) -> Json:
    """Write which search attributes are asked for; the original answers none that it is not asked for by name."""
    return protocol.GET_SEARCH_ATTRIBUTES_REQUEST.write(
        {**_address(request), "keys": [{"key": key, "valueType": kind} for key, kind in request.keys] or None}
    )


# RPCs, waits and searches.


def read_rpc(body: Json, longest: timedelta = MAX_WAIT) -> RpcRequest:
    """
    Read the call of an RPC.

    Args:
        longest: Its timeout where it names none, or a longer one.
    """
    value = protocol.RPC_REQUEST.read(body)
    address = _read_address(value)
    check_name("RPC name", value["rpcName"])
    return RpcRequest(
        **address,
        rpc_name=value["rpcName"],
        input=read_payload(value.get("input")),
        options=read_rpc_options(value, longest),
    )


def write_rpc(request: RpcRequest) -> Json:
    """Write the call of an RPC."""
    options = request.options
    return protocol.RPC_REQUEST.write(
        {
            **_address(request),
            "rpcName": request.rpc_name,
            "input": write_payload(request.input),
            "dataAttributesLoadingPolicy": write_loading(options.attributes),
            "searchAttributesLoadingPolicy": write_loading(options.search_attributes),
            "timeoutSeconds": max(1, whole_seconds(options.timeout)),
        }
    )


def read_get(body: Json, longest: timedelta = MAX_WAIT) -> GetRequest:
    """
    Read a question how a run stands.

    Args:
        longest: How long a wait is where it says nothing, or more.
    """
    value = protocol.GET_REQUEST.read(body)
    return GetRequest(
        **_read_address(value),
        needs_results=value.get("needsResults", False),
        wait=read_wait(value.get("waitTimeSeconds"), longest),
    )


def write_get(address: RunAddress, *, needs_results: bool = False, wait: timedelta | None = None) -> Json:
    """
    Write a question how a run stands.

    Args:
        wait: For the long poll: at most so long.
    """
    return protocol.GET_REQUEST.write(
        {
            **_address(address),
            "needsResults": needs_results or None,
            "waitTimeSeconds": None if wait is None else max(1, whole_seconds(wait)),
        }
    )


def read_state_wait(body: Json, longest: timedelta = MAX_WAIT) -> tuple[StateWaitRequest, timedelta]:
    """
    Read which state somebody waits for, and how long.

    Errors:
        ClientSideError: It names no state execution, and no state with a key.
    """
    value = protocol.STATE_WAIT_REQUEST.read(body)
    address = _read_address(value)
    wait = read_wait(value.get("waitTimeSeconds"), longest)
    if value.get("waitForKey"):
        if not value.get("stateId"):
            raise ClientSideError("invalid request - a waitForKey needs the stateId that it belongs to")
        return StateWaitRequest(**address, state_id=value["stateId"], wait_for_key=value["waitForKey"]), wait
    execution_id = value.get("stateExecutionId") or ""
    parts = _STATE_EXECUTION_ID.fullmatch(execution_id)
    if parts is None:
        raise ClientSideError(
            "invalid request - must provide either a stateExecutionId such as Review-1, or a stateId and a waitForKey"
        )
    return StateWaitRequest(**address, state_id=parts[1], ordinal=int(parts[2])), wait


def write_state_wait(request: StateWaitRequest, wait: timedelta) -> Json:
    """Write which state to wait for. The route knows no run id: it asks the current run."""
    by_key = request.wait_for_key is not None
    return protocol.STATE_WAIT_REQUEST.write(
        {
            "workflowId": request.workflow_id,
            "stateExecutionId": None if by_key else state_execution_id(request.state_id, request.ordinal),
            "stateId": request.state_id if by_key else None,
            "waitForKey": request.wait_for_key,
            "waitTimeSeconds": max(1, whole_seconds(wait)),
        }
    )


def read_search(body: Json) -> SearchRequest:
    """Read a search; a page holds at most `MAX_PAGE` runs, and so many where it says nothing."""
    value = protocol.SEARCH_REQUEST.read(body)
    size = value.get("pageSize", 0)
    return SearchRequest(
        query=value["query"],
        page_size=min(size, MAX_PAGE) if size > 0 else MAX_PAGE,
        next_page_token=value.get("nextPageToken", ""),
    )


def write_search(request: SearchRequest) -> Json:
    """Write a search."""
    return protocol.SEARCH_REQUEST.write(
        {
            "query": request.query,
            "pageSize": request.page_size,
            "nextPageToken": request.next_page_token or None,
        }
    )
