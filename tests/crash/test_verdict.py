"""The verdict of the crash test can be guilty."""

from __future__ import annotations

import sqlite3
from collections import Counter
from pathlib import Path

import pytest
from attrs import evolve

from iwf_py import Embedded, Registry, WorkflowAlreadyStartedOptions, WorkflowOptions
from sample_apps.signup.form import Form
from sample_apps.signup.mail import Letters
from sample_apps.signup.workflow import UserSignupWorkflow
from tests.crash.verdict import NOT_SENT, Asked, Report, Silence, judge, read_ledger

STARTED = Asked("submit", "alice", "alice@example.com", 200, "workflow started")
SIGNALLED = Asked("signal", "bob", status=200, answer="{}", value="person-0/0")
REFUSED = {"status": 400, "answer": '{"subStatus": "WORKFLOW_NOT_EXISTS_SUB_STATUS"}'}
OPENED = Asked("start", "alice", status=200, answer="a run", value="alice/mine")
ALREADY = {"status": 400, "answer": "WORKFLOW_ALREADY_STARTED_SUB_STATUS: it runs"}
UNSENT = {"status": NOT_SENT, "answer": "nothing was sent"}
WAITED = Asked("wait", "alice", status=200, answer="done")
DONE = Asked("verify", "alice", status=200, answer="done")
SPOILT_HISTORY = "UPDATE iwf_history SET event = replace(event, 'waiting', 'wanting') WHERE kind = 'ExecuteReturned'"

# The second entry's event stands in place of the third, and is the same result.
DOUBLED_RESULT = """
UPDATE iwf_history SET kind = 'ExecuteReturned', event = (
    SELECT event FROM iwf_history other WHERE other.run = iwf_history.run AND other.seq = 2
) WHERE seq = 3
"""


# Of the same run, what was sent or written once stands in place of its first entry after the start as well.
DOUBLED = """
UPDATE iwf_history SET kind = '{kind}', event = (
    SELECT event FROM iwf_history other WHERE other.run = iwf_history.run AND other.kind = '{kind}'
) WHERE seq = 2 AND run = (SELECT run FROM iwf_history WHERE kind = '{kind}')
"""
# Whoever was verified is alice; bob, who only waits, has her RPC's return in place of an entry of his own.
NOT_THROUGH = """
UPDATE iwf_history SET kind = 'RpcReturned', event = (
    SELECT event FROM iwf_history other WHERE other.kind = 'RpcReturned'
) WHERE kind = 'Signalled'
"""
DOUBLED_SIGNAL, DOUBLED_VERIFICATION = DOUBLED.format(kind="Signalled"), DOUBLED.format(kind="RpcReturned")


@pytest.fixture
def url(tmp_path: Path) -> str:
    """A database in which alice was verified, and bob waits."""
    url = f"sqlite:///{tmp_path / 'signup.db'}"
    with Embedded(url, Registry(UserSignupWorkflow(Letters(Silence(), ""), 3600))) as engine:
        for name in ("alice", "bob"):
            options = WorkflowOptions(
                workflow_already_started_options=WorkflowAlreadyStartedOptions(True, f"{name}/mine")
            )
            form = Form(name, f"{name}@example.com")
            engine.client.start_workflow(UserSignupWorkflow, name, 3600, form, options)
            while not engine.client.get_workflow_data_attributes(UserSignupWorkflow, name).get("status"):
                pass
        engine.unregistered_client.signal_workflow("bob", None, "note", SIGNALLED.value)
        engine.client.invoke_rpc("alice", UserSignupWorkflow.verify, "email")
        engine.client.wait_for_workflow_completion("alice", str)
    return url


def judged(url: str, *asked: Asked, may_be_away: bool = False) -> Report:
    printed = Path(url.removeprefix("sqlite:///")).with_name("printed.txt")
    printed.touch()
    return judge(url, list(asked), printed, kills=Counter(sample=1), recoveries=[0.5], may_be_away=may_be_away)


