"""The bank, standing in for the services that a transfer calls: accounts and postings in a small database.

It does what an outside service must do for its callers to be safe: every call carries a key; a call that is
repeated changes nothing more; and a posting can be undone by its key, also before it arrives, and then never counts.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

_TABLES = """
CREATE TABLE IF NOT EXISTS accounts (name TEXT PRIMARY KEY, opening INTEGER NOT NULL, is_frozen INTEGER NOT NULL DEFAULT 0);
CREATE TABLE IF NOT EXISTS postings (
    key TEXT PRIMARY KEY, account TEXT, amount INTEGER NOT NULL, text TEXT NOT NULL, is_undone INTEGER NOT NULL DEFAULT 0
);
"""
_BALANCE = """
SELECT opening + (SELECT coalesce(sum(amount), 0) FROM postings WHERE account = name AND NOT is_undone), is_frozen
FROM accounts WHERE name = ?
"""


class BankError(Exception):
    """The bank does not do it; it may do it later."""


class Bank:
    """
    Accounts, in whole cents.

    Args:
        path: Of the database file; ``:memory:`` is of no use, since each call opens it anew.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        with self._writing() as bank:
            bank.executescript(_TABLES)

    def open(self, account: str, balance: int) -> None:
        """Open an account; one that is there keeps its balance."""
        with self._writing() as bank:
            bank.execute(
                "INSERT INTO accounts (name, opening) VALUES (?, ?) ON CONFLICT DO NOTHING", (account, balance)
            )

    def freeze(self, account: str, *, is_frozen: bool = True) -> None:
        """Let nothing be posted to an account, or let it again."""
        with self._writing() as bank:
            bank.execute("UPDATE accounts SET is_frozen = ? WHERE name = ?", (is_frozen, account))

    def balances(self) -> dict[str, int]:
        """Tell the balance of every account."""
        with self._writing() as bank:
            names = [name for (name,) in bank.execute("SELECT name FROM accounts ORDER BY name")]
            return {name: bank.execute(_BALANCE, (name,)).fetchone()[0] for name in names}

    def balance(self, account: str) -> int:
        """Tell the balance of one account."""
        with self._writing() as bank:
            return self._look(bank, account)[0]

    def post(self, key: str, account: str, amount: int, text: str) -> None:
        """
        Post an amount (negative: it leaves the account), or with 0 a memo.

        Errors:
            BankError: There is no such account, it is frozen, it has too little, or the posting was undone before it came.
        """
        with self._writing() as bank:
            known = bank.execute("SELECT is_undone FROM postings WHERE key = ?", (key,)).fetchone()
            if known is not None:
                if known[0]:
                    raise BankError(f"posting {key} was undone")
                return
            balance, is_frozen = self._look(bank, account)
            if is_frozen:
                raise BankError(f"account {account!r} is frozen")
            if balance + amount < 0:
                raise BankError(f"account {account!r} has {balance}, which is less than {-amount}")
            bank.execute(
                "INSERT INTO postings (key, account, amount, text) VALUES (?, ?, ?, ?)", (key, account, amount, text)
            )

    def undo(self, key: str) -> None:
        """Let a posting count no more; one that has not arrived will not count when it does. A frozen account does not hinder."""
        with self._writing() as bank:
            bank.execute(
                "INSERT INTO postings (key, amount, text, is_undone) VALUES (?, 0, 'undone', 1) "
                "ON CONFLICT (key) DO UPDATE SET is_undone = 1",
                (key,),
            )

    @staticmethod
    def _look(bank: sqlite3.Connection, account: str) -> tuple[int, bool]:
        row = bank.execute(_BALANCE, (account,)).fetchone()
        if row is None:
            raise BankError(f"there is no account {account!r}")
        return int(row[0]), bool(row[1])

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        # One transaction a call, which reads what it writes by.
        bank = sqlite3.connect(self._path, timeout=30, isolation_level="IMMEDIATE")
        try:
            with bank:
                yield bank
        finally:
            bank.close()
