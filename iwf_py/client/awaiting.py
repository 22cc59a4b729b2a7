"""One question to a service, asked from asyncio: how its answer is awaited."""

from __future__ import annotations

import asyncio
from typing import Any, TypeVar

from iwf_py.client.asking import Question, dropped, refuse

T = TypeVar("T")


async def answer(question: Question[T]) -> T:
    """Ask, and wait for the answer in this task."""
    now = asyncio.get_running_loop().time
    until = None if question.patience is None else now() + question.patience
    while True:
        opened = question.open(await _ask(question, None if until is None else max(0.0, until - now())))
        if not isinstance(opened, Question):
            return opened
        question = opened


async def _ask(question: Question[Any], patience: float | None) -> Any:
    future = asyncio.wrap_future(question.send())
    try:
        await asyncio.wait({future}, timeout=patience)
    except asyncio.CancelledError:
        if question.late is None:
            # It may be on its way to the disk: let it, and have its error, if any, looked at.
            future.add_done_callback(_look_at)
        else:
            # A wait leaves nothing undone: the service may forget it.
            future.cancel()
        raise
    if not future.done() and question.late is not None:
        future.cancel()
        raise question.late()
    if future.cancelled():
        raise dropped()
    error = future.exception()
    if error is not None:
        refuse(error)
    return future.result()


def _look_at(future: asyncio.Future[Any]) -> None:
    if not future.cancelled():
        future.exception()
