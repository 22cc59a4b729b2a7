"""Where it is written what was asked, and what was answered."""

from __future__ import annotations

import json
import os


class Ledger:
    """Lines of JSON; each is on its way to the file when `write` returns."""

    def __init__(self, path: str) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

    def write(self, **entry: object) -> None:
        os.write(self._file, json.dumps(entry).encode() + b"\n")
