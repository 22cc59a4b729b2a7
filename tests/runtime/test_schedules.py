"""The runs of a schedule on the engine: what follows is written with what it follows from, and is never lost."""

from datetime import timedelta

import pytest

from iwf_py.errors import ClientSideError, ExecutionParkedError, InvalidArgumentError
from iwf_py.model.options import CronSchedule
from iwf_py.model.requests import SignalRequest, StartRequest, StopRequest
from iwf_py.model.status import IDReusePolicy, WorkflowStatus, WorkflowStopType
from iwf_py.scheduling.cron import CronCalendar
from iwf_py.store.database import SqlStore
from iwf_py.testing.clock import ManualClock

HOURLY = CronSchedule("0 * * * *")


class Noting(SqlStore):
    """Remembers which runs each commit wrote: id and status."""

    def __init__(self, url):
        super().__init__(url)
        self.written = []

    def commit(self, batch):
        self.written.append([(write.record.run_id, write.record.status) for write in batch.writes])
        return super().commit(batch)


class Closed(CronCalendar):
    """A calendar that can be out of order: its zones are gone."""

    is_closed = False

    def next_tick(self, schedule, after):
        if self.is_closed:
            raise InvalidArgumentError(f"time zone {schedule.time_zone!r} is not known")
        return super().next_tick(schedule, after)


def test_the_next_run_is_written_with_the_end_of_the_last(make_scene):
    """
    One commit has both: there is no instant at which neither is open.
    """
    store = Noting("sqlite://")
    scene = make_scene(store)
    first = scene.start(cron=HOURLY)
    scene.clock.advance("1h")

    scene.work()

    second = scene.describe().run_id
    assert second != first
    assert store.written[-1] == [(first, WorkflowStatus.COMPLETED), (second, WorkflowStatus.RUNNING)]


def test_a_tick_that_came_while_no_engine_ran_is_caught_up_once(make_scene, tmp_path):
    """
    The next engine runs what was due at once, and goes on with the first tick that is still to come.
    """
    clock, url = ManualClock(), f"sqlite:///{tmp_path}/cron.db"
    scene = make_scene(SqlStore(url), clock=clock)
    scene.start(cron=HOURLY)
    scene.close()
    clock.advance("30h")
    clock.advance("5m")

    scene = make_scene(SqlStore(url), clock=clock)
    scene.work()

    assert len(scene.calls) == 1
    assert scene.describe().starts_at == clock.now() + timedelta(minutes=55)


def test_a_schedule_that_cannot_be_read_holds_its_run_until_it_can(make_scene):
    """
    The run is parked as it would close, and says why; taken up again, it runs its last call once more and goes on.
    """
    calendar = Closed()
    scene = make_scene(calendar=calendar)
    first = scene.start(cron=HOURLY)
    scene.clock.advance("1h")
    calendar.is_closed = True
    scene.work()

    parked = scene.describe()
    assert (parked.run_id, parked.status) == (first, WorkflowStatus.RUNNING)
    assert "cannot go on: time zone 'UTC' is not known" in parked.parked
    with pytest.raises(ExecutionParkedError):
        scene.get(scene.service.signal(SignalRequest(workflow_id="w", channel_name="s")))
    calendar.is_closed = False
    scene.get(scene.engine.resume(scene.at()))
    scene.work()

    assert scene.describe().previous_run_id == first
    assert scene.describe().starts_at == scene.clock.now() + timedelta(hours=1)


def test_a_start_that_cannot_be_read_parks_nothing(make_scene):
    """
    A new start with a schedule that is none is the caller's fault, also where a run is open.
    """
    scene = make_scene()
    scene.start()

    with pytest.raises(ClientSideError, match="has 1 fields"):
        scene.start(cron=CronSchedule("hourly"))

    assert scene.describe().parked is None


def test_a_start_at_the_deadline_may_open_two_runs(make_scene):
    """
    The timed-out run, the one that follows it and the one that replaces that stand in one commit.
    """
    store = Noting("sqlite://")
    scene = make_scene(store)
    first = scene.start(cron=HOURLY, timeout=timedelta(minutes=30))
    scene.clock.advance("1h")
    scene.tasks()

    # It is queued before the alarm of the deadline rings, and has its turn after the deadline.
    policy = IDReusePolicy.ALLOW_TERMINATE_IF_RUNNING
    request = StartRequest(workflow_id="w", workflow_type="Flow", id_reuse_policy=policy)
    future = scene.service.start(request)
    scene.clock.advance("30m")
    last = scene.get(future)

    (timed_out, follower, replacement) = store.written[-1]
    assert timed_out == (first, WorkflowStatus.TIMEOUT)
    assert follower[1] is WorkflowStatus.TERMINATED
    assert replacement == (last, WorkflowStatus.RUNNING)


def test_a_schedule_is_ended_on_a_run_that_is_parked(make_scene):
    """
    CANCEL needs no calendar.
    """
    calendar = Closed()
    scene = make_scene(calendar=calendar)
    scene.start(cron=HOURLY)
    scene.clock.advance("1h")
    calendar.is_closed = True
    scene.work()

    scene.get(scene.service.stop(StopRequest(workflow_id="w", stop_type=WorkflowStopType.CANCEL)))

    assert scene.describe().status is WorkflowStatus.CANCELED
