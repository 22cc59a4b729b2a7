"""The table event -> rule, then settling to a fixed point."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, get_args

from iwf_py.core import opening, rpcs
from iwf_py.core.changes import DelayEnded, StateWaiting, TimerCompleted
from iwf_py.core.closing import close, closed_error, decide, fail_user_code, time_out
from iwf_py.core.effects import Accepted, Answer, Dropped, Refused
from iwf_py.core.events import (
    DEADLINE,
    RUN_TIMERS,
    START_DELAY,
    AttemptsExhausted,
    AttributesSet,
    Event,
    ExecuteReturned,
    Published,
    RpcAsked,
    RpcFailed,
    RpcReturned,
    Signalled,
    Started,
    StopRequested,
    TimerFired,
    TimerSkipped,
    WaitUntilReturned,
)
from iwf_py.core.record import LiveState, Record
from iwf_py.core.settling import settle
from iwf_py.core.states import begin_waiting, leave, open_state
from iwf_py.core.step import Step, Turn
from iwf_py.core.waiting import instants
from iwf_py.core.writing import (
    append,
    attributes_problem,
    problem_with,
    publications_problem,
    room_problem,
    write,
    write_attributes,
)
from iwf_py.errors import ClientSideError, HttpError, InvalidArgumentError, TransitionError
from iwf_py.model.commands import CommandRequest
from iwf_py.model.decisions import Movement
from iwf_py.model.ids import check_name
from iwf_py.model.status import ChannelFamily, Phase, WorkflowErrorType, WorkflowStatus, WorkflowStopType

__all__ = ["Turn", "advance"]

NO_SUCH_TIMER = "invalid request - requested timer command doesn't exist"


def advance(record: Record | None, event: Event) -> Turn:
    """
    Tell what *event* makes of *record*.

    Args:
        record: The run; for `Started` the latest run of its workflow id, or None.

        event: Its time is not before the record's last.

    Errors:
        TransitionError: The event is one that no host may send.
    """
    if isinstance(event, Started):
        return opening.start(record, event)
    if record is None:
        raise TransitionError(f"{type(event).__name__} needs a run")
    if event.at < record.last_at:
        raise TransitionError(f"{type(event).__name__} at {event.at} is before the last turn of run {record.run_id}")
    if record.closed is not None:
        return Turn(record, (), (), _on_closed(record, event))
    step = Step(record, event.at)
    deadline = record.chain.deadline
    if deadline is not None and event.at >= deadline:
        time_out(step)
        turn = step.turn(record, Accepted())
        assert turn.record is not None
        is_deadline = isinstance(event, TimerFired) and (event.number, event.index) == (RUN_TIMERS, DEADLINE)
        answer = Accepted() if is_deadline else _on_closed(turn.record, event)
        return Turn(turn.record, turn.changes, turn.effects, answer)
    answer = _RULES[type(event)](step, event)
    settle(step)
    return step.turn(record, answer)


def _on_closed(record: Record, event: Event) -> Answer:
    """Answer an event that a closed run cannot take: an inner one is dropped, a client's is refused."""
    match event:
        case WaitUntilReturned() | ExecuteReturned() | AttemptsExhausted() | TimerFired() | RpcFailed():
            return Dropped()
        case RpcReturned(number=int()):
            return Dropped()
        case RpcReturned() if event.result.is_read_only:
            return Accepted()
        case StopRequested(stop_type=WorkflowStopType.CANCEL):
            return Accepted()
        case TimerSkipped():
            return Refused(_skip_problem(event) or _skip_on_closed(record, event))
        case _:
            return Refused(closed_error(record))


def _skip_on_closed(record: Record, event: TimerSkipped) -> HttpError:
    assert record.closed is not None
    for execution_id, index, command_id in record.closed.waiting_timers:
        if execution_id == event.state_execution_id and (
            command_id == event.command_id if event.command_id else index == event.index
        ):
            return closed_error(record)
    return ClientSideError(NO_SUCH_TIMER)


def _outstanding(step: Step, number: int, phase: Phase) -> LiveState | None:
    """Find the state whose call of *phase* is outstanding; None when that is over."""
    state = step.draft.states.get(number)
    return state if state is not None and state.phase is phase and state.is_invoked else None


def _wait_until_returned(step: Step, event: WaitUntilReturned) -> Answer:
    state = _outstanding(step, event.number, Phase.WAIT_UNTIL)
    if state is None:
        return Dropped()
    result = event.result
    problem = problem_with(step, result.writes)
    if problem is not None:
        fail_user_code(step, f"{state.execution_id}: {problem.detail}")
        return Accepted()
    write(step, result.writes)
    begin_waiting(
        step,
        state,
        StateWaiting(
            number=event.number,
            commands=result.commands,
            due=instants(result.commands, event.at),
            locals=result.locals,
        ),
    )
    return Accepted()


def _execute_returned(step: Step, event: ExecuteReturned) -> Answer:
    state = _outstanding(step, event.number, Phase.EXECUTE)
    if state is None:
        return Dropped()
    decision = event.result.decision
    if not decision.next_states:
        raise TransitionError(f"{state.execution_id} decided nothing: the judge calls that a failed attempt")
    problem = problem_with(step, event.result.writes)
    if problem is not None:
        fail_user_code(step, f"{state.execution_id}: {problem.detail}")
        return Accepted()
    write(step, event.result.writes)
    decide(step, state, decision)
    return Accepted()


