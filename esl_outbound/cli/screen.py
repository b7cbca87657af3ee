"""What is printed while a call goes on: plain lines, in colour on a terminal."""

from __future__ import annotations

import logging
import time
from typing import Final, final

from ..testing import Happening, Moment, Who
from .logs import LogLines
from .output import Output
from .tracebacks import users_traceback
from .wording import printable, worded

__all__ = ["Screen"]

_FOLLOWS_FROM_THE_END: Final = (Happening.EXITS, Happening.CLOSES_SOCKET, Happening.HAS_NO_MORE_ACTIONS)
_OWN_ACTS: Final = (
    Happening.CALLS,
    Happening.PRESSES,
    Happening.STAYS_SILENT,
    Happening.SPEAKS,
    Happening.HANGS_UP,
    Happening.TALKS_TO,
    Happening.LEAVES_CONFERENCE,
)
_LEVEL_COLOURS: Final = {"WARNING": "yellow", "ERROR": "red", "CRITICAL": "red"}


@final
class Screen:
    """Prints the lines of one call.

    Args:
        shows_all: Whether the framework's own lines of the log are shown, and whole tracebacks.
    """

    def __init__(self, *, shows_all: bool = False) -> None:
        self.shows_all: Final = shows_all
        self.output: Final = Output()
        self.pressed = ""
        """All digits that the caller pressed."""
        self.ended_by = "FreeSWITCH"
        """Who ended the call."""
        self.is_over = False
        self.seconds = 0.0
        """How long the call lasted."""
        self.nobody_takes_it = False
        self.is_quiet = True
        """Whether nothing has been said yet of what the handler or FreeSWITCH does."""
        self._began = time.monotonic()

    def say(self, text: str, colour: str | None = None, *, is_dim: bool = False, is_error: bool = False) -> None:
        """Print a line, or several, at once."""
        self.output.say(self.output.styled(text, colour, is_dim=is_dim), is_error=is_error)

    def happens(self, text: str, colour: str | None = None, *, is_dim: bool = False) -> None:
        """Print what happens now, with the seconds since the call began."""
        seconds = f"{time.monotonic() - self._began:7.1f}  "
        first, *others = text.split("\n")
        self.say("\n".join([seconds + first, *(" " * len(seconds) + other for other in others)]), colour, is_dim=is_dim)

    def begins(self) -> None:
        """The call begins now."""
        self._began = time.monotonic()

    def show(self, moment: Moment) -> None:
        """Print a moment of the call."""
        is_news = self._is_news(moment)
        self._notice(moment)
        words = worded(moment)
        if words is not None and is_news:
            self.happens(words.text, words.colour, is_dim=words.is_dim)

    def _is_news(self, moment: Moment) -> bool:
        """Whether it does not just follow from what was told before."""
        if self.is_over and moment.happening is Happening.HANGS_UP:
            return False  # the test kit hangs up for a caller who is left alone
        return not (self.is_over or self.nobody_takes_it) or moment.happening not in _FOLLOWS_FROM_THE_END

    def _notice(self, moment: Moment) -> None:
        match moment.happening, moment.who:
            case (Happening.PRESSES, _):
                self.pressed += moment.details[0]
            case (Happening.HANGS_UP, who) if not self.is_over:
                self.ends()
                self.ended_by = "you" if who is Who.CALLER else "the handler"
            case (Happening.RUNS, Who.HANDLER) if moment.details[0] == "hangup":
                self.ended_by = "the handler"
            case (Happening.IS_NOT_TAKEN, _):
                self.nobody_takes_it = True
        if moment.who is not Who.CALLER or moment.happening not in _OWN_ACTS:
            self.is_quiet = False

    def ends(self) -> None:
        """The call is over."""
        if not self.is_over:
            self.is_over = True
            self.seconds = time.monotonic() - self._began

    # The log

    def log_handler(self) -> logging.Handler:
        """What prints the lines of the log among those of the call."""
        return LogLines(self.log)

    def log(self, record: logging.LogRecord, message: str) -> None:
        """Print a line of the log."""
        ours = record.name.startswith("esl_outbound.")
        if ours and record.levelno < logging.WARNING and not self.shows_all:
            return  # the call is told already
        if ours and not self.shows_all and message.startswith("channel "):
            message = message.partition(": ")[2]  # there is but one
        name = "" if ours and not self.shows_all else f" {record.name}:"
        self.happens(f"log {record.levelname}{name} {printable(message)}", _LEVEL_COLOURS.get(record.levelname))
        exc = record.exc_info[1] if record.exc_info else None
        if exc is not None:
            self.say(self.traceback(exc), is_error=True)

    def traceback(self, exc: BaseException) -> str:
        """A traceback, of the user's own frames unless all is to be shown."""
        if self.shows_all:
            return logging.Formatter().formatException((type(exc), exc, exc.__traceback__))
        return users_traceback(exc)
