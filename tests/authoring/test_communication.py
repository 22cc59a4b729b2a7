"""A handler's channels, and the results of commands."""

import pytest

from iwf_py import (
    ChannelEmptyCommandResult,
    ChannelRequestStatus,
    CommandResults,
    CommunicationMethod,
    CommunicationSchema,
    InternalChannelCommandResult,
    NotRegisteredError,
    ObjectWorkflow,
    SignalChannelCommandResult,
    StateDecision,
    StateSchema,
    TimerCommandResult,
    TimerStatus,
    WorkflowContext,
    WorkflowDefinitionError,
    WorkflowState,
)
from iwf_py.model.decisions import Movement
from iwf_py.model.invocations import Publication
from iwf_py.model.options import StateOptions
from iwf_py.model.status import ChannelFamily


class Pay(WorkflowState[int]):
    def execute(self, ctx, input, command_results, persistence, communication):
        return StateDecision.dead_end


class Flow(ObjectWorkflow):
    def get_workflow_states(self):
        return StateSchema.no_starting_state(Pay)

    def get_communication_schema(self):
        return CommunicationSchema.create(
            CommunicationMethod.internal_channel_def("amounts", int),
            CommunicationMethod.internal_channel_def("pings", None),
            CommunicationMethod.internal_channel_def_by_prefix("to-", str),
            CommunicationMethod.signal_channel_def("approve", bool),
        )


def test_messages_are_published_in_order(communication, converter):
    """
    By name and by prefix; a message may be without a value.
    """
    channels = communication(Flow())

    channels.publish_to_internal_channel("amounts", 3)
    channels.publish_to_internal_channel("amounts")
    channels.publish_to_internal_channel("pings")
    channels.publish_to_internal_channel("to-alice", "hello")

    assert channels.messages == (
        Publication(channel_name="amounts", value=converter.encode(3)),
        Publication(channel_name="amounts"),
        Publication(channel_name="pings"),
        Publication(channel_name="to-alice", value=converter.encode("hello")),
    )


@pytest.mark.parametrize(("channel", "value"), [("amounts", "3"), ("amounts", True), ("pings", 1), ("to-alice", 3)])
def test_a_message_of_another_type_is_refused(communication, channel, value):
    """
    The error names the channel, and nothing is published.
    """
    channels = communication(Flow())

    with pytest.raises(WorkflowDefinitionError, match=f"message for internal channel '{channel}'"):
        channels.publish_to_internal_channel(channel, value)
    assert channels.messages == ()


def test_an_undeclared_channel_says_what_is_declared(communication):
    """
    A signal channel is no internal channel.
    """
    channels = communication(Flow())

    with pytest.raises(NotRegisteredError, match="internal channel 'approve' is not declared by Flow"):
        channels.publish_to_internal_channel("approve", True)
    with pytest.raises(NotRegisteredError, match="signal channel 'amounts' is not declared by Flow"):
        channels.get_signal_channel_size("amounts")
    with pytest.raises(NotRegisteredError, match="did you mean 'amounts'"):
        channels.get_internal_channel_size("amount")


def test_sizes_count_what_this_call_has_published(communication):
    """
    Internal channels: what the engine has, and what is buffered. Signals: what the engine has.
    """
    sizes = {(ChannelFamily.INTERNAL, "amounts"): 2, (ChannelFamily.SIGNAL, "approve"): 5}
    channels = communication(Flow(), channel_sizes=sizes)
    channels.publish_to_internal_channel("amounts", 3)
    channels.publish_to_internal_channel("to-alice", "x")

    assert channels.get_internal_channel_size("amounts") == 3
    assert channels.get_internal_channel_size("to-alice") == 1
    assert channels.get_internal_channel_size("to-bob") == 0
    assert channels.get_signal_channel_size("approve") == 5


def test_an_rpc_opens_states(communication, converter):
    """
    By class or id, with a checked input and the state's options.
    """
    channels = communication(Flow(), in_rpc=True)

    channels.trigger_state_execution(Pay, 3)
    channels.trigger_state_execution("Pay", 4)

    options = StateOptions(skip_wait_until=True)
    assert channels.movements == (
        Movement("Pay", converter.encode(3), options),
        Movement("Pay", converter.encode(4), options),
    )
    with pytest.raises(WorkflowDefinitionError, match="input of state Pay"):
        channels.trigger_state_execution("Pay", "five")
    with pytest.raises(NotRegisteredError):
        channels.trigger_state_execution("Unknown")


