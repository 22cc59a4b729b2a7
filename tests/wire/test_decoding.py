"""Whatever comes is read or refused, and nothing but that."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iwf_py.errors import InvalidArgumentError, IwfError, ProtocolError
from iwf_py.wire import calls, faults, judging, protocol, requests
from iwf_py.wire.decoding import canonical, decode, encode
from iwf_py.wire.shapes import Shape
from tests.wire.poison import ACCEPTED, REFUSED

NOW = datetime(2026, 1, 1, tzinfo=UTC)
SHAPES = [value for value in vars(protocol).values() if isinstance(value, Shape)]


def refusal_of(read: Callable[[Any], Any], value: Any) -> IwfError | None:
    """Read a value, and give the error of ours that came of it; any other goes through."""
    try:
        read(value)
    except IwfError as error:
        return error
    return None


@pytest.mark.parametrize("name", REFUSED)
def test_poison_is_refused(name: str):
    """
    With an error of its own, and 400 for whoever sent it; however deep it is, there is no recursion.
    """
    with pytest.raises(ProtocolError) as caught:
        decode(REFUSED[name])

    fault = faults.fault_of(caught.value)
    assert (fault.status, fault.body["detail"]) == (400, "invalid request schema")


@pytest.mark.parametrize("name", ACCEPTED)
def test_what_only_looks_like_poison_comes_through(name: str):
    """
    As it is: not normalised, not escaped, not cut.
    """
    body, value = ACCEPTED[name]

    found = decode(body)

    if value is not None:
        assert found == value


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=8), inner, max_size=4
        )
    ),
    max_leaves=20,
)


@given(st.dictionaries(st.text('abc[{\\"', max_size=5), JSON, max_size=5))
def test_what_is_encoded_is_decoded(value: dict):
    """
    Every object without poison comes back equal.
    """
    assert decode(encode(value)) == value
    assert json.loads(canonical(value)) == value


@given(st.binary(max_size=300) | st.text('{}[]":,\\u0d8e1-.nulltrue ', max_size=300).map(str.encode))
@settings(max_examples=200)
def test_no_body_raises_anything_but_a_refusal(body: bytes):
    """
    Bytes, and texts that look like JSON.
    """
    found = refusal_of(decode, body) or decode(body)

    assert isinstance(found, ProtocolError | dict)


def names(shape: Shape) -> list[str]:
    return [field.name for field in shape.fields]


KEYS = sorted({name for shape in SHAPES for name in names(shape)})
WORDS = ["ALL_COMPLETED", "CANCEL", "KEYWORD", "RUNNING", "LOAD_NONE", "", "a", "A-1", "FIRED", "RECEIVED"]
LIKE_MESSAGES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**64), 2**64) | st.floats() | st.sampled_from(WORDS),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=6),
    max_leaves=30,
)


@given(st.sampled_from(SHAPES), st.dictionaries(st.sampled_from(KEYS), LIKE_MESSAGES, max_size=8))
@settings(max_examples=150)
def test_no_object_raises_anything_but_a_refusal(shape: Shape, value: dict):
    """
    Objects with the protocol's own names and anything in them; what a shape reads it writes again, and reads the same.
    """
    try:
        found = shape.read(value)
    except ProtocolError:
        return

    assert shape.read(shape.write(found)) == found


READERS = [
    reader
    for name, reader in vars(requests).items()
    if name.startswith("read_") and name != "read_reset" and reader.__module__ == requests.__name__
]
READERS.append(lambda body: requests.read_reset(body, NOW))


@given(st.sampled_from(READERS), st.dictionaries(st.sampled_from(KEYS), LIKE_MESSAGES, max_size=8))
@settings(max_examples=150)
def test_no_request_raises_anything_but_what_is_told_with_400(reader, value: dict):
    """
    Whatever a client sends is a request, or its own mistake.
    """
    refusal = refusal_of(reader, {"workflowId": "w", **value})

    assert refusal is None or faults.fault_of(refusal).status == 400


@given(
    st.sampled_from(list(judging.SHAPES)),
    st.sampled_from([200, 201, 204, 302, 400, 404, 500, 502, 999]),
    st.sampled_from(["", "application/json", "application/json; charset=utf-8", "text/html", "\x00"]),
    st.binary(max_size=100)
    | st.dictionaries(st.sampled_from(KEYS), LIKE_MESSAGES, max_size=8).map(lambda value: json.dumps(value).encode()),
)
@settings(max_examples=150)
def test_no_answer_of_a_worker_raises(kind, status: int, content_type: str, body: bytes):
    """
    It is an outcome, or a failure whose message stands alone and can be stored.
    """
    outcome = judging.outcome_of(kind, status, content_type, body)

    failure = getattr(outcome, "failure", None)
    if failure is not None:
        assert failure.error_type == ""
        assert failure.message
        assert "\0" not in failure.message + failure.detail + failure.worker_error_type
        assert (failure.message + failure.detail).encode()


@given(
    st.sampled_from(list(judging.SHAPES)),
    st.dictionaries(st.sampled_from(KEYS), LIKE_MESSAGES, max_size=8),
)
def test_no_call_raises_anything_but_a_refusal(kind, value: dict):
    """
    A worker is called by whoever reaches it.
    """
    refusal = refusal_of(lambda body: calls.read_call(kind, body, timeout=judging.MAX_DURATION), value)

    assert refusal is None or faults.fault_of(refusal).status == 400


@pytest.mark.parametrize("value", [{"x": float("nan")}, {"x": "\ud800"}, {"x": float("inf")}])
def test_what_cannot_be_read_is_not_written(value: dict):
    """
    Our own values are held to the same.
    """
    with pytest.raises(InvalidArgumentError):
        encode(value)
