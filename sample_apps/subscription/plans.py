"""What may be subscribed to, and by whom."""

from __future__ import annotations

from dataclasses import dataclass

# Whole cents a cycle.
PRICES = {"basic": 500, "family": 900, "premium": 1_500}


@dataclass(frozen=True)
class Order:
    """
    A subscription as it is ordered.

    Attributes:
        customer: Who pays.

        plan: One of `PRICES`.

        trial_seconds: Free of charge, from the start on.

        cycle_seconds: From one charge to the next.

        cycles: Charges until it ends by itself.
    """

    customer: str
    email: str
    plan: str
    trial_seconds: int
    cycle_seconds: int
    cycles: int


@dataclass(frozen=True)
class Summary:
    """
    How a subscription stands.

    Attributes:
        state: trial, active, canceled or ended.

        cycle: Charges that were tried so far.

        paid: In whole cents, all cycles together.

        overdue: What could not be charged yet; it is added to the next charge.
    """

    state: str
    plan: str
    cycle: int
    paid: int
    overdue: int
