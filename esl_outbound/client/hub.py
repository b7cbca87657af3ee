"""Who is told what comes from a switch, over whichever connection it comes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final, Protocol, final

from ..call.observing import Observer
from ..log_lines import log_to_logger
from ..protocol import Event, LogLine
from .subscriptions import LogWish, Wishes

__all__ = ["Hub", "LineObserver"]


class LineObserver(Protocol):
    """Whoever is shown the log's lines by the reader: it takes what it wants, and waits for nothing."""

    def offer(self, line: LogLine) -> None:
        """Take in a line."""

    def wake(self) -> None:
        """The connection has ended: let whoever waits look again."""


@final
class Hub:
    """The observers of a switch, and what they want to hear of.

    Args:
        peer: The switch's address, for log lines.
    """

    def __init__(self, peer: str) -> None:
        self.wishes: Final = Wishes()
        self.logged: LogWish | None = None
        """Which log lines go to the logger ``esl_outbound.freeswitch``; None if none do."""
        self.before_next: Callable[[], None] | None = None
        """Called before the next event or line is shown to anybody."""
        self._peer = peer
        self._observers: Final[list[Observer]] = []
        self._readers: Final[list[LineObserver]] = []

    @contextmanager
    def observed_by(self, stream: Observer) -> Iterator[None]:
        """Show a stream every event from now on."""
        self._observers.append(stream)
        try:
            yield
        finally:
            self._observers.remove(stream)

    @contextmanager
    def read_by(self, lines: LineObserver) -> Iterator[None]:
        """Show a stream every log line from now on."""
        self._readers.append(lines)
        try:
            yield
        finally:
            self._readers.remove(lines)

    @property
    def is_observed(self) -> bool:
        """Whether somebody reads events."""
        return bool(self._observers)

    # For the reader

    def event_came(self, event: Event) -> None:
        """An event came: whoever wants it has it now."""
        if self.before_next is not None:
            self.before_next()
        for observer in self._observers:
            observer.offer(event)

    def line_came(self, line: LogLine) -> None:
        """A line of FreeSWITCH's log came."""
        if self.before_next is not None:
            self.before_next()
        if self.logged is not None and line.level <= self.logged.level:
            log_to_logger(line, self._peer)
        for lines in self._readers:
            lines.offer(line)

    def wake(self) -> None:
        """Let whoever waits look again: the connection has ended, or there is a new one."""
        for observer in self._observers:
            observer.wake()
        for lines in self._readers:
            lines.wake()
