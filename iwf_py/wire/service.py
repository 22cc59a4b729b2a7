"""A server of the iWF protocol as a `WorkflowService`: ours, or one on a Temporal or Cadence cluster.

Reads are asked again when a server does not answer, or says that it cannot now; so is what was never sent, and a start
that its request id and its reuse policy make safe. They wait for as long as a server that has had too many calls asks them to,
within the time that the call may take. A write is sent once. A wait goes on, poll after poll, until whoever asked
cancels it. What that server cannot do is refused by name, here where it can be known before, and in words where it turns out.

Source:
    The iWF protocol's sections on the client-facing API; conversations recorded from the original server.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from datetime import timedelta
from functools import partial
from typing import Any, TypeVar

from attrs import evolve

from iwf_py.errors import (
    InvalidArgumentError,
    IwfError,
    ProtocolError,
    ServerSideError,
    ServerUnreachableError,
    TooManyRequestsError,
    UnsupportedByServerError,
    WorkflowNotExistsError,
    WorkflowStillRunningError,
)
from iwf_py.model.history import HistoryEntry
from iwf_py.model.ids import DEFAULT_NAMESPACE, state_execution_id
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
from iwf_py.model.status import IDReusePolicy, WorkflowStatus
from iwf_py.wire import answers, requests, routes
from iwf_py.wire.decoding import decode, encode
from iwf_py.wire.exchanging import LARGE, Answered, Post, Reply
from iwf_py.wire.faults import NO_SUCH_PAGE, error_of
from iwf_py.wire.line import Line
from iwf_py.wire.partial import partial_of
from iwf_py.wire.requests import GetSearchAttributesRequest
from iwf_py.wire.routes import Route
from iwf_py.wire.shapes import Json

T = TypeVar("T")

# Seconds before the second attempt of a question, the third, and so on: enough for a server that is started again.
PAUSES = (0.1, 0.2, 0.4, 0.8)
# What follows an answer that wants it at once.
_LEAST_PAUSE = 0.1
_TRANSIENT = frozenset({500, 502, 503, 504})
# A server that has too many waits answers them early: they are not to be asked again at once.
_EASE = 0.5
# What a server may take beside the time that a question is to wait.
_GRACE = 10.0


class RemoteService:
    """
    One server of the iWF protocol.

    Args:
        url: Of the server, such as ``http://localhost:8801``; what path it has is put before those of the protocol.

        worker_url: Where runs that are started here have their code.

        headers: Sent along with every call, such as credentials.

        timeout: Seconds that a call may take; one that waits is given its time on top.

        poll: Seconds, at least 1, for which one question of a wait asks.

        pauses: Seconds before a question is asked again, for each time that it is.

        tls: None for the system's authorities.
    """

    def __init__(
        self,
        url: str,
        *,
        worker_url: str | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float = 60.0,
        poll: float = 10.0,
        pauses: Sequence[float] = PAUSES,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.url = url.rstrip("/")
        self._worker_url = worker_url
        self._headers = dict(headers or {})
        self._timeout = timeout
        self._poll = timedelta(seconds=max(1.0, poll))
        self._pauses = tuple(pauses)
        self._tls = tls
        self._line = Line()
        # Of the last answer; None before the first.
        self._is_ours: bool | None = None

    def close(self) -> None:
        """Hang up; safe to call twice."""
        self._line.close()

    # --- writes ---------------------------------------------------------------------------------------------

    def start(self, request: StartRequest) -> Future[str]:
        """Open a run; its worker is this client's unless the request says otherwise."""
        request = evolve(request, worker_url=request.worker_url or self._worker_url)
        return self._asked(
            request,
            routes.START,
            lambda: requests.write_start(request),
            answers.read_run_id,
            may_be_repeated=_may_be_repeated(request),
        )

    def signal(self, request: SignalRequest) -> Future[None]:
        """Append a message to a signal channel."""
        return self._asked(request, routes.SIGNAL, lambda: requests.write_signal(request), _nothing)

    def publish(self, request: PublishRequest) -> Future[None]:
        """Append messages to internal channels."""
        return self._asked(request, routes.PUBLISH, lambda: requests.write_publish(request), _nothing)

    def invoke_rpc(self, request: RpcRequest) -> Future[Payload | None]:
        """Run an RPC; the worker of the run is called by the server."""
        return self._asked(
            request,
            routes.RPC,
            lambda: requests.write_rpc(request),
            answers.read_output,
            timeout=max(self._timeout, request.options.timeout.total_seconds() + _GRACE),
        )

    def stop(self, request: StopRequest) -> Future[None]:
        """End a run."""
        return self._asked(request, routes.STOP, lambda: requests.write_stop(request), _nothing)

    def skip_timer(self, request: SkipTimerRequest) -> Future[None]:
        """Complete a timer command now."""
        return self._asked(request, routes.SKIP_TIMER, lambda: requests.write_skip_timer(request), _nothing)

    def set_attributes(self, request: SetAttributesRequest) -> Future[None]:
        """Write data attributes, or search attributes; the protocol has no way to write both at once."""
        if not request.search_attributes:
            return self._asked(request, routes.SET_ATTRIBUTES, lambda: requests.write_set_attributes(request), _nothing)
        if request.attributes:
            return self._refused("writing data and search attributes at once", "write them one after the other")
        return self._line.ask(partial(self._set_search_attributes, request))

    async def _set_search_attributes(self, request: SetAttributesRequest) -> None:
        self._check_namespace(request.namespace)
        if any(one.is_empty for one in request.search_attributes):
            if self._is_ours is None:
                await self._look(request)
            if not self._is_ours:
                raise self._unsupported("deleting a search attribute", "write a value that stands for none")
        await self._exchange(routes.SET_SEARCH_ATTRIBUTES, requests.write_set_search_attributes(request), request)

    def update_config(self, request: UpdateConfigRequest) -> Future[None]:
        """Change settings of an open run."""
        return self._asked(request, routes.UPDATE_CONFIG, lambda: requests.write_update_config(request), _nothing)

    def reset(self, request: ResetRequest) -> Future[str]:
        """Open a run with the past of another."""
        return self._asked(request, routes.RESET, lambda: requests.write_reset(request), answers.read_run_id)

    # --- reads ----------------------------------------------------------------------------------------------

    def get_attributes(self, request: GetAttributesRequest) -> Future[dict[str, Payload]]:
        """Read data attributes."""
        if request.keys == ():
            # To the protocol, none are all.
            return self._line.ask(partial(self._nothing_of, request))
        return self._asked(
            request,
            routes.GET_ATTRIBUTES,
            lambda: requests.write_get_attributes(request),
            answers.read_found_attributes,
        )

    def get_search_attributes(self, request: GetAttributesRequest) -> Future[dict[str, SearchAttribute]]:
        """
        Read search attributes.

        Each is asked for by its type, which other servers want to be told; where the caller knows no type, all are asked for.
        """
        if request.keys == ():
            return self._line.ask(partial(self._nothing_of, request))
        wanted = tuple(request.types) if request.keys is None else request.keys
        knows_all = all(name in request.types for name in wanted)
        asked = GetSearchAttributesRequest(
            workflow_id=request.workflow_id,
            run_id=request.run_id,
            keys=tuple((name, request.types[name]) for name in wanted) if knows_all else (),
        )

        def read(body: Json) -> dict[str, SearchAttribute]:
            found = answers.read_found_search_attributes(body)
            return {key: found[key] for key in sorted(found) if request.keys is None or key in request.keys}

        return self._asked(
            request, routes.GET_SEARCH_ATTRIBUTES, lambda: requests.write_get_search_attributes(asked), read
        )

    async def _nothing_of(self, address: RunAddress) -> dict[str, Any]:
        await self._look(address)
        return {}

    def describe(self, address: RunAddress) -> Future[RunDescription]:
        """Tell a run's status; the protocol has no more of a description, and whatever else is looked at is refused."""
        return self._line.ask(partial(self._describe, address))

    async def _describe(self, address: RunAddress) -> RunDescription:
        result = await self._look(address)
        return partial_of(
            RunDescription,
            lambda name: self._unsupported(f"describing more of a run than its status, such as its {name}"),
            namespace=address.namespace,
            workflow_id=result.workflow_id,
            run_id=result.run_id,
            status=result.status,
        )

    def result(self, address: RunAddress) -> Future[RunResult]:
        """Tell how a run stands now; outputs when it is closed."""
        return self._asked(
            address,
            routes.GET,
            lambda: requests.write_get(address, needs_results=True),
            partial(answers.read_result, workflow_id=address.workflow_id),
        )

    def search(self, request: SearchRequest) -> Future[SearchPage]:
        """Find runs; the protocol tells their ids."""
        return self._asked(request, routes.SEARCH, lambda: requests.write_search(request), answers.read_page)

    def count(self, request: CountRequest) -> Future[int]:
        """Refuse: the protocol cannot count."""
        return self._refused("counting workflows", "search for them, page by page")

    def history(self, address: RunAddress, after: int = 0, limit: int = 1000) -> Future[tuple[HistoryEntry, ...]]:
        """Refuse: the protocol has no history."""
        return self._refused("reading the history of a run")

    # --- waits ----------------------------------------------------------------------------------------------

    def wait(self, address: RunAddress) -> Future[RunResult]:
        """Answer once the run is closed, or the chain of its retries has its outcome."""
        return self._line.ask(partial(self._wait, address))

    async def _wait(self, address: RunAddress) -> RunResult:
        self._check_namespace(address.namespace)
        while True:
            try:
                body = await self._wait_for(routes.GET_WITH_WAIT, requests.write_get(address, wait=self._poll), address)
                return answers.read_result(body, address.workflow_id)
            except WorkflowStillRunningError:
                if address.run_id is None:
                    # It is this run that is waited for, whatever is started when it has ended.
                    address = evolve(address, run_id=(await self._look(address)).run_id)

    def wait_for_state(self, request: StateWaitRequest) -> Future[StateCompletion]:
        """
        Answer once a state execution of the current run has completed.

        Other servers answer for states that were declared at the start, and never that the run has closed without: that
        is looked after here.
        """
        return self._line.ask(partial(self._wait_for_state, request))

    async def _wait_for_state(self, request: StateWaitRequest) -> StateCompletion:
        self._check_namespace(request.namespace)
        if request.wait_for_key is None and request.ordinal < 1:
            raise InvalidArgumentError(
                f"executions of state {request.state_id!r} are numbered from 1, got {request.ordinal}"
            )
        if request.run_id is not None:
            current = await self._look(RunAddress(workflow_id=request.workflow_id))
            if current.run_id != request.run_id:
                raise self._unsupported(
                    f"waiting for a state of run {request.run_id}, which is not the current one of {request.workflow_id!r}"
                )
        has_closed = False
        while True:
            try:
                body = await self._wait_for(
                    routes.WAIT_FOR_STATE, requests.write_state_wait(request, self._poll), request
                )
                return self._completion(request, answers.read_completion(body))
            except WorkflowStillRunningError:
                if has_closed:
                    raise WorkflowNotExistsError(
                        f"workflow {request.workflow_id!r} has closed, and this server knows of no completion of state "
                        f"{request.state_id!r} in it",
                        workflow_id=request.workflow_id,
                        run_id=request.run_id or "",
                    ) from None
                # What completed in the moment before it closed is told by one more question.
                has_closed = (await self._look(request)).status is not WorkflowStatus.RUNNING

    def _completion(self, request: StateWaitRequest, told: StateCompletion) -> StateCompletion:
        """Fill in what is known anyway; the route tells no run, and the original not even the state."""
        known = {
            "run_id": told.run_id or request.run_id,
            "state_id": told.state_id or request.state_id,
            "state_execution_id": told.state_execution_id
            or (None if request.wait_for_key else state_execution_id(request.state_id, request.ordinal)),
        }
        return partial_of(
            StateCompletion,
            lambda name: self._unsupported(f"telling the {name} of a state that has completed"),
            output=told.output,
            **{name: value for name, value in known.items() if value},
        )

    def wait_for_attribute(self, request: AttributeWaitRequest) -> Future[AttributeReading]:
        """Refuse: the protocol cannot wait for attributes."""
        return self._refused("waiting for a data attribute", "have an RPC or a state tell, or read it now and then")

    async def _wait_for(self, route: Route, body: Json, address: RunAddress) -> Json:
        """Ask a question that waits; where it was answered early, that is told a little later."""
        loop = asyncio.get_running_loop()
        begun = loop.time()
        try:
            return await self._exchange(route, body, address, timeout=self._timeout + self._poll.total_seconds())
        except WorkflowStillRunningError:
            if loop.time() - begun < self._poll.total_seconds() / 2:
                await asyncio.sleep(_EASE)
            raise

    # --- questions ------------------------------------------------------------------------------------------

    def _asked(
        self,
        request: RunAddress | StartRequest | SearchRequest,
        route: Route,
        write: Callable[[], Json],
        read: Callable[[Json], T],
        *,
        timeout: float | None = None,
        may_be_repeated: bool = False,
    ) -> Future[T]:
        """Ask one question; what is sent is written on the caller's thread."""
        try:
            self._check_namespace(request.namespace)
            body = encode(write())
        except IwfError as error:
            return _failed(error)

        async def ask() -> T:
            return read(
                await self._send(
                    route,
                    body,
                    workflow_id=getattr(request, "workflow_id", ""),
                    run_id=getattr(request, "run_id", None) or "",
                    timeout=timeout or self._timeout,
                    may_be_repeated=may_be_repeated or route.may_be_retried,
                )
            )

        return self._line.ask(ask)

    async def _look(self, address: RunAddress) -> RunResult:
        """Tell how a run stands, without its results: an older run's are not answered by every server."""
        return answers.read_result(
            await self._exchange(routes.GET, requests.write_get(address), address), address.workflow_id
        )

    async def _exchange(self, route: Route, body: Json, address: RunAddress, timeout: float | None = None) -> Json:
        self._check_namespace(address.namespace)
        return await self._send(
            route,
            encode(body),
            workflow_id=address.workflow_id,
            run_id=address.run_id or "",
            timeout=timeout or self._timeout,
            may_be_repeated=route.may_be_retried,
        )

    async def _send(
        self, route: Route, body: bytes, *, workflow_id: str, run_id: str, timeout: float, may_be_repeated: bool
    ) -> Json:
        exchanges = self._line.polls if route.is_long_poll else self._line.calls
        post = Post(url=f"{self.url}{route.path}", body=body, timeout=timeout, headers=self._headers, tls=self._tls)
        deadline = asyncio.get_running_loop().time() + timeout
        pauses = iter(() if route.is_long_poll else self._pauses)
        while True:
            reply = await exchanges.reply(post, deadline)
            if isinstance(reply, Answered):
                self._is_ours = reply.is_ours
                if reply.status == 200:
                    return await self._opened(route, reply.body)
            pause = _pause_after(reply, pauses, may_be_repeated=may_be_repeated, is_read=route.is_read)
            if pause is not None and asyncio.get_running_loop().time() + pause < deadline:
                await asyncio.sleep(pause)
            elif isinstance(reply, Answered):
                raise self._error_of(route, reply, workflow_id, run_id)
            else:
                raise ServerUnreachableError(self.url, reply.reason, call=route.path, was_sent=reply.was_sent)

    async def _opened(self, route: Route, body: bytes) -> Json:
        try:
            return decode(body) if len(body) < LARGE else await asyncio.to_thread(decode, body)
        except ProtocolError as error:
            raise ServerSideError(
                f"the server at {self.url} answered {route.path} with something else than the iWF protocol has: {error}; "
                "check the URL"
            ) from None

    def _error_of(self, route: Route, reply: Answered, workflow_id: str, run_id: str) -> IwfError:
        if reply.status == 404 and reply.body.strip() == NO_SUCH_PAGE.encode():
            return self._unsupported(f"the call {route.name} ({route.path})", "it does not know it; check the URL")
        return error_of(reply.status, reply.body, workflow_id=workflow_id, run_id=run_id)

    # --- refusals -------------------------------------------------------------------------------------------

    def _check_namespace(self, namespace: str) -> None:
        if namespace != DEFAULT_NAMESPACE:
            raise self._unsupported(f"namespaces, such as {namespace!r}", "put it into the workflow ids")

    def _refused(self, feature: str, way_out: str = "") -> Future[Any]:
        return _failed(self._unsupported(feature, way_out))

    def _unsupported(self, feature: str, way_out: str = "") -> UnsupportedByServerError:
        return UnsupportedByServerError(feature, f"the server at {self.url}", way_out)


