"""The types of the protocol, said once: field names, kinds, and which are always written.

Names of today first, then the older ones that are still read. Fields that only this package has are
marked; others ignore them.

Source:
    iWF IDL; the iWF protocol's section on schemas.
"""

from __future__ import annotations

from iwf_py.model.status import (
    ChannelFamily,
    ChannelRequestStatus,
    CommandWaitingType,
    ErrorSubStatus,
    ExecuteApiFailurePolicy,
    ExecutingStateIdMode,
    IDReusePolicy,
    PersistenceLoadingType,
    SearchAttributeValueType,
    TimerStatus,
    WaitUntilApiFailurePolicy,
    WorkflowConditionalCloseType,
    WorkflowErrorType,
    WorkflowResetType,
    WorkflowStatus,
    WorkflowStopType,
)
from iwf_py.wire.shapes import BOOL, DOUBLE, INT32, INT64, TEXT, Field, Shape, enum, later, list_of, map_of, required

# Enumerations of older interface descriptions, with what their words mean today.
DECIDER_TRIGGER_TYPES = {
    "ALL_COMMAND_COMPLETED": CommandWaitingType.ALL_COMPLETED,
    "ANY_COMMAND_COMPLETED": CommandWaitingType.ANY_COMPLETED,
    "ANY_COMMAND_COMBINATION_COMPLETED": CommandWaitingType.ANY_COMBINATION_COMPLETED,
}
START_API_FAILURE_POLICIES = {
    "FAIL_WORKFLOW_ON_START_API_FAILURE": WaitUntilApiFailurePolicy.FAIL_WORKFLOW_ON_FAILURE,
    "PROCEED_TO_DECIDE_ON_START_API_FAILURE": WaitUntilApiFailurePolicy.PROCEED_ON_FAILURE,
}
WORKFLOW_ID_REUSE_POLICIES = {
    "ALLOW_DUPLICATE_FAILED_ONLY": IDReusePolicy.ALLOW_IF_PREVIOUS_EXITS_ABNORMALLY,
    "ALLOW_DUPLICATE": IDReusePolicy.ALLOW_IF_NO_RUNNING,
    "REJECT_DUPLICATE": IDReusePolicy.DISALLOW_REUSE,
    "TERMINATE_IF_RUNNING": IDReusePolicy.ALLOW_TERMINATE_IF_RUNNING,
}
WORKFLOW_ERROR_TYPES = {
    "STATE_API_FAIL_MAX_OUT_RETRY_ERROR_TYPE": WorkflowErrorType.STATE_API_FAIL_ERROR_TYPE,
}
# With its misspelt alias.
ID_REUSE_POLICIES = dict(IDReusePolicy.__members__)

_TEXTS = list_of(TEXT)

# Values.

ENCODED_OBJECT = Shape(
    "EncodedObject",
    Field("encoding", TEXT),
    Field("data", TEXT),
    Field("extStoreId", TEXT),
    Field("extPath", TEXT),
)
_OBJECT = ENCODED_OBJECT.kind

KEY_VALUE = Shape(
    "KeyValue",
    Field("key", TEXT),
    Field("value", _OBJECT),
    # Ours: the key is to be deleted. Others store it without a value, which reads the same.
    Field("deleted", BOOL),
)
_KEY_VALUES = list_of(KEY_VALUE.kind)

_VALUE_TYPE = enum("SearchAttributeValueType", SearchAttributeValueType)
SEARCH_ATTRIBUTE = Shape(
    "SearchAttribute",
    Field("key", TEXT),
    Field("valueType", _VALUE_TYPE),
    Field("stringValue", TEXT),
    Field("integerValue", INT64),
    Field("doubleValue", DOUBLE),
    Field("boolValue", BOOL),
    Field("stringArrayValue", _TEXTS),
    # Ours, as above; others take an attribute without a type for a mistake.
    Field("deleted", BOOL),
)
_SEARCH_ATTRIBUTES = list_of(SEARCH_ATTRIBUTE.kind)

