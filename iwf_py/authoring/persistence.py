"""A handler's view of its run's attributes.

Reads see what the same call has written; writes are applied all together when the handler returns, and
dropped when it raises. A value is opened when it is first asked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, TypeVar, overload

from iwf_py.authoring.definition import WorkflowDefinition
from iwf_py.authoring.keys import AttributeKey
from iwf_py.authoring.sealing import seal, unseal
from iwf_py.authoring.search_attributes import from_search_attribute, search_value, to_search_attribute
from iwf_py.errors import InvalidArgumentError, WorkflowDefinitionError
from iwf_py.model.converter import Converter
from iwf_py.model.ids import check_name, plain
from iwf_py.model.payload import Payload, SearchAttribute
from iwf_py.model.status import SearchAttributeValueType

_NOTHING: Mapping[str, Any] = {}
_ABSENT = object()
ValueT = TypeVar("ValueT")


class Persistence:
    """
    Data attributes, search attributes, state execution locals and recorded events.

    A name that the workflow does not declare is a `NotRegisteredError`, which says what is declared; a value of
    another type than declared is a `WorkflowDefinitionError`. None is "no value": writing it deletes.

    What ``get_data_attribute`` returns may be changed in place, but that alone writes nothing:
    call ``set_data_attribute`` with it. A value is taken as it is at the moment of the ``set``.
    """

    __slots__ = (
        "_attributes",
        "_converter",
        "_definition",
        "_events",
        "_local_writes",
        "_locals",
        "_opened",
        "_search",
        "_search_writes",
        "_writes",
    )

    def __init__(
        self,
        definition: WorkflowDefinition,
        converter: Converter,
        *,
        attributes: Mapping[str, Payload] = _NOTHING,
        search_attributes: Mapping[str, SearchAttribute] = _NOTHING,
        state_locals: Mapping[str, Payload | None] = _NOTHING,
    ) -> None:
        self._definition = definition
        self._converter = converter
        self._attributes = attributes
        self._search = search_attributes
        self._locals = state_locals
        self._opened: dict[str, Any] = {}
        self._writes: dict[str, Payload | None] = {}
        self._search_writes: dict[str, SearchAttribute] = {}
        self._local_writes: dict[str, Payload | None] = {}
        self._events: dict[str, Payload | None] = {}

    # -- data attributes

    @overload
    def get_data_attribute(self, key: AttributeKey[ValueT]) -> ValueT | None: ...

    @overload
    def get_data_attribute(self, key: str) -> Any: ...

    def get_data_attribute(self, key: str) -> Any:
        """Return the value under *key* as its declared type; None when there is none, or it was not loaded."""
        value = self._opened.get(key, _ABSENT)
        if value is _ABSENT:
            value_type = self._definition.attributes.type_of(key)
            payload = self._writes[key] if key in self._writes else self._attributes.get(key)
            value = unseal(self._converter, payload, value_type, f"data attribute {key!r}")
            self._opened[key] = value
        return value

    def get_data_attributes_by_prefix(self, prefix: str) -> dict[str, Any]:
        """Return the data attributes that exist, were loaded, and whose keys start with *prefix*: by key, in its order."""
        self._definition.attributes.type_of(prefix)
        keys = {key for key in (*self._attributes, *self._writes) if key.startswith(prefix)}
        found = {key: self.get_data_attribute(key) for key in sorted(keys) if self._definition.attributes.has(key)}
        return {key: value for key, value in found.items() if value is not None}

    def set_data_attribute(self, key: str, value: Any) -> None:
        """Write *value*, as it is now, under *key*; None deletes."""
        value_type = self._definition.attributes.type_of(key)
        key = plain(key)
        self._writes[key] = seal(self._converter, value, value_type, f"data attribute {key!r}")
        # The next read opens what was written: it shall not see what happens to the caller's object afterwards.
        self._opened.pop(key, None)

    # -- search attributes

    def get_search_attribute(self, key: str) -> Any:
        """Return a search attribute as a plain value of its declared type, a DATETIME as an aware datetime; None when there is none."""
        attribute = self._search_attribute(key, self._definition.search_attribute_type(key))
        return None if attribute is None else search_value(attribute)

    def set_search_attribute(self, key: str, value: Any) -> None:
        """Write a search attribute of its declared type; None deletes."""
        self._set_search_attribute(key, self._definition.search_attribute_type(key), value)

    def get_search_attribute_keyword(self, key: str) -> str | None:
        """Return a KEYWORD; None when there is none."""
        return self._get_search_attribute(key, SearchAttributeValueType.KEYWORD)  # type: ignore[no-any-return]  # by its type

    def set_search_attribute_keyword(self, key: str, value: str | None) -> None:
        """Write a KEYWORD; None deletes."""
        self._set_search_attribute(key, SearchAttributeValueType.KEYWORD, value)

    def get_search_attribute_text(self, key: str) -> str | None:
        """Return a TEXT; None when there is none."""
        return self._get_search_attribute(key, SearchAttributeValueType.TEXT)  # type: ignore[no-any-return]  # by its type

    def set_search_attribute_text(self, key: str, value: str | None) -> None:
        """Write a TEXT; None deletes."""
        self._set_search_attribute(key, SearchAttributeValueType.TEXT, value)

    def get_search_attribute_int64(self, key: str) -> int | None:
        """Return an INT; None when there is none."""
        return self._get_search_attribute(key, SearchAttributeValueType.INT)  # type: ignore[no-any-return]  # by its type

    def set_search_attribute_int64(self, key: str, value: int | None) -> None:
        """Write an INT of 64 bits; None deletes."""
        self._set_search_attribute(key, SearchAttributeValueType.INT, value)

    def get_search_attribute_double(self, key: str) -> float | None:
        """Return a DOUBLE; None when there is none."""
        return self._get_search_attribute(key, SearchAttributeValueType.DOUBLE)  # type: ignore[no-any-return]  # by its type

    def set_search_attribute_double(self, key: str, value: float | None) -> None:
        """Write a DOUBLE, finite; None deletes."""
        self._set_search_attribute(key, SearchAttributeValueType.DOUBLE, value)

    def get_search_attribute_boolean(self, key: str) -> bool | None:
        """Return a BOOL; None when there is none."""
        return self._get_search_attribute(key, SearchAttributeValueType.BOOL)  # type: ignore[no-any-return]  # by its type

    def set_search_attribute_boolean(self, key: str, value: bool | None) -> None:
        """Write a BOOL; None deletes."""
        self._set_search_attribute(key, SearchAttributeValueType.BOOL, value)

    def get_search_attribute_datetime(self, key: str) -> str | None:
        """Return a DATETIME as the text that was written (``datetime.fromisoformat`` reads it); None when there is none."""
        return self._get_search_attribute(key, SearchAttributeValueType.DATETIME)  # type: ignore[no-any-return]  # by its type

    def set_search_attribute_datetime(self, key: str, value: datetime | str | None) -> None:
        """Write a DATETIME: an aware datetime (kept as UTC), or ISO text with an offset; None deletes."""
        self._set_search_attribute(key, SearchAttributeValueType.DATETIME, value)

    def get_search_attribute_keyword_array(self, key: str) -> list[str] | None:
        """Return a KEYWORD_ARRAY; None when there is none."""
        return self._get_search_attribute(key, SearchAttributeValueType.KEYWORD_ARRAY)  # type: ignore[no-any-return]  # by its type

    def set_search_attribute_keyword_array(self, key: str, value: list[str] | None) -> None:
        """Write a KEYWORD_ARRAY; None deletes."""
        self._set_search_attribute(key, SearchAttributeValueType.KEYWORD_ARRAY, value)

    def _get_search_attribute(self, key: str, value_type: SearchAttributeValueType) -> Any:
        attribute = self._search_attribute(key, value_type)
        return None if attribute is None else from_search_attribute(attribute)

    def _search_attribute(self, key: str, value_type: SearchAttributeValueType) -> SearchAttribute | None:
        self._check_search_attribute(key, value_type)
        return self._search_writes.get(key) or self._search.get(key)

    def _set_search_attribute(self, key: str, value_type: SearchAttributeValueType, value: object) -> None:
        self._check_search_attribute(key, value_type)
        try:
            self._search_writes[plain(key)] = to_search_attribute(key, value_type, value)
        except InvalidArgumentError as error:
            raise WorkflowDefinitionError(str(error)) from None

    def _check_search_attribute(self, key: str, value_type: SearchAttributeValueType) -> None:
        declared = self._definition.search_attribute_type(key)
        if declared is not value_type:
            raise WorkflowDefinitionError(
                f"search attribute {key!r} of {self._definition.workflow_type} is declared {declared}, not {value_type}"
            )

    # -- what belongs to this state execution, or to its history

    def get_state_execution_local(self, key: str, value_type: Any = None) -> Any:
        """
        Return what wait_until of this same state execution has left under *key*; None when there is none.

        Args:
            value_type: What to open it as; without it a dataclass comes back as a dict.
        """
        payload = self._local_writes[key] if key in self._local_writes else self._locals.get(key)
        return unseal(self._converter, payload, value_type, f"state execution local {key!r}")

    def set_state_execution_local(self, key: str, value: Any) -> None:
        """Leave *value* under *key* for execute of this same state execution; what an RPC leaves is forgotten."""
        key = check_name("state execution local", key)
        self._local_writes[key] = seal(self._converter, value, Any, f"state execution local {key!r}")

    def record_event(self, key: str, *event_data: Any) -> None:
        """
        Leave a note in the run's history.

        Args:
            event_data: A single value is kept as it is, several as a list.

        Errors:
            WorkflowDefinitionError: This call has recorded *key* already.
        """
        key = check_name("event key", key)
        if key in self._events:
            raise WorkflowDefinitionError(
                f"event {key!r} is recorded twice in one call; record all its data at once, or use another key"
            )
        data = event_data[0] if len(event_data) == 1 else list(event_data) or None
        self._events[key] = seal(self._converter, data, Any, f"recorded event {key!r}")

    # -- for the worker

    @property
    def attribute_writes(self) -> tuple[tuple[str, Payload | None], ...]:
        """What was written to data attributes, in order of their first writing."""
        return tuple(self._writes.items())

    @property
    def search_attribute_writes(self) -> tuple[SearchAttribute, ...]:
        """What was written to search attributes."""
        return tuple(self._search_writes.values())

    @property
    def local_writes(self) -> tuple[tuple[str, Payload | None], ...]:
        """What was left for execute."""
        return tuple(self._local_writes.items())

    @property
    def recorded_events(self) -> tuple[tuple[str, Payload | None], ...]:
        """The notes for the history."""
        return tuple(self._events.items())
