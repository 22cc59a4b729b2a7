"""Errors on the wire: a server tells them by status and body, a client makes errors of these again.

Source:
    The iWF protocol's section on the error body, and those of the routes.
"""

from __future__ import annotations

import re
from http.client import responses

from attrs import frozen

from iwf_py.errors import (
    ClientSideError,
    EngineStoppedError,
    EngineUnreadyError,
    ExecutionParkedError,
    HttpError,
    InvalidArgumentError,
    PayloadError,
    ProtocolError,
    ServerSideError,
    TooManyRequestsError,
    WorkflowAlreadyStartedError,
    WorkflowNotExistsError,
    WorkflowRPCAcquiringLockFailure,
    WorkflowRPCExecutionError,
    WorkflowStillRunningError,
)
from iwf_py.model.status import ErrorSubStatus
from iwf_py.wire import protocol
from iwf_py.wire.decoding import decode
from iwf_py.wire.shapes import Json

# Texts that code written for iWF compares.
MALFORMED = "invalid request schema"
STILL_RUNNING = "workflow is still running, waiting has exceeded timeout limit, please retry"
STILL_WAITING = "waiting has exceeded timeout limit, please retry"
NO_SUCH_TIMER = "invalid request - requested timer command doesn't exist"
# The plain text of a 404.
NO_SUCH_PAGE = "404 page not found"

MAX_REPEATED = 500

_RUN_ID = re.compile(r"RunId: ([0-9A-Za-z-]+)|\(run ([0-9A-Za-z-]+)[,)]")


@frozen
class Fault:
    """How an error is told: the status, and the body."""

    status: int
    body: Json


def fault_of(error: BaseException) -> Fault:
    """
    Tell how a client is answered in place of an error.

    An error that nothing is known of is told as 500 without any of its words, which are the log's.
    """
    match error:
        case HttpError():
            return _http_fault(error)
        case ProtocolError():
            return _fault(400, MALFORMED)
        case InvalidArgumentError() | PayloadError():
            return _fault(400, str(error))
        case EngineUnreadyError() | EngineStoppedError():
            return _fault(503, str(error))
        case ExecutionParkedError():
            return _fault(500, str(error))
        case _:
            return _fault(500, "internal error; the server's log says more")


def _fault(status: int, detail: str, sub_status: str = ErrorSubStatus.UNCATEGORIZED_SUB_STATUS) -> Fault:
    return Fault(status, protocol.ERROR_RESPONSE.write({"detail": detail, "subStatus": str(sub_status)}))


def _http_fault(error: HttpError) -> Fault:
    told: Json = {"detail": error.detail, "subStatus": error.sub_status}
    if isinstance(error, WorkflowRPCExecutionError):
        told["originalWorkerErrorDetail"] = error.original_error_detail
        told["originalWorkerErrorType"] = error.original_error_type
        told["originalWorkerErrorStatus"] = error.original_error_status
    return Fault(error.status, protocol.ERROR_RESPONSE.write(told))


def still_running(workflow_id: str) -> WorkflowStillRunningError:
    """Say that a run has not closed within the time of a long poll."""
    return WorkflowStillRunningError(STILL_RUNNING, workflow_id=workflow_id)


def still_waiting(workflow_id: str) -> WorkflowStillRunningError:
    """Say that a state has not completed within the time of a long poll."""
    return WorkflowStillRunningError(STILL_WAITING, workflow_id=workflow_id)


def error_of(status: int, body: bytes, *, workflow_id: str = "", run_id: str = "") -> HttpError:
    """
    Make the error again of an answer that is no 200.

    Args:
        body: As it came; what is no JSON of the protocol is repeated in part.

        workflow_id: That was asked for; for the error's fields.

        run_id: The same.
    """
    try:
        value = protocol.ERROR_RESPONSE.read(decode(body))
    except ProtocolError:
        return _foreign(status, body)
    detail = value.get("detail") or f"the server answered {status} {responses.get(status, '')}".rstrip()
    sub_status = value.get("subStatus")
    match status, sub_status:
        case _, ErrorSubStatus.WORKFLOW_ALREADY_STARTED_SUB_STATUS:
            return WorkflowAlreadyStartedError(detail, workflow_id=workflow_id, run_id=_named_run(detail))
        case _, ErrorSubStatus.WORKFLOW_NOT_EXISTS_SUB_STATUS:
            return WorkflowNotExistsError(detail, workflow_id=workflow_id, run_id=run_id)
        case _, ErrorSubStatus.LONG_POLL_TIME_OUT_SUB_STATUS:
            return WorkflowStillRunningError(detail, workflow_id=workflow_id)
        case 450, _:
            return WorkflowRPCAcquiringLockFailure(detail)
        case _, ErrorSubStatus.WORKER_API_ERROR:
            return WorkflowRPCExecutionError(
                detail,
                original_error_type=value.get("originalWorkerErrorType", ""),
                original_error_detail=value.get("originalWorkerErrorDetail", ""),
                original_error_status=value.get("originalWorkerErrorStatus", 0),
            )
        case _:
            known = sub_status if sub_status in protocol.SUB_STATUSES else None
            return _of_status(status, detail, known)


def _of_status(status: int, detail: str, sub_status: str | None = None) -> HttpError:
    if status == TooManyRequestsError.default_status:
        return TooManyRequestsError(detail, sub_status=sub_status)
    cls = ClientSideError if 400 <= status < 500 else ServerSideError
    return cls(detail, status=status, sub_status=sub_status)


def _foreign(status: int, body: bytes) -> HttpError:
    text = body[:MAX_REPEATED].decode("utf-8", "replace").strip()
    said = f"the server answered {status} {responses.get(status, '')}".rstrip()
    if status == 404:
        return _of_status(
            404, f"{said} ({text!r}): it does not know this call; check the URL, and what that server can do"
        )
    return _of_status(status, f"{said} with a body that is not of the iWF protocol: {text!r}")


def _named_run(detail: str) -> str:
    """Find the run that stands in the way, where the text names it."""
    found = _RUN_ID.search(detail)
    return (found[1] or found[2]) if found else ""