SEARCH_ATTRIBUTE_KEY = Shape("SearchAttributeKeyAndType", Field("key", TEXT), Field("valueType", _VALUE_TYPE))
_SEARCH_ATTRIBUTE_KEYS = list_of(SEARCH_ATTRIBUTE_KEY.kind)

PUBLISHING = Shape("InterStateChannelPublishing", required("channelName", TEXT), Field("value", _OBJECT))
_PUBLISHINGS = list_of(PUBLISHING.kind)

# Options.

_RETRY_FIELDS = (
    Field("initialIntervalSeconds", INT32),
    Field("backoffCoefficient", DOUBLE),
    Field("maximumIntervalSeconds", INT32),
    Field("maximumAttempts", INT32),
)
RETRY_POLICY = Shape("RetryPolicy", *_RETRY_FIELDS, Field("maximumAttemptsDurationSeconds", INT32))
WORKFLOW_RETRY_POLICY = Shape("WorkflowRetryPolicy", *_RETRY_FIELDS)

LOADING_POLICY = Shape(
    "PersistenceLoadingPolicy",
    Field("persistenceLoadingType", enum("PersistenceLoadingType", PersistenceLoadingType)),
    Field("partialLoadingKeys", _TEXTS),
    Field("lockingKeys", _TEXTS),
    Field("useKeyAsPrefix", BOOL),
    Field("lazyLoadingLargeDataAttributes", BOOL),
)

STATE_OPTIONS: Shape = Shape(
    "WorkflowStateOptions",
    Field("searchAttributesLoadingPolicy", LOADING_POLICY.kind),
    Field("waitUntilApiSearchAttributesLoadingPolicy", LOADING_POLICY.kind),
    Field("executeApiSearchAttributesLoadingPolicy", LOADING_POLICY.kind),
    Field("dataAttributesLoadingPolicy", LOADING_POLICY.kind),
    Field("waitUntilApiDataAttributesLoadingPolicy", LOADING_POLICY.kind),
    Field("executeApiDataAttributesLoadingPolicy", LOADING_POLICY.kind),
    Field("waitUntilApiTimeoutSeconds", INT32),
    Field("executeApiTimeoutSeconds", INT32),
    Field("waitUntilApiRetryPolicy", RETRY_POLICY.kind),
    Field("executeApiRetryPolicy", RETRY_POLICY.kind),
    Field("waitUntilApiFailurePolicy", enum("WaitUntilApiFailurePolicy", WaitUntilApiFailurePolicy)),
    Field("executeApiFailurePolicy", enum("ExecuteApiFailurePolicy", ExecuteApiFailurePolicy)),
    Field("executeApiFailureProceedStateId", TEXT),
    Field("executeApiFailureProceedStateOptions", later(lambda: STATE_OPTIONS)),
    Field("skipWaitUntil", BOOL),
    Field("dataObjectsLoadingPolicy", LOADING_POLICY.kind),
    Field("startApiTimeoutSeconds", INT32),
    Field("decideApiTimeoutSeconds", INT32),
    Field("startApiRetryPolicy", RETRY_POLICY.kind),
    Field("decideApiRetryPolicy", RETRY_POLICY.kind),
    Field("startApiFailurePolicy", enum("StartApiFailurePolicy", START_API_FAILURE_POLICIES)),
    Field("skipStartApi", BOOL),
)

WORKFLOW_CONFIG = Shape(
    "WorkflowConfig",
    Field("executingStateIdMode", enum("ExecutingStateIdMode", ExecutingStateIdMode)),
    Field("continueAsNewThreshold", INT32),
    Field("continueAsNewPageSizeInBytes", INT32),
    Field("optimizeActivity", BOOL),
    Field("optimizeTimer", BOOL),
    Field("disableSystemSearchAttribute", BOOL),
)

