"""Registration: definitions by name, and everything that is wrong with a class at once."""

from typing import Generic, TypeVar

import pytest

from iwf_py import (
    CommunicationMethod,
    CommunicationSchema,
    InvalidArgumentError,
    NotRegisteredError,
    ObjectWorkflow,
    Persistence,
    PersistenceField,
    PersistenceLoadingPolicy,
    PersistenceLoadingType,
    PersistenceOptions,
    PersistenceSchema,
    Registry,
    RetryPolicy,
    RPCInfo,
    SearchAttributeValueType,
    StateDecision,
    StateDef,
    StateSchema,
    WorkflowDefinitionError,
    WorkflowState,
    WorkflowStateOptions,
    get_workflow_type,
    get_workflow_type_by_class,
    rpc,
)
from iwf_py.model.options import LOAD_NONE
from iwf_py.model.status import ChannelFamily

LIMITED = RetryPolicy(maximum_attempts=3)
V = TypeVar("V")


class Plain(WorkflowState[None]):
    def execute(self, ctx, input, command_results, persistence, communication):
        return StateDecision.dead_end


class Second(Plain):
    pass


class Optioned(Plain):
    def __init__(self, **options):
        self.options = WorkflowStateOptions(**options)

    def get_state_options(self):
        return self.options


def workflow(states=None, fields=(), methods=(), *, name="Flow", **members):
    """
    Make a workflow class of its parts.
    """
    schema = StateSchema.with_starting_state(Plain()) if states is None else states
    members = {
        "get_workflow_states": lambda self: schema,
        "get_persistence_schema": lambda self: PersistenceSchema.create(*fields),
        "get_communication_schema": lambda self: CommunicationSchema.create(*methods),
        **members,
    }
    return type(name, (ObjectWorkflow,), members)


def problems(cls, **options):
    with pytest.raises(WorkflowDefinitionError) as caught:
        Registry(cls, **options)
    return caught.value.problems


data, prefix = PersistenceField.data_attribute_def, PersistenceField.data_attribute_prefix_def
search = PersistenceField.search_attribute_def
internal, signal = CommunicationMethod.internal_channel_def, CommunicationMethod.signal_channel_def
internal_prefix = CommunicationMethod.internal_channel_def_by_prefix
signal_prefix = CommunicationMethod.signal_channel_def_by_prefix
KEYWORD = SearchAttributeValueType.KEYWORD
states = StateSchema.with_starting_state


class NoExecute(WorkflowState[None]):
    pass


class TwoInputs(WorkflowState[None]):
    def execute(self, first, second, third):
        return StateDecision.dead_end


def keyed(key, **more):
    return PersistenceLoadingPolicy(PersistenceLoadingType.LOAD_PARTIAL_WITH_EXCLUSIVE_LOCK, [key], [], **more)


def locked(key):
    return PersistenceLoadingPolicy(PersistenceLoadingType.LOAD_ALL_WITH_PARTIAL_LOCK, [], [key])


def execute_proceeds_to(target):
    return {"execute_api_retry_policy": LIMITED, "proceed_to_state_when_execute_retry_exhausted": target}


class ProceedsToNext(Optioned):
    pass


