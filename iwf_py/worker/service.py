"""WorkerService: the user code of a registry, for any server of the iWF protocol to call over HTTP.

It answers the three calls that such a server makes; which web framework takes them in is its caller's choice:
`worker_app` is one that stands ready.
"""

from __future__ import annotations

import threading
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from functools import partial
from typing import Any, ClassVar

from attrs import frozen

from iwf_py.authoring.registry import Registry
from iwf_py.codec.payloads import JsonConverter
from iwf_py.coroutines import LoopThread
from iwf_py.errors import (
    EngineStoppedError,
    InvalidArgumentError,
    IwfError,
    ProtocolError,
    UnsupportedByServerError,
)
from iwf_py.model.converter import Converter
from iwf_py.model.durations import MAX_DURATION
from iwf_py.model.invocations import Failed, Invocation, InvocationKind, Outcome
from iwf_py.wire.calls import read_call
from iwf_py.wire.decoding import decode, encode
from iwf_py.wire.extensions import beyond_protocol
from iwf_py.wire.faults import fault_of
from iwf_py.wire.marks import HEADER, is_ours
from iwf_py.wire.outcomes import write_outcome
from iwf_py.wire.routes import EXECUTE, WAIT_UNTIL, WORKER_ROUTES, WORKER_RPC
from iwf_py.wire.shapes import Json
from iwf_py.wire.signing import HEADER as SIGNATURE
from iwf_py.wire.signing import Nonces, SigningKey, check
from iwf_py.worker.failures import failure_of
from iwf_py.worker.handlers import Handlers
from iwf_py.worker.messages import (
    WorkerRequest,
    WorkflowStateExecuteRequest,
    WorkflowStateExecuteResponse,
    WorkflowStateWaitUntilRequest,
    WorkflowStateWaitUntilResponse,
    WorkflowWorkerRpcRequest,
    WorkflowWorkerRpcResponse,
)


@frozen
class WorkerOptions:
    """
    How a worker reads and writes, and whom it answers.

    Args:
        object_encoder: Opens and seals values; the clients' must be of the same kind. JSON when None.

        signing_keys: With any, calls that are not signed with one of them are refused, see `read_signing_keys`. Without, whoever
            reaches the worker is answered.
    """

    object_encoder: Converter | None = None
    signing_keys: Sequence[SigningKey] = ()


default_worker_options = WorkerOptions()


