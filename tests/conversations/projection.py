"""What FreeSWITCH said, as messages that two conversations can be compared by.

A parser of its own: it shares nothing with `esl_outbound.protocol`, nor with `esl_outbound.testing`, so that what
they have in common is not taken for granted here. Values stay as they were on the wire, URL-encoded or escaped:
how they are written is among the things compared.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from enum import Enum

import attrs

Headers = tuple[tuple[str, str], ...]
"""Names and values in the order of the wire, names possibly repeated."""


class Kind(Enum):
    """What kind of message it is. Messages of one kind come in one order; `Races` tells how kinds mix."""

    CHANNEL_DATA = "the reply to connect"
    REPLY = "reply"
    API_RESPONSE = "api response"
    EVENT = "event"
    LOG = "log line"
    LINGER = "linger notice"
    GOODBYE = "disconnect notice"
    STRAY = "stray bytes"


@attrs.frozen
class Message:
    """One message from FreeSWITCH."""

    at: float
    """Seconds after FreeSWITCH connected, when its last byte came."""
    kind: Kind
    head: Headers
    """The head on the wire. Of the reply to connect, only what follows the channel's data."""
    headers: Headers
    """The channel's data, or those of the event; empty for other messages."""
    body: str
    """The body: of an event, the one inside it."""
    layout: str
    """How the event is written: plain, json, xml, or `odd` if not the way that FreeSWITCH does; else empty."""

    def __getitem__(self, name: str) -> str:
        """The value of a header, inside or in the head; empty if there is none."""
        return next((value for header, value in (*self.headers, *self.head) if header == name), "")

    @property
    def sequence(self) -> int:
        """`Event-Sequence`, or 0."""
        return int(self["Event-Sequence"] or 0)

    @property
    def names(self) -> tuple[str, ...]:
        """The headers' names in order."""
        return tuple(name for name, _ in self.headers)

    @property
    def title(self) -> str:
        """What a reader needs to recognise it, and what two conversations are aligned by."""
        if self.kind is Kind.CHANNEL_DATA:
            return f"{self['Event-Name']} {self['Socket-Mode']} {self['Control']}"
        if self.kind is Kind.REPLY:
            return re.sub(UUID, "<uuid>", self["Reply-Text"])
        if self.kind is Kind.API_RESPONSE:
            return f"api: {re.sub(UUID, '<uuid>', self.body.splitlines()[0] if self.body else '')[:60]}"
        if self.kind is Kind.EVENT:
            name = self["Event-Name"] or "an event without a name"
            known = (self[header] for header in TELLING if self[header])
            return " ".join((name, *(re.sub(UUID, "<uuid>", value)[:60] for value in known)))
        if self.kind is Kind.LOG:
            return f"log: {self.body.rstrip()}"
        if self.kind is Kind.STRAY:
            return f"stray bytes {self.body!r}"
        return f"notice: {self['Content-Disposition']} {self['Linger-Time']}".rstrip()


UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
TELLING = (
    "Event-Subclass",
    "Application",
    "Application-Data",
    "Application-Response",
    "DTMF-Digit",
    "Channel-State",
    "Answer-State",
    "Hangup-Cause",
)


def project(data: bytes, arrivals: Sequence[tuple[float, int]]) -> list[Message]:
    """The messages in what FreeSWITCH sent.

    Args:
        data: All of it.
        arrivals: When it came: seconds, and how many bytes of it were there by then.
    """
    messages = []
    for end, kind, head, body in frames(data):
        at = next((at for at, size in arrivals if size >= end), arrivals[-1][0] if arrivals else 0.0)
        messages.append(message(at, kind, head, body))
    return messages