def _pause_after(reply: Reply, pauses: Iterator[float], *, may_be_repeated: bool, is_read: bool) -> float | None:
    """Tell in how many seconds a question is asked again; None when it is not."""
    if not isinstance(reply, Answered):
        shall_repeat = not reply.is_timeout and (may_be_repeated or not reply.was_sent)
    elif reply.status != TooManyRequestsError.default_status:
        shall_repeat = may_be_repeated and reply.status in _TRANSIENT
    elif reply.retry_after is not None and (may_be_repeated or is_read):
        # However often it says so: the server is there, and wants to be asked then.
        return max(float(reply.retry_after), _LEAST_PAUSE)
    else:
        shall_repeat = False
    return next(pauses, None) if shall_repeat else None


def _may_be_repeated(request: StartRequest) -> bool:
    """
    Is a start that is sent twice carried out once?

    Its request id finds the run that the first one opened. But where a closed run lets another one start, the second might
    come after the end of the first one's run.
    """
    options = request.already_started
    return (
        options is not None
        and bool(options.ignore_already_started_error)
        and bool(options.request_id)
        and request.id_reuse_policy is IDReusePolicy.DISALLOW_REUSE
    )


def _nothing(body: Json) -> None:
    """Read what a write is answered that has nothing to tell."""


def _failed(error: IwfError) -> Future[Any]:
    future: Future[Any] = Future()
    future.set_exception(error)
    return future
