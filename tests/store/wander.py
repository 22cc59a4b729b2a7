"""Random lives: a seeded walk through whatever may happen to a few workflows."""

from __future__ import annotations

from datetime import timedelta
from random import Random

from iwf_py.core import views
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
    StopRequested,
    TimerFired,
    TimerSkipped,
    WaitUntilReturned,
)
from iwf_py.core.record import LiveState, Record
from iwf_py.model.commands import (
    CommandRequest,
    InternalChannelCommand,
    SignalChannelCommand,
    TimerCommand,
)
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
from iwf_py.model.options import (
    CallOptions,
    PersistenceLoadingPolicy,
    RpcOptions,
    StateOptions,
    WorkflowAlreadyStartedOptions,
    WorkflowConfig,
    WorkflowRetryPolicy,
)
from iwf_py.model.payload import Payload, SearchAttribute
from iwf_py.model.requests import RpcRequest
from iwf_py.model.status import (
    CommandWaitingType,
    IDReusePolicy,
    PersistenceLoadingType,
    Phase,
    SearchAttributeValueType,
    WorkflowConditionalCloseType,
    WorkflowResetType,
    WorkflowStopType,
)
from tests.store.host import Host, Run

STATES = ("A", "B", "C")
KEYS = ("red", "green", "ключ", "𝔎")
CHANNELS = ("news", "orders")
WORKFLOWS = ("w1", "w2", "w3")
POISON = (
    "",
    "plain",
    "with \0 inside",
    "'; DROP TABLE iwf_history; --",
    '"quoted" \\ back',
    "line\r\nline\u2028",
    "😀👩‍👩‍👧‍👦",
    "\u202eשלום",
    "é e\u0301",
    "%s ? :name {x}",
    "x" * 5000,
)


