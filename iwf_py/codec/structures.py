"""Forms of what has parts: dataclasses, attrs classes, dicts, tuples, lists and their kin.

Unknown fields are passed over, a missing one without a default is an error that names it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, MutableMapping
from typing import Any

from iwf_py.codec.annotations import FieldShape, name_of
from iwf_py.codec.forms import Fit, Form, MismatchError, built, mismatch
from iwf_py.codec.plain import from_text, to_text
from iwf_py.errors import PayloadError

Of = Callable[[Any], Form]

# Iterable, and no sequence of items.
_NO_ITEMS = (str, bytes, bytearray, Mapping)
_MAPPINGS: frozenset[Any] = frozenset({Mapping, MutableMapping})


def object_form(of: Of, value_type: Any, cls: type[Any], fields: list[FieldShape]) -> Form:
    """Make the form of a dataclass or an attrs class: a dict of its fields."""
    name = name_of(value_type)
    parts = [(field.name, field.alias, of(field.type), field.is_required) for field in fields]
    checks = [(key, form.check) for key, _, form, _ in parts]
    decoders = [
        (key, alias, form.decode, form.name if is_required else None) for key, alias, form, is_required in parts
    ]

    def decode(value: Any, fit: Fit) -> Any:
        if type(value) is not dict:
            raise mismatch(name, value)
        given: dict[str, Any] = {}
        for key, alias, decode_part, wanted in decoders:
            if key in value:
                try:
                    given[alias] = decode_part(value[key], fit)
                except MismatchError as error:
                    raise error.within(f".{key}") from None
            elif wanted is not None:
                raise MismatchError(wanted, "nothing: the field is missing").within(f".{key}")
        fit.looseness += len(value) + len(parts) - 2 * len(given)
        return built(name, lambda: cls(**given))

    def check(value: Any) -> None:
        if not isinstance(value, cls):
            raise mismatch(name, value)
        for key, check_part in checks:
            try:
                check_part(getattr(value, key, None))
            except MismatchError as error:
                raise error.within(f".{key}") from None

    return Form(name, decode, check)


def typed_dict_form(of: Of, cls: type[Any], fields: list[FieldShape]) -> Form:
    """Make the form of a TypedDict."""
    name = name_of(cls)
    parts = {field.name: (of(field.type), field.is_required) for field in fields}

    def walk(value: Any, visit: Callable[[Form, Any], Any]) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise mismatch(name, value)
        made = {}
        for key, (form, is_required) in parts.items():
            if key in value:
                try:
                    made[key] = visit(form, value[key])
                except MismatchError as error:
                    raise error.within(f"[{key!r}]") from None
            elif is_required:
                raise MismatchError(form.name, "nothing: the key is missing").within(f"[{key!r}]")
        return made

    def decode(value: Any, fit: Fit) -> Any:
        made = walk(value, lambda form, part: form.decode(part, fit))
        fit.looseness += len(value) + len(parts) - 2 * len(made)
        return made

    def check(value: Any) -> None:
        unknown = len(value) - len(walk(value, lambda form, part: form.check(part)))
        if unknown:
            raise MismatchError(name, f"a dict with {unknown} key(s) that it does not declare")

    return Form(name, decode, check)


def named_tuple_form(of: Of, value_type: Any, cls: type[Any], fields: list[FieldShape]) -> Form:
    """Make the form of a NamedTuple: a list, shorter where the last fields have defaults."""
    name = name_of(value_type)
    forms = [of(field.type) for field in fields]
    names = [field.name for field in fields]
    least = sum(field.is_required for field in fields)

    def decode(value: Any, fit: Fit) -> Any:
        if type(value) is not list:
            raise mismatch(name, value)
        if not least <= len(value) <= len(forms):
            raise MismatchError(f"{name} ({len(forms)} items)", f"a list of {len(value)}")
        fit.looseness += len(forms) - len(value)
        return built(name, lambda: cls(*_each(value, forms, fit, names)))

    def check(value: Any) -> None:
        if not isinstance(value, cls):
            raise mismatch(name, value)
        for key, form in zip(names, forms, strict=True):
            try:
                form.check(getattr(value, key))
            except MismatchError as error:
                raise error.within(f".{key}") from None

    return Form(name, decode, check)


def tuple_form(of: Of, value_type: Any, arguments: tuple[Any, ...]) -> Form:
    """Make the form of a tuple."""
    if not arguments and not hasattr(value_type, "__args__"):
        return sequence_form(of, value_type, tuple, tuple, Any)
    if len(arguments) == 2 and arguments[1] is Ellipsis:
        return sequence_form(of, value_type, tuple, tuple, arguments[0])
    name = name_of(value_type)
    forms = [of(argument) for argument in arguments]

    def fitting(value: Any, cls: type[Any]) -> Any:
        if not isinstance(value, cls):
            raise mismatch(name, value)
        if len(value) != len(forms):
            raise MismatchError(name, f"a {cls.__name__} of {len(value)}")
        return value

    def decode(value: Any, fit: Fit) -> Any:
        return tuple(_each(fitting(value, list), forms, fit))

    def check(value: Any) -> None:
        for index, (form, part) in enumerate(zip(forms, fitting(value, tuple), strict=True)):
            try:
                form.check(part)
            except MismatchError as error:
                raise error.within(f"[{index}]") from None

    return Form(name, decode, check)


def sequence_form(of: Of, value_type: Any, asked: Any, made_as: Any, item_type: Any) -> Form:
    """Make the form of what holds items of one type: *asked* is the type, *made_as* the class of the result."""
    name = name_of(value_type)
    form = of(item_type)
    decode_item, check_item = form.decode, form.check

    def decode(value: Any, fit: Fit) -> Any:
        if type(value) is not list:
            raise mismatch(name, value)
        made = []
        for part in value:
            try:
                made.append(decode_item(part, fit))
            except MismatchError as error:
                raise error.within(f"[{len(made)}]") from None
        return made if made_as is list else built(name, lambda: made_as(made))

    def check(value: Any) -> None:
        # An iterator would be used up by looking at it.
        if not isinstance(value, asked) or isinstance(value, _NO_ITEMS) or not isinstance(value, Collection):
            raise mismatch(name, value)
        for index, part in enumerate(value):
            try:
                check_item(part)
            except MismatchError as error:
                raise error.within(f"[{index}]") from None

    return Form(name, decode, check)


def mapping_form(of: Of, value_type: Any, cls: Any, arguments: tuple[Any, ...]) -> Form:
    """Make the form of what maps keys to items."""
    name = name_of(value_type)
    if len(arguments) == 1:
        # A Counter counts.
        arguments = (arguments[0], int)
    key_type, item_type = arguments or (Any, Any)
    key_form, form = of(key_type), of(item_type)
    make = _maker_of(cls)

    def decode(value: Any, fit: Fit) -> Any:
        if type(value) is not dict:
            raise mismatch(name, value)
        made = {}
        for key, part in value.items():
            try:
                made[_decode_key(key_form, key, fit)] = form.decode(part, fit)
            except MismatchError as error:
                raise error.within(f"[{key!r}]") from None
        if len(made) != len(value):
            raise MismatchError(name, "keys that become equal")
        return built(name, make, made)

    def check(value: Any) -> None:
        if not isinstance(value, cls):
            raise mismatch(name, value)
        for key, part in value.items():
            try:
                key_form.check(key)
                form.check(part)
            except MismatchError as error:
                raise error.within(f"[{key!r}]") from None

    return Form(name, decode, check)


def _each(value: list[Any], forms: list[Form], fit: Fit, names: list[str] | None = None) -> list[Any]:
    made = []
    for form, part in zip(forms, value, strict=False):
        try:
            made.append(form.decode(part, fit))
        except MismatchError as error:
            raise error.within(f".{names[len(made)]}" if names else f"[{len(made)}]") from None
    return made


def _maker_of(cls: Any) -> Callable[[Any], Any]:
    if cls is dict or cls in _MAPPINGS:
        return _itself
    if issubclass(cls, dict) and hasattr(cls, "__missing__") and hasattr(cls, "default_factory"):
        return lambda made: cls(None, made)
    made_by: Callable[[Any], Any] = cls
    return made_by


def _itself(value: Any) -> Any:
    return value


def _decode_key(form: Form, key: str, fit: Fit) -> Any:
    """A key is a text in JSON: it is taken as one, else as the number, bool or None that it was made of."""
    try:
        return form.decode(key, fit)
    except MismatchError as mismatch:
        try:
            plain = from_text(key)
        except PayloadError:
            raise mismatch from None
        if isinstance(plain, str | dict | list) or to_text(plain) != key:
            raise
        return form.decode(plain, fit)
