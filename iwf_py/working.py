"""A worker of its own: the workflows of a registry, behind the WSGI application that servers call."""

from __future__ import annotations

from iwf_py.authoring.registry import Registry
from iwf_py.server.worker_app import WorkerApp
from iwf_py.worker.service import WorkerOptions, WorkerService, default_worker_options


def worker_app(registry: Registry, options: WorkerOptions = default_worker_options) -> WorkerApp:
    """
    Make the WSGI application of a worker, for any server of the iWF protocol to call.

        app = worker_app(Registry(UserSignupWorkflow()))

    Any WSGI server serves it, such as ``granian --interface wsgi worker:app --port 8802``.
    """
    return WorkerApp(WorkerService(registry, options))
