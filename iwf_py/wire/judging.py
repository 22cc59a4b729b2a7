"""Whether a worker's answer can be used, and how it is told when it cannot.

Pure: from status, content type and body to an `Outcome`. A failure made here says it all in its message,
with an empty error type, so that the engine tells it as it stands.

Source:
    The iWF protocol's sections on attempts (final error text) and on RPC (bodies of 420).
"""

from __future__ import annotations

import re
from datetime import timedelta
from http.client import responses

from iwf_py.errors import InvalidArgumentError, PayloadError, ProtocolError
from iwf_py.model.durations import MAX_DURATION
from iwf_py.model.ids import check_name
from iwf_py.model.invocations import (
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
from iwf_py.wire.decoding import MAX_TEXT, canonical, decode_value, longest_text
from iwf_py.wire.outcomes import SHAPES, read_outcome
from iwf_py.wire.shapes import Json

EMPTY_DECISION = (
    "empty state decision is no longer supported. If it's from old SDKs then upgrade the SDK to newer versions"
)
NO_WAITING_TYPE = "unsupported decider trigger type "
NO_COMBINATION = (
    "ANY_COMMAND_COMBINATION_COMPLETED can only be used when every command has an commandId, "
    "and the combination list cannot be empty"
)
UNKNOWN_COMMAND = (
    "ANY_COMMAND_COMBINATION_COMPLETED can only be used when every command has an commandId that is found in "
    "TimerCommands, SignalCommands or InternalChannelCommand"
)
RPC_CLOSES = "closing workflow in RPC is not supported yet"

# How much of what a worker answered is repeated, in bytes; of its own detail, in characters.
MAX_BODY = 500
MAX_REASON = 50
MAX_RESPONSE = 4_000
MAX_DETAIL = 16_000

_JSON = re.compile(r"\s*(?:application|text)/(?:[a-z0-9.+-]+\+)?json\s*(?:;.*)?", re.IGNORECASE | re.DOTALL | re.ASCII)
# What no database keeps and no log should: control characters, but for tabs and the ends of lines.
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


def outcome_of(kind: InvocationKind, status: int, content_type: str, body: bytes) -> Outcome:
    """
    Make an outcome of a worker's answer; whatever it is, nothing is raised.

    Args:
        content_type: Of the answer; empty where it gave none.
    """
    return (
        _rpc_outcome(status, content_type, body)
        if kind is InvocationKind.RPC
        else _state_outcome(kind, status, content_type, body)
    )


def unanswered(kind: InvocationKind, reason: str) -> Failed:
    """
    Say that no answer came: refused, broken off, or not an HTTP answer at all.

    Args:
        reason: In the words of the transport; an RPC's caller is told all of it.
    """
    if kind is InvocationKind.RPC:
        return _told(_clean(reason))
    return _told(_text(0, "None", reason))


def timed_out(kind: InvocationKind, url: str, *, is_last_moment: bool = False) -> Failed:
    """
    Say that no answer came in time.

    Args:
        url: Of the worker's route; an RPC's caller is told.

        is_last_moment: It was not the attempt's own timeout, but the total duration of all attempts that ended it.
    """
    if kind is InvocationKind.RPC:
        return _told(f'Post "{_clean(url)}": context deadline exceeded')
    name = "StateApiWaitUntil" if kind is InvocationKind.WAIT_UNTIL else "StateApiExecute"
    which = "ScheduleToClose" if is_last_moment else "StartToClose"
    return _told(f"activity error (type: {name}): activity {which} timeout (type: {which})")


# States.


def _state_outcome(kind: InvocationKind, status: int, content_type: str, body: bytes) -> Outcome:
    if status != 200:
        return _refused(status, content_type, body)
    try:
        value = _read(kind, content_type, body)
    except ProtocolError as error:
        return _told(_text(status, _shown(body), error.reason), status)
    problem = _size_problem(body, value)
    if problem is None:
        problem = _commands_problem(value) if kind is InvocationKind.WAIT_UNTIL else _decision_problem(value)
    if problem is None:
        try:
            outcome = read_outcome(kind, value)
        except (InvalidArgumentError, PayloadError) as error:
            return Failed(
                Failure(error_type="", message=_clean(str(error)), is_invalid_code=True, worker_status=status)
            )
        problem = _names_problem(outcome)
        if problem is None:
            return outcome
    response = canonical(SHAPES[kind].write(value))
    return _told(f"err msg: {problem}, response: {_cut(_clean(response), MAX_RESPONSE)}", status)


def _read(kind: InvocationKind, content_type: str, body: bytes) -> Json:
    """Read a 200's body; an empty one, and null, is an answer without fields."""
    if not body:
        return {}
    if _JSON.fullmatch(content_type) is None:
        raise ProtocolError("undefined response type")
    value = decode_value(body)
    return SHAPES[kind].read({} if value is None else value)


def _refused(status: int, content_type: str, body: bytes) -> Failed:
    error = _worker_error(body)
    reason = f"{status} {responses.get(status, '')}".rstrip()
    if status == 400:
        if body and _JSON.fullmatch(content_type) is None:
            reason = "undefined response type"
        elif body and error is None:
            reason = "the body does not decode as a WorkerErrorResponse"
        else:
            # The words of the original where there is no detail, which its own tests compare.
            reason += f"  ({(error or {}).get('detail', '%!s(*string=<nil>)')})"
    return Failed(_failure_of(status, _text(status, _shown(body), reason), error or {}))


def _text(status: int, body: str, reason: str) -> str:
    return f"statusCode: {status}, responseBody: {body}, errMsg: {_cut(_clean(reason), MAX_REASON)}"


def _commands_problem(value: Json) -> str | None:
    request = value.get("commandRequest") or {}
    commands = [
        command
        for name in ("timerCommands", "signalCommands", "interStateChannelCommands", "channelEmptyCommands")
        for command in request.get(name) or ()
    ]
    if not commands:
        return None
    waiting_type = request.get("commandWaitingType") or request.get("deciderTriggerType")
    if waiting_type is None:
        return NO_WAITING_TYPE
    if waiting_type not in ("ANY_COMBINATION_COMPLETED", "ANY_COMMAND_COMBINATION_COMPLETED"):
        return None
    ids = {command.get("commandId") for command in commands}
    combinations = request.get("commandCombinations")
    if not combinations or ids & {None, ""}:
        return NO_COMBINATION
    wanted = {one for combination in combinations for one in combination.get("commandIds") or ()}
    return None if wanted <= ids else UNKNOWN_COMMAND


def _decision_problem(value: Json) -> str | None:
    return None if value.get("stateDecision", {}).get("nextStates") else EMPTY_DECISION


# RPCs.


def _rpc_outcome(status: int, content_type: str, body: bytes) -> Outcome:
    if status != 200:
        error = _worker_error(body)
        if error is None:
            return _undecodable(status, body)
        error_type = error.get("errorType", "")
        message = f"worker API error, status:{status}, errorType:{_clean(error_type)[:MAX_BODY]}"
        return Failed(_failure_of(status, message, error))
    try:
        value = _read(InvocationKind.RPC, content_type, body)
    except ProtocolError:
        return _undecodable(status, body)
    if not body or body.strip() == b"null":
        return _undecodable(status, body)
    if "conditionalClose" in value.get("stateDecision", {}):
        return _told(RPC_CLOSES)
    too_large = _size_problem(body, value)
    if too_large is not None:
        return _told(too_large, status)
    try:
        outcome = read_outcome(InvocationKind.RPC, value)
        problem = _names_problem(outcome)
    except (InvalidArgumentError, PayloadError) as error:
        problem = _clean(str(error))
    return outcome if problem is None else _told(problem, status)


def _undecodable(status: int, body: bytes) -> Failed:
    return _told(f"unable to decode worker response body to WorkerErrorResponse: body{_shown(body)}", status)


# What both share.


def _worker_error(body: bytes) -> Json | None:
    """Read the body of a worker's error, whatever it calls its type; None when it is none."""
    try:
        value = decode_value(body)
        return None if value is None else protocol.WORKER_ERROR.read(value)
    except ProtocolError:
        return None


def _failure_of(status: int, message: str, error: Json) -> Failure:
    """Make the failure of an answer that is an error, with what the worker told in it."""
    seconds = error.get("retryAfterSeconds")
    after = None
    if seconds is not None:
        after = timedelta(seconds=min(max(seconds, 0.0), MAX_DURATION.total_seconds()))
    return Failure(
        error_type="",
        message=message,
        detail=_clean(error.get("detail", ""))[:MAX_DETAIL],
        is_retryable=error.get("isRetryable", True),
        retry_after=after,
        worker_status=status,
        worker_error_type=_clean(error.get("errorType", ""))[:MAX_BODY],
    )


def _told(message: str, status: int = 0) -> Failed:
    return Failed(Failure(error_type="", message=message, worker_status=status))


def _size_problem(body: bytes, value: Json) -> str | None:
    if len(body) <= MAX_TEXT or longest_text(value) <= MAX_TEXT:
        return None
    return f"a value has more than {MAX_TEXT // 1024 // 1024} MiB; keep it elsewhere and answer where it is"


def _names_problem(outcome: Outcome) -> str | None:
    """Say which name of an answer can be none: too long, unprintable, or reserved for the engine."""
    try:
        match outcome:
            case WaitUntilResult():
                _check_writes(outcome.writes)
                for channel in outcome.commands.channels:
                    _check("channel name", channel.channel_name)
                for until in outcome.commands.until_empty:
                    _check("channel name", until.channel_name)
                for command_id in outcome.commands.command_ids:
                    _check("command id", command_id)
            case ExecuteResult():
                _check_writes(outcome.writes)
                for movement in outcome.decision.next_states:
                    check_name("state id", movement.state_id)
                    _check("wait_for_key", movement.wait_for_key)
            case RpcResult():
                _check_writes(outcome.writes)
                for movement in outcome.next_states:
                    check_name("state id", movement.state_id)
                    _check("wait_for_key", movement.wait_for_key)
    except InvalidArgumentError as error:
        return str(error)
    return None


def _check_writes(writes: Writes) -> None:
    for key, _ in writes.attributes:
        check_name("attribute key", key)
    for attribute in writes.search_attributes:
        check_name("search attribute key", attribute.key)
    for message in writes.messages:
        check_name("channel name", message.channel_name)


def _check(what: str, name: str | None) -> None:
    if name:
        check_name(what, name)


def _clean(text: str) -> str:
    return _CONTROL.sub("\ufffd", text.encode("utf-8", "replace").decode())


def _shown(body: bytes) -> str:
    """Show the beginning of a body as text, whatever it is."""
    if len(body) <= MAX_BODY:
        return _clean(body.decode("utf-8", "replace"))
    # Cut amidst a sign, that sign goes.
    return _clean(body[:MAX_BODY].decode("utf-8", "ignore")) + "..."


def _cut(text: str, most: int) -> str:
    """Cut a text to so many bytes of UTF-8."""
    data = text.encode()
    return text if len(data) <= most else data[:most].decode("utf-8", "ignore") + "..."
