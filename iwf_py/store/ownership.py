"""One engine owns a database file: a lock beside it, and what a fork of the owner must not do.

The lock is the operating system's: it ends with the process that holds it, however that ends. What
the file says is only for the sentence that the next one reads.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import socket
import sys
from datetime import datetime
from pathlib import Path

from iwf_py.errors import StoreInUseError, StoreUnusableError

if sys.platform == "win32":
    import msvcrt

    # A locked byte cannot be read by others: it lies far behind the text.
    _LOCKED_BYTE = 1 << 30

    def _try_lock(descriptor: int) -> bool:
        os.lseek(descriptor, _LOCKED_BYTE, os.SEEK_SET)
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError as error:
            if error.errno in (errno.EACCES, errno.EDEADLK):
                return False
            raise
        return True
else:
    import fcntl

    def _try_lock(descriptor: int) -> bool:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno in (errno.EWOULDBLOCK, errno.EACCES):
                return False
            raise
        return True


_MOST_TEXT = 4096

# Where a lock, or the shared memory of SQLite's WAL, does not reach other machines.
_NETWORK_FILE_SYSTEMS = frozenset(
    {"nfs", "nfs4", "cifs", "smb3", "smbfs", "afs", "ncpfs", "fuse.sshfs", "fuse.glusterfs", "ceph"}
)
_MOUNTS = Path("/proc/self/mountinfo")


class OwnerLock:
    """
    The lock file beside a database.

    Args:
        database: The database's real path; the lock file's is the same with ``.lock``.
    """

    def __init__(self, database: Path) -> None:
        self.path = database.with_name(database.name + ".lock")
        self._database = database
        self._descriptor: int | None = None

    def acquire(self, now: datetime) -> None:
        """
        Take the lock, and write who holds it.

        Errors:
            StoreInUseError: Another engine holds it, in this process or another.

            StoreUnusableError: There cannot be a lock file here.
        """
        while self._descriptor is None:
            descriptor = self._open()
            try:
                if not self._lock(descriptor):
                    raise StoreInUseError(self._in_use(_read_holder(descriptor)))
                # Whoever held it before may have deleted it: then this is no longer the file that others lock.
                if self._is_current(descriptor):
                    _write_text(descriptor, _this_holder(now))
                    self._descriptor = descriptor
            finally:
                if self._descriptor != descriptor:
                    os.close(descriptor)

    def release(self) -> None:
        """Give the lock up; safe to call twice."""
        if self._descriptor is not None:
            descriptor, self._descriptor = self._descriptor, None
            with contextlib.suppress(OSError):
                os.ftruncate(descriptor, 0)
            os.close(descriptor)

    def abandon(self) -> None:
        """In a fork: close the copy of the descriptor, or the lock would outlive the parent. The parent's lock stands."""
        if self._descriptor is not None:
            descriptor, self._descriptor = self._descriptor, None
            os.close(descriptor)

    def _open(self) -> int:
        flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)
        try:
            return os.open(self.path, flags, 0o600)
        except OSError as error:
            raise StoreUnusableError(
                f"the lock file {self.path} cannot be opened: {error.strerror}; "
                "the database needs a directory that this process may write to"
            ) from error

    def _lock(self, descriptor: int) -> bool:
        try:
            return _try_lock(descriptor)
        except OSError as error:
            raise StoreUnusableError(
                f"the file system of {self.path} has no locks: {error.strerror}; keep the database on a local disk"
            ) from error

    def _is_current(self, descriptor: int) -> bool:
        try:
            there = self.path.stat()
        except FileNotFoundError:
            return False
        return os.path.samestat(there, os.fstat(descriptor))

    def _in_use(self, holder: str) -> str:
        return (
            f"database {self._database} is in use by {holder}. One engine owns a SQLite file: stop that process, "
            "serve all work from one process with threads, or give this one a database of its own "
            "(several processes on one database need PostgreSQL, which this version does not support yet)"
        )


def _this_holder(now: datetime) -> str:
    holder = {"pid": os.getpid(), "host": socket.gethostname(), "program": _program(), "since": now.isoformat()}
    return json.dumps(holder)


def this_program() -> str:
    """Say who this process is, for the owner's row: ``pid 4711 on web-1 (app.py)``."""
    return f"pid {os.getpid()} on {socket.gethostname()} ({_program()})"


def _program() -> str:
    """Name what runs, as an operator knows it: ``app.py``, and ``signup`` for ``python -m signup``."""
    script = Path(sys.argv[0] if sys.argv and sys.argv[0] else sys.executable or "python")
    return script.parent.name if script.name == "__main__.py" else script.name


def _write_text(descriptor: int, text: str) -> None:
    os.ftruncate(descriptor, 0)
    os.lseek(descriptor, 0, os.SEEK_SET)
    os.write(descriptor, text.encode()[:_MOST_TEXT])


def _read_holder(descriptor: int) -> str:
    """Say who holds the lock, as far as the file tells."""
    try:
        os.lseek(descriptor, 0, os.SEEK_SET)
        told = json.loads(os.read(descriptor, _MOST_TEXT))
        return f"{told['program']} (pid {told['pid']} on {told['host']}, since {told['since']})"
    except (OSError, ValueError, KeyError, TypeError):
        return "another process, which is just starting"


def refuse_network_file_system(directory: Path, mounts: Path = _MOUNTS) -> None:
    """
    Refuse a directory that lies on a network file system, where the system tells (Linux).

    Args:
        mounts: Where it tells.

    Errors:
        StoreUnusableError: It does.

    Source:
        https://sqlite.org/wal.html: "WAL does not work over a network filesystem."
    """
    try:
        lines = mounts.read_text().splitlines()
    except OSError:
        return
    device = directory.stat().st_dev
    number = f"{os.major(device)}:{os.minor(device)}"
    for line in lines:
        fields, _, rest = line.partition(" - ")
        kind = rest.split(" ", 1)[0]
        if fields.split(" ")[2] == number and kind in _NETWORK_FILE_SYSTEMS:
            raise StoreUnusableError(
                f"{directory} lies on a network file system ({kind}), where SQLite's log is not safe; "
                "keep the database on a local disk"
            )
