"""A small language for the types of the protocol: each is said once, reading and writing follow.

Reading is as lenient as the protocol's servers are, and no more: fields that are not known are left
alone, null is absent, a required field that is absent is empty (refused where it is an enumeration's), the case of keys does not matter; a
value of another JSON type, a word that an enumeration does not have and an integer out of its range are
refused. What `Shape.read` gives has each known field once, under its own name. `Shape.write` leaves out
what is None, and gives required fields whatever they hold.

Source:
    The iWF protocol's section on JSON decoding and encoding.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from attrs import frozen

from iwf_py.errors import InvalidArgumentError, ProtocolError

# A JSON object: as it is sent, or as `Shape.read` gives it.
Json = dict[str, Any]


@frozen
class Kind:
    """
    What a field holds.

    Attributes:
        read: Checks a JSON value, which is not null, and gives it in its one form.

        write: Makes it JSON again.

        empty: What an absent required field holds; None where there is no such thing.

        plain: Values of this very type need not be looked at, neither by *read* nor by *write*.
    """

    read: Callable[[Any], Any]
    write: Callable[[Any], Any]
    empty: Callable[[], Any] | None = None
    plain: type | None = None


_NAMES = {dict: "an object", list: "an array", str: "a string", bool: "a boolean", int: "an integer", float: "a number"}


def _misfit(wanted: str, value: object) -> ProtocolError:
    return ProtocolError(f"{wanted} was expected, got {_NAMES.get(type(value), 'null')}")


def _text(value: Any) -> str:
    if type(value) is not str:
        raise _misfit("a string", value)
    return value


def _any_text(value: Any) -> str:
    # What is written may be of a class of the user's, such as a StrEnum; what is read never is.
    return value if isinstance(value, str) else _text(value)


def _bool(value: Any) -> bool:
    if type(value) is not bool:
        raise _misfit("a boolean", value)
    return value


def _integer(bits: int) -> Callable[[Any], int]:
    bound = 1 << (bits - 1)

    def read(value: Any) -> int:
        # 1.0 is no integer either, as in the original.
        if type(value) is not int:
            raise _misfit("an integer", value)
        if not -bound <= value < bound:
            raise ProtocolError(f"{value if value.bit_length() < 100 else 'the integer'} does not fit {bits} bits")
        return value

    return read


def _any_integer(bits: int) -> Callable[[Any], int]:
    bound = 1 << (bits - 1)
    read = _integer(bits)

    def write(value: Any) -> int:
        if type(value) is int and -bound <= value < bound:
            return value
        return read(int(value) if isinstance(value, int) and not isinstance(value, bool) else value)

    return write


def _double(value: Any) -> float:
    if type(value) is not int and type(value) is not float:
        raise _misfit("a number", value)
    try:
        number = float(value)
    except OverflowError:
        raise ProtocolError("the number is beyond all doubles") from None
    if not math.isfinite(number):
        raise ProtocolError("the number is not finite")
    return number


def _whole_or_not(value: float) -> float | int:
    """Write a whole double without a fraction, as the original does; beyond 1e15 its own form says more."""
    number = _double(value)
    return int(number) if number.is_integer() and abs(number) < 1e15 else number


TEXT = Kind(_text, _any_text, str, str)
INT32 = Kind(_integer(32), _any_integer(32), int)
INT64 = Kind(_integer(64), _any_integer(64), int)
DOUBLE = Kind(_double, _whole_or_not, float)
BOOL = Kind(_bool, _bool, bool, bool)


def enum(name: str, words: Iterable[str], older: Mapping[str, str] | None = None) -> Kind:
    """
    One of *words*, in exactly this spelling.

    Args:
        older: Words that are still read, with what they are called today.
    """
    known = {str(word): str(word) for word in words} | {old: str(word) for old, word in (older or {}).items()}

    def read(value: Any) -> str:
        word = known.get(_text(value))
        if word is None:
            raise ProtocolError(f"{value} is not a valid {name}")
        return word

    return Kind(read, lambda value: read(str(value)))


def list_of(kind: Kind, *, keeps_null: bool = False) -> Kind:
    """
    A list.

    Args:
        keeps_null: A null in it stays a None; else it is an empty element.
    """

    def blank() -> Any:
        return None if keeps_null or kind.empty is None else kind.empty()

    def read(value: Any) -> list[Any]:
        if type(value) is not list:
            raise _misfit("an array", value)
        return [blank() if one is None else kind.read(one) for one in value]

    def write(value: Iterable[Any]) -> list[Any]:
        return [None if one is None else kind.write(one) for one in value]

    return Kind(read, write)


def map_of(kind: Kind) -> Kind:
    """An object whose keys are names of the users': their case matters."""

    def read(value: Any) -> Json:
        if type(value) is not dict:
            raise _misfit("an object", value)
        return {key: kind.read({} if one is None else one) for key, one in value.items()}

    def write(value: Mapping[str, Any]) -> Json:
        return {key: kind.write(one) for key, one in value.items()}

    return Kind(read, write, dict)


