"""From an invocation to user code and back to an outcome.

Whatever user code does, its caller gets an outcome: what it raises, `SystemExit` included, is a failed
attempt, and so is an answer that makes no sense. One `Handlers` serves many threads.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from iwf_py.authoring.definition import Handler, WorkflowDefinition
from iwf_py.authoring.registry import Registry
from iwf_py.errors import WorkflowDefinitionError
from iwf_py.model.commands import CommandRequest
from iwf_py.model.converter import Converter
from iwf_py.model.invocations import Failed, Invocation, InvocationKind, Outcome, Serves
from iwf_py.worker.failures import failure_of
from iwf_py.worker.session import Session


class Handlers:
    """
    The user code of a registry, callable by invocation.

    Args:
        registry: The workflows.

        converter: Opens and seals values.
    """

    def __init__(self, registry: Registry, converter: Converter) -> None:
        self._registry = registry
        self._converter = converter
        self._serves = Serves({})

    @property
    def serves(self) -> Serves:
        """What there is code for, as of now."""
        # Asked for with every take, and a registry only grows.
        if len(self._serves.states or ()) != len(self._registry):
            self._serves = Serves(
                {definition.workflow_type: frozenset(definition.states) for definition in self._registry}
            )
        return self._serves

    def is_async(self, invocation: Invocation) -> bool:
        """Is its handler a coroutine function? Then `call_async` runs it on a loop of the caller's."""
        try:
            return self._find(invocation)[1].is_async
        except WorkflowDefinitionError:
            return False

    def call(self, invocation: Invocation) -> Outcome:
        """Run the handler on this thread; a coroutine gets an event loop of its own."""
        try:
            return self.run(invocation)
        except BaseException as error:  # noqa: BLE001 - sys.exit in a handler is a failed attempt, not the end of the worker
            return Failed(failure_of(error, invocation))

    def run(self, invocation: Invocation) -> Outcome:
        """Run the handler as `call` does; what it raises, and what is wrong with its answer, is raised."""
        session, handler = self._open(invocation)
        answer = handler.function(*session.arguments(), **session.keywords())
        if inspect.isawaitable(answer):
            answer = _run(answer)
        return session.outcome(answer)

    async def run_async(self, invocation: Invocation) -> Outcome:
        """Run the handler on the running loop; raises as `run`."""
        session, handler = self._open(invocation)
        answer = handler.function(*session.arguments(), **session.keywords())
        if inspect.isawaitable(answer):
            answer = await answer
        return session.outcome(answer)

    async def call_async(self, invocation: Invocation) -> Outcome:
        """
        Run the handler on the running loop.

        Errors:
            asyncio.CancelledError: The task was cancelled from outside; nobody wants the outcome.
        """
        try:
            return await self.run_async(invocation)
        except asyncio.CancelledError as error:
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise
            return Failed(failure_of(error, invocation))
        except BaseException as error:  # noqa: BLE001 - as in call
            return Failed(failure_of(error, invocation))

    def _open(self, invocation: Invocation) -> tuple[Session, Handler]:
        definition, handler = self._find(invocation)
        return Session(definition, handler, invocation, self._converter), handler

    def _find(self, invocation: Invocation) -> tuple[WorkflowDefinition, Handler]:
        definition = self._registry.definition(invocation.workflow_type)
        if invocation.kind is InvocationKind.RPC:
            return definition, definition.rpc(invocation.method_name).handler
        state = definition.state(invocation.method_name)
        if invocation.kind is InvocationKind.EXECUTE:
            return definition, state.execute
        # A deploy may have taken the method away while a run was about to call it: the state then waits for nothing.
        return definition, state.wait_until or _WAITS_FOR_NOTHING


_WAITS_FOR_NOTHING = Handler(name="wait_until", function=CommandRequest.empty, slots=())


def _run(answer: Awaitable[Any]) -> Any:
    """Run a coroutine to its end on a loop of its own."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        result, error = asyncio.run(_settle(answer))
    else:
        # The caller's thread runs a loop already, and a thread cannot run two.
        with ThreadPoolExecutor(1, thread_name_prefix="iwf-coroutine") as thread:
            result, error = thread.submit(asyncio.run, _settle(answer)).result()
    if error is not None:
        raise error
    return result


async def _settle(answer: Awaitable[Any]) -> tuple[Any, BaseException | None]:
    # Carried out as a value: a SystemExit that leaves a task makes the loop complain of it a second time.
    try:
        return await answer, None
    except BaseException as error:  # noqa: BLE001 - raised again by the caller
        return None, error
