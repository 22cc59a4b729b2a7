"""How a run begins: the first turn, the reuse of ids, the start delay, and what is refused."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from attrs import evolve

from iwf_py.core.advance import advance
from iwf_py.core.changes import ExecutionClosed, ExecutionOpened, Succeeded
from iwf_py.core.effects import Accepted, Closed, Refused, SetTimer
from iwf_py.core.events import DEADLINE, RULES, RUN_TIMERS, START_DELAY, Signalled, Started
from iwf_py.errors import ClientSideError, TransitionError, WorkflowAlreadyStartedError
from iwf_py.model.decisions import GRACEFUL_COMPLETING, Movement
from iwf_py.model.options import Chain, WorkflowAlreadyStartedOptions
from iwf_py.model.payload import SearchAttribute
from iwf_py.model.requests import StartRequest
from iwf_py.model.status import IDReusePolicy, SearchAttributeValueType, WorkflowStatus, WorkflowStopType
from tests.core.machine import NOON, Machine, sealed, to, writes

INT = SearchAttributeValueType.INT
COMPLETED = "completed"
ABNORMAL = [WorkflowStopType.CANCEL, WorkflowStopType.TERMINATE, WorkflowStopType.FAIL]


def again(machine: Machine, **request: Any) -> Machine:
    """Ask for another run of the same workflow id."""
    fields = {"workflow_id": "w", "workflow_type": "W", "start": to("A"), **request}
    machine.send(Started, request=StartRequest(**fields), run_id="run-2")
    return machine


def closed(how: Any) -> Machine:
    machine = Machine(to("A"))
    if how is COMPLETED:
        machine.forces("A-1")
    else:
        machine.stop(how)
    return machine


def test_a_run_opens_with_its_attributes_and_first_state():
    """
    One turn: opened, attributes written, the state invoked.
    """
    machine = Machine(
        to("A", input=sealed("in")),
        attributes=(("k", sealed("1")),),
        search_attributes=(SearchAttribute("s", integer_value=1, value_type=INT),),
        timeout=timedelta(hours=1),
    )

    assert machine.turn.opens
    assert machine.turn.answer == Accepted("run-1")
    assert [type(change).__name__ for change in machine.turn.changes] == [
        "ExecutionOpened",
        "SearchAttributeWritten",
        "AttributeWritten",
        "StateOpened",
        "StateInvoked",
    ]
    assert machine.turn.effects[0] == SetTimer(NOON + timedelta(hours=1))
    assert machine.calls == ["A-1 EXECUTE"]
    assert machine.run.chain == Chain(first_run_id="run-1", deadline=NOON + timedelta(hours=1))
    machine.check_history()


def test_the_rules_are_kept_with_the_run():
    """
    A run goes by the rules that it began with; rules of a later version are not guessed.
    """
    machine = Machine()

    assert machine.run.started.rules == RULES
    with pytest.raises(TransitionError, match="rules"):
        advance(None, evolve(machine.run.started, rules=RULES + 1))


def test_no_timeout_is_no_deadline():
    """
    None and zero are both "for ever".
    """
    assert Machine().run.deadline is None
    assert Machine(timeout=timedelta(0)).run.deadline is None


# Id reuse


@pytest.mark.parametrize(
    "policy",
    [
        IDReusePolicy.ALLOW_IF_NO_RUNNING,
        IDReusePolicy.ALLOW_IF_PREVIOUS_EXITS_ABNORMALLY,
        IDReusePolicy.DISALLOW_REUSE,
    ],
)
def test_an_open_run_stands_in_the_way(policy: IDReusePolicy):
    """
    One open run per workflow id, whatever the policy, but for terminating it.
    """
    machine = again(Machine(to("A")), id_reuse_policy=policy)

    assert isinstance(machine.error, WorkflowAlreadyStartedError)
    assert machine.error.run_id == "run-1"


@pytest.mark.parametrize("how", [COMPLETED, *ABNORMAL])
@pytest.mark.parametrize("policy", list(IDReusePolicy))
def test_the_table_of_reuse(policy: IDReusePolicy, how: Any):
    """
    After a closed run: two policies always start, one after an abnormal end, one never.
    """
    machine = again(closed(how), id_reuse_policy=policy)

    is_allowed = {
        IDReusePolicy.ALLOW_IF_NO_RUNNING: True,
        IDReusePolicy.ALLOW_TERMINATE_IF_RUNNING: True,
        IDReusePolicy.ALLOW_IF_PREVIOUS_EXITS_ABNORMALLY: how is not COMPLETED,
        IDReusePolicy.DISALLOW_REUSE: False,
    }[policy]
    if is_allowed:
        assert machine.turn.opens
        assert machine.run.run_id == "run-2"
        assert machine.run.seq == 1
        assert machine.run.chain.first_run_id == "run-2"
    else:
        assert isinstance(machine.error, WorkflowAlreadyStartedError)
        assert "run-1" in str(machine.error)
        assert policy.value in str(machine.error)


def test_an_open_run_is_terminated_and_followed():
    """
    The old run closes; the new one is a change of it, to be opened in the same transaction.
    """
    machine = Machine(to("A"))
    machine.later(5)

    again(machine, id_reuse_policy=IDReusePolicy.ALLOW_TERMINATE_IF_RUNNING, timeout=timedelta(seconds=60))

    assert machine.turn.answer == Accepted("run-2")
    assert [type(change) for change in machine.turn.changes] == [ExecutionClosed, Succeeded]
    assert machine.run.status is WorkflowStatus.TERMINATED
    assert machine.turn.effects == (Closed(),)
    successor = machine.run.successor
    assert not successor.is_retry
    assert successor.next.chain == Chain(
        first_run_id="run-2",
        deadline=machine.now + timedelta(seconds=60),
        previous_run_id="run-1",
        reason="terminate",
    )
    machine.check_history()
    opened = advance(None, successor.next)
    assert opened.opens
    assert opened.record.deadline == machine.now + timedelta(seconds=60)


def test_a_run_past_its_deadline_makes_way():
    """
    A start after the deadline finds a run that timed out, though nobody has told it yet; the new run follows it.
    """
    machine = Machine(to("A"), timeout=timedelta(seconds=10))
    machine.later(10)

    again(machine)

    assert machine.turn.answer == Accepted("run-2")
    assert machine.run.status is WorkflowStatus.TIMEOUT
    assert machine.run.successor.next.run_id == "run-2"
    assert not machine.run.successor.is_retry
    machine.check_history()


def test_a_run_past_its_deadline_may_still_forbid():
    """
    It closes, and the policy that allows no second run refuses: the one refusal that comes with changes.
    """
    machine = Machine(to("A"), timeout=timedelta(seconds=10))
    machine.later(10)

    again(machine, id_reuse_policy=IDReusePolicy.DISALLOW_REUSE)

    assert isinstance(machine.error, WorkflowAlreadyStartedError)
    assert machine.run.status is WorkflowStatus.TIMEOUT
    machine.check_history()


def ignoring(request_id: str | None = None) -> WorkflowAlreadyStartedOptions:
    return WorkflowAlreadyStartedOptions(True, request_id)


@pytest.mark.parametrize(
    ("first", "second", "is_answered"),
    [
        (None, None, False),
        (None, WorkflowAlreadyStartedOptions(False), False),
        (None, ignoring(), True),
        (WorkflowAlreadyStartedOptions(False, "x"), ignoring("x"), True),
        (ignoring("y"), ignoring("x"), False),
        (None, ignoring("x"), False),
        (ignoring(), ignoring("x"), False),
    ],
)
def test_whose_start_is_answered_with_the_run_in_the_way(first: Any, second: Any, is_answered: bool):
    """
    ignore_already_started_error answers the run's id; with a request id only when that run was started with the same one.
    """
    machine = again(Machine(to("A"), already_started=first), already_started=second)

    if is_answered:
        assert machine.turn.answer == Accepted("run-1")
    else:
        assert isinstance(machine.error, WorkflowAlreadyStartedError)
    assert machine.run.run_id == "run-1"


def test_a_closed_run_in_the_way_is_answered_too():
    """
    The option counts for the stricter policies' refusals as well.
    """
    machine = again(closed(COMPLETED), id_reuse_policy=IDReusePolicy.DISALLOW_REUSE, already_started=ignoring())

    assert machine.turn.answer == Accepted("run-1")


# The start delay


def test_nothing_runs_during_the_start_delay():
    """
    The run is open, its first state is delayed, and the host is told when the delay ends.
    """
    machine = Machine(to("A"), start_delay=timedelta(seconds=30), timeout=timedelta(seconds=90))

    assert machine.open == {"A-1": "DELAYED"}
    assert machine.run.starts_at == NOON + timedelta(seconds=30)
    assert machine.turn.effects == (
        SetTimer(NOON + timedelta(seconds=90)),
        SetTimer(NOON + timedelta(seconds=30)),
    )


def test_messages_and_writes_are_accepted_during_the_delay():
    """
    They shorten nothing, and are there when the run begins.
    """
    machine = Machine(to("A", None), start_delay=timedelta(seconds=30))
    machine.signal("s", "x")
    machine.set(k="1")
    machine.publish(("i", "y"))
    machine.answer(None, writes=writes(k="2"))
    assert machine.open == {"A-1": "DELAYED"}
    machine.later(31)

    machine.fire_at(RUN_TIMERS, START_DELAY)

    assert machine.calls == ["A-1 WAIT_UNTIL"]
    assert machine.run.starts_at is None
    assert machine.run.unconsumed == 2
    machine.check_history()


def test_a_delay_ends_once():
    """
    The second alarm finds nothing to do.
    """
    machine = Machine(to("A"), start_delay=timedelta(seconds=30))
    machine.later(30)
    machine.fire_at(RUN_TIMERS, START_DELAY)

    machine.fire_at(RUN_TIMERS, START_DELAY)

    assert machine.is_dropped


@pytest.mark.parametrize("how", ABNORMAL)
def test_a_delayed_run_can_be_stopped(how: WorkflowStopType):
    """
    It closes at once; no user code has been called.
    """
    machine = Machine(to("A"), start_delay=timedelta(seconds=30))

    machine.stop(how)

    assert not machine.run.is_open
    assert machine.run.starts_at is None


def test_a_delay_beyond_the_deadline_times_out():
    """
    The delay counts inside the timeout.
    """
    machine = Machine(to("A"), start_delay=timedelta(seconds=30), timeout=timedelta(seconds=20))
    machine.later(20)

    machine.fire_at(RUN_TIMERS, DEADLINE)

    assert machine.run.status is WorkflowStatus.TIMEOUT


# What is refused


@pytest.mark.parametrize(
    "fields",
    [
        {"workflow_id": ""},
        {"workflow_id": "x" * 1001},
        {"workflow_id": "a\x00b"},
        {"workflow_type": ""},
        {"namespace": ""},
        {"start": Movement("")},
        {"start": Movement(GRACEFUL_COMPLETING)},
        {"timeout": timedelta(seconds=-1)},
        {"timeout": timedelta(days=99_999)},
        {"start_delay": timedelta(seconds=-1)},
        {"attributes": (("", sealed("x")),)},
        {"search_attributes": (SearchAttribute("", integer_value=1, value_type=INT),)},
        {"search_attributes": (SearchAttribute("s", integer_value=2**63, value_type=INT),)},
        {"search_attributes": (SearchAttribute("s", string_value="x", value_type=INT),)},
        {"search_attributes": (SearchAttribute("s", integer_value=1),)},
    ],
    ids=str,
)
def test_a_start_that_cannot_be_is_refused(fields: dict[str, Any]):
    """
    400, and no run: not even one in the way is terminated for it.
    """
    request = {
        "workflow_id": "w",
        "workflow_type": "W",
        "id_reuse_policy": IDReusePolicy.ALLOW_TERMINATE_IF_RUNNING,
        **fields,
    }
    record = Machine(to("A")).run

    for before in (None, record):
        turn = advance(before, Started(at=NOON, request=StartRequest(**request), run_id="run-2"))

        assert turn.record is before
        assert isinstance(turn.answer, Refused)
        assert isinstance(turn.answer.error, ClientSideError)
        assert turn.answer.error.status == 400


def test_other_events_need_a_run():
    """
    A host looks a run up before it sends anything to it.
    """
    with pytest.raises(TransitionError):
        advance(None, Signalled(at=NOON, channel_name="s"))


def test_time_never_runs_back():
    """
    An event before the last one of its run is a bug of the host.
    """
    machine = Machine(to("A"))
    machine.later(-1)

    with pytest.raises(TransitionError, match="before"):
        machine.signal("s")
    with pytest.raises(TransitionError, match="before"):
        again(machine)


def test_a_turn_knows_whether_it_opens():
    """
    Only the first turn of a run does.
    """
    machine = Machine()
    assert isinstance(machine.turn.changes[0], ExecutionOpened)

    machine.signal("s")
    assert not machine.turn.opens
    machine.send(Signalled, channel_name="")

    assert not machine.turn.opens
