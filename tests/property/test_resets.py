"""Random lives, reset at random entries: the fold of the past is the record, and what is outstanding is asked for once."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Any

from attrs import evolve
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from iwf_py.core import invariants
from iwf_py.core.changes import StateInvoked
from iwf_py.core.draft import fold
from iwf_py.core.effects import Invoke, InvokeRpc, SetTimer
from iwf_py.core.events import Event, RpcReturned, RunReset, StopRequested, TimerSkipped
from iwf_py.core.maps import EMPTY, Map
from iwf_py.core.parts import stored
from iwf_py.core.past import Branch, Past
from iwf_py.core.record import Record
from iwf_py.core.rewind import audit, differences, follow, rewind
from iwf_py.core.views import pending
from iwf_py.model.options import Chain
from iwf_py.model.requests import ResetRequest
from iwf_py.model.status import WorkflowResetType
from tests.core.laws import check_changes
from tests.core.machine import NOON
from tests.property.test_machine import Driver


def past_of(events: list[Event], **request: Any) -> Past:
    past = Past(ResetRequest(workflow_id="w", **request))
    for each in events:
        past.take(each)
    return past


def check_branch(branch: Branch, events: list[Event]) -> Record:
    """Look at each turn of a new run as at that of any other; answer its record."""
    record = branch.record
    assert fold(None, branch.changes, branch.kept, events[branch.kept - 1].at) == record
    asked: Counter[Any] = Counter()
    alarms = set()
    for turn, _ in branch.turns:
        assert turn.record is not None
        check_changes(record, turn.changes)
        assert fold(record, turn.changes, turn.record.seq, turn.record.last_at) == turn.record
        assert invariants.check(turn.record) == []
        asked.update(effect for effect in turn.effects if isinstance(effect, Invoke | InvokeRpc))
        alarms |= {effect.due for effect in turn.effects if isinstance(effect, SetTimer)}
        record = turn.record
    outstanding = list(pending(record))
    assert asked == Counter(effect for effect in outstanding if isinstance(effect, Invoke | InvokeRpc))
    assert {effect.due for effect in outstanding if isinstance(effect, SetTimer)} <= alarms
    history = [*events[: branch.kept], *(each for _, each in branch.turns)]
    assert audit(history, stored(record)) == []
    return record


def as_of(brought: Event) -> Event:
    """Take away what applying it again changes."""
    if isinstance(brought, TimerSkipped):
        brought = evolve(brought, is_reapplied=False)
    if isinstance(brought, RpcReturned):
        brought = evolve(brought, number=None)
    return evolve(brought, at=NOON)


def is_within(some: list[Event], of: list[Event]) -> bool:
    """Does *of* have all of *some*, in this order?"""
    rest = iter(of)
    return all(any(each == other for other in rest) for each in some)


def changed_by_the_reset(record: Record, reset: RunReset) -> Record:
    """Say plainly what a reset makes of the fold of a past without open RPCs."""
    timeout = record.started.request.timeout
    states = {
        number: evolve(state, invoked_at=reset.at) if state.is_invoked else state
        for number, state in record.states.items()
    }
    return evolve(
        record,
        started=evolve(record.started, run_id=reset.run_id),
        chain=Chain(
            first_run_id=record.chain.first_run_id,
            run_attempt=record.chain.run_attempt,
            deadline=reset.at + timeout if timeout else None,
            previous_run_id=reset.base_run_id,
            reason="reset",
        ),
        seq=record.seq + 1,
        last_at=reset.at,
        states=Map(states) if states else EMPTY,
    )


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(st.data())
def test_a_run_begins_again_from_any_entry(data: st.DataObject):
    """
    The new record is the fold of its own whole history; with nothing applied again, it is the past but for what a reset changes.
    """
    driver = Driver(data)
    for _ in range(data.draw(st.integers(5, 40))):
        driver.act()
    events = driver.machine.events
    entry = data.draw(st.integers(1, len(events)))
    signals, updates = data.draw(st.booleans()), data.draw(st.booleans())
    kept = rewind(events, entry)

    past = past_of(
        events,
        reset_type=WorkflowResetType.HISTORY_EVENT_ID,
        history_event_id=entry,
        skip_signal_reapply=signals,
        skip_update_reapply=updates,
    )
    if kept.closed is not None:
        event("the end is not kept")
        assert past.problem is not None
        return
    assert past.problem is None
    branch = past.branch("reset", driver.machine.now + timedelta(seconds=data.draw(st.sampled_from([0, 9]))))
    while not branch.is_whole:
        branch.bring(data.draw(st.integers(1, 5)))

    record = check_branch(branch, events)
    (turn, reset), *again = branch.turns
    assert isinstance(reset, RunReset)
    assert (branch.kept, reset.reapplied) == (entry, len(again))
    assert not any(isinstance(each, StopRequested) for _, each in again)
    assert is_within([as_of(each) for _, each in again], [as_of(each) for each in events[entry:]])
    event(f"{min(len(again), 3)} applied again")
    if signals and updates:
        assert not again
    if not len(kept.rpcs):
        assert turn.record is not None
        assert differences(changed_by_the_reset(kept, reset), turn.record) == []
    assert record.run_id == "reset"
    assert record.is_open


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(st.data())
def test_a_run_begins_again_from_the_first_call_of_any_state(data: st.DataObject):
    """
    As the new run begins, the call is outstanding that the point is named by; and so it is where that run is reset again.
    """
    driver = Driver(data)
    for _ in range(data.draw(st.integers(5, 40))):
        driver.act()
    events = driver.machine.events
    names = calls_of(events)
    if not names:
        return
    name = data.draw(st.sampled_from(sorted(names)))
    point: dict[str, Any] = {"reset_type": WorkflowResetType.STATE_EXECUTION_ID, "state_execution_id": name}

    branch = past_of(events, **point).branch("reset", driver.machine.now)
    branch.bring()
    check_branch(branch, events)
    assert branch.kept == names[name]
    first = branch.turns[0][0].record
    assert first is not None
    assert any(state.execution_id == name and state.is_invoked for state in first.states.values())

    history = [*events[: branch.kept], *(each for _, each in branch.turns)]
    again = past_of(history, **point, skip_signal_reapply=True).branch("again", driver.machine.now)
    again.bring()
    assert again.kept == len(history)
    check_branch(again, history)


def calls_of(events: list[Event]) -> dict[str, int]:
    """Tell the entry with which each state execution was called first."""
    found: dict[str, int] = {}
    record: Record | None = None
    for seq, each in enumerate(events, 1):
        turn = follow(record, each)
        record = turn.record
        assert record is not None
        for change in turn.changes:
            if isinstance(change, StateInvoked) and change.number in record.states:
                found.setdefault(record.states[change.number].execution_id, seq)
    return found
