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

from iwf_py import (
    Client,
    Embedded,
    Registry,
    WorkflowAbnormalExitError,
    WorkflowNotExistsError,
    WorkflowStatus,
    WorkflowStillRunningError,
)
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
from sample_apps.signup.workflow import SubmitState, UserSignupWorkflow, data_attribute_form, data_attribute_status

SETTLE_SECONDS = 120

# Nothing is acknowledged by these: what was asked may stand, or not.
AWAY = 503
# Stands in place of a status where our client says that it could send nothing: what was asked must not stand.
NOT_SENT = 0
NOT_RUNNING = "WORKFLOW_NOT_EXISTS_SUB_STATUS"
STANDS_IN_THE_WAY = "WORKFLOW_ALREADY_STARTED_SUB_STATUS"
STILL_RUNNING = "LONG_POLL_TIME_OUT_SUB_STATUS"
WORKER_FAILED = "WORKER_API_ERROR"


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
        return self.status not in {None, AWAY, NOT_SENT}

    @property
    def is_refused(self) -> bool:
        """Was it told that it was not, and will not be, carried out?"""
        match self.operation:
            case _ if self.status == NOT_SENT:
                return True
            case "signal":
                # It came to a workflow that does not run (any more).
                return self.status == 400 and NOT_RUNNING in self.answer
            case "start":
                return self.status == 400 and STANDS_IN_THE_WAY in self.answer
            case "verify":
                # The worker died, so that there is nothing to store.
                return self.status == 420 and WORKER_FAILED in self.answer
            case _:
                # Nobody was told the end of a wait.
                return self.status == 420 and STILL_RUNNING in self.answer


