"""What annotations mean, also when they are strings, and when they name what is local to a function.

``from __future__ import annotations`` turns every annotation into text. Text is evaluated with the
module's names, with the names that were local where the class was written, and at last with names that
the workflow itself makes known (its states, the types of its schemas, the classes that handlers are
given), so that an import under ``TYPE_CHECKING`` does no harm.
"""

from __future__ import annotations

import ast
import inspect
import sys
from collections.abc import Callable, Iterator, Mapping
from types import FunctionType, MethodType, SimpleNamespace
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

from iwf_py.model.hints import LOCAL_NAMES, substitute


def remember_local_names(cls: type) -> None:
    """
    Keep what the annotations of *cls* name of the functions that it is being written in.

    Called while the class is made. Those functions' names are gone once they have returned; of a class at
    module level there is nothing to keep. The dataclasses and the like that stand beside it, and can be the
    types of its values, are seen to as well: nobody else tells them.
    """
    if "<locals>" not in cls.__qualname__:
        return
    wanted = set(_names_in_annotations(cls))
    module = vars(sys.modules.get(cls.__module__, SimpleNamespace()))
    found: dict[str, Any] = {}
    frame = inspect.currentframe()
    while frame is not None:
        # Only functions of the class's own module can enclose it; the others merely happen to be calling.
        if frame.f_globals is module and frame.f_locals is not module:
            local = dict(frame.f_locals)
            found = {name: local[name] for name in wanted if name in local} | found
            for beside in local.values():
                if (
                    isinstance(beside, type)
                    and beside.__module__ == cls.__module__
                    and "<locals>" in beside.__qualname__
                ):
                    _remember(beside, local)
        frame = frame.f_back
    setattr(cls, LOCAL_NAMES, found)


def _remember(cls: type, local: Mapping[str, Any]) -> None:
    wanted = {name for annotation in _fields_of(cls).values() for name in _names_in(annotation)}
    found = {name: local[name] for name in wanted if name in local}
    if found:
        setattr(cls, LOCAL_NAMES, found | vars(cls).get(LOCAL_NAMES, {}))


def _fields_of(cls: type) -> Mapping[str, Any]:
    try:
        return inspect.get_annotations(cls)
    except NameError:
        return {}


def _names_in_annotations(cls: type) -> Iterator[str]:
    for value in vars(cls).values():
        for annotation in _annotations_of(_plain(value)).values():
            yield from _names_in(annotation)
    for base in vars(cls).get("__orig_bases__", ()):
        yield from _names_in(base)


def _plain(value: object) -> object:
    """Return the function beneath decorators and bindings."""
    while not isinstance(value, FunctionType) or "__wrapped__" in vars(value):
        # Looked up without the object's own say: some answer to every name.
        beneath = (
            getattr(value, "__func__", None)
            if isinstance(value, MethodType | staticmethod | classmethod)
            else _own(value, "__wrapped__")
        )
        if beneath is None:
            return value
        value = beneath
    return value


def _own(value: object, name: str) -> object:
    return getattr(value, "__dict__", {}).get(name)


def _names_in(annotation: object) -> Iterator[str]:
    """Go through the names in an annotation that is text, or holds text."""
    text = annotation if isinstance(annotation, str) else getattr(annotation, "__forward_arg__", None)
    if text is None:
        for argument in get_args(annotation):
            yield from _names_in(argument)
        return
    try:
        tree = ast.parse(text, mode="eval")
    except SyntaxError:
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            yield node.id
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield from _names_in(node.value)


def _annotations_of(function: object) -> Mapping[str, Any]:
    if not isinstance(function, FunctionType):
        return {}
    try:
        return function.__annotations__
    except NameError:
        # Python 3.14 evaluates on access; what cannot be evaluated yet is found when it is read for good.
        return {}


def resolve(
    function: Callable[..., Any], known: Mapping[str, Any], local: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, str]]:
    """
    Evaluate the annotations of a function, each by itself.

    Args:
        known: Names to fall back on, when the module has none such.

        local: Names that hide the module's.

    Returns:
        The types by parameter (``return`` included), and the texts of those that could not be evaluated.
    """
    plain = _plain(function)
    module_names = getattr(plain, "__globals__", {})
    names = {**known, **module_names, **local}
    hints: dict[str, Any] = {}
    unresolved: dict[str, str] = {}
    for parameter, annotation in _annotations_of(plain).items():
        hint = evaluate(annotation, names)
        if isinstance(hint, Unresolved):
            unresolved[parameter] = hint.text
        else:
            hints[parameter] = hint
    return hints, unresolved


class Unresolved:
    """An annotation that could not be evaluated."""

    def __init__(self, text: str) -> None:
        self.text = text


def evaluate(annotation: Any, names: Mapping[str, Any]) -> Any:
    """Return the type that an annotation means, or an `Unresolved`."""
    holder = SimpleNamespace(__annotations__={"it": annotation})
    try:
        return get_type_hints(holder, globalns=dict(names), localns={})["it"]
    except Exception as error:  # noqa: BLE001 - evaluating text can raise anything
        text = annotation if isinstance(annotation, str) else getattr(annotation, "__forward_arg__", repr(annotation))
        return Unresolved(f"{text!r} ({error})")


def type_arguments(cls: type) -> dict[type, dict[Any, Any]]:
    """
    Tell what every generic base of *cls* was given for its type variables, however far up it stands.

    Returns:
        By base class: type variable to type. A variable that nobody bound is missing.
    """
    bound: dict[type, dict[Any, Any]] = {cls: {}}
    _bind_bases(cls, bound)
    return bound


def _bind_bases(cls: type, bound: dict[type, dict[Any, Any]]) -> None:
    own = bound.get(cls, {})
    for base in vars(cls).get("__orig_bases__", cls.__bases__):
        origin = get_origin(base) or base
        if not isinstance(origin, type) or origin.__module__ == "typing":
            continue
        parameters = getattr(origin, "__parameters__", ())
        arguments = (substitute(argument, own) for argument in get_args(base))
        given = {
            parameter: argument
            for parameter, argument in zip(parameters, arguments, strict=False)
            if not isinstance(argument, TypeVar)
        }
        bound.setdefault(origin, {}).update(given)
        _bind_bases(origin, bound)


def has_type_variables(hint: Any) -> bool:
    """Is the type still open, so that nothing can be said of a value?"""
    return isinstance(hint, TypeVar) or bool(getattr(hint, "__parameters__", ()) and not isinstance(hint, type))
