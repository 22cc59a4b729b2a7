"""Workflows of the tests of the in-memory host."""

from iwf_py.authoring.communication import Communication
from iwf_py.authoring.communication_schema import CommunicationMethod, CommunicationSchema
from iwf_py.authoring.persistence import Persistence
from iwf_py.authoring.persistence_schema import PersistenceField, PersistenceSchema
from iwf_py.authoring.rpc import rpc
from iwf_py.authoring.state_decision import StateDecision
from iwf_py.authoring.state_movement import StateMovement
from iwf_py.authoring.state_schema import StateSchema
from iwf_py.authoring.workflow import ObjectWorkflow
from iwf_py.authoring.workflow_state import WorkflowState
from iwf_py.model.commands import CommandRequest, InternalChannelCommand, TimerCommand


class RemindState(WorkflowState[int]):
    """Reminds every day until it is verified."""

    def wait_until(self, ctx, input, persistence, communication):
        return CommandRequest.for_any_command_completed(
            TimerCommand.by_seconds(86400, "reminder"), InternalChannelCommand.by_name("verified")
        )

    def execute(self, ctx, input, command_results, persistence, communication):
        if command_results.received("verified"):
            return StateDecision.graceful_complete_workflow(input)
        return StateDecision.single_next_state(RemindState, input + 1)


class Reminders(ObjectWorkflow):
    def get_workflow_states(self):
        return StateSchema.with_starting_state(RemindState())

    def get_persistence_schema(self):
        return PersistenceSchema.create(PersistenceField.data_attribute_def("seen", int))

    def get_communication_schema(self):
        return CommunicationSchema.create(CommunicationMethod.internal_channel_def("verified", None))

    @rpc()
    def verify(self, persistence: Persistence, communication: Communication) -> str:
        persistence.set_data_attribute("seen", 1)
        communication.publish_to_internal_channel("verified")
        return "done"


class Spread(WorkflowState[int]):
    """Opens so many threads."""

    def execute(self, ctx, input, command_results, persistence, communication):
        return StateDecision.multi_next_states(*[StateMovement.create(Thread, number) for number in range(input)])


class Thread(WorkflowState[int]):
    """Ends with its number."""

    def execute(self, ctx, input, command_results, persistence, communication):
        return StateDecision.graceful_complete_workflow(input)


class Threads(ObjectWorkflow):
    def get_workflow_states(self):
        return StateSchema.with_starting_state(Spread(), Thread())


class Ask(WorkflowState[str]):
    """Asks the engine that runs it, through its client: starts another workflow and waits for it."""

    client = None

    def execute(self, ctx, input, command_results, persistence, communication):
        self.client.start_workflow(Threads, input, 60, 1)
        answer = self.client.wait_for_workflow_completion(input, int)
        return StateDecision.graceful_complete_workflow(["asked", answer])


class Parent(ObjectWorkflow):
    def __init__(self, ask):
        self.ask = ask

    def get_workflow_states(self):
        return StateSchema.with_starting_state(self.ask)


class Await(WorkflowState[int]):
    """A coroutine."""

    async def execute(self, ctx, input, command_results, persistence, communication):
        return StateDecision.graceful_complete_workflow(input + 1)


class Awaiting(ObjectWorkflow):
    def get_workflow_states(self):
        return StateSchema.with_starting_state(Await())


class Interrupt(WorkflowState[None]):
    """Is interrupted while it runs, as by a Ctrl-C."""

    def execute(self, ctx, input, command_results, persistence, communication):
        raise KeyboardInterrupt


class Interrupted(ObjectWorkflow):
    def get_workflow_states(self):
        return StateSchema.with_starting_state(Interrupt())
