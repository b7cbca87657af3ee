"""The digits that the caller presses: each once, in order, none lost."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
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

    __slots__ = ("_barge_in", "_end", "_spare", "_unread", "_wake")

    def __init__(self, end: Callable[[], CallEnded | None]) -> None:
        self._unread: deque[str] = deque()
        self._wake: trio.Event | None = None
        self._barge_in: trio.CancelScope | None = None
        self._end = end
        self._spare: tuple[str, float] = ("", 0.0)

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
        await self.wait()
        return self._unread.popleft()

    async def wait(self) -> None:
        """Wait until a digit is there, and leave it there.

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

    def clear(self) -> str:
        """Throw away what was typed so far, and say what it was."""
        thrown_away = "".join(self._unread)
        self._unread.clear()
        return thrown_away

    # For questions

    @contextmanager
    def interrupting(self) -> Iterator[None]:
        """Cancel the block when a digit is there, or comes."""
        before = self._barge_in
        with trio.CancelScope() as scope:
            if self._unread:
                scope.cancel()
            self._barge_in = scope
            try:
                yield
            finally:
                self._barge_in = before

    def expect_spare(self, terminators: str, seconds: float) -> None:
        """An answer was long enough without a terminator, which the caller may press all the same."""
        self._spare = (terminators, trio.current_time() + seconds)

    @property
    def spare_terminators(self) -> str:
        """Digits that belong to the last answer, if one of them comes next."""
        terminators, until = self._spare
        return terminators if trio.current_time() < until else ""

    def is_there(self) -> bool:
        """Whether there is a digit that does not belong to the last answer; one that does is taken."""
        if self._unread and self._unread[0] in self.spare_terminators:
            self._unread.popleft()
            self._spare = ("", 0.0)
        if self._unread:
            self._spare = ("", 0.0)
            return True
        return False

    def take(self) -> str:
        """Take the digit that is there."""
        return self._unread.popleft()

    def put_back(self, digits: str) -> None:
        """Undo that digits were taken: whoever took them did not come to an end."""
        self._unread.extendleft(reversed(digits))

    def forget(self, count: int, later: int) -> None:
        """Take out digits that an application took for itself, and that its result gives to whoever asked for them.

        Args:
            count: How many they are.
            later: How many came after them.
        """
        end = max(len(self._unread) - later, 0)
        unread = list(self._unread)
        del unread[max(end - count, 0) : end]
        self._unread.clear()
        self._unread.extend(unread)

    def spend(self, digit: str) -> None:
        """Take out the newest digit of this kind, if there is one: what it ended took it for itself."""
        for at in range(len(self._unread) - 1, -1, -1):
            if self._unread[at] == digit:
                del self._unread[at]
                return

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
        if self._barge_in is not None:
            self._barge_in.cancel()
