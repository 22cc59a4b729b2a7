"""The signup application in this process, and any sample in one of its own."""

from __future__ import annotations

import http.client
import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from sample_apps.signup.app import create_app
from sample_apps.signup.mail import Letter, Letters

ROOT = Path(__file__).parents[2]
PATIENCE = 60


class RecordingPost:
    """Keeps what is handed in, for tests to wait for."""

    def __init__(self) -> None:
        self._letters: queue.Queue[Letter] = queue.Queue()

    def send(self, letter: Letter) -> None:
        self._letters.put(letter)

    def next(self) -> Letter:
        """Wait for the next letter."""
        return self._letters.get(timeout=PATIENCE)


class Process:
    """The sample as users run it; its lines can be waited for."""

    def __init__(self, *options: str, cwd: Path, module: str = "sample_apps.signup", **environment: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", module, *options],
            cwd=cwd,
            env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._lines: queue.Queue[str | None] = queue.Queue()
        self.seen: list[str] = []
        self._reading = threading.Thread(target=self._read)
        self._reading.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._lines.put(line.rstrip("\n"))
        self._lines.put(None)

    def wait_for(self, part: str) -> str:
        """Wait for a line with *part* in it."""
        while True:
            line = self._lines.get(timeout=PATIENCE)
            assert line is not None, f"ended without {part!r}: {self.seen}"
            self.seen.append(line)
            if part in line:
                return line

    def rest(self) -> str:
        """Wait for its end, and give what it still had to say."""
        self.process.wait(PATIENCE)
        self._reading.join()
        return "\n".join(line for line in iter(self._lines.get_nowait, None) if line is not None)

    def end(self, number: signal.Signals) -> int:
        """Send a signal, and wait for the end."""
        self.process.send_signal(number)
        self.rest()
        return self.process.returncode

    def get(self, url: str, method: str = "GET") -> tuple[int, str]:
        """Ask it as curl does."""
        host, _, path = url.removeprefix("http://").partition("/")
        connection = http.client.HTTPConnection(host, timeout=PATIENCE)
        try:
            connection.request(method, f"/{path}")
            response = connection.getresponse()
            return response.status, response.read().decode()
        finally:
            connection.close()

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self._reading.join()
        assert self.process.stdout is not None
        self.process.stdout.close()


@pytest.fixture
def post() -> RecordingPost:
    return RecordingPost()


@pytest.fixture
def app(tmp_path: Path, post: RecordingPost) -> Iterator[Flask]:
    app = create_app(f"sqlite:///{tmp_path / 'signup.db'}", letters=Letters(post, "http://127.0.0.1:8000"))
    yield app
    app.extensions["iwf_py"].stop()


@pytest.fixture
def browser(app: Flask) -> FlaskClient:
    return app.test_client()


@pytest.fixture
def started(tmp_path: Path) -> Iterator[list[Process]]:
    """Processes to be ended with the test; append to it."""
    processes: list[Process] = []
    yield processes
    for process in processes:
        process.close()
