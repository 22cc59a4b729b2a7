"""The signup workflow, from a form that was submitted to an address that is verified."""

from __future__ import annotations

from datetime import timedelta

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
    StateDecision,
    StateSchema,
    T,
    TimerCommand,
    WorkflowContext,
    WorkflowState,
    rpc,
)
from sample_apps.signup.form import Form
from sample_apps.signup.mail import Letters

data_attribute_form = "form"
data_attribute_status = "status"
data_attribute_verified_source = "source"

verify_channel = "verify"


class SubmitState(WorkflowState[Form]):
    def __init__(self, letters: Letters) -> None:
        self.letters = letters

    def execute(
        self,
        ctx: WorkflowContext,
        input: Form,
        command_results: CommandResults,
        persistence: Persistence,
        communication: Communication,
    ) -> StateDecision:
        persistence.set_data_attribute(data_attribute_form, input)
        persistence.set_data_attribute(data_attribute_status, "waiting")
        self.letters.send_verification(ctx, input)
        return StateDecision.single_next_state(VerifyState)


class VerifyState(WorkflowState[None]):
    def __init__(self, letters: Letters, reminder_seconds: float) -> None:
        self.letters = letters
        self.reminder_seconds = reminder_seconds

    def wait_until(
        self, ctx: WorkflowContext, input: T, persistence: Persistence, communication: Communication
    ) -> CommandRequest:
        return CommandRequest.for_any_command_completed(
            TimerCommand.timer_command_by_duration(timedelta(seconds=self.reminder_seconds)),
            InternalChannelCommand.by_name(verify_channel),
        )

    def execute(
        self,
        ctx: WorkflowContext,
        input: T,
        command_results: CommandResults,
        persistence: Persistence,
        communication: Communication,
    ) -> StateDecision:
        form = persistence.get_data_attribute(data_attribute_form)
        if command_results.internal_channel_commands[0].status == ChannelRequestStatus.RECEIVED:
            self.letters.send_welcome(ctx, form)
            return StateDecision.graceful_complete_workflow("done")
        self.letters.send_reminder(ctx, form)
        return StateDecision.single_next_state(VerifyState)


class UserSignupWorkflow(ObjectWorkflow):
    def __init__(self, letters: Letters, reminder_seconds: float = 10) -> None:
        self.letters = letters
        self.reminder_seconds = reminder_seconds

    def get_workflow_states(self) -> StateSchema:
        return StateSchema.with_starting_state(
            SubmitState(self.letters), VerifyState(self.letters, self.reminder_seconds)
        )

    def get_persistence_schema(self) -> PersistenceSchema:
        return PersistenceSchema.create(
            PersistenceField.data_attribute_def(data_attribute_form, Form),
            PersistenceField.data_attribute_def(data_attribute_status, str),
            PersistenceField.data_attribute_def(data_attribute_verified_source, str),
        )

    def get_communication_schema(self) -> CommunicationSchema:
        return CommunicationSchema.create(CommunicationMethod.internal_channel_def(verify_channel, None))

    @rpc()
    def verify(self, source: str, persistence: Persistence, communication: Communication) -> str:
        status = persistence.get_data_attribute(data_attribute_status)
        if status == "verified":
            return "already verified"
        persistence.set_data_attribute(data_attribute_status, "verified")
        persistence.set_data_attribute(data_attribute_verified_source, source)
        communication.publish_to_internal_channel(verify_channel)
        return "done"
