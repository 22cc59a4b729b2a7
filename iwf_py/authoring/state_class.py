"""What movements and options know of a state class: that it is one, and the type of its input.

It stands below everything that names a state, so that a decision can be typed by the state it leads to
without knowing what a state does.
"""

from __future__ import annotations

from typing import Any, Generic, TypeVar

from iwf_py.authoring.annotations import remember_local_names
from iwf_py.model.ids import state_execution_id

# Contravariant: a state that takes any Form or None can be entered with a Form, or with nothing.
InputT_contra = TypeVar("InputT_contra", contravariant=True)


class StateClass(Generic[InputT_contra]):
    """The part of `WorkflowState` that names it; derive from `WorkflowState`."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        remember_local_names(cls)


def get_state_id_by_class(state: type[StateClass[Any]]) -> str:
    """
    Tell a state class's name, which is its id unless its options say otherwise.

    The option is read from the registered instance, so decisions and clients that are given a class
    find its id through the registry (``registry.definition(...).state(cls).state_id``).
    """
    return state.__name__


def get_state_execution_id(state: type[StateClass[Any]] | str, number: int) -> str:
    """Name the *number*-th execution (from 1) of a state: ``VerifyState-1``."""
    return state_execution_id(state if isinstance(state, str) else get_state_id_by_class(state), number)
