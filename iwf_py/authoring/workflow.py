"""A workflow as users write it."""

from __future__ import annotations

from abc import ABC
from typing import Any

from iwf_py.authoring.annotations import remember_local_names
from iwf_py.authoring.communication_schema import CommunicationSchema
from iwf_py.authoring.persistence_options import PersistenceOptions
from iwf_py.authoring.persistence_schema import PersistenceSchema
from iwf_py.authoring.state_schema import StateSchema


class ObjectWorkflow(ABC):  # noqa: B024 - so that users' own base classes may have abstract methods
    """
    A workflow: its states, its attributes, its channels, and its RPCs (methods under ``@rpc()``).

    One instance serves all runs and many threads at once: keep nothing of a run in it. Its type is the class's name.
    """

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        remember_local_names(cls)

    def get_workflow_states(self) -> StateSchema:
        """Declare the states; none by default: the workflow then lives by its RPCs."""
        return StateSchema()

    def get_persistence_schema(self) -> PersistenceSchema:
        """Declare data and search attributes."""
        return PersistenceSchema()

    def get_persistence_options(self) -> PersistenceOptions:
        """Give options of the attributes as a whole."""
        return PersistenceOptions.get_default()

    def get_communication_schema(self) -> CommunicationSchema:
        """Declare channels."""
        return CommunicationSchema()


def get_workflow_type(workflow: ObjectWorkflow) -> str:
    """Tell a workflow's type: its class's name."""
    return get_workflow_type_by_class(type(workflow))


def get_workflow_type_by_class(workflow_class: type[ObjectWorkflow]) -> str:
    """Tell a workflow class's type: its name."""
    return workflow_class.__name__
