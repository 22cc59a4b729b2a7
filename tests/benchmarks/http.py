"""The server over HTTP: starts, RPCs and whole workflows a second, with server, worker and clients as separate processes.

    python -m tests.benchmarks.http [--workflows 2000] [--calls 5000] [--alone 300] [--directory DIR]

One JSON line per figure. The server is ``iwf server`` on SQLite with WAL and synchronous=FULL; the worker answers at once, on
plain streams, so that it is the server that is measured; `server_cpu_ms` is what it spent on one. Each connection of the
clients makes one call after the other. A three-step workflow is started and waited for by a long poll.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import os
import socket
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from time import perf_counter, sleep
from typing import Any

from tests.benchmarks.raw import limits

API = "/api/v1/workflow"
STEPS = ("First", "Second", "Third")
_SKIP = {"skipWaitUntil": True}


def decision(state_id: str) -> dict[str, Any]:
    """Decide what follows a step."""
    following = {**dict(zip(STEPS, STEPS[1:], strict=False)), STEPS[-1]: "_SYS_GRACEFUL_COMPLETING_WORKFLOW"}
    movement = {"stateId": following[state_id], "stateInput": {"encoding": "json", "data": "1"}}
    return {"stateDecision": {"nextStates": [{**movement, "stateOptions": _SKIP}]}}


_ANSWERS = {
    **{state_id: json.dumps(decision(state_id)).encode() for state_id in STEPS},
    None: json.dumps({"output": {"encoding": "json", "data": "1"}}).encode(),
}


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
        if not end or len(rest) < length_of(head):
            return
        self._received = b""
        body = _ANSWERS[json.loads(rest).get("workflowStateId")]
        self._transport.write(
            b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)
        )


def length_of(head: bytes) -> int:
    return int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])


def work(pipe: Connection) -> None:
    async def run() -> None:
        server = await asyncio.get_running_loop().create_server(_Worker, "127.0.0.1", 0, backlog=1024)
        pipe.send(server.sockets[0].getsockname()[1])
        await asyncio.to_thread(pipe.recv)

    asyncio.run(run())


class Caller:
    """One connection to the server."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def post(self, name: str, body: dict[str, Any]) -> dict[str, Any]:
        text = json.dumps(body).encode()
        self._writer.write(
            b"POST %s/%s HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n%s"
            % (API.encode(), name.encode(), len(text), text)
        )
        head = await self._reader.readuntil(b"\r\n\r\n")
        answer = await self._reader.readexactly(length_of(head))
        if not head.startswith(b"HTTP/1.1 200"):
            raise AssertionError(f"{name} was answered {head[:30]!r} {answer!r}")
        told: dict[str, Any] = json.loads(answer)
        return told


class Clients:
    """Calls of one kind over a number of connections."""

    def __init__(self, server: int, port: int, worker_url: str) -> None:
        self._server = server
        self._port = port
        self._worker_url = worker_url

    def starting(self, workflow_id: str, **more: Any) -> dict[str, Any]:
        start = {"workflowId": workflow_id, "iwfWorkflowType": "Bench", "workflowTimeoutSeconds": 3600}
        return {**start, "iwfWorkerUrl": self._worker_url, **more}

    async def start(self, caller: Caller, name: str) -> None:
        await caller.post("start", self.starting(name))

    async def rpc(self, caller: Caller, name: str) -> None:
        await caller.post("rpc", {"workflowId": "rpc", "rpcName": "ask"})

    async def workflow(self, caller: Caller, name: str) -> None:
        await caller.post("start", self.starting(name, startStateId=STEPS[0], stateOptions=_SKIP))
        told = await caller.post("getWithWait", {"workflowId": name, "needsResults": True})
        if told["workflowStatus"] != "COMPLETED":
            raise AssertionError(f"{name} came to {told}")

    async def get(self, caller: Caller, name: str) -> None:
        await caller.post("get", {"workflowId": "rpc"})

    async def beside_polls(self, polls: int, count: int) -> dict[str, float]:
        """Measure quick calls while so many long polls are open."""
        waiting = [await asyncio.open_connection("127.0.0.1", self._port) for _ in range(polls)]
        answers = [asyncio.create_task(Caller(*pair).post("getWithWait", {"workflowId": "rpc"})) for pair in waiting]
        # All of them are sent, and each has a thread.
        await asyncio.sleep(1.0)
        figures = await self.measure("get", count, 1)
        answered = sum(answer.done() for answer in answers)
        for answer, (_, writer) in zip(answers, waiting, strict=True):
            answer.cancel()
            writer.close()
        await asyncio.gather(*answers, return_exceptions=True)
        return {"polls": polls, "polls_answered": answered, **figures}

    async def measure(self, kind: str, count: int, at_once: int) -> dict[str, float]:
        call = getattr(self, kind)
        numbers: Iterator[int] = iter(range(count))
        times: list[float] = []

        async def client() -> None:
            reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
            caller = Caller(reader, writer)
            for number in numbers:
                begun = perf_counter()
                await call(caller, f"{kind}-{at_once}-{number}")
                times.append(perf_counter() - begun)
            writer.close()

        begun, cpu = perf_counter(), cpu_seconds(self._server)
        await asyncio.gather(*(client() for _ in range(at_once)))
        seconds = perf_counter() - begun
        return {
            "at_once": at_once,
            "per_second": round(count / seconds),
            "server_cpu_ms": round((cpu_seconds(self._server) - cpu) / count * 1000, 3),
            "p50_ms": round(statistics.median(times) * 1000, 2),
            "p99_ms": round(sorted(times)[int(len(times) * 0.99)] * 1000, 2),
        }


