"""Read a workflow's states: their ids, input types, handlers and options."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from typing import Any

from attrs import evolve

from iwf_py.authoring.annotations import Unresolved, evaluate, type_arguments
from iwf_py.authoring.definition import Handler, Names, StateDefinition
from iwf_py.authoring.findings import Findings
from iwf_py.authoring.schema_reading import policy_problems
from iwf_py.authoring.signature import Role, Scope, read_handler
from iwf_py.authoring.state_options import compile_options, option_problems
from iwf_py.authoring.state_schema import StateDef, StateSchema
from iwf_py.authoring.workflow_state import (
    WorkflowState,
    get_input_type,
    get_state_id_by_class,
    should_skip_wait_until,
)
from iwf_py.authoring.workflow_state_options import WorkflowStateOptions
from iwf_py.model.hints import local_names
from iwf_py.model.ids import SYSTEM_STATE_PREFIX
from iwf_py.model.options import DEFAULT_STATE_OPTIONS, StateOptions


def instances(schema: StateSchema, findings: Findings) -> list[StateDef]:
    """Return the schema's states with an instance in the place of each class."""
    states: list[StateDef] = []
    for declared in schema.states:
        given: object = declared.state
        if isinstance(given, type) and issubclass(given, WorkflowState):
            instance = findings.tell(given, f"state class {given.__name__}: making an instance of it", None)
            if instance is not None:
                states.append(StateDef(instance, declared.can_start_workflow))
        elif isinstance(given, WorkflowState):
            states.append(declared)
        else:
            findings.add(f"a state must be a WorkflowState (an instance or its class), got {given!r}")
    if sum(state.can_start_workflow for state in states) > 1:
        names = [type(state.state).__name__ for state in states if state.can_start_workflow]
        findings.add(f"there are {len(names)} starting states {names}; a workflow starts in one")
    return states


def read_states(
    declared: list[StateDef],
    *,
    known: Mapping[str, Any],
    attributes: Names,
    search_attributes: Mapping[str, Any],
    findings: Findings,
) -> dict[str, StateDefinition]:
    """
    Read the states.

    Args:
        known: Names that annotations may fall back on.

        attributes: What loading policies may speak of.

        search_attributes: The same.
    """
    drafts: dict[str, StateDefinition] = {}
    for state_def in declared:
        draft = _draft(state_def, known, findings)
        if draft.state_id in drafts:
            classes = [type(state.state).__name__ for state in (drafts[draft.state_id], draft)]
            findings.add(
                f"state id {draft.state_id!r} is used twice, by {' and '.join(classes)}; give one of the states another "
                "with WorkflowStateOptions(state_id=...)"
            )
        _check_state_id(draft.state_id, findings)
        findings.add_all(f"state {draft.state_id}: {text}" for text in option_problems(draft.user_options))
        for text in _policy_problems(draft, attributes, search_attributes):
            findings.add_strict(text)
        drafts[draft.state_id] = draft
    targets = {state_id: _failure_target(draft, drafts, findings) for state_id, draft in drafts.items()}
    for cycle in _cycles(targets):
        findings.add(
            f"states {' -> '.join(cycle)} proceed to each other when their execute fails; one of them must do without"
        )
    return {} if findings.problems else _with_options(drafts, targets)


def _draft(state_def: StateDef, known: Mapping[str, Any], findings: Findings) -> StateDefinition:
    state = state_def.state
    assert isinstance(state, WorkflowState)
    cls = type(state)
    options = _options(state, findings)
    state_id = options.state_id or get_state_id_by_class(cls)
    scope = Scope(known=known, local=local_names(cls), bindings=type_arguments(cls))
    input_type = _declared_input(state, scope, findings)
    wait_until = None
    if not should_skip_wait_until(state):
        wait_until = _handler(state, "wait_until", Role.WAIT_UNTIL, input_type, scope, findings)
    if getattr(state.execute, "__func__", None) is WorkflowState.execute:
        findings.add_strict(f"state {state_id} has no execute; every state needs one")
    execute = _handler(state, "execute", Role.EXECUTE, input_type, scope, findings)
    return StateDefinition(
        state_id=state_id,
        state=state,
        input_type=next(
            (each.input_type for each in (execute, wait_until) if each and each.input_type is not Any), Any
        ),
        wait_until=wait_until,
        execute=execute,
        options=DEFAULT_STATE_OPTIONS,
        user_options=options,
        can_start_workflow=state_def.can_start_workflow,
    )


