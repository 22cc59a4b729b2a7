"""A server of the iWF protocol on a database of its own: engine, calls of workers, and the WSGI application before them."""

from __future__ import annotations

import atexit
import os
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from types import TracebackType

from attrs import evolve, field, frozen

from iwf_py.errors import InvalidArgumentError
from iwf_py.ports import Alarm, Calendar, Clock, Observer
from iwf_py.runtime.engine import Engine
from iwf_py.runtime.limits import Limits
from iwf_py.runtime.threads import RandomIds, SystemClock, Threads
from iwf_py.scheduling.alarm import ApschedulerAlarm
from iwf_py.scheduling.cron import CronCalendar
from iwf_py.server.calls import UrlCheck
from iwf_py.server.factory import App, make_app
from iwf_py.server.gate import Access, Open
from iwf_py.server.keys import KeyFile
from iwf_py.server.long_polls import MOST, MOST_EACH, LongPolls
from iwf_py.server.rates import BURST, PER_SECOND, Rates
from iwf_py.store.database import SqlStore
from iwf_py.wire.options import MAX_WAIT
from iwf_py.wire.push import LIMIT, MAX_CALL, PushPerformer
from iwf_py.wire.signing import SigningKey
from iwf_py.wire.signing_keys import read_kept_keys
from iwf_py.wire.worker_urls import AllowedWorker, WorkerUrls, rewritten
from iwf_py.worker.loop import Worker

# Commits in a row, before the loop looks again what workers have answered.
_BATCHES = 4


@frozen(kw_only=True)
class ServerOptions:
    """
    How a server serves.

    Attributes:
        allowed_workers: Which worker URLs may be called: entries as ``http://localhost:8802``, ``http://localhost:*``,
            ``https://workers.example/team`` or ``10.1.0.0/16``, or `AllowedWorker`s. None may where the list is empty.

        allows_public_workers: Any worker on the public internet may be called as well.

        signing_keys: Files as ``iwf signing-keys create`` makes them: calls of the workers that they are for are signed with the
            newest key of each, so that these workers know who calls.

        keys: A key file, as ``iwf keys create`` makes it: whoever calls must show one of its keys. Without it only this
            machine is answered.

        insecure_no_auth: Without keys, answer whoever reaches the server.

        trusted_hosts: Names by which the server is called, beside those of loopback; ``*`` stands for every address in figures.

        max_wait: Of long polls and RPCs, where they name no time or a longer one.

        max_call: What a worker gets for one call at the longest, whatever its state's options say.

        long_polls: So many wait at once; those beyond are told early to ask again.

        long_polls_each: So many of one key, in the same way.

        calls_per_second: Of each key, for as long as it likes; those beyond are refused before they do anything. 0 for any number.

        burst: Calls that a key may make at once, after it has made none for a while.

        old_go_sdk: Clients that use iWF's SDK for Go are of a version up to 1.6: they are told of a failed state call as
            ``STATE_API_FAIL_MAX_OUT_RETRY_ERROR_TYPE``, for they cannot read the name that it has today.
    """

    allowed_workers: Sequence[str | AllowedWorker] = ()
    allows_public_workers: bool = False
    signing_keys: Sequence[str | Path] = ()
    keys: str | Path | None = None
    insecure_no_auth: bool = False
    trusted_hosts: Sequence[str] = ()
    max_wait: timedelta = MAX_WAIT
    max_call: timedelta = MAX_CALL
    long_polls: int = MOST
    long_polls_each: int = MOST_EACH
    calls_per_second: float = PER_SECOND
    burst: int = BURST
    old_go_sdk: bool = False
    environment: Mapping[str, str] = field(factory=lambda: dict(os.environ), repr=False)

    def access(self) -> Access:
        """
        Tell whose requests are answered.

        Errors:
            InvalidArgumentError: The key file is none.
        """
        if self.keys is not None:
            return KeyFile(Path(self.keys))
        return Open.ANYBODY if self.insecure_no_auth else Open.THIS_MACHINE

    def rates(self) -> Rates | None:
        """
        Tell how often a key may call; None for as often as it likes.

        Errors:
            InvalidArgumentError: Nobody could ever call.
        """
        if not 0 <= self.calls_per_second < float("inf"):
            raise InvalidArgumentError(
                f"option calls_per_second takes a number of 0 or more, got {self.calls_per_second!r}; 0 is for no bound"
            )
        if self.burst < 1:
            raise InvalidArgumentError(f"option burst takes a number of 1 or more, got {self.burst!r}")
        return Rates(self.calls_per_second, self.burst) if self.calls_per_second else None

    def worker_urls(self) -> WorkerUrls:
        """
        Tell which workers may be called.

        Errors:
            InvalidArgumentError: An entry could never allow anything, or is misspelt; or a signing key is of no entry.
        """
        keys: dict[str, SigningKey] = {}
        for path in self.signing_keys:
            keys |= {kept.worker: kept.key for kept in read_kept_keys(Path(path))}
        allowed = [AllowedWorker(pattern=one) if isinstance(one, str) else one for one in self.allowed_workers]
        # A key that signs nothing is a slip: its worker would refuse every call.
        if unused := sorted(set(keys) - {entry.pattern for entry in allowed}):
            raise InvalidArgumentError(
                f"there is a signing key for {unused[0]!r}, which is not on the list of workers; allow it in the same words"
            )
        entries = [evolve(one, signing_key=keys.get(one.pattern, one.signing_key)) for one in allowed]
        return WorkerUrls(entries, allows_public=self.allows_public_workers)


