"""IwfPy: the Flask extension.

It keeps one embedded engine per application and per process; or, where the configuration names a server of the iWF
protocol, a client of that. `init_app` opens nothing: the engine
starts with the first use of the client, with the first request, or by `start`. So commands such as
``flask routes`` and ``flask shell``, and the parent of the reloader, never take the database away
from the process that serves.
"""

from __future__ import annotations

import logging
import os
import threading
import time
import weakref
from pathlib import Path
from typing import Any

from flask import Flask, current_app, has_app_context
from werkzeug.serving import is_running_from_reloader

from iwf_py.authoring.registry import Registry
from iwf_py.authoring.workflow import ObjectWorkflow
from iwf_py.client.client import Client
from iwf_py.client.client_options import ClientOptions
from iwf_py.embedded import Embedded
from iwf_py.errors import InvalidArgumentError, IwfError

EXTENSION_KEY = "iwf_py"
DATABASE_KEY = "IWF_DATABASE"
SERVER_KEY = "IWF_SERVER_URL"
WORKER_KEY = "IWF_WORKER_URL"
RETRY_SECONDS = 5.0

log = logging.getLogger("iwf_py.extension")


class AppWorkflows:
    """
    The workflows of one application: what ``current_app.extensions["iwf_py"]`` holds.

    It has every method of the client, and opens the engine when one is first called.

    Attributes:
        registry: The workflows.
    """

    def __init__(self, app: Flask, registry: Registry, url: str | None) -> None:
        self._app = app
        self.registry = registry
        self._url = url
        self._lock = threading.Lock()
        self._engine: Embedded | None = None
        self._remote: Client | None = None
        self._asked_at: float | None = None
        _every.add(self)

    @property
    def client(self) -> Client:
        """
        The client; the engine is running when this returns, unless it is that of a server over HTTP.

        Errors:
            StoreInUseError: Another process serves this database.

            InvalidArgumentError: A URL of the configuration is none.
        """
        if self.is_remote:
            return self._remote or self._connect()
        engine = self._engine
        return engine.client if engine is not None and engine.is_running else self._open().client

    @property
    def is_remote(self) -> bool:
        """Does the configuration name a server over HTTP?"""
        return bool(self._app.config.get(SERVER_KEY))

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(f"{type(self).__name__!r} has no attribute {name!r}")
        return getattr(self.client, name)

    def start(self) -> None:
        """
        Start the engine now, so that what came due while nobody served goes on at once.

        In debug mode only the reloader's child starts it; any other process waits for the first use. A server over HTTP has
        its engine already.
        """
        if self.is_remote:
            self._connect()
            return
        # This process may only be there to start the one that serves.
        if self._app.debug and not is_running_from_reloader():
            log.info("debug mode: the engine starts with the first request or the first use of the client")
            return
        self._open()

    def stop(self) -> None:
        """Stop the engine and give the database back; the next use starts it again."""
        with self._lock:
            engine, self._engine = self._engine, None
            remote, self._remote = self._remote, None
        if engine is not None:
            engine.close()
        if remote is not None:
            remote.close()

    def serve(self) -> None:
        """Start the engine for a request; one that uses no workflow is served even when that fails."""
        if self.is_remote or (self._engine is not None and self._engine.is_running):
            return
        now = time.monotonic()
        if self._asked_at is not None and now - self._asked_at < RETRY_SECONDS:
            return
        self._asked_at = now
        try:
            self._open()
        except IwfError as error:
            log.error("workflows are not available: %s", error)

    def _connect(self) -> Client:
        with self._lock:
            if self._remote is None:
                options = ClientOptions.local_default()
                options.server_url = self._app.config[SERVER_KEY]
                options.worker_url = self._app.config.get(WORKER_KEY) or options.worker_url
                self._remote = Client(self.registry, options)
            return self._remote

    def _open(self) -> Embedded:
        with self._lock:
            if self._engine is None or not self._engine.is_running:
                engine = Embedded(self._database(), self.registry)
                engine.start()
                self._engine = engine
            return self._engine

    def _database(self) -> str:
        # Asked for at the last moment: an application may be configured after its extensions were tied to it.
        url: str | None = self._app.config.get(DATABASE_KEY) or self._url
        if url:
            return url
        folder = Path(self._app.instance_path)
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return f"sqlite:///{folder / 'iwf.db'}"

    def _begin_anew(self) -> None:
        """In a forked child: the engine is the parent's, and the lock may be held by a thread that is not here."""
        self._lock = threading.Lock()
        self._engine = None
        self._remote = None
        self._asked_at = None


class IwfPy:
    """
    Durable workflows for Flask applications.

    The database is ``app.config["IWF_DATABASE"]``, else *url*, else ``iwf.db`` in the instance folder. With
    ``app.config["IWF_SERVER_URL"]`` there is none: the client is that server's, and a `WorkerService` of the same workflows is
    to answer at ``app.config["IWF_WORKER_URL"]``.

    Args:
        app: The application, when there is one already; else call `init_app` for each.

        registry: The workflows; more can be added with `register` until the engine starts.

        url: Of the database, where the configuration names none.
    """

    def __init__(self, app: Flask | None = None, registry: Registry | None = None, *, url: str | None = None) -> None:
        self.registry = registry if registry is not None else Registry()
        self._url = url
        self._apps: list[AppWorkflows] = []
        if app is not None:
            self.init_app(app)

    def init_app(self, app: Flask) -> None:
        """
        Tie this extension to an application; nothing is opened.

        Errors:
            InvalidArgumentError: The application has the extension already.
        """
        if EXTENSION_KEY in app.extensions:
            raise InvalidArgumentError(
                f"application {app.name!r} has iwf_py already; add workflows with register() on the first IwfPy"
            )
        workflows = AppWorkflows(app, self.registry, self._url)
        app.extensions[EXTENSION_KEY] = workflows
        app.before_request(workflows.serve)
        self._apps.append(workflows)

    def register(self, *workflows: ObjectWorkflow) -> None:
        """
        Add workflows; before the engine starts.

        Errors:
            WorkflowDefinitionError: With every problem of the class.
        """
        self.registry.add_workflows(*workflows)

    @property
    def client(self) -> Client:
        """The current application's client, or outside of one that of the only application."""
        return self._workflows().client

    def start(self) -> None:
        """Start the engine of the current application, or of the only one."""
        self._workflows().start()

    def stop(self) -> None:
        """Stop the engine of the current application, or of the only one."""
        self._workflows().stop()

    def _workflows(self) -> AppWorkflows:
        if has_app_context():
            workflows: AppWorkflows | None = current_app.extensions.get(EXTENSION_KEY)
            if workflows is not None and workflows in self._apps:
                return workflows
            raise InvalidArgumentError(f"call init_app for application {current_app.name!r} first")
        if len(self._apps) == 1:
            return self._apps[0]
        raise InvalidArgumentError(
            "call init_app first" if not self._apps else "several applications: use this inside app.app_context()"
        )


_every: weakref.WeakSet[AppWorkflows] = weakref.WeakSet()


def _begin_every_anew() -> None:
    for workflows in list(_every):
        workflows._begin_anew()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_begin_every_anew)
