"""The client: what calls workflows.

The names and the order of the parameters are iWF's; what iWF has not is keyword-only. Wherever a run id may be
given, None or "" is the current run of the workflow id.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeVar, overload

from iwf_py.authoring.registry import Registry
from iwf_py.authoring.reset_workflow_type_and_options import ResetWorkflowTypeAndOptions
from iwf_py.authoring.rpc import Rpc
from iwf_py.authoring.state_class import StateClass
from iwf_py.authoring.workflow_options import StopWorkflowOptions, WorkflowOptions
from iwf_py.client.asking import answer
from iwf_py.client.calls import Calls, WorkflowClass
from iwf_py.client.client_options import ClientOptions, doorway, hang_up
from iwf_py.client.handle import WorkflowHandle, WorkflowT
from iwf_py.client.values import NOT_GIVEN
from iwf_py.client.waiting import Waiting
from iwf_py.model.converter import Converter
from iwf_py.model.durations import Duration
from iwf_py.model.history import HistoryEntry
from iwf_py.model.ids import DEFAULT_NAMESPACE
from iwf_py.model.options import WorkflowConfig
from iwf_py.model.payload import SearchAttribute
from iwf_py.model.requests import FoundRun, SearchPage, WorkflowInfo
from iwf_py.ports import WorkflowService

In = TypeVar("In")
Out = TypeVar("Out")
Hint = TypeVar("Hint")


class Client(Waiting):
    """
    Calls workflows. One client serves many threads.

    What is wrong with a call (a class that is not registered, a value of another type, an impossible id) is raised
    before anything is sent. A write has been stored when its call returns. Whatever ends the waiting for a call, be it
    Ctrl-C, ends only the waiting.

    Args:
        registry: The workflows that may be called.

        options: The server over HTTP, ``http://localhost:8801`` when None; or the service of an engine in this process, whose
            client is at hand as ``engine.client``.

        converter: Seals and opens values, in place of the options' encoder; the workers' must be of the same kind.

        namespace: Of all workflows that are called.
    """

    def __init__(
        self,
        registry: Registry,
        options: ClientOptions | WorkflowService | None = None,
        converter: Converter | None = None,
        *,
        namespace: str = DEFAULT_NAMESPACE,
    ) -> None:
        self._calls = Calls(registry, *doorway(options, converter), namespace)

    def close(self) -> None:
        """Close the connections to a server over HTTP; a client that nobody holds any more does so by itself."""
        hang_up(self._calls.service)

    # --- starting and stopping --------------------------------------------------------------------------------

    def start_workflow(
        self,
        wf_class: WorkflowClass,
        wf_id: str,
        timeout_seconds: Duration | None = None,
        input: object = None,
        options: WorkflowOptions | None = None,
    ) -> str:
        """
        Start a workflow.

        Args:
            timeout_seconds: Of the whole chain of retries, a start delay included: seconds or a timedelta; None or 0 for none.

            input: Of the starting state.

        Returns:
            The run id.

        Errors:
            NotRegisteredError: The workflow class, or an initial attribute.

            InvalidArgumentError: The input or an initial attribute is of another type, or the id is none.

            WorkflowAlreadyStartedError: The reuse policy does not allow it.

            ClientSideError: The cron schedule cannot be read, or has no tick any more.
        """
        return answer(self._calls.start(wf_class, wf_id, timeout_seconds, input, options))

    def start(
        self,
        workflow_class: type[WorkflowT],
        workflow_id: str,
        input: object = None,
        *,
        timeout: Duration | None = None,
        options: WorkflowOptions | None = None,
    ) -> WorkflowHandle[WorkflowT]:
        """Start a workflow and return its handle; otherwise as `start_workflow`."""
        run_id = answer(self._calls.start(workflow_class, workflow_id, timeout, input, options))
        return WorkflowHandle(self._calls, workflow_class, workflow_id, run_id)

    def get(
        self, workflow_class: type[WorkflowT], workflow_id: str, run_id: str | None = None
    ) -> WorkflowHandle[WorkflowT]:
        """Return a handle on a workflow, without asking whether it exists; with *run_id*, on that run alone."""
        self._calls.registry.definition(workflow_class)
        return WorkflowHandle(self._calls, workflow_class, workflow_id, run_id or None, is_pinned=True)

    def stop_workflow(
        self, workflow_id: str, options: StopWorkflowOptions | None = None, *, workflow_run_id: str | None = None
    ) -> None:
        """
        End a run.

        Args:
            options: CANCEL without a reason when None.

        Errors:
            WorkflowNotExistsError: There is no such run, or it is closed and shall be terminated or failed.
        """
        answer(self._calls.stop(workflow_id, options, workflow_run_id))

    def reset_workflow(
        self, workflow_id: str, options: ResetWorkflowTypeAndOptions, *, workflow_run_id: str | None = None
    ) -> str:
        """
        Run a workflow again from a point of its past: open a run whose history begins with that of another.

        What was stored up to the point stays; calls that were under way then are made again. What clients sent later is
        applied again, unless the options say otherwise. A run that is open is terminated; earlier runs stay readable.

        Args:
            options: ``reset_to_beginning()`` and its like.

            workflow_run_id: The run whose past it is, open or closed.

        Returns:
            The run id of the new run.

        Errors:
            ClientSideError: The history does not have such a point.

            WorkflowNotExistsError: There is no such run.

            InvalidArgumentError: An option is of another type.
        """
        return answer(self._calls.reset(workflow_id, options, workflow_run_id))

    def update_workflow_config(
        self, workflow_id: str, config: WorkflowConfig, *, workflow_run_id: str | None = None
    ) -> None:
        """
        Change settings of an open run.

        Args:
            config: What it says counts instead of what the run has; None says nothing.

        Errors:
            WorkflowNotExistsError: There is no such run, or it is closed.
        """
        answer(self._calls.update_config(workflow_id, config, workflow_run_id))

    # --- looking ----------------------------------------------------------------------------------------------

    def describe_workflow(self, workflow_id: str, workflow_run_id: str | None = None) -> WorkflowInfo:
        """
        Tell all that may be seen of a run: its status, its states, their attempts and failures.

        Errors:
            WorkflowNotExistsError: There is no such run.
        """
        return answer(self._calls.describe(workflow_id, workflow_run_id))

    def get_history(
        self, workflow_id: str, workflow_run_id: str | None = None, *, after: int = 0, limit: int = 1000
    ) -> tuple[HistoryEntry, ...]:
        """Read what happened to a run: entries with ``seq > after``, at most *limit*."""
        return answer(self._calls.history(workflow_id, workflow_run_id, after, limit))

    # --- RPCs and messages ------------------------------------------------------------------------------------

    @overload
    def invoke_rpc(
        self,
        workflow_id: str,
        rpc: Rpc[Any, None, Out],
        input: None = None,
        return_type_hint: None = None,
        *,
        workflow_run_id: str | None = None,
    ) -> Out: ...
    @overload
    def invoke_rpc(
        self,
        workflow_id: str,
        rpc: Rpc[Any, In, Out],
        input: In,
        return_type_hint: None = None,
        *,
        workflow_run_id: str | None = None,
    ) -> Out: ...
    @overload
    def invoke_rpc(
        self,
        workflow_id: str,
        rpc: Rpc[Any, None, Any],
        input: None = None,
        *,
        return_type_hint: type[Hint],
        workflow_run_id: str | None = None,
    ) -> Hint: ...
    @overload
    def invoke_rpc(
        self,
        workflow_id: str,
        rpc: Rpc[Any, In, Any],
        input: In,
        return_type_hint: type[Hint],
        *,
        workflow_run_id: str | None = None,
    ) -> Hint: ...
    def invoke_rpc(
        self,
        workflow_id: str,
        rpc: Rpc[Any, Any, Any],
        input: Any = NOT_GIVEN,
        return_type_hint: Any = None,
        *,
        workflow_run_id: str | None = None,
    ) -> Any:
        """
        Call an RPC: run its method, store what it wrote, and return its answer.

        One that writes nothing works on a closed workflow, too.

        Args:
            rpc: The method: ``UserSignupWorkflow.verify``.

            input: Of the type that the method declares.

            return_type_hint: What the answer is opened as, instead of the method's return annotation.

        Errors:
            WorkflowRPCExecutionError: The method raised, or its answer cannot be used; nothing was written.

            WorkflowRPCAcquiringLockFailure: A state holds an attribute that it wanted to lock.

            WorkflowNotExistsError: There is no such run, or it is closed and the RPC writes.

            InvalidArgumentError: The input is of another type, missing, or not wanted.

            NotRegisteredError: No registered workflow has this RPC.
        """
        return answer(self._calls.invoke_rpc(workflow_id, rpc, input, return_type_hint, workflow_run_id))

    def signal_workflow(
        self,
        workflow_id: str,
        signal_channel_name: str,
        signal_value: object = None,
        *,
        workflow_class: WorkflowClass | None = None,
        workflow_run_id: str | None = None,
    ) -> None:
        """
        Send a signal.

        Args:
            workflow_class: Where it is given, the channel must be declared there, and the value be of its type.

        Errors:
            WorkflowNotExistsError: There is no such run, or it is closed.
        """
        answer(self._calls.signal(workflow_id, signal_channel_name, signal_value, workflow_run_id, workflow_class))

    def publish_to_internal_channel(
        self,
        workflow_class: WorkflowClass,
        workflow_id: str,
        channel_name: str,
        value: object = None,
        *,
        workflow_run_id: str | None = None,
    ) -> None:
        """Publish a message to an internal channel; the value must be of its type. Errors as `signal_workflow`."""
        answer(self._calls.publish(workflow_class, workflow_id, [(channel_name, value)], workflow_run_id))

    def publish_to_internal_channels(
        self,
        workflow_class: WorkflowClass,
        workflow_id: str,
        messages: Iterable[tuple[str, object]],
        *,
        workflow_run_id: str | None = None,
    ) -> None:
        """Publish several messages, pairs of channel name and value, in this order and all at once."""
        answer(self._calls.publish(workflow_class, workflow_id, messages, workflow_run_id))

    # --- finding workflows ------------------------------------------------------------------------------------

    def search_workflow(self, query: str = "", page_size: int = 1000, next_page_token: str = "") -> SearchPage:
        """
        Find runs, one page of them: open ones first, latest started first, then closed ones, latest closed first.

        Args:
            query: In the query language, such as ``IwfWorkflowType = 'Signup' AND city = 'Rome'``; empty for all.

            page_size: At most so many; 0 for 1000, which is also the most.

            next_page_token: Of the page before; empty for the first.

        Errors:
            ClientSideError: The query is none, or the token is not one of this query.
        """
        return answer(self._calls.search(query, page_size, next_page_token))

    def find_workflows(self, query: str = "", page_size: int = 1000) -> Iterator[FoundRun]:
        """Walk all runs that *query* finds, as `search_workflow` tells them; a page is asked for when it is needed."""
        token = ""
        while True:
            page = answer(self._calls.search(query, page_size, token))
            yield from page.executions
            token = page.next_page_token
            if not token:
                return

    def count_workflows(self, query: str = "") -> int:
        """Count the runs that *query* finds."""
        return answer(self._calls.count(query))

    # --- timers -----------------------------------------------------------------------------------------------

    def skip_timer_by_command_id(
        self,
        workflow_id: str,
        workflow_state_id: type[StateClass[Any]] | str,
        timer_command_id: str,
        state_execution_number: int = 1,
        *,
        workflow_run_id: str | None = None,
    ) -> None:
        """
        Complete a timer command now, by its id.

        Args:
            workflow_state_id: The state's class or id.

        Errors:
            ClientSideError: The state does not wait for such a timer.
        """
        answer(
            self._calls.skip_timer(
                workflow_id,
                workflow_state_id,
                state_execution_number,
                workflow_run_id,
                command_id=timer_command_id,
            )
        )

    def skip_timer_at_command_index(
        self,
        workflow_id: str,
        workflow_state_id: type[StateClass[Any]] | str,
        state_execution_number: int = 1,
        timer_command_index: int = 0,
        *,
        workflow_run_id: str | None = None,
    ) -> None:
        """Complete a timer command now, by its index (from 0) among the state's timers; see `skip_timer_by_command_id`."""
        answer(
            self._calls.skip_timer(
                workflow_id,
                workflow_state_id,
                state_execution_number,
                workflow_run_id,
                index=timer_command_index,
            )
        )

    # --- attributes -------------------------------------------------------------------------------------------

    def get_workflow_data_attributes(
        self,
        workflow_class: WorkflowClass,
        workflow_id: str,
        workflow_run_id: str | None = "",
        keys: Iterable[str] | None = None,
    ) -> dict[str, Any]:
        """
        Read data attributes, opened as their declared types.

        Args:
            keys: None for all.

        Returns:
            Those that exist, by key.

        Errors:
            NotRegisteredError: A key is not declared.

            WorkflowNotExistsError: There is no such run.
        """
        return answer(self._calls.get_attributes(workflow_class, workflow_id, keys, workflow_run_id))

    def get_all_workflow_data_attributes(
        self, workflow_class: WorkflowClass, workflow_id: str, workflow_run_id: str | None = ""
    ) -> dict[str, Any]:
        """Read all data attributes."""
        return answer(self._calls.get_attributes(workflow_class, workflow_id, None, workflow_run_id))

    def set_workflow_data_attributes(
        self,
        workflow_class: WorkflowClass,
        workflow_id: str,
        workflow_run_id: str | None = "",
        data_attributes: Mapping[str, Any] | None = None,
    ) -> None:
        """
        Write data attributes from outside, all or none; locks are not asked.

        Args:
            data_attributes: By key; None deletes.

        Errors:
            NotRegisteredError: A key is not declared.

            InvalidArgumentError: A value is of another type.

            WorkflowNotExistsError: There is no such run, or it is closed.
        """
        answer(self._calls.set_attributes(workflow_class, workflow_id, workflow_run_id, attributes=data_attributes))

    def get_workflow_search_attributes(
        self,
        workflow_class: WorkflowClass,
        workflow_id: str,
        attribute_keys: Iterable[str] | None = None,
        workflow_run_id: str | None = None,
    ) -> dict[str, Any]:
        """
        Read search attributes as plain values, those that exist by key; errors as `get_workflow_data_attributes`.

        A DATETIME is an aware datetime. ``IwfWorkflowType`` and ``IwfExecutingStateIds`` may be asked for, too.
        """
        return answer(self._calls.get_search_attributes(workflow_class, workflow_id, attribute_keys, workflow_run_id))

    def get_all_search_attributes(
        self, workflow_class: WorkflowClass, workflow_id: str, workflow_run_id: str | None = None
    ) -> dict[str, Any]:
        """Read all search attributes that the workflow declares."""
        return answer(self._calls.get_search_attributes(workflow_class, workflow_id, None, workflow_run_id))

    def set_workflow_search_attributes(
        self,
        workflow_class: WorkflowClass,
        workflow_id: str,
        search_attributes: Mapping[str, Any] | Iterable[SearchAttribute],
        workflow_run_id: str | None = None,
    ) -> None:
        """
        Write search attributes from outside; errors as `set_workflow_data_attributes`.

        Args:
            search_attributes: Plain values by key, where None deletes, or iWF's list of `SearchAttribute`.
        """
        answer(
            self._calls.set_attributes(
                workflow_class, workflow_id, workflow_run_id, search_attributes=search_attributes
            )
        )