def cpu_seconds(process: int) -> float:
    """Tell what a process and those that it started have spent; 0 where the system does not tell it as Linux does."""
    try:
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
        children = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    except OSError:
        return 0.0
    spent = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return spent + sum(cpu_seconds(int(child)) for child in children)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def server(directory: str, worker_url: str) -> Iterator[tuple[int, int]]:
    """Run the server; gives its process and its port once it answers."""
    port = free_port()
    command = [sys.executable, "-m", "iwf_py.cli", "server", "--port", str(port)]
    command += ["--database", f"sqlite:///{directory}/bench.db", "--allow-worker-url", worker_url]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    try:
        while True:
            try:
                socket.create_connection(("127.0.0.1", port)).close()
                break
            except OSError:
                if process.poll() is not None:
                    raise AssertionError("the server has ended") from None
                sleep(0.05)
        yield process.pid, port
    finally:
        process.terminate()
        process.wait(60)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workflows", type=int, default=2000)
    parser.add_argument("--calls", type=int, default=5000)
    parser.add_argument("--alone", type=int, default=300)
    parser.add_argument("--at-once", type=int, default=64)
    parser.add_argument("--polls", type=int, default=1000)
    parser.add_argument(
        "--directory", type=Path, default=None, help="where the database is; a temporary one if not given"
    )
    arguments = parser.parse_args()
    ours, theirs = multiprocessing.Pipe()
    worker = multiprocessing.get_context("spawn").Process(target=work, args=(theirs,))
    worker.start()
    worker_url = f"http://127.0.0.1:{ours.recv()}"
    with tempfile.TemporaryDirectory(dir=arguments.directory) as directory:
        print(json.dumps({"benchmark": "limits", **limits(Path(directory))}))
        with server(directory, worker_url) as (process, port):
            clients = Clients(process, port, worker_url)
            asyncio.run(clients.measure("workflow", 20, 1))
            asyncio.run(_one(clients))
            for at_once, calls, workflows in (
                (1, arguments.calls // 10, arguments.alone),
                (arguments.at_once, arguments.calls, arguments.workflows),
            ):
                for kind, count in (("start", calls), ("rpc", calls), ("workflow", workflows)):
                    figures = asyncio.run(clients.measure(kind, max(count, at_once), at_once))
                    name = "three-step over HTTP" if kind == "workflow" else f"{kind} over HTTP"
                    print(json.dumps({"benchmark": name, **figures}), flush=True)
            for polls in (0, arguments.polls):
                figures = asyncio.run(clients.beside_polls(polls, max(50, arguments.calls // 10)))
                print(json.dumps({"benchmark": "get beside long polls", **figures}), flush=True)
    ours.send(None)
    worker.join()


async def _one(clients: Clients) -> None:
    """Start the run that RPCs ask."""
    reader, writer = await asyncio.open_connection("127.0.0.1", clients._port)
    await Caller(reader, writer).post("start", clients.starting("rpc"))
    writer.close()


if __name__ == "__main__":
    main()
