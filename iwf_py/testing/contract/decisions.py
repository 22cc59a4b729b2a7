"""What follows a state: next states, and the ways in which a run ends."""

from __future__ import annotations

from typing import Any

import pytest

from iwf_py.authoring.communication import Communication
from iwf_py.authoring.communication_schema import CommunicationMethod, CommunicationSchema
from iwf_py.authoring.rpc import rpc
from iwf_py.authoring.state_decision import StateDecision
from iwf_py.authoring.state_movement import StateMovement
from iwf_py.authoring.state_schema import StateSchema
from iwf_py.authoring.workflow import ObjectWorkflow
from iwf_py.authoring.workflow_state import WorkflowState
from iwf_py.authoring.workflow_state_options import WorkflowStateOptions
from iwf_py.errors import WorkflowDefinitionError, WorkflowFailed
from iwf_py.model.commands import CommandRequest, InternalChannelCommand, SignalChannelCommand, TimerCommand
from iwf_py.model.options import RetryPolicy
from iwf_py.model.status import WorkflowErrorType, WorkflowStatus
from iwf_py.testing.contract.host import ContractHost
from iwf_py.testing.contract.needs import Capability, needs


class Root(WorkflowState[list[list[Any]]]):
    """Opens what its input lists: state and input."""

    def execute(self, ctx, input, command_results, persistence, communication):
        return StateDecision.multi_next_states(*[StateMovement.create(state, value) for state, value in input])


class Sleep(WorkflowState[float]):
    """Ends its thread gracefully after so many seconds."""

    def wait_until(self, ctx, input, persistence, communication):
        return CommandRequest.for_all_command_completed(TimerCommand.by_seconds(input))

    def execute(self, ctx, input, command_results, persistence, communication):
        return StateDecision.graceful_complete_workflow(ctx.state_execution_id)


class Silent(WorkflowState[float]):
    """Ends its thread gracefully, and says nothing."""

    def wait_until(self, ctx, input, persistence, communication):
        return CommandRequest.for_all_command_completed(TimerCommand.by_seconds(input))

    def execute(self, ctx, input, command_results, persistence, communication):
        return StateDecision.graceful_complete_workflow()


class Dead(WorkflowState[float]):
    """Ends its thread, and nothing else."""

    def wait_until(self, ctx, input, persistence, communication):
        return CommandRequest.for_all_command_completed(TimerCommand.by_seconds(input))

    def execute(self, ctx, input, command_results, persistence, communication):
        return StateDecision.dead_end


class Force(WorkflowState[float]):
    """Completes the run after so many seconds."""

    def wait_until(self, ctx, input, persistence, communication):
        return CommandRequest.for_all_command_completed(TimerCommand.by_seconds(input))

    def execute(self, ctx, input, command_results, persistence, communication):
        return StateDecision.force_complete_workflow("forced")


class Fail(WorkflowState[float]):
    """Fails the run after so many seconds."""

    def wait_until(self, ctx, input, persistence, communication):
        return CommandRequest.for_all_command_completed(TimerCommand.by_seconds(input))

    def execute(self, ctx, input, command_results, persistence, communication):
        return StateDecision.force_fail_workflow("sorry")


class Stay(WorkflowState[None]):
    """Waits for a message that never comes."""

    def wait_until(self, ctx, input, persistence, communication):
        return CommandRequest.for_all_command_completed(SignalChannelCommand.by_name("never"))

    def execute(self, ctx, input, command_results, persistence, communication):
        return StateDecision.dead_end


class Lost(WorkflowState[None]):
    """Moves to a state that its workflow does not have."""

    def execute(self, ctx, input, command_results, persistence, communication):
        return StateDecision.single_next_state("Nowhere")


class Shy(WorkflowState[int]):
    """Fails always; with its own options at once, with the mover's after three attempts."""

    def get_state_options(self):
        return WorkflowStateOptions(execute_api_retry_policy=RetryPolicy(maximum_attempts=1))

    def execute(self, ctx, input, command_results, persistence, communication):
        raise ValueError(f"attempt {ctx.attempt}")


class Override(WorkflowState[None]):
    """Moves on with other options than the next state's own."""

    def execute(self, ctx, input, command_results, persistence, communication):
        options = WorkflowStateOptions(
            execute_api_retry_policy=RetryPolicy(maximum_attempts=3, initial_interval_seconds=1)
        )
        return StateDecision.single_next_state(Shy, 1, options)


