"""A worker that has signing keys: it takes what its server signed, once, and nothing else."""

import io
import json
import logging
from wsgiref.util import setup_testing_defaults

import pytest
from flask import Flask

from iwf_py import (
    InvalidArgumentError,
    ObjectWorkflow,
    Registry,
    SigningKey,
    StateDecision,
    StateSchema,
    WorkerApp,
    WorkerOptions,
    WorkerService,
    WorkflowState,
    WorkflowStateExecuteRequest,
    worker_api,
)
from iwf_py.wire.signing import Signed, sign

NOW = 1_800_000_000
KEY, OTHER = SigningKey("k", b"canary" * 6), SigningKey("k", b"x" * 36)
EXECUTE = WorkerService.api_path_workflow_state_execute
CALL = {
    "context": {"workflowId": "w", "workflowRunId": "r", "workflowStartedTimestamp": 1, "stateExecutionId": "Count-1"},
    "workflowType": "Counting",
    "workflowStateId": "Count",
}
BODY = json.dumps(CALL).encode()


class Count(WorkflowState[None]):
    def __init__(self):
        self.times = 0

    def execute(self, ctx, input, command_results, persistence, communication):
        self.times += 1
        return StateDecision.dead_end


class Counting(ObjectWorkflow):
    def __init__(self):
        self.count = Count()

    def get_workflow_states(self):
        return StateSchema.with_starting_state(self.count)


class Signing:
    """A worker, and what a server would send it."""

    def __init__(self, make_app):
        self.workflow = Counting()
        service = WorkerService(Registry(self.workflow), WorkerOptions(signing_keys=[KEY]), now=lambda: NOW)
        self.service = service
        self.app = make_app(service)

    def send(self, header, body=BODY, path=EXECUTE):
        environ = {"CONTENT_LENGTH": str(len(body))}
        setup_testing_defaults(environ)
        environ |= {"REQUEST_METHOD": "POST", "PATH_INFO": "/team" + path, "wsgi.input": io.BytesIO(body)}
        if header is not None:
            environ["HTTP_IWF_SIGNATURE"] = header
        started = []
        answer = b"".join(self.app(environ, lambda status, headers: started.append(status)))
        return int(started[0].split()[0]), json.loads(answer)


def flask_app(service):
    app = Flask("beside", root_path="/")
    app.register_blueprint(worker_api(service), url_prefix="/team")
    return app


@pytest.fixture(params=[lambda service: WorkerApp(service, prefix="/team"), flask_app], ids=["app", "flask"])
def signing(request):
    signing = Signing(request.param)
    yield signing
    signing.service.close()


def signature(key=KEY, at=NOW, nonce="0" * 32, path=EXECUTE, body=BODY):
    return sign(key, "POST", path, body, Signed(at, nonce))


def test_a_signed_call_is_answered_once(signing):
    """
    Under whatever path the worker's URL has; the same call shown again is refused, and runs no user code.
    """
    first, again = signing.send(signature()), signing.send(signature())
    another = signing.send(signature(nonce="1" * 32))

    assert [first[0], again[0], another[0]] == [200, 401, 200]
    assert "come before" in again[1]["detail"]
    assert signing.workflow.count.times == 2


@pytest.mark.parametrize(
    ("header", "sent", "why"),
    [
        (None, {}, "no header Iwf-Signature"),
        ("nonsense", {}, "none that this worker can read"),
        (signature(OTHER), {}, "not one by key 'k'"),
        (signature(SigningKey("j", b"x" * 32)), {}, "no signing key 'j'"),
        (signature(path=WorkerService.api_path_workflow_state_wait_until), {}, "not one by key"),
        (signature(), {"path": WorkerService.api_path_workflow_worker_rpc}, "not one by key"),
        (signature(), {"body": BODY.replace(b'"w"', b'"x"')}, "not one by key"),
        (signature(at=NOW - 61), {}, "signed +61 s from"),
    ],
)
def test_any_other_call_is_refused(signing, caplog, header, sent, why):
    """
    With a sentence that says what is wrong and has no secret in it; no user code runs, and nothing is logged of the key.
    """
    caplog.set_level(logging.DEBUG)
    status, answer = signing.send(header, **sent)

    assert status == 401
    assert why in answer["detail"]
    assert signing.workflow.count.times == 0
    assert "canary" not in json.dumps(answer) + caplog.text + repr(vars(signing.service))
    assert KEY.secret.hex() not in json.dumps(answer) + caplog.text


def test_a_refused_call_takes_no_ones_place(signing):
    """
    Whoever has seen a nonce, and has no key, cannot have the true call refused by sending it first.
    """
    signing.send(signature(OTHER))

    assert signing.send(signature())[0] == 200


def test_what_cannot_be_checked_is_not_called(signing):
    """
    A framework that has parsed a call has no bytes left to check; it is told so, and the handler is not called.
    """
    with pytest.raises(InvalidArgumentError, match=r"WorkerService\.answer"):
        signing.service.handle_workflow_state_execute(WorkflowStateExecuteRequest.from_dict(CALL))
    assert signing.workflow.count.times == 0
