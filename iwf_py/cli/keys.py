"""``iwf keys``: make, list and revoke the API keys of a server."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from iwf_py.cli.codes import WELL
from iwf_py.server.actions import Role
from iwf_py.server.keys import ApiKey, make_key, read_keys, revoke, write_keys

if TYPE_CHECKING:
    from argparse import _SubParsersAction

    Commands = _SubParsersAction[argparse.ArgumentParser]


def add_keys(commands: Commands) -> None:
    """Add the command."""
    keys = commands.add_parser("keys", help="make, list and revoke API keys of a server")
    tasks = keys.add_subparsers(required=True, metavar="TASK")
    creating = _task(tasks, "create", "make a key and print it, this once; only its hash is kept")
    creating.add_argument("--name", required=True, help="whose it is, or what for")
    creating.add_argument("--role", required=True, choices=[role.value for role in Role], help="what it may do")
    creating.add_argument("--days", type=int, metavar="N", help="refused after so many days; without it, it stays good")
    creating.set_defaults(run=_create)
    _task(tasks, "list", "tell the keys of a file, without their secrets").set_defaults(run=_list)
    revoking = _task(tasks, "revoke", "have a key refused from now on, by servers that run too")
    revoking.add_argument("id", help="as iwf keys list tells it")
    revoking.set_defaults(run=_revoke)


def _task(tasks: Commands, name: str, help: str) -> argparse.ArgumentParser:
    task = tasks.add_parser(name, help=help)
    task.add_argument("--keys", required=True, type=Path, metavar="FILE", help="the key file")
    return task


def _create(options: argparse.Namespace) -> int:
    path: Path = options.keys
    keys = read_keys(path) if path.exists() else ()
    lifetime = None if options.days is None else timedelta(days=options.days)
    text, key = make_key(options.name, Role(options.role), datetime.now(UTC), lifetime)
    write_keys(path, [*keys, key])
    print(text)
    return WELL


def _list(options: argparse.Namespace) -> int:
    now = datetime.now(UTC)
    for key in read_keys(options.keys):
        print(f"{key.id}  {key.role.value:5}  {_state(key, now)}  {key.name}")
    return WELL


def _state(key: ApiKey, now: datetime) -> str:
    if key.is_revoked:
        return "revoked"
    if key.expires_at is None:
        return "good"
    return f"{'good' if key.is_good(now) else 'expired'} (until {key.expires_at:%Y-%m-%d %H:%M} UTC)"


def _revoke(options: argparse.Namespace) -> int:
    revoke(options.keys, options.id)
    return WELL
