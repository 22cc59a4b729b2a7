"""Forms: what a type means for the codec, and the forms of the types that hold no others.

Strict where casting would lose something: a bool is no int, 3.7 is no int, an int is fine for a float.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any, LiteralString
from uuid import UUID

import attrs
from attrs import frozen

from iwf_py.codec.annotations import name_of

# What a conversion that is not the identity adds to the looseness of a fit; texts can be read as many things,
# the narrower reading is the better one.
CAST = 1
WIDE_CAST = 2

_SPAN = re.compile(r"(-?)P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)(?:\.(\d{1,6}))?S)?)?")


class MismatchError(Exception):
    """A value is not of a type; *path* grows on the way out, innermost first."""

    def __init__(self, expected: str, got: str) -> None:
        self.expected = expected
        self.got = got
        self.path: list[str] = []
        super().__init__(expected)

    def within(self, step: str) -> MismatchError:
        """Name the step that led here."""
        self.path.append(step)
        return self

    def told(self, root: str) -> str:
        """Say where, what was expected, and what there was; never the value itself, which may be private."""
        where = f"{root}{''.join(reversed(self.path))}: " if self.path else ""
        return f"{where}expected {self.expected}, got {self.got}"


class Fit:
    """How loosely a value was fitted: casts, unknown fields and defaults add to it."""

    __slots__ = ("looseness",)

    def __init__(self) -> None:
        self.looseness = 0


Decode = Callable[[Any, Fit], Any]
Check = Callable[[Any], None]


@frozen
class Form:
    """
    What a type means for the codec.

    Attributes:
        name: Of the type, for sentences.

        decode: Makes a value of a plain one, or raises MismatchError.

        check: Raises MismatchError when a value is not of the type.
    """

    name: str
    decode: Decode
    check: Check


def kind_of(value: Any) -> str:
    """Name what a value is, without telling it."""
    return "None" if value is None else name_of(type(value))


def mismatch(name: str, value: Any) -> MismatchError:
    """Make the error for a value that is not of the type with this name."""
    kind = kind_of(value)
    # As after a module was loaded again.
    return MismatchError(name, f"another {kind}, of {type(value).__module__}" if kind == name else kind)


def _as_is(value: Any, _fit: Fit) -> Any:
    return value


def _anything(_value: Any) -> None:
    return None


ANY = Form("Any", _as_is, _anything)


def _exact_form(name: str, cls: type[Any]) -> Form:
    def decode(value: Any, _fit: Fit) -> Any:
        if type(value) is not cls:
            raise mismatch(name, value)
        return value

    return Form(name, decode, instance_check(name, cls))


def instance_check(name: str, cls: Any, but: Any = ()) -> Check:
    """Make the check that a value is an instance of *cls*, and of none of *but*."""

    def check(value: Any) -> None:
        if not isinstance(value, cls) or isinstance(value, but):
            raise mismatch(name, value)

    return check


def _int_form() -> Form:
    return attrs.evolve(_exact_form("int", int), check=instance_check("int", int, but=bool))


def _float_form() -> Form:
    def decode(value: Any, fit: Fit) -> Any:
        if type(value) is float:
            return value
        if type(value) is not int:
            raise mismatch("float", value)
        fit.looseness += CAST
        try:
            return float(value)
        except OverflowError:
            raise MismatchError("float", "an int that is too large for it") from None

    return Form("float", decode, instance_check("float", (int, float), but=bool))


def text_form(cls: type[Any], read: Callable[[str], Any], cost: int = CAST, *, but: Any = ()) -> Form:
    """Make the form of a class whose values are written as texts."""
    name = name_of(cls)

    def decode(value: Any, fit: Fit) -> Any:
        if type(value) is not str:
            raise mismatch(name, value)
        try:
            made = read(value)
        except (ValueError, InvalidOperation, OverflowError):
            raise MismatchError(name, "a str that is none") from None
        fit.looseness += cost
        return made

    return Form(name, decode, instance_check(name, cls, but))


def _read_datetime(text: str) -> datetime:
    if len(text) <= 10:
        raise ValueError("a date alone")
    return datetime.fromisoformat(text)


def _read_decimal(text: str) -> Decimal:
    number = Decimal(text)
    if not number.is_finite():
        raise ValueError("not finite")
    return number


def _read_span(text: str) -> timedelta:
    match = _SPAN.fullmatch(text)
    if match is None or text.endswith(("P", "T")):
        raise ValueError("no duration")
    sign, days, hours, minutes, seconds, fraction = match.groups()
    span = timedelta(
        days=int(days or 0),
        hours=int(hours or 0),
        minutes=int(minutes or 0),
        seconds=int(seconds or 0),
        microseconds=int((fraction or "0").ljust(6, "0")),
    )
    return -span if sign else span


def _span_form() -> Form:
    form = text_form(timedelta, _read_span)

    def decode(value: Any, fit: Fit) -> Any:
        if type(value) in (int, float):
            try:
                span = timedelta(seconds=value)
            except OverflowError:
                raise MismatchError("timedelta", "a number of seconds that is too large") from None
            fit.looseness += WIDE_CAST
            return span
        return form.decode(value, fit)

    return attrs.evolve(form, decode=decode)


def _decimal_form() -> Form:
    form = text_form(Decimal, _read_decimal)

    def decode(value: Any, fit: Fit) -> Any:
        if type(value) is int:
            fit.looseness += CAST
            return Decimal(value)
        return form.decode(value, fit)

    return attrs.evolve(form, decode=decode)


def _bytes_form(cls: type[Any]) -> Form:
    def read(text: str) -> Any:
        return cls(base64.b64decode(text, validate=True))

    form = text_form(cls, read, WIDE_CAST)

    def decode(value: Any, fit: Fit) -> Any:
        if type(value) is not list:
            return form.decode(value, fit)
        # The forebear's form of bytes within a value.
        if not all(type(part) is int and 0 <= part <= 255 for part in value):
            raise MismatchError(name_of(cls), "a list that holds more than bytes")
        fit.looseness += WIDE_CAST
        return cls(value)

    return attrs.evolve(form, decode=decode)


BASIC: dict[Any, Form] = {
    Any: ANY,
    object: ANY,
    str: _exact_form("str", str),
    LiteralString: _exact_form("str", str),
    int: _int_form(),
    float: _float_form(),
    bool: _exact_form("bool", bool),
    type(None): _exact_form("None", type(None)),
    bytes: _bytes_form(bytes),
    bytearray: _bytes_form(bytearray),
    datetime: text_form(datetime, _read_datetime),
    date: text_form(date, date.fromisoformat, but=datetime),
    time: text_form(time, time.fromisoformat),
    timedelta: _span_form(),
    Decimal: _decimal_form(),
    UUID: text_form(UUID, UUID),
}


def built(name: str, make: Callable[..., Any], *given: Any) -> Any:
    """Call a constructor of the user's; what it raises means that the value does not fit."""
    try:
        return make(*given)
    except MismatchError:
        raise
    except Exception as error:
        # Validators may raise anything; the text of theirs is the best sentence there is.
        raise MismatchError(name, f"what its constructor refuses ({type(error).__name__}: {error})") from error
