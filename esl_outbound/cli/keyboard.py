"""Standard input as keys, one by one: from a terminal without waiting for Enter, or from a pipe."""

from __future__ import annotations

import os
import re
import signal
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Final, final

import trio

try:
    import termios
except ImportError:  # pragma: no cover - not a POSIX system: a terminal is read line by line there
    termios = None  # type: ignore[assignment]

__all__ = ["Keys", "RawTerminal"]

_BACKGROUND_SECONDS: Final = 0.5
# An arrow key is ESC [ A: not the digit A.
_ESCAPE_SEQUENCE: Final = re.compile(r"\x1b(\[[0-?]*[ -/]*[@-~]?|O.?|.?)", re.DOTALL)


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
        with suppress(OSError):
            self._waits = not stat.S_ISREG(os.fstat(fd).st_mode)

    async def read(self) -> str:
        """Wait for some; empty at the end. Escape sequences are left out."""
        while True:
            await self._wait_readable()
            if os.isatty(self._fd) and is_in_background(self._fd):
                # Reading would stop the process; what is typed is for another one.
                await trio.sleep(_BACKGROUND_SECONDS)
                continue
            try:
                data = os.read(self._fd, 1024)
            except OSError:
                return ""
            keys = _ESCAPE_SEQUENCE.sub("", data.decode("utf-8", "replace"))
            if keys or not data:
                return keys

    async def _wait_readable(self) -> None:
        if self._waits:
            try:
                await trio.lowlevel.wait_readable(self._fd)
            except OSError:
                self._waits = False  # /dev/null and the like: never to be waited for
        else:
            await trio.lowlevel.checkpoint()
