"""What type checkers refuse of attributes and channels that a class declares: each line that ends in a mark is an error."""

from __future__ import annotations

from dataclasses import dataclass

from iwf_py import (
    CommandResults,
    Communication,
    DataAttribute,
    InternalChannel,
    ObjectWorkflow,
    Persistence,
    PersistenceSchema,
    SearchAttributeKey,
    SignalChannel,
)


@dataclass
class Form:
    email: str


class Signup(ObjectWorkflow):
    form = DataAttribute(Form)
    note = DataAttribute.prefix(str)
    age = SearchAttributeKey.int64()
    verified = InternalChannel(None)
    rooms = InternalChannel.prefix(int)
    mail = SignalChannel(Form)
    numbered = DataAttribute(Form, 3)  # refused


class Wrong(ObjectWorkflow):
    states = (Form, 3)  # refused

    def get_persistence_schema(self) -> PersistenceSchema:
        return PersistenceSchema.create("form")  # refused


def values(persistence: Persistence, communication: Communication, results: CommandResults) -> None:
    Signup.form.set(persistence, "a@b")  # refused
    Signup.form.set(communication, Form("a@b"))  # refused
    Signup.note["a"].set(persistence, 3)  # refused
    Signup.note[3]  # refused
    Signup.age.set(persistence, "3")  # refused
    Signup.verified.publish(communication, 3)  # refused
    Signup.rooms["7"].publish(communication, "7")  # refused
    Signup.mail.publish(communication, Form("a@b"))  # refused
    text: str | None = Signup.form.get(persistence)  # refused
    Signup.mail.command(at_most="2")  # refused
