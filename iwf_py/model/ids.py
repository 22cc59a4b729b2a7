"""Identifiers: how they are made of their parts, and what a name may look like.

Pure. A run id has the layout of uuid7, so that ids grow in time order; what is random in it
comes from outside, or is derived from another run's id.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from iwf_py.errors import InvalidArgumentError

DEFAULT_NAMESPACE = "default"
MAX_NAME_BYTES = 1000
SYSTEM_STATE_PREFIX = "_SYS_"
SYSTEM_NAME_PREFIX = "__IwfSystem_"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class WorkflowKey(NamedTuple):
    """A workflow id within its namespace: what all runs of one id share. A tuple, since hosts look it up all the time."""

    namespace: str
    workflow_id: str


def state_execution_id(state_id: str, ordinal: int) -> str:
    """Name the *ordinal*-th execution (from 1) of a state: ``VerifyState-1``."""
    return f"{state_id}-{ordinal}"


def timer_id(state_execution: str, index: int) -> str:
    """Name the timer command at *index* (from 0) of a state execution: ``VerifyState-1/0``."""
    return f"{state_execution}/{index}"


def run_id_from(at: datetime, entropy: bytes) -> str:
    """
    Make a run id in the layout of uuid7.

    Args:
        at: When the run is created (UTC, aware); its milliseconds lead the id.

        entropy: At least 10 bytes that no other run has.

    Source:
        RFC 9562, section 5.7.
    """
    milliseconds = (at - EPOCH) // timedelta(milliseconds=1)
    value = (milliseconds & (1 << 48) - 1) << 80 | int.from_bytes(entropy[:10], "big")
    value = value & ~(0xF << 76) | 0x7 << 76
    value = value & ~(0x3 << 62) | 0x2 << 62
    text = f"{value:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def successor_run_id(run_id: str, at: datetime) -> str:
    """Derive the id of the run that follows *run_id*, so that the core needs no chance."""
    return run_id_from(at, hashlib.blake2b(run_id.encode(), digest_size=10, person=b"iwf-successor").digest())


def plain(name: str) -> str:
    """Return a name as a str of no subclass: what is stored shall not carry a class of the user's, such as an enum's."""
    return name if type(name) is str else str.__str__(name)


def check_name(what: str, name: object) -> str:
    """
    Return *name*, as a plain str, when it can be an id or a name; else say what is wrong with it.

    Args:
        what: The noun for the sentence: "workflow id", "channel name".

    Errors:
        InvalidArgumentError: Empty, no text, over 1,000 bytes of UTF-8, control characters, lone surrogates, or a reserved prefix.
    """
    if not isinstance(name, str):
        raise InvalidArgumentError(f"{what} must be a str, got {type(name).__name__} {name!r}")
    # Nearly all names are plain: what follows looks for what is wrong with the others.
    if name.isascii() and name.isprintable() and 0 < len(name) <= MAX_NAME_BYTES:
        if name.startswith(SYSTEM_NAME_PREFIX):
            raise _reserved(what, name)
        return name if type(name) is str else plain(name)
    if not name:
        raise InvalidArgumentError(f"{what} must not be empty")
    try:
        size = len(name.encode())
    except UnicodeEncodeError:
        raise InvalidArgumentError(f"{what} {name!r} holds a lone surrogate, which is not text") from None
    if size > MAX_NAME_BYTES:
        raise InvalidArgumentError(f"{what} is {size} bytes long; at most {MAX_NAME_BYTES} are allowed")
    if any(ord(sign) < 32 or ord(sign) == 127 for sign in name):
        raise InvalidArgumentError(f"{what} {name!r} holds a control character")
    if name.startswith(SYSTEM_NAME_PREFIX):
        raise _reserved(what, name)
    return plain(name)


def _reserved(what: str, name: str) -> InvalidArgumentError:
    return InvalidArgumentError(f"{what} {name!r} starts with the reserved prefix {SYSTEM_NAME_PREFIX!r}")