ALWAYS = {
    "state id twice": (states(Plain(), Plain()), (), (), "state id 'Plain' is used twice, by Plain and Plain"),
    "two starting states": (
        StateSchema([StateDef.starting_state(Plain()), StateDef.starting_state(Second())]),
        (),
        (),
        "2 starting states",
    ),
    "no state": (states(3), (), (), "must be a WorkflowState"),
    "state class with arguments": (
        states(type("Needs", (Plain,), {"__init__": lambda self, x: None})),
        (),
        (),
        "making an instance of it raised TypeError",
    ),
    "attribute twice": (None, [data("a", int), data("a", str)], (), "data attribute 'a' is declared 2 times"),
    "prefix twice": (None, [prefix("a", int), prefix("a", str)], (), "data attribute prefix 'a' is declared 2 times"),
    "search attribute twice": (
        None,
        [search("a", KEYWORD), search("a", KEYWORD)],
        (),
        "search attribute 'a' is declared 2 times",
    ),
    "search attribute without type": (None, [search("a", None)], (), "'a' needs a SearchAttributeValueType"),
    "channel twice": (None, (), [internal("c", int), internal("c", int)], "internal channel 'c' is declared 2 times"),
    "policy without limit": (
        states(Optioned(proceed_to_state_when_execute_retry_exhausted="Optioned")),
        (),
        (),
        "retried without end",
    ),
    "target unknown": (
        states(Optioned(**execute_proceeds_to(Second))),
        (),
        (),
        "proceeds to Second when its execute fails, which is not one of the workflow's states",
    ),
    "cycle": (
        states(Optioned(state_id="a", **execute_proceeds_to("b")), Optioned(state_id="b", **execute_proceeds_to("a"))),
        (),
        (),
        "states a -> b -> a proceed to each other",
    ),
    "no text": (None, [data("\ud800", int)], (), "holds a lone surrogate"),
    "itself": (
        states(ProceedsToNext(**execute_proceeds_to(ProceedsToNext))),
        (),
        (),
        "ProceedsToNext -> ProceedsToNext",
    ),
}

STRICT = {
    "no execute": (states(NoExecute()), (), (), "state NoExecute has no execute"),
    "signature": (states(TwoInputs()), (), (), "TwoInputs.execute: parameters ['first', 'second', 'third']"),
    "signal twice": (None, (), [signal("c", int), signal("c", int)], "signal channel 'c' is declared 2 times"),
    "both kinds of attribute": (None, [data("a", int), search("a", KEYWORD)], (), "'a' is both a data attribute and"),
    "name under a prefix": (None, [data("abc", int), prefix("ab", str)], (), "'abc' falls under the prefix 'ab'"),
    "channel under a prefix": (
        None,
        (),
        [internal("abc", int), internal_prefix("ab", str)],
        "internal channel 'abc' falls under the prefix 'ab'",
    ),
    "signal under a prefix": (
        None,
        (),
        [signal("abc", int), signal_prefix("ab", str)],
        "signal channel 'abc' falls under the prefix 'ab'",
    ),
    "reserved attribute": (None, [data("__IwfSystem_a", int)], (), "data attribute '__IwfSystem_a' starts with"),
    "reserved search attribute": (None, [search("__IwfSystem_a", KEYWORD)], (), "starts with the reserved prefix"),
    "reserved channel": (None, (), [signal("__IwfSystem_c", int)], "signal channel '__IwfSystem_c' starts with"),
    "reserved state": (states(Optioned(state_id="_SYS_a")), (), (), "state id '_SYS_a' starts with"),
    "empty name": (None, [data("", int)], (), "data attribute must not be empty"),
    "type as text": (None, [data("a", "int")], (), "the text 'int' for a type"),
    "value for a type": (None, (), [internal("c", [int])], "the value [<class 'int'>] for a type"),
    "loaded key": (
        states(Optioned(data_attributes_loading_policy=keyed("b"))),
        [data("a", int)],
        (),
        "state Optioned: data_attributes_loading_policy loads 'b', which is no data attribute",
    ),
    "locked key": (
        states(Optioned(execute_api_data_attributes_loading_policy=locked("b"))),
        [data("a", int)],
        (),
        "execute_api_data_attributes_loading_policy locks 'b'",
    ),
    "search key": (
        states(Optioned(search_attributes_loading_policy=locked("a"))),
        [data("a", int)],
        (),
        "locks 'a', which is no search attribute",
    ),
    "prefix of nothing": (
        states(Optioned(data_attributes_loading_policy=keyed("x", use_key_as_prefix=True))),
        [data("a", int)],
        (),
        "loads 'x'",
    ),
}


@pytest.mark.parametrize(("schema", "fields", "methods", "problem"), ALWAYS.values(), ids=ALWAYS)
@pytest.mark.parametrize("strict", [True, False])
def test_what_can_never_work_is_always_refused(schema, fields, methods, problem, strict):
    """
    The sentence names the workflow and the thing.
    """
    found = problems(workflow(schema, fields, methods), strict=strict)

    assert any(text.startswith("Flow: ") and problem in text for text in found), found


