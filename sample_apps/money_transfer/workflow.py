"""The transfer: four steps forward, and, when one of them fails for good, the steps that were begun backward.

What was begun is an attribute, written together with the move to each step. So it names a step before the step
is called for the first time, and a step that may have happened is undone like one that has.
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from itertools import pairwise
from typing import ClassVar

from iwf_py import (
    CommandResults,
    Communication,
    ObjectWorkflow,
    Persistence,
    PersistenceField,
    PersistenceSchema,
    RetryPolicy,
    StateDecision,
    StateSchema,
    WorkflowContext,
    WorkflowState,
    WorkflowStateOptions,
)
from sample_apps.money_transfer.bank import Bank

data_attribute_begun = "begun"
data_attribute_reason = "reason"


@dataclass(frozen=True)
class Transfer:
    """An amount in whole cents, from one account to another."""

    from_account: str
    to_account: str
    amount: int
    note: str = ""


def posting_key(ctx: WorkflowContext, step: str) -> str:
    """Name a posting: the same through all attempts, and for who undoes it."""
    return f"{ctx.workflow_run_id}/{step}"


def begin(persistence: Persistence, step: type[Step], transfer: Transfer) -> StateDecision:
    """Note that a step is begun, and go on to it: both are stored together, or neither."""
    begun = persistence.get_data_attribute(data_attribute_begun) or []
    persistence.set_data_attribute(data_attribute_begun, [*begun, step.name])
    return StateDecision.single_next_state(step, transfer)


class CheckBalance(WorkflowState[Transfer]):
    """Refuses at once what could not be paid."""

    def __init__(self, bank: Bank) -> None:
        self.bank = bank

    def execute(
        self,
        ctx: WorkflowContext,
        input: Transfer,
        command_results: CommandResults,
        persistence: Persistence,
        communication: Communication,
    ) -> StateDecision:
        balance = self.bank.balance(input.from_account)
        if balance < input.amount:
            persistence.set_data_attribute(data_attribute_reason, f"account {input.from_account!r} has {balance}")
            return StateDecision.force_fail_workflow("not enough money")
        return begin(persistence, STEPS[0], input)


class Step(WorkflowState[Transfer]):
    """What all steps share: one posting at the bank, which is tried for a while, and the failure state."""

    name: ClassVar[str]

    def __init__(self, bank: Bank, patience_seconds: float) -> None:
        self.bank = bank
        self.patience_seconds = patience_seconds

    @abstractmethod
    def posting(self, transfer: Transfer) -> tuple[str, int, str]:
        """Tell what is posted: the account, the amount, and a note."""

    def get_state_options(self) -> WorkflowStateOptions:
        return WorkflowStateOptions(
            execute_api_retry_policy=RetryPolicy(maximum_attempts_duration_seconds=self.patience_seconds),
            proceed_to_state_when_execute_retry_exhausted=Compensate,
        )

    def execute(
        self,
        ctx: WorkflowContext,
        input: Transfer,
        command_results: CommandResults,
        persistence: Persistence,
        communication: Communication,
    ) -> StateDecision:
        self.bank.post(posting_key(ctx, self.name), *self.posting(input))
        following = dict(pairwise(STEPS)).get(type(self))
        if following is None:
            return StateDecision.graceful_complete_workflow("transferred")
        return begin(persistence, following, input)


class DebitMemo(Step):
    name = "debit memo"

    def posting(self, transfer: Transfer) -> tuple[str, int, str]:
        return transfer.from_account, 0, f"to {transfer.to_account}: {transfer.note}"


class Debit(Step):
    name = "debit"

    def posting(self, transfer: Transfer) -> tuple[str, int, str]:
        return transfer.from_account, -transfer.amount, transfer.note


class CreditMemo(Step):
    name = "credit memo"

    def posting(self, transfer: Transfer) -> tuple[str, int, str]:
        return transfer.to_account, 0, f"from {transfer.from_account}: {transfer.note}"


class Credit(Step):
    name = "credit"

    def posting(self, transfer: Transfer) -> tuple[str, int, str]:
        return transfer.to_account, transfer.amount, transfer.note


STEPS: tuple[type[Step], ...] = (DebitMemo, Debit, CreditMemo, Credit)


class Compensate(WorkflowState[Transfer]):
    """Undoes the last step that was begun, then the one before: each undoing is stored before the next."""

    def __init__(self, bank: Bank) -> None:
        self.bank = bank

    def execute(
        self,
        ctx: WorkflowContext,
        input: Transfer,
        command_results: CommandResults,
        persistence: Persistence,
        communication: Communication,
    ) -> StateDecision:
        if persistence.get_data_attribute(data_attribute_reason) is None:
            # Not every server passes on why it went here; what to undo stands in the attribute all the same.
            reason = (
                "a step failed for good" if ctx.failure is None else f"{ctx.failure.state_id}: {ctx.failure.message}"
            )
            persistence.set_data_attribute(data_attribute_reason, reason)
        begun = persistence.get_data_attribute(data_attribute_begun) or []
        if not begun:
            return StateDecision.force_fail_workflow("undone")
        self.bank.undo(posting_key(ctx, begun[-1]))
        persistence.set_data_attribute(data_attribute_begun, begun[:-1])
        return StateDecision.single_next_state(Compensate, input)


class MoneyTransfer(ObjectWorkflow):
    """
    Moves money.

    Args:
        patience_seconds: How long a step is tried before what was begun is undone.
    """

    def __init__(self, bank: Bank, patience_seconds: float = 3600) -> None:
        self.bank = bank
        self.patience_seconds = patience_seconds

    def get_workflow_states(self) -> StateSchema:
        steps = [step(self.bank, self.patience_seconds) for step in STEPS]
        return StateSchema.with_starting_state(CheckBalance(self.bank), *steps, Compensate(self.bank))

    def get_persistence_schema(self) -> PersistenceSchema:
        return PersistenceSchema.create(
            PersistenceField.data_attribute_def(data_attribute_begun, list[str]),
            PersistenceField.data_attribute_def(data_attribute_reason, str),
        )
