"""Calls of workers and their answers, under the names and with the two methods that code written for iWF's SDK uses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Self

from attrs import frozen

from iwf_py.model.invocations import InvocationKind


@frozen
class WorkerMessage:
    """
    A body of the iWF protocol.

    Attributes:
        body: The JSON object.
    """

    body: Mapping[str, Any]

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        """Take the JSON object of a request; it is looked at when it is handled."""
        return cls(src_dict)

    def to_dict(self) -> dict[str, Any]:
        """Give the JSON object."""
        return dict(self.body)


class WorkerRequest(WorkerMessage):
    """A call of user code."""

    kind: ClassVar[InvocationKind]

    @property
    def workflow_type(self) -> str:
        """Of the run."""
        return str(self.body.get("workflowType", ""))

    @property
    def context(self) -> Mapping[str, Any]:
        """Which run, and which state execution and attempt, in the protocol's words."""
        context: Mapping[str, Any] = self.body.get("context") or {}
        return context


class WorkflowStateWaitUntilRequest(WorkerRequest):
    """A call of a state's ``wait_until``."""

    kind = InvocationKind.WAIT_UNTIL

    @property
    def workflow_state_id(self) -> str:
        """Of the state."""
        return str(self.body.get("workflowStateId", ""))


class WorkflowStateExecuteRequest(WorkerRequest):
    """A call of a state's ``execute``."""

    kind = InvocationKind.EXECUTE

    @property
    def workflow_state_id(self) -> str:
        """Of the state."""
        return str(self.body.get("workflowStateId", ""))


class WorkflowWorkerRpcRequest(WorkerRequest):
    """A call of an RPC."""

    kind = InvocationKind.RPC

    @property
    def rpc_name(self) -> str:
        """Of the method."""
        return str(self.body.get("rpcName", ""))


class WorkflowStateWaitUntilResponse(WorkerMessage):
    """What ``wait_until`` answered."""


class WorkflowStateExecuteResponse(WorkerMessage):
    """What ``execute`` answered."""


class WorkflowWorkerRpcResponse(WorkerMessage):
    """What an RPC answered."""
