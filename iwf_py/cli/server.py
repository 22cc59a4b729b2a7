"""``iwf server`` and ``iwf dev``: their arguments."""

from __future__ import annotations

import argparse
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from iwf_py.cli.codes import WELL
from iwf_py.cli.dev import start_dev
from iwf_py.cli.serve import Place, serve
from iwf_py.server.rates import BURST, PER_SECOND
from iwf_py.serving import ServerOptions
from iwf_py.wire.push import MAX_CALL

if TYPE_CHECKING:
    from argparse import _SubParsersAction

PORT = 8801
WORKER_PORT = 8802


def add_server(commands: _SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the commands."""
    serving = commands.add_parser(
        "server", help="serve the iWF protocol over HTTP", description="Serve the iWF protocol over HTTP."
    )
    serving.add_argument("--host", default="127.0.0.1", help="the address to listen on (%(default)s)")
    serving.add_argument("--port", type=_port, default=PORT, help="the port to listen on (%(default)s)")
    serving.add_argument(
        "--database", default="sqlite:///iwf.db", metavar="URL", help="what is kept is kept there (%(default)s)"
    )
    serving.add_argument(
        "--allow-worker-url",
        action="append",
        default=[],
        metavar="PATTERN",
        help="workers that may be called: http://localhost:8802, http://localhost:*, https://host/prefix or a network as "
        "10.1.0.0/16; to be repeated",
    )
    serving.add_argument(
        "--allow-public-workers", action="store_true", help="call any worker on the public internet as well"
    )
    serving.add_argument(
        "--signing-keys",
        type=Path,
        action="append",
        default=[],
        metavar="FILE",
        help="sign the calls of a worker that may be called with the key of this file (see iwf signing-keys); to be repeated",
    )
    serving.add_argument(
        "--keys",
        type=Path,
        metavar="FILE",
        help="answer those who show a key of this file (see iwf keys), and nobody else",
    )
    serving.add_argument(
        "--trusted-host",
        action="append",
        default=[],
        metavar="NAME",
        help="a name by which clients call the server, beside localhost; to be repeated",
    )
    serving.add_argument(
        "--max-wait-seconds", type=_seconds, default=60, metavar="N", help="of long polls and RPCs (%(default)s)"
    )
    serving.add_argument(
        "--max-call-seconds",
        type=_seconds,
        default=round(MAX_CALL.total_seconds()),
        metavar="N",
        help="of a worker for one call, whatever its state's options say (%(default)s)",
    )
    serving.add_argument(
        "--calls-per-second",
        type=float,
        default=PER_SECOND,
        metavar="N",
        help="that each key may make for as long as it likes; 0 for any number (%(default)g)",
    )
    serving.add_argument(
        "--burst", type=int, default=BURST, metavar="N", help="calls that a key may make at once (%(default)s)"
    )
    serving.add_argument(
        "--old-go-sdk",
        action="store_true",
        help="clients that use iWF's SDK for Go are of a version up to 1.6, which knows an error by its older name only",
    )
    serving.add_argument(
        "--insecure-no-auth", action="store_true", help="without keys, answer whoever can reach the server"
    )
    serving.set_defaults(run=_serve)
    trying = commands.add_parser("dev", help="serve on this machine, with a sample worker, to try things out")
    trying.add_argument("--port", type=_port, default=PORT, help="the port to listen on (%(default)s)")
    trying.add_argument(
        "--worker-port", type=_port, default=WORKER_PORT, help="that of the sample worker (%(default)s)"
    )
    trying.add_argument(
        "--database", default="sqlite:///iwf-dev.db", metavar="URL", help="what is kept is kept there (%(default)s)"
    )
    trying.set_defaults(run=_try)


def _serve(options: argparse.Namespace) -> int:
    serve(
        Place(host=options.host, port=options.port),
        options.database,
        ServerOptions(
            allowed_workers=options.allow_worker_url,
            allows_public_workers=options.allow_public_workers,
            signing_keys=options.signing_keys,
            keys=options.keys,
            insecure_no_auth=options.insecure_no_auth,
            trusted_hosts=options.trusted_host,
            max_wait=timedelta(seconds=options.max_wait_seconds),
            max_call=timedelta(seconds=options.max_call_seconds),
            calls_per_second=options.calls_per_second,
            burst=options.burst,
            old_go_sdk=options.old_go_sdk,
        ),
    )
    return WELL


# Of this machine, any port; networks would allow names that lead here as well.
_LOCAL_WORKERS = ("http://localhost:*", "http://127.0.0.1:*")


def _try(options: argparse.Namespace) -> int:
    place = Place(host="127.0.0.1", port=options.port)
    beside = partial(start_dev, place.url, options.worker_port)
    serve(place, options.database, ServerOptions(allowed_workers=_LOCAL_WORKERS), beside)
    return WELL


def _port(text: str) -> int:
    port = int(text)
    if not 0 < port < 65_536:
        raise argparse.ArgumentTypeError(f"{text} is no port")
    return port


def _seconds(text: str) -> int:
    seconds = int(text)
    if seconds < 1:
        raise argparse.ArgumentTypeError(f"{text} seconds are too few")
    return seconds
