"""Events: what FreeSWITCH says of its own accord.

An event keeps the bytes it came in. Nothing is split, decoded or parsed before
somebody asks, and plain, JSON and XML events read the same.
"""

from __future__ import annotations

import json
import re
from enum import StrEnum
from html import unescape
from typing import Final, final
from urllib.parse import quote_from_bytes

from ..errors import RemoteProtocolError
from .headers import Headers, Variables, decode, peek, url_decode

__all__ = ["Event", "EventFormat", "EventName", "event_name"]


class EventFormat(StrEnum):
    """How FreeSWITCH writes events on this connection."""

    PLAIN = "plain"
    JSON = "json"
    XML = "xml"


class EventName(StrEnum):
    """The events that FreeSWITCH has (``EVENT_NAMES`` in ``switch_event.c``)."""

    CUSTOM = "CUSTOM"
    CLONE = "CLONE"
    CHANNEL_CREATE = "CHANNEL_CREATE"
    CHANNEL_DESTROY = "CHANNEL_DESTROY"
    CHANNEL_STATE = "CHANNEL_STATE"
    CHANNEL_CALLSTATE = "CHANNEL_CALLSTATE"
    CHANNEL_ANSWER = "CHANNEL_ANSWER"
    CHANNEL_HANGUP = "CHANNEL_HANGUP"
    CHANNEL_HANGUP_COMPLETE = "CHANNEL_HANGUP_COMPLETE"
    CHANNEL_EXECUTE = "CHANNEL_EXECUTE"
    CHANNEL_EXECUTE_COMPLETE = "CHANNEL_EXECUTE_COMPLETE"
    CHANNEL_HOLD = "CHANNEL_HOLD"
    CHANNEL_UNHOLD = "CHANNEL_UNHOLD"
    CHANNEL_BRIDGE = "CHANNEL_BRIDGE"
    CHANNEL_UNBRIDGE = "CHANNEL_UNBRIDGE"
    CHANNEL_PROGRESS = "CHANNEL_PROGRESS"
    CHANNEL_PROGRESS_MEDIA = "CHANNEL_PROGRESS_MEDIA"
    CHANNEL_OUTGOING = "CHANNEL_OUTGOING"
    CHANNEL_PARK = "CHANNEL_PARK"
    CHANNEL_UNPARK = "CHANNEL_UNPARK"
    CHANNEL_APPLICATION = "CHANNEL_APPLICATION"
    CHANNEL_ORIGINATE = "CHANNEL_ORIGINATE"
    CHANNEL_UUID = "CHANNEL_UUID"
    API = "API"
    LOG = "LOG"
    INBOUND_CHAN = "INBOUND_CHAN"
    OUTBOUND_CHAN = "OUTBOUND_CHAN"
    STARTUP = "STARTUP"
    SHUTDOWN = "SHUTDOWN"
    PUBLISH = "PUBLISH"
    UNPUBLISH = "UNPUBLISH"
    TALK = "TALK"
    NOTALK = "NOTALK"
    SESSION_CRASH = "SESSION_CRASH"
    MODULE_LOAD = "MODULE_LOAD"
    MODULE_UNLOAD = "MODULE_UNLOAD"
    DTMF = "DTMF"
    MESSAGE = "MESSAGE"
    PRESENCE_IN = "PRESENCE_IN"
    NOTIFY_IN = "NOTIFY_IN"
    PRESENCE_OUT = "PRESENCE_OUT"
    PRESENCE_PROBE = "PRESENCE_PROBE"
    MESSAGE_WAITING = "MESSAGE_WAITING"
    MESSAGE_QUERY = "MESSAGE_QUERY"
    ROSTER = "ROSTER"
    CODEC = "CODEC"
    BACKGROUND_JOB = "BACKGROUND_JOB"
    DETECTED_SPEECH = "DETECTED_SPEECH"
    DETECTED_TONE = "DETECTED_TONE"
    PRIVATE_COMMAND = "PRIVATE_COMMAND"
    HEARTBEAT = "HEARTBEAT"
    TRAP = "TRAP"
    ADD_SCHEDULE = "ADD_SCHEDULE"
    DEL_SCHEDULE = "DEL_SCHEDULE"
    EXE_SCHEDULE = "EXE_SCHEDULE"
    RE_SCHEDULE = "RE_SCHEDULE"
    RELOADXML = "RELOADXML"
    NOTIFY = "NOTIFY"
    PHONE_FEATURE = "PHONE_FEATURE"
    PHONE_FEATURE_SUBSCRIBE = "PHONE_FEATURE_SUBSCRIBE"
    SEND_MESSAGE = "SEND_MESSAGE"
    RECV_MESSAGE = "RECV_MESSAGE"
    REQUEST_PARAMS = "REQUEST_PARAMS"
    CHANNEL_DATA = "CHANNEL_DATA"
    GENERAL = "GENERAL"
    COMMAND = "COMMAND"
    SESSION_HEARTBEAT = "SESSION_HEARTBEAT"
    CLIENT_DISCONNECTED = "CLIENT_DISCONNECTED"
    SERVER_DISCONNECTED = "SERVER_DISCONNECTED"
    SEND_INFO = "SEND_INFO"
    RECV_INFO = "RECV_INFO"
    RECV_RTCP_MESSAGE = "RECV_RTCP_MESSAGE"
    SEND_RTCP_MESSAGE = "SEND_RTCP_MESSAGE"
    CALL_SECURE = "CALL_SECURE"
    NAT = "NAT"
    RECORD_START = "RECORD_START"
    RECORD_STOP = "RECORD_STOP"
    PLAYBACK_START = "PLAYBACK_START"
    PLAYBACK_STOP = "PLAYBACK_STOP"
    CALL_UPDATE = "CALL_UPDATE"
    FAILURE = "FAILURE"
    SOCKET_DATA = "SOCKET_DATA"
    MEDIA_BUG_START = "MEDIA_BUG_START"
    MEDIA_BUG_STOP = "MEDIA_BUG_STOP"
    CONFERENCE_DATA_QUERY = "CONFERENCE_DATA_QUERY"
    CONFERENCE_DATA = "CONFERENCE_DATA"
    CALL_SETUP_REQ = "CALL_SETUP_REQ"
    CALL_SETUP_RESULT = "CALL_SETUP_RESULT"
    CALL_DETAIL = "CALL_DETAIL"
    DEVICE_STATE = "DEVICE_STATE"
    TEXT = "TEXT"
    SHUTDOWN_REQUESTED = "SHUTDOWN_REQUESTED"
    CERT_RELOAD = "CERT_RELOAD"
    ALL = "ALL"


