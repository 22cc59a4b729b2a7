"""Every sample with a server in place of a database: three processes, and the same answers."""

from __future__ import annotations

import re
import signal
import socket
from pathlib import Path

import pytest

from iwf_py.cli.main import main
from sample_apps.serving import parser_of
from sample_apps.signup.app import create_app
from tests.samples.conftest import Process
from tests.wire.scripted_server import ScriptedServer

RUN = {"workflowRunId": "00000000-0000-4000-8000-000000000001"}


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


@pytest.fixture
def server(tmp_path: Path, started: list[Process]) -> str:
    """An iWF server of ours, as users start it."""
    port = free_port()
    process = Process(
        "server", "--port", str(port), "--database", "sqlite:///iwf.db", "--allow-worker-url", "http://localhost:*",
        cwd=tmp_path, module="iwf_py.cli",
    )  # fmt: skip
    started.append(process)
    process.wait_for("serving")
    return f"http://localhost:{port}"


def start(started: list[Process], name: str, folder: Path, server: str, *options: str) -> tuple[Process, str, str]:
    """Start a sample; tell its address and its worker's."""
    worker = f"http://localhost:{free_port()}"
    process = Process(
        "--port", "0", "--server-url", server, "--worker-url", worker, *options,
        cwd=folder, module=f"sample_apps.{name}",
    )  # fmt: skip
    started.append(process)
    ready = re.match(rf"{name} is ready on (\S+) \(server (\S+), worker at ([^ ;,)]+)", process.wait_for("is ready"))
    assert ready is not None
    assert ready[2] == server
    assert ready[3] == worker
    return process, ready[1], worker


def test_signup_runs_on_a_server(tmp_path: Path, server: str, started: list[Process]):
    """
    The two printed lines answer as they do with a database, and SIGTERM ends the sample in peace.
    """
    process, url, _ = start(started, "signup", tmp_path, server, "--reminder-seconds", "1")
    submit, verify = (
        f"{url}/signup/submit?username=alice&email=a@example.com",
        f"{url}/signup/verify?username=alice&source=email",
    )

    assert process.get(submit) == (200, "workflow started")
    process.wait_for("send verification email")
    process.wait_for("a reminder email")
    assert process.get(verify) == (200, "done")
    process.wait_for("send welcome email")
    assert process.get(verify) == (200, "already verified")
    assert process.get(submit) == (200, "username already started registry")
    assert process.get(verify.replace("alice", "bob"))[0] == 404
    assert process.end(signal.SIGTERM) == 0


def test_money_transfers_run_on_a_server(tmp_path: Path, server: str, started: list[Process]):
    """
    One is carried out; one whose last step fails for good is undone, and tells why.
    """
    process, url, _ = start(started, "money_transfer", tmp_path, server, "--patience-seconds", "1")

    assert process.get(f"{url}/transfers/t1?from=alice&to=bob&amount=2500", "POST") == (200, "transfer started")
    wait_for(process, f"{url}/transfers/t1", '"COMPLETED"')
    assert process.get(f"{url}/accounts/bob/freeze", "POST")[0] == 200
    process.get(f"{url}/transfers/t2?from=alice&to=bob&amount=100", "POST")
    assert "is frozen" in wait_for(process, f"{url}/transfers/t2", '"FAILED"')

    assert re.sub(r"\s", "", process.get(f"{url}/accounts")[1]) == '{"alice":7500,"bob":2500}'


def test_subscriptions_run_on_a_server(tmp_path: Path, server: str, started: list[Process]):
    """
    One is ordered, found, changed and charged to its end.
    """
    process, url, _ = start(started, "subscription", tmp_path, server)
    order = "customer=alice&email=a@example.com&plan=basic&trial=0&cycle=1&cycles=2"

    assert process.get(f"{url}/subscriptions/s1?{order}", "POST") == (200, "subscribed")
    wait_for(process, f"{url}/subscriptions?customer=alice", "s1")
    assert process.get(f"{url}/subscriptions/s1/plan?plan=premium", "POST")[0] == 200
    wait_for(process, f"{url}/subscriptions/s1", '"ended"')


def test_a_sample_takes_the_calls_that_its_server_signed_and_no_others(tmp_path: Path, started: list[Process]):
    """
    With one file for both; whoever calls the worker without it is refused.
    """
    port, worker = free_port(), f"http://localhost:{free_port()}"
    keys = str(tmp_path / "signing.json")
    assert main(["signing-keys", "create", "--keys", keys, "--worker", worker]) == 0
    server = Process(
        "server", "--port", str(port), "--database", "sqlite:///iwf.db", "--allow-worker-url", worker,
        "--signing-keys", keys, cwd=tmp_path, module="iwf_py.cli",
    )  # fmt: skip
    started.append(server)
    server.wait_for("serving")
    sample = Process(
        "--port", "0", "--server-url", f"http://localhost:{port}", "--worker-url", worker, "--signing-keys", keys,
        cwd=tmp_path, module="sample_apps.signup",
    )  # fmt: skip
    started.append(sample)
    url = sample.wait_for("is ready").split()[4]

    assert sample.get(f"{url}/signup/submit?username=alice&email=a@example.com") == (200, "workflow started")
    sample.wait_for("send verification email")
    assert sample.get(f"{worker}/api/v1/workflowState/decide", "POST")[0] == 401


