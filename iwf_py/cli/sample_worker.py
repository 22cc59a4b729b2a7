"""The worker of ``iwf dev``: one workflow, which waits for a name and greets."""

from __future__ import annotations

import threading
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from iwf_py.authoring.command_request import CommandRequest, SignalChannelCommand
from iwf_py.authoring.command_results import CommandResults
from iwf_py.authoring.communication import Communication
from iwf_py.authoring.communication_schema import CommunicationMethod, CommunicationSchema
from iwf_py.authoring.persistence import Persistence
from iwf_py.authoring.registry import Registry
from iwf_py.authoring.rpc import rpc
from iwf_py.authoring.state_decision import StateDecision
from iwf_py.authoring.state_schema import StateSchema
from iwf_py.authoring.workflow import ObjectWorkflow
from iwf_py.authoring.workflow_context import WorkflowContext
from iwf_py.authoring.workflow_state import WorkflowState
from iwf_py.errors import InvalidArgumentError
from iwf_py.working import worker_app

CHANNEL = "name"


class Greet(WorkflowState[None]):
    """Waits for a signal with a name, and completes with a greeting."""

    def wait_until(
        self, ctx: WorkflowContext, input: None, persistence: Persistence, communication: Communication
    ) -> CommandRequest:
        """Wait for the name."""
        return CommandRequest.for_all_command_completed(SignalChannelCommand.by_name(CHANNEL))

    def execute(
        self,
        ctx: WorkflowContext,
        input: None,
        command_results: CommandResults,
        persistence: Persistence,
        communication: Communication,
    ) -> StateDecision:
        """Greet."""
        name = command_results.signal_channel_commands[0].value or "stranger"
        return StateDecision.graceful_complete_workflow(f"Hello, {name}!")


class Greeting(ObjectWorkflow):
    """Greets whoever is named, and repeats what it is told."""

    def get_workflow_states(self) -> StateSchema:
        """Begin with the greeting."""
        return StateSchema.with_starting_state(Greet())

    def get_communication_schema(self) -> CommunicationSchema:
        """Hear a name."""
        return CommunicationSchema.create(CommunicationMethod.signal_channel_def(CHANNEL, str | None))

    @rpc()
    def echo(self, input: Any) -> Any:
        """Answer what came."""
        return input


def start_sample_worker(port: int) -> None:
    """
    Serve the sample on loopback, on threads that end with the process.

    Errors:
        InvalidArgumentError: The port is taken.
    """
    app = worker_app(Registry(Greeting()))
    try:
        server = make_server("127.0.0.1", port, app, server_class=_Threading, handler_class=_Quiet)
    except OSError as error:
        raise InvalidArgumentError(
            f"the sample worker cannot listen on port {port} ({error.strerror}); give another --worker-port"
        ) from None
    threading.Thread(target=server.serve_forever, name="iwf-sample-worker", daemon=True).start()


class _Threading(ThreadingMixIn, WSGIServer):
    daemon_threads = True
    request_queue_size = 128


class _Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing: the server tells what goes wrong."""
