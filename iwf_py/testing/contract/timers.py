"""Timers, and when a state's commands are satisfied."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from iwf_py.authoring.state_decision import StateDecision
from iwf_py.authoring.state_schema import StateSchema
from iwf_py.authoring.workflow import ObjectWorkflow
from iwf_py.authoring.workflow_state import WorkflowState
from iwf_py.errors import ClientSideError, WorkflowNotExistsError
from iwf_py.model.commands import CommandRequest, TimerCommand
from iwf_py.model.status import Phase, WorkflowStatus
from iwf_py.testing.contract.host import ContractHost
from iwf_py.testing.contract.listening import (
    Listen,
    Listener,
    all_of,
    any_of,
    combination_of,
    internal,
    signal,
    timer,
)
from iwf_py.testing.contract.needs import Capability, needs


class Appointment(WorkflowState[datetime]):
    """Waits for an instant."""

    def wait_until(self, ctx, input, persistence, communication):
        return CommandRequest.for_all_command_completed(TimerCommand.by_instant(input))

    def execute(self, ctx, input, command_results, persistence, communication):
        return StateDecision.graceful_complete_workflow(command_results.timer_commands[0].status.value)


class Calendar(ObjectWorkflow):
    """Waits for the instant of its input."""

    def get_workflow_states(self):
        return StateSchema.with_starting_state(Appointment())


class Hasty(WorkflowState[None]):
    """Waits for nothing, though it could."""

    def wait_until(self, ctx, input, persistence, communication):
        return CommandRequest.empty()

    def execute(self, ctx, input, command_results, persistence, communication):
        counts = [len(command_results.timer_commands), len(command_results.signal_channel_commands)]
        return StateDecision.graceful_complete_workflow(counts)


class NoWait(ObjectWorkflow):
    """Starts with a state that waits for nothing."""

    def get_workflow_states(self):
        return StateSchema.with_starting_state(Hasty())


WORKFLOWS = (Calendar(), NoWait())


@needs(Capability.CLOCK)
def test_a_timer_fires_at_its_instant_and_not_before(host: ContractHost):
    """
    A state waits for the whole of its duration, and no longer.
    """
    host.start(Listener, "w", [any_of(timer(10))])

    host.advance(9.999)
    assert host.status("w") is WorkflowStatus.RUNNING
    host.advance(0.001)

    assert host.output("w")["timers"] == ["FIRED"]


@needs(Capability.CLOCK)
def test_a_timer_may_be_shorter_than_a_second(host: ContractHost):
    """
    Durations are not rounded to seconds.
    """
    host.start(Listener, "w", [any_of(timer(0.25))])

    host.advance(0.249)
    assert host.status("w") is WorkflowStatus.RUNNING
    host.advance(0.001)

    assert host.status("w") is WorkflowStatus.COMPLETED


def test_a_timer_of_no_duration_fires_at_once(host: ContractHost):
    """
    Zero needs no time to pass.
    """
    host.start(Listener, "w", [any_of(timer(0))])

    assert host.output("w")["timers"] == ["FIRED"]


@needs(Capability.CLOCK)
def test_an_absolute_timer_fires_at_its_instant(host: ContractHost):
    """
    An instant is waited for as it was given.
    """
    host.start(Calendar, "w", host.clock.now() + timedelta(hours=5))

    host.advance("4.999h")
    assert host.status("w") is WorkflowStatus.RUNNING
    host.advance("1m")

    assert host.output("w") == "FIRED"


@needs(Capability.CLOCK)
def test_an_absolute_timer_in_the_past_fires_at_once(host: ContractHost):
    """
    An instant that is over needs no waiting.
    """
    host.start(Calendar, "w", host.clock.now() - timedelta(hours=5))

    assert host.output("w") == "FIRED"


def test_a_wait_for_nothing_is_over_at_once(host: ContractHost):
    """
    An empty request goes straight to execute, whose results are empty.
    """
    host.start(NoWait, "w")

    assert host.output("w") == [0, 0]


def test_any_is_satisfied_by_the_first(host: ContractHost):
    """
    What did not come is reported as it was: the timer still scheduled, the other channel still waiting.
    """
    host.start(Listener, "w", [any_of(timer(100), signal("a"), internal("b"))])

    host.client.signal_workflow("w", "a", "x")
    host.settle()

    assert host.output("w") == {
        "state": "Listen-1",
        "timers": ["SCHEDULED"],
        "signals": [["RECEIVED", "x"]],
        "internals": [["WAITING"]],
        "emptied": [],
    }


@needs(Capability.CLOCK)
def test_all_waits_for_every_command(host: ContractHost):
    """
    Neither the timer nor the message is enough alone.
    """
    host.start(Listener, "w", [all_of(timer(10), signal("a"))])

    host.advance(10)
    assert host.status("w") is WorkflowStatus.RUNNING
    host.client.signal_workflow("w", "a", "x")

    told = host.output("w")
    assert told["timers"] == ["FIRED"]
    assert told["signals"] == [["RECEIVED", "x"]]


@needs(Capability.CLOCK)
def test_a_combination_is_satisfied_when_all_of_its_ids_are(host: ContractHost):
    """
    The timer alone satisfies no combination; with the signal one is complete, and the third command is left waiting.
    """
    wishes = combination_of([["t", "s"], ["s", "i"]], timer(5, "t"), signal("a", "s"), internal("b", "i"))
    host.start(Listener, "w", [wishes])

    host.advance(5)
    assert host.status("w") is WorkflowStatus.RUNNING
    host.client.signal_workflow("w", "a", "x")

    told = host.output("w")
    assert told["timers"] == ["FIRED"]
    assert told["internals"] == [["WAITING"]]


def test_a_combination_is_a_multiset_of_ids(host: ContractHost):
    """
    A combination that names an id twice wants two commands of that id.
    """
    wishes = combination_of([["s", "s"]], signal("a", "s"), signal("a", "s"), timer(100, "t"))
    host.start(Listener, "w", [wishes])

    host.client.signal_workflow("w", "a", "1")
    assert host.status("w") is WorkflowStatus.RUNNING
    host.client.signal_workflow("w", "a", "2")

    assert host.output("w")["signals"] == [["RECEIVED", "1"], ["RECEIVED", "2"]]


@needs(Capability.CLOCK)
def test_timers_due_at_one_instant_fire_together(host: ContractHost):
    """
    At the moment the trigger becomes true, everything else that is due counts as complete.
    """
    host.start(Listener, "w", [any_of(timer(10), timer(10), timer(11))])

    host.advance(10)

    assert host.output("w")["timers"] == ["FIRED", "FIRED", "SCHEDULED"]


@needs(Capability.CLOCK)
def test_timers_of_many_states_fire_in_the_order_of_their_instants(host: ContractHost):
    """
    Time passes in order, whatever the order of the wishes.
    """
    host.start(Listener, "w", [any_of(timer(30)), any_of(timer(10)), any_of(timer(20))])

    host.advance(60)

    assert [told["state"] for told in host.outputs("w")] == ["Listen-2", "Listen-3", "Listen-1"]


@needs(Capability.CLOCK)
def test_a_timer_is_skipped_by_its_id(host: ContractHost):
    """
    A skipped timer counts as fired.
    """
    host.start(Listener, "w", [all_of(timer(100, "long"), timer(50, "short"))])

    host.client.skip_timer_by_command_id("w", "Listen", "long")
    assert host.status("w") is WorkflowStatus.RUNNING
    host.advance(50)

    assert host.output("w")["timers"] == ["FIRED", "FIRED"]


def test_a_timer_is_skipped_by_its_index(host: ContractHost):
    """
    A timer without an id is reached by its place among the state's timers; a state by its class.
    """
    host.start(Listener, "w", [any_of(signal("a"), timer(100), timer(200))])

    host.client.skip_timer_at_command_index("w", Listen, 1, 1)

    assert host.output("w")["timers"] == ["SCHEDULED", "FIRED"]


@needs(Capability.CLOCK)
def test_a_timer_skipped_twice_by_id_is_skipped_once(host: ContractHost):
    """
    Skipping again by id does nothing; by index it is refused.
    """
    host.start(Listener, "w", [all_of(timer(100, "t"), signal("a"))])
    host.client.skip_timer_by_command_id("w", Listen, "t")

    host.client.skip_timer_by_command_id("w", Listen, "t")
    with pytest.raises(ClientSideError):
        host.client.skip_timer_at_command_index("w", Listen, 1, 0)

    host.advance(200)
    assert host.status("w") is WorkflowStatus.RUNNING


def test_skipping_what_does_not_wait_is_refused(host: ContractHost):
    """
    An unknown id, an index beyond the timers, an unknown state execution: each is an answer, and nothing happens.
    """
    host.start(Listener, "w", [any_of(timer(100, "t"))])

    with pytest.raises(ClientSideError):
        host.client.skip_timer_by_command_id("w", Listen, "other")
    with pytest.raises(ClientSideError):
        host.client.skip_timer_at_command_index("w", Listen, 1, 1)
    with pytest.raises(ClientSideError):
        host.client.skip_timer_by_command_id("w", Listen, "t", 2)

    assert host.status("w") is WorkflowStatus.RUNNING


def test_skipping_a_timer_of_a_closed_run_is_refused(host: ContractHost):
    """
    A run that is over has no timers.
    """
    host.start(Listener, "w", [any_of(timer(100, "t"))])
    host.client.stop_workflow("w")

    with pytest.raises(WorkflowNotExistsError):
        host.client.skip_timer_by_command_id("w", Listen, "t")


@needs(Capability.CLOCK, Capability.DESCRIBE)
def test_a_waiting_state_is_described_with_its_commands(host: ContractHost):
    """
    Describe tells when timers fire, and what channels have given so far.
    """
    host.start(Listener, "w", [all_of(timer(100, "t"), signal("a", "s"), internal("b"))])
    host.client.signal_workflow("w", "a", "x")

    state = host.states("w")["Listen-1"]

    assert state.phase is Phase.WAITING
    assert [(each.command_id, each.is_done) for each in state.timers] == [("t", False)]
    assert state.timers[0].fires_at == host.clock.now() + timedelta(seconds=100)
    assert [(each.channel_name, each.taken, each.is_done) for each in state.channels] == [
        ("a", 1, True),
        ("b", 0, False),
    ]


@needs(Capability.CLOCK)
def test_a_timer_counts_from_the_moment_that_the_engine_takes_it(host: ContractHost):
    """
    A state that is opened later waits from then.
    """
    host.start(Listener, "w", [all_of(timer(10), signal("a"))])
    host.advance(7)
    host.start(Listener, "x", [any_of(timer(10))])

    host.advance(9)
    assert host.status("x") is WorkflowStatus.RUNNING
    host.advance(1)

    assert host.status("x") is WorkflowStatus.COMPLETED


@needs(Capability.CLOCK)
def test_waiting_timers_outlive_the_engine(host: ContractHost):
    """
    A timer fires at its instant though the engine was ended and begun again meanwhile.
    """
    host.start(Listener, "w", [any_of(timer(10))])
    host.advance(4)

    host.restart()
    host.advance(5.5)
    assert host.status("w") is WorkflowStatus.RUNNING
    host.advance(0.5)

    assert host.output("w")["timers"] == ["FIRED"]
