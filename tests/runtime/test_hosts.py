"""Calls that go to workers' hosts: everything is served, and no host gets more than its share at once."""

from datetime import UTC, datetime, timedelta

import pytest

from iwf_py.model.ids import WorkflowKey
from iwf_py.model.invocations import EVERYTHING, Fence, Invocation, InvocationKind, Serves, Task
from iwf_py.model.options import CallOptions, RetryPolicy, StateOptions
from iwf_py.model.status import Phase
from iwf_py.runtime.dispatch import Dispatch
from iwf_py.testing.clock import ManualClock


class Calls:
    """A dispatch, and calls by number."""

    def __init__(self):
        self.dispatch = Dispatch(ManualClock())
        self.count = 0

    def put(self, url, *, kind="Flow", count=1, phase=Phase.EXECUTE):
        for _ in range(count):
            self.count += 1
            call = Invocation(
                kind=InvocationKind.EXECUTE,
                namespace="default",
                workflow_type=kind,
                workflow_id="w",
                run_id="r",
                started_at=datetime(2024, 5, 1, tzinfo=UTC),
                method_name="A",
                timeout=timedelta(seconds=30),
                worker_url=url,
            )
            fence = Fence("r", self.count, phase, 1, 1)
            self.dispatch.put(WorkflowKey("default", "w"), Task(fence, call))

    def take(self, limit=100, serves=None):
        taking = self.dispatch.take(limit, serves or Serves(None, most_each=3))
        return taking if not taking.done() else [task.fence.number for task in taking.result(0)]

    def over(self, number, phase=Phase.EXECUTE):
        fence = Fence("r", number, phase, 1, 1)
        return self.dispatch.returned(fence) or self.dispatch.end(fence)


@pytest.fixture
def calls():
    return Calls()


def test_everything_is_served(calls):
    """
    A worker that calls others takes calls of any type, and what is ready counts as work that can be done.
    """
    assert EVERYTHING.has("Flow", "A")
    assert EVERYTHING.has("Other", None)
    calls.put("http://a", kind="Flow")
    calls.put("http://a", kind="Other")

    assert calls.take(serves=EVERYTHING) == [1, 2]
    assert calls.dispatch.serves == EVERYTHING


def test_a_host_gets_its_share_and_the_others_go_past(calls):
    """
    Calls of a host that has its hands full stay, whatever their type; younger ones of another host are handed out.
    """
    calls.put("http://a", count=5)
    calls.put("http://a", kind="Other", count=2)
    calls.put("http://b", count=2)

    assert calls.take() == [1, 2, 3, 8, 9]
    assert calls.dispatch.load == 5


def test_one_that_is_over_makes_room_for_the_oldest(calls):
    """
    A worker that waits hears at once, whether the outcome has come or the call is not wanted any more.
    """
    calls.put("http://a", count=6)
    assert calls.take() == [1, 2, 3]

    first, second = calls.take(), None
    assert not first.done()
    calls.over(2)
    second = calls.take()
    calls.dispatch.end(Fence("r", 1, Phase.EXECUTE, 1, 1))

    assert [task.fence.number for task in first.result(0)] == [4]
    assert [task.fence.number for task in second.result(0)] == [5]


def test_a_call_that_was_not_handed_out_makes_no_room(calls):
    """
    Only those in hand count.
    """
    calls.put("http://a", count=5)
    assert calls.take() == [1, 2, 3]
    waiting = calls.take()

    calls.over(5)

    assert not waiting.done()
    calls.over(1)
    assert [task.fence.number for task in waiting.result(0)] == [4]


def test_spellings_of_a_host_share(calls):
    """
    Prefixes, letter case and slashes at the end make no other host; a port does.
    """
    for url in ("http://a:1", "http://A:1/", "http://a:1/x", "http://a:1/y/z", "http://a:2"):
        calls.put(url)

    assert calls.take() == [1, 2, 3, 5]


def test_calls_of_code_in_this_process_are_not_bounded(calls):
    """
    A call without a URL, and a worker that says nothing of shares, go on as ever.
    """
    calls.put(None, count=5)
    assert calls.take() == [1, 2, 3, 4, 5]

    calls.put("http://a", count=5)
    assert calls.take(serves=Serves({"Flow": frozenset({"A"})})) == [6, 7, 8, 9, 10]
    assert calls.dispatch.load == 10


def test_a_run_without_code_here_is_served(make_scene):
    """
    To a worker that calls others, describe says that every state is served.
    """
    scene = make_scene()
    scene.serves = Serves(None, most_each=3)
    scene.start(worker_url="http://a")

    task = scene.tasks()[0]

    assert task.invocation.worker_url == "http://a"
    assert scene.describe().states[0].is_served


def test_the_last_moment_is_told(make_scene, kit):
    """
    An attempt that the policy's total duration cuts short knows it; one with its own whole timeout does not.
    """
    scene = make_scene()
    for name, seconds in (("cut", 5), ("whole", 60)):
        policy = RetryPolicy(maximum_attempts_duration_seconds=seconds)
        options = StateOptions(skip_wait_until=True, execute=CallOptions(retry=policy, timeout=timedelta(seconds=30)))
        scene.start(name, kit.movement("A", options=options))

    told = {task.invocation.workflow_id: task.invocation for task in scene.tasks()}

    assert (told["cut"].is_last_moment, told["cut"].timeout) == (True, timedelta(seconds=5))
    assert (told["whole"].is_last_moment, told["whole"].timeout) == (False, timedelta(seconds=30))
