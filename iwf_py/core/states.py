"""A state execution's life: opened, entering a call, waiting, leaving.

A call is outstanding once the state holds all the locks of that call; it takes them together,
first come first served on every key, and holds them until the call is over.
"""

from __future__ import annotations

from iwf_py.core.changes import StateInvoked, StateLeft, StateOpened, StateQueued, StateWaiting
from iwf_py.core.effects import Invoke
from iwf_py.core.record import LiveState
from iwf_py.core.step import Step
from iwf_py.core.waiting import apply_kept_skips, release_kept_skips
from iwf_py.model.decisions import Movement
from iwf_py.model.invocations import Failure
from iwf_py.model.options import DEFAULT_STATE_OPTIONS
from iwf_py.model.payload import Payload
from iwf_py.model.status import Phase

MAX_OPEN_STATES = 20_000
MAX_NEXT_STATES = 1_000


def open_state(step: Step, movement: Movement, failure: Failure | None = None) -> None:
    """Open the next execution of a state; it enters its first call when the turn is settled, or when the delay ends."""
    draft = step.draft
    number = draft.opened + 1
    is_skipping = (movement.options or DEFAULT_STATE_OPTIONS).skip_wait_until
    phase = Phase.EXECUTE if is_skipping else Phase.WAIT_UNTIL
    is_delayed = draft.starts_at is not None
    step.change(
        StateOpened(
            number=number,
            state_id=movement.state_id,
            ordinal=draft.ordinals.get(movement.state_id, 0) + 1,
            input=movement.input,
            options=movement.options,
            wait_for_key=movement.wait_for_key,
            failure=failure,
            phase=Phase.DELAYED if is_delayed else phase,
        )
    )
    if is_skipping and draft.skips.count:
        # What another run's past would have skipped: this execution waits for nothing.
        release_kept_skips(step, draft.states[number].execution_id)
    if not is_delayed:
        step.entering.append((number, phase))


def enter(step: Step, number: int, phase: Phase) -> None:
    """Go into the call of *phase*: at once when nobody has any of its locks, else into the queues."""
    keys = step.draft.states[number].lock_keys(phase)
    ticket = step.order()
    if keys and any(key in step.draft.locks for key in keys):
        step.change(StateQueued(number=number, phase=phase, ticket=ticket))
    else:
        _invoke(step, number, phase, ticket)


def admit(step: Step) -> None:
    """Let those in whose turn has come, now that keys were freed: who is first in the queue of every key it needs."""
    draft = step.draft
    candidates: dict[int, LiveState] = {}
    for key in step.freed:
        queue = draft.locks.get(key)
        if queue is not None and queue.first > 0:
            candidates[queue.first] = draft.states[queue.first]
    for number, state in sorted(candidates.items(), key=lambda item: item[1].ticket or 0):
        if state.invoked_at is None and all(draft.locks[key].first == number for key in state.lock_keys(state.phase)):
            assert state.ticket is not None
            _invoke(step, number, state.phase, state.ticket)


def _invoke(step: Step, number: int, phase: Phase, ticket: int) -> None:
    step.change(StateInvoked(number=number, phase=phase, ticket=ticket, at=step.at))
    step.effects.append(Invoke(number, phase))


def begin_waiting(step: Step, state: LiveState, change: StateWaiting) -> None:
    """Let wait_until be over: its locks are free, and its commands are looked at when the turn is settled."""
    step.freed.extend(state.lock_keys(state.phase))
    step.change(change)
    step.states.add(change.number)
    step.fresh = change.number
    for command in change.commands.channels:
        step.channels[command.family, command.channel_name] = None
    for until in change.commands.until_empty:
        step.channels[until.family, until.channel_name] = None
    if step.draft.skips.count:
        apply_kept_skips(step, state)


def leave(step: Step, state: LiveState, *, output: Payload | None = None, succeeded: bool = True) -> None:
    """Let a state execution be over, with its locks and the messages it took."""
    step.freed.extend(state.lock_keys(state.phase))
    origin = state.origin
    if len(step.draft.empties) and state.waiting is not None:
        for command, hand in zip(state.waiting.channels, state.waiting.taken, strict=True):
            if len(hand):
                step.channels[command.family, command.channel_name] = None
    step.change(
        StateLeft(
            number=origin.number,
            state_id=origin.state_id,
            ordinal=origin.ordinal,
            has_waited=state.waiting is not None,
            succeeded=succeeded,
            output=output,
            wait_for_key=origin.wait_for_key,
        )
    )
