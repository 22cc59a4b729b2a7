"""Workflows for every feature of iWF's SDK for Python, its worker and its client: run in that SDK's own environment.

    python program.py worker PORT
    python program.py client SERVER_URL WORKER_URL

The client prints a line of JSON for each scenario: its name, and what came of it. Nothing here knows iwf_py.
"""

import contextlib
import json
import sys
import time
import traceback
from dataclasses import asdict, dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from iwf.client import Client
from iwf.client_options import ClientOptions
from iwf.command_request import CommandRequest, InternalChannelCommand, SignalChannelCommand, TimerCommand
from iwf.communication import Communication
from iwf.communication_schema import CommunicationMethod, CommunicationSchema
from iwf.errors import (
    WorkflowAlreadyStartedError,
    WorkflowCanceled,
    WorkflowFailed,
    WorkflowNotExistsError,
    WorkflowRPCAcquiringLockFailure,
    WorkflowRPCExecutionError,
    WorkflowStillRunningError,
    WorkflowTerminated,
    WorkflowTimeout,
)
from iwf.iwf_api.models import (
    IDReusePolicy,
    PersistenceLoadingPolicy,
    PersistenceLoadingType,
    RetryPolicy,
    SearchAttribute,
    SearchAttributeValueType,
    WaitUntilApiFailurePolicy,
    WorkflowAlreadyStartedOptions,
    WorkflowConfig,
    WorkflowRetryPolicy,
    WorkflowSearchRequest,
    WorkflowStateExecuteRequest,
    WorkflowStateWaitUntilRequest,
    WorkflowStopType,
    WorkflowWorkerRpcRequest,
)
from iwf.object_encoder import ObjectEncoder
from iwf.persistence import Persistence
from iwf.persistence_options import PersistenceOptions
from iwf.persistence_schema import PersistenceField, PersistenceSchema
from iwf.registry import Registry
from iwf.reset_workflow_type_and_options import (
    reset_to_beginning,
    reset_to_state_execution_id,
    reset_to_state_id,
)
from iwf.rpc import rpc
from iwf.state_decision import StateDecision
from iwf.state_movement import StateMovement
from iwf.state_schema import StateSchema
from iwf.stop_workflow_options import StopWorkflowOptions
from iwf.unregistered_client import UnregisteredClient
from iwf.worker_service import WorkerService
from iwf.workflow import ObjectWorkflow
from iwf.workflow_context import WorkflowContext
from iwf.workflow_options import WorkflowOptions
from iwf.workflow_state import WorkflowState
from iwf.workflow_state_options import WorkflowStateOptions

KIND = SearchAttributeValueType


@dataclass
class Order:
    item: str
    count: int


# --- steps, parallel states, outputs, locals, attributes -----------------------------------------------------------


