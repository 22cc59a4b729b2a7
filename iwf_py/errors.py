"""Every error that iwf_py raises, in one tree.

Errors carry fields, and a sentence with the noun, the id and the way out. Names inherited from
iWF keep their spelling, and each keeps the built-in base that code written for iWF catches.

    IwfError
    ├── WorkflowDefinitionError          a workflow class is written wrongly (all problems named at once)
    │   └── NotRegisteredError           (also a KeyError and an InvalidArgumentError) a name that no registered workflow declares
    ├── InvalidArgumentError             (also a ValueError) a call's argument is wrong
    ├── PayloadError                     a value could not be encoded or decoded
    ├── ProtocolError                    what came over HTTP is no message of the iWF protocol
    ├── NonRetryableError                raised by user code: do not try this attempt again
    ├── RetryAfter                       raised by user code: try this attempt again after a delay
    ├── EngineError
    │   ├── EngineStoppedError           the engine is closed, or this process is a fork of its owner
    │   ├── EngineUnreadyError           the engine cannot serve at the moment; try again
    │   │   └── ServerUnreachableError   a server over HTTP could not be asked, or its answer did not come
    │   └── ExecutionParkedError         this run met a bug of ours and is held apart from the others
    ├── StoreError
    │   ├── StoreInUseError              another engine owns the database
    │   ├── StoreVersionError            the database was written by a newer version
    │   ├── StoreUnusableError           no database, read-only, full, or settings that did not take
    │   └── CommitUnknownError           COMMIT answered with an error: the outcome is not known yet
    ├── HttpError                        (also a RuntimeError) a request was refused; carries status and sub_status
    │   ├── ClientSideError
    │   │   ├── WorkflowAlreadyStartedError, WorkflowNotExistsError, WorkflowStillRunningError
    │   │   ├── WorkflowRPCExecutionError, WorkflowRPCAcquiringLockFailure
    │   │   └── TooManyRequestsError     a queue or a limit is full; try again later
    │   └── ServerSideError
    ├── WorkflowAbnormalExitError        the execution ended otherwise than completed
    │   └── WorkflowFailed, WorkflowTimeout, WorkflowTerminated, WorkflowCanceled
    ├── UnsupportedByServerError         (also a RuntimeError) that server, or the protocol, has no such thing
    └── TransitionError                  an event does not fit the record: a bug of ours
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any


class IwfError(Exception):
    """What every error of this package is; it can be copied and sent to another process, whatever its constructor takes."""

    def __reduce__(self) -> tuple[Any, ...]:
        """Make it anew of its text and its fields: constructors that take keywords could not be called again."""
        return _made_anew, (type(self), self.args, self.__dict__)


def _made_anew(cls: type[IwfError], args: tuple[Any, ...], fields: dict[str, Any]) -> IwfError:
    error = cls.__new__(cls, *args)
    error.__dict__.update(fields)
    return error


class WorkflowDefinitionError(IwfError):
    """
    A workflow class, or the use that its code makes of it, is written wrongly.

    Attributes:
        problems: One sentence each; all that were found, not only the first.
    """

    def __init__(self, *problems: str) -> None:
        self.problems: tuple[str, ...] = problems
        if len(problems) == 1:
            text = problems[0]
        else:
            text = f"{len(problems)} problems:" + "".join(f"\n  - {problem}" for problem in problems)
        super().__init__(text)


class InvalidArgumentError(IwfError, ValueError):
    """A call's argument is wrong; nothing was written."""


class NotRegisteredError(WorkflowDefinitionError, InvalidArgumentError, KeyError):
    """
    A workflow, state, RPC, attribute or channel that was never registered.

    Code written for iWF catches it under any of these names, depending on the call.
    """

    __str__ = Exception.__str__


class PayloadError(IwfError):
    """A value could not be encoded or decoded."""


class ProtocolError(IwfError):
    """
    What came over HTTP is no message of the iWF protocol.

    Attributes:
        reason: What is wrong; it never repeats what was sent, except for a word that is not one of an enumeration's.

        where: The fields that lead there, outermost first; empty for the message as a whole.
    """

    def __init__(self, reason: str, where: tuple[str, ...] = ()) -> None:
        self.reason = reason
        self.where = where
        super().__init__(f"{'.'.join(where)}: {reason}" if where else reason)

    def within(self, name: str) -> ProtocolError:
        """Say the same of what lies in field *name*."""
        return ProtocolError(self.reason, (name, *self.where))


