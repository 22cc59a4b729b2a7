"""A turn costs what it touches, whatever else the run has grown to."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from types import FrameType
from typing import Any

import pytest

from iwf_py.core.advance import advance
from iwf_py.core.looks import completion
from iwf_py.core.record import Record
from iwf_py.model.options import StateOptions
from iwf_py.model.requests import StateWaitRequest
from tests.benchmarks.core_turn import cases
from tests.core.machine import SKIP, Machine, to


def steps(what: Callable[[], object]) -> int:
    """Count the function calls that something takes, of Python and of C, each step of a generator included."""
    count = 0

    def note(_: FrameType, kind: str, __: Any) -> None:
        nonlocal count
        count += kind in ("call", "c_call")

    sys.setprofile(note)
    try:
        what()
    finally:
        sys.setprofile(None)
    return count


def test_a_turn_takes_as_many_steps_in_a_large_run_as_in_a_small_one():
    """
    With a hundred times the attributes, messages and states no kind of turn takes half as many steps again.
    """
    small = {name: steps(partial(advance, record, event)) for name, record, event in cases(10)}
    large = {name: steps(partial(advance, record, event)) for name, record, event in cases(1000)}

    grown = {name: (small[name], large[name]) for name in small if large[name] > 1.5 * small[name]}

    assert grown == {}
    assert len(small) > 10


def crowded(count: int) -> Record:
    """A run with *count* open states, of which the first waits for its call; beside them one has failed."""
    machine = Machine(to("A"))
    recovering = StateOptions(skip_wait_until=True, failure_state_id="Rescue", failure_state_options=SKIP)
    machine.decides("A-1", to("Fails", recovering), *(to(f"B{number}") for number in range(count)))
    machine.exhausts("Fails-1")
    return machine.run


@pytest.mark.parametrize(("state_id", "ordinal"), [("Fails", 1), ("B7", 1), ("B7", 2)])
def test_who_waits_for_a_state_looks_as_long_in_a_large_run_as_in_a_small_one(state_id: str, ordinal: int):
    """
    Turn after turn, whether the execution has failed, is open, or is still to be opened; only to find it takes a search, once.
    """
    counts = []
    for record in (crowded(10), crowded(900)):
        look = completion(StateWaitRequest(workflow_id="w", state_id=state_id, ordinal=ordinal))
        look.find(record)
        counts.append(steps(partial(look.find, record)))

    assert counts[0] == counts[1]
