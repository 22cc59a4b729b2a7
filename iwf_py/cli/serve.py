"""``iwf server``: a server of the iWF protocol, in a process of its own.

Two processes, as Granian has it: one that was called and watches over the other, which holds the engine and serves. They end
together, however the first one ends: whoever kills it may start the next at once, on the same port and database.
"""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from ipaddress import ip_address
from multiprocessing.connection import wait as wait_for
from multiprocessing.util import Finalize
from pathlib import Path
from typing import Any

from attrs import evolve, frozen
from granian.constants import Interfaces
from granian.http import HTTP1Settings
from granian.log import LogLevels
from granian.server import MPServer

from iwf_py.errors import InvalidArgumentError, IwfError
from iwf_py.runtime.threads import relax_garbage_collection
from iwf_py.server.factory import App
from iwf_py.server.gate import ANY_ADDRESS
from iwf_py.server.keys import read_keys
from iwf_py.serving import Server, ServerOptions

_log = logging.getLogger("iwf_py.server")

# Threads beside those that wait in long polls: for RPCs, whose workers may be slow, and for all that is quick.
_MORE_THREADS = 1_000
# How long a port may stay taken by a server that has just been killed.
_PORT_PATIENCE_SECONDS = 3.0
# How long a client may take to say what it wants.
_HEADER_MILLISECONDS = 10_000
# What requests and calls of workers get to end in.
_GRACE_SECONDS = 10


@frozen(kw_only=True)
class Place:
    """Where a server listens."""

    host: str
    port: int

    @property
    def is_loopback(self) -> bool:
        """Can nobody but this machine reach it?"""
        if self.host == "localhost":
            return True
        try:
            return ip_address(self.host).is_loopback
        except ValueError:
            return False

    @property
    def url(self) -> str:
        """The URL for clients on this machine."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"


def checked(place: Place, options: ServerOptions) -> ServerOptions:
    """
    Look at options before anything is opened, and add what follows from the place.

    Errors:
        InvalidArgumentError: They are wrong, or would leave the server open to others.
    """
    options.worker_urls()
    options.rates()
    if options.keys is not None:
        read_keys(Path(options.keys))
    elif not place.is_loopback and not options.insecure_no_auth:
        raise InvalidArgumentError(
            f"{place.host!r} can be reached from other machines: give a key file (--keys, made with iwf keys create), "
            "or say --insecure-no-auth to serve whoever comes"
        )
    hosts = [*options.trusted_hosts]
    with suppress(ValueError):
        hosts.append(ANY_ADDRESS if ip_address(place.host).is_unspecified else _as_host(place.host))
    return evolve(options, trusted_hosts=tuple(hosts))


def _as_host(address: str) -> str:
    return f"[{address}]" if ":" in address else address


def serve(place: Place, url: str, options: ServerOptions, beside: Callable[[], None] | None = None) -> None:
    """
    Serve until a signal ends it: the first lets what is under way end, a second one ends everything at once.

    Args:
        url: Of the database.

        beside: Called once in the process that serves, when the engine is there.

    Errors:
        InvalidArgumentError: An option is wrong, or the port is taken.
    """
    options = checked(place, options)
    address = _free_address(place)
    most = options.long_polls + _MORE_THREADS
    server = _Granian(
        "iwf_py",
        address=address,
        port=place.port,
        interface=Interfaces.WSGI,
        blocking_threads=most,
        backlog=max(1_024, most),
        backpressure=most,
        workers_kill_timeout=2 * _GRACE_SECONDS,
        websockets=False,
        http1_settings=HTTP1Settings(header_read_timeout=_HEADER_MILLISECONDS),
        log_level=LogLevels.error,
        log_dictconfig=_LOGGING,
    )
    server.serve(target_loader=partial(_load, place, url, options, beside), wrap_loader=False)


class _Granian(MPServer):
    """Granian, but a second signal ends everything at once."""

    def signal_handler_interrupt(self, *args: Any, **kwargs: Any) -> None:
        """Begin to end; or end."""
        if self.interrupt_signal:
            for worker in self.wrks:
                os.kill(worker.inner.pid, signal.SIGKILL)
            os._exit(1)
        super().signal_handler_interrupt(*args, **kwargs)  # type: ignore[no-untyped-call]  # Granian has no types here


_LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s: %(message)s"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line", "stream": "ext://sys.stderr"}},
    "loggers": {
        "_granian": {"handlers": ["stderr"], "level": "ERROR", "propagate": False},
        "granian.access": {"handlers": ["stderr"], "level": "WARNING", "propagate": False},
        "iwf_py": {"handlers": ["stderr"], "level": "INFO", "propagate": False},
        "iwf_py.scheduling": {"level": "WARNING"},
    },
}


def _free_address(place: Place) -> str:
    """
    Find the address to listen on, and see that its port is free: the server's own socket would share it with another's.

    Errors:
        InvalidArgumentError: There is no such address here, or the port is taken.
    """
    until = time.monotonic() + _PORT_PATIENCE_SECONDS
    while True:
        try:
            family, kind, protocol, _, address = socket.getaddrinfo(
                place.host, place.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
            )[0]
            with socket.socket(family, kind, protocol) as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind(address)
            return str(address[0])
        except OSError as error:
            if time.monotonic() >= until:
                raise InvalidArgumentError(
                    f"cannot listen on {place.host}, port {place.port} ({error.strerror or error}); give another --port"
                ) from None
            time.sleep(0.05)


# In the process that serves.


def _load(place: Place, url: str, options: ServerOptions, beside: Callable[[], None] | None) -> App:
    """Open the engine: what Granian calls for the application, on the main thread of the process that serves."""
    threading.Thread(target=_end_with_parent, name="iwf-parent", daemon=True).start()
    server = Server(url, options, grace_seconds=_GRACE_SECONDS / 2)
    try:
        server.start()
        if beside is not None:
            beside()
    except IwfError as error:
        print(f"iwf: {error}", file=sys.stderr, flush=True)
        # Nothing was opened; Granian would show a traceback.
        os._exit(2)
    _drain_at_signals(server.drain)
    _close_at_end(server.close)
    relax_garbage_collection()
    if options.keys is None and options.insecure_no_auth:
        _log.warning("--insecure-no-auth: whoever reaches %s may do everything", place.url)
    _log.info("serving %s on %s", url, place.url)
    return server.app


def _drain_at_signals(drain: Callable[[], None]) -> None:
    """
    Have nobody wait any longer once a signal has come.

    Granian takes no new requests from then on, and ends when those that it has are answered: a long poll would take a minute.
    """
    heard, told = socket.socketpair()
    told.setblocking(False)
    # Beside Granian's own handlers, which are not set yet, and would replace ours.
    signal.set_wakeup_fd(told.fileno())

    def listen() -> None:
        heard.recv(1)
        _log.info("ending: no more calls are taken; a second signal ends it at once")
        drain()
        # Held until here: the descriptor is written to by number.
        told.getpeername()

    threading.Thread(target=listen, name="iwf-signals", daemon=True).start()


def _close_at_end(close: Callable[[], None]) -> None:
    """Give the database up when this process ends in an orderly way, while threads can still be had."""
    Finalize(None, close, exitpriority=0)


def _end_with_parent() -> None:
    """End as if killed when the first process is gone: it would have told us to end if it could."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    wait_for([parent.sentinel])
    os._exit(1)
