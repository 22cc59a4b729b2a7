"""What becomes of user code that fails: attempts, their limits, and when the next one comes."""

from __future__ import annotations

import sys
from datetime import timedelta
from typing import Any

import pytest

from iwf_py.authoring.communication_schema import CommunicationMethod, CommunicationSchema
from iwf_py.authoring.persistence_schema import PersistenceField, PersistenceSchema
from iwf_py.authoring.state_decision import StateDecision
from iwf_py.authoring.state_schema import StateSchema
from iwf_py.authoring.workflow import ObjectWorkflow
from iwf_py.authoring.workflow_state import WorkflowState
from iwf_py.authoring.workflow_state_options import WorkflowStateOptions
from iwf_py.errors import NonRetryableError, RetryAfter, WorkflowFailed
from iwf_py.model.commands import CommandRequest, SignalChannelCommand
from iwf_py.model.options import RetryPolicy
from iwf_py.model.requests import StateDescription
from iwf_py.model.status import WorkflowErrorType, WorkflowStatus
from iwf_py.testing.contract.host import ContractHost
from iwf_py.testing.contract.needs import Capability, needs
from iwf_py.testing.contract.notes import note, notes


class Flaky(WorkflowState[int]):
    """Fails until the attempt that its input names; leaves nothing of what it wrote before."""

    def execute(self, ctx, input, command_results, persistence, communication):
        note(ctx.workflow_id, (ctx.attempt, ctx.first_attempt_timestamp_seconds))
        persistence.set_data_attribute("written", ctx.attempt)
        communication.publish_to_internal_channel("said", "x")
        if ctx.attempt < input:
            raise ValueError(f"attempt {ctx.attempt}")
        return StateDecision.graceful_complete_workflow(ctx.attempt)


class Unreliable(ObjectWorkflow):
    """Begins with a flaky state, under the default policy."""

    def get_workflow_states(self):
        return StateSchema.with_starting_state(Flaky())

    def get_persistence_schema(self):
        return PersistenceSchema.create(PersistenceField.data_attribute_def("written", int))

    def get_communication_schema(self):
        return CommunicationSchema.create(CommunicationMethod.internal_channel_def("said", str))


class FlakyThrice(Flaky):
    """The same, with three attempts of five seconds' distance."""

    def get_state_options(self):
        policy = RetryPolicy(initial_interval_seconds=5, backoff_coefficient=1, maximum_attempts=3)
        return WorkflowStateOptions(execute_api_retry_policy=policy)


class ThreeTimes(Unreliable):
    """Begins with a state of three attempts."""

    def get_workflow_states(self):
        return StateSchema.with_starting_state(FlakyThrice())


class FlakyForSeconds(Flaky):
    """The same, for eight seconds in all."""

    def get_state_options(self):
        policy = RetryPolicy(maximum_attempts_duration_seconds=timedelta(seconds=8))
        return WorkflowStateOptions(execute_api_retry_policy=policy)


class EightSeconds(Unreliable):
    """Begins with a state of eight seconds."""

    def get_workflow_states(self):
        return StateSchema.with_starting_state(FlakyForSeconds())


class FlakyCapped(Flaky):
    """The same, with intervals that grow from 10 ms by four up to 100 ms."""

    def get_state_options(self):
        policy = RetryPolicy(
            initial_interval_seconds=0.01, backoff_coefficient=4, maximum_interval_seconds=0.1, maximum_attempts=6
        )
        return WorkflowStateOptions(execute_api_retry_policy=policy)


class SubSeconds(Unreliable):
    """Begins with a state of short intervals."""

    def get_workflow_states(self):
        return StateSchema.with_starting_state(FlakyCapped())


class OtherError(NonRetryableError):
    """A user's own error that must not be tried again."""


class Raise(WorkflowState[str]):
    """Raises, or answers, what its input names."""

    def execute(self, ctx, input, command_results, persistence, communication) -> Any:
        note(ctx.workflow_id, ctx.attempt)
        if ctx.attempt > 1:
            return StateDecision.graceful_complete_workflow(ctx.attempt)
        match input:
            case "never again":
                raise OtherError("for good")
            case "later":
                raise RetryAfter(timedelta(minutes=10))
            case "exit":
                sys.exit(3)
            case "unencodable":
                return StateDecision.graceful_complete_workflow(object())
            case "a word":
                return "done"
            case "unknown attribute":
                persistence.set_data_attribute("nobody", 1)
            case "wrong type":
                persistence.set_data_attribute("written", "text")
            case "unknown channel":
                communication.publish_to_internal_channel("nobody", 1)
            case "trigger":
                communication.trigger_state_execution(Raise, "later")
        return None


class Raiser(ObjectWorkflow):
    """Begins with a state that raises as its input says."""

    def get_workflow_states(self):
        return StateSchema.with_starting_state(Raise())

    def get_persistence_schema(self):
        return PersistenceSchema.create(PersistenceField.data_attribute_def("written", int))


