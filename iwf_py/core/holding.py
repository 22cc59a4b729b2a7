"""Why a state execution does not go on, in one sentence."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from iwf_py.core.attributes import SEARCH_SPACE, LockKey
from iwf_py.core.record import LiveState, Record
from iwf_py.model.status import Phase


def why_held(
    record: Record, state: LiveState, *, parked: str | None, is_served: bool, next_attempt_at: datetime | None
) -> str | None:
    """
    Say what holds a state; None when it runs, or waits for its commands.

    Args:
        parked: Why its run is held apart.

        is_served: Some worker here has code for it.

        next_attempt_at: When its call is tried again, while that is to come.
    """
    if parked is not None:
        return f"the run is parked: {parked}"
    if state.phase is Phase.DELAYED and record.starts_at is not None:
        return f"waits for the start delay until {record.starts_at.isoformat()}"
    if state.ticket is not None and not state.is_invoked:
        return f"queues for attribute locks: {', '.join(_locks(record, state))}"
    if not state.is_invoked:
        return None
    if not is_served:
        return f"no worker here has code for state {state.state_id} of {record.started.request.workflow_type}"
    if next_attempt_at is not None:
        return f"waits for its next attempt until {next_attempt_at.isoformat()}"
    return None


def _locks(record: Record, state: LiveState) -> Iterator[str]:
    """Tell of each key that others have, or wait for before it, who is first."""
    for key in state.lock_keys(state.phase):
        first = record.locks[key].first
        if first != state.number:
            yield f"{_name(key)} ({_owner(record, first)})"


def _name(key: LockKey) -> str:
    space, name = key
    return f"search attribute {name!r}" if space == SEARCH_SPACE else repr(name)


def _owner(record: Record, owner: int) -> str:
    # Owners below 0 are RPCs, which never queue.
    if owner < 0:
        return f"held by RPC {record.rpcs[-owner].request.rpc_name!r}"
    other = record.states[owner]
    return f"held by {other.execution_id}" if other.is_invoked else f"{other.execution_id} comes first"
