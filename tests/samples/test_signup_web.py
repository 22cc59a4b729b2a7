"""What the signup endpoints answer."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlencode

import pytest
from flask import Flask
from flask.testing import FlaskClient

from sample_apps.signup.app import create_app
from sample_apps.signup.form import MAX_LENGTH, Form
from sample_apps.signup.workflow import UserSignupWorkflow, data_attribute_form

SUBMIT = "/signup/submit?username=alice&email=alice@example.com"
VERIFY = "/signup/verify?username=alice&source=email"


def refuse(letter: object) -> None:
    raise ConnectionError("the mail server does not answer")


def verified_form(app: Flask) -> Form:
    client = app.extensions["iwf_py"].client
    assert client.wait_for_workflow_completion("alice", str) == "done"
    form = client.get_workflow_data_attributes(UserSignupWorkflow, "alice")[data_attribute_form]
    assert isinstance(form, Form)
    return form


def test_a_registration_from_form_to_welcome(app: Flask, browser: FlaskClient, post):
    """
    Submitting starts the workflow, a click ends it, and a mail goes out at each end.
    """
    submitted = browser.get(SUBMIT + "&firstname=Alice")
    first = post.next()
    verified = browser.get(VERIFY)
    second = post.next()

    assert (submitted.status_code, submitted.text) == (200, "workflow started")
    assert (first.kind, first.email) == ("verification", "alice@example.com")
    assert "/signup/verify?username=alice&source=email" in first.text
    assert (verified.status_code, verified.text) == (200, "done")
    assert (second.kind, second.text) == ("welcome", "welcome, Alice")
    assert verified_form(app) == Form("alice", "alice@example.com", "Alice")


def test_a_username_is_registered_once(browser: FlaskClient):
    """
    A second form for a username that waits is told so, and changes nothing.
    """
    browser.get(SUBMIT)

    again = browser.get("/signup/submit?username=alice&email=mallory@example.com")

    assert (again.status_code, again.text) == (200, "username already started registry")


def test_a_verified_username_is_never_taken_over(app: Flask, browser: FlaskClient):
    """
    A completed registration stands: a later form for the username is refused.
    """
    browser.get(SUBMIT)
    browser.get(VERIFY)
    verified_form(app)

    again = browser.get("/signup/submit?username=alice&email=mallory@example.com")

    assert again.text == "username already started registry"
    assert verified_form(app).email == "alice@example.com"


def test_a_second_click_reads_only(app: Flask, browser: FlaskClient):
    """
    Once verified, always "already verified": before and after the workflow has completed.
    """
    browser.get(SUBMIT)

    first, second = browser.get(VERIFY), browser.get(VERIFY)
    verified_form(app)
    third = browser.get(VERIFY)

    assert [answer.text for answer in (first, second, third)] == ["done", "already verified", "already verified"]


def test_of_clicks_at_once_one_is_done(app: Flask, browser: FlaskClient):
    """
    However many clicks come at once, one of them verifies.
    """
    browser.get(SUBMIT)

    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda _: app.test_client().get(VERIFY).text, range(16)))

    assert sorted(answers) == ["already verified"] * 15 + ["done"]


def test_a_click_on_the_heels_of_the_form_counts(app: Flask):
    """
    A click that comes before the form has been worked on waits for it, and is not forgotten.
    """
    for n in range(20):
        browser = app.test_client()
        browser.get(f"/signup/submit?username=user-{n}&email=user@example.com")

        verified = browser.get(f"/signup/verify?username=user-{n}&source=email")

        assert verified.text == "done"
        assert app.extensions["iwf_py"].client.wait_for_workflow_completion(f"user-{n}", str) == "done"


def test_reminders_go_out_until_the_click(app: Flask, browser: FlaskClient, post):
    """
    When the time is over a reminder goes out, and the state waits anew.
    """
    browser.get(SUBMIT)
    assert post.next().kind == "verification"
    client = app.extensions["iwf_py"].client

    kinds = []
    for execution in (1, 2):
        while not any(state.timers for state in client.describe_workflow("alice").states):
            pass
        client.skip_timer_at_command_index("alice", "VerifyState", execution)
        kinds.append(post.next().kind)
    browser.get(VERIFY)

    assert kinds == ["a reminder", "a reminder"]
    assert post.next().kind == "welcome"


def test_a_signup_that_ran_out_is_gone_and_may_be_submitted_again(app: Flask, browser: FlaskClient):
    """
    A click on a registration that ended unverified is a 410, and the username is free again.
    """
    browser.get(SUBMIT)
    app.extensions["iwf_py"].client.stop_workflow("alice")

    late = browser.get(VERIFY)
    again = browser.get(SUBMIT)

    assert (late.status_code, "submit the form again" in late.text) == (410, True)
    assert again.text == "workflow started"


def test_while_no_mail_can_go_out_a_click_is_asked_for_patience(post, browser: FlaskClient, app: Flask, monkeypatch):
    """
    Before the form is stored a click cannot count: it is a 503; and a 410 once nothing will be stored any more.
    """
    monkeypatch.setattr("sample_apps.signup.app.SUBMISSION_WAIT_SECONDS", 0.05)
    monkeypatch.setattr(post, "send", refuse)
    browser.get(SUBMIT)

    early = browser.get(VERIFY)
    app.extensions["iwf_py"].client.stop_workflow("alice")
    late = browser.get(VERIFY)

    assert (early.status_code, "try again" in early.text) == (503, True)
    assert late.status_code == 410


def test_an_unknown_username_is_a_404_that_says_what_to_do(browser: FlaskClient):
    """
    Nobody who was never submitted can be verified.
    """
    answer = browser.get("/signup/verify?username=nobody&source=email")

    assert answer.status_code == 404
    assert answer.text == "nobody has submitted a form for 'nobody'; do so at /signup/submit"


@pytest.mark.parametrize(
    ("path", "parameters", "culprit"),
    [
        ("submit", {}, "email"),
        ("submit", {"username": "alice"}, "email"),
        ("submit", {"email": "alice@example.com"}, "username"),
        ("submit", {"username": "  ", "email": "alice@example.com"}, "username"),
        ("submit", {"username": "alice", "email": "alice"}, "email"),
        ("submit", {"username": "alice", "email": "alice@example.com, bob@example.com"}, "email"),
        ("submit", {"username": "alice", "email": "alice@example.com\r\nBcc: bob@example.com"}, "email"),
        ("submit", {"username": "alice\x00", "email": "alice@example.com"}, "username"),
        ("submit", {"username": "a" * (MAX_LENGTH + 1), "email": "alice@example.com"}, "username"),
        ("submit", {"username": "alice", "email": "alice@example.com", "firstname": "A\nB"}, "firstname"),
        ("verify", {"username": "alice"}, "source"),
        ("verify", {"source": "email"}, "username"),
        ("verify", {"username": "", "source": "email"}, "username"),
    ],
)
def test_a_bad_parameter_is_a_400_that_names_it(browser: FlaskClient, path, parameters, culprit):
    """
    What is missing, blank, too long or could be read as something else is refused by name.
    """
    answer = browser.get(f"/signup/{path}?{urlencode(parameters)}")

    assert answer.status_code == 400
    assert f"'{culprit}'" in answer.text


def test_a_name_is_never_a_page(browser: FlaskClient):
    """
    Answers are plain text: what somebody typed cannot become markup.
    """
    answer = browser.get("/signup/verify?username=<script>alert(1)</script>&source=email")

    assert answer.status_code == 404
    assert answer.mimetype == "text/plain"


def test_a_foreign_host_name_reaches_nothing(browser: FlaskClient):
    """
    A page whose name was pointed to this machine is refused.
    """
    answer = browser.get(SUBMIT, headers={"Host": "evil.example"})

    assert answer.status_code == 400


def test_the_debugger_is_off_whatever_the_environment_says(monkeypatch: pytest.MonkeyPatch):
    """
    The sample never serves a debugger.
    """
    monkeypatch.setenv("FLASK_DEBUG", "1")

    assert create_app("sqlite://").debug is False