def frames(data: bytes) -> Iterator[tuple[int, str, Headers, str]]:
    """Cut at blank lines and by `Content-Length`: where each frame ends, its content type, head and body.

    The head of a command/reply has no `Content-Length` that counts: what looks like one came out of a variable
    (`getvar` sends it as it is). Its type is the empty string where a blank line ended something else than a
    head, or where the data end in mid-frame.
    """
    position = 0
    while position < len(data):
        blank = data.find(b"\n\n", position)
        if blank < 0:
            yield len(data), "", (), text_of(data[position:])
            return
        head = pairs(text_of(data[position:blank]))
        kind = next((value for name, value in head if name == "Content-Type"), "")
        length = next((int(value) for name, value in head if name == "Content-Length" and value.isdecimal()), 0)
        end = blank + 2 + (0 if kind in ("command/reply", "") else length)
        if not kind or end > len(data):
            end = min(end, len(data))
            yield end, "", (), text_of(data[position:end])
        else:
            yield end, kind, head, text_of(data[blank + 2 : end])
        position = end


def text_of(data: bytes) -> str:
    """Text, with bytes that are no UTF-8 kept."""
    return data.decode("utf-8", "surrogateescape")


def pairs(text: str) -> Headers:
    """The lines of a head. What bears no colon is a name without a value."""
    split = (line.partition(":") for line in text.split("\n"))
    return tuple((name, value.removeprefix(" ")) for name, _, value in split)


def message(at: float, content_type: str, head: Headers, body: str) -> Message:
    """One frame, understood."""
    if content_type == "command/reply" and head[0][0] == "Event-Name":
        # The channel's data come first, then the lines of a reply.
        end = [name for name, _ in head].index("Content-Type")
        return Message(at, Kind.CHANNEL_DATA, head[end:], head[:end], "", "head")
    if content_type.startswith("text/event-"):
        layout, headers, inner = event(content_type, body)
        return Message(at, Kind.EVENT, head, headers, inner, layout)
    if content_type == "text/disconnect-notice":
        lingers = ("Content-Disposition", "linger") in head
        return Message(at, Kind.LINGER if lingers else Kind.GOODBYE, head, (), body, "")
    kinds = {"command/reply": Kind.REPLY, "api/response": Kind.API_RESPONSE, "log/data": Kind.LOG}
    return Message(at, kinds.get(content_type, Kind.STRAY), head, (), body, "")


def event(content_type: str, text: str) -> tuple[str, Headers, str]:
    """An event's layout, headers and body."""
    if content_type == "text/event-plain":
        head, blank, body = text.partition("\n\n")
        # A name may hold a colon (`variable_nolocal:x`); an encoded value holds no blank.
        split = (line.partition(": ") for line in head.split("\n"))
        headers = tuple((name, value) for name, _, value in split)
        written = "".join(f"{name}: {value}\n" for name, value in headers) + "\n" + body
        return ("plain" if blank and written == text else "odd"), headers, body
    if content_type == "text/event-json":
        return json_event(text)
    return xml_event(text)


def json_event(text: str) -> tuple[str, Headers, str]:
    """An event in JSON; values are kept as they are escaped, an array's elements are repeated headers."""
    string = r'"(?:[^"\\]|\\.)*"'
    found = re.findall(rf"({string}):({string}|\[[^]]*\])", text)
    written = "{" + ",".join(f"{name}:{value}" for name, value in found) + "}"
    headers: list[tuple[str, str]] = []
    body = ""
    for name, value in found:
        if name == '"_body"':
            body = value
        elif value.startswith("["):
            headers.extend((name[1:-1], element[1:-1]) for element in re.findall(string, value))
        else:
            headers.append((name[1:-1], value[1:-1]))
    return ("json" if written == text else "odd"), tuple(headers), body


def xml_event(text: str) -> tuple[str, Headers, str]:
    """An event in XML; values are kept as they are encoded."""
    headers = tuple(re.findall(r"^    <([^>]+)>([^<]*)</\1>$", text, re.MULTILINE))
    rest = re.search(r"  </headers>\n(.*)</event>\n\Z", text, re.DOTALL)
    written = (
        "<event>\n  <headers>\n"
        + "".join(f"    <{name}>{value}</{name}>\n" for name, value in headers)
        + f"  </headers>\n{rest[1] if rest else ''}</event>\n"
    )
    return ("xml" if written == text else "odd"), headers, rest[1] if rest else ""
