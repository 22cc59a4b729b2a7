"""The workflows that a process knows, by type."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any, TypeVar

from iwf_py.authoring.definition import Names, RpcDefinition, StateDefinition, WorkflowDefinition
from iwf_py.authoring.options import suggestion
from iwf_py.authoring.persistence_options import PersistenceOptions
from iwf_py.authoring.reading import read_workflow
from iwf_py.authoring.rpc import Rpc, RPCInfo, RpcMethod
from iwf_py.authoring.state_class import StateClass
from iwf_py.authoring.workflow import ObjectWorkflow, get_workflow_type_by_class
from iwf_py.authoring.workflow_state import WorkflowState
from iwf_py.errors import InvalidArgumentError, NotRegisteredError, WorkflowDefinitionError
from iwf_py.model.status import ChannelFamily, SearchAttributeValueType

WorkflowClassT = TypeVar("WorkflowClassT", bound=type[ObjectWorkflow])


class Registry:
    """
    Definitions of workflows, read and validated as they are added.

    Adding is atomic: when anything is wrong with any of the workflows of one call, none is added, and one
    `WorkflowDefinitionError` names every problem. A registry may be read by many threads while one adds to it.

    Args:
        workflows: Instances, or classes that can be made without arguments.

        strict: False lets pass what iWF's SDK 0.12 did not check at registration.
    """

    def __init__(self, *workflows: ObjectWorkflow | type[ObjectWorkflow], strict: bool = True) -> None:
        self._definitions: dict[str, WorkflowDefinition] = {}
        self._adding = threading.Lock()
        self.add_workflows(*workflows, strict=strict)

    def add_workflow(self, workflow: ObjectWorkflow | type[ObjectWorkflow], *, strict: bool = True) -> None:
        """Add one workflow."""
        self.add_workflows(workflow, strict=strict)

    def add_workflows(self, *workflows: ObjectWorkflow | type[ObjectWorkflow], strict: bool = True) -> None:
        """
        Add workflows, all or none.

        Errors:
            WorkflowDefinitionError: With one sentence for everything that is wrong.
        """
        with self._adding:
            definitions = dict(self._definitions)
            problems: list[str] = []
            for workflow in workflows:
                definition, found = read_workflow(_instance(workflow), strict=strict)
                if definition.workflow_type in definitions:
                    other = type(definitions[definition.workflow_type].workflow)
                    way_out = "add it once" if type(definition.workflow) is other else "rename one of the classes"
                    problems.append(
                        f"{definition.workflow_type}: workflow type is registered already "
                        f"(by {other.__module__}.{other.__qualname__}); {way_out}"
                    )
                definitions[definition.workflow_type] = definition
                problems += found
            if problems:
                raise WorkflowDefinitionError(*problems)
            # One assignment: a reader sees all of them or none.
            self._definitions = definitions

    def workflow(self, workflow: WorkflowClassT) -> WorkflowClassT:
        """Add a workflow where its class is written, as a decorator: ``@registry.workflow``."""
        self.add_workflow(workflow)
        return workflow

    def __iter__(self) -> Iterator[WorkflowDefinition]:
        """Go through the definitions, in the order of adding."""
        return iter(self._definitions.values())

    def __len__(self) -> int:
        return len(self._definitions)

    def __contains__(self, workflow: object) -> bool:
        """Is this workflow type or class registered?"""
        if isinstance(workflow, type):
            found = self._definitions.get(workflow.__name__)
            return found is not None and _is_of(found, workflow)
        return workflow in self._definitions

    def definition(self, workflow: type[ObjectWorkflow] | str) -> WorkflowDefinition:
        """
        Find a workflow's definition by its class or its type.

        Errors:
            NotRegisteredError: With the types that there are.

            InvalidArgumentError: It is neither, but perhaps an instance.
        """
        _check_named("workflow", "type", workflow)
        workflow_type = workflow if isinstance(workflow, str) else get_workflow_type_by_class(workflow)
        found = self._definitions.get(workflow_type)
        if found is None:
            raise NotRegisteredError(
                f"workflow {workflow_type} is not registered{suggestion(workflow_type, self._definitions)}; "
                f"registered: {', '.join(self._definitions) or 'none'}"
            )
        if isinstance(workflow, type) and not _is_of(found, workflow):
            other = type(found.workflow)
            raise NotRegisteredError(
                f"workflow class {workflow.__module__}.{workflow.__qualname__} is not registered, but another of the same "
                f"name is: {other.__module__}.{other.__qualname__}"
            )
        return found

    def state_id(self, state: type[StateClass[Any]] | str) -> str:
        """
        Tell the id of a state, given its class or the id itself, for calls that name no workflow class.

        Errors:
            NotRegisteredError: No registered workflow has a state of this class.

            InvalidArgumentError: It has different ids in different workflows, or is neither.
        """
        _check_named("state", "id", state)
        if isinstance(state, str):
            return state
        ids = {
            known.state_id
            for definition in self._definitions.values()
            for known in definition.states.values()
            if type(known.state) is state
        }
        if len(ids) > 1:
            raise InvalidArgumentError(
                f"state class {state.__name__} has several ids: {sorted(ids)}; give the id itself"
            )
        if not ids:
            raise NotRegisteredError(f"state class {state.__name__} belongs to no registered workflow")
        return ids.pop()

    def rpc(
        self, method: Rpc[Any, Any, Any] | str, workflow: type[ObjectWorkflow] | str | None = None
    ) -> RpcDefinition:
        """
        Find an RPC: by what ``Cls.method`` or ``instance.method`` gives, or by its name and its workflow.

        An RPC reached through a subclass is the subclass's; one reached through a base that is not itself registered
        is looked for in the registered workflows that inherit it.

        Args:
            method: The RPC.

            workflow: The workflow that is called, where it is known.

        Errors:
            NotRegisteredError: No registered workflow has it.

            InvalidArgumentError: It is no RPC, or several workflows have it in different ways.
        """
        name = _rpc_name(method)
        if workflow is not None:
            return _rpc_of(self.definition(workflow), method, name)
        if isinstance(method, str):
            raise InvalidArgumentError(f"RPC {method!r}: a name alone does not tell the workflow; pass its class, too")
        if method.owner in self:
            return self.definition(method.owner).rpc(name)
        heirs = [
            definition.rpcs[name]
            for definition in self._definitions.values()
            if isinstance(definition.workflow, method.owner) and name in definition.rpcs
        ]
        if not heirs:
            raise NotRegisteredError(
                f"RPC {method.owner.__name__}.{name}: neither {method.owner.__name__} nor a subclass of it is registered; "
                f"registered: {', '.join(self._definitions) or 'none'}"
            )
        if any(_manner(heir) != _manner(heirs[0]) for heir in heirs):
            raise InvalidArgumentError(
                f"RPC {method.owner.__name__}.{name} differs between {', '.join(heir.handler.name for heir in heirs)}; "
                "name the one that is meant"
            )
        return heirs[0]

    def rpc_name(self, method: Rpc[Any, Any, Any] | str, workflow: type[ObjectWorkflow] | str | None = None) -> str:
        """Tell an RPC's name; errors as `rpc`."""
        return self.rpc(method, workflow).name

    # -- the words of iWF's SDK

    def get_workflow_with_check(self, workflow_type: str) -> ObjectWorkflow:
        """Return the registered instance."""
        return self.definition(workflow_type).workflow  # type: ignore[no-any-return]  # only workflows are registered

    def get_workflow_state_with_check(self, workflow_type: str, state_id: str) -> WorkflowState[Any]:
        """Return a state's registered instance."""
        return self.definition(workflow_type).state(state_id).state  # type: ignore[no-any-return]  # only states are

    def get_workflow_starting_state(self, workflow_type: str) -> WorkflowState[Any] | None:
        """Return the starting state's instance, or None."""
        start = self.definition(workflow_type).start
        return None if start is None else start.state

    def get_state_store(self, workflow_type: str) -> dict[str, StateDefinition]:
        """Return the states by id."""
        return dict(self.definition(workflow_type).states)

    def get_internal_channel_type_store(self, workflow_type: str) -> Names:
        """Return the internal channels."""
        return self.definition(workflow_type).channels[ChannelFamily.INTERNAL]

    def get_signal_channel_types(self, workflow_type: str) -> dict[str, Any]:
        """Return the types of signals by channel."""
        return dict(self.definition(workflow_type).channels[ChannelFamily.SIGNAL].exact)

    def get_data_attribute_types(self, workflow_type: str) -> Names:
        """Return the data attributes."""
        return self.definition(workflow_type).attributes

    def get_search_attribute_types(self, workflow_type: str) -> dict[str, SearchAttributeValueType]:
        """Return the types of search attributes by key."""
        return dict(self.definition(workflow_type).search_attributes)

    def get_persistence_options(self, workflow_type: str) -> PersistenceOptions:
        """Return the options of the attributes as a whole."""
        return self.definition(workflow_type).persistence_options

    def get_rpc_infos(self, workflow_type: str) -> dict[str, RPCInfo]:
        """Return what is known of the RPCs, by name."""
        return {
            name: RPCInfo(
                method_func=rpc.handler.function,
                timeout_seconds=rpc.options.timeout.total_seconds(),
                input_type=rpc.handler.input_type,
                data_attribute_loading_policy=rpc.options.attributes,
                params_order=tuple(slot.value for slot in (*rpc.handler.slots, *rpc.handler.keywords.values())),
                bypass_caching_for_strong_consistency=rpc.bypasses_caching,
                search_attribute_loading_policy=rpc.options.search_attributes,
                output_type=rpc.handler.output_type,
            )
            for name, rpc in self.definition(workflow_type).rpcs.items()
        }