@frozen
class Field:
    """One field of a shape; a required one is always written."""

    name: str
    kind: Kind
    is_required: bool = False


def required(name: str, kind: Kind) -> Field:
    """Give a field that is always written, and empty when it was not sent."""
    return Field(name, kind, is_required=True)


class Shape:
    """
    A type of the protocol: an object with named fields.

    Args:
        name: As the interface description has it.

        fields: In the order in which they are written.
    """

    def __init__(self, name: str, *fields: Field) -> None:
        self.name = name
        self.fields = fields
        self._required = tuple(field for field in fields if field.is_required)
        self._kinds = {field.name: field.kind for field in fields}
        self._names_by_fold = {field.name.casefold(): field.name for field in fields}

    @property
    def kind(self) -> Kind:
        """The shape as what a field may hold."""
        return Kind(self.read, self.write, lambda: self.read({}))

    def read(self, value: Any) -> Json:
        """
        Check a JSON value and give its known fields, each under its own name.

        Errors:
            ProtocolError: It is of another shape; or two of its keys name one field, so that others might read another value
                than we do.
        """
        if type(value) is not dict:
            raise _misfit("an object", value)
        found: Json = {}
        respelled: set[str] = set()
        for key, one in value.items():
            name = key
            kind = self._kinds.get(key)
            if kind is None:
                name = self._names_by_fold.get(key.casefold())
                if name is None:
                    continue
                # Keys in their own spelling are no danger to each other: no object has one twice.
                if name in value or name in respelled:
                    raise ProtocolError(f"{name} is given twice, in two spellings")
                respelled.add(name)
                kind = self._kinds[name]
            if type(one) is kind.plain:
                found[name] = one
            elif one is not None:
                try:
                    found[name] = kind.read(one)
                except ProtocolError as error:
                    raise error.within(name) from None
        for field in self._required:
            if field.name not in found:
                if field.kind.empty is None:
                    raise ProtocolError("the field is missing", (field.name,))
                found[field.name] = field.kind.empty()
        return found

    def write(self, values: Mapping[str, Any]) -> Json:
        """
        Make JSON of fields; those that are None are left out.

        Errors:
            InvalidArgumentError: A value does not fit its field, such as a timeout of a hundred years.
        """
        if not values.keys() <= self._kinds.keys():
            raise TypeError(f"{self.name} has no field {min(values.keys() - self._kinds.keys())}")
        written: Json = {}
        for field in self.fields:
            name, kind = field.name, field.kind
            one = values.get(name)
            if one is None:
                if not field.is_required:
                    continue
                if kind.empty is None:
                    raise TypeError(f"{self.name} needs a {name}")
                one = kind.empty()
            if type(one) is kind.plain:
                written[name] = one
                continue
            try:
                written[name] = kind.write(one)
            except ProtocolError as error:
                raise InvalidArgumentError(f"{name} cannot be sent: {error}") from None
        return written


def later(shape: Callable[[], Shape]) -> Kind:
    """A shape that is not made yet, such as the one being said."""
    return Kind(lambda value: shape().read(value), lambda value: shape().write(value))
