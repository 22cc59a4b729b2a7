"""Resets: what is read beside the turns, what the turn catches up with, and what becomes of one that was not written."""

from __future__ import annotations

from datetime import timedelta

import pytest

from iwf_py.errors import (
    ClientSideError,
    CommitUnknownError,
    EngineStoppedError,
    EngineUnreadyError,
    ServerSideError,
    StoreError,
    TooManyRequestsError,
    WorkflowNotExistsError,
)
from iwf_py.model.commands import SignalChannelCommand
from iwf_py.model.options import PersistenceLoadingPolicy, RpcOptions, WorkflowRetryPolicy
from iwf_py.model.requests import GetAttributesRequest, ResetRequest, RpcRequest, SetAttributesRequest, SignalRequest
from iwf_py.model.status import PersistenceLoadingType, WorkflowResetType, WorkflowStatus
from iwf_py.runtime.limits import Limits
from iwf_py.store.database import SqlStore


class TroubledStore(SqlStore):
    """The real store, with errors that a test lays out, and a look at what is written."""

    def __init__(self):
        super().__init__("sqlite://")
        self.before = []
        self.after = []
        self.reading = []
        self.batches = []

    def commit(self, batch):
        if self.before:
            raise self.before.pop(0)
        entries = super().commit(batch)
        self.batches.append(batch)
        if self.after:
            raise self.after.pop(0)
        return entries

    def events(self, row, after=0, limit=1000):
        if self.reading:
            raise self.reading.pop(0)
        return super().events(row, after, limit)


@pytest.fixture
def store():
    return TroubledStore()


@pytest.fixture
def troubled(make_scene, store, kit):
    """A scene with pages of two entries, and a run "w" that waits for a signal."""
    scene = make_scene(store, Limits(checks_invariants=True, page=2))
    scene.handlers["A"] = lambda call: (
        kit.wait_for(SignalChannelCommand.by_name("outer"))
        if call.kind.value == "WAIT_UNTIL"
        else kit.go(kit.movement("B", waits=True))
    )
    scene.handlers["B"] = lambda call: kit.wait_for(SignalChannelCommand.by_name("outer"))
    return scene


def reset(scene, kind=WorkflowResetType.BEGINNING, **more):
    return scene.service.reset(ResetRequest(workflow_id="w", reset_type=kind, **more))


def write(scene, kit, key):
    request = SetAttributesRequest(workflow_id="w", attributes=((key, kit.payload(key)),))
    return scene.service.set_attributes(request)


def kinds(scene, run_id=None):
    return [entry.kind for entry in scene.get(scene.service.history(scene.at("w", run_id)))]


def attributes(scene):
    return sorted(scene.get(scene.service.get_attributes(GetAttributesRequest(workflow_id="w"))))


def test_a_reset_is_a_batch_of_its_own(troubled, store, kit):
    """
    What else is asked for at the same time is written apart from it, in order.
    """
    first = troubled.start("w", kit.movement("A", waits=True))
    troubled.work()
    store.batches.clear()

    before, done, other = write(troubled, kit, "a"), reset(troubled), write(troubled, kit, "b")
    troubled.start("x")
    second = troubled.get(done)

    (batch,) = [batch for batch in store.batches if any(write.copied for write in batch.writes)]
    assert [write.record.run_id for write in batch.writes] == [first, second]
    assert before.done()
    assert other.done()
    assert attributes(troubled) == ["a", "b"]


def test_what_comes_while_the_past_is_read_is_in_it(troubled, kit):
    """
    The tail of a run that goes on is caught up with in the turn: nothing that was acknowledged is lost, and nothing comes twice.
    """
    troubled.start("w", kit.movement("A", waits=True))
    for number in range(5):
        troubled.get(write(troubled, kit, f"k{number}"))

    done = reset(troubled)
    acknowledged = []
    for number in range(5, 25):
        acknowledged.append(write(troubled, kit, f"k{number}"))
        # One step of the engine at a time: the reading has only begun.
        for _ in range(2):
            if troubled.steps.steps:
                troubled.steps.steps.popleft()()
    troubled.get(done)

    assert all(future.done() and future.exception() is None for future in acknowledged)
    assert attributes(troubled) == sorted(f"k{number}" for number in range(25))
    assert kinds(troubled).count("AttributesSet") == 25


