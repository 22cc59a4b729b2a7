"""What the engine has to do at some instant, on one alarm.

In memory only: what must outlive the process is a due time in a row, and upkeep's business.
The alarm only has the executor look here; nothing is done on the alarm's own thread.
"""

from __future__ import annotations

import heapq
import logging
import threading
from collections.abc import Callable
from datetime import datetime

from iwf_py.ports import Alarm, Clock, Executor

_LOGGER = logging.getLogger(__name__)


class Appointment:
    """One thing to do at an instant; cancelling it twice, or too late, does nothing."""

    __slots__ = ("_agenda", "at", "step")

    def __init__(self, agenda: Agenda, at: datetime, step: Callable[[], None]) -> None:
        self._agenda = agenda
        self.at = at
        self.step: Callable[[], None] | None = step

    def cancel(self) -> None:
        """Do not do it."""
        self._agenda.forget(self)


class Agenda:
    """
    A heap of appointments and the alarm set to the earliest.

    Args:
        make_alarm: Is handed what the alarm shall ring.
    """

    def __init__(self, clock: Clock, executor: Executor, make_alarm: Callable[[Callable[[], None]], Alarm]) -> None:
        self._clock = clock
        self._executor = executor
        self._lock = threading.Lock()
        self._heap: list[tuple[datetime, int, Appointment]] = []
        self._count = 0
        self._cancelled = 0
        self._set_to: datetime | None = None
        self._is_closed = False
        self._alarm = make_alarm(self._ring)

    def at(self, instant: datetime, step: Callable[[], None]) -> Appointment:
        """Have *step* run on the executor at *instant*, or soon where that is past."""
        appointment = Appointment(self, instant, step)
        with self._lock:
            self._count += 1
            heapq.heappush(self._heap, (instant, self._count, appointment))
            if not self._is_closed and (self._set_to is None or instant < self._set_to):
                self._set_to = instant
                self._alarm.set(instant)
        return appointment

    def forget(self, appointment: Appointment) -> None:
        """Leave one out. It goes from the heap when its time comes, or when half of the heap is such."""
        with self._lock:
            if appointment.step is None:
                return
            appointment.step = None
            self._cancelled += 1
            if self._cancelled > 64 and self._cancelled * 2 > len(self._heap):
                self._heap = [entry for entry in self._heap if entry[2].step is not None]
                heapq.heapify(self._heap)
                self._cancelled = 0

    def close(self) -> None:
        """Do nothing any more."""
        with self._lock:
            self._is_closed = True
            self._heap.clear()
        self._alarm.close()

    def _ring(self) -> None:
        self._executor.submit(self._look)

    def _look(self) -> None:
        for step in self._due():
            try:
                step()
            except Exception:
                _LOGGER.exception("an appointment failed")

    def _due(self) -> list[Callable[[], None]]:
        steps: list[Callable[[], None]] = []
        with self._lock:
            if self._is_closed:
                return steps
            now = self._clock.now()
            while self._heap and (self._heap[0][0] <= now or self._heap[0][2].step is None):
                appointment = heapq.heappop(self._heap)[2]
                if appointment.step is None:
                    self._cancelled -= 1
                else:
                    steps.append(appointment.step)
                    appointment.step = None
            self._set_to = self._heap[0][0] if self._heap else None
            self._alarm.set(self._set_to)
        return steps
