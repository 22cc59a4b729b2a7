"""The real engine on the real store, driven by seed on one thread.

A seed that fails is run again with ``python -m tests.simulation.run --seed N --trace``.
"""

from __future__ import annotations

import functools
import os
import subprocess
import sys
from collections import Counter

import pytest

from tests.simulation.planted import PLANTED
from tests.simulation.simulation import Report, simulate

pytestmark = pytest.mark.simulation

SEEDS = 500
BLOCK = 50
# A planted bug must show itself within so many seeds.
PATIENCE = 200
# Where the looking begins for those that show themselves late: a minute of seeds that tell nothing.
FIRST = {"keeps_locks_of_rpcs": 100}

# What must have happened at least once, or the simulation does not test what it says.
SOMETIMES = (
    "applied again",
    "attempt failed",
    "attempts exhausted",
    "attribute waited for",
    "channel was empty",
    "closed CANCELED",
    "closed COMPLETED",
    "closed FAILED",
    "closed TERMINATED",
    "closed TIMEOUT",
    "commit failed",
    "commit in doubt that does not stand",
    "commit in doubt that stands",
    "commit interrupted",
    "conditional close met",
    "conditional close not met",
    "crash after a commit",
    "crash before a commit",
    "crash while showing",
    "lock refused",
    "lock waited for",
    "message taken",
    "orphans claimed",
    "outcome duplicated",
    "outcome lost",
    "reading failed",
    "reset of a run that was reset",
    "reset of an id with an open run",
    "run reset",
    "run retried",
    "schedule ended by a client",
    "schedule went on",
    "settings changed",
    "settling failed",
    "several turns in one commit",
    "skip kept",
    "stale fence",
    "state waited for",
    "still waiting",
    "stop",
    "take cancelled",
    "tick missed",
    "timer fired",
    "timer lost its race",
    "timer skipped",
    "told that it never will be",
    "told that the engine stopped",
    "waiter told",
)


@functools.cache
def reports(first: int) -> tuple[Report, ...]:
    """Run a block of seeds, once for all tests that look at it."""
    return tuple(simulate(seed) for seed in range(first, first + BLOCK))


@pytest.mark.parametrize("first", range(0, SEEDS, BLOCK))
def test_no_seed_breaks_a_promise(first):
    """
    Whatever fails, dies, comes twice or too late: nothing acknowledged is lost, nothing happens twice, and all that can finish does.
    """
    problems = [
        f"seed {report.seed}: {report.problem}\n    {report.options.text}"
        for report in reports(first)
        if report.problem is not None
    ]

    assert not problems, "\n".join(problems)


def test_everything_hard_has_happened():
    """
    Over all seeds each fault and each race occurs: without them the simulation would prove nothing.
    """
    happened: Counter[str] = Counter()
    for first in range(0, SEEDS, BLOCK):
        for report in reports(first):
            happened.update(report.sometimes)

    assert [what for what in SOMETIMES if not happened[what]] == []


@pytest.mark.parametrize("seed", [3, 11])
def test_a_seed_is_a_seed(seed):
    """
    The same seed does the same, step by step, in whatever order the interpreter hashes.
    """
    traces = [
        subprocess.run(
            [sys.executable, "-m", "tests.simulation.run", "--seed", str(seed), "--trace", "--untimed"],
            env={**os.environ, "PYTHONHASHSEED": hash_seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for hash_seed in ("1", "2")
    ]

    assert traces[0] == traces[1]
    assert traces[0].count("\n") > 50


@pytest.mark.parametrize("name", sorted(PLANTED))
def test_a_planted_bug_is_found(name):
    """
    Each bug that is planted on purpose is found, within a bounded number of seeds.
    """
    with PLANTED[name]():
        first = FIRST.get(name, 0)
        found = next((seed for seed in range(first, first + PATIENCE) if simulate(seed).problem is not None), None)

    assert found is not None
