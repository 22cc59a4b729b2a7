"""Turns: batches, order, and what becomes of commits that fail or do not answer."""

from __future__ import annotations

from concurrent.futures import Future

import pytest

from iwf_py.errors import (
    CommitUnknownError,
    EngineUnreadyError,
    ExecutionParkedError,
    InvalidArgumentError,
    StoreError,
    StoreUnusableError,
    TooManyRequestsError,
    TransitionError,
    WorkflowAlreadyStartedError,
    WorkflowNotExistsError,
)
from iwf_py.model.commands import SignalChannelCommand
from iwf_py.model.options import WorkflowRetryPolicy
from iwf_py.model.requests import SetAttributesRequest, SignalRequest, StartRequest, StopRequest
from iwf_py.model.status import IDReusePolicy, WorkflowStopType
from iwf_py.runtime.limits import Limits
from iwf_py.store.database import SqlStore


class TroubledStore(SqlStore):
    """The real store, with errors that a test lays out: before the commit, after it, and of settling."""

    def __init__(self):
        super().__init__("sqlite://")
        self.before = []
        self.after = []
        self.settling = []
        self.commits = 0
        self.bad_workflow = None

    def commit(self, batch):
        if self.before:
            raise self.before.pop(0)
        if self.bad_workflow and any(self.bad_workflow == write.record.key.workflow_id for write in batch.writes):
            raise StoreError("cannot be written")
        self.commits += 1
        entries = super().commit(batch)
        if self.after:
            raise self.after.pop(0)
        return entries

    def settle(self, number):
        if self.settling:
            raise self.settling.pop(0)
        return super().settle(number)


@pytest.fixture
def store():
    return TroubledStore()


@pytest.fixture
def troubled(make_scene, store):
    return make_scene(store)


def asked(scene, kit, workflow_id="w", **more) -> Future[str]:
    return scene.service.start(
        StartRequest(workflow_id=workflow_id, workflow_type="Flow", start=kit.movement("A"), **more)
    )


def signal(scene, kit, value="x", workflow_id="w"):
    return scene.service.signal(SignalRequest(workflow_id=workflow_id, channel_name="outer", value=kit.payload(value)))


def kinds(scene, workflow_id="w"):
    return [entry.kind for entry in scene.get(scene.service.history(scene.at(workflow_id)))]


def test_what_gathers_during_a_commit_goes_with_the_next(troubled, kit, store):
    """
    Posts that have gathered are one commit, however many runs they are of.
    """
    futures = [asked(troubled, kit, f"w{number}") for number in range(10)]

    troubled.run()

    assert all(future.done() for future in futures)
    assert store.commits == 1


def test_two_starts_in_one_batch_see_each_other(scene, kit):
    """
    The run is resolved when the event's turn comes, not at the door.
    """
    first, second = asked(scene, kit), asked(scene, kit)

    scene.run()

    assert first.result(0)
    assert isinstance(second.exception(0), WorkflowAlreadyStartedError)


def test_answers_come_in_the_order_of_the_turns(scene, kit):
    """
    Whoever came first is told first.
    """
    told: list[int] = []
    scene.start()
    for number in range(5):
        signal(scene, kit, str(number)).add_done_callback(lambda _, number=number: told.append(number))

    scene.run()

    assert told == [0, 1, 2, 3, 4]


def test_nothing_is_told_before_the_commit(troubled, kit, store):
    """
    While the outcome of a COMMIT is not known, its callers wait, and others are asked to come again.
    """
    store.after = [CommitUnknownError("no answer")]
    store.settling = [StoreError("no connection")]
    future = asked(troubled, kit)
    troubled.run()

    assert not future.done()
    assert not troubled.engine.is_ready
    assert isinstance(asked(troubled, kit, "other").exception(0), EngineUnreadyError)

    troubled.clock.advance(1)

    assert troubled.get(future)
    assert troubled.engine.is_ready
    assert kinds(troubled) == ["Started"]


def test_a_commit_in_doubt_that_stands_is_shown_once(troubled, kit, store):
    """
    COMMIT answered with an error, but the batch stands: nothing of it is done again.
    """
    troubled.start()
    store.after = [CommitUnknownError("no answer")]

    assert troubled.get(signal(troubled, kit)) is None
    assert kinds(troubled) == ["Started", "Signalled"]


