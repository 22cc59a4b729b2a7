"""Attributes: what a call gets, and what may be written."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from iwf_py.core.attributes import Cell, load, search_problem
from iwf_py.core.events import AttributesSet
from iwf_py.core.maps import Map
from iwf_py.errors import ClientSideError
from iwf_py.model.instants import instant_of
from iwf_py.model.options import LOAD_ALL, LOAD_NONE, PersistenceLoadingPolicy
from iwf_py.model.payload import SearchAttribute
from iwf_py.model.status import PersistenceLoadingType, SearchAttributeValueType
from tests.core.machine import NOON, Machine, sealed, to, writes

TYPES = SearchAttributeValueType
KINDS = PersistenceLoadingType
CELLS = Map({key: Cell(key.upper(), 1) for key in ("b", "a", "ab", "c")})


def loaded(kind: PersistenceLoadingType, *partial: str, lock: tuple[str, ...] = (), prefix: bool | None = None) -> list:
    return list(load(CELLS, PersistenceLoadingPolicy(kind, partial, lock, prefix)))


def test_everything_is_loaded_by_default():
    """
    Sorted by key, whatever the order of the map.
    """
    assert dict(load(CELLS, LOAD_ALL)) == {"a": "A", "ab": "AB", "b": "B", "c": "C"}
    assert list(load(CELLS, LOAD_ALL)) == ["a", "ab", "b", "c"]
    assert len(load(CELLS, LOAD_ALL)) == 4


def test_nothing_is_loaded_for_none():
    """
    LOAD_NONE, and an empty partial list.
    """
    for empty in (load(CELLS, LOAD_NONE), load(CELLS, PersistenceLoadingPolicy(KINDS.LOAD_PARTIAL_WITHOUT_LOCKING))):
        assert dict(empty) == {}
        assert "a" not in empty
        assert len(empty) == 0


def test_a_partial_policy_loads_what_it_names():
    """
    Keys that do not exist are left out; nothing else can be read.
    """
    assert loaded(KINDS.LOAD_PARTIAL_WITHOUT_LOCKING, "c", "a", "z") == ["a", "c"]
    assert "b" not in loaded(KINDS.LOAD_PARTIAL_WITHOUT_LOCKING, "a")


def test_keys_to_be_locked_are_loaded_too():
    """
    Together with the partial keys; the other locking type loads all.
    """
    assert loaded(KINDS.LOAD_PARTIAL_WITH_EXCLUSIVE_LOCK, "a", lock=("b", "z")) == ["a", "b"]
    assert loaded(KINDS.LOAD_ALL_WITH_PARTIAL_LOCK, lock=("b",)) == ["a", "ab", "b", "c"]


def test_a_partial_key_may_be_a_prefix():
    """
    use_key_as_prefix: every key that starts with one of them; locked keys stay exact.
    """
    assert loaded(KINDS.LOAD_PARTIAL_WITHOUT_LOCKING, "a", prefix=True) == ["a", "ab"]
    assert loaded(KINDS.LOAD_PARTIAL_WITH_EXCLUSIVE_LOCK, "c", lock=("a",), prefix=True) == ["a", "c"]
    assert loaded(KINDS.LOAD_PARTIAL_WITHOUT_LOCKING, prefix=True) == []


def test_what_was_loaded_stays_as_it_was():
    """
    A call's attributes are pinned: later writes do not show.
    """
    view = load(CELLS, LOAD_ALL)

    CELLS.insert("a", Cell("new", 2))

    assert view["a"] == "A"
    assert "z" not in view


# Writing


def test_a_write_replaces_and_none_deletes():
    """
    The revision is the seq of the turn that wrote.
    """
    machine = Machine(to("A"))
    machine.set(a="1", b="2")
    machine.set(a="3", b=None)

    assert list(machine.run.attributes) == ["a"]
    assert machine.run.attributes["a"] == Cell(sealed("3"), 3)
    assert machine.run.attributes_size == sealed("3").size


def test_deleting_what_is_not_there_changes_nothing():
    """
    Accepted, and no history.
    """
    machine = Machine(to("A"))

    machine.set(a=None)
    machine.advance(_set_search(machine, SearchAttribute("s")))

    assert machine.is_accepted
    assert machine.run.seq == 1


def test_a_state_deletes_with_none():
    """
    None from user code deletes as it does from outside; the same key twice: the last one counts.
    """
    machine = Machine(to("A"), attributes=(("a", sealed("1")),))

    machine.decides("A-1", "B", writes=writes(a=None))

    assert len(machine.run.attributes) == 0
    assert machine.run.attributes_size == 0


def test_an_empty_search_attribute_deletes():
    """
    One with neither type nor value.
    """
    one = SearchAttribute("s", integer_value=1, value_type=TYPES.INT)
    machine = Machine(to("A"), search_attributes=(one,))

    machine.advance(_set_search(machine, SearchAttribute("s")))

    assert len(machine.run.search_attributes) == 0


def test_a_search_attribute_may_have_a_type_and_no_value():
    """
    It is kept as it was written; whoever reads a value takes it for 0, false or empty.
    """
    one = SearchAttribute("s", double_value=1.0, value_type=TYPES.DOUBLE)
    machine = Machine(to("A"), search_attributes=(one,))
    bare = SearchAttribute("s", value_type=TYPES.DOUBLE)

    machine.advance(_set_search(machine, bare))

    assert machine.run.search_attributes["s"].value == bare
    machine.check_history()


def _set_search(machine: Machine, *attributes: SearchAttribute) -> AttributesSet:
    return AttributesSet(at=machine.now, search_attributes=attributes)


def test_a_bad_value_from_a_client_is_refused():
    """
    400, and nothing of the request is written.
    """
    machine = Machine(to("A"))

    machine.advance(_set_search(machine, SearchAttribute("s", string_value="x", value_type=TYPES.BOOL)))

    assert isinstance(machine.error, ClientSideError)
    assert machine.run.seq == 1


@pytest.mark.parametrize("key", ["", "a\nb", "__IwfSystem_x"])
def test_a_key_has_to_be_a_name(key: str):
    """
    Empty, control characters, the reserved prefix: refused.
    """
    machine = Machine(to("A"))

    machine.set(**{key: "1"})

    assert isinstance(machine.error, ClientSideError)


GOOD = [
    SearchAttribute("s", string_value="", value_type=TYPES.KEYWORD),
    SearchAttribute("s", string_value="some text", value_type=TYPES.TEXT),
    SearchAttribute("s", integer_value=-(2**63), value_type=TYPES.INT),
    SearchAttribute("s", integer_value=2**63 - 1, value_type=TYPES.INT),
    SearchAttribute("s", double_value=1.5, value_type=TYPES.DOUBLE),
    SearchAttribute("s", double_value=1, value_type=TYPES.DOUBLE),
    SearchAttribute("s", bool_value=False, value_type=TYPES.BOOL),
    SearchAttribute("s", string_array_value=("a", "b"), value_type=TYPES.KEYWORD_ARRAY),
    SearchAttribute("s", string_array_value=(), value_type=TYPES.KEYWORD_ARRAY),
    SearchAttribute("s", string_value="2023-04-17T21:17:49+00:00", value_type=TYPES.DATETIME),
    SearchAttribute("s", string_value="", integer_value=1, value_type=TYPES.INT),
    SearchAttribute("s", value_type=TYPES.DATETIME),
]
BAD = [
    SearchAttribute("s", integer_value=1, value_type=TYPES.KEYWORD),
    SearchAttribute("s", integer_value=True, value_type=TYPES.INT),
    SearchAttribute("s", integer_value=-(2**63) - 1, value_type=TYPES.INT),
    SearchAttribute("s", double_value=float("nan"), value_type=TYPES.DOUBLE),
    SearchAttribute("s", double_value=float("inf"), value_type=TYPES.DOUBLE),
    SearchAttribute("s", integer_value=1, value_type=TYPES.BOOL),
    SearchAttribute("s", string_value="a", value_type=TYPES.KEYWORD_ARRAY),
    SearchAttribute("s", string_array_value=("a", 1), value_type=TYPES.KEYWORD_ARRAY),
    SearchAttribute("s", string_value="soon", value_type=TYPES.DATETIME),
    SearchAttribute("s", string_value="a"),
    SearchAttribute("s", double_value=10**400, value_type=TYPES.DOUBLE),
    SearchAttribute("s", string_value="a", integer_value=2**63, value_type=TYPES.KEYWORD),
    SearchAttribute("s", string_value="\ud800", value_type=TYPES.KEYWORD),
    SearchAttribute("s", string_array_value=("\udcff",), value_type=TYPES.KEYWORD_ARRAY),
]


@pytest.mark.parametrize("attribute", GOOD, ids=repr)
def test_a_value_that_fits_its_type(attribute: SearchAttribute):
    """
    Each type has its field.
    """
    assert search_problem(attribute, NOON) is None


@pytest.mark.parametrize("attribute", BAD, ids=repr)
def test_a_value_that_does_not_fit_its_type(attribute: SearchAttribute):
    """
    The sentence names the attribute.
    """
    assert "'s'" in search_problem(attribute, NOON)


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("", datetime(1970, 1, 1, tzinfo=UTC)),
        ("2023-04-17T21:17:49-07:00", datetime(2023, 4, 18, 4, 17, 49, tzinfo=UTC)),
        ("2023-04-17T21:17:49.123456789Z", datetime(2023, 4, 17, 21, 17, 49, 123456, tzinfo=UTC)),
        ("1681766269000000000", datetime(2023, 4, 17, 21, 17, 49, tzinfo=UTC)),
        ("1681766269", datetime(1970, 1, 1, 0, 0, 1, 681766, tzinfo=UTC)),
        ("5m", NOON - timedelta(minutes=5)),
        ("2hour", NOON - timedelta(hours=2)),
        ("1M", NOON - timedelta(days=30)),
        ("1y", NOON - timedelta(days=365)),
        ("3w", NOON - timedelta(weeks=3)),
        ("0s", None),
        ("5 m", None),
        ("100y", None),
        ("9999999s", None),
        ("5S", None),
        ("2023-04-17T21:17:49", None),
        ("2023-13-17T21:17:49Z", None),
        ("9" * 20, None),
        ("٣m", None),
        ("tomorrow", None),
    ],
)
def test_how_a_time_is_read(text: str, instant: datetime | None):
    """
    A stamp with its offset, nanoseconds since the epoch, or so long ago.
    """
    assert instant_of(text, NOON) == instant
