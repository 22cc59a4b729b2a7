"""What a decision makes of a run: moves, ends, and mixes that make no sense."""

from __future__ import annotations

import pytest

from iwf_py.core.effects import Closed
from iwf_py.errors import TransitionError
from iwf_py.model.commands import CommandRequest, InternalChannelCommand, SignalChannelCommand
from iwf_py.model.decisions import (
    DEAD_END,
    FORCE_COMPLETING,
    FORCE_FAILING,
    GRACEFUL_COMPLETING,
    ConditionalClose,
    Movement,
)
from iwf_py.model.status import WorkflowConditionalCloseType, WorkflowErrorType, WorkflowStatus
from tests.core.machine import Machine, sealed, to, writes

INVALID = WorkflowErrorType.INVALID_USER_WORKFLOW_CODE_ERROR_TYPE
INTERNAL_EMPTY = WorkflowConditionalCloseType.FORCE_COMPLETE_ON_INTERNAL_CHANNEL_EMPTY
SIGNAL_EMPTY = WorkflowConditionalCloseType.FORCE_COMPLETE_ON_SIGNAL_CHANNEL_EMPTY
ALL_EMPTY = WorkflowConditionalCloseType.GRACEFUL_COMPLETE_ON_ALL_CHANNELS_EMPTY


def test_execution_ids_count_per_state():
    """
    Each execution of a state gets the next ordinal, over the whole run; the same state twice is two executions.
    """
    machine = Machine(to("A"))
    machine.decides("A-1", "B", "B", "A")

    machine.decides("B-2", "B")

    assert list(machine.open) == ["B-1", "A-2", "B-3"]


def test_a_state_without_wait_until_goes_to_execute():
    """
    skip_wait_until leaves out the first call, its commands and its locals.
    """
    machine = Machine(to("A"))

    machine.decides("A-1", to("B", None), to("C"))

    assert machine.calls == ["B-1 WAIT_UNTIL", "C-1 EXECUTE"]


def test_next_states_get_their_input_and_options():
    """
    What the movement says is what the state execution is.
    """
    machine = Machine(to("A"))

    machine.decides("A-1", Movement("B", sealed("in"), None, "key"))

    origin = machine.state("B-1").origin
    assert (origin.input, origin.options, origin.wait_for_key) == (sealed("in"), None, "key")


def test_a_run_without_states_stays_open_and_idle():
    """
    After a dead end nothing runs; without a graceful close the run waits for an RPC, a stop, or its deadline.
    """
    machine = Machine(to("A"))

    machine.ends("A-1")

    assert machine.run.is_open
    assert machine.open == {}
    assert machine.turn.effects == ()


def test_a_graceful_completion_waits_for_the_others():
    """
    The run completes once no state is left; outputs stand in the order of completion.
    """
    machine = Machine(to("Start"))
    machine.decides("Start-1", "A", "B", "C")

    machine.completes("B-1", sealed("b"))
    assert machine.run.is_open
    machine.ends("C-1")
    machine.completes("A-1", sealed("a"))

    assert machine.run.status is WorkflowStatus.COMPLETED
    assert machine.outputs == ['B-1:"b"', 'A-1:"a"']
    machine.check_history()


def test_a_graceful_close_is_not_forgotten():
    """
    Once asked for, it holds: the run completes when the last state ends in a dead end, or in a state that it opened.
    """
    machine = Machine(to("Start"))
    machine.decides("Start-1", "A", "B")
    machine.completes("A-1")
    machine.decides("B-1", "C")

    machine.ends("C-1")

    assert machine.run.status is WorkflowStatus.COMPLETED
    assert machine.outputs == []


def test_a_forced_completion_ends_all():
    """
    The others are abandoned: the closed record names them and knows nothing else of them.
    """
    machine = Machine(to("Start"))
    machine.decides("Start-1", "A", "B")

    machine.forces("A-1", sealed("out"))

    assert machine.run.status is WorkflowStatus.COMPLETED
    assert machine.run.closed.executing == ("B-1",)
    assert machine.open == {}
    assert machine.outputs == ['A-1:"out"']
    assert machine.turn.effects == (Closed(),)
    machine.check_history()


