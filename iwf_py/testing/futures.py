"""Futures that do the work themselves: whoever waits for one drives the host until it is done."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

from iwf_py.errors import IwfError

ResultT = TypeVar("ResultT")


class DrivenFuture(Future[ResultT]):
    """
    A future of a host that does nothing unless it is driven.

    Args:
        drive: Works until a condition holds, or nothing is left to do at this instant.

        stuck: Makes the error for a wait that only the passing of time could end; virtual time stands still
            meanwhile, so that waiting on would be for ever.
    """

    def __init__(self, drive: Callable[[Callable[[], bool]], None], stuck: Callable[[], IwfError]) -> None:
        super().__init__()
        self._drive = drive
        self._stuck = stuck

    def result(self, timeout: float | None = None) -> ResultT:
        """Work until it is done, and answer; *timeout* is of no account where no time passes."""
        self._work()
        return super().result(0)

    def exception(self, timeout: float | None = None) -> BaseException | None:
        """Work until it is done, and tell its error, or None."""
        self._work()
        return super().exception(0)

    def add_done_callback(self, fn: Callable[[Future[ResultT]], object]) -> None:
        """Work until it is done, and call; whoever awaits it in an event loop waits in this way."""
        if not self.done():
            self._drive(self.done)
        if not self.done():
            self.refuse(self._stuck())
        super().add_done_callback(fn)

    def answer(self, value: ResultT) -> None:
        """Be done, with a value; one that was cancelled meanwhile stays so."""
        if not self.done():
            self.set_result(value)

    def refuse(self, error: BaseException) -> None:
        """Be done, with an error; one that was cancelled meanwhile stays so."""
        if not self.done():
            self.set_exception(error)

    def _work(self) -> None:
        if not self.done():
            self._drive(self.done)
        if not self.done():
            raise self._stuck()
