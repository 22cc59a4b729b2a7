"""One call of user code: what its handler is given, and what becomes of its answer.

The invocation is opened lazily: a value is decoded when the handler asks for it. The answer and all that
was written are checked against the workflow's definition and sealed; an answer that does not fit is an
error like one that the handler raised.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from iwf_py.authoring.command_results import (
    ChannelEmptyCommandResult,
    CommandResults,
    InternalChannelCommandResult,
    SignalChannelCommandResult,
    TimerCommandResult,
)
from iwf_py.authoring.communication import Communication
from iwf_py.authoring.definition import NO_VALUE, Handler, Slot, WorkflowDefinition
from iwf_py.authoring.persistence import Persistence
from iwf_py.authoring.sealing import seal, unseal
from iwf_py.authoring.state_decision import StateDecision
from iwf_py.authoring.state_movement import StateMovement, seal_movement
from iwf_py.authoring.workflow_context import WorkflowContext
from iwf_py.errors import WorkflowDefinitionError
from iwf_py.model.commands import CommandRequest
from iwf_py.model.converter import Converter
from iwf_py.model.decisions import ConditionalClose, Decision
from iwf_py.model.ids import plain
from iwf_py.model.invocations import (
    NO_WRITES,
    ExecuteResult,
    Invocation,
    InvocationKind,
    Outcome,
    RpcResult,
    SealedChannelResult,
    WaitUntilResult,
    Writes,
)
from iwf_py.model.status import ChannelFamily, WorkflowConditionalCloseType
from iwf_py.worker.commands import command_problems


class Session:
    """
    One call of one handler.

    Args:
        definition: Of the workflow.

        handler: The method that is called.

        invocation: What it is called with, sealed.

        converter: Opens and seals values.
    """

    __slots__ = ("_communication", "_converter", "_definition", "_handler", "_invocation", "_persistence")

    def __init__(
        self, definition: WorkflowDefinition, handler: Handler, invocation: Invocation, converter: Converter
    ) -> None:
        self._definition = definition
        self._handler = handler
        self._invocation = invocation
        self._converter = converter
        self._persistence: Persistence | None = None
        self._communication: Communication | None = None

    def arguments(self) -> list[Any]:
        """Open what the handler's parameters ask for, in their order."""
        return [self._fill(slot) for slot in self._handler.slots]

    def keywords(self) -> dict[str, Any]:
        """Open what the handler's keyword-only parameters ask for."""
        return {name: self._fill(slot) for name, slot in self._handler.keywords.items()}

    def _fill(self, slot: Slot) -> Any:
        match slot:
            case Slot.CONTEXT:
                return self._context()
            case Slot.INPUT:
                return self._input()
            case Slot.RESULTS:
                return self._results()
            case Slot.PERSISTENCE:
                if self._persistence is None:
                    self._persistence = Persistence(
                        self._definition,
                        self._converter,
                        attributes=self._invocation.attributes,
                        search_attributes=self._invocation.search_attributes,
                        state_locals=dict(self._invocation.locals),
                    )
                return self._persistence
            case Slot.COMMUNICATION:
                if self._communication is None:
                    self._communication = Communication(
                        self._definition,
                        self._converter,
                        channel_sizes=self._invocation.channel_sizes,
                        in_rpc=self._invocation.kind is InvocationKind.RPC,
                    )
                return self._communication

    def _context(self) -> WorkflowContext:
        invocation = self._invocation
        first = invocation.first_attempt_at
        return WorkflowContext(
            workflow_id=invocation.workflow_id,
            workflow_run_id=invocation.run_id,
            workflow_start_timestamp_seconds=int(invocation.started_at.timestamp()),
            state_execution_id=invocation.state_execution_id,
            first_attempt_timestamp_seconds=None if first is None else int(first.timestamp()),
            attempt=None if invocation.kind is InvocationKind.RPC else invocation.attempt,
            workflow_type=invocation.workflow_type,
            failure=invocation.failure,
        )

    def _input(self) -> Any:
        payload = self._invocation.input
        if payload is None:
            default = self._handler.input_default
            return None if default is NO_VALUE else default
        return unseal(self._converter, payload, self._handler.input_type, f"input of {self._handler.name}")

    def _results(self) -> CommandResults:
        sealed = self._invocation.results
        if sealed is None:
            return CommandResults()
        return CommandResults(
            [TimerCommandResult(timer.status, timer.command_id) for timer in sealed.timers],
            [
                InternalChannelCommandResult(
                    result.channel_name,
                    status=result.status,
                    command_id=result.command_id,
                    values=partial(self._messages, result),
                )
                for result in sealed.internals
            ],
            [
                SignalChannelCommandResult(
                    result.channel_name,
                    status=result.status,
                    command_id=result.command_id,
                    values=partial(self._messages, result),
                )
                for result in sealed.signals
            ],
            sealed.wait_until_succeeded,
            [
                ChannelEmptyCommandResult(result.family, result.channel_name, result.is_complete, result.command_id)
                for result in sealed.until_empty
            ],
        )

    def _messages(self, result: SealedChannelResult) -> list[Any]:
        value_type = self._definition.channels[result.family].type_of(result.channel_name)
        what = f"message of {self._definition.channels[result.family].what} {result.channel_name!r}"
        return [unseal(self._converter, payload, value_type, what) for payload in result.values]

    # -- what becomes of the answer

    def outcome(self, answer: object) -> Outcome:
        """
        Seal what the handler returned and wrote.

        Errors:
            WorkflowDefinitionError: The answer is not what such a handler returns, or names what is not declared.

            PayloadError: Something in it cannot be encoded.
        """
        match self._invocation.kind:
            case InvocationKind.WAIT_UNTIL:
                local = () if self._persistence is None else self._persistence.local_writes
                return WaitUntilResult(commands=self._commands(answer), locals=local, writes=self._writes())
            case InvocationKind.EXECUTE:
                return ExecuteResult(decision=self._decision(answer), writes=self._writes())
            case InvocationKind.RPC:
                output = seal(self._converter, answer, self._handler.output_type, f"what {self._handler.name} returned")
                movements = () if self._communication is None else self._communication.movements
                return RpcResult(output=output, next_states=movements, writes=self._writes())

    def _writes(self) -> Writes:
        persistence, communication = self._persistence, self._communication
        if persistence is None and communication is None:
            return NO_WRITES
        return Writes(
            attributes=() if persistence is None else persistence.attribute_writes,
            search_attributes=() if persistence is None else persistence.search_attribute_writes,
            messages=() if communication is None else communication.messages,
            recorded_events=() if persistence is None else persistence.recorded_events,
        )

    def _commands(self, answer: object) -> CommandRequest:
        if not isinstance(answer, CommandRequest):
            raise self._returned(answer, "a CommandRequest, such as CommandRequest.empty()")
        for command in answer.channels:
            # Whether the channel is declared; the error says what is.
            self._definition.channels[command.family].type_of(command.channel_name)
        for until in answer.until_empty:
            self._definition.channels[until.family].type_of(until.channel_name)
        problems = [f"{self._handler.name}: {problem}" for problem in command_problems(answer)]
        if problems:
            raise WorkflowDefinitionError(*problems)
        return answer

    def _decision(self, answer: object) -> Decision:
        if not isinstance(answer, StateDecision):
            raise self._returned(answer, "a StateDecision, such as StateDecision.graceful_complete_workflow()")
        if not answer.next_states:
            raise WorkflowDefinitionError(
                f"{self._handler.name} returned a decision without a next state; to end this thread only, "
                "return StateDecision.dead_end"
            )
        for movement in answer.next_states:
            if not isinstance(movement, StateMovement):
                raise self._returned(movement, "StateMovements in its decision")
        movements = tuple(seal_movement(movement, self._definition, self._converter) for movement in answer.next_states)
        return Decision(movements, conditional_close=self._conditional_close(answer))

    def _conditional_close(self, answer: StateDecision) -> ConditionalClose | None:
        close = answer.conditional_close
        if close is None:
            return None
        kind = WorkflowConditionalCloseType
        if close.close_type is kind.FORCE_COMPLETE_ON_INTERNAL_CHANNEL_EMPTY:
            self._definition.channels[ChannelFamily.INTERNAL].type_of(close.channel_name)
        elif close.close_type is kind.FORCE_COMPLETE_ON_SIGNAL_CHANNEL_EMPTY:
            self._definition.channels[ChannelFamily.SIGNAL].type_of(close.channel_name)
        output = seal(self._converter, close.output, Any, "output")
        return ConditionalClose(close_type=close.close_type, channel_name=plain(close.channel_name), output=output)

    def _returned(self, answer: object, expected: str) -> WorkflowDefinitionError:
        return WorkflowDefinitionError(
            f"{self._handler.name} of {self._definition.workflow_type} must return {expected}; it returned {_told(answer)}"
        )


def _told(answer: object) -> str:
    """Say what an answer is, by its type alone: what a value holds may be private."""
    if answer is None:
        return "None (is a return missing?)"
    if isinstance(answer, type):
        return f"the class {answer.__name__} itself"
    if callable(answer):
        return f"{getattr(answer, '__qualname__', 'something')} itself (is a call missing?)"
    return f"a {type(answer).__name__}"