class NonRetryableError(IwfError):
    """
    Raise it in a handler (or raise a subclass) to fail the call for good: no further attempt is made.

    Source:
        iWF issue 204.
    """


class RetryAfter(IwfError):
    """
    Raise it in a handler to have the next attempt after *delay*, instead of the policy's back-off.

    The attempt counts as failed: the policy's bounds by number and by total duration hold.

    Args:
        delay: Seconds, or a timedelta; not negative.

        message: What is told of this attempt.
    """

    def __init__(self, delay: float | timedelta, message: str = "") -> None:
        try:
            self.delay = delay if isinstance(delay, timedelta) else timedelta(seconds=delay)
        except (TypeError, ValueError, OverflowError):
            raise InvalidArgumentError(f"RetryAfter delay must be seconds or a timedelta, got {delay!r}") from None
        if self.delay < timedelta(0):
            raise InvalidArgumentError(f"RetryAfter delay must not be negative, got {delay!r}")
        super().__init__(message or f"asked to be tried again after {self.delay}")


class EngineError(IwfError):
    """The engine itself is in the way."""


class EngineStoppedError(EngineError):
    """The engine is closed, or this process is a fork of the one that owns it."""


class EngineUnreadyError(EngineError):
    """The engine cannot serve at the moment; nobody is told "failed" before it knows. Try again."""


class ServerUnreachableError(EngineUnreadyError):
    """
    A server over HTTP could not be asked, or its answer did not come.

    Attributes:
        server: Its URL.

        was_sent: False where nothing can have been carried out; else it is not known whether it was.
    """

    def __init__(self, server: str, reason: str, *, call: str, was_sent: bool) -> None:
        self.server = server
        self.was_sent = was_sent
        known = "it is not known whether it was carried out" if was_sent else "nothing was sent"
        super().__init__(f"the server at {server} did not answer {call}: {reason}; {known}")


class ExecutionParkedError(EngineError):
    """
    This run met a bug of ours and is held apart; all others go on.

    Attributes:
        workflow_id: Of the run.

        run_id: The run.

        reason: What did not fit.
    """

    def __init__(self, *, workflow_id: str, run_id: str, reason: str) -> None:
        self.workflow_id = workflow_id
        self.run_id = run_id
        self.reason = reason
        super().__init__(f"workflow {workflow_id!r} (run {run_id}) is parked: {reason}; stop it, or report the reason")


class StoreError(IwfError):
    """The database refused, and nothing of the batch was written."""


class StoreInUseError(StoreError):
    """Another engine owns the database, or another program keeps it locked."""


class StoreVersionError(StoreError):
    """The database was written by a newer version of this package."""


class StoreUnusableError(StoreError):
    """There is no database there, or it is read-only or full, or a setting did not take."""


class CommitUnknownError(StoreError):
    """COMMIT answered with an error: whether the batch stands is not known until the store has looked."""


class HttpError(IwfError, RuntimeError):
    """
    A request was refused.

    Attributes:
        status: The code that the iWF protocol answers with: 400, 404, 420, 429, 450, 500.

        sub_status: A member name of `ErrorSubStatus`.

        detail: The sentence.

    Source:
        iWF IDL, ErrorResponse.
    """

    default_status = 500
    default_sub_status = "UNCATEGORIZED_SUB_STATUS"

    def __init__(self, detail: str, *, status: int | None = None, sub_status: str | None = None) -> None:
        self.detail = detail
        self.status = self.default_status if status is None else status
        self.sub_status = self.default_sub_status if sub_status is None else sub_status
        super().__init__(detail)


class ClientSideError(HttpError):
    """The request cannot be carried out as it was made."""

    default_status = 400


class ServerSideError(HttpError):
    """The request was good; the engine could not carry it out."""


class WorkflowAlreadyStartedError(ClientSideError):
    """A run of this workflow id stands in the way of another."""

    default_sub_status = "WORKFLOW_ALREADY_STARTED_SUB_STATUS"

    def __init__(self, detail: str | None = None, *, workflow_id: str = "", run_id: str = "") -> None:
        self.workflow_id = workflow_id
        self.run_id = run_id
        super().__init__(
            detail
            or f"workflow {workflow_id!r} is already running (run {run_id}); "
            "pass workflow_id_reuse_policy to start another"
        )


