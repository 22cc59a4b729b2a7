"""From an invocation to user code and back: what handlers are given, and what becomes of their answers."""

import asyncio
import sys
import threading
import types
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from iwf_py import (
    ChannelEmptyCommandResult,
    ChannelRequestStatus,
    CommandRequest,
    CommandResults,
    Communication,
    CommunicationMethod,
    CommunicationSchema,
    DataAttribute,
    Failure,
    InternalChannelCommand,
    NonRetryableError,
    ObjectWorkflow,
    Persistence,
    PersistenceField,
    PersistenceSchema,
    Registry,
    RetryAfter,
    SearchAttributeValueType,
    SignalChannelCommand,
    StateDecision,
    StateSchema,
    TimerCommand,
    TimerStatus,
    WorkflowContext,
    WorkflowState,
    rpc,
)
from iwf_py.model.commands import CommandRequest as RawRequest
from iwf_py.model.decisions import DEAD_END, ConditionalClose, Decision, Movement
from iwf_py.model.invocations import (
    ExecuteResult,
    Failed,
    InvocationKind,
    Publication,
    RpcResult,
    SealedChannelResult,
    SealedCommandResults,
    SealedEmptyResult,
    SealedTimerResult,
    Serves,
    WaitUntilResult,
    Writes,
)
from iwf_py.model.payload import Payload
from iwf_py.model.status import ChannelFamily, CommandWaitingType, WorkflowConditionalCloseType
from iwf_py.worker.failures import MAX_DETAIL, MAX_MESSAGE
from iwf_py.worker.handlers import Handlers

WAIT_UNTIL, EXECUTE, RPC = InvocationKind
DONE = StateDecision.dead_end
ENDED = ExecuteResult(decision=Decision((Movement(DEAD_END),)))


@dataclass
class Form:
    email: str


def flow(execute, wait_until=None, input_type=None):
    """
    Make a workflow of one state, ``Some``, of its handlers.
    """
    members = {"execute": execute} | ({"wait_until": wait_until} if wait_until else {})
    state = types.new_class("Some", (WorkflowState[input_type],), exec_body=lambda body: body.update(members))

    class Flow(ObjectWorkflow):
        def get_workflow_states(self):
            return StateSchema.with_starting_state(state())

        def get_persistence_schema(self):
            return PersistenceSchema.create(
                PersistenceField.data_attribute_def("form", Form),
                PersistenceField.data_attribute_def("any", Any),
                PersistenceField.search_attribute_def("place", SearchAttributeValueType.KEYWORD),
            )

        def get_communication_schema(self):
            return CommunicationSchema.create(
                CommunicationMethod.internal_channel_def("forms", Form),
                CommunicationMethod.signal_channel_def("approve", bool),
            )

    return Flow


def failure(outcome):
    assert isinstance(outcome, Failed), outcome
    return outcome.failure


