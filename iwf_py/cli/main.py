"""The command ``iwf``."""

from __future__ import annotations

import argparse
import platform
import sys
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from iwf_py.cli.check import check_database
from iwf_py.cli.codes import PROBLEMS, UNUSABLE, WELL
from iwf_py.cli.keys import add_keys
from iwf_py.cli.server import add_server
from iwf_py.cli.signing_keys import add_signing_keys
from iwf_py.errors import InvalidArgumentError, StoreError

FILE_PREFIX = "sqlite:///"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; answers the exit code: 0 all is well, 1 problems were found, 2 it could not be done."""
    parser = argparse.ArgumentParser(prog="iwf", description="Durable state-machine workflows for Python.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    commands.add_parser("version", help="tell the versions of iwf_py and Python").set_defaults(
        run=lambda _: _tell_version()
    )
    checking = commands.add_parser("check", help="compare each run of a database with its history")
    checking.add_argument("--database", required=True, metavar="URL", help="such as sqlite:///signup.db")
    checking.set_defaults(run=_check)
    add_server(commands)
    add_keys(commands)
    add_signing_keys(commands)
    options = parser.parse_args(arguments)
    try:
        code: int = options.run(options)
    except (InvalidArgumentError, StoreError) as error:
        return _fail(str(error))
    return code


def _tell_version() -> int:
    try:
        ours = version("iwf-py")
    except PackageNotFoundError:
        ours = "(not installed, run from its source)"
    print(f"iwf_py {ours}, Python {platform.python_version()}")
    return WELL


def _check(options: argparse.Namespace) -> int:
    url: str = options.database
    # Opening would make a database, and find it in order.
    if url.startswith(FILE_PREFIX) and not Path(url.removeprefix(FILE_PREFIX)).exists():
        return _fail(f"there is no database at {url.removeprefix(FILE_PREFIX)}")
    findings = check_database(url)
    for problem in findings.problems:
        print(problem)
    verdict = f"{len(findings.problems)} problems" if findings.problems else "all is well"
    print(f"{findings.runs} runs, {findings.entries} history entries: {verdict}")
    return PROBLEMS if findings.problems else WELL


def _fail(sentence: str) -> int:
    print(f"iwf: {sentence}", file=sys.stderr)
    return UNUSABLE
