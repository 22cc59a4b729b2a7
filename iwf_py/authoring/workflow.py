"""A workflow as users write it."""

from __future__ import annotations

from abc import ABC
from collections.abc import Sequence
from typing import Any, ClassVar

from iwf_py.authoring.annotations import remember_local_names
from iwf_py.authoring.communication_schema import CommunicationMethod, CommunicationSchema
from iwf_py.authoring.keys import declarations
from iwf_py.authoring.persistence_options import PersistenceOptions
from iwf_py.authoring.persistence_schema import PersistenceField, PersistenceSchema
from iwf_py.authoring.state_schema import AnyState, StateSchema


class ObjectWorkflow(ABC):  # noqa: B024 - so that users' own base classes may have abstract methods
    """
    A workflow: its states, its attributes, its channels, and its RPCs (methods under ``@rpc()``).

    One instance serves all runs and many threads at once: keep nothing of a run in it. Its type is the class's name.

    Attributes:
        states: The shorthand for `get_workflow_states`: instances or classes, the first of which starts the workflow.
    """

    states: ClassVar[Sequence[AnyState]] = ()

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        remember_local_names(cls)

    def get_workflow_states(self) -> StateSchema:
        """Declare the states; by default those of ``states``. A workflow without any lives by its RPCs."""
        states: object = self.states
        if callable(states) and not isinstance(states, type):
            # Somebody's RPC or method of this name.
            return StateSchema()
        return StateSchema.with_starting_state(*self.states) if self.states else StateSchema()

    def get_persistence_schema(self) -> PersistenceSchema:
        """Declare data and search attributes; what the class declares by `DataAttribute` and its like counts in any case."""
        return PersistenceSchema(list(declarations(type(self), PersistenceField)))

    def get_persistence_options(self) -> PersistenceOptions:
        """Give options of the attributes as a whole."""
        return PersistenceOptions.get_default()

    def get_communication_schema(self) -> CommunicationSchema:
        """Declare channels; what the class declares by `InternalChannel` and its like counts in any case."""
        return CommunicationSchema(list(declarations(type(self), CommunicationMethod)))


def get_workflow_type(workflow: ObjectWorkflow) -> str:
    """Tell a workflow's type: its class's name."""
    return get_workflow_type_by_class(type(workflow))


def get_workflow_type_by_class(workflow_class: type[ObjectWorkflow]) -> str:
    """Tell a workflow class's type: its name."""
    return workflow_class.__name__