class TestWhatHandlersAreGiven:
    def test_the_classic_five(self, call, converter):
        """
        By position; the input is of the state's type.
        """
        seen = []

        def execute(self, a, b, c, d, e):
            seen.extend([a, b, c, d, e])
            return DONE

        outcome = call(flow(execute, input_type=Form), EXECUTE, "Some", input=Form("a@b"))

        assert outcome == ENDED
        assert [type(each) for each in seen] == [WorkflowContext, Form, CommandResults, Persistence, Communication]
        assert seen[1] == Form("a@b")

    def test_a_slim_handler_gets_what_it_asks_for(self, call):
        """
        In its own order.
        """
        seen = []

        def execute(self, form: Form, ctx: WorkflowContext):
            seen.extend([form, ctx.workflow_id])
            return DONE

        assert call(flow(execute, input_type=Form), EXECUTE, "Some") == ENDED
        assert seen == [None, "alice"]

    def test_what_stands_behind_a_star_is_given_by_name(self, call):
        """
        In states and in RPCs, plain and async.
        """

        class Flow(ObjectWorkflow):
            form = DataAttribute(Form)

            @rpc()
            async def read(self, *, persistence: Persistence, prefix: str) -> str:
                return prefix + persistence.get_data_attribute("form").email

        async def execute(self, *, ctx: WorkflowContext, form: Form):
            return StateDecision.graceful_complete_workflow([ctx.workflow_id, form.email])

        outcome = call(flow(execute, input_type=Form), EXECUTE, "Some", input=Form("a@b"))
        read = call(Flow, RPC, "read", input="to ", attributes={"form": Form("a@b")})

        assert outcome.decision.next_states[0].input.data == '["alice","a@b"]'
        assert read.output.data == '"to a@b"'

    def test_the_context(self, call):
        """
        Of a state: the run, the execution, the attempt, and the failure that led here.
        """
        seen = []
        led_here = Failure(
            error_type="ValueError", message="no", attempts=3, state_id="Pay", state_execution_id="Pay-1"
        )

        def execute(self, ctx):
            seen.append(ctx)
            return DONE

        call(flow(execute), EXECUTE, "Some", attempt=2, failure=led_here)

        noon = int(datetime(2026, 1, 1, 12, tzinfo=UTC).timestamp())
        assert seen == [
            WorkflowContext(
                "alice", "run", noon, "Some-1", noon, 2, "run-Some-1", workflow_type="Flow", failure=led_here
            )
        ]

    def test_the_context_of_an_rpc(self, call):
        """
        It belongs to no state execution.
        """

        class Flow(ObjectWorkflow):
            @rpc()
            def who(self, ctx: WorkflowContext) -> list[Any]:
                return [ctx.state_execution_id, ctx.attempt, ctx.first_attempt_timestamp_seconds, ctx.workflow_type]

        outcome = call(Flow, RPC, "who")

        assert outcome.output.data == '[null,null,null,"Flow"]'

    def test_command_results(self, call, converter):
        """
        Each kind in its order, with messages of their declared types.
        """
        seen = []

        def execute(self, results: CommandResults):
            seen.append(results)
            return DONE

        sealed = SealedCommandResults(
            wait_until_succeeded=False,
            timers=(SealedTimerResult(command_id="t", status=TimerStatus.FIRED),),
            internals=(
                SealedChannelResult(
                    family=ChannelFamily.INTERNAL,
                    channel_name="forms",
                    command_id="i",
                    status=ChannelRequestStatus.RECEIVED,
                    values=(converter.encode(Form("a@b")), None),
                ),
            ),
            signals=(
                SealedChannelResult(
                    family=ChannelFamily.SIGNAL,
                    channel_name="approve",
                    command_id=None,
                    status=ChannelRequestStatus.WAITING,
                ),
            ),
            until_empty=(
                SealedEmptyResult(
                    family=ChannelFamily.INTERNAL, channel_name="forms", command_id="e", is_complete=True
                ),
            ),
        )

        assert call(flow(execute), EXECUTE, "Some", results=sealed) == ENDED
        (results,) = seen
        assert results.timer_commands[0].status is TimerStatus.FIRED
        assert results.internal_channel_commands[0].values == (Form("a@b"), None)
        assert results.signal_channel_commands[0].value is None
        assert results.channel_empty_commands == [ChannelEmptyCommandResult(ChannelFamily.INTERNAL, "forms", True, "e")]
        assert results.wait_until_api_succeeded is False

    def test_a_message_that_cannot_be_opened_fails_who_looks_at_it(self, call):
        """
        And nobody else; the sentence names the channel.
        """
        broken = SealedCommandResults(
            signals=(
                SealedChannelResult(
                    family=ChannelFamily.SIGNAL,
                    channel_name="approve",
                    command_id=None,
                    status=ChannelRequestStatus.RECEIVED,
                    values=(Payload("json/plain", '"x"'),),
                ),
            )
        )

        looking = call(
            flow(lambda self, command_results: command_results.signal("approve").value), EXECUTE, "Some", results=broken
        )
        passing = call(flow(lambda self, command_results: DONE), EXECUTE, "Some", results=broken)

        assert failure(looking).message.startswith("message of signal channel 'approve': ")
        assert passing == ENDED

    def test_an_input_of_another_shape_is_a_failure(self, call):
        """
        The sentence names the handler.
        """
        outcome = call(flow(lambda self, form: DONE, input_type=Form), EXECUTE, "Some", input=3)

        assert failure(outcome).error_type == "PayloadError"
        assert failure(outcome).message.startswith("input of Some.execute: ")

    def test_a_default_stands_in_for_no_value(self, call, converter):
        """
        An RPC that is called without input uses its parameter's default.
        """

        class Flow(ObjectWorkflow):
            @rpc()
            def verify(self, source: str = "web") -> str:
                return source

        assert call(Flow, RPC, "verify").output == converter.encode("web")
        assert call(Flow, RPC, "verify", input="mail").output == converter.encode("mail")


