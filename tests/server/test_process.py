"""``iwf server`` as a process of its own: it starts, is killed, starts again, and ends."""

import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from iwf_py.cli.serve import Place, checked
from iwf_py.errors import InvalidArgumentError
from iwf_py.server.actions import Role
from iwf_py.server.gate import ANY_ADDRESS
from iwf_py.server.keys import make_key, write_keys
from iwf_py.serving import ServerOptions
from tests.server.host import API
from tests.server.scripted import close_with, told

# Starting takes a while on a machine that is busy.
SOON = 60.0
ROOT = Path(__file__).parents[2]


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Process:
    """One server."""

    def __init__(self, folder, port, *more, command="server"):
        arguments = [sys.executable, "-m", "iwf_py.cli", command, "--port", str(port)]
        arguments += ["--database", "sqlite:///iwf.db", *more]
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        self.port = port
        self.log = folder / f"{time.monotonic_ns()}.log"
        with self.log.open("w") as log:
            self.process = subprocess.Popen(arguments, cwd=folder, stderr=log, stdout=log, env=environment)

    def ready(self):
        over = time.monotonic() + SOON
        while True:
            try:
                if self.send("GET", "/info/healthcheck")[0] == 200:
                    return self
            except OSError:
                pass
            assert self.process.poll() is None, self.log.read_text()
            assert time.monotonic() < over, self.log.read_text()
            time.sleep(0.02)

    def says(self, text):
        """Wait until its log says so."""
        over = time.monotonic() + SOON
        while text not in self.log.read_text():
            assert self.process.poll() is None, self.log.read_text()
            assert time.monotonic() < over, self.log.read_text()
            time.sleep(0.01)

    def send(self, method, path, body=None, headers=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=SOON)
        try:
            connection.request(method, path, None if body is None else json.dumps(body), headers or {})
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def post(self, name, **body):
        status, answer = self.send("POST", API + name, body)
        return status, json.loads(answer)

    def start(self, workflow_id, url):
        start = {"workflowId": workflow_id, "iwfWorkflowType": "Flow", "workflowTimeoutSeconds": 0, "iwfWorkerUrl": url}
        status, answer = self.post("start", **start, startStateId="A")
        assert status == 200, answer

    def end(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(SOON)


@pytest.fixture
def serve(tmp_path):
    started = []

    def run(*more, port=None, command="server"):
        process = Process(tmp_path, port or free_port(), *more, command=command)
        started.append(process)
        return process

    yield run
    for process in started:
        process.end()


def flow(path, body):
    """A waits for a signal, and completes; an RPC is never answered."""
    if path.endswith("/start"):
        commands = {"commandWaitingType": "ALL_COMPLETED", "signalCommands": [{"signalChannelName": "go"}]}
        return told({"commandRequest": commands})
    if path.endswith("/rpc"):
        _over.wait(SOON)
        return None
    return close_with()


_over = threading.Event()


def test_a_server_that_is_killed_goes_on_where_it_was(serve, make_worker):
    """
    Whoever kills the process that they started may start the next one at once, on the same port and file.
    """
    worker = make_worker(flow)
    allowed = ("--allow-worker-url", worker.url)
    first = serve(*allowed).ready()
    first.start("w", worker.url)
    first.process.kill()
    first.process.wait(SOON)
    second = serve(*allowed, port=first.port).ready()

    assert second.post("signal", workflowId="w", signalChannelName="go") == (200, {})
    status, outcome = second.post("getWithWait", workflowId="w")
    assert (status, outcome["workflowStatus"]) == (200, "COMPLETED")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_one_signal_drains_and_ends(serve, number):
    """
    Who waits is told to ask again, and the process ends in peace.
    """
    server = serve().ready()
    server.start("w", "")
    polling = http.client.HTTPConnection("127.0.0.1", server.port, timeout=SOON)
    polling.request("POST", API + "getWithWait", json.dumps({"workflowId": "w"}))
    # What was sent before is there when what was sent after is answered.
    server.post("get", workflowId="w")
    server.process.send_signal(number)
    answer = polling.getresponse()
    polling.close()

    assert answer.status == 420
    assert server.process.wait(SOON) == 0


def test_a_second_signal_ends_at_once(serve, make_worker):
    """
    Whatever is still under way: here an RPC whose worker never answers.
    """
    worker = make_worker(flow)
    server = serve("--allow-worker-url", worker.url).ready()
    server.start("w", worker.url)
    called = threading.Event()
    answer, worker.script = worker.script, lambda path, body: called.set() or answer(path, body)

    def ask():
        with pytest.raises((OSError, http.client.HTTPException)):
            server.post("rpc", workflowId="w", rpcName="r")

    asking = threading.Thread(target=ask)
    asking.start()
    assert called.wait(SOON)
    server.process.send_signal(signal.SIGTERM)
    server.says("ending: ")
    server.process.send_signal(signal.SIGTERM)
    code = server.process.wait(SOON)
    _over.set()
    asking.join(SOON)

    assert code == 1


def test_a_port_or_a_database_that_is_taken_is_told(serve):
    """
    In a sentence, and not by sharing it.
    """
    first = serve().ready()
    same_port, same_file = serve(port=first.port), serve()

    assert same_port.process.wait(SOON) == 2
    assert f"cannot listen on 127.0.0.1, port {first.port}" in same_port.log.read_text()
    assert same_file.process.wait(SOON) != 0
    assert "iwf: " in same_file.log.read_text()
    assert "Traceback" not in same_file.log.read_text()
    assert first.send("GET", "/info/healthcheck")[0] == 200


def test_a_server_with_keys_asks_for_one_however_the_path_is_spelt(serve, tmp_path):
    """
    Through a real HTTP server, which makes a path of what came before the gate sees it.
    """
    text, key = make_key("test", Role.READ, datetime.now(UTC))
    write_keys(tmp_path / "keys.json", [key])
    server = serve("--keys", "keys.json").ready()
    odd = [
        "/",
        "//",
        "//info/healthcheck",
        "/info/healthcheck/",
        "/INFO/healthcheck",
        "/info/healthcheck/../..",
        "/%2e%2e/",
    ]
    odd += [
        "/info/healthcheck;x",
        "/api/v1/workflow/get/../../info/healthcheck",
        "/info%2fhealthcheck/x",
        "/info/healthcheck%00",
    ]
    statuses = {path: server.send("GET", path)[0] for path in odd}

    # A server may itself refuse what is no path.
    assert set(statuses.values()) <= {401, 400}
    assert server.send("GET", "/", headers={"Authorization": f"Bearer {text}"})[0] == 200
    assert server.send("POST", API + "start", {}, {"Authorization": f"Bearer {text}"})[0] == 403
    assert server.send("GET", "/", headers={"Host": "evil"})[0] == 400
    assert text[17:] not in server.log.read_text()


@pytest.mark.parametrize(
    ("host", "options", "is_refused"),
    [
        ("127.0.0.1", {}, False),
        ("127.0.0.2", {}, False),
        ("::1", {}, False),
        ("localhost", {}, False),
        ("0.0.0.0", {}, True),
        ("::", {}, True),
        ("10.0.0.1", {}, True),
        ("server.internal", {}, True),
        ("localhost.evil.example", {}, True),
        ("", {}, True),
        ("0.0.0.0", {"insecure_no_auth": True}, False),
        ("0.0.0.0", {"keys": "keys.json"}, False),
        ("127.0.0.1", {"keys": "missing.json"}, True),
        ("127.0.0.1", {"allowed_workers": ["http://169.254.169.254"]}, True),
        ("127.0.0.1", {"allowed_workers": ["localhost:8802"]}, True),
    ],
)
def test_a_server_that_others_can_reach_needs_keys(tmp_path, monkeypatch, host, options, is_refused):
    """
    Or the word that it shall serve whoever comes; what is wrong with an option is said before anything is opened.
    """
    monkeypatch.chdir(tmp_path)
    write_keys(Path("keys.json"), [])
    place = Place(host=host, port=1)

    if is_refused:
        with pytest.raises(InvalidArgumentError):
            checked(place, ServerOptions(**options))
    else:
        checked(place, ServerOptions(**options))


def test_a_server_is_known_by_the_address_that_it_listens_on():
    """
    And by any, where it listens on all.
    """
    hosts = [
        checked(Place(host=host, port=1), ServerOptions(insecure_no_auth=True, trusted_hosts=["iwf"])).trusted_hosts
        for host in ("10.0.0.1", "fd00::1", "0.0.0.0")
    ]

    assert hosts == [("iwf", "10.0.0.1"), ("iwf", "[fd00::1]"), ("iwf", ANY_ADDRESS)]


def test_one_command_gives_something_to_try(serve):
    """
    Server, database and a sample worker; the calls that it prints do what they say.
    """
    worker_port = free_port()
    server = serve("--worker-port", str(worker_port), command="dev").ready()
    printed = re.findall(r"curl (\S+) -d '(.*)'", server.log.read_text())
    answers = [server.post(url.rpartition("/")[2], **json.loads(body)) for url, body in printed]

    assert [status for status, _ in answers] == [200, 200, 200]
    assert answers[2][1]["results"][0]["completedStateOutput"]["data"] == '"Hello, Alice!"'
    status, told = server.post("rpc", workflowId="hello", rpcName="echo", input={"encoding": "json", "data": "[1]"})
    assert (status, told["output"]["data"]) == (200, "[1]")
