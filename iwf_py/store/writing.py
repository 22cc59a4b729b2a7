"""A batch as statements and their rows: one statement per kind of row takes all rows of that kind.

Rows that are opened and left within the batch are never written. A closed run's states and messages
are left behind for the sweep; its timers and open RPCs go, and its calls are owned by nobody,
so that nothing of it is ever due. Pure: it knows no connection.
"""

from __future__ import annotations

from collections.abc import Iterator

from attrs import define, field

from iwf_py.codec.snapshots import FORMAT, dump, event_to_text, kind_of
from iwf_py.core.changes import STRIDE, ExecutionClosed, ExecutionOpened
from iwf_py.core.events import DEADLINE, RUN_TIMERS, START_DELAY
from iwf_py.core.listing import is_listed
from iwf_py.errors import StoreError
from iwf_py.model.history import HistoryEntry
from iwf_py.model.ids import WorkflowKey
from iwf_py.model.queries import SystemAttribute
from iwf_py.model.status import Phase
from iwf_py.store.driver import Tuple
from iwf_py.store.folding import RunFold, StateDraft
from iwf_py.store.instants import to_micros
from iwf_py.store.rows import EXECUTION_COLUMNS, completion_row, execution_row, message_row, state_row, wait_columns
from iwf_py.store.search import search_row, word_rows
from iwf_py.store.statements import MOVE_COLUMNS, TASK_COLUMNS, WAIT_COLUMNS, Statement, WriteStatements
from iwf_py.store.unit import Batch

_WAITING = Phase.WAITING.value
_EXECUTE = Phase.EXECUTE.value
_EXECUTING = SystemAttribute.IWF_EXECUTING_STATE_IDS.value


@define
class Plan:
    """
    What is to be written, statement by statement.

    Attributes:
        entries: The history entries among the rows, where they are wanted.
    """

    rows: dict[Statement, list[Tuple]] = field(factory=dict)
    entries: list[HistoryEntry] = field(factory=list)

    def add(self, statement: Statement, row: Tuple) -> None:
        """Add a row to a statement."""
        rows = self.rows.get(statement)
        if rows is None:
            self.rows[statement] = [row]
        else:
            rows.append(row)

    def statements(self) -> Iterator[tuple[Statement, list[Tuple]]]:
        """Yield each statement with its rows, in the order in which they must run."""
        for statement in sorted(self.rows, key=_stage):
            yield statement, self.rows[statement]


# Batches of one engine: more than a thousand a second for thirty years.
_BATCHES = 1 << 40


def commit_number(epoch: int, batch: int) -> int:
    """Number a commit among all that a database ever had; later ones are higher."""
    return epoch * _BATCHES + batch


def _stage(statement: Statement) -> int:
    return statement.stage


def plan(batch: Batch, sql: WriteStatements, epoch: int) -> Plan:
    """
    Fold a batch into rows.

    Errors:
        StoreError: The batch contradicts itself.
    """
    folds = [RunFold(write, epoch) for write in batch.writes]
    latest = {_key(fold.opened): fold.run for fold in folds if fold.opened is not None}
    writer = _Writer(sql, epoch, commit_number(epoch, batch.number), latest, is_observed=batch.is_observed)
    for fold in folds:
        writer.add(fold)
    return writer.plan


def _key(opened: ExecutionOpened) -> WorkflowKey:
    return WorkflowKey(opened.started.request.namespace, opened.started.request.workflow_id)


