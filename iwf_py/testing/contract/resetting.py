"""Resetting: a run that begins with the past of another, up to a point, and goes its own way from there."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from iwf_py.authoring.communication_schema import CommunicationMethod, CommunicationSchema
from iwf_py.authoring.persistence import Persistence
from iwf_py.authoring.persistence_schema import PersistenceField, PersistenceSchema
from iwf_py.authoring.reset_workflow_type_and_options import (
    ResetWorkflowTypeAndOptions,
    reset_to_beginning,
    reset_to_history_event_id,
    reset_to_history_event_time,
    reset_to_state_execution_id,
    reset_to_state_id,
)
from iwf_py.authoring.rpc import rpc
from iwf_py.authoring.state_decision import StateDecision
from iwf_py.authoring.state_schema import StateSchema
from iwf_py.authoring.workflow import ObjectWorkflow
from iwf_py.authoring.workflow_options import WorkflowOptions
from iwf_py.authoring.workflow_state import WorkflowState
from iwf_py.core.events import RunReset, StopRequested
from iwf_py.errors import ClientSideError, RetryAfter, WorkflowNotExistsError, WorkflowTerminated
from iwf_py.model.commands import CommandRequest, InternalChannelCommand, SignalChannelCommand, TimerCommand
from iwf_py.model.options import PersistenceLoadingPolicy, WorkflowConfig, WorkflowRetryPolicy
from iwf_py.model.status import PersistenceLoadingType, WorkflowResetType, WorkflowStatus, WorkflowStopType
from iwf_py.testing.contract.closing import stop
from iwf_py.testing.contract.host import ContractHost
from iwf_py.testing.contract.notes import forget_notes, note, notes

LOCKING = PersistenceLoadingPolicy(PersistenceLoadingType.LOAD_ALL_WITH_PARTIAL_LOCK, (), ("ledger",))


class Begin(WorkflowState[str]):
    """Says who called it, and goes on to listen."""

    def execute(self, ctx, input, command_results, persistence, communication):
        note(ctx.workflow_id, f"{ctx.state_execution_id} execute {input}")
        persistence.set_data_attribute("begun", input)
        communication.publish_to_internal_channel("side", "left behind")
        return StateDecision.single_next_state(Hear)


class Hear(WorkflowState[None]):
    """Waits for a word, or for a bell, and keeps what it heard; some words end the workflow."""

    def wait_until(self, ctx, input, persistence, communication):
        note(ctx.workflow_id, f"{ctx.state_execution_id} wait_until")
        persistence.set_state_execution_local("asked", ctx.state_execution_id)
        return CommandRequest.for_any_command_completed(
            SignalChannelCommand.by_name("word"), TimerCommand.by_seconds(1000, "bell")
        )

    def execute(self, ctx, input, command_results, persistence, communication):
        word = command_results.signal_channel_commands[0].value
        heard = [*(persistence.get_data_attribute("heard") or []), word or "bell"]
        note(ctx.workflow_id, f"{ctx.state_execution_id} execute {word}")
        persistence.set_data_attribute("heard", heard)
        if word == "fail":
            return StateDecision.force_fail_workflow(heard)
        if word in ("end", None):
            return StateDecision.graceful_complete_workflow(
                [heard, ctx.workflow_run_id, persistence.get_state_execution_local("asked")]
            )
        if word == "side":
            return StateDecision.multi_next_states(Side, Hear)
        return StateDecision.single_next_state(Hear)


class Side(WorkflowState[None]):
    """Takes what was left in the internal channel, gives it out, and is done."""

    def wait_until(self, ctx, input, persistence, communication):
        return CommandRequest.for_all_command_completed(InternalChannelCommand.by_name("side"))

    def execute(self, ctx, input, command_results, persistence, communication):
        return StateDecision.graceful_complete_workflow(command_results.internal_channel_commands[0].value)


class Story(ObjectWorkflow):
    """Hears one word after the other."""

    def get_workflow_states(self):
        return StateSchema.with_starting_state(Begin(), Hear(), Side())

    def get_persistence_schema(self):
        return PersistenceSchema.create(
            PersistenceField.data_attribute_def("begun", str),
            PersistenceField.data_attribute_def("heard", list[str]),
            PersistenceField.data_attribute_def("note", str),
            PersistenceField.data_attribute_def("ledger", list[int]),
        )

    def get_communication_schema(self):
        return CommunicationSchema.create(
            CommunicationMethod.signal_channel_def("word", str), CommunicationMethod.internal_channel_def("side", str)
        )

    @rpc()
    def jot(self, input: str, persistence: Persistence) -> None:
        persistence.set_data_attribute("note", input)

    @rpc(data_attribute_loading_policy=LOCKING)
    def book(self, input: int, persistence: Persistence) -> None:
        persistence.set_data_attribute("ledger", [*(persistence.get_data_attribute("ledger") or []), input])


class S1(WorkflowState[None]):
    """Leads to the first of five."""

    def execute(self, ctx, input, command_results, persistence, communication):
        return StateDecision.single_next_state(S2, 1)


class S2(WorkflowState[int]):
    """One of five, each of which leads to the next."""

    def execute(self, ctx, input, command_results, persistence, communication):
        note(ctx.workflow_id, ctx.state_execution_id)
        if input < 5:
            return StateDecision.single_next_state(S2, input + 1)
        return StateDecision.graceful_complete_workflow(ctx.state_execution_id)


class Five(ObjectWorkflow):
    """Goes through one state five times."""

    def get_workflow_states(self):
        return StateSchema.with_starting_state(S1(), S2())


class Stumble(WorkflowState[None]):
    """Fails twice, ten seconds apart."""

    def execute(self, ctx, input, command_results, persistence, communication):
        note(ctx.workflow_id, [ctx.attempt, ctx.first_attempt_timestamp_seconds])
        if ctx.attempt < 3:
            raise RetryAfter(10)
        return StateDecision.graceful_complete_workflow(ctx.attempt)


class Stumbling(ObjectWorkflow):
    """Has to try again."""

    def get_workflow_states(self):
        return StateSchema.with_starting_state(Stumble())


WORKFLOWS = (Story(), Five(), Stumbling())


def begin(host: ContractHost, *words: str, **arguments: Any) -> str:
    """Start a story, say some words, and forget who was called."""
    run_id = host.start(Story, "w", "once", **arguments)
    for word in words:
        say(host, word)
    forget_notes()
    return run_id


def say(host: ContractHost, word: str) -> None:
    """Send a word."""
    host.client.signal_workflow("w", "word", word)
    host.settle()


def reset(host: ContractHost, options: ResetWorkflowTypeAndOptions, run_id: str | None = None) -> str:
    """Reset a workflow and let it settle; answers the new run's id."""
    new = host.client.reset_workflow("w", options, workflow_run_id=run_id)
    host.settle()
    return new


