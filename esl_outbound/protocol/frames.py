"""Bytes in, frames out.

A frame is a head of ``Name: value`` lines, a blank line, and as many bytes of
body as the head's ``Content-Length`` says. This is the only code that looks
for a blank line, and it looks at nothing else: what a frame means is the
business of ``messages``.
"""

from __future__ import annotations

import re
from typing import Final, final

from ..errors import RemoteProtocolError

__all__ = ["MAX_BODY_BYTES", "MAX_HEAD_BYTES", "OK_HEAD", "Frame", "FrameReader"]

MAX_HEAD_BYTES: Final = 1 << 20
MAX_BODY_BYTES: Final = 16 << 20

OK_HEAD: Final = b"Content-Type: command/reply\nReply-Text: +OK\n"

# Nearly all frames begin like one of these, byte for byte: they are recognised in place.
_EVENT_HEAD: Final = re.compile(rb"Content-Length: (\d{1,9})\nContent-Type: text/event-plain\n\n")
_REPLY: Final = re.compile(rb"Content-Type: command/reply\nReply-Text: [^\n]*\n\n")
_OK_FRAME: Final = OK_HEAD + b"\n"

# How every head begins. A peer that speaks another protocol is found out by its first bytes.
_LONGEST_NAME: Final = 256
_FIRST_NAME: Final = re.compile(rb"[!-9;-~]{1,256}(?::|\Z)")

# How long a frame whose beginning is held will be, where that is not a number of bytes.
_UNKNOWN: Final = 0  # nobody has looked yet
_BLANK_LINE: Final = -1  # its head has not ended

# FreeSWITCH sends these with a body always; without its length nobody knows where the next frame begins.
_NEED_LENGTH: Final = frozenset({"text/event-plain", "text/event-json", "text/event-xml", "api/response", "log/data"})


@final
class Frame:
    """One unit on the wire.

    A plain slotted class and not an attrs one: there is one of these for every event.
    """

    __slots__ = ("body", "content_type", "head")

    def __init__(self, content_type: str, head: bytes, body: bytes) -> None:
        self.content_type: Final = content_type
        """The head's ``Content-Type``, in lower case."""
        self.head: Final = head
        """The head's lines, each with its line feed, without the blank line."""
        self.body: Final = body
        """The body, which is empty where the head gives no ``Content-Length``."""

    def __repr__(self) -> str:
        return f"<Frame {self.content_type} {len(self.head)}+{len(self.body)} bytes>"


_OK: Final = Frame("command/reply", OK_HEAD, b"")


