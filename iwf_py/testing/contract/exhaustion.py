"""What follows when the attempts of a call are exhausted: the run fails, or goes on in another way."""

from __future__ import annotations

from iwf_py.authoring.persistence_schema import PersistenceField, PersistenceSchema
from iwf_py.authoring.state_decision import StateDecision
from iwf_py.authoring.state_schema import StateSchema
from iwf_py.authoring.workflow import ObjectWorkflow
from iwf_py.authoring.workflow_state import WorkflowState
from iwf_py.authoring.workflow_state_options import WorkflowStateOptions
from iwf_py.model.options import RetryPolicy
from iwf_py.model.status import WorkflowErrorType, WorkflowStatus
from iwf_py.testing.contract.host import ContractHost
from iwf_py.testing.contract.needs import Capability, needs

ONCE = RetryPolicy(maximum_attempts=1)
TWICE = RetryPolicy(maximum_attempts=2)


class Pay(WorkflowState[str]):
    """Fails for good, and is followed by a state that makes it good."""

    def get_state_options(self):
        return WorkflowStateOptions(
            execute_api_retry_policy=TWICE, proceed_to_state_when_execute_retry_exhausted=Refund
        )

    def execute(self, ctx, input, command_results, persistence, communication):
        persistence.set_data_attribute("paid", True)
        raise ConnectionError("the bank is closed")


class Refund(WorkflowState[str]):
    """Gets the input of the failed state, and its failure; fails in turn where the input says so."""

    def get_state_options(self):
        return WorkflowStateOptions(
            execute_api_retry_policy=ONCE, proceed_to_state_when_execute_retry_exhausted=Apologise
        )

    def execute(self, ctx, input, command_results, persistence, communication):
        if input == "hopeless":
            raise RuntimeError("no refund either")
        failure = ctx.failure
        return StateDecision.graceful_complete_workflow(
            [
                ctx.state_execution_id,
                input,
                failure.error_type,
                failure.message,
                failure.attempts,
                failure.state_id,
                failure.state_execution_id,
                persistence.get_data_attribute("paid"),
            ]
        )


class Apologise(WorkflowState[str]):
    """The last resort."""

    def execute(self, ctx, input, command_results, persistence, communication):
        return StateDecision.graceful_complete_workflow([input, ctx.failure.state_id, ctx.failure.message])


class Payment(ObjectWorkflow):
    """Pays, refunds, apologises."""

    def get_workflow_states(self):
        return StateSchema.with_starting_state(Pay(), Refund(), Apologise())

    def get_persistence_schema(self):
        return PersistenceSchema.create(PersistenceField.data_attribute_def("paid", bool))


class NoEar(WorkflowState[None]):
    """Fails in wait_until, and proceeds."""

    def get_state_options(self):
        return WorkflowStateOptions(
            wait_until_api_retry_policy=TWICE, proceed_to_execute_when_wait_until_retry_exhausted=True
        )

    def wait_until(self, ctx, input, persistence, communication):
        persistence.set_data_attribute("paid", True)
        persistence.set_state_execution_local("local", 1)
        raise ConnectionError(f"attempt {ctx.attempt}")

    def execute(self, ctx, input, command_results, persistence, communication):
        return StateDecision.graceful_complete_workflow(
            [
                command_results.wait_until_api_succeeded,
                len(command_results.timer_commands),
                persistence.get_data_attribute("paid"),
                persistence.get_state_execution_local("local"),
            ]
        )


class Deaf(ObjectWorkflow):
    """Begins with a state that cannot wait, and goes on."""

    def get_workflow_states(self):
        return StateSchema.with_starting_state(NoEar())

    def get_persistence_schema(self):
        return PersistenceSchema.create(PersistenceField.data_attribute_def("paid", bool))


class Mute(WorkflowState[None]):
    """Fails in wait_until, for good."""

    def get_state_options(self):
        return WorkflowStateOptions(wait_until_api_retry_policy=TWICE)

    def wait_until(self, ctx, input, persistence, communication):
        raise ConnectionError(f"attempt {ctx.attempt}")

    def execute(self, ctx, input, command_results, persistence, communication):
        return StateDecision.graceful_complete_workflow()


class Muted(ObjectWorkflow):
    """Begins with a state that cannot wait, and fails."""

    def get_workflow_states(self):
        return StateSchema.with_starting_state(Mute())


WORKFLOWS = (Payment(), Deaf(), Muted())


@needs(Capability.CLOCK)
def test_a_failure_state_takes_over(host: ContractHost):
    """
    It gets the failed state's input, and the failure: type, words, number of attempts, and where; nothing that was written.
    """
    host.start(Payment, "w", "order 7")

    host.advance(1)

    assert host.output("w") == [
        "Refund-1",
        "order 7",
        "ConnectionError",
        "the bank is closed",
        2,
        "Pay",
        "Pay-1",
        None,
    ]


@needs(Capability.CLOCK)
def test_a_failure_state_may_fail_in_turn(host: ContractHost):
    """
    Its own failure state follows, with the input of the first and the failure of the last.
    """
    host.start(Payment, "w", "hopeless")

    host.advance(1)

    assert host.output("w") == ["hopeless", "Refund", "no refund either"]


@needs(Capability.CLOCK)
def test_a_state_may_proceed_though_it_could_not_wait(host: ContractHost):
    """
    Execute is told that wait_until failed, and sees nothing of it.
    """
    host.start(Deaf, "w")

    host.advance(1)

    assert host.output("w") == [False, 0, None, None]


@needs(Capability.CLOCK)
def test_a_state_that_cannot_wait_fails_the_run(host: ContractHost):
    """
    Without a policy to proceed, exhausted attempts of wait_until end the run.
    """
    host.start(Muted, "w")

    host.advance(1)

    result = host.result("w")
    assert result.status is WorkflowStatus.FAILED
    assert result.error_type is WorkflowErrorType.STATE_API_FAIL_ERROR_TYPE
    assert "attempt 2" in (result.error_message or "")
