"""What a run ended with, opened for whoever waited for it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

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
from iwf_py.model.status import WorkflowStatus

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
    outputs = outputs_of(result)
    if len(outputs) > 1:
        raise WorkflowDefinitionError(
            f"workflow {result.workflow_id!r} has {len(outputs)} outputs, of "
            f"{', '.join(output.state_execution_id for output in outputs)}; "
            "use get_workflow_results or wait_for_workflow_results"
        )
    return _opened(outputs[0], converter, type_hint) if outputs else None


def _opened(output: StateOutput, converter: Converter, type_hint: Any) -> Any:
    try:
        return converter.decode(output.output, type_hint)
    except PayloadError as error:
        raise PayloadError(f"output of {output.state_execution_id}: {error}") from error
