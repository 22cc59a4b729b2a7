"""How handlers are called: the classic signature, slim ones, RPCs, and what cannot be called."""

# ruff: noqa: A006 - `input` is the name that users of this API know

import functools
from dataclasses import dataclass
from types import NoneType
from typing import Any, Generic, TypeVar

import pytest

from iwf_py import (
    CommandRequest,
    CommandResults,
    Communication,
    ObjectWorkflow,
    Persistence,
    Registry,
    StateDecision,
    StateSchema,
    T,
    WorkflowContext,
    WorkflowDefinitionError,
    WorkflowState,
    get_input_type,
    rpc,
    should_skip_wait_until,
)
from iwf_py.authoring.definition import Slot

CONTEXT, INPUT, RESULTS, PERSISTENCE, COMMUNICATION = Slot
CLASSIC = (CONTEXT, INPUT, RESULTS, PERSISTENCE, COMMUNICATION)
DONE = StateDecision.dead_end
A = TypeVar("A")
B = TypeVar("B")


@dataclass
class Form:
    email: str


def read(*states, strict=True):
    flow = type("Flow", (ObjectWorkflow,), {"get_workflow_states": lambda self: StateSchema.no_starting_state(*states)})
    return Registry(flow, strict=strict).definition(flow)


def execute_of(state):
    return read(state).state(state).execute


def state(function, base=WorkflowState[Form]):
    return type("Some", (base,), {"execute": function}) if isinstance(base, type) else None


def with_execute(function):
    class Some(WorkflowState[Form]):
        execute = function

    return Some


def logged(function):
    @functools.wraps(function)
    def wrapper(*args, **kwargs):
        return function(*args, **kwargs)

    return wrapper


def blind(function):
    return lambda *args: function(*args)


def classic(
    self,
    ctx: WorkflowContext,
    input: Form,
    command_results: CommandResults,
    persistence: Persistence,
    communication: Communication,
) -> StateDecision:
    return DONE


class TestTheClassicSignature:
    """Called by position, whatever the parameters are called."""

    @pytest.mark.parametrize(
        "function",
        [
            classic,
            logged(classic),
            blind(classic),
            lambda self, a, b, c, d, e: DONE,
            lambda self, a, b, c, d, e, f=3: DONE,
            lambda self, a, b, *rest: DONE,
            lambda self, ctx, input, persistence, communication, command_results: DONE,
            lambda self, a, b, c, d, e, /: DONE,
            lambda self, a, b, c, d, e, *, spare=3: DONE,
        ],
    )
    def test_five_parameters_are_the_classic_ones(self, function):
        """
        Without annotations the position alone counts, as in iWF.
        """
        assert execute_of(with_execute(function)).slots == CLASSIC

    def test_annotations_that_say_nothing_special_do_not_disturb_it(self):
        """
        Any, T and strangers' types stand where they stand.
        """

        def execute(self, ctx: Any, input: T, command_results: "object", persistence: Persistence, c: Any):
            return DONE

        assert execute_of(with_execute(execute)).slots == CLASSIC


class TestSlimSignatures:
    """Any subset in any order, told by annotation, or by the usual name."""

    @pytest.mark.parametrize(
        ("function", "slots"),
        [
            (lambda self: DONE, ()),
            (lambda self, input: DONE, (INPUT,)),
            (lambda self, anything: DONE, (INPUT,)),
            (lambda self, persistence, input: DONE, (PERSISTENCE, INPUT)),
            (lambda self, ctx, communication, command_results: DONE, (CONTEXT, COMMUNICATION, RESULTS)),
        ],
    )
    def test_without_annotations_the_usual_names_count(self, function, slots):
        """
        And any other name is the input's.
        """
        assert execute_of(with_execute(function)).slots == slots

    def test_annotations_count_before_names(self):
        """
        In any order, with optional ones, and with five in another order than the classic.
        """

        def few(self, ctx: Persistence, form: Form, store: Communication | None = None):
            return DONE

        def five(self, form: Form, p: Persistence, c: Communication, r: CommandResults, ctx: WorkflowContext):
            return DONE

        assert execute_of(with_execute(few)).slots == (PERSISTENCE, INPUT, COMMUNICATION)
        assert execute_of(with_execute(five)).slots == (INPUT, PERSISTENCE, COMMUNICATION, RESULTS, CONTEXT)

    @pytest.mark.parametrize(
        ("function", "problem"),
        [
            (lambda self, a, b: DONE, r"Some.execute: parameters \['a', 'b'\] would all be the input"),
            (lambda self, a, b, c, d, e, f: DONE, "would all be the input"),
            (lambda self, a, *, b: DONE, r"parameters \['a', 'b'\] would all be the input"),
            (lambda self, a, b, c, d, e, *, f: DONE, r"parameters \['b', 'f'\] would all be the input"),
        ],
    )
    def test_what_cannot_be_called_is_told(self, function, problem):
        """
        With the classic signature as a way out.
        """

        class Some(WorkflowState[Form]):
            execute = function

        with pytest.raises(WorkflowDefinitionError, match=problem):
            read(Some)

    def test_what_stands_behind_a_star_is_filled_by_name(self):
        """
        By annotation or usual name, beside a classic signature too; a default that is none of ours stays.
        """

        def execute(self, form: Form, *, store: Persistence, communication, size: int = 3):
            return DONE

        def classic(self, a, b, c, d, e, *, context: WorkflowContext | None = None):
            return DONE

        def alone(self, *, form: Form):
            return DONE

        slim, full, only = (execute_of(with_execute(function)) for function in (execute, classic, alone))

        assert (slim.slots, slim.keywords) == ((INPUT,), {"store": PERSISTENCE, "communication": COMMUNICATION})
        assert (full.slots, full.keywords) == (CLASSIC, {"context": CONTEXT})
        assert (only.slots, only.keywords, only.takes_input) == ((), {"form": INPUT}, True)

    def test_only_execute_has_command_results(self):
        """
        wait_until asks for them in vain.
        """

        class Some(WorkflowState[Form]):
            def wait_until(self, results: CommandResults):
                return CommandRequest.empty()

            def execute(self):
                return DONE

        with pytest.raises(
            WorkflowDefinitionError, match="Some.wait_until: parameter 'results' asks for CommandResults"
        ):
            read(Some)


