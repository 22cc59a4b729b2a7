"""One engine owns a file, whatever the others try."""

from __future__ import annotations

import os
import signal
import socket
import stat
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from iwf_py.errors import EngineStoppedError, StoreInUseError, StoreUnusableError
from iwf_py.store.database import SqlStore
from iwf_py.store.ownership import refuse_network_file_system, this_program
from tests.store.host import NOON, Host, to

HOLD = """
    import sys
    from iwf_py.store.database import SqlStore
    from tests.store.host import NOON, Host, to

    store = SqlStore(sys.argv[1])
    store.open(NOON)
    host = Host(store)
    host.start("held", to("A"))
    host.commit()
    print("open", flush=True)
    sys.stdin.read()
    store.close()
"""


def url_of(path: Path) -> str:
    return f"sqlite:///{path}"


@contextmanager
def running(script: str, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-W", "error", "-c", textwrap.dedent(script), *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def line_of(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def test_a_second_process_is_told_who_holds_the_database(path: Path):
    """
    The error names the holder's process, host and program, and the way out.
    """
    with running(HOLD, url_of(path)) as holder:
        assert line_of(holder) == "open"

        with pytest.raises(StoreInUseError) as caught:
            SqlStore(url_of(path)).open(NOON)

        sentence = str(caught.value)
        assert f"pid {holder.pid} on {socket.gethostname()}" in sentence
        assert str(path) in sentence
        assert "threads" in sentence
        assert "PostgreSQL" in sentence


def test_the_database_is_free_again_once_its_holder_is_killed(path: Path):
    """
    SIGKILL ends the lock with the process; what it had committed is there, under a new epoch.
    """
    with running(HOLD, url_of(path)) as holder:
        assert line_of(holder) == "open"
        holder.send_signal(signal.SIGKILL)
        holder.wait()

        store = SqlStore(url_of(path))
        store.open(NOON)
        orphans = store.claim_orphans(10)
        store.close()

    assert store.epoch == 2
    assert [(orphan.key.workflow_id, orphan.task.epoch, orphan.task.recoveries) for orphan in orphans] == [
        ("held", 2, 1)
    ]


def test_a_second_engine_in_the_same_process_is_refused(file_store: SqlStore, path: Path):
    """
    One engine owns a file within one process too, by whatever name it is reached.
    """
    alias = path.with_name("alias.db")
    alias.symlink_to(path)

    for name in (path, alias):
        with pytest.raises(StoreInUseError, match=f"pid {os.getpid()} "):
            SqlStore(url_of(name)).open(NOON)


def test_closing_gives_the_database_free(path: Path):
    """
    After close another engine may open it, and this one too; closing twice is nothing.
    """
    first, second = SqlStore(url_of(path)), SqlStore(url_of(path))
    first.open(NOON)
    first.close()
    first.close()
    second.open(NOON)
    second.close()
    first.open(NOON)
    first.close()

    assert (first.epoch, second.epoch) == (3, 2)
    assert path.with_name(path.name + "-wal").exists() is False
    with pytest.raises(EngineStoppedError, match="not open"):
        first.next_due()


def test_an_owner_that_was_overtaken_writes_nothing_more(file_host: Host, path: Path):
    """
    When somebody deletes the lock file of a running engine and starts another, the first one's commits fail.
    """
    file_host.start("w", to("A"))
    path.with_name(path.name + ".lock").unlink()
    other = SqlStore(url_of(path))
    other.open(NOON)

    with pytest.raises(StoreInUseError, match="taken over"):
        file_host.commit()

    assert other.latest(list(file_host.runs)) == {}
    other.close()


def test_only_its_owner_may_read_the_files(file_host: Host, path: Path):
    """
    Database, log and lock are for their owner's eyes alone.
    """
    file_host.start("w", to("A"))
    file_host.commit()

    modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()}

    assert modes == dict.fromkeys((path.name, f"{path.name}-wal", f"{path.name}-shm", f"{path.name}.lock"), 0o600)


def test_a_link_in_the_place_of_the_lock_is_not_followed(path: Path, tmp_path: Path):
    """
    Nobody makes the engine write into a file of another.
    """
    victim = tmp_path / "victim"
    victim.write_text("precious")
    path.with_name(path.name + ".lock").symlink_to(victim)

    with pytest.raises(StoreUnusableError, match="lock"):
        SqlStore(url_of(path)).open(NOON)

    assert victim.read_text() == "precious"


def test_a_network_file_system_is_refused(tmp_path: Path):
    """
    Where neither locks nor shared memory are safe, there is no database.
    """
    device = tmp_path.stat().st_dev
    mounts = tmp_path / "mountinfo"
    line = "36 35 {}:{} / /data rw,noatime shared:1 - {} server:/export rw\n"
    for kind in ("nfs4", "ext4"):
        mounts.write_text(line.format(os.major(device), os.minor(device), kind))
        if kind == "nfs4":
            with pytest.raises(StoreUnusableError, match="network"):
                refuse_network_file_system(tmp_path, mounts)
        else:
            refuse_network_file_system(tmp_path, mounts)


FORK = """
    import os, sys, time
    from iwf_py.errors import EngineStoppedError
    from iwf_py.store.database import SqlStore
    from tests.store.host import NOON, Host, to

    store = SqlStore(sys.argv[1])
    store.open(NOON)
    host = Host(store)
    host.start("parent", to("A"))
    host.commit()
    host.check()
    child = os.fork()
    if child == 0:
        refused = 0
        for use in (lambda: host.commit(), lambda: store.load(1), lambda: store.next_due(), lambda: store.reserve(5000)):
            try:
                use()
            except EngineStoppedError:
                refused += 1
        store.close()
        del store, host
        sys.exit(refused)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    host.start("later", to("A"))
    host.commit()
    host.check()
    if os.fork() == 0:
        # It outlives its parent.
        sys.stdin.read()
        os._exit(0)
    print(status, flush=True)
    sys.stdin.read()
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_fork_leaves_its_parents_database_alone(path: Path):
    """
    A child may not use the store, takes neither lock nor log away by ending, and does not hold the lock beyond its parent.
    """
    with running(FORK, url_of(path)) as parent:
        assert line_of(parent) == "4"
        wal = path.with_name(path.name + "-wal")
        assert wal.stat().st_size > 0
        with pytest.raises(StoreInUseError, match=f"pid {parent.pid} "):
            SqlStore(url_of(path)).open(NOON)

        parent.send_signal(signal.SIGKILL)
        parent.wait()
        store = SqlStore(url_of(path))
        store.open(NOON)
        orphans = store.claim_orphans(10)
        store.close()

    assert [orphan.key.workflow_id for orphan in orphans] == ["parent", "later"]


def test_the_holder_of_a_module_is_named_by_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    A program run with ``python -m`` is named as it was called, not ``__main__.py`` like all of them.
    """
    monkeypatch.setattr(sys, "argv", ["/srv/shop/signup/__main__.py", "--port", "1"])

    assert this_program().endswith("(signup)")
