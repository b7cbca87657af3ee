"""FreeSWITCH's log, as it comes over the event socket (``log``)."""

from __future__ import annotations

import logging
from collections.abc import Callable
from enum import IntEnum
from typing import Final, final

from .errors import EslOutboundError, LocalProtocolError
from .protocol import LogLine
from .streams import Stream

__all__ = ["LogLevel", "LogLines", "log_level_of", "log_to_logger"]

_log: Final = logging.getLogger("esl_outbound.freeswitch")
# FreeSWITCH's levels: console, alert, critical, error, warning, notice, info, debug.
_LEVELS: Final = (*[logging.CRITICAL] * 3, logging.ERROR, logging.WARNING, *[logging.INFO] * 2, logging.DEBUG)


class LogLevel(IntEnum):
    """FreeSWITCH's log levels (``switch_log_str2level()`` in switch_log.c); debug has ten more, 101 to 110."""

    CONSOLE = 0
    ALERT = 1
    CRIT = 2
    ERR = 3
    WARNING = 4
    NOTICE = 5
    INFO = 6
    DEBUG = 7


_MOST_DEBUG: Final = 110


def log_level_of(level: LogLevel | int | str) -> int:
    """A log level's number, of its number or name.

    Raises:
        LocalProtocolError: There is none like that.
    """
    if isinstance(level, str):
        named = LogLevel.__members__.get(level.upper())
        if named is not None:
            return named
    elif level in range(LogLevel.DEBUG + 1) or level in range(101, _MOST_DEBUG + 1):
        return int(level)
    raise LocalProtocolError(
        f"level is {level!r}, and should be console, alert, crit, err, warning, notice, info or debug"
    )


@final
class LogLines(Stream[LogLine]):
    """Lines of FreeSWITCH's log: ``async for line in lines``. At most 1,024 wait to be read, as events do."""

    __slots__ = ("level",)

    def __init__(self, level: int, end: Callable[[], EslOutboundError | None]) -> None:
        super().__init__(end)
        self.level: Final = level
        """The level that was asked for."""

    # For the reader

    def offer(self, line: LogLine) -> None:
        """Take in a line, if it is of the level that was asked for."""
        if line.level <= self.level:
            self.put(line)


def log_to_logger(line: LogLine, whose: str) -> None:
    """Pass a line on to the logger ``esl_outbound.freeswitch``."""
    _log.log(_LEVELS[min(line.level, len(_LEVELS) - 1)], "%s: %s", whose, line.text.rstrip("\n"))
