"""The client for asyncio: the calls of `Client`, to be awaited.

What each call does, takes and raises is told at `Client` and `WorkflowHandle`; here is only how it is waited for.
A cancelled task stops waiting; a write that was asked for is not taken back.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from typing import Any, TypeVar, overload

from iwf_py.authoring.registry import Registry
from iwf_py.authoring.reset_workflow_type_and_options import ResetWorkflowTypeAndOptions
from iwf_py.authoring.rpc import Rpc
from iwf_py.authoring.state_class import StateClass
from iwf_py.authoring.workflow_options import StopWorkflowOptions, WorkflowOptions
from iwf_py.client.awaiting import answer
from iwf_py.client.calls import Calls, WorkflowClass
from iwf_py.client.client_options import ClientOptions, doorway, hang_up
from iwf_py.client.handle import RESULT_TIMEOUT, Handle, WorkflowT
from iwf_py.client.results import WorkflowOutcome
from iwf_py.client.values import NOT_GIVEN
from iwf_py.client.waiting import AsyncWaiting
from iwf_py.client.wanted import AttributeValue, Wanted
from iwf_py.model.converter import Converter
from iwf_py.model.durations import Duration
from iwf_py.model.history import HistoryEntry
from iwf_py.model.ids import DEFAULT_NAMESPACE
from iwf_py.model.options import WorkflowConfig
from iwf_py.model.payload import SearchAttribute
from iwf_py.model.requests import FoundRun, SearchPage, WorkflowInfo
from iwf_py.ports import WorkflowService

T = TypeVar("T")
In = TypeVar("In")
Out = TypeVar("Out")
Hint = TypeVar("Hint")


class AsyncWorkflowHandle(Handle[WorkflowT]):
    """One workflow, as `AsyncClient.start` and `AsyncClient.get` give it; see `WorkflowHandle`."""

    @overload
    async def call(self, rpc: Rpc[WorkflowT, None, Out]) -> Out: ...
    @overload
    async def call(self, rpc: Rpc[WorkflowT, In, Out], input: In) -> Out: ...
    async def call(self, rpc: Rpc[WorkflowT, Any, Any], input: Any = NOT_GIVEN) -> Any:
        """Call an RPC."""
        return await answer(
            self._calls.invoke_rpc(self.workflow_id, rpc, input, None, self._pinned, self.workflow_class)
        )

    @overload
    async def result(self, type_hint: None = None, *, timeout: Duration | None = RESULT_TIMEOUT) -> Any: ...
    @overload
    async def result(self, type_hint: type[Hint], *, timeout: Duration | None = RESULT_TIMEOUT) -> Hint | None: ...
    @overload
    async def result(self, type_hint: Any, *, timeout: Duration | None = RESULT_TIMEOUT) -> Any: ...
    async def result(self, type_hint: Any = None, *, timeout: Duration | None = RESULT_TIMEOUT) -> Any:
        """Wait for the end and return the one output, or None."""
        return await answer(self._calls.wait(self.workflow_id, type_hint, self.run_id, timeout, several=False))

    async def results(self, type_hint: Any = None, *, timeout: Duration | None = RESULT_TIMEOUT) -> list[Any]:
        """Wait for the end and return all outputs."""
        outputs: list[Any] = await answer(
            self._calls.wait(self.workflow_id, type_hint, self.run_id, timeout, several=True)
        )
        return outputs

    async def outcome(self, *, timeout: Duration | None = RESULT_TIMEOUT) -> WorkflowOutcome:
        """Wait for the end and tell how it went."""
        return await answer(self._calls.wait_for_outcome(self.workflow_id, self.run_id, timeout, self.workflow_class))

    async def wait_for_state(
        self,
        state: type[StateClass[Any]] | str,
        number: int = 1,
        *,
        key: str | None = None,
        type_hint: Any = None,
        timeout: Duration | None = RESULT_TIMEOUT,
    ) -> Any:
        """Wait until an execution of a state has completed, and return its output, or None."""
        return await answer(
            self._calls.wait_for_state(
                self.workflow_id, state, number, key, type_hint, self.run_id, timeout, self.workflow_class
            )
        )

    async def wait_for_attribute(
        self,
        key: str,
        value: Any = NOT_GIVEN,
        *,
        until: Callable[[Any], object] | None = None,
        since: int | None = None,
        timeout: Duration | None = RESULT_TIMEOUT,
    ) -> AttributeValue:
        """Wait until a data attribute is what is asked for."""
        return await answer(
            self._calls.wait_for_attribute(
                self.workflow_class, self.workflow_id, key, Wanted(value, until, since), self.run_id, timeout
            )
        )

    async def describe(self) -> WorkflowInfo:
        """Tell all that may be seen of the run."""
        return await answer(self._calls.describe(self.workflow_id, self._pinned))

    async def signal(self, channel_name: str, value: object = None) -> None:
        """Send a signal."""
        await answer(self._calls.signal(self.workflow_id, channel_name, value, self._pinned, self.workflow_class))

    async def publish(self, channel_name: str, value: object = None) -> None:
        """Publish to an internal channel."""
        await answer(self._calls.publish(self.workflow_class, self.workflow_id, [(channel_name, value)], self._pinned))

    async def skip_timer(
        self,
        state: type[StateClass[Any]] | str,
        command_id: str | None = None,
        *,
        index: int | None = None,
        state_execution_number: int = 1,
    ) -> None:
        """Complete a timer command now."""
        await answer(
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

    async def stop(self, options: StopWorkflowOptions | None = None) -> None:
        """End the run."""
        await answer(self._calls.stop(self.workflow_id, options, self._pinned))

    async def reset(self, options: ResetWorkflowTypeAndOptions) -> str:
        """Run the workflow again from a point of its past; return the new run's id."""
        return await answer(self._calls.reset(self.workflow_id, options, self._pinned, self.workflow_class))

    async def update_config(self, config: WorkflowConfig) -> None:
        """Change settings of the run."""
        await answer(self._calls.update_config(self.workflow_id, config, self._pinned))

    async def get_attributes(self, *keys: str) -> dict[str, Any]:
        """Read data attributes."""
        return await answer(
            self._calls.get_attributes(self.workflow_class, self.workflow_id, keys or None, self._pinned)
        )

    async def set_attributes(self, attributes: Mapping[str, Any]) -> None:
        """Write data attributes."""
        await answer(
            self._calls.set_attributes(self.workflow_class, self.workflow_id, self._pinned, attributes=attributes)
        )

    async def get_search_attributes(self, *keys: str) -> dict[str, Any]:
        """Read search attributes."""
        return await answer(
            self._calls.get_search_attributes(self.workflow_class, self.workflow_id, keys or None, self._pinned)
        )

    async def set_search_attributes(self, search_attributes: Mapping[str, Any] | Iterable[SearchAttribute]) -> None:
        """Write search attributes."""
        await answer(
            self._calls.set_attributes(
                self.workflow_class, self.workflow_id, self._pinned, search_attributes=search_attributes
            )
        )

    async def history(self, *, after: int = 0, limit: int = 1000) -> tuple[HistoryEntry, ...]:
        """Read history entries."""
        return await answer(self._calls.history(self.workflow_id, self._pinned, after, limit))


