"""TestEngine: workflows in a unit test, without a database, threads or waiting."""

from __future__ import annotations

from datetime import datetime
from types import TracebackType

from iwf_py.authoring.registry import Registry
from iwf_py.authoring.workflow import ObjectWorkflow
from iwf_py.client.aio import AsyncClient
from iwf_py.client.client import Client
from iwf_py.client.unregistered_client import UnregisteredClient
from iwf_py.codec.payloads import JsonConverter
from iwf_py.core.events import Event
from iwf_py.errors import InvalidArgumentError
from iwf_py.model.converter import Converter
from iwf_py.model.durations import Duration
from iwf_py.model.history import HistoryEntry
from iwf_py.model.requests import RunAddress
from iwf_py.ports import Calendar
from iwf_py.scheduling.cron import CronCalendar
from iwf_py.testing.agenda import Agenda
from iwf_py.testing.clock import DEFAULT_START, ManualClock, read_duration
from iwf_py.testing.service import MemoryService
from iwf_py.worker.handlers import Handlers


class TestEngine:
    """
    An engine in memory, whose time a test moves by hand; a context manager.

        with TestEngine(SignupWorkflow()) as engine:
            engine.client.start_workflow(SignupWorkflow, "alice", 3600, form)
            engine.skip("24h")
            assert engine.client.invoke_rpc("alice", SignupWorkflow.status) == "waiting"

    The client's writes are carried out at the call. User code runs when something needs it: an RPC, a wait, `skip`
    or `run_until_idle`; it runs in the test's own thread, so a debugger stops in it. What is ready at the same
    instant runs in an order drawn from *seed*: try several to find what depends on it. Timers fire and failed
    attempts are tried again as virtual time passes, in order. Timeouts of attempts do not apply: a handler that
    hangs, hangs the test.

    Waiting for a workflow that needs time to pass raises WorkflowStillRunningError at once.

    Attributes:
        client: Calls the workflows.

        async_client: The same for asyncio.

        unregistered_client: Calls any workflow by names.

        clock: The virtual time.

        service: The door that both clients use.

    Args:
        workflows: Workflows, or one Registry that has them.

        seed: Of the order of what is ready at the same instant.

        start: The first instant (aware).

        converter: How values are sealed.

        calendar: Tells the ticks of schedules.

        check: Raise AssertionError at the end of the with block when `problems` finds any.
    """

    # Whatever a test module imports under a name like Test..., pytest would take for a test class.
    __test__ = False

    def __init__(
        self,
        *workflows: ObjectWorkflow | Registry,
        seed: int = 0,
        start: datetime = DEFAULT_START,
        converter: Converter | None = None,
        calendar: Calendar | None = None,
        check: bool = True,
    ) -> None:
        self.registry = _registry(workflows)
        self.clock = ManualClock(start)
        self._agenda = Agenda(seed)
        self._check = check
        converter = converter or JsonConverter()
        self.service = MemoryService(
            Handlers(self.registry, converter), self.clock, self._agenda, calendar or CronCalendar()
        )
        self.client = Client(self.registry, self.service, converter)
        self.async_client = AsyncClient(self.registry, self.service, converter)
        self.unregistered_client = UnregisteredClient(self.service, converter)

    def __enter__(self) -> TestEngine:
        """Begin; an engine needs nothing to be opened."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Close, and check unless the test has failed anyway."""
        self.close()
        if self._check and error is None:
            self.check()

    def skip(self, duration: Duration | str) -> datetime:
        """
        Let time pass, stopping at each instant at which something is due; answers the new time.

        Args:
            duration: Seconds, a timedelta, or a text such as ``"24h"``.
        """
        target = self.clock.now() + read_duration(duration)
        self.run_until_idle()
        while (due := self._agenda.next_due()) is not None and due <= target:
            self.clock.advance_to(due)
            self._agenda.bring_due(due)
            self.run_until_idle()
        return self.clock.advance_to(target)

    def run_until_idle(self) -> None:
        """Do all that is to be done at this instant."""
        self._agenda.drive(lambda: False)

    def history(self, workflow_id: str, run_id: str | None = None) -> tuple[HistoryEntry, ...]:
        """Read what happened to a run."""
        address = RunAddress(workflow_id=workflow_id, run_id=run_id)
        return self.service.history(address, limit=1 << 30).result()

    def events(self, workflow_id: str, run_id: str | None = None) -> tuple[tuple[int, Event], ...]:
        """Read what happened to a run as numbered events, for `core.rewind`."""
        return tuple(self.service.run(RunAddress(workflow_id=workflow_id, run_id=run_id)).history)

    def problems(self) -> list[str]:
        """Audit every run: no gap in its history, every invariant, and the history folds into the record."""
        return self.service.problems()

    def check(self) -> None:
        """Raise AssertionError with all `problems`, if there are any."""
        problems = self.problems()
        if problems:
            raise AssertionError("\n".join(problems))

    def close(self) -> None:
        """Answer nobody any more; safe to call twice."""
        self.service.close()


def _registry(workflows: tuple[ObjectWorkflow | Registry, ...]) -> Registry:
    registries = [each for each in workflows if isinstance(each, Registry)]
    if not registries:
        return Registry(*[each for each in workflows if not isinstance(each, Registry)])
    if len(workflows) > 1:
        raise InvalidArgumentError("pass workflows, or one Registry that has them; not both")
    return registries[0]
