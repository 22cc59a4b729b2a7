"""Which worker URLs may be called: as they are written, and by the addresses behind their names."""

import itertools
import threading

import pytest

from iwf_py.errors import InvalidArgumentError
from iwf_py.wire.names import MOST, Names, RefusedAddressError
from iwf_py.wire.signing import SigningKey
from iwf_py.wire.worker_urls import AllowedWorker, WorkerUrl, WorkerUrls, rewritten

HOSTS = {
    "localhost": ("127.0.0.1", "::1"),
    "worker.example": ("93.184.216.34",),
    "inner.example": ("10.1.2.3",),
    "mixed.example": ("93.184.216.34", "10.1.2.3"),
    "meta.example": ("169.254.169.254",),
    "mapped.example": ("::ffff:127.0.0.1",),
    "translated.example": ("64:ff9b::7f00:1",),
    "tunnel.example": ("2002:7f00:1::",),
    "zoned.example": ("fe80::1%eth0",),
}


def resolve(host, port):
    try:
        return HOSTS[host]
    except KeyError:
        raise OSError(f"no such name: {host}") from None


def urls(*allowed, **options):
    return WorkerUrls(allowed, names=Names(options.pop("resolve", resolve)), **options)


ATTACKS = [
    "http://127.0.0.1:8802",
    "http://0.0.0.0:8802",
    "http://0:8802",
    "http://0x7f.1:8802",
    "http://0x7f000001:8802",
    "http://2130706433:8802",
    "http://017700000001:8802",
    "http://127.1:8802",
    "http://127.0.0.1.:8802",
    "http://127.000.000.001:8802",
    "http://[::1]:8802",
    "http://[::]:8802",
    "http://[::ffff:127.0.0.1]:8802",
    "http://[::ffff:7f00:1]:8802",
    "http://[::127.0.0.1]:8802",
    "http://[64:ff9b::7f00:1]:8802",
    "http://[2002:7f00:1::]:8802",
    "http://[2001:0:7f00:1::f7f7:f7f7]:8802",
    "http://[fe80::1%25eth0]:8802",
    "http://[fd00:ec2::254]/latest/meta-data",
    "http://169.254.169.254/latest/meta-data",
    "http://10.1.2.3:8802",
    "http://192.0.0.8",
    "http://224.0.0.1",
    "http://100.100.100.200",
    "http://localhost:8802",
    "http://localhost.:8802",
    "http://LOCALHOST:8802",
    "http://①②⑦.⓪.⓪.①:8802",
    "http://１２７.0.0.1:8802",
    "http://ⓛocalhost:8802",
    "http://worker.example@127.0.0.1:8802",
    "http://worker.example:80@127.0.0.1:8802",
    "http://127.0.0.1:8802#@worker.example",
    "http://127.0.0.1:8802?@worker.example",
    "http://127.0.0.1:8802\\@worker.example",
    "http://worker.example\\@127.0.0.1:8802",
    "http://worker.example\t@127.0.0.1",
    "http://worker.example\r\nHost: 127.0.0.1",
    " http://worker.example",
    "http://worker.example ",
    "http:/worker.example",
    "http:worker.example",
    "//worker.example",
    "worker.example",
    "",
    "file:///etc/passwd",
    "ftp://worker.example",
    "gopher://worker.example:70/_x",
    "unix:///run/docker.sock",
    "javascript:alert(1)",
    "http://",
    "http://:80",
    "http://worker.example:",
    "http://worker.example:0",
    "http://worker.example:65536",
    "http://worker.example:*",
    "http://worker.example:8_0",
    "http://worker.example:８０",
    "http://worker..example",
    "http://-worker.example",
    "http://worker.example/../admin",
    "http://worker.example/%2e%2e/admin",
    "http://worker.example/a%2fb",
    "http://worker.example/a%5cb",
    "http://worker.example/a%00b",
    "http://worker.example/a%zz",
    "http://worker.example/a?b=c",
    "http://worker.example/#",
    "http://worker.example/" + "a" * 2_048,
    "http://" + "a" * 64 + ".example",
    "http://[1.2.3.4]",
    "http://[::1",
    "http://[::1]x",
    "http://inner.example",
    "http://mixed.example",
    "http://meta.example",
    "http://mapped.example",
    "http://translated.example",
    "http://tunnel.example",
    "http://zoned.example",
    "http://w\u043erker.example",  # a Cyrillic o
    "http://wor\u212aer.example",  # a Kelvin sign
]


