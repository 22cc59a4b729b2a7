"""Options of starting and stopping a workflow, as users write them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from attrs import define, field

from iwf_py.authoring.options import Options
from iwf_py.authoring.state_class import StateClass, get_state_execution_id, get_state_id_by_class
from iwf_py.errors import InvalidArgumentError
from iwf_py.model.durations import Duration
from iwf_py.model.options import CronSchedule, WorkflowAlreadyStartedOptions, WorkflowConfig, WorkflowRetryPolicy
from iwf_py.model.status import IDReusePolicy, WorkflowIDReusePolicy, WorkflowStopType

# A state, by its class or its id, and an execution of one, by its id or as a state with its number (from 1).
State = type[StateClass[Any]] | str
StateExecution = tuple[State, int] | str


@define(slots=False)
class WorkflowOptions(Options):
    """
    How a workflow is started. None means the default.

    Attributes:
        workflow_id_reuse_policy: When the id may be used again; ALLOW_IF_NO_RUNNING. The older words of
            `WorkflowIDReusePolicy` are understood.

        workflow_cron_schedule: When the workflow runs again and again; an expression as in crontab(5), or a `CronSchedule`.
            Each run is opened as the one before closes, until one is cancelled or terminated.

        workflow_cron_time_zone: The IANA name of the zone whose clock the expression means; UTC.

        workflow_start_delay_seconds: Nothing runs until it is over; seconds or a timedelta.

        workflow_retry_policy: When a failed run is followed by another; never.

        workflow_already_started_options: What to answer when a run of the id stands in the way.

        workflow_config_override: Settings of the protocol.

        initial_data_attributes: By key, of the declared types.

        initial_search_attributes: By key, of the declared types.

        wait_for_completion_state_ids: States whose completion somebody will wait for; classes or ids. Any other may be
            waited for as well.

        wait_for_completion_state_execution_ids: The same for executions: ids, or pairs of a state and a number from 1.
    """

    workflow_id_reuse_policy: IDReusePolicy | WorkflowIDReusePolicy | None = None
    workflow_start_delay_seconds: Duration | None = None
    workflow_retry_policy: WorkflowRetryPolicy | None = None
    workflow_already_started_options: WorkflowAlreadyStartedOptions | None = None
    workflow_config_override: WorkflowConfig | None = None
    initial_data_attributes: Mapping[str, Any] | None = None
    initial_search_attributes: Mapping[str, Any] | None = None
    workflow_cron_schedule: CronSchedule | str | None = None
    workflow_cron_time_zone: str | None = None
    # As they were given: the id of a class is the registry's to tell.
    _awaited_states: Iterable[State] = field(default=(), alias="wait_for_completion_state_ids")
    _awaited_executions: Iterable[StateExecution] = field(default=(), alias="wait_for_completion_state_execution_ids")

    def __attrs_post_init__(self) -> None:
        """Check what was given as keywords, as the properties do."""
        self._awaited_states = _states(self._awaited_states)
        self._awaited_executions = _executions(self._awaited_executions)

    @property
    def wait_for_completion_state_ids(self) -> list[str]:
        """The ids of the states; of a class its name, though the registry may know another id."""
        return [state if isinstance(state, str) else get_state_id_by_class(state) for state in self._awaited_states]

    @wait_for_completion_state_ids.setter
    def wait_for_completion_state_ids(self, states: Iterable[State]) -> None:
        self._awaited_states = _states(states)

    @property
    def wait_for_completion_state_execution_ids(self) -> list[str]:
        """The ids of the executions; of a class they begin with its name, though the registry may know another id."""
        return [
            execution if isinstance(execution, str) else get_state_execution_id(*execution)
            for execution in self._awaited_executions
        ]

    @wait_for_completion_state_execution_ids.setter
    def wait_for_completion_state_execution_ids(self, executions: Iterable[StateExecution]) -> None:
        self._awaited_executions = _executions(executions)

    def add_wait_for_completion_state_ids(self, *states: State) -> None:
        """Say of states that somebody will wait for their completion."""
        self._awaited_states = (*self._awaited_states, *_states(states))

    def add_wait_for_completion_state_execution_id(self, state: State, number: int) -> None:
        """Say of the *number*-th execution of a state (from 1) that somebody will wait for its completion."""
        self._awaited_executions = (*self._awaited_executions, *_executions(((state, number),)))


def _states(states: Iterable[State]) -> tuple[State, ...]:
    given = _listed("wait_for_completion_state_ids", states)
    for state in given:
        _check_state("wait_for_completion_state_ids", state)
    return given


def _executions(executions: Iterable[StateExecution]) -> tuple[StateExecution, ...]:
    name = "wait_for_completion_state_execution_ids"
    given = _listed(name, executions)
    for execution in given:
        if isinstance(execution, str):
            continue
        if not (isinstance(execution, tuple) and len(execution) == 2):
            raise InvalidArgumentError(f"{name} takes ids, or pairs of a state and a number, got {execution!r}")
        state, number = execution
        _check_state(name, state)
        if isinstance(number, bool) or not isinstance(number, int) or number < 1:
            raise InvalidArgumentError(f"executions of a state are numbered from 1, got {number!r}")
    return given


def _listed(name: str, given: Any) -> tuple[Any, ...]:
    if isinstance(given, str | type) or not isinstance(given, Iterable):
        raise InvalidArgumentError(f"{name} takes a list, got {given!r}; write [{given!r}]")
    return tuple(given)


def _check_state(name: str, state: object) -> None:
    if not isinstance(state, str) and not (isinstance(state, type) and issubclass(state, StateClass)):
        raise InvalidArgumentError(f"{name} takes state classes and ids, got {state!r}")


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
