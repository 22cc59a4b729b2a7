"""Connections to one place are used again, bounded in number, and given to whoever has waited longest."""

import asyncio
import socket
from concurrent.futures import Future

import pytest

from iwf_py.wire import pools
from iwf_py.wire.pools import Place, Pool, UnreachableError
from iwf_py.wire.reading import BadAnswerError, Bounds
from tests.wire.hostile import GOOD, Hostile

HEAD = b"POST /%s HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n"


def unused_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def addresses(*found):
    def look_up(host, port):
        future = Future()
        future.set_result(found)
        return future

    return look_up


async def asked(pool, path=b"good"):
    connection = await pool.take()
    answered = asyncio.get_running_loop().create_future()

    def told(what):
        if not answered.done():
            answered.set_result(what)

    try:
        connection.ask(HEAD % path, b"", told)
        answer = await answered
    finally:
        pool.give_back(connection)
    if isinstance(answer, Exception):
        raise answer
    return answer.body


async def until(question):
    while not question():
        await asyncio.sleep(0.001)


@pytest.fixture
def in_loop():
    """Run a coroutine function with a pool of so many connections to a server; nothing of it outlives the test."""
    server = Hostile()

    def run(what, most=1, look_up=None, host="127.0.0.1", port=None):
        async def body():
            place = Place(host, port or server.port, None)
            pool = Pool(place, look_up or addresses(), Bounds(), most)
            try:
                async with asyncio.timeout(10):
                    await what(pool, server)
            finally:
                pool.close()
            await until(lambda: pool.is_empty)

        asyncio.run(body())

    yield run
    server.close()


def test_who_waits_for_a_connection_gets_it_in_turn(in_loop):
    """
    One after the other over one connection.
    """

    async def what(pool, server):
        first = await pool.take()
        waiting = [asyncio.create_task(asked(pool)) for _ in range(5)]
        await asyncio.sleep(0)
        assert not any(task.done() for task in waiting)
        pool.give_back(first)
        assert await asyncio.gather(*waiting) == [GOOD] * 5
        assert server.connections == 1

    in_loop(what)


def test_who_waits_may_go(in_loop):
    """
    Even in the moment in which the connection is given: the next has it.
    """

    async def what(pool, server):
        first = await pool.take()
        gone, too_late, stays = (asyncio.create_task(asked(pool)) for _ in range(3))
        await asyncio.sleep(0)
        gone.cancel()
        await asyncio.sleep(0)
        pool.give_back(first)
        too_late.cancel()
        assert await stays == GOOD
        assert (gone.cancelled(), too_late.cancelled()) == (True, True)
        assert server.connections == 1

    in_loop(what)


def test_who_goes_as_a_connection_comes_back_is_passed_over(in_loop):
    """
    He has gone, and nothing else: the next one in turn has the connection.
    """

    async def what(pool, server):
        first = await pool.take()
        gone, stays = (asyncio.create_task(asked(pool)) for _ in range(2))
        await asyncio.sleep(0)
        gone.cancel()
        pool.give_back(first)
        assert await stays == GOOD
        with pytest.raises(asyncio.CancelledError):
            await gone

    in_loop(what)


def test_a_connection_that_has_ended_makes_room(in_loop):
    """
    Whoever waits makes another one.
    """

    async def what(pool, server):
        broken = asyncio.create_task(asked(pool, b"close-at-once"))
        waiting = asyncio.create_task(asked(pool))
        with pytest.raises(BadAnswerError, match="EOF"):
            await broken
        assert await waiting == GOOD
        assert server.connections == 2

    in_loop(what)


def test_a_connection_that_its_server_closes_is_not_used_again(in_loop):
    """
    It is forgotten as soon as that is known.
    """

    async def what(pool, server):
        assert await asked(pool) == GOOD
        server.hang_up()
        await until(lambda: pool.is_empty)
        assert await asked(pool) == GOOD
        assert server.connections == 2

    in_loop(what)


def test_a_connection_is_not_kept_for_long(in_loop, monkeypatch):
    """
    It is closed before its server might.
    """
    monkeypatch.setattr(pools, "IDLE_SECONDS", 0.01)

    async def what(pool, server):
        assert await asked(pool) == GOOD
        await until(lambda: pool.is_empty)

    in_loop(what)


def test_an_address_at_which_nobody_is_does_not_matter(in_loop):
    """
    The next one of the host is tried, and remembered as the better one.
    """

    async def what(pool, server):
        assert await asked(pool) == GOOD
        assert await asked(pool) == GOOD
        assert server.connections == 1

    in_loop(what, host="worker.example", look_up=addresses("127.0.0.3", "127.0.0.1"))


def test_what_cannot_be_reached_leaves_no_trace(in_loop):
    """
    Each who waits is told by himself, and the room is free again.
    """

    async def what(pool, server):
        told = await asyncio.gather(*(asked(pool) for _ in range(3)), return_exceptions=True)
        assert [type(error) for error in told] == [UnreachableError] * 3
        assert isinstance(told[0].__cause__, ConnectionRefusedError)
        assert pool.is_empty

    in_loop(what, port=unused_port())