def test_what_was_kept_is_no_problem(url: str):
    """
    A ledger that agrees with the database, doubtful requests included, brings no problem.
    """
    report = judged(
        url, STARTED, DONE, Asked("submit", "bob"), SIGNALLED, Asked("verify", "carol", status=404, answer="nobody")
    )

    assert report.problems == []
    assert (report.acknowledged, report.registrations, report.verified, report.signals) == (4, 2, 1, 1)
    assert "0 lost, 0 doubled, 0 gaps" in str(report)


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ([Asked("submit", "dave", status=200, answer="workflow started")], "registration is lost"),
        ([STARTED, STARTED], "started twice"),
        ([DONE, DONE], "verified twice"),
        ([Asked("verify", "alice", status=500, answer="oops")], "was answered 500"),
        ([Asked("verify", "alice", status=503, answer="later")], "was answered 503"),
        ([evolve(SIGNALLED, value="person-0/1")], "signal person-0/1 is lost"),
        ([evolve(SIGNALLED, username="carol")], "signal person-0/0 is lost"),
        ([evolve(SIGNALLED, **REFUSED)], "was refused, and stands"),
        ([evolve(SIGNALLED, **UNSENT)], "was refused, and stands"),
        ([OPENED], "the acknowledged start alice/mine is lost"),
        ([evolve(OPENED, **ALREADY)], "the start alice/mine was refused, and stands"),
        ([evolve(OPENED, **UNSENT)], "the start alice/mine was refused, and stands"),
        ([evolve(DONE, answer="already verified")], "carried out twice"),
        ([evolve(WAITED, answer="WorkflowFailed")], "which is not how it ended"),
        ([evolve(WAITED, username="bob")], "which is not how it ended"),
        ([evolve(WAITED, status=400, answer="no such user")], "wait was answered 400"),
    ],
)
def test_an_answer_that_the_database_does_not_keep_is_a_problem(url: str, asked: list[Asked], says: str):
    """
    What was acknowledged and is not there, or was acknowledged twice, is told.
    """
    report = judged(url, *asked)

    assert any(says in problem for problem in report.problems)


def test_who_is_asked_to_come_back_was_promised_nothing(url: str):
    """
    Where a server may be away a 503 is no problem and acknowledges nothing, whether what was asked stands or not.
    """
    away = {"status": 503, "answer": "later"}

    report = judged(
        url,
        Asked("submit", "dave", **away),
        evolve(SIGNALLED, **away),
        evolve(SIGNALLED, value="person-0/1", **away),
        Asked("signal", "alice", value="person-0/2", **REFUSED),
        may_be_away=True,
    )

    assert report.problems == []
    assert (report.acknowledged, report.away) == (1, 3)


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        ("DELETE FROM iwf_history WHERE seq = 2", "gap"),
        (SPOILT_HISTORY, "differ"),
        (DOUBLED_RESULT, "twice"),
        (DOUBLED_SIGNAL, "the signal person-0/0 stands twice"),
        (NOT_THROUGH, "bob: was verified, whoever knows of it, and has not completed"),
        ("DELETE FROM iwf_attributes WHERE key = 'status'", "the status is lost"),
        (DOUBLED_VERIFICATION, "the verification was committed twice"),
    ],
)
def test_a_history_that_was_spoilt_is_a_problem(url: str, tmp_path: Path, damage: str, says: str):
    """
    A gap, a difference between rows and history, and a result that stands twice are told.
    """
    connection = sqlite3.connect(tmp_path / "signup.db")
    connection.execute(damage)
    connection.commit()
    connection.close()

    report = judged(url, SIGNALLED)

    assert any(says in problem for problem in report.problems), report.problems


def test_the_ledger_puts_question_and_answer_together(tmp_path: Path):
    """
    A line before and a line after make one request; without the second it is in doubt.
    """
    path = tmp_path / "ledger.jsonl"
    path.write_text(
        '{"id": "0/0", "operation": "submit", "username": "alice", "email": "alice@example.com"}\n'
        '{"id": "1/0", "operation": "verify", "username": "bob", "source": "email"}\n'
        '{"id": "0/0", "status": 200, "answer": "workflow started"}\n'
        '{"id": "1/0", "doubt": "reset"}\n'
    )

    assert read_ledger(path) == [STARTED, Asked("verify", "bob")]
