"""Calls of states: given out, judged, tried again, and taken up after a restart."""

from __future__ import annotations

from datetime import timedelta

import pytest
from attrs import evolve

from iwf_py.errors import EngineStoppedError
from iwf_py.model.invocations import Serves
from iwf_py.model.options import CallOptions, RetryPolicy, StateOptions
from iwf_py.model.requests import SetAttributesRequest, StartRequest, StopRequest
from iwf_py.runtime.limits import Limits
from iwf_py.store.database import SqlStore

QUICK = StateOptions(
    skip_wait_until=True,
    execute=CallOptions(
        timeout=timedelta(seconds=2), retry=RetryPolicy(initial_interval_seconds=1, maximum_attempts=3)
    ),
)


def complete(scene, task, outcome):
    future = scene.engine.tasks.complete([(task.fence, outcome)])
    scene.run()
    return future.result(0)


def test_a_worker_that_waits_gets_the_task_that_comes(scene, kit):
    """
    `take` stays open until there is something to do.
    """
    taking = scene.engine.tasks.take(5, scene.serves)
    assert not taking.done()

    run_id = scene.start()

    (task,) = taking.result(0)
    assert (task.fence.run_id, task.fence.number, task.fence.attempt) == (run_id, 1, 1)
    assert task.invocation.state_execution_id == "A-1"


def test_a_take_that_is_cancelled_takes_nothing(scene, kit):
    """
    The task goes to whoever asks next.
    """
    taking = scene.engine.tasks.take(5, scene.serves)
    assert taking.cancel()

    scene.start()

    assert len(scene.tasks()) == 1


def test_the_oldest_tasks_come_first_and_no_more_than_asked_for(scene, kit):
    """
    Tasks of different states are given out by age.
    """
    for number, state in enumerate("ABCD"):
        scene.start(f"w{number}", kit.movement(state))

    first, second = scene.tasks(3), scene.tasks(3)

    assert [task.invocation.workflow_id for task in first] == ["w0", "w1", "w2"]
    assert [task.invocation.workflow_id for task in second] == ["w3"]


def test_what_nobody_serves_stays_and_is_shown(scene, kit):
    """
    A task whose state no worker has code for is left alone, and named in describe.
    """
    scene.start("w1", kit.movement("Unknown"))
    scene.start("w2")

    assert [task.invocation.workflow_id for task in scene.tasks()] == ["w2"]
    assert [state.is_served for state in scene.describe("w1").states] == [False]
    later = scene.engine.tasks.take(1, Serves({"Flow": frozenset({"Unknown"})}))
    assert [task.invocation.workflow_id for task in later.result(0)] == ["w1"]


def test_an_outcome_counts_once(scene, kit):
    """
    The second outcome of the same attempt is dropped, and its future is done.
    """
    scene.start()
    (task,) = scene.tasks()

    complete(scene, task, kit.complete("first"))
    complete(scene, task, kit.complete("second"))

    result = scene.get(scene.service.result(scene.at()))
    assert [output.output for output in result.outputs] == [kit.payload("first")]


@pytest.mark.parametrize("change", [{"attempt": 2}, {"epoch": 99}, {"number": 2}, {"run_id": "another"}])
def test_an_outcome_with_another_fence_is_dropped(scene, kit, change):
    """
    Run, number, phase, epoch and attempt must all be current.
    """
    scene.start()
    (task,) = scene.tasks()

    complete(scene, evolve(task, fence=task.fence._replace(**change)), kit.complete())

    assert scene.describe().status == "RUNNING"
    complete(scene, task, kit.complete())
    assert scene.describe().status == "COMPLETED"


def test_a_failed_attempt_is_made_again_when_its_time_has_come(scene, kit):
    """
    A retry writes no history; its attempt and last failure are shown.
    """
    scene.start(first=kit.movement("A", options=QUICK))
    (task,) = scene.tasks()
    complete(scene, task, kit.failed("no luck"))

    (state,) = scene.describe().states
    assert (state.attempt, state.last_failure.message) == (2, "no luck")
    assert state.next_attempt_at == scene.clock.now() + timedelta(seconds=1)
    assert scene.tasks() == []
    scene.clock.advance(1)
    (again,) = scene.tasks()
    assert (again.fence.attempt, again.invocation.attempt) == (2, 2)
    assert len(scene.get(scene.service.history(scene.at()))) == 1