class Threads(ObjectWorkflow):
    """Opens the states that its input lists."""

    def get_workflow_states(self):
        return StateSchema.with_starting_state(
            Root(), Sleep(), Silent(), Dead(), Force(), Fail(), Stay(), Lost(), Shy(), Override()
        )

    def get_communication_schema(self):
        return CommunicationSchema.create(CommunicationMethod.signal_channel_def("never", None))

    @rpc()
    def open(self, input: float, communication: Communication) -> None:
        communication.trigger_state_execution(Sleep, input)


class Hold(WorkflowState[None]):
    """Takes a message at once, and holds it until it is let go."""

    def wait_until(self, ctx, input, persistence, communication):
        return CommandRequest.for_all_command_completed(
            InternalChannelCommand.by_name("work"), SignalChannelCommand.by_name("let-go")
        )

    def execute(self, ctx, input, command_results, persistence, communication):
        return StateDecision.dead_end


class HoldSignal(WorkflowState[None]):
    """The same with a signal."""

    def wait_until(self, ctx, input, persistence, communication):
        return CommandRequest.for_all_command_completed(
            SignalChannelCommand.by_name("jobs"), SignalChannelCommand.by_name("let-go")
        )

    def execute(self, ctx, input, command_results, persistence, communication):
        return StateDecision.dead_end


class CloseIf(WorkflowState[str]):
    """Asked to look, completes the run if its channel is empty, else asks again."""

    def wait_until(self, ctx, input, persistence, communication):
        return CommandRequest.for_all_command_completed(SignalChannelCommand.by_name("look"))

    def execute(self, ctx, input, command_results, persistence, communication):
        if input == "internal":
            return StateDecision.force_complete_if_internal_channel_empty_or_else("work", "empty", CloseIf, input)
        if input == "publish":
            communication.publish_to_internal_channel("work", "mine")
            return StateDecision.force_complete_if_internal_channel_empty_or_else("work", "empty", CloseIf, "internal")
        if input == "several":
            return StateDecision.force_complete_if_internal_channel_empty_or_else(
                "work",
                "empty",
                or_else=[StateMovement.create(CloseIf, "internal"), StateMovement.create(Sleep, 50.0), Hold],
            )
        if input == "signal":
            return StateDecision.force_complete_if_signal_channel_empty_or_else("jobs", "empty", CloseIf, input)
        return StateDecision.graceful_complete_if_all_channels_empty_or_else("empty", CloseIf, input)


class Drain(WorkflowState[str]):
    """Takes one message of a channel, and is done."""

    def wait_until(self, ctx, input, persistence, communication):
        by_name = SignalChannelCommand.by_name if input == "jobs" else InternalChannelCommand.by_name
        return CommandRequest.for_all_command_completed(by_name(input))

    def execute(self, ctx, input, command_results, persistence, communication):
        return StateDecision.dead_end


class Shop(ObjectWorkflow):
    """Closes when there is no work left."""

    def get_workflow_states(self):
        return StateSchema.with_starting_state(ShopRoot(), CloseIf(), Hold(), HoldSignal(), Drain(), Sleep())

    def get_communication_schema(self):
        return CommunicationSchema.create(
            CommunicationMethod.internal_channel_def("work", str),
            CommunicationMethod.signal_channel_def("jobs", str),
            CommunicationMethod.signal_channel_def("let-go", None),
            CommunicationMethod.signal_channel_def("look", None),
        )

    @rpc()
    def open(self, input: list[str], communication: Communication) -> None:
        communication.trigger_state_execution(input[0], input[1])


class ShopRoot(WorkflowState[list[list[Any]]]):
    """Opens what its input lists: state and input."""

    def execute(self, ctx, input, command_results, persistence, communication):
        return StateDecision.multi_next_states(*[StateMovement.create(state, value) for state, value in input])


WORKFLOWS = (Threads(), Shop())


def look(host: ContractHost) -> WorkflowStatus:
    """Have `CloseIf` look at its channel."""
    host.client.signal_workflow("w", "look")
    return host.status("w")


@needs(Capability.DESCRIBE)
def test_state_executions_are_numbered_by_state(host: ContractHost):
    """
    Each state counts its own executions from one, in the order of the decision.
    """
    host.start(Threads, "w", [["Sleep", 3], ["Sleep", 1], ["Silent", 9], ["Sleep", 2]])

    assert list(host.states("w")) == ["Sleep-1", "Sleep-2", "Silent-1", "Sleep-3"]


@needs(Capability.CLOCK)
def test_outputs_are_kept_in_the_order_of_completion(host: ContractHost):
    """
    A run completes gracefully when its last thread has ended, with what each of them gave.
    """
    host.start(Threads, "w", [["Sleep", 3], ["Sleep", 1], ["Sleep", 2]])

    host.advance(2)
    assert host.status("w") is WorkflowStatus.RUNNING
    host.advance(1)

    assert host.status("w") is WorkflowStatus.COMPLETED
    assert host.outputs("w") == ["Sleep-2", "Sleep-3", "Sleep-1"]


