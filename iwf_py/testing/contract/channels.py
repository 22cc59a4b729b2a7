"""Channels: buffering, order, who gets which message, and bounds."""

from __future__ import annotations

import pytest

from iwf_py.authoring.communication_schema import CommunicationMethod, CommunicationSchema
from iwf_py.authoring.state_decision import StateDecision
from iwf_py.authoring.state_movement import StateMovement
from iwf_py.authoring.state_schema import StateSchema
from iwf_py.authoring.workflow import ObjectWorkflow
from iwf_py.authoring.workflow_state import WorkflowState
from iwf_py.errors import IwfError, WorkflowNotExistsError
from iwf_py.model.commands import CommandRequest, InternalChannelCommand, SignalChannelCommand
from iwf_py.model.status import WorkflowStatus
from iwf_py.testing.contract.host import ContractHost
from iwf_py.testing.contract.listening import Listener, all_of, any_of, internal, signal, tell, timer
from iwf_py.testing.contract.needs import Capability, needs


class Talk(WorkflowState[None]):
    """Publishes, and waits on the same channel; then moves on, with a message left behind."""

    def wait_until(self, ctx, input, persistence, communication):
        communication.publish_to_internal_channel("room-1", "first")
        communication.publish_to_internal_channel("room-1", "second")
        return CommandRequest.for_all_command_completed(InternalChannelCommand.by_name("room-1"))

    def execute(self, ctx, input, command_results, persistence, communication):
        communication.publish_to_internal_channel("room-2", "third")
        heard = [message.value for message in command_results.internal_channel_commands]
        return StateDecision.single_next_state(Hear, heard)


class Hear(WorkflowState[list[str]]):
    """Takes what the state before it left in both rooms."""

    def wait_until(self, ctx, input, persistence, communication):
        return CommandRequest.for_all_command_completed(
            InternalChannelCommand.by_name("room-2"), InternalChannelCommand.by_name("room-1")
        )

    def execute(self, ctx, input, command_results, persistence, communication):
        heard = [message.value for message in command_results.internal_channel_commands]
        return StateDecision.graceful_complete_workflow(input + heard)


class Rooms(ObjectWorkflow):
    """Channels by prefix, and states that talk to one another."""

    def get_workflow_states(self):
        return StateSchema.with_starting_state(Talk(), Hear())

    def get_communication_schema(self):
        return CommunicationSchema.create(CommunicationMethod.internal_channel_def_by_prefix("room-", str))


class Loop(WorkflowState[list[str]]):
    """Takes one signal after the other until one says stop."""

    def wait_until(self, ctx, input, persistence, communication):
        return CommandRequest.for_any_command_completed(SignalChannelCommand.by_name("in"))

    def execute(self, ctx, input, command_results, persistence, communication):
        heard = [*(input or []), command_results.signal_channel_commands[0].value]
        if heard[-1] == "stop":
            return StateDecision.graceful_complete_workflow([ctx.state_execution_id, heard])
        return StateDecision.multi_next_states(StateMovement.create(Loop, heard))


class Looper(ObjectWorkflow):
    """Reads signals one by one."""

    def get_workflow_states(self):
        return StateSchema.with_starting_state(Loop())

    def get_communication_schema(self):
        return CommunicationSchema.create(CommunicationMethod.signal_channel_def("in", str))


class Bare(WorkflowState[None]):
    """Waits for messages that carry nothing."""

    def wait_until(self, ctx, input, persistence, communication):
        return CommandRequest.for_all_command_completed(
            SignalChannelCommand.by_name("ping"), InternalChannelCommand.by_name("pong")
        )

    def execute(self, ctx, input, command_results, persistence, communication):
        return StateDecision.graceful_complete_workflow(tell(command_results))


class Pings(ObjectWorkflow):
    """Channels whose messages have no value."""

    def get_workflow_states(self):
        return StateSchema.with_starting_state(Bare())

    def get_communication_schema(self):
        return CommunicationSchema.create(
            CommunicationMethod.signal_channel_def("ping", None),
            CommunicationMethod.internal_channel_def("pong", None),
        )


