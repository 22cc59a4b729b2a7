"""The face of the package: every public name, and nothing heavy behind it."""

import ast
import importlib
import json
import subprocess
import sys
from pathlib import Path

import pytest

import iwf_py

# Sections 1.1 to 1.6 and 1.8 of what iWF's SDK for Python has, with the enumerations and option values that users touch.
NAMES_OF_IWF = [
    "ObjectWorkflow",
    "get_workflow_type",
    "get_workflow_type_by_class",
    "StateDef",
    "StateSchema",
    "T",
    "WorkflowState",
    "get_state_id",
    "get_state_id_by_class",
    "get_state_execution_id",
    "should_skip_wait_until",
    "get_input_type",
    "WorkflowStateOptions",
    "WorkflowContext",
    "StateDecision",
    "StateMovement",
    "TimerCommand",
    "InternalChannelCommand",
    "SignalChannelCommand",
    "BaseCommand",
    "CommandRequest",
    "TimerCommandResult",
    "InternalChannelCommandResult",
    "SignalChannelCommandResult",
    "CommandResults",
    "PersistenceField",
    "PersistenceSchema",
    "PersistenceFieldType",
    "PersistenceOptions",
    "Persistence",
    "CommunicationMethod",
    "CommunicationSchema",
    "CommunicationMethodType",
    "Communication",
    "rpc",
    "RPCInfo",
    "Registry",
    "TypeStore",
    "WorkflowDefinitionError",
    "InvalidArgumentError",
    "NotRegisteredError",
    "HttpError",
    "ClientSideError",
    "ServerSideError",
    "WorkflowStillRunningError",
    "WorkflowRPCExecutionError",
    "WorkflowRPCAcquiringLockFailure",
    "WorkflowAlreadyStartedError",
    "WorkflowNotExistsError",
    "WorkflowAbnormalExitError",
    "WorkflowFailed",
    "WorkflowTimeout",
    "WorkflowTerminated",
    "WorkflowCanceled",
    "WorkflowOptions",
    "StopWorkflowOptions",
    "IDReusePolicy",
    "WorkflowStatus",
    "WorkflowStopType",
    "WorkflowErrorType",
    "ErrorSubStatus",
    "ChannelRequestStatus",
    "TimerStatus",
    "CommandWaitingType",
    "PersistenceLoadingType",
    "SearchAttributeValueType",
    "WaitUntilApiFailurePolicy",
    "ExecuteApiFailurePolicy",
    "WorkflowConditionalCloseType",
    "ExecutingStateIdMode",
    "RetryPolicy",
    "WorkflowRetryPolicy",
    "PersistenceLoadingPolicy",
    "WorkflowAlreadyStartedOptions",
    "WorkflowConfig",
    "SearchAttribute",
]


def imports_for_type_checkers():
    tree = ast.parse(Path(iwf_py.__file__).read_text())
    block = next(node for node in tree.body if isinstance(node, ast.If))
    return {
        alias.asname: node.module for node in block.body if isinstance(node, ast.ImportFrom) for alias in node.names
    }


def test_the_list_the_imports_and_the_table_are_one():
    """
    A public name stands in three places; they agree, and the list is sorted.
    """
    assert iwf_py.__all__ == sorted(iwf_py.__all__)
    assert list(iwf_py._MODULES) == iwf_py.__all__
    assert imports_for_type_checkers() == iwf_py._MODULES


@pytest.mark.parametrize("name", iwf_py.__all__)
def test_every_name_resolves_to_what_its_module_has(name):
    """
    The table leads to the thing itself.
    """
    assert getattr(iwf_py, name) is getattr(importlib.import_module(iwf_py._MODULES[name]), name)


def test_every_name_of_iwf_is_there():
    """
    Code written for iWF's SDK moves in by changing its import lines.
    """
    assert sorted(set(NAMES_OF_IWF) - set(iwf_py.__all__)) == []


def test_an_unknown_name_is_an_attribute_error():
    """
    A misspelt import fails as in any module.
    """
    with pytest.raises(AttributeError, match="'Workflw'"):
        iwf_py.Workflw  # noqa: B018


def test_importing_loads_no_heavy_library():
    """
    A fresh interpreter that imports the package has loaded none of the libraries behind it, nor has one that names what users write.
    """
    script = (
        "import sys, json, iwf_py\n"
        "from iwf_py import ObjectWorkflow, Registry, WorkflowState, rpc\n"
        "print(json.dumps(sorted(sys.modules)))"
    )
    loaded = json.loads(subprocess.run([sys.executable, "-c", script], capture_output=True, check=True).stdout)

    heavy = {"sqlmodel", "sqlalchemy", "flask", "apscheduler", "cattrs", "cattr", "sqlite3"}
    assert heavy & {name.partition(".")[0] for name in loaded} == set()
