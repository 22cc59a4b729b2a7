"""API keys: what is kept of them, and when they are refused."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from iwf_py.errors import InvalidArgumentError
from iwf_py.server import keys as module
from iwf_py.server.actions import Role
from iwf_py.server.keys import KeyFile, Keys, make_key, read_keys, revoke, write_keys

NOW = datetime.now(UTC)


def test_a_key_is_found_by_its_text_alone():
    """
    Another key's secret does not open it, nor does what is kept of it.
    """
    (text, key), (other, another) = make_key("a", Role.READ, NOW), make_key("b", Role.ADMIN, NOW)
    keys = Keys([key, another])

    assert keys.find(text) is key
    assert keys.find(f"iwf_{key.id}_{other[17:]}") is None
    assert keys.find(key.digest) is None
    assert keys.find("") is None


def test_nothing_that_opens_is_kept(tmp_path):
    """
    The file has a hash, and its owner alone may read it.
    """
    text, key = make_key("a", Role.READ, NOW)
    path = tmp_path / "keys.json"
    write_keys(path, [key])

    assert text[17:] not in path.read_text()
    assert path.stat().st_mode & 0o777 == 0o600
    assert read_keys(path) == (key,)
    assert KeyFile(path).find(text) == key


def test_a_key_ends_when_it_is_revoked_or_has_expired(tmp_path, monkeypatch):
    """
    A server that runs notices it.
    """
    monkeypatch.setattr(module, "_LOOK_AGAIN_SECONDS", 0.0)
    (text, key), (old, expired) = make_key("a", Role.READ, NOW), make_key("b", Role.READ, NOW, timedelta(0))
    path = tmp_path / "keys.json"
    write_keys(path, [key, expired])
    keys = KeyFile(path)

    assert keys.find(text) == key
    assert keys.find(old) is None
    revoke(path, key.id)
    assert keys.find(text) is None


def test_a_file_that_is_gone_opens_nothing(tmp_path, monkeypatch):
    """
    Nor does one that was spoiled.
    """
    monkeypatch.setattr(module, "_LOOK_AGAIN_SECONDS", 0.0)
    text, key = make_key("a", Role.READ, NOW)
    path = tmp_path / "keys.json"
    write_keys(path, [key])
    keys = KeyFile(path)
    path.write_text("{}")
    spoiled = keys.find(text)
    path.unlink()

    assert spoiled is None
    assert keys.find(text) is None


def test_a_link_is_not_written_through(tmp_path):
    """
    Somebody may have laid one where the file shall be: it is replaced, and what it leads to stays.
    """
    other = tmp_path / "other"
    other.write_text("precious")
    (tmp_path / "keys.json").symlink_to(other)
    write_keys(tmp_path / "keys.json", [])

    assert other.read_text() == "precious"
    assert json.loads((tmp_path / "keys.json").read_text()) == {"keys": []}


@pytest.mark.parametrize("text", [None, "", "[]", "{}", '{"keys":[{}]}', '{"keys":[{"id":1}]}', "\xff"])
def test_a_file_that_is_none_is_told(tmp_path, text):
    """
    With the way out.
    """
    path = tmp_path / "keys.json"
    if text is not None:
        path.write_bytes(text.encode("latin-1"))

    with pytest.raises(InvalidArgumentError, match="iwf keys create"):
        KeyFile(path)


def test_a_key_that_is_not_there_cannot_be_revoked(tmp_path):
    """
    Nor does anything change.
    """
    path = tmp_path / "keys.json"
    write_keys(path, [])

    with pytest.raises(InvalidArgumentError, match="no key has the id"):
        revoke(path, "abc")
