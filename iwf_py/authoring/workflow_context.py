"""What a handler may know of the run that it works for."""

from __future__ import annotations

from attrs import field, frozen

from iwf_py.model.invocations import Failure


@frozen
class WorkflowContext:
    """
    Which run, which state execution, and which attempt a handler is called for.

    Attributes:
        workflow_id: As given at the start.

        workflow_run_id: The first run of a chain of retries: it stays the same through all of them.

        workflow_start_timestamp_seconds: When the current run was created (seconds since 1970).

        state_execution_id: ``VerifyState-1``; None in an RPC.

        first_attempt_timestamp_seconds: When the first attempt of this call began; None in an RPC.

        attempt: From 1; None in an RPC.

        child_workflow_request_id: A key that stays the same through all attempts of this state execution: meant for
            starting another workflow just once. None in an RPC.

        workflow_type: The workflow class's name.

        failure: In a state that was entered because another had exhausted its attempts: what happened there
            (``error_type``, ``message``, ``attempts``, ``state_id``, ``state_execution_id``). Else None.
    """

    workflow_id: str
    workflow_run_id: str
    workflow_start_timestamp_seconds: int = 0
    state_execution_id: str | None = None
    first_attempt_timestamp_seconds: int | None = None
    attempt: int | None = None
    child_workflow_request_id: str | None = field()
    workflow_type: str = field(default="", kw_only=True)
    failure: Failure | None = field(default=None, kw_only=True)

    @child_workflow_request_id.default
    def _request_id_of_the_state_execution(self) -> str | None:
        if self.state_execution_id is None:
            return None
        return f"{self.workflow_run_id}-{self.state_execution_id}"
