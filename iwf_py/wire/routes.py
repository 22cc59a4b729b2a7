"""Every route of the protocol, in one table.

Source:
    The iWF protocol's sections on routes and on the calls to workers.
"""

from __future__ import annotations

from attrs import frozen

from iwf_py.model.invocations import InvocationKind
from iwf_py.wire import protocol
from iwf_py.wire.shapes import Shape


@frozen(kw_only=True)
class Route:
    """
    One route.

    Attributes:
        name: What it does, as this package names it.

        method: GET or POST.

        path: Exact, from the root of the server or of the worker's URL.

        request: Of the body; None for a GET.

        answer: Of a 200's body; None where that is plain text.

        is_read: It changes nothing, so that it may be asked again when its answer was lost.

        is_long_poll: It is answered when something has happened, or with 420.
    """

    name: str
    path: str
    request: Shape | None
    answer: Shape | None
    method: str = "POST"
    is_read: bool = False
    is_long_poll: bool = False

    @property
    def may_be_retried(self) -> bool:
        """May a client ask again by itself? Not where it waits: its caller has said how long."""
        return self.is_read and not self.is_long_poll


_API = "/api/v1/workflow"

START = Route(name="start", path=f"{_API}/start", request=protocol.START_REQUEST, answer=protocol.RUN_RESPONSE)
SIGNAL = Route(name="signal", path=f"{_API}/signal", request=protocol.SIGNAL_REQUEST, answer=protocol.NOTHING)
PUBLISH = Route(
    name="publish",
    path=f"{_API}/publishToInternalChannel",
    request=protocol.PUBLISH_REQUEST,
    answer=protocol.NOTHING,
)
STOP = Route(name="stop", path=f"{_API}/stop", request=protocol.STOP_REQUEST, answer=protocol.NOTHING)
GET = Route(name="get", path=f"{_API}/get", request=protocol.GET_REQUEST, answer=protocol.GET_RESPONSE, is_read=True)
GET_WITH_WAIT = Route(
    name="get_with_wait",
    path=f"{_API}/getWithWait",
    request=protocol.GET_REQUEST,
    answer=protocol.GET_RESPONSE,
    is_read=True,
    is_long_poll=True,
)
SEARCH = Route(
    name="search",
    path=f"{_API}/search",
    request=protocol.SEARCH_REQUEST,
    answer=protocol.SEARCH_RESPONSE,
    is_read=True,
)
RESET = Route(name="reset", path=f"{_API}/reset", request=protocol.RESET_REQUEST, answer=protocol.RUN_RESPONSE)
RPC = Route(name="rpc", path=f"{_API}/rpc", request=protocol.RPC_REQUEST, answer=protocol.RPC_RESPONSE)
SKIP_TIMER = Route(
    name="skip_timer", path=f"{_API}/timer/skip", request=protocol.SKIP_TIMER_REQUEST, answer=protocol.NOTHING
)
GET_ATTRIBUTES = Route(
    name="get_attributes",
    path=f"{_API}/dataobjects/get",
    request=protocol.GET_ATTRIBUTES_REQUEST,
    answer=protocol.GET_ATTRIBUTES_RESPONSE,
    is_read=True,
)
SET_ATTRIBUTES = Route(
    name="set_attributes",
    path=f"{_API}/dataobjects/set",
    request=protocol.SET_ATTRIBUTES_REQUEST,
    answer=protocol.NOTHING,
)
GET_SEARCH_ATTRIBUTES = Route(
    name="get_search_attributes",
    path=f"{_API}/searchattributes/get",
    request=protocol.GET_SEARCH_ATTRIBUTES_REQUEST,
    answer=protocol.GET_SEARCH_ATTRIBUTES_RESPONSE,
    is_read=True,
)
SET_SEARCH_ATTRIBUTES = Route(
    name="set_search_attributes",
    path=f"{_API}/searchattributes/set",
    request=protocol.SET_SEARCH_ATTRIBUTES_REQUEST,
    answer=protocol.NOTHING,
)
WAIT_FOR_STATE = Route(
    name="wait_for_state",
    path=f"{_API}/waitForStateCompletion",
    request=protocol.STATE_WAIT_REQUEST,
    answer=protocol.STATE_WAIT_RESPONSE,
    is_read=True,
    is_long_poll=True,
)
UPDATE_CONFIG = Route(
    name="update_config",
    path=f"{_API}/config/update",
    request=protocol.UPDATE_CONFIG_REQUEST,
    answer=protocol.NOTHING,
)
CONTINUE_AS_NEW = Route(
    name="continue_as_new",
    path=f"{_API}/triggerContinueAsNew",
    request=protocol.CONTINUE_AS_NEW_REQUEST,
    answer=protocol.NOTHING,
)
DUMP = Route(
    name="dump",
    path=f"{_API}/internal/dump",
    request=protocol.DUMP_REQUEST,
    answer=protocol.DUMP_RESPONSE,
    is_read=True,
)
HEALTH = Route(
    name="health", method="GET", path="/info/healthcheck", request=None, answer=protocol.HEALTH, is_read=True
)
GREETING = Route(name="greeting", method="GET", path="/", request=None, answer=None, is_read=True)

CLIENT_ROUTES = (
    START,
    SIGNAL,
    PUBLISH,
    STOP,
    GET,
    GET_WITH_WAIT,
    SEARCH,
    RESET,
    RPC,
    SKIP_TIMER,
    GET_ATTRIBUTES,
    SET_ATTRIBUTES,
    GET_SEARCH_ATTRIBUTES,
    SET_SEARCH_ATTRIBUTES,
    WAIT_FOR_STATE,
    UPDATE_CONFIG,
    CONTINUE_AS_NEW,
    DUMP,
    HEALTH,
    GREETING,
)

WAIT_UNTIL = Route(
    name="wait_until",
    path="/api/v1/workflowState/start",
    request=protocol.WAIT_UNTIL_REQUEST,
    answer=protocol.WAIT_UNTIL_RESPONSE,
)
EXECUTE = Route(
    name="execute",
    path="/api/v1/workflowState/decide",
    request=protocol.EXECUTE_REQUEST,
    answer=protocol.EXECUTE_RESPONSE,
)
WORKER_RPC = Route(
    name="worker_rpc",
    path="/api/v1/workflowWorker/rpc",
    request=protocol.WORKER_RPC_REQUEST,
    answer=protocol.WORKER_RPC_RESPONSE,
)

# What a worker answers; the path is appended to its URL, whose own path is kept.
WORKER_ROUTES = {
    InvocationKind.WAIT_UNTIL: WAIT_UNTIL,
    InvocationKind.EXECUTE: EXECUTE,
    InvocationKind.RPC: WORKER_RPC,
}
