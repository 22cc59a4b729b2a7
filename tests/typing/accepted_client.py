"""What type checkers accept of calls of workflows, in strict mode, and what they know of the answers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any, assert_type

from iwf_py import (
    AsyncClient,
    AttributeValue,
    Client,
    ClientOptions,
    Communication,
    CronSchedule,
    ObjectEncoder,
    ObjectWorkflow,
    Persistence,
    Registry,
    StateDecision,
    StateSchema,
    StopWorkflowOptions,
    UnregisteredClient,
    WorkerApp,
    WorkerOptions,
    WorkflowContext,
    WorkflowHandle,
    WorkflowIDReusePolicy,
    WorkflowInfo,
    WorkflowOptions,
    WorkflowOutcome,
    WorkflowState,
    WorkflowStatus,
    rpc,
    worker_app,
)


@dataclass
class Form:
    email: str


class SubmitState(WorkflowState[Form]):
    def execute(self, input: Form) -> StateDecision:
        return StateDecision.dead_end


class Signup(ObjectWorkflow):
    def get_workflow_states(self) -> StateSchema:
        return StateSchema.with_starting_state(SubmitState())

    @rpc()
    def verify(self, source: str, persistence: Persistence, communication: Communication) -> str:
        return "done"

    @rpc()
    async def read(self, ctx: WorkflowContext) -> Form:
        return Form("a@b")

    @rpc()
    def maybe(self, form: Form | None, persistence: Persistence) -> Form | None:
        return form

    @rpc()
    def nothing(self) -> None:
        return None


class Inherits(Signup):
    pass


def calls(client: Client) -> None:
    assert_type(client.start_workflow(Signup, "alice", 3600, Form("a@b")), str)
    client.start_workflow(Signup, "alice", timedelta(hours=1), options=WorkflowOptions(initial_data_attributes={"a": 1}))
    options = WorkflowOptions(
        workflow_cron_schedule=CronSchedule("@daily", "Europe/Berlin"),
        workflow_id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
        wait_for_completion_state_ids=["a"],
        wait_for_completion_state_execution_ids=[("a", 1), "b-2"],
    )
    options.wait_for_completion_state_ids = ["a", "b"]
    options.workflow_cron_schedule = "@hourly"
    assert_type(options.wait_for_completion_state_ids, list[str])
    client.start_workflow(Signup, "alice", options=options)
    client.start_workflow("Signup", "alice")
    assert_type(client.invoke_rpc("alice", Signup.verify, "email"), str)
    assert_type(client.invoke_rpc("alice", Signup().verify, "email", workflow_run_id="r"), str)
    assert_type(client.invoke_rpc("alice", Inherits.verify, "email"), str)
    assert_type(client.invoke_rpc("alice", Signup.read), Form)
    assert_type(client.invoke_rpc("alice", Signup.maybe), Form | None)
    assert_type(client.invoke_rpc("alice", Signup.maybe, Form("a@b")), Form | None)
    assert_type(client.invoke_rpc("alice", Signup.verify, "email", int), int)
    assert_type(client.invoke_rpc("alice", Signup.read, return_type_hint=Form), Form)
    client.invoke_rpc("alice", Signup.nothing)
    assert_type(client.wait_for_workflow_completion("alice", str), str | None)
    assert_type(client.wait_for_workflow_completion("alice", list[int], timeout=None), list[int] | None)
    client.wait_for_workflow_completion("alice", int | None)
    assert_type(client.wait_for_workflow_completion("alice"), Any)
    assert_type(client.get_simple_workflow_result_with_wait("alice", str), str | None)
    assert_type(client.wait_for_workflow_results("alice", str, timeout=timedelta(seconds=3)), list[str])
    assert_type(client.get_workflow_result("alice", Form), Form | None)
    assert_type(client.get_workflow_results("alice"), list[Any])
    outcome = client.wait_for_workflow_outcome("alice", timeout=None)
    assert_type(outcome, WorkflowOutcome)
    assert_type(outcome.results(str, state=SubmitState), list[str])
    assert_type(outcome.result(str), str | None)
    assert_type(client.get_workflow_outcome("alice").results(), list[Any])
    by_number = client.wait_for_state_execution_completion_with_state_execution_id
    assert_type(by_number(SubmitState, "alice", 2, type_hint=str, workflow_run_id="r"), str | None)
    assert_type(by_number("SubmitState", "alice"), Any)
    by_key = client.wait_for_state_execution_completion_with_wait_for_key
    assert_type(by_key(SubmitState, "alice", "key", type_hint=Form), Form | None)
    assert_type(client.wait_for_data_attribute(Signup, "alice", "status", "done"), AttributeValue)
    client.wait_for_data_attribute(Signup, "alice", "count", until=lambda count: count > 3, since=2)
    assert_type(client.describe_workflow("alice"), WorkflowInfo)
    assert_type(client.describe_workflow("alice").workflow_status, WorkflowStatus)
    client.signal_workflow("alice", "mail", 3, workflow_class=Signup)
    client.publish_to_internal_channel(Signup, "alice", "verify")
    client.skip_timer_by_command_id("alice", SubmitState, "t", 2)
    client.skip_timer_at_command_index("alice", "SubmitState", 1, 0)
    client.stop_workflow("alice", StopWorkflowOptions(reason="why"))


def handles(client: Client) -> None:
    handle = client.start(Signup, "alice", Form("a@b"), timeout=3600)
    assert_type(handle, WorkflowHandle[Signup])
    assert_type(handle.call(Signup.verify, "email"), str)
    assert_type(handle.call(Signup.read), Form)
    assert_type(handle.call(Signup.maybe), Form | None)
    assert_type(handle.result(str), str | None)
    assert_type(handle.results(str), list[str])
    assert_type(client.get(Inherits, "bob").call(Signup.verify, "email"), str)
    assert_type(client.get(Inherits, "bob").call(Inherits.verify, "email"), str)
    handle.skip_timer(SubmitState, index=1)
    assert_type(handle.outcome(), WorkflowOutcome)
    assert_type(handle.wait_for_state(SubmitState, key="key", type_hint=str), str | None)
    assert_type(handle.wait_for_attribute("status", None).revision, int)


def made(registry: Registry, options: ClientOptions) -> tuple[Client, Client, AsyncClient, UnregisteredClient]:
    assert_type(worker_app(registry, WorkerOptions(ObjectEncoder.default)), WorkerApp)
    return Client(registry), Client(registry, options), AsyncClient(registry, options), UnregisteredClient(options)


async def awaited(client: AsyncClient) -> None:
    assert_type(await client.start_workflow(Signup, "alice", 3600, Form("a@b")), str)
    assert_type(await client.invoke_rpc("alice", Signup.verify, "email"), str)
    assert_type(await client.invoke_rpc("alice", Signup.read), Form)
    assert_type(await client.wait_for_workflow_completion("alice", str), str | None)
    handle = await client.start(Signup, "alice", Form("a@b"))
    assert_type(await handle.call(Signup.verify, "email"), str)
    assert_type(await handle.result(str), str | None)
    assert_type(await handle.wait_for_state(SubmitState, type_hint=str), Any)
    assert_type(await client.wait_for_data_attribute(Signup, "alice", "status"), AttributeValue)
