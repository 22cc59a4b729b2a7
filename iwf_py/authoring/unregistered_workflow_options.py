"""Options of starting a workflow that is known by its names alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from attrs import define

from iwf_py.authoring.options import Options
from iwf_py.authoring.workflow_options import WorkflowOptions
from iwf_py.authoring.workflow_state_options import WorkflowStateOptions
from iwf_py.model.durations import Duration
from iwf_py.model.options import StateOptions, WorkflowAlreadyStartedOptions, WorkflowConfig, WorkflowRetryPolicy
from iwf_py.model.payload import SearchAttribute
from iwf_py.model.status import IDReusePolicy


@define(slots=False)
class UnregisteredWorkflowOptions(Options):
    """
    How a workflow is started through `UnregisteredClient`. None means the default, as in `WorkflowOptions`.

    Attributes:
        cron_schedule: When it runs again and again: an expression as in crontab(5).

        start_state_options: Of the starting state: as users write them, where its failure state is named by its id.

        initial_data_attributes: By key; nobody checks their types.

        initial_search_attributes: Each with its type; `convert_to_sa_list` makes them of plain values.

        using_memo_for_data_attributes: Accepted for code written for iWF; reads are cheap and consistent in either case.

        wait_for_completion_state_ids: States that somebody will wait for; any other may be waited for as well.

        wait_for_completion_state_execution_ids: The same for executions: ``"VerifyState-2"``.
    """

    workflow_id_reuse_policy: IDReusePolicy | None = None
    cron_schedule: str | None = None
    workflow_start_delay_seconds: Duration | None = None
    workflow_retry_policy: WorkflowRetryPolicy | None = None
    start_state_options: WorkflowStateOptions | StateOptions | None = None
    workflow_already_started_options: WorkflowAlreadyStartedOptions | None = None
    workflow_config_override: WorkflowConfig | None = None
    initial_data_attributes: Mapping[str, Any] | None = None
    initial_search_attributes: Iterable[SearchAttribute] | None = None
    using_memo_for_data_attributes: bool | None = None
    wait_for_completion_state_ids: Iterable[str] | None = None
    wait_for_completion_state_execution_ids: Iterable[str] | None = None

    def of_any_workflow(self) -> WorkflowOptions:
        """Tell those that need no class."""
        return WorkflowOptions(
            workflow_id_reuse_policy=self.workflow_id_reuse_policy,
            workflow_start_delay_seconds=self.workflow_start_delay_seconds,
            workflow_retry_policy=self.workflow_retry_policy,
            workflow_already_started_options=self.workflow_already_started_options,
            workflow_config_override=self.workflow_config_override,
            initial_data_attributes=self.initial_data_attributes,
        )
