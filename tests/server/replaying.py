"""Plays a recorded conversation against a server: the clients' part, and the worker's."""

import json
import re
import threading
import time
from datetime import timedelta

from tests.server.scripted import Scripted

# Nothing that works takes so long.
SOON = 15.0
# So long a long poll is given to reach the engine, before time is moved on for it.
_ARRIVED = 0.1
# Further ahead lies nothing that a conversation waits for.
_NEAR = timedelta(hours=1)
_VOLATILE = ("workflowStartedTimestamp", "firstAttemptTimestamp", "hostname")
_NAMED = re.compile(r"<(?:runId|pageToken)(?:-\d+)?>")


class Replay:
    """
    One conversation.

    Attributes:
        told: What each exchange came to, by its index: for a client's request (status, body), for a call ("call", the body that came).

        strange: Calls that are not in the recording.
    """

    def __init__(self, host, recorded):
        self._host = host
        self._recorded = recorded
        self._changed = threading.Condition()
        self._known = {}
        # Requests that were sent, and calls that came.
        self._begun = set()
        self._calls = set()
        self._answered = set()
        self._is_over = False
        self._sent = None
        self._sent_at = 0.0
        self.told = {}
        self.strange = []
        self._worker = Scripted(self._answer)

    def run(self):
        try:
            self._play()
        finally:
            with self._changed:
                self._is_over = True
                self._changed.notify_all()
            self._worker.close()

    def _play(self):
        for index, exchange in enumerate(self._recorded):
            if exchange["from"] == "server":
                wanted = self._answered if self._is_prompt(index) else self._begun
                self._until(lambda: index in wanted, exchange)
            else:
                self._send(index, exchange)
        self._until_answered()

    # The client.

    def _send(self, index, exchange):
        self._until_answered()
        # The recorder waited where a read follows a write: until all is done, but for calls that are held back.
        self._until(self._is_quiet, exchange)
        self._sent = index, exchange
        with self._changed:
            self._begun.add(index)
            self._changed.notify_all()
        self._thread = threading.Thread(target=self._request, args=(index, exchange))
        self._sent_at = time.monotonic()
        self._thread.start()

    def _until_answered(self):
        """The client sends one request at a time; calls that its last one led to are listed before the next."""
        if self._sent is not None:
            index, exchange = self._sent
            self._until(lambda: index in self.told, exchange)
            self._thread.join()

    def _request(self, index, exchange):
        request = exchange["request"]
        body = None if request is None else (request if isinstance(request, str) else json.dumps(request))
        if body is not None:
            body = self._live(body).encode()
        told = self._host.send(exchange["method"], exchange["path"], body)
        with self._changed:
            self.told[index] = told.status, told.body
            # What the answer names is known from here on.
            self._learn(exchange["response"], told.body)
            self._changed.notify_all()

    def _live(self, text):
        """Fill a recorded text in with what stands for its placeholders here."""
        text = text.replace("<workerUrl>", self._worker.url)
        return _NAMED.sub(lambda match: self._known.get(match[0], match[0]), text)

    def _learn(self, recorded, told):
        if not isinstance(recorded, dict) or not isinstance(told, dict):
            return
        for field in ("workflowRunId", "nextPageToken"):
            name, value = recorded.get(field, ""), told.get(field, "")
            if not name.startswith("<") or not value or name in self._known:
                continue
            if value in self._known.values():
                self.strange.append((name, "is nothing new"))
            self._known[name] = value

    def wanted(self, value):
        """Say what was recorded with what stands for its placeholders here."""
        return json.loads(self._live(json.dumps(value)))

    # The worker.

    def _answer(self, path, body):
        with self._changed:
            index = self._find(path, body)
            if index is None:
                self.strange.append((path, body))
                self._changed.notify_all()
                return 500, "text/plain", b"not recorded"
            exchange = self._recorded[index]
            self._begun.add(index)
            self._calls.add(index)
            self.told[index] = "call", body
            self._learn(exchange["request"].get("context"), body.get("context"))
            self._changed.notify_all()
            self._wait_for_turn(index, exchange)
            self._answered.add(index)
            self._changed.notify_all()
        if _is_given_up(exchange):
            return None
        response = exchange["response"]
        raw = response.encode() if isinstance(response, str) else json.dumps(response).encode()
        return exchange["status"], exchange.get("contentType", "application/json"), self._live(raw.decode()).encode()

    def _wait_for_turn(self, index, exchange):
        """Hold an answer back as it was; those that stand next to each other are given in their order, whatever order they came in."""
        earlier = {one for one in range(index) if self._is_prompt(one)}

        def is_turn():
            if _is_given_up(exchange):
                return False
            if "answered_after" in exchange:
                return exchange["answered_after"] in self._begun
            # All earlier outcomes have been handed back.
            return earlier <= self._answered and self._host.idle.tasks <= len(self._calls - self._answered)

        over = time.monotonic() + SOON
        while not (self._changed.wait_for(lambda: is_turn() or self._is_over, 0.005) or time.monotonic() > over):
            pass

    def _is_prompt(self, index):
        exchange = self._recorded[index]
        return exchange["from"] == "server" and "answered_after" not in exchange

    def _find(self, path, body):
        for index, exchange in enumerate(self._recorded):
            if (
                exchange["from"] == "server"
                and index not in self._calls
                and _place(exchange["path"], exchange["request"]) == _place(path, body)
            ):
                return index
        return None

    # Time.

    def _is_quiet(self):
        return self._host.idle.is_quiet(len(self._calls - self._answered))

    def _until(self, is_so, exchange):
        """Wait until something is so; where everybody waits, time is moved on to whatever is due next."""
        over = time.monotonic() + SOON
        while True:
            with self._changed:
                if self._changed.wait_for(is_so, 0.005):
                    return
            assert time.monotonic() < over, f"it did not come to {exchange}; strange: {self.strange}"
            if exchange["status"] != 420 and time.monotonic() > self._sent_at + _ARRIVED and self._host.idle.is_quiet():
                clock = self._host.clock
                due = clock.next_alarm()
                if due is not None and due < clock.now() + _NEAR:
                    clock.advance_to(due)


def _is_given_up(exchange):
    return "gave up" in exchange.get("note", "")


def _place(path, body):
    context = body["context"]
    return path, context["workflowId"], context.get("stateExecutionId"), body.get("rpcName"), context.get("attempt")


def same(ours, recorded):
    """Compare two bodies: absent and null are the same, what differs from time to time is not looked at."""
    return _plain(ours) == _plain(recorded)


def _plain(value):
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items() if one is not None and key not in _VOLATILE}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return value
