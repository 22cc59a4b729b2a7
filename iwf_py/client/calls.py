"""What a client may ask, as requests: built and checked; whoever asks sends them and waits as it likes.

Everything that can be wrong with a request is said here, in the caller's thread, before it is sent.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future
from datetime import timedelta
from functools import partial
from typing import Any, TypeVar

from iwf_py.authoring.definition import WorkflowDefinition
from iwf_py.authoring.registry import Registry
from iwf_py.authoring.reset_workflow_type_and_options import ResetWorkflowTypeAndOptions
from iwf_py.authoring.rpc import Rpc
from iwf_py.authoring.search_attributes import search_value
from iwf_py.authoring.state_class import StateClass
from iwf_py.authoring.workflow import ObjectWorkflow
from iwf_py.authoring.workflow_options import StopWorkflowOptions, WorkflowOptions
from iwf_py.client.asking import Question
from iwf_py.client.options import (
    awaited_executions,
    awaited_states,
    cron_schedule,
    id_reuse_policy,
    reset_options,
    start_options,
    stop_options,
)
from iwf_py.client.results import WorkflowOutcome, open_output, open_outputs, outcome_of
from iwf_py.client.values import (
    name_of_attribute,
    seal,
    seal_attributes,
    seal_rpc_input,
    seal_search_attributes,
    unseal,
)
from iwf_py.client.wanted import AttributeValue, Wanted
from iwf_py.errors import InvalidArgumentError, WorkflowStillRunningError
from iwf_py.model.converter import Converter
from iwf_py.model.decisions import Movement
from iwf_py.model.durations import Duration, to_timedelta
from iwf_py.model.history import HistoryEntry
from iwf_py.model.ids import check_name, state_execution_id
from iwf_py.model.invocations import Publication
from iwf_py.model.options import DEFAULT_STATE_OPTIONS, WorkflowConfig
from iwf_py.model.payload import Payload, SearchAttribute
from iwf_py.model.queries import SYSTEM_KINDS
from iwf_py.model.requests import (
    AttributeReading,
    AttributeWaitRequest,
    CountRequest,
    GetAttributesRequest,
    PublishRequest,
    ResetRequest,
    RpcRequest,
    RunAddress,
    RunDescription,
    RunResult,
    SearchPage,
    SearchRequest,
    SetAttributesRequest,
    SignalRequest,
    SkipTimerRequest,
    StartRequest,
    StateCompletion,
    StateWaitRequest,
    StopRequest,
    UpdateConfigRequest,
)
from iwf_py.model.status import ChannelFamily, SearchAttributeValueType
from iwf_py.ports import WorkflowService

T = TypeVar("T")

# Of what every run can be asked for by name.
_SYSTEM_TYPES = {key: kind for key, kind in SYSTEM_KINDS.items() if isinstance(kind, SearchAttributeValueType)}

WorkflowClass = type[ObjectWorkflow] | str


class Calls:
    """
    Builds requests from what callers hand over.

    Args:
        registry: What is known of workflows.

        service: Where requests go.

        converter: Seals and opens values.

        namespace: Of all workflows that are called.
    """

    def __init__(self, registry: Registry, service: WorkflowService, converter: Converter, namespace: str) -> None:
        self.registry = registry
        self.converter = converter
        self._service = service
        self._namespace = check_name("namespace", namespace)

    @property
    def service(self) -> WorkflowService:
        """Where requests go."""
        return self._service

    # --- the life of a run ----------------------------------------------------------------------------------

    def start(
        self,
        workflow: WorkflowClass,
        workflow_id: str,
        timeout: Duration | None,
        input: object,
        options: WorkflowOptions | None,
    ) -> Question[str]:
        """Open a run."""
        definition = self.registry.definition(workflow)
        options = start_options(options)
        initial = seal_attributes(self.converter, definition, options.initial_data_attributes or {})
        return self._open_run(
            definition.workflow_type,
            workflow_id,
            timeout,
            options,
            start=self._first_movement(definition, input),
            attributes=tuple((key, payload) for key, payload in initial if payload is not None),
            search_attributes=seal_search_attributes(definition, options.initial_search_attributes or {}),
            cron=cron_schedule(options),
            wait_for_state_ids=awaited_states(options, definition),
            wait_for_state_execution_ids=awaited_executions(options, definition),
        )

    def _open_run(
        self,
        workflow_type: str,
        workflow_id: str,
        timeout: Duration | None,
        options: WorkflowOptions,
        **sealed: Any,
    ) -> Question[str]:
        """Open a run of any type; *sealed* are the fields of `StartRequest` that hold what users' classes say."""
        delay = options.workflow_start_delay_seconds
        request = StartRequest(
            namespace=self._namespace,
            workflow_id=check_name("workflow id", workflow_id),
            workflow_type=workflow_type,
            timeout=None if timeout is None else to_timedelta("workflow timeout", timeout) or None,
            id_reuse_policy=id_reuse_policy(options),
            already_started=options.workflow_already_started_options,
            retry=options.workflow_retry_policy,
            start_delay=timedelta(0) if delay is None else to_timedelta("workflow_start_delay_seconds", delay),
            config=options.workflow_config_override,
            **sealed,
        )
        return _plain(partial(self._service.start, request))

    def _first_movement(self, definition: WorkflowDefinition, input: object) -> Movement | None:
        start = definition.start
        if start is None:
            if input is not None:
                raise InvalidArgumentError(
                    f"workflow {definition.workflow_type} has no starting state, so it takes no input, "
                    f"got {type(input).__name__}"
                )
            return None
        what = f"input of workflow {definition.workflow_type} (state {start.state_id})"
        payload = seal(self.converter, input, start.input_type, what)
        return Movement(start.state_id, payload, None if start.options == DEFAULT_STATE_OPTIONS else start.options)

    def describe(self, workflow_id: str, run_id: str | None) -> Question[RunDescription]:
        """Tell all that may be seen of a run."""
        return _plain(partial(self._service.describe, self._address(workflow_id, run_id)))

    def stop(self, workflow_id: str, options: StopWorkflowOptions | None, run_id: str | None) -> Question[None]:
        """End a run."""
        stop_type, reason = stop_options(options)
        request = StopRequest(**self._where(workflow_id, run_id), stop_type=stop_type, reason=reason)
        return _plain(partial(self._service.stop, request))

    def reset(
        self,
        workflow_id: str,
        options: ResetWorkflowTypeAndOptions,
        run_id: str | None,
        workflow: WorkflowClass | None = None,
    ) -> Question[str]:
        """Open a run with the past of another."""
        reset_type, instant = reset_options(options)
        execution = options.state_execution_id
        if isinstance(execution, tuple):
            if len(execution) != 2:
                raise InvalidArgumentError(f"option state_execution_id takes a state and its number, got {execution!r}")
            _check_number("state execution number", execution[1], 1)
            execution = state_execution_id(self._state_id(workflow, execution[0]), execution[1])
        request = ResetRequest(
            **self._where(workflow_id, run_id),
            reset_type=reset_type,
            history_event_id=options.history_event_id,
            history_event_time=instant,
            state_id=None if options.state_id is None else self._state_id(workflow, options.state_id),
            state_execution_id=None if execution is None else check_name("state execution id", execution),
            reason=options.reason,
            skip_signal_reapply=bool(options.skip_signal_reapply),
            skip_update_reapply=options.skip_update_reapply,
        )
        return _plain(partial(self._service.reset, request))

    def update_config(self, workflow_id: str, config: WorkflowConfig, run_id: str | None) -> Question[None]:
        """Change settings of a run."""
        given: object = config
        if not isinstance(given, WorkflowConfig):
            raise InvalidArgumentError(f"config must be a WorkflowConfig, got {config!r}")
        request = UpdateConfigRequest(**self._where(workflow_id, run_id), config=config)
        return _plain(partial(self._service.update_config, request))

    def history(
        self, workflow_id: str, run_id: str | None, after: int, limit: int
    ) -> Question[tuple[HistoryEntry, ...]]:
        """Read history entries."""
        return _plain(partial(self._service.history, self._address(workflow_id, run_id), after, limit))

    # --- finding runs ------------------------------------------------------------------------------------------

    def search(self, query: str, page_size: int, next_page_token: str) -> Question[SearchPage]:
        """Find one page of runs."""
        _check_number("page_size", page_size, 0)
        request = SearchRequest(
            query=_text("query", query),
            page_size=page_size,
            next_page_token=_text("next_page_token", next_page_token),
            namespace=self._namespace,
        )
        return _plain(partial(self._service.search, request))

    def count(self, query: str) -> Question[int]:
        """Count the runs that a query finds."""
        request = CountRequest(query=_text("query", query), namespace=self._namespace)
        return _plain(partial(self._service.count, request))

    # --- results --------------------------------------------------------------------------------------------

    def wait(
        self, workflow_id: str, type_hint: Any, run_id: str | None, timeout: Duration | None, *, several: bool
    ) -> Question[Any]:
        """Wait for the end of a run, and open its output or its outputs."""
        return self._waits(
            workflow_id,
            timeout,
            send=partial(self._service.wait, self._address(workflow_id, run_id)),
            open=self._result_opener(type_hint, several=several),
        )

    def result(self, workflow_id: str, type_hint: Any, run_id: str | None, *, several: bool) -> Question[Any]:
        """Open the output or the outputs of a run that has ended."""
        return Question(
            send=partial(self._service.result, self._address(workflow_id, run_id)),
            open=self._result_opener(type_hint, several=several),
        )

    def _result_opener(self, type_hint: Any, *, several: bool) -> Any:
        opened = open_outputs if several else open_output

        def open_result(result: RunResult) -> Any:
            return opened(result, self.converter, type_hint)

        return open_result

    def wait_for_outcome(
        self,
        workflow_id: str,
        run_id: str | None,
        timeout: Duration | None,
        workflow: WorkflowClass | None = None,
    ) -> Question[WorkflowOutcome]:
        """Wait for the end of a run, and tell how it went."""
        return self._waits(
            workflow_id,
            timeout,
            send=partial(self._service.wait, self._address(workflow_id, run_id)),
            open=partial(self._outcome, workflow),
        )

    def outcome(self, workflow_id: str, run_id: str | None) -> Question[WorkflowOutcome]:
        """Tell how a run that has ended went."""
        return Question(
            send=partial(self._service.result, self._address(workflow_id, run_id)), open=partial(self._outcome, None)
        )

    def _outcome(self, workflow: WorkflowClass | None, result: RunResult) -> WorkflowOutcome:
        return outcome_of(result, self.converter, partial(self._state_id, workflow))

    def _waits(
        self,
        workflow_id: str,
        timeout: Duration | None,
        *,
        send: Callable[[], Future[Any]],
        open: Callable[[Any], T | Question[T]],
        what: str = "",
    ) -> Question[T]:
        """
        Make a question that may take long.

        Args:
            what: What is late, where it is not the end of the workflow.
        """
        patience = None if timeout is None else to_timedelta("timeout", timeout).total_seconds()

        def late() -> WorkflowStillRunningError:
            detail = f"{what} after {patience:g} s; wait again, or pass a longer timeout" if what else None
            return WorkflowStillRunningError(detail, workflow_id=workflow_id, waited=patience)

        return Question(send=send, open=open, patience=patience, late=late)

    # --- states and attributes that are to come ---------------------------------------------------------------

    def wait_for_state(
        self,
        workflow_id: str,
        state: type[StateClass[Any]] | str,
        number: int,
        key: str | None,
        type_hint: Any,
        run_id: str | None,
        timeout: Duration | None,
        workflow: WorkflowClass | None = None,
    ) -> Question[Any]:
        """Wait for the completion of a state, and open its output."""
        _check_number("state_execution_number", number, 1)
        state_id = self._state_id(workflow, state)
        name = state_execution_id(state_id, number) if key is None else f"state {state_id} with the key {key!r}"
        request = StateWaitRequest(
            **self._where(workflow_id, run_id),
            state_id=state_id,
            ordinal=number,
            wait_for_key=None if key is None else check_name("wait_for_key", key),
        )

        def open_output(completion: StateCompletion) -> Any:
            if completion.output is None:
                return None
            what = f"output of {completion.state_execution_id}"
            return unseal(self.converter, completion.output, type_hint, what)

        return self._waits(
            workflow_id,
            timeout,
            send=partial(self._service.wait_for_state, request),
            open=open_output,
            what=f"{name} of workflow {workflow_id!r} has not completed",
        )

    def wait_for_attribute(
        self,
        workflow: WorkflowClass,
        workflow_id: str,
        key: str,
        wanted: Wanted,
        run_id: str | None,
        timeout: Duration | None,
    ) -> Question[AttributeValue]:
        """Wait until a data attribute is what is wanted."""
        definition = self.registry.definition(workflow)
        check_name("attribute key", key)
        wanted.check(
            self.converter,
            definition.attributes.type_of(key),
            f"data attribute {key!r} of {definition.workflow_type}",
        )

        def ask(run_id: str | None, after: int) -> Question[AttributeValue]:
            return self._waits(
                workflow_id,
                timeout,
                send=partial(
                    self._service.wait_for_attribute,
                    AttributeWaitRequest(**self._where(workflow_id, run_id), key=key, after=after),
                ),
                open=look,
                what=f"data attribute {key!r} of workflow {workflow_id!r} is not what is waited for",
            )

        def look(reading: AttributeReading) -> AttributeValue | Question[AttributeValue]:
            value = None if reading.value is None else self._attribute(definition, key, reading.value)
            if not wanted.is_met(reading.revision, value):
                return ask(reading.run_id, reading.revision)
            return AttributeValue(key=key, value=value, revision=reading.revision, run_id=reading.run_id)

        return ask(run_id, wanted.after)

    # --- messages and RPCs ------------------------------------------------------------------------------------

    def invoke_rpc(
        self,
        workflow_id: str,
        rpc: Rpc[Any, Any, Any],
        input: Any,
        type_hint: Any,
        run_id: str | None,
        workflow: WorkflowClass | None = None,
    ) -> Question[Any]:
        """Call an RPC."""
        definition = self.registry.rpc(rpc, workflow)
        request = RpcRequest(
            **self._where(workflow_id, run_id),
            rpc_name=definition.name,
            input=seal_rpc_input(self.converter, definition, input),
            options=definition.options,
        )
        output_type = definition.handler.output_type if type_hint is None else type_hint
        what = f"output of RPC {definition.handler.name}"
        return Question(
            send=partial(self._service.invoke_rpc, request),
            open=lambda payload: unseal(self.converter, payload, output_type, what),
        )

    def signal(
        self, workflow_id: str, channel_name: str, value: object, run_id: str | None, workflow: WorkflowClass | None
    ) -> Question[None]:
        """Send a signal."""
        channel_name = check_name("signal channel name", channel_name)
        value_type: Any = Any
        if workflow is not None:
            value_type = self.registry.definition(workflow).channels[ChannelFamily.SIGNAL].type_of(channel_name)
        payload = seal(self.converter, value, value_type, f"signal {channel_name!r}")
        request = SignalRequest(**self._where(workflow_id, run_id), channel_name=channel_name, value=payload)
        return _plain(partial(self._service.signal, request))

    def publish(
        self, workflow: WorkflowClass, workflow_id: str, messages: Iterable[tuple[str, object]], run_id: str | None
    ) -> Question[None]:
        """Publish to internal channels, all or nothing."""
        channels = self.registry.definition(workflow).channels[ChannelFamily.INTERNAL]
        publications = tuple(
            Publication(
                channel_name=check_name("internal channel name", name),
                value=seal(self.converter, value, channels.type_of(name), f"message for internal channel {name!r}"),
            )
            for name, value in messages
        )
        return _plain(
            partial(self._service.publish, PublishRequest(**self._where(workflow_id, run_id), messages=publications))
        )

    def skip_timer(
        self,
        workflow_id: str,
        state: type[StateClass[Any]] | str,
        number: int,
        run_id: str | None,
        *,
        command_id: str | None = None,
        index: int | None = None,
        workflow: WorkflowClass | None = None,
    ) -> Question[None]:
        """Complete a timer command now."""
        _check_number("state_execution_number", number, 1)
        if index is not None:
            _check_number("timer_command_index", index, 0)
        if command_id is not None:
            check_name("timer command id", command_id)
        request = SkipTimerRequest(
            **self._where(workflow_id, run_id),
            state_execution_id=state_execution_id(self._state_id(workflow, state), number),
            command_id=command_id,
            index=index,
        )
        return _plain(partial(self._service.skip_timer, request))

    # --- attributes -------------------------------------------------------------------------------------------

    def get_attributes(
        self, workflow: WorkflowClass | None, workflow_id: str, keys: Iterable[str] | None, run_id: str | None
    ) -> Question[dict[str, Any]]:
        """Read data attributes, opened as their declared types; without a class as plain JSON values."""
        definition = self._definition(workflow)
        wanted = _keys(keys)
        if definition is not None:
            for key in wanted or ():
                definition.attributes.type_of(key)

        def open_all(payloads: Mapping[str, Payload]) -> dict[str, Any]:
            return {key: self._attribute(definition, key, payload) for key, payload in payloads.items()}

        request = GetAttributesRequest(**self._where(workflow_id, run_id), keys=wanted)
        return Question(send=partial(self._service.get_attributes, request), open=open_all)

    def _attribute(self, definition: WorkflowDefinition | None, key: str, payload: Payload) -> Any:
        # One that an older version of the class wrote and that is declared no longer is told as it is.
        value_type: Any = Any
        if definition is not None and definition.attributes.has(key):
            value_type = definition.attributes.type_of(key)
        return unseal(self.converter, payload, value_type, name_of_attribute(definition, key))

    def get_search_attributes(
        self, workflow: WorkflowClass | None, workflow_id: str, keys: Iterable[str] | None, run_id: str | None
    ) -> Question[dict[str, Any]]:
        """Read search attributes as plain values; a DATETIME as an aware datetime."""
        definition = self._definition(workflow)
        wanted = _keys(keys)
        for key in wanted or ():
            if definition is not None and key not in SYSTEM_KINDS:
                definition.search_attribute_type(key)

        def open_all(attributes: Mapping[str, SearchAttribute]) -> dict[str, Any]:
            # Of all that there are, those that the class knows; without a class what is no system attribute.
            known = wanted or (
                set(attributes) - set(SYSTEM_KINDS) if definition is None else definition.search_attributes
            )
            return {key: search_value(attribute) for key, attribute in attributes.items() if key in known}

        request = GetAttributesRequest(
            **self._where(workflow_id, run_id),
            keys=wanted,
            types={
                **{key: _SYSTEM_TYPES[key] for key in wanted or () if key in _SYSTEM_TYPES},
                **({} if definition is None else definition.search_attributes),
            },
        )
        return Question(send=partial(self._service.get_search_attributes, request), open=open_all)

    def set_attributes(
        self,
        workflow: WorkflowClass | None,
        workflow_id: str,
        run_id: str | None,
        *,
        attributes: Mapping[str, Any] | None = None,
        search_attributes: Mapping[str, Any] | Iterable[SearchAttribute] = (),
    ) -> Question[None]:
        """Write attributes from outside; without a class whatever they are called, and of whatever type."""
        definition = self._definition(workflow)
        request = SetAttributesRequest(
            **self._where(workflow_id, run_id),
            attributes=seal_attributes(self.converter, definition, attributes or {}),
            search_attributes=seal_search_attributes(definition, search_attributes),
        )
        return _plain(partial(self._service.set_attributes, request))

    # --- names and addresses --------------------------------------------------------------------------------------------

    def _state_id(self, workflow: WorkflowClass | None, state: type[StateClass[Any]] | str) -> str:
        """Tell the id of a state; one of a known workflow must be declared there."""
        if workflow is None:
            return check_name("state id", self.registry.state_id(state))
        return self.registry.definition(workflow).state(state).state_id

    def _definition(self, workflow: WorkflowClass | None) -> WorkflowDefinition | None:
        return None if workflow is None else self.registry.definition(workflow)

    def _where(self, workflow_id: str, run_id: str | None) -> dict[str, Any]:
        return {
            "namespace": self._namespace,
            "workflow_id": check_name("workflow id", workflow_id),
            "run_id": check_name("run id", run_id) if run_id else None,
        }

    def _address(self, workflow_id: str, run_id: str | None) -> RunAddress:
        return RunAddress(**self._where(workflow_id, run_id))


def _plain(send: Callable[[], Future[Any]]) -> Question[Any]:
    return Question(send=send, open=_as_it_is)


def _as_it_is(value: Any) -> Any:
    return value


def _keys(keys: Iterable[str] | None) -> tuple[str, ...] | None:
    if keys is None:
        return None
    if isinstance(keys, str):
        raise InvalidArgumentError(f"keys must be a list of str, got the str {keys!r}")
    return tuple(check_name("attribute key", key) for key in keys)


def _text(what: str, text: object) -> str:
    if not isinstance(text, str):
        raise InvalidArgumentError(f"{what} must be a str, got {type(text).__name__} {text!r}")
    return text


def _check_number(what: str, number: object, least: int) -> None:
    if isinstance(number, bool) or not isinstance(number, int) or number < least:
        raise InvalidArgumentError(f"{what} must be {least} or more, got {number!r}")
