"""The extension across processes: commands beside a server, the reloader, forks, and the end."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from iwf_py import IwfPy

ROOT = Path(__file__).parents[2]

APPLICATION = """
from flask import Flask
from iwf_py import IwfPy, Registry
from tests.extension.conftest import Shouting, shout

app = Flask(__name__)
app.config["IWF_DATABASE"] = "sqlite:///{database}"
iwf = IwfPy(app, Registry(Shouting()))
"""


def run(database: Path, code: str, *command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    script = database.parent / "application.py"
    script.write_text(APPLICATION.format(database=database) + code)
    return subprocess.run(
        [sys.executable, *(command or (str(script),))],
        cwd=database.parent,
        env={**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{database.parent}", **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def test_commands_work_beside_a_process_that_serves(iwf: IwfPy, database: Path):
    """
    ``flask routes`` and ``flask shell`` never ask for the database that a server holds.
    """
    iwf.start()

    routes = run(database, "iwf.start", "-m", "flask", "--app", "application", "routes")
    shell = run(database, "", "-m", "flask", "--app", "application", "shell", PYTHONINSPECT="")

    assert (routes.returncode, shell.returncode) == (0, 0), routes.stderr + shell.stderr
    assert "/static/<path:filename>" in routes.stdout


def test_the_reloaders_parent_leaves_the_database_to_its_child(iwf: IwfPy, database: Path):
    """
    In debug mode an application that starts its engine at import can be imported beside the one that serves.
    """
    iwf.start()

    parent = run(database, "iwf.start()\n", "-m", "flask", "--app", "application", "--debug", "routes")

    assert parent.returncode == 0, parent.stderr


def test_a_forked_child_never_uses_its_parents_engine(database: Path):
    """
    The child is told who holds the database; the parent's engine is none the worse for it.
    """
    done = run(
        database,
        """
import os, sys, warnings
from iwf_py import StoreInUseError

warnings.simplefilter("ignore")
kept = iwf.client
print(shout(kept, "before"), flush=True)
child = os.fork()
if child == 0:
    try:
        shout(iwf.client, "child")
    except StoreInUseError as error:
        print("refused", str(os.getppid()) in str(error), flush=True)
    try:
        shout(kept, "kept")
    except Exception as error:
        print(type(error).__name__, flush=True)
    # As a worker of a server ends: with its atexit handlers.
    sys.exit(0)
_, status = os.waitpid(child, 0)
print(status, shout(iwf.client, "after"), flush=True)
""",
    )

    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["BEFORE", "refused True", "EngineStoppedError", "0 AFTER"]


def test_a_child_forked_before_the_start_opens_its_own(database: Path):
    """
    A server that loads the application and then forks serves from its child.
    """
    done = run(
        database,
        """
import os, sys

child = os.fork()
if child == 0:
    print(shout(iwf.client, "child"), flush=True)
    sys.exit(0)
_, status = os.waitpid(child, 0)
print(status, shout(iwf.client, "parent"), flush=True)
""",
    )

    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["CHILD", "0 PARENT"]


def test_a_process_that_just_ends_stops_its_engine(database: Path):
    """
    At the end of the program the engine is stopped: it does not hang, and the next one finds the file free.
    """
    first = run(database, "print(shout(iwf.client, 'first'))")
    second = run(database, "print(shout(iwf.client, 'second'))")

    assert (first.returncode, first.stdout, first.stderr) == (0, "FIRST\n", "")
    assert (second.returncode, second.stdout, second.stderr) == (0, "SECOND\n", "")
