"""Signatures of calls: what they cover, how long they are good, and how much is remembered of them."""

import re

import attrs
import pytest

from iwf_py.errors import ClientSideError, InvalidArgumentError
from iwf_py.wire.signing import WINDOW_SECONDS, Nonces, Signed, SigningKey, check, sign

NOW = 1_800_000_000
OLD, NEW = SigningKey("old", b"o" * 32), SigningKey("new", b"n" * 32)
CALL = {"method": "POST", "path": "/api/v1/workflowState/decide", "body": b'{"a":1}'}


def signed(key=NEW, at=NOW, nonce="0" * 32):
    return sign(key, signed=Signed(at, nonce), **CALL)


def checked(header, keys=(NEW,), now=NOW, **changes):
    return check({key.id: key for key in keys}, header, now=now, **{**CALL, **changes})


def test_a_signed_call_is_taken():
    """
    And what tells it from others is told.
    """
    assert checked(signed()) == Signed(NOW, "0" * 32)


def test_the_text_that_is_signed_stays_as_it_is():
    """
    A worker and a server of different versions understand each other: this value was computed with ``openssl dgst -mac HMAC``.
    """
    assert signed() == (
        f"v1 key=new time={NOW} nonce={'0' * 32} mac=9bb103948f93f6a31f8de245537ef815e381bc019e3d8505d9499d7aeb343017"
    )


@pytest.mark.parametrize(
    "change",
    [
        {"method": "GET"},
        {"path": "/api/v1/workflowState/start"},
        {"path": "/api/v1/workflowState/decide/"},
        {"body": b'{"a":2}'},
        {"body": b""},
    ],
)
def test_nothing_of_a_call_can_be_changed(change):
    """
    Method, path and body belong to the signature.
    """
    with pytest.raises(ClientSideError, match="not one by key 'new'") as refused:
        checked(signed(), **change)
    assert refused.value.status == 401


@pytest.mark.parametrize(
    ("old", "new"),
    [(f"time={NOW}", f"time={NOW + 1}"), ("nonce=0", "nonce=1"), ("key=new", "key=old"), ("mac=", "mac=0")],
)
def test_nothing_of_the_header_can_be_changed(old, new):
    """
    Nor can a signature be said to be another key's.
    """
    header = signed().replace(old, new)[: len(signed())]

    with pytest.raises(ClientSideError, match="not one by key"):
        checked(header, (OLD, NEW))


@pytest.mark.parametrize("seconds", [-WINDOW_SECONDS, 0, WINDOW_SECONDS])
def test_clocks_may_differ_a_little(seconds):
    """
    By a minute in both directions.
    """
    assert checked(signed(), now=NOW + seconds)


@pytest.mark.parametrize("seconds", [-WINDOW_SECONDS - 1, WINDOW_SECONDS + 1, 86_400])
def test_a_call_of_another_time_is_refused(seconds):
    """
    The sentence tells how far the clocks are apart.
    """
    with pytest.raises(ClientSideError, match=re.escape(f"signed {seconds:+d} s from")):
        checked(signed(), now=NOW + seconds)


def test_keys_are_changed_without_a_gap():
    """
    A worker that has both takes both; one that has dropped the old key takes the new alone.
    """
    assert checked(signed(OLD), (OLD, NEW))
    assert checked(signed(NEW), (OLD, NEW))
    with pytest.raises(ClientSideError, match="has no signing key 'old'"):
        checked(signed(OLD), (NEW,))


@pytest.mark.parametrize(
    "header",
    [
        "",
        "v1",
        "Bearer x",
        signed().replace("v1", "v2"),
        signed() + " ",
        signed() + "\n",
        signed().upper(),
        signed().replace("time=1", "time=-1"),
        signed().replace("time=1", "time=\u0661"),
    ],
)
def test_a_header_that_is_none_is_refused(header):
    """
    It has one spelling.
    """
    with pytest.raises(ClientSideError, match="none that this worker can read"):
        checked(header)


def test_a_call_without_a_signature_is_told_the_way_out():
    """
    The server has to be given the key.
    """
    with pytest.raises(ClientSideError, match="--signing-keys") as refused:
        checked(None)
    assert refused.value.status == 401


def test_a_key_never_shows_its_secret():
    """
    Neither in its own words nor in those of what holds it, nor in a refusal.
    """
    key = SigningKey("k", b"canary" * 6)

    @attrs.frozen
    class Holder:
        key: SigningKey

    for header in (None, "v1", signed(), signed(SigningKey("k", b"x" * 32))):
        with pytest.raises(ClientSideError) as refused:
            checked(header, (key,))
        assert "canary" not in repr(refused.value)
    assert "canary" not in f"{key} {key!r} {Holder(key)!r} {[key]}"


@pytest.mark.parametrize(
    ("key_id", "secret"), [("k", b"x" * 31), ("k", "x" * 32), ("", b"x" * 32), ("a b", b"x" * 32), ("a\n", b"x" * 32)]
)
def test_a_key_that_protects_nothing_is_refused(key_id, secret):
    """
    Secrets are long, and bytes; ids can be sent in a header.
    """
    with pytest.raises(InvalidArgumentError, match="signing key"):
        SigningKey(key_id, secret)


# --- once ---------------------------------------------------------------------------------------------------------


def took(nonces, at, nonce, now):
    try:
        nonces.take(Signed(at, nonce), now)
    except ClientSideError:
        return False
    return True


def test_a_call_is_taken_once():
    """
    For as long as its signature is good; another one of the same second is another one.
    """
    nonces = Nonces()

    assert took(nonces, NOW, "a", NOW)
    assert took(nonces, NOW, "b", NOW)
    assert [took(nonces, NOW, "a", NOW + late) for late in (0, 59.9, 60, 61, 3600)] == [False] * 5


def test_what_nobody_can_show_again_is_forgotten():
    """
    The memory holds two windows, of the future too.
    """
    nonces = Nonces()
    took(nonces, NOW - 60, "a", NOW)
    took(nonces, NOW + 60, "b", NOW)
    took(nonces, NOW + 61, "c", NOW + 1)

    assert len(nonces) == 2
    assert not took(nonces, NOW + 60, "b", NOW + 120)


def test_a_full_memory_never_opens_the_door():
    """
    What is forgotten early is too old from then on; calls that are made now are taken as ever.
    """
    nonces = Nonces(most=3)
    taken = [took(nonces, NOW + second, str(second), NOW + second) for second in range(10)]

    assert taken == [True] * 10
    assert len(nonces) <= 3
    assert [took(nonces, NOW + second, str(second), NOW + 9) for second in range(10)] == [False] * 10
    assert took(nonces, NOW + 9, "another", NOW + 9)