@pytest.mark.parametrize(("schema", "fields", "methods", "problem"), STRICT.values(), ids=STRICT)
def test_what_would_fail_later_is_refused_unless_relaxed(schema, fields, methods, problem):
    """
    What iWF lets pass is found at registration; strict=False lets it pass, too.
    """
    flow = workflow(schema, fields, methods)

    found = problems(flow)

    assert len(found) == 1
    assert problem in found[0]
    assert "Flow" in Registry(flow, strict=False)


def test_exact_names_come_first_and_then_the_longest_prefix():
    """
    Of attributes and of both kinds of channel, in whatever order they are declared; the rest of a name must be one.
    """
    fields = [prefix("a-", int), data("a-b-c", bool), prefix("a-b-", str)]
    methods = [
        kind(name, value_type)
        for kind, name, value_type in (
            (internal_prefix, "a-", int),
            (internal_prefix, "a-b-", str),
            (internal, "a-b-c", bool),
            (signal_prefix, "a-", int),
            (signal_prefix, "a-b-", str),
            (signal, "a-b-c", bool),
        )
    ]
    definition = Registry(workflow(None, fields, methods), strict=False).definition("Flow")

    for names in (definition.attributes, *definition.channels.values()):
        assert [names.type_of(name) for name in ("a-x", "a-b-x", "a-b-c", "a-b-")] == [int, str, bool, str]
        assert names.has("a-b-x")
        with pytest.raises(
            NotRegisteredError, match="declared: 'a-b-c', 'a-'... \\(a prefix\\), 'a-b-'... \\(a prefix\\)"
        ):
            names.type_of("b")
        with pytest.raises(InvalidArgumentError, match="control character"):
            names.type_of("a-\n")


def test_what_is_clear_is_no_problem():
    """
    Of a prefix within a prefix the longest counts; the two kinds of channel never meet, so they may share a name.
    """
    fields = [prefix("a-", int), prefix("a-b-", str)]
    methods = [signal_prefix("a-", int), signal_prefix("a-b-", str), signal("c", int), internal("c", str)]

    assert len(Registry(workflow(None, fields, methods))) == 1


def test_every_problem_is_named_at_once():
    """
    One error lists them all, of all workflows of the call.
    """
    first = workflow(
        states(NoExecute(), Optioned(state_id="_SYS_a")),
        [data("a", int), data("a", int)],
        [signal("", int)],
        name="One",
    )
    second = workflow(None, [search("a", None)], name="Two")

    with pytest.raises(WorkflowDefinitionError) as caught:
        Registry(first, second)

    assert len(caught.value.problems) == 5
    assert str(caught.value).startswith("5 problems:\n  - One: ")
    assert "\n  - Two: " in str(caught.value)


def test_registration_is_atomic():
    """
    When one of several is wrong, none is added; and what was there stays.
    """
    registry = Registry(workflow(name="One"))

    with pytest.raises(WorkflowDefinitionError):
        registry.add_workflows(workflow(name="Two"), workflow(states(NoExecute()), name="Three"))
    with pytest.raises(WorkflowDefinitionError, match="One: workflow type is registered already.*; rename one"):
        registry.add_workflow(workflow(name="One"))
    with pytest.raises(WorkflowDefinitionError, match="One: workflow type is registered already.*; add it once"):
        registry.add_workflow(registry.get_workflow_with_check("One"))

    assert [definition.workflow_type for definition in registry] == ["One"]


def test_a_schema_method_that_fails_is_a_problem():
    """
    What it raises or returns is told, with the others.
    """

    def broken(self):
        raise ValueError("no database")

    found = problems(workflow(get_persistence_schema=broken, get_communication_schema=lambda self: None))

    assert found == (
        "Flow: get_persistence_schema raised ValueError: no database",
        "Flow: get_communication_schema returned None, not a CommunicationSchema",
    )


