"""What an older schema did not keep of its runs, made of what it did keep.

Steps of `migrations`, so their statements are frozen text as well.
"""

from __future__ import annotations

import logging
from typing import Any

from iwf_py.codec.snapshots import event_from_text
from iwf_py.core.changes import STRIDE, StateLeft
from iwf_py.core.record import Record
from iwf_py.core.rewind import follow
from iwf_py.errors import StoreError, TransitionError
from iwf_py.model.instants import instant_of
from iwf_py.store.driver import Cursor, Tuple
from iwf_py.store.instants import from_micros, to_micros_or_none

_LOGGER = logging.getLogger(__name__)

_PAGE = 1000
_RUNS = "SELECT run FROM iwf_executions WHERE run > ? ORDER BY run LIMIT ?"
_EVENTS = "SELECT seq, kind, event, format FROM iwf_history WHERE run = ? AND seq > ? ORDER BY seq LIMIT ?"
_OPENED = """
    INSERT INTO iwf_ordinals (run, state_id, opened) VALUES (?, ?, ?)
    ON CONFLICT (run, state_id) DO UPDATE SET opened = excluded.opened
"""
_FAILED = """
    INSERT INTO iwf_completions (run, number, place, state_id, ordinal, wait_for_key, has_output, has_failed)
    VALUES (?, ?, ?, ?, ?, ?, 0, 1)
    ON CONFLICT (run, number) DO UPDATE SET has_failed = 1
"""


def fill_progress(cursor: Cursor) -> None:
    """
    Write how many executions each run has opened, and which of them failed and were followed by their failure state.

    Schema 1 kept the former as long as a run was open, and the latter not at all. A run whose history does not fold
    stays as it is: it is no reason not to open the others.
    """
    after = 0
    while page := _page(cursor, _RUNS, (after, _PAGE)):
        for (run,) in page:
            try:
                _fill(cursor, run)
            except (StoreError, TransitionError) as error:
                _LOGGER.warning("what has completed in a run is not known, its history does not fold: %s", error)
        after = page[-1][0]


def _fill(cursor: Cursor, run: int) -> None:
    record: Record | None = None
    failed: list[Tuple] = []
    seq = 0
    while page := _page(cursor, _EVENTS, (run, seq, _PAGE)):
        for seq, kind, text, format_ in page:
            turn = follow(record, event_from_text(kind, text, format_))
            record = turn.record
            failed += [
                (run, left.number, seq * STRIDE, left.state_id, left.ordinal, left.wait_for_key)
                for left in turn.changes
                if isinstance(left, StateLeft) and not left.succeeded
            ]
    if record is not None and len(record.ordinals):
        cursor.executemany(_OPENED, [(run, state_id, opened) for state_id, opened in sorted(record.ordinals.items())])
    if failed:
        cursor.executemany(_FAILED, failed)


def _page(cursor: Cursor, statement: str, parameters: Tuple) -> list[Any]:
    cursor.execute(statement, parameters)
    return cursor.fetchall()


def fill_instants(cursor: Cursor) -> None:
    """Tell what the texts of DATETIMEs mean that were written before there was a column for it."""
    cursor.execute(
        'SELECT attribute.string, entry.at, attribute.run, attribute."key" FROM iwf_search_attributes AS attribute '
        "JOIN iwf_history AS entry ON entry.run = attribute.run AND entry.seq = attribute.revision "
        "WHERE attribute.value_type = 'DATETIME'"
    )
    for text, at, run, key in cursor.fetchall():
        instant = to_micros_or_none(instant_of(text or "", from_micros(at)))
        cursor.execute('UPDATE iwf_search_attributes SET instant = ? WHERE run = ? AND "key" = ?', (instant, run, key))
