"""The calls that the switch places and that nobody dials, and how a test finds them."""

from __future__ import annotations

import fnmatch
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Final, TypeVar, final

import trio

from .failures import CallFailed

if TYPE_CHECKING:
    from .placing import PlacedCall

__all__ = ["PlacedCalls"]

T = TypeVar("T")


@final
class PlacedCalls:
    """All of them, in the order in which they were placed."""

    def __init__(self) -> None:
        self._calls: Final[list[PlacedCall]] = []
        self._changed: trio.Event | None = None

    def __iter__(self) -> Iterator[PlacedCall]:
        return iter(tuple(self._calls))

    def add(self, call: PlacedCall) -> None:
        """There is one more."""
        self._calls.append(call)
        self.wake()

    def wake(self) -> None:
        """Something happened in one of them."""
        if self._changed is not None:
            self._changed.set()
            self._changed = None

    async def wait_for(
        self, pattern: str, look: Callable[[PlacedCall], T | None], expected: str, otherwise: str, patience: float
    ) -> T:
        """Wait for a call in which something is found.

        Args:
            pattern: What was dialled, or a channel's name, or a pattern with ``*``.
            look: What is found in a call.
            expected: What was to happen.
            otherwise: What happened instead, if nothing was found.
            patience: Seconds for which to wait.

        Raises:
            CallFailed: There was none in time.
        """
        __tracebackhide__ = True
        with trio.move_on_after(patience):
            while True:
                for call in self:
                    if _matches(call, pattern) and (found := look(call)) is not None:
                        await trio.lowlevel.checkpoint()
                        return found
                if self._changed is None:
                    self._changed = trio.Event()
                await self._changed.wait()
        raise self._failed(pattern, expected, f"{otherwise} within {patience:g} s")

    def _failed(self, pattern: str, expected: str, instead: str) -> CallFailed:
        """An error with the ladder of the call that was meant, if there is one, or of the last."""
        meant = [call for call in self if _matches(call, pattern)] or list(self)
        if not meant:
            return CallFailed(expected, f"{instead}: the switch has placed no call", "  (there was none)")
        others = ", ".join(call.names[0] for call in self)
        return CallFailed(expected, f"{instead}; called were {others}", meant[-1].watch.story.short_ladder())


def _matches(call: PlacedCall, pattern: str) -> bool:
    return any(name == pattern or fnmatch.fnmatchcase(name, pattern) for name in call.names)
