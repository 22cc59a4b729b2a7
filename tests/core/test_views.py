"""What others may see of a record."""

from __future__ import annotations

from datetime import timedelta

import pytest
from attrs import evolve

from iwf_py.core.attempts import TaskState
from iwf_py.core.effects import Invoke, InvokeRpc, SetTimer
from iwf_py.core.parts import StoredMessage, restore, stored
from iwf_py.core.views import (
    attributes,
    describe,
    invocation,
    next_due,
    pending,
    result,
    rpc_invocation,
    search_attributes,
)
from iwf_py.errors import TransitionError
from iwf_py.model.commands import CommandRequest, InternalChannelCommand, SignalChannelCommand, TimerCommand
from iwf_py.model.invocations import Failure, InvocationKind, SealedChannelResult, SealedTimerResult, Serves
from iwf_py.model.options import LOAD_NONE, CallOptions, PersistenceLoadingPolicy, RetryPolicy, RpcOptions, StateOptions
from iwf_py.model.payload import SearchAttribute
from iwf_py.model.requests import ChannelCommandDescription, RpcRequest, TimerDescription
from iwf_py.model.status import (
    ChannelFamily,
    ChannelRequestStatus,
    PersistenceLoadingType,
    Phase,
    SearchAttributeValueType,
    TimerStatus,
    WorkflowStatus,
    WorkflowStopType,
)
from tests.core.machine import NOON, SKIP, Machine, locks, sealed, to

REQUEST = CommandRequest.for_any_command_completed(
    TimerCommand.by_seconds(10, "t"),
    InternalChannelCommand.by_name("i", "in"),
    SignalChannelCommand.by_name("s", "sig", at_least=2),
)


def rich() -> Machine:
    """A run with everything: waiting, invoked and queued states, messages in channels and hands, an RPC, a deadline."""
    machine = Machine(
        to("Start"),
        timeout=timedelta(hours=1),
        attributes=(("b", sealed("2")), ("a", sealed("1"))),
        search_attributes=(SearchAttribute("s", integer_value=1, value_type=SearchAttributeValueType.INT),),
    )
    machine.decides("Start-1", to("W", None), to("V", None), to("L", locks("k")), to("M", locks("k")))
    machine.waits("W-1", REQUEST, locals=(("l", sealed("x")),))
    machine.waits("V-1", CommandRequest.for_all_command_completed(*[SignalChannelCommand.by_name("s")] * 2))
    machine.signal("s", "one")
    machine.publish(("free", "x"))
    machine.ask("r")
    machine.completes("L-1", sealed("out"))
    return machine


def test_a_record_comes_back_from_its_rows():
    """
    restore is the inverse of stored.
    """
    record = rich().run

    assert restore(stored(record)) == record


def test_rows_say_who_has_a_message():
    """
    A taken message names its state and command.
    """
    messages = stored(rich().run).messages

    assert [(message.channel_name, message.state, message.command) for message in messages] == [
        ("s", 3, 0),
        ("free", None, None),
    ]
    assert isinstance(messages[0], StoredMessage)


def test_all_that_is_outstanding_can_be_derived():
    """
    Timers, calls and RPCs, as recovery carries them out.
    """
    machine = rich()

    assert list(pending(machine.run)) == [
        SetTimer(NOON + timedelta(hours=1)),
        SetTimer(NOON + timedelta(seconds=10)),
        Invoke(5, Phase.EXECUTE),
        InvokeRpc(7),
    ]


def test_nothing_is_outstanding_of_a_closed_run():
    """
    No call, no timer, no RPC.
    """
    machine = rich()
    machine.stop(WorkflowStopType.CANCEL)

    assert list(pending(machine.run)) == []
    assert next_due(machine.run) is None


