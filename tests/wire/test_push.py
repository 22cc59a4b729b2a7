"""Calls of user code over HTTP: what goes out, what comes of it, and that one bad host keeps no other's calls waiting."""

import json
import threading
from concurrent.futures import Future
from datetime import UTC, datetime, timedelta

import pytest

from iwf_py.errors import EngineStoppedError
from iwf_py.model.decisions import Decision, Movement
from iwf_py.model.ids import WorkflowKey
from iwf_py.model.invocations import (
    ExecuteResult,
    Failed,
    Fence,
    Invocation,
    InvocationKind,
    RpcResult,
    Task,
    WaitUntilResult,
)
from iwf_py.model.options import CallOptions, RetryPolicy, StateOptions
from iwf_py.model.payload import Payload
from iwf_py.model.requests import RunAddress, StartRequest
from iwf_py.model.status import Phase
from iwf_py.runtime.dispatch import Dispatch
from iwf_py.runtime.engine import Engine
from iwf_py.runtime.threads import RandomIds, SystemClock, Threads
from iwf_py.scheduling.alarm import ApschedulerAlarm
from iwf_py.scheduling.cron import CronCalendar
from iwf_py.store.database import SqlStore
from iwf_py.wire.decoding import MAX_TEXT
from iwf_py.wire.push import PushPerformer
from iwf_py.wire.routes import EXECUTE
from iwf_py.wire.signing import SigningKey, check
from iwf_py.wire.worker_urls import AllowedWorker, WorkerUrls
from iwf_py.worker.loop import Worker
from tests.wire.conftest import SOON, until
from tests.wire.hostile import Hostile, answer

NOON = datetime(2024, 5, 1, 12, tzinfo=UTC)
DECISION = {"stateDecision": {"nextStates": [{"stateId": "_SYS_GRACEFUL_COMPLETING_WORKFLOW"}]}}


class Scripted(Hostile):
    """A worker that answers calls as the test says; any other path behaves badly."""

    def __init__(self, status="200 OK", body=b"{}"):
        self.status = status
        self.body = body
        super().__init__()

    async def api(self, writer, request):
        writer.write(answer(self.body, status=self.status))
        await writer.drain()
        return True

    async def slow(self, writer, request):
        return await self.hang(writer, request)


def call(url, kind=InvocationKind.EXECUTE, *, timeout=SOON, **more):
    place = {} if kind is InvocationKind.RPC else {"state_execution_id": "Step-1", "first_attempt_at": NOON}
    return Invocation(
        kind=kind,
        namespace="default",
        workflow_type="Flow",
        workflow_id="w",
        run_id="r",
        started_at=NOON,
        method_name="Step",
        timeout=timedelta(seconds=timeout),
        worker_url=url,
        **place,
        **more,
    )


class Performing:
    def __init__(self, performer):
        self.performer = performer

    def of(self, invocation):
        future = Future()
        self.performer.perform(invocation, future.set_result)
        return future.result(SOON)


@pytest.fixture
def make_performing():
    made = []

    def make(*allowed, **options):
        performer = PushPerformer(WorkerUrls(allowed or ["127.0.0.0/8"]), **options)
        made.append(performer)
        return Performing(performer)

    yield make
    for performer in made:
        performer.close()


@pytest.fixture
def performing(make_performing):
    return make_performing()


@pytest.fixture
def scripted():
    server = Scripted()
    yield server
    server.close()


def test_each_kind_of_call_goes_to_its_route(scripted, performing):
    """
    Under the prefix of the worker's URL, with the names that the kind has on the wire.
    """
    scripted.body = json.dumps({**DECISION, "output": {"encoding": "e", "data": "d"}}).encode()

    outcomes = [performing.of(call(scripted.url + "/", kind, attempt=3)) for kind in InvocationKind]

    assert [type(outcome) for outcome in outcomes] == [WaitUntilResult, ExecuteResult, RpcResult]
    assert isinstance(outcomes[1].decision, Decision)
    assert outcomes[2].output == Payload("e", "d")
    assert [request.path for request in scripted.requests] == [
        "/api/v1/workflowState/start",
        "/api/v1/workflowState/decide",
        "/api/v1/workflowWorker/rpc",
    ]
    assert json.loads(scripted.requests[1].body)["context"]["attempt"] == 3


