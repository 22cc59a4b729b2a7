"""What a class declares by its attributes, by name and by prefix, all the way to the store and back."""

from __future__ import annotations

from typing import Any

from iwf_py.authoring.command_results import CommandResults
from iwf_py.authoring.communication import Communication
from iwf_py.authoring.descriptors import DataAttribute, InternalChannel, SearchAttributeKey, SignalChannel
from iwf_py.authoring.persistence import Persistence
from iwf_py.authoring.rpc import rpc
from iwf_py.authoring.state_decision import StateDecision
from iwf_py.authoring.workflow import ObjectWorkflow
from iwf_py.authoring.workflow_options import WorkflowOptions
from iwf_py.authoring.workflow_state import WorkflowState
from iwf_py.client.unregistered_client import UnregisteredClient
from iwf_py.model.commands import CommandRequest
from iwf_py.model.options import PersistenceLoadingPolicy
from iwf_py.model.status import PersistenceLoadingType, WorkflowStatus
from iwf_py.testing.contract.host import ContractHost


class Canvass(WorkflowState[list[str]]):
    """Waits for the vote of each voter, and for the chair."""

    def wait_until(self, voters: list[str], persistence: Persistence, communication: Communication):
        Ballot.place.set(persistence, "hall")
        for voter in voters:
            Ballot.seat[voter].set(persistence, len(voter))
            Ballot.invited[voter].publish(communication, voter.upper())
        votes = [Ballot.vote[voter].command(voter) for voter in voters]
        invitations = [Ballot.invited[voter].command() for voter in voters]
        return CommandRequest.for_all_command_completed(Ballot.closed.command(), *votes, *invitations)

    def execute(self, voters: list[str], command_results: CommandResults, persistence: Persistence):
        votes = {voter: command_results.received(Ballot.vote[voter]) for voter in voters}
        invited = [command_results.internal(Ballot.invited[voter]).value for voter in voters]
        return StateDecision.graceful_complete_workflow([votes, invited, Ballot.seat.all(persistence)])


class Ballot(ObjectWorkflow):
    """Names its attributes and channels once."""

    topic = DataAttribute(str)
    seat = DataAttribute.prefix(int)
    place = SearchAttributeKey.keyword()
    closed = InternalChannel(None)
    invited = InternalChannel.prefix(str)
    vote = SignalChannel.prefix(bool)
    states = (Canvass,)

    @rpc(
        data_attribute_loading_policy=PersistenceLoadingPolicy(
            PersistenceLoadingType.LOAD_PARTIAL_WITH_EXCLUSIVE_LOCK, [topic, seat], [topic], use_key_as_prefix=True
        )
    )
    def look(self, *, persistence: Persistence, communication: Communication) -> list[Any]:
        votes = Ballot.vote["ann"].size(communication) + Ballot.vote["zoe"].size(communication)
        return [Ballot.topic.get(persistence), Ballot.seat.all(persistence), votes]


WORKFLOWS = (Ballot(),)


def test_declared_names_go_to_the_store_and_back(host: ContractHost):
    """
    Attributes, channels of both kinds, policies and sizes, by name and by prefix; all of it outlives the engine.
    """
    options = WorkflowOptions(initial_data_attributes={Ballot.topic: "roof"})
    host.start(Ballot, "w", ["ann", "bo"], options=options)
    host.client.signal_workflow("w", Ballot.vote["ann"], True, workflow_class=Ballot)
    host.client.signal_workflow("w", Ballot.vote["zoe"], False, workflow_class=Ballot)
    host.settle()
    host.restart()

    assert host.client.invoke_rpc("w", Ballot.look) == ["roof", {"ann": 3, "bo": 2}, 1]
    assert host.client.get_all_search_attributes(Ballot, "w") == {Ballot.place: "hall"}
    host.client.signal_workflow("w", Ballot.vote["bo"], False, workflow_class=Ballot)
    host.client.publish_to_internal_channel(Ballot, "w", Ballot.closed)
    assert host.output("w") == [{"ann": [True], "bo": [False]}, ["ANN", "BO"], {"ann": 3, "bo": 2}]


def test_a_workflow_is_driven_by_names_alone(host: ContractHost):
    """
    Whoever knows no class can start, signal, ask, read, write and stop all the same.
    """
    client = UnregisteredClient(host.service)
    run_id = client.start_workflow("Ballot", "w", "Canvass", 60, ["ann"])
    host.settle()
    client.signal_workflow("w", run_id, "vote-ann", True)
    client.set_workflow_data_attributes("w", run_id, {"topic": "floor"})
    host.settle()

    assert client.invoke_rpc(None, "w", run_id, "look") == ["floor", {"ann": 3}, 0]
    assert client.get_workflow_data_attributes("w") == {"seat-ann": 3, "topic": "floor"}
    assert client.get_workflow("w").status is WorkflowStatus.RUNNING
    client.stop_workflow("w", run_id)
    assert host.status("w") is WorkflowStatus.CANCELED
