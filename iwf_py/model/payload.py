"""Sealed envelopes: a value as text, with the name of its encoding.

The engine carries payloads and never opens one. "No value" is None, not a payload.
"""

from __future__ import annotations

from attrs import frozen

from iwf_py.model.status import SearchAttributeValueType


@frozen
class Payload:
    """
    One encoded value (iWF: EncodedObject).

    Attributes:
        encoding: The codec's name for the form of *data*, such as ``json/plain``; may be missing on the wire.

        data: The text; may be missing on the wire.
    """

    encoding: str | None = None
    data: str | None = None

    @property
    def size(self) -> int:
        """Characters of data; what limits count."""
        return len(self.data) if self.data else 0


# A data attribute that is there and has no value, which only the protocol can write: it opens as None.
NO_VALUE = Payload("", None)


@frozen
class SearchAttribute:
    """
    A search attribute with its type: plain values, which the engine may index (iWF: SearchAttribute).

    Attributes:
        key: Its name.

        string_value: For KEYWORD, TEXT and DATETIME (exactly the text that was written).

        integer_value: For INT; fits 64 bits.

        value_type: Which of the fields counts; without a value it is 0, false or empty. None together with no value: the attribute
            is deleted.
    """

    key: str
    string_value: str | None = None
    integer_value: int | None = None
    double_value: float | None = None
    bool_value: bool | None = None
    string_array_value: tuple[str, ...] | None = None
    value_type: SearchAttributeValueType | None = None

    @property
    def is_empty(self) -> bool:
        """Is there neither type nor value? Written so, it deletes."""
        return (
            self.value_type is None
            and self.string_value is None
            and self.integer_value is None
            and self.double_value is None
            and self.bool_value is None
            and self.string_array_value is None
        )


# The name that iWF's SDK has for a payload.
EncodedObject = Payload
