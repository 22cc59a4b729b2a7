"""The engine: the rooms of the SQL host wired together, its beginning and its end.

It owns no thread: its steps run on the executor that it is handed, what time brings comes through
the alarm. A fork of its process finds it stopped.
"""

from __future__ import annotations

import logging
import os
import threading
import weakref
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from enum import Enum

from iwf_py.core.events import RpcFailed
from iwf_py.errors import EngineStoppedError, IwfError, StoreError
from iwf_py.model.ids import WorkflowKey
from iwf_py.model.invocations import Failure
from iwf_py.model.requests import RunAddress
from iwf_py.ports import Alarm, Calendar, Clock, Executor, Ids, Observer
from iwf_py.runtime.agenda import Agenda
from iwf_py.runtime.answers import answer, refused
from iwf_py.runtime.cache import Cache
from iwf_py.runtime.calls import Calls
from iwf_py.runtime.dispatch import Dispatch
from iwf_py.runtime.effects import Effects
from iwf_py.runtime.limits import Limits
from iwf_py.runtime.posts import EventPost
from iwf_py.runtime.reads import Reads, key_of
from iwf_py.runtime.resets import Resets
from iwf_py.runtime.resuming import ResumePost
from iwf_py.runtime.rpcs import Rpcs
from iwf_py.runtime.service import Service
from iwf_py.runtime.turns import Turns
from iwf_py.runtime.upkeep import Upkeep
from iwf_py.runtime.waiters import Waiters
from iwf_py.store.unit import Store

_LOGGER = logging.getLogger(__name__)


class _Life(Enum):
    """Where an engine stands; the value is what is told to whoever calls too early or too late."""

    NEW = "the engine is not started"
    RUNNING = ""
    STOPPING = "the engine is stopping"
    STOPPED = "the engine is stopped; start another one"
    FORKED = "this process is a fork of the one that owns the engine; start an engine of its own on another database"


