"""The subscription: a trial, then billing cycles; canceled and upgraded by RPC, and found by what it says of itself.

Instants are counted from the start of the run, so that what takes long, or happens while nobody serves, does not
move the cycles that follow.
"""

from __future__ import annotations

from datetime import UTC, datetime

from iwf_py import (
    ChannelRequestStatus,
    CommandRequest,
    CommandResults,
    Communication,
    CommunicationMethod,
    CommunicationSchema,
    InternalChannelCommand,
    ObjectWorkflow,
    Persistence,
    PersistenceField,
    PersistenceSchema,
    SearchAttributeValueType,
    StateDecision,
    StateSchema,
    TimerCommand,
    WorkflowContext,
    WorkflowState,
    rpc,
)
from sample_apps.subscription.plans import PRICES, Order, Summary
from sample_apps.subscription.services import Services

data_attribute_order = "order"
data_attribute_cycle = "cycle"
data_attribute_paid = "paid"
data_attribute_overdue = "overdue"

# The plan is written by the RPC alone, so a charge that runs meanwhile cannot write an old one over it.
search_attribute_customer = "Customer"
search_attribute_plan = "Plan"
search_attribute_state = "State"
search_attribute_next_charge = "NextCharge"

cancel_channel = "cancel"


def instant(ctx: WorkflowContext, order: Order, cycle: int) -> datetime:
    """Tell when the charge of a cycle (from 0) is due."""
    seconds = ctx.workflow_start_timestamp_seconds + order.trial_seconds + cycle * order.cycle_seconds
    return datetime.fromtimestamp(seconds, UTC)


def summary(persistence: Persistence) -> Summary:
    """Tell how the subscription stands."""
    return Summary(
        state=persistence.get_search_attribute_keyword(search_attribute_state) or "",
        plan=persistence.get_search_attribute_keyword(search_attribute_plan) or "",
        cycle=persistence.get_data_attribute(data_attribute_cycle) or 0,
        paid=persistence.get_data_attribute(data_attribute_paid) or 0,
        overdue=persistence.get_data_attribute(data_attribute_overdue) or 0,
    )


def end(persistence: Persistence, state: str) -> StateDecision:
    """Complete the run, with how it stands at its end."""
    persistence.set_search_attribute_keyword(search_attribute_state, state)
    return StateDecision.graceful_complete_workflow(summary(persistence))


class Welcome(WorkflowState[Order]):
    """Writes down what was ordered, and says so."""

    def __init__(self, services: Services) -> None:
        self.services = services

    def execute(
        self,
        ctx: WorkflowContext,
        input: Order,
        command_results: CommandResults,
        persistence: Persistence,
        communication: Communication,
    ) -> StateDecision:
        persistence.set_data_attribute(data_attribute_order, input)
        persistence.set_search_attribute_keyword(search_attribute_customer, input.customer)
        persistence.set_search_attribute_keyword(search_attribute_plan, input.plan)
        persistence.set_search_attribute_keyword(search_attribute_state, "trial")
        persistence.set_search_attribute_datetime(search_attribute_next_charge, instant(ctx, input, 0))
        self.services.mail(_key(ctx), input.email, f"welcome, {input.customer}: your trial of {input.plan} begins")
        return StateDecision.single_next_state(NextCharge)


class NextCharge(WorkflowState[None]):
    """Waits for the next charge to be due, or for the customer to cancel."""

    def __init__(self, services: Services) -> None:
        self.services = services

    def wait_until(
        self, ctx: WorkflowContext, input: None, persistence: Persistence, communication: Communication
    ) -> CommandRequest:
        order: Order = persistence.get_data_attribute(data_attribute_order)
        cycle = persistence.get_data_attribute(data_attribute_cycle) or 0
        return CommandRequest.for_any_command_completed(
            TimerCommand.by_instant(instant(ctx, order, cycle)), InternalChannelCommand.by_name(cancel_channel)
        )

    def execute(
        self,
        ctx: WorkflowContext,
        input: None,
        command_results: CommandResults,
        persistence: Persistence,
        communication: Communication,
    ) -> StateDecision:
        order: Order = persistence.get_data_attribute(data_attribute_order)
        if command_results.internal_channel_commands[0].status == ChannelRequestStatus.RECEIVED:
            self.services.mail(_key(ctx), order.email, f"good-bye, {order.customer}")
            return end(persistence, "canceled")
        return StateDecision.single_next_state(Charge)


