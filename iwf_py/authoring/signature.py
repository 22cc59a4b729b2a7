"""How a handler is called, read from its signature.

States have a classic signature, which is called by position whatever its annotations say. Any other
signature, and every RPC's, is filled by annotation: the classes that stand in `SPECIAL` are injected, and
anything else is the input. A parameter without an annotation goes by its usual name. What stands behind a ``*`` is
filled by name.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from enum import Enum
from types import UnionType
from typing import Any, Union, get_args, get_origin

from attrs import evolve, field, frozen

from iwf_py.authoring.annotations import has_type_variables, resolve
from iwf_py.authoring.command_results import CommandResults
from iwf_py.authoring.communication import Communication
from iwf_py.authoring.definition import NO_VALUE, Handler, Slot
from iwf_py.authoring.persistence import Persistence
from iwf_py.authoring.workflow_context import WorkflowContext
from iwf_py.model.hints import substitute

SPECIAL: Mapping[type, Slot] = {
    WorkflowContext: Slot.CONTEXT,
    CommandResults: Slot.RESULTS,
    Persistence: Slot.PERSISTENCE,
    Communication: Slot.COMMUNICATION,
}
_BY_CLASS_NAME = {cls.__name__: slot for cls, slot in SPECIAL.items()}
_BY_USUAL_NAME = {
    "ctx": Slot.CONTEXT,
    "context": Slot.CONTEXT,
    "command_results": Slot.RESULTS,
    "persistence": Slot.PERSISTENCE,
    "communication": Slot.COMMUNICATION,
}
# An int passes as a float.
_NUMBERS = {(int, float), (float, int)}


class Role(Enum):
    """Which handler it is; the value is its classic signature, by position (an RPC has none)."""

    WAIT_UNTIL = (Slot.CONTEXT, Slot.INPUT, Slot.PERSISTENCE, Slot.COMMUNICATION)
    EXECUTE = (Slot.CONTEXT, Slot.INPUT, Slot.RESULTS, Slot.PERSISTENCE, Slot.COMMUNICATION)
    RPC = ()


@frozen(kw_only=True)
class Scope:
    """
    What the annotations of a class's handlers may refer to.

    Attributes:
        known: Names to fall back on.

        local: Names that hide the module's.

        bindings: What each generic base was given for its type variables.
    """

    known: Mapping[str, Any] = field(factory=dict)
    local: Mapping[str, Any] = field(factory=dict)
    bindings: Mapping[type, Mapping[Any, Any]] = field(factory=dict)


@frozen
class _Parameter:
    """One parameter: what it is given, and how that is known."""

    name: str
    slot: Slot
    is_annotated: bool
    hint: Any
    default: Any


def read_handler(
    function: Callable[..., Any], role: Role, scope: Scope, *, name: str, owner: type, declared_input: Any = Any
) -> tuple[Handler, list[str]]:
    """
    Read how a bound method is called.

    Args:
        name: For sentences: ``VerifyState.execute``.

        owner: The class in whose body the method stands.

        declared_input: What is known of the input otherwise; the annotation need not be understood then.

    Returns:
        The handler, and what is wrong with its signature; it is to be used only if nothing is.
    """
    # The type parameters of ``class Base[T]`` (Python 3.12) are names of that class alone.
    parameters_of_owner = {parameter.__name__: parameter for parameter in getattr(owner, "__type_params__", ())}
    hints, unresolved = resolve(function, scope.known, {**scope.local, **parameters_of_owner})
    bindings = scope.bindings.get(owner, {})
    hints = {parameter: substitute(hint, bindings) for parameter, hint in hints.items()}
    by_position, by_keyword, takes_rest = _parameters(function, hints, unresolved)
    if role.value and (takes_rest or _is_classic(by_position, role)):
        slots: tuple[Slot, ...] = role.value
        by_position = [evolve(each, slot=slot) for each, slot in zip(by_position, slots, strict=False)]
    else:
        slots = tuple(parameter.slot for parameter in by_position)
    parameters = [*by_position, *by_keyword]
    given = next((parameter for parameter in parameters if parameter.slot is Slot.INPUT), None)
    problems = [*_slot_problems(parameters, role, name), *_conflicts(given, declared_input, name)]
    problems += _unresolved_problems(given if declared_input is Any else None, unresolved, role, name)
    handler = Handler(
        name=name,
        function=function,
        slots=slots,
        keywords={parameter.name: parameter.slot for parameter in by_keyword},
        input_type=declared_input if given is None or declared_input is not Any else _closed(given.hint),
        input_default=NO_VALUE if given is None else given.default,
        output_type=_closed(hints.get("return", Any)),
        # The outermost function alone tells: a decorator may run the coroutine itself.
        is_async=inspect.iscoroutinefunction(function),
    )
    return handler, problems


def _parameters(
    function: Callable[..., Any], hints: Mapping[str, Any], unresolved: Mapping[str, str]
) -> tuple[list[_Parameter], list[_Parameter], bool]:
    """List the parameters that are filled by position and those by keyword, and tell whether ``*args`` takes any rest."""
    by_position: list[_Parameter] = []
    by_keyword: list[_Parameter] = []
    takes_rest = False
    for parameter in inspect.signature(function).parameters.values():
        if parameter.kind is parameter.VAR_POSITIONAL:
            takes_rest = True
        elif parameter.kind is parameter.KEYWORD_ONLY:
            keyword = _classify(parameter, hints, unresolved)
            # What has a default and is none of ours is the function's own affair.
            if keyword.slot is not Slot.INPUT or keyword.default is NO_VALUE:
                by_keyword.append(keyword)
        elif parameter.kind is not parameter.VAR_KEYWORD:
            by_position.append(_classify(parameter, hints, unresolved))
    return by_position, by_keyword, takes_rest


def _classify(parameter: inspect.Parameter, hints: Mapping[str, Any], unresolved: Mapping[str, str]) -> _Parameter:
    name = parameter.name
    if name in hints:
        slot = _special(hints[name])
    elif name in unresolved:
        # An import under TYPE_CHECKING: the last word of the text tells the class.
        slot = _BY_CLASS_NAME.get(str(parameter.annotation).strip("'\"").rpartition(".")[2])
    else:
        slot = _BY_USUAL_NAME.get(name)
    return _Parameter(
        name, slot or Slot.INPUT, name in hints or name in unresolved, hints.get(name, Any), parameter.default
    )


def _special(hint: Any) -> Slot | None:
    arms = get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,)
    slots = {SPECIAL.get(arm) for arm in arms if isinstance(arm, type) and arm is not type(None)}
    return slots.pop() if len(slots) == 1 else None


def _is_classic(parameters: list[_Parameter], role: Role) -> bool:
    """Has it the classic number of parameters, none of them annotated as something that stands elsewhere?"""
    classic: tuple[Slot, ...] = role.value
    if len([parameter for parameter in parameters if parameter.default is NO_VALUE]) > len(classic):
        return False
    return len(parameters) >= len(classic) and all(
        parameter.slot in (slot, Slot.INPUT) or not parameter.is_annotated
        for parameter, slot in zip(parameters, classic, strict=False)
    )


def _slot_problems(parameters: list[_Parameter], role: Role, name: str) -> Iterator[str]:
    inputs = [parameter.name for parameter in parameters if parameter.slot is Slot.INPUT]
    if len(inputs) > 1:
        yield (
            f"{name}: parameters {inputs} would all be the input, and there is only one; annotate the others as "
            f"{_injected(role)}, or put what belongs together into one class{_classic(role)}"
        )
    if role is not Role.EXECUTE:
        for parameter in parameters:
            if parameter.slot is Slot.RESULTS:
                yield f"{name}: parameter {parameter.name!r} asks for CommandResults, which only execute has"


def _classic(role: Role) -> str:
    names = {Slot.CONTEXT: "ctx", Slot.INPUT: "input", Slot.RESULTS: "command_results"}
    text = ", ".join(names.get(slot, slot.value.lower()) for slot in role.value)
    return f"; or write the classic signature (self, {text})" if text else ""


def _injected(role: Role) -> str:
    slots = [slot for slot in SPECIAL.values() if role is Role.EXECUTE or slot is not Slot.RESULTS]
    return ", ".join(slot.value for slot in slots)


def _conflicts(given: _Parameter | None, declared: Any, name: str) -> Iterator[str]:
    """Say that no value could be of both types; where that is not plain to see, nothing is said."""
    hint = Any if given is None else given.hint
    # Any is a class since Python 3.11.
    if given is not None and Any not in (hint, declared) and isinstance(hint, type) and isinstance(declared, type):
        try:
            fits = issubclass(declared, hint) or issubclass(hint, declared) or (declared, hint) in _NUMBERS
        except TypeError:
            # Protocols and TypedDicts do not answer.
            return
        if not fits:
            yield (
                f"{name}: parameter {given.name!r} is annotated {hint.__name__}, but the state's input is "
                f"{declared.__name__}, as the brackets of its class say; make them agree"
            )


def _unresolved_problems(
    given: _Parameter | None, unresolved: Mapping[str, str], role: Role, name: str
) -> Iterator[str]:
    advice = "define or import it where the module can see it"
    if given is not None and given.name in unresolved:
        yield f"{name}: the annotation of {given.name!r} cannot be resolved: {unresolved[given.name]}; {advice}"
    if role is Role.RPC and "return" in unresolved:
        yield f"{name}: the return annotation cannot be resolved: {unresolved['return']}; {advice}"


def _closed(hint: Any) -> Any:
    """Nothing is said of a value whose type is still open."""
    return Any if has_type_variables(hint) else hint