def heard(host: ContractHost, run_id: str | None = None) -> list[str]:
    """Tell what a story has heard."""
    found: list[str] = attributes(host, run_id).get("heard", [])
    return found


def attributes(host: ContractHost, run_id: str | None = None) -> dict[str, Any]:
    """Tell all attributes of a story."""
    host.settle()
    return host.client.get_all_workflow_data_attributes(Story, "w", run_id)


def resets(host: ContractHost) -> list[RunReset]:
    """Tell the resets in the current run's history."""
    host.settle()
    return [event for _, event in host.events("w") if isinstance(event, RunReset)]


def test_a_reset_to_the_beginning_runs_everything_again(host: ContractHost):
    """
    The starting state is executed again with its original input, under its original name; the earlier run stays readable.
    """
    first = begin(host, "one", "end")

    second = reset(host, reset_to_beginning("a try", skip_signal_reapply=True))

    assert second != first
    assert notes("w") == ["Begin-1 execute once", "Hear-1 wait_until"]
    assert host.status("w") is WorkflowStatus.RUNNING
    assert attributes(host) == {"begun": "once"}
    assert host.status("w", first) is WorkflowStatus.COMPLETED
    assert heard(host, first) == ["one", "end"]


def test_what_came_after_the_point_is_sent_again(host: ContractHost):
    """
    Messages that came later reach the new run, in their order, each once.
    """
    begin(host, "one", "two", "end")

    reset(host, reset_to_state_id(Hear))

    assert notes("w") == [
        "Hear-1 wait_until",
        "Hear-1 execute one",
        "Hear-2 wait_until",
        "Hear-2 execute two",
        "Hear-3 wait_until",
        "Hear-3 execute end",
    ]
    assert host.output("w")[0] == ["one", "two", "end"]
    (event,) = resets(host)
    assert event.reapplied == 3


