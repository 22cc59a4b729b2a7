"""API keys: ``iwf_<id>_<secret>``, of which only a hash is kept, in a file that its owner alone may read.

The secret has 256 bits of chance, so that a plain SHA-256 of it cannot be searched for. The file is read again when it has
changed: a key that is revoked is refused within a second, without a restart.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import secrets
import threading
import time
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from attrs import evolve, frozen

from iwf_py.errors import InvalidArgumentError
from iwf_py.private_files import write_private
from iwf_py.server.actions import Role

_SHAPE = re.compile(r"iwf_(?P<id>[0-9a-f]{12})_(?P<secret>[A-Za-z0-9_-]{43})", re.ASCII)
# What the hash of an unknown key is compared with, so that both answers take as long.
_NOBODYS = hashlib.sha256(b"").hexdigest()
_LOOK_AGAIN_SECONDS = 1.0


@frozen(kw_only=True)
class ApiKey:
    """
    One key, without its secret.

    Attributes:
        id: What it is called by; part of its text.

        name: For people.

        digest: SHA-256 of its text, in hexadecimal digits.

        expires_at: It is refused from then on; None for never.

        is_revoked: It is refused for good.
    """

    id: str
    name: str
    role: Role
    digest: str
    created_at: datetime
    expires_at: datetime | None = None
    is_revoked: bool = False

    def is_good(self, now: datetime) -> bool:
        """May it still be used?"""
        return not self.is_revoked and (self.expires_at is None or now < self.expires_at)


def make_key(name: str, role: Role, now: datetime, lifetime: timedelta | None = None) -> tuple[str, ApiKey]:
    """Make a key; its text is given here and never again."""
    key_id = secrets.token_hex(6)
    text = f"iwf_{key_id}_{secrets.token_urlsafe(32)}"
    expires_at = None if lifetime is None else now + lifetime
    return text, ApiKey(id=key_id, name=name, role=role, digest=_digest(text), created_at=now, expires_at=expires_at)


class Keys:
    """The keys of a server: finds the one that a caller has shown."""

    def __init__(self, keys: Iterable[ApiKey] = ()) -> None:
        self._by_id = {key.id: key for key in keys}

    def find(self, text: str) -> ApiKey | None:
        """Find the key that *text* is; None where it is none, is revoked, or has expired."""
        shape = _SHAPE.fullmatch(text)
        key = None if shape is None else self._known().get(shape["id"])
        is_right = hmac.compare_digest(_digest(text), _NOBODYS if key is None else key.digest)
        return key if key is not None and is_right and key.is_good(datetime.now(UTC)) else None

    def _known(self) -> dict[str, ApiKey]:
        return self._by_id


class KeyFile(Keys):
    """
    Keys in a JSON file.

    Errors:
        InvalidArgumentError: There is no such file, or it is none of ours.
    """

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path = path
        self._lock = threading.Lock()
        self._look_at = 0.0
        # Of no file, not even of one that is not there.
        self._stamp: tuple[int, ...] | None = ()
        self._refresh()

    def _known(self) -> dict[str, ApiKey]:
        if time.monotonic() >= self._look_at:
            try:
                self._refresh()
            except InvalidArgumentError:
                # Whoever takes the file away, or spoils it, takes every key away.
                return {}
        return self._by_id

    def _refresh(self) -> None:
        with self._lock:
            stamp = _stamp_of(self.path)
            if stamp != self._stamp:
                self._by_id = {key.id: key for key in read_keys(self.path)}
                self._stamp = stamp
            self._look_at = time.monotonic() + _LOOK_AGAIN_SECONDS


def read_keys(path: Path) -> tuple[ApiKey, ...]:
    """Read a key file; errors as `KeyFile`."""
    try:
        return tuple(_read(entry) for entry in json.loads(path.read_text())["keys"])
    except OSError as error:
        raise InvalidArgumentError(
            f"the key file {str(path)!r} cannot be read ({error.strerror}); make one with iwf keys create"
        ) from None
    except (ValueError, KeyError, TypeError):
        raise InvalidArgumentError(f"{str(path)!r} is no key file; make one with iwf keys create") from None


def write_keys(path: Path, keys: Iterable[ApiKey]) -> None:
    """
    Write a key file, as a whole or not at all, readable by its owner alone.

    Errors:
        InvalidArgumentError: It cannot be written.
    """
    text = json.dumps({"keys": [_written(key) for key in keys]}, indent=2) + "\n"
    try:
        write_private(path, text)
    except OSError as error:
        raise InvalidArgumentError(f"the key file {str(path)!r} cannot be written ({error.strerror})") from None


def revoke(path: Path, key_id: str) -> None:
    """
    Have a key refused from now on.

    Errors:
        InvalidArgumentError: The file has no such key.
    """
    keys = read_keys(path)
    if key_id not in {key.id for key in keys}:
        raise InvalidArgumentError(f"no key has the id {key_id!r}; iwf keys list tells those of {str(path)!r}")
    write_keys(path, [evolve(key, is_revoked=True) if key.id == key_id else key for key in keys])


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()


def _stamp_of(path: Path) -> tuple[int, int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    # A file that was replaced is another one, whatever the clock of the file system can tell apart.
    return found.st_mtime_ns, found.st_size, found.st_ino


def _read(entry: dict[str, Any]) -> ApiKey:
    expires_at = entry.get("expires_at")
    return ApiKey(
        id=entry["id"],
        name=entry["name"],
        role=Role(entry["role"]),
        digest=entry["sha256"],
        created_at=datetime.fromisoformat(entry["created_at"]),
        expires_at=None if expires_at is None else datetime.fromisoformat(expires_at),
        is_revoked=bool(entry.get("is_revoked", False)),
    )


def _written(key: ApiKey) -> dict[str, Any]:
    return {
        "id": key.id,
        "name": key.name,
        "role": key.role.value,
        "sha256": key.digest,
        "created_at": key.created_at.isoformat(),
        "expires_at": None if key.expires_at is None else key.expires_at.isoformat(),
        "is_revoked": key.is_revoked,
    }