def test_a_completion_without_output_leaves_no_result(host: ContractHost):
    """
    None is no value: the run completes with no results, and waiting answers None.
    """
    host.start(Threads, "w", [["Silent", 0]])

    assert host.status("w") is WorkflowStatus.COMPLETED
    assert host.outputs("w") == []
    assert host.client.wait_for_workflow_completion("w") is None


@needs(Capability.CLOCK)
def test_one_result_is_asked_for_where_there_are_several(host: ContractHost):
    """
    Several outputs are read as a list; as a single result they are an error that says so.
    """
    host.start(Threads, "w", [["Sleep", 0], ["Sleep", 1]])
    host.advance(1)

    with pytest.raises(WorkflowDefinitionError):
        host.client.wait_for_workflow_completion("w", str)
    results = host.client.get_workflow_results("w", str)

    assert results == ["Sleep-1", "Sleep-2"]


@needs(Capability.CLOCK, Capability.DESCRIBE)
def test_force_complete_abandons_the_other_threads(host: ContractHost):
    """
    The run completes at once, with what had been given until then.
    """
    host.start(Threads, "w", [["Sleep", 1], ["Sleep", 100], ["Stay", None], ["Force", 2]])

    host.advance(2)

    assert host.status("w") is WorkflowStatus.COMPLETED
    assert host.outputs("w") == ["Sleep-1", "forced"]
    assert host.description("w").executing_state_ids == ("Sleep-2", "Stay-1")


@needs(Capability.CLOCK)
def test_force_fail_keeps_the_results(host: ContractHost):
    """
    The run fails by its own decision, with what had been given until then.
    """
    host.start(Threads, "w", [["Sleep", 1], ["Sleep", 100], ["Fail", 2]])

    host.advance(2)

    result = host.result("w")
    assert result.status is WorkflowStatus.FAILED
    assert result.error_type is WorkflowErrorType.STATE_DECISION_FAILING_WORKFLOW_ERROR_TYPE
    assert host.outputs("w") == ["Sleep-1", "sorry"]
    with pytest.raises(WorkflowFailed) as caught:
        host.client.wait_for_workflow_completion("w")
    assert caught.value.workflow_status is WorkflowStatus.FAILED


@needs(Capability.CLOCK, Capability.DESCRIBE)
def test_a_dead_end_leaves_the_run_open(host: ContractHost):
    """
    When its only thread has ended at a dead end, a run waits; an RPC brings it to life again.
    """
    host.start(Threads, "w", [["Dead", 0]])
    assert host.status("w") is WorkflowStatus.RUNNING
    assert host.states("w") == {}

    host.client.invoke_rpc("w", Threads.open, 5.0)
    host.advance(5)

    assert host.output("w") == "Sleep-1"


@needs(Capability.CLOCK)
def test_a_graceful_completion_waits_for_dead_ends(host: ContractHost):
    """
    Once asked for, the run completes when the last thread has ended, however it ends.
    """
    host.start(Threads, "w", [["Sleep", 1], ["Dead", 5]])

    host.advance(4)
    assert host.status("w") is WorkflowStatus.RUNNING
    host.advance(1)

    assert host.output("w") == "Sleep-1"


@needs(Capability.DESCRIBE)
def test_a_decision_for_a_foreign_state_is_a_failed_attempt(host: ContractHost):
    """
    It is told, and tried again, so that a corrected deploy heals it.
    """
    host.start(Threads, "w", [["Lost", None]])

    state = host.states("w")["Lost-1"]

    assert state.last_failure is not None
    assert "Nowhere" in state.last_failure.message
    assert state.next_attempt_at is not None


@needs(Capability.CLOCK)
def test_a_movement_may_override_the_options(host: ContractHost):
    """
    The next state is called with the mover's options instead of its own.
    """
    host.start(Threads, "w", [["Override", None]])
    assert host.status("w") is WorkflowStatus.RUNNING

    host.advance(3)

    result = host.result("w")
    assert result.status is WorkflowStatus.FAILED
    assert "attempt 3" in (result.error_message or "")


@needs(Capability.DESCRIBE)
def test_the_run_closes_if_the_internal_channel_is_empty(host: ContractHost):
    """
    With a message there, the other branch is taken; once it is consumed and done with, the run closes.
    """
    host.start(Shop, "w", [["CloseIf", "internal"]])
    host.client.publish_to_internal_channel(Shop, "w", "work", "one")

    assert look(host) is WorkflowStatus.RUNNING
    assert list(host.states("w")) == ["CloseIf-2"]
    host.client.invoke_rpc("w", Shop.open, ["Drain", "work"])
    host.settle()

    assert look(host) is WorkflowStatus.COMPLETED
    assert host.outputs("w") == ["empty"]