def test_what_came_after_the_point_may_be_left_out(host: ContractHost):
    """
    With skip_signal_reapply the new run waits for other messages; what was stored before the point is kept.
    """
    begin(host, "one", "two", "end")

    reset(host, reset_to_state_execution_id((Hear, 2), skip_signal_reapply=True))
    say(host, "other")

    assert heard(host) == ["one", "other"]
    assert notes("w") == ["Hear-2 wait_until", "Hear-2 execute other", "Hear-3 wait_until"]


def test_a_state_is_counted_on_from_the_point(host: ContractHost):
    """
    Reset to a state, its five executions have the numbers one to five again; reset to the fourth, two are repeated.
    """
    host.start(Five, "w")
    executions = [f"S2-{number}" for number in range(1, 6)]
    assert notes("w") == executions

    reset(host, reset_to_state_id(S2))
    assert notes("w") == executions * 2
    assert host.output("w") == "S2-5"
    reset(host, reset_to_state_execution_id("S2-4"))

    assert notes("w") == [*executions * 2, "S2-4", "S2-5"]
    assert host.output("w") == "S2-5"


def test_either_name_of_a_state_is_enough(host: ContractHost):
    """
    Where a state and an execution are named, the first call of either is the point.
    """
    host.start(Five, "w")
    forget_notes()

    options = ResetWorkflowTypeAndOptions(WorkflowResetType.STATE_ID, state_id="nobody", state_execution_id="S2-5")
    reset(host, options)

    assert notes("w") == ["S2-5"]


def test_a_reset_to_an_entry_keeps_it_and_all_before(host: ContractHost):
    """
    The new run's history begins with the entries of the other one, word for word, up to the one that is named.
    """
    first = begin(host, "one")
    entries = [entry.seq for entry in host.client.get_history("w") if entry.kind == "Signalled"]

    reset(host, reset_to_history_event_id(entries[0] - 1, skip_signal_reapply=True))

    past = list(host.events("w", first))[: entries[0] - 1]
    assert list(host.events("w"))[: len(past)] == past
    assert host.kinds("w")[len(past) :] == ["RunReset"]
    assert [entry.seq for entry in host.client.get_history("w")] == list(range(1, len(past) + 2))
    assert {entry.run_id for entry in host.client.get_history("w")} == {host.description("w").run_id}


def test_a_reset_to_an_instant_keeps_what_was_before(host: ContractHost):
    """
    What happened at the instant, or later, is not kept.
    """
    begin(host, "one")
    host.advance(10)
    moment = host.clock.now()
    say(host, "two")

    reset(host, reset_to_history_event_time(moment, skip_signal_reapply=True))
    assert heard(host) == ["one"]
    reset(host, reset_to_history_event_time((moment - timedelta(seconds=10)).isoformat(), skip_signal_reapply=True))

    # That instant is the run's first: its opening is kept all the same.
    assert heard(host) == []
    assert attributes(host) == {"begun": "once"}


def test_a_reset_to_no_instant_is_one_to_the_beginning(host: ContractHost):
    """
    Without an instant there is but the beginning.
    """
    begin(host, "one")

    reset(host, ResetWorkflowTypeAndOptions(WorkflowResetType.HISTORY_EVENT_TIME, skip_signal_reapply=True))

    assert notes("w") == ["Begin-1 execute once", "Hear-1 wait_until"]


def test_an_open_run_is_terminated_by_its_reset(host: ContractHost):
    """
    In the same breath: its waiters get that outcome, what it was doing is over, and its history says why.
    """
    first = begin(host, "one")
    waiter = host.service.wait(host.address("w"))

    second = reset(host, reset_to_state_execution_id("Hear-2"))

    assert host.status("w", first) is WorkflowStatus.TERMINATED
    outcome = waiter.result(30)
    assert (outcome.run_id, outcome.status) == (first, WorkflowStatus.TERMINATED)
    with pytest.raises(WorkflowTerminated):
        host.client.wait_for_workflow_completion("w", workflow_run_id=first)
    ending = host.events("w", first)[-1][1]
    assert isinstance(ending, StopRequested)
    assert second in (ending.reason or "")
    with pytest.raises(WorkflowNotExistsError):
        host.client.signal_workflow("w", "word", "end", workflow_run_id=first)


