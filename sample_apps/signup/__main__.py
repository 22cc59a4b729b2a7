"""Serve signup: ``python -m sample_apps.signup --port 8000 --database sqlite:///signup.db``."""

from __future__ import annotations

import argparse
import errno
import logging
import math
import os
import signal
import socket
import sys
import threading
from types import FrameType

from werkzeug.serving import WSGIRequestHandler, make_server

from iwf_py import IwfError
from sample_apps.signup.app import create_app
from sample_apps.signup.mail import Letters, MailSettingsError, post_from_environment

HOST = "127.0.0.1"

log = logging.getLogger("sample_apps.signup")


class QuietHandler(WSGIRequestHandler):
    """Logs method, path and status: the query has names and addresses in it."""

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        log.debug("%s %s %s", self.command, self.path.partition("?")[0], code)


def read_arguments(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m sample_apps.signup", description="Serve the signup sample.")
    parser.add_argument("--port", type=_port, default=8000, help="on 127.0.0.1; 0 for any free one (default 8000)")
    parser.add_argument("--database", default="sqlite:///signup.db", help="default sqlite:///signup.db")
    parser.add_argument("--reminder-seconds", type=_seconds, default=10.0, help="between reminders (default 10)")
    return parser.parse_args(arguments)


def main(arguments: list[str]) -> int:
    options = read_arguments(arguments)
    try:
        post = post_from_environment(os.environ)
        listener = socket.create_server((HOST, options.port))
    except MailSettingsError as error:
        return _fail(str(error))
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            raise
        return _fail(f"port {options.port} on {HOST} is taken; end what uses it, or pass another --port (0: any free)")
    with listener:
        url = f"http://{HOST}:{listener.getsockname()[1]}"
        app = create_app(options.database, letters=Letters(post, url), reminder_seconds=options.reminder_seconds)
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
            return _fail(str(error))
        try:
            server = make_server(
                HOST, options.port, app, threaded=True, request_handler=QuietHandler, fd=listener.fileno()
            )
            serving = threading.Thread(target=server.serve_forever, name="signup-http")
            serving.start()
            _welcome(url, options)
            os.read(stopped, 1)
            server.shutdown()
            serving.join()
            server.server_close()
        finally:
            engine.stop()
    return 0


def _welcome(url: str, options: argparse.Namespace) -> None:
    print(
        f"signup is ready on {url} (database {options.database}, a reminder every {options.reminder_seconds:g} s;"
        " Ctrl-C stops it). Try:\n"
        f"  curl '{url}/signup/submit?username=alice&email=alice@example.com'\n"
        f"  curl '{url}/signup/verify?username=alice&source=email'",
        flush=True,
    )


def _fail(sentence: str) -> int:
    print(f"signup: {sentence}", file=sys.stderr, flush=True)
    return 1


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"a port is a number from 0 to 65535, got {text!r}")
    return int(text)


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0 < seconds < math.inf:
        raise argparse.ArgumentTypeError(f"it is a number of seconds above 0, got {text!r}")
    return seconds


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
