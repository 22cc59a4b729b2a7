"""A handler's attributes: typed, buffered, and told apart when they are unknown."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from iwf_py import (
    InvalidArgumentError,
    NotRegisteredError,
    ObjectWorkflow,
    PayloadError,
    PersistenceField,
    PersistenceSchema,
    SearchAttribute,
    SearchAttributeValueType,
    WorkflowDefinitionError,
)
from iwf_py.authoring.search_attributes import from_search_attribute, to_search_attribute

KINDS = SearchAttributeValueType


@dataclass
class Form:
    email: str


class Flow(ObjectWorkflow):
    def get_persistence_schema(self):
        return PersistenceSchema.create(
            PersistenceField.data_attribute_def("form", Form),
            PersistenceField.data_attribute_def("numbers", list[int]),
            PersistenceField.data_attribute_def("ratio", float),
            PersistenceField.data_attribute_def("count", int),
            PersistenceField.data_attribute_def("anything", Any),
            PersistenceField.data_attribute_def("nothing", None),
            PersistenceField.data_attribute_def("text or number", str | int),
            PersistenceField.data_attribute_prefix_def("memo", str),
            PersistenceField.data_attribute_prefix_def("memo-form", Form),
            *(PersistenceField.search_attribute_def(kind.value.lower(), kind) for kind in KINDS),
        )


@pytest.fixture
def attributes(persistence):
    return lambda **loaded: persistence(Flow(), loaded)


def test_a_value_comes_back_as_its_declared_type(attributes):
    """
    A dataclass comes back as the class, not as a dict; what is absent is None.
    """
    persistence = attributes(form=Form("a@b"))

    assert persistence.get_data_attribute("form") == Form("a@b")
    assert persistence.get_data_attribute("numbers") is None


def test_a_read_sees_the_writes_of_the_same_call(attributes):
    """
    Also when the value was read before, and when it was deleted.
    """
    persistence = attributes(count=1)
    assert persistence.get_data_attribute("count") == 1

    persistence.set_data_attribute("count", 2)
    assert persistence.get_data_attribute("count") == 2
    persistence.set_data_attribute("count", None)

    assert persistence.get_data_attribute("count") is None
    assert persistence.attribute_writes == (("count", None),)


def test_a_value_is_opened_once(attributes):
    """
    Two reads give one object.
    """
    persistence = attributes(form=Form("a@b"))

    assert persistence.get_data_attribute("form") is persistence.get_data_attribute("form")


def test_a_value_changed_in_place_is_not_written(attributes, converter):
    """
    Only set writes, and it takes the value as it is at that moment.
    """
    persistence = attributes(form=Form("a@b"))
    persistence.get_data_attribute("form").email = "changed"
    assert persistence.attribute_writes == ()

    numbers = [1]
    persistence.set_data_attribute("numbers", numbers)
    numbers.append(2)

    assert persistence.get_data_attribute("numbers") == [1]
    assert persistence.attribute_writes == (("numbers", converter.encode([1])),)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("numbers", [1, 2]),
        ("ratio", 3),
        ("anything", {"a": [1]}),
        ("text or number", "x"),
        ("text or number", 3),
        ("memo-of-alice", "hello"),
        ("memo-form-of-alice", Form("a@b")),
    ],
)
def test_generics_unions_and_the_longest_prefix(attributes, key, value):
    """
    Types are checked structurally, an int passes as a float, and the longest prefix counts.
    """
    persistence = attributes()

    persistence.set_data_attribute(key, value)

    assert persistence.get_data_attribute(key) == value


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("form", {"email": "a@b"}),
        ("numbers", ["1"]),
        ("numbers", (1,)),
        ("count", True),
        ("count", 1.0),
        ("count", "1"),
        ("nothing", 0),
        ("memo-form-of-alice", "text"),
    ],
)
def test_a_value_of_another_type_is_refused(attributes, key, value):
    """
    The error names the key, and nothing is written.
    """
    persistence = attributes()

    with pytest.raises(WorkflowDefinitionError, match=f"data attribute '{key}': "):
        persistence.set_data_attribute(key, value)
    assert persistence.attribute_writes == ()


def test_an_undeclared_name_says_what_is_declared(attributes):
    """
    Reading and writing alike; the nearest name is suggested.
    """
    persistence = attributes()

    for use in (lambda: persistence.get_data_attribute("from"), lambda: persistence.set_data_attribute("from", 1)):
        with pytest.raises(
            NotRegisteredError, match=r"'from' is not declared by Flow; did you mean 'form'\?; declared: "
        ):
            use()
    with pytest.raises(KeyError):
        persistence.get_data_attribute("from")


def test_what_cannot_be_encoded_is_told_at_the_line_that_writes_it(attributes):
    """
    The error comes from set, with the key.
    """
    with pytest.raises(PayloadError, match="data attribute 'anything'"):
        attributes().set_data_attribute("anything", object())


def test_what_cannot_be_opened_is_told_with_its_key(persistence):
    """
    A stored value of another shape is an error of the read.
    """
    broken = persistence(Flow(), {"form": 3})

    with pytest.raises(PayloadError, match="data attribute 'form'"):
        broken.get_data_attribute("form")


@pytest.mark.parametrize("key", ["memo\ud800", "memo\0", "memo" * 300])
def test_the_rest_of_a_prefixed_key_must_be_text(attributes, key):
    """
    It goes into the database as it is.
    """
    with pytest.raises(InvalidArgumentError, match="data attribute"):
        attributes().set_data_attribute(key, "x")
    with pytest.raises(InvalidArgumentError, match="state execution local"):
        attributes().set_state_execution_local(key, "x")
    with pytest.raises(InvalidArgumentError, match="event key"):
        attributes().record_event(key, "x")


VALUES = [
    ("keyword", "keyword", "a"),
    ("text", "text", "a b"),
    ("int64", "int", 2**63 - 1),
    ("int64", "int", -(2**63)),
    ("double", "double", 1.5),
    ("boolean", "bool", False),
    ("datetime", "datetime", "2026-01-01T12:00:00+02:00"),
    ("datetime", "datetime", "2026-01-01T12:00:00.123456789Z"),
    ("datetime", "datetime", "1681766269"),
    ("keyword_array", "keyword_array", ["a", "b"]),
    ("keyword_array", "keyword_array", []),
]


@pytest.mark.parametrize(("method", "key", "value"), VALUES)
def test_search_attributes_come_back_as_they_were_written(attributes, persistence, method, key, value):
    """
    In the same call, and in a later one.
    """
    writer = attributes()
    getattr(writer, f"set_search_attribute_{method}")(key, value)
    (written,) = writer.search_attribute_writes
    reader = persistence(Flow(), search_attributes={key: written})

    assert getattr(writer, f"get_search_attribute_{method}")(key) == value
    assert getattr(reader, f"get_search_attribute_{method}")(key) == value
    assert not written.is_empty


@pytest.mark.parametrize(("method", "key"), sorted({(method, key) for method, key, _ in VALUES}))
def test_none_deletes_a_search_attribute(persistence, method, key):
    """
    What is written is an empty attribute, and a read in the same call finds none.
    """
    kind = KINDS(key.upper())
    samples = {"int": 1, "double": 1.0, "bool": True, "datetime": "1", "keyword_array": ["a"]}
    stored = to_search_attribute(key, kind, samples.get(key, "a"))
    flow = persistence(Flow(), search_attributes={key: stored})

    getattr(flow, f"set_search_attribute_{method}")(key, None)

    assert getattr(flow, f"get_search_attribute_{method}")(key) is None
    assert flow.search_attribute_writes == (SearchAttribute(key),)


def test_a_datetime_is_kept_as_utc(attributes):
    """
    An aware datetime is written as ISO text in UTC.
    """
    persistence = attributes()

    persistence.set_search_attribute_datetime("datetime", datetime(2026, 1, 1, 12, tzinfo=timezone(timedelta(hours=2))))

    assert persistence.get_search_attribute_datetime("datetime") == "2026-01-01T10:00:00+00:00"


@pytest.mark.parametrize(
    ("method", "key", "value"),
    [
        ("keyword", "keyword", 3),
        ("keyword", "keyword", "\ud800"),
        ("text", "text", "a\0b"),
        ("int64", "int", 2**63),
        ("int64", "int", True),
        ("int64", "int", 1.0),
        ("double", "double", float("nan")),
        ("double", "double", 10**400),
        ("double", "double", "1"),
        ("boolean", "bool", 1),
        ("datetime", "datetime", datetime(2026, 1, 1)),
        ("datetime", "datetime", "2026-01-01T12:00:00"),
        ("datetime", "datetime", "tomorrow"),
        ("datetime", "datetime", 1681766269),
        ("keyword_array", "keyword_array", "abc"),
        ("keyword_array", "keyword_array", ["a", 1]),
    ],
)
def test_a_search_attribute_of_another_type_is_refused(attributes, method, key, value):
    """
    The error names the key and what it takes.
    """
    persistence = attributes()

    with pytest.raises(WorkflowDefinitionError, match=f"search attribute '{key}'"):
        getattr(persistence, f"set_search_attribute_{method}")(key, value)
    assert persistence.search_attribute_writes == ()


def test_a_search_attribute_is_read_and_written_as_declared(attributes):
    """
    An undeclared key is not registered; a key of another type is a definition error.
    """
    persistence = attributes()

    with pytest.raises(NotRegisteredError, match="'unknown' is not declared by Flow"):
        persistence.get_search_attribute_keyword("unknown")
    with pytest.raises(WorkflowDefinitionError, match="'int' of Flow is declared INT, not KEYWORD"):
        persistence.set_search_attribute_keyword("int", "3")


def test_a_double_takes_an_int():
    """
    The numeric tower holds for search attributes, too.
    """
    assert from_search_attribute(to_search_attribute("d", KINDS.DOUBLE, 3)) == 3.0


def test_locals_are_left_for_execute(persistence, converter):
    """
    They need no declaration; a type may be given to open one as.
    """
    left = persistence(Flow())
    left.set_state_execution_local("form", Form("a@b"))
    found = persistence(Flow(), state_locals=dict(left.local_writes))

    assert left.get_state_execution_local("form", Form) == Form("a@b")
    assert found.get_state_execution_local("form") == {"email": "a@b"}
    assert found.get_state_execution_local("form", Form) == Form("a@b")
    assert found.get_state_execution_local("other") is None


def test_recorded_events_keep_a_single_value_as_it_is(attributes, converter):
    """
    One value is not wrapped into a list; several are; none is no value.
    """
    persistence = attributes()

    persistence.record_event("one", 1)
    persistence.record_event("two", 1, "b")
    persistence.record_event("none")

    assert persistence.recorded_events == (
        ("one", converter.encode(1)),
        ("two", converter.encode([1, "b"])),
        ("none", None),
    )


def test_an_event_is_recorded_once(attributes):
    """
    The second of one key in one call would hide the first.
    """
    persistence = attributes()
    persistence.record_event("paid", datetime(2026, 1, 1, tzinfo=UTC))

    with pytest.raises(WorkflowDefinitionError, match="'paid' is recorded twice"):
        persistence.record_event("paid", 2)
