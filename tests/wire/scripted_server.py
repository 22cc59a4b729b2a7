"""A server that answers as the test says, and remembers what it was asked."""

import json
import threading
from collections import defaultdict, deque
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from iwf_py.wire.marks import HEADER


class Held:
    """An answer that comes when the test lets it: until then the connection is open and nothing is said."""

    def __init__(self, status=200, body=b"{}"):
        self.status = status
        self.body = body
        self.release = threading.Event()


class Http(ThreadingHTTPServer):
    daemon_threads = True
    # As many as a test opens at once.
    request_queue_size = 256


class ScriptedServer:
    """
    Answers each path with what stands next in its script; the last goes on for ever.

    An entry is a status, a JSON value or bytes, and headers if it has any; a `Held`; or None for hanging up without an answer.
    """

    def __init__(self, mark=None):
        self.mark = mark
        self.script = defaultdict(deque)
        self.requests = []
        self.changed = threading.Condition()
        self.connections = 0
        self.gone = 0
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True
            timeout = 30

            def setup(self):
                super().setup()
                with server.changed:
                    server.connections += 1

            def log_message(self, *args):
                pass

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                with server.changed:
                    server.requests.append((self.path, json.loads(body), dict(self.headers)))
                    entries = server.script[self.path]
                    entry = (
                        entries.popleft()
                        if len(entries) > 1
                        else entries[0]
                        if entries
                        else (404, b"404 page not found")
                    )
                    server.changed.notify_all()
                if entry is None:
                    self.close_connection = True
                    return
                if isinstance(entry, Held):
                    entry.release.wait(30)
                    entry = entry.status, entry.body
                status, value, headers = (*entry, {})[:3]
                told = value if isinstance(value, bytes) else json.dumps(value).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(told)))
                for name, text in headers.items():
                    self.send_header(name, text)
                if server.mark:
                    self.send_header(HEADER, server.mark)
                self.end_headers()
                try:
                    self.wfile.write(told)
                except OSError:
                    self.close_connection = True

        self._http = Http(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.01,))
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._http.server_address[1]}"

    def answer(self, route, *entries):
        """Say what a route answers, in turn."""
        self.answer_path(route.path, *entries)

    def answer_path(self, path, *entries):
        """Say what is answered at a path."""
        self.script[path] = deque(entries)

    def bodies(self, route):
        """What a route was asked, so far."""
        with self.changed:
            return [body for path, body, _ in self.requests if path == route.path]

    def wait_for(self, route, count):
        """Wait until a route was asked so often."""
        with self.changed:
            assert self.changed.wait_for(
                lambda: sum(path == route.path for path, _, _ in self.requests) >= count, 10
            ), f"{len(self.requests)} requests came"

    def close(self):
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()
