"""Values to plain JSON values, by the class of each value, and the limits that JSON text keeps.

The walk names the path of whatever has no encoding. Nothing here reads annotations: what a value
comes back as is the reader's type, never the text's (see `converter`).
"""

from __future__ import annotations

import dataclasses
import json
import math
import re
from base64 import b64encode
from collections import deque
from collections.abc import Callable, Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from pathlib import PurePath
from typing import Any
from uuid import UUID

import attrs

from iwf_py.errors import PayloadError

MAX_DEPTH = 100
MAX_DIGITS = 400

# An int of MAX_DIGITS digits has at most this many bits; wider ones are not turned into text just to count.
_MAX_BITS = int(MAX_DIGITS * math.log2(10)) + 1
_LONG_NUMBER = re.compile(f"[0-9]{{{MAX_DIGITS + 1}}}")
_MICROSECONDS_PER_SECOND = 1_000_000

_REGISTER = "use plain values, a dataclass, an attrs class or an enum, or register the type at the converter"

_encode = json.JSONEncoder(separators=(",", ":"), check_circular=False, allow_nan=False).encode
_encode_unescaped = json.JSONEncoder(ensure_ascii=False, check_circular=False).encode


class UnplainError(Exception):
    """Something has no encoding; *path* grows on the way out, innermost first."""

    def __init__(self, problem: str) -> None:
        self.problem = problem
        self.path: list[str] = []
        super().__init__(problem)

    def within(self, step: str) -> UnplainError:
        """Name the step that led here."""
        self.path.append(step)
        return self

    def told(self, root: str) -> str:
        """Say where and what."""
        return f"{root}{''.join(reversed(self.path))}: {self.problem}"


def span_to_text(span: timedelta) -> str:
    """Write a span as an ISO 8601 duration, exactly: ``P1DT3.5S``, ``-PT1S``."""
    microseconds = span // timedelta(microseconds=1)
    sign = "-" if microseconds < 0 else ""
    seconds, fraction = divmod(abs(microseconds), _MICROSECONDS_PER_SECOND)
    days, seconds = divmod(seconds, 86_400)
    text = f"{seconds}.{fraction:06}".rstrip("0") if fraction else str(seconds)
    return f"{sign}P{days}DT{text}S" if days else f"{sign}PT{text}S"


def _decimal_to_text(value: Decimal) -> str:
    if not value.is_finite():
        raise UnplainError(f"Decimal {value} is not a number that JSON can hold; store None or a text instead")
    return str(value)


def _bytes_to_text(value: bytes | bytearray) -> str:
    return b64encode(value).decode("ascii")


# Classes whose values become a text; subclasses too.
_TEXTS: dict[type[Any], Callable[[Any], str]] = {
    datetime: datetime.isoformat,
    date: date.isoformat,
    time: time.isoformat,
    timedelta: span_to_text,
    Decimal: _decimal_to_text,
    UUID: str,
    PurePath: str,
    bytes: _bytes_to_text,
    bytearray: _bytes_to_text,
}

_SCALARS = frozenset({str, bool, type(None)})


class Plainer:
    """Turns values into plain JSON values; users' own classes are registered with it."""

    def __init__(self) -> None:
        self._registered: dict[type[Any], Callable[[Any], Any]] = {}
        self._known: dict[type[Any], Callable[[Any, int], Any]] = {}

    def register(self, cls: type[Any], to: Callable[[Any], Any]) -> None:
        """Encode values of *cls* and its subclasses as what *to* makes of them."""
        self._registered[cls] = to
        self._known = {}

    def plain(self, value: Any, depth: int = 0) -> Any:
        """
        Return *value* made of dict, list, str, int, float, bool and None only.

        Errors:
            UnplainError: Something in it has no encoding.
        """
        cls = type(value)
        if cls in _SCALARS:
            return value
        way = self._known.get(cls)
        if way is None:
            way = self._known[cls] = self._way_of(cls)
        return way(value, depth)

    def _way_of(self, cls: type[Any]) -> Callable[[Any, int], Any]:
        for base in cls.__mro__:
            if base in self._registered:
                to = self._registered[base]
                return lambda value, depth: self.plain(to(value), _deeper(depth))
        if issubclass(cls, Enum):
            return lambda value, depth: self.plain(value.value, _deeper(depth))
        for base, way in ((int, _plain_int), (float, _plain_float), (str, _plain_str)):
            if issubclass(cls, base):
                return way
        for base, to_text in _TEXTS.items():
            if issubclass(cls, base):
                return lambda value, _depth: to_text(value)
        return self._way_of_structure(cls)

    def _way_of_structure(self, cls: type[Any]) -> Callable[[Any, int], Any]:
        if attrs.has(cls):
            return self._fields([field.name for field in attrs.fields(cls) if field.init])
        if dataclasses.is_dataclass(cls):
            return self._fields([field.name for field in dataclasses.fields(cls) if field.init])
        if hasattr(cls, "model_dump") and hasattr(cls, "model_validate"):
            return lambda value, depth: self.plain(value.model_dump(mode="json"), _deeper(depth))
        if hasattr(cls, "dict") and hasattr(cls, "parse_obj"):
            # A model of pydantic before 2.
            return lambda value, depth: self.plain(value.dict(), _deeper(depth))
        if issubclass(cls, Mapping):
            return self._mapping
        if issubclass(cls, list | tuple | deque):
            return self._sequence
        if issubclass(cls, set | frozenset):
            return lambda value, depth: sorted(self._sequence(value, depth), key=_encode)
        raise UnplainError(f"{cls.__module__}.{cls.__qualname__} has no encoding; {_REGISTER}")

    def _fields(self, names: list[str]) -> Callable[[Any, int], Any]:
        def plain_fields(value: Any, depth: int) -> dict[str, Any]:
            depth = _deeper(depth)
            made = {}
            for name in names:
                part = getattr(value, name)
                if type(part) in _SCALARS:
                    made[name] = part
                    continue
                try:
                    made[name] = self.plain(part, depth)
                except UnplainError as error:
                    raise error.within(f".{name}") from None
            return made

        return plain_fields

    def _sequence(self, value: Any, depth: int) -> list[Any]:
        depth = _deeper(depth)
        made = []
        for index, part in enumerate(value):
            if type(part) in _SCALARS:
                made.append(part)
                continue
            try:
                made.append(self.plain(part, depth))
            except UnplainError as error:
                raise error.within(f"[{index}]") from None
        return made

    def _mapping(self, value: Any, depth: int) -> dict[str, Any]:
        depth = _deeper(depth)
        made: dict[str, Any] = {}
        for key, part in value.items():
            name = key if type(key) is str else self._key(key)
            if name in made:
                raise UnplainError(f"two keys become the same text {name!r}; JSON keys are texts")
            try:
                made[name] = part if type(part) in _SCALARS else self.plain(part, depth)
            except UnplainError as error:
                raise error.within(f"[{name!r}]") from None
        return made

    def _key(self, key: Any) -> str:
        plain = self.plain(key)
        if isinstance(plain, str):
            return plain
        if isinstance(plain, dict | list):
            raise UnplainError(f"a key of type {type(key).__qualname__} cannot be a JSON key; use texts or numbers")
        return _encode(plain)


