"""Events and stored parts come back from their text as they were."""

from datetime import UTC, datetime, timedelta, timezone
from typing import get_args
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from iwf_py.codec.snapshots import (
    FORMAT,
    Pairs,
    dump,
    dump_or_none,
    event_from_text,
    event_to_text,
    kind_of,
    load,
    load_or_none,
)
from iwf_py.core.changes import Change, Succeeded
from iwf_py.core.events import RULES, Event, Published, Signalled, Started, StopRequested, TimerFired
from iwf_py.errors import StoreError, StoreVersionError
from iwf_py.model.commands import CommandRequest, TimerCommand
from iwf_py.model.invocations import Failure, Publication
from iwf_py.model.options import CallOptions, Chain, RetryPolicy, StateOptions
from iwf_py.model.payload import Payload, SearchAttribute
from iwf_py.model.requests import RpcRequest, StartRequest, StateOutput

NOON = datetime(2026, 1, 1, 12, 0, 0, 1, tzinfo=UTC)

# Instants as hosts make them: aware, UTC.
st.register_type_strategy(datetime, st.datetimes(timezones=st.just(UTC)))

thorough = settings(max_examples=40, suppress_health_check=list(HealthCheck), deadline=None)


@pytest.mark.parametrize("cls", get_args(Event), ids=lambda cls: cls.__name__)
def test_an_event_comes_back_as_it_was(cls):
    """
    Every event is equal to what its text gives.
    """

    @thorough
    @given(st.from_type(cls))
    def come_back(event):
        text = event_to_text(event)

        assert event_from_text(kind_of(event), text, FORMAT) == event
        assert text.isascii()

    come_back()


@pytest.mark.parametrize("cls", get_args(Change), ids=lambda cls: cls.__name__)
def test_what_a_change_carries_comes_back_as_it_was(cls):
    """
    Every change, and so every part that the store writes apart, is equal to what its text gives.
    """

    @thorough
    @given(st.from_type(cls))
    def come_back(change):
        assert load(cls, dump(change)) == change

    come_back()


@pytest.mark.parametrize(
    "cls", [StateOptions, CommandRequest, Failure, RpcRequest, Chain, StartRequest, SearchAttribute, StateOutput]
)
def test_a_stored_part_comes_back_as_it_was(cls):
    """
    The parts that have columns of their own can be written by themselves.
    """

    @thorough
    @given(st.from_type(cls))
    def come_back(part):
        assert load(cls, dump(part)) == part
        assert load_or_none(cls, dump_or_none(part)) == part

    come_back()


@thorough
@given(st.lists(st.tuples(st.text(), st.none() | st.from_type(Payload)), max_size=4).map(tuple))
def test_locals_come_back_as_they_were(pairs):
    """
    State execution locals are pairs of a key and a payload or None.
    """
    assert load(Pairs, dump(pairs)) == pairs


def test_none_stays_none():
    """
    A part that is not there is NULL in its column, and null where it is text.
    """
    assert dump_or_none(None) is None
    assert load_or_none(Failure, None) is None
    assert load(Failure | None, dump(None)) is None


def test_what_equals_its_default_is_left_out():
    """
    The text is as small as the event: defaults take no room.
    """
    event = Published(at=NOON, messages=(Publication(channel_name="verify"),))

    assert event_to_text(event) == ('{"at":"2026-01-01T12:00:00.000001+00:00","messages":[{"channel_name":"verify"}]}')


def test_the_defaults_that_texts_rely_on_stand():
    """
    A default is part of the format: with another one, texts already written would mean something else.
    """
    bare_start = load(StartRequest, '{"workflow_id":"a","workflow_type":"W"}')
    spelt_out = RetryPolicy(None, None, None, None, None)

    assert FORMAT == 1
    assert bare_start.timeout is None
    assert bare_start.id_reuse_policy == "ALLOW_IF_NO_RUNNING"
    assert load(CallOptions, "{}") == CallOptions(timeout=timedelta(seconds=30), retry=spelt_out)
    assert load(StateOptions, "{}").proceed_on_wait_until_failure is False
    assert load(RpcRequest, '{"workflow_id":"a","rpc_name":"r"}').options.timeout == timedelta(seconds=10)
    assert load(Chain, '{"first_run_id":"r"}').run_attempt == 1


def test_an_instant_of_another_zone_is_kept_as_the_same_instant():
    """
    Instants are written in UTC, whatever zone a user's timer was given in.
    """
    at = datetime(2026, 7, 1, 12, 0, tzinfo=ZoneInfo("Europe/Berlin"))
    offset = datetime(2026, 7, 1, 12, 0, tzinfo=timezone(timedelta(hours=-3, seconds=7)))

    assert '"fires_at":"2026-07-01T10:00:00+00:00"' in dump(TimerCommand(fires_at=at))
    assert load(TimerCommand, dump(TimerCommand(fires_at=offset))).fires_at == offset


def test_poison_in_payloads_survives():
    """
    NUL, lone surrogates and quotes in a payload's data are escaped, so any database can hold the text.
    """
    event = Signalled(at=NOON, channel_name="c", value=Payload("x", 'a\x00\ud800"\\\u202e'))

    text = event_to_text(event)

    assert text.isascii()
    assert "\x00" not in text
    assert event_from_text("Signalled", text) == event


def test_unknown_fields_are_passed_over():
    """
    A text with a field that this version does not know can still be read.
    """
    assert load(Failure, '{"error_type":"E","message":"m","colour":"red"}') == Failure(error_type="E", message="m")


@pytest.mark.parametrize(("kind", "format"), [("TimerFired", 2), ("Reincarnated", 1)])
def test_history_of_a_newer_version_is_refused(kind, format):
    """
    An event of a kind or a format that this version does not know is named, not guessed.
    """
    text = event_to_text(TimerFired(at=NOON, number=1, index=0))

    with pytest.raises(StoreVersionError, match=kind):
        event_from_text(kind, text, format)


@pytest.mark.parametrize("text", ["", "{", "[]", "7", "null", "{}", '{"at":"noon"}', "[" * 100_000])
def test_a_damaged_text_is_named(text):
    """
    What cannot be read is a store's error with the class's name, never a bare KeyError.
    """
    with pytest.raises(StoreError, match="StopRequested"):
        load(StopRequested, text)


def test_a_successor_carries_its_start():
    """
    The change that opens the next run holds the whole start of it.
    """
    started = Started(at=NOON, run_id="r2", request=StartRequest(workflow_id="a", workflow_type="W"))

    assert load(Succeeded, dump(Succeeded(next=started, is_retry=True))).next == started


def test_the_rules_of_a_run_are_always_written():
    """
    Their version is meant to rise: an old run must not follow a new default.
    """
    started = Started(at=NOON, request=StartRequest(workflow_id="w", workflow_type="W"), run_id="r")

    assert f'"rules":{RULES}' in event_to_text(started)
    assert f'"rules":{RULES}' in dump(Succeeded(next=started, is_retry=False))
