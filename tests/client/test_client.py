"""The client builds requests of what it is given, refuses what is wrong, and opens what it is answered."""

import inspect
from datetime import timedelta

import pytest

from iwf_py.authoring.workflow_options import StopWorkflowOptions, WorkflowOptions
from iwf_py.client.aio import AsyncClient
from iwf_py.client.client import Client
from iwf_py.client.unregistered_client import UnregisteredClient
from iwf_py.errors import (
    InvalidArgumentError,
    NotRegisteredError,
    PayloadError,
    WorkflowAlreadyStartedError,
    WorkflowDefinitionError,
)
from iwf_py.model.decisions import Movement
from iwf_py.model.invocations import Publication
from iwf_py.model.options import (
    CallOptions,
    CronSchedule,
    RetryPolicy,
    StateOptions,
    WorkflowAlreadyStartedOptions,
    WorkflowRetryPolicy,
)
from iwf_py.model.payload import SearchAttribute
from iwf_py.model.requests import (
    GetAttributesRequest,
    PublishRequest,
    RpcRequest,
    RunAddress,
    SetAttributesRequest,
    SignalRequest,
    SkipTimerRequest,
    StartRequest,
    StopRequest,
)
from iwf_py.model.status import IDReusePolicy, SearchAttributeValueType, WorkflowStopType
from tests.client.doubles import Child, Entity, Form, Signup, Stranger, Submit, Verify, result, sealed

AT = {"namespace": "shop", "workflow_id": "w"}
FORM = sealed('{"email":"a@b","age":0}')


def test_start_sends_the_starting_state_with_its_input_and_options(client, service):
    """
    The positional order is iWF's: class, id, timeout in seconds, input, options.
    """
    service.answers.append("run-1")

    run_id = client.start_workflow(Signup, "w", 3600, Form("a@b"))

    assert run_id == "run-1"
    assert service.asked == [
        (
            "start",
            StartRequest(
                **AT,
                workflow_type="Signup",
                start=Movement(
                    "Submit",
                    FORM,
                    StateOptions(skip_wait_until=True, execute=CallOptions(timeout=timedelta(seconds=5))),
                ),
                timeout=timedelta(hours=1),
            ),
        )
    ]


@pytest.mark.parametrize(
    ("given", "sent"), [(None, None), (0, None), (timedelta(0), None), (timedelta(days=1), timedelta(days=1)), (0.5, timedelta(seconds=0.5))]
)  # fmt: skip
def test_the_timeout_may_be_seconds_or_a_timedelta_or_none(client, service, given, sent):
    """
    None and 0 are no timeout.
    """
    client.start_workflow(Entity, "w", given)

    assert service.last.timeout == sent
    assert service.last.start is None


def test_start_sends_all_options(client, service):
    """
    Reuse, delay, retry, already started and initial attributes.
    """
    client.start_workflow(
        Signup,
        "w",
        options=WorkflowOptions(
            workflow_id_reuse_policy=IDReusePolicy.DISALLOW_REUSE,
            workflow_start_delay_seconds=2,
            workflow_retry_policy=WorkflowRetryPolicy(maximum_attempts=3),
            workflow_already_started_options=WorkflowAlreadyStartedOptions(True),
            initial_data_attributes={"tags": ["a"], "note-1": 7, "form": None},
            initial_search_attributes={"city": "Bonn"},
        ),
    )

    request = service.last
    assert request.id_reuse_policy is IDReusePolicy.DISALLOW_REUSE
    assert request.start_delay == timedelta(seconds=2)
    assert request.retry == WorkflowRetryPolicy(maximum_attempts=3)
    assert request.already_started == WorkflowAlreadyStartedOptions(True)
    assert request.attributes == (("tags", sealed('["a"]')), ("note-1", sealed("7")))
    assert request.search_attributes == (
        SearchAttribute("city", string_value="Bonn", value_type=SearchAttributeValueType.KEYWORD),
    )


