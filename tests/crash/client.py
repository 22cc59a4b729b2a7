"""Somebody who registers, clicks links and signals, and keeps a ledger of what was asked and what was answered.

A process of its own: it outlives the sample, whose death it only notices by the answers that do not
come. A line is written before a request is sent, and another once its answer is there; each is one
unbuffered write. Beside these people, who know nothing but HTTP, others ask a server through our own client
(`callers.py`). It ends when its standard input is closed.
"""

from __future__ import annotations

import argparse
import http.client
import itertools
import json
import os
import queue
import random
import sys
import threading
import time
from urllib.parse import urlencode

from tests.crash.callers import ANSWER_SECONDS, CHANNEL, Caller, Door, Waiter
from tests.crash.ledger import Ledger

PAUSE_SECONDS = 0.01

# So many registrations wait for their click at once, for each person; more would only be more reminders.
MOST_OPEN = 25


class Person(threading.Thread):
    """One thread of requests: it knows some usernames, and shares some with the next one, so that clicks race."""

    def __init__(
        self, number: int, seed: int, port: int, server_port: int | None, ledger: Ledger, ending: threading.Event
    ) -> None:
        super().__init__(name=f"person-{number}")
        self._chance = random.Random(f"{seed}/{number}")
        self._names = (f"user-{number}-{n}" for n in itertools.count())
        self._values = itertools.count()
        self._ids = (f"{number}/{n}" for n in itertools.count())
        self._port = port
        self._server_port = server_port
        self._ledger = ledger
        self._ending = ending
        self.waited_for: queue.Queue[str] = queue.Queue()
        self.open: list[str] = []
        self.verified: list[str] = []
        self.next: Person | None = None

    def run(self) -> None:
        while not self._ending.is_set():
            if self._server_port is not None and self.open and self._chance.random() < 0.25:
                self._signal(self._server_port, self._chance.choice([*self.open, *self.verified[-1:]]))
            choice = self._chance.random()
            if not self.open or (choice < 0.4 and len(self.open) < MOST_OPEN):
                self._submit(next(self._names))
            elif choice < 0.5:
                self._ask_submit(self._chance.choice([*self.open, *self.verified[-MOST_OPEN:]]))
            elif choice < 0.6 and self.verified:
                self._verify(self._chance.choice(self.verified))
            else:
                self._verify(self._chance.choice(self.open))

    def _submit(self, name: str) -> None:
        answer = self._ask_submit(name)
        if answer is None:
            return
        if answer == "workflow started":
            # Whoever waits for them may never be told that there is no such user.
            self.waited_for.put(name)
        self.open.append(name)
        if self.next is not None and self._chance.random() < 0.3:
            self.next.open.append(name)

    def _ask_submit(self, name: str) -> str | None:
        return self._ask("submit", name, email=f"{name}@example.com")

    def _verify(self, name: str) -> None:
        answer = self._ask("verify", name, source=self._chance.choice(["email", "phone"]))
        if answer in {"done", "already verified"} and name in self.open:
            self.open.remove(name)
            self.verified.append(name)

    def _signal(self, server_port: int, username: str) -> None:
        """Send a message that is like no other to the server itself."""
        value = f"{self.name}/{next(self._values)}"
        message = {"encoding": "json", "data": json.dumps(value)}
        body = {"workflowId": username, "signalChannelName": CHANNEL, "signalValue": message}
        asked = {"operation": "signal", "username": username, "value": value}
        self._exchange(server_port, "POST", "/api/v1/workflow/signal", json.dumps(body), asked)

    def _ask(self, operation: str, username: str, **parameters: str) -> str | None:
        path = f"/signup/{operation}?{urlencode({'username': username, **parameters})}"
        return self._exchange(
            self._port, "GET", path, None, {"operation": operation, "username": username, **parameters}
        )

    def _exchange(self, port: int, method: str, path: str, body: str | None, asked: dict[str, str]) -> str | None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=ANSWER_SECONDS)
        try:
            connection.connect()
        except OSError:
            # Nobody is there: nothing was asked.
            time.sleep(PAUSE_SECONDS)
            return None
        number = next(self._ids)
        self._ledger.write(id=number, **asked)
        try:
            connection.request(method, path, body)
            response = connection.getresponse()
            answer = response.read().decode()
            self._ledger.write(id=number, status=response.status, answer=answer)
        except (OSError, http.client.HTTPException) as error:
            answer = ""
            self._ledger.write(id=number, doubt=repr(error))
        finally:
            connection.close()
        return answer


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--server-port", type=int, help="of a server that is asked as well, beside the sample")
    parser.add_argument("--worker-url", default="", help="of the worker of what is started at the server")
    parser.add_argument("--ledger", required=True)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--people", type=int, default=4)
    parser.add_argument("--callers", type=int, default=8)
    parser.add_argument("--waiters", type=int, default=4)
    options = parser.parse_args()
    threading.excepthook = _end_at_once
    ledger, ending = Ledger(options.ledger), threading.Event()
    ports = options.port, options.server_port
    people = [Person(n, options.seed, *ports, ledger, ending) for n in range(options.people)]
    for person, following in itertools.pairwise([*people, people[0]]):
        person.next = following
    threads: list[threading.Thread] = [*people]
    if options.server_port is not None:
        door = Door(f"http://localhost:{options.server_port}", options.worker_url, ledger)
        waited_for: queue.Queue[str] = queue.Queue()
        for person in people:
            person.waited_for = waited_for
        threads += [Caller(n, options.seed, door, waited_for, ending) for n in range(options.callers)]
        threads += [Waiter(n, door, waited_for, ending) for n in range(options.waiters)]
    for thread in threads:
        thread.start()
    sys.stdin.read()
    ending.set()
    for thread in threads:
        thread.join()


def _end_at_once(failed: threading.ExceptHookArgs) -> None:
    """Fail as a whole: an error that nobody expects is not to end one thread in silence."""
    sys.excepthook(failed.exc_type, failed.exc_value or failed.exc_type(), failed.exc_traceback)
    os._exit(1)


if __name__ == "__main__":
    main()
