"""What was acknowledged, held against what is there."""

from __future__ import annotations

import json
import statistics
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from attrs import Factory, define, field, frozen

from iwf_py import Client, Embedded, Registry, WorkflowNotExistsError
from iwf_py.cli.check import check_database, every_event, every_row
from iwf_py.core.events import (
    AttemptsExhausted,
    Event,
    ExecuteReturned,
    RpcReturned,
    Signalled,
    Started,
    WaitUntilReturned,
)
from iwf_py.store.database import SqlStore
from sample_apps.signup.form import Form
from sample_apps.signup.mail import Letter, Letters
from sample_apps.signup.workflow import UserSignupWorkflow, data_attribute_form, data_attribute_status

SETTLE_SECONDS = 120

# Nothing is acknowledged by these: what was asked may stand, or not.
AWAY = 503
NOT_RUNNING = "WORKFLOW_NOT_EXISTS_SUB_STATUS"


@frozen
class Asked:
    """One request: what was asked, and what came back; no status: whether it was carried out is in doubt."""

    operation: str
    username: str
    email: str = ""
    status: int | None = None
    answer: str = ""
    value: str = ""

    @property
    def is_answered(self) -> bool:
        """Is it known what became of it?"""
        return self.status not in {None, AWAY}

    @property
    def is_refused_signal(self) -> bool:
        """Did it come to a workflow that does not run (any more)?"""
        return self.operation == "signal" and self.status == 400 and NOT_RUNNING in self.answer


@define
class Report:
    """What the run brought; no problems: every promise was kept."""

    kills: Counter[str]
    recoveries: list[float]
    asked: int = 0
    acknowledged: int = 0
    away: int = 0
    signals: int = 0
    registrations: int = 0
    verified: int = 0
    entries: int = 0
    mails_again: int = 0
    problems: list[str] = field(default=Factory(list))

    def __str__(self) -> str:
        lost = sum("lost" in problem for problem in self.problems)
        doubled = sum("twice" in problem for problem in self.problems)
        gaps = sum("history" in problem for problem in self.problems)
        killed = ", ".join(f"{who} {count}" for who, count in sorted(self.kills.items()))
        text = (
            f"crash: {self.kills.total()} kills ({killed}), {self.asked} requests, {self.acknowledged} acknowledged, "
            f"{self.away} told to come back, {self.registrations} registrations, {self.verified} verified, "
            f"{self.signals} signals, {self.entries} history entries: "
            f"{lost} lost, {doubled} doubled, {gaps} gaps, {len(self.problems)} problems; "
            f"{self.mails_again} mails went out again"
        )
        if self.recoveries:
            text += (
                f"; from start to first answer {statistics.median(self.recoveries):.2f} s in the median, "
                f"{max(self.recoveries):.2f} s at most"
            )
        return text


class Silence:
    """Sends nothing."""

    def send(self, letter: Letter) -> None:
        pass


def read_ledger(path: Path) -> list[Asked]:
    """Read the ledger: each request with its answer, in the order in which they were sent."""
    entries: dict[str, dict[str, Any]] = {}
    for line in path.read_text().splitlines():
        entry = json.loads(line)
        entries.setdefault(entry["id"], {}).update(entry)
    names = ("operation", "username", "email", "status", "answer", "value")
    return [Asked(**{name: entry[name] for name in names if name in entry}) for entry in entries.values()]


def verified_users(ledger: Iterable[Asked]) -> list[str]:
    """Tell who was answered that they are verified, in the order in which they were."""
    answers = {"done", "already verified"}
    return list(dict.fromkeys(one.username for one in ledger if one.status == 200 and one.answer in answers))


