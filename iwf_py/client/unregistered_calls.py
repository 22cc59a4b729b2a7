"""Requests for workflows that are known by their names alone: what `Calls` checks by a class is taken as it is given."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import Future
from functools import partial
from typing import Any

from attrs import evolve

from iwf_py.authoring.registry import Registry
from iwf_py.authoring.state_class import get_state_id_by_class
from iwf_py.authoring.state_options import compile_options, option_problems
from iwf_py.authoring.unregistered_workflow_options import UnregisteredWorkflowOptions
from iwf_py.authoring.workflow_state_options import WorkflowStateOptions
from iwf_py.client.asking import Question
from iwf_py.client.calls import Calls
from iwf_py.client.options import checked_options, start_options
from iwf_py.client.values import seal, seal_attributes, seal_search_attributes, unseal
from iwf_py.errors import InvalidArgumentError, WorkflowStillRunningError
from iwf_py.model.converter import Converter
from iwf_py.model.decisions import Movement
from iwf_py.model.durations import Duration, to_timedelta
from iwf_py.model.ids import check_name
from iwf_py.model.options import (
    DEFAULT_STATE_OPTIONS,
    LOAD_ALL,
    CronSchedule,
    PersistenceLoadingPolicy,
    RpcOptions,
    StateOptions,
)
from iwf_py.model.requests import (
    RpcRequest,
    RunResult,
    SearchPage,
    SearchRequest,
    StateCompletion,
    StateWaitRequest,
)
from iwf_py.ports import WorkflowService


class UnregisteredCalls(Calls):
    """
    Builds requests without classes; those that need none anyway are those of `Calls`.

    Args:
        service: Where requests go.

        converter: Seals and opens values.

        namespace: Of all workflows that are called.
    """

    def __init__(self, service: WorkflowService, converter: Converter, namespace: str) -> None:
        super().__init__(Registry(), service, converter, namespace)

    def start_by_name(
        self,
        workflow_type: str,
        workflow_id: str,
        start_state_id: str | None,
        timeout: Duration | None,
        input: object,
        options: UnregisteredWorkflowOptions | None,
    ) -> Question[str]:
        """Open a run."""
        options = checked_options(UnregisteredWorkflowOptions, options)
        workflow_type = check_name("workflow type", workflow_type)
        shared = start_options(options.of_any_workflow())
        initial = seal_attributes(self.converter, None, options.initial_data_attributes or {})
        return self._open_run(
            workflow_type,
            workflow_id,
            timeout,
            shared,
            start=self._movement(workflow_type, start_state_id, input, options.start_state_options),
            attributes=tuple((key, payload) for key, payload in initial if payload is not None),
            search_attributes=seal_search_attributes(None, options.initial_search_attributes or ()),
            cron=CronSchedule(expression=options.cron_schedule) if options.cron_schedule else None,
            wait_for_state_ids=_names("state id", options.wait_for_completion_state_ids),
            wait_for_state_execution_ids=_names("state execution id", options.wait_for_completion_state_execution_ids),
        )

    def _movement(
        self,
        workflow_type: str,
        state_id: str | None,
        input: object,
        options: WorkflowStateOptions | StateOptions | None,
    ) -> Movement | None:
        if not state_id:
            if input is not None or options is not None:
                raise InvalidArgumentError(
                    f"workflow {workflow_type} is started without a state, so it takes no input and no options of one"
                )
            return None
        payload = seal(self.converter, input, Any, f"input of workflow {workflow_type} (state {state_id})")
        return Movement(check_name("start state id", state_id), payload, _state_options(options))

    def invoke_rpc_by_name(
        self,
        workflow_id: str,
        run_id: str | None,
        rpc_name: str,
        input: object,
        timeout: Duration,
        attributes: PersistenceLoadingPolicy | None,
        search_attributes: PersistenceLoadingPolicy | None,
        type_hint: Any,
    ) -> Question[Any]:
        """Call an RPC."""
        for policy in (attributes, search_attributes):
            given: object = policy
            if given is not None and not isinstance(given, PersistenceLoadingPolicy):
                raise InvalidArgumentError(f"a loading policy must be a PersistenceLoadingPolicy, got {given!r}")
        rpc_name = check_name("RPC name", rpc_name)
        request = RpcRequest(
            **self._where(workflow_id, run_id),
            rpc_name=rpc_name,
            input=seal(self.converter, input, Any, f"input of RPC {rpc_name}"),
            options=RpcOptions(
                timeout=to_timedelta("timeout_seconds", timeout) or RpcOptions().timeout,
                attributes=attributes or LOAD_ALL,
                search_attributes=search_attributes or LOAD_ALL,
            ),
        )
        return Question(
            send=partial(self._service.invoke_rpc, request),
            open=lambda payload: unseal(self.converter, payload, type_hint, f"output of RPC {rpc_name}"),
        )

    def read(self, workflow_id: str, run_id: str | None) -> Question[RunResult]:
        """Tell how a run stands, and with what, unopened."""
        return _told(partial(self._service.result, self._address(workflow_id, run_id)))

    def search_as_asked(self, request: SearchRequest) -> Question[SearchPage]:
        """Find runs, in the namespace of these calls."""
        given: object = request
        if not isinstance(given, SearchRequest):
            raise InvalidArgumentError(f"a search takes a SearchRequest, got {given!r}")
        return _told(partial(self._service.search, evolve(request, namespace=self._namespace)))

    def wait_for_state_by_name(
        self,
        workflow_id: str,
        run_id: str | None,
        state_id: str,
        ordinal: int,
        wait_for_key: str | None,
        timeout: Duration | None,
    ) -> Question[StateCompletion]:
        """Wait for the completion of a state execution."""
        patience = None if timeout is None else to_timedelta("timeout", timeout).total_seconds()
        request = StateWaitRequest(
            **self._where(workflow_id, run_id),
            state_id=check_name("state id", state_id),
            ordinal=ordinal,
            wait_for_key=None if wait_for_key is None else check_name("wait_for_key", wait_for_key),
        )
        return Question(
            send=partial(self._service.wait_for_state, request),
            open=_as_it_is,
            patience=patience,
            late=partial(WorkflowStillRunningError, workflow_id=workflow_id, waited=patience),
        )


def _told(send: Callable[[], Future[Any]]) -> Question[Any]:
    return Question(send=send, open=_as_it_is)


def _as_it_is(value: Any) -> Any:
    return value


def _state_options(options: WorkflowStateOptions | StateOptions | None) -> StateOptions | None:
    """Give options of a state whose class is not known the engine's form; None for the defaults."""
    given: object = options
    if given is None or isinstance(given, StateOptions):
        return None if given == DEFAULT_STATE_OPTIONS else given
    if not isinstance(given, WorkflowStateOptions):
        raise InvalidArgumentError(f"option start_state_options takes WorkflowStateOptions, got {given!r}")
    problems = option_problems(given)
    if problems:
        raise InvalidArgumentError(f"start_state_options: {'; '.join(problems)}")
    target = given.failure_state
    failure_id = target if isinstance(target, str) or target is None else get_state_id_by_class(target)
    compiled = compile_options(
        given,
        # A state without a wait_until answers at once that it waits for nothing.
        skip_wait_until=False,
        failure=None if failure_id is None else (failure_id, DEFAULT_STATE_OPTIONS),
    )
    return None if compiled == DEFAULT_STATE_OPTIONS else compiled


def _names(what: str, names: Iterable[str] | None) -> tuple[str, ...]:
    if isinstance(names, str):
        raise InvalidArgumentError(f"{what}s are given as a list of str, got the str {names!r}")
    return tuple(check_name(what, name) for name in names or ())
