"""The same events in plain, JSON and XML are equal, apart from what a format cannot say, which is listed here.

The writers below are FreeSWITCH's, function by function, and are held against what a real one wrote.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from typing import TypeAlias
from urllib.parse import unquote_to_bytes

import attrs
import pytest
import trio

from esl_outbound import Event, EventFormat
from esl_outbound.protocol import FrameReader, read_message

from ..freeswitch import RECORDINGS
from .scripted import connected, reply

FORMATS = (EventFormat.PLAIN, EventFormat.JSON, EventFormat.XML)
EVERY_FORMAT = pytest.mark.parametrize("event_format", FORMATS)

Header: TypeAlias = tuple[str, str | list[str]]


# What FreeSWITCH writes


def as_bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def url_encoded(text: str) -> bytes:
    """switch_url_encode() in switch_utils.c: a % with two hex digits behind it stays as it is."""
    safe = rb"[A-Za-z0-9!$'()*,./_~-]|%(?=[0-9A-Fa-f]{2})"
    return b"".join(
        byte if re.fullmatch(safe, byte) or re.match(safe, rest) else b"%%%02X" % byte[0]
        for byte, rest in ((as_bytes(text)[at : at + 1], as_bytes(text)[at:]) for at in range(len(as_bytes(text))))
    )


def joined(value: str | list[str]) -> str:
    """What an array header has as its value (switch_event_base_add_header() in switch_event.c)."""
    return value if isinstance(value, str) else "ARRAY::" + "|:".join(value)


def plain(headers: Sequence[Header], body: str | None) -> bytes:
    """switch_event_serialize() in switch_event.c."""
    lines = b"".join(as_bytes(name) + b": " + url_encoded(joined(value)) + b"\n" for name, value in headers)
    return lines + (b"Content-Length: %d\n\n%s" % (len(as_bytes(body)), as_bytes(body)) if body else b"\n")


def quoted(text: str) -> bytes:
    """print_string_ptr() in cJSON.c."""
    short = {'"': '\\"', "\\": "\\\\", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t"}
    return as_bytes('"' + "".join(short.get(c, c if c >= " " else f"\\u{ord(c):04x}") for c in text) + '"')


def in_json(headers: Sequence[Header], body: str | None) -> bytes:
    """switch_event_serialize_json_obj() in switch_event.c; a body may be there and be empty."""
    members = [
        quoted(name) + b":" + (quoted(value) if isinstance(value, str) else b"[" + b",".join(map(quoted, value)) + b"]")
        for name, value in headers
    ]
    if body is not None:
        members += [b'"Content-Length":"%d"' % len(as_bytes(body)), b'"_body":' + quoted(body)]
    return b"{" + b",".join(members) + b"}"


def escaped(text: str) -> bytes:
    """switch_xml_ampencode() in switch_xml.c: from <! on it is immune."""
    head, mark, rest = as_bytes(text).partition(b"<!")
    for char, entity in ((b"&", b"&amp;"), (b"<", b"&lt;"), (b">", b"&gt;"), (b"\r", b"&#xD;")):
        head = head.replace(char, entity)
    return head + mark + rest


def in_xml(headers: Sequence[Header], body: str | None) -> bytes:
    """switch_event_xmlize() in switch_event.c, and switch_xml_toxml_r(), which indents what follows a line feed."""
    lines = [b"<event>\n  <headers>\n"]
    for name, value in headers:
        for item in [value] if isinstance(value, str) else value:
            lines.append(b"    <%s>%s</%s>\n" % (as_bytes(name), url_encoded(item), as_bytes(name)))
    lines.append(b"  </headers>\n")
    if body:
        indent = b"  " if body.endswith("\n") else b""
        lines.append(b"  <Content-Length>%d</Content-Length>\n" % len(as_bytes(body)))
        lines.append(b"  <body>%s%s</body>\n" % (escaped(body), indent))
    return b"".join(lines) + b"</event>\n"


WRITERS = {EventFormat.PLAIN: plain, EventFormat.JSON: in_json, EventFormat.XML: in_xml}


# What is read of them


@attrs.frozen
class Reading:
    """All that an event tells."""

    name: str
    subclass: str
    headers: tuple[tuple[str, str], ...]
    variables: tuple[tuple[str, str], ...]
    body: str


def reading_of(event: Event) -> Reading:
    return Reading(
        str(event.name),
        event.subclass,
        tuple(event.headers.pairs()),
        tuple(event.variables.items()),
        event.body,
    )


def truth(headers: Sequence[Header], body: str | None) -> Reading:
    """What there is to be read."""
    pairs = [(name, joined(value)) for name, value in headers]
    if body:
        pairs.append(("Content-Length", str(len(as_bytes(body)))))
    first = {name.lower(): value for name, value in reversed(pairs)}
    variables = {name[9:]: first[name.lower()] for name, _ in pairs if name.startswith("variable_")}
    name, subclass = first.get("event-name", ""), first.get("event-subclass", "")
    return Reading(name, subclass, tuple(pairs), tuple(variables.items()), body or "")


CUSTOM: list[Header] = [("Event-Subclass", "my::event"), ("Event-Name", "CUSTOM")]


def header(name: str, value: str | list[str]) -> tuple[list[Header], None]:
    return [*CUSTOM, (name, value)], None


def body(text: str) -> tuple[list[Header], str]:
    return CUSTOM, text


EVENTS: dict[str, tuple[list[Header], str | None]] = {
    "a header": header("X-Foo", "bar"),
    "no headers but one": ([("Event-Name", "HEARTBEAT")], None),
    "no name": ([("Command", "sendevent NOTIFY"), ("unique-id", "0f9adf6a")], None),
    "every printable character": header("X", "".join(map(chr, range(32, 127))).replace("%&'", "&'%")),
    "blanks at both ends": header("X", "  a b  "),
    "control characters": header("X", "".join(map(chr, range(1, 32))) + "\x7f\x80\x9f"),
    "line breaks": header("X", "one\r\ntwo\n\nEvent-Name: DTMF\n"),
    "letters of all the world": header("variable_x", "Zaß 日本 \U0001f600 \u2028\ufeff"),
    "bytes that are no text": header("variable_x", "caf\udce9 \udc80\udcff 日\udce6\udc9c"),
    "a percent sign": header("X", "100% % %z %1"),
    "a percent sign before two hex digits": header("X", "100%25 a%20b"),
    "a percent sign before the digits of no text": header("X", "100%e9"),
    "a plus sign": header("X", "+49 30+1"),
    "markup": header("X", "<a href='x'>&amp;</X> <![CDATA[ ]]> </headers>"),
    "quotes": header("X", '"\'`\\" \\u0041'),
    "a name with a colon": header("variable_nolocal:x", "1"),
    "a name in other case": header("x-LOWER", "1"),
    "a name with a blank": header("X Y", "1"),
    "a name that is no text": header("X-\udce9", "1"),
    "a name with a bracket of XML's": header("a<b>", "1"),
    "a name that begins with a slash": header("/x", "1"),
    "a repeated header": ([*CUSTOM, ("Hangup-Cause", "A"), ("X", "1"), ("Hangup-Cause", "B")], None),
    "a repeated variable": ([*CUSTOM, ("variable_x", "A"), ("X", "1"), ("variable_x", "B")], None),
    "an array variable": header("variable_arr", ["one", "two, three", "caf\udce9", ""]),
    "an array variable of one item": header("variable_arr", ["one"]),
    "an array that is no variable": header("X-List", ["one", "two"]),
    "an item that holds what divides items": header("variable_arr", ["a|:b", "c"]),
    "a body": body("hello world"),
    "a body of several lines": body("one\n\ntwo\r\n three"),
    "a body that ends its line": body("+OK 7f4de4bc-17d7-11dd-b7a0-db4edd065621\n"),
    "a body that is a line's end": body("\n"),
    "a body of markup": body("<users>\n  <user id='1000'>a &amp; b</user>\n</users>\n"),
    "a body that XML is immune to": body("a < b & c &amp; <!DOCTYPE x> & &amp; </body> <body> </headers>\n"),
    "a body with bytes that are no text": body("caf\udce9\x01\x7f%41 日"),
    "a body that looks like an event": body("Event-Name: DTMF\nContent-Length: 3\n\nabc"),
    "a body with blanks at both ends": body("  a  "),
    "a body that is there and empty": body(""),
    "a length of the sender's own": ([*CUSTOM, ("Content-Length", "5"), ("X", "1")], "hello"),
    "a length and no body": header("Content-Length", "5"),
    "a header that is named as JSON's body": ([*CUSTOM, ("_body", "1")], "1"),
    "a header that is named as XML's body": ([*CUSTOM, ("body", "1"), ("headers", "2")], "3"),
    "the end of a job": (
        [
            ("Event-Name", "BACKGROUND_JOB"),
            ("Job-UUID", "7f4de4bc-17d7-11dd-b7a0-db4edd065621"),
            ("Job-Command", "originate"),
            ("Job-Command-Arg", "{a='b c'}user/1001 &park()"),
        ],
        "-ERR USER_BUSY\n",
    ),
}


@attrs.frozen
class Difference:
    """What one format tells otherwise than it is, and why."""

    headers: tuple[tuple[str, str], ...]
    """Those that are read behind the name and the subclass."""
    why: str


URL = "plain and XML leave a % as it is that two hex digits follow: switch_url_encode()"
REPEATED = "XML writes an array as repeated elements, and a variable is taken for one: switch_event_xmlize()"
NAMES = "XML does not escape the names of headers: switch_xml_toxml_r()"

# All there are.
DIFFERENCES: dict[tuple[str, EventFormat], Difference] = {
    ("a percent sign before two hex digits", EventFormat.PLAIN): Difference((("X", "100% a b"),), URL),
    ("a percent sign before two hex digits", EventFormat.XML): Difference((("X", "100% a b"),), URL),
    ("a percent sign before the digits of no text", EventFormat.PLAIN): Difference((("X", "100\udce9"),), URL),
    ("a percent sign before the digits of no text", EventFormat.XML): Difference((("X", "100\udce9"),), URL),
    ("a repeated variable", EventFormat.XML): Difference((("variable_x", "ARRAY::A|:B"), ("X", "1")), REPEATED),
    ("an array variable of one item", EventFormat.XML): Difference((("variable_arr", "one"),), REPEATED),
    ("an array that is no variable", EventFormat.XML): Difference((("X-List", "one"), ("X-List", "two")), REPEATED),
    ("a name with a bracket of XML's", EventFormat.XML): Difference((), NAMES),
    ("a name that begins with a slash", EventFormat.XML): Difference((), NAMES),
}


def test_each_difference_is_of_an_event_that_is_tried() -> None:
    assert {event for event, _ in DIFFERENCES} <= set(EVENTS)


@EVERY_FORMAT
@pytest.mark.parametrize("what", EVENTS)
def test_an_event_is_the_same_in_every_format_but_for_what_is_listed(what: str, event_format: EventFormat) -> None:
    headers, text = EVENTS[what]
    found = reading_of(Event(WRITERS[event_format](headers, text), event_format))
    difference = DIFFERENCES.get((what, event_format))
    if difference is None:
        assert found == truth(headers, text)
    else:
        assert found == truth([*CUSTOM, *difference.headers], text)
        assert found != truth(headers, text)


@EVERY_FORMAT
@pytest.mark.parametrize("what", EVENTS)
def test_what_is_looked_for_without_an_index_is_the_same_too(what: str, event_format: EventFormat) -> None:
    """Waiting executions and jobs look into the block, whatever the format."""
    if (what, event_format) in DIFFERENCES:
        return
    headers, text = EVENTS[what]
    event = Event(WRITERS[event_format](headers, text), event_format)
    assert tuple(Event(event.block + b"\n").headers.pairs()) == truth(headers, text).headers
    assert event.raw_name == as_bytes(truth(headers, text).name)


@EVERY_FORMAT
@pytest.mark.parametrize("what", ["an array variable", "an item that holds what divides items"])
def test_the_items_of_an_array_are_the_same_in_every_format(what: str, event_format: EventFormat) -> None:
    headers, text = EVENTS[what]
    _, value = headers[-1]
    assert isinstance(value, list)
    event = Event(WRITERS[event_format](headers, text), event_format)
    # What divides the items in the plain form does so everywhere, or the formats would differ.
    assert event.variables.get_array("arr") == "|:".join(value).split("|:")


# Over a connection


@EVERY_FORMAT
async def test_a_subscription_gives_equal_events_in_every_format(event_format: EventFormat) -> None:
    tried = [
        what for what in EVENTS if EVENTS[what][0][: len(CUSTOM)] == CUSTOM and (what, event_format) not in DIFFERENCES
    ]
    assert len(tried) > 25
    async with connected(event_format) as (switch, server):
        said = ""

        async def play() -> None:
            nonlocal said
            said = await server.read_command()
            await server.send(reply(f"+OK event listener enabled {event_format.value}"))
            for what in tried:
                data = WRITERS[event_format](*EVENTS[what])
                length = b"Content-Length: %d\nContent-Type: text/event-%s\n\n"
                await server.send(length % (len(data), event_format.value.encode()), data)

        async with trio.open_nursery() as nursery:
            nursery.start_soon(play)
            async with switch.events("CUSTOM my::event") as events:
                for what in tried:
                    event = await events.get()
                    assert event.format is event_format
                    assert reading_of(event) == truth(*EVENTS[what]), what
        assert said == f"event {event_format.value} CUSTOM my::event"
        await server.expect("nixevent CUSTOM my::event")
        await server.send(reply("+OK events nixed"))


@EVERY_FORMAT
async def test_a_job_has_the_same_result_in_every_format(event_format: EventFormat) -> None:
    results = ["+OK\n", "-ERR USER_BUSY\n", "<a>&amp;</a>\n\n", "caf\udce9", ""]
    async with connected(event_format) as (switch, server):

        async def play() -> None:
            await server.expect(f"event {event_format.value} BACKGROUND_JOB")
            await server.send(reply(f"+OK event listener enabled {event_format.value}"))
            for text in results:
                _, _, uuid = (await server.read_command()).partition("\nJob-UUID: ")
                data = WRITERS[event_format]([("Event-Name", "BACKGROUND_JOB"), ("Job-UUID", uuid)], text)
                length = b"Content-Length: %d\nContent-Type: text/event-%s\n\n"
                await server.send(
                    reply(f"+OK Job-UUID: {uuid}\nJob-UUID: {uuid}"),
                    length % (len(data), event_format.value.encode()),
                    data,
                )

        async with trio.open_nursery() as nursery:
            nursery.start_soon(play)
            assert [(await switch.job("x")).text for _ in results] == results


# What a real FreeSWITCH wrote


def recorded(name: str) -> list[tuple[EventFormat, bytes]]:
    """The events of a recorded conversation, as they came."""
    reader = FrameReader()
    reader.feed((RECORDINGS / f"{name}.raw").read_bytes())
    found = []
    while (frame := reader.next_frame()) is not None:
        if frame.content_type.startswith("text/event-"):
            found.append((EventFormat(frame.content_type.removeprefix("text/event-")), frame.body))
            assert isinstance(read_message(frame), Event)
    return found


def taken_apart(event_format: EventFormat, data: bytes) -> tuple[list[Header], str | None]:
    """An event's headers, read another way than the package does."""

    def text(raw: bytes) -> str:
        return unquote_to_bytes(raw).decode("utf-8", "surrogateescape")

    if event_format is EventFormat.JSON:
        pairs = json.loads(data.decode("utf-8", "surrogateescape"), object_pairs_hook=list)
        return (pairs[:-2], pairs[-1][1]) if pairs[-1][0] == "_body" else (pairs, None)
    if event_format is EventFormat.PLAIN:
        head, _, rest = data.partition(b"\n\n")
        lines = [line.split(b": ", 1) for line in head.split(b"\n")]
        if rest:
            lines.pop()
        return [(text(name), text(value)) for name, value in lines], rest.decode() or None
    head, _, rest = data.partition(b"</headers>")
    elements = re.findall(rb"^    <([^>]+)>(.*)</\1>$", head, re.MULTILINE)
    found = re.search(rb"<body>(.*)</body>", rest, re.DOTALL)
    # Repeated elements are written as they are, whatever they were.
    return [(text(name), text(value)) for name, value in elements], found[1].decode() if found else None


