"""Instants as the protocol writes them: in texts, and in whole numbers since the epoch.

Source:
    The iWF protocol's section on search-attribute types and time formats.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from iwf_py.model.ids import EPOCH

_SECONDS = {
    "second": 1,
    "minute": 60,
    "hour": 3600,
    "day": 86_400,
    "week": 604_800,
    "month": 2_592_000,
    "year": 31_536_000,
}
_UNITS = {**_SECONDS, **{("M" if unit == "month" else unit[0]): count for unit, count in _SECONDS.items()}}
_STAMP = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)", re.ASCII)
_NUMBER = re.compile(r"-?\d{1,20}", re.ASCII)
_RELATIVE = re.compile(r"(\d{1,6})([a-zA-Z]+)", re.ASCII)
_MICROSECOND = timedelta(microseconds=1)
_BILLION = 1_000_000_000


def instant_of(text: str, now: datetime) -> datetime | None:
    """
    Read a DATETIME search attribute, or the time to which a run is reset; None when the text is no time.

    In this order: empty is the epoch; ``2023-04-17T21:17:49-07:00`` with an offset or Z, a fraction allowed; a whole number of
    nanoseconds since the epoch; ``5m``, so long before *now* (s, m, h, d, w, M of 30 days, y of 365, or the full word).
    """
    nanoseconds = nanoseconds_of(text, now)
    if nanoseconds is None:
        return None
    try:
        # Digits beyond microseconds are cut: a datetime has no more.
        return EPOCH + timedelta(microseconds=nanoseconds // 1000)
    except OverflowError:
        return None


def nanoseconds_of(text: str, now: datetime) -> int | None:
    """Read the same text to the nanosecond, as a number since the epoch."""
    if not text:
        return 0
    try:
        if stamp := _STAMP.fullmatch(text):
            whole = datetime.fromisoformat(f"{stamp[1]}{stamp[3].replace('Z', '+00:00')}").astimezone(UTC)
            return _microseconds(whole) * 1000 + int((stamp[2] or "0").ljust(9, "0"))
        if _NUMBER.fullmatch(text):
            nanoseconds = int(text)
            return nanoseconds if -(2**63) <= nanoseconds < 2**63 else None
        if (relative := _RELATIVE.fullmatch(text)) and relative[2] in _UNITS and int(relative[1]):
            nanoseconds = (_microseconds(now) - int(relative[1]) * _UNITS[relative[2]] * 1_000_000) * 1000
            return nanoseconds if nanoseconds >= 0 else None
    except (ValueError, OverflowError):
        return None
    return None


def stamp_of(nanoseconds: int) -> str:
    """
    Write nanoseconds since the epoch as RFC 3339 in UTC: with as many digits of a fraction as it has, at most nine.

    Errors:
        OverflowError: No calendar has it.
    """
    seconds, fraction = divmod(nanoseconds, _BILLION)
    whole = (EPOCH + timedelta(seconds=seconds)).isoformat().removesuffix("+00:00")
    return f"{whole}.{fraction:09d}".rstrip("0").rstrip(".") + "Z" if fraction else f"{whole}Z"


def unix_seconds(instant: datetime) -> int:
    """Tell the whole seconds since the epoch of an aware instant; a fraction is cut off."""
    return (instant - EPOCH) // timedelta(seconds=1)


def _microseconds(instant: datetime) -> int:
    return (instant - EPOCH) // _MICROSECOND
