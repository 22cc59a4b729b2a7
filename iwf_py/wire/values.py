"""Payloads, attributes and messages on the wire, both ways.

A data attribute without a value is a thing of the protocol's own (`NO_VALUE`); a deletion, which it
does not know, travels as one that says so.

Source:
    The iWF protocol's sections on data attributes, search attributes and signals; `Payload` is its EncodedObject.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from iwf_py.errors import InvalidArgumentError, PayloadError
from iwf_py.model.invocations import Publication
from iwf_py.model.payload import NO_VALUE, Payload, SearchAttribute
from iwf_py.model.status import SearchAttributeValueType
from iwf_py.wire.shapes import Json

Attributes = tuple[tuple[str, Payload | None], ...]

_SECOND = timedelta(seconds=1)


def whole_seconds(span: timedelta) -> int:
    """Tell a span in whole seconds, a part of one counted as one: the protocol has no fractions, and nothing is early."""
    return -(-span // _SECOND)


def read_payload(value: Json | None) -> Payload | None:
    """
    Read a payload.

    Errors:
        PayloadError: It is only a reference into somebody's store. References are never followed, and never kept.
    """
    if value is None:
        return None
    data = value.get("data")
    if data is None and (value.get("extStoreId") or value.get("extPath")):
        raise PayloadError(
            "a value is given as a reference to external storage (extStoreId, extPath), which is not followed; "
            "give its data"
        )
    return Payload(value.get("encoding"), data)


def write_payload(payload: Payload | None) -> Json | None:
    """Write a payload; one without data stays an object."""
    return None if payload is None else {"encoding": payload.encoding, "data": payload.data}


def read_pairs(entries: Iterable[Json] | None) -> Attributes:
    """Read keys and values that belong to one state execution or event: a value may be missing."""
    return tuple((entry.get("key", ""), read_payload(entry.get("value"))) for entry in entries or ())


def write_pairs(pairs: Iterable[tuple[str, Payload | None]]) -> list[Json] | None:
    """Write keys and values; None where there are none."""
    return [{"key": key, "value": write_payload(value)} for key, value in pairs] or None


def read_attributes(entries: Iterable[Json] | None) -> tuple[tuple[str, Payload], ...]:
    """Read data attributes as they stand."""
    return tuple((key, NO_VALUE if value is None else value) for key, value in read_pairs(entries))


def write_attributes(attributes: Iterable[tuple[str, Payload]]) -> list[Json] | None:
    """Write data attributes as they stand; None where there are none. An empty name is left out, as it was."""
    return [
        {"key": key or None, "value": None if value == NO_VALUE else write_payload(value)} for key, value in attributes
    ] or None


def read_upserts(entries: Iterable[Json] | None) -> Attributes:
    """Read data attributes that are written: None deletes."""
    return tuple(
        (entry.get("key", ""), None if entry.get("deleted") else (read_payload(entry.get("value")) or NO_VALUE))
        for entry in entries or ()
    )


def write_upserts(attributes: Attributes) -> list[Json] | None:
    """Write data attributes that are to be written; None where there are none."""
    return [
        {"key": key, "deleted": True}
        if value is None
        else {"key": key, "value": None if value == NO_VALUE else write_payload(value)}
        for key, value in attributes
    ] or None


def read_search_attributes(entries: Iterable[Json] | None) -> tuple[SearchAttribute, ...]:
    """Read search attributes as they stand."""
    return tuple(_search_attribute(entry) for entry in entries or ())


def read_search_upserts(entries: Iterable[Json] | None) -> tuple[SearchAttribute, ...]:
    """
    Read search attributes that are written; an empty one deletes.

    Errors:
        InvalidArgumentError: One has no type. Whether the value fits its type is the engine's question.
    """
    found = []
    for entry in entries or ():
        if entry.get("deleted"):
            found.append(SearchAttribute(entry.get("key", "")))
        elif entry.get("valueType") is None:
            raise InvalidArgumentError(
                f"unsupported search attribute value type: {entry.get('key', '')[:100]!r} has none; "
                f"give one of {', '.join(SearchAttributeValueType)}"
            )
        else:
            found.append(_search_attribute(entry))
    return tuple(found)


def _search_attribute(entry: Json) -> SearchAttribute:
    kind, texts = entry.get("valueType"), entry.get("stringArrayValue")
    return SearchAttribute(
        key=entry.get("key", ""),
        string_value=entry.get("stringValue"),
        integer_value=entry.get("integerValue"),
        double_value=entry.get("doubleValue"),
        bool_value=entry.get("boolValue"),
        string_array_value=None if texts is None else tuple(texts),
        value_type=None if kind is None else SearchAttributeValueType(kind),
    )


def write_search_attributes(attributes: Iterable[SearchAttribute]) -> list[Json] | None:
    """Write search attributes as they stand; None where there are none."""
    return [_search_values(attribute) for attribute in attributes] or None


def write_search_upserts(attributes: Iterable[SearchAttribute]) -> list[Json] | None:
    """Write search attributes that are to be written; None where there are none."""
    return [
        {"key": attribute.key, "deleted": True} if attribute.is_empty else _search_values(attribute)
        for attribute in attributes
    ] or None


def _search_values(attribute: SearchAttribute) -> Json:
    return {
        "key": attribute.key,
        "valueType": attribute.value_type,
        "stringValue": attribute.string_value,
        "integerValue": attribute.integer_value,
        "doubleValue": attribute.double_value,
        "boolValue": attribute.bool_value,
        "stringArrayValue": attribute.string_array_value,
    }


def read_publications(entries: Iterable[Json] | None) -> tuple[Publication, ...]:
    """Read messages for internal channels."""
    return tuple(
        Publication(channel_name=entry["channelName"], value=read_payload(entry.get("value")))
        for entry in entries or ()
    )


def write_publications(messages: Iterable[Publication]) -> list[Json] | None:
    """Write messages for internal channels; None where there are none."""
    return [{"channelName": one.channel_name, "value": write_payload(one.value)} for one in messages] or None
