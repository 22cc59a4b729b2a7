"""Workflows called by names: nothing is looked up, and everything that can be wrong is still said before it is sent."""

from concurrent.futures import Future
from datetime import timedelta

import pytest

from iwf_py import (
    IDReusePolicy,
    InvalidArgumentError,
    PersistenceLoadingPolicy,
    RetryPolicy,
    SearchAttribute,
    SearchAttributeValueType,
    StopWorkflowOptions,
    UnregisteredClient,
    UnregisteredWorkflowOptions,
    WorkflowConfig,
    WorkflowDefinitionError,
    WorkflowFailed,
    WorkflowNotExistsError,
    WorkflowRetryPolicy,
    WorkflowStateOptions,
    WorkflowStillRunningError,
    WorkflowStopType,
    convert_to_sa_list,
    get_workflow_type_by_rpc_method,
    reset_to_state_execution_id,
)
from iwf_py.model.decisions import Movement
from iwf_py.model.options import CallOptions, CronSchedule, RpcOptions, StateOptions
from iwf_py.model.requests import (
    GetAttributesRequest,
    ResetRequest,
    RpcRequest,
    RunAddress,
    SearchPage,
    SearchRequest,
    SetAttributesRequest,
    SignalRequest,
    SkipTimerRequest,
    StartRequest,
    StateCompletion,
    StateWaitRequest,
    StopRequest,
)
from iwf_py.model.status import WorkflowResetType, WorkflowStatus
from iwf_py.testing import TestEngine
from tests.client.doubles import Child, Entity, Signup, Stranger, result, sealed

KEYWORD = SearchAttributeValueType.KEYWORD


@pytest.fixture
def client(service):
    return UnregisteredClient(service, namespace="shop")


def test_start(client, service):
    """
    The state, its input and all options go as they are given.
    """
    service.answers.append("run")
    city = SearchAttribute("city", string_value="Bonn", value_type=KEYWORD)
    options = UnregisteredWorkflowOptions(
        workflow_id_reuse_policy=IDReusePolicy.DISALLOW_REUSE,
        cron_schedule="@daily",
        workflow_start_delay_seconds=3,
        workflow_retry_policy=WorkflowRetryPolicy(maximum_attempts=2),
        start_state_options=WorkflowStateOptions(
            execute_api_timeout_seconds=5,
            execute_api_retry_policy=RetryPolicy(maximum_attempts=2),
            proceed_to_state_when_execute_retry_exhausted="Undo",
        ),
        workflow_config_override=WorkflowConfig(optimize_timer=True),
        initial_data_attributes={"form": {"email": "a@b"}, "nothing": None},
        initial_search_attributes=[city],
        using_memo_for_data_attributes=True,
        wait_for_completion_state_ids=["Verify"],
        wait_for_completion_state_execution_ids=["Verify-2"],
    )

    assert client.start_workflow("Signup", "alice", "Submit", timedelta(hours=1), {"email": "a@b"}, options) == "run"
    assert service.last == StartRequest(
        namespace="shop",
        workflow_id="alice",
        workflow_type="Signup",
        start=Movement(
            "Submit",
            sealed('{"email":"a@b"}'),
            StateOptions(
                execute=CallOptions(timeout=timedelta(seconds=5), retry=RetryPolicy(maximum_attempts=2)),
                failure_state_id="Undo",
            ),
        ),
        timeout=timedelta(hours=1),
        id_reuse_policy=IDReusePolicy.DISALLOW_REUSE,
        retry=WorkflowRetryPolicy(maximum_attempts=2),
        start_delay=timedelta(seconds=3),
        attributes=(("form", sealed('{"email":"a@b"}')),),
        search_attributes=(city,),
        config=WorkflowConfig(optimize_timer=True),
        cron=CronSchedule(expression="@daily"),
        wait_for_state_ids=("Verify",),
        wait_for_state_execution_ids=("Verify-2",),
    )


