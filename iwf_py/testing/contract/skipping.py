"""Timers that are skipped before they are set."""

from __future__ import annotations

import pytest

from iwf_py.authoring.communication_schema import CommunicationMethod, CommunicationSchema
from iwf_py.authoring.persistence_schema import PersistenceField, PersistenceSchema
from iwf_py.authoring.state_decision import StateDecision
from iwf_py.authoring.state_schema import StateSchema
from iwf_py.authoring.workflow import ObjectWorkflow
from iwf_py.authoring.workflow_options import WorkflowOptions
from iwf_py.authoring.workflow_state import WorkflowState
from iwf_py.authoring.workflow_state_options import WorkflowStateOptions
from iwf_py.errors import ClientSideError
from iwf_py.model.commands import CommandRequest, SignalChannelCommand, TimerCommand
from iwf_py.model.options import PersistenceLoadingPolicy, RetryPolicy
from iwf_py.model.status import PersistenceLoadingType, Phase, WorkflowStatus
from iwf_py.testing.contract.host import ContractHost
from iwf_py.testing.contract.listening import tell
from iwf_py.testing.contract.needs import Capability, needs

LOCKING = PersistenceLoadingPolicy(PersistenceLoadingType.LOAD_ALL_WITH_PARTIAL_LOCK, locking_keys=("bed",))


class Doze(WorkflowState[int]):
    """Fails so many times, then waits for two timers."""

    def get_state_options(self):
        return WorkflowStateOptions(
            wait_until_api_retry_policy=RetryPolicy(initial_interval_seconds=10, backoff_coefficient=1)
        )

    def wait_until(self, ctx, input, persistence, communication):
        if (ctx.attempt or 0) <= (input or 0):
            raise ValueError("not yet")
        return CommandRequest.for_all_command_completed(
            TimerCommand.by_seconds(100, "nap"), TimerCommand.by_seconds(50)
        )

    def execute(self, ctx, input, command_results, persistence, communication):
        return StateDecision.graceful_complete_workflow(tell(command_results)["timers"])


class Sleeper(ObjectWorkflow):
    """Dozes."""

    def get_workflow_states(self):
        return StateSchema.with_starting_state(Doze())


class Beds(WorkflowState[None]):
    """Has one sleep, and another one want the same bed."""

    def execute(self, ctx, input, command_results, persistence, communication):
        return StateDecision.multi_next_states(InBed, NextToBed)


class InBed(WorkflowState[None]):
    """Holds the bed while its execute fails, 30 seconds long."""

    def get_state_options(self):
        return WorkflowStateOptions(
            execute_api_data_attributes_loading_policy=LOCKING,
            execute_api_retry_policy=RetryPolicy(initial_interval_seconds=30, backoff_coefficient=1),
        )

    def execute(self, ctx, input, command_results, persistence, communication):
        if ctx.attempt == 1:
            raise ValueError("asleep")
        return StateDecision.dead_end


class NextToBed(WorkflowState[None]):
    """Needs the bed to say what it waits for."""

    def get_state_options(self):
        return WorkflowStateOptions(wait_until_api_data_attributes_loading_policy=LOCKING)

    def wait_until(self, ctx, input, persistence, communication):
        return CommandRequest.for_all_command_completed(
            TimerCommand.by_seconds(100, "nap"), SignalChannelCommand.by_name("up")
        )

    def execute(self, ctx, input, command_results, persistence, communication):
        return StateDecision.graceful_complete_workflow(tell(command_results)["timers"])


class Dormitory(ObjectWorkflow):
    """Two who want one bed."""

    def get_workflow_states(self):
        return StateSchema.with_starting_state(Beds(), InBed(), NextToBed())

    def get_communication_schema(self):
        return CommunicationSchema.create(CommunicationMethod.signal_channel_def("up", None))

    def get_persistence_schema(self):
        return PersistenceSchema.create(PersistenceField.data_attribute_def("bed", str))


WORKFLOWS = (Sleeper(), Dormitory())


