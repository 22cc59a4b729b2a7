"""The README's commands name the sample as it is."""

from __future__ import annotations

import re
from pathlib import Path

from sample_apps.signup.__main__ import read_arguments

ROOT = Path(__file__).parents[2]


def test_the_first_command_ends_in_the_sample():
    """
    The README's first command is one line, and ends in what the sample understands.
    """
    readme = (ROOT / "README.md").read_text()

    command = re.search(r"<!-- run-command -->\n```bash\n(.*)\n```", readme)[1]

    assert command.endswith("python -m sample_apps.signup --port 8000 --database sqlite:///signup.db")
    options = read_arguments(command.partition("sample_apps.signup ")[2].split())
    assert (options.port, options.database, options.reminder_seconds) == (8000, "sqlite:///signup.db", 10)
