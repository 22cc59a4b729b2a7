"""Those who wait for something of a run. A waiter is an entry here, and costs no thread."""

from __future__ import annotations

import threading
from concurrent.futures import Future
from typing import Any

from attrs import define

from iwf_py.core.looks import Expected, Found, Look, Lost, look_at
from iwf_py.core.record import Record
from iwf_py.errors import ExecutionParkedError
from iwf_py.runtime.answers import answer, refuse

# A run, and whether its end alone is of interest: turns of a run that nobody watches cost nothing.
_Place = tuple[str, bool]


@define(eq=False)
class Waiter:
    """
    One who waits.

    Attributes:
        look: What it looks for.

        run_id: The run that it waits for now.

        seq: Of the record of that run that it has looked at; of an older one it must not hear.
    """

    look: Look[Any]
    future: Future[Any]
    run_id: str
    seq: int = 0

    @property
    def place(self) -> _Place:
        """Where it stands while it waits."""
        return self.run_id, self.look.at_close

    def tell(self, seen: Found[Any] | Lost) -> None:
        """End its waiting."""
        if isinstance(seen, Found):
            answer(self.future, seen.answer)
        else:
            refuse(self.future, seen.error)


class Waiters:
    """
    Waiters by the run that they wait for now.

    Who takes a turn shows its record first and asks the run's waiters to look then; who waits registers first and looks
    at the record then: so one of the two meets the other.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._ended: Exception | None = None
        self._waiting: dict[_Place, dict[Waiter, None]] = {}

    def add(self, waiter: Waiter) -> None:
        """Have *waiter* wait for its run."""
        with self._lock:
            ended = self._ended
            if ended is None:
                self._put(waiter)
        if ended is not None:
            refuse(waiter.future, ended)

    def remove(self, waiter: Waiter) -> bool:
        """Wait no more; False when the waiter was told already."""
        with self._lock:
            return self._take(waiter)

    def forget(self, waiter: Waiter) -> None:
        """Drop a waiter that is answered, or was cancelled."""
        self.remove(waiter)

    def turned(self, record: Record) -> None:
        """Have those who wait for this run look at what has become of it; some go on to the run that is its retry."""
        run_id = record.run_id
        places = ((run_id, False),) if record.closed is None else ((run_id, False), (run_id, True))
        # Without the lock: who comes after this line looks at a record that is this one, or later.
        if self._waiting.keys().isdisjoint(places):
            return
        told: list[tuple[Waiter, Found[Any] | Lost]] = []
        with self._lock:
            for waiter in [waiter for place in places for waiter in self._waiting.get(place, ())]:
                if waiter.seq >= record.seq:
                    continue
                seen = look_at(record, waiter.look)
                if not isinstance(seen, Expected):
                    self._take(waiter)
                    told.append((waiter, seen))
                elif seen.run_id != run_id:
                    self._take(waiter)
                    waiter.run_id, waiter.seq = seen.run_id, 0
                    self._put(waiter)
        for waiter, seen in told:
            waiter.tell(seen)

    def parked(self, error: ExecutionParkedError) -> None:
        """Refuse those who wait for a run that is held apart from now on."""
        with self._lock:
            places = (error.run_id, False), (error.run_id, True)
            waiters = [waiter for place in places for waiter in self._waiting.pop(place, ())]
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

    # Under the lock.

    def _put(self, waiter: Waiter) -> None:
        self._waiting.setdefault(waiter.place, {})[waiter] = None

    def _take(self, waiter: Waiter) -> bool:
        waiters = self._waiting.get(waiter.place)
        if waiters is None or waiter not in waiters:
            return False
        del waiters[waiter]
        if not waiters:
            del self._waiting[waiter.place]
        return True