@pytest.mark.parametrize(
    ("schedule", "zone", "sent"),
    [
        (None, None, None),
        ("", None, None),
        ("@daily", None, CronSchedule("@daily", "UTC")),
        ("@daily", "Asia/Tokyo", CronSchedule("@daily", "Asia/Tokyo")),
        (CronSchedule("@daily", "Asia/Tokyo"), None, CronSchedule("@daily", "Asia/Tokyo")),
        (CronSchedule("@daily", "Asia/Tokyo"), "Asia/Tokyo", CronSchedule("@daily", "Asia/Tokyo")),
    ],
)
def test_start_sends_its_schedule(client, service, schedule, zone, sent):
    """
    A text is an expression; whether it can be read is for the host to say.
    """
    client.start_workflow(
        Signup, "w", options=WorkflowOptions(workflow_cron_schedule=schedule, workflow_cron_time_zone=zone)
    )

    assert service.last.cron == sent


def test_start_says_what_will_be_waited_for(client, service):
    """
    A class is sent as the id that its workflow knows it by.
    """
    options = WorkflowOptions(
        wait_for_completion_state_ids=[Submit, "Verify"],
        wait_for_completion_state_execution_ids=[(Verify, 2), ("Submit", 1), "Submit-3"],
    )

    client.start_workflow(Signup, "w", options=options)

    assert service.last.wait_for_state_ids == ("Submit", "Verify")
    assert service.last.wait_for_state_execution_ids == ("Verify-2", "Submit-1", "Submit-3")


def test_options_that_are_set_afterwards_are_sent_too(client, service):
    """
    An option is a plain attribute: what it holds at the call is what counts.
    """
    options = WorkflowOptions()
    options.workflow_start_delay_seconds = timedelta(seconds=2)
    options.initial_data_attributes = {"tags": ["a"]}
    client.start_workflow(Signup, "w", options=options)

    assert service.last.start_delay == timedelta(seconds=2)
    assert service.last.attributes == (("tags", sealed('["a"]')),)


@pytest.mark.parametrize("kind", [Client, AsyncClient, UnregisteredClient])
def test_every_call_about_a_run_can_name_it(kind):
    """
    By its run id; only a start and a search have none, and handles are got for a run.
    """
    without = []
    for name, method in inspect.getmembers(kind, inspect.isfunction):
        parameters = inspect.signature(method).parameters
        is_about_a_run = "workflow_id" in parameters and not name.startswith(("_", "start"))
        if is_about_a_run and not {"workflow_run_id", "run_id"} & set(parameters):
            without.append(name)

    assert without == []