@define
class Report:
    """What the run brought; no problems: every promise was kept."""

    kills: Counter[str]
    recoveries: list[float]
    asked: int = 0
    acknowledged: int = 0
    away: int = 0
    signals: int = 0
    starts: int = 0
    waits: int = 0
    in_doubt: int = 0
    registrations: int = 0
    verified: int = 0
    entries: int = 0
    mails_again: int = 0
    problems: list[str] = field(default=Factory(list))

    def __str__(self) -> str:
        lost = sum("lost" in problem for problem in self.problems)
        doubled = sum("twice" in problem for problem in self.problems)
        refused = sum("and stands" in problem for problem in self.problems)
        gaps = sum("history" in problem for problem in self.problems)
        killed = ", ".join(f"{who} {count}" for who, count in sorted(self.kills.items()))
        text = (
            f"crash: {self.kills.total()} kills ({killed}), {self.asked} requests, {self.acknowledged} acknowledged, "
            f"{self.in_doubt} in doubt, {self.away} told to come back, {self.registrations} registrations, {self.verified} verified, "
            f"{self.signals} signals, {self.starts} starts and {self.waits} waits by our client, {self.entries} history entries: "
            f"{lost} lost, {doubled} doubled, {gaps} gaps, {refused} refused and done, {len(self.problems)} problems; "
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


def settle(client: Client, username: str) -> None:
    """Wait until the form of a user is stored, if there is such a user, and until they are through if they are verified."""
    try:
        client.wait_for_state_execution_completion_with_state_execution_id(
            SubmitState, username, timeout=SETTLE_SECONDS
        )
    except WorkflowNotExistsError:
        return
    attributes = client.get_workflow_data_attributes(UserSignupWorkflow, username)
    if attributes.get(data_attribute_status) == "verified":
        client.wait_for_workflow_completion(username, str, timeout=SETTLE_SECONDS)


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
    report.in_doubt = sum(asked.status is None for asked in ledger)
    done = Counter(asked.operation for asked in ledger if asked.status == 200)
    report.signals, report.starts, report.waits = done["signal"], done["start"], done["wait"]
    for one in ledger:
        is_expected = one.status in {None, 200, 404} or one.is_refused or (one.status == AWAY and may_be_away)
        if not is_expected:
            report.problems.append(f"{one.username}: {one.operation} was answered {one.status} {one.answer!r}")
    by_user: dict[str, list[Asked]] = defaultdict(list)
    for asked in ledger:
        by_user[asked.username].append(asked)
    with Embedded(url, Registry(UserSignupWorkflow(Letters(Silence(), ""), 3600))) as engine:
        for username, asked_of_user in by_user.items():
            report.problems += _problems_of_user(engine.client, username, asked_of_user, report)
        completed = {
            found.workflow_id for found in engine.client.find_workflows() if found.status is WorkflowStatus.COMPLETED
        }
    report.problems += _problems_of_runs(url, ledger, completed)
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
    if answers["verify", "already verified"] and sum(one.operation == "verify" for one in asked) == 1:
        yield f"{username}: the one verification that was asked for was carried out twice"
    is_acknowledged = any(one.operation == "start" and one.status == 200 for one in asked) or any(
        answers[key] for key in answers if key[1] in {"workflow started", "done", "already verified"}
    )
    try:
        settle(client, username)
        attributes = client.get_workflow_data_attributes(UserSignupWorkflow, username)
    except WorkflowNotExistsError:
        if is_acknowledged:
            yield f"{username}: an acknowledged registration is lost"
        return
    except WorkflowStillRunningError as error:
        yield f"{username}: work did not go on: {error}"
        return
    except WorkflowAbnormalExitError as error:
        yield f"{username}: has not completed: {error}"
        return
    report.registrations += 1
    if attributes.get(data_attribute_form) != Form(username, f"{username}@example.com"):
        yield f"{username}: the form is lost: {attributes}"
    if attributes.get(data_attribute_status) not in {"waiting", "verified"}:
        yield f"{username}: the status is lost: {attributes}"
    if answers["verify", "done"] or answers["verify", "already verified"]:
        report.verified += 1
        if attributes.get(data_attribute_status) != "verified":
            yield f"{username}: an acknowledged verification is lost: {attributes}"


def _problems_of_runs(url: str, ledger: list[Asked], completed: set[str]) -> Iterator[str]:
    """Look at every run that there is, whoever knows of it: one for each username, each result and each signal once."""
    store = SqlStore(url)
    store.open(datetime.now(UTC))
    try:
        runs: dict[str, list[Started]] = defaultdict(list)
        signals: Counter[tuple[str, str]] = Counter()
        verified: set[str] = set()
        for row in every_row(store):
            events = [event for _, event in every_event(store, row)]
            started = events[0]
            assert isinstance(started, Started), f"row {row} begins with {started}"
            username = started.request.workflow_id
            runs[username].append(started)
            yield from _problems_of_results(username, events)
            signals.update((username, _text_of(event)) for event in events if isinstance(event, Signalled))
            if any(isinstance(event, RpcReturned) for event in events):
                verified.add(username)
                if username not in completed:
                    yield f"{username}: was verified, whoever knows of it, and has not completed"
        yield from (f"{username}: registered twice" for username, started in runs.items() if len(started) > 1)
        yield from _problems_of_signals(signals, ledger)
        yield from _problems_of_starts(runs, ledger)
        yield from _problems_of_waits(verified & completed, ledger)
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
        if one.is_refused and count:
            yield f"{one.username}: the signal {one.value} was refused, and stands"
        if count > 1:
            yield f"{one.username}: the signal {one.value} stands twice"


def _problems_of_starts(runs: dict[str, list[Started]], ledger: list[Asked]) -> Iterator[str]:
    """Hold the starts that have a request id, which may be asked for several times, against the runs that have it."""
    asked: dict[tuple[str, str], list[Asked]] = defaultdict(list)
    for one in ledger:
        if one.operation == "start":
            asked[one.username, one.value].append(one)
    for (username, request_id), starts in asked.items():
        found = [one.run_id for one in runs.get(username, ()) if _request_id(one) == request_id]
        told = {one.answer for one in starts if one.status == 200}
        if not told.issubset(found):
            yield f"{username}: the acknowledged start {request_id} is lost: {sorted(told)}, there is {found}"
        if len(found) > 1:
            yield f"{username}: the start {request_id} stands twice: {found}"
        is_refused = all(one.is_refused for one in starts) or any(STANDS_IN_THE_WAY in one.answer for one in starts)
        if is_refused and found:
            yield f"{username}: the start {request_id} was refused, and stands"


def _request_id(started: Started) -> str | None:
    options = started.request.already_started
    return None if options is None else options.request_id


def _problems_of_waits(ended: set[str], ledger: list[Asked]) -> Iterator[str]:
    for one in ledger:
        if one.operation == "wait" and one.status == 200 and (one.answer != "done" or one.username not in ended):
            yield f"{one.username}: who waited was told {one.answer!r}, which is not how it ended"


def _text_of(event: Signalled) -> str:
    """Open the value that was sent."""
    return "" if event.value is None else str(json.loads(event.value.data))