def _attempts_exhausted(step: Step, event: AttemptsExhausted) -> Answer:
    state = _outstanding(step, event.number, event.phase)
    if state is None:
        return Dropped()
    options, failure = state.options, event.failure
    if event.phase is Phase.WAIT_UNTIL and options.proceed_on_wait_until_failure:
        begin_waiting(
            step, state, StateWaiting(number=event.number, commands=CommandRequest(), wait_until_succeeded=False)
        )
    elif event.phase is Phase.EXECUTE and options.failure_state_id:
        leave(step, state, succeeded=False)
        movement = Movement(options.failure_state_id, state.origin.input, options.failure_state_options)
        open_state(step, movement, failure)
    else:
        method = "wait_until" if event.phase is Phase.WAIT_UNTIL else "execute"
        attempts = "1 attempt" if failure.attempts == 1 else f"{failure.attempts} attempts"
        close(
            step,
            WorkflowStatus.FAILED,
            WorkflowErrorType.STATE_API_FAIL_ERROR_TYPE,
            f"{method} of {state.execution_id} failed after {attempts}: {failure.error_type}: {failure.message}",
        )
    return Accepted()


def _timer_fired(step: Step, event: TimerFired) -> Answer:
    if event.number == RUN_TIMERS:
        return _run_timer_fired(step, event)
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


def _run_timer_fired(step: Step, event: TimerFired) -> Answer:
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


def _timer_skipped(step: Step, event: TimerSkipped) -> Answer:
    problem = _skip_problem(event)
    if problem is not None:
        return Refused(problem)
    number = step.draft.timed.get(event.state_execution_id)
    if number is None:
        return Refused(ClientSideError(NO_SUCH_TIMER))
    waiting = step.draft.states[number].waiting
    assert waiting is not None
    if event.command_id:
        named = [at for at, timer in enumerate(waiting.commands.timers) if timer.command_id == event.command_id]
        pending = [at for at in named if waiting.timers[at] is None]
        if not pending:
            return Accepted() if named else Refused(ClientSideError(NO_SUCH_TIMER))
        index = pending[0]
    else:
        assert event.index is not None
        index = event.index
        if not 0 <= index < len(waiting.timers) or waiting.timers[index] is not None:
            return Refused(ClientSideError(NO_SUCH_TIMER))
    step.change(TimerCompleted(number=number, index=index, skipped=True))
    step.states.add(number)
    return Accepted()


def _signalled(step: Step, event: Signalled) -> Answer:
    key = ChannelFamily.SIGNAL, event.channel_name
    problem = _name_problem(step, key) or room_problem(step, key, 1, 1)
    if problem is not None:
        return Refused(problem)
    append(step, ChannelFamily.SIGNAL, event.channel_name, event.value)
    return Accepted()


def _published(step: Step, event: Published) -> Answer:
    for message in event.messages:
        problem = _name_problem(step, (ChannelFamily.INTERNAL, message.channel_name))
        if problem is not None:
            return Refused(problem)
    full = publications_problem(step, event.messages)
    if full is not None:
        return Refused(full)
    for message in event.messages:
        append(step, ChannelFamily.INTERNAL, message.channel_name, message.value)
    return Accepted()


def _name_problem(step: Step, key: tuple[ChannelFamily, str]) -> HttpError | None:
    # The name of a channel that exists was looked at before.
    if key in step.draft.channels:
        return None
    try:
        check_name("channel name", key[1])
    except InvalidArgumentError as error:
        return ClientSideError(str(error))
    return None


def _attributes_set(step: Step, event: AttributesSet) -> Answer:
    try:
        for key, _ in event.attributes:
            check_name("attribute key", key)
        for attribute in event.search_attributes:
            check_name("search attribute key", attribute.key)
    except InvalidArgumentError as error:
        return Refused(ClientSideError(str(error)))
    problem = attributes_problem(step, event.attributes, event.search_attributes)
    if problem is not None:
        return Refused(problem)
    write_attributes(step, event.attributes, event.search_attributes)
    return Accepted()


def _stop_requested(step: Step, event: StopRequested) -> Answer:
    if event.stop_type is WorkflowStopType.FAIL:
        # An empty reason is none.
        close(
            step,
            WorkflowStatus.FAILED,
            WorkflowErrorType.CLIENT_API_FAILING_WORKFLOW_ERROR_TYPE,
            event.reason or None,
        )
    elif event.stop_type is WorkflowStopType.TERMINATE:
        close(step, WorkflowStatus.TERMINATED)
    else:
        close(step, WorkflowStatus.CANCELED)
    return Accepted()


_RULES: dict[type, Callable[[Step, Any], Answer]] = {
    WaitUntilReturned: _wait_until_returned,
    ExecuteReturned: _execute_returned,
    AttemptsExhausted: _attempts_exhausted,
    TimerFired: _timer_fired,
    TimerSkipped: _timer_skipped,
    Signalled: _signalled,
    Published: _published,
    RpcAsked: rpcs.ask,
    RpcReturned: rpcs.answer,
    RpcFailed: rpcs.fail,
    AttributesSet: _attributes_set,
    StopRequested: _stop_requested,
}
assert set(_RULES) | {Started} == set(get_args(Event)), "every event has its rule"
