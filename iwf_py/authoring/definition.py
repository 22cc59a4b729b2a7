"""A workflow class read once: validated, frozen, and all that workers and clients ask of it."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from enum import Enum
from typing import Any

from attrs import field, frozen

from iwf_py.model.options import RpcOptions, StateOptions
from iwf_py.model.status import ChannelFamily, SearchAttributeValueType


class Slot(Enum):
    """What a handler's parameter is given."""

    CONTEXT = "WorkflowContext"
    INPUT = "the input"
    RESULTS = "CommandResults"
    PERSISTENCE = "Persistence"
    COMMUNICATION = "Communication"


NO_VALUE = inspect.Parameter.empty


@frozen(kw_only=True)
class Handler:
    """
    One method of user code and how it is called: positionally, with what each slot names.

    Attributes:
        function: Bound to the workflow or state instance.

        slots: In the order of the parameters.

        input_type: As annotated, or None when nothing is said (the input is then the plain JSON value).

        takes_input: Is there a parameter for it?

        output_type: The return annotation; None when there is none (only RPCs look at it).

        is_async: A coroutine function.
    """

    function: Callable[..., Any]
    slots: tuple[Slot, ...]
    input_type: Any = None
    takes_input: bool = True
    output_type: Any = None
    is_async: bool = False


@frozen(kw_only=True)
class StateDefinition:
    """
    One state of a workflow.

    Attributes:
        wait_until: None when the state does not wait.

        options: The engine's form, failure state and its options included.
    """

    state_id: str
    state: Any
    input_type: Any
    wait_until: Handler | None
    execute: Handler
    options: StateOptions
    can_start_workflow: bool = False


@frozen(kw_only=True)
class RpcDefinition:
    """One RPC of a workflow."""

    name: str
    handler: Handler
    options: RpcOptions


@frozen(kw_only=True)
class Names:
    """
    Declared names and the types of their values: exact ones first, then the longest prefix that fits.

    Attributes:
        what: The noun for sentences: "data attribute".
    """

    what: str
    exact: Mapping[str, Any] = field(factory=dict)
    prefixes: Mapping[str, Any] = field(factory=dict)

    def has(self, name: str) -> bool:
        """Is *name* declared, by itself or by a prefix?"""
        return name in self.exact or any(name.startswith(prefix) for prefix in self.prefixes)

    def type_of(self, name: str) -> Any:
        """
        Tell the type of the values under *name*; None where only None may be stored.

        Errors:
            NotRegisteredError: With what is declared.
        """
        raise NotImplementedError


@frozen(kw_only=True)
class WorkflowDefinition:
    """
    All that is known of a workflow class.

    Attributes:
        workflow: The registered instance.

        states: By state id, in the order of the schema.

        start: The starting state, or None.

        channels: By family.
    """

    workflow_type: str
    workflow: Any
    states: Mapping[str, StateDefinition]
    start: StateDefinition | None
    rpcs: Mapping[str, RpcDefinition]
    attributes: Names
    search_attributes: Mapping[str, SearchAttributeValueType]
    channels: Mapping[ChannelFamily, Names]
