"""What follows an attempt: accept it, try again at, or exhausted. The one place that judges.

Pure. Hosts store and schedule; a retry writes no history.
"""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta

from attrs import evolve, frozen

from iwf_py.core.channels import MAX_CHANNEL_MESSAGES
from iwf_py.core.events import AttemptsExhausted, ExecuteReturned, WaitUntilReturned
from iwf_py.core.record import LiveState, Record
from iwf_py.core.states import MAX_NEXT_STATES
from iwf_py.core.waiting import is_instant
from iwf_py.model.commands import CommandRequest, combination_problems
from iwf_py.model.decisions import Decision
from iwf_py.model.durations import MAX_DURATION
from iwf_py.model.invocations import ExecuteResult, Failed, Failure, Outcome, WaitUntilResult
from iwf_py.model.status import Phase

EMPTY_DECISION = (
    "empty state decision is no longer supported. If it's from old SDKs then upgrade the SDK to newer versions"
)
MAX_COMMANDS = 1_000


@frozen(kw_only=True)
class TaskState:
    """
    What a host keeps of one outstanding call of a state, beside the record.

    Attributes:
        number: The state execution's number.

        phase: WAIT_UNTIL or EXECUTE.

        epoch: Of the engine that owns it.

        failures: Attempts that failed; the current attempt is one more.

        recoveries: How often it was given out again because an engine ended; not failures.

        first_at: When the first attempt began.

        due_at: When the next attempt may begin; None when it may at once.

        last_failure: The latest, or None.
    """

    number: int
    phase: Phase
    epoch: int
    first_at: datetime
    failures: int = 0
    recoveries: int = 0
    due_at: datetime | None = None
    last_failure: Failure | None = None

    @property
    def attempt(self) -> int:
        """What users see and fences carry."""
        return self.failures + 1


@frozen
class Accept:
    """The outcome counts: advance the run with *event*."""

    event: WaitUntilReturned | ExecuteReturned


@frozen
class RetryAt:
    """The attempt failed; the next one may begin at *instant*."""

    instant: datetime
    failure: Failure


@frozen
class Exhausted:
    """The attempt failed and no other may be made: advance the run with *event*."""

    event: AttemptsExhausted


Judgement = Accept | RetryAt | Exhausted


def judge(task: TaskState, record: Record, outcome: Outcome, now: datetime) -> Judgement:
    """
    Tell what follows from one attempt of a state's call.

    An outcome of the wrong kind, or with content that cannot be used, is a failed attempt like one that raised: a corrected
    deploy heals it. A state that has left meanwhile is no matter: the run drops the event.

    Source:
        The iWF protocol's section on attempts; its checklist, item 12: an attempt that could only begin after the run's
        deadline makes the last failure final now.
    """
    problem: str | None
    match outcome:
        case WaitUntilResult() if task.phase is Phase.WAIT_UNTIL:
            problem = commands_problem(outcome.commands)
            if problem is None:
                return Accept(WaitUntilReturned(at=now, number=task.number, result=outcome))
        case ExecuteResult() if task.phase is Phase.EXECUTE:
            problem = decision_problem(outcome.decision)
            if problem is None:
                return Accept(ExecuteReturned(at=now, number=task.number, result=outcome))
        case Failed():
            return _judge_failure(task, record, outcome.failure, now)
        case _:
            problem = f"a call of {task.phase.value} cannot be answered with {type(outcome).__name__}"
    return _judge_failure(task, record, Failure(error_type="InvalidOutcome", message=problem), now)


def commands_problem(commands: CommandRequest) -> str | None:
    """Say what keeps commands from being waited for; None when nothing does."""
    if commands.is_empty:
        return None
    problems = combination_problems(commands)
    if problems and not _may_be_complete(commands):
        return "; ".join(problems)
    if len(commands.command_ids) > MAX_COMMANDS:
        return f"wait_until asked for more than {MAX_COMMANDS} commands"
    for timer in commands.timers:
        if timer.duration is not None and abs(timer.duration) > MAX_DURATION:
            return f"a timer's duration must be between 0 and {MAX_DURATION.days} days, got {timer.duration}"
        if timer.fires_at is not None and not is_instant(timer.fires_at):
            return f"a timer's instant must be an aware datetime that exists in UTC, got {timer.fires_at!r}"
    for channel in commands.channels:
        if not 1 <= channel.at_least <= channel.most:
            return (
                f"a command on channel {channel.channel_name!r} wants at least {channel.at_least} "
                f"and at most {channel.most} messages"
            )
        if channel.at_least > MAX_CHANNEL_MESSAGES:
            return (
                f"a command on channel {channel.channel_name!r} wants {channel.at_least} messages; "
                f"a channel holds {MAX_CHANNEL_MESSAGES}"
            )
    return None


def _may_be_complete(commands: CommandRequest) -> bool:
    """
    Tell whether a combination can be complete beside others that want more commands of an id than there are.

    Source:
        The iWF protocol's section on wait_until: ids must be known; how often one is wanted is not looked at.
    """
    ids = Counter(commands.command_ids)
    is_known = all(ids) and all(set(combination) <= set(ids) for combination in commands.combinations)
    return is_known and any(Counter(combination) <= ids for combination in commands.combinations)


def decision_problem(decision: Decision) -> str | None:
    """Say what keeps a decision from being carried out at all; None when nothing does."""
    if not decision.next_states:
        return EMPTY_DECISION
    if len(decision.next_states) > MAX_NEXT_STATES:
        return f"a decision opens at most {MAX_NEXT_STATES} states, got {len(decision.next_states)}"
    for movement in decision.next_states:
        if not movement.state_id:
            return "a next state has no state id"
    return None


def _judge_failure(task: TaskState, record: Record, failure: Failure, now: datetime) -> RetryAt | Exhausted:
    state = record.states.get(task.number)
    attempts = task.attempt
    failure = evolve(failure, attempts=attempts)
    if state is not None:
        failure = evolve(failure, state_id=state.state_id, state_execution_id=state.execution_id)
        instant = _next_attempt(task, record, state, failure, now)
        if instant is not None:
            return RetryAt(instant, failure)
    return Exhausted(AttemptsExhausted(at=now, number=task.number, phase=task.phase, failure=failure))


def _next_attempt(
    task: TaskState, record: Record, state: LiveState, failure: Failure, now: datetime
) -> datetime | None:
    """Tell when the next attempt may begin; None when there is none."""
    policy = state.call(task.phase).retry
    if failure.is_invalid_code or not failure.is_retryable:
        return None
    if policy.maximum_attempts and failure.attempts >= policy.maximum_attempts:
        return None
    delay = policy.interval(failure.attempts) if failure.retry_after is None else failure.retry_after
    instant = now + min(max(delay, timedelta(0)), MAX_DURATION)
    limit = policy.maximum_attempts_duration_seconds
    if limit and instant >= task.first_at + timedelta(seconds=limit):
        return None
    if record.deadline is not None and instant >= record.deadline:
        return None
    return instant
