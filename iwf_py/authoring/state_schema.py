"""Which states a workflow has, and where it starts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from attrs import field, frozen

from iwf_py.authoring.workflow_state import WorkflowState
from iwf_py.errors import WorkflowDefinitionError

AnyState = WorkflowState[Any] | type[WorkflowState[Any]]


@frozen
class StateDef:
    """
    One state of a schema.

    Attributes:
        state: An instance; a class is made into one at registration.

        can_start_workflow: Is it where the workflow starts?
    """

    state: AnyState
    can_start_workflow: bool = False

    @classmethod
    def starting_state(cls, state: AnyState) -> StateDef:
        """Declare where the workflow starts."""
        return cls(state, can_start_workflow=True)

    @classmethod
    def non_starting_state(cls, state: AnyState) -> StateDef:
        """Declare a state that others lead to."""
        return cls(state, can_start_workflow=False)


def _states(states: Sequence[StateDef]) -> list[StateDef]:
    for declared in states:
        if not isinstance(declared, StateDef):
            raise WorkflowDefinitionError(
                f"StateSchema takes StateDefs, got {declared!r}; write StateSchema.with_starting_state(...)"
            )
    return list(states)


@frozen
class StateSchema:
    """All states of a workflow."""

    states: list[StateDef] = field(factory=list, converter=_states)

    @classmethod
    def with_starting_state(cls, starting_state: AnyState, *non_starting_states: AnyState) -> StateSchema:
        """Start with the first; the others follow from decisions."""
        return cls([StateDef.starting_state(starting_state), *map(StateDef.non_starting_state, non_starting_states)])

    @classmethod
    def no_starting_state(cls, *non_starting_states: AnyState) -> StateSchema:
        """Start without a state: RPCs may open these."""
        return cls([StateDef.non_starting_state(state) for state in non_starting_states])
