"""The face of the package: every public name, and nothing heavy behind it."""

import ast
import importlib
import json
import subprocess
import sys
from pathlib import Path

import pytest

import iwf_py

# Every name that code written for iWF's SDK for Python imports, by the module of the SDK it imports it from.
NAMES_OF_IWF = {
    "client": "Client get_workflow_type_by_rpc_method convert_to_sa_list",
    "client_options": "ClientOptions",
    "command_request": "BaseCommand CommandRequest InternalChannelCommand SignalChannelCommand TimerCommand",
    "command_results": "CommandResults InternalChannelCommandResult SignalChannelCommandResult TimerCommandResult",
    "communication": "Communication",
    "communication_schema": "CommunicationMethod CommunicationMethodType CommunicationSchema",
    "errors": (
        "WorkflowDefinitionError InvalidArgumentError NotRegisteredError HttpError ClientSideError ServerSideError "
        "WorkflowStillRunningError WorkflowRPCExecutionError WorkflowRPCAcquiringLockFailure WorkflowAlreadyStartedError "
        "WorkflowNotExistsError WorkflowAbnormalExitError WorkflowFailed WorkflowTimeout WorkflowTerminated WorkflowCanceled"
    ),
    "iwf_api.models": (
        "ChannelRequestStatus CommandWaitingType ErrorSubStatus ExecuteApiFailurePolicy ExecutingStateIdMode IDReusePolicy "
        "EncodedObject PersistenceLoadingPolicy PersistenceLoadingType RetryPolicy SearchAttribute SearchAttributeValueType TimerStatus "
        "WaitUntilApiFailurePolicy WorkflowAlreadyStartedOptions WorkflowConditionalCloseType WorkflowConfig "
        "WorkflowErrorType WorkflowRetryPolicy WorkflowStatus WorkflowStopType WorkflowStateExecuteRequest "
        "WorkflowStateWaitUntilRequest WorkflowWorkerRpcRequest"
    ),
    "iwf_api.types": "UNSET Unset",
    "object_encoder": (
        "AdvancedJSONEncoder BinaryNullPayloadConverter BinaryPlainPayloadConverter CompositePayloadConverter "
        "DefaultPayloadConverter EncodingPayloadConverter JSONPlainPayloadConverter JSONTypeConverter ObjectEncoder "
        "PayloadCodec PayloadConverter UnsetPayloadConverter value_to_type"
    ),
    "persistence": "Persistence",
    "persistence_options": "PersistenceOptions",
    "persistence_schema": "PersistenceField PersistenceFieldType PersistenceSchema",
    "registry": "Registry",
    "reset_workflow_type_and_options": (
        "ResetWorkflowTypeAndOptions reset_to_beginning reset_to_history_event_id reset_to_history_event_time "
        "reset_to_state_execution_id reset_to_state_id"
    ),
    "rpc": "RPCInfo rpc",
    "state_decision": "StateDecision",
    "state_movement": "StateMovement",
    "state_schema": "StateDef StateSchema",
    "stop_workflow_options": "StopWorkflowOptions",
    "type_store": "TypeStore",
    "unregistered_client": "UnregisteredClient UnregisteredWorkflowOptions",
    "worker_service": "WorkerOptions WorkerService",
    "workflow": "ObjectWorkflow get_workflow_type get_workflow_type_by_class",
    "workflow_context": "WorkflowContext",
    "workflow_info": "WorkflowInfo",
    "workflow_options": "WorkflowOptions",
    "workflow_state": (
        "T WorkflowState get_input_type get_state_execution_id get_state_id get_state_id_by_class should_skip_wait_until"
    ),
    "workflow_state_options": "WorkflowStateOptions",
}


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


@pytest.mark.parametrize("module", NAMES_OF_IWF)
def test_every_name_of_iwf_is_there(module):
    """
    Code written for iWF's SDK moves in by changing its import lines.
    """
    wanted = set(NAMES_OF_IWF[module].split())

    assert wanted <= set(iwf_py.__all__)
    assert {name for name in wanted if not hasattr(iwf_py, name)} == set()


def test_an_unknown_name_is_an_attribute_error():
    """
    A misspelt import fails as in any module.
    """
    with pytest.raises(AttributeError, match="'Workflw'"):
        iwf_py.Workflw  # noqa: B018


def test_importing_leaves_the_process_as_it_is():
    """
    No thread is started, and no module of Python's own is changed, though the whole package is loaded and an engine made.
    """
    script = (
        "import http, sys, threading\n"
        "before = dict(vars(http.HTTPStatus))\n"
        "import iwf_py\n"
        "for name in iwf_py.__all__: getattr(iwf_py, name)\n"
        "iwf_py.Embedded('sqlite:///never.db', iwf_py.Registry()).client\n"
        "assert dict(vars(http.HTTPStatus)) == before and not hasattr(http.HTTPStatus, 'LONG_POLL'), 'patched'\n"
        "assert threading.active_count() == 1, threading.enumerate()\n"
        "assert 420 not in [status.value for status in http.HTTPStatus]\n"
        "print('clean')"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)

    assert done.stdout == "clean\n", done.stderr


def test_unset_is_nothing():
    """
    Code that asks for it gets its answer; no value of ours is one.
    """
    assert not iwf_py.UNSET
    assert isinstance(iwf_py.UNSET, iwf_py.Unset)
    assert not isinstance(iwf_py.RetryPolicy().maximum_attempts, iwf_py.Unset)


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
