"""Files that their owner alone may read."""

from __future__ import annotations

import os
import secrets
from pathlib import Path


def write_private(path: Path, text: str) -> None:
    """
    Write a file, as a whole or not at all, readable by its owner alone.

    Errors:
        OSError: It cannot be written; what was there before is as it was.
    """
    beside = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        # Of a name that is not there yet, and never through a link that somebody laid.
        with open(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, path)
    except OSError:
        beside.unlink(missing_ok=True)
        raise


def is_open_to_all(path: Path) -> bool:
    """May whoever has an account on this machine read the file, or write it?"""
    return bool(path.stat().st_mode & 0o007)
