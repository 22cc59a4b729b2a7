"""Waiting until a channel is empty."""

from __future__ import annotations

from iwf_py.authoring.communication_schema import CommunicationMethod, CommunicationSchema
from iwf_py.authoring.state_decision import StateDecision
from iwf_py.authoring.state_schema import StateSchema
from iwf_py.authoring.workflow import ObjectWorkflow
from iwf_py.authoring.workflow_options import WorkflowOptions
from iwf_py.authoring.workflow_state import WorkflowState
from iwf_py.model.commands import CommandRequest, InternalChannelCommand, SignalChannelCommand
from iwf_py.model.status import ChannelFamily, WorkflowStatus
from iwf_py.testing.contract.host import ContractHost
from iwf_py.testing.contract.listening import (
    Listener,
    all_of,
    any_of,
    combination_of,
    internal,
    internal_until_empty,
    signal,
    signal_until_empty,
    timer,
)
from iwf_py.testing.contract.needs import Capability, needs


class Boss(WorkflowState[int]):
    """Hands out work, and employs two for it."""

    def execute(self, ctx, input, command_results, persistence, communication):
        for number in range(input):
            communication.publish_to_internal_channel("work-1", number)
        return StateDecision.multi_next_states(Worker, Worker, Closing)


class Worker(WorkflowState[None]):
    """Takes work as long as there is any, and waits for a word before it finishes a piece."""

    def wait_until(self, ctx, input, persistence, communication):
        return CommandRequest.for_all_command_completed(
            InternalChannelCommand.by_name("work-1"), SignalChannelCommand.by_name("finish")
        )

    def execute(self, ctx, input, command_results, persistence, communication):
        return StateDecision.single_next_state(Worker)


class Closing(WorkflowState[None]):
    """Ends the run when all work is done."""

    def wait_until(self, ctx, input, persistence, communication):
        return CommandRequest.for_any_command_completed(InternalChannelCommand.until_empty("work-1", "done"))

    def execute(self, ctx, input, command_results, persistence, communication):
        result = command_results.by_id("done")
        return StateDecision.force_complete_workflow([command_results.emptied("work-1"), result.is_complete])


class Unknown(WorkflowState[None]):
    """Waits for a channel that its workflow does not have."""

    def wait_until(self, ctx, input, persistence, communication):
        return CommandRequest.for_all_command_completed(SignalChannelCommand.until_empty("nowhere"))

    def execute(self, ctx, input, command_results, persistence, communication):
        return StateDecision.dead_end


class Workshop(ObjectWorkflow):
    """Closes when its work is done; its channels are declared by prefix."""

    def get_workflow_states(self):
        return StateSchema.with_starting_state(Boss(), Worker(), Closing())

    def get_communication_schema(self):
        return CommunicationSchema.create(
            CommunicationMethod.internal_channel_def_by_prefix("work-", int),
            CommunicationMethod.signal_channel_def("finish", None),
        )


class Lost(ObjectWorkflow):
    """Begins with a state that asks for a channel it does not have."""

    def get_workflow_states(self):
        return StateSchema.with_starting_state(Unknown())


WORKFLOWS = (Workshop(), Lost())

# Long enough for messages to come first.
LATER = WorkflowOptions(workflow_start_delay_seconds=5)


def send(host: ContractHost, *values: str, channel: str = "a") -> None:
    for value in values:
        host.client.signal_workflow("w", channel, value)
    host.settle()


def test_a_channel_that_holds_nothing_is_empty_at_once(host: ContractHost):
    """
    The state goes straight on, whichever kind of channel it is.
    """
    host.start(Listener, "w", [all_of(signal_until_empty("a"), internal_until_empty("a"))])

    assert host.output("w")["emptied"] == [True, True]


@needs(Capability.DESCRIBE)
def test_the_run_goes_on_when_all_work_is_done(host: ContractHost):
    """
    Three pieces of work for two states: the channel is empty when the third has been finished, not when it was taken.
    """
    host.start(Workshop, "w", 3)
    for _ in range(2):
        assert host.status("w") is WorkflowStatus.RUNNING
        host.client.signal_workflow("w", "finish")
        host.settle()
    assert host.description("w").channel_sizes == {}
    assert host.status("w") is WorkflowStatus.RUNNING

    host.client.signal_workflow("w", "finish")

    assert host.output("w") == [True, True]


