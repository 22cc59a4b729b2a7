"""Waiting ends when the run ends, when patience does, or when the caller is interrupted; nothing else ends with it."""

import asyncio
import threading
from concurrent.futures import Future
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest

from iwf_py.authoring.registry import Registry
from iwf_py.authoring.reset_workflow_type_and_options import reset_to_state_execution_id, reset_to_state_id
from iwf_py.authoring.workflow_options import WorkflowOptions
from iwf_py.client import asking
from iwf_py.client.aio import AsyncClient
from iwf_py.client.client import Client
from iwf_py.codec.payloads import JsonConverter
from iwf_py.errors import (
    EngineStoppedError,
    InvalidArgumentError,
    WorkflowAbnormalExitError,
    WorkflowCanceled,
    WorkflowFailed,
    WorkflowNotExistsError,
    WorkflowStillRunningError,
    WorkflowTerminated,
    WorkflowTimeout,
)
from iwf_py.model.options import WorkflowConfig
from iwf_py.model.requests import FoundRun, SearchPage
from iwf_py.model.status import WorkflowErrorType, WorkflowStatus
from iwf_py.ports import take_seat
from tests.client.doubles import Entity, Form, Signup, Stranger, Submit, Verify, completion, reading, result, sealed


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (WorkflowStatus.FAILED, WorkflowFailed),
        (WorkflowStatus.TIMEOUT, WorkflowTimeout),
        (WorkflowStatus.TERMINATED, WorkflowTerminated),
        (WorkflowStatus.CANCELED, WorkflowCanceled),
        (WorkflowStatus.CONTINUED_AS_NEW, WorkflowAbnormalExitError),
    ],
)
def test_a_run_that_did_not_complete_raises(client, service, status, error):
    """
    Each way of ending has its error, with type, message and what had been collected.
    """
    ended = result(
        '"part"',
        status=status,
        error_type=WorkflowErrorType.STATE_API_FAIL_ERROR_TYPE,
        error_message="no luck",
    )
    service.answers.extend([ended, ended])

    with pytest.raises(error) as caught:
        client.wait_for_workflow_completion("w", str)
    with pytest.raises(error):
        client.get_workflow_results("w", str)

    assert type(caught.value) is error
    assert caught.value.run_id == "r"
    assert caught.value.workflow_status is status
    assert caught.value.error_type == "STATE_API_FAIL_ERROR_TYPE"
    assert caught.value.error_message == "no luck"
    assert caught.value.outputs == ended.outputs
    assert client.decode_outputs(caught.value.outputs, str) == ["part"]


def test_a_result_that_is_not_there_yet(client, service):
    """
    Without waiting, a running workflow is an error that says so.
    """
    service.answers.extend([result(status=WorkflowStatus.RUNNING)] * 2)

    with pytest.raises(WorkflowStillRunningError, match="'w' is still running; wait again"):
        client.get_workflow_result("w")
    with pytest.raises(WorkflowStillRunningError):
        client.get_workflow_results("w")


@pytest.mark.parametrize("timeout", [0, 0.01, timedelta(milliseconds=10)])
def test_patience_has_an_end(client, service, timeout):
    """
    The caller is told, and the service may forget the waiter.
    """
    pending = Future()
    service.answers.append(pending)

    with pytest.raises(WorkflowStillRunningError, match="still running after 0"):
        client.wait_for_workflow_completion("w", str, timeout=timeout)

    assert pending.cancelled()


def test_waiting_without_end(client, service):
    """
    With None for a timeout the caller waits as long as it takes.
    """
    pending = Future()
    service.answers.append(pending)
    threading.Timer(0.01, pending.set_result, [result("1")]).start()

    assert client.wait_for_workflow_completion("w", int, timeout=None) == 1


def test_a_wrong_timeout_is_refused(client, service):
    """
    It is seconds or a timedelta.
    """
    with pytest.raises(InvalidArgumentError, match="timeout"):
        client.wait_for_workflow_completion("w", timeout="soon")

    assert service.asked == []


class Interrupted(Future):
    """A future during whose waiting the user presses Ctrl-C."""

    def exception(self, timeout=None):
        raise KeyboardInterrupt


def test_ctrl_c_ends_the_waiting_alone(client, service):
    """
    A waiter is forgotten; a write that was asked for is not taken back.
    """
    waiting, writing = Interrupted(), Interrupted()
    service.answers.extend([waiting, writing])

    with pytest.raises(KeyboardInterrupt):
        client.wait_for_workflow_completion("w")
    with pytest.raises(KeyboardInterrupt):
        client.signal_workflow("w", "mail")

    assert waiting.cancelled()
    assert not writing.cancelled()


