"""A worker's server that does what its caller asks for in the path, on plain streams: well or badly."""

import asyncio
import json
import struct
import threading
from contextlib import suppress

GOOD = b'{"good":true}'


class Request:
    """What came: the path, the headers by name in lower case, and the body; and where more would come from."""

    def __init__(self, path, headers, body, reader):
        self.reader = reader
        self.path = path
        self.headers = headers
        self.body = body


def answer(body=GOOD, status="200 OK", content_type="application/json", more=""):
    return (
        f"HTTP/1.1 {status}\r\nContent-Type: {content_type}\r\nContent-Length: {len(body)}\r\n{more}\r\n"
    ).encode() + body


class Hostile:
    """
    Listens on loopback, from its making to `close`; over TLS where it is given a context.

    ``/good`` answers; each other path is one way to be a bad worker, see the methods. ``/hang/...`` and the like behave the
    same: the first segment counts.
    """

    def __init__(self, tls=None):
        self._tls = tls
        self.requests = []
        self.connections = 0
        self.sent = 0
        self.open_now = 0
        self.most_open = 0
        self.second_sent = threading.Event()
        self._ready = threading.Event()
        self._release = None
        self._thread = threading.Thread(target=asyncio.run, args=(self._serve(),), name="hostile")
        self._thread.start()
        assert self._ready.wait(10)

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def paths(self, beginning):
        return [request.path for request in self.requests if request.path.startswith(beginning)]

    def release(self):
        """Let those that hang answer."""
        self._loop.call_soon_threadsafe(self._release.set)

    def hang_up(self):
        """Close all connections."""
        self._loop.call_soon_threadsafe(lambda: [writer.close() for writer in self._writers])

    def close(self):
        self._loop.call_soon_threadsafe(self._over.set)
        self._thread.join(10)
        assert not self._thread.is_alive()

    async def _serve(self):
        self._loop = asyncio.get_running_loop()
        self._over = asyncio.Event()
        self._release = asyncio.Event()
        self._tasks = set()
        self._writers = set()
        server = await asyncio.start_server(self._connected, "127.0.0.1", 0, backlog=1024, ssl=self._tls)
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        await self._over.wait()
        server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _connected(self, reader, writer):
        self._tasks.add(asyncio.current_task())
        self._writers.add(writer)
        self.connections += 1
        self.open_now += 1
        self.most_open = max(self.most_open, self.open_now)
        try:
            with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
                while await self._one(reader, writer):
                    pass
        finally:
            self.open_now -= 1
            self._tasks.discard(asyncio.current_task())
            self._writers.discard(writer)
            with suppress(Exception):
                writer.transport.abort() if self._over.is_set() else writer.close()

    async def _one(self, reader, writer):
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:] if line)}
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        path = head[0].split()[1]
        self.requests.append(Request(path, headers, body, reader))
        behave = getattr(self, path.split("/")[1].replace("-", "_"))
        return await behave(writer, self.requests[-1])

    # --- behaviours: each tells whether the connection may be used again ---------------------------------------

    async def good(self, writer, request):
        writer.write(answer())
        await writer.drain()
        return True

    async def echo(self, writer, request):
        writer.write(answer(json.dumps({"path": request.path, "body": request.body.decode()}).encode()))
        await writer.drain()
        return True

    async def reset(self, writer, request):
        writer.get_extra_info("socket").setsockopt(1, 13, struct.pack("ii", 1, 0))  # SO_LINGER: RST at the close
        writer.transport.abort()
        return False

    async def close_at_once(self, writer, request):
        return False

    async def hang(self, writer, request):
        """Answer when the test says so; until then, or until its caller goes, nothing."""
        waits = [asyncio.ensure_future(self._release.wait()), asyncio.ensure_future(request.reader.read(1))]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
        await asyncio.gather(*waits, return_exceptions=True)
        return self._release.is_set() and await self.good(writer, request)

    async def drip(self, writer, request):
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n")
        return await self._drip(writer, b" ")

    async def drip_headers(self, writer, request):
        writer.write(b"HTTP/1.1 200 OK\r\nX: ")
        return await self._drip(writer, b"x")

    async def _drip(self, writer, byte):
        while True:
            writer.write(byte)
            await writer.drain()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._over.wait(), 0.05)
                return False

    async def html(self, writer, request):
        writer.write(answer(b"<html>\x1b[31mhello</html>", content_type="text/html"))
        return True

    async def gigabyte(self, writer, request):
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 1073741824\r\n\r\n")
        return await self._flood(writer, b"x" * 65536, 16384)

    async def endless(self, writer, request):
        """A gigabyte that does not say how long it is."""
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n")
        return await self._flood(writer, b"10000\r\n" + b"x" * 65536 + b"\r\n", 16384)

    async def crumbs(self, writer, request):
        """A long answer in chunks of one byte."""
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n")
        return await self._flood(writer, b"1\r\nx\r\n" * 10000, 10000)

    async def continues(self, writer, request):
        """Interim answers without end."""
        return await self._flood(writer, b"HTTP/1.1 100 Continue\r\n\r\n" * 2000, 1 << 30)

    async def interim(self, writer, request):
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n")
        await writer.drain()
        return await self.good(writer, request)

    async def many_headers(self, writer, request):
        writer.write(b"HTTP/1.1 200 OK\r\n")
        return await self._flood(writer, b"X-More: " + b"y" * 100 + b"\r\n", 1 << 30)

    async def long_headers(self, writer, request):
        """So many bytes as are too many, in as many headers as are allowed."""
        more = "".join(f"X-{number}: {'y' * 7000}\r\n" for number in range(10))
        writer.write(answer(more=more))
        return True

    async def long_header(self, writer, request):
        writer.write(b"HTTP/1.1 200 OK\r\nX: ")
        return await self._flood(writer, b"y" * 65536, 1 << 30)

    async def _flood(self, writer, piece, times):
        for _ in range(times):
            writer.write(piece)
            self.sent += len(piece)
            await writer.drain()
        return False

    async def redirect(self, writer, request):
        to = "/good/elsewhere"
        writer.write(answer(b"", status="302 Found", more=f"Location: {to}\r\nSet-Cookie: a=b; Path=/\r\n"))
        return True

    async def repeat(self, writer, request):
        writer.write(answer(b"", status="307 Temporary Redirect", more="Location: /good/elsewhere\r\n"))
        return True

    async def cookie(self, writer, request):
        writer.write(answer(more="Set-Cookie: a=b; Path=/\r\n"))
        return True

    async def twice(self, writer, request):
        writer.write(answer() + answer(b'{"evil":true}'))
        return True

    async def twice_later(self, writer, request):
        """The second answer comes when the first was read."""
        writer.write(answer())
        await writer.drain()
        await self._release.wait()
        writer.write(answer(b'{"evil":true}'))
        await writer.drain()
        self.second_sent.set()
        return True

    async def half(self, writer, request):
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{")
        await writer.drain()
        return False

    async def half_chunk(self, writer, request):
        writer.write(
            b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n1000\r\n{"
        )
        await writer.drain()
        return False

    async def garbage(self, writer, request):
        writer.write(b"\x00\x01 220 smtp.example ESMTP\r\n\r\n")
        return False

    async def gzipped(self, writer, request):
        writer.write(answer(b"\x1f\x8b" + b"\0" * 100, more="Content-Encoding: gzip\r\n"))
        return True

    async def both_lengths(self, writer, request):
        writer.write(
            b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 3\r\n"
            b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"
        )
        return True

    async def not_utf8(self, writer, request):
        writer.write(answer(b'"\xff\xfe"'))
        return True

    async def upgrade(self, writer, request):
        writer.write(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n")
        return await self._flood(writer, b"z" * 65536, 1 << 30)

    async def no_content(self, writer, request):
        writer.write(b"HTTP/1.1 204 No Content\r\n\r\n")
        return True

    async def unknown_status(self, writer, request):
        writer.write(answer(b"{}", status="599 "))
        return True
