"""Random workflows, random events, in random orders: the laws that hold after every turn.

`Machine` checks each turn: the record is the fold of its changes, every index equals the one
computed anew, nothing outstanding is lost or asked for twice.
"""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Any

from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from iwf_py.core.events import AttributesSet, ExecuteReturned, RpcReturned, Started, StopRequested, WaitUntilReturned
from iwf_py.core.parts import restore, stored
from iwf_py.core.record import LiveState
from iwf_py.core.rewind import audit, rewind
from iwf_py.core.views import due_timers
from iwf_py.model.commands import CommandRequest, InternalChannelCommand, SignalChannelCommand, TimerCommand
from iwf_py.model.decisions import (
    DEAD_END,
    FORCE_COMPLETING,
    FORCE_FAILING,
    GRACEFUL_COMPLETING,
    ConditionalClose,
    Decision,
    Movement,
)
from iwf_py.model.invocations import ExecuteResult, Publication, RpcResult, WaitUntilResult, Writes
from iwf_py.model.options import CallOptions, StateOptions, WorkflowRetryPolicy
from iwf_py.model.payload import Payload, SearchAttribute
from iwf_py.model.requests import StartRequest
from iwf_py.model.status import (
    CommandWaitingType,
    IDReusePolicy,
    Phase,
    SearchAttributeValueType,
    WorkflowConditionalCloseType,
    WorkflowStopType,
)
from tests.core.machine import Machine, locking

NAMES = st.sampled_from(["x", "y"])
KEYS = st.lists(st.sampled_from(["k1", "k2", "k3"]), max_size=2, unique=True).map(tuple)
VALUES = st.none() | st.sampled_from([Payload("json/plain", text) for text in ("1", '"two"', "[]")])
CALLS = st.builds(
    lambda data, search: CallOptions(attributes=locking(*data), search_attributes=locking(*search)), KEYS, KEYS
)
OPTIONS = st.builds(
    lambda skip, wait_until, execute, proceed, recovery: StateOptions(
        skip_wait_until=skip,
        wait_until=wait_until,
        execute=execute,
        proceed_on_wait_until_failure=proceed,
        failure_state_id=recovery,
        failure_state_options=StateOptions(skip_wait_until=True) if recovery == "R" else None,
    ),
    st.booleans(),
    CALLS,
    CALLS,
    st.booleans(),
    st.sampled_from([None, None, "R", "S"]),
)
MOVEMENTS = st.builds(Movement, st.sampled_from(["A", "B", "C"]), VALUES, st.none() | OPTIONS)
SEARCH = st.builds(
    lambda key, value: SearchAttribute(
        key, integer_value=value, value_type=SearchAttributeValueType.INT if value is not None else None
    ),
    st.sampled_from(["k1", "k2"]),
    st.sampled_from([None, 0, 1, 2, 3, 4, 5, 2**63]),
)
PUBLICATIONS = st.builds(lambda name, value: Publication(channel_name=name, value=value), NAMES, VALUES)
WRITES = st.builds(
    lambda attributes, search, messages, recorded: Writes(
        attributes=tuple(attributes),
        search_attributes=tuple(search),
        messages=tuple(messages),
        recorded_events=tuple(recorded),
    ),
    st.lists(st.tuples(st.sampled_from(["k1", "k2", "k4"]), VALUES), max_size=2),
    st.lists(SEARCH, max_size=1),
    st.lists(PUBLICATIONS, max_size=3),
    st.lists(st.tuples(st.just("note"), VALUES), max_size=1),
)
IDS = st.sampled_from(["a", "b"])
TIMERS = st.builds(TimerCommand, IDS, st.sampled_from([0, 1, 5]).map(lambda seconds: timedelta(seconds=seconds)))
BOUNDS = st.tuples(st.sampled_from([1, 1, 2, 3]), st.sampled_from([None, None, 0, 2]))


