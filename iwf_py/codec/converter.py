"""Types to forms: how a plain JSON value becomes a value of a type, and whether a value is of it.

Each type is read once. No class is ever chosen from data.
"""

from __future__ import annotations

import dataclasses
import threading
import types
from collections import deque
from collections.abc import (
    Callable,
    Collection,
    Iterable,
    Mapping,
    MutableMapping,
    MutableSequence,
    MutableSet,
    Sequence,
)
from collections.abc import Set as AbstractSet
from enum import Enum
from pathlib import PurePath
from typing import Any, Literal, Union, get_args, get_origin

import attrs

from iwf_py.codec.annotations import (
    attrs_fields,
    dataclass_fields,
    is_typed_dict,
    name_of,
    named_tuple_fields,
    typed_dict_fields,
    unwrap,
)
from iwf_py.codec.choices import enum_form, literal_form, union_form
from iwf_py.codec.forms import BASIC, CAST, WIDE_CAST, Fit, Form, built, instance_check, mismatch, text_form
from iwf_py.codec.plain import Plainer
from iwf_py.codec.structures import (
    mapping_form,
    named_tuple_form,
    object_form,
    sequence_form,
    tuple_form,
    typed_dict_form,
)
from iwf_py.errors import PayloadError

# A type that is asked for, and the class that its values are made as.
_SEQUENCES: dict[Any, Any] = {
    list: list,
    Sequence: list,
    MutableSequence: list,
    Collection: list,
    Iterable: list,
    deque: deque,
    set: set,
    MutableSet: set,
    AbstractSet: frozenset,
    frozenset: frozenset,
}
_MAPPINGS: frozenset[Any] = frozenset({Mapping, MutableMapping})


# Told of a type and a plain JSON value: the value of that type, or `UNHANDLED`.
Conversion = Callable[[Any, Any], Any]
UNHANDLED: Any = object()


class Forms:
    """
    The forms of all types that were asked for; each is made once.

    Args:
        conversions: Asked first, for every type and in this order.
    """

    def __init__(self, plainer: Plainer, conversions: Sequence[Conversion] = ()) -> None:
        self._plainer = plainer
        self._conversions = tuple(conversions)
        self._made: dict[Any, Form] = {}
        self._registered: dict[Any, Form] = {}
        # While a type is being made, what it holds may hold it again; nothing is shown before all of it is made.
        self._lock = threading.RLock()
        self._making: dict[Any, Form] = {}
        self._depth = 0

    def register(self, cls: type[Any], from_: Callable[[Any], Any]) -> None:
        """Decode values of *cls* by *from_*, which is handed the plain JSON value."""
        name = name_of(cls)

        def decode(value: Any, fit: Fit) -> Any:
            fit.looseness += CAST
            return built(name, from_, value)

        self._registered[cls] = Form(name, decode, instance_check(name, cls))
        self._made = {}

    def of(self, value_type: Any) -> Form:
        """
        Tell what a type means.

        Errors:
            PayloadError: It means nothing to the codec.
        """
        try:
            form = self._made.get(value_type)
        except TypeError:
            # Not hashable, such as an Annotated with a list in it.
            return self._make(value_type)
        return form or self._made_of(value_type)

    def _made_of(self, value_type: Any) -> Form:
        with self._lock:
            form = self._made.get(value_type) or self._making.get(value_type)
            if form is not None:
                return form
            self._depth += 1
            cell: list[Form] = []
            self._making[value_type] = _forward(value_type, cell)
            try:
                form = self._make(value_type)
                cell.append(form)
                self._making[value_type] = form
            except BaseException:
                self._making.clear()
                raise
            finally:
                self._depth -= 1
            if self._depth == 0:
                self._made.update(self._making)
                self._making.clear()
            return form

    def _make(self, value_type: Any) -> Form:
        if not self._conversions:
            return self._own_form(value_type)
        try:
            own = self._own_form(value_type)
        except PayloadError:
            # Known to a conversion, perhaps; which of its values are of it only the class can say.
            name = name_of(value_type)
            own = Form(
                name, _refuse(name), instance_check(name, value_type) if isinstance(value_type, type) else _allow
            )
        return _converted(value_type, self._conversions, own)

    def _own_form(self, value_type: Any) -> Form:
        value_type = unwrap(value_type)
        origin, arguments = get_origin(value_type) or value_type, get_args(value_type)
        if origin in self._registered:
            return self._registered[origin]
        if origin in BASIC:
            return BASIC[origin]
        if origin in (Union, types.UnionType):
            return union_form(self.of, value_type, arguments)
        if origin is Literal:
            return literal_form(self._plainer, value_type, arguments)
        if is_typed_dict(origin):
            return typed_dict_form(self.of, origin, typed_dict_fields(origin, arguments))
        if isinstance(origin, type):
            form = self._class_form(value_type, origin, arguments)
            if form is not None:
                return form
        raise PayloadError(
            f"{name_of(value_type)} is no type that a value can be decoded to; annotate with a plain type, a dataclass, "
            "an attrs class or an enum, or register the type at the converter"
        )

    def _class_form(self, value_type: Any, cls: type[Any], arguments: tuple[Any, ...]) -> Form | None:
        if issubclass(cls, Enum):
            return enum_form(self._plainer, cls)
        if issubclass(cls, PurePath):
            return text_form(cls, cls, WIDE_CAST)
        if attrs.has(cls):
            return object_form(self.of, value_type, cls, attrs_fields(cls, arguments))
        if dataclasses.is_dataclass(cls):
            return object_form(self.of, value_type, cls, dataclass_fields(cls, arguments))
        if hasattr(cls, "model_dump") and hasattr(cls, "model_validate"):
            name = name_of(value_type)
            return Form(name, lambda value, _: built(name, cls.model_validate, value), instance_check(name, cls))
        if hasattr(cls, "dict") and hasattr(cls, "parse_obj"):
            name = name_of(value_type)
            return Form(name, lambda value, _: built(name, cls.parse_obj, value), instance_check(name, cls))
        if issubclass(cls, tuple):
            if hasattr(cls, "_fields"):
                return named_tuple_form(self.of, value_type, cls, named_tuple_fields(cls, arguments))
            return tuple_form(self.of, value_type, arguments) if cls is tuple else None
        if cls in _SEQUENCES:
            return sequence_form(self.of, value_type, cls, _SEQUENCES[cls], *(arguments or (Any,)))
        if cls in _MAPPINGS or issubclass(cls, dict):
            return mapping_form(self.of, value_type, cls, arguments)
        return None


def _converted(value_type: Any, conversions: Sequence[Conversion], own: Form) -> Form:
    def decode(value: Any, fit: Fit) -> Any:
        for convert in conversions:
            made = convert(value_type, value)
            if made is not UNHANDLED:
                return made
        return own.decode(value, fit)

    return Form(own.name, decode, own.check)


def _refuse(name: str) -> Callable[[Any, Fit], Any]:
    def decode(value: Any, _fit: Fit) -> Any:
        raise mismatch(name, value)

    return decode


def _allow(value: Any) -> None:
    """Pass everything."""


def _forward(value_type: Any, cell: list[Form]) -> Form:
    """Stand in for a type that is still being made."""

    def decode(value: Any, fit: Fit) -> Any:
        return cell[0].decode(value, fit)

    def check(value: Any) -> None:
        cell[0].check(value)

    return Form(name_of(value_type), decode, check)
