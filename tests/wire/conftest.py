"""A hostile server, and a poster that may call loopback; both end with the test."""

import threading
import time

import pytest

from iwf_py.wire.exchanging import Post
from iwf_py.wire.posting import Poster
from iwf_py.wire.worker_urls import WorkerUrls
from tests.wire.hostile import Hostile

# Nothing that works takes so long: a test that waits for it has failed.
SOON = 10.0


class Replies:
    """Posts, and collects what is told, with the thread that told it."""

    def __init__(self, poster):
        self.poster = poster
        self.changed = threading.Condition()
        self.all = []

    def post(self, url, body=b"{}", timeout=SOON, tag=None, **fields):
        def done(reply):
            with self.changed:
                self.all.append((url if tag is None else tag, reply, threading.current_thread().name))
                self.changed.notify_all()

        return self.poster.post(Post(url=url, body=body, timeout=timeout, **fields), done)

    def wait(self, count):
        with self.changed:
            assert self.changed.wait_for(lambda: len(self.all) >= count, SOON), f"only {self.all} came"
            return [reply for _, reply, _ in self.all]

    def of(self, url, **fields):
        """Post and wait for what comes of it."""
        count = len(self.all)
        self.post(url, **fields)
        return self.wait(count + 1)[-1]


def until(question):
    """Wait until it is so."""
    over = time.monotonic() + SOON
    while not question():
        assert time.monotonic() < over
        time.sleep(0.002)


@pytest.fixture
def hostile():
    server = Hostile()
    yield server
    server.close()


@pytest.fixture
def make_replies():
    posters = []

    def make(**options):
        poster = Poster(WorkerUrls(["127.0.0.0/8"]).look_up, **options)
        posters.append(poster)
        return Replies(poster)

    yield make
    for poster in posters:
        poster.close()


@pytest.fixture
def replies(make_replies):
    return make_replies()
