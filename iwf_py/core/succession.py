"""The turns that one event brings: its own, and those of the runs that follow from it.

Pure. A run that closes may be followed by its retry, by the run that replaced it, or by the next one of its
schedule. Whatever follows opens in the same breath, and hosts store all of it in one transaction, so that a
crash can neither lose a successor nor make two. A calendar is the host's: here it is but a function.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from attrs import evolve

from iwf_py.core.advance import advance
from iwf_py.core.effects import Answer, Refused
from iwf_py.core.events import DEADLINE, RUN_TIMERS, Event, Started, TimerFired
from iwf_py.core.opening import own_chain, request_problem
from iwf_py.core.record import Record
from iwf_py.core.step import Turn
from iwf_py.errors import ClientSideError, HttpError, InvalidArgumentError, TransitionError
from iwf_py.model.ids import successor_run_id
from iwf_py.model.options import CronSchedule
from iwf_py.model.status import WorkflowStatus

# As `ports.Calendar.next_tick`.
NextTick = Callable[[CronSchedule, datetime], datetime | None]

# Whoever cancels or terminates a run ends its schedule with it.
_GOES_ON = (WorkflowStatus.COMPLETED, WorkflowStatus.FAILED, WorkflowStatus.TIMEOUT)

Turns = list[tuple[Turn, Event]]


def turns_of(record: Record | None, event: Event, next_tick: NextTick) -> tuple[Answer, Turns]:
    """
    Take the turn of *event*, and of each run that follows.

    Args:
        record: As for `advance`.

        next_tick: The first tick of a schedule that is later than an instant, or None; InvalidArgumentError for no schedule.

    Returns:
        The answer to *event*, and the turns with the events that they are of, in order.

    Errors:
        TransitionError: As of `advance`; or the schedule of a run that closes cannot be read any more.
    """
    if isinstance(event, Started):
        return _start(record, event, next_tick)
    turn = advance(record, event)
    turns: Turns = [(turn, event)]
    _follow(turns, next_tick)
    return turn.answer, turns


def _start(record: Record | None, event: Started, next_tick: NextTick) -> tuple[Answer, Turns]:
    turns: Turns = []
    if event.request.cron is not None and event.tick is None:
        timed = _with_first_tick(event, event.request.cron, next_tick)
        if isinstance(timed, HttpError):
            return Refused(timed), turns
        event = timed
    if record is not None and _is_overdue(record, event.at):
        # Its deadline may come by this start or by its timer, a moment later: the schedule goes on either way.
        deadline = TimerFired(at=event.at, number=RUN_TIMERS, index=DEADLINE)
        turns.append((advance(record, deadline), deadline))
        _follow(turns, next_tick)
        record = turns[-1][0].record
    turn = advance(record, event)
    turns.append((turn, event))
    _follow(turns, next_tick)
    return turn.answer, turns


def _with_first_tick(event: Started, cron: CronSchedule, next_tick: NextTick) -> Started | HttpError:
    """Give a start the tick that its run waits for: the first one after a delay that was asked for."""
    problem = request_problem(event.request, event.at)
    if problem is not None:
        return problem
    try:
        tick = next_tick(cron, event.at + event.request.start_delay)
    except InvalidArgumentError as error:
        return ClientSideError(str(error))
    if tick is None:
        return ClientSideError(f"cron expression {cron.expression!r} names no instant that is still to come")
    return evolve(event, tick=tick)


def _is_overdue(record: Record, now: datetime) -> bool:
    """Is this an open run of a schedule whose deadline has come?"""
    return (
        record.closed is None
        and record.started.request.cron is not None
        and record.deadline is not None
        and now >= record.deadline
    )


def _follow(turns: Turns, next_tick: NextTick) -> None:
    """Open what follows from the last turn, and from that."""
    turn, _ = turns[-1]
    # Only the turn that closes a run changes a record that is closed.
    while turn.changes and turn.record is not None and turn.record.closed is not None:
        event = _following(turn.record, next_tick)
        if event is None:
            return
        turn = advance(None, event)
        turns.append((turn, event))


def _following(record: Record, next_tick: NextTick) -> Started | None:
    if record.successor is not None:
        return record.successor.next
    cron = record.started.request.cron
    if cron is None or record.status not in _GOES_ON:
        return None
    try:
        tick = next_tick(cron, done_until(record))
    except InvalidArgumentError as error:
        raise TransitionError(f"the schedule of run {record.run_id} cannot go on: {error}") from error
    return None if tick is None else next_run(record, tick)


def done_until(record: Record) -> datetime:
    """Tell the instant after which a closed run's schedule goes on: its end, or its own tick where it did not live to see it."""
    assert record.closed is not None
    tick = record.started.tick
    return record.closed.at if tick is None else max(record.closed.at, tick)


def next_run(record: Record, tick: datetime) -> Started:
    """Make the start of the run that follows a closed one of a schedule, and begins at *tick*."""
    assert record.closed is not None
    event = Started(
        at=record.closed.at,
        request=evolve(record.started.request, start_delay=timedelta(0)),
        run_id=successor_run_id(record.run_id, record.closed.at),
        tick=tick,
    )
    return evolve(event, chain=evolve(own_chain(event), previous_run_id=record.run_id, reason="cron"))
