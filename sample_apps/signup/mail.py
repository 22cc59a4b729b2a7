"""Mail: through an SMTP server when one is configured, else to the console.

A mail may go out twice, when the process dies after it was sent and before the state's result
was committed. Both then carry the same Message-ID, by which mail programs know them for one.
"""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from email.message import EmailMessage
from typing import Protocol
from urllib.parse import urlencode

from iwf_py import WorkflowContext
from sample_apps.signup.form import Form

SMTP_TIMEOUT_SECONDS = 10


class MailSettingsError(ValueError):
    """The environment's settings for mail do not fit together."""


@dataclass(frozen=True)
class Letter:
    """One mail: what kind it is, to whom, and its text."""

    kind: str
    email: str
    subject: str
    text: str
    message_id: str


class Post(Protocol):
    """Where letters are handed in."""

    def send(self, letter: Letter) -> None:
        """Send it, or raise; a state that raised is tried again."""


class ConsolePost:
    """Prints what would be sent."""

    def send(self, letter: Letter) -> None:
        """Print one line, at once: a process that is killed has said what it did."""
        print(f"API to send {letter.kind} email to {letter.email}: {letter.text}", flush=True)


@dataclass(frozen=True)
class SmtpPost:
    """Sends through an SMTP server."""

    host: str
    port: int
    sender: str
    user: str = ""
    password: str = ""
    starttls: bool = False

    def send(self, letter: Letter) -> None:
        """Send one mail over a connection of its own; EmailMessage refuses line breaks in headers."""
        message = EmailMessage()
        message["From"] = self.sender
        message["To"] = letter.email
        message["Subject"] = letter.subject
        message["Message-ID"] = letter.message_id
        message.set_content(letter.text)
        with smtplib.SMTP(self.host, self.port, timeout=SMTP_TIMEOUT_SECONDS) as server:
            if self.starttls:
                server.starttls(context=ssl.create_default_context())
            if self.user:
                server.login(self.user, self.password)
            server.send_message(message)


def post_from_environment(environ: Mapping[str, str]) -> Post:
    """
    Choose the post: SMTP when SIGNUP_SMTP_HOST is set, else the console.

    Args:
        environ: SIGNUP_SMTP_HOST, _PORT (587 with STARTTLS, else 25), _FROM, _USER, _PASSWORD, and _STARTTLS (1 or 0).

    Errors:
        MailSettingsError: The port is no number, or a password would travel in the clear.
    """
    host = environ.get("SIGNUP_SMTP_HOST", "")
    if not host:
        return ConsolePost()
    starttls = environ.get("SIGNUP_SMTP_STARTTLS", "0").lower() in {"1", "true", "yes", "on"}
    port = environ.get("SIGNUP_SMTP_PORT") or ("587" if starttls else "25")
    if not port.isdecimal():
        raise MailSettingsError(f"SIGNUP_SMTP_PORT must be a number, got {port!r}")
    user = environ.get("SIGNUP_SMTP_USER", "")
    if user and not starttls:
        raise MailSettingsError("SIGNUP_SMTP_USER needs SIGNUP_SMTP_STARTTLS=1: its password would travel in the clear")
    return SmtpPost(
        host=host,
        port=int(port),
        sender=environ.get("SIGNUP_SMTP_FROM") or "signup@localhost",
        user=user,
        password=environ.get("SIGNUP_SMTP_PASSWORD", ""),
        starttls=starttls,
    )


class Letters:
    """The three letters of a registration, and where they are handed in."""

    def __init__(self, post: Post, base_url: str) -> None:
        self.post = post
        self.base_url = base_url

    def send_verification(self, ctx: WorkflowContext, form: Form) -> None:
        """Ask whoever reads this address to confirm it."""
        self._send(ctx, form, "verification", "Please confirm your address", f"click {self._link(form)}")

    def send_reminder(self, ctx: WorkflowContext, form: Form) -> None:
        """Ask again."""
        self._send(ctx, form, "a reminder", "Please remember to confirm your address", f"click {self._link(form)}")

    def send_welcome(self, ctx: WorkflowContext, form: Form) -> None:
        """Say that all is done."""
        self._send(ctx, form, "welcome", "Welcome", f"welcome, {form.firstname or form.username}")

    def _send(self, ctx: WorkflowContext, form: Form, kind: str, subject: str, text: str) -> None:
        # Run and state execution stay the same through all attempts, so a mail that goes out twice has one id.
        message_id = f"<{ctx.workflow_run_id}.{ctx.state_execution_id}@signup>"
        self.post.send(Letter(kind=kind, email=form.email, subject=subject, text=text, message_id=message_id))

    def _link(self, form: Form) -> str:
        return f"{self.base_url}/signup/verify?{urlencode({'username': form.username, 'source': 'email'})}"