def wait_for(process: Process, url: str, part: str) -> str:
    """Ask until the answer has *part* in it."""
    while True:
        status, text = process.get(url)
        if part in text:
            return text
        assert status in (200, 404), text


def test_a_worker_port_that_is_taken_is_told(tmp_path: Path, started: list[Process]):
    """
    The sentence names the port and the option.
    """
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        process = Process(
            "--port",
            "0",
            "--server-url",
            "http://localhost:1",
            "--worker-url",
            f"http://localhost:{port}",
            cwd=tmp_path,
        )
        started.append(process)
        rest = process.rest()

    assert f"signup: port {port} on 127.0.0.1 is taken" in rest
    assert "--worker-url" in rest
    assert process.process.returncode == 1


@pytest.mark.parametrize(
    "options",
    [
        ["--server-url", "localhost:8801"],
        ["--worker-url", "http://"],
        ["--server-url", "http://localhost:8801", "--database", "sqlite://"],
    ],
)
def test_options_that_do_not_fit_are_refused(options: list[str], capsys: pytest.CaptureFixture[str]):
    """
    No URL, or a server and a database.
    """
    with pytest.raises(SystemExit):
        parser_of("signup").parse_args(options)
    assert "error" in capsys.readouterr().err


def test_a_click_waits_for_a_server_that_cannot_read_yet():
    """
    The original answers 500 until something of a run has run; that is no reason to turn a click away.
    """
    server = ScriptedServer()
    app = create_app("sqlite://")
    app.config.update(IWF_SERVER_URL=server.url, IWF_WORKER_URL="http://localhost:8802")
    not_yet = (500, {"detail": "Workflow task is not scheduled yet.", "subStatus": "UNCATEGORIZED_SUB_STATUS"})
    waiting = {"objects": [{"key": "status", "value": {"encoding": "json/plain", "data": '"waiting"'}}]}
    try:
        server.answer_path("/api/v1/workflow/dataobjects/get", *[not_yet] * 6, (200, waiting))
        server.answer_path("/api/v1/workflow/get", (200, {**RUN, "workflowStatus": "RUNNING"}))
        server.answer_path("/api/v1/workflow/rpc", (200, {"output": {"encoding": "json/plain", "data": '"done"'}}))

        answer = app.test_client().get("/signup/verify?username=alice&source=email")
    finally:
        app.extensions["iwf_py"].stop()
        server.close()

    assert (answer.status_code, answer.text) == (200, "done")


@pytest.mark.parametrize(
    ("told", "status"),
    [
        ({"originalWorkerErrorStatus": 0}, 503),
        ({"originalWorkerErrorStatus": 500, "originalWorkerErrorType": "ZeroDivisionError"}, 500),
        ({"originalWorkerErrorStatus": 502}, 500),
    ],
)
def test_an_rpc_that_was_not_called_is_a_503_and_one_that_failed_is_not(told, status):
    """
    Whoever clicks is asked for patience where the worker is away; a mistake of its code is nobody's to wait for.
    """
    server = ScriptedServer()
    app = create_app("sqlite://")
    app.config.update(IWF_SERVER_URL=server.url, IWF_WORKER_URL="http://localhost:8802")
    waiting = {"objects": [{"key": "status", "value": {"encoding": "json/plain", "data": '"waiting"'}}]}
    try:
        server.answer_path("/api/v1/workflow/dataobjects/get", (200, waiting))
        server.answer_path("/api/v1/workflow/rpc", (420, {"detail": "no", "subStatus": "WORKER_API_ERROR", **told}))

        answer = app.test_client().get("/signup/verify?username=alice&source=email")
    finally:
        app.extensions["iwf_py"].stop()
        server.close()

    assert answer.status_code == status
    assert (answer.text == "signups cannot be served at the moment; try again soon") == (status == 503)


def test_a_server_that_is_not_there_is_a_503():
    """
    Nobody listens: the endpoint asks for patience.
    """
    app = create_app("sqlite://")
    app.config.update(IWF_SERVER_URL=f"http://localhost:{free_port()}")
    try:
        answer = app.test_client().get("/signup/submit?username=alice&email=a@example.com")
    finally:
        app.extensions["iwf_py"].stop()

    assert answer.status_code == 503
