"""What a state waits for, and what became of it, on the wire, both ways.

Source:
    The iWF protocol's sections on wait_until, execute, commands and timers.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from iwf_py.errors import InvalidArgumentError
from iwf_py.model.commands import (
    ChannelCommand,
    ChannelEmptyCommand,
    CommandRequest,
    InternalChannelCommand,
    SignalChannelCommand,
    TimerCommand,
)
from iwf_py.model.ids import EPOCH
from iwf_py.model.invocations import (
    SealedChannelResult,
    SealedCommandResults,
    SealedEmptyResult,
    SealedTimerResult,
)
from iwf_py.model.payload import Payload
from iwf_py.model.status import ChannelFamily, ChannelRequestStatus, CommandWaitingType, TimerStatus
from iwf_py.wire.protocol import DECIDER_TRIGGER_TYPES
from iwf_py.wire.shapes import Json
from iwf_py.wire.values import read_payload, whole_seconds, write_payload

_SECOND = timedelta(seconds=1)

# A received signal always has a value; one that was sent without gets this.
_EMPTY = Payload()


# Requests.


def read_commands(value: Json | None) -> CommandRequest:
    """
    Read what wait_until asks for; nothing where there is nothing.

    Errors:
        InvalidArgumentError: A timer's instant is in no calendar.
    """
    value = value or {}
    word, older = value.get("commandWaitingType"), value.get("deciderTriggerType")
    if word is None and older is not None:
        word = DECIDER_TRIGGER_TYPES[older]
    return CommandRequest(
        CommandWaitingType.ALL_COMPLETED if word is None else CommandWaitingType(word),
        tuple(map(_read_timer, value.get("timerCommands") or ())),
        tuple(
            SignalChannelCommand(one["signalChannelName"], one.get("commandId") or None, **_read_bounds(one))
            for one in value.get("signalCommands") or ()
        ),
        tuple(
            InternalChannelCommand(one["channelName"], one.get("commandId") or None, **_read_bounds(one))
            for one in value.get("interStateChannelCommands") or ()
        ),
        tuple(tuple(one.get("commandIds") or ()) for one in value.get("commandCombinations") or ()),
        tuple(
            ChannelEmptyCommand(ChannelFamily(one["channelFamily"]), one["channelName"], one.get("commandId") or None)
            for one in value.get("channelEmptyCommands") or ()
        ),
    )


def _read_timer(value: Json) -> TimerCommand:
    command_id = value.get("commandId") or None
    seconds, firing = value.get("durationSeconds"), value.get("firingUnixTimestampSeconds")
    try:
        if seconds is None and firing is not None:
            # What is past fires at once, however long past.
            return TimerCommand(command_id, None, EPOCH + timedelta(seconds=max(firing, 0)))
        return TimerCommand(command_id, timedelta(seconds=seconds or 0))
    except OverflowError:
        raise InvalidArgumentError(
            f"a timer of {firing if seconds is None else seconds} seconds ends in no calendar; give a shorter one"
        ) from None


def _read_bounds(value: Json) -> dict[str, Any]:
    return {"at_least": value.get("atLeast", 1), "at_most": value.get("atMost")}


def write_commands(request: CommandRequest) -> Json | None:
    """Write what wait_until asks for; None where it is nothing. Timers are rounded up to whole seconds."""
    if request.is_empty:
        return None
    return {
        "commandWaitingType": request.waiting_type,
        "timerCommands": [_timer_values(timer) for timer in request.timers] or None,
        "signalCommands": [
            {"commandId": one.command_id, "signalChannelName": one.channel_name, **_bounds(one)}
            for one in request.signals
        ]
        or None,
        "interStateChannelCommands": [
            {"commandId": one.command_id, "channelName": one.channel_name, **_bounds(one)} for one in request.internals
        ]
        or None,
        "channelEmptyCommands": [
            {"commandId": one.command_id, "channelFamily": one.family, "channelName": one.channel_name}
            for one in request.until_empty
        ]
        or None,
        "commandCombinations": [{"commandIds": list(ids)} for ids in request.combinations] or None,
    }


def _timer_values(timer: TimerCommand) -> Json:
    firing = None if timer.fires_at is None else -(-(timer.fires_at - EPOCH) // _SECOND)
    duration = None if timer.duration is None else whole_seconds(timer.duration)
    return {"commandId": timer.command_id, "durationSeconds": duration, "firingUnixTimestampSeconds": firing}


def _bounds(command: ChannelCommand) -> Json:
    return {"atLeast": command.at_least, "atMost": command.at_most} if command.is_bounded else {}


# Results.


def read_results(value: Json | None) -> SealedCommandResults | None:
    """Read what became of a state's commands; None where wait_until was skipped."""
    if value is None:
        return None
    return SealedCommandResults(
        wait_until_succeeded=value.get("stateStartApiSucceeded", not value.get("stateWaitUntilFailed", False)),
        timers=tuple(
            SealedTimerResult(command_id=one["commandId"] or None, status=TimerStatus(one["timerStatus"]))
            for one in value.get("timerResults") or ()
        ),
        signals=tuple(
            _read_channel(
                one, ChannelFamily.SIGNAL, one["signalChannelName"], one["signalRequestStatus"], one.get("signalValue")
            )
            for one in value.get("signalResults") or ()
        ),
        internals=tuple(
            _read_channel(one, ChannelFamily.INTERNAL, one["channelName"], one["requestStatus"], one.get("value"))
            for one in value.get("interStateChannelResults") or ()
        ),
        until_empty=tuple(
            SealedEmptyResult(
                family=ChannelFamily(one["channelFamily"]),
                channel_name=one["channelName"],
                command_id=one["commandId"] or None,
                is_complete=one["isComplete"],
            )
            for one in value.get("channelEmptyResults") or ()
        ),
    )