@pytest.mark.parametrize("state_id", ["", None])
def test_a_start_without_a_state(client, service, state_id):
    """
    Nothing is sealed; an input would be lost, so it is refused.
    """
    client.start_workflow("Entity", "it", state_id)

    assert service.last == StartRequest(namespace="shop", workflow_id="it", workflow_type="Entity")
    with pytest.raises(InvalidArgumentError, match="Entity is started without a state, so it takes no input"):
        client.start_workflow("Entity", "it", state_id, None, 3)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("", "w", "S"), "workflow type must not be empty"),
        (("F", "", "S"), "workflow id must not be empty"),
        (("F", "w", "S\n"), "start state id"),
        (("F", "w", "S", "soon"), "workflow timeout must be seconds"),
        (("F", "w", "S", None, None, {"cron_schedule": "x"}), r"options must be UnregisteredWorkflowOptions\(...\)"),
        (
            ("F", "w", "S", None, None, UnregisteredWorkflowOptions(initial_data_attributes=[1])),
            "option initial_data_attributes takes a Mapping",
        ),
        (
            ("F", "w", "S", None, None, UnregisteredWorkflowOptions(initial_search_attributes={"city": "Bonn"})),
            "search attributes are given as SearchAttribute, with its type, got str",
        ),
        (
            ("F", "w", "S", None, None, UnregisteredWorkflowOptions(start_state_options=3)),
            "start_state_options takes WorkflowStateOptions, got 3",
        ),
        (
            (
                *("F", "w", "S", None, None),
                UnregisteredWorkflowOptions(
                    start_state_options=WorkflowStateOptions(proceed_to_state_when_execute_retry_exhausted="U")
                ),
            ),
            "start_state_options: .* retried without end",
        ),
        (
            ("F", "w", "S", None, None, UnregisteredWorkflowOptions(wait_for_completion_state_ids="Verify")),
            "state ids are given as a list of str",
        ),
    ],
)
def test_a_wrong_start_is_refused_before_anything_is_sent(client, service, arguments, sentence):
    """
    With the argument that is wrong.
    """
    with pytest.raises(InvalidArgumentError, match=sentence):
        client.start_workflow(*arguments)
    assert service.asked == []


def test_an_unknown_option_is_refused():
    """
    With what was meant.
    """
    with pytest.raises(InvalidArgumentError, match="'cron_shedule'; did you mean 'cron_schedule'"):
        UnregisteredWorkflowOptions(cron_shedule="x")


def test_an_rpc(client, service):
    """
    Its options are the caller's; the answer is opened as the hint says.
    """
    service.answers.extend([sealed("[1,2]"), sealed("[1,2]"), None])
    policy = PersistenceLoadingPolicy(partial_loading_keys=["form"])

    assert client.invoke_rpc({"a": 1}, "w", "r", "verify", 3, policy, {"city": KEYWORD}, tuple[int, int], True) == (
        1,
        2,
    )
    assert service.last == RpcRequest(
        namespace="shop",
        workflow_id="w",
        run_id="r",
        rpc_name="verify",
        input=sealed('{"a":1}'),
        options=RpcOptions(timeout=timedelta(seconds=3), attributes=policy),
    )
    assert client.invoke_rpc(None, "w", "", "verify", search_attribute_policy=policy) == [1, 2]
    assert service.last == RpcRequest(
        namespace="shop", workflow_id="w", rpc_name="verify", options=RpcOptions(search_attributes=policy)
    )
    assert client.invoke_rpc(None, "w", None, "verify") is None
    with pytest.raises(InvalidArgumentError, match="must be a PersistenceLoadingPolicy, got 3"):
        client.invoke_rpc(None, "w", None, "verify", 10, 3)


