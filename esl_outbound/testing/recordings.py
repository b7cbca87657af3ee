"""Recorded conversations, as they are in files.

Two kinds of file are read: those that ``serve(..., record=directory)`` writes, with both directions and with times,
and ``.raw`` files, which hold nothing but the bytes that FreeSWITCH sent. What a file is, its content says.
"""

from __future__ import annotations

import base64
import binascii
import json
import os
import re
from bisect import bisect_left
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Final, final
from urllib.parse import unquote

import attrs

from .wire import CommandReader, Received, UnreadableCommand, decoded

__all__ = ["NotARecording", "RecordedCommand", "RecordedFrame", "Recording"]

_VERSION: Final = 1
_CONTENT_LENGTH: Final = re.compile(rb"^Content-Length: *([0-9]{1,10})$", re.MULTILINE)
_CONTENT_TYPE: Final = re.compile(rb"^Content-Type: (.*)$", re.MULTILINE)
_HEAD: Final = re.compile(rb"(?:[^:\n]+:[^\n]*\n)+\n")


class NotARecording(ValueError):
    """A file is no recorded conversation.

    Attributes:
        path: The file.
        line: The line that is wrong, from 1; None where the file has no lines.
    """

    def __init__(self, path: Path, reason: str, line: int | None = None) -> None:
        super().__init__(f"{path}" + (f", line {line}" if line is not None else "") + f": {reason}")
        self.path: Final = path
        self.line: Final = line


@final
@attrs.frozen
class RecordedCommand:
    """Something that the handler's side said."""

    seconds: float
    """When, since the recording began."""
    command: Received
    """What FreeSWITCH has read."""


@final
@attrs.frozen
class RecordedFrame:
    """A message of FreeSWITCH's."""

    head: bytes
    """Its head, with the blank line."""
    body: bytes
    """As many bytes as the head says."""
    seconds: float | None
    """When it came, since the recording began. A ``.raw`` file knows when FreeSWITCH made it, if it is an event."""
    after: int
    """How many commands were said before it came; 0 in a ``.raw`` file, which does not know."""
    piece: int
    """Frames that came in one piece have the same number; in a ``.raw`` file, events that were made in one instant."""

    @property
    def content_type(self) -> str:
        """What kind of message it is, such as ``command/reply``."""
        found = _CONTENT_TYPE.search(self.head)
        return decoded(found[1]) if found is not None else ""

    @property
    def is_reply(self) -> bool:
        """Whether it answers a command."""
        return self.content_type in ("command/reply", "api/response")

    @property
    def is_event(self) -> bool:
        """Whether it is an event, in any format."""
        return self.content_type.startswith("text/event-")

    def get(self, name: str) -> str:
        """The value of an event's header, or of a header of any other message; empty if it is not there."""
        match self.content_type:
            case "text/event-json":
                return _in_json(self.body, name)
            case "text/event-xml":
                found = re.search(f"<{re.escape(name)}>(.*?)</{re.escape(name)}>".encode(), self.body, re.DOTALL)
                return unquote(decoded(found[1]), errors="surrogateescape") if found is not None else ""
            case "text/event-plain":
                where = self.body
            case _:
                where = self.head
        found = re.search(f"^{re.escape(name)}: (.*)$".encode(), where.partition(b"\n\n")[0], re.MULTILINE)
        if found is None:
            return ""
        text = decoded(found[1])
        # The reply to `connect` is encoded as events are; no other head is.
        return unquote(text, errors="surrogateescape") if self.is_event or self.is_channel_data else text

    @property
    def is_channel_data(self) -> bool:
        """Whether it is the reply to ``connect``."""
        return self.head.startswith(b"Event-Name: CHANNEL_DATA\n")


@final
@attrs.frozen
class Recording:
    """A recorded conversation: ``Recording.load("calls/20261122T221247.391705Z-….jsonl")``."""

    path: Path
    """Where it was read from."""
    commands: tuple[RecordedCommand, ...] | None
    """What the handler's side said; None if that was not recorded."""
    frames: tuple[RecordedFrame, ...]
    """What FreeSWITCH said, in order."""
    started_at: datetime | None = None
    """When it began; None if that was not recorded."""
    peer: str = ""
    """FreeSWITCH's address."""
    closed_by: str = ""
    """Who closed the connection, ``freeswitch`` or ``handler``; empty if that is not known."""
    seconds: float | None = None
    """How long it took; None if that is not known."""
    is_cut: bool = False
    """Whether it is known to end before the conversation did."""

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Recording:
        """Read a recorded conversation.

        The last line, or the last message, may be there in part: a recording
        can end with the server that wrote it.

        Raises:
            NotARecording: The file is something else.
            OSError: It cannot be read.
        """
        path = Path(path)
        data = path.read_bytes()
        if not data:
            raise NotARecording(path, "is empty")
        return _read_lines(path, data) if data.startswith(b"{") else _read_raw(path, data)


def _in_json(body: bytes, name: str) -> str:
    try:
        event = json.loads(decoded(body))
    except ValueError:
        return ""
    value = event.get(name, "") if isinstance(event, dict) else ""
    return value if isinstance(value, str) else ""


