"""Ids of iWF's helper workflows, which stood for the completion of states: read, and never made.

The original starts a workflow ``__IwfSystem_<workflowId>_<stateExecutionId>``, or ``..._<stateId>_<waitForKey>``, that
completes with the state; code written for it asks how such a one stands. Here none exists; the question is answered by the
run itself. The parts are joined by a sign that may stand in each of them, so an id may be read in more than one way.

Source:
    The iWF protocol's sections on reserved names and on waitForStateCompletion.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from concurrent.futures import Future

from iwf_py.errors import WorkflowNotExistsError
from iwf_py.model.ids import SYSTEM_NAME_PREFIX
from iwf_py.model.requests import RunAddress, RunResult, StateCompletion, StateWaitRequest
from iwf_py.model.status import WorkflowStatus
from iwf_py.ports import WorkflowService
from iwf_py.server.long_polls import LongPolls, Nothing
from iwf_py.server.patience import first_of, now

# Readings grow with the square of the joints; real ids have a few.
MAX_JOINTS = 16

_EXECUTION = re.compile(r"(.+)-([1-9][0-9]{0,9})", re.ASCII | re.DOTALL)


def is_shadow(workflow_id: str) -> bool:
    """Is this the id of a helper workflow?"""
    return workflow_id.startswith(SYSTEM_NAME_PREFIX)


def stand_in(
    service: WorkflowService, polls: LongPolls, shadow_id: str, seconds: float, caller: str | None = None
) -> RunResult:
    """
    Tell how a helper workflow would stand: running while its run is open, completed once its state is.

    Args:
        seconds: How long to wait until it is completed.

        caller: Whose wait it is, as for `LongPolls`.

    Errors:
        WorkflowNotExistsError: No run is meant, or the one that is meant is closed without the state.
    """
    run_ids: list[str] = []
    completions: list[Future[StateCompletion]] = []
    for workflow_id, rest in _owners(shadow_id):
        try:
            run_ids.append(now(service.result(RunAddress(workflow_id=workflow_id))).run_id)
        except WorkflowNotExistsError:
            continue
        completions += [service.wait_for_state(wait) for wait in _waits(workflow_id, rest)]
    if not completions:
        raise WorkflowNotExistsError(workflow_id=shadow_id)
    found = polls.wait(first_of(completions), seconds, caller)
    for future in completions:
        future.cancel()
    if isinstance(found, Nothing):
        return RunResult(workflow_id=shadow_id, run_id=run_ids[0], status=WorkflowStatus.RUNNING)
    return RunResult(workflow_id=shadow_id, run_id=found.run_id, status=WorkflowStatus.COMPLETED)


def _owners(shadow_id: str) -> Iterator[tuple[str, str]]:
    """Read an id as a workflow id and what follows it, in every way."""
    yield from _splits(shadow_id.removeprefix(SYSTEM_NAME_PREFIX))


def _waits(workflow_id: str, rest: str) -> Iterator[StateWaitRequest]:
    """Read what follows a workflow id as a state execution, or as a state and a key, in every way."""
    execution = _EXECUTION.fullmatch(rest)
    if execution is not None:
        yield StateWaitRequest(workflow_id=workflow_id, state_id=execution[1], ordinal=int(execution[2]))
    for state_id, key in _splits(rest):
        yield StateWaitRequest(workflow_id=workflow_id, state_id=state_id, wait_for_key=key)


def _splits(text: str) -> Iterator[tuple[str, str]]:
    if text.count("_") > MAX_JOINTS:
        return
    for match in re.finditer("_", text):
        before, after = text[: match.start()], text[match.end() :]
        if before and after:
            yield before, after
