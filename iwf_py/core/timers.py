"""Timers: they fire when they are due, or a client skips them.

A timer may fire late, never early; one whose state has gone on is dropped. A skip may come before its
timer is set: it is kept until the state waits.
"""

from __future__ import annotations

from iwf_py.core.changes import DelayEnded, SkipKept, TimerCompleted
from iwf_py.core.closing import closed_error
from iwf_py.core.effects import Accepted, Answer, Dropped, Refused
from iwf_py.core.events import DEADLINE, RUN_TIMERS, START_DELAY, TimerFired, TimerSkipped
from iwf_py.core.record import Record
from iwf_py.core.skips import MAX_KEPT_SKIPS, MAX_TIMER_INDEX
from iwf_py.core.step import Step
from iwf_py.core.waiting import timer_to_skip
from iwf_py.errors import ClientSideError, HttpError, InvalidArgumentError, TooManyRequestsError, TransitionError
from iwf_py.model.ids import check_name, state_execution_id
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
    Of a state that is to wait and does not yet, the skip is kept until it does.

    Source:
        The iWF protocol's sections on timer/skip and on timers.
    """
    problem = _skip_problem(event)
    if problem is not None:
        return Refused(problem)
    number = step.draft.timed.get(event.state_execution_id)
    if number is None:
        return _keep(step, event) if _will_wait(step, event) else _no_such_timer(event)
    waiting = step.draft.states[number].waiting
    assert waiting is not None
    index = timer_to_skip(waiting, event.command_id, event.index)
    if index is not None:
        step.change(TimerCompleted(number=number, index=index, skipped=True))
        step.states.add(number)
        return Accepted()
    is_named = event.command_id and any(timer.command_id == event.command_id for timer in waiting.commands.timers)
    return Accepted() if is_named else _no_such_timer(event)


def _will_wait(step: Step, event: TimerSkipped) -> bool:
    """Tell whether a state execution that waits for no timer now is still to wait, or, re-applied, may still be opened."""
    draft, name = step.draft, event.state_execution_id
    if name in draft.coming or not event.is_reapplied:
        return name in draft.coming
    state_id, _, digits = name.rpartition("-")
    # No run opens so many states that 18 digits would not do.
    ordinal = int(digits) if digits.isdecimal() and digits.isascii() and len(digits) <= 18 else 0
    return state_execution_id(state_id, ordinal) == name and ordinal > draft.ordinals.get(state_id, 0)


def _keep(step: Step, event: TimerSkipped) -> Answer:
    problem = _keeping_problem(step, event)
    if problem is not None:
        return Refused(problem)
    step.change(
        SkipKept(
            state_execution_id=event.state_execution_id,
            number=step.order(),
            command_id=event.command_id or None,
            index=None if event.command_id else event.index,
        )
    )
    return Accepted()


def _keeping_problem(step: Step, event: TimerSkipped) -> HttpError | None:
    """Say what keeps a skip from being kept: a name or a place that no timer can have, or a run that keeps too many."""
    try:
        check_name("state execution id", event.state_execution_id)
        if event.command_id:
            check_name("command id", event.command_id)
    except InvalidArgumentError as error:
        return ClientSideError(str(error))
    if not event.command_id and not 0 <= (event.index or 0) < MAX_TIMER_INDEX:
        return ClientSideError(f"no state execution has a timer at index {event.index}; the first one has index 0")
    if step.draft.skips.count >= MAX_KEPT_SKIPS:
        request = step.draft.started.request
        return TooManyRequestsError(
            f"workflow {request.workflow_id!r} (run {step.draft.started.run_id}) keeps {MAX_KEPT_SKIPS} skips of timers "
            "whose states do not wait yet; try again when some of them do"
        )
    return None


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
