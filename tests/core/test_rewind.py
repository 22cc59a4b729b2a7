"""A history is folded back into the record that it made."""

from __future__ import annotations

import pytest
from attrs import evolve

from iwf_py.core.events import Signalled
from iwf_py.core.parts import stored
from iwf_py.core.rewind import audit, rewind
from iwf_py.errors import TransitionError
from tests.core.machine import NOON, Machine, sealed, to, writes


def machine() -> Machine:
    found = Machine(to("A"))
    found.signal("s", "x")
    found.decides("A-1", "B", writes=writes(k="1"))
    found.completes("B-1", sealed("out"))
    return found


def test_a_history_gives_the_record_back():
    """
    Whole, or up to any entry.
    """
    found = machine()

    assert rewind(found.events) == found.run
    assert [rewind(found.events, until).seq for until in (1, 2, 3, 4)] == [1, 2, 3, 4]
    assert list(rewind(found.events, 3).states) == [2]


def test_rows_that_say_the_same_pass_the_audit():
    """
    No problems is an empty list.
    """
    found = machine()

    assert audit(found.events, stored(found.run)) == []


def test_an_audit_names_what_differs():
    """
    One sentence for each field.
    """
    found = machine()
    rows = evolve(stored(found.run), attributes=(("k", sealed("2"), 3),), outputs=())

    problems = audit(found.events, rows)

    assert [problem.split()[0] for problem in problems] == ["attributes", "outputs"]


def test_an_audit_tells_of_a_history_that_does_not_hold():
    """
    Rows cannot be compared with what cannot be folded; that is a finding, not a crash.
    """
    found = machine()

    assert "history entry 3" in audit([*found.events[:2], found.events[3]], stored(found.run))[0]


@pytest.mark.parametrize("events", [[], [Signalled(at=NOON, channel_name="s")]], ids=["empty", "headless"])
def test_a_history_begins_with_an_opening(events: list):
    """
    Anything else is no history of a run.
    """
    with pytest.raises(TransitionError):
        rewind(events)


def test_an_entry_that_changes_nothing_is_no_history():
    """
    Only what changed something was recorded.
    """
    found = machine()

    with pytest.raises(TransitionError, match="entry 5"):
        rewind([*found.events, found.events[-1]])
