"""The door to the codec, for those who hold values but know no cattrs."""

from __future__ import annotations

from typing import Any, Protocol

from iwf_py.model.payload import Payload


class Converter(Protocol):
    """Turns values into sealed payloads and back, by type."""

    def encode(self, value: object) -> Payload | None:
        """
        Seal a value. None is no value, and no payload.

        Errors:
            PayloadError: The value, or something in it, has no encoding.
        """

    def decode(self, payload: Payload | None, value_type: Any = None) -> Any:
        """
        Open a payload.

        Args:
            payload: None gives None.

            value_type: The type that the value shall have; None or Any for the plain JSON value.

        Errors:
            PayloadError: It cannot be opened, or holds something else.
        """

    def check(self, value: object, value_type: Any) -> str | None:
        """
        Say why *value* is not of *value_type*; None when it is.

        Structural, so that ``list[int]``, unions and Any can be asked for; an int passes as a float, a bool not as an int.
        None is "no value" and passes always.
        """
