"""The server under test: engine, SQLite, calls of workers and application in this process; the clock is moved by hand."""

import json
from urllib.parse import unquote

from iwf_py.runtime.engine import Engine
from iwf_py.runtime.limits import Limits
from iwf_py.runtime.threads import RandomIds, Threads
from iwf_py.scheduling.cron import CronCalendar
from iwf_py.server.factory import make_app
from iwf_py.server.long_polls import LongPolls
from iwf_py.serving import check_of
from iwf_py.store.database import SqlStore
from iwf_py.testing import ManualClock
from iwf_py.wire.push import PushPerformer
from iwf_py.wire.worker_urls import WorkerUrls
from iwf_py.worker.loop import Worker
from tests.contract.sqlite_host import LIMITS, Idle

API = "/api/v1/workflow/"


class Told:
    """An answer: status, headers, and the body as JSON where it is some."""

    def __init__(self, response):
        self.status = response.status_code
        self.headers = response.headers
        self.text = response.get_data(as_text=True)
        is_json = response.content_type == "application/json"
        self.body = json.loads(self.text) if is_json else self.text

    def __repr__(self):
        return f"<{self.status} {self.text}>"


class ServedHost:
    """A context manager; nothing of it needs a port."""

    def __init__(
        self,
        url,
        *,
        allowed=("http://127.0.0.1:*",),
        environment=None,
        most_polls=50,
        most_polls_each=50,
        limits=LIMITS,
        **options,
    ):
        self.clock = ManualClock()
        self.polls = LongPolls(most_polls, most_polls_each)
        self._url = url
        self._limits: Limits = limits
        self._allowed = allowed
        self._environment = environment or {}
        self._options = options

    def __enter__(self):
        self._threads = Threads()
        self.idle = Idle(self._threads)
        self.engine = Engine(
            SqlStore(self._url),
            clock=self.clock,
            calendar=CronCalendar(),
            ids=RandomIds(),
            executor=self.idle,
            make_alarm=self.clock.alarm,
            limits=self._limits,
        )
        self.engine.start()
        self.idle.service = self.engine.tasks
        urls = WorkerUrls(self._allowed)
        self._performer = PushPerformer(urls)
        self._worker = Worker(self.idle, self._performer)
        self._worker.start()
        self.service = self.engine.service
        self.app = make_app(
            self.service,
            clock=self.clock,
            check_url=check_of(urls, self._environment),
            polls=self.polls,
            is_ready=lambda: self.engine.is_ready,
            **self._options,
        )
        return self

    def __exit__(self, *error):
        self.polls.close()
        self._worker.stop(0)
        self._performer.close()
        self.engine.stop()
        self._threads.close()

    def send(self, method, path, body=None, headers=None):
        """Send a request; *body* is bytes, or what is sent as JSON."""
        data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        with self.app.test_client() as client:
            # The path as it is, also where it looks like a host.
            place = {"PATH_INFO": unquote(path)}
            return Told(client.open("/", method=method, data=data, headers=headers, environ_overrides=place))

    def post(self, name, **body):
        """Post to a route of the API."""
        return self.send("POST", API + name, body)

    def start(self, workflow_id, worker_url="", **more):
        """Start a run, which must succeed; answers its id."""
        told = self.post(
            "start",
            workflowId=workflow_id,
            iwfWorkflowType="Flow",
            workflowTimeoutSeconds=0,
            iwfWorkerUrl=worker_url,
            **more,
        )
        assert told.status == 200, told
        return told.body["workflowRunId"]
