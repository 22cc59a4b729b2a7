"""Clients: they start, signal, publish, call, write, skip, stop, reset, read and wait."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from datetime import timedelta
from typing import Any

from iwf_py.errors import EngineError, HttpError
from iwf_py.model.invocations import Publication
from iwf_py.model.options import CronSchedule, WorkflowAlreadyStartedOptions, WorkflowConfig, WorkflowRetryPolicy
from iwf_py.model.requests import (
    AttributeWaitRequest,
    GetAttributesRequest,
    PublishRequest,
    ResetRequest,
    RpcRequest,
    RunAddress,
    RunResult,
    SetAttributesRequest,
    SignalRequest,
    SkipTimerRequest,
    StartRequest,
    StateWaitRequest,
    StopRequest,
    UpdateConfigRequest,
)
from iwf_py.model.status import IDReusePolicy, WorkflowResetType, WorkflowStopType
from tests.simulation.ledger import Ledger, Operation
from tests.simulation.lookout import Lookout
from tests.simulation.program import KEYS, STATES, Program, sealed
from tests.simulation.world import EPOCH, World


class FakeClient:
    """
    One client: it does one thing after the other, and hears answers whenever they come.

    Args:
        engine: Tells the engine that serves now, or None.

        heard: Tells whether an answer of this engine still reaches anybody: it may die of it.

        lookout: Where it waits for states and attributes.
    """

    def __init__(
        self,
        world: World,
        ledger: Ledger,
        program: Program,
        ids: int,
        engine: Callable[[], Any],
        heard: Callable[[Any], bool],
        lookout: Lookout,
    ) -> None:
        self._world = world
        self._ledger = ledger
        self._program = program
        self._ids = [f"w{number}" for number in range(ids)]
        self._engine = engine
        self._heard = heard
        self._lookout = lookout
        self.waiting: list[tuple[Any, RunAddress, Future[RunResult]]] = []
        self.outcomes: list[RunResult] = []

    def act(self) -> None:
        """Do something."""
        engine = self._engine()
        if engine is None:
            return
        acts: tuple[tuple[Callable[[Any], None], int], ...] = (
            (self._start, 5),
            (self._signal, 8),
            (self._publish, 2),
            (self._rpc, 6),
            (self._set, 3),
            (self._skip, 3),
            (self._configure, 1),
            (self._stop, 1),
            (self._reset, 2),
            (self._read, 3),
            (self._wait, 4),
        )
        act = self._world.random.choices([act for act, _ in acts], [weight for _, weight in acts])[0]
        act(engine)
        # Beside all else: who waits changes nothing.
        if self._world.chance(0.3):
            self._world.random.choice((self._wait_for_state, self._wait_for_attribute))(engine)

    def _some_run(self, workflow_id: str) -> str | None:
        """Name the latest run, or at times one that was opened once."""
        if self._world.chance(0.85):
            return None
        known = [
            str(operation.value)
            for operation in self._ledger.operations
            if operation.what in ("start", "reset")
            and operation.workflow_id == workflow_id
            and operation.is_acknowledged
        ]
        return self._world.random.choice(known) if known else None

    def _some_id(self) -> str:
        return self._world.random.choice(self._ids)

    def _send(self, engine: Any, what: str, workflow_id: str, token: str, kind: str, future: Future[Any]) -> Operation:
        operation = Operation(what, workflow_id, token, kind, self._ledger.tick())
        self._ledger.operations.append(operation)
        self._world.note("sent", what, workflow_id, token)

        def done(answered: Future[Any]) -> None:
            if not self._heard(engine):
                return
            error = answered.exception()
            if error is not None:
                self._ledger.refused(operation, error)
            else:
                self._ledger.acknowledged(operation, answered.result())

        future.add_done_callback(done)
        return operation

    def _start(self, engine: Any) -> None:
        pick, token, workflow_id = self._world.random, self._world.token(), self._some_id()
        policy = pick.choices(tuple(IDReusePolicy), (6, 2, 1, 2))[0]
        ignores = pick.random() < 0.2
        start = self._program.movement() if pick.random() < 0.95 else None
        request = StartRequest(
            workflow_id=workflow_id,
            workflow_type="Flow",
            start=start,
            attributes=(("start", sealed(token)),),
            timeout=timedelta(seconds=pick.choice((5, 30))) if pick.random() < 0.2 else None,
            start_delay=timedelta(seconds=pick.choice((0, 0, 0, 2))),
            retry=WorkflowRetryPolicy(initial_interval_seconds=1, maximum_attempts=3) if pick.random() < 0.4 else None,
            id_reuse_policy=policy,
            already_started=WorkflowAlreadyStartedOptions(True) if ignores else None,
            cron=self._schedule() if pick.random() < 0.25 else None,
        )
        # Where another run may be the answer, the token need not stand anywhere.
        self._send(engine, "start", workflow_id, token, "" if ignores else "Started", engine.service.start(request))
        if start is not None and pick.random() < 0.3:
            # Most likely it does not wait yet.
            self._skip_timer(engine, workflow_id, f"{start.state_id}-1")

    def _schedule(self) -> CronSchedule:
        """Make a schedule that ends while the world still goes on."""
        pick = self._world.random
        now = int((self._world.now - EPOCH).total_seconds())
        return CronSchedule(f"{pick.choice((1, 3, 7))} {now + pick.choice((5, 20, 40))}")

    def _signal(self, engine: Any) -> None:
        token, workflow_id = self._world.token(), self._some_id()
        request = SignalRequest(
            workflow_id=workflow_id, run_id=self._some_run(workflow_id), channel_name="outer", value=sealed(token)
        )
        self._send(engine, "signal", workflow_id, token, "Signalled", engine.service.signal(request))

    def _publish(self, engine: Any) -> None:
        token, workflow_id = self._world.token(), self._some_id()
        message = Publication(channel_name="inner", value=sealed(token))
        request = PublishRequest(workflow_id=workflow_id, messages=(message,))
        self._send(engine, "publish", workflow_id, token, "Published", engine.service.publish(request))

    def _rpc(self, engine: Any) -> None:
        pick, token, workflow_id = self._world.random, self._world.token(), self._some_id()
        name = pick.choice(("write", "write", "read"))
        is_locking = pick.random() < 0.5
        request = RpcRequest(
            workflow_id=workflow_id,
            run_id=self._some_run(workflow_id),
            rpc_name=name,
            input=sealed(token),
            options=self._program.rpc_options(is_locking=is_locking),
        )
        kind = "" if name == "read" else "RpcReturned"
        what = "locking rpc" if is_locking else "rpc"
        self._send(engine, what, workflow_id, token, kind, engine.service.invoke_rpc(request))

    def _set(self, engine: Any) -> None:
        token, workflow_id = self._world.token(), self._some_id()
        request = SetAttributesRequest(workflow_id=workflow_id, attributes=((f"set-{token}", sealed(token)),))
        future = engine.service.set_attributes(request)
        self._send(engine, "set attributes", workflow_id, token, "AttributesSet", future)

    def _skip(self, engine: Any) -> None:
        pick = self._world.random
        self._skip_timer(engine, self._some_id(), f"{pick.choice('ABC')}-{pick.choice((1, 1, 2, 3))}")

    def _skip_timer(self, engine: Any, workflow_id: str, state_execution_id: str) -> None:
        pick = self._world.random
        request = SkipTimerRequest(
            workflow_id=workflow_id,
            state_execution_id=state_execution_id,
            command_id=pick.choice(("timer-0", None)),
            index=pick.choice((0, 1)),
        )
        self._send(engine, "skip timer", request.workflow_id, "", "", engine.service.skip_timer(request))

    def _configure(self, engine: Any) -> None:
        config = WorkflowConfig(continue_as_new_threshold=self._world.random.choice((1, 2)))
        request = UpdateConfigRequest(workflow_id=self._some_id(), config=config)
        self._send(engine, "update config", request.workflow_id, "", "", engine.service.update_config(request))

    def _stop(self, engine: Any) -> None:
        kind = self._world.random.choice(tuple(WorkflowStopType))
        request = StopRequest(workflow_id=self._some_id(), stop_type=kind)
        self._send(engine, "stop", request.workflow_id, "", "", engine.service.stop(request))

    def _reset(self, engine: Any) -> None:
        pick, workflow_id = self._world.random, self._some_id()
        kind = pick.choice(tuple(WorkflowResetType))
        request = ResetRequest(
            workflow_id=workflow_id,
            run_id=self._some_run(workflow_id),
            reset_type=kind,
            history_event_id=pick.choice((1, 2, 3, 5, 8, 13)),
            history_event_time=self._world.now - timedelta(seconds=pick.random() * pick.choice((1, 20))),
            state_id=pick.choice("ABC") if kind is WorkflowResetType.STATE_ID else None,
            state_execution_id=f"{pick.choice('ABC')}-{pick.choice((1, 1, 2))}",
            skip_signal_reapply=pick.random() < 0.3,
            skip_update_reapply=pick.random() < 0.3,
        )
        operation = self._send(engine, "reset", workflow_id, "", "", engine.service.reset(request))
        operation.request = request

    def _read(self, engine: Any) -> None:
        """Read attributes: what was acknowledged before must be there, if the run is the same."""
        workflow_id = self._some_id()
        known = [
            (operation.token, run_id)
            for operation in self._ledger.operations
            if operation.what == "set attributes" and operation.workflow_id == workflow_id and operation.is_acknowledged
            for run_id, _, _ in self._ledger.places(operation)
        ]
        run_id = known[-1][1] if known else None
        future = engine.service.get_attributes(GetAttributesRequest(workflow_id=workflow_id, run_id=run_id))

        def done(answered: Future[Any]) -> None:
            if not self._heard(engine):
                return
            error = answered.exception()
            if error is not None:
                return
            missing = [token for token, run in known if run == run_id and f"set-{token}" not in answered.result()]
            if missing:
                self._world.violate(f"a reader of {workflow_id} does not see {missing}, which were acknowledged")

        future.add_done_callback(done)

    def _wait(self, engine: Any) -> None:
        workflow_id = self._some_id()
        address = RunAddress(workflow_id=workflow_id, run_id=self._some_run(workflow_id))
        future = engine.service.wait(address)
        if self._world.chance(0.1):
            future.cancel()
            return
        self.waiting.append((engine, address, future))

        def done(answered: Future[RunResult]) -> None:
            if self._heard(engine) and not answered.cancelled():
                error = answered.exception()
                if error is None:
                    self.outcomes.append(answered.result())
                elif not isinstance(error, HttpError | EngineError):
                    self._world.violate(f"a waiter was refused with {error!r}")

        future.add_done_callback(done)

    def _wait_for_state(self, engine: Any) -> None:
        pick, workflow_id = self._world.random, self._some_id()
        request = StateWaitRequest(
            workflow_id=workflow_id,
            run_id=self._some_run(workflow_id),
            state_id=pick.choice(STATES),
            ordinal=pick.choice((1, 1, 2, 3)),
            wait_for_key=pick.choice((None, None, *KEYS)),
        )
        self._lookout.wait(engine, request)

    def _wait_for_attribute(self, engine: Any) -> None:
        """Wait for one that is not known, or for the next value of one that is."""
        pick, workflow_id = self._world.random, self._some_id()
        run_id, key, after = self._some_run(workflow_id), pick.choice(("start", "state", "rpc", "nobody's")), 0
        if self._lookout.readings and pick.random() < 0.7:
            workflow_id, reading = pick.choice(self._lookout.readings[-5:])
            run_id, key, after = reading.run_id, reading.key, reading.revision
        self._lookout.wait(engine, AttributeWaitRequest(workflow_id=workflow_id, run_id=run_id, key=key, after=after))
