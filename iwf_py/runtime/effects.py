"""What is done after a commit, effect by effect: calls go out, alarms are heard of, callers are answered."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol, assert_never

from iwf_py.core.attempts import TaskState
from iwf_py.core.effects import Closed, Invoke, InvokeRpc, Refuse, Reply, SetTimer
from iwf_py.core.record import Record
from iwf_py.core.views import invocation, rpc_invocation
from iwf_py.errors import ExecutionParkedError, IwfError
from iwf_py.model.ids import WorkflowKey
from iwf_py.model.invocations import Fence, Task
from iwf_py.model.payload import Payload
from iwf_py.model.status import Phase
from iwf_py.runtime.dispatch import Dispatch
from iwf_py.runtime.sheets import Move
from iwf_py.runtime.waiters import Waiters


class Callers(Protocol):
    """Those who asked for RPCs."""

    def reply(self, run_id: str, number: int, output: Payload | None) -> None:
        """Answer the caller of a locking RPC."""

    def refuse(self, run_id: str, number: int, error: IwfError) -> None:
        """Refuse the caller of a locking RPC."""

    def freed(self, key: WorkflowKey) -> None:
        """An RPC of this workflow id is over: those who wait for its locks may ask again."""

    def parked(self, error: ExecutionParkedError) -> None:
        """A run is held apart from now on."""


class Schedule(Protocol):
    """Whoever looks what is due."""

    def hear(self, due: datetime) -> None:
        """Something is due then."""


class Effects:
    """
    Carries effects out; what they lead to is other rooms' business.

    Attributes:
        epoch: Of this engine; fences carry it.
    """

    def __init__(self, dispatch: Dispatch, waiters: Waiters) -> None:
        self._dispatch = dispatch
        self._waiters = waiters
        self._callers: Callers | None = None
        self._schedule: Schedule | None = None
        self.epoch = 0

    def connect(self, callers: Callers, schedule: Schedule) -> None:
        """Name those whose own turns go through here."""
        self._callers = callers
        self._schedule = schedule

    def carry_out(self, key: WorkflowKey, move: Move) -> None:
        """Carry out what one turn asks for, in order; then have those who wait look at what has become of the run."""
        record = move.turn.record
        assert record is not None
        assert self._callers is not None
        for effect in move.turn.effects:
            match effect:
                case Invoke():
                    # A later turn of the same batch may have ended it again.
                    task = move.run.tasks.get(effect.number)
                    if task is not None and task.phase is effect.phase:
                        call = invocation(record, effect.number, attempt=1, first_attempt_at=task.first_at)
                        self._dispatch.put(key, Task(fence_of(record, task), call))
                case InvokeRpc():
                    if effect.number in move.run.record.rpcs:
                        self._invoke_rpc(key, record, effect.number)
                case SetTimer():
                    self.hear(effect.due)
                case Reply():
                    self._callers.reply(record.run_id, effect.number, effect.output)
                    self._callers.freed(key)
                case Refuse():
                    self._dispatch.end(Fence(record.run_id, effect.number, Phase.RPC, self.epoch, 1))
                    self._callers.refuse(record.run_id, effect.number, effect.error)
                    self._callers.freed(key)
                case Closed():
                    # Calls that no worker has begun are not begun any more.
                    for task in move.run.ended:
                        self._dispatch.end(fence_of(record, task))
                    self._callers.freed(key)
                case _:
                    assert_never(effect)
        self._waiters.turned(record)

    def hear(self, due: datetime) -> None:
        """Pass on that something is due then."""
        assert self._schedule is not None
        self._schedule.hear(due)

    def flush(self) -> None:
        """Hand the calls out that have become ready."""
        self._dispatch.flush()

    def parked(self, error: ExecutionParkedError) -> None:
        """Tell those who wait for a run that it is held apart."""
        assert self._callers is not None
        self._waiters.parked(error)
        self._callers.parked(error)

    def _invoke_rpc(self, key: WorkflowKey, record: Record, number: int) -> None:
        rpc = record.rpcs[number]
        call = rpc_invocation(record, rpc.request, rpc.at)
        self._dispatch.put(key, Task(Fence(record.run_id, number, Phase.RPC, self.epoch, 1), call))


def fence_of(record: Record, task: TaskState) -> Fence:
    """Make the fence of a state's call."""
    return Fence(record.run_id, task.number, task.phase, task.epoch, task.attempt)
