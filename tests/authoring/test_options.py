"""Options, as users write them and as the engine takes them."""

import copy
from datetime import timedelta

import pytest

from iwf_py import (
    IDReusePolicy,
    InvalidArgumentError,
    PersistenceLoadingPolicy,
    PersistenceLoadingType,
    RetryPolicy,
    StopWorkflowOptions,
    WaitUntilApiFailurePolicy,
    WorkflowIDReusePolicy,
    WorkflowOptions,
    WorkflowState,
    WorkflowStateOptions,
    WorkflowStopType,
)
from iwf_py.authoring.state_options import compile_options, option_problems
from iwf_py.model.options import DEFAULT_STATE_OPTIONS, CallOptions, StateOptions

LIMITED = RetryPolicy(maximum_attempts=3)


class Other(WorkflowState[None]):
    pass


def compiled(**options):
    return compile_options(WorkflowStateOptions(**options), skip_wait_until=False, failure=None)


@pytest.mark.parametrize("options", [WorkflowStateOptions, WorkflowOptions, StopWorkflowOptions])
def test_an_unknown_option_is_refused(options):
    """
    A keyword that is no option does not pass silently.
    """
    with pytest.raises(InvalidArgumentError, match=f"{options.__name__} has no option 'workflow_priority'"):
        options(workflow_priority=3)


def test_a_misspelt_option_is_told_what_was_meant():
    """
    The nearest option is named.
    """
    with pytest.raises(InvalidArgumentError, match="did you mean 'execute_api_timeout_seconds'"):
        WorkflowStateOptions(execute_api_timeout_second=3)


def test_an_unknown_attribute_is_warned_of():
    """
    Setting what is no option has no effect, and says so; setting an option says nothing.
    """
    options = WorkflowStateOptions()
    options.state_id = "submit"

    with pytest.warns(UserWarning, match="no option 'stateid'; did you mean 'state_id'"):
        options.stateid = "other"
    assert options.state_id == "submit"


def test_options_can_be_copied_and_compared():
    """
    They are plain values.
    """
    options = WorkflowStateOptions(state_id="submit", execute_api_retry_policy=LIMITED)

    assert copy.deepcopy(options) == options
    assert WorkflowStateOptions("submit", execute_api_retry_policy=LIMITED) == options


def test_a_loading_type_s_text_is_its_member():
    """
    A text that reads like a member is that member; any other is refused, and nothing is loaded in its place.
    """
    policy = PersistenceLoadingPolicy("LOAD_NONE")

    assert policy.persistence_loading_type is PersistenceLoadingType.LOAD_NONE
    with pytest.raises(InvalidArgumentError, match="must be one of LOAD_ALL_WITHOUT_LOCKING, .*; got 'NOTHING'"):
        PersistenceLoadingPolicy("NOTHING")


def test_nothing_said_is_the_default():
    """
    Options without any option are the engine's default, and so is a timeout of 0, the protocol's word for it.
    """
    assert compiled() == DEFAULT_STATE_OPTIONS
    assert compiled(execute_api_timeout_seconds=0, wait_until_api_timeout_seconds=0) == DEFAULT_STATE_OPTIONS


def test_durations_are_seconds_or_a_timedelta():
    """
    Whoever has a timedelta need not count seconds.
    """
    options = compiled(wait_until_api_timeout_seconds=2.5, execute_api_timeout_seconds=timedelta(minutes=1))

    assert options.wait_until.timeout == timedelta(seconds=2.5)
    assert options.execute.timeout == timedelta(minutes=1)


def test_a_method_s_own_policy_counts_before_the_one_for_both():
    """
    The general loading policy is for whichever method has none of its own; data and search attributes are apart.
    """
    both = PersistenceLoadingPolicy(PersistenceLoadingType.LOAD_NONE)
    own = PersistenceLoadingPolicy(PersistenceLoadingType.LOAD_PARTIAL_WITHOUT_LOCKING, ["a"])

    options = compiled(
        data_attributes_loading_policy=both,
        execute_api_data_attributes_loading_policy=own,
        wait_until_api_search_attributes_loading_policy=own,
    )

    assert options.wait_until == CallOptions(attributes=both, search_attributes=own)
    assert options.execute == CallOptions(attributes=own)


