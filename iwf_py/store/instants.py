"""Instants as rows have them: whole microseconds since 1970 (UTC)."""

from __future__ import annotations

from datetime import datetime, timedelta

from iwf_py.model.ids import EPOCH

_DAY = 86_400_000_000
_SECOND = 1_000_000


def to_micros(at: datetime) -> int:
    """Return the microseconds since 1970 of an aware datetime; exact."""
    span = at - EPOCH
    return span.days * _DAY + span.seconds * _SECOND + span.microseconds


def from_micros(micros: int) -> datetime:
    """Return the instant (UTC, aware) at *micros*; exact."""
    return EPOCH + timedelta(microseconds=micros)


def to_micros_or_none(at: datetime | None) -> int | None:
    """Return *at* as `to_micros` does, None as None."""
    return None if at is None else to_micros(at)


def from_micros_or_none(micros: int | None) -> datetime | None:
    """Return *micros* as `from_micros` does, None as None."""
    return None if micros is None else from_micros(micros)
