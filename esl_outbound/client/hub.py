"""Who is told what comes from a switch, over whichever connection it comes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, final

from ..call.observing import Observer
from ..log_lines import LogLines, log_to_logger
from ..protocol import Event, LogLine
from .subscriptions import Wishes

__all__ = ["Hub"]


@final
class Hub:
    """The observers of a switch, and what they want to hear of.

    Args:
        peer: The switch's address, for log lines.
    """

    def __init__(self, peer: str) -> None:
        self.wishes: Final = Wishes()
        self.logged_level: int | None = None
        """Of which level log lines go to the logger ``esl_outbound.freeswitch``; None if none do."""
        self._peer = peer
        self._observers: Final[list[Observer]] = []
        self._readers: Final[list[LogLines]] = []

    @contextmanager
    def observed_by(self, stream: Observer) -> Iterator[None]:
        """Show a stream every event from now on."""
        self._observers.append(stream)
        try:
            yield
        finally:
            self._observers.remove(stream)

    @contextmanager
    def read_by(self, lines: LogLines) -> Iterator[None]:
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
        for observer in self._observers:
            observer.offer(event)

    def line_came(self, line: LogLine) -> None:
        """A line of FreeSWITCH's log came."""
        if self.logged_level is not None and line.level <= self.logged_level:
            log_to_logger(line, self._peer)
        for lines in self._readers:
            lines.offer(line)

    def wake(self) -> None:
        """Let whoever waits look again: the connection has ended, or there is a new one."""
        for observer in self._observers:
            observer.wake()
        for lines in self._readers:
            lines.wake()
