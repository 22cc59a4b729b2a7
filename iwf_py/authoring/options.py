"""What all classes of options share: a misspelt option is told, with what was probably meant."""

from __future__ import annotations

import difflib
import warnings
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, ClassVar

from iwf_py.errors import InvalidArgumentError


def suggestion(name: str, known: Iterable[str]) -> str:
    """Say what was probably meant; an empty text when nothing is near."""
    near = difflib.get_close_matches(name, list(known), n=1)
    return f"; did you mean {near[0]!r}?" if near else ""


class Options:
    """
    Options as keywords, all optional; they may also be set as attributes afterwards.

    An unknown keyword is refused. An unknown attribute is kept, since code may hang its own things
    on an object, but it is warned of: it has no effect.
    """

    _known: ClassVar[frozenset[str]] = frozenset()
    # Where an option is a property, these hold what it is made of.
    _hidden: ClassVar[frozenset[str]] = frozenset()

    @classmethod
    def __attrs_init_subclass__(cls) -> None:
        attributes = cls.__attrs_attrs__  # type: ignore[attr-defined]  # set by attrs
        cls._known = frozenset(attribute.alias for attribute in attributes)
        cls._hidden = frozenset(attribute.name for attribute in attributes)

    def __new__(cls, *args: Any, **keywords: Any) -> Any:  # noqa: ARG004 - the constructor takes them
        """Refuse unknown keywords before the generated constructor sees them."""
        for keyword in keywords:
            if keyword not in cls._known:
                raise InvalidArgumentError(f"{cls.__name__} has no option {keyword!r}{suggestion(keyword, cls._known)}")
        return super().__new__(cls)

    # Type checkers are not shown it: they would take it for leave to set any attribute.
    if not TYPE_CHECKING:

        def __setattr__(self, name: str, value: object) -> None:
            if name not in self._known and name not in self._hidden:
                warnings.warn(
                    f"{type(self).__name__} has no option {name!r}{suggestion(name, self._known)}; setting it has no effect",
                    stacklevel=2,
                )
            super().__setattr__(name, value)