def test_a_new_run_is_linked_to_the_old_one(host: ContractHost):
    """
    It is the latest of its id; user code is told of the first run and its start, as before.
    """
    first = begin(host, "one")
    started = host.description("w").started_at
    host.advance(100)

    second = reset(host, reset_to_state_execution_id("Hear-2", "the reason"))
    say(host, "end")

    assert host.output("w") == [["one", "end"], first, "Hear-2"]
    description = host.description("w")
    assert description.run_id == second
    assert (description.first_run_id, description.previous_run_id, description.run_attempt) == (first, first, 1)
    assert description.started_at == started
    (event,) = resets(host)
    assert (event.reason, event.run_id, event.base_run_id) == ("the reason", second, first)


def test_an_older_run_is_reset(host: ContractHost):
    """
    The past may be that of any run of the id; the one that is open now makes way.
    """
    first = begin(host, "one", "end")
    second = begin(host, "else")

    third = reset(host, reset_to_state_execution_id("Hear-2", skip_signal_reapply=True), first)

    assert heard(host) == ["one"]
    assert host.status("w", second) is WorkflowStatus.TERMINATED
    assert host.description("w").previous_run_id == first
    assert host.description("w").run_id == third
    assert heard(host, second) == ["else"]


def test_a_reset_run_is_reset(host: ContractHost):
    """
    What a reset applied again lies before the same point: only a reset of the original run gets rid of it.
    """
    first = begin(host, "one", "two", "end")
    second = reset(host, reset_to_state_execution_id("Hear-2"))
    assert host.output("w")[0] == ["one", "two", "end"]

    reset(host, reset_to_state_execution_id("Hear-2", skip_signal_reapply=True), second)
    assert host.output("w")[0] == ["one", "two", "end"]
    reset(host, reset_to_state_execution_id("Hear-2", skip_signal_reapply=True), first)
    assert heard(host) == ["one"]

    third = reset(host, reset_to_beginning(), second)
    assert host.output("w")[0] == ["one", "two", "end"]
    description = host.description("w", third)
    assert (description.first_run_id, description.previous_run_id) == (first, second)


def test_the_beginning_of_a_run_that_was_reset_to_it(host: ContractHost):
    """
    The same point is behind what that reset applied again.
    """
    begin(host, "one", "end")
    reset(host, reset_to_beginning())

    reset(host, reset_to_beginning(skip_signal_reapply=True))

    assert host.output("w")[0] == ["one", "end"]


def test_a_failed_run_is_reset(host: ContractHost):
    """
    However a run ended, its past can be gone on from; that a client failed it is not applied again.
    """
    first = begin(host, "one")
    stop(host, WorkflowStopType.FAIL)
    assert host.status("w") is WorkflowStatus.FAILED

    reset(host, reset_to_state_execution_id("Hear-2"))
    assert host.status("w") is WorkflowStatus.RUNNING
    say(host, "fail")
    assert host.status("w") is WorkflowStatus.FAILED
    reset(host, reset_to_state_id(Hear, skip_signal_reapply=True))
    say(host, "end")

    assert host.output("w")[:2] == [["end"], first]


def test_a_run_that_timed_out_is_reset(host: ContractHost):
    """
    The timeout is counted anew from the reset; what came too late for the old run is not applied again.
    """
    begin(host, "one", timeout=60)
    host.advance(60)
    assert host.status("w") is WorkflowStatus.TIMEOUT
    host.advance(100)

    reset(host, reset_to_state_execution_id("Hear-2"))

    assert host.description("w").deadline == host.clock.now() + timedelta(seconds=60)
    host.advance(59)
    assert host.status("w") is WorkflowStatus.RUNNING
    host.advance(1)
    assert host.status("w") is WorkflowStatus.TIMEOUT


def test_a_run_that_was_retried_is_reset(host: ContractHost):
    """
    The retry that is open makes way; the new run has the attempt of the one whose past it has, and may be retried again.
    """
    options = WorkflowOptions(
        workflow_retry_policy=WorkflowRetryPolicy(initial_interval_seconds=10, maximum_attempts=2)
    )
    first = begin(host, "fail", options=options)
    retry = host.description("w").run_id
    assert retry != first
    host.advance(10)

    third = reset(host, reset_to_state_id(Hear, skip_signal_reapply=True), first)

    assert host.status("w", retry) is WorkflowStatus.TERMINATED
    assert (host.description("w").run_id, host.description("w").run_attempt) == (third, 1)
    say(host, "fail")
    description = host.description("w")
    assert (description.run_attempt, description.previous_run_id) == (2, third)
    reset(host, reset_to_beginning())
    assert host.description("w").run_attempt == 2


