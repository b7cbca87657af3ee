"""Frames in, messages out: what a frame means."""

from __future__ import annotations

from typing import Final, TypeAlias, final

import attrs

from .events import Event, EventFormat
from .frames import OK_HEAD, Frame
from .headers import Headers, Variables, decode, peek, peek_last, url_decode

__all__ = [
    "NO_REPLY",
    "ApiResponse",
    "AuthRequest",
    "ConnectReply",
    "DisconnectNotice",
    "LogLine",
    "Message",
    "Reply",
    "RudeRejection",
    "UnknownMessage",
    "read_message",
]

NO_REPLY: Final = "-ERR no reply\n"
"""What ``api`` prints of a command that printed nothing (``api_exec()`` in mod_event_socket.c)."""

_ERROR: Final = "-ERR"
_FAILURES: Final = (_ERROR, "-USAGE")


@attrs.frozen(eq=False)
class Reply:
    """FreeSWITCH's answer to a command (``command/reply``)."""

    headers: Headers
    """All its headers; ``Job-UUID`` and ``Allowed-Events`` come this way."""

    @property
    def text(self) -> str:
        """``Reply-Text``, without the line feed that some have."""
        return self.headers.get("Reply-Text", "").removesuffix("\n")

    @property
    def ok(self) -> bool:
        """Whether it is no ``-ERR``. A variable's value may begin like that too."""
        return not self.text.startswith(_ERROR)


@final
@attrs.frozen(eq=False)
class ConnectReply(Reply):
    """The answer to ``connect``: everything FreeSWITCH knows of the channel."""

    @property
    def variables(self) -> Variables:
        """The channel's variables."""
        return Variables(self.headers)

    @property
    def channel_uuid(self) -> str:
        """The channel's UUID (``Unique-ID``); empty if the reply has none."""
        return url_decode(peek(self.headers.block, b"\nUnique-ID: ") or b"")

    @property
    def is_async(self) -> bool:
        """Whether the dialplan line says ``async``: applications run while we may go on commanding."""
        return peek_last(self.headers.block, b"\nSocket-Mode: ") == b"async"

    @property
    def is_full(self) -> bool:
        """Whether the dialplan line says ``full``: ``api``, ``event``, ``linger`` and the like are allowed."""
        return peek_last(self.headers.block, b"\nControl: ") == b"full"


@final
@attrs.frozen
class ApiResponse:
    """What an API command printed (``api/response``)."""

    text: str

    @property
    def ok(self) -> bool:
        """Whether it is neither ``-ERR`` nor ``-USAGE``."""
        return not self.text.startswith(_FAILURES)

    @property
    def reason(self) -> str:
        """Why it failed: what stands behind ``-ERR`` or ``-USAGE:``, in one line; empty if it did not."""
        if self.ok:
            return ""
        return " ".join(self.text.split()).partition(" ")[2]


@final
@attrs.frozen(eq=False)
class LogLine:
    """A line of FreeSWITCH's log (``log/data``)."""

    headers: Headers
    text: str
    """The line, with the line feed at its end."""

    @property
    def level(self) -> int:
        """``Log-Level``: 0 (console) to 7 (debug), higher for DEBUG1 to DEBUG10."""
        level = self.headers.get("Log-Level", "")
        return int(level) if level.isascii() and level.isdigit() and len(level) < 10 else 0

    @property
    def channel_uuid(self) -> str:
        """The channel that it is about, else empty (``User-Data``)."""
        return self.headers.get("User-Data", "")


@final
@attrs.frozen(eq=False)
class DisconnectNotice:
    """FreeSWITCH says that it will close, or that it lingers after the hangup (``text/disconnect-notice``)."""

    headers: Headers
    text: str

    @property
    def is_linger(self) -> bool:
        """Whether the channel has ended and the socket stays open for a while."""
        return self.headers.get("Content-Disposition", "").lower() == "linger"

    @property
    def linger_seconds(self) -> int | None:
        """How long it stays open; None for ever (``Linger-Time: -1``), or where this is no linger."""
        seconds = self.headers.get("Linger-Time", "")
        return int(seconds) if seconds.isascii() and seconds.isdigit() and len(seconds) < 10 else None


@final
@attrs.frozen
class AuthRequest:
    """FreeSWITCH wants ``auth`` first, on the port that it listens on (``auth/request``)."""


@final
@attrs.frozen
class RudeRejection:
    """An access control list turned us away (``text/rude-rejection``)."""

    text: str


@final
@attrs.frozen(eq=False)
class UnknownMessage:
    """A frame whose type this package does not know; it harms nobody."""

    content_type: str
    headers: Headers
    body: bytes


Message: TypeAlias = (
    Event | Reply | ApiResponse | DisconnectNotice | LogLine | AuthRequest | RudeRejection | UnknownMessage
)

# The answer to nearly every command, byte for byte. It is immutable, so one serves all.
OK: Final = Reply(Headers(OK_HEAD, url_encoded=False))

_FORMATS: Final = {
    "text/event-json": EventFormat.JSON,
    "text/event-xml": EventFormat.XML,
}


def read_message(frame: Frame) -> Message:
    """What a frame means."""
    content_type = frame.content_type
    if content_type == "text/event-plain":
        return Event(frame.body)
    head = frame.head
    if content_type == "command/reply":
        if head is OK_HEAD:
            return OK
        # Only the reply to `connect` is an event's headers, and only it is URL-encoded.
        if head.startswith(b"Event-Name: CHANNEL_DATA\n"):
            return ConnectReply(Headers(head, url_encoded=True))
        return Reply(Headers(head, url_encoded=False))
    event_format = _FORMATS.get(content_type)
    if event_format is not None:
        return Event(frame.body, event_format)
    headers = Headers(head, url_encoded=False)
    match content_type:
        case "api/response":
            return ApiResponse(decode(frame.body))
        case "text/disconnect-notice":
            return DisconnectNotice(headers, decode(frame.body))
        case "log/data":
            return LogLine(headers, decode(frame.body))
        case "auth/request":
            return AuthRequest()
        case "text/rude-rejection":
            return RudeRejection(decode(frame.body))
        case _:
            return UnknownMessage(content_type, headers, frame.body)
