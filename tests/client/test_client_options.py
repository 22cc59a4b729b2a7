"""How a client is made is all that changes with where its server is."""

import asyncio
import gc
import ssl

import pytest

from iwf_py import AsyncClient, Client, ClientOptions, InvalidArgumentError, ObjectEncoder, UnregisteredClient
from iwf_py.authoring.registry import Registry
from iwf_py.errors import EngineStoppedError, ServerUnreachableError, UnsupportedByServerError
from iwf_py.wire import routes
from tests.client.doubles import Signup
from tests.wire.scripted_server import ScriptedServer

RUN = {"workflowRunId": "00000000-0000-4000-8000-000000000001"}


@pytest.fixture
def server():
    server = ScriptedServer()
    server.answer(routes.START, (200, RUN))
    server.answer(routes.GET, (200, {**RUN, "workflowStatus": "RUNNING"}))
    yield server
    server.close()


def test_the_local_default_is_iwfs():
    """
    A server at 8801, a worker at 8802, a minute for a call, ten seconds for a poll.
    """
    options = ClientOptions.local_default()

    assert options == ClientOptions("http://localhost:8801", "http://localhost:8802", None, 60, 10)
    assert Client(Registry())._calls.service.url == "http://localhost:8801"


def test_every_client_takes_the_options(server):
    """
    The blocking one, that for asyncio, and the one without classes send the same start.
    """
    options = ClientOptions(server.url, "http://localhost:8802", api_key="iwf_k", headers={"X-Team": "a"})
    client, bare = Client(Registry(Signup()), options), UnregisteredClient(options)

    async def start():
        aio = AsyncClient(Registry(Signup()), options)
        await aio.start_workflow(Signup, "w", 60)
        await aio.close()

    client.start_workflow(Signup, "w", 60)
    asyncio.run(start())
    bare.start_workflow("Signup", "w", "Submit", 60)
    client.close()
    bare.close()

    first, second, third = server.bodies(routes.START)
    assert first == second
    assert first == {
        "workflowId": "w",
        "iwfWorkflowType": "Signup",
        "workflowTimeoutSeconds": 60,
        "iwfWorkerUrl": "http://localhost:8802",
        "startStateId": "Submit",
        "stateOptions": first["stateOptions"],
    }
    assert third["startStateId"] == "Submit"
    for _, _, headers in server.requests:
        assert (headers["Authorization"], headers["X-Team"]) == ("Bearer iwf_k", "a")


def test_the_options_encoder_seals(server):
    """
    Values go through the encoder of the options; one that is handed to the client itself has precedence.
    """

    class Loud(type(ObjectEncoder.default)):
        def encode(self, value):
            payload = super().encode(value)
            return payload and type(payload)("loud", payload.data)

    options = ClientOptions(server.url, object_encoder=Loud())
    server.answer(routes.SIGNAL, (200, {}))

    for converter in (None, ObjectEncoder.default):
        client = UnregisteredClient(options, converter)
        client.signal_workflow("w", None, "c", 1)
        client.close()

    assert [body["signalValue"]["encoding"] for body in server.bodies(routes.SIGNAL)] == ["loud", "json/plain"]


def test_a_closed_client_says_so(server):
    """
    Closing twice is once, and a client of an engine in this process is not closed by it.
    """
    client = Client(Registry(Signup()), ClientOptions(server.url))
    client.describe_workflow("w")

    client.close()
    client.close()

    with pytest.raises(EngineStoppedError):
        client.describe_workflow("w")


def test_what_the_server_has_not_is_raised_to_the_caller(server):
    """
    By every client, with the name of the feature.
    """
    client = Client(Registry(Signup()), ClientOptions(server.url))

    described = client.describe_workflow("w")
    with pytest.raises(UnsupportedByServerError, match="more of a run than its status"):
        described.states  # noqa: B018
    with pytest.raises(UnsupportedByServerError, match="history"):
        client.get_history("w")
    with pytest.raises(UnsupportedByServerError, match="namespaces"):
        Client(Registry(Signup()), ClientOptions(server.url), namespace="shop").describe_workflow("w")
    client.close()


def test_an_unreachable_server_is_named():
    """
    Nobody listens: the error says who, and that nothing was sent.
    """
    server = ScriptedServer()
    server.close()
    client = Client(Registry(Signup()), ClientOptions(server.url, api_timeout=0.5))

    with pytest.raises(ServerUnreachableError, match=f"{server.url} did not answer.*nothing was sent"):
        client.start_workflow(Signup, "w", 60)
    client.close()


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"server_url": "localhost:8801"}, "server_url takes a URL"),
        ({"server_url": "ftp://localhost"}, "server_url takes a URL"),
        ({"server_url": "http://localhost:x"}, "server_url takes a URL"),
        ({"server_url": "http://localhost:8801/?a=b"}, "server_url takes a URL"),
        ({"server_url": None}, "server_url takes a URL"),
        ({"worker_url": "localhost:8802"}, "worker_url takes a URL"),
        ({"worker_url": ""}, "worker_url takes a URL"),
        ({"api_timeout": 0}, "api_timeout takes a number of seconds"),
        ({"api_timeout": "60"}, "api_timeout takes a number of seconds"),
        ({"long_poll_api_max_wait_time_seconds": -1}, "long_poll_api_max_wait_time_seconds takes a number"),
    ],
)
def test_options_that_cannot_be_used_are_told(options, problem):
    """
    When the client is made, with the name of the option.
    """
    with pytest.raises(InvalidArgumentError, match=problem):
        Client(Registry(), ClientOptions(**options))


def test_a_worker_url_is_the_servers_to_read():
    """
    Some servers fill in a port that only they know.
    """
    assert Client(Registry(), ClientOptions(worker_url="http://localhost:$PORT$"))


def test_secrets_are_not_shown():
    """
    Options may be logged.
    """
    options = ClientOptions(api_key="iwf_secret", headers={"X": "secret"}, tls=ssl.create_default_context())

    assert "secret" not in repr(options)
    del options
    gc.collect()
