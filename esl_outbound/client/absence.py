"""What observers read over a connection that comes back: events or log lines, and that there was none for a while."""

from __future__ import annotations

from collections.abc import Callable
from typing import final

import attrs

from ..errors import EslOutboundError
from ..protocol import Event, LogLine
from ..streams import Stream
from .streams import Selection

__all__ = ["Away", "ResilientEvents", "ResilientLogLines"]


@final
@attrs.frozen
class Away:
    """There was no connection with FreeSWITCH for a while, and what happened meanwhile was missed.

    FreeSWITCH does not replay. It stands in a stream between what came before and what came afterwards.
    """

    seconds: float
    """How long, from the loss until FreeSWITCH was told again what to send."""
    reason: str
    """What ended the connection."""


@final
class ResilientEvents(Stream[Event | Away]):
    """The events of a whole switch that one observer asked for, and when they were missed.

    ``async for event in events``; each is an ``Event`` or an ``Away``. At most 1,024 wait to be read. Whoever does not
    keep up gets an ``EventsLost`` that counts what was dropped. FreeSWITCH's absence does not end it; what ends the
    ``ResilientSwitch`` for good, or FreeSWITCH's refusal of what was asked for, is raised.
    """

    __slots__ = ("_selection",)

    def __init__(self, selection: Selection, end: Callable[[], EslOutboundError | None]) -> None:
        super().__init__(end)
        self._selection = selection

    # For the reader

    def offer(self, event: Event) -> None:
        """Take in an event, if it is one that was asked for."""
        if self._selection.matches(event):
            self.put(event)


@final
class ResilientLogLines(Stream[LogLine | Away]):
    """Lines of FreeSWITCH's log, and when they were missed: ``async for line in lines``, as ``ResilientEvents``."""

    __slots__ = ("_level",)

    def __init__(self, level: int, end: Callable[[], EslOutboundError | None]) -> None:
        super().__init__(end)
        self._level = level

    # For the reader

    def offer(self, line: LogLine) -> None:
        """Take in a line, if it is of the level that was asked for."""
        if line.level <= self._level:
            self.put(line)
