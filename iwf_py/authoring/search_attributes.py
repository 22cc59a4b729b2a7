"""Plain values into typed search attributes and back."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from iwf_py.errors import InvalidArgumentError, WorkflowDefinitionError
from iwf_py.model.ids import EPOCH, plain
from iwf_py.model.payload import SearchAttribute
from iwf_py.model.status import SearchAttributeValueType

_INT64 = range(-(2**63), 2**63)


def to_search_attribute(key: str, value_type: SearchAttributeValueType, value: object) -> SearchAttribute:
    """
    Give a value the form in which it is stored; None makes one that deletes.

    Args:
        value: KEYWORD and TEXT: str. INT: int of 64 bits. DOUBLE: int or float, finite. BOOL: bool.
            KEYWORD_ARRAY: a list of str. DATETIME: an aware datetime, or ISO text with an offset.

    Errors:
        InvalidArgumentError: The value is of another type, or out of bounds.
    """
    key = plain(key)
    if value is None:
        return SearchAttribute(key)
    kind = SearchAttributeValueType
    match value_type:
        case kind.KEYWORD | kind.TEXT:
            return SearchAttribute(key, string_value=_text(key, value_type, value), value_type=value_type)
        case kind.INT:
            return SearchAttribute(key, integer_value=_int64(key, value), value_type=value_type)
        case kind.DOUBLE:
            return SearchAttribute(key, double_value=_double(key, value), value_type=value_type)
        case kind.BOOL:
            if not isinstance(value, bool):
                raise _wrong(key, "a bool", value)
            return SearchAttribute(key, bool_value=value, value_type=value_type)
        case kind.DATETIME:
            return SearchAttribute(key, string_value=_instant(key, value), value_type=value_type)
        case kind.KEYWORD_ARRAY:
            if not isinstance(value, list | tuple):
                raise _wrong(key, "a list of str", value)
            texts = tuple(_text(key, value_type, text) for text in value)
            return SearchAttribute(key, string_array_value=texts, value_type=value_type)


def convert_to_sa_list(
    sa_types: Mapping[str, SearchAttributeValueType], initial_sas: Mapping[str, Any] | None
) -> list[SearchAttribute]:
    """
    Give plain values by key the form in which they are stored, for calls that know no workflow class.

    Errors:
        WorkflowDefinitionError: A key has no type.

        InvalidArgumentError: A value is of another type than its key.
    """
    unknown = [key for key in initial_sas or {} if key not in sa_types]
    if unknown:
        raise WorkflowDefinitionError(f"search attributes {unknown} have no type; there are {sorted(sa_types)}")
    return [to_search_attribute(key, sa_types[key], value) for key, value in (initial_sas or {}).items()]


def from_search_attribute(attribute: SearchAttribute) -> Any:
    """Tell the plain value: of DATETIME the text that was written, of KEYWORD_ARRAY a list; None when there is none."""
    if attribute.string_array_value is not None:
        return list(attribute.string_array_value)
    values = (attribute.string_value, attribute.integer_value, attribute.double_value, attribute.bool_value)
    return next((value for value in values if value is not None), None)


def search_value(attribute: SearchAttribute) -> Any:
    """Tell the plain value as `from_search_attribute` does, but of DATETIME the instant (UTC, aware), to the microsecond."""
    value = from_search_attribute(attribute)
    if attribute.value_type is not SearchAttributeValueType.DATETIME or value is None:
        return value
    return _instant_of(value)


def _instant_of(text: str) -> datetime | str:
    """Read the text of a DATETIME; text of another form, which only another program can have written, stays as it is."""
    if not text:
        return EPOCH
    try:
        if text.isascii() and text.isdigit():
            return EPOCH + timedelta(microseconds=int(text) // 1000)
        return datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError):
        return text


def _wrong(key: str, expected: str, value: object) -> InvalidArgumentError:
    return InvalidArgumentError(f"search attribute {key!r} takes {expected}, got {type(value).__name__} {value!r}")


def _text(key: str, value_type: SearchAttributeValueType, value: object) -> str:
    if not isinstance(value, str):
        raise _wrong(key, "a list of str" if value_type is SearchAttributeValueType.KEYWORD_ARRAY else "a str", value)
    try:
        value.encode()
    except UnicodeEncodeError:
        raise InvalidArgumentError(
            f"search attribute {key!r}: {value!r} holds a lone surrogate, which is not text"
        ) from None
    if "\0" in value:
        raise InvalidArgumentError(f"search attribute {key!r}: {value!r} holds a NUL character")
    return value


def _int64(key: str, value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise _wrong(key, "an int", value)
    if value not in _INT64:
        raise InvalidArgumentError(f"search attribute {key!r} takes an int of 64 bits, got {value}")
    return value


def _double(key: str, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _wrong(key, "a float", value)
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise InvalidArgumentError(f"search attribute {key!r} takes a finite number, got {value!r}")
    return number


def _instant(key: str, value: object) -> str:
    """
    Write an instant as text; text stays as it is.

    Source:
        The iWF protocol's section on time text: an offset is mandatory; digits are Unix nanoseconds.
    """
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise InvalidArgumentError(
                f"search attribute {key!r} takes an aware datetime, got {value!r}; give it a tzinfo, such as UTC"
            )
        return value.astimezone(UTC).isoformat()
    if not isinstance(value, str):
        raise _wrong(key, "an aware datetime or ISO text with an offset", value)
    if value.isascii() and value.isdigit():
        return value
    try:
        parsed = datetime.fromisoformat(value)
    except ValueError:
        raise _wrong(key, "an aware datetime or ISO text with an offset", value) from None
    if parsed.tzinfo is None:
        raise InvalidArgumentError(
            f"search attribute {key!r}: {value!r} has no offset; write for example {value + '+00:00'!r}"
        )
    return value
