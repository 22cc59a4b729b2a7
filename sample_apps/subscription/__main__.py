"""Serve subscriptions: ``python -m sample_apps.subscription --port 8000 --database sqlite:///subscription.db``."""

from __future__ import annotations

import argparse
import sys

from sample_apps.serving import engine_of, parser_of, serve
from sample_apps.subscription.app import create_app

NAME = "subscription"


def read_arguments(arguments: list[str]) -> argparse.Namespace:
    return parser_of(NAME).parse_args(arguments)


def main(arguments: list[str]) -> int:
    options = read_arguments(arguments)
    return serve(
        NAME,
        options,
        lambda _: create_app(options.database),
        lambda url: (
            f"subscription is ready on {url} ({engine_of(options)}; Ctrl-C stops it). Try:\n"
            f"  curl -X POST '{url}/subscriptions/s1?customer=alice&email=alice@example.com"
            "&plan=basic&trial=10&cycle=10&cycles=6'\n"
            f"  curl '{url}/subscriptions/s1'\n"
            f"  curl -X POST '{url}/subscriptions/s1/plan?plan=premium'\n"
            f"  curl '{url}/subscriptions?plan=premium'\n"
            f"  curl -X POST '{url}/subscriptions/s1/cancel'"
        ),
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