@final
class FrameReader:
    """Cuts a stream of bytes into frames, wherever the bytes were cut before.

    Feed it what the socket gave, then take frames until there are none. It
    never holds more than one head and one body of the given limits, plus what
    one call of ``feed`` brought.

    Args:
        max_head_bytes: The longest head that is accepted, in bytes.
        max_body_bytes: The longest body that is accepted, in bytes.
    """

    __slots__ = ("_buffer", "_max_body", "_max_head", "_next", "_next_position", "_partial", "_position", "_wanted")

    def __init__(self, *, max_head_bytes: int = MAX_HEAD_BYTES, max_body_bytes: int = MAX_BODY_BYTES) -> None:
        self._max_head = max_head_bytes
        self._max_body = max_body_bytes
        self._buffer = b""
        self._position = 0
        # What follows the buffer, from that position on: a chunk is not copied whole for the frame that ends in it.
        self._next = b""
        self._next_position = 0
        # The beginning of one frame whose end has not come, and the size at which it will have.
        self._partial = bytearray()
        self._wanted = _UNKNOWN

    @property
    def inside_frame(self) -> bool:
        """Whether bytes are held of a frame that has not ended yet."""
        return bool(self._partial or self._next) or self._position < len(self._buffer)

    def feed(self, data: bytes) -> None:
        """Take in bytes from the wire."""
        if self._next:
            self._buffer = self._buffer[self._position :] + self._next[self._next_position :]
            self._position = 0
            self._next = b""
        partial = self._partial
        if not partial:
            if self._position == len(self._buffer):
                self._buffer = data
                self._position = 0
                self._wanted = _UNKNOWN
                return
            partial += self._buffer[self._position :]
            self._buffer = b""
            self._position = 0
        # A frame that cannot be complete yet is not looked at again: that would be quadratic in its length.
        size = len(partial) + len(data)
        if self._wanted == _BLANK_LINE:
            complete = b"\n\n" in data or partial[-1:] + data[:1] == b"\n\n" or size > self._max_head
            # Its first name is looked at as soon as it is there: a stranger need not be waited for.
            complete = complete or len(partial) <= _LONGEST_NAME
        else:
            complete = size >= self._wanted
        if complete:
            missing = self._wanted - len(partial)
            if 0 < missing < len(data):
                partial += data[:missing]
                self._buffer = bytes(partial)
                self._next = data
                self._next_position = missing
            else:
                self._buffer = b"".join((partial, data))
            self._partial = bytearray()
            self._wanted = _UNKNOWN
        else:
            partial += data

    def next_plain_event(self) -> bytes | None:
        """The body of the next frame, if that is a whole plain event: nearly always, and worth no frame.

        Returns:
            The body; None if anything else comes next, for ``next_frame`` to say what.
        """
        buffer = self._buffer
        event = _EVENT_HEAD.match(buffer, self._position)
        if event is None:
            return None
        start = event.end()
        end = start + int(event[1])
        if end > len(buffer) or end - start > self._max_body:
            return None
        self._position = end
        return buffer[start:end]

    def next_frame(self) -> Frame | None:
        """The next frame, or None until more bytes are fed.

        Raises:
            RemoteProtocolError: The bytes are not an event socket's. What came
                before them was given out; the reader is of no further use.
        """
        buffer = self._buffer
        position = self._position
        if (body := self.next_plain_event()) is not None:
            return Frame("text/event-plain", buffer[position : self._position - len(body) - 1], body)
        if buffer.startswith(_OK_FRAME, position):
            self._position = position + len(_OK_FRAME)
            return _OK
        if position == len(buffer):
            if not self._next:
                return None
            self._buffer = self._next
            self._position = self._next_position
            self._next = b""
            return self.next_frame()
        if (reply := _REPLY.match(buffer, position)) is not None and reply.end() - position <= self._max_head:
            self._position = end = reply.end()
            return Frame("command/reply", buffer[position : end - 1], b"")
        return self._any_frame(buffer, position)

    def _any_frame(self, buffer: bytes, position: int) -> Frame | None:
        if _FIRST_NAME.match(buffer, position) is None:
            raise RemoteProtocolError(f"not an event socket: {buffer[position : position + 40]!r}")
        blank = buffer.find(b"\n\n", position)
        if blank < 0:
            if len(buffer) - position > self._max_head:
                raise RemoteProtocolError(f"a head of more than {self._max_head} bytes")
            self._wanted = _BLANK_LINE
            return None
        start = blank + 2
        if start - position > self._max_head:
            raise RemoteProtocolError(f"a head of {start - position} bytes, more than {self._max_head}")
        head = buffer[position : blank + 1]
        content_type, length = _content(head)
        if length > self._max_body:
            raise RemoteProtocolError(f"a body of {length} bytes, more than {self._max_body}")
        end = start + length
        if end > len(buffer):
            self._wanted = end - position
            return None
        self._position = end
        return Frame(content_type, head, buffer[start:end])


def _content(head: bytes) -> tuple[str, int]:
    """The type and the length that a head announces for its body."""
    folded = b"\n" + head.lower()
    at = folded.rfind(b"\ncontent-type:")
    if at < 0:
        raise RemoteProtocolError(f"a head without Content-Type: {head[:40]!r}")
    content_type = _value(folded, at).decode("ascii", "backslashreplace")
    lengths = folded.count(b"\ncontent-length:")
    if not lengths:
        if content_type in _NEED_LENGTH:
            raise RemoteProtocolError(f"{content_type} without Content-Length")
        return content_type, 0
    if lengths > 1:
        raise RemoteProtocolError("more than one Content-Length")
    digits = _value(folded, folded.find(b"\ncontent-length:"))
    # Eighteen digits are more than any limit, and fewer than int() refuses.
    if not (digits.isdigit() and len(digits) <= 18):
        raise RemoteProtocolError(f"Content-Length {digits[:40]!r}")
    return content_type, int(digits)


def _value(head: bytes, at: int) -> bytes:
    """The value of the header whose line feed stands at ``at``."""
    return head[head.index(b":", at) + 1 : head.index(b"\n", at + 1)].strip(b" ")