class Odd(WorkflowState[None]):
    """Answers wait_until with something else, then asks for a combination that can never be."""

    def wait_until(self, ctx, input, persistence, communication) -> Any:
        if ctx.attempt == 1:
            return "soon"
        if ctx.attempt == 2:
            return CommandRequest.for_any_command_combination_completed(
                [["x", "y"]], SignalChannelCommand.by_name("s", "x")
            )
        return CommandRequest.empty()

    def execute(self, ctx, input, command_results, persistence, communication):
        return StateDecision.graceful_complete_workflow("at last")


class Oddity(ObjectWorkflow):
    """Begins with a state whose wait is odd."""

    def get_workflow_states(self):
        return StateSchema.with_starting_state(Odd())

    def get_communication_schema(self):
        return CommunicationSchema.create(CommunicationMethod.signal_channel_def("s", None))


class Coro(WorkflowState[int]):
    """Its methods are coroutines."""

    async def wait_until(self, ctx, input, persistence, communication):
        return CommandRequest.for_all_command_completed(SignalChannelCommand.by_name("s"))

    async def execute(self, ctx, input, command_results, persistence, communication):
        if ctx.attempt == 1:
            raise RetryAfter(1)
        return StateDecision.graceful_complete_workflow(input + 1)


class Coroutines(ObjectWorkflow):
    """Begins with a state of coroutines."""

    def get_workflow_states(self):
        return StateSchema.with_starting_state(Coro())

    def get_communication_schema(self):
        return CommunicationSchema.create(CommunicationMethod.signal_channel_def("s", None))


WORKFLOWS = (
    Unreliable(),
    ThreeTimes(),
    EightSeconds(),
    SubSeconds(),
    Raiser(),
    Oddity(),
    Coroutines(),
)


def only_state(host: ContractHost, workflow_id: str = "w") -> StateDescription:
    (state,) = host.states(workflow_id).values()
    return state


def attempts_at(host: ContractHost, *instants: float) -> list[int]:
    """Let time pass up to each instant (seconds from now), and tell how many attempts there have been by then."""
    began = host.clock.now()
    counts = []
    for instant in instants:
        host.advance((began + timedelta(seconds=instant)) - host.clock.now())
        counts.append(len(notes("w")))
    return counts


@needs(Capability.CLOCK)
def test_a_failed_attempt_is_tried_again_at_growing_intervals(host: ContractHost):
    """
    By default after one second, then two, then four; neither earlier nor later.
    """
    host.start(Unreliable, "w", 5)

    assert attempts_at(host, 0, 0.999, 1, 2.999, 3, 6.999, 7, 14.999) == [1, 1, 2, 2, 3, 3, 4, 4]
    host.advance(0.001)

    assert host.output("w") == 5


@needs(Capability.CLOCK)
def test_intervals_stop_growing_at_their_maximum(host: ContractHost):
    """
    10, 40, then 100 ms for ever: intervals may be parts of a second.
    """
    host.start(SubSeconds, "w", 100)

    assert attempts_at(host, 0, 0.009, 0.01, 0.05, 0.149, 0.15, 0.249, 0.25, 0.35) == [1, 1, 2, 3, 3, 4, 4, 5, 6]

    assert host.status("w") is WorkflowStatus.FAILED


@needs(Capability.CLOCK)
def test_the_default_interval_stops_at_a_hundred_seconds(host: ContractHost):
    """
    However long it goes on failing, it is tried at least every hundred seconds, and never given up.
    """
    host.start(Unreliable, "w", 10**6)
    host.advance(127)
    count = len(notes("w"))

    host.advance(1000)

    assert len(notes("w")) == count + 10


@needs(Capability.CLOCK)
def test_attempts_are_numbered_and_share_their_beginning(host: ContractHost):
    """
    User code sees which attempt it is, and when the first began.
    """
    host.start(ThreeTimes, "w", 3)
    first = int(host.clock.now().timestamp())

    host.advance(10)

    assert notes("w") == [(1, first), (2, first), (3, first)]
    assert host.output("w") == 3


@needs(Capability.CLOCK, Capability.HISTORY)
def test_what_a_failed_attempt_wrote_is_dropped(host: ContractHost):
    """
    Attributes and messages of an attempt count only when it succeeds, and then once.
    """
    host.start(Unreliable, "w", 2)
    assert host.client.get_all_workflow_data_attributes(Unreliable, "w") == {}

    host.advance(1)

    assert host.client.get_all_workflow_data_attributes(Unreliable, "w") == {"written": 2}
    assert host.kinds("w") == ["Started", "ExecuteReturned"]


