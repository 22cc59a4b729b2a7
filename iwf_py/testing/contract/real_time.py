"""What takes time, in whole seconds and few of them: also for hosts whose clock nobody can move.

Where a test has no hand on the clock, time passes by itself; each waits for what it says, and measures nothing.
"""

from __future__ import annotations

from iwf_py.authoring.state_decision import StateDecision
from iwf_py.authoring.state_schema import StateSchema
from iwf_py.authoring.workflow import ObjectWorkflow
from iwf_py.authoring.workflow_options import WorkflowOptions
from iwf_py.authoring.workflow_state import WorkflowState
from iwf_py.model.options import WorkflowRetryPolicy
from iwf_py.model.status import WorkflowStatus
from iwf_py.testing.contract.failures import Unreliable
from iwf_py.testing.contract.host import ContractHost
from iwf_py.testing.contract.listening import Listener, all_of, any_of, signal, timer


class Refuse(WorkflowState[None]):
    """Fails its run."""

    def execute(self, ctx, input, command_results, persistence, communication):
        return StateDecision.force_fail_workflow("refused")


class Refusing(ObjectWorkflow):
    """Fails at once."""

    def get_workflow_states(self):
        return StateSchema.with_starting_state(Refuse())


WORKFLOWS = (Refusing(),)


def test_a_timer_fires_after_a_second_or_two(host: ContractHost):
    """
    Nobody does anything, and the state goes on; who waits meanwhile is told.
    """
    host.start(Listener, "w", [any_of(timer(1), signal("a")), all_of(timer(1), timer(2))])
    assert host.status("w") is WorkflowStatus.RUNNING

    host.let_pass(2)

    first, second = host.client.wait_for_workflow_results("w", timeout=30)
    assert (first["timers"], first["signals"]) == (["FIRED"], [["WAITING"]])
    assert second["timers"] == ["FIRED", "FIRED"]


def test_a_failed_attempt_is_made_again_after_a_second(host: ContractHost):
    """
    The next attempt succeeds.
    """
    host.start(Unreliable, "w", 2)

    host.let_pass(1)

    assert host.client.wait_for_workflow_completion("w", int, timeout=30) == 2


def test_a_timeout_ends_a_run_after_a_second(host: ContractHost):
    """
    Whatever it waits for.
    """
    host.start(Listener, "w", [any_of(signal("a"))], timeout=1)

    host.let_pass(1)

    assert host.client.wait_for_workflow_outcome("w", timeout=30).status is WorkflowStatus.TIMEOUT


def test_a_delayed_run_begins_after_a_second(host: ContractHost):
    """
    What was sent to it meanwhile is there when it begins.
    """
    host.start(Listener, "w", [any_of(signal("a"))], options=WorkflowOptions(workflow_start_delay_seconds=1))
    host.client.signal_workflow("w", "a", "early")
    assert host.status("w") is WorkflowStatus.RUNNING

    host.let_pass(1)

    assert host.client.wait_for_workflow_completion("w", timeout=30)["signals"] == [["RECEIVED", "early"]]


def test_a_failed_run_is_retried_after_a_second(host: ContractHost):
    """
    Who waits for the first run is told the outcome of the last, and keeps the run that was asked for.
    """
    policy = WorkflowRetryPolicy(initial_interval_seconds=1, maximum_attempts=2)
    first = host.start(Refusing, "w", options=WorkflowOptions(workflow_retry_policy=policy))

    host.let_pass(1)

    outcome = host.client.wait_for_workflow_outcome("w", workflow_run_id=first, timeout=30)
    assert (outcome.run_id, outcome.status, outcome.result()) == (first, WorkflowStatus.FAILED, "refused")
    assert host.result("w").run_id != first


def test_a_timer_goes_on_while_the_engine_is_ended_and_begun_again(host: ContractHost):
    """
    It fires after the restart.
    """
    host.start(Listener, "w", [any_of(timer(1))])

    host.restart()
    host.let_pass(1)

    assert host.client.wait_for_workflow_completion("w", timeout=30)["timers"] == ["FIRED"]
