"""The real store, wrapped in faults: it fails, or commits and then raises, or dies between two steps."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from attrs import evolve

from iwf_py.errors import CommitUnknownError, StoreError
from iwf_py.model.history import HistoryEntry
from iwf_py.store.unit import Batch, DueTask
from tests.simulation.options import Options
from tests.simulation.world import Crash, Process, World

T = TypeVar("T")


class FaultyStore:
    """
    What one generation of the engine sees of the store (implements `unit.Store`).

    Args:
        die: Has the process die.

        committed: Is told what stands: the batch and its history entries.
    """

    def __init__(
        self,
        real: Any,
        world: World,
        process: Process,
        options: Options,
        *,
        die: Callable[[], None],
        committed: Callable[[Batch, tuple[HistoryEntry, ...]], None],
    ) -> None:
        self._real = real
        self._world = world
        self._process = process
        self._options = options
        self._die = die
        self._committed = committed
        self._claimed: tuple[DueTask, ...] | None = None
        # The batch whose COMMIT did not answer, until it was settled.
        self.doubt: int | None = None
        self.is_faulty = True

    @property
    def epoch(self) -> int:
        return int(self._real.epoch)

    def open(self, now: Any) -> None:
        self._real.open(now)

    def retire(self) -> None:
        self._before_write("retire")
        self._real.retire()

    def close(self) -> None:
        if self._process.is_alive:
            self._real.close()

    def reserve(self, count: int) -> range:
        self._before_write("reserve")
        keys: range = self._real.reserve(count)
        return keys

    def commit(self, batch: Batch) -> tuple[HistoryEntry, ...]:
        world, options = self._world, self._options
        self._check()
        if self._is(options.crash_before):
            self._crash("crash before a commit")
        if self._is(options.fail):
            world.sometimes["commit failed"] += 1
            raise StoreError("injected: nothing was written")
        if self._is(options.unknown_before):
            world.sometimes["commit in doubt that does not stand"] += 1
            self.doubt = batch.number
            raise CommitUnknownError("injected: before")
        if self._is(options.interrupt):
            world.sometimes["commit interrupted"] += 1
            self.doubt = batch.number
            raise KeyboardInterrupt
        # Whether or not the engine has observers, the simulation looks at all that is written.
        entries = self._real.commit(evolve(batch, is_observed=True))
        world.note("commit", batch.number, *(f"{entry.workflow_id}#{entry.seq} {entry.kind}" for entry in entries))
        self._committed(batch, entries)
        if self._is(options.crash_after):
            self._crash("crash after a commit")
        if self._is(options.unknown_after):
            world.sometimes["commit in doubt that stands"] += 1
            self.doubt = batch.number
            raise CommitUnknownError("injected: after")
        return tuple(entries)

    def settle(self, number: int) -> bool:
        self._check()
        if self._is(self._options.settle_fails):
            self._world.sometimes["settling failed"] += 1
            raise StoreError("injected: cannot look")
        stands = bool(self._real.settle(number))
        self._world.note("settled", number, stands)
        self.doubt = None
        return stands

    def claim_orphans(self, limit: int) -> tuple[DueTask, ...]:
        self._before_write("claim")
        if self._claimed is not None:
            claimed, self._claimed = self._claimed, None
            return claimed
        claimed = tuple(self._real.claim_orphans(limit))
        if claimed:
            self._world.sometimes["orphans claimed"] += 1
        if self._is(self._options.unknown_after):
            # The next claim answers what this one found.
            self._claimed = claimed
            raise CommitUnknownError("injected: claim")
        return claimed

    def park(self, row: int, reason: str | None) -> None:
        self._before_write("park")
        self._real.park(row, reason)

    def sweep(self, limit: int) -> int:
        self._before_write("sweep")
        return int(self._real.sweep(limit))

    def latest(self, keys: Any) -> Any:
        return self._read(lambda: self._real.latest(keys))

    def find(self, key: Any, run_id: str) -> Any:
        return self._read(lambda: self._real.find(key, run_id))

    def load(self, row: int) -> Any:
        return self._read(lambda: self._real.load(row))

    def due(self, *arguments: Any) -> Any:
        return self._read(lambda: self._real.due(*arguments))

    def next_due(self, after: Any = None) -> Any:
        return self._read(lambda: self._real.next_due(after))

    def open_rpcs(self, limit: int) -> Any:
        self._check()
        return self._real.open_rpcs(limit)

    def history(self, *arguments: Any) -> Any:
        return self._read(lambda: self._real.history(*arguments))

    def events(self, *arguments: Any) -> Any:
        return self._read(lambda: self._real.events(*arguments))

    def search(self, *arguments: Any) -> Any:
        return self._read(lambda: self._real.search(*arguments))

    def count(self, *arguments: Any) -> Any:
        return self._read(lambda: self._real.count(*arguments))

    def _read(self, read: Callable[[], T]) -> T:
        self._check()
        if self._is(self._options.read_fails):
            self._world.sometimes["reading failed"] += 1
            raise StoreError("injected: cannot read")
        return read()

    def _before_write(self, what: str) -> None:
        self._check()
        if self._is(self._options.crash_before):
            self._crash(f"crash before {what}")
        if self._is(self._options.fail):
            raise StoreError(f"injected: {what}")

    def _is(self, probability: float) -> bool:
        return self.is_faulty and self._world.chance(probability)

    def _check(self) -> None:
        if not self._process.is_alive:
            raise Crash

    def _crash(self, what: str) -> None:
        self._world.sometimes[what] += 1
        self._die()
        raise Crash
