"""Workflows that run again and again: when each run begins, what it begins with, and what ends the schedule."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from iwf_py.authoring.reset_workflow_type_and_options import reset_to_beginning
from iwf_py.authoring.workflow_options import WorkflowOptions
from iwf_py.errors import ClientSideError, WorkflowAlreadyStartedError, WorkflowNotExistsError
from iwf_py.model.options import CronSchedule, WorkflowRetryPolicy
from iwf_py.model.requests import RunDescription
from iwf_py.model.status import IDReusePolicy, WorkflowStatus, WorkflowStopType
from iwf_py.testing.contract.closing import stop
from iwf_py.testing.contract.host import ContractHost
from iwf_py.testing.contract.needs import Capability, needs
from iwf_py.testing.contract.succession import Trial, say

WORKFLOWS = ()
HOUR = timedelta(hours=1)


def start(host: ContractHost, expression: str = "0 * * * *", *, timeout: timedelta | None = None, **more) -> str:
    """Start a workflow that runs every hour, half an hour before its first tick."""
    past = host.clock.now() - host.clock.now().replace(minute=0, second=0, microsecond=0)
    host.advance((timedelta(minutes=90) - past) % HOUR)
    options = WorkflowOptions(workflow_cron_schedule=expression, initial_data_attributes={"given": 7}, **more)
    return host.start(Trial, "w", "in", timeout=timeout, options=options)


def begin(host: ContractHost) -> RunDescription:
    """Let time pass until the latest run begins."""
    starts_at = host.description("w").starts_at
    assert starts_at is not None
    host.advance(starts_at - host.clock.now())
    assert "WaitUntilReturned" in host.kinds("w")
    return host.description("w")


@needs(Capability.CLOCK, Capability.DESCRIBE, Capability.HISTORY)
def test_a_scheduled_run_is_open_at_once_and_begins_at_its_tick(host: ContractHost):
    """
    The start answers its run id; describe tells the schedule and the tick; nothing runs before that.
    """
    run_id = start(host)

    description = host.description("w")
    assert (description.run_id, description.status) == (run_id, WorkflowStatus.RUNNING)
    assert description.cron == CronSchedule("0 * * * *")
    assert description.starts_at == host.clock.now() + timedelta(minutes=30)
    host.advance("29m")
    assert host.kinds("w") == ["Started"]
    host.advance("1m")

    assert host.kinds("w") == ["Started", "TimerFired", "WaitUntilReturned"]


@needs(Capability.CLOCK, Capability.DESCRIBE)
def test_each_run_is_followed_by_the_next(host: ContractHost):
    """
    One id, one open run: the end of a run opens another, with the same input and attributes, for the next tick.
    """
    first = start(host)
    begin(host)

    say(host, "go")

    assert host.output("w", first) == ["in", first, "Try-1", 7, None]
    following = host.description("w")
    assert following.run_id != first
    assert (following.first_run_id, following.run_attempt) == (following.run_id, 1)
    assert (following.previous_run_id, following.status) == (first, WorkflowStatus.RUNNING)
    assert following.starts_at == host.clock.now() + HOUR
    begin(host)
    say(host, "go")

    assert host.output("w", following.run_id) == ["in", following.run_id, "Try-1", 7, None]
    assert host.status("w") is WorkflowStatus.RUNNING


@needs(Capability.CLOCK)
def test_who_waits_for_a_scheduled_run_is_told_its_own_outcome(host: ContractHost):
    """
    A waiter does not follow the schedule: the run that it asked for has ended.
    """
    first = start(host)
    waiter = host.service.wait(host.address("w"))
    begin(host)

    say(host, "fail")

    assert waiter.result(30).run_id == first
    assert waiter.result(30).status is WorkflowStatus.FAILED
    assert host.service.wait(host.address("w", first)).result(30).status is WorkflowStatus.FAILED


@needs(Capability.CLOCK, Capability.DESCRIBE)
def test_a_tick_that_comes_while_a_run_is_open_is_skipped(host: ContractHost):
    """
    Runs never overlap, and do not queue up.
    """
    start(host)
    begin(host)
    host.advance("2h")
    host.advance("20m")

    say(host, "go")

    assert host.description("w").starts_at == host.clock.now() + timedelta(minutes=40)


@needs(Capability.CLOCK, Capability.DESCRIBE, Capability.HISTORY)
def test_ticks_that_were_missed_are_one(host: ContractHost):
    """
    When nobody ran for hours the run that was due begins late, and the schedule goes on from there.
    """
    start(host)
    host.clock.advance("5h")
    host.restart()
    host.advance(0)

    assert "WaitUntilReturned" in host.kinds("w")
    say(host, "go")
    assert host.description("w").starts_at == host.clock.now() + timedelta(minutes=30)


@needs(Capability.CLOCK, Capability.DESCRIBE)
def test_a_schedule_outlives_the_engine(host: ContractHost):
    """
    Delay, tick and what follows are there after the engine was begun again, before a tick and after one.
    """
    first = start(host)
    host.restart()
    begin(host)
    host.restart()
    say(host, "go")
    host.restart()

    second = begin(host)
    say(host, "go")

    assert second.previous_run_id == first
    assert host.description("w").previous_run_id == second.run_id
    assert [host.status("w", run) for run in (first, second.run_id)] == [WorkflowStatus.COMPLETED] * 2


@needs(Capability.CLOCK, Capability.DESCRIBE)
def test_a_scheduled_run_that_times_out_is_followed(host: ContractHost):
    """
    The timeout of each run counts from its tick, not from its opening.
    """
    first = start(host, timeout=timedelta(minutes=20))
    begin(host)

    host.advance("20m")

    assert host.status("w", first) is WorkflowStatus.TIMEOUT
    following = host.description("w")
    assert following.starts_at == host.clock.now() + timedelta(minutes=40)
    assert following.deadline == host.clock.now() + HOUR


@needs(Capability.CLOCK, Capability.DESCRIBE)
def test_a_scheduled_run_that_is_reset_before_its_tick_has_its_time_all_the_same(host: ContractHost):
    """
    The reset counts the timeout anew, and still from the tick; of a run that had begun it counts from the reset.
    """
    first = start(host, timeout=timedelta(minutes=20))
    before = host.description("w")
    say(host, "go")

    second = host.client.reset_workflow("w", reset_to_beginning())

    assert (host.description("w").starts_at, host.description("w").deadline) == (before.starts_at, before.deadline)
    host.restart()
    host.advance("30m")
    assert host.status("w", second) is WorkflowStatus.COMPLETED
    assert host.description("w").starts_at == host.clock.now() + HOUR
    host.client.reset_workflow("w", reset_to_beginning(skip_signal_reapply=True), workflow_run_id=first)
    assert host.description("w").deadline == host.clock.now() + timedelta(minutes=20)


@needs(Capability.CLOCK, Capability.DESCRIBE)
def test_a_scheduled_run_that_is_past_its_deadline_is_followed_by_its_reset_alone(host: ContractHost):
    """
    Whether its reset or its timer comes first: it has timed out, and the schedule goes on with the end of the new run.
    """
    first = start(host, timeout=timedelta(minutes=20))
    begin(host)
    host.clock.advance("20m")

    second = host.client.reset_workflow("w", reset_to_beginning(), workflow_run_id=first)
    host.settle()

    assert host.status("w", first) is WorkflowStatus.TIMEOUT
    assert (host.description("w").run_id, host.description("w").previous_run_id) == (second, first)
    host.restart()
    say(host, "go")
    assert host.description("w").previous_run_id == second
    assert host.description("w").starts_at == host.clock.now() + timedelta(minutes=40)


@needs(Capability.CLOCK, Capability.DESCRIBE)
def test_a_scheduled_run_is_retried_before_the_next_tick(host: ContractHost):
    """
    The retry policy comes first; who waits follows the retries, and no further.
    """
    policy = WorkflowRetryPolicy(initial_interval_seconds=60, maximum_attempts=2)
    first = start(host, workflow_retry_policy=policy)
    waiter = host.service.wait(host.address("w"))
    begin(host)

    say(host, "fail")
    assert (host.description("w").run_attempt, host.description("w").first_run_id) == (2, first)
    begin(host)
    say(host, "fail")

    assert waiter.result(30).status is WorkflowStatus.FAILED
    assert host.description("w").run_attempt == 1
    assert host.description("w").starts_at == host.clock.now() + timedelta(minutes=59)


@needs(Capability.CLOCK, Capability.HISTORY)
@pytest.mark.parametrize("how", [WorkflowStopType.CANCEL, WorkflowStopType.TERMINATE])
@pytest.mark.parametrize("is_begun", [False, True])
def test_a_schedule_ends_with_a_run_that_is_stopped(host: ContractHost, how: WorkflowStopType, is_begun: bool):
    """
    CANCEL and TERMINATE end run and schedule, whether it had begun or not; the id may be used again.
    """
    start(host)
    if is_begun:
        begin(host)

    stop(host, how)
    host.advance("3h")

    assert host.status("w") is not WorkflowStatus.RUNNING
    assert ("WaitUntilReturned" in host.kinds("w")) is is_begun
    start(host)
    assert host.status("w") is WorkflowStatus.RUNNING


@needs(Capability.CLOCK, Capability.DESCRIBE)
def test_a_scheduled_run_that_is_failed_by_a_client_is_followed(host: ContractHost):
    """
    FAIL ends one run; where that had not begun, its tick is gone with it.
    """
    first = start(host)

    stop(host, WorkflowStopType.FAIL)

    assert host.status("w", first) is WorkflowStatus.FAILED
    assert host.description("w").starts_at == host.clock.now() + timedelta(minutes=90)


@needs(Capability.CLOCK, Capability.HISTORY)
def test_what_is_sent_before_the_tick_is_there_when_the_run_begins(host: ContractHost):
    """
    A message to the id goes to the run that is open, which waits for its tick.
    """
    first = start(host)

    say(host, "go")
    assert host.kinds("w") == ["Started", "Signalled"]
    host.advance("30m")

    assert host.output("w", first)[1] == first


@needs(Capability.CLOCK, Capability.DESCRIBE)
def test_an_id_with_a_schedule_is_running(host: ContractHost):
    """
    Another start is refused as with any open run; terminate and start puts another workflow in its place.
    """
    start(host)
    with pytest.raises(WorkflowAlreadyStartedError):
        host.start(Trial, "w", "other")

    policy = WorkflowOptions(workflow_id_reuse_policy=IDReusePolicy.ALLOW_TERMINATE_IF_RUNNING)
    host.start(Trial, "w", "other", options=policy)
    say(host, "go")
    host.advance("2h")

    assert host.output("w")[0] == "other"
    assert host.description("w").cron is None


@needs(Capability.CLOCK, Capability.DESCRIBE)
def test_the_first_tick_comes_after_the_start_delay(host: ContractHost):
    """
    A delay that was asked for is over before the first tick, and counts once.
    """
    start(host, workflow_start_delay_seconds=45 * 60)
    assert host.description("w").starts_at == host.clock.now() + timedelta(minutes=90)
    begin(host)

    say(host, "go")

    assert host.description("w").starts_at == host.clock.now() + HOUR


@needs(Capability.DESCRIBE)
@pytest.mark.parametrize(
    ("schedule", "zone"),
    [
        ("30 9 * * 1-5", "Europe/Berlin"),
        ("CRON_TZ=Europe/Berlin 30 9 * * 1-5", None),
        (CronSchedule("30 9 * * 1-5", "Europe/Berlin"), None),
    ],
)
def test_a_schedule_is_of_a_zone(host: ContractHost, schedule: str | CronSchedule, zone: str | None):
    """
    Half past nine on the clock there, Monday to Friday, by whichever way it was said.
    """
    options = WorkflowOptions(workflow_cron_schedule=schedule, workflow_cron_time_zone=zone)
    host.start(Trial, "w", "in", options=options)

    starts_at = host.description("w").starts_at

    assert starts_at is not None
    there = starts_at.astimezone(ZoneInfo("Europe/Berlin"))
    assert (there.hour, there.minute, there.weekday() < 5) == (9, 30, True)


@pytest.mark.parametrize(
    ("schedule", "sentence"),
    [
        (CronSchedule("0 25 * * *"), r"hour \(field 2\), '25': write '\*', or numbers from 0 to 23"),
        (CronSchedule("0 0 * * * *"), "has 6 fields; write five"),
        (CronSchedule("0 0 * * *", "Europe/Bern"), "time zone 'Europe/Bern' of a cron schedule is not known"),
        (CronSchedule("0 0 31 2 *"), "names no instant that is still to come"),
    ],
)
def test_a_schedule_that_cannot_be_read_is_refused(host: ContractHost, schedule: CronSchedule, sentence: str):
    """
    The start says what is wrong, and nothing is written.
    """
    with pytest.raises(ClientSideError, match=sentence):
        host.start(Trial, "w", "in", options=WorkflowOptions(workflow_cron_schedule=schedule))

    with pytest.raises(WorkflowNotExistsError):
        host.client.describe_workflow("w")


@needs(Capability.CLOCK)
def test_a_schedule_without_further_tick_is_refused_or_over(host: ContractHost):
    """
    A year has its end, and no calendar goes beyond the last.
    """
    far = datetime(9900, 1, 1, tzinfo=UTC) - host.clock.now() - timedelta(hours=12)
    host.clock.advance_to(host.clock.now() + far)

    host.start(Trial, "w", "in", options=WorkflowOptions(workflow_cron_schedule="@daily"))
    begin(host)
    say(host, "go")

    assert host.status("w") is WorkflowStatus.COMPLETED