@needs(Capability.CLOCK)
def test_a_limited_number_of_attempts_ends_the_run(host: ContractHost):
    """
    After the last attempt the run has failed, with the error's words.
    """
    host.start(ThreeTimes, "w", 100)

    host.advance(9.999)
    assert host.status("w") is WorkflowStatus.RUNNING
    host.advance(0.001)

    result = host.result("w")
    assert result.status is WorkflowStatus.FAILED
    assert result.error_type is WorkflowErrorType.STATE_API_FAIL_ERROR_TYPE
    assert "attempt 3" in (result.error_message or "")
    with pytest.raises(WorkflowFailed, match="attempt 3"):
        host.client.wait_for_workflow_completion("w")


@needs(Capability.CLOCK)
def test_a_limited_duration_ends_the_run_when_no_attempt_fits(host: ContractHost):
    """
    With eight seconds, attempts at 0, 1, 3 and 7 seconds; the next would come too late, so the fourth is the last.
    """
    host.start(EightSeconds, "w", 100)

    assert attempts_at(host, 6.999, 7) == [3, 4]

    assert host.status("w") is WorkflowStatus.FAILED


@needs(Capability.CLOCK)
def test_attempts_end_early_when_the_next_would_come_after_the_timeout(host: ContractHost):
    """
    With a workflow timeout of ten seconds the fourth failure, at seven, is final: FAILED, not TIMEOUT at ten.
    """
    host.start(Unreliable, "w", 100, timeout=10)

    assert attempts_at(host, 6.999, 7) == [3, 4]

    assert host.status("w") is WorkflowStatus.FAILED


@needs(Capability.CLOCK, Capability.DESCRIBE)
def test_a_failure_is_described(host: ContractHost):
    """
    While it waits for its next attempt, a state tells what failed, how often, and when it is tried again.
    """
    host.start(ThreeTimes, "w", 100)

    state = only_state(host)

    assert state.state_execution_id == "FlakyThrice-1"
    assert state.attempt == 2
    assert state.next_attempt_at == host.clock.now() + timedelta(seconds=5)
    assert state.last_failure is not None
    assert state.last_failure.error_type == "ValueError"
    assert state.last_failure.message == "attempt 1"


def test_an_error_that_must_not_be_retried_is_final(host: ContractHost):
    """
    NonRetryableError, or a subclass of it, ends the attempts whatever the policy.
    """
    host.start(Raiser, "w", "never again")

    result = host.result("w")

    assert result.status is WorkflowStatus.FAILED
    assert "for good" in (result.error_message or "")
    assert notes("w") == [1]


@needs(Capability.CLOCK)
def test_an_error_may_say_when_to_try_again(host: ContractHost):
    """
    RetryAfter overrides the policy's interval.
    """
    host.start(Raiser, "w", "later")

    assert attempts_at(host, 599.999, 600) == [1, 2]

    assert host.output("w") == 2


@needs(Capability.CLOCK, Capability.DESCRIBE)
@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("nothing", "None"),
        ("a word", "StateDecision"),
        ("exit", "SystemExit"),
        ("unencodable", "object"),
        ("unknown attribute", "nobody"),
        ("wrong type", "written"),
        ("unknown channel", "nobody"),
        ("trigger", "trigger"),
    ],
)
def test_nonsense_is_a_failed_attempt(host: ContractHost, kind: str, words: str):
    """
    What user code gets wrong says what and where, and is tried again, so that a corrected deploy heals it.
    """
    host.start(Raiser, "w", kind)

    failure = only_state(host).last_failure
    assert failure is not None
    assert words in f"{failure.error_type} {failure.message}"
    host.advance(1)

    assert host.output("w") == 2


@needs(Capability.CLOCK)
def test_nonsense_in_wait_until_is_a_failed_attempt(host: ContractHost):
    """
    Neither a word nor an impossible combination is a request; the third attempt heals it.
    """
    host.start(Oddity, "w")

    host.advance(3)

    assert host.output("w") == "at last"


@needs(Capability.CLOCK)
def test_methods_may_be_coroutines(host: ContractHost):
    """
    Async def wait_until and execute are called, fail and are retried like any other.
    """
    host.start(Coroutines, "w", 1)

    host.client.signal_workflow("w", "s")
    host.settle()
    host.advance(1)

    assert host.output("w") == 2


@needs(Capability.CLOCK)
def test_attempts_outlive_the_engine(host: ContractHost):
    """
    An engine that ends is no failure of the state: counts and instants are as they were.
    """
    host.start(ThreeTimes, "w", 3)
    host.advance(6)
    assert only_state(host).attempt == 3

    host.restart()
    state = only_state(host)
    assert state.attempt == 3
    assert state.last_failure is not None
    host.advance(4)

    assert host.output("w") == 3
    assert len(notes("w")) == 3


@needs(Capability.CLOCK)
def test_waiting_for_an_attempt_is_no_poison(host: ContractHost):
    """
    However many engines come and go while a state waits for its next attempt, it is tried again at its instant.
    """
    host.start(ThreeTimes, "w", 2)

    for _ in range(10):
        host.restart()
        host.advance(0.1)
    assert only_state(host).attempt == 2
    host.advance(4)

    assert host.output("w") == 2
