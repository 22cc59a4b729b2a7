"""What users hand over comes back as it was, or is refused with a sentence."""

# The older spellings of unions and enums are part of what is tested.
# ruff: noqa: UP007, UP042, UP045

import json
import threading
from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from enum import Enum, IntEnum, IntFlag, StrEnum
from pathlib import Path, PurePosixPath
from typing import (
    Annotated,
    Any,
    Generic,
    Literal,
    NamedTuple,
    NewType,
    NotRequired,
    Optional,
    TypedDict,
    TypeVar,
    Union,
)
from uuid import UUID

import attrs
import pydantic
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iwf_py.codec.payloads import JsonConverter
from iwf_py.errors import PayloadError
from iwf_py.model.payload import Payload

T = TypeVar("T")

NOON = datetime(2026, 1, 1, 12, 0, 0, 1, tzinfo=UTC)
AN_ID = UUID("12345678-1234-5678-1234-567812345678")


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


class Level(IntEnum):
    LOW = 1
    HIGH = 2


class Mood(StrEnum):
    GOOD = "good"


class OldMood(str, Enum):
    GOOD = "good"


class Bits(IntFlag):
    A = 1
    B = 2


class Corner(Enum):
    TOP = (0, 1)
    END = (1, 0)


class Lenient(Enum):
    KNOWN = "known"
    OTHER = "other"

    @classmethod
    def _missing_(cls, value):
        return cls.OTHER


class Point(NamedTuple):
    x: int
    y: int = 0


class Movie(TypedDict):
    title: str
    year: NotRequired[int]


class Loose(TypedDict, total=False):
    title: str


UserId = NewType("UserId", int)


@dataclass
class Address:
    street: str
    zip_code: int | None = None


@dataclass
class Person:
    name: str
    addresses: list[Address] = field(default_factory=list)
    born: date | None = None
    nickname: str = None
    secret: int = field(default=0, init=False)


@dataclass
class Tree:
    value: int
    children: "list[Tree]" = field(default_factory=list)


@dataclass
class Box(Generic[T]):
    content: T
    more: list[T] = field(default_factory=list)


@dataclass
class IntBox(Box[int], Generic[T]):
    tag: T | None = None


@attrs.frozen
class Coin:
    _worth: int = attrs.field(converter=int)
    currency: str = "EUR"


@attrs.define
class Purse:
    coins: tuple[Coin, ...] = ()


class Model(pydantic.BaseModel):
    name: str
    at: datetime


@dataclass
class Cat:
    name: str


@dataclass
class Dog:
    name: str


@dataclass
class BigDog:
    name: str
    size: int


@dataclass
class TaggedCat:
    name: str
    kind: Literal["cat"] = "cat"


@dataclass
class TaggedDog:
    name: str
    kind: Literal["dog"] = "dog"


