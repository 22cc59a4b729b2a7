"""Values of which a server tells only a part: looking at the rest is refused, by the name of what is not told."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, TypeVar, cast

import attrs

from iwf_py.errors import IwfError

T = TypeVar("T")


class _Partial:
    """What is not known has no value in its slot, so that looking at it comes here."""

    _refusal: Callable[[str], IwfError]
    _known: Mapping[str, Any]
    # Of all fields.
    _names: frozenset[str]

    def __getattr__(self, name: str) -> Any:
        if name in self._names:
            raise self._refusal(name)
        raise AttributeError(f"{type(self).__name__} has no attribute {name!r}")

    def __repr__(self) -> str:
        known = ", ".join(f"{name}={value!r}" for name, value in self._known.items())
        return f"{type(self).__name__}({known}; the server tells no more)"

    def __eq__(self, other: object) -> bool:
        if isinstance(other, _Partial):
            return type(self) is type(other) and self._known == other._known
        # With a whole one, what is not told cannot be compared.
        return isinstance(self, type(other)) and all(
            getattr(self, name) == getattr(other, name) for name in self._names
        )

    def __hash__(self) -> int:
        return hash((type(self), *self._known))


@cache
def _partial_of(kind: Any) -> Any:
    return type(f"Partial{kind.__name__}", (_Partial, kind), {"_names": frozenset(attrs.fields_dict(kind))})


def partial_of(kind: type[T], refusal: Callable[[str], IwfError], **known: Any) -> T:
    """
    Make a value of *kind*, of which only *known* fields are known.

    Args:
        refusal: Makes the error that is raised where another field, whose name it is told, is looked at.
    """
    made = object.__new__(_partial_of(cast("Any", kind)))
    for name, value in (("_refusal", refusal), ("_known", known), *known.items()):
        object.__setattr__(made, name, value)
    return cast("T", made)