def _deeper(depth: int) -> int:
    if depth >= MAX_DEPTH:
        raise UnplainError(
            f"it is nested more than {MAX_DEPTH} levels deep, or holds itself; flatten it, or store a reference"
        )
    return depth + 1


def _plain_int(value: int, _depth: int) -> int:
    if value.bit_length() > _MAX_BITS:
        raise UnplainError(f"an int of more than {MAX_DIGITS} digits cannot be stored; store it as bytes or text")
    return int(value)


def _plain_float(value: float, _depth: int) -> float:
    if not math.isfinite(value):
        raise UnplainError(f"{value} is not a number that JSON can hold; store None or a text instead")
    return float(value)


def _plain_str(value: str, _depth: int) -> str:
    return str.__str__(value)


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not a number of JSON")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError("a number is too large for a float")
    return number


# Made once: json.loads with hooks makes a decoder at every call.
_decoder = json.JSONDecoder(parse_constant=_refuse_constant, parse_float=_finite)


def to_text(plain: Any) -> str:
    """
    Write a plain value as compact, ASCII-escaped JSON.

    Errors:
        PayloadError: It holds a lone surrogate.
    """
    text = _encode(plain)
    if "\\ud" in text:
        _refuse_lone_surrogates(plain)
    return text


def from_text(text: str) -> Any:
    """
    Read JSON text, strictly: finite numbers of bounded length, bounded depth, real text.

    Errors:
        PayloadError: It is not that.
    """
    try:
        if not text.isascii():
            text.encode()
        value = _decoder.decode(text)
    except RecursionError:
        raise PayloadError(f"the JSON text is nested more than {MAX_DEPTH} levels deep") from None
    except UnicodeEncodeError:
        raise PayloadError("the JSON text holds a lone surrogate, which is not text") from None
    except ValueError as error:
        raise PayloadError(f"the text is no JSON that can be read: {error}") from None
    # Counting signs is cheap and settles nearly every text; only a suspicious one is walked.
    if text.count("[") + text.count("{") > MAX_DEPTH and _depth_of(value) > MAX_DEPTH:
        raise PayloadError(f"the JSON text is nested more than {MAX_DEPTH} levels deep")
    if len(text) > MAX_DIGITS and _LONG_NUMBER.search(text):
        _refuse_long_numbers(text)
    if "\\ud" in text or "\\uD" in text:
        _refuse_lone_surrogates(value)
    return value


def _bounded(text: str) -> int:
    if len(text.removeprefix("-")) > MAX_DIGITS:
        raise PayloadError(f"the JSON text holds a number of more than {MAX_DIGITS} digits")
    return int(text)


def _refuse_long_numbers(text: str) -> None:
    json.loads(text, parse_int=_bounded)


def _refuse_lone_surrogates(value: Any) -> None:
    try:
        _encode_unescaped(value).encode()
    except UnicodeEncodeError:
        raise PayloadError(
            "a text holds a lone surrogate, which is not text; decode the bytes that it came from, or store bytes"
        ) from None


def _depth_of(value: Any) -> int:
    depth = 0
    containers = [value] if isinstance(value, dict | list) else []
    while containers:
        depth += 1
        containers = [
            part
            for whole in containers
            for part in (whole.values() if isinstance(whole, dict) else whole)
            if isinstance(part, dict | list)
        ]
    return depth
