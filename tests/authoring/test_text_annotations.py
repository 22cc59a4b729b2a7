"""Annotations that are text, as ``from __future__ import annotations`` makes them all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypedDict, TypeVar

import attrs
import pytest

import iwf_py
from iwf_py import (
    InvalidArgumentError,
    ObjectWorkflow,
    PersistenceField,
    PersistenceSchema,
    Registry,
    StateDecision,
    StateSchema,
    WorkflowDefinitionError,
    WorkflowOptions,
    WorkflowState,
    rpc,
)
from iwf_py.authoring.definition import Slot
from iwf_py.testing import TestEngine

if TYPE_CHECKING:
    from iwf_py import CommandResults, Communication, Persistence, WorkflowContext

CONTEXT, INPUT, RESULTS, PERSISTENCE, COMMUNICATION = Slot


@dataclass
class Form:
    email: str


class Submit(WorkflowState[Form]):
    def execute(
        self,
        ctx: WorkflowContext,
        input: Form,
        command_results: CommandResults,
        persistence: Persistence,
        communication: Communication,
    ) -> StateDecision:
        return StateDecision.dead_end


class Slim(WorkflowState):
    def execute(self, form: Form, persistence: Persistence, results: iwf_py.CommandResults) -> StateDecision:
        return StateDecision.dead_end


class Signup(ObjectWorkflow):
    def get_workflow_states(self) -> StateSchema:
        return StateSchema.with_starting_state(Submit(), Slim())

    @rpc()
    def verify(self, source: list[Form], persistence: Persistence, communication: Communication) -> dict[str, Form]:
        return {}

    @rpc()
    async def nothing(self, ctx: WorkflowContext) -> None:
        return None


def test_special_parameters_are_recognised():
    """
    Although their classes are imported for type checkers only.
    """
    definition = Registry(Signup).definition(Signup)
    verify = definition.rpcs["verify"].handler

    assert verify.slots == (INPUT, PERSISTENCE, COMMUNICATION)
    assert (verify.input_type, verify.output_type) == (list[Form], dict[str, Form])
    assert definition.rpcs["nothing"].handler.output_type is type(None)
    assert definition.states["Submit"].execute.slots == (CONTEXT, INPUT, RESULTS, PERSISTENCE, COMMUNICATION)
    assert definition.states["Slim"].execute.slots == (INPUT, PERSISTENCE, RESULTS)
    assert definition.states["Slim"].input_type is Form


def test_classes_that_are_local_to_a_function_are_found():
    """
    In states and RPCs, also nested ones; so are those that the workflow's schema alone makes known.
    """

    @dataclass
    class Local:
        email: str

    @dataclass
    class Receipt:
        number: int

    def inner():
        class Some(WorkflowState):
            def execute(self, form: Local) -> StateDecision:
                return StateDecision.dead_end

        class Flow(ObjectWorkflow):
            def get_workflow_states(self) -> StateSchema:
                return StateSchema.with_starting_state(Some)

            @rpc()
            def put(self, local: Local, persistence: Persistence) -> Receipt | None:
                return None

        return Flow

    definition = Registry(inner()).definition("Flow")

    assert definition.start.input_type is Local
    assert definition.rpcs["put"].handler.input_type is Local
    assert definition.rpcs["put"].handler.output_type == Receipt | None


def test_local_classes_that_name_each_other_can_be_stored():
    """
    What stands in a function beside a workflow is known to the codec, in whatever way a class is made.
    """

    @dataclass
    class Parcel:
        address: Address
        weight: Weight | None = None
        notes: list[Note] | None = None
        tags: Tags | None = None

    @attrs.frozen
    class Address:
        street: str

    class Weight(NamedTuple):
        grams: int
        of: Address

    class Tags(TypedDict):
        first: Address

    @dataclass
    class Base:
        text: Text

    class Note(Base):
        pass

    @dataclass
    class Text:
        words: "list[str]"  # noqa: UP037 - text within text

    class Flow(ObjectWorkflow):
        def get_persistence_schema(self) -> PersistenceSchema:
            return schema_of(Parcel)

    home = Address("Home")
    parcel = Parcel(home, Weight(3, home), [Note(Text(["handle", "with", "care"]))], {"first": home})
    with TestEngine(Flow()) as engine:
        engine.client.start_workflow(Flow, "w", options=WorkflowOptions(initial_data_attributes={"hidden": parcel}))

        assert engine.client.get_workflow_data_attributes(Flow, "w") == {"hidden": parcel}
        with pytest.raises(
            InvalidArgumentError, match=r"'hidden' of Flow: Parcel\.weight\.of: expected Address, got int"
        ):
            engine.client.set_workflow_data_attributes(
                Flow, "w", data_attributes={"hidden": Parcel(home, Weight(3, 4))}
            )


def schema_of(kind: Any) -> PersistenceSchema:
    return PersistenceSchema.create(PersistenceField.data_attribute_def("hidden", kind))


def flow_of(hidden: Any) -> type[ObjectWorkflow]:
    class Flow(ObjectWorkflow):
        def get_persistence_schema(self) -> PersistenceSchema:
            return schema_of(list[hidden])

        @rpc()
        def put(self, value: Hidden) -> None:  # noqa: F821
            return None

    return Flow


def test_the_types_of_the_schema_are_known():
    """
    An annotation that the module cannot tell is looked for among what the workflow declares.
    """
    hidden = dataclass(type("Hidden", (), {}))

    flow = flow_of(hidden)

    assert Registry(flow).definition(flow).rpcs["put"].handler.input_type is hidden


def test_type_parameters_of_a_class_are_known():
    """
    What ``class Store[Within]`` of Python 3.12 makes of its parameters is found by their names, and bound.
    """
    parameter = TypeVar("Within")

    class Store(ObjectWorkflow, Generic[parameter]):
        __type_params__ = (parameter,)

        @rpc()
        def put(self, value: Within) -> list[Within]:  # noqa: F821
            return [value]

    class Numbers(Store[int]):
        pass

    handler = Registry(Numbers).definition(Numbers).rpcs["put"].handler

    assert (handler.input_type, handler.output_type) == (int, list[int])


def test_what_cannot_be_resolved_is_told():
    """
    With the class, the parameter and the text; a state whose brackets tell the input is not asked.
    """

    class Fine(WorkflowState[Form]):
        def execute(self, form: Misspelt) -> Nonsense:  # noqa: F821
            return StateDecision.dead_end

    class Bad(WorkflowState):
        def execute(self, form: Misspelt) -> StateDecision:  # noqa: F821
            return StateDecision.dead_end

    class Flow(ObjectWorkflow):
        def get_workflow_states(self) -> StateSchema:
            return StateSchema.with_starting_state(Fine, Bad)

        @rpc()
        def put(self, value: Missing) -> Absent:  # noqa: F821
            return None

    with pytest.raises(WorkflowDefinitionError) as caught:
        Registry(Flow)

    assert [text.partition(";")[0] for text in caught.value.problems] == [
        "Flow: Flow.put: the annotation of 'value' cannot be resolved: 'Missing' (name 'Missing' is not defined)",
        "Flow: Flow.put: the return annotation cannot be resolved: 'Absent' (name 'Absent' is not defined)",
        "Flow: Bad.execute: the annotation of 'form' cannot be resolved: 'Misspelt' (name 'Misspelt' is not defined)",
    ]
