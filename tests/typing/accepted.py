"""What type checkers accept, in strict mode: the seed's form, slim forms, and every way to name a state or an RPC."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Generic, TypeVar, assert_type, overload

from iwf_py import (
    CommandRequest,
    CommandResults,
    Communication,
    InternalChannelCommand,
    ObjectWorkflow,
    Persistence,
    PersistenceLoadingPolicy,
    Registry,
    RetryPolicy,
    Rpc,
    StateDecision,
    StateMovement,
    StateSchema,
    T,
    TimerCommand,
    WaitUntilApiFailurePolicy,
    WorkflowContext,
    WorkflowState,
    WorkflowStateOptions,
    rpc,
)

V = TypeVar("V")
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
    def execute(
        self,
        ctx: WorkflowContext,
        input: Form,
        command_results: CommandResults,
        persistence: Persistence,
        communication: Communication,
    ) -> StateDecision:
        persistence.set_data_attribute("form", input)
        return StateDecision.single_next_state(VerifyState)


class VerifyState(WorkflowState[None]):
    def wait_until(
        self, ctx: WorkflowContext, input: T, persistence: Persistence, communication: Communication
    ) -> CommandRequest:
        return CommandRequest.for_any_command_completed(
            TimerCommand.timer_command_by_duration(timedelta(seconds=10)), InternalChannelCommand.by_name("verify")
        )

    def execute(
        self,
        ctx: WorkflowContext,
        input: T,
        command_results: CommandResults,
        persistence: Persistence,
        communication: Communication,
    ) -> StateDecision:
        return StateDecision.single_next_state(VerifyState)

    def get_state_options(self) -> WorkflowStateOptions:
        return WorkflowStateOptions(
            execute_api_timeout_seconds=timedelta(minutes=1),
            wait_until_api_timeout_seconds=2.5,
            execute_api_retry_policy=RetryPolicy(
                initial_interval_seconds=timedelta(seconds=1), maximum_attempts_duration_seconds=60
            ),
            proceed_to_state_when_execute_retry_exhausted=SlimState,
            proceed_to_execute_when_wait_until_retry_exhausted=True,
            wait_until_api_failure_policy=WaitUntilApiFailurePolicy.PROCEED_ON_FAILURE,
        )


class SlimState(WorkflowState[int]):
    async def wait_until(self, persistence: Persistence) -> CommandRequest:
        return CommandRequest.empty()

    async def execute(self, number: int) -> StateDecision:
        return StateDecision.dead_end


class OptionalState(WorkflowState[Form | None]):
    def execute(self) -> StateDecision:
        return StateDecision.dead_end


class BaseState(WorkflowState[V], Generic[V]):
    def execute(self, input: V, ctx: WorkflowContext) -> StateDecision:
        return StateDecision.dead_end


class DerivedState(BaseState[str]):
    pass


class AnythingState(WorkflowState[Any]):
    def execute(self, input: Any) -> StateDecision:
        return StateDecision.dead_end


class UserSignupWorkflow(ObjectWorkflow):
    def get_workflow_states(self) -> StateSchema:
        return StateSchema.with_starting_state(SubmitState(), VerifyState(), SlimState, OptionalState)

    @rpc()
    def verify(self, source: str, persistence: Persistence, communication: Communication) -> str:
        communication.trigger_state_execution(VerifyState)
        communication.trigger_state_execution(SlimState, 3)
        communication.trigger_state_execution("VerifyState", 3)
        return "done"

    @rpc(timeout_seconds=timedelta(seconds=3), data_attribute_loading_policy=PersistenceLoadingPolicy())
    async def wait(self, forms: list[Form], ctx: WorkflowContext) -> Form:
        return forms[0]

    @rpc(3)
    def nothing(self) -> int:
        return 3

    @rpc()
    def in_any_order(self, communication: Communication, ctx: WorkflowContext, persistence: Persistence) -> None:
        return None

    @rpc()
    def maybe(self, form: Form | None, persistence: Persistence) -> Form | None:
        return form

    @rpc()
    def whatever(self, value: object, persistence: Persistence) -> object:
        return value

    @rpc()
    def later(self, persistence: Persistence, form: Form) -> None:
        return None


class Inherits(UserSignupWorkflow):
    pass


def decisions() -> list[StateDecision]:
    return [
        StateDecision.single_next_state(SubmitState, Form("a@b")),
        StateDecision.single_next_state(VerifyState),
        StateDecision.single_next_state(VerifyState, None),
        StateDecision.single_next_state(SlimState, 3, WorkflowStateOptions(state_id="x"), "key"),
        StateDecision.single_next_state(OptionalState),
        StateDecision.single_next_state(OptionalState, Form("a@b")),
        StateDecision.single_next_state(DerivedState, "text"),
        StateDecision.single_next_state(AnythingState, 3),
        StateDecision.single_next_state("SubmitState", {"email": "a@b"}),
        StateDecision.multi_next_states(VerifyState, OptionalState, "Other", StateMovement.create(SlimState, 3)),
        StateDecision.force_complete_if_internal_channel_empty_or_else("c", "out", SlimState, 3),
        StateDecision.force_complete_if_signal_channel_empty_or_else("c", or_else_state=VerifyState),
        StateDecision.graceful_complete_if_all_channels_empty_or_else(or_else_state="Some", state_input=3),
        StateDecision.force_complete_if_signal_channel_empty_or_else(
            "c", or_else=[VerifyState, "Other", StateMovement.create(SlimState, 3)]
        ),
        StateDecision.dead_end,
    ]


def rpcs() -> None:
    assert_type(UserSignupWorkflow.verify, Rpc[UserSignupWorkflow, str, str])
    assert_type(UserSignupWorkflow.wait, Rpc[UserSignupWorkflow, list[Form], Form])
    assert_type(UserSignupWorkflow.nothing, Rpc[UserSignupWorkflow, None, int])
    assert_type(UserSignupWorkflow.in_any_order, Rpc[UserSignupWorkflow, None, None])
    assert_type(UserSignupWorkflow.maybe, Rpc[UserSignupWorkflow, Form | None, Form | None])
    assert_type(UserSignupWorkflow.whatever, Rpc[UserSignupWorkflow, object, object])
    assert_type(UserSignupWorkflow.later, Rpc[UserSignupWorkflow, Any, None])
    assert_type(Inherits.verify, Rpc[UserSignupWorkflow, str, str])
    of_the_subclass: Rpc[Inherits, str, str] = UserSignupWorkflow.verify
    without_input: Rpc[UserSignupWorkflow, None, Form | None] = UserSignupWorkflow.maybe
    Registry(UserSignupWorkflow, Inherits()).rpc(of_the_subclass)
    Registry().rpc(without_input)


def calls() -> None:
    assert_type(call(UserSignupWorkflow.verify, "web"), str)
    assert_type(call(UserSignupWorkflow().verify, "web"), str)
    assert_type(call(Inherits.verify, "web"), str)
    assert_type(call(UserSignupWorkflow.wait, [Form("a@b")]), Form)
    assert_type(call(UserSignupWorkflow.nothing), int)
    assert_type(call(UserSignupWorkflow.maybe), Form | None)
    assert_type(call(UserSignupWorkflow.maybe, Form("a@b")), Form | None)
    assert_type(call(UserSignupWorkflow.whatever, 3), object)
    call(UserSignupWorkflow.in_any_order)
    call(UserSignupWorkflow.later, Form("a@b"))


async def direct_calls(workflow: UserSignupWorkflow) -> None:
    assert_type(workflow.nothing(), int)
    assert_type(await workflow.wait([Form("a@b")]), Form)
