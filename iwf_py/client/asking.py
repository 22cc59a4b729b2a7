"""One question to a service: how it is sent, how its answer is opened, and how long to wait for it.

Callers that block and callers that await (`awaiting`) differ in one function each; all else is shared.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import CancelledError, Future
from typing import Any, Generic, NoReturn, TypeVar

from attrs import frozen

from iwf_py.errors import EngineStoppedError, IwfError
from iwf_py.ports import waiting

T_co = TypeVar("T_co", covariant=True)
T = TypeVar("T")

# Seconds after which a waiting caller looks whether it was interrupted.
_STRETCH = 0.5


@frozen(kw_only=True)
class Question(Generic[T_co]):
    """
    A request that is checked and ready to go.

    Attributes:
        send: Hands it to the service; nothing has been sent before.

        open: Makes the caller's answer of the service's, or the question to ask next where that does not answer the
            caller's; it raises where the answer is a refusal.

        patience: Seconds to wait, for all that is asked; None for as long as it takes.

        late: Makes the error for an answer that has not come in time; None where none can be late.
    """

    send: Callable[[], Future[Any]]
    open: Callable[[Any], T_co | Question[T_co]]
    patience: float | None = None
    late: Callable[[], IwfError] | None = None


def answer(question: Question[T]) -> T:
    """
    Ask, and wait for the answer on this thread.

    A Ctrl-C, or whatever else ends the waiting, ends the waiting alone: a write that was asked for is not taken back.
    """
    until = None if question.patience is None else time.monotonic() + question.patience
    while True:
        opened = question.open(_ask(question, until))
        if not isinstance(opened, Question):
            return opened
        question = opened


def _ask(question: Question[Any], until: float | None) -> Any:
    with waiting():
        future = question.send()
        try:
            error = _wait(future, until)
        except CancelledError:
            raise dropped() from None
        except BaseException as trouble:
            if question.late is None:
                raise
            # A wait leaves nothing undone: the service may forget it.
            future.cancel()
            if isinstance(trouble, TimeoutError):
                raise question.late() from None
            raise
    if error is not None:
        refuse(error)
    return future.result()


def _wait(future: Future[Any], until: float | None) -> BaseException | None:
    """
    Wait until a future is done, and tell its error.

    In short stretches: a Ctrl-C in the very moment in which a thread lies down to wait does not wake it, and on some
    systems none ever does.
    """
    while True:
        left = _STRETCH if until is None else until - time.monotonic()
        try:
            return future.exception(max(0.0, min(left, _STRETCH)))
        except TimeoutError:
            if left <= _STRETCH and until is not None and not future.done():
                raise


def refuse(error: BaseException) -> NoReturn:
    """Raise a service's error here: where it was made is the engine's affair, unless it is a bug."""
    raise error.with_traceback(None) if isinstance(error, IwfError) else error


def dropped() -> EngineStoppedError:
    """Make the error for a future that the service cancelled."""
    return EngineStoppedError("the engine dropped the request; whether it was carried out is not known, ask again")
