"""A connection asks once at a time, over whatever transport its loop has."""

import asyncio

from iwf_py.wire.connections import Connection
from iwf_py.wire.reading import Answer, Bounds


class OtherTransport:
    """One that does not derive from asyncio's, as uvloop's."""

    def __init__(self):
        self.sent = b""
        self.is_aborted = False

    def get_extra_info(self, name):
        return self

    def setsockopt(self, *option):
        pass

    def is_closing(self):
        return self.is_aborted

    def write(self, data):
        self.sent += data

    def get_write_buffer_size(self):
        return 0

    def abort(self):
        self.is_aborted = True


def test_the_transport_of_another_loop_will_do():
    """
    What comes over it is an answer, and what comes unasked ends the connection.
    """

    async def ask():
        transport, connection = OtherTransport(), Connection(Bounds(), lambda _: None)
        connection.connection_made(transport)
        told = []
        connection.ask(b"HEAD", b"BODY", told.append)
        connection.data_received(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
        assert transport.sent == b"HEADBODY"
        assert told == [Answer(200, {"content-length": "2"}, b"{}")]
        assert connection.is_free
        connection.data_received(b"HTTP/1.1 200 OK\r\n")
        assert transport.is_aborted
        assert not connection.is_free

    asyncio.run(ask())
