"""One run on the bare machine: sends events, checks every turn, remembers all of them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from iwf_py.core import invariants
from iwf_py.core.advance import Turn, advance
from iwf_py.core.draft import fold
from iwf_py.core.effects import Accepted, Dropped, Effect, Invoke, InvokeRpc, Refused, SetTimer
from iwf_py.core.events import (
    AttemptsExhausted,
    AttributesSet,
    ConfigUpdated,
    Event,
    ExecuteReturned,
    Published,
    RpcAsked,
    RpcFailed,
    RpcReturned,
    Signalled,
    Started,
    StopRequested,
    TimerFired,
    TimerSkipped,
    WaitUntilReturned,
)
from iwf_py.core.parts import restore, stored
from iwf_py.core.record import LiveState, Record
from iwf_py.core.rewind import rewind
from iwf_py.core.views import pending
from iwf_py.model.commands import CommandRequest
from iwf_py.model.decisions import (
    DEAD_END,
    FORCE_COMPLETING,
    FORCE_FAILING,
    GRACEFUL_COMPLETING,
    ConditionalClose,
    Decision,
    Movement,
)
from iwf_py.model.invocations import ExecuteResult, Failure, Publication, RpcResult, WaitUntilResult, Writes
from iwf_py.model.options import CallOptions, PersistenceLoadingPolicy, RpcOptions, StateOptions, WorkflowConfig
from iwf_py.model.payload import Payload
from iwf_py.model.requests import RpcRequest, StartRequest
from iwf_py.model.status import PersistenceLoadingType
from tests.core.laws import check_changes

NOON = datetime(2024, 5, 1, 12, tzinfo=UTC)
SKIP = StateOptions(skip_wait_until=True)


def sealed(text: str) -> Payload:
    return Payload("json/plain", f'"{text}"')


def to(state_id: str, options: StateOptions | None = SKIP, input: Payload | None = None) -> Movement:
    return Movement(state_id, input, options)


def writes(*publications: tuple[str, str], **attributes: str | None) -> Writes:
    return Writes(
        attributes=tuple((key, None if value is None else sealed(value)) for key, value in attributes.items()),
        messages=tuple(Publication(channel_name=name, value=sealed(text)) for name, text in publications),
    )


def locking(*keys: str) -> PersistenceLoadingPolicy:
    return PersistenceLoadingPolicy(PersistenceLoadingType.LOAD_ALL_WITH_PARTIAL_LOCK, locking_keys=keys)


def locks(*keys: str, search: tuple[str, ...] = ()) -> StateOptions:
    call = CallOptions(attributes=locking(*keys), search_attributes=locking(*search))
    return StateOptions(skip_wait_until=True, execute=call)


class Machine:
    """A run, with a clock that is moved by hand. After each turn the laws that hold for all turns are checked."""

    def __init__(self, start: Movement | None = None, *, run_id: str = "run-1", **request: Any) -> None:
        self.now = NOON
        self.record: Record | None = None
        self.events: list[Event] = []
        self.outstanding: set[Effect] = set()
        self.alarms: set[datetime] = set()
        self.turn: Turn
        request = {"workflow_id": "w", "workflow_type": "W", "start": start, **request}
        self.advance(Started(at=self.now, request=StartRequest(**request), run_id=run_id))

    # Sending

    def advance(self, event: Event) -> Turn:
        before = self.record
        turn = advance(before, event)
        self.turn = turn
        if turn.opens:
            before, self.events, self.outstanding, self.alarms = None, [], set(), set()
        if turn.changes:
            assert turn.record is not None
            self.events.append(event)
            assert fold(before, turn.changes, turn.record.seq, event.at) == turn.record, "the record is the fold"
            check_changes(before, turn.changes)
            assert turn.record.seq == len(self.events)
            assert turn.record.last_at == event.at
        else:
            assert turn.record is before, "no changes, no new record"
        self.record = turn.record
        if turn.record is not None:
            assert invariants.check(turn.record) == []
            self._check_pending(turn)
        return turn

    def _check_pending(self, turn: Turn) -> None:
        """Whatever is outstanding was asked for once, and can be derived from the record."""
        asked = [effect for effect in turn.effects if isinstance(effect, Invoke | InvokeRpc)]
        for effect in asked:
            assert effect not in self.outstanding, "a call is asked for once"
        derived = list(pending(self.run))
        still = {effect for effect in derived if isinstance(effect, Invoke | InvokeRpc)}
        # A call that the turn before last asked for is still outstanding, or has ended with this turn.
        assert still <= self.outstanding | set(asked)
        assert set(asked) <= still
        self.outstanding = still
        self.alarms |= {effect.due for effect in turn.effects if isinstance(effect, SetTimer)}
        assert {effect.due for effect in derived if isinstance(effect, SetTimer)} <= self.alarms

    def send(self, kind: type, **fields: Any) -> Turn:
        return self.advance(kind(at=self.now, **fields))

    def later(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    def waits(self, name: str, commands: CommandRequest | None = None, **fields: Any) -> Turn:
        """wait_until of the execution answers."""
        result = WaitUntilResult(commands=commands or CommandRequest(), **fields)
        return self.send(WaitUntilReturned, number=self.number(name), result=result)

    def decides(
        self, name: str, *movements: Movement | str, close: ConditionalClose | None = None, writes: Writes | None = None
    ) -> Turn:
        """execute of the execution answers."""
        decision = Decision(tuple(to(m) if isinstance(m, str) else m for m in movements), conditional_close=close)
        result = ExecuteResult(decision=decision, writes=writes or Writes())
        return self.send(ExecuteReturned, number=self.number(name), result=result)

    def exhausts(self, name: str, message: str = "boom", attempts: int = 3) -> Turn:
        failure = Failure(error_type="ValueError", message=message, attempts=attempts, state_execution_id=name)
        state = self.state(name)
        return self.send(AttemptsExhausted, number=state.number, phase=state.phase, failure=failure)

    def completes(self, name: str, output: Payload | None = None) -> Turn:
        return self.decides(name, Movement(GRACEFUL_COMPLETING, output))

    def forces(self, name: str, output: Payload | None = None) -> Turn:
        return self.decides(name, Movement(FORCE_COMPLETING, output))

    def fails(self, name: str, output: Payload | None = None) -> Turn:
        return self.decides(name, Movement(FORCE_FAILING, output))

    def ends(self, name: str) -> Turn:
        return self.decides(name, Movement(DEAD_END))

    def signal(self, channel: str, text: str | None = None) -> Turn:
        return self.send(Signalled, channel_name=channel, value=None if text is None else sealed(text))

    def publish(self, *messages: tuple[str, str]) -> Turn:
        return self.send(
            Published, messages=tuple(Publication(channel_name=name, value=sealed(text)) for name, text in messages)
        )

    def fire(self, name: str, index: int = 0) -> Turn:
        return self.send(TimerFired, number=self.number(name), index=index)

    def fire_at(self, number: int, index: int) -> Turn:
        return self.send(TimerFired, number=number, index=index)

    def skip(self, name: str, command_id: str | None = None, index: int | None = None, **fields: Any) -> Turn:
        return self.send(TimerSkipped, state_execution_id=name, command_id=command_id, index=index, **fields)

    def configure(self, **settings: Any) -> Turn:
        return self.send(ConfigUpdated, config=WorkflowConfig(**settings))

    def ask(self, *keys: str, search: tuple[str, ...] = ()) -> Turn:
        options = RpcOptions(attributes=locking(*keys), search_attributes=locking(*search))
        return self.send(RpcAsked, request=RpcRequest(workflow_id="w", rpc_name="r", options=options))

    def answer(self, number: int | None = None, *movements: Movement, **fields: Any) -> Turn:
        return self.send(RpcReturned, number=number, result=RpcResult(next_states=movements, **fields))

    def fail_rpc(self, number: int) -> Turn:
        return self.send(RpcFailed, number=number, failure=Failure(error_type="ValueError", message="boom"))

    def set(self, **attributes: str | None) -> Turn:
        pairs = tuple((key, None if value is None else sealed(value)) for key, value in attributes.items())
        return self.send(AttributesSet, attributes=pairs)

    def stop(self, stop_type: Any, reason: str | None = None) -> Turn:
        return self.send(StopRequested, stop_type=stop_type, reason=reason)

    # Looking

    @property
    def run(self) -> Record:
        assert self.record is not None
        return self.record

    def state(self, name: str) -> LiveState:
        return next(state for state in self.run.states.values() if state.execution_id == name)

    def number(self, name: str) -> int:
        return self.state(name).number

    @property
    def open(self) -> dict[str, str]:
        """The open state executions, by age: phase, with a star where the call is outstanding."""
        states = [self.run.states[number] for number in sorted(self.run.states)]
        return {state.execution_id: state.phase.value + "*" * state.is_invoked for state in states}

    @property
    def calls(self) -> list[str]:
        """The calls that the last turn asked for."""
        found = []
        for effect in self.turn.effects:
            if isinstance(effect, Invoke):
                found.append(f"{self.run.states[effect.number].execution_id} {effect.phase.value}")
            elif isinstance(effect, InvokeRpc):
                found.append(f"rpc {effect.number}")
        return found

    def took(self, name: str) -> list[list[str]]:
        """What each channel command of the execution has taken."""
        waiting = self.state(name).waiting
        assert waiting is not None
        return [[m.value.data.strip('"') if m.value and m.value.data else "" for m in hand] for hand in waiting.taken]

    @property
    def outputs(self) -> list[str]:
        return [f"{output.state_execution_id}:{output.output.data}" for output in self.run.outputs]

    @property
    def is_accepted(self) -> bool:
        return isinstance(self.turn.answer, Accepted)

    @property
    def is_dropped(self) -> bool:
        return isinstance(self.turn.answer, Dropped)

    @property
    def error(self) -> Exception:
        answer = self.turn.answer
        assert isinstance(answer, Refused), answer
        return answer.error

    def check_history(self) -> None:
        assert rewind(self.events) == self.run
        assert restore(stored(self.run)) == self.run
