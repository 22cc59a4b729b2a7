"""Those who wait for states and attributes: what they are told is compared with what was committed by then."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

from iwf_py.core.changes import AttributeWritten, Change, ExecutionClosed, StateLeft
from iwf_py.core.looks import Expected, change, completion, look_at
from iwf_py.core.record import Record
from iwf_py.errors import EngineError, HttpError, WorkflowNotExistsError
from iwf_py.model.ids import WorkflowKey, state_execution_id
from iwf_py.model.payload import Payload
from iwf_py.model.requests import AttributeReading, AttributeWaitRequest, StateCompletion, StateWaitRequest
from tests.simulation.world import World

Request = StateWaitRequest | AttributeWaitRequest


class Lookout:
    """
    What was committed of states and attributes, and who waits for it.

    Args:
        heard: Tells whether an answer of this engine still reaches anybody.

    Attributes:
        readings: What was told of attributes, to go on from.
    """

    def __init__(self, world: World, heard: Callable[[Any], bool]) -> None:
        self._world = world
        self._heard = heard
        self._left: dict[tuple[str, str], StateLeft] = {}
        self._written: dict[tuple[str, str], list[tuple[int, Payload | None]]] = {}
        self._closed: set[str] = set()
        self._waiting: list[tuple[Any, Request, Future[Any]]] = []
        self.readings: list[tuple[str, AttributeReading]] = []

    def committed(self, run_id: str, done: Change) -> None:
        """Remember what stands now."""
        match done:
            case StateLeft():
                self._left[run_id, state_execution_id(done.state_id, done.ordinal)] = done
            case AttributeWritten():
                self._written.setdefault((run_id, done.key), []).append((done.revision, done.value))
            case ExecutionClosed():
                self._closed.add(run_id)

    def wait(self, engine: Any, request: Request) -> None:
        """Have somebody wait; some lose their patience at once."""
        service = engine.service
        is_state = isinstance(request, StateWaitRequest)
        future: Future[Any] = (service.wait_for_state if is_state else service.wait_for_attribute)(request)
        if self._world.chance(0.1):
            future.cancel()
            return
        self._waiting.append((engine, request, future))

        def done(answered: Future[Any]) -> None:
            if not answered.cancelled() and self._heard(engine):
                error = answered.exception()
                if error is None:
                    self._told(request, answered.result())
                else:
                    self._refused(request, error)

        future.add_done_callback(done)

    def _told(self, request: Request, answer: StateCompletion | AttributeReading) -> None:
        self._world.note("told", request, answer)
        if isinstance(answer, StateCompletion):
            left = self._left.get((answer.run_id, answer.state_execution_id))
            if left is None or not left.succeeded or left.output != answer.output:
                self._world.violate(f"told of {answer}, committed was {left}")
            elif isinstance(request, StateWaitRequest) and left.wait_for_key != (
                request.wait_for_key or left.wait_for_key
            ):
                self._world.violate(f"who asked for {request} was told of {answer}")
            self._world.sometimes["state waited for"] += 1
            return
        assert isinstance(request, AttributeWaitRequest)
        written = self._written.get((answer.run_id, answer.key), [])
        if answer.revision and (answer.revision, answer.value) not in written:
            self._world.violate(f"told of {answer}, which was not committed")
        seen = [reading for workflow_id, reading in self.readings if workflow_id == request.workflow_id]
        known = [reading.revision for reading in seen if reading.run_id == answer.run_id and reading.key == answer.key]
        if answer.revision and request.after in known and answer.revision < request.after:
            self._world.violate(f"who knew revision {request.after} was told of an older one: {answer}")
        self.readings.append((request.workflow_id, answer))
        self._world.sometimes["attribute waited for"] += 1

    def _refused(self, request: Request, error: BaseException) -> None:
        self._world.note("refused", request, repr(error))
        if not isinstance(error, HttpError | EngineError):
            self._world.violate(f"who waits was refused with {error!r}")
        if not isinstance(error, WorkflowNotExistsError) or "is closed" not in str(error):
            return
        self._world.sometimes["told that it never will be"] += 1
        if error.run_id not in self._closed:
            self._world.violate(f"{error.run_id} is open, and who waits for it was told {error}")
        if isinstance(request, StateWaitRequest):
            for (run_id, name), left in self._left.items():
                is_meant = name == state_execution_id(request.state_id, request.ordinal)
                if request.wait_for_key:
                    is_meant = (left.state_id, left.wait_for_key) == (request.state_id, request.wait_for_key)
                if run_id == error.run_id and is_meant and left.succeeded:
                    self._world.violate(f"{name} of {run_id} has completed, and who waits for it was told {error}")

    def check(self, engine: Any, latest: Callable[[WorkflowKey], Record | None]) -> None:
        """Nobody still waits for what is there, or what can never be."""
        for asked, request, future in self._waiting:
            record = latest(WorkflowKey(request.namespace, request.workflow_id))
            if asked is not engine or future.done() or record is None:
                continue
            look: Any = completion(request) if isinstance(request, StateWaitRequest) else change(request, record.run_id)
            if look_at(record, look) != Expected(record.run_id):
                self._world.violate(f"somebody still waits: {request}")
            self._world.sometimes["still waiting"] += 1
