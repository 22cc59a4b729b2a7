"""A state's options in the engine's form, and what keeps options from having one."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from iwf_py.authoring.state_class import StateClass
from iwf_py.authoring.workflow_state_options import WorkflowStateOptions
from iwf_py.errors import InvalidArgumentError
from iwf_py.model.durations import Duration, to_timedelta
from iwf_py.model.options import (
    DEFAULT_ATTEMPT_TIMEOUT,
    DEFAULT_STATE_OPTIONS,
    LOAD_ALL,
    CallOptions,
    PersistenceLoadingPolicy,
    RetryPolicy,
    StateOptions,
)
from iwf_py.model.status import WaitUntilApiFailurePolicy


def option_problems(options: WorkflowStateOptions) -> list[str]:
    """Say what is wrong with options by themselves: values of a wrong type or out of bounds, policies that never apply."""
    return [*_misfits(options), *_policies_without_limit(options), *_spellings_that_differ(options)]


def _misfits(options: WorkflowStateOptions) -> Iterator[str]:
    expected = {"retry_policy": RetryPolicy, "loading_policy": PersistenceLoadingPolicy}
    for name, value in vars(options).items():
        for ending, kind in expected.items():
            if name.endswith(ending) and value is not None and not isinstance(value, kind):
                yield f"option {name} takes a {kind.__name__}, got {value!r}"
        if name.endswith("timeout_seconds") and value is not None:
            try:
                to_timedelta(f"option {name}", value)
            except InvalidArgumentError as error:
                yield str(error)
    policy: object = options.failure_policy
    if policy is not None and not isinstance(policy, bool | WaitUntilApiFailurePolicy):
        yield (
            "option proceed_to_execute_when_wait_until_retry_exhausted takes a bool or a WaitUntilApiFailurePolicy, "
            f"got {policy!r}"
        )
    target: object = options.failure_state
    if not (target is None or isinstance(target, str) or (isinstance(target, type) and issubclass(target, StateClass))):
        yield f"option proceed_to_state_when_execute_retry_exhausted takes a state class or a state id, got {target!r}"


def _policies_without_limit(options: WorkflowStateOptions) -> Iterator[str]:
    # True and both members need it; False only says what happens anyway.
    if options.failure_policy not in (None, False) and not _is_limited(options.wait_until_api_retry_policy):
        yield (
            "option proceed_to_execute_when_wait_until_retry_exhausted has no effect while wait_until is retried without "
            "end; give wait_until_api_retry_policy maximum_attempts or maximum_attempts_duration_seconds"
        )
    if options.failure_state is not None and not _is_limited(options.execute_api_retry_policy):
        yield (
            "option proceed_to_state_when_execute_retry_exhausted has no effect while execute is retried without end; "
            "give execute_api_retry_policy maximum_attempts or maximum_attempts_duration_seconds"
        )


def _is_limited(policy: RetryPolicy | None) -> bool:
    return isinstance(policy, RetryPolicy) and policy.is_limited


def _spellings_that_differ(options: WorkflowStateOptions) -> Iterator[str]:
    for old, new in (
        ("wait_until_api_failure_policy", "proceed_to_execute_when_wait_until_retry_exhausted"),
        ("execute_failure_handling_state", "proceed_to_state_when_execute_retry_exhausted"),
    ):
        values = (getattr(options, old), getattr(options, new))
        if None not in values and values[0] != values[1]:
            yield f"options {old} and {new} are two spellings of one thing, and differ; give the second only"


def compile_options(
    options: WorkflowStateOptions, *, skip_wait_until: bool, failure: tuple[str, StateOptions] | None
) -> StateOptions:
    """
    Give options without problems the engine's form.

    Args:
        failure: The id and the options of the state that follows an exhausted execute, or None.
    """
    failure_id, failure_options = failure or (None, None)
    return StateOptions(
        skip_wait_until=skip_wait_until,
        wait_until=CallOptions(
            timeout=_timeout(options.wait_until_api_timeout_seconds),
            retry=options.wait_until_api_retry_policy or RetryPolicy(),
            attributes=options.wait_until_api_data_attributes_loading_policy
            or options.data_attributes_loading_policy
            or LOAD_ALL,
            search_attributes=options.wait_until_api_search_attributes_loading_policy
            or options.search_attributes_loading_policy
            or LOAD_ALL,
        ),
        execute=CallOptions(
            timeout=_timeout(options.execute_api_timeout_seconds),
            retry=options.execute_api_retry_policy or RetryPolicy(),
            attributes=options.execute_api_data_attributes_loading_policy
            or options.data_attributes_loading_policy
            or LOAD_ALL,
            search_attributes=options.execute_api_search_attributes_loading_policy
            or options.search_attributes_loading_policy
            or LOAD_ALL,
        ),
        proceed_on_wait_until_failure=options.failure_policy in (True, WaitUntilApiFailurePolicy.PROCEED_ON_FAILURE),
        failure_state_id=failure_id,
        failure_state_options=None if failure_options == DEFAULT_STATE_OPTIONS else failure_options,
    )


def _timeout(seconds: Duration | None) -> timedelta:
    # The protocol's 0 asks for the default, too.
    return to_timedelta("timeout", seconds or 0) or DEFAULT_ATTEMPT_TIMEOUT
