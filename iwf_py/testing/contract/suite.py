"""The whole suite: its workflows in one registry, its tests in one table."""

from __future__ import annotations

from collections.abc import Callable
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
    schedules,
    history,
)


def registry() -> Registry:
    """Register the workflows of all tests."""
    return Registry(*[workflow for module in MODULES for workflow in module.WORKFLOWS])


def tests() -> dict[str, Callable[..., Any]]:
    """
    Tell all tests by name, for a test module to take: ``globals().update(tests())``.

    Each takes the fixture ``host``, a `ContractHost` over `registry`.
    """
    table: dict[str, Callable[..., Any]] = {}
    for module in MODULES:
        for name, value in vars(module).items():
            if name.startswith("test_"):
                assert name not in table, f"two tests of the suite are called {name}"
                table[name] = value
    return table