def test_a_wait_until_is_called_with_its_input():
    """
    It has no results, no locals, and knows the run's names and times.
    """
    machine = Machine(to("A", None, sealed("in")), attributes=(("a", sealed("1")),))
    machine.later(5)

    call = invocation(machine.run, 1, attempt=2, first_attempt_at=NOON)

    assert call.kind is InvocationKind.WAIT_UNTIL
    assert (call.namespace, call.workflow_type, call.workflow_id, call.run_id) == ("default", "W", "w", "run-1")
    assert (call.method_name, call.state_execution_id, call.input) == ("A", "A-1", sealed("in"))
    assert (call.started_at, call.attempt, call.first_attempt_at) == (NOON, 2, NOON)
    assert dict(call.attributes) == {"a": sealed("1")}
    assert (call.results, call.locals, call.failure) == (None, (), None)
    assert call.timeout == timedelta(seconds=30)


def test_a_call_says_where_it_goes_and_whether_it_loads_at_all():
    """
    A policy that loads none is told apart from one that finds none.
    """
    options = StateOptions(wait_until=CallOptions(attributes=LOAD_NONE))
    machine = Machine(to("A", options), attributes=(("a", sealed("1")),), worker_url="http://worker")

    call = invocation(machine.run, 1, attempt=1, first_attempt_at=NOON)
    asked = RpcRequest(workflow_id="w", rpc_name="r", options=RpcOptions(search_attributes=LOAD_NONE))
    rpc = rpc_invocation(machine.run, asked, NOON)

    assert (call.worker_url, rpc.worker_url) == ("http://worker", "http://worker")
    assert (call.loads_attributes, call.loads_search_attributes, dict(call.attributes)) == (False, True, {})
    assert (rpc.loads_attributes, rpc.loads_search_attributes) == (True, False)


def test_an_execute_is_called_with_its_results():
    """
    Timers, signals and internal messages, each kind in the order of the request; locals word for word.
    """
    machine = rich()
    machine.publish(("i", "hello"))

    call = invocation(machine.run, 2, attempt=1, first_attempt_at=NOON)

    assert call.kind is InvocationKind.EXECUTE
    assert call.locals == (("l", sealed("x")),)
    assert call.results.wait_until_succeeded
    assert call.results.timers == (SealedTimerResult(command_id="t", status=TimerStatus.SCHEDULED),)
    assert call.results.signals == (
        SealedChannelResult(
            family=ChannelFamily.SIGNAL,
            channel_name="s",
            command_id="sig",
            status=ChannelRequestStatus.WAITING,
            is_bounded=True,
        ),
    )
    assert call.results.internals == (
        SealedChannelResult(
            family=ChannelFamily.INTERNAL,
            channel_name="i",
            command_id="in",
            status=ChannelRequestStatus.RECEIVED,
            values=(sealed("hello"),),
        ),
    )


def test_a_skipped_timer_is_told_as_fired():
    """
    User code need not know how it came to its end.
    """
    machine = rich()
    machine.skip("W-1", "t")

    call = invocation(machine.run, 2, attempt=1, first_attempt_at=NOON)

    assert call.results.timers[0].status is TimerStatus.FIRED


def test_a_skipped_wait_until_leaves_no_results():
    """
    None tells that there was no wait_until.
    """
    machine = Machine(to("A"))

    assert invocation(machine.run, 1, attempt=1, first_attempt_at=NOON).results is None


def test_each_call_loads_by_its_own_policy():
    """
    wait_until and execute may get different attributes.
    """
    one = PersistenceLoadingPolicy(PersistenceLoadingType.LOAD_PARTIAL_WITHOUT_LOCKING, ("a",))
    none = PersistenceLoadingPolicy(PersistenceLoadingType.LOAD_NONE)
    options = StateOptions(wait_until=CallOptions(attributes=one), execute=CallOptions(attributes=none))
    machine = Machine(to("A", options), attributes=(("a", sealed("1")), ("b", sealed("2"))))

    first = invocation(machine.run, 1, attempt=1, first_attempt_at=NOON)
    machine.waits("A-1")
    second = invocation(machine.run, 1, attempt=1, first_attempt_at=NOON)

    assert (list(first.attributes), list(second.attributes)) == (["a"], [])