def judge(
    url: str,
    ledger: list[Asked],
    printed: Path,
    *,
    kills: Counter[str],
    recoveries: list[float],
    may_be_away: bool = False,
) -> Report:
    """
    Open the database and compare it with the ledger, user by user, and each history with its rows.

    Args:
        may_be_away: May requests be answered that nobody can serve them at the moment?
    """
    report = Report(kills, recoveries, asked=len(ledger))
    report.acknowledged = sum(asked.is_answered for asked in ledger)
    report.away = sum(asked.status == AWAY for asked in ledger)
    report.signals = sum(asked.operation == "signal" and asked.status == 200 for asked in ledger)
    for one in ledger:
        is_expected = one.status in {None, 200, 404} or one.is_refused_signal or (one.status == AWAY and may_be_away)
        if not is_expected:
            report.problems.append(f"{one.username}: {one.operation} was answered {one.status} {one.answer!r}")
    by_user: dict[str, list[Asked]] = defaultdict(list)
    for asked in ledger:
        by_user[asked.username].append(asked)
    with Embedded(url, Registry(UserSignupWorkflow(Letters(Silence(), ""), 3600))) as engine:
        for username, asked_of_user in by_user.items():
            report.problems += _problems_of_user(engine.client, username, asked_of_user, report)
    report.problems += _problems_of_runs(url, ledger)
    findings = check_database(url)
    report.entries = findings.entries
    report.problems += findings.problems
    sent = Counter(line.partition(":")[0] for line in printed.read_text().splitlines() if "welcome email" in line)
    report.mails_again = sum(count - 1 for count in sent.values())
    return report


def _problems_of_user(client: Client, username: str, asked: list[Asked], report: Report) -> Iterator[str]:
    answers = Counter((a.operation, a.answer) for a in asked if a.is_answered)
    if answers["submit", "workflow started"] > 1:
        yield f"{username}: started twice"
    if answers["verify", "done"] > 1:
        yield f"{username}: verified twice"
    is_acknowledged = any(answers[key] for key in answers if key[1] in {"workflow started", "done", "already verified"})
    try:
        attributes = client.get_workflow_data_attributes(UserSignupWorkflow, username)
    except WorkflowNotExistsError:
        if is_acknowledged:
            yield f"{username}: an acknowledged registration is lost"
        return
    report.registrations += 1
    if answers["verify", "done"] or answers["verify", "already verified"]:
        report.verified += 1
        result = client.wait_for_workflow_completion(username, str, timeout=SETTLE_SECONDS)
        attributes = client.get_workflow_data_attributes(UserSignupWorkflow, username)
        if result != "done" or attributes.get(data_attribute_status) != "verified":
            yield f"{username}: an acknowledged verification is lost: {result!r}, {attributes}"
        if attributes.get(data_attribute_form) != Form(username, f"{username}@example.com"):
            yield f"{username}: the form is lost: {attributes}"


def _problems_of_runs(url: str, ledger: list[Asked]) -> Iterator[str]:
    """Look at every run that there is, whoever knows of it: one for each username, each result and each signal once."""
    store = SqlStore(url)
    store.open(datetime.now(UTC))
    try:
        runs: Counter[str] = Counter()
        signals: Counter[tuple[str, str]] = Counter()
        for row in every_row(store):
            events = [event for _, event in every_event(store, row)]
            username = events[0].request.workflow_id if isinstance(events[0], Started) else f"row {row}"
            runs[username] += 1
            yield from _problems_of_results(username, events)
            signals.update((username, _text_of(event)) for event in events if isinstance(event, Signalled))
        yield from (f"{username}: registered twice" for username, count in runs.items() if count > 1)
        yield from _problems_of_signals(signals, ledger)
    finally:
        store.close()


def _problems_of_results(username: str, events: list[Event]) -> Iterator[str]:
    if sum(isinstance(event, Started) for event in events) != 1:
        yield f"{username}: opened twice"
    if sum(isinstance(event, RpcReturned) for event in events) > 1:
        # What it writes is that the user is verified, and one that writes nothing is no event.
        yield f"{username}: the verification was committed twice"
    results = Counter(
        (type(event).__name__, event.number)
        for event in events
        if isinstance(event, WaitUntilReturned | ExecuteReturned | AttemptsExhausted)
    )
    for (name, number), count in results.items():
        if count > 1:
            yield f"{username}: {name} of state {number} committed twice"


def _problems_of_signals(found: Counter[tuple[str, str]], ledger: list[Asked]) -> Iterator[str]:
    for one in ledger:
        if one.operation != "signal":
            continue
        count = found[one.username, one.value]
        if one.status == 200 and not count:
            yield f"{one.username}: the acknowledged signal {one.value} is lost"
        if one.is_refused_signal and count:
            yield f"{one.username}: the signal {one.value} was refused, and stands in the history"
        if count > 1:
            yield f"{one.username}: the signal {one.value} stands twice in the history"


def _text_of(event: Signalled) -> str:
    """Open the value that was sent."""
    return "" if event.value is None else str(json.loads(event.value.data))
