"""How a run ended and with what, opened for whoever asked."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeVar, overload

from attrs import field, frozen

from iwf_py.authoring.state_class import StateClass
from iwf_py.errors import (
    PayloadError,
    WorkflowAbnormalExitError,
    WorkflowCanceled,
    WorkflowDefinitionError,
    WorkflowFailed,
    WorkflowStillRunningError,
    WorkflowTerminated,
    WorkflowTimeout,
)
from iwf_py.model.converter import Converter
from iwf_py.model.requests import RunResult, StateOutput
from iwf_py.model.status import WorkflowErrorType, WorkflowStatus

Hint = TypeVar("Hint")

_ABNORMAL = {
    WorkflowStatus.FAILED: WorkflowFailed,
    WorkflowStatus.TIMEOUT: WorkflowTimeout,
    WorkflowStatus.TERMINATED: WorkflowTerminated,
    WorkflowStatus.CANCELED: WorkflowCanceled,
}


def outputs_of(result: RunResult) -> tuple[StateOutput, ...]:
    """
    Tell the outputs of a run that has completed.

    Errors:
        WorkflowStillRunningError: It has not ended.

        WorkflowAbnormalExitError: It ended otherwise; one subclass for each way.
    """
    if result.status is WorkflowStatus.COMPLETED:
        return result.outputs
    if result.status is WorkflowStatus.RUNNING:
        raise WorkflowStillRunningError(workflow_id=result.workflow_id)
    raise _ABNORMAL.get(result.status, WorkflowAbnormalExitError)(
        workflow_id=result.workflow_id,
        run_id=result.run_id,
        workflow_status=result.status,
        error_type=None if result.error_type is None else result.error_type.value,
        error_message=result.error_message,
        outputs=result.outputs,
    )


@frozen(kw_only=True)
class WorkflowOutcome:
    """
    How a workflow ended, in whatever way, and what its states gave.

    Attributes:
        run_id: The run that was asked for; what follows may be the outcome of a retry of it.

        status: COMPLETED, FAILED, TIMEOUT, TERMINATED or CANCELED.

        outputs: Sealed, in order of completion: what had been collected when it ended.

        error_type: Why it failed; None where it did not.
    """

    workflow_id: str
    run_id: str
    status: WorkflowStatus
    outputs: tuple[StateOutput, ...]
    error_type: WorkflowErrorType | None
    error_message: str | None
    _converter: Converter = field(repr=False, eq=False)
    _state_id: Callable[[type[StateClass[Any]] | str], str] = field(repr=False, eq=False)

    @property
    def is_completed(self) -> bool:
        """Did it end as it should?"""
        return self.status is WorkflowStatus.COMPLETED

    @overload
    def results(self, type_hint: type[Hint], *, state: type[StateClass[Any]] | str | None = None) -> list[Hint]: ...
    @overload
    def results(self, type_hint: Any = None, *, state: type[StateClass[Any]] | str | None = None) -> list[Any]: ...
    def results(self, type_hint: Any = None, *, state: type[StateClass[Any]] | str | None = None) -> list[Any]:
        """
        Open the outputs, in order of completion.

        Args:
            type_hint: What they are opened as; the plain JSON value when None.

            state: Only those of this state: its class or id.

        Errors:
            PayloadError: One of them is of another type.
        """
        return decode_outputs(self._of(state), self._converter, type_hint)

    @overload
    def result(self, type_hint: type[Hint], *, state: type[StateClass[Any]] | str | None = None) -> Hint | None: ...
    @overload
    def result(self, type_hint: Any = None, *, state: type[StateClass[Any]] | str | None = None) -> Any: ...
    def result(self, type_hint: Any = None, *, state: type[StateClass[Any]] | str | None = None) -> Any:
        """Open the one output; None when there is none, WorkflowDefinitionError when there are several."""
        return _open_one(self.workflow_id, self._of(state), self._converter, type_hint)

    def _of(self, state: type[StateClass[Any]] | str | None) -> tuple[StateOutput, ...]:
        if state is None:
            return self.outputs
        state_id = self._state_id(state)
        return tuple(output for output in self.outputs if output.state_id == state_id)


def outcome_of(
    result: RunResult, converter: Converter, state_id: Callable[[type[StateClass[Any]] | str], str]
) -> WorkflowOutcome:
    """
    Make the outcome of a run that has ended.

    Errors:
        WorkflowStillRunningError: It has not.
    """
    if result.status is WorkflowStatus.RUNNING:
        raise WorkflowStillRunningError(workflow_id=result.workflow_id)
    return WorkflowOutcome(
        workflow_id=result.workflow_id,
        run_id=result.run_id,
        status=result.status,
        outputs=result.outputs,
        error_type=result.error_type,
        error_message=result.error_message,
        converter=converter,
        state_id=state_id,
    )


def open_outputs(result: RunResult, converter: Converter, type_hint: Any) -> list[Any]:
    """Open all outputs of a run, in order of completion; errors as `outputs_of`."""
    return decode_outputs(outputs_of(result), converter, type_hint)


def decode_outputs(outputs: Iterable[StateOutput], converter: Converter, type_hint: Any) -> list[Any]:
    """Open outputs, wherever they come from."""
    return [_opened(output, converter, type_hint) for output in outputs]


def open_output(result: RunResult, converter: Converter, type_hint: Any) -> Any:
    """
    Open the one output of a run; None when there is none.

    Errors: as `outputs_of`, and
        WorkflowDefinitionError: There are several.
    """
    return _open_one(result.workflow_id, outputs_of(result), converter, type_hint)


def _open_one(workflow_id: str, outputs: tuple[StateOutput, ...], converter: Converter, type_hint: Any) -> Any:
    if len(outputs) > 1:
        raise WorkflowDefinitionError(
            f"workflow {workflow_id!r} has {len(outputs)} outputs, of "
            f"{', '.join(output.state_execution_id for output in outputs)}; "
            "use get_workflow_results or wait_for_workflow_results"
        )
    return _opened(outputs[0], converter, type_hint) if outputs else None


def _opened(output: StateOutput, converter: Converter, type_hint: Any) -> Any:
    try:
        return converter.decode(output.output, type_hint)
    except PayloadError as error:
        raise PayloadError(f"output of {output.state_execution_id}: {error}") from error
