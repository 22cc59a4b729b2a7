"""Attributes and channels as class attributes: declared, named and typed in one place."""

import copy
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest

from iwf_py import (
    CommandRequest,
    CommandResults,
    Communication,
    CommunicationMethod,
    CommunicationSchema,
    DataAttribute,
    InternalChannel,
    InternalChannelCommand,
    NotRegisteredError,
    ObjectWorkflow,
    Persistence,
    PersistenceField,
    PersistenceLoadingPolicy,
    PersistenceLoadingType,
    PersistenceSchema,
    Registry,
    SearchAttributeKey,
    SearchAttributeValueType,
    SignalChannel,
    SignalChannelCommand,
    StateDecision,
    StateSchema,
    WorkflowDefinitionError,
    WorkflowOptions,
    WorkflowState,
    rpc,
)
from iwf_py.model.status import ChannelFamily
from iwf_py.testing import (
    TestEngine,
    command_results,
    internal_received,
    signal_received,
    timer_fired,
    timer_scheduled,
)

LOCK = PersistenceLoadingType.LOAD_PARTIAL_WITH_EXCLUSIVE_LOCK


@dataclass
class Form:
    email: str


class Shared:
    """A mixin may declare, too."""

    created = SearchAttributeKey.datetime()


class Submit(WorkflowState[Form]):
    def execute(self, input: Form, persistence: Persistence, communication: Communication):
        Signup.form.set(persistence, input)
        Signup.note["a"].set(persistence, "first")
        Signup.created.set(persistence, datetime(2026, 1, 1, tzinfo=UTC))
        Signup.city.set(persistence, "Bonn")
        Signup.verified.publish(communication)
        Signup.rooms["7"].publish(communication, 7)
        return StateDecision.single_next_state(Verify)


class Verify(WorkflowState[None]):
    def wait_until(self):
        return CommandRequest.for_all_command_completed(
            Signup.verified.command(),
            Signup.rooms["7"].command("room"),
            Signup.mail.command(at_most=2),
            Signup.votes["alice"].command(),
        )

    def execute(self, command_results: CommandResults):
        assert command_results.received(Signup.verified) == (None,)
        assert command_results.received(Signup.rooms["7"]) == (7,)
        assert command_results.internal(Signup.rooms["7"]).command_id == "room"
        assert command_results.signal(Signup.mail).value == Form("b@c")
        return StateDecision.force_complete_if_signal_channel_empty_or_else(
            Signup.mail, command_results.received(Signup.votes["alice"])[0], Verify
        )


class Signup(Shared, ObjectWorkflow):
    form = DataAttribute(Form)
    count = DataAttribute(int, "how-many")
    note = DataAttribute.prefix(str)
    city = SearchAttributeKey.keyword()
    verified = InternalChannel(None)
    rooms = InternalChannel.prefix(int, "room/")
    mail = SignalChannel(Form)
    votes = SignalChannel.prefix(bool)
    states = (Submit, Verify())

    @rpc(
        data_attribute_loading_policy=PersistenceLoadingPolicy(
            LOCK, [form, note], [form, count], use_key_as_prefix=True
        )
    )
    def read(self, persistence: Persistence) -> tuple[Form | None, dict[str, str], int]:
        return Signup.form.get(persistence), Signup.note.all(persistence), Signup.count.get(persistence, 3)


def definition(cls):
    return Registry(cls).definition(cls)


def test_the_class_attribute_names_what_it_declares():
    """
    Prefixes end in a hyphen, which no attribute's name has; a name may be given instead.
    """
    found = definition(Signup)

    assert dict(found.attributes.exact) == {"form": Form, "how-many": int}
    assert dict(found.attributes.prefixes) == {"note-": str}
    assert found.search_attributes == {"created": "DATETIME", "city": "KEYWORD"}
    assert dict(found.channels[ChannelFamily.INTERNAL].exact) == {"verified": type(None)}
    assert dict(found.channels[ChannelFamily.INTERNAL].prefixes) == {"room/": int}
    assert dict(found.channels[ChannelFamily.SIGNAL].exact) == {"mail": Form}
    assert dict(found.channels[ChannelFamily.SIGNAL].prefixes) == {"votes-": bool}
    assert list(found.states) == ["Submit", "Verify"]
    assert found.start.state_id == "Submit"


