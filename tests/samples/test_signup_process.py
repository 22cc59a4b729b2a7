"""The signup sample as a process: started, asked, ended and killed as users do it."""

from __future__ import annotations

import re
import signal
import socket
import sqlite3
from pathlib import Path

import pytest

from tests.samples.conftest import Process

READY = re.compile(r"signup is ready on (http://127\.0\.0\.1:\d+) ")


def start(started: list[Process], folder: Path, *options: str, **environment: str) -> tuple[Process, str]:
    process = Process("--port", "0", "--database", "sqlite:///signup.db", *options, cwd=folder, **environment)
    started.append(process)
    ready = READY.match(process.wait_for("signup is ready"))
    assert ready is not None
    return process, ready[1]


def wait_until_a_timer_is_stored(database: Path) -> None:
    """Look into the file from outside: the state waits once its timer is a row; the run's own timers are under 0."""
    connection = sqlite3.connect(f"file:{database}?mode=ro", uri=True)
    while connection.execute("SELECT count(*) FROM iwf_timers WHERE number > 0").fetchone() == (0,):
        pass
    connection.close()


def test_the_two_printed_lines_work_and_sigterm_ends_in_peace(tmp_path: Path, started: list[Process]):
    """
    It prints its address and two curl lines; they answer as promised; SIGTERM ends it with 0.
    """
    process, url = start(started, tmp_path)
    lines = [re.fullmatch(r"  curl '(.*)'", process.wait_for("curl"))[1] for _ in range(2)]

    answers = [process.get(line) for line in (*lines, *lines)]

    assert all(line.startswith(url) for line in lines)
    assert answers == [
        (200, "workflow started"),
        (200, "done"),
        (200, "username already started registry"),
        (200, "already verified"),
    ]
    assert process.end(signal.SIGTERM) == 0


def test_ctrl_c_ends_in_peace(tmp_path: Path, started: list[Process]):
    """
    Ctrl-C ends it with 0 and without a traceback.
    """
    process, _ = start(started, tmp_path)

    process.process.send_signal(signal.SIGINT)

    assert "Traceback" not in process.rest()
    assert process.process.returncode == 0


def test_kill_9_and_start_again_goes_on_where_it_stood(tmp_path: Path, started: list[Process]):
    """
    After SIGKILL the registration is there, a reminder that came due meanwhile goes out at once, and the click counts.
    """
    process, url = start(started, tmp_path, "--reminder-seconds", "1")
    process.get(f"{url}/signup/submit?username=alice&email=alice@example.com")
    wait_until_a_timer_is_stored(tmp_path / "signup.db")
    assert process.end(signal.SIGKILL) == -signal.SIGKILL

    process, url = start(started, tmp_path, "--reminder-seconds", "3600")
    process.wait_for("a reminder email to alice@example.com")
    answers = [
        process.get(f"{url}/signup/submit?username=alice&email=alice@example.com"),
        process.get(f"{url}/signup/verify?username=alice&source=email"),
    ]

    assert answers == [(200, "username already started registry"), (200, "done")]
    process.wait_for("welcome email to alice@example.com")


def test_a_taken_port_is_a_sentence(tmp_path: Path, started: list[Process]):
    """
    A port that is in use is told with the way out.
    """
    with socket.create_server(("127.0.0.1", 0)) as taken:
        process = Process("--port", str(taken.getsockname()[1]), cwd=tmp_path)
        started.append(process)

        said = process.rest()

    assert process.process.returncode == 1
    assert re.fullmatch(r"signup: port \d+ on 127\.0\.0\.1 is taken; .*--port.*", said)


def test_a_second_process_on_the_same_file_is_a_sentence(tmp_path: Path, started: list[Process]):
    """
    One engine owns a file: the second process names the first and ends.
    """
    first, _ = start(started, tmp_path)

    second = Process("--port", "0", "--database", "sqlite:///signup.db", cwd=tmp_path)
    started.append(second)
    said = second.rest()

    assert second.process.returncode == 1
    assert "Traceback" not in said
    assert str(first.process.pid) in said


def test_a_file_that_is_no_database_is_a_sentence(tmp_path: Path, started: list[Process]):
    """
    Another file is left alone.
    """
    (tmp_path / "signup.db").write_text("this is a letter, not a database\n" * 100)

    process = Process("--port", "0", "--database", "sqlite:///signup.db", cwd=tmp_path)
    started.append(process)
    said = process.rest()

    assert process.process.returncode == 1
    assert "Traceback" not in said
    assert "signup.db" in said
    assert (tmp_path / "signup.db").read_text().startswith("this is a letter")


@pytest.mark.parametrize(
    "options",
    [
        ("--port", "http"),
        ("--port", "70000"),
        ("--reminder-seconds", "0"),
        ("--reminder-seconds", "soon"),
        ("--host", "0.0.0.0"),
    ],
)
def test_wrong_options_are_told(tmp_path: Path, started: list[Process], options: tuple[str, str]):
    """
    What is no port, no time or no option ends with a usage line.
    """
    process = Process(*options, cwd=tmp_path)
    started.append(process)

    assert "usage: python -m sample_apps.signup" in process.rest()
    assert process.process.returncode == 2
