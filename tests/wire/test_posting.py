"""Posts have their answers, or a sentence for why there is none, whatever the other posts' servers do."""

import itertools
import socket
import ssl
import threading
from pathlib import Path

import pytest

from iwf_py.errors import EngineStoppedError
from iwf_py.wire.exchanging import Answered, Post, Unanswered
from iwf_py.wire.names import Names
from iwf_py.wire.posting import Poster
from iwf_py.wire.worker_urls import WorkerUrls
from tests.wire.conftest import Replies, until
from tests.wire.hostile import GOOD, Hostile

FINE = Answered(status=200, content_type="application/json", body=GOOD)
# For worker.example; made for these tests, and worth nothing elsewhere.
CERTIFICATE = Path(__file__).with_name("self_signed.pem")
TIMED_OUT = "context deadline exceeded"


def unused_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def test_a_post_is_a_json_request(hostile, replies):
    """
    Method, path, headers and body are those of the protocol; nothing names the library, and nothing asks for compression.
    """
    reply = replies.of(f"{hostile.url}/echo/a%20b", body=b'{"a":"\xc3\xa4"}', headers={"X-Key": "k"})

    request = hostile.requests[0]
    assert reply.body == b'{"path": "/echo/a%20b", "body": "{\\"a\\":\\"\\u00e4\\"}"}'
    assert request.headers == {
        "host": f"127.0.0.1:{hostile.port}",
        "content-type": "application/json",
        "accept": "application/json",
        "accept-encoding": "identity",
        "content-length": "10",
        "x-key": "k",
    }


def test_connections_are_used_again(hostile, replies):
    """
    Post after post goes over the same connection.
    """
    for _ in range(20):
        assert replies.of(f"{hostile.url}/good") == FINE

    assert hostile.connections == 1


def test_posts_are_told_once_on_a_thread_of_the_poster(hostile, replies):
    """
    Many at once all have their answers, each once.
    """
    for number in range(200):
        replies.post(f"{hostile.url}/good", tag=number)

    replies.wait(200)

    assert sorted(tag for tag, _, _ in replies.all) == list(range(200))
    assert {reply for _, reply, _ in replies.all} == {FINE}
    assert {thread for _, _, thread in replies.all} == {"iwf-posts"}


def test_connections_to_one_host_are_bounded(hostile, make_replies):
    """
    Posts beyond the bound wait for a connection; another host's do not wait for them.
    """
    replies = make_replies(per_host=3)
    other = Hostile()
    try:
        for _ in range(10):
            replies.post(f"{hostile.url}/hang")
        until(lambda: len(hostile.requests) == 3)

        assert replies.of(f"{other.url}/good") == FINE
        assert len(hostile.requests) == hostile.most_open == 3
        hostile.release()
        assert replies.wait(11) == [FINE] * 11
        assert hostile.most_open == 3
    finally:
        other.close()


# What a server does, and what is told of it.
MISDEEDS = {
    "reset": "connection reset by peer",
    "close-at-once": "EOF: the connection was closed before an answer came",
    "hang": TIMED_OUT,
    "drip": TIMED_OUT,
    "drip-headers": TIMED_OUT,
    "gigabyte": "the answer is longer than 8388608 bytes",
    "endless": "the answer is longer than 8388608 bytes",
    "crumbs": "chunks too small for so long an answer",
    "continues": "malformed HTTP response: ",
    "many-headers": "malformed HTTP response: ",
    "long-header": "malformed HTTP response: ",
    "long-headers": "the answer's headers are longer than 65536 bytes",
    "half": "in the middle of the answer",
    "half-chunk": "in the middle of the answer",
    "garbage": "malformed HTTP response: ",
    "gzipped": "the answer is compressed, which was not asked for",
    "both-lengths": "malformed HTTP response: ",
}