@pytest.mark.parametrize("text", ATTACKS)
def test_attacks_are_refused(text):
    """
    Where all of the public internet may be called, nothing else can be reached, however it is spelt.
    """
    error = urls(allows_public=True).check(text)

    assert isinstance(error, InvalidArgumentError)
    assert "is refused" in str(error)


def test_without_a_list_nothing_is_allowed():
    """
    The refusal names the URL and the way out.
    """
    error = urls().check("http://worker.example:8802")

    assert "'http://worker.example:8802'" in str(error)
    assert "--allow-worker-url" in str(error)


@pytest.mark.parametrize(
    ("entry", "good", "bad"),
    [
        ("http://localhost:8802", ["http://localhost:8802", "http://LocalHost:8802/"], ["http://localhost:8803"]),
        ("http://localhost:*", ["http://localhost:1", "http://localhost/a"], ["https://localhost", "http://127.0.0.1"]),
        ("http://127.0.0.1:8802", ["http://127.0.0.1:8802"], ["http://127.0.0.1", "http://127.0.0.2:8802"]),
        ("http://[::1]:8802", ["http://[0:0:0:0:0:0:0:1]:8802"], ["http://[::1]:8803"]),
        (
            "https://worker.example",
            ["https://worker.example:443"],
            ["http://worker.example", "http://worker.example:443"],
        ),
        (
            "http://worker.example/team/a/",
            ["http://worker.example/team/a", "http://worker.example/team/a/b"],
            ["http://worker.example", "http://worker.example/team/ab", "http://worker.example/team"],
        ),
        ("10.0.0.0/8", ["http://10.1.2.3:1/a", "https://inner.example"], ["http://11.1.1.1", "http://mixed.example"]),
        ("127.0.0.0/8", ["http://127.0.0.1", "http://mapped.example"], ["http://[::1]", "http://tunnel.example"]),
        ("http://inner.example", [], ["http://inner.example"]),
    ],
)
def test_entries_allow_what_they_say(entry, good, bad):
    """
    Scheme, host, port and prefix are compared as they are; a name that leads inside needs its network allowed.
    """
    allowing = urls(entry)

    assert [allowing.check(text) for text in good] == [None] * len(good)
    assert all(isinstance(allowing.check(text), InvalidArgumentError) for text in bad)


def test_an_entry_brings_its_networks_and_its_headers():
    """
    Both are for this entry's workers alone, and neither is shown; the longest prefix has the say.
    """
    secret = AllowedWorker(pattern="http://inner.example/a", networks=("10.0.0.0/8",), headers={"X-Key": "canary"})
    allowing = urls("http://inner.example", secret, "http://worker.example")

    assert allowing.check("http://inner.example/a") is None
    assert allowing.admit("http://inner.example/a/b").entry.headers == {"X-Key": "canary"}
    assert allowing.admit("http://inner.example/ab").entry.headers == {}
    assert allowing.admit("http://worker.example").entry.headers == {}
    assert "canary" not in repr(secret)


def test_a_port_that_is_spelt_out_has_the_say_over_any():
    """
    What is sent along to one port is, whichever entry stands first.
    """
    secret = AllowedWorker(pattern="http://localhost:8802", headers={"X-Key": "canary"})
    for allowing in (urls("http://localhost:*", secret), urls(secret, "http://localhost:*")):
        assert allowing.admit("http://localhost:8802").entry is secret
        assert allowing.admit("http://localhost:8803").entry is not secret


def test_a_host_that_is_named_is_ruled_by_the_entries_that_name_it():
    """
    A network, or the whole internet, opens no other path of a host that was named with one.
    """
    allowing = urls("https://worker.example/team", "93.184.0.0/16", allows_public=True)

    assert allowing.check("https://worker.example/team") is None
    assert "'https://worker.example/team' only" in str(allowing.check("https://worker.example/admin"))
    assert allowing.check("https://worker.example:8443/admin") is None


def test_a_name_that_changes_its_mind_is_never_called_inside():
    """
    What is looked up is what is looked at, and what is connected to: each answer stands or falls by itself.
    """
    answers = itertools.cycle([("93.184.216.34",), ("127.0.0.1",)])
    names = Names(lambda host, port: next(answers), keep_seconds=0.0)
    allowing = WorkerUrls(["http://worker.example"], names=names)

    for _ in range(3):
        assert allowing.look_up("worker.example", 80).result(10) == ("93.184.216.34",)
        with pytest.raises(RefusedAddressError, match=r"127\.0\.0\.1 is a loopback address"):
            allowing.look_up("worker.example", 80).result(10)


