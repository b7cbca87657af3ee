"""Commands as FreeSWITCH reads them, and messages as it writes them, byte for byte."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from itertools import pairwise
from urllib.parse import unquote_to_bytes

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from esl_outbound.testing.wire import (
    CommandReader,
    Event,
    Received,
    UnreadableCommand,
    Value,
    api_response,
    as_text,
    atof,
    atoi,
    command_reply,
    cut,
    decoded,
    disconnect_notice,
    encoded,
    event_message,
    is_number,
    linger_notice,
    log_level,
    log_message,
    url_encoded,
)

from ..freeswitch import RECORDINGS

# Reading commands


def read(*parts: bytes) -> list[Received]:
    """All commands that can be read from bytes that come in parts."""
    reader, found = CommandReader(), []
    for part in parts:
        reader.feed(part)
        while (command := reader.next_command()) is not None:
            found.append(command)
    return found


def lines(*parts: bytes) -> list[str]:
    return [command.line for command in read(*parts)]


def test_a_command_ends_with_a_blank_line() -> None:
    assert lines(b"connect\n\nmyevents plain\n\nexit\n") == ["connect", "myevents plain"]


@pytest.mark.parametrize("data", [b"getvar x\r\n\r\n", b"getvar x\n\n", b"\n\r\n\ngetvar x\n\n\n\n"])
def test_line_ends_may_be_of_either_kind_and_blank_lines_before_are_skipped(data: bytes) -> None:
    assert lines(data + b"exit\n\n") == ["getvar x", "exit"]


def test_headers_keep_their_case_order_and_repetitions() -> None:
    (command,) = read(b"sendmsg\nB: 1\na:2\nb:   3 \nempty:\nnone: \nno colon here\nb: 4: 5\n\n")
    assert command == Received(
        "sendmsg",
        (("B", "1"), ("a", "2"), ("b", "3 "), ("b", "4: 5")),
        "",
        "sendmsg\nB: 1\na:2\nb:   3 \nempty:\nnone: \nno colon here\nb: 4: 5\n\n",
    )
    assert (command.get("A"), command.get("b"), command.get("c")) == ("2", "1", "")


def test_a_body_is_counted_in_bytes() -> None:
    first, second = read("sendmsg\ncontent-length: 6\na: 1\n\ngrößeexit\n\n".encode())
    assert (first.body, first.headers) == ("größ", (("content-length", "6"), ("a", "1")))
    assert second.line == "eexit"


def test_a_body_that_is_told_too_short_is_the_beginning_of_the_next_command() -> None:
    assert lines(b"sendmsg\nContent-Length: 2\n\nabcd\n\nexit\n\n") == ["sendmsg", "cd", "exit"]


def test_a_body_ends_at_its_first_nul() -> None:
    assert read(b"sendmsg\nContent-Length: 5\n\nab\0cdexit\n\n")[0].body == "ab"


def test_a_command_that_is_half_there_is_waited_for() -> None:
    reader = CommandReader()
    assert not reader.is_amid_command
    for data in (b"\n\r\n", b"sendmsg\ncontent-le", b"ngth: 3\n\n", b"ab"):
        reader.feed(data)
        assert reader.next_command() is None
        assert reader.is_amid_command == (data != b"\n\r\n")
    reader.feed(b"c")
    command = reader.next_command()
    assert command is not None
    assert command.body == "abc"
    assert not reader.is_amid_command


@pytest.mark.parametrize("length", ["-1", "-2147483648", "16777217", "99999999999"])
def test_a_length_that_is_negative_or_huge_cannot_be_read(length: str) -> None:
    with pytest.raises(UnreadableCommand, match=f"^Content-Length: {length}$"):
        read(f"sendevent X\nContent-Length: {length}\n\n".encode())


@pytest.mark.parametrize(("length", "body"), [("0", ""), ("x", ""), ("3x", "abc"), ("  3", "abc"), ("+3", "abc")])
def test_a_length_is_the_number_that_it_begins_with(length: str, body: str) -> None:
    assert read(f"sendmsg\nContent-Length: {length}\n\nabc\n\n".encode())[0].body == body


@pytest.mark.parametrize("place", ["call-command: execute\ra", "x: 1\r2"])
def test_a_lone_cr_makes_the_command_lose_its_headers(place: str) -> None:
    (command,) = read(f"sendmsg\ncall-command: execute\nexecute-app-name: answer\n{place}\n\n".encode())
    assert command.get("call-command") == ""
    assert command.get("execute-app-name") == ""
    assert command.line.startswith("sendmsg\ncall-command: execute\n")


def test_bytes_that_are_no_text_come_through() -> None:
    (command,) = read(b"sendmsg\na: caf\xe9\n\n")
    assert encoded(command.get("a")) == b"caf\xe9"


def test_a_head_of_ten_megabytes_is_a_head_without_its_end() -> None:
    (command,) = read(b"x" * 10_485_760)
    assert len(command.line) == 10_485_760


CONVERSATION = (
    b"connect\n\n\r\n\r\nmyevents\r\n\r\nsendmsg\ncall-command: execute\nContent-Length: 7\nContent-Type: x\n\n"
    b"a\n\n\r\n\r\n"
    b"api uuid_exists x\n\n\nsendmsg\na: one\rtwo\nb: 3\n\ngetvar caf\xe9\n\n\r\r\nexit\n\n"
)


@given(st.lists(st.integers(0, len(CONVERSATION))))
@example(list(range(len(CONVERSATION))))
def test_however_it_is_cut_the_same_is_read(places: list[int]) -> None:
    bounds = [0, *sorted(places), len(CONVERSATION)]
    assert read(*(CONVERSATION[a:b] for a, b in pairwise(bounds))) == read(CONVERSATION)


@given(st.lists(st.sampled_from([b"a", b":", b" ", b"\n", b"\r", b"\n\n", b"content-length: 3\n", b"\0", b"\xff"])))
def test_whatever_comes_is_read_the_same_byte_by_byte(pieces: list[bytes]) -> None:
    data = b"".join(pieces)
    assert read(*(data[at : at + 1] for at in range(len(data)))) == read(data)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("5", 5),
        (" -7x", -7),
        ("+3", 3),
        ("x", 0),
        ("", 0),
        ("- 1", 0),
        ("++1", 0),
        ("\u0661", 0),
        ("1.9", 1),
        ("0" * 5000 + "7", 7),
        ("2147483647", 2**31 - 1),
        ("2147483648", -(2**31)),
        ("4294967301", 5),
        ("9" * 5000, -1),
        ("-" + "9" * 5000, 0),
    ],
)
def test_numbers_are_read_as_c_reads_them(text: str, number: int) -> None:
    assert atoi(text) == number


# Values


def test_every_byte_has_the_form_that_was_measured() -> None:
    printable = "".join(map(chr, range(0x20, 0x7F)))
    shown = re.sub("(?<=/)[0-9]+|(?<=A)[B-Z]+|(?<=a)[b-z]+", "", url_encoded(printable))
    assert shown == "%20!%22%23$%25%26'()*%2B,-./%3A%3B%3C%3D%3E%3F%40A%5B%5C%5D%5E_%60a%7B%7C%7D~"
    assert url_encoded("\0\t\n\r\x7f") == "%00%09%0A%0D%7F"
    assert url_encoded("ß ✓") == "%C3%9F%20%E2%9C%93"
    assert url_encoded(decoded(b"caf\xe9")) == "caf%E9"


@pytest.mark.parametrize(
    ("value", "sent"),
    [
        ("100%25 a%20b", "100%25%20a%20b"),
        ("100% a b", "100%25%20a%20b"),
        ("Z%C3%A4 100% ab=c;d", "Z%C3%A4%20100%25%20ab%3Dc%3Bd"),
        ("%", "%25"),
        ("%4", "%254"),
        ("%4g", "%254g"),
        ("%aF%%41", "%aF%25%41"),
    ],
)
def test_what_looks_encoded_already_is_left_as_it_is(value: str, sent: str) -> None:
    assert url_encoded(value) == sent


@pytest.mark.parametrize(
    ("value", "text"), [("a", "a"), (("a",), "a"), (("one", "two, three"), "ARRAY::one|:two, three")]
)
def test_an_array_has_a_form_of_its_own(value: Value, text: str) -> None:
    assert as_text(value) == text


# Messages, as they were recorded


def test_short_messages_are_as_they_were_recorded() -> None:
    assert command_reply("+OK") == b"Content-Type: command/reply\nReply-Text: +OK\n\n"
    assert api_response("+OK\n") == b"Content-Type: api/response\nContent-Length: 4\n\n+OK\n"
    assert linger_notice("U", "loopback/x-b", 5) == (
        b"Content-Type: text/disconnect-notice\nControlled-Session-UUID: U\nContent-Disposition: linger\n"
        b"Channel-Name: loopback/x-b\nLinger-Time: 5\nContent-Length: 0\n\n"
    )
    assert disconnect_notice("U") == (
        b"Content-Type: text/disconnect-notice\nControlled-Session-UUID: U\nContent-Disposition: disconnect\n"
        b"Content-Length: 67\n\nDisconnected, goodbye.\nSee you at ClueCon! http://www.cluecon.com/\n"
    )


def test_a_reply_is_cut_at_511_bytes() -> None:
    assert command_reply("x" * 600) == b"Content-Type: command/reply\nReply-Text: " + b"x" * 511 + b"\n\n"
    assert command_reply("ß" * 300) == b"Content-Type: command/reply\nReply-Text: " + "ß".encode() * 255 + b"\xc3\n\n"


def test_a_line_of_the_log_is_counted_in_bytes() -> None:
    assert log_message("grüß\n", level=7, channel=0, file="f.c", function="f", number=3, uuid="U") == (
        b"Content-Type: log/data\nContent-Length: 7\nLog-Level: 7\nText-Channel: 0\nLog-File: f.c\nLog-Func: f\n"
        b"Log-Line: 3\nUser-Data: U\n\ngr\xc3\xbc\xc3\x9f\n"
    )
    assert [log_level(word) for word in ("debug", "ERR", "9", "nonsense", "")] == [7, 3, 9, -1, -1]
    assert [log_level(word) for word in ("1.5", "-3", "64", "65", "9" * 5000, "\u0661")] == [1, 0, -1, 63, 0, -1]


@pytest.mark.parametrize(
    ("text", "number"), [("1.5x", 1.5), (" -2", -2), (".5", 0.5), ("1.", 1), ("x", 0), ("", 0), ("1e3", 1)]
)
def test_fractions_are_read_as_c_reads_them(text: str, number: float) -> None:
    assert atof(text) == number


@pytest.mark.parametrize(
    ("text", "is_one"), [("1", True), ("-1.5", True), ("+", True), ("", True), ("1e3", False), ("+-1", False)]
)
def test_what_freeswitch_takes_for_a_number(text: str, is_one: bool) -> None:
    assert is_number(text) is is_one


@pytest.mark.parametrize(
    ("text", "size", "rest"), [("abc", 2, "ab"), ("abc", 5, "abc"), ("\u00e9\u00e9", 3, "\u00e9\udcc3"), ("", 3, "")]
)
def test_text_is_cut_by_its_bytes(text: str, size: int, rest: str) -> None:
    assert cut(text, size) == rest


def test_a_reply_that_begins_with_a_tilde_brings_its_own_blank_line() -> None:
    assert command_reply("~A: 1\n\n") == b"Content-Type: command/reply\nA: 1\n\n"
    assert len(command_reply("~" + "x" * 1000)) == len(b"Content-Type: command/reply\n") + 510


WITH_BODY = Event(
    "CUSTOM",
    (("Event-Subclass", "my::event"), ("X-Utf", "Zaß 100%"), ("variable_arr", ("one", "two")), ("one", ("one",))),
    "hällo <world>",
)


@pytest.mark.parametrize(
    ("form", "message"),
    [
        (
            "plain",
            "Content-Length: 136\nContent-Type: text/event-plain\n\nEvent-Subclass: my%3A%3Aevent\n"
            "X-Utf: Za%C3%9F%20100%25\nvariable_arr: ARRAY%3A%3Aone%7C%3Atwo\none: one\n"
            "Content-Length: 14\n\nhällo <world>",
        ),
        (
            "json",
            "Content-Length: 138\nContent-Type: text/event-json\n\n"
            '{"Event-Subclass":"my::event","X-Utf":"Zaß 100%","variable_arr":["one","two"],"one":"one",'
            '"Content-Length":"14","_body":"hällo <world>"}',
        ),
        (
            "xml",
            "Content-Length: 297\nContent-Type: text/event-xml\n\n<event>\n  <headers>\n"
            "    <Event-Subclass>my%3A%3Aevent</Event-Subclass>\n    <X-Utf>Za%C3%9F%20100%25</X-Utf>\n"
            "    <variable_arr>one</variable_arr>\n    <variable_arr>two</variable_arr>\n    <one>one</one>\n"
            "  </headers>\n  <Content-Length>14</Content-Length>\n  <body>hällo &lt;world&gt;</body>\n</event>\n",
        ),
    ],
)
def test_an_event_with_a_body_has_its_own_length_in_each_form(form: str, message: str) -> None:
    said = event_message(WITH_BODY, form).decode()
    assert said.partition("\n\n")[2] == message.partition("\n\n")[2]
    assert said == message


@pytest.mark.parametrize(
    ("body", "length", "written"),
    [
        ("+OK\n", 4, "+OK\n  "),
        ("a\r\nb", 4, "a&#xD;\nb"),
        ("a & <b> <!-- & <c> -->\n", 23, "a &amp; &lt;b&gt; <!-- & <c> -->\n  "),
    ],
)
def test_xml_writes_a_body_as_switch_xml_does(body: str, length: int, written: str) -> None:
    said = event_message(Event("X", (("a", "b"),), body), "xml").decode()
    assert said.endswith(
        f"  </headers>\n  <Content-Length>{length}</Content-Length>\n  <body>{written}</body>\n</event>\n"
    )


def test_json_escapes_what_is_no_text_of_json() -> None:
    event = Event("X", (("a", '"\\/\t\n\x01\x7f'), ("b", decoded(b"caf\xe9"))))
    assert event_message(event, "json").partition(b"\n\n")[2] == (b'{"a":"\\"\\\\/\\t\\n\\u0001\x7f","b":"caf\xe9"}')


# Whole recordings: what is read from a recorded event is written as it was recorded


def recorded(name: str) -> Iterator[tuple[str, bytes, bytes]]:
    """Form, message and body of the events in a recording."""
    data = (RECORDINGS / f"{name}.raw").read_bytes()
    for head in re.finditer(rb"Content-Length: (\d+)\nContent-Type: text/event-(\w+)\n\n", data):
        body = data[head.end() : head.end() + int(head[1])]
        yield head[2].decode(), head[0] + body, body


def headers_of(form: str, body: bytes) -> tuple[Iterable[tuple[str, Value]], str]:
    """What a recorded event tells, read in another way than the package does."""
    text = body.decode("utf-8", "surrogateescape")
    if form == "json":
        found = json.loads(text, object_pairs_hook=list)
        headers = [(name, tuple(value) if isinstance(value, list) else value) for name, value in found]
        return (headers[:-2], str(headers[-1][1])) if headers[-1][0] == "_body" else (headers, "")
    if form == "plain":
        head, _, rest = text.partition("\n\n")
        pairs = [(line.split(": ", 1)[0], line.split(": ", 1)[1]) for line in head.split("\n")]
        return [(name, raw(value)) for name, value in (pairs[:-1] if rest else pairs)], rest
    grouped: list[tuple[str, list[str]]] = []
    for name, value in re.findall(r"^    <([^>]+)>(.*)</\1>$", text, re.MULTILINE):
        if grouped and grouped[-1][0] == name:
            grouped[-1][1].append(raw(value))
        else:
            grouped.append((name, [raw(value)]))
    sent = re.search(r"^  <body>(.*)</body>$", text, re.MULTILINE | re.DOTALL)
    headers = [(name, tuple(values) if len(values) > 1 else values[0]) for name, values in grouped]
    return headers, sent[1] if sent is not None else ""


def raw(value: str) -> str:
    return unquote_to_bytes(value).decode("utf-8", "surrogateescape")


@pytest.mark.parametrize(
    ("name", "forms"),
    [
        ("b_myevents_json", ["json"] * 20),
        ("b_myevents_xml", ["xml"] * 20),
        ("e4_sendevent", [*["plain"] * 4, "json", "xml", "plain"]),
        ("i6_badbytes_json", ["json"] * 15),
        ("i7_badbytes_plain", ["plain"] * 15),
        ("i8_badbytes_xml", ["xml"] * 15),
        ("s1_sip_caller_bye", ["plain"] * 12),
        ("g1_dtmf_pagd", ["plain"] * 14),
    ],
)
def test_recorded_events_are_written_as_they_were_recorded(name: str, forms: list[str]) -> None:
    found = []
    for form, message, body in recorded(name):
        found.append(form)
        headers, text = headers_of(form, body)
        assert event_message(Event("", tuple(headers), text), form) == message
    assert sorted(found) == sorted(forms)
