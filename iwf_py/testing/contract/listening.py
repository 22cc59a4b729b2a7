"""A workflow that waits for whatever its input says: the suite's ear for timers and channels.

It forks into one `Listen` for each wish; each answers what became of its commands.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from iwf_py.authoring.command_results import CommandResults
from iwf_py.authoring.communication import Communication
from iwf_py.authoring.communication_schema import CommunicationMethod, CommunicationSchema
from iwf_py.authoring.rpc import rpc
from iwf_py.authoring.state_decision import StateDecision
from iwf_py.authoring.state_movement import StateMovement
from iwf_py.authoring.state_schema import StateSchema
from iwf_py.authoring.workflow import ObjectWorkflow
from iwf_py.authoring.workflow_state import WorkflowState
from iwf_py.model.commands import CommandRequest, InternalChannelCommand, SignalChannelCommand, TimerCommand

CHANNELS = ("a", "b", "c")


@dataclass
class Wish:
    """One command: a timer, or a channel's: for messages, or until it is empty."""

    kind: str
    name: str = ""
    seconds: float = 0
    command_id: str | None = None
    at_least: int = 1
    at_most: int | None = None

    def command(self) -> Any:
        """Make the command."""
        if self.kind == "timer":
            return TimerCommand.by_seconds(self.seconds, self.command_id)
        make = SignalChannelCommand if self.kind.startswith("signal") else InternalChannelCommand
        if self.kind.endswith("until empty"):
            return make.until_empty(self.name, self.command_id)
        return make.by_name(self.name, self.command_id, at_least=self.at_least, at_most=self.at_most)


@dataclass
class Wishes:
    """The commands of one state, and when they are satisfied."""

    mode: str
    commands: list[Wish]
    combinations: list[list[str]] = field(default_factory=list)


def timer(seconds: float, command_id: str | None = None) -> Wish:
    """Wish for a time."""
    return Wish("timer", seconds=seconds, command_id=command_id)


def signal(name: str, command_id: str | None = None, at_least: int = 1, at_most: int | None = None) -> Wish:
    """Wish for a signal."""
    return Wish("signal", name, 0, command_id, at_least, at_most)


def internal(name: str, command_id: str | None = None, at_least: int = 1, at_most: int | None = None) -> Wish:
    """Wish for an internal message."""
    return Wish("internal", name, 0, command_id, at_least, at_most)


def signal_until_empty(name: str, command_id: str | None = None) -> Wish:
    """Wish that nobody has anything of a signal channel."""
    return Wish("signal until empty", name, command_id=command_id)


def internal_until_empty(name: str, command_id: str | None = None) -> Wish:
    """Wish that nobody has anything of an internal channel."""
    return Wish("internal until empty", name, command_id=command_id)


def any_of(*commands: Wish) -> Wishes:
    """One of them is enough."""
    return Wishes("any", list(commands))


def all_of(*commands: Wish) -> Wishes:
    """All of them."""
    return Wishes("all", list(commands))


def combination_of(combinations: list[list[str]], *commands: Wish) -> Wishes:
    """One of the combinations of ids."""
    return Wishes("combination", list(commands), combinations)


def tell(results: CommandResults) -> dict[str, Any]:
    """Say what became of the commands, in plain words."""
    return {
        "timers": [timer.status.value for timer in results.timer_commands],
        "signals": [[signal.status.value, *signal.values] for signal in results.signal_channel_commands],
        "internals": [[message.status.value, *message.values] for message in results.internal_channel_commands],
        "emptied": [result.is_complete for result in results.channel_empty_commands],
    }


class Fork(WorkflowState[list[Wishes]]):
    """Opens one `Listen` for each wish."""

    def execute(self, ctx, input, command_results, persistence, communication):
        return StateDecision.multi_next_states(*[StateMovement.create(Listen, wishes) for wishes in input])


class Listen(WorkflowState[Wishes]):
    """Waits, and says what became of its commands."""

    def wait_until(self, ctx, input, persistence, communication):
        commands = [wish.command() for wish in input.commands]
        if input.mode == "any":
            return CommandRequest.for_any_command_completed(*commands)
        if input.mode == "all":
            return CommandRequest.for_all_command_completed(*commands)
        return CommandRequest.for_any_command_combination_completed(input.combinations, *commands)

    def execute(self, ctx, input, command_results, persistence, communication):
        told = {"state": ctx.state_execution_id, **tell(command_results)}
        return StateDecision.graceful_complete_workflow(told)


class Listener(ObjectWorkflow):
    """Waits for what its input wishes, one state for each wish."""

    def get_workflow_states(self):
        return StateSchema.with_starting_state(Fork(), Listen())

    def get_communication_schema(self):
        return CommunicationSchema.create(
            *[CommunicationMethod.signal_channel_def(name, str) for name in CHANNELS],
            *[CommunicationMethod.internal_channel_def(name, str) for name in CHANNELS],
        )

    @rpc()
    def sizes(self, communication: Communication) -> dict[str, list[int]]:
        return {
            "signals": [communication.get_signal_channel_size(name) for name in CHANNELS],
            "internals": [communication.get_internal_channel_size(name) for name in CHANNELS],
        }
