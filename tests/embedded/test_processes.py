"""What happens to an engine when processes fork, end, or are interrupted: each test runs scripts of their own."""

import os
import signal
import subprocess
import sys
import textwrap

import pytest

from iwf_py.embedded import Embedded
from tests.embedded.workflows import Signup, registry

# A program that was begun in the background of a shell ignores SIGINT, and so does whatever it begins.
PREAMBLE = """
import os, signal, sys, threading, warnings
signal.signal(signal.SIGINT, signal.default_int_handler)
from iwf_py.embedded import Embedded
from iwf_py.errors import *
from tests.embedded.workflows import *
url = sys.argv[1]
"""


def script(code, url, **options):
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-c", PREAMBLE + textwrap.dedent(code), url],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **options,
    )


def run(code, url):
    process = script(code, url)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, out + err
    assert "Traceback" not in err, err
    return out


def test_a_second_process_is_told_who_holds_the_file(url):
    """
    The error names the process that owns the database, and the way out.
    """
    with Embedded(url, registry()):
        out = run(
            """
            try:
                Embedded(url, registry()).start()
            except StoreInUseError as error:
                print(error)
            """,
            url,
        )

    assert f"pid {os.getpid()}" in out
    assert "threads" in out


@pytest.mark.skipif(not hasattr(os, "fork"), reason="a system without fork has no forks")
def test_a_fork_never_uses_its_parents_engine(url):
    """
    In the child every call, and a start, is an EngineStoppedError; closing and ending there leave the parent's engine alone.
    """
    out = run(
        """
        warnings.simplefilter("ignore", DeprecationWarning)
        with Embedded(url, registry()) as iwf:
            client = iwf.client
            child = os.fork()
            if child == 0:
                for call in (lambda: client.start_workflow(Doubling, "w", 0, 1), iwf.start):
                    try:
                        call()
                    except EngineStoppedError as error:
                        print("child:", error, flush=True)
                iwf.close()
                sys.exit(0)
            _, status = os.waitpid(child, 0)
            assert status == 0, status
            client.start_workflow(Doubling, "w", 0, 21)
            print("parent:", client.wait_for_workflow_completion("w", int))
        """,
        url,
    )

    assert out.count("child: this process is a fork") == 2
    assert "parent: 42" in out


@pytest.mark.skipif(not hasattr(os, "fork"), reason="a system without fork has no forks")
def test_a_fork_may_start_what_its_parent_only_made(url):
    """
    An engine that was made before the fork, and started after it, belongs to the process that starts it.
    """
    out = run(
        """
        iwf = Embedded(url, registry())
        child = os.fork()
        if child == 0:
            with iwf:
                iwf.client.start_workflow(Doubling, "w", 0, 21)
                print("child:", iwf.client.wait_for_workflow_completion("w", int), flush=True)
            sys.exit(0)
        _, status = os.waitpid(child, 0)
        assert status == 0, status
        with Embedded(url, registry()) as other:
            print("parent:", other.client.wait_for_workflow_completion("w", int))
        """,
        url,
    )

    assert "child: 42" in out
    assert "parent: 42" in out


def test_a_forgotten_engine_does_not_keep_the_interpreter_from_ending(url):
    """
    Without close, with a workflow waiting and a handler hanging, the process ends; the file is free and whole.
    """
    run(
        """
        hang = Hang()
        iwf = Embedded(url, Registry(Signup(), Hanging(hang)))
        iwf.start()
        iwf.client.start_workflow(Signup, "alice", 0, Form("alice"))
        iwf.client.start_workflow(Hanging, "h", 0)
        hang.called.acquire()
        """,
        url,
    )

    with Embedded(url, registry()) as iwf:
        assert iwf.client.invoke_rpc("alice", Signup.verify) == "done"
        assert iwf.client.wait_for_workflow_completion("alice", str) == "done"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGINT for one process")
def test_ctrl_c_ends_a_waiting_caller_and_nothing_else(url):
    """
    Interrupted while it waits for a result, a program leaves its with block in order: everything stays as it was.
    """
    process = script(
        """
        with Embedded(url, registry()) as iwf:
            iwf.client.start_workflow(Signup, "alice", 0, Form("alice"))
            try:
                print("waiting", flush=True)
                iwf.client.wait_for_workflow_completion("alice", timeout=60)
            except KeyboardInterrupt:
                print("interrupted", flush=True)
                print(iwf.client.invoke_rpc("alice", Signup.reminders), flush=True)
                raise SystemExit(7)
        """,
        url,
    )
    assert process.stdout.readline() == "waiting\n"
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)

    assert process.returncode == 7, out + err
    assert out == "interrupted\n0\n"
    with Embedded(url, registry()) as iwf:
        assert iwf.client.invoke_rpc("alice", Signup.verify) == "done"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
def test_a_killed_process_loses_nothing_that_was_acknowledged(url):
    """
    After SIGKILL the next process finds the registration and the result.
    """
    process = script(
        """
        iwf = Embedded(url, registry())
        iwf.start()
        iwf.client.start_workflow(Signup, "alice", 0, Form("alice"))
        iwf.client.start_workflow(Doubling, "w", 0, 21)
        iwf.client.wait_for_workflow_completion("w", int)
        print("acknowledged", flush=True)
        sys.stdin.read()
        """,
        url,
    )
    assert process.stdout.readline() == "acknowledged\n"
    process.kill()
    process.communicate(timeout=60)

    with Embedded(url, registry()) as iwf:
        assert iwf.client.wait_for_workflow_completion("w", int) == 42
        assert iwf.client.invoke_rpc("alice", Signup.verify) == "done"
        assert iwf.client.wait_for_workflow_completion("alice", str) == "done"
