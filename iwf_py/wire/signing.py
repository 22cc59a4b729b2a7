"""Signed calls of workers: by whom a call was made, that it is new, and that nothing of it was changed on the way.

A server that has a key for a worker signs method, path, time, a nonce and the hash of the body, by HMAC-SHA256; a worker that
has keys takes nothing else. The path is the protocol's own: what a worker's URL, or a proxy, puts before it is not signed.
Whoever shares one key between several workers lets a call of one be shown to another, so each has a key of its own. Pure but
for `Nonces`, which remembers; time and nonces are handed in.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import threading
from collections.abc import Mapping

from attrs import field, frozen

from iwf_py.errors import ClientSideError, InvalidArgumentError

HEADER = "Iwf-Signature"
# How far a call's time may be from the worker's clock.
WINDOW_SECONDS = 60
# As many calls as a worker takes in two windows at two thousand a second; about 30 MB.
MOST_NONCES = 240_000
SHORTEST_SECRET = 32

_ID = re.compile(r"[A-Za-z0-9._-]{1,64}", re.ASCII)
_SHAPE = re.compile(
    r"v1 key=(?P<key>[A-Za-z0-9._-]{1,64}) time=(?P<time>[0-9]{1,12}) nonce=(?P<nonce>[0-9a-f]{32}) mac=(?P<mac>[0-9a-f]{64})",
    re.ASCII,
)


@frozen
class SigningKey:
    """
    What a server signs its calls of one worker with, and this worker checks them with.

    Attributes:
        id: Sent along, so that a worker can know an old key and a new one: up to 64 letters, digits, dots, dashes and
            underscores.

        secret: At least 32 bytes of chance; never told by the repr.

    Errors:
        InvalidArgumentError: The id is none, or the secret is too short.
    """

    id: str
    secret: bytes = field(repr=False)

    def __attrs_post_init__(self) -> None:
        """Refuse what would not protect."""
        given: object = self.secret
        if not _ID.fullmatch(self.id):
            raise InvalidArgumentError(f"a signing key's id has 1 to 64 letters, digits and ._-, got {self.id!r}")
        if not isinstance(given, bytes) or len(given) < SHORTEST_SECRET:
            raise InvalidArgumentError(
                f"signing key {self.id!r}: the secret takes at least {SHORTEST_SECRET} bytes; make one with iwf signing-keys create"
            )


@frozen
class Signed:
    """
    What tells a signed call from another.

    Attributes:
        time: When it was made, in whole seconds since 1970.

        nonce: 32 hexadecimal digits of chance.
    """

    time: int
    nonce: str


def sign(key: SigningKey, method: str, path: str, body: bytes, signed: Signed) -> str:
    """Sign a call: the value of the header."""
    mac = _mac(key, method, path, body, signed)
    return f"v1 key={key.id} time={signed.time} nonce={signed.nonce} mac={mac}"


def check(
    keys: Mapping[str, SigningKey], header: str | None, method: str, path: str, body: bytes, now: float
) -> Signed:
    """
    See that a call was signed with one of *keys*, by id, and not long ago; whether it is new is for `Nonces` to say.

    Args:
        header: None where the call has none.

        now: Seconds since 1970.

    Errors:
        ClientSideError: It was not, with status 401 and why; never with anything of a key but the id that came.
    """
    if header is None:
        raise refused(f"it has no header {HEADER}; give the server this worker's key (iwf server --signing-keys)")
    shape = _SHAPE.fullmatch(header)
    if shape is None:
        raise refused(f"its header {HEADER} is none that this worker can read")
    key = keys.get(shape["key"])
    if key is None:
        raise refused(f"this worker has no signing key {shape['key']!r}; give it the key, and start it again")
    signed = Signed(int(shape["time"]), shape["nonce"])
    if not hmac.compare_digest(_mac(key, method, path, body, signed), shape["mac"]):
        raise refused(
            f"the signature is not one by key {key.id!r} for this method, path, time and body; "
            "see that server and worker have the same key, and that nothing in between rewrites calls"
        )
    if abs(now - signed.time) > WINDOW_SECONDS:
        raise refused(
            f"it was signed {now - signed.time:+.0f} s from this worker's time, and {WINDOW_SECONDS} s are allowed; "
            "set the clocks of server and worker"
        )
    return signed


def refused(why: str) -> ClientSideError:
    """Say that a call is not taken."""
    return ClientSideError(f"this worker takes signed calls alone, and this one is refused: {why}", status=401)


class Nonces:
    """
    The calls that were taken lately, so that none is taken twice.

    Args:
        most: So many are remembered. Beyond them those of the oldest second are forgotten, and no call as old is taken any more:
            a full memory never opens the door to a replay.
    """

    def __init__(self, most: int = MOST_NONCES) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._by_second: dict[int, set[str]] = {}
        self._count = 0
        # No call that was signed then or before is taken.
        self._forgotten = 0

    def __len__(self) -> int:
        return self._count

    def take(self, signed: Signed, now: float) -> None:
        """
        Remember a call whose signature is good.

        Errors:
            ClientSideError: It was taken before, or nobody can tell.
        """
        with self._lock:
            self._forget_before(int(now) - WINDOW_SECONDS)
            if signed.time <= self._forgotten or signed.nonce in self._by_second.get(signed.time, ()):
                raise refused("it has come before")
            self._by_second.setdefault(signed.time, set()).add(signed.nonce)
            self._count += 1
            if self._count > self._most:
                self._forget_before(min(self._by_second) + 1)

    def _forget_before(self, second: int) -> None:
        if second - 1 <= self._forgotten:
            return
        self._forgotten = second - 1
        for old in [one for one in self._by_second if one < second]:
            self._count -= len(self._by_second.pop(old))


def _mac(key: SigningKey, method: str, path: str, body: bytes, signed: Signed) -> str:
    parts = ("iwf-signature-v1", key.id, method, path, str(signed.time), signed.nonce, hashlib.sha256(body).hexdigest())
    return hmac.new(key.secret, "\n".join(parts).encode(), hashlib.sha256).hexdigest()
