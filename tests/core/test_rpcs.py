"""RPCs: what they may write, and how locking ones wait and are refused."""

from __future__ import annotations

from datetime import timedelta

import pytest
from attrs import evolve

from iwf_py.core.changes import EventsRecorded
from iwf_py.core.effects import Accepted, Busy, Closed, InvokeRpc, Refuse, Reply
from iwf_py.core.events import START_DELAY, RpcAsked, RpcFailed, RpcReturned
from iwf_py.core.record import rpc_lock_keys
from iwf_py.core.views import describe, rpc_invocation
from iwf_py.errors import (
    TransitionError,
    WorkflowNotExistsError,
    WorkflowRPCAcquiringLockFailure,
    WorkflowRPCExecutionError,
)
from iwf_py.model.commands import CommandRequest, SignalChannelCommand
from iwf_py.model.decisions import FORCE_COMPLETING, Movement
from iwf_py.model.invocations import Failure, RpcResult, Writes
from iwf_py.model.options import PersistenceLoadingPolicy, RpcOptions
from iwf_py.model.payload import SearchAttribute
from iwf_py.model.requests import RpcRequest
from iwf_py.model.status import (
    ChannelFamily,
    PersistenceLoadingType,
    SearchAttributeValueType,
    WorkflowStatus,
    WorkflowStopType,
)
from tests.core.machine import NOON, Machine, locking, locks, sealed, to, writes


def refusal(machine: Machine) -> Exception:
    return next(effect.error for effect in machine.turn.effects if isinstance(effect, Refuse))


def test_a_run_may_live_by_rpcs_alone():
    """
    Without a starting state the run is open and idle until an RPC opens one.
    """
    machine = Machine()
    assert machine.run.is_open
    assert machine.turn.effects == ()

    machine.answer(None, to("A"))

    assert machine.calls == ["A-1 EXECUTE"]


def test_what_an_rpc_wrote_is_one_turn():
    """
    Attributes, messages, states, in this order and together.
    """
    machine = Machine()

    machine.answer(None, to("A"), writes=writes(("i", "x"), k="1"))

    assert [type(change).__name__ for change in machine.turn.changes] == [
        "AttributeWritten",
        "MessageAppended",
        "StateOpened",
        "StateInvoked",
    ]


def test_an_rpc_that_wrote_nothing_changes_nothing():
    """
    A pure read is no history.
    """
    machine = Machine()

    machine.answer(None, output=sealed("out"))

    assert machine.is_accepted
    assert machine.run.seq == 1


def test_recorded_events_alone_are_history():
    """
    They have no row, but their event is kept.
    """
    machine = Machine()

    machine.answer(None, writes=Writes(recorded_events=(("note", sealed("x")),)))

    assert machine.turn.changes == (EventsRecorded(count=1),)
    machine.check_history()


def test_an_rpc_cannot_close_the_run():
    """
    A movement to a system state is refused, and nothing of the RPC is written.
    """
    machine = Machine()

    machine.answer(None, Movement(FORCE_COMPLETING), writes=writes(k="1"))

    assert isinstance(machine.error, WorkflowRPCExecutionError)
    assert machine.error.detail == "closing workflow in RPC is not supported yet"
    assert len(machine.run.attributes) == 0


def test_a_value_that_does_not_fit_refuses_the_rpc():
    """
    The fault is in the RPC's code: its caller is told, the run lives on.
    """
    machine = Machine()
    wrong = SearchAttribute("s", integer_value=2**63, value_type=SearchAttributeValueType.INT)

    machine.answer(None, writes=Writes(search_attributes=(wrong,)))

    assert isinstance(machine.error, WorkflowRPCExecutionError)
    assert machine.run.is_open


def test_a_locking_rpc_holds_its_keys_until_it_answers():
    """
    Asked: its number, and a call; answered: applied, its caller told, a state that queued behind it called.
    """
    machine = Machine(to("A"))
    machine.ask("k")
    number = machine.run.seq
    assert machine.turn.answer == Accepted(number)
    assert machine.turn.effects == (InvokeRpc(number),)
    machine.decides("A-1", to("B", locks("k")))
    assert machine.open == {"B-1": "EXECUTE"}

    machine.answer(number, writes=writes(k="1"), output=sealed("out"))

    assert machine.turn.effects[0] == Reply(number, sealed("out"))
    assert machine.calls == ["B-1 EXECUTE"]
    machine.check_history()


