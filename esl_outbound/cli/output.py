"""The one place that prints: whoever reads may be gone, and may not know our letters."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import Final, TextIO, final

import click

__all__ = ["Output", "one_line", "printable"]


@final
class Output:
    """Standard output and standard error; what nobody reads any more is not printed, and raises nothing.

    The streams are those of ``sys`` at the time: tests put others there.
    """

    def __init__(self) -> None:
        self.has_colours: Final = _has_colours()
        """Whether standard output is a terminal that shall have colours."""
        self.when_gone: Callable[[], None] | None = None
        """Called when nobody reads standard output any more."""
        self.is_gone = False
        """Whether nobody reads standard output any more."""

    def styled(self, text: str, colour: str | None = None, *, is_dim: bool = False) -> str:
        """Text in colour, if there are colours."""
        if self.has_colours and (colour or is_dim):
            return click.style(text, fg=colour, dim=is_dim or None)
        return text

    def say(self, text: str, *, is_error: bool = False) -> None:
        """Print a line, or several, at once."""
        stream: TextIO | None = sys.stderr if is_error else sys.stdout
        if stream is None:
            return  # the process was started without it
        try:
            print(_encodable(text, stream), file=stream, flush=True)
        except BrokenPipeError:
            _point_nowhere(stream)
            if not is_error and not self.is_gone:
                self.is_gone = True
                if self.when_gone is not None:
                    self.when_gone()


def _has_colours() -> bool:
    """What no-color.org says, and dumb terminals."""
    is_terminal = sys.stdout is not None and sys.stdout.isatty()
    return is_terminal and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def _encodable(text: str, stream: TextIO) -> str:
    """Text that can be printed there, whatever the terminal's letters are."""
    encoding = stream.encoding or "utf-8"
    return text.encode(encoding, "backslashreplace").decode(encoding)


def _point_nowhere(stream: TextIO) -> None:
    """Let what is still in a stream's buffer, and what comes, go nowhere; Python would complain of it at its end."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, stream.fileno())
    finally:
        os.close(nowhere)


def printable(text: str) -> str:
    """Text from outside for a terminal: nothing in it steers that, and its lines stay lines."""
    return "".join(c if c.isprintable() or c == "\n" else repr(c)[1:-1] for c in text)


def one_line(text: str) -> str:
    """Text from outside as a part of a line: nothing in it steers a terminal or begins another line."""
    return printable(text).replace("\n", "\\n")