def test_headers_go_to_their_entrys_workers_alone(scripted, make_performing):
    """
    A credential is never sent to a worker that it was not given for.
    """
    other = Scripted()
    allowed = AllowedWorker(pattern=scripted.url, headers={"X-Key": "canary"})
    try:
        performing = make_performing(allowed, other.url)
        performing.of(call(scripted.url))
        performing.of(call(other.url))
    finally:
        other.close()

    assert scripted.requests[0].headers["x-key"] == "canary"
    assert "canary" not in str(vars(other.requests[0]))


def test_calls_are_signed_for_the_entry_that_has_a_key(scripted, make_performing):
    """
    Each anew, by the path of the protocol and the bytes that go out; the calls of other workers say nothing of the key.
    """
    other, key = Scripted(), SigningKey("k", b"canary" * 6)
    allowed = AllowedWorker(pattern=scripted.url, signing_key=key)
    try:
        performing = make_performing(allowed, other.url, now=lambda: 1_800_000_000.9)
        for _ in range(2):
            performing.of(call(scripted.url + "/team"))
        performing.of(call(other.url))
    finally:
        other.close()
    signed = [
        check({"k": key}, one.headers["iwf-signature"], "POST", EXECUTE.path, one.body, 1_800_000_000)
        for one in scripted.requests
    ]

    assert [one.path for one in scripted.requests] == ["/team" + EXECUTE.path] * 2
    assert [one.time for one in signed] == [1_800_000_000] * 2
    assert signed[0].nonce != signed[1].nonce
    assert "iwf-signature" not in other.requests[0].headers
    assert "canary" not in str([vars(one) for one in scripted.requests]) + repr(allowed)


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("/reset", "statusCode: 0, responseBody: None, errMsg: connection reset by peer"),
        (
            "/close-at-once",
            "statusCode: 0, responseBody: None, errMsg: EOF: the connection was closed before an answer ca...",
        ),
        ("/html", "errMsg: undefined response type"),
        ("/gigabyte", "statusCode: 0, responseBody: None, errMsg: the answer is longer than 8388608 bytes"),
        ("/half", "statusCode: 0, responseBody: None, errMsg: unexpected EOF: "),
        ("/redirect", "statusCode: 302, responseBody: , errMsg: 302 Found"),
        ("/no-content", "statusCode: 204"),
        ("/hang", "activity error (type: StateApiExecute): activity StartToClose timeout (type: StartToClose)"),
        ("/drip", "activity error (type: StateApiExecute): activity StartToClose timeout (type: StartToClose)"),
    ],
)
def test_what_a_bad_worker_does_is_a_failed_attempt(scripted, performing, path, text):
    """
    It is told in the protocol's words, names its state, and may be tried again.
    """
    outcome = performing.of(call(scripted.url + path, timeout=0.5 if "timeout" in text else SOON))

    assert isinstance(outcome, Failed)
    assert text in outcome.failure.message
    assert (outcome.failure.state_id, outcome.failure.state_execution_id) == ("Step", "Step-1")
    assert outcome.failure.is_retryable


def test_an_unknown_enum_value_is_a_failed_attempt(scripted, performing):
    """
    The decoder's words are told.
    """
    scripted.body = b'{"commandRequest": {"commandWaitingType": "SOME", "timerCommands": [{"durationSeconds": 1}]}}'

    outcome = performing.of(call(scripted.url, InvocationKind.WAIT_UNTIL))

    assert "SOME is not a valid CommandWaitingType" in outcome.failure.message


def test_the_total_duration_has_its_own_words(scripted, performing):
    """
    An attempt that all attempts' bound has cut short did not use its own time up.
    """
    outcome = performing.of(call(f"{scripted.url}/hang", InvocationKind.WAIT_UNTIL, timeout=0.05, is_last_moment=True))

    assert outcome.failure.message.startswith("activity error (type: StateApiWaitUntil)")
    assert "activity ScheduleToClose timeout" in outcome.failure.message


