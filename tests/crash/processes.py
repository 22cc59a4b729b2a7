"""What is killed: the signup sample by itself, or an iWF server and the sample that is its worker."""

from __future__ import annotations

import http.client
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from iwf_py import Client, ClientOptions, Registry
from sample_apps.signup.mail import Letters
from sample_apps.signup.workflow import UserSignupWorkflow
from tests.crash.verdict import Silence, settle

ROOT = Path(__file__).resolve().parents[2]

READY_SECONDS = 60
READY_PAUSE_SECONDS = 0.005


def free_port() -> int:
    """Find a port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
        return port


class Program:
    """A program that can be started, killed and started again; what it prints is kept in *printed*."""

    def __init__(self, *arguments: str, printed: Path) -> None:
        self._command = [sys.executable, "-m", *arguments]
        self.printed = printed
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it."""
        with self.printed.open("ab") as printed:
            self.process = subprocess.Popen(self._command, cwd=ROOT, stdout=printed, stderr=subprocess.STDOUT)

    def check(self) -> None:
        """See that it has not ended by itself."""
        assert self.process is not None
        code = self.process.poll()
        assert code is None, f"{self._command[2]} has ended by itself ({code}): {self.printed.read_text()[-2000:]}"

    def kill(self, chance: random.Random) -> str:
        """Send SIGKILL, and tell to whom."""
        assert self.process is not None
        self.process.kill()
        return "sample"

    def wait(self) -> int:
        """Wait for its end; answers its exit code."""
        assert self.process is not None
        return self.process.wait(READY_SECONDS)

    def end(self) -> None:
        """Send SIGTERM, and see that it ends in peace."""
        assert self.process is not None
        self.process.terminate()
        assert self.wait() == 0, self.printed.read_text()[-2000:]

    def close(self) -> None:
        """End it however it stands."""
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()


class Server(Program):
    """``iwf server``: two processes, one that was started, and one that holds the engine and serves."""

    def kill(self, chance: random.Random) -> str:
        """Kill one of the two; the other has to end by itself."""
        assert self.process is not None
        serving = _serving_child(self.process.pid)
        # While it starts there may be no second one yet.
        if serving is None or chance.random() < 0.5:
            self.process.kill()
            return "server"
        os.kill(serving, signal.SIGKILL)
        return "serving process of the server"


class Alone:
    """
    The sample by itself, with its engine in its own process.

    Attributes:
        programs: In the order in which they are started.

        may_be_away: May the sample say that it cannot serve at the moment?

        kills: How often who was killed.
    """

    may_be_away = False

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.server_port: int | None = None
        self.worker_url = ""
        self.database = f"sqlite:///{folder / 'signup.db'}"
        self.printed = folder / "printed.txt"
        self.kills: Counter[str] = Counter()
        self.programs = self._programs(folder)

    def _programs(self, folder: Path) -> list[Program]:
        return [self._sample("--database", self.database)]

    def _sample(self, *engine: str) -> Program:
        arguments = ["--port", str(self.port), "--reminder-seconds", "1", *engine]
        return Program("sample_apps.signup", *arguments, printed=self.printed)

    def start(self) -> None:
        """Start all that does not run."""
        for program in self.programs:
            if program.process is None or program.process.poll() is not None:
                program.start()

    def wait_until_ready(self) -> None:
        """Wait for the first answer that takes an engine."""
        give_up_at = time.monotonic() + READY_SECONDS
        while not self._answers():
            for program in self.programs:
                program.check()
            assert time.monotonic() < give_up_at, f"the sample does not serve: {self.printed.read_text()[-2000:]}"
            time.sleep(READY_PAUSE_SECONDS)

    def _answers(self) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=READY_SECONDS)
        try:
            connection.request("GET", "/signup/verify?username=nobody&source=nowhere")
            status = connection.getresponse().status
        except OSError:
            return False
        finally:
            connection.close()
        assert status == 404 or (status == 503 and self.may_be_away), status
        return status == 404

    def strike(self, chance: random.Random) -> None:
        """Kill one program, or all, in any order."""
        for program in self.programs:
            program.check()
        victims = chance.choice([*([one] for one in self.programs), chance.sample(self.programs, len(self.programs))])
        self.kills.update([program.kill(chance) for program in victims])
        for program in victims:
            program.wait()

    def settle(self, usernames: Iterable[str]) -> None:
        """Wait until what has to happen to these users has happened, where that takes the programs."""

    def end(self) -> None:
        """End all in peace."""
        for program in reversed(self.programs):
            program.end()

    def close(self) -> None:
        """End all, however they stand."""
        for program in self.programs:
            program.close()


class OverHttp(Alone):
    """A server on its database, and the sample as its client and its worker."""

    may_be_away = True

    def _programs(self, folder: Path) -> list[Program]:
        self.server_port = free_port()
        self.worker_url = f"http://localhost:{free_port()}"
        options = ["--port", str(self.server_port), "--database", self.database, "--allow-worker-url"]
        options += [self.worker_url]
        server = Server("iwf_py.cli", "server", *options, printed=folder / "server.txt")
        return [server, self._sample("--server-url", self._server_url, "--worker-url", self.worker_url)]

    @property
    def _server_url(self) -> str:
        return f"http://localhost:{self.server_port}"

    def settle(self, usernames: Iterable[str]) -> None:
        """Wait for each through the server: it goes on with what it had in hand when it, or its worker, was killed."""
        registry = Registry(UserSignupWorkflow(Letters(Silence(), ""), 3600))
        client = Client(registry, ClientOptions(server_url=self._server_url))
        try:
            for username in usernames:
                settle(client, username)
        finally:
            client.close()


def _serving_child(parent: int) -> int | None:
    """Find the process that serves, the only child of the one that watches over it; None: there is none yet."""
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            # The name, which may hold anything, stands in parentheses; state and parent come after it.
            fields = status.read_text().rpartition(")")[2].split()
        except OSError:
            # It has ended since it was listed.
            continue
        if fields[1] == str(parent) and fields[0] != "Z":
            return int(status.parent.name)
    return None
