"""What type checkers know of attributes and channels that a class declares."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, assert_type

from iwf_py import (
    Client,
    CommandRequest,
    CommandResults,
    Communication,
    CommunicationSchema,
    DataAttribute,
    InternalChannel,
    InternalChannelCommand,
    ObjectWorkflow,
    Persistence,
    PersistenceLoadingPolicy,
    PersistenceSchema,
    Registry,
    SearchAttributeKey,
    SignalChannel,
    SignalChannelCommand,
    StateDecision,
    WorkflowContext,
    WorkflowState,
    rpc,
)


@dataclass
class Form:
    email: str


class Submit(WorkflowState[Form]):
    def wait_until(self, *, persistence: Persistence) -> CommandRequest:
        Signup.form.set(persistence, None)
        return CommandRequest.for_all_command_completed(Signup.verified.command(), Signup.votes["a"].command("id"))

    async def execute(self, form: Form, *, ctx: WorkflowContext, communication: Communication) -> StateDecision:
        return StateDecision.single_next_state(Submit, form)


class Signup(ObjectWorkflow):
    form = DataAttribute(Form)
    tags = DataAttribute(list[str], "the-tags")
    maybe = DataAttribute(int | None)
    note = DataAttribute.prefix(str)
    city = SearchAttributeKey.keyword()
    age = SearchAttributeKey.int64("years")
    created = SearchAttributeKey.datetime()
    colours = SearchAttributeKey.keyword_array()
    verified = InternalChannel(None)
    rooms = InternalChannel.prefix(int)
    mail = SignalChannel(Form)
    votes = SignalChannel.prefix(bool, "vote/")
    states = (Submit, Submit())

    @rpc(data_attribute_loading_policy=PersistenceLoadingPolicy(partial_loading_keys=[form, note], locking_keys=[form]))
    def read(self, persistence: Persistence) -> Form | None:
        return Signup.form.get(persistence)

    @rpc()
    def named(self, *, persistence: Persistence) -> int:
        return 3


registry = Registry()


@registry.workflow
class ListsThem(ObjectWorkflow):
    def get_persistence_schema(self) -> PersistenceSchema:
        return PersistenceSchema.create(Signup.form, Signup.note, Signup.city)

    def get_communication_schema(self) -> CommunicationSchema:
        return CommunicationSchema.create(Signup.verified, Signup.rooms, Signup.mail)


def values(persistence: Persistence, communication: Communication, results: CommandResults) -> None:
    assert_type(Signup.form, DataAttribute[Form])
    assert_type(Signup.form.get(persistence), Form | None)
    assert_type(Signup.form.get(persistence, Form("a@b")), Form)
    assert_type(Signup.tags.get(persistence, []), list[str])
    assert_type(Signup.maybe.get(persistence), Any | None)
    assert_type(Signup.note["a"].get(persistence), str | None)
    assert_type(Signup.note.all(persistence), dict[str, str])
    assert_type(Signup.city.get(persistence), str | None)
    assert_type(Signup.age.get(persistence, 3), int)
    assert_type(Signup.created.get(persistence), datetime | None)
    assert_type(Signup.colours.get(persistence), list[str] | None)
    assert_type(persistence.get_data_attribute(Signup.form), Form | None)
    assert_type(persistence.get_data_attribute("form"), Any)
    assert_type(results.received(Signup.mail), tuple[Form, ...])
    assert_type(results.received(Signup.votes["a"]), tuple[bool, ...])
    assert_type(results.received("mail"), tuple[Any, ...])
    assert_type(results.timer_fired("t"), bool)
    assert_type(Signup.verified.command(), InternalChannelCommand)
    assert_type(Signup.mail.command(at_least=2), SignalChannelCommand)
    Signup.verified.publish(communication)
    Signup.rooms["7"].publish(communication, 7)
    Signup.tags.set(persistence, ["a"])
    Signup.created.set(persistence, datetime.now())
    persistence.set_data_attribute(Signup.form, Form("a@b"))


def calls(client: Client) -> None:
    client.start_workflow(ListsThem, "lists")
    handle = client.start(Signup, "alice", Form("a@b"))
    handle.signal(Signup.mail, Form("a@b"))
    handle.publish(Signup.rooms["7"], 7)
    handle.get_attributes(Signup.form, Signup.note["a"])
    handle.set_attributes({Signup.form: Form("a@b")})
    assert_type(handle.call(Signup.read), Form | None)
    assert_type(handle.call(Signup.named), int)
    client.signal_workflow("alice", Signup.mail, Form("a@b"))