def test_a_commit_in_doubt_makes_no_second_run(troubled, store, kit):
    """
    Whether it stands or not, there is one new run, and the caller hears its id.
    """
    first = troubled.start("w", kit.movement("A", waits=True))
    for trouble, place in ((store.before, "before"), (store.after, "after")):
        trouble.append(CommitUnknownError(f"lost {place}"))
        run_id = troubled.get(reset(troubled))

        description = troubled.describe()
        assert description.run_id == run_id
        assert description.previous_run_id == first
        assert troubled.get(troubled.service.result(troubled.at("w", first))).status is WorkflowStatus.TERMINATED
        first = run_id
    assert len(store.rows(0, 100)) == 3


def test_a_reset_that_cannot_be_written_changes_nothing(troubled, store, kit):
    """
    Its caller is told, and the run that is open goes on.
    """
    first = troubled.start("w", kit.movement("A", waits=True))
    done = reset(troubled)
    store.before += [StoreError("no"), StoreError("no again")]

    with pytest.raises(EngineUnreadyError, match="nothing was written"):
        troubled.get(done)

    assert troubled.describe().run_id == first
    troubled.get(write(troubled, kit, "a"))


def test_a_past_that_cannot_be_read_is_told(troubled, store, kit):
    """
    Reading may fail beside the turn, and in it.
    """
    first = troubled.start("w", kit.movement("A", waits=True))
    store.reading.append(StoreError("no"))
    with pytest.raises(EngineUnreadyError, match="cannot be read"):
        troubled.get(reset(troubled))

    done = reset(troubled)
    write(troubled, kit, "a")
    troubled.steps.steps.popleft()()
    store.reading.append(StoreError("no"))
    with pytest.raises(EngineUnreadyError, match="nothing was written"):
        troubled.get(done)

    assert troubled.describe().run_id == first
    assert troubled.describe().parked is None


def test_a_run_that_is_current_no_more_is_not_reset(troubled, kit):
    """
    Without a run id it is the current run that is reset: the one that is so when the turn comes.
    """
    first = troubled.start(
        "w",
        kit.movement("A"),
        retry=WorkflowRetryPolicy(initial_interval_seconds=1, maximum_attempts=2),
    )
    troubled.handlers["A"] = lambda call: kit.fail_run("no")
    (task,) = troubled.tasks()
    done = reset(troubled)
    troubled.engine.tasks.complete([(task.fence, kit.fail_run("no"))])

    run_id = troubled.get(done)

    description = troubled.describe()
    assert description.run_id == run_id
    assert description.previous_run_id != first
    assert description.run_attempt == 2


def test_an_open_rpc_of_the_terminated_run_is_refused(troubled, kit):
    """
    As on any closing: nothing of it is written, here or in the new run.
    """
    troubled.start("w", kit.movement("A", waits=True))
    troubled.work()
    locks = PersistenceLoadingPolicy(PersistenceLoadingType.LOAD_ALL_WITH_PARTIAL_LOCK, (), ("k",))
    asked = troubled.service.invoke_rpc(RpcRequest(workflow_id="w", rpc_name="r", options=RpcOptions(attributes=locks)))
    (call,) = troubled.tasks()
    at_the_point = len(kinds(troubled))

    run_id = troubled.get(reset(troubled, WorkflowResetType.HISTORY_EVENT_ID, history_event_id=at_the_point))

    with pytest.raises(WorkflowNotExistsError):
        asked.result(0)
    troubled.engine.tasks.complete([(call.fence, kit.RpcResult(writes=kit.Writes(attributes=(("k", None),))))])
    assert kinds(troubled) == [*kinds(troubled, run_id)[:at_the_point], "RunReset"]
    again = troubled.service.invoke_rpc(RpcRequest(workflow_id="w", rpc_name="r", options=RpcOptions(attributes=locks)))
    troubled.work()
    assert again.result(0) is None


def test_calls_of_the_terminated_run_are_over(troubled, kit):
    """
    The outcome of a call that was out is dropped; the new run has its own.
    """
    troubled.start("w", kit.movement("A"))
    (old,) = troubled.tasks()

    troubled.get(reset(troubled))
    (new,) = troubled.tasks()
    troubled.engine.tasks.complete([(old.fence, kit.complete("old"))])
    troubled.run()
    assert troubled.describe().status is WorkflowStatus.RUNNING
    troubled.engine.tasks.complete([(new.fence, kit.complete("new"))])
    troubled.run()

    assert troubled.describe().status is WorkflowStatus.COMPLETED
    assert new.fence.run_id != old.fence.run_id