def test_the_run_closes_if_the_signal_channel_is_empty(host: ContractHost):
    """
    The same for signals.
    """
    host.start(Shop, "w", [["CloseIf", "signal"]])
    host.client.signal_workflow("w", "jobs", "one")

    assert look(host) is WorkflowStatus.RUNNING
    host.client.invoke_rpc("w", Shop.open, ["Drain", "jobs"])
    host.settle()

    assert look(host) is WorkflowStatus.COMPLETED
    assert host.outputs("w") == ["empty"]


@pytest.mark.parametrize(
    ("kind", "holder"), [("internal", "Hold"), ("signal", "HoldSignal"), ("all", "Hold"), ("all", "HoldSignal")]
)
def test_a_message_that_is_being_worked_on_keeps_the_run_open(host: ContractHost, kind: str, holder: str):
    """
    A message that another state has taken and not finished with still counts.
    """
    host.start(Shop, "w", [["CloseIf", kind], [holder, None]])
    if holder == "Hold":
        host.client.publish_to_internal_channel(Shop, "w", "work", "one")
    else:
        host.client.signal_workflow("w", "jobs", "one")
    host.settle()

    assert look(host) is WorkflowStatus.RUNNING
    host.client.signal_workflow("w", "let-go")
    host.settle()

    assert look(host) is WorkflowStatus.COMPLETED


def test_a_message_that_is_being_worked_on_counts_after_a_restart(host: ContractHost):
    """
    What a state had in hand when the engine ended is in hand when another begins.
    """
    host.start(Shop, "w", [["CloseIf", "all"], ["Hold", None]])
    host.client.publish_to_internal_channel(Shop, "w", "work", "one")
    host.settle()

    host.restart()
    assert look(host) is WorkflowStatus.RUNNING
    host.client.signal_workflow("w", "let-go")
    host.settle()

    assert look(host) is WorkflowStatus.COMPLETED


@needs(Capability.DESCRIBE)
def test_several_states_may_be_the_other_branch(host: ContractHost):
    """
    Where the channel is not empty the run goes on in all of them, in their order; where it is, it closes.
    """
    host.start(Shop, "w", [["CloseIf", "several"]])
    host.client.publish_to_internal_channel(Shop, "w", "work", "one")

    assert look(host) is WorkflowStatus.RUNNING
    assert list(host.states("w")) == ["CloseIf-2", "Sleep-1", "Hold-1"]

    host.client.signal_workflow("w", "let-go")
    host.settle()
    assert look(host) is WorkflowStatus.COMPLETED


@needs(Capability.DESCRIBE)
def test_what_the_state_publishes_itself_counts(host: ContractHost):
    """
    A state that publishes and closes if the channel is empty does not close.
    """
    host.start(Shop, "w", [["CloseIf", "publish"]])

    assert look(host) is WorkflowStatus.RUNNING

    assert list(host.states("w")) == ["CloseIf-2"]


@needs(Capability.CLOCK, Capability.DESCRIBE)
def test_the_run_closes_gracefully_if_all_channels_are_empty(host: ContractHost):
    """
    With a message in any channel the other branch is taken; else the thread ends, and the run with its last thread.
    """
    host.start(Shop, "w", [["CloseIf", "all"], ["Sleep", 50]])
    host.client.publish_to_internal_channel(Shop, "w", "work", "one")
    assert look(host) is WorkflowStatus.RUNNING
    assert list(host.states("w")) == ["Sleep-1", "CloseIf-2"]
    host.client.invoke_rpc("w", Shop.open, ["Drain", "work"])
    host.settle()

    assert look(host) is WorkflowStatus.RUNNING
    assert list(host.states("w")) == ["Sleep-1"]
    host.advance(50)

    assert host.status("w") is WorkflowStatus.COMPLETED
    assert host.outputs("w") == ["empty", "Sleep-1"]


@needs(Capability.CLOCK, Capability.DESCRIBE)
def test_several_threads_outlive_the_engine(host: ContractHost):
    """
    Threads, and the outputs given so far, are there after the engine was begun again.
    """
    host.start(Threads, "w", [["Sleep", 1], ["Sleep", 5], ["Dead", 3]])
    host.advance(2)

    host.restart()
    assert list(host.states("w")) == ["Sleep-2", "Dead-1"]
    host.advance(3)

    assert host.outputs("w") == ["Sleep-1", "Sleep-2"]
