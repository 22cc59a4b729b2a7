"""Serving a sample: one process on 127.0.0.1, its engine started first and stopped last.

With ``--server-url`` in place of ``--database`` the engine is that of a server of the iWF protocol, wherever it is, and the
process answers the server's calls of its workflows as well, at the port of the worker URL.

Each sample's ``__main__`` names its options and its application; what they share is here.
"""

from __future__ import annotations

import argparse
import errno
import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from flask import Flask
from werkzeug.serving import WSGIRequestHandler, make_server

from iwf_py import IwfError, Registry, WorkerApp, WorkerOptions, WorkerService, read_signing_keys

if TYPE_CHECKING:
    from wsgiref.types import WSGIApplication

HOST = "127.0.0.1"
LOOPBACK = ("localhost", HOST)

log = logging.getLogger("sample_apps")


class QuietHandler(WSGIRequestHandler):
    """Logs method, path and status: the query has names and addresses in it."""

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        log.debug("%s %s %s", self.command, self.path.partition("?")[0], code)


def parser_of(name: str) -> argparse.ArgumentParser:
    """Make the parser of the options that all samples have."""
    parser = argparse.ArgumentParser(prog=f"python -m sample_apps.{name}", description=f"Serve the {name} sample.")
    database = f"sqlite:///{name}.db"
    parser.add_argument("--port", type=port, default=8000, help="on 127.0.0.1; 0 for any free one (default 8000)")
    engine = parser.add_mutually_exclusive_group()
    engine.add_argument("--database", default=database, help=f"default {database}")
    engine.add_argument(
        "--server-url", type=http_url, help="of an iWF server in place of a database, such as http://localhost:8801"
    )
    parser.add_argument(
        "--worker-url",
        type=http_url,
        default="http://localhost:8802",
        help="where that server calls this process (default http://localhost:8802)",
    )
    parser.add_argument(
        "--signing-keys", metavar="FILE", help="take only calls that are signed with a key of it (see iwf signing-keys)"
    )
    return parser


def engine_of(options: argparse.Namespace) -> str:
    """Say what keeps the workflows."""
    if options.server_url:
        return f"server {options.server_url}, worker at {options.worker_url}"
    return f"database {options.database}"


def serve(
    name: str, options: argparse.Namespace, make_app: Callable[[str], Flask], welcome: Callable[[str], str]
) -> int:
    """
    Serve until SIGTERM or Ctrl-C; answers the process's exit code.

    Args:
        make_app: Makes the application, given the address that it will have.

        welcome: Says what is told once it is ready, given that address.
    """
    # Not an Event: a handler that sets it while this same thread is about to wait for it would wait for ever.
    stopped, stopping = os.pipe()

    def stop(number: int, frame: FrameType | None) -> None:
        os.write(stopping, b".")

    try:
        with _listening(HOST, options.port, "--port") as listener:
            url = f"http://{HOST}:{listener.getsockname()[1]}"
            app = make_app(url)
            if options.server_url:
                app.config.update(IWF_SERVER_URL=options.server_url, IWF_WORKER_URL=options.worker_url)
            engine = app.extensions["iwf_py"]
            signal.signal(signal.SIGTERM, stop)
            signal.signal(signal.SIGINT, stop)
            try:
                with _answering(options, engine.registry):
                    engine.start()
                    with _served(app, listener, f"{name}-http"):
                        print(welcome(url), flush=True)
                        os.read(stopped, 1)
            finally:
                engine.stop()
    except (PortTakenError, IwfError) as error:
        return fail(name, str(error))
    return 0


class PortTakenError(OSError):
    """Somebody else listens there."""


@contextmanager
def _answering(options: argparse.Namespace, registry: Registry) -> Iterator[None]:
    """Answer the calls of the server, if there is one, at the port of the worker URL."""
    if not options.server_url:
        yield
        return
    worker = urlsplit(options.worker_url)
    # Who names another host wants to be called from there.
    host = HOST if worker.hostname in LOOPBACK else "0.0.0.0"  # noqa: S104
    keys = read_signing_keys(options.signing_keys) if options.signing_keys else ()
    service = WorkerService(registry, WorkerOptions(signing_keys=keys))
    try:
        with (
            _listening(host, worker.port or 80, "--worker-url") as listener,
            _served(WorkerApp(service, prefix=worker.path), listener, "worker-http"),
        ):
            yield
    finally:
        service.close()


@contextmanager
def _listening(host: str, number: int, option: str) -> Iterator[socket.socket]:
    try:
        listener = socket.create_server((host, number))
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            raise
        raise PortTakenError(
            f"port {number} on {host} is taken; end what uses it, or pass another {option}"
            + (" (0: any free)" if option == "--port" else "")
        ) from None
    with listener:
        yield listener


@contextmanager
def _served(app: WSGIApplication, listener: socket.socket, thread: str) -> Iterator[None]:
    host, number = listener.getsockname()
    server = make_server(host, number, app, threaded=True, request_handler=QuietHandler, fd=listener.fileno())
    serving = threading.Thread(target=server.serve_forever, name=thread)
    serving.start()
    try:
        yield
    finally:
        server.shutdown()
        serving.join()
        server.server_close()


def fail(name: str, sentence: str) -> int:
    """Say on stderr why the sample cannot be served; answers the exit code."""
    print(f"{name}: {sentence}", file=sys.stderr, flush=True)
    return 1


def port(text: str) -> int:
    """Read an option that is a port."""
    if not text.isdecimal() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"a port is a number from 0 to 65535, got {text!r}")
    return int(text)


def http_url(text: str) -> str:
    """Read an option that is a URL."""
    try:
        parts = urlsplit(text)
        is_good = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_good = False
    if not is_good:
        raise argparse.ArgumentTypeError(f"it is a URL such as http://localhost:8801, got {text!r}")
    return text


def seconds(text: str) -> float:
    """Read an option that is a number of seconds above 0."""
    try:
        number = float(text)
    except ValueError:
        number = float("nan")
    if not 0 < number < float("inf"):
        raise argparse.ArgumentTypeError(f"it is a number of seconds above 0, got {text!r}")
    return number
