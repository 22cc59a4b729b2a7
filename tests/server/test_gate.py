"""Who is answered: hosts, web pages, keys and roles, on every route and beside them."""

from datetime import UTC, datetime, timedelta

import pytest

from iwf_py.server.actions import ROLES, Role
from iwf_py.server.gate import ANY_ADDRESS, Open
from iwf_py.server.keys import Keys, make_key
from iwf_py.server.rates import Rates
from iwf_py.wire.routes import CLIENT_ROUTES, HEALTH

NOW = datetime.now(UTC)
KEYS = {role: make_key(role.value, role, NOW) for role in Role}
OLD = make_key("old", Role.ADMIN, NOW - timedelta(days=2), timedelta(days=1))
# Every place, and spellings of each that some server or framework takes for the same.
PLACES = [
    (method, path)
    for route in CLIENT_ROUTES
    for method in ("GET", "POST", "HEAD", "OPTIONS", "PUT", "DELETE", "PATCH", "get")
    for path in (
        route.path,
        route.path + "/",
        "/" + route.path,
        route.path.upper(),
        route.path + "%2e",
        "/x/.." + route.path,
        route.path + ";/info/healthcheck",
        route.path + "/info/healthcheck",
        "/info/healthcheck/.." + route.path,
    )
]
BESIDE = ["/favicon.ico", "/health", "/ready", "/info", "/info/healthcheckx", "/api", "/static/a", "//info/healthcheck"]


@pytest.fixture
def keyed(make_host):
    return make_host(access=Keys([key for _, key in KEYS.values()] + [OLD[1]]))


def bearing(text):
    return {"Authorization": f"Bearer {text}"}


def test_nothing_but_the_health_check_is_open(keyed):
    """
    By its method and path exactly: every other place asks for a key, whether there is something or not.
    """
    places = [*PLACES, *((method, path) for path in BESIDE for method in ("GET", "POST"))]
    answered = {place: keyed.send(*place).status for place in places}

    assert {place for place, status in answered.items() if status != 401} == {(HEALTH.method, HEALTH.path)}


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Bearer",
        "Bearer ",
        "Bearer iwf_",
        f"Bearer {KEYS[Role.ADMIN][0][:-1]}",
        f"Bearer {KEYS[Role.ADMIN][0]}x",
        f"Bearer iwf_000000000000_{KEYS[Role.ADMIN][0][17:]}",
        f"Basic {KEYS[Role.ADMIN][0]}",
        f"Bearer {KEYS[Role.ADMIN][1].digest}",
        f"Bearer {OLD[0]}",
        "Bearer \xe9",
    ],
    ids=["nothing", "no-key", "blank", "prefix", "cut", "longer", "other-id", "basic", "digest", "old", "not-ascii"],
)
def test_all_wrong_keys_are_answered_alike(keyed, header):
    """
    Nobody learns whether a key was there, was wrong or has expired.
    """
    told = keyed.send("POST", "/api/v1/workflow/get", {"workflowId": "a"}, {"Authorization": header})
    without = keyed.send("POST", "/api/v1/workflow/get", {"workflowId": "a"})

    assert (told.status, told.text, told.headers["WWW-Authenticate"]) == (401, without.text, "Bearer")


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("route", CLIENT_ROUTES, ids=[route.name for route in CLIENT_ROUTES])
def test_a_key_opens_what_its_role_may(keyed, route, role):
    """
    Reading, writing, and what is an operator's; each role may what those before it may.
    """
    told = keyed.send(route.method, route.path, b"" if route.method == "POST" else None, bearing(KEYS[role][0]))
    needed = ROLES[route]

    assert (told.status == 403) == (needed is not None and not role.includes(needed))
    assert told.status != 401


def test_what_changes_the_past_or_the_engine_is_an_operators():
    """
    And reading changes nothing.
    """
    by_role = {role: {route.name for route, needed in ROLES.items() if needed is role} for role in Role}

    assert by_role[Role.ADMIN] == {"reset", "update_config", "continue_as_new", "dump"}
    assert by_role[Role.READ] == {route.name for route in CLIENT_ROUTES if route.is_read} - {"health", "dump"}


@pytest.mark.parametrize(
    "host_name", ["evil.example", "localhost.evil.example", "", "a b", "127.0.0.1:80:80", "10.1.2.3", "[::2]"]
)
def test_a_name_that_is_not_ours_is_refused(host, host_name):
    """
    A page could have made its own name lead to loopback.
    """
    told = host.send("GET", "/info/healthcheck", headers={"Host": host_name})

    assert told.status == 400
    assert "--trusted-host" in told.body["detail"]


@pytest.mark.parametrize("host_name", ["localhost", "LOCALHOST:8801", "127.0.0.1:1", "[::1]:8801", "iwf.internal:8801"])
def test_our_names_are_taken(make_host, host_name):
    """
    Those of loopback, and those that the operator named; with any port.
    """
    host = make_host(hosts=["iwf.internal"])

    assert host.send("GET", "/", headers={"Host": host_name}).status == 200


def test_a_server_on_every_address_takes_addresses_for_its_name(make_host):
    """
    But no name that was not given.
    """
    host = make_host(hosts=[ANY_ADDRESS])

    statuses = [host.send("GET", "/", headers={"Host": name}).status for name in ("10.1.2.3:8801", "[fd00::1]", "evil")]
    assert statuses == [200, 200, 400]


