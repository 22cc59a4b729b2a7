"""What the tests of this room share: invocations made by hand."""

from datetime import UTC, datetime, timedelta

import pytest

from iwf_py import Registry
from iwf_py.codec.payloads import JsonConverter
from iwf_py.model.invocations import Invocation, InvocationKind
from iwf_py.worker.handlers import Handlers

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


@pytest.fixture
def converter():
    return JsonConverter()


@pytest.fixture
def invocation(converter):
    """
    Make an invocation of a method, of plain values.
    """

    def make(workflow, kind, method, *, input=None, attributes=None, **fields):
        is_rpc = kind is InvocationKind.RPC
        fields = {
            "state_execution_id": None if is_rpc else f"{method}-1",
            "first_attempt_at": None if is_rpc else NOON,
            **fields,
        }
        return Invocation(
            kind=kind,
            namespace="default",
            workflow_type=workflow if isinstance(workflow, str) else workflow.__name__,
            workflow_id="alice",
            run_id="run",
            started_at=NOON,
            method_name=method,
            input=converter.encode(input),
            attributes={key: converter.encode(value) for key, value in (attributes or {}).items()},
            timeout=timedelta(seconds=30),
            **fields,
        )

    return make


@pytest.fixture
def call(converter, invocation):
    """
    Call a method of a workflow class on this thread.
    """

    def run(workflow, kind, method, **fields):
        return Handlers(Registry(workflow), converter).call(invocation(workflow, kind, method, **fields))

    return run
