"""The project's chores: ``nox`` runs lint, typing, tests and docs; ``nox -s bench`` measures."""

from __future__ import annotations

import nox

nox.options.sessions = ["lint", "typing", "tests", "docs"]
nox.options.reuse_existing_virtualenvs = True

PYTHONS = ["3.11", "3.12", "3.13"]


@nox.session(python=PYTHONS[0])
def lint(session: nox.Session) -> None:
    """Style, and the house's laws on imports."""
    session.install("-e", ".[dev]")
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    session.run("lint-imports")


@nox.session(python=PYTHONS[0])
def typing(session: nox.Session) -> None:
    """Mypy, strict, over the package and the samples; tests/typing is checked by the tests."""
    session.install("-e", ".[dev]")
    session.run("mypy")


@nox.session(python=PYTHONS)
def tests(session: nox.Session) -> None:
    """All tests, or those named: ``nox -s tests-3.11 -- tests/core``."""
    session.install("-e", ".[dev]")
    session.run("pytest", *session.posargs)


@nox.session(python=PYTHONS[0])
def docs(session: nox.Session) -> None:
    """The reference says what the code says, every link leads somewhere, every example runs."""
    session.install("-e", ".[dev]")
    session.run("python", "docs/reference/build.py", "--check")
    session.run("pytest", "tests/docs")


@nox.session(python=PYTHONS[0])
def bench(session: nox.Session) -> None:
    """The benchmarks, with the disk's own limit in the same run: ``nox -s bench -- --small`` shows that they work."""
    session.install("-e", ".[dev]")
    session.run("python", "-m", "tests.benchmarks", *session.posargs)


@nox.session(python=PYTHONS[0])
def crash(session: nox.Session) -> None:
    """Kill the sample a hundred times, or a server and its worker: ``nox -s crash -- --over-http --cycles 100 --seed 7``."""
    session.install("-e", ".[dev]")
    session.run("python", "tests/crash/run.py", *(session.posargs or ["--cycles", "100"]))


@nox.session(python=PYTHONS[0])
def sdk_go(session: nox.Session) -> None:
    """iWF's SDK for Go, by its own tests and ours: needs Go, and a module proxy that serves the SDK."""
    session.install("-e", ".[dev]")
    session.run("python", "tests/sdk_go/run.py")