def test_the_simple_calls(client, service):
    """
    Each sends the one request that its name says, with the run id.
    """
    where = {"namespace": "shop", "workflow_id": "w", "run_id": "r"}
    city = SearchAttribute("city", string_value="Bonn", value_type=KEYWORD)
    options = StopWorkflowOptions(WorkflowStopType.FAIL, "why")

    client.signal_workflow("w", "r", "mail", 3)
    client.stop_workflow("w", "r", options)
    client.skip_timer_by_command_id("w", "r", "Verify", 2, "t")
    client.skip_timer_at_command_index("w", "r", "Verify", 2, 1)
    client.set_workflow_data_attributes("w", "r", {"a": 1, "b": None})
    client.set_workflow_search_attributes("w", "r", [city, SearchAttribute("gone")])

    assert [request for _, request in service.asked] == [
        SignalRequest(**where, channel_name="mail", value=sealed("3")),
        StopRequest(**where, stop_type=WorkflowStopType.FAIL, reason="why"),
        SkipTimerRequest(**where, state_execution_id="Verify-2", command_id="t"),
        SkipTimerRequest(**where, state_execution_id="Verify-2", index=1),
        SetAttributesRequest(**where, attributes=(("a", sealed("1")), ("b", None))),
        SetAttributesRequest(**where, search_attributes=(city, SearchAttribute("gone"))),
    ]


def test_a_search_attribute_must_say_its_type(client, service):
    """
    And be of it.
    """
    with pytest.raises(InvalidArgumentError, match="'city' has a value, but no value_type"):
        client.set_workflow_search_attributes("w", "", [SearchAttribute("city", string_value="Bonn")])
    with pytest.raises(InvalidArgumentError, match="'age' takes an int"):
        client.set_workflow_search_attributes(
            "w", "", [SearchAttribute("age", string_value="3", value_type=SearchAttributeValueType.INT)]
        )
    with pytest.raises(InvalidArgumentError, match="by key in a dict, got list"):
        client.set_workflow_data_attributes("w", "", [("a", 1)])
    assert service.asked == []


def test_attributes_are_read_as_plain_values(client, service):
    """
    By key, or all.
    """
    service.answers.extend([{"form": sealed('{"email":"a@b"}')}, {}, {"city": SearchAttribute("city", "Bonn")}])

    assert client.get_workflow_data_attributes("w", "r", ["form"]) == {"form": {"email": "a@b"}}
    assert service.last == GetAttributesRequest(namespace="shop", workflow_id="w", run_id="r", keys=("form",))
    assert client.get_workflow_data_attributes("w") == {}
    assert client.get_workflow_search_attributes("w", None, ["city"]) == {"city": "Bonn"}
    with pytest.raises(InvalidArgumentError, match="keys must be a list of str"):
        client.get_workflow_search_attributes("w", None, "city")


def test_results(client, service):
    """
    Waited for or looked at; a run that failed is an error with what it had collected.
    """
    service.answers.extend(
        [result("3"), result(status=WorkflowStatus.RUNNING), result("1", status=WorkflowStatus.FAILED)]
    )

    assert client.get_simple_workflow_result_with_wait("w", "r", int) == 3
    assert service.last == RunAddress(namespace="shop", workflow_id="w", run_id="r")
    assert client.get_workflow("w").status is WorkflowStatus.RUNNING
    with pytest.raises(WorkflowFailed) as caught:
        client.get_simple_workflow_result_with_wait("w")
    assert client.decode_outputs(caught.value.outputs, int) == [1]


def test_waiting_for_a_state(client, service):
    """
    By its number or by its key, as long as patience lasts.
    """
    done = StateCompletion(run_id="r", state_id="My-State", state_execution_id="My-State-2")
    late = Future()
    service.answers.extend([done, done, late])
    by_id = client.wait_for_state_execution_completion_with_state_execution_id
    where = {"namespace": "shop", "workflow_id": "w"}

    assert by_id("w", "r", "My-State-2") == done
    assert service.last == StateWaitRequest(**where, run_id="r", state_id="My-State", ordinal=2)
    assert client.wait_for_state_execution_completion_with_wait_for_key("w", None, "My-State", "key") == done
    assert service.last == StateWaitRequest(**where, state_id="My-State", wait_for_key="key")
    with pytest.raises(WorkflowStillRunningError, match="after 0 s"):
        by_id("w", None, "My-State-2", timeout=0)
    assert late.cancelled()
    for wrong in ("Verify", "Verify-", "Verify-0", "-1", "Verify-x", 3):
        with pytest.raises(InvalidArgumentError, match="such as 'VerifyState-1'"):
            by_id("w", None, wrong)


