"""Options of states, runs and RPCs on the wire, both ways.

Older names are read: where a timeout, a retry policy, a failure policy or the skipping of wait_until is given
under both, the older one wins, as in the original; of loading policies the more special one, and the newer name. Only
names of today are written, and only what is not the default.

Source:
    The iWF protocol's sections on attempts, failure policies, loading policies, cron and WorkflowConfig.
"""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any, TypeVar

from iwf_py.model.options import (
    DEFAULT_ATTEMPT_TIMEOUT,
    DEFAULT_STATE_OPTIONS,
    LOAD_ALL,
    CallOptions,
    CronSchedule,
    PersistenceLoadingPolicy,
    RetryPolicy,
    RpcOptions,
    StateOptions,
    WorkflowAlreadyStartedOptions,
    WorkflowConfig,
    WorkflowRetryPolicy,
)
from iwf_py.model.status import (
    ExecuteApiFailurePolicy,
    ExecutingStateIdMode,
    IDReusePolicy,
    WaitUntilApiFailurePolicy,
)
from iwf_py.wire.protocol import ID_REUSE_POLICIES, START_API_FAILURE_POLICIES, WORKFLOW_ID_REUSE_POLICIES
from iwf_py.wire.shapes import Json
from iwf_py.wire.values import whole_seconds

AnyRetry = TypeVar("AnyRetry", RetryPolicy, WorkflowRetryPolicy)

# What a wait, and an RPC, may take at the most, and does where it says nothing.
MAX_WAIT = timedelta(seconds=60)

_DEFAULT_RETRY = RetryPolicy()
_DEFAULT_CALL = CallOptions()
# The fields of a state's options that say how its calls are made: most workers send none of them, with every movement.
_OF_CALLS = frozenset(
    [
        *(
            f"{name}Api{what}"
            for name in ("waitUntil", "start", "execute", "decide")
            for what in ("TimeoutSeconds", "RetryPolicy")
        ),
        *(
            f"{name}Api{what}AttributesLoadingPolicy"
            for name in ("waitUntil", "execute")
            for what in ("Data", "Search")
        ),
        "dataAttributesLoadingPolicy",
        "dataObjectsLoadingPolicy",
        "searchAttributesLoadingPolicy",
    ]
)

# The options that were read, by what was read: their values are of plain types, and each field has but one.
_MOST_REMEMBERED = 1024
_MOST_CHARACTERS = 4_096
_remembered: dict[str, StateOptions] = {}

_ZONE = re.compile(r"(?:CRON_)?TZ=(\S+)\s+(.*)", re.DOTALL)


# Retries.


def read_retry(value: Json | None) -> RetryPolicy:
    """
    Read the retry policy of a call.

    Errors:
        InvalidArgumentError: It is out of bounds, such as a coefficient below 1.
    """
    if value is None:
        return _DEFAULT_RETRY
    return RetryPolicy(
        **_intervals(value), maximum_attempts_duration_seconds=value.get("maximumAttemptsDurationSeconds")
    )


def read_workflow_retry(value: Json | None) -> WorkflowRetryPolicy | None:
    """Read the retry policy of a workflow; without one it is not retried. Errors as `read_retry`."""
    return None if value is None else WorkflowRetryPolicy(**_intervals(value))


def _intervals(value: Json) -> dict[str, Any]:
    return {
        "initial_interval_seconds": value.get("initialIntervalSeconds"),
        "backoff_coefficient": value.get("backoffCoefficient"),
        "maximum_interval_seconds": value.get("maximumIntervalSeconds"),
        "maximum_attempts": value.get("maximumAttempts"),
    }


def write_retry(policy: RetryPolicy) -> Json | None:
    """Write the retry policy of a call; None for the default one."""
    if policy == RetryPolicy():
        return None
    duration = _seconds(policy.maximum_attempts_duration_seconds)
    return {**_written_intervals(policy), "maximumAttemptsDurationSeconds": duration}


def write_workflow_retry(policy: WorkflowRetryPolicy | None) -> Json | None:
    """Write the retry policy of a workflow."""
    return None if policy is None else _written_intervals(policy)


def _written_intervals(policy: RetryPolicy | WorkflowRetryPolicy) -> Json:
    return {
        "initialIntervalSeconds": _seconds(policy.initial_interval_seconds),
        "backoffCoefficient": policy.backoff_coefficient,
        "maximumIntervalSeconds": _seconds(policy.maximum_interval_seconds),
        "maximumAttempts": policy.maximum_attempts,
    }


def _seconds(seconds: float | None) -> int | None:
    return None if seconds is None else whole_seconds(timedelta(seconds=seconds))


# Loading policies.