class WorkflowNotExistsError(ClientSideError):
    """No such workflow, or it is closed and the call needs one that runs."""

    default_sub_status = "WORKFLOW_NOT_EXISTS_SUB_STATUS"

    def __init__(self, detail: str | None = None, *, workflow_id: str = "", run_id: str = "") -> None:
        self.workflow_id = workflow_id
        self.run_id = run_id
        run = f" (run {run_id})" if run_id else ""
        super().__init__(detail or f"workflow {workflow_id!r}{run} does not exist; start it first, or check the id")


class WorkflowStillRunningError(ClientSideError):
    """What was waited for has not come within the time that the caller gave."""

    default_status = 420
    default_sub_status = "LONG_POLL_TIME_OUT_SUB_STATUS"

    def __init__(self, detail: str | None = None, *, workflow_id: str = "", waited: float | None = None) -> None:
        self.workflow_id = workflow_id
        self.waited = waited
        seconds = "" if waited is None else f" after {waited:g} s"
        super().__init__(
            detail or f"workflow {workflow_id!r} is still running{seconds}; wait again, or pass a longer timeout"
        )


class WorkflowRPCExecutionError(ClientSideError):
    """
    The RPC's code raised, or its answer could not be used; nothing was written.

    Attributes:
        original_error_type: The type's name, as the worker told it.

        original_error_detail: Its text.

        original_error_status: The HTTP status with which the worker told it; 0 where it was not called over HTTP, or did not answer.
    """

    default_status = 420
    default_sub_status = "WORKER_API_ERROR"

    def __init__(
        self,
        detail: str,
        *,
        original_error_type: str = "",
        original_error_detail: str = "",
        original_error_status: int = 0,
    ) -> None:
        self.original_error_type = original_error_type
        self.original_error_detail = original_error_detail
        self.original_error_status = original_error_status
        super().__init__(detail)


class WorkflowRPCAcquiringLockFailure(ClientSideError):
    """A state holds, or queues for, an attribute that the RPC wanted to lock; nothing was run."""

    default_status = 450
    default_sub_status = "WORKER_API_ERROR"

    def __init__(
        self, detail: str = "requested data or search attributes are being locked by other operations"
    ) -> None:
        super().__init__(detail)


class TooManyRequestsError(ClientSideError):
    """A queue or a limit is full; nothing was written. Try again later."""

    default_status = 429


class WorkflowAbnormalExitError(IwfError):
    """
    The execution ended otherwise than completed.

    Attributes:
        workflow_id: Of the run.

        run_id: The run that ended.

        workflow_status: How it ended (a `WorkflowStatus`).

        error_type: A member name of `WorkflowErrorType`, or None.

        error_message: What the engine or the caller of stop had to say, or None.

        outputs: What had been collected until then, as sealed `StateOutput`s; `Client.decode_outputs` opens them.
    """

    def __init__(
        self,
        *,
        workflow_id: str,
        run_id: str,
        workflow_status: Any,
        error_type: str | None = None,
        error_message: str | None = None,
        outputs: Sequence[Any] = (),
    ) -> None:
        self.workflow_id = workflow_id
        self.run_id = run_id
        self.workflow_status = workflow_status
        self.error_type = error_type
        self.error_message = error_message
        self.outputs = tuple(outputs)
        text = f"workflow {workflow_id!r} (run {run_id}) ended {getattr(workflow_status, 'value', workflow_status)}"
        if error_type:
            text += f" [{error_type}]"
        if error_message:
            text += f": {error_message}"
        super().__init__(text)


class WorkflowFailed(WorkflowAbnormalExitError):
    """The execution failed."""


class WorkflowTimeout(WorkflowAbnormalExitError):
    """The execution did not end within its timeout."""


class WorkflowTerminated(WorkflowAbnormalExitError):
    """The execution was terminated."""


class WorkflowCanceled(WorkflowAbnormalExitError):
    """The execution was cancelled."""


class UnsupportedByServerError(IwfError, RuntimeError):
    """
    What was asked for is not possible with this server, or not by the iWF protocol; nothing was written.

    Attributes:
        feature: What it is, in a few words.

        server: Whom it was asked of.
    """

    def __init__(self, feature: str, server: str, way_out: str = "") -> None:
        self.feature = feature
        self.server = server
        super().__init__(f"{feature}: not possible with {server}" + (f"; {way_out}" if way_out else ""))


class TransitionError(IwfError):
    """An event does not fit the record: a bug of ours, never of a user."""
