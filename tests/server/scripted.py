"""A worker over HTTP that answers as its test says, on threads: an answer may be held back."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Scripted:
    """
    Listens on loopback from its making to `close`.

    `script(path, body)` is called on a thread of its own for each call; it gives status, content type and bytes, or None for
    no answer at all. `headers` are those of each call.
    """

    def __init__(self, script):
        worker = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                worker.headers.append(dict(self.headers))
                told = worker.script(self.path, body)
                if told is None:
                    self.close_connection = True
                    return
                status, content_type, answer = told
                try:
                    self.send_response(status)
                    self.send_header("Content-Type", content_type)
                    self.send_header("Content-Length", str(len(answer)))
                    self.end_headers()
                    self.wfile.write(answer)
                except OSError:
                    # The server has given the call up.
                    self.close_connection = True

            def log_message(self, *args):
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, request, client_address):
                # Whoever called has gone, or was killed.
                pass

        self.script = script
        self.headers = []
        self._server = Server(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def close(self):
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


def told(body, status=200, content_type="application/json"):
    return status, content_type, json.dumps(body).encode()


def close_with(output="1"):
    """Complete the workflow."""
    movement = {"stateId": "_SYS_GRACEFUL_COMPLETING_WORKFLOW", "stateInput": {"encoding": "json", "data": output}}
    return told({"stateDecision": {"nextStates": [movement]}})
