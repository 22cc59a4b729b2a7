"""What clients may wait for: the end of a workflow and its results, the completion of a state, a data attribute.

The clients derive from these classes: what each call does, takes and raises is told at the one that blocks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeVar, overload

from iwf_py.authoring.state_class import StateClass
from iwf_py.client import asking, awaiting
from iwf_py.client.calls import Calls, WorkflowClass
from iwf_py.client.handle import RESULT_TIMEOUT
from iwf_py.client.results import WorkflowOutcome, decode_outputs
from iwf_py.client.values import NOT_GIVEN
from iwf_py.client.wanted import AttributeValue, Wanted
from iwf_py.model.durations import Duration
from iwf_py.model.requests import StateOutput

Hint = TypeVar("Hint")


class Opening:
    """Opens what is sealed; it asks nobody."""

    _calls: Calls

    def decode_outputs(self, outputs: Iterable[StateOutput], type_hint: Any = None) -> list[Any]:
        """
        Open sealed outputs: what a run that ended otherwise had collected (``error.outputs``), or what a description shows.

        Errors:
            PayloadError: One of them is of another type.
        """
        return decode_outputs(outputs, self._calls.converter, type_hint)


class Waiting(Opening):
    """Waits on the caller's thread."""

    @overload
    def wait_for_workflow_completion(
        self,
        workflow_id: str,
        type_hint: None = None,
        *,
        workflow_run_id: str | None = None,
        timeout: Duration | None = RESULT_TIMEOUT,
    ) -> Any: ...
    @overload
    def wait_for_workflow_completion(
        self,
        workflow_id: str,
        type_hint: type[Hint],
        *,
        workflow_run_id: str | None = None,
        timeout: Duration | None = RESULT_TIMEOUT,
    ) -> Hint | None: ...
    @overload
    def wait_for_workflow_completion(
        self,
        workflow_id: str,
        type_hint: Any,
        *,
        workflow_run_id: str | None = None,
        timeout: Duration | None = RESULT_TIMEOUT,
    ) -> Any: ...
    def wait_for_workflow_completion(
        self,
        workflow_id: str,
        type_hint: Any = None,
        *,
        workflow_run_id: str | None = None,
        timeout: Duration | None = RESULT_TIMEOUT,
    ) -> Any:
        """
        Wait until a workflow has ended, and return its output; a run that failed and is retried: until its retries have.

        Args:
            type_hint: What the output is opened as; the plain JSON value when None.

            timeout: Seconds or a timedelta; None for as long as it takes.

        Returns:
            The one output; None when there is none.

        Errors:
            WorkflowFailed, WorkflowTimeout, WorkflowTerminated, WorkflowCanceled: It ended so.

            WorkflowStillRunningError: It has not ended in time.

            WorkflowDefinitionError: There are several outputs: use `wait_for_workflow_results`.

            WorkflowNotExistsError: There is no such run.
        """
        return asking.answer(self._calls.wait(workflow_id, type_hint, workflow_run_id, timeout, several=False))

    # Its name in iWF before 0.4.
    get_simple_workflow_result_with_wait = wait_for_workflow_completion

    @overload
    def wait_for_workflow_results(
        self,
        workflow_id: str,
        type_hint: None = None,
        *,
        workflow_run_id: str | None = None,
        timeout: Duration | None = RESULT_TIMEOUT,
    ) -> list[Any]: ...
    @overload
    def wait_for_workflow_results(
        self,
        workflow_id: str,
        type_hint: type[Hint],
        *,
        workflow_run_id: str | None = None,
        timeout: Duration | None = RESULT_TIMEOUT,
    ) -> list[Hint]: ...
    @overload
    def wait_for_workflow_results(
        self,
        workflow_id: str,
        type_hint: Any,
        *,
        workflow_run_id: str | None = None,
        timeout: Duration | None = RESULT_TIMEOUT,
    ) -> list[Any]: ...
    def wait_for_workflow_results(
        self,
        workflow_id: str,
        type_hint: Any = None,
        *,
        workflow_run_id: str | None = None,
        timeout: Duration | None = RESULT_TIMEOUT,
    ) -> list[Any]:
        """Wait as `wait_for_workflow_completion` does, and return all outputs, in order of completion."""
        outputs: list[Any] = asking.answer(
            self._calls.wait(workflow_id, type_hint, workflow_run_id, timeout, several=True)
        )
        return outputs

    @overload
    def get_workflow_result(
        self, workflow_id: str, type_hint: None = None, *, workflow_run_id: str | None = None
    ) -> Any: ...
    @overload
    def get_workflow_result(
        self, workflow_id: str, type_hint: type[Hint], *, workflow_run_id: str | None = None
    ) -> Hint | None: ...
    @overload
    def get_workflow_result(self, workflow_id: str, type_hint: Any, *, workflow_run_id: str | None = None) -> Any: ...
    def get_workflow_result(
        self, workflow_id: str, type_hint: Any = None, *, workflow_run_id: str | None = None
    ) -> Any:
        """Return the output of a workflow that has ended, without waiting; WorkflowStillRunningError while it runs."""
        return asking.answer(self._calls.result(workflow_id, type_hint, workflow_run_id, several=False))

    @overload
    def get_workflow_results(
        self, workflow_id: str, type_hint: None = None, *, workflow_run_id: str | None = None
    ) -> list[Any]: ...
    @overload
    def get_workflow_results(
        self, workflow_id: str, type_hint: type[Hint], *, workflow_run_id: str | None = None
    ) -> list[Hint]: ...
    @overload
    def get_workflow_results(
        self, workflow_id: str, type_hint: Any, *, workflow_run_id: str | None = None
    ) -> list[Any]: ...
    def get_workflow_results(
        self, workflow_id: str, type_hint: Any = None, *, workflow_run_id: str | None = None
    ) -> list[Any]:
        """Return all outputs of a workflow that has ended, without waiting; WorkflowStillRunningError while it runs."""
        outputs: list[Any] = asking.answer(self._calls.result(workflow_id, type_hint, workflow_run_id, several=True))
        return outputs

    @overload
    def wait_for_state_execution_completion_with_state_execution_id(
        self,
        state_class: type[StateClass[Any]] | str,
        workflow_id: str,
        state_execution_number: int = 1,
        *,
        type_hint: type[Hint],
        workflow_run_id: str | None = None,
        timeout: Duration | None = RESULT_TIMEOUT,
    ) -> Hint | None: ...
    @overload
    def wait_for_state_execution_completion_with_state_execution_id(
        self,
        state_class: type[StateClass[Any]] | str,
        workflow_id: str,
        state_execution_number: int = 1,
        *,
        type_hint: Any = None,
        workflow_run_id: str | None = None,
        timeout: Duration | None = RESULT_TIMEOUT,
    ) -> Any: ...
    def wait_for_state_execution_completion_with_state_execution_id(
        self,
        state_class: type[StateClass[Any]] | str,
        workflow_id: str,
        state_execution_number: int = 1,
        *,
        type_hint: Any = None,
        workflow_run_id: str | None = None,
        timeout: Duration | None = RESULT_TIMEOUT,
    ) -> Any:
        """
        Wait until an execution of a state has completed: until its ``execute`` has succeeded, whatever it decided.

        It need not be declared at the start, and one that has completed is answered at once, for good. A failed run that
        is retried is followed to its retry.

        Args:
            state_class: The state's class or id.

            state_execution_number: Which of the state's executions in the run, from 1.

            type_hint: What the output is opened as; the plain JSON value when None.

            timeout: Seconds or a timedelta; None for as long as it takes.

        Returns:
            The output, of a state that closed the workflow with one; else None.

        Errors:
            WorkflowStillRunningError: It has not completed in time.

            WorkflowNotExistsError: There is no such run, or it has closed without it.
        """
        return asking.answer(
            self._calls.wait_for_state(
                workflow_id, state_class, state_execution_number, None, type_hint, workflow_run_id, timeout
            )
        )

    @overload
    def wait_for_state_execution_completion_with_wait_for_key(
        self,
        state_class: type[StateClass[Any]] | str,
        workflow_id: str,
        wait_for_key: str,
        *,
        type_hint: type[Hint],
        workflow_run_id: str | None = None,
        timeout: Duration | None = RESULT_TIMEOUT,
    ) -> Hint | None: ...
    @overload
    def wait_for_state_execution_completion_with_wait_for_key(
        self,
        state_class: type[StateClass[Any]] | str,
        workflow_id: str,
        wait_for_key: str,
        *,
        type_hint: Any = None,
        workflow_run_id: str | None = None,
        timeout: Duration | None = RESULT_TIMEOUT,
    ) -> Any: ...
    def wait_for_state_execution_completion_with_wait_for_key(
        self,
        state_class: type[StateClass[Any]] | str,
        workflow_id: str,
        wait_for_key: str,
        *,
        type_hint: Any = None,
        workflow_run_id: str | None = None,
        timeout: Duration | None = RESULT_TIMEOUT,
    ) -> Any:
        """
        Wait until an execution of a state has completed whose movement carried a key; the first that does, has it for good.

        Args:
            wait_for_key: As the movement was given it: ``StateMovement.create(Ship, order, wait_for_key="order-7")``.

        Otherwise as `wait_for_state_execution_completion_with_state_execution_id`.
        """
        return asking.answer(
            self._calls.wait_for_state(workflow_id, state_class, 1, wait_for_key, type_hint, workflow_run_id, timeout)
        )

    def wait_for_data_attribute(
        self,
        workflow_class: WorkflowClass,
        workflow_id: str,
        key: str,
        value: Any = NOT_GIVEN,
        *,
        until: Callable[[Any], object] | None = None,
        since: int | None = None,
        workflow_run_id: str | None = None,
        timeout: Duration | None = RESULT_TIMEOUT,
    ) -> AttributeValue:
        """
        Wait until a data attribute is set; or is another than before, has a value, or satisfies a predicate.

        What stands there when the caller asks, or comes while it waits, is looked at. An attribute that is written several
        times in a moment may be seen at its last value alone.

        Args:
            key: Declared by the workflow, by itself or by a prefix.

            value: Wait until it equals this; until it is not there, where this is None.

            until: Wait until this holds of it; it is called in the caller's thread, with each value that is set.

            since: The revision of an earlier answer: wait for one that came later. Alone it waits for any change, a
                deletion included.

            timeout: Seconds or a timedelta; None for as long as it takes.

        Errors:
            WorkflowStillRunningError: It has not come in time.

            WorkflowNotExistsError: There is no such run, or it has closed without it.

            NotRegisteredError: The key is not declared.

            InvalidArgumentError: *value* is of another type, or is given beside *until*.
        """
        wanted = Wanted(value, until, since)
        return asking.answer(
            self._calls.wait_for_attribute(workflow_class, workflow_id, key, wanted, workflow_run_id, timeout)
        )

    def wait_for_workflow_outcome(
        self,
        workflow_id: str,
        *,
        workflow_run_id: str | None = None,
        timeout: Duration | None = RESULT_TIMEOUT,
    ) -> WorkflowOutcome:
        """
        Wait until a workflow has ended, and tell how it went; no way of ending is an error.

        Errors:
            WorkflowStillRunningError: It has not ended in time.

            WorkflowNotExistsError: There is no such run.
        """
        return asking.answer(self._calls.wait_for_outcome(workflow_id, workflow_run_id, timeout))

    def get_workflow_outcome(self, workflow_id: str, *, workflow_run_id: str | None = None) -> WorkflowOutcome:
        """Tell how a workflow that has ended went, without waiting; WorkflowStillRunningError while it runs."""
        return asking.answer(self._calls.outcome(workflow_id, workflow_run_id))


