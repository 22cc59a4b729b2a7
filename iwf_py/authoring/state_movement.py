"""A step of a run: to a next state, or to one of the four ends."""

from __future__ import annotations

from typing import Any, ClassVar, TypeGuard, TypeVar, overload

from attrs import field, frozen

from iwf_py.authoring.definition import StateDefinition, WorkflowDefinition
from iwf_py.authoring.sealing import seal
from iwf_py.authoring.state_class import StateClass, get_state_id_by_class
from iwf_py.authoring.state_options import compile_options, option_problems
from iwf_py.authoring.workflow_state_options import WorkflowStateOptions
from iwf_py.errors import WorkflowDefinitionError
from iwf_py.model.converter import Converter
from iwf_py.model.decisions import (
    DEAD_END,
    FORCE_COMPLETING,
    FORCE_FAILING,
    GRACEFUL_COMPLETING,
    SYSTEM_STATE_IDS,
    Movement,
)
from iwf_py.model.ids import SYSTEM_STATE_PREFIX, check_name
from iwf_py.model.options import DEFAULT_STATE_OPTIONS, StateOptions

StateInputT = TypeVar("StateInputT")


@frozen
class StateMovement:
    """
    Where one thread of a run goes next.

    Attributes:
        state_id: The state, or one of the system's; of a movement to a class: its name, until the registry tells the id.

        state_input: Its input; of the end of a thread: the output.

        state_options_override: What it sets takes the place of the state's own options, for this execution.

        wait_for_key: A name under which a client may wait for this execution.

        state_class: The class that was given.
    """

    dead_end: ClassVar[StateMovement]

    state_id: str
    state_input: Any = None
    state_options_override: WorkflowStateOptions | None = None
    wait_for_key: str | None = None
    state_class: type[StateClass[Any]] | None = field(default=None, kw_only=True)

    @classmethod
    def graceful_complete_workflow(cls, output: object = None) -> StateMovement:
        """End this thread; the run completes when all threads have ended."""
        return cls(GRACEFUL_COMPLETING, output)

    @classmethod
    def force_complete_workflow(cls, output: object = None) -> StateMovement:
        """Complete the run now, whatever its other threads do."""
        return cls(FORCE_COMPLETING, output)

    @classmethod
    def force_fail_workflow(cls, output: object = None) -> StateMovement:
        """Fail the run now."""
        return cls(FORCE_FAILING, output)

    @overload
    @classmethod
    def create(
        cls,
        state: type[StateClass[None]],
        state_input: None = None,
        state_options_override: WorkflowStateOptions | None = None,
        wait_for_key: str | None = None,
    ) -> StateMovement: ...

    @overload
    @classmethod
    def create(
        cls,
        state: type[StateClass[StateInputT]],
        state_input: StateInputT,
        state_options_override: WorkflowStateOptions | None = None,
        wait_for_key: str | None = None,
    ) -> StateMovement: ...

    @overload
    @classmethod
    def create(
        cls,
        state: str,
        state_input: object = None,
        state_options_override: WorkflowStateOptions | None = None,
        wait_for_key: str | None = None,
    ) -> StateMovement: ...

    @classmethod
    def create(
        cls,
        state: type[StateClass[Any]] | str,
        state_input: object = None,
        state_options_override: WorkflowStateOptions | None = None,
        wait_for_key: str | None = None,
    ) -> StateMovement:
        """
        Move on to a state.

        Args:
            state: Its class (then the type of *state_input* is checked by type checkers, too) or its id.

        Errors:
            WorkflowDefinitionError: It is neither, or a name of the system's.
        """
        if _is_state_class(state):
            return cls(
                get_state_id_by_class(state), state_input, state_options_override, wait_for_key, state_class=state
            )
        if not isinstance(state, str) or not state:
            raise WorkflowDefinitionError(f"a next state is named by its class or its id, got {state!r}")
        if state.startswith(SYSTEM_STATE_PREFIX):
            raise WorkflowDefinitionError(
                f"a next state's id must not start with {SYSTEM_STATE_PREFIX!r}, got {state!r}; "
                "use graceful_complete_workflow, force_complete_workflow, force_fail_workflow or dead_end"
            )
        return cls(state, state_input, state_options_override, wait_for_key)


def _is_state_class(target: object) -> TypeGuard[type[StateClass[Any]]]:
    return isinstance(target, type) and issubclass(target, StateClass)


StateMovement.dead_end = StateMovement(DEAD_END)


def seal_movement(movement: StateMovement, definition: WorkflowDefinition, converter: Converter) -> Movement:
    """
    Find the state that a movement leads to, check and seal its input, and give it its options.

    Errors:
        NotRegisteredError: The workflow has no such state.

        WorkflowDefinitionError: The input is not of the state's type, or an override does not fit.

        PayloadError: The input cannot be encoded.

        InvalidArgumentError: *wait_for_key* cannot be a name.
    """
    if movement.state_id in SYSTEM_STATE_IDS:
        return Movement(movement.state_id, seal(converter, movement.state_input, Any, "output"))
    state = definition.state(movement.state_id if movement.state_class is None else movement.state_class)
    payload = seal(converter, movement.state_input, state.input_type, f"input of state {state.state_id}")
    if movement.wait_for_key is not None:
        check_name("wait_for_key", movement.wait_for_key)
    options = state.sent_options
    if movement.state_options_override is not None:
        options = _overridden(state, movement.state_options_override, definition)
    return Movement(state.state_id, payload, options, movement.wait_for_key)


def _overridden(
    state: StateDefinition, override: WorkflowStateOptions, definition: WorkflowDefinition
) -> StateOptions | None:
    given: object = override
    if not isinstance(given, WorkflowStateOptions):
        raise WorkflowDefinitionError(
            f"options override of state {state.state_id} must be WorkflowStateOptions, got {given!r}"
        )
    options = state.user_options.overridden_by(given)
    problems = option_problems(options)
    if problems:
        raise WorkflowDefinitionError(*(f"options override of state {state.state_id}: {text}" for text in problems))
    target = None if options.failure_state is None else definition.state(options.failure_state)
    compiled = compile_options(
        options,
        skip_wait_until=state.wait_until is None,
        failure=None if target is None else (target.state_id, target.options),
    )
    return None if compiled == DEFAULT_STATE_OPTIONS else compiled