def test_a_forced_failure_keeps_the_outputs():
    """
    FAILED by decision, with what was collected until then and its own output.
    """
    machine = Machine(to("Start"))
    machine.decides("Start-1", "A", "B")
    machine.completes("A-1", sealed("a"))

    machine.fails("B-1", sealed("why"))

    assert machine.run.status is WorkflowStatus.FAILED
    assert machine.run.closed.error_type is WorkflowErrorType.STATE_DECISION_FAILING_WORKFLOW_ERROR_TYPE
    assert machine.outputs == ['A-1:"a"', 'B-1:"why"']


def test_closing_without_output_leaves_no_entry():
    """
    An output that is not there is not collected.
    """
    machine = Machine(to("A"))

    machine.forces("A-1")

    assert machine.outputs == []


@pytest.mark.parametrize("end", [GRACEFUL_COMPLETING, FORCE_COMPLETING, DEAD_END])
def test_closing_and_moving_do_not_mix(end: str):
    """
    A system state beside any other movement fails the run, after the state's writes were applied.
    """
    machine = Machine(to("A"))

    machine.decides("A-1", "B", Movement(end, sealed("out")), writes=writes(done="yes"))

    closed = machine.run.closed
    assert (closed.status, closed.error_type) == (WorkflowStatus.FAILED, INVALID)
    assert closed.error_message == (
        "invalid state decisions. Closing workflow decision cannot be combined with other state decisions"
    )
    assert machine.outputs == []
    assert machine.run.attributes["done"].value == sealed("yes")


def test_failing_wins_over_a_mix():
    """
    FORCE_FAILING among others, wherever it stands, is FORCE_FAILING alone.
    """
    machine = Machine(to("A"))

    machine.decides("A-1", "B", Movement(GRACEFUL_COMPLETING), Movement(FORCE_FAILING, sealed("why")))

    assert machine.run.closed.error_type is WorkflowErrorType.STATE_DECISION_FAILING_WORKFLOW_ERROR_TYPE
    assert machine.outputs == ['A-1:"why"']


def test_a_decision_without_content_never_reaches_the_machine():
    """
    The judge calls it a failed attempt; a host that sends it anyway has a bug.
    """
    machine = Machine(to("A"))

    with pytest.raises(TransitionError, match="failed attempt"):
        machine.decides("A-1")


def test_what_a_state_wrote_is_there_with_its_decision():
    """
    Writes and decision are one turn: attributes, messages, next states.
    """
    machine = Machine(to("A"))

    machine.decides("A-1", "B", writes=writes(("i", "x"), status="on"))

    assert machine.run.attributes["status"].value == sealed("on")
    assert machine.run.unconsumed == 1
    assert machine.run.seq == 2


# Conditional closes


def sees(kind: WorkflowConditionalCloseType, name: str = "c") -> ConditionalClose:
    return ConditionalClose(close_type=kind, channel_name=name, output=sealed("out"))


@pytest.mark.parametrize("kind", [INTERNAL_EMPTY, SIGNAL_EMPTY])
def test_a_run_closes_when_the_channel_is_empty(kind: WorkflowConditionalCloseType):
    """
    Nothing in the channel: the run completes at once, with the condition's output.
    """
    machine = Machine(to("A"))

    machine.decides("A-1", "B", close=sees(kind))

    assert machine.run.status is WorkflowStatus.COMPLETED
    assert machine.outputs == ['A-1:"out"']


@pytest.mark.parametrize("kind", [INTERNAL_EMPTY, SIGNAL_EMPTY, ALL_EMPTY])
def test_a_run_moves_on_while_there_are_messages(kind: WorkflowConditionalCloseType):
    """
    With messages in the channel the decision's movements count, and there is no output.
    """
    machine = Machine(to("A"))
    machine.publish(("c", "x"))
    machine.signal("c")

    machine.decides("A-1", "B", close=sees(kind))

    assert machine.open == {"B-1": "EXECUTE*"}
    assert machine.outputs == []


