"""The unit of work: a batch becomes rows, and the rows are the record."""

from __future__ import annotations

import sqlite3
from datetime import timedelta
from pathlib import Path

from iwf_py.core.events import (
    DEADLINE,
    RUN_TIMERS,
    ExecuteReturned,
    Published,
    Signalled,
    StopRequested,
    TimerFired,
    TimerSkipped,
    WaitUntilReturned,
)
from iwf_py.model.commands import CommandRequest, InternalChannelCommand, SignalChannelCommand, TimerCommand
from iwf_py.model.decisions import DEAD_END, GRACEFUL_COMPLETING, Movement
from iwf_py.model.ids import WorkflowKey
from iwf_py.model.invocations import Publication, Writes
from iwf_py.store.database import SqlStore
from tests.store.host import NOON, Host, decides, sealed, to, waits


def verify_or_remind() -> CommandRequest:
    return CommandRequest.for_any_command_completed(
        TimerCommand.by_seconds(24), InternalChannelCommand.by_name("verified")
    )


def signup(host: Host, workflow_id: str = "w") -> None:
    """Start, submit, and wait for the click: three commits."""
    host.start(workflow_id, to("Submit", input=sealed("form")))
    host.commit()
    writes = Writes(attributes=(("status", sealed("waiting")), ("form", sealed("form"))))
    host.send_now(ExecuteReturned, workflow_id, number=1, result=decides(to("Verify", None), writes=writes))
    host.commit()
    host.send_now(WaitUntilReturned, workflow_id, number=2, result=waits(verify_or_remind()))
    host.commit()


def test_loading_the_rows_gives_the_same_record(host: Host):
    """
    After every commit, the rows, the history's fold and the record in memory are the same.
    """
    signup(host)
    host.check()

    host.send_now(Published, messages=(Publication(channel_name="verified", value=sealed("web")),))
    host.commit()
    host.check()
    host.send_now(ExecuteReturned, number=2, result=decides(Movement(GRACEFUL_COMPLETING, sealed("done"))))
    host.commit()

    host.check()
    assert not host.latest().record.is_open


def test_one_batch_takes_many_turns_of_many_runs(host: Host):
    """
    A whole life in one batch, beside other runs, leaves what the same life in many batches does.
    """
    for number in range(20):
        workflow_id = f"w{number}"
        host.start(workflow_id, to("Submit", None))
        for channel in ("verified", "unread"):
            host.send_now(Published, workflow_id, messages=(Publication(channel_name=channel),))
    host.commit()

    host.check()
    assert len(host.store.history(host.latest("w7").row, 0, 100)) == 3


def test_due_timers_are_told_in_order_until_they_have_fired(host: Host):
    """
    A timer is due at its instant, and no more once its firing is committed.
    """
    signup(host, "late")
    host.later(-10)
    signup(host, "early")
    early, late = NOON + timedelta(seconds=14), NOON + timedelta(seconds=24)

    assert host.store.next_due() == early
    assert host.store.due(early - timedelta(microseconds=1), 10).timers == ()
    assert [timer.key.workflow_id for timer in host.store.due(late, 10).timers] == ["early", "late"]
    assert [timer.key.workflow_id for timer in host.store.due(late, 1).timers] == ["early"]

    host.later(60)
    host.send_now(TimerFired, "early", number=2, index=0)
    host.commit()

    assert host.store.next_due() == late
    assert [timer.run_id for timer in host.store.due(late, 10).timers] == [host.latest("late").record.run_id]
    host.check()


def test_a_timer_that_lost_its_race_is_not_due(host: Host):
    """
    Once the state goes on by another command, its timer wakes nobody.
    """
    signup(host)

    host.send_now(Published, messages=(Publication(channel_name="verified"),))
    host.commit()

    assert host.store.next_due() is None
    host.check()


