"""Those who start, signal, verify and wait through our own client, and write into the ledger what it told them."""

from __future__ import annotations

import itertools
import queue
import random
import threading
import time
from collections.abc import Callable

from iwf_py import (
    Client,
    ClientOptions,
    HttpError,
    IDReusePolicy,
    Registry,
    ServerUnreachableError,
    WorkflowAbnormalExitError,
    WorkflowAlreadyStartedOptions,
    WorkflowOptions,
)
from sample_apps.signup.form import Form
from sample_apps.signup.mail import Letters
from sample_apps.signup.workflow import SubmitState, UserSignupWorkflow
from tests.crash.ledger import Ledger
from tests.crash.verdict import NOT_SENT, Silence

# Nobody reads it: what is sent there stays in the history, and changes nothing else.
CHANNEL = "note"

PAUSE_SECONDS = 0.02
# After a call that was not carried out, or nobody knows: a machine that starts programs has else to do.
LONGER_PAUSE_SECONDS = 0.2
ANSWER_SECONDS = 30
WAIT_SECONDS = 5
TIMEOUT_SECONDS = 3600
SIGNALS_TO_EACH = 40


class Door:
    """
    Our client, and the ledger in which each call of it is written.

    Args:
        server_url: Of the server that is killed.

        worker_url: Of the worker of what is started here: the sample.
    """

    def __init__(self, server_url: str, worker_url: str, ledger: Ledger) -> None:
        registry = Registry(UserSignupWorkflow(Letters(Silence(), ""), 3600))
        self.client = Client(registry, ClientOptions(server_url, worker_url, api_timeout=ANSWER_SECONDS))
        self._ledger = ledger
        self._numbers = itertools.count()

    def ask(self, call: Callable[[], object], **asked: str) -> str | None:
        """Make a call; answers what it returned, None where it raised that it was refused, or that nobody knows."""
        number = f"call/{next(self._numbers)}"
        self._ledger.write(id=number, **asked)
        try:
            answer = str(call() or "")
        except WorkflowAbnormalExitError as error:
            answer = type(error).__name__
        except HttpError as error:
            self._ledger.write(id=number, status=error.status, answer=f"{error.sub_status}: {error}")
            time.sleep(LONGER_PAUSE_SECONDS)
            return None
        except ServerUnreachableError as error:
            told = {"doubt": str(error)} if error.was_sent else {"status": NOT_SENT, "answer": str(error)}
            self._ledger.write(id=number, **told)
            time.sleep(LONGER_PAUSE_SECONDS)
            return None
        self._ledger.write(id=number, status=200, answer=answer)
        return answer


class Caller(threading.Thread):
    """Starts users of its own, one after the other, sends each messages that are like no other, and verifies them."""

    def __init__(
        self, number: int, seed: int, door: Door, waited_for: queue.Queue[str], ending: threading.Event
    ) -> None:
        super().__init__(name=f"caller-{number}")
        self._chance = random.Random(f"{seed}/{self.name}")
        self._values = (f"{self.name}/{n}" for n in itertools.count())
        self._door = door
        self._waited_for = waited_for
        self._ending = ending

    def run(self) -> None:
        for number in itertools.count():
            username = f"{self.name}-user-{number}"
            if not self._until_answered(lambda username=username: self._start(username, f"{username}/mine")):
                return
            self._waited_for.put(username)
            for _ in range(SIGNALS_TO_EACH):
                if self._ending.is_set():
                    return
                self._signal(username)
            # By the same request id it is the run that there is; another one is refused.
            self._start(username, f"{username}/{self._chance.choice(['mine', 'other'])}")
            if not self._until_answered(lambda username=username: self._verify(username)):
                return

    def _until_answered(self, ask: Callable[[], str | None]) -> bool:
        while not self._ending.is_set():
            if ask() is not None:
                return True
        return False

    def _start(self, username: str, request_id: str) -> str | None:
        options = WorkflowOptions(
            workflow_id_reuse_policy=IDReusePolicy.DISALLOW_REUSE,
            workflow_already_started_options=WorkflowAlreadyStartedOptions(True, request_id),
        )
        form = Form(username, f"{username}@example.com")
        return self._door.ask(
            lambda: self._door.client.start_workflow(UserSignupWorkflow, username, TIMEOUT_SECONDS, form, options),
            operation="start",
            username=username,
            value=request_id,
        )

    def _signal(self, username: str) -> None:
        value = next(self._values)
        self._door.ask(
            lambda: self._door.client.signal_workflow(username, CHANNEL, value),
            operation="signal",
            username=username,
            value=value,
        )
        time.sleep(self._chance.uniform(0, PAUSE_SECONDS))

    def _verify(self, username: str) -> str | None:
        client = self._door.client
        # Before its form is stored, nobody is verified: the sample waits for that as well.
        submitted = self._door.ask(
            lambda: client.wait_for_state_execution_completion_with_state_execution_id(
                SubmitState, username, timeout=WAIT_SECONDS
            ),
            operation="wait for form",
            username=username,
        )
        if submitted is None:
            return None
        return self._door.ask(
            lambda: client.invoke_rpc(username, UserSignupWorkflow.verify, self.name),
            operation="verify",
            username=username,
        )


class Waiter(threading.Thread):
    """Waits until users have been verified, whoever dies meanwhile."""

    def __init__(self, number: int, door: Door, waited_for: queue.Queue[str], ending: threading.Event) -> None:
        super().__init__(name=f"waiter-{number}")
        self._door = door
        self._waited_for = waited_for
        self._ending = ending

    def run(self) -> None:
        while not self._ending.is_set():
            try:
                username = self._waited_for.get(timeout=PAUSE_SECONDS)
            except queue.Empty:
                continue
            told = self._door.ask(
                lambda username=username: self._door.client.wait_for_workflow_completion(
                    username, str, timeout=WAIT_SECONDS
                ),
                operation="wait",
                username=username,
            )
            if told is None:
                self._waited_for.put(username)
