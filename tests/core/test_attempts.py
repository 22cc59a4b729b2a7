"""The judge: what follows from one attempt."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from attrs import evolve

from iwf_py.core.attempts import Accept, Exhausted, RetryAt, TaskState, judge
from iwf_py.core.events import AttemptsExhausted, ExecuteReturned, WaitUntilReturned
from iwf_py.model.commands import CommandRequest, InternalChannelCommand, SignalChannelCommand, TimerCommand
from iwf_py.model.decisions import Decision, Movement
from iwf_py.model.invocations import ExecuteResult, Failed, Failure, Outcome, RpcResult, WaitUntilResult
from iwf_py.model.options import CallOptions, RetryPolicy, StateOptions
from iwf_py.model.status import CommandWaitingType, Phase
from tests.core.machine import NOON, Machine, to

BOOM = Failed(Failure(error_type="ValueError", message="boom"))
MOVE = ExecuteResult(decision=Decision((Movement("B"),)))
WAIT = WaitUntilResult(commands=CommandRequest())


def second(count: float) -> timedelta:
    return timedelta(seconds=count)


def judged(
    outcome: Outcome,
    policy: RetryPolicy = RetryPolicy(),
    *,
    failures: int = 0,
    after: float = 0,
    timeout: float | None = None,
    phase: Phase = Phase.EXECUTE,
) -> Any:
    """Judge an outcome that came *after* seconds from the first attempt, as the next one after *failures*."""
    call = CallOptions(retry=policy)
    options = StateOptions(skip_wait_until=phase is Phase.EXECUTE, wait_until=call, execute=call)
    machine = Machine(to("A", options), timeout=None if timeout is None else second(timeout))
    task = TaskState(number=1, phase=phase, epoch=1, first_at=NOON, failures=failures)
    return judge(task, machine.run, outcome, NOON + second(after))


def test_a_good_outcome_is_an_event():
    """
    Of the judge's instant, for the state that was called.
    """
    assert judged(MOVE, after=3) == Accept(ExecuteReturned(at=NOON + second(3), number=1, result=MOVE))
    assert judged(WAIT, phase=Phase.WAIT_UNTIL) == Accept(WaitUntilReturned(at=NOON, number=1, result=WAIT))


@pytest.mark.parametrize(("failures", "wait"), [(0, 1), (1, 2), (2, 4), (6, 64), (7, 100), (5000, 100)])
def test_a_failed_attempt_is_tried_again(failures: int, wait: float):
    """
    By default for ever: after 1 s, then twice as long each time, at most 100 s.
    """
    verdict = judged(BOOM, failures=failures)

    assert isinstance(verdict, RetryAt)
    assert verdict.instant == NOON + second(wait)


@pytest.mark.parametrize("coefficient", [1, 1.5, 2, 3, 10, 999_999])
@pytest.mark.parametrize("failures", [300, 700, 1_001, 100_000])
def test_the_backoff_never_ends(coefficient: float, failures: int):
    """
    However often a call has failed, and however fast its intervals grow, the next attempt has its instant.
    """
    policy = RetryPolicy(backoff_coefficient=coefficient)
    at_once = RetryPolicy(initial_interval_seconds=0, backoff_coefficient=coefficient)

    assert judged(BOOM, policy, failures=failures).instant == NOON + second(1 if coefficient == 1 else 100)
    assert judged(BOOM, at_once, failures=failures).instant == NOON


def test_a_failure_knows_its_attempt():
    """
    The judge fills in how many attempts were made, and whose call it was.
    """
    failure = judged(BOOM, failures=2).failure

    assert (failure.attempts, failure.state_id, failure.state_execution_id) == (3, "A", "A-1")
    assert failure.message == "boom"


def test_attempts_are_limited_by_number():
    """
    maximum_attempts counts the first one.
    """
    policy = RetryPolicy(maximum_attempts=3)

    assert isinstance(judged(BOOM, policy, failures=1), RetryAt)
    verdict = judged(BOOM, policy, failures=2, after=7)

    assert isinstance(verdict, Exhausted)
    assert isinstance(verdict.event, AttemptsExhausted)
    assert (verdict.event.at, verdict.event.number, verdict.event.phase) == (NOON + second(7), 1, Phase.EXECUTE)
    assert verdict.event.failure.attempts == 3


def test_attempts_are_limited_by_duration():
    """
    When the next one could only begin at or after the limit, the last failure is final now.
    """
    policy = RetryPolicy(maximum_attempts_duration_seconds=5)

    assert isinstance(judged(BOOM, policy, after=3.9), RetryAt)
    assert isinstance(judged(BOOM, policy, after=4), Exhausted)
    assert isinstance(judged(BOOM, RetryPolicy(maximum_attempts_duration_seconds=1)), Exhausted)


def test_attempts_are_limited_by_the_deadline_of_the_run():
    """
    Attempts at 0, 1, 3 and 7 s, and then the next would begin at 15 s: with 10 s for the run, it is over at 7.
    """
    assert isinstance(judged(BOOM, failures=2, after=3, timeout=10), RetryAt)
    assert isinstance(judged(BOOM, failures=3, after=7, timeout=10), Exhausted)


def test_some_errors_are_not_to_be_retried():
    """
    is_retryable False ends the attempts, whatever the policy says.
    """
    assert isinstance(judged(Failed(evolve(BOOM.failure, is_retryable=False))), Exhausted)


def test_user_code_may_ask_for_its_own_delay():
    """
    retry_after stands instead of the backoff; the bounds hold all the same.
    """
    patient = Failed(evolve(BOOM.failure, retry_after=second(30)))

    assert judged(patient).instant == NOON + second(30)
    assert isinstance(judged(patient, RetryPolicy(maximum_attempts=1)), Exhausted)
    assert isinstance(judged(patient, RetryPolicy(maximum_attempts_duration_seconds=20)), Exhausted)
    assert isinstance(judged(patient, timeout=30), Exhausted)


@pytest.mark.parametrize("delay", [timedelta(seconds=-5), timedelta.max])
def test_no_delay_breaks_the_judge(delay: timedelta):
    """
    A negative delay is none, an endless one is very long.
    """
    verdict = judged(Failed(evolve(BOOM.failure, retry_after=delay)))

    assert verdict.instant >= NOON


@pytest.mark.parametrize("outcome", [WAIT, RpcResult(), ExecuteResult(decision=Decision())])
def test_an_outcome_that_cannot_be_used_is_a_failed_attempt(outcome: Outcome):
    """
    The wrong kind, or an empty decision: retried, so that a corrected deploy heals it.
    """
    verdict = judged(outcome)

    assert isinstance(verdict, RetryAt)
    assert verdict.failure.error_type == "InvalidOutcome"
    assert verdict.failure.attempts == 1


def test_an_empty_decision_says_what_is_wrong():
    """
    In the words that the protocol has for it.
    """
    assert judged(ExecuteResult(decision=Decision())).failure.message.startswith(
        "empty state decision is no longer supported"
    )


def test_a_decision_has_its_measure():
    """
    A thousand next states, not one more; and each has a name.
    """
    assert isinstance(judged(ExecuteResult(decision=Decision((Movement("B"),) * 1000))), Accept)
    assert isinstance(judged(ExecuteResult(decision=Decision((Movement("B"),) * 1001))), RetryAt)
    assert isinstance(judged(ExecuteResult(decision=Decision((Movement(""),)))), RetryAt)


def combinations(*lists: tuple[str, ...], timers: tuple[TimerCommand, ...] = ()) -> CommandRequest:
    return CommandRequest(CommandWaitingType.ANY_COMBINATION_COMPLETED, timers, combinations=lists)


@pytest.mark.parametrize(
    "commands",
    [
        combinations(timers=(TimerCommand("a"),)),
        combinations(("a",), timers=(TimerCommand("a"), TimerCommand())),
        combinations(("a", "b"), timers=(TimerCommand("a"),)),
        combinations(("a", "a"), timers=(TimerCommand("a"),)),
        CommandRequest(timers=(TimerCommand(duration=timedelta(days=99_999)),)),
        CommandRequest(timers=(TimerCommand(fires_at=NOON.replace(tzinfo=None)),)),
        CommandRequest(timers=(TimerCommand(fires_at=datetime.max.replace(tzinfo=timezone(-second(3600)))),)),
        CommandRequest(timers=(TimerCommand(),) * 1001),
        CommandRequest(signals=(SignalChannelCommand("s", at_least=0),)),
        CommandRequest(internals=(InternalChannelCommand("i", at_least=2, at_most=1),)),
        CommandRequest(internals=(InternalChannelCommand("i", at_least=10_001),)),
    ],
    ids=[
        "none",
        "nameless",
        "unknown",
        "twice",
        "endless",
        "naive",
        "no day",
        "many",
        "nothing",
        "upside down",
        "never",
    ],
)
def test_commands_that_can_never_be_complete_are_a_failed_attempt(commands: CommandRequest):
    """
    What would wait for ever, or breaks the clock, is not waited for.
    """
    verdict = judged(WaitUntilResult(commands=commands), phase=Phase.WAIT_UNTIL)

    assert isinstance(verdict, RetryAt)
    assert verdict.failure.error_type == "InvalidOutcome"


def test_one_combination_that_can_be_complete_is_enough():
    """
    Beside it another one may want more commands of an id than there are; but not of an id that nobody has.
    """
    one = (TimerCommand("a"),)
    good = WaitUntilResult(commands=combinations(("a", "a"), ("a",), timers=one))
    unknown = WaitUntilResult(commands=combinations(("b",), ("a",), timers=one))

    assert isinstance(judged(good, phase=Phase.WAIT_UNTIL), Accept)
    assert isinstance(judged(unknown, phase=Phase.WAIT_UNTIL), RetryAt)


def test_good_commands_pass():
    """
    Every kind, with and without bounds.
    """
    commands = CommandRequest.for_any_command_combination_completed(
        [["t", "s"]],
        TimerCommand.by_seconds(1, "t"),
        SignalChannelCommand.by_name("s", "s", at_least=2, at_most=5),
        InternalChannelCommand.by_name("i", "i"),
    )

    assert isinstance(judged(WaitUntilResult(commands=commands), phase=Phase.WAIT_UNTIL), Accept)


def test_invalid_code_is_not_tried_again():
    """
    Whatever the policy allows: the same code would answer the same.
    """
    outcome = Failed(Failure(error_type="", message="no such condition", is_invalid_code=True))

    assert isinstance(judged(outcome, RetryPolicy(maximum_attempts=5)), Exhausted)


def test_a_state_that_has_left_is_no_matter():
    """
    Whatever the judge says of it, the run drops it.
    """
    machine = Machine(to("A"))
    task = TaskState(number=1, phase=Phase.EXECUTE, epoch=1, first_at=NOON)
    machine.ends("A-1")

    verdict = judge(task, machine.run, BOOM, NOON)
    machine.advance(verdict.event)

    assert machine.is_dropped
