"""``iwf check``: is what a database says of each run what its history says?"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from attrs import define, field

from iwf_py.core.events import Event
from iwf_py.core.invariants import check as broken_invariants
from iwf_py.core.parts import stored
from iwf_py.core.rewind import audit
from iwf_py.errors import IwfError
from iwf_py.store.database import SqlStore

PAGE = 1000


@define
class Findings:
    """What was looked at, and one sentence for each problem; none: all is well."""

    runs: int = 0
    entries: int = 0
    problems: list[str] = field(factory=list)


def check_database(url: str) -> Findings:
    """
    Fold the history of every run and compare it with the run's rows.

    The database is owned meanwhile, so that nothing changes under the check.

    Errors:
        StoreError: It cannot be opened, or an engine holds it.
    """
    findings = Findings()
    store = SqlStore(url)
    store.open(datetime.now(UTC))
    try:
        for row in every_row(store):
            findings.runs += 1
            findings.problems += _check_run(store, row, findings)
    finally:
        store.close()
    return findings


def _check_run(store: SqlStore, row: int, findings: Findings) -> Iterator[str]:
    try:
        loaded = store.load(row)
        numbered = list(every_event(store, row))
    except IwfError as error:
        yield f"row {row}: cannot be read: {error}"
        return
    if loaded is None:
        # Removed since it was listed; nothing is left to compare.
        return
    name = f"{loaded.record.key.workflow_id!r} (run {loaded.record.run_id})"
    findings.entries += len(numbered)
    if [seq for seq, _ in numbered] != list(range(1, loaded.record.seq + 1)):
        yield f"{name}: its history has a gap: {len(numbered)} entries, where the last has number {loaded.record.seq}"
        return
    differences = audit([event for _, event in numbered], stored(loaded.record))
    yield from (f"{name}: rows and history differ: {difference}" for difference in differences)
    yield from (f"{name}: {broken}" for broken in broken_invariants(loaded.record))
    if loaded.parked:
        yield f"{name}: is parked: {loaded.parked}"


def every_row(store: SqlStore) -> Iterator[int]:
    """Go through all runs, page by page."""
    after = 0
    while page := store.rows(after, PAGE):
        yield from page
        after = page[-1]


def every_event(store: SqlStore, row: int) -> Iterator[tuple[int, Event]]:
    """Go through the history of a run, page by page."""
    after = 0
    while page := store.events(row, after, PAGE):
        yield from page
        after = page[-1][0]