@pytest.mark.parametrize(
    ("policy", "proceeds"),
    [
        (True, True),
        (False, False),
        (None, False),
        (WaitUntilApiFailurePolicy.PROCEED_ON_FAILURE, True),
        (WaitUntilApiFailurePolicy.FAIL_WORKFLOW_ON_FAILURE, False),
    ],
)
@pytest.mark.parametrize(
    "spelling", ["proceed_to_execute_when_wait_until_retry_exhausted", "wait_until_api_failure_policy"]
)
def test_proceeding_is_a_bool_or_a_member(policy, proceeds, spelling):
    """
    The name asks for a bool, iWF for a member: both are understood, under the old spelling too.
    """
    options = WorkflowStateOptions(wait_until_api_retry_policy=LIMITED, **{spelling: policy})

    assert option_problems(options) == []
    assert compile_options(options, skip_wait_until=False, failure=None).proceed_on_wait_until_failure is proceeds


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"proceed_to_execute_when_wait_until_retry_exhausted": True}, "wait_until is retried without end"),
        (
            {"wait_until_api_failure_policy": True, "wait_until_api_retry_policy": RetryPolicy()},
            "wait_until is retried without end",
        ),
        ({"proceed_to_state_when_execute_retry_exhausted": Other}, "execute is retried without end"),
        ({"execute_failure_handling_state": "Other"}, "execute is retried without end"),
        ({"execute_api_retry_policy": 3}, "execute_api_retry_policy takes a RetryPolicy, got 3"),
        ({"data_attributes_loading_policy": "all"}, "takes a PersistenceLoadingPolicy, got 'all'"),
        ({"execute_api_timeout_seconds": -1}, "execute_api_timeout_seconds must be between 0"),
        ({"wait_until_api_timeout_seconds": "10"}, "wait_until_api_timeout_seconds must be seconds or a timedelta"),
        ({"proceed_to_execute_when_wait_until_retry_exhausted": "yes"}, "takes a bool or a WaitUntilApiFailurePolicy"),
        (
            {"proceed_to_state_when_execute_retry_exhausted": 3, "execute_api_retry_policy": LIMITED},
            "takes a state class or a state id, got 3",
        ),
        (
            {
                "proceed_to_state_when_execute_retry_exhausted": "a",
                "execute_failure_handling_state": "b",
                "execute_api_retry_policy": LIMITED,
            },
            "two spellings of one thing",
        ),
    ],
)
def test_options_that_cannot_work_say_why(options, problem):
    """
    A value of a wrong type, and a policy that would never apply, are problems.
    """
    problems = option_problems(WorkflowStateOptions(**options))

    assert any(problem in text for text in problems), problems


def test_a_limit_by_duration_is_a_limit():
    """
    Attempts can be exhausted by number or by total duration.
    """
    options = WorkflowStateOptions(
        proceed_to_state_when_execute_retry_exhausted=Other,
        execute_api_retry_policy=RetryPolicy(maximum_attempts_duration_seconds=timedelta(hours=1)),
    )

    assert option_problems(options) == []


def test_a_retry_policy_takes_seconds_or_a_timedelta():
    """
    It holds seconds, as the protocol does; a few words are enough for a limit.
    """
    policy = RetryPolicy(
        initial_interval_seconds=timedelta(seconds=2),
        maximum_interval_seconds=timedelta(minutes=1),
        maximum_attempts_duration_seconds=timedelta(hours=1),
    )

    assert policy == RetryPolicy(2, None, 60, None, 3600)
    assert RetryPolicy(maximum_attempts=3).is_limited


def test_an_override_replaces_what_it_sets():
    """
    What the override leaves out stays as the state has it.
    """
    own = WorkflowStateOptions(execute_api_timeout_seconds=5, execute_api_retry_policy=LIMITED)
    override = WorkflowStateOptions(execute_api_timeout_seconds=7)

    merged = own.overridden_by(override)

    assert merged == WorkflowStateOptions(execute_api_timeout_seconds=7, execute_api_retry_policy=LIMITED)
    assert own.execute_api_timeout_seconds == 5