def _split(data: bytes, refuse: Callable[[int, str], NotARecording]) -> Iterator[tuple[int, int, int]]:
    """Where each whole message begins, where its head ends, and where it ends itself."""
    start = 0
    while start < len(data):
        head_end = data.find(b"\n\n", start) + 2
        if head_end < 2:
            return
        head = data[start:head_end]
        if _HEAD.fullmatch(head) is None or _CONTENT_TYPE.search(head) is None:
            raise refuse(start, f"{data[start : start + 40]!r} is not the beginning of a message of FreeSWITCH's")
        length = _CONTENT_LENGTH.search(head)
        end = head_end + (int(length[1]) if length is not None else 0)
        if end > len(data):
            return
        yield start, head_end, end
        start = end


def _read_raw(path: Path, data: bytes) -> Recording:
    def refuse(at: int, reason: str) -> NotARecording:
        return NotARecording(path, f"at byte {at}, {reason}")

    frames: list[RecordedFrame] = []
    first: int | None = None
    pieces: dict[str, int] = {}
    end = 0
    for number, (start, head_end, end) in enumerate(_split(data, refuse)):
        frame = RecordedFrame(data[start:head_end], data[head_end:end], None, 0, number)
        stamp = frame.get("Event-Date-Timestamp")
        if stamp.isdecimal():
            first = int(stamp) if first is None else first
            piece = pieces.setdefault(stamp, number)
            frame = attrs.evolve(frame, seconds=(int(stamp) - first) / 1e6, piece=piece)
        frames.append(frame)
    if not frames:
        raise NotARecording(path, "holds no message of FreeSWITCH's")
    return Recording(path, None, tuple(frames), is_cut=end < len(data))


@final
class _Lines:
    """Reads the lines of a recording that a server wrote."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._number = 0
        self._reader = CommandReader()
        self.commands: list[RecordedCommand] = []
        self.heard = bytearray()
        self.chunks: list[tuple[int, int, float, int]] = []
        """Of each piece from FreeSWITCH: where it ends, its line, its time, and how many commands came before it."""
        self.end = ""
        self.seconds = 0.0

    def wrong(self, reason: str) -> NotARecording:
        """The line that was read last is wrong."""
        return NotARecording(self._path, reason, self._number)

    def parse(self, line: bytes) -> dict[str, object]:
        """The next line's object."""
        self._number += 1
        try:
            found = json.loads(line)
        except ValueError:
            raise self.wrong("is not JSON") from None
        if not isinstance(found, dict):
            raise self.wrong("is no JSON object")
        return found

    def take(self, line: bytes) -> None:
        """Take in a line that is not the first."""
        found = self.parse(line)
        seconds = found.get("t")
        if not isinstance(seconds, int | float):
            raise self.wrong("has no time t")
        self.seconds = float(seconds)
        match found:
            case {"end": str(end)}:
                self.end = end
            case {"from": "freeswitch"}:
                self.heard += self._bytes_of(found)
                self.chunks.append((len(self.heard), self._number, self.seconds, len(self.commands)))
            case {"from": "handler"}:
                self._reader.feed(self._bytes_of(found))
                try:
                    while (command := self._reader.next_command()) is not None:
                        self.commands.append(RecordedCommand(self.seconds, command))
                except UnreadableCommand as exc:
                    raise self.wrong(f"holds a command that FreeSWITCH does not read: {exc}") from None
            case _:
                raise self.wrong('is neither from "freeswitch" nor from "handler", and is no end')

    def _bytes_of(self, found: dict[str, object]) -> bytes:
        match found:
            case {"text": str(text)}:
                return text.encode("utf-8", "surrogatepass")
            case {"base64": str(text)}:
                try:
                    return base64.b64decode(text, validate=True)
                except binascii.Error:
                    raise self.wrong("holds what is not base64") from None
        raise self.wrong("holds neither text nor base64")


def _read_lines(path: Path, data: bytes) -> Recording:
    lines = _Lines(path)
    *whole, rest = data.split(b"\n")
    first = lines.parse(whole.pop(0) if whole else rest)
    if first.get("recording") != "esl_outbound":
        raise lines.wrong("does not say that this is a recording of esl_outbound")
    if first.get("version") != _VERSION:
        raise lines.wrong(f"says version {first.get('version')}, and only version {_VERSION} is known here")
    for line in whole:
        lines.take(line)
    if rest:
        try:
            lines.take(rest)
        except NotARecording:
            lines.end = ""  # the server died in the middle of it

    ends = [end for end, _, _, _ in lines.chunks]

    def refuse(at: int, reason: str) -> NotARecording:
        return NotARecording(path, reason, lines.chunks[bisect_left(ends, at + 1)][1])

    frames: list[RecordedFrame] = []
    heard = bytes(lines.heard)
    for start, head_end, end in _split(heard, refuse):
        _, line_number, seconds, after = lines.chunks[bisect_left(ends, end)]
        frames.append(RecordedFrame(heard[start:head_end], heard[head_end:end], seconds, after, line_number))
    closed_by = lines.end if lines.end in ("freeswitch", "handler") else ""
    return Recording(
        path,
        tuple(lines.commands),
        tuple(frames),
        _moment(first.get("started_at")),
        str(first.get("peer", "")),
        closed_by,
        lines.seconds,
        is_cut=not closed_by,
    )


def _moment(text: object) -> datetime | None:
    try:
        return datetime.fromisoformat(str(text))
    except ValueError:
        return None
