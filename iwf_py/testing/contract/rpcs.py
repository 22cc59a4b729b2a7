"""RPCs: what they read, write, publish and open; what they answer, and how they are refused."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from iwf_py.authoring.communication import Communication
from iwf_py.authoring.communication_schema import CommunicationMethod, CommunicationSchema
from iwf_py.authoring.persistence import Persistence
from iwf_py.authoring.persistence_schema import PersistenceField, PersistenceSchema
from iwf_py.authoring.rpc import rpc
from iwf_py.authoring.state_decision import StateDecision
from iwf_py.authoring.state_schema import StateSchema
from iwf_py.authoring.workflow import ObjectWorkflow
from iwf_py.authoring.workflow_context import WorkflowContext
from iwf_py.authoring.workflow_options import WorkflowOptions
from iwf_py.authoring.workflow_state import WorkflowState
from iwf_py.errors import (
    InvalidArgumentError,
    WorkflowNotExistsError,
    WorkflowRPCExecutionError,
)
from iwf_py.model.commands import CommandRequest, InternalChannelCommand
from iwf_py.model.options import PersistenceLoadingPolicy, RpcOptions
from iwf_py.model.requests import RpcRequest
from iwf_py.model.status import PersistenceLoadingType, WorkflowStatus
from iwf_py.testing.contract.host import ContractHost
from iwf_py.testing.contract.needs import Capability, needs
from iwf_py.testing.contract.notes import note, notes


@dataclass
class Item:
    """A value with a shape."""

    name: str
    count: int = 1


class Deliver(WorkflowState[Item]):
    """Opened by an RPC; waits for a message."""

    def wait_until(self, ctx, input, persistence, communication):
        return CommandRequest.for_all_command_completed(InternalChannelCommand.by_name("dispatch"))

    def execute(self, ctx, input, command_results, persistence, communication):
        answer = [ctx.state_execution_id, input.name, command_results.internal_channel_commands[0].value]
        return StateDecision.graceful_complete_workflow(answer)


class Store(ObjectWorkflow):
    """A workflow without a starting state: RPCs alone move it."""

    def get_workflow_states(self):
        return StateSchema.no_starting_state(Deliver())

    def get_persistence_schema(self):
        return PersistenceSchema.create(
            PersistenceField.data_attribute_def("items", list[Item]),
            PersistenceField.data_attribute_def("other", int),
        )

    def get_communication_schema(self):
        return CommunicationSchema.create(
            CommunicationMethod.internal_channel_def("dispatch", str),
            CommunicationMethod.signal_channel_def("bell", None),
        )

    @rpc()
    def put(self, input: Item, persistence: Persistence) -> int:
        items = [*(persistence.get_data_attribute("items") or []), input]
        persistence.set_data_attribute("items", items)
        return len(items)

    @rpc()
    def latest(self, persistence: Persistence) -> Item | None:
        items = persistence.get_data_attribute("items") or [None]
        return items[-1]

    @rpc()
    def order(self, input: Item, persistence: Persistence, communication: Communication) -> None:
        persistence.set_data_attribute("other", 1)
        communication.publish_to_internal_channel("dispatch", f"go {input.name}")
        communication.trigger_state_execution(Deliver, input)

    @rpc()
    def open(self, input: list[Item], communication: Communication) -> None:
        for item in input:
            communication.trigger_state_execution(Deliver, item)

    @rpc()
    def sizes(self, communication: Communication) -> list[int]:
        return [communication.get_internal_channel_size("dispatch"), communication.get_signal_channel_size("bell")]

    @rpc()
    def shout(self, input: str, communication: Communication) -> int:
        communication.publish_to_internal_channel("dispatch", input)
        return communication.get_internal_channel_size("dispatch")

    @rpc()
    def who(self, ctx: WorkflowContext) -> list[Any]:
        return [ctx.workflow_id, ctx.workflow_run_id, ctx.state_execution_id]

    @rpc()
    def ponder(self) -> None:
        """Take nothing, answer nothing, change nothing."""

    @rpc()
    def burn(self, persistence: Persistence) -> None:
        persistence.set_data_attribute("other", 2)
        raise KeyError("smoke")

    @rpc()
    def nonsense(self, persistence: Persistence) -> object:
        persistence.set_data_attribute("other", 2)
        return object()

    @rpc(
        data_attribute_loading_policy=PersistenceLoadingPolicy(
            PersistenceLoadingType.LOAD_PARTIAL_WITHOUT_LOCKING, ["other"]
        )
    )
    def partly(self, persistence: Persistence) -> list[Any]:
        return [persistence.get_data_attribute("items"), persistence.get_data_attribute("other")]

    @rpc(
        data_attribute_loading_policy=PersistenceLoadingPolicy(
            PersistenceLoadingType.LOAD_ALL_WITH_PARTIAL_LOCK, (), ["other"]
        )
    )
    def locked(self, input: int | None, persistence: Persistence) -> int | None:
        if input is not None:
            persistence.set_data_attribute("other", input)
        return persistence.get_data_attribute("other")

    @rpc()
    async def eventually(self, input: int, ctx: WorkflowContext) -> int:
        note(ctx.workflow_id, "awaited")
        return input + 1


class BranchStore(Store):
    """A store of its own type, which inherits its RPCs."""


WORKFLOWS = (Store(), BranchStore())


def test_an_rpc_reads_and_answers_by_its_annotation(host: ContractHost):
    """
    The answer comes back as what the method says it returns, without a hint.
    """
    host.start(Store, "w")
    assert host.client.invoke_rpc("w", Store.latest) is None

    assert host.client.invoke_rpc("w", Store.put, Item("tea", 2)) == 1

    assert host.client.invoke_rpc("w", Store.latest) == Item("tea", 2)


@needs(Capability.HISTORY)
def test_a_read_leaves_no_trace(host: ContractHost):
    """
    An RPC that writes nothing is no event; one that writes is one.
    """
    host.start(Store, "w")

    host.client.invoke_rpc("w", Store.latest)
    host.client.invoke_rpc("w", Store.ponder)
    host.client.invoke_rpc("w", Store.put, Item("tea"))

    assert host.kinds("w") == ["Started", "RpcReturned"]


def test_an_rpc_writes_publishes_and_opens_states_in_one(host: ContractHost):
    """
    All that an RPC did is applied together; the state that it opened takes the message that it sent.
    """
    host.start(Store, "w")

    host.client.invoke_rpc("w", Store.order, Item("tea"))

    assert host.output("w") == ["Deliver-1", "tea", "go tea"]
    assert host.client.get_workflow_data_attributes(Store, "w", keys=["other"]) == {"other": 1}


@needs(Capability.CLOCK, Capability.DESCRIBE)
def test_a_workflow_without_states_waits_for_its_rpcs(host: ContractHost):
    """
    A run without a starting state is running, with nothing to do, however long it takes.
    """
    host.start(Store, "w")
    host.advance("300d")

    assert host.status("w") is WorkflowStatus.RUNNING
    assert host.states("w") == {}


def test_an_rpc_sees_the_sizes_of_the_channels(host: ContractHost):
    """
    Sizes count what is not taken yet, the RPC's own publications included.
    """
    host.start(Store, "w")
    host.client.publish_to_internal_channel(Store, "w", "dispatch", "1")
    host.client.signal_workflow("w", "bell")
    host.client.signal_workflow("w", "bell")

    assert host.client.invoke_rpc("w", Store.sizes) == [1, 2]
    assert host.client.invoke_rpc("w", Store.shout, "2") == 2
    assert host.client.invoke_rpc("w", Store.sizes) == [2, 2]


def test_an_rpc_is_told_where_it_is(host: ContractHost):
    """
    Its context names the workflow and the run, and no state execution.
    """
    run_id = host.start(Store, "w")

    assert host.client.invoke_rpc("w", Store.who) == ["w", run_id, None]


@needs(Capability.HISTORY)
def test_an_rpc_that_raises_writes_nothing(host: ContractHost):
    """
    The caller is told the type and the words; the run goes on as if nothing had been asked.
    """
    host.start(Store, "w")

    with pytest.raises(WorkflowRPCExecutionError) as caught:
        host.client.invoke_rpc("w", Store.burn)

    assert caught.value.original_error_type == "KeyError"
    assert "smoke" in caught.value.original_error_detail
    assert host.client.get_all_workflow_data_attributes(Store, "w") == {}
    assert host.kinds("w") == ["Started"]


def test_an_answer_that_cannot_be_encoded_is_an_error(host: ContractHost):
    """
    The caller is told, and nothing is written.
    """
    host.start(Store, "w")

    with pytest.raises(WorkflowRPCExecutionError):
        host.client.invoke_rpc("w", Store.nonsense)

    assert host.client.get_all_workflow_data_attributes(Store, "w") == {}


def test_an_input_of_the_wrong_type_is_refused_in_the_caller(host: ContractHost):
    """
    The RPC is not run.
    """
    host.start(Store, "w")

    wrong: Any = "tea"
    with pytest.raises(InvalidArgumentError):
        host.client.invoke_rpc("w", Store.put, wrong)


def test_an_rpc_of_an_unknown_workflow_is_refused(host: ContractHost):
    """
    No run, no RPC.
    """
    with pytest.raises(WorkflowNotExistsError):
        host.client.invoke_rpc("unknown", Store.latest)
    with pytest.raises(WorkflowNotExistsError):
        host.client.invoke_rpc("unknown", Store.locked, 1)


def test_an_rpc_that_nobody_declares_is_refused(host: ContractHost):
    """
    Asked for past the client's checks, an unknown name is an answer too.
    """
    host.start(Store, "w")
    request = RpcRequest(workflow_id="w", rpc_name="nothing-like-that", options=RpcOptions())

    with pytest.raises(WorkflowRPCExecutionError):
        host.service.invoke_rpc(request).result(30)
    no_rpc: Any = Deliver.execute
    with pytest.raises(InvalidArgumentError):
        host.client.invoke_rpc("w", no_rpc)


def test_a_closed_run_answers_reads_and_refuses_writes(host: ContractHost):
    """
    A read-only RPC works after completion; one that writes is refused.
    """
    host.start(Store, "w")
    host.client.invoke_rpc("w", Store.put, Item("tea"))
    host.client.stop_workflow("w")

    assert host.client.invoke_rpc("w", Store.latest) == Item("tea")
    with pytest.raises(WorkflowNotExistsError):
        host.client.invoke_rpc("w", Store.put, Item("milk"))
    with pytest.raises(WorkflowNotExistsError):
        host.client.invoke_rpc("w", Store.locked, 1)

    assert host.client.invoke_rpc("w", Store.latest) == Item("tea")


@needs(Capability.CLOSED_LOCKS)
def test_a_closed_run_answers_reads_that_would_lock(host: ContractHost):
    """
    There is nobody to lock out.
    """
    host.start(Store, "w")
    host.client.invoke_rpc("w", Store.put, Item("tea"))
    host.client.stop_workflow("w")

    assert host.client.invoke_rpc("w", Store.locked, None) is None


def test_an_rpc_sees_what_its_policy_loads(host: ContractHost):
    """
    What is not loaded reads as absent.
    """
    options = WorkflowOptions(initial_data_attributes={"items": [Item("tea")], "other": 5})
    host.start(Store, "w", options=options)

    assert host.client.invoke_rpc("w", Store.partly) == [None, 5]


def test_an_rpc_may_be_a_coroutine(host: ContractHost):
    """
    Async def is called like any other.
    """
    host.start(Store, "w")

    assert host.client.invoke_rpc("w", Store.eventually, 1) == 2

    assert notes("w") == ["awaited"]


def test_an_rpc_may_be_inherited(host: ContractHost):
    """
    A subclass is a workflow of its own, with its parent's RPCs.
    """
    host.start(BranchStore, "w")

    assert host.client.invoke_rpc("w", BranchStore.put, Item("tea")) == 1


@needs(Capability.DESCRIBE)
def test_states_opened_by_rpcs_share_the_count(host: ContractHost):
    """
    Executions of one state are numbered through, whoever opens them.
    """
    host.start(Store, "w")

    host.client.invoke_rpc("w", Store.open, [Item("tea"), Item("milk")])
    host.client.invoke_rpc("w", Store.open, [Item("jam")])

    assert list(host.states("w")) == ["Deliver-1", "Deliver-2", "Deliver-3"]


def test_an_rpc_is_answered_during_a_start_delay(host: ContractHost):
    """
    The run exists from the start call on, though its states wait.
    """
    host.start(Store, "w", options=WorkflowOptions(workflow_start_delay_seconds=60))

    assert host.client.invoke_rpc("w", Store.put, Item("tea")) == 1

    assert host.client.invoke_rpc("w", Store.latest) == Item("tea")
