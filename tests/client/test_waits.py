"""Waiting for states and attributes: what is asked for, when it will do, and how often is asked."""

import asyncio
import inspect
from concurrent.futures import Future

import pytest

from iwf_py.authoring.workflow_options import WorkflowOptions
from iwf_py.client.aio import AsyncClient
from iwf_py.client.wanted import AttributeValue
from iwf_py.codec.payloads import JsonConverter
from iwf_py.errors import (
    InvalidArgumentError,
    NotRegisteredError,
    PayloadError,
    WorkflowDefinitionError,
    WorkflowStillRunningError,
)
from iwf_py.model.requests import AttributeWaitRequest, StateWaitRequest
from iwf_py.model.status import WorkflowErrorType, WorkflowStatus
from tests.client.doubles import Form, Signup, Submit, Verify, completion, reading, result


def test_a_state_is_waited_for_by_number_or_by_key(client, service):
    """
    By its class or its id; the output is opened as asked, and there may be none.
    """
    service.answers.extend([completion('{"email": "a@b"}'), completion(None), completion("1"), completion("2")])
    by_number = client.wait_for_state_execution_completion_with_state_execution_id
    by_key = client.wait_for_state_execution_completion_with_wait_for_key

    assert by_number(Submit, "w", 2, type_hint=Form) == Form("a@b")
    assert by_number("Submit", "w", workflow_run_id="r") is None
    assert by_key(Verify, "w", "k") == 1
    assert client.get(Signup, "w").wait_for_state(Submit, key="k", type_hint=int) == 2

    where = {"workflow_id": "w", "namespace": "shop"}
    assert [request for _, request in service.asked] == [
        StateWaitRequest(**where, state_id="Submit", ordinal=2),
        StateWaitRequest(**where, run_id="r", state_id="Submit"),
        StateWaitRequest(**where, state_id="Verify", wait_for_key="k"),
        StateWaitRequest(**where, state_id="Submit", wait_for_key="k"),
    ]


def test_a_state_that_cannot_be_waited_for_is_refused(client, service):
    """
    What is wrong with the question is said before it is asked.
    """
    by_number = client.wait_for_state_execution_completion_with_state_execution_id

    with pytest.raises(InvalidArgumentError, match="state_execution_number"):
        by_number(Submit, "w", 0)
    with pytest.raises(NotRegisteredError):
        by_number(Form, "w")
    with pytest.raises(NotRegisteredError, match="Nobody"):
        client.get(Signup, "w").wait_for_state("Nobody")
    with pytest.raises(InvalidArgumentError, match="wait_for_key"):
        client.wait_for_state_execution_completion_with_wait_for_key(Submit, "w", "")
    with pytest.raises(InvalidArgumentError, match="workflow id"):
        by_number(Submit, "")

    assert service.asked == []


def test_patience_with_a_state_or_an_attribute_has_an_end(client, service):
    """
    The error says what is late, and the service may forget the waiter.
    """
    service.answers.extend([Future(), Future(), Future()])
    late = list(service.answers)

    with pytest.raises(
        WorkflowStillRunningError, match=r"^Submit-2 of workflow 'w' has not completed after 0\.01 s; wait"
    ):
        client.wait_for_state_execution_completion_with_state_execution_id(Submit, "w", 2, timeout=0.01)
    with pytest.raises(WorkflowStillRunningError, match="^state Submit with the key 'k' of workflow"):
        client.wait_for_state_execution_completion_with_wait_for_key(Submit, "w", "k", timeout=0)
    with pytest.raises(WorkflowStillRunningError, match="^data attribute 'note-1' of workflow 'w' is not what"):
        client.wait_for_data_attribute(Signup, "w", "note-1", timeout=0.01)

    assert all(future.cancelled() for future in late)


def test_an_output_of_another_type_is_told(client, service):
    """
    With the execution that gave it.
    """
    service.answers.append(completion('"text"'))

    with pytest.raises(PayloadError, match="output of Submit-2"):
        client.wait_for_state_execution_completion_with_state_execution_id(Submit, "w", 2, type_hint=int)


def test_an_attribute_is_waited_for_until_it_will_do(client, service):
    """
    Each answer that will not do is the revision to go on from, in the run that it came from.
    """
    service.answers.extend([reading("1", 2), reading(None, 0), reading("2", 5, "next"), reading("3", 6, "next")])

    found = client.wait_for_data_attribute(Signup, "w", "note-1", 3)

    assert found == AttributeValue(key="note-1", value=3, revision=6, run_id="next")
    asked = [(request.run_id, request.after) for _, request in service.asked]
    assert asked == [(None, 0), ("r", 2), ("r", 0), ("next", 5)]
    assert type(service.last) is AttributeWaitRequest


@pytest.mark.parametrize(
    ("arguments", "keywords", "first", "answers", "value"),
    [
        ((), {}, 0, [("0", 4)], 0),
        ((None,), {}, -1, [("1", 4), (None, 0)], None),
        ((), {"since": 4}, 4, [(None, 0)], None),
        ((), {"since": 0}, 0, [("1", 9)], 1),
        ((2,), {"since": 4}, 4, [(None, 0), ("1", 5), ("2", 6)], 2),
        ((), {"until": lambda note: note > 1}, 0, [("1", 4), (None, 0), ("2", 6)], 2),
        ((), {"until": lambda note: note > 1, "since": 3}, 3, [("2", 6)], 2),
    ],
)
def test_what_will_do(client, service, arguments, keywords, first, answers, value):
    """
    Anything that is set; nothing at all; any change; a value; or what a predicate takes, which is never asked about nothing.
    """
    service.answers.extend(reading(*each) for each in answers)

    found = client.wait_for_data_attribute(Signup, "w", "note-1", *arguments, **keywords)

    assert found.value == value
    assert service.asked[0][1].after == first
    assert not service.answers


