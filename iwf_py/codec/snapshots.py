"""Events, history and the stored parts of a record, as JSON text and back.

The text is compact: what equals its default is left out, so a default is part of the format; to change
one, raise `FORMAT` and teach `event_from_text` the older shape. Instants are ISO 8601 in UTC with
microseconds, spans are whole microseconds, enumerations their wire names: every value comes back equal.
Classes are chosen by the kind that stands in its own column, never by the text.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from enum import Enum
from types import NoneType, UnionType
from typing import Any, Generic, TypeVar, Union, get_args, get_origin, overload

import cattrs
from cattrs.fns import identity
from cattrs.gen import make_dict_unstructure_fn, override
from cattrs.preconf.json import make_converter

from iwf_py.core.changes import Change
from iwf_py.core.events import Event, Started
from iwf_py.errors import StoreError, StoreVersionError
from iwf_py.model.options import StateOptions
from iwf_py.model.payload import Payload

T = TypeVar("T")
V = TypeVar("V")

# The shape of the texts that this version writes.
FORMAT = 1

# What `load` takes for state execution locals, and for attributes as requests carry them.
Pairs = tuple[tuple[str, Payload | None], ...]

_MICROSECOND = timedelta(microseconds=1)
_PLAIN = frozenset((str, int, float, bool, NoneType))
_MOST_REMEMBERED = 1024

_EVENTS: dict[str, type[Any]] = {cls.__name__: cls for cls in get_args(Event)}


class ByIdentity(Generic[V, T]):
    """What is made of values, remembered by their identity: for those of which the same ones come again and again."""

    def __init__(self, make: Callable[[V], T]) -> None:
        self._make = make
        self._known: dict[int, tuple[V, T]] = {}

    def __call__(self, value: V) -> T:
        """Return what is made of *value*; nobody may change it."""
        known = self._known.get(id(value))
        if known is not None:
            return known[1]
        made = self._make(value)
        if len(self._known) >= _MOST_REMEMBERED:
            self._known.clear()
        # Kept beside what it became: while it is here, nothing else has its identity.
        self._known[id(value)] = (value, made)
        return made


def _instant_to_text(instant: datetime) -> str:
    return (instant if instant.tzinfo is UTC else instant.astimezone(UTC)).isoformat()


def _instant_from_text(text: str, _: Any) -> datetime:
    return datetime.fromisoformat(text)


def _span_to_count(span: timedelta) -> int:
    return span // _MICROSECOND


def _span_from_count(count: int, _: Any) -> timedelta:
    return timedelta(microseconds=count)


def _is_plain_or_none(cls: Any) -> bool:
    return get_origin(cls) in (Union, UnionType) and _PLAIN.issuperset(get_args(cls))


def _make_converter() -> cattrs.Converter:
    converter = make_converter(omit_if_default=True, detailed_validation=False)
    converter.register_unstructure_hook(datetime, _instant_to_text)
    converter.register_structure_hook(datetime, _instant_from_text)
    converter.register_unstructure_hook(timedelta, _span_to_count)
    converter.register_structure_hook(timedelta, _span_from_count)
    # The members of our enumerations are str: json writes them as their values.
    converter.register_unstructure_hook_func(lambda cls: isinstance(cls, type) and issubclass(cls, Enum), identity)
    # They are JSON as they are: no function has to be called to tell.
    converter.register_unstructure_hook_func(_is_plain_or_none, identity)
    # They stand in the events of every step, and there are few different ones.
    options = make_dict_unstructure_fn(StateOptions, converter, _cattrs_omit_if_default=True)
    converter.register_unstructure_hook(StateOptions, ByIdentity(options))
    # The version of the rules is meant to rise; a run that began under an older one must not follow the default.
    started = make_dict_unstructure_fn(
        Started, converter, _cattrs_omit_if_default=True, rules=override(omit_if_default=False)
    )
    converter.register_unstructure_hook(Started, started)
    return converter


_converter = _make_converter()
_unstructure: dict[type[Any], Callable[[Any], Any]] = {}
_structure: dict[Any, Callable[[Any, Any], Any]] = {}

# Compiled once, at import: the first commit shall not pay for it.
for _cls in (*get_args(Event), *get_args(Change)):
    _unstructure[_cls] = _converter.get_unstructure_hook(_cls)
    _structure[_cls] = _converter.get_structure_hook(_cls)

_encode = json.JSONEncoder(separators=(",", ":"), check_circular=False).encode


def kind_of(event: Event) -> str:
    """Name an event's kind, for the column beside its text: ``Started``."""
    return type(event).__name__


def event_to_text(event: Event) -> str:
    """Write an event in the shape of `FORMAT`; its kind stands apart (`kind_of`)."""
    return _encode(_unstructure[type(event)](event))


def event_from_text(kind: str, text: str, format: int = FORMAT) -> Event:
    """
    Read an event.

    Errors:
        StoreVersionError: *format* or *kind* is of a newer version.

        StoreError: The text is damaged.
    """
    cls = _EVENTS.get(kind)
    if format != FORMAT or cls is None:
        raise StoreVersionError(
            f"history holds a {kind!r} event of format {format}, this version reads format {FORMAT} of "
            f"{', '.join(sorted(_EVENTS))}; open the database with the version that wrote it, or a newer one"
        )
    event: Event = load(cls, text)
    return event


def dump(value: object) -> str:
    """Write a value of `model` or `core`, or a tuple of such, or None."""
    cls = type(value)
    hook = _unstructure.get(cls)
    if hook is None:
        hook = _unstructure[cls] = _converter.get_unstructure_hook(cls)
    return _encode(hook(value))


@overload
def load(cls: type[T], text: str) -> T: ...
@overload
def load(cls: Any, text: str) -> Any: ...
def load(cls: Any, text: str) -> Any:
    """
    Read what `dump` wrote.

    Args:
        cls: What it was; a class, or a form such as `Pairs` or ``StateOptions | None``.

    Errors:
        StoreError: The text is damaged, or of something else.
    """
    hook = _structure.get(cls)
    if hook is None:
        hook = _structure[cls] = _converter.get_structure_hook(cls)
    try:
        return hook(json.loads(text), cls)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        name = getattr(cls, "__name__", cls)
        raise StoreError(f"a stored {name} cannot be read: {type(error).__name__}: {error}") from error


def dump_or_none(value: object) -> str | None:
    """Write a value for a column that may be NULL: None stays None."""
    return None if value is None else dump(value)


def load_or_none(cls: type[T], text: str | None) -> T | None:
    """Read what `dump_or_none` wrote."""
    return None if text is None else load(cls, text)
