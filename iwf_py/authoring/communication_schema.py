"""Which channels a workflow has, and of which types their messages are."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from types import NoneType
from typing import Any

from attrs import field, frozen

from iwf_py.authoring.keys import Declared
from iwf_py.errors import WorkflowDefinitionError


class CommunicationMethodType(StrEnum):
    """The kinds of channels."""

    SignalChannel = "SignalChannel"
    InternalChannel = "InternalChannel"


@frozen
class CommunicationMethod:
    """
    One channel, or all channels whose names start alike.

    Attributes:
        name: The name, or the prefix.

        method_type: Which kind it is.

        value_type: Of its messages; a message may always be without a value.

        is_prefix: Does *name* stand for every name that starts with it?
    """

    name: str
    method_type: CommunicationMethodType
    value_type: Any
    is_prefix: bool = False

    @classmethod
    def signal_channel_def(cls, name: str, value_type: Any) -> CommunicationMethod:
        """Declare a channel for signals from clients; a *value_type* of None says that they carry no value."""
        return cls(name, CommunicationMethodType.SignalChannel, NoneType if value_type is None else value_type)

    @classmethod
    def internal_channel_def(cls, name: str, value_type: Any) -> CommunicationMethod:
        """Declare a channel that states, RPCs and clients publish to."""
        return cls(name, CommunicationMethodType.InternalChannel, NoneType if value_type is None else value_type)

    @classmethod
    def internal_channel_def_by_prefix(cls, name_prefix: str, value_type: Any) -> CommunicationMethod:
        """Declare every internal channel whose name starts with *name_prefix*."""
        return cls(
            name_prefix,
            CommunicationMethodType.InternalChannel,
            NoneType if value_type is None else value_type,
            is_prefix=True,
        )

    @classmethod
    def signal_channel_def_by_prefix(cls, name_prefix: str, value_type: Any) -> CommunicationMethod:
        """Declare every signal channel whose name starts with *name_prefix*."""
        return cls(
            name_prefix,
            CommunicationMethodType.SignalChannel,
            NoneType if value_type is None else value_type,
            is_prefix=True,
        )


def _methods(methods: Iterable[object]) -> list[CommunicationMethod]:
    declared: list[Any] = [method.declaration if isinstance(method, Declared) else method for method in methods]
    for method in declared:
        if not isinstance(method, CommunicationMethod):
            raise WorkflowDefinitionError(
                f"CommunicationSchema takes CommunicationMethod.internal_channel_def(...) and its like, got {method!r}"
            )
    return declared


@frozen
class CommunicationSchema:
    """All channels of a workflow."""

    communication_methods: list[CommunicationMethod] = field(factory=list, converter=_methods)

    @classmethod
    def create(cls, *methods: CommunicationMethod | Declared) -> CommunicationSchema:
        """Declare channels, by methods such as `CommunicationMethod.internal_channel_def` or objects such as `InternalChannel`."""
        return cls(list(methods))