def test_a_locking_rpc_that_fails_writes_nothing():
    """
    Its keys are free, its caller hears the type and the text.
    """
    machine = Machine()
    machine.ask("k")

    machine.fail_rpc(machine.run.seq)

    error = refusal(machine)
    assert isinstance(error, WorkflowRPCExecutionError)
    assert (error.original_error_type, "boom" in error.detail) == ("ValueError", True)
    assert len(machine.run.locks) == 0


def test_a_locking_rpc_cannot_close_the_run_either():
    """
    The RPC is over, and refused.
    """
    machine = Machine()
    machine.ask("k")

    machine.answer(machine.run.seq, Movement(FORCE_COMPLETING), writes=writes(k="1"))

    assert refusal(machine).detail == "closing workflow in RPC is not supported yet"
    assert len(machine.run.attributes) == 0
    assert len(machine.run.rpcs) == 0


def test_a_state_that_holds_a_key_refuses_the_rpc():
    """
    450 at once, also while the state's call is retried; nothing waits.
    """
    machine = Machine(to("A", locks("k")))

    machine.ask("k", "l")

    assert isinstance(machine.error, WorkflowRPCAcquiringLockFailure)
    assert machine.error.status == 450


def test_the_locking_keys_of_both_policies_count_once_one_of_them_locks():
    """
    Whatever the type of their own policy is: the other space's keys are held too, and nothing more is loaded.
    """
    machine = Machine(to("A", locks("k")))
    loose = PersistenceLoadingPolicy(PersistenceLoadingType.LOAD_NONE, locking_keys=("k", "m"))
    options = RpcOptions(attributes=loose, search_attributes=locking("s"))
    request = RpcRequest(workflow_id="w", rpc_name="r", options=options)

    machine.send(RpcAsked, request=request)

    assert isinstance(machine.error, WorkflowRPCAcquiringLockFailure)
    assert rpc_lock_keys(request) == (("D", "k"), ("D", "m"), ("S", "s"))
    assert rpc_lock_keys(evolve(request, options=RpcOptions(attributes=loose))) == ()


def test_what_a_worker_told_of_an_rpc_reaches_its_caller():
    """
    Status, type and detail of its answer, beside the sentence that was made of it.
    """
    machine = Machine()
    machine.ask("k")
    told = Failure(error_type="", message="worker API error", detail="d", worker_status=502, worker_error_type="T")

    machine.send(RpcFailed, number=machine.run.seq, failure=told)

    error = refusal(machine)
    assert error.detail == "worker API error"
    assert (error.original_error_type, error.original_error_detail, error.original_error_status) == ("T", "d", 502)


def test_a_state_that_queues_for_a_key_refuses_the_rpc():
    """
    A state that waits behind one RPC comes before the next RPC.
    """
    machine = Machine(to("A"))
    machine.ask("k")
    machine.decides("A-1", to("B", locks("k")))

    machine.ask("k")

    assert isinstance(machine.error, WorkflowRPCAcquiringLockFailure)


def test_an_rpc_waits_for_another_rpc():
    """
    Busy: the host asks again when an RPC of the run has closed.
    """
    machine = Machine()
    machine.ask("k")
    number = machine.run.seq

    machine.ask("k", "l")
    assert machine.turn.answer == Busy()
    machine.answer(number)
    machine.ask("k", "l")

    assert machine.is_accepted


def test_a_state_refuses_before_an_rpc_puts_off():
    """
    With one key held by an RPC and one by a state, waiting would not help.
    """
    machine = Machine(to("A", locks("l")))
    machine.ask("k")

    machine.ask("k", "l")

    assert isinstance(machine.error, WorkflowRPCAcquiringLockFailure)


def test_rpcs_with_other_keys_run_side_by_side():
    """
    A lock blocks nobody but those who want its keys.
    """
    machine = Machine(to("A", locks("l")))

    machine.ask("k")
    machine.ask(search=("k",))

    assert machine.is_accepted
    assert len(machine.run.rpcs) == 2


def test_an_answer_for_an_rpc_that_is_over_is_dropped():
    """
    An RPC ends once.
    """
    machine = Machine()
    machine.ask("k")
    number = machine.run.seq
    machine.answer(number)

    machine.answer(number, writes=writes(k="1"))
    assert machine.is_dropped
    machine.fail_rpc(number)

    assert machine.is_dropped