class AsyncClient(AsyncWaiting):
    """Calls workflows from asyncio; its arguments and its calls are those of `Client`."""

    def __init__(
        self,
        registry: Registry,
        options: ClientOptions | WorkflowService | None = None,
        converter: Converter | None = None,
        *,
        namespace: str = DEFAULT_NAMESPACE,
    ) -> None:
        self._calls = Calls(registry, *doorway(options, converter), namespace)

    async def close(self) -> None:
        """Close the connections to a server over HTTP."""
        await asyncio.to_thread(hang_up, self._calls.service)

    async def start_workflow(
        self,
        wf_class: WorkflowClass,
        wf_id: str,
        timeout_seconds: Duration | None = None,
        input: object = None,
        options: WorkflowOptions | None = None,
    ) -> str:
        """Start a workflow and return its run id."""
        return await answer(self._calls.start(wf_class, wf_id, timeout_seconds, input, options))

    async def start(
        self,
        workflow_class: type[WorkflowT],
        workflow_id: str,
        input: object = None,
        *,
        timeout: Duration | None = None,
        options: WorkflowOptions | None = None,
    ) -> AsyncWorkflowHandle[WorkflowT]:
        """Start a workflow and return its handle."""
        run_id = await answer(self._calls.start(workflow_class, workflow_id, timeout, input, options))
        return AsyncWorkflowHandle(self._calls, workflow_class, workflow_id, run_id)

    def get(
        self, workflow_class: type[WorkflowT], workflow_id: str, run_id: str | None = None
    ) -> AsyncWorkflowHandle[WorkflowT]:
        """Return a handle on a workflow, without asking whether it exists."""
        self._calls.registry.definition(workflow_class)
        return AsyncWorkflowHandle(self._calls, workflow_class, workflow_id, run_id or None, is_pinned=True)

    async def stop_workflow(
        self, workflow_id: str, options: StopWorkflowOptions | None = None, *, workflow_run_id: str | None = None
    ) -> None:
        """End a run."""
        await answer(self._calls.stop(workflow_id, options, workflow_run_id))

    async def reset_workflow(
        self, workflow_id: str, options: ResetWorkflowTypeAndOptions, *, workflow_run_id: str | None = None
    ) -> str:
        """Run a workflow again from a point of its past; return the new run's id."""
        return await answer(self._calls.reset(workflow_id, options, workflow_run_id))

    async def update_workflow_config(
        self, workflow_id: str, config: WorkflowConfig, *, workflow_run_id: str | None = None
    ) -> None:
        """Change settings of an open run."""
        await answer(self._calls.update_config(workflow_id, config, workflow_run_id))

    async def describe_workflow(self, workflow_id: str, workflow_run_id: str | None = None) -> WorkflowInfo:
        """Tell all that may be seen of a run."""
        return await answer(self._calls.describe(workflow_id, workflow_run_id))

    async def get_history(
        self, workflow_id: str, workflow_run_id: str | None = None, *, after: int = 0, limit: int = 1000
    ) -> tuple[HistoryEntry, ...]:
        """Read what happened to a run."""
        return await answer(self._calls.history(workflow_id, workflow_run_id, after, limit))

    @overload
    async def invoke_rpc(
        self,
        workflow_id: str,
        rpc: Rpc[Any, None, Out],
        input: None = None,
        return_type_hint: None = None,
        *,
        workflow_run_id: str | None = None,
    ) -> Out: ...
    @overload
    async def invoke_rpc(
        self,
        workflow_id: str,
        rpc: Rpc[Any, In, Out],
        input: In,
        return_type_hint: None = None,
        *,
        workflow_run_id: str | None = None,
    ) -> Out: ...
    @overload
    async def invoke_rpc(
        self,
        workflow_id: str,
        rpc: Rpc[Any, In, Any],
        input: In,
        return_type_hint: type[Hint],
        *,
        workflow_run_id: str | None = None,
    ) -> Hint: ...
    async def invoke_rpc(
        self,
        workflow_id: str,
        rpc: Rpc[Any, Any, Any],
        input: Any = NOT_GIVEN,
        return_type_hint: Any = None,
        *,
        workflow_run_id: str | None = None,
    ) -> Any:
        """Call an RPC."""
        return await answer(self._calls.invoke_rpc(workflow_id, rpc, input, return_type_hint, workflow_run_id))

    async def signal_workflow(
        self,
        workflow_id: str,
        signal_channel_name: str,
        signal_value: object = None,
        *,
        workflow_class: WorkflowClass | None = None,
        workflow_run_id: str | None = None,
    ) -> None:
        """Send a signal."""
        await answer(
            self._calls.signal(workflow_id, signal_channel_name, signal_value, workflow_run_id, workflow_class)
        )

    async def publish_to_internal_channel(
        self,
        workflow_class: WorkflowClass,
        workflow_id: str,
        channel_name: str,
        value: object = None,
        *,
        workflow_run_id: str | None = None,
    ) -> None:
        """Publish a message to an internal channel."""
        await answer(self._calls.publish(workflow_class, workflow_id, [(channel_name, value)], workflow_run_id))

    async def publish_to_internal_channels(
        self,
        workflow_class: WorkflowClass,
        workflow_id: str,
        messages: Iterable[tuple[str, object]],
        *,
        workflow_run_id: str | None = None,
    ) -> None:
        """Publish several messages, in this order and all at once."""
        await answer(self._calls.publish(workflow_class, workflow_id, messages, workflow_run_id))

    async def search_workflow(self, query: str = "", page_size: int = 1000, next_page_token: str = "") -> SearchPage:
        """Find runs, one page of them."""
        return await answer(self._calls.search(query, page_size, next_page_token))

    async def find_workflows(self, query: str = "", page_size: int = 1000) -> AsyncIterator[FoundRun]:
        """Walk all runs that *query* finds, with ``async for``."""
        token = ""
        while True:
            page = await answer(self._calls.search(query, page_size, token))
            for found in page.executions:
                yield found
            token = page.next_page_token
            if not token:
                return

    async def count_workflows(self, query: str = "") -> int:
        """Count the runs that *query* finds."""
        return await answer(self._calls.count(query))

    async def skip_timer_by_command_id(
        self,
        workflow_id: str,
        workflow_state_id: type[StateClass[Any]] | str,
        timer_command_id: str,
        state_execution_number: int = 1,
        *,
        workflow_run_id: str | None = None,
    ) -> None:
        """Complete a timer command now, by its id."""
        await answer(
            self._calls.skip_timer(
                workflow_id,
                workflow_state_id,
                state_execution_number,
                workflow_run_id,
                command_id=timer_command_id,
            )
        )

    async def skip_timer_at_command_index(
        self,
        workflow_id: str,
        workflow_state_id: type[StateClass[Any]] | str,
        state_execution_number: int = 1,
        timer_command_index: int = 0,
        *,
        workflow_run_id: str | None = None,
    ) -> None:
        """Complete a timer command now, by its index."""
        await answer(
            self._calls.skip_timer(
                workflow_id,
                workflow_state_id,
                state_execution_number,
                workflow_run_id,
                index=timer_command_index,
            )
        )

    async def get_workflow_data_attributes(
        self,
        workflow_class: WorkflowClass,
        workflow_id: str,
        workflow_run_id: str | None = "",
        keys: Iterable[str] | None = None,
    ) -> dict[str, Any]:
        """Read data attributes."""
        return await answer(self._calls.get_attributes(workflow_class, workflow_id, keys, workflow_run_id))

    async def get_all_workflow_data_attributes(
        self, workflow_class: WorkflowClass, workflow_id: str, workflow_run_id: str | None = ""
    ) -> dict[str, Any]:
        """Read all data attributes."""
        return await answer(self._calls.get_attributes(workflow_class, workflow_id, None, workflow_run_id))

    async def set_workflow_data_attributes(
        self,
        workflow_class: WorkflowClass,
        workflow_id: str,
        workflow_run_id: str | None = "",
        data_attributes: Mapping[str, Any] | None = None,
    ) -> None:
        """Write data attributes."""
        await answer(
            self._calls.set_attributes(workflow_class, workflow_id, workflow_run_id, attributes=data_attributes)
        )

    async def get_workflow_search_attributes(
        self,
        workflow_class: WorkflowClass,
        workflow_id: str,
        attribute_keys: Iterable[str] | None = None,
        workflow_run_id: str | None = None,
    ) -> dict[str, Any]:
        """Read search attributes."""
        return await answer(
            self._calls.get_search_attributes(workflow_class, workflow_id, attribute_keys, workflow_run_id)
        )

    async def get_all_search_attributes(
        self, workflow_class: WorkflowClass, workflow_id: str, workflow_run_id: str | None = None
    ) -> dict[str, Any]:
        """Read all search attributes."""
        return await answer(self._calls.get_search_attributes(workflow_class, workflow_id, None, workflow_run_id))

    async def set_workflow_search_attributes(
        self,
        workflow_class: WorkflowClass,
        workflow_id: str,
        search_attributes: Mapping[str, Any] | Iterable[SearchAttribute],
        workflow_run_id: str | None = None,
    ) -> None:
        """Write search attributes."""
        await answer(
            self._calls.set_attributes(
                workflow_class, workflow_id, workflow_run_id, search_attributes=search_attributes
            )
        )