def test_an_invocation_is_pinned():
    """
    What is written after the call was made does not show in it, nor do messages.
    """
    machine = Machine(to("A"), attributes=(("a", sealed("1")),))
    call = invocation(machine.run, 1, attempt=1, first_attempt_at=NOON)

    machine.set(a="2")
    machine.signal("s")

    assert call.attributes["a"] == sealed("1")
    assert dict(call.channel_sizes) == {}


def test_an_attempt_is_cut_by_the_policy_that_bounds_all():
    """
    With 5 s for all attempts, the first has 5 s of its 30, one that begins 3 s later has 2.
    """
    call = CallOptions(retry=RetryPolicy(maximum_attempts_duration_seconds=5))
    machine = Machine(to("A", evolve(SKIP, execute=call)))

    first = invocation(machine.run, 1, attempt=1, first_attempt_at=NOON)
    later = invocation(machine.run, 1, attempt=2, first_attempt_at=NOON, at=NOON + timedelta(seconds=3))

    assert first.timeout == timedelta(seconds=5)
    assert later.timeout == timedelta(seconds=2)


def test_only_an_outstanding_call_can_be_made():
    """
    A state that waits, queues, or does not exist, has no call.
    """
    machine = Machine(to("A", None))
    machine.waits("A-1", REQUEST)

    for number in (1, 2):
        with pytest.raises(TransitionError):
            invocation(machine.run, number, attempt=1, first_attempt_at=NOON)


def test_channel_sizes_count_what_nobody_has_taken():
    """
    Empty channels, and channels that are only waited for, are not there.
    """
    machine = rich()
    call = invocation(machine.run, 5, attempt=1, first_attempt_at=NOON)

    assert dict(call.channel_sizes) == {(ChannelFamily.INTERNAL, "free"): 1}
    assert len(call.channel_sizes) == 1
    assert (ChannelFamily.SIGNAL, "s") not in call.channel_sizes


def test_attributes_are_read_in_the_order_of_their_keys():
    """
    All, or those of the named ones that exist.
    """
    run = rich().run

    assert list(attributes(run, None)) == ["a", "b"]
    assert attributes(run, ("b", "z")) == {"b": sealed("2")}
    assert list(search_attributes(run, None)) == ["s"]
    assert search_attributes(run, ()) == {}


def test_outputs_are_read_once_the_run_is_closed():
    """
    Until then the result is RUNNING and empty.
    """
    machine = rich()
    assert result(machine.run).status is WorkflowStatus.RUNNING
    assert result(machine.run).outputs == ()

    machine.forces("M-1")

    assert result(machine.run).status is WorkflowStatus.COMPLETED
    assert [output.state_execution_id for output in result(machine.run).outputs] == ["L-1"]


def test_describe_tells_how_everything_stands():
    """
    Phases, timers, what commands took, who is blocked; with the host's tasks: attempts and failures.
    """
    machine = Machine(to("Start"), timeout=timedelta(hours=1))
    machine.decides("Start-1", to("W", None), to("L", locks("k")), to("M", locks("k")))
    machine.waits("W-1", REQUEST)
    machine.signal("s", "one")
    failure = Failure(error_type="ValueError", message="boom")
    task = TaskState(
        number=3,
        phase=Phase.EXECUTE,
        epoch=1,
        first_at=NOON,
        failures=2,
        recoveries=1,
        due_at=NOON + timedelta(seconds=4),
        last_failure=failure,
    )

    seen = describe(machine.run, [task], parked="why", serves=Serves({"W": frozenset({"W", "L"})}))

    assert (seen.status, seen.deadline, seen.parked, seen.revision) == (
        WorkflowStatus.RUNNING,
        NOON + timedelta(hours=1),
        "why",
        machine.run.seq,
    )
    waits, holds, queues = seen.states
    assert waits.timers == (
        TimerDescription(index=0, command_id="t", fires_at=NOON + timedelta(seconds=10), is_done=False),
    )
    assert waits.channels[0] == ChannelCommandDescription(
        family=ChannelFamily.SIGNAL, channel_name="s", command_id="sig", taken=0, is_done=False
    )
    assert (holds.attempt, holds.last_failure, holds.recoveries) == (3, failure, 1)
    assert holds.next_attempt_at == NOON + timedelta(seconds=4)
    assert (queues.is_blocked, queues.attempt, queues.is_served) == (True, 0, False)
    assert (waits.is_served, waits.attempt, holds.is_blocked) == (True, 0, False)
    assert seen.channel_sizes == {(ChannelFamily.SIGNAL, "s"): 1}


