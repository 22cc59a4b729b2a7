"""A workflow class read once: validated, frozen, and all that workers and clients ask of it."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from enum import Enum
from typing import Any

from attrs import field, frozen

from iwf_py.authoring.options import suggestion
from iwf_py.authoring.persistence_options import PersistenceOptions
from iwf_py.authoring.workflow_state_options import WorkflowStateOptions
from iwf_py.errors import NotRegisteredError, WorkflowDefinitionError
from iwf_py.model.ids import check_name
from iwf_py.model.options import DEFAULT_STATE_OPTIONS, RpcOptions, StateOptions
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
    One method of user code and how it is called: by position, with what each slot names.

    Attributes:
        name: For sentences: ``VerifyState.execute``.

        function: Bound to the workflow or state instance.

        slots: In the order of the parameters.

        keywords: What parameters are given that are called by name only.

        input_type: What the input is opened as; Any when nothing is said (the input is then the plain JSON value).

        input_default: The parameter's default, given when the caller sent no value; NO_VALUE when it has none.

        output_type: The return annotation; Any when there is none (only RPCs look at it).

        is_async: A coroutine function.
    """

    name: str
    function: Callable[..., Any]
    slots: tuple[Slot, ...]
    keywords: Mapping[str, Slot] = field(factory=dict)
    input_type: Any = Any
    input_default: Any = NO_VALUE
    output_type: Any = Any
    is_async: bool = False

    def takes(self, slot: Slot) -> bool:
        """Is there a parameter for it?"""
        return slot in self.slots or slot in self.keywords.values()

    @property
    def takes_input(self) -> bool:
        """Is there a parameter for the input?"""
        return self.takes(Slot.INPUT)


@frozen(kw_only=True)
class StateDefinition:
    """
    One state of a workflow.

    Attributes:
        state: The registered instance.

        input_type: Of the state's input; Any when nothing is said.

        wait_until: None when the state does not wait.

        options: The engine's form, failure state and its options included.

        user_options: As the state gave them; what a movement's override is laid upon.

        sent_options: What a movement to the state carries: None where the options are the default.
    """

    state_id: str
    state: Any
    input_type: Any
    wait_until: Handler | None
    execute: Handler
    options: StateOptions
    user_options: WorkflowStateOptions = field(factory=WorkflowStateOptions)
    can_start_workflow: bool = False
    sent_options: StateOptions | None = field(init=False, repr=False, eq=False)

    @sent_options.default
    def _options_unless_default(self) -> StateOptions | None:
        return None if self.options == DEFAULT_STATE_OPTIONS else self.options


@frozen(kw_only=True)
class RpcDefinition:
    """
    One RPC of a workflow.

    Attributes:
        method: The undecorated function: what tells one RPC from another of the same name.

        bypasses_caching: As the mark said.
    """

    name: str
    handler: Handler
    options: RpcOptions
    method: Callable[..., Any]
    bypasses_caching: bool = False


@frozen(kw_only=True)
class Names:
    """
    Declared names and the types of their values: exact ones first, then the longest prefix that fits.

    Attributes:
        what: The noun for sentences: "data attribute".

        owner: Whose they are: the workflow type.
    """

    what: str
    owner: str = ""
    exact: Mapping[str, Any] = field(factory=dict)
    prefixes: Mapping[str, Any] = field(factory=dict)
    _longest_first: tuple[str, ...] = field(init=False, repr=False, eq=False)

    @_longest_first.default
    def _sort_prefixes(self) -> tuple[str, ...]:
        return tuple(sorted(self.prefixes, key=len, reverse=True))

    def has(self, name: str) -> bool:
        """Is *name* declared, by itself or by a prefix?"""
        return name in self.exact or any(name.startswith(prefix) for prefix in self._longest_first)

    def type_of(self, name: str) -> Any:
        """
        Tell the type of the values under *name*; NoneType where only None may be stored.

        Errors:
            NotRegisteredError: With what is declared.

            InvalidArgumentError: It falls under a prefix, but cannot be a name.
        """
        if name in self.exact:
            return self.exact[name]
        for prefix in self._longest_first:
            if name.startswith(prefix):
                # The rest of the name is the caller's: it must be text that a database can keep.
                check_name(self.what, name)
                return self.prefixes[prefix]
        raise NotRegisteredError(f"{self.what} {name!r} is not declared by {self.owner}{self._declared(name)}")

    def __iter__(self) -> Iterator[str]:
        """Go through the exact names."""
        return iter(self.exact)

    def _declared(self, name: str) -> str:
        declared = [repr(known) for known in self.exact] + [f"{prefix!r}... (a prefix)" for prefix in self.prefixes]
        return f"{suggestion(str(name), self.exact)}; declared: {', '.join(declared) or 'none'}"

    # The words of iWF's TypeStore for the two questions.
    get_type = type_of
    is_valid_name_or_prefix = has


# The name that iWF's SDK has for it.
TypeStore = Names


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
    persistence_options: PersistenceOptions = PersistenceOptions()
    _by_class: Mapping[type, StateDefinition | None] = field(init=False, repr=False, eq=False)

    def __attrs_post_init__(self) -> None:
        by_class: dict[type, StateDefinition | None] = {}
        for state in self.states.values():
            kind = type(state.state)
            # Two instances of one class are told apart by id only.
            by_class[kind] = None if kind in by_class else state
        object.__setattr__(self, "_by_class", by_class)

    def state(self, target: type | str) -> StateDefinition:
        """
        Find a state by its id or its class.

        Errors:
            NotRegisteredError: With the states that there are.

            WorkflowDefinitionError: Several instances of the class are registered.
        """
        found = self.states.get(target) if isinstance(target, str) else self._by_class.get(target)
        if found is not None:
            return found
        if isinstance(target, type) and target in self._by_class:
            raise WorkflowDefinitionError(
                f"{self.workflow_type} has several states of class {target.__name__}; name the one that is meant by its id"
            )
        if isinstance(target, type):
            again = self._reloaded(target)
            if again is not None:
                return again
            name = f"of class {target.__module__}.{target.__qualname__}"
            hint = suggestion(target.__name__, self.states)
        else:
            name = repr(target)
            hint = suggestion(str(target), self.states)
        raise NotRegisteredError(
            f"state {name} is not registered in {self.workflow_type}{hint}; its states: {', '.join(self.states) or 'none'}"
        )

    def _reloaded(self, target: type) -> StateDefinition | None:
        # A module that was loaded twice makes its classes anew; name and place tell that they are the same.
        for kind, state in self._by_class.items():
            if (kind.__module__, kind.__qualname__) == (target.__module__, target.__qualname__):
                return state
        return None

    def rpc(self, name: str) -> RpcDefinition:
        """
        Find an RPC by its name.

        Errors:
            NotRegisteredError: With the RPCs that there are.
        """
        found = self.rpcs.get(name)
        if found is None:
            raise NotRegisteredError(
                f"RPC {name!r} is not registered in {self.workflow_type}{suggestion(str(name), self.rpcs)}; "
                f"its RPCs: {', '.join(self.rpcs) or 'none'}"
            )
        return found

    def search_attribute_type(self, key: str) -> SearchAttributeValueType:
        """
        Tell the type of a search attribute.

        Errors:
            NotRegisteredError: With what is declared.
        """
        found = self.search_attributes.get(key)
        if found is None:
            raise NotRegisteredError(
                f"search attribute {key!r} is not declared by {self.workflow_type}"
                f"{suggestion(str(key), self.search_attributes)}; "
                f"declared: {', '.join(map(repr, self.search_attributes)) or 'none'}"
            )
        return found
