"""Waiting for the engine: for as long as its own work takes, and no longer."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import CancelledError, Future, InvalidStateError
from concurrent.futures import TimeoutError as WaitTimeout
from contextlib import suppress
from typing import TypeVar

from iwf_py.errors import EngineUnreadyError

T = TypeVar("T")

# What takes so long has met an engine that is stuck; its callers shall not fill the threads.
PATIENCE_SECONDS = 30.0
# An answer is on its way before the caller's own patience, often just as long, is at its end.
_SOONER_SECONDS = 0.5
_SOONER_SHARE = 0.05


def sooner(seconds: float) -> float:
    """Tell when to answer somebody who waits for *seconds*."""
    return max(seconds - min(_SOONER_SECONDS, seconds * _SOONER_SHARE), 0.0)


def now(future: Future[T]) -> T:
    """
    Wait for what takes no longer than the engine's own work.

    Errors:
        EngineUnreadyError: It has not come; or whatever the future holds.
    """
    try:
        return within(future, PATIENCE_SECONDS)
    except WaitTimeout:
        raise EngineUnreadyError(
            f"the engine has not answered within {PATIENCE_SECONDS:g} s; whether the call is carried out is not known"
        ) from None


def within(future: Future[T], seconds: float) -> T:
    """Wait so long; errors as `now`, or the `TimeoutError`."""
    try:
        return future.result(seconds)
    except CancelledError:
        raise EngineUnreadyError("the call was given up, as the server is about to end; try again") from None


def first_of(futures: Sequence[Future[T]]) -> Future[T]:
    """Give the first that succeeds; the last error where none does."""
    first: Future[T] = Future()
    errors: list[BaseException] = []

    def told(future: Future[T]) -> None:
        if future.cancelled():
            return
        error = future.exception()
        # Whoever waits may have gone, and several may come at once.
        with suppress(InvalidStateError):
            if error is None:
                first.set_result(future.result())
                return
            errors.append(error)
            if len(errors) == len(futures):
                first.set_exception(error)

    for future in futures:
        future.add_done_callback(told)
    return first