def test_work_in_hand_and_who_waits_for_its_end_outlive_the_engine(host: ContractHost):
    """
    What was taken counts after the engine was begun again, until it is finished.
    """
    host.start(Workshop, "w", 2)
    host.client.signal_workflow("w", "finish")
    host.settle()

    host.restart()
    assert host.status("w") is WorkflowStatus.RUNNING
    host.client.signal_workflow("w", "finish")

    assert host.output("w") == [True, True]


@needs(Capability.DESCRIBE)
def test_a_channel_that_was_empty_once_is_enough(host: ContractHost):
    """
    The command stays complete when messages come later, and when another engine goes on.
    """
    host.start(Listener, "w", [all_of(signal_until_empty("a"), signal("b"))])

    send(host, "late")
    host.restart()
    (state,) = host.description("w").states
    assert [each.is_done for each in state.until_empty] == [True]
    send(host, "go", channel="b")

    told = host.output("w")
    assert (told["emptied"], told["signals"]) == ([True], [["RECEIVED", "go"]])


@needs(Capability.CLOCK, Capability.DESCRIBE)
def test_what_the_state_took_itself_is_not_in_its_way(host: ContractHost):
    """
    Of two messages each state has one; when the other state has finished, the channel is empty for who waits.
    """
    wishes = [all_of(signal("a"), signal_until_empty("a")), all_of(signal("a"), signal("b"))]
    host.start(Listener, "w", wishes, options=LATER)
    send(host, "1", "2")
    host.advance(5)
    assert list(host.states("w")) == ["Listen-1", "Listen-2"]

    send(host, "go", channel="b")

    finished, waited = host.outputs("w")
    assert (finished["state"], waited["state"], waited["emptied"]) == ("Listen-2", "Listen-1", [True])
    assert {finished["signals"][0][1], waited["signals"][0][1]} == {"1", "2"}


@needs(Capability.CLOCK)
def test_a_state_that_goes_on_for_another_reason_is_told_so(host: ContractHost):
    """
    With ANY a timer may be first: the channel was not empty.
    """
    host.start(Listener, "w", [any_of(signal_until_empty("a"), timer(10))], options=LATER)
    send(host, "there")
    host.advance(5)
    assert host.status("w") is WorkflowStatus.RUNNING

    host.advance(10)

    told = host.output("w")
    assert (told["emptied"], told["timers"]) == ([False], ["FIRED"])


def test_an_id_in_a_combination_may_be_that_of_an_empty_channel(host: ContractHost):
    """
    Its id counts like that of any other command.
    """
    wishes = combination_of([["empty", "b"]], signal_until_empty("a", "empty"), signal("b", "b"), timer(100, "t"))
    host.start(Listener, "w", [wishes])

    send(host, "go", channel="b")

    told = host.output("w")
    assert (told["emptied"], told["timers"]) == ([True], ["SCHEDULED"])


@needs(Capability.DESCRIBE)
def test_describe_tells_which_channel_a_state_waits_for(host: ContractHost):
    """
    A waiting state is described with the channels that it wants empty.
    """
    host.start(Listener, "w", [all_of(internal("b"), internal_until_empty("a", "id"))])

    (state,) = host.description("w").states

    assert [(each.family, each.channel_name, each.command_id, each.is_done) for each in state.until_empty] == [
        (ChannelFamily.INTERNAL, "a", "id", True)
    ]


@needs(Capability.DESCRIBE)
def test_a_channel_that_is_not_declared_cannot_be_waited_for(host: ContractHost):
    """
    The attempt fails and says which channels there are, so that a corrected deploy heals it.
    """
    host.start(Lost, "w")

    (state,) = host.description("w").states

    assert state.last_failure is not None
    assert "nowhere" in state.last_failure.message
