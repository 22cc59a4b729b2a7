"""What may be waited for in a run, and when it is there."""

from __future__ import annotations

import pytest
from attrs import evolve

from iwf_py.core.looks import Expected, Found, Lost, change, completion, look_at, outcome, retry_of
from iwf_py.errors import InvalidArgumentError, WorkflowNotExistsError
from iwf_py.model.commands import CommandRequest, TimerCommand
from iwf_py.model.decisions import FORCE_FAILING, ConditionalClose, Movement
from iwf_py.model.options import StateOptions, WorkflowRetryPolicy
from iwf_py.model.requests import AttributeReading, AttributeWaitRequest, StateCompletion, StateWaitRequest
from iwf_py.model.status import WorkflowConditionalCloseType, WorkflowStatus, WorkflowStopType
from tests.core.machine import SKIP, Machine, sealed, to

RETRIED = WorkflowRetryPolicy(initial_interval_seconds=5, maximum_attempts=2)
EMPTY = ConditionalClose(
    close_type=WorkflowConditionalCloseType.FORCE_COMPLETE_ON_SIGNAL_CHANNEL_EMPTY,
    channel_name="s",
    output=sealed("out"),
)


def wait_for(state_id: str, ordinal: int = 1, key: str | None = None) -> StateWaitRequest:
    return StateWaitRequest(workflow_id="w", state_id=state_id, ordinal=ordinal, wait_for_key=key)


def completed(machine: Machine, state_id: str, ordinal: int = 1, key: str | None = None) -> StateCompletion | None:
    seen = look_at(machine.run, completion(wait_for(state_id, ordinal, key)))
    return seen.answer if isinstance(seen, Found) else None


def keyed(state_id: str, key: str, options: StateOptions = SKIP) -> Movement:
    return Movement(state_id, None, options, key)


def test_a_state_has_completed_when_its_execute_has_succeeded():
    """
    Not while it is open, in whatever phase; from then on for ever, of each execution by itself.
    """
    machine = Machine(to("A", None))
    look = completion(wait_for("A"))
    assert look_at(machine.run, look) == Expected("run-1")
    machine.waits("A-1", CommandRequest.for_all_command_completed(TimerCommand.by_seconds(0)))
    assert look_at(machine.run, look) == Expected("run-1")

    machine.decides("A-1", "A", "B")

    assert look_at(machine.run, look) == Found(StateCompletion(run_id="run-1", state_id="A", state_execution_id="A-1"))
    assert completed(machine, "A", 2) is None
    assert completed(machine, "B") is None
    machine.ends("B-1")
    assert completed(machine, "B") is not None
    assert completed(machine, "A") is not None
    assert completed(machine, "C") is None


@pytest.mark.parametrize("end", ["completes", "forces", "fails"])
def test_a_state_that_closes_has_completed_with_its_output(end):
    """
    However the run ends by its decision.
    """
    machine = Machine(to("Start"))
    machine.decides("Start-1", "A", "B")

    getattr(machine, end)("A-1", sealed("out"))

    found = completed(machine, "A")
    assert found is not None
    assert found.output == sealed("out")


def test_a_state_that_closes_on_a_condition_has_completed_with_its_output():
    """
    Where the condition is not met it has completed as well, without one.
    """
    machine = Machine(to("Start"))
    machine.decides("Start-1", "A", "B")
    machine.signal("s", "left over")
    machine.decides("A-1", "C", close=EMPTY)
    met = Machine(to("B"))

    met.decides("B-1", "C", close=EMPTY)

    unmet = completed(machine, "A")
    assert unmet is not None
    assert unmet.output is None
    found = completed(met, "B")
    assert found is not None
    assert found.output == sealed("out")


def test_what_a_close_abandons_has_not_completed():
    """
    The run says that it is closed, and that it never will.
    """
    machine = Machine(to("Start"))
    machine.decides("Start-1", "A", "B")

    machine.forces("A-1")

    seen = look_at(machine.run, completion(wait_for("B")))
    assert isinstance(seen, Lost)
    assert isinstance(seen.error, WorkflowNotExistsError)
    assert str(seen.error).endswith("'w' (run run-1) is closed, COMPLETED: B-1 has not completed in it, and never will")
    assert completed(machine, "Start") is not None


def test_what_its_failure_state_follows_has_not_completed():
    """
    A failure is none, however the run goes on: by number, and by key, which the next success takes.
    """
    rescued = StateOptions(skip_wait_until=True, failure_state_id="Rescue", failure_state_options=SKIP)
    machine = Machine(to("Start"))
    machine.decides("Start-1", keyed("A", "k", rescued), keyed("A", "k"))

    machine.exhausts("A-1")

    assert completed(machine, "A", 1) is None
    assert completed(machine, "A", key="k") is None
    machine.ends("A-2")
    found = completed(machine, "A", key="k")
    assert found is not None
    assert found.state_execution_id == "A-2"
    machine.forces("Rescue-1")
    seen = look_at(machine.run, completion(wait_for("A", 1)))
    assert isinstance(seen, Lost)
    machine.check_history()


