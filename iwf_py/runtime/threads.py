"""What production hands the engine: threads for its steps, the clock on the wall, and run ids."""

from __future__ import annotations

import gc
import logging
import os
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from queue import SimpleQueue

from iwf_py.errors import EngineStoppedError
from iwf_py.model.ids import run_id_from

_LOGGER = logging.getLogger(__name__)


class Threads:
    """
    A few threads that run the engine's steps, never user code (implements `ports.Executor`).

    They are daemons: whatever they were about when the interpreter ends is as after a crash, which loses nothing.

    Args:
        count: One combines, the others read.
    """

    def __init__(self, count: int = 4, name: str = "iwf-engine") -> None:
        self._steps: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._threads = [
            threading.Thread(target=self._run, name=f"{name}-{number}", daemon=True) for number in range(count)
        ]
        for thread in self._threads:
            thread.start()

    def submit(self, step: Callable[[], None]) -> None:
        """Run *step* soon, on one of the threads."""
        if not self._threads:
            raise EngineStoppedError("the threads of the engine have ended")
        self._steps.put(step)

    def close(self) -> None:
        """Let the threads end after what was submitted, and wait for them; not from one of them."""
        for _ in self._threads:
            self._steps.put(None)
        for thread in self._threads:
            thread.join()
        self._threads = []

    def _run(self) -> None:
        while True:
            step = self._steps.get()
            if step is None:
                return
            try:
                step()
            except BaseException:
                _LOGGER.exception("a step of the engine failed")


def relax_garbage_collection() -> None:
    """
    Have the interpreter look for garbage less often: for processes that are the engine's own.

    An engine keeps many records and makes no cycles of them; with the interpreter's own settings, walking them takes a
    third of its time. It is a setting of the whole process, so nothing but a program's entry should change it.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 50)


class SystemClock:
    """The time of the machine (implements `ports.Clock`)."""

    def now(self) -> datetime:
        """Tell the time (UTC, aware)."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Tell seconds that never run back."""
        return time.monotonic()


class RandomIds:
    """Run ids in the layout of uuid7, random beside their time (implements `ports.Ids`)."""

    def run_id(self, at: datetime) -> str:
        """Make a run id."""
        return run_id_from(at, os.urandom(10))
