"""Durable state-machine workflows for Python.

Everything public is importable from here. The parts are loaded when they are first asked for: importing
this package alone loads none of the libraries behind them. A new public name stands in three places, which
a test compares: `__all__`, the imports for type checkers, and the table of modules.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from iwf_py.authoring.command_request import BaseCommand as BaseCommand
    from iwf_py.authoring.command_request import ChannelEmptyCommand as ChannelEmptyCommand
    from iwf_py.authoring.command_request import CommandRequest as CommandRequest
    from iwf_py.authoring.command_request import InternalChannelCommand as InternalChannelCommand
    from iwf_py.authoring.command_request import SignalChannelCommand as SignalChannelCommand
    from iwf_py.authoring.command_request import TimerCommand as TimerCommand
    from iwf_py.authoring.command_results import ChannelEmptyCommandResult as ChannelEmptyCommandResult
    from iwf_py.authoring.command_results import CommandResults as CommandResults
    from iwf_py.authoring.command_results import InternalChannelCommandResult as InternalChannelCommandResult
    from iwf_py.authoring.command_results import SignalChannelCommandResult as SignalChannelCommandResult
    from iwf_py.authoring.command_results import TimerCommandResult as TimerCommandResult
    from iwf_py.authoring.communication import Communication as Communication
    from iwf_py.authoring.communication_schema import CommunicationMethod as CommunicationMethod
    from iwf_py.authoring.communication_schema import CommunicationMethodType as CommunicationMethodType
    from iwf_py.authoring.communication_schema import CommunicationSchema as CommunicationSchema
    from iwf_py.authoring.definition import TypeStore as TypeStore
    from iwf_py.authoring.descriptors import DataAttribute as DataAttribute
    from iwf_py.authoring.descriptors import DataAttributePrefix as DataAttributePrefix
    from iwf_py.authoring.descriptors import InternalChannel as InternalChannel
    from iwf_py.authoring.descriptors import InternalChannelPrefix as InternalChannelPrefix
    from iwf_py.authoring.descriptors import SearchAttributeKey as SearchAttributeKey
    from iwf_py.authoring.descriptors import SignalChannel as SignalChannel
    from iwf_py.authoring.descriptors import SignalChannelPrefix as SignalChannelPrefix
    from iwf_py.authoring.persistence import Persistence as Persistence
    from iwf_py.authoring.persistence_options import PersistenceOptions as PersistenceOptions
    from iwf_py.authoring.persistence_schema import PersistenceField as PersistenceField
    from iwf_py.authoring.persistence_schema import PersistenceFieldType as PersistenceFieldType
    from iwf_py.authoring.persistence_schema import PersistenceSchema as PersistenceSchema
    from iwf_py.authoring.registry import Registry as Registry
    from iwf_py.authoring.reset_workflow_type_and_options import (
        ResetWorkflowTypeAndOptions as ResetWorkflowTypeAndOptions,
    )
    from iwf_py.authoring.reset_workflow_type_and_options import reset_to_beginning as reset_to_beginning
    from iwf_py.authoring.reset_workflow_type_and_options import reset_to_history_event_id as reset_to_history_event_id
    from iwf_py.authoring.reset_workflow_type_and_options import (
        reset_to_history_event_time as reset_to_history_event_time,
    )
    from iwf_py.authoring.reset_workflow_type_and_options import (
        reset_to_state_execution_id as reset_to_state_execution_id,
    )
    from iwf_py.authoring.reset_workflow_type_and_options import reset_to_state_id as reset_to_state_id
    from iwf_py.authoring.rpc import Rpc as Rpc
    from iwf_py.authoring.rpc import RPCInfo as RPCInfo
    from iwf_py.authoring.rpc import get_workflow_type_by_rpc_method as get_workflow_type_by_rpc_method
    from iwf_py.authoring.rpc import rpc as rpc
    from iwf_py.authoring.search_attributes import convert_to_sa_list as convert_to_sa_list
    from iwf_py.authoring.state_decision import StateDecision as StateDecision
    from iwf_py.authoring.state_movement import StateMovement as StateMovement
    from iwf_py.authoring.state_schema import StateDef as StateDef
    from iwf_py.authoring.state_schema import StateSchema as StateSchema
    from iwf_py.authoring.unregistered_workflow_options import (
        UnregisteredWorkflowOptions as UnregisteredWorkflowOptions,
    )
    from iwf_py.authoring.workflow import ObjectWorkflow as ObjectWorkflow
    from iwf_py.authoring.workflow import get_workflow_type as get_workflow_type
    from iwf_py.authoring.workflow import get_workflow_type_by_class as get_workflow_type_by_class
    from iwf_py.authoring.workflow_context import WorkflowContext as WorkflowContext
    from iwf_py.authoring.workflow_options import StopWorkflowOptions as StopWorkflowOptions
    from iwf_py.authoring.workflow_options import WorkflowOptions as WorkflowOptions
    from iwf_py.authoring.workflow_state import T as T
    from iwf_py.authoring.workflow_state import WorkflowState as WorkflowState
    from iwf_py.authoring.workflow_state import get_input_type as get_input_type
    from iwf_py.authoring.workflow_state import get_state_execution_id as get_state_execution_id
    from iwf_py.authoring.workflow_state import get_state_id as get_state_id
    from iwf_py.authoring.workflow_state import get_state_id_by_class as get_state_id_by_class
    from iwf_py.authoring.workflow_state import should_skip_wait_until as should_skip_wait_until
    from iwf_py.authoring.workflow_state_options import WorkflowStateOptions as WorkflowStateOptions
    from iwf_py.client.aio import AsyncClient as AsyncClient
    from iwf_py.client.aio import AsyncWorkflowHandle as AsyncWorkflowHandle
    from iwf_py.client.client import Client as Client
    from iwf_py.client.client_options import ClientOptions as ClientOptions
    from iwf_py.client.handle import WorkflowHandle as WorkflowHandle
    from iwf_py.client.results import WorkflowOutcome as WorkflowOutcome
    from iwf_py.client.unregistered_client import UnregisteredClient as UnregisteredClient
    from iwf_py.client.wanted import AttributeValue as AttributeValue
    from iwf_py.codec.object_encoder import AdvancedJSONEncoder as AdvancedJSONEncoder
    from iwf_py.codec.object_encoder import BinaryNullPayloadConverter as BinaryNullPayloadConverter
    from iwf_py.codec.object_encoder import BinaryPlainPayloadConverter as BinaryPlainPayloadConverter
    from iwf_py.codec.object_encoder import CompositePayloadConverter as CompositePayloadConverter
    from iwf_py.codec.object_encoder import DefaultPayloadConverter as DefaultPayloadConverter
    from iwf_py.codec.object_encoder import EncodingPayloadConverter as EncodingPayloadConverter
    from iwf_py.codec.object_encoder import JSONPlainPayloadConverter as JSONPlainPayloadConverter
    from iwf_py.codec.object_encoder import JSONTypeConverter as JSONTypeConverter
    from iwf_py.codec.object_encoder import ObjectEncoder as ObjectEncoder
    from iwf_py.codec.object_encoder import PayloadConverter as PayloadConverter
    from iwf_py.codec.object_encoder import UnsetPayloadConverter as UnsetPayloadConverter
    from iwf_py.codec.object_encoder import value_to_type as value_to_type
    from iwf_py.codec.payloads import JsonConverter as JsonConverter
    from iwf_py.codec.payloads import PayloadCodec as PayloadCodec
    from iwf_py.embedded import Embedded as Embedded
    from iwf_py.errors import ClientSideError as ClientSideError
    from iwf_py.errors import CommitUnknownError as CommitUnknownError
    from iwf_py.errors import EngineError as EngineError
    from iwf_py.errors import EngineStoppedError as EngineStoppedError
    from iwf_py.errors import EngineUnreadyError as EngineUnreadyError
    from iwf_py.errors import ExecutionParkedError as ExecutionParkedError
    from iwf_py.errors import HttpError as HttpError
    from iwf_py.errors import InvalidArgumentError as InvalidArgumentError
    from iwf_py.errors import IwfError as IwfError
    from iwf_py.errors import NonRetryableError as NonRetryableError
    from iwf_py.errors import NotRegisteredError as NotRegisteredError
    from iwf_py.errors import PayloadError as PayloadError
    from iwf_py.errors import ProtocolError as ProtocolError
    from iwf_py.errors import RetryAfter as RetryAfter
    from iwf_py.errors import ServerSideError as ServerSideError
    from iwf_py.errors import ServerUnreachableError as ServerUnreachableError
    from iwf_py.errors import StoreError as StoreError
    from iwf_py.errors import StoreInUseError as StoreInUseError
    from iwf_py.errors import StoreUnusableError as StoreUnusableError
    from iwf_py.errors import StoreVersionError as StoreVersionError
    from iwf_py.errors import TooManyRequestsError as TooManyRequestsError
    from iwf_py.errors import TransitionError as TransitionError
    from iwf_py.errors import UnsupportedByServerError as UnsupportedByServerError
    from iwf_py.errors import WorkflowAbnormalExitError as WorkflowAbnormalExitError
    from iwf_py.errors import WorkflowAlreadyStartedError as WorkflowAlreadyStartedError
    from iwf_py.errors import WorkflowCanceled as WorkflowCanceled
    from iwf_py.errors import WorkflowDefinitionError as WorkflowDefinitionError
    from iwf_py.errors import WorkflowFailed as WorkflowFailed
    from iwf_py.errors import WorkflowNotExistsError as WorkflowNotExistsError
    from iwf_py.errors import WorkflowRPCAcquiringLockFailure as WorkflowRPCAcquiringLockFailure
    from iwf_py.errors import WorkflowRPCExecutionError as WorkflowRPCExecutionError
    from iwf_py.errors import WorkflowStillRunningError as WorkflowStillRunningError
    from iwf_py.errors import WorkflowTerminated as WorkflowTerminated
    from iwf_py.errors import WorkflowTimeout as WorkflowTimeout
    from iwf_py.extension import IwfPy as IwfPy
    from iwf_py.model.invocations import Failure as Failure
    from iwf_py.model.options import CronSchedule as CronSchedule
    from iwf_py.model.options import PersistenceLoadingPolicy as PersistenceLoadingPolicy
    from iwf_py.model.options import RetryPolicy as RetryPolicy
    from iwf_py.model.options import WorkflowAlreadyStartedOptions as WorkflowAlreadyStartedOptions
    from iwf_py.model.options import WorkflowConfig as WorkflowConfig
    from iwf_py.model.options import WorkflowRetryPolicy as WorkflowRetryPolicy
    from iwf_py.model.payload import EncodedObject as EncodedObject
    from iwf_py.model.payload import Payload as Payload
    from iwf_py.model.payload import SearchAttribute as SearchAttribute
    from iwf_py.model.requests import FoundRun as FoundRun
    from iwf_py.model.requests import SearchPage as SearchPage
    from iwf_py.model.requests import WorkflowInfo as WorkflowInfo
    from iwf_py.model.status import ChannelRequestStatus as ChannelRequestStatus
    from iwf_py.model.status import CommandWaitingType as CommandWaitingType
    from iwf_py.model.status import ErrorSubStatus as ErrorSubStatus
    from iwf_py.model.status import ExecuteApiFailurePolicy as ExecuteApiFailurePolicy
    from iwf_py.model.status import ExecutingStateIdMode as ExecutingStateIdMode
    from iwf_py.model.status import IDReusePolicy as IDReusePolicy
    from iwf_py.model.status import PersistenceLoadingType as PersistenceLoadingType
    from iwf_py.model.status import SearchAttributeValueType as SearchAttributeValueType
    from iwf_py.model.status import TimerStatus as TimerStatus
    from iwf_py.model.status import WaitUntilApiFailurePolicy as WaitUntilApiFailurePolicy
    from iwf_py.model.status import WorkflowConditionalCloseType as WorkflowConditionalCloseType
    from iwf_py.model.status import WorkflowErrorType as WorkflowErrorType
    from iwf_py.model.status import WorkflowIDReusePolicy as WorkflowIDReusePolicy
    from iwf_py.model.status import WorkflowResetType as WorkflowResetType
    from iwf_py.model.status import WorkflowStatus as WorkflowStatus
    from iwf_py.model.status import WorkflowStopType as WorkflowStopType
    from iwf_py.model.unset import UNSET as UNSET
    from iwf_py.model.unset import Unset as Unset
    from iwf_py.server.worker_api import worker_api as worker_api
    from iwf_py.server.worker_app import WorkerApp as WorkerApp

    # In plain order, where ruff would put the one constant first.
    from iwf_py.serving import Server as Server
    from iwf_py.serving import ServerOptions as ServerOptions
    from iwf_py.serving import create_app as create_app
    from iwf_py.wire.signing import SigningKey as SigningKey
    from iwf_py.wire.signing_keys import read_signing_keys as read_signing_keys
    from iwf_py.wire.worker_urls import AllowedWorker as AllowedWorker
    from iwf_py.worker.messages import WorkflowStateExecuteRequest as WorkflowStateExecuteRequest
    from iwf_py.worker.messages import WorkflowStateExecuteResponse as WorkflowStateExecuteResponse
    from iwf_py.worker.messages import WorkflowStateWaitUntilRequest as WorkflowStateWaitUntilRequest
    from iwf_py.worker.messages import WorkflowStateWaitUntilResponse as WorkflowStateWaitUntilResponse
    from iwf_py.worker.messages import WorkflowWorkerRpcRequest as WorkflowWorkerRpcRequest
    from iwf_py.worker.messages import WorkflowWorkerRpcResponse as WorkflowWorkerRpcResponse
    from iwf_py.worker.service import WorkerOptions as WorkerOptions
    from iwf_py.worker.service import WorkerService as WorkerService
    from iwf_py.worker.service import default_worker_options as default_worker_options
    from iwf_py.working import worker_app as worker_app

__all__ = [  # noqa: RUF022
    "AdvancedJSONEncoder",
    "AllowedWorker",
    "AsyncClient",
    "AsyncWorkflowHandle",
    "AttributeValue",
    "BaseCommand",
    "BinaryNullPayloadConverter",
    "BinaryPlainPayloadConverter",
    "ChannelEmptyCommand",
    "ChannelEmptyCommandResult",
    "ChannelRequestStatus",
    "Client",
    "ClientOptions",
    "ClientSideError",
    "CommandRequest",
    "CommandResults",
    "CommandWaitingType",
    "CommitUnknownError",
    "Communication",
    "CommunicationMethod",
    "CommunicationMethodType",
    "CommunicationSchema",
    "CompositePayloadConverter",
    "CronSchedule",
    "DataAttribute",
    "DataAttributePrefix",
    "DefaultPayloadConverter",
    "Embedded",
    "EncodedObject",
    "EncodingPayloadConverter",
    "EngineError",
    "EngineStoppedError",
    "EngineUnreadyError",
    "ErrorSubStatus",
    "ExecuteApiFailurePolicy",
    "ExecutingStateIdMode",
    "ExecutionParkedError",
    "Failure",
    "FoundRun",
    "HttpError",
    "IDReusePolicy",
    "InternalChannel",
    "InternalChannelCommand",
    "InternalChannelCommandResult",
    "InternalChannelPrefix",
    "InvalidArgumentError",
    "IwfError",
    "IwfPy",
    "JSONPlainPayloadConverter",
    "JSONTypeConverter",
    "JsonConverter",
    "NonRetryableError",
    "NotRegisteredError",
    "ObjectEncoder",
    "ObjectWorkflow",
    "Payload",
    "PayloadCodec",
    "PayloadConverter",
    "PayloadError",
    "Persistence",
    "PersistenceField",
    "PersistenceFieldType",
    "PersistenceLoadingPolicy",
    "PersistenceLoadingType",
    "PersistenceOptions",
    "PersistenceSchema",
    "ProtocolError",
    "RPCInfo",
    "Registry",
    "ResetWorkflowTypeAndOptions",
    "RetryAfter",
    "RetryPolicy",
    "Rpc",
    "SearchAttribute",
    "SearchAttributeKey",
    "SearchAttributeValueType",
    "SearchPage",
    "Server",
    "ServerOptions",
    "ServerSideError",
    "ServerUnreachableError",
    "SignalChannel",
    "SignalChannelCommand",
    "SignalChannelCommandResult",
    "SignalChannelPrefix",
    "SigningKey",
    "StateDecision",
    "StateDef",
    "StateMovement",
    "StateSchema",
    "StopWorkflowOptions",
    "StoreError",
    "StoreInUseError",
    "StoreUnusableError",
    "StoreVersionError",
    "T",
    "TimerCommand",
    "TimerCommandResult",
    "TimerStatus",
    "TooManyRequestsError",
    "TransitionError",
    "TypeStore",
    "UNSET",
    "UnregisteredClient",
    "UnregisteredWorkflowOptions",
    "Unset",
    "UnsetPayloadConverter",
    "UnsupportedByServerError",
    "WaitUntilApiFailurePolicy",
    "WorkerApp",
    "WorkerOptions",
    "WorkerService",
    "WorkflowAbnormalExitError",
    "WorkflowAlreadyStartedError",
    "WorkflowAlreadyStartedOptions",
    "WorkflowCanceled",
    "WorkflowConditionalCloseType",
    "WorkflowConfig",
    "WorkflowContext",
    "WorkflowDefinitionError",
    "WorkflowErrorType",
    "WorkflowFailed",
    "WorkflowHandle",
    "WorkflowIDReusePolicy",
    "WorkflowInfo",
    "WorkflowNotExistsError",
    "WorkflowOptions",
    "WorkflowOutcome",
    "WorkflowRPCAcquiringLockFailure",
    "WorkflowRPCExecutionError",
    "WorkflowResetType",
    "WorkflowRetryPolicy",
    "WorkflowState",
    "WorkflowStateExecuteRequest",
    "WorkflowStateExecuteResponse",
    "WorkflowStateOptions",
    "WorkflowStateWaitUntilRequest",
    "WorkflowStateWaitUntilResponse",
    "WorkflowStatus",
    "WorkflowStillRunningError",
    "WorkflowStopType",
    "WorkflowTerminated",
    "WorkflowTimeout",
    "WorkflowWorkerRpcRequest",
    "WorkflowWorkerRpcResponse",
    "convert_to_sa_list",
    "create_app",
    "default_worker_options",
    "get_input_type",
    "get_state_execution_id",
    "get_state_id",
    "get_state_id_by_class",
    "get_workflow_type",
    "get_workflow_type_by_class",
    "get_workflow_type_by_rpc_method",
    "read_signing_keys",
    "reset_to_beginning",
    "reset_to_history_event_id",
    "reset_to_history_event_time",
    "reset_to_state_execution_id",
    "reset_to_state_id",
    "rpc",
    "should_skip_wait_until",
    "value_to_type",
    "worker_api",
    "worker_app",
]

_MODULES = {
    "AdvancedJSONEncoder": "iwf_py.codec.object_encoder",
    "AllowedWorker": "iwf_py.wire.worker_urls",
    "AsyncClient": "iwf_py.client.aio",
    "AsyncWorkflowHandle": "iwf_py.client.aio",
    "AttributeValue": "iwf_py.client.wanted",
    "BaseCommand": "iwf_py.authoring.command_request",
    "BinaryNullPayloadConverter": "iwf_py.codec.object_encoder",
    "BinaryPlainPayloadConverter": "iwf_py.codec.object_encoder",
    "ChannelEmptyCommand": "iwf_py.authoring.command_request",
    "ChannelEmptyCommandResult": "iwf_py.authoring.command_results",
    "ChannelRequestStatus": "iwf_py.model.status",
    "Client": "iwf_py.client.client",
    "ClientOptions": "iwf_py.client.client_options",
    "ClientSideError": "iwf_py.errors",
    "CommandRequest": "iwf_py.authoring.command_request",
    "CommandResults": "iwf_py.authoring.command_results",
    "CommandWaitingType": "iwf_py.model.status",
    "CommitUnknownError": "iwf_py.errors",
    "Communication": "iwf_py.authoring.communication",
    "CommunicationMethod": "iwf_py.authoring.communication_schema",
    "CommunicationMethodType": "iwf_py.authoring.communication_schema",
    "CommunicationSchema": "iwf_py.authoring.communication_schema",
    "CompositePayloadConverter": "iwf_py.codec.object_encoder",
    "CronSchedule": "iwf_py.model.options",
    "DataAttribute": "iwf_py.authoring.descriptors",
    "DataAttributePrefix": "iwf_py.authoring.descriptors",
    "DefaultPayloadConverter": "iwf_py.codec.object_encoder",
    "Embedded": "iwf_py.embedded",
    "EncodedObject": "iwf_py.model.payload",
    "EncodingPayloadConverter": "iwf_py.codec.object_encoder",
    "EngineError": "iwf_py.errors",
    "EngineStoppedError": "iwf_py.errors",
    "EngineUnreadyError": "iwf_py.errors",
    "ErrorSubStatus": "iwf_py.model.status",
    "ExecuteApiFailurePolicy": "iwf_py.model.status",
    "ExecutingStateIdMode": "iwf_py.model.status",
    "ExecutionParkedError": "iwf_py.errors",
    "Failure": "iwf_py.model.invocations",
    "FoundRun": "iwf_py.model.requests",
    "HttpError": "iwf_py.errors",
    "IDReusePolicy": "iwf_py.model.status",
    "InternalChannel": "iwf_py.authoring.descriptors",
    "InternalChannelCommand": "iwf_py.authoring.command_request",
    "InternalChannelCommandResult": "iwf_py.authoring.command_results",
    "InternalChannelPrefix": "iwf_py.authoring.descriptors",
    "InvalidArgumentError": "iwf_py.errors",
    "IwfError": "iwf_py.errors",
    "IwfPy": "iwf_py.extension",
    "JSONPlainPayloadConverter": "iwf_py.codec.object_encoder",
    "JSONTypeConverter": "iwf_py.codec.object_encoder",
    "JsonConverter": "iwf_py.codec.payloads",
    "NonRetryableError": "iwf_py.errors",
    "NotRegisteredError": "iwf_py.errors",
    "ObjectEncoder": "iwf_py.codec.object_encoder",
    "ObjectWorkflow": "iwf_py.authoring.workflow",
    "Payload": "iwf_py.model.payload",
    "PayloadCodec": "iwf_py.codec.payloads",
    "PayloadConverter": "iwf_py.codec.object_encoder",
    "PayloadError": "iwf_py.errors",
    "Persistence": "iwf_py.authoring.persistence",
    "PersistenceField": "iwf_py.authoring.persistence_schema",
    "PersistenceFieldType": "iwf_py.authoring.persistence_schema",
    "PersistenceLoadingPolicy": "iwf_py.model.options",
    "PersistenceLoadingType": "iwf_py.model.status",
    "PersistenceOptions": "iwf_py.authoring.persistence_options",
    "PersistenceSchema": "iwf_py.authoring.persistence_schema",
    "ProtocolError": "iwf_py.errors",
    "RPCInfo": "iwf_py.authoring.rpc",
    "Registry": "iwf_py.authoring.registry",
    "ResetWorkflowTypeAndOptions": "iwf_py.authoring.reset_workflow_type_and_options",
    "RetryAfter": "iwf_py.errors",
    "RetryPolicy": "iwf_py.model.options",
    "Rpc": "iwf_py.authoring.rpc",
    "SearchAttribute": "iwf_py.model.payload",
    "SearchAttributeKey": "iwf_py.authoring.descriptors",
    "SearchAttributeValueType": "iwf_py.model.status",
    "SearchPage": "iwf_py.model.requests",
    "Server": "iwf_py.serving",
    "ServerOptions": "iwf_py.serving",
    "ServerSideError": "iwf_py.errors",
    "ServerUnreachableError": "iwf_py.errors",
    "SignalChannel": "iwf_py.authoring.descriptors",
    "SignalChannelCommand": "iwf_py.authoring.command_request",
    "SignalChannelCommandResult": "iwf_py.authoring.command_results",
    "SignalChannelPrefix": "iwf_py.authoring.descriptors",
    "SigningKey": "iwf_py.wire.signing",
    "StateDecision": "iwf_py.authoring.state_decision",
    "StateDef": "iwf_py.authoring.state_schema",
    "StateMovement": "iwf_py.authoring.state_movement",
    "StateSchema": "iwf_py.authoring.state_schema",
    "StopWorkflowOptions": "iwf_py.authoring.workflow_options",
    "StoreError": "iwf_py.errors",
    "StoreInUseError": "iwf_py.errors",
    "StoreUnusableError": "iwf_py.errors",
    "StoreVersionError": "iwf_py.errors",
    "T": "iwf_py.authoring.workflow_state",
    "TimerCommand": "iwf_py.authoring.command_request",
    "TimerCommandResult": "iwf_py.authoring.command_results",
    "TimerStatus": "iwf_py.model.status",
    "TooManyRequestsError": "iwf_py.errors",
    "TransitionError": "iwf_py.errors",
    "TypeStore": "iwf_py.authoring.definition",
    "UNSET": "iwf_py.model.unset",
    "UnregisteredClient": "iwf_py.client.unregistered_client",
    "UnregisteredWorkflowOptions": "iwf_py.authoring.unregistered_workflow_options",
    "Unset": "iwf_py.model.unset",
    "UnsetPayloadConverter": "iwf_py.codec.object_encoder",
    "UnsupportedByServerError": "iwf_py.errors",
    "WaitUntilApiFailurePolicy": "iwf_py.model.status",
    "WorkerApp": "iwf_py.server.worker_app",
    "WorkerOptions": "iwf_py.worker.service",
    "WorkerService": "iwf_py.worker.service",
    "WorkflowAbnormalExitError": "iwf_py.errors",
    "WorkflowAlreadyStartedError": "iwf_py.errors",
    "WorkflowAlreadyStartedOptions": "iwf_py.model.options",
    "WorkflowCanceled": "iwf_py.errors",
    "WorkflowConditionalCloseType": "iwf_py.model.status",
    "WorkflowConfig": "iwf_py.model.options",
    "WorkflowContext": "iwf_py.authoring.workflow_context",
    "WorkflowDefinitionError": "iwf_py.errors",
    "WorkflowErrorType": "iwf_py.model.status",
    "WorkflowFailed": "iwf_py.errors",
    "WorkflowHandle": "iwf_py.client.handle",
    "WorkflowIDReusePolicy": "iwf_py.model.status",
    "WorkflowInfo": "iwf_py.model.requests",
    "WorkflowNotExistsError": "iwf_py.errors",
    "WorkflowOptions": "iwf_py.authoring.workflow_options",
    "WorkflowOutcome": "iwf_py.client.results",
    "WorkflowRPCAcquiringLockFailure": "iwf_py.errors",
    "WorkflowRPCExecutionError": "iwf_py.errors",
    "WorkflowResetType": "iwf_py.model.status",
    "WorkflowRetryPolicy": "iwf_py.model.options",
    "WorkflowState": "iwf_py.authoring.workflow_state",
    "WorkflowStateExecuteRequest": "iwf_py.worker.messages",
    "WorkflowStateExecuteResponse": "iwf_py.worker.messages",
    "WorkflowStateOptions": "iwf_py.authoring.workflow_state_options",
    "WorkflowStateWaitUntilRequest": "iwf_py.worker.messages",
    "WorkflowStateWaitUntilResponse": "iwf_py.worker.messages",
    "WorkflowStatus": "iwf_py.model.status",
    "WorkflowStillRunningError": "iwf_py.errors",
    "WorkflowStopType": "iwf_py.model.status",
    "WorkflowTerminated": "iwf_py.errors",
    "WorkflowTimeout": "iwf_py.errors",
    "WorkflowWorkerRpcRequest": "iwf_py.worker.messages",
    "WorkflowWorkerRpcResponse": "iwf_py.worker.messages",
    "convert_to_sa_list": "iwf_py.authoring.search_attributes",
    "create_app": "iwf_py.serving",
    "default_worker_options": "iwf_py.worker.service",
    "get_input_type": "iwf_py.authoring.workflow_state",
    "get_state_execution_id": "iwf_py.authoring.workflow_state",
    "get_state_id": "iwf_py.authoring.workflow_state",
    "get_state_id_by_class": "iwf_py.authoring.workflow_state",
    "get_workflow_type": "iwf_py.authoring.workflow",
    "get_workflow_type_by_class": "iwf_py.authoring.workflow",
    "get_workflow_type_by_rpc_method": "iwf_py.authoring.rpc",
    "read_signing_keys": "iwf_py.wire.signing_keys",
    "reset_to_beginning": "iwf_py.authoring.reset_workflow_type_and_options",
    "reset_to_history_event_id": "iwf_py.authoring.reset_workflow_type_and_options",
    "reset_to_history_event_time": "iwf_py.authoring.reset_workflow_type_and_options",
    "reset_to_state_execution_id": "iwf_py.authoring.reset_workflow_type_and_options",
    "reset_to_state_id": "iwf_py.authoring.reset_workflow_type_and_options",
    "rpc": "iwf_py.authoring.rpc",
    "should_skip_wait_until": "iwf_py.authoring.workflow_state",
    "value_to_type": "iwf_py.codec.object_encoder",
    "worker_api": "iwf_py.server.worker_api",
    "worker_app": "iwf_py.working",
}


# Hidden from type checkers: to them a name that is not listed above is an error, not anything at all.
if not TYPE_CHECKING:

    def __getattr__(name: str) -> Any:
        """Load the part that a public name stands for."""
        module = _MODULES.get(name)
        if module is None:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value = getattr(importlib.import_module(module), name)
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