REFUSED_STARTS = [
    ((Stranger, "w"), NotRegisteredError, "Stranger is not registered"),
    (("Nobody", "w"), NotRegisteredError, "Nobody is not registered"),
    ((Signup, ""), InvalidArgumentError, "workflow id must not be empty"),
    ((Signup, "a\nb"), InvalidArgumentError, "control character"),
    ((Signup, 7), InvalidArgumentError, "workflow id must be a str, got int"),
    ((Signup, "w", -1), InvalidArgumentError, "workflow timeout must be between 0"),
    ((Signup, "w", 60, "a@b"), InvalidArgumentError, r"input of workflow Signup \(state Submit\): expected Form, got str"),
    ((Signup, "w", 60, Form(7)), InvalidArgumentError, r"Form\.email: expected str, got int"),
    ((Signup, "w", 60, Form("\ud800")), PayloadError, "input of workflow Signup.*lone surrogate"),
    ((Entity, "w", 60, 1), InvalidArgumentError, "Entity has no starting state, so it takes no input, got int"),
    ((Signup, "w", 60, None, WorkflowOptions(initial_data_attributes={"x": 1})), NotRegisteredError, "'x' is not declared"),
    ((Signup, "w", 60, None, WorkflowOptions(initial_data_attributes={"tags": [1]})), InvalidArgumentError, r"'tags' of Signup: list\[str\]\[0\]: expected str, got int"),
    ((Signup, "w", 60, None, WorkflowOptions(initial_search_attributes={"age": "x"})), InvalidArgumentError, "'age' takes an int"),
    ((Signup(), "w"), InvalidArgumentError, "a workflow is named by its class or its type, got <.*Signup object"),
    ((7, "w"), InvalidArgumentError, "a workflow is named by its class or its type, got 7"),
    ((Signup, "w", 60, None, {"workflow_start_delay_seconds": 3}), InvalidArgumentError, r"options must be WorkflowOptions\(\.\.\.\), got {"),
    ((Signup, "w", 60, None, StopWorkflowOptions()), InvalidArgumentError, r"options must be WorkflowOptions\(\.\.\.\), got Stop"),
    ((Signup, "w", 60, None, WorkflowOptions(workflow_id_reuse_policy="NEVER")), InvalidArgumentError, "workflow_id_reuse_policy takes one of ALLOW_IF_NO_RUNNING, .*; got 'NEVER'"),
    ((Signup, "w", 60, None, WorkflowOptions(workflow_retry_policy=RetryPolicy())), InvalidArgumentError, "workflow_retry_policy takes a WorkflowRetryPolicy, got RetryPolicy"),
    ((Signup, "w", 60, None, WorkflowOptions(workflow_already_started_options=True)), InvalidArgumentError, "takes a WorkflowAlreadyStartedOptions, got True"),
    ((Signup, "w", 60, None, WorkflowOptions(initial_data_attributes=["tags"])), InvalidArgumentError, "initial_data_attributes takes a Mapping"),
    ((Signup, "w", 60, None, WorkflowOptions(workflow_start_delay_seconds=-1)), InvalidArgumentError, "workflow_start_delay_seconds must be between 0"),
    ((Signup, "w", 60, None, WorkflowOptions(workflow_already_started_options=WorkflowAlreadyStartedOptions(True, 5))), InvalidArgumentError, "request id must be a str, got int 5"),
    ((Signup, "w", 60, None, WorkflowOptions(workflow_cron_schedule=5)), InvalidArgumentError, "workflow_cron_schedule takes a str or a CronSchedule, got 5"),
    ((Signup, "w", 60, None, WorkflowOptions(workflow_cron_schedule="@daily", workflow_cron_time_zone=5)), InvalidArgumentError, "workflow_cron_time_zone takes a str, got 5"),
    ((Signup, "w", 60, None, WorkflowOptions(workflow_cron_time_zone="UTC")), InvalidArgumentError, "says nothing without a workflow_cron_schedule"),
    ((Signup, "w", 60, None, WorkflowOptions(workflow_cron_schedule=CronSchedule("@daily"), workflow_cron_time_zone="Asia/Tokyo")), InvalidArgumentError, "has time zone 'UTC', workflow_cron_time_zone is 'Asia/Tokyo'; give one"),
    ((Signup, "w", 60, None, WorkflowOptions(wait_for_completion_state_ids=["Nobody"])), NotRegisteredError, "Nobody"),
    ((Signup, "w", 60, None, WorkflowOptions(wait_for_completion_state_execution_ids=[("Nobody", 1)])), NotRegisteredError, "Nobody"),
]  # fmt: skip


@pytest.mark.parametrize(("arguments", "error", "sentence"), REFUSED_STARTS, ids=range(len(REFUSED_STARTS)))
def test_a_wrong_start_is_refused_before_anything_is_sent(client, service, arguments, error, sentence):
    """
    The sentence names what, and what it should be.
    """
    with pytest.raises(error, match=sentence):
        client.start_workflow(*arguments)

    assert service.asked == []


def test_a_refusal_is_raised_as_it_is(client, service):
    """
    The service's error reaches the caller, with the caller's frames alone in its traceback.
    """
    refusal = WorkflowAlreadyStartedError(workflow_id="w", run_id="r")
    try:
        raise refusal
    except WorkflowAlreadyStartedError:
        service.answers.append(refusal)

    with pytest.raises(WorkflowAlreadyStartedError) as caught:
        client.start_workflow(Entity, "w")

    assert caught.value is refusal
    assert "raise refusal" not in "".join(str(entry.statement) for entry in caught.traceback)


def test_describe_stop_and_history(client, service):
    """
    Each is one request; an empty run id is the current run.
    """
    client.describe_workflow("w")
    client.describe_workflow("w", "r")
    client.stop_workflow("w")
    client.stop_workflow("w", StopWorkflowOptions(WorkflowStopType.FAIL, "why"), workflow_run_id="r")
    client.get_history("w", after=3, limit=7)

    assert service.asked == [
        ("describe", RunAddress(**AT)),
        ("describe", RunAddress(**AT, run_id="r")),
        ("stop", StopRequest(**AT, stop_type=WorkflowStopType.CANCEL)),
        ("stop", StopRequest(**AT, run_id="r", stop_type=WorkflowStopType.FAIL, reason="why")),
        ("history", RunAddress(**AT), 3, 7),
    ]


