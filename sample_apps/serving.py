"""Serving a sample: one process on 127.0.0.1, its engine started first and stopped last.

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
from collections.abc import Callable
from types import FrameType

from flask import Flask
from werkzeug.serving import WSGIRequestHandler, make_server

from iwf_py import IwfError

HOST = "127.0.0.1"

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
    parser.add_argument("--database", default=database, help=f"default {database}")
    return parser


def serve(
    name: str, options: argparse.Namespace, make_app: Callable[[str], Flask], welcome: Callable[[str], str]
) -> int:
    """
    Serve until SIGTERM or Ctrl-C; answers the process's exit code.

    Args:
        make_app: Makes the application, given the address that it will have.

        welcome: Says what is told once it is ready, given that address.
    """
    try:
        listener = socket.create_server((HOST, options.port))
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            raise
        return fail(
            name, f"port {options.port} on {HOST} is taken; end what uses it, or pass another --port (0: any free)"
        )
    with listener:
        url = f"http://{HOST}:{listener.getsockname()[1]}"
        app = make_app(url)
        engine = app.extensions["iwf_py"]
        # Not an Event: a handler that sets it while this same thread is about to wait for it would wait for ever.
        stopped, stopping = os.pipe()

        def stop(number: int, frame: FrameType | None) -> None:
            os.write(stopping, b".")

        signal.signal(signal.SIGTERM, stop)
        signal.signal(signal.SIGINT, stop)
        try:
            engine.start()
        except IwfError as error:
            return fail(name, str(error))
        try:
            server = make_server(
                HOST, options.port, app, threaded=True, request_handler=QuietHandler, fd=listener.fileno()
            )
            serving = threading.Thread(target=server.serve_forever, name=f"{name}-http")
            serving.start()
            print(welcome(url), flush=True)
            os.read(stopped, 1)
            server.shutdown()
            serving.join()
            server.server_close()
        finally:
            engine.stop()
    return 0


def fail(name: str, sentence: str) -> int:
    """Say on stderr why the sample cannot be served; answers the exit code."""
    print(f"{name}: {sentence}", file=sys.stderr, flush=True)
    return 1


def port(text: str) -> int:
    """Read an option that is a port."""
    if not text.isdecimal() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"a port is a number from 0 to 65535, got {text!r}")
    return int(text)


def seconds(text: str) -> float:
    """Read an option that is a number of seconds above 0."""
    try:
        number = float(text)
    except ValueError:
        number = float("nan")
    if not 0 < number < float("inf"):
        raise argparse.ArgumentTypeError(f"it is a number of seconds above 0, got {text!r}")
    return number