def _options(state: WorkflowState[Any], findings: Findings) -> WorkflowStateOptions:
    what = f"{type(state).__name__}.get_state_options"
    options: object = findings.tell(state.get_state_options, what, None)
    if options is None:
        return WorkflowStateOptions()
    if not isinstance(options, WorkflowStateOptions):
        findings.add(f"{what} returned {options!r}, not WorkflowStateOptions")
        return WorkflowStateOptions()
    # A copy: what the user does to the object afterwards changes nothing.
    return evolve(options)


def _declared_input(state: WorkflowState[Any], scope: Scope, findings: Findings) -> Any:
    """Tell the type in the brackets, or Any."""
    found = get_input_type(state)
    if found is None:
        return Any
    cls = type(state)
    module = sys.modules.get(cls.__module__)
    hint = evaluate(found, {**scope.known, **(vars(module) if module else {}), **scope.local})
    if isinstance(hint, Unresolved):
        findings.add_strict(
            f"{cls.__name__}: its input type cannot be resolved: {hint.text}; define or import it where the module can see it"
        )
        return Any
    # get_type_hints writes None as NoneType already.
    return hint


def _handler(
    state: WorkflowState[Any], method: str, role: Role, input_type: Any, scope: Scope, findings: Findings
) -> Handler:
    cls = type(state)
    name = f"{cls.__name__}.{method}"
    owner = next((base for base in cls.__mro__ if method in vars(base)), cls)
    try:
        handler, problems = read_handler(
            getattr(state, method), role, scope, name=name, owner=owner, declared_input=input_type
        )
    except (TypeError, ValueError) as error:
        findings.add(f"{name}: its signature cannot be read: {error}")
        return Handler(name=name, function=getattr(state, method), slots=())
    for problem in problems:
        findings.add_strict(problem)
    return handler


def _check_state_id(state_id: object, findings: Findings) -> None:
    findings.check_name("state id", state_id)
    if str(state_id).startswith(SYSTEM_STATE_PREFIX):
        findings.add_strict(f"state id {state_id!r} starts with the reserved prefix {SYSTEM_STATE_PREFIX!r}; rename it")


def _policy_problems(state: StateDefinition, attributes: Names, search_attributes: Mapping[str, Any]) -> Iterator[str]:
    for name, value in vars(state.user_options).items():
        if name.endswith("loading_policy"):
            declared = search_attributes if "search_attributes" in name else attributes
            yield from policy_problems(value, declared, f"state {state.state_id}: {name}")


def _failure_target(state: StateDefinition, states: Mapping[str, StateDefinition], findings: Findings) -> str | None:
    target = state.user_options.failure_state
    if target is None:
        return None
    matching = [
        other.state_id
        for other in states.values()
        if (other.state_id if isinstance(target, str) else type(other.state)) == target
    ]
    if len(matching) == 1:
        return matching[0]
    name = target if isinstance(target, str) else target.__name__
    trouble = "is not one of the workflow's states" if not matching else "has several states; name one by its id"
    findings.add(
        f"state {state.state_id} proceeds to {name} when its execute fails, which {trouble}; add it to the states"
    )
    return None


def _cycles(targets: Mapping[str, str | None]) -> Iterator[list[str]]:
    done: set[str] = set()
    for start in targets:
        path: list[str] = []
        at: str | None = start
        while at is not None and at not in done and at not in path:
            path.append(at)
            at = targets.get(at)
        if at is not None and at in path:
            yield [*path[path.index(at) :], at]
        done.update(path)


def _with_options(
    drafts: Mapping[str, StateDefinition], targets: Mapping[str, str | None]
) -> dict[str, StateDefinition]:
    compiled: dict[str, StateOptions] = {}

    def options_of(state_id: str) -> StateOptions:
        if state_id not in compiled:
            target = targets[state_id]
            compiled[state_id] = compile_options(
                drafts[state_id].user_options,
                skip_wait_until=drafts[state_id].wait_until is None,
                failure=None if target is None else (target, options_of(target)),
            )
        return compiled[state_id]

    return {state_id: evolve(draft, options=options_of(state_id)) for state_id, draft in drafts.items()}
