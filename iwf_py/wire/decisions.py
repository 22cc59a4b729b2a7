"""What follows a state, on the wire, both ways.

Source:
    The iWF protocol's sections on execute and on decisions.
"""

from __future__ import annotations

from collections.abc import Iterable

from iwf_py.errors import InvalidArgumentError
from iwf_py.model.decisions import ConditionalClose, Decision, Movement
from iwf_py.model.status import WorkflowConditionalCloseType
from iwf_py.wire.options import read_state_options, write_state_options
from iwf_py.wire.shapes import Json
from iwf_py.wire.values import read_payload, write_payload


def read_movements(entries: Iterable[Json] | None) -> tuple[Movement, ...]:
    """
    Read states to open.

    Errors:
        InvalidArgumentError: Options of one are out of bounds.
    """
    return tuple(
        Movement(
            entry["stateId"],
            read_payload(entry.get("stateInput")),
            read_state_options(entry.get("stateOptions")),
            # An empty key is none.
            entry.get("waitForKey") or None,
        )
        for entry in entries or ()
    )


def write_movements(movements: Iterable[Movement]) -> list[Json]:
    """Write states to open."""
    return [
        {
            "stateId": movement.state_id,
            "stateInput": write_payload(movement.input),
            "stateOptions": write_state_options(movement.options),
            "waitForKey": movement.wait_for_key,
        }
        for movement in movements
    ]


def read_decision(value: Json | None) -> Decision:
    """
    Read a decision; an empty one where there is none.

    Errors:
        InvalidArgumentError: It can never be carried out: a condition of no kind, or options out of bounds.
    """
    value = value or {}
    closing = value.get("conditionalClose")
    return Decision(
        read_movements(value.get("nextStates")),
        conditional_close=None if closing is None else _read_close(closing),
    )


def _read_close(value: Json) -> ConditionalClose:
    word = value.get("conditionalCloseType")
    if word is None:
        raise InvalidArgumentError("invalid state decisions. Unsupported ConditionalCloseType: none is given")
    return ConditionalClose(
        close_type=WorkflowConditionalCloseType(word),
        channel_name=value.get("channelName", ""),
        output=read_payload(value.get("closeInput")),
    )


def write_decision(decision: Decision) -> Json:
    """Write a decision."""
    closing = decision.conditional_close
    return {
        "nextStates": write_movements(decision.next_states) or None,
        "conditionalClose": None
        if closing is None
        else {
            "conditionalCloseType": closing.close_type,
            "channelName": closing.channel_name or None,
            "closeInput": write_payload(closing.output),
        },
    }
