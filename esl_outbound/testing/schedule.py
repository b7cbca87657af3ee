"""What is to happen later: ``sched_hangup``, ``sched_api`` and the like (``switch_scheduler.c``)."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from typing import Final, final

import trio

from .wire import atoi

__all__ = ["Schedule"]


@final
class Schedule:
    """A switch's tasks, each with a number, and in a group that most often is a channel's UUID."""

    def __init__(self) -> None:
        self._tasks: Final[dict[int, tuple[str, trio.CancelScope]]] = {}
        self._count = 0

    def add(
        self, nursery: trio.Nursery, seconds: float, action: Callable[[], Awaitable[None]], group: str, end: trio.Event
    ) -> int:
        """Do something later.

        Args:
            nursery: Where it waits.
            seconds: How long.
            action: What is done.
            group: Its group.
            end: Once this is set, it is not done any more.

        Returns:
            Its number.
        """
        self._count += 1
        number = self._count
        cancelled = trio.CancelScope()
        self._tasks[number] = (group, cancelled)

        async def wait_and_act() -> None:
            with cancelled:
                with trio.move_on_after(seconds):
                    await end.wait()
                if not end.is_set():
                    self._tasks.pop(number, None)
                    await action()
            self._tasks.pop(number, None)

        nursery.start_soon(wait_and_act)
        return number

    def has(self, group: str) -> bool:
        """Whether something is to happen to a group."""
        return any(group == each for each, _ in self._tasks.values())

    def delete(self, what: str) -> int:
        """Cancel a task by its number, or all of a group, and say how many there were."""
        number = atoi(what) if re.fullmatch("[0-9]+", what) else 0
        found = [key for key, (group, _) in self._tasks.items() if (key == number if number else group == what)]
        for key in found:
            self._tasks.pop(key)[1].cancel()
        return len(found)
