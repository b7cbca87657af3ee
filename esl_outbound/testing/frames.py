"""The frames at which a channel's thread looks around."""

from __future__ import annotations

import math
from typing import Final, final

import trio

__all__ = ["FRAME_SECONDS", "Frames"]

FRAME_SECONDS: Final = 0.02
"""How often a channel's thread looks around."""


@final
class Frames:
    """The rhythm of one thread.

    Where FreeSWITCH polls every 20 ms, this waits for something to happen and then for the next frame, so that an
    hour in which nothing happens costs nothing.
    """

    def __init__(self) -> None:
        self._origin = trio.current_time()
        self._wake: trio.Event | None = None

    def notify(self) -> None:
        """Something is there to look at, at the next frame."""
        if self._wake is not None:
            self._wake.set()

    async def notified(self) -> None:
        """Wait until something happens that might concern the thread."""
        self._wake = trio.Event()
        await self._wake.wait()
        self._wake = None

    async def next(self, end: float = math.inf) -> None:
        """Wait for the next frame, or for ``end``, on trio's clock, if that is before."""
        frames = math.floor((trio.current_time() - self._origin) / FRAME_SECONDS + 1e-6) + 1
        await trio.sleep_until(min(self._origin + frames * FRAME_SECONDS, end))

    async def next_with_something(self, end: float = math.inf) -> None:
        """Wait until something is there, and for the frame at which it is seen; at the latest until ``end``."""
        self._wake = trio.Event()
        with trio.move_on_at(end):
            await self._wake.wait()
        self._wake = None
        if trio.current_time() < end:
            await self.next(end)
