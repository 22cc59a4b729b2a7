"""What the terms of queries mean, where the contract's examples do not reach: bounds, and text in one form."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iwf_py.core.attributes import utc_text
from iwf_py.core.matching import Fact, matches, wanted
from iwf_py.model.instants import instant_of
from iwf_py.model.queries import AllOf, AnyOf, Operator, Query, SystemKind, Term, negated
from iwf_py.model.status import SearchAttributeValueType

KIND = SearchAttributeValueType
NOON = datetime(2024, 5, 1, 12, tzinfo=UTC)
COMPARE = {
    Operator.EQUAL: lambda a, b: a == b,
    Operator.NOT_EQUAL: lambda a, b: a != b,
    Operator.LESS: lambda a, b: a < b,
    Operator.AT_MOST: lambda a, b: a <= b,
    Operator.GREATER: lambda a, b: a > b,
    Operator.AT_LEAST: lambda a, b: a >= b,
}
INT64 = st.integers(-(2**63), 2**63 - 1)
NUMBERS = INT64 | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False, allow_infinity=False)


@given(value=INT64, operator=st.sampled_from(list(COMPARE)), literal=NUMBERS)
def test_whole_numbers_are_compared_exactly(value: int, operator: Operator, literal: float):
    """
    An INT is compared as numbers are, with whole and broken ones, within 64 bits and beyond; the bounds fit 64 bits.
    """
    term = Term("a", operator, (literal,))
    found = matches(term, {"a": Fact(KIND.INT, value)}, NOON)

    assert found == COMPARE[operator](value, Fraction(literal))
    sought = wanted(KIND.INT, term, NOON)
    assert sought is not None
    assert all(-(2**63) <= bound < 2**63 for span in sought.spans for bound in (span.low, span.high))


@given(text=st.text(max_size=6), prefix=st.text(max_size=3))
def test_a_prefix_is_what_a_text_starts_with(text: str, prefix: str):
    """
    STARTS_WITH holds for what starts so, whatever signs there are, the last ones of all included.
    """
    for sign in ("", "\ud7ff", "\U0010ffff", "\U0010ffff\U0010ffff"):
        for value in (text, prefix + text, prefix + sign, prefix + sign + text):
            term = Term("a", Operator.STARTS_WITH, (prefix + sign,))
            assert matches(term, {"a": Fact(KIND.KEYWORD, value)}, NOON) == value.startswith(prefix + sign)


TERMS = st.builds(
    lambda name, operator, value: Term(name, operator, (value,)),
    st.sampled_from(["a", "b", "nobody"]),
    st.sampled_from([*COMPARE, Operator.STARTS_WITH]),
    st.sampled_from([1, 2, "x", "y", True]),
)
QUERIES: st.SearchStrategy[Query] = st.recursive(
    TERMS,
    lambda parts: st.lists(parts, min_size=1, max_size=3).flatmap(
        lambda some: st.sampled_from([AllOf(tuple(some)), AnyOf(tuple(some))])
    ),
    max_leaves=6,
)


def holds(query: Query, facts: dict[str, Fact]) -> bool | None:
    """SQL's own logic: None is unknown."""
    if isinstance(query, Term):
        fact = facts.get(query.name)
        if fact is None or wanted(fact.kind, query, NOON) is None:
            return None
        return matches(query, facts, NOON)
    parts = [holds(part, facts) for part in query.parts]
    if isinstance(query, AllOf):
        return False if False in parts else None if None in parts else True
    return True if True in parts else None if None in parts else False


@given(query=QUERIES, number=st.sampled_from([1, 2]), text=st.sampled_from(["x", "y", "xy"]))
def test_the_opposite_is_that_of_sql(query: Query, number: int, text: str):
    """
    A query matches where SQL says true, and its opposite where SQL says false; where it is unknown neither does.
    """
    facts = {"a": Fact(KIND.INT, number), "b": Fact(KIND.KEYWORD, text)}

    assert matches(query, facts, NOON) == (holds(query, facts) is True)
    assert matches(negated(query), facts, NOON) == (holds(query, facts) is False)
    assert negated(negated(query)) == query


@pytest.mark.parametrize(
    ("kind", "literal", "value"),
    [
        (SystemKind.DURATION, "1h2m3.5s", 3_723_500_000_000),
        (SystemKind.DURATION, "01:02:03", 3_723_000_000_000),
        (SystemKind.DURATION, "250ms", 250_000_000),
        (SystemKind.DURATION, "7", 7),
        (SystemKind.STATUS, "ContinuedAsNew", "CONTINUED_AS_NEW"),
        (SystemKind.STATUS, "timedout", "TIMEOUT"),
        (KIND.DATETIME, "5m", NOON - timedelta(minutes=5)),
        (KIND.DATETIME, "", datetime(1970, 1, 1, tzinfo=UTC)),
        (KIND.BOOL, "TRUE", True),
        (KIND.DOUBLE, "1e-3", 0.001),
    ],
)
def test_literals_are_read_by_the_kind(kind: Any, literal: str, value: Any):
    """
    The same text is another value for another kind of attribute.
    """
    sought = wanted(kind, Term("a", Operator.EQUAL, (literal,)), NOON)

    assert sought is not None
    assert sought.has(value)
    assert wanted(kind, Term("a", Operator.EQUAL, ("?",)), NOON) is None


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("2024-05-01T14:00:00+02:00", "2024-05-01T12:00:00Z"),
        ("2024-05-01T14:00:00.120+02:00", "2024-05-01T12:00:00.12Z"),
        ("2024-05-01T12:00:00.123456789Z", "2024-05-01T12:00:00.123456789Z"),
        ("1681766269", "1970-01-01T00:00:01.681766269Z"),
        ("-1", "1969-12-31T23:59:59.999999999Z"),
        ("0999-05-01T12:00:00Z", "0999-05-01T12:00:00Z"),
        ("", "1970-01-01T00:00:00Z"),
        ("90s", "2024-05-01T11:58:30Z"),
    ],
)
def test_a_time_is_told_in_one_form(text: str, told: str):
    """
    Whatever form it was written in: UTC, to the digit.
    """
    instant = instant_of(text, NOON)

    assert instant is not None
    assert utc_text(text, instant) == told
    assert instant_of(told, NOON) == instant