class WorkerService:
    """
    Answers a server's calls of user code. One serves many threads.

    A handler that is a plain method runs on the thread that brings its call; handlers that are coroutines share one event
    loop, on a thread of its own.

    Args:
        registry: The workflows.

        now: Tells the seconds since 1970, for calls that are signed.
    """

    api_path_workflow_state_wait_until: ClassVar[str] = WAIT_UNTIL.path
    api_path_workflow_state_execute: ClassVar[str] = EXECUTE.path
    api_path_workflow_worker_rpc: ClassVar[str] = WORKER_RPC.path

    def __init__(
        self,
        registry: Registry,
        options: WorkerOptions = default_worker_options,
        *,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._handlers = Handlers(registry, options.object_encoder or JsonConverter())
        self._signing_keys = {key.id: key for key in options.signing_keys}
        self._nonces = Nonces()
        self._now = now
        self._lock = threading.Lock()
        self._loop: LoopThread | None = None
        self._is_closed = False

    # --- in iWF's words -------------------------------------------------------------------------------------

    def handle_workflow_state_wait_until(
        self, request: WorkflowStateWaitUntilRequest, *, headers: Mapping[str, str] | None = None
    ) -> WorkflowStateWaitUntilResponse:
        """
        Call a state's ``wait_until``.

        Args:
            headers: Of the server's request. By them an engine of this package is known, which understands more than others.

        Errors:
            InvalidArgumentError: This worker checks signatures, for which `answer` is to be given the bytes of calls.

            ProtocolError: The request is none of the protocol.

            UnsupportedByServerError: The handler wants what the calling server has not.

            And whatever the handler raises; to be answered with status 500, and `handle_worker_error`.
        """
        return WorkflowStateWaitUntilResponse(self._handle(request, headers))

    def handle_workflow_state_execute(
        self, request: WorkflowStateExecuteRequest, *, headers: Mapping[str, str] | None = None
    ) -> WorkflowStateExecuteResponse:
        """Call a state's ``execute``; as `handle_workflow_state_wait_until`."""
        return WorkflowStateExecuteResponse(self._handle(request, headers))

    def handle_workflow_worker_rpc(
        self, request: WorkflowWorkerRpcRequest, *, headers: Mapping[str, str] | None = None
    ) -> WorkflowWorkerRpcResponse:
        """Call an RPC; as `handle_workflow_state_wait_until`."""
        return WorkflowWorkerRpcResponse(self._handle(request, headers))

    @staticmethod
    def handle_worker_error(exception: BaseException) -> str:
        """
        Tell of an exception as iWF's SDK does, for the body of a 500.

        `answer` tells it in the protocol's own form, from which servers take the type of the error too.
        """
        trace = "".join(traceback.format_exception(exception))
        return f"WorkerExecutionError: {exception}; StackTrace:{trace}"

    def _handle(self, request: WorkerRequest, headers: Mapping[str, str] | None) -> Json:
        if self._signing_keys:
            raise InvalidArgumentError(
                "this worker checks signatures, which are of the bytes that came: give them to WorkerService.answer, or serve "
                "with worker_app or worker_api"
            )
        # Through the codec of the wire: a framework's own is not as strict.
        invocation = _read(request.kind, encode(dict(request.body)))
        outcome = self._run(invocation)
        feature = None if _is_ours(headers) else beyond_protocol(outcome)
        if feature is not None:
            raise _unsupported(feature)
        return write_outcome(outcome)[1]

    def _run(self, invocation: Invocation) -> Outcome:
        if not self._handlers.is_async(invocation):
            return self._handlers.run(invocation)
        outcome: Outcome = self._running_loop().submit(partial(self._handlers.run_async, invocation), _give_up).result()
        return outcome

    # --- as bytes -------------------------------------------------------------------------------------------

    def answer(self, kind: InvocationKind, body: bytes, headers: Mapping[str, str] | None = None) -> tuple[int, bytes]:
        """
        Answer a call, whatever comes: with 200, with 500 and what went wrong, with 400 where it is no call, or with 401 where it
        is not signed as this worker wants it.

        Args:
            kind: Of the route at which it came.

            body: The bytes that came, as they came.

            headers: Of the request.

        Returns:
            The status, and the body, which is JSON.
        """
        try:
            self._check_signature(kind, body, headers)
            invocation = _read(kind, body)
        except IwfError as error:
            fault = fault_of(error)
            return fault.status, encode({**fault.body, "detail": str(error)})
        outcome = self._outcome(invocation)
        feature = None if _is_ours(headers) else beyond_protocol(outcome)
        if feature is not None:
            outcome = Failed(failure_of(_unsupported(feature), invocation))
        try:
            status, value = write_outcome(outcome)
            return status, encode(value)
        except IwfError as error:
            status, value = write_outcome(Failed(failure_of(error, invocation)))
            return status, encode(value)

    def _check_signature(self, kind: InvocationKind, body: bytes, headers: Mapping[str, str] | None) -> None:
        if not self._signing_keys:
            return
        route, now = WORKER_ROUTES[kind], self._now()
        signed = check(self._signing_keys, _header(headers, SIGNATURE), route.method, route.path, body, now)
        self._nonces.take(signed, now)

    def _outcome(self, invocation: Invocation) -> Outcome:
        try:
            return self._run(invocation)
        except BaseException as error:  # noqa: BLE001 - sys.exit in a handler is a failed attempt, not the end of the worker
            return Failed(failure_of(error, invocation))

    # --- coroutines -----------------------------------------------------------------------------------------

    def close(self, timeout: float = 5.0) -> None:
        """Cancel handlers that are coroutines, and end their loop's thread; safe to call twice."""
        with self._lock:
            self._is_closed = True
            loop, self._loop = self._loop, None
        if loop is not None:
            loop.close(timeout)

    def _running_loop(self) -> LoopThread:
        with self._lock:
            if self._is_closed:
                raise EngineStoppedError(_CLOSED)
            if self._loop is None:
                self._loop = LoopThread("iwf-coroutines")
            return self._loop


_CLOSED = "this worker is closed; another attempt will be made"


def _read(kind: InvocationKind, body: bytes) -> Invocation:
    # How long the server waits it does not tell.
    invocation = read_call(kind, decode(body), timeout=MAX_DURATION)
    if not invocation.workflow_type or not invocation.workflow_id:
        raise ProtocolError("the call names no workflow type, or no workflow id")
    return invocation


def _is_ours(headers: Mapping[str, str] | None) -> bool:
    return is_ours(_header(headers, HEADER))


def _header(headers: Mapping[str, str] | None, name: str) -> str | None:
    """Find a header, however the application that took the call in spells its name."""
    if not headers:
        return None
    value = headers.get(name)
    return value if value is not None else next((headers[one] for one in headers if one.lower() == name.lower()), None)


def _unsupported(feature: str) -> UnsupportedByServerError:
    return UnsupportedByServerError(feature, "the server that made this call", "it is one of iwf_py's engine alone")


def _give_up(future: Future[Any]) -> None:
    """Answer a call whose loop was closed."""
    if not future.done() and future.set_running_or_notify_cancel():
        future.set_exception(EngineStoppedError(_CLOSED))
