"""User values, sealed and opened.

A payload is JSON text (``json/plain``), or for bytes base64 (``binary/base64``); what the SDKs of iWF write is read too.
None is no value and no payload. Which class a value becomes is said by the annotations that the reader hands in,
never by the payload. No message of ours tells what a value holds, for it may be private.
"""

from __future__ import annotations

import ast
import base64
import binascii
import re
from collections.abc import Callable, Sequence
from typing import Any, Protocol, TypeVar

from iwf_py.codec.annotations import name_of
from iwf_py.codec.converter import Conversion, Forms
from iwf_py.codec.forms import Fit, MismatchError
from iwf_py.codec.plain import Plainer, UnplainError, from_text, to_text
from iwf_py.errors import PayloadError
from iwf_py.model.payload import Payload

T = TypeVar("T")

JSON = "json/plain"
BYTES = "binary/base64"

# The names under which SDKs of iWF in Python, Java and Go write JSON.
_JSON_ENCODINGS = frozenset({JSON, "json", "builtinGolangJson"})
_NULL = "binary/null"
# iWF's Python SDK wrote bytes as the text of their repr.
_OLD_BYTES = "binary/plain"
_OLD_BYTES_TEXT = re.compile(r"""b'(?:[^'\\\n]|\\.)*'|b"(?:[^"\\\n]|\\.)*\"""")

MAX_PAYLOAD_SIZE = 2 * 1024 * 1024


class PayloadCodec(Protocol):
    """Seals sealed payloads once more, to encrypt or to compress; both ways must be safe to call from any thread."""

    def encode(self, payload: Payload) -> Payload:
        """Wrap a payload on its way out."""

    def decode(self, payload: Payload) -> Payload:
        """Unwrap a payload on its way in; one that this codec did not wrap comes back as it is."""


def check_size(payload: Payload, value: object, most: int = MAX_PAYLOAD_SIZE) -> None:
    """Refuse a payload of *value* that is too large, by a PayloadError."""
    if payload.size > most:
        raise PayloadError(
            f"a {name_of(type(value))} takes {payload.size:,} bytes, at most {most:,} are allowed; "
            "store it elsewhere and keep a reference"
        )


class JsonConverter:
    """
    The codec that clients and workers share (a `model.converter.Converter`).

    Args:
        codec: Wraps what is written, and unwraps what is read.

        max_size: Bytes of one payload; a larger value is refused before anything is written.

        conversions: Asked first what a plain JSON value becomes, for each type that is asked for.
    """

    def __init__(
        self,
        *,
        codec: PayloadCodec | None = None,
        max_size: int = MAX_PAYLOAD_SIZE,
        conversions: Sequence[Conversion] = (),
    ) -> None:
        self._codec = codec
        self._max_size = max_size
        self._plainer = Plainer()
        self._forms = Forms(self._plainer, conversions)

    def register(self, type: type[T], to: Callable[[T], Any], from_: Callable[[Any], T]) -> None:
        """
        Teach a type: at start-up, before values are encoded, in clients and workers alike.

        Args:
            to: Makes of a value something that has an encoding.

            from_: Makes the value of the plain JSON value again; whatever it raises means that the value does not fit.
        """
        self._plainer.register(type, to)
        self._forms.register(type, from_)

    def encode(self, value: object) -> Payload | None:
        """
        Seal a value. None is no value, and no payload.

        Errors:
            PayloadError: The value, or something in it, has no encoding, or it is too large.
        """
        if value is None:
            return None
        if isinstance(value, bytes | bytearray):
            payload = Payload(BYTES, base64.b64encode(value).decode("ascii"))
        else:
            payload = Payload(JSON, self._json_of(value))
        if self._codec is not None:
            payload = self._codec.encode(payload)
        check_size(payload, value, self._max_size)
        return payload

    def _json_of(self, value: object) -> str:
        try:
            return to_text(self._plainer.plain(value))
        except UnplainError as error:
            raise PayloadError(f"cannot encode {error.told(name_of(type(value)))}") from None
        except RecursionError:
            raise PayloadError(f"cannot encode {name_of(type(value))}: it is nested too deep") from None

    def decode(self, payload: Payload | None, value_type: Any = None) -> Any:
        """
        Open a payload.

        Args:
            payload: None gives None.

            value_type: The type that the value shall have; None or Any for the plain JSON value.

        Errors:
            PayloadError: It cannot be opened, or holds something else.
        """
        if payload is None:
            return None
        if self._codec is not None:
            payload = self._codec.decode(payload)
        return self.convert(self._opened(payload), value_type)

    def convert(self, value: Any, value_type: Any) -> Any:
        """Make a value of a type of a plain JSON value, or of bytes; errors as `decode`."""
        if value is None or value_type is None or value_type is Any:
            return value
        if isinstance(value, bytes):
            return self._checked_bytes(value, value_type)
        try:
            return self._forms.of(value_type).decode(value, Fit())
        except MismatchError as error:
            raise PayloadError(f"cannot decode: {error.told(name_of(value_type))}") from error.__cause__
        except RecursionError:
            raise PayloadError(f"cannot decode {name_of(value_type)}: the value is nested too deep") from None

    def _opened(self, payload: Payload) -> Any:
        encoding, data = payload.encoding, payload.data
        if data is None:
            return None
        if encoding in _JSON_ENCODINGS:
            return from_text(data)
        if encoding == BYTES:
            return _bytes_of(data)
        if encoding == _OLD_BYTES:
            return _old_bytes_of(data)
        if encoding == _NULL:
            if data:
                raise PayloadError(f"a payload with encoding {_NULL!r} must not carry data")
            return None
        known = ", ".join(sorted(_JSON_ENCODINGS | {BYTES, _OLD_BYTES, _NULL}))
        raise PayloadError(
            f"a payload has the encoding {encoding!r}, which cannot be read (known: {known}); "
            "hand the converter the codec that wrote it"
        )

    def _checked_bytes(self, value: bytes, value_type: Any) -> Any:
        form = self._forms.of(value_type)
        for made in (value, bytearray(value)):
            try:
                form.check(made)
            except MismatchError:
                continue
            return made
        raise PayloadError(f"cannot decode {form.name}: the payload holds bytes")

    def check(self, value: object, value_type: Any) -> str | None:
        """
        Say why *value* is not of *value_type*; None when it is.

        Structural: the elements of ``list[int]`` and the fields of dataclasses count, an int passes as a float, a bool
        not as an int. None is "no value" and passes always; so does everything where nothing is said (None, Any).
        """
        if value is None or value_type is None or value_type is Any:
            return None
        try:
            self._forms.of(value_type).check(value)
        except MismatchError as error:
            return error.told(name_of(value_type))
        except RecursionError:
            return f"{name_of(value_type)}: the value is nested too deep, or holds itself"
        except PayloadError as error:
            return str(error)
        return None


def _bytes_of(data: str) -> bytes:
    try:
        return base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError):
        raise PayloadError(f"a payload with encoding {BYTES!r} does not hold base64") from None


def _old_bytes_of(data: str) -> bytes | str:
    if _OLD_BYTES_TEXT.fullmatch(data) is None:
        return data
    try:
        value = ast.literal_eval(data)
    except (SyntaxError, ValueError):
        return data
    return value if isinstance(value, bytes) else data