class Charge(WorkflowState[None]):
    """Charges a cycle, and whatever is overdue; what is declined is overdue from then on."""

    def __init__(self, services: Services) -> None:
        self.services = services

    def execute(
        self,
        ctx: WorkflowContext,
        input: None,
        command_results: CommandResults,
        persistence: Persistence,
        communication: Communication,
    ) -> StateDecision:
        order: Order = persistence.get_data_attribute(data_attribute_order)
        before = summary(persistence)
        price = PRICES[before.plan]
        if self.services.charge(_key(ctx), order.customer, price + before.overdue):
            persistence.set_data_attribute(data_attribute_paid, before.paid + price + before.overdue)
            persistence.set_data_attribute(data_attribute_overdue, 0)
        else:
            persistence.set_data_attribute(data_attribute_overdue, before.overdue + price)
            self.services.mail(_key(ctx), order.email, f"{order.customer}, we could not charge {price}")
        cycle = before.cycle + 1
        persistence.set_data_attribute(data_attribute_cycle, cycle)
        if cycle >= order.cycles:
            return end(persistence, "ended")
        persistence.set_search_attribute_keyword(search_attribute_state, "active")
        persistence.set_search_attribute_datetime(search_attribute_next_charge, instant(ctx, order, cycle))
        return StateDecision.single_next_state(NextCharge)


class Subscription(ObjectWorkflow):
    """One subscription of one customer."""

    def __init__(self, services: Services) -> None:
        self.services = services

    def get_workflow_states(self) -> StateSchema:
        return StateSchema.with_starting_state(Welcome(self.services), NextCharge(self.services), Charge(self.services))

    def get_persistence_schema(self) -> PersistenceSchema:
        return PersistenceSchema.create(
            PersistenceField.data_attribute_def(data_attribute_order, Order),
            PersistenceField.data_attribute_def(data_attribute_cycle, int),
            PersistenceField.data_attribute_def(data_attribute_paid, int),
            PersistenceField.data_attribute_def(data_attribute_overdue, int),
            PersistenceField.search_attribute_def(search_attribute_customer, SearchAttributeValueType.KEYWORD),
            PersistenceField.search_attribute_def(search_attribute_plan, SearchAttributeValueType.KEYWORD),
            PersistenceField.search_attribute_def(search_attribute_state, SearchAttributeValueType.KEYWORD),
            PersistenceField.search_attribute_def(search_attribute_next_charge, SearchAttributeValueType.DATETIME),
        )

    def get_communication_schema(self) -> CommunicationSchema:
        return CommunicationSchema.create(CommunicationMethod.internal_channel_def(cancel_channel, None))

    @rpc()
    def look(self, persistence: Persistence) -> Summary:
        return summary(persistence)

    @rpc()
    def cancel(self, communication: Communication) -> str:
        communication.publish_to_internal_channel(cancel_channel)
        return "canceled as soon as what runs is done"

    @rpc()
    def change_plan(self, plan: str, persistence: Persistence) -> str:
        if plan not in PRICES:
            return f"there is no plan {plan!r}; choose one of {', '.join(PRICES)}"
        persistence.set_search_attribute_keyword(search_attribute_plan, plan)
        return f"{plan} from the next charge on"


def _key(ctx: WorkflowContext) -> str:
    # Run and state execution stay the same through all attempts.
    return f"{ctx.workflow_run_id}/{ctx.state_execution_id}"
