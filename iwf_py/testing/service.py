"""The in-memory host: a `WorkflowService` over a dictionary of records, with handlers called in line.

A write is carried out at the call; calls of user code wait on the agenda until somebody drives it.
All duties of `ports` hold, but that nothing outlives the process.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TypeVar

from iwf_py.codec.bookmarks import bookmark_of, token_of
from iwf_py.codec.queries import parse_query
from iwf_py.core import looks, views
from iwf_py.core.events import (
    AttributesSet,
    ConfigUpdated,
    Event,
    Published,
    Signalled,
    Started,
    StopRequested,
    TimerSkipped,
)
from iwf_py.core.looks import Look
from iwf_py.core.paging import page_of, page_size
from iwf_py.core.points import request_problem
from iwf_py.errors import (
    EngineStoppedError,
    IwfError,
    WorkflowStillRunningError,
)
from iwf_py.model.history import HistoryEntry
from iwf_py.model.ids import WorkflowKey, run_id_from
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
from iwf_py.ports import Calendar
from iwf_py.testing.agenda import Agenda
from iwf_py.testing.calls import Calls, accepted
from iwf_py.testing.clock import ManualClock
from iwf_py.testing.futures import DrivenFuture
from iwf_py.testing.runs import Asked, Run, Waiter
from iwf_py.worker.handlers import Handlers

ResultT = TypeVar("ResultT")

Request = RunAddress | StartRequest | SearchRequest | CountRequest


class MemoryService:
    """
    Implements `ports.WorkflowService`.

    An attempt's timeout is not watched: a handler runs in the caller's thread, while virtual time stands still.

    Args:
        handlers: The user code.

        clock: Where the time is read.

        agenda: Where work waits.

        calendar: Tells the ticks of schedules.
    """

    def __init__(self, handlers: Handlers, clock: ManualClock, agenda: Agenda, calendar: Calendar) -> None:
        self._calls = Calls(handlers, clock, agenda, calendar)
        self._agenda = agenda
        self._is_closed = False

    # What clients ask.

    def start(self, request: StartRequest) -> DrivenFuture[str]:
        """Open a run."""

        def ask() -> str:
            run = self._calls.runs.latest(WorkflowKey(request.namespace, request.workflow_id))
            now = self._calls.now(run)
            run_id = run_id_from(now, self._agenda.random.randbytes(10))
            answer = self._calls.runs.turn(run, Started(at=now, request=request, run_id=run_id))
            return str(accepted(answer).value)

        return self._answered(request, ask)

    def signal(self, request: SignalRequest) -> DrivenFuture[None]:
        """Append a message to a signal channel."""
        return self._write(request, lambda at: Signalled(at=at, channel_name=request.channel_name, value=request.value))

    def publish(self, request: PublishRequest) -> DrivenFuture[None]:
        """Append messages to internal channels."""
        return self._write(request, lambda at: Published(at=at, messages=request.messages))

    def stop(self, request: StopRequest) -> DrivenFuture[None]:
        """End a run."""
        return self._write(request, lambda at: StopRequested(at=at, stop_type=request.stop_type, reason=request.reason))

    def skip_timer(self, request: SkipTimerRequest) -> DrivenFuture[None]:
        """Complete a timer command now."""
        return self._write(
            request,
            lambda at: TimerSkipped(
                at=at,
                state_execution_id=request.state_execution_id,
                command_id=request.command_id,
                index=request.index,
            ),
        )

    def set_attributes(self, request: SetAttributesRequest) -> DrivenFuture[None]:
        """Write data and search attributes from outside."""
        return self._write(
            request,
            lambda at: AttributesSet(at=at, attributes=request.attributes, search_attributes=request.search_attributes),
        )

    def update_config(self, request: UpdateConfigRequest) -> DrivenFuture[None]:
        """Change settings of an open run, field by field."""
        return self._write(request, lambda at: ConfigUpdated(at=at, config=request.config))

    def reset(self, request: ResetRequest) -> DrivenFuture[str]:
        """Open a run with the past of another, up to a point."""

        def ask() -> str:
            problem = request_problem(request)
            if problem is not None:
                raise problem
            base = self._calls.runs.find(request)
            at = max(self._calls.now(base), self._calls.now(self._calls.runs.latest(base.record.key)))
            run_id = run_id_from(at, self._agenda.random.randbytes(10))
            return self._calls.runs.reset(base, request, run_id, at)

        return self._answered(request, ask)

    def get_attributes(self, request: GetAttributesRequest) -> DrivenFuture[dict[str, Payload]]:
        """Read data attributes."""
        return self._answered(request, lambda: views.attributes(self._calls.runs.find(request).record, request.keys))

    def get_search_attributes(self, request: GetAttributesRequest) -> DrivenFuture[dict[str, SearchAttribute]]:
        """Read search attributes."""
        return self._answered(
            request, lambda: views.search_attributes(self._calls.runs.find(request).record, request.keys)
        )

    def describe(self, address: RunAddress) -> DrivenFuture[RunDescription]:
        """Tell all that may be seen of a run."""

        def look() -> RunDescription:
            run = self._calls.runs.find(address)
            return views.describe(
                run.record,
                run.tasks.values(),
                parked=run.parked,
                serves=self._calls.serves,
                now=self._calls.now(run),
            )

        return self._answered(address, look)

    def result(self, address: RunAddress) -> DrivenFuture[RunResult]:
        """Tell how a run stands now."""
        return self._answered(address, lambda: views.result(self._calls.runs.find(address).record))

    def history(self, address: RunAddress, after: int = 0, limit: int = 1000) -> DrivenFuture[tuple[HistoryEntry, ...]]:
        """Read history entries."""
        return self._answered(address, lambda: self._calls.runs.find(address).entries(after, limit))

    def search(self, request: SearchRequest) -> DrivenFuture[SearchPage]:
        """Find one page of runs."""

        def find() -> SearchPage:
            query, after = parse_query(request.query), bookmark_of(request)
            runs = self._calls.runs
            snapshot = runs.snapshot(self._calls.now(None)) if after is None else after.snapshot
            candidates = runs.search(request.namespace, query, snapshot.at)
            place = None if after is None else after.place
            page, bookmark = page_of(candidates, snapshot, place, page_size(request.page_size))
            return SearchPage(
                executions=tuple(found.run for found in page), next_page_token=token_of(bookmark, request)
            )

        return self._answered(request, find)

    def count(self, request: CountRequest) -> DrivenFuture[int]:
        """Count the runs that a search finds."""

        def count() -> int:
            query, now = parse_query(request.query), self._calls.now(None)
            return sum(1 for _ in self._calls.runs.search(request.namespace, query, now))

        return self._answered(request, count)

    def wait(self, address: RunAddress) -> DrivenFuture[RunResult]:
        """Answer once the run, or the chain of its retries, is closed."""
        return self._wait(address, looks.outcome)

    def wait_for_state(self, request: StateWaitRequest) -> DrivenFuture[StateCompletion]:
        """Answer once a state execution has completed."""
        return self._wait(request, lambda _: looks.completion(request))

    def wait_for_attribute(self, request: AttributeWaitRequest) -> DrivenFuture[AttributeReading]:
        """Answer once a data attribute is another than it was."""
        return self._wait(request, lambda run_id: looks.change(request, run_id))

    def invoke_rpc(self, request: RpcRequest) -> DrivenFuture[Payload | None]:
        """Run an RPC and apply what it wrote."""
        future: DrivenFuture[Payload | None] = self._future(request)
        asked = Asked(request, future)

        def ask() -> None:
            run = self._calls.runs.find(request)
            run.refuse_parked()
            self._calls.invoke_rpc(run, asked)

        self._try(future, ask)
        return future

    # What the engine's owner asks.

    def run(self, address: RunAddress) -> Run:
        """Find a run as it is kept; WorkflowNotExistsError when there is none."""
        return self._calls.runs.find(address)

    def problems(self) -> list[str]:
        """Say what is wrong with the runs, one sentence each."""
        with self._agenda.lock:
            return [
                f"run {run.record.run_id} of workflow {run.record.key.workflow_id!r}: {problem}"
                for run in self._calls.runs
                for problem in run.problems()
            ]

    def close(self) -> None:
        """Answer nobody any more; who waits is told."""
        with self._agenda.lock:
            self._is_closed = True
            for run in self._calls.runs:
                run.refuse_all(_stopped())

    # Answering.

    def _future(self, request: Request) -> DrivenFuture[ResultT]:
        return DrivenFuture(self._agenda.drive, lambda: _stands_still(getattr(request, "workflow_id", "")))

    def _try(self, future: DrivenFuture[ResultT], ask: Callable[[], None]) -> None:
        """Ask under the lock; what is raised is the future's error."""
        try:
            with self._agenda.lock:
                if self._is_closed:
                    raise _stopped()
                ask()
        except IwfError as error:
            future.refuse(error)

    def _answered(self, request: Request, ask: Callable[[], ResultT]) -> DrivenFuture[ResultT]:
        future: DrivenFuture[ResultT] = self._future(request)
        self._try(future, lambda: future.answer(ask()))
        return future

    def _wait(self, address: RunAddress, make: Callable[[str], Look[ResultT]]) -> DrivenFuture[ResultT]:
        future: DrivenFuture[ResultT] = self._future(address)

        def ask() -> None:
            run = self._calls.runs.find(address)
            self._calls.runs.wait(run, Waiter(make(run.record.run_id), future))

        self._try(future, ask)
        return future

    def _write(self, address: RunAddress, event: Callable[[datetime], Event]) -> DrivenFuture[None]:
        def ask() -> None:
            run = self._calls.runs.find(address)
            accepted(self._calls.runs.turn(run, event(self._calls.now(run))))

        return self._answered(address, ask)


def _stopped() -> EngineStoppedError:
    return EngineStoppedError("this TestEngine is closed; open another for each test")


def _stands_still(workflow_id: str) -> WorkflowStillRunningError:
    return WorkflowStillRunningError(
        f"workflow {workflow_id!r} is still running, and nothing is left to do at this instant: "
        "virtual time stands still while a test waits; let it pass with skip()",
        workflow_id=workflow_id,
    )
