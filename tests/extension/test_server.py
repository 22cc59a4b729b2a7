"""The extension with a server over HTTP in place of a database: how it is configured is all that changes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask

from iwf_py import InvalidArgumentError, IwfPy
from iwf_py.wire import routes
from tests.extension.conftest import Shouting, shout
from tests.wire.scripted_server import ScriptedServer

RUN = {"workflowRunId": "00000000-0000-4000-8000-000000000001"}
LOUD = {"completedStateId": "Shout", "completedStateExecutionId": "Shout-1"}


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    server = ScriptedServer()
    server.answer(routes.START, (200, RUN))
    output = {**LOUD, "completedStateOutput": {"encoding": "json/plain", "data": '"HI"'}}
    server.answer(routes.GET_WITH_WAIT, (200, {**RUN, "workflowStatus": "COMPLETED", "results": [output]}))
    yield server
    server.close()


def test_the_client_is_the_servers(app: Flask, iwf: IwfPy, server: ScriptedServer, database: Path):
    """
    The same calls go to the server, with the worker's URL, and no database is opened.
    """
    app.config.update(IWF_SERVER_URL=server.url, IWF_WORKER_URL="http://localhost:9902")
    iwf.start()

    with app.test_request_context():
        app.preprocess_request()
        assert shout(iwf.client, "hi") == "HI"
        assert shout(app.extensions["iwf_py"], "hi") == "HI"
    iwf.stop()

    assert [body["iwfWorkerUrl"] for body in server.bodies(routes.START)] == ["http://localhost:9902"] * 2
    assert not database.exists()


def test_the_worker_is_on_this_machine_unless_it_is_said(app: Flask, iwf: IwfPy, server: ScriptedServer):
    """
    As for any client.
    """
    app.config["IWF_SERVER_URL"] = server.url

    iwf.client.start_workflow(Shouting, "hi", 60, "hi")

    assert server.bodies(routes.START)[0]["iwfWorkerUrl"] == "http://localhost:8802"


def test_a_stopped_one_connects_again(app: Flask, iwf: IwfPy, server: ScriptedServer):
    """
    As an engine that was stopped starts with the next use.
    """
    app.config["IWF_SERVER_URL"] = server.url
    iwf.client.start_workflow(Shouting, "hi", 60, "hi")

    iwf.stop()
    iwf.client.start_workflow(Shouting, "hi", 60, "hi")

    assert len(server.bodies(routes.START)) == 2


def test_a_url_that_is_none_is_told(app: Flask, iwf: IwfPy):
    """
    When the client is made.
    """
    app.config["IWF_SERVER_URL"] = "localhost:8801"

    with pytest.raises(InvalidArgumentError, match="server_url takes a URL"):
        iwf.start()