_NAMES: Final[dict[bytes, EventName]] = {name.value.encode(): name for name in EventName}
_NAME_KEY: Final = b"Event-Name: "
_NAME_LATER: Final = b"\nEvent-Name: "
_LENGTH_KEY: Final = b"\nContent-Length: "

# What switch_event_serialize_xml() writes: one header an element, indented, and the body beside them.
_XML_HEADER: Final = re.compile(rb"<([^<>/][^<>]*)>([^<]*)</\1>|<([^<>/][^<>]*)/>")
_XML_END: Final = b"</headers>"
_XML_LENGTH: Final = re.compile(rb"\s*<Content-Length>([0-9]{1,9})</Content-Length>")


def event_name(raw: bytes) -> EventName | str:
    """The event of that name, or the name itself if FreeSWITCH grew a new one."""
    return _NAMES.get(raw) or decode(raw)


@final
class Event:
    """One event of FreeSWITCH.

    ``event["Unique-ID"]`` is a header (any case), ``event.variables["x"]`` a
    channel variable; ``event.headers`` is the whole mapping.

    A plain slotted class and not an attrs one: an event that nobody looks at
    costs a slice of bytes and this object.
    """

    __slots__ = ("_block", "_data", "_headers", "format")

    def __init__(self, data: bytes, format: EventFormat = EventFormat.PLAIN) -> None:  # noqa: A002 - FreeSWITCH's word
        self._data: Final = data
        self._headers: Headers | None = None
        self._block: bytes | None = None
        self.format: Final = format
        """How it was written on the wire."""

    @property
    def name(self) -> EventName | str:
        """``Event-Name``; empty for an event that has none (``sendevent`` to a session makes them)."""
        raw = self.raw_name
        return event_name(raw) if raw else ""

    @property
    def raw_name(self) -> bytes:
        """``Event-Name`` as it is on the wire: what events are routed by."""
        data = self._data
        if data.startswith(_NAME_KEY):
            end = data.find(b"\n", 12)
            return data[12:end] if end >= 0 else data[12:]
        if self.format is EventFormat.PLAIN:
            return peek(self.block, _NAME_LATER) or b""
        return _bytes(self.get("Event-Name"))

    @property
    def subclass(self) -> str:
        """``Event-Subclass`` of a CUSTOM event, else empty."""
        return self.get("Event-Subclass")

    @property
    def headers(self) -> Headers:
        """All headers, in the order of the wire; ``Content-Length`` is the last one, where there is a body.

        Raises:
            RemoteProtocolError: The event's JSON or XML is broken.
        """
        if self._headers is None:
            if self.format is EventFormat.PLAIN:
                self._headers = Headers(self.block, url_encoded=True)
            elif self.format is EventFormat.JSON:
                self._headers = Headers.from_pairs(_json_parts(self._data)[0])
            else:
                self._headers = Headers.from_pairs(_xml_pairs(self._data))
        return self._headers

    @property
    def variables(self) -> Variables:
        """The channel variables that this event carries."""
        return Variables(self.headers)

    @property
    def body(self) -> str:
        """What follows the headers (a job's result, a message's text), else empty."""
        if self.format is EventFormat.PLAIN:
            return decode(self._data[len(self.block) + 1 :])
        if self.format is EventFormat.JSON:
            return _json_parts(self._data)[1]
        return _xml_body(self._data)

    @property
    def block(self) -> bytes:
        """The headers as lines, the way the plain form has them, without the body: what peeks look into."""
        if self._block is None:
            data = self._data
            if self.format is not EventFormat.PLAIN:
                self._block = _plain_block(self.headers)
            # Without a body an event ends in the blank line and carries no length of its own. To know that is
            # cheaper than to look for the first blank line among 130 line feeds.
            elif data.endswith(b"\n\n") and data.rfind(_LENGTH_KEY) < 0:
                self._block = data
            else:
                blank = data.find(b"\n\n")
                self._block = data if blank < 0 else data[: blank + 1]
        return self._block

    def __getitem__(self, name: str) -> str:
        return self.headers[name]

    def __contains__(self, name: object) -> bool:
        return name in self.headers

    def get(self, name: str, default: str = "") -> str:
        """A header's value, or ``default`` (empty) if there is none."""
        return self.headers.get(name, default)

    def __repr__(self) -> str:
        try:
            what = self.name or "(no name)"
        except RemoteProtocolError:
            what = f"of broken {self.format.value}"
        return f"<Event {what} {len(self._data)} bytes>"


