"""What the subscription's endpoints answer."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from sample_apps.subscription.__main__ import read_arguments
from sample_apps.subscription.app import create_app

ORDER = "email=a@example.com&trial=3600&cycle=3600&cycles=3"


@pytest.fixture
def app(tmp_path: Path) -> Iterator[Flask]:
    app = create_app(f"sqlite:///{tmp_path / 'subscriptions.db'}")
    yield app
    app.extensions["iwf_py"].stop()


@pytest.fixture
def browser(app: Flask) -> FlaskClient:
    return app.test_client()


def subscribe(app: Flask, browser: FlaskClient, name: str, customer: str, plan: str = "basic") -> str:
    """Order, and wait until the welcome is out."""
    order = {"customer": customer, "plan": plan, "email": "a@example.com", "trial": 3600, "cycle": 3600, "cycles": 3}
    answer = browser.post(f"/subscriptions/{name}", query_string=order).text
    client = app.extensions["iwf_py"].client
    client.wait_for_state_execution_completion_with_state_execution_id("Welcome", name)
    return answer


def test_a_subscription_from_order_to_end(app: Flask, browser: FlaskClient):
    """
    It is ordered once, looked at, changed and canceled; the end stays readable.
    """
    assert subscribe(app, browser, "s", "alice") == "subscribed"
    assert "exists" in subscribe(app, browser, "s", "alice")
    assert browser.get("/subscriptions/s").json == {
        "state": "trial",
        "plan": "basic",
        "cycle": 0,
        "paid": 0,
        "overdue": 0,
    }
    assert browser.post("/subscriptions/s/plan?plan=premium").text == "premium from the next charge on"
    assert browser.post("/subscriptions/s/cancel").status_code == 200
    app.extensions["iwf_py"].client.wait_for_workflow_completion("s")

    assert browser.get("/subscriptions/s").json["state"] == "canceled"
    assert browser.post("/subscriptions/s/cancel").status_code == 404


def test_subscriptions_are_found_by_what_they_say_of_themselves(app: Flask, browser: FlaskClient):
    """
    By one attribute or several; what somebody typed is a value, whatever signs are in it.
    """
    subscribe(app, browser, "s1", "alice")
    subscribe(app, browser, "s2", "alice", "premium")
    subscribe(app, browser, "s3", "o'hara\\", "premium")

    assert sorted(browser.get("/subscriptions").json) == ["s1", "s2", "s3"]
    assert sorted(browser.get("/subscriptions?customer=alice").json) == ["s1", "s2"]
    assert browser.get("/subscriptions?customer=alice&plan=premium").json == ["s2"]
    assert browser.get("/subscriptions", query_string={"customer": "o'hara\\"}).json == ["s3"]
    assert browser.get("/subscriptions", query_string={"customer": "x' OR Customer = 'alice"}).json == []
    assert browser.get("/subscriptions?color=red").status_code == 400


@pytest.mark.parametrize(
    "query",
    [
        "",
        f"customer=a&plan=gold&{ORDER}",
        "customer=a&plan=basic&email=a&trial=-1&cycle=1&cycles=1",
        "customer=a&plan=basic&email=a&trial=1&cycle=0&cycles=1",
        "customer=a&plan=basic&email=a&trial=1&cycle=1&cycles=x",
    ],
)
def test_what_is_no_order_is_refused(browser: FlaskClient, query: str):
    """
    It says what is wrong, and nothing is started.
    """
    assert browser.post(f"/subscriptions/s?{query}").status_code == 400
    assert browser.get("/subscriptions/s").status_code == 404


def test_the_readme_names_the_options_as_they_are():
    """
    The sample's page says the defaults that the sample has.
    """
    page = (Path(__file__).parents[2] / "sample_apps" / "subscription" / "README.md").read_text()
    options = read_arguments([])

    assert f"| {options.port} |" in page
    assert f"| `{options.database}` |" in page
