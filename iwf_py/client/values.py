"""Values that callers hand over, checked and sealed; values that they get, opened.

What is wrong with a value is said here, in the caller's process, before anything is sent.
"""

from __future__ import annotations

import types
from collections.abc import Iterable, Mapping
from typing import Any, Union, get_args, get_origin

from iwf_py.authoring.definition import NO_VALUE, RpcDefinition, WorkflowDefinition
from iwf_py.authoring.search_attributes import from_search_attribute, to_search_attribute
from iwf_py.errors import InvalidArgumentError, PayloadError
from iwf_py.model.converter import Converter
from iwf_py.model.ids import check_name, plain
from iwf_py.model.payload import Payload, SearchAttribute

# Tells an input that was not given from one that is None.
NOT_GIVEN: Any = NO_VALUE


def seal(converter: Converter, value: object, value_type: Any, what: str) -> Payload | None:
    """
    Seal a value that must be of a declared type; None is no value and passes always.

    Errors:
        InvalidArgumentError: It is of another type.

        PayloadError: It cannot be encoded.
    """
    if value is None:
        return None
    reason = converter.check(value, value_type)
    if reason is not None:
        raise InvalidArgumentError(f"{what}: {reason}")
    try:
        return converter.encode(value)
    except PayloadError as error:
        raise PayloadError(f"{what}: {error}") from error


def unseal(converter: Converter, payload: Payload | None, value_type: Any, what: str) -> Any:
    """Open a value; PayloadError says which it was when it cannot be opened."""
    try:
        return converter.decode(payload, value_type)
    except PayloadError as error:
        raise PayloadError(f"{what}: {error}") from error


def seal_rpc_input(converter: Converter, definition: RpcDefinition, value: Any) -> Payload | None:
    """
    Check and seal the input of an RPC.

    Errors:
        InvalidArgumentError: It takes none, or needs one, or one of another type.
    """
    handler = definition.handler
    what = f"input of RPC {handler.name}"
    if not handler.takes_input:
        if value is not NOT_GIVEN and value is not None:
            raise InvalidArgumentError(f"RPC {handler.name} takes no input, got {type(value).__name__}")
        return None
    if value is NOT_GIVEN:
        if handler.input_default is NO_VALUE and not _takes_none(handler.input_type):
            expected = getattr(handler.input_type, "__name__", handler.input_type)
            raise InvalidArgumentError(f"{what}: expected {expected}, but none was given")
        return None
    return seal(converter, value, handler.input_type, what)


def _takes_none(value_type: Any) -> bool:
    if value_type in (Any, object, None, type(None)):
        return True
    return get_origin(value_type) in (Union, types.UnionType) and any(map(_takes_none, get_args(value_type)))


def name_of_attribute(definition: WorkflowDefinition | None, key: str) -> str:
    """Say which data attribute it is."""
    return f"data attribute {key!r}" + (f" of {definition.workflow_type}" if definition is not None else "")


def seal_attributes(
    converter: Converter, definition: WorkflowDefinition | None, values: Mapping[str, Any]
) -> tuple[tuple[str, Payload | None], ...]:
    """
    Check and seal data attributes; None stays None, which deletes.

    Args:
        definition: None where no class says what there is: any key and any value will do.

    Errors:
        NotRegisteredError: The workflow declares none of this key.

        InvalidArgumentError: A value is of another type.
    """
    given: object = values
    if not isinstance(given, Mapping):
        raise InvalidArgumentError(f"data attributes are given by key in a dict, got {type(values).__name__}")
    sealed: list[tuple[str, Payload | None]] = []
    for key, value in values.items():
        if definition is None:
            value_type, name = Any, check_name("attribute key", key)
        else:
            value_type, name = definition.attributes.type_of(key), plain(key)
        sealed.append((name, seal(converter, value, value_type, name_of_attribute(definition, name))))
    return tuple(sealed)


def seal_search_attributes(
    definition: WorkflowDefinition | None, values: Mapping[str, Any] | Iterable[SearchAttribute]
) -> tuple[SearchAttribute, ...]:
    """
    Check search attributes; an empty one deletes.

    Args:
        definition: None where no class says what there is: the search attributes say their types themselves.

        values: Plain values by key, or search attributes in iWF's form, whose type must be the declared one.

    Errors:
        NotRegisteredError: The workflow declares none of this key.

        InvalidArgumentError: A value is of another type.
    """
    if isinstance(values, Mapping) and definition is not None:
        return tuple(
            to_search_attribute(key, definition.search_attribute_type(key), value) for key, value in values.items()
        )
    return tuple(_checked(definition, attribute) for attribute in values)


def _checked(definition: WorkflowDefinition | None, attribute: object) -> SearchAttribute:
    if not isinstance(attribute, SearchAttribute):
        ways = "as SearchAttribute, with its type" if definition is None else "as SearchAttribute or by key in a dict"
        raise InvalidArgumentError(f"search attributes are given {ways}, got {type(attribute).__name__}")
    if definition is None:
        return _self_told(attribute)
    declared = definition.search_attribute_type(attribute.key)
    if attribute.value_type not in (None, declared):
        raise InvalidArgumentError(
            f"search attribute {attribute.key!r} of {definition.workflow_type} is declared as {declared.value}, "
            f"got {attribute.value_type}"
        )
    return to_search_attribute(attribute.key, declared, from_search_attribute(attribute))


def _self_told(attribute: SearchAttribute) -> SearchAttribute:
    """Check a search attribute against the type that it says itself."""
    key = check_name("attribute key", attribute.key)
    if attribute.is_empty:
        return attribute
    if attribute.value_type is None:
        raise InvalidArgumentError(f"search attribute {key!r} has a value, but no value_type that says what it is")
    return to_search_attribute(key, attribute.value_type, from_search_attribute(attribute))
