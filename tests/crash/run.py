"""Kills what is to be durable with SIGKILL at random moments, and holds what it was asked against what is there.

``python tests/crash/run.py --cycles 100 --seed 7`` kills the signup sample a hundred times and prints the report; with
``--over-http`` the sample is the worker and the client of an ``iwf server``, and it is one of these that is killed, or all at
once (`processes.py`). A client in another process goes on all the while, and keeps a ledger of what it was answered
(`client.py`). In the end the database is opened, and every promise is looked at (`verdict.py`).
"""

from __future__ import annotations

import argparse
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT)] if str(ROOT) not in sys.path else []

from tests.crash.processes import READY_SECONDS, Alone, OverHttp  # noqa: E402  as a script this file finds itself first
from tests.crash.verdict import Report, judge, read_ledger  # noqa: E402

STARTING_KILLS = 0.2


def run(cycles: int, seed: int, folder: Path, *, over_http: bool = False) -> Report:
    """
    Start and kill *cycles* times, then start once more, end in peace, and judge.

    Args:
        seed: Of the moments at which it is killed, of who is killed, and of what the client does.

        folder: Where database, ledger and output are kept.

        over_http: Kill a server and its worker, instead of a sample with an engine of its own.
    """
    chance = random.Random(seed)
    setting = OverHttp(folder) if over_http else Alone(folder)
    path = folder / "ledger.jsonl"
    client_command = [sys.executable, "-m", "tests.crash.client", "--port", str(setting.port)]
    client_command += ["--ledger", str(path), "--seed", str(seed)]
    if setting.server_port is not None:
        client_command += ["--server-port", str(setting.server_port), "--worker-url", setting.worker_url]
    client = subprocess.Popen(client_command, cwd=ROOT, stdin=subprocess.PIPE)
    recoveries = []
    try:
        setting.start()
        for _ in range(cycles):
            began = time.monotonic()
            if chance.random() < STARTING_KILLS:
                time.sleep(chance.uniform(0, 1))
            else:
                setting.wait_until_ready()
                recoveries.append(time.monotonic() - began)
                time.sleep(chance.uniform(0, 0.8))
            setting.strike(chance)
            setting.start()
        setting.wait_until_ready()
        assert client.poll() is None, "the client has ended by itself"
        assert client.stdin is not None
        client.stdin.close()
        assert client.wait(READY_SECONDS) == 0
        ledger = read_ledger(path)
        setting.settle(dict.fromkeys(one.username for one in ledger))
        setting.end()
    finally:
        if client.poll() is None:
            client.kill()
            client.wait()
        setting.close()
    return judge(
        setting.database,
        ledger,
        setting.printed,
        kills=setting.kills,
        recoveries=recoveries,
        may_be_away=setting.may_be_away,
    )


def main() -> int:
    parser = argparse.ArgumentParser(description="Kill at random moments, and count what was lost.")
    parser.add_argument("--cycles", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--over-http", action="store_true", help="kill a server and its worker, not the sample alone")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        report = run(options.cycles, options.seed, Path(folder), over_http=options.over_http)
    print(report)
    for problem in report.problems:
        print(f"  {problem}")
    return 1 if report.problems else 0


if __name__ == "__main__":
    sys.exit(main())
