"""The signup workflow of the seed, word for word, with nothing but its imports written anew."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

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
    Registry,
    StateDecision,
    StateSchema,
    T,
    TimerCommand,
    TimerStatus,
    WorkflowContext,
    WorkflowState,
    rpc,
)
from iwf_py.codec.payloads import JsonConverter
from iwf_py.model.decisions import GRACEFUL_COMPLETING, Decision, Movement
from iwf_py.model.invocations import (
    ExecuteResult,
    Invocation,
    InvocationKind,
    Publication,
    RpcResult,
    SealedChannelResult,
    SealedCommandResults,
    SealedTimerResult,
    WaitUntilResult,
    Writes,
)
from iwf_py.model.options import StateOptions
from iwf_py.model.status import ChannelFamily
from iwf_py.worker.handlers import Handlers


@dataclass
class Form:
    email: str
    name: str


data_attribute_form = "form"
data_attribute_status = "status"
data_attribute_verified_source = "source"
verify_channel = "verify"


# fmt: off
class SubmitState(WorkflowState[Form]):
    def execute(self, ctx: WorkflowContext, input: Form, command_results: CommandResults, persistence: Persistence,
                communication: Communication,
                ) -> StateDecision:
        persistence.set_data_attribute(data_attribute_form, input)
        persistence.set_data_attribute(data_attribute_status, "waiting")
        print(f"API to send verification email to {input.email}")
        return StateDecision.single_next_state(VerifyState)


class VerifyState(WorkflowState[None]):
    def wait_until(self, ctx: WorkflowContext, input: T, persistence: Persistence, communication: Communication,
                   ) -> CommandRequest:
        return CommandRequest.for_any_command_completed(
            TimerCommand.timer_command_by_duration(
                timedelta(seconds=10)
            ),  # use 10 seconds for demo
            InternalChannelCommand.by_name(verify_channel),
        )

    def execute(self, ctx: WorkflowContext, input: T, command_results: CommandResults, persistence: Persistence,
                communication: Communication,
                ) -> StateDecision:
        form = persistence.get_data_attribute(data_attribute_form)
        if (
                command_results.internal_channel_commands[0].status
                == ChannelRequestStatus.RECEIVED
        ):
            print(f"API to send welcome email to {form.email}")
            return StateDecision.graceful_complete_workflow("done")
        print(f"API to send the a reminder email to {form.email}")
        return StateDecision.single_next_state(VerifyState)


class UserSignupWorkflow(ObjectWorkflow):
    def get_workflow_states(self) -> StateSchema:
        return StateSchema.with_starting_state(SubmitState(), VerifyState())

    def get_persistence_schema(self) -> PersistenceSchema:
        return PersistenceSchema.create(
            PersistenceField.data_attribute_def(data_attribute_form, Form),
            PersistenceField.data_attribute_def(data_attribute_status, str),
            PersistenceField.data_attribute_def(data_attribute_verified_source, str),
        )

    def get_communication_schema(self) -> CommunicationSchema:
        return CommunicationSchema.create(
            CommunicationMethod.internal_channel_def(verify_channel, None)
        )

    @rpc()
    def verify(
            self, source: str, persistence: Persistence, communication: Communication
    ) -> str:
        status = persistence.get_data_attribute(data_attribute_status)
        if status == "verified":
            return "already verified"
        persistence.set_data_attribute(data_attribute_status, "verified")
        persistence.set_data_attribute(data_attribute_verified_source, source)
        communication.publish_to_internal_channel(verify_channel)
        return "done"
# fmt: on


NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
CONVERTER = JsonConverter()
ALICE = Form("alice@example.com", "Alice")


def call(kind, method, **fields):
    fields = {"state_execution_id": None if kind is InvocationKind.RPC else f"{method}-1", **fields}
    attributes = {key: CONVERTER.encode(value) for key, value in fields.pop("attributes", {}).items()}
    invocation = Invocation(
        kind=kind,
        namespace="default",
        workflow_type="UserSignupWorkflow",
        workflow_id="alice",
        run_id="run",
        started_at=NOON,
        first_attempt_at=NOON,
        method_name=method,
        attributes=attributes,
        timeout=timedelta(seconds=30),
        **fields,
    )
    return Handlers(Registry(UserSignupWorkflow()), CONVERTER).call(invocation)


def test_submit_keeps_the_form_and_goes_on_to_verify(capsys):
    """
    The starting state gets the form as its own class, writes it, and leads to VerifyState, which has a wait_until.
    """
    outcome = call(InvocationKind.EXECUTE, "SubmitState", input=CONVERTER.encode(ALICE))

    assert outcome == ExecuteResult(
        decision=Decision((Movement("VerifyState", None, None),)),
        writes=Writes(attributes=(("form", CONVERTER.encode(ALICE)), ("status", CONVERTER.encode("waiting")))),
    )
    assert capsys.readouterr().out == "API to send verification email to alice@example.com\n"


def test_verify_waits_for_the_timer_or_the_message():
    """
    wait_until answers the commands as the user wrote them.
    """
    outcome = call(InvocationKind.WAIT_UNTIL, "VerifyState")

    assert outcome == WaitUntilResult(
        commands=CommandRequest.for_any_command_completed(
            TimerCommand.by_seconds(10), InternalChannelCommand.by_name("verify")
        )
    )


@pytest.mark.parametrize(
    ("received", "mail", "movement"),
    [
        (True, "welcome email", Movement(GRACEFUL_COMPLETING, CONVERTER.encode("done"))),
        (False, "the a reminder email", Movement("VerifyState", None, None)),
    ],
)
def test_a_message_completes_and_a_timer_reminds(capsys, received, mail, movement):
    """
    execute tells by the status of the first channel command, and reads the form as its own class.
    """
    results = SealedCommandResults(
        timers=(SealedTimerResult(command_id=None, status=TimerStatus.SCHEDULED if received else TimerStatus.FIRED),),
        internals=(
            SealedChannelResult(
                family=ChannelFamily.INTERNAL,
                channel_name="verify",
                command_id=None,
                status=ChannelRequestStatus.RECEIVED if received else ChannelRequestStatus.WAITING,
                values=(None,) if received else (),
            ),
        ),
    )

    outcome = call(InvocationKind.EXECUTE, "VerifyState", results=results, attributes={"form": ALICE})

    assert outcome == ExecuteResult(decision=Decision((movement,)))
    assert mail in capsys.readouterr().out


def test_verify_is_written_once():
    """
    The first call of the RPC writes and publishes; a later one only reads.
    """
    first = call(InvocationKind.RPC, "verify", input=CONVERTER.encode("web"), attributes={"status": "waiting"})
    later = call(InvocationKind.RPC, "verify", input=CONVERTER.encode("web"), attributes={"status": "verified"})

    assert first == RpcResult(
        output=CONVERTER.encode("done"),
        writes=Writes(
            attributes=(("status", CONVERTER.encode("verified")), ("source", CONVERTER.encode("web"))),
            messages=(Publication(channel_name="verify"),),
        ),
    )
    assert later == RpcResult(output=CONVERTER.encode("already verified"))
    assert later.is_read_only


def test_a_state_without_wait_until_skips_it():
    """
    The engine's options say which states have no wait_until.
    """
    definition = Registry(UserSignupWorkflow()).definition(UserSignupWorkflow)

    assert definition.start is definition.states["SubmitState"]
    assert definition.state(SubmitState).options == StateOptions(skip_wait_until=True)
    assert definition.state(VerifyState).options == StateOptions()
