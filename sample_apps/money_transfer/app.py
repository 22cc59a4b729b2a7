"""The web side of transfers: accounts to play with, and two endpoints over the workflow client."""

from __future__ import annotations

from flask import Blueprint, Flask, Response, current_app, jsonify, request

from iwf_py import IDReusePolicy, Registry, WorkflowAlreadyStartedError, WorkflowNotExistsError, WorkflowOptions
from sample_apps.answers import client, make_app, number_of, say, tell_what_is_wrong, text_of
from sample_apps.money_transfer.bank import Bank, BankError
from sample_apps.money_transfer.workflow import (
    MoneyTransfer,
    Transfer,
    data_attribute_begun,
    data_attribute_reason,
)

MAX_AMOUNT = 10**12

transfers = Blueprint("transfers", __name__)
tell_what_is_wrong(transfers, "transfers")


def create_app(database: str, bank: Bank, *, patience_seconds: float = 3600) -> Flask:
    """Make the application; the engine starts with the first request, or by ``app.extensions["iwf_py"].start()``."""
    app = make_app(__name__, database, Registry(MoneyTransfer(bank, patience_seconds)), transfers)
    app.extensions["bank"] = bank
    return app


@transfers.post("/accounts/<account>")
def open_account(account: str) -> Response:
    _bank().open(account, _amount("balance"))
    return accounts()


@transfers.post("/accounts/<account>/freeze")
def freeze_account(account: str) -> Response:
    _bank().freeze(account)
    return accounts()


@transfers.post("/accounts/<account>/thaw")
def thaw_account(account: str) -> Response:
    _bank().freeze(account, is_frozen=False)
    return accounts()


@transfers.get("/accounts")
def accounts() -> Response:
    return jsonify(_bank().balances())


@transfers.post("/transfers/<transfer_id>")
def start_transfer(transfer_id: str) -> Response:
    transfer = Transfer(text_of("from"), text_of("to"), _amount("amount"), request.args.get("note", ""))
    # A transfer happens once: asking again, after a time-out say, is no second one.
    options = WorkflowOptions(workflow_id_reuse_policy=IDReusePolicy.DISALLOW_REUSE)
    try:
        client().start_workflow(MoneyTransfer, transfer_id, None, transfer, options)
    except WorkflowAlreadyStartedError:
        return say(f"transfer {transfer_id} was asked for before; look at /transfers/{transfer_id}")
    return say("transfer started")


@transfers.get("/transfers/<transfer_id>")
def show_transfer(transfer_id: str) -> Response:
    try:
        status = client().describe_workflow(transfer_id).workflow_status
        known = client().get_workflow_data_attributes(MoneyTransfer, transfer_id)
    except WorkflowNotExistsError:
        return say(f"there is no transfer {transfer_id}", 404)
    return jsonify(status=status, begun=known.get(data_attribute_begun, []), reason=known.get(data_attribute_reason))


@transfers.errorhandler(BankError)
def say_what_the_bank_refuses(error: Exception) -> Response:
    return say(str(error), 400)


def _amount(name: str) -> int:
    return number_of(name, 1, MAX_AMOUNT, "an amount in whole cents")


def _bank() -> Bank:
    bank: Bank = current_app.extensions["bank"]
    return bank