def test_what_can_never_do_is_refused(client, service):
    """
    A value of another type, two wishes at once, what is no wish: before anything is sent.
    """
    wait = client.wait_for_data_attribute

    for arguments, keywords, text in (
        (("note-1", "seven"), {}, "int"),
        (("note-1", 7), {"until": bool}, "not for both"),
        (("note-1",), {"until": 7}, "function"),
        (("note-1",), {"until": asyncio.sleep}, "plain function"),
        (("note-1",), {"since": "7"}, "revision"),
        (("note-1",), {"timeout": "soon"}, "timeout"),
    ):
        with pytest.raises(InvalidArgumentError, match=text):
            wait(Signup, "w", *arguments, **keywords)
    with pytest.raises(NotRegisteredError):
        wait(Signup, "w", "unknown")

    assert service.asked == []


def test_patience_is_for_all_that_is_asked(client, service):
    """
    However often the attribute changes meanwhile.
    """
    late = Future()
    service.answers.extend([reading("1", 2), reading("2", 3), late])

    with pytest.raises(WorkflowStillRunningError, match="after 0.01 s"):
        client.wait_for_data_attribute(Signup, "w", "note-1", 3, timeout=0.01)

    assert late.cancelled()


def test_a_predicate_that_raises_ends_the_waiting(client, service):
    """
    Its error is the caller's own.
    """
    service.answers.append(reading("1", 2))

    with pytest.raises(ZeroDivisionError):
        client.wait_for_data_attribute(Signup, "w", "note-1", until=lambda note: note / 0)

    assert len(service.asked) == 1


def test_a_task_waits_for_an_attribute_as_a_thread_does(registry, service):
    """
    From answer to answer, until one will do or patience ends.
    """
    client = AsyncClient(registry, service, JsonConverter())
    late = Future()
    service.answers.extend([reading("1", 2), reading("3", 6), reading("1", 2), late])

    async def wait():
        found = await client.wait_for_data_attribute(Signup, "w", "note-1", 3)
        with pytest.raises(WorkflowStillRunningError, match="after 0.01 s"):
            await client.wait_for_data_attribute(Signup, "w", "note-1", 3, timeout=0.01)
        return found

    assert asyncio.run(wait()).revision == 6
    assert [request.after for _, request in service.asked] == [0, 2, 0, 2]
    assert late.cancelled()


def test_an_outcome_has_the_results_of_each_state(client, service):
    """
    However the workflow ended; a state is named by its class or its id, and each has types of its own.
    """
    ended = result(
        '"part"',
        "2",
        status=WorkflowStatus.FAILED,
        error_type=WorkflowErrorType.STATE_API_FAIL_ERROR_TYPE,
        error_message="no luck",
    )
    service.answers.extend([ended, ended])

    outcome = client.get_workflow_outcome("w")

    assert (outcome.workflow_id, outcome.run_id, outcome.status) == ("w", "r", WorkflowStatus.FAILED)
    assert (outcome.error_type, outcome.error_message) == ("STATE_API_FAIL_ERROR_TYPE", "no luck")
    assert not outcome.is_completed
    assert outcome.results() == outcome.results(state=Verify) == ["part", 2]
    assert outcome.results(state="Submit") == []
    assert outcome.result(state=Submit) is None
    with pytest.raises(WorkflowDefinitionError, match="2 outputs"):
        outcome.result()
    with pytest.raises(PayloadError, match="Verify-1"):
        outcome.results(int)
    with pytest.raises(NotRegisteredError):
        client.get(Signup, "w").outcome().results(state="Nobody")


def test_a_running_workflow_has_no_outcome(client, service):
    """
    Without waiting it is an error that says so.
    """
    service.answers.append(result(status=WorkflowStatus.RUNNING))

    with pytest.raises(WorkflowStillRunningError):
        client.get_workflow_outcome("w")


def test_a_start_may_name_what_will_be_waited_for(client, service):
    """
    States by class or id, executions by id or by state and number; a state that the workflow has not is refused.
    """
    options = WorkflowOptions(wait_for_completion_state_ids=[Submit])
    options.add_wait_for_completion_state_ids("Verify")
    options.add_wait_for_completion_state_execution_id(Verify, 2)
    options.wait_for_completion_state_execution_ids = [*options.wait_for_completion_state_execution_ids, "Submit-1"]
    service.answers.append("run")

    client.start_workflow(Signup, "w", 60, Form("a@b"), options)

    assert service.last.wait_for_state_ids == ("Submit", "Verify")
    assert service.last.wait_for_state_execution_ids == ("Verify-2", "Submit-1")
    with pytest.raises(NotRegisteredError, match="Nobody"):
        client.start_workflow(Signup, "w", 60, Form("a@b"), WorkflowOptions(wait_for_completion_state_ids=["Nobody"]))
    with pytest.raises(InvalidArgumentError, match="wait_for_completion_state_ids takes a list"):
        WorkflowOptions(wait_for_completion_state_ids="Submit")


def test_every_call_may_name_its_run(client):
    """
    But for those that start a run, look for several, or ask nobody: by an optional keyword.
    """
    of_no_run = {"start", "start_workflow", "get", "decode_outputs", "close"}
    of_no_run |= {"search_workflow", "find_workflows", "count_workflows"}
    calls = {name: getattr(client, name) for name in dir(client) if not name.startswith("_")}
    assert of_no_run < set(calls)

    for name in calls.keys() - of_no_run:
        parameter = inspect.signature(calls[name]).parameters["workflow_run_id"]
        assert parameter.default in (None, ""), name
        assert parameter.kind is not inspect.Parameter.POSITIONAL_ONLY, name
