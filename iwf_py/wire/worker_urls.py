"""Which workers may be called: the URLs of a list, and the addresses behind them.

A run's worker URL is chosen by whoever starts it, and called by the server: without a list, every client could have the
server post into the network that it stands in. A URL is looked at when a run is started and again at each call; its
addresses when a connection is made, which then goes to the very addresses that were looked at. Pure but for
`WorkerUrls.check`, which asks the resolver.
"""

from __future__ import annotations

import re
import ssl
from collections.abc import Iterable, Mapping
from concurrent.futures import Future
from concurrent.futures import TimeoutError as WaitTimeout
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_network

from attrs import field, frozen

from iwf_py.errors import InvalidArgumentError
from iwf_py.wire.addresses import Address, Network, address_of, never, refusal
from iwf_py.wire.names import Names, RefusedAddressError
from iwf_py.wire.signing import SigningKey

# URLs that are remembered as admitted.
_REMEMBERED = 1_024

MAX_LENGTH = 2_048
_PORTS = {"http": 80, "https": 443}
_LOOPBACK: tuple[Network, ...] = (IPv4Network("127.0.0.0/8"), IPv6Network("::1/128"))
_SHAPE = re.compile(
    r"(?P<scheme>https?)://(?:\[(?P<v6>[0-9a-f:.]+)\]|(?P<host>[a-z0-9._-]+))(?::(?P<port>[0-9]{1,5}|\*))?(?P<path>/.*)?",
    re.IGNORECASE | re.ASCII,
)
_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?", re.ASCII)
# What systems read as a number stands for an address, however it is written.
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*", re.ASCII)
# An encoded dot, slash, backslash or control character means one thing to whoever checks it and another to who serves it.
_PATH = re.compile(r"(?:[A-Za-z0-9._~!$&'()*+,;=:/-]|%(?!2[EeFf]|5[Cc]|7[Ff]|[01])[0-9A-Fa-f]{2})*", re.ASCII)
# The protocol's own, or the connection's.
_OURS = {
    "accept",
    "accept-encoding",
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "host",
    "iwf-signature",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
}
_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+", re.ASCII)
_VALUE = re.compile(r"[\x20-\x7e\t]*", re.ASCII)


