"""The digits that the caller presses: each once, in order, none lost."""

from __future__ import annotations

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

    Each digit has a number: how many came before it. So it can be told which of them
    an application took for itself, however late that is looked into.
    """

    __slots__ = (
        "_end",
        "_interrupted",
        "_spare_number",
        "_spare_terminators",
        "_spare_until",
        "_unread",
        "_wake",
        "came",
    )

    def __init__(self, end: Callable[[], CallEnded | None]) -> None:
        self.came = 0
        """How many have come; the number of the next one."""
        self._unread: dict[int, str] = {}  # by number, in its order
        self._wake: trio.Event | None = None
        self._interrupted: list[trio.CancelScope] = []
        self._end = end
        self._spare_number = -1
        self._spare_terminators = ""
        self._spare_until = 0.0

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
        return self.take()

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
        thrown_away = "".join(self._unread.values())
        self._unread.clear()
        return thrown_away

    # For questions

    @contextmanager
    def interrupting(self) -> Iterator[None]:
        """Cancel the block when a digit is there, or comes."""
        with trio.CancelScope() as scope:
            if self._unread:
                scope.cancel()
            self._interrupted.append(scope)
            try:
                yield
            finally:
                self._interrupted.remove(scope)

    def is_there(self) -> bool:
        """Whether there is a digit to be answered with; one that still belongs to the last answer is taken."""
        first = next(iter(self._unread), -1)
        if first >= 0 and first == self._spare_number and self._unread[first] in self._spare_terminators:
            del self._unread[first]
        return bool(self._unread)

    def take(self) -> str:
        """Take the digit that is there."""
        return self._unread.pop(next(iter(self._unread)))

    def put_back(self, digits: str) -> None:
        """Undo that digits were taken: whoever took them did not come to an end."""
        start = next(iter(self._unread), self.came) - len(digits)
        self._unread = {**dict(enumerate(digits, start)), **self._unread}

    def expect_spare(self, terminators: str, seconds: float) -> None:
        """An answer ended without a terminator, which the caller may press all the same.

        It belongs to that answer if it is the very next digit, comes in time, and is nothing that is asked for next.
        """
        self._spare_number = next(iter(self._unread), self.came)
        self._spare_terminators = terminators
        self._spare_until = trio.current_time() + seconds

    def ask_for(self, digits: str) -> None:
        """These can be part of the next answer, so none of them is left over from the last one."""
        self._spare_terminators = "".join(digit for digit in self._spare_terminators if digit not in digits)

    @property
    def spare_terminators(self) -> str:
        """Digits that belong to the last answer, if one of them comes now."""
        expected = self._spare_number == self.came and trio.current_time() < self._spare_until
        return self._spare_terminators if expected else ""

    # For whoever ran an application: what it took for itself is its result, and no answer to anybody

    def strike_out(self, numbers: range) -> None:
        """Take out the digits of these numbers, as far as nobody has taken them."""
        for number in numbers:
            self._unread.pop(number, None)

    def strike_out_last(self, digit: str, numbers: range) -> None:
        """Take out the last one of a kind among these numbers; nothing if it is not there, or for no digit."""
        for number in reversed(numbers):
            if self._unread.get(number) == digit:
                del self._unread[number]
                return

    # For the reader

    def add(self, digit: str) -> None:
        """Take in a digit.

        Raises:
            TooManyDigits: Nobody has read 4,096 of them. They are kept.
        """
        if self.came == self._spare_number and trio.current_time() >= self._spare_until:
            self._spare_number = -1
        self._unread[self.came] = digit
        self.came += 1
        self.wake()
        if len(self._unread) > MAX_UNREAD_DIGITS:
            raise TooManyDigits(len(self._unread))

    def wake(self) -> None:
        """Let whoever waits look again."""
        if self._wake is not None:
            self._wake.set()
            self._wake = None
        for scope in self._interrupted:
            scope.cancel()