def test_a_request_that_the_service_drops_is_an_error(client, service):
    """
    A future that is cancelled from the other side says that the engine dropped it.
    """
    dropped = Future()
    dropped.cancel()
    service.answers.append(dropped)

    with pytest.raises(EngineStoppedError, match="dropped"):
        client.signal_workflow("w", "mail")


def test_a_bug_keeps_its_traceback(client, service):
    """
    What is no error of ours is raised with the frames in which it was made.
    """

    def fail():
        raise ZeroDivisionError("bug")

    try:
        fail()
    except ZeroDivisionError as error:
        service.answers.append(error)

    with pytest.raises(ZeroDivisionError) as caught:
        client.signal_workflow("w", "mail")

    assert any(entry.name == "fail" for entry in caught.traceback)


def test_a_pool_is_told_of_the_waiting(client, service):
    """
    A thread that has taken a seat is made up for from before the request is sent until the answer is there.
    """
    told = []

    @contextmanager
    def seat():
        told.append(("enter", len(service.asked)))
        yield
        told.append(("leave", len(service.asked)))

    def work():
        take_seat(seat)
        client.signal_workflow("w", "mail")

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()

    assert told == [("enter", 0), ("leave", 1)]


def test_a_handle_knows_its_workflow(client, service):
    """
    A handle sends what the client would, checked by its class.
    """
    service.answers.extend(["run-1", sealed('"done"'), sealed("3"), result('"x"'), result('"x"')])

    handle = client.start(Signup, "w", Form("a@b"), timeout=60, options=WorkflowOptions(workflow_start_delay_seconds=1))

    assert (handle.workflow_id, handle.run_id, handle.workflow_class) == ("w", "run-1", Signup)
    assert handle.call(Signup.verify, "email") == "done"
    assert handle.call(Signup.counted) == 3
    assert handle.result(str) == "x"
    assert handle.results(str) == ["x"]
    assert repr(handle) == "<Signup 'w' (run run-1)>"
    start, call, _, wait, _ = (request for _, request in service.asked)
    assert start.timeout == timedelta(seconds=60)
    assert start.start_delay == timedelta(seconds=1)
    # A run that failed may be retried: calls are for the current run, the result is this run's.
    assert call.run_id is None
    assert wait.run_id == "run-1"


def test_a_handle_on_one_run_addresses_that_run(client, service):
    """
    Got with a run id, every request carries it; without one, none does.
    """
    service.answers.extend([None, None, None, {}, None, {}, None, None, ()])
    handle = client.get(Signup, "w", "r")

    handle.signal("mail", Form("a@b"))
    handle.publish("verify")
    handle.stop()
    handle.get_attributes("form")
    handle.set_attributes({"form": None})
    handle.get_search_attributes()
    handle.set_search_attributes({"city": "Bonn"})
    handle.skip_timer(Submit, "t")
    handle.history()
    handle.describe()

    assert all(request.run_id == "r" for _, request, *_ in service.asked)
    client.get(Signup, "w").describe()
    assert service.last.run_id is None


def test_a_handle_refuses_what_its_class_does_not_declare(client):
    """
    The class is known, so every name and value can be looked at.
    """
    handle = client.get(Signup, "w")

    with pytest.raises(KeyError, match="maul"):
        handle.signal("maul")
    with pytest.raises(InvalidArgumentError):
        handle.publish("verify", 1)
    with pytest.raises(KeyError, match="Nobody"):
        handle.skip_timer("Nobody")
    with pytest.raises(KeyError):
        client.get(type("Other", (Entity,), {}), "w")


def test_a_handle_refuses_an_rpc_of_another_workflow(service):
    """
    Another workflow's RPC of the same name is another RPC; one of a base class is the workflow's own.
    """

    class Heir(Entity):
        """Inherits read."""

    client = Client(Registry(Entity, Stranger, Heir), service, JsonConverter())
    service.answers.append(sealed("1"))

    with pytest.raises(KeyError, match=r"RPC Stranger\.read is not one of Entity; its RPCs: read"):
        client.get(Entity, "w").call(Stranger.read)
    assert client.get(Heir, "w").call(Entity.read) == 1
    with pytest.raises(KeyError, match=r"RPC Heir\.read is not one of Entity"):
        client.get(Entity, "w").call(Heir.read)
    assert [asked for asked, *_ in service.asked] == ["invoke_rpc"]


def test_a_handle_skips_the_first_timer_unless_told(client, service):
    """
    Without an id or an index it is the timer at index 0.
    """
    handle = client.get(Signup, "w")

    handle.skip_timer(Submit)
    handle.skip_timer(Submit, index=1, state_execution_number=2)
    handle.skip_timer("Submit", "t")

    assert [(request.state_execution_id, request.command_id, request.index) for _, request in service.asked] == [
        ("Submit-1", None, 0),
        ("Submit-2", None, 1),
        ("Submit-1", "t", None),
    ]


