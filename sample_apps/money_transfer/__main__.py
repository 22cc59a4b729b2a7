"""Serve money transfers: ``python -m sample_apps.money_transfer --port 8000 --database sqlite:///money_transfer.db``."""

from __future__ import annotations

import argparse
import sys

from sample_apps.money_transfer.app import create_app
from sample_apps.money_transfer.bank import Bank
from sample_apps.serving import engine_of, parser_of, seconds, serve

NAME = "money_transfer"


def read_arguments(arguments: list[str]) -> argparse.Namespace:
    parser = parser_of(NAME)
    parser.add_argument("--bank", default="bank.db", help="the file with the accounts (default bank.db)")
    parser.add_argument(
        "--patience-seconds", type=seconds, default=10.0, help="how long a step is tried before all is undone (10)"
    )
    return parser.parse_args(arguments)


def main(arguments: list[str]) -> int:
    options = read_arguments(arguments)
    bank = Bank(options.bank)
    bank.open("alice", 10_000)
    bank.open("bob", 0)
    return serve(
        NAME,
        options,
        lambda _: create_app(options.database, bank, patience_seconds=options.patience_seconds),
        lambda url: (
            f"money_transfer is ready on {url} ({engine_of(options)}, accounts in {options.bank}; "
            "Ctrl-C stops it). Try:\n"
            f"  curl -X POST '{url}/transfers/t1?from=alice&to=bob&amount=2500'\n"
            f"  curl '{url}/accounts'\n"
            f"  curl -X POST '{url}/accounts/bob/freeze'\n"
            f"  curl -X POST '{url}/transfers/t2?from=alice&to=bob&amount=2500'\n"
            f"  curl '{url}/transfers/t2'"
        ),
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
