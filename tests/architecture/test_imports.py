"""What may know what, and what importing costs."""

from __future__ import annotations

import ast
import importlib
import subprocess
import sys
from pathlib import Path

import pytest

import iwf_py

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "iwf_py"
HEAVY = {
    "sqlmodel",
    "sqlalchemy",
    "pydantic",
    "flask",
    "werkzeug",
    "apscheduler",
    "cattrs",
    "lark",
    "sqlite3",
    "asyncio",
    "httptools",
}


def run_python(source: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", source], cwd=ROOT, capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_import_contracts_hold():
    """
    Every contract of pyproject.toml is kept: floors, purity of the core, one door per library, no circles.
    """
    done = subprocess.run(
        [sys.executable, "-c", "from importlinter.cli import lint_imports_command as c; c()", "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )

    assert done.returncode == 0, done.stdout


def test_a_fresh_interpreter_imports_the_face_without_the_heavy_libraries():
    """
    ``import iwf_py`` loads no SQL, no web framework, no scheduler and no codec.
    """
    loaded = run_python("import sys, iwf_py; print(' '.join(m for m in sys.modules if '.' not in m))").split()

    assert not HEAVY & set(loaded)


def test_what_writes_a_workflow_needs_no_heavy_library():
    """
    The names with which a workflow is written resolve without SQL, a web framework or a scheduler.
    """
    names = "ObjectWorkflow, WorkflowState, StateSchema, StateDecision, PersistenceSchema, CommunicationSchema, rpc"

    loaded = run_python(
        f"import sys; from iwf_py import {names}; print(' '.join(m for m in sys.modules if '.' not in m))"
    ).split()

    assert not {"sqlmodel", "sqlalchemy", "flask", "apscheduler", "sqlite3"} & set(loaded)


def test_every_public_name_resolves_and_the_list_is_sorted():
    """
    ``__all__`` is sorted, has no name twice, and each name is there.
    """
    assert list(iwf_py.__all__) == sorted(set(iwf_py.__all__))
    for name in iwf_py.__all__:
        assert getattr(iwf_py, name) is not None
    assert set(iwf_py.__all__) <= set(dir(iwf_py))


def test_types_and_lazy_names_are_the_same_names():
    """
    What a type checker sees of the face, what the interpreter resolves, and ``__all__`` are one list.
    """
    tree = ast.parse((PACKAGE / "__init__.py").read_text())
    seen_by_types = {
        alias.asname or alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("iwf_py.")
        for alias in node.names
    }

    assert seen_by_types == {name for name in iwf_py.__all__ if not name.startswith("__")}


def test_an_unknown_name_of_the_face_is_an_attribute_error():
    """
    A misspelt name raises what Python raises for any module.
    """
    with pytest.raises(AttributeError, match="NoSuchName"):
        _ = iwf_py.NoSuchName


def test_every_module_can_be_imported_alone():
    """
    No module relies on another having been imported before it.
    """
    modules = [
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        for path in sorted(PACKAGE.rglob("*.py"))
        if path.name != "__main__.py"
    ]

    for module in modules:
        assert importlib.import_module(module).__doc__, f"{module} does not say what it is for"