def test_it_is_its_own_name():
    """
    It compares, hashes, prints and copies as its text, on the class and on an instance.
    """
    assert Signup.form == "form" == Signup().form
    assert {Signup.form: 1}["form"] == {"form": 1}[Signup.form] == 1
    assert (repr(Signup.form), f"{Signup.form}", Signup.note["a"]) == ("'form'", "form", "note-a")
    assert copy.deepcopy({Signup.form: 1}) == {"form": 1}
    assert repr(DataAttribute(int)) == "<DataAttribute without a name>"


def test_it_works_wherever_a_name_is_wanted():
    """
    In states, RPCs and calls of clients; what is stored and answered has plain names.
    """
    with TestEngine(Signup()) as engine:
        options = WorkflowOptions(
            initial_data_attributes={Signup.count: 5}, initial_search_attributes={Signup.city: "Ulm"}
        )
        handle = engine.client.start(Signup, "alice", Form("a@b"), options=options)
        engine.run_until_idle()
        handle.signal(Signup.mail, Form("b@c"))
        handle.publish(Signup.rooms["8"], 3)
        engine.client.signal_workflow("alice", Signup.votes["alice"], True, workflow_class=Signup)

        assert handle.result(bool) is True
        assert handle.call(Signup.read) == (Form("a@b"), {"a": "first"}, 5)
        assert handle.get_attributes(Signup.form, Signup.note["a"])[Signup.form] == Form("a@b")
        assert handle.get_search_attributes(Signup.city)[Signup.city] == "Bonn"
        keys = [*handle.get_attributes(), *handle.get_search_attributes()]
        assert [type(key) for key in keys] == [str] * len(keys)
        assert [name for _, name in handle.describe().channel_sizes] == ["room/8"]


def test_values_are_read_and_written(persistence):
    """
    By the declared type: a datetime as such, a default in the place of nothing, None deletes.
    """
    view = persistence(Signup(), {"note-b": "second", "note-c": "third", "gone-d": "of an older class"})

    Signup.note["a"].set(view, "first")
    Signup.note["c"].set(view, None)
    Signup.created.set(view, datetime(2026, 1, 1, 12, tzinfo=UTC))

    assert Signup.note.all(view) == {"a": "first", "b": "second"}
    assert view.get_data_attribute(Signup.note["b"]) == "second"
    assert (Signup.count.get(view), Signup.count.get(view, 7)) == (None, 7)
    assert Signup.created.get(view) == datetime(2026, 1, 1, 12, tzinfo=UTC)
    assert (Signup.city.get(view), Signup.city.get(view, "Bonn")) == (None, "Bonn")
    with pytest.raises(WorkflowDefinitionError, match="data attribute 'form': expected Form"):
        Signup.form.set(view, "a@b")


def test_digits_are_nanoseconds_since_1970(persistence):
    """
    As the protocol writes instants; the text itself is what the other reader gives.
    """
    view = persistence(Signup())

    view.set_search_attribute_datetime(Signup.created, "1767225600000000000")

    assert Signup.created.get(view) == datetime(2026, 1, 1, tzinfo=UTC)
    assert view.get_search_attribute_datetime(Signup.created) == "1767225600000000000"


@pytest.mark.parametrize(
    ("make", "value_type", "value"),
    [
        (SearchAttributeKey.keyword, "KEYWORD", "a"),
        (SearchAttributeKey.text, "TEXT", "a b"),
        (SearchAttributeKey.int64, "INT", 2**62),
        (SearchAttributeKey.double, "DOUBLE", 0.5),
        (SearchAttributeKey.boolean, "BOOL", False),
        (SearchAttributeKey.datetime, "DATETIME", datetime(2026, 1, 1, tzinfo=UTC)),
        (SearchAttributeKey.keyword_array, "KEYWORD_ARRAY", ["a", "b"]),
        (lambda: SearchAttributeKey("INT"), "INT", 3),
        (lambda: SearchAttributeKey(SearchAttributeValueType.TEXT, "other"), "TEXT", "a"),
    ],
)
def test_every_type_of_search_attribute(persistence, make, value_type, value):
    """
    Each has its method, or is named by its type.
    """
    cls = type("Flow", (ObjectWorkflow,), {"it": make()})
    view = persistence(cls())

    cls.it.set(view, value)

    assert list(definition(cls).search_attributes.values()) == [value_type]
    assert cls.it.get(view) == value
    assert type(view.search_attribute_writes[0].key) is str


