"""What a run may hold: clear refusals to clients, the end of the run for its own code."""

from __future__ import annotations

from typing import Any

import pytest

from iwf_py.core import attributes, channels, closing, opening, rpcs, states, writing
from iwf_py.core.maps import Fifo
from iwf_py.errors import ClientSideError, TooManyRequestsError
from iwf_py.model.decisions import Movement
from iwf_py.model.invocations import Publication, Writes
from iwf_py.model.payload import Payload
from iwf_py.model.status import WorkflowErrorType
from tests.core.machine import Machine, sealed, to

INVALID = WorkflowErrorType.INVALID_USER_WORKFLOW_CODE_ERROR_TYPE


def published(count: int, name: str = "i") -> tuple[Publication, ...]:
    return (Publication(channel_name=name),) * count


def test_the_limits_are_what_the_documents_say():
    """
    Ten thousand messages a channel, twenty thousand a run; as many attributes and open states; a thousand next states.
    """
    assert (channels.MAX_CHANNEL_MESSAGES, channels.MAX_RUN_MESSAGES) == (10_000, 20_000)
    assert (attributes.MAX_ATTRIBUTES, attributes.MAX_ATTRIBUTES_SIZE) == (20_000, 64 * 1024 * 1024)
    assert (states.MAX_OPEN_STATES, states.MAX_NEXT_STATES) == (20_000, 1_000)


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same limits, reached sooner."""
    monkeypatch.setattr(writing, "MAX_CHANNEL_MESSAGES", 4)
    monkeypatch.setattr(writing, "MAX_RUN_MESSAGES", 6)
    monkeypatch.setattr(writing, "MAX_ATTRIBUTES", 3)
    monkeypatch.setattr(writing, "MAX_ATTRIBUTES_SIZE", 100)
    monkeypatch.setattr(closing, "MAX_OPEN_STATES", 5)
    monkeypatch.setattr(rpcs, "MAX_OPEN_STATES", 5)
    monkeypatch.setattr(rpcs, "MAX_NEXT_STATES", 5)
    monkeypatch.setattr(opening, "MAX_ATTRIBUTES", 3)
    monkeypatch.setattr(opening, "MAX_ATTRIBUTES_SIZE", 100)


def test_a_client_is_refused_by_a_full_channel():
    """
    429, nothing is written; other channels take messages still.
    """
    machine = Machine(to("A"))
    machine.answer(None, writes=Writes(messages=published(10_000)))

    machine.publish(("i", "one more"))
    assert isinstance(machine.error, TooManyRequestsError)
    assert machine.error.status == 429
    machine.publish(("j", "elsewhere"))

    assert machine.is_accepted


@pytest.mark.usefixtures("small")
def test_a_signal_is_refused_by_a_full_channel_or_run():
    """
    The channel has room for four, the run for six.
    """
    machine = Machine(to("A"))
    for _ in range(4):
        machine.signal("s")
    machine.signal("s")
    assert isinstance(machine.error, TooManyRequestsError)
    machine.signal("t")
    machine.signal("t")
    assert machine.is_accepted

    machine.signal("t")

    assert isinstance(machine.error, TooManyRequestsError)


@pytest.mark.usefixtures("small")
def test_publishing_is_all_or_nothing():
    """
    When one of several messages has no room, none is appended.
    """
    machine = Machine(to("A"))

    machine.publish(*[("i", "x")] * 3, *[("j", "x")] * 5)

    assert isinstance(machine.error, TooManyRequestsError)
    assert machine.run.unconsumed == 0


@pytest.mark.usefixtures("small")
def test_a_state_that_floods_a_channel_fails_its_run():
    """
    There is nobody to refuse: the run's own code does what cannot be done.
    """
    machine = Machine(to("A"))

    machine.decides("A-1", "B", writes=Writes(messages=published(5)))

    assert machine.run.closed.error_type is INVALID
    assert "internal channel 'i'" in machine.run.closed.error_message


@pytest.mark.usefixtures("small")
def test_an_rpc_that_floods_a_channel_is_refused():
    """
    Its caller hears 429; the run lives on.
    """
    machine = Machine(to("A"))

    machine.answer(None, writes=Writes(messages=published(5)))

    assert isinstance(machine.error, TooManyRequestsError)
    assert machine.run.is_open


@pytest.mark.usefixtures("small")
def test_a_run_has_so_many_attributes():
    """
    New keys are refused, known ones can still be written and deleted.
    """
    machine = Machine(to("A"))
    machine.set(a="1", b="1", c="1")

    machine.set(d="1")
    assert isinstance(machine.error, TooManyRequestsError)
    machine.set(a="2", b="2")
    assert machine.is_accepted
    machine.set(a=None, b="2")

    assert machine.is_accepted


@pytest.mark.usefixtures("small")
def test_the_attributes_of_a_run_have_so_much_room():
    """
    What is replaced does not count.
    """
    machine = Machine(to("A"))
    machine.set(a="x" * 80)

    machine.set(b="x" * 30)
    assert isinstance(machine.error, TooManyRequestsError)
    machine.set(a="y" * 80, b="x")

    assert machine.is_accepted


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize(
    "fields",
    [
        {"attributes": tuple((f"k{number}", sealed("x")) for number in range(4))},
        {"attributes": (("k", Payload("json/plain", "x" * 101)),)},
    ],
    ids=["many", "large"],
)
def test_a_start_with_too_much_is_refused(fields: dict[str, Any]):
    """
    No run is opened.
    """
    machine = Machine(to("A"), **fields)

    assert isinstance(machine.error, TooManyRequestsError)
    assert machine.record is None


@pytest.mark.usefixtures("small")
def test_a_run_has_so_many_open_states():
    """
    A decision beyond that fails the run, an RPC beyond that is refused.
    """
    machine = Machine(to("A"))
    machine.decides("A-1", "B", "B", "B", "B", "B")
    machine.answer(None, to("C"))
    assert isinstance(machine.error, TooManyRequestsError)

    machine.decides("B-1", "C", "C")

    assert machine.run.closed.error_type is INVALID
    assert "at most 5" in machine.run.closed.error_message


@pytest.mark.usefixtures("small")
def test_an_rpc_opens_so_many_states_at_once():
    """
    The fault is in the RPC's code.
    """
    machine = Machine(to("A"))

    machine.answer(None, *[to("C")] * 6)

    assert isinstance(machine.error, ClientSideError)
    assert machine.error.status == 420


@pytest.mark.parametrize("name", ["", "x" * 1001, "a\tb", "__IwfSystem_ExecuteRpc"])
def test_a_channel_has_to_have_a_name(name: str):
    """
    A client cannot make up system messages, nor names that nobody can write.
    """
    machine = Machine(to("A"))

    machine.signal(name)
    assert isinstance(machine.error, ClientSideError)
    machine.publish((name, "x"))

    assert isinstance(machine.error, ClientSideError)
    assert machine.run.seq == 1


def test_a_thousand_next_states_are_opened_in_one_turn():
    """
    Wide is not wrong.
    """
    machine = Machine(to("A"))

    machine.decides("A-1", *[Movement("B")] * 1000)

    assert len(machine.run.states) == 1000
    assert isinstance(machine.run.outputs, Fifo)
