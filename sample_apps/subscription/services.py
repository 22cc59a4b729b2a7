"""What the subscription calls: a payment provider and mails, here on the console.

Both are told a key that is the same through all attempts, by which a provider knows a request it has seen.
"""

from __future__ import annotations

from typing import Protocol


class Services(Protocol):
    """What a subscription needs of the world."""

    def charge(self, key: str, customer: str, amount: int) -> bool:
        """Charge whole cents; False when the provider declines. It raises when there is no answer: it is asked again."""

    def mail(self, key: str, email: str, text: str) -> None:
        """Send a mail."""


class Console:
    """Prints what would be done; customers whose names begin with ``broke`` cannot pay."""

    def charge(self, key: str, customer: str, amount: int) -> bool:
        """Charge whoever can pay."""
        is_paid = not customer.startswith("broke")
        print(f"API to charge {customer} {amount}: {'paid' if is_paid else 'declined'}", flush=True)
        return is_paid

    def mail(self, key: str, email: str, text: str) -> None:
        """Print one line, at once: a process that is killed has said what it did."""
        print(f"API to send email to {email}: {text}", flush=True)
