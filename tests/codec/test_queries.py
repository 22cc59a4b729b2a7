"""Reading queries: any text is a query or a sentence about it."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iwf_py.codec.bookmarks import bookmark_of, token_of
from iwf_py.codec.queries import parse_query
from iwf_py.errors import ClientSideError
from iwf_py.model.queries import AllOf, AnyOf, Bookmark, Operator, Place, Snapshot, Term
from iwf_py.model.requests import SearchRequest

NOON = datetime(2024, 5, 1, 12, tzinfo=UTC)
WORDS = [
    "a",
    "AND",
    "or",
    "Not",
    "IN",
    "(",
    ")",
    ",",
    "=",
    "<>",
    "BETWEEN",
    "is",
    "NULL",
    "1",
    "'x'",
    '"',
    "`b c`",
    "STARTS_WITH",
    "\\",
    "-",
    ".5",
]
TEXTS = st.text(max_size=40) | st.lists(st.sampled_from(WORDS), max_size=20).map(" ".join)


@given(text=TEXTS)
def test_any_text_is_a_query_or_a_client_error(text: str):
    """
    Nothing else comes of it, and the error says where.
    """
    told = ""
    try:
        parse_query(text)
    except ClientSideError as error:
        told = f"{error.status} {error}"

    assert not told or (told.startswith("400 ") and ("line " in told or "holds" in told))


@given(name=st.text(min_size=1, max_size=10), value=st.text(max_size=20), quote=st.sampled_from("'\""))
def test_names_and_texts_may_hold_anything(name: str, value: str, quote: str):
    """
    Whatever is quoted comes out as it was, but for what no text holds.
    """
    if "\0" in name + value or any(0xD800 <= ord(sign) < 0xE000 for sign in name + value):
        return
    quoted = value.replace("\\", "\\\\").replace(quote, quote * 2)

    query = parse_query(f"`{name.replace('`', '``')}` = {quote}{quoted}{quote}")

    assert query == Term(name, Operator.EQUAL, (value,))


@pytest.mark.parametrize(
    ("text", "query"),
    [
        ("a = 1 OR b = 2 AND c = 3", "a=1 or (b=2 and c=3)"),
        ("NOT a = 1 AND b = 2", "(a != 1) and b = 2"),
        ("NOT (a = 1 AND b < 2)", "a <> 1 OR b >= 2"),
        ("NOT NOT a IN (1)", "a IN (1)"),
        ("a NOT BETWEEN 1 AND 2 AND b IS NOT NULL", "NOT (a BETWEEN 1 AND 2) AND NOT b IS NULL"),
        ("((a = 1) AND ((b = 2) AND c = 3))", "a = 1 AND b = 2 AND c = 3"),
    ],
)
def test_and_binds_closer_than_or_and_not_closest(text: str, query: str):
    """
    What is put together in one way or another means the same.
    """
    assert parse_query(text) == parse_query(query)


def test_the_values_are_what_is_written():
    """
    Numbers and booleans keep their types; what is quoted is text.
    """
    query = parse_query("a IN (1, -2, 1.5, .5e1, '1', true, FALSE, 'it''s', \"say \\\"x\\\"\")")

    assert query == Term("a", Operator.IN, (1, -2, 1.5, 5.0, "1", True, False, "it's", 'say "x"'))
    assert [type(value) for value in query.values] == [int, int, float, float, str, bool, bool, str, str]
    assert parse_query("") == AllOf()
    assert parse_query("a = 1 OR b = 2") == AnyOf((Term("a", Operator.EQUAL, (1,)), Term("b", Operator.EQUAL, (2,))))


def test_a_token_is_for_its_query_alone():
    """
    A bookmark comes back as it was; with another query, in another namespace, or altered, it is refused.
    """
    request = SearchRequest(query="a = 1")
    place = Place(is_open=True, closed_at=NOON, opened_at=NOON, number=7)
    bookmark = Bookmark(snapshot=Snapshot(at=NOON, newest=9, moment=1 << 50), place=place)
    token = token_of(bookmark, request)

    assert token_of(None, request) == ""
    assert bookmark_of(SearchRequest(query="a = 1", next_page_token=token, page_size=3)) == bookmark
    assert bookmark_of(request) is None
    parts = json.loads(base64.urlsafe_b64decode(token))
    bent = base64.urlsafe_b64encode(json.dumps({**parts, "after": '{"snapshot": 1}'}).encode()).decode()
    for query, namespace, wrong in (("a = 2", "default", token), ("a = 1", "other", token), ("a = 1", "default", bent)):
        with pytest.raises(ClientSideError, match="next_page_token"):
            bookmark_of(SearchRequest(query=query, namespace=namespace, next_page_token=wrong))