@frozen
class WorkerUrl:
    """
    A worker URL, taken apart once.

    Attributes:
        host: In lower case and without a dot at its end; an address of version 6 without brackets.

        port: None stands for any, in an entry of the list.

        path: Put before the paths of the protocol; without a slash at its end.
    """

    scheme: str
    host: str
    port: int | None
    path: str

    @property
    def address(self) -> Address | None:
        """The host, where it is an address."""
        return address_of(self.host)

    def __str__(self) -> str:
        """Spell it, with its port."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{'*' if self.port is None else self.port}{self.path}"

    @classmethod
    def parse(cls, text: str) -> WorkerUrl:
        """
        Take a URL apart; slashes at its end are not part of it.

        Errors:
            InvalidArgumentError: It is not of the form ``http[s]://host[:port][/prefix]``, or reads differently to different
                readers: user names, queries, fragments, backslashes, blanks, numbers for addresses, and whatever is not ASCII.
        """
        url = cls._read(text)
        if url.port is None:
            raise _wrong(text, "the port must be a number")
        return url

    @classmethod
    def _read(cls, text: str) -> WorkerUrl:
        if len(text) > MAX_LENGTH:
            raise _wrong(text[:80] + "...", f"it has more than {MAX_LENGTH} characters")
        shape = _SHAPE.fullmatch(text)
        if shape is None:
            raise _wrong(text, "it must be of the form http[s]://host[:port][/prefix], in ASCII")
        scheme, port = shape["scheme"].lower(), shape["port"]
        path = (shape["path"] or "").rstrip("/")
        if not _PATH.fullmatch(path) or {".", ".."} & set(path.split("/")):
            raise _wrong(text, "its path has characters or segments that do not belong into one")
        number = None if port == "*" else int(port or _PORTS[scheme])
        if number is not None and not 0 < number < 65_536:
            raise _wrong(text, "its port is out of range")
        return cls(scheme, _host(text, shape), number, path)


def _host(text: str, shape: re.Match[str]) -> str:
    if shape["v6"] is not None:
        address = address_of(shape["v6"])
        if address is None or address.version != 6:
            raise _wrong(text, "what its brackets hold is no address of version 6")
        return str(address)
    host = shape["host"].lower().removesuffix(".")
    labels = host.split(".")
    if _NUMBER.fullmatch(labels[-1]):
        if address_of(host) is None:
            raise _wrong(text, "its host is a number; write an address as four decimal numbers")
    elif len(host) > 253 or not all(_LABEL.fullmatch(label) for label in labels):
        raise _wrong(text, "its host is no name")
    return host


def _wrong(text: str, why: str) -> InvalidArgumentError:
    return InvalidArgumentError(f"worker URL {text!r} is refused: {why}")


@frozen(kw_only=True)
class AllowedWorker:
    """
    One entry of the list.

    Attributes:
        pattern: ``scheme://host[:port][/prefix]``, where port ``*`` is any; or a network as in ``10.1.0.0/16``, which allows
            every URL whose addresses all lie in it, unless an entry names its host and port.

        networks: Where the addresses of this entry's host may lie beside the public internet. Loopback for ``localhost``,
            and the host itself where it is an address, need not be named.

        headers: Sent to this entry's workers, and to nobody else.

        tls: For workers that need more than the system's authorities, as a client's certificate.

        signing_key: What calls of this entry's workers are signed with, for them to know who calls. For one worker, not for
            several: each could show the others what it was sent.
    """

    pattern: str
    networks: tuple[str, ...] = ()
    headers: Mapping[str, str] = field(factory=dict, repr=False)
    tls: ssl.SSLContext | None = field(default=None, repr=False)
    signing_key: SigningKey | None = None


@frozen
class Admitted:
    """A worker URL that may be called, and the entry that says so; None where all of the public internet may be."""

    url: WorkerUrl
    entry: AllowedWorker | None


@frozen
class _Entry:
    """An entry as it was read: a URL or a network."""

    allowed: AllowedWorker
    url: WorkerUrl | None
    networks: tuple[Network, ...]

    def names(self, host: str, port: int) -> bool:
        return self.url is not None and self.url.host == host and self.url.port in (None, port)

    def admits(self, url: WorkerUrl) -> bool:
        assert self.url is not None
        return self.url.scheme == url.scheme and (url.path == self.url.path or url.path.startswith(self.url.path + "/"))


class WorkerUrls:
    """
    The list of workers that may be called.

    Args:
        allowed: Its entries; a text stands for an entry with this pattern.

        names: Looks names up.

        allows_public: May every worker on the public internet be called?

    Errors:
        InvalidArgumentError: An entry could never allow anything, or is misspelt.
    """

    def __init__(
        self, allowed: Iterable[AllowedWorker | str] = (), *, names: Names | None = None, allows_public: bool = False
    ) -> None:
        entries = [AllowedWorker(pattern=one) if isinstance(one, str) else one for one in allowed]
        self._entries = tuple(_read(entry) for entry in entries)
        # Those that name hosts are found by the host; the others are networks.
        self._by_host: dict[str, tuple[_Entry, ...]] = {}
        for entry in self._entries:
            if entry.url is not None:
                self._by_host[entry.url.host] = (*self._by_host.get(entry.url.host, ()), entry)
        self._blocks = tuple(entry for entry in self._entries if entry.url is None)
        self._networks = tuple(network for entry in self._blocks for network in entry.networks)
        self._names = names or Names()
        self._allows_public = allows_public
        # The list does not change, and nothing is looked up: what was admitted once is admitted always.
        self._admitted = lru_cache(_REMEMBERED)(self._admit)

    def admit(self, text: str) -> Admitted:
        """
        Say that a URL may be called, as far as can be said without looking its host's name up.

        A host and port that entries name are ruled by these entries alone: what is allowed by network or as public is not
        meant for other paths of a host that was named with one.

        Errors:
            InvalidArgumentError: It must not be.
        """
        return self._admitted(text)

    def _admit(self, text: str) -> Admitted:
        url = WorkerUrl.parse(text)
        assert url.port is not None
        naming = self._naming(url.host, url.port)
        if naming:
            admitting = [entry for entry in naming if entry.admits(url)]
            if not admitting:
                raise _wrong(
                    text, f"this host is allowed as {' or '.join(repr(e.allowed.pattern) for e in naming)} only"
                )
            # The closest one has the say in what is sent along.
            entry = max(admitting, key=_closeness)
            self._refuse_literal(text, url)
            return Admitted(url, entry.allowed)
        if not self._networks and not self._allows_public:
            raise _wrong(text, "it is not on the list of workers; have the server allow it with --allow-worker-url")
        self._refuse_literal(text, url)
        return Admitted(url, self._block_of(url))

    def refusal(self, host: str, port: int, addresses: Iterable[str]) -> str | None:
        """
        Tell why a host that was admitted must not be called at these addresses; None when it may be at all of them.

        Args:
            addresses: As a resolver tells them: no addresses are no reason to refuse.
        """
        naming = self._naming(host, port)
        allowed = (*(network for entry in naming for network in entry.networks), *self._networks)
        for text in addresses:
            address = address_of(text)
            why = (
                f"{text} is no address"
                if address is None
                else refusal(address, allowed, is_public_allowed=bool(naming) or self._allows_public)
            )
            if why is not None:
                return f"{why}; a network is allowed with --allow-worker-url, as in 10.1.0.0/16"
        return None

    def look_up(self, host: str, port: int) -> Future[tuple[str, ...]]:
        """
        Look a host's addresses up, each of which may be called.

        Errors, through the future:
            OSError: There are none, or they cannot be told; a `RefusedAddressError` where one must not be called.
        """

        def vet(addresses: tuple[str, ...]) -> None:
            why = self.refusal(host, port, addresses)
            if why is not None:
                raise RefusedAddressError(f"host {host!r} is refused: {why}")

        return self._names.look_up(host, port, vet, is_known=bool(self._naming(host, port)))

    def check(self, text: str, *, patience: float = 2.0) -> InvalidArgumentError | None:
        """
        Tell why a run must not be started with this URL; None when it may be.

        A host that cannot be looked up within *patience* (seconds) is none: its worker may come later, and each call looks
        again.
        """
        try:
            admitted = self.admit(text)
        except InvalidArgumentError as error:
            return error
        if admitted.url.address is None:
            assert admitted.url.port is not None
            try:
                self.look_up(admitted.url.host, admitted.url.port).result(patience)
            except RefusedAddressError as error:
                return _wrong(text, str(error))
            except (OSError, WaitTimeout):
                return None
        return None

    def _naming(self, host: str, port: int) -> tuple[_Entry, ...]:
        return tuple(entry for entry in self._by_host.get(host, ()) if entry.names(host, port))

    def _block_of(self, url: WorkerUrl) -> AllowedWorker | None:
        """Find the network of an address that was spelt out; for a name there is no one entry."""
        address = url.address
        for entry in self._blocks:
            if address is not None and any(address in network for network in entry.networks):
                return entry.allowed
        return None

    def _refuse_literal(self, text: str, url: WorkerUrl) -> None:
        assert url.port is not None
        why = None if url.address is None else self.refusal(url.host, url.port, (url.host,))
        if why is not None:
            raise _wrong(text, why)


def _closeness(entry: _Entry) -> tuple[int, bool]:
    """By the longer path; and a port that is spelt out is closer than any."""
    assert entry.url is not None
    return len(entry.url.path), entry.url.port is not None


def _read(allowed: AllowedWorker) -> _Entry:
    pattern = allowed.pattern
    networks = tuple(_network(text) for text in allowed.networks)
    for name, value in allowed.headers.items():
        if name.lower() in _OURS or not _TOKEN.fullmatch(name) or not _VALUE.fullmatch(value):
            raise InvalidArgumentError(f"allowed worker {pattern!r}: header {name!r} cannot be sent to workers")
    if "://" not in pattern:
        # A name that lies in the network has no entry of its own; who holds it is not known before it is looked up.
        if allowed.headers or allowed.tls is not None or allowed.signing_key is not None or networks:
            raise InvalidArgumentError(
                f"allowed worker {pattern!r}: only an entry with a URL can have headers, TLS or a signing key"
            )
        return _Entry(allowed, None, (_network(pattern),))
    url = WorkerUrl._read(pattern)
    if url.host == "localhost":
        networks += _LOOPBACK
    if url.address is not None:
        why = never(url.address)
        if why is not None:
            raise InvalidArgumentError(f"allowed worker {pattern!r} can never be called: {url.address} is {why}")
        networks += (ip_network(url.address),)
    return _Entry(allowed, url, networks)


def _network(text: str) -> Network:
    try:
        network = ip_network(text)
    except ValueError as error:
        raise InvalidArgumentError(
            f"allowed worker {text!r} is neither scheme://host[:port][/prefix] nor a network: {error}"
        ) from None
    if never(network[0]) and never(network[-1]) and network.prefixlen:
        raise InvalidArgumentError(f"allowed worker {text!r} can never be called: {network[0]} is {never(network[0])}")
    return network


def rewritten(url: str, environment: Mapping[str, str]) -> str:
    """
    Rewrite a worker URL as the environment wants it, before it is looked at: for workers in containers.

    Source:
        iWF server: AUTO_FIX_WORKER_URL takes the place of the first ``localhost`` and the first ``127.0.0.1``;
        AUTO_FIX_WORKER_PORT_FROM_ENV names a variable whose value takes the place of the first ``$NAME$``.
    """
    host = environment.get("AUTO_FIX_WORKER_URL")
    if host:
        url = url.replace("localhost", host, 1).replace("127.0.0.1", host, 1)
    name = environment.get("AUTO_FIX_WORKER_PORT_FROM_ENV")
    if name:
        url = url.replace(f"${name}$", environment.get(name, ""), 1)
    return url