def test_options_that_fail_are_a_problem():
    """
    get_state_options may return None; anything else is told.
    """

    class Odd(Plain):
        def get_state_options(self):
            return {}

    class Silent(Plain):
        def get_state_options(self):
            return None

    class Misspelt(Plain):
        def get_state_options(self):
            return WorkflowStateOptions(stat_id="x")

    found = problems(workflow(states(Odd(), Silent(), Misspelt())))

    assert found == (
        "Flow: Odd.get_state_options returned {}, not WorkflowStateOptions",
        (
            "Flow: Misspelt.get_state_options raised InvalidArgumentError: WorkflowStateOptions has no option 'stat_id'; "
            "did you mean 'state_id'?"
        ),
    )


def test_policies_may_speak_of_prefixes():
    """
    A key under a declared prefix, and a prefix that begins a declared key, can match.
    """
    fields = [data("alpha", int), prefix("memo-", str), search("place", KEYWORD)]
    options = [
        {"data_attributes_loading_policy": locked("memo-of-alice")},
        {"data_attributes_loading_policy": keyed("al", use_key_as_prefix=True)},
        {"data_attributes_loading_policy": keyed("memo", use_key_as_prefix=True)},
        {"search_attributes_loading_policy": locked("place")},
    ]

    for each in options:
        assert len(Registry(workflow(states(Optioned(**each)), fields))) == 1


def test_classes_do_as_well_as_instances():
    """
    Of workflows and of states.
    """

    class Flow(ObjectWorkflow):
        def get_workflow_states(self):
            return StateSchema.with_starting_state(Plain, Second)

    definition = Registry(Flow).definition("Flow")

    assert isinstance(definition.workflow, Flow)
    assert isinstance(definition.states["Second"].state, Second)
    assert definition.start.state_id == "Plain"


def test_a_workflow_can_be_registered_where_it_is_written():
    """
    The class stays what it is; what is wrong with it is told at once.
    """
    registry = Registry()

    @registry.workflow
    class Flow(ObjectWorkflow):
        states = (Plain,)

    assert Flow in registry
    assert isinstance(registry.get_workflow_with_check("Flow"), Flow)
    with pytest.raises(WorkflowDefinitionError, match="state NoExecute has no execute"):
        registry.workflow(workflow(states(NoExecute()), name="Other"))


@pytest.mark.parametrize("thing", [3, "Flow", Plain, None])
def test_what_is_no_workflow_is_refused(thing):
    """
    The error says what is expected.
    """
    with pytest.raises(WorkflowDefinitionError, match="must be an ObjectWorkflow"):
        Registry(thing)


def test_a_workflow_without_anything_is_registered():
    """
    It lives by its RPCs, or is merely started and stopped.
    """
    definition = Registry(type("Flow", (ObjectWorkflow,), {})).definition("Flow")

    assert (dict(definition.states), definition.start, dict(definition.rpcs)) == ({}, None, {})


def test_the_failure_state_is_resolved_with_its_own_options():
    """
    However long the chain, by class and by id.
    """
    schema = states(
        Optioned(state_id="a", **execute_proceeds_to("b")),
        Optioned(state_id="b", **execute_proceeds_to(Plain)),
        Plain(),
    )

    options = Registry(workflow(schema)).definition("Flow").states["a"].options

    assert options.failure_state_id == "b"
    assert options.failure_state_options.failure_state_id == "Plain"
    assert options.failure_state_options.failure_state_options.skip_wait_until


def test_two_instances_of_a_class_are_told_apart_by_id():
    """
    The class alone does not say which is meant.
    """
    definition = Registry(workflow(states(Optioned(state_id="a"), Optioned(state_id="b")))).definition("Flow")

    assert definition.state("b").state_id == "b"
    with pytest.raises(WorkflowDefinitionError, match="several states of class Optioned"):
        definition.state(Optioned)


