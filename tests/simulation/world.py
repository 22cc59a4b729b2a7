"""The seeded world: one thread, one heap of steps, and a clock that moves from step to step.

`random.Random(seed)` is the only source of choice. A process is a generation number: when it dies,
nothing that it had scheduled happens any more.
"""

from __future__ import annotations

import heapq
import random
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from iwf_py.model.ids import run_id_from
from iwf_py.model.options import CronSchedule

EPOCH = datetime(2030, 1, 1, tzinfo=UTC)


class Violation(Exception):
    """Something happened that must not."""


class Crash(BaseException):
    """The engine's process dies here."""


class World:
    """
    Steps, in order of their virtual time; those of one instant in a seeded order.

    Attributes:
        sometimes: What happened how often: a simulation in which something never happens does not test it.

        trace: What was done, for whoever looks for the reason of a violation.
    """

    def __init__(self, seed: int, *, traces: bool = False) -> None:
        self.seed = seed
        self.random = random.Random(seed)
        self.now = EPOCH
        self.sometimes: Counter[str] = Counter()
        self.trace: list[str] = []
        self._traces = traces
        self._heap: list[tuple[datetime, float, int, Callable[[], None]]] = []
        self._count = 0
        self._ids = 0
        self.violation: str | None = None

    def violate(self, text: str) -> None:
        """Note a violation, wherever it is found: what catches exceptions on the way cannot hide it."""
        self.note("VIOLATION", text)
        if self.violation is None:
            self.violation = text

    def after(self, seconds: float, step: Callable[[], None]) -> None:
        """Do *step* so many virtual seconds from now."""
        self.at(self.now + timedelta(seconds=seconds), step)

    def at(self, instant: datetime, step: Callable[[], None]) -> None:
        """Do *step* at *instant*, or now where that is past."""
        self._count += 1
        heapq.heappush(self._heap, (max(instant, self.now), self.random.random(), self._count, step))

    def run(self, seconds: float) -> None:
        """Let so many virtual seconds pass."""
        until = self.now + timedelta(seconds=seconds)
        while self._heap and self._heap[0][0] <= until:
            self.now, _, _, step = heapq.heappop(self._heap)
            step()
            if self.violation is not None:
                raise Violation(self.violation)
        self.now = until

    def chance(self, probability: float) -> bool:
        """Decide something."""
        return probability > 0 and self.random.random() < probability

    def token(self) -> str:
        """Make a text that nobody else has."""
        self._ids += 1
        return f"tok-{self._ids}."

    def run_id(self, at: datetime) -> str:
        """Make a run id (implements `ports.Ids`)."""
        self._ids += 1
        return run_id_from(at, self._ids.to_bytes(10, "big"))

    def note(self, text: str, *parts: Any) -> None:
        """Remember what was done, when a trace was asked for."""
        if self._traces:
            seconds = (self.now - EPOCH).total_seconds()
            self.trace.append(f"{seconds:9.3f} {text} " + " ".join(map(str, parts)))


class WorldClock:
    """The world's time (implements `ports.Clock`)."""

    def __init__(self, world: World) -> None:
        self._world = world

    def now(self) -> datetime:
        return self._world.now

    def monotonic(self) -> float:
        return (self._world.now - EPOCH).total_seconds()


class WorldCalendar:
    """Ticks every so many seconds, and no more after so many: ``3 40`` (implements `ports.Calendar`)."""

    def next_tick(self, schedule: CronSchedule, after: datetime) -> datetime | None:
        step, until = (timedelta(seconds=int(text)) for text in schedule.expression.split())
        past = (after - EPOCH) // step
        tick = (past + 1) * step
        return EPOCH + tick if tick <= until else None


class Process:
    """
    One generation of the engine: executor and alarms that die with it.

    Args:
        latency: The longest that a step waits for its thread, in seconds.
    """

    def __init__(self, world: World, generation: int, latency: float) -> None:
        self.world = world
        self.generation = generation
        self.is_alive = True
        self._latency = latency

    def submit(self, step: Callable[[], None]) -> None:
        """Run *step* soon (implements `ports.Executor`)."""
        self.world.after(self.world.random.random() * self._latency, lambda: self.do(step))

    def do(self, step: Callable[[], None]) -> None:
        """Run *step*, unless the process is dead, or dies on it."""
        if self.is_alive:
            try:
                step()
            except Crash:
                if self.is_alive:
                    raise

    def alarm(self, ring: Callable[[], None]) -> WorldAlarm:
        """Make an alarm that dies with the process."""
        return WorldAlarm(self, ring)


class WorldAlarm:
    """Rings a little late, as alarms do (implements `ports.Alarm`)."""

    def __init__(self, process: Process, ring: Callable[[], None]) -> None:
        self._process = process
        self._ring = ring
        self._version = 0

    def set(self, at: datetime | None) -> None:
        self._version += 1
        version, world = self._version, self._process.world
        if at is not None:
            late = timedelta(seconds=world.random.random() * 0.01)
            world.at(max(at, world.now) + late, lambda: self._look(version))

    def close(self) -> None:
        self._version += 1

    def _look(self, version: int) -> None:
        if version == self._version:
            self._process.do(self._ring)
