"""Encoders under the names that iWF's SDK for Python gives them.

Code that passes ``ObjectEncoder.default`` around needs nothing else. Code that composes converters, teaches JSON other
types or wraps payloads goes on doing so: what is its own is called, and what is not is done by `JsonConverter`, so that
values are written and read alike on both ways.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, ClassVar

from attrs import field, frozen

from iwf_py.codec.converter import UNHANDLED
from iwf_py.codec.payloads import BYTES, JSON, JsonConverter, PayloadCodec, check_size
from iwf_py.codec.plain import Plainer, UnplainError
from iwf_py.errors import IwfError, PayloadError
from iwf_py.model.payload import Payload
from iwf_py.model.unset import UNSET, Unset

_OURS = JsonConverter()
_PLAINER = Plainer()


class PayloadConverter(ABC):
    """Makes payloads of values and values of payloads."""

    @abstractmethod
    def to_payload(self, value: Any) -> Payload | Unset:
        """Seal a value; `UNSET` for no value."""

    @abstractmethod
    def from_payload(self, payload: Payload, type_hint: Any = None) -> Any:
        """Open a payload."""


class EncodingPayloadConverter(ABC):
    """Makes payloads of one encoding, as a part of a `CompositePayloadConverter`."""

    @property
    @abstractmethod
    def encoding(self) -> str | Unset:
        """Tell the encoding."""

    @abstractmethod
    def to_payload(self, value: Any) -> tuple[bool, Payload | Unset]:
        """Seal a value, if it is one for this converter; the first tells whether it is."""

    @abstractmethod
    def from_payload(self, payload: Payload, type_hint: Any = None) -> Any:
        """Open a payload of this encoding."""


class CompositePayloadConverter(PayloadConverter):
    """
    Asks converters in order which of them takes a value; a payload is opened by the one that has its encoding.

    Encodings that none has are opened as everywhere in this package, if they are known there.
    """

    converters: Mapping[str | Unset, EncodingPayloadConverter]

    def __init__(self, *converters: EncodingPayloadConverter) -> None:
        self.converters = {converter.encoding: converter for converter in converters}

    def to_payload(self, value: Any) -> Payload | Unset:
        """Seal a value; PayloadError where no converter takes it."""
        for converter in self.converters.values():
            is_sealed, payload = converter.to_payload(value)
            if is_sealed:
                return payload
        raise PayloadError(f"a value of type {type(value).__name__} has no converter")

    def from_payload(self, payload: Payload, type_hint: Any = None) -> Any:
        """Open a payload."""
        converter = self.converters.get(UNSET if payload.encoding is None else payload.encoding)
        return _OURS.decode(payload, type_hint) if converter is None else converter.from_payload(payload, type_hint)


class UnsetPayloadConverter(EncodingPayloadConverter):
    """None is no value."""

    @property
    def encoding(self) -> str | Unset:
        """There is none."""
        return UNSET

    def to_payload(self, value: Any) -> tuple[bool, Payload | Unset]:
        """Take None."""
        return value is None, UNSET

    def from_payload(self, payload: Payload, type_hint: Any = None) -> Any:
        """Open a payload without data."""
        if payload.data:
            raise PayloadError("a payload has data, and no encoding that says how to read it")


class BinaryNullPayloadConverter(UnsetPayloadConverter):
    """None, as some write it."""

    @property
    def encoding(self) -> str | Unset:
        """Tell the encoding."""
        return "binary/null"


class BinaryPlainPayloadConverter(EncodingPayloadConverter):
    """Bytes: written as base64, of which the payload says so; what iWF's SDK wrote is read."""

    @property
    def encoding(self) -> str | Unset:
        """Tell the encoding that is read; base64 needs nobody to read it."""
        return "binary/plain"

    def to_payload(self, value: Any) -> tuple[bool, Payload | Unset]:
        """Take bytes."""
        if not isinstance(value, bytes):
            return False, UNSET
        payload = _OURS.encode(value)
        assert payload is not None
        assert payload.encoding == BYTES
        return True, payload

    def from_payload(self, payload: Payload, type_hint: Any = None) -> Any:
        """Open bytes."""
        return _OURS.decode(payload, type_hint)


class AdvancedJSONEncoder(json.JSONEncoder):
    """Writes whatever has an encoding in this package: dataclasses, attrs classes, models, enums, times and so on."""

    def default(self, o: Any) -> Any:
        """Make a plain JSON value; TypeError where there is none."""
        try:
            return _PLAINER.plain(o)
        except (UnplainError, PayloadError) as error:
            raise TypeError(f"cannot encode {type(o).__name__}: {error}") from None


class JSONTypeConverter(ABC):
    """Makes values of types that are the caller's own of plain JSON values."""

    # To be returned for a type that is another's.
    Unhandled: ClassVar[Any] = UNHANDLED

    @abstractmethod
    def to_typed_value(self, hint: Any, value: Any) -> Any:
        """Make a value of the type *hint*, or answer `Unhandled`."""