def test_a_commit_in_doubt_that_does_not_stand_is_done_again(troubled, kit, store):
    """
    COMMIT answered with an error, and nothing was written: the batch is written now.
    """
    troubled.start()
    store.before = [CommitUnknownError("no answer")]

    assert troubled.get(signal(troubled, kit)) is None
    assert kinds(troubled) == ["Started", "Signalled"]


def test_an_interrupted_commit_is_in_doubt(troubled, kit, store):
    """
    Any BaseException within a commit leaves it in doubt; nobody is told "failed".
    """
    troubled.start()
    store.after = [KeyboardInterrupt()]

    assert troubled.get(signal(troubled, kit)) is None
    assert kinds(troubled) == ["Started", "Signalled"]


def test_a_refused_batch_is_tried_again_one_by_one(troubled, kit, store):
    """
    One bad member hurts only itself: all others of its batch are written.
    """
    store.bad_workflow = "bad"
    futures = {name: asked(troubled, kit, name) for name in ("good", "bad", "better")}

    troubled.run()

    assert futures["good"].result(0)
    assert futures["better"].result(0)
    assert isinstance(futures["bad"].exception(0), EngineUnreadyError)
    with pytest.raises(WorkflowNotExistsError):
        troubled.describe("bad")


def test_a_payload_that_cannot_be_stored_hurts_only_its_sender(scene, kit):
    """
    A lone surrogate is no text: the store refuses it, and everybody else's call is written.
    """
    scene.start("w1")
    scene.start("w2")
    good, bad = signal(scene, kit, "fine", "w1"), signal(scene, kit, "\udc80", "w2")

    scene.run()

    assert good.result(0) is None
    assert isinstance(bad.exception(0), InvalidArgumentError)
    assert kinds(scene, "w2") == ["Started"]


def test_an_outcome_that_cannot_be_stored_is_a_failed_attempt(scene, kit):
    """
    A corrected deploy heals it; the run is not held apart.
    """
    outcomes = iter((kit.complete("\udc80"), kit.complete("fine")))
    scene.handlers["A"] = lambda call: next(outcomes)
    scene.start()
    scene.work()

    (state,) = scene.describe().states
    assert (state.last_failure.error_type, scene.describe().parked) == ("InvalidOutcome", None)
    scene.clock.advance(5)
    scene.work()
    assert scene.describe().status == "COMPLETED"


def test_an_inner_event_is_tried_until_it_is_written(troubled, kit, store):
    """
    An outcome whose commit was refused is not lost: it is written when the store takes it.
    """
    troubled.start()
    store.before = [StoreError("busy")] * 4
    troubled.work()
    assert troubled.describe().status == "RUNNING"

    for _ in range(5):
        troubled.clock.advance(1)
        troubled.run()

    assert troubled.describe().status == "COMPLETED"


def test_an_inner_event_that_can_never_be_written_parks_its_run(make_scene, kit, store):
    """
    After enough tries, alone, the run is held apart and says why; others go on.
    """
    scene = make_scene(store, Limits(tries=3))
    scene.start("bad")
    scene.start("good")
    store.bad_workflow = "bad"
    scene.work()
    for _ in range(5):
        scene.clock.advance(5)
        scene.run()

    assert "cannot be written" in scene.describe("bad").parked
    assert scene.describe("good").status == "COMPLETED"


def test_a_full_disk_makes_the_engine_unready_until_it_is_mended(troubled, kit, store):
    """
    No acknowledgement, no end of the process: it recovers by itself when there is room again.
    """
    troubled.start()
    store.before = [StoreUnusableError("database or disk is full")] * 2
    first = signal(troubled, kit)
    troubled.run()

    assert isinstance(first.exception(0), EngineUnreadyError)
    assert not troubled.engine.is_ready
    assert isinstance(signal(troubled, kit).exception(0), EngineUnreadyError)
    assert troubled.describe().status == "RUNNING"

    troubled.clock.advance(1)
    troubled.run()

    assert troubled.get(signal(troubled, kit)) is None


