"""User code, made up: what handlers answer, by the world's chance."""

from __future__ import annotations

from datetime import timedelta

from iwf_py.model.commands import (
    BaseCommand,
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
from iwf_py.model.invocations import (
    ExecuteResult,
    Failed,
    Failure,
    Invocation,
    InvocationKind,
    Outcome,
    Publication,
    RpcResult,
    Serves,
    WaitUntilResult,
    Writes,
)
from iwf_py.model.options import (
    LOAD_ALL,
    CallOptions,
    PersistenceLoadingPolicy,
    RetryPolicy,
    RpcOptions,
    StateOptions,
)
from iwf_py.model.payload import Payload
from iwf_py.model.status import PersistenceLoadingType, WorkflowConditionalCloseType
from tests.simulation.world import World

STATES = ("A", "B", "C", "Rescue")
SERVES = Serves({"Flow": frozenset(STATES)})
LOCKED = ("lock-1", "lock-2")
KEYS = ("key-1", "key-2")


_OUTER_EMPTY = SignalChannelCommand.until_empty("outer")
_INNER_EMPTY = InternalChannelCommand.until_empty("inner")


def sealed(text: str) -> Payload:
    """Seal a token."""
    return Payload("json/plain", f'"{text}"')


def locking(world: World) -> PersistenceLoadingPolicy:
    """Lock one key or both."""
    keys = world.random.sample(LOCKED, world.random.choice((1, 1, 2)))
    return PersistenceLoadingPolicy(PersistenceLoadingType.LOAD_ALL_WITH_PARTIAL_LOCK, (), tuple(keys))


class Program:
    """
    What handlers do. A peaceful program brings every run to where it can go no further.

    Args:
        fails: How often an attempt fails.
    """

    def __init__(self, world: World, fails: float) -> None:
        self._world = world
        self._fails = fails
        self.is_peaceful = False

    def run(self, call: Invocation) -> Outcome:
        """Answer one call."""
        if not self.is_peaceful and self._world.chance(self._fails):
            return self._failure(call)
        if call.kind is InvocationKind.RPC:
            return self._rpc(call)
        return self._wait_until() if call.kind is InvocationKind.WAIT_UNTIL else self._execute(call)

    def movement(self, state_id: str | None = None) -> Movement:
        """Make a movement to some state."""
        pick = self._world.random
        key = pick.choice(KEYS) if pick.random() < 0.3 else None
        return Movement(state_id or pick.choice(STATES[:3]), sealed(self._world.token()), self.options(), key)

    def options(self) -> StateOptions:
        """Make a state's options."""
        world, pick = self._world, self._world.random
        retry = pick.choice(
            (
                RetryPolicy(initial_interval_seconds=0.5, maximum_interval_seconds=4),
                RetryPolicy(initial_interval_seconds=1, maximum_attempts=2),
                RetryPolicy(initial_interval_seconds=0.1, backoff_coefficient=1, maximum_interval_seconds=1),
            )
        )
        locks = world.chance(0.3)
        return StateOptions(
            skip_wait_until=world.chance(0.5),
            wait_until=CallOptions(timeout=timedelta(seconds=2), retry=retry),
            execute=CallOptions(
                timeout=timedelta(seconds=2), retry=retry, attributes=locking(world) if locks else LOAD_ALL
            ),
            proceed_on_wait_until_failure=world.chance(0.5),
            failure_state_id="Rescue" if world.chance(0.5) else None,
            failure_state_options=StateOptions(skip_wait_until=True) if world.chance(0.5) else None,
        )

    def rpc_options(self, *, is_locking: bool) -> RpcOptions:
        """Make an RPC's options."""
        return RpcOptions(
            timeout=timedelta(seconds=self._world.random.choice((1, 3))),
            attributes=locking(self._world) if is_locking else LOAD_ALL,
        )

    def _failure(self, call: Invocation) -> Outcome:
        pick = self._world.random
        if pick.random() < 0.1:
            # An answer of another kind, or one that decides nothing.
            return RpcResult() if call.kind is not InvocationKind.RPC else ExecuteResult(decision=Decision())
        delay = timedelta(seconds=pick.random() * 2) if pick.random() < 0.2 else None
        return Failed(
            Failure(error_type="ValueError", message="no", is_retryable=pick.random() < 0.95, retry_after=delay)
        )

    def _writes(self) -> Writes:
        world = self._world
        messages = [
            Publication(channel_name="inner", value=sealed(world.token()))
            for _ in range(world.random.choice((0, 0, 1, 2)))
        ]
        return Writes(attributes=(("state", sealed(world.token())),), messages=tuple(messages))

    def _wait_until(self) -> Outcome:
        world, pick = self._world, self._world.random
        commands: list[BaseCommand] = []
        for number in range(pick.choice((0, 1, 1, 2))):
            commands.append(TimerCommand.by_seconds(pick.choice((0.0, 0.5, 3.0, 20.0)), f"timer-{number}"))
        if not self.is_peaceful and world.chance(0.6):
            commands.append(SignalChannelCommand.by_name("outer", at_least=pick.choice((1, 1, 2)), at_most=3))
        if not self.is_peaceful and world.chance(0.3):
            commands.append(InternalChannelCommand.by_name("inner"))
        if not self.is_peaceful and world.chance(0.4):
            commands.append(pick.choice((_OUTER_EMPTY, _OUTER_EMPTY, _INNER_EMPTY)))
        make = (
            CommandRequest.for_all_command_completed if world.chance(0.3) else CommandRequest.for_any_command_completed
        )
        return WaitUntilResult(commands=make(*commands), writes=self._writes())

    def _execute(self, call: Invocation) -> Outcome:
        return ExecuteResult(decision=self._decision(call), writes=self._writes())

    def _decision(self, call: Invocation) -> Decision:
        pick = self._world.random
        output = sealed(self._world.token())
        ordinal = int((call.state_execution_id or "-1").rsplit("-", 1)[1])
        if self.is_peaceful or ordinal > 6:
            return Decision((Movement(pick.choice((GRACEFUL_COMPLETING, DEAD_END)), output),))
        kind = pick.random()
        if kind < 0.5:
            return Decision(tuple(self.movement() for _ in range(pick.choice((1, 1, 2)))))
        if kind < 0.65:
            family, name = pick.choice(
                (
                    (WorkflowConditionalCloseType.FORCE_COMPLETE_ON_SIGNAL_CHANNEL_EMPTY, "outer"),
                    (WorkflowConditionalCloseType.FORCE_COMPLETE_ON_INTERNAL_CHANNEL_EMPTY, "inner"),
                    (WorkflowConditionalCloseType.GRACEFUL_COMPLETE_ON_ALL_CHANNELS_EMPTY, ""),
                )
            )
            condition = ConditionalClose(close_type=family, channel_name=name, output=output)
            return Decision((self.movement(),), conditional_close=condition)
        if kind < 0.9:
            return Decision((Movement(pick.choice((GRACEFUL_COMPLETING, DEAD_END)), output),))
        return Decision((Movement(pick.choice((FORCE_COMPLETING, FORCE_FAILING)), output),))

    def _rpc(self, call: Invocation) -> Outcome:
        """Write what was asked: the client's own token, so that the ledger can look for it."""
        if call.method_name == "read":
            return RpcResult(output=call.input)
        pick = self._world.random
        assert call.input is not None
        messages = (
            (Publication(channel_name="inner", value=sealed(self._world.token())),) if pick.random() < 0.3 else ()
        )
        states = (self.movement(),) if not self.is_peaceful and pick.random() < 0.1 else ()
        return RpcResult(
            output=call.input,
            next_states=states,
            writes=Writes(attributes=(("rpc", call.input),), messages=messages),
        )
