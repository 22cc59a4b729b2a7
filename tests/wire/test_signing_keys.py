"""Files of signing keys: who may read them, and what is said of those that cannot be used."""

import json
from datetime import UTC, datetime

import pytest

from iwf_py import read_signing_keys
from iwf_py.errors import InvalidArgumentError
from iwf_py.wire.signing_keys import make_signing_key, read_kept_keys, remove_signing_key, write_kept_keys

NOON = datetime(2024, 5, 1, 12, tzinfo=UTC)
WORKER = "http://localhost:8802"


@pytest.fixture
def path(tmp_path):
    return tmp_path / "keys.json"


def test_what_is_written_is_read(path):
    """
    From the oldest to the newest; the file is its owner's alone, and each key has chance of its own.
    """
    made = [make_signing_key(WORKER, NOON) for _ in range(2)]
    write_kept_keys(path, made)

    assert read_kept_keys(path) == tuple(made)
    assert read_signing_keys(str(path)) == tuple(one.key for one in made)
    assert path.stat().st_mode & 0o777 == 0o600
    assert made[0].key.secret != made[1].key.secret


@pytest.mark.parametrize("mode", [0o604, 0o602, 0o644, 0o666])
def test_a_file_that_others_may_read_is_refused(path, mode):
    """
    Unlike a hash, a secret is worth reading.
    """
    write_kept_keys(path, [make_signing_key(WORKER, NOON)])
    path.chmod(mode)

    with pytest.raises(InvalidArgumentError, match="chmod 600"):
        read_signing_keys(path)


@pytest.mark.parametrize(
    "entry",
    [
        {"id": "k", "worker": WORKER, "secret": "Y2FuYXJ5", "created_at": NOON.isoformat()},
        {"id": "k", "worker": WORKER, "secret": "canary!", "created_at": NOON.isoformat()},
        {"id": "k", "worker": WORKER, "secret": None, "created_at": NOON.isoformat()},
        {"id": "k", "secret": "canary"},
        "canary",
    ],
)
def test_a_file_that_is_none_is_told_without_its_secrets(path, entry):
    """
    With the way out.
    """
    path.write_text(json.dumps({"signing_keys": [entry]}))
    path.chmod(0o600)

    with pytest.raises(InvalidArgumentError, match="iwf signing-keys create") as refused:
        read_signing_keys(path)
    assert "canary" not in str(refused.value)
    assert refused.value.__cause__ is None


@pytest.mark.parametrize("text", [None, "", "[]", "{}", '{"signing_keys":[]}', "\xff"])
def test_a_file_without_keys_makes_no_worker_that_takes_everything(path, text):
    """
    A worker whose keys are gone is not opened to all by that.
    """
    if text is not None:
        path.write_bytes(text.encode("latin-1"))
        path.chmod(0o600)

    with pytest.raises(InvalidArgumentError, match="iwf signing-keys create"):
        read_signing_keys(path)


def test_a_key_is_taken_out_by_its_id(path):
    """
    One that is not there is told.
    """
    old, new = (make_signing_key(WORKER, NOON) for _ in range(2))
    write_kept_keys(path, [old, new])
    remove_signing_key(path, old.key.id)

    assert read_kept_keys(path) == (new,)
    with pytest.raises(InvalidArgumentError, match="no signing key has the id"):
        remove_signing_key(path, old.key.id)
