"""What a database may do to a commit, and what the store makes of it."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import tempfile
import textwrap
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from attrs import evolve

from iwf_py.core.events import ExecuteReturned, Signalled, StopRequested
from iwf_py.errors import CommitUnknownError, StoreError, StoreUnusableError
from iwf_py.model.ids import WorkflowKey
from iwf_py.model.payload import Payload, SearchAttribute
from iwf_py.model.status import SearchAttributeValueType
from iwf_py.store.database import SqlStore
from tests.store.faults import FailAt, FaultyDriver, sqlite_error
from tests.store.host import NOON, Host, decides, sealed, to


@pytest.fixture(params=["file", "memory"])
def driver(request: pytest.FixtureRequest, path: Path) -> FaultyDriver:
    return FaultyDriver(None if request.param == "memory" else path)


@pytest.fixture
def faulty(driver: FaultyDriver) -> Iterator[SqlStore]:
    store = SqlStore("", driver=driver)
    store.open(NOON)
    yield store
    driver.hook = None
    store.close()


ERRORS: dict[str, Callable[[], BaseException]] = {
    "busy": lambda: sqlite_error(sqlite3.SQLITE_BUSY),
    "full": lambda: sqlite_error(sqlite3.SQLITE_FULL),
    "disk": lambda: sqlite_error(sqlite3.SQLITE_IOERR_WRITE),
    "bug": lambda: ValueError("ours"),
    "interrupt": KeyboardInterrupt,
    "exit": SystemExit,
}


def two_turns(host: Host) -> None:
    """A batch that opens a run, and moves another on."""
    host.start("new", to("A"))
    host.send_now(ExecuteReturned, "old", number=1, result=decides(to("B"), to("C")))
    host.send_now(Signalled, "old", channel_name="news", value=sealed("one"))


@pytest.mark.parametrize("error", ERRORS)
def test_a_commit_is_all_or_nothing_wherever_it_fails(faulty: SqlStore, driver: FaultyDriver, error: str):
    """
    At every statement, before and after: an Exception before COMMIT wrote nothing; at COMMIT settle tells; and the store goes on.
    """
    outcomes = set()
    for moment in range(200):
        host = Host(faulty, number=moment * 10)
        host.run_count = moment * 10
        host.start("old", to("A"))
        host.commit()
        before = faulty.load(host.latest("old").row)
        two_turns(host)
        hook = FailAt(moment, ERRORS[error])
        driver.hook = hook
        try:
            entries = faulty.commit(host.batch())
            raised: BaseException | None = None
        except BaseException as caught:
            raised = caught
        driver.hook = None
        if hook.hit is None:
            assert raised is None
            assert len(entries) == 3
            break

        at_commit = hook.hit[1] == "COMMIT"
        assert isinstance(raised, CommitUnknownError) is (at_commit and error not in ("interrupt", "exit"))
        assert isinstance(raised, StoreError) is (error not in ("interrupt", "exit"))
        stands = False
        if not isinstance(raised, StoreError) or isinstance(raised, CommitUnknownError):
            with pytest.raises(StoreError, match="in doubt"):
                faulty.commit(host.batch())
            stands = faulty.settle(host.number + 1)
        outcomes.add((hook.hit, stands))
        assert stands is (hook.hit == ("after", "COMMIT"))
        if stands:
            host.stands()
        else:
            assert faulty.load(host.latest("old").row) == before
            assert faulty.find(WorkflowKey("default", "new"), host.latest("new").record.run_id) is None
            host.commit()
        host.check()
        # Make way for the next life of both.
        for workflow_id in ("old", "new"):
            host.send_now(StopRequested, workflow_id)
        host.commit()
    else:
        pytest.fail("the batch never came through")

    assert len(outcomes) >= 20
    assert (("after", "COMMIT"), True) in outcomes


def test_a_statement_that_the_database_refuses_undoes_the_whole_batch(file_host: Host, path: Path):
    """
    An error of the last statement takes all before it back, and the next batch is as good as any.
    """
    other = sqlite3.connect(path)
    other.execute("CREATE TRIGGER t BEFORE INSERT ON iwf_timers BEGIN SELECT RAISE(ABORT, 'not today'); END")
    other.commit()
    file_host.start("w", to("A"), timeout=timedelta(seconds=9))
    batch = file_host.batch()

    with pytest.raises(StoreError, match="not today"):
        file_host.store.commit(batch)

    for table in ("iwf_executions", "iwf_history", "iwf_states"):
        assert other.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,)
    other.execute("DROP TRIGGER t")
    other.commit()
    other.close()
    file_host.commit()
    file_host.check()


def test_a_task_with_another_owner_fails_the_batch(host: Host):
    """
    A batch that believes a call to be its own, and is wrong, does not stand.
    """
    host.start("w", to("A"))
    host.commit()
    host.send_now(ExecuteReturned, number=1, result=decides(to("B")))
    run = host.latest()
    task = run.stored_tasks[1]
    for wrong in ({"epoch": 77}, {"failures": 3}):
        run.stored_tasks[1] = evolve(task, **wrong)
        with pytest.raises(StoreError, match="another owner"):
            host.store.commit(host.batch())

    run.stored_tasks[1] = task
    host.commit()
    host.check()


def test_a_history_entry_is_written_once(host: Host):
    """
    The number of a history entry is taken once: whoever comes second writes nothing.
    """
    host.start("w", to("A"))
    host.commit()
    host.send_now(Signalled, channel_name="news")
    batch = host.batch()
    host.commit()

    with pytest.raises(StoreError):
        host.store.commit(batch)

    host.check()


def test_a_request_id_is_written_once_in_a_run(host: Host):
    """
    An event that carries the request id of another one of its run writes nothing; another run may have the same.
    """
    for workflow_id in ("w", "other"):
        host.start(workflow_id, None)
        host.send_now(Signalled, workflow_id, channel_name="news")
        entries = host.latest(workflow_id).entries
        entries[-1] = evolve(entries[-1], request_id="request-1")
    host.commit()
    host.send_now(Signalled, channel_name="news")
    entries = host.latest().entries
    entries[-1] = evolve(entries[-1], request_id="request-1")

    with pytest.raises(StoreError):
        host.store.commit(host.batch())

    entries[-1] = evolve(entries[-1], request_id="request-2")
    host.commit()
    host.check()


def test_a_second_run_beside_an_open_one_cannot_be_written(host: Host):
    """
    At most one run of a workflow id is open, whatever the host believes.
    """
    host.start("w", to("A"))
    host.commit()
    stranger = Host(host.store, host.number)
    stranger.run_count = 50
    stranger.start("w", to("A"))

    with pytest.raises(StoreError):
        stranger.commit()

    host.check()


def test_text_that_is_no_text_fails_alone(host: Host):
    """
    A lone surrogate or a number beyond 64 bits is refused as a StoreError, and the next batch is not hurt.
    """
    too_big = SearchAttribute("n", integer_value=2**63, value_type=SearchAttributeValueType.INT)
    for number, poison in enumerate(
        ({"attributes": (("k", Payload("e", "\ud800")),)}, {"search_attributes": (too_big,)})
    ):
        poisoned = Host(host.store, host.number)
        poisoned.run_count = 100 + number
        poisoned.start("poisoned", None, **poison)
        if poisoned.runs[WorkflowKey("default", "poisoned")]:
            with pytest.raises(StoreError):
                poisoned.store.commit(poisoned.batch())

    host.start("w", to("A"))
    host.commit()
    host.check()


def test_claims_are_settled_when_their_commit_is_unknown(faulty: SqlStore, driver: FaultyDriver):
    """
    Tasks claimed by a COMMIT that answered with an error are handed out by the next call, once.
    """
    host = Host(faulty)
    for number in range(3):
        host.start(f"w{number}", to("A"))
    host.commit()
    if driver.place == "in memory":
        raw = driver.raw
        raw.execute("UPDATE iwf_states SET owner = 0")
    else:
        faulty.close()
        faulty.open(NOON)
    for at, expected in (("before", 0), ("after", 1)):
        driver.hook = lambda when, sql, at=at: _raise_at(at, when, sql)
        with pytest.raises(CommitUnknownError):
            faulty.claim_orphans(1 + expected)
        driver.hook = None

    claimed = faulty.claim_orphans(10)
    rest = faulty.claim_orphans(10)

    assert [len(claimed), len(rest)] == [2, 1]
    assert {task.task.recoveries for task in (*claimed, *rest)} == {1}
    assert faulty.claim_orphans(10) == ()


def _raise_at(at: str, when: str, sql: str) -> None:
    if (at, "COMMIT") == (when, sql):
        raise sqlite_error(sqlite3.SQLITE_IOERR_FSYNC)


def test_what_may_be_done_twice_is_done_again(faulty: SqlStore, driver: FaultyDriver):
    """
    Reserving, parking and sweeping need no settling: when their COMMIT is unknown they are simply repeated.
    """
    host = Host(faulty)
    host.start("w", to("A"))
    host.commit()
    for use in (lambda: faulty.reserve(9000), lambda: faulty.park(1, "why"), lambda: faulty.sweep(10)):
        for at in ("before", "after"):
            failures = []

            def once(when: str, sql: str, at: str = at, failures: list[str] = failures) -> None:
                if (at, "COMMIT") == (when, sql) and not failures:
                    failures.append(sql)
                    raise sqlite_error(sqlite3.SQLITE_IOERR_FSYNC)

            driver.hook = once
            use()
            driver.hook = None
            assert failures

    loaded = faulty.load(1)
    assert loaded is not None
    assert loaded.parked == "why"


def test_a_full_database_takes_no_harm_and_goes_on_when_there_is_room(path: Path):
    """
    Without room nothing is written and the error says so; with room again the same store goes on.
    """
    driver = FaultyDriver(path)
    store = SqlStore("", driver=driver)
    store.open(NOON)
    host = Host(store)
    host.start("w", None)
    host.commit()
    driver.raw.execute(f"PRAGMA max_page_count = {driver.raw.execute('PRAGMA page_count').fetchone()[0] + 10}")
    host.send_now(Signalled, channel_name="big", value=Payload("e", "x" * 1_000_000))

    with pytest.raises(StoreUnusableError, match="full"):
        store.commit(host.batch())

    # The connection was opened anew, without the bound: there is room again.
    host.commit()
    host.check()
    store.close()


FULL_DISK = """
    import resource, signal, sys
    from iwf_py.core.events import Signalled
    from iwf_py.errors import CommitUnknownError, StoreError, StoreUnusableError
    from iwf_py.model.payload import Payload
    from iwf_py.store.database import SqlStore
    from tests.store.host import NOON, Host
    import os

    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    path = sys.argv[1]
    store = SqlStore(f"sqlite:///{path}")
    store.open(NOON)
    host = Host(store)
    host.start("w", None)
    host.commit()
    failures = 0
    for round_ in range(5):
        size = max(os.path.getsize(path), os.path.getsize(path + "-wal"))
        resource.setrlimit(resource.RLIMIT_FSIZE, (size + 20_000, resource.RLIM_INFINITY))
        for number in range(50):
            host.send_now(Signalled, channel_name="c", value=Payload("e", "x" * 5000))
            try:
                host.commit()
            except StoreError as error:
                assert isinstance(error, (StoreUnusableError, CommitUnknownError)), error
                failures += 1
                unknown = isinstance(error, CommitUnknownError)
                break
        else:
            raise SystemExit("it was never full")
        host.store.latest(list(host.runs))
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        if unknown and store.settle(host.number + 1):
            host.stands()
        else:
            host.commit()
        host.check()
    store.close()
    store.open(NOON)
    host.check()
    store.close()
    print(failures)