class AsyncWaiting(Opening):
    """Waits in the caller's task."""

    @overload
    async def wait_for_workflow_completion(
        self,
        workflow_id: str,
        type_hint: None = None,
        *,
        workflow_run_id: str | None = None,
        timeout: Duration | None = RESULT_TIMEOUT,
    ) -> Any: ...
    @overload
    async def wait_for_workflow_completion(
        self,
        workflow_id: str,
        type_hint: type[Hint],
        *,
        workflow_run_id: str | None = None,
        timeout: Duration | None = RESULT_TIMEOUT,
    ) -> Hint | None: ...
    @overload
    async def wait_for_workflow_completion(
        self,
        workflow_id: str,
        type_hint: Any,
        *,
        workflow_run_id: str | None = None,
        timeout: Duration | None = RESULT_TIMEOUT,
    ) -> Any: ...
    async def wait_for_workflow_completion(
        self,
        workflow_id: str,
        type_hint: Any = None,
        *,
        workflow_run_id: str | None = None,
        timeout: Duration | None = RESULT_TIMEOUT,
    ) -> Any:
        """Wait until a workflow has ended, and return its output."""
        return await awaiting.answer(self._calls.wait(workflow_id, type_hint, workflow_run_id, timeout, several=False))

    async def wait_for_workflow_results(
        self,
        workflow_id: str,
        type_hint: Any = None,
        *,
        workflow_run_id: str | None = None,
        timeout: Duration | None = RESULT_TIMEOUT,
    ) -> list[Any]:
        """Wait until a workflow has ended, and return all its outputs."""
        outputs: list[Any] = await awaiting.answer(
            self._calls.wait(workflow_id, type_hint, workflow_run_id, timeout, several=True)
        )
        return outputs

    async def get_workflow_result(
        self, workflow_id: str, type_hint: Any = None, *, workflow_run_id: str | None = None
    ) -> Any:
        """Return the output of a workflow that has ended."""
        return await awaiting.answer(self._calls.result(workflow_id, type_hint, workflow_run_id, several=False))

    async def get_workflow_results(
        self, workflow_id: str, type_hint: Any = None, *, workflow_run_id: str | None = None
    ) -> list[Any]:
        """Return all outputs of a workflow that has ended."""
        outputs: list[Any] = await awaiting.answer(
            self._calls.result(workflow_id, type_hint, workflow_run_id, several=True)
        )
        return outputs

    @overload
    async def wait_for_state_execution_completion_with_state_execution_id(
        self,
        state_class: type[StateClass[Any]] | str,
        workflow_id: str,
        state_execution_number: int = 1,
        *,
        type_hint: type[Hint],
        workflow_run_id: str | None = None,
        timeout: Duration | None = RESULT_TIMEOUT,
    ) -> Hint | None: ...
    @overload
    async def wait_for_state_execution_completion_with_state_execution_id(
        self,
        state_class: type[StateClass[Any]] | str,
        workflow_id: str,
        state_execution_number: int = 1,
        *,
        type_hint: Any = None,
        workflow_run_id: str | None = None,
        timeout: Duration | None = RESULT_TIMEOUT,
    ) -> Any: ...
    async def wait_for_state_execution_completion_with_state_execution_id(
        self,
        state_class: type[StateClass[Any]] | str,
        workflow_id: str,
        state_execution_number: int = 1,
        *,
        type_hint: Any = None,
        workflow_run_id: str | None = None,
        timeout: Duration | None = RESULT_TIMEOUT,
    ) -> Any:
        """Wait until an execution of a state has completed, and return its output."""
        return await awaiting.answer(
            self._calls.wait_for_state(
                workflow_id, state_class, state_execution_number, None, type_hint, workflow_run_id, timeout
            )
        )

    @overload
    async def wait_for_state_execution_completion_with_wait_for_key(
        self,
        state_class: type[StateClass[Any]] | str,
        workflow_id: str,
        wait_for_key: str,
        *,
        type_hint: type[Hint],
        workflow_run_id: str | None = None,
        timeout: Duration | None = RESULT_TIMEOUT,
    ) -> Hint | None: ...
    @overload
    async def wait_for_state_execution_completion_with_wait_for_key(
        self,
        state_class: type[StateClass[Any]] | str,
        workflow_id: str,
        wait_for_key: str,
        *,
        type_hint: Any = None,
        workflow_run_id: str | None = None,
        timeout: Duration | None = RESULT_TIMEOUT,
    ) -> Any: ...
    async def wait_for_state_execution_completion_with_wait_for_key(
        self,
        state_class: type[StateClass[Any]] | str,
        workflow_id: str,
        wait_for_key: str,
        *,
        type_hint: Any = None,
        workflow_run_id: str | None = None,
        timeout: Duration | None = RESULT_TIMEOUT,
    ) -> Any:
        """Wait until an execution of a state whose movement carried a key has completed, and return its output."""
        return await awaiting.answer(
            self._calls.wait_for_state(workflow_id, state_class, 1, wait_for_key, type_hint, workflow_run_id, timeout)
        )

    async def wait_for_data_attribute(
        self,
        workflow_class: WorkflowClass,
        workflow_id: str,
        key: str,
        value: Any = NOT_GIVEN,
        *,
        until: Callable[[Any], object] | None = None,
        since: int | None = None,
        workflow_run_id: str | None = None,
        timeout: Duration | None = RESULT_TIMEOUT,
    ) -> AttributeValue:
        """Wait until a data attribute is what is asked for."""
        wanted = Wanted(value, until, since)
        return await awaiting.answer(
            self._calls.wait_for_attribute(workflow_class, workflow_id, key, wanted, workflow_run_id, timeout)
        )

    async def wait_for_workflow_outcome(
        self,
        workflow_id: str,
        *,
        workflow_run_id: str | None = None,
        timeout: Duration | None = RESULT_TIMEOUT,
    ) -> WorkflowOutcome:
        """Wait until a workflow has ended, and tell how it went."""
        return await awaiting.answer(self._calls.wait_for_outcome(workflow_id, workflow_run_id, timeout))

    async def get_workflow_outcome(self, workflow_id: str, *, workflow_run_id: str | None = None) -> WorkflowOutcome:
        """Tell how a workflow that has ended went."""
        return await awaiting.answer(self._calls.outcome(workflow_id, workflow_run_id))
