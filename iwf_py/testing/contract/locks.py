"""Exclusive attribute locks: taken together and in order, held through retries, by states and RPCs."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from iwf_py.authoring.communication_schema import CommunicationMethod, CommunicationSchema
from iwf_py.authoring.persistence import Persistence
from iwf_py.authoring.persistence_schema import PersistenceField, PersistenceSchema
from iwf_py.authoring.rpc import rpc
from iwf_py.authoring.state_decision import StateDecision
from iwf_py.authoring.state_movement import StateMovement
from iwf_py.authoring.state_schema import StateSchema
from iwf_py.authoring.workflow import ObjectWorkflow
from iwf_py.authoring.workflow_state import WorkflowState
from iwf_py.authoring.workflow_state_options import WorkflowStateOptions
from iwf_py.errors import RetryAfter, WorkflowRPCAcquiringLockFailure, WorkflowRPCExecutionError
from iwf_py.model.commands import CommandRequest, SignalChannelCommand
from iwf_py.model.options import PersistenceLoadingPolicy, RpcOptions
from iwf_py.model.payload import Payload
from iwf_py.model.requests import RpcRequest
from iwf_py.model.status import PersistenceLoadingType, Phase, SearchAttributeValueType
from iwf_py.testing.contract.host import ContractHost
from iwf_py.testing.contract.needs import Capability, needs

KEYS = ("a", "b", "c")


def locking(*keys: str) -> PersistenceLoadingPolicy:
    """Load everything, and lock these keys."""
    return PersistenceLoadingPolicy(PersistenceLoadingType.LOAD_ALL_WITH_PARTIAL_LOCK, (), keys)


@dataclass
class Need:
    """What a worker locks, and how long its call lasts: it fails once and is tried again after so many seconds."""

    data: list[str] = field(default_factory=list)
    search: list[str] = field(default_factory=list)
    seconds: float = 0


class Hire(WorkflowState[list[Need]]):
    """Opens one `Work` for each need, in order."""

    def execute(self, ctx, input, command_results, persistence, communication):
        return StateDecision.multi_next_states(
            *[
                StateMovement.create(
                    Work,
                    need,
                    WorkflowStateOptions(
                        data_attributes_loading_policy=locking(*need.data),
                        search_attributes_loading_policy=locking(*need.search),
                    ),
                )
                for need in input
            ]
        )


class Work(WorkflowState[Need]):
    """Holds its locks through a retry."""

    def execute(self, ctx, input, command_results, persistence, communication):
        if input.seconds and ctx.attempt == 1:
            raise RetryAfter(input.seconds, "at work")
        count = persistence.get_data_attribute("count") or 0
        persistence.set_data_attribute("count", count + 1)
        return StateDecision.graceful_complete_workflow(ctx.state_execution_id)


class Gate(WorkflowState[None]):
    """Locks in wait_until, which fails once; then waits, and locks nothing."""

    def get_state_options(self):
        return WorkflowStateOptions(
            wait_until_api_data_attributes_loading_policy=locking("a"),
        )

    def wait_until(self, ctx, input, persistence, communication):
        if ctx.attempt == 1:
            raise RetryAfter(10)
        return CommandRequest.for_all_command_completed(SignalChannelCommand.by_name("go"))

    def execute(self, ctx, input, command_results, persistence, communication):
        return StateDecision.graceful_complete_workflow(ctx.state_execution_id)


class Office(ObjectWorkflow):
    """Workers that share a few keys, and RPCs that want them too."""

    def get_workflow_states(self):
        return StateSchema.with_starting_state(Hire(), Work(), Gate(), OpenGate())

    def get_persistence_schema(self):
        return PersistenceSchema.create(
            *[PersistenceField.data_attribute_def(key, int) for key in (*KEYS, "count")],
            *[PersistenceField.search_attribute_def(f"s{key}", SearchAttributeValueType.INT) for key in KEYS],
        )

    def get_communication_schema(self):
        return CommunicationSchema.create(CommunicationMethod.signal_channel_def("go", None))

    @rpc(data_attribute_loading_policy=locking("a"))
    def add(self, input: int, persistence: Persistence) -> int:
        total = (persistence.get_data_attribute("a") or 0) + input
        persistence.set_data_attribute("a", total)
        return total

    @rpc(data_attribute_loading_policy=locking("a"))
    def stumble(self, persistence: Persistence) -> None:
        persistence.set_data_attribute("a", -1)
        raise ValueError("no")

    @rpc()
    def set_freely(self, input: int, persistence: Persistence) -> None:
        persistence.set_data_attribute("a", input)


class OpenGate(WorkflowState[None]):
    """Goes to the gate, with a worker behind it."""

    def execute(self, ctx, input, command_results, persistence, communication):
        options = WorkflowStateOptions(data_attributes_loading_policy=locking("a"))
        return StateDecision.multi_next_states(Gate, StateMovement.create(Work, Need(), options))


class GatedOffice(Office):
    """The same, with the gate at its beginning."""

    def get_workflow_states(self):
        return StateSchema.with_starting_state(OpenGate(), Work(), Gate())


WORKFLOWS = (Office(), GatedOffice())


def blocked(host: ContractHost) -> list[str]:
    """Tell which states queue for their locks."""
    return [state.state_execution_id for state in host.description("w").states if state.is_blocked]


@needs(Capability.CLOCK, Capability.DESCRIBE)
def test_a_key_is_held_by_one_state_at_a_time(host: ContractHost):
    """
    A second state that locks the key waits until the first has ended, its retries included.
    """
    host.start(Office, "w", [Need(["a"], seconds=10), Need(["a"])])

    assert blocked(host) == ["Work-2"]
    host.advance(10)

    assert host.outputs("w") == ["Work-1", "Work-2"]


def test_no_update_is_lost_between_lock_holders(host: ContractHost):
    """
    Many states that read, add and write under one lock count right.
    """
    host.start(Office, "w", [Need(["count"]) for _ in range(10)])

    assert sorted(host.outputs("w")) == sorted(f"Work-{number}" for number in range(1, 11))
    assert host.client.get_workflow_data_attributes(Office, "w", keys=["count"]) == {"count": 10}


@needs(Capability.DESCRIBE)
def test_states_with_different_keys_do_not_wait(host: ContractHost):
    """
    Only a shared key makes one state wait for another.
    """
    host.start(Office, "w", [Need(["a"], seconds=10), Need(["b"]), Need([])])

    assert list(host.states("w")) == ["Work-1"]


@needs(Capability.DESCRIBE)
def test_data_and_search_keys_are_two_spaces(host: ContractHost):
    """
    A lock on a data attribute does not hold a search attribute of the same name.
    """
    host.start(Office, "w", [Need(["a"], seconds=10), Need([], ["a"])])

    assert list(host.states("w")) == ["Work-1"]


@needs(Capability.DESCRIBE)
def test_search_attributes_are_locked_too(host: ContractHost):
    """
    Two states that lock one search attribute take turns.
    """
    host.start(Office, "w", [Need([], ["sa"], 10), Need([], ["sa"])])

    assert blocked(host) == ["Work-2"]


@needs(Capability.CLOCK, Capability.DESCRIBE)
def test_all_keys_are_taken_together(host: ContractHost):
    """
    States that want the same two keys, named in whatever order, never wait for each other in a circle.
    """
    host.start(Office, "w", [Need(["a"], seconds=10), Need(["b", "a"], ["sa"], 5), Need(["a", "b"], ["sa"])])
    assert blocked(host) == ["Work-2", "Work-3"]

    host.advance(15)

    assert host.outputs("w") == ["Work-1", "Work-2", "Work-3"]


@needs(Capability.CLOCK, Capability.DESCRIBE)
def test_nobody_overtakes_on_a_shared_key(host: ContractHost):
    """
    A later state does not slip past one that waits for the same key, though the key is free.
    """
    host.start(Office, "w", [Need(["a"], seconds=10), Need(["a", "b"], seconds=5), Need(["b"]), Need(["c"])])

    assert blocked(host) == ["Work-2", "Work-3"]
    host.advance(10)
    assert blocked(host) == ["Work-3"]
    host.advance(5)

    assert host.outputs("w") == ["Work-4", "Work-1", "Work-2", "Work-3"]


@needs(Capability.CLOCK, Capability.DESCRIBE)
def test_no_lock_is_held_while_a_state_waits(host: ContractHost):
    """
    wait_until holds its locks through its retries, and frees them before its commands are waited for.
    """
    host.start(GatedOffice, "w")
    assert blocked(host) == ["Work-1"]

    host.advance(10)

    assert {name: state.phase for name, state in host.states("w").items()} == {"Gate-1": Phase.WAITING}
    host.client.signal_workflow("w", "go")
    assert host.outputs("w") == ["Work-1", "Gate-1"]


@needs(Capability.CLOCK)
def test_locks_outlive_the_engine(host: ContractHost):
    """
    Who held a key, and who queued for it, is the same after the engine was begun again.
    """
    host.start(Office, "w", [Need(["a"], seconds=10), Need(["a"], seconds=5), Need(["a"])])
    host.advance(1)

    host.restart()
    assert blocked(host) == ["Work-2", "Work-3"]
    host.advance(15)

    assert host.outputs("w") == ["Work-1", "Work-2", "Work-3"]


def test_a_locking_rpc_writes_before_it_answers(host: ContractHost):
    """
    What it wrote is there as soon as its caller has the answer.
    """
    host.start(Office, "w", [Need(["b"], seconds=10)])

    assert host.client.invoke_rpc("w", Office.add, 2) == 2
    assert host.client.invoke_rpc("w", Office.add, 3) == 5

    assert host.client.get_workflow_data_attributes(Office, "w", keys=["a"]) == {"a": 5}


def test_a_locking_rpc_is_refused_while_a_state_holds_its_key(host: ContractHost):
    """
    It does not wait for a state: it is refused at once, and its code is not run.
    """
    host.start(Office, "w", [Need(["a"], seconds=10)])

    with pytest.raises(WorkflowRPCAcquiringLockFailure):
        host.client.invoke_rpc("w", Office.add, 1)

    assert host.client.get_workflow_data_attributes(Office, "w", keys=["a"]) == {}


def test_a_locking_rpc_is_refused_while_a_state_queues_for_its_key(host: ContractHost):
    """
    A state that waits in the queue of the key stands in the way too.
    """
    host.start(Office, "w", [Need(["b"], seconds=10), Need(["a", "b"])])

    with pytest.raises(WorkflowRPCAcquiringLockFailure):
        host.client.invoke_rpc("w", Office.add, 1)


def test_locking_rpcs_of_one_instant_take_turns(host: ContractHost):
    """
    Asked at once, all succeed one after the other, and no update is lost.
    """
    host.start(Office, "w", [Need(["b"], seconds=10)])
    options = RpcOptions(attributes=locking("a"))
    request = RpcRequest(workflow_id="w", rpc_name="add", input=host.converter.encode(1), options=options)

    futures = [host.service.invoke_rpc(request) for _ in range(8)]
    answers: list[Payload | None] = [future.result(30) for future in futures]

    assert sorted(host.converter.decode(answer) for answer in answers) == list(range(1, 9))


def test_a_failed_locking_rpc_frees_its_keys(host: ContractHost):
    """
    What it wrote is dropped, its caller is told why, and the next one gets the key.
    """
    host.start(Office, "w", [Need(["b"], seconds=10)])

    with pytest.raises(WorkflowRPCExecutionError) as caught:
        host.client.invoke_rpc("w", Office.stumble)

    assert caught.value.original_error_type == "ValueError"
    assert host.client.invoke_rpc("w", Office.add, 4) == 4


def test_writes_from_outside_do_not_ask_for_locks(host: ContractHost):
    """
    Clients and non-locking RPCs write past a lock.
    """
    host.start(Office, "w", [Need(["a"], seconds=10)])

    host.client.set_workflow_data_attributes(Office, "w", data_attributes={"a": 1})
    assert host.client.get_workflow_data_attributes(Office, "w", keys=["a"]) == {"a": 1}
    host.client.invoke_rpc("w", Office.set_freely, 2)

    assert host.client.get_workflow_data_attributes(Office, "w", keys=["a"]) == {"a": 2}
