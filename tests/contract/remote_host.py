"""Client, server and worker in a process each, over HTTP: the protocol's hosts under the contract.

The server and the worker are told by a pipe what no client can ask: to begin anew, to settle, to end and begin again on what
is stored, to audit, to read notes.
"""

from __future__ import annotations

import socket
import threading
from contextlib import closing
from multiprocessing import get_context
from pathlib import Path

from werkzeug.serving import WSGIRequestHandler, make_server

from iwf_py.client.client import Client
from iwf_py.client.client_options import ClientOptions
from iwf_py.errors import UnsupportedByServerError
from iwf_py.runtime.engine import Engine
from iwf_py.runtime.threads import RandomIds, SystemClock, Threads
from iwf_py.scheduling.alarm import ApschedulerAlarm
from iwf_py.scheduling.cron import CronCalendar
from iwf_py.server.factory import make_app
from iwf_py.serving import check_of
from iwf_py.store.database import SqlStore
from iwf_py.testing.contract import suite
from iwf_py.testing.contract.host import ContractHost
from iwf_py.testing.contract.notes import Notebook, forget_notes, notes, read_from
from iwf_py.wire.push import LIMIT, PushPerformer
from iwf_py.wire.worker_urls import WorkerUrls
from iwf_py.worker.loop import Worker
from iwf_py.working import worker_app
from tests.contract.sqlite_host import LIMITS, Idle, problems_of

SPAWN = get_context("spawn")
PATIENCE = 60


class Quiet(WSGIRequestHandler):
    def log_request(self, *args):
        pass


class Serving:
    """A WSGI server on a free port of this machine."""

    def __init__(self, app):
        self._listener = socket.create_server(("127.0.0.1", 0))
        port = self._listener.getsockname()[1]
        self._http = make_server(
            "127.0.0.1", port, app, threaded=True, request_handler=Quiet, fd=self._listener.fileno()
        )
        self._http.daemon_threads = True
        self._thread = threading.Thread(target=self._http.serve_forever)
        self._thread.start()
        self.url = f"http://127.0.0.1:{port}"

    def close(self):
        self._http.shutdown()
        self._thread.join()
        self._http.server_close()
        self._listener.close()


class Engines:
    """In the server's process: one engine after the other behind one application."""

    def __init__(self):
        self.urls = WorkerUrls(["http://127.0.0.1:*"])
        self.threads = Threads()
        self._app = None

    def __call__(self, environ, start_response):
        return self._app(environ, start_response)

    def begin(self, url):
        """Begin on a database; whatever was before has ended."""
        self._idle = Idle(self.threads)
        self._store = SqlStore(url)
        self._engine = Engine(
            self._store,
            clock=SystemClock(),
            calendar=CronCalendar(),
            ids=RandomIds(),
            executor=self._idle,
            make_alarm=ApschedulerAlarm,
            limits=LIMITS,
        )
        self._engine.start()
        self._idle.service = self._engine.tasks
        self._performer = PushPerformer(self.urls)
        self._worker = Worker(self._idle, self._performer, limit=LIMIT)
        self._worker.start()
        self._url = url
        self._app = make_app(self._engine.service, clock=SystemClock(), check_url=check_of(self.urls, {}))

    def end(self):
        """End what runs, if anything does."""
        if self._app is None:
            return
        self._app = None
        self._worker.stop(1)
        self._performer.close()
        self._engine.stop()

    def settle(self):
        """Wait until nothing is left to do now."""
        self._idle.wait()

    def restart(self):
        """End, and begin again on what is stored."""
        self.settle()
        self.end()
        self.begin(self._url)

    def problems(self):
        """Audit every run."""
        return list(problems_of(self._store))


def serve(pipe):
    """Be the server."""
    engines = Engines()
    with closing(Serving(engines)) as serving:
        pipe.send(serving.url)
        obey(pipe, engines)
    engines.end()
    engines.threads.close()


class Notes:
    def read(self, workflow_id):
        return notes(workflow_id)

    def forget(self):
        forget_notes()


def work(pipe):
    """Be the worker."""
    app = worker_app(suite.registry())
    with closing(Serving(app)) as serving:
        pipe.send(serving.url)
        obey(pipe, Notes())
    app.service.close()


def obey(pipe, who):
    """Do what comes by the pipe, until None comes, or whoever sends it is gone."""
    try:
        while (order := pipe.recv()) is not None:
            name, *arguments = order
            try:
                pipe.send((getattr(who, name)(*arguments), None))
            except Exception as error:  # told to whoever asked
                pipe.send((None, error))
    except EOFError:
        pass


class Process:
    """A process that obeys."""

    def __init__(self, target):
        self._pipe, theirs = SPAWN.Pipe()
        self._process = SPAWN.Process(target=target, args=(theirs,), daemon=True)
        self._process.start()
        theirs.close()
        self.url = self._receive()

    def tell(self, name, *arguments):
        self._pipe.send((name, *arguments))
        answer, error = self._receive()
        if error is not None:
            raise error
        return answer

    def _receive(self):
        assert self._pipe.poll(PATIENCE), "the process does not answer"
        return self._pipe.recv()

    def close(self):
        self._pipe.send(None)
        self._process.join(PATIENCE)
        assert self._process.exitcode == 0, self._process.exitcode
        self._pipe.close()


class Distant(Notebook):
    """The worker's notes."""

    def __init__(self, worker):
        self._worker = worker

    def read(self, workflow_id):
        return self._worker.tell("read", workflow_id)

    def forget(self):
        self._worker.tell("forget")


class Stopped:
    """In place of a clock that a test could move: there is none at the other end of a wire."""

    def now(self):
        raise UnsupportedByServerError("clock: telling a server's time", "a server over HTTP")


class RemoteHost(ContractHost):
    """A client of two processes; they go on from test to test, each with a database of its own."""

    clock = Stopped()

    def __init__(self, registry, server, worker, folder: Path):
        read_from(Distant(worker))
        super().__init__(registry)
        self._server = server
        self._worker = worker
        self._folder = folder

    def __enter__(self):
        self._server.tell("begin", f"sqlite:///{self._folder}/contract.db")
        # So that waits of the suite take more than one question.
        options = ClientOptions(
            self._server.url, self._worker.url, self.converter, long_poll_api_max_wait_time_seconds=1
        )
        self.client = Client(self.registry, options)
        self.service = self.client._calls.service
        return self

    def __exit__(self, *error):
        self.client.close()
        self._server.tell("end")
        read_from(None)

    def settle(self):
        self._server.tell("settle")

    def advance(self, duration):
        raise UnsupportedByServerError("clock: moving a server's clock", "a server over HTTP")

    def let_pass(self, seconds):
        pass

    def is_told(self, future):
        self.settle()
        try:
            future.exception(PATIENCE)
        except TimeoutError:
            return False
        return True

    def restart(self):
        self._server.tell("restart")

    def events(self, workflow_id, run_id=None):
        return self.service.history(self.address(workflow_id, run_id)).result(30)

    def problems(self):
        return self._server.tell("problems")
