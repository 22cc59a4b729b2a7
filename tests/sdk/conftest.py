"""The released SDK of iWF for Python in an environment of its own, and the processes that run in it."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import threading
import venv
from pathlib import Path

import pytest

# attrs is imported by the SDK, and not declared.
SDK = ("iwf-python-sdk==0.12.0", "attrs", "httpx==0.28.1")
PROGRAM = Path(__file__).with_name("program.py")
ROOT = Path(__file__).parents[2]
PATIENCE = 120


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


@pytest.fixture(scope="session")
def sdk_python(request):
    """The interpreter of that environment; made once, and kept with pytest's cache."""
    folder = Path(request.config.cache.mkdir("iwf-python-sdk-0.12.0"))
    python, marker = folder / "venv" / "bin" / "python", folder / f"made-by-{sys.version_info[0]}.{sys.version_info[1]}"
    if not marker.exists():
        shutil.rmtree(folder / "venv", ignore_errors=True)
        venv.create(folder / "venv", with_pip=True)
        subprocess.run([python, "-m", "pip", "install", "-q", "--disable-pip-version-check", *SDK], check=True)
        marker.touch()
    return python


@contextlib.contextmanager
def running(*command, cwd, until, **environment):
    """Run a process until the block ends; it has said *until* when the block begins."""
    process = subprocess.Popen(
        command,
        cwd=cwd,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    said = []
    try:
        for line in process.stdout:
            said.append(line)
            if until in line:
                break
        else:
            raise AssertionError(f"{command} ended with {process.wait(PATIENCE)}: {''.join(said)}")
        # What it says later is of no use, but a full pipe would stop it.
        draining = threading.Thread(target=lambda: said.extend(process.stdout))
        draining.start()
        yield
        process.terminate()
        process.wait(PATIENCE)
        draining.join()
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
        process.stdout.close()


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    """An iWF server of ours, as users start it."""
    port = free_port()
    command = [
        sys.executable, "-m", "iwf_py.cli", "server", "--port", str(port), "--database", "sqlite:///iwf.db",
        "--allow-worker-url", "http://localhost:*", "--max-wait-seconds", "8",
    ]  # fmt: skip
    with running(*command, cwd=tmp_path_factory.mktemp("server"), until="serving", PYTHONPATH=str(ROOT)):
        yield f"http://localhost:{port}"


@pytest.fixture(scope="session")
def worker(sdk_python, tmp_path_factory):
    """The SDK's worker."""
    port = free_port()
    # Nothing of this repository is on its path.
    folder = tmp_path_factory.mktemp("worker")
    with running(sdk_python, PROGRAM, "worker", str(port), cwd=folder, until="working", PYTHONPATH=""):
        yield f"http://localhost:{port}"


@pytest.fixture(scope="session")
def scenarios(sdk_python, server, worker, tmp_path_factory):
    """What came of each scenario of the SDK's client."""
    done = subprocess.run(
        [sdk_python, PROGRAM, "client", server, worker],
        cwd=tmp_path_factory.mktemp("client"),
        env={**os.environ, "PYTHONPATH": ""},
        capture_output=True,
        text=True,
        check=True,
        timeout=PATIENCE,
    )
    told = [json.loads(line) for line in done.stdout.splitlines()]
    return {one["name"]: one for one in told}
