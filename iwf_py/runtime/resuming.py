"""Taking a run up again that was held apart."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from datetime import datetime

from attrs import evolve

from iwf_py.model.ids import WorkflowKey
from iwf_py.runtime.answers import answer, refuse
from iwf_py.runtime.calls import Calls
from iwf_py.runtime.posts import NOTHING, Post, Taken
from iwf_py.runtime.sheets import RunSheet, Sheet


class ResumePost(Post):
    """
    A run is parked no longer: its calls are given out again, as if the engine had never ended on them.

    Args:
        future: Done once the run is open to all again.
    """

    is_inner = False
    is_for_parked = True
    __slots__ = ("_calls", "_future", "_lose_rpc")

    def __init__(
        self,
        key: WorkflowKey,
        run_id: str | None,
        calls: Calls,
        lose_rpc: Callable[[str, WorkflowKey, int], None],
        future: Future[None],
    ) -> None:
        super().__init__(key, run_id)
        self._calls = calls
        self._lose_rpc = lose_rpc
        self._future = future

    def take(self, sheet: Sheet, run: RunSheet | None, now: datetime) -> Taken:
        """Forget how often its calls were recovered."""
        assert run is not None
        if run.parked is not None:
            run.unpark()
            for number in sorted(run.tasks):
                task = run.tasks[number]
                if task.recoveries:
                    run.retry(task, evolve(task, recoveries=0), None)
        return NOTHING

    def told(self, taken: Taken, run: RunSheet | None) -> None:
        """Give its calls out."""
        assert run is not None
        record = run.record
        for number in sorted(run.tasks):
            self._calls.give_out(self.key, record, run.tasks[number], run.pins.get(number))
        for number in sorted(record.rpcs):
            self._lose_rpc(record.run_id, self.key, number)
        answer(self._future, None)

    def refused(self, error: Exception) -> None:
        """Tell whoever asked."""
        refuse(self._future, error)
