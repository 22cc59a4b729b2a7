"""Describe says why a state does not go on."""

from __future__ import annotations

from datetime import timedelta

from iwf_py.authoring.workflow_options import WorkflowOptions
from iwf_py.testing.contract.host import ContractHost
from iwf_py.testing.contract.listening import Listener, any_of, signal
from iwf_py.testing.contract.needs import Capability, needs
from iwf_py.testing.contract.skipping import Dormitory, Sleeper

WORKFLOWS = ()


@needs(Capability.DESCRIBE)
def test_a_state_that_waits_for_its_commands_is_not_held(host: ContractHost):
    """
    What it waits for is told by its commands.
    """
    host.start(Listener, "w", [any_of(signal("a"))])

    assert host.states("w")["Listen-1"].held is None


@needs(Capability.CLOCK, Capability.DESCRIBE)
def test_a_start_delay_holds_a_state(host: ContractHost):
    """
    The sentence says until when.
    """
    host.start(Sleeper, "w", 0, options=WorkflowOptions(workflow_start_delay_seconds=60))
    until = host.clock.now() + timedelta(seconds=60)

    assert host.states("w")["Doze-1"].held == f"waits for the start delay until {until.isoformat()}"
    host.advance(60)
    assert host.states("w")["Doze-1"].held is None


@needs(Capability.CLOCK, Capability.DESCRIBE)
def test_a_failed_attempt_holds_a_state_until_the_next(host: ContractHost):
    """
    The sentence says until when, after a restart too.
    """
    host.start(Sleeper, "w", 1)
    until = host.clock.now() + timedelta(seconds=10)
    host.restart()

    assert host.states("w")["Doze-1"].held == f"waits for its next attempt until {until.isoformat()}"
    host.advance(10)
    assert host.states("w")["Doze-1"].held is None


@needs(Capability.CLOCK, Capability.DESCRIBE)
def test_a_lock_holds_a_state(host: ContractHost):
    """
    The sentence says which key it is, and who has it.
    """
    host.start(Dormitory, "w")

    states = host.states("w")
    assert states["NextToBed-1"].held == "queues for attribute locks: 'bed' (held by InBed-1)"
    assert (states["InBed-1"].held or "").startswith("waits for its next attempt until ")
    host.advance(30)
    assert host.states("w")["NextToBed-1"].held is None
