"""RPCs: without locks and with, their answers, and the time by which there is one."""

from __future__ import annotations

from datetime import timedelta

import pytest

from iwf_py.errors import (
    EngineStoppedError,
    TooManyRequestsError,
    WorkflowNotExistsError,
    WorkflowRPCAcquiringLockFailure,
    WorkflowRPCExecutionError,
)
from iwf_py.model.commands import CommandRequest, InternalChannelCommand
from iwf_py.model.invocations import Publication, RpcResult, WaitUntilResult, Writes
from iwf_py.model.options import CallOptions, PersistenceLoadingPolicy, RpcOptions, StateOptions
from iwf_py.model.requests import RpcRequest, StartRequest, StopRequest
from iwf_py.model.status import PersistenceLoadingType, Phase
from iwf_py.runtime.limits import Limits
from iwf_py.store.database import SqlStore

LOCK = PersistenceLoadingPolicy(PersistenceLoadingType.LOAD_ALL_WITH_PARTIAL_LOCK, (), ("key",))


def rpc(scene, name="verify", *, locks=False, run_id=None, timeout=5, value=None, workflow_id="w"):
    options = RpcOptions(timeout=timedelta(seconds=timeout), **({"attributes": LOCK} if locks else {}))
    future = scene.service.invoke_rpc(
        RpcRequest(workflow_id=workflow_id, run_id=run_id, rpc_name=name, input=value, options=options)
    )
    scene.run()
    return future


def answer(scene, task, outcome):
    scene.engine.tasks.complete([(task.fence, outcome)])
    scene.run()


def kinds(scene):
    return [entry.kind for entry in scene.get(scene.service.history(scene.at()))]


@pytest.fixture
def waiting(scene, kit):
    """A run that waits for a message; its state's call is not out."""
    scene.handlers["A.wait_until"] = lambda call: kit.wait_for(InternalChannelCommand.by_name("inner"))
    scene.start(first=kit.movement("A", waits=True))
    scene.work()
    scene.calls.clear()
    return scene


def writes(kit, value="new"):
    return RpcResult(output=kit.payload(value), writes=Writes(attributes=(("key", kit.payload(value)),)))


def test_an_rpc_that_only_reads_is_no_event(waiting, kit):
    """
    It is called on the committed record, answered, and leaves no trace.
    """
    future = rpc(waiting, value=kit.payload("in"))
    (task,) = waiting.tasks()
    answer(waiting, task, RpcResult(output=task.invocation.input))

    assert future.result(0) == kit.payload("in")
    assert kinds(waiting) == ["Started", "WaitUntilReturned"]


def test_what_an_rpc_wrote_stands_before_its_caller_is_told(waiting, kit):
    """
    Writes and messages are one turn; the state that waited for the message goes on with it.
    """
    future = rpc(waiting)
    (task,) = waiting.tasks()
    result = RpcResult(writes=Writes(messages=(Publication(channel_name="inner"),)))
    waiting.engine.tasks.complete([(task.fence, result)])
    assert not future.done()
    waiting.run()

    assert future.result(0) is None
    assert kinds(waiting)[-1] == "RpcReturned"
    assert [task.invocation.method_name for task in waiting.tasks()] == ["A"]


def test_an_rpc_that_raises_tells_its_caller_what(waiting, kit):
    """
    The original error's type and text reach the caller; nothing is written.
    """
    future = rpc(waiting)
    (task,) = waiting.tasks()
    answer(waiting, task, kit.failed("wrong code", detail="the trace"))

    error = future.exception(0)
    assert isinstance(error, WorkflowRPCExecutionError)
    assert (error.original_error_type, error.original_error_detail) == ("ValueError", "the trace")


def test_an_rpc_answered_with_nonsense_has_failed(waiting, kit):
    """
    An outcome of another kind is an error of the worker, told to the caller.
    """
    future = rpc(waiting)
    (task,) = waiting.tasks()
    answer(waiting, task, WaitUntilResult(commands=CommandRequest()))

    assert future.exception(0).original_error_type == "InvalidOutcome"


def test_a_closed_run_may_be_read(scene, kit):
    """
    A pure read works on a closed run, locking or not; a write is refused.
    """
    scene.start(attributes=(("key", kit.payload("kept")),))
    scene.work()
    for locks in (False, True):
        future = rpc(scene, locks=locks)
        (task,) = scene.tasks()
        assert task.invocation.attributes["key"] == kit.payload("kept")
        answer(scene, task, RpcResult(output=kit.payload("out")))
        assert future.result(0) == kit.payload("out")

    refused = rpc(scene)
    (task,) = scene.tasks()
    answer(scene, task, writes(kit))

    assert isinstance(refused.exception(0), WorkflowNotExistsError)


def test_nobody_serves_the_type(make_scene, kit):
    """
    The RPC waits until its timeout for a worker, then says what is missing.
    """
    scene = make_scene()
    scene.get(scene.service.start(StartRequest(workflow_id="w", workflow_type="Alien")))
    future = rpc(scene)
    assert scene.tasks() == []
    scene.clock.advance(4)
    scene.run()
    assert not future.done()

    scene.clock.advance(1)
    scene.run()

    assert "no worker here serves workflow type 'Alien'" in str(future.exception(0))


