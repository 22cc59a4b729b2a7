"""Decisions and movements: how they are made, and how they are sealed."""

from datetime import UTC, datetime, timedelta

import pytest

from iwf_py import (
    CommandRequest,
    InvalidArgumentError,
    NotRegisteredError,
    ObjectWorkflow,
    PayloadError,
    Registry,
    RetryPolicy,
    StateDecision,
    StateMovement,
    StateSchema,
    TimerCommand,
    WorkflowDefinitionError,
    WorkflowState,
    WorkflowStateOptions,
    get_state_execution_id,
    get_state_id,
    get_state_id_by_class,
)
from iwf_py.authoring.state_movement import seal_movement
from iwf_py.model.decisions import DEAD_END, FORCE_COMPLETING, FORCE_FAILING, GRACEFUL_COMPLETING, Movement
from iwf_py.model.options import DEFAULT_STATE_OPTIONS, StateOptions
from iwf_py.model.status import WorkflowConditionalCloseType


class Counted(WorkflowState[int]):
    def execute(self, ctx, input, command_results, persistence, communication):
        return StateDecision.dead_end

    def get_state_options(self):
        return WorkflowStateOptions(state_id="counted", execute_api_timeout_seconds=5)


class Waits(WorkflowState[None]):
    def wait_until(self, ctx, input, persistence, communication):
        raise AssertionError

    def execute(self, ctx, input, command_results, persistence, communication):
        return StateDecision.dead_end


class Foreign(WorkflowState[None]):
    pass


class Flow(ObjectWorkflow):
    def get_workflow_states(self):
        return StateSchema.with_starting_state(Counted(), Waits())


@pytest.fixture
def sealed(converter):
    definition = Registry(Flow()).definition(Flow)
    return lambda movement: seal_movement(movement, definition, converter)


@pytest.mark.parametrize(
    ("name", "state_id"),
    [
        ("graceful_complete_workflow", GRACEFUL_COMPLETING),
        ("force_complete_workflow", FORCE_COMPLETING),
        ("force_fail_workflow", FORCE_FAILING),
    ],
)
def test_the_ends_carry_an_output(sealed, converter, name, state_id):
    """
    Each end of a run or thread is a movement to one of the system's states, whose input is the output.
    """
    (movement,) = getattr(StateDecision, name)("out").next_states

    assert movement == getattr(StateMovement, name)("out")
    assert sealed(movement) == Movement(state_id, converter.encode("out"))


def test_dead_end_is_a_value(sealed):
    """
    It has no output, so it is no method.
    """
    assert StateDecision.dead_end.next_states == [StateMovement.dead_end]
    assert sealed(StateMovement.dead_end) == Movement(DEAD_END)


def test_a_class_leads_to_its_state_id(sealed, converter):
    """
    A state_id option holds for movements to the class, too; the state's own options go along.
    """
    movement = sealed(StateMovement.create(Counted, 3))

    assert (movement.state_id, movement.input) == ("counted", converter.encode(3))
    assert movement == sealed(StateMovement.create("counted", 3))
    assert movement.options == Registry(Flow()).definition(Flow).states["counted"].options


def test_default_options_are_left_out(sealed):
    """
    What the engine would assume anyway is not sent.
    """
    assert Registry(Flow()).definition(Flow).state(Waits).options == DEFAULT_STATE_OPTIONS
    assert sealed(StateMovement.create(Waits)).options is None


def test_an_override_is_laid_upon_the_state_s_options(sealed):
    """
    What the override leaves out stays; a failure state is resolved with its own options.
    """
    override = WorkflowStateOptions(
        execute_api_retry_policy=RetryPolicy(maximum_attempts=1),
        proceed_to_state_when_execute_retry_exhausted=Counted,
    )

    options = sealed(StateMovement.create(Counted, 3, override)).options

    assert options.execute.timeout.total_seconds() == 5
    assert options.execute.retry.maximum_attempts == 1
    assert options.failure_state_id == "counted"
    assert options.failure_state_options.execute.timeout.total_seconds() == 5
    assert options.failure_state_options.failure_state_id is None
    assert isinstance(options, StateOptions)


@pytest.mark.parametrize(
    ("override", "problem"),
    [
        (
            WorkflowStateOptions(proceed_to_state_when_execute_retry_exhausted=Waits),
            "options override of state counted: .* retried without end",
        ),
        (
            WorkflowStateOptions(
                execute_api_retry_policy=RetryPolicy(maximum_attempts=1),
                proceed_to_state_when_execute_retry_exhausted=Foreign,
            ),
            "Foreign is not registered in Flow",
        ),
    ],
)
def test_an_override_that_cannot_work_is_refused(sealed, override, problem):
    """
    It is checked as the options of a state are.
    """
    with pytest.raises(WorkflowDefinitionError, match=problem):
        sealed(StateMovement.create(Counted, 3, override))


def test_a_wait_for_key_goes_along(sealed):
    """
    A client may wait for this execution by the key.
    """
    assert sealed(StateMovement.create(Waits, wait_for_key="k")).wait_for_key == "k"


@pytest.mark.parametrize("target", [Foreign, "Conted"])
def test_a_foreign_state_is_not_registered(sealed, target):
    """
    The error says which states there are.
    """
    with pytest.raises(NotRegisteredError, match="not registered in Flow.*its states: counted, Waits"):
        sealed(StateMovement.create(target))