def test_all_that_clients_wrote_is_applied_again(host: ContractHost):
    """
    Signals, published messages, attributes, settings, and what RPCs wrote, with locks or without.
    """
    begin(host)
    host.client.set_workflow_data_attributes(Story, "w", "", {"begun": "from outside"})
    host.client.invoke_rpc("w", Story.jot, "kept")
    host.client.invoke_rpc("w", Story.book, 7)
    host.client.publish_to_internal_channel(Story, "w", "side", "more")
    host.client.update_workflow_config("w", WorkflowConfig(optimize_timer=True))
    say(host, "one")

    reset(host, reset_to_state_id("Hear"))

    assert attributes(host) == {"begun": "from outside", "note": "kept", "ledger": [7], "heard": ["one"]}
    assert host.description("w").config.optimize_timer
    assert sum(host.description("w").channel_sizes.values()) == 2


@pytest.mark.parametrize(("signals", "updates"), [(True, False), (False, True), (True, True)])
def test_signals_and_updates_are_left_out_one_by_one(host: ContractHost, signals: bool, updates: bool):
    """
    What locking RPCs wrote is left out apart from all else.
    """
    begin(host)
    host.client.invoke_rpc("w", Story.jot, "kept")
    host.client.invoke_rpc("w", Story.book, 7)

    reset(host, reset_to_state_id("Hear", skip_signal_reapply=signals, skip_update_reapply=updates))

    expected: dict[str, Any] = {"begun": "once"}
    if not signals:
        expected["note"] = "kept"
    if not updates:
        expected["ledger"] = [7]
    assert attributes(host) == expected


def test_a_locking_rpc_that_is_open_at_the_point_ends_there(host: ContractHost):
    """
    Nobody waits for it any more: its keys are free, and what it wrote later is applied again as all else.
    """
    begin(host)
    host.client.invoke_rpc("w", Story.book, 7)
    asked = host.kinds("w").index("RpcAsked") + 1

    reset(host, reset_to_history_event_id(asked, skip_update_reapply=True))
    assert "ledger" not in attributes(host)
    host.client.invoke_rpc("w", Story.book, 8)

    assert attributes(host)["ledger"] == [8]


def test_what_lies_in_channels_and_was_given_out_survives(host: ContractHost):
    """
    Messages that nobody has taken, outputs of states that are done, and locals of those that wait stay as they were.
    """
    begin(host)
    host.client.publish_to_internal_channel(Story, "w", "side", "second")
    say(host, "side")

    reset(host, reset_to_state_execution_id("Hear-2"))
    say(host, "end")

    assert host.outputs("w")[0] == "left behind"
    assert host.outputs("w")[1][0] == ["side", "end"]
    assert sum(host.description("w").channel_sizes.values()) == 1


def test_locals_of_a_state_that_waits_survive(host: ContractHost):
    """
    A state that waits at the point goes on waiting, and is not asked again what for.
    """
    begin(host)

    reset(host, reset_to_history_event_id(len(host.events("w"))))
    say(host, "end")

    assert notes("w") == ["Hear-1 execute end"]
    assert host.output("w")[2] == "Hear-1"


def test_a_timer_keeps_its_instant(host: ContractHost):
    """
    What a state waits for at the point comes when it would have come.
    """
    begin(host)
    host.advance(400)

    reset(host, reset_to_history_event_id(len(host.events("w"))))
    host.restart()
    host.advance(599)
    assert host.status("w") is WorkflowStatus.RUNNING
    host.advance(1)

    assert host.output("w")[0] == ["bell"]


def test_a_timer_that_is_past_fires_at_once(host: ContractHost):
    """
    The reset may come long after the instant.
    """
    begin(host)
    waiting = len(host.events("w"))
    say(host, "end")
    host.advance(5000)

    reset(host, reset_to_history_event_id(waiting, skip_signal_reapply=True))

    assert host.output("w")[0] == ["bell"]


