"""What the exit code of a command says."""

from __future__ import annotations

# All is well; problems were found; it could not be done.
WELL, PROBLEMS, UNUSABLE = 0, 1, 2
