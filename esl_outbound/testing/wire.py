"""Bytes: commands as FreeSWITCH reads them, messages as it writes them.

A second, independent reading of the event socket, after ``mod_event_socket.c`` and
``switch_event.c``; the package's own is in ``protocol/``, and neither knows the other.

All text is ``str``, of bytes that are decoded as UTF-8 with ``surrogateescape``,
so that what is no UTF-8 goes through unchanged.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final, TypeAlias, final

import attrs

__all__ = [
    "AUTH_REQUEST",
    "GOODBYE",
    "LOG_LEVELS",
    "RUDE_REJECTION",
    "CommandReader",
    "Event",
    "Received",
    "UnreadableCommand",
    "Value",
    "api_response",
    "as_text",
    "atof",
    "atoi",
    "command_reply",
    "cut",
    "decoded",
    "disconnect_notice",
    "encoded",
    "event_body",
    "event_message",
    "find_header",
    "is_number",
    "linger_notice",
    "log_level",
    "log_message",
    "plain_head",
    "url_encoded",
]

Value: TypeAlias = "str | tuple[str, ...]"
"""A header's value: text, or an array variable."""

_MAX_HEAD_BYTES: Final = 10_485_760
_MAX_BODY_BYTES: Final = 16_777_216
# read_packet() formats a reply into a buffer of this size.
_REPLY_BYTES: Final = 511

GOODBYE: Final = "Disconnected, goodbye.\nSee you at ClueCon! http://www.cluecon.com/\n"


def decoded(data: bytes) -> str:
    """Bytes as text, whatever they are."""
    return data.decode("utf-8", "surrogateescape")


def encoded(text: str) -> bytes:
    """Text as the bytes that it came from."""
    return text.encode("utf-8", "surrogateescape")


def atoi(text: str) -> int:
    """What C's ``atoi`` makes of a text: the number that it begins with, or 0.

    A number is read in 64 bits, where it stops at the largest, and of those the lower 32 count.
    """
    found = re.match(r"[ \t\n\v\f\r]*([+-]?)0*([0-9]*)", text)
    if found is None or not found[2]:
        return 0
    size = int(found[2][:20])
    number = -min(size, 2**63) if found[1] == "-" else min(size, 2**63 - 1)
    return (number + 2**31) % 2**32 - 2**31


def atof(text: str) -> float:
    """What C's ``atof`` makes of a text, as long as it is written without an exponent."""
    found = re.match(r"[ \t\n\v\f\r]*([+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+))", text)
    return float(found[1]) if found is not None else 0.0


def is_number(text: str) -> bool:
    """Whether FreeSWITCH takes a text for a number: digits and points, perhaps a sign (``switch_is_number()``)."""
    return re.fullmatch(r"[+-]?[0-9.]*", text) is not None


# What FreeSWITCH reads


class UnreadableCommand(Exception):
    """FreeSWITCH closes a connection on which this comes."""


@final
@attrs.frozen
class Received:
    """A command as FreeSWITCH has read it."""

    line: str
    """Its first line; more than that if the message holds a lone CR."""
    headers: tuple[tuple[str, str], ...] = ()
    """What follows, in order."""
    body: str = ""
    head: str = ""
    """Line and headers as they came; empty if FreeSWITCH made the message itself."""

    def get(self, name: str) -> str:
        """A header's value; empty if it is not there."""
        return find_header(self.headers, name)


def find_header(headers: Sequence[tuple[str, str]], name: str) -> str:
    """The value of the first header of that name, in whatever case."""
    lowered = name.lower()
    return next((value for key, value in headers if key.lower() == lowered), "")


