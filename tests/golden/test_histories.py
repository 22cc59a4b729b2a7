"""Recorded histories fold to the records that they made when they were recorded."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from iwf_py.codec.snapshots import event_from_text
from iwf_py.core import invariants
from iwf_py.core.rewind import rewind
from tests.golden.record import snapshot

HISTORIES = sorted(Path(__file__).parent.glob("*.json"))


def test_there_are_histories():
    """
    A folder that lost them would prove nothing.
    """
    assert [path.stem for path in HISTORIES] == ["signup"]


@pytest.mark.parametrize("path", HISTORIES, ids=lambda path: path.stem)
def test_a_recorded_history_folds_to_its_records(path: Path):
    """
    After every entry the record is what it was when it was recorded: the rules of that time still hold for it.
    """
    recorded = json.loads(path.read_text())
    events = [
        event_from_text(entry["kind"], json.dumps(entry["event"]), entry["format"]) for entry in recorded["history"]
    ]

    for seq, expected in enumerate(recorded["records"], 1):
        record = rewind(events, seq)

        found = snapshot(record)
        assert {name: found[name] for name in expected} == expected
        assert not any(found[name] for name in found.keys() - expected.keys()), (
            "what came to records since is void in it"
        )
        assert invariants.check(record) == []
