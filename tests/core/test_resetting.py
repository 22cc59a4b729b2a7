"""A run that begins with the past of another: where the past is cut, what is issued anew, and what is applied again."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from iwf_py.core.advance import advance
from iwf_py.core.channels import MAX_CHANNEL_MESSAGES
from iwf_py.core.effects import Invoke, Refuse
from iwf_py.core.events import (
    Event,
    Published,
    RpcAsked,
    RpcReturned,
    RunReset,
    Signalled,
    TimerSkipped,
    WaitUntilReturned,
)
from iwf_py.core.past import Branch, Past
from iwf_py.core.points import request_problem
from iwf_py.core.record import Record
from iwf_py.errors import TransitionError
from iwf_py.model.commands import CommandRequest, InternalChannelCommand, SignalChannelCommand, TimerCommand
from iwf_py.model.invocations import Publication, RpcResult, WaitUntilResult
from iwf_py.model.options import RpcOptions
from iwf_py.model.requests import ResetRequest, RpcRequest
from iwf_py.model.status import Phase, WorkflowResetType
from tests.core.machine import NOON, Machine, locking, locks, sealed, to, writes

BEGINNING, ENTRY, TIME, STATE, EXECUTION = (
    WorkflowResetType.BEGINNING,
    WorkflowResetType.HISTORY_EVENT_ID,
    WorkflowResetType.HISTORY_EVENT_TIME,
    WorkflowResetType.STATE_ID,
    WorkflowResetType.STATE_EXECUTION_ID,
)
WORD = CommandRequest.for_all_command_completed(SignalChannelCommand.by_name("s"))


def past_of(events: list[Event], kind: WorkflowResetType, **request: Any) -> Past:
    past = Past(ResetRequest(workflow_id="w", reset_type=kind, **request))
    for event in events:
        past.take(event)
    return past


def branch_of(machine: Machine, kind: WorkflowResetType, **request: Any) -> Branch:
    past = past_of(machine.events, kind, **request)
    assert past.problem is None
    return whole(past, "run-2", machine.now)


def whole(past: Past, run_id: str, at: datetime) -> Branch:
    branch = past.branch(run_id, at)
    branch.bring()
    return branch


def history_of(machine: Machine, branch: Branch) -> list[Event]:
    return [*machine.events[: branch.kept], *again(branch)]


def again(branch: Branch) -> list[Event]:
    return [event for _, event in branch.turns]


def record_of(branch: Branch) -> Record:
    record = branch.turns[-1][0].record
    assert record is not None
    return record


def two_words() -> Machine:
    """A state that heard "x", and its successor, which heard "y" and is deciding."""
    machine = Machine(to("A", None))
    machine.waits("A-1", WORD)
    machine.signal("s", "x")
    machine.decides("A-1", to("B", None))
    machine.waits("B-1", WORD)
    machine.later(5)
    machine.signal("s", "y")
    return machine


@pytest.mark.parametrize(
    ("kind", "request_", "kept"),
    [
        (BEGINNING, {}, 1),
        (ENTRY, {"history_event_id": 3}, 3),
        (ENTRY, {"history_event_id": 6}, 6),
        (TIME, {}, 1),
        (TIME, {"history_event_time": NOON}, 1),
        (TIME, {"history_event_time": NOON + timedelta(seconds=5)}, 5),
        (STATE, {"state_id": "A"}, 1),
        (STATE, {"state_id": "B"}, 4),
        (EXECUTION, {"state_execution_id": "B-1"}, 4),
        (EXECUTION, {"state_id": "B", "state_execution_id": "A-1"}, 1),
    ],
)
def test_where_a_past_is_cut(kind: WorkflowResetType, request_: dict[str, Any], kept: int):
    """
    Behind the opening, an entry, all before an instant, or the entry with which a state was called first.
    """
    machine = two_words()

    branch = branch_of(machine, kind, **request_)

    assert branch.kept == kept
    assert branch.record.seq == kept
    words = [event.value for event in again(branch) if isinstance(event, Signalled)]
    assert words == [event.value for event in machine.events[kept:] if isinstance(event, Signalled)]


def test_what_is_outstanding_is_issued_anew():
    """
    Each call of the past is asked for again, at the instant of the reset; what waits is not.
    """
    machine = Machine(to("A", None))
    machine.waits("A-1", CommandRequest.for_all_command_completed(TimerCommand.by_seconds(60)))
    machine.answer(None, to("B"), to("C", None))
    machine.later(7)

    branch = branch_of(machine, ENTRY, history_event_id=3)

    turn = branch.turns[0][0]
    assert [effect for effect in turn.effects if isinstance(effect, Invoke)] == [
        Invoke(2, Phase.EXECUTE),
        Invoke(3, Phase.WAIT_UNTIL),
    ]
    record = record_of(branch)
    assert {number: record.states[number].invoked_at for number in (1, 2, 3)} == {
        1: None,
        2: machine.now,
        3: machine.now,
    }
    assert record.states[1].waiting == machine.run.states[1].waiting


def test_a_state_that_queued_behind_an_open_rpc_goes_on():
    """
    The RPC ends with the point, and tells nobody; who waited for its key is called.
    """
    machine = Machine()
    machine.ask("k")
    machine.answer(None, to("A", locks("k")))

    branch = branch_of(machine, ENTRY, history_event_id=3)

    record = record_of(branch)
    assert not len(record.rpcs)
    assert record.states[1].is_invoked
    assert not any(isinstance(effect, Refuse) for turn, _ in branch.turns for effect in turn.effects)


def test_what_a_locking_rpc_wrote_comes_without_its_number():
    """
    It is an outcome like that of an RPC without locks, and left out with the updates alone.
    """
    machine = Machine()
    machine.ask("k")
    machine.answer(2, writes=writes(k="1"))

    (_, event), *rest = branch_of(machine, BEGINNING, skip_signal_reapply=True).turns[1:]

    assert not rest
    assert isinstance(event, RpcReturned)
    assert (event.number, event.result.writes) == (None, writes(k="1"))
    assert len(branch_of(machine, BEGINNING, skip_update_reapply=True).turns) == 1


def test_what_was_refused_is_not_applied_again():
    """
    An RPC whose outcome could not be written, and what came at the deadline, were refused: whoever brought them knows.
    """
    machine = Machine(timeout=timedelta(seconds=60))
    machine.ask("k")
    machine.answer(2, to("_SYS_GRACEFUL_COMPLETING_WORKFLOW"))
    machine.later(60)
    machine.signal("s", "late")
    assert [type(event).__name__ for event in machine.events] == ["Started", "RpcAsked", "RpcReturned", "Signalled"]

    branch = branch_of(machine, BEGINNING)

    assert len(branch.turns) == 1
    assert record_of(branch).deadline == machine.now + timedelta(seconds=60)


def test_an_rpc_that_was_refused_for_want_of_room_wrote_nothing():
    """
    Its caller knows that; that there is room now, because other things are left out, does not bring it back.
    """
    full = tuple(Publication(channel_name="c", value=None) for _ in range(MAX_CHANNEL_MESSAGES))
    rpc = RpcRequest(workflow_id="w", rpc_name="r", options=RpcOptions(attributes=locking("k")))
    result = RpcResult(writes=writes(("c", "more"), k="1"))
    past = past_of(
        [
            Machine().events[0],
            Published(at=NOON, messages=full),
            RpcAsked(at=NOON, request=rpc),
            RpcReturned(at=NOON, number=3, result=result),
        ],
        BEGINNING,
        skip_signal_reapply=True,
    )

    branch = whole(past, "run-2", NOON)

    assert [type(event) for event in again(branch)] == [RunReset]


def test_what_finds_no_room_is_left_out():
    """
    What states took in two helpings may be more than a channel holds at once.
    """
    half = tuple(Publication(channel_name="c", value=None) for _ in range(MAX_CHANNEL_MESSAGES - 1))
    many = InternalChannelCommand.by_name("c", at_least=1, at_most=MAX_CHANNEL_MESSAGES)
    result = WaitUntilResult(commands=CommandRequest.for_all_command_completed(many))
    # Not on a `Machine`, which looks at each message of each turn.
    past = past_of(
        [
            Machine(to("A", None)).events[0],
            Published(at=NOON, messages=half),
            WaitUntilReturned(at=NOON, number=1, result=result),
            Published(at=NOON, messages=half),
            Signalled(at=NOON, channel_name="s"),
        ],
        BEGINNING,
    )

    branch = whole(past, "run-2", NOON)

    reset, *applied = again(branch)
    assert isinstance(reset, RunReset)
    assert [type(event) for event in applied] == [Published, Signalled]
    assert reset.reapplied == 2


def test_a_skip_comes_as_one_of_the_past():
    """
    It is marked, for the execution may still be to be opened.
    """
    machine = Machine(to("A", None))
    machine.waits("A-1", CommandRequest.for_all_command_completed(TimerCommand.by_seconds(60)))
    machine.skip("A-1", index=0)

    event = branch_of(machine, ENTRY, history_event_id=2).turns[-1][1]

    assert event == TimerSkipped(at=machine.now, state_execution_id="A-1", index=0, is_reapplied=True)


def test_the_same_point_of_a_reset_run_lies_behind_what_was_applied_again():
    """
    A call that the run's own reset issued again counts as issued behind what that reset brought along, and so on and on.
    """
    machine = two_words()
    for kind, request in ((EXECUTION, {"state_execution_id": "B-1"}), (BEGINNING, {}), (STATE, {"state_id": "A"})):
        first = branch_of(machine, kind, **request)
        history = history_of(machine, first)
        for _ in range(3):
            branch = whole(past_of(history, kind, **request), "run-3", machine.now)
            assert branch.kept == len(history)
            history = [*history, *again(branch)]


def test_a_point_before_a_runs_own_reset_does_without_it():
    """
    An entry that is named is that entry; the new run is linked to the one that was named.
    """
    machine = two_words()
    first = branch_of(machine, EXECUTION, state_execution_id="B-1")
    history = history_of(machine, first)
    assert [type(event).__name__ for event in history[4:]] == ["RunReset", "Signalled"]

    branch = whole(past_of(history, ENTRY, history_event_id=2), "run-3", machine.now)

    assert [type(event).__name__ for event in again(branch)] == ["RunReset", "Signalled", "Signalled"]
    record = record_of(branch)
    assert (record.run_id, record.chain.first_run_id, record.chain.previous_run_id) == ("run-3", "run-1", "run-2")


def test_a_past_may_be_taken_in_piece_by_piece():
    """
    What a run goes through while it is read, or while the new one takes shape, is taken in later.
    """
    machine = two_words()
    machine.set(k="1")
    at_once = branch_of(machine, STATE, state_id="B")

    past = past_of(machine.events[:3], STATE, state_id="B")
    assert past.problem is not None
    for event in machine.events[3:5]:
        past.take(event)
    branch = past.branch("run-2", machine.now)
    for event in machine.events[5:]:
        past.take(event)
    branch.bring(1)
    assert not branch.is_whole
    branch.bring()

    assert branch.is_whole
    assert branch.turns == at_once.turns
    assert len(branch.again) == 2


def test_a_past_that_has_closed_is_none():
    """
    No host may go on from the end of a run.
    """
    machine = Machine(to("A"))
    machine.completes("A-1")

    with pytest.raises(TransitionError, match="has closed"):
        advance(machine.run, RunReset(at=machine.now, run_id="run-2", base_run_id="run-1"))


def test_an_entry_that_does_not_follow_is_no_past():
    """
    It is the history of one run, without gaps.
    """
    machine = two_words()
    past = past_of(machine.events[:1], BEGINNING)

    with pytest.raises(TransitionError, match="history entry 2"):
        past.take(machine.events[3])


@pytest.mark.parametrize(
    ("kind", "request_", "text"),
    [
        (ENTRY, {}, "needs history_event_id"),
        (ENTRY, {"history_event_id": 0}, "1 or more"),
        (TIME, {"history_event_time": NOON.replace(tzinfo=None)}, "time zone"),
        (STATE, {}, "state_id or state_execution_id"),
        (EXECUTION, {"state_id": ""}, "state_id or state_execution_id"),
    ],
)
def test_a_request_that_names_no_point(kind: WorkflowResetType, request_: dict[str, Any], text: str):
    """
    It is refused before anything is read.
    """
    problem = request_problem(ResetRequest(workflow_id="w", reset_type=kind, **request_))

    assert problem is not None
    assert text in str(problem)


@pytest.mark.parametrize(
    ("kind", "request_", "text"),
    [
        (ENTRY, {"history_event_id": 7}, "from 1 to 6"),
        (TIME, {"history_event_time": NOON + timedelta(seconds=6)}, "must not be after"),
        (STATE, {"state_id": "C"}, "never called state 'C'"),
        (EXECUTION, {"state_execution_id": "B-2"}, "never called state execution 'B-2'"),
    ],
)
def test_a_history_without_the_point(kind: WorkflowResetType, request_: dict[str, Any], text: str):
    """
    The refusal names what was asked for, and the way out.
    """
    problem = past_of(two_words().events, kind, **request_).problem

    assert problem is not None
    assert text in str(problem)
    assert problem.status == 400


def test_values_of_the_past_are_kept():
    """
    What states wrote before the point is there, with the revisions that it had.
    """
    machine = Machine(to("A"))
    machine.decides("A-1", "B", writes=writes(k="1"))
    machine.completes("B-1", sealed("out"))

    record = record_of(branch_of(machine, STATE, state_id="B"))

    assert record.attributes["k"].revision == 2
    assert record.attributes["k"].value == sealed("1")
