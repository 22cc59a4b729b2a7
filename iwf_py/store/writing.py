"""A batch as statements and their rows: one statement per kind of row takes all rows of that kind.

Rows that are opened and left within the batch are never written. A closed run's states and messages
are left behind for the sweep; its timers, open RPCs and counts go, and its calls are owned by nobody, so
that nothing of it is ever due. Pure: it knows no connection.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import IntEnum

from attrs import define, field

from iwf_py.codec.snapshots import FORMAT, dump, dump_or_none, event_to_text, kind_of
from iwf_py.core.changes import STRIDE, ExecutionOpened, StateLeft, StateOpened
from iwf_py.core.events import DEADLINE, RUN_TIMERS, START_DELAY
from iwf_py.errors import StoreError
from iwf_py.model.history import HistoryEntry
from iwf_py.model.ids import WorkflowKey
from iwf_py.model.payload import Payload
from iwf_py.model.status import Phase, WorkflowStatus
from iwf_py.store.driver import Tuple
from iwf_py.store.folding import RunFold, StateDraft
from iwf_py.store.instants import to_micros, to_micros_or_none
from iwf_py.store.search import search_row, words_of
from iwf_py.store.statements import MOVE_COLUMNS, NO_TASK, TASK_COLUMNS, WAIT_COLUMNS, WriteStatements
from iwf_py.store.tables import Tables
from iwf_py.store.unit import Batch

_NO_VALUE = (False, None, None)
_STATE = ("run", "number")
_TIMER = ("run", "number", "position")
_OWNED_STATE = ("run", "number", "owner", "failures")
_EXECUTION_COLUMNS = tuple(column.name for column in Tables.executions.columns)


class Stage(IntEnum):
    """When a statement runs: a parent's row before its children's, what clears a run after what writes it."""

    EXECUTION_CHANGED = 0
    SUPERSEDED = 1
    EXECUTION_OPENED = 2
    HISTORY = 3
    ROW_GONE = 4
    ROW_WRITTEN = 5
    ROW_CHANGED = 6
    TAKEN_GONE = 7
    RUN_CLEARED = 8
    RUN_MARKED = 9


@define
class Plan:
    """
    What is to be written, statement by statement.

    Attributes:
        rows: By stage and statement.

        exact: Statements that touch one row for each tuple; where they do not, the batch must not stand.

        entries: The history entries among the rows.
    """

    rows: dict[tuple[int, str], list[Tuple]] = field(factory=dict)
    exact: set[str] = field(factory=set)
    entries: list[HistoryEntry] = field(factory=list)

    def add(self, stage: Stage, sql: str, row: Tuple) -> None:
        """Add a row to a statement."""
        key = (stage.value, sql)
        rows = self.rows.get(key)
        if rows is None:
            self.rows[key] = [row]
        else:
            rows.append(row)

    def add_exact(self, stage: Stage, sql: str, row: Tuple) -> None:
        """Add a row to a statement that must find what it changes."""
        self.exact.add(sql)
        self.add(stage, sql, row)

    def statements(self) -> Iterator[tuple[str, list[Tuple], bool]]:
        """Yield each statement in order, with its rows, and whether it must touch exactly as many."""
        for stage_and_sql in sorted(self.rows):
            sql = stage_and_sql[1]
            yield sql, self.rows[stage_and_sql], sql in self.exact


def plan(batch: Batch, sql: WriteStatements, epoch: int) -> Plan:
    """
    Fold a batch into rows.

    Errors:
        StoreError: The batch contradicts itself.
    """
    folds = [RunFold(write, epoch) for write in batch.writes]
    latest = {_key(fold.opened): fold.run for fold in folds if fold.opened is not None}
    writer = _Writer(sql, epoch, latest)
    for fold in folds:
        writer.add(fold)
    return writer.plan


def _key(opened: ExecutionOpened) -> WorkflowKey:
    return WorkflowKey(opened.started.request.namespace, opened.started.request.workflow_id)


def _value_columns(payload: Payload | None) -> tuple[bool, str | None, str | None]:
    return _NO_VALUE if payload is None else (True, payload.encoding, payload.data)


class _Writer:
    """
    Turns folds into rows.

    Args:
        latest: The run of each workflow id that is its latest once the batch stands, of ids that the batch opens a run of.
    """

    def __init__(self, sql: WriteStatements, epoch: int, latest: dict[WorkflowKey, int]) -> None:
        self.plan = Plan()
        self._sql = sql
        self._epoch = epoch
        self._latest = latest

    def add(self, fold: RunFold) -> None:
        """Add the rows of one run."""
        if fold.opened is not None:
            self._open(fold, fold.opened)
        elif fold.write.is_new:
            raise StoreError(f"run {fold.run} is written as a new one, but nothing opens it")
        elif fold.execution:
            self._change_execution(fold)
        self._append_history(fold)
        self._write_attributes(fold)
        self._write_states(fold)
        self._write_timers(fold)
        self._write_messages(fold)
        self._write_rpcs(fold)
        if fold.closed is not None and fold.opened is None:
            self._clear_closed(fold.run)

    def _open(self, fold: RunFold, opened: ExecutionOpened) -> None:
        request, chain, key = opened.started.request, opened.chain, _key(opened)
        first = fold.write.entries[0].event if fold.write.entries else None
        values = {
            "run": fold.run,
            "namespace": request.namespace,
            "workflow_id": request.workflow_id,
            "superseded": 0 if self._latest[key] == fold.run else fold.run,
            "run_id": opened.started.run_id,
            "workflow_type": request.workflow_type,
            "status": WorkflowStatus.RUNNING.value,
            "opened_at": to_micros(opened.started.at),
            "started": None if first is opened.started or first == opened.started else dump(opened.started),
            "first_run_id": chain.first_run_id,
            "run_attempt": chain.run_attempt,
            "deadline": to_micros_or_none(chain.deadline),
            "previous_run_id": chain.previous_run_id,
            "reason": chain.reason,
            "starts_at": to_micros_or_none(opened.starts_at),
            "request_id": None if request.already_started is None else request.already_started.request_id,
            "rules": opened.started.rules,
            "is_closing": False,
            "has_leftovers": False,
            **fold.execution,
        }
        self.plan.add(Stage.SUPERSEDED, self._sql.supersede, (key.namespace, key.workflow_id))
        self.plan.add(
            Stage.EXECUTION_OPENED, self._sql.open_execution, [values.get(name) for name in _EXECUTION_COLUMNS]
        )

    def _change_execution(self, fold: RunFold) -> None:
        columns = tuple(name for name in _EXECUTION_COLUMNS if name in fold.execution)
        statement = self._sql.update(Tables.executions, columns, ("run",))
        self.plan.add_exact(Stage.EXECUTION_CHANGED, statement, (*(fold.execution[name] for name in columns), fold.run))

    def _append_history(self, fold: RunFold) -> None:
        started = fold.write.record.started
        for entry in fold.write.entries:
            kind, text = kind_of(entry.event), event_to_text(entry.event)
            row = (fold.run, entry.seq, to_micros(entry.event.at), kind, text, FORMAT, entry.request_id)
            self.plan.add(Stage.HISTORY, self._sql.append_history, row)
            self.plan.entries.append(
                HistoryEntry(
                    workflow_id=started.request.workflow_id,
                    run_id=started.run_id,
                    seq=entry.seq,
                    at=entry.event.at,
                    kind=kind,
                    event=text,
                    format=FORMAT,
                )
            )

    def _write_attributes(self, fold: RunFold) -> None:
        plan, sql, run = self.plan, self._sql, fold.run
        for change in fold.attributes.values():
            if change.value is not None:
                row = (run, change.key, change.value.encoding, change.value.data, change.revision)
                plan.add(Stage.ROW_WRITTEN, sql.write_attribute, row)
            elif not fold.write.is_new:
                plan.add(Stage.ROW_GONE, sql.delete(Tables.attributes, ("run", "key")), (run, change.key))
        for written in fold.searches.values():
            attribute = written.attribute
            if not fold.write.is_new:
                plan.add(Stage.ROW_GONE, sql.delete(Tables.words, ("run", "key")), (run, attribute.key))
            if not attribute.is_empty:
                plan.add(Stage.ROW_WRITTEN, sql.write_search, search_row(run, written))
                for word in words_of(attribute):
                    plan.add(Stage.ROW_WRITTEN, sql.write_word, (run, attribute.key, word))
            elif not fold.write.is_new:
                plan.add(Stage.ROW_GONE, sql.delete(Tables.search, ("run", "key")), (run, attribute.key))

    def _write_states(self, fold: RunFold) -> None:
        plan, sql, run = self.plan, self._sql, fold.run
        for number, draft in fold.states.items():
            if draft.opened is None:
                self._change_state(fold, number, draft)
            elif not draft.left and fold.closed is None:
                plan.add(Stage.ROW_WRITTEN, sql.open_state, _state_row(run, draft, draft.opened))
        if fold.closed is None:
            for state_id, ordinal in fold.ordinals.items():
                plan.add(Stage.ROW_WRITTEN, sql.write_ordinal, (run, state_id, ordinal))
        for position, left in enumerate(fold.completions):
            place = fold.write.record.seq * STRIDE + position
            plan.add(Stage.ROW_WRITTEN, sql.complete_state, _completion_row(run, place, left))

    def _change_state(self, fold: RunFold, number: int, draft: StateDraft) -> None:
        table = Tables.states
        where: tuple[str, ...] = _STATE
        key: tuple[object, ...] = (fold.run, number)
        if draft.guard is not None:
            where, key = _OWNED_STATE, (*key, draft.guard.epoch, draft.guard.failures)
        if draft.left:
            self.plan.add_exact(Stage.ROW_CHANGED, self._sql.delete(table, where), key)
            return
        columns: tuple[str, ...] = ()
        values: tuple[object, ...] = ()
        if draft.moved is not None:
            columns, values = MOVE_COLUMNS, tuple(draft.moved)
        if draft.waiting is not None:
            columns, values = columns + WAIT_COLUMNS, (*values, *_wait_columns(draft))
        if draft.task is not None:
            columns, values = columns + TASK_COLUMNS, (*values, *draft.task)
        self.plan.add_exact(Stage.ROW_CHANGED, self._sql.update(table, columns, where), values + key)

    def _write_timers(self, fold: RunFold) -> None:
        if fold.closed is not None:
            return
        self._write_run_timers(fold)
        done = dict(fold.timers_done)
        for number, draft in fold.states.items():
            if not draft.left:
                self._write_state_timers(fold.run, number, draft, done)
            elif draft.opened is None:
                self.plan.add(Stage.ROW_GONE, self._sql.delete(Tables.timers, _STATE), (fold.run, number))
        for (number, index), status in done.items():
            if number not in fold.states or not fold.states[number].left:
                statement = self._sql.update(Tables.timers, ("status", "wake_at"), _TIMER)
                self.plan.add_exact(Stage.ROW_CHANGED, statement, (status, None, fold.run, number, index))

    def _write_run_timers(self, fold: RunFold) -> None:
        opened = fold.opened
        if opened is not None:
            if opened.chain.deadline is not None:
                self._add_timer(fold.run, RUN_TIMERS, DEADLINE, to_micros(opened.chain.deadline))
            if opened.starts_at is not None and not fold.delay_ended:
                self._add_timer(fold.run, RUN_TIMERS, START_DELAY, to_micros(opened.starts_at))
        elif fold.delay_ended:
            self.plan.add(Stage.ROW_GONE, self._sql.delete(Tables.timers, _TIMER), (fold.run, RUN_TIMERS, START_DELAY))

    def _write_state_timers(self, run: int, number: int, draft: StateDraft, done: dict[tuple[int, int], str]) -> None:
        phase = None if draft.moved is None else draft.moved[0]
        if draft.waiting is not None:
            for index, due in enumerate(draft.waiting.due):
                status = done.pop((number, index), None)
                is_told = status is None and phase == Phase.WAITING.value
                self._add_timer(run, number, index, to_micros(due), status, is_told=is_told)
        elif draft.opened is None and phase == Phase.EXECUTE.value:
            # It went on to its call: what of its timers has not fired never will.
            self.plan.add(Stage.ROW_CHANGED, self._sql.idle_timers, (None, run, number))

    def _add_timer(
        self, run: int, number: int, index: int, due: int, status: str | None = None, *, is_told: bool = True
    ) -> None:
        row = (run, number, index, due, status, due if is_told else None)
        self.plan.add(Stage.ROW_WRITTEN, self._sql.set_timer, row)

    def _write_messages(self, fold: RunFold) -> None:
        plan, sql, run, table = self.plan, self._sql, fold.run, Tables.messages
        left = {number for number, draft in fold.states.items() if draft.left}
        if fold.closed is None:
            for number, message in fold.appended.items():
                taken = fold.taken.get(number)
                if taken is None or taken.state not in left:
                    owner = (None, None) if taken is None else (taken.state, taken.command)
                    row = (
                        run,
                        number,
                        message.family.value,
                        message.channel_name,
                        *_value_columns(message.value),
                        *owner,
                    )
                    plan.add(Stage.ROW_WRITTEN, sql.append_message, row)
            for number, taken in fold.taken.items():
                if number not in fold.appended:
                    statement = sql.update(table, ("state", "command"), _STATE)
                    plan.add_exact(Stage.ROW_CHANGED, statement, (taken.state, taken.command, run, number))
        if not fold.write.is_new:
            for state in left:
                plan.add(Stage.TAKEN_GONE, sql.delete(table, ("run", "state")), (run, state))

    def _write_rpcs(self, fold: RunFold) -> None:
        if fold.closed is not None:
            return
        for rpc in fold.rpcs.values():
            row = (fold.run, rpc.number, dump(rpc.request), rpc.ticket, to_micros(rpc.at), self._epoch)
            self.plan.add(Stage.ROW_WRITTEN, self._sql.open_rpc, row)
        for number in fold.rpcs_closed:
            self.plan.add_exact(Stage.ROW_GONE, self._sql.delete(Tables.rpcs, _STATE), (fold.run, number))

    def _clear_closed(self, run: int) -> None:
        plan, sql = self.plan, self._sql
        for table in (Tables.timers, Tables.rpcs, Tables.ordinals):
            plan.add(Stage.RUN_CLEARED, sql.delete(table, ("run",)), (run,))
        plan.add(Stage.RUN_CLEARED, sql.end_tasks, (None, None, run))
        plan.add(Stage.RUN_MARKED, sql.mark_leftovers, (run,))


def _state_row(run: int, draft: StateDraft, opened: StateOpened) -> Tuple:
    return (
        run,
        opened.number,
        opened.state_id,
        opened.ordinal,
        *_value_columns(opened.input),
        dump_or_none(opened.options),
        opened.wait_for_key,
        dump_or_none(opened.failure),
        *(draft.moved or ()),
        *(_wait_columns(draft)),
        *(draft.task or NO_TASK),
    )


def _wait_columns(draft: StateDraft) -> Tuple:
    waiting = draft.waiting
    if waiting is None:
        return (None, None, True)
    return (dump(waiting.commands), dump(waiting.locals) if waiting.locals else None, waiting.wait_until_succeeded)


def _completion_row(run: int, place: int, left: StateLeft) -> Tuple:
    return (run, left.number, place, left.state_id, left.ordinal, left.wait_for_key, *_value_columns(left.output))