ROUND_TRIPS = [
    ("done", str),
    ("", str),
    ("Grüße \U0001f600 \x00 \\ud800", str),
    (0, int),
    (-(2**63), int),
    (10**399, int),
    (1.5, float),
    (1.0, float),
    (-0.0, float),
    (True, bool),
    (b"\x00\xff", bytes),
    (b"", bytes),
    (bytearray(b"ab"), bytearray),
    ([b"a", b""], list[bytes]),
    (NOON, datetime),
    (datetime(2026, 1, 1, 12, 0), datetime),
    (datetime(2026, 1, 1, 12, 0, tzinfo=timezone(timedelta(hours=-5))), datetime),
    (date(2026, 1, 1), date),
    (time(12, 30, 1, 5), time),
    (timedelta(days=400_000, microseconds=1), timedelta),
    (timedelta(0), timedelta),
    (-timedelta(seconds=1.5), timedelta),
    (timedelta.max, timedelta),
    (timedelta.min, timedelta),
    (Decimal("1.10"), Decimal),
    (Decimal("1E+400"), Decimal),
    (AN_ID, UUID),
    (Path("/a/b"), Path),
    (PurePosixPath("a"), PurePosixPath),
    (Colour.RED, Colour),
    (Level.HIGH, Level),
    (Mood.GOOD, Mood),
    (OldMood.GOOD, OldMood),
    (Bits.A | Bits.B, Bits),
    (Corner.END, Corner),
    ([1, 2], list[int]),
    ([1, "a", None], list),
    ((1, "a"), tuple[int, str]),
    ((), tuple[()]),
    ((1, 2, 3), tuple[int, ...]),
    ((1, 2), tuple),
    ({1, 2, 3}, set[int]),
    (frozenset({"a"}), frozenset[str]),
    (frozenset({"a"}), AbstractSet[str]),
    (deque([1, 2]), deque[int]),
    ([1], Sequence[int]),
    ([1], Iterable[int]),
    ({"a": 1}, dict[str, int]),
    ({"a": [1]}, dict),
    ({"a": 1}, Mapping[str, int]),
    ({1: "a", -2: "b"}, dict[int, str]),
    ({1.5: "a"}, dict[float, str]),
    ({True: "a", False: "b"}, dict[bool, str]),
    ({AN_ID: 1}, dict[UUID, int]),
    ({Colour.RED: 1}, dict[Colour, int]),
    ({Level.LOW: 1}, dict[Level, int]),
    ({date(2026, 1, 1): 1}, dict[date, int]),
    (OrderedDict(b=1, a=2), OrderedDict[str, int]),
    (defaultdict(None, a=[1]), defaultdict[str, list[int]]),
    (Counter("aab"), Counter[str]),
    (Point(1, 2), Point),
    ({"title": "Up", "year": 2009}, Movie),
    ({"title": "Up"}, Movie),
    ({}, Loose),
    (5, UserId),
    ("a", Literal["a", 1]),
    (1, Literal["a", 1]),
    (Colour.RED, Literal[Colour.RED]),
    (5, Annotated[int, ["unhashable"]]),
    (Person("Ann", [Address("Main", 1), Address("Side")], date(2000, 1, 1)), Person),
    (Tree(1, [Tree(2), Tree(3, [Tree(4)])]), Tree),
    (Box(1, [2]), Box[int]),
    (Box(Box("a")), Box[Box[str]]),
    (IntBox(1, [2], tag="t"), IntBox[str]),
    (Box({"any": [1]}), Box),
    (Coin(5), Coin),
    (Purse((Coin(1), Coin(2, "USD"))), Purse),
    (Model(name="m", at=NOON), Model),
    ([Model(name="m", at=NOON)], list[Model]),
    (None, int),
    (1, Optional[int]),
    ([None, 1], list[int | None]),
    (1.7, Union[int, str, float]),
    ("1", Union[int, str]),
    (1, Union[str, float, int]),
    (True, Union[int, bool]),
    ("red", Union[Colour, str]),
    (NOON, Union[datetime, date]),
    (date(2026, 1, 1), Union[datetime, date]),
    (AN_ID, Union[Path, UUID]),
    ([], list[int] | list[str]),
    (["a"], list[int] | list[str]),
    (BigDog("Rex", 3), Dog | BigDog),
    (Dog("Rex"), Dog | BigDog),
    ([Dog("Rex")], list[BigDog] | list[Dog]),
    (TaggedDog("Rex"), TaggedCat | TaggedDog),
    ({"a": 1}, Any),
    ({"a": 1}, object),
    ([1], None),
]


@pytest.mark.parametrize(("value", "value_type"), ROUND_TRIPS, ids=lambda part: str(part)[:40])
def test_a_value_comes_back_as_it_was(value, value_type):
    """
    What is encoded and decoded by its type is equal, of the same class, and passes the check.
    """
    converter = JsonConverter()

    back = converter.decode(converter.encode(value), value_type)

    assert back == value
    assert type(back) is type(value)
    assert converter.check(value, value_type) is None


@dataclass
class Everything:
    a: int
    b: float
    c: str | None
    d: list[tuple[int, str]]
    e: dict[str, Decimal]
    f: Colour
    g: datetime
    h: timedelta
    i: bytes
    j: frozenset[int]
    k: UUID
    n: Point
    m: dict[int, list[bool]]