class Engine:
    """
    The SQL host.

    Args:
        store: Not opened yet; the engine opens and closes it.

        executor: Runs the engine's steps; it must outlive the engine, and must not run a step within `submit`.

        combiner: Runs those that write, instead of *executor*: one at a time. It may be the thread on which outcomes come in,
            which saves handing each of them over; while a commit is in flight, it does nothing else.

        make_alarm: Is handed what the alarm shall ring.

        observers: Told the history entries of each commit.

    Attributes:
        service: The door for clients.

        tasks: The door for workers.
    """

    def __init__(
        self,
        store: Store,
        *,
        clock: Clock,
        calendar: Calendar,
        ids: Ids,
        executor: Executor,
        combiner: Executor | None = None,
        make_alarm: Callable[[Callable[[], None]], Alarm],
        observers: Sequence[Observer] = (),
        limits: Limits | None = None,
    ) -> None:
        limits = Limits() if limits is None else limits
        self._store = store
        self._clock = clock
        self._executor = executor
        self._life = _Life.NEW
        self._lock = threading.Lock()
        self._stopped: Future[None] = Future()
        self._agenda = Agenda(clock, executor, make_alarm)
        self._cache = Cache(limits)
        self._dispatch = Dispatch(clock)
        self._waiters = Waiters()
        self._effects = Effects(self._dispatch, self._waiters)
        self._turns = Turns(
            store,
            clock=clock,
            calendar=calendar,
            executor=executor,
            combiner=combiner or executor,
            agenda=self._agenda,
            cache=self._cache,
            effects=self._effects,
            observers=observers,
            limits=limits,
        )
        self._rpcs = Rpcs(self._turns, self._dispatch, self._agenda, clock, limits)
        self._calls = Calls(self._turns, self._dispatch, self._rpcs, self._effects, clock, limits)
        self._upkeep = Upkeep(
            store,
            clock=clock,
            executor=executor,
            agenda=self._agenda,
            turns=self._turns,
            dispatch=self._dispatch,
            calls=self._calls,
            limits=limits,
        )
        self._effects.connect(self._rpcs, self._upkeep)
        reads = Reads(store, clock=clock, executor=executor, cache=self._cache, post=self._turns.post)
        self._resets = Resets(
            store, clock=clock, ids=ids, executor=executor, reads=reads, turns=self._turns, limits=limits
        )
        self.service = Service(
            ids=ids,
            turns=self._turns,
            reads=reads,
            rpcs=self._rpcs,
            resets=self._resets,
            waiters=self._waiters,
            dispatch=self._dispatch,
            limits=limits,
            problem=self.problem,
        )
        self.tasks = self._calls

    # Its life.

    def start(self) -> None:
        """
        Open the store, and take up what earlier engines left; calls are served from then on.

        Errors:
            StoreInUseError, StoreVersionError, StoreUnusableError: The engine is as new: it may be started again.

            EngineStoppedError: It was started already.
        """
        with self._lock:
            if self._life is not _Life.NEW:
                raise EngineStoppedError(f"an engine starts once: {self._life.value or 'it is running'}")
            self._store.open(self._clock.now())
            self._effects.epoch = self._rpcs.epoch = self._store.epoch
            try:
                self._upkeep.recover()
            except BaseException:
                self._store.close()
                raise
            self._life = _Life.RUNNING
        _engines.add(self)
        _LOGGER.info("engine started", extra={"epoch": self._store.epoch})

    def stop(self, timeout: float | None = 30.0) -> None:
        """
        Refuse new calls, finish what is queued, tell everybody who waits, and close the store.

        Args:
            timeout: Seconds for what is queued; what is then not written is refused, as after a crash.
        """
        done = self.begin_stop()
        try:
            done.result(timeout)
        except TimeoutError:
            self._end()

    def begin_stop(self) -> Future[None]:
        """Stop as `stop` does, without waiting for it; the future is done when the store is closed."""
        with self._lock:
            if self._life is _Life.RUNNING:
                self._life = _Life.STOPPING
                self._upkeep.close()
                self._calls.close()
                self._turns.drain(self._end)
            elif self._life is _Life.NEW:
                self._life = _Life.STOPPED
                self._agenda.close()
                answer(self._stopped, None)
            elif self._life is _Life.FORKED:
                answer(self._stopped, None)
        return self._stopped

    def _end(self) -> None:
        with self._lock:
            if self._life is not _Life.STOPPING:
                return
            self._life = _Life.STOPPED
        error = EngineStoppedError(_Life.STOPPED.value)
        # Those who wait for locks go first: each that is refused in its turn would have the next one ask.
        self._rpcs.close(error)
        self._turns.end(error)
        self._resets.close(error)
        self._waiters.close(error)
        self._agenda.close()
        try:
            self._store.retire()
        except StoreError as error:
            _LOGGER.warning(
                "the end of the engine could not be noted, calls it leaves behind count as recovered: %s", error
            )
        self._store.close()
        _engines.discard(self)
        _LOGGER.info("engine stopped", extra={"epoch": self._store.epoch})
        answer(self._stopped, None)

    # Its state.

    def problem(self) -> IwfError | None:
        """Tell why it serves nobody: it is not running; None when it is."""
        return None if self._life is _Life.RUNNING else EngineStoppedError(self._life.value)

    @property
    def is_running(self) -> bool:
        """Is it started, and not stopped yet?"""
        return self._life is _Life.RUNNING

    @property
    def is_ready(self) -> bool:
        """Is it running, and can it write, as far as it knows?"""
        return self.is_running and self._turns.trouble is None

    @property
    def trouble(self) -> str | None:
        """Why it cannot write at the moment, or None."""
        return self._turns.trouble

    def resume(self, address: RunAddress) -> Future[None]:
        """Take up a run again that is held apart; of one that is not, nothing changes."""
        problem = self.problem()
        if problem is not None:
            return refused(problem)
        future: Future[None] = Future()
        self._turns.post(ResumePost(key_of(address), address.run_id or None, self._calls, self._lose_rpc, future))
        return future

    def _lose_rpc(self, run_id: str, key: WorkflowKey, number: int) -> None:
        """End a locking RPC whose caller was refused when its run was parked."""
        failure = Failure(error_type="ExecutionParked", message="the run was held apart while the RPC ran")
        self._turns.post(
            EventPost(key, run_id, lambda at: RpcFailed(at=at, number=number, failure=failure), _unheard, _unheard)
        )

    def _forked(self) -> None:
        """In a child process: nothing of the parent's may be touched."""
        self._life = _Life.FORKED


def _unheard(_: object) -> None:
    """Nobody asked."""


_engines: weakref.WeakSet[Engine] = weakref.WeakSet()


def _forked() -> None:
    for engine in list(_engines):
        engine._forked()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forked)
