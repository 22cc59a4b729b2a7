"""Laws that can be read off the source."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "iwf_py"
MODULES = sorted(PACKAGE.rglob("*.py"))
FACE = PACKAGE / "__init__.py"

FORBIDDEN_IMPORTS = {"pickle", "_pickle", "marshal", "shelve", "dill", "cloudpickle", "yaml", "imp"}
FORBIDDEN_CALLS = {"eval", "exec", "compile", "__import__"}
FORBIDDEN_ATTRIBUTES = {"import_module", "utcnow", "utcfromtimestamp"}
VAGUE = {"utils", "helpers", "common", "manager", "managers", "misc"}

# Rooms that are handed the time and everything that is chance.
WITHOUT_A_CLOCK = ("errors.py", "ports.py", "model", "core", "codec", "authoring", "store")

each_module = pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))


def read(path: Path) -> ast.Module:
    return ast.parse(path.read_text(), filename=str(path))


def imported(tree: ast.AST) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name
        elif isinstance(node, ast.ImportFrom):
            yield node.lineno, node.module or "."


@each_module
def test_stored_data_never_becomes_code(path: Path):
    """
    Nothing is pickled, evaluated or imported by a name that comes from data.
    """
    tree = read(path)

    found = [f"{line}: import {name}" for line, name in imported(tree) if name.partition(".")[0] in FORBIDDEN_IMPORTS]
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        if isinstance(node.func, ast.Name) and node.func.id in FORBIDDEN_CALLS:
            found.append(f"{node.lineno}: {node.func.id}()")
        # The face resolves its own table of names lazily: the one exemption.
        if isinstance(node.func, ast.Attribute) and node.func.attr in FORBIDDEN_ATTRIBUTES and path != FACE:
            found.append(f"{node.lineno}: .{node.func.attr}()")
    assert not found


@each_module
def test_imports_stand_at_the_top(path: Path):
    """
    A late import hides an arrow that runs the wrong way.
    """
    tree = read(path)

    late = [
        node.lineno
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
        for node in ast.walk(function)
        if isinstance(node, ast.Import | ast.ImportFrom)
    ]
    assert not late
    assert not [node.lineno for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.level]


@each_module
def test_only_hosts_ask_the_clock(path: Path):
    """
    What has no clock is handed the time: no ``now()`` below the hosts.
    """
    if path.relative_to(PACKAGE).parts[0] not in WITHOUT_A_CLOCK:
        return

    asked = [
        node.lineno
        for node in ast.walk(read(path))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in {"now", "today"}
    ]
    assert not asked


@each_module
def test_no_default_can_be_changed(path: Path):
    """
    A list, dict or set in the place of a default would be shared by all calls.
    """
    found = [
        default.lineno
        for function in ast.walk(read(path))
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        for default in [*function.args.defaults, *function.args.kw_defaults]
        if isinstance(default, ast.List | ast.Dict | ast.Set | ast.ListComp | ast.DictComp | ast.SetComp)
    ]
    assert not found


@each_module
def test_what_is_raised_is_a_finished_sentence(path: Path):
    """
    No error's text has a placeholder in it that nobody fills.
    """
    found = [
        constant.lineno
        for node in ast.walk(read(path))
        if isinstance(node, ast.Raise)
        for constant in ast.walk(node)
        if isinstance(constant, ast.Constant)
        and isinstance(constant.value, str)
        and re.search(r"%[srd]|\{\w*\}", constant.value)
    ]
    assert not found


@pytest.mark.parametrize("path", sorted((PACKAGE / "core").rglob("*.py")), ids=lambda path: path.name)
def test_the_core_never_iterates_in_hash_order(path: Path):
    """
    No loop of the core runs over a set that is made on the spot, and none asks for a hash or an identity.
    """

    def is_a_set(node: ast.expr) -> bool:
        return isinstance(node, ast.Set | ast.SetComp) or (
            isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in {"set", "frozenset"}
        )

    found = []
    for node in ast.walk(read(path)):
        if isinstance(node, ast.For | ast.comprehension) and is_a_set(node.iter):
            found.append(node.iter.lineno)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in {"hash", "id"}:
            found.append(node.lineno)
    assert not found


@each_module
def test_a_module_has_one_subject(path: Path):
    """
    No module grows past 600 lines, and none is a drawer.
    """
    assert len(path.read_text().splitlines()) <= 600
    assert path.stem not in VAGUE


@pytest.mark.parametrize(
    "path",
    sorted(p for folder in ("iwf_py", "sample_apps") for p in (ROOT / folder).rglob("*.py")),
    ids=lambda path: str(path.relative_to(ROOT)),
)
def test_nothing_is_left_half_done(path: Path):
    """
    No reminder, no stub, and no silenced type error without its code and a reason.
    """
    text = path.read_text()

    assert not re.search(r"\b(TODO|FIXME|XXX)\b", text)
    for line in text.splitlines():
        if "type: ignore" in line:
            assert re.search(r"# type: ignore\[[a-z, -]+\]  # \S+", line), line
    # The base class of users' states may say that a method was not written; nothing else may.
    if path.parent.name != "authoring":
        assert "NotImplementedError" not in text