def read_loading(value: Json | None) -> PersistenceLoadingPolicy:
    """Read a loading policy; none, or one without a type, loads everything and locks nothing."""
    if value is None:
        return LOAD_ALL
    return PersistenceLoadingPolicy(
        value.get("persistenceLoadingType"),
        value.get("partialLoadingKeys"),
        value.get("lockingKeys"),
        value.get("useKeyAsPrefix"),
    )


def write_loading(policy: PersistenceLoadingPolicy) -> Json | None:
    """Write a loading policy; None for the default one."""
    if policy == LOAD_ALL:
        return None
    return {
        "persistenceLoadingType": policy.persistence_loading_type,
        "partialLoadingKeys": policy.partial_loading_keys or None,
        "lockingKeys": policy.locking_keys or None,
        "useKeyAsPrefix": policy.use_key_as_prefix,
    }


# States.


def read_state_options(value: Json | None) -> StateOptions | None:
    """
    Read a state's options; None where they say nothing. Errors as `read_retry`.

    The same ones give the same object, as far as is remembered: a worker sends them again with every movement.
    """
    if value is None:
        return None
    text = repr(value)
    known = _remembered.get(text)
    if known is not None:
        return known
    options = _state_options(value)
    if options is not None and len(text) <= _MOST_CHARACTERS:
        if len(_remembered) >= _MOST_REMEMBERED:
            _remembered.clear()
        _remembered[text] = options
    return options


def _state_options(value: Json) -> StateOptions | None:
    policy = value.get("executeApiFailurePolicy")
    failure_state_id = value.get("executeApiFailureProceedStateId") or None
    proceeds = policy == ExecuteApiFailurePolicy.PROCEED_TO_CONFIGURED_STATE and failure_state_id is not None
    options = StateOptions(
        skip_wait_until=bool(_older_first(value, "skipStartApi", "skipWaitUntil")),
        wait_until=_call_options(value, "waitUntil", "start"),
        execute=_call_options(value, "execute", "decide"),
        proceed_on_wait_until_failure=_proceeds_on_wait_until_failure(value),
        failure_state_id=failure_state_id if proceeds else None,
        failure_state_options=read_state_options(value.get("executeApiFailureProceedStateOptions"))
        if proceeds
        else None,
    )
    return None if options == DEFAULT_STATE_OPTIONS else options


def _call_options(value: Json, name: str, older: str) -> CallOptions:
    if _OF_CALLS.isdisjoint(value):
        return _DEFAULT_CALL
    seconds = _older_first(value, f"{older}ApiTimeoutSeconds", f"{name}ApiTimeoutSeconds")
    return CallOptions(
        # The default also where it is 0 or less.
        timeout=timedelta(seconds=seconds) if seconds is not None and seconds > 0 else DEFAULT_ATTEMPT_TIMEOUT,
        retry=read_retry(_older_first(value, f"{older}ApiRetryPolicy", f"{name}ApiRetryPolicy")),
        attributes=read_loading(
            _first(
                value,
                f"{name}ApiDataAttributesLoadingPolicy",
                "dataAttributesLoadingPolicy",
                "dataObjectsLoadingPolicy",
            )
        ),
        search_attributes=read_loading(
            _first(value, f"{name}ApiSearchAttributesLoadingPolicy", "searchAttributesLoadingPolicy")
        ),
    )


def _first(value: Json, *names: str) -> Any:
    return next((value[name] for name in names if name in value), None)


def _older_first(value: Json, older: str, newer: str) -> Any:
    return _first(value, older, newer)


def _proceeds_on_wait_until_failure(value: Json) -> bool:
    older = value.get("startApiFailurePolicy")
    policy = value.get("waitUntilApiFailurePolicy") if older is None else START_API_FAILURE_POLICIES[older]
    return bool(policy == WaitUntilApiFailurePolicy.PROCEED_ON_FAILURE)


def write_state_options(options: StateOptions | None) -> Json | None:
    """Write a state's options; None for the default ones."""
    if options is None or options == DEFAULT_STATE_OPTIONS:
        return None
    wait_until, execute = options.wait_until, options.execute
    proceeds = options.failure_state_id is not None
    return {
        **_loading_fields("SearchAttributes", wait_until.search_attributes, execute.search_attributes),
        **_loading_fields("DataAttributes", wait_until.attributes, execute.attributes),
        "waitUntilApiTimeoutSeconds": _timeout(wait_until),
        "executeApiTimeoutSeconds": _timeout(execute),
        "waitUntilApiRetryPolicy": write_retry(wait_until.retry),
        "executeApiRetryPolicy": write_retry(execute.retry),
        "waitUntilApiFailurePolicy": WaitUntilApiFailurePolicy.PROCEED_ON_FAILURE
        if options.proceed_on_wait_until_failure
        else None,
        "executeApiFailurePolicy": ExecuteApiFailurePolicy.PROCEED_TO_CONFIGURED_STATE if proceeds else None,
        "executeApiFailureProceedStateId": options.failure_state_id,
        "executeApiFailureProceedStateOptions": write_state_options(options.failure_state_options)
        if proceeds
        else None,
        "skipWaitUntil": options.skip_wait_until or None,
    }


