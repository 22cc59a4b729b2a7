"""Resetting: a run that begins with the past of another, up to a point, and goes its own way from there."""

from __future__ import annotations

from datetime import timedelta

import pytest

from iwf_py.authoring.reset_workflow_type_and_options import (
    ResetWorkflowTypeAndOptions,
    reset_to_beginning,
    reset_to_history_event_id,
    reset_to_history_event_time,
    reset_to_state_execution_id,
    reset_to_state_id,
)
from iwf_py.authoring.workflow_options import WorkflowOptions
from iwf_py.core.events import StopRequested
from iwf_py.errors import ClientSideError, WorkflowNotExistsError, WorkflowTerminated
from iwf_py.model.options import WorkflowRetryPolicy
from iwf_py.model.status import WorkflowResetType, WorkflowStatus, WorkflowStopType
from iwf_py.testing.contract.closing import stop
from iwf_py.testing.contract.host import ContractHost
from iwf_py.testing.contract.needs import Capability, needs
from iwf_py.testing.contract.notes import forget_notes, notes
from iwf_py.testing.contract.stories import S2, Five, Hear, Story, attributes, begin, heard, reset, resets, say

WORKFLOWS = (Story(), Five())


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


@needs(Capability.DESCRIBE, Capability.HISTORY)
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


@needs(Capability.CLOCK)
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


@needs(Capability.HISTORY)
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


@needs(Capability.CLOCK, Capability.DESCRIBE)
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


@needs(Capability.DESCRIBE)
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


@needs(Capability.CLOCK, Capability.DESCRIBE)
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


@needs(Capability.CLOCK, Capability.DESCRIBE)
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


@needs(Capability.DESCRIBE)
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


@needs(Capability.DESCRIBE, Capability.HISTORY)
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


@needs(Capability.HISTORY)
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
