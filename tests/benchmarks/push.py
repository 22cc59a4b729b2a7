"""Calls of workers over HTTP: how many a second one engine makes, to a local server that answers at once.

    python -m tests.benchmarks.push [--calls 20000] [--at-once 64]

The server is a process of its own. One JSON line for the posts alone, and one for whole calls: the request's body written and
the answer judged.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import statistics
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from multiprocessing.connection import Connection
from time import perf_counter, process_time

from iwf_py.model.invocations import ExecuteResult, Invocation, InvocationKind
from iwf_py.model.payload import Payload
from iwf_py.wire.exchanging import Answered, Post
from iwf_py.wire.posting import Poster
from iwf_py.wire.push import PushPerformer
from iwf_py.wire.worker_urls import WorkerUrls

_BODY = json.dumps({"stateDecision": {"nextStates": [{"stateId": "_SYS_GRACEFUL_COMPLETING_WORKFLOW"}]}}).encode()
_ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (len(_BODY), _BODY)


class _Worker(asyncio.Protocol):
    """Answers each request once its body is there."""

    def __init__(self) -> None:
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, end, rest = self._received.partition(b"\r\n\r\n")
        if end and len(rest) >= int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0]):
            self._received = b""
            self._transport.write(_ANSWER)


def serve(pipe: Connection) -> None:
    async def run() -> None:
        server = await asyncio.get_running_loop().create_server(_Worker, "127.0.0.1", 0)
        pipe.send(server.sockets[0].getsockname()[1])
        await asyncio.to_thread(pipe.recv)

    asyncio.run(run())


def measure(name: str, count: int, at_once: int, begin: Callable[[Callable[[object], None]], object]) -> None:
    """Keep so many going until *count* are over; each begins the next on the thread that tells of it."""
    over = threading.Event()
    lock = threading.Lock()
    left, done = count - at_once, 0
    times: list[float] = []

    def go() -> None:
        begun = perf_counter()

        def told(answer: object) -> None:
            nonlocal left, done
            assert isinstance(answer, Answered | ExecuteResult), answer
            times.append(perf_counter() - begun)
            with lock:
                done += 1
                left -= 1
                has_more, is_last = left >= 0, done == count
            if is_last:
                over.set()
            elif has_more:
                go()

        begin(told)

    start, cpu = perf_counter(), process_time()
    for _ in range(at_once):
        go()
    over.wait()
    spent = perf_counter() - start
    figures = {
        "at_once": at_once,
        "per_second": round(count / spent),
        "cpu_ms": round((process_time() - cpu) / count * 1000, 3),
        "p50_ms": round(statistics.median(times) * 1000, 2),
        "p99_ms": round(statistics.quantiles(times, n=100)[98] * 1000, 2),
    }
    print(json.dumps({"benchmark": name, **figures}))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=int, default=20_000)
    parser.add_argument("--at-once", type=int, default=64)
    arguments = parser.parse_args()
    ours, theirs = multiprocessing.Pipe()
    server = multiprocessing.get_context("spawn").Process(target=serve, args=(theirs,))
    server.start()
    url = f"http://127.0.0.1:{ours.recv()}"
    urls = WorkerUrls([url])
    call = Invocation(
        kind=InvocationKind.EXECUTE,
        namespace="default",
        workflow_type="Flow",
        workflow_id="w",
        run_id="r",
        started_at=datetime.now(UTC),
        method_name="Step",
        input=Payload("json/plain", '"some text of an ordinary length"'),
        state_execution_id="Step-1",
        first_attempt_at=datetime.now(UTC),
        timeout=timedelta(seconds=30),
        worker_url=url,
    )
    poster, performer = Poster(urls.look_up), PushPerformer(urls)
    post = Post(url=f"{url}/x", body=b"{}", timeout=30.0)
    for at_once in (1, arguments.at_once):
        count = max(at_once, arguments.calls // (1 if at_once > 1 else 10))
        measure("posts", count, at_once, lambda told: poster.post(post, told))
        measure("worker calls", count, at_once, lambda told: performer.perform(call, told))
    poster.close()
    performer.close()
    ours.send(None)
    server.join()


if __name__ == "__main__":
    main()