def _channel(kind: Any, name: str, command_id: str, bounds: tuple[int, int | None]) -> Any:
    least, more = bounds
    return kind.by_name(name, command_id, at_least=least, at_most=None if more is None else least + more)


SIGNALS = st.builds(lambda *parts: _channel(SignalChannelCommand, *parts), NAMES, IDS, BOUNDS)
EMPTIES = st.builds(
    lambda kind, *parts: kind.until_empty(*parts),
    st.sampled_from([SignalChannelCommand, InternalChannelCommand]),
    NAMES,
    IDS,
)
INTERNALS = st.builds(lambda *parts: _channel(InternalChannelCommand, *parts), NAMES, IDS, BOUNDS)


def _request(
    kind: CommandWaitingType, timers: Any, signals: Any, internals: Any, wanted: Any, empties: Any
) -> CommandRequest:
    ids = Counter(command.command_id for command in (*timers, *signals, *internals, *empties))
    combinations = tuple(tuple(ids_) for ids_ in wanted if Counter(ids_) <= ids) or (tuple(sorted(ids)),)
    return CommandRequest(kind, tuple(timers), tuple(signals), tuple(internals), combinations, tuple(empties))


REQUESTS = st.builds(
    _request,
    st.sampled_from(list(CommandWaitingType)),
    st.lists(TIMERS, max_size=2),
    st.lists(SIGNALS, max_size=2),
    st.lists(INTERNALS, max_size=2),
    st.lists(st.lists(IDS, min_size=1, max_size=3), max_size=2),
    st.lists(EMPTIES, max_size=2),
)
ENDS = st.sampled_from([GRACEFUL_COMPLETING] * 2 + [DEAD_END] * 6 + [FORCE_COMPLETING, FORCE_FAILING])
CLOSES = st.builds(
    lambda kind, name, output: ConditionalClose(close_type=kind, channel_name=name, output=output),
    st.sampled_from(list(WorkflowConditionalCloseType)),
    NAMES,
    VALUES,
)
MOVES = st.lists(MOVEMENTS, min_size=1, max_size=3).map(lambda movements: Decision(tuple(movements)))
DECISIONS = st.one_of(
    MOVES,
    MOVES,
    MOVES,
    st.builds(lambda end, output: Decision((Movement(end, output),)), ENDS, VALUES),
    st.builds(
        lambda movements, close: Decision(tuple(movements), conditional_close=close),
        st.lists(MOVEMENTS, min_size=1, max_size=2),
        CLOSES,
    ),
    st.lists(st.one_of(MOVEMENTS, ENDS.map(Movement)), min_size=1, max_size=3).map(lambda some: Decision(tuple(some))),
)


