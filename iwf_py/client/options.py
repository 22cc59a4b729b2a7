"""Options of calls, checked before anything is sent: a text stands for the enum's member of that value."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any, TypeVar

from iwf_py.authoring.options import Options
from iwf_py.authoring.reset_workflow_type_and_options import ResetWorkflowTypeAndOptions
from iwf_py.authoring.workflow_options import StopWorkflowOptions, WorkflowOptions
from iwf_py.errors import InvalidArgumentError
from iwf_py.model.options import WorkflowAlreadyStartedOptions, WorkflowConfig, WorkflowRetryPolicy
from iwf_py.model.status import IDReusePolicy, WorkflowResetType, WorkflowStopType

OptionsT = TypeVar("OptionsT", bound=Options)
MemberT = TypeVar("MemberT", bound=StrEnum)

_KINDS: Mapping[str, type[Any]] = {
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
    options = _of(WorkflowOptions, options)
    for name, kind in _KINDS.items():
        value = getattr(options, name)
        if value is not None and not isinstance(value, kind):
            raise InvalidArgumentError(f"option {name} takes a {kind.__name__}, got {value!r}")
    return options


def id_reuse_policy(options: WorkflowOptions) -> IDReusePolicy:
    """Tell when the id may be used again; errors as `start_options`."""
    policy = options.workflow_id_reuse_policy
    return _member(IDReusePolicy, "workflow_id_reuse_policy", policy or IDReusePolicy.ALLOW_IF_NO_RUNNING)


def stop_options(options: StopWorkflowOptions | None) -> tuple[WorkflowStopType, str | None]:
    """
    Tell how a run is stopped, and why; None cancels.

    Errors:
        InvalidArgumentError: They are no `StopWorkflowOptions`, or one of them is of another type.
    """
    options = _of(StopWorkflowOptions, options)
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


def _of(kind: type[OptionsT], options: OptionsT | None) -> OptionsT:
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
