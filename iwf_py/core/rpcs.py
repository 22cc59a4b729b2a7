"""An RPC's life: asked, running with its locks, answered or refused.

Only locking RPCs are part of the record, while they run. A non-locking one is an event once it
wrote something.
"""

from __future__ import annotations

from iwf_py.core.changes import EventsRecorded, RpcClosed, RpcOpened
from iwf_py.core.effects import Accepted, Answer, Busy, Dropped, InvokeRpc, Refuse, Refused, Reply
from iwf_py.core.events import RpcAsked, RpcFailed, RpcReturned
from iwf_py.core.record import StoredRpc, rpc_lock_keys
from iwf_py.core.states import MAX_NEXT_STATES, MAX_OPEN_STATES, open_state
from iwf_py.core.step import Step
from iwf_py.core.writing import problem_with, write
from iwf_py.errors import (
    HttpError,
    TooManyRequestsError,
    TransitionError,
    WorkflowRPCAcquiringLockFailure,
    WorkflowRPCExecutionError,
)
from iwf_py.model.decisions import SYSTEM_STATE_IDS
from iwf_py.model.invocations import Failure, RpcResult


def ask(step: Step, event: RpcAsked) -> Answer:
    """Grant a locking RPC its keys, or refuse it when a state has one of them, or put it off behind another RPC."""
    keys = rpc_lock_keys(event.request)
    if not keys:
        raise TransitionError(f"RPC {event.request.rpc_name!r} locks nothing: it is no event before it wrote")
    is_busy = False
    for key in keys:
        queue = step.draft.locks.get(key)
        if queue is None:
            continue
        # Only states queue, so whoever stands behind the first one is a state.
        if queue.first > 0 or len(queue) > 1:
            return Refused(WorkflowRPCAcquiringLockFailure())
        is_busy = True
    if is_busy:
        return Busy()
    step.change(RpcOpened(number=step.seq, request=event.request, ticket=step.order(), at=event.at))
    step.effects.append(InvokeRpc(step.seq))
    return Accepted(step.seq)


def answer(step: Step, event: RpcReturned) -> Answer:
    """Apply what an RPC wrote, all or nothing; of a locking one its caller is told by an effect."""
    if event.number is None:
        error = result_problem(step, event.result)
        if error is not None:
            return Refused(error)
        _apply(step, event.result)
        if not step.changes and event.result.writes.recorded_events:
            step.change(EventsRecorded(count=len(event.result.writes.recorded_events)))
        return Accepted()
    rpc = step.draft.rpcs.get(event.number)
    if rpc is None:
        return Dropped()
    error = result_problem(step, event.result)
    _close(step, rpc)
    if error is None:
        _apply(step, event.result)
        step.effects.append(Reply(event.number, event.result.output))
    else:
        step.effects.append(Refuse(event.number, error))
    return Accepted()


def fail(step: Step, event: RpcFailed) -> Answer:
    """End a locking RPC without effect."""
    rpc = step.draft.rpcs.get(event.number)
    if rpc is None:
        return Dropped()
    _close(step, rpc)
    step.effects.append(Refuse(event.number, failure_error(rpc.request.rpc_name, event.failure)))
    return Accepted()


def failure_error(rpc_name: str, failure: Failure) -> WorkflowRPCExecutionError:
    """Say to an RPC's caller that it failed; for locking and other RPCs alike."""
    if not failure.error_type:
        return WorkflowRPCExecutionError(
            failure.message,
            original_error_type=failure.worker_error_type,
            original_error_detail=failure.detail,
            original_error_status=failure.worker_status,
        )
    return WorkflowRPCExecutionError(
        f"RPC {rpc_name!r} failed, nothing was written: {failure.error_type}: {failure.message}",
        original_error_type=failure.error_type,
        original_error_detail=failure.detail or failure.message,
    )


def result_problem(step: Step, result: RpcResult) -> HttpError | None:
    """Say what keeps an RPC's result from being applied; None when nothing does."""
    movements = result.next_states
    if any(movement.state_id in SYSTEM_STATE_IDS for movement in movements):
        return WorkflowRPCExecutionError("closing workflow in RPC is not supported yet")
    if len(movements) > MAX_NEXT_STATES:
        return WorkflowRPCExecutionError(
            f"the RPC would open {len(movements)} states; at most {MAX_NEXT_STATES} may be opened at once"
        )
    if movements and len(step.draft.states) + len(movements) > MAX_OPEN_STATES:
        return TooManyRequestsError(
            f"the RPC would open {len(movements)} states; at most {MAX_OPEN_STATES} may be open in one run; "
            "try again when some have ended"
        )
    problem = problem_with(step, result.writes)
    if problem is None or isinstance(problem, TooManyRequestsError):
        return problem
    # What does not fit was written by the RPC's code, not by its caller.
    return WorkflowRPCExecutionError(problem.detail, original_error_type="InvalidOutcome")


def _apply(step: Step, result: RpcResult) -> None:
    write(step, result.writes)
    for movement in result.next_states:
        open_state(step, movement)


def _close(step: Step, rpc: StoredRpc) -> None:
    step.freed.extend(rpc_lock_keys(rpc.request))
    step.change(RpcClosed(number=rpc.number))
