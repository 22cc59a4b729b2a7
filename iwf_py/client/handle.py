"""A handle on one workflow: its class is known, so its calls are checked and typed by it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Generic, TypeVar, overload

from iwf_py.authoring.reset_workflow_type_and_options import ResetWorkflowTypeAndOptions
from iwf_py.authoring.rpc import Rpc
from iwf_py.authoring.state_class import StateClass
from iwf_py.authoring.workflow import ObjectWorkflow
from iwf_py.authoring.workflow_options import StopWorkflowOptions
from iwf_py.client.asking import answer
from iwf_py.client.calls import Calls
from iwf_py.client.results import WorkflowOutcome
from iwf_py.client.values import NOT_GIVEN
from iwf_py.client.wanted import AttributeValue, Wanted
from iwf_py.model.durations import Duration
from iwf_py.model.history import HistoryEntry
from iwf_py.model.options import WorkflowConfig
from iwf_py.model.payload import SearchAttribute
from iwf_py.model.requests import WorkflowInfo

WorkflowT = TypeVar("WorkflowT", bound=ObjectWorkflow)
In = TypeVar("In")
Out = TypeVar("Out")
Hint = TypeVar("Hint")

RESULT_TIMEOUT = 60.0


class Handle(Generic[WorkflowT]):
    """One workflow, named: what the handles that block and those that are awaited share; see `WorkflowHandle`."""

    def __init__(
        self,
        calls: Calls,
        workflow_class: type[WorkflowT],
        workflow_id: str,
        run_id: str | None = None,
        *,
        is_pinned: bool = False,
    ) -> None:
        self._calls = calls
        self.workflow_class = workflow_class
        self.workflow_id = workflow_id
        self.run_id = run_id
        self._pinned = run_id if is_pinned else None

    def __repr__(self) -> str:
        run = f" (run {self.run_id})" if self.run_id else ""
        return f"<{self.workflow_class.__name__} {self.workflow_id!r}{run}>"


class WorkflowHandle(Handle[WorkflowT]):
    """
    One workflow, as `Client.start` and `Client.get` give it.

    Attributes:
        workflow_class: Its class.

        workflow_id: Its id.

        run_id: The run that was started or asked for; None for the current one. Whoever waits, waits for this run (or the
            retries that follow it), and results are those of this run. All other calls are for the current run of the id, unless the handle
            was got for a run.
    """

    @overload
    def call(self, rpc: Rpc[WorkflowT, None, Out]) -> Out: ...
    @overload
    def call(self, rpc: Rpc[WorkflowT, In, Out], input: In) -> Out: ...
    def call(self, rpc: Rpc[WorkflowT, Any, Any], input: Any = NOT_GIVEN) -> Any:
        """Call an RPC, such as ``handle.call(UserSignupWorkflow.verify, "email")``; see `Client.invoke_rpc`."""
        return answer(self._calls.invoke_rpc(self.workflow_id, rpc, input, None, self._pinned, self.workflow_class))

    @overload
    def result(self, type_hint: None = None, *, timeout: Duration | None = RESULT_TIMEOUT) -> Any: ...
    @overload
    def result(self, type_hint: type[Hint], *, timeout: Duration | None = RESULT_TIMEOUT) -> Hint | None: ...
    @overload
    def result(self, type_hint: Any, *, timeout: Duration | None = RESULT_TIMEOUT) -> Any: ...
    def result(self, type_hint: Any = None, *, timeout: Duration | None = RESULT_TIMEOUT) -> Any:
        """Wait for the end and return the one output, or None; see `Client.wait_for_workflow_completion`."""
        return answer(self._calls.wait(self.workflow_id, type_hint, self.run_id, timeout, several=False))

    @overload
    def results(self, type_hint: None = None, *, timeout: Duration | None = RESULT_TIMEOUT) -> list[Any]: ...
    @overload
    def results(self, type_hint: type[Hint], *, timeout: Duration | None = RESULT_TIMEOUT) -> list[Hint]: ...
    @overload
    def results(self, type_hint: Any, *, timeout: Duration | None = RESULT_TIMEOUT) -> list[Any]: ...
    def results(self, type_hint: Any = None, *, timeout: Duration | None = RESULT_TIMEOUT) -> list[Any]:
        """Wait for the end and return all outputs, in order of completion."""
        outputs: list[Any] = answer(self._calls.wait(self.workflow_id, type_hint, self.run_id, timeout, several=True))
        return outputs

    def outcome(self, *, timeout: Duration | None = RESULT_TIMEOUT) -> WorkflowOutcome:
        """Wait for the end and tell how it went; no way of ending is an error."""
        return answer(self._calls.wait_for_outcome(self.workflow_id, self.run_id, timeout, self.workflow_class))

    @overload
    def wait_for_state(
        self,
        state: type[StateClass[Any]] | str,
        number: int = 1,
        *,
        key: str | None = None,
        type_hint: type[Hint],
        timeout: Duration | None = RESULT_TIMEOUT,
    ) -> Hint | None: ...
    @overload
    def wait_for_state(
        self,
        state: type[StateClass[Any]] | str,
        number: int = 1,
        *,
        key: str | None = None,
        type_hint: Any = None,
        timeout: Duration | None = RESULT_TIMEOUT,
    ) -> Any: ...
    def wait_for_state(
        self,
        state: type[StateClass[Any]] | str,
        number: int = 1,
        *,
        key: str | None = None,
        type_hint: Any = None,
        timeout: Duration | None = RESULT_TIMEOUT,
    ) -> Any:
        """
        Wait until an execution of a state has completed, and return its output, or None.

        Args:
            number: Which of the state's executions in the run, from 1.

            key: Instead of *number*: the key that the movement carried.

        See `Client.wait_for_state_execution_completion_with_state_execution_id`.
        """
        return answer(
            self._calls.wait_for_state(
                self.workflow_id, state, number, key, type_hint, self.run_id, timeout, self.workflow_class
            )
        )

    def wait_for_attribute(
        self,
        key: str,
        value: Any = NOT_GIVEN,
        *,
        until: Callable[[Any], object] | None = None,
        since: int | None = None,
        timeout: Duration | None = RESULT_TIMEOUT,
    ) -> AttributeValue:
        """Wait until a data attribute is set, or is what is asked for; see `Client.wait_for_data_attribute`."""
        return answer(
            self._calls.wait_for_attribute(
                self.workflow_class, self.workflow_id, key, Wanted(value, until, since), self.run_id, timeout
            )
        )

    def describe(self) -> WorkflowInfo:
        """Tell all that may be seen of the run."""
        return answer(self._calls.describe(self.workflow_id, self._pinned))

    def signal(self, channel_name: str, value: object = None) -> None:
        """Send a signal; the channel must be declared, and the value of its type."""
        answer(self._calls.signal(self.workflow_id, channel_name, value, self._pinned, self.workflow_class))

    def publish(self, channel_name: str, value: object = None) -> None:
        """Publish to an internal channel; it must be declared, and the value of its type."""
        answer(self._calls.publish(self.workflow_class, self.workflow_id, [(channel_name, value)], self._pinned))

    def skip_timer(
        self,
        state: type[StateClass[Any]] | str,
        command_id: str | None = None,
        *,
        index: int | None = None,
        state_execution_number: int = 1,
    ) -> None:
        """Complete a timer command now: by its id, or by its index among the state's timers (0 when neither is given)."""
        answer(
            self._calls.skip_timer(
                self.workflow_id,
                state,
                state_execution_number,
                self._pinned,
                command_id=command_id,
                index=0 if command_id is None and index is None else index,
                workflow=self.workflow_class,
            )
        )

    def stop(self, options: StopWorkflowOptions | None = None) -> None:
        """End the run; it is cancelled when *options* do not say otherwise."""
        answer(self._calls.stop(self.workflow_id, options, self._pinned))

    def reset(self, options: ResetWorkflowTypeAndOptions) -> str:
        """Run the workflow again from a point of its past; return the new run's id. See `Client.reset_workflow`."""
        return answer(self._calls.reset(self.workflow_id, options, self._pinned, self.workflow_class))

    def update_config(self, config: WorkflowConfig) -> None:
        """Change settings of the run; see `Client.update_workflow_config`."""
        answer(self._calls.update_config(self.workflow_id, config, self._pinned))

    def get_attributes(self, *keys: str) -> dict[str, Any]:
        """Read data attributes: those that exist of *keys*, or all."""
        return answer(self._calls.get_attributes(self.workflow_class, self.workflow_id, keys or None, self._pinned))

    def set_attributes(self, attributes: Mapping[str, Any]) -> None:
        """Write data attributes; None deletes."""
        answer(self._calls.set_attributes(self.workflow_class, self.workflow_id, self._pinned, attributes=attributes))

    def get_search_attributes(self, *keys: str) -> dict[str, Any]:
        """Read search attributes: those that exist of *keys*, or all."""
        return answer(
            self._calls.get_search_attributes(self.workflow_class, self.workflow_id, keys or None, self._pinned)
        )

    def set_search_attributes(self, search_attributes: Mapping[str, Any] | Iterable[SearchAttribute]) -> None:
        """Write search attributes; None deletes."""
        answer(
            self._calls.set_attributes(
                self.workflow_class, self.workflow_id, self._pinned, search_attributes=search_attributes
            )
        )

    def history(self, *, after: int = 0, limit: int = 1000) -> tuple[HistoryEntry, ...]:
        """Read history entries with ``seq > after``, at most *limit*."""
        return answer(self._calls.history(self.workflow_id, self._pinned, after, limit))
