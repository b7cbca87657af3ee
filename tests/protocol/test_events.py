"""Events: plain, JSON and XML read the same, lazily, however broken they are."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from esl_outbound.errors import RemoteProtocolError
from esl_outbound.protocol import Event, EventFormat, EventName, event_name

from .wire import everything

EVENT_NAMES = [
    "CUSTOM",
    "CLONE",
    "CHANNEL_CREATE",
    "CHANNEL_DESTROY",
    "CHANNEL_STATE",
    "CHANNEL_CALLSTATE",
    "CHANNEL_ANSWER",
    "CHANNEL_HANGUP",
    "CHANNEL_HANGUP_COMPLETE",
    "CHANNEL_EXECUTE",
    "CHANNEL_EXECUTE_COMPLETE",
    "CHANNEL_HOLD",
    "CHANNEL_UNHOLD",
    "CHANNEL_BRIDGE",
    "CHANNEL_UNBRIDGE",
    "CHANNEL_PROGRESS",
    "CHANNEL_PROGRESS_MEDIA",
    "CHANNEL_OUTGOING",
    "CHANNEL_PARK",
    "CHANNEL_UNPARK",
    "CHANNEL_APPLICATION",
    "CHANNEL_ORIGINATE",
    "CHANNEL_UUID",
    "API",
    "LOG",
    "INBOUND_CHAN",
    "OUTBOUND_CHAN",
    "STARTUP",
    "SHUTDOWN",
    "PUBLISH",
    "UNPUBLISH",
    "TALK",
    "NOTALK",
    "SESSION_CRASH",
    "MODULE_LOAD",
    "MODULE_UNLOAD",
    "DTMF",
    "MESSAGE",
    "PRESENCE_IN",
    "NOTIFY_IN",
    "PRESENCE_OUT",
    "PRESENCE_PROBE",
    "MESSAGE_WAITING",
    "MESSAGE_QUERY",
    "ROSTER",
    "CODEC",
    "BACKGROUND_JOB",
    "DETECTED_SPEECH",
    "DETECTED_TONE",
    "PRIVATE_COMMAND",
    "HEARTBEAT",
    "TRAP",
    "ADD_SCHEDULE",
    "DEL_SCHEDULE",
    "EXE_SCHEDULE",
    "RE_SCHEDULE",
    "RELOADXML",
    "NOTIFY",
    "PHONE_FEATURE",
    "PHONE_FEATURE_SUBSCRIBE",
    "SEND_MESSAGE",
    "RECV_MESSAGE",
    "REQUEST_PARAMS",
    "CHANNEL_DATA",
    "GENERAL",
    "COMMAND",
    "SESSION_HEARTBEAT",
    "CLIENT_DISCONNECTED",
    "SERVER_DISCONNECTED",
    "SEND_INFO",
    "RECV_INFO",
    "RECV_RTCP_MESSAGE",
    "SEND_RTCP_MESSAGE",
    "CALL_SECURE",
    "NAT",
    "RECORD_START",
    "RECORD_STOP",
    "PLAYBACK_START",
    "PLAYBACK_STOP",
    "CALL_UPDATE",
    "FAILURE",
    "SOCKET_DATA",
    "MEDIA_BUG_START",
    "MEDIA_BUG_STOP",
    "CONFERENCE_DATA_QUERY",
    "CONFERENCE_DATA",
    "CALL_SETUP_REQ",
    "CALL_SETUP_RESULT",
    "CALL_DETAIL",
    "DEVICE_STATE",
    "TEXT",
    "SHUTDOWN_REQUESTED",
    "CERT_RELOAD",
    "ALL",
]

# One event as FreeSWITCH writes it in each format: a CUSTOM one, with a body.
PLAIN = (
    b"Event-Subclass: my%3A%3Aevent\n"
    b"X-Foo: bar%20%3Cbaz%3E%20%26%20%22q%22\n"
    b"X-Utf: Za%C3%9F%20100%25\n"
    b"X-Bad: caf%E9\n"
    b"Content-Type: text/plain\n"
    b"Content-Length: 11\n"
    b"Event-Name: CUSTOM\n"
    b"Hangup-Cause: USER_BUSY\n"
    b"Hangup-Cause: USER_BUSY\n"
    b"variable_arr: ARRAY%3A%3Aone%7C%3Atwo,%20three\n"
    b"variable_nolocal:x: 1\n"
    b"variable_one: single\n"
    b"Content-Length: 11\n"
    b"\n"
    b"hello\n\nwor\n"
)
JSON = (
    b'{"Event-Subclass":"my::event","X-Foo":"bar <baz> & \\"q\\"","X-Utf":"Za\xc3\x9f 100%","X-Bad":"caf\xe9",'
    b'"Content-Type":"text/plain","Content-Length":"11","Event-Name":"CUSTOM","Hangup-Cause":"USER_BUSY",'
    b'"Hangup-Cause":"USER_BUSY","variable_arr":["one","two, three"],"variable_nolocal:x":"1",'
    b'"variable_one":"single","Content-Length":"11","_body":"hello\\n\\nwor\\n"}'
)
XML = (
    b"<event>\n  <headers>\n"
    b"    <Event-Subclass>my%3A%3Aevent</Event-Subclass>\n"
    b"    <X-Foo>bar%20%3Cbaz%3E%20%26%20%22q%22</X-Foo>\n"
    b"    <X-Utf>Za%C3%9F%20100%25</X-Utf>\n"
    b"    <X-Bad>caf%E9</X-Bad>\n"
    b"    <Content-Type>text/plain</Content-Type>\n"
    b"    <Content-Length>11</Content-Length>\n"
    b"    <Event-Name>CUSTOM</Event-Name>\n"
    b"    <Hangup-Cause>USER_BUSY</Hangup-Cause>\n"
    b"    <Hangup-Cause>USER_BUSY</Hangup-Cause>\n"
    b"    <variable_arr>one</variable_arr>\n"
    b"    <variable_arr>two,%20three</variable_arr>\n"
    b"    <variable_nolocal:x>1</variable_nolocal:x>\n"
    b"    <variable_one>single</variable_one>\n"
    b"  </headers>\n"
    b"  <Content-Length>11</Content-Length>\n"
    b"  <body>hello\n\nwor\n  </body>\n"
    b"</event>\n"
)
PAIRS = [
    ("Event-Subclass", "my::event"),
    ("X-Foo", 'bar <baz> & "q"'),
    ("X-Utf", "Zaß 100%"),
    ("X-Bad", "caf\udce9"),
    ("Content-Type", "text/plain"),
    ("Content-Length", "11"),
    ("Event-Name", "CUSTOM"),
    ("Hangup-Cause", "USER_BUSY"),
    ("Hangup-Cause", "USER_BUSY"),
    ("variable_arr", "ARRAY::one|:two, three"),
    ("variable_nolocal:x", "1"),
    ("variable_one", "single"),
    ("Content-Length", "11"),
]

EVENTS = [(PLAIN, EventFormat.PLAIN), (JSON, EventFormat.JSON), (XML, EventFormat.XML)]
EVERY_FORMAT = pytest.mark.parametrize(("data", "event_format"), EVENTS, ids=["plain", "json", "xml"])
NO_TEXT: list[object] = [b"X-Foo", 7, None]


def json_event(data: bytes) -> Event:
    return Event(data, EventFormat.JSON)


def xml_event(data: bytes) -> Event:
    return Event(data, EventFormat.XML)


# Names


def test_there_are_ninety_four_events_and_no_other() -> None:
    assert len(EVENT_NAMES) == 94
    assert [name.value for name in EventName] == EVENT_NAMES


@pytest.mark.parametrize("name", EVENT_NAMES)
def test_an_event_is_found_by_its_name(name: str) -> None:
    found = event_name(name.encode())
    assert isinstance(found, EventName)
    assert found.name == found.value == f"{found}" == name
    assert Event(f"Event-Name: {name}\nCore-UUID: 7\n\n".encode()).name is found


@pytest.mark.parametrize("name", [b"CHANNEL_TELEPORT", b"dtmf", b"caf\xe9"])
def test_an_event_of_tomorrow_keeps_its_name(name: bytes) -> None:
    found = Event(b"Event-Name: " + name + b"\n\n").name
    assert found == name.decode("utf-8", "surrogateescape")
    assert type(found) is str


def test_the_name_is_found_wherever_it_stands() -> None:
    assert Event(b"Core-UUID: 7\nEvent-Name: DTMF\nDTMF-Digit: 1\n\n").name is EventName.DTMF
    assert Event(b"Core-UUID: 7\nEvent-Name: DTMF\n\n").raw_name == b"DTMF"


@pytest.mark.parametrize(
    "event",
    [
        Event(b"Command: sendevent%20NOTIFY\nunique-id: 0f9adf6a\nX-Foo: diverted%3F\n\n"),
        json_event(b'{"Command":"sendevent NOTIFY"}'),
        xml_event(b"<event>\n  <headers>\n    <Command>sendevent%20NOTIFY</Command>\n  </headers>\n</event>\n"),
    ],
    ids=["plain", "json", "xml"],
)
def test_an_event_may_have_no_name(event: Event) -> None:
    assert (event.name, event.raw_name, event.subclass, event["command"]) == ("", b"", "", "sendevent NOTIFY")
    assert repr(event).startswith("<Event ")


def test_a_name_in_a_body_is_not_the_events() -> None:
    event = Event(b"Command: sendevent\nContent-Length: 18\n\n\nEvent-Name: DTMF\n")
    assert (event.name, event.raw_name, event.body) == ("", b"", "\nEvent-Name: DTMF\n")


# The same event in three formats


@EVERY_FORMAT
def test_an_event_tells_the_same_in_every_format(data: bytes, event_format: EventFormat) -> None:
    event = Event(data, event_format)
    assert event.format is event_format
    assert event.name is EventName.CUSTOM
    assert event.raw_name == b"CUSTOM"
    assert event.subclass == "my::event"
    assert event.body == "hello\n\nwor\n"
    assert event["x-foo"] == 'bar <baz> & "q"'
    assert event["X-Utf"] == "Zaß 100%"
    assert event["X-Bad"].encode("utf-8", "surrogateescape") == b"caf\xe9"
    assert dict(event.variables) == {"arr": "ARRAY::one|:two, three", "nolocal:x": "1", "one": "single"}
    assert event.variables.get_array("arr") == ["one", "two, three"]
    assert event.variables.get_array("one") == ["single"]
    assert event.headers.get_all("hangup-cause") == ["USER_BUSY", "USER_BUSY"]
    assert event.headers.get_all("Content-Length") == ["11", "11"]
    assert event.headers.pairs() == PAIRS


@EVERY_FORMAT
def test_the_block_is_the_plain_form_of_the_headers(data: bytes, event_format: EventFormat) -> None:
    block = Event(data, event_format).block
    lines = block.split(b"\n")
    assert b"X-Utf: Za%C3%9F%20100%25" in lines
    assert b"variable_arr: ARRAY%3A%3Aone%7C%3Atwo,%20three" in lines
    assert b"Event-Name: CUSTOM" in lines
    assert b"hello" not in lines
    assert block.endswith(b"\n")


def test_the_plain_form_of_json_leaves_the_same_characters_as_freeswitch() -> None:
    event = json_event(b'{"v":" !\\"#$%&\'()*+,-./0:;<=>?@A[\\\\]^_`a{|}~"}')
    assert event.block == rb"v: %20!%22%23$%25%26'()*%2B,-./0%3A%3B%3C%3D%3E%3F%40A%5B%5C%5D%5E_%60a%7B%7C%7D~" + b"\n"


@EVERY_FORMAT
def test_an_event_is_asked_like_a_mapping(data: bytes, event_format: EventFormat) -> None:
    event = Event(data, event_format)
    assert "x-FOO" in event
    assert "X-None" not in event
    assert [other in event for other in NO_TEXT] == [False] * 3
    assert event.get("X-None") == ""
    assert event.get("X-None", "nothing") == "nothing"
    assert event.get("X-Foo", "nothing") == 'bar <baz> & "q"'
    with pytest.raises(KeyError):
        event["X-None"]
    assert event.headers is event.headers
    assert event.block is event.block
    assert repr(event) == f"<Event CUSTOM {len(data)} bytes>"


@pytest.mark.parametrize(
    "event",
    [
        Event(b"Event-Name: DTMF\nDTMF-Digit: %23\n\n"),
        json_event(b'{"Event-Name":"DTMF","DTMF-Digit":"#"}'),
        xml_event(b"<event><headers><Event-Name>DTMF</Event-Name><DTMF-Digit>%23</DTMF-Digit></headers></event>"),
    ],
    ids=["plain", "json", "xml"],
)
def test_most_events_have_no_body(event: Event) -> None:
    assert (event.name, event["DTMF-Digit"], event.body) == (EventName.DTMF, "#", "")


# Where the headers of a plain event end


@pytest.mark.parametrize(
    ("data", "block", "body"),
    [
        (b"Event-Name: A\nX: 1\n\n", b"Event-Name: A\nX: 1\n\n", ""),
        (b"Event-Name: A\nContent-Length: 2\n\n\n\n", b"Event-Name: A\nContent-Length: 2\n", "\n\n"),
        (b"Event-Name: A\nContent-Length: 3\n\na\n\n", b"Event-Name: A\nContent-Length: 3\n", "a\n\n"),
        (b"Event-Name: A\nContent-Length: 0\n\n", b"Event-Name: A\nContent-Length: 0\n", ""),
        (b"Event-Name: A\nX: 1\n\nrest", b"Event-Name: A\nX: 1\n", "rest"),
        (b"Event-Name: A\nX: 1\n", b"Event-Name: A\nX: 1\n", ""),
    ],
)
def test_a_plain_events_headers_end_at_the_blank_line(data: bytes, block: bytes, body: str) -> None:
    event = Event(data)
    assert (event.block, event.body, event.name) == (block, body, "A")
    assert all(name != "" for name, _ in event.headers.pairs())


def test_a_plain_body_is_not_url_decoded_and_keeps_bytes_that_are_no_text() -> None:
    assert Event(b"Event-Name: A\nContent-Length: 7\n\n%20caf\xe9").body == "%20caf\udce9"


def test_an_xml_body_is_unescaped() -> None:
    event = xml_event(b"<event><headers><A>1</A></headers><body>&lt;a&gt; &amp;amp; %20</body></event>")
    assert event.body == "<a> &amp; %20"


def test_an_xml_body_with_a_character_of_too_many_digits_is_refused() -> None:
    event = xml_event(b"<event><headers><A>1</A></headers><body>&#" + b"9" * 5000 + b";</body></event>")
    with pytest.raises(RemoteProtocolError, match="an event's body"):
        _ = event.body
    assert event["A"] == "1"


def test_what_looks_like_a_body_among_xml_headers_is_a_header() -> None:
    event = xml_event(b"<event><headers><body>1</body><A/><B></B></headers></event>")
    assert event.body == ""
    assert event.headers.pairs() == [("body", "1"), ("A", ""), ("B", "")]


def test_only_variables_that_are_repeated_in_xml_are_arrays() -> None:
    event = xml_event(
        b"<event><headers><A>1</A><variable_a>1</variable_a><A>2</A><variable_b>%7C%3A</variable_b>"
        b"<variable_a>2</variable_a><variable_a>3</variable_a></headers></event>"
    )
    assert event.headers.pairs() == [("A", "1"), ("variable_a", "ARRAY::1|:2|:3"), ("A", "2"), ("variable_b", "|:")]


def test_json_arrays_are_written_as_the_plain_form_does() -> None:
    event = json_event(b'{"variable_a":["1"],"variable_b":[],"variable_c":["1","2"]}')
    assert event.headers.pairs() == [
        ("variable_a", "ARRAY::1"),
        ("variable_b", "ARRAY::"),
        ("variable_c", "ARRAY::1|:2"),
    ]


def test_json_text_that_no_encoding_has_does_not_break_the_block() -> None:
    event = json_event(b'{"Event-Name":"DT\\ud800","a\\ud800":"b\\udfff"}')
    assert (event.name, event.block) == ("DT?", b"Event-Name: DT%3F\na?: b%3F\n")


# Broken ones


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\n",
        b'{"Event-Name":"DTMF"',
        b'{"Event-Name":"DTMF"}}',
        b'{"Event-Name":DTMF}',
        b'{"Event-Name":"DT\nMF"}',
        b'"Event-Name"',
        b"7",
        b"null",
        b"[]",
        b'["Event-Name"]',
        b'[["Event-Name","DTMF"]]',
        b'{"Event-Name":7}',
        b'{"Event-Name":null}',
        b'{"Event-Name":["DTMF",7]}',
        b'{"Event-Name":{"a":"b"}}',
        b'{"Event-Name":[["DTMF"]]}',
        b'{"Event-Name":{}}',
        b'{"Event-Name":[{}]}',
        b'{"Event-Sequence":' + b"9" * 5000 + b"}",
        b"[" * 100000,
        b'{"a":' * 100000,
    ],
    ids=lambda data: data[:20].decode(),
)
def test_an_event_that_is_no_json_of_freeswitchs_is_refused_when_it_is_looked_into(data: bytes) -> None:
    event = json_event(data)
    with pytest.raises(RemoteProtocolError, match="an event"):
        _ = event.headers
    with pytest.raises(RemoteProtocolError):
        _ = event.name


def test_json_of_any_depth_is_a_protocol_error_and_nothing_else() -> None:
    for depth in range(1, 1100):
        event = json_event(b'{"a":' + b"[" * depth + b"7" + b"]" * depth + b"}")
        with pytest.raises(RemoteProtocolError):
            _ = event.headers


@pytest.mark.parametrize(
    "data",
    [b"", b"Event-Name: DTMF\n\n", b"<event></event>", b"<headers>", b"</headers><headers>", b"{}"],
)
def test_an_event_that_is_no_xml_of_freeswitchs_is_refused_when_it_is_looked_into(data: bytes) -> None:
    event = xml_event(data)
    assert event.body == ""
    with pytest.raises(RemoteProtocolError, match="an event without <headers>"):
        _ = event.headers


def test_a_broken_event_says_so_as_often_as_it_is_asked() -> None:
    event = json_event(b"{")
    for _ in range(2):
        with pytest.raises(RemoteProtocolError):
            event.get("Event-Name")


def test_an_error_shows_only_the_beginning_of_an_event() -> None:
    with pytest.raises(RemoteProtocolError) as caught:
        json_event(b"x" * 10000).get("Event-Name")
    assert len(str(caught.value)) < 100


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)
MARKUP = st.lists(
    st.sampled_from(
        b"<event>|<headers>|</headers>|<a>|</a>|<a/>|<body>|</body>|<variable_x>|</variable_x>|%4|%41|&amp;|&#9;|&#|9"
        b"|\n|\xe9|<|>|/|x".split(b"|")
    ),
    max_size=20,
).map(b"".join)


@settings(deadline=None, max_examples=300)
@given(data=st.binary(max_size=80) | MARKUP, event_format=st.sampled_from(EventFormat))
def test_any_bytes_can_be_an_event(data: bytes, event_format: EventFormat) -> None:
    everything(Event(data, event_format))
    everything(Event(b"<headers>" + data + b"</headers><body>" + data + b"</body>", EventFormat.XML))


@settings(deadline=None, max_examples=100)
@given(value=JSON_VALUES)
def test_any_json_can_be_an_event(value: object) -> None:
    everything(json_event(json.dumps(value).encode()))
    everything(json_event(json.dumps({"Event-Name": value}).encode()))


@settings(deadline=None, max_examples=300)
@given(
    event=st.sampled_from(EVENTS),
    place=st.integers(0, 700),
    length=st.integers(0, 5),
    replacement=st.binary(max_size=4),
)
def test_a_damaged_event_tells_what_it_can(
    event: tuple[bytes, EventFormat], place: int, length: int, replacement: bytes
) -> None:
    data, event_format = event
    everything(Event(data[:place] + replacement + data[place + length :], event_format))


def test_bytes_that_are_no_utf_8_are_the_same_in_the_lines_of_every_form() -> None:
    xml = b"<event>\n  <headers>\n    <Event-Name>CUSTOM</Event-Name>\n    <X>caf%E9</X>\n  </headers>\n</event>\n"
    assert Event(xml, EventFormat.XML).block == b"Event-Name: CUSTOM\nX: caf%E9\n"
    assert Event(b'{"X":"caf\xe9","Y":"\\ud800"}', EventFormat.JSON).block == b"X: caf%E9\nY: %3F\n"


def test_a_broken_event_can_be_shown() -> None:
    assert repr(Event(b"{", EventFormat.JSON)) == "<Event of broken json 1 bytes>"
    assert repr(Event(b"<", EventFormat.XML)) == "<Event of broken xml 1 bytes>"


def test_an_event_that_ends_without_a_line_feed_is_read_whole() -> None:
    event = Event(b"Event-Name: DTMF")
    assert (event.name, event["event-name"], event.headers.pairs()) == ("DTMF", "DTMF", [("Event-Name", "DTMF")])