"""


def run_script(script: str, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", textwrap.dedent(script), *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.skipif(sys.platform == "win32", reason="needs limits on file sizes")
def test_a_real_full_disk_is_survived_without_a_restart(path: Path):
    """
    When writes of the system fail, each commit is known to stand or not, and the store goes on once there is room.
    """
    assert run_script(FULL_DISK, str(path)) == "5"


READ_ONLY = """
    import os, sys
    from iwf_py.errors import StoreUnusableError
    from iwf_py.store.database import SqlStore
    from tests.store.host import NOON

    if os.getuid() == 0:
        os.setgid(65534)
        os.setuid(65534)
    try:
        SqlStore(f"sqlite:///{sys.argv[1]}").open(NOON)
    except StoreUnusableError as error:
        print(error)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="needs permissions of POSIX")
@pytest.mark.parametrize("what", ["file", "directory", "way"])
def test_what_cannot_be_written_is_refused_with_the_way_out(what: str):
    """
    A read-only file or directory, or one that cannot be reached, is named, with what to do about it.
    """
    with tempfile.TemporaryDirectory() as top:
        directory = Path(top) / "data"
        directory.mkdir()
        path = directory / "workflows.db"
        store = SqlStore(f"sqlite:///{path}")
        store.open(NOON)
        store.close()
        path.with_name(path.name + ".lock").unlink()
        path.chmod(0o444)
        directory.chmod(0o777 if what == "file" else 0o555)
        Path(top).chmod(0o700 if what == "way" else 0o755)

        sentence = run_script(READ_ONLY, str(path))

        directory.chmod(0o755)
    assert str(path) in sentence
    assert "permission" in sentence or "directory" in sentence


