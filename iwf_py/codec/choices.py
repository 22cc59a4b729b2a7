"""Forms of choices: unions, literals and enums.

A union's arm that fits without any loss is taken; two arms that fit equally well and differ are an error, never a guess.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from enum import Enum, Flag
from typing import Any

from iwf_py.codec.annotations import name_of
from iwf_py.codec.forms import CAST, Fit, Form, MismatchError, built, instance_check, kind_of, mismatch
from iwf_py.codec.plain import Plainer, to_text
from iwf_py.codec.structures import Of


def union_form(of: Of, value_type: Any, arguments: tuple[Any, ...]) -> Form:
    """Make the form of a union: of its arms the one wins that fits without any loss."""
    name = name_of(value_type)
    forms = [of(argument) for argument in arguments if argument is not type(None)]
    takes_none = len(forms) < len(arguments)

    def decode(value: Any, fit: Fit) -> Any:
        if value is None and takes_none:
            return None
        if len(forms) == 1:
            return forms[0].decode(value, fit)
        return _best_fit(name, forms, value, fit)

    def check(value: Any) -> None:
        if value is None and takes_none:
            return
        if len(forms) == 1:
            forms[0].check(value)
        elif not any(_is_of(form, value) for form in forms):
            raise mismatch(name, value)

    return Form(name, decode, check)


def literal_form(plainer: Plainer, value_type: Any, members: tuple[Any, ...]) -> Form:
    """Make the form of a Literal."""
    return _members_form(
        plainer, name_of(value_type), members, lambda value: MismatchError(name_of(value_type), kind_of(value))
    )


def enum_form(plainer: Plainer, cls: type[Enum]) -> Form:
    """Make the form of an enum: by value."""
    name = name_of(cls)
    if issubclass(cls, Flag):
        return _flag_form(name, cls)
    wanted = f"{name} (one of {', '.join(repr(member.value) for member in cls)})"
    form = _members_form(plainer, name, tuple(cls), lambda value: MismatchError(wanted, kind_of(value)))

    def decode(value: Any, fit: Fit) -> Any:
        fit.looseness += CAST
        try:
            return form.decode(value, fit)
        except MismatchError:
            # An enum may take more values than it lists (`_missing_`), but True is not 1 and 1.0 is not 1.
            member = _asked_for(cls, value) if type(value) in (int, str) else None
            if member is None or type(member.value) in (bool, float):
                raise
            return member

    return Form(name, decode, instance_check(name, cls))


def _asked_for(cls: type[Enum], value: Any) -> Enum | None:
    try:
        return cls(value)
    except Exception:  # noqa: BLE001 - `_missing_` is the user's code
        return None


def _flag_form(name: str, cls: type[Any]) -> Form:
    def decode(value: Any, fit: Fit) -> Any:
        if type(value) is not int:
            raise mismatch(name, value)
        fit.looseness += CAST
        return built(name, cls, value)

    return Form(name, decode, instance_check(name, cls))


def _members_form(
    plainer: Plainer, name: str, members: tuple[Any, ...], refusal: Callable[[Any], MismatchError]
) -> Form:
    # By class and text of the plain value: 1, 1.0 and True are equal, their texts are not.
    by_text = {to_text(plainer.plain(member)): member for member in members}

    def decode(value: Any, _fit: Fit) -> Any:
        try:
            return by_text[to_text(value)]
        except KeyError:
            raise refusal(value) from None

    def check(value: Any) -> None:
        if not any(type(value) is type(member) and value == member for member in members):
            raise refusal(value)

    return Form(name, decode, check)


def _is_of(form: Form, value: Any) -> bool:
    try:
        form.check(value)
    except MismatchError:
        return False
    return True


def _best_fit(name: str, forms: list[Form], value: Any, fit: Fit) -> Any:
    best: list[tuple[Form, Any]] = []
    least = math.inf
    for form in forms:
        own = Fit()
        try:
            made = form.decode(value, own)
        except MismatchError:
            continue
        if own.looseness < least:
            best, least = [(form, made)], own.looseness
        elif own.looseness == least:
            best.append((form, made))
    if not best:
        raise mismatch(name, value)
    first_form, first = best[0]
    for form, made in best[1:]:
        if type(made) is not type(first) or made != first:
            raise MismatchError(
                name,
                f"what is both {first_form.name} and {form.name}; give them a field that tells them apart, such as a Literal",
            )
    fit.looseness += int(least)
    return first
