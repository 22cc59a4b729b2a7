"""What a worker is told, beyond what was recorded."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from attrs import evolve

from iwf_py.errors import ProtocolError
from iwf_py.model.ids import EPOCH
from iwf_py.model.invocations import (
    Failure,
    Invocation,
    InvocationKind,
    SealedChannelResult,
    SealedCommandResults,
)
from iwf_py.model.payload import Payload
from iwf_py.model.status import ChannelFamily, ChannelRequestStatus
from iwf_py.wire.calls import read_call, write_call

MINUTE = timedelta(minutes=1)
CALL = Invocation(
    kind=InvocationKind.EXECUTE,
    namespace="default",
    workflow_type="T",
    workflow_id="w",
    run_id="r",
    started_at=EPOCH + timedelta(seconds=7.9),
    method_name="A",
    state_execution_id="A-1",
    first_attempt_at=EPOCH + timedelta(seconds=8.9),
    timeout=MINUTE,
)


def taken(family: ChannelFamily, *values: Payload | None, is_bounded: bool = False) -> SealedChannelResult:
    return SealedChannelResult(
        family=family,
        channel_name="c",
        command_id=None,
        status=ChannelRequestStatus.RECEIVED if values else ChannelRequestStatus.WAITING,
        values=values,
        is_bounded=is_bounded,
    )


def results(**kinds: Any) -> dict[str, Any]:
    told = write_call(evolve(CALL, results=SealedCommandResults(**kinds)))["commandResults"]
    return {key: value for key, value in told.items() if key.endswith("Results")}


def test_a_received_signal_always_has_a_value():
    """
    An empty one where it was sent without, unlike an internal message.
    """
    signal = {"commandId": "", "signalChannelName": "c", "signalRequestStatus": "RECEIVED", "signalValue": {}}
    internal = {"commandId": "", "channelName": "c", "requestStatus": "RECEIVED"}

    assert results(signals=(taken(ChannelFamily.SIGNAL, None),)) == {"signalResults": [signal]}
    assert results(internals=(taken(ChannelFamily.INTERNAL, None),)) == {"interStateChannelResults": [internal]}


def test_a_command_with_bounds_has_all_its_values():
    """
    The oldest as the one value, too; a message without a value keeps its place; one that waits has none.
    """
    one = taken(ChannelFamily.INTERNAL, Payload("json", "1"), None, is_bounded=True)

    told = results(internals=(one, taken(ChannelFamily.INTERNAL, is_bounded=True)))["interStateChannelResults"]

    value = {"encoding": "json", "data": "1"}
    assert told[0] == {
        "commandId": "",
        "channelName": "c",
        "requestStatus": "RECEIVED",
        "value": value,
        "values": [value, None],
    }
    assert told[1] == {"commandId": "", "channelName": "c", "requestStatus": "WAITING"}


def test_times_are_told_in_whole_seconds():
    """
    Never later than they were.
    """
    context = write_call(CALL)["context"]

    assert (context["workflowStartedTimestamp"], context["firstAttemptTimestamp"]) == (7, 8)


@pytest.mark.parametrize(
    ("failure", "message"),
    [
        (Failure(error_type="ValueError", message="boom", attempts=2), "boom"),
        (Failure(error_type="", message="statusCode: 0", attempts=2), "statusCode: 0"),
        (
            Failure(
                error_type="",
                message="statusCode: 500",
                detail="boom\nTraceback",
                worker_error_type="ValueError",
                attempts=2,
            ),
            "boom",
        ),
    ],
)
def test_a_state_that_follows_a_failure_is_told_of_it(failure: Failure, message: str):
    """
    What the handler said where it said something, else how the call went.
    """
    call = read_call(CALL.kind, write_call(evolve(CALL, failure=failure)), timeout=MINUTE)

    assert call.failure is not None
    assert call.failure.message == message
    assert call.failure.attempts == 2
    assert call.failure.error_type == ("" if message.startswith("status") else "ValueError")


def test_an_instant_in_no_calendar_is_refused():
    """
    Whoever calls a worker must not break it.
    """
    body = write_call(CALL)
    body["context"]["workflowStartedTimestamp"] = 2**62

    with pytest.raises(ProtocolError):
        read_call(CALL.kind, body, timeout=MINUTE)
