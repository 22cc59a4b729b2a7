"""What a query means: the plain evaluation of its terms over what is known of one run.

Pure. Memory searches by `matches`; a database compiles the same `Wanted`s into its own conditions.

A comparison holds only for a run that has the attribute, and only where its literals can be of the attribute's type:
otherwise it is unknown, and so is its opposite. IS NULL alone asks for what is not there.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from attrs import frozen

from iwf_py.core.attributes import is_int64
from iwf_py.model.instants import instant_of
from iwf_py.model.queries import AllOf, Kind, Literal, Operator, Query, SystemKind, Term
from iwf_py.model.status import SearchAttributeValueType, WorkflowStatus

_KIND = SearchAttributeValueType


@frozen
class Span:
    """
    What lies between two bounds; None: there is none on this side.

    Attributes:
        excludes_low: The bound itself does not belong to it.

        excludes_high: The same for the other.
    """

    low: Any = None
    high: Any = None
    excludes_low: bool = False
    excludes_high: bool = False

    def has(self, value: Any) -> bool:
        """Does *value* lie in it?"""
        low, high = self.low, self.high
        if low is not None and (value < low or (self.excludes_low and value == low)):
            return False
        return high is None or value < high or (value == high and not self.excludes_high)

    @property
    def is_point(self) -> bool:
        """Is it one value alone?"""
        return self.low is not None and self.low == self.high


@frozen
class Wanted:
    """
    What a term wants of an attribute of one kind: that it lies in one of *spans*, or with *is_negated* in none.

    An attribute that is made of words lies where one of them does.
    """

    spans: tuple[Span, ...]
    is_negated: bool = False

    def has(self, value: Any) -> bool:
        """Is *value* wanted?"""
        return any(span.has(value) for span in self.spans) is not self.is_negated

    def has_words(self, words: tuple[str, ...]) -> bool:
        """Is an attribute wanted that is made of *words*?"""
        return any(span.has(word) for word in words for span in self.spans) is not self.is_negated


@frozen
class Fact:
    """
    One attribute of a run, as it is compared.

    Attributes:
        value: KEYWORD: text. TEXT and KEYWORD_ARRAY: a tuple of words. INT and duration (nanoseconds): int. DOUBLE: float.
            BOOL: bool. DATETIME: an aware datetime. Status: its name.
    """

    kind: Kind
    value: Any


def matches(query: Query, facts: Mapping[str, Fact], now: datetime) -> bool:
    """
    Does *query* hold for a run of which *facts* are known, by the attributes' names?

    Args:
        now: What relative times, such as ``5m``, are counted back from.
    """
    if isinstance(query, Term):
        return _holds(query, facts.get(query.name), now)
    found = (matches(part, facts, now) for part in query.parts)
    return all(found) if isinstance(query, AllOf) else any(found)


def _holds(term: Term, fact: Fact | None, now: datetime) -> bool:
    if term.operator in (Operator.IS_NULL, Operator.IS_NOT_NULL):
        return (fact is None) is (term.operator is Operator.IS_NULL)
    if fact is None:
        return False
    sought = wanted(fact.kind, term, now)
    if sought is None:
        return False
    return sought.has_words(fact.value) if is_made_of_words(fact.kind) else sought.has(fact.value)


def is_made_of_words(kind: Kind) -> bool:
    """Is an attribute of this kind found by each of several words?"""
    return kind in (_KIND.TEXT, _KIND.KEYWORD_ARRAY)


_WORD = re.compile(r"\w+")


def words_of(text: str) -> tuple[str, ...]:
    """Take a text apart into the words by which it is found: lower case, each once, in order."""
    return tuple(dict.fromkeys(_WORD.findall(text.lower())))


# --- terms into spans ------------------------------------------------------------------------------------------

_NEGATIVE = {
    Operator.NOT_EQUAL: Operator.EQUAL,
    Operator.NOT_IN: Operator.IN,
    Operator.NOT_BETWEEN: Operator.BETWEEN,
    Operator.NOT_STARTS_WITH: Operator.STARTS_WITH,
}
_ORDERED = frozenset({_KIND.KEYWORD, _KIND.INT, _KIND.DOUBLE, _KIND.DATETIME, SystemKind.DURATION})
_OF_TEXT = frozenset({_KIND.KEYWORD, _KIND.TEXT, _KIND.KEYWORD_ARRAY})


def wanted(kind: Kind, term: Term, now: datetime) -> Wanted | None:
    """
    Say what *term*, which is not about NULL, wants of an attribute of *kind*; None: none of this kind can match.

    The bounds of spans are of the kind's own type, and whole numbers within 64 bits.
    """
    operator = _NEGATIVE.get(term.operator, term.operator)
    is_negated = operator is not term.operator
    if operator is Operator.STARTS_WITH:
        spans = _prefix(kind, term.values[0])
    elif operator in (Operator.EQUAL, Operator.IN):
        spans = _points(kind, term.values, now, is_strict=is_negated)
    else:
        spans = _range(kind, operator, term.values, now)
    return None if spans is None else Wanted(spans, is_negated)


def _points(kind: Kind, literals: tuple[Literal, ...], now: datetime, *, is_strict: bool) -> tuple[Span, ...] | None:
    """List the values that are looked for; one that cannot be of the kind spoils a NOT IN, and is idle in an IN."""
    spans: list[Span] = []
    is_any_fit = False
    for literal in literals:
        values = _values(kind, literal, now)
        if values is None:
            if is_strict:
                return None
            continue
        is_any_fit = True
        spans += [Span(value, value) for value in values if kind not in _WHOLE or _is_whole(value)]
    return tuple(dict.fromkeys(spans)) if is_any_fit else None


def _range(kind: Kind, operator: Operator, literals: tuple[Literal, ...], now: datetime) -> tuple[Span, ...] | None:
    if kind not in _ORDERED:
        return None
    bounds: list[Any] = []
    for literal in literals:
        values = _values(kind, literal, now)
        if values is None:
            return None
        bounds += values
    if operator is Operator.BETWEEN:
        span = Span(*bounds)
    elif operator in (Operator.LESS, Operator.AT_MOST):
        span = Span(None, bounds[0], excludes_high=operator is Operator.LESS)
    else:
        span = Span(bounds[0], None, excludes_low=operator is Operator.GREATER)
    if kind in _WHOLE:
        return _whole_span(span)
    return () if span.low is not None and span.high is not None and span.low > span.high else (span,)


def _prefix(kind: Kind, literal: Literal) -> tuple[Span, ...] | None:
    if kind not in _OF_TEXT or not isinstance(literal, str):
        return None
    prefix = literal.lower() if kind is _KIND.TEXT else literal
    return (Span(prefix, _after_all(prefix), excludes_high=True),)


def _after_all(prefix: str) -> str | None:
    """Make the first text that comes after all that start with *prefix*; None: nothing does."""
    stem = prefix.rstrip("\U0010ffff")
    if not stem:
        return None
    following = ord(stem[-1]) + 1
    # Surrogates are no text.
    return stem[:-1] + chr(0xE000 if following == 0xD800 else following)


# Kinds whose values are whole numbers of 64 bits.
_WHOLE = frozenset({_KIND.INT, SystemKind.DURATION})


def _is_whole(number: float) -> bool:
    return number == math.floor(number) and is_int64(math.floor(number))


def _whole_span(span: Span) -> tuple[Span, ...]:
    """Give a span of numbers whole bounds that belong to it, within 64 bits."""
    low, high = -(2**63), 2**63 - 1
    if span.low is not None:
        low = max(low, math.floor(span.low) + 1 if span.excludes_low else math.ceil(span.low))
    if span.high is not None:
        high = min(high, math.ceil(span.high) - 1 if span.excludes_high else math.floor(span.high))
    return (Span(low, high),) if low <= high else ()


# --- literals as values of a kind -------------------------------------------------------------------------------


def _values(kind: Kind, literal: Literal, now: datetime) -> tuple[Any, ...] | None:
    """Read a literal as of *kind*: one value, or the words of a TEXT; None: it cannot be of it."""
    return _instant(literal, now) if kind is _KIND.DATETIME else _READERS[kind](literal)


def _keyword(literal: Literal) -> tuple[Any, ...] | None:
    return (literal,) if isinstance(literal, str) else None


def _text(literal: Literal) -> tuple[Any, ...] | None:
    return words_of(literal) if isinstance(literal, str) else None


_INTEGER = re.compile(r"\s*[+-]?[0-9]{1,400}\s*", re.ASCII)
_DECIMAL = re.compile(r"\s*[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,4})?\s*", re.ASCII)


def _number(literal: Literal) -> tuple[Any, ...] | None:
    """Read a number, be it in quotes; a whole one exactly."""
    if isinstance(literal, str):
        if _INTEGER.fullmatch(literal):
            return (int(literal),)
        if len(literal) > 400 or not _DECIMAL.fullmatch(literal):
            return None
        literal = float(literal)
    if isinstance(literal, bool) or (isinstance(literal, float) and not math.isfinite(literal)):
        return None
    return (literal,)


def _double(literal: Literal) -> tuple[Any, ...] | None:
    found = _number(literal)
    if found is None:
        return None
    try:
        return (float(found[0]),)
    except OverflowError:
        return None


def _bool(literal: Literal) -> tuple[Any, ...] | None:
    if isinstance(literal, str):
        literal = {"true": True, "false": False}.get(literal.lower(), literal)
    return (literal,) if isinstance(literal, bool) else None


def _instant(literal: Literal, now: datetime) -> tuple[Any, ...] | None:
    """Read a time as `instant_of` does; a whole number is nanoseconds since the epoch."""
    if isinstance(literal, bool | float):
        return None
    instant = instant_of(str(literal), now)
    return None if instant is None else (instant,)


_PARTS = {"ns": 1, "us": 10**3, "µs": 10**3, "ms": 10**6, "s": 10**9, "m": 60 * 10**9, "h": 3600 * 10**9}
_PART = re.compile(r"([0-9]{1,18})(?:\.([0-9]{1,18}))?(ns|us|µs|ms|s|m|h)", re.ASCII)
_DURATION = re.compile(rf"(?:{_PART.pattern})+", re.ASCII)
_CLOCK = re.compile(r"([0-9]{1,9}):([0-5][0-9]):([0-5][0-9])", re.ASCII)


def _duration(literal: Literal) -> tuple[Any, ...] | None:
    """
    Read a span in nanoseconds: a number of them, ``1h30m``, ``1.5s``, or ``01:30:00``.

    Source:
        Temporal's list filter, ExecutionDuration.
    """
    if not isinstance(literal, str):
        return _number(literal)
    if clock := _CLOCK.fullmatch(literal):
        hours, minutes, seconds = (int(part) for part in clock.groups())
        return (((hours * 60 + minutes) * 60 + seconds) * 10**9,)
    if not _DURATION.fullmatch(literal):
        return _number(literal)
    total = 0
    for whole, fraction, unit in _PART.findall(literal):
        total += int(whole) * _PARTS[unit]
        if fraction:
            total += int(fraction) * _PARTS[unit] // 10 ** len(fraction)
    return (total,)


_STATUSES = {
    **{status.value.lower(): status.value for status in WorkflowStatus},
    "continuedasnew": WorkflowStatus.CONTINUED_AS_NEW.value,
    "timedout": WorkflowStatus.TIMEOUT.value,
    "timed_out": WorkflowStatus.TIMEOUT.value,
    "cancelled": WorkflowStatus.CANCELED.value,
}


def _status(literal: Literal) -> tuple[Any, ...] | None:
    """Read a status as Temporal spells it, or as we do, in any case."""
    known = _STATUSES.get(literal.lower()) if isinstance(literal, str) else None
    return None if known is None else (known,)


_READERS: Mapping[Kind, Callable[[Literal], tuple[Any, ...] | None]] = {
    _KIND.KEYWORD: _keyword,
    _KIND.KEYWORD_ARRAY: _keyword,
    _KIND.TEXT: _text,
    _KIND.INT: _number,
    _KIND.DOUBLE: _double,
    _KIND.BOOL: _bool,
    SystemKind.STATUS: _status,
    SystemKind.DURATION: _duration,
}
