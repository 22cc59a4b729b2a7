"""Where a client's server is, and how it is asked."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from urllib.parse import urlsplit

from attrs import define, field

from iwf_py.codec.payloads import JsonConverter
from iwf_py.errors import InvalidArgumentError
from iwf_py.model.converter import Converter
from iwf_py.ports import WorkflowService
from iwf_py.wire.service import RemoteService

_SERVER = "http://localhost:8801"
_WORKER = "http://localhost:8802"


@define
class ClientOptions:
    """
    A server of the iWF protocol, for a client: ``Client(registry, ClientOptions(...))``.

    The server is ``iwf server``, or the original one on a Temporal or Cadence cluster.

    Args:
        server_url: Such as ``http://localhost:8801``; a path before those of the protocol is kept.

        worker_url: Where the server finds the code of workflows that this client starts: a `WorkerService` must answer there.

        object_encoder: Seals and opens values; the workers' must be of the same kind. JSON when None.

        api_timeout: Seconds that a call may take.

        long_poll_api_max_wait_time_seconds: For how long the server is asked to hold back one answer of a wait. A wait asks
            again until its own timeout, so this says only how often.

        headers: Sent along with every call.

        api_key: Sent along as ``Authorization: Bearer ...``.

        tls: Of a server with ``https``; None for the system's authorities.
    """

    server_url: str = _SERVER
    worker_url: str = _WORKER
    object_encoder: Converter | None = None
    api_timeout: float = 60
    long_poll_api_max_wait_time_seconds: float = 10
    headers: Mapping[str, str] = field(factory=dict, kw_only=True, repr=False)
    api_key: str | None = field(default=None, kw_only=True, repr=False)
    tls: ssl.SSLContext | None = field(default=None, kw_only=True, repr=False)

    @classmethod
    def local_default(cls) -> ClientOptions:
        """Tell the options for a server and a worker on this machine, at the ports 8801 and 8802."""
        return cls(_SERVER, _WORKER)

    @property
    def converter(self) -> Converter:
        """The object encoder, or the default one."""
        return JsonConverter() if self.object_encoder is None else self.object_encoder

    def service(self) -> RemoteService:
        """
        Make the service of this server; nothing is sent before it is asked.

        Errors:
            InvalidArgumentError: An option cannot be used.
        """
        for name in ("api_timeout", "long_poll_api_max_wait_time_seconds"):
            seconds: object = getattr(self, name)
            if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0 < seconds < float("inf"):
                raise InvalidArgumentError(f"option {name} takes a number of seconds above 0, got {seconds!r}")
        headers = {str(name): str(value) for name, value in self.headers.items()}
        if self.api_key is not None:
            headers["Authorization"] = f"Bearer {self.api_key}"
        return RemoteService(
            _checked("server_url", self.server_url),
            worker_url=self._worker_url(),
            headers=headers,
            timeout=self.api_timeout,
            poll=self.long_poll_api_max_wait_time_seconds,
            tls=self.tls,
        )

    def _worker_url(self) -> str:
        # The server may have its own way to read it, such as $PORT$ for a port.
        given: object = self.worker_url
        if not isinstance(given, str) or not given.startswith(("http://", "https://")):
            raise InvalidArgumentError(f"option worker_url takes a URL such as http://localhost:8802, got {given!r}")
        return given


def _checked(name: str, url: str) -> str:
    given: object = url
    try:
        parts = urlsplit(given) if isinstance(given, str) else None
        is_good = parts is not None and parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
        is_good = is_good and parts is not None and not parts.query and not parts.fragment and url.isascii()
    except ValueError:
        is_good = False
    if not is_good:
        raise InvalidArgumentError(f"option {name} takes a URL such as http://localhost:8801, got {given!r}")
    return url


def doorway(
    options: ClientOptions | WorkflowService | None, converter: Converter | None
) -> tuple[WorkflowService, Converter]:
    """
    Tell where a client's requests go, and how its values are sealed.

    Args:
        options: A server over HTTP, the one on this machine where None; or a service that is there already.

        converter: In place of that of the options.

    Errors:
        InvalidArgumentError: An option cannot be used.
    """
    if options is None:
        options = ClientOptions.local_default()
    if not isinstance(options, ClientOptions):
        return options, converter or JsonConverter()
    return options.service(), converter or options.converter


def hang_up(service: WorkflowService) -> None:
    """Close the connections to a server over HTTP; an engine in this process is closed by whoever opened it."""
    if isinstance(service, RemoteService):
        service.close()
