"""Users' values into sealed payloads and back, with a sentence that says which value it was."""

from __future__ import annotations

from typing import Any

from iwf_py.errors import PayloadError, WorkflowDefinitionError
from iwf_py.model.converter import Converter
from iwf_py.model.payload import Payload


def seal(converter: Converter, value: object, value_type: Any, what: str) -> Payload | None:
    """
    Seal a value that must be of a declared type; None, "no value", passes always.

    Args:
        what: What the value is, for the sentence: ``data attribute 'form'``.

    Errors:
        WorkflowDefinitionError: It is of another type.

        PayloadError: It cannot be encoded.
    """
    if value is None:
        return None
    reason = None if value_type is Any else converter.check(value, value_type)
    if reason is not None:
        raise WorkflowDefinitionError(f"{what}: {reason}")
    try:
        return converter.encode(value)
    except PayloadError as error:
        raise PayloadError(f"{what}: {error}") from error


def unseal(converter: Converter, payload: Payload | None, value_type: Any, what: str) -> Any:
    """Open a payload as a declared type; PayloadError says what it was when it cannot be opened."""
    if payload is None:
        return None
    try:
        return converter.decode(payload, value_type)
    except PayloadError as error:
        raise PayloadError(f"{what}: {error}") from error
