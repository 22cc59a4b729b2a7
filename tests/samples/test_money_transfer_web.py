"""What the transfer's endpoints answer."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from iwf_py import WorkflowFailed
from sample_apps.money_transfer.__main__ import read_arguments
from sample_apps.money_transfer.app import create_app
from sample_apps.money_transfer.bank import Bank


@pytest.fixture
def app(tmp_path: Path) -> Iterator[Flask]:
    bank = Bank(str(tmp_path / "bank.db"))
    app = create_app(f"sqlite:///{tmp_path / 'transfers.db'}", bank, patience_seconds=1)
    yield app
    app.extensions["iwf_py"].stop()


@pytest.fixture
def browser(app: Flask) -> FlaskClient:
    browser = app.test_client()
    browser.post("/accounts/alice?balance=10000")
    browser.post("/accounts/bob?balance=1")
    return browser


def test_a_transfer_that_arrives(app: Flask, browser: FlaskClient):
    """
    It is started once, however often it is asked for, and shown when it is done.
    """
    first = browser.post("/transfers/t?from=alice&to=bob&amount=2500")
    app.extensions["iwf_py"].client.wait_for_workflow_completion("t")
    again = browser.post("/transfers/t?from=alice&to=bob&amount=2500")

    assert (first.status_code, first.text) == (200, "transfer started")
    assert (again.status_code, again.text) == (
        200,
        "transfer t was asked for before; look at /transfers/t",
    )
    assert browser.get("/accounts").json == {"alice": 7_500, "bob": 2_501}
    shown = browser.get("/transfers/t").json
    assert (shown["status"], shown["begun"][-1], shown["reason"]) == ("COMPLETED", "credit", None)


def test_a_transfer_that_is_undone(app: Flask, browser: FlaskClient):
    """
    With a frozen account it fails after its patience, shows why, and the money is where it was.
    """
    browser.post("/accounts/bob/freeze")
    browser.post("/transfers/t?from=alice&to=bob&amount=2500")
    with pytest.raises(WorkflowFailed):
        app.extensions["iwf_py"].client.wait_for_workflow_completion("t")

    assert browser.get("/accounts").json == {"alice": 10_000, "bob": 1}
    assert browser.get("/transfers/t").json == {
        "status": "FAILED",
        "begun": [],
        "reason": "CreditMemo: account 'bob' is frozen",
    }


@pytest.mark.parametrize(
    "query", ["", "from=alice&to=bob", "from=alice&to=bob&amount=-1", "from=alice&to=bob&amount=1.5", "to=bob&amount=1"]
)
def test_what_is_no_transfer_is_refused(browser: FlaskClient, query: str):
    """
    A parameter that is missing or unusable is named, and nothing is started.
    """
    answer = browser.post(f"/transfers/t?{query}")

    assert answer.status_code == 400
    assert answer.text.startswith("parameter '")
    assert browser.get("/transfers/t").status_code == 404


def test_the_readme_names_the_options_as_they_are():
    """
    The sample's page says the defaults that the sample has.
    """
    page = (Path(__file__).parents[2] / "sample_apps" / "money_transfer" / "README.md").read_text()
    options = read_arguments([])

    assert f"| {options.port} |" in page
    assert f"| `{options.database}` |" in page
    assert f"| `{options.bank}` |" in page
    assert f"| {options.patience_seconds:g} |" in page