def test_a_deadline_and_a_start_delay_are_timers_of_the_run(host: Host):
    """
    Both are told under the run's own number; the delay's goes when it has ended.
    """
    host.start("w", to("A"), timeout=timedelta(seconds=60), start_delay=timedelta(seconds=10))
    host.commit()
    host.check()
    later = NOON + timedelta(seconds=100)
    told = [(timer.number, timer.due) for timer in host.store.due(later, 10).timers]
    assert told == [(RUN_TIMERS, NOON + timedelta(seconds=10)), (RUN_TIMERS, NOON + timedelta(seconds=60))]

    host.later(10)
    host.send_now(TimerFired, number=RUN_TIMERS, index=1)
    host.commit()

    assert [timer.index for timer in host.store.due(later, 10).timers] == [DEADLINE]
    host.check()


def test_ids_without_a_run_are_left_out(host: Host):
    """
    The latest run of many ids is found in one question, and only of ids that have one.
    """
    for number in range(37):
        host.start(f"w{number}", None)
    host.commit()
    keys = [WorkflowKey("default", f"w{number}") for number in range(1200)]

    found = host.store.latest([*keys, WorkflowKey("other", "w1")])

    assert found == {key: host.runs[key][-1].row for key in keys[:37]}


def test_a_signal_is_kept_until_it_is_taken_and_its_state_has_left(host: Host):
    """
    A message goes from its channel into a hand, and from there with the state.
    """
    signup(host)
    for text in ("one", "two"):
        host.send_now(Signalled, channel_name="news", value=sealed(text))
    host.commit()

    host.check()


def test_run_keys_are_given_once(store: SqlStore):
    """
    No key is given twice, however many are asked for.
    """
    keys = [key for count in (1, 4095, 3, 9000, 1) for key in store.reserve(count)]

    assert len(set(keys)) == len(keys) == 1 + 4095 + 3 + 9000 + 1


def test_what_is_kept_of_skips_is_rows_until_it_is_released(file_host: Host, path: Path):
    """
    A skip that came early is a row until its state waits, or its run closes, in the same batch or in a later one.
    """

    def rows() -> int:
        connection = sqlite3.connect(path)
        (count,) = connection.execute("SELECT count(*) FROM iwf_skips").fetchone()
        connection.close()
        return int(count)

    host = file_host
    for workflow_id in ("applied", "closed"):
        host.start(workflow_id, to("W", None))
        host.send_now(TimerSkipped, workflow_id, state_execution_id="W-1", command_id="t")
        host.send_now(TimerSkipped, workflow_id, state_execution_id="W-1", index=1)
    host.start("at once", to("W", None))
    host.send_now(TimerSkipped, "at once", state_execution_id="W-1", command_id="t")
    host.send_now(StopRequested, "at once")
    host.commit()
    host.check()
    assert rows() == 4

    timers = CommandRequest.for_all_command_completed(TimerCommand.by_seconds(5, "t"), TimerCommand.by_seconds(6))
    host.send_now(WaitUntilReturned, "applied", number=1, result=waits(timers))
    host.send_now(TimerSkipped, "closed", state_execution_id="W-1", index=0)
    host.send_now(StopRequested, "closed")
    host.commit()

    host.check()
    assert rows() == 0
    assert host.latest("applied").record.states[1].is_invoked


def test_a_channel_that_was_empty_is_a_column_of_its_state(host: Host):
    """
    What was complete stays so in the rows, whether it came with the wait, with it in one batch, or later.
    """
    host.start("w", to("Start"))
    host.send_now(ExecuteReturned, number=1, result=decides(to("W", None), to("V", None)))
    host.send_now(Signalled, channel_name="b")
    wait = CommandRequest.for_all_command_completed(
        SignalChannelCommand.until_empty("a"), SignalChannelCommand.until_empty("b"), SignalChannelCommand.by_name("c")
    )
    host.send_now(WaitUntilReturned, number=2, result=waits(wait))
    host.commit()
    host.check()
    host.send_now(Signalled, channel_name="a")
    taking = CommandRequest.for_all_command_completed(SignalChannelCommand.by_name("b"))
    host.send_now(WaitUntilReturned, number=3, result=waits(taking))
    host.commit()
    host.check()

    host.send_now(ExecuteReturned, number=3, result=decides(Movement(DEAD_END)))
    host.commit()

    host.check()
    assert host.latest().record.states[2].waiting.emptied == (True, True)
