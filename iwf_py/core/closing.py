"""How a run ends, and what a decision makes of it.

Graceful, forced, failed, dead end, closed if channels are empty; by a client, or by its deadline.
A run that failed is followed by another when its retry policy says so.
"""

from __future__ import annotations

from datetime import datetime

from attrs import evolve

from iwf_py.core.changes import ExecutionClosed, GracefulCloseRequested, SkipsReleased, Succeeded
from iwf_py.core.channels import ChannelSizes
from iwf_py.core.draft import VOID
from iwf_py.core.effects import Closed, Refuse
from iwf_py.core.events import Started
from iwf_py.core.listing import listed
from iwf_py.core.record import LiveState, Record
from iwf_py.core.states import MAX_OPEN_STATES, leave, open_state
from iwf_py.core.step import Step
from iwf_py.errors import WorkflowNotExistsError
from iwf_py.model.decisions import (
    FORCE_COMPLETING,
    FORCE_FAILING,
    GRACEFUL_COMPLETING,
    SYSTEM_STATE_IDS,
    ConditionalClose,
    Decision,
    Movement,
)
from iwf_py.model.ids import successor_run_id
from iwf_py.model.options import Chain
from iwf_py.model.status import (
    ChannelFamily,
    WorkflowConditionalCloseType,
    WorkflowErrorType,
    WorkflowStatus,
)

MIXED_DECISION = "invalid state decisions. Closing workflow decision cannot be combined with other state decisions"


def closed_error(record: Record) -> WorkflowNotExistsError:
    """Say that a run is closed, to whoever wants one that is open."""
    workflow_id, run_id = record.started.request.workflow_id, record.started.run_id
    return WorkflowNotExistsError(
        f"workflow {workflow_id!r} (run {run_id}) is closed, {record.status.value}; start it again to go on",
        workflow_id=workflow_id,
        run_id=run_id,
    )


def close(
    step: Step, status: WorkflowStatus, error_type: WorkflowErrorType | None = None, error_message: str | None = None
) -> None:
    """Close the run, and with it all that is open in it; a failed one may be followed by its retry."""
    draft = step.draft
    rpcs = sorted(draft.rpcs)
    delayed_until = draft.starts_at if draft.started.rules >= 2 else None
    if draft.skips.count:
        step.change(SkipsReleased())
    step.change(
        ExecutionClosed(
            at=step.at,
            status=status,
            error_type=error_type,
            error_message=None if error_message is None else _storable(error_message),
            executing=tuple(draft.states[number].execution_id for number in sorted(draft.states)),
            waiting_timers=_waiting_timers(step),
            channel_sizes=tuple((*key, size) for key, size in ChannelSizes(draft.channels).items()),
            executing_state_ids=listed(draft.config, draft.states),
        )
    )
    workflow_id, run_id = draft.started.request.workflow_id, draft.started.run_id
    for number in rpcs:
        error = WorkflowNotExistsError(
            f"workflow {workflow_id!r} (run {run_id}) was closed while the RPC ran; nothing of it was written",
            workflow_id=workflow_id,
            run_id=run_id,
        )
        step.effects.append(Refuse(number, error))
    step.effects.append(Closed())
    if status is WorkflowStatus.FAILED:
        _retry(step, delayed_until)


def _storable(text: str) -> str:
    """Write lone surrogates out, which no database keeps: a client's reason may hold any."""
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode()


def _waiting_timers(step: Step) -> tuple[tuple[str, int, str | None], ...]:
    """List what a client could still have skipped, oldest state first."""
    found: list[tuple[str, int, str | None]] = []
    for number in sorted(step.draft.timed.values()):
        state = step.draft.states[number]
        waiting = state.waiting
        assert waiting is not None
        for index, status in enumerate(waiting.timers):
            if status is None:
                found.append((state.execution_id, index, waiting.commands.timers[index].command_id))
    return tuple(found)


def _retry(step: Step, delayed_until: datetime | None) -> None:
    """Have another run follow a failed one, unless its attempts or the deadline of its chain forbid.

    Args:
        delayed_until: Where it failed within its start delay, the end of that: the retry does not begin before.
    """
    started, chain = step.draft.started, step.draft.chain
    policy = started.request.retry
    if policy is None or (policy.maximum_attempts and chain.run_attempt >= policy.maximum_attempts):
        return
    delay = policy.interval(chain.run_attempt)
    if delayed_until is not None:
        delay = max(delay, delayed_until - step.at)
    if chain.deadline is not None and step.at + delay >= chain.deadline:
        return
    successor = Started(
        at=step.at,
        request=evolve(started.request, start_delay=delay),
        run_id=successor_run_id(started.run_id, step.at),
        chain=Chain(
            first_run_id=chain.first_run_id,
            run_attempt=chain.run_attempt + 1,
            deadline=chain.deadline,
            previous_run_id=started.run_id,
            reason="retry",
        ),
        rules=started.rules,
        tick=started.tick,
    )
    step.change(Succeeded(next=successor, is_retry=True))


