"""What annotations mean: fields of classes, with forward references and type variables resolved.

Types are read from users' annotations alone, at run time, once per type.
"""

from __future__ import annotations

import dataclasses
import inspect
import re
from collections.abc import Mapping
from typing import (
    Annotated,
    Any,
    NewType,
    NotRequired,
    Required,
    TypeVar,
    Union,
    get_args,
    get_origin,
    get_type_hints,
    is_typeddict,
)

import attrs
from attrs import frozen

from iwf_py.errors import PayloadError
from iwf_py.model.hints import local_names, substitute

# In which functions a class was written.
_FUNCTIONS = re.compile(r"[\w.]+(?:\.<locals>\.[\w.]+)*\.<locals>\.")


@frozen
class FieldShape:
    """
    One field of a structure.

    Attributes:
        name: Its name in JSON, and of the attribute.

        alias: The constructor's name for it.

        type: As annotated, type variables filled in.

        is_required: False when it has a default, or a key may be missing.
    """

    name: str
    alias: str
    type: Any
    is_required: bool


def name_of(value_type: Any) -> str:
    """Name a type for a sentence: ``list[int]``, ``Form``."""
    if value_type is None or value_type is type(None):
        return "None"
    if isinstance(value_type, type) and not get_args(value_type):
        return value_type.__qualname__.rpartition("<locals>.")[2]
    return _FUNCTIONS.sub("", str(value_type)).replace("typing.", "")


def unwrap(value_type: Any) -> Any:
    """Look through Annotated, NewType, Required, type aliases and type variables."""
    while True:
        if value_type is None:
            return type(None)
        origin = get_origin(value_type)
        if origin in (Annotated, Required, NotRequired):
            value_type = get_args(value_type)[0]
        elif isinstance(value_type, NewType):
            value_type = value_type.__supertype__
        elif isinstance(value_type, TypeVar):
            value_type = _of_variable(value_type)
        elif hasattr(value_type, "__value__") and type(value_type).__name__ == "TypeAliasType":
            value_type = value_type.__value__
        else:
            return value_type


def _of_variable(variable: TypeVar) -> Any:
    if variable.__constraints__:
        return Union[variable.__constraints__]  # noqa: UP007 - made at run time of a tuple
    return Any if variable.__bound__ is None else variable.__bound__


def hints_of(cls: type[Any], arguments: tuple[Any, ...] = ()) -> dict[str, Any]:
    """
    Resolve the annotations of a class and its bases.

    Args:
        arguments: What the class's own type parameters stand for.

    Errors:
        PayloadError: An annotation names what cannot be found.
    """
    hints: dict[str, Any] = {}
    for base, bindings in reversed(_bases_of(cls, arguments)):
        for name, hint in _own_hints(base).items():
            hints[name] = substitute(hint, bindings)
    return hints


def _own_hints(cls: type[Any]) -> dict[str, Any]:
    try:
        names = inspect.get_annotations(cls)
        # A class that is local to a function may name itself, and what was kept for it.
        resolved = get_type_hints(cls, localns=local_names(cls), include_extras=True) if names else {}
    except (NameError, TypeError, SyntaxError) as error:
        raise PayloadError(
            f"the annotations of {cls.__module__}.{cls.__qualname__} cannot be resolved: {error}; "
            "import what they name at the top of its module, not under TYPE_CHECKING or in a function"
        ) from error
    return {name: resolved[name] for name in names if name in resolved}


def _bases_of(cls: type[Any], arguments: tuple[Any, ...]) -> list[tuple[type[Any], Mapping[Any, Any]]]:
    """List the class and its bases in the order of its MRO, each with what its type parameters stand for."""
    bound: dict[type[Any], Mapping[Any, Any]] = {}

    def visit(base: type[Any], bindings: Mapping[Any, Any]) -> None:
        bound.setdefault(base, bindings)
        for above in base.__dict__.get("__orig_bases__", base.__bases__):
            origin = get_origin(above) or above
            if isinstance(origin, type):
                parameters = getattr(origin, "__parameters__", ())
                given = tuple(substitute(argument, bindings) for argument in get_args(above))
                visit(origin, dict(zip(parameters, given, strict=False)))

    visit(cls, dict(zip(getattr(cls, "__parameters__", ()), arguments, strict=False)))
    return [(base, bound.get(base, {})) for base in cls.__mro__ if base is not object]


def attrs_fields(cls: type[Any], arguments: tuple[Any, ...]) -> list[FieldShape]:
    """Tell the fields that an attrs class is made of."""
    hints = hints_of(cls, arguments)
    return [
        FieldShape(
            field.name,
            field.alias or field.name,
            _or_none({field.name: field.type or Any} | hints, field.name, field.default),
            field.default is attrs.NOTHING,
        )
        for field in attrs.fields(cls)
        if field.init
    ]


def dataclass_fields(cls: type[Any], arguments: tuple[Any, ...]) -> list[FieldShape]:
    """Tell the fields that a dataclass is made of."""
    hints = hints_of(cls, arguments)
    return [
        FieldShape(
            field.name,
            field.name,
            _or_none(hints, field.name, field.default),
            field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING,
        )
        for field in dataclasses.fields(cls)
        if field.init
    ]


def named_tuple_fields(cls: type[Any], arguments: tuple[Any, ...]) -> list[FieldShape]:
    """Tell the fields that a NamedTuple is made of, in their order."""
    hints = hints_of(cls, arguments)
    defaults: Mapping[str, Any] = getattr(cls, "_field_defaults", {})
    names: tuple[str, ...] = getattr(cls, "_fields", ())
    return [
        FieldShape(name, name, _or_none(hints, name, defaults.get(name, ...)), name not in defaults) for name in names
    ]


def typed_dict_fields(cls: type[Any], arguments: tuple[Any, ...]) -> list[FieldShape]:
    """Tell the keys of a TypedDict."""
    try:
        hints = get_type_hints(cls, localns=local_names(cls), include_extras=True)
    except (NameError, TypeError, SyntaxError) as error:
        raise PayloadError(
            f"the annotations of {cls.__module__}.{cls.__qualname__} cannot be resolved: {error}"
        ) from error
    bindings = dict(zip(getattr(cls, "__parameters__", ()), arguments, strict=False))
    required: frozenset[str] = getattr(cls, "__required_keys__", frozenset())
    return [
        FieldShape(name, name, substitute(hint, bindings), _is_required(hint, name in required))
        for name, hint in hints.items()
    ]


def _is_required(hint: Any, otherwise: bool) -> bool:
    # In a module with `from __future__ import annotations` only the resolved hint knows.
    marks = {get_origin(hint), *(get_origin(argument) for argument in get_args(hint))}
    if NotRequired in marks:
        return False
    return otherwise or Required in marks


def _or_none(hints: Mapping[str, Any], name: str, default: Any) -> Any:
    # `name: str = None` means an optional one, as everybody reads it.
    hint = hints.get(name, Any)
    return Union[hint, None] if default is None else hint  # noqa: UP007 - made at run time, of what may be a text


def is_typed_dict(value_type: Any) -> bool:
    """Is it a TypedDict class?"""
    return is_typeddict(value_type)