def test_a_wrong_input_is_refused(sealed):
    """
    An input is checked before it is sealed.
    """
    with pytest.raises(WorkflowDefinitionError, match="input of state counted: .*int"):
        sealed(StateMovement.create("counted", "three"))


def test_an_output_that_cannot_be_encoded_is_refused(sealed):
    """
    The sentence says that it was the output.
    """
    with pytest.raises(PayloadError, match=r"^output: "):
        sealed(StateMovement.graceful_complete_workflow(object()))


@pytest.mark.parametrize("target", ["_SYS_DEAD_END", "", None, 3, int, Waits()])
def test_what_names_no_state_is_refused_at_once(target):
    """
    Names of the system's, and what is neither a class of a state nor an id, fail where they are written.
    """
    with pytest.raises(WorkflowDefinitionError):
        StateDecision.single_next_state(target)


def test_several_next_states_are_classes_ids_or_movements():
    """
    All forms may be mixed.
    """
    decision = StateDecision.multi_next_states(Waits, "counted", StateMovement.create(Counted, 3))

    assert [movement.state_id for movement in decision.next_states] == ["Waits", "counted", "Counted"]


@pytest.mark.parametrize(
    ("decision", "kind", "channel"),
    [
        (
            StateDecision.force_complete_if_internal_channel_empty_or_else("c", "out", Counted, 3),
            WorkflowConditionalCloseType.FORCE_COMPLETE_ON_INTERNAL_CHANNEL_EMPTY,
            "c",
        ),
        (
            StateDecision.force_complete_if_signal_channel_empty_or_else("c", "out", Counted, 3),
            WorkflowConditionalCloseType.FORCE_COMPLETE_ON_SIGNAL_CHANNEL_EMPTY,
            "c",
        ),
        (
            StateDecision.graceful_complete_if_all_channels_empty_or_else("out", Counted, 3),
            WorkflowConditionalCloseType.GRACEFUL_COMPLETE_ON_ALL_CHANNELS_EMPTY,
            "",
        ),
    ],
)
def test_a_conditional_close_has_an_other_branch(decision, kind, channel):
    """
    The output is for the close, the state and its input for the other branch.
    """
    close = decision.conditional_close

    assert (close.close_type, close.channel_name, close.output) == (kind, channel, "out")
    assert decision.next_states == [StateMovement.create(Counted, 3)]


def test_a_conditional_close_without_the_other_branch_is_refused():
    """
    In iWF this fails at the worker only.
    """
    with pytest.raises(WorkflowDefinitionError, match="or_else_state"):
        StateDecision.force_complete_if_signal_channel_empty_or_else("c")


def test_several_states_may_be_the_other_branch():
    """
    They are given as to multi_next_states: classes, ids, or movements with their input.
    """
    other = [Waits, "counted", StateMovement.create(Counted, 3)]
    decisions = [
        StateDecision.force_complete_if_internal_channel_empty_or_else("c", or_else=other),
        StateDecision.force_complete_if_signal_channel_empty_or_else("c", or_else=other),
        StateDecision.graceful_complete_if_all_channels_empty_or_else(or_else=iter(other)),
    ]

    assert {tuple(decision.next_states) for decision in decisions} == {
        tuple(StateDecision.multi_next_states(*other).next_states)
    }


@pytest.mark.parametrize(
    "arguments", [{"or_else_state": Waits, "or_else": [Waits]}, {"or_else": []}, {"or_else": [Waits], "state_input": 3}]
)
def test_an_other_branch_is_told_in_one_way(arguments):
    """
    One state, or several; an input belongs to the one.
    """
    with pytest.raises(WorkflowDefinitionError, match="or_else"):
        StateDecision.force_complete_if_signal_channel_empty_or_else("c", None, **arguments)


def test_ids_of_states():
    """
    A class alone tells its name; an instance tells its option.
    """
    assert get_state_id(Counted()) == "counted"
    assert get_state_id(Waits()) == "Waits"
    assert get_state_id_by_class(Counted) == "Counted"
    assert get_state_execution_id(Waits, 2) == "Waits-2"
    assert get_state_execution_id("counted", 1) == "counted-1"


def test_iwf_s_constructor_of_a_timer_takes_seconds():
    """
    Code that makes a command without a factory gets the same command, and can read its seconds.
    """
    assert TimerCommand("t", 5) == TimerCommand.by_seconds(5, "t")
    assert TimerCommand.by_duration(timedelta(minutes=1)).duration_seconds == 60
    assert TimerCommand.by_instant(datetime(2026, 1, 1, tzinfo=UTC)).duration_seconds is None
    with pytest.raises(InvalidArgumentError, match="timer duration must be seconds or a timedelta, got str '5'"):
        TimerCommand("t", "5")
    with pytest.raises(InvalidArgumentError, match="must be an aware datetime, got 5"):
        TimerCommand.by_instant(5)


@pytest.mark.parametrize("combinations", ["ab", ["a"], [["a"], "ab"]])
def test_a_combination_is_a_list_of_ids(combinations):
    """
    A text would be taken apart into its letters.
    """
    with pytest.raises(WorkflowDefinitionError, match="command_combinations are lists of command ids"):
        CommandRequest.for_any_command_combination_completed(combinations, TimerCommand.by_seconds(1, "a"))
