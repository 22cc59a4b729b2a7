"""Waiting for something of a run while it goes on: that a state has completed, that an attribute is what it should be."""

from __future__ import annotations

from concurrent.futures import Future
from typing import Any

import pytest

from iwf_py.authoring.communication_schema import CommunicationMethod, CommunicationSchema
from iwf_py.authoring.persistence_schema import PersistenceField, PersistenceSchema
from iwf_py.authoring.state_decision import StateDecision
from iwf_py.authoring.state_movement import StateMovement
from iwf_py.authoring.state_schema import StateSchema
from iwf_py.authoring.workflow import ObjectWorkflow
from iwf_py.authoring.workflow_options import WorkflowOptions
from iwf_py.authoring.workflow_state import WorkflowState
from iwf_py.authoring.workflow_state_options import WorkflowStateOptions
from iwf_py.errors import (
    InvalidArgumentError,
    NotRegisteredError,
    WorkflowNotExistsError,
    WorkflowStillRunningError,
)
from iwf_py.model.commands import CommandRequest, SignalChannelCommand
from iwf_py.model.options import RetryPolicy, WorkflowRetryPolicy
from iwf_py.model.requests import AttributeReading, AttributeWaitRequest, StateCompletion, StateWaitRequest
from iwf_py.model.status import WorkflowStatus
from iwf_py.testing.contract.host import ContractHost
from iwf_py.testing.contract.needs import Capability, needs


class Split(WorkflowState[list[str]]):
    """Opens a `Walk` for each key of its input; an empty one is none."""

    def execute(self, ctx, input, command_results, persistence, communication):
        return StateDecision.multi_next_states(
            *[StateMovement.create(Walk, key, wait_for_key=key or None) for key in input]
        )


class Walk(WorkflowState[str]):
    """Waits for a word, the oldest first, and does what it says."""

    def get_state_options(self):
        return WorkflowStateOptions(
            execute_api_retry_policy=RetryPolicy(maximum_attempts=1), proceed_to_state_when_execute_retry_exhausted=Rest
        )

    def wait_until(self, ctx, input, persistence, communication):
        return CommandRequest.for_all_command_completed(SignalChannelCommand.by_name("word"))

    def execute(self, ctx, input, command_results, persistence, communication):
        word = command_results.signal_channel_commands[0].value
        decisions = {
            "on": StateDecision.single_next_state(Walk, "on"),
            "dead": StateDecision.dead_end,
            "graceful": StateDecision.graceful_complete_workflow(ctx.state_execution_id),
            "force": StateDecision.force_complete_workflow(ctx.state_execution_id),
            "fail": StateDecision.force_fail_workflow(ctx.state_execution_id),
            "if": StateDecision.force_complete_if_signal_channel_empty_or_else(
                "word", ctx.state_execution_id, Walk, "if"
            ),
        }
        if word not in decisions:
            raise ValueError(word)
        persistence.set_data_attribute("steps", (persistence.get_data_attribute("steps") or 0) + 1)
        return decisions[word]


class Rest(WorkflowState[str]):
    """Where a failed walk goes on: it waits, and fails for good."""

    def get_state_options(self):
        return WorkflowStateOptions(execute_api_retry_policy=RetryPolicy(maximum_attempts=1))

    def wait_until(self, ctx, input, persistence, communication):
        return CommandRequest.for_all_command_completed(SignalChannelCommand.by_name("end"))

    def execute(self, ctx, input, command_results, persistence, communication):
        raise ValueError(input)


class Hiking(ObjectWorkflow):
    """Walks as it is told."""

    def get_workflow_states(self):
        return StateSchema.with_starting_state(Split(), Walk(), Rest())

    def get_persistence_schema(self):
        return PersistenceSchema.create(
            PersistenceField.data_attribute_def("steps", int),
            PersistenceField.data_attribute_def("mood", str),
            PersistenceField.data_attribute_prefix_def("note-", int),
        )

    def get_communication_schema(self):
        return CommunicationSchema.create(
            CommunicationMethod.signal_channel_def("word", str), CommunicationMethod.signal_channel_def("end", None)
        )


