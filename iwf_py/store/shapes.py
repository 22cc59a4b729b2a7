"""Queries without their values: what stays the same when only the values change, so that its SQL is made once.

A value that is compared is a slot, numbered in the order in which slots are met; the SQL names it `slot_name`.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from attrs import frozen

from iwf_py.core.matching import Span, Wanted, wanted
from iwf_py.model.queries import SYSTEM_KINDS, AllOf, Kind, Operator, Query, SystemAttribute, SystemKind, Term
from iwf_py.model.status import SearchAttributeValueType
from iwf_py.store.instants import to_micros

_KIND = SearchAttributeValueType

# What an attribute without a value is read as, by its type.
_EMPTY: dict[Kind, Any] = {_KIND.KEYWORD: "", _KIND.INT: 0, _KIND.DOUBLE: 0.0, _KIND.BOOL: False}


@frozen
class Range:
    """What lies between two slots, as a `Span` does."""

    low: int | None
    high: int | None
    excludes_low: bool
    excludes_high: bool


@frozen
class Lies:
    """
    Where an attribute of one kind has to lie: on one of *points*, or in one of *ranges*; with *is_negated* on none.

    Attributes:
        has_empty: So does one without a value.
    """

    points: tuple[int, ...]
    ranges: tuple[Range, ...]
    is_negated: bool = False
    has_empty: bool = False


@frozen
class Asked:
    """
    One term.

    Attributes:
        system: Which of the engine's own attributes is asked for; None for a search attribute.

        key: The slot of its name.

        null: IS_NULL or IS_NOT_NULL, where the term is that; else None.

        kinds: Where it has to lie, for each type that its values can be of.
    """

    system: SystemAttribute | None
    key: int
    null: Operator | None
    kinds: tuple[tuple[Kind, Lies], ...] = ()


@frozen
class Joined:
    """Parts that all hold, or of which one does."""

    is_all: bool
    parts: tuple[Shape, ...]


Shape = Asked | Joined

ALWAYS = Joined(is_all=True, parts=())


def slot_name(slot: int) -> str:
    """Name a slot's parameter."""
    return f"slot_{slot}"


def shape_of(query: Query, now: datetime) -> tuple[Shape, dict[str, Any]]:
    """
    Tell the shape of a query, and the values of its slots by name.

    Args:
        now: What relative times are counted back from.
    """
    slots = _Slots()
    shape = _shape(query, now, slots)
    return shape, slots.values


class _Slots:
    def __init__(self) -> None:
        self.values: dict[str, Any] = {}

    def take(self, value: Any) -> int:
        slot = len(self.values)
        self.values[slot_name(slot)] = to_micros(value) if isinstance(value, datetime) else value
        return slot

    def take_or_none(self, value: Any) -> int | None:
        return None if value is None else self.take(value)


def _shape(query: Query, now: datetime, slots: _Slots) -> Shape:
    if isinstance(query, Term):
        return _asked(query, now, slots)
    return Joined(isinstance(query, AllOf), tuple(_shape(part, now, slots) for part in query.parts))


def _asked(term: Term, now: datetime, slots: _Slots) -> Asked:
    system = SystemAttribute(term.name) if term.name in SYSTEM_KINDS else None
    key = slots.take(term.name)
    if term.operator in (Operator.IS_NULL, Operator.IS_NOT_NULL):
        return Asked(system, key, term.operator)
    kinds: tuple[Kind, ...] = tuple(_KIND) if system is None else (SYSTEM_KINDS[system],)
    found = ((kind, wanted(kind, term, now)) for kind in kinds)
    return Asked(
        system, key, None, tuple((kind, _lies(kind, sought, slots)) for kind, sought in found if sought is not None)
    )


def _lies(kind: Kind, sought: Wanted, slots: _Slots) -> Lies:
    spans = tuple(_in_micros(sought.spans)) if kind is SystemKind.DURATION else sought.spans
    return Lies(
        points=tuple(slots.take(span.low) for span in spans if span.is_point),
        ranges=tuple(
            Range(slots.take_or_none(span.low), slots.take_or_none(span.high), span.excludes_low, span.excludes_high)
            for span in spans
            if not span.is_point
        ),
        is_negated=sought.is_negated,
        has_empty=kind in _EMPTY and sought.has(_EMPTY[kind]),
    )


def _in_micros(spans: tuple[Span, ...]) -> Iterator[Span]:
    """Make spans of nanoseconds, whose bounds belong to them, spans of microseconds."""
    for span in spans:
        low, high = -(-span.low // 1000), span.high // 1000
        if low <= high:
            yield Span(low, high)