ALREADY_STARTED_OPTIONS = Shape(
    "WorkflowAlreadyStartedOptions", required("ignoreAlreadyStartedError", BOOL), Field("requestId", TEXT)
)

START_OPTIONS = Shape(
    "WorkflowStartOptions",
    Field("idReusePolicy", enum("IDReusePolicy", ID_REUSE_POLICIES)),
    Field("cronSchedule", TEXT),
    Field("workflowStartDelaySeconds", INT32),
    Field("retryPolicy", WORKFLOW_RETRY_POLICY.kind),
    Field("searchAttributes", _SEARCH_ATTRIBUTES),
    Field("dataAttributes", _KEY_VALUES),
    Field("workflowConfigOverride", WORKFLOW_CONFIG.kind),
    Field("useMemoForDataAttributes", BOOL),
    Field("workflowAlreadyStartedOptions", ALREADY_STARTED_OPTIONS.kind),
    Field("workflowIDReusePolicy", enum("WorkflowIDReusePolicy", WORKFLOW_ID_REUSE_POLICIES)),
)

# Clients' requests, and what they are answered.

_RUN = (required("workflowId", TEXT), Field("workflowRunId", TEXT))

NOTHING = Shape("Empty")

START_REQUEST = Shape(
    "WorkflowStartRequest",
    required("workflowId", TEXT),
    required("iwfWorkflowType", TEXT),
    required("workflowTimeoutSeconds", INT32),
    required("iwfWorkerUrl", TEXT),
    Field("startStateId", TEXT),
    Field("waitForCompletionStateExecutionIds", _TEXTS),
    Field("waitForCompletionStateIds", _TEXTS),
    Field("stateInput", _OBJECT),
    Field("stateOptions", STATE_OPTIONS.kind),
    Field("workflowStartOptions", START_OPTIONS.kind),
)
RUN_RESPONSE = Shape("WorkflowStartResponse", required("workflowRunId", TEXT))

SIGNAL_REQUEST = Shape(
    "WorkflowSignalRequest", *_RUN, required("signalChannelName", TEXT), Field("signalValue", _OBJECT)
)

PUBLISH_REQUEST = Shape("PublishToInternalChannelRequest", *_RUN, Field("messages", _PUBLISHINGS))

STOP_REQUEST = Shape(
    "WorkflowStopRequest", *_RUN, Field("reason", TEXT), Field("stopType", enum("WorkflowStopType", WorkflowStopType))
)

GET_REQUEST = Shape("WorkflowGetRequest", *_RUN, Field("needsResults", BOOL), Field("waitTimeSeconds", INT32))
COMPLETION_OUTPUT = Shape(
    "StateCompletionOutput",
    required("completedStateId", TEXT),
    required("completedStateExecutionId", TEXT),
    Field("completedStateOutput", _OBJECT),
)
GET_RESPONSE = Shape(
    "WorkflowGetResponse",
    required("workflowRunId", TEXT),
    required("workflowStatus", enum("WorkflowStatus", WorkflowStatus)),
    Field("results", list_of(COMPLETION_OUTPUT.kind)),
    Field("errorType", enum("WorkflowErrorType", WorkflowErrorType, WORKFLOW_ERROR_TYPES)),
    Field("errorMessage", TEXT),
)

SEARCH_REQUEST = Shape(
    "WorkflowSearchRequest", required("query", TEXT), Field("pageSize", INT32), Field("nextPageToken", TEXT)
)
FOUND_RUN = Shape("WorkflowSearchResponseEntry", required("workflowId", TEXT), required("workflowRunId", TEXT))
SEARCH_RESPONSE = Shape(
    "WorkflowSearchResponse",
    Field("workflowExecutions", list_of(FOUND_RUN.kind)),
    required("nextPageToken", TEXT),
)

