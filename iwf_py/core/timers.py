"""Timers: they fire when they are due, or a client skips them.

A timer may fire late, never early; one whose state has gone on is dropped.
"""

from __future__ import annotations

from iwf_py.core.changes import DelayEnded, TimerCompleted
from iwf_py.core.closing import closed_error
from iwf_py.core.effects import Accepted, Answer, Dropped, Refused
from iwf_py.core.events import DEADLINE, RUN_TIMERS, START_DELAY, TimerFired, TimerSkipped
from iwf_py.core.record import Record
from iwf_py.core.step import Step
from iwf_py.errors import ClientSideError, TransitionError
from iwf_py.model.status import Phase


def _no_such_timer(event: TimerSkipped) -> Answer:
    timer = f"with id {event.command_id!r}" if event.command_id else f"at index {event.index}"
    return Refused(
        ClientSideError(
            "invalid request - requested timer command doesn't exist: "
            f"{event.state_execution_id} does not wait for a timer {timer}"
        )
    )


def fire(step: Step, event: TimerFired) -> Answer:
    """Complete a timer that is due; the run's own ones end its delay (its deadline was seen to before any rule)."""
    if event.number == RUN_TIMERS:
        return _fire_of_run(step, event)
    state = step.draft.states.get(event.number)
    if state is None or state.phase is not Phase.WAITING or state.waiting is None:
        return Dropped()
    waiting = state.waiting
    if not 0 <= event.index < len(waiting.due):
        raise TransitionError(f"{state.execution_id} has no timer {event.index}")
    if waiting.timers[event.index] is not None:
        return Dropped()
    if event.at < waiting.due[event.index]:
        raise TransitionError(f"timer {event.index} of {state.execution_id} fired early")
    # Settling completes it, with whatever else of this state is due by now.
    step.states.add(event.number)
    return Accepted()


def _fire_of_run(step: Step, event: TimerFired) -> Answer:
    draft = step.draft
    if event.index == DEADLINE:
        # One that has come was seen to before any rule was asked.
        if draft.chain.deadline is not None:
            raise TransitionError(f"the deadline of run {draft.started.run_id} fired early")
        return Dropped()
    if event.index != START_DELAY:
        raise TransitionError(f"a run has no timer {event.index}")
    if draft.starts_at is None:
        return Dropped()
    if event.at < draft.starts_at:
        raise TransitionError(f"the start delay of run {draft.started.run_id} ended early")
    step.change(DelayEnded())
    step.entering.extend((number, draft.states[number].first_phase) for number in draft.states)
    return Accepted()


def _skip_problem(event: TimerSkipped) -> ClientSideError | None:
    if not event.command_id and event.index is None:
        return ClientSideError("invalid request - must provide either a timerCommandId or index")
    return None


def skip(step: Step, event: TimerSkipped) -> Answer:
    """
    Complete a timer command before its time.

    By id it is the first one of that id that is not over; when all of them are, there is nothing to do. By index it must not be over.

    Source:
        The iWF protocol's section on timer/skip.
    """
    problem = _skip_problem(event)
    if problem is not None:
        return Refused(problem)
    number = step.draft.timed.get(event.state_execution_id)
    if number is None:
        return _no_such_timer(event)
    waiting = step.draft.states[number].waiting
    assert waiting is not None
    if event.command_id:
        named = [at for at, timer in enumerate(waiting.commands.timers) if timer.command_id == event.command_id]
        pending = [at for at in named if waiting.timers[at] is None]
        if not pending:
            return Accepted() if named else _no_such_timer(event)
        index = pending[0]
    else:
        assert event.index is not None
        index = event.index
        if not 0 <= index < len(waiting.timers) or waiting.timers[index] is not None:
            return _no_such_timer(event)
    step.change(TimerCompleted(number=number, index=index, skipped=True))
    step.states.add(number)
    return Accepted()


def skip_on_closed(record: Record, event: TimerSkipped) -> Answer:
    """Refuse a skip on a closed run; a timer that did not wait when it closed is the argument's fault all the same."""
    problem = _skip_problem(event)
    if problem is not None:
        return Refused(problem)
    assert record.closed is not None
    for execution_id, index, command_id in record.closed.waiting_timers:
        if execution_id == event.state_execution_id and (
            command_id == event.command_id if event.command_id else index == event.index
        ):
            return Refused(closed_error(record))
    return _no_such_timer(event)
