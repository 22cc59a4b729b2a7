"""IwfExecutingStateIds: which open state executions the built-in search attribute lists.

Source:
    The iWF protocol's section on IwfExecutingStateIds.
"""

from __future__ import annotations

from iwf_py.core.maps import Map
from iwf_py.core.record import LiveState, Record
from iwf_py.model.options import StateOptions, WorkflowConfig
from iwf_py.model.status import ExecutingStateIdMode


def is_listed(config: WorkflowConfig, options: StateOptions | None) -> bool:
    """Does a run with *config* list an execution of a state with these options?"""
    mode = config.executing_state_id_mode
    if mode is ExecutingStateIdMode.DISABLED:
        return False
    return mode is ExecutingStateIdMode.ENABLED_FOR_ALL or options is None or not options.skip_wait_until


def listed(config: WorkflowConfig, states: Map[int, LiveState]) -> tuple[str, ...]:
    """Name the states of the open executions that are listed; sorted, each once."""
    found = {state.state_id for state in states.values() if is_listed(config, state.origin.options)}
    return tuple(sorted(found))


def executing_state_ids(record: Record) -> tuple[str, ...]:
    """Tell the value of the attribute; of a closed run what it was when the run closed. Empty: it is not there."""
    return listed(record.config, record.states) if record.closed is None else record.closed.executing_state_ids