@pytest.mark.parametrize(("kind", "other"), [(INTERNAL_EMPTY, "signal"), (SIGNAL_EMPTY, "internal")])
def test_only_the_named_channel_of_its_family_counts(kind: WorkflowConditionalCloseType, other: str):
    """
    Messages elsewhere, also under the same name in the other family, keep nothing open.
    """
    machine = Machine(to("A"))
    machine.publish(("d", "x"), *([("c", "x")] if other == "internal" else []))
    if other == "signal":
        machine.signal("c")

    machine.decides("A-1", "B", close=sees(kind))

    assert machine.run.status is WorkflowStatus.COMPLETED


def test_what_the_state_itself_published_counts():
    """
    A state that publishes with its decision does not find the channel empty.
    """
    machine = Machine(to("A"))

    machine.decides("A-1", "B", close=sees(INTERNAL_EMPTY), writes=writes(("c", "mine")))

    assert machine.open == {"B-1": "EXECUTE*"}


def taking(*names: str) -> Machine:
    """A-1, A-2 ... have each taken a message of channel c, and execute."""
    machine = Machine(to("Start"))
    machine.decides("Start-1", *[Movement("A") for _ in names])
    for at, name in enumerate(names, 1):
        machine.waits(f"A-{at}", CommandRequest.for_all_command_completed(InternalChannelCommand.by_name("c")))
        machine.publish(("c", name))
    return machine


@pytest.mark.parametrize("kind", [INTERNAL_EMPTY, ALL_EMPTY])
def test_messages_that_others_have_not_finished_count(kind: WorkflowConditionalCloseType):
    """
    What another state took is still being worked on; the deciding state's own message is not counted.
    """
    machine = taking("one", "two")

    machine.decides("A-1", "B", close=sees(kind))
    assert machine.open == {"A-2": "EXECUTE*", "B-1": "EXECUTE*"}
    machine.ends("B-1")
    machine.decides("A-2", "C", close=sees(kind))

    assert machine.run.status is WorkflowStatus.COMPLETED
    assert machine.outputs == ['A-2:"out"']


def test_all_channels_empty_closes_gracefully():
    """
    When nothing lies in any channel the thread ends and the run completes with its last state.
    """
    machine = Machine(to("Start"))
    machine.decides("Start-1", "A", "B")

    machine.decides("A-1", "C", close=sees(ALL_EMPTY, ""))
    assert machine.open == {"B-1": "EXECUTE*"}
    machine.ends("B-1")

    assert machine.run.status is WorkflowStatus.COMPLETED
    assert machine.outputs == ['A-1:"out"']


def test_an_unmet_condition_cannot_end_the_run():
    """
    The other branch of a conditional close is for ordinary states.
    """
    machine = Machine(to("A"))
    machine.signal("c")

    machine.decides("A-1", Movement(FORCE_FAILING), close=sees(SIGNAL_EMPTY))

    assert machine.run.closed.error_type is INVALID
    assert machine.run.closed.error_message == f"invalid ConditionUnmetDecision with stateId: {FORCE_FAILING}"


def test_a_met_condition_does_not_look_at_the_other_branch():
    """
    What would not be allowed there does not matter when the run closes.
    """
    machine = Machine(to("A"))

    machine.decides("A-1", Movement(FORCE_FAILING), close=sees(SIGNAL_EMPTY))

    assert machine.run.status is WorkflowStatus.COMPLETED


def test_a_waiting_state_elsewhere_takes_before_the_close_is_decided():
    """
    A message that another state took when it came is in its hands, not in the channel: it keeps the run open.
    """
    machine = Machine(to("Start"))
    machine.decides("Start-1", to("W", None), to("A"))
    machine.waits("W-1", CommandRequest.for_all_command_completed(*[SignalChannelCommand.by_name("c")] * 2))
    machine.signal("c")

    machine.decides("A-1", "B", close=sees(SIGNAL_EMPTY))

    assert machine.open == {"W-1": "WAITING", "B-1": "EXECUTE*"}