def _loading_fields(what: str, wait_until: PersistenceLoadingPolicy, execute: PersistenceLoadingPolicy) -> Json:
    if wait_until == execute:
        # The common name: servers and workers that know no other read it.
        return {f"{what[0].lower()}{what[1:]}LoadingPolicy": write_loading(execute)}
    return {
        f"waitUntilApi{what}LoadingPolicy": write_loading(wait_until),
        f"executeApi{what}LoadingPolicy": write_loading(execute),
    }


def _timeout(call: CallOptions) -> int | None:
    return None if call.timeout == DEFAULT_ATTEMPT_TIMEOUT else max(1, whole_seconds(call.timeout))


# RPCs.


def read_rpc_options(value: Json, longest: timedelta = MAX_WAIT) -> RpcOptions:
    """
    Read how an RPC is called, from its request.

    As soon as one of the two policies locks, the locking keys of both count, whatever the type of the other is.

    Args:
        longest: Its timeout where it names none, or a longer one.
    """
    attributes = read_loading(value.get("dataAttributesLoadingPolicy"))
    search_attributes = read_loading(value.get("searchAttributesLoadingPolicy"))
    return RpcOptions(
        timeout=read_wait(value.get("timeoutSeconds"), longest),
        attributes=attributes,
        search_attributes=search_attributes,
    )


def read_wait(seconds: int | None, longest: timedelta = MAX_WAIT) -> timedelta:
    """Tell how long to wait: so many seconds where they are given, more than 0 and less than *longest*; else that."""
    if seconds is None or not 0 < seconds < longest.total_seconds():
        return longest
    return timedelta(seconds=seconds)


# Runs.


def read_config(value: Json | None) -> WorkflowConfig:
    """Read settings of a run; what is not given says nothing."""
    value = value or {}
    mode = value.get("executingStateIdMode")
    return WorkflowConfig(
        executing_state_id_mode=None if mode is None else ExecutingStateIdMode(mode),
        continue_as_new_threshold=value.get("continueAsNewThreshold"),
        continue_as_new_page_size_in_bytes=value.get("continueAsNewPageSizeInBytes"),
        optimize_activity=value.get("optimizeActivity"),
        optimize_timer=value.get("optimizeTimer"),
    )


def write_config(config: WorkflowConfig) -> Json:
    """Write settings of a run."""
    return {
        "executingStateIdMode": config.executing_state_id_mode,
        "continueAsNewThreshold": config.continue_as_new_threshold,
        "continueAsNewPageSizeInBytes": config.continue_as_new_page_size_in_bytes,
        "optimizeActivity": config.optimize_activity,
        "optimizeTimer": config.optimize_timer,
    }


def read_id_reuse_policy(options: Json) -> IDReusePolicy:
    """Read when the workflow id may be used again; of both spellings the newer one wins."""
    word, older = options.get("idReusePolicy"), options.get("workflowIDReusePolicy")
    if word is not None:
        return ID_REUSE_POLICIES[word]
    return IDReusePolicy.ALLOW_IF_NO_RUNNING if older is None else WORKFLOW_ID_REUSE_POLICIES[older]


def read_already_started(value: Json | None) -> WorkflowAlreadyStartedOptions | None:
    """Read what a start answers when a run stands in its way; an empty request id is none."""
    if value is None:
        return None
    return WorkflowAlreadyStartedOptions(value["ignoreAlreadyStartedError"], value.get("requestId") or None)


def write_already_started(options: WorkflowAlreadyStartedOptions | None) -> Json | None:
    """Write what a start answers when a run stands in its way."""
    if options is None:
        return None
    return {
        "ignoreAlreadyStartedError": options.ignore_already_started_error,
        "requestId": options.request_id,
    }


def read_cron(text: str | None) -> CronSchedule | None:
    """
    Read a cron schedule: an expression, which ``CRON_TZ=Europe/Berlin`` or ``TZ=...`` may precede. Empty is none.

    Whether the expression and the zone are any is the calendar's question.
    """
    if not text or not text.strip():
        return None
    zone = _ZONE.fullmatch(text.strip())
    return CronSchedule(expression=zone[2], time_zone=zone[1]) if zone else CronSchedule(expression=text.strip())


def write_cron(schedule: CronSchedule | None) -> str | None:
    """Write a cron schedule."""
    if schedule is None:
        return None
    if schedule.time_zone == "UTC":
        return schedule.expression
    return f"CRON_TZ={schedule.time_zone} {schedule.expression}"
