"""Those who wait for a run to close. A waiter is an entry here, and costs no thread."""

from __future__ import annotations

import threading
from concurrent.futures import Future

from attrs import define, evolve

from iwf_py.core.record import Record
from iwf_py.core.views import result
from iwf_py.errors import ExecutionParkedError
from iwf_py.model.requests import RunResult
from iwf_py.runtime.answers import answer, refuse


@define(eq=False)
class Waiter:
    """
    One who waits.

    Attributes:
        asked: The run id that the answer carries, whatever run of the chain it comes from.

        run_id: The run that it waits for now.
    """

    asked: str
    future: Future[RunResult]
    run_id: str

    def answer(self, record: Record) -> None:
        """Tell the outcome of a closed run."""
        answer(self.future, evolve(result(record), run_id=self.asked))


def follower(record: Record) -> str | None:
    """Tell the run whose outcome counts instead of this one's, where a failed run is retried; else None."""
    successor = record.successor
    return successor.next.run_id if successor is not None and successor.is_retry else None


class Waiters:
    """
    Waiters by the run that they wait for now.

    Who closes a run shows its record first and asks for its waiters then; who waits registers first and looks at
    the record then: so one of the two meets the other.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._ended: Exception | None = None
        self._waiting: dict[str, dict[Waiter, None]] = {}

    def add(self, waiter: Waiter) -> None:
        """Have *waiter* wait for its run."""
        with self._lock:
            ended = self._ended
            if ended is None:
                self._waiting.setdefault(waiter.run_id, {})[waiter] = None
        if ended is not None:
            refuse(waiter.future, ended)

    def remove(self, waiter: Waiter) -> bool:
        """Wait no more; False when the waiter was found already."""
        with self._lock:
            waiters = self._waiting.get(waiter.run_id)
            if waiters is None or waiter not in waiters:
                return False
            del waiters[waiter]
            if not waiters:
                del self._waiting[waiter.run_id]
            return True

    def forget(self, waiter: Waiter) -> None:
        """Drop a waiter that is answered, or was cancelled."""
        self.remove(waiter)

    def closed(self, record: Record) -> None:
        """Answer those who wait for this run, or move them to the run that is its retry."""
        after = follower(record)
        with self._lock:
            waiters = self._waiting.pop(record.run_id, None)
            if waiters is None:
                return
            if after is not None:
                for waiter in waiters:
                    waiter.run_id = after
                self._waiting.setdefault(after, {}).update(waiters)
                return
        for waiter in waiters:
            waiter.answer(record)

    def parked(self, error: ExecutionParkedError) -> None:
        """Refuse those who wait for a run that is held apart from now on."""
        with self._lock:
            waiters = self._waiting.pop(error.run_id, {})
        for waiter in waiters:
            refuse(waiter.future, error)

    def close(self, error: Exception) -> None:
        """Refuse everybody, and whoever comes."""
        with self._lock:
            self._ended = error
            everybody = [waiter for waiters in self._waiting.values() for waiter in waiters]
            self._waiting.clear()
        for waiter in everybody:
            refuse(waiter.future, error)
