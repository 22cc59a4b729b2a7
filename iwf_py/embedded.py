"""Embedded(url, registry): engine, store, alarm, worker and client in one process."""

from __future__ import annotations

import atexit
import logging
import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import ExitStack
from types import TracebackType
from typing import TypeVar

from iwf_py.authoring.registry import Registry
from iwf_py.client.aio import AsyncClient
from iwf_py.client.client import Client
from iwf_py.client.unregistered_client import UnregisteredClient
from iwf_py.codec.payloads import JsonConverter
from iwf_py.errors import EngineStoppedError, IwfError
from iwf_py.model.converter import Converter
from iwf_py.model.history import HistoryEntry
from iwf_py.model.invocations import Serves
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
from iwf_py.ports import Alarm, Calendar, Clock, Observer, WorkflowService
from iwf_py.runtime.engine import Engine
from iwf_py.runtime.threads import RandomIds, SystemClock, Threads
from iwf_py.scheduling.alarm import ApschedulerAlarm
from iwf_py.scheduling.cron import CronCalendar
from iwf_py.store.database import SqlStore
from iwf_py.worker.handlers import Handlers
from iwf_py.worker.loop import Worker
from iwf_py.worker.pool import MAX_WORKERS, ThreadPerformer

_log = logging.getLogger(__name__)

ResultT = TypeVar("ResultT")


