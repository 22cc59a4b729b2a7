"""What a seed makes of the world: which faults there are, and how often. Whole classes are off in many seeds,
so that the others reach deep states."""

from __future__ import annotations

import random
from datetime import timedelta

from attrs import asdict, frozen

from iwf_py.runtime.limits import Limits


def _some(rng: random.Random, highest: float, share: float = 0.5) -> float:
    """A probability, or none at all."""
    return round(rng.random() * highest, 3) if rng.random() < share else 0.0


@frozen(kw_only=True)
class Options:
    """
    Probabilities are of one call, or of one delivery.

    Attributes:
        crashes: How often the process dies between two steps, by the virtual second.

        stops: How often the engine is stopped in good order, by the virtual second.
    """

    ids: int
    clients: int
    operations: int
    workers: int
    latency: float
    crashes: float
    stops: float
    crash_before: float
    crash_after: float
    crash_showing: float
    fail: float
    unknown_before: float
    unknown_after: float
    interrupt: float
    settle_fails: float
    read_fails: float
    lose: float
    late: float
    duplicate: float
    attempt_fails: float
    limits: Limits

    @classmethod
    def of(cls, seed: int) -> Options:
        """Expand a seed."""
        rng = random.Random(f"options {seed}")
        is_calm = rng.random() < 0.1
        few = rng.random() < 0.3
        return cls(
            ids=rng.choice((1, 2, 3, 6)),
            clients=rng.choice((1, 2, 4)),
            operations=rng.choice((20, 50, 120)),
            workers=rng.choice((1, 2)),
            latency=rng.choice((0.0, 0.002, 0.05)),
            crashes=0.0 if is_calm else _some(rng, 0.1),
            stops=_some(rng, 0.05, 0.3),
            crash_before=0.0 if is_calm else _some(rng, 0.02, 0.3),
            crash_after=0.0 if is_calm else _some(rng, 0.02, 0.4),
            crash_showing=0.0 if is_calm else _some(rng, 0.02, 0.3),
            fail=0.0 if is_calm else _some(rng, 0.3, 0.4),
            unknown_before=0.0 if is_calm else _some(rng, 0.15, 0.4),
            unknown_after=0.0 if is_calm else _some(rng, 0.15, 0.5),
            interrupt=0.0 if is_calm else _some(rng, 0.05, 0.2),
            settle_fails=_some(rng, 0.7),
            read_fails=0.0 if is_calm else _some(rng, 0.15, 0.3),
            lose=_some(rng, 0.1, 0.3),
            late=_some(rng, 0.1, 0.3),
            duplicate=_some(rng, 0.3),
            attempt_fails=_some(rng, 0.4),
            limits=Limits(
                batches=1,
                batch_changes=rng.choice((1, 5, 1000)),
                open_records=2 if few else 10_000,
                closed_records=1 if few else 1_000,
                page=rng.choice((2, 5, 1000)),
                loads=rng.choice((1, 32)),
                checks_invariants=True,
                grace=timedelta(seconds=5),
                recoveries=1_000,
                tries=50,
            ),
        )

    @property
    def text(self) -> str:
        """The options as one line."""
        return " ".join(f"{name}={value}" for name, value in asdict(self, recurse=False).items())
