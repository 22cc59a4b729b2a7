"""The persistent maps, and the one door to their library.

A change gives a new map that shares all but a path with the old one, so that a turn costs what
it touches and an old record stays as it was. `Map` has no order: whoever walks one that holds
names sorts it. What has an order is a `Fifo` or an `OrderedMap`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Generic, TypeVar

from rpds import HashTrieMap

__all__ = ["EMPTY", "EMPTY_FIFO", "EMPTY_ORDERED", "Fifo", "Map", "OrderedMap"]

T = TypeVar("T")

Map = HashTrieMap
EMPTY: Map[Any, Any] = HashTrieMap()


class Fifo(Generic[T]):
    """
    A persistent queue: appended at the end, taken from the front, each in the same time at any length.

    The queue of the map library turns its whole back over now and then, and again whenever an older
    version is asked; this is a window over a map from position to item.
    """

    __slots__ = ("_end", "_items", "_start")

    def __init__(self, items: Map[int, T] = EMPTY, start: int = 0, end: int = 0) -> None:
        self._items = items
        self._start = start
        self._end = end

    @classmethod
    def of(cls, items: Iterable[T]) -> Fifo[T]:
        """Make a queue of *items*, the first one at its front."""
        numbered = dict(enumerate(items))
        return cls(HashTrieMap(numbered), 0, len(numbered))

    @property
    def first(self) -> T:
        """The item at the front; IndexError when there is none."""
        if self._start == self._end:
            raise IndexError("the queue is empty")
        return self._items[self._start]

    def push(self, item: T) -> Fifo[T]:
        """Append *item*."""
        return Fifo(self._items.insert(self._end, item), self._start, self._end + 1)

    def pop(self) -> Fifo[T]:
        """Leave out the first item; IndexError when there is none."""
        if self._start == self._end:
            raise IndexError("the queue is empty")
        if self._start + 1 == self._end:
            return EMPTY_FIFO
        return Fifo(self._items.remove(self._start), self._start + 1, self._end)

    def __len__(self) -> int:
        return self._end - self._start

    def __iter__(self) -> Iterator[T]:
        items = self._items
        return (items[position] for position in range(self._start, self._end))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Fifo):
            return NotImplemented
        return len(self) == len(other) and all(mine == theirs for mine, theirs in zip(self, other, strict=True))

    __hash__ = None  # type: ignore[assignment]  # a queue is compared by content, never looked up

    def __repr__(self) -> str:
        return f"Fifo({list(self)!r})"


EMPTY_FIFO: Fifo[Any] = Fifo()

# A node is (bitmap, children); its children stand in the order of their bits. Leaves hold values.
_BITS = 6
_MASK = (1 << _BITS) - 1
_Node = tuple[int, tuple[Any, ...]]
_EMPTY_NODE: _Node = (0, ())


class OrderedMap(Generic[T]):
    """
    A persistent map over numbers from 0 that knows its least key: a trie of 64-way nodes.

    Insert, remove, `first` and `after` cost the depth, log64 of the largest key; deletions may be anywhere.
    """

    __slots__ = ("_root", "_shift", "_size")

    def __init__(self, root: _Node = _EMPTY_NODE, shift: int = 0, size: int = 0) -> None:
        self._root = root
        self._shift = shift
        self._size = size

    def get(self, key: int) -> T | None:
        """Look *key* up; None when it is not there."""
        shift = self._shift
        if key >> shift + _BITS:
            return None
        node: Any = self._root
        while True:
            bitmap, children = node
            bit = 1 << (key >> shift & _MASK)
            if not bitmap & bit:
                return None
            node = children[(bitmap & bit - 1).bit_count()]
            if not shift:
                found: T = node
                return found
            shift -= _BITS

    def insert(self, key: int, value: T) -> OrderedMap[T]:
        """Set *key* to *value*."""
        root, shift = self._root, self._shift
        while key >> shift + _BITS:
            root = (1, (root,)) if root[0] else _EMPTY_NODE
            shift += _BITS
        root, is_new = _insert(root, shift, key, value)
        return OrderedMap(root, shift, self._size + is_new)

    def remove(self, key: int) -> OrderedMap[T]:
        """Leave *key* out; KeyError when it is not there."""
        if key >> self._shift + _BITS:
            raise KeyError(key)
        root = _remove(self._root, self._shift, key)
        return OrderedMap(root, self._shift, self._size - 1) if root[0] else EMPTY_ORDERED

    def first(self) -> tuple[int, T] | None:
        """Find the least key, with its value; None when the map is empty."""
        return _first(self._root, self._shift, 0) if self._size else None

    def after(self, key: int) -> tuple[int, T] | None:
        """Find the least key above *key*, with its value; None when there is none."""
        if key < 0:
            return self.first()
        return None if key >> self._shift + _BITS else _after(self._root, self._shift, key)

    def items(self) -> Iterator[tuple[int, T]]:
        """Walk keys and values, keys ascending."""
        return _walk(self._root, self._shift, 0)

    def __len__(self) -> int:
        return self._size

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, OrderedMap):
            return NotImplemented
        return len(self) == len(other) and all(
            mine == theirs for mine, theirs in zip(self.items(), other.items(), strict=True)
        )

    __hash__ = None  # type: ignore[assignment]  # a map is compared by content, never looked up

    def __repr__(self) -> str:
        return f"OrderedMap({dict(self.items())!r})"


EMPTY_ORDERED: OrderedMap[Any] = OrderedMap()


def _insert(node: _Node, shift: int, key: int, value: Any) -> tuple[_Node, bool]:
    bitmap, children = node
    bit = 1 << (key >> shift & _MASK)
    at = (bitmap & bit - 1).bit_count()
    is_new = not bitmap & bit
    if shift:
        value, is_below = _insert(_EMPTY_NODE if is_new else children[at], shift - _BITS, key, value)
    else:
        is_below = is_new
    return (bitmap | bit, (*children[:at], value, *children[at if is_new else at + 1 :])), is_below


def _remove(node: _Node, shift: int, key: int) -> _Node:
    bitmap, children = node
    bit = 1 << (key >> shift & _MASK)
    if not bitmap & bit:
        raise KeyError(key)
    at = (bitmap & bit - 1).bit_count()
    if shift:
        child = _remove(children[at], shift - _BITS, key)
        if child[0]:
            return bitmap, (*children[:at], child, *children[at + 1 :])
    return bitmap ^ bit, (*children[:at], *children[at + 1 :])


def _first(node: Any, shift: int, prefix: int) -> tuple[int, Any]:
    while True:
        bitmap, children = node
        prefix |= ((bitmap & -bitmap).bit_length() - 1) << shift
        node = children[0]
        if not shift:
            return prefix, node
        shift -= _BITS


def _after(node: _Node, shift: int, key: int) -> tuple[int, Any] | None:
    bitmap, children = node
    digit = key >> shift & _MASK
    bit = 1 << digit
    prefix = key >> shift + _BITS << shift + _BITS
    if shift and bitmap & bit:
        found = _after(children[(bitmap & bit - 1).bit_count()], shift - _BITS, key)
        if found is not None:
            return found
    above = bitmap >> digit + 1 << digit + 1
    if not above:
        return None
    child = children[(bitmap & (above & -above) - 1).bit_count()]
    prefix |= ((above & -above).bit_length() - 1) << shift
    return _first(child, shift - _BITS, prefix) if shift else (prefix, child)


def _walk(node: _Node, shift: int, prefix: int) -> Iterator[tuple[int, Any]]:
    bitmap, children = node
    for child in children:
        lowest = bitmap & -bitmap
        bitmap ^= lowest
        key = prefix | lowest.bit_length() - 1 << shift
        if shift:
            yield from _walk(child, shift - _BITS, key)
        else:
            yield key, child