def test_a_full_queue_is_an_answer(make_scene, kit):
    """
    Clients are refused before memory runs out; the engine's own events are not.
    """
    scene = make_scene(limits=Limits(queue=2))
    futures = [asked(scene, kit, f"w{number}") for number in range(3)]

    scene.run()

    assert [future.exception(0) for future in futures[:2]] == [None, None]
    assert isinstance(futures[2].exception(0), TooManyRequestsError)
    assert scene.get(asked(scene, kit, "later"))


def test_a_run_that_is_unknown_is_refused(scene, kit):
    """
    An event needs a run: by its id, and by its run id where one is given.
    """
    scene.start()
    unknown = scene.service.signal(
        SignalRequest(workflow_id="w", run_id="no such run", channel_name="outer", value=None)
    )

    scene.run()

    assert isinstance(unknown.exception(0), WorkflowNotExistsError)
    with pytest.raises(WorkflowNotExistsError):
        scene.get(signal(scene, kit, workflow_id="v"))


def test_a_bug_of_ours_parks_the_run_and_no_other(scene, kit, monkeypatch):
    """
    A turn that does not fit holds its run apart: its callers hear why, the others go on.
    """
    scene.start("bad")
    scene.start("good")
    advance = __import__("iwf_py.core.succession", fromlist=["advance"]).advance

    def broken(record, event):
        if record is not None and record.key.workflow_id == "bad" and type(event).__name__ == "Signalled":
            raise TransitionError("this cannot be")
        return advance(record, event)

    waiting = scene.service.wait(scene.at("bad"))
    monkeypatch.setattr("iwf_py.core.succession.advance", broken)
    first, good = signal(scene, kit, workflow_id="bad"), signal(scene, kit, workflow_id="good")
    scene.run()
    monkeypatch.undo()

    assert isinstance(first.exception(0), ExecutionParkedError)
    assert isinstance(waiting.exception(0), ExecutionParkedError)
    assert good.result(0) is None
    assert "this cannot be" in scene.describe("bad").parked
    with pytest.raises(ExecutionParkedError):
        scene.get(signal(scene, kit, workflow_id="bad"))


def test_a_parked_run_can_be_stopped_or_resumed(scene, kit, monkeypatch):
    """
    Stopping ends it; resuming gives its calls out again.
    """
    runs = ("one", "two")
    for name in runs:
        scene.start(name)
    monkeypatch.setattr("iwf_py.core.succession.advance", lambda record, event: 1 / 0)
    scene.work()
    monkeypatch.undo()
    assert all("ZeroDivisionError" in scene.describe(name).parked for name in runs)

    scene.get(scene.service.stop(StopRequest(workflow_id="one", stop_type=WorkflowStopType.TERMINATE)))
    scene.get(scene.engine.resume(scene.at("two")))
    scene.work()

    assert (scene.describe("one").status, scene.describe("one").parked) == ("TERMINATED", None)
    assert (scene.describe("two").status, scene.describe("two").parked) == ("COMPLETED", None)


def test_a_parked_run_is_parked_after_a_restart(tmp_path, make_scene, kit, monkeypatch):
    """
    Why it is held apart stands in its row.
    """
    url = f"sqlite:///{tmp_path}/parked.db"
    scene = make_scene(SqlStore(url))
    scene.start()
    monkeypatch.setattr("iwf_py.core.succession.advance", lambda record, event: 1 / 0)
    scene.work()
    monkeypatch.undo()
    scene.close()

    after = make_scene(SqlStore(url))

    assert "ZeroDivisionError" in after.describe().parked
    assert after.tasks() == []


def test_a_terminated_run_and_its_successor_are_one_commit(troubled, kit, store):
    """
    Terminate-and-start closes one run and opens the next in the same transaction.
    """
    first = troubled.start()
    waiting = troubled.service.wait(troubled.at())
    troubled.run()
    commits = store.commits

    second = troubled.start(id_reuse_policy=IDReusePolicy.ALLOW_TERMINATE_IF_RUNNING)

    assert store.commits == commits + 1
    assert second != first
    assert (waiting.result(0).run_id, waiting.result(0).status) == (first, "TERMINATED")
    assert troubled.describe().previous_run_id == first


