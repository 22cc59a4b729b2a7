"""The persistent maps keep order, content, and the past."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iwf_py.core.maps import EMPTY_FIFO, EMPTY_ORDERED, Fifo, Map

NUMBERS = st.integers(0, 70) | st.integers(0, 5000) | st.integers(0, 2**60)


@given(st.lists(st.tuples(st.booleans(), NUMBERS)), NUMBERS)
def test_an_ordered_map_does_what_a_sorted_dictionary_does(steps: list[tuple[bool, int]], probe: int):
    """
    Insert, remove, get, first, after and items agree with a plain dictionary that is sorted each time.
    """
    ordered, plain = EMPTY_ORDERED, {}
    for at, (is_insert, number) in enumerate(steps):
        if is_insert or not plain:
            ordered, plain = ordered.insert(number, at), {**plain, number: at}
        else:
            gone = sorted(plain)[number % len(plain)]
            ordered = ordered.remove(gone)
            del plain[gone]

    expected = sorted(plain.items())
    assert list(ordered.items()) == expected
    assert len(ordered) == len(plain)
    assert ordered.first() == (expected[0] if expected else None)
    assert ordered.after(probe) == next((item for item in expected if item[0] > probe), None)
    assert ordered.after(-1) == ordered.first()
    assert ordered.get(probe) == plain.get(probe)


def test_an_older_ordered_map_stays_as_it_was():
    """
    A change makes a new map.
    """
    old = EMPTY_ORDERED.insert(3, "three").insert(4000, "many")

    new = old.remove(3).insert(4000, "more")

    assert list(old.items()) == [(3, "three"), (4000, "many")]
    assert list(new.items()) == [(4000, "more")]


@pytest.mark.parametrize("gone", [0, 5, 64, 10**9])
def test_what_is_not_there_cannot_be_removed(gone: int):
    """
    Removing a key that an ordered map does not have is a KeyError.
    """
    with pytest.raises(KeyError):
        EMPTY_ORDERED.insert(4, "four").remove(gone)


def test_ordered_maps_are_compared_by_content():
    """
    How a map came to its content, and how deep its trie has grown, does not matter.
    """
    grown = EMPTY_ORDERED.insert(10**6, "x").insert(1, "a").remove(10**6)

    assert grown == EMPTY_ORDERED.insert(1, "a")
    assert grown != EMPTY_ORDERED.insert(1, "b")
    assert grown != {1: "a"}
    assert repr(grown) == "OrderedMap({1: 'a'})"


def test_a_queue_gives_back_in_order():
    """
    First in, first out; older versions stay; comparison is by content.
    """
    queue = EMPTY_FIFO.push("a").push("b").push("c")

    rest = queue.pop()

    assert list(queue) == ["a", "b", "c"]
    assert rest.first == "b"
    assert rest == Fifo.of(["b", "c"])
    assert rest != queue
    assert rest != ["b", "c"]
    assert len(rest) == 2
    assert repr(rest) == "Fifo(['b', 'c'])"


def test_an_empty_queue_has_nothing_to_give():
    """
    first and pop of an empty queue are IndexErrors; a queue that was emptied equals one that never held anything.
    """
    with pytest.raises(IndexError):
        _ = EMPTY_FIFO.first
    with pytest.raises(IndexError):
        EMPTY_FIFO.pop()
    assert EMPTY_FIFO.push(1).pop() == EMPTY_FIFO


def test_maps_are_compared_by_content():
    """
    Records are equal when their maps hold equal things, whatever the order of insertion.
    """
    assert Map({"a": 1}).insert("b", 2) == Map({"b": 2}).insert("a", 1)
    assert Map({"a": 1}) != Map({"a": 2})
