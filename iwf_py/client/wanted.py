"""What a caller wants of a data attribute, and what it gets.

The engine tells that an attribute has changed and never opens it: whether it is what the caller wants is found out here.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from attrs import frozen

from iwf_py.client.values import NOT_GIVEN
from iwf_py.errors import InvalidArgumentError
from iwf_py.model.converter import Converter


@frozen(kw_only=True)
class AttributeValue:
    """
    A data attribute as it stood when it was what the caller waited for.

    Attributes:
        key: Its key.

        value: Opened as its declared type; None where the attribute is not there.

        revision: Which writing of the attribute in its run this is, to wait for the next one; 0 where it is not there.

        run_id: The run that it was read in.
    """

    key: str
    value: Any
    revision: int
    run_id: str


# The revision that no attribute has: whatever stands there is another.
_NEVER_SEEN = -1


@frozen
class Wanted:
    """
    What a caller wants: that an attribute is set, is set anew, has a value, or satisfies a predicate.

    Attributes:
        value: What it shall be; None: it shall not be there.

        until: Is asked of each value that is set, and tells whether it will do.

        since: The revision that the caller has seen; only what came later will do.
    """

    value: Any = NOT_GIVEN
    until: Callable[[Any], object] | None = None
    since: int | None = None

    def check(self, converter: Converter, value_type: Any, what: str) -> None:
        """
        Look at it before anything is sent.

        Errors:
            InvalidArgumentError: It cannot come true, or is no such thing.
        """
        if self.until is not None:
            if self.value is not NOT_GIVEN:
                raise InvalidArgumentError("wait for a value or until a predicate holds, not for both")
            given: object = self.until
            if not callable(given) or inspect.iscoroutinefunction(given):
                raise InvalidArgumentError(f"until must be a plain function of the value, got {given!r}")
        elif self.value is not NOT_GIVEN and self.value is not None:
            reason = converter.check(self.value, value_type)
            if reason is not None:
                raise InvalidArgumentError(f"{what}: {reason}")
        if self.since is not None and (isinstance(self.since, bool) or not isinstance(self.since, int)):
            raise InvalidArgumentError(f"since must be the revision of an earlier answer, got {self.since!r}")

    @property
    def after(self) -> int:
        """The revision to begin with: anything but that is worth a look."""
        if self.since is not None:
            return self.since
        return _NEVER_SEEN if self.value is None else 0

    def is_met(self, revision: int, value: Any) -> bool:
        """Tell whether an attribute at *revision*, another than the one before, is what is wanted."""
        if self.value is None:
            return not revision
        if self.value is not NOT_GIVEN:
            return bool(revision) and bool(value == self.value)
        if self.until is not None:
            return bool(revision) and bool(self.until(value))
        return self.since is not None or bool(revision)
