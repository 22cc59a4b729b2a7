"""The table event -> rule, then settling to a fixed point."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, get_args

from iwf_py.core import calls, opening, outside, resetting, rpcs, timers
from iwf_py.core.closing import closed_error, time_out
from iwf_py.core.effects import Accepted, Answer, Dropped, Refused
from iwf_py.core.events import (
    DEADLINE,
    RUN_TIMERS,
    AttemptsExhausted,
    AttributesSet,
    ConfigUpdated,
    Event,
    ExecuteReturned,
    Published,
    RpcAsked,
    RpcFailed,
    RpcReturned,
    RunReset,
    Signalled,
    Started,
    StopRequested,
    TimerFired,
    TimerSkipped,
    WaitUntilReturned,
)
from iwf_py.core.record import Record
from iwf_py.core.settling import settle
from iwf_py.core.step import Step, Turn
from iwf_py.errors import TransitionError
from iwf_py.model.status import WorkflowStopType

__all__ = ["Turn", "advance"]


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
    if isinstance(event, RunReset):
        return resetting.go_on(record, event)
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
            return timers.skip_on_closed(record, event)
        case _:
            return Refused(closed_error(record))


_RULES: dict[type, Callable[[Step, Any], Answer]] = {
    WaitUntilReturned: calls.wait_until_returned,
    ExecuteReturned: calls.execute_returned,
    AttemptsExhausted: calls.attempts_exhausted,
    TimerFired: timers.fire,
    TimerSkipped: timers.skip,
    Signalled: outside.signal,
    Published: outside.publish,
    RpcAsked: rpcs.ask,
    RpcReturned: rpcs.answer,
    RpcFailed: rpcs.fail,
    AttributesSet: outside.set_attributes,
    ConfigUpdated: outside.update_config,
    StopRequested: outside.stop,
}
assert set(_RULES) | {Started, RunReset} == set(get_args(Event)), "every event has its rule"
