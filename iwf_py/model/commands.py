"""What a state waits for: timers and channels, and when they are satisfied.

These are the classes that users build in wait_until, and the ones that the machine reads:
nothing in them is a payload.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import ClassVar

from attrs import evolve, field, frozen

from iwf_py.errors import InvalidArgumentError, WorkflowDefinitionError
from iwf_py.model.durations import Duration, to_seconds, to_timedelta
from iwf_py.model.ids import check_name
from iwf_py.model.status import ChannelFamily, CommandWaitingType


def _is_count(bound: object) -> bool:
    return isinstance(bound, int) and not isinstance(bound, bool) and bound >= 1


def _check_bounds(name: str, at_least: int, at_most: int | None) -> None:
    for what, bound in (("at_least", at_least), ("at_most", at_most)):
        if bound is not None and not _is_count(bound):
            raise InvalidArgumentError(f"{what} of the command on channel {name!r} must be 1 or more, got {bound!r}")
    if at_most is not None and at_most < at_least:
        raise InvalidArgumentError(
            f"at_most ({at_most}) of the command on channel {name!r} is below at_least ({at_least})"
        )


def _duration(duration: Duration | None) -> timedelta | None:
    # iWF's own constructor takes seconds. A timedelta's bounds are told when a request is made of it.
    if duration is None or isinstance(duration, timedelta):
        return duration
    return to_timedelta("timer duration", duration)


@frozen
class TimerCommand:
    """
    Wait for a time.

    Attributes:
        command_id: The user's name for it; needed only by combinations and by skipping it by id.

        duration: How long from the moment the engine takes the command; seconds become a timedelta.

        fires_at: An instant (aware), instead of a duration.
    """

    command_id: str | None = None
    duration: timedelta | None = field(default=None, converter=_duration)
    fires_at: datetime | None = None

    @property
    def duration_seconds(self) -> float | None:
        """The duration in seconds; None of a timer that has an instant."""
        return to_seconds("timer duration", self.duration)

    @classmethod
    def by_seconds(cls, duration_seconds: Duration, command_id: str | None = None) -> TimerCommand:
        """Wait for so many seconds (a fraction is fine; a timedelta too)."""
        return cls(command_id, to_timedelta("timer duration", duration_seconds))

    @classmethod
    def by_duration(cls, duration: Duration, command_id: str | None = None) -> TimerCommand:
        """Wait for a timedelta (or seconds)."""
        return cls(command_id, to_timedelta("timer duration", duration))

    @classmethod
    def timer_command_by_duration(cls, duration: Duration, command_id: str | None = None) -> TimerCommand:
        """The spelling of iWF 0.1 for `by_duration`."""
        return cls.by_duration(duration, command_id)

    @classmethod
    def by_instant(cls, fires_at: datetime, command_id: str | None = None) -> TimerCommand:
        """Wait until an instant, an aware datetime; one in the past fires at once."""
        given: object = fires_at
        if not isinstance(given, datetime) or given.tzinfo is None:
            raise InvalidArgumentError(f"a timer's instant must be an aware datetime, got {fires_at!r}")
        # In UTC: two instants in the fold of a zone's clock are never equal across zones.
        return cls(command_id, None, fires_at.astimezone(UTC))


@frozen
class ChannelCommand:
    """
    Wait for messages of a channel: what both kinds of channel command share.

    Attributes:
        channel_name: The channel.

        command_id: The user's name for it.

        at_least: Nothing is taken until so many messages are there; 1.

        at_most: Then up to so many are taken at once; None is as many as *at_least*.
    """

    # Which kind of channel it waits on; the two classes below say.
    family: ClassVar[ChannelFamily]

    channel_name: str
    command_id: str | None = None
    at_least: int = field(default=1, kw_only=True)
    at_most: int | None = field(default=None, kw_only=True)

    @property
    def most(self) -> int:
        """How many messages it takes at the most."""
        return self.at_least if self.at_most is None else self.at_most

    @property
    def is_bounded(self) -> bool:
        """Does it say how many messages it wants?"""
        return self.at_least != 1 or self.at_most is not None


@frozen
class ChannelEmptyCommand:
    """
    Wait until a channel is empty.

    It is empty when it holds no message, and no other state execution has taken one of it without having finished; what
    the waiting state took itself does not count. Once it was empty the command stays complete, whatever comes after.

    Attributes:
        family: Which kind of channel.

        channel_name: The channel.

        command_id: The user's name for it.
    """

    family: ChannelFamily
    channel_name: str
    command_id: str | None = None


@frozen
class InternalChannelCommand(ChannelCommand):
    """Wait for messages that states, RPCs or clients publish."""

    family = ChannelFamily.INTERNAL

    @classmethod
    def by_name(
        cls, channel_name: str, command_id: str | None = None, *, at_least: int = 1, at_most: int | None = None
    ) -> InternalChannelCommand:
        """Wait for the oldest message of a channel, or for *at_least* up to *at_most* of them."""
        channel_name = check_name("channel name", channel_name)
        _check_bounds(channel_name, at_least, at_most)
        return cls(channel_name, command_id, at_least=at_least, at_most=at_most)

    @classmethod
    def until_empty(cls, channel_name: str, command_id: str | None = None) -> ChannelEmptyCommand:
        """Wait until the channel holds no message, and no other state has one of it that it has not finished with."""
        check_name("channel name", channel_name)
        return ChannelEmptyCommand(cls.family, channel_name, command_id)


@frozen
class SignalChannelCommand(ChannelCommand):
    """Wait for signals, which clients send."""

    family = ChannelFamily.SIGNAL

    @classmethod
    def by_name(
        cls, channel_name: str, command_id: str | None = None, *, at_least: int = 1, at_most: int | None = None
    ) -> SignalChannelCommand:
        """Wait for the oldest signal of a channel, or for *at_least* up to *at_most* of them."""
        channel_name = check_name("channel name", channel_name)
        _check_bounds(channel_name, at_least, at_most)
        return cls(channel_name, command_id, at_least=at_least, at_most=at_most)

    @classmethod
    def until_empty(cls, channel_name: str, command_id: str | None = None) -> ChannelEmptyCommand:
        """Wait until the channel holds no signal, and no other state has one of it that it has not finished with."""
        check_name("channel name", channel_name)
        return ChannelEmptyCommand(cls.family, channel_name, command_id)


BaseCommand = TimerCommand | InternalChannelCommand | SignalChannelCommand | ChannelEmptyCommand


@frozen
class CommandRequest:
    """
    All that one wait_until waits for.

    Attributes:
        waiting_type: Which of the commands must be complete; without any command it does not matter.

        timers: In the order that the user gave; the index is a timer's name where it has no id.

        signals: The same.

        internals: The same.

        combinations: For ANY_COMBINATION_COMPLETED: lists of command ids, each a multiset.

        until_empty: In the order that the user gave.
    """

    waiting_type: CommandWaitingType = CommandWaitingType.ALL_COMPLETED
    timers: tuple[TimerCommand, ...] = ()
    signals: tuple[SignalChannelCommand, ...] = ()
    internals: tuple[InternalChannelCommand, ...] = ()
    combinations: tuple[tuple[str, ...], ...] = ()
    until_empty: tuple[ChannelEmptyCommand, ...] = ()

    @property
    def channels(self) -> tuple[ChannelCommand, ...]:
        """Commands that take messages: of signals, then internal ones, the order in which one state's are served."""
        return (*self.signals, *self.internals)

    @property
    def command_ids(self) -> tuple[str | None, ...]:
        """The id of every command: of the timers, then of the channels, then of those that wait until one is empty."""
        return (
            *(timer.command_id for timer in self.timers),
            *(channel.command_id for channel in self.channels),
            *(until.command_id for until in self.until_empty),
        )

    @property
    def is_empty(self) -> bool:
        """Is nothing waited for?"""
        return not (self.timers or self.signals or self.internals or self.until_empty)

    @classmethod
    def for_any_command_completed(cls, *commands: BaseCommand) -> CommandRequest:
        """Go on as soon as one of the commands is complete."""
        return _sorted_by_kind(CommandWaitingType.ANY_COMPLETED, commands)

    @classmethod
    def for_all_command_completed(cls, *commands: BaseCommand) -> CommandRequest:
        """Go on when every command is complete."""
        return _sorted_by_kind(CommandWaitingType.ALL_COMPLETED, commands)

    @classmethod
    def for_any_command_combination_completed(
        cls, command_combinations: Iterable[Iterable[str]], *commands: BaseCommand
    ) -> CommandRequest:
        """
        Go on when all commands of one of the combinations are complete.

        Args:
            command_combinations: Lists of command ids; an id that stands twice wants two commands of that id.

        Errors:
            WorkflowDefinitionError: A command without an id, a combination that could never be complete, or none at all.
        """
        given = list(command_combinations)
        for combination in (command_combinations, *given):
            if isinstance(combination, str):
                raise WorkflowDefinitionError(
                    f"command_combinations are lists of command ids, such as [['a', 'b'], ['c']]; got the str {combination!r}"
                )
        combinations = tuple(tuple(combination) for combination in given)
        request = evolve(
            _sorted_by_kind(CommandWaitingType.ANY_COMBINATION_COMPLETED, commands), combinations=combinations
        )
        problems = combination_problems(request)
        if problems:
            raise WorkflowDefinitionError(*problems)
        return request

    @classmethod
    def empty(cls) -> CommandRequest:
        """Wait for nothing: execute follows at once."""
        return cls()


