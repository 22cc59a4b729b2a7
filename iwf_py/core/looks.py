"""What somebody waits for in a run: a look at one of its records, which finds it, or finds that it can never be there.

Pure. A host keeps who waits, and looks again after each turn of the run.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

from attrs import evolve, frozen

from iwf_py.core.record import Record
from iwf_py.core.views import result
from iwf_py.errors import InvalidArgumentError, IwfError, WorkflowNotExistsError
from iwf_py.model.ids import state_execution_id
from iwf_py.model.requests import (
    AttributeReading,
    AttributeWaitRequest,
    RunResult,
    StateCompletion,
    StateWaitRequest,
)

T = TypeVar("T")


@frozen
class Look(Generic[T]):
    """
    Looks for one thing.

    Attributes:
        find: Answers with it, or with None where the record has it not.

        never: What is to be said of a run that has closed without it; nothing where every closed run has it.

        at_close: An open run never has it.
    """

    find: Callable[[Record], T | None]
    never: str = ""
    at_close: bool = False


@frozen
class Found(Generic[T]):
    """There it is."""

    answer: T


@frozen
class Lost:
    """It will never be there."""

    error: IwfError


@frozen
class Expected:
    """It may come yet, in the run of this id: the one that was looked at, or its retry."""

    run_id: str


def look_at(record: Record, look: Look[T]) -> Found[T] | Lost | Expected:
    """Look, and tell how to go on."""
    answer = look.find(record)
    if answer is not None:
        return Found(answer)
    if record.closed is None:
        return Expected(record.run_id)
    after = retry_of(record)
    if after is not None:
        return Expected(after)
    workflow_id, run_id = record.key.workflow_id, record.run_id
    return Lost(
        WorkflowNotExistsError(
            f"workflow {workflow_id!r} (run {run_id}) is closed, {record.status.value}: {look.never}",
            workflow_id=workflow_id,
            run_id=run_id,
        )
    )


def retry_of(record: Record) -> str | None:
    """Tell the run that goes on for this one, where a failed run is retried; else None."""
    successor = record.successor
    return successor.next.run_id if successor is not None and successor.is_retry else None


def outcome(run_id: str) -> Look[RunResult]:
    """
    Look for the outcome of a run, or of the chain of its retries.

    Args:
        run_id: The one that the answer carries, whatever run of the chain it comes from.
    """

    def find(record: Record) -> RunResult | None:
        if record.closed is None or retry_of(record) is not None:
            return None
        return evolve(result(record), run_id=run_id)

    return Look(find, at_close=True)


def completion(request: StateWaitRequest) -> Look[StateCompletion]:
    """
    Look for the completion of a state execution.

    Source:
        The iWF protocol's section on waitForStateCompletion.

    Errors:
        InvalidArgumentError: Executions are numbered from 1.
    """
    state_id, key = request.state_id, request.wait_for_key
    if not key and request.ordinal < 1:
        raise InvalidArgumentError(f"executions of state {state_id} are numbered from 1, got {request.ordinal}")
    # Run id to the execution's number, once it was seen open: it need not be searched for again.
    numbers: dict[str, int] = {}

    def find(record: Record) -> StateCompletion | None:
        ordinal = record.keyed.get((state_id, key)) if key else request.ordinal
        if ordinal is None or ordinal > record.ordinals.get(state_id, 0):
            return None
        name = state_execution_id(state_id, ordinal)
        # One that has failed is not searched for among those that are open, turn after turn.
        if not key and (not _may_have_completed(record, name) or _is_open(record, state_id, ordinal, numbers)):
            return None
        output = next((one.output for one in record.outputs if one.state_execution_id == name), None)
        return StateCompletion(run_id=record.run_id, state_id=state_id, state_execution_id=name, output=output)

    what = (
        f"execution of state {state_id} with the key {key!r}" if key else state_execution_id(state_id, request.ordinal)
    )
    return Look(find, f"{what} has not completed in it, and never will")


def _is_open(record: Record, state_id: str, ordinal: int, numbers: dict[str, int]) -> bool:
    number = numbers.get(record.run_id)
    if number is not None:
        return number in record.states
    for number, state in record.states.items():
        if state.origin.ordinal == ordinal and state.state_id == state_id:
            numbers[record.run_id] = number
            return True
    return False


def _may_have_completed(record: Record, name: str) -> bool:
    """Tell whether an execution has completed, unless it is open: it has not failed, and was not open at the close."""
    return name not in record.failed and (record.closed is None or name not in record.closed.executing)


def change(request: AttributeWaitRequest, run_id: str) -> Look[AttributeReading]:
    """
    Look for a data attribute that is another than it was.

    Args:
        run_id: The run that the request's revision is of. In one that follows it, whatever the caller has not seen is new.
    """
    key, after = request.key, request.after

    def find(record: Record) -> AttributeReading | None:
        cell = record.attributes.get(key)
        revision = 0 if cell is None else cell.revision
        if revision == after and (record.run_id == run_id or not after):
            return None
        value = None if cell is None else cell.value
        return AttributeReading(run_id=record.run_id, key=key, value=value, revision=revision)

    what = (
        f"has not changed in it since revision {after}, and never will"
        if after
        else "is not set in it, and never will be"
    )
    return Look(find, f"data attribute {key!r} {what}")