class TestWhatHandlersAnswer:
    def test_wait_until(self, call, converter):
        """
        Commands, locals and writes go together.
        """
        request = CommandRequest.for_all_command_completed(
            TimerCommand.by_seconds(3), SignalChannelCommand.by_name("approve"), InternalChannelCommand.by_name("forms")
        )

        def wait_until(self, persistence, communication):
            persistence.set_data_attribute("any", 1)
            persistence.set_search_attribute_keyword("place", "Rome")
            persistence.set_state_execution_local("left", 2)
            persistence.record_event("noted", 3)
            communication.publish_to_internal_channel("forms", Form("a@b"))
            return request

        outcome = call(flow(lambda self: DONE, wait_until), WAIT_UNTIL, "Some")

        assert outcome.commands is request
        assert outcome.locals == (("left", converter.encode(2)),)
        assert outcome.writes.attributes == (("any", converter.encode(1)),)
        assert outcome.writes.search_attributes[0].string_value == "Rome"
        assert outcome.writes.recorded_events == (("noted", converter.encode(3)),)
        assert outcome.writes.messages == (Publication(channel_name="forms", value=converter.encode(Form("a@b"))),)

    def test_execute(self, call, converter):
        """
        The decision is resolved, its output sealed, and its channel checked.
        """
        decision = StateDecision.force_complete_if_signal_channel_empty_or_else("approve", 7, "Some")

        outcome = call(flow(lambda self: decision), EXECUTE, "Some")

        assert outcome.decision.conditional_close == ConditionalClose(
            close_type=WorkflowConditionalCloseType.FORCE_COMPLETE_ON_SIGNAL_CHANNEL_EMPTY,
            channel_name="approve",
            output=converter.encode(7),
        )
        assert [movement.state_id for movement in outcome.decision.next_states] == ["Some"]

    def test_an_rpc(self, call, converter):
        """
        Its output, what it wrote, and the states that it opens.
        """

        class Flow(flow(lambda self: DONE)):
            @rpc()
            def go(self, form: Form, persistence: Persistence, communication: Communication) -> Form:
                persistence.set_data_attribute("form", form)
                communication.trigger_state_execution("Some")
                return form

        outcome = call(Flow, RPC, "go", input=Form("a@b"))

        sealed = converter.encode(Form("a@b"))
        assert (outcome.output, outcome.writes) == (sealed, Writes(attributes=(("form", sealed),)))
        assert [movement.state_id for movement in outcome.next_states] == ["Some"]
        assert not outcome.is_read_only

    def test_an_rpc_that_only_reads(self, call):
        """
        There is nothing to apply.
        """

        class Flow(flow(lambda self: DONE)):
            @rpc()
            def read(self, persistence: Persistence) -> Form | None:
                return persistence.get_data_attribute("form")

        outcome = call(Flow, RPC, "read")

        assert outcome == RpcResult()
        assert outcome.is_read_only

    def test_a_state_that_lost_its_wait_until_waits_for_nothing(self, call):
        """
        A deploy may take the method away while a run is about to call it.
        """
        assert call(flow(lambda self: DONE), WAIT_UNTIL, "Some") == WaitUntilResult(commands=CommandRequest.empty())