@pytest.mark.parametrize("locks", [False, True])
def test_an_rpc_has_a_time_by_which_it_is_answered(waiting, kit, locks):
    """
    What its worker answers later is dropped, and its locks are free.
    """
    future = rpc(waiting, locks=locks)
    (task,) = waiting.tasks()
    waiting.clock.advance(5)
    waiting.run()

    assert future.exception(0).original_error_type == "AttemptTimeout"
    answer(waiting, task, writes(kit))
    assert waiting.get(waiting.service.describe(waiting.at())).states
    assert "RpcReturned" not in kinds(waiting)
    again = rpc(waiting, locks=locks)
    (task,) = waiting.tasks()
    answer(waiting, task, writes(kit))
    assert again.result(0) == kit.payload("new")


def test_locking_rpcs_of_one_key_run_one_after_the_other(waiting, kit):
    """
    Those that come while a key is held wait in the host, in order of arrival; each sees what the last one wrote.
    """
    futures = [rpc(waiting, locks=True) for _ in range(3)]
    seen = []
    for number in range(3):
        (task,) = waiting.tasks()
        seen.append(task.invocation.attributes.get("key"))
        answer(waiting, task, writes(kit, str(number)))

    assert [future.result(0) for future in futures] == [kit.payload(str(number)) for number in range(3)]
    assert seen == [None, kit.payload("0"), kit.payload("1")]


def test_whoever_waits_for_a_lock_too_long_is_refused(waiting, kit):
    """
    Its own timeout bounds the wait; those behind it are not held up.
    """
    holder = rpc(waiting, locks=True, timeout=60)
    (task,) = waiting.tasks()
    impatient, patient = rpc(waiting, locks=True, timeout=1), rpc(waiting, locks=True, timeout=30)
    waiting.clock.advance(1)
    waiting.run()

    assert isinstance(impatient.exception(0), WorkflowRPCAcquiringLockFailure)
    answer(waiting, task, writes(kit, "first"))
    (task,) = waiting.tasks()
    answer(waiting, task, writes(kit, "second"))
    assert (holder.result(0), patient.result(0)) == (kit.payload("first"), kit.payload("second"))


def test_an_rpc_that_wants_what_a_state_holds_is_refused_at_once(scene, kit):
    """
    A state's call holds its keys while it runs, its retries included.
    """
    options = StateOptions(skip_wait_until=True, execute=CallOptions(attributes=LOCK))
    scene.start(first=kit.movement("A", options=options))

    assert isinstance(rpc(scene, locks=True).exception(0), WorkflowRPCAcquiringLockFailure)


def test_closing_a_run_refuses_its_rpcs(waiting, kit):
    """
    Those under way, and those that wait for a lock, are told; nothing of them is written.
    """
    futures = [rpc(waiting, locks=True) for _ in range(2)]
    (task,) = waiting.tasks()
    waiting.get(waiting.service.stop(StopRequest(workflow_id="w")))
    answer(waiting, task, writes(kit))

    assert isinstance(futures[0].exception(0), WorkflowNotExistsError)
    # The one that waited finds a closed run, which it may read.
    (read,) = waiting.tasks()
    answer(waiting, read, RpcResult())
    assert futures[1].result(0) is None


def test_a_locking_rpc_of_an_ended_engine_is_over(tmp_path, make_scene, kit):
    """
    Recovery ends it before anything else has its turn, so that its keys are free.
    """
    url = f"sqlite:///{tmp_path}/rpc.db"
    before = make_scene(SqlStore(url))
    before.start(first=kit.movement("Unknown"))
    rpc(before, locks=True)
    before.store.close()
    before.engine._life = type(before.engine._life).STOPPED

    after = make_scene(SqlStore(url))

    assert kinds(after) == ["Started", "RpcAsked", "RpcFailed"]
    future = rpc(after, locks=True)
    (task,) = after.tasks()
    answer(after, task, writes(kit))
    assert future.result(0) == kit.payload("new")


def test_callers_are_bounded(make_scene, kit):
    """
    More RPCs than there may be under way are refused, and nothing is written.
    """
    scene = make_scene(limits=Limits(callers=2))
    scene.start()
    futures = [rpc(scene) for _ in range(3)]

    assert isinstance(futures[2].exception(0), TooManyRequestsError)
    assert not futures[0].done()


def test_a_cancelled_caller_hurts_nobody(waiting, kit):
    """
    Whoever gives up is forgotten; what the RPC writes stands all the same.
    """
    future = rpc(waiting)
    assert future.cancel()
    (task,) = waiting.tasks()
    answer(waiting, task, writes(kit))

    assert kinds(waiting)[-1] == "RpcReturned"


def test_an_engine_that_ends_answers_all_who_wait_for_a_lock(make_scene, kit):
    """
    However many they are, and though the first of them has its turn at that moment.
    """
    scene = make_scene(limits=Limits(batches=1))
    scene.start(first=kit.movement("A"))
    rpc(scene, locks=True, timeout=60)
    (task,) = [task for task in scene.tasks() if task.fence.phase is Phase.RPC]
    waiting = [rpc(scene, locks=True, timeout=60) for _ in range(600)]
    scene.engine.tasks.complete([(task.fence, writes(kit))])
    scene.steps.steps.popleft()()

    scene.engine.begin_stop()
    scene.engine._end()
    scene.run()

    assert {type(future.exception(0)) for future in waiting} == {EngineStoppedError}
