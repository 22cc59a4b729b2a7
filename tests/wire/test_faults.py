"""Errors are told by status and body, and made of them again."""

from __future__ import annotations

import json
from typing import Any

import pytest

from iwf_py.errors import (
    ClientSideError,
    EngineStoppedError,
    EngineUnreadyError,
    ExecutionParkedError,
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
from iwf_py.wire.faults import error_of, fault_of, still_running, still_waiting

ERRORS = [
    ClientSideError("no"),
    ServerSideError("no"),
    WorkflowAlreadyStartedError(workflow_id="w", run_id="0190-ab"),
    WorkflowNotExistsError(workflow_id="w"),
    still_running("w"),
    still_waiting("w"),
    WorkflowRPCExecutionError("no", original_error_type="E", original_error_detail="d", original_error_status=502),
    WorkflowRPCExecutionError("no"),
    WorkflowRPCAcquiringLockFailure(),
    TooManyRequestsError("full"),
]


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_an_error_is_the_same_at_the_client(error: Any):
    """
    Class, status, sub status, detail and what the worker told.
    """
    fault = fault_of(error)

    found = error_of(fault.status, json.dumps(fault.body).encode(), workflow_id="w")

    assert type(found) is type(error)
    for name in (
        "status",
        "sub_status",
        "detail",
        "original_error_type",
        "original_error_detail",
        "original_error_status",
    ):
        assert getattr(found, name, None) == getattr(error, name, None)


def test_only_an_rpcs_failure_tells_what_the_worker_told():
    """
    The three fields are there together, also empty; elsewhere not at all.
    """
    told = fault_of(WorkflowRPCExecutionError("no")).body

    assert told == {
        "detail": "no",
        "subStatus": "WORKER_API_ERROR",
        "originalWorkerErrorDetail": "",
        "originalWorkerErrorType": "",
        "originalWorkerErrorStatus": 0,
    }
    assert fault_of(WorkflowRPCAcquiringLockFailure()).body == {
        "detail": "requested data or search attributes are being locked by other operations",
        "subStatus": "WORKER_API_ERROR",
    }


@pytest.mark.parametrize(
    ("error", "status", "detail"),
    [
        (ProtocolError("whatever"), 400, "invalid request schema"),
        (InvalidArgumentError("bad"), 400, "bad"),
        (PayloadError("bad"), 400, "bad"),
        (EngineStoppedError("closed"), 503, "closed"),
        (EngineUnreadyError("later"), 503, "later"),
        (still_running("w"), 420, "workflow is still running, waiting has exceeded timeout limit, please retry"),
        (still_waiting("w"), 420, "waiting has exceeded timeout limit, please retry"),
        (ValueError("secret"), 500, "internal error; the server's log says more"),
        (KeyError("secret"), 500, "internal error; the server's log says more"),
    ],
)
def test_how_an_error_is_told(error: BaseException, status: int, detail: str):
    """
    The texts that are compared, and nothing of an error that nobody expected.
    """
    fault = fault_of(error)

    assert (fault.status, fault.body["detail"]) == (status, detail)
    assert fault.body["subStatus"]


def test_a_parked_run_says_why():
    """
    It is the one whose callers can do something about it.
    """
    fault = fault_of(ExecutionParkedError(workflow_id="w", run_id="r", reason="a bug"))

    assert fault.status == 500
    assert "a bug" in fault.body["detail"]


@pytest.mark.parametrize(
    ("status", "body", "cls", "words"),
    [
        (404, b"404 page not found", ClientSideError, "does not know this call"),
        (404, b'{"detail":"nothing here"}', ClientSideError, "nothing here"),
        (401, b'{"detail":"key?"}', ClientSideError, "key?"),
        (400, b'{"detail":"invalid request schema"}', ClientSideError, "invalid request schema"),
        (400, b'{"detail":"x","subStatus":"NEVER_HEARD_OF"}', ClientSideError, "x"),
        (400, b"{}", ClientSideError, "400 Bad Request"),
        (413, b"<html>too large</html>", ClientSideError, "too large"),
        (502, b"<html>" + b"x" * 10_000, ServerSideError, "not of the iWF protocol"),
        (500, b"", ServerSideError, "500 Internal Server Error"),
        (503, b"\xff\x00", ServerSideError, "503 Service Unavailable"),
        (302, b"", ServerSideError, "302 Found"),
        (420, b'{"subStatus":"LONG_POLL_TIME_OUT_SUB_STATUS"}', WorkflowStillRunningError, "420"),
        (450, b'{"detail":"locked"}', WorkflowRPCAcquiringLockFailure, "locked"),
    ],
)
def test_what_other_servers_answer(status: int, body: bytes, cls: type, words: str):
    """
    Proxies, older servers and strangers: an error by the status, with what was said, in bounds.
    """
    error = error_of(status, body)

    assert type(error) is cls
    assert error.status == status
    assert words in error.detail
    assert len(error.detail) < 3_000


def test_the_run_in_the_way_is_named():
    """
    Where the text tells it: the original's and ours.
    """
    texts = [
        "Workflow execution is already running. WorkflowId: a, RunId: 6f1c0000-1111-4222-8333-444444444444.",
        fault_of(WorkflowAlreadyStartedError(workflow_id="a", run_id="6f1c0000-1111-4222-8333-444444444444")).body[
            "detail"
        ],
    ]
    for text in texts:
        body = json.dumps({"detail": text, "subStatus": "WORKFLOW_ALREADY_STARTED_SUB_STATUS"}).encode()
        error = error_of(400, body, workflow_id="a")
        assert isinstance(error, WorkflowAlreadyStartedError)
        assert (error.workflow_id, error.run_id) == ("a", "6f1c0000-1111-4222-8333-444444444444")
