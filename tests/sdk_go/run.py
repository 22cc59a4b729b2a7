"""Runs iWF's SDK for Go v1.6.0 against a server of ours: ``python tests/sdk_go/run.py``, with Go 1.20 or newer on the path.

First the SDK's own integration tests, as they are in the module cache, then those in this folder, of what the SDK's leave
out. Go's module proxy must serve the SDK; ports 8801 and 8803, which the SDK's tests call, must be free.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT)] if str(ROOT) not in sys.path else []

from tests.sdk.conftest import running  # noqa: E402  as a script this file finds itself first

FOLDER = Path(__file__).parent
SDK = "github.com/indeedeng/iwf-golang-sdk"
# Compares an error's text with the numbers of events in a Temporal history, which nothing here has.
SKIPPED = "^TestStateApiTimeoutWorkflow$"


def main() -> int:
    subprocess.run(["go", "mod", "download", SDK], cwd=FOLDER, check=True)
    place = ["go", "list", "-m", "-f", "{{.Dir}}", SDK]
    sdk = subprocess.run(place, cwd=FOLDER, stdout=subprocess.PIPE, text=True, check=True).stdout.strip()
    command = [
        sys.executable, "-m", "iwf_py.cli", "server", "--port", "8801", "--database", "sqlite:///iwf.db",
        "--allow-worker-url", "http://localhost:*", "--max-wait-seconds", "10", "--old-go-sdk",
    ]  # fmt: skip
    with (
        tempfile.TemporaryDirectory() as folder,
        running(*command, cwd=folder, until="serving", PYTHONPATH=str(ROOT)),
    ):
        test = ["go", "test", "-count=1"]
        codes = [
            subprocess.run([*test, "-skip", SKIPPED, "./integ"], cwd=sdk, check=False).returncode,
            subprocess.run([*test, "."], cwd=FOLDER, check=False).returncode,
        ]
    return max(codes)


if __name__ == "__main__":
    sys.exit(main())
