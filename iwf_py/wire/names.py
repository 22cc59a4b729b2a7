"""Looking names of hosts up, off the loop: a name server that does not answer holds up nobody who asks for other names.

One look at a name is shared by all who ask meanwhile, and kept for a few seconds. Each look has a thread of its own: the
system's resolver may take half a minute, and a pool would be filled by names that lead nowhere.
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future

Resolve = Callable[[str, int], tuple[str, ...]]
Vet = Callable[[tuple[str, ...]], None]

# Looks at names that nobody spelt out: whoever starts runs could make up any number of them.
MOST = 64
KEPT = 1024


class RefusedAddressError(OSError):
    """A host has an address that must not be called; an `OSError`, for it comes where one looks names up."""


def resolve(host: str, port: int) -> tuple[str, ...]:
    """Ask the system for the addresses of a host, best first."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return tuple(dict.fromkeys(str(place[0]) for *_, place in found))


class Names:
    """
    Looks names up, and keeps what was found for a while.

    Args:
        resolve: Tells the addresses of a host; it may take its time.

        keep_seconds: How long an answer is good.
    """

    def __init__(self, resolve: Resolve = resolve, *, keep_seconds: float = 5.0) -> None:
        self._resolve = resolve
        self._keep_seconds = keep_seconds
        self._lock = threading.Lock()
        self._found: dict[tuple[str, int], tuple[float, tuple[str, ...]]] = {}
        self._looks: dict[tuple[str, int], list[tuple[Future[tuple[str, ...]], Vet]]] = {}
        self._unknown = 0

    def look_up(self, host: str, port: int, vet: Vet, *, is_known: bool = True) -> Future[tuple[str, ...]]:
        """
        Look a host up.

        Args:
            vet: Called with its addresses; what it raises is the answer.

            is_known: Did the server's owner spell the name out? Of others only so many are looked up at once.

        Errors, through the future:
            OSError: It has no address, or cannot be looked up now; or whatever *vet* raised.
        """
        future: Future[tuple[str, ...]] = Future()
        place = host, port
        with self._lock:
            found = self._found.get(place)
            is_found = found is not None and found[0] > time.monotonic()
            is_new = not is_found and place not in self._looks
            is_refused = is_new and not is_known and self._unknown >= MOST
            if is_new and not is_refused:
                self._unknown += not is_known
            if not is_found and not is_refused:
                self._looks.setdefault(place, []).append((future, vet))
        if found is not None and is_found:
            _answer(future, vet, found[1])
        elif is_refused:
            future.set_exception(OSError(f"host {host!r} cannot be looked up now: too many other names are"))
        elif is_new:
            try:
                threading.Thread(target=self._look, args=(place, is_known), name="iwf-names", daemon=True).start()
            except RuntimeError as error:
                self._answer_all(place, OSError(f"host {host!r} cannot be looked up now: {error}"), is_known)
        return future

    def _look(self, place: tuple[str, int], is_known: bool) -> None:
        answer: tuple[str, ...] | Exception
        try:
            answer = tuple(self._resolve(*place)) or OSError(f"host {place[0]!r} has no address")
        except Exception as error:  # noqa: BLE001 - whoever asked is answered: UnicodeError is not an OSError
            answer = error if isinstance(error, OSError) else OSError(f"host {place[0]!r} cannot be looked up: {error}")
        self._answer_all(place, answer, is_known)

    def _answer_all(self, place: tuple[str, int], answer: tuple[str, ...] | Exception, is_known: bool) -> None:
        with self._lock:
            self._unknown -= not is_known
            asked = self._looks.pop(place)
            if not isinstance(answer, Exception):
                if len(self._found) >= KEPT:
                    self._found.clear()
                self._found[place] = time.monotonic() + self._keep_seconds, answer
        for future, vet in asked:
            _answer(future, vet, answer)


def _answer(future: Future[tuple[str, ...]], vet: Vet, answer: tuple[str, ...] | Exception) -> None:
    # Whoever asked may have gone.
    if not future.set_running_or_notify_cancel():
        return
    if isinstance(answer, Exception):
        future.set_exception(answer)
        return
    try:
        vet(answer)
    except Exception as error:  # noqa: BLE001 - what is said of the addresses is the answer
        future.set_exception(error)
    else:
        future.set_result(answer)
