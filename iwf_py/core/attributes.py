"""Attributes: loaded by policy, checked before they are written, locked by name.

Data and search attributes are two spaces: the same key may be in both, and locked in both apart.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Generic, TypeVar

from attrs import frozen

from iwf_py.core.maps import Map
from iwf_py.model.ids import EPOCH
from iwf_py.model.instants import instant_of, nanoseconds_of, stamp_of
from iwf_py.model.options import PersistenceLoadingPolicy
from iwf_py.model.payload import SearchAttribute
from iwf_py.model.queries import SYSTEM_KINDS
from iwf_py.model.status import PersistenceLoadingType, SearchAttributeValueType

# Keys of both spaces together, and characters of all data attributes.
MAX_ATTRIBUTES = 20_000
MAX_ATTRIBUTES_SIZE = 64 * 1024 * 1024

T = TypeVar("T")

# (space, key): data and search attributes are two spaces.
LockKey = tuple[str, str]
DATA_SPACE, SEARCH_SPACE = "D", "S"


@frozen
class Cell(Generic[T]):
    """
    A value with the seq of the turn that wrote it.

    Attributes:
        instant: Of a DATETIME search attribute: what its text meant when it was written.
    """

    value: T
    revision: int
    instant: datetime | None = None


class Loaded(Mapping[str, T], Generic[T]):
    """
    The attributes that a call gets: a view of a record's map, which costs nothing to make and stays as it is.

    Args:
        cells: The record's map.

        keys: Only these; None for all.

        prefixes: And those that start with one of these.
    """

    __slots__ = ("_cells", "_keys", "_prefixes")

    def __init__(
        self, cells: Map[str, Cell[T]], keys: frozenset[str] | None = None, prefixes: tuple[str, ...] = ()
    ) -> None:
        self._cells = cells
        self._keys = keys
        self._prefixes = prefixes

    def _has(self, key: str) -> bool:
        keys = self._keys
        return keys is None or key in keys or (bool(self._prefixes) and key.startswith(self._prefixes))

    def __getitem__(self, key: str) -> T:
        cell = self._cells.get(key)
        if cell is None or not self._has(key):
            raise KeyError(key)
        return cell.value

    def __iter__(self) -> Iterator[str]:
        if not len(self._cells):
            return iter(())
        if self._keys is None or self._prefixes:
            return iter(sorted(key for key in self._cells if self._has(key)))
        return iter(sorted(key for key in self._keys if key in self._cells))

    def __len__(self) -> int:
        return len(self._cells) if self._keys is None else sum(1 for _ in self)

    def __repr__(self) -> str:
        return f"Loaded({sorted(self)!r})"


_ALL = (
    None,
    PersistenceLoadingType.LOAD_ALL_WITHOUT_LOCKING,
    PersistenceLoadingType.LOAD_ALL_WITH_PARTIAL_LOCK,
)


def load(cells: Map[str, Cell[T]], policy: PersistenceLoadingPolicy) -> Loaded[T]:
    """
    Pick what *policy* loads.

    An empty partial list loads nothing; the keys to be locked are loaded too.

    Source:
        The iWF protocol's section on loading policies.
    """
    kind = policy.persistence_loading_type
    if kind in _ALL:
        return Loaded(cells)
    if kind is PersistenceLoadingType.LOAD_NONE:
        return Loaded(cells, frozenset())
    if policy.use_key_as_prefix:
        return Loaded(cells, frozenset(policy.locks), policy.partial_loading_keys)
    return Loaded(cells, frozenset((*policy.partial_loading_keys, *policy.locks)))


def lock_keys(attributes: PersistenceLoadingPolicy, search: PersistenceLoadingPolicy) -> tuple[LockKey, ...]:
    """Name what a call with these two policies holds while it runs; taken together, freed together."""
    return (*((DATA_SPACE, key) for key in attributes.locks), *((SEARCH_SPACE, key) for key in search.locks))


def search_problem(attribute: SearchAttribute, at: datetime) -> str | None:
    """
    Say what keeps a search attribute from being written; None when nothing does.

    The value that its type names must fit; one beside it must be sound, since it is kept too. A type without any value is good:
    it is read as 0, false or empty.

    Source:
        The iWF protocol's section on search-attribute types and time formats.
    """
    if attribute.key in SYSTEM_KINDS:
        return f"search attribute {attribute.key!r} is the engine's own and cannot be written; give yours another name"
    if attribute.is_empty:
        return None
    kind = attribute.value_type
    if kind is None:
        return f"search attribute {attribute.key!r} has a value but no value type"
    given = {name: value for name in _SOUND if (value := getattr(attribute, name)) is not None}
    named = _FIELDS[kind]
    is_good = not given or (named in given and all(_SOUND[name](value) for name, value in given.items()))
    if is_good and given and kind is SearchAttributeValueType.DATETIME:
        is_good = instant_of(given[named], at) is not None
    return None if is_good else f"search attribute {attribute.key!r} has no value that fits its type {kind.value}"


def utc_text(text: str, instant: datetime) -> str:
    """
    Write a DATETIME in one form, RFC 3339 in UTC, with as many digits behind the second as its text had, up to nine.

    Args:
        instant: What the text meant when it was written.
    """
    # From the epoch no time that is meant from now can be told: of those, the instant is all that there is.
    nanoseconds = nanoseconds_of(text, EPOCH)
    return stamp_of((instant - EPOCH) // timedelta(microseconds=1) * 1000 if nanoseconds is None else nanoseconds)


def written_instant(attribute: SearchAttribute, at: datetime) -> datetime | None:
    """Tell what the text of a DATETIME means that is written at *at*; None for any other type."""
    if attribute.value_type is not SearchAttributeValueType.DATETIME:
        return None
    return instant_of(attribute.string_value or "", at)


def first_search_problem(attributes: Iterable[SearchAttribute], at: datetime) -> str | None:
    """Say what is wrong with the first search attribute that cannot be written; None when all can."""
    for attribute in attributes:
        problem = search_problem(attribute, at)
        if problem is not None:
            return problem
    return None


def is_int64(number: int) -> bool:
    """Does *number* fit the 64 bits that an INT has?"""
    return -(2**63) <= number < 2**63


def _is_text(value: object) -> bool:
    if not isinstance(value, str):
        return False
    try:
        # No database keeps a lone surrogate.
        return value.isascii() or bool(value.encode())
    except UnicodeEncodeError:
        return False


def _is_int(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and is_int64(value)


def _is_double(value: object) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:
        # An int beyond all floats.
        return False


def _is_bool(value: object) -> bool:
    return isinstance(value, bool)


def _is_texts(values: object) -> bool:
    return isinstance(values, tuple) and all(map(_is_text, values))


_SOUND: dict[str, Callable[[object], bool]] = {
    "string_value": _is_text,
    "integer_value": _is_int,
    "double_value": _is_double,
    "bool_value": _is_bool,
    "string_array_value": _is_texts,
}
_FIELDS = {
    SearchAttributeValueType.KEYWORD: "string_value",
    SearchAttributeValueType.TEXT: "string_value",
    SearchAttributeValueType.DATETIME: "string_value",
    SearchAttributeValueType.INT: "integer_value",
    SearchAttributeValueType.DOUBLE: "double_value",
    SearchAttributeValueType.BOOL: "bool_value",
    SearchAttributeValueType.KEYWORD_ARRAY: "string_array_value",
}