WORKFLOWS = (Hiking(),)
RETRIED = WorkflowOptions(
    workflow_retry_policy=WorkflowRetryPolicy(initial_interval_seconds=10, maximum_attempts=2),
    initial_data_attributes={"mood": "good"},
)


def say(host: ContractHost, *words: str) -> None:
    for word in words:
        host.client.signal_workflow("w", "word", word)
        host.settle()


def waiting(host: ContractHost, number: int = 1, key: str | None = None, run_id: str | None = None) -> Future[Any]:
    """Wait for a walk."""
    request = StateWaitRequest(workflow_id="w", run_id=run_id, state_id="Walk", ordinal=number, wait_for_key=key)
    future = host.service.wait_for_state(request)
    host.settle()
    return future


def watching(host: ContractHost, key: str, after: int = 0, run_id: str | None = None) -> Future[Any]:
    """Wait for an attribute."""
    request = AttributeWaitRequest(workflow_id="w", run_id=run_id, key=key, after=after)
    return host.asked(host.service.wait_for_attribute(request))


def output_of(host: ContractHost, future: Future[Any]) -> Any:
    completion = future.result(30)
    assert isinstance(completion, StateCompletion)
    return None if completion.output is None else host.converter.decode(completion.output)


def value_of(host: ContractHost, future: Future[Any]) -> Any:
    reading = future.result(30)
    assert isinstance(reading, AttributeReading)
    return None if reading.value is None else host.converter.decode(reading.value)


# --- states -------------------------------------------------------------------------------------------------


@needs(Capability.COMPLETED_RUN)
def test_who_waits_for_a_state_is_told_when_it_completes(host: ContractHost):
    """
    Not before, and each execution by itself; the answer names run and execution.
    """
    run_id = host.start(Hiking, "w", ["", ""])
    first, second, third = (waiting(host, number) for number in (1, 2, 3))
    assert not first.done()

    say(host, "on")

    assert first.result(30) == StateCompletion(run_id=run_id, state_id="Walk", state_execution_id="Walk-1")
    assert not second.done()
    say(host, "dead")
    assert host.is_told(second)
    assert not third.done()
    say(host, "graceful")
    assert output_of(host, third) == "Walk-3"


@pytest.mark.parametrize("word", ["graceful", "force", "fail", "if"])
def test_a_state_that_closes_answers_with_its_output(host: ContractHost, word: str):
    """
    Whatever kind of close it decided on; whoever comes later is answered alike, after a new start of the engine, too.
    """
    host.start(Hiking, "w", [""])
    early = waiting(host)

    say(host, word)

    assert output_of(host, early) == "Walk-1"
    assert output_of(host, waiting(host)) == "Walk-1"
    host.restart()
    assert output_of(host, waiting(host)) == "Walk-1"
    assert host.client.wait_for_state_execution_completion_with_state_execution_id(Walk, "w", type_hint=str) == "Walk-1"


@needs(Capability.CLOCK)
def test_a_state_that_goes_on_answers_without_an_output(host: ContractHost):
    """
    A condition that is not met is a movement like any other.
    """
    host.start(Hiking, "w", [""], options=WorkflowOptions(workflow_start_delay_seconds=60))
    say(host, "if", "dead")

    host.advance(60)

    assert output_of(host, waiting(host, 1)) is None
    assert output_of(host, waiting(host, 2)) is None
    assert host.status("w") is WorkflowStatus.RUNNING
    assert host.client.wait_for_state_execution_completion_with_state_execution_id(Split, "w") is None