def test_channels_are_counted_and_published_to(communication):
    """
    Of both kinds, by name and by prefix.
    """
    sizes = {(ChannelFamily.INTERNAL, "room/7"): 2, (ChannelFamily.SIGNAL, "mail"): 3}
    channels = communication(Signup(), channel_sizes=sizes)

    Signup.rooms["7"].publish(channels, 7)

    assert (Signup.rooms["7"].size(channels), Signup.mail.size(channels), Signup.votes["x"].size(channels)) == (3, 3, 0)
    assert type(channels.messages[0].channel_name) is str


def test_commands_are_those_of_the_factories():
    """
    With their bounds and ids.
    """
    assert Signup.verified.command("c", at_least=2, at_most=3) == InternalChannelCommand.by_name(
        "verified", "c", at_least=2, at_most=3
    )
    assert Signup.mail.command() == SignalChannelCommand.by_name("mail")
    assert type(Signup.mail.command().channel_name) is str


def test_received_looks_at_the_kind_of_channel():
    """
    A text means channels of either kind; a declared channel knows its own.
    """
    results = command_results(
        internal_received("x", 1), signal_received("x", 2, 3), internal_received("x", 4), internal_received("done")
    )

    assert results.received("x") == (1, 4, 2, 3)
    assert results.received(InternalChannel(int, "x")) == (1, 4)
    assert results.received(SignalChannel(int, "x")) == (2, 3)
    assert results.received("done") == (None,)
    assert results.received("other") == ()


def test_timers_are_told_by_their_ids():
    """
    Without one: is any over? One that no command had is told, with those that there are.
    """
    results = command_results(timer_fired("soon"), timer_scheduled("late"), timer_scheduled())

    assert results.timer_fired()
    assert results.timer_fired("soon")
    assert not results.timer_fired("late")
    assert not command_results(timer_scheduled()).timer_fired()
    with pytest.raises(NotRegisteredError, match=r"no timer command had the id 'never'; there are \['late', 'soon'\]"):
        results.timer_fired("never")


