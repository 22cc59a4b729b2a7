"""What type checkers refuse, in strict mode: each line that ends in a mark is an error, and no other line is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeVar, overload

from iwf_py import (
    CommandRequest,
    Communication,
    InternalChannelCommand,
    ObjectWorkflow,
    Persistence,
    RetryPolicy,
    Rpc,
    StateDecision,
    StateMovement,
    StateSchema,
    WorkflowContext,
    WorkflowOptions,
    WorkflowState,
    WorkflowStateOptions,
    rpc,
)

InT = TypeVar("InT")
OutT = TypeVar("OutT")


@overload
def call(method: Rpc[Any, None, OutT]) -> OutT: ...


@overload
def call(method: Rpc[Any, InT, OutT], input: InT) -> OutT: ...


def call(method: Rpc[Any, Any, Any], input: Any = None) -> Any:
    """Whoever calls RPCs for users is typed like this."""


@dataclass
class Form:
    email: str


class SubmitState(WorkflowState[Form]):
    def execute(self, ctx: WorkflowContext, input: Form) -> StateDecision:
        return StateDecision.single_next_state(VerifyState, 3)  # refused


class VerifyState(WorkflowState[None]):
    def wait_until(self) -> StateDecision:  # refused
        return StateDecision.dead_end

    def execute(self) -> None:  # refused
        return None


class OptionalState(WorkflowState[Form | None]):
    async def execute(self) -> str:  # refused
        return "done"


class Signup(ObjectWorkflow):
    def get_workflow_states(self) -> StateSchema:
        return StateSchema.with_starting_state(Form("a@b"))  # refused

    @rpc()
    def verify(self, source: str, persistence: Persistence, communication: Communication) -> str:
        communication.trigger_state_execution(SubmitState)  # refused
        communication.trigger_state_execution(SubmitState, "text")  # refused
        persistence.set_search_attribute_int64("a", "text")  # refused
        return "done"

    @rpc()
    async def nothing(self, ctx: WorkflowContext) -> int:
        return 3

    @rpc  # refused
    def bare(self) -> None:
        return None

    @rpc(timeout="3")  # refused
    def misspelt(self) -> None:
        return None


StateDecision.single_next_state(SubmitState)  # refused
StateDecision.single_next_state(SubmitState, "a@b")  # refused
StateDecision.single_next_state(OptionalState, 3)  # refused
StateDecision.single_next_state(Form, Form("a@b"))  # refused
StateDecision.single_next_state(SubmitState(), Form("a@b"))  # refused
StateDecision.multi_next_states(SubmitState)  # refused
StateDecision.force_complete_if_internal_channel_empty_or_else("c", None, SubmitState, 3)  # refused
StateMovement.create(SubmitState, 3)  # refused
StateMovement.create(VerifyState, 3)  # refused
CommandRequest.for_all_command_completed(StateDecision.dead_end)  # refused
InternalChannelCommand.by_name(3)  # refused
InternalChannelCommand.until_empty(3)  # refused
StateDecision.graceful_complete_if_all_channels_empty_or_else(or_else=[SubmitState])  # refused
WorkflowStateOptions(stateid="x")  # refused
WorkflowStateOptions().stateid = "x"  # refused
WorkflowStateOptions(execute_api_timeout_seconds="3")  # refused
WorkflowStateOptions(proceed_to_state_when_execute_retry_exhausted=Form)  # refused
WorkflowOptions(workflow_cron_schedule=5)  # refused
WorkflowOptions(workflow_cron="* * * * *")  # refused
WorkflowOptions().wait_for_completion_state_ids = [Form]  # refused
RetryPolicy(initial_interval_seconds="3")  # refused

wrong_input: Rpc[Signup, int, str] = Signup.verify  # refused
wrong_output: Rpc[Signup, str, int] = Signup.verify  # refused
without_input: Rpc[Signup, None, str] = Signup.verify  # refused
with_input: Rpc[Signup, str, int] = Signup.nothing  # refused
of_another: Rpc[ObjectWorkflow, str, str] = Signup.verify  # refused

call(Signup.verify)  # refused
call(Signup.verify, 3)  # refused
call(Signup.nothing, 3)  # refused
call(Signup.get_workflow_states)  # refused
number: int = call(Signup.verify, "web")  # refused
