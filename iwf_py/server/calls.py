"""What each route does: a body comes in, a `WorkflowService` is asked, a body goes out. Nothing here knows HTTP.

Errors are raised as they come; `faults` tells them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as WaitTimeout
from datetime import timedelta
from threading import Semaphore
from typing import Protocol, TypeVar

from attrs import evolve

from iwf_py.errors import (
    ClientSideError,
    TooManyRequestsError,
    WorkflowNotExistsError,
    WorkflowRPCExecutionError,
    WorkflowStillRunningError,
)
from iwf_py.model.payload import SearchAttribute
from iwf_py.model.requests import GetAttributesRequest, RunAddress, StartRequest
from iwf_py.model.status import SearchAttributeValueType, WorkflowStatus
from iwf_py.ports import Clock, WorkflowService
from iwf_py.server.long_polls import LOOK_SECONDS, LongPolls, Nothing
from iwf_py.server.patience import now, sooner, within
from iwf_py.server.shadows import is_shadow, stand_in
from iwf_py.wire import answers, requests, routes
from iwf_py.wire.faults import NO_SUCH_TIMER, still_running, still_waiting
from iwf_py.wire.options import MAX_WAIT
from iwf_py.wire.routes import Route
from iwf_py.wire.shapes import Json

T = TypeVar("T")

Call = Callable[[Json], Json]
# One that waits is told whose it is: the id of a key, or None.
Poll = Callable[[Json, str | None], Json]

# Each holds a thread, for as long as its worker takes.
MOST_RPCS = 900
# How much later than its own timeout an RPC is given up: the engine answers by it, whatever the worker does.
_GRACE_SECONDS = 1.0


class UrlCheck(Protocol):
    """Says which workers may be called."""

    def __call__(self, worker_url: str) -> str:
        """
        Give the URL that is called where *worker_url* was asked for.

        Errors:
            InvalidArgumentError: It must not be called.
        """


class Calls:
    """
    The calls of clients.

    Args:
        check_url: Looks at the worker URL of each start.

        max_wait: Of long polls and RPCs, where they name no time or a longer one.

        most_rpcs: So many wait for their workers at once.
    """

    def __init__(
        self,
        service: WorkflowService,
        *,
        clock: Clock,
        check_url: UrlCheck,
        polls: LongPolls,
        max_wait: timedelta = MAX_WAIT,
        most_rpcs: int = MOST_RPCS,
    ) -> None:
        self._service = service
        self._clock = clock
        self._check_url = check_url
        self._polls = polls
        self._max_wait = max_wait
        self._rpcs = Semaphore(most_rpcs)
        self.by_route: dict[Route, Call] = {
            routes.START: self._start,
            routes.SIGNAL: lambda body: self._do(service.signal(requests.read_signal(body))),
            routes.PUBLISH: lambda body: self._do(service.publish(requests.read_publish(body))),
            routes.STOP: lambda body: self._do(service.stop(requests.read_stop(body))),
            routes.GET: self._get,
            routes.SEARCH: lambda body: answers.write_page(now(service.search(requests.read_search(body)))),
            routes.RESET: lambda body: answers.write_run_id(
                now(service.reset(requests.read_reset(body, self._clock.now())))
            ),
            routes.RPC: self._rpc,
            routes.SKIP_TIMER: self._skip_timer,
            routes.GET_ATTRIBUTES: self._get_attributes,
            routes.SET_ATTRIBUTES: lambda body: self._do(service.set_attributes(requests.read_set_attributes(body))),
            routes.GET_SEARCH_ATTRIBUTES: self._get_search_attributes,
            routes.SET_SEARCH_ATTRIBUTES: self._set_search_attributes,
            routes.UPDATE_CONFIG: lambda body: self._do(service.update_config(requests.read_update_config(body))),
            routes.CONTINUE_AS_NEW: self._continue_as_new,
        }
        self.polls_by_route: dict[Route, Poll] = {
            routes.GET_WITH_WAIT: self._get_with_wait,
            routes.WAIT_FOR_STATE: self._wait_for_state,
        }

    @staticmethod
    def _do(future: Future[None]) -> Json:
        now(future)
        return answers.NOTHING

    def _start(self, body: Json) -> Json:
        request: StartRequest = requests.read_start(body)
        _check_times(request.search_attributes)
        if request.worker_url is not None:
            url = self._check_url(request.worker_url)
            if url != request.worker_url:
                request = evolve(request, worker_url=url)
        return answers.write_run_id(now(self._service.start(request)))

    def _rpc(self, body: Json) -> Json:
        # Its caller has no more patience than the longest wait.
        request = requests.read_rpc(body, timedelta(seconds=sooner(self._max_wait.total_seconds())))
        if not self._rpcs.acquire(blocking=False):
            raise TooManyRequestsError("too many RPCs wait for their workers; try again later")
        try:
            if request.options.is_locking:
                # It would find nothing to lock; the protocol has it refused, and only those without locks answered.
                self._check_is_open(request)
            future = self._service.invoke_rpc(request)
            return answers.write_output(within(future, request.options.timeout.total_seconds() + _GRACE_SECONDS))
        except WaitTimeout:
            raise WorkflowRPCExecutionError(
                f"RPC {request.rpc_name!r} was not answered within its {request.options.timeout.total_seconds():g} s"
            ) from None
        finally:
            self._rpcs.release()

    def _skip_timer(self, body: Json) -> Json:
        try:
            return self._do(self._service.skip_timer(requests.read_skip_timer(body)))
        except ClientSideError as error:
            # Code written for iWF compares the sentence, which the engine says more than.
            raise ClientSideError(NO_SUCH_TIMER) if error.detail.startswith(NO_SUCH_TIMER) else error from None

    def _get_attributes(self, body: Json) -> Json:
        found = now(self._service.get_attributes(requests.read_get_attributes(body)))
        return answers.write_found_attributes(found)

    def _get_search_attributes(self, body: Json) -> Json:
        request = requests.read_get_search_attributes(body)
        asked = GetAttributesRequest(workflow_id=request.workflow_id, run_id=request.run_id, keys=request.names)
        found = now(self._service.get_search_attributes(asked))
        return answers.write_found_search_attributes(found, request, self._clock.now())

    def _continue_as_new(self, body: Json) -> Json:
        """Say that it is done: runs have no length that would have to be cut. One that is not open is told as for any write."""
        self._check_is_open(requests.read_address(body))
        return answers.NOTHING

    def _set_search_attributes(self, body: Json) -> Json:
        request = requests.read_set_search_attributes(body)
        _check_times(request.search_attributes)
        return self._do(self._service.set_attributes(request))

    def _check_is_open(self, address: RunAddress) -> None:
        result = now(self._service.result(address))
        if result.status is not WorkflowStatus.RUNNING:
            raise WorkflowNotExistsError(
                f"workflow {address.workflow_id!r} (run {result.run_id}) is closed, {result.status}; start it again to go on",
                workflow_id=address.workflow_id,
                run_id=result.run_id,
            )

    # How runs stand.

    def _get(self, body: Json) -> Json:
        request = requests.read_get(body, self._max_wait)
        if is_shadow(request.workflow_id):
            result = stand_in(self._service, self._polls, request.workflow_id, LOOK_SECONDS)
        else:
            result = now(self._service.result(request))
        is_wanted = request.needs_results and result.status is not WorkflowStatus.RUNNING
        return answers.write_result(result, needs_results=is_wanted)

    def _get_with_wait(self, body: Json, caller: str | None) -> Json:
        request = requests.read_get(body, self._max_wait)
        if is_shadow(request.workflow_id):
            result = stand_in(self._service, self._polls, request.workflow_id, request.wait.total_seconds(), caller)
            if result.status is WorkflowStatus.RUNNING:
                raise still_running(request.workflow_id)
            return answers.write_result(result)
        too_late = still_running(request.workflow_id)
        outcome = self._polled(self._service.wait(request), request.wait, caller, too_late)
        return answers.write_result(outcome)

    def _wait_for_state(self, body: Json, caller: str | None) -> Json:
        request, wait = requests.read_state_wait(body, self._max_wait)
        too_late = still_waiting(request.workflow_id)
        completion = self._polled(self._service.wait_for_state(request), wait, caller, too_late)
        return answers.write_completion(completion)

    def _polled(self, future: Future[T], wait: timedelta, caller: str | None, too_late: WorkflowStillRunningError) -> T:
        found = self._polls.wait(future, wait.total_seconds(), caller)
        if isinstance(found, Nothing):
            raise too_late
        return found


def _check_times(attributes: Sequence[SearchAttribute]) -> None:
    """Refuse times that end with Z, as the protocol does: written without an offset they would be an error on any other server."""
    for attribute in attributes:
        text = attribute.string_value or ""
        if attribute.value_type is SearchAttributeValueType.DATETIME and text.endswith("Z"):
            raise ClientSideError(
                f"cannot parse time {text[:100]!r} of search attribute {attribute.key!r}; give an offset, as in "
                "2006-01-02T15:04:05+00:00"
            )
