"""Results of commands as a state gets them, for unit tests that call ``execute`` directly.

results = command_results(timer_fired("reminder"), internal_waiting("verify"))
decision = VerifyState().execute(ctx, None, results, persistence, communication)
"""

from __future__ import annotations

from typing import Any

from iwf_py.authoring.command_results import (
    ChannelEmptyCommandResult,
    CommandResults,
    InternalChannelCommandResult,
    SignalChannelCommandResult,
    TimerCommandResult,
)
from iwf_py.errors import InvalidArgumentError
from iwf_py.model.status import ChannelFamily, ChannelRequestStatus, TimerStatus

CommandResult = (
    TimerCommandResult | InternalChannelCommandResult | SignalChannelCommandResult | ChannelEmptyCommandResult
)


def command_results(*results: CommandResult, wait_until_api_succeeded: bool | None = True) -> CommandResults:
    """
    Put single results together, each kind in the order given.

    Args:
        wait_until_api_succeeded: False for a state that proceeds though wait_until failed; None for one without wait_until.
    """
    timers: list[TimerCommandResult] = []
    internals: list[InternalChannelCommandResult] = []
    signals: list[SignalChannelCommandResult] = []
    until_empty: list[ChannelEmptyCommandResult] = []
    for result in results:
        if isinstance(result, TimerCommandResult):
            timers.append(result)
        elif isinstance(result, InternalChannelCommandResult):
            internals.append(result)
        elif isinstance(result, SignalChannelCommandResult):
            signals.append(result)
        elif isinstance(result, ChannelEmptyCommandResult):
            until_empty.append(result)
        else:
            raise InvalidArgumentError(f"a command result must come from this module's functions, got {result!r}")
    return CommandResults(timers, internals, signals, wait_until_api_succeeded, until_empty)


def timer_fired(command_id: str | None = None) -> TimerCommandResult:
    """Make the result of a timer that is over."""
    return TimerCommandResult(TimerStatus.FIRED, command_id)


def timer_scheduled(command_id: str | None = None) -> TimerCommandResult:
    """Make the result of a timer that is not over."""
    return TimerCommandResult(TimerStatus.SCHEDULED, command_id)


def internal_received(channel_name: str, *values: Any, command_id: str | None = None) -> InternalChannelCommandResult:
    """Make the result of an internal channel command that took these messages; without any, one without a value."""
    return InternalChannelCommandResult(
        channel_name, None, ChannelRequestStatus.RECEIVED, command_id, values=values or (None,)
    )


def internal_waiting(channel_name: str, command_id: str | None = None) -> InternalChannelCommandResult:
    """Make the result of an internal channel command that took nothing."""
    return InternalChannelCommandResult(channel_name, command_id=command_id)


def signal_received(channel_name: str, *values: Any, command_id: str | None = None) -> SignalChannelCommandResult:
    """Make the result of a signal command that took these messages; without any, one without a value."""
    return SignalChannelCommandResult(
        channel_name, None, ChannelRequestStatus.RECEIVED, command_id, values=values or (None,)
    )


def signal_waiting(channel_name: str, command_id: str | None = None) -> SignalChannelCommandResult:
    """Make the result of a signal command that took nothing."""
    return SignalChannelCommandResult(channel_name, command_id=command_id)


def internal_emptied(channel_name: str, command_id: str | None = None) -> ChannelEmptyCommandResult:
    """Make the result of a command that waited until an internal channel is empty, and it was."""
    return ChannelEmptyCommandResult(ChannelFamily.INTERNAL, channel_name, True, command_id)


def internal_not_emptied(channel_name: str, command_id: str | None = None) -> ChannelEmptyCommandResult:
    """Make the result of a command that waited in vain until an internal channel is empty."""
    return ChannelEmptyCommandResult(ChannelFamily.INTERNAL, channel_name, False, command_id)


def signal_emptied(channel_name: str, command_id: str | None = None) -> ChannelEmptyCommandResult:
    """Make the result of a command that waited until a signal channel is empty, and it was."""
    return ChannelEmptyCommandResult(ChannelFamily.SIGNAL, channel_name, True, command_id)


def signal_not_emptied(channel_name: str, command_id: str | None = None) -> ChannelEmptyCommandResult:
    """Make the result of a command that waited in vain until a signal channel is empty."""
    return ChannelEmptyCommandResult(ChannelFamily.SIGNAL, channel_name, False, command_id)
