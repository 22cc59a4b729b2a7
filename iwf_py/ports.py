"""The doors: what hosts offer, and what they are handed.

Clients talk to a `WorkflowService`, workers to a `TaskService`; user code is reached through a
`Performer`. Hosts are handed clocks, ids, an executor and an alarm, so that a simulation can hand
them seeded ones. Every call of a service returns a `concurrent.futures.Future` at once: a waiter
costs no thread; cancelling the future of a waiter forgets it.

What a host owes, and the contract suite checks:

1. Changes and history are stored together or not at all; a new record is shown only after the commit.
2. Events are queued, ordered and advanced per (namespace, workflow id); the run is resolved when the
   event's turn comes; two starts of one id in one batch see each other. An event's time is
   ``max(clock, the record's last)`` at that moment.
3. A task may run twice; its outcome counts once. An outcome for a state that has left, or from an
   owner or attempt that is no longer current, is dropped.
4. A timer may fire late, never early; one that lost its race is dropped by the core.
5. Effects and answers come after the commit, in order.
6. Retries belong to the host, judgement to the core.
7. Whoever asked is answered: closing refuses open RPCs and tells waiters; a full queue and a stopped
   engine are answers too.
8. A `TransitionError` or a broken invariant parks that run and refuses its callers; the others go on.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime
from typing import Protocol

from iwf_py.model.history import HistoryEntry
from iwf_py.model.invocations import Fence, Invocation, Outcome, Serves, Task
from iwf_py.model.options import CronSchedule
from iwf_py.model.payload import Payload, SearchAttribute
from iwf_py.model.requests import (
    AttributeReading,
    AttributeWaitRequest,
    CountRequest,
    GetAttributesRequest,
    PublishRequest,
    ResetRequest,
    RpcRequest,
    RunAddress,
    RunDescription,
    RunResult,
    SearchPage,
    SearchRequest,
    SetAttributesRequest,
    SignalRequest,
    SkipTimerRequest,
    StartRequest,
    StateCompletion,
    StateWaitRequest,
    StopRequest,
    UpdateConfigRequest,
)


class WorkflowService(Protocol):
    """
    What clients may ask. A write's future is done once it is on stable storage.

    Errors, through the future: `HttpError`s (a refusal: nothing was written), `EngineError`s, `InvalidArgumentError`.
    """

    def start(self, request: StartRequest) -> Future[str]:
        """Open a run; answers its run id (or that of the run in the way, where the request says so)."""

    def signal(self, request: SignalRequest) -> Future[None]:
        """Append a message to a signal channel."""

    def publish(self, request: PublishRequest) -> Future[None]:
        """Append messages to internal channels."""

    def invoke_rpc(self, request: RpcRequest) -> Future[Payload | None]:
        """Run an RPC and apply what it wrote; answers its output. A read-only one works on a closed run too."""

    def stop(self, request: StopRequest) -> Future[None]:
        """End a run. CANCEL of a closed run does nothing; TERMINATE and FAIL of one are refused."""

    def skip_timer(self, request: SkipTimerRequest) -> Future[None]:
        """Complete a timer command now."""

    def set_attributes(self, request: SetAttributesRequest) -> Future[None]:
        """Write data and search attributes from outside."""

    def update_config(self, request: UpdateConfigRequest) -> Future[None]:
        """Change settings of an open run, field by field."""

    def reset(self, request: ResetRequest) -> Future[str]:
        """Open a run with the past of another, up to a point; answers its id. A run that was open is terminated."""

    def get_attributes(self, request: GetAttributesRequest) -> Future[dict[str, Payload]]:
        """Read data attributes, sorted by key."""

    def get_search_attributes(self, request: GetAttributesRequest) -> Future[dict[str, SearchAttribute]]:
        """Read search attributes, sorted by key."""

    def describe(self, address: RunAddress) -> Future[RunDescription]:
        """Tell all that may be seen of a run."""

    def result(self, address: RunAddress) -> Future[RunResult]:
        """Tell how a run stands now; outputs when it is closed."""

    def wait(self, address: RunAddress) -> Future[RunResult]:
        """
        Answer once the run is closed; one that failed and is retried: once the chain has its outcome.

        The future stays open as long as it takes: the caller bounds its patience and cancels.
        """

    def wait_for_state(self, request: StateWaitRequest) -> Future[StateCompletion]:
        """
        Answer once a state execution has completed, at once where it has; in a run that failed and is retried, or a retry.

        Refused where the run closes without it. For how long, as `wait`.
        """

    def wait_for_attribute(self, request: AttributeWaitRequest) -> Future[AttributeReading]:
        """Answer once a data attribute is another than it was, at once where it is; else as `wait_for_state`."""

    def search(self, request: SearchRequest) -> Future[SearchPage]:
        """
        Find runs: one page of them, open ones first, latest started first, then those that closed, latest closed first.

        All pages of a search keep to the moment of the first: nothing is told twice or left out.
        """

    def count(self, request: CountRequest) -> Future[int]:
        """Count the runs that a search finds."""

    def history(self, address: RunAddress, after: int = 0, limit: int = 1000) -> Future[tuple[HistoryEntry, ...]]:
        """Read history entries with ``seq > after``, at most *limit*."""


class TaskService(Protocol):
    """What workers ask."""

    def take(self, limit: int, serves: Serves) -> Future[tuple[Task, ...]]:
        """
        Answer as soon as there is a task that this worker serves; at most *limit*.

        The future stays open until then; cancelling it takes nothing. An empty answer means that the engine has stopped.
        """

    def complete(self, outcomes: Sequence[tuple[Fence, Outcome]]) -> Future[None]:
        """Hand outcomes back; done once each is stored, or dropped because its fence is not current."""


class Performer(Protocol):
    """Runs user code."""

    @property
    def serves(self) -> Serves:
        """What it has code for."""

    def perform(self, invocation: Invocation, done: Callable[[Outcome], None]) -> Callable[[], None]:
        """
        Run one call; *done* is called exactly once, on any thread, unless the call is cancelled first.

        An attempt that passes ``invocation.timeout`` is abandoned and answered with a failure by the performer.

        Returns:
            Cancel: forget the call; a coroutine is cancelled, a thread goes on unheard.
        """


class Clock(Protocol):
    """Where hosts read the time."""

    def now(self) -> datetime:
        """Tell the time (UTC, aware)."""

    def monotonic(self) -> float:
        """Tell seconds that never run back."""


class Ids(Protocol):
    """Where hosts get what must be unique."""

    def run_id(self, at: datetime) -> str:
        """Make a run id in the layout of uuid7."""


class Calendar(Protocol):
    """Where hosts read when a cron schedule is due."""

    def next_tick(self, schedule: CronSchedule, after: datetime) -> datetime | None:
        """
        Tell the first tick of *schedule* that is later than *after* (UTC); None when there is none any more.

        Errors:
            InvalidArgumentError: The expression or the zone is none; the sentence says what is wrong with it.
        """


class Executor(Protocol):
    """Runs a host's own steps; never user code."""

    def submit(self, step: Callable[[], None]) -> None:
        """Run *step* soon, on any thread."""


class Alarm(Protocol):
    """One alarm clock; what it rings was given at its making, and does no work of its own."""

    def set(self, at: datetime | None) -> None:
        """Ring at an instant (late is fine, early is not), instead of the one set before; None for never."""

    def close(self) -> None:
        """Ring no more."""


class Observer(Protocol):
    """Told of what happened, after each commit. It must not block; what it raises is logged and dropped."""

    def saw(self, entries: Sequence[HistoryEntry]) -> None:
        """Look at new history entries, oldest first."""


class _Seat(threading.local):
    waiting: Callable[[], AbstractContextManager[None]] = nullcontext


_seat = _Seat()


def take_seat(waiting: Callable[[], AbstractContextManager[None]]) -> None:
    """Say what this thread shall enter whenever it waits for a service; pools of workers say it of their threads."""
    _seat.waiting = waiting


def waiting() -> AbstractContextManager[None]:
    """
    Enter this around every wait for a service's answer.

    A thread of a worker's pool is then made up for while it waits, so that handlers which call workflows cannot
    starve the handlers that they wait for. Elsewhere it does nothing.
    """
    return _seat.waiting()
