"""``iwf signing-keys``: make, list and remove the keys that calls of a worker are signed with."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from iwf_py.cli.codes import WELL
from iwf_py.wire.signing_keys import make_signing_key, read_kept_keys, remove_signing_key, write_kept_keys
from iwf_py.wire.worker_urls import AllowedWorker, WorkerUrls

if TYPE_CHECKING:
    from argparse import _SubParsersAction

    Commands = _SubParsersAction[argparse.ArgumentParser]


def add_signing_keys(commands: Commands) -> None:
    """Add the command."""
    keys = commands.add_parser(
        "signing-keys", help="make, list and remove the keys that a worker's calls are signed with"
    )
    tasks = keys.add_subparsers(required=True, metavar="TASK")
    creating = _task(tasks, "create", "make a key; it is written to the file, and printed nowhere")
    creating.add_argument(
        "--worker", required=True, metavar="PATTERN", help="whose calls it signs, in the words of --allow-worker-url"
    )
    creating.set_defaults(run=_create)
    _task(tasks, "list", "tell the keys of a file, without their secrets").set_defaults(run=_list)
    removing = _task(tasks, "remove", "take a key out of the file")
    removing.add_argument("id", help="as iwf signing-keys list tells it")
    removing.set_defaults(run=_remove)


def _task(tasks: Commands, name: str, help: str) -> argparse.ArgumentParser:
    task = tasks.add_parser(name, help=help)
    task.add_argument("--keys", required=True, type=Path, metavar="FILE", help="the file of the worker's keys")
    return task


def _create(options: argparse.Namespace) -> int:
    path: Path = options.keys
    kept = read_kept_keys(path) if path.exists() else ()
    made = make_signing_key(options.worker, datetime.now(UTC))
    # Said now, and not when the server starts.
    WorkerUrls([AllowedWorker(pattern=made.worker, signing_key=made.key)])
    write_kept_keys(path, [*kept, made])
    print(made.key.id)
    return WELL


def _list(options: argparse.Namespace) -> int:
    for one in read_kept_keys(options.keys):
        print(f"{one.key.id}  {one.created_at:%Y-%m-%d %H:%M} UTC  {one.worker}")
    return WELL


def _remove(options: argparse.Namespace) -> int:
    remove_signing_key(options.keys, options.id)
    return WELL