@settings(deadline=None)
@given(
    st.builds(
        Everything,
        a=st.integers(),
        b=st.floats(allow_nan=False, allow_infinity=False),
        c=st.none() | st.text(st.characters(codec="utf-8")),
        d=st.lists(st.tuples(st.integers(), st.text(st.characters(codec="utf-8")))),
        e=st.dictionaries(st.text(st.characters(codec="utf-8")), st.decimals(allow_nan=False, allow_infinity=False)),
        g=st.datetimes() | st.datetimes(timezones=st.just(UTC)),
    )
)
def test_everything_comes_back_as_it_was(value):
    """
    Round trip, for values that nobody thought of; the check agrees, and the text is ASCII.
    """
    converter = JsonConverter()

    payload = converter.encode(value)

    assert converter.decode(payload, Everything) == value
    assert converter.check(value, Everything) is None
    assert payload.data.isascii()


WRONG = [
    (True, int),
    (1, bool),
    (3.7, int),
    (3.0, int),
    ("1", int),
    (1, str),
    ("a", float),
    (True, float),
    (None, list[int | None]),
    ("abc", list[str]),
    (["a"], list[int]),
    ([1, 2, 3], tuple[int, int]),
    ({"a": "b"}, dict[str, int]),
    ({"a": 1}, dict[int, int]),
    ({"01": 1}, dict[int, int]),
    ({"x": 1}, Address),
    ("x", Address),
    ({"street": 1}, Address),
    ({"title": 1}, Movie),
    ({"year": 1}, Movie),
    ("RED", Colour),
    (1, Colour),
    (True, Level),
    (1.0, Level),
    (3, Level),
    ("x", Bits),
    ("b", Literal["a", 1]),
    (True, Literal["a", 1]),
    ("x", datetime),
    ("2026-01-01", datetime),
    ("2026-01-01T10:00", date),
    ("x", UUID),
    ("NaN", Decimal),
    (1.5, Decimal),
    ("P", timedelta),
    ("PT", timedelta),
    ("1 day", timedelta),
    (1e300, timedelta),
    ("not base64!", bytes),
    ([300], bytes),
    ({"name": "x"}, Cat | Dog),
    (1.5, int | str),
    ([[1], ["a"]], list[list[int]] | list[list[str]]),
    ({"name": "m"}, Model),
    ({"_worth": "x"}, Coin),
    ([[1]], set[list[int]]),
    (10**308 * 100, float),
    (1, type(None)),
]


@pytest.mark.parametrize(("value", "value_type"), WRONG, ids=lambda part: str(part)[:40])
def test_nothing_is_cast_that_would_lose_something(value, value_type):
    """
    A JSON value of another type is refused, never bent.
    """
    payload = Payload("json/plain", json.dumps(value)) if value is not None else Payload("json/plain", "[[]]")

    with pytest.raises(PayloadError, match="cannot decode"):
        JsonConverter().decode(payload, value_type)


def test_a_mismatch_names_the_path():
    """
    Which part of a value is wrong is said, with what was expected and what there is, and not with the value.
    """
    payload = Payload("json/plain", '{"name":"Ann","addresses":[{"street":"s"},{"street":"s","zip_code":"topsecret"}]}')

    with pytest.raises(PayloadError) as caught:
        JsonConverter().decode(payload, Person)

    assert str(caught.value) == "cannot decode: Person.addresses[1].zip_code: expected int, got str"


def test_a_missing_field_is_named_and_an_unknown_one_passed_over():
    """
    A newer writer may add fields; a reader that needs one says which.
    """
    converter = JsonConverter()

    assert converter.decode(Payload("json/plain", '{"street":"s","planet":"x"}'), Address) == Address("s")
    with pytest.raises(PayloadError, match=r"Address.street: expected str, got nothing"):
        converter.decode(Payload("json/plain", "{}"), Address)


def test_a_named_tuple_may_grow_by_fields_with_defaults():
    """
    A shorter list, as an older class wrote it, is filled up by the defaults.
    """
    assert JsonConverter().decode(Payload("json/plain", "[1]"), Point) == Point(1, 0)


def test_an_enum_may_take_values_that_it_does_not_list():
    """
    `_missing_` is asked, as the constructor asks it.
    """
    assert JsonConverter().decode(Payload("json/plain", '"new"'), Lenient) is Lenient.OTHER


def test_a_constructor_that_refuses_is_quoted():
    """
    What validators raise is part of the sentence.
    """

    @attrs.frozen
    class Positive:
        n: int = attrs.field(validator=attrs.validators.gt(0))

    with pytest.raises(PayloadError, match="must be > 0"):
        JsonConverter().decode(Payload("json/plain", '{"n":0}'), Positive)