class TestNonsense:
    """An answer that makes no sense is a failed attempt, so that a corrected deploy heals it."""

    @pytest.mark.parametrize(
        ("answer", "message"),
        [
            (None, r"Some.execute of Flow must return a StateDecision, .*; it returned None (is a return missing?)"),
            ("done", "it returned a str"),
            (CommandRequest.empty(), "it returned a CommandRequest"),
            (StateDecision(), "returned a decision without a next state; .*dead_end"),
            (StateDecision([3]), "StateMovements in its decision; it returned a int"),
            (StateDecision.single_next_state("Foreign"), "state 'Foreign' is not registered in Flow"),
            (StateDecision.single_next_state("Some", 3), "input of state Some: "),
            (
                StateDecision.single_next_state("Some", None, {"a": 1}),
                "state Some must be WorkflowStateOptions, got {'a'",
            ),
            (StateDecision.single_next_state("Some", wait_for_key="\ud800"), "wait_for_key '\\ud800' holds a lone"),
            (StateDecision.graceful_complete_workflow(object()), "output: cannot encode object"),
            (
                StateDecision.force_complete_if_internal_channel_empty_or_else("approve", None, "Some"),
                "internal channel 'approve' is not declared by Flow",
            ),
            (
                StateDecision.force_complete_if_signal_channel_empty_or_else("forms", None, "Some"),
                "signal channel 'forms' is not declared by Flow",
            ),
            ((each for each in ()), "it returned a generator"),
        ],
    )
    def test_of_execute(self, call, answer, message):
        """
        The sentence names the class and the method.
        """
        found = failure(call(flow(lambda self: answer), EXECUTE, "Some"))

        assert_says(found.message, message)
        assert found.is_retryable
        assert (found.state_id, found.state_execution_id) == ("Some", "Some-1")

    @pytest.mark.parametrize(
        ("answer", "message"),
        [
            (None, "Some.wait_until of Flow must return a CommandRequest"),
            (DONE, "it returned a StateDecision"),
            (
                CommandRequest.for_any_command_completed(InternalChannelCommand.by_name("aprove")),
                "internal channel 'aprove' is not declared by Flow",
            ),
            (
                CommandRequest.for_any_command_completed(SignalChannelCommand.by_name("aprove")),
                "signal channel 'aprove' is not declared by Flow; did you mean 'approve'?",
            ),
            (
                CommandRequest.for_any_command_completed(SignalChannelCommand.until_empty("aprove")),
                "signal channel 'aprove' is not declared by Flow; did you mean 'approve'?",
            ),
            (
                CommandRequest.for_any_command_completed(SignalChannelCommand.until_empty("approve", "a\0b")),
                "command id 'a\\x00b' holds a control character",
            ),
            (RawRequest(timers=(TimerCommand("t"),)), "Some.wait_until: a timer needs a duration or an instant"),
            (TimerCommand.by_seconds, "it returned TimerCommand.by_seconds itself (is a call missing?)"),
            (CommandRequest, "it returned the class CommandRequest itself"),
            (RawRequest(timers=(TimerCommand("t", timedelta(days=10**6)),)), "must be a timedelta of 0 to"),
            (RawRequest(timers=(TimerCommand("t", None, datetime(2026, 1, 1)),)), "must be an aware datetime"),
            (RawRequest(timers=(TimerCommand.by_seconds(1, 3),)), "command id must be a str, got int 3"),
            (
                RawRequest(internals=(InternalChannelCommand.by_name("forms", "\ud800"),)),
                "holds a lone surrogate, which is not text",
            ),
            (RawRequest(internals=(InternalChannelCommand("forms", at_least=0),)), "wants at least 0"),
            (
                RawRequest(
                    CommandWaitingType.ANY_COMBINATION_COMPLETED,
                    (TimerCommand.by_seconds(1, "t"),),
                    combinations=(("u",),),
                ),
                "Some.wait_until: combination",
            ),
        ],
    )
    def test_of_wait_until(self, call, answer, message):
        """
        The same.
        """
        found = failure(call(flow(lambda self: DONE, lambda self: answer), WAIT_UNTIL, "Some"))

        assert_says(found.message, message)
        assert found.is_retryable

    def test_of_an_rpc(self, call):
        """
        What it returns must be of its annotated type, and nothing that it wrote is kept.
        """

        class Flow(flow(lambda self: DONE)):
            @rpc()
            def lies(self, persistence: Persistence) -> int:
                persistence.set_data_attribute("any", 1)
                return "three"

            @rpc()
            def odd(self) -> Any:
                return object()

        assert failure(call(Flow, RPC, "lies")).message.startswith("what Flow.lies returned: ")
        assert failure(call(Flow, RPC, "odd")).message.startswith("what Flow.odd returned: cannot encode")
        assert failure(call(Flow, RPC, "lies")).state_id is None

    @pytest.mark.parametrize(
        ("workflow_type", "kind", "method", "message"),
        [
            ("Other", EXECUTE, "Some", "workflow Other is not registered"),
            ("Flow", EXECUTE, "Gone", "state 'Gone' is not registered in Flow"),
            ("Flow", RPC, "gone", "RPC 'gone' is not registered in Flow"),
        ],
    )
    def test_unknown_code(self, converter, invocation, workflow_type, kind, method, message):
        """
        A worker that is handed what it does not serve says so.
        """
        handlers = Handlers(Registry(flow(lambda self: DONE)), converter)

        found = failure(handlers.call(invocation(workflow_type, kind, method)))

        assert found.error_type == "NotRegisteredError"
        assert_says(found.message, message)
        assert not handlers.is_async(invocation(workflow_type, kind, method))


