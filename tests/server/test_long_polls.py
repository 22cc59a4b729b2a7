"""Waits of clients: how long, how many, and what ends them."""

import threading
import time
from concurrent.futures import Future
from datetime import UTC, datetime

import pytest

from iwf_py.server.actions import Role
from iwf_py.server.keys import Keys, make_key
from iwf_py.server.long_polls import LongPolls, Nothing
from iwf_py.server.patience import first_of, sooner
from tests.server.host import API
from tests.server.scripted import close_with, told

SOON = 10.0
STILL_RUNNING = {
    "detail": "workflow is still running, waiting has exceeded timeout limit, please retry",
    "subStatus": "LONG_POLL_TIME_OUT_SUB_STATUS",
}
STILL_WAITING = {
    "detail": "waiting has exceeded timeout limit, please retry",
    "subStatus": "LONG_POLL_TIME_OUT_SUB_STATUS",
}


class Polling:
    """One request on a thread of its own."""

    def __init__(self, host, name, headers=None, **body):
        self.told = None
        self._thread = threading.Thread(target=self._send, args=(host, name, body, headers))
        self._thread.start()

    def _send(self, host, name, body, headers):
        self.told = host.send("POST", API + name, body, headers)

    def end(self):
        self._thread.join(SOON)
        assert self.told is not None
        return self.told


def until(question):
    over = time.monotonic() + SOON
    while not question():
        assert time.monotonic() < over
        time.sleep(0.005)


@pytest.mark.parametrize(
    ("name", "more", "told"),
    [("getWithWait", {}, STILL_RUNNING), ("waitForStateCompletion", {"stateExecutionId": "A-1"}, STILL_WAITING)],
)
def test_a_wait_that_was_in_vain_is_told_as_such(host, name, more, told):
    """
    With 420 and the words that SDKs compare; before the time that was asked for is over, since a caller may have no more.
    """
    host.start("w")
    begun = time.monotonic()
    answer = host.post(name, workflowId="w", waitTimeSeconds=1, **more)

    assert (answer.status, answer.body) == (420, told)
    assert 0.5 < time.monotonic() - begun < SOON


def test_answers_are_on_their_way_before_callers_give_up():
    """
    A tenth of a second's part of a second, and never more than half a second early.
    """
    assert sooner(60.0) == 59.5
    assert 0.9 < sooner(1.0) < 1.0
    assert sooner(0.0) == 0.0


def test_a_wait_ends_when_what_it_waits_for_comes(host, make_worker):
    """
    And answers the run that was looked up at its beginning, though another one has come to be the current one.
    """
    worker = make_worker(lambda path, body: close_with())
    run_id = host.start("w", worker.url)
    polling = Polling(host, "getWithWait", workflowId="w")
    until(lambda: len(host.polls) == 1)
    options = {"idReusePolicy": "ALLOW_TERMINATE_IF_RUNNING"}
    again = host.start("w", worker.url, workflowStartOptions=options)

    assert again != run_id
    assert polling.end().body == {"workflowRunId": run_id, "workflowStatus": "TERMINATED"}


def test_a_full_house_gives_a_look_and_no_more(make_host):
    """
    Those beyond the cap are answered at once: with what is there already, or with the 420 that has them ask again.
    """
    host = make_host(most_polls=2)
    for workflow_id in ("w", "closed"):
        host.start(workflow_id)
    host.post("stop", workflowId="closed")
    waiting = [Polling(host, "getWithWait", workflowId="w") for _ in range(2)]
    until(lambda: len(host.polls) == 2)
    begun = time.monotonic()
    answers = [host.post("getWithWait", workflowId=workflow_id) for workflow_id in ("w", "closed", "nobody")]

    assert time.monotonic() - begun < SOON
    assert [answer.status for answer in answers] == [420, 200, 400]
    assert len(host.polls) == 2
    host.post("stop", workflowId="w")
    assert [polling.end().body["workflowStatus"] for polling in waiting] == ["CANCELED", "CANCELED"]


def test_a_key_has_so_many_seats_and_leaves_the_others(make_host):
    """
    Beyond them its waits are answered at once, as beyond those of all; other keys go on waiting, and a seat that is left is free.
    """
    (text, key), (other_text, other) = (make_key(name, Role.ADMIN, datetime.now(UTC)) for name in "ab")
    host = make_host(access=Keys([key, other]), most_polls=3, most_polls_each=1)
    first, second = ({"Authorization": f"Bearer {one}"} for one in (text, other_text))
    start = {"workflowId": "w", "iwfWorkflowType": "F", "workflowTimeoutSeconds": 0, "iwfWorkerUrl": ""}
    assert host.send("POST", API + "start", start, first).status == 200
    holding = Polling(host, "getWithWait", headers=first, workflowId="w")
    until(lambda: len(host.polls) == 1)
    wait = {"workflowId": "w", "stateExecutionId": "A-1"}
    beyond = [host.send("POST", API + name, wait, first) for name in ("getWithWait", "waitForStateCompletion")]
    beside = Polling(host, "getWithWait", headers=second, workflowId="w")
    until(lambda: len(host.polls) == 2)
    host.send("POST", API + "stop", {"workflowId": "w"}, first)

    assert [told.body for told in beyond] == [STILL_RUNNING, STILL_WAITING]
    assert [one.end().status for one in (holding, beside)] == [200, 200]
    host.send("POST", API + "start", start, first)
    again = Polling(host, "getWithWait", headers=first, workflowId="w")
    until(lambda: len(host.polls) == 1)
    host.polls.close()
    assert again.end().status == 420