@final
class CommandReader:
    """Reads commands the way ``read_packet()`` does, quirks included."""

    def __init__(self) -> None:
        self._data = bytearray()
        self._searched = 0

    @property
    def is_amid_command(self) -> bool:
        """Whether a command is half read: FreeSWITCH sends no event until it has all of it."""
        return bool(self._data.lstrip(b"\r\n"))

    def feed(self, data: bytes) -> None:
        """Take in what the application sent."""
        self._data += data

    def next_command(self) -> Received | None:
        """The next whole command, or None.

        Raises:
            UnreadableCommand: Its length is negative, or beyond what FreeSWITCH accepts.
        """
        data = self._data
        if not self._searched:
            blank = len(data) - len(data.lstrip(b"\r\n"))
            if blank:
                del data[:blank]
        end = self._head_end()
        if end is None:
            return None
        head = decoded(bytes(data[:end]))
        lines = _lines(head)
        headers: list[tuple[str, str]] = []
        body = ""
        position = end
        for line in lines[1:]:
            name, colon, value = line.partition(":")
            value = value.lstrip(" ")
            if not colon or not value:
                continue
            headers.append((name, value))
            if name.lower() == "content-length":
                length = atoi(value)
                if not 0 <= length <= _MAX_BODY_BYTES:
                    raise UnreadableCommand(f"Content-Length: {value}")
                if len(data) < position + length:
                    return None
                body = decoded(bytes(data[position : position + length])).partition("\0")[0]
                position += length
        del data[:position]
        self._searched = 0
        return Received(lines[0], tuple(headers), body, head)

    def _head_end(self) -> int | None:
        """Where the head ends: behind two line feeds with nothing but CRs between."""
        found = re.compile(rb"\n\r*\n").search(self._data, max(self._searched - 3, 0))
        if found is not None:
            return found.end()
        if len(self._data) >= _MAX_HEAD_BYTES:
            return len(self._data)
        # A run of CRs may be long; only one that reaches the end matters.
        self._searched = len(self._data.rstrip(b"\r"))
        return None


def _lines(head: str) -> list[str]:
    """A head's lines, cut as ``read_packet()`` cuts: at the first CR anywhere, and only without one at a line feed.

    So a lone CR in the middle makes all before it one line, of which only the first is looked at.
    """
    found: list[str] = []
    rest = head
    while rest:
        cut = rest.find("\r")
        if cut < 0:
            cut = rest.find("\n")
        line, rest = (rest[:cut], rest[cut:].lstrip("\r\n")) if cut >= 0 else (rest, "")
        found.append(line)
    # What is looked at of a line ends at its first CR or, without one, at its first line feed.
    return [line if number == 0 else line.partition("\n")[0] for number, line in enumerate(found)]


# What FreeSWITCH writes


_PLAIN: Final = re.compile(r"[A-Za-z0-9!$'()*,\-./_~]*")
_ENCODED: Final = re.compile(rb"%(?![0-9A-Fa-f]{2})|[^A-Za-z0-9!$'()*,\-./_~%]")


def url_encoded(text: str) -> str:
    """Text as it stands in an event: a ``%`` with two hex digits behind it is left as it is."""
    if _PLAIN.fullmatch(text) is not None:
        return text
    return _ENCODED.sub(lambda found: b"%%%02X" % found[0][0], encoded(text)).decode("ascii")


def as_text(value: Value) -> str:
    """A value in one piece: array variables have a form of their own."""
    if isinstance(value, str):
        return value
    return value[0] if len(value) == 1 else "ARRAY::" + "|:".join(value)


@final
@attrs.frozen
class Event:
    """An event that something fired."""

    name: str
    headers: tuple[tuple[str, Value], ...]
    """As they are sent, ``Event-Name`` included where the event has one."""
    body: str = ""

    def get(self, name: str) -> str:
        """A header's value; empty if it is not there."""
        lowered = name.lower()
        return next((as_text(value) for key, value in self.headers if key.lower() == lowered), "")


def cut(text: str, size: int) -> str:
    """What fits into so many bytes."""
    return decoded(encoded(text)[:size])


def command_reply(text: str) -> bytes:
    """The answer to a command, cut where FreeSWITCH cuts it.

    One that begins with ``~`` is taken for headers, which bring their own blank line (``listener_run()``).
    """
    if text.startswith("~"):
        return b"Content-Type: command/reply\n" + encoded(text)[1:_REPLY_BYTES]
    return b"Content-Type: command/reply\nReply-Text: " + encoded(text)[:_REPLY_BYTES] + b"\n\n"


def api_response(text: str) -> bytes:
    """What an API command printed."""
    body = encoded(text)
    return b"Content-Type: api/response\nContent-Length: %d\n\n%s" % (len(body), body)


def linger_notice(uuid: str, channel_name: str, seconds: int) -> bytes:
    """The channel is gone, and the socket is kept for a while."""
    return encoded(
        f"Content-Type: text/disconnect-notice\nControlled-Session-UUID: {uuid}\nContent-Disposition: linger\n"
        f"Channel-Name: {channel_name}\nLinger-Time: {seconds}\nContent-Length: 0\n\n"
    )


def disconnect_notice(uuid: str, message: str = GOODBYE) -> bytes:
    """FreeSWITCH closes the socket behind this; one that controls no channel has no UUID (``send_disconnect()``)."""
    controlled = f"Controlled-Session-UUID: {uuid}\nContent-Disposition: disconnect\n" if uuid else ""
    return encoded(f"Content-Type: text/disconnect-notice\n{controlled}Content-Length: {len(message)}\n\n{message}")