RESET_REQUEST = Shape(
    "WorkflowResetRequest",
    *_RUN,
    Field("resetType", enum("WorkflowResetType", WorkflowResetType)),
    Field("historyEventId", INT32),
    Field("historyEventTime", TEXT),
    Field("stateId", TEXT),
    Field("stateExecutionId", TEXT),
    Field("reason", TEXT),
    Field("skipSignalReapply", BOOL),
    Field("skipUpdateReapply", BOOL),
)

RPC_REQUEST = Shape(
    "WorkflowRpcRequest",
    *_RUN,
    required("rpcName", TEXT),
    Field("input", _OBJECT),
    Field("searchAttributesLoadingPolicy", LOADING_POLICY.kind),
    Field("dataAttributesLoadingPolicy", LOADING_POLICY.kind),
    Field("timeoutSeconds", INT32),
    Field("useMemoForDataAttributes", BOOL),
    Field("searchAttributes", _SEARCH_ATTRIBUTE_KEYS),
)
RPC_RESPONSE = Shape("WorkflowRpcResponse", Field("output", _OBJECT))

SKIP_TIMER_REQUEST = Shape(
    "WorkflowSkipTimerRequest",
    *_RUN,
    required("workflowStateExecutionId", TEXT),
    Field("timerCommandId", TEXT),
    Field("timerCommandIndex", INT32),
)

GET_ATTRIBUTES_REQUEST = Shape(
    "WorkflowGetDataObjectsRequest", *_RUN, Field("keys", _TEXTS), Field("useMemoForDataAttributes", BOOL)
)
GET_ATTRIBUTES_RESPONSE = Shape("WorkflowGetDataObjectsResponse", Field("objects", _KEY_VALUES))
SET_ATTRIBUTES_REQUEST = Shape("WorkflowSetDataObjectsRequest", *_RUN, Field("objects", _KEY_VALUES))

GET_SEARCH_ATTRIBUTES_REQUEST = Shape(
    "WorkflowGetSearchAttributesRequest", *_RUN, Field("keys", _SEARCH_ATTRIBUTE_KEYS)
)
GET_SEARCH_ATTRIBUTES_RESPONSE = Shape(
    "WorkflowGetSearchAttributesResponse", Field("searchAttributes", _SEARCH_ATTRIBUTES)
)
SET_SEARCH_ATTRIBUTES_REQUEST = Shape(
    "WorkflowSetSearchAttributesRequest", *_RUN, Field("searchAttributes", _SEARCH_ATTRIBUTES)
)

STATE_WAIT_REQUEST = Shape(
    "WorkflowWaitForStateCompletionRequest",
    required("workflowId", TEXT),
    Field("stateExecutionId", TEXT),
    Field("stateId", TEXT),
    Field("waitForKey", TEXT),
    Field("waitTimeSeconds", INT32),
)
STATE_WAIT_RESPONSE = Shape(
    "WorkflowWaitForStateCompletionResponse", Field("stateCompletionOutput", COMPLETION_OUTPUT.kind)
)

UPDATE_CONFIG_REQUEST = Shape("WorkflowConfigUpdateRequest", *_RUN, required("workflowConfig", WORKFLOW_CONFIG.kind))
CONTINUE_AS_NEW_REQUEST = Shape("TriggerContinueAsNewRequest", *_RUN)

DUMP_REQUEST = Shape(
    "WorkflowDumpRequest",
    required("workflowId", TEXT),
    required("workflowRunId", TEXT),
    required("pageSizeInBytes", INT32),
    required("pageNum", INT32),
)
DUMP_RESPONSE = Shape(
    "WorkflowDumpResponse", required("checksum", TEXT), required("totalPages", INT32), required("jsonData", TEXT)
)

HEALTH = Shape("HealthInfo", Field("condition", TEXT), Field("hostname", TEXT), Field("duration", INT32))

ERROR_RESPONSE = Shape(
    "ErrorResponse",
    Field("detail", TEXT),
    Field("subStatus", TEXT),
    Field("originalWorkerErrorDetail", TEXT),
    Field("originalWorkerErrorType", TEXT),
    Field("originalWorkerErrorStatus", INT32),
)
SUB_STATUSES = frozenset(ErrorSubStatus)

