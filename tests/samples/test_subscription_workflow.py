"""The subscription in virtual time."""

from __future__ import annotations

import pytest

from iwf_py.testing import TestEngine
from sample_apps.subscription.plans import PRICES, Order, Summary
from sample_apps.subscription.workflow import Subscription

DAY = 86_400
ORDER = Order("alice", "alice@example.com", "basic", trial_seconds=14 * DAY, cycle_seconds=30 * DAY, cycles=3)


class Ledger:
    """Keeps what was charged and mailed; declines, or does not answer, when told so."""

    def __init__(self) -> None:
        self.charges: list[tuple[str, int]] = []
        self.mails: list[str] = []
        self.keys: list[str] = []
        self.declines = False
        self.is_away = False

    def charge(self, key: str, customer: str, amount: int) -> bool:
        if self.is_away:
            raise ConnectionError("the provider does not answer")
        self.keys.append(key)
        self.charges.append((customer, amount))
        return not self.declines

    def mail(self, key: str, email: str, text: str) -> None:
        self.mails.append(text)


@pytest.fixture
def ledger() -> Ledger:
    return Ledger()


@pytest.fixture
def engine(ledger: Ledger):
    with TestEngine(Subscription(ledger)) as engine:
        engine.client.start_workflow(Subscription, "s", None, ORDER)
        engine.run_until_idle()
        yield engine


def look(engine: TestEngine) -> Summary:
    return engine.client.invoke_rpc("s", Subscription.look)


def test_a_trial_then_a_charge_every_cycle_then_the_end(engine: TestEngine, ledger: Ledger):
    """
    Nothing is charged in the trial; then the price is, once a cycle, and after the last cycle it ends with its sums.
    """
    engine.skip(14 * DAY - 1)
    assert (look(engine), ledger.charges) == (Summary("trial", "basic", 0, 0, 0), [])

    engine.skip(1)
    assert look(engine) == Summary("active", "basic", 1, 500, 0)
    engine.skip(60 * DAY)

    assert engine.client.wait_for_workflow_completion("s", Summary) == Summary("ended", "basic", 3, 1_500, 0)
    assert ledger.charges == [("alice", 500)] * 3
    assert len(set(ledger.keys)) == 3


def test_what_is_declined_is_added_to_the_next_charge(engine: TestEngine, ledger: Ledger):
    """
    Money that could not be charged is overdue, and asked for with the next cycle.
    """
    ledger.declines = True
    engine.skip(14 * DAY)
    assert look(engine) == Summary("active", "basic", 1, 0, 500)

    ledger.declines = False
    engine.skip(30 * DAY)

    assert look(engine) == Summary("active", "basic", 2, 1_000, 0)
    assert ledger.charges == [("alice", 500), ("alice", 1_000)]
    assert ledger.mails[-1] == "alice, we could not charge 500"


@pytest.mark.parametrize(("days", "charges"), [(3, 0), (20, 1), (50, 2)])
def test_canceled_it_charges_nothing_more(engine: TestEngine, ledger: Ledger, days: int, charges: int):
    """
    In the trial or between two charges: a cancellation ends it at once, and no charge follows.
    """
    engine.skip(days * DAY)
    engine.client.invoke_rpc("s", Subscription.cancel)
    engine.skip(365 * DAY)

    result = engine.client.wait_for_workflow_completion("s", Summary)
    assert (result.state, result.cycle) == ("canceled", charges)
    assert len(ledger.charges) == charges
    assert ledger.mails[-1] == "good-bye, alice"


def test_another_plan_counts_from_the_next_charge_on(engine: TestEngine, ledger: Ledger):
    """
    A change of plan leaves what was charged as it is.
    """
    engine.skip(14 * DAY)
    answer = engine.client.invoke_rpc("s", Subscription.change_plan, "premium")
    engine.skip(30 * DAY)

    assert answer == "premium from the next charge on"
    assert ledger.charges == [("alice", 500), ("alice", PRICES["premium"])]


def test_a_plan_that_does_not_exist_changes_nothing(engine: TestEngine):
    """
    The answer names the plans there are.
    """
    assert engine.client.invoke_rpc("s", Subscription.change_plan, "gold") == (
        "there is no plan 'gold'; choose one of basic, family, premium"
    )
    assert look(engine).plan == "basic"


def test_a_provider_that_is_away_moves_no_later_cycle(engine: TestEngine, ledger: Ledger):
    """
    A charge that had to wait for the provider is late; those after it are due when they were.
    """
    ledger.is_away = True
    engine.skip(20 * DAY)
    assert ledger.charges == []
    ledger.is_away = False
    engine.skip(60 * 60)
    assert len(ledger.charges) == 1

    engine.skip(24 * DAY - 60 * 60 - 1)
    assert len(ledger.charges) == 1
    engine.skip(1)

    assert len(ledger.charges) == 2
