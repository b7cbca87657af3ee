"""A PIN is asked for and looked up in a database, in a thread, while music plays; then the balance is said.

Shows `ask` with a length and tries, `music_on_hold` around slow work, and a handler with arguments of its own.
Serve it: `esl-outbound serve pin:account`. Before that, `python pin.py` makes a database: 1000 has the PIN 1234.
"""

from __future__ import annotations

import hashlib
import sqlite3
from contextlib import closing
from decimal import Decimal
from functools import partial
from pathlib import Path

import trio

from esl_outbound import CallHandler, HangupCause, SayType


def digest(number: str, pin: str) -> str:
    """What the database has in place of a PIN."""
    return hashlib.pbkdf2_hmac("sha256", pin.encode(), number.encode(), 100_000).hex()


def open_account(database: Path, number: str, pin: str, balance: Decimal) -> None:
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute("CREATE TABLE IF NOT EXISTS accounts (number TEXT PRIMARY KEY, pin TEXT, balance TEXT)")
        connection.execute(
            "INSERT OR REPLACE INTO accounts VALUES (?, ?, ?)", (number, digest(number, pin), str(balance))
        )


def look_up(database: Path, number: str, pin: str) -> Decimal | None:
    """A caller's balance; None if the PIN is not his. It blocks, so it runs in a thread."""
    with closing(sqlite3.connect(database)) as connection:
        row = connection.execute(
            "SELECT balance FROM accounts WHERE number = ? AND pin = ?", (number, digest(number, pin))
        ).fetchone()
    return None if row is None else Decimal(row[0])


class Account(CallHandler):
    def __init__(self, database: Path) -> None:
        self.database = database

    async def run(self) -> None:
        await self.answer()
        balance = await self.authenticated_balance()
        if balance is None:
            await self.playback("ivr/ivr-access_denied.wav")
            await self.hangup(HangupCause.CALL_REJECTED)
            return
        await self.playback("voicemail/vm-you_have.wav")
        await self.say(f"{balance:.2f}", SayType.CURRENCY)
        await self.hangup()

    async def authenticated_balance(self) -> Decimal | None:
        for _ in range(3):
            pin = await self.ask(
                "ivr/ivr-please_enter_pin_followed_by_pound.wav", min_digits=4, max_digits=8, allowed="0123456789"
            )
            if not pin:
                return None
            async with self.music_on_hold():
                # The caller chooses his number, too: it is a parameter of the query, and never part of it.
                balance = await trio.to_thread.run_sync(look_up, self.database, self.caller_id_number, str(pin))
            if balance is not None:
                return balance
            await self.playback("ivr/ivr-pin_or_extension_is-invalid.wav")
        return None


account = partial(Account, Path("accounts.db"))

if __name__ == "__main__":
    open_account(Path("accounts.db"), "1000", "1234", Decimal("12.50"))