class Driver:
    """Does one random thing after another to a machine."""

    def __init__(self, data: st.DataObject) -> None:
        self.data = data
        self.machine = Machine(
            self.draw(st.none() | MOVEMENTS),
            timeout=self.draw(st.sampled_from([None, None, timedelta(seconds=8)])),
            start_delay=self.draw(st.sampled_from([timedelta(0), timedelta(0), timedelta(seconds=3)])),
            retry=self.draw(st.none() | st.just(WorkflowRetryPolicy(maximum_attempts=2))),
        )

    def draw(self, strategy: st.SearchStrategy[Any]) -> Any:
        return self.data.draw(strategy)

    @property
    def invoked(self) -> list[LiveState]:
        states = self.machine.run.states
        return [states[number] for number in sorted(states) if states[number].is_invoked]

    def act(self) -> None:
        # Calls that can end come three times, so that runs get somewhere.
        choices = [
            self.send,
            self.publish,
            self.write,
            self.rpc,
            self.skip,
            self.wait,
            self.fire,
            self.stale,
            self.rare,
        ]
        choices += [self.end_call] * 6 if self.invoked else []
        self.draw(st.sampled_from(choices))()

    def end_call(self) -> None:
        state = self.draw(st.sampled_from(self.invoked))
        if self.draw(st.integers(0, 9)) == 0:
            self.machine.exhausts(state.execution_id)
        elif state.phase is Phase.WAIT_UNTIL:
            result = WaitUntilResult(commands=self.draw(REQUESTS), writes=self.draw(WRITES))
            self.machine.send(WaitUntilReturned, number=state.number, result=result)
        else:
            result = ExecuteResult(decision=self.draw(DECISIONS), writes=self.draw(WRITES))
            self.machine.send(ExecuteReturned, number=state.number, result=result)

    def send(self) -> None:
        self.machine.signal(self.draw(NAMES), "s")

    def publish(self) -> None:
        self.machine.publish(*((name, "p") for name in self.draw(st.lists(NAMES, max_size=4))))

    def write(self) -> None:
        writes = self.draw(WRITES)
        self.machine.send(AttributesSet, attributes=writes.attributes, search_attributes=writes.search_attributes)

    def rpc(self) -> None:
        machine = self.machine
        running = sorted(machine.run.rpcs)
        keys = self.draw(KEYS)
        if running and self.draw(st.booleans()):
            number = self.draw(st.sampled_from(running))
            if self.draw(st.booleans()):
                machine.fail_rpc(number)
            else:
                self.answer(number)
        elif keys:
            machine.ask(*keys)
        else:
            self.answer(None)

    def answer(self, number: int | None) -> None:
        movements = self.draw(st.lists(MOVEMENTS, max_size=2))
        result = RpcResult(next_states=tuple(movements), writes=self.draw(WRITES))
        self.machine.send(RpcReturned, number=number, result=result)

    def skip(self) -> None:
        live = [state.execution_id for state in self.machine.run.states.values()]
        name = self.draw(st.sampled_from([*sorted(live), "Z-1", "A-3", "B-2"]))
        command_id, index = self.draw(st.none() | IDS), self.draw(st.none() | st.integers(-1, 2))
        self.machine.skip(name, command_id, index, is_reapplied=self.draw(st.booleans()))

    def wait(self) -> None:
        self.machine.later(self.draw(st.sampled_from([0.5, 1, 4])))

    def fire(self) -> None:
        for timer in due_timers(self.machine.run, self.machine.now)[:1]:
            self.machine.fire_at(timer.number, timer.index)

    def stale(self) -> None:
        """What belongs to something that is over, or never was, changes nothing."""
        number = self.machine.run.opened + self.draw(st.integers(1, 3))
        decision = Decision((Movement("A"),))
        for kind, result in ((ExecuteReturned, ExecuteResult(decision=decision)),):
            self.machine.send(kind, number=number, result=result)
        self.machine.fire_at(number, 0)

    def rare(self) -> None:
        choice = self.draw(st.integers(0, 9))
        if choice == 0:
            self.machine.send(StopRequested, stop_type=self.draw(st.sampled_from(list(WorkflowStopType))))
        elif choice == 1:
            policy = self.draw(st.sampled_from(list(IDReusePolicy)))
            request = StartRequest(workflow_id="w", workflow_type="W", start=Movement("A"), id_reuse_policy=policy)
            self.machine.send(Started, request=request, run_id=f"run-{self.machine.run.seq + 100}")
        elif choice == 2:
            self.machine.configure(continue_as_new_threshold=self.draw(st.sampled_from([None, 1, 2])))


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(st.data())
def test_whatever_happens_the_laws_hold(data: st.DataObject):
    """
    After every turn the invariants hold; at the end rows and history give the record back.
    """
    driver = Driver(data)
    for _ in range(data.draw(st.integers(10, 60))):
        driver.act()
    machine = driver.machine
    event(machine.run.status.value)

    assert rewind(machine.events) == machine.run
    assert restore(stored(machine.run)) == machine.run
    assert audit(machine.events, stored(machine.run)) == []
