"""What clients asked, and what they were told: compared with what stands."""

from __future__ import annotations

import itertools
from datetime import datetime
from typing import Any

from attrs import define, field

from iwf_py.errors import EngineError, EngineStoppedError, HttpError, WorkflowRPCAcquiringLockFailure
from tests.simulation.world import World

# Events that stand in the order in which they were asked for.
QUEUED = ("Signalled", "Published", "AttributesSet")


@define(eq=False)
class Operation:
    """
    One thing that a client asked.

    Attributes:
        token: What stands in its event's text, where it has one.

        kind: The event in whose text it must stand.

        sent_at: The world's time and the number of the step.

        told_at: The same for the answer; None while there is none. For ever, where the engine died first.

        request: Of a reset.
    """

    what: str
    workflow_id: str
    token: str
    kind: str
    sent_at: int
    told_at: int | None = None
    value: Any = None
    error: BaseException | None = None
    at: datetime | None = None
    run_id: str | None = None
    request: Any = None

    @property
    def is_acknowledged(self) -> bool:
        """Was it told that it is done?"""
        return self.told_at is not None and self.error is None


@define(eq=False)
class Ledger:
    """All operations. Tokens are looked for in what was committed."""

    world: World
    operations: list[Operation] = field(factory=list)
    # Token to where it stands: run id, seq and the event's kind.
    committed: dict[str, list[tuple[str, int, str]]] = field(factory=dict)
    # Run id and seq of what a reset applied again.
    reapplied: set[tuple[str, int]] = field(factory=set)
    count: int = 0

    def tick(self) -> int:
        """Number what happens."""
        self.count += 1
        return self.count

    def places(self, operation: Operation) -> list[tuple[str, int, str]]:
        """Tell where an operation's event stands."""
        return [place for place in self.committed.get(operation.token, ()) if place[2] == operation.kind]

    def acknowledged(self, operation: Operation, value: Any) -> None:
        """Note an answer; what it acknowledges must stand by now."""
        operation.told_at = self.tick()
        operation.value = value
        operation.at = self.world.now
        self.world.note("told", operation.what, operation.workflow_id, operation.token, value)
        if operation.kind and not self.places(operation):
            self.world.violate(f"{operation.what} {operation.token} was acknowledged before it was committed")

    def refused(self, operation: Operation, error: BaseException) -> None:
        """Note a refusal; it must be one that clients may get. Of a stopped engine nobody knows what it did."""
        if isinstance(error, EngineStoppedError):
            self.world.sometimes["told that the engine stopped"] += 1
            return
        operation.told_at = self.tick()
        operation.error = error
        if isinstance(error, WorkflowRPCAcquiringLockFailure):
            self.world.sometimes["lock refused"] += 1
        self.world.note("refused", operation.what, operation.workflow_id, operation.token, repr(error))
        if not isinstance(error, HttpError | EngineError):
            self.world.violate(f"{operation.what} {operation.token} was refused with {error!r}")

    def check(self) -> None:
        """Compare what was told with what stands, now that nothing moves any more."""
        for operation in self.operations:
            if not operation.kind:
                continue
            places = self.places(operation)
            runs = {run_id for run_id, _, _ in places}
            # A retry of a run begins with the same request.
            brought = sum(place[:2] not in self.reapplied for place in places)
            count = len(runs) if operation.kind == "Started" else brought
            if operation.kind == "Started" and operation.is_acknowledged and not places:
                self.world.violate(f"acknowledged {operation.what} {operation.token} is lost")
            if operation.kind != "Started" and operation.is_acknowledged and count != 1:
                self.world.violate(f"acknowledged {operation.what} {operation.token} stands {count} times")
            if operation.error is not None and count:
                self.world.violate(f"refused {operation.what} {operation.token} stands: {places} ({operation.error!r})")
            if operation.kind != "Started" and len(runs) < len(places):
                self.world.violate(f"{operation.what} {operation.token} stands twice in one run: {places}")
            if operation.kind != "Started" and count > 1:
                self.world.violate(f"{operation.what} {operation.token} stands {count} times")
        self._check_order()

    def _check_order(self) -> None:
        """What was acknowledged before another was sent stands before it, within a run."""
        by_run: dict[str, list[tuple[int, Operation]]] = {}
        for operation in self.operations:
            if operation.kind and operation.kind != "Started":
                for run_id, seq, _ in self.places(operation):
                    by_run.setdefault(run_id, []).append((seq, operation))
        for found in by_run.values():
            found.sort(key=lambda item: item[0])
            # What the door queues for a run has its turn in the order in which it came.
            queued = [operation for _, operation in found if operation.kind in QUEUED]
            for before, after in itertools.pairwise(queued):
                if before.sent_at > after.sent_at:
                    self.world.violate(
                        f"{after.what} {after.token} was sent before {before.token}, and stands behind it"
                    )
            latest_sent = 0
            for _, operation in found:
                if operation.told_at is not None and operation.told_at < latest_sent:
                    self.world.violate(
                        f"{operation.what} {operation.token} stands behind what was sent after it was told"
                    )
                latest_sent = max(latest_sent, operation.sent_at)