class Server:
    """
    An engine that serves over HTTP; a context manager.

        with Server("sqlite:///iwf.db", ServerOptions(allowed_workers=["http://localhost:8802"])) as server:
            serve(server.app)

    It calls workers where the runs name them, and has no workflows of its own. Nothing is opened before `start`, which the
    with block calls.

    Args:
        url: Of the database, as `Embedded` takes it.

        options: How it serves.

        clock: Where the time is read.

        make_alarm: Makes the alarm clock that follows *clock*; to be given together with it.

        calendar: Tells the ticks of cron schedules.

        observers: Told of every event, after its commit.

        grace_seconds: What calls of workers get to end in, when it is closed; they are made again after the next start.

    Attributes:
        app: For a WSGI server of one process with threads, of which a long poll holds one; from the start on.
    """

    app: App

    def __init__(
        self,
        url: str,
        options: ServerOptions | None = None,
        *,
        clock: Clock | None = None,
        make_alarm: Callable[[Callable[[], None]], Alarm] = ApschedulerAlarm,
        calendar: Calendar | None = None,
        observers: Sequence[Observer] = (),
        grace_seconds: float = 5.0,
    ) -> None:
        self.url = url
        self.options = options or ServerOptions()
        self._clock = clock or SystemClock()
        self._make_alarm = make_alarm
        self._calendar = calendar or CronCalendar()
        self._observers = tuple(observers)
        self._grace_seconds = grace_seconds
        self._lock = threading.Lock()
        self._opened = ExitStack()
        self._polls = LongPolls(self.options.long_polls, self.options.long_polls_each)
        self._is_draining = False

    def start(self) -> None:
        """
        Open the database, take up what was left there, and serve.

        Errors:
            InvalidArgumentError: An option is wrong.

            StoreError: The database cannot be used, or another engine owns it; nothing is left open.
        """
        access, urls, rates = self.options.access(), self.options.worker_urls(), self.options.rates()
        with self._lock:
            try:
                self._open(access, urls, rates)
            except BaseException:
                self._opened.close()
                raise

    def drain(self) -> None:
        """Have nobody wait any longer: long polls are told to ask again, and the health check that another one is to be asked."""
        self._is_draining = True
        self._polls.close()

    def close(self) -> None:
        """
        Stop serving and give the database up; safe to call twice.

        Calls of workers that do not end within the grace are made again after the next start.
        """
        self.drain()
        with self._lock:
            self._opened.close()

    def __enter__(self) -> Server:
        """Start."""
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Close."""
        self.close()

    def _open(self, access: Access, urls: WorkerUrls, rates: Rates | None) -> None:
        """Open one part after the other; each is closed in reverse order."""
        threads = Threads()
        self._opened.callback(threads.close)
        performer = PushPerformer(urls, most=self.options.max_call, now=lambda: self._clock.now().timestamp())
        self._opened.callback(performer.close)
        engine = Engine(
            SqlStore(self.url),
            clock=self._clock,
            calendar=self._calendar,
            ids=RandomIds(),
            executor=threads,
            # What workers answer is turned where it comes in: two threads would hand each answer over to each other.
            combiner=performer.executor,
            limits=Limits(batches=_BATCHES),
            make_alarm=self._make_alarm,
            observers=self._observers,
        )
        self._opened.callback(engine.stop)
        engine.start()
        worker = Worker(engine.tasks, performer, limit=LIMIT, executor=performer.executor)
        self._opened.callback(worker.stop, self._grace_seconds)
        worker.start()
        self.app = make_app(
            engine.service,
            clock=self._clock,
            check_url=check_of(urls, self.options.environment),
            polls=self._polls,
            access=access,
            hosts=self.options.trusted_hosts,
            rates=rates,
            max_wait=self.options.max_wait,
            old_go_sdk=self.options.old_go_sdk,
            is_ready=lambda: engine.is_ready and not self._is_draining,
        )


def create_app(url: str, options: ServerOptions | None = None) -> App:
    """
    Make a server's application, for a WSGI server of one's own: one process, with threads.

        gunicorn --workers 1 --threads 64 'myserver:create_app("sqlite:///iwf.db", OPTIONS)'

    Its engine starts here, so it is to be called in the process that serves, and ends with that process.

    Errors:
        InvalidArgumentError: An option is wrong.

        StoreError: The database cannot be used, or another engine owns it.
    """
    server = Server(url, options)
    server.start()
    atexit.register(server.close)
    return server.app


def check_of(urls: WorkerUrls, environment: Mapping[str, str]) -> UrlCheck:
    """Make what looks at the worker URL of each start: as the environment rewrites it, and then by the list."""

    def check(worker_url: str) -> str:
        url = rewritten(worker_url, environment)
        refused = urls.check(url)
        if refused is not None:
            raise refused
        return url

    return check
