"""Skips of timers whose states do not wait yet: kept until they do."""

from __future__ import annotations

from collections.abc import Iterator

from attrs import frozen

from iwf_py.core.maps import EMPTY, EMPTY_FIFO, Fifo, Map

# What one run keeps; what comes beyond is refused.
MAX_KEPT_SKIPS = 1_000
# No request has so many timers: an index at or above it never finds one.
MAX_TIMER_INDEX = 1 << 31


@frozen
class KeptSkip:
    """A timer to skip: by its id, or else by its index; *number* orders what the run keeps."""

    state_execution_id: str
    number: int
    command_id: str | None
    index: int | None


@frozen
class KeptSkips:
    """
    All that a run keeps.

    Attributes:
        executions: For each state execution id what is kept for it, oldest first.
    """

    executions: Map[str, Fifo[KeptSkip]] = EMPTY
    count: int = 0

    def of(self, state_execution_id: str) -> Fifo[KeptSkip]:
        """Tell what is kept for a state execution."""
        return self.executions.get(state_execution_id, EMPTY_FIFO)

    def plus(self, skip: KeptSkip) -> KeptSkips:
        """With one more."""
        name = skip.state_execution_id
        return KeptSkips(self.executions.insert(name, self.of(name).push(skip)), self.count + 1)

    def without(self, state_execution_id: str) -> KeptSkips:
        """Without what was kept for a state execution."""
        count = self.count - len(self.of(state_execution_id))
        return KeptSkips(self.executions.remove(state_execution_id), count) if count else NO_SKIPS

    def __iter__(self) -> Iterator[KeptSkip]:
        """Walk what is kept, oldest first."""
        return iter(sorted((skip for kept in self.executions.values() for skip in kept), key=_number))


def _number(skip: KeptSkip) -> int:
    return skip.number


NO_SKIPS = KeptSkips()
