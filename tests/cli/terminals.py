"""``esl-outbound`` in a process of its own, on a pseudo-terminal or on pipes, driven by what it prints."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Final

import pytest

from esl_outbound.cli import main

COMMAND: Final = (sys.executable, "-m", "esl_outbound")
PATIENCE_SECONDS: Final = 15.0


def environment() -> dict[str, str]:
    """Ours, with nothing in it that says how a terminal is to be used."""
    ours = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "TERM")}
    return {**ours, "TERM": "xterm"}


def run(
    *arguments: str, folder: Path, stdin: str | None = None, seconds: float = 20
) -> subprocess.CompletedProcess[str]:
    """Run the command on pipes, to its end."""
    return subprocess.run(
        [*COMMAND, *arguments],
        cwd=folder,
        input=stdin,
        stdin=subprocess.DEVNULL if stdin is None else None,
        capture_output=True,
        text=True,
        timeout=seconds,
        env=environment(),
        check=False,
    )


class Terminal:
    """The person in front of a pseudo-terminal in which a command runs."""

    def __init__(self, master: int, slave: int) -> None:
        self._master = master
        self._slave = slave
        self.screen = ""
        """All that was printed."""
        self._seen = 0

    def sees(self, pattern: str) -> re.Match[str]:
        """Wait until something is printed behind what was seen before."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while (found := re.compile(pattern).search(self.screen, self._seen)) is None:
            ready, _, _ = select.select([self._master], [], [], max(deadline - time.monotonic(), 0))
            assert ready, f"{pattern!r} does not come; the screen:\n{self.screen}"
            data = os.read(self._master, 65536)
            self.screen += data.decode().replace("\r\n", "\n")
        self._seen = found.end()
        return found

    def types(self, keys: str) -> None:
        """Press keys."""
        os.write(self._master, keys.encode())

    @property
    def is_raw(self) -> bool:
        """Whether keys are given one by one, and not shown."""
        return not termios.tcgetattr(self._slave)[3] & (termios.ICANON | termios.ECHO)

    @property
    def settings(self) -> list[object]:
        """All settings of the terminal."""
        return list(termios.tcgetattr(self._slave))


@contextmanager
def standard_input(fd: int) -> Iterator[None]:
    """Let this process have another standard input."""
    before = os.dup(0)
    os.dup2(fd, 0)
    try:
        yield
    finally:
        os.dup2(before, 0)
        os.close(before)


def call_in_terminal(arguments: Sequence[str], person: Callable[[Terminal], None]) -> int:
    """Run the command in this process, on a pseudo-terminal, with a person at the other end; its exit status."""
    master, slave = pty.openpty()
    at_it = Terminal(master, slave)
    before = at_it.settings
    faults: list[BaseException] = []

    def behave() -> None:
        try:
            person(at_it)
        except BaseException as exc:
            faults.append(exc)
            at_it.types("q")

    thread = threading.Thread(target=behave)
    try:
        with (
            standard_input(slave),
            os.fdopen(os.dup(slave), "w") as screen,
            redirect_stdout(screen),
            redirect_stderr(screen),
        ):
            thread.start()
            with pytest.raises(SystemExit) as left:
                main(arguments, prog_name="esl-outbound")
            # Its last lines wait in the terminal for the person to read them.
            thread.join()
        assert at_it.settings == before
    finally:
        os.close(master)
        os.close(slave)
    for fault in faults:
        raise fault
    assert isinstance(left.value.code, int)
    return left.value.code


@contextmanager
def terminal(command: Sequence[str], folder: Path) -> Iterator[tuple[Terminal, subprocess.Popen[bytes]]]:
    """A command in a process of its own and a pseudo-terminal of its own: Ctrl-C reaches it, job control works."""
    master, slave = pty.openpty()

    def own_terminal() -> None:
        fcntl.ioctl(slave, termios.TIOCSCTTY, 0)

    process = subprocess.Popen(
        command,
        cwd=folder,
        stdin=slave,
        stdout=slave,
        stderr=slave,
        env=environment(),
        start_new_session=True,
        preexec_fn=own_terminal,
    )
    try:
        yield Terminal(master, slave), process
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        os.close(master)
        os.close(slave)
