"""What happens because time passes: timers, deadlines, delays; many at once, late, and over restarts."""

from __future__ import annotations

from datetime import timedelta

import pytest

from iwf_py.errors import StoreError
from iwf_py.model.commands import TimerCommand
from iwf_py.model.requests import SkipTimerRequest
from iwf_py.runtime.limits import Limits
from iwf_py.store.database import SqlStore


def sleeping(scene, kit, workflow_id, seconds, **more):
    scene.handlers["A.wait_until"] = lambda call: kit.wait_for(TimerCommand.by_seconds(seconds, "nap"))
    scene.start(workflow_id, kit.movement("A", waits=True), **more)
    scene.work()


def test_a_timer_fires_when_it_is_due_and_not_before(scene, kit):
    """
    The alarm is set to the earliest instant; nothing happens a moment sooner.
    """
    sleeping(scene, kit, "w", 10)
    scene.clock.advance(timedelta(seconds=10) - timedelta(microseconds=1))
    scene.work()
    assert scene.describe().status == "RUNNING"

    scene.clock.advance(timedelta(microseconds=1))
    scene.work()

    assert scene.describe().status == "COMPLETED"


def test_a_timer_that_came_due_while_the_engine_was_away_fires_at_once(tmp_path, make_scene, kit):
    """
    One that is not due yet fires on time.
    """
    url = f"sqlite:///{tmp_path}/timers.db"
    before = make_scene(SqlStore(url))
    sleeping(before, kit, "early", 10)
    sleeping(before, kit, "late", 60)
    before.close()
    before.clock.advance(30)

    after = make_scene(SqlStore(url), clock=before.clock)
    after.work()

    assert after.describe("early").status == "COMPLETED"
    assert after.describe("late").status == "RUNNING"
    after.clock.advance_to(before.clock.now() + timedelta(seconds=30))
    after.work()
    assert after.describe("late").status == "COMPLETED"


def test_many_timers_that_are_due_at_once_all_fire(make_scene, kit):
    """
    They come page by page, whatever is in memory; other work goes on between.
    """
    scene = make_scene(limits=Limits(page=7, open_records=5, loads=3, batch_changes=10))
    for number in range(40):
        sleeping(scene, kit, f"w{number}", 10)
    scene.clock.advance(10)

    scene.work()

    assert {scene.describe(f"w{number}").status for number in range(40)} == {"COMPLETED"}


def test_a_run_that_cannot_be_read_does_not_hold_up_the_timers_of_others(make_scene, kit):
    """
    Its timer is tried again and again; the pages of the others go on meanwhile, without waiting for the next look.
    """

    class Torn(SqlStore):
        torn = None

        def load(self, row):
            if row == self.torn:
                raise StoreError("torn")
            return super().load(row)

    store = Torn("sqlite://")
    scene = make_scene(store, Limits(page=8, open_records=1, loads=1))
    sleeping(scene, kit, "torn", 9)
    for number in range(40):
        sleeping(scene, kit, f"w{number}", 10)
    store.torn = 1
    scene.clock.advance(10)

    scene.work()

    assert {scene.describe(f"w{number}").status for number in range(40)} == {"COMPLETED"}


def test_a_skipped_timer_is_over(scene, kit):
    """
    Skipping completes it now; when its instant comes, nothing happens.
    """
    sleeping(scene, kit, "w", 10)
    scene.get(scene.service.skip_timer(SkipTimerRequest(workflow_id="w", state_execution_id="A-1", command_id="nap")))
    scene.work()
    scene.clock.advance(20)
    scene.work()

    kinds = [entry.kind for entry in scene.get(scene.service.history(scene.at()))]
    assert kinds == ["Started", "WaitUntilReturned", "TimerSkipped", "ExecuteReturned"]


def test_a_start_delay_holds_the_first_call_back(scene, kit):
    """
    Nothing runs before it is over.
    """
    scene.start(start_delay=timedelta(seconds=5))
    assert scene.tasks() == []

    scene.clock.advance(5)

    assert len(scene.tasks()) == 1


def test_a_run_times_out(scene, kit):
    """
    At its deadline the run closes, and its waiters hear it.
    """
    sleeping(scene, kit, "w", 100, timeout=timedelta(seconds=30))
    waiting = scene.service.wait(scene.at())
    scene.clock.advance(30)
    scene.run()

    assert waiting.result(0).status == "TIMEOUT"


@pytest.mark.parametrize("read", ["result", "describe", "wait"])
def test_a_read_past_the_deadline_is_decided_by_it(scene, kit, read):
    """
    Whoever looks after the deadline sees a run that has timed out, even before the alarm has rung.
    """
    sleeping(scene, kit, "w", 100, timeout=timedelta(seconds=30))
    scene.engine._agenda.close()
    scene.clock.advance(31)

    answer = scene.get(getattr(scene.service, read)(scene.at()))

    assert answer.status == "TIMEOUT"


def test_looking_goes_on_after_an_error(make_scene, kit):
    """
    What is due cannot be read for a while: it is looked for again.
    """

    class Blind(SqlStore):
        errors = 0

        def due(self, *arguments):
            if self.errors:
                self.errors -= 1
                raise StoreError("busy")
            return super().due(*arguments)

    store = Blind("sqlite://")
    scene = make_scene(store)
    sleeping(scene, kit, "w", 10)
    store.errors = 3
    scene.clock.advance(10)
    for _ in range(4):
        scene.work()
        scene.clock.advance(1)
    scene.work()

    assert scene.describe().status == "COMPLETED"


def test_what_closed_runs_leave_behind_is_swept(make_scene, kit):
    """
    Rows of states and messages go, a few at a time; the result stays.
    """
    scene = make_scene(limits=Limits(sweep=2))
    for number in range(5):
        sleeping(scene, kit, f"w{number}", 1, timeout=timedelta(seconds=2 if number else 50))
    scene.clock.advance(10)
    scene.work()
    scene.clock.advance(10)
    scene.run()

    assert scene.store.sweep(100) == 0
    assert scene.describe("w0").status == "COMPLETED"
