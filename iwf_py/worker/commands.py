"""Whether what wait_until asks for can be waited for at all.

The factories of the commands check what they are given; a command that was made by its constructor, or
changed, is checked here, before the engine sees it.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from iwf_py.errors import InvalidArgumentError
from iwf_py.model.commands import ChannelCommand, CommandRequest, TimerCommand, combination_problems
from iwf_py.model.durations import MAX_DURATION
from iwf_py.model.ids import check_name


def command_problems(request: CommandRequest) -> Iterator[str]:
    """Say what keeps a request from being waited for, one sentence each."""
    yield from combination_problems(request)
    for timer in request.timers:
        yield from _timer_problems(timer)
    for channel in request.channels:
        yield from _channel_problems(channel)
    for until in request.until_empty:
        yield from _id_problems(until.command_id)


def _timer_problems(timer: TimerCommand) -> Iterator[str]:
    duration: object = timer.duration
    instant: object = timer.fires_at
    if (duration is None) == (instant is None):
        yield f"a timer needs a duration or an instant, got {timer}; make it with TimerCommand.by_seconds and its like"
    elif instant is None and not (isinstance(duration, timedelta) and timedelta(0) <= duration <= MAX_DURATION):
        yield f"a timer's duration must be a timedelta of 0 to {MAX_DURATION.days} days, got {duration!r}; use TimerCommand.by_seconds"
    elif duration is None and not (isinstance(instant, datetime) and instant.tzinfo is not None):
        yield f"a timer's instant must be an aware datetime, got {instant!r}; use TimerCommand.by_instant"
    yield from _id_problems(timer.command_id)


def _channel_problems(command: ChannelCommand) -> Iterator[str]:
    bounds: tuple[object, object] = (command.at_least, command.most)
    least, most = bounds
    if not (isinstance(least, int) and isinstance(most, int) and 1 <= least <= most):
        yield f"a command on channel {command.channel_name!r} wants at least {least!r} and at most {most!r} messages"
    yield from _id_problems(command.command_id)


def _id_problems(command_id: str | None) -> Iterator[str]:
    if command_id is None or command_id == "":
        return
    try:
        check_name("command id", command_id)
    except InvalidArgumentError as error:
        yield str(error)
