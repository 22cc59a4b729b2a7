"""Mail goes through SMTP when one is configured, else to the console."""

from __future__ import annotations

import socketserver
import threading
from collections.abc import Iterator

import pytest

from iwf_py import WorkflowContext
from sample_apps.signup.form import Form
from sample_apps.signup.mail import ConsolePost, Letter, Letters, MailSettingsError, SmtpPost, post_from_environment

ALICE = Form("alice", "alice@example.com")
LETTER = Letter("verification", "alice@example.com", "Hello", "text", "<1@signup>")


class SmtpHandler(socketserver.StreamRequestHandler):
    """Speaks as little SMTP as a client needs."""

    def handle(self) -> None:
        self.say("220 test")
        while line := self.rfile.readline().decode().strip():
            command = line.split()[0].upper()
            if command == "DATA":
                self.say("354 go on")
                lines = iter(lambda: self.rfile.readline().decode().rstrip("\r\n"), ".")
                self.server.mails.append("\n".join(lines))
            self.say("221 bye" if command == "QUIT" else "250 ok")
            if command == "QUIT":
                return

    def say(self, text: str) -> None:
        self.wfile.write(f"{text}\r\n".encode())


@pytest.fixture
def smtp() -> Iterator[socketserver.TCPServer]:
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), SmtpHandler) as server:
        server.mails = []
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_without_settings_mail_is_printed(capsys: pytest.CaptureFixture[str]):
    """
    The console says what would be sent, and to whom.
    """
    post = post_from_environment({})

    Letters(post, "http://127.0.0.1:8000").send_verification(context(), ALICE)

    assert isinstance(post, ConsolePost)
    assert capsys.readouterr().out == (
        "API to send verification email to alice@example.com: "
        "click http://127.0.0.1:8000/signup/verify?username=alice&source=email\n"
    )


def test_with_a_server_mail_is_sent(smtp: socketserver.TCPServer):
    """
    A configured server gets the mail, with sender, recipient, subject and text.
    """
    port = str(smtp.server_address[1])
    post = post_from_environment(
        {"SIGNUP_SMTP_HOST": "127.0.0.1", "SIGNUP_SMTP_PORT": port, "SIGNUP_SMTP_FROM": "me@example.com"}
    )

    Letters(post, "http://127.0.0.1:8000").send_welcome(context(), ALICE)

    (mail,) = smtp.mails
    assert "From: me@example.com" in mail
    assert "To: alice@example.com" in mail
    assert "Subject: Welcome" in mail
    assert "welcome, alice" in mail


def test_two_attempts_send_one_mail_id(smtp: socketserver.TCPServer):
    """
    A mail that goes out twice has the same Message-ID both times; another state's mail has its own.
    """
    letters = Letters(SmtpPost("127.0.0.1", smtp.server_address[1], "me@example.com"), "http://127.0.0.1:8000")

    letters.send_reminder(context(attempt=1), ALICE)
    letters.send_reminder(context(attempt=2), ALICE)
    letters.send_reminder(context(state="VerifyState-2"), ALICE)

    ids = [line for mail in smtp.mails for line in mail.splitlines() if line.startswith("Message-ID")]
    assert ids[0] == ids[1] != ids[2]


@pytest.mark.parametrize("field", ["email", "subject"])
def test_a_line_break_never_becomes_a_header(smtp: socketserver.TCPServer, field: str):
    """
    What would end a header and begin another is refused before anything is sent.
    """
    letter = Letter(**{**LETTER.__dict__, field: "a@b\r\nBcc: mallory@example.com"})

    with pytest.raises(ValueError, match="linefeed"):
        SmtpPost("127.0.0.1", smtp.server_address[1], "me@example.com").send(letter)

    assert smtp.mails == []


@pytest.mark.parametrize(
    ("settings", "port", "starttls"),
    [({}, 25, False), ({"STARTTLS": "1"}, 587, True), ({"STARTTLS": "1", "PORT": "2525"}, 2525, True)],
)
def test_the_port_follows_the_encryption(settings, port, starttls):
    """
    Without a port it is 587 with STARTTLS, else 25.
    """
    post = post_from_environment({"SIGNUP_SMTP_HOST": "mail", **{f"SIGNUP_SMTP_{k}": v for k, v in settings.items()}})

    assert post == SmtpPost("mail", port, "signup@localhost", starttls=starttls)


@pytest.mark.parametrize(("settings", "says"), [({"PORT": "mail"}, "SMTP_PORT"), ({"USER": "me"}, "STARTTLS")])
def test_settings_that_do_not_fit_are_told(settings, says):
    """
    A port that is none, or a password in the clear, stops the start with a sentence.
    """
    with pytest.raises(MailSettingsError, match=says):
        post_from_environment({"SIGNUP_SMTP_HOST": "mail", **{f"SIGNUP_SMTP_{k}": v for k, v in settings.items()}})


def context(*, state: str = "VerifyState-1", attempt: int = 1) -> WorkflowContext:
    return WorkflowContext("alice", "run", state_execution_id=state, attempt=attempt)