def test_two_arms_that_fit_equally_are_an_error():
    """
    Which class a value was is never guessed; the sentence says how to tell them apart.
    """
    with pytest.raises(PayloadError, match="both Cat and Dog; give them a field that tells them apart"):
        JsonConverter().decode(Payload("json/plain", '{"name":"x"}'), Cat | Dog)


CHECKS = [
    ([1, "a"], list[int], "list[int][1]: expected int, got str"),
    (True, int, "expected int, got bool"),
    (True, float, "expected float, got bool"),
    ("a", int | float, "expected int | float, got str"),
    ((1, 2), list[int], "expected list[int], got tuple"),
    ((1,), tuple[int, int], "expected tuple[int, int], got a tuple of 1"),
    ({"a": 1}, dict[str, str], "dict[str, str]['a']: expected str, got int"),
    (Person(7), Person, "Person.name: expected str, got int"),
    (Person("a", [Address("s"), Address(1)]), Person, "Person.addresses[1].street: expected str, got int"),
    (Cat("x"), Dog, "expected Dog, got Cat"),
    (NOON, date, "expected date, got datetime"),
    ({"title": "x", "colour": 1}, Movie, "expected Movie, got a dict with 1 key(s) that it does not declare"),
    (iter([1]), Iterable[int], None),
    ("red", Colour, "expected Colour, got str"),
    (type("Dog", (), {})(), Dog, f"expected Dog, got another Dog, of {__name__}"),
    (True, Literal[1], None),
]


@pytest.mark.parametrize(("value", "value_type", "problem"), CHECKS, ids=lambda part: str(part).split(" at 0x")[0][:40])
def test_the_check_says_what_is_wrong_and_where(value, value_type, problem):
    """
    A value of another type is described by path, expectation and what it is.
    """
    told = JsonConverter().check(value, value_type)

    assert told is not None
    assert problem is None or told == problem


def test_the_check_lets_pass_what_no_type_speaks_against():
    """
    None is no value; Any and no type at all take everything; an int is fine for a float, a subclass for its base.
    """
    converter = JsonConverter()

    assert converter.check(None, int) is None
    assert converter.check(object(), None) is None
    assert converter.check(object(), Any) is None
    assert converter.check(1, float) is None
    assert converter.check([1, 2.5], list[float]) is None
    assert converter.check(Colour.RED, Any) is None


def test_an_iterator_is_not_used_up_by_a_look():
    """
    The check of an Iterable refuses what can be gone through only once, and leaves it alone.
    """
    numbers = iter([1, 2])

    assert JsonConverter().check(numbers, Iterable[int]) is not None
    assert list(numbers) == [1, 2]


class Opaque:
    pass


@dataclass
class Holder:
    things: dict[str, list[object]]


UNENCODABLE = [
    (Holder({"a": [1, Opaque()]}), r"Holder\.things\['a'\]\[1\].*Opaque has no encoding.*register"),
    (float("nan"), "nan is not a number"),
    ([float("inf")], r"list\[0\]: inf"),
    (Decimal("NaN"), "Decimal NaN"),
    ("\ud800", "lone surrogate"),
    ({"a\udfff": 1}, "lone surrogate"),
    (10**5000, "more than 400 digits"),
    ({1: "a", "1": "b"}, "two keys become the same text '1'"),
    ({(1, 2): "a"}, "tuple cannot be a JSON key"),
    (lambda: None, "function has no encoding"),
    ((x for x in "ab"), "generator has no encoding"),
    (Opaque, "type has no encoding"),
]


@pytest.mark.parametrize(("value", "sentence"), UNENCODABLE, ids=[str(n) for n in range(len(UNENCODABLE))])
def test_what_cannot_be_encoded_is_named(value, sentence):
    """
    The type, the path and the way out stand in the sentence.
    """
    with pytest.raises(PayloadError, match=sentence):
        JsonConverter().encode(value)


