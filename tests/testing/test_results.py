import pytest

from iwf_py.errors import InvalidArgumentError
from iwf_py.model.status import ChannelRequestStatus, TimerStatus
from iwf_py.testing import (
    command_results,
    internal_emptied,
    internal_not_emptied,
    internal_received,
    internal_waiting,
    signal_emptied,
    signal_not_emptied,
    signal_received,
    signal_waiting,
    timer_fired,
    timer_scheduled,
)
from tests.testing.workflows import RemindState


def test_results_are_sorted_by_kind_in_their_order():
    """
    A state under test sees them as the engine would give them.
    """
    results = command_results(
        signal_received("s", 1, 2, command_id="x"),
        timer_scheduled(),
        internal_waiting("i"),
        timer_fired("t"),
        internal_received("i", "v"),
        signal_waiting("s"),
        internal_received("j"),
    )

    assert [timer.status for timer in results.timer_commands] == [TimerStatus.SCHEDULED, TimerStatus.FIRED]
    assert results.timer_commands[1].command_id == "t"
    assert [signal.values for signal in results.signal_channel_commands] == [(1, 2), ()]
    assert results.signal_channel_commands[0].command_id == "x"
    assert [(each.status, each.value) for each in results.internal_channel_commands] == [
        (ChannelRequestStatus.WAITING, None),
        (ChannelRequestStatus.RECEIVED, "v"),
        (ChannelRequestStatus.RECEIVED, None),
    ]
    assert results.wait_until_api_succeeded is True


def test_a_state_is_tested_with_them():
    """
    A fired timer moves the state on; a message completes it.
    """
    state = RemindState()

    again = state.execute(None, 4, command_results(timer_fired("reminder"), internal_waiting("verified")), None, None)
    done = state.execute(None, 4, command_results(timer_scheduled(), internal_received("verified")), None, None)

    assert again.next_states[0].state_input == 5
    assert done.next_states[0].state_input == 4


def test_a_state_can_be_told_which_channels_were_empty():
    """
    Both kinds of channel, empty and not.
    """
    results = command_results(
        signal_emptied("s", "x"), internal_not_emptied("i"), internal_emptied("j"), signal_not_emptied("t")
    )

    assert [(each.family.value, each.channel_name, each.is_complete) for each in results.channel_empty_commands] == [
        ("SIGNAL", "s", True),
        ("INTERNAL", "i", False),
        ("INTERNAL", "j", True),
        ("SIGNAL", "t", False),
    ]
    assert results.by_id("x").is_complete


def test_anything_else_is_refused():
    """
    What is no result says so.
    """
    with pytest.raises(InvalidArgumentError):
        command_results("fired")
