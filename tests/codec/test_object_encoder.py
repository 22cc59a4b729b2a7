"""Encoders composed as iWF's SDK does it, and the same values on both ways."""

import json
from dataclasses import dataclass
from datetime import date, timedelta
from ipaddress import IPv4Address
from uuid import UUID

import pytest

from iwf_py import (
    AdvancedJSONEncoder,
    BinaryNullPayloadConverter,
    BinaryPlainPayloadConverter,
    CompositePayloadConverter,
    DefaultPayloadConverter,
    JsonConverter,
    JSONPlainPayloadConverter,
    JSONTypeConverter,
    ObjectEncoder,
    Payload,
    PayloadConverter,
    PayloadError,
    UnsetPayloadConverter,
    value_to_type,
)


@dataclass
class Order:
    number: int
    due: date
    tags: list[str]


ORDER = Order(7, date(2026, 1, 9), ["a"])
VALUES = [
    (1, int),
    ("ä", str),
    ([1, 2], list[int]),
    (ORDER, Order),
    (timedelta(hours=1), timedelta),
    (b"\x00\xff", bytes),
    ({"a": UUID(int=1)}, dict[str, UUID]),
]


@pytest.mark.parametrize(("value", "value_type"), VALUES)
def test_the_default_encoder_writes_and_reads_as_the_codec_does(value, value_type):
    """
    What one has sealed, the other opens, both ways.
    """
    mine, theirs = ObjectEncoder.default.encode(value), JsonConverter().encode(value)

    assert mine == theirs
    assert ObjectEncoder.default.decode(theirs, value_type) == value
    assert JsonConverter().decode(mine, value_type) == value


@pytest.mark.parametrize("encoding", ["json", "json/plain", "builtinGolangJson"])
def test_json_of_every_sdk_is_read(encoding):
    """
    Whatever Java and Go call it.
    """
    payload = Payload(encoding, '{"number": 7, "due": "2026-01-09", "tags": ["a"], "more": 1}')

    assert ObjectEncoder.default.decode(payload, Order) == ORDER


def test_no_value_is_none():
    """
    None is no payload, and what says nothing opens as None.
    """
    assert ObjectEncoder.default.encode(None) is None
    assert ObjectEncoder.default.decode(None, int) is None
    assert ObjectEncoder.default.decode(Payload("binary/null", None)) is None
    assert ObjectEncoder.default.decode(Payload(None, None)) is None
    assert ObjectEncoder.default.decode(Payload("", None)) is None


def test_bytes_of_the_sdk_are_read():
    """
    It writes them as the text of their repr.
    """
    assert ObjectEncoder.default.decode(Payload("binary/plain", "b'ab'"), bytes) == b"ab"


@pytest.mark.parametrize(
    "payload", [Payload("made/up", "x"), Payload(None, "1"), Payload("json/plain", "{"), Payload("json/plain", '"x"')]
)
def test_what_cannot_be_opened_is_a_payload_error(payload):
    """
    An encoding that nobody has, none at all, no JSON, or another type.
    """
    with pytest.raises(PayloadError):
        ObjectEncoder.default.decode(payload, int)


class Addresses(JSONTypeConverter):
    """Knows addresses, which the codec does not."""

    def to_typed_value(self, hint, value):
        return IPv4Address(value) if hint is IPv4Address else JSONTypeConverter.Unhandled


class AddressEncoder(AdvancedJSONEncoder):
    def default(self, o):
        return str(o) if isinstance(o, IPv4Address) else super().default(o)


class AddressConverter(CompositePayloadConverter):
    """As the documentation of iWF's SDK composes it."""

    def __init__(self):
        super().__init__(
            UnsetPayloadConverter(),
            BinaryNullPayloadConverter(),
            BinaryPlainPayloadConverter(),
            JSONPlainPayloadConverter(encoder=AddressEncoder, custom_type_converters=[Addresses()]),
        )


ADDRESS = IPv4Address("10.0.0.1")