def test_without_keys_one_machine_has_all_the_seats(make_host):
    """
    Those on it have one address, and are not told apart.
    """
    host = make_host(most_polls=4, most_polls_each=1)
    host.start("w")
    waiting = [Polling(host, "getWithWait", workflowId="w") for _ in range(4)]
    until(lambda: len(host.polls) == 4)
    host.post("stop", workflowId="w")

    assert [one.end().status for one in waiting] == [200] * 4


def test_who_waits_when_the_server_ends_is_told_to_ask_again(host):
    """
    So that it ends at once; and so is whoever comes then.
    """
    host.start("w")
    polling = Polling(host, "getWithWait", workflowId="w")
    until(lambda: len(host.polls) == 1)
    host.polls.close()

    assert (polling.end().status, polling.end().body) == (420, STILL_RUNNING)
    assert host.post("getWithWait", workflowId="w").status == 420


def test_a_wait_that_is_over_leaves_nothing_behind():
    """
    What was waited for is cancelled, so that the engine forgets it.
    """
    polls, future = LongPolls(), Future()

    assert polls.wait(future, 0.01) == Nothing()
    assert future.cancelled()
    assert len(polls) == 0


def test_the_first_that_succeeds_is_the_one():
    """
    Errors count only when there is nothing else.
    """
    good, bad, late = Future(), Future(), Future()
    first, never = first_of([bad, good, late]), first_of([bad])
    bad.set_exception(ValueError("bad"))
    good.set_result(1)
    late.set_result(2)

    assert first.result(0) == 1
    assert isinstance(never.exception(0), ValueError)


def flow(path, body):
    """A goes on to B with a key; B waits for a signal, and completes."""
    if body["workflowStateId"] == "A":
        movement = {"stateId": "B_b", "waitForKey": "the_key"}
        return told({"stateDecision": {"nextStates": [movement]}})
    if path.endswith("/start"):
        commands = {"commandWaitingType": "ALL_COMPLETED", "signalCommands": [{"signalChannelName": "go"}]}
        return told({"commandRequest": commands})
    return close_with()


@pytest.mark.parametrize("workflow_id", ["w", "w_1", "__w_"])
def test_the_helper_workflow_of_a_state_stands_as_the_state_does(host, make_worker, workflow_id):
    """
    Asked for by the id that the original would have given it: running until the state has completed, whatever is in the names.
    """
    worker = make_worker(flow)
    run_id = host.start(workflow_id, worker.url, startStateId="A", stateOptions={"skipWaitUntil": True})
    host.idle.wait()
    shadow = f"__IwfSystem_{workflow_id}"
    before = [host.post("get", workflowId=f"{shadow}_{rest}").body["workflowStatus"] for rest in ("A-1", "B_b_the_key")]
    polling = Polling(host, "getWithWait", workflowId=f"{shadow}_B_b_the_key")
    until(lambda: len(host.polls) == 1)
    host.post("signal", workflowId=workflow_id, signalChannelName="go")
    completed = {"workflowRunId": run_id, "workflowStatus": "COMPLETED"}

    assert before == ["COMPLETED", "RUNNING"]
    assert polling.end().body == completed
    assert host.post("get", workflowId=f"{shadow}_B_b_the_key").body == completed


@pytest.mark.parametrize("rest", ["", "w", "nobody_A-1", "w_", "_A-1", "w" + "_" * 900])
def test_a_helper_workflow_of_nothing_is_not_there(host, rest):
    """
    However it is spelt.
    """
    host.start("w")

    assert host.post("get", workflowId=f"__IwfSystem_{rest}").body["subStatus"] == "WORKFLOW_NOT_EXISTS_SUB_STATUS"


def test_ids_of_helper_workflows_are_reserved(host):
    """
    Nobody starts one, and nobody signals through the channels that the original steers itself by.
    """
    host.start("w")
    start = host.post(
        "start", workflowId="__IwfSystem_w_A-1", iwfWorkflowType="F", workflowTimeoutSeconds=0, iwfWorkerUrl=""
    )
    signal = host.post("signal", workflowId="w", signalChannelName="__IwfSystem_SkipTimerChannel")

    assert [start.status, signal.status] == [400, 400]
    assert "reserved prefix" in signal.body["detail"]
