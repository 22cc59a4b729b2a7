"""What a case of the suite needs of its host beyond the calls that every host has."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Any, TypeVar

import pytest

from iwf_py.errors import UnsupportedByServerError

TestT = TypeVar("TestT", bound=Callable[..., Any])


class Capability(StrEnum):
    """What some hosts have; the text is found in the error of those that have it not."""

    CLOCK = "clock"
    DESCRIBE = "describing more of a run than its status"
    HISTORY = "history"
    NAMESPACES = "namespaces"
    ATTRIBUTE_WAITS = "waiting for a data attribute"
    OLDER_RUNS = "waiting for a state of run"
    COMPLETED_RUN = "telling the run_id of a state"
    COUNT = "counting workflows"
    CLOSED_LOCKS = "is closed"


# Of those that are refused by another error than that of a missing feature: the protocol has them refused.
_ERRORS: Mapping[Capability, type[Exception]] = {Capability.CLOSED_LOCKS: RuntimeError}


def needs(*capabilities: Capability) -> Callable[[TestT], TestT]:
    """Say what a test needs of its host."""

    def declare(test: TestT) -> TestT:
        test.needs = frozenset(capabilities)  # type: ignore[attr-defined]  # read by `needed_by`
        return test

    return declare


def needed_by(test: Callable[..., Any]) -> frozenset[Capability]:
    """Tell what a test needs."""
    found: frozenset[Capability] = getattr(test, "needs", frozenset())
    return found


def refused(test: Callable[..., Any], lacking: frozenset[Capability]) -> Callable[..., Any]:
    """Make of a test one that a host passes which has not all that it needs: by the error that names what is missing."""
    texts = "|".join(sorted(lacking))
    errors = tuple(_ERRORS.get(capability, UnsupportedByServerError) for capability in lacking)

    @functools.wraps(test)
    def is_refused(*arguments: Any, **keywords: Any) -> None:
        with pytest.raises(errors, match=texts):
            test(*arguments, **keywords)

    return is_refused
