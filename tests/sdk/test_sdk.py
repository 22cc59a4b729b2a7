"""The released SDK of iWF for Python, unmodified, as client and worker of an `iwf server`."""

import re
from dataclasses import dataclass

import pytest

from iwf_py import (
    Client,
    ClientOptions,
    ObjectEncoder,
    ObjectWorkflow,
    Persistence,
    PersistenceField,
    PersistenceSchema,
    Registry,
    StateDecision,
    StateSchema,
    UnregisteredClient,
    WorkflowState,
    rpc,
)
from tests.sdk.conftest import PROGRAM

WAITED = ["RECEIVED", "hello"]
EXPECTED = {
    "steps": [
        {"item": "tea", "left": 5, "right": 4},
        {"half": 4, "note-a": "prefixed", "order": {"item": "tea", "count": 8}},
        "COMPLETED",
    ],
    "any_timer": ["FIRED", ["WAITING", None], ["WAITING", None]],
    "any_signal": ["SCHEDULED", WAITED, ["WAITING", None]],
    "all_commands": ["FIRED", WAITED, ["RECEIVED", 5]],
    "combination": ["SCHEDULED", WAITED, ["RECEIVED", 6]],
    "skip_by_index": ["FIRED", ["WAITING", None], ["WAITING", None]],
    "channel_sizes": [3, 0],
    "rpcs": [7, 10, True, ["rpcs", 10], "from an RPC"],
    "locks": True,
    "caching": [{"number": 7}, 7],
    "attributes_from_outside": {"number": 9},
    "search_attributes": [
        {"CustomKeywordField": "first", "CustomIntField": 1},
        {
            "CustomKeywordField": "rpc",
            "CustomTextField": "some text",
            "CustomIntField": 2**40,
            "CustomDoubleField": 2.0,
            "CustomBoolField": True,
            "CustomKeywordArrayField": ["x", "y"],
        },
        True,
        True,
    ],
    "failures": {
        "proceed": False,
        "retry": 2,
        "error": ["STATE_API_FAIL_ERROR_TYPE", True],
        "slow": ["STATE_API_FAIL_ERROR_TYPE", True],
        "force": ["STATE_DECISION_FAILING_WORKFLOW_ERROR_TYPE", True],
    },
    "recovery": ["recovered 1", "recovered 2"],
    "loops": [0, 1, 2],
    "resets": [4, True, 4, True, 4, True, 4],
    "stops": ["CANCELED", "TERMINATED", "FAILED"],
    "timeout": "TIMEOUT",
    "workflow_retry": True,
    "ids": [True, True],
    "unknown": True,
    "long_poll": True,
}


def test_every_scenario_is_looked_at():
    """
    None is written and forgotten.
    """
    written = re.findall(r"^    def (\w+)\(self, wid\):", PROGRAM.read_text(), flags=re.MULTILINE)

    assert sorted(written) == sorted(EXPECTED)


@pytest.mark.parametrize("name", EXPECTED)
def test_the_sdk_gets_what_it_asks_for(scenarios, name):
    """
    Client and worker of the SDK, against our server.
    """
    told = scenarios[name]

    assert "error" not in told, told["error"]
    assert told["came"] == EXPECTED[name]


@dataclass
class Order:
    item: str
    count: int


def test_our_client_calls_workflows_of_the_sdk(server, worker):
    """
    What one writes the other reads: inputs, outputs, attributes and signals.
    """
    client = UnregisteredClient(ClientOptions(server, worker, ObjectEncoder.default))

    client.start_workflow("Steps", "ours-steps", "First", 60, Order("coffee", 6))
    client.start_workflow("Waiting", "ours-waiting", "Wait", 60, "any")
    client.signal_workflow("ours-waiting", None, "s", "hello")

    assert client.get_simple_workflow_result_with_wait("ours-steps") == {"item": "coffee", "left": 4, "right": 3}
    assert client.get_workflow_data_attributes("ours-steps")["order"] == {"item": "coffee", "count": 6}
    assert client.get_simple_workflow_result_with_wait("ours-waiting") == ["SCHEDULED", WAITED, ["WAITING", None]]
    client.close()


class Idle(WorkflowState[str]):
    def execute(self, ctx, input, command_results, persistence, communication):
        return StateDecision.dead_end


class Entity(ObjectWorkflow):
    """What is known here of the SDK's workflow of this name."""

    def get_workflow_states(self):
        return StateSchema.no_starting_state(Idle())

    def get_persistence_schema(self):
        return PersistenceSchema.create(PersistenceField.data_attribute_def("number", int))

    @rpc()
    def add(self, input: int, persistence: Persistence) -> int:
        """The worker of the SDK has another body of it."""
        raise AssertionError


def test_our_client_knows_their_workflows_by_class(server, worker):
    """
    A class here that has the names of the one there calls it with types.
    """
    client = Client(Registry(Entity()), ClientOptions(server, worker))

    handle = client.start(Entity, "ours-entity", timeout=60)
    assert handle.call(Entity.add, 2) == 2
    client.set_workflow_data_attributes(Entity, "ours-entity", data_attributes={"number": 40})
    assert handle.call(Entity.add, 2) == 42
    client.stop_workflow("ours-entity")
    client.close()
