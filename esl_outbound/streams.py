"""What comes in one at a time and is read by whoever asked for it: bounded, so that nobody waits for a slow reader."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator, Callable
from typing import Final, Generic, TypeVar

import trio

from .errors import EslOutboundError, EventsLost

__all__ = ["UNREAD", "Stream"]

UNREAD: Final = 1024
"""How many unread items a stream may have before it loses some."""

ItemT = TypeVar("ItemT")


class Stream(Generic[ItemT]):
    """What came and was not read yet: ``async for item in stream``.

    At most 1,024 items wait to be read. Whoever does not keep up gets an
    ``EventsLost`` that counts what was dropped; nobody else notices.

    Args:
        end: What is raised once nothing more comes; None while something may.
    """

    __slots__ = ("_end", "_unread", "_wake")

    def __init__(self, end: Callable[[], EslOutboundError | None]) -> None:
        self._end = end
        # What was dropped is counted in its place.
        self._unread: deque[ItemT | _Lost] = deque()
        self._wake: trio.Event | None = None

    def __aiter__(self) -> AsyncIterator[ItemT]:
        return self

    async def __anext__(self) -> ItemT:
        return await self.get()

    async def get(self) -> ItemT:
        """The next one. What came before the end is given out after it, too.

        Raises:
            EslOutboundError: Nothing more comes, and everything was taken.
            EventsLost: Some were dropped here, between the last one and the next.
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
        return self._take()

    def drain(self) -> list[ItemT]:
        """What came and was not read yet, without waiting for any.

        Raises:
            EventsLost: Some were dropped here; those before the gap were thrown away, those after it are kept.
        """
        drained: list[ItemT] = []
        while self._unread:
            drained.append(self._take())
        return drained

    def _take(self) -> ItemT:
        item = self._unread.popleft()
        if isinstance(item, _Lost):
            raise EventsLost(item.count)
        return item

    # For whoever reads the connection

    def put(self, item: ItemT) -> None:
        """Take in one more."""
        if len(self._unread) < UNREAD:
            self._unread.append(item)
            self.wake()
        elif isinstance(last := self._unread[-1], _Lost):
            last.count += 1
        else:
            self._unread.append(_Lost())

    def wake(self) -> None:
        """Let whoever waits look again."""
        if self._wake is not None:
            self._wake.set()
            self._wake = None


class _Lost:
    """Stands where items were dropped."""

    __slots__ = ("count",)

    def __init__(self) -> None:
        self.count = 1
