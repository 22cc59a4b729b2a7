"""Records of runs, kept in memory as they were last committed.

Changed by whoever combines, read by anybody: what is kept is immutable, and swapped as a whole.
What is not here is read from the store, so that a waiting run costs rows and no memory.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

from attrs import frozen

from iwf_py.core.attempts import TaskState
from iwf_py.core.maps import EMPTY, Map
from iwf_py.core.record import Record
from iwf_py.model.ids import WorkflowKey
from iwf_py.model.invocations import Invocation
from iwf_py.runtime.limits import Limits
from iwf_py.store.unit import Loaded

# What a record takes beside its attributes, about; so that a bound by size bounds small ones too.
_OVERHEAD = 4_000


@frozen
class Live:
    """
    A run as it was last committed.

    Attributes:
        row: Its integer key in the store.

        tasks: For each invoked state's number, its call.

        pins: Invocations of calls that are to be tried again, so that each attempt sees the first one's attributes.

        parked: Why the run is held apart, or None.
    """

    row: int
    record: Record
    tasks: Map[int, TaskState] = EMPTY
    pins: Map[int, Invocation] = EMPTY
    parked: str | None = None

    @classmethod
    def of(cls, loaded: Loaded) -> Live:
        """Take a run as the store told it."""
        tasks: Any = {task.number: task for task in loaded.tasks}
        return cls(loaded.row, loaded.record, Map(tasks) if tasks else EMPTY, EMPTY, loaded.parked)

    @property
    def size(self) -> int:
        """About how much memory it takes."""
        return self.record.attributes_size + _OVERHEAD


class Cache:
    """The latest run of each workflow id that was touched lately; closed ones make room first."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._open: OrderedDict[WorkflowKey, Live] = OrderedDict()
        self._closed: OrderedDict[WorkflowKey, Live] = OrderedDict()
        self._size = 0

    def get(self, key: WorkflowKey) -> Live | None:
        """Find the latest run of an id; None says nothing about whether there is one."""
        live = self._open.get(key)
        return self._closed.get(key) if live is None else live

    def put(self, key: WorkflowKey, live: Live) -> None:
        """Keep a run, as the one touched last."""
        before = self._open.pop(key, None)
        if before is None and self._closed:
            before = self._closed.pop(key, None)
        if before is None:
            self._size += live.size
        else:
            self._size += live.record.attributes_size - before.record.attributes_size
        (self._open if live.record.closed is None else self._closed)[key] = live

    def drop(self, key: WorkflowKey) -> None:
        """Forget what is known of an id."""
        live = self._open.pop(key, None)
        if live is None:
            live = self._closed.pop(key, None)
        if live is not None:
            self._size -= live.size

    def trim(self) -> None:
        """Forget those that were not touched for longest, until the bounds hold."""
        while len(self._closed) > self._limits.closed_records:
            self._size -= self._closed.popitem(last=False)[1].size
        while len(self._open) > self._limits.open_records:
            self._size -= self._open.popitem(last=False)[1].size
        while self._size > self._limits.records_size and len(self._open) + len(self._closed) > 1:
            self._size -= (self._closed or self._open).popitem(last=False)[1].size

    def __len__(self) -> int:
        return len(self._open) + len(self._closed)