class TestInputTypes:
    """The type in the brackets, however far up; else the annotation."""

    def test_it_is_found_through_generic_bases(self):
        """
        Type variables are substituted on the way; mixins may stand first.
        """

        class Mixin:
            pass

        class Pair(WorkflowState[tuple[A, B]], Generic[A, B]):
            def execute(self):
                return DONE

        class Half(Pair[A, int], Generic[A]):
            pass

        class Whole(Mixin, Half[str]):
            pass

        class Child(Whole):
            pass

        assert get_input_type(Child()) == tuple[str, int]
        assert read(Child).state(Child).input_type == tuple[str, int]

    def test_none_in_the_brackets_is_nonetype(self):
        """
        Such a state takes no input.
        """

        class Some(WorkflowState[None]):
            def execute(self, input: T):
                return DONE

        assert get_input_type(Some) is NoneType
        assert execute_of(Some).input_type is NoneType

    def test_the_annotation_tells_where_the_brackets_do_not(self):
        """
        A state without brackets, or with an open type variable.
        """

        class Bare(WorkflowState):
            def execute(self, form: Form):
                return DONE

        class Open(WorkflowState[A], Generic[A]):
            def execute(self, form: Form):
                return DONE

        class Nothing(WorkflowState):
            def execute(self, form: T):
                return DONE

        definition = read(Bare, Open, Nothing)

        assert get_input_type(Bare) is None
        assert [definition.state(each).input_type for each in (Bare, Open, Nothing)] == [Form, Form, Any]
        assert definition.state(Open).execute.input_type is Form

    def test_text_in_the_brackets_is_resolved(self):
        """
        As for a class that is defined further down.
        """

        class Some(WorkflowState["Form"]):
            def execute(self):
                return DONE

        assert read(Some).state(Some).input_type is Form

    def test_text_that_means_nothing_is_told(self):
        """
        With the text.
        """

        class Some(WorkflowState["Frm"]):
            def execute(self):
                return DONE

        with pytest.raises(WorkflowDefinitionError, match="Some: its input type cannot be resolved: 'Frm'"):
            read(Some)

    @pytest.mark.parametrize(
        ("bracket", "annotation"),
        [
            (Form, object),
            (Form, Any),
            (Form, T),
            (Form, Form | None),
            (int, float),
            (bool, int),
            (object, Form),
            (Any, Form),
        ],
    )
    def test_an_annotation_may_say_more_or_less_than_the_brackets(self, bracket, annotation):
        """
        As long as some value could be both.
        """

        class Some(WorkflowState[bracket]):
            def execute(self, input: annotation):
                return DONE

        assert read(Some)

    @pytest.mark.parametrize(("bracket", "annotation"), [(Form, int), (None, Form), (str, int)])
    def test_an_annotation_that_contradicts_the_brackets_is_told(self, bracket, annotation):
        """
        No value could ever be both.
        """

        class Some(WorkflowState[bracket]):
            def execute(self, input: annotation):
                return DONE

        with pytest.raises(
            WorkflowDefinitionError, match="Some.execute: parameter 'input' is annotated .* make them agree"
        ):
            read(Some)

    def test_wait_until_may_tell_it(self):
        """
        Where execute does not look at the input.
        """

        class Some(WorkflowState):
            def wait_until(self, form: Form):
                return CommandRequest.empty()

            def execute(self):
                return DONE

        assert read(Some).state(Some).input_type is Form


