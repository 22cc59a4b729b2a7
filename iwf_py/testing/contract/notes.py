"""What the suite's user code notes as it is called; kept in this process, and by no host."""

from __future__ import annotations

import threading
from collections import defaultdict
from typing import Any

_NOTES: dict[str, list[Any]] = defaultdict(list)
_LOCK = threading.Lock()


def note(workflow_id: str, what: Any) -> None:
    """Keep *what* for the test to read."""
    with _LOCK:
        _NOTES[workflow_id].append(what)


def notes(workflow_id: str) -> list[Any]:
    """Tell what was noted under a workflow id, in order."""
    with _LOCK:
        return list(_NOTES[workflow_id])


def forget_notes() -> None:
    """Begin anew: each host under test does."""
    with _LOCK:
        _NOTES.clear()