def test_a_state_cannot_open_states_beside_its_decision(communication):
    """
    It was silently ignored in iWF: lost work.
    """
    with pytest.raises(WorkflowDefinitionError, match="for RPCs; a state returns"):
        communication(Flow()).trigger_state_execution(Pay, 3)


RECEIVED = ChannelRequestStatus.RECEIVED


@pytest.fixture
def results():
    return CommandResults(
        [TimerCommandResult(TimerStatus.SCHEDULED, "slow"), TimerCommandResult(TimerStatus.FIRED)],
        [
            InternalChannelCommandResult("amounts", None, ChannelRequestStatus.WAITING, "first"),
            InternalChannelCommandResult("amounts", status=RECEIVED, command_id="second", values=(3, 4)),
        ],
        [SignalChannelCommandResult("approve", True, RECEIVED, "approval")],
        True,
    )


def test_results_are_found_by_id_and_by_channel(results):
    """
    An id finds any kind of command; a channel finds its first command.
    """
    assert results.by_id("slow").status is TimerStatus.SCHEDULED
    assert results.by_id("second").values == (3, 4)
    assert results.by_id("approval").value is True
    assert results.internal("amounts").command_id == "first"
    assert results.signal("approve").value is True
    assert results.timer_fired()
    assert results.received("amounts")
    assert not results.received("pings")


def test_which_channels_were_empty_is_found_by_id_and_by_channel():
    """
    A channel's messages and its emptiness are two commands.
    """
    results = CommandResults(
        signal_channel_commands=[SignalChannelCommandResult("jobs", None, ChannelRequestStatus.WAITING, "next")],
        channel_empty_commands=[
            ChannelEmptyCommandResult(ChannelFamily.SIGNAL, "jobs", True, "done"),
            ChannelEmptyCommandResult(ChannelFamily.INTERNAL, "orders", False),
        ],
    )

    assert results.by_id("done").is_complete
    assert results.emptied("jobs")
    assert not results.emptied("orders")
    assert not results.received("jobs")
    assert results.signal("jobs").command_id == "next"


def test_what_is_not_among_the_results_is_told(results):
    """
    With what there is.
    """
    with pytest.raises(NotRegisteredError, match=r"'third'; there are \['approval', 'first', 'second', 'slow'\]"):
        results.by_id("third")
    with pytest.raises(NotRegisteredError, match="signal channel 'amounts'"):
        results.signal("amounts")


def test_the_value_is_the_oldest_message():
    """
    Commands with bounds may take several; a message without a value is one all the same.
    """
    bounded = InternalChannelCommandResult("amounts", status=RECEIVED, values=[3, 4])
    empty = InternalChannelCommandResult("pings", status=RECEIVED)
    waiting = InternalChannelCommandResult("pings")

    assert (bounded.value, bounded.values) == (3, (3, 4))
    assert (empty.value, empty.values) == (None, (None,))
    assert (waiting.value, waiting.values) == (None, ())


def test_messages_are_opened_when_they_are_asked_for():
    """
    A message that nobody looks at is not opened, and one that is, once.
    """
    opened = []
    result = InternalChannelCommandResult("amounts", status=RECEIVED, values=lambda: opened.append(1) or [3])
    assert result.is_complete
    assert opened == []

    assert (result.value, result.value) == (3, 3)
    assert opened == [1]


def test_no_results_is_nothing_waited_for():
    """
    wait_until_api_succeeded is None where there was no wait_until.
    """
    assert CommandResults() == CommandResults([], [], [], None)


def test_the_request_id_for_a_child_stays_the_same_through_attempts():
    """
    It is made of the run and the state execution; an RPC has none.
    """
    first = WorkflowContext("alice", "run", 0, "Pay-1", 0, 1)
    second = WorkflowContext("alice", "run", 0, "Pay-1", 0, 2)

    assert first.child_workflow_request_id == second.child_workflow_request_id == "run-Pay-1"
    assert WorkflowContext("alice", "run").child_workflow_request_id is None