def _plain_block(headers: Headers) -> bytes:
    return b"".join(
        _bytes(name) + b": " + quote_from_bytes(_bytes(value), safe="!$'()*,-./_~").encode() + b"\n"
        for name, value in headers.pairs()
    )


def _bytes(text: str) -> bytes:
    """The bytes that a text came from; JSON can escape what no bytes stand for."""
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return text.encode("utf-8", "replace")


def _json_pairs(data: bytes) -> list[tuple[str, str]]:
    try:
        parsed = json.loads(decode(data), object_pairs_hook=tuple)
    except (ValueError, RecursionError) as exc:
        raise RemoteProtocolError(f"an event that is not JSON: {data[:40]!r}") from exc
    if not isinstance(parsed, tuple):
        raise RemoteProtocolError(f"an event that is not a JSON object: {data[:40]!r}")
    return [(name, _json_text(value)) for name, value in parsed]


def _json_parts(data: bytes) -> tuple[list[tuple[str, str]], str]:
    """Headers, and the body, which switch_event_serialize_json_obj() writes behind them and behind its length."""
    pairs = _json_pairs(data)
    if len(pairs) < 2 or pairs[-1][0] != "_body" or pairs[-2][0] != "Content-Length":
        return pairs, ""
    body = pairs.pop()[1]
    if not body:
        pairs.pop()  # the other formats write no length of nothing
    return pairs, body


def _json_text(value: object) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return "ARRAY::" + "|:".join(value)  # as the plain form writes it
    raise RemoteProtocolError(f"an event header that is no text: {str(value)[:40]!r}")


def _xml_pairs(data: bytes) -> list[tuple[str, str]]:
    begin, end = data.find(b"<headers>"), _xml_headers_end(data)
    if not 0 <= begin < end:
        raise RemoteProtocolError(f"an event without <headers>: {data[:40]!r}")
    pairs: list[tuple[str, str]] = []
    arrays: dict[str, list[str]] = {}
    for element in _XML_HEADER.finditer(data, begin + len(b"<headers>"), end):
        name = decode(element[1] or element[3])
        value = url_decode(element[2] or b"")
        # An array is written as repeated elements. A channel has each variable once, so a repeated variable is an
        # array; any other header may really be there twice (Hangup-Cause in CHANNEL_HANGUP_COMPLETE is).
        if name.startswith("variable_"):
            items = arrays.setdefault(name, [])
            items.append(value)
            if len(items) > 1:
                continue
        pairs.append((name, value))
    joined = {name: "ARRAY::" + "|:".join(items) for name, items in arrays.items() if len(items) > 1}
    if length := _XML_LENGTH.match(data, end + len(_XML_END)):
        pairs.append(("Content-Length", length[1].decode()))
    return [(name, joined.get(name, value)) for name, value in pairs]


def _xml_headers_end(data: bytes) -> int:
    """Where the headers end: a header may bear the same name, but is indented further, and a body comes later."""
    end = data.find(b"\n  " + _XML_END)
    return end + 3 if end >= 0 else data.find(_XML_END)


def _xml_body(data: bytes) -> str:
    end = _xml_headers_end(data)
    begin, close = data.find(b"<body>", end), data.rfind(b"</body>")
    if not 0 <= end < begin < close:
        return ""
    # From `<!` on nothing is escaped (switch_xml_ampencode() in switch_xml.c).
    escaped, mark, rest = data[begin + len(b"<body>") : close].partition(b"<!")
    try:
        body = _bytes(unescape(decode(escaped))) + mark + rest
    except ValueError as exc:  # a character reference of more digits than int() takes
        raise RemoteProtocolError("an event's body is not XML") from exc
    # Behind a body that ends in a line feed the closing tag is indented (switch_xml_toxml_r()).
    length = _XML_LENGTH.match(data, end + len(_XML_END))
    return decode(body if length is None else body[: int(length[1])])
