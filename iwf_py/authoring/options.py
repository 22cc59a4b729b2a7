"""What all classes of options share: a misspelt option is told, with what was probably meant."""

from __future__ import annotations

import difflib
import warnings
from collections.abc import Iterable
from typing import Any

from attrs import fields

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

    def __new__(cls, *args: Any, **keywords: Any) -> Any:  # noqa: ARG004 - the constructor takes them
        """Refuse unknown keywords before the generated constructor sees them."""
        known = cls._names()
        for keyword in keywords:
            if keyword not in known:
                raise InvalidArgumentError(f"{cls.__name__} has no option {keyword!r}{suggestion(keyword, known)}")
        return super().__new__(cls)

    def __setattr__(self, name: str, value: object) -> None:
        known = self._names()
        if name not in known:
            warnings.warn(
                f"{type(self).__name__} has no option {name!r}{suggestion(name, known)}; setting it has no effect",
                stacklevel=2,
            )
        super().__setattr__(name, value)

    @classmethod
    def _names(cls) -> tuple[str, ...]:
        return tuple(attribute.name for attribute in fields(cls))  # type: ignore[arg-type]  # subclasses are attrs classes
