"""What the project's pages say of the project is so."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from pathlib import Path

import pytest

import iwf_py
import iwf_py.testing

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "sample_apps").rglob("*.md")])

each_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))


def prose(page: Path) -> str:
    """Give a page without its fences, in which brackets are code."""
    return re.sub(r"^( *)```.*?^\1```", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)


def anchors(page: Path) -> set[str]:
    """Give the anchors of a page's headings, as forges make them."""
    titles = re.findall(r"^#+ (.+)$", prose(page), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).strip().replace(" ", "-") for title in titles}


@each_page
def test_every_link_leads_somewhere(page: Path):
    """
    Each relative link names a file that exists, and an anchor that it has.
    """
    for target in re.findall(r"\]\(([^)\s]+)\)", prose(page)):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        linked = (page.parent / path).resolve() if path else page

        assert linked.exists(), f"{target} does not exist"
        if anchor and linked.suffix == ".md":
            assert anchor in anchors(linked), f"{target} has no such heading"


@each_page
def test_every_page_of_the_docs_can_be_found(page: Path):
    """
    A page that nothing links to is not read.
    """
    if page.parent == ROOT:
        return

    linked = {
        (other.parent / target.partition("#")[0]).resolve()
        for other in PAGES
        for target in re.findall(r"\]\(([^)\s]+)\)", prose(other))
    }
    assert page in linked or page.parent in linked


def test_every_dependency_is_named_with_its_purpose():
    """
    Each run-time dependency has a heading of its own on the page about them, and no other has.
    """
    declared = {re.match(r"[A-Za-z0-9_.-]+", text)[0] for text in PROJECT["dependencies"]}
    page = (ROOT / "docs" / "design" / "dependencies.md").read_text()

    assert set(re.findall(r"^## `([^`]+)`", page, flags=re.MULTILINE)) == declared


def test_every_library_that_is_imported_is_declared():
    """
    An installed package has all that it imports, by itself or through what it declares.
    """
    through = {"sqlalchemy": "sqlmodel", "werkzeug": "flask", "rpds": "rpds-py"}
    # Only whoever runs pytest anyway imports these.
    of_tests = {ROOT / "iwf_py/testing/pytest_plugin.py", *(ROOT / "iwf_py/testing/contract").glob("*.py")}
    declared = {re.match(r"[A-Za-z0-9_.-]+", text)[0] for text in PROJECT["dependencies"]}

    imported = {
        (name.partition(".")[0], str(path.relative_to(ROOT)))
        for path in (ROOT / "iwf_py").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in ([node.module] if isinstance(node, ast.ImportFrom) else [alias.name for alias in node.names])
        if not (path in of_tests and name.startswith("pytest"))
    }
    foreign = {(name, path) for name, path in imported if name not in {*sys.stdlib_module_names, "iwf_py"}}

    assert {(name, path) for name, path in foreign if through.get(name, name) not in declared} == set()


def test_the_package_is_typed_and_ships_its_licence():
    """
    Type checkers of users see our annotations.
    """
    assert (ROOT / "iwf_py" / "py.typed").exists()
    assert "Apache License" in (ROOT / "LICENSE").read_text()


def test_the_changelog_knows_this_version():
    """
    Every version has its entry.
    """
    assert f"## {PROJECT['version']}" in (ROOT / "CHANGELOG.md").read_text()


def test_every_public_name_is_documented_and_nothing_else_is():
    """
    The headings of the reference are ``__all__``, and on its page those of ``iwf_py.testing.__all__``.
    """
    headings = {
        page.name: re.findall(r"^## `([A-Za-z_]+)`", page.read_text(), flags=re.MULTILINE)
        for page in sorted((ROOT / "docs" / "reference").glob("*.md"))
    }
    of_testing = headings.pop("testing.md")

    assert sorted(of_testing) == sorted(iwf_py.testing.__all__)
    assert sorted(name for names in headings.values() for name in names) == sorted(iwf_py.__all__)
