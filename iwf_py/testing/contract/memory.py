"""The in-memory host under the contract."""

from __future__ import annotations

from collections.abc import Sequence
from types import TracebackType

from iwf_py.authoring.registry import Registry
from iwf_py.core.events import Event
from iwf_py.model.durations import Duration
from iwf_py.testing.contract.host import ContractHost
from iwf_py.testing.host import TestEngine


class MemoryHost(ContractHost):
    """
    A `TestEngine` as the contract suite sees it; a context manager.

    Args:
        seed: Of the order of what is ready at the same instant.
    """

    def __init__(self, registry: Registry, seed: int = 0) -> None:
        super().__init__(registry)
        self._engine = TestEngine(registry, seed=seed)
        self.clock = self._engine.clock
        self.service = self._engine.service
        self.client = self._engine.client

    def __enter__(self) -> MemoryHost:
        """Begin."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """End."""
        self._engine.close()

    def settle(self) -> None:
        """Do all that is to be done at this instant."""
        self._engine.run_until_idle()

    def advance(self, duration: Duration | str) -> None:
        """Let virtual time pass."""
        self._engine.skip(duration)

    def restart(self) -> None:
        """Nothing outlives this host, so it goes on."""

    def events(self, workflow_id: str, run_id: str | None = None) -> Sequence[tuple[int, Event]]:
        """Tell the history of a run."""
        return self._engine.events(workflow_id, run_id)

    def problems(self) -> list[str]:
        """Audit every run."""
        return self._engine.problems()