@pytest.mark.parametrize(
    "name",
    [
        "a1_async_full_plain",
        "b_myevents_json",
        "b_myevents_xml",
        "e4_sendevent",
        "e12_bgapi_myevents",
        "i1_vars_encoding",
        "i6_badbytes_json",
        "i7_badbytes_plain",
        "i8_badbytes_xml",
        "s1_sip_caller_bye",
    ],
)
def test_the_writers_write_what_freeswitch_wrote(name: str) -> None:
    events = recorded(name)
    assert events
    for event_format, data in events:
        headers, text = taken_apart(event_format, data)
        written = WRITERS[event_format](headers, text)
        if event_format is EventFormat.JSON:
            assert written == data
        else:
            # What was left as it is cannot be told from what was encoded.
            assert unquote_to_bytes(written) == unquote_to_bytes(data)


# Of one channel or of one moment, so that two calls differ in it.
OF_ONE_CALL = re.compile(
    r"Event-(Date-.*|Sequence)|Caller-.*-Time|Unique-ID|.*-(UUID|Unique-ID)|variable_(.*uuid|session_id)"
    r"|variable_.*_(stamp|epoch|uepoch)|variable_(.*usec|uduration)"
)

PERCENT_IS_LOST = "two calls in which pct=100%25 a%20b was set: " + URL