def test_a_database_that_was_deleted_or_replaced_is_not_written(file_host: Host, path: Path, tmp_path: Path):
    """
    What would be written into a file that nobody finds again is refused; put back, the store goes on.
    """
    file_host.start("w", to("A"))
    file_host.commit()
    file_host.send_now(Signalled, channel_name="news")
    batch = file_host.batch()
    aside = tmp_path / "aside.db"
    path.rename(aside)

    with pytest.raises(StoreUnusableError, match="deleted or replaced"):
        file_host.store.commit(batch)
    path.write_bytes(b"")
    with pytest.raises(StoreUnusableError, match="deleted or replaced"):
        file_host.store.commit(batch)

    aside.rename(path)
    file_host.commit()
    file_host.check()


def test_another_programs_lock_is_waited_for_and_then_named(path: Path):
    """
    A foreign transaction delays a commit; one that does not end is an error that says so, and no harm is done.
    """
    store = SqlStore("", driver=FaultyDriver(path, patience=0.05))
    store.open(NOON)
    host = Host(store)
    host.start("w", to("A"))
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")

    with pytest.raises(StoreError, match="another program"):
        store.commit(host.batch())

    other.execute("ROLLBACK")
    other.close()
    host.commit()
    host.check()
    store.close()


def test_reading_does_not_wait_for_writing(file_store: SqlStore):
    """
    While a transaction is open, readers see what was committed before it, at once; and readers do not hold up commits.
    """
    host = Host(file_store)
    host.start("w", to("A"))
    host.commit()
    host.send_now(Signalled, channel_name="news")
    before = file_store.load(host.latest().row)
    seen = []
    carry_out = file_store._carry_out

    def read_within(*arguments):
        carry_out(*arguments)
        reader = threading.Thread(target=lambda: seen.append(file_store.load(host.latest().row)))
        reader.start()
        reader.join()

    file_store._carry_out = read_within
    host.commit()

    assert seen == [before]
    assert file_store.load(host.latest().row) != before


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("postgresql://localhost/db", "PostgreSQL comes with a later version"),
        ("mysql://localhost/db", "does not support"),
        ("sqlite+aiosqlite:///x.db", "does not support"),
        ("workflows.db", "no database URL"),
        ("", "no database URL"),
        ("sqlite:///x.db?mode=ro", "a path and nothing else"),
        ("sqlite://host/x.db", "a path and nothing else"),
        ("sqlite:///file:x.db", "no path"),
    ],
)
def test_a_url_that_names_no_database_is_refused(url: str, sentence: str):
    """
    The error says what is wrong, and how to write it.
    """
    with pytest.raises(StoreUnusableError, match=sentence):
        SqlStore(url)


def test_a_path_where_no_database_can_be_is_refused(tmp_path: Path):
    """
    A missing directory, a directory in the file's place, and a file of something else are each named.
    """
    text = tmp_path / "notes.txt"
    text.write_text("dear diary\n" * 1000)
    for path, sentence in (
        (tmp_path / "missing" / "w.db", "no directory"),
        (tmp_path, "is not a file"),
        (text, "not a SQLite database"),
        (text / "w.db", "no directory"),
    ):
        with pytest.raises(StoreUnusableError, match=sentence) as caught:
            SqlStore(f"sqlite:///{path}").open(NOON)
        assert str(path) in str(caught.value)

    assert text.read_text() == "dear diary\n" * 1000
    assert not (tmp_path / "missing").exists()
