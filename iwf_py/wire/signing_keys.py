"""Files of signing keys: what one worker and the server that calls it share, and nobody else may read.

A file may have several keys of its worker: the server signs with the newest, the worker takes calls by each.
"""

from __future__ import annotations

import base64
import json
import secrets
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

from attrs import frozen

from iwf_py.errors import InvalidArgumentError
from iwf_py.private_files import is_open_to_all, write_private
from iwf_py.wire.signing import SHORTEST_SECRET, SigningKey


@frozen
class KeptKey:
    """
    One key of a file.

    Attributes:
        worker: The entry of the server's list whose calls are signed with it, as ``http://localhost:8802``.
    """

    key: SigningKey
    worker: str
    created_at: datetime


def make_signing_key(worker: str, now: datetime) -> KeptKey:
    """Make a key."""
    return KeptKey(SigningKey(secrets.token_hex(6), secrets.token_bytes(SHORTEST_SECRET)), worker, now)


def read_signing_keys(path: str | Path) -> tuple[SigningKey, ...]:
    """
    Read the keys that a worker checks calls with.

        worker_app(registry, WorkerOptions(signing_keys=read_signing_keys("shop.json")))

    Errors:
        InvalidArgumentError: There is no such file, it is none of ours, it has no key, or others may read it.
    """
    found = tuple(kept.key for kept in read_kept_keys(Path(path)))
    if not found:
        raise InvalidArgumentError(f"the file {str(path)!r} has no signing key; make one with iwf signing-keys create")
    return found


def read_kept_keys(path: Path) -> tuple[KeptKey, ...]:
    """
    Read a file, from the oldest key to the newest.

    Errors:
        InvalidArgumentError: There is no such file, it is none of ours, or others may read it.
    """
    try:
        is_open, text = is_open_to_all(path), path.read_bytes()
    except OSError as error:
        raise InvalidArgumentError(
            f"the file of signing keys {str(path)!r} cannot be read ({error.strerror}); make one with iwf signing-keys create"
        ) from None
    if is_open:
        raise InvalidArgumentError(
            f"the file {str(path)!r} has secrets, and others on this machine may read or write it; chmod 600 it"
        )
    try:
        return tuple(_read(entry) for entry in json.loads(text)["signing_keys"])
    except (ValueError, KeyError, TypeError, AttributeError):
        raise InvalidArgumentError(
            f"{str(path)!r} is no file of signing keys; make one with iwf signing-keys create"
        ) from None


def write_kept_keys(path: Path, kept: Iterable[KeptKey]) -> None:
    """
    Write a file, as a whole or not at all, readable by its owner alone.

    Errors:
        InvalidArgumentError: It cannot be written.
    """
    try:
        write_private(path, json.dumps({"signing_keys": [_written(one) for one in kept]}, indent=2) + "\n")
    except OSError as error:
        raise InvalidArgumentError(
            f"the file of signing keys {str(path)!r} cannot be written ({error.strerror})"
        ) from None


def remove_signing_key(path: Path, key_id: str) -> None:
    """
    Take a key out of a file.

    Errors:
        InvalidArgumentError: The file has no such key.
    """
    kept = read_kept_keys(path)
    left = [one for one in kept if one.key.id != key_id]
    if len(left) == len(kept):
        raise InvalidArgumentError(
            f"no signing key has the id {key_id!r}; iwf signing-keys list tells those of {str(path)!r}"
        )
    write_kept_keys(path, left)


def _read(entry: dict[str, Any]) -> KeptKey:
    secret = base64.b64decode(entry["secret"], validate=True)
    return KeptKey(SigningKey(entry["id"], secret), str(entry["worker"]), datetime.fromisoformat(entry["created_at"]))


def _written(kept: KeptKey) -> dict[str, Any]:
    return {
        "id": kept.key.id,
        "worker": kept.worker,
        "secret": base64.b64encode(kept.key.secret).decode(),
        "created_at": kept.created_at.isoformat(),
    }