def assert_says(text, message):
    """
    Compare, reading ``.*`` in *message* as anything.
    """
    at = 0
    for part in message.split(".*"):
        found = text.find(part, at)
        assert found >= 0, (text, part)
        at = found + len(part)


class Hostile(Exception):
    def __str__(self):
        raise RuntimeError("no text for you")


def recurse():
    return recurse()


def raising(error):
    def execute(self):
        raise error

    return execute


class TestRaising:
    """Whatever user code raises, its caller gets an outcome."""

    @pytest.mark.parametrize(
        ("error", "error_type", "message"),
        [
            (ValueError("bad"), "ValueError", "bad"),
            (ValueError(), "ValueError", "ValueError()"),
            (KeyError("k"), "KeyError", "'k'"),
            (SystemExit(3), "SystemExit", "3"),
            (KeyboardInterrupt(), "KeyboardInterrupt", "KeyboardInterrupt()"),
            (GeneratorExit(), "GeneratorExit", "GeneratorExit()"),
            (StopIteration(1), "StopIteration", "1"),
            (MemoryError(), "MemoryError", "MemoryError()"),
            (asyncio.CancelledError(), "CancelledError", "CancelledError()"),
            (BaseExceptionGroup("several", [SystemExit(1)]), "BaseExceptionGroup", "several (1 sub-exception)"),
            (Hostile(), "Hostile", "<cannot be told: RuntimeError>"),
            (ValueError("a\0b\ud800"), "ValueError", "a\\0b\\ud800"),
        ],
    )
    def test_it_is_a_failed_attempt(self, call, error, error_type, message):
        """
        Told by its class and text, with a trace; retried.
        """
        found = failure(call(flow(raising(error)), EXECUTE, "Some"))

        assert (found.error_type, found.message, found.is_retryable) == (error_type, message, True)
        assert found.retry_after is None
        assert "raise error" in found.detail or error_type == "Hostile"

    @pytest.mark.parametrize("error", [SystemExit(3), KeyboardInterrupt(), GeneratorExit(), ValueError("bad")])
    def test_a_coroutine_s_is_one_too(self, call, error):
        """
        On a loop of its own, which does not complain a second time.
        """

        async def execute(self):
            raise error

        assert failure(call(flow(execute), EXECUTE, "Some")).error_type == type(error).__name__

    def test_sys_exit(self, call):
        """
        The worker lives.
        """
        found = failure(call(flow(lambda self: sys.exit("bye")), EXECUTE, "Some"))

        assert (found.error_type, found.message) == ("SystemExit", "bye")

    def test_endless_recursion(self, call):
        """
        The trace is bounded.
        """
        found = failure(call(flow(lambda self: recurse()), EXECUTE, "Some"))

        assert found.error_type == "RecursionError"
        assert len(found.detail) < MAX_DETAIL + 100

    def test_a_huge_text_is_cut_in_the_middle(self, call):
        """
        Its beginning and its end tell the most.
        """
        found = failure(call(flow(raising(ValueError("a" * 10**6 + "z"))), EXECUTE, "Some"))

        assert len(found.message) < MAX_MESSAGE + 100
        assert "996001 characters left out" in found.message
        assert found.message.endswith("z")

    def test_some_errors_are_not_retried(self, call):
        """
        NonRetryableError and what derives from it.
        """

        class Refused(NonRetryableError):
            pass

        found = failure(call(flow(raising(Refused("card declined"))), EXECUTE, "Some"))

        assert (found.error_type, found.message, found.is_retryable) == ("Refused", "card declined", False)

    def test_a_delay_may_be_asked_for(self, call):
        """
        RetryAfter carries it.
        """
        found = failure(call(flow(raising(RetryAfter(timedelta(minutes=5), "busy"))), EXECUTE, "Some"))

        assert (found.message, found.is_retryable, found.retry_after) == ("busy", True, timedelta(minutes=5))

    def test_writes_of_a_handler_that_raises_are_dropped(self, call):
        """
        There is nothing but the failure.
        """

        def execute(self, persistence):
            persistence.set_data_attribute("any", 1)
            raise ValueError

        assert type(call(flow(execute), EXECUTE, "Some")) is Failed

    def test_misuse_of_names_is_told_at_its_line(self, call):
        """
        With what is declared.
        """

        def execute(self, persistence):
            persistence.set_data_attribute("frm", 1)

        found = failure(call(flow(execute), EXECUTE, "Some"))

        assert found.error_type == "NotRegisteredError"
        assert_says(found.message, "data attribute 'frm' is not declared by Flow; did you mean 'form'?; declared: ")
        assert 'persistence.set_data_attribute("frm", 1)' in found.detail


