"""Options of calls, states and runs, as values.

Names that end in ``_seconds`` are the protocol's; they take a timedelta as well and hold seconds.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from attrs import asdict, evolve, field, frozen

from iwf_py.errors import InvalidArgumentError
from iwf_py.model.durations import Duration, to_seconds
from iwf_py.model.ids import plain
from iwf_py.model.status import ExecutingStateIdMode, PersistenceLoadingType

DEFAULT_ATTEMPT_TIMEOUT = timedelta(seconds=30)


# Named functions, so that type checkers know that a timedelta may be given.


def _initial_interval(value: Duration | None) -> float | None:
    return to_seconds("initial_interval_seconds", value)


def _maximum_interval(value: Duration | None) -> float | None:
    return to_seconds("maximum_interval_seconds", value)


def _maximum_duration(value: Duration | None) -> float | None:
    return to_seconds("maximum_attempts_duration_seconds", value)


def _check_count(what: str, count: object) -> None:
    if count is not None and (isinstance(count, bool) or not isinstance(count, int) or count < 0):
        raise InvalidArgumentError(f"{what} must be a whole number, 0 for no limit, got {count!r}")


def _check_coefficient(coefficient: object) -> None:
    if coefficient is not None and (not isinstance(coefficient, int | float) or not 1 <= coefficient < 1e6):
        raise InvalidArgumentError(f"backoff_coefficient must be at least 1, got {coefficient!r}")


def _check_intervals(initial: float | None, maximum: float | None) -> None:
    if maximum is not None and maximum < (1 if initial is None else initial):
        raise InvalidArgumentError(
            f"maximum_interval_seconds ({maximum}) must not be below initial_interval_seconds "
            f"({1 if initial is None else initial})"
        )


@frozen
class RetryPolicy:
    """
    When a failed call of user code is tried again. None means the default.

    Attributes:
        initial_interval_seconds: Before the second attempt; 1.

        backoff_coefficient: Each further interval is this many times the last; 2.

        maximum_interval_seconds: No interval is longer; 100.

        maximum_attempts: The first included; 0 is no limit, the default.

        maximum_attempts_duration_seconds: From the first attempt on; no attempt starts after it; 0 is no limit, the default.

    Source:
        iWF IDL, RetryPolicy.
    """

    initial_interval_seconds: float | None = field(default=None, converter=_initial_interval)
    backoff_coefficient: float | None = None
    maximum_interval_seconds: float | None = field(default=None, converter=_maximum_interval)
    maximum_attempts: int | None = None
    maximum_attempts_duration_seconds: float | None = field(default=None, converter=_maximum_duration)

    def __attrs_post_init__(self) -> None:
        _check_coefficient(self.backoff_coefficient)
        _check_intervals(self.initial_interval_seconds, self.maximum_interval_seconds)
        _check_count("maximum_attempts", self.maximum_attempts)

    @property
    def is_limited(self) -> bool:
        """Can the attempts be exhausted at all?"""
        return bool(self.maximum_attempts) or bool(self.maximum_attempts_duration_seconds)

    def interval(self, failures: int) -> timedelta:
        """Tell how long to wait after the *failures*-th failure (from 1)."""
        return _interval(
            self.initial_interval_seconds, self.backoff_coefficient, self.maximum_interval_seconds, failures
        )


@frozen
class WorkflowRetryPolicy:
    """
    When a failed run is followed by another of the same workflow id. None means the default, as in `RetryPolicy`.

    Source:
        iWF IDL, WorkflowRetryPolicy.
    """

    initial_interval_seconds: float | None = field(default=None, converter=_initial_interval)
    backoff_coefficient: float | None = None
    maximum_interval_seconds: float | None = field(default=None, converter=_maximum_interval)
    maximum_attempts: int | None = None

    def __attrs_post_init__(self) -> None:
        _check_coefficient(self.backoff_coefficient)
        _check_intervals(self.initial_interval_seconds, self.maximum_interval_seconds)
        _check_count("maximum_attempts", self.maximum_attempts)

    def interval(self, failures: int) -> timedelta:
        """Tell how long to wait after the *failures*-th run failed (from 1)."""
        return _interval(
            self.initial_interval_seconds, self.backoff_coefficient, self.maximum_interval_seconds, failures
        )


def _interval(initial: float | None, coefficient: float | None, maximum: float | None, failures: int) -> timedelta:
    first = 1.0 if initial is None else float(initial)
    factor = 2.0 if coefficient is None else float(coefficient)
    longest = max(100.0, first) if maximum is None else float(maximum)
    try:
        seconds = min(first * factor ** (failures - 1), longest)
    except OverflowError:
        # Such as 3.0 ** 700: many times any interval, but for none at all.
        seconds = longest if first else 0.0
    return timedelta(seconds=seconds)


def _loading_type(kind: PersistenceLoadingType | None) -> PersistenceLoadingType | None:
    try:
        return None if kind is None else PersistenceLoadingType(kind)
    except ValueError:
        raise InvalidArgumentError(
            f"persistence_loading_type must be one of {', '.join(PersistenceLoadingType)}; got {kind!r}"
        ) from None


def _keys(keys: Iterable[str] | None) -> tuple[str, ...]:
    if isinstance(keys, str):
        raise InvalidArgumentError(f"keys must be a list of str, got the str {keys!r}")
    return tuple(map(_key, keys or ()))


def _key(key: object) -> Any:
    # One that has no name yet, as in the body of the class that gives it one, stays what it is.
    return plain(key) if isinstance(key, str) and key else key


@frozen
class PersistenceLoadingPolicy:
    """
    Which attributes a call gets, and which it holds exclusively while it runs, its retries included.

    Attributes:
        persistence_loading_type: LOAD_ALL_WITHOUT_LOCKING when None.

        partial_loading_keys: For the two LOAD_PARTIAL types.

        locking_keys: For the two types with a lock; loaded too. A key need not exist.

        use_key_as_prefix: Each partial key stands for every key that starts with it.

    Source:
        iWF IDL, PersistenceLoadingPolicy.
    """

    persistence_loading_type: PersistenceLoadingType | None = field(default=None, converter=_loading_type)
    partial_loading_keys: tuple[str, ...] = field(default=(), converter=_keys)
    locking_keys: tuple[str, ...] = field(default=(), converter=_keys)
    use_key_as_prefix: bool | None = None

    @property
    def loads(self) -> bool:
        """May it load anything at all?"""
        return self.persistence_loading_type is not PersistenceLoadingType.LOAD_NONE

    @property
    def locks(self) -> tuple[str, ...]:
        """The keys that the call locks; sorted, without repetition."""
        kind = self.persistence_loading_type
        if kind in (
            PersistenceLoadingType.LOAD_PARTIAL_WITH_EXCLUSIVE_LOCK,
            PersistenceLoadingType.LOAD_ALL_WITH_PARTIAL_LOCK,
        ):
            return tuple(sorted(set(self.locking_keys)))
        return ()


LOAD_ALL = PersistenceLoadingPolicy()
LOAD_NONE = PersistenceLoadingPolicy(PersistenceLoadingType.LOAD_NONE)


@frozen(kw_only=True)
class CallOptions:
    """
    How one kind of call of user code is made.

    Attributes:
        timeout: Of one attempt.

        retry: When a failed attempt is followed by another.

        attributes: Which data attributes it loads and locks.

        search_attributes: The same for search attributes; their keys are a space of their own.
    """

    timeout: timedelta = DEFAULT_ATTEMPT_TIMEOUT
    retry: RetryPolicy = RetryPolicy()
    attributes: PersistenceLoadingPolicy = LOAD_ALL
    search_attributes: PersistenceLoadingPolicy = LOAD_ALL


@frozen(kw_only=True)
class StateOptions:
    """
    How a state's calls are made, and what follows when their attempts are exhausted: the engine's form.

    Attributes:
        skip_wait_until: The state has no wait_until; execute is called at once.

        proceed_on_wait_until_failure: Exhausted wait_until: go on to execute, else the run fails.

        failure_state_id: Exhausted execute: open this state with the failed one's input, else the run fails.

        failure_state_options: Of that state.
    """

    skip_wait_until: bool = False
    wait_until: CallOptions = CallOptions()
    execute: CallOptions = CallOptions()
    proceed_on_wait_until_failure: bool = False
    failure_state_id: str | None = None
    failure_state_options: StateOptions | None = None


DEFAULT_STATE_OPTIONS = StateOptions()


@frozen(kw_only=True)
class RpcOptions:
    """
    How an RPC is called.

    Attributes:
        timeout: Of the one attempt, and of waiting for another RPC's locks.

        attributes: Which data attributes it loads and locks.

        search_attributes: The same for search attributes.
    """

    timeout: timedelta = timedelta(seconds=10)
    attributes: PersistenceLoadingPolicy = LOAD_ALL
    search_attributes: PersistenceLoadingPolicy = LOAD_ALL

    @property
    def is_locking(self) -> bool:
        """Does it hold any attribute while it runs?"""
        return bool(self.attributes.locks or self.search_attributes.locks)


@frozen
class WorkflowAlreadyStartedOptions:
    """
    What a start answers when a run of the id stands in its way.

    Attributes:
        ignore_already_started_error: Answer that run's id instead of an error.

        request_id: Only when that run was started with this same request id.
    """

    ignore_already_started_error: bool
    request_id: str | None = None


@frozen(kw_only=True)
class WorkflowConfig:
    """
    Settings of a run that the protocol knows; stored, echoed, and used where they mean something here.

    Source:
        iWF IDL, WorkflowConfig.
    """

    executing_state_id_mode: ExecutingStateIdMode | None = None
    continue_as_new_threshold: int | None = None
    continue_as_new_page_size_in_bytes: int | None = None
    optimize_activity: bool | None = None
    optimize_timer: bool | None = None

    def merged(self, update: WorkflowConfig) -> WorkflowConfig:
        """With whatever *update* says instead of what is here; None says nothing."""
        return evolve(self, **{name: value for name, value in asdict(update).items() if value is not None})


DEFAULT_CONFIG = WorkflowConfig()


@frozen
class CronSchedule:
    """
    When a workflow runs again and again.

    Attributes:
        expression: As crontab(5) has it: minute, hour, day of month, month, day of week; or ``@daily`` and its like.
            A zone may stand before it, as in ``CRON_TZ=Europe/Berlin 0 9 * * *``, instead of *time_zone*.

        time_zone: The IANA name of the zone whose clock *expression* means.
    """

    expression: str
    time_zone: str = "UTC"

    def __attrs_post_init__(self) -> None:
        for name, value in (("expression", self.expression), ("time_zone", self.time_zone)):
            given: object = value
            if not isinstance(given, str):
                raise InvalidArgumentError(f"{name} of a CronSchedule is a str, got {given!r}")


@frozen(kw_only=True)
class Chain:
    """
    What links a run to those before it.

    Attributes:
        first_run_id: The first run; its id is what user code sees as the workflow's run id, through all retries.

        run_attempt: 1 for the first run of a chain of retries.

        deadline: When the whole chain times out, or None.

        previous_run_id: The run that this one follows.

        reason: "retry", "terminate", "cron" or "reset", why it follows.
    """

    first_run_id: str
    run_attempt: int = 1
    deadline: datetime | None = None
    previous_run_id: str | None = None
    reason: str | None = None
