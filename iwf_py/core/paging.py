"""The order in which a search tells what it finds, and where one page ends and the next begins.

Pure. Open runs come first, latest started first; then closed ones, latest closed first. All pages keep to the
moment of the first: a run that started later is left out, one that closed later keeps its place among the open ones.
So nothing is told twice, and nothing that matches all the while is left out.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from iwf_py.model.ids import EPOCH
from iwf_py.model.queries import Bookmark, Found, Place, Snapshot

# Pages have as many runs when nobody says how many, and never more.
MAX_PAGE = 1000


def page_size(asked: int) -> int:
    """Tell how many runs a page has at most."""
    return min(asked, MAX_PAGE) if asked > 0 else MAX_PAGE


def place_of(found: Found, snapshot: Snapshot) -> Place:
    """Tell where a run stands."""
    closed_at: datetime | None = found.run.closed_at
    if closed_at is None or found.closed_in is None or found.closed_in > snapshot.moment:
        closed_at = None
    started_at = found.run.started_at
    # Only other servers' answers leave it out.
    assert started_at is not None
    return Place(closed_at is None, closed_at or EPOCH, started_at, found.number)


def page_of(
    candidates: Iterable[Found], snapshot: Snapshot, after: Place | None, size: int
) -> tuple[tuple[Found, ...], Bookmark | None]:
    """
    Take one page out of what was found.

    Args:
        candidates: At least the first ``size + 1`` that belong behind *after*, each once; others do no harm.

        after: Where the page before ended; None for the first.

    Returns:
        The page, and where it ends; None there: it is the last.
    """
    placed = [(place_of(found, snapshot), found) for found in candidates if found.number <= snapshot.newest]
    behind = [pair for pair in placed if after is None or pair[0].order < after.order]
    behind.sort(key=_order, reverse=True)
    page = tuple(found for _, found in behind[:size])
    is_last = len(behind) <= size
    return page, None if is_last else Bookmark(snapshot=snapshot, place=behind[size - 1][0])


def _order(pair: tuple[Place, Found]) -> tuple[bool, datetime, datetime, int]:
    return pair[0].order