def test_unknown_things_are_not_registered():
    """
    Workflow, state, RPC: the error is a KeyError, too, and says what there is.
    """
    registry = Registry(workflow(name="Signup"))
    definition = registry.definition("Signup")

    with pytest.raises(NotRegisteredError, match="Sigup is not registered; did you mean 'Signup'"):
        registry.definition("Sigup")
    with pytest.raises(KeyError, match="'Plan' is not registered in Signup; did you mean 'Plain'"):
        definition.state("Plan")
    with pytest.raises(InvalidArgumentError, match="RPC 'verify' is not registered in Signup; its RPCs: none"):
        definition.rpc("verify")


def test_a_class_of_the_same_name_is_another():
    """
    A definition is not handed out for a stranger.
    """
    registry = Registry(workflow(name="Flow"))

    class Flow(ObjectWorkflow):
        pass

    assert Flow not in registry
    with pytest.raises(NotRegisteredError, match="another of the same name is"):
        registry.definition(Flow)


def test_a_state_id_is_found_without_a_workflow():
    """
    For calls that name a state class only.
    """
    registry = Registry(
        workflow(states(Optioned(state_id="custom"), Plain()), name="One"),
        workflow(states(Plain()), name="Two"),
    )

    assert registry.state_id(Optioned) == "custom"
    assert registry.state_id(Plain) == "Plain"
    assert registry.state_id("anything") == "anything"
    with pytest.raises(NotRegisteredError):
        registry.state_id(Second)


class Base(ObjectWorkflow):
    @rpc(timeout_seconds=3)
    def read(self, key: str, persistence: Persistence) -> int:
        return len(key)

    @rpc()
    def name(self) -> str:
        return type(self).__name__


class One(Base):
    pass


class Two(Base):
    @rpc()
    def name(self) -> bytes:
        return b""


def test_an_inherited_rpc_belongs_to_the_class_that_it_is_reached_through():
    """
    Not to the class in whose body it stands.
    """
    registry = Registry(One, Two)

    assert registry.rpc(One.name) is registry.definition(One).rpcs["name"]
    assert registry.rpc(Two().read) is registry.definition(Two).rpcs["read"]
    assert registry.rpc("read", "Two") is registry.definition(Two).rpcs["read"]
    assert registry.rpc(Base.name, Two) is registry.definition(Two).rpcs["name"]


def test_an_rpc_of_an_unregistered_base_is_found_where_it_is_one_thing():
    """
    Where the heirs differ, the caller has to say which.
    """
    registry = Registry(One, Two)

    assert registry.rpc_name(Base.read) == "read"
    with pytest.raises(InvalidArgumentError, match=r"Base.name differs between One.name, Two.name"):
        registry.rpc(Base.name)
    with pytest.raises(NotRegisteredError, match="neither Base nor a subclass"):
        Registry().rpc(Base.read)


def test_what_is_no_rpc_is_refused():
    """
    A plain method, and a name without a workflow.
    """
    with pytest.raises(InvalidArgumentError, match="ObjectWorkflow.get_workflow_states is not an RPC; put @rpc"):
        Registry(One).rpc(Base.get_workflow_states)
    with pytest.raises(InvalidArgumentError, match="does not tell the workflow"):
        Registry(One).rpc("read")


def test_registries_share_nothing():
    """
    Each binds the RPC to its own instance; the class is not changed by registration.
    """
    first, second = One(), One()

    handlers = [Registry(each).definition(One).rpcs["name"].handler for each in (first, second)]

    assert [handler.function.__self__ for handler in handlers] == [first, second]
    assert One.name.method is Base.__dict__["name"]


def test_a_nested_class_goes_by_its_name():
    """
    "Outer.Inner" is found by the class, and its type is "Inner".
    """

    class Inner(Base):
        pass

    assert Registry(Inner).rpc(Inner.read).name == "read"
    assert get_workflow_type_by_class(Inner) == get_workflow_type(Inner()) == "Inner"


def test_a_generic_workflow_s_type_variables_are_bound():
    """
    Of RPCs that a generic base declares.
    """

    class Store(ObjectWorkflow, Generic[V]):
        @rpc()
        def put(self, value: V) -> list[V]:
            return [value]

    class Numbers(Store[int]):
        pass

    handler = Registry(Numbers).definition(Numbers).rpcs["put"].handler

    assert (handler.input_type, handler.output_type) == (int, list[int])


