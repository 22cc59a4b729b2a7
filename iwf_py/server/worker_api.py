"""A worker's calls as routes of a Flask application that does other things as well."""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint, Response, request

from iwf_py.errors import ClientSideError
from iwf_py.model.invocations import InvocationKind
from iwf_py.server.worker_app import JSON_TYPE, KINDS, MAX_BODY, Worker, check_sender
from iwf_py.wire.decoding import encode
from iwf_py.wire.faults import fault_of


def worker_api(service: Worker) -> Blueprint:
    """Make the calls' routes for a Flask application that does other things as well: ``app.register_blueprint(...)``."""
    blueprint = Blueprint("iwf_worker", __name__)

    def answering(kind: InvocationKind) -> Callable[[], Response]:
        def answer() -> Response:
            # The application's own bound is for what browsers send.
            request.max_content_length = MAX_BODY
            try:
                check_sender(request.environ)
            except ClientSideError as error:
                return Response(encode(fault_of(error).body), error.status, mimetype=JSON_TYPE)
            status, body = service.answer(kind, request.get_data(), dict(request.headers))
            return Response(body, status, mimetype=JSON_TYPE)

        return answer

    for path, kind in KINDS.items():
        blueprint.add_url_rule(path, kind.value.lower(), answering(kind), methods=["POST"])
    return blueprint
