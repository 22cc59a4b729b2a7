"""The client beneath the client: workflows are called by names, whether their classes are at hand or not.

The names and the order of the parameters are iWF's; what iWF has not is keyword-only. Wherever a run id is
wanted, "" or None is the current run of the workflow id.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from iwf_py.authoring.reset_workflow_type_and_options import ResetWorkflowTypeAndOptions
from iwf_py.authoring.unregistered_workflow_options import UnregisteredWorkflowOptions
from iwf_py.authoring.workflow_options import StopWorkflowOptions
from iwf_py.client.asking import answer
from iwf_py.client.client_options import ClientOptions, doorway, hang_up
from iwf_py.client.handle import RESULT_TIMEOUT
from iwf_py.client.results import decode_outputs
from iwf_py.client.unregistered_calls import UnregisteredCalls
from iwf_py.errors import InvalidArgumentError
from iwf_py.model.converter import Converter
from iwf_py.model.durations import Duration
from iwf_py.model.ids import DEFAULT_NAMESPACE
from iwf_py.model.options import PersistenceLoadingPolicy
from iwf_py.model.payload import SearchAttribute
from iwf_py.model.requests import RunResult, SearchPage, SearchRequest, StateCompletion, StateOutput
from iwf_py.model.status import SearchAttributeValueType
from iwf_py.ports import WorkflowService


class UnregisteredClient:
    """
    Calls workflows by the names of their types, states, RPCs and channels; for tools that know no classes.

    Nothing is checked against a declaration, and values are opened as plain JSON unless a type hint is given. One client
    serves many threads.

    Args:
        options: The server over HTTP, as for `Client`; of an engine in this process: ``engine.unregistered_client`` has it
            already.

        converter: Seals and opens values, in place of the options' encoder.

        namespace: Of all workflows that are called.
    """

    def __init__(
        self,
        options: ClientOptions | WorkflowService | None = None,
        converter: Converter | None = None,
        *,
        namespace: str = DEFAULT_NAMESPACE,
    ) -> None:
        self._calls = UnregisteredCalls(*doorway(options, converter), namespace)

    def close(self) -> None:
        """Close the connections to a server over HTTP; a client that nobody holds any more does so by itself."""
        hang_up(self._calls.service)

    def start_workflow(
        self,
        workflow_type: str,
        workflow_id: str,
        start_state_id: str | None,
        workflow_timeout_seconds: Duration | None = None,
        input: object = None,
        options: UnregisteredWorkflowOptions | None = None,
    ) -> str:
        """
        Start a workflow.

        Args:
            start_state_id: "" or None for a workflow that only RPCs move.

            workflow_timeout_seconds: As in `Client.start_workflow`.

        Returns:
            The run id.

        Errors:
            InvalidArgumentError: A name is none, or an option of another type.

            WorkflowAlreadyStartedError: The reuse policy does not allow it.
        """
        return answer(
            self._calls.start_by_name(
                workflow_type, workflow_id, start_state_id, workflow_timeout_seconds, input, options
            )
        )

    def get_simple_workflow_result_with_wait(
        self,
        workflow_id: str,
        workflow_run_id: str | None = None,
        type_hint: Any = None,
        *,
        timeout: Duration | None = RESULT_TIMEOUT,
    ) -> Any:
        """Wait until a workflow has ended, and return its output; errors as `Client.wait_for_workflow_completion`."""
        return answer(self._calls.wait(workflow_id, type_hint, workflow_run_id, timeout, several=False))

    def get_workflow(self, workflow_id: str, workflow_run_id: str | None = None) -> RunResult:
        """
        Tell how a run stands now; its outputs are sealed until `decode_outputs` opens them.

        Errors:
            WorkflowNotExistsError: There is no such run.
        """
        return answer(self._calls.read(workflow_id, workflow_run_id))

    def decode_outputs(self, outputs: Iterable[StateOutput], type_hint: Any = None) -> list[Any]:
        """Open sealed outputs; PayloadError when one is of another type."""
        return decode_outputs(outputs, self._calls.converter, type_hint)

    def stop_workflow(
        self, workflow_id: str, workflow_run_id: str | None = None, options: StopWorkflowOptions | None = None
    ) -> None:
        """End a run; errors as `Client.stop_workflow`."""
        answer(self._calls.stop(workflow_id, options, workflow_run_id))

    def reset_workflow(
        self, workflow_id: str, workflow_run_id: str | None, options: ResetWorkflowTypeAndOptions
    ) -> str:
        """
        Open a new run whose past is that of a run, up to a point.

        Returns:
            The new run's id.
        """
        return answer(self._calls.reset(workflow_id, options, workflow_run_id))

    def invoke_rpc(
        self,
        input: object,
        workflow_id: str,
        workflow_run_id: str | None,
        rpc_name: str,
        timeout_seconds: Duration = 10,
        data_attribute_policy: PersistenceLoadingPolicy | None = None,
        all_defined_search_attribute_types: Mapping[str, SearchAttributeValueType] | None = None,
        return_type_hint: Any = None,
        use_memo_for_data_attributes: bool = False,
        search_attribute_policy: PersistenceLoadingPolicy | None = None,
    ) -> Any:
        """
        Call an RPC; errors as `Client.invoke_rpc`, but that its input is not looked at.

        Args:
            timeout_seconds: Of the one attempt; seconds or a timedelta.

            data_attribute_policy: What it loads and locks; None loads everything.

            all_defined_search_attribute_types: Accepted for code written for iWF; the engine knows them.

            use_memo_for_data_attributes: Accepted for code written for iWF; reads are always consistent here.

            search_attribute_policy: The same as for data attributes.
        """
        return answer(
            self._calls.invoke_rpc_by_name(
                workflow_id,
                workflow_run_id,
                rpc_name,
                input,
                timeout_seconds,
                data_attribute_policy,
                search_attribute_policy,
                return_type_hint,
            )
        )

    def signal_workflow(
        self, workflow_id: str, workflow_run_id: str | None, signal_channel_name: str, signal_value: object = None
    ) -> None:
        """Send a signal; errors as `Client.signal_workflow`."""
        answer(self._calls.signal(workflow_id, signal_channel_name, signal_value, workflow_run_id, None))

    def skip_timer_by_command_id(
        self,
        workflow_id: str,
        workflow_run_id: str | None,
        workflow_state_id: str,
        state_execution_number: int,
        timer_command_id: str,
    ) -> None:
        """Complete a timer command now, by its id; errors as `Client.skip_timer_by_command_id`."""
        answer(
            self._calls.skip_timer(
                workflow_id, workflow_state_id, state_execution_number, workflow_run_id, command_id=timer_command_id
            )
        )

    def skip_timer_at_command_index(
        self,
        workflow_id: str,
        workflow_run_id: str | None,
        workflow_state_id: str,
        state_execution_number: int = 1,
        timer_command_index: int = 0,
    ) -> None:
        """Complete a timer command now, by its index (from 0) among the state's timers."""
        answer(
            self._calls.skip_timer(
                workflow_id, workflow_state_id, state_execution_number, workflow_run_id, index=timer_command_index
            )
        )

    def get_workflow_data_attributes(
        self,
        workflow_id: str,
        workflow_run_id: str | None = None,
        attribute_keys: Iterable[str] | None = None,
        use_memo_for_data_attributes: bool = False,
    ) -> dict[str, Any]:
        """Read data attributes as plain JSON values: those that exist of *attribute_keys*, or all."""
        return answer(self._calls.get_attributes(None, workflow_id, attribute_keys, workflow_run_id))

    def set_workflow_data_attributes(
        self, workflow_id: str, workflow_run_id: str | None, data_attributes: Mapping[str, Any]
    ) -> None:
        """Write data attributes from outside, all or none; None deletes."""
        answer(self._calls.set_attributes(None, workflow_id, workflow_run_id, attributes=data_attributes))

    def get_workflow_search_attributes(
        self, workflow_id: str, workflow_run_id: str | None = None, attribute_keys: Iterable[str] | None = None
    ) -> dict[str, Any]:
        """Read search attributes as plain values: those that exist of *attribute_keys*, or all."""
        return answer(self._calls.get_search_attributes(None, workflow_id, attribute_keys, workflow_run_id))

    def set_workflow_search_attributes(
        self, workflow_id: str, workflow_run_id: str | None, search_attributes: Iterable[SearchAttribute]
    ) -> None:
        """Write search attributes from outside, each with its type; one with neither type nor value deletes."""
        answer(self._calls.set_attributes(None, workflow_id, workflow_run_id, search_attributes=search_attributes))

    def search_workflow(self, request: SearchRequest) -> SearchPage:
        """
        Find workflows by a query, one page at a time.

        Errors:
            InvalidArgumentError: It is no `SearchRequest`.

            ClientSideError: The query cannot be understood.
        """
        return answer(self._calls.search_as_asked(request))

    def wait_for_state_execution_completion_with_state_execution_id(
        self,
        workflow_id: str,
        workflow_run_id: str | None,
        state_execution_id: str,
        *,
        timeout: Duration | None = RESULT_TIMEOUT,
    ) -> StateCompletion:
        """
        Wait until a state execution, such as ``VerifyState-2``, has completed.

        Errors:
            WorkflowStillRunningError: It has not in time.

            InvalidArgumentError: It is no state execution id.
        """
        state_id, _, number = str(state_execution_id).rpartition("-")
        if not state_id or not number.isdecimal() or int(number) < 1:
            raise InvalidArgumentError(
                f"a state execution id is a state's id and a number from 1, such as 'VerifyState-1'; got {state_execution_id!r}"
            )
        return answer(
            self._calls.wait_for_state_by_name(workflow_id, workflow_run_id, state_id, int(number), None, timeout)
        )

    def wait_for_state_execution_completion_with_wait_for_key(
        self,
        workflow_id: str,
        workflow_run_id: str | None,
        state_id: str,
        wait_for_key: str,
        *,
        timeout: Duration | None = RESULT_TIMEOUT,
    ) -> StateCompletion:
        """Wait until the state execution whose movement carried a key has completed; errors as above."""
        return answer(
            self._calls.wait_for_state_by_name(workflow_id, workflow_run_id, state_id, 1, wait_for_key, timeout)
        )