class Embedded:
    """
    A whole engine in this process, on a database of its own; a context manager.

        with Embedded("sqlite:///signup.db", Registry(UserSignupWorkflow())) as iwf:
            iwf.client.start_workflow(UserSignupWorkflow, "alice", 3600, form)

    Nothing is opened before `start`, which the with block calls. What was open when a process ended, however it
    ended, goes on where it was with the next start on the same database.

    Args:
        url: As SQLAlchemy understands it: ``sqlite:///signup.db`` is relative to the working directory,
            ``sqlite:////var/lib/signup.db`` is absolute.

        registry: The workflows to run and to call.

        max_workers: Threads for handlers that are plain methods; those that are coroutines share one event loop.

        converter: How values are sealed; JSON by default.

        namespace: Workflow ids of different namespaces have nothing to do with each other.

        clock: Where the time is read.

        make_alarm: Makes the alarm clock that follows *clock*; to be given together with it.

        calendar: Tells the ticks of cron schedules.

        observers: Told of every event, after its commit.

        grace_seconds: What running handlers get to end in, when it is closed; they are called again after the next start.

    Attributes:
        client: Calls the workflows; it may be handed out before the start.

        async_client: The same for asyncio.

        unregistered_client: Calls any workflow by names, whether it is registered here or not.
    """

    def __init__(
        self,
        url: str,
        registry: Registry,
        *,
        max_workers: int = MAX_WORKERS,
        converter: Converter | None = None,
        namespace: str = "default",
        clock: Clock | None = None,
        make_alarm: Callable[[Callable[[], None]], Alarm] = ApschedulerAlarm,
        calendar: Calendar | None = None,
        observers: Sequence[Observer] = (),
        grace_seconds: float = 2.0,
    ) -> None:
        self.url = url
        self.registry = registry
        self._max_workers = max_workers
        self._converter = converter or JsonConverter()
        self._clock = clock or SystemClock()
        self._make_alarm = make_alarm
        self._calendar = calendar or CronCalendar()
        self._observers = tuple(observers)
        self._grace_seconds = grace_seconds
        # Re-entrant: a Ctrl-C between two bytecodes of start() closes from within.
        self._lock = threading.RLock()
        self._opened = ExitStack()
        self._door = _Door()
        self._has_started = False
        self._is_closed = False
        self.client = Client(registry, self._door, self._converter, namespace=namespace)
        self.async_client = AsyncClient(registry, self._door, self._converter, namespace=namespace)
        self.unregistered_client = UnregisteredClient(self._door, self._converter, namespace=namespace)

    @property
    def is_running(self) -> bool:
        """Has it been started, in this process, and not closed?"""
        return self._door.is_open

    def start(self) -> None:
        """
        Open the database, take up what was left there, and serve; nothing when it has been started already.

        Errors:
            StoreError: The database cannot be used, or another engine owns it; nothing is left open.

            EngineStoppedError: It has been closed, or belongs to the process that this one was forked from.
        """
        with self._lock:
            if self._is_closed or self._is_forked():
                raise EngineStoppedError(self._door.why)
            if self._has_started:
                return
            try:
                self._open()
            except BaseException:
                self._opened.close()
                raise
            self._has_started = True
            _running.add(self)

    def close(self) -> None:
        """
        Stop serving and give the database up; safe to call twice, and from several threads.

        Handlers that do not end within the grace are left behind and called again after the next start. In a fork of the
        process that started it, it does nothing: the engine is the parent's.
        """
        if self._is_forked():
            return
        with self._lock:
            self._is_closed = True
            self._door.close(_CLOSED)
            _running.discard(self)
            self._opened.close()

    def __enter__(self) -> Embedded:
        """Start."""
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Close."""
        self.close()

    def _open(self) -> None:
        """Open one part after the other; each is closed in reverse order."""
        threads = Threads()
        self._opened.callback(threads.close)
        store = SqlStore(self.url)
        engine = Engine(
            store,
            clock=self._clock,
            calendar=self._calendar,
            ids=RandomIds(),
            executor=threads,
            make_alarm=self._make_alarm,
            observers=self._observers,
        )
        self._opened.callback(engine.stop)
        engine.start()
        performer = ThreadPerformer(Handlers(self.registry, self._converter), self._max_workers)
        worker = Worker(engine.tasks, performer)
        self._opened.callback(_end, worker, performer, self._grace_seconds)
        worker.start()
        self._door.open(engine.service)
        # On a thread of the engine's: the start does not wait for a look at all that is open.
        threads.submit(lambda: _name_unserved(store, performer.serves))

    def _is_forked(self) -> bool:
        return self._door.is_foreign


def _end(worker: Worker, performer: ThreadPerformer, grace_seconds: float) -> None:
    """Let handlers end; where some do not, do not wait for their threads as well."""
    is_clean = worker.stop(grace_seconds)
    performer.close(1.0 if is_clean else 0.1)


def _name_unserved(store: SqlStore, serves: Serves) -> None:
    """Warn of what is open and has no code here: it is left alone until somebody serves it."""
    try:
        kinds = store.open_kinds()
    except IwfError as error:
        _log.info("what is open could not be looked through: %s", error)
        return
    unserved = [
        f"{count} of state {state_id} of workflow {workflow_type}"
        for workflow_type, state_id, count in kinds
        if not serves.has(workflow_type, state_id)
    ]
    if unserved:
        _log.warning(
            "open state executions that nothing in this registry serves, left alone until they are registered: %s",
            "; ".join(unserved),
        )


# Forgotten ones are closed as the interpreter ends; strongly held, for nobody else may hold them.
_running: set[Embedded] = set()


@atexit.register
def _close_all() -> None:
    for embedded in list(_running):
        embedded.close()


_NOT_STARTED = "this engine has not been started: call start(), or use it in a with block"
_CLOSED = "this engine is closed: make another one on the same database to go on"
_FORKED = (
    "this process is a fork of the one that started the engine, and shares nothing with it: "
    "start the engine after the fork, in the one process that shall own the database"
)


class _Door:
    """
    The engine's `WorkflowService` while it is up, and in the process that started it; an error otherwise.

    A client may be handed out before the start, and be held on to after the end or across a fork: it shall get
    a sentence, not hang on threads that are not there.
    """

    def __init__(self) -> None:
        self._service: WorkflowService | None = None
        self._process: int | None = None
        self._why = _NOT_STARTED

    @property
    def is_open(self) -> bool:
        return self._service is not None and not self.is_foreign

    @property
    def is_foreign(self) -> bool:
        """Was it opened in another process?"""
        return self._process is not None and self._process != os.getpid()

    @property
    def why(self) -> str:
        """Say why it is not open."""
        return _FORKED if self.is_foreign else self._why

    def open(self, service: WorkflowService) -> None:
        self._process = os.getpid()
        self._service = service

    def close(self, why: str) -> None:
        self._service = None
        self._why = why

    def _ask(self, call: Callable[[WorkflowService], Future[ResultT]]) -> Future[ResultT]:
        service = self._service
        if service is None or self.is_foreign:
            refused: Future[ResultT] = Future()
            refused.set_exception(EngineStoppedError(self.why))
            return refused
        return call(service)

    def start(self, request: StartRequest) -> Future[str]:
        return self._ask(lambda service: service.start(request))

    def signal(self, request: SignalRequest) -> Future[None]:
        return self._ask(lambda service: service.signal(request))

    def publish(self, request: PublishRequest) -> Future[None]:
        return self._ask(lambda service: service.publish(request))

    def invoke_rpc(self, request: RpcRequest) -> Future[Payload | None]:
        return self._ask(lambda service: service.invoke_rpc(request))

    def stop(self, request: StopRequest) -> Future[None]:
        return self._ask(lambda service: service.stop(request))

    def skip_timer(self, request: SkipTimerRequest) -> Future[None]:
        return self._ask(lambda service: service.skip_timer(request))

    def set_attributes(self, request: SetAttributesRequest) -> Future[None]:
        return self._ask(lambda service: service.set_attributes(request))

    def update_config(self, request: UpdateConfigRequest) -> Future[None]:
        return self._ask(lambda service: service.update_config(request))

    def reset(self, request: ResetRequest) -> Future[str]:
        return self._ask(lambda service: service.reset(request))

    def get_attributes(self, request: GetAttributesRequest) -> Future[dict[str, Payload]]:
        return self._ask(lambda service: service.get_attributes(request))

    def get_search_attributes(self, request: GetAttributesRequest) -> Future[dict[str, SearchAttribute]]:
        return self._ask(lambda service: service.get_search_attributes(request))

    def describe(self, address: RunAddress) -> Future[RunDescription]:
        return self._ask(lambda service: service.describe(address))

    def result(self, address: RunAddress) -> Future[RunResult]:
        return self._ask(lambda service: service.result(address))

    def wait(self, address: RunAddress) -> Future[RunResult]:
        return self._ask(lambda service: service.wait(address))

    def wait_for_state(self, request: StateWaitRequest) -> Future[StateCompletion]:
        return self._ask(lambda service: service.wait_for_state(request))

    def wait_for_attribute(self, request: AttributeWaitRequest) -> Future[AttributeReading]:
        return self._ask(lambda service: service.wait_for_attribute(request))

    def search(self, request: SearchRequest) -> Future[SearchPage]:
        return self._ask(lambda service: service.search(request))

    def count(self, request: CountRequest) -> Future[int]:
        return self._ask(lambda service: service.count(request))

    def history(self, address: RunAddress, after: int = 0, limit: int = 1000) -> Future[tuple[HistoryEntry, ...]]:
        return self._ask(lambda service: service.history(address, after, limit))
