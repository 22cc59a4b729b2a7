"""A service that keeps what it was asked and answers what the test says, and workflows to ask for."""

from collections import deque
from concurrent.futures import Future
from dataclasses import dataclass

from iwf_py.authoring.communication import Communication
from iwf_py.authoring.communication_schema import CommunicationMethod, CommunicationSchema
from iwf_py.authoring.persistence import Persistence
from iwf_py.authoring.persistence_schema import PersistenceField, PersistenceSchema
from iwf_py.authoring.rpc import rpc
from iwf_py.authoring.state_decision import StateDecision
from iwf_py.authoring.state_schema import StateSchema
from iwf_py.authoring.workflow import ObjectWorkflow
from iwf_py.authoring.workflow_context import WorkflowContext
from iwf_py.authoring.workflow_state import WorkflowState
from iwf_py.authoring.workflow_state_options import WorkflowStateOptions
from iwf_py.model.payload import Payload
from iwf_py.model.requests import AttributeReading, RunResult, StateCompletion, StateOutput
from iwf_py.model.status import SearchAttributeValueType, WorkflowStatus


@dataclass
class Form:
    email: str
    age: int = 0


class Submit(WorkflowState[Form]):
    def get_state_options(self):
        return WorkflowStateOptions(execute_api_timeout_seconds=5)

    def execute(self, ctx, input, command_results, persistence, communication):
        return StateDecision.single_next_state(Verify)


class Verify(WorkflowState[None]):
    def execute(self, ctx, input, command_results, persistence, communication):
        return StateDecision.dead_end


class Signup(ObjectWorkflow):
    def get_workflow_states(self):
        return StateSchema.with_starting_state(Submit(), Verify())

    def get_persistence_schema(self):
        return PersistenceSchema.create(
            PersistenceField.data_attribute_def("form", Form),
            PersistenceField.data_attribute_def("tags", list[str]),
            PersistenceField.data_attribute_prefix_def("note-", int),
            PersistenceField.search_attribute_def("city", SearchAttributeValueType.KEYWORD),
            PersistenceField.search_attribute_def("age", SearchAttributeValueType.INT),
        )

    def get_communication_schema(self):
        return CommunicationSchema.create(
            CommunicationMethod.signal_channel_def("mail", Form),
            CommunicationMethod.internal_channel_def("verify", None),
            CommunicationMethod.internal_channel_def_by_prefix("room-", int),
        )

    @rpc()
    def verify(self, source: str, persistence: Persistence, communication: Communication) -> str:
        return "done"

    @rpc(timeout_seconds=3)
    def form(self, ctx: WorkflowContext) -> Form:
        return Form("a@b")

    @rpc()
    def maybe(self, form: Form | None, persistence: Persistence) -> None:
        return None

    @rpc()
    def counted(self, number: int = 3) -> int:
        return number


class Entity(ObjectWorkflow):
    """A workflow without states."""

    @rpc()
    def read(self) -> int:
        return 1


class Child(Signup):
    """Inherits its RPCs."""


class Stranger(ObjectWorkflow):
    """Never registered."""

    @rpc()
    def read(self) -> int:
        return 1


def sealed(text):
    return Payload("json/plain", text)


def result(*outputs, status=WorkflowStatus.COMPLETED, **fields):
    return RunResult(
        workflow_id="w",
        run_id="r",
        status=status,
        outputs=tuple(
            StateOutput(state_id="Verify", state_execution_id=f"Verify-{number}", output=sealed(text))
            for number, text in enumerate(outputs, 1)
        ),
        **fields,
    )


def completion(output):
    return StateCompletion(
        run_id="r", state_id="Submit", state_execution_id="Submit-2", output=None if output is None else sealed(output)
    )


def reading(value, revision, run_id="r"):
    return AttributeReading(
        run_id=run_id, key="note-1", value=None if value is None else sealed(value), revision=revision
    )


class Service:
    """
    Answers with what the test has put into *answers*: a value, an error, or a Future of the test's own; else None.
    """

    def __init__(self):
        self.asked = []
        self.answers = deque()

    def __getattr__(self, name):
        def ask(*arguments):
            self.asked.append((name, *arguments))
            answer = self.answers.popleft() if self.answers else None
            if isinstance(answer, Future):
                return answer
            future = Future()
            if isinstance(answer, BaseException):
                future.set_exception(answer)
            else:
                future.set_result(answer)
            return future

        return ask

    @property
    def last(self):
        return self.asked[-1][1]
