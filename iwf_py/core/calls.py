"""A call of user code is over: it returned, or its attempts are exhausted.

An outcome for a call that is not outstanding any more is dropped. What a state wrote is applied in
the same turn in which its locks are freed, so that no other holder reads in between.
"""

from __future__ import annotations

from iwf_py.core.changes import StateWaiting
from iwf_py.core.closing import close, decide, fail_user_code
from iwf_py.core.effects import Accepted, Answer, Dropped
from iwf_py.core.events import AttemptsExhausted, ExecuteReturned, WaitUntilReturned
from iwf_py.core.record import LiveState
from iwf_py.core.states import begin_waiting, leave, open_state
from iwf_py.core.step import Step
from iwf_py.core.waiting import instants
from iwf_py.core.writing import problem_with, write
from iwf_py.errors import TransitionError
from iwf_py.model.commands import CommandRequest
from iwf_py.model.decisions import Movement
from iwf_py.model.invocations import Failure
from iwf_py.model.status import Phase, WorkflowErrorType, WorkflowStatus


def _outstanding(step: Step, number: int, phase: Phase) -> LiveState | None:
    """Find the state whose call of *phase* is outstanding; None when that is over."""
    state = step.draft.states.get(number)
    return state if state is not None and state.phase is phase and state.is_invoked else None


def wait_until_returned(step: Step, event: WaitUntilReturned) -> Answer:
    """Apply what wait_until wrote, and let the state wait for its commands."""
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


def execute_returned(step: Step, event: ExecuteReturned) -> Answer:
    """Apply what execute wrote, and carry out what it decided."""
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


def attempts_exhausted(step: Step, event: AttemptsExhausted) -> Answer:
    """
    Go on without wait_until, or in the failure state, where the options say so; else the run fails.

    Source:
        The iWF protocol's section on failure policies.
    """
    state = _outstanding(step, event.number, event.phase)
    if state is None:
        return Dropped()
    options, failure = state.options, event.failure
    if failure.is_invalid_code:
        fail_user_code(step, failure.message)
    elif event.phase is Phase.WAIT_UNTIL and options.proceed_on_wait_until_failure:
        begin_waiting(
            step, state, StateWaiting(number=event.number, commands=CommandRequest(), wait_until_succeeded=False)
        )
    elif event.phase is Phase.EXECUTE and options.failure_state_id:
        leave(step, state, succeeded=False)
        movement = Movement(options.failure_state_id, state.origin.input, options.failure_state_options)
        open_state(step, movement, failure)
    else:
        message = _failure_message(state, event.phase, failure)
        close(step, WorkflowStatus.FAILED, WorkflowErrorType.STATE_API_FAIL_ERROR_TYPE, message)
    return Accepted()


def _failure_message(state: LiveState, phase: Phase, failure: Failure) -> str:
    if not failure.error_type:
        return failure.message
    method = "wait_until" if phase is Phase.WAIT_UNTIL else "execute"
    attempts = "1 attempt" if failure.attempts == 1 else f"{failure.attempts} attempts"
    return f"{method} of {state.execution_id} failed after {attempts}: {failure.error_type}: {failure.message}"
