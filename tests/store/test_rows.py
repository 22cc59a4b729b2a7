"""Listing what there is."""

from __future__ import annotations

from iwf_py.core.events import StopRequested
from iwf_py.store.database import SqlStore
from tests.store.host import Host, to


def test_every_run_is_listed_once_page_by_page(host: Host, store: SqlStore):
    """
    Pages follow each other without gap or overlap, and the last is empty.
    """
    for name in "abcde":
        host.start(name, to("Submit"))
        host.commit()

    pages, after = [], 0
    while page := store.rows(after, 2):
        pages.append(page)
        after = page[-1]

    assert [len(page) for page in pages] == [2, 2, 1]
    assert [store.load(row).record.key.workflow_id for page in pages for row in page] == list("abcde")


def test_what_is_open_is_counted_by_type_and_state(host: Host, store: SqlStore):
    """
    Every open state execution counts, those of closed runs do not.
    """
    for name in "abc":
        host.start(name, to("Submit"))
    host.start("d", to("Verify"))
    host.commit()
    host.send_now(StopRequested, "c")
    host.commit()

    assert [(state_id, count) for _, state_id, count in store.open_kinds()] == [("Submit", 2), ("Verify", 1)]