@pytest.mark.parametrize("kind", ["FAIL", WorkflowStopType.FAIL])
def test_an_option_s_text_is_its_member(client, service, kind):
    """
    A text that reads like a member of the enum is that member, never the default instead.
    """
    client.stop_workflow("w", StopWorkflowOptions(kind, "why"))
    client.start_workflow(Signup, "w", options=WorkflowOptions(workflow_id_reuse_policy="DISALLOW_REUSE"))

    assert service.asked[0][1].stop_type is WorkflowStopType.FAIL
    assert service.last.id_reuse_policy is IDReusePolicy.DISALLOW_REUSE


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (WorkflowStopType.FAIL, r"options must be StopWorkflowOptions\(\.\.\.\), got <WorkflowStopType.FAIL"),
        (StopWorkflowOptions("KILL"), "workflow_stop_type takes one of CANCEL, .*; got 'KILL'"),
        (StopWorkflowOptions(WorkflowStopType.FAIL, 7), "reason takes a str, got 7"),
    ],
)
def test_a_wrong_way_to_stop_is_refused(client, service, options, sentence):
    """
    A run is not cancelled because the options say something else.
    """
    with pytest.raises(InvalidArgumentError, match=sentence):
        client.stop_workflow("w", options)

    assert service.asked == []


def test_an_rpc_is_sent_with_its_options_and_decoded_by_its_annotation(client, service):
    """
    The method tells the name, the input's type, the policies and the type of the answer.
    """
    service.answers.extend([sealed('"done"'), FORM, sealed('{"email":"x"}')])

    assert client.invoke_rpc("w", Signup.verify, "email") == "done"
    assert client.invoke_rpc("w", Signup.form) == Form("a@b")
    assert client.invoke_rpc("w", Signup.form, return_type_hint=dict, workflow_run_id="r") == {"email": "x"}

    first, second, third = (request for _, request in service.asked)
    assert first == RpcRequest(**AT, rpc_name="verify", input=sealed('"email"'), options=first.options)
    assert second.input is None
    assert second.options.timeout == timedelta(seconds=3)
    assert third.run_id == "r"


@pytest.mark.parametrize(
    ("rpc", "arguments", "payload"),
    [
        (Signup.maybe, (), None),
        (Signup.maybe, (None,), None),
        (Signup.maybe, (Form("a@b"),), FORM),
        (Signup.counted, (), None),
        (Signup.counted, (5,), sealed("5")),
        (Signup.verify, (None,), None),
        (Signup.form, (None,), None),
        (Signup().verify, ("x",), sealed('"x"')),
        (Child.verify, ("x",), sealed('"x"')),
    ],
)
def test_the_input_of_an_rpc(client, service, rpc, arguments, payload):
    """
    It may be left out where it has a default or may be None; None is no value.
    """
    client.invoke_rpc("w", rpc, *arguments)

    assert service.last.input == payload


REFUSED_RPCS = [
    (Signup.verify, (), InvalidArgumentError, "input of RPC Signup.verify: expected str, but none was given"),
    (Signup.verify, (7,), InvalidArgumentError, "input of RPC Signup.verify: expected str, got int"),
    (Signup.form, (7,), InvalidArgumentError, "RPC Signup.form takes no input, got int"),
    (Stranger.read, (), NotRegisteredError, "Stranger"),
    ("verify", ("x",), InvalidArgumentError, "name alone"),
    (lambda self: 1, (), InvalidArgumentError, "RPC"),
]


@pytest.mark.parametrize(("rpc", "arguments", "error", "sentence"), REFUSED_RPCS, ids=range(len(REFUSED_RPCS)))
def test_a_wrong_rpc_is_refused_before_anything_is_sent(client, service, rpc, arguments, error, sentence):
    """
    Too much, too little, the wrong type, the wrong method: each has its sentence.
    """
    with pytest.raises(error, match=sentence):
        client.invoke_rpc("w", rpc, *arguments)

    assert service.asked == []


def test_an_answer_that_cannot_be_opened_says_whose_it_is(client, service):
    """
    The RPC and the type stand in the sentence.
    """
    service.answers.append(sealed("7"))

    with pytest.raises(PayloadError, match="output of RPC Signup.verify: cannot decode: expected str, got int"):
        client.invoke_rpc("w", Signup.verify, "x")


