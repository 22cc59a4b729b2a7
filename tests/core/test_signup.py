"""The signup workflow on the bare machine: the walk that the design describes."""

from __future__ import annotations

from datetime import timedelta

from iwf_py.core.effects import Closed, Invoke, SetTimer
from iwf_py.model.commands import CommandRequest, InternalChannelCommand, TimerCommand
from iwf_py.model.status import Phase, WorkflowStatus
from tests.core.machine import NOON, Machine, sealed, to, writes

REMINDER = CommandRequest.for_any_command_completed(
    TimerCommand.by_duration(timedelta(seconds=10)), InternalChannelCommand.by_name("verify")
)


def waiting_signup() -> Machine:
    machine = Machine(to("Submit", input=sealed("form")))
    machine.decides("Submit-1", to("Verify", None), writes=writes(status="waiting"))
    machine.waits("Verify-1", REMINDER)
    return machine


def test_signup_waits_after_three_turns():
    """
    Start, submit, wait_until: three turns, and the alarm hears of the reminder.
    """
    machine = waiting_signup()

    assert machine.run.seq == 3
    assert machine.open == {"Verify-1": "WAITING"}
    assert machine.turn.effects == (SetTimer(NOON + timedelta(seconds=10)),)
    machine.check_history()


def test_a_verified_signup_completes():
    """
    The RPC's message satisfies ANY; execute then closes the run gracefully.
    """
    machine = waiting_signup()

    machine.answer(None, writes=writes(("verify", "yes"), status="verified"))
    assert machine.turn.effects == (Invoke(2, Phase.EXECUTE),)
    machine.completes("Verify-1", sealed("done"))

    assert machine.run.status is WorkflowStatus.COMPLETED
    assert machine.outputs == ['Verify-1:"done"']
    assert machine.turn.effects == (Closed(),)
    machine.check_history()


def test_a_reminder_comes_before_the_next_wait():
    """
    When the timer fires first, execute is called without a message, and the next execution of the state waits again.
    """
    machine = waiting_signup()
    machine.later(10)

    machine.fire("Verify-1")
    assert machine.calls == ["Verify-1 EXECUTE"]
    assert machine.took("Verify-1") == [[]]
    machine.decides("Verify-1", to("Verify", None))

    assert machine.open == {"Verify-2": "WAIT_UNTIL*"}
    machine.check_history()