# --- asyncio ------------------------------------------------------------------------------------------------


@pytest.fixture
def async_client(registry, service):
    return AsyncClient(registry, service, JsonConverter(), namespace="shop")


def test_the_async_client_sends_what_the_client_sends(client, async_client, service):
    """
    Every call of the one is a call of the other, with the same request.
    """
    calls = [
        ("start_workflow", (Signup, "w", 60, Form("a@b")), {}, "run"),
        ("stop_workflow", ("w",), {}, None),
        ("reset_workflow", ("w", reset_to_state_id(Verify)), {"workflow_run_id": "r"}, "run-2"),
        ("update_workflow_config", ("w", WorkflowConfig(optimize_timer=True)), {}, None),
        ("describe_workflow", ("w", "r"), {}, None),
        ("get_history", ("w",), {"after": 1}, ()),
        ("wait_for_workflow_completion", ("w", str), {"timeout": 5}, result('"x"')),
        ("wait_for_workflow_results", ("w", str), {}, result('"x"')),
        ("get_workflow_result", ("w", str), {}, result('"x"')),
        ("get_workflow_results", ("w", str), {}, result('"x"')),
        ("wait_for_workflow_outcome", ("w",), {"workflow_run_id": "r"}, result('"x"')),
        ("get_workflow_outcome", ("w",), {}, result('"x"')),
        (
            "wait_for_state_execution_completion_with_state_execution_id",
            (Submit, "w", 2),
            {"type_hint": str},
            completion('"x"'),
        ),
        ("wait_for_state_execution_completion_with_wait_for_key", ("Submit", "w", "k"), {}, completion(None)),
        ("wait_for_data_attribute", (Signup, "w", "note-1", 7), {"workflow_run_id": "r"}, reading("7", 3)),
        ("invoke_rpc", ("w", Signup.verify, "email"), {}, sealed('"x"')),
        ("signal_workflow", ("w", "mail", Form("a@b")), {"workflow_class": Signup}, None),
        ("publish_to_internal_channel", (Signup, "w", "verify"), {}, None),
        ("publish_to_internal_channels", (Signup, "w", [("room-1", 1)]), {}, None),
        ("skip_timer_by_command_id", ("w", Submit, "t", 2), {}, None),
        ("skip_timer_at_command_index", ("w", Submit, 2, 1), {}, None),
        ("get_workflow_data_attributes", (Signup, "w", "r", ["form"]), {}, {}),
        ("get_all_workflow_data_attributes", (Signup, "w"), {}, {}),
        ("set_workflow_data_attributes", (Signup, "w", "", {"tags": []}), {}, None),
        ("get_workflow_search_attributes", (Signup, "w", ["city"]), {}, {}),
        ("get_all_search_attributes", (Signup, "w"), {}, {}),
        ("set_workflow_search_attributes", (Signup, "w", {"city": "Bonn"}), {}, None),
        ("search_workflow", ("city = 'Bonn'", 10, "token"), {}, SearchPage()),
        ("count_workflows", ("city = 'Bonn'",), {}, 3),
    ]

    async def compare():
        for name, arguments, keywords, answer in calls:
            service.answers.extend([answer, answer])
            expected = getattr(client, name)(*arguments, **keywords)
            assert await getattr(async_client, name)(*arguments, **keywords) == expected
            assert service.asked[-1] == service.asked[-2]

    asyncio.run(compare())
    public = {name for name in dir(client) if not name.startswith("_")}
    tested = {name for name, *_ in calls}
    assert public - tested == {
        "start",
        "get",
        "get_simple_workflow_result_with_wait",
        "close",
        "decode_outputs",
        "find_workflows",
    }
    assert public - {"get_simple_workflow_result_with_wait"} <= set(dir(async_client))


def test_both_clients_walk_all_pages(client, async_client, service):
    """
    One page after the other is asked for, each with the token of the one before, and none before it is needed.
    """
    runs = [
        FoundRun(
            workflow_id=name,
            run_id="r",
            workflow_type="Signup",
            status=WorkflowStatus.RUNNING,
            started_at=datetime.now(UTC),
        )
        for name in "abc"
    ]
    pages = [SearchPage(executions=tuple(runs[:2]), next_page_token="next"), SearchPage(executions=(runs[2],))]

    async def walk():
        return [found async for found in async_client.find_workflows("city = 'Bonn'", 2)]

    service.answers.extend(pages)
    found = client.find_workflows("city = 'Bonn'", 2)
    assert [next(found), next(found)] == runs[:2]
    assert len(service.asked) == 1
    assert list(found) == runs[2:]
    service.answers.extend(pages)
    assert asyncio.run(walk()) == runs

    requests = [request for name, request in service.asked if name == "search"]
    assert [request.next_page_token for request in requests] == ["", "next", "", "next"]
    assert {(request.query, request.page_size, request.namespace) for request in requests} == {
        ("city = 'Bonn'", 2, "shop")
    }