def test_describe_tells_of_a_closed_run():
    """
    What was open when it closed, and why it closed.
    """
    machine = rich()
    machine.later(5)
    machine.stop(WorkflowStopType.FAIL, "because")

    seen = describe(machine.run)

    assert seen.executing_state_ids == ("W-1", "V-1", "M-1")
    assert (seen.closed_at, seen.error_message, seen.states) == (machine.now, "because", ())
    assert [output.state_id for output in seen.outputs] == ["L"]


def test_describe_tells_why_a_state_is_held():
    """
    A start delay, a lock and its holder, missing code, the next attempt, a parked run: one sentence each.
    """
    machine = Machine(to("L", locks("k")), start_delay=timedelta(seconds=5))
    (delayed,) = describe(machine.run).states
    assert delayed.held == f"waits for the start delay until {(NOON + timedelta(seconds=5)).isoformat()}"
    machine.later(5)
    machine.fire_at(0, 1)
    machine.answer(None, to("M", locks("k", search=("s",))), to("N", locks(search=("s",))), to("W", None))
    machine.waits("W-1", REQUEST)
    task = TaskState(number=1, phase=Phase.EXECUTE, epoch=1, first_at=NOON, failures=1, due_at=machine.now)

    running, second, third, waiting = (state.held for state in describe(machine.run, [task]).states)
    assert (running, waiting) == (None, None)
    assert second == "queues for attribute locks: 'k' (held by L-1)"
    assert third == "queues for attribute locks: search attribute 's' (M-1 comes first)"

    later = evolve(task, due_at=machine.now + timedelta(seconds=1))
    until = later.due_at.isoformat()
    assert describe(machine.run, [later]).states[0].held == f"waits for its next attempt until {until}"
    assert describe(machine.run, [later], now=later.due_at).states[0].held is None
    serves = Serves({"W": frozenset({"M"})})
    assert describe(machine.run, serves=serves).states[0].held == "no worker here has code for state L of W"
    assert {state.held for state in describe(machine.run, parked="a bug").states} == {"the run is parked: a bug"}


def test_an_rpc_that_holds_a_lock_is_named():
    """
    Who has the key is told by the name of the RPC.
    """
    machine = Machine(to("Start"))
    machine.ask("k")
    machine.decides("Start-1", to("L", locks("k")))

    (state,) = describe(machine.run).states

    assert state.held == "queues for attribute locks: 'k' (held by RPC 'r')"


def test_results_tell_which_channels_were_empty():
    """
    Each command until a channel is empty has its result, and its description while the state waits.
    """
    empty, full = SignalChannelCommand.until_empty("e", "id"), InternalChannelCommand.until_empty("f")
    machine = Machine(to("W", None))
    machine.publish(("f", "x"))
    machine.waits("W-1", CommandRequest.for_all_command_completed(empty, full, SignalChannelCommand.by_name("s")))
    (state,) = describe(machine.run).states
    assert [(each.channel_name, each.command_id, each.is_done) for each in state.until_empty] == [
        ("e", "id", True),
        ("f", None, False),
    ]

    machine = Machine(to("W", None))
    machine.publish(("f", "x"))
    machine.waits("W-1", CommandRequest.for_any_command_completed(empty, full))
    call = invocation(machine.run, 1, attempt=1, first_attempt_at=NOON)

    assert call.results is not None
    assert [(each.family, each.channel_name, each.is_complete) for each in call.results.until_empty] == [
        (ChannelFamily.SIGNAL, "e", True),
        (ChannelFamily.INTERNAL, "f", False),
    ]