def test_a_start_does_not_wait_for_a_name_server():
    """
    A name that nobody answers for is no reason to refuse a start: each call looks again.
    """
    asked, go_on = threading.Event(), threading.Event()

    def hang(host, port):
        asked.set()
        assert go_on.wait(10)
        return ("127.0.0.1",)

    allowing = urls("http://slow.example", resolve=hang)

    assert allowing.check("http://slow.example", patience=0.0) is None
    assert asked.wait(10)
    go_on.set()
    assert urls("http://unknown.example").check("http://unknown.example") is None


def test_names_that_are_made_up_keep_no_known_name_waiting():
    """
    However many names are looked up that the list does not spell out, those that it does are looked up at once.
    """
    go_on = threading.Event()

    def hang(host, port):
        if host.startswith("x"):
            assert go_on.wait(10)
        return ("10.0.0.1",)

    allowing = urls("10.0.0.0/8", AllowedWorker(pattern="http://known.example"), resolve=hang)
    looks = [allowing.look_up(f"x{number}.example", 80) for number in range(MOST)]

    with pytest.raises(OSError, match="too many other names"):
        allowing.look_up("y.example", 80).result(10)
    assert allowing.look_up("known.example", 80).result(10) == ("10.0.0.1",)
    go_on.set()
    assert {look.result(10) for look in looks} == {("10.0.0.1",)}


def test_one_look_is_shared():
    """
    All who ask for a name meanwhile get the one answer, each judged for itself; who has gone is not told.
    """
    go_on = threading.Event()
    looks = []

    def hang(host, port):
        looks.append(host)
        assert go_on.wait(10)
        return ("127.0.0.1",)

    names = Names(hang)

    def refuse(addresses):
        raise RefusedAddressError("no")

    asked = [names.look_up("a", 1, lambda _: None) for _ in range(3)]
    refused = names.look_up("a", 1, refuse)
    asked[1].cancel()
    go_on.set()

    assert asked[0].result(10) == asked[2].result(10) == ("127.0.0.1",)
    with pytest.raises(RefusedAddressError):
        refused.result(10)
    assert names.look_up("a", 1, lambda _: None).result(10) == ("127.0.0.1",)
    assert looks == ["a"]


@pytest.mark.parametrize(
    "entry",
    [
        "localhost",
        "10.0.0.1/8",
        "169.254.0.0/16",
        "100.64.0.0/10",
        "fe80::/10",
        "http://169.254.169.254",
        "http://0.0.0.0:80",
        "http://*.example",
        "http://user@worker.example",
        "ftp://worker.example",
        AllowedWorker(pattern="10.0.0.0/8", headers={"X": "y"}),
        AllowedWorker(pattern="10.0.0.0/8", signing_key=SigningKey("k", b"x" * 32)),
        AllowedWorker(pattern="http://worker.example", headers={"iwf-signature": "y"}),
        AllowedWorker(pattern="http://worker.example", headers={"Host": "y"}),
        AllowedWorker(pattern="http://worker.example", headers={"X": "y\r\nZ: z"}),
        AllowedWorker(pattern="http://worker.example", headers={"X Y": "z"}),
        AllowedWorker(pattern="http://worker.example", networks=("10.0.0.1/8",)),
    ],
)
def test_an_entry_that_could_never_allow_anything_is_refused(entry):
    """
    A mistake in the list is told when the list is made.
    """
    with pytest.raises(InvalidArgumentError):
        urls(entry)


@pytest.mark.parametrize(
    ("text", "spelt"),
    [
        ("HTTP://Worker.Example//", "http://worker.example:80"),
        ("https://worker.example.:8443/a%20b/", "https://worker.example:8443/a%20b"),
        ("http://[0:0::1]", "http://[::1]:80"),
        ("http://my_worker:8802", "http://my_worker:8802"),
    ],
)
def test_a_url_has_one_spelling(text, spelt):
    """
    Letter case, the usual port, and slashes at the end make no difference.
    """
    assert str(WorkerUrl.parse(text)) == spelt


def test_the_environment_rewrites_urls():
    """
    The variables of the original server do what they did there.
    """
    environment = {"AUTO_FIX_WORKER_URL": "host.docker.internal", "AUTO_FIX_WORKER_PORT_FROM_ENV": "PORT", "PORT": "81"}

    assert rewritten("http://localhost:$PORT$/localhost", environment) == "http://host.docker.internal:81/localhost"
    assert rewritten("http://127.0.0.1:80", environment) == "http://host.docker.internal:80"
    assert rewritten("http://localhost:80", {}) == "http://localhost:80"
