"""What follows a state: movements to next states, or the end, in sealed form.

A movement to one of the four system states ends a thread or the run; its input is the output.

Source:
    iWF IDL, StateDecision; the iWF protocol's section on decisions.
"""

from __future__ import annotations

from attrs import field, frozen

from iwf_py.model.options import StateOptions
from iwf_py.model.payload import Payload
from iwf_py.model.status import WorkflowConditionalCloseType

GRACEFUL_COMPLETING = "_SYS_GRACEFUL_COMPLETING_WORKFLOW"
FORCE_COMPLETING = "_SYS_FORCE_COMPLETING_WORKFLOW"
FORCE_FAILING = "_SYS_FORCE_FAILING_WORKFLOW"
DEAD_END = "_SYS_DEAD_END"
SYSTEM_STATE_IDS = frozenset({GRACEFUL_COMPLETING, FORCE_COMPLETING, FORCE_FAILING, DEAD_END})


@frozen
class Movement:
    """
    A state to open.

    Attributes:
        state_id: The state, or one of the system states.

        input: Its input; of a system state: the output.

        options: None is the default options.

        wait_for_key: A name under which a client may wait for this execution.
    """

    state_id: str
    input: Payload | None = None
    options: StateOptions | None = None
    wait_for_key: str | None = None


@frozen(kw_only=True)
class ConditionalClose:
    """
    Close the run when channels are empty; else the decision's movements count.

    Attributes:
        close_type: Which channels must be empty, and how it closes.

        channel_name: The one channel, where it is one.

        output: Of the run, when it closes.
    """

    close_type: WorkflowConditionalCloseType
    channel_name: str = ""
    output: Payload | None = None


@frozen
class Decision:
    """
    What execute decided.

    Attributes:
        next_states: At least one, else the attempt has failed.

        conditional_close: Tested first; *next_states* is then the other branch.
    """

    next_states: tuple[Movement, ...] = ()
    conditional_close: ConditionalClose | None = field(default=None, kw_only=True)
