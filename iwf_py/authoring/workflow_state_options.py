"""Options of a state, as users write them."""

from __future__ import annotations

from typing import Any

from attrs import define, field, fields

from iwf_py.authoring.options import Options
from iwf_py.authoring.state_class import StateClass
from iwf_py.model.durations import Duration
from iwf_py.model.options import PersistenceLoadingPolicy, RetryPolicy
from iwf_py.model.status import WaitUntilApiFailurePolicy


@define(slots=False)
class WorkflowStateOptions(Options):
    """
    How a state is called. None means the default: 30 s for an attempt, retried without end, everything loaded, nothing locked.

    Names that end in ``_seconds`` take a timedelta as well. Options are read once, when the workflow is registered.

    Attributes:
        state_id: The state's id, instead of its class's name.

        data_attributes_loading_policy: For both methods.

        search_attributes_loading_policy: For both methods.

        wait_until_api_data_attributes_loading_policy: For wait_until, instead of the one for both; the other three alike.

        proceed_to_execute_when_wait_until_retry_exhausted: True or PROCEED_ON_FAILURE: execute follows all the same, and
            sees ``command_results.wait_until_api_succeeded`` False. Needs a retry policy with a limit.

        proceed_to_state_when_execute_retry_exhausted: The state that follows a failed one, with its input and with
            ``ctx.failure``. Needs a retry policy with a limit.

        wait_until_api_failure_policy: The spelling before iWF 0.4 of ``proceed_to_execute_when_wait_until_retry_exhausted``.

        execute_failure_handling_state: The spelling before iWF 0.4 of ``proceed_to_state_when_execute_retry_exhausted``.
    """

    state_id: str | None = None
    data_attributes_loading_policy: PersistenceLoadingPolicy | None = None
    search_attributes_loading_policy: PersistenceLoadingPolicy | None = None
    wait_until_api_timeout_seconds: Duration | None = None
    wait_until_api_retry_policy: RetryPolicy | None = None
    wait_until_api_data_attributes_loading_policy: PersistenceLoadingPolicy | None = None
    wait_until_api_search_attributes_loading_policy: PersistenceLoadingPolicy | None = None
    proceed_to_execute_when_wait_until_retry_exhausted: WaitUntilApiFailurePolicy | bool | None = None
    execute_api_timeout_seconds: Duration | None = None
    execute_api_retry_policy: RetryPolicy | None = None
    execute_api_data_attributes_loading_policy: PersistenceLoadingPolicy | None = None
    execute_api_search_attributes_loading_policy: PersistenceLoadingPolicy | None = None
    proceed_to_state_when_execute_retry_exhausted: type[StateClass[Any]] | str | None = None
    wait_until_api_failure_policy: WaitUntilApiFailurePolicy | bool | None = field(default=None, kw_only=True)
    execute_failure_handling_state: type[StateClass[Any]] | str | None = field(default=None, kw_only=True)

    @property
    def failure_policy(self) -> WaitUntilApiFailurePolicy | bool | None:
        """What shall follow an exhausted wait_until, under either spelling."""
        new = self.proceed_to_execute_when_wait_until_retry_exhausted
        return self.wait_until_api_failure_policy if new is None else new

    @property
    def failure_state(self) -> type[StateClass[Any]] | str | None:
        """What shall follow an exhausted execute, under either spelling."""
        new = self.proceed_to_state_when_execute_retry_exhausted
        return self.execute_failure_handling_state if new is None else new

    def overridden_by(self, other: WorkflowStateOptions) -> WorkflowStateOptions:
        """Return these options with every one that *other* sets in its place."""
        merged = WorkflowStateOptions()
        for option in fields(WorkflowStateOptions):
            value = getattr(other, option.name)
            setattr(merged, option.name, getattr(self, option.name) if value is None else value)
        return merged
