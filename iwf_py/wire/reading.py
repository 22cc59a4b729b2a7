"""Reading the answer to a request, from bytes that a server sends as it likes.

Nothing here waits. What is read is bounded: the headers, the body, what comes before the answer, and how finely its body is
cut. The grammar of HTTP is llhttp's.
"""

from __future__ import annotations

from attrs import frozen
from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

MAX_BODY = 8 * 1024 * 1024
MAX_HEADERS = 64 * 1024
_MAX_HEADER = 8 * 1024
_MAX_HEADER_LINES = 128
# So much may come that is of no use: what a server sends in one go.
SLACK = 32 * 1024
_WITHOUT_BODY = frozenset({204, 304})


class BadAnswerError(Exception):
    """What came is no answer, or one that is not read to its end; the text says why."""


@frozen(kw_only=True)
class Bounds:
    """
    How much of an answer is read.

    Attributes:
        body: Bytes.

        headers: Bytes.
    """

    body: int = MAX_BODY
    headers: int = MAX_HEADERS


@frozen
class Answer:
    """
    What came back.

    Attributes:
        headers: By their names in lower case; of several with one name, the first.
    """

    status: int
    headers: dict[str, str]
    body: bytes


class AnswerReader:
    """
    Reads one answer after another, each asked for by `begin`; its parser calls it back.

    Attributes:
        answer: Once it is complete.

        is_last: The connection is of no more use after this answer: its server says so, or has sent more than was asked for.
    """

    def __init__(self, bounds: Bounds) -> None:
        self._bounds = bounds
        # It holds methods of this object: see `close`.
        self._parser: HttpResponseParser | None = HttpResponseParser(self)
        # The parser wraps what its callbacks raise.
        self._problem: BadAnswerError | None = None
        self.begin()

    def begin(self) -> None:
        """Expect an answer of which nothing has come."""
        self.answer: Answer | None = None
        self.is_last = False
        self._headers: dict[str, str] = {}
        self._header_lines = 0
        self._header_size = 0
        self._pieces: list[bytes] = []
        self._size = 0
        self._received = 0
        self._status = 0
        self._has_headers = False
        self._lasts_until_closed = False

    def feed(self, data: bytes) -> None:
        """
        Read what has come.

        Errors:
            BadAnswerError: It is no answer, or too much.
        """
        if self._parser is None:
            return
        self._received += len(data)
        try:
            self._parser.feed_data(data)
        except HttpParserUpgrade:
            # Another protocol follows, which is not spoken here; the answer was complete with its headers.
            self.is_last = True
        except HttpParserError as error:
            if self.answer is None:
                raise self._problem or BadAnswerError(f"malformed HTTP response: {line(str(error))}") from None
            self.is_last = True
        if self.answer is None:
            self._check_cost()

    def end(self) -> None:
        """
        Hear that nothing more will come: that is how some answers end.

        Errors:
            BadAnswerError: It is not how this one does.
        """
        if not self._received:
            raise BadAnswerError("EOF: the connection was closed before an answer came")
        if not self._lasts_until_closed:
            raise BadAnswerError("unexpected EOF: the connection was closed, or broken, in the middle of the answer")
        self._complete()

    def close(self) -> None:
        """Let go of the parser, and with it of the circle between the two."""
        self._parser = None

    # --- what the parser calls ------------------------------------------------------------------------------

    def on_message_begin(self) -> None:
        """Note what follows the answer."""
        if self.answer is not None:
            self.is_last = True

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header; those of interim answers count as well."""
        self._header_lines += 1
        self._header_size += len(name) + len(value) + 4
        if self._header_size > self._bounds.headers:
            raise self._refused(f"the answer's headers are longer than {self._bounds.headers} bytes")
        if self._header_lines > _MAX_HEADER_LINES or len(name) + len(value) > _MAX_HEADER:
            raise self._refused("malformed HTTP response: too many headers, or one that is too long")
        self._headers.setdefault(name.decode("latin-1").lower(), value.decode("latin-1"))

    def on_headers_complete(self) -> None:
        """Decide whether the body is read at all."""
        if self._parser is None or self.answer is not None:
            return
        status = self._status = self._parser.get_status_code()
        if status < 200 and status != 101:
            return
        if self._headers.get("content-encoding", "identity").strip().lower() not in ("", "identity"):
            raise self._refused("the answer is compressed, which was not asked for")
        length = self._headers.get("content-length")
        # An answer that says how long it is need not be read to know that it is too long.
        if length is not None and length.isdigit() and int(length[:20]) > self._bounds.body:
            raise self._too_long()
        self._has_headers = True
        self._lasts_until_closed = (
            length is None and "transfer-encoding" not in self._headers and status not in _WITHOUT_BODY
        )

    def on_body(self, data: bytes) -> None:
        """Take a piece of the body."""
        if self.answer is not None:
            return
        self._size += len(data)
        if self._size > self._bounds.body:
            raise self._too_long()
        self._pieces.append(data)

    def on_message_complete(self) -> None:
        """Have the answer; an interim one (100 to 199) is forgotten, for another follows."""
        if self.answer is not None or self._parser is None:
            return
        if self._has_headers:
            self.is_last = not self._parser.should_keep_alive()
            self._complete()
        else:
            self._headers.clear()

    def _complete(self) -> None:
        self.answer = Answer(self._status, self._headers, b"".join(self._pieces))

    def _check_cost(self) -> None:
        """
        Refuse what costs more than it is worth.

        Errors:
            BadAnswerError: It does.
        """
        spare = self._bounds.headers + SLACK
        if self._received <= spare:
            return
        if not self._has_headers:
            # Interim answers cost most, and there could be any number of them.
            raise BadAnswerError("malformed HTTP response: too much before the answer")
        if self._received > spare + 2 * self._size:
            # A chunk of a byte costs as much as one of many.
            raise BadAnswerError("malformed HTTP response: chunks too small for so long an answer")

    def _refused(self, text: str) -> BadAnswerError:
        self._problem = BadAnswerError(text)
        return self._problem

    def _too_long(self) -> BadAnswerError:
        return self._refused(f"the answer is longer than {self._bounds.body} bytes")


def line(text: str) -> str:
    """Keep the beginning of a text, as one line: it may quote what was received."""
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text[:200]).split())