def test_search_and_reset(client, service):
    """
    A search is of the client's namespace; a reset has the fields of its options.
    """
    service.answers.extend([SearchPage(), "run-2"])
    options = reset_to_state_execution_id("Verify-2", "why", skip_signal_reapply=True)

    assert client.search_workflow(SearchRequest(query="city = 'Bonn'", page_size=3)) == SearchPage()
    assert service.last == SearchRequest(query="city = 'Bonn'", page_size=3, namespace="shop")
    assert client.reset_workflow("w", "r", options) == "run-2"
    assert service.last == ResetRequest(
        namespace="shop",
        workflow_id="w",
        run_id="r",
        reset_type=WorkflowResetType.STATE_EXECUTION_ID,
        state_execution_id="Verify-2",
        reason="why",
        skip_signal_reapply=True,
    )
    with pytest.raises(InvalidArgumentError, match="a search takes a SearchRequest, got 'x'"):
        client.search_workflow("x")


def test_it_drives_a_workflow_that_it_does_not_know():
    """
    On a real engine, from the start to a read of what is left.
    """
    with TestEngine(Signup()) as engine:
        client = engine.unregistered_client
        run_id = client.start_workflow("Signup", "alice", "Submit", 60, {"email": "a@b"})
        client.signal_workflow("alice", run_id, "mail", {"email": "a@b"})

        assert client.invoke_rpc("web", "alice", run_id, "verify") == "done"
        assert client.get_workflow("alice").status is WorkflowStatus.RUNNING
        client.set_workflow_data_attributes("alice", run_id, {"tags": ["new"], "unknown": 3})
        assert client.get_workflow_data_attributes("alice") == {"tags": ["new"], "unknown": 3}
        assert engine.client.get_all_workflow_data_attributes(Signup, "alice") == {"tags": ["new"], "unknown": 3}
        client.stop_workflow("alice")
        with pytest.raises(WorkflowNotExistsError):
            client.get_workflow("bob")


def test_plain_values_become_search_attributes():
    """
    By types that the caller knows; a key without one, and a value of another type, are refused.
    """
    types = {"city": KEYWORD, "age": SearchAttributeValueType.INT, "share": SearchAttributeValueType.DOUBLE}

    assert convert_to_sa_list(types, {"city": "Bonn", "share": 1}) == [
        SearchAttribute("city", string_value="Bonn", value_type=KEYWORD),
        SearchAttribute("share", double_value=1.0, value_type=SearchAttributeValueType.DOUBLE),
    ]
    assert convert_to_sa_list(types, None) == []
    with pytest.raises(WorkflowDefinitionError, match=r"\['town'\] have no type; there are \['age', 'city', 'share'\]"):
        convert_to_sa_list(types, {"town": "Bonn"})
    with pytest.raises(InvalidArgumentError, match="'age' takes an int"):
        convert_to_sa_list(types, {"age": True})


def test_an_rpc_tells_its_workflow_s_type():
    """
    That of the class or the instance through which it was reached.
    """
    assert get_workflow_type_by_rpc_method(Child.verify) == "Child"
    assert get_workflow_type_by_rpc_method(Entity().read) == "Entity"
    assert get_workflow_type_by_rpc_method(Stranger.read) == "Stranger"
    with pytest.raises(InvalidArgumentError, match="is not an RPC"):
        get_workflow_type_by_rpc_method(Signup.get_workflow_states)
