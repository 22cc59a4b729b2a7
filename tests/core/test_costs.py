"""A turn costs what it touches, whatever else the run has grown to."""

from __future__ import annotations

import sys
from types import FrameType
from typing import Any

from iwf_py.core.advance import advance
from iwf_py.core.events import Event
from iwf_py.core.record import Record
from tests.benchmarks.core_turn import cases


def steps(record: Record | None, event: Event) -> int:
    """Count the function calls of one turn, of Python and of C, each step of a generator included."""
    count = 0

    def note(_: FrameType, what: str, __: Any) -> None:
        nonlocal count
        count += what in ("call", "c_call")

    sys.setprofile(note)
    try:
        advance(record, event)
    finally:
        sys.setprofile(None)
    return count


def test_a_turn_takes_as_many_steps_in_a_large_run_as_in_a_small_one():
    """
    With a hundred times the attributes, messages and states no kind of turn takes half as many steps again.
    """
    small = {name: steps(record, event) for name, record, event in cases(10)}
    large = {name: steps(record, event) for name, record, event in cases(1000)}

    grown = {name: (small[name], large[name]) for name in small if large[name] > 1.5 * small[name]}

    assert grown == {}
    assert len(small) > 10
