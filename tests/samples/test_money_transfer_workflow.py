"""The transfer in virtual time."""

from __future__ import annotations

from pathlib import Path

import pytest

from iwf_py import WorkflowFailed
from iwf_py.testing import TestEngine
from sample_apps.money_transfer.bank import Bank, BankError
from sample_apps.money_transfer.workflow import MoneyTransfer, Transfer

FROM_ALICE = Transfer("alice", "bob", 2_500, "rent")


class ShakyBank(Bank):
    """
    A bank whose answers can be lost.

    Attributes:
        lost: Postings that happen and are answered with an error, by the end of their key.
    """

    lost: tuple[str, ...] = ()

    def post(self, key: str, account: str, amount: int, text: str) -> None:
        super().post(key, account, amount, text)
        if key.endswith(self.lost):
            raise BankError("the line is dead")


@pytest.fixture
def bank(tmp_path: Path) -> ShakyBank:
    bank = ShakyBank(str(tmp_path / "bank.db"))
    bank.open("alice", 10_000)
    bank.open("bob", 0)
    return bank


@pytest.fixture
def engine(bank: ShakyBank):
    with TestEngine(MoneyTransfer(bank, patience_seconds=60)) as engine:
        yield engine


def start(engine: TestEngine, transfer: Transfer = FROM_ALICE) -> None:
    engine.client.start_workflow(MoneyTransfer, "t", None, transfer)
    engine.run_until_idle()


def failed(engine: TestEngine) -> tuple[object, dict[str, object]]:
    with pytest.raises(WorkflowFailed) as caught:
        engine.client.wait_for_workflow_completion("t")
    (output,) = engine.client.decode_outputs(caught.value.outputs, str)
    return output, engine.client.get_workflow_data_attributes(MoneyTransfer, "t")


def test_money_arrives(engine: TestEngine, bank: Bank):
    """
    What leaves one account is on the other, once.
    """
    start(engine)

    assert engine.client.wait_for_workflow_completion("t", str) == "transferred"
    assert bank.balances() == {"alice": 7_500, "bob": 2_500}


def test_what_cannot_be_paid_is_not_begun(engine: TestEngine, bank: Bank):
    """
    Without enough money no step is called, and the run says why it failed.
    """
    start(engine, Transfer("alice", "bob", 10_001))

    assert failed(engine) == ("not enough money", {"reason": "account 'alice' has 10000"})
    assert bank.balances() == {"alice": 10_000, "bob": 0}


def test_a_bank_that_is_back_in_time_is_only_a_delay(engine: TestEngine, bank: Bank):
    """
    While an account is frozen the credit is tried again; once it is not, the money arrives.
    """
    bank.freeze("bob")
    start(engine)
    engine.skip(30)
    assert bank.balances() == {"alice": 7_500, "bob": 0}

    bank.freeze("bob", is_frozen=False)
    engine.skip(60)

    assert engine.client.wait_for_workflow_completion("t", str) == "transferred"
    assert bank.balances() == {"alice": 7_500, "bob": 2_500}


def test_what_was_begun_is_undone_in_reverse(engine: TestEngine, bank: Bank):
    """
    When a step fails for good, the steps before it and the step itself are undone, last first, and the reason is kept.
    """
    bank.freeze("bob")
    start(engine)
    engine.skip(120)

    output, known = failed(engine)

    assert output == "undone"
    assert known == {"begun": [], "reason": "CreditMemo: account 'bob' is frozen"}
    assert bank.balances() == {"alice": 10_000, "bob": 0}
    kinds = [entry.kind for entry in engine.history("t")]
    # The check, two steps, and then three undoings and the end.
    assert kinds.count("ExecuteReturned") == 3 + 3 + 1


@pytest.mark.parametrize("step", ["debit memo", "debit", "credit memo", "credit"])
def test_a_step_whose_answer_is_lost_is_done_once(engine: TestEngine, bank: ShakyBank, step: str):
    """
    A posting that happened and was answered with an error is found done by the next attempt.
    """
    bank.lost = (f"/{step}",)
    start(engine)
    bank.lost = ()

    engine.skip(120)

    assert engine.client.wait_for_workflow_completion("t", str) == "transferred"
    assert bank.balances() == {"alice": 7_500, "bob": 2_500}


@pytest.mark.parametrize("step", ["debit", "credit"])
def test_a_step_that_never_answers_leaves_nothing_behind(engine: TestEngine, bank: ShakyBank, step: str):
    """
    A posting that happened, and whose answers were all lost, is undone with the others.
    """
    bank.lost = (f"/{step}",)
    start(engine)
    engine.skip(120)

    output, known = failed(engine)

    assert output == "undone"
    assert known["reason"] == f"{step.title()}: the line is dead"
    assert bank.balances() == {"alice": 10_000, "bob": 0}


def test_an_undone_posting_that_comes_late_does_not_count(bank: Bank):
    """
    Undone before it arrives, a posting is refused when it does.
    """
    bank.undo("k")

    with pytest.raises(BankError, match="undone"):
        bank.post("k", "alice", -1, "late")

    assert bank.balance("alice") == 10_000
