"""Recordings of calls: what both sides said, and when, a file for each call.

A file is lines of JSON. The first says what this is::

    {"recording": "esl_outbound", "version": 1, "started_at": "2026-11-22T22:12:47.391705+00:00", "peer": "..."}

Each of the others is a piece of the conversation as it was read or written, with the seconds since the first
line, as ``text`` or, where the bytes are no UTF-8, as ``base64``::

    {"t": 0.001234, "from": "freeswitch", "text": "..."}

The last one says who closed the connection (``freeswitch`` or ``handler``), or that the file would have become too
long (``cut``); a file without it is one whose server died, or whose disk was full::

    {"t": 4.625200, "end": "freeswitch"}

``esl_outbound.testing`` plays them back. A recording that fails costs a line of log, and never a call.
"""

from __future__ import annotations

import base64
import json
import logging
import os
import re
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, final

import trio

from .errors import CannotRecord

__all__ = ["Recorder"]

MAX_BYTES: Final = 64 << 20
"""How long the file of one call may become."""

_log: Final = logging.getLogger("esl_outbound.recorder")

_VERSION: Final = 1
# The last line's own length.
_ROOM_BYTES: Final = 64
# Where the first head has no end by then, this is no call.
_MAX_UNNAMED_BYTES: Final = 1 << 20
# The name of a file: nothing else that a peer sends gets into it.
_CHANNEL_UUID: Final = re.compile(
    rb"^Unique-ID: ([0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12})\n", re.MULTILINE
)


@final
class Recorder:
    """Records calls into a directory, which is made if only its last part is missing.

    Everything is written at once, in the thread of the event loop, as lines of
    log are: a server that is killed leaves recordings up to its last moment, and the
    directory should be on a disk of this machine.

    Args:
        directory: Where the files go. Only their owner may read them.
        max_bytes: How long the file of one call may become.

    Raises:
        CannotRecord: There is no such directory and it cannot be made, or nothing can be written into it.
    """

    def __init__(self, directory: str | os.PathLike[str], *, max_bytes: int = MAX_BYTES) -> None:
        self.directory: Final = Path(directory).absolute()
        self.max_bytes: Final = max_bytes
        self._number = 0
        try:
            self.directory.mkdir(mode=0o700, exist_ok=True)
            # What os.access says is not what the file system does.
            with tempfile.TemporaryFile(dir=self.directory):
                pass
        except FileExistsError:
            raise CannotRecord(self.directory, "it is no directory") from None
        except OSError as exc:
            raise CannotRecord(self.directory, exc.strerror or str(exc)) from exc

    def new_call(self, peer: str) -> CallRecorder:
        """Record one connection, from now on."""
        self._number += 1
        return CallRecorder(self, peer, self._number)


@final
class CallRecorder:
    """Records one call: what a ``Link`` reads and writes. None of its methods raises.

    Nothing is in the directory before FreeSWITCH has said which channel this is, or
    anything else at all: a port scan and a health check leave no file.
    """

    __slots__ = ("_began", "_fd", "_heard", "_held", "_number", "_peer", "_recorder", "_started_at", "_written")

    def __init__(self, recorder: Recorder, peer: str, number: int) -> None:
        self._recorder = recorder
        self._peer = peer
        self._number = number
        self._began = trio.current_time()
        self._started_at = datetime.now(UTC)
        self._fd = -1
        self._written = 0
        self._held: list[bytes] | None = []
        """The lines that wait for the file's name; None once it has one."""
        self._heard = bytearray()

    def heard(self, data: bytes) -> None:
        """FreeSWITCH said this."""
        if self._held is None:
            if self._fd >= 0:
                self._write(self._line("freeswitch", data))
            return
        self._held.append(self._line("freeswitch", data))
        looked_at = max(0, len(self._heard) - 1)
        self._heard += data
        if self._heard.find(b"\n\n", looked_at) >= 0 or len(self._heard) > _MAX_UNNAMED_BYTES:
            self._open()

    def said(self, data: bytes) -> None:
        """The handler's side says this."""
        if self._held is not None:
            self._held.append(self._line("handler", data))
        elif self._fd >= 0:
            self._write(self._line("handler", data))

    def ended(self, *, by_peer: bool) -> None:
        """The connection has ended."""
        if self._held is not None:
            if not self._heard:
                self._held = None
                return
            self._open()
        if self._fd >= 0:
            self._finish("freeswitch" if by_peer else "handler")

    def _line(self, speaker: str, data: bytes) -> bytes:
        try:
            form, text = "text", data.decode()
        except UnicodeDecodeError:
            form, text = "base64", base64.b64encode(data).decode()
        return _json({"t": self._seconds(), "from": speaker, form: text})

    def _seconds(self) -> float:
        return round(trio.current_time() - self._began, 6)

    def _open(self) -> None:
        """Make the file, and write down what was said until now."""
        held, heard = self._held or [], bytes(self._heard)
        self._held = None
        self._heard = bytearray()
        channel = _CHANNEL_UUID.search(heard[: heard.find(b"\n\n") + 1])
        name = f"{self._started_at:%Y%m%dT%H%M%S.%fZ}-" + (channel[1].decode() if channel else f"{self._number:06d}")
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_CLOEXEC", 0)
        path = self._recorder.directory / f"{name}.jsonl"
        try:
            try:
                self._fd = os.open(path, flags, 0o600)
            except FileExistsError:
                self._fd = os.open(path.with_name(f"{name}-{self._number:06d}.jsonl"), flags, 0o600)
        except OSError as exc:
            self._failed(exc)
            return
        first: dict[str, float | str] = {
            "recording": "esl_outbound",
            "version": _VERSION,
            "started_at": self._started_at.isoformat(timespec="microseconds"),
            "peer": self._peer,
        }
        for line in (_json(first), *held):
            if self._fd >= 0:
                self._write(line)

    def _write(self, line: bytes) -> None:
        if self._written + len(line) + _ROOM_BYTES > self._recorder.max_bytes:
            self._finish("cut")
        else:
            self._put(line)

    def _finish(self, end: str) -> None:
        self._put(_json({"t": self._seconds(), "end": end}))
        self._close()

    def _put(self, line: bytes) -> None:
        self._written += len(line)
        try:
            rest = memoryview(line)
            while rest:  # a disk that is full takes a part of it, and refuses the rest
                rest = rest[os.write(self._fd, rest) :]
        except OSError as exc:
            self._failed(exc)

    def _failed(self, exc: OSError) -> None:
        _log.error("%s: this call is not recorded any further: %s", self._peer, exc)
        self._close()

    def _close(self) -> None:
        fd, self._fd = self._fd, -1
        if fd >= 0:
            with suppress(OSError):
                os.close(fd)


def _json(line: Mapping[str, float | str]) -> bytes:
    return json.dumps(line, ensure_ascii=False).encode() + b"\n"
