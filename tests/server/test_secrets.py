"""What must stay where it was put: values, keys, and the runs of others."""

import json
import logging
from datetime import UTC, datetime

from iwf_py.server.actions import Role
from iwf_py.server.keys import Keys, make_key
from tests.server.scripted import close_with, told

START = {"iwfWorkflowType": "Flow", "workflowTimeoutSeconds": 0}
SKIP = {"startStateId": "A", "stateOptions": {"skipWaitUntil": True}}


def test_no_value_and_no_key_is_logged(make_host, make_worker, caplog):
    """
    Whatever a client or a worker sends, in good calls and in bad ones, at the finest level of logging.
    """
    caplog.set_level(logging.DEBUG)
    text, key = make_key("a", Role.ADMIN, datetime.now(UTC))
    host = make_host(access=Keys([key]))
    worker = make_worker(
        lambda path, body: close_with('"canary"') if path.endswith("decide") else told({"detail": "canary"}, status=500)
    )
    value = {"encoding": "json", "data": '"canary"'}

    def post(name, headers=None, path="", **body):
        bearer = {"Authorization": f"Bearer {text}"}
        return host.send("POST", f"/api/v1/workflow/{name}{path}", body, headers or bearer).status

    objects, wanted = [{"key": "a", "value": value}], {"key": "k", "valueType": "KEYWORD", "stringValue": "canary"}
    statuses = [
        post("start", workflowId="w", iwfWorkerUrl=worker.url, stateInput=value, **START),
        post("start", workflowId="c", iwfWorkerUrl=worker.url, stateInput=value, **START, **SKIP),
        post("dataobjects/set", workflowId="w", objects=objects),
        post("searchattributes/set", workflowId="w", searchAttributes=[wanted]),
        post("signal", workflowId="w", signalChannelName="s", signalValue=value),
        post("rpc", workflowId="w", rpcName="r", input=value),
        post("getWithWait", workflowId="c"),
        post("stop", workflowId="w", reason="canary"),
    ]
    refused = [
        post("signal", workflowId="nobody", signalChannelName="s", signalValue=value),
        post("signal", workflowId="w", signalChannelName=7, signalValue=value),
        host.send("POST", "/api/v1/workflow/start", b'{"canary', {"Authorization": f"Bearer {text}"}).status,
        post("get", {"Authorization": f"Bearer {text}canary"}, workflowId="w"),
    ]
    host.idle.wait()

    assert statuses == [200, 200, 200, 200, 200, 420, 200, 200]
    assert refused == [400, 400, 400, 401]
    logged = caplog.text + "".join(str(vars(record)) for record in caplog.records)
    assert "canary" not in logged
    assert text.rpartition("_")[2] not in logged
    assert key.digest not in logged


def test_a_workers_answer_is_of_the_run_that_was_called_for(host, make_worker):
    """
    Ids of another run in it are nobody's: that run goes on as it was.
    """
    run_id = host.start("other")
    whose = {"workflowId": "other", "workflowRunId": run_id, "stateExecutionId": "A-1", "namespace": "another"}

    def answer(path, body):
        status, content_type, said = close_with('"done"')
        return status, content_type, json.dumps({**json.loads(said), **whose, "context": whose}).encode()

    worker = make_worker(answer)
    host.start("mine", worker.url, **SKIP)
    mine = host.post("getWithWait", workflowId="mine", waitTimeSeconds=10)

    assert mine.body["workflowStatus"] == "COMPLETED"
    assert host.post("get", workflowId="other").body == {"workflowRunId": run_id, "workflowStatus": "RUNNING"}