def test_a_signal(client, service):
    """
    Without a class nothing is known of the channel; with one it must be declared, and the value fit.
    """
    client.signal_workflow("w", "anything", {"a": 1})
    client.signal_workflow("w", "mail", Form("a@b"), workflow_class=Signup, workflow_run_id="r")

    assert service.asked == [
        ("signal", SignalRequest(**AT, channel_name="anything", value=sealed('{"a":1}'))),
        ("signal", SignalRequest(**AT, run_id="r", channel_name="mail", value=FORM)),
    ]
    with pytest.raises(NotRegisteredError, match="signal channel 'maul' is not declared by Signup"):
        client.signal_workflow("w", "maul", workflow_class=Signup)
    with pytest.raises(InvalidArgumentError, match="signal 'mail': expected Form, got int"):
        client.signal_workflow("w", "mail", 7, workflow_class=Signup)
    with pytest.raises(InvalidArgumentError, match="reserved prefix"):
        client.signal_workflow("w", "__IwfSystem_x")
    assert len(service.asked) == 2


def test_publishing(client, service):
    """
    The channel must be declared by the class, and the value of its type; several go together.
    """
    client.publish_to_internal_channel(Signup, "w", "verify")
    client.publish_to_internal_channels(Signup, "w", [("room-1", 1), ("verify", None)], workflow_run_id="r")

    assert service.asked == [
        ("publish", PublishRequest(**AT, messages=(Publication(channel_name="verify"),))),
        (
            "publish",
            PublishRequest(
                **AT,
                run_id="r",
                messages=(Publication(channel_name="room-1", value=sealed("1")), Publication(channel_name="verify")),
            ),
        ),
    ]
    with pytest.raises(InvalidArgumentError, match="internal channel 'verify': expected None, got int"):
        client.publish_to_internal_channel(Signup, "w", "verify", 3)
    with pytest.raises(NotRegisteredError, match="'hall' is not declared"):
        client.publish_to_internal_channel(Signup, "w", "hall")


def test_data_attributes_are_read_as_their_declared_types(client, service):
    """
    What is there comes by key; one that is declared no longer comes as it is.
    """
    service.answers.extend([{"form": FORM, "note-1": sealed("7")}, {"old": sealed("[1]")}])

    assert client.get_workflow_data_attributes(Signup, "w", keys=["form", "note-1"]) == {
        "form": Form("a@b"),
        "note-1": 7,
    }
    assert client.get_all_workflow_data_attributes(Signup, "w", "r") == {"old": [1]}

    assert service.asked == [
        ("get_attributes", GetAttributesRequest(**AT, keys=("form", "note-1"))),
        ("get_attributes", GetAttributesRequest(**AT, run_id="r")),
    ]
    with pytest.raises(NotRegisteredError, match="'fork' is not declared.*form"):
        client.get_workflow_data_attributes(Signup, "w", keys=["fork"])
    with pytest.raises(InvalidArgumentError, match="keys must be a list"):
        client.get_workflow_data_attributes(Signup, "w", keys="form")


def test_data_attributes_are_written_all_or_none(client, service):
    """
    None deletes; one wrong value keeps all from being sent.
    """
    client.set_workflow_data_attributes(Signup, "w", data_attributes={"form": Form("a@b"), "tags": None})

    assert service.asked == [
        ("set_attributes", SetAttributesRequest(**AT, attributes=(("form", FORM), ("tags", None)))),
    ]
    with pytest.raises(InvalidArgumentError, match="data attribute 'tags' of Signup"):
        client.set_workflow_data_attributes(Signup, "w", data_attributes={"form": None, "tags": "abc"})
    with pytest.raises(NotRegisteredError):
        client.set_workflow_data_attributes(Signup, "w", data_attributes={"fork": None})
    assert len(service.asked) == 1


