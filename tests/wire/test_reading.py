"""An answer is read to its end and no further, however it is cut into pieces."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iwf_py.wire.reading import Answer, AnswerReader, BadAnswerError, Bounds

PLAIN = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
CHUNKED = b"HTTP/1.1 500 \r\nTransfer-Encoding: chunked\r\nX: 1\r\nx: 2\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
INTERIM = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nContent-Encoding: gzip\r\n\r\n" + PLAIN
OLD = b"HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\na"
ENDS_IT = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 1\r\n\r\na"
NO_CONTENT = b"HTTP/1.1 204 No Content\r\n\r\n"
UPGRADE = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n"
UNTIL_CLOSED = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\nas long as it lasts"

OF_JSON = Answer(200, {"content-type": "application/json", "content-length": "2"}, b"{}")
ANSWERS = {
    PLAIN: (OF_JSON, False),
    INTERIM: (OF_JSON, False),
    CHUNKED: (Answer(500, {"transfer-encoding": "chunked", "x": "1"}, b"abcde"), False),
    OLD: (Answer(200, {"content-length": "1"}, b"a"), True),
    ENDS_IT: (Answer(200, {"connection": "close", "content-length": "1"}, b"a"), True),
    NO_CONTENT: (Answer(204, {}, b""), False),
    UPGRADE: (Answer(101, {"upgrade": "x", "connection": "upgrade"}, b""), True),
}


def read(*pieces, bounds=None):
    reader = AnswerReader(bounds or Bounds())
    for piece in pieces:
        reader.feed(piece)
    return reader


@given(st.sampled_from(sorted(ANSWERS)), st.lists(st.integers(0, 150), max_size=6))
def test_an_answer_is_the_same_however_it_is_cut(text, cuts):
    """
    Into pieces of any size; whether the connection may be used again is known with it.
    """
    places = sorted({0, len(text), *(cut for cut in cuts if cut < len(text))})
    reader = read(*(text[a:b] for a, b in zip(places, places[1:], strict=False)))

    assert (reader.answer, reader.is_last) == ANSWERS[text]


@given(st.sampled_from(sorted({PLAIN, CHUNKED, INTERIM, NO_CONTENT})), st.binary(min_size=1, max_size=40))
def test_what_follows_an_answer_changes_nothing_of_it(text, more):
    """
    Whatever it is; but the connection is of no more use.
    """
    reader = read(text + more)

    # Empty lines between messages are none.
    assert reader.answer == ANSWERS[text][0]
    assert reader.is_last or not more.strip(b"\r\n")


@pytest.mark.parametrize("text", ANSWERS)
def test_a_reader_reads_answer_after_answer(text):
    """
    Nothing of one is in the next.
    """
    reader = read(CHUNKED)
    reader.begin()
    reader.feed(text)

    assert (reader.answer, reader.is_last) == ANSWERS[text]


@pytest.mark.parametrize("text", ANSWERS)
def test_half_an_answer_is_none(text):
    """
    Wherever it ends.
    """
    for end in range(1, len(text)):
        reader = read(text[:end])
        assert reader.answer is None
        with pytest.raises(BadAnswerError, match="in the middle of the answer"):
            reader.end()


def test_an_answer_may_last_until_the_connection_is_closed():
    """
    One without a length and not in chunks: it is whole when the server says no more.
    """
    reader = read(UNTIL_CLOSED)
    assert reader.answer is None

    reader.end()

    assert reader.answer == Answer(200, {"content-type": "text/plain"}, b"as long as it lasts")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n", "the answer is longer than 10 bytes"),
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nb\r\nhello world\r\n",
            "the answer is longer than 10 bytes",
        ),
        (b"HTTP/1.1 200 OK\r\n\r\nhello world", "the answer is longer than 10 bytes"),
        (b"HTTP/1.1 200 OK\r\nX: " + b"y" * 200 + b"\r\n\r\n", "the answer's headers are longer than 100 bytes"),
        (b"HTTP/1.1 200 OK\r\nContent-Encoding: br\r\n\r\n", "compressed"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", "malformed HTTP response"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", "malformed HTTP response"),
        (b"HTTP/1.1 200 OK\r\nBad Header\r\n\r\n", "malformed HTTP response"),
        (b"SSH-2.0-OpenSSH_9.6\r\n", "malformed HTTP response"),
        (b"HTTP/1.1 100 Continue\r\n\r\n" * 2000, "too much before the answer"),
    ],
)
def test_what_is_out_of_bounds_is_refused(text, reason):
    """
    With a sentence, before it was read to its end.
    """
    with pytest.raises(BadAnswerError, match=reason):
        read(text, bounds=Bounds(body=10, headers=100))


@given(st.binary(max_size=300))
def test_no_bytes_raise_anything_else(data):
    """
    Whatever a server sends is an answer, the beginning of one, or refused.
    """
    reader = AnswerReader(Bounds())
    with contextlib.suppress(BadAnswerError):
        reader.feed(b"HTTP/1.1 200 OK\r\n" + data)
        reader.end()
        assert reader.answer is not None