def combination_problems(request: CommandRequest) -> list[str]:
    """Say what keeps the combinations of *request* from ever being complete; an empty list when nothing does."""
    if request.waiting_type is not CommandWaitingType.ANY_COMBINATION_COMPLETED or request.is_empty:
        return []
    ids = request.command_ids
    problems = []
    if not all(ids):
        problems.append("every command of an any-combination request needs a command_id")
    if not request.combinations:
        problems.append("an any-combination request needs at least one combination of command ids")
    for combination in request.combinations:
        for command_id in sorted(set(combination)):
            if combination.count(command_id) > ids.count(command_id):
                problems.append(
                    f"combination {list(combination)} wants {combination.count(command_id)} command(s) "
                    f"with id {command_id!r}, but there are {ids.count(command_id)}"
                )
    return problems


def _sorted_by_kind(waiting_type: CommandWaitingType, commands: Iterable[object]) -> CommandRequest:
    timers: list[TimerCommand] = []
    signals: list[SignalChannelCommand] = []
    internals: list[InternalChannelCommand] = []
    until_empty: list[ChannelEmptyCommand] = []
    for command in commands:
        if isinstance(command, TimerCommand):
            timers.append(command)
        elif isinstance(command, SignalChannelCommand):
            signals.append(command)
        elif isinstance(command, InternalChannelCommand):
            internals.append(command)
        elif isinstance(command, ChannelEmptyCommand):
            until_empty.append(command)
        else:
            raise WorkflowDefinitionError(
                f"a command must be a TimerCommand, InternalChannelCommand or SignalChannelCommand, got {command!r}"
            )
    return CommandRequest(waiting_type, tuple(timers), tuple(signals), tuple(internals), until_empty=tuple(until_empty))
