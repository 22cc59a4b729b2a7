"""What became of the commands that a state waited for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar, TypeVar, overload

from attrs import field, frozen

from iwf_py.authoring.keys import ChannelName
from iwf_py.errors import NotRegisteredError
from iwf_py.model.status import ChannelFamily, ChannelRequestStatus, TimerStatus


@frozen
class TimerCommandResult:
    """
    A timer command: SCHEDULED, or FIRED (also when it was skipped).

    Attributes:
        command_id: As given with the command, or None.
    """

    status: TimerStatus
    command_id: str | None = None

    @property
    def is_complete(self) -> bool:
        """Is the time over?"""
        return self.status is TimerStatus.FIRED


class ChannelCommandResult:
    """
    A channel command: WAITING, or RECEIVED with what it took.

    Messages are opened when they are first asked for.

    Attributes:
        channel_name: The channel.

        status: WAITING or RECEIVED.

        command_id: As given with the command, or None.
    """

    __slots__ = ("_open", "_values", "channel_name", "command_id", "status")

    # Which kind of channel; the two classes below say.
    family: ClassVar[ChannelFamily]

    def __init__(
        self,
        channel_name: str,
        value: Any = None,
        status: ChannelRequestStatus = ChannelRequestStatus.WAITING,
        command_id: str | None = None,
        *,
        values: Sequence[Any] | Callable[[], Sequence[Any]] | None = None,
    ) -> None:
        self.channel_name = channel_name
        self.status = status
        self.command_id = command_id
        self._values: tuple[Any, ...] | None = None
        if values is None:
            values = (value,) if status is ChannelRequestStatus.RECEIVED else ()
        self._open = values

    @property
    def values(self) -> tuple[Any, ...]:
        """All messages that the command took, oldest first; more than one only where it was given bounds."""
        if self._values is None:
            self._values = tuple(self._open() if callable(self._open) else self._open)
        return self._values

    @property
    def value(self) -> Any:
        """The (oldest) message; None while there is none, and of a message without a value."""
        return self.values[0] if self.values else None

    @property
    def is_complete(self) -> bool:
        """Did it get what it waited for?"""
        return self.status is ChannelRequestStatus.RECEIVED

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, ChannelCommandResult) or type(other) is not type(self):
            return NotImplemented
        return (self.channel_name, self.values, self.status, self.command_id) == (
            other.channel_name,
            other.values,
            other.status,
            other.command_id,
        )

    __hash__ = None  # type: ignore[assignment]  # it holds users' values, which need not be hashable

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.channel_name!r}, status={self.status}, command_id={self.command_id!r})"


class InternalChannelCommandResult(ChannelCommandResult):
    """What became of an `InternalChannelCommand`."""

    __slots__ = ()
    family = ChannelFamily.INTERNAL


class SignalChannelCommandResult(ChannelCommandResult):
    """What became of a `SignalChannelCommand`."""

    __slots__ = ()
    family = ChannelFamily.SIGNAL


@frozen
class ChannelEmptyCommandResult:
    """
    A command that waited until a channel is empty.

    Attributes:
        family: Which kind of channel.

        channel_name: The channel.

        is_complete: Was it empty at some moment since the state waits? It may hold messages again by now.

        command_id: As given with the command, or None.
    """

    family: ChannelFamily
    channel_name: str
    is_complete: bool
    command_id: str | None = None


CommandResult = (
    TimerCommandResult | InternalChannelCommandResult | SignalChannelCommandResult | ChannelEmptyCommandResult
)
ValueT = TypeVar("ValueT")


@frozen
class CommandResults:
    """
    What became of all the commands of a state; each list in the order of the request.

    Attributes:
        timer_commands: One result for each timer command.

        internal_channel_commands: One result for each internal channel command.

        signal_channel_commands: One result for each signal channel command.

        wait_until_api_succeeded: False when wait_until's attempts were exhausted and the options let the state
            proceed; None when there was no wait_until.

        channel_empty_commands: One result for each command that waited until a channel is empty.
    """

    timer_commands: list[TimerCommandResult] = field(factory=list)
    internal_channel_commands: list[InternalChannelCommandResult] = field(factory=list)
    signal_channel_commands: list[SignalChannelCommandResult] = field(factory=list)
    wait_until_api_succeeded: bool | None = None
    channel_empty_commands: list[ChannelEmptyCommandResult] = field(factory=list)

    def by_id(self, command_id: str) -> CommandResult:
        """
        Return the first result of a command with this id.

        Errors:
            NotRegisteredError: No command had it.
        """
        results: list[CommandResult] = [
            *self.timer_commands,
            *self.internal_channel_commands,
            *self.signal_channel_commands,
            *self.channel_empty_commands,
        ]
        for result in results:
            if result.command_id == command_id:
                return result
        ids = sorted({result.command_id for result in results if result.command_id})
        raise NotRegisteredError(f"no command had the id {command_id!r}; there are {ids}")

    def internal(self, channel_name: str) -> InternalChannelCommandResult:
        """Return the first result of a command on this internal channel; NotRegisteredError when there is none."""
        return _on_channel(self.internal_channel_commands, "internal channel", channel_name)

    def signal(self, channel_name: str) -> SignalChannelCommandResult:
        """Return the first result of a command on this signal channel; NotRegisteredError when there is none."""
        return _on_channel(self.signal_channel_commands, "signal channel", channel_name)

    def timer_fired(self, command_id: str | None = None) -> bool:
        """
        Is the timer of this id complete; without an id: is any?

        Errors:
            NotRegisteredError: No timer command had the id.
        """
        if command_id is None:
            return any(result.is_complete for result in self.timer_commands)
        for result in self.timer_commands:
            if result.command_id == command_id:
                return result.is_complete
        ids = sorted({result.command_id for result in self.timer_commands if result.command_id})
        raise NotRegisteredError(f"no timer command had the id {command_id!r}; there are {ids}")

    @overload
    def received(self, channel: ChannelName[ValueT]) -> tuple[ValueT, ...]: ...

    @overload
    def received(self, channel: str) -> tuple[Any, ...]: ...

    def received(self, channel: str) -> tuple[Any, ...]:
        """
        Return all messages that were taken from a channel, oldest first: empty, and so false, when none was.

        Args:
            channel: Its name; of either kind, unless it is an `InternalChannel` or a `SignalChannel`.

        Returns:
            A message without a value is None.
        """
        results: list[ChannelCommandResult] = [*self.internal_channel_commands, *self.signal_channel_commands]
        return tuple(
            value
            for result in results
            if result.is_complete and result.channel_name == channel
            if not isinstance(channel, ChannelName) or result.family is channel.family
            for value in result.values
        )

    def emptied(self, channel_name: str) -> bool:
        """Is any command complete that waited until a channel of this name, of either kind, is empty?"""
        return any(result.is_complete for result in self.channel_empty_commands if result.channel_name == channel_name)


ResultT = TypeVar("ResultT", bound=ChannelCommandResult)


def _on_channel(results: Sequence[ResultT], what: str, name: str) -> ResultT:
    for result in results:
        if result.channel_name == name:
            return result
    names = sorted({result.channel_name for result in results})
    raise NotRegisteredError(f"no command waited on {what} {name!r}; there are {names}")
