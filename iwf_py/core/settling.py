"""What follows from a turn's changes: a worklist, not a scan.

Only what the event touched is looked at. First the channels hand out messages; then those are told
who wait until one of them is empty; then the states that got something, or whose timers are due, go on; then freed locks and new calls are granted, first come
first served; last a closing run without states completes.
"""

from __future__ import annotations

from iwf_py.core.closing import complete_if_done
from iwf_py.core.effects import SetTimer
from iwf_py.core.states import admit, enter
from iwf_py.core.step import Step
from iwf_py.core.waiting import complete_due_timers, complete_emptied, distribute, is_satisfied
from iwf_py.model.status import Phase


def settle(step: Step) -> None:
    """Bring the draft to its fixed point; a state that takes, goes on or leaves never makes another one take."""
    if step.draft.closed is not None:
        return
    for key in step.channels:
        distribute(step, key)
    if len(step.draft.empties):
        complete_emptied(step)
    if step.states:
        for number in sorted(step.states):
            _go_on(step, number)
    if step.freed:
        admit(step)
    if step.entering:
        # By age: who was opened in this turn comes after those who waited.
        for number, phase in sorted(step.entering):
            enter(step, number, phase)
    complete_if_done(step)


def _go_on(step: Step, number: int) -> None:
    waiting = step.draft.states[number].waiting
    assert waiting is not None
    waiting = complete_due_timers(step, number, waiting)
    if is_satisfied(waiting):
        step.entering.append((number, Phase.EXECUTE))
    elif number == step.fresh:
        for due, status in zip(waiting.due, waiting.timers, strict=True):
            if status is None:
                step.effects.append(SetTimer(due))
