"""Workflows with a past, for tests of resets, and the sentences in which those speak."""

from __future__ import annotations

from typing import Any

from iwf_py.authoring.communication_schema import CommunicationMethod, CommunicationSchema
from iwf_py.authoring.persistence import Persistence
from iwf_py.authoring.persistence_schema import PersistenceField, PersistenceSchema
from iwf_py.authoring.reset_workflow_type_and_options import (
    ResetWorkflowTypeAndOptions,
)
from iwf_py.authoring.rpc import rpc
from iwf_py.authoring.state_decision import StateDecision
from iwf_py.authoring.state_schema import StateSchema
from iwf_py.authoring.workflow import ObjectWorkflow
from iwf_py.authoring.workflow_state import WorkflowState
from iwf_py.core.events import RunReset
from iwf_py.errors import RetryAfter
from iwf_py.model.commands import CommandRequest, InternalChannelCommand, SignalChannelCommand, TimerCommand
from iwf_py.model.options import PersistenceLoadingPolicy
from iwf_py.model.status import PersistenceLoadingType
from iwf_py.testing.contract.host import ContractHost
from iwf_py.testing.contract.notes import forget_notes, note

LOCKING = PersistenceLoadingPolicy(PersistenceLoadingType.LOAD_ALL_WITH_PARTIAL_LOCK, (), ("ledger",))


class Begin(WorkflowState[str]):
    """Says who called it, and goes on to listen."""

    def execute(self, ctx, input, command_results, persistence, communication):
        note(ctx.workflow_id, f"{ctx.state_execution_id} execute {input}")
        persistence.set_data_attribute("begun", input)
        communication.publish_to_internal_channel("side", "left behind")
        return StateDecision.single_next_state(Hear)


class Hear(WorkflowState[None]):
    """Waits for a word, or for a bell, and keeps what it heard; some words end the workflow."""

    def wait_until(self, ctx, input, persistence, communication):
        note(ctx.workflow_id, f"{ctx.state_execution_id} wait_until")
        persistence.set_state_execution_local("asked", ctx.state_execution_id)
        return CommandRequest.for_any_command_completed(
            SignalChannelCommand.by_name("word"), TimerCommand.by_seconds(1000, "bell")
        )

    def execute(self, ctx, input, command_results, persistence, communication):
        word = command_results.signal_channel_commands[0].value
        heard = [*(persistence.get_data_attribute("heard") or []), word or "bell"]
        note(ctx.workflow_id, f"{ctx.state_execution_id} execute {word}")
        persistence.set_data_attribute("heard", heard)
        if word == "fail":
            return StateDecision.force_fail_workflow(heard)
        if word in ("end", None):
            return StateDecision.graceful_complete_workflow(
                [heard, ctx.workflow_run_id, persistence.get_state_execution_local("asked")]
            )
        if word == "side":
            return StateDecision.multi_next_states(Side, Hear)
        return StateDecision.single_next_state(Hear)


class Side(WorkflowState[None]):
    """Takes what was left in the internal channel, gives it out, and is done."""

    def wait_until(self, ctx, input, persistence, communication):
        return CommandRequest.for_all_command_completed(InternalChannelCommand.by_name("side"))

    def execute(self, ctx, input, command_results, persistence, communication):
        return StateDecision.graceful_complete_workflow(command_results.internal_channel_commands[0].value)


class Story(ObjectWorkflow):
    """Hears one word after the other."""

    def get_workflow_states(self):
        return StateSchema.with_starting_state(Begin(), Hear(), Side())

    def get_persistence_schema(self):
        return PersistenceSchema.create(
            PersistenceField.data_attribute_def("begun", str),
            PersistenceField.data_attribute_def("heard", list[str]),
            PersistenceField.data_attribute_def("note", str),
            PersistenceField.data_attribute_def("ledger", list[int]),
        )

    def get_communication_schema(self):
        return CommunicationSchema.create(
            CommunicationMethod.signal_channel_def("word", str), CommunicationMethod.internal_channel_def("side", str)
        )

    @rpc()
    def jot(self, input: str, persistence: Persistence) -> None:
        persistence.set_data_attribute("note", input)

    @rpc(data_attribute_loading_policy=LOCKING)
    def book(self, input: int, persistence: Persistence) -> None:
        persistence.set_data_attribute("ledger", [*(persistence.get_data_attribute("ledger") or []), input])


class S1(WorkflowState[None]):
    """Leads to the first of five."""

    def execute(self, ctx, input, command_results, persistence, communication):
        return StateDecision.single_next_state(S2, 1)


class S2(WorkflowState[int]):
    """One of five, each of which leads to the next."""

    def execute(self, ctx, input, command_results, persistence, communication):
        note(ctx.workflow_id, ctx.state_execution_id)
        if input < 5:
            return StateDecision.single_next_state(S2, input + 1)
        return StateDecision.graceful_complete_workflow(ctx.state_execution_id)


class Five(ObjectWorkflow):
    """Goes through one state five times."""

    def get_workflow_states(self):
        return StateSchema.with_starting_state(S1(), S2())


class Stumble(WorkflowState[None]):
    """Fails twice, ten seconds apart."""

    def execute(self, ctx, input, command_results, persistence, communication):
        note(ctx.workflow_id, [ctx.attempt, ctx.first_attempt_timestamp_seconds])
        if ctx.attempt < 3:
            raise RetryAfter(10)
        return StateDecision.graceful_complete_workflow(ctx.attempt)


class Stumbling(ObjectWorkflow):
    """Has to try again."""

    def get_workflow_states(self):
        return StateSchema.with_starting_state(Stumble())


def begin(host: ContractHost, *words: str, **arguments: Any) -> str:
    """Start a story, say some words, and forget who was called."""
    run_id = host.start(Story, "w", "once", **arguments)
    for word in words:
        say(host, word)
    forget_notes()
    return run_id


def say(host: ContractHost, word: str) -> None:
    """Send a word."""
    host.client.signal_workflow("w", "word", word)
    host.settle()


def reset(host: ContractHost, options: ResetWorkflowTypeAndOptions, run_id: str | None = None) -> str:
    """Reset a workflow and let it settle; answers the new run's id."""
    new = host.client.reset_workflow("w", options, workflow_run_id=run_id)
    host.settle()
    return new


def heard(host: ContractHost, run_id: str | None = None) -> list[str]:
    """Tell what a story has heard."""
    found: list[str] = attributes(host, run_id).get("heard", [])
    return found


def attributes(host: ContractHost, run_id: str | None = None) -> dict[str, Any]:
    """Tell all attributes of a story."""
    host.settle()
    return host.client.get_all_workflow_data_attributes(Story, "w", run_id)


def resets(host: ContractHost) -> list[RunReset]:
    """Tell the resets in the current run's history."""
    host.settle()
    return [event for _, event in host.events("w") if isinstance(event, RunReset)]
