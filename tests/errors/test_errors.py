"""Errors carry their fields wherever they go, and can be caught under the names that code for iWF knows."""

import copy
import pickle
from datetime import timedelta

import pytest

from iwf_py import (
    ClientSideError,
    ExecutionParkedError,
    HttpError,
    InvalidArgumentError,
    IwfError,
    NonRetryableError,
    NotRegisteredError,
    RetryAfter,
    ServerSideError,
    WorkflowAbnormalExitError,
    WorkflowAlreadyStartedError,
    WorkflowCanceled,
    WorkflowDefinitionError,
    WorkflowFailed,
    WorkflowNotExistsError,
    WorkflowRPCAcquiringLockFailure,
    WorkflowRPCExecutionError,
    WorkflowStatus,
    WorkflowStillRunningError,
    WorkflowTerminated,
    WorkflowTimeout,
)


class OutOfStock(NonRetryableError):
    """A user's own, whose constructor takes something else than its text."""

    def __init__(self, *, item: str) -> None:
        self.item = item
        super().__init__(f"{item} is sold out")


ERRORS = [
    WorkflowDefinitionError("one", "two"),
    NotRegisteredError("unknown"),
    InvalidArgumentError("wrong"),
    RetryAfter(timedelta(seconds=3), "busy"),
    OutOfStock(item="tea"),
    ExecutionParkedError(workflow_id="w", run_id="r", reason="a bug"),
    WorkflowAlreadyStartedError(workflow_id="w", run_id="r"),
    WorkflowNotExistsError(workflow_id="w"),
    WorkflowStillRunningError(workflow_id="w", waited=3),
    WorkflowRPCExecutionError("it raised", original_error_type="ValueError", original_error_detail="trace"),
    WorkflowRPCAcquiringLockFailure(),
    WorkflowFailed(
        workflow_id="w",
        run_id="r",
        workflow_status=WorkflowStatus.FAILED,
        error_type="STATE_API_FAIL_ERROR_TYPE",
        error_message="no luck",
        outputs=["part"],
    ),
]


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("way", [lambda error: pickle.loads(pickle.dumps(error)), copy.copy, copy.deepcopy])
def test_an_error_can_be_copied_and_sent(error, way):
    """
    Task queues, process pools and test runners pickle errors: all that an error carries arrives.
    """
    made = way(error)

    assert type(made) is type(error)
    assert str(made) == str(error)
    assert made.args == error.args
    assert vars(made) == vars(error)


@pytest.mark.parametrize(
    ("error", "bases"),
    [
        (NotRegisteredError, (WorkflowDefinitionError, InvalidArgumentError, KeyError, ValueError)),
        (InvalidArgumentError, (IwfError, ValueError)),
        (HttpError, (IwfError, RuntimeError)),
        (ClientSideError, (HttpError,)),
        (ServerSideError, (HttpError,)),
        (WorkflowAlreadyStartedError, (ClientSideError,)),
        (WorkflowNotExistsError, (ClientSideError,)),
        (WorkflowStillRunningError, (ClientSideError,)),
        (WorkflowRPCExecutionError, (ClientSideError,)),
        (WorkflowRPCAcquiringLockFailure, (ClientSideError,)),
        (WorkflowFailed, (WorkflowAbnormalExitError,)),
        (WorkflowTimeout, (WorkflowAbnormalExitError,)),
        (WorkflowTerminated, (WorkflowAbnormalExitError,)),
        (WorkflowCanceled, (WorkflowAbnormalExitError,)),
    ],
)
def test_the_tree_is_iwf_s(error, bases):
    """
    Code written for iWF catches the same errors under the same names, and each is an IwfError.
    """
    assert all(issubclass(error, base) for base in (*bases, IwfError))


def test_an_abnormal_end_reads_as_a_sentence():
    """
    Status, type and text, and nothing of what the run had collected.
    """
    error = WorkflowFailed(
        workflow_id="alice",
        run_id="r",
        workflow_status=WorkflowStatus.FAILED,
        error_type="STATE_API_FAIL_ERROR_TYPE",
        error_message="no luck",
        outputs=["secret"],
    )

    assert str(error) == "workflow 'alice' (run r) ended FAILED [STATE_API_FAIL_ERROR_TYPE]: no luck"
    assert (
        str(WorkflowCanceled(workflow_id="w", run_id="r", workflow_status="CANCELED"))
        == "workflow 'w' (run r) ended CANCELED"
    )


def test_a_key_error_reads_as_a_sentence():
    """
    A plain KeyError shows the repr of its text.
    """
    assert str(NotRegisteredError("workflow X is not registered")) == "workflow X is not registered"


@pytest.mark.parametrize("delay", ["3", None, float("nan"), 1e300, -1, timedelta(seconds=-1)])
def test_a_delay_must_be_one(delay):
    """
    What cannot be waited for is told at the line that asks for it.
    """
    with pytest.raises(InvalidArgumentError, match="RetryAfter delay must"):
        RetryAfter(delay)