def test_what_is_called_again_sees_what_was_applied_again(troubled, kit):
    """
    A call that the reset makes anew comes after all that clients wrote behind the point; and so do its further attempts.
    """
    seen = []

    def look(call):
        seen.append(sorted(call.attributes))
        return kit.failed(retry_after=timedelta(seconds=5)) if call.attempt == 1 else kit.complete()

    troubled.handlers["C"] = look
    troubled.start("w", kit.movement("C"))
    for number in range(5):
        troubled.get(write(troubled, kit, f"key-{number}"))

    troubled.get(reset(troubled))
    troubled.work()
    troubled.clock.advance(5)
    troubled.work()

    assert seen == [[f"key-{number}" for number in range(5)]] * 2


def test_a_run_that_is_held_apart_is_reset(troubled, kit):
    """
    To begin again from before the trouble is a way out.
    """
    troubled.start("w", kit.movement("A", waits=True))
    live = troubled.engine._cache.get(("default", "w"))
    troubled.engine._turns.park(live.record.key, live, "trouble")
    assert troubled.describe().parked == "trouble"

    run_id = troubled.get(reset(troubled))

    description = troubled.describe()
    assert (description.run_id, description.parked) == (run_id, None)
    troubled.get(write(troubled, kit, "a"))


def test_a_history_that_does_not_fold_is_told(troubled, store, kit, monkeypatch):
    """
    It is the engine's fault, not the caller's; the run that is open goes on.
    """
    first = troubled.start("w", kit.movement("A", waits=True))
    troubled.work()
    read = SqlStore.events
    monkeypatch.setattr(SqlStore, "events", lambda self, row, after, limit: read(self, row, after + 1, limit))

    with pytest.raises(ServerSideError, match="does not fold"):
        troubled.get(reset(troubled))

    assert troubled.describe().run_id == first


def test_no_more_resets_than_there_may_be_are_under_way(make_scene):
    """
    Each holds a past in memory, so one too many is refused at once; however one ends, there is room for another.
    """
    scene = make_scene(limits=Limits(checks_invariants=True, resets=2))
    first = scene.start("w")

    asked = [reset(scene), reset(scene, WorkflowResetType.HISTORY_EVENT_ID, history_event_id=99)]
    refused = reset(scene)

    with pytest.raises(TooManyRequestsError, match="2 resets are under way"):
        refused.result(0)
    assert scene.get(asked[0]) != first
    with pytest.raises(ClientSideError):
        scene.get(asked[1])
    again = [reset(scene), scene.service.reset(ResetRequest(workflow_id="x", reset_type=WorkflowResetType.BEGINNING))]
    assert scene.get(again[0]) != scene.get(asked[0])
    with pytest.raises(WorkflowNotExistsError):
        scene.get(again[1])
    assert scene.get(reset(scene)) != scene.get(again[0])


def test_an_engine_that_stops_refuses_resets(troubled, kit):
    """
    Nobody waits for one for ever.
    """
    troubled.start("w", kit.movement("A", waits=True))
    done = reset(troubled)
    troubled.close()

    assert done.done()
    with pytest.raises(EngineStoppedError):
        reset(troubled).result(0)


def test_a_reset_whose_past_is_still_read_is_refused_as_the_engine_ends(troubled, kit):
    """
    It does not wait for steps that nobody will run: the threads end with the engine.
    """
    troubled.start("w", kit.movement("A", waits=True))
    for number in range(10):
        troubled.get(write(troubled, kit, f"key-{number}"))
    done = reset(troubled)

    stopped = troubled.engine.begin_stop()
    while not stopped.done():
        troubled.steps.steps.popleft()()

    with pytest.raises(EngineStoppedError):
        done.result(0)
    left = list(troubled.steps.steps)
    troubled.run()
    assert len(left) <= 1
    assert not troubled.steps.steps


def test_a_point_that_comes_while_it_is_looked_for_counts(troubled, kit):
    """
    What the current run does until the turn belongs to its past.
    """
    troubled.start("w", kit.movement("A", waits=True))
    troubled.work()
    done = reset(troubled, WorkflowResetType.STATE_ID, state_id="B")
    troubled.steps.steps.popleft()()
    troubled.service.signal(SignalRequest(workflow_id="w", channel_name="outer", value=kit.payload("x")))
    with pytest.raises(ClientSideError, match="never called state 'B'"):
        troubled.get(done)
    troubled.work()

    run_id = troubled.get(reset(troubled, WorkflowResetType.STATE_ID, state_id="B"))

    assert kinds(troubled, run_id)[-2:] == ["ExecuteReturned", "RunReset"]
