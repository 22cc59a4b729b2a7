"""The web side of signup: two endpoints over the workflow client."""

from __future__ import annotations

import time
from threading import Lock
from zlib import crc32

from flask import Blueprint, Flask, Response, request

from iwf_py import (
    IDReusePolicy,
    Registry,
    ServerSideError,
    WorkflowAlreadyStartedError,
    WorkflowNotExistsError,
    WorkflowOptions,
    WorkflowStatus,
)
from sample_apps.answers import client, make_app, say, tell_what_is_wrong
from sample_apps.signup.form import BadFormError, read_form, read_parameter
from sample_apps.signup.mail import ConsolePost, Letters
from sample_apps.signup.workflow import UserSignupWorkflow, data_attribute_status

SIGNUP_TIMEOUT_SECONDS = 3600
SUBMISSION_WAIT_SECONDS = 5.0
SUBMISSION_POLL_SECONDS = 0.02

signup = Blueprint("signup", __name__, url_prefix="/signup")
tell_what_is_wrong(signup, "signups")

# `verify` reads, then writes. Two clicks at once could both read "waiting" and both be told "done", so clicks
# for one username take turns. One process owns the database, so its own locks are enough; an RPC that locks its
# attributes (docs/concepts/locks.md) does the same from inside the workflow.
_turns = tuple(Lock() for _ in range(256))


def create_app(database: str, *, letters: Letters | None = None, reminder_seconds: float = 10) -> Flask:
    """Make the application; the engine starts with the first request, or by ``app.extensions["iwf_py"].start()``."""
    letters = letters or Letters(ConsolePost(), "http://127.0.0.1:8000")
    return make_app(__name__, database, Registry(UserSignupWorkflow(letters, reminder_seconds)), signup)


@signup.get("/submit")
def signup_submit() -> Response:
    form = read_form(request.args)
    # A registration that was verified is never taken over; one that ran out may be submitted again.
    options = WorkflowOptions(workflow_id_reuse_policy=IDReusePolicy.ALLOW_IF_PREVIOUS_EXITS_ABNORMALLY)
    try:
        client().start_workflow(UserSignupWorkflow, form.username, SIGNUP_TIMEOUT_SECONDS, form, options)
    except WorkflowAlreadyStartedError:
        return say("username already started registry")
    return say("workflow started")


@signup.get("/verify")
def signup_verify() -> Response:
    username = read_parameter(request.args, "username")
    source = read_parameter(request.args, "source")
    try:
        submitted = _wait_for_submission(username)
    except WorkflowNotExistsError:
        return say(f"nobody has submitted a form for {username!r}; do so at /signup/submit", 404)
    if not submitted:
        return say("the form is still being worked on; try again in a moment", 503)
    try:
        with _turns[crc32(username.encode()) % len(_turns)]:
            return say(client().invoke_rpc(username, UserSignupWorkflow.verify, source))
    except WorkflowNotExistsError:
        return say(f"the signup of {username!r} has ended without being verified; submit the form again", 410)


@signup.errorhandler(BadFormError)
def say_what_is_wrong(error: Exception) -> Response:
    return say(str(error), 400)


def _wait_for_submission(username: str) -> bool:
    # SubmitState writes the status. A click that came before would be forgotten by that write, so it waits.
    give_up_at = time.monotonic() + SUBMISSION_WAIT_SECONDS
    while not _is_submitted(username):
        if client().describe_workflow(username).workflow_status is not WorkflowStatus.RUNNING:
            # It ended before: nothing more will come, and the RPC says so.
            return True
        if time.monotonic() >= give_up_at:
            return False
        time.sleep(SUBMISSION_POLL_SECONDS)
    return True


def _is_submitted(username: str) -> bool:
    try:
        known = client().get_workflow_data_attributes(UserSignupWorkflow, username, keys=[data_attribute_status])
    except ServerSideError:
        # Some servers cannot read of a run before anything of it has run.
        return False
    return bool(known.get(data_attribute_status))