# Calls to workers.

FAILURE = Shape(
    "Failure",
    required("errorType", TEXT),
    required("message", TEXT),
    Field("detail", TEXT),
    required("attempts", INT32),
    Field("stateId", TEXT),
    Field("stateExecutionId", TEXT),
)
CONTEXT = Shape(
    "Context",
    required("workflowId", TEXT),
    required("workflowRunId", TEXT),
    required("workflowStartedTimestamp", INT64),
    Field("stateExecutionId", TEXT),
    Field("firstAttemptTimestamp", INT64),
    Field("attempt", INT32),
    # Ours: in the calls of a state that follows an exhausted one, what it failed of.
    Field("failure", FAILURE.kind),
)

TIMER_RESULT = Shape(
    "TimerResult", required("commandId", TEXT), required("timerStatus", enum("TimerStatus", TimerStatus))
)
_REQUEST_STATUS = enum("ChannelRequestStatus", ChannelRequestStatus)
# Ours: all that a command with bounds took; a null is a message without a value.
_VALUES = Field("values", list_of(_OBJECT, keeps_null=True))
SIGNAL_RESULT = Shape(
    "SignalResult",
    required("commandId", TEXT),
    required("signalChannelName", TEXT),
    required("signalRequestStatus", _REQUEST_STATUS),
    Field("signalValue", _OBJECT),
    _VALUES,
)
INTERNAL_RESULT = Shape(
    "InterStateChannelResult",
    required("commandId", TEXT),
    required("channelName", TEXT),
    required("requestStatus", _REQUEST_STATUS),
    Field("value", _OBJECT),
    _VALUES,
)
# Ours: whether a channel was empty while a command waited for that.
EMPTY_RESULT = Shape(
    "ChannelEmptyResult",
    required("commandId", TEXT),
    required("channelFamily", enum("ChannelFamily", ChannelFamily)),
    required("channelName", TEXT),
    required("isComplete", BOOL),
)
COMMAND_RESULTS = Shape(
    "CommandResults",
    Field("stateStartApiSucceeded", BOOL),
    Field("stateWaitUntilFailed", BOOL),
    Field("timerResults", list_of(TIMER_RESULT.kind)),
    Field("signalResults", list_of(SIGNAL_RESULT.kind)),
    Field("interStateChannelResults", list_of(INTERNAL_RESULT.kind)),
    Field("channelEmptyResults", list_of(EMPTY_RESULT.kind)),
)

_STATE_CALL = (
    required("context", CONTEXT.kind),
    required("workflowType", TEXT),
    required("workflowStateId", TEXT),
    Field("stateInput", _OBJECT),
    Field("searchAttributes", _SEARCH_ATTRIBUTES),
)
WAIT_UNTIL_REQUEST = Shape("WorkflowStateStartRequest", *_STATE_CALL, Field("dataObjects", _KEY_VALUES))
EXECUTE_REQUEST = Shape(
    "WorkflowStateDecideRequest",
    *_STATE_CALL,
    Field("DataObjects", _KEY_VALUES),
    Field("stateLocals", _KEY_VALUES),
    Field("commandResults", COMMAND_RESULTS.kind),
)
CHANNEL_INFO = Shape("ChannelInfo", Field("size", INT32))
WORKER_RPC_REQUEST = Shape(
    "WorkflowWorkerRpcRequest",
    required("context", CONTEXT.kind),
    required("workflowType", TEXT),
    required("rpcName", TEXT),
    Field("input", _OBJECT),
    Field("searchAttributes", _SEARCH_ATTRIBUTES),
    Field("dataAttributes", _KEY_VALUES),
    Field("signalChannelInfos", map_of(CHANNEL_INFO.kind)),
    Field("internalChannelInfos", map_of(CHANNEL_INFO.kind)),
)

# What workers answer.

