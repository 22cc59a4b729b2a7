"""Workflows of the tests of the embedded engine, and of the scripts that they run in processes of their own."""

import threading
from dataclasses import dataclass

from iwf_py.authoring.communication import Communication
from iwf_py.authoring.communication_schema import CommunicationMethod, CommunicationSchema
from iwf_py.authoring.persistence import Persistence
from iwf_py.authoring.persistence_schema import PersistenceField, PersistenceSchema
from iwf_py.authoring.registry import Registry
from iwf_py.authoring.rpc import rpc
from iwf_py.authoring.state_decision import StateDecision
from iwf_py.authoring.state_schema import StateSchema
from iwf_py.authoring.workflow import ObjectWorkflow
from iwf_py.authoring.workflow_state import WorkflowState
from iwf_py.authoring.workflow_state_options import WorkflowStateOptions
from iwf_py.model.commands import CommandRequest, InternalChannelCommand, TimerCommand
from iwf_py.model.options import RetryPolicy


@dataclass
class Form:
    username: str
    reminder_seconds: float = 86400


class Submit(WorkflowState[Form]):
    def execute(self, ctx, input, command_results, persistence, communication):
        persistence.set_data_attribute("form", input)
        persistence.set_data_attribute("status", "waiting")
        return StateDecision.single_next_state(Verify)


class Verify(WorkflowState[None]):
    def wait_until(self, ctx, input, persistence, communication):
        form = persistence.get_data_attribute("form")
        return CommandRequest.for_any_command_completed(
            TimerCommand.by_seconds(form.reminder_seconds), InternalChannelCommand.by_name("verify")
        )

    def execute(self, ctx, input, command_results, persistence, communication):
        if command_results.received("verify"):
            return StateDecision.graceful_complete_workflow("done")
        count = persistence.get_data_attribute("reminders") or 0
        persistence.set_data_attribute("reminders", count + 1)
        return StateDecision.single_next_state(Verify)


class Signup(ObjectWorkflow):
    """Waits for a verification, and counts reminders meanwhile."""

    def get_workflow_states(self):
        return StateSchema.with_starting_state(Submit(), Verify())

    def get_persistence_schema(self):
        return PersistenceSchema.create(
            PersistenceField.data_attribute_def("form", Form),
            PersistenceField.data_attribute_def("status", str),
            PersistenceField.data_attribute_def("reminders", int),
        )

    def get_communication_schema(self):
        return CommunicationSchema.create(CommunicationMethod.internal_channel_def("verify", None))

    @rpc()
    def verify(self, persistence: Persistence, communication: Communication) -> str:
        if persistence.get_data_attribute("status") == "verified":
            return "already verified"
        persistence.set_data_attribute("status", "verified")
        communication.publish_to_internal_channel("verify")
        return "done"

    @rpc()
    def reminders(self, persistence: Persistence) -> int:
        return persistence.get_data_attribute("reminders") or 0


class Double(WorkflowState[int]):
    def execute(self, ctx, input, command_results, persistence, communication):
        return StateDecision.graceful_complete_workflow(input * 2)


class Doubling(ObjectWorkflow):
    """Answers twice its input."""

    def get_workflow_states(self):
        return StateSchema.with_starting_state(Double())


class DoubleLater(WorkflowState[int]):
    async def wait_until(self, ctx, input, persistence, communication):
        return CommandRequest.empty()

    async def execute(self, ctx, input, command_results, persistence, communication):
        return StateDecision.graceful_complete_workflow(input * 2)


class DoublingLater(ObjectWorkflow):
    """The same by coroutines."""

    def get_workflow_states(self):
        return StateSchema.with_starting_state(DoubleLater())


class Hang(WorkflowState[None]):
    """Hangs until the test lets go; every call is noted."""

    def __init__(self):
        self.let_go = threading.Event()
        self.called = threading.Semaphore(0)

    def execute(self, ctx, input, command_results, persistence, communication):
        self.called.release()
        self.let_go.wait(60)
        return StateDecision.graceful_complete_workflow("let go")


class Hanging(ObjectWorkflow):
    """Begins with a state that hangs."""

    def __init__(self, hang=None):
        self.hang = hang or Hang()

    def get_workflow_states(self):
        return StateSchema.with_starting_state(self.hang)


class Stuck(Hang):
    """Hangs at its first attempt, which is given up after a moment; the second one is quick."""

    def get_state_options(self):
        policy = RetryPolicy(initial_interval_seconds=0.01)
        return WorkflowStateOptions(execute_api_timeout_seconds=0.05, execute_api_retry_policy=policy)

    def execute(self, ctx, input, command_results, persistence, communication):
        if ctx.attempt > 1:
            return StateDecision.graceful_complete_workflow(ctx.attempt)
        return super().execute(ctx, input, command_results, persistence, communication)


class Nest(WorkflowState[int]):
    """Starts a workflow by the client of the engine that runs it, and waits for it; so many levels deep."""

    client = None

    def execute(self, ctx, input, command_results, persistence, communication):
        child = f"{ctx.workflow_id}/{input}"
        if input:
            self.client.start_workflow(Nesting, child, 0, input - 1)
            return StateDecision.graceful_complete_workflow(self.client.wait_for_workflow_completion(child, int) + 1)
        return StateDecision.graceful_complete_workflow(0)


class Nesting(ObjectWorkflow):
    """Calls itself."""

    def __init__(self, nest=None):
        self.nest = nest or Nest()

    def get_workflow_states(self):
        return StateSchema.with_starting_state(self.nest)


def registry():
    return Registry(Signup(), Doubling(), DoublingLater())
