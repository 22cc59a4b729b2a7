"""What is kept of a run: every event that changed something, in order, without gaps."""

from __future__ import annotations

from itertools import pairwise

import pytest

from iwf_py.core.events import Signalled
from iwf_py.errors import WorkflowNotExistsError
from iwf_py.testing.contract.host import ContractHost
from iwf_py.testing.contract.listening import Listener, all_of, any_of, signal, timer
from iwf_py.testing.contract.needs import Capability, needs

WORKFLOWS = (Listener(),)


def entries(host: ContractHost, workflow_id: str, after: int = 0, limit: int = 1000):
    host.settle()
    return host.service.history(host.address(workflow_id), after, limit).result(30)


@needs(Capability.CLOCK, Capability.DESCRIBE)
def test_history_tells_the_story_in_order(host: ContractHost):
    """
    Every event that changed something is there once, numbered from one without gaps, at an instant that never runs back.
    """
    host.start(Listener, "w", [all_of(timer(10), signal("a"))])
    host.advance(4)
    host.client.signal_workflow("w", "a", "x")
    host.advance(6)

    story = entries(host, "w")

    assert [entry.kind for entry in story] == [
        "Started",
        "ExecuteReturned",
        "WaitUntilReturned",
        "Signalled",
        "TimerFired",
        "ExecuteReturned",
    ]
    assert [entry.seq for entry in story] == list(range(1, 7))
    assert all(earlier.at <= later.at for earlier, later in pairwise(story))
    assert {(entry.workflow_id, entry.run_id) for entry in story} == {("w", host.description("w").run_id)}
    assert (story[3].at - story[0].at).total_seconds() == 4
    assert (story[4].at - story[0].at).total_seconds() == 10


@needs(Capability.HISTORY)
def test_history_is_read_page_by_page(host: ContractHost):
    """
    A reader asks for what comes after what it has.
    """
    host.start(Listener, "w", [all_of(*[signal("a")] * 5)])
    for number in range(5):
        host.client.signal_workflow("w", "a", str(number))

    whole = entries(host, "w")
    first = entries(host, "w", limit=3)
    rest = entries(host, "w", after=first[-1].seq)

    assert [entry.seq for entry in first] == [1, 2, 3]
    assert first + rest == whole
    assert entries(host, "w", after=whole[-1].seq) == ()


@needs(Capability.HISTORY)
def test_what_is_refused_leaves_no_trace(host: ContractHost):
    """
    A refused request is no event.
    """
    host.start(Listener, "w", [any_of(timer(10, "t"))])
    before = entries(host, "w")

    with pytest.raises(Exception):  # noqa: B017, PT011  # which one is told elsewhere
        host.client.skip_timer_by_command_id("w", "Listen", "nobody")
    with pytest.raises(Exception):  # noqa: B017, PT011
        host.start(Listener, "w", [])

    assert entries(host, "w") == before


@needs(Capability.HISTORY)
def test_history_of_an_unknown_run_is_refused(host: ContractHost):
    """
    No run, no history.
    """
    with pytest.raises(WorkflowNotExistsError):
        entries(host, "unknown")


@needs(Capability.HISTORY)
def test_payloads_stay_sealed_in_the_history(host: ContractHost):
    """
    An event carries its value as it came from the client.
    """
    host.start(Listener, "w", [any_of(signal("a"))])
    host.client.signal_workflow("w", "a", "x")
    host.settle()

    (signalled,) = [event for _, event in host.events("w") if isinstance(event, Signalled)]

    assert signalled.value == host.converter.encode("x")


@needs(Capability.HISTORY)
def test_history_goes_on_where_it_stopped(host: ContractHost):
    """
    Another engine numbers on from the last entry of the one before.
    """
    host.start(Listener, "w", [all_of(signal("a"), signal("b"))])
    host.client.signal_workflow("w", "a", "x")
    before = entries(host, "w")

    host.restart()
    host.client.signal_workflow("w", "b", "y")

    after = entries(host, "w")
    assert after[: len(before)] == before
    assert [entry.seq for entry in after] == list(range(1, len(before) + 3))
