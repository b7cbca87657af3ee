"""Deadlines of many calls, watched by one task.

A cancel scope for each wait of each call costs more than all else that is done
for it. Most deadlines here never come: they are entries in a heap, forgotten in place.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable
from typing import Final, final

import trio

__all__ = ["Timer", "Timers"]

# Deadlines are kept to this, so that many calls share one awakening.
_TICK_SECONDS: Final = 0.125


@final
class Timer:
    """One deadline; ``forget()`` it, and nothing happens."""

    __slots__ = ("action",)

    def __init__(self, action: Callable[[], None]) -> None:
        self.action: Callable[[], None] | None = action

    def forget(self) -> None:
        """Let the deadline pass without effect."""
        self.action = None


@final
class Timers:
    """Deadlines, and the task that keeps them."""

    def __init__(self) -> None:
        self._heap: Final[list[tuple[float, int, Timer]]] = []
        self._count = 0
        self._wake = trio.Event()

    def call_later(self, seconds: float, action: Callable[[], None]) -> Timer:
        """Call ``action``, which may not wait, that many seconds from now, or an eighth later."""
        timer = Timer(action)
        if seconds == math.inf:
            return timer
        self._count += 1
        deadline = math.ceil((trio.current_time() + seconds) / _TICK_SECONDS) * _TICK_SECONDS
        heapq.heappush(self._heap, (deadline, self._count, timer))
        if self._heap[0][2] is timer:
            self._wake.set()
        return timer

    async def run(self) -> None:
        """Keep the deadlines, until cancelled."""
        heap = self._heap
        while True:
            while heap and (heap[0][2].action is None or heap[0][0] <= trio.current_time()):
                action = heapq.heappop(heap)[2].action
                if action is not None:
                    action()
            self._wake = trio.Event()
            with trio.move_on_at(heap[0][0] if heap else math.inf):
                await self._wake.wait()
