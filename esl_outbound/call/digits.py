"""The digits that the caller presses: each once, in order, none lost."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator, Callable
from typing import Final, final

import trio

from ..errors import CallEnded, TooManyDigits

__all__ = ["MAX_UNREAD_DIGITS", "Digits"]

MAX_UNREAD_DIGITS: Final = 4096


@final
class Digits:
    """The digits of a call that nobody has taken yet.

    ``async for digit in call.digits`` takes them one by one as they come, and
    ends with the call. What was typed before anybody asked is still there.
    They come from DTMF events: one for each key, in order, whatever
    application runs (48 of 48 over eleven applications).
    """

    __slots__ = ("_end", "_unread", "_wake")

    def __init__(self, end: Callable[[], CallEnded | None]) -> None:
        self._unread: deque[str] = deque()
        self._wake: trio.Event | None = None
        self._end = end

    def __len__(self) -> int:
        return len(self._unread)

    def __repr__(self) -> str:
        return f"<Digits {len(self._unread)} unread>"

    def __aiter__(self) -> AsyncIterator[str]:
        return self

    async def __anext__(self) -> str:
        try:
            return await self.get()
        except CallEnded:
            raise StopAsyncIteration from None

    async def get(self) -> str:
        """The next digit: one of ``0123456789*#ABCD``.

        Digits that came before the end are given out after it, too.

        Raises:
            CallEnded: The call ended, and all digits were taken.
        """
        if self._unread:
            await trio.lowlevel.checkpoint()
        while not self._unread:
            if (end := self._end()) is not None:
                await trio.lowlevel.checkpoint()
                raise end
            if self._wake is None:
                self._wake = trio.Event()
            await self._wake.wait()
        return self._unread.popleft()

    def clear(self) -> str:
        """Throw away what was typed so far, and say what it was."""
        thrown_away = "".join(self._unread)
        self._unread.clear()
        return thrown_away

    # For the reader

    def add(self, digit: str) -> None:
        """Take in a digit.

        Raises:
            TooManyDigits: Nobody has read 4,096 of them. They are kept.
        """
        self._unread.append(digit)
        self.wake()
        if len(self._unread) > MAX_UNREAD_DIGITS:
            raise TooManyDigits(len(self._unread))

    def wake(self) -> None:
        """Let whoever waits look again."""
        if self._wake is not None:
            self._wake.set()
            self._wake = None