class TestWaiting:
    """Whether a state has a wait_until."""

    def test_an_inherited_wait_until_counts(self):
        """
        Also a grandparent's.
        """

        class Waits(WorkflowState[None]):
            def wait_until(self, ctx, input, persistence, communication):
                return CommandRequest.empty()

            def execute(self):
                return DONE

        class Child(Waits):
            pass

        class Grandchild(Child):
            pass

        class Plain(WorkflowState[None]):
            def execute(self):
                return DONE

        definition = read(Grandchild, Plain)

        assert not should_skip_wait_until(Grandchild())
        assert definition.state(Grandchild).wait_until.slots == (CONTEXT, INPUT, PERSISTENCE, COMMUNICATION)
        assert not definition.state(Grandchild).options.skip_wait_until
        assert should_skip_wait_until(Plain())
        assert definition.state(Plain).wait_until is None

    def test_coroutines_are_known(self):
        """
        Beneath a decorator the outermost function tells, for it may run the coroutine itself.
        """

        class Some(WorkflowState[None]):
            async def wait_until(self):
                return CommandRequest.empty()

            @logged
            async def execute(self):
                return DONE

        state = read(Some).state(Some)

        assert state.wait_until.is_async
        assert not state.execute.is_async
        assert not execute_of(with_execute(classic)).is_async


class TestRpcs:
    """Input first, or anywhere; the rest by annotation."""

    def handler(self, function):
        flow = type("Flow", (ObjectWorkflow,), {function.__name__: rpc()(function)})
        return Registry(flow).definition(flow).rpc(function.__name__).handler

    def test_any_subset_in_any_order(self):
        """
        What is annotated as one of ours is injected, anything else is the input.
        """

        def verify(self, communication: Communication, source: str, ctx: WorkflowContext, p: Persistence) -> Form:
            return Form(source)

        handler = self.handler(verify)

        assert handler.slots == (COMMUNICATION, INPUT, CONTEXT, PERSISTENCE)
        assert (handler.input_type, handler.output_type, handler.takes_input) == (str, Form, True)

    def test_without_input(self):
        """
        And without a return annotation.
        """

        def describe(self, persistence: Persistence):
            return 3

        handler = self.handler(describe)

        assert (handler.slots, handler.takes_input, handler.output_type) == ((PERSISTENCE,), False, Any)

    def test_a_default_stands_in_for_no_value(self):
        """
        It is kept for calls without input.
        """

        def verify(self, source: str = "web"):
            return source

        assert self.handler(verify).input_default == "web"

    @pytest.mark.parametrize(
        ("function", "problem"),
        [
            (lambda self, a, b: None, "would all be the input"),
            (lambda self, a, *, b: None, "would all be the input"),
            (lambda self, *, command_results: None, "asks for CommandResults"),
            (lambda self, command_results: None, "asks for CommandResults"),
        ],
    )
    def test_what_cannot_be_called_is_told_at_registration(self, function, problem):
        """
        With the class and the function.
        """
        function.__name__ = "verify"

        with pytest.raises(WorkflowDefinitionError, match=f"Flow: Flow.verify: .*{problem}"):
            self.handler(function)

    def test_parentheses_are_needed(self):
        """
        The bare decorator says so at once.
        """
        with pytest.raises(WorkflowDefinitionError, match=r"write @rpc\(\) with parentheses above .*verify"):

            @rpc
            def verify(self):
                return None

    @pytest.mark.parametrize("kind", [staticmethod, classmethod, property])
    def test_only_plain_methods_are_rpcs(self, kind):
        """
        An RPC is called on the workflow.
        """
        with pytest.raises(WorkflowDefinitionError, match="stands above a plain method"):
            rpc()(kind(lambda self: None))

    def test_two_functions_of_one_name_are_told(self):
        """
        RPCs go by the function's name; one function under two attributes is one RPC.
        """

        def verify(self):
            return None

        first, marked = rpc()(verify), rpc()(lambda self: None)
        marked.function.__name__ = "verify"
        one = type("Flow", (ObjectWorkflow,), {"verify": first, "confirm": first})
        two = type("Flow", (ObjectWorkflow,), {"verify": first, "confirm": marked})

        assert list(Registry(one).definition(one).rpcs) == ["verify"]
        with pytest.raises(WorkflowDefinitionError, match="two RPCs are called 'verify'"):
            Registry(two)

    def test_the_method_can_still_be_called(self):
        """
        On an instance, through the class, and by super(), as tests and subclasses do.
        """

        class Flow(ObjectWorkflow):
            @rpc()
            def double(self, number: int) -> int:
                """Twice."""
                return 2 * number

        class Child(Flow):
            @rpc()
            def double(self, number: int) -> int:
                return super().double(number) + 1

        assert Flow.double == Flow.double != Child.double
        assert len({Flow.double, Flow.double}) == 1
        assert Flow().double(3) == 6
        assert Flow.double(Flow(), number=3) == 6
        assert Child().double(3) == 7
        assert (Flow.double.__name__, Flow.double.__doc__, Child.double.owner) == ("double", "Twice.", Child)