def test_a_key_names_the_first_to_complete(host: ContractHost):
    """
    Key and number both find it; the key stays with the first, in an open and in a closed run, and after a new start.
    """
    host.start(Hiking, "w", ["k", "k", "other"])
    keyed, numbered, other = waiting(host, key="k"), waiting(host, 1), waiting(host, key="other")
    assert not keyed.done()

    say(host, "dead")
    assert keyed.result(30).state_execution_id == numbered.result(30).state_execution_id == "Walk-1"
    assert not other.done()
    say(host, "dead", "force")

    assert output_of(host, other) == "Walk-3"
    host.restart()
    assert waiting(host, key="k").result(30).state_execution_id == "Walk-1"
    client = host.client
    assert client.wait_for_state_execution_completion_with_wait_for_key(Walk, "w", "other", type_hint=str) == "Walk-3"


def test_what_completed_is_known_after_a_new_start(host: ContractHost):
    """
    Of a run that is open as of one that has closed; who waits then is told as anybody is.
    """
    host.start(Hiking, "w", ["k", ""])
    say(host, "on")

    host.restart()

    assert host.is_told(waiting(host, 1))
    assert host.is_told(waiting(host, key="k"))
    late = waiting(host, 2)
    assert not late.done()
    say(host, "dead")
    assert host.is_told(late)


@needs(Capability.DESCRIBE)
def test_a_failure_is_no_completion(host: ContractHost):
    """
    Neither while the failure state goes on nor when the run has closed.
    """
    host.start(Hiking, "w", ["k", ""])
    failing, keyed = waiting(host, 1), waiting(host, key="k")

    say(host, "nonsense")

    assert list(host.states("w")) == ["Walk-2", "Rest-1"]
    assert not failing.done()
    assert not keyed.done()
    host.restart()
    failing, keyed = waiting(host, 1), waiting(host, key="k")
    assert not failing.done()
    say(host, "force")
    for future in (failing, keyed, waiting(host, 1), waiting(host, key="k")):
        with pytest.raises(WorkflowNotExistsError, match="has not completed in it, and never will"):
            future.result(30)
    assert host.is_told(waiting(host, 2))


def test_a_close_refuses_who_waits_for_what_it_abandons(host: ContractHost):
    """
    It says how the run has closed; whoever comes later hears the same.
    """
    host.start(Hiking, "w", ["", ""])
    abandoned = waiting(host, 2)

    say(host, "force")

    for future in (abandoned, waiting(host, 2), waiting(host, 7)):
        with pytest.raises(WorkflowNotExistsError, match=r"is closed, COMPLETED: Walk-[27] has not completed in it"):
            future.result(30)
    host.restart()
    with pytest.raises(WorkflowNotExistsError, match="Walk-2"):
        waiting(host, 2).result(30)


@needs(Capability.CLOCK, Capability.DESCRIBE, Capability.COMPLETED_RUN)
def test_who_waits_for_a_state_follows_the_retry(host: ContractHost):
    """
    A state that has completed in the failed run is told of that run; any other is waited for in the retry.
    """
    first = host.start(Hiking, "w", ["k", ""], options=RETRIED)
    second, keyed = waiting(host, 2), waiting(host, key="k")

    say(host, "fail")

    assert keyed.result(30).run_id == first
    assert not second.done()
    late = waiting(host, 2, run_id=first)
    host.advance(10)
    say(host, "dead", "graceful")
    assert second.result(30).run_id == late.result(30).run_id == host.description("w").run_id != first
    assert output_of(host, second) == "Walk-2"
    # The current run is another: in it the key is new.
    assert waiting(host, key="k", run_id=first).result(30).run_id == first


def test_a_state_of_an_earlier_run_is_not_that_of_the_current_one(host: ContractHost):
    """
    Without a run id the current run is meant, whatever ran under the same id before.
    """
    first = host.start(Hiking, "w", [""])
    say(host, "force")
    host.start(Hiking, "w", [""])

    assert not waiting(host).done()
    assert host.is_told(waiting(host, run_id=first))