def test_a_depth_bomb_is_refused_both_ways():
    """
    Deep nesting, and a value that holds itself, are payload errors, never a RecursionError.
    """
    converter = JsonConverter()
    deep: list[Any] = []
    for _ in range(101):
        deep = [deep]
    ring: list[Any] = []
    ring.append(ring)
    bombs = ["[" * 100_000, "[" * 101 + "]" * 101, '{"a":' * 101 + "1" + "}" * 101]

    for value in (deep, ring):
        with pytest.raises(PayloadError, match="nested"):
            converter.encode(value)
    for bomb in bombs:
        with pytest.raises(PayloadError):
            converter.decode(Payload("json/plain", bomb), Tree)
    flat = Payload("json/plain", json.dumps([[]] * 200))
    assert converter.decode(flat) == [[]] * 200


@pytest.mark.parametrize(
    "text",
    [
        "NaN", "[Infinity]", "-Infinity", "1e999", "9" * 5000, "9" * 401, "[" + "9" * 401 + "]", '"\\ud800"', '"\ud800"',
        '{"\\uDC00":1}', "", "{", "'a'", "\ufeff1", "1 2",
    ],
)  # fmt: skip
def test_poisoned_text_is_refused(text):
    """
    What is no strict JSON is a payload error, whatever type is asked for.
    """
    with pytest.raises(PayloadError):
        JsonConverter().decode(Payload("json/plain", text))


def test_digits_within_a_text_are_no_number():
    """
    Only numbers have bounds; a text may be made of digits.
    """
    assert JsonConverter().decode(Payload("json/plain", f'"{"9" * 5000}"')) == "9" * 5000


@pytest.mark.parametrize("key", ["__class__", "__exc_type__", "py/object", "$type", "__proto__", "__reduce__"])
def test_data_never_chooses_a_class(key):
    """
    Keys that other decoders take for orders are plain keys.
    """
    value = {key: "os.system", "args": ["true"]}

    assert JsonConverter().decode(Payload("json/plain", json.dumps(value))) == value


def test_what_the_sdks_of_iwf_write_is_read():
    """
    The JSON of the Java, Go and Python SDKs, a null, and bytes as the Python SDK wrote them.
    """
    converter = JsonConverter()

    assert converter.decode(Payload("json", '{"street":"s"}'), Address) == Address("s")
    assert converter.decode(Payload("builtinGolangJson", "1"), int) == 1
    assert converter.decode(Payload("binary/null"), int) is None
    assert converter.decode(Payload("json/plain", "null"), int) is None
    assert converter.decode(Payload("binary/plain", "b'a\\x00\\'\"'"), bytes) == b"a\x00'\""
    assert converter.decode(Payload("binary/plain", 'b"it\'s"'), bytes) == b"it's"
    assert converter.decode(Payload(None, None), int) is None
    assert converter.decode(None, int) is None
    assert converter.decode(Payload("json/plain", "[97,98]"), bytes) == b"ab"


def test_bytes_have_an_encoding_of_their_own():
    """
    They are base64 under a name that says so, and are nothing but bytes.
    """
    converter = JsonConverter()

    payload = converter.encode(b"\x00\xff")

    assert payload == Payload("binary/base64", "AP8=")
    assert converter.decode(payload) == b"\x00\xff"
    assert converter.decode(payload, bytes | str) == b"\x00\xff"
    with pytest.raises(PayloadError, match="holds bytes"):
        converter.decode(payload, str)
    with pytest.raises(PayloadError, match="base64"):
        converter.decode(Payload("binary/base64", "?"))


def test_an_unknown_encoding_is_named():
    """
    What another codec wrote is refused with its name and the known ones.
    """
    with pytest.raises(PayloadError, match=r"'binary/encrypted'.*json/plain.*codec"):
        JsonConverter().decode(Payload("binary/encrypted", "x"))
    with pytest.raises(PayloadError, match="must not carry data"):
        JsonConverter().decode(Payload("binary/null", "x"))
    with pytest.raises(PayloadError, match="encoding None"):
        JsonConverter().decode(Payload(None, "1"))


def test_json_is_compact_and_sets_are_in_order():
    """
    The text is compact, and the same in every process.
    """
    assert JsonConverter().encode({"b": [1, {"c", "a", "b"}]}).data == '{"b":[1,["a","b","c"]]}'


def test_a_payload_has_a_limit():
    """
    What is too large is refused before anything is written, with both sizes.
    """
    converter = JsonConverter(max_size=10)

    assert converter.encode("12345678").size == 10
    with pytest.raises(PayloadError, match="takes 11 bytes, at most 10"):
        converter.encode("123456789")
    with pytest.raises(PayloadError, match="2,097,152"):
        JsonConverter().encode("x" * 2_100_000)