WORKFLOWS = (Rooms(), Looper(), Pings())


def send(host: ContractHost, *values: str, channel: str = "a") -> None:
    for value in values:
        host.client.signal_workflow("w", channel, value)
    host.settle()


def test_messages_wait_for_the_state_that_wants_them(host: ContractHost):
    """
    Signals sent before a state waits are buffered, and taken in order.
    """
    host.client.start_workflow(Looper, "w", 0)
    for value in ("1", "2", "3"):
        host.client.signal_workflow("w", "in", value)

    host.client.signal_workflow("w", "in", "stop")

    assert host.output("w") == ["Loop-4", ["1", "2", "3", "stop"]]


def test_the_oldest_message_comes_first(host: ContractHost):
    """
    Several commands on one channel are served in their order, each with one message, the oldest first.
    """
    host.start(Listener, "w", [all_of(*[signal("a") for _ in range(4)])])

    send(host, "0", "1", "2")
    assert host.status("w") is WorkflowStatus.RUNNING
    send(host, "3")

    assert host.output("w")["signals"] == [["RECEIVED", str(number)] for number in range(4)]


def test_one_message_completes_one_command(host: ContractHost):
    """
    With ANY on two commands of one channel, one message leaves the second waiting.
    """
    host.start(Listener, "w", [any_of(signal("a"), signal("a"))])

    send(host, "x")

    assert host.output("w")["signals"] == [["RECEIVED", "x"], ["WAITING"]]


def test_the_state_that_has_waited_longest_is_served_first(host: ContractHost):
    """
    Of several states on one channel each message goes to the oldest, and to that one only.
    """
    host.start(Listener, "w", [any_of(signal("a")), any_of(signal("a")), any_of(signal("a"))])

    send(host, "1")
    send(host, "2")
    send(host, "3")

    assert [(told["state"], told["signals"][0][1]) for told in host.outputs("w")] == [
        ("Listen-1", "1"),
        ("Listen-2", "2"),
        ("Listen-3", "3"),
    ]


def test_a_message_belongs_to_the_state_that_took_it(host: ContractHost):
    """
    A message is taken the moment it is there, though its state still waits for more, and nobody else gets it.
    """
    host.start(Listener, "w", [all_of(signal("a"), signal("b")), any_of(signal("a"))])

    send(host, "mine")
    assert host.client.invoke_rpc("w", Listener.sizes)["signals"] == [0, 0, 0]
    send(host, "yours")
    send(host, "late", channel="b")

    assert [(told["state"], told["signals"][0][1]) for told in host.outputs("w")] == [
        ("Listen-2", "yours"),
        ("Listen-1", "mine"),
    ]


def test_signals_and_internal_messages_are_two_worlds(host: ContractHost):
    """
    Channels of one name in the two families have nothing to do with each other.
    """
    host.start(Listener, "w", [all_of(signal("a"), internal("a"))])

    host.client.publish_to_internal_channel(Listener, "w", "a", "inner")
    assert host.status("w") is WorkflowStatus.RUNNING
    send(host, "outer")

    told = host.output("w")
    assert told["signals"] == [["RECEIVED", "outer"]]
    assert told["internals"] == [["RECEIVED", "inner"]]


def test_nothing_is_taken_below_the_lower_bound(host: ContractHost):
    """
    A command that wants three leaves two in the channel; the third completes it.
    """
    host.start(Listener, "w", [any_of(signal("a", at_least=3))])

    send(host, "1", "2")
    assert host.client.invoke_rpc("w", Listener.sizes)["signals"] == [2, 0, 0]
    send(host, "3")

    assert host.output("w")["signals"] == [["RECEIVED", "1", "2", "3"]]