class TestSchemas:
    """How declarations and schemas come together."""

    def test_schemas_show_them_by_default(self):
        """
        In the order of their writing, bases first.
        """
        fields = Signup().get_persistence_schema().persistence_fields

        assert [field.key for field in fields] == ["created", "form", "how-many", "note-", "city"]
        assert [method.name for method in Signup().get_communication_schema().communication_methods] == [
            "verified",
            "room/",
            "mail",
            "votes-",
        ]

    def test_they_combine_with_what_a_schema_lists(self):
        """
        Whether the schema takes them up or not, they count once.
        """

        class Flow(ObjectWorkflow):
            form = DataAttribute(Form)
            verified = InternalChannel(None)

            def get_persistence_schema(self):
                return PersistenceSchema.create(PersistenceField.data_attribute_def("other", int))

            def get_communication_schema(self):
                inherited = super().get_communication_schema().communication_methods
                return CommunicationSchema.create(*inherited, CommunicationMethod.signal_channel_def("mail", None))

        class Listing(ObjectWorkflow):
            form = DataAttribute(Form)

            def get_persistence_schema(self):
                return PersistenceSchema.create(self.form)

        found = definition(Flow)

        assert dict(found.attributes.exact) == {"other": int, "form": Form}
        assert list(found.channels[ChannelFamily.INTERNAL].exact) == ["verified"]
        assert list(found.channels[ChannelFamily.SIGNAL].exact) == ["mail"]
        assert list(definition(Listing).attributes.exact) == ["form"]

    def test_they_may_stand_in_a_module(self):
        """
        With a name, and a schema that lists them.
        """
        form, done = DataAttribute(Form, "form"), InternalChannel(None, "done")

        class Flow(ObjectWorkflow):
            def get_persistence_schema(self):
                return PersistenceSchema.create(form)

            def get_communication_schema(self):
                return CommunicationSchema.create(done)

        found = definition(Flow)

        assert found.attributes.type_of(form) is Form
        assert found.channels[ChannelFamily.INTERNAL].type_of("done") is type(None)

    def test_a_subclass_overrides_and_drops(self):
        """
        By the name of the class attribute.
        """

        class Child(Signup):
            form = DataAttribute(str)
            mail = None
            more = DataAttribute(int)

        found = definition(Child)

        assert dict(found.attributes.exact) == {"form": str, "how-many": int, "more": int}
        assert dict(found.channels[ChannelFamily.SIGNAL].exact) == {}

    def test_two_names_for_one_are_one(self):
        """
        The first counts.
        """

        class Flow(ObjectWorkflow):
            form = DataAttribute(Form)
            also = form

        assert Flow.also is Flow.form
        assert list(definition(Flow).attributes.exact) == ["form"]

    def test_what_is_declared_twice_is_named(self):
        """
        All of it at once, with everything else.
        """

        class Flow(ObjectWorkflow):
            one = DataAttribute(int, "same")
            two = DataAttribute(str, "same")
            done = InternalChannel(None)
            note = DataAttribute.prefix(str, "sa")
            wrong = DataAttribute("int")
            vague = SearchAttributeKey("WORD")

            def get_communication_schema(self):
                return CommunicationSchema.create(CommunicationMethod.internal_channel_def("done", None))

        with pytest.raises(WorkflowDefinitionError) as caught:
            Registry(Flow)

        assert caught.value.problems == (
            "Flow: data attribute 'same' is declared 2 times; declare it once",
            "Flow: data attribute 'wrong' has the text 'int' for a type; give the class itself",
            "Flow: data attribute 'same' falls under the prefix 'sa', too; rename one of them",
            "Flow: search attribute 'vague' needs a SearchAttributeValueType, got 'WORD'",
            "Flow: internal channel 'done' is declared 2 times; declare it once",
        )

    def test_one_without_a_name_is_told(self):
        """
        With the way out; and so is a prefix that is used before it has a name.
        """

        class Flow(ObjectWorkflow):
            pass

        Flow.late = DataAttribute(int)

        with pytest.raises(WorkflowDefinitionError, match=r"Flow: late has no name.*DataAttribute\(..., 'late'\)"):
            Registry(Flow)
        with pytest.raises(
            WorkflowDefinitionError, match="<DataAttributePrefix without a name> has no name: assign it"
        ):
            DataAttribute.prefix(int)["a"]
        with pytest.raises(WorkflowDefinitionError, match="'note-' goes on with a str, got 3"):
            Signup.note[3]


class TestStates:
    """The shorthand for the states."""

    def test_the_first_starts(self):
        """
        Instances and classes alike.
        """
        assert Signup().get_workflow_states() == StateSchema.with_starting_state(*Signup.states)
        assert StateSchema() == ObjectWorkflow().get_workflow_states()

    def test_the_method_counts_before_it(self):
        """
        Where a class has both.
        """

        class Flow(ObjectWorkflow):
            states = (Submit, Verify)

            def get_workflow_states(self):
                return StateSchema.no_starting_state(*self.states)

        assert definition(Flow).start is None

    @pytest.mark.parametrize("states", [(Submit, 3), [Form]])
    def test_what_is_no_state_is_told(self, states):
        """
        As in a schema.
        """
        with pytest.raises(WorkflowDefinitionError, match="a state must be a WorkflowState"):
            Registry(type("Flow", (ObjectWorkflow,), {"states": states}))

    def test_an_rpc_of_this_name_is_an_rpc(self):
        """
        Nothing is read into it.
        """

        class Map(ObjectWorkflow):
            @rpc()
            def states(self) -> list[str]:
                return ["Maine"]

        found = definition(Map)

        assert (list(found.rpcs), dict(found.states)) == (["states"], {})

    def test_one_class_is_no_list(self):
        """
        The method that reads it is named.
        """
        with pytest.raises(WorkflowDefinitionError, match="Flow: get_workflow_states raised TypeError"):
            Registry(type("Flow", (ObjectWorkflow,), {"states": Submit}))