JSON = {"Content-Type": "application/json"}


@pytest.mark.parametrize(
    ("headers", "is_refused"),
    [
        ({}, False),
        ({"Content-Type": "text/plain"}, False),
        ({**JSON, "Sec-Fetch-Site": "same-origin", "Origin": "http://localhost"}, False),
        ({**JSON, "Sec-Fetch-Site": "none"}, False),
        ({**JSON, "Sec-Fetch-Site": "cross-site"}, True),
        ({**JSON, "Sec-Fetch-Site": "same-site"}, True),
        ({**JSON, "Origin": "http://evil.example"}, True),
        ({**JSON, "Origin": "http://localhost:81"}, True),
        ({**JSON, "Origin": "null"}, True),
        ({"Content-Type": "text/plain", "Origin": "http://localhost"}, True),
        ({"Content-Type": "application/x-www-form-urlencoded", "Sec-Fetch-Site": "same-origin"}, True),
        ({"Content-Type": "multipart/form-data; boundary=x", "Origin": "http://localhost"}, True),
    ],
)
def test_pages_of_others_cannot_post(host, headers, is_refused):
    """
    A browser says where a request comes from; whoever is none need say nothing.
    """
    told = host.send("POST", "/api/v1/workflow/get", {"workflowId": "a"}, headers)

    assert told.status == (403 if is_refused else 400)
    assert "Access-Control-Allow-Origin" not in told.headers


@pytest.mark.parametrize("path", ["/", "/info/healthcheck", "/api/v1/workflow/get", "/nothing"])
def test_every_answer_tells_browsers_to_make_nothing_of_it(make_host, path):
    """
    Refusals too.
    """
    for headers in ({}, {"Host": "evil"}):
        told = make_host().send("GET", path, headers=headers).headers

        assert told["Content-Security-Policy"].startswith("default-src 'none'")
        assert told["X-Content-Type-Options"] == "nosniff"
        assert told["X-Frame-Options"] == "DENY"
        assert told["Referrer-Policy"] == "no-referrer"
        assert told["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    ("environ", "status"),
    [
        ({"REMOTE_ADDR": "127.0.0.1"}, 200),
        ({"REMOTE_ADDR": "::1"}, 200),
        ({"REMOTE_ADDR": "10.0.0.1"}, 403),
        ({"REMOTE_ADDR": ""}, 403),
        ({"REMOTE_ADDR": "127.0.0.1", "HTTP_X_FORWARDED_FOR": "127.0.0.1"}, 403),
        ({"REMOTE_ADDR": "127.0.0.1", "HTTP_FORWARDED": "for=1.2.3.4"}, 403),
    ],
)
def test_without_keys_only_this_machine_is_answered(make_host, environ, status):
    """
    Whatever server the application runs in, and without whoever a proxy on this machine passes on; unless it is said otherwise.
    """
    for access, wanted in ((Open.THIS_MACHINE, status), (Open.ANYBODY, 200)):
        with make_host(access=access).app.test_client() as client:
            assert client.get("/", environ_overrides=environ).status_code == wanted


def test_what_is_registered_later_is_behind_the_gate(keyed):
    """
    An application may be given more pages: none of them is open.
    """
    keyed.app.add_url_rule("/console", view_func=lambda: "console")

    assert keyed.send("GET", "/console").status == 401
    assert keyed.send("GET", "/console", headers=bearing(KEYS[Role.READ][0])).text == "console"


def test_a_key_that_calls_too_often_is_refused_before_anything_is_done(make_host):
    """
    With the time to wait; the calls of other keys, the health check, and its own a little later are answered.
    """
    time = [0.0]
    rates = Rates(10, 2, monotonic=lambda: time[0])
    host = make_host(access=Keys([key for _, key in KEYS.values()]), rates=rates)
    start = {"workflowId": "w", "iwfWorkflowType": "F", "workflowTimeoutSeconds": 0, "iwfWorkerUrl": ""}
    writing, reading = bearing(KEYS[Role.WRITE][0]), bearing(KEYS[Role.READ][0])

    def post(name, body, headers):
        return host.send("POST", f"/api/v1/workflow/{name}", body, headers)

    first = [post("get", {"workflowId": "w"}, writing).status for _ in range(2)]
    refused = post("start", start, writing)
    other = post("get", {"workflowId": "w"}, reading)
    health = host.send("GET", "/info/healthcheck", headers=writing).status
    time[0] = 0.1
    later = [post("start", start, writing).status, post("signal", {}, writing).status]

    assert first == [400, 400]
    assert (refused.status, refused.headers["Retry-After"]) == (429, "1")
    assert refused.body == {
        "detail": "this key may make 10 calls a second, and has made more; nothing was done, try again later",
        "subStatus": "UNCATEGORIZED_SUB_STATUS",
    }
    assert other.body["subStatus"] == "WORKFLOW_NOT_EXISTS_SUB_STATUS"
    assert health == 200
    assert later == [200, 429]


def test_without_keys_nobody_is_counted(make_host):
    """
    All of one machine have one address.
    """
    host = make_host(rates=Rates(1, 1, monotonic=lambda: 0.0))

    assert {host.send("GET", "/").status for _ in range(5)} == {200}
