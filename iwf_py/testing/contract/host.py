"""What the contract suite asks of a host, and the few sentences in which its tests speak.

Each kind of host subclasses `ContractHost`, and its test module takes the suite's tests:

    @pytest.fixture
    def host():
        with MyHost(suite.registry()) as host:
            yield host
            assert host.problems() == []

    globals().update(suite.tests())
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from concurrent.futures import Future
from typing import Any

from iwf_py.authoring.registry import Registry
from iwf_py.authoring.workflow import ObjectWorkflow
from iwf_py.client.client import Client
from iwf_py.codec.payloads import JsonConverter
from iwf_py.core.events import Event
from iwf_py.errors import UnsupportedByServerError
from iwf_py.model.durations import Duration
from iwf_py.model.requests import GetAttributesRequest, RunAddress, RunDescription, RunResult, StateDescription
from iwf_py.model.status import WorkflowStatus
from iwf_py.ports import WorkflowService
from iwf_py.testing.clock import ManualClock
from iwf_py.testing.contract.notes import forget_notes


class ContractHost(ABC):
    """
    A host under test: one engine, its client, and a clock that the test moves.

    Attributes:
        clock: What the host reads the time from.

        service: Its door for clients.

        client: Over that door, with the suite's registry.
    """

    clock: ManualClock
    service: WorkflowService
    client: Client

    def __init__(self, registry: Registry) -> None:
        forget_notes()
        self.registry = registry
        self.converter = JsonConverter()

    @abstractmethod
    def settle(self) -> None:
        """Wait until nothing is left to do at this instant."""

    @abstractmethod
    def advance(self, duration: Duration | str) -> None:
        """Let time pass, stopping at each instant at which something is due; settled at each, and at the end."""

    def let_pass(self, seconds: int) -> None:
        """Let so many seconds pass, where a test has a hand on the clock; elsewhere they do so by themselves."""
        self.advance(seconds)

    @abstractmethod
    def restart(self) -> None:
        """End the engine and begin another on what it stored; nothing to do for a host that stores nothing."""

    @abstractmethod
    def events(self, workflow_id: str, run_id: str | None = None) -> Sequence[tuple[int, Event]]:
        """Tell the history of a run: numbers and events."""

    @abstractmethod
    def problems(self) -> list[str]:
        """Audit every run: history without gaps, invariants, and the fold of the history against what is stored."""

    # What follows is how the tests speak.

    def client_of(self, namespace: str) -> Client:
        """Make a client for another namespace."""
        return Client(self.registry, self.service, self.converter, namespace=namespace)

    def start(
        self,
        workflow: type[ObjectWorkflow],
        workflow_id: str,
        input: Any = None,
        *,
        timeout: Duration | None = None,
        options: Any = None,
    ) -> str:
        """Start a run and let it settle; answers its id."""
        run_id = self.client.start_workflow(workflow, workflow_id, timeout, input, options)
        self.settle()
        return run_id

    def asked(self, future: Future[Any]) -> Future[Any]:
        """Let a question arrive; one that the host's service has not at all is refused here."""
        self.settle()
        if future.done() and isinstance(future.exception(), UnsupportedByServerError):
            future.result()
        return future

    def is_told(self, future: Future[Any]) -> bool:
        """Tell whether a waiter has its answer now; a host that is far away may take a moment to bring it."""
        self.settle()
        return future.done()

    def address(self, workflow_id: str, run_id: str | None = None) -> RunAddress:
        """Name a run."""
        return RunAddress(workflow_id=workflow_id, run_id=run_id)

    def found(self, query: str) -> list[str]:
        """Tell the workflow ids of the runs that a query finds, in order."""
        return [found.workflow_id for found in self.client.find_workflows(query, page_size=2)]

    def request(self, workflow_id: str) -> GetAttributesRequest:
        """Ask for all attributes of a run."""
        return GetAttributesRequest(workflow_id=workflow_id)

    def result(self, workflow_id: str, run_id: str | None = None) -> RunResult:
        """Tell how a run stands now."""
        self.settle()
        return self.service.result(self.address(workflow_id, run_id)).result(30)

    def status(self, workflow_id: str, run_id: str | None = None) -> WorkflowStatus:
        """Tell the status of a run."""
        return self.result(workflow_id, run_id).status

    def outputs(self, workflow_id: str, run_id: str | None = None) -> list[Any]:
        """Tell what the states of a closed run gave, in order of completion."""
        return [self.converter.decode(output.output) for output in self.result(workflow_id, run_id).outputs]

    def output(self, workflow_id: str, run_id: str | None = None) -> Any:
        """Tell the one output of a completed run."""
        result = self.result(workflow_id, run_id)
        assert result.status is WorkflowStatus.COMPLETED, result
        (output,) = result.outputs
        return self.converter.decode(output.output)

    def description(self, workflow_id: str, run_id: str | None = None) -> RunDescription:
        """Tell all that may be seen of a run."""
        self.settle()
        return self.service.describe(self.address(workflow_id, run_id)).result(30)

    def states(self, workflow_id: str) -> dict[str, StateDescription]:
        """Tell the open state executions of a run, by id."""
        return {state.state_execution_id: state for state in self.description(workflow_id).states}

    def kinds(self, workflow_id: str, run_id: str | None = None) -> list[str]:
        """Tell the names of the events in a run's history."""
        self.settle()
        return [type(event).__name__ for _, event in self.events(workflow_id, run_id)]