def _check_named(what: str, text: str, given: object) -> None:
    if not isinstance(given, str | type):
        raise InvalidArgumentError(f"a {what} is named by its class or its {text}, got {given!r}")


def _instance(workflow: object) -> ObjectWorkflow:
    if isinstance(workflow, type) and issubclass(workflow, ObjectWorkflow):
        try:
            return workflow()
        except TypeError as error:
            raise WorkflowDefinitionError(
                f"{workflow.__name__}: cannot be made without arguments ({error}); register an instance"
            ) from error
    if not isinstance(workflow, ObjectWorkflow):
        raise WorkflowDefinitionError(
            f"a workflow must be an ObjectWorkflow (an instance or its class), got {workflow!r}"
        )
    return workflow


def _is_of(definition: WorkflowDefinition, workflow: type) -> bool:
    """Is it the definition of this class? One that was loaded again, as a reloader does, is the same."""
    return _is_same(type(definition.workflow), workflow)


def _rpc_name(method: object) -> str:
    if isinstance(method, str):
        return method
    if isinstance(method, Rpc | RpcMethod):
        return method.name
    name = getattr(method, "__qualname__", repr(method))
    raise InvalidArgumentError(f"{name} is not an RPC; put @rpc() above it, or pass what stands under it")


def _rpc_of(definition: WorkflowDefinition, method: Rpc[Any, Any, Any] | str, name: str) -> RpcDefinition:
    found = definition.rpc(name)
    if isinstance(method, Rpc) and not _is_within(type(definition.workflow), method.owner):
        raise NotRegisteredError(
            f"RPC {method.owner.__name__}.{name} is not one of {definition.workflow_type}; "
            f"its RPCs: {', '.join(definition.rpcs)}"
        )
    return found


def _is_within(cls: type, base: type) -> bool:
    """Is a class, or one of its bases, this one? One that was loaded again is the same."""
    return any(_is_same(base, known) for known in cls.__mro__)


def _is_same(one: type, other: type) -> bool:
    return one is other or (one.__module__, one.__qualname__) == (other.__module__, other.__qualname__)


def _manner(rpc: RpcDefinition) -> tuple[object, ...]:
    return rpc.options, rpc.handler.input_type, rpc.handler.takes_input, rpc.handler.output_type
