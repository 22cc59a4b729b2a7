"""Bytes to JSON objects and back, strict and bounded, so that whatever comes is read or refused.

Stricter than the protocol's first server where that one lets two readers disagree: a key that stands
twice, text after the value and lone surrogates are refused (there the last one wins, the rest is not
read, and the sign is replaced). U+0000 is refused wherever it stands in a string: PostgreSQL's ``text``
cannot hold it, and SQLite's own functions end at it. Two keys that differ in case are the matter of
`shapes`, which knows what is a field and what is a user's name.
"""

from __future__ import annotations

import json
import math
import re
from typing import Any

from iwf_py.errors import InvalidArgumentError, ProtocolError
from iwf_py.wire.shapes import Json

MAX_DEPTH = 100
MAX_KEYS = 10_000
MAX_DIGITS = 400
# The longest text in a body, in characters: a value's data is one. Those beyond the second are told of in the log.
MAX_TEXT = 2 * 1024 * 1024
LARGE_TEXT = 512 * 1024

# Escapes that may make a sign which cannot be stored: U+0000, and halves of surrogate pairs.
_SUSPICIOUS = re.compile(r"\\u(?:0000|[dD][89a-fA-F])")


def decode(body: bytes) -> Json:
    """
    Read the JSON object in a body; ``null`` is an object without fields.

    Errors:
        ProtocolError: It is none, or beyond the bounds above.
    """
    value = decode_value(body)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise ProtocolError("the body must be a JSON object")
    return value


def decode_value(body: bytes) -> Any:
    """Read any JSON value; errors as `decode`."""
    try:
        text = body.decode()
    except UnicodeDecodeError:
        raise ProtocolError("the body is not UTF-8") from None
    try:
        value = _DECODER.decode(text)
    except RecursionError:
        raise _too_deep() from None
    except json.JSONDecodeError as error:
        raise ProtocolError(f"the body is not JSON: {error.msg} at character {error.pos}") from None
    # Without brackets enough there is nothing to measure, and most messages have few.
    if isinstance(value, list | dict) and text.count("[") + text.count("{") > MAX_DEPTH:
        _check_depth(value)
    if "\\u" in text and _SUSPICIOUS.search(text):
        _check_texts(value)
    return value


def encode(value: Json) -> bytes:
    """
    Write a JSON object, compact, in UTF-8.

    Errors:
        InvalidArgumentError: Something in it is not text of this world, or no finite number.
    """
    try:
        return _ENCODER.encode(value).encode()
    except UnicodeEncodeError:
        raise InvalidArgumentError("a text holds a lone surrogate, which cannot be sent") from None
    except ValueError as error:
        raise InvalidArgumentError(f"a value cannot be sent as JSON: {error}") from None


def longest_text(value: Any) -> int:
    """Tell how many characters the longest text in a JSON value has; keys do not count."""
    most = 0
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, str):
            most = max(most, len(one))
        elif isinstance(one, dict):
            waiting.extend(one.values())
        elif isinstance(one, list):
            waiting.extend(one)
    return most


def canonical(value: Json) -> str:
    """Write a JSON object as text with its keys sorted, for error messages."""
    return _CANONICAL.encode(value)


def _check_depth(value: Any) -> None:
    # Level by level: a broad body costs no more than its parsing, a deep one a hundred steps.
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [
            child
            for one in level
            for child in (one.values() if isinstance(one, dict) else one)
            if isinstance(child, list | dict)
        ]
        if not level:
            return
    raise _too_deep()


def _too_deep() -> ProtocolError:
    return ProtocolError(f"the body is nested deeper than {MAX_DEPTH} levels")


def _check_texts(value: Any) -> None:
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, str):
            _check_text(one)
        elif isinstance(one, dict):
            waiting.extend(one)
            waiting.extend(one.values())
        elif isinstance(one, list):
            waiting.extend(one)


def _check_text(text: str) -> None:
    if "\0" in text:
        raise ProtocolError("a string holds U+0000, which cannot be stored")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ProtocolError("a string holds a lone surrogate") from None


def _object(pairs: list[tuple[str, Any]]) -> Json:
    if len(pairs) > MAX_KEYS:
        raise ProtocolError(f"an object has more than {MAX_KEYS} keys")
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ProtocolError("an object has a key twice")
    return found


def _integer(text: str) -> int:
    if len(text) > MAX_DIGITS:
        raise ProtocolError(f"a number has more than {MAX_DIGITS} digits")
    return int(text)


def _double(text: str) -> float:
    if len(text) > MAX_DIGITS:
        raise ProtocolError(f"a number has more than {MAX_DIGITS} digits")
    number = float(text)
    if not math.isfinite(number):
        raise ProtocolError("a number is beyond all doubles")
    return number


def _constant(text: str) -> Any:
    raise ProtocolError(f"{text} is not JSON")


_DECODER = json.JSONDecoder(
    object_pairs_hook=_object, parse_int=_integer, parse_float=_double, parse_constant=_constant
)
_CANONICAL = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"), sort_keys=True)
_ENCODER = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))
