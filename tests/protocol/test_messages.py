"""What each frame means."""

from __future__ import annotations

import pytest

from esl_outbound.protocol import (
    ApiResponse,
    AuthRequest,
    ConnectReply,
    DisconnectNotice,
    Event,
    EventFormat,
    EventName,
    LogLine,
    Reply,
    RudeRejection,
    UnknownMessage,
)

from .wire import read_messages, read_one

CONNECT_REPLY = (
    b"Event-Name: CHANNEL_DATA\n"
    b"Channel-Name: sofia/internal/sipp%%40127.0.0.1%%3A5070\n"
    b"Unique-ID: 5f6433ee-df70-478f-a9ed-0397c83df1da\n"
    b"Answer-State: ringing\n"
    b"Caller-Unique-ID: not-this-one\n"
    b"variable_DP_MATCH: ARRAY%%3A%%3Aasync_full_8084%%7C%%3A8084\n"
    b"variable_socket_host: 127.0.0.1\n"
    b"Content-Type: command/reply\n"
    b"Reply-Text: %%2BOK%%0A\n"
    b"Socket-Mode: %b\n"
    b"Control: %b\n"
    b"\n"
)


def reply(text: bytes) -> Reply:
    message = read_one(b"Content-Type: command/reply\nReply-Text: " + text + b"\n\n")
    assert type(message) is Reply
    return message


# Replies


@pytest.mark.parametrize(
    ("text", "ok"),
    [
        (b"+OK", True),
        (b"+OK bye", True),
        (b"+OK log level  [7]", True),
        (b"+OK filter deleted. [all][]", True),
        (b"1234", True),
        (b"", True),
        (b"-err", True),
        (b" -ERR", True),
        (b"-ERR command not found", False),
        (b"-ERR aready enabled.", False),
        (b"-ERR", False),
    ],
)
def test_a_reply_is_its_text_and_only_an_err_is_not_ok(text: bytes, ok: bool) -> None:
    message = reply(text)
    assert (message.text, message.ok) == (text.decode(), ok)


def test_a_reply_is_not_url_decoded() -> None:
    assert reply(b"100%25 a%20b").text == "100%25 a%20b"


def test_a_reply_keeps_leading_blanks_and_bytes_that_are_no_text() -> None:
    assert reply(b' !"#$').text == ' !"#$'
    assert reply(b"caf\xe9").text == "caf\udce9"


def test_a_replys_other_headers_are_there() -> None:
    message = read_one(
        b"Content-Type: command/reply\nReply-Text: +OK Job-UUID: 516e1ac0\nJob-UUID: 516e1ac0\n\n",
    )
    assert type(message) is Reply
    assert message.headers["job-uuid"] == "516e1ac0"
    assert message.text == "+OK Job-UUID: 516e1ac0"


def test_a_reply_without_a_text_is_empty() -> None:
    message = read_one(b"Content-Type: command/reply\nX: 1\n\n")
    assert type(message) is Reply
    assert (message.text, message.ok) == ("", True)


def test_the_plainest_reply_is_a_reply_like_any_other() -> None:
    message = reply(b"+OK")
    assert message.headers.pairs() == [("Content-Type", "command/reply"), ("Reply-Text", "+OK")]
    assert message.headers == {"Content-Type": "command/reply", "Reply-Text": "+OK"}


# The reply to connect


@pytest.mark.parametrize(("mode", "is_async"), [(b"async", True), (b"static", False)])
@pytest.mark.parametrize(("control", "is_full"), [(b"full", True), (b"single-channel", False)])
def test_the_reply_to_connect_tells_what_the_dialplan_line_says(
    mode: bytes, control: bytes, is_async: bool, is_full: bool
) -> None:
    message = read_one(CONNECT_REPLY % (mode, control))
    assert type(message) is ConnectReply
    assert (message.is_async, message.is_full) == (is_async, is_full)


def test_the_reply_to_connect_is_url_encoded() -> None:
    message = read_one(CONNECT_REPLY % (b"async", b"full"))
    assert type(message) is ConnectReply
    assert (message.text, message.ok) == ("+OK", True)
    assert message.headers["Reply-Text"] == "+OK\n"
    assert message.headers["Channel-Name"] == "sofia/internal/sipp@127.0.0.1:5070"
    assert message.channel_uuid == "5f6433ee-df70-478f-a9ed-0397c83df1da"
    assert dict(message.variables) == {"DP_MATCH": "ARRAY::async_full_8084|:8084", "socket_host": "127.0.0.1"}
    assert message.variables.get_array("DP_MATCH") == ["async_full_8084", "8084"]


def test_a_reply_to_connect_may_lack_what_it_should_have() -> None:
    message = read_one(b"Event-Name: CHANNEL_DATA\nContent-Type: command/reply\n\n")
    assert type(message) is ConnectReply
    assert (message.channel_uuid, message.is_async, message.is_full, message.text) == ("", False, False, "")


def test_what_a_channel_is_called_does_not_make_a_reply_the_one_to_connect() -> None:
    message = read_one(b"Content-Type: command/reply\nReply-Text: Event-Name: CHANNEL_DATA\n\n")
    assert type(message) is Reply


# Everything else


