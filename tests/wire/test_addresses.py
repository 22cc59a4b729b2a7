"""Which addresses may be called, by themselves and by what they carry."""

from ipaddress import ip_address, ip_network

import pytest

from iwf_py.wire.addresses import address_of, never, refusal

PUBLIC = [
    "8.8.8.8",
    "1.1.1.1",
    "172.32.0.1",
    "2606:4700::1111",
    "64:ff9b::808:808",
    "2002:808:808::1",
    "::ffff:8.8.8.8",
]
INNER = ["127.0.0.1", "127.255.255.254", "10.1.2.3", "172.16.0.1", "172.31.255.255", "192.168.0.1", "::1", "fd12::1"]
NEVER = [
    "0.0.0.0",
    "0.1.2.3",
    "100.64.0.1",
    "168.63.129.16",
    "169.254.169.254",
    "192.0.0.8",
    "192.0.0.192",
    "192.0.2.1",
    "192.88.99.1",
    "198.18.0.1",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "100::1",
    "2001:2::1",
    "2001:20::1",
    "2001:db8::1",
    "3fff::1",
    "4000::1",
    "5f00::1",
    "64:ff9b:1::1",
    "fd00:ec2::254",
    "fe80::1",
    "fec0::1",
    "ff02::1",
]
CARRIERS = [
    ("::ffff:127.0.0.1", "127.0.0.1 is a loopback address"),
    ("::ffff:169.254.169.254", "169.254.169.254 is a link-local address"),
    ("64:ff9b::127.0.0.1", "leads to 127.0.0.1, a loopback address"),
    ("64:ff9b::a9fe:a9fe", "leads to 169.254.169.254, a link-local address"),
    ("2002:7f00:1::", "leads to 127.0.0.1, a loopback address"),
    ("2002:a9fe:a9fe::1", "leads to 169.254.169.254, a link-local address"),
    ("::7f00:1", "leads to 127.0.0.1, a loopback address"),
    # Teredo carries its server, and its client with all bits turned round.
    ("2001:0:7f00:1::f7f7:f7f7", "leads to 127.0.0.1, a loopback address"),
    ("2001:0:808:808::80ff:fffe", "leads to 127.0.0.1, a loopback address"),
]


@pytest.mark.parametrize("text", PUBLIC)
def test_the_public_internet_may_be_called(text):
    """
    A public address is good by itself, unless only listed networks are.
    """
    address = ip_address(text)

    assert refusal(address) is None
    assert "in no network of the list" in refusal(address, is_public_allowed=False)


@pytest.mark.parametrize("text", INNER)
def test_inner_addresses_have_to_be_allowed(text):
    """
    Loopback and private addresses are refused, but for those in a network that was allowed.
    """
    address = ip_address(text)

    assert refusal(address) is not None
    assert refusal(address, [ip_network("9.0.0.0/8"), ip_network(address)]) is None


@pytest.mark.parametrize("text", NEVER)
def test_some_addresses_cannot_be_allowed(text):
    """
    Where no worker lives, nobody can allow one.
    """
    address = ip_address(text)

    assert never(address) is not None
    assert refusal(address, [ip_network("0.0.0.0/0"), ip_network("::/0")]) is not None


@pytest.mark.parametrize(("text", "why"), CARRIERS)
def test_an_address_is_judged_by_what_it_carries(text, why):
    """
    Mapped, translated, tunnelled and compatible forms lead to the address inside.
    """
    assert why in refusal(ip_address(text))


def test_a_mapped_address_is_the_one_it_maps():
    """
    It is allowed with the other's network; a tunnel to an inner address is not.
    """
    loopback = [ip_network("127.0.0.0/8"), ip_network("2002::/16")]

    assert refusal(ip_address("::ffff:127.0.0.1"), loopback) is None
    assert refusal(ip_address("2002:7f00:1::"), loopback) is not None


@pytest.mark.parametrize("text", ["127.1", "0x7f.0.0.1", "2130706433", "127.000.0.1", "fe80::1%eth0", "localhost", ""])
def test_other_spellings_are_no_addresses(text):
    """
    An address has one spelling.
    """
    assert address_of(text) is None
