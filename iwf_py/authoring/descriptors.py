"""Attributes and channels as a workflow's class attributes.

    class UserSignupWorkflow(ObjectWorkflow):
        form = DataAttribute(Form)
        verified = InternalChannel(None)

Each declares itself, is its own key, and knows the type of its values, for type checkers too:
``UserSignupWorkflow.form.get(persistence)`` is a ``Form | None``.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Generic, TypeVar, cast, overload

from iwf_py.authoring.communication import Communication
from iwf_py.authoring.communication_schema import CommunicationMethod
from iwf_py.authoring.keys import AttributeKey, ChannelName, Prefix
from iwf_py.authoring.persistence import Persistence
from iwf_py.authoring.persistence_schema import PersistenceField
from iwf_py.model.commands import InternalChannelCommand, SignalChannelCommand
from iwf_py.model.status import ChannelFamily, SearchAttributeValueType

V = TypeVar("V")
NewT = TypeVar("NewT")


class DataAttribute(AttributeKey[V], Generic[V]):
    """
    A data attribute: ``form = DataAttribute(Form)``.

    Args:
        value_type: Of its values: any type that can be encoded. None says that only None is stored.

        key: Its key; that of the class attribute when it is not given.
    """

    @overload
    def __init__(self: DataAttribute[None], value_type: None, key: str = "") -> None: ...

    @overload
    def __init__(self: DataAttribute[NewT], value_type: type[NewT], key: str = "") -> None: ...

    @overload
    def __init__(self: DataAttribute[Any], value_type: Any, key: str = "") -> None: ...

    def __init__(self, value_type: Any, key: str = "") -> None:
        """Declare it."""

    def _declare(self, name: str) -> PersistenceField:
        return PersistenceField.data_attribute_def(name, self.value_type)

    @overload
    @staticmethod
    def prefix(value_type: type[NewT], prefix: str = "") -> DataAttributePrefix[NewT]: ...

    @overload
    @staticmethod
    def prefix(value_type: Any, prefix: str = "") -> DataAttributePrefix[Any]: ...

    @staticmethod
    def prefix(value_type: Any, prefix: str = "") -> DataAttributePrefix[Any]:
        """Declare every data attribute whose key starts alike; see `DataAttributePrefix`."""
        return DataAttributePrefix(value_type, prefix)

    @overload
    def get(self, persistence: Persistence) -> V | None: ...

    @overload
    def get(self, persistence: Persistence, default: V) -> V: ...

    def get(self, persistence: Persistence, default: V | None = None) -> V | None:
        """Return its value; *default* when there is none, or it was not loaded."""
        value: V | None = persistence.get_data_attribute(self)
        return default if value is None else value

    def set(self, persistence: Persistence, value: V | None) -> None:
        """Write its value; None deletes."""
        persistence.set_data_attribute(self, value)


class DataAttributePrefix(Prefix[DataAttribute[V]], Generic[V]):
    """
    All data attributes whose keys start alike: ``note = DataAttribute.prefix(str)``, and ``note["alice"]`` is one of them.

    Args:
        value_type: Of their values.

        name: The beginning of their keys; when it is not given, the class attribute's name and a hyphen: ``note-``.
    """

    def _declare(self, name: str) -> PersistenceField:
        return PersistenceField.data_attribute_prefix_def(name, self.value_type)

    def _key(self, name: str) -> DataAttribute[V]:
        return DataAttribute(self.value_type, name)

    def all(self, persistence: Persistence) -> dict[str, V]:
        """Return the values that exist and were loaded, by the rest of their keys, in its order."""
        begins = len(self.name)
        found = persistence.get_data_attributes_by_prefix(self.name)
        return {key[begins:]: value for key, value in found.items()}


class SearchAttributeKey(AttributeKey[V], Generic[V]):
    """
    A search attribute: ``city = SearchAttributeKey.keyword()``.

    The shorter name, `SearchAttribute`, is that of iWF's value with its type.

    Args:
        value_type: The type; the methods that are named like types tell it to type checkers, too.

        name: Its key; that of the class attribute when it is not given.
    """

    @staticmethod
    def keyword(key: str = "") -> SearchAttributeKey[str]:
        """Declare a KEYWORD."""
        return SearchAttributeKey(SearchAttributeValueType.KEYWORD, key)

    @staticmethod
    def text(key: str = "") -> SearchAttributeKey[str]:
        """Declare a TEXT."""
        return SearchAttributeKey(SearchAttributeValueType.TEXT, key)

    @staticmethod
    def int64(key: str = "") -> SearchAttributeKey[int]:
        """Declare an INT of 64 bits."""
        return SearchAttributeKey(SearchAttributeValueType.INT, key)

    @staticmethod
    def double(key: str = "") -> SearchAttributeKey[float]:
        """Declare a DOUBLE."""
        return SearchAttributeKey(SearchAttributeValueType.DOUBLE, key)

    @staticmethod
    def boolean(key: str = "") -> SearchAttributeKey[bool]:
        """Declare a BOOL."""
        return SearchAttributeKey(SearchAttributeValueType.BOOL, key)

    @staticmethod
    def datetime(key: str = "") -> SearchAttributeKey[datetime]:
        """Declare a DATETIME; its values are aware datetimes."""
        return SearchAttributeKey(SearchAttributeValueType.DATETIME, key)

    @staticmethod
    def keyword_array(key: str = "") -> SearchAttributeKey[list[str]]:
        """Declare a KEYWORD_ARRAY."""
        return SearchAttributeKey(SearchAttributeValueType.KEYWORD_ARRAY, key)

    def _declare(self, name: str) -> PersistenceField:
        return PersistenceField.search_attribute_def(name, self.value_type)

    @overload
    def get(self, persistence: Persistence) -> V | None: ...

    @overload
    def get(self, persistence: Persistence, default: V) -> V: ...

    def get(self, persistence: Persistence, default: V | None = None) -> V | None:
        """Return its value, of a DATETIME an aware datetime; *default* when there is none, or it was not loaded."""
        value: Any = persistence.get_search_attribute(self)
        if value is None:
            return default
        return cast("V", value)

    def set(self, persistence: Persistence, value: V | None) -> None:
        """Write its value; None deletes."""
        persistence.set_search_attribute(self, value)


class InternalChannel(ChannelName[V], Generic[V]):
    """
    A channel that states, RPCs and clients publish to: ``verified = InternalChannel(None)``.

    Args:
        value_type: Of its messages; None says that they carry no value.

        name: Its name; that of the class attribute when it is not given.
    """

    family = ChannelFamily.INTERNAL

    @overload
    def __init__(self: InternalChannel[None], value_type: None, name: str = "") -> None: ...

    @overload
    def __init__(self: InternalChannel[NewT], value_type: type[NewT], name: str = "") -> None: ...

    @overload
    def __init__(self: InternalChannel[Any], value_type: Any, name: str = "") -> None: ...

    def __init__(self, value_type: Any, name: str = "") -> None:
        """Declare it."""

    def _declare(self, name: str) -> CommunicationMethod:
        return CommunicationMethod.internal_channel_def(name, self.value_type)

    @overload
    @staticmethod
    def prefix(value_type: None, prefix: str = "") -> InternalChannelPrefix[None]: ...

    @overload
    @staticmethod
    def prefix(value_type: type[NewT], prefix: str = "") -> InternalChannelPrefix[NewT]: ...

    @overload
    @staticmethod
    def prefix(value_type: Any, prefix: str = "") -> InternalChannelPrefix[Any]: ...

    @staticmethod
    def prefix(value_type: Any, prefix: str = "") -> InternalChannelPrefix[Any]:
        """Declare every internal channel whose name starts alike; see `InternalChannelPrefix`."""
        return InternalChannelPrefix(value_type, prefix)

    def publish(self, communication: Communication, value: V | None = None) -> None:
        """Append a message."""
        communication.publish_to_internal_channel(self, value)

    def size(self, communication: Communication) -> int:
        """Count the messages that nobody has taken yet, those of this call included."""
        return communication.get_internal_channel_size(self)

    def command(
        self, command_id: str | None = None, *, at_least: int = 1, at_most: int | None = None
    ) -> InternalChannelCommand:
        """Wait for its oldest message, or for *at_least* up to *at_most* of them."""
        return InternalChannelCommand.by_name(self, command_id, at_least=at_least, at_most=at_most)


class InternalChannelPrefix(Prefix[InternalChannel[V]], Generic[V]):
    """
    All internal channels whose names start alike: ``room = InternalChannel.prefix(str)``, and ``room["7"]`` is one of them.

    Args:
        value_type: Of their messages.

        name: The beginning of their names; when it is not given, the class attribute's name and a hyphen: ``room-``.
    """

    def _declare(self, name: str) -> CommunicationMethod:
        return CommunicationMethod.internal_channel_def_by_prefix(name, self.value_type)

    def _key(self, name: str) -> InternalChannel[V]:
        return InternalChannel(self.value_type, name)


class SignalChannel(ChannelName[V], Generic[V]):
    """
    A channel for signals from clients: ``mail = SignalChannel(Form)``.

    Args:
        value_type: Of its messages; None says that they carry no value.

        name: Its name; that of the class attribute when it is not given.
    """

    family = ChannelFamily.SIGNAL

    @overload
    def __init__(self: SignalChannel[None], value_type: None, name: str = "") -> None: ...

    @overload
    def __init__(self: SignalChannel[NewT], value_type: type[NewT], name: str = "") -> None: ...

    @overload
    def __init__(self: SignalChannel[Any], value_type: Any, name: str = "") -> None: ...

    def __init__(self, value_type: Any, name: str = "") -> None:
        """Declare it."""

    def _declare(self, name: str) -> CommunicationMethod:
        return CommunicationMethod.signal_channel_def(name, self.value_type)

    @overload
    @staticmethod
    def prefix(value_type: None, prefix: str = "") -> SignalChannelPrefix[None]: ...

    @overload
    @staticmethod
    def prefix(value_type: type[NewT], prefix: str = "") -> SignalChannelPrefix[NewT]: ...

    @overload
    @staticmethod
    def prefix(value_type: Any, prefix: str = "") -> SignalChannelPrefix[Any]: ...

    @staticmethod
    def prefix(value_type: Any, prefix: str = "") -> SignalChannelPrefix[Any]:
        """Declare every signal channel whose name starts alike; see `SignalChannelPrefix`."""
        return SignalChannelPrefix(value_type, prefix)

    def size(self, communication: Communication) -> int:
        """Count the signals that nobody has taken yet."""
        return communication.get_signal_channel_size(self)

    def command(
        self, command_id: str | None = None, *, at_least: int = 1, at_most: int | None = None
    ) -> SignalChannelCommand:
        """Wait for its oldest signal, or for *at_least* up to *at_most* of them."""
        return SignalChannelCommand.by_name(self, command_id, at_least=at_least, at_most=at_most)


class SignalChannelPrefix(Prefix[SignalChannel[V]], Generic[V]):
    """
    All signal channels whose names start alike: ``vote = SignalChannel.prefix(bool)``, and ``vote["alice"]`` is one of them.

    Args:
        value_type: Of their signals.

        name: The beginning of their names; when it is not given, the class attribute's name and a hyphen: ``vote-``.
    """

    def _declare(self, name: str) -> CommunicationMethod:
        return CommunicationMethod.signal_channel_def_by_prefix(name, self.value_type)

    def _key(self, name: str) -> SignalChannel[V]:
        return SignalChannel(self.value_type, name)
