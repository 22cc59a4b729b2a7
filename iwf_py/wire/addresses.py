"""Which network addresses may be called.

Pure, and by a table of its own: ``is_private`` and ``is_global`` of the standard library take, depending on the version of
Python, ``::ffff:127.0.0.1`` for no loopback address and ``64:ff9b::a9fe:a9fe`` for a global one. An address that carries
another one in it is judged by both.

Source:
    The IANA special-purpose address registries; the metadata addresses of cloud providers.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

# Nobody can allow these: no worker lives there.
_NEVER: tuple[tuple[Network, str], ...] = tuple(
    (ip_network(network), what)
    for network, what in (
        ("0.0.0.0/8", "an unspecified address"),
        ("100.64.0.0/10", "a carrier's shared address"),
        ("168.63.129.16/32", "a cloud provider's metadata address"),
        ("169.254.0.0/16", "a link-local address"),
        ("192.0.0.0/24", "a reserved address"),
        ("192.0.2.0/24", "a documentation address"),
        ("192.88.99.0/24", "a reserved address"),
        ("198.18.0.0/15", "a benchmarking address"),
        ("198.51.100.0/24", "a documentation address"),
        ("203.0.113.0/24", "a documentation address"),
        ("224.0.0.0/4", "a multicast address"),
        ("240.0.0.0/4", "a reserved address"),
        ("::/128", "an unspecified address"),
        ("2001:2::/48", "a benchmarking address"),
        ("2001:db8::/32", "a documentation address"),
        ("3fff::/20", "a documentation address"),
        ("fd00:ec2::254/128", "a cloud provider's metadata address"),
        ("fd20:ce::254/128", "a cloud provider's metadata address"),
        ("fe80::/10", "a link-local address"),
        ("ff00::/8", "a multicast address"),
    )
)
# These have to be allowed.
_INNER: tuple[tuple[Network, str], ...] = tuple(
    (ip_network(network), what)
    for network, what in (
        ("127.0.0.0/8", "a loopback address"),
        ("10.0.0.0/8", "a private address"),
        ("172.16.0.0/12", "a private address"),
        ("192.168.0.0/16", "a private address"),
        ("::1/128", "a loopback address"),
        ("fc00::/7", "a private address"),
    )
)
_MAPPED = IPv6Network("::ffff:0:0/96")
_COMPATIBLE = IPv6Network("::/96")
_TRANSLATED = IPv6Network("64:ff9b::/96")
_TEREDO = IPv6Network("2001::/32")
_SIX_TO_FOUR = IPv6Network("2002::/16")
# What is global in version 6; of it, the block for protocols holds nobody's worker, but for Teredo's part.
_UNICAST = IPv6Network("2000::/3")
_PROTOCOLS = IPv6Network("2001::/23")


@lru_cache(1_024)
def address_of(text: str) -> Address | None:
    """Read an address in its canonical spelling (no zone); None where *text* is none."""
    try:
        return None if "%" in text else ip_address(text)
    except ValueError:
        return None


def refusal(address: Address, allowed: Iterable[Network] = (), *, is_public_allowed: bool = True) -> str | None:
    """
    Tell why an address must not be called; None when it may be.

    Args:
        allowed: Networks that were allowed; what is never allowed stays so.

        is_public_allowed: Is an address of the public internet good by itself? Else it has to be allowed as well.
    """
    address = _unmapped(address)
    what = never(address)
    if what is not None:
        return f"{address} is {what}"
    for carried in _carried(address):
        what = never(carried) or _inner(carried)
        if what is not None:
            return f"{address} leads to {carried}, {what}"
    if any(address in network for network in allowed):
        return None
    what = _inner(address) or (None if is_public_allowed else "in no network of the list")
    return None if what is None else f"{address} is {what}"


def never(address: Address) -> str | None:
    """Tell what an address is that nobody can allow; None for any other."""
    what = _look(address, _NEVER)
    if what is not None or isinstance(address, IPv4Address) or _look(address, _INNER):
        return what
    if any(address in network for network in (_MAPPED, _COMPATIBLE, _TRANSLATED, _TEREDO)):
        return None
    return None if address in _UNICAST and address not in _PROTOCOLS else "a reserved address"


def _inner(address: Address) -> str | None:
    return _look(address, _INNER)


def _look(address: Address, table: tuple[tuple[Network, str], ...]) -> str | None:
    for network, what in table:
        if address in network:
            return what
    return None


def _unmapped(address: Address) -> Address:
    """Give the address that the system connects to."""
    return IPv4Address(int(address) & 0xFFFF_FFFF) if address in _MAPPED else address


def _carried(address: Address) -> tuple[IPv4Address, ...]:
    """Give the addresses that a gateway takes out of this one, and sends to."""
    if isinstance(address, IPv4Address) or _look(address, _INNER):
        return ()
    number = int(address)
    if address in _SIX_TO_FOUR:
        return (IPv4Address(number >> 80 & 0xFFFF_FFFF),)
    if address in _TEREDO:
        return IPv4Address(number >> 64 & 0xFFFF_FFFF), IPv4Address(~number & 0xFFFF_FFFF)
    if address in _TRANSLATED or address in _COMPATIBLE:
        return (IPv4Address(number & 0xFFFF_FFFF),)
    return ()