class JSONPlainPayloadConverter(EncodingPayloadConverter):
    """
    JSON.

    Args:
        encoder: Writes in place of this package.

        decoder: Reads the text in its place.

        encoding: What the payload is said to be.

        custom_type_converters: Asked first what a plain JSON value becomes, whether it is the whole value or part of it.
    """

    def __init__(
        self,
        *,
        encoder: type[json.JSONEncoder] | None = AdvancedJSONEncoder,
        decoder: type[json.JSONDecoder] | None = None,
        encoding: str = JSON,
        custom_type_converters: Sequence[JSONTypeConverter] = (),
    ) -> None:
        self._encoder = None if encoder is AdvancedJSONEncoder else encoder
        self._decoder = decoder
        self._encoding = encoding
        self._reader = _reader(custom_type_converters)

    @property
    def encoding(self) -> str | Unset:
        """Tell the encoding."""
        return self._encoding

    def to_payload(self, value: Any) -> tuple[bool, Payload | Unset]:
        """Take any value; PayloadError where it has no encoding."""
        if self._encoder is None:
            sealed = _OURS.encode(value)
            return True, UNSET if sealed is None else Payload(self._encoding, sealed.data)
        try:
            text = json.dumps(value, cls=self._encoder, separators=(",", ":"), sort_keys=True, allow_nan=False)
        except (TypeError, ValueError, RecursionError) as error:
            raise PayloadError(f"cannot encode {type(value).__name__}: {error}") from error
        return True, Payload(self._encoding, text)

    def from_payload(self, payload: Payload, type_hint: Any = None) -> Any:
        """Open JSON; PayloadError where it is none, or of another type."""
        if self._decoder is None or payload.data is None:
            return self._reader.decode(Payload(JSON, payload.data), type_hint)
        try:
            plain = json.loads(payload.data, cls=self._decoder)
        except ValueError as error:
            raise PayloadError(f"the text is no JSON that can be read: {error}") from error
        return self._reader.convert(plain, type_hint)

    def check(self, value: object, type_hint: Any) -> str | None:
        """Say why a value is not of a type."""
        return self._reader.check(value, type_hint)


def _reader(converters: Sequence[JSONTypeConverter]) -> JsonConverter:
    return JsonConverter(conversions=[partial(_typed, converter) for converter in converters]) if converters else _OURS


def _typed(converter: JSONTypeConverter, hint: Any, value: Any) -> Any:
    return converter.to_typed_value(hint, value)


def value_to_type(hint: Any, value: Any, custom_converters: Sequence[JSONTypeConverter] = ()) -> Any:
    """Make a value of a type of a plain JSON value; PayloadError where it does not fit."""
    return _reader(custom_converters).convert(value, hint)


class DefaultPayloadConverter(CompositePayloadConverter):
    """The converters that stand ready, in their order."""

    default_encoding_payload_converters: ClassVar[tuple[EncodingPayloadConverter, ...]] = (
        UnsetPayloadConverter(),
        BinaryNullPayloadConverter(),
        BinaryPlainPayloadConverter(),
        JSONPlainPayloadConverter(),
    )

    def __init__(self) -> None:
        super().__init__(*DefaultPayloadConverter.default_encoding_payload_converters)


@frozen
class ObjectEncoder:
    """
    The codec that clients and workers share (a `model.converter.Converter`), composed as iWF's SDK does it.

    Args:
        payload_converter_class: Made once, without arguments.

        payload_codec: Wraps what is written, and unwraps what is read.
    """

    payload_converter_class: type[PayloadConverter] = DefaultPayloadConverter
    payload_codec: PayloadCodec | None = None
    payload_converter: PayloadConverter = field(init=False, eq=False, repr=False)

    # The one without settings.
    default: ClassVar[ObjectEncoder]

    def __attrs_post_init__(self) -> None:
        object.__setattr__(self, "payload_converter", self.payload_converter_class())

    def encode(self, value: object) -> Payload | None:
        """
        Seal a value. None is no value, and no payload.

        Errors:
            PayloadError: It cannot be; what a converter of the caller's raises is its cause.
        """
        if value is None:
            return None
        try:
            payload = self.payload_converter.to_payload(value)
        except IwfError:
            raise
        except Exception as error:
            raise PayloadError(f"cannot encode {type(value).__name__}: {error}") from error
        if isinstance(payload, Unset):
            return None
        if self.payload_codec is not None:
            payload = self.payload_codec.encode(payload)
        check_size(payload, value)
        return payload

    def decode(self, payload: Payload | Unset | None, type_hint: Any = None) -> Any:
        """Open a payload; None gives None. Errors as `encode`."""
        if payload is None or isinstance(payload, Unset):
            return None
        if self.payload_codec is not None:
            payload = self.payload_codec.decode(payload)
        try:
            return self.payload_converter.from_payload(payload, type_hint)
        except IwfError:
            raise
        except Exception as error:
            raise PayloadError(f"cannot decode: {error}") from error

    def check(self, value: object, value_type: Any) -> str | None:
        """Say why *value* is not of *value_type*; a converter that is not composed of JSON's is not asked."""
        converter = self.payload_converter
        parts = converter.converters.values() if isinstance(converter, CompositePayloadConverter) else ()
        for part in parts:
            if isinstance(part, JSONPlainPayloadConverter):
                return part.check(value, value_type)
        return None


ObjectEncoder.default = ObjectEncoder()