@needs(Capability.CLOCK, Capability.DESCRIBE)
def test_a_timer_is_skipped_before_it_is_set(host: ContractHost):
    """
    While wait_until is tried again the skip is kept; when the timers are set, that one is over already.
    """
    host.start(Sleeper, "w", 1)
    assert host.states("w")["Doze-1"].phase is Phase.WAIT_UNTIL

    host.client.skip_timer_by_command_id("w", Doze, "nap")
    host.advance(10)

    assert [timer.is_done for timer in host.states("w")["Doze-1"].timers] == [True, False]
    host.advance(50)
    assert host.output("w") == ["FIRED", "FIRED"]


@needs(Capability.CLOCK)
def test_a_kept_skip_outlives_the_engine(host: ContractHost):
    """
    By its id or its place, what was kept is applied by whichever engine sets the timer.
    """
    host.start(Sleeper, "w", 1)
    host.client.skip_timer_at_command_index("w", Doze, 1, 1)
    host.client.skip_timer_by_command_id("w", Doze, "nap")
    host.settle()

    host.restart()
    host.advance(10)

    assert host.output("w") == ["FIRED", "FIRED"]


@needs(Capability.CLOCK, Capability.DESCRIBE)
def test_a_timer_is_skipped_during_the_start_delay(host: ContractHost):
    """
    Nothing runs yet, and the delay is not shortened; what is skipped is skipped when the state waits.
    """
    host.start(Sleeper, "w", 0, options=WorkflowOptions(workflow_start_delay_seconds=60))

    host.client.skip_timer_by_command_id("w", Doze, "nap")
    host.client.skip_timer_at_command_index("w", Doze, 1, 1)
    host.advance(59)
    assert host.states("w")["Doze-1"].phase is Phase.DELAYED
    host.advance(1)

    assert host.output("w") == ["FIRED", "FIRED"]


@needs(Capability.CLOCK, Capability.DESCRIBE)
def test_a_timer_of_a_state_that_queues_for_its_lock_is_skipped(host: ContractHost):
    """
    A state that is held up by a lock takes the skip when it has had its turn.
    """
    host.start(Dormitory, "w")
    assert host.states("w")["NextToBed-1"].is_blocked

    host.client.skip_timer_by_command_id("w", NextToBed, "nap")
    host.advance(30)

    assert [timer.is_done for timer in host.states("w")["NextToBed-1"].timers] == [True]


@needs(Capability.CLOCK, Capability.DESCRIBE)
def test_a_kept_skip_that_names_no_timer_is_dropped(host: ContractHost):
    """
    Nobody knows before which timers there will be: an unknown name is accepted, and means nothing.
    """
    host.start(Sleeper, "w", 1)

    host.client.skip_timer_by_command_id("w", Doze, "other")
    host.client.skip_timer_at_command_index("w", Doze, 1, 7)
    host.advance(10)

    assert [timer.is_done for timer in host.states("w")["Doze-1"].timers] == [False, False]
    assert host.status("w") is WorkflowStatus.RUNNING


@pytest.mark.parametrize("number", [1, 2])
def test_skipping_a_timer_of_what_is_not_open_is_refused(host: ContractHost, number: int):
    """
    A state execution that has left, or that was never opened, keeps nothing.
    """
    host.start(Dormitory, "w")
    host.settle()

    with pytest.raises(ClientSideError):
        host.client.skip_timer_by_command_id("w", Beds, "nap", number)


@needs(Capability.HISTORY)
def test_a_closed_run_keeps_no_skips(host: ContractHost):
    """
    What was kept goes with the run, and what comes after is refused.
    """
    host.start(Sleeper, "w", 1)
    host.client.skip_timer_by_command_id("w", Doze, "nap")
    host.client.stop_workflow("w")
    host.settle()
    host.restart()

    with pytest.raises(ClientSideError):
        host.client.skip_timer_by_command_id("w", Doze, "nap")
    assert host.kinds("w") == ["Started", "TimerSkipped", "StopRequested"]
