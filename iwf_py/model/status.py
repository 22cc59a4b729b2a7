"""The enumerations of the protocol: their members are spelt as on the wire.

Source:
    iWF IDL; the iWF protocol's section on enums.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum


class WorkflowStatus(StrEnum):
    """How a run stands."""

    RUNNING = "RUNNING"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    TIMEOUT = "TIMEOUT"
    TERMINATED = "TERMINATED"
    CANCELED = "CANCELED"
    CONTINUED_AS_NEW = "CONTINUED_AS_NEW"


class WorkflowErrorType(StrEnum):
    """Why a run failed."""

    STATE_DECISION_FAILING_WORKFLOW_ERROR_TYPE = "STATE_DECISION_FAILING_WORKFLOW_ERROR_TYPE"
    CLIENT_API_FAILING_WORKFLOW_ERROR_TYPE = "CLIENT_API_FAILING_WORKFLOW_ERROR_TYPE"
    STATE_API_FAIL_ERROR_TYPE = "STATE_API_FAIL_ERROR_TYPE"
    INVALID_USER_WORKFLOW_CODE_ERROR_TYPE = "INVALID_USER_WORKFLOW_CODE_ERROR_TYPE"
    RPC_ACQUIRE_LOCK_FAILURE = "RPC_ACQUIRE_LOCK_FAILURE"
    SERVER_INTERNAL_ERROR_TYPE = "SERVER_INTERNAL_ERROR_TYPE"


class ErrorSubStatus(StrEnum):
    """Why a request was refused."""

    UNCATEGORIZED_SUB_STATUS = "UNCATEGORIZED_SUB_STATUS"
    WORKFLOW_ALREADY_STARTED_SUB_STATUS = "WORKFLOW_ALREADY_STARTED_SUB_STATUS"
    WORKFLOW_NOT_EXISTS_SUB_STATUS = "WORKFLOW_NOT_EXISTS_SUB_STATUS"
    WORKER_API_ERROR = "WORKER_API_ERROR"
    LONG_POLL_TIME_OUT_SUB_STATUS = "LONG_POLL_TIME_OUT_SUB_STATUS"


class WorkflowStopType(StrEnum):
    """How a client stops a run."""

    CANCEL = "CANCEL"
    TERMINATE = "TERMINATE"
    FAIL = "FAIL"


class WorkflowResetType(StrEnum):
    """To which point of a run's past a client goes back."""

    BEGINNING = "BEGINNING"
    HISTORY_EVENT_ID = "HISTORY_EVENT_ID"
    HISTORY_EVENT_TIME = "HISTORY_EVENT_TIME"
    STATE_ID = "STATE_ID"
    STATE_EXECUTION_ID = "STATE_EXECUTION_ID"


class IDReusePolicy(StrEnum):
    """When a workflow id may be started again."""

    ALLOW_IF_NO_RUNNING = "ALLOW_IF_NO_RUNNING"
    ALLOW_IF_PREVIOUS_EXITS_ABNORMALLY = "ALLOW_IF_PREVIOUS_EXITS_ABNORMALLY"
    DISALLOW_REUSE = "DISALLOW_REUSE"
    ALLOW_TERMINATE_IF_RUNNING = "ALLOW_TERMINATE_IF_RUNNING"
    # The spelling of older interface descriptions: an alias of the member above.
    ALLOW_IF_PREVIOUS_EXISTS_ABNORMALLY = "ALLOW_IF_PREVIOUS_EXITS_ABNORMALLY"

    @classmethod
    def _missing_(cls, value: object) -> IDReusePolicy | None:
        """Understand older spellings, as text or as members of `WorkflowIDReusePolicy`."""
        if not isinstance(value, str):
            return None
        return cls.__members__.get(value) or _OF_LEGACY.get(value)


class WorkflowIDReusePolicy(StrEnum):
    """The older words for `IDReusePolicy`; taken wherever that is."""

    ALLOW_DUPLICATE = "ALLOW_DUPLICATE"
    ALLOW_DUPLICATE_FAILED_ONLY = "ALLOW_DUPLICATE_FAILED_ONLY"
    REJECT_DUPLICATE = "REJECT_DUPLICATE"
    TERMINATE_IF_RUNNING = "TERMINATE_IF_RUNNING"

    @property
    def id_reuse_policy(self) -> IDReusePolicy:
        """What it is called today."""
        return _OF_LEGACY[self]