@pytest.mark.parametrize(("misdeed", "text"), MISDEEDS.items())
def test_a_bad_worker_is_told_of_and_holds_up_nobody(hostile, replies, misdeed, text):
    """
    The post ends with the right sentence, at its deadline at the latest; posts to another server, made meanwhile, are all
    answered.
    """
    patience = 0.5 if text == TIMED_OUT else 10.0
    other = Hostile()
    try:
        replies.post(f"{hostile.url}/{misdeed}", timeout=patience, tag="bad")
        until(lambda: hostile.requests)
        for _ in range(20):
            replies.post(f"{other.url}/good", tag="good")
        replies.wait(21)
    finally:
        other.close()

    by_tag = {tag: reply for tag, reply, _ in replies.all}
    assert by_tag["good"] == FINE
    assert isinstance(by_tag["bad"], Unanswered)
    assert text in by_tag["bad"].reason
    assert by_tag["bad"].is_timeout == (text == TIMED_OUT)
    # It was cut off, not read to its end.
    assert hostile.sent < 64 * 1024 * 1024


@pytest.mark.parametrize(
    ("misdeed", "status", "content_type", "body"),
    [
        ("html", 200, "text/html", b"<html>\x1b[31mhello</html>"),
        ("not-utf8", 200, "application/json", b'"\xff\xfe"'),
        ("no-content", 204, "", b""),
        ("unknown-status", 599, "application/json", b"{}"),
        ("interim", 200, "application/json", GOOD),
        ("upgrade", 101, "", b""),
        ("redirect", 302, "application/json", b""),
        ("repeat", 307, "application/json", b""),
    ],
)
def test_whatever_has_a_status_is_an_answer(hostile, replies, misdeed, status, content_type, body):
    """
    What it is worth is for others to judge. A redirect leads nowhere.
    """
    reply = replies.of(f"{hostile.url}/{misdeed}")

    assert (reply.status, reply.content_type, reply.body) == (status, content_type, body)
    assert replies.of(f"{hostile.url}/good") == FINE
    assert not hostile.paths("/good/elsewhere")


def test_cookies_are_not_kept(hostile, replies):
    """
    No server can have a post carry what another answer set.
    """
    replies.of(f"{hostile.url}/cookie")
    replies.of(f"{hostile.url}/good")

    assert "cookie" not in hostile.requests[1].headers


def test_a_second_answer_is_never_the_next_posts(hostile, replies):
    """
    What comes unasked ends the connection, with the answer or after it.
    """
    other = Hostile()
    try:
        assert replies.of(f"{hostile.url}/twice") == FINE
        assert replies.of(f"{hostile.url}/good") == FINE

        assert replies.of(f"{hostile.url}/twice-later") == FINE
        hostile.release()
        assert hostile.second_sent.wait(10)
        # By then the loop has looked at all that had come.
        assert replies.of(f"{other.url}/good") == FINE
        assert replies.of(f"{hostile.url}/good") == FINE
    finally:
        other.close()


def test_nobody_listens(replies):
    """
    A refused connection is told at once, in the system's words, and that nothing can have been carried out.
    """
    reply = replies.of(f"http://127.0.0.1:{unused_port()}/x")

    assert reply == Unanswered(reason="connection refused", was_sent=False)


def test_an_answer_after_the_deadline_is_not_told(hostile, replies):
    """
    It was given up: its connection is closed, and its listener hears of the timeout alone.
    """
    assert replies.of(f"{hostile.url}/hang", timeout=0.05).is_timeout
    until(lambda: hostile.requests)
    hostile.release()
    until(lambda: hostile.open_now == 0)

    assert replies.of(f"{hostile.url}/good") == FINE
    assert len(replies.all) == 2


def test_a_cancelled_post_is_not_told(hostile, replies):
    """
    Its connection is closed; cancelling after the answer does nothing.
    """
    cancel = replies.post(f"{hostile.url}/hang")
    until(lambda: hostile.requests)
    cancel()
    until(lambda: hostile.open_now == 0)
    told = replies.post(f"{hostile.url}/good")
    replies.wait(1)
    told()

    assert replies.of(f"{hostile.url}/good") == FINE
    assert [reply for _, reply, _ in replies.all] == [FINE, FINE]