def fail_user_code(step: Step, message: str) -> None:
    """Close the run because its own code asked for something that cannot be done."""
    close(step, WorkflowStatus.FAILED, WorkflowErrorType.INVALID_USER_WORKFLOW_CODE_ERROR_TYPE, message)


def decide(step: Step, state: LiveState, decision: Decision) -> None:
    """
    Carry out what a state decided, after its writes were applied.

    Source:
        The iWF protocol's section on decisions.
    """
    condition = decision.conditional_close
    movements = decision.next_states
    if condition is not None:
        if _is_met(step, state, condition):
            _close_by_condition(step, state, condition)
            return
        for movement in movements:
            if movement.state_id in SYSTEM_STATE_IDS:
                fail_user_code(step, f"invalid ConditionUnmetDecision with stateId: {movement.state_id}")
                return
    elif any(movement.state_id in SYSTEM_STATE_IDS for movement in movements):
        _end_thread(step, state, movements)
        return
    _move(step, state, movements)


def _move(step: Step, state: LiveState, movements: tuple[Movement, ...]) -> None:
    if len(step.draft.states) - 1 + len(movements) > MAX_OPEN_STATES:
        fail_user_code(
            step,
            f"{state.execution_id} would open {len(movements)} states; at most {MAX_OPEN_STATES} may be open in one run",
        )
        return
    leave(step, state)
    for movement in movements:
        open_state(step, movement)


def _end_thread(step: Step, state: LiveState, movements: tuple[Movement, ...]) -> None:
    for movement in movements:
        # Among others or alone, failing wins.
        if movement.state_id == FORCE_FAILING:
            leave(step, state, output=movement.input)
            close(step, WorkflowStatus.FAILED, WorkflowErrorType.STATE_DECISION_FAILING_WORKFLOW_ERROR_TYPE)
            return
    if len(movements) > 1:
        fail_user_code(step, MIXED_DECISION)
        return
    kind, output = movements[0].state_id, movements[0].input
    if kind == GRACEFUL_COMPLETING:
        leave(step, state, output=output)
        request_graceful_close(step)
    elif kind == FORCE_COMPLETING:
        leave(step, state, output=output)
        close(step, WorkflowStatus.COMPLETED)
    else:
        leave(step, state)


def request_graceful_close(step: Step) -> None:
    """Have the run complete once no state is left."""
    if not step.draft.is_closing:
        step.change(GracefulCloseRequested())


def _close_by_condition(step: Step, state: LiveState, condition: ConditionalClose) -> None:
    leave(step, state, output=condition.output)
    if condition.close_type is WorkflowConditionalCloseType.GRACEFUL_COMPLETE_ON_ALL_CHANNELS_EMPTY:
        request_graceful_close(step)
    else:
        close(step, WorkflowStatus.COMPLETED)


def _is_met(step: Step, state: LiveState, condition: ConditionalClose) -> bool:
    """
    Tell whether the channels are empty.

    Messages that other states took and have not finished count; what the deciding state took itself does not.
    """
    draft = step.draft
    hands = () if state.waiting is None else tuple(zip(state.waiting.channels, state.waiting.taken, strict=True))
    if condition.close_type is WorkflowConditionalCloseType.GRACEFUL_COMPLETE_ON_ALL_CHANNELS_EMPTY:
        return draft.unconsumed == 0 and draft.in_flight == sum(len(hand) for _, hand in hands)
    is_signal = condition.close_type is WorkflowConditionalCloseType.FORCE_COMPLETE_ON_SIGNAL_CHANNEL_EMPTY
    key = ChannelFamily.SIGNAL if is_signal else ChannelFamily.INTERNAL, condition.channel_name
    channel = draft.channels.get(key, VOID)
    own = sum(len(hand) for command, hand in hands if (command.family, command.channel_name) == key)
    return not len(channel.messages) and channel.in_flight == own


def complete_if_done(step: Step) -> None:
    """Complete a run whose graceful close was asked for, when no state is left."""
    if step.draft.is_closing and not len(step.draft.states):
        close(step, WorkflowStatus.COMPLETED)


def time_out(step: Step) -> None:
    """Close the run because its deadline has come."""
    close(step, WorkflowStatus.TIMEOUT)
