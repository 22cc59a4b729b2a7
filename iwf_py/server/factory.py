"""The Flask application of a server: handed a `WorkflowService`, it knows no engine."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterable
from datetime import timedelta

from flask import Flask, Response
from werkzeug.exceptions import HTTPException

from iwf_py.errors import ClientSideError
from iwf_py.ports import Clock, WorkflowService
from iwf_py.server.actions import ROLES
from iwf_py.server.calls import Calls, UrlCheck
from iwf_py.server.gate import Access, Gate, Open
from iwf_py.server.long_polls import LongPolls
from iwf_py.server.older_sdks import as_it_is, for_old_go
from iwf_py.server.rates import Rates
from iwf_py.server.workflow_api import MAX_BODY, WorkflowApi
from iwf_py.wire.decoding import encode
from iwf_py.wire.faults import NO_SUCH_PAGE, fault_of
from iwf_py.wire.options import MAX_WAIT

# What a server's application is, for those who only pass it on.
App = Flask


def make_app(
    service: WorkflowService,
    *,
    clock: Clock,
    check_url: UrlCheck,
    polls: LongPolls | None = None,
    access: Access = Open.THIS_MACHINE,
    hosts: Iterable[str] = (),
    rates: Rates | None = None,
    max_wait: timedelta = MAX_WAIT,
    is_ready: Callable[[], bool] = lambda: True,
    old_go_sdk: bool = False,
) -> App:
    """
    Make the application.

    Args:
        service: Whom the calls of clients are passed on to.

        clock: For times that a client means from now.

        check_url: Says which workers may be called.

        polls: Where long polls wait; to be closed before the server ends.

        access: Whose requests are answered.

        hosts: Names by which the server is called, beside those of loopback.

        rates: How often a key may call; None for as often as it likes.

        max_wait: Of long polls and RPCs, where they name no time or a longer one.

        is_ready: For the health check.

        old_go_sdk: Clients that use the SDK for Go are of a version up to 1.6.
    """
    app = Flask("iwf_py.server", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY
    # A path is one place, however else it could be spelt.
    app.url_map.merge_slashes = False
    app.register_error_handler(HTTPException, _nowhere)
    calls = Calls(
        service,
        clock=clock,
        check_url=check_url,
        polls=LongPolls() if polls is None else polls,
        max_wait=max_wait,
    )
    roles = {(route.method, route.path): role for route, role in ROLES.items()}
    words = for_old_go if old_go_sdk else as_it_is
    api = WorkflowApi(app.wsgi_app, calls, hostname=socket.gethostname(), is_ready=is_ready, words=words)
    # Flask's own way to put something around an application: the gate is around whatever is registered later, too.
    app.wsgi_app = Gate(api, access=access, hosts=hosts, roles=roles, rates=rates)  # type: ignore[method-assign]  # as it says
    return app


def _nowhere(error: HTTPException) -> Response:
    """Tell that there is nothing, as the protocol does, by whatever method it was asked for."""
    if error.code in (404, 405):
        return Response(NO_SUCH_PAGE, status=404, content_type="text/plain")
    fault = fault_of(ClientSideError(error.name, status=error.code))
    return Response(encode(fault.body), status=fault.status, content_type="application/json")
