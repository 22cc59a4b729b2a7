"""Type hints as values: type variables filled in, and the names that are known to classes local to a function."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

# Where a class keeps the names that its annotations use of the functions in which it was written.
LOCAL_NAMES = "__iwf_local_names__"


def local_names(cls: type) -> dict[str, Any]:
    """Tell the names that were kept for *cls* and its bases, and the classes themselves."""
    names: dict[str, Any] = {}
    for base in reversed(cls.__mro__):
        names |= vars(base).get(LOCAL_NAMES, {})
        names[base.__name__] = base
    return names


def substitute(hint: Any, bindings: Mapping[Any, Any]) -> Any:
    """Put types in the place of type variables; one that is not bound stays."""
    if isinstance(hint, TypeVar):
        return bindings.get(hint, hint)
    parameters = getattr(hint, "__parameters__", ())
    if parameters and not isinstance(hint, type) and any(parameter in bindings for parameter in parameters):
        return hint[tuple(bindings.get(parameter, parameter) for parameter in parameters)]
    return hint
