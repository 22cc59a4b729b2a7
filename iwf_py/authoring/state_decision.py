"""What follows a state: next states, or the end of the thread or of the run."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar, TypeVar, overload

from attrs import field, frozen

from iwf_py.authoring.state_class import StateClass
from iwf_py.authoring.state_movement import StateMovement
from iwf_py.authoring.workflow_state_options import WorkflowStateOptions
from iwf_py.errors import WorkflowDefinitionError
from iwf_py.model.status import WorkflowConditionalCloseType

StateInputT = TypeVar("StateInputT")


@frozen
class ConditionalCloseDecision:
    """
    Complete the run if channels are empty; else the decision's movements count.

    Attributes:
        close_type: Which channels, and how it closes.

        channel_name: The one channel; empty where it is all of them.

        output: Of the run.
    """

    close_type: WorkflowConditionalCloseType
    channel_name: str = ""
    output: Any = None


# What `multi_next_states` takes: a class of a state without input, its id, or a movement with one.
NextState = type[StateClass[None]] | StateMovement | str


def _movement(state: NextState) -> StateMovement:
    return state if isinstance(state, StateMovement) else StateMovement.create(state)


def _movements(movements: Iterable[StateMovement]) -> list[StateMovement]:
    return list(movements)


@frozen
class StateDecision:
    """
    What execute returns. It is made by one of the factories.

    Attributes:
        next_states: At least one.

        conditional_close: Tested first; *next_states* is then the other branch.
    """

    dead_end: ClassVar[StateDecision]

    next_states: list[StateMovement] = field(factory=list, converter=_movements)
    conditional_close: ConditionalCloseDecision | None = None

    @classmethod
    def graceful_complete_workflow(cls, output: object = None) -> StateDecision:
        """End this thread; the run completes when all threads have ended."""
        return cls([StateMovement.graceful_complete_workflow(output)])

    @classmethod
    def force_complete_workflow(cls, output: object = None) -> StateDecision:
        """Complete the run now, whatever its other threads do."""
        return cls([StateMovement.force_complete_workflow(output)])

    @classmethod
    def force_fail_workflow(cls, output: object = None) -> StateDecision:
        """Fail the run now."""
        return cls([StateMovement.force_fail_workflow(output)])

    @overload
    @classmethod
    def single_next_state(
        cls,
        state: type[StateClass[None]],
        state_input: None = None,
        state_options_override: WorkflowStateOptions | None = None,
        wait_for_key: str | None = None,
    ) -> StateDecision: ...

    @overload
    @classmethod
    def single_next_state(
        cls,
        state: type[StateClass[StateInputT]],
        state_input: StateInputT,
        state_options_override: WorkflowStateOptions | None = None,
        wait_for_key: str | None = None,
    ) -> StateDecision: ...

    @overload
    @classmethod
    def single_next_state(
        cls,
        state: str,
        state_input: object = None,
        state_options_override: WorkflowStateOptions | None = None,
        wait_for_key: str | None = None,
    ) -> StateDecision: ...

    @classmethod
    def single_next_state(
        cls,
        state: type[StateClass[Any]] | str,
        state_input: Any = None,
        state_options_override: WorkflowStateOptions | None = None,
        wait_for_key: str | None = None,
    ) -> StateDecision:
        """Move on to one state, named by its class (the type of its input is then checked) or its id."""
        return cls([StateMovement.create(state, state_input, state_options_override, wait_for_key)])

    @classmethod
    def multi_next_states(cls, *next_states: type[StateClass[None]] | StateMovement | str) -> StateDecision:
        """
        Go on in several threads.

        Args:
            next_states: Classes of states without input, or `StateMovement.create` with one.
        """
        return cls([_movement(state) for state in next_states])

    @classmethod
    def force_complete_if_internal_channel_empty_or_else(
        cls,
        internal_channel_name: str,
        workflow_complete_output: object = None,
        or_else_state: type[StateClass[StateInputT]] | str = "",
        state_input: StateInputT | None = None,
        *,
        or_else: Iterable[NextState] = (),
    ) -> StateDecision:
        """
        Complete the run if the internal channel is empty at that instant, else move on to a state.

        Messages that other states have taken and not finished with count: the channel is not empty then.

        Args:
            or_else: Instead of *or_else_state*: several states to go on in, as `multi_next_states` takes them.
        """
        kind = WorkflowConditionalCloseType.FORCE_COMPLETE_ON_INTERNAL_CHANNEL_EMPTY
        close = ConditionalCloseDecision(kind, internal_channel_name, workflow_complete_output)
        return cls._close_or_else(close, or_else_state, state_input, or_else)

    @classmethod
    def force_complete_if_signal_channel_empty_or_else(
        cls,
        signal_channel_name: str,
        workflow_complete_output: object = None,
        or_else_state: type[StateClass[StateInputT]] | str = "",
        state_input: StateInputT | None = None,
        *,
        or_else: Iterable[NextState] = (),
    ) -> StateDecision:
        """
        Complete the run if the signal channel is empty at that instant, else move on to a state; counts as above.

        Args:
            or_else: Instead of *or_else_state*: several states to go on in, as `multi_next_states` takes them.
        """
        kind = WorkflowConditionalCloseType.FORCE_COMPLETE_ON_SIGNAL_CHANNEL_EMPTY
        close = ConditionalCloseDecision(kind, signal_channel_name, workflow_complete_output)
        return cls._close_or_else(close, or_else_state, state_input, or_else)

    @classmethod
    def graceful_complete_if_all_channels_empty_or_else(
        cls,
        workflow_complete_output: object = None,
        or_else_state: type[StateClass[StateInputT]] | str = "",
        state_input: StateInputT | None = None,
        *,
        or_else: Iterable[NextState] = (),
    ) -> StateDecision:
        """
        End this thread gracefully if every channel of the run is empty at that instant, else move on to a state.

        Args:
            or_else: Instead of *or_else_state*: several states to go on in, as `multi_next_states` takes them.
        """
        kind = WorkflowConditionalCloseType.GRACEFUL_COMPLETE_ON_ALL_CHANNELS_EMPTY
        return cls._close_or_else(
            ConditionalCloseDecision(kind, output=workflow_complete_output), or_else_state, state_input, or_else
        )

    @classmethod
    def _close_or_else(
        cls,
        close: ConditionalCloseDecision,
        or_else_state: type[StateClass[Any]] | str,
        state_input: object,
        or_else: Iterable[NextState],
    ) -> StateDecision:
        others = [*or_else]
        if bool(or_else_state) == bool(others):
            raise WorkflowDefinitionError(
                "a conditional close needs or_else_state, or several states as or_else: where to go when it is not closed"
            )
        if others and state_input is not None:
            raise WorkflowDefinitionError(
                "state_input belongs to or_else_state; of or_else give each its own with StateMovement.create"
            )
        return cls([_movement(state) for state in others] or [StateMovement.create(or_else_state, state_input)], close)


StateDecision.dead_end = StateDecision([StateMovement.dead_end])