def test_the_failure_state_comes_with_its_options():
    """
    The engine gets the id and the options of the state that follows; default ones are left out.
    """
    options = WorkflowStateOptions(execute_api_retry_policy=LIMITED)
    other = StateOptions(skip_wait_until=True)

    plain = compile_options(options, skip_wait_until=False, failure=("Other", StateOptions()))
    special = compile_options(options, skip_wait_until=False, failure=("Other", other))

    assert (plain.failure_state_id, plain.failure_state_options) == ("Other", None)
    assert (special.failure_state_id, special.failure_state_options) == ("Other", other)


def test_states_to_wait_for_are_classes_or_ids():
    """
    Given as keywords, set as lists, or added one by one: read, they are ids.
    """
    options = WorkflowOptions(wait_for_completion_state_ids=[Other], wait_for_completion_state_execution_ids=["a-1"])
    assert options.wait_for_completion_state_ids == ["Other"]
    assert options.wait_for_completion_state_execution_ids == ["a-1"]

    options.wait_for_completion_state_ids = ["submit", Other]
    options.wait_for_completion_state_execution_ids = [(Other, 2), "a-1"]
    options.add_wait_for_completion_state_ids(Other, "last")
    options.add_wait_for_completion_state_execution_id(Other, 3)
    options.add_wait_for_completion_state_execution_id("last", 1)

    assert options.wait_for_completion_state_ids == ["submit", "Other", "Other", "last"]
    assert options.wait_for_completion_state_execution_ids == ["Other-2", "a-1", "Other-3", "last-1"]
    assert copy.deepcopy(options) == options


@pytest.mark.parametrize(
    ("option", "given", "problem"),
    [
        ("wait_for_completion_state_ids", Other, "takes a list, got .*Other.*; write"),
        ("wait_for_completion_state_ids", "submit", r"takes a list, got 'submit'; write \['submit'\]"),
        ("wait_for_completion_state_ids", 3, "takes a list"),
        ("wait_for_completion_state_ids", [3], "takes state classes and ids, got 3"),
        ("wait_for_completion_state_ids", [str], "takes state classes and ids"),
        ("wait_for_completion_state_execution_ids", [Other], "takes ids, or pairs of a state and a number"),
        ("wait_for_completion_state_execution_ids", [(Other, 0)], "numbered from 1, got 0"),
        ("wait_for_completion_state_execution_ids", [(Other, True)], "numbered from 1, got True"),
        ("wait_for_completion_state_execution_ids", [(str, 1)], "takes state classes and ids"),
    ],
)
def test_what_is_no_state_to_wait_for_is_refused(option, given, problem):
    """
    As a keyword and when it is set.
    """
    options = WorkflowOptions()

    with pytest.raises(InvalidArgumentError, match=problem):
        WorkflowOptions(**{option: given})
    with pytest.raises(InvalidArgumentError, match=problem):
        setattr(options, option, given)


@pytest.mark.parametrize(
    ("word", "policy"),
    [
        ("ALLOW_DUPLICATE", IDReusePolicy.ALLOW_IF_NO_RUNNING),
        ("ALLOW_DUPLICATE_FAILED_ONLY", IDReusePolicy.ALLOW_IF_PREVIOUS_EXITS_ABNORMALLY),
        ("REJECT_DUPLICATE", IDReusePolicy.DISALLOW_REUSE),
        ("TERMINATE_IF_RUNNING", IDReusePolicy.ALLOW_TERMINATE_IF_RUNNING),
    ],
)
def test_older_words_for_reuse_are_understood(word, policy):
    """
    As members and as text; the misspelt one of older interface descriptions too.
    """
    assert WorkflowIDReusePolicy(word).id_reuse_policy is policy
    assert IDReusePolicy(word) is IDReusePolicy(WorkflowIDReusePolicy(word)) is policy
    assert IDReusePolicy("ALLOW_IF_PREVIOUS_EXISTS_ABNORMALLY") is IDReusePolicy.ALLOW_IF_PREVIOUS_EXITS_ABNORMALLY
    with pytest.raises(ValueError, match="ALWAYS"):
        IDReusePolicy("ALWAYS")


def test_stopping_cancels_unless_told_otherwise():
    """
    iWF's default is CANCEL.
    """
    assert StopWorkflowOptions().workflow_stop_type is WorkflowStopType.CANCEL
    assert StopWorkflowOptions(WorkflowStopType.FAIL, "fraud").reason == "fraud"