AUTH_REQUEST: Final = b"Content-Type: auth/request\n\n"
"""What FreeSWITCH says to whoever connects."""
RUDE_REJECTION: Final = b"Content-Type: text/rude-rejection\nContent-Length: 24\n\nAccess Denied, go away.\n"
"""What it says to whom its ACL does not let in (``listener_run()``)."""


LOG_LEVELS: Final = ("CONSOLE", "ALERT", "CRIT", "ERR", "WARNING", "NOTICE", "INFO", "DEBUG")
_INVALID_LOG_LEVEL: Final = 64


def log_level(word: str) -> int:
    """A level by its name or number; -1 if it is none (``switch_log_str2level()``)."""
    if word and is_number(word):
        number = atoi(word)
        if number == _INVALID_LOG_LEVEL:
            return -1
        return _INVALID_LOG_LEVEL - 1 if number > _INVALID_LOG_LEVEL else max(number, 0)
    return LOG_LEVELS.index(word.upper()) if word.upper() in LOG_LEVELS else -1


def log_message(line: str, *, level: int, channel: int, file: str, function: str, number: int, uuid: str) -> bytes:
    """A line of FreeSWITCH's log."""
    body = encoded(line)
    head = (
        f"Content-Type: log/data\nContent-Length: {len(body)}\nLog-Level: {level}\nText-Channel: {channel}\n"
        f"Log-File: {file}\nLog-Func: {function}\nLog-Line: {number}\nUser-Data: {uuid}\n\n"
    )
    return encoded(head) + body


def plain_head(headers: Sequence[tuple[str, Value]]) -> bytes:
    """Headers with encoded values, a line each."""
    return encoded("".join(f"{name}: {url_encoded(as_text(value))}\n" for name, value in headers))


def event_body(event: Event, form: str) -> bytes:
    """An event as it stands in a message, in one of the formats ``plain``, ``json`` and ``xml``."""
    return {"plain": _plain, "json": _json, "xml": _xml}[form](event)


def event_message(event: Event, form: str) -> bytes:
    """An event in one of the formats ``plain``, ``json`` and ``xml``."""
    body = event_body(event, form)
    return b"Content-Length: %d\nContent-Type: text/event-%s\n\n%s" % (len(body), form.encode(), body)


def _plain(event: Event) -> bytes:
    head = plain_head(event.headers)
    if not event.body:
        return head + b"\n"
    body = encoded(event.body)
    return b"%sContent-Length: %d\n\n%s" % (head, len(body), body)


_JSON_ESCAPES: Final = {
    **{chr(code): f"\\u{code:04x}" for code in range(0x20)},
    '"': '\\"',
    "\\": "\\\\",
    "\b": "\\b",
    "\f": "\\f",
    "\n": "\\n",
    "\r": "\\r",
    "\t": "\\t",
}


def _quoted(text: str) -> str:
    return '"' + "".join(_JSON_ESCAPES.get(char, char) for char in text) + '"'


def _json(event: Event) -> bytes:
    def value_of(value: Value) -> str:
        if isinstance(value, str):
            return _quoted(value)
        return _quoted(value[0]) if len(value) == 1 else "[" + ",".join(map(_quoted, value)) + "]"

    members = [f"{_quoted(name)}:{value_of(value)}" for name, value in event.headers]
    if event.body:
        members += [f'"Content-Length":"{len(encoded(event.body))}"', f'"_body":{_quoted(event.body)}']
    return encoded("{" + ",".join(members) + "}")


_XML_ESCAPES: Final = {"&": "&amp;", "<": "&lt;", ">": "&gt;", "\r": "&#xD;"}


def _xml(event: Event) -> bytes:
    lines = ["<event>", "  <headers>"]
    for name, value in event.headers:
        lines += [f"    <{name}>{_in_xml(each)}</{name}>" for each in _items(value)]
    lines.append("  </headers>")
    if event.body:
        # From `<!` on switch_xml_ampencode() escapes nothing, and behind a line feed switch_xml_toxml_r() indents.
        text, mark, rest = event.body.partition("<!")
        body = "".join(_XML_ESCAPES.get(char, char) for char in text) + mark + rest
        indent = "  " if body.endswith("\n") else ""
        lines += [f"  <Content-Length>{len(encoded(event.body))}</Content-Length>", f"  <body>{body}{indent}</body>"]
    lines.append("</event>")
    return encoded("\n".join(lines) + "\n")


def _items(value: Value) -> Iterator[str]:
    yield from (value,) if isinstance(value, str) else value


def _in_xml(text: str) -> str:
    return "".join(_XML_ESCAPES.get(char, char) for char in url_encoded(text))