def _read_channel(one: Json, family: ChannelFamily, name: str, word: str, value: Json | None) -> SealedChannelResult:
    status = ChannelRequestStatus(word)
    listed: Iterable[Json | None] | None = one.get("values")
    if listed is None:
        listed = [value] if status is ChannelRequestStatus.RECEIVED else []
    return SealedChannelResult(
        family=family,
        channel_name=name,
        command_id=one["commandId"] or None,
        status=status,
        values=tuple(map(read_payload, listed)),
        is_bounded="values" in one,
    )


def write_results(results: SealedCommandResults | None) -> Json | None:
    """Write what became of a state's commands: a list only where there were commands of its kind."""
    if results is None:
        return None
    return {
        "stateStartApiSucceeded": results.wait_until_succeeded,
        "stateWaitUntilFailed": not results.wait_until_succeeded,
        "timerResults": [{"commandId": one.command_id or "", "timerStatus": one.status} for one in results.timers]
        or None,
        "signalResults": [
            {
                "commandId": one.command_id or "",
                "signalChannelName": one.channel_name,
                "signalRequestStatus": one.status,
                "signalValue": write_payload(_first(one) or _EMPTY) if one.values else None,
                "values": _values(one),
            }
            for one in results.signals
        ]
        or None,
        "interStateChannelResults": [
            {
                "commandId": one.command_id or "",
                "channelName": one.channel_name,
                "requestStatus": one.status,
                "value": write_payload(_first(one)),
                "values": _values(one),
            }
            for one in results.internals
        ]
        or None,
        "channelEmptyResults": [
            {
                "commandId": one.command_id or "",
                "channelFamily": one.family,
                "channelName": one.channel_name,
                "isComplete": one.is_complete,
            }
            for one in results.until_empty
        ]
        or None,
    }


def _first(result: SealedChannelResult) -> Payload | None:
    return result.values[0] if result.values else None


def _values(result: SealedChannelResult) -> list[Json | None] | None:
    """All that a command with bounds took; of others the one value says it."""
    return [write_payload(value) for value in result.values] if result.is_bounded and result.values else None
