"""The web side of transfers: accounts to play with, and two endpoints over the workflow client."""

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
)
from sample_apps.money_transfer.bank import Bank, BankError
from sample_apps.money_transfer.workflow import (
    MoneyTransfer,
    Transfer,
    data_attribute_begun,
    data_attribute_reason,
)

MAX_AMOUNT = 10**12

transfers = Blueprint("transfers", __name__)


class BadRequestError(ValueError):
    """A parameter is missing or cannot be used."""


def create_app(database: str, bank: Bank, *, patience_seconds: float = 3600) -> Flask:
    """Make the application; the engine starts with the first request, or by ``app.extensions["iwf_py"].start()``."""
    app = Flask(__name__)
    app.debug = False
    app.config["IWF_DATABASE"] = database
    # A page elsewhere that lets its name point to 127.0.0.1 reaches nothing.
    app.config["TRUSTED_HOSTS"] = ["127.0.0.1", "localhost"]
    app.extensions["bank"] = bank
    IwfPy(app, Registry(MoneyTransfer(bank, patience_seconds)))
    app.register_blueprint(transfers)
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
    transfer = Transfer(_text("from"), _text("to"), _amount("amount"), request.args.get("note", ""))
    # A transfer happens once: asking again, after a time-out say, is no second one.
    options = WorkflowOptions(workflow_id_reuse_policy=IDReusePolicy.DISALLOW_REUSE)
    try:
        _client().start_workflow(MoneyTransfer, transfer_id, None, transfer, options)
    except WorkflowAlreadyStartedError:
        return _say(f"transfer {transfer_id} was asked for before; look at /transfers/{transfer_id}")
    return _say("transfer started")


@transfers.get("/transfers/<transfer_id>")
def show_transfer(transfer_id: str) -> Response:
    try:
        status = _client().describe_workflow(transfer_id).workflow_status
        known = _client().get_workflow_data_attributes(MoneyTransfer, transfer_id)
    except WorkflowNotExistsError:
        return _say(f"there is no transfer {transfer_id}", 404)
    return jsonify(status=status, begun=known.get(data_attribute_begun, []), reason=known.get(data_attribute_reason))


@transfers.errorhandler(BadRequestError)
@transfers.errorhandler(BankError)
@transfers.errorhandler(InvalidArgumentError)
def say_what_is_wrong(error: Exception) -> Response:
    return _say(str(error), 400)


@transfers.errorhandler(EngineError)
@transfers.errorhandler(StoreError)
@transfers.errorhandler(ServerSideError)
@transfers.errorhandler(TooManyRequestsError)
def ask_for_patience(error: Exception) -> Response:
    current_app.logger.error("transfers cannot be served: %s", error)
    return _say("transfers cannot be served at the moment; try again soon", 503)


def _text(name: str) -> str:
    value = request.args.get(name, "").strip()
    if not value:
        raise BadRequestError(f"parameter {name!r} is missing or blank; add {name}=... to the address")
    return value


def _amount(name: str) -> int:
    text = _text(name)
    if not text.isascii() or not text.isdecimal() or not 0 < int(text[:20]) <= MAX_AMOUNT:
        raise BadRequestError(f"parameter {name!r} is an amount in whole cents from 1 to {MAX_AMOUNT}, got {text!r}")
    return int(text)


def _bank() -> Bank:
    bank: Bank = current_app.extensions["bank"]
    return bank


def _client() -> Client:
    client: Client = current_app.extensions["iwf_py"].client
    return client


def _say(text: str, status: int = 200) -> Response:
    # Plain text: what somebody typed as a name is never read as a page.
    return Response(text, status=status, mimetype="text/plain")
