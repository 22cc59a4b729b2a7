"""What type checkers say of users' code is part of the API."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
ERROR = re.compile(r"^(?P<file>[^:]+):(?P<line>\d+): error: (?P<text>.*)$", re.MULTILINE)


@pytest.fixture(scope="module")
def found():
    """
    Run mypy once over all files beside this one; errors by file and line.
    """
    files = sorted(path for path in HERE.glob("*.py") if path.name != Path(__file__).name)
    run = subprocess.run(
        [sys.executable, "-m", "mypy", "--config-file", str(ROOT / "pyproject.toml"), "--no-pretty", *map(str, files)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode in (0, 1), run.stdout + run.stderr
    errors = {path.name: {} for path in files}
    for match in ERROR.finditer(run.stdout):
        errors.setdefault(Path(match["file"]).name, {}).setdefault(int(match["line"]), []).append(match["text"])
    return errors


@pytest.mark.parametrize("name", sorted(path.name for path in HERE.glob("accepted*.py")))
def test_right_code_passes(found, name):
    """
    In strict mode.
    """
    assert found[name] == {}


@pytest.mark.parametrize("name", sorted(path.name for path in HERE.glob("refused*.py")))
def test_wrong_code_does_not(found, name):
    """
    Every marked line is an error, and nothing else is.
    """
    lines = (HERE / name).read_text().splitlines()
    marked = {number for number, line in enumerate(lines, 1) if line.endswith("# refused")}

    assert set(found[name]) == marked, {line: found[name].get(line) for line in set(found[name]) ^ marked}
