"""The page about the traps of iWF's SDK names a test for each, and each of them exists."""

from __future__ import annotations

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "concepts" / "iwf_differences.md"
ROW = re.compile(r"^\| P(?P<number>\d+) \|.*\| (?P<tests>[^|]+) \|$", flags=re.MULTILINE)


def has_test(identity: str) -> bool:
    """Does a file define this test, within this class where one is named?"""
    path, *names = identity.split("::")
    scope: list[ast.stmt] = ast.parse((ROOT / path).read_text()).body
    for name in names:
        found = [node for node in scope if isinstance(node, ast.ClassDef | ast.FunctionDef) and node.name == name]
        if not found:
            return False
        scope = found[0].body
    return names[-1].startswith("test_")


def test_every_trap_has_its_test():
    """
    From the first to the last, none left out, and each with tests that are there.
    """
    rows = {int(row["number"]): re.findall(r"`([^`]+)`", row["tests"]) for row in ROW.finditer(PAGE.read_text())}

    assert list(rows) == list(range(1, 33))
    assert {number: tests for number, tests in rows.items() if not tests or not all(map(has_test, tests))} == {}
