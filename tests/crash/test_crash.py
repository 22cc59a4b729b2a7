"""Nothing that was acknowledged is lost, whenever the process is killed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.crash.run import run

CYCLES = int(os.environ.get("IWF_CRASH_CYCLES", "20"))
SEED = int(os.environ.get("IWF_CRASH_SEED", "1"))


# Two programs take longer to start than one.
CYCLES_OVER_HTTP = int(os.environ.get("IWF_CRASH_CYCLES", "6"))


@pytest.mark.crash
def test_kill_9_at_any_moment_loses_nothing_that_was_acknowledged(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """
    What the sample answered is there after each SIGKILL: once, whole, and with a history without gaps.
    """
    report = run(CYCLES, SEED, tmp_path)

    with capsys.disabled():
        print(f"\n{report}")
    assert not report.problems, "\n".join(report.problems)
    # A run in which nothing happened would prove nothing.
    assert report.acknowledged > 10 * CYCLES
    assert report.registrations > CYCLES


@pytest.mark.crash
def test_kill_9_of_server_or_worker_loses_nothing_that_was_acknowledged(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    """
    Whichever process of a server dies, or its worker, or all: what was answered over HTTP is there, once, and work goes on.
    """
    report = run(CYCLES_OVER_HTTP, SEED, tmp_path, over_http=True)

    with capsys.disabled():
        print(f"\n{report}")
    assert not report.problems, "\n".join(report.problems)
    assert report.acknowledged > 10 * CYCLES_OVER_HTTP
    assert report.registrations > CYCLES_OVER_HTTP
    assert report.signals > CYCLES_OVER_HTTP
