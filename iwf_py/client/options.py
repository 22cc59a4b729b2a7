"""Options of calls, checked before anything is sent: a text stands for the enum's member of that value."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any, TypeVar

from iwf_py.authoring.definition import WorkflowDefinition
from iwf_py.authoring.options import Options
from iwf_py.authoring.reset_workflow_type_and_options import ResetWorkflowTypeAndOptions
from iwf_py.authoring.workflow_options import StopWorkflowOptions, WorkflowOptions
from iwf_py.errors import InvalidArgumentError
from iwf_py.model.ids import check_name, state_execution_id
from iwf_py.model.options import CronSchedule, WorkflowAlreadyStartedOptions, WorkflowConfig, WorkflowRetryPolicy
from iwf_py.model.status import IDReusePolicy, WorkflowResetType, WorkflowStopType

OptionsT = TypeVar("OptionsT", bound=Options)
MemberT = TypeVar("MemberT", bound=StrEnum)

_KINDS: Mapping[str, Any] = {
    "workflow_retry_policy": WorkflowRetryPolicy,
    "workflow_already_started_options": WorkflowAlreadyStartedOptions,
    "workflow_config_override": WorkflowConfig,
    "initial_data_attributes": Mapping,
    "initial_search_attributes": Mapping,
}
_RESET_KINDS: Mapping[str, type[Any]] = {
    "reason": str,
    "history_event_id": int,
    "skip_signal_reapply": bool,
    "skip_update_reapply": bool,
}


def start_options(options: WorkflowOptions | None) -> WorkflowOptions:
    """
    Check what can be wrong with the options of a start, whatever the workflow; None stands for the defaults.

    Errors:
        InvalidArgumentError: They are no `WorkflowOptions`, or one of them is of another type.
    """
    options = checked_options(WorkflowOptions, options)
    for name, kind in _KINDS.items():
        value = getattr(options, name)
        if value is not None and not isinstance(value, kind):
            raise InvalidArgumentError(f"option {name} takes a {kind.__name__}, got {value!r}")
    already_started = options.workflow_already_started_options
    if already_started is not None and already_started.request_id is not None:
        check_name("request id", already_started.request_id)
    return options


def id_reuse_policy(options: WorkflowOptions) -> IDReusePolicy:
    """Tell when the id may be used again; errors as `start_options`."""
    policy = options.workflow_id_reuse_policy
    return _member(IDReusePolicy, "workflow_id_reuse_policy", policy or IDReusePolicy.ALLOW_IF_NO_RUNNING)


def cron_schedule(options: WorkflowOptions) -> CronSchedule | None:
    """
    Tell the schedule of a start; an empty expression is none, as in the protocol.

    Whether it can be read is for the host to say, which has the calendar.

    Errors:
        InvalidArgumentError: It is of another type, or there is a zone and no schedule, or another zone than its own.
    """
    given: object = options.workflow_cron_schedule
    zone: object = options.workflow_cron_time_zone
    if zone is not None and not isinstance(zone, str):
        raise InvalidArgumentError(f"option workflow_cron_time_zone takes a str, got {zone!r}")
    if given is None or given == "":
        if zone is not None:
            raise InvalidArgumentError("workflow_cron_time_zone says nothing without a workflow_cron_schedule")
        return None
    schedule = CronSchedule(given) if isinstance(given, str) else given
    if not isinstance(schedule, CronSchedule):
        raise InvalidArgumentError(f"option workflow_cron_schedule takes a str or a CronSchedule, got {given!r}")
    if zone is None:
        return schedule
    if not isinstance(given, str) and schedule.time_zone != zone:
        raise InvalidArgumentError(
            f"workflow_cron_schedule has time zone {schedule.time_zone!r}, workflow_cron_time_zone is {zone!r}; give one"
        )
    return CronSchedule(schedule.expression, zone)


def awaited_states(options: WorkflowOptions, definition: WorkflowDefinition) -> tuple[str, ...]:
    """
    Tell the ids of the states that somebody will wait for.

    Errors:
        NotRegisteredError: The workflow has no such state.
    """
    return tuple(definition.state(state).state_id for state in options._awaited_states)


def awaited_executions(options: WorkflowOptions, definition: WorkflowDefinition) -> tuple[str, ...]:
    """Tell the ids of the state executions that somebody will wait for; errors as `awaited_states`."""
    return tuple(
        execution
        if isinstance(execution, str)
        else state_execution_id(definition.state(execution[0]).state_id, execution[1])
        for execution in options._awaited_executions
    )


def stop_options(options: StopWorkflowOptions | None) -> tuple[WorkflowStopType, str | None]:
    """
    Tell how a run is stopped, and why; None cancels.

    Errors:
        InvalidArgumentError: They are no `StopWorkflowOptions`, or one of them is of another type.
    """
    options = checked_options(StopWorkflowOptions, options)
    reason: object = options.reason
    if reason is not None and not isinstance(reason, str):
        raise InvalidArgumentError(f"option reason takes a str, got {reason!r}")
    return _member(WorkflowStopType, "workflow_stop_type", options.workflow_stop_type), options.reason


def reset_options(options: ResetWorkflowTypeAndOptions) -> tuple[WorkflowResetType, datetime | None]:
    """
    Check the options of a reset; tell its type, and its instant where it has one.

    Errors:
        InvalidArgumentError: They are no `ResetWorkflowTypeAndOptions`, or one of them is of another type.
    """
    given: object = options
    if not isinstance(given, ResetWorkflowTypeAndOptions):
        raise InvalidArgumentError(f"options must be ResetWorkflowTypeAndOptions(...), got {given!r}")
    for name, kind in _RESET_KINDS.items():
        value = getattr(options, name)
        if value is not None and (not isinstance(value, kind) or (kind is int and isinstance(value, bool))):
            raise InvalidArgumentError(f"option {name} takes a {kind.__name__}, got {value!r}")
    return _member(WorkflowResetType, "reset_type", options.reset_type), _instant(options.history_event_time)


def _instant(time: object) -> datetime | None:
    if time is None:
        return None
    instant = time
    if isinstance(time, str):
        try:
            instant = datetime.fromisoformat(time)
        except ValueError:
            instant = None
    if not isinstance(instant, datetime) or instant.tzinfo is None:
        raise InvalidArgumentError(
            "option history_event_time takes a datetime with a time zone, or its ISO 8601 text such as "
            f"'2026-01-31T08:30:00+00:00'; got {time!r}"
        )
    return instant


def checked_options(kind: type[OptionsT], options: OptionsT | None) -> OptionsT:
    """Return options of this kind, the defaults for None; InvalidArgumentError for anything else."""
    if options is None:
        return kind()
    given: object = options
    if not isinstance(given, kind):
        raise InvalidArgumentError(f"options must be {kind.__name__}(...), got {given!r}")
    return given


def _member(kind: type[MemberT], name: str, value: str) -> MemberT:
    try:
        return kind(value)
    except ValueError:
        raise InvalidArgumentError(f"option {name} takes one of {', '.join(kind)}; got {value!r}") from None