# Headers that differ between two recorded calls that did the same, and how.
RECORDED_DIFFERENCES: dict[tuple[str, str, str], tuple[str, str, str]] = {
    ("i6_badbytes_json", "i7_badbytes_plain", "variable_pct"): ("100%25 a%20b", "100% a b", PERCENT_IS_LOST),
    ("i6_badbytes_json", "i8_badbytes_xml", "variable_pct"): ("100%25 a%20b", "100% a b", PERCENT_IS_LOST),
    **{
        ("i6_badbytes_json", other, name): ("pct=100%25 a%20b", "pct=100% a b", PERCENT_IS_LOST)
        for other in ("i7_badbytes_plain", "i8_badbytes_xml")
        for name in ("Application-Data", "variable_current_application_data", "variable_last_arg")
    },
}


def differences(one: str, other: str) -> Iterator[tuple[str, str, str, str]]:
    """How the events of two conversations differ: event, header, and both values."""
    events = [[Event(data, event_format) for event_format, data in recorded(name)] for name in (one, other)]
    for first, second in zip(*events, strict=True):
        assert (first.name, first.subclass, first.body) == (second.name, second.subclass, second.body)
        pairs = zip(first.headers.pairs(), second.headers.pairs(), strict=True)
        for (name, value), (same_name, other_value) in pairs:
            assert name == same_name
            if value != other_value and OF_ONE_CALL.fullmatch(name) is None:
                yield str(first.name), name, value, other_value


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("b_myevents_json", "b_myevents_xml"),
        ("i6_badbytes_json", "i7_badbytes_plain"),
        ("i6_badbytes_json", "i8_badbytes_xml"),
        ("i7_badbytes_plain", "i8_badbytes_xml"),
    ],
)
def test_calls_that_did_the_same_told_the_same_in_every_format(one: str, other: str) -> None:
    found = {(one, other, name): (value, other_value) for _, name, value, other_value in differences(one, other)}
    listed = {key: both[:2] for key, both in RECORDED_DIFFERENCES.items() if key[:2] == (one, other)}
    assert found == listed


def test_what_no_text_is_came_whole_in_every_format() -> None:
    for name in ("i6_badbytes_json", "i7_badbytes_plain", "i8_badbytes_xml"):
        event_format, data = recorded(name)[-1]
        variables = Event(data, event_format).variables
        assert variables["bad"].startswith("caf\udce9 tab\there")
        assert variables["nl"] == "one\ntwo\n"
        assert variables["trunc"] == "日\udce6\udc9c"


def test_one_event_that_was_fired_in_three_formats_is_one() -> None:
    events = [Event(data, event_format) for event_format, data in recorded("e4_sendevent")]
    fired = [event for event in events if event.body == "hello world"]
    assert [event.format for event in fired if event.get("X-Foo")] == [
        EventFormat.PLAIN,
        EventFormat.JSON,
        EventFormat.XML,
    ]
    own = [
        {
            (name, value)
            for name, value in event.headers.pairs()
            if OF_ONE_CALL.fullmatch(name) is None and not name.startswith("X-")
        }
        for event in fired
    ]
    assert own[0] == own[1] == own[2]
