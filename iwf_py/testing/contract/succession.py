"""Runs that follow runs: the retry of a whole workflow, and who waits through it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from iwf_py.authoring.communication_schema import CommunicationMethod, CommunicationSchema
from iwf_py.authoring.persistence_schema import PersistenceField, PersistenceSchema
from iwf_py.authoring.state_decision import StateDecision
from iwf_py.authoring.state_schema import StateSchema
from iwf_py.authoring.workflow import ObjectWorkflow
from iwf_py.authoring.workflow_options import WorkflowOptions
from iwf_py.authoring.workflow_state import WorkflowState
from iwf_py.errors import WorkflowFailed
from iwf_py.model.commands import CommandRequest, SignalChannelCommand
from iwf_py.model.options import WorkflowRetryPolicy
from iwf_py.model.status import WorkflowStatus, WorkflowStopType
from iwf_py.testing.contract.closing import stop
from iwf_py.testing.contract.host import ContractHost
from iwf_py.testing.contract.needs import Capability, needs


class Try(WorkflowState[str]):
    """Waits for a word, and does what it says."""

    def wait_until(self, ctx, input, persistence, communication):
        return CommandRequest.for_all_command_completed(SignalChannelCommand.by_name("word"))

    def execute(self, ctx, input, command_results, persistence, communication):
        word = command_results.signal_channel_commands[0].value
        seen: list[Any] = [
            input,
            ctx.workflow_run_id,
            ctx.state_execution_id,
            persistence.get_data_attribute("given"),
            persistence.get_data_attribute("made"),
        ]
        persistence.set_data_attribute("made", word)
        if word == "fail":
            return StateDecision.force_fail_workflow(seen)
        return StateDecision.graceful_complete_workflow(seen)


class Trial(ObjectWorkflow):
    """Fails when it is told to."""

    def get_workflow_states(self):
        return StateSchema.with_starting_state(Try())

    def get_persistence_schema(self):
        return PersistenceSchema.create(
            PersistenceField.data_attribute_def("given", int), PersistenceField.data_attribute_def("made", str)
        )

    def get_communication_schema(self):
        return CommunicationSchema.create(CommunicationMethod.signal_channel_def("word", str))


WORKFLOWS = (Trial(),)
RETRIED = WorkflowOptions(
    workflow_retry_policy=WorkflowRetryPolicy(initial_interval_seconds=10, maximum_attempts=3),
    initial_data_attributes={"given": 7},
)


def say(host: ContractHost, word: str) -> None:
    host.client.signal_workflow("w", "word", word)
    host.settle()


@needs(Capability.CLOCK, Capability.DESCRIBE, Capability.HISTORY)
def test_a_failed_run_is_followed_by_another(host: ContractHost):
    """
    The failed run keeps its status; the id's current run is a new one, which begins after the back-off.
    """
    first = host.start(Trial, "w", "in", options=RETRIED)

    say(host, "fail")

    assert host.status("w", first) is WorkflowStatus.FAILED
    description = host.description("w")
    assert description.run_id != first
    assert description.status is WorkflowStatus.RUNNING
    assert (description.first_run_id, description.run_attempt, description.previous_run_id) == (first, 2, first)
    assert description.starts_at == host.clock.now() + timedelta(seconds=10)
    assert "WaitUntilReturned" not in host.kinds("w")
    host.advance(10)
    assert "WaitUntilReturned" in host.kinds("w")


@needs(Capability.CLOCK)
def test_who_waits_follows_the_retries(host: ContractHost):
    """
    A waiter gets the outcome of the chain, under the run id that it asked for.
    """
    first = host.start(Trial, "w", "in", options=RETRIED)
    waiter = host.service.wait(host.address("w"))

    say(host, "fail")
    assert not waiter.done()
    host.advance(10)
    say(host, "go")

    outcome = waiter.result(30)
    assert outcome.status is WorkflowStatus.COMPLETED
    assert outcome.run_id == first


@needs(Capability.CLOCK)
def test_a_retry_begins_from_the_start_request(host: ContractHost):
    """
    Input and initial attributes are those of the start; what the failed run made is gone; the id that user code sees stays.
    """
    first = host.start(Trial, "w", "in", options=RETRIED)
    say(host, "fail")
    host.advance(10)

    say(host, "go")

    assert host.output("w") == ["in", first, "Try-1", 7, None]


@needs(Capability.CLOCK, Capability.DESCRIBE)
def test_the_last_retry_fails_for_good(host: ContractHost):
    """
    Intervals grow, attempts are counted, and the last failure is the outcome.
    """
    host.start(Trial, "w", "in", options=RETRIED)
    waiter = host.service.wait(host.address("w"))
    say(host, "fail")
    host.advance(10)
    say(host, "fail")
    assert host.description("w").starts_at == host.clock.now() + timedelta(seconds=20)
    host.advance(20)

    say(host, "fail")

    assert host.status("w") is WorkflowStatus.FAILED
    assert host.description("w").run_attempt == 3
    assert waiter.result(30).status is WorkflowStatus.FAILED
    with pytest.raises(WorkflowFailed):
        host.client.wait_for_workflow_completion("w")


@needs(Capability.DESCRIBE)
def test_a_run_that_a_client_fails_is_retried(host: ContractHost):
    """
    FAIL is a failure like any other.
    """
    host.start(Trial, "w", "in", options=RETRIED)

    stop(host, WorkflowStopType.FAIL)

    assert host.description("w").run_attempt == 2


@needs(Capability.CLOCK, Capability.DESCRIBE)
@pytest.mark.parametrize("how", [WorkflowStopType.CANCEL, WorkflowStopType.TERMINATE])
def test_a_run_that_is_cancelled_or_terminated_is_not_retried(host: ContractHost, how: WorkflowStopType):
    """
    Somebody wanted it to end.
    """
    first = host.start(Trial, "w", "in", options=RETRIED)

    stop(host, how)
    host.advance(1000)

    assert host.description("w").run_id == first


@needs(Capability.CLOCK, Capability.DESCRIBE)
def test_the_timeout_spans_the_whole_chain(host: ContractHost):
    """
    A retry does not begin the timeout anew, and a run that times out is not retried.
    """
    host.start(Trial, "w", "in", options=RETRIED, timeout=30)
    deadline = host.description("w").deadline
    host.advance(5)
    say(host, "fail")
    assert host.description("w").deadline == deadline

    host.advance(25)

    assert host.status("w") is WorkflowStatus.TIMEOUT
    assert host.description("w").run_attempt == 2


@needs(Capability.CLOCK, Capability.DESCRIBE)
def test_a_run_without_a_policy_is_not_retried(host: ContractHost):
    """
    Unless its start says so, a failed run is the end.
    """
    first = host.start(Trial, "w", "in")

    say(host, "fail")
    host.advance(1000)

    assert host.description("w").run_id == first


@needs(Capability.CLOCK, Capability.DESCRIBE)
def test_a_succession_outlives_the_engine(host: ContractHost):
    """
    The next run, its back-off and its place in the chain are there after the engine was begun again.
    """
    first = host.start(Trial, "w", "in", options=RETRIED)
    say(host, "fail")
    host.advance(5)

    host.restart()
    host.advance(5)
    say(host, "go")

    assert host.output("w")[1] == first
    assert host.description("w").run_attempt == 2
    assert host.service.wait(host.address("w", first)).result(30).status is WorkflowStatus.COMPLETED
