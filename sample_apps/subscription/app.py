"""The web side of subscriptions: to order, to look, to change, to cancel and to find them."""

from __future__ import annotations

from flask import Blueprint, Flask, Response, jsonify, request

from iwf_py import IDReusePolicy, Registry, WorkflowAlreadyStartedError, WorkflowNotExistsError, WorkflowOptions
from sample_apps.answers import BadRequestError, client, make_app, number_of, say, tell_what_is_wrong, text_of
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
tell_what_is_wrong(subscriptions, "subscriptions")

# What may be asked for, and the attribute that answers.
FILTERS = {
    "customer": search_attribute_customer,
    "plan": search_attribute_plan,
    "state": search_attribute_state,
}


def create_app(database: str, services: Services | None = None) -> Flask:
    """Make the application; the engine starts with the first request, or by ``app.extensions["iwf_py"].start()``."""
    return make_app(__name__, database, Registry(Subscription(services or Console())), subscriptions)


@subscriptions.post("/<subscription_id>")
def subscribe(subscription_id: str) -> Response:
    plan = text_of("plan")
    if plan not in PRICES:
        raise BadRequestError(f"there is no plan {plan!r}; choose one of {', '.join(PRICES)}")
    order = Order(
        customer=text_of("customer"),
        email=text_of("email"),
        plan=plan,
        trial_seconds=number_of("trial", 0, MAX_SECONDS),
        cycle_seconds=number_of("cycle", 1, MAX_SECONDS),
        cycles=number_of("cycles", 1, MAX_CYCLES),
    )
    # An order that is sent twice is one order; a subscription that has ended is never begun again.
    options = WorkflowOptions(workflow_id_reuse_policy=IDReusePolicy.DISALLOW_REUSE)
    try:
        client().start_workflow(Subscription, subscription_id, None, order, options)
    except WorkflowAlreadyStartedError:
        return say(f"subscription {subscription_id} exists; look at /subscriptions/{subscription_id}")
    return say("subscribed")


@subscriptions.get("/<subscription_id>")
def look(subscription_id: str) -> Response:
    summary = client().invoke_rpc(subscription_id, Subscription.look)
    return jsonify(vars(summary))


@subscriptions.post("/<subscription_id>/cancel")
def cancel(subscription_id: str) -> Response:
    return say(client().invoke_rpc(subscription_id, Subscription.cancel))


@subscriptions.post("/<subscription_id>/plan")
def change_plan(subscription_id: str) -> Response:
    return say(client().invoke_rpc(subscription_id, Subscription.change_plan, text_of("plan")))


@subscriptions.get("")
def find() -> Response:
    unknown = sorted(set(request.args) - set(FILTERS))
    if unknown:
        raise BadRequestError(f"subscriptions are found by {', '.join(FILTERS)}; not by {', '.join(unknown)}")
    terms = [f"IwfWorkflowType = {_quoted(Subscription.__name__)}"]
    terms += [f"{FILTERS[name]} = {_quoted(value)}" for name, value in request.args.items()]
    page = client().search_workflow(" AND ".join(terms), page_size=100)
    return jsonify([run.workflow_id for run in page.executions])


@subscriptions.errorhandler(WorkflowNotExistsError)
def say_that_there_is_none(error: WorkflowNotExistsError) -> Response:
    return say(f"there is no open subscription of this name: {error}", 404)


def _quoted(value: str) -> str:
    """Write a value as the query language has it: whatever somebody typed stays one value."""
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"
