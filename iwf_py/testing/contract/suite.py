"""The whole suite: its workflows in one registry, its tests in one table."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from types import ModuleType
from typing import Any

from iwf_py.authoring.registry import Registry
from iwf_py.testing.contract import (
    attributes,
    channels,
    closing,
    decisions,
    declarations,
    emptiness,
    executing_states,
    exhaustion,
    failures,
    held,
    history,
    locks,
    outcomes,
    real_time,
    reapplying,
    resetting,
    rpcs,
    schedules,
    searching,
    settings,
    skipping,
    starting,
    succession,
    timers,
    waits,
)
from iwf_py.testing.contract.needs import Capability, needed_by, refused

MODULES: tuple[ModuleType, ...] = (
    starting,
    settings,
    timers,
    skipping,
    channels,
    emptiness,
    attributes,
    locks,
    decisions,
    closing,
    failures,
    exhaustion,
    held,
    rpcs,
    declarations,
    searching,
    executing_states,
    succession,
    resetting,
    reapplying,
    waits,
    outcomes,
    schedules,
    history,
    real_time,
)


def registry() -> Registry:
    """Register the workflows of all tests."""
    return Registry(*[workflow for module in MODULES for workflow in module.WORKFLOWS])


def tests() -> dict[str, Callable[..., Any]]:
    """
    Tell all tests by name, for a test module to take: ``globals().update(tests())``.

    Each takes the fixture ``host``, a `ContractHost` over `registry`.
    """
    return tests_without(())


def tests_without(lacking: Iterable[Capability]) -> dict[str, Callable[..., Any]]:
    """Tell the tests for a host that has not all there is: what needs it passes when that is refused by name."""
    lacks = frozenset(lacking)
    table: dict[str, Callable[..., Any]] = {}
    for module in MODULES:
        for name, value in vars(module).items():
            if name.startswith("test_"):
                assert name not in table, f"two tests of the suite are called {name}"
                lacking = needed_by(value) & lacks
                table[name] = refused(value, lacking) if lacking else value
    return table
