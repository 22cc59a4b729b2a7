"""What a reset asks for, and what of it is refused before anything is sent."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from iwf_py.authoring.reset_workflow_type_and_options import (
    ResetWorkflowTypeAndOptions,
    reset_to_beginning,
    reset_to_history_event_id,
    reset_to_history_event_time,
    reset_to_state_execution_id,
    reset_to_state_id,
)
from iwf_py.errors import InvalidArgumentError, NotRegisteredError
from iwf_py.model.requests import ResetRequest
from iwf_py.model.status import WorkflowResetType
from tests.client.doubles import Signup, Submit, Verify

MOMENT = datetime(2026, 1, 31, 8, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("options", "fields"),
    [
        (reset_to_beginning(), {"reset_type": WorkflowResetType.BEGINNING}),
        (
            reset_to_history_event_id(7, "why", skip_update_reapply=True),
            {
                "reset_type": WorkflowResetType.HISTORY_EVENT_ID,
                "history_event_id": 7,
                "reason": "why",
                "skip_update_reapply": True,
            },
        ),
        (
            reset_to_history_event_time("2026-01-31T09:30:00+01:00", skip_signal_reapply=True),
            {
                "reset_type": WorkflowResetType.HISTORY_EVENT_TIME,
                "history_event_time": MOMENT,
                "skip_signal_reapply": True,
            },
        ),
        (
            reset_to_history_event_time(MOMENT),
            {"reset_type": WorkflowResetType.HISTORY_EVENT_TIME, "history_event_time": MOMENT},
        ),
        (reset_to_state_id(Submit), {"reset_type": WorkflowResetType.STATE_ID, "state_id": "Submit"}),
        (reset_to_state_id("Old"), {"reset_type": WorkflowResetType.STATE_ID, "state_id": "Old"}),
        (
            reset_to_state_execution_id("Verify-2"),
            {"reset_type": WorkflowResetType.STATE_EXECUTION_ID, "state_execution_id": "Verify-2"},
        ),
        (
            reset_to_state_execution_id((Verify, 3)),
            {"reset_type": WorkflowResetType.STATE_EXECUTION_ID, "state_execution_id": "Verify-3"},
        ),
        (
            ResetWorkflowTypeAndOptions("STATE_ID", state_id="A", state_execution_id="B-1"),
            {"reset_type": WorkflowResetType.STATE_ID, "state_id": "A", "state_execution_id": "B-1"},
        ),
    ],
)
def test_a_reset_asks_for_its_point(client: Any, service: Any, options: Any, fields: dict[str, Any]):
    """
    States are named by class or id, instants by datetime or text; the answer is the new run's id.
    """
    service.answers.append("run-2")

    assert client.reset_workflow("w", options, workflow_run_id="r") == "run-2"

    assert service.last == ResetRequest(namespace="shop", workflow_id="w", run_id="r", **fields)


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (None, "must be ResetWorkflowTypeAndOptions"),
        (ResetWorkflowTypeAndOptions("LATER"), "option reset_type takes one of"),
        (reset_to_beginning(7), "option reason takes a str"),
        (reset_to_history_event_id("7"), "option history_event_id takes a int"),
        (reset_to_history_event_id(True), "option history_event_id takes a int"),
        (reset_to_history_event_time("yesterday"), "with a time zone"),
        (reset_to_history_event_time(MOMENT.replace(tzinfo=None)), "with a time zone"),
        (reset_to_history_event_time("2026-01-31T09:30:00"), "with a time zone"),
        (reset_to_beginning(skip_signal_reapply="no"), "option skip_signal_reapply takes a bool"),
        (reset_to_state_execution_id((Verify, 0)), "state execution number must be 1 or more"),
        (reset_to_state_execution_id((Verify, 1, 2)), "takes a state and its number"),
    ],
)
def test_what_is_no_reset_is_refused_at_once(client: Any, service: Any, options: Any, text: str):
    """
    An option of another type names itself, and nothing is sent.
    """
    with pytest.raises(InvalidArgumentError, match=text):
        client.reset_workflow("w", options)

    assert not service.asked


def test_a_handle_knows_its_states(client: Any, service: Any):
    """
    A handle finds the state in its own workflow, and refuses one that is not there.
    """
    handle = client.get(Signup, "w", "r")
    service.answers.append("run-2")

    assert handle.reset(reset_to_state_id(Verify)) == "run-2"
    assert service.last.run_id == "r"
    with pytest.raises(NotRegisteredError):
        handle.reset(reset_to_state_id("Nobody"))
