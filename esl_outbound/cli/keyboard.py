"""Standard input as keys, one by one: from a terminal without waiting for Enter, or from a pipe."""

from __future__ import annotations

import codecs
import math
import os
import re
import signal
import termios
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Final, final

import trio

__all__ = ["Keys", "RawTerminal"]

_BACKGROUND_SECONDS: Final = 0.5
# What follows an Escape so late is no part of an escape sequence: the key itself was pressed.
_ESCAPE_SECONDS: Final = 0.1
# An arrow key is ESC [ A or ESC O A, F1 of a Linux console ESC [ [ A, and Alt puts one more ESC before:
# none of them is the digit A.
_ESCAPE_SEQUENCE: Final = re.compile(r"\x1b+(\[\[.?|\[[0-?]*[ -/]*[@-~]?|O.?|.?)", re.DOTALL)
_UNFINISHED_SEQUENCE: Final = re.compile(r"\x1b+(\[\[?|\[[0-?]*[ -/]*|O)?\Z")


@final
class RawTerminal:
    """A terminal that gives keys as they are pressed and shows none, until ``restore()``.

    Its own settings are back whenever somebody else has it: after Ctrl-Z, and at the end.

    Args:
        fd: The terminal.
    """

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._before = termios.tcgetattr(fd)
        self._is_raw = False

    def make_raw(self) -> None:
        """Take the terminal, unless this process is in the background, where that would stop it."""
        if not is_in_background(self._fd):
            mode = termios.tcgetattr(self._fd)
            mode[3] &= ~(termios.ECHO | termios.ICANON)
            mode[6][termios.VMIN] = 1
            mode[6][termios.VTIME] = 0
            # Not TCSAFLUSH: what was typed ahead counts.
            termios.tcsetattr(self._fd, termios.TCSADRAIN, mode)
            self._is_raw = True

    def restore(self) -> None:
        """Give the terminal back as it was."""
        if self._is_raw and not is_in_background(self._fd):
            with suppress(termios.error):
                termios.tcsetattr(self._fd, termios.TCSADRAIN, self._before)
        self._is_raw = False

    @contextmanager
    def raw(self) -> Iterator[None]:
        """Have the terminal raw within the block, but not while the process is suspended."""
        before = {number: signal.getsignal(number) for number in (signal.SIGTSTP, signal.SIGCONT)}
        if before[signal.SIGTSTP] is not signal.SIG_IGN:
            signal.signal(signal.SIGTSTP, self._suspend)
        signal.signal(signal.SIGCONT, self._resume)
        self.make_raw()
        try:
            yield
        finally:
            self.restore()
            for number, handler in before.items():
                signal.signal(number, handler)

    def _suspend(self, number: int, _frame: FrameType | None) -> None:
        self.restore()
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)
        # The process stands still here, until somebody sends SIGCONT.
        signal.signal(number, self._suspend)

    def _resume(self, _number: int, _frame: FrameType | None) -> None:
        self.make_raw()


def is_in_background(fd: int) -> bool:
    """Whether the terminal is somebody else's at the moment."""
    try:
        return os.tcgetpgrp(fd) != os.getpgrp()
    except OSError:
        return False


@final
class Keys:
    """The characters that come over a descriptor, as they come.

    Args:
        fd: The descriptor: a terminal, a pipe, a file, or none that is open.
    """

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._waits = True
        self._decoder: Final = codecs.getincrementaldecoder("utf-8")("replace")
        self._unfinished = ""
        """The beginning of an escape sequence, whose rest comes with the next read if there is one."""

    async def read(self) -> str:
        """Wait for some; empty at the end. Escape sequences are left out."""
        while True:
            with trio.move_on_after(_ESCAPE_SECONDS if self._unfinished else math.inf) as waiting:
                await self._wait_readable()
            if waiting.cancelled_caught:
                self._unfinished = ""
                continue
            if os.isatty(self._fd) and is_in_background(self._fd):
                # Reading would stop the process; what is typed is for another one.
                await trio.sleep(_BACKGROUND_SECONDS)
                continue
            try:
                data = os.read(self._fd, 1024)
            except OSError:
                return ""
            keys = self._without_sequences(self._unfinished + self._decoder.decode(data, not data))
            if keys or not data:
                return keys

    def _without_sequences(self, text: str) -> str:
        """Text without its escape sequences; an unfinished one at its end is kept."""
        unfinished = _UNFINISHED_SEQUENCE.search(text)
        self._unfinished = "" if unfinished is None else unfinished[0]
        return _ESCAPE_SEQUENCE.sub("", text)

    async def _wait_readable(self) -> None:
        if self._waits:
            try:
                await trio.lowlevel.wait_readable(self._fd)
            except OSError:
                self._waits = False  # a file, /dev/null and the like: never to be waited for
        else:
            await trio.lowlevel.checkpoint()
