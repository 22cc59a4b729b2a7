"""What follows when the attempts of a call are exhausted."""

from __future__ import annotations

from attrs import evolve

from iwf_py.core.events import AttemptsExhausted
from iwf_py.core.views import command_results, invocation
from iwf_py.model.invocations import Failure, Writes
from iwf_py.model.options import StateOptions
from iwf_py.model.payload import SearchAttribute
from iwf_py.model.status import Phase, SearchAttributeValueType, WorkflowErrorType, WorkflowStatus
from tests.core.machine import NOON, SKIP, Machine, sealed, to


def test_an_exhausted_call_fails_the_run():
    """
    The message names method, execution, attempts, type and text.
    """
    machine = Machine(to("A"))

    machine.exhausts("A-1", "no such table", attempts=5)

    closed = machine.run.closed
    assert closed.status is WorkflowStatus.FAILED
    assert closed.error_type is WorkflowErrorType.STATE_API_FAIL_ERROR_TYPE
    assert closed.error_message == "execute of A-1 failed after 5 attempts: ValueError: no such table"


def test_one_attempt_is_one():
    """
    The sentence counts as people do, and knows wait_until.
    """
    machine = Machine(to("A", None))

    machine.exhausts("A-1", attempts=1)

    assert machine.run.closed.error_message == "wait_until of A-1 failed after 1 attempt: ValueError: boom"


def test_a_sentence_made_elsewhere_is_told_as_it_stands():
    """
    A failure without a type has said all in its message.
    """
    machine = Machine(to("A"))
    told = Failure(error_type="", message="statusCode: 500, responseBody: boom", attempts=2, worker_status=500)

    machine.send(AttemptsExhausted, number=1, phase=Phase.EXECUTE, failure=told)

    assert machine.run.closed.error_message == "statusCode: 500, responseBody: boom"
    machine.check_history()


def test_invalid_code_fails_the_run_whatever_the_policies_say():
    """
    An answer that can never be carried out is not an attempt that may be proceeded from.
    """
    machine = Machine(to("A", evolve(SKIP, failure_state_id="R")))
    told = Failure(error_type="", message="backoff_coefficient must be at least 1", is_invalid_code=True)

    machine.send(AttemptsExhausted, number=1, phase=Phase.EXECUTE, failure=told)

    closed = machine.run.closed
    assert closed.error_type is WorkflowErrorType.INVALID_USER_WORKFLOW_CODE_ERROR_TYPE
    assert closed.error_message == "backoff_coefficient must be at least 1"
    machine.check_history()


def test_a_state_may_proceed_without_its_wait_until():
    """
    No commands, no locals, and execute is told.
    """
    machine = Machine(to("A", StateOptions(proceed_on_wait_until_failure=True)))

    machine.exhausts("A-1")

    assert machine.calls == ["A-1 EXECUTE"]
    results = command_results(machine.state("A-1").waiting)
    assert not results.wait_until_succeeded
    assert (results.timers, results.signals, results.internals) == ((), (), ())
    machine.check_history()


def test_proceeding_is_for_wait_until_alone():
    """
    An exhausted execute fails the run, whatever holds for wait_until.
    """
    machine = Machine(to("A", evolve(SKIP, proceed_on_wait_until_failure=True)))

    machine.exhausts("A-1")

    assert machine.run.status is WorkflowStatus.FAILED


def recovering() -> Machine:
    options = evolve(SKIP, failure_state_id="R", failure_state_options=StateOptions())
    machine = Machine(to("A", options, sealed("in")))
    machine.exhausts("A-1", "no such table", attempts=2)
    return machine


def test_a_failure_state_gets_input_options_and_failure():
    """
    The failed state leaves without an output; the failure state begins with its input, its own options, and the failure.
    """
    machine = recovering()

    state = machine.state("R-1")
    assert machine.calls == ["R-1 WAIT_UNTIL"]
    assert state.origin.input == sealed("in")
    assert state.options == StateOptions()
    assert state.origin.failure == Failure(
        error_type="ValueError", message="no such table", attempts=2, state_execution_id="A-1"
    )
    machine.check_history()


def test_the_failure_is_seen_by_both_calls():
    """
    wait_until and execute of the failure state read the same failure.
    """
    machine = recovering()

    first = invocation(machine.run, 2, attempt=1, first_attempt_at=NOON)
    machine.waits("R-1")
    second = invocation(machine.run, 2, attempt=1, first_attempt_at=NOON)

    assert first.failure == second.failure
    assert first.failure.message == "no such table"


def test_the_failure_does_not_follow_further():
    """
    What the failure state moves to is an ordinary state.
    """
    machine = recovering()
    machine.waits("R-1")

    machine.decides("R-1", "B")

    assert machine.state("B-1").origin.failure is None


def test_a_failure_state_is_for_execute_alone():
    """
    An exhausted wait_until fails the run, though there is a failure state.
    """
    machine = Machine(to("A", StateOptions(failure_state_id="R")))

    machine.exhausts("A-1")

    assert machine.run.status is WorkflowStatus.FAILED


def test_a_search_attribute_that_does_not_fit_fails_the_run():
    """
    A value of another type, beyond 64 bits, or a date that is none: wrong user code, and nothing of it is written.
    """
    types = SearchAttributeValueType
    wrong = [
        SearchAttribute("s", string_value="x", value_type=types.INT),
        SearchAttribute("s", integer_value=2**63, value_type=types.INT),
        SearchAttribute("s", string_value="tomorrow", value_type=types.DATETIME),
        SearchAttribute("s", integer_value=1),
    ]
    for attribute in wrong:
        for options in (SKIP, None):
            machine = Machine(to("A", options))
            writes = Writes(attributes=(("k", sealed("1")),), search_attributes=(attribute,))
            if options is SKIP:
                machine.decides("A-1", "B", writes=writes)
            else:
                machine.waits("A-1", writes=writes)

            closed = machine.run.closed
            assert closed.error_type is WorkflowErrorType.INVALID_USER_WORKFLOW_CODE_ERROR_TYPE
            assert "A-1" in closed.error_message
            assert "'s'" in closed.error_message
            assert len(machine.run.attributes) == 0


def test_an_exhausted_call_that_is_over_is_dropped():
    """
    Attempts are exhausted once, for the call that is outstanding.
    """
    machine = Machine(to("A", StateOptions(proceed_on_wait_until_failure=True)))
    machine.exhausts("A-1")
    event = machine.events[-1]

    machine.advance(event)

    assert machine.is_dropped
