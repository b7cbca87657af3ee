"""What the tests of the protocol share: bytes cut in pieces, and all that a message can tell."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import pairwise

from esl_outbound.errors import RemoteProtocolError
from esl_outbound.protocol import (
    ApiResponse,
    AuthRequest,
    ConnectReply,
    DisconnectNotice,
    Event,
    Frame,
    FrameReader,
    LogLine,
    Message,
    Reply,
    RudeRejection,
    UnknownMessage,
    read_message,
)

FrameParts = tuple[str, bytes, bytes]


def pieces(data: bytes, size: int) -> Iterator[bytes]:
    """The bytes in pieces of one size."""
    return (data[start : start + size] for start in range(0, len(data), size))


def cut_at(data: bytes, places: Iterable[int]) -> list[bytes]:
    """The bytes cut at these places."""
    bounds = [0, *sorted(place for place in places if 0 < place < len(data)), len(data)]
    return [data[start:end] for start, end in pairwise(bounds)]


def read_frames(parts: Iterable[bytes], reader: FrameReader | None = None) -> tuple[list[Frame], bool]:
    """All frames, and whether a RemoteProtocolError ended them."""
    reader = FrameReader() if reader is None else reader
    frames: list[Frame] = []
    try:
        for part in parts:
            reader.feed(part)
            while (frame := reader.next_frame()) is not None:
                frames.append(frame)
    except RemoteProtocolError:
        return frames, True
    return frames, False


def frame_parts(frames: Iterable[Frame]) -> list[FrameParts]:
    """Frames as values that can be compared."""
    return [(frame.content_type, frame.head, frame.body) for frame in frames]


def read_messages(parts: Iterable[bytes]) -> tuple[list[Message], bool]:
    """All messages, and whether a RemoteProtocolError ended them."""
    frames, failed = read_frames(parts)
    return [read_message(frame) for frame in frames], failed


def read_one(data: bytes) -> Message:
    """The only message in these bytes."""
    messages, failed = read_messages([data])
    assert not failed
    assert len(messages) == 1
    return messages[0]


def everything(message: Message) -> tuple[object, ...]:
    """All that a message can tell; what is broken says RemoteProtocolError, and anything else is a failure."""
    return (type(message).__name__, *(_answer(question) for question in _questions(message)))


def _answer(question: Callable[[], object]) -> object:
    try:
        return question()
    except RemoteProtocolError:
        return RemoteProtocolError


def _questions(message: Message) -> list[Callable[[], object]]:
    match message:
        case Event():
            event = message
            return [
                lambda: event.format,
                lambda: event.raw_name,
                lambda: event.name,
                lambda: event.subclass,
                lambda: event.get("Unique-ID"),
                lambda: "Application-UUID" in event,
                lambda: event.headers.pairs(),
                lambda: list(event.headers),
                lambda: len(event.headers),
                lambda: event.headers.get_all("Hangup-Cause"),
                lambda: dict(event.variables),
                lambda: event.variables.get_array("DP_MATCH"),
                lambda: event.body,
                lambda: event.block,
                lambda: repr(event),
            ]
        case ConnectReply():
            connect = message
            return [
                lambda: connect.headers.pairs(),
                lambda: connect.text,
                lambda: connect.ok,
                lambda: connect.channel_uuid,
                lambda: connect.is_async,
                lambda: connect.is_full,
                lambda: dict(connect.variables),
            ]
        case Reply():
            reply = message
            return [lambda: reply.headers.pairs(), lambda: reply.text, lambda: reply.ok]
        case ApiResponse():
            response = message
            return [lambda: response.text, lambda: response.ok]
        case LogLine():
            line = message
            return [
                lambda: line.headers.pairs(),
                lambda: line.text,
                lambda: line.level,
                lambda: line.channel_uuid,
            ]
        case DisconnectNotice():
            notice = message
            return [
                lambda: notice.headers.pairs(),
                lambda: notice.text,
                lambda: notice.is_linger,
                lambda: notice.linger_seconds,
            ]
        case AuthRequest():
            return []
        case RudeRejection():
            rejection = message
            return [lambda: rejection.text]
        case UnknownMessage():
            unknown = message
            return [lambda: unknown.content_type, lambda: unknown.headers.pairs(), lambda: unknown.body]
