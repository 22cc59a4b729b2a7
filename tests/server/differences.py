"""Where our server answers otherwise than the recorded one, each with its reason: the one table.

[FIX] and [REC] are the protocol page's marks for what this project mends, or chooses where the original leaves it open.
"""

MENDED = "[FIX] a client's mistake is 400, not 500"
WORDS = "our own words: only status and sub status are asserted by code that is written for iWF"
SUB_STATUS = "[FIX] a malformed request has a sub status, which the Java SDK dies without"


def general(ours, recorded):
    """Give the reason for a difference in how an error is told; None where it is not one of these."""
    (status, body), (recorded_status, recorded_body) = ours, recorded
    if not isinstance(body, dict) or not isinstance(recorded_body, dict) or recorded_status < 400:
        return None
    if body == {"subStatus": "UNCATEGORIZED_SUB_STATUS", **recorded_body} and status == recorded_status:
        return SUB_STATUS
    if recorded_status == 500 and status == 400 and body["subStatus"] == "UNCATEGORIZED_SUB_STATUS":
        return MENDED
    is_told_so = status == recorded_status and body["subStatus"] == recorded_body.get("subStatus")
    return WORDS if is_told_so and recorded_body["detail"] not in ASSERTED else None


# Texts that code written for iWF compares, of which none may differ.
ASSERTED = {
    "invalid request schema",
    "WorkflowId is not set on request.",
    "invalid request - must provide either a timerCommandId or index",
    "invalid request - requested timer command doesn't exist",
    "workflow is still running, waiting has exceeded timeout limit, please retry",
    "waiting has exceeded timeout limit, please retry",
    "requested data or search attributes are being locked by other operations",
    "closing workflow in RPC is not supported yet",
}

_NO_SCHEMA = "there is no register of search attributes here, so none can be of another type than was registered"
_STRICT = "strict JSON: two readers could read such a body differently"
_CONSTANT = "[REC] the run id is constant: no run is continued as new"
_FAILURE = "an extension: the state that follows an exhausted one is told what it failed of"

# By conversation and index: what is not the same (a status, or fields of the body; for a call, fields of the request), and why.
SPECIAL = {
    ("attempt_timeout", 3): (
        {"errorMessage": "activity StartToClose timeout"},
        "the backend's event numbers are left out",
    ),
    ("bad_requests", 12): ({"detail": "invalid request schema", "subStatus": "UNCATEGORIZED"}, _STRICT),
    ("bad_requests", 13): ({"detail": "invalid request schema", "subStatus": "UNCATEGORIZED"}, _STRICT),
    ("bad_search_attribute", 2): (
        {
            "errorType": "INVALID_USER_WORKFLOW_CODE_ERROR_TYPE",
            "errorMessage": "unsupported search attribute value type",
        },
        "[FIX] a typed failure",
    ),
    ("channels", 11): (
        {"commandResults": "values"},
        "[FIX] atLeast and atMost are honoured: both messages are taken, the first also stands where one would",
    ),
    ("channels", 13): ({"internalChannelInfos": "{}"}, "as above: no message is left"),
    ("command_errors", 17): (
        {"errorMessage": "an integer was expected, got a string"},
        "the decoder's words are our own",
    ),
    ("config_and_continue_as_new", 5): ({"workflowStatus": "RUNNING"}, _CONSTANT),
    ("config_and_continue_as_new", 6): ({"status": 200}, f"{_CONSTANT}; so it takes the signal"),
    ("execute_proceed", 3): ({"context": "failure"}, _FAILURE),
    ("execute_proceed", 8): ({"context": "failure"}, _FAILURE),
    ("execute_proceed", 9): ({"context": "failure"}, _FAILURE),
    ("invalid_decisions", 20): (
        {"workflowStatus": "COMPLETED", "errorType": "", "errorMessage": ""},
        "[FIX] GRACEFUL_COMPLETE_ON_ALL_CHANNELS_EMPTY is implemented",
    ),
    ("loading_policies", 14): ({"dataAttributes": ""}, "[FIX] an empty partial list loads nothing"),
    ("reset", 17): (
        {"context": "workflowRunId"},
        "[FIX] RPCs are told the same run id as states: the first one of the chain",
    ),
    ("retry_exhausted", 11): (
        {"errorMessage": "400 Bad Request  (d)"},
        "[FIX] the detail, where the original prints a pointer",
    ),
    ("retry_exhausted", 20): ({"errorMessage": "the body is not JSON"}, "the decoder's words are our own"),
    ("search", 16): (
        {"status": 200, "nextPageToken": ""},
        "[FIX] 400 or an empty answer: without a register, a name that nobody has written finds nothing",
    ),
    ("search_attributes", 4): ({"searchAttributes": "CustomIntField"}, "[FIX] no key is all of them"),
    ("start_errors", 3): ({"status": 200, "workflowRunId": "-"}, _NO_SCHEMA),
    ("start_errors", 8): (
        {"status": 200, "workflowRunId": "-", "workflowStatus": "RUNNING"},
        f"{_NO_SCHEMA}: it was started",
    ),
    ("start_ignore_already_started", 8): (
        {"status": 400, "detail": "already running", "subStatus": "WORKFLOW_ALREADY_STARTED_SUB_STATUS"},
        "[FIX] 400 already started",
    ),
    ("stop", 30): ({"results": "collected"}, "[FIX] a FAIL keeps what was collected"),
    ("wait_for_state_completion", 7): ({"stateCompletionOutput": "A-1"}, "[FIX] the two ids are filled in"),
    ("wait_for_state_completion", 8): ({"stateCompletionOutput": "B-1"}, "[FIX] the two ids are filled in"),
    ("wait_for_state_completion", 9): (
        {"status": 200, "stateCompletionOutput": "B-1"},
        "[FIX] one may wait for what was not declared, and by its id for what was given a key",
    ),
    ("wait_for_state_completion", 10): ({"stateCompletionOutput": "A-1"}, "[FIX] the two ids are filled in"),
    ("wait_for_state_completion", 13): (
        {"status": 400, "detail": "nobody", "subStatus": "WORKFLOW_NOT_EXISTS_SUB_STATUS"},
        "[FIX] an unknown workflow is told at once",
    ),
}

# Where ours goes on otherwise from an exchange on, so that what follows cannot be played; tests of their own say what is so.
CUT = {
    "reset_failed": (8, "[FIX] a FAIL is not applied again: the new run goes on"),
}

# What the recording has that is not one of ours.
STRANGE = {
    ("config_and_continue_as_new", "is nothing new"): _CONSTANT,
    ("reset_failed", "/api/v1/workflowState/start"): "as above: its state is called again",
}