def test_overriding_an_rpc_without_the_decorator_is_told():
    """
    It would silently be no RPC any more.
    """

    class Silent(Base):
        def name(self):
            return "silent"

    assert problems(Silent) == ("Silent: Silent.name overrides an RPC of Base and is none itself; put @rpc() above it",)
    assert list(Registry(Silent, strict=False).definition(Silent).rpcs) == ["read"]


def test_an_rpc_without_persistence_loads_nothing():
    """
    As in iWF; a policy that would do nothing is told.
    """

    class Idle(ObjectWorkflow):
        @rpc(data_attribute_loading_policy=PersistenceLoadingPolicy())
        def idle(self) -> None:
            return None

    options = Registry(One).definition(One).rpcs["name"].options
    assert (options.attributes, options.search_attributes) == (LOAD_NONE, LOAD_NONE)
    assert problems(Idle) == (
        (
            "Idle: RPC idle has a data_attribute_loading_policy but takes no Persistence, so it loads and locks nothing; "
            "add the parameter, or drop the policy"
        ),
    )


def test_an_rpc_s_options_are_checked():
    """
    Keys that are not declared, and values of a wrong type.
    """

    class Odd(ObjectWorkflow):
        @rpc(data_attribute_loading_policy=locked("missing"))
        def locks(self, persistence: Persistence) -> None:
            return None

        @rpc(timeout_seconds=-1)
        def waits(self) -> None:
            return None

        @rpc(search_attribute_loading_policy="all")
        def loads(self, persistence: Persistence) -> None:
            return None

    found = problems(Odd)

    assert len(found) == 3
    assert "RPC locks: data_attribute_loading_policy locks 'missing', which is no data attribute" in found[0]
    assert "timeout_seconds of RPC waits must be between 0" in found[1]
    assert "search_attribute_loading_policy of RPC loads takes a PersistenceLoadingPolicy, got 'all'" in found[2]


def test_the_words_of_iwf_s_sdk():
    """
    The registry answers under its old method names.
    """
    flow = workflow(
        None,
        [data("a", int), search("s", KEYWORD)],
        [internal("c", int), signal("d", str)],
        get_persistence_options=lambda self: PersistenceOptions(enable_caching=True),
        verify=rpc(timeout_seconds=3, bypass_caching_for_strong_consistency=True)(Base.read.method.function),
    )()
    registry = Registry()
    registry.add_workflow(flow)

    assert registry.get_workflow_with_check("Flow") is flow
    assert isinstance(registry.get_workflow_state_with_check("Flow", "Plain"), Plain)
    assert isinstance(registry.get_workflow_starting_state("Flow"), Plain)
    assert list(registry.get_state_store("Flow")) == ["Plain"]
    assert registry.get_data_attribute_types("Flow").get_type("a") is int
    assert registry.get_internal_channel_type_store("Flow").is_valid_name_or_prefix("c")
    assert registry.get_signal_channel_types("Flow") == {"d": str}
    assert registry.get_search_attribute_types("Flow") == {"s": KEYWORD}
    assert registry.get_persistence_options("Flow").enable_caching
    info = registry.get_rpc_infos("Flow")["read"]
    assert isinstance(info, RPCInfo)
    assert info.bypass_caching_for_strong_consistency
    assert (info.input_type, info.timeout_seconds, info.params_order) == (str, 3.0, ("the input", "Persistence"))
    with pytest.raises(InvalidArgumentError, match="Other is not registered"):
        registry.get_workflow_with_check("Other")


def test_declared_none_is_nonetype():
    """
    For attributes and channels: only None may be stored.
    """
    definition = Registry(workflow(None, [data("a", None)], [internal("c", None)])).definition("Flow")

    assert definition.attributes.type_of("a") is type(None)
    assert definition.channels[ChannelFamily.INTERNAL].type_of("c") is type(None)