def test_a_waiter_follows_a_retry_to_its_outcome(scene, kit):
    """
    Whoever waits for a run that fails and is retried gets the chain's outcome, under the run id that was asked for.
    """
    attempts = iter((kit.fail_run("no"), kit.complete("yes")))
    scene.handlers["A"] = lambda call: next(attempts)
    run_id = scene.start(retry=WorkflowRetryPolicy(initial_interval_seconds=2, maximum_attempts=3))
    waiting = scene.service.wait(scene.at())
    scene.work()
    assert not waiting.done()

    scene.clock.advance(2)
    scene.work()

    assert waiting.result(0).status == "COMPLETED"
    assert waiting.result(0).run_id == run_id
    late = scene.get(scene.service.wait(scene.at(run_id=run_id)))
    assert (late.status, late.run_id) == ("COMPLETED", run_id)
    assert scene.get(scene.service.result(scene.at(run_id=run_id))).status == "FAILED"


def test_an_event_for_an_earlier_run_is_answered_by_that_run(scene, kit):
    """
    A run that was followed by another is closed: writes are refused, CANCEL does nothing.
    """
    first = scene.start()
    scene.work()
    scene.start()
    write = scene.service.set_attributes(
        SetAttributesRequest(workflow_id="w", run_id=first, attributes=(("a", kit.payload("1")),))
    )
    cancel = scene.service.stop(StopRequest(workflow_id="w", run_id=first))

    scene.run()

    assert isinstance(write.exception(0), WorkflowNotExistsError)
    assert cancel.result(0) is None
    assert scene.describe().status == "RUNNING"


def test_records_beyond_the_cache_are_loaded_again(make_scene, kit):
    """
    The cache is bounded: what is not in it is read from its rows, and goes on as it was.
    """
    scene = make_scene(limits=Limits(open_records=3, loads=2))
    scene.handlers["A.wait_until"] = lambda call: kit.wait_for(SignalChannelCommand.by_name("outer"))
    for number in range(20):
        scene.start(f"w{number}", kit.movement("A", waits=True))
    scene.work()
    assert len(scene.engine._cache) <= 3

    futures = [signal(scene, kit, workflow_id=f"w{number}") for number in range(20)]
    scene.run()
    scene.work()

    assert [future.result(0) for future in futures] == [None] * 20
    assert {scene.describe(f"w{number}").status for number in range(20)} == {"COMPLETED"}


def test_a_long_history_is_told_of_in_the_log(make_scene, kit, caplog):
    """
    Once for each multiple of the bound, however many entries a batch brings.
    """
    scene = make_scene(limits=Limits(long_history=10))
    scene.start("w", kit.movement("A", waits=True))
    told = []
    for _ in range(5):
        futures = [signal(scene, kit) for _ in range(6)]
        scene.run()
        assert [future.result(0) for future in futures] == [None] * 6
        told.append("the history of workflow 'w'" in caplog.text)
        caplog.clear()

    # 7, 13, 19, 25 and 31 entries.
    assert told == [False, True, False, True, True]


def test_an_observer_hears_of_each_commit_and_may_raise(make_scene, kit):
    """
    Observers are told what stands, once, and cannot hold anybody up.
    """

    class Loud:
        def __init__(self):
            self.seen = []

        def saw(self, entries):
            self.seen += [entry.kind for entry in entries]
            raise RuntimeError("not my day")

    loud = Loud()
    scene = make_scene(observers=(loud,))
    scene.start()
    scene.work()

    assert loud.seen == ["Started", "ExecuteReturned"]


def test_what_is_tried_again_keeps_its_order(make_scene, kit, store):
    """
    After a refused batch the posts of a run are loaded for and tried one by one, and still have their turns as they came.
    """
    # One batch to a step, so that a reader may come in between two.
    troubled = make_scene(store, Limits(batches=1))
    troubled.start("w1")
    store.before = [StoreError("busy")]
    futures = [signal(troubled, kit, "1", "w1"), asked(troubled, kit, "other")]
    futures += [signal(troubled, kit, value, "w1") for value in "23"]
    troubled.run()

    assert [future.exception(0) for future in futures] == [None] * 4
    history = troubled.get(troubled.service.history(troubled.at("w1")))
    sent = [entry.event for entry in history if entry.kind == "Signalled"]
    assert [number for event in sent for number in "123" if f'\\"{number}\\"' in event] == ["1", "2", "3"]
