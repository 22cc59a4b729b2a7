"""What a reset keeps of a past, what begins anew, and what clients brought later and is applied again."""

from __future__ import annotations

from typing import Any

import pytest

from iwf_py.authoring.reset_workflow_type_and_options import (
    reset_to_beginning,
    reset_to_history_event_id,
    reset_to_state_execution_id,
    reset_to_state_id,
)
from iwf_py.authoring.workflow_options import WorkflowOptions
from iwf_py.model.options import WorkflowConfig
from iwf_py.model.status import WorkflowStatus
from iwf_py.testing.contract.host import ContractHost
from iwf_py.testing.contract.needs import Capability, needs
from iwf_py.testing.contract.notes import forget_notes, notes
from iwf_py.testing.contract.stories import Hear, Story, Stumbling, attributes, begin, heard, reset, resets, say

WORKFLOWS = (Stumbling(),)


@needs(Capability.HISTORY)
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


@needs(Capability.DESCRIBE)
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


@needs(Capability.DESCRIBE)
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


@needs(Capability.HISTORY)
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


@needs(Capability.DESCRIBE)
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


@needs(Capability.HISTORY)
def test_locals_of_a_state_that_waits_survive(host: ContractHost):
    """
    A state that waits at the point goes on waiting, and is not asked again what for.
    """
    begin(host)

    reset(host, reset_to_history_event_id(len(host.events("w"))))
    say(host, "end")

    assert notes("w") == ["Hear-1 execute end"]
    assert host.output("w")[2] == "Hear-1"


@needs(Capability.CLOCK, Capability.HISTORY)
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


@needs(Capability.CLOCK, Capability.HISTORY)
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


@needs(Capability.HISTORY)
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


@needs(Capability.CLOCK)
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


@needs(Capability.CLOCK)
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