def test_closing_refuses_the_rpcs_that_run():
    """
    Whoever asked is answered, before the waiters of the run are told.
    """
    machine = Machine()
    machine.ask("k")
    number = machine.run.seq

    machine.stop(WorkflowStopType.TERMINATE)

    assert [type(effect) for effect in machine.turn.effects] == [Refuse, Closed]
    assert isinstance(refusal(machine), WorkflowNotExistsError)
    machine.answer(number, writes=writes(k="1"))
    assert machine.is_dropped
    machine.fail_rpc(number)
    assert machine.is_dropped


def test_an_rpc_of_a_closed_run_is_told_of_the_messages_left():
    """
    What nobody had taken when the run closed; what a state had taken is not among them.
    """
    machine = Machine(to("A", None))
    machine.waits("A-1", CommandRequest.for_all_command_completed(SignalChannelCommand.by_name("s")))
    machine.signal("s", "1")
    machine.signal("s", "2")
    machine.publish(("i", "3"), ("i", "4"))

    machine.completes("A-1")

    sizes = {(ChannelFamily.INTERNAL, "i"): 2, (ChannelFamily.SIGNAL, "s"): 1}
    call = rpc_invocation(machine.run, RpcRequest(workflow_id="w", rpc_name="r"), machine.now)
    assert call.channel_sizes == sizes
    assert describe(machine.run).channel_sizes == sizes
    machine.check_history()


def test_an_rpc_of_a_closed_run_can_only_read():
    """
    Its invocation can be made; what it wrote is refused, a pure read accepted, a lock refused.
    """
    machine = Machine(to("A"), attributes=(("k", sealed("1")),))
    machine.forces("A-1")

    call = rpc_invocation(machine.run, RpcRequest(workflow_id="w", rpc_name="r"), machine.now)
    assert dict(call.attributes) == {"k": sealed("1")}
    machine.answer(None)
    assert machine.is_accepted
    machine.answer(None, writes=writes(k="2"))
    assert isinstance(machine.error, WorkflowNotExistsError)
    machine.ask("k")

    assert isinstance(machine.error, WorkflowNotExistsError)
    assert "closed" in str(machine.error)


def test_states_that_an_rpc_opens_wait_for_the_start_delay():
    """
    The RPC itself is answered at once and shortens nothing.
    """
    machine = Machine(to("A"), start_delay=timedelta(seconds=60))
    machine.ask("k")
    assert machine.is_accepted
    machine.answer(machine.run.seq, to("B"))
    assert machine.open == {"A-1": "DELAYED", "B-1": "DELAYED"}
    machine.later(60)

    machine.fire_at(0, START_DELAY)

    assert machine.calls == ["A-1 EXECUTE", "B-1 EXECUTE"]


def test_an_rpc_may_open_states_in_a_run_that_is_closing():
    """
    The run completes when these have ended too.
    """
    machine = Machine(to("Start"))
    machine.decides("Start-1", "A", "B")
    machine.completes("A-1")
    machine.answer(None, to("C"))
    machine.ends("B-1")
    assert machine.run.is_open

    machine.ends("C-1")

    assert machine.run.status is WorkflowStatus.COMPLETED


def test_an_rpc_without_locks_is_not_asked_for():
    """
    It becomes an event once it wrote; a host that asks for it has a bug.
    """
    machine = Machine()

    with pytest.raises(TransitionError):
        machine.send(RpcAsked, request=RpcRequest(workflow_id="w", rpc_name="r"))


def test_an_rpc_is_called_with_the_first_run_of_the_chain():
    """
    Its invocation knows the run, the type, the sizes of the channels, and its own time limit.
    """
    machine = Machine()
    machine.publish(("i", "a"), ("i", "b"), ("j", "c"))

    call = rpc_invocation(machine.run, RpcRequest(workflow_id="w", rpc_name="r", input=sealed("in")), NOON)

    assert (call.method_name, call.run_id, call.input, call.state_execution_id) == ("r", "run-1", sealed("in"), None)
    assert {name: size for (_, name), size in call.channel_sizes.items()} == {"i": 2, "j": 1}
    assert call.timeout == timedelta(seconds=10)


def test_every_result_of_an_rpc_is_its_own_event():
    """
    Two RPCs that read the same value may both write: the later one stands.
    """
    machine = Machine()

    for value in ("1", "2"):
        machine.send(RpcReturned, result=RpcResult(writes=writes(k=value)))

    assert machine.run.attributes["k"].value == sealed("2")
    assert machine.run.attributes["k"].revision == 3