def test_the_async_client_opens_outputs(async_client):
    """
    What an error carries can be opened without asking anybody.
    """
    assert async_client.decode_outputs(result("1", "2").outputs, int) == [1, 2]


def test_the_async_handle_sends_what_the_handle_sends(client, async_client, service):
    """
    Every call of the one is a call of the other, with the same request.
    """
    calls = [
        ("call", (Signup.verify, "email"), sealed('"done"')),
        ("result", (str,), result('"x"')),
        ("results", (str,), result('"x"')),
        ("outcome", (), result('"x"')),
        ("wait_for_state", (Submit, 2), completion('"x"')),
        ("wait_for_attribute", ("note-1",), reading("7", 3)),
        ("describe", (), None),
        ("signal", ("mail", Form("a@b")), None),
        ("publish", ("room-1", 1), None),
        ("skip_timer", (Submit,), None),
        ("stop", (), None),
        ("reset", (reset_to_state_execution_id((Verify, 2)),), "run-2"),
        ("update_config", (WorkflowConfig(optimize_timer=True),), None),
        ("get_attributes", ("form",), {}),
        ("set_attributes", ({"tags": []},), None),
        ("get_search_attributes", (), {}),
        ("set_search_attributes", ({"city": "Bonn"},), None),
        ("history", (), ()),
    ]

    async def compare():
        service.answers.extend(["run-1", "run-1"])
        handle = client.start(Signup, "w", Form("a@b"))
        async_handle = await async_client.start(Signup, "w", Form("a@b"))
        assert async_handle.run_id == handle.run_id
        for one, other in ((handle, async_handle), (client.get(Signup, "w", "r"), async_client.get(Signup, "w", "r"))):
            for name, arguments, answer in calls:
                service.answers.extend([answer, answer])
                expected = getattr(one, name)(*arguments)
                assert await getattr(other, name)(*arguments) == expected
                assert service.asked[-1] == service.asked[-2]

    asyncio.run(compare())
    assert {name for name in dir(client.get(Signup, "w")) if not name.startswith("_")} == {
        *(name for name, _, _ in calls),
        "run_id",
        "workflow_class",
        "workflow_id",
    }


def test_async_waiting_ends_as_waiting_does(async_client, service):
    """
    Patience, cancellation, refusals and dropped requests mean the same to a task as to a thread.
    """

    async def wait():
        pending, waiting, writing, dropped = Future(), Future(), Future(), Future()
        dropped.cancel()
        service.answers.extend([pending, waiting, writing, dropped, WorkflowNotExistsError(workflow_id="w")])
        with pytest.raises(WorkflowStillRunningError, match="after 0.01 s"):
            await async_client.wait_for_workflow_completion("w", timeout=0.01)
        for future, call in (
            (waiting, async_client.wait_for_workflow_completion("w")),
            (writing, async_client.signal_workflow("w", "mail")),
        ):
            task = asyncio.create_task(call)
            while not future._done_callbacks:
                await asyncio.sleep(0)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        await asyncio.sleep(0)
        with pytest.raises(EngineStoppedError):
            await async_client.signal_workflow("w", "mail")
        with pytest.raises(WorkflowNotExistsError):
            await async_client.signal_workflow("w", "mail")
        writing.set_exception(WorkflowNotExistsError(workflow_id="w"))
        await asyncio.sleep(0)
        return pending, waiting, writing

    pending, waiting, writing = asyncio.run(wait())

    assert pending.cancelled()
    assert waiting.cancelled()
    assert not writing.cancelled()


def test_an_async_answer_may_come_later(async_client, service):
    """
    The task goes on when the future is done, on whichever thread.
    """
    pending = Future()
    service.answers.append(pending)

    async def wait():
        threading.Timer(0.01, pending.set_result, [result("1")]).start()
        return await async_client.wait_for_workflow_completion("w", int)

    assert asyncio.run(wait()) == 1


class Drowsy(Future):
    """A future whose answer comes at the third look; notes how long each look would have lasted."""

    def __init__(self):
        super().__init__()
        self.looks = []

    def exception(self, timeout=None):
        self.looks.append(timeout)
        if len(self.looks) < 3:
            raise TimeoutError
        self.set_result("late")
        return super().exception(0)


@pytest.mark.parametrize("patience", [None, 3600])
def test_a_caller_waits_in_short_stretches(patience):
    """
    However long it is ready to wait, it looks up now and then: a Ctrl-C in the very moment of lying down wakes nobody.
    """
    future = Drowsy()

    answered = asking.answer(asking.Question(send=lambda: future, open=str, patience=patience))

    assert answered == "late"
    assert all(0 < look <= 1 for look in future.looks)
