"""Kills the signup sample with SIGKILL at random moments, and holds what it was asked against what is there.

``python tests/crash/run.py --cycles 100 --seed 7`` kills a hundred times and prints the report. A client
in another process goes on all the while, and keeps a ledger of what it was answered (`client.py`). In the
end the database is opened, and every promise is looked at (`verdict.py`).
"""

from __future__ import annotations

import argparse
import http.client
import random
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT)] if str(ROOT) not in sys.path else []

from tests.crash.verdict import Report, judge, read_ledger  # noqa: E402  as a script this file finds itself first

READY_SECONDS = 60
STARTING_KILLS = 0.2


class Sample:
    """The real sample, in a process of its own, on one port and one file."""

    def __init__(self, folder: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.database = f"sqlite:///{folder / 'signup.db'}"
        self.printed = folder / "printed.txt"

    def start(self) -> None:
        command = [sys.executable, "-m", "sample_apps.signup", "--port", str(self.port)]
        command += ["--database", self.database, "--reminder-seconds", "1"]
        with self.printed.open("ab") as printed:
            self.process = subprocess.Popen(command, cwd=ROOT, stdout=printed, stderr=subprocess.STDOUT)

    def wait_until_ready(self) -> None:
        """Wait for the first answer."""
        give_up_at = time.monotonic() + READY_SECONDS
        while True:
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=READY_SECONDS)
            try:
                connection.request("GET", "/signup/verify?username=nobody&source=nowhere")
                assert connection.getresponse().status == 404
            except OSError:
                if self.process.poll() is not None or time.monotonic() > give_up_at:
                    raise AssertionError(f"the sample does not serve: {self.printed.read_text()[-2000:]}") from None
                time.sleep(0.005)
            else:
                return
            finally:
                connection.close()

    def end(self, number: signal.Signals) -> int:
        """Send a signal, and wait until the process is gone."""
        self.process.send_signal(number)
        return self.process.wait(READY_SECONDS)


def run(cycles: int, seed: int, folder: Path) -> Report:
    """
    Start and kill *cycles* times, then start once more, end in peace, and judge.

    Args:
        seed: Of the moments at which it is killed, and of what the client does.

        folder: Where database, ledger and output are kept.
    """
    chance = random.Random(seed)
    sample, ledger = Sample(folder), folder / "ledger.jsonl"
    client_command = [sys.executable, str(ROOT / "tests" / "crash" / "client.py"), "--port", str(sample.port)]
    client = subprocess.Popen([*client_command, "--ledger", str(ledger), "--seed", str(seed)], stdin=subprocess.PIPE)
    recoveries = []
    sample.start()
    try:
        for _ in range(cycles):
            began = time.monotonic()
            if chance.random() < STARTING_KILLS:
                time.sleep(chance.uniform(0, 1))
            else:
                sample.wait_until_ready()
                recoveries.append(time.monotonic() - began)
                time.sleep(chance.uniform(0, 0.8))
            sample.end(signal.SIGKILL)
            sample.start()
        sample.wait_until_ready()
        assert client.stdin is not None
        client.stdin.close()
        assert client.wait(READY_SECONDS) == 0
        assert sample.end(signal.SIGTERM) == 0, sample.printed.read_text()[-2000:]
    finally:
        for process in (client, sample.process):
            if process.poll() is None:
                process.kill()
                process.wait()
    return judge(sample.database, read_ledger(ledger), sample.printed, cycles=cycles, recoveries=recoveries)


def main() -> int:
    parser = argparse.ArgumentParser(description="Kill the signup sample at random moments, and count what was lost.")
    parser.add_argument("--cycles", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        report = run(options.cycles, options.seed, Path(folder))
    print(report)
    for problem in report.problems:
        print(f"  {problem}")
    return 1 if report.problems else 0


if __name__ == "__main__":
    sys.exit(main())