def test_no_call_takes_longer_than_the_server_waits(scripted, make_performing, caplog):
    """
    Whatever its state's options say: then it is told of in the log; a call whose own time was over is not.
    """
    performing = make_performing(most=timedelta(seconds=0.05))

    own = performing.of(call(f"{scripted.url}/hang", timeout=0.01))
    assert not caplog.text
    cut = performing.of(call(f"{scripted.url}/hang", timeout=3600))

    assert own == cut
    assert "Step-1 of workflow 'w' was given up after 0.05 s" in caplog.text
    assert "its options allow 3600 s" in caplog.text


@pytest.mark.parametrize("kind", [InvocationKind.EXECUTE, InvocationKind.RPC])
def test_a_value_of_an_answer_has_a_bound(make_performing, caplog, kind):
    """
    As one that a client sends: beyond it the attempt has failed. A large one is told of in the log, by its size alone.
    """
    outcomes = []
    for size in (MAX_TEXT, MAX_TEXT + 1):
        value = {"encoding": "json", "data": "y" * size}
        body = {**DECISION, "output": value} if kind is InvocationKind.RPC else {**DECISION, "stateLocals": []}
        body["publishToInterStateChannel"] = [{"channelName": "c", "value": value}]
        server = Scripted(body=json.dumps(body).encode())
        try:
            outcomes.append(make_performing().of(call(server.url, kind)))
        finally:
            server.close()

    assert isinstance(outcomes[0], RpcResult if kind is InvocationKind.RPC else ExecuteResult)
    assert isinstance(outcomes[1], Failed)
    assert "a value has more than 2 MiB" in outcomes[1].failure.message
    assert caplog.text.count("a worker's answer for") == 2
    assert "yyy" not in caplog.text


def test_an_rpcs_caller_is_told_of_the_transport(scripted, performing):
    """
    With the URL that the run was started with.
    """
    late = performing.of(call(f"{scripted.url}/hang/", InvocationKind.RPC, timeout=0.05))
    reset = performing.of(call(f"{scripted.url}/reset", InvocationKind.RPC))

    path = "api/v1/workflowWorker/rpc"
    assert late.failure.message == f'Post "{scripted.url}/hang/{path}": context deadline exceeded'
    assert reset.failure.message == f'Post "{scripted.url}/reset/{path}": connection reset by peer'


@pytest.mark.parametrize(
    ("url", "text"),
    [
        (None, "was started without a worker URL"),
        ("http://10.1.2.3", "'http://10.1.2.3' is refused: 10.1.2.3 is a private address"),
        ("http://worker.example?a", "is refused"),
    ],
)
def test_a_url_is_looked_at_with_each_call(performing, url, text):
    """
    A list may have changed since the run was started; then its calls fail, and may be tried again.
    """
    outcome = performing.of(call(url))

    assert text in outcome.failure.message
    assert outcome.failure.is_retryable


def test_many_refused_calls_do_not_nest(make_performing):
    """
    A worker loop that is told at once would go ever deeper.
    """
    service = Service()
    worker = Worker(service, make_performing().performer, limit=1)
    for number in range(2_000):
        service.offer(number, "http://10.0.0.1")

    worker.start()
    service.wait(2_000)

    assert worker.stop()


def test_a_cancelled_call_and_a_closed_performer_tell_nothing(scripted, make_performing):
    """
    The connection is closed.
    """
    performing, told = make_performing(), []
    cancel = performing.performer.perform(call(f"{scripted.url}/hang"), told.append)
    until(lambda: scripted.requests)
    cancel()
    until(lambda: not scripted.open_now)
    performing.performer.perform(call(f"{scripted.url}/hang"), told.append)
    until(lambda: len(scripted.requests) == 2)
    performing.performer.close()
    until(lambda: not scripted.open_now)

    assert told == []
    with pytest.raises(EngineStoppedError):
        performing.performer.perform(call(scripted.url), told.append)


@pytest.fixture
def engine():
    threads = Threads()
    engine = Engine(
        SqlStore("sqlite://"),
        clock=SystemClock(),
        ids=RandomIds(),
        calendar=CronCalendar(),
        executor=threads,
        make_alarm=ApschedulerAlarm,
    )
    engine.start()
    yield engine
    engine.stop()
    threads.close()