def test_a_skipped_timer_is_skipped_again(host: ContractHost):
    """
    A skip that came after the point finds the timer that waits.
    """
    begin(host)
    waiting = len(host.events("w"))
    host.client.skip_timer_by_command_id("w", Hear, "bell")
    assert host.output("w")[0] == ["bell"]

    reset(host, reset_to_history_event_id(waiting))

    assert host.output("w")[0] == ["bell"]
    assert "TimerFired" not in host.kinds("w")


def test_attempts_are_counted_anew(host: ContractHost):
    """
    A call that is made again has failed no more than a new one.
    """
    host.start(Stumbling, "w")
    host.advance(10)
    begun = notes("w")[0][1]
    assert [attempt for attempt, _ in notes("w")] == [1, 2]
    forget_notes()

    reset(host, reset_to_beginning())
    host.advance(20)

    assert notes("w") == [[attempt, begun + 10] for attempt in (1, 2, 3)]
    assert host.output("w") == 3


def test_a_start_delay_is_not_waited_for_twice(host: ContractHost):
    """
    What is left of it is waited for, and no more.
    """
    options = WorkflowOptions(workflow_start_delay_seconds=60)
    begin(host, options=options)
    host.advance(40)

    reset(host, reset_to_beginning())
    assert notes("w") == []
    host.advance(20)
    assert notes("w") == ["Begin-1 execute once", "Hear-1 wait_until"]
    reset(host, reset_to_beginning())

    assert notes("w") == ["Begin-1 execute once", "Hear-1 wait_until"] * 2


def test_a_reset_outlives_the_engine(host: ContractHost):
    """
    Both runs, their histories and their links are there after the engine was begun again; and so is what was under way.
    """
    first = begin(host, "one", "two")
    second = reset(host, reset_to_state_execution_id("Hear-2"))

    host.restart()
    say(host, "end")

    assert host.output("w") == [["one", "two", "end"], first, "Hear-3"]
    assert host.status("w", first) is WorkflowStatus.TERMINATED
    host.restart()
    third = reset(host, reset_to_state_execution_id("Hear-3", skip_signal_reapply=True), second)
    host.restart()
    assert heard(host, third) == ["one", "two"]
    assert host.description("w").previous_run_id == second


NO_SUCH_POINT = {
    "no entry": (ResetWorkflowTypeAndOptions(WorkflowResetType.HISTORY_EVENT_ID), "needs history_event_id"),
    "before the first entry": (reset_to_history_event_id(0), "1 or more"),
    "behind the last entry": (reset_to_history_event_id(1000), "from 1 to"),
    "after the last entry": (reset_to_history_event_time("2999-01-01T00:00:00+00:00"), "must not be after"),
    "no state": (ResetWorkflowTypeAndOptions(WorkflowResetType.STATE_ID), "state_id or state_execution_id"),
    "another state": (reset_to_state_id("nobody"), "never called state 'nobody'"),
    "another execution": (reset_to_state_execution_id("Hear-9"), "never called state execution 'Hear-9'"),
}


@pytest.mark.parametrize("name", list(NO_SUCH_POINT))
def test_a_point_that_is_not_there_is_refused(host: ContractHost, name: str):
    """
    Nothing is written, and the run that is open goes on.
    """
    options, text = NO_SUCH_POINT[name]
    first = begin(host, "one")
    before = list(host.events("w"))

    with pytest.raises(ClientSideError, match=text) as caught:
        reset(host, options)

    assert caught.value.status == 400
    assert host.description("w").run_id == first
    assert list(host.events("w")) == before
    say(host, "end")
    assert host.output("w")[0] == ["one", "end"]


def test_the_end_of_a_run_is_not_kept(host: ContractHost):
    """
    A new run is open, so its past ends before the entry that closed the other one.
    """
    begin(host, "end")
    last = len(host.events("w"))

    with pytest.raises(ClientSideError, match=f"entry {last - 1} is the last that can be kept"):
        reset(host, reset_to_history_event_id(last))
    reset(host, reset_to_history_event_id(last - 1))

    assert notes("w") == ["Hear-1 execute end"]
    assert host.output("w")[0] == ["end"]


def test_resetting_an_unknown_run_is_refused(host: ContractHost):
    """
    There is no past to begin with.
    """
    begin(host)

    with pytest.raises(WorkflowNotExistsError):
        reset(host, reset_to_beginning(), "00000000-0000-7000-8000-000000000000")
    with pytest.raises(WorkflowNotExistsError):
        host.client.reset_workflow("unknown", reset_to_beginning())
