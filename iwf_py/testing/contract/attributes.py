"""What a run remembers: data attributes, search attributes, state locals, recorded events."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from iwf_py.authoring.communication_schema import CommunicationMethod, CommunicationSchema
from iwf_py.authoring.persistence import Persistence
from iwf_py.authoring.persistence_schema import PersistenceField, PersistenceSchema
from iwf_py.authoring.rpc import rpc
from iwf_py.authoring.state_decision import StateDecision
from iwf_py.authoring.state_schema import StateSchema
from iwf_py.authoring.workflow import ObjectWorkflow
from iwf_py.authoring.workflow_options import WorkflowOptions
from iwf_py.authoring.workflow_state import WorkflowState
from iwf_py.authoring.workflow_state_options import WorkflowStateOptions
from iwf_py.core.events import ExecuteReturned, WaitUntilReturned
from iwf_py.errors import IwfError, NotRegisteredError, WorkflowNotExistsError
from iwf_py.model.commands import CommandRequest, SignalChannelCommand
from iwf_py.model.options import PersistenceLoadingPolicy
from iwf_py.model.payload import NO_VALUE, Payload
from iwf_py.model.requests import GetAttributesRequest, SetAttributesRequest
from iwf_py.model.status import PersistenceLoadingType, SearchAttributeValueType
from iwf_py.testing.contract.host import ContractHost
from iwf_py.testing.contract.needs import Capability, needs


@dataclass
class Address:
    """A value with a shape."""

    street: str
    number: int


class Write(WorkflowState[None]):
    """Writes in wait_until and in execute, and reads what it has written at once."""

    def wait_until(self, ctx, input, persistence, communication):
        persistence.set_data_attribute("name", "early")
        persistence.set_state_execution_local("local", {"n": 1})
        persistence.record_event("waited", "because")
        return CommandRequest.empty()

    def execute(self, ctx, input, command_results, persistence, communication):
        seen = [persistence.get_data_attribute("name"), persistence.get_state_execution_local("local")]
        persistence.set_data_attribute("name", "late")
        persistence.set_data_attribute("home", Address("Long Lane", 7))
        persistence.set_data_attribute("note-1", 1)
        persistence.set_data_attribute("note-2", 2)
        persistence.set_data_attribute("gone", True)
        persistence.set_search_attribute_keyword("city", "Rome")
        persistence.set_search_attribute_int64("age", 2**62 + 1)
        persistence.set_search_attribute_double("weight", 1.5)
        persistence.set_search_attribute_boolean("is_member", True)
        persistence.set_search_attribute_keyword_array("tags", ["x", "y"])
        persistence.set_search_attribute_text("about", "some words")
        persistence.record_event("wrote", 1, 2)
        return StateDecision.single_next_state(Read, [*seen, persistence.get_data_attribute("name")])


class Read(WorkflowState[list[Any]]):
    """Sees what the state before it wrote, but not its locals; and deletes."""

    def execute(self, ctx, input, command_results, persistence, communication):
        seen = [
            persistence.get_data_attribute("name"),
            persistence.get_data_attribute("home").street,
            persistence.get_data_attribute("note-2"),
            persistence.get_data_attribute("absent"),
            persistence.get_state_execution_local("local"),
            persistence.get_search_attribute_keyword("city"),
            persistence.get_search_attribute_int64("age"),
            persistence.get_search_attribute_double("weight"),
            persistence.get_search_attribute_boolean("is_member"),
            persistence.get_search_attribute_keyword_array("tags"),
            persistence.get_search_attribute_text("about"),
        ]
        persistence.set_data_attribute("gone", None)
        persistence.set_search_attribute_text("about", None)
        return StateDecision.graceful_complete_workflow([input, seen])


def _schema() -> PersistenceSchema:
    return PersistenceSchema.create(
        PersistenceField.data_attribute_def("name", str),
        PersistenceField.data_attribute_def("home", Address),
        PersistenceField.data_attribute_def("gone", bool),
        PersistenceField.data_attribute_def("absent", str),
        PersistenceField.data_attribute_prefix_def("note-", int),
        PersistenceField.search_attribute_def("city", SearchAttributeValueType.KEYWORD),
        PersistenceField.search_attribute_def("age", SearchAttributeValueType.INT),
        PersistenceField.search_attribute_def("weight", SearchAttributeValueType.DOUBLE),
        PersistenceField.search_attribute_def("is_member", SearchAttributeValueType.BOOL),
        PersistenceField.search_attribute_def("tags", SearchAttributeValueType.KEYWORD_ARRAY),
        PersistenceField.search_attribute_def("about", SearchAttributeValueType.TEXT),
    )


class Scribe(ObjectWorkflow):
    """Writes every kind of attribute, and reads it back."""

    def get_workflow_states(self):
        return StateSchema.with_starting_state(Write(), Read())

    def get_persistence_schema(self):
        return _schema()


class Keep(WorkflowState[None]):
    """Waits for the word to go, then tells what it sees."""

    def wait_until(self, ctx, input, persistence, communication):
        return CommandRequest.for_all_command_completed(SignalChannelCommand.by_name("go"))

    def execute(self, ctx, input, command_results, persistence, communication):
        seen = [persistence.get_data_attribute("name"), persistence.get_search_attribute_keyword("city")]
        return StateDecision.graceful_complete_workflow(seen)


class Keeper(ObjectWorkflow):
    """Stays open until it is told to go, so that clients can write and read."""

    def get_workflow_states(self):
        return StateSchema.with_starting_state(Keep())

    def get_persistence_schema(self):
        return _schema()

    def get_communication_schema(self):
        return CommunicationSchema.create(CommunicationMethod.signal_channel_def("go", None))

    @rpc()
    def name(self, persistence: Persistence) -> str | None:
        return persistence.get_data_attribute("name")


POLICIES = {
    "LoadAll": PersistenceLoadingPolicy(PersistenceLoadingType.LOAD_ALL_WITHOUT_LOCKING),
    "LoadPart": PersistenceLoadingPolicy(PersistenceLoadingType.LOAD_PARTIAL_WITHOUT_LOCKING, ["name"]),
    "LoadPrefix": PersistenceLoadingPolicy(
        PersistenceLoadingType.LOAD_PARTIAL_WITHOUT_LOCKING, ["note-"], use_key_as_prefix=True
    ),
    "LoadNothingNamed": PersistenceLoadingPolicy(PersistenceLoadingType.LOAD_PARTIAL_WITHOUT_LOCKING),
    "LoadNone": PersistenceLoadingPolicy(PersistenceLoadingType.LOAD_NONE),
    "LoadLocked": PersistenceLoadingPolicy(
        PersistenceLoadingType.LOAD_PARTIAL_WITH_EXCLUSIVE_LOCK, ["name"], ["note-1"]
    ),
    "LoadAllLocked": PersistenceLoadingPolicy(PersistenceLoadingType.LOAD_ALL_WITH_PARTIAL_LOCK, (), ["name"]),
}


def _loaded(persistence: Persistence) -> list[Any]:
    return [persistence.get_data_attribute(key) for key in ("name", "note-1", "note-2")]


class Loading(WorkflowState[None]):
    """Tells what its policy has loaded."""

    policy = "LoadAll"

    def get_state_options(self):
        return WorkflowStateOptions(state_id=self.policy, data_attributes_loading_policy=POLICIES[self.policy])

    def execute(self, ctx, input, command_results, persistence, communication):
        return StateDecision.graceful_complete_workflow(_loaded(persistence))


def _loading(policy: str) -> WorkflowState[None]:
    state = Loading()
    state.policy = policy
    return state


class Choose(WorkflowState[str]):
    """Moves to the state that loads as the input says."""

    def execute(self, ctx, input, command_results, persistence, communication):
        return StateDecision.single_next_state(input)


class Loader(ObjectWorkflow):
    """One state for each loading policy."""

    def get_workflow_states(self):
        return StateSchema.with_starting_state(Choose(), *[_loading(policy) for policy in POLICIES])

    def get_persistence_schema(self):
        return _schema()


WORKFLOWS = (Scribe(), Keeper(), Loader())


def test_writes_are_seen_by_the_call_that_made_them_and_by_the_next_ones(host: ContractHost):
    """
    Within a call a read sees the buffered write; afterwards every state does; locals end with their state.
    """
    host.start(Scribe, "w")

    before, after = host.output("w")

    assert before == ["early", {"n": 1}, "late"]
    assert after == ["late", "Long Lane", 2, None, None, "Rome", 2**62 + 1, 1.5, True, ["x", "y"], "some words"]


def test_attributes_are_read_back_with_their_types(host: ContractHost):
    """
    A client reads what was declared, decoded by its type; what was deleted is not there.
    """
    host.start(Scribe, "w")

    values = host.client.get_all_workflow_data_attributes(Scribe, "w")

    assert values == {"home": Address("Long Lane", 7), "name": "late", "note-1": 1, "note-2": 2}


def test_named_attributes_are_read_alone(host: ContractHost):
    """
    Asked for some keys, a client gets those of them that exist.
    """
    host.start(Scribe, "w")

    values = host.client.get_workflow_data_attributes(Scribe, "w", keys=["note-2", "name", "gone"])

    assert values == {"name": "late", "note-2": 2}


def test_search_attributes_are_read_back_with_their_types(host: ContractHost):
    """
    Each type comes back as it was written; integers exactly; what was deleted is not there.
    """
    host.start(Scribe, "w")

    values = host.client.get_all_search_attributes(Scribe, "w")

    assert values == {"age": 2**62 + 1, "city": "Rome", "is_member": True, "tags": ["x", "y"], "weight": 1.5}
    assert host.client.get_workflow_search_attributes(Scribe, "w", ["age"]) == {"age": 2**62 + 1}


@needs(Capability.HISTORY)
def test_recorded_events_are_in_the_history(host: ContractHost):
    """
    record_event leaves its data with the call that recorded it, and nowhere else.
    """
    host.start(Scribe, "w")
    host.settle()

    recorded = [
        (key, host.converter.decode(value))
        for _, event in host.events("w")
        if isinstance(event, WaitUntilReturned | ExecuteReturned)
        for key, value in event.result.writes.recorded_events
    ]

    assert recorded == [("waited", "because"), ("wrote", [1, 2])]


def test_initial_attributes_are_there_from_the_beginning(host: ContractHost):
    """
    What a start brings is seen by the first state and by clients.
    """
    options = WorkflowOptions(
        initial_data_attributes={"name": "given"}, initial_search_attributes={"city": "Oslo", "age": 3}
    )
    host.start(Keeper, "w", options=options)

    assert host.client.get_all_workflow_data_attributes(Keeper, "w") == {"name": "given"}
    assert host.client.get_all_search_attributes(Keeper, "w") == {"age": 3, "city": "Oslo"}
    host.client.signal_workflow("w", "go")
    assert host.output("w") == ["given", "Oslo"]


def test_a_client_writes_and_deletes_attributes(host: ContractHost):
    """
    What a client sets is seen by states and RPCs; None deletes.
    """
    host.start(Keeper, "w")

    host.client.set_workflow_data_attributes(Keeper, "w", data_attributes={"name": "set", "gone": True})
    host.client.set_workflow_search_attributes(Keeper, "w", {"city": "Bonn"})
    assert host.client.invoke_rpc("w", Keeper.name) == "set"
    host.client.set_workflow_data_attributes(Keeper, "w", data_attributes={"gone": None})

    assert host.client.get_all_workflow_data_attributes(Keeper, "w") == {"name": "set"}
    host.client.signal_workflow("w", "go")
    assert host.output("w") == ["set", "Bonn"]


@needs(Capability.HISTORY)
def test_none_deletes_attributes_of_both_kinds_for_good(host: ContractHost):
    """
    What a client has deleted from outside is not there any more, after a new start of the engine, too; deleting what is not
    there changes nothing.
    """
    run_id = host.start(Keeper, "w")
    host.client.set_workflow_data_attributes(Keeper, "w", run_id, {"name": "set", "gone": True})
    host.client.set_workflow_search_attributes(Keeper, "w", {"city": "Bonn"}, run_id)

    host.client.set_workflow_data_attributes(Keeper, "w", run_id, {"gone": None})
    host.client.set_workflow_search_attributes(Keeper, "w", {"city": None}, run_id)
    host.client.set_workflow_data_attributes(Keeper, "w", run_id, {"gone": None})

    host.settle()
    host.restart()
    assert host.client.get_all_workflow_data_attributes(Keeper, "w", run_id) == {"name": "set"}
    assert host.client.get_all_search_attributes(Keeper, "w", run_id) == {}
    assert host.kinds("w").count("AttributesSet") == 4


def test_an_attribute_may_be_there_without_a_value(host: ContractHost):
    """
    As the protocol writes it: it opens as None, is told apart from an empty value, and is kept.
    """
    host.start(Keeper, "w")
    written = (("name", NO_VALUE), ("home", Payload()))

    host.service.set_attributes(SetAttributesRequest(workflow_id="w", attributes=written)).result(30)
    host.restart()

    assert host.service.get_attributes(GetAttributesRequest(workflow_id="w")).result(30) == dict(written)
    assert host.client.invoke_rpc("w", Keeper.name) is None


def test_a_run_without_attributes_reads_as_empty(host: ContractHost):
    """
    Nothing written is an empty answer, not an error.
    """
    host.start(Keeper, "w")

    assert host.client.get_all_workflow_data_attributes(Keeper, "w") == {}
    assert host.client.get_all_search_attributes(Keeper, "w") == {}


def test_an_undeclared_attribute_is_refused_in_the_caller(host: ContractHost):
    """
    Reading or writing what no schema declares says so, and writes nothing.
    """
    host.start(Keeper, "w")

    with pytest.raises(NotRegisteredError):
        host.client.get_workflow_data_attributes(Keeper, "w", keys=["nobody"])
    with pytest.raises(NotRegisteredError):
        host.client.set_workflow_data_attributes(Keeper, "w", data_attributes={"name": "x", "nobody": 1})
    with pytest.raises(IwfError):
        host.client.set_workflow_data_attributes(Keeper, "w", data_attributes={"name": 1})

    assert host.client.get_all_workflow_data_attributes(Keeper, "w") == {}


def test_attributes_of_a_closed_run_can_be_read_and_not_written(host: ContractHost):
    """
    A run that is over keeps what it remembered, as it was.
    """
    host.start(Scribe, "w")

    with pytest.raises(WorkflowNotExistsError):
        host.client.set_workflow_data_attributes(Scribe, "w", data_attributes={"name": "x"})

    assert host.client.get_workflow_data_attributes(Scribe, "w", keys=["name"]) == {"name": "late"}


def test_attributes_of_an_unknown_run_are_an_error(host: ContractHost):
    """
    No run, no attributes.
    """
    with pytest.raises(WorkflowNotExistsError):
        host.client.get_all_workflow_data_attributes(Keeper, "unknown")


@pytest.mark.parametrize(
    ("policy", "seen"),
    [
        ("LoadAll", ["n", 1, 2]),
        ("LoadPart", ["n", None, None]),
        ("LoadPrefix", [None, 1, 2]),
        ("LoadNothingNamed", [None, None, None]),
        ("LoadNone", [None, None, None]),
        ("LoadLocked", ["n", 1, None]),
        ("LoadAllLocked", ["n", 1, 2]),
    ],
)
def test_a_state_sees_what_its_policy_loads(host: ContractHost, policy: str, seen: list[Any]):
    """
    What is not loaded reads as absent.
    """
    options = WorkflowOptions(initial_data_attributes={"name": "n", "note-1": 1, "note-2": 2})

    host.start(Loader, "w", policy, options=options)

    assert host.output("w") == seen


def test_attributes_outlive_the_engine(host: ContractHost):
    """
    What was written is there after the engine was begun again.
    """
    host.start(Keeper, "w")
    host.client.set_workflow_data_attributes(Keeper, "w", data_attributes={"name": "kept", "note-7": 7})
    host.client.set_workflow_search_attributes(Keeper, "w", {"age": 9})

    host.restart()

    assert host.client.get_all_workflow_data_attributes(Keeper, "w") == {"name": "kept", "note-7": 7}
    assert host.client.get_all_search_attributes(Keeper, "w") == {"age": 9}
