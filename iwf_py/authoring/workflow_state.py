"""A state of a workflow: what it waits for, and what it then does."""

from __future__ import annotations

from abc import ABC
from collections.abc import Awaitable
from typing import Any, Generic, TypeVar

from iwf_py.authoring.annotations import has_type_variables, type_arguments
from iwf_py.authoring.command_request import CommandRequest
from iwf_py.authoring.state_class import (
    InputT_contra,
    StateClass,
    get_state_execution_id,
    get_state_id_by_class,
)
from iwf_py.authoring.state_decision import StateDecision
from iwf_py.authoring.workflow_state_options import WorkflowStateOptions

__all__ = [
    "T",
    "WorkflowState",
    "get_input_type",
    "get_state_execution_id",
    "get_state_id",
    "get_state_id_by_class",
    "should_skip_wait_until",
]

# For users' annotations: what `input` is, where a state does not care.
T = TypeVar("T")


class WorkflowState(StateClass[InputT_contra], ABC, Generic[InputT_contra]):
    """
    A state, whose input is of the type that stands in the brackets: ``class SubmitState(WorkflowState[Form])``.

    One instance serves all runs and many threads at once: keep nothing of a run in it.

    The classic handlers take five and four parameters, in this order::

        def wait_until(self, ctx: WorkflowContext, input: Form,
                       persistence: Persistence, communication: Communication) -> CommandRequest
        def execute(self, ctx: WorkflowContext, input: Form, command_results: CommandResults,
                    persistence: Persistence, communication: Communication) -> StateDecision

    They may take fewer, in any order: each parameter is then given what its annotation asks for
    (`WorkflowContext`, `CommandResults`, `Persistence`, `Communication`; anything else is the input).
    They may be ``async def``.
    """

    def wait_until(self, *args: Any, **kwargs: Any) -> CommandRequest | Awaitable[CommandRequest]:
        """Say what to wait for. A state that does not override it waits for nothing."""
        raise NotImplementedError(f"{type(self).__name__} has no wait_until")

    def execute(self, *args: Any, **kwargs: Any) -> StateDecision | Awaitable[StateDecision]:
        """Do the state's work and decide what follows."""
        raise NotImplementedError(f"{type(self).__name__} has no execute")

    def get_state_options(self) -> WorkflowStateOptions | None:
        """Give the state's options; asked once, when the workflow is registered."""
        return WorkflowStateOptions()


def get_state_id(state: WorkflowState[Any]) -> str:
    """Tell a state's id: its option ``state_id``, or its class's name."""
    options = state.get_state_options()
    return (options.state_id if options is not None else None) or get_state_id_by_class(type(state))


def should_skip_wait_until(state: WorkflowState[Any]) -> bool:
    """Does a state wait for nothing? A wait_until that is inherited from a class in between counts as its own."""
    return getattr(state.wait_until, "__func__", None) is WorkflowState.wait_until


def get_input_type(state: WorkflowState[Any] | type[WorkflowState[Any]]) -> Any:
    """
    Tell the type in the brackets of a state's class or of a class above it.

    Returns:
        The type (NoneType for ``WorkflowState[None]``), or None when nobody said.
    """
    cls = state if isinstance(state, type) else type(state)
    found = type_arguments(cls).get(StateClass, {}).get(InputT_contra)
    return None if found is None or has_type_variables(found) else found
