"""What every request passes before anything looks at what it wants: one WSGI layer around the whole application.

In this order: is it meant for this host, does it come from a web page of somebody else, who sends it, how often, may they. The
one place that is open to anybody is the health check, by its method and path exactly. Every answer, a refusal too, tells
browsers to make nothing of it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping
from enum import Enum
from functools import lru_cache
from ipaddress import ip_address
from typing import Any
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from attrs import frozen

from iwf_py.errors import ClientSideError, TooManyRequestsError
from iwf_py.server.actions import Role
from iwf_py.server.answering import json_answer
from iwf_py.server.keys import Keys
from iwf_py.server.rates import Rates
from iwf_py.wire.faults import fault_of
from iwf_py.wire.marks import MARK

LOOPBACK_HOSTS = ("localhost", "127.0.0.1", "[::1]")
ANY_ADDRESS = "*"
# Where WSGI's environment has the id of the key that a request came with.
CALLER = "iwf_py.caller"

_HOST = re.compile(r"(?P<name>\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+)(?::(?P<port>[0-9]{1,5}))?", re.ASCII)
_FOREIGN_SITES = ("cross-site", "same-site")
# What proxies add: whoever they pass on is not on this machine, wherever the proxy is.
_PASSED_ON = ("HTTP_FORWARDED", "HTTP_X_FORWARDED_FOR", "HTTP_VIA")

HEADERS = [
    ("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"),
    ("X-Content-Type-Options", "nosniff"),
    ("X-Frame-Options", "DENY"),
    ("Referrer-Policy", "no-referrer"),
    ("Cache-Control", "no-store"),
    *MARK.items(),
]


class Open(Enum):
    """Whom a server without keys answers: this machine, or, where its operator says so, whoever reaches it."""

    THIS_MACHINE = "this machine"
    ANYBODY = "anybody"


Access = Keys | Open


@frozen
class _Refusal:
    """Why a request is not passed on, and what its answer says beside that."""

    error: ClientSideError
    headers: tuple[tuple[str, str], ...] = ()


class Gate:
    """
    The layer, a WSGI application around another.

    Args:
        access: Whose requests pass: those that show a key, or all.

        hosts: Names by which the server is called, beside those of loopback; with `ANY_ADDRESS` every address in figures too,
            which no name of somebody else's can be made to look like.

        roles: What each place asks for, by method and path; None for anybody. What is not in it is nowhere.

        rates: How often a key may call; None for as often as it likes. Where there are no keys nobody is counted: on this
            machine all have one address.
    """

    def __init__(
        self,
        app: WSGIApplication,
        *,
        access: Access,
        hosts: Iterable[str],
        roles: Mapping[tuple[str, str], Role | None],
        rates: Rates | None = None,
    ) -> None:
        self._app = app
        self._access = access
        self._rates = rates
        named = set(hosts)
        self._takes_addresses = ANY_ADDRESS in named
        self._hosts = {host.lower() for host in {*LOOPBACK_HOSTS, *named} - {ANY_ADDRESS}}
        self._roles = roles

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Refuse a request, or pass it on."""

        def start(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Callable[[bytes], object]:
            return start_response(status, [*headers, *HEADERS], exc_info)

        refusal = self._refusal(environ)
        if refusal is None:
            return self._app(environ, start)
        fault = fault_of(refusal.error)
        return json_answer(fault.status, fault.body, refusal.headers).give(start)

    def _refusal(self, environ: WSGIEnvironment) -> _Refusal | None:
        host = environ.get("HTTP_HOST", "")
        if not self._is_ours(host):
            return _refused(
                400, "this server is not known by the host that was asked for; allow it with --trusted-host"
            )
        why = _foreign(environ, host)
        if why is not None:
            return _refused(403, why)
        place = environ.get("REQUEST_METHOD", ""), environ.get("PATH_INFO", "")
        needed = self._roles.get(place, Role.READ)
        return None if needed is None else self._not_allowed(environ, needed)

    def _is_ours(self, host: str) -> bool:
        if host in self._hosts:
            return True
        shape = _HOST.fullmatch(host)
        if shape is None:
            return False
        name = shape["name"].lower()
        return name in self._hosts or (self._takes_addresses and _is_address(name))

    def _not_allowed(self, environ: WSGIEnvironment, needed: Role) -> _Refusal | None:
        if isinstance(self._access, Open):
            if self._access is Open.ANYBODY or _is_near(environ):
                return None
            return _refused(403, "this server has no keys and answers to its own machine alone")
        scheme, _, text = environ.get("HTTP_AUTHORIZATION", "").partition(" ")
        key = self._access.find(text.strip()) if scheme.lower() == "bearer" else None
        if key is None:
            # One answer to all: no key, a wrong one, one that was revoked or has expired.
            return _refused(401, "a key is needed: Authorization: Bearer iwf_...", ("WWW-Authenticate", "Bearer"))
        if self._rates is not None and (wait := self._rates.take(key.id)):
            return _too_often(wait, self._rates.per_second)
        if not key.role.includes(needed):
            return _refused(403, f"this needs a key with the role {needed}; this one has the role {key.role}")
        environ[CALLER] = key.id
        return None


def _refused(status: int, detail: str, *headers: tuple[str, str]) -> _Refusal:
    return _Refusal(ClientSideError(detail, status=status), headers)


def _too_often(wait: float, per_second: float) -> _Refusal:
    error = TooManyRequestsError(
        f"this key may make {per_second:g} calls a second, and has made more; nothing was done, try again later"
    )
    # The header has whole seconds.
    return _Refusal(error, (("Retry-After", str(math.ceil(wait))),))


def _is_address(name: str) -> bool:
    try:
        ip_address(name.strip("[]"))
    except ValueError:
        return False
    return True


def _is_near(environ: WSGIEnvironment) -> bool:
    """Does it come from this machine, without a proxy in between that says so?"""
    return _is_loopback(environ.get("REMOTE_ADDR", "")) and not any(name in environ for name in _PASSED_ON)


@lru_cache(maxsize=256)
def _is_loopback(address: str) -> bool:
    try:
        return ip_address(address).is_loopback
    except ValueError:
        return False


def _foreign(environ: WSGIEnvironment, host: str) -> str | None:
    """Tell why a browser's request is refused: pages of others must not post to a server that their reader can reach."""
    site, origin = environ.get("HTTP_SEC_FETCH_SITE"), environ.get("HTTP_ORIGIN")
    if site is None and origin is None:
        return None
    if site in _FOREIGN_SITES:
        return "this comes from a page of another site"
    if origin is not None and origin.partition("://")[2].lower() != host.lower():
        return "this comes from a page of another origin"
    content_type = environ.get("CONTENT_TYPE", "").partition(";")[0].strip().lower()
    if environ.get("REQUEST_METHOD") == "POST" and content_type != "application/json":
        return "a browser's request must be application/json"
    return None
