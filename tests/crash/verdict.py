"""What was acknowledged, held against what is there."""

from __future__ import annotations

import json
import statistics
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from attrs import Factory, define, field, frozen

from iwf_py import Client, Embedded, Registry, WorkflowNotExistsError
from iwf_py.cli.check import check_database, every_event, every_row
from iwf_py.core.events import AttemptsExhausted, Event, ExecuteReturned, Started, WaitUntilReturned
from iwf_py.store.database import SqlStore
from sample_apps.signup.form import Form
from sample_apps.signup.mail import Letter, Letters
from sample_apps.signup.workflow import UserSignupWorkflow, data_attribute_form, data_attribute_status

SETTLE_SECONDS = 60


@frozen
class Asked:
    """One request: what was asked, and what came back; no status: whether it was carried out is in doubt."""

    operation: str
    username: str
    email: str = ""
    status: int | None = None
    answer: str = ""


@define
class Report:
    """What the run brought; no problems: every promise was kept."""

    cycles: int
    recoveries: list[float]
    asked: int = 0
    acknowledged: int = 0
    registrations: int = 0
    verified: int = 0
    entries: int = 0
    mails_again: int = 0
    problems: list[str] = field(default=Factory(list))

    def __str__(self) -> str:
        lost = sum("lost" in problem for problem in self.problems)
        doubled = sum("twice" in problem for problem in self.problems)
        gaps = sum("history" in problem for problem in self.problems)
        text = (
            f"crash: {self.cycles} kills, {self.asked} requests, {self.acknowledged} acknowledged, "
            f"{self.registrations} registrations, {self.verified} verified, {self.entries} history entries: "
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
    names = ("operation", "username", "email", "status", "answer")
    return [Asked(**{name: entry[name] for name in names if name in entry}) for entry in entries.values()]


def judge(url: str, ledger: list[Asked], printed: Path, *, cycles: int, recoveries: list[float]) -> Report:
    """Open the database and compare it with the ledger, user by user, and each history with its rows."""
    report = Report(cycles, recoveries, asked=len(ledger))
    report.acknowledged = sum(asked.status is not None for asked in ledger)
    by_user: dict[str, list[Asked]] = defaultdict(list)
    for asked in ledger:
        by_user[asked.username].append(asked)
    with Embedded(url, Registry(UserSignupWorkflow(Letters(Silence(), ""), 3600))) as engine:
        for username, asked_of_user in by_user.items():
            report.problems += _problems_of_user(engine.client, username, asked_of_user, report)
    report.problems += _problems_of_runs(url)
    findings = check_database(url)
    report.entries = findings.entries
    report.problems += findings.problems
    sent = Counter(line.partition(":")[0] for line in printed.read_text().splitlines() if "welcome email" in line)
    report.mails_again = sum(count - 1 for count in sent.values())
    return report


def _problems_of_user(client: Client, username: str, asked: list[Asked], report: Report) -> Iterator[str]:
    answers = Counter((a.operation, a.answer) for a in asked if a.status is not None)
    for one in asked:
        if one.status not in {None, 200, 404}:
            yield f"{username}: {one.operation} was answered {one.status} {one.answer!r}"
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


def _problems_of_runs(url: str) -> Iterator[str]:
    """Look at every run that there is, whoever knows of it: one for each username, each result once."""
    store = SqlStore(url)
    store.open(datetime.now(UTC))
    try:
        runs: Counter[str] = Counter()
        for row in every_row(store):
            events = [event for _, event in every_event(store, row)]
            username = events[0].request.workflow_id if isinstance(events[0], Started) else f"row {row}"
            runs[username] += 1
            yield from _problems_of_results(username, events)
        yield from (f"{username}: registered twice" for username, count in runs.items() if count > 1)
    finally:
        store.close()


def _problems_of_results(username: str, events: list[Event]) -> Iterator[str]:
    if sum(isinstance(event, Started) for event in events) != 1:
        yield f"{username}: opened twice"
    results = Counter(
        (type(event).__name__, event.number)
        for event in events
        if isinstance(event, WaitUntilReturned | ExecuteReturned | AttemptsExhausted)
    )
    for (name, number), count in results.items():
        if count > 1:
            yield f"{username}: {name} of state {number} committed twice"
