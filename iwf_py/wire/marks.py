"""How an engine of this package makes itself known: by a header of its answers to clients, and of its calls to workers.

What this package has beyond the protocol, others would leave out without a word, or take for a mistake. So whoever
speaks to a server without the mark refuses to send it.
"""

from __future__ import annotations

from collections.abc import Mapping

HEADER = "Iwf-Server"
OURS = "iwf_py"
# To be sent along.
MARK: Mapping[str, str] = {HEADER: OURS}


def is_ours(value: str | None) -> bool:
    """Does this value of the header say that it is an engine of ours?"""
    return value is not None and value.strip().partition("/")[0] == OURS