@needs(Capability.CLOCK)
def test_a_state_may_be_waited_for_before_it_is_opened(host: ContractHost):
    """
    A run that is delayed, or has not come so far, is waited for like any other.
    """
    host.start(Hiking, "w", [""], options=WorkflowOptions(workflow_start_delay_seconds=60))
    future = waiting(host, 2)

    host.advance(60)
    say(host, "on", "dead")

    assert host.is_told(future)


@pytest.mark.parametrize("number", [0, -1])
def test_executions_that_cannot_be_are_refused(host: ContractHost, number: int):
    """
    They are numbered from 1.
    """
    host.start(Hiking, "w", [""])

    with pytest.raises(InvalidArgumentError, match="numbered from 1"):
        waiting(host, number).result(30)
    with pytest.raises(InvalidArgumentError):
        host.client.wait_for_state_execution_completion_with_state_execution_id(Walk, "w", number)


@needs(Capability.ATTRIBUTE_WAITS)
def test_waiting_for_something_of_an_unknown_run_is_refused_at_once(host: ContractHost):
    """
    There is nothing to wait for.
    """
    host.start(Hiking, "w", [""])

    for workflow_id, run_id in (("unknown", None), ("w", "0190163d-8694-739b-aea5-966c26f8ad91")):
        state = StateWaitRequest(workflow_id=workflow_id, run_id=run_id, state_id="Walk")
        with pytest.raises(WorkflowNotExistsError):
            host.service.wait_for_state(state).result(30)
        attribute = AttributeWaitRequest(workflow_id=workflow_id, run_id=run_id, key="steps")
        with pytest.raises(WorkflowNotExistsError):
            host.service.wait_for_attribute(attribute).result(30)


@needs(Capability.ATTRIBUTE_WAITS)
def test_waiting_for_a_state_or_an_attribute_has_an_end(host: ContractHost):
    """
    A caller who has no patience left is told, and may ask again.
    """
    host.start(Hiking, "w", [""])
    handle = host.client.get(Hiking, "w")

    with pytest.raises(WorkflowStillRunningError):
        handle.wait_for_state(Walk, timeout=0.01)
    with pytest.raises(WorkflowStillRunningError):
        handle.wait_for_attribute("steps", timeout=0.01)

    say(host, "graceful")
    assert handle.wait_for_state(Walk, type_hint=str) == "Walk-1"
    assert handle.wait_for_attribute("steps").value == 1


def test_a_cancelled_waiter_is_forgotten(host: ContractHost):
    """
    The others are told; for it, nothing happens any more.
    """
    host.start(Hiking, "w", [""])
    gone, stays = waiting(host), waiting(host)

    assert gone.cancel()
    say(host, "dead")

    assert host.is_told(stays)
    assert gone.cancelled()


# --- attributes ---------------------------------------------------------------------------------------------


@needs(Capability.ATTRIBUTE_WAITS)
def test_who_waits_for_an_attribute_is_told_when_it_is_set(host: ContractHost):
    """
    By a state or from outside; who comes later is told at once.
    """
    run_id = host.start(Hiking, "w", [""])
    steps, mood = watching(host, "steps"), watching(host, "mood")
    assert not steps.done()

    say(host, "on")
    assert not mood.done()
    host.client.set_workflow_data_attributes(Hiking, "w", data_attributes={"mood": "good"})
    host.settle()

    assert value_of(host, steps) == 1
    assert value_of(host, mood) == "good"
    assert steps.result(30).run_id == run_id
    host.restart()
    assert watching(host, "steps").result(30) == steps.result(30)


@needs(Capability.ATTRIBUTE_WAITS)
def test_who_waits_for_a_change_is_told_of_the_next_one(host: ContractHost):
    """
    Each writing has a revision of its own; a deletion is a change, and leaves revision 0.
    """
    host.start(Hiking, "w", [""])
    say(host, "on")
    seen = watching(host, "steps").result(30)
    change = watching(host, "steps", seen.revision)
    assert not change.done()

    say(host, "on")

    assert value_of(host, change) == 2
    assert change.result(30).revision > seen.revision
    gone = watching(host, "steps", change.result(30).revision)
    host.client.set_workflow_data_attributes(Hiking, "w", data_attributes={"steps": None})
    host.settle()
    assert (gone.result(30).value, gone.result(30).revision) == (None, 0)
    assert not watching(host, "steps").done()


