"""Which data and search attributes a workflow has, and of which types."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from types import NoneType
from typing import Any

from attrs import field, frozen

from iwf_py.authoring.keys import Declared
from iwf_py.errors import WorkflowDefinitionError
from iwf_py.model.status import SearchAttributeValueType


class PersistenceFieldType(StrEnum):
    """The kinds of fields."""

    DataAttribute = "DataAttribute"
    DataAttributePrefix = "DataAttributePrefix"
    SearchAttribute = "SearchAttribute"


@frozen
class PersistenceField:
    """
    One attribute, or all attributes whose keys start alike.

    Attributes:
        key: The key, or the prefix.

        field_type: Which kind it is.

        value_type: Of a data attribute: any type that can be encoded; generics, unions and Any too.

        search_attribute_type: Of a search attribute.
    """

    key: str
    field_type: PersistenceFieldType
    value_type: Any = None
    search_attribute_type: SearchAttributeValueType | None = None

    @classmethod
    def data_attribute_def(cls, key: str, value_type: Any) -> PersistenceField:
        """Declare a data attribute; a *value_type* of None says that only None is stored."""
        return cls(key, PersistenceFieldType.DataAttribute, NoneType if value_type is None else value_type)

    @classmethod
    def data_attribute_prefix_def(cls, key: str, value_type: Any) -> PersistenceField:
        """Declare every data attribute whose key starts with *key*."""
        return cls(key, PersistenceFieldType.DataAttributePrefix, NoneType if value_type is None else value_type)

    @classmethod
    def search_attribute_def(cls, key: str, sa_type: SearchAttributeValueType) -> PersistenceField:
        """Declare a search attribute."""
        return cls(key, PersistenceFieldType.SearchAttribute, None, sa_type)


def _fields(fields: Iterable[object]) -> list[PersistenceField]:
    declared: list[Any] = [each.declaration if isinstance(each, Declared) else each for each in fields]
    for each in declared:
        if not isinstance(each, PersistenceField):
            raise WorkflowDefinitionError(
                f"PersistenceSchema takes PersistenceField.data_attribute_def(...) and its like, got {each!r}"
            )
    return declared


@frozen
class PersistenceSchema:
    """All attributes of a workflow."""

    persistence_fields: list[PersistenceField] = field(factory=list, converter=_fields)

    @classmethod
    def create(cls, *fields: PersistenceField | Declared) -> PersistenceSchema:
        """Declare attributes, by methods such as `PersistenceField.data_attribute_def` or objects such as `DataAttribute`."""
        return cls(list(fields))
