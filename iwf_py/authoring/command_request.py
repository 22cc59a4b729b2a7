"""What a state waits for: the words of `iwf_py.model.commands`, which users and the machine share."""

from __future__ import annotations

from iwf_py.model.commands import (
    BaseCommand,
    ChannelEmptyCommand,
    CommandRequest,
    InternalChannelCommand,
    SignalChannelCommand,
    TimerCommand,
)

__all__ = [
    "BaseCommand",
    "ChannelEmptyCommand",
    "CommandRequest",
    "InternalChannelCommand",
    "SignalChannelCommand",
    "TimerCommand",
]
