"""Serve signup: ``python -m sample_apps.signup --port 8000 --database sqlite:///signup.db``."""

from __future__ import annotations

import argparse
import os
import sys

from sample_apps.serving import engine_of, fail, parser_of, seconds, serve
from sample_apps.signup.app import create_app
from sample_apps.signup.mail import Letters, MailSettingsError, post_from_environment

NAME = "signup"


def read_arguments(arguments: list[str]) -> argparse.Namespace:
    parser = parser_of(NAME)
    parser.add_argument("--reminder-seconds", type=seconds, default=10.0, help="between reminders (default 10)")
    return parser.parse_args(arguments)


def main(arguments: list[str]) -> int:
    options = read_arguments(arguments)
    try:
        post = post_from_environment(os.environ)
    except MailSettingsError as error:
        return fail(NAME, str(error))
    return serve(
        NAME,
        options,
        lambda url: create_app(options.database, letters=Letters(post, url), reminder_seconds=options.reminder_seconds),
        lambda url: (
            f"signup is ready on {url} ({engine_of(options)}, a reminder every {options.reminder_seconds:g} s;"
            " Ctrl-C stops it). Try:\n"
            f"  curl '{url}/signup/submit?username=alice&email=alice@example.com'\n"
            f"  curl '{url}/signup/verify?username=alice&source=email'"
        ),
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
