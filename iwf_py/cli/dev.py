"""``iwf dev``: what stands beside the server, so that there is something to try."""

from __future__ import annotations

import json

from iwf_py.authoring.workflow import get_workflow_type_by_class
from iwf_py.authoring.workflow_state import get_state_id_by_class
from iwf_py.cli.sample_worker import CHANNEL, Greet, Greeting, start_sample_worker
from iwf_py.wire.routes import GET_WITH_WAIT, SIGNAL, START


def start_dev(server_url: str, worker_port: int) -> None:
    """
    Start the sample worker, and say how to call it.

    Errors:
        InvalidArgumentError: Its port is taken.
    """
    start_sample_worker(worker_port)
    worker_url = f"http://localhost:{worker_port}"
    name = {"encoding": "json", "data": json.dumps("Alice")}
    start = {
        "workflowId": "hello",
        "iwfWorkflowType": get_workflow_type_by_class(Greeting),
        "workflowTimeoutSeconds": 3600,
        "iwfWorkerUrl": worker_url,
        "startStateId": get_state_id_by_class(Greet),
    }
    calls = [
        (START.path, start),
        (SIGNAL.path, {"workflowId": "hello", "signalChannelName": CHANNEL, "signalValue": name}),
        (GET_WITH_WAIT.path, {"workflowId": "hello"}),
    ]
    print(f"A sample worker answers at {worker_url}; workers of this machine may be called. Try:\n", flush=True)
    for path, body in calls:
        print(f"  curl {server_url}{path} -d '{json.dumps(body)}'\n", flush=True)
