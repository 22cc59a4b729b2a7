"""How a run begins: ids and their reuse, inputs, start delay, and what the first state is told."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from iwf_py.authoring.communication import Communication
from iwf_py.authoring.communication_schema import CommunicationMethod, CommunicationSchema
from iwf_py.authoring.persistence import Persistence
from iwf_py.authoring.persistence_schema import PersistenceField, PersistenceSchema
from iwf_py.authoring.rpc import rpc
from iwf_py.authoring.state_decision import StateDecision
from iwf_py.authoring.state_schema import StateSchema
from iwf_py.authoring.workflow import ObjectWorkflow
from iwf_py.authoring.workflow_options import WorkflowOptions
from iwf_py.authoring.workflow_state import WorkflowState
from iwf_py.errors import (
    InvalidArgumentError,
    NotRegisteredError,
    WorkflowAlreadyStartedError,
    WorkflowNotExistsError,
)
from iwf_py.model.commands import CommandRequest, InternalChannelCommand, SignalChannelCommand
from iwf_py.model.options import (
    PersistenceLoadingPolicy,
    WorkflowAlreadyStartedOptions,
    WorkflowConfig,
    WorkflowRetryPolicy,
)
from iwf_py.model.requests import StartRequest
from iwf_py.model.status import (
    IDReusePolicy,
    PersistenceLoadingType,
    Phase,
    SearchAttributeValueType,
    WorkflowIDReusePolicy,
    WorkflowStatus,
    WorkflowStopType,
)
from iwf_py.testing.contract.closing import stop
from iwf_py.testing.contract.host import ContractHost
from iwf_py.testing.contract.needs import Capability, needs


@dataclass
class Order:
    """An input with a shape."""

    name: str
    lines: list[int]


class Take(WorkflowState[Order]):
    """Waits for its signal, and tells what it was given."""

    def wait_until(self, ctx, input, persistence, communication):
        return CommandRequest.for_all_command_completed(SignalChannelCommand.by_name("go"))

    def execute(self, ctx, input, command_results, persistence, communication):
        if command_results.signal_channel_commands[0].value == "fail":
            return StateDecision.force_fail_workflow("failed")
        told: dict[str, Any] = {
            "type": type(input).__name__,
            "name": input.name,
            "lines": input.lines,
            "workflow_id": ctx.workflow_id,
            "run_id": ctx.workflow_run_id,
            "state": ctx.state_execution_id,
            "attempt": ctx.attempt,
            "started": ctx.workflow_start_timestamp_seconds,
        }
        return StateDecision.graceful_complete_workflow(told)


class Orders(ObjectWorkflow):
    """Takes one order."""

    def get_workflow_states(self):
        return StateSchema.with_starting_state(Take())

    def get_communication_schema(self):
        return CommunicationSchema.create(CommunicationMethod.signal_channel_def("go", str))


class Inherits(Take):
    """Waits as its parent does."""


class Grandchild(Inherits):
    """Waits as its grandparent does."""


class Heirs(Orders):
    """Begins with a state that inherits its wait."""

    def get_workflow_states(self):
        return StateSchema.with_starting_state(Grandchild())


class Straight(WorkflowState[int]):
    """Does not wait."""

    def execute(self, ctx, input, command_results, persistence, communication):
        return StateDecision.graceful_complete_workflow(input * 2)


class StraightOn(ObjectWorkflow):
    """Begins with a state that does not wait."""

    def get_workflow_states(self):
        return StateSchema.with_starting_state(Straight())


class Count(WorkflowState[None]):
    """Waits for its message, and tells what the run remembers."""

    def wait_until(self, ctx, input, persistence, communication):
        return CommandRequest.for_all_command_completed(InternalChannelCommand.by_name("told"))

    def execute(self, ctx, input, command_results, persistence, communication):
        message = command_results.internal_channel_commands[0].value
        count, city = persistence.get_data_attribute("count"), persistence.get_search_attribute_keyword("city")
        return StateDecision.graceful_complete_workflow([message, count, city])


class Counter(ObjectWorkflow):
    """Counts by RPC, whether its state has begun or not."""

    def get_workflow_states(self):
        return StateSchema.with_starting_state(Count())

    def get_persistence_schema(self):
        return PersistenceSchema.create(
            PersistenceField.data_attribute_def("count", int),
            PersistenceField.search_attribute_def("city", SearchAttributeValueType.KEYWORD),
        )

    def get_communication_schema(self):
        return CommunicationSchema.create(CommunicationMethod.internal_channel_def("told", str))

    @rpc()
    def look(self, persistence: Persistence) -> int | None:
        return persistence.get_data_attribute("count")

    @rpc()
    def add(self, input: int, persistence: Persistence, communication: Communication) -> int:
        count = (persistence.get_data_attribute("count") or 0) + input
        persistence.set_data_attribute("count", count)
        communication.publish_to_internal_channel("told", f"by {input}")
        return count

    @rpc(
        data_attribute_loading_policy=PersistenceLoadingPolicy(
            PersistenceLoadingType.LOAD_ALL_WITH_PARTIAL_LOCK, locking_keys=["count"]
        )
    )
    def add_alone(self, input: int, persistence: Persistence) -> int:
        count = (persistence.get_data_attribute("count") or 0) + input
        persistence.set_data_attribute("count", count)
        return count


class Stranger(ObjectWorkflow):
    """Is registered nowhere."""


WORKFLOWS = (Orders(), Heirs(), StraightOn(), Counter())
DELAYED = WorkflowOptions(
    workflow_start_delay_seconds=60, initial_data_attributes={"count": 7}, initial_search_attributes={"city": "Bern"}
)
ORDER = Order("tea", [1, 2])


def end(host: ContractHost, how: str) -> None:
    """Bring run "w" to an end, or leave it open."""
    match how:
        case "COMPLETED" | "FAILED":
            host.client.signal_workflow("w", "go", "ok" if how == "COMPLETED" else "fail")
            host.settle()
        case "TIMEOUT":
            host.advance(60)
        case "CANCELED":
            stop(host, WorkflowStopType.CANCEL)
        case "TERMINATED":
            stop(host, WorkflowStopType.TERMINATE)
    assert host.status("w").value == how


@needs(Capability.CLOCK)
def test_an_input_arrives_as_its_type(host: ContractHost):
    """
    The first state gets the input as the class it names, and knows where it runs.
    """
    began = int(host.clock.now().timestamp())
    run_id = host.start(Orders, "w", ORDER)
    host.client.signal_workflow("w", "go", "ok")

    assert host.output("w") == {
        "type": "Order",
        "name": "tea",
        "lines": [1, 2],
        "workflow_id": "w",
        "run_id": run_id,
        "state": "Take-1",
        "attempt": 1,
        "started": began,
    }


def test_a_result_arrives_as_the_type_that_is_asked_for(host: ContractHost):
    """
    Waiting decodes by the hint.
    """
    host.start(StraightOn, "w", 21)

    assert host.client.wait_for_workflow_completion("w", int) == 42


@needs(Capability.HISTORY)
def test_a_state_without_wait_until_goes_straight_to_execute(host: ContractHost):
    """
    wait_until is not called, and is no event.
    """
    host.start(StraightOn, "w", 21)

    assert host.output("w") == 42
    assert host.kinds("w") == ["Started", "ExecuteReturned"]


def test_an_inherited_wait_until_counts(host: ContractHost):
    """
    A state waits though it is its grandparent that says how.
    """
    host.start(Heirs, "w", ORDER)

    assert host.status("w") is WorkflowStatus.RUNNING
    host.client.signal_workflow("w", "go", "ok")

    assert host.output("w")["state"] == "Grandchild-1"


def test_a_wrong_start_is_refused_in_the_caller(host: ContractHost):
    """
    An unregistered workflow, an input of another type, an empty id, a negative timeout: nothing is started.
    """
    with pytest.raises(NotRegisteredError):
        host.client.start_workflow(Stranger, "w", 0)
    with pytest.raises(InvalidArgumentError):
        host.client.start_workflow(StraightOn, "w", 0, "not a number")
    with pytest.raises(InvalidArgumentError):
        host.client.start_workflow(StraightOn, "", 0, 1)
    with pytest.raises(InvalidArgumentError):
        host.client.start_workflow(StraightOn, "w", -1, 1)

    with pytest.raises(WorkflowNotExistsError):
        host.client.describe_workflow("w")


@needs(Capability.CLOCK, Capability.DESCRIBE)
def test_a_new_run_is_described(host: ContractHost):
    """
    Describe tells type, ids, times and what is open.
    """
    run_id = host.start(Orders, "w", ORDER, timeout=timedelta(minutes=1))

    description = host.description("w")

    assert description.workflow_type == "Orders"
    assert (description.run_id, description.first_run_id, description.run_attempt) == (run_id, run_id, 1)
    assert description.status is WorkflowStatus.RUNNING
    assert description.started_at == host.clock.now()
    assert description.deadline == host.clock.now() + timedelta(minutes=1)
    assert [state.state_execution_id for state in description.states] == ["Take-1"]
    assert host.client.describe_workflow("w").workflow_status is WorkflowStatus.RUNNING


def test_an_unknown_run_is_an_error_for_every_reader(host: ContractHost):
    """
    Neither an unknown id nor an unknown run of a known id is described.
    """
    host.start(Orders, "w", ORDER)

    with pytest.raises(WorkflowNotExistsError):
        host.client.describe_workflow("unknown")
    with pytest.raises(WorkflowNotExistsError):
        host.description("w", "01234567-89ab-7def-8123-456789abcdef")


def test_an_id_that_is_running_is_refused_with_its_run(host: ContractHost):
    """
    The error names the workflow, and the run that stands in the way.
    """
    run_id = host.start(Orders, "w", ORDER)

    with pytest.raises(WorkflowAlreadyStartedError) as caught:
        host.start(Orders, "w", ORDER)

    assert caught.value.workflow_id == "w"
    assert caught.value.run_id == run_id


each_policy = pytest.mark.parametrize(
    ("policy", "allowed"),
    [
        (IDReusePolicy.ALLOW_IF_NO_RUNNING, {"COMPLETED", "FAILED", "TIMEOUT", "CANCELED", "TERMINATED"}),
        (IDReusePolicy.ALLOW_IF_PREVIOUS_EXITS_ABNORMALLY, {"FAILED", "TIMEOUT", "CANCELED", "TERMINATED"}),
        (IDReusePolicy.DISALLOW_REUSE, set()),
        (
            IDReusePolicy.ALLOW_TERMINATE_IF_RUNNING,
            {"RUNNING", "COMPLETED", "FAILED", "TIMEOUT", "CANCELED", "TERMINATED"},
        ),
    ],
)
in_both_words = pytest.mark.parametrize("is_legacy", [False, True])


def start_again(host: ContractHost, policy: IDReusePolicy, allowed: set[str], last: str, is_legacy: bool) -> None:
    """Bring run "w" to an end of some kind, and see whether another may be started."""
    first = host.start(Orders, "w", ORDER, timeout=60)
    end(host, last)
    legacy = next(word for word in WorkflowIDReusePolicy if word.id_reuse_policy is policy)
    options = WorkflowOptions(workflow_id_reuse_policy=legacy if is_legacy else policy)

    if last in allowed:
        second = host.start(Orders, "w", ORDER, options=options)

        assert host.result("w").run_id == second != first
        assert host.status("w") is WorkflowStatus.RUNNING
        assert host.status("w", first).value == ("TERMINATED" if last == "RUNNING" else last)
    else:
        with pytest.raises(WorkflowAlreadyStartedError):
            host.start(Orders, "w", ORDER, options=options)

        assert host.result("w").run_id == first


@each_policy
@in_both_words
@pytest.mark.parametrize("last", ["RUNNING", "COMPLETED", "FAILED", "CANCELED", "TERMINATED"])
def test_an_id_may_be_used_again_as_its_policy_says(
    host: ContractHost, policy: IDReusePolicy, allowed: set[str], last: str, is_legacy: bool
):
    """
    The policy of the new start decides, in today's words or the older ones, by how the latest run stands.
    """
    start_again(host, policy, allowed, last, is_legacy)


@needs(Capability.CLOCK)
@each_policy
@in_both_words
def test_an_id_may_be_used_again_after_a_timeout_as_its_policy_says(
    host: ContractHost, policy: IDReusePolicy, allowed: set[str], is_legacy: bool
):
    """
    A run that has timed out is one that has ended abnormally.
    """
    start_again(host, policy, allowed, "TIMEOUT", is_legacy)


@needs(Capability.DESCRIBE)
def test_who_waits_for_a_run_that_is_replaced_is_told(host: ContractHost):
    """
    Terminate and start ends the wait for the old run with its own outcome; states of the old run do nothing to the new.
    """
    first = host.start(Orders, "w", ORDER)
    waiter = host.service.wait(host.address("w"))

    options = WorkflowOptions(workflow_id_reuse_policy=IDReusePolicy.ALLOW_TERMINATE_IF_RUNNING)
    second = host.start(Orders, "w", Order("milk", []), options=options)

    assert waiter.result(30).run_id == first
    assert waiter.result(30).status is WorkflowStatus.TERMINATED
    assert host.description("w", second).previous_run_id == first
    host.client.signal_workflow("w", "go", "ok")
    assert host.output("w")["name"] == "milk"


@pytest.mark.parametrize(
    ("stored", "ignore", "asked", "is_answered"),
    [
        (None, False, None, False),
        (None, True, None, True),
        ("r1", True, None, True),
        ("r1", True, "r1", True),
        ("r1", True, "r2", False),
        (None, True, "r1", False),
        ("r1", False, "r1", False),
    ],
)
@pytest.mark.parametrize("is_open", [True, False])
def test_a_start_may_be_repeated(
    host: ContractHost, stored: str | None, ignore: bool, asked: str | None, is_answered: bool, is_open: bool
):
    """
    Ignoring the error answers the run in the way; with a request id only if that run was started with the same.
    """

    def options(ignore_error: bool, request_id: str | None) -> WorkflowOptions:
        already = WorkflowAlreadyStartedOptions(ignore_error, request_id)
        return WorkflowOptions(
            workflow_already_started_options=already, workflow_id_reuse_policy=IDReusePolicy.DISALLOW_REUSE
        )

    run_id = host.start(Orders, "w", ORDER, options=options(ignore_error=False, request_id=stored))
    if not is_open:
        stop(host, WorkflowStopType.CANCEL)

    if is_answered:
        assert host.start(Orders, "w", ORDER, options=options(ignore, asked)) == run_id
    else:
        with pytest.raises(WorkflowAlreadyStartedError):
            host.start(Orders, "w", ORDER, options=options(ignore, asked))


def test_of_two_starts_at_once_one_wins(host: ContractHost):
    """
    Starts of one id see each other, however close they come.
    """
    request = StartRequest(workflow_id="w", workflow_type="Orders")

    futures = [host.service.start(request) for _ in range(5)]
    errors = [future.exception(30) for future in futures]

    assert errors.count(None) == 1
    assert sum(isinstance(error, WorkflowAlreadyStartedError) for error in errors) == 4


def test_runs_of_one_id_are_told_apart(host: ContractHost):
    """
    Without a run id the latest is meant; an earlier one is still there under its own.
    """
    first = host.start(Orders, "w", ORDER)
    end(host, "COMPLETED")
    second = host.start(Orders, "w", Order("milk", []))

    assert host.output("w", first)["name"] == "tea"
    assert host.description("w").run_id == second
    assert host.status("w", second) is WorkflowStatus.RUNNING
    with pytest.raises(WorkflowNotExistsError):
        host.client.signal_workflow("w", "go", "ok", workflow_run_id=first)


@needs(Capability.NAMESPACES)
def test_namespaces_have_nothing_to_do_with_each_other(host: ContractHost):
    """
    One id may run in each namespace, and each client sees its own.
    """
    other = host.client_of("other")
    host.start(Orders, "w", ORDER)
    other.start_workflow(Orders, "w", 0, Order("milk", []))
    other.signal_workflow("w", "go", "ok")
    host.settle()

    assert other.wait_for_workflow_completion("w")["name"] == "milk"
    assert host.status("w") is WorkflowStatus.RUNNING
    with pytest.raises(WorkflowNotExistsError):
        host.client_of("third").describe_workflow("w")


@needs(Capability.CLOCK, Capability.DESCRIBE, Capability.HISTORY)
def test_nothing_runs_during_a_start_delay(host: ContractHost):
    """
    The run exists at once; its first state begins when the delay is over, and finds what was sent meanwhile.
    """
    host.start(Orders, "w", ORDER, options=WorkflowOptions(workflow_start_delay_seconds=60))
    assert host.description("w").starts_at == host.clock.now() + timedelta(seconds=60)
    host.client.signal_workflow("w", "go", "ok")

    host.advance(59.999)
    assert host.status("w") is WorkflowStatus.RUNNING
    assert "WaitUntilReturned" not in host.kinds("w")
    host.advance(0.001)

    assert host.output("w")["name"] == "tea"
    assert host.description("w").starts_at is None


def test_what_a_run_is_started_with_is_there_at_once(host: ContractHost):
    """
    Initial attributes of both kinds are read before any state has run, also while the run is delayed.
    """
    host.client.start_workflow(Counter, "w", None, None, DELAYED)

    assert host.client.get_all_workflow_data_attributes(Counter, "w") == {"count": 7}
    assert host.client.get_all_search_attributes(Counter, "w") == {"city": "Bern"}


@needs(Capability.CLOCK, Capability.DESCRIBE, Capability.HISTORY)
def test_a_delayed_run_answers_and_is_not_hurried(host: ContractHost):
    """
    Reads and RPCs, locking ones too, work on a run that has not begun; nothing that a client does ends its delay.
    """
    host.start(Counter, "w", options=DELAYED)

    assert host.client.invoke_rpc("w", Counter.look) == 7
    assert host.client.invoke_rpc("w", Counter.add, 1) == 8
    assert host.client.invoke_rpc("w", Counter.add_alone, 2) == 10
    host.client.set_workflow_search_attributes(Counter, "w", {"city": "Rome"})
    host.client.publish_to_internal_channel(Counter, "w", "told", "late")
    host.client.update_workflow_config("w", WorkflowConfig(continue_as_new_threshold=5))
    host.client.skip_timer_at_command_index("w", Count, 1, 0)
    assert host.result("w").status is WorkflowStatus.RUNNING
    host.advance(59)
    assert "WaitUntilReturned" not in host.kinds("w")
    assert host.states("w")["Count-1"].phase is Phase.DELAYED
    host.advance(1)

    assert host.output("w") == ["by 1", 10, "Rome"]


@needs(Capability.CLOCK, Capability.DESCRIBE, Capability.HISTORY)
def test_a_delayed_run_that_a_client_fails_is_failed_at_once(host: ContractHost):
    """
    FAIL does not wait for the end of the delay, and no state is called; the retry does wait for it.
    """
    policy = WorkflowRetryPolicy(initial_interval_seconds=1, maximum_attempts=2)
    options = WorkflowOptions(workflow_start_delay_seconds=60, workflow_retry_policy=policy)
    first = host.start(Counter, "w", options=options)
    host.advance(20)

    stop(host, WorkflowStopType.FAIL)

    assert host.status("w", first) is WorkflowStatus.FAILED
    assert host.kinds("w", first) == ["Started", "StopRequested"]
    assert host.description("w").starts_at == host.clock.now() + timedelta(seconds=40)


@needs(Capability.CLOCK, Capability.HISTORY)
def test_a_delayed_run_can_be_stopped(host: ContractHost):
    """
    Stopped before it began, it never calls its states.
    """
    host.start(Orders, "w", ORDER, options=WorkflowOptions(workflow_start_delay_seconds=60))

    stop(host, WorkflowStopType.CANCEL)
    host.advance(120)

    assert host.status("w") is WorkflowStatus.CANCELED
    assert host.kinds("w") == ["Started", "StopRequested"]


@needs(Capability.CLOCK, Capability.HISTORY)
def test_a_start_delay_counts_towards_the_timeout(host: ContractHost):
    """
    A delay as long as the timeout means that nothing is ever run.
    """
    options = WorkflowOptions(workflow_start_delay_seconds=60)
    host.start(Orders, "w", ORDER, timeout=60, options=options)

    host.advance(120)

    assert host.status("w") is WorkflowStatus.TIMEOUT
    assert "WaitUntilReturned" not in host.kinds("w")


@needs(Capability.CLOCK, Capability.HISTORY)
def test_a_start_delay_outlives_the_engine(host: ContractHost):
    """
    A delay ends at its instant, whichever engine it was begun under.
    """
    host.start(Orders, "w", ORDER, options=WorkflowOptions(workflow_start_delay_seconds=60))
    host.advance(30)

    host.restart()
    host.advance(29)
    assert "WaitUntilReturned" not in host.kinds("w")
    host.advance(1)

    assert "WaitUntilReturned" in host.kinds("w")
