"""To which point of its past a workflow is reset, as users write it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from attrs import define, field

from iwf_py.authoring.options import Options
from iwf_py.authoring.state_class import StateClass
from iwf_py.model.status import WorkflowResetType

State = type[StateClass[Any]] | str


@define(slots=False)
class ResetWorkflowTypeAndOptions(Options):
    """
    How a workflow is reset; ``reset_to_beginning`` and its like make one.

    Attributes:
        reset_type: What the point is named by.

        reason: Kept in the history of the new run.

        history_event_id: The last history entry that is kept.

        history_event_time: What happened at this instant or later is not kept: an aware datetime, or ISO 8601 text with a
            time zone. Without it the run is reset to its beginning.

        state_id: The past ends as this state is called for the first time: its class or id.

        state_execution_id: The same for one execution: ``"VerifyState-2"``, or a pair of the state's class or id and the number.

        skip_signal_reapply: Leave out what clients sent after the point: signals, published messages, attributes, skipped
            timers, settings, and what RPCs without locks wrote.

        skip_update_reapply: Leave out what locking RPCs wrote after the point.
    """

    reset_type: WorkflowResetType
    reason: str | None = None
    history_event_id: int | None = None
    history_event_time: datetime | str | None = None
    state_id: State | None = None
    state_execution_id: str | tuple[State, int] | None = None
    skip_signal_reapply: bool | None = None
    skip_update_reapply: bool = field(default=False, kw_only=True)


def reset_to_beginning(
    reason: str | None = None, *, skip_signal_reapply: bool | None = None, skip_update_reapply: bool = False
) -> ResetWorkflowTypeAndOptions:
    """Run the workflow again from its start, with its original input."""
    return ResetWorkflowTypeAndOptions(
        WorkflowResetType.BEGINNING,
        reason,
        skip_signal_reapply=skip_signal_reapply,
        skip_update_reapply=skip_update_reapply,
    )


def reset_to_history_event_id(
    history_event_id: int,
    reason: str | None = None,
    *,
    skip_signal_reapply: bool | None = None,
    skip_update_reapply: bool = False,
) -> ResetWorkflowTypeAndOptions:
    """Keep the history up to and with an entry."""
    return ResetWorkflowTypeAndOptions(
        WorkflowResetType.HISTORY_EVENT_ID,
        reason,
        history_event_id=history_event_id,
        skip_signal_reapply=skip_signal_reapply,
        skip_update_reapply=skip_update_reapply,
    )


def reset_to_history_event_time(
    history_event_time: datetime | str,
    reason: str | None = None,
    *,
    skip_signal_reapply: bool | None = None,
    skip_update_reapply: bool = False,
) -> ResetWorkflowTypeAndOptions:
    """Keep what happened before an instant: an aware datetime, or ISO 8601 text with a time zone."""
    return ResetWorkflowTypeAndOptions(
        WorkflowResetType.HISTORY_EVENT_TIME,
        reason,
        history_event_time=history_event_time,
        skip_signal_reapply=skip_signal_reapply,
        skip_update_reapply=skip_update_reapply,
    )


def reset_to_state_id(
    state_id: State,
    reason: str | None = None,
    *,
    skip_signal_reapply: bool | None = None,
    skip_update_reapply: bool = False,
) -> ResetWorkflowTypeAndOptions:
    """Call a state, given its class or id, again as for the first time."""
    return ResetWorkflowTypeAndOptions(
        WorkflowResetType.STATE_ID,
        reason,
        state_id=state_id,
        skip_signal_reapply=skip_signal_reapply,
        skip_update_reapply=skip_update_reapply,
    )


def reset_to_state_execution_id(
    state_execution_id: str | tuple[State, int],
    reason: str | None = None,
    *,
    skip_signal_reapply: bool | None = None,
    skip_update_reapply: bool = False,
) -> ResetWorkflowTypeAndOptions:
    """Call one execution of a state again: ``"VerifyState-2"``, or a pair of the state's class or id and the number."""
    return ResetWorkflowTypeAndOptions(
        WorkflowResetType.STATE_EXECUTION_ID,
        reason,
        state_execution_id=state_execution_id,
        skip_signal_reapply=skip_signal_reapply,
        skip_update_reapply=skip_update_reapply,
    )
