"""What somebody fills in to register."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

MAX_LENGTH = 200

# One plain address: nothing that a mail header could read as a second recipient, or as a second header.
ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*")


@dataclass(frozen=True)
class Form:
    """The names are a courtesy; the address is where the mails go."""

    username: str
    email: str
    firstname: str = ""
    lastname: str = ""


class BadFormError(ValueError):
    """A parameter is missing or cannot be used; the text tells the person which one and how to mend it."""


def read_parameter(args: Mapping[str, str], name: str) -> str:
    """
    Read one parameter of a request.

    Errors:
        BadFormError: It is missing, blank, too long, or holds control characters.
    """
    value = args.get(name, "").strip()
    if not value:
        raise BadFormError(f"parameter {name!r} is missing or blank; add {name}=... to the address")
    return _checked(name, value)


def read_form(args: Mapping[str, str]) -> Form:
    """
    Read a form from the parameters of a request.

    Errors:
        BadFormError: Something in it is missing or cannot be used.
    """
    email = read_parameter(args, "email")
    if not ADDRESS.fullmatch(email):
        raise BadFormError("parameter 'email' is no mail address; write it like alice@example.com")
    return Form(
        username=read_parameter(args, "username"),
        email=email,
        firstname=_checked("firstname", args.get("firstname", "").strip()),
        lastname=_checked("lastname", args.get("lastname", "").strip()),
    )


def _checked(name: str, value: str) -> str:
    if len(value) > MAX_LENGTH:
        raise BadFormError(f"parameter {name!r} is {len(value)} characters long; at most {MAX_LENGTH} are allowed")
    if not value.isprintable():
        raise BadFormError(f"parameter {name!r} holds a line break or another control character")
    return value
