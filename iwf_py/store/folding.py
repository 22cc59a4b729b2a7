"""What a batch does to a run, folded: where each row ends, not how it came there.

Pure: it knows no statement and no connection.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from attrs import define, evolve

from iwf_py.codec.snapshots import dump
from iwf_py.core.attempts import TaskState
from iwf_py.core.changes import (
    AttributeWritten,
    Change,
    ChannelsEmptied,
    ConfigChanged,
    DelayEnded,
    EventsRecorded,
    ExecutionClosed,
    ExecutionOpened,
    ExecutionReset,
    GracefulCloseRequested,
    MessageAppended,
    MessageTaken,
    RpcClosed,
    RpcOpened,
    SearchAttributeWritten,
    SkipKept,
    SkipsReleased,
    StateInvoked,
    StateLeft,
    StateOpened,
    StateQueued,
    StateWaiting,
    Succeeded,
    TimerCompleted,
)
from iwf_py.model.status import Phase
from iwf_py.store.driver import Tuple
from iwf_py.store.instants import to_micros
from iwf_py.store.rows import NO_TASK, task_columns
from iwf_py.store.unit import RunWrite

_WAITING = Phase.WAITING.value


@define
class StateDraft:
    """
    What a batch does to one state execution. None: nothing.

    Attributes:
        moved: Its columns `MOVE_COLUMNS`.

        guard: Its task as stored before.

        task: Its columns `TASK_COLUMNS`.

        emptied: Its column of that name.
    """

    opened: StateOpened | None = None
    moved: Tuple | None = None
    waiting: StateWaiting | None = None
    left: bool = False
    guard: TaskState | None = None
    task: Tuple | None = None
    emptied: str | None = None


class RunFold:
    """All that a batch does to one run, by row."""

    def __init__(self, write: RunWrite, epoch: int) -> None:
        self.write = write
        self.run = write.row
        self.epoch = epoch
        self.opened: ExecutionOpened | None = None
        # Columns of the execution's own row that get a new value.
        self.execution: dict[str, Any] = {}
        self.closed: ExecutionClosed | None = None
        self.delay_ended = False
        self.attributes: dict[str, AttributeWritten] = {}
        self.searches: dict[str, SearchAttributeWritten] = {}
        self.appended: dict[int, MessageAppended] = {}
        self.taken: dict[int, MessageTaken] = {}
        self.states: dict[int, StateDraft] = {}
        # Whether each has waited; in order, and a reset has as many of them as a whole past.
        self.left: dict[int, bool] = {}
        self.timers_done: dict[tuple[int, int], str] = {}
        self.ordinals: dict[str, int] = {}
        self.completions: list[StateLeft] = []
        self.rpcs: dict[int, RpcOpened] = {}
        self.rpcs_closed: list[int] = []
        self.skips: dict[str, list[SkipKept]] = {}
        self.skips_released: list[str | None] = []
        # Whether IwfExecutingStateIds may list other states that were open before.
        self.lists_anew = False
        for change in write.changes:
            _FOLDS[type(change)](self, change)
        for task in write.tasks:
            number = (task.after or task.before).number  # type: ignore[union-attr]  # a task write has one of the two
            draft = self._state(number)
            if task.before is not None:
                draft.guard = task.before
            if task.after is not None:
                draft.task = task_columns(task.after)
            elif draft.task is None:
                draft.task = NO_TASK

    def _state(self, number: int) -> StateDraft:
        draft = self.states.get(number)
        if draft is None:
            draft = self.states[number] = StateDraft()
        return draft

    # Each method below folds one kind of change.

    def _execution_opened(self, change: ExecutionOpened) -> None:
        self.opened = change

    def _delay_ended(self, change: DelayEnded) -> None:
        self.delay_ended = True
        self.execution["starts_at"] = None

    def _attribute_written(self, change: AttributeWritten) -> None:
        self.attributes[change.key] = change

    def _search_attribute_written(self, change: SearchAttributeWritten) -> None:
        self.searches[change.attribute.key] = change

    def _message_appended(self, change: MessageAppended) -> None:
        self.appended[change.number] = change

    def _message_taken(self, change: MessageTaken) -> None:
        self.taken[change.number] = change

    def _state_opened(self, change: StateOpened) -> None:
        draft = self._state(change.number)
        draft.opened = change
        draft.moved = (change.phase._value_, None, None)
        self.ordinals[change.state_id] = change.ordinal

    def _state_queued(self, change: StateQueued) -> None:
        self._state(change.number).moved = (change.phase._value_, change.ticket, None)

    def _state_invoked(self, change: StateInvoked) -> None:
        draft = self._state(change.number)
        at = to_micros(change.at)
        draft.moved = (change.phase._value_, change.ticket, at)
        draft.task = (self.epoch, 0, 0, at, None, None)

    def _state_waiting(self, change: StateWaiting) -> None:
        draft = self._state(change.number)
        draft.moved = (_WAITING, None, None)
        draft.waiting = change
        draft.task = NO_TASK

    def _timer_completed(self, change: TimerCompleted) -> None:
        self.timers_done[change.number, change.index] = "skipped" if change.skipped else "fired"

    def _skip_kept(self, change: SkipKept) -> None:
        self.skips.setdefault(change.state_execution_id, []).append(change)

    def _skips_released(self, change: SkipsReleased) -> None:
        self.skips_released.append(change.state_execution_id)
        if change.state_execution_id is None:
            self.skips.clear()
        else:
            self.skips.pop(change.state_execution_id, None)

    def _channels_emptied(self, change: ChannelsEmptied) -> None:
        self._state(change.number).emptied = dump(change.complete)

    def _state_left(self, change: StateLeft) -> None:
        self._state(change.number).left = True
        self.left[change.number] = change.has_waited
        # That an execution has completed follows from its not being open any more; what is more than that is a row.
        if not change.succeeded or change.output is not None or change.wait_for_key is not None:
            self.completions.append(change)

    def _graceful_close_requested(self, change: GracefulCloseRequested) -> None:
        self.execution["is_closing"] = True

    def _rpc_opened(self, change: RpcOpened) -> None:
        self.rpcs[change.number] = change

    def _rpc_closed(self, change: RpcClosed) -> None:
        if self.rpcs.pop(change.number, None) is None:
            self.rpcs_closed.append(change.number)

    def _events_recorded(self, change: EventsRecorded) -> None:
        """Its event is in the history; there is no row."""

    def _config_changed(self, change: ConfigChanged) -> None:
        self.execution["config"] = dump(change.config)
        self.lists_anew = True

    def _execution_closed(self, change: ExecutionClosed) -> None:
        self.closed = change
        self.execution["status"] = change.status.value
        self.execution["closed_at"] = to_micros(change.at)
        self.execution["error_type"] = None if change.error_type is None else change.error_type.value
        self.execution["error_message"] = change.error_message
        if change.executing or change.waiting_timers or change.channel_sizes:
            # What has columns of its own is not kept twice.
            self.execution["closing"] = dump(evolve(change, error_type=None, error_message=None))

    def _execution_reset(self, change: ExecutionReset) -> None:
        # It follows the changes of a whole past, so nothing of it is a row yet.
        assert self.opened is not None
        started = evolve(self.opened.started, run_id=change.run_id)
        self.opened = evolve(self.opened, started=started, chain=change.chain)

    def _succeeded(self, change: Succeeded) -> None:
        self.execution["successor"] = dump(change)


_FOLDS: dict[type[Change], Callable[[RunFold, Any], None]] = {
    ExecutionOpened: RunFold._execution_opened,
    DelayEnded: RunFold._delay_ended,
    AttributeWritten: RunFold._attribute_written,
    SearchAttributeWritten: RunFold._search_attribute_written,
    MessageAppended: RunFold._message_appended,
    MessageTaken: RunFold._message_taken,
    StateOpened: RunFold._state_opened,
    StateQueued: RunFold._state_queued,
    StateInvoked: RunFold._state_invoked,
    StateWaiting: RunFold._state_waiting,
    TimerCompleted: RunFold._timer_completed,
    SkipKept: RunFold._skip_kept,
    SkipsReleased: RunFold._skips_released,
    ChannelsEmptied: RunFold._channels_emptied,
    StateLeft: RunFold._state_left,
    GracefulCloseRequested: RunFold._graceful_close_requested,
    RpcOpened: RunFold._rpc_opened,
    RpcClosed: RunFold._rpc_closed,
    EventsRecorded: RunFold._events_recorded,
    ConfigChanged: RunFold._config_changed,
    ExecutionClosed: RunFold._execution_closed,
    ExecutionReset: RunFold._execution_reset,
    Succeeded: RunFold._succeeded,
}