_OF_LEGACY: Mapping[str, IDReusePolicy] = {
    WorkflowIDReusePolicy.ALLOW_DUPLICATE: IDReusePolicy.ALLOW_IF_NO_RUNNING,
    WorkflowIDReusePolicy.ALLOW_DUPLICATE_FAILED_ONLY: IDReusePolicy.ALLOW_IF_PREVIOUS_EXITS_ABNORMALLY,
    WorkflowIDReusePolicy.REJECT_DUPLICATE: IDReusePolicy.DISALLOW_REUSE,
    WorkflowIDReusePolicy.TERMINATE_IF_RUNNING: IDReusePolicy.ALLOW_TERMINATE_IF_RUNNING,
}


class ChannelRequestStatus(StrEnum):
    """Whether a channel command got what it waited for."""

    WAITING = "WAITING"
    RECEIVED = "RECEIVED"


class TimerStatus(StrEnum):
    """Whether a timer command is over; a skipped timer is FIRED."""

    SCHEDULED = "SCHEDULED"
    FIRED = "FIRED"


class CommandWaitingType(StrEnum):
    """When a state's commands are satisfied."""

    ALL_COMPLETED = "ALL_COMPLETED"
    ANY_COMPLETED = "ANY_COMPLETED"
    ANY_COMBINATION_COMPLETED = "ANY_COMBINATION_COMPLETED"


class PersistenceLoadingType(StrEnum):
    """Which attributes a call gets, and which it locks."""

    LOAD_ALL_WITHOUT_LOCKING = "LOAD_ALL_WITHOUT_LOCKING"
    LOAD_PARTIAL_WITHOUT_LOCKING = "LOAD_PARTIAL_WITHOUT_LOCKING"
    LOAD_PARTIAL_WITH_EXCLUSIVE_LOCK = "LOAD_PARTIAL_WITH_EXCLUSIVE_LOCK"
    LOAD_ALL_WITH_PARTIAL_LOCK = "LOAD_ALL_WITH_PARTIAL_LOCK"
    LOAD_NONE = "LOAD_NONE"


class SearchAttributeValueType(StrEnum):
    """The type of a search attribute."""

    KEYWORD = "KEYWORD"
    TEXT = "TEXT"
    DATETIME = "DATETIME"
    INT = "INT"
    DOUBLE = "DOUBLE"
    BOOL = "BOOL"
    KEYWORD_ARRAY = "KEYWORD_ARRAY"


class WaitUntilApiFailurePolicy(StrEnum):
    """What follows when wait_until's attempts are exhausted."""

    FAIL_WORKFLOW_ON_FAILURE = "FAIL_WORKFLOW_ON_FAILURE"
    PROCEED_ON_FAILURE = "PROCEED_ON_FAILURE"


class ExecuteApiFailurePolicy(StrEnum):
    """What follows when execute's attempts are exhausted."""

    FAIL_WORKFLOW_ON_EXECUTE_API_FAILURE = "FAIL_WORKFLOW_ON_EXECUTE_API_FAILURE"
    PROCEED_TO_CONFIGURED_STATE = "PROCEED_TO_CONFIGURED_STATE"


class WorkflowConditionalCloseType(StrEnum):
    """Under which condition a decision closes the run instead of moving on."""

    FORCE_COMPLETE_ON_INTERNAL_CHANNEL_EMPTY = "FORCE_COMPLETE_ON_INTERNAL_CHANNEL_EMPTY"
    FORCE_COMPLETE_ON_SIGNAL_CHANNEL_EMPTY = "FORCE_COMPLETE_ON_SIGNAL_CHANNEL_EMPTY"
    GRACEFUL_COMPLETE_ON_ALL_CHANNELS_EMPTY = "GRACEFUL_COMPLETE_ON_ALL_CHANNELS_EMPTY"


class ExecutingStateIdMode(StrEnum):
    """When the built-in search attribute of executing states is kept."""

    DISABLED = "DISABLED"
    ENABLED_FOR_ALL = "ENABLED_FOR_ALL"
    ENABLED_FOR_STATES_WITH_WAIT_UNTIL = "ENABLED_FOR_STATES_WITH_WAIT_UNTIL"


class ChannelFamily(StrEnum):
    """Signals come from clients, internal messages from states, RPCs and clients; the two are separate name spaces."""

    SIGNAL = "SIGNAL"
    INTERNAL = "INTERNAL"


class Phase(StrEnum):
    """
    Where a state execution stands.

    DELAYED waits for the run's start delay; WAITING for its commands. WAIT_UNTIL and EXECUTE are calls of
    user code, made as soon as the call's attribute locks are held. RPC stands in fences only.
    """

    DELAYED = "DELAYED"
    WAIT_UNTIL = "WAIT_UNTIL"
    WAITING = "WAITING"
    EXECUTE = "EXECUTE"
    RPC = "RPC"