async def coroutine(self, ctx: WorkflowContext):
    await asyncio.sleep(0)
    return DONE


class TestCoroutines:
    """async def handlers, called with and without a loop."""

    def test_a_call_without_a_loop_runs_one(self, call):
        """
        For hosts that have no loop.
        """
        assert call(flow(coroutine), EXECUTE, "Some") == ENDED

    def test_a_call_within_a_loop_does_not_disturb_it(self, call):
        """
        As when a test that is a coroutine itself drives a host.
        """

        async def outside():
            return call(flow(coroutine), EXECUTE, "Some")

        assert asyncio.run(outside()) == ENDED

    def test_a_function_that_returns_a_coroutine_is_one(self, call):
        """
        Although nobody could tell beforehand.
        """
        assert call(flow(lambda self: coroutine(self, None)), EXECUTE, "Some") == ENDED

    def test_is_async(self, converter, invocation):
        """
        Tells which to call on a loop.
        """
        plain, other = flow(lambda self: DONE), flow(coroutine)

        assert not Handlers(Registry(plain), converter).is_async(invocation(plain, EXECUTE, "Some"))
        assert Handlers(Registry(other), converter).is_async(invocation(other, EXECUTE, "Some"))
        assert not Handlers(Registry(other), converter).is_async(invocation(other, WAIT_UNTIL, "Some"))

    def run(self, converter, invocation, workflow, around=None):
        handlers = Handlers(Registry(workflow), converter)
        work = handlers.call_async(invocation(workflow, EXECUTE, "Some"))
        return asyncio.run(around(work) if around else work)

    def test_on_a_loop_of_the_caller_s(self, converter, invocation):
        """
        Coroutines and plain functions alike.
        """
        assert self.run(converter, invocation, flow(coroutine)) == ENDED
        assert self.run(converter, invocation, flow(lambda self: DONE)) == ENDED

    @pytest.mark.parametrize(
        "error", [ValueError("bad"), SystemExit(1), KeyboardInterrupt(), asyncio.CancelledError(), GeneratorExit()]
    )
    def test_what_it_raises_is_a_failed_attempt(self, converter, invocation, error):
        """
        Also a CancelledError that nobody sent.
        """

        async def execute(self):
            raise error

        outcome = self.run(converter, invocation, flow(execute))

        assert failure(outcome).error_type == type(error).__name__

    def test_a_cancelled_call_has_no_outcome(self, converter, invocation):
        """
        Whoever cancels does not want it.
        """

        async def execute(self):
            await asyncio.Event().wait()

        async def around(work):
            task = asyncio.create_task(work)
            await asyncio.sleep(0)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            return task.cancelled()

        assert self.run(converter, invocation, flow(execute), around)


def test_serves_names_types_and_states(converter):
    """
    What this process has code for; a workflow that is added later counts, too.
    """
    registry = Registry()
    handlers = Handlers(registry, converter)
    assert handlers.serves == Serves({})

    registry.add_workflow(flow(lambda self: DONE))

    assert handlers.serves == Serves({"Flow": frozenset({"Some"})})


def test_many_threads_share_handlers(converter, invocation):
    """
    One definition and one state instance serve all calls; nothing of a call leaks into another.
    """

    def execute(self, input, persistence):
        persistence.set_data_attribute("any", input)
        barrier.wait(timeout=30)
        return StateDecision.graceful_complete_workflow(persistence.get_data_attribute("any"))

    barrier = threading.Barrier(8)
    workflow = flow(execute, input_type=int)
    handlers = Handlers(Registry(workflow), converter)
    outcomes = {}

    def work(number):
        outcomes[number] = handlers.call(invocation(workflow, EXECUTE, "Some", input=number))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert {number: outcome.decision.next_states[0].input for number, outcome in outcomes.items()} == {
        number: converter.encode(number) for number in range(8)
    }