def test_each_attempt_sees_the_attributes_of_the_first(scene, kit):
    """
    While the record is in memory, a retry gets the attributes that were loaded first.
    """
    scene.start(first=kit.movement("A", options=QUICK), attributes=(("key", kit.payload("old")),))
    (task,) = scene.tasks()
    complete(scene, task, kit.failed())
    scene.get(
        scene.service.set_attributes(SetAttributesRequest(workflow_id="w", attributes=(("key", kit.payload("new")),)))
    )

    scene.clock.advance(1)

    (again,) = scene.tasks()
    assert again.invocation.attributes["key"] == kit.payload("old")


def test_attempts_are_exhausted(scene, kit):
    """
    After the last attempt the run fails, and says after how many.
    """
    scene.handlers["A"] = lambda call: kit.failed("never")
    scene.start(first=kit.movement("A", options=QUICK))
    for _ in range(4):
        scene.work()
        scene.clock.advance(10)

    result = scene.get(scene.service.result(scene.at()))
    assert result.status == "FAILED"
    assert "after 3 attempts" in result.error_message
    assert len(scene.calls) == 3


def test_a_nonsensical_outcome_is_a_failed_attempt(scene, kit):
    """
    An answer of the wrong kind heals with the next attempt.
    """
    scene.start(first=kit.movement("A", options=QUICK))
    (task,) = scene.tasks()
    complete(scene, task, kit.wait_for())

    (state,) = scene.describe().states
    assert state.last_failure.error_type == "InvalidOutcome"


def test_a_worker_that_never_answers_is_given_up(make_scene, kit):
    """
    A task that was taken and not answered long after its timeout has failed, like one that was too slow.
    """
    scene = make_scene(limits=Limits(grace=timedelta(seconds=5)))
    scene.start(first=kit.movement("A", options=QUICK))
    scene.tasks()
    for _ in range(3):
        scene.clock.advance(4)
        scene.run()

    (state,) = scene.describe().states
    assert state.last_failure.error_type == "AttemptTimeout"
    assert [task.fence.attempt for task in scene.tasks()] == [2]


def test_no_call_begins_after_its_run_has_closed(scene, kit):
    """
    What is ready when a run closes is not given out any more.
    """
    scene.start()
    scene.get(scene.service.stop(StopRequest(workflow_id="w")))

    assert scene.tasks() == []


def test_a_call_born_and_ended_in_one_batch_is_never_made(scene, kit):
    """
    A run that is started and stopped in one commit calls nobody.
    """
    starting = scene.service.start(StartRequest(workflow_id="w", workflow_type="Flow", start=kit.movement("A")))
    stopping = scene.service.stop(StopRequest(workflow_id="w"))
    scene.run()

    assert starting.result(0)
    assert stopping.result(0) is None
    assert scene.tasks() == []


def restarted(make_scene, scene, url, **more):
    """Kill the engine without a word, and start another on the same database."""
    scene.store.close()
    scene.steps.steps.clear()
    scene.steps.submit = lambda step: None
    scene.engine._life = type(scene.engine._life).STOPPED
    return make_scene(SqlStore(url), clock=scene.clock, **more)


def test_calls_of_an_ended_engine_are_made_again(tmp_path, make_scene, kit):
    """
    A crash is not a failure: the attempt is the same, recoveries are counted apart, and the old outcome is stale.
    """
    url = f"sqlite:///{tmp_path}/crash.db"
    before = make_scene(SqlStore(url))
    before.start()
    (old,) = before.tasks()

    after = restarted(make_scene, before, url)

    (new,) = after.tasks()
    assert (new.fence.attempt, new.fence.epoch) == (1, old.fence.epoch + 1)
    assert [state.recoveries for state in after.describe().states] == [1]
    complete(after, old, kit.complete("old"))
    assert after.describe().status == "RUNNING"
    complete(after, new, kit.complete("new"))
    assert after.describe().status == "COMPLETED"