@pytest.mark.parametrize(
    ("value", "value_type"),
    [
        (ADDRESS, IPv4Address),
        ([ADDRESS, ADDRESS], list[IPv4Address]),
        ({"home": ADDRESS}, dict[str, IPv4Address]),
        (ORDER, Order),
        (None, IPv4Address),
    ],
)
def test_json_is_taught_other_types(value, value_type):
    """
    A converter of the caller's is asked for the whole value and for its parts, and values of its types pass the check.
    """
    encoder = ObjectEncoder(payload_converter_class=AddressConverter)

    assert encoder.check(value, value_type) is None
    assert encoder.decode(encoder.encode(value), value_type) == value


def test_a_taught_type_is_still_checked():
    """
    Another value than one of that class is told of before it is sent.
    """
    encoder = ObjectEncoder(AddressConverter)

    assert "expected IPv4Address, got str" in encoder.check("10.0.0.1", IPv4Address)
    assert "expected int, got str" in encoder.check("x", int)


def test_an_untaught_type_is_refused():
    """
    What neither the codec nor a converter knows is an error that names the type.
    """
    encoder = ObjectEncoder(AddressConverter)

    with pytest.raises(PayloadError, match="complex"):
        encoder.encode(1j)
    with pytest.raises(PayloadError, match="complex"):
        encoder.decode(Payload("json/plain", "1"), complex)


class Reversed:
    """A codec: it turns texts round."""

    def encode(self, payload):
        return Payload("reversed", json.dumps([payload.encoding, payload.data])[::-1])

    def decode(self, payload):
        return Payload(*json.loads(payload.data[::-1]))


def test_a_codec_wraps_payloads():
    """
    It sees what is sealed on the way out, and sees it again on the way in; never a None.
    """
    encoder = ObjectEncoder(payload_codec=Reversed())

    sealed = encoder.encode({"a": 1})

    assert sealed.encoding == "reversed"
    assert encoder.decode(sealed) == {"a": 1}
    assert encoder.encode(None) is None


class Pickier(PayloadConverter):
    """All its own."""

    def to_payload(self, value):
        return Payload("mine", str(1 / value))

    def from_payload(self, payload, type_hint=None):
        return 1 / float(payload.data)


def test_a_converter_of_ones_own_is_all_that_is_asked():
    """
    It decides what is a value, and what it raises is the cause of a PayloadError.
    """
    encoder = ObjectEncoder(payload_converter_class=Pickier)

    assert encoder.decode(encoder.encode(4)) == 4
    assert encoder.check("anything", int) is None
    with pytest.raises(PayloadError, match="division by zero") as raised:
        encoder.encode(0)
    assert isinstance(raised.value.__cause__, ZeroDivisionError)
    with pytest.raises(PayloadError, match="could not convert"):
        encoder.decode(Payload("mine", "x"))


def test_values_are_converted_without_a_payload():
    """
    The function of that name makes a value of a plain one.
    """
    assert value_to_type(Order, {"number": 7, "due": "2026-01-09", "tags": ["a"]}) == ORDER
    assert value_to_type(list[IPv4Address], ["10.0.0.1"], [Addresses()]) == [ADDRESS]
    with pytest.raises(PayloadError):
        value_to_type(int, "x")


def test_the_json_encoder_stands_alone():
    """
    ``json.dumps(value, cls=AdvancedJSONEncoder)`` writes what the codec would.
    """
    assert json.loads(json.dumps({"order": ORDER}, cls=AdvancedJSONEncoder)) == {
        "order": {"number": 7, "due": "2026-01-09", "tags": ["a"]}
    }
    with pytest.raises(TypeError, match="complex"):
        json.dumps(1j, cls=AdvancedJSONEncoder)


def test_a_larger_payload_is_refused():
    """
    Before anything is sent.
    """
    with pytest.raises(PayloadError, match="at most"):
        ObjectEncoder(DefaultPayloadConverter).encode("x" * (2 * 1024 * 1024))