@needs(Capability.ATTRIBUTE_WAITS)
def test_an_attribute_of_a_closed_run_is_told_or_never_will_be(host: ContractHost):
    """
    What differs from what the caller knows is told; for anything else it is too late.
    """
    host.start(Hiking, "w", [""])
    never = watching(host, "mood")

    say(host, "force")

    seen = watching(host, "steps")
    assert value_of(host, seen) == 1
    for future in (never, watching(host, "mood"), watching(host, "steps", seen.result(30).revision)):
        with pytest.raises(WorkflowNotExistsError, match="is closed, COMPLETED: data attribute"):
            future.result(30)


@needs(Capability.DESCRIBE, Capability.ATTRIBUTE_WAITS)
def test_who_waits_for_an_attribute_follows_the_retry(host: ContractHost):
    """
    A retry begins with attributes of its own: to who knew others, they are new.
    """
    first = host.start(Hiking, "w", [""], options=RETRIED)
    mood, steps = watching(host, "mood").result(30), watching(host, "note-1")
    change = watching(host, "mood", mood.revision)

    say(host, "fail")

    retry = host.description("w").run_id
    assert retry != first
    assert change.result(30) == AttributeReading(run_id=retry, key="mood", value=mood.value, revision=1)
    assert not steps.done()
    host.client.set_workflow_data_attributes(Hiking, "w", data_attributes={"note-1": 1})
    host.settle()
    assert steps.result(30).run_id == retry


@needs(Capability.ATTRIBUTE_WAITS)
def test_a_client_waits_until_an_attribute_has_a_value(host: ContractHost):
    """
    Set, equal to a value, as a predicate wants it, changed, or gone; opened as its declared type, by prefix, too.
    """
    run_id = host.start(Hiking, "w", ["", "", ""])
    say(host, "on")
    handle = host.client.get(Hiking, "w")

    one = handle.wait_for_attribute("steps")
    assert (one.key, one.value, one.run_id) == ("steps", 1, run_id)
    say(host, "on")
    assert handle.wait_for_attribute("steps", 2).value == 2
    assert handle.wait_for_attribute("steps", until=lambda steps: steps > 1).value == 2
    assert handle.wait_for_attribute("steps", since=one.revision).value == 2
    assert handle.wait_for_attribute("mood", None).revision == 0
    with pytest.raises(WorkflowStillRunningError):
        handle.wait_for_attribute("steps", 3, timeout=0.01)
    with pytest.raises(WorkflowStillRunningError):
        handle.wait_for_attribute("steps", 2, since=handle.wait_for_attribute("steps").revision, timeout=0.01)
    handle.set_attributes({"note-7": 7, "steps": None})
    assert handle.wait_for_attribute("note-7", 7).value == 7
    assert handle.wait_for_attribute("steps", None).value is None
    with pytest.raises(NotRegisteredError):
        handle.wait_for_attribute("unknown")
    with pytest.raises(InvalidArgumentError, match="int"):
        handle.wait_for_attribute("steps", "two")


@needs(Capability.ATTRIBUTE_WAITS)
def test_a_client_that_waits_sees_each_value_that_stays(host: ContractHost):
    """
    It looks at one value after the other until one will do, in the thread that asks.
    """
    host.start(Hiking, "w", [""])
    for _ in range(3):
        host.client.signal_workflow("w", "word", "on")

    seen: list[int] = []

    def is_third(steps: int) -> bool:
        seen.append(steps)
        return steps == 3

    assert host.client.wait_for_data_attribute(Hiking, "w", "steps", until=is_third).value == 3

    assert seen == sorted(set(seen))
    assert seen[-1] == 3