def test_the_first_to_complete_with_a_key_has_it():
    """
    A key names a completion, and names it for good; another state's key is another.
    """
    machine = Machine(to("Start"))
    machine.decides("Start-1", keyed("A", "k"), keyed("A", "k"), keyed("B", "k"))

    machine.completes("A-2", sealed("second"))
    machine.completes("A-1", sealed("first"))

    found = completed(machine, "A", key="k")
    assert found is not None
    assert (found.state_execution_id, found.output) == ("A-2", sealed("second"))
    assert completed(machine, "A", 1) is not None
    assert completed(machine, "B", key="k") is None
    machine.ends("B-1")
    closed = completed(machine, "A", key="k")
    assert machine.run.status is WorkflowStatus.COMPLETED
    assert closed == found
    machine.check_history()


def test_executions_are_numbered_from_one():
    """
    None comes before the first.
    """
    with pytest.raises(InvalidArgumentError, match="numbered from 1"):
        completion(wait_for("A", 0))


def test_who_waits_for_a_state_goes_on_with_the_retry():
    """
    A state that has completed in a failed run has done so; of another the retry is asked.
    """
    machine = Machine(to("A"), retry=RETRIED)
    machine.decides("A-1", "B", "C")

    machine.fails("B-1")

    after = retry_of(machine.run)
    assert after is not None
    assert completed(machine, "A") is not None
    assert look_at(machine.run, completion(wait_for("C"))) == Expected(after)
    assert look_at(machine.run, outcome("run-1")) == Expected(after)


def test_an_outcome_is_told_under_the_run_that_was_asked_for():
    """
    Once the run is closed, and not before.
    """
    machine = Machine(to("A"))
    assert look_at(machine.run, outcome("first")) == Expected("run-1")

    machine.decides("A-1", Movement(FORCE_FAILING, sealed("part")))

    seen = look_at(machine.run, outcome("first"))
    assert isinstance(seen, Found)
    assert (seen.answer.run_id, seen.answer.status) == ("first", WorkflowStatus.FAILED)
    assert [output.output for output in seen.answer.outputs] == [sealed("part")]


def reading(machine: Machine, after: int) -> AttributeReading | None:
    request = AttributeWaitRequest(workflow_id="w", key="k", after=after)
    seen = look_at(machine.run, change(request, machine.run.run_id))
    return seen.answer if isinstance(seen, Found) else None


def test_an_attribute_has_changed_when_its_revision_has():
    """
    Set, set again (to the same, too), and deleted: each is another than before. An attribute that is not there has revision 0.
    """
    machine = Machine(to("A"))
    assert reading(machine, 0) is None
    machine.set(other="x")
    assert reading(machine, 0) is None

    machine.set(k="1")
    first = reading(machine, 0)
    assert first == AttributeReading(run_id="run-1", key="k", value=sealed("1"), revision=machine.run.seq)
    assert reading(machine, first.revision) is None
    machine.set(k="1")
    second = reading(machine, first.revision)
    assert second is not None
    assert second.revision > first.revision
    machine.set(k=None)

    assert reading(machine, second.revision) == AttributeReading(run_id="run-1", key="k", value=None, revision=0)
    assert reading(machine, 0) is None


def test_a_closed_run_tells_what_it_has_and_nothing_else():
    """
    What differs is told; what does not never will.
    """
    machine = Machine(to("A"), attributes=(("k", sealed("1")),))
    machine.stop(WorkflowStopType.CANCEL)

    assert reading(machine, 0) is not None
    seen = look_at(machine.run, change(AttributeWaitRequest(workflow_id="w", key="k", after=1), "run-1"))
    assert isinstance(seen, Lost)
    assert "'k' has not changed in it since revision 1, and never will" in str(seen.error)
    seen = look_at(machine.run, change(AttributeWaitRequest(workflow_id="w", key="none"), "run-1"))
    assert isinstance(seen, Lost)
    assert "'none' is not set in it, and never will be" in str(seen.error)


def test_a_revision_is_of_one_run():
    """
    In the run that follows, the same number says nothing: what stands there is new to whoever had seen a value before.
    """
    machine = Machine(to("A"), attributes=(("k", sealed("1")),))
    request = AttributeWaitRequest(workflow_id="w", key="k", after=1)
    assert isinstance(look_at(machine.run, change(request, "run-1")), Expected)

    assert isinstance(look_at(machine.run, change(request, "run-0")), Found)
    nothing = evolve(request, key="none", after=0)
    assert look_at(machine.run, change(nothing, "run-0")) == Expected("run-1")
