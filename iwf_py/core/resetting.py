"""How a run goes on that has the past of another: the turn that makes it a run of its own.

What the past left stays: attributes, messages, states, timers with their instants. What was outstanding
is asked for anew, since nobody carries it out for this run yet; an RPC that was open has nobody to answer.
"""

from __future__ import annotations

from attrs import evolve

from iwf_py.core.changes import ExecutionReset, RpcClosed, StateInvoked
from iwf_py.core.effects import Accepted, Invoke, SetTimer
from iwf_py.core.events import RunReset
from iwf_py.core.opening import deadline_of
from iwf_py.core.record import Record, rpc_lock_keys
from iwf_py.core.settling import settle
from iwf_py.core.step import Step, Turn
from iwf_py.core.views import timers
from iwf_py.errors import TransitionError


def go_on(record: Record, event: RunReset) -> Turn:
    """
    Make the fold of a kept past the record of the new run.

    Its time counts anew; its start, and the id that user code sees, are those of the base run.
    """
    if record.closed is not None:
        raise TransitionError(f"the past of run {event.run_id} is that of a run that has closed")
    step = Step(record, event.at)
    draft = step.draft
    chain = evolve(
        record.chain,
        deadline=deadline_of(record.started, event.at),
        previous_run_id=event.base_run_id,
        reason="reset",
    )
    step.change(ExecutionReset(run_id=event.run_id, chain=chain))
    for number in sorted(draft.states):
        state = draft.states[number]
        if state.is_invoked:
            assert state.ticket is not None
            step.change(StateInvoked(number=number, phase=state.phase, ticket=state.ticket, at=event.at))
            step.effects.append(Invoke(number, state.phase))
    for number in sorted(draft.rpcs):
        step.freed.extend(rpc_lock_keys(draft.rpcs[number].request))
        step.change(RpcClosed(number=number))
    settle(step)
    turn = step.turn(record, Accepted(event.run_id))
    assert turn.record is not None
    return evolve(turn, effects=(*turn.effects, *(SetTimer(timer.due) for timer in timers(turn.record))))