def test_up_to_the_upper_bound_is_taken_at_once(host: ContractHost):
    """
    Once the lower bound is reached, what is there is taken, but no more than the upper bound.
    """
    host.start(Listener, "w", [any_of(internal("a", at_least=2, at_most=4)), any_of(internal("a", at_most=4))])

    host.client.publish_to_internal_channels(Listener, "w", [("a", str(number)) for number in range(6)])

    assert {told["state"]: told["internals"] for told in host.outputs("w")} == {
        "Listen-1": [["RECEIVED", "0", "1", "2", "3"]],
        "Listen-2": [["RECEIVED", "4", "5"]],
    }


@needs(Capability.DESCRIBE)
def test_a_command_that_wants_more_lets_the_next_one_have_it(host: ContractHost):
    """
    A command below its lower bound reserves nothing.
    """
    host.start(Listener, "w", [any_of(signal("a", at_least=3)), any_of(signal("a"))])

    send(host, "1")

    assert list(host.states("w")) == ["Listen-1"]


def test_everything_that_came_in_one_turn_is_taken_together(host: ContractHost):
    """
    Messages published together complete all the commands that they can, though one would satisfy ANY.
    """
    host.start(Listener, "w", [any_of(internal("a"), internal("b"), internal("c"), timer(60))])

    host.client.publish_to_internal_channels(Listener, "w", [("b", "2"), ("a", "1")])

    assert host.output("w")["internals"] == [["RECEIVED", "1"], ["RECEIVED", "2"], ["WAITING"]]


@needs(Capability.CLOCK)
def test_what_comes_after_the_trigger_stays_in_the_channel(host: ContractHost):
    """
    Commands that were left over consume nothing; the message is there for another state.
    """
    host.start(Listener, "w", [any_of(timer(10), signal("a")), all_of(timer(20), signal("a"))])
    host.advance(10)

    send(host, "x")
    host.advance(10)

    first, second = host.outputs("w")
    assert first["signals"] == [["WAITING"]]
    assert second["signals"] == [["RECEIVED", "x"]]


def test_a_state_hears_what_it_published_itself(host: ContractHost):
    """
    Published in wait_until, a message completes the state's own command; what is left over reaches the next state.
    """
    host.start(Rooms, "w")

    assert host.output("w") == ["first", "third", "second"]


def test_a_message_may_have_no_value(host: ContractHost):
    """
    RECEIVED says that it came; its value is None.
    """
    host.start(Pings, "w")

    host.client.signal_workflow("w", "ping")
    host.client.publish_to_internal_channel(Pings, "w", "pong")

    told = host.output("w")
    assert (told["signals"], told["internals"]) == ([["RECEIVED", None]], [["RECEIVED", None]])


def test_buffered_messages_outlive_the_engine(host: ContractHost):
    """
    Messages in channels, and those taken by a waiting state, are still there after the engine was begun again.
    """
    host.start(Listener, "w", [all_of(signal("a"), signal("b"))])
    send(host, "1", "2")

    host.restart()

    assert host.client.invoke_rpc("w", Listener.sizes)["signals"] == [1, 0, 0]
    send(host, "3", channel="b")
    assert host.output("w")["signals"] == [["RECEIVED", "1"], ["RECEIVED", "3"]]


@pytest.mark.parametrize("workflow_id", ["closed", "unknown"])
def test_a_message_to_a_run_that_is_over_or_was_never_there_is_refused(host: ContractHost, workflow_id: str):
    """
    Signals and publications need a running workflow.
    """
    host.start(Listener, "closed", [any_of(timer(0))])

    with pytest.raises(WorkflowNotExistsError):
        host.client.signal_workflow(workflow_id, "a", "x")
    with pytest.raises(WorkflowNotExistsError):
        host.client.publish_to_internal_channel(Listener, workflow_id, "a", "x")


def test_a_message_for_a_reserved_channel_is_refused(host: ContractHost):
    """
    Names of the system's own cannot be injected.
    """
    host.start(Listener, "w", [any_of(timer(5))])

    with pytest.raises(IwfError):
        host.client.signal_workflow("w", "__IwfSystem_x", "x")