def test_many_orphans_are_claimed_in_pages(tmp_path, make_scene, kit):
    """
    However many calls an engine left behind, each is given out once.
    """
    url = f"sqlite:///{tmp_path}/many.db"
    before = make_scene(SqlStore(url))
    for number in range(25):
        before.start(f"w{number}")

    after = restarted(make_scene, before, url, limits=Limits(page=4, backlog=6, open_records=3))
    after.work()

    assert {after.describe(f"w{number}").status for number in range(25)} == {"COMPLETED"}
    assert len(after.calls) == 25


def test_what_nobody_serves_keeps_no_other_call_from_being_made(tmp_path, make_scene, kit):
    """
    More calls without code than upkeep wants in hand: orphans that have code are made all the same, and tried again.
    """
    url = f"sqlite:///{tmp_path}/unserved.db"
    before = make_scene(SqlStore(url))
    for number in range(8):
        before.start(f"unknown-{number}", kit.movement("Gone"))
    before.start("known")
    after = restarted(make_scene, before, url, limits=Limits(page=2, backlog=3))
    outcomes = [kit.failed(), kit.complete()]
    after.handlers["A"] = lambda call: outcomes.pop(0)

    for _ in range(8):
        after.work()
        after.clock.advance(5)
    after.work()

    assert after.describe("known").status == "COMPLETED"
    assert len(after.calls) == 2


def test_a_call_that_may_end_the_engine_waits_and_is_never_given_up(tmp_path, make_scene, kit):
    """
    After five recoveries a call lets the others go first; it may have nothing to do with the engine's end, so it is made.
    """
    url = f"sqlite:///{tmp_path}/poison.db"
    scene = make_scene(SqlStore(url))
    scene.start()
    for _ in range(5):
        scene = restarted(make_scene, scene, url)
        assert len(scene.tasks()) == 1

    for pause in (1, 2, 4, 8, 10, 10):
        scene = restarted(make_scene, scene, url)
        scene.start(f"other-{scene.store.epoch}")
        others = {task.invocation.workflow_id for task in scene.tasks()}
        assert f"other-{scene.store.epoch}" in others
        assert "w" not in others
        scene.clock.advance(pause)
        assert "w" in {task.invocation.workflow_id for task in scene.tasks()}

    scene = restarted(make_scene, scene, url)
    scene.clock.advance(10)
    scene.work()
    assert scene.describe().parked is None
    assert scene.describe().status == "COMPLETED"


def test_a_retry_that_came_due_meanwhile_is_made_at_once(tmp_path, make_scene, kit):
    """
    Failures survive a restart; the next attempt is made when it is due, or at once where that is past.
    """
    url = f"sqlite:///{tmp_path}/retry.db"
    before = make_scene(SqlStore(url))
    before.start("past", kit.movement("A", options=QUICK))
    before.start("future", kit.movement("A", options=QUICK))
    past, future = before.tasks()
    complete(before, past, kit.failed())
    before.clock.advance(0.9)
    complete(before, future, kit.failed())
    before.clock.advance(0.1)

    after = restarted(make_scene, before, url)

    assert [(task.invocation.workflow_id, task.fence.attempt) for task in after.tasks()] == [("past", 2)]
    after.clock.advance(1)
    assert [(task.invocation.workflow_id, task.fence.attempt) for task in after.tasks()] == [("future", 2)]


def test_a_stopped_engine_sends_workers_home(scene, kit):
    """
    An empty answer means that the engine has stopped; outcomes are refused, and done again by the next one.
    """
    taking = scene.engine.tasks.take(1, scene.serves)
    scene.close()

    assert taking.result(0) == ()
    assert scene.engine.tasks.take(1, scene.serves).result(0) == ()
    with pytest.raises(EngineStoppedError):
        scene.engine.tasks.complete([]).result(0)


def test_a_call_whose_outcome_has_come_is_not_given_out_again(scene, kit):
    """
    Whoever looks for due calls in that moment finds it due in its row; it is about to be judged.
    """
    scene.start(first=kit.movement("A", options=QUICK))
    (task,) = scene.tasks()
    complete(scene, task, kit.failed())
    scene.clock.advance(1)
    (task,) = scene.tasks()
    due = scene.store.due(scene.clock.now(), 10).tasks[0]
    scene.engine.tasks.complete([(task.fence, kit.failed())])

    assert not scene.engine.tasks.again(due.key, due.run_id, due.task)
    assert scene.tasks() == []
