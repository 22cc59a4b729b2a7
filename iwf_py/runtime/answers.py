"""Completing futures that somebody may have cancelled meanwhile."""

from __future__ import annotations

from concurrent.futures import Future, InvalidStateError
from typing import TypeVar

T = TypeVar("T")


def answer(future: Future[T], value: T) -> None:
    """Complete *future*; one that was cancelled, or answered already, stays as it is."""
    try:
        future.set_result(value)
    except InvalidStateError:
        return


def refuse(future: Future[T], error: BaseException) -> None:
    """Fail *future*; one that was cancelled, or answered already, stays as it is."""
    try:
        future.set_exception(error)
    except InvalidStateError:
        return


def refused(error: BaseException) -> Future[T]:
    """Make a future that has failed already."""
    future: Future[T] = Future()
    future.set_exception(error)
    return future