class _Writer:
    """
    Turns folds into rows.

    Args:
        number: Of the commit, among all that this database ever had.

        latest: The run of each workflow id that is its latest once the batch stands, of ids that the batch opens a run of.
    """

    def __init__(
        self, sql: WriteStatements, epoch: int, number: int, latest: dict[WorkflowKey, int], *, is_observed: bool
    ) -> None:
        self.plan = Plan()
        self._sql = sql
        self._epoch = epoch
        self._number = number
        self._latest = latest
        self._is_observed = is_observed

    def add(self, fold: RunFold) -> None:
        """Add the rows of one run."""
        if fold.closed is not None:
            fold.execution["closed_in"] = self._number
        if fold.opened is not None:
            self._open(fold, fold.opened)
        elif fold.write.is_new:
            raise StoreError(f"run {fold.run} is written as a new one, but nothing opens it")
        elif fold.execution:
            self._change_execution(fold)
        self._append_history(fold)
        if fold.attributes:
            self._write_attributes(fold)
        if fold.searches:
            self._write_search_attributes(fold)
        if fold.states:
            self._change_states(fold)
        self._write_progress(fold)
        if fold.left and not fold.write.is_new:
            self._finish_messages(fold)
        if fold.skips or fold.skips_released:
            self._write_skips(fold)
        if fold.closed is None:
            self._write_living(fold)
        else:
            self._close(fold, fold.closed)

    def _open(self, fold: RunFold, opened: ExecutionOpened) -> None:
        key = _key(opened)
        entries = fold.write.entries
        first = entries[0].event if entries else None
        row = execution_row(
            fold.run,
            opened,
            is_latest=self._latest[key] == fold.run,
            has_entry=first is opened.started or first == opened.started,
            **fold.execution,
        )
        self.plan.add(self._sql.supersede, (key.namespace, key.workflow_id))
        self.plan.add(self._sql.open_execution, row)

    def _change_execution(self, fold: RunFold) -> None:
        columns = tuple([name for name in EXECUTION_COLUMNS if name in fold.execution])
        row = [*[fold.execution[name] for name in columns], fold.run]
        self.plan.add(self._sql.change_execution(columns), row)

    def _append_history(self, fold: RunFold) -> None:
        copied = fold.write.copied
        if copied is not None:
            self.plan.add(self._sql.copy_history, (fold.run, copied.row, copied.until))
        started = fold.write.record.started
        for entry in fold.write.entries:
            event = entry.event
            kind, text = kind_of(event), entry.text or event_to_text(event)
            row = (fold.run, entry.seq, to_micros(event.at), kind, text, FORMAT, entry.request_id)
            self.plan.add(self._sql.append_history, row)
            if not self._is_observed:
                continue
            self.plan.entries.append(
                HistoryEntry(
                    workflow_id=started.request.workflow_id,
                    run_id=started.run_id,
                    seq=entry.seq,
                    at=event.at,
                    kind=kind,
                    event=text,
                    format=FORMAT,
                )
            )

    def _write_attributes(self, fold: RunFold) -> None:
        for change in fold.attributes.values():
            if change.value is not None:
                row = (fold.run, change.key, change.value.encoding, change.value.data, change.revision)
                self.plan.add(self._sql.write_attribute, row)
            elif not fold.write.is_new:
                self.plan.add(self._sql.delete_attribute, (fold.run, change.key))

    def _write_search_attributes(self, fold: RunFold) -> None:
        plan, sql, run = self.plan, self._sql, fold.run
        for written in fold.searches.values():
            attribute = written.attribute
            if not fold.write.is_new:
                plan.add(sql.delete_words, (run, attribute.key))
            if not attribute.is_empty:
                plan.add(sql.write_search, search_row(run, written))
                for row in word_rows(run, attribute):
                    plan.add(sql.write_word, row)
            elif not fold.write.is_new:
                plan.add(sql.delete_search, (run, attribute.key))

    def _change_states(self, fold: RunFold) -> None:
        """Change the rows of states that are there, in a run that closes too: their owners are checked."""
        for number, draft in fold.states.items():
            if draft.opened is not None:
                continue
            guard = draft.guard
            key: tuple[object, ...] = (fold.run, number)
            if guard is not None:
                key = (fold.run, number, guard.epoch, guard.failures)
            if draft.left:
                self.plan.add(self._sql.leave_state if guard is None else self._sql.leave_owned_state, key)
            else:
                columns, values = _changed_columns(draft)
                statement = self._sql.change_state(columns, is_owned=guard is not None)
                self.plan.add(statement, (*values, *key))

    def _finish_messages(self, fold: RunFold) -> None:
        for number, has_waited in fold.left.items():
            if has_waited:
                self.plan.add(self._sql.finish_messages, (fold.run, number))

    def _write_progress(self, fold: RunFold) -> None:
        """Write what was opened and what is over, which a run keeps when it has closed."""
        for state_id, ordinal in fold.ordinals.items():
            self.plan.add(self._sql.write_ordinal, (fold.run, state_id, ordinal))
        for position, left in enumerate(fold.completions):
            place = fold.write.record.seq * STRIDE + position
            self.plan.add(self._sql.complete_state, completion_row(fold.run, place, left))

    def _write_living(self, fold: RunFold) -> None:
        """Write what only a run that stays open has."""
        plan, sql, run = self.plan, self._sql, fold.run
        config = fold.write.record.config
        for draft in fold.states.values():
            opened = draft.opened
            if opened is not None and not draft.left:
                assert draft.moved is not None
                lists = is_listed(config, opened.options)
                plan.add(
                    sql.open_state,
                    state_row(run, opened, draft.moved, draft.waiting, draft.task, draft.emptied, is_listed=lists),
                )
        if fold.lists_anew:
            self._list_anew(fold)
        if fold.opened is not None or fold.delay_ended:
            self._write_run_timers(fold)
        if fold.states or fold.timers_done:
            self._write_timers(fold)
        if fold.appended or fold.taken:
            self._write_messages(fold)
        for rpc in fold.rpcs.values():
            plan.add(sql.open_rpc, (run, rpc.number, dump(rpc.request), rpc.ticket, to_micros(rpc.at), self._epoch))
        for number in fold.rpcs_closed:
            plan.add(sql.close_rpc, (run, number))

    def _write_skips(self, fold: RunFold) -> None:
        """Write what is kept of skips; closing a run releases them by a change of its own."""
        plan, sql, run = self.plan, self._sql, fold.run
        if not fold.write.is_new:
            for execution in fold.skips_released:
                if execution is None:
                    plan.add(sql.release_all_skips, (run,))
                else:
                    plan.add(sql.release_skips, (run, execution))
        for kept in fold.skips.values():
            for skip in kept:
                row = (run, skip.state_execution_id, skip.number, skip.command_id, skip.index)
                plan.add(sql.keep_skip, row)

    def _list_anew(self, fold: RunFold) -> None:
        """The settings have changed: say of each state that was open before whether it is listed now."""
        record = fold.write.record
        for number in sorted(record.states):
            state = record.states[number]
            draft = fold.states.get(number)
            if draft is None or draft.opened is None:
                listed = state.state_id if is_listed(record.config, state.origin.options) else None
                self.plan.add(self._sql.list_state, (listed, fold.run, number))

    def _write_run_timers(self, fold: RunFold) -> None:
        opened = fold.opened
        if opened is not None:
            if opened.chain.deadline is not None:
                self._set_timer(fold.run, RUN_TIMERS, DEADLINE, to_micros(opened.chain.deadline))
            if opened.starts_at is not None and not fold.delay_ended:
                self._set_timer(fold.run, RUN_TIMERS, START_DELAY, to_micros(opened.starts_at))
        elif fold.delay_ended:
            self.plan.add(self._sql.delete_timer, (fold.run, RUN_TIMERS, START_DELAY))

    def _write_timers(self, fold: RunFold) -> None:
        done = dict(fold.timers_done)
        for number, draft in fold.states.items():
            if not draft.left:
                self._write_state_timers(fold.run, number, draft, done)
            elif draft.opened is None and fold.left[number]:
                self.plan.add(self._sql.delete_timers, (fold.run, number))
        for (number, index), status in done.items():
            if number not in fold.left:
                self.plan.add(self._sql.complete_timer, (status, None, fold.run, number, index))

    def _write_state_timers(self, run: int, number: int, draft: StateDraft, done: dict[tuple[int, int], str]) -> None:
        phase = None if draft.moved is None else draft.moved[0]
        if draft.waiting is not None:
            for index, due in enumerate(draft.waiting.due):
                status = done.pop((number, index), None)
                self._set_timer(run, number, index, to_micros(due), status, is_told=phase == _WAITING)
        elif draft.opened is None and phase == _EXECUTE:
            # It went on to its call: what of its timers has not fired never will.
            self.plan.add(self._sql.idle_timers, (None, run, number))

    def _set_timer(
        self, run: int, number: int, index: int, due: int, status: str | None = None, *, is_told: bool = True
    ) -> None:
        wake_at = due if is_told and status is None else None
        self.plan.add(self._sql.set_timer, (run, number, index, due, status, wake_at))

    def _write_messages(self, fold: RunFold) -> None:
        for number, message in fold.appended.items():
            taken = fold.taken.get(number)
            if taken is None or taken.state not in fold.left:
                self.plan.add(self._sql.append_message, message_row(fold.run, message, taken))
        for number, taken in fold.taken.items():
            if number not in fold.appended:
                self.plan.add(self._sql.take_message, (taken.state, taken.command, fold.run, number))

    def _close(self, fold: RunFold, closed: ExecutionClosed) -> None:
        for state_id in closed.executing_state_ids:
            self.plan.add(self._sql.write_word, (fold.run, _EXECUTING, state_id, False))
        if fold.opened is not None:
            return
        for statement in self._sql.clear:
            self.plan.add(statement, (fold.run,))
        # Rows of states and messages are left behind; where none of them was open or untaken, there are none.
        if closed.executing or closed.channel_sizes:
            self.plan.add(self._sql.end_tasks, (None, None, fold.run))
            self.plan.add(self._sql.mark_leftovers, (fold.run,))


def _changed_columns(draft: StateDraft) -> tuple[tuple[str, ...], tuple[object, ...]]:
    columns: tuple[str, ...] = ()
    values: tuple[object, ...] = ()
    if draft.moved is not None:
        columns, values = MOVE_COLUMNS, tuple(draft.moved)
    if draft.waiting is not None:
        columns, values = columns + WAIT_COLUMNS, (*values, *wait_columns(draft.waiting))
    if draft.task is not None:
        columns, values = columns + TASK_COLUMNS, (*values, *draft.task)
    if draft.emptied is not None:
        columns, values = (*columns, "emptied"), (*values, draft.emptied)
    return columns, values