def test_search_attributes(client, service):
    """
    They are plain values by key, or iWF's list with types.
    """
    city = SearchAttribute("city", string_value="Bonn", value_type=SearchAttributeValueType.KEYWORD)
    service.answers.extend([{"city": city}, {"city": city}])

    assert client.get_workflow_search_attributes(Signup, "w", ["city"]) == {"city": "Bonn"}
    assert client.get_all_search_attributes(Signup, "w") == {"city": "Bonn"}
    client.set_workflow_search_attributes(Signup, "w", [city, SearchAttribute("age")])
    client.set_workflow_search_attributes(Signup, "w", {"city": "Bonn", "age": None}, "r")

    written = (city, SearchAttribute("age"))
    assert service.asked[2:] == [
        ("set_attributes", SetAttributesRequest(**AT, search_attributes=written)),
        ("set_attributes", SetAttributesRequest(**AT, run_id="r", search_attributes=written)),
    ]
    for wrong, error in (
        ([SearchAttribute("city", integer_value=1, value_type=SearchAttributeValueType.INT)], InvalidArgumentError),
        ([SearchAttribute("city", integer_value=1)], InvalidArgumentError),
        ({"age": "x"}, InvalidArgumentError),
        (["city"], InvalidArgumentError),
        ({"street": "x"}, NotRegisteredError),
    ):
        with pytest.raises(error):
            client.set_workflow_search_attributes(Signup, "w", wrong)
    with pytest.raises(NotRegisteredError):
        client.get_workflow_search_attributes(Signup, "w", ["street"])


def test_a_timer_is_skipped_by_id_or_index(client, service):
    """
    The state is named by its class or its id.
    """
    client.skip_timer_by_command_id("w", Verify, "t")
    client.skip_timer_by_command_id("w", "Verify", "t", 2, workflow_run_id="r")
    client.skip_timer_at_command_index("w", Verify, 3, 1)

    assert service.asked == [
        ("skip_timer", SkipTimerRequest(**AT, state_execution_id="Verify-1", command_id="t")),
        ("skip_timer", SkipTimerRequest(**AT, run_id="r", state_execution_id="Verify-2", command_id="t")),
        ("skip_timer", SkipTimerRequest(**AT, state_execution_id="Verify-3", index=1)),
    ]
    for arguments in (("w", Verify, 0), ("w", Verify, True), ("w", Verify, 1, -1), ("w", "", 1)):
        with pytest.raises(InvalidArgumentError):
            client.skip_timer_at_command_index(*arguments)
    with pytest.raises(InvalidArgumentError):
        client.skip_timer_by_command_id("w", Verify, "")


def test_a_result(client, service):
    """
    No output is None, one is opened as the hint says; the JSON value without one.
    """
    service.answers.extend([result(), result('"done"'), result('{"email":"x"}'), result('{"email":"x"}'), result("1")])

    assert client.wait_for_workflow_completion("w", str) is None
    assert client.wait_for_workflow_completion("w", str) == "done"
    assert client.get_simple_workflow_result_with_wait("w", Form) == Form("x")
    assert client.get_workflow_result("w") == {"email": "x"}
    assert client.wait_for_workflow_completion("w", int | str, workflow_run_id="r") == 1

    assert [name for name, _ in service.asked] == ["wait", "wait", "wait", "result", "wait"]
    assert service.last == RunAddress(**AT, run_id="r")


def test_several_results(client, service):
    """
    They come in order of completion; the single form names the way out.
    """
    service.answers.extend([result("1", "2"), result("1", "2"), result("1", "2"), result("1", "x")])

    assert client.wait_for_workflow_results("w", int) == [1, 2]
    assert client.get_workflow_results("w", int) == [1, 2]
    with pytest.raises(WorkflowDefinitionError, match="2 outputs, of Verify-1, Verify-2; use get_workflow_results"):
        client.wait_for_workflow_completion("w", int)
    with pytest.raises(PayloadError):
        client.get_workflow_results("w", int)


def test_an_output_that_cannot_be_opened_says_whose_it_is(client, service):
    """
    The state execution stands in the sentence.
    """
    service.answers.append(result("1"))

    with pytest.raises(PayloadError, match="output of Verify-1: cannot decode: expected str"):
        client.wait_for_workflow_completion("w", str)


def test_the_namespace_is_checked(registry, service):
    """
    It is a name as any other.
    """
    from iwf_py.client.client import Client
    from iwf_py.codec.payloads import JsonConverter

    with pytest.raises(InvalidArgumentError, match="namespace"):
        Client(registry, service, JsonConverter(), namespace="")
