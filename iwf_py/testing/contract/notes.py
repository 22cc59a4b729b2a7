"""What the suite's user code notes as it is called; kept in the process that it runs in, and by no host."""

from __future__ import annotations

import threading
from collections import defaultdict
from typing import Any


class Notebook:
    """Notes of this process; a host whose user code runs in another one has its own way to read them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._notes: dict[str, list[Any]] = defaultdict(list)

    def add(self, workflow_id: str, what: Any) -> None:
        """Keep a note."""
        with self._lock:
            self._notes[workflow_id].append(what)

    def read(self, workflow_id: str) -> list[Any]:
        """Tell the notes of a workflow id, in order."""
        with self._lock:
            return list(self._notes[workflow_id])

    def forget(self) -> None:
        """Begin anew."""
        with self._lock:
            self._notes.clear()


_HERE = Notebook()
# Where tests read; user code always writes here.
_read: list[Notebook] = [_HERE]


def read_from(book: Notebook | None) -> None:
    """Have `notes` and `forget_notes` go to another notebook; None for that of this process."""
    _read[:] = [book or _HERE]


def note(workflow_id: str, what: Any) -> None:
    """Keep *what* for the test to read."""
    _HERE.add(workflow_id, what)


def notes(workflow_id: str) -> list[Any]:
    """Tell what was noted under a workflow id, in order."""
    return _read[0].read(workflow_id)


def forget_notes() -> None:
    """Begin anew: each host under test does."""
    _read[0].forget()