TIMER_COMMAND = Shape(
    "TimerCommand",
    Field("commandId", TEXT),
    Field("durationSeconds", INT64),
    Field("firingUnixTimestampSeconds", INT64),
)
_BOUNDS = (Field("atLeast", INT32), Field("atMost", INT32))
SIGNAL_COMMAND = Shape("SignalCommand", Field("commandId", TEXT), required("signalChannelName", TEXT), *_BOUNDS)
INTERNAL_COMMAND = Shape("InterStateChannelCommand", Field("commandId", TEXT), required("channelName", TEXT), *_BOUNDS)
# Ours: wait until nobody has anything of a channel.
EMPTY_COMMAND = Shape(
    "ChannelEmptyCommand",
    Field("commandId", TEXT),
    required("channelFamily", enum("ChannelFamily", ChannelFamily)),
    required("channelName", TEXT),
)
COMMAND_COMBINATION = Shape("CommandCombination", Field("commandIds", _TEXTS))
COMMAND_REQUEST = Shape(
    "CommandRequest",
    Field("commandWaitingType", enum("CommandWaitingType", CommandWaitingType)),
    Field("timerCommands", list_of(TIMER_COMMAND.kind)),
    Field("signalCommands", list_of(SIGNAL_COMMAND.kind)),
    Field("interStateChannelCommands", list_of(INTERNAL_COMMAND.kind)),
    Field("channelEmptyCommands", list_of(EMPTY_COMMAND.kind)),
    Field("commandCombinations", list_of(COMMAND_COMBINATION.kind)),
    Field("deciderTriggerType", enum("DeciderTriggerType", DECIDER_TRIGGER_TYPES)),
)

STATE_MOVEMENT = Shape(
    "StateMovement",
    required("stateId", TEXT),
    Field("stateInput", _OBJECT),
    Field("stateOptions", STATE_OPTIONS.kind),
    Field("waitForKey", TEXT),
)
CONDITIONAL_CLOSE = Shape(
    "WorkflowConditionalClose",
    Field("conditionalCloseType", enum("WorkflowConditionalCloseType", WorkflowConditionalCloseType)),
    Field("channelName", TEXT),
    Field("closeInput", _OBJECT),
)
STATE_DECISION = Shape(
    "StateDecision",
    Field("nextStates", list_of(STATE_MOVEMENT.kind)),
    Field("conditionalClose", CONDITIONAL_CLOSE.kind),
)

_WRITES = (
    Field("upsertSearchAttributes", _SEARCH_ATTRIBUTES),
    Field("publishToInterStateChannel", _PUBLISHINGS),
    Field("recordEvents", _KEY_VALUES),
    Field("upsertStateLocals", _KEY_VALUES),
)
WAIT_UNTIL_RESPONSE = Shape(
    "WorkflowStateStartResponse",
    Field("commandRequest", COMMAND_REQUEST.kind),
    Field("upsertDataObjects", _KEY_VALUES),
    *_WRITES,
    Field("localActivityInput", TEXT),
)
EXECUTE_RESPONSE = Shape(
    "WorkflowStateDecideResponse",
    Field("stateDecision", STATE_DECISION.kind),
    Field("upsertDataObjects", _KEY_VALUES),
    *_WRITES,
    Field("localActivityInput", TEXT),
)
WORKER_RPC_RESPONSE = Shape(
    "WorkflowWorkerRpcResponse",
    Field("output", _OBJECT),
    Field("stateDecision", STATE_DECISION.kind),
    Field("upsertDataAttributes", _KEY_VALUES),
    *_WRITES,
)
WORKER_ERROR = Shape(
    "WorkerErrorResponse",
    Field("detail", TEXT),
    Field("errorType", TEXT),
    # Ours: what the handler asked for, as `NonRetryableError` and `RetryAfter` do in one process.
    Field("isRetryable", BOOL),
    Field("retryAfterSeconds", DOUBLE),
)
