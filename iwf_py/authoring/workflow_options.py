"""Options of starting and stopping a workflow, as users write them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrs import define

from iwf_py.authoring.options import Options
from iwf_py.model.durations import Duration
from iwf_py.model.options import WorkflowAlreadyStartedOptions, WorkflowConfig, WorkflowRetryPolicy
from iwf_py.model.status import IDReusePolicy, WorkflowStopType


@define(slots=False)
class WorkflowOptions(Options):
    """
    How a workflow is started. None means the default.

    Attributes:
        workflow_id_reuse_policy: When the id may be used again; ALLOW_IF_NO_RUNNING.

        workflow_start_delay_seconds: Nothing runs until it is over; seconds or a timedelta.

        workflow_retry_policy: When a failed run is followed by another; never.

        workflow_already_started_options: What to answer when a run of the id stands in the way.

        workflow_config_override: Settings of the protocol.

        initial_data_attributes: By key, of the declared types.

        initial_search_attributes: By key, of the declared types.
    """

    workflow_id_reuse_policy: IDReusePolicy | None = None
    workflow_start_delay_seconds: Duration | None = None
    workflow_retry_policy: WorkflowRetryPolicy | None = None
    workflow_already_started_options: WorkflowAlreadyStartedOptions | None = None
    workflow_config_override: WorkflowConfig | None = None
    initial_data_attributes: Mapping[str, Any] | None = None
    initial_search_attributes: Mapping[str, Any] | None = None


@define(slots=False)
class StopWorkflowOptions(Options):
    """
    How a workflow is stopped.

    Attributes:
        workflow_stop_type: CANCEL, TERMINATE or FAIL.

        reason: Kept in the run's history; of a FAIL also told to whoever waits for the run.
    """

    workflow_stop_type: WorkflowStopType = WorkflowStopType.CANCEL
    reason: str | None = None