def test_large_bodies_travel_both_ways(hostile, replies):
    """
    Up to the bound on answers.
    """
    text = "x" * 3_000_000

    reply = replies.of(f"{hostile.url}/echo", body=text.encode())

    assert text.encode() in reply.body


def test_what_a_listener_raises_is_survived(hostile, replies, caplog):
    """
    The next post is carried out as if nothing had happened.
    """
    heard = threading.Event()

    def raises(reply):
        heard.set()
        raise RuntimeError("listener")

    replies.poster.post(Post(url=f"{hostile.url}/good", body=b"", timeout=10.0), raises)
    assert heard.wait(10)

    assert replies.of(f"{hostile.url}/good") == FINE
    assert "an answer could not be handed on" in caplog.text


def test_a_closed_poster_tells_nothing_and_takes_nothing(hostile, replies):
    """
    What was under way is forgotten, its connections are closed.
    """
    replies.post(f"{hostile.url}/hang")
    until(lambda: hostile.requests)

    replies.poster.close()
    replies.poster.close()
    until(lambda: hostile.open_now == 0)

    assert replies.all == []
    with pytest.raises(EngineStoppedError):
        replies.post(f"{hostile.url}/good")


def test_proxies_of_the_environment_are_not_asked(hostile, replies, monkeypatch):
    """
    A post goes to its worker and nowhere else.
    """
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{unused_port()}")
    monkeypatch.setenv("NO_PROXY", "")

    assert replies.of(f"{hostile.url}/good") == FINE


def test_connections_go_to_the_address_that_was_looked_at(hostile):
    """
    A name that is public at one look and inside at the next is connected to as it was judged, under its own name.
    """
    answers = itertools.cycle([("127.0.0.2",), ("127.0.0.1",)])
    names = Names(lambda host, port: next(answers), keep_seconds=0.0)
    poster = Poster(WorkerUrls(["127.0.0.1/32"], names=names).look_up)
    replies = Replies(poster)
    try:
        first = replies.of(f"http://worker.example:{hostile.port}/good")
        second = replies.of(f"http://worker.example:{hostile.port}/good")
    finally:
        poster.close()

    assert "host 'worker.example' is refused: 127.0.0.2 is a loopback address" in first.reason
    assert second == FINE
    assert hostile.requests[0].headers["host"] == f"worker.example:{hostile.port}"


def test_a_certificate_counts(make_replies):
    """
    What is sent over TLS goes to whom it is meant for, or nowhere: nobody vouches for this worker's certificate, unless
    its entry does, and then for this name alone.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE)
    trusting = ssl.create_default_context(cafile=CERTIFICATE)
    server = Hostile(context)
    poster = Poster(WorkerUrls(["127.0.0.0/8"], names=Names(lambda host, port: ("127.0.0.1",))).look_up)
    replies = Replies(poster)
    try:
        refused = replies.of(f"https://worker.example:{server.port}/good")
        misnamed = replies.of(f"https://other.example:{server.port}/good", tls=trusting)
        seen = list(server.requests)
        good = replies.of(f"https://worker.example:{server.port}/good", tls=trusting)
    finally:
        poster.close()
        server.close()

    assert "the certificate is not good: " in refused.reason
    assert "not valid for 'other.example'" in misnamed.reason
    assert seen == []
    assert good == FINE


def test_steps_are_done_in_order_whatever_one_of_them_raises(hostile, replies, caplog):
    """
    On the poster's thread, between posts; a closed poster takes none.
    """
    done = []
    over = threading.Event()

    def fail():
        raise SystemExit

    replies.poster.submit(fail)
    for number in range(10):
        replies.poster.submit(lambda number=number: done.append((number, threading.current_thread().name)))
    assert replies.of(f"{hostile.url}/good") == FINE
    # From its own thread, too.
    replies.poster.submit(lambda: replies.poster.submit(over.set))
    assert over.wait(10)

    assert done == [(number, "iwf-posts") for number in range(10)]
    assert "a step on an event loop failed" in caplog.text
    replies.poster.close()
    with pytest.raises(EngineStoppedError):
        replies.poster.submit(over.set)