class Money:
    def __init__(self, cents: int) -> None:
        self.cents = cents

    def __eq__(self, other):
        return isinstance(other, Money) and other.cents == self.cents

    def __hash__(self):
        return hash(self.cents)


def test_a_type_can_be_registered():
    """
    A user's own class has the encoding that its user gives it, wherever it stands.
    """
    converter = JsonConverter()
    with pytest.raises(PayloadError, match="Money"):
        converter.encode(Money(1))

    converter.register(Money, lambda money: f"{money.cents}c", lambda text: Money(int(text.removesuffix("c"))))
    value = {"a": [Money(5)]}

    assert converter.encode(value).data == '{"a":["5c"]}'
    assert converter.decode(converter.encode(value), dict[str, list[Money]]) == value
    assert converter.check(value, dict[str, list[Money]]) is None
    with pytest.raises(PayloadError, match="expected Money, got what its constructor refuses"):
        converter.decode(Payload("json/plain", '"x"'), Money)


def test_a_codec_wraps_and_unwraps():
    """
    What a codec does to payloads is undone before they are opened.
    """

    class Reversed:
        def encode(self, payload):
            return Payload("test/reversed", f"{payload.encoding}|{payload.data}"[::-1])

        def decode(self, payload):
            if payload.encoding != "test/reversed":
                return payload
            return Payload(*payload.data[::-1].split("|", 1))

    converter = JsonConverter(codec=Reversed())

    payload = converter.encode(Address("s"))

    assert payload.encoding == "test/reversed"
    assert converter.decode(payload, Address) == Address("s")
    assert converter.decode(JsonConverter().encode(1), int) == 1


def test_a_type_without_meaning_is_refused_with_the_way_out():
    """
    A class that the codec cannot make is named, wherever it stands, each time it is asked for.
    """

    @dataclass
    class Bad:
        trees: list[Tree]
        thing: Opaque

    converter = JsonConverter()

    for _ in range(2):
        with pytest.raises(PayloadError, match="Opaque is no type that a value can be decoded to.*register"):
            converter.decode(Payload("json/plain", "{}"), Bad)
    assert "Opaque" in converter.check(Bad([], Opaque()), Bad)
    assert converter.decode(Payload("json/plain", '[{"value":1}]'), list[Tree]) == [Tree(1)]


def test_annotations_that_cannot_be_resolved_are_named():
    """
    A forward reference to nowhere is an error that says whose it is.
    """

    @dataclass
    class Lost:
        thing: "Nowhere"  # noqa: F821

    with pytest.raises(PayloadError, match="Lost cannot be resolved.*Nowhere"):
        JsonConverter().decode(Payload("json/plain", "{}"), Lost)


def test_threads_may_meet_a_type_for_the_first_time_together():
    """
    A type that holds itself is shown to nobody before it is made.
    """
    converter = JsonConverter()
    payload = converter.encode(Tree(1, [Tree(2, [Tree(3)])]))
    start = threading.Barrier(8)
    results = []

    def decode():
        start.wait()
        results.append(converter.decode(payload, Tree))

    threads = [threading.Thread(target=decode) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert results == [Tree(1, [Tree(2, [Tree(3)])])] * 8


class OldModel:
    """A model as pydantic made them before its version 2."""

    def __init__(self, name):
        self.name = name

    def __eq__(self, other):
        return type(other) is OldModel and other.name == self.name

    def dict(self):
        return {"name": self.name}

    @classmethod
    def parse_obj(cls, plain):
        return cls(**plain)


def test_an_old_model_of_pydantic_comes_back():
    """
    Applications written for iWF's SDK may have them.
    """
    converter = JsonConverter()
    payload = converter.encode([OldModel("x")])

    assert payload.data == '[{"name":"x"}]'
    assert converter.decode(payload, list[OldModel]) == [OldModel("x")]
    assert converter.check([OldModel("x")], list[OldModel]) is None
    assert converter.check(3, OldModel) == "expected OldModel, got int"
    with pytest.raises(PayloadError, match="expected OldModel"):
        converter.decode(converter.encode({"nam": "x"}), OldModel)
