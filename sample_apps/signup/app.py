"""The web side of signup: two endpoints over the workflow client."""

from __future__ import annotations

import time
from threading import Lock
from zlib import crc32

from flask import Blueprint, Flask, Response, current_app, request

from iwf_py import (
    Client,
    EngineError,
    IDReusePolicy,
    InvalidArgumentError,
    IwfPy,
    Registry,
    ServerSideError,
    StoreError,
    TooManyRequestsError,
    WorkflowAlreadyStartedError,
    WorkflowNotExistsError,
    WorkflowOptions,
    WorkflowRPCExecutionError,
    WorkflowStatus,
)
from sample_apps.signup.form import BadFormError, read_form, read_parameter
from sample_apps.signup.mail import ConsolePost, Letters
from sample_apps.signup.workflow import UserSignupWorkflow, data_attribute_status

SIGNUP_TIMEOUT_SECONDS = 3600
SUBMISSION_WAIT_SECONDS = 5.0
SUBMISSION_POLL_SECONDS = 0.02

signup = Blueprint("signup", __name__, url_prefix="/signup")

# `verify` reads, then writes. Two clicks at once could both read "waiting" and both be told "done", so clicks
# for one username take turns. One process owns the database, so its own locks are enough; an RPC that locks its
# attributes (docs/concepts/locks.md) does the same from inside the workflow.
_turns = tuple(Lock() for _ in range(256))


def create_app(database: str, *, letters: Letters | None = None, reminder_seconds: float = 10) -> Flask:
    """Make the application; the engine starts with the first request, or by ``app.extensions["iwf_py"].start()``."""
    app = Flask(__name__)
    app.debug = False
    app.config["IWF_DATABASE"] = database
    # A page elsewhere that lets its name point to 127.0.0.1 reaches nothing.
    app.config["TRUSTED_HOSTS"] = ["127.0.0.1", "localhost"]
    letters = letters or Letters(ConsolePost(), "http://127.0.0.1:8000")
    IwfPy(app, Registry(UserSignupWorkflow(letters, reminder_seconds)))
    app.register_blueprint(signup)
    return app


@signup.get("/submit")
def signup_submit() -> Response:
    form = read_form(request.args)
    # A registration that was verified is never taken over; one that ran out may be submitted again.
    options = WorkflowOptions(workflow_id_reuse_policy=IDReusePolicy.ALLOW_IF_PREVIOUS_EXITS_ABNORMALLY)
    try:
        _client().start_workflow(UserSignupWorkflow, form.username, SIGNUP_TIMEOUT_SECONDS, form, options)
    except WorkflowAlreadyStartedError:
        return _say("username already started registry")
    return _say("workflow started")


@signup.get("/verify")
def signup_verify() -> Response:
    username = read_parameter(request.args, "username")
    source = read_parameter(request.args, "source")
    try:
        submitted = _wait_for_submission(username)
    except WorkflowNotExistsError:
        return _say(f"nobody has submitted a form for {username!r}; do so at /signup/submit", 404)
    if not submitted:
        return _say("the form is still being worked on; try again in a moment", 503)
    try:
        with _turns[crc32(username.encode()) % len(_turns)]:
            return _say(_client().invoke_rpc(username, UserSignupWorkflow.verify, source))
    except WorkflowNotExistsError:
        return _say(f"the signup of {username!r} has ended without being verified; submit the form again", 410)


@signup.errorhandler(BadFormError)
@signup.errorhandler(InvalidArgumentError)
def say_what_is_wrong(error: Exception) -> Response:
    return _say(str(error), 400)


@signup.errorhandler(EngineError)
@signup.errorhandler(StoreError)
@signup.errorhandler(ServerSideError)
@signup.errorhandler(TooManyRequestsError)
@signup.errorhandler(WorkflowRPCExecutionError)
def ask_for_patience(error: Exception) -> Response:
    current_app.logger.error("signup cannot serve: %s", error)
    return _say("signup cannot serve at the moment; try again soon", 503)


def _wait_for_submission(username: str) -> bool:
    # SubmitState writes the status. A click that came before would be forgotten by that write, so it waits.
    client = _client()
    give_up_at = time.monotonic() + SUBMISSION_WAIT_SECONDS
    while not _is_submitted(client, username):
        if client.describe_workflow(username).workflow_status is not WorkflowStatus.RUNNING:
            # It ended before: nothing more will come, and the RPC says so.
            return True
        if time.monotonic() >= give_up_at:
            return False
        time.sleep(SUBMISSION_POLL_SECONDS)
    return True


def _is_submitted(client: Client, username: str) -> bool:
    try:
        known = client.get_workflow_data_attributes(UserSignupWorkflow, username, keys=[data_attribute_status])
    except ServerSideError:
        # Some servers cannot read of a run before anything of it has run.
        return False
    return bool(known.get(data_attribute_status))


def _client() -> Client:
    client: Client = current_app.extensions["iwf_py"].client
    return client


def _say(text: str, status: int = 200) -> Response:
    # Plain text: what somebody typed as a username is never read as a page.
    return Response(f"{text}", status=status, mimetype="text/plain")