class First(WorkflowState[Order]):
    def wait_until(self, ctx, input, persistence, communication):
        persistence.set_data_attribute("order", input)
        persistence.set_state_execution_local("half", {"n": input.count // 2})
        persistence.record_event("seen", input.item)
        return CommandRequest.empty()

    def execute(self, ctx, input, command_results, persistence, communication):
        half = persistence.get_state_execution_local("half")["n"]
        persistence.set_data_attribute("half", half)
        persistence.set_data_attribute("note-a", "prefixed")
        return StateDecision.multi_next_states(StateMovement.create(Left, half), StateMovement.create(Right, half))


class Left(WorkflowState[int]):
    def execute(self, ctx, input, command_results, persistence, communication):
        communication.publish_to_internal_channel("joined-left", input + 1)
        return StateDecision.dead_end


class Right(WorkflowState[int]):
    def wait_until(self, ctx, input, persistence, communication):
        return CommandRequest.for_all_command_completed(InternalChannelCommand.by_name("joined-left"))

    def execute(self, ctx, input, command_results, persistence, communication):
        order = persistence.get_data_attribute("order")
        got = command_results.internal_channel_commands[0].value
        return StateDecision.graceful_complete_workflow({"item": order.item, "left": got, "right": input})


class Steps(ObjectWorkflow):
    def get_workflow_states(self):
        return StateSchema.with_starting_state(First(), Left(), Right())

    def get_persistence_schema(self):
        return PersistenceSchema.create(
            PersistenceField.data_attribute_def("order", Order),
            PersistenceField.data_attribute_def("half", int),
            PersistenceField.data_attribute_prefix_def("note-", str),
        )

    def get_communication_schema(self):
        return CommunicationSchema.create(CommunicationMethod.internal_channel_def_by_prefix("joined-", int))


# --- commands ------------------------------------------------------------------------------------------------------


class Wait(WorkflowState[str]):
    def wait_until(self, ctx, input, persistence, communication):
        commands = [
            TimerCommand.by_seconds(1 if input == "timer" else 3600, "t"),
            SignalChannelCommand.by_name("s", "s"),
            InternalChannelCommand.by_name("i", "i"),
        ]
        if input == "all":
            return CommandRequest.for_all_command_completed(*commands)
        if input == "combination":
            return CommandRequest.for_any_command_combination_completed([["t", "s"], ["s", "i"]], *commands)
        return CommandRequest.for_any_command_completed(*commands)

    def execute(self, ctx, input, command_results, persistence, communication):
        timer, signal, internal = (
            command_results.timer_commands[0],
            command_results.signal_channel_commands[0],
            command_results.internal_channel_commands[0],
        )
        told = [timer.status.value, [signal.status.value, signal.value], [internal.status.value, internal.value]]
        return StateDecision.force_complete_workflow(told)


class Waiting(ObjectWorkflow):
    def get_workflow_states(self):
        return StateSchema.with_starting_state(Wait())

    def get_communication_schema(self):
        return CommunicationSchema.create(
            CommunicationMethod.signal_channel_def("s", str),
            CommunicationMethod.internal_channel_def("i", int),
        )

    @rpc()
    def publish(self, input: int, communication: Communication):
        communication.publish_to_internal_channel("i", input)

    @rpc()
    def sizes(self, communication: Communication):
        return [communication.get_signal_channel_size("s"), communication.get_internal_channel_size("i")]


# --- RPCs, locks, states from outside, search attributes -----------------------------------------------------------


LOCK = PersistenceLoadingPolicy(
    PersistenceLoadingType.LOAD_PARTIAL_WITH_EXCLUSIVE_LOCK,
    partial_loading_keys=["number"],
    locking_keys=["number"],
)


class Idle(WorkflowState[str]):
    def execute(self, ctx, input, command_results, persistence, communication):
        persistence.set_data_attribute("by_state", input)
        return StateDecision.dead_end


class Hold(WorkflowState[None]):
    """Holds the lock until its second attempt."""

    def execute(self, ctx, input, command_results, persistence, communication):
        if ctx.attempt == 1:
            raise RuntimeError("not yet")
        return StateDecision.dead_end

    def get_state_options(self):
        return WorkflowStateOptions(
            execute_api_retry_policy=RetryPolicy(initial_interval_seconds=2),
            data_attributes_loading_policy=LOCK,
        )


class Entity(ObjectWorkflow):
    def get_workflow_states(self):
        return StateSchema.no_starting_state(Idle(), Hold())

    def get_persistence_schema(self):
        return PersistenceSchema.create(
            PersistenceField.data_attribute_def("number", int),
            PersistenceField.data_attribute_def("by_state", str),
            PersistenceField.search_attribute_def("CustomKeywordField", KIND.KEYWORD),
            PersistenceField.search_attribute_def("CustomTextField", KIND.TEXT),
            PersistenceField.search_attribute_def("CustomIntField", KIND.INT),
            PersistenceField.search_attribute_def("CustomDoubleField", KIND.DOUBLE),
            PersistenceField.search_attribute_def("CustomBoolField", KIND.BOOL),
            PersistenceField.search_attribute_def("CustomDatetimeField", KIND.DATETIME),
            PersistenceField.search_attribute_def("CustomKeywordArrayField", KIND.KEYWORD_ARRAY),
        )

    @rpc()
    def add(self, input: int, persistence: Persistence) -> int:
        number = (persistence.get_data_attribute("number") or 0) + input
        persistence.set_data_attribute("number", number)
        return number

    @rpc(data_attribute_loading_policy=LOCK)
    def add_locked(self, input: int, persistence: Persistence) -> int:
        number = (persistence.get_data_attribute("number") or 0) + input
        persistence.set_data_attribute("number", number)
        return number

    @rpc()
    def tell(self, ctx: WorkflowContext, persistence: Persistence):
        return [ctx.workflow_id, persistence.get_data_attribute("number")]

    @rpc()
    def fail(self):
        raise ValueError("the RPC fails")

    @rpc()
    def open(self, input: str, communication: Communication):
        communication.trigger_state_execution(Hold if input == "hold" else Idle, None if input == "hold" else input)

    @rpc()
    def write_search(self, persistence: Persistence):
        persistence.set_search_attribute_keyword("CustomKeywordField", "rpc")
        persistence.set_search_attribute_int64("CustomIntField", 2**40)
        persistence.set_search_attribute_double("CustomDoubleField", 2.0)
        persistence.set_search_attribute_boolean("CustomBoolField", True)
        persistence.set_search_attribute_text("CustomTextField", "some text")
        persistence.set_search_attribute_datetime("CustomDatetimeField", "2024-11-12T16:00:01.731455544-08:00")
        persistence.set_search_attribute_keyword_array("CustomKeywordArrayField", ["x", "y"])


class Cached(ObjectWorkflow):
    """The same attribute, read from the memo."""

    def get_persistence_options(self):
        return PersistenceOptions(enable_caching=True)

    def get_persistence_schema(self):
        return PersistenceSchema.create(PersistenceField.data_attribute_def("number", int))

    @rpc()
    def put(self, input: int, persistence: Persistence):
        persistence.set_data_attribute("number", input)

    @rpc(bypass_caching_for_strong_consistency=True)
    def tell(self, persistence: Persistence):
        return persistence.get_data_attribute("number")


# --- failures ------------------------------------------------------------------------------------------------------


class Rough(WorkflowState[str]):
    def wait_until(self, ctx, input, persistence, communication):
        if input == "proceed":
            raise RuntimeError("wait_until fails")
        return CommandRequest.empty()

    def execute(self, ctx, input, command_results, persistence, communication):
        if input == "proceed":
            return StateDecision.graceful_complete_workflow(command_results.wait_until_api_succeeded)
        if input == "retry" and ctx.attempt > 1:
            return StateDecision.graceful_complete_workflow(ctx.attempt)
        if input == "slow":
            time.sleep(5)
        if input == "force":
            return StateDecision.force_fail_workflow("by decision")
        raise RuntimeError("execute fails")

    def get_state_options(self):
        return WorkflowStateOptions(
            wait_until_api_retry_policy=RetryPolicy(maximum_attempts=1),
            proceed_to_execute_when_wait_until_retry_exhausted=WaitUntilApiFailurePolicy.PROCEED_ON_FAILURE,
            execute_api_retry_policy=RetryPolicy(initial_interval_seconds=1, maximum_attempts=2),
            execute_api_timeout_seconds=1,
        )


class Failing(ObjectWorkflow):
    def get_workflow_states(self):
        return StateSchema.with_starting_state(Rough())


class Try(WorkflowState[int]):
    def execute(self, ctx, input, command_results, persistence, communication):
        raise RuntimeError("for good")

    def get_state_options(self):
        return WorkflowStateOptions(
            execute_api_retry_policy=RetryPolicy(maximum_attempts=1),
            proceed_to_state_when_execute_retry_exhausted=Recover,
        )


class Recover(WorkflowState[int]):
    def execute(self, ctx, input, command_results, persistence, communication):
        return StateDecision.graceful_complete_workflow(f"recovered {input}")


class Override(WorkflowState[int]):
    def execute(self, ctx, input, command_results, persistence, communication):
        override = WorkflowStateOptions(
            execute_api_retry_policy=RetryPolicy(maximum_attempts=1),
            proceed_to_state_when_execute_retry_exhausted=Recover,
        )
        return StateDecision.single_next_state(Breaks, input, override)


class Breaks(WorkflowState[int]):
    def execute(self, ctx, input, command_results, persistence, communication):
        raise RuntimeError("would be tried for ever")


class Recovering(ObjectWorkflow):
    def get_workflow_states(self):
        return StateSchema.with_starting_state(Try(), Recover())


class Overriding(ObjectWorkflow):
    def get_workflow_states(self):
        return StateSchema.with_starting_state(Override(), Breaks(), Recover())


# --- loops, waits for states, conditional completion, resets --------------------------------------------------------


class Loop(WorkflowState[int]):
    def execute(self, ctx, input, command_results, persistence, communication):
        calls = (persistence.get_data_attribute("calls") or 0) + 1
        persistence.set_data_attribute("calls", calls)
        if input == 3:
            return StateDecision.single_next_state(Drain)
        return StateDecision.multi_next_states(
            StateMovement.create(Loop, input + 1), StateMovement.create(Mark, input, None, f"key-{input}")
        )


class Mark(WorkflowState[int]):
    def execute(self, ctx, input, command_results, persistence, communication):
        return StateDecision.dead_end


class Drain(WorkflowState[None]):
    def wait_until(self, ctx, input, persistence, communication):
        return CommandRequest.for_all_command_completed(SignalChannelCommand.by_name("work"))

    def execute(self, ctx, input, command_results, persistence, communication):
        done = (persistence.get_data_attribute("done") or []) + [command_results.signal_channel_commands[0].value]
        persistence.set_data_attribute("done", done)
        if len(done) < 3:
            # It is quicker than whoever sends: an empty channel does not mean yet that nothing more comes.
            return StateDecision.single_next_state(Drain)
        return StateDecision.force_complete_if_signal_channel_empty_or_else("work", done, Drain)


class Looping(ObjectWorkflow):
    def get_workflow_states(self):
        return StateSchema.with_starting_state(Loop(), Mark(), Drain())

    def get_persistence_schema(self):
        return PersistenceSchema.create(
            PersistenceField.data_attribute_def("calls", int), PersistenceField.data_attribute_def("done", list)
        )

    def get_communication_schema(self):
        return CommunicationSchema.create(CommunicationMethod.signal_channel_def("work", int))


registry = Registry()
registry.add_workflows(Steps(), Waiting(), Entity(), Cached(), Failing(), Recovering(), Overriding(), Looping())


# --- the worker -----------------------------------------------------------------------------------------------------


class Handler(BaseHTTPRequestHandler):
    """The glue that every application of that SDK has, without a framework."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    service = WorkerService(registry)
    calls = {
        WorkerService.api_path_workflow_state_wait_until: (
            WorkflowStateWaitUntilRequest,
            service.handle_workflow_state_wait_until,
        ),
        WorkerService.api_path_workflow_state_execute: (
            WorkflowStateExecuteRequest,
            service.handle_workflow_state_execute,
        ),
        WorkerService.api_path_workflow_worker_rpc: (WorkflowWorkerRpcRequest, service.handle_workflow_worker_rpc),
    }

    def log_message(self, *args):
        pass

    def do_POST(self):
        request, handle = self.calls[self.path]
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        try:
            status, answer = 200, handle(request.from_dict(body)).to_dict()
        except Exception as error:
            status, answer = 500, {"detail": self.service.handle_worker_error(error), "errorType": type(error).__name__}
        told = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(told)))
        self.end_headers()
        with contextlib.suppress(BrokenPipeError):
            # The server may have given up.
            self.wfile.write(told)


def work(port):
    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    print("working", flush=True)
    server.serve_forever()


# --- the client -----------------------------------------------------------------------------------------------------


class Scenarios:
    """Each method is a scenario; its name is the workflow id."""

    def __init__(self, server, worker):
        options = ClientOptions(server_url=server, worker_url=worker, object_encoder=ObjectEncoder.default)
        self.client = Client(registry, options)
        self.bare = UnregisteredClient(options)

    def until(self, ask, wanted):
        over = time.monotonic() + 20
        while (answer := ask()) != wanted and time.monotonic() < over:
            time.sleep(0.02)
        return answer

    def fails(self, kind, ask):
        try:
            ask()
        except kind as error:
            return error
        raise AssertionError(f"{kind.__name__} was expected")

    def steps(self, wid):
        self.client.start_workflow(Steps, wid, 60, Order("tea", 8))
        result = self.client.wait_for_workflow_completion(wid)
        attributes = self.client.get_all_workflow_data_attributes(Steps, wid)
        attributes["order"] = asdict(attributes["order"])
        return [result, attributes, self.client.describe_workflow(wid).workflow_status.value]

    def any_timer(self, wid):
        self.client.start_workflow(Waiting, wid, 60, "timer")
        return self.client.wait_for_workflow_completion(wid)

    def any_signal(self, wid):
        self.client.start_workflow(Waiting, wid, 60, "any")
        self.client.signal_workflow(wid, "s", "hello")
        return self.client.wait_for_workflow_completion(wid)

    def all_commands(self, wid):
        self.client.start_workflow(Waiting, wid, 60, "all")
        self.client.signal_workflow(wid, "s", "hello")
        self.client.invoke_rpc(wid, Waiting.publish, 5)
        self.skip(wid, lambda: self.client.skip_timer_by_command_id(wid, "Wait", "t"))
        return self.client.wait_for_workflow_completion(wid)

    def combination(self, wid):
        self.client.start_workflow(Waiting, wid, 60, "combination")
        self.client.signal_workflow(wid, "s", "hello")
        self.client.invoke_rpc(wid, Waiting.publish, 6)
        return self.client.wait_for_workflow_completion(wid)

    def skip_by_index(self, wid):
        self.client.start_workflow(Waiting, wid, 60, "any")
        self.skip(wid, lambda: self.client.skip_timer_at_command_index(wid, Wait))
        return self.client.wait_for_workflow_completion(wid)

    def skip(self, wid, ask):
        over = time.monotonic() + 10
        while True:
            try:
                return ask()
            except Exception:
                if time.monotonic() > over:
                    raise
                time.sleep(0.02)

    def channel_sizes(self, wid):
        self.client.start_workflow(Waiting, wid, 60, "combination", WorkflowOptions(workflow_start_delay_seconds=30))
        for number in range(3):
            self.client.signal_workflow(wid, "s", str(number))
        sizes = self.client.invoke_rpc(wid, Waiting.sizes)
        self.client.stop_workflow(wid)
        return sizes

    def rpcs(self, wid):
        self.client.start_workflow(Entity, wid, 60, None, WorkflowOptions(initial_data_attributes={"number": 5}))
        answers = [self.client.invoke_rpc(wid, Entity.add, 2), self.client.invoke_rpc(wid, Entity.add_locked, 3)]
        error = self.fails(WorkflowRPCExecutionError, lambda: self.client.invoke_rpc(wid, Entity.fail))
        answers.append("the RPC fails" in str(error.error_resp.to_dict()))
        answers.append(self.client.invoke_rpc(wid, Entity.tell))
        self.client.invoke_rpc(wid, Entity.open, "from an RPC")
        answers.append(
            self.until(lambda: self.client.get_all_workflow_data_attributes(Entity, wid).get("by_state"), "from an RPC")
        )
        self.client.stop_workflow(wid)
        return answers

    def locks(self, wid):
        self.client.start_workflow(Entity, wid, 60)
        self.client.invoke_rpc(wid, Entity.open, "hold")
        over = time.monotonic() + 10
        refused = False
        while not refused and time.monotonic() < over:
            try:
                self.client.invoke_rpc(wid, Entity.add_locked, 1)
            except WorkflowRPCAcquiringLockFailure:
                refused = True
        while time.monotonic() < over:
            try:
                self.client.invoke_rpc(wid, Entity.add_locked, 1)
                break
            except WorkflowRPCAcquiringLockFailure:
                time.sleep(0.05)
        self.client.stop_workflow(wid)
        return refused

    def caching(self, wid):
        self.client.start_workflow(Cached, wid, 60)
        self.client.invoke_rpc(wid, Cached.put, 7)
        answers = [
            self.client.get_workflow_data_attributes(Cached, wid, keys=["number"]),
            self.client.invoke_rpc(wid, Cached.tell),
        ]
        self.client.stop_workflow(wid)
        return answers

    def attributes_from_outside(self, wid):
        self.client.start_workflow(Entity, wid, 60)
        self.client.set_workflow_data_attributes(Entity, wid, "", {"number": 9})
        answer = self.until(
            lambda: self.client.get_workflow_data_attributes(Entity, wid, keys=["number"]), {"number": 9}
        )
        self.client.stop_workflow(wid)
        return answer

    def search_attributes(self, wid):
        initial = {"CustomKeywordField": "first", "CustomIntField": 1}
        self.client.start_workflow(Entity, wid, 60, None, WorkflowOptions(initial_search_attributes=initial))
        first = self.client.get_workflow_search_attributes(Entity, wid, ["CustomKeywordField", "CustomIntField"])
        self.client.invoke_rpc(wid, Entity.write_search)
        second = self.client.get_all_search_attributes(Entity, wid)
        moment = second.pop("CustomDatetimeField")
        self.client.set_workflow_search_attributes(
            Entity, wid, [SearchAttribute(key="CustomKeywordField", string_value=wid, value_type=KIND.KEYWORD)]
        )
        query = f"IwfWorkflowType = 'Entity' AND CustomKeywordField = '{wid}' AND ExecutionStatus = 'Running'"

        def found():
            answer = self.bare.search_workflow(WorkflowSearchRequest(query=query, page_size=10))
            return [one.workflow_id for one in answer.workflow_executions or []]

        listed = self.until(found, [wid])
        self.client.stop_workflow(wid)
        return [first, second, moment.startswith("2024-11-13T00:00:01.731455544"), listed == [wid]]

    def failures(self, wid):
        answers = {}
        for how in ("proceed", "retry"):
            self.client.start_workflow(Failing, f"{wid}-{how}", 60, how)
            answers[how] = self.client.wait_for_workflow_completion(f"{wid}-{how}")
        for how in ("error", "slow", "force"):
            self.client.start_workflow(Failing, f"{wid}-{how}", 60, how)
            error = self.fails(WorkflowFailed, lambda how=how: self.client.wait_for_workflow_completion(f"{wid}-{how}"))
            message = str(error.error_message)
            fragment = {"error": "execute fails", "slow": "activity StartToClose timeout", "force": ""}[how]
            answers[how] = [str(getattr(error.error_type, "value", error.error_type)), fragment in message]
        return answers

    def recovery(self, wid):
        self.client.start_workflow(Recovering, wid, 60, 1)
        self.client.start_workflow(Overriding, f"{wid}-override", 60, 2)
        return [
            self.client.wait_for_workflow_completion(wid, str),
            self.client.wait_for_workflow_completion(f"{wid}-override", str),
        ]

    def loops(self, wid):
        options = WorkflowOptions()
        options.add_wait_for_completion_state_execution_id(Loop, 2)
        options.add_wait_for_completion_state_ids(Mark)
        self.client.start_workflow(Looping, wid, 60, 0, options)
        self.client.wait_for_state_execution_completion_with_state_execution_id(Loop, wid, 2)
        self.client.wait_for_state_execution_completion_with_wait_for_key(Mark, wid, "key-1")
        for number in range(3):
            self.client.signal_workflow(wid, "work", number)
        return self.client.wait_for_workflow_completion(wid)

    def resets(self, wid):
        first = self.client.start_workflow(Looping, wid, 600, 0)

        def calls():
            try:
                return self.client.get_workflow_data_attributes(Looping, wid, keys=["calls"]).get("calls")
            except RuntimeError:
                # So the SDK says that there is none yet.
                return None

        answers = [self.until(calls, 4)]
        for options in (
            reset_to_beginning("again"),
            reset_to_state_id("Loop", "again"),
            reset_to_state_execution_id("Loop-3", "again"),
        ):
            reset = self.client.reset_workflow(wid, options)
            answers += [reset.workflow_run_id != first, self.until(calls, 4)]
        self.client.stop_workflow(wid)
        return answers

    def stops(self, wid):
        answers = []
        for stop_type, kind in (
            (None, WorkflowCanceled),
            (WorkflowStopType.TERMINATE, WorkflowTerminated),
            (WorkflowStopType.FAIL, WorkflowFailed),
        ):
            name = f"{wid}-{stop_type}"
            self.client.start_workflow(Waiting, name, 60, "any")
            options = None if stop_type is None else StopWorkflowOptions(stop_type, "because")
            self.client.stop_workflow(name, options)
            error = self.fails(kind, lambda name=name: self.client.wait_for_workflow_completion(name))
            answers.append(error.workflow_status.value)
        return answers

    def timeout(self, wid):
        self.client.start_workflow(Waiting, wid, 1, "any")
        return self.fails(WorkflowTimeout, lambda: self.client.wait_for_workflow_completion(wid)).workflow_status.value

    def workflow_retry(self, wid):
        policy = WorkflowRetryPolicy(initial_interval_seconds=1, maximum_attempts=2)
        run = self.client.start_workflow(Failing, wid, 60, "force", WorkflowOptions(workflow_retry_policy=policy))
        self.fails(WorkflowFailed, lambda: self.client.wait_for_workflow_completion(wid))
        return self.bare.get_workflow(wid, "").workflow_run_id != run

    def ids(self, wid):
        run = self.client.start_workflow(Waiting, wid, 60, "any")
        answers = []
        self.fails(WorkflowAlreadyStartedError, lambda: self.client.start_workflow(Waiting, wid, 60, "any"))
        ignoring = WorkflowOptions(
            workflow_already_started_options=WorkflowAlreadyStartedOptions(ignore_already_started_error=True)
        )
        answers.append(self.client.start_workflow(Waiting, wid, 60, "any", ignoring) == run)
        replacing = WorkflowOptions(workflow_id_reuse_policy=IDReusePolicy.ALLOW_TERMINATE_IF_RUNNING)
        answers.append(self.client.start_workflow(Waiting, wid, 60, "any", replacing) != run)
        self.client.stop_workflow(wid)
        self.until(lambda: self.client.describe_workflow(wid).workflow_status.value, "CANCELED")
        never = WorkflowOptions(
            workflow_id_reuse_policy=IDReusePolicy.DISALLOW_REUSE,
            workflow_config_override=WorkflowConfig(continue_as_new_threshold=10),
        )
        self.fails(WorkflowAlreadyStartedError, lambda: self.client.start_workflow(Waiting, wid, 60, "any", never))
        return answers

    def unknown(self, wid):
        for ask in (
            lambda: self.client.stop_workflow(wid),
            lambda: self.client.describe_workflow(wid),
            lambda: self.client.signal_workflow(wid, "s", "x"),
            lambda: self.client.invoke_rpc(wid, Entity.tell),
            lambda: self.client.wait_for_workflow_completion(wid),
        ):
            self.fails(WorkflowNotExistsError, ask)
        return True

    def long_poll(self, wid):
        """Against a server that waits for a few seconds at most."""
        self.client.start_workflow(Waiting, wid, 60, "any")
        self.fails(WorkflowStillRunningError, lambda: self.client.wait_for_workflow_completion(wid))
        self.client.stop_workflow(wid)
        return True


def call(server, worker):
    scenarios = Scenarios(server, worker)
    for name in [name for name in vars(Scenarios) if not name.startswith("_")]:
        if name in ("until", "fails", "skip"):
            continue
        try:
            told = {"name": name, "came": getattr(scenarios, name)(name)}
        except Exception:
            told = {"name": name, "error": traceback.format_exc()}
        print(json.dumps(told), flush=True)


if __name__ == "__main__":
    if sys.argv[1] == "worker":
        work(int(sys.argv[2]))
    else:
        call(sys.argv[2], sys.argv[3])