class Wanderer:
    """Takes random steps in a host, with commits in between."""

    def __init__(self, host: Host, seed: int) -> None:
        self.host = host
        self.random = Random(seed)

    def step(self) -> None:
        host, random = self.host, self.random
        workflow_id = random.choice(WORKFLOWS)
        roll = random.random()
        if roll < 0.15:
            host.later(random.choice((0, 0.000001, 1, 7, 100)))
        elif roll < 0.25:
            self._start(workflow_id)
        elif any(key.workflow_id == workflow_id for key in host.runs):
            run = host.latest(workflow_id)
            event = self._event(run)
            if event is not None and run.record.is_open:
                host.send(event, workflow_id)

    def fail_something(self) -> None:
        """Let an attempt of a stored task fail."""
        for workflow_id in WORKFLOWS:
            try:
                run = self.host.latest(workflow_id)
            except KeyError:
                continue
            if run.tasks and self.random.random() < 0.5:
                number = self.random.choice(sorted(run.tasks))
                self.host.fail(number, self.host.now + timedelta(seconds=5), workflow_id, self._text())

    def reset_something(self) -> None:
        """Have a written run begin again from some entry of its past."""
        known = [runs for runs in self.host.runs.values() if runs]
        if known and self.random.random() < 0.3:
            base = self.random.choice(self.random.choice(known))
            self.host.reset(
                base,
                reset_type=WorkflowResetType.HISTORY_EVENT_ID,
                history_event_id=self.random.randint(1, base.record.seq),
                reason=self._text(),
                skip_signal_reapply=self.random.random() < 0.3,
                skip_update_reapply=self.random.random() < 0.3,
            )

    def _start(self, workflow_id: str) -> None:
        random = self.random
        self.host.start(
            workflow_id,
            self._movement() if random.random() < 0.9 else None,
            timeout=random.choice((None, None, timedelta(seconds=500))),
            start_delay=random.choice((timedelta(0), timedelta(0), timedelta(seconds=5))),
            id_reuse_policy=random.choice(list(IDReusePolicy)),
            retry=random.choice((None, WorkflowRetryPolicy(1, maximum_attempts=3))),
            already_started=random.choice((None, WorkflowAlreadyStartedOptions(True, self._text()))),
            attributes=tuple((key, self._payload_for_sure()) for key in random.sample(KEYS, random.randrange(3))),
            search_attributes=self._search_attributes(deleting=False),
        )

    def _event(self, run: Run) -> Event | None:
        random, record, at = self.random, run.record, self.host.now
        states = [record.states[number] for number in sorted(record.states)]
        called = [state for state in states if state.is_invoked]
        roll = random.random()
        if called and roll < 0.5:
            return self._outcome(random.choice(called))
        if roll < 0.6:
            due = views.due_timers(record, at)
            if due:
                timer = random.choice(due)
                return TimerFired(at=at, number=timer.number, index=timer.index)
        if states and roll < 0.65:
            return self._skip(random.choice(states).execution_id)
        if roll < 0.72:
            return Signalled(at=at, channel_name=random.choice(CHANNELS), value=self._payload())
        if roll < 0.79:
            return Published(at=at, messages=self._messages())
        if roll < 0.85:
            return AttributesSet(at=at, attributes=self._attributes(), search_attributes=self._search_attributes())
        if roll < 0.95:
            return self._rpc(record)
        if roll < 0.96:
            return ConfigUpdated(at=at, config=WorkflowConfig(continue_as_new_threshold=random.choice((1, 2))))
        if roll < 0.97:
            return self._skip(f"{random.choice(STATES)}-{random.randrange(1, 9)}", is_reapplied=True)
        if roll < 0.985:
            return StopRequested(at=at, stop_type=random.choice(list(WorkflowStopType)), reason=self._text())
        return None

    def _skip(self, execution_id: str, *, is_reapplied: bool = False) -> Event:
        random = self.random
        by_id = random.random() < 0.5
        return TimerSkipped(
            at=self.host.now,
            state_execution_id=execution_id,
            command_id=random.choice(POISON[1:4]) if by_id else None,
            index=None if by_id else random.randrange(3),
            is_reapplied=is_reapplied,
        )

    def _outcome(self, state: LiveState) -> Event:
        random, at = self.random, self.host.now
        if random.random() < 0.1:
            failure = Failure(error_type=self._text(), message=self._text(), detail=self._text(), attempts=3)
            return AttemptsExhausted(at=at, number=state.number, phase=state.phase, failure=failure)
        if state.phase is Phase.WAIT_UNTIL:
            locals_ = ((self._text(), self._payload()), ("other", None)) if random.random() < 0.3 else ()
            result = WaitUntilResult(commands=self._commands(), locals=locals_, writes=self._writes())
            return WaitUntilReturned(at=at, number=state.number, result=result)
        return ExecuteReturned(
            at=at, number=state.number, result=ExecuteResult(decision=self._decision(), writes=self._writes())
        )

    def _rpc(self, record: Record) -> Event:
        random, at = self.random, self.host.now
        if record.rpcs and random.random() < 0.7:
            number = random.choice(sorted(record.rpcs))
            if random.random() < 0.3:
                return RpcFailed(at=at, number=number, failure=Failure(error_type="E", message=self._text()))
            return RpcReturned(at=at, number=number, result=self._rpc_result())
        if random.random() < 0.5:
            return RpcReturned(at=at, result=self._rpc_result())
        options = RpcOptions(attributes=self._policy(is_locking=True), search_attributes=self._policy())
        return RpcAsked(
            at=at, request=RpcRequest(workflow_id="w", rpc_name="r", input=self._payload(), options=options)
        )

    def _rpc_result(self) -> RpcResult:
        movements = (self._movement(),) if self.random.random() < 0.3 else ()
        return RpcResult(output=self._payload(), next_states=movements, writes=self._writes())

    def _decision(self) -> Decision:
        random = self.random
        roll = random.random()
        if roll < 0.05:
            return Decision((Movement(FORCE_COMPLETING, self._payload()),))
        if roll < 0.08:
            return Decision((Movement(FORCE_FAILING, self._payload()),))
        if roll < 0.18:
            return Decision((Movement(GRACEFUL_COMPLETING, self._payload()),))
        if roll < 0.25:
            return Decision((Movement(DEAD_END),))
        movements = tuple(self._movement() for _ in range(random.choice((1, 1, 2))))
        if roll < 0.35:
            close = ConditionalClose(
                close_type=random.choice(list(WorkflowConditionalCloseType)),
                channel_name=random.choice(CHANNELS),
                output=self._payload(),
            )
            return Decision(movements, conditional_close=close)
        return Decision(movements)

    def _movement(self) -> Movement:
        random = self.random
        options = None
        if random.random() < 0.8:
            options = StateOptions(
                skip_wait_until=random.random() < 0.4,
                wait_until=CallOptions(attributes=self._policy()),
                execute=CallOptions(attributes=self._policy(), search_attributes=self._policy()),
                proceed_on_wait_until_failure=random.random() < 0.5,
                failure_state_id=random.choice((None, "B")),
            )
        key = self._text() if random.random() < 0.2 else None
        return Movement(random.choice(STATES), self._payload(), options, key)

    def _policy(self, *, is_locking: bool = False) -> PersistenceLoadingPolicy:
        random = self.random
        if not is_locking and random.random() < 0.6:
            return PersistenceLoadingPolicy()
        kind = random.choice(
            (
                PersistenceLoadingType.LOAD_ALL_WITH_PARTIAL_LOCK,
                PersistenceLoadingType.LOAD_PARTIAL_WITH_EXCLUSIVE_LOCK,
            )
        )
        keys = random.sample(KEYS, random.choice((1, 1, 2, 3)))
        return PersistenceLoadingPolicy(kind, ("r",), keys, random.choice((None, True)))

    def _commands(self) -> CommandRequest:
        random = self.random
        timers = tuple(
            TimerCommand.by_seconds(random.choice((0, 5, 60)), random.choice(POISON[1:4]))
            for _ in range(random.randrange(3))
        )
        signals = tuple(
            SignalChannelCommand(random.choice(CHANNELS), random.choice(POISON[1:4]))
            for _ in range(random.randrange(2))
        )
        internals = tuple(
            InternalChannelCommand(random.choice(CHANNELS), "i", at_least=random.choice((1, 2)), at_most=3)
            for _ in range(random.randrange(3))
        )
        until_empty = tuple(
            random.choice((SignalChannelCommand, InternalChannelCommand)).until_empty(random.choice(CHANNELS), "e")
            for _ in range(random.choice((0, 0, 1, 2)))
        )
        ids = [command.command_id or "" for command in (*timers, *signals, *internals, *until_empty)]
        combinations = tuple(
            tuple(random.sample(ids, random.randrange(1, len(ids) + 1))) for _ in range(random.randrange(3)) if ids
        )
        kinds = list(CommandWaitingType) if combinations else [CommandWaitingType.ALL_COMPLETED]
        return CommandRequest(random.choice(kinds), timers, signals, internals, combinations, until_empty)

    def _writes(self) -> Writes:
        if self.random.random() < 0.4:
            return Writes()
        return Writes(
            attributes=self._attributes(), search_attributes=self._search_attributes(), messages=self._messages()
        )

    def _attributes(self) -> tuple[tuple[str, Payload | None], ...]:
        return tuple((self.random.choice(KEYS), self._payload()) for _ in range(self.random.randrange(3)))

    def _messages(self) -> tuple[Publication, ...]:
        return tuple(
            Publication(channel_name=self.random.choice(CHANNELS), value=self._payload())
            for _ in range(1 + self.random.randrange(2))
        )

    def _search_attributes(self, *, deleting: bool = True) -> tuple[SearchAttribute, ...]:
        kind = SearchAttributeValueType
        choices = [
            SearchAttribute("word", string_value=self._text(), value_type=kind.KEYWORD),
            SearchAttribute("text", string_value=self._text(), value_type=kind.TEXT),
            SearchAttribute("count", integer_value=self.random.choice((0, 2**63 - 1, -(2**63))), value_type=kind.INT),
            SearchAttribute(
                "real", double_value=self.random.choice((0.1, -1e300, 5e-324, 2.0)), value_type=kind.DOUBLE
            ),
            SearchAttribute("flag", bool_value=self.random.random() < 0.5, value_type=kind.BOOL),
            SearchAttribute("list", string_array_value=("b", "a", "b", self._text()), value_type=kind.KEYWORD_ARRAY),
            SearchAttribute("list", string_array_value=(), value_type=kind.KEYWORD_ARRAY),
            SearchAttribute("real", value_type=kind.DOUBLE),
        ]
        if deleting:
            choices.append(SearchAttribute(self.random.choice(("word", "text", "list"))))
        return tuple(self.random.choice(choices) for _ in range(self.random.randrange(3)))

    def _payload(self) -> Payload | None:
        return None if self.random.random() < 0.2 else self._payload_for_sure()

    def _payload_for_sure(self) -> Payload:
        encoding = self.random.choice((None, "json/plain", "", "ü"))
        return Payload(encoding, self.random.choice((None, self._text())))

    def _text(self) -> str:
        return self.random.choice(POISON)
