"""Every example runs, and prints what the page says it prints."""

from __future__ import annotations

import importlib.util
import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FENCE = re.compile(r"^```python\n(.*?)^```$", flags=re.MULTILINE | re.DOTALL)
PAGES = [
    page for page in sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]) if FENCE.search(page.read_text())
]


def script_of(page: Path) -> str:
    """Give the examples of a page as one script, each line where it stands on the page."""
    lines: list[str] = []
    text = page.read_text()
    for fence in FENCE.finditer(text):
        above = text.count("\n", 0, fence.start(1))
        lines += [""] * (above - len(lines))
        lines += fence[1].splitlines()
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_the_examples_of_a_page_run(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    """
    The examples of a page, one after the other, run as they stand; what a comment behind a print says is printed.
    """
    script = script_of(page)
    path = tmp_path / "example.py"
    path.write_text(script)
    monkeypatch.chdir(tmp_path)
    spec = importlib.util.spec_from_file_location(f"example_{page.stem}", path)
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, spec.name, module)

    spec.loader.exec_module(module)

    # In order; between them an example may print what no comment tells.
    printed = iter(capsys.readouterr().out.splitlines())
    for promised in re.findall(r"^\s*print\(.*\)  +# (.+)$", script, flags=re.MULTILINE):
        assert promised in printed, f"{promised!r} was not printed"