@pytest.mark.parametrize(
    ("body", "text", "ok"),
    [
        (b"+OK\n", "+OK\n", True),
        (b"true", "true", True),
        (b"-ERR no reply\n", "-ERR no reply\n", False),
        (b"", "", True),
        (b"line1\nline2\n\nline4", "line1\nline2\n\nline4", True),
        (b"100%25 caf\xe9", "100%25 caf\udce9", True),
    ],
)
def test_an_api_response_is_what_was_printed_as_it_is(body: bytes, text: str, ok: bool) -> None:
    message = read_one(b"Content-Type: api/response\nContent-Length: %d\n\n" % len(body) + body)
    assert message == ApiResponse(text)
    assert type(message) is ApiResponse
    assert (message.text, message.ok) == (text, ok)


def log_line(level: bytes, user_data: bytes = b"86dcf8db") -> LogLine:
    message = read_one(
        b"Content-Type: log/data\nContent-Length: 11\n" + level + b"Log-File: mod_dptools.c\n"
        b"User-Data: " + user_data + b"\n\nhello Za\xc3\x9f\n"
    )
    assert type(message) is LogLine
    return message


@pytest.mark.parametrize(
    ("header", "level"),
    [
        (b"Log-Level: 0\n", 0),
        (b"Log-Level: 7\n", 7),
        (b"Log-Level: 17\n", 17),
        (b"Log-Level: -1\n", 0),
        (b"Log-Level: debug\n", 0),
        (b"Log-Level: \xd9\xa7\n", 0),
        (b"Log-Level: 1234567890\n", 0),
        (b"Log-Level: \n", 0),
        (b"", 0),
    ],
)
def test_a_log_line_has_a_level(header: bytes, level: int) -> None:
    assert log_line(header).level == level


def test_a_log_line_tells_its_channel_and_its_text() -> None:
    line = log_line(b"Log-Level: 4\n")
    assert (line.text, line.channel_uuid, line.headers["Log-File"]) == ("hello Zaß\n", "86dcf8db", "mod_dptools.c")
    assert log_line(b"", b"").channel_uuid == ""
    message = read_one(b"Content-Type: log/data\nContent-Length: 0\n\n")
    assert type(message) is LogLine
    assert (message.channel_uuid, message.text) == ("", "")


def notice(lines: bytes, text: bytes = b"") -> DisconnectNotice:
    message = read_one(
        b"Content-Type: text/disconnect-notice\nControlled-Session-UUID: 5f6433ee\n%bContent-Length: %d\n\n%b"
        % (lines, len(text), text)
    )
    assert type(message) is DisconnectNotice
    return message


@pytest.mark.parametrize(
    ("lines", "is_linger", "seconds"),
    [
        (b"Content-Disposition: linger\nChannel-Name: loopback/x-b\nLinger-Time: 5\n", True, 5),
        (b"Content-Disposition: LINGER\nLinger-Time: 14\n", True, 14),
        (b"Content-Disposition: linger\nLinger-Time: -1\n", True, None),
        (b"Content-Disposition: linger\nLinger-Time: soon\n", True, None),
        (b"Content-Disposition: linger\nLinger-Time: \xd9\xa5\n", True, None),
        (b"Content-Disposition: linger\nLinger-Time: 1234567890\n", True, None),
        (b"Content-Disposition: linger\n", True, None),
        (b"Content-Disposition: disconnect\n", False, None),
        (b"", False, None),
    ],
)
def test_a_notice_tells_a_linger_from_the_end(lines: bytes, is_linger: bool, seconds: int | None) -> None:
    message = notice(lines)
    assert (message.is_linger, message.linger_seconds) == (is_linger, seconds)


def test_a_notice_keeps_its_text_and_its_headers_as_they_are() -> None:
    message = notice(
        b"Content-Disposition: disconnect\nChannel-Name: sofia/internal/a%20b@127.0.0.1\n", b"Disconnected, goodbye.\n"
    )
    assert message.text == "Disconnected, goodbye.\n"
    assert message.headers["channel-name"] == "sofia/internal/a%20b@127.0.0.1"
    assert message.headers["Controlled-Session-UUID"] == "5f6433ee"


def test_a_port_that_wants_a_password_says_so() -> None:
    assert read_one(b"Content-Type: auth/request\n\n") == AuthRequest()


def test_a_rude_rejection_is_its_text() -> None:
    data = b"Content-Type: text/rude-rejection\nContent-Length: 24\n\nAccess Denied, go away.\n"
    assert read_one(data) == RudeRejection("Access Denied, go away.\n")


def test_a_frame_of_an_unknown_type_harms_nobody() -> None:
    messages, failed = read_messages(
        [
            b"Content-Type: Text/Of-Tomorrow\nX: %20\nContent-Length: 2\n\n\xffx"
            b"Content-Type: command/reply\nReply-Text: +OK\n\n"
        ]
    )
    assert not failed
    unknown, after = messages
    assert type(unknown) is UnknownMessage
    assert (unknown.content_type, unknown.headers["x"], unknown.body) == ("text/of-tomorrow", "%20", b"\xffx")
    assert type(after) is Reply


@pytest.mark.parametrize(
    ("data", "event_format"),
    [
        (b"Content-Length: 18\nContent-Type: text/event-plain\n\nEvent-Name: DTMF\n\n", EventFormat.PLAIN),
        (b'Content-Length: 21\nContent-Type: text/event-json\n\n{"Event-Name":"DTMF"}', EventFormat.JSON),
        (
            b"Content-Length: 64\nContent-Type: text/event-xml\n\n"
            b"<event><headers><Event-Name>DTMF</Event-Name></headers>\n</event>",
            EventFormat.XML,
        ),
    ],
)
def test_an_event_knows_how_it_was_written(data: bytes, event_format: EventFormat) -> None:
    message = read_one(data)
    assert type(message) is Event
    assert (message.format, message.name) == (event_format, EventName.DTMF)
