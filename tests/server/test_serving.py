"""A whole server in one process: made, closed, made again."""

import json
from datetime import UTC, datetime

import pytest
from attrs import evolve

from iwf_py.errors import InvalidArgumentError, StoreError, StoreInUseError
from iwf_py.serving import Server, ServerOptions, create_app
from iwf_py.wire.signing_keys import make_signing_key, write_kept_keys
from tests.server.scripted import close_with, told

NOON = datetime(2024, 5, 1, 12, tzinfo=UTC)
LOCAL = ServerOptions(allowed_workers=["http://127.0.0.1:*"])


def post(server, name, **body):
    with server.app.test_client() as client:
        answer = client.post(f"/api/v1/workflow/{name}", data=json.dumps(body))
        return answer.status_code, answer.get_json()


def start(server, worker_url, **options):
    more = {"iwfWorkerUrl": worker_url, "startStateId": "A", "stateOptions": {"skipWaitUntil": True, **options}}
    return post(server, "start", workflowId="w", iwfWorkflowType="F", workflowTimeoutSeconds=60, **more)


def test_a_server_runs_workflows_at_their_workers_and_goes_on_after_a_restart(tmp_path, make_worker):
    """
    Real time, real calls, a real file; the second one reads what the first one wrote.
    """
    worker = make_worker(lambda path, body: close_with('"done"'))
    url = f"sqlite:///{tmp_path / 'iwf.db'}"
    with Server(url, LOCAL) as server:
        status, _ = start(server, worker.url)
        first = post(server, "getWithWait", workflowId="w")
    with Server(url, LOCAL) as server:
        second = post(server, "get", workflowId="w", needsResults=True)

    assert status == 200
    assert first[1]["workflowStatus"] == "COMPLETED"
    assert second == first


def test_the_operator_says_that_the_sdk_for_go_is_old(tmp_path, make_worker):
    """
    Its clients are then told of a failed state by the name that they know.
    """
    worker = make_worker(lambda path, body: told({}, status=500))
    with Server(f"sqlite:///{tmp_path / 'iwf.db'}", evolve(LOCAL, old_go_sdk=True)) as server:
        start(server, worker.url, executeApiRetryPolicy={"maximumAttempts": 1})
        with server.app.test_client() as client:
            headers = {"User-Agent": ""}
            answer = client.post(
                "/api/v1/workflow/getWithWait", data=json.dumps({"workflowId": "w"}), headers=headers
            ).get_json()

    assert answer["errorType"] == "STATE_API_FAIL_MAX_OUT_RETRY_ERROR_TYPE"


def test_no_worker_may_be_called_that_nobody_named(tmp_path, make_worker):
    """
    The list is empty by default.
    """
    worker = make_worker(lambda path, body: close_with())
    with Server(f"sqlite:///{tmp_path / 'iwf.db'}") as server:
        status, answer = start(server, worker.url)

    assert status == 400
    assert "--allow-worker-url" in answer["detail"]


def test_workers_with_a_key_are_called_with_signatures_by_the_newest(tmp_path, make_worker):
    """
    The file names the entry of the list that it is for; a key of no entry is a slip, and told.
    """
    worker = make_worker(lambda path, body: close_with())
    made = [make_signing_key(worker.url, NOON) for _ in range(2)]
    write_kept_keys(tmp_path / "signing.json", made)
    options = ServerOptions(allowed_workers=[worker.url], signing_keys=[tmp_path / "signing.json"])
    with Server(f"sqlite:///{tmp_path / 'iwf.db'}", options) as server:
        start(server, worker.url)
        post(server, "getWithWait", workflowId="w")

    assert worker.headers[0]["Iwf-Signature"].startswith(f"v1 key={made[1].key.id} ")
    with pytest.raises(InvalidArgumentError, match="not on the list"):
        evolve(options, allowed_workers=["http://127.0.0.1:*"]).worker_urls()


@pytest.mark.parametrize(
    "options", [{"keys": "missing.json"}, {"allowed_workers": ["nonsense"]}, {"allowed_workers": ["http://0.0.0.0"]}]
)
def test_a_wrong_option_opens_nothing(tmp_path, options):
    """
    Not even the file.
    """
    with pytest.raises(InvalidArgumentError):
        Server(f"sqlite:///{tmp_path / 'iwf.db'}", ServerOptions(**options)).start()

    assert list(tmp_path.iterdir()) == []


def test_one_file_has_one_server(tmp_path):
    """
    The second one says who has it; what cannot be opened leaves nothing open.
    """
    url = f"sqlite:///{tmp_path / 'iwf.db'}"
    with Server(url), pytest.raises(StoreInUseError):
        Server(url).start()
    with pytest.raises(StoreError):
        Server(f"sqlite:///{tmp_path / 'no' / 'folder' / 'iwf.db'}").start()


def test_a_server_that_drains_says_so(tmp_path):
    """
    And is closed as often as anybody likes.
    """
    server = Server(f"sqlite:///{tmp_path / 'iwf.db'}")
    server.start()
    server.drain()
    with server.app.test_client() as client:
        status = client.get("/info/healthcheck").status_code
    server.close()
    server.close()

    assert status == 503


def test_an_application_of_its_own(tmp_path, monkeypatch):
    """
    What a WSGI server is given ends with the process.
    """
    ends = []
    monkeypatch.setattr("atexit.register", ends.append)
    app = create_app(f"sqlite:///{tmp_path / 'iwf.db'}")
    with app.test_client() as client:
        status = client.get("/info/healthcheck").status_code
    for end in ends:
        end()

    assert status == 200
    assert len(ends) == 1
