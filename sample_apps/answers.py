"""What the web sides of the samples share: parameters, plain answers, and what is said when something is wrong."""

from __future__ import annotations

from flask import Blueprint, Flask, Response, current_app, request

from iwf_py import (
    Client,
    EngineError,
    InvalidArgumentError,
    IwfPy,
    Registry,
    ServerSideError,
    StoreError,
    TooManyRequestsError,
    WorkflowRPCExecutionError,
)


class BadRequestError(ValueError):
    """A parameter is missing or cannot be used."""


def make_app(name: str, database: str, registry: Registry, blueprint: Blueprint) -> Flask:
    """Make an application; its engine starts with the first request, or by ``app.extensions["iwf_py"].start()``."""
    app = Flask(name)
    app.debug = False
    app.config["IWF_DATABASE"] = database
    # A page elsewhere that lets its name point to 127.0.0.1 reaches nothing.
    app.config["TRUSTED_HOSTS"] = ["127.0.0.1", "localhost"]
    IwfPy(app, registry)
    app.register_blueprint(blueprint)
    return app


def tell_what_is_wrong(blueprint: Blueprint, what: str) -> None:
    """
    Have errors told in plain words: a wrong request as 400, an engine, a server or a worker that is away as 503.

    Args:
        what: Cannot be served then.
    """

    def ask_for_patience(error: Exception) -> Response:
        current_app.logger.error("%s cannot be served: %s", what, error)
        return say(f"{what} cannot be served at the moment; try again soon", 503)

    def tell_of_rpc(error: WorkflowRPCExecutionError) -> Response:
        if error.original_error_type or error.original_error_status:
            # Its code has failed: to ask again would not mend that.
            raise error
        return ask_for_patience(error)

    for wrong in (BadRequestError, InvalidArgumentError):
        blueprint.register_error_handler(wrong, lambda error: say(str(error), 400))
    for trouble in (EngineError, StoreError, ServerSideError, TooManyRequestsError):
        blueprint.register_error_handler(trouble, ask_for_patience)
    blueprint.register_error_handler(WorkflowRPCExecutionError, tell_of_rpc)


def say(text: str, status: int = 200) -> Response:
    """Answer with plain text: what somebody typed as a name is never read as a page."""
    return Response(text, status=status, mimetype="text/plain")


def client() -> Client:
    """Give the client of the application's workflows."""
    found: Client = current_app.extensions["iwf_py"].client
    return found


def text_of(name: str) -> str:
    """
    Read a parameter of the request.

    Errors:
        BadRequestError: It is missing or blank.
    """
    value = request.args.get(name, "").strip()
    if not value:
        raise BadRequestError(f"parameter {name!r} is missing or blank; add {name}=... to the address")
    return value


def number_of(name: str, least: int, most: int, what: str = "a whole number") -> int:
    """
    Read a parameter that is a number.

    Errors:
        BadRequestError: It is missing, none, or out of bounds.
    """
    text = text_of(name)
    if not text.isascii() or not text.isdecimal() or not least <= int(text[:20]) <= most:
        raise BadRequestError(f"parameter {name!r} is {what} from {least} to {most}, got {text!r}")
    return int(text)
