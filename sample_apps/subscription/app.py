"""The web side of subscriptions: to order, to look, to change, to cancel and to find them."""

from __future__ import annotations

from flask import Blueprint, Flask, Response, current_app, jsonify, request

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
)
from sample_apps.subscription.plans import PRICES, Order
from sample_apps.subscription.services import Console, Services
from sample_apps.subscription.workflow import (
    Subscription,
    search_attribute_customer,
    search_attribute_plan,
    search_attribute_state,
)

MAX_SECONDS = 366 * 86_400
MAX_CYCLES = 1_200

subscriptions = Blueprint("subscriptions", __name__, url_prefix="/subscriptions")

# What may be asked for, and the attribute that answers.
FILTERS = {
    "customer": search_attribute_customer,
    "plan": search_attribute_plan,
    "state": search_attribute_state,
}


class BadRequestError(ValueError):
    """A parameter is missing or cannot be used."""


def create_app(database: str, services: Services | None = None) -> Flask:
    """Make the application; the engine starts with the first request, or by ``app.extensions["iwf_py"].start()``."""
    app = Flask(__name__)
    app.debug = False
    app.config["IWF_DATABASE"] = database
    # A page elsewhere that lets its name point to 127.0.0.1 reaches nothing.
    app.config["TRUSTED_HOSTS"] = ["127.0.0.1", "localhost"]
    IwfPy(app, Registry(Subscription(services or Console())))
    app.register_blueprint(subscriptions)
    return app


@subscriptions.post("/<subscription_id>")
def subscribe(subscription_id: str) -> Response:
    plan = _text("plan")
    if plan not in PRICES:
        raise BadRequestError(f"there is no plan {plan!r}; choose one of {', '.join(PRICES)}")
    order = Order(
        customer=_text("customer"),
        email=_text("email"),
        plan=plan,
        trial_seconds=_number("trial", 0, MAX_SECONDS),
        cycle_seconds=_number("cycle", 1, MAX_SECONDS),
        cycles=_number("cycles", 1, MAX_CYCLES),
    )
    # An order that is sent twice is one order; a subscription that has ended is never begun again.
    options = WorkflowOptions(workflow_id_reuse_policy=IDReusePolicy.DISALLOW_REUSE)
    try:
        _client().start_workflow(Subscription, subscription_id, None, order, options)
    except WorkflowAlreadyStartedError:
        return _say(f"subscription {subscription_id} exists; look at /subscriptions/{subscription_id}")
    return _say("subscribed")


@subscriptions.get("/<subscription_id>")
def look(subscription_id: str) -> Response:
    summary = _client().invoke_rpc(subscription_id, Subscription.look)
    return jsonify(vars(summary))


@subscriptions.post("/<subscription_id>/cancel")
def cancel(subscription_id: str) -> Response:
    return _say(_client().invoke_rpc(subscription_id, Subscription.cancel))


@subscriptions.post("/<subscription_id>/plan")
def change_plan(subscription_id: str) -> Response:
    return _say(_client().invoke_rpc(subscription_id, Subscription.change_plan, _text("plan")))


@subscriptions.get("")
def find() -> Response:
    unknown = sorted(set(request.args) - set(FILTERS))
    if unknown:
        raise BadRequestError(f"subscriptions are found by {', '.join(FILTERS)}; not by {', '.join(unknown)}")
    terms = [f"IwfWorkflowType = {_quoted(Subscription.__name__)}"]
    terms += [f"{FILTERS[name]} = {_quoted(value)}" for name, value in request.args.items()]
    page = _client().search_workflow(" AND ".join(terms), page_size=100)
    return jsonify([run.workflow_id for run in page.executions])


@subscriptions.errorhandler(WorkflowNotExistsError)
def say_that_there_is_none(error: WorkflowNotExistsError) -> Response:
    return _say(f"there is no open subscription of this name: {error}", 404)


@subscriptions.errorhandler(BadRequestError)
@subscriptions.errorhandler(InvalidArgumentError)
def say_what_is_wrong(error: Exception) -> Response:
    return _say(str(error), 400)


@subscriptions.errorhandler(EngineError)
@subscriptions.errorhandler(StoreError)
@subscriptions.errorhandler(ServerSideError)
@subscriptions.errorhandler(TooManyRequestsError)
@subscriptions.errorhandler(WorkflowRPCExecutionError)
def ask_for_patience(error: Exception) -> Response:
    current_app.logger.error("subscriptions cannot be served: %s", error)
    return _say("subscriptions cannot be served at the moment; try again soon", 503)


def _text(name: str) -> str:
    value = request.args.get(name, "").strip()
    if not value:
        raise BadRequestError(f"parameter {name!r} is missing or blank; add {name}=... to the address")
    return value


def _number(name: str, least: int, most: int) -> int:
    text = _text(name)
    if not text.isascii() or not text.isdecimal() or not least <= int(text[:20]) <= most:
        raise BadRequestError(f"parameter {name!r} is a whole number from {least} to {most}, got {text!r}")
    return int(text)


def _quoted(value: str) -> str:
    """Write a value as the query language has it: whatever somebody typed stays one value."""
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _client() -> Client:
    client: Client = current_app.extensions["iwf_py"].client
    return client


def _say(text: str, status: int = 200) -> Response:
    # Plain text: what somebody typed as a name is never read as a page.
    return Response(text, status=status, mimetype="text/plain")