def test_runs_live_at_their_workers(engine, scripted, make_performing):
    """
    An engine without code of its own runs each workflow where it says: one completes, one fails with its worker's words.
    """
    bad = Scripted("500 Internal Server Error", b'{"detail": "a trace of the stack"}')
    scripted.body = json.dumps(DECISION).encode()
    worker = Worker(engine.tasks, make_performing().performer)
    worker.start()
    once = CallOptions(retry=RetryPolicy(maximum_attempts=1))
    try:
        results = []
        for name, url in (("good", scripted.url), ("bad", bad.url)):
            first = Movement("Step", options=StateOptions(skip_wait_until=True, execute=once))
            request = StartRequest(workflow_id=name, workflow_type="Flow", start=first, worker_url=url)
            engine.service.start(request).result(SOON)
            results.append(engine.service.wait(RunAddress(workflow_id=name)).result(SOON))
    finally:
        worker.stop()
        bad.close()

    assert [result.status for result in results] == ["COMPLETED", "FAILED"]
    assert results[1].error_message == (
        'statusCode: 500, responseBody: {"detail": "a trace of the stack"}, errMsg: 500 Internal Server Error'
    )


def test_what_a_worker_answers_is_in_no_log(engine, make_performing, caplog):
    """
    It may repeat users' values; the log tells the attempt, and where to look.
    """
    bad = Scripted("500 Internal Server Error", b'{"detail": "card 4929 was refused", "errorType": "Refused"}')
    worker = Worker(engine.tasks, make_performing().performer)
    worker.start()
    twice = CallOptions(retry=RetryPolicy(maximum_attempts=2, initial_interval_seconds=0.01))
    try:
        first = Movement("Step", options=StateOptions(skip_wait_until=True, execute=twice))
        request = StartRequest(workflow_id="w", workflow_type="Flow", start=first, worker_url=bad.url)
        engine.service.start(request).result(SOON)
        result = engine.service.wait(RunAddress(workflow_id="w")).result(SOON)
    finally:
        worker.stop()
        bad.close()

    assert "4929" in result.error_message
    assert "attempt 1 of Step-1 of 'w' failed" in caplog.text
    assert "its worker answered with status 500 and told of 'Refused'" in caplog.text
    assert "4929" not in caplog.text


class Service:
    """A task service over the engine's own dispatch; it counts outcomes by host."""

    def __init__(self):
        self.dispatch = Dispatch(SystemClock())
        self.changed = threading.Condition()
        self.outcomes = {}

    def offer(self, number, url, timeout=SOON):
        fence = Fence(run_id="r", number=number, phase=Phase.EXECUTE, epoch=1, attempt=1)
        self.dispatch.put(WorkflowKey("default", "w"), Task(fence, call(url, timeout=timeout)))

    def take(self, limit, serves):
        return self.dispatch.take(limit, serves)

    def complete(self, outcomes):
        for fence, _ in outcomes:
            self.dispatch.returned(fence)
            self.dispatch.judged(fence)
        with self.changed:
            self.outcomes.update((fence.number, outcome) for fence, outcome in outcomes)
            self.changed.notify_all()
        future = Future()
        future.set_result(None)
        return future

    def wait(self, count):
        with self.changed:
            assert self.changed.wait_for(lambda: len(self.outcomes) >= count, SOON), f"only {len(self.outcomes)} came"


def test_a_host_that_hangs_keeps_no_other_hosts_calls_waiting(scripted, make_performing):
    """
    Two thousand calls of a hanging host are due before any of a good one, more than are in hand at once: the good one's are
    all made while the others hang; of those no more are begun than its share.
    """
    good = Scripted(body=json.dumps(DECISION).encode())
    service = Service()
    worker = Worker(service, make_performing(per_host=16).performer, limit=64)
    for number in range(2_000):
        service.offer(number, f"{scripted.url}/slow", timeout=3600.0)
    for number in range(2_000, 2_300):
        service.offer(number, good.url)

    worker.start()
    try:
        service.wait(300)

        assert min(service.outcomes) == 2_000
        assert {type(outcome) for outcome in service.outcomes.values()} == {ExecuteResult}
        until(lambda: len(scripted.requests) == 16)
        assert worker.in_hand == scripted.open_now == 16
        # Those that wait have not begun: their time is not running, and they are no reason to take up no others.
        assert service.dispatch.load == 16
    finally:
        worker.stop(timeout=0)
        good.close()
